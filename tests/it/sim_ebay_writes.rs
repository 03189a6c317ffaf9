//! The simulated eBay takes quantities, ends and relists as the sheet of facts says. Numbers in comments are the sheet's
//! sections.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::ebay_line::{counts, face, get, is, item, rest, revise, shop, shop_of, spec, trade, verdict};
use crate::sim::ebay::{EbaySpec, ListingSpec, Zero};
use crate::sim::{Market, Rule, ShopHandle, Trouble, Turned};

/// An account that nothing keeps at 0.
fn without_control() -> (Market, ShopHandle) {
    shop_of(&EbaySpec { out_of_stock_control: false, ..spec() })
}

/// Updates SKUs of the Inventory model: SKU, number of the item, number of the offer.
async fn update(shop: &ShopHandle, entries: &[(&str, Option<i64>, Option<i64>)]) -> (u16, Value) {
    let requests = entries.iter().map(|(sku, item, offer)| {
        let mut request = json!({ "sku": sku });
        if let Some(units) = item {
            request["shipToLocationAvailability"] = json!({ "quantity": units });
        }
        if let Some(units) = offer {
            request["offers"] = json!([{ "offerId": shop.offer_id(sku), "availableQuantity": units }]);
        }
        request
    });
    let body = json!({ "requests": requests.collect::<Vec<_>>() });
    rest(shop, Method::POST, "/sell/inventory/v1/bulk_update_price_quantity", Some(body)).await
}

fn first_error(answer: &Value) -> i64 {
    answer["responses"][0]["errors"][0]["errorId"].as_i64().unwrap_or_else(|| panic!("{answer:#}"))
}

#[tokio::test(start_paused = true)]
async fn a_write_is_what_is_left_and_overwrites_a_sale() {
    // 3
    let (_, shop) = shop();
    let red = shop.item_id("MUG-RED");
    assert_eq!(counts(&shop, &red, "MUG-RED").await, (7, 0));
    shop.buy("MUG-RED", 2).unwrap();
    let answer = revise(&shop, &[(&red, "", 7)]).await;
    assert_eq!(verdict(&answer), is("Success", &[]));
    // eBay adds what it sold by itself; the two are on sale again.
    assert_eq!((shop.available("MUG-RED"), counts(&shop, &red, "MUG-RED").await), (7, (9, 2)));
    let done = answer.child("InventoryStatus").unwrap();
    assert_eq!(
        (done.said("ItemID"), done.said("SKU"), done.said("Quantity")),
        (Some(red.as_str()), Some("MUG-RED"), None)
    );
    // What is that already is told, and done.
    let same = revise(&shop, &[(&red, "", 7)]).await;
    assert_eq!((verdict(&same), same.all("InventoryStatus").count()), (is("Warning", &["21917091"]), 1));
    let truth = shop.truth("MUG-RED");
    assert_eq!((truth.written, truth.writes, truth.expected(7)), (2, 1, 7));
}

#[tokio::test(start_paused = true)]
async fn of_four_entries_those_that_failed_are_left_out() {
    // 5.1
    let (_, shop) = shop();
    let [red, blue, tee] = ["MUG-RED", "MUG-BLUE", "TEE-S"].map(|sku| shop.item_id(sku));
    let answer = revise(&shop, &[(&red, "", 6), (&tee, "TEE-L", 3), (&tee, "TEE-M", 2), (&tee, "TEE-S", 0)]).await;
    assert_eq!(verdict(&answer), is("PartialFailure", &["21916799"]));
    let done: Vec<_> = answer.all("InventoryStatus").map(|one| one.said("SKU").unwrap()).collect();
    assert_eq!(done, ["MUG-RED", "TEE-M", "TEE-S"]);
    assert_eq!(answer.said("Errors/ErrorParameters/Value"), Some("TEE-L"));
    assert_eq!(["MUG-RED", "TEE-M", "TEE-S"].map(|sku| shop.available(sku)), [6, 2, 0]);
    let five = [(red.as_str(), "", 1), (&blue, "", 1), (&tee, "TEE-S", 1), (&tee, "TEE-M", 1), (&red, "", 1)];
    assert_eq!(verdict(&revise(&shop, &five).await), is("Failure", &["21916254"]));
    assert_eq!(verdict(&revise(&shop, &[]).await), is("Failure", &["37"]));
    assert_eq!(verdict(&revise(&shop, &[(&red, "", -1)]).await), is("Failure", &["515"]));
    assert_eq!(shop.available("MUG-RED"), 6);
}

