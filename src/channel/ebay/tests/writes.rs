//! Writes, and what became of each of their entries.

use super::*;
use crate::channel::Adjustment;
use crate::domain::Delta;

const MUG: &str = "110000000001";
const TEE_S: &str = "110000000002/TEE-S";
const TEE_M: &str = "110000000002/TEE-M";

// Entries that a partly failed answer leaves out are sent once more, alone, to learn why (5.1).
#[tokio::test(start_paused = true)]
async fn what_an_answer_leaves_out_is_sent_alone() {
    let mismatch = error("21916799", "RequestError", "The SKU is not part of the item.");
    let done = "<InventoryStatus><SKU/><ItemID>110000000001</ItemID></InventoryStatus>\
        <InventoryStatus><SKU>TEE-S</SKU><ItemID>110000000002</ItemID></InventoryStatus>";
    let (web, script) = ebay(&[
        (200, NO_INVENTORY.to_owned()),
        (200, revised("PartialFailure", &format!("{mismatch}{done}"))),
        (200, revised("Failure", &mismatch)),
    ]);
    let outcomes = web.set(&[update(TEE_M, 0), update(MUG, 6), update(TEE_S, 3)], "k").await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Gone), "{outcomes:?}");
    assert!(matches!(outcomes[1], Outcome::Done { echo: Some(Level(6)) }), "{outcomes:?}");
    assert!(matches!(outcomes[2], Outcome::Done { echo: Some(Level(3)) }), "{outcomes:?}");
    assert_eq!(script.asked(), ["inventory_item", "ReviseInventoryStatus", "ReviseInventoryStatus"]);
    let body = script.body(1);
    assert!(body.contains("<SKU>TEE-S</SKU><ItemID>110000000002</ItemID><Quantity>3</Quantity>"), "{body}");
    assert!(!body.contains("StartPrice") && !script.body(2).contains("TEE-S"));
}

// proves F1, X3: what an answer left out may have been written; where it cannot be asked again, nobody says that it was not.
#[tokio::test(start_paused = true)]
async fn what_an_answer_leaves_out_is_unknown_till_it_is_said() {
    let broken = (200, "<?xml version=\"1.0\"?><ReviseInventoryStatusResponse>".to_owned());
    let (web, _) = ebay(&[(200, NO_INVENTORY.to_owned()), (200, revised("Success", "")), broken]);
    let outcomes = web.set(&[update(TEE_M, 0), update(MUG, 6), update(TEE_S, 3)], "k").await.unwrap();
    let unknown = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Unknown(_))).count();
    assert_eq!(unknown, 3, "{outcomes:?}");
}

// Four entries a call, and the variations of one listing together: each call counts as one revision (H4).
#[tokio::test(start_paused = true)]
async fn calls_are_few() {
    let (web, script) = ebay(&[(200, NO_INVENTORY.to_owned()), (200, revised("Success", ""))]);
    let keys = ["1", "2/A", "3", "2/B", "4", "2/C", "nonsense"];
    let answer: String = ["1", "2/A", "3", "2/B", "4", "2/C"]
        .iter()
        .map(|key| {
            let (item, sku) = key.split_once('/').unwrap_or((key, ""));
            format!("<InventoryStatus><SKU>{sku}</SKU><ItemID>{item}</ItemID></InventoryStatus>")
        })
        .collect();
    script.answers.lock().unwrap().pop_back();
    script.add(200, &revised("Warning", &answer));
    let batch: Vec<Update> = keys.iter().map(|key| update(key, 5)).collect();
    let outcomes = web.set(&batch, "k").await.unwrap();
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert_eq!((done, script.asked().len()), (6, 3));
    assert!(matches!(outcomes[6], Outcome::Gone));
    assert_eq!(script.body(1).matches("<ItemID>2</ItemID>").count(), 3);
}

