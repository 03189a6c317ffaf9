//! Orders, page by page.

use super::*;

fn order(id: usize, cancel: &str) -> Json {
    json!({ "orderId": format!("12-{id:05}"), "creationDate": "2026-11-23T06:40:10.000Z",
        "lastModifiedDate": "2026-11-23T06:55:00.000Z", "cancelStatus": { "cancelState": cancel, "cancelRequests": [] },
        "lineItems": [{ "lineItemId": format!("9{id:05}"), "legacyItemId": "110000000001", "sku": "MUG-BLUE",
            "quantity": 1, "lineItemFulfillmentStatus": "NOT_STARTED" }] })
}

fn page(total: usize, orders: std::ops::Range<usize>) -> String {
    let next = (orders.end < total).then_some("https://api.ebay.com/sell/fulfillment/v1/order?offset=…");
    let orders: Vec<Json> = orders.map(|id| order(id, "NONE_REQUESTED")).collect();
    json!({ "total": total, "limit": 200, "offset": 0, "next": next, "orders": orders }).to_string()
}

// proves Y1 for eBay: pages overlap by one order, and a list that moved meanwhile is begun again.
#[tokio::test(start_paused = true)]
async fn a_list_that_moves_is_read_again() {
    let (web, script) = ebay(&[(200, page(300, 0..200)), (200, page(300, 199..300))]);
    let window = OrderWindow::ChangedSince("2026-11-23T06:50:00Z".parse().unwrap());
    let first = web.orders(&window, None).await.unwrap();
    let second = web.orders(&window, first.next.clone()).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next), (200, 100, None));
    {
        let asked = script.asked.lock().unwrap();
        let query = asked[0].url.query().unwrap();
        assert_eq!(query, "filter=lastmodifieddate%3A%5B2026-11-23T06%3A50%3A00.000Z..%5D&limit=200&offset=0");
        assert!(asked[1].url.query().unwrap().ends_with("offset=199"));
        assert_eq!(asked[0].headers["authorization"].to_str().unwrap(), "Bearer access-secret-1");
    }
    let (web, _) = ebay(&[(200, page(300, 0..200)), (200, page(299, 200..299)), (200, page(150, 0..150))]);
    let first = web.orders(&window, None).await.unwrap();
    let again = web.orders(&window, first.next).await.unwrap();
    assert!(again.items.is_empty() && again.next.is_some());
    let whole = web.orders(&window, again.next).await.unwrap();
    assert_eq!((whole.items.len(), whole.next), (150, None));
}

// proves P5: a list without its orders is not an empty one, and one that always moves is no complete one.
#[tokio::test(start_paused = true)]
async fn an_incomplete_list_is_an_error() {
    let window = OrderWindow::ChangedSince("2026-11-23T06:50:00Z".parse().unwrap());
    let (web, _) = ebay(&[(200, r#"{"total":0}"#)]);
    assert!(web.orders(&window, None).await.unwrap().items.is_empty());
    let (web, _) = ebay(&[(200, r#"{"limit":200}"#)]);
    assert!(web.orders(&window, None).await.unwrap_err().message.contains("comes without orders"));
    let (web, _) = ebay(&[(200, page(900, 0..200))]);
    let (mut next, mut pages) = (None, 0);
    let error = loop {
        match web.orders(&window, next).await {
            Ok(page) => next = page.next,
            Err(error) => break error,
        }
        pages += 1;
        assert!(pages < 20);
    };
    assert!(error.message.contains("keeps changing"), "{error}");
}

// proves W3: whether goods were missing stands in the order alone, which is asked once.
#[tokio::test(start_paused = true)]
async fn a_cancelled_order_is_asked_why() {
    let list = json!({ "total": 1, "orders": [order(1, "CANCELED")] }).to_string();
    let mut whole = order(1, "CANCELED");
    whole["cancelStatus"]["cancelRequests"] = json!([{ "cancelReason": "OUT_OF_STOCK_OR_CANNOT_FULFILL" }]);
    let (web, script) = ebay(&[(200, list.clone()), (200, whole.to_string()), (200, list)]);
    let window = OrderWindow::ChangedSince("2026-11-23T06:50:00Z".parse().unwrap());
    for _ in 0..2 {
        let line = web.orders(&window, None).await.unwrap().items.remove(0).lines.remove(0);
        assert_eq!((line.taken, line.cancelled, line.shipped, line.out_of_stock), (1, 1, false, true));
        assert_eq!(line.listings[0], ListingKey::new("110000000001"));
    }
    assert_eq!(script.asked(), ["order", "12-00001", "order"]);
    // proves W1: what was cancelled is not unfinished.
    let unfinished = web.orders(&OrderWindow::Unfinished, None).await.unwrap();
    assert!(unfinished.items.is_empty());
    let asked = script.asked.lock().unwrap();
    let query = asked[3].url.query().unwrap();
    assert!(query.starts_with("filter=orderfulfillmentstatus%3A%7BNOT_STARTED%7CIN_PROGRESS%7D&"), "{query}");
}