#[tokio::test(start_paused = true)]
async fn a_listing_is_found_by_its_number_or_by_what_it_is_tracked_by() {
    // 5.1, 8
    let (_, shop) = shop_of(&spec().with(ListingSpec::single("CUP", 5).by_sku()));
    let [red, tee, bowl, cup] = ["MUG-RED", "TEE-S", "BOWL", "CUP"].map(|sku| shop.item_id(sku));
    let said = async |item: &str, sku: &str| verdict(&revise(&shop, &[(item, sku, 2)]).await);
    assert_eq!(said("", "MUG-RED").await, is("Failure", &["21676"]));
    assert_eq!((said("", "CUP").await, said(&cup, "").await), (is("Success", &[]), is("Warning", &["21917091"])));
    // Where both are sent and disagree, the number counts.
    assert_eq!(
        (said(&red, "MUG-BLUE").await, shop.available("MUG-RED"), shop.available("MUG-BLUE")),
        (is("Success", &[]), 2, 3)
    );
    assert_eq!(said(&tee, "").await, is("Failure", &["21916583"]));
    assert_eq!(said("110999999999", "").await, is("Failure", &["17"]));
    // 0: the other world.
    assert_eq!(said(&bowl, "").await, is("Failure", &["21919474"]));
    shop.end_listing("MUG-RED");
    assert_eq!(said(&red, "").await, is("Failure", &["291"]));
    shop.relist("MUG-RED");
    assert_eq!(said(&red, "").await, is("Failure", &["291"]));
}

#[tokio::test(start_paused = true)]
async fn a_listing_is_revised_so_often_a_day_over_all_its_variations() {
    // 2
    let (market, shop) = shop();
    face(&shop, |face| face.revisions_a_day = 3);
    let tee = shop.item_id("TEE-S");
    for (sku, units) in [("TEE-S", 1), ("TEE-M", 1)] {
        assert_eq!(verdict(&revise(&shop, &[(&tee, sku, units)]).await), is("Success", &[]));
    }
    // Several in one call count once.
    assert_eq!(verdict(&revise(&shop, &[(&tee, "TEE-S", 2), (&tee, "TEE-M", 2)]).await), is("Success", &[]));
    let answer = revise(&shop, &[(&tee, "TEE-S", 1), (&shop.item_id("MUG-RED"), "", 1)]).await;
    assert_eq!(verdict(&answer), is("PartialFailure", &["21919144"]));
    assert!(answer.said("Errors/LongMessage").unwrap().contains("250"));
    assert_eq!((shop.available("TEE-S"), shop.available("MUG-RED")), (2, 1));
    // The day is that of eBay's home: it ends at eight.
    market.advance(Duration::from_mins(119));
    assert_eq!(verdict(&revise(&shop, &[(&tee, "TEE-S", 1)]).await), is("Failure", &["21919144"]));
    market.advance(Duration::from_mins(1));
    assert_eq!(verdict(&revise(&shop, &[(&tee, "TEE-S", 1)]).await), is("Success", &[]));
    // The other interface counts the same.
    face(&shop, |face| face.revisions_a_day = 1);
    assert_eq!(update(&shop, &[("PLATE-A", Some(1), Some(1))]).await.0, 200);
    let (status, answer) = update(&shop, &[("PLATE-B", Some(1), Some(1))]).await;
    assert_eq!((status, first_error(&answer)), (207, 25002));
}

#[tokio::test(start_paused = true)]
async fn the_account_offers_no_more_than_it_may() {
    // 2
    let (_, shop) = shop();
    let red = shop.item_id("MUG-RED");
    face(&shop, |face| face.selling_limit = Some(45));
    let privileges = get(&shop, "/sell/account/v1/privilege").await;
    assert_eq!(privileges["sellingLimit"]["quantity"], 45);
    assert_eq!(verdict(&revise(&shop, &[(&red, "", 11)]).await), is("Failure", &["21919188"]));
    assert_eq!(verdict(&revise(&shop, &[(&red, "", 10)]).await), is("Success", &[]));
    // Lowerings always go.
    face(&shop, |face| face.selling_limit = Some(1));
    assert_eq!(verdict(&revise(&shop, &[(&red, "", 2)]).await), is("Success", &[]));
}

