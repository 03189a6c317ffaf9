//! The simulated WooCommerce takes from its stock and gives back as the sheet of facts says, version by version.
//! Numbers in comments are the sheet's sections.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::sim::woocommerce::{Edit, Version};
use crate::sim::{Market, Pace, ShopHandle, Turned};
use crate::woo_line::{add_tee, ask, batch, column, face, get, shop, shop_of};

const VERSIONS: [Version; 5] =
    [Version(5, 9, 0), Version(8, 2, 2), Version(9, 4, 3), Version(10, 5, 0), Version(11, 0, 1)];

/// A meta value of the first line of an order.
async fn line_meta(market: &Market, order: u64, key: &str) -> Option<String> {
    let lines = get(market, &format!("/orders/{order}")).await["line_items"].clone();
    let meta = lines[0]["meta_data"].as_array().unwrap().iter().find(|meta| meta["key"] == key).cloned();
    meta.map(|meta| meta["value"].as_str().unwrap().to_owned())
}

async fn reduced(market: &Market, order: u64) -> Option<String> {
    line_meta(market, order, "_reduced_stock").await
}

/// The red mugs that are there, held against the log.
fn left(shop: &ShopHandle) -> i64 {
    let left = shop.available("MUG-RED");
    assert_eq!(left, shop.truth("MUG-RED").expected(7));
    left
}

