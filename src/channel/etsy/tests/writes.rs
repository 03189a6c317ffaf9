//! Writes, what became of each of their entries, adjustments, and what buyers see.

use super::*;
use crate::channel::{Adjustment, Beside, Showing};
use crate::domain::Delta;

const TEE: i64 = 1_700_000_001;
const SMALL: &str = "1700000001/100=5001";
const MEDIUM: &str = "1700000001/100=5002";

fn with_fees() -> Settings {
    Settings { fees: true, ..settings() }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { echo } => format!("done {:?}", echo.map(|level| level.0)),
        Outcome::Refused(error) => format!("refused: {error}\n    next: {}", error.next.as_deref().unwrap_or("-")),
        Outcome::Unknown(error) => format!("unknown: {error}"),
        outcome => format!("{outcome:?}"),
    }
}

async fn set(web: &Etsy, batch: &[Update]) -> Vec<String> {
    web.set(batch, "k").await.unwrap().iter().map(told).collect()
}

// All groups of a listing go in one write, directly after its reading, and each is answered for by itself.
#[tokio::test(start_paused = true)]
async fn a_listing_is_read_and_written_as_a_whole() {
    let answers = [
        (200, with_listing(tees(3, 5), TEE, "active")),
        (200, tees(2, 7).to_string()),
        (200, with_listing(mug(6), 2, "active")),
    ];
    let (web, script) = etsy(&answers);
    let batch = [update(SMALL, 2), update("2", 6), update(MEDIUM, 7), update("1700000001/100=9", 1), update("odd", 1)];
    assert_eq!(set(&web, &batch).await, ["done Some(2)", "done Some(6)", "done Some(7)", "Gone", "Gone"]);
    assert_eq!(
        script.asked(),
        [
            "GET listings/1700000001/inventory?includes=Listing",
            "PUT listings/1700000001/inventory",
            // It shows what is wanted: nothing is written.
            "GET listings/2/inventory?includes=Listing",
        ]
    );
    let product = |sku: &str, id: i64, size: &str, units: i64| {
        json!({ "sku": sku, "property_values": [{ "property_id": 100, "property_name": "Size", "scale_id": 327,
            "value_ids": [id], "values": [size] }], "offerings": [{ "price": 19.5, "quantity": units,
            "is_enabled": true, "readiness_state_id": 700_001 }] })
    };
    assert_eq!(
        script.json(1),
        json!({ "products": [product("TEE-S", 5001, "S", 2), product("TEE-M", 5002, "M", 7)],
            "price_on_property": [], "quantity_on_property": [100], "sku_on_property": [100],
            "readiness_state_on_property": [] })
    );
    assert!(script.body(1).contains("\"price\":19.5,"), "{}", script.body(1));
}

// proves X7: a number that is no longer the expected one is not written over; the others of its listing go on.
#[tokio::test(start_paused = true)]
async fn a_number_that_moved_is_not_written_over() {
    let (web, script) = etsy(&[(200, with_listing(tees(3, 5), TEE, "active")), (200, tees(3, 4).to_string())]);
    let expecting =
        |key: &str, units: i64, expect: i64| Update { shown: Shown::Exactly(Level(expect)), ..update(key, units) };
    assert_eq!(set(&web, &[expecting(SMALL, 2, 4), expecting(MEDIUM, 4, 5)]).await, ["Stale", "done Some(4)"]);
    assert_eq!(script.json(1)["products"][0]["offerings"][0]["quantity"], 3);
}

// proves P1: what was meant to lower a number does not raise one that fell below it meanwhile.
#[tokio::test(start_paused = true)]
async fn a_lowering_raises_nothing() {
    let (web, script) = etsy(&[(200, with_listing(tees(3, 5), TEE, "active")), (200, tees(3, 4).to_string())]);
    let shown = Shown::AtMost { most: Level(6), least: Level(0) };
    let lowering = |key: &str, units: i64| Update { shown, ..update(key, units) };
    assert_eq!(set(&web, &[lowering(SMALL, 4), lowering(MEDIUM, 4)]).await, ["Stale", "done Some(4)"]);
    assert_eq!(script.json(1)["products"][0]["offerings"][0]["quantity"], 3);
}