#[tokio::test(start_paused = true)]
async fn the_control_keeps_what_shows_zero() {
    // 6
    let (_, shop) = shop();
    let [red, tee] = ["MUG-RED", "TEE-S"].map(|sku| shop.item_id(sku));
    let answer = revise(&shop, &[(&red, "", 0), (&tee, "TEE-S", 0), (&tee, "TEE-M", 0)]).await;
    assert_eq!(verdict(&answer), is("Success", &[]));
    assert_eq!(shop.buy("MUG-RED", 1), Err(Turned::SoldOut));
    assert_eq!(item(&shop, &red).await.said("SellingStatus/ListingStatus"), Some("Active"));
    assert_eq!(counts(&shop, &tee, "TEE-S").await, (0, 0));
    revise(&shop, &[(&red, "", 1), (&tee, "TEE-S", 1)]).await;
    shop.buy("MUG-RED", 1).unwrap();
    assert_eq!((shop.item_id("MUG-RED"), counts(&shop, &red, "MUG-RED").await), (red.clone(), (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn without_the_control_zero_removes_a_variation_and_ends_the_rest() {
    // 6
    let (_, shop) = without_control();
    let [red, blue, tee] = ["MUG-RED", "MUG-BLUE", "TEE-S"].map(|sku| shop.item_id(sku));
    assert_eq!(verdict(&revise(&shop, &[(&red, "", 0)]).await), is("Failure", &["515"]));
    assert_eq!(shop.available("MUG-RED"), 7);
    face(&shop, |face| face.zero = Zero::Ends);
    assert_eq!(verdict(&revise(&shop, &[(&red, "", 0)]).await), is("Success", &[]));
    assert_eq!(item(&shop, &red).await.said("SellingStatus/ListingStatus"), Some("Completed"));
    // The call succeeds, with a remark.
    let answer = revise(&shop, &[(&tee, "TEE-M", 0)]).await;
    assert_eq!((verdict(&answer), answer.all("InventoryStatus").count()), (is("Warning", &["21916620"]), 1));
    assert_eq!(shop.buy("TEE-M", 1), Err(Turned::NotForSale));
    assert_eq!(item(&shop, &tee).await.child("Variations").unwrap().children.len(), 1);
    assert_eq!(verdict(&revise(&shop, &[(&tee, "TEE-M", 4)]).await), is("Failure", &["21916799"]));
    // The last unit ends a listing, by whatever way it goes.
    shop.buy("MUG-BLUE", 3).unwrap();
    assert_eq!(item(&shop, &blue).await.said("ListingDetails/EndingReason"), Some("NotAvailable"));
    revise(&shop, &[(&tee, "TEE-S", 0)]).await;
    assert_eq!(item(&shop, &tee).await.said("SellingStatus/ListingStatus"), Some("Completed"));
}

#[tokio::test(start_paused = true)]
async fn the_control_is_switched_on_at_once_by_trading_and_some_time_by_rest() {
    // 6
    let (market, shop) = without_control();
    let wanted = [
        "BidderNotice",
        "CombinedPayment",
        "SellerPayment",
        "UnpaidItemAssistance",
        "SellerProfile",
        "OutOfStockControl",
    ];
    let wanted: String = wanted
        .iter()
        .map(|name| {
            let one = matches!(*name, "UnpaidItemAssistance" | "OutOfStockControl");
            let tag = format!("Show{name}Preference{}", if one { "" } else { "s" });
            format!("<{tag}>{one}</{tag}>")
        })
        .collect();
    let told = async || {
        let answer = trade(&shop, "GetUserPreferences", &wanted).await;
        let said = |path: &str| answer.said(path).unwrap() == "true";
        (said("OutOfStockControlPreference"), said("UnpaidItemAssistancePreferences/AutoRelist"))
    };
    let programs = async || {
        let all = get(&shop, "/sell/account/v1/program/get_opted_in_programs").await;
        all["programs"].as_array().unwrap().contains(&json!({ "programType": "OUT_OF_STOCK_CONTROL" }))
    };
    assert_eq!((told().await, programs().await), ((false, false), false));
    let answer = trade(&shop, "GetUserPreferences", &wanted).await;
    assert_eq!(answer.said("UnpaidItemAssistancePreferences/DelayBeforeOpeningDispute"), Some("4"));
    let set = "<UnpaidItemAssistancePreferences><AutoRelist>true</AutoRelist></UnpaidItemAssistancePreferences>\
               <OutOfStockControlPreference>true</OutOfStockControlPreference>";
    assert_eq!(verdict(&trade(&shop, "SetUserPreferences", set).await), is("Success", &[]));
    assert_eq!((told().await, programs().await), ((true, true), true));
    let opt = async |path: &str, program: &str| {
        let body = json!({ "programType": program });
        rest(&shop, Method::POST, &format!("/sell/account/v1/program/{path}"), Some(body)).await
    };
    assert_eq!(opt("opt_in", "OUT_OF_STOCK_CONTROL").await.0, 409);
    assert_eq!(opt("opt_out", "OUT_OF_STOCK_CONTROL").await.0, 200);
    face(&shop, |face| face.opt_in_takes = Duration::from_hours(24));
    assert_eq!(opt("opt_in", "OUT_OF_STOCK_CONTROL").await.0, 200);
    assert!(!programs().await);
    market.advance(Duration::from_hours(24));
    assert!(programs().await);
    assert_eq!(opt("opt_in", "NONE").await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_listing_ends_and_is_listed_again_under_a_new_number() {
    // 6
    let (market, shop) = shop();
    let red = shop.item_id("MUG-RED");
    shop.buy("MUG-RED", 2).unwrap();
    let end = async |item: &str, why: &str| {
        verdict(
            &trade(&shop, "EndFixedPriceItem", &format!("<ItemID>{item}</ItemID><EndingReason>{why}</EndingReason>"))
                .await,
        )
    };
    assert_eq!(end(&red, "CustomCode").await, is("Failure", &["37"]));
    assert_eq!(end(&red, "NotAvailable").await, is("Success", &[]));
    assert_eq!(end(&red, "NotAvailable").await, is("Failure", &["291"]));
    assert_eq!(end(&shop.item_id("BOWL"), "NotAvailable").await, is("Failure", &["21919474"]));
    assert_eq!((shop.for_sale("MUG-RED"), shop.buy("MUG-RED", 1)), (false, Err(Turned::NotForSale)));
    let relist = async |item: &str, inside: &str| {
        trade(&shop, "RelistFixedPriceItem", &format!("<Item><ItemID>{item}</ItemID>{inside}</Item>")).await
    };
    // Without a quantity it comes back with what it was listed with at first.
    let answer = relist(&red, "").await;
    let new = answer.said("ItemID").unwrap().to_owned();
    assert_eq!((verdict(&answer), shop.item_id("MUG-RED")), (is("Success", &[]), new.clone()));
    assert_eq!((shop.available("MUG-RED"), counts(&shop, &new, "MUG-RED").await), (7, (7, 0)));
    assert_eq!(answer.said("Fees/Fee/Name"), Some("ListingFee"));
    assert_eq!(verdict(&relist(&red, "").await), is("Failure", &["21919067"]));
    assert_eq!(verdict(&relist(&new, "").await), is("Failure", &["21919067"]));
    end(&new, "Incorrect").await;
    assert_eq!(item(&shop, &new).await.said("ListingDetails/EndingReason"), Some("Incorrect"));
    assert_eq!(verdict(&relist(&new, "<Quantity>0</Quantity>").await), is("Failure", &["515"]));
    let third = relist(&new, "<Quantity>4</Quantity><InventoryTrackingMethod>SKU</InventoryTrackingMethod>").await;
    assert_eq!((verdict(&third), shop.available("MUG-RED")), (is("Success", &[]), 4));
    assert_eq!(verdict(&revise(&shop, &[("", "MUG-RED", 3)]).await), is("Success", &[]));
    // Of variations, those that had some left keep them, the others get what they had at first.
    let tee = shop.item_id("TEE-S");
    shop.buy("TEE-S", 5).unwrap();
    shop.buy("TEE-M", 1).unwrap();
    end(&tee, "NotAvailable").await;
    let variation = "<Variations><Variation><SKU>TEE-M</SKU><Quantity>2</Quantity></Variation></Variations>";
    relist(&tee, variation).await;
    assert_eq!((shop.available("TEE-S"), shop.available("TEE-M")), (5, 2));
    // It is kept for ninety days.
    let blue = shop.item_id("MUG-BLUE");
    end(&blue, "NotAvailable").await;
    market.advance(Duration::from_hours(91 * 24));
    assert_eq!(verdict(&relist(&blue, "").await), is("Failure", &["17"]));
}

#[tokio::test(start_paused = true)]
async fn of_two_numbers_the_lower_is_on_sale() {
    // 3, 5.4
    let (_, shop) = shop();
    let bowl = async || {
        let item = get(&shop, "/sell/inventory/v1/inventory_item/BOWL").await;
        let offers = get(&shop, "/sell/inventory/v1/offer?sku=BOWL").await;
        let item = item["availability"]["shipToLocationAvailability"]["quantity"].as_i64().unwrap();
        (item, offers["offers"][0]["availableQuantity"].as_i64().unwrap(), shop.available("BOWL"))
    };
    let (status, answer) = update(&shop, &[("BOWL", Some(9), None)]).await;
    assert_eq!((status, answer), (200, json!({ "responses": [{ "statusCode": 200, "sku": "BOWL" }] })));
    assert_eq!(bowl().await, (9, 6, 6));
    let (_, answer) = update(&shop, &[("BOWL", Some(9), Some(9))]).await;
    let offer = shop.offer_id("BOWL");
    assert_eq!(answer, json!({ "responses": [{ "statusCode": 200, "sku": "BOWL", "offerId": offer }] }));
    assert_eq!(bowl().await, (9, 9, 9));
    update(&shop, &[("BOWL", None, Some(2))]).await;
    assert_eq!(bowl().await, (9, 2, 2));
    shop.buy("BOWL", 1).unwrap();
    assert_eq!(bowl().await, (8, 1, 1));
    face(&shop, |face| face.ship_to_falls = false);
    update(&shop, &[("BOWL", Some(5), Some(5))]).await;
    shop.buy("BOWL", 1).unwrap();
    assert_eq!(bowl().await, (5, 4, 4));
    let (status, _) = update(&shop, &[("BOWL", Some(0), Some(0))]).await;
    let offers = get(&shop, "/sell/inventory/v1/offer?sku=BOWL").await;
    assert_eq!((status, &offers["offers"][0]["listing"]["listingStatus"]), (200, &json!("OUT_OF_STOCK")));
}

#[tokio::test(start_paused = true)]
async fn each_entry_has_a_status_of_its_own() {
    // 5.4, 9
    let (market, shop) = shop();
    let (status, answer) = update(&shop, &[("BOWL", Some(1), Some(1)), ("PLATE-A", Some(-1), Some(1))]).await;
    let codes = [0, 1].map(|nth| answer["responses"][nth]["statusCode"].as_i64().unwrap());
    assert_eq!((status, codes), (207, [200, 400]));
    assert_eq!((shop.available("BOWL"), shop.available("PLATE-A")), (1, 8));
    let raw = async |request: Value| {
        let body = json!({ "requests": [request] });
        first_error(&rest(&shop, Method::POST, "/sell/inventory/v1/bulk_update_price_quantity", Some(body)).await.1)
    };
    assert_eq!(raw(json!({ "sku": "MUG-RED", "shipToLocationAvailability": { "quantity": 1 } })).await, 25702);
    assert_eq!(raw(json!({ "sku": "BOWL" })).await, 25709);
    let other = json!([{ "offerId": shop.offer_id("PLATE-A"), "availableQuantity": 1 }]);
    assert_eq!(raw(json!({ "sku": "BOWL", "offers": other })).await, 25002);
    let offer = json!({ "offerId": shop.offer_id("BOWL"), "availableQuantity": 1 });
    assert_eq!(raw(json!({ "sku": "BOWL", "offers": [offer, offer] })).await, 25002);
    market.trouble(Rule::once(Trouble::Refuse("25001")));
    assert_eq!(first_error(&update(&shop, &[("BOWL", Some(2), Some(2))]).await.1), 25001);
    // 3: what is spread over several places has no number of its own to write.
    face(&shop, |face| face.distributed.insert("BOWL".into()));
    assert_eq!(first_error(&update(&shop, &[("BOWL", Some(2), None)]).await.1), 25002);
    let spread = get(&shop, "/sell/inventory/v1/inventory_item/BOWL").await;
    let places = &spread["availability"]["shipToLocationAvailability"]["availabilityDistributions"];
    assert_eq!(places[0]["quantity"], 1);
    face(&shop, |face| face.distributed.clear());
    // How many are taken: 25, or one.
    let many = [("BOWL", Some(3), None); 26];
    assert_eq!(update(&shop, &many[..25]).await.0, 200);
    let (status, answer) = update(&shop, &many).await;
    assert_eq!((status, &answer["errors"][0]["errorId"]), (400, &json!(25727)));
    face(&shop, |face| face.entries_per_update = 1);
    let (status, answer) = update(&shop, &many[..2]).await;
    assert_eq!((status, &answer["errors"][0]["errorId"]), (400, &json!(25709)));
    assert_eq!(update(&shop, &many[..1]).await.0, 200);
    assert_eq!(shop.calls().iter().rev().find(|call| call.writing).unwrap().items, 1);
}

#[tokio::test(start_paused = true)]
async fn offers_are_withdrawn_and_published_under_a_new_number() {
    // 6
    let (_, shop) = shop();
    let (old, offer) = (shop.item_id("BOWL"), shop.offer_id("BOWL"));
    let post = async |path: &str, body: Option<Value>| {
        rest(&shop, Method::POST, &format!("/sell/inventory/v1/offer/{path}"), body).await
    };
    let (status, answer) = post(&format!("{offer}/withdraw"), None).await;
    assert_eq!((status, &answer["listingId"]), (200, &json!(old)));
    assert!(!shop.for_sale("BOWL"));
    let shown = get(&shop, "/sell/inventory/v1/offer?sku=BOWL").await["offers"][0].clone();
    assert_eq!((&shown["status"], &shown["listing"]), (&json!("UNPUBLISHED"), &Value::Null));
    assert_eq!(first_error(&update(&shop, &[("BOWL", Some(1), Some(1))]).await.1), 25002);
    assert_eq!(post(&format!("{offer}/withdraw"), None).await.1["errors"][0]["errorId"], 25713);
    // The item alone can be written meanwhile.
    assert_eq!(update(&shop, &[("BOWL", Some(4), None)]).await.0, 200);
    let (status, answer) = post(&format!("{offer}/publish"), None).await;
    let new = shop.item_id("BOWL");
    assert_eq!((status, &answer["listingId"]), (200, &json!(new)));
    assert_ne!(new, old);
    assert_eq!(counts(&shop, &new, "BOWL").await, (4, 0));
    assert_eq!(post(&format!("{offer}/publish"), None).await.1["errors"][0]["errorId"], 25002);
    // One that its seller ended by hand is published still, as far as its offer knows.
    shop.end_listing("BOWL");
    let shown = get(&shop, "/sell/inventory/v1/offer?sku=BOWL").await["offers"][0].clone();
    assert_eq!((&shown["status"], &shown["listing"]["listingStatus"]), (&json!("PUBLISHED"), &json!("ENDED")));
    assert_eq!(first_error(&update(&shop, &[("BOWL", Some(1), Some(1))]).await.1), 25002);
    // Variations go with their group.
    let plate = shop.offer_id("PLATE-A");
    assert_eq!(post(&format!("{plate}/withdraw"), None).await.1["errors"][0]["errorId"], 25002);
    let item = get(&shop, "/sell/inventory/v1/inventory_item/PLATE-A").await;
    let group = json!({ "inventoryItemGroupKey": item["inventoryItemGroupKeys"][0], "marketplaceId": "EBAY_US" });
    assert_eq!(post("withdraw_by_inventory_item_group", Some(group.clone())).await, (204, Value::Null));
    assert!(!shop.for_sale("PLATE-B"));
    let (status, answer) = post("publish_by_inventory_item_group", Some(group)).await;
    assert_eq!((status, &answer["listingId"]), (200, &json!(shop.item_id("PLATE-A"))));
    let nobody = json!({ "inventoryItemGroupKey": "GROUP-1", "marketplaceId": "EBAY_US" });
    assert_eq!(post("withdraw_by_inventory_item_group", Some(nobody)).await.1["errors"][0]["errorId"], 25710);
    assert_eq!(post("1/withdraw", None).await.0, 404);
}