#[tokio::test(start_paused = true)]
async fn the_status_of_an_order_moves_the_stock() {
    // 5.1, row by row; 1.6
    for version in VERSIONS {
        let (market, shop) = shop_of(version);
        for status in ["pending", "checkout-draft"] {
            let order = shop.order_with(status, &[("MUG-RED", 2)]);
            assert_eq!((left(&shop), reduced(&market, order).await), (7, None));
        }
        let order = shop.order_with("on-hold", &[("MUG-RED", 2)]);
        assert_eq!((left(&shop), reduced(&market, order).await.as_deref()), (5, Some("2")));
        // Once, whatever follows.
        for status in ["processing", "completed", "refunded", "processing"] {
            shop.set_order_status(order, status);
            assert_eq!((left(&shop), reduced(&market, order).await.as_deref()), (5, Some("2")), "{version} {status}");
        }
        shop.set_order_status(order, "failed");
        let kept = if version >= Version(11, 0, 0) { (7, None) } else { (5, Some("2".to_owned())) };
        assert_eq!((left(&shop), reduced(&market, order).await), kept, "{version}");
        for (status, number) in [("cancelled", 7), ("processing", 5), ("pending", 7), ("completed", 5)] {
            shop.set_order_status(order, status);
            assert_eq!(left(&shop), number, "{version} {status}");
        }
        // More than there is: a program's order is taken, a buyer's is not.
        assert_eq!(shop.buy("MUG-RED", 6), Err(Turned::SoldOut));
        shop.order_with("processing", &[("MUG-RED", 9)]);
        assert_eq!((left(&shop), shop.truth("MUG-RED").below_zero), (-4, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn refunds_of_lines_give_back_what_the_line_holds() {
    // 5.1, 5.2
    let (market, shop) = shop();
    let order = shop.order_with("processing", &[("MUG-RED", 4)]);
    shop.refund(order, &[(0, 1)], true);
    assert_eq!((left(&shop), reduced(&market, order).await.as_deref()), (4, Some("3")));
    assert_eq!(line_meta(&market, order, "_restock_refunded_items").await.as_deref(), Some("1"));
    shop.refund(order, &[(0, 1)], false);
    assert_eq!((left(&shop), reduced(&market, order).await.as_deref()), (4, Some("3")));
    let shown = get(&market, &format!("/orders/{order}")).await;
    // The quantity and the status stay; the lines of a refund stand elsewhere.
    assert_eq!((&shown["status"], &shown["line_items"][0]["quantity"]), (&json!("processing"), &json!(4)));
    assert_eq!(shown["refunds"].as_array().unwrap().len(), 2);
    assert!(shown["refunds"][0]["line_items"].is_null());
    let refunds = get(&market, &format!("/orders/{order}/refunds?order=asc&orderby=id")).await;
    let line = &refunds[0]["line_items"][0];
    assert_eq!((&line["quantity"], &line["product_id"]), (&json!(-1), &json!(shop.woo_id("MUG-RED"))));
    assert_eq!(line["meta_data"][0]["value"], shown["line_items"][0]["id"].to_string());
    assert_eq!(column(&market, "/refunds", "parent_id").await, [json!(order), json!(order)]);
    shop.refund(order, &[(0, 3)], true);
    // Nothing is held: the mark is gone, and what refunds gave back stays.
    assert_eq!((left(&shop), reduced(&market, order).await), (7, None));
    assert_eq!(line_meta(&market, order, "_restock_refunded_items").await.as_deref(), Some("4"));
    // What was given back by refunds is not given back again.
    shop.set_order_status(order, "cancelled");
    assert_eq!(left(&shop), 7);
    face(&shop, |face| face.version = Version(8, 2, 2));
    assert_eq!(ask(&market, Method::GET, "/refunds", None).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_refund_bumps_its_order_but_on_5_9() {
    // 5.3, 11
    for version in VERSIONS {
        let (market, shop) = shop_of(version);
        let order = shop.order_with("processing", &[("MUG-RED", 4)]);
        market.advance(Duration::from_mins(1));
        shop.refund(order, &[(0, 1)], true);
        let since = "/orders?dates_are_gmt=true&modified_after=2026-11-23T06:00:30";
        assert_eq!(column(&market, since, "id").await.len(), usize::from(version > Version(5, 9, 0)), "{version}");
        market.advance(Duration::from_mins(1));
        shop.set_order_status(order, "completed");
        assert_eq!(column(&market, since, "id").await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn edits_move_stock_in_the_admin_screens_and_through_rest_since_9_4() {
    // 5.1, 11
    for version in VERSIONS {
        for edit in [Edit::Rest, Edit::Admin] {
            let moves = edit == Edit::Admin || version >= Version(9, 4, 3);
            let (market, shop) = shop_of(version);
            let order = shop.order_with("processing", &[("MUG-RED", 3), ("MUG-BLUE", 1)]);
            shop.edit_line(order, 0, 2, edit);
            assert_eq!(left(&shop), if moves { 5 } else { 4 }, "{version} {edit:?}");
            shop.edit_line(order, 0, 4, edit);
            assert_eq!(left(&shop), if moves { 3 } else { 4 }, "{version} {edit:?}");
            assert_eq!(reduced(&market, order).await.as_deref(), Some(if moves { "4" } else { "3" }));
            let lines = get(&market, &format!("/orders/{order}")).await["line_items"].clone();
            assert_eq!(lines[0]["quantity"], 4);
            shop.remove_line(order, 0, edit);
            assert_eq!(left(&shop), if moves { 7 } else { 4 }, "{version} {edit:?}");
            let lines = get(&market, &format!("/orders/{order}")).await["line_items"].clone();
            assert_eq!((lines.as_array().unwrap().len(), &lines[0]["sku"]), (1, &json!("MUG-BLUE")));
            // One that holds nothing is edited without moving anything.
            let open = shop.order_with("pending", &[("MUG-RED", 3)]);
            let before = left(&shop);
            shop.edit_line(open, 0, 1, edit);
            assert_eq!(left(&shop), before);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn orders_in_the_trash_keep_what_they_took() {
    // 1.12, 5.1, 5.3
    let (market, shop) = shop();
    let order = shop.order_with("processing", &[("MUG-RED", 2)]);
    let kept = shop.order_with("completed", &[("MUG-BLUE", 1)]);
    market.advance(Duration::from_mins(1));
    shop.trash_order(order, true);
    assert_eq!(left(&shop), 5);
    let list = async |status: &str| column(&market, &format!("/orders?status={status}"), "id").await;
    assert_eq!(list("any").await, [json!(kept)]);
    assert_eq!(list("any,trash").await, [json!(kept)]);
    assert_eq!(list("trash").await, [json!(order)]);
    assert_eq!(list("completed,trash").await, [json!(kept), json!(order)]);
    assert_eq!(list("processing").await, [Value::Null; 0]);
    assert_eq!(
        column(&market, "/orders?status=trash&dates_are_gmt=true&modified_after=2026-11-23T06:00:30", "status").await,
        ["trash"]
    );
    assert_eq!(reduced(&market, order).await.as_deref(), Some("2"));
    shop.trash_order(order, false);
    assert_eq!(list("processing").await, [json!(order)]);
    shop.delete_order(order);
    assert_eq!(left(&shop), 5);
    let (status, body) = ask(&market, Method::GET, &format!("/orders/{order}"), None).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (404, "woocommerce_rest_shop_order_invalid_id"));
    let (status, body) = ask(&market, Method::GET, "/orders?status=any,open", None).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (400, "rest_invalid_param"));
    // A plugin's status moves no stock; the words of this shop can be asked for.
    face(&shop, |face| face.custom_statuses.push("packed".into()));
    shop.set_order_status(kept, "packed");
    assert_eq!((list("packed").await, shop.available("MUG-BLUE")), (vec![json!(kept)], 2));
    shop.set_order_status(kept, "completed");
    assert!(column(&market, "/orders/statuses", "slug").await.contains(&json!("packed")));
    assert!(column(&market, "/orders/statuses", "slug").await.contains(&json!("on-hold")));
    let totals = get(&market, "/reports/orders/totals").await;
    assert!(totals.as_array().unwrap().contains(&json!({ "slug": "completed", "name": "completed", "total": 1 })));
    face(&shop, |face| face.version = Version(9, 4, 3));
    assert_eq!(ask(&market, Method::GET, "/orders/statuses", None).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_line_shows_the_product_of_today() {
    // 1.7
    let (market, shop) = shop();
    let tee = add_tee(&shop);
    let order = shop.order_with("processing", &[("TEE-S", 1)]);
    let line = async || get(&market, &format!("/orders/{order}")).await["line_items"][0].clone();
    let small = shop.woo_id("TEE-S");
    let first = line().await;
    assert_eq!(
        (&first["product_id"], &first["variation_id"], &first["sku"]),
        (&json!(tee), &json!(small), &json!("TEE-S"))
    );
    shop.rename_sku("TEE-S", "SHIRT-S");
    assert_eq!(line().await["sku"], "SHIRT-S");
    shop.delete("SHIRT-S");
    // 5.2: meta data that are fit for display leave out what the line holds.
    assert_eq!(reduced(&market, order).await.as_deref(), Some("1"));
    let fit = get(&market, &format!("/orders/{order}?order_item_display_meta=true")).await;
    assert_eq!(fit["line_items"][0]["meta_data"].as_array().unwrap().len(), 1);
    let gone = line().await;
    assert_eq!((&gone["product_id"], &gone["variation_id"], &gone["sku"]), (&json!(0), &json!(0), &json!(null)));
    assert_eq!(gone["quantity"], 1);
    // Nothing can be given back to what is not there.
    let events = market.events().len();
    shop.set_order_status(order, "cancelled");
    assert_eq!((reduced(&market, order).await.as_deref(), market.events().len()), (Some("1"), events));
}

#[tokio::test(start_paused = true)]
async fn lines_of_unmanaged_and_inheriting_goods() {
    // 5.2, 3.1
    let (market, shop) = shop();
    let cap = shop.add_pool("Cap", 9, &["CAP-A", "CAP-B"]);
    shop.set_tracked("MUG-BLUE", false);
    let order = shop.order_with("processing", &[("MUG-BLUE", 2)]);
    assert_eq!(reduced(&market, order).await, None);
    let order = shop.order_with("processing", &[("CAP-A", 2)]);
    assert_eq!(reduced(&market, order).await.as_deref(), Some("2"));
    assert_eq!(get(&market, &format!("/products/{cap}")).await["stock_quantity"], 7);
    assert_eq!(
        batch(&market, "/products/batch", json!([{ "id": cap, "stock_quantity": 3 }])).await[0]["stock_quantity"],
        3
    );
    shop.set_order_status(order, "cancelled");
    let (a, b) = (shop.truth("CAP-A"), shop.truth("CAP-B"));
    assert_eq!((shop.available("CAP-B"), a.expected(9) + b.expected(0)), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn orders_show_late_and_what_they_took_later_still() {
    // 2.8
    let (market, shop) = shop();
    shop.set_order_delay(Duration::from_secs(30));
    face(&shop, |face| face.reduction_delay = Duration::from_mins(1));
    let order = shop.buy("MUG-RED", 2).unwrap();
    assert_eq!(get(&market, "/orders").await, json!([]));
    market.advance(Duration::from_secs(40));
    let shown = get(&market, "/orders?_fields=status,date_modified_gmt,created_via,line_items").await;
    assert_eq!((&shown[0]["status"], &shown[0]["created_via"]), (&json!("processing"), &json!("checkout")));
    assert_eq!((left(&shop), reduced(&market, order).await), (5, None));
    market.advance(Duration::from_secs(40));
    assert_eq!(reduced(&market, order).await.as_deref(), Some("2"));
    let later = get(&market, "/orders?_fields=date_modified_gmt").await;
    assert_eq!(later[0]["date_modified_gmt"], shown[0]["date_modified_gmt"]);
}

#[tokio::test(start_paused = true)]
async fn what_every_shop_does_is_told_in_woocommerces_words() {
    let (market, shop) = shop();
    let status = async |order: u64| get(&market, &format!("/orders/{order}")).await["status"].clone();
    let [sent, cancelled, kept] = [1, 1, 1].map(|units| shop.buy("MUG-RED", units).unwrap());
    shop.set_origin(kept, "rest-api");
    shop.ship(sent);
    shop.cancel(cancelled, true);
    shop.cancel(kept, false);
    assert_eq!(
        (status(sent).await, status(cancelled).await, status(kept).await),
        (json!("completed"), json!("cancelled"), json!("refunded"))
    );
    assert_eq!(
        (reduced(&market, cancelled).await, reduced(&market, kept).await.as_deref(), left(&shop)),
        (None, Some("1"), 5)
    );
    assert_eq!(get(&market, &format!("/orders/{kept}")).await["created_via"], "rest-api");
    // A busy day, and what the lines hold is what the log says.
    market.alive(Some(Pace { sent: 5.0, cancelled: 4.0, taken_back: 4.0, owner_edits: 2.0, ..Pace::buyers(12.0) }));
    tokio::time::sleep(Duration::from_hours(24)).await;
    market.alive(None);
    let mut held = 0;
    for page in 1..=9 {
        for lines in column(&market, &format!("/orders?per_page=100&page={page}"), "line_items").await {
            for line in lines.as_array().unwrap().iter().filter(|line| line["sku"] == "MUG-RED") {
                let meta = line["meta_data"].as_array().unwrap().iter().find(|meta| meta["key"] == "_reduced_stock");
                held += meta.map_or(0, |meta| meta["value"].as_str().unwrap().parse::<i64>().unwrap());
            }
        }
    }
    let truth = shop.truth("MUG-RED");
    assert!(truth.sold > 20 && truth.restocked > 3);
    assert_eq!((held, left(&shop)), (truth.owed(), truth.expected(7)));
}