// proves F5: what Trading says of one entry decides about that entry alone.
#[tokio::test(start_paused = true)]
async fn what_trading_says_of_an_entry() {
    let removed = "<Errors><LongMessage>Variation removed.</LongMessage><ErrorCode>21916620</ErrorCode>\
        <SeverityCode>Warning</SeverityCode><ErrorClassification>RequestError</ErrorClassification></Errors>";
    let mut told = Vec::new();
    for (ack, rest) in [
        ("Failure", error("21917091", "RequestError", "Requested data is the same.")),
        ("Warning", removed.to_owned()),
        ("Failure", error("21916750", "RequestError", "This item has ended.")),
        ("Failure", error("21916583", "RequestError", "Variation required.")),
        ("Failure", error("77", "RequestError", "You may revise this listing 250 times a day.")),
        ("Failure", error("77", "RequestError", "The price is odd.")),
    ] {
        let gone = xml("GetItem", "Failure", &error("17", "RequestError", "Item cannot be accessed."));
        let answers = [(200, NO_INVENTORY.to_owned()), (200, revised(ack, &rest)), (200, gone)];
        let (web, _) = ebay(&answers);
        let outcome = web.set(&[update(TEE_M, 0)], "k").await.unwrap().remove(0);
        told.push(match outcome {
            Outcome::Refused(error) => format!("{error}\n    next: {}", error.next.as_deref().unwrap_or("-")),
            outcome => format!("{outcome:?}"),
        });
    }
    insta::assert_snapshot!(told.join("\n"));
}

// A listing of the Inventory API takes both of its numbers there, and is found by its published offer (5.4).
#[tokio::test(start_paused = true)]
async fn listings_of_the_inventory_api_are_written_there() {
    let known = json!({ "responses": [
        { "statusCode": 200, "sku": "MUG-BLUE", "inventoryItem": { "availability": { "shipToLocationAvailability": { "quantity": 7 } } } },
        { "statusCode": 404, "sku": "TEE-S", "errors": [{ "errorId": 25702 }] } ] });
    let offers = json!({ "total": 1, "offers": [{ "offerId": "36445435465", "sku": "MUG-BLUE", "marketplaceId": "EBAY_DE",
        "format": "FIXED_PRICE", "availableQuantity": 7, "status": "PUBLISHED",
        "listing": { "listingId": "110000000001", "listingStatus": "ACTIVE", "soldQuantity": 2 } }] });
    let written = json!({ "responses": [{ "statusCode": 200, "sku": "MUG-BLUE", "offerId": "36445435465" }] });
    let (web, script) = ebay(&[
        (200, r#"{"total":2}"#.to_owned()),
        (200, item(MUG, 9, 2, "<SKU>MUG-BLUE</SKU>")),
        (200, known.to_string()),
        (200, offers.to_string()),
        (207, written.to_string()),
        (200, revised("Success", "<InventoryStatus><SKU>TEE-S</SKU><ItemID>110000000002</ItemID></InventoryStatus>")),
        (200, written.to_string()),
    ]);
    let outcomes = web.set(&[update(MUG, 6), update(TEE_S, 3)], "k").await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done { .. })), "{outcomes:?}");
    let body: Json = serde_json::from_str(&script.body(4)).unwrap();
    let entry = json!({ "sku": "MUG-BLUE", "shipToLocationAvailability": { "quantity": 6 },
        "offers": [{ "offerId": "36445435465", "availableQuantity": 6 }] });
    assert_eq!(body, json!({ "requests": [entry] }));
    web.set(&[update(MUG, 5)], "k").await.unwrap();
    let asked = script.asked();
    assert_eq!(asked[6..], ["bulk_update_price_quantity"], "how it was made is remembered");
    assert_eq!(asked[..4], ["inventory_item", "GetItem", "bulk_get_inventory_item", "offer"]);
}

/// Lets an account know its tees for goods of the Inventory API.
fn with_offers(web: &Ebay, keys: &[&str]) {
    let offer = |key: &&str| {
        let key = keys::Key::parse(&ListingKey::new(key)).unwrap();
        let sku = key.sku.clone().unwrap();
        let id = format!("o-{sku}");
        (
            key,
            inventory::Offer {
                id,
                sku,
                marketplace: "EBAY_DE".into(),
                group: None,
                distributed: false,
                on_hold: false,
            },
        )
    };
    keys.iter().map(offer).for_each(|(key, offer)| web.inventory.note(&key, Some(offer)));
}

