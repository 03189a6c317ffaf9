//! The simulated Etsy shows its receipts as the sheet of facts says. Numbers in comments are the sheet's sections.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::etsy_line::{face, get, inventory, path, put, refused, shop, shop_of, spec, with_units};
use crate::sim::etsy::{EtsySpec, ListingSpec, Standing, receipt_id};
use crate::sim::{Rule, ShopHandle, Trouble, Turned};

/// Reads the receipts.
async fn receipts(shop: &ShopHandle, query: &str) -> Vec<Value> {
    get(shop, &path(shop, &format!("/receipts?limit=100&{query}"))).await["results"].as_array().unwrap().clone()
}

/// Reads one of them.
async fn receipt(shop: &ShopHandle, order: u64) -> Value {
    get(shop, &path(shop, &format!("/receipts/{}", receipt_id(order)))).await
}

/// Reads its state, as whoever takes no notice of capitals.
async fn status(shop: &ShopHandle, order: u64) -> String {
    receipt(shop, order).await["status"].as_str().unwrap().to_lowercase()
}

fn numbers(receipts: &[Value]) -> Vec<u64> {
    receipts.iter().map(|one| one["receipt_id"].as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_receipt_has_what_was_bought() {
    // 7
    let (_, shop) = shop();
    let order = shop.buy_many(&[("TEE-S", 2), ("MUG-RED", 1)]).unwrap();
    let shown = receipt(&shop, order).await;
    assert_eq!((&shown["is_paid"], &shown["is_shipped"], &shown["refunds"]), (&json!(true), &json!(false), &json!([])));
    let tee = &shown["transactions"][0];
    assert_eq!((&tee["sku"], &tee["quantity"], &tee["is_digital"]), (&json!("TEE-S"), &json!(2), &json!(false)));
    assert_eq!(tee["listing_id"], shop.etsy_listing("TEE-S"));
    assert_eq!(tee["product_id"], shop.etsy_product("TEE-S"));
    assert_eq!(tee["transaction_id"], shop.etsy_transaction(order, 0));
    assert_eq!(
        (&tee["variations"][0]["formatted_value"], &tee["product_data"][0]["values"]),
        (&json!("S"), &json!(["S"]))
    );
    assert_eq!((shop.available("TEE-S"), shop.available("MUG-RED")), (3, 6));
    assert_eq!(shop.buy("TEE-S", 4), Err(Turned::SoldOut));
    // The numbers are those of the day of the sale, whatever is written since.
    face(&shop, |face| face.new_numbers = 1.0);
    let (listing, before) = (shop.etsy_listing("TEE-S"), shop.etsy_product("TEE-S"));
    put(&shop, listing, &inventory(&shop, listing).await).await;
    assert_ne!(shop.etsy_product("TEE-S"), before);
    assert_eq!(receipt(&shop, order).await["transactions"][0]["product_id"], before);
    // What was deleted has none.
    shop.delete("TEE-S");
    let tee = &receipt(&shop, order).await["transactions"][0];
    assert_eq!((&tee["listing_id"], &tee["product_id"], &tee["sku"]), (&Value::Null, &Value::Null, &json!("TEE-S")));
    shop.rename_sku("MUG-RED", "");
    let bare = shop.buy("", 1).unwrap();
    assert_eq!(receipt(&shop, bare).await["transactions"][0]["sku"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn files_are_sold_as_well() {
    // 7
    let (_, shop) = shop_of(&EtsySpec::new("mugs", &[]).with(ListingSpec::single("PATTERN", 99).digital()));
    let order = shop.buy("PATTERN", 1).unwrap();
    assert_eq!(receipt(&shop, order).await["transactions"][0]["is_digital"], true);
}

#[tokio::test(start_paused = true)]
async fn states_are_written_with_capitals_or_without() {
    // 7
    let (_, shop) = shop();
    let orders: Vec<u64> = (0..5).map(|_| shop.buy("MUG-RED", 1).unwrap()).collect();
    assert_eq!(status(&shop, orders[0]).await, "paid");
    shop.ship(orders[0]);
    shop.cancel(orders[1], true);
    shop.take_back(orders[2], 0, 1, false);
    shop.refund_money(orders[3], false);
    shop.refund_money(orders[4], true);
    let mut said = Vec::new();
    for order in &orders {
        said.push(status(&shop, *order).await);
    }
    assert_eq!(said, ["completed", "canceled", "fully refunded", "partially refunded", "fully refunded"]);
    // A refund alone gives nothing back.
    assert_eq!(shop.available("MUG-RED"), 3);
    assert_eq!(receipt(&shop, orders[3]).await["refunds"].as_array().unwrap().len(), 1);
    let spelled = async || -> Vec<bool> {
        let all = receipts(&shop, "").await;
        all.iter().map(|one| one["status"].as_str().unwrap().starts_with(char::is_uppercase)).collect()
    };
    let both = spelled().await;
    assert!(both.contains(&true) && both.contains(&false), "{both:?}");
    face(&shop, |face| face.capitals = false);
    assert!(!spelled().await.contains(&true));
}

#[tokio::test(start_paused = true)]
async fn a_payment_on_its_way_is_a_sale() {
    // 7
    let (market, shop) = shop();
    let order = shop.buy_processing(&[("MUG-BLUE", 3)]).unwrap();
    assert_eq!((shop.available("MUG-BLUE"), shop.etsy_standing("MUG-BLUE")), (0, Standing::SoldOut));
    let shown = receipt(&shop, order).await;
    assert_eq!((status(&shop, order).await.as_str(), &shown["is_paid"]), ("payment processing", &json!(false)));
    assert_eq!(numbers(&receipts(&shop, "was_paid=false").await), [receipt_id(order)]);
    let before = shown["update_timestamp"].as_i64().unwrap();
    market.advance(Duration::from_mins(9));
    shop.clear_payment(order);
    let shown = receipt(&shop, order).await;
    assert_eq!((status(&shop, order).await.as_str(), &shown["is_paid"]), ("paid", &json!(true)));
    assert!(shown["update_timestamp"].as_i64().unwrap() >= before + 540);
    // By itself, after a while.
    let (market, shop) = shop_of(&EtsySpec { pays_at_once: false, ..spec() });
    face(&shop, |face| face.clears_after = Some(Duration::from_mins(5)));
    let order = shop.buy("MUG-RED", 1).unwrap();
    assert_eq!(status(&shop, order).await, "payment processing");
    market.advance(Duration::from_mins(5));
    assert_eq!(status(&shop, order).await, "paid");
}

#[tokio::test(start_paused = true)]
async fn whether_cancelled_units_come_back_is_a_switch() {
    // 7, 12
    for restocks in [false, true] {
        let (_, shop) = shop_of(&EtsySpec { restocks, ..spec() });
        let order = shop.buy("MUG-BLUE", 3).unwrap();
        shop.cancel_receipt(order);
        assert_eq!(shop.available("MUG-BLUE"), if restocks { 3 } else { 0 });
        // A sold-out listing does not come back to life by itself.
        assert_eq!((shop.etsy_standing("MUG-BLUE"), shop.for_sale("MUG-BLUE")), (Standing::SoldOut, false));
        assert_eq!(status(&shop, order).await, "canceled");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelled_receipts_are_listed_too() {
    // 0, 7
    let (_, shop) = shop();
    let orders: Vec<u64> = (0..2).map(|_| shop.buy("MUG-RED", 1).unwrap()).collect();
    shop.cancel(orders[0], false);
    let ids: Vec<u64> = orders.iter().map(|order| receipt_id(*order)).collect();
    assert_eq!(receipts(&shop, "").await.len(), 2);
    assert_eq!(numbers(&receipts(&shop, "was_canceled=true").await), [ids[0]]);
    assert_eq!(numbers(&receipts(&shop, "was_canceled=false").await), [ids[1]]);
    // As older reports have it.
    face(&shop, |face| face.lists_canceled = false);
    assert_eq!(numbers(&receipts(&shop, "").await), [ids[1]]);
    assert_eq!(numbers(&receipts(&shop, "was_canceled=true").await), [ids[0]]);
}

#[tokio::test(start_paused = true)]
async fn receipts_are_found_by_time() {
    // 7
    let (market, shop) = shop();
    let mut orders = Vec::new();
    for _ in 0..4 {
        orders.push(shop.buy("MUG-RED", 1).unwrap());
        market.advance(Duration::from_mins(10));
    }
    let begun: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
    let at = |minutes: i64| begun.as_second() + 60 * minutes;
    let ids: Vec<u64> = orders.iter().map(|order| receipt_id(*order)).collect();
    let found = async |query: String| numbers(&receipts(&shop, &query).await);
    // Newest first, unless something else is said.
    assert_eq!(found(String::new()).await, ids.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(found("sort_on=created&sort_order=asc".into()).await, ids);
    // Bounds are whole seconds, and included.
    let created = format!("min_created={}&max_created={}&sort_order=up", at(10) - 1, at(20) + 1);
    assert_eq!(found(created).await, ids[1..3]);
    shop.ship(orders[0]);
    let changed = format!("min_last_modified={}&sort_on=updated&sort_order=asc", at(30) - 1);
    assert_eq!(found(changed).await, [ids[3], ids[0]]);
    assert_eq!(found("was_shipped=true".into()).await, [ids[0]]);
    assert!(found("was_delivered=true".into()).await.is_empty());
    assert_eq!(found("sort_on=receipt_id&sort_order=asc".into()).await, ids);
    let page = get(&shop, &path(&shop, "/receipts?limit=3&offset=3&sort_order=asc")).await;
    assert_eq!((page["count"].as_u64(), numbers(page["results"].as_array().unwrap())), (Some(4), vec![ids[3]]));
    for wrong in
        ["limit=101", "limit=0", "min_created=5", "was_paid=1", "sort_on=status", "sort_order=newest", "status=paid"]
    {
        assert_eq!(refused(&shop, &path(&shop, &format!("/receipts?{wrong}"))).await.0, 400, "{wrong}");
    }
    assert_eq!(refused(&shop, &path(&shop, "/receipts/1")).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn receipts_show_late_and_move_while_they_are_read() {
    // 7
    let (market, shop) = shop();
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(shop.buy("MUG-RED", 1).unwrap());
        market.advance(Duration::from_mins(1));
    }
    shop.set_order_delay(Duration::from_mins(5));
    assert!(receipts(&shop, "").await.is_empty());
    market.advance(Duration::from_mins(5));
    let page = async |offset: usize| {
        let query = format!("/receipts?limit=2&offset={offset}&sort_on=updated&sort_order=asc");
        numbers(get(&shop, &path(&shop, &query)).await["results"].as_array().unwrap())
    };
    let ids: Vec<u64> = orders.iter().map(|order| receipt_id(*order)).collect();
    assert_eq!(page(0).await, ids[..2]);
    market.trouble(Rule::once(Trouble::Drift));
    // The first went to the end, so that the third is passed over.
    assert_eq!(page(2).await, [ids[0]]);
    assert_eq!(page(0).await, ids[1..]);
    market.trouble(Rule::once(Trouble::NoNumbers));
    let shown = receipts(&shop, "").await;
    assert_eq!(shown[0]["transactions"][0]["quantity"], Value::Null);
    // Filters by change trail behind.
    shop.set_lag(Duration::from_mins(2));
    shop.cancel(orders[0], false);
    let since = market.now().as_second() - 30;
    assert!(receipts(&shop, &format!("min_last_modified={since}")).await.is_empty());
    market.advance(Duration::from_mins(2));
    assert_eq!(receipts(&shop, &format!("min_last_modified={since}")).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn several_skus_of_a_group_sell_from_one_number() {
    // 3
    let (_, shop) = shop();
    shop.buy_many(&[("PRINT-A", 4), ("PRINT-B", 1)]).unwrap();
    assert_eq!((shop.available("PRINT-A"), shop.available("PRINT-B")), (1, 1));
    assert_eq!(shop.buy("PRINT-B", 2), Err(Turned::SoldOut));
    let listing = shop.etsy_listing("PRINT-A");
    let body = with_units(inventory(&shop, listing).await, &[("PRINT-A", 5), ("PRINT-B", 5)]);
    assert_eq!(put(&shop, listing, &body).await.0, 200);
    shop.buy("PRINT-B", 5).unwrap();
    assert_eq!(shop.etsy_standing("PRINT-A"), Standing::SoldOut);
}