// Of Z2, what an adapter owes: where nothing that buyers see would be left, nothing is written; one variation at 0 is fine.
#[tokio::test(start_paused = true)]
async fn nothing_left_is_not_written() {
    let (web, script) = etsy(&[(200, with_listing(tees(3, 5), TEE, "active"))]);
    assert_eq!(set(&web, &[update(SMALL, 0), update(MEDIUM, 0)]).await, ["NothingLeft", "NothingLeft"]);
    assert_eq!(script.asked().len(), 1);
    let mut half = tees(3, 5);
    half["products"][1]["offerings"][0]["is_enabled"] = json!(false);
    let (web, _) = etsy(&[(200, with_listing(half, TEE, "active"))]);
    assert_eq!(set(&web, &[update(SMALL, 0)]).await, ["NothingLeft"], "what is left, buyers do not see");
    let (web, _) = etsy(&[(200, with_listing(tees(3, 5), TEE, "active")), (200, tees(0, 5).to_string())]);
    assert_eq!(set(&web, &[update(SMALL, 0)]).await, ["done Some(0)"]);
    let refusal = r#"{"error":"One offering must have quantity greater than 0"}"#;
    let (web, _) = etsy(&[(200, with_listing(tees(3, 5), TEE, "active")), (400, refusal.to_owned())]);
    assert_eq!(set(&web, &[update(SMALL, 0)]).await, ["NothingLeft"], "Etsy counts otherwise, and its word counts");
}

// Somebody else wrote in the same moment: it is read again, and written on top of that.
#[tokio::test(start_paused = true)]
async fn a_conflict_is_read_again() {
    let conflict = (409, r#"{"error":"Conflict"}"#.to_owned());
    let mut dearer = mug(5);
    dearer["products"][0]["offerings"][0]["price"]["amount"] = json!(2100);
    let answers = [
        (200, with_listing(mug(5), 2, "active")),
        conflict.clone(),
        (200, with_listing(dearer, 2, "active")),
        (200, mug(4).to_string()),
    ];
    let (web, script) = etsy(&answers);
    assert_eq!(set(&web, &[update("2", 4)]).await, ["done Some(4)"]);
    assert_eq!(script.json(3)["products"][0]["offerings"][0]["price"], 21.0);
    let read = || (200, with_listing(mug(5), 2, "active"));
    let (web, script) = etsy(&[read(), conflict.clone(), read(), conflict.clone(), read(), conflict]);
    assert_eq!(set(&web, &[update("2", 4)]).await, ["NotSent"]);
    assert_eq!(script.asked().len(), 6);
}

// proves F1, Y8: a write whose answer is lost is not repeated by itself: it is read again first.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up() {
    let read = |units: i64| (200, with_listing(mug(units), 2, "active"));
    let expecting = [Update { shown: Shown::Exactly(Level(5)), ..update("2", 4) }];
    let (web, script) = etsy(&[read(5), (0, String::new()), read(4)]);
    assert_eq!(set(&web, &expecting).await, ["done Some(4)"]);
    assert_eq!(script.asked().len(), 3);
    let (web, _) = etsy(&[read(5), (502, String::new()), read(5), (200, mug(4).to_string())]);
    assert_eq!(set(&web, &expecting).await, ["done Some(4)"]);
    let lost = (0, String::new());
    let (web, _) = etsy(&[read(5), lost.clone(), read(5), lost.clone(), read(5), lost]);
    assert!(set(&web, &expecting).await[0].starts_with("unknown"));
    let (web, _) = etsy(&[read(5), (200, "{}".to_owned()), read(3)]);
    assert_eq!(set(&web, &expecting).await, ["Stale"], "it was written, and one was sold since");
}

// proves R1: a write without an answer may have come through, whatever stops the account after it.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_outlives_a_refused_account() {
    let read = || (200, with_listing(mug(5), 2, "active"));
    let scope = (403, r#"{"error":"insufficient_scope"}"#.to_owned());
    for answers in [vec![read(), (0, String::new()), scope.clone()], vec![read(), (0, String::new()), read(), scope]] {
        let (web, _) = etsy(&answers);
        assert!(set(&web, &[update("2", 4)]).await[0].starts_with("unknown"), "{answers:?}");
    }
}