// Each entry is judged by its own status, whatever the status of the call is; what is left out is unknown.
#[tokio::test(start_paused = true)]
async fn each_offer_is_judged_by_its_own_status() {
    let written = json!({ "responses": [
        { "statusCode": 200, "sku": "A", "offerId": "o-A" },
        { "statusCode": 400, "sku": "B", "offerId": "o-B", "errors": [
            { "errorId": 25002, "domain": "API_INVENTORY", "category": "REQUEST", "message": "User error." }] },
        { "statusCode": 404, "sku": "C", "offerId": "o-C", "errors": [{ "errorId": 25713 }] },
        { "statusCode": 500, "sku": "D", "offerId": "o-D", "errors": [{ "errorId": 25001 }] },
    ] });
    let classic = revised("Success", "<InventoryStatus><SKU>C</SKU><ItemID>9</ItemID></InventoryStatus>");
    let (web, script) = ebay(&[(200, written.to_string()), (200, classic)]);
    let keys = ["9/A", "9/B", "9/C", "9/D", "9/E"];
    with_offers(&web, &keys);
    let outcomes = web.set(&keys.map(|key| update(key, 5)), "k").await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Done { .. }));
    assert!(matches!(&outcomes[1], Outcome::Refused(error) if error.message.contains("User error")));
    assert!(matches!(outcomes[2], Outcome::Done { .. }), "it is a classic one now: {:?}", outcomes[2]);
    assert!(matches!(outcomes[3], Outcome::Unknown(_)) && matches!(outcomes[4], Outcome::Unknown(_)));
    assert_eq!(script.asked(), ["bulk_update_price_quantity", "ReviseInventoryStatus"]);
}

// Where eBay takes one entry a call only, that is found out once (5.4).
#[tokio::test(start_paused = true)]
async fn a_call_that_takes_one_entry_is_found_out() {
    let refused = json!({ "errors": [{ "errorId": 25727, "message": "Too many entries." }] }).to_string();
    let one = |sku: &str| {
        json!({ "responses": [{ "statusCode": 200, "sku": sku, "offerId": format!("o-{sku}") }] }).to_string()
    };
    let (web, script) = ebay(&[(400, refused), (200, one("A")), (200, one("B")), (200, one("A")), (200, one("B"))]);
    with_offers(&web, &["9/A", "9/B"]);
    for _ in 0..2 {
        let outcomes = web.set(&[update("9/A", 5), update("9/B", 5)], "k").await.unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done { .. })), "{outcomes:?}");
    }
    assert_eq!(script.asked().len(), 5, "one refused, then two and two");
}

// Trading refuses a listing that was made through the Inventory API: it is found there and written there.
#[tokio::test(start_paused = true)]
async fn a_listing_that_trading_refuses_is_looked_for_elsewhere() {
    let words = "Inventory-based listing management is not currently supported by this tool.";
    let known = json!({ "responses": [{ "statusCode": 200, "sku": "TEE-S", "inventoryItem": {} }] });
    let offers =
        json!({ "offers": [{ "offerId": "7", "status": "PUBLISHED", "listing": { "listingId": "110000000002" } }] });
    let written = json!({ "responses": [{ "statusCode": 200, "sku": "TEE-S", "offerId": "7" }] });
    let refused = revised("Failure", &error("21919474", "RequestError", words));
    let answers = [
        (200, NO_INVENTORY.to_owned()),
        (200, refused.clone()),
        (200, known.to_string()),
        (200, offers.to_string()),
        (200, written.to_string()),
    ];
    let (web, script) = ebay(&answers);
    let outcomes = web.set(&[update(TEE_S, 3)], "k").await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Done { .. }), "{outcomes:?}");
    assert_eq!(script.asked()[4], "bulk_update_price_quantity");
    let nowhere = json!({ "responses": [] }).to_string();
    let (web, _) = ebay(&[(200, NO_INVENTORY.to_owned()), (200, refused), (200, nowhere)]);
    let outcomes = web.set(&[update(TEE_S, 3)], "k").await.unwrap();
    assert!(matches!(&outcomes[0], Outcome::Refused(error) if error.message.contains("cannot be found")));
}

