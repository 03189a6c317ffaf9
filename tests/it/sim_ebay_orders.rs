//! The simulated eBay sells, cancels and shows orders as the sheet of facts says. Numbers in comments are the sheet's
//! sections.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::ebay_line::{counts, face, get, refused, rest, shop, shop_of, spec};
use crate::sim::ebay::EbaySpec;
use crate::sim::{Pace, Rule, ShopHandle, Trouble};

const ORDERS: &str = "/sell/fulfillment/v1/order";

/// The orders changed since a moment, as a list of one field.
async fn since(shop: &ShopHandle, from: &str, field: &str) -> Vec<Value> {
    let page = get(shop, &format!("{ORDERS}?filter=lastmodifieddate:%5B{from}..%5D&limit=200")).await;
    page["orders"].as_array().unwrap().iter().map(|order| order[field].clone()).collect()
}

async fn all(shop: &ShopHandle, field: &str) -> Vec<Value> {
    since(shop, "2026-11-23T06:00:00.000Z", field).await
}

#[tokio::test(start_paused = true)]
async fn a_sale_is_shown_with_its_lines() {
    // 7
    let (_, shop) = shop();
    let order = shop.buy_many(&[("MUG-RED", 2), ("TEE-M", 1)]).unwrap();
    let page = get(&shop, ORDERS).await;
    let shown = &page["orders"][0];
    assert_eq!((&page["total"], &page["limit"], &page["offset"]), (&json!(1), &json!(50), &json!(0)));
    assert_eq!(shown["orderId"], shop.order_number(order).unwrap());
    assert_eq!(shown["creationDate"], "2026-11-23T06:00:00.000Z");
    assert_eq!(
        (&shown["orderPaymentStatus"], &shown["orderFulfillmentStatus"]),
        (&json!("PAID"), &json!("NOT_STARTED"))
    );
    assert_eq!(shown["cancelStatus"], json!({ "cancelState": "NONE_REQUESTED", "cancelRequests": [] }));
    let [red, tee] = [0, 1].map(|nth| &shown["lineItems"][nth]);
    assert_eq!((&red["legacyItemId"], &red["legacyVariationId"]), (&json!(shop.item_id("MUG-RED")), &Value::Null));
    assert_eq!((&red["sku"], &red["quantity"], &red["refunds"]), (&json!("MUG-RED"), &json!(2), &json!([])));
    assert_eq!(tee["legacyVariationId"], shop.variation_id("TEE-M"));
    assert_eq!(tee["lineItemId"], shop.line_item_id(order, 1));
    shop.ship(order);
    assert_eq!(all(&shop, "orderFulfillmentStatus").await, ["FULFILLED"]);
    // What was deleted meanwhile was sold all the same.
    let number = shop.item_id("TEE-S");
    shop.buy("TEE-S", 1).unwrap();
    shop.delete("TEE-S");
    let line = get(&shop, ORDERS).await["orders"][1]["lineItems"][0].clone();
    assert_eq!((&line["legacyItemId"], &line["sku"]), (&json!(number), &json!("TEE-S")));
    assert!(line["legacyVariationId"].is_string());
    // A listing without an SKU sells without one.
    shop.rename_sku("MUG-BLUE", "");
    shop.buy("", 1).unwrap();
    let page = get(&shop, ORDERS).await;
    assert_eq!(
        (&page["orders"][2]["lineItems"][0]["sku"], &page["orders"][2]["lineItems"][0]["quantity"]),
        (&Value::Null, &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn an_unpaid_purchase_shows_in_the_sold_counter_alone() {
    // 7 and the corrections; W2, O5
    let (market, shop) = shop();
    let red = shop.item_id("MUG-RED");
    let order = shop.buy_unpaid(&[("MUG-RED", 2)]).unwrap();
    assert_eq!((counts(&shop, &red, "MUG-RED").await, shop.available("MUG-RED")), ((7, 2), 5));
    assert_eq!((all(&shop, "orderId").await, shop.order_number(order)), (vec![], None));
    market.advance(Duration::from_hours(30));
    shop.pay(order);
    // It shows with the change of now and the creation of then.
    let late = since(&shop, "2026-11-24T12:00:00.000Z", "creationDate").await;
    assert_eq!(late, ["2026-11-23T06:00:00.000Z"]);
    assert_eq!(all(&shop, "orderId").await, [json!(shop.order_number(order).unwrap())]);
    assert_eq!(counts(&shop, &red, "MUG-RED").await, (7, 2));
    // A whole account where nobody pays at once.
    let (_, slow) = shop_of(&EbaySpec { pays_at_once: false, ..spec() });
    let order = slow.buy("MUG-RED", 1).unwrap();
    assert_eq!(all(&slow, "orderId").await.len(), 0);
    slow.pay(order);
    assert_eq!(all(&slow, "orderId").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_that_is_never_paid_comes_back_if_the_seller_has_it_so() {
    // 7
    for (relists, left) in [(false, 5), (true, 7)] {
        let (_, shop) = shop_of(&EbaySpec { auto_relist: relists, ..spec() });
        let red = shop.item_id("MUG-RED");
        let order = shop.buy_unpaid(&[("MUG-RED", 2)]).unwrap();
        shop.let_lapse(order);
        assert_eq!((shop.available("MUG-RED"), all(&shop, "orderId").await.len()), (left, 0));
        // The counter never falls, so the total rises with what came back.
        assert_eq!(counts(&shop, &red, "MUG-RED").await, (left + 2, 2));
        let truth = shop.truth("MUG-RED");
        assert_eq!((truth.sold, truth.owed(), truth.expected(7)), (2, 7 - left, left));
    }
}

#[tokio::test(start_paused = true)]
async fn time_tells_who_pays() {
    // 7, O5
    let (market, shop) = shop_of(&EbaySpec { pays_at_once: false, auto_relist: true, ..spec() });
    face(&shop, |face| face.pays_after = Some(Duration::from_hours(2)));
    shop.buy("MUG-RED", 1).unwrap();
    market.advance(Duration::from_hours(3));
    assert_eq!(all(&shop, "lastModifiedDate").await, ["2026-11-23T08:00:00.000Z"]);
    face(&shop, |face| (face.pays_after, face.lapses_after) = (None, Some(Duration::from_hours(96))));
    shop.buy("MUG-RED", 1).unwrap();
    let red = shop.item_id("MUG-RED");
    market.advance(Duration::from_hours(95));
    assert_eq!(counts(&shop, &red, "MUG-RED").await, (7, 2));
    market.advance(Duration::from_hours(1));
    // Back on the shelf, and in no order.
    assert_eq!((counts(&shop, &red, "MUG-RED").await, all(&shop, "orderId").await.len()), ((8, 2), 1));
}

#[tokio::test(start_paused = true)]
async fn an_orders_number_changes_and_its_lines_do_not() {
    // the corrections
    let (market, shop) = shop();
    let orders = [shop.buy("MUG-RED", 1).unwrap(), shop.buy_unpaid(&[("MUG-BLUE", 1)]).unwrap()];
    let lines = orders.map(|order| shop.line_item_id(order, 0));
    let first = shop.order_number(orders[0]).unwrap();
    market.advance(Duration::from_mins(5));
    shop.combine(&orders);
    let page = get(&shop, ORDERS).await;
    let shown = page["orders"].as_array().unwrap();
    assert_eq!(shown.len(), 1);
    assert_ne!(shown[0]["orderId"], first);
    assert_eq!(shop.order_number(orders[1]), shop.order_number(orders[0]));
    let ids = [0, 1].map(|nth| shown[0]["lineItems"][nth]["lineItemId"].as_str().unwrap().to_owned());
    assert_eq!(ids, lines);
    assert_eq!(shown[0]["lastModifiedDate"], "2026-11-23T06:05:00.000Z");
    assert_eq!(rest(&shop, Method::GET, &format!("{ORDERS}/{first}"), None).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn cancelled_is_not_back_on_the_shelf() {
    // 7
    let (_, shop) = shop();
    let [kept, back] = [1, 2].map(|units| shop.buy("MUG-RED", units).unwrap());
    let state = async |order: u64| {
        let number = shop.order_number(order).unwrap();
        get(&shop, &format!("{ORDERS}/{number}")).await["cancelStatus"].clone()
    };
    // Asked for is not cancelled: the seller may refuse.
    shop.ask_to_cancel(kept);
    assert_eq!(state(kept).await["cancelState"], "IN_PROGRESS");
    assert_eq!(state(kept).await["cancelRequests"][0]["cancelRequestState"], "REQUESTED");
    shop.refuse_to_cancel(kept);
    assert_eq!(state(kept).await["cancelState"], "NONE_REQUESTED");
    shop.cancel(kept, false);
    shop.cancel(back, true);
    assert_eq!((shop.available("MUG-RED"), state(kept).await["cancelState"].clone()), (6, json!("CANCELED")));
    assert_eq!(state(back).await["cancelRequests"][0]["cancelRequestState"], "COMPLETED");
    let listed = all(&shop, "cancelStatus").await;
    // Lists show no requests, whatever there was.
    assert!(listed.iter().all(|status| status["cancelState"] == "CANCELED" && status["cancelRequests"] == json!([])));
    assert_eq!(all(&shop, "orderPaymentStatus").await, ["FULLY_REFUNDED"; 2]);
    assert_eq!(counts(&shop, &shop.item_id("MUG-RED"), "MUG-RED").await, (9, 3));
}

#[tokio::test(start_paused = true)]
async fn a_refund_moves_nothing_by_itself() {
    // 7
    let (_, shop) = shop();
    let order = shop.buy("MUG-RED", 3).unwrap();
    shop.ship(order);
    shop.take_back(order, 0, 1, false);
    let line = all(&shop, "lineItems").await[0][0].clone();
    assert_eq!((&line["quantity"], line["refunds"].as_array().unwrap().len()), (&json!(3), 1));
    assert_eq!(line["refunds"][0]["amount"]["currency"], "USD");
    assert_eq!(
        (all(&shop, "orderPaymentStatus").await, shop.available("MUG-RED")),
        (vec![json!("PARTIALLY_REFUNDED")], 4)
    );
    assert_eq!(all(&shop, "cancelStatus").await[0]["cancelState"], "NONE_REQUESTED");
    // Unless the seller says so.
    shop.take_back(order, 0, 1, true);
    assert_eq!(shop.available("MUG-RED"), 5);
}

#[tokio::test(start_paused = true)]
async fn the_list_is_filtered_by_change_and_cut_by_rows() {
    // 7
    let (market, shop) = shop();
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(shop.buy("MUG-RED", 1).unwrap());
        market.advance(Duration::from_mins(1));
    }
    shop.ship(orders[0]);
    let numbers: Vec<_> = orders.iter().map(|order| json!(shop.order_number(*order).unwrap())).collect();
    // By change, the bounds included; what changed last comes last.
    let late = since(&shop, "2026-11-23T06:01:00.000Z", "orderId").await;
    assert_eq!(late, [numbers[1].clone(), numbers[2].clone(), numbers[0].clone()]);
    let between = "filter=lastmodifieddate:%5B2026-11-23T06:01:00.000Z..2026-11-23T06:01:00.000Z%5D";
    assert_eq!(get(&shop, &format!("{ORDERS}?{between}")).await["total"], 1);
    // The creation wins, whatever else is there.
    let both = "filter=lastmodifieddate:%5B2026-11-23T06:02:30.000Z..%5D,creationdate:%5B2026-11-23T06:01:00.000Z..%5D";
    let page = get(&shop, &format!("{ORDERS}?{both}")).await;
    assert_eq!((&page["total"], &page["orders"][0]["orderId"]), (&json!(2), &numbers[1]));
    let sent = "filter=orderfulfillmentstatus:%7BFULFILLED%7CIN_PROGRESS%7D";
    assert_eq!(get(&shop, &format!("{ORDERS}?{sent}")).await["orders"][0]["orderId"], numbers[0]);
    // The offset counts rows, not pages.
    let page = get(&shop, &format!("{ORDERS}?limit=2&offset=1")).await;
    assert_eq!((&page["orders"][1]["orderId"], &page["next"]), (&numbers[2], &Value::Null));
    assert!(page["prev"].as_str().unwrap().ends_with("/sell/fulfillment/v1/order?limit=2&offset=0"));
    let from = "filter=lastmodifieddate:%5B2026-11-23T06:00:00.000Z..%5D";
    let page = get(&shop, &format!("{ORDERS}?{from}&limit=2")).await;
    let next = page["next"].as_str().unwrap().to_owned();
    assert!(next.starts_with("https://api.ebay.com/") && next.contains("%5B") && next.ends_with("limit=2&offset=2"));
    let rest_of_it = get(&shop, &next).await;
    assert_eq!((rest_of_it["orders"].as_array().unwrap().len(), &rest_of_it["next"]), (1, &Value::Null));
    // One that changes between two pages moves to the end, and another one is missed.
    market.trouble(Rule::once(Trouble::Drift));
    let moved = get(&shop, &next).await;
    assert_eq!(moved["orders"][0]["orderId"], numbers[1]);
    let named =
        get(&shop, &format!("{ORDERS}?orderIds={},nobody&limit=1&offset=9", numbers[2].as_str().unwrap())).await;
    assert_eq!((&named["total"], &named["orders"][0]["orderId"]), (&json!(1), &numbers[2]));
}

#[tokio::test(start_paused = true)]
async fn what_the_list_does_not_take_is_refused() {
    // 7, 9
    let (_, shop) = shop();
    let code = async |query: &str| refused(&shop, &format!("{ORDERS}?{query}")).await;
    let range = |inside: &str| format!("filter=lastmodifieddate:%5B{inside}%5D");
    assert_eq!(code("limit=201").await, (400, 31100));
    assert_eq!(code("limit=0").await, (400, 31100));
    assert_eq!(code("offset=x").await, (400, 31000));
    assert_eq!(code("filter=status:%7BX%7D").await, (400, 30700));
    assert_eq!(code("filter=lastmodifieddate:2026-11-23").await, (400, 30800));
    assert_eq!(code(&range("2026-11-23T06:00:00.000..")).await, (400, 30810));
    assert_eq!(code(&range("..2026-11-23T06:00:00.000Z")).await, (400, 30820));
    assert_eq!(code(&range("2024-11-01T06:00:00.000Z..")).await, (400, 30830));
    assert_eq!(code(&range("2026-11-23T05:00:00.000Z..2026-11-23T04:00:00.000Z")).await, (400, 30840));
    assert_eq!(code(&range("2026-11-23T06:00:01.000Z..")).await, (400, 30850));
    assert_eq!(code(&format!("orderIds={}", ["1"; 51].join(","))).await, (400, 30900));
    // Brackets go encoded.
    assert_eq!(code("filter=lastmodifieddate:[2026-11-23T05:00:00.000Z..]").await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn orders_show_late() {
    let (market, shop) = shop();
    market.advance(Duration::from_mins(5));
    shop.set_order_delay(Duration::from_secs(40));
    shop.set_lag(Duration::from_secs(20));
    let order = shop.buy("MUG-RED", 1).unwrap();
    assert_eq!(all(&shop, "orderId").await.len(), 0);
    market.advance(Duration::from_secs(40));
    assert_eq!(all(&shop, "lastModifiedDate").await, ["2026-11-23T06:05:00.000Z"]);
    shop.cancel(order, true);
    // The change shows later than what changed.
    assert_eq!(all(&shop, "lastModifiedDate").await, ["2026-11-23T06:05:00.000Z"]);
    assert_eq!(all(&shop, "cancelStatus").await[0]["cancelState"], "CANCELED");
    market.advance(Duration::from_secs(20));
    assert_eq!(since(&shop, "2026-11-23T06:05:30.000Z", "lastModifiedDate").await, ["2026-11-23T06:05:40.000Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_sale_stays_with_the_listing_that_it_was_made_from() {
    // 6, L2
    let (_, shop) = shop();
    let old = shop.item_id("MUG-RED");
    shop.buy("MUG-RED", 2).unwrap();
    shop.end_listing("MUG-RED");
    let new = shop.relist("MUG-RED");
    shop.buy("MUG-RED", 1).unwrap();
    let lines = all(&shop, "lineItems").await;
    let items: Vec<_> = lines.iter().map(|lines| lines[0]["legacyItemId"].as_str().unwrap()).collect();
    assert_eq!(items, [old.as_str(), new.as_str()]);
    assert_eq!(counts(&shop, &old, "MUG-RED").await, (7, 2));
    assert_eq!(counts(&shop, &new, "MUG-RED").await, (5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_busy_day_adds_up() {
    let (market, shop) = shop();
    let red = shop.item_id("MUG-RED");
    market.alive(Some(Pace { sent: 5.0, cancelled: 4.0, taken_back: 4.0, owner_edits: 2.0, ..Pace::buyers(12.0) }));
    tokio::time::sleep(Duration::from_hours(24)).await;
    market.alive(None);
    let truth = shop.truth("MUG-RED");
    let (total, sold) = counts(&shop, &red, "MUG-RED").await;
    assert!(truth.sold > 10);
    assert_eq!((sold, total - sold), (truth.sold, truth.expected(7)));
    let mut units = 0;
    let mut next = Some(format!("{ORDERS}?limit=7"));
    while let Some(path) = next {
        let page = get(&shop, &path).await;
        let lines =
            page["orders"].as_array().unwrap().iter().flat_map(|order| order["lineItems"].as_array().unwrap().clone());
        let red = lines.filter(|line| line["sku"] == "MUG-RED");
        units += red.map(|line| line["quantity"].as_i64().unwrap()).sum::<i64>();
        next = page["next"].as_str().map(Into::into);
    }
    assert_eq!(units, truth.sold);
}