// proves P5: an answer that shows more than was written, or no number, confirms nothing; a lower one counts sales since.
#[tokio::test(start_paused = true)]
async fn an_answer_that_shows_more_confirms_nothing() {
    let mut without = mug(4);
    without["products"][0]["offerings"][0].as_object_mut().unwrap().remove("quantity");
    for (answer, end) in [(mug(6), "unknown"), (mug(5), "unknown"), (without, "unknown"), (mug(3), "done Some(3)")] {
        let (web, script) = etsy(&[(200, with_listing(mug(5), TEE, "active")), (200, answer.to_string())]);
        let told = set(&web, &[update("1700000001", 4)]).await;
        assert!(told[0].starts_with(end) && script.asked().len() == 2, "{answer}: {told:?}");
    }
}

/// Writes 2 to the small tee of two, and returns what became of it if Etsy answers otherwise.
async fn written_otherwise(change: impl Fn(&mut Json)) -> String {
    let mut answer = tees(2, 5);
    change(&mut answer);
    let (web, _) = etsy(&[(200, with_listing(tees(3, 5), TEE, "active")), (200, answer.to_string())]);
    let outcome = set(&web, &[update(SMALL, 2)]).await.remove(0);
    let remarks: Vec<String> = web.remarks().into_iter().map(|remark| remark.message).collect();
    assert!(web.remarks().is_empty(), "it is told once");
    let outcome = outcome.split(':').next().unwrap().to_owned();
    format!(
        "{outcome}; {}",
        remarks.join(" / ").trim_start_matches("more was changed on Etsy than the number that eys wrote: ")
    )
}