// A lost answer is unknown; one that was never taken, for want of calls, goes again.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_no_failure() {
    let (web, _) = ebay(&[(200, NO_INVENTORY.to_owned()), (502, "<html>".to_owned())]);
    let error = web.set(&[update(MUG, 3)], "k").await.unwrap_err();
    assert!(error.may_have_landed(), "{error}");
    // Nor is one that does not say whether it worked.
    let echo = format!("<InventoryStatus><ItemID>{MUG}</ItemID></InventoryStatus>");
    let (web, _) = ebay(&[(200, NO_INVENTORY.to_owned()), (200, revised("", &echo))]);
    let error = web.set(&[update(MUG, 3)], "k").await.unwrap_err();
    assert!(error.may_have_landed(), "{error}");
    let done = "<InventoryStatus><ItemID>1</ItemID></InventoryStatus><InventoryStatus><ItemID>2</ItemID></InventoryStatus>\
        <InventoryStatus><ItemID>3</ItemID></InventoryStatus><InventoryStatus><ItemID>4</ItemID></InventoryStatus>";
    let full = revised("Failure", &error_518());
    let (web, _) = ebay(&[(200, NO_INVENTORY.to_owned()), (200, revised("Success", done)), (200, full)]);
    let batch: Vec<Update> = ["1", "2", "3", "4", "5"].iter().map(|key| update(key, 3)).collect();
    let outcomes = web.set(&batch, "k").await.unwrap();
    assert!(matches!(outcomes[3], Outcome::Done { .. }) && matches!(outcomes[4], Outcome::NotSent), "{outcomes:?}");
    // Whether it is the day's limit or a burst's, eBay is asked; where it does not say, it is the day's.
    assert!(web.quota().is_none());
    web.limits.refresh(&web.api).await;
    assert_eq!(web.quota().unwrap().left, 0);
}

fn error_518() -> String {
    error("518", "RequestError", "Call usage limit has been reached.")
}

fn adjustment(before: i64, delta: i64, counter: Option<i64>) -> Adjustment {
    let (delta, before) = (Delta(delta), Level(before));
    Adjustment { key: ListingKey::new(MUG), delta, before, counter, places: Vec::new(), hide: false }
}

async fn adjust(web: &Ebay, attempt: Attempt) -> Outcome {
    let call = web.prepare(&[adjustment(10, -2, Some(40))], "key-7").await.unwrap();
    web.adjust(&call, attempt).await.unwrap().remove(0)
}

// proves X3: what eBay sold since is not given back; the engine reads again, and has written anew what was run over.
#[tokio::test(start_paused = true)]
async fn a_goal_is_written_less_what_was_sold_since() {
    let done = revised("Success", "<InventoryStatus><ItemID>110000000001</ItemID></InventoryStatus>");
    // Three were sold since: 7 are there.
    let (web, script) = ebay(&[(200, item(MUG, 50, 43, "")), (200, NO_INVENTORY.to_owned()), (200, done)]);
    let outcome = adjust(&web, Attempt::First).await;
    assert!(matches!(outcome, Outcome::Done { echo: Some(Level(5)) }), "{outcome:?}");
    assert_eq!(script.asked(), ["GetItem", "inventory_item", "ReviseInventoryStatus"]);
    assert!(script.body(2).contains("<Quantity>5</Quantity>"));
}

// proves X3: what is reached is not written again, what fits neither number is not touched, a lost answer is unknown.
#[tokio::test(start_paused = true)]
async fn a_goal_may_be_sent_again() {
    let (web, script) = ebay(&[(200, item(MUG, 48, 43, ""))]);
    let outcome = adjust(&web, Attempt::Again).await;
    assert!(matches!(outcome, Outcome::Done { echo: Some(Level(5)) }), "{outcome:?}");
    assert_eq!(script.asked(), ["GetItem"]);
    let (web, script) = ebay(&[(200, item(MUG, 52, 43, ""))]);
    assert!(matches!(adjust(&web, Attempt::Again).await, Outcome::Stale), "9 fits neither, with 3 sold since");
    assert_eq!(script.asked(), ["GetItem"]);
    let answers = [(200, item(MUG, 50, 40, "")), (200, NO_INVENTORY.to_owned()), (502, "<html>".to_owned())];
    let (web, script) = ebay(&answers);
    assert!(matches!(adjust(&web, Attempt::First).await, Outcome::Unknown(_)));
    assert_eq!(script.asked().len(), 3, "what may have landed is not sent by itself");
    let gone = xml("GetItem", "Failure", &error("17", "RequestError", "Item cannot be accessed."));
    let (web, _) = ebay(&[(200, gone)]);
    assert!(matches!(adjust(&web, Attempt::First).await, Outcome::Gone));
}

