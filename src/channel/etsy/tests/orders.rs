//! Receipts, and what they hold off the stock.

use super::*;
use crate::domain::{LineFact, LineKey};

const START: i64 = 1_795_399_000;

fn receipt(id: i64, changed: i64) -> Json {
    json!({ "receipt_id": id, "status": "paid", "is_paid": true, "is_shipped": false, "create_timestamp": START,
        "update_timestamp": changed, "refunds": [], "buyer_email": "somebody@example.org", "name": "Some Body",
        "transactions": [{ "transaction_id": id + 1_000_000, "receipt_id": id, "listing_id": 1_700_000_001,
            "product_id": 9001, "sku": "TEE-S", "quantity": 2, "is_digital": false,
            "product_data": [{ "property_id": 100, "value_ids": [5001], "values": ["S"] }] }] })
}

fn window() -> OrderWindow {
    OrderWindow::ChangedSince(Timestamp::from_second(START).unwrap())
}

fn page(count: usize, receipts: impl IntoIterator<Item = Json>) -> String {
    json!({ "count": count, "results": Vec::from_iter(receipts) }).to_string()
}

async fn read(web: &Etsy, window: &OrderWindow) -> crate::channel::Result<Vec<OrderFact>> {
    let (mut orders, mut next, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = web.orders(window, next).await?;
        orders.extend(page.items);
        next = page.next;
        pages += 1;
        assert!(pages < 40);
        if next.is_none() {
            return Ok(orders);
        }
    }
}

async fn line(change: impl Fn(&mut Json)) -> LineFact {
    let mut receipt = receipt(1, START + 60);
    change(&mut receipt);
    let (web, _) = etsy(&[(200, page(1, [receipt]))]);
    read(&web, &window()).await.unwrap().remove(0).lines.remove(0)
}

// proves W2, W3 for Etsy: a purchase counts paid or not, a cancellation says nothing of the shelf, a refund nothing at all.
#[tokio::test(start_paused = true)]
async fn what_a_line_took_and_what_was_cancelled() {
    let open = line(|_| {}).await;
    assert_eq!((open.taken, open.cancelled, open.shipped, open.out_of_stock), (2, 0, false, false));
    assert_eq!(open.key, LineKey("1000001".to_owned()));
    assert_eq!(open.sku.unwrap().as_str(), "TEE-S");
    for status in ["Payment Processing", "open", "Fully Refunded", "partially refunded", "Completed", "something new"] {
        let line = line(|receipt| receipt["status"] = json!(status)).await;
        assert_eq!((line.taken, line.cancelled), (2, 0), "{status}");
    }
    for status in ["canceled", "Canceled", "CANCELLED"] {
        let line = line(|receipt| receipt["status"] = json!(status)).await;
        assert_eq!((line.taken, line.cancelled, line.shipped), (2, 2, false), "{status}");
    }
    assert!(line(|receipt| receipt["is_shipped"] = json!(true)).await.shipped);
    assert!(line(|receipt| receipt["transactions"][0]["shipped_timestamp"] = json!(START)).await.shipped);
    // proves P1: where nobody says whether it was shipped, nothing is put back for it.
    assert!(line(|receipt| drop(receipt.as_object_mut().unwrap().remove("is_shipped"))).await.shipped);
}

// proves Y2 for Etsy: by the listing and what was chosen of it, the closest first; by the SKU where nothing else is told.
#[tokio::test(start_paused = true)]
async fn a_line_names_the_groups_that_it_may_be_of() {
    let listings = |line: LineFact| line.listings.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(listings(line(|_| {}).await), ["1700000001/100=5001", "1700000001"]);
    let two = |receipt: &mut Json| {
        receipt["transactions"][0]["product_data"] = json!([
            { "property_id": 513, "value_ids": [7], "values": ["red"] },
            { "property_id": 100, "value_ids": [5001], "values": ["S"] }]);
    };
    let of = |group: &str| format!("1700000001/{group}");
    assert_eq!(listings(line(two).await), [of("100=5001,513=7"), of("513=7"), of("100=5001"), "1700000001".to_owned()]);
    let chosen = |receipt: &mut Json| {
        let line = receipt["transactions"][0].as_object_mut().unwrap();
        line.remove("product_data");
        line.insert("variations".to_owned(), json!([
            { "property_id": 100, "value_id": 5001, "formatted_name": "Size", "formatted_value": "S" },
            { "property_id": 54, "value_id": null, "formatted_name": "Personalization", "formatted_value": "For you" }]));
    };
    assert_eq!(listings(line(chosen).await), ["1700000001/100=5001", "1700000001"]);
    let nameless = |receipt: &mut Json| {
        receipt["transactions"][0]["listing_id"] = Json::Null;
        receipt["transactions"][0]["sku"] = Json::Null;
    };
    let line = line(nameless).await;
    assert!(line.listings.is_empty() && line.sku.is_none());
}