// proves P1, Y6: what comes out otherwise than it was sent is told in words; a number that was written and shows counts.
#[tokio::test(start_paused = true)]
async fn what_a_write_changed_beside_is_told() {
    let medium = |answer: &mut Json, place: &str, to: Json| *answer["products"][1].pointer_mut(place).unwrap() = to;
    let offering = |place: &str| format!("/offerings/0/{place}");
    let mut out = vec![
        written_otherwise(|answer| drop(answer["products"].as_array_mut().unwrap().pop())).await,
        written_otherwise(|answer| drop(answer["products"].as_array_mut().unwrap().remove(0))).await,
        written_otherwise(|answer| answer["quantity_on_property"] = json!([])).await,
        written_otherwise(|answer| medium(answer, "/sku", json!(""))).await,
    ];
    for (place, to) in [
        ("is_deleted", json!(true)),
        ("price/amount", json!(1200)),
        ("is_enabled", json!(false)),
        ("readiness_state_id", json!(700_002)),
        ("readiness_state_id", Json::Null),
        ("quantity", json!(7)),
    ] {
        out.push(written_otherwise(|answer| medium(answer, &offering(place), to.clone())).await);
    }
    insta::assert_snapshot!(out.join("\n"), @r#"
    done Some(2); the variation "M" is gone
    unknown; the variation "S" is gone
    unknown; its quantity varies by other properties than before
    done Some(2); the SKU of the variation "M" is gone
    done Some(2); the variation "M" is gone
    done Some(2); the price of TEE-M is 12.00 instead of 19.50
    done Some(2); buyers do not see TEE-M any more
    done Some(2); the processing profile of TEE-M is another one
    done Some(2); the processing profile of TEE-M is gone
    done Some(2); TEE-M shows 7 instead of 5
    "#);
}

// proves P5: what an answer does not tell says nothing, nor does what it tells in another form; and a number that fell meanwhile
// is a sale.
#[tokio::test(start_paused = true)]
async fn what_an_answer_does_not_tell_is_no_change() {
    let medium = |answer: &mut Json, place: &str, to: Json| *answer["products"][1].pointer_mut(place).unwrap() = to;
    for (place, to) in [
        ("/offerings/0/quantity", json!(4)),
        ("/offerings/0/quantity", Json::Null),
        ("/offerings/0/price", json!({ "amount": 195, "divisor": 10, "currency_code": "EUR" })),
        ("/offerings/0/price", json!({ "amount": 2100, "divisor": 100, "currency_code": "USD" })),
        ("/offerings/0/price", json!(19.5)),
        ("/offerings/0/is_enabled", Json::Null),
        ("/property_values/0/value_ids", json!([6002])),
        ("/property_values/0/values", json!(["moyen"])),
        ("/sku", json!(" TEE-M ")),
    ] {
        let told = written_otherwise(|answer| medium(answer, place, to.clone())).await;
        assert_eq!(told, "done Some(2); ", "{place}");
    }
    for (place, field) in [("", "sku"), ("/offerings/0", "price"), ("/offerings/0", "readiness_state_id")] {
        let without = |answer: &mut Json| {
            let above = answer["products"][1].pointer_mut(place).unwrap();
            above.as_object_mut().unwrap().remove(field);
        };
        assert_eq!(written_otherwise(without).await, "done Some(2); ", "{field}");
    }
    // A shop without processing profiles, to which Etsy gives one.
    let mut without = mug(5);
    without["products"][0]["offerings"][0]["readiness_state_id"] = Json::Null;
    let (web, _) = etsy(&[(200, with_listing(without, 2, "active")), (200, mug(4).to_string())]);
    assert_eq!(set(&web, &[update("2", 4)]).await, ["done Some(4)"]);
    assert_eq!(web.remarks(), []);
}

// proves F5: what Etsy refuses of one listing is told in its words, and stops no other.
#[tokio::test(start_paused = true)]
async fn refusals_are_told_in_words() {
    let mut brackets = tees(3, 5);
    brackets["products"][0]["property_values"][0]["values"] = json!(["S (small)"]);
    let mut odd = mug(5);
    odd["products"][0]["offerings"][0].as_object_mut().unwrap().remove("price");
    let read = || (200, with_listing(mug(5), TEE, "active"));
    let mut out = Vec::new();
    for (key, answers) in [
        (SMALL, vec![(200, with_listing(brackets, TEE, "active"))]),
        ("1700000001", vec![(200, with_listing(odd, TEE, "active"))]),
        ("1700000001", vec![read(), (400, r#"{"error":"quantity_on_property is wrong.\u001b[2J"}"#.to_owned())]),
        ("1700000001", vec![read(), (403, r#"{"error":"User does not own listing"}"#.to_owned())]),
        ("1700000001", vec![(404, NOT_THERE.to_owned()), (200, listing(TEE, "active", Json::Null).to_string())]),
        ("1700000001", vec![(200, with_listing(mug(0), TEE, "sold_out"))]),
        ("1700000001", vec![(200, with_listing(mug(1), TEE, "expired"))]),
    ] {
        let (web, _) = etsy(&answers);
        out.extend(set(&web, &[update(key, 2)]).await);
    }
    insta::assert_snapshot!(out.join("\n"));
    let answers = [
        read(),
        (400, r#"{"error":"no"}"#.to_owned()),
        (200, with_listing(mug(5), 2, "active")),
        (200, mug(2).to_string()),
    ];
    let (web, _) = etsy(&answers);
    let outcomes = set(&web, &[update("1700000001", 2), update("2", 2)]).await;
    assert!(outcomes[0].starts_with("refused") && outcomes[1] == "done Some(2)", "{outcomes:?}");
}

// What stops the account stops the batch: as an error before anything was written, and after it what is left goes again.
#[tokio::test(start_paused = true)]
async fn what_stops_the_account_stops_the_batch() {
    let scope = r#"{"error":"insufficient_scope"}"#.to_owned();
    let (web, _) = etsy(&[(200, with_listing(mug(5), 2, "active")), (403, scope.clone())]);
    let error = web.set(&[update("2", 4)], "k").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Permission);
    let answers = [(200, with_listing(mug(5), 2, "active")), (200, mug(4).to_string()), (403, scope)];
    let (web, _) = etsy(&answers);
    assert_eq!(
        set(&web, &[update("2", 4), update("3", 4), update("4", 4)]).await,
        ["done Some(4)", "NotSent", "NotSent"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_third_property_is_announced_and_999_is_the_most() {
    let mut cup = product("CUP", Some((5001, "S")), 5);
    let values = cup["property_values"].as_array_mut().unwrap();
    for property in [513, 514] {
        values.push(json!({ "property_id": property, "property_name": "Colour", "scale_id": null,
            "scale_name": null, "value_ids": [property], "values": ["red"] }));
    }
    let cups = |units: i64| {
        let mut cup = cup.clone();
        cup["offerings"][0]["quantity"] = json!(units);
        inventory(&[cup], &[])
    };
    let (web, script) = etsy(&[(200, with_listing(cups(5), 2, "active")), (200, cups(999).to_string())]);
    assert_eq!(set(&web, &[update("2", 5_000)]).await, ["done Some(999)"]);
    assert_eq!(script.asked()[1], "PUT listings/2/inventory?max_variations_supported=3");
}

async fn adjust(web: &Etsy, key: &str, before: i64, delta: i64, attempt: Attempt) -> String {
    let adjustment = Adjustment {
        key: ListingKey::new(key),
        delta: Delta(delta),
        before: Level(before),
        counter: None,
        places: Vec::new(),
        hide: false,
    };
    let call = web.prepare(&[adjustment], "k").await.unwrap();
    web.adjust(&call, attempt).await.map_or_else(|error| format!("error: {}", error.message), |done| told(&done[0]))
}

// proves X3 for Etsy: the goal is written over the number that it was set for, and over no other.
#[tokio::test(start_paused = true)]
async fn an_adjustment_is_a_goal() {
    let read = |small: i64, medium: i64| (200, with_listing(tees(small, medium), TEE, "active"));
    let (web, script) = etsy(&[read(3, 5), (200, tees(1, 5).to_string())]);
    assert_eq!(adjust(&web, SMALL, 3, -2, Attempt::First).await, "done Some(1)");
    assert_eq!(script.json(1)["products"][0]["offerings"][0]["quantity"], 1);
    for (live, attempt, end) in [
        (2, Attempt::First, "Stale"),
        (1, Attempt::First, "Stale"),
        (1, Attempt::Again, "Stale"),
        (2, Attempt::Again, "Stale"),
    ] {
        let (web, script) = etsy(&[read(live, 5)]);
        assert_eq!(adjust(&web, SMALL, 3, -2, attempt).await, end);
        assert_eq!(script.asked().len(), 1, "nothing is written");
    }
    let (web, _) = etsy(&[read(3, 5)]);
    assert_eq!(adjust(&web, SMALL, 3, -4, Attempt::First).await, "Stale", "below 0");
    let (web, script) = etsy(&[read(3, 0)]);
    assert_eq!(adjust(&web, SMALL, 3, -3, Attempt::First).await, "NothingLeft");
    assert_eq!(script.asked().len(), 1);
    let (web, _) = etsy(&[read(3, 5), (0, String::new())]);
    assert!(adjust(&web, SMALL, 3, -2, Attempt::First).await.starts_with("unknown"));
    let (web, _) = etsy(&[read(3, 5), (409, String::new()), read(3, 5), (200, tees(1, 5).to_string())]);
    assert_eq!(adjust(&web, SMALL, 3, -2, Attempt::First).await, "done Some(1)");
    let conflicts = [read(3, 5), (409, String::new()), read(3, 5), (409, String::new())];
    assert_eq!(adjust(&etsy(&conflicts).0, SMALL, 3, -2, Attempt::First).await, "NotSent");
    assert_eq!(adjust(&etsy(&conflicts).0, SMALL, 3, -2, Attempt::Again).await, "Stale");
    let (web, _) = etsy(&[read(999, 5)]);
    assert!(adjust(&web, SMALL, 999, 2, Attempt::First).await.contains("no more than 999"));
    let (web, _) = etsy(&[(404, NOT_THERE)]);
    assert_eq!(adjust(&web, SMALL, 3, -2, Attempt::First).await, "Gone");
}

async fn show(web: &Etsy, act: Showing) -> String {
    web.show(&ListingKey::new(SMALL), &act)
        .await
        .map_or_else(|error| format!("error: {}", error.message), |done| told(&done))
}

fn back() -> Showing {
    Showing::Show { former: "active".to_owned() }
}

// proves Z1, X8: what is hidden is the whole listing; what was on sale is brought back, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_listing_is_hidden_and_shown_again() {
    let state = |state: &str| listing(TEE, state, Json::Null).to_string();
    let (web, script) = etsy(&[
        (200, state("active")),
        (200, with_listing(tees(1, 0), TEE, "active")),
        (200, state("inactive")),
        (200, state("inactive")),
        (200, state("active")),
    ]);
    let standing = web.standing(&ListingKey::new(SMALL)).await.unwrap().unwrap();
    assert_eq!((standing.live, standing.former.as_str()), (true, "active"));
    assert_eq!(show(&web, Showing::Hide { former: standing.former }).await, "done Some(0)");
    assert_eq!(show(&web, back()).await, "done None");
    let path = "PATCH shops/55500001/listings/1700000001";
    let look = "GET listings/1700000001/inventory?includes=Listing";
    assert_eq!(script.asked(), ["GET listings/1700000001", look, path, "GET listings/1700000001", path]);
    assert_eq!((script.body(2).as_str(), script.body(4).as_str()), ("state=inactive", "state=active"));
    let (web, script) = etsy(&[(200, state("active"))]);
    assert!(show(&web, Showing::Show { former: "inactive".to_owned() }).await.contains("not on sale"));
    assert_eq!((show(&web, back()).await.as_str(), script.asked().len()), ("done None", 1), "it is shown already");
    let (web, _) = etsy(&[(404, NOT_THERE)]);
    assert_eq!(web.standing(&ListingKey::new(SMALL)).await.unwrap(), None);
    assert_eq!(show(&web, back()).await, "Gone");
    // Lost answers are not repeated, and an answer that shows another state proves nothing.
    let there = || (200, with_listing(tees(1, 0), TEE, "active"));
    let (web, script) = etsy(&[there(), (0, String::new())]);
    assert!(show(&web, Showing::Hide { former: "active".to_owned() }).await.starts_with("unknown"));
    assert_eq!(script.asked().len(), 2);
    let (web, _) = etsy(&[there(), (200, state("active"))]);
    assert!(show(&web, Showing::Hide { former: "active".to_owned() }).await.starts_with("unknown"));
    // What sold its last unit since it was read cannot be hidden, and need not be.
    let refusal = || (400, r#"{"error":"A listing that is sold_out cannot be deactivated"}"#.to_owned());
    for (now, told) in [("sold_out", "done Some(0)"), ("active", "refused")] {
        let (web, _) = etsy(&[there(), refusal(), (200, state(now))]);
        let outcome = show(&web, Showing::Hide { former: "active".to_owned() }).await;
        assert!(outcome.starts_with(told), "{outcome}");
    }
}

// proves Z2: a hidden listing keeps the one unit that Etsy wants, reads as one with nothing left, and what is written to it
// leaves that unit to nobody.
#[tokio::test(start_paused = true)]
async fn what_is_hidden_keeps_one_unit_that_is_nobodys() {
    let state = |state: &str| listing(TEE, state, Json::Null).to_string();
    let (web, script) = etsy(&[
        (200, with_listing(tees(3, 5), TEE, "active")),
        (200, state("inactive")),
        (200, tees(1, 0).to_string()),
        (200, with_listing(tees(1, 0), TEE, "inactive")),
        (200, tees(0, 4).to_string()),
    ]);
    assert_eq!(show(&web, Showing::Hide { former: "active".to_owned() }).await, "done Some(0)");
    let quantities = |body: String| {
        let body: Json = serde_json::from_str(&body).unwrap();
        let products = body["products"].as_array().unwrap().clone();
        products.iter().map(|product| product["offerings"][0]["quantity"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(quantities(script.body(2)), [1, 0]);
    assert_eq!(set(&web, &[update(MEDIUM, 4)]).await, ["done Some(4)"]);
    assert_eq!(quantities(script.body(4)), [0, 4], "the unit that was kept is nobody's");
    // An answer that shows another number does not prove that one was left.
    let (web, _) = etsy(&[
        (200, with_listing(tees(3, 5), TEE, "active")),
        (200, state("inactive")),
        (200, tees(1, 5).to_string()),
    ]);
    assert!(show(&web, Showing::Hide { former: "active".to_owned() }).await.starts_with("unknown"));
}

fn renewals(web: &Etsy) -> Vec<String> {
    let remarks = web.remarks().into_iter();
    remarks.filter(|remark| remark.about == Beside::Renewed).map(|remark| remark.message).collect()
}

// proves X8, Z4, P4: a renewal whose answer is lost is looked up and not paid again, and told when it is seen, once; one that
// was refused is not told.
#[tokio::test(start_paused = true)]
async fn a_renewal_without_an_answer_is_told_when_it_is_seen() {
    let state = |state: &str| listing(TEE, state, Json::Null).to_string();
    let (web, script) = etsy_with(
        with_fees(),
        &[
            (200, with_listing(mug(0), TEE, "sold_out")),
            (200, state("sold_out")),
            (0, String::new()),
            (200, with_listing(mug(1), TEE, "active")),
            (200, mug(5).to_string()),
        ],
    );
    assert_eq!(set(&web, &[update("1700000001", 5)]).await, ["done Some(5)"]);
    assert_eq!(script.asked().iter().filter(|call| call.starts_with("PATCH")).count(), 1);
    assert_eq!((renewals(&web).len(), renewals(&web).len()), (1, 0));
    let refusal = r#"{"error":"The return policy is missing."}"#.to_owned();
    let answers = [(200, state("sold_out")), (400, refusal), (200, state("active"))];
    let (web, _) = etsy_with(with_fees(), &answers);
    assert!(show(&web, back()).await.starts_with("refused"));
    assert_eq!((show(&web, back()).await.as_str(), renewals(&web).len()), ("done None", 0), "its owner did that");
}

// proves Z4: what would cost a fee happens only where the owner allowed that; a draft is never published.
#[tokio::test(start_paused = true)]
async fn nothing_that_costs_a_fee_happens_unasked() {
    let state = |state: &str| listing(TEE, state, Json::Null);
    let mut over = state("inactive");
    over["ending_timestamp"] = json!(1_790_000_000);
    let mut timeless = state("inactive");
    timeless.as_object_mut().unwrap().remove("ending_timestamp");
    let mut out = Vec::new();
    for listing in [state("sold_out"), state("expired"), over.clone(), timeless, state("draft")] {
        let (web, script) = etsy(&[(200, listing.to_string())]);
        out.push(show(&web, back()).await);
        assert_eq!(script.asked().len(), 1, "nothing is written");
    }
    for listing in [state("sold_out"), state("expired"), over] {
        let (web, _) = etsy_with(with_fees(), &[(200, listing.to_string()), (200, state("active").to_string())]);
        assert_eq!(show(&web, back()).await, "done None");
        assert_eq!(
            renewals(&web),
            ["renewed by eys, so that it can be bought again, for Etsy's listing fee (0.20 USD)"]
        );
    }
    let (web, script) = etsy_with(with_fees(), &[(200, state("draft").to_string())]);
    show(&web, back()).await;
    assert_eq!(script.asked().len(), 1, "a draft stays a draft");
    let refusal = r#"{"error":"The shipping profile is not complete."}"#.to_owned();
    let (web, _) = etsy(&[(200, state("inactive").to_string()), (400, refusal)]);
    out.push(show(&web, back()).await);
    insta::assert_snapshot!(out.join("\n"));
    // With fees, what sold out is renewed first: a number alone would leave it sold out.
    let answers = [
        (200, with_listing(mug(1), TEE, "sold_out")),
        (200, state("sold_out").to_string()),
        (200, state("active").to_string()),
        (200, mug(5).to_string()),
    ];
    let (web, _) = etsy_with(with_fees(), &answers);
    assert_eq!(set(&web, &[update("1700000001", 5)]).await, ["done Some(5)"]);
    let (web, script) = etsy(&[(200, with_listing(mug(1), TEE, "sold_out"))]);
    assert_eq!(set(&web, &[update("1700000001", 0)]).await, ["done Some(0)"]);
    assert_eq!(script.asked().len(), 1, "what is sold out holds nothing already");
}

// proves Z4, P1: what Etsy would not take back is told before a fee is paid for it, and nothing of it is put on sale.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_not_renewed() {
    let mut brackets = tees(0, 1);
    brackets["products"][0]["property_values"][0]["values"] = json!(["S (small)"]);
    let mut odd = tees(0, 1);
    odd["products"][0]["offerings"][0].as_object_mut().unwrap().remove("price");
    for (inventory, why) in [(brackets, "parenthesis"), (odd, "price")] {
        let (web, script) = etsy_with(with_fees(), &[(200, with_listing(inventory, TEE, "sold_out"))]);
        let told = set(&web, &[update(SMALL, 5)]).await.remove(0);
        assert!(told.starts_with("refused") && told.contains(why), "{told}");
        let told = adjust(&web, SMALL, 0, 5, Attempt::First).await;
        assert!(told.starts_with("refused") && told.contains(why), "{told}");
        assert_eq!(script.asked().len(), 2, "each looked once, and did nothing");
    }
}

// proves Z4: units are taken off a source that sold out, and what expired shows less, without paying to show it again.
#[tokio::test(start_paused = true)]
async fn less_needs_no_renewal() {
    let source = Settings { role: Role::Source, ..settings() };
    for settings in [source.clone(), Settings { fees: true, ..source }] {
        let (web, script) =
            etsy_with(settings, &[(200, with_listing(tees(3, 5), TEE, "sold_out")), (200, tees(1, 5).to_string())]);
        assert_eq!(adjust(&web, SMALL, 3, -2, Attempt::First).await, "done Some(1)");
        assert_eq!(script.asked().len(), 2);
    }
    let (web, _) = etsy(&[(200, with_listing(mug(5), TEE, "expired")), (200, mug(2).to_string())]);
    assert_eq!(set(&web, &[update("1700000001", 2)]).await, ["done Some(2)"]);
}

// proves X8, Z4: a renewal without an answer may still be under way: it is waited for and not asked for again meanwhile, nor
// by the next call. One that was never done is asked for anew, once.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_may_be_under_way_is_waited_for() {
    let over = || (200, with_listing(mug(0), TEE, "sold_out"));
    let bare = || (200, listing(TEE, "sold_out", Json::Null).to_string());
    let rest = [over(), bare(), over(), bare()];
    let answers: Vec<_> = [over(), bare(), (0, String::new())].into_iter().chain(rest).chain([bare()]).collect();
    let (web, script) = etsy_with(with_fees(), &answers);
    let patches = || script.asked().iter().filter(|call| call.starts_with("PATCH")).count();
    assert!(set(&web, &[update("1700000001", 5)]).await[0].starts_with("unknown"));
    let told = show(&web, back()).await;
    assert!(told.contains("has not answered") && patches() == 1, "{told}");
    *script.minute.lock().unwrap() = 3;
    script.answers.lock().unwrap().clear();
    for (status, body) in [bare(), (200, listing(TEE, "active", Json::Null).to_string())] {
        script.add(status, &body);
    }
    assert_eq!((show(&web, back()).await.as_str(), patches(), renewals(&web).len()), ("done None", 2, 1));
}

// proves Z4, P4: a renewal that Etsy never did is no longer waited for: what its owner renews later is not told as ours. One
// that is seen to be done is told, though the listing was hidden since.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_never_done_is_forgotten() {
    let asked = [(200, listing(TEE, "sold_out", Json::Null).to_string()), (0, String::new())];
    let seen = |state: &str| (200, list(&[listing(TEE, state, Some(mug(5)))]));
    let look = async |web: &Etsy| drop(web.levels(&[ListingKey::new("1700000001")]).await.unwrap());
    for (minute, told) in [(1, 1), (3, 0)] {
        let (web, script) = etsy_with(with_fees(), &[&asked[..], &[seen("sold_out"), seen("active")]].concat());
        assert!(show(&web, back()).await.starts_with("unknown"));
        *script.minute.lock().unwrap() = minute;
        look(&web).await;
        look(&web).await;
        assert_eq!(renewals(&web).len(), told, "{minute}");
    }
    let (web, _) = etsy_with(with_fees(), &[&asked[..], &[seen("inactive")]].concat());
    assert!(show(&web, back()).await.starts_with("unknown"));
    look(&web).await;
    assert_eq!(renewals(&web).len(), 1);
}