// proves X8, Z1, Z4: what is ended by us comes back once, with a unit that is sure to be there, under the key that is told;
// what somebody else put up again is left to him.
#[tokio::test(start_paused = true)]
async fn what_was_ended_is_put_up_again_once() {
    let over = |more: &str| {
        let fields = format!("<ListingDetails>{more}<EndingReason>NotAvailable</EndingReason></ListingDetails>");
        let status =
            "<SellingStatus><QuantitySold>5</QuantitySold><ListingStatus>Completed</ListingStatus></SellingStatus>";
        xml("GetItem", "Success", &format!("<Item><ItemID>{MUG}</ItemID><Quantity>5</Quantity>{fields}{status}</Item>"))
    };
    let ended = error("291", "RequestError", "The listing has ended.");
    let (web, script) = ebay(&[
        (200, item(MUG, 5, 5, "")),
        (200, NO_INVENTORY.to_owned()),
        (200, item(MUG, 5, 5, "")),
        (200, xml("EndFixedPriceItem", "Success", "<EndTime>2026-11-23T07:00:02.000Z</EndTime>")),
        (200, over("")),
        (200, revised("Failure", &ended)),
        (200, over("")),
        (200, xml("RelistFixedPriceItem", "Success", "<ItemID>110000000099</ItemID>")),
        (200, over("<RelistedItemID>110000000099</RelistedItemID>")),
    ]);
    let key = ListingKey::new(MUG);
    let standing = web.standing(&key).await.unwrap().unwrap();
    assert!(standing.live, "at 0 it is still up");
    let former = standing.former;
    assert!(matches!(web.show(&key, &Showing::End { former: former.clone() }).await.unwrap(), Outcome::Done { .. }));
    assert!(!web.standing(&key).await.unwrap().unwrap().live);
    let outcome = web.set(&[update(MUG, 4)], "k").await.unwrap().remove(0);
    assert!(matches!(outcome, Outcome::Gone), "no number is told as written that is not: {outcome:?}");
    let show = Showing::Show { former };
    let outcome = web.show(&key, &show).await.unwrap();
    let new = ListingKey::new("110000000099");
    assert!(matches!(&outcome, Outcome::Anew { key, level: Level(1) } if *key == new), "{outcome:?}");
    assert!(script.body(7).contains("<Item><ItemID>110000000001</ItemID><Quantity>1</Quantity></Item>"));
    let standing = web.standing(&key).await.unwrap().unwrap();
    assert_eq!((standing.live, standing.anew), (false, Some(new)));
    assert!(matches!(web.show(&key, &show).await.unwrap(), Outcome::Gone));
    assert_eq!(script.asked().iter().filter(|asked| *asked == "RelistFixedPriceItem").count(), 1);
}

// proves Z4: what ended is not put up again, which may cost an insertion fee, unless the owner allowed that.
#[tokio::test(start_paused = true)]
async fn nothing_is_relisted_that_may_cost_a_fee() {
    let over = "<ListingDetails><EndingReason>NotAvailable</EndingReason></ListingDetails>\
        <SellingStatus><QuantitySold>3</QuantitySold><ListingStatus>Completed</ListingStatus></SellingStatus>";
    let over = format!("<Item><ItemID>{MUG}</ItemID><Quantity>3</Quantity>{over}</Item>");
    let (mut web, script) = ebay(&[(200, xml("GetItem", "Success", &over))]);
    web.fees = false;
    let show = Showing::Show { former: "{}".to_owned() };
    let outcome = web.show(&ListingKey::new(MUG), &show).await.unwrap();
    let Outcome::Refused(error) = outcome else { panic!("{outcome:?}") };
    assert!(
        error.message.contains("insertion fee") && error.next.unwrap().contains("`fees = true` in [channels.ebay]")
    );
    assert_eq!(script.asked(), ["GetItem"]);
}