// proves P5: a receipt that leaves something out is an error that names it; a file to download is none of ours.
#[tokio::test(start_paused = true)]
async fn a_receipt_that_leaves_something_out_is_an_error_that_names_it() {
    for (place, field) in [
        ("", "receipt_id"),
        ("", "status"),
        ("", "transactions"),
        ("", "create_timestamp"),
        ("", "update_timestamp"),
        ("/transactions/0", "quantity"),
        ("/transactions/0", "transaction_id"),
    ] {
        let mut receipt = receipt(1, START);
        receipt.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
        let (web, _) = etsy(&[(200, page(1, [receipt]))]);
        let error = read(&web, &window()).await.unwrap_err();
        assert!(error.message.contains(field), "{error}");
    }
    let mut renamed = receipt(1, START);
    let fields = renamed.as_object_mut().unwrap();
    for (old, new) in [("create_timestamp", "created_timestamp"), ("update_timestamp", "updated_timestamp")] {
        let value = fields.remove(old).unwrap();
        fields.insert(new.to_owned(), value);
    }
    renamed["transactions"][0]["is_digital"] = json!(true);
    let (web, _) = etsy(&[(200, page(1, [renamed]))]);
    assert!(read(&web, &window()).await.unwrap()[0].lines.is_empty());
    let (web, _) = etsy(&[(200, r#"{"count":0}"#)]);
    assert!(read(&web, &window()).await.unwrap_err().message.contains("results"));
}

// proves Y1 for Etsy: each page goes on from the last stamp, and what changes meanwhile hides no other receipt.
#[tokio::test(start_paused = true)]
async fn a_list_that_moves_loses_nothing() {
    let first: Vec<Json> = (0..100).map(|nth| receipt(nth, START + nth)).collect();
    // Receipt 3 changed meanwhile: it moved to the end, and all after it moved up.
    let second: Vec<Json> = (98..130).map(|nth| receipt(nth, START + nth)).chain([receipt(3, START + 500)]).collect();
    let (web, script) = etsy(&[(200, page(130, first)), (200, page(33, second)), (200, EMPTY.to_owned())]);
    let orders = read(&web, &window()).await.unwrap();
    let numbers: Vec<i64> = orders.iter().map(|order| order.order.parse().unwrap()).collect();
    assert_eq!(numbers, (0..130).chain([3]).collect::<Vec<_>>(), "each once, and again where it changed");
    let query = |since: i64, skip: usize| {
        format!(
            "GET shops/55500001/receipts?min_last_modified={since}&limit=100&offset={skip}&sort_on=updated&sort_order=asc"
        )
    };
    assert_eq!(script.asked()[..2], [query(START - 1, 0), query(START + 98, 0)]);
}

// Where a whole page bears one stamp, receipts are skipped, and a page that does not join on is begun again.
#[tokio::test(start_paused = true)]
async fn many_receipts_of_one_second_are_read() {
    let of = |ids: std::ops::Range<i64>| ids.map(|nth| receipt(nth, START)).collect::<Vec<_>>();
    let none = || (200, EMPTY.to_owned());
    let (web, script) = etsy(&[(200, page(150, of(0..100))), (200, page(150, of(99..150))), none()]);
    assert_eq!(read(&web, &window()).await.unwrap().len(), 150);
    assert!(script.asked()[1].contains("offset=99&"), "{:?}", script.asked());
    let answers = [(200, page(150, of(0..100))), (200, page(149, of(100..150))), (200, page(60, of(90..150))), none()];
    let (web, _) = etsy(&answers);
    assert_eq!(read(&web, &window()).await.unwrap().len(), 150);
    let (web, _) = etsy(&[(200, page(900, of(0..100)))]);
    assert!(read(&web, &window()).await.unwrap_err().message.contains("keeps changing"));
    // A short page that is not the last is none.
    let (web, _) = etsy(&[(200, page(5, []))]);
    assert!(read(&web, &window()).await.unwrap_err().message.contains("keeps changing"));
}

// proves W1 for Etsy: unfinished is what is neither shipped nor cancelled.
#[tokio::test(start_paused = true)]
async fn unfinished_receipts_are_asked_for() {
    let mut shipped = receipt(2, START);
    shipped["is_shipped"] = json!(true);
    let mut cancelled = receipt(3, START);
    cancelled["status"] = json!("Canceled");
    let (web, script) = etsy(&[(200, page(3, [receipt(1, START), shipped, cancelled]))]);
    let orders = read(&web, &OrderWindow::Unfinished).await.unwrap();
    assert_eq!(orders.iter().map(|order| order.order.as_str()).collect::<Vec<_>>(), ["1"]);
    let query = "was_shipped=false&was_canceled=false&limit=100&offset=0&sort_on=created&sort_order=asc";
    assert_eq!(script.asked(), [format!("GET shops/55500001/receipts?{query}")]);
}

// proves W3 for Etsy: cancelled receipts that the list leaves out are found, each hour, until it is known to hold them.
#[tokio::test(start_paused = true)]
async fn cancelled_receipts_are_asked_for_apart() {
    let mut cancelled = receipt(2, START + 30);
    cancelled["status"] = json!("Canceled");
    let (web, script) =
        etsy(&[(200, page(1, [receipt(1, START)])), (200, page(1, [cancelled.clone()])), (200, EMPTY.to_owned())]);
    assert_eq!(read(&web, &window()).await.unwrap().len(), 2);
    assert!(script.asked()[1].contains("receipts?was_canceled=true&min_last_modified="), "{:?}", script.asked());
    read(&web, &window()).await.unwrap();
    assert_eq!(script.asked().len(), 3, "not within the hour");
    let (web, script) = etsy(&[(200, page(2, [receipt(1, START), cancelled]))]);
    read(&web, &window()).await.unwrap();
    assert_eq!(script.asked().len(), 1, "the list has them");
}
