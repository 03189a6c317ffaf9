//! The simulated WooCommerce finds, filters and pages as the sheet of facts says. Numbers in comments are the sheet's
//! sections.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::sim::woocommerce::Version;
use crate::sim::{Market, Rule, State, Trouble};
use crate::woo_line::{add_tee, ask, batch, column, face, get, post, send, shop};

async fn skus(market: &Market, path: &str) -> Vec<String> {
    column(market, path, "sku").await.iter().map(|sku| sku.as_str().unwrap().to_owned()).collect()
}

/// The code and the parameter of a refusal.
async fn refused(market: &Market, path: &str) -> (u16, Value, Vec<String>) {
    let (status, body) = ask(market, Method::GET, path, None).await;
    let params = body["data"]["params"].as_object().map(|params| params.keys().cloned().collect()).unwrap_or_default();
    (status, body["code"].clone(), params)
}

#[tokio::test(start_paused = true)]
async fn a_moment_means_something_else_in_every_spelling() {
    // 1.1
    let (market, shop) = shop();
    market.advance(Duration::from_mins(50));
    shop.buy("MUG-RED", 1).unwrap();
    let found = async |path: &str, moment: &str, flag: &str| {
        let moment = moment.replace('+', "%2B");
        column(&market, &format!("/{path}?modified_after={moment}{flag}"), "id").await.len()
    };
    let gmt = "&dates_are_gmt=true";
    for (path, all) in [("products", 2), ("orders", 1)] {
        // With a zone and the flag it is shifted by the shop's offset: nothing at all in Tokyo, too much in New York.
        for (zone, zoned, local) in [("UTC", 1, 1), ("Asia/Tokyo", 0, all), ("America/New_York", all, 0)] {
            face(&shop, |face| face.set_zone(zone));
            // Right everywhere: no word on the zone, and the flag.
            assert_eq!(found(path, "2026-11-23T06:40:00", gmt).await, 1, "{path} {zone}");
            assert_eq!(found(path, "2026-11-23T06:51:00", gmt).await, 0, "{path} {zone}");
            assert_eq!(found(path, "2026-11-23T06:40:00Z", gmt).await, zoned, "{path} {zone}");
            assert_eq!(found(path, "2026-11-23T06:40:00+00:00", gmt).await, zoned, "{path} {zone}");
            // Without the flag it is compared with the shop's own time.
            assert_eq!(found(path, "2026-11-23T06:40:00", "").await, local, "{path} {zone}");
            assert_eq!(found(path, "2026-11-23T06:40:00Z", "").await, 1, "{path} {zone}");
        }
    }
    let bounds = "/products?modified_after=yesterday";
    assert_eq!(refused(&market, bounds).await, (400, json!("rest_invalid_param"), vec!["modified_after".into()]));
    let plus = "/products?modified_after=2026-11-23T06:40:00+00:00";
    assert_eq!(refused(&market, plus).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_stamp_is_whole_seconds_and_its_own_moment_is_out() {
    // 2.8
    let (market, shop) = shop();
    market.advance(Duration::from_millis(60_700));
    shop.buy("MUG-RED", 1).unwrap();
    let id = shop.woo_id("MUG-RED");
    let product = get(&market, &format!("/products/{id}")).await;
    assert_eq!(product["date_modified_gmt"], "2026-11-23T06:01:00");
    face(&shop, |face| face.set_zone("Asia/Tokyo"));
    assert_eq!(get(&market, &format!("/products/{id}")).await["date_modified"], "2026-11-23T15:01:00");
    let after =
        async |moment: &str| skus(&market, &format!("/products?dates_are_gmt=true&modified_after={moment}")).await;
    assert_eq!(after("2026-11-23T06:01:00").await, [""; 0]);
    assert_eq!(after("2026-11-23T06:00:59").await, ["MUG-RED"]);
    let before = "/products?dates_are_gmt=true&modified_before=2026-11-23T06:01:00";
    assert_eq!(skus(&market, before).await, ["MUG-BLUE"]);
}

#[tokio::test(start_paused = true)]
async fn pages_tell_their_totals_and_move_while_they_are_read() {
    // 2.8
    let (market, shop) = shop();
    for n in 0..5 {
        market.advance(Duration::from_secs(10));
        shop.add(&format!("N-{n}"), n);
    }
    let reply = send(&market, Method::GET, "/products?per_page=3&page=2&orderby=id&order=asc", None).await;
    assert_eq!(
        (&reply.headers["x-wp-total"], &reply.headers["x-wp-totalpages"]),
        (&"7".parse().unwrap(), &"3".parse().unwrap())
    );
    let link = reply.headers["link"].to_str().unwrap();
    assert!(link.contains("page=1>; rel=\"prev\"") && link.contains("page=3>; rel=\"next\""), "{link}");
    assert!(link.starts_with("<https://mugs.test/wp-json/wc/v3/products?per_page=3"));
    // A page past the end is empty, and no error.
    assert_eq!(get(&market, "/products?page=9").await, json!([]));
    // The default is the newest first.
    assert_eq!(skus(&market, "/products?per_page=2").await, ["N-4", "N-3"]);
    assert_eq!(skus(&market, "/products?per_page=2&offset=1&order=asc&orderby=id").await, ["MUG-BLUE", "N-0"]);
    for wrong in
        ["per_page=101", "per_page=0", "page=0", "per_page=x", "order=up", "orderby=sku", "status=live", "include=x"]
    {
        let name = wrong.split('=').next().unwrap().to_owned();
        assert_eq!(
            refused(&market, &format!("/products?{wrong}")).await,
            (400, json!("rest_invalid_param"), vec![name])
        );
    }
    // A HEAD has the totals and no body.
    let head = send(&market, Method::HEAD, "/products", None).await;
    assert!(head.body.is_empty() && head.headers["x-wp-total"] == "7");
    // What changes while the list is read goes to its end: by stamps, ties by id.
    let by_change = "/products?orderby=modified&order=asc&per_page=3&page=";
    assert_eq!(skus(&market, &format!("{by_change}1")).await, ["MUG-RED", "MUG-BLUE", "N-0"]);
    market.advance(Duration::from_secs(10));
    shop.buy("MUG-RED", 1).unwrap();
    assert_eq!(skus(&market, &format!("{by_change}2")).await, ["N-2", "N-3", "N-4"]);
    market.trouble(Rule::once(Trouble::Drift));
    skus(&market, &format!("{by_change}3")).await;
    // A trashed one makes the later ones slide.
    shop.trash("MUG-RED");
    assert_eq!(skus(&market, "/products?orderby=id&order=asc&per_page=3&page=2").await, ["N-2", "N-3", "N-4"]);
}

#[tokio::test(start_paused = true)]
async fn fields_shorten_the_answer() {
    // 2.9
    let (market, shop) = shop();
    let id = shop.woo_id("MUG-RED");
    assert_eq!(
        get(&market, "/products?_fields=sku,stock_quantity&order=asc").await[0],
        json!({ "sku": "MUG-RED", "stock_quantity": 7 })
    );
    let one = get(&market, &format!("/products/{id}?_fields=sku")).await;
    assert!(one["_links"].is_object() && one.as_object().unwrap().len() == 2);
    shop.buy("MUG-RED", 1).unwrap();
    let orders = get(&market, "/orders?_fields=id,status,line_items.product_id,billing.phone").await;
    assert!(orders[0]["line_items"].is_null() && orders[0]["billing"] == json!({ "phone": "555-0100" }));
    // Meta data of the record alone are filtered, since 7.x.
    let meta = json!([{ "key": "a", "value": 1 }, { "key": "b", "value": 2 }]);
    post(&market, &format!("/products/{id}"), json!({ "meta_data": meta })).await;
    let keys = async |query: &str| {
        let shown = get(&market, &format!("/products/{id}?{query}")).await["meta_data"].clone();
        shown.as_array().unwrap().iter().map(|meta| meta["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys("include_meta=b").await, ["b"]);
    assert_eq!(keys("exclude_meta=b").await, ["a"]);
    face(&shop, |face| face.version = Version(5, 9, 0));
    assert_eq!(keys("include_meta=b").await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn skus_are_found_by_the_rules_of_the_database() {
    // 3.2
    let (market, shop) = shop();
    let tee = add_tee(&shop);
    shop.add("A,B", 1).add("Größe & 7", 1).add("007", 1);
    let found = async |sku: &str| {
        let sku: String = url::form_urlencoded::byte_serialize(sku.as_bytes()).collect();
        skus(&market, &format!("/products?order=asc&sku={sku}")).await
    };
    assert_eq!(found("mug-red,TEE-S").await, ["MUG-RED", "TEE-S"]);
    let tees = get(&market, "/products?sku=TEE-S").await;
    assert_eq!((&tees[0]["type"], &tees[0]["parent_id"]), (&json!("variation"), &json!(tee)));
    // Blanks at the end do not count, those after a comma do.
    assert_eq!(found("MUG-RED ").await, ["MUG-RED"]);
    assert_eq!(found("MUG-RED, MUG-BLUE").await, ["MUG-RED"]);
    // One with a comma is found alone only.
    assert_eq!(found("A,B").await, ["A,B"]);
    assert_eq!(found("A,B,MUG-RED").await, ["MUG-RED"]);
    assert_eq!(found("GRÖSSE & 7,7").await, [""; 0]);
    assert_eq!(found("größe & 7,007").await, ["Größe & 7", "007"]);
    // Any status but the trash.
    shop.set_state("MUG-RED", State::Draft);
    shop.trash("MUG-BLUE");
    assert_eq!(found("MUG-RED,MUG-BLUE").await, ["MUG-RED"]);
    let blue = shop.woo_id("MUG-BLUE");
    assert_eq!(get(&market, &format!("/products/{blue}")).await["status"], "trash");
    assert_eq!(skus(&market, "/products?status=trash").await, ["MUG-BLUE"]);
    // A list without SKUs has no variations, and what it does not know it passes over.
    assert_eq!(skus(&market, "/products?order=asc&skus=TEE-S").await, ["MUG-RED", "", "A,B", "Größe & 7", "007"]);
    assert_eq!(skus(&market, "/products?search_sku=ug-r").await, ["MUG-RED"]);
    face(&shop, |face| face.version = Version(5, 9, 0));
    assert_eq!(skus(&market, "/products?search_sku=ug-r").await.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_sku_that_is_there_is_refused_and_imports_make_it_twice() {
    // 3.2, 6, 8
    let (market, shop) = shop();
    let (red, blue) = (shop.woo_id("MUG-RED"), shop.woo_id("MUG-BLUE"));
    let (status, body) = post(&market, &format!("/products/{red}"), json!({ "sku": "mug-blue" })).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (400, "product_invalid_sku"));
    assert_eq!((&body["data"]["resource_id"], &body["data"]["unique_sku"]), (&json!(blue), &json!("mug-blue-1")));
    post(&market, &format!("/products/{red}"), json!({ "sku": " MUG R " })).await;
    assert_eq!(skus(&market, "/products?sku=MUG%20R").await, ["MUG R"]);
    shop.trash("MUG-BLUE");
    let fresh = json!({ "name": "Blue again", "sku": "MUG-BLUE", "manage_stock": true, "stock_quantity": 2 });
    let (status, body) = post(&market, "/products", fresh.clone()).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (400, "woocommerce_rest_product_not_created"));
    // Up to 8.2 it is free, and untrashing makes it twice.
    face(&shop, |face| face.version = Version(8, 2, 2));
    let (status, body) = post(&market, "/products", fresh).await;
    assert_eq!((status, &body["stock_quantity"], &body["manage_stock"]), (201, &json!(2), &json!(true)));
    post(&market, &format!("/products/{blue}"), json!({ "status": "publish" })).await;
    assert_eq!(skus(&market, "/products?sku=MUG-BLUE").await.len(), 2);
    shop.add("MUG R", 1);
    assert_eq!(skus(&market, "/products?sku=MUG%20R").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn all_variations_are_listed_since_10_3() {
    // 3.3
    let (market, shop) = shop();
    let tee = add_tee(&shop);
    shop.add_pool("Cap", 9, &["CAP-A", "CAP-B"]);
    let all = "/variations?orderby=id&order=asc";
    assert_eq!(skus(&market, all).await, ["TEE-S", "TEE-M", "CAP-A", "CAP-B"]);
    assert_eq!(skus(&market, &format!("{all}&sku=tee-s,CAP-B")).await, ["TEE-S", "CAP-B"]);
    assert_eq!(skus(&market, &format!("/products/{tee}/variations?order=asc&orderby=id")).await, ["TEE-S", "TEE-M"]);
    let id = shop.woo_id("TEE-S");
    assert_eq!(get(&market, &format!("/products/{id}")).await["sku"], "TEE-S");
    assert_eq!(get(&market, &format!("/products/{tee}/variations/{id}")).await["sku"], "TEE-S");
    let red = shop.woo_id("MUG-RED");
    let (status, body) = ask(&market, Method::GET, &format!("/products/{red}/variations/{id}"), None).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (404, "woocommerce_rest_product_variation_invalid_id"));
    let (status, body) = ask(&market, Method::GET, "/products/1", None).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (404, "woocommerce_rest_product_invalid_id"));
    // Old versions say less of a variation on its own routes.
    face(&shop, |face| face.version = Version(5, 9, 0));
    let bare = get(&market, &format!("/products/{tee}/variations/{id}")).await;
    assert!(bare["sku"] == "TEE-S" && bare.get("parent_id").is_none() && bare.get("type").is_none());
    assert_eq!(column(&market, &format!("/products/{tee}/variations"), "parent_id").await, [json!(null), json!(null)]);
    assert_eq!(column(&market, "/products?sku=TEE-S", "parent_id").await, [json!(tee)]);
    // 4.1: it is read only, on every version.
    assert_eq!(post(&market, "/variations/batch", json!({ "update": [] })).await.0, 404);
    face(&shop, |face| face.version = Version(9, 4, 3));
    assert_eq!(refused(&market, all).await.1, "rest_no_route");
}

#[tokio::test(start_paused = true)]
async fn variations_that_inherit_are_not_bumped() {
    // 1.8, 3.4
    let (market, shop) = shop();
    let tee = add_tee(&shop);
    let cap = shop.add_pool("Cap", 9, &["CAP-A", "CAP-B"]);
    let since = async |moment: &str, path: &str| {
        let path = format!("/{path}?orderby=id&order=asc&dates_are_gmt=true&modified_after={moment}");
        column(&market, &path, "id").await.iter().map(|id| id.as_u64().unwrap()).collect::<Vec<_>>()
    };
    let tee_s = shop.woo_id("TEE-S");
    market.advance(Duration::from_mins(1));
    shop.buy_many(&[("TEE-S", 1), ("CAP-A", 2)]).unwrap();
    assert_eq!(since("2026-11-23T06:00:30", "products").await, [tee, cap]);
    assert_eq!(since("2026-11-23T06:00:30", "variations").await, [tee_s]);
    let caps = get(&market, "/products?sku=CAP-B").await;
    assert_eq!((&caps[0]["manage_stock"], &caps[0]["stock_quantity"]), (&json!("parent"), &json!(7)));
    // A write changes the parent alone, and one that changes nothing bumps too (1.9).
    market.advance(Duration::from_mins(1));
    let items = json!([{ "id": cap, "stock_quantity": 7 }]);
    assert_eq!(batch(&market, "/products/batch", items).await[0]["stock_quantity"], 7);
    let items = json!([{ "id": tee_s, "product_id": tee, "stock_quantity": 4 }]);
    batch(&market, &format!("/products/{tee}/variations/batch"), items).await;
    assert_eq!(since("2026-11-23T06:01:30", "products").await, [tee, cap]);
    assert_eq!(since("2026-11-23T06:01:30", "variations").await, [tee_s]);
    // 3.4: whoever writes past WooCommerce leaves no stamp, only the number.
    market.advance(Duration::from_mins(1));
    shop.database_sets("TEE-S", 9);
    assert_eq!(since("2026-11-23T06:02:30", "products").await.len(), 0);
    assert_eq!(get(&market, &format!("/products/{tee_s}")).await["stock_quantity"], 9);
    assert_eq!((shop.truth("TEE-S").expected(5), shop.truth("TEE-S").by_others), (9, 5));
    // 1.4: a write to one that inherits is taken and does nothing.
    market.advance(Duration::from_mins(1));
    let cap_a = shop.woo_id("CAP-A");
    let items = json!([{ "id": cap_a, "product_id": cap, "stock_quantity": 1 }]);
    let echo = batch(&market, &format!("/products/{cap}/variations/batch"), items).await;
    assert_eq!((&echo[0]["manage_stock"], &echo[0]["stock_quantity"]), (&json!("parent"), &json!(7)));
    assert_eq!(since("2026-11-23T06:03:30", "variations").await.len(), 0);
    assert_eq!(shop.available("CAP-B"), 7);
}

#[tokio::test(start_paused = true)]
async fn the_stock_report_has_everything_but_drafts() {
    // 3.3
    let (market, shop) = shop();
    add_tee(&shop);
    shop.add("OFF", 5).set_tracked("OFF", false);
    shop.add("DRAFT", 5).set_state("DRAFT", State::Draft);
    let blue = shop.woo_id("MUG-BLUE");
    post(&market, &format!("/products/{blue}"), json!({ "status": "private" })).await;
    let report = "https://mugs.test/wp-json/wc-analytics/reports/stock?per_page=100&orderby=id&order=asc";
    assert_eq!(skus(&market, report).await, ["MUG-RED", "MUG-BLUE", "", "TEE-S", "TEE-M", "OFF"]);
    let off = get(&market, report).await[5].clone();
    assert_eq!((&off["manage_stock"], &off["stock_quantity"]), (&json!(false), &json!(0)));
    face(&shop, |face| face.analytics = false);
    assert_eq!(refused(&market, report).await.1, "rest_no_route");
}

#[tokio::test(start_paused = true)]
async fn the_status_follows_from_the_number() {
    // 3.1, 6
    let (market, shop) = shop();
    let tee = add_tee(&shop);
    let status = async |id: u64| get(&market, &format!("/products/{id}")).await["stock_status"].clone();
    let red = shop.woo_id("MUG-RED");
    assert_eq!(status(red).await, "instock");
    face(&shop, |face| face.no_stock_amount = 7);
    assert_eq!(status(red).await, "outofstock");
    post(&market, &format!("/products/{red}"), json!({ "stock_status": "instock" })).await;
    assert_eq!(status(red).await, "outofstock");
    post(&market, &format!("/products/{red}"), json!({ "backorders": "notify" })).await;
    let shown = get(&market, &format!("/products/{red}")).await;
    assert_eq!(
        (&shown["stock_status"], &shown["backorders"], &shown["backorders_allowed"]),
        (&json!("onbackorder"), &json!("notify"), &json!(true))
    );
    // It is sold below zero then, and shows so.
    shop.buy("MUG-RED", 9).unwrap();
    assert_eq!(get(&market, &format!("/products/{red}")).await["stock_quantity"], -2);
    // All variations out: so is the product.
    assert_eq!(status(tee).await, "outofstock");
    face(&shop, |face| face.no_stock_amount = 4);
    assert_eq!(status(tee).await, "instock");
    // Old numbers and missing ones.
    market.trouble(Rule::once(Trouble::NoNumbers));
    assert!(get(&market, &format!("/products/{red}")).await.get("stock_quantity").is_none());
    market.advance(Duration::from_mins(1));
    shop.owner_sets("MUG-RED", 5);
    market.trouble(Rule::once(Trouble::Stale(Duration::from_secs(30))));
    assert_eq!(get(&market, &format!("/products/{red}")).await["stock_quantity"], -2);
    assert_eq!(get(&market, &format!("/products/{red}")).await["stock_quantity"], 5);
}