// A listing is not ended while another of its variations can be bought.
#[tokio::test(start_paused = true)]
async fn a_listing_with_stock_is_not_ended() {
    let variation = |sku: &str, total: i64| {
        let status = "<SellingStatus><QuantitySold>2</QuantitySold></SellingStatus>";
        format!("<Variation><SKU>{sku}</SKU><Quantity>{total}</Quantity>{status}</Variation>")
    };
    let both = format!("<Variations>{}{}</Variations>", variation("TEE-S", 5), variation("TEE-M", 2));
    let (web, script) = ebay(&[(200, item("110000000002", 7, 4, &both))]);
    let act = Showing::End { former: "{}".to_owned() };
    let outcome = web.show(&ListingKey::new(TEE_M), &act).await.unwrap();
    assert!(matches!(&outcome, Outcome::Refused(error) if error.message.contains("other variations")), "{outcome:?}");
    assert_eq!(script.asked(), ["GetItem"]);
}

// What was made through the Inventory API is ended and brought back there, a group of variations as a whole (6).
#[tokio::test(start_paused = true)]
async fn an_offer_is_withdrawn_and_published() {
    let status = |state: &str| {
        format!("<SellingStatus><QuantitySold>2</QuantitySold><ListingStatus>{state}</ListingStatus></SellingStatus>")
    };
    let tee = |state: &str| {
        let variation = format!("<Variation><SKU>TEE-S</SKU><Quantity>2</Quantity>{}</Variation>", status("Active"));
        let fields = format!("{}<Variations>{variation}</Variations>", status(state));
        xml("GetItem", "Success", &format!("<Item><ItemID>110000000002</ItemID><Quantity>2</Quantity>{fields}</Item>"))
    };
    let known = json!({ "responses": [{ "statusCode": 200, "sku": "TEE-S", "inventoryItem": { "inventoryItemGroupKeys": ["TEES"] } }] });
    let offers = json!({ "offers": [{ "offerId": "7", "marketplaceId": "EBAY_DE", "status": "PUBLISHED",
        "listing": { "listingId": "110000000002" } }] });
    let (web, script) = ebay(&[
        (200, tee("Active")),
        (200, r#"{"total":1}"#.to_owned()),
        (200, known.to_string()),
        (200, offers.to_string()),
        (200, tee("Active")),
        (200, String::new()),
        (200, tee("Completed")),
        (200, r#"{"listingId":"110000000077"}"#.to_owned()),
    ]);
    let key = ListingKey::new(TEE_S);
    let former = web.standing(&key).await.unwrap().unwrap().former;
    let ended = web.show(&key, &Showing::End { former: former.clone() }).await.unwrap();
    assert!(matches!(ended, Outcome::Done { .. }), "{ended:?}");
    let shown = web.show(&key, &Showing::Show { former }).await.unwrap();
    let new = ListingKey::new("110000000077/TEE-S");
    assert!(matches!(&shown, Outcome::Anew { key, level: Level(0) } if *key == new), "{shown:?}");
    let asked = script.asked();
    assert_eq!(
        (asked[5].as_str(), asked[7].as_str()),
        ("withdraw_by_inventory_item_group", "publish_by_inventory_item_group")
    );
    let body: Json = serde_json::from_str(&script.body(7)).unwrap();
    assert_eq!(body, json!({ "inventoryItemGroupKey": "TEES", "marketplaceId": "EBAY_DE" }));
}

/// A mug whose offer was withdrawn, as Trading shows it.
fn withdrawn() -> String {
    let over = "<ListingDetails><EndingReason>NotAvailable</EndingReason></ListingDetails>\
        <SellingStatus><QuantitySold>2</QuantitySold><ListingStatus>Completed</ListingStatus></SellingStatus>";
    xml("GetItem", "Success", &format!("<Item><ItemID>{MUG}</ItemID><Quantity>2</Quantity>{over}</Item>"))
}

/// Shows a listing that an offer had published; `distributed`: its stock was kept by warehouse then.
fn show_offer(distributed: bool) -> Showing {
    let offer = json!({ "id": "7", "sku": "MUG-BLUE", "marketplace": "EBAY_US", "group": null,
        "distributed": distributed, "on_hold": false });
    Showing::Show { former: json!({ "offer": offer }).to_string() }
}

// proves P1, P5, Z1, X8: an offer is judged by what it holds itself: one unit at most is published, and where that cannot be
// seen to, or somebody published it already, nothing is.
#[tokio::test(start_paused = true)]
async fn an_offer_is_judged_by_what_it_holds() {
    let key = ListingKey::new(MUG);
    let offer = |more: Json| {
        let mut offer = json!({ "offerId": "7", "status": "UNPUBLISHED" });
        offer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (200, offer.to_string())
    };
    let published = (200, r#"{"listingId":"110000000077"}"#.to_owned());
    let stands = |distributions: Json| {
        let item = json!({ "availability": { "shipToLocationAvailability": {
            "availabilityDistributions": distributions } } });
        (200, json!({ "responses": [{ "statusCode": 200, "sku": "MUG-BLUE", "inventoryItem": item }] }).to_string())
    };
    let capped = (200, r#"{"responses":[{"statusCode":200,"sku":"MUG-BLUE"}]}"#.to_owned());
    let nine = || offer(json!({ "availableQuantity": 9 }));
    let answers = [(200, withdrawn()), nine(), stands(json!([])), capped, published.clone()];
    let (web, script) = ebay(&answers);
    let outcome = web.show(&key, &show_offer(true)).await.unwrap();
    assert!(matches!(&outcome, Outcome::Anew { level: Level(1), .. }), "what it is now counts: {outcome:?}");
    let body: Json = serde_json::from_str(&script.body(3)).unwrap();
    let stock = json!({ "quantity": 1 });
    assert_eq!(body, json!({ "requests": [{ "sku": "MUG-BLUE", "shipToLocationAvailability": stock }] }));

    let (web, script) = ebay(&[(200, withdrawn()), offer(json!({ "availableQuantity": 0 })), published]);
    let outcome = web.show(&key, &show_offer(false)).await.unwrap();
    assert!(matches!(&outcome, Outcome::Anew { level: Level(0), .. }), "{outcome:?}");
    assert_eq!(script.asked().len(), 3, "nothing is to be lowered");

    let elsewhere = json!({ "status": "PUBLISHED", "listing": { "listingId": "110000000088" } });
    let gone = (404, json!({ "errors": [{ "errorId": 25713, "message": "Not available." }] }).to_string());
    for answer in [offer(json!({})), offer(elsewhere), gone] {
        let (web, script) = ebay(&[(200, withdrawn()), answer.clone()]);
        let outcome = web.show(&key, &show_offer(false)).await.unwrap();
        assert!(matches!(outcome, Outcome::Refused(_) | Outcome::Gone), "{answer:?}: {outcome:?}");
        assert_eq!(script.asked().len(), 2, "{answer:?}");
    }
    // The seller may have begun to keep its stock by warehouse since it was withdrawn.
    let warehouse = json!([{ "merchantLocationKey": "berlin", "quantity": 9 }]);
    let unknown = (200, json!({ "responses": [] }).to_string());
    for (stock, words) in [(stands(warehouse), "by warehouse"), (unknown, "no longer knows")] {
        let (web, script) = ebay(&[(200, withdrawn()), nine(), stock]);
        let outcome = web.show(&key, &show_offer(false)).await.unwrap();
        assert!(matches!(&outcome, Outcome::Refused(error) if error.message.contains(words)), "{outcome:?}");
        assert_eq!(script.asked().len(), 3, "nothing is written");
    }
}

// proves X8: an answer that does not name the new listing is looked up, not taken for a showing that failed.
#[tokio::test(start_paused = true)]
async fn a_new_listing_without_a_name_is_looked_up() {
    let nameless = xml("RelistFixedPriceItem", "Success", "<EndTime>2026-11-23T07:00:02.000Z</EndTime>");
    let (web, _) = ebay(&[(200, withdrawn()), (200, nameless)]);
    let show = Showing::Show { former: "{}".to_owned() };
    let outcome = web.show(&ListingKey::new(MUG), &show).await.unwrap();
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
}
