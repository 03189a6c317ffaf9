//! The simulated WooCommerce takes whatever is written to it, and makes of it what the sheet of facts says. Numbers in
//! comments are the sheet's sections.

use std::time::Duration;

use eys::net::Transport;
use http::Method;
use serde_json::{Value, json};

use crate::sim::woocommerce::Version;
use crate::sim::{Deed, Good, Pace, Rule, State, Trouble, Turned, Who};
use crate::woo_line::{API, add_tee, ask, batch, column, face, get, key, post, request, shop, shop_of};

const VERSIONS: [Version; 5] =
    [Version(5, 9, 0), Version(8, 2, 2), Version(9, 4, 3), Version(10, 5, 0), Version(11, 0, 1)];

#[tokio::test(start_paused = true)]
async fn nothing_is_checked_in_a_batch() {
    // 1.3
    let (market, shop) = shop();
    let tee = add_tee(&shop);
    let (red, small) = (shop.woo_id("MUG-RED"), shop.woo_id("TEE-S"));
    let cases = [
        (json!("abc"), json!(0)),
        (json!([3]), json!(1)),
        (json!(true), json!(1)),
        (json!(7.9), json!(7)),
        (json!("12x"), json!(12)),
        (json!("5"), json!(5)),
        (json!(-3), json!(-3)),
        (json!(null), json!(-3)),
        (json!(""), json!(0)),
    ];
    for (sent, kept) in cases {
        let echo = batch(&market, "/products/batch", json!([{ "id": red, "stock_quantity": sent }])).await;
        assert_eq!((&echo[0]["stock_quantity"], &echo[0]["error"]), (&kept, &Value::Null), "{sent}");
    }
    let item = json!([{ "id": small, "product_id": tee, "stock_quantity": "" }]);
    let echo = batch(&market, &format!("/products/{tee}/variations/batch"), item).await;
    assert_eq!((&echo[0]["stock_quantity"], &echo[0]["stock_status"]), (&json!(null), &json!("outofstock")));
    assert_eq!(shop.truth("TEE-S").expected(5), shop.available("TEE-S"));
}

#[tokio::test(start_paused = true)]
async fn a_single_update_is_checked_and_null_is_zero() {
    // 1.3, 8
    let (market, shop) = shop();
    let red = shop.woo_id("MUG-RED");
    let path = format!("/products/{red}");
    for wrong in [
        json!({ "stock_quantity": "abc" }),
        json!({ "stock_quantity": 7.9 }),
        json!({ "stock_quantity": true }),
        json!({ "manage_stock": "parent" }),
        json!({ "status": "gone" }),
        json!({ "backorders": true }),
    ] {
        let (status, body) = post(&market, &path, wrong.clone()).await;
        assert_eq!((status, body["code"].as_str().unwrap()), (400, "rest_invalid_param"), "{wrong}");
    }
    assert_eq!(shop.available("MUG-RED"), 7);
    // 4.1: POST, PUT and PATCH are the same.
    for (n, method) in [Method::POST, Method::PUT, Method::PATCH].into_iter().enumerate() {
        let (status, body) = ask(&market, method, &path, Some(&json!({ "stock_quantity": n }))).await;
        assert_eq!((status, &body["stock_quantity"]), (200, &json!(n)));
    }
    post(&market, &path, json!({ "stock_quantity": null })).await;
    assert_eq!(shop.available("MUG-RED"), 0);
    // A delta is not in the schema, so that nothing checks it.
    post(&market, &path, json!({ "inventory_delta": "3x" })).await;
    assert_eq!(shop.available("MUG-RED"), 3);
    let address = format!("{API}{path}");
    let mut broken = request(&Method::POST, &address, Some(&json!({})), &[("authorization", &key().basic())]);
    broken.body = "{".into();
    let reply = market.send(broken).await.unwrap();
    assert!(reply.status == 400 && crate::woo_line::parsed(&reply)["code"] == "rest_invalid_json");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_fine_even_if_nothing_in_it_is() {
    // 1.4, 4.1, 8
    let (market, shop) = shop();
    add_tee(&shop);
    shop.set_tracked("MUG-BLUE", false);
    let (blue, small) = (shop.woo_id("MUG-BLUE"), shop.woo_id("TEE-S"));
    let items: Value = [99, small, blue].map(|id| json!({ "id": id, "stock_quantity": 1 })).to_vec().into();
    let echo = batch(&market, "/products/batch", items).await;
    let error = |at: usize| {
        (echo[at]["error"]["code"].as_str().unwrap(), echo[at]["error"]["data"]["status"].as_u64().unwrap())
    };
    assert_eq!(error(0), ("woocommerce_rest_product_invalid_id", 400));
    assert_eq!(error(1), ("woocommerce_rest_invalid_product_id", 404));
    // Taken, and without effect.
    assert_eq!((&echo[2]["manage_stock"], &echo[2]["stock_quantity"]), (&json!(false), &json!(null)));
    assert_eq!((shop.available("MUG-BLUE"), shop.available("TEE-S")), (3, 5));
    // The same alone.
    let (status, body) = post(&market, "/products/99", json!({})).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (400, "woocommerce_rest_product_invalid_id"));
    let (status, body) = post(&market, &format!("/products/{small}"), json!({})).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (404, "woocommerce_rest_invalid_product_id"));
    let wrong = format!("/products/{blue}/variations/{small}");
    assert_eq!(post(&market, &wrong, json!({})).await.0, 404);
    face(&shop, |face| face.version = Version(8, 2, 2));
    let (status, body) = post(&market, &wrong, json!({})).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (403, "woocommerce_rest_cannot_edit"));
    // A plugin that refuses one, and all refused for once.
    face(&shop, |face| face.refused.insert("MUG-BLUE".into(), "plugin_says_no".into()));
    let red = shop.woo_id("MUG-RED");
    let items = json!([{ "id": red, "stock_quantity": 6 }, { "id": blue, "status": "draft" }]);
    let echo = batch(&market, "/products/batch", items.clone()).await;
    assert_eq!((&echo[0]["stock_quantity"], &echo[1]["error"]["code"]), (&json!(6), &json!("plugin_says_no")));
    market.trouble(Rule::once(Trouble::Refuse("woocommerce_rest_cannot_edit")).writing());
    let echo = batch(&market, "/products/batch", items).await;
    assert!(echo.iter().all(|item| item["error"]["code"] == "woocommerce_rest_cannot_edit"));
    market.trouble(Rule::once(Trouble::Refuse("woocommerce_rest_cannot_edit")).writing());
    assert_eq!(post(&market, &format!("/products/{red}"), json!({ "stock_quantity": 1 })).await.0, 400);
    assert_eq!(shop.available("MUG-RED"), 6);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_a_limit_and_takes_its_time() {
    // 4.2
    let (market, shop) = shop();
    let (red, blue) = (shop.woo_id("MUG-RED"), shop.woo_id("MUG-BLUE"));
    let item = json!({ "id": red, "stock_quantity": 1 });
    let (status, body) =
        post(&market, "/products/batch", json!({ "update": vec![item.clone(); 100], "delete": [1] })).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (413, "woocommerce_rest_request_entity_too_large"));
    assert_eq!(shop.available("MUG-RED"), 7);
    face(&shop, |face| face.batch_limit = 20);
    let (_, body) = post(&market, "/products/batch", json!({ "update": vec![item; 21] })).await;
    assert_eq!(body["message"], "Unable to accept more than 20 items for this request.");
    // One after the other: who hangs up in the middle leaves half of it to be done, and it is.
    face(&shop, |face| face.save_time = Duration::from_secs(2));
    let items = json!([{ "id": red, "stock_quantity": 1 }, { "id": blue, "stock_quantity": 1 }]);
    let sent = tokio::time::timeout(Duration::from_secs(3), batch(&market, "/products/batch", items)).await;
    assert!(sent.is_err());
    assert_eq!((shop.available("MUG-RED"), shop.available("MUG-BLUE")), (1, 3));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(shop.available("MUG-BLUE"), 1);
    // Fields in the address empty the answer; each item of products may name its own, and of variations it may not.
    face(&shop, |face| face.save_time = Duration::ZERO);
    let body = json!({ "update": [{ "id": red, "stock_quantity": 2, "_fields": "id,stock_quantity" }] });
    assert_eq!(post(&market, "/products/batch?_fields=id", body.clone()).await, (200, json!([])));
    let (_, answer) = post(&market, "/products/batch", body).await;
    assert_eq!(answer["update"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["_links", "id", "stock_quantity"]);
    let tee = add_tee(&shop);
    let items = json!([{ "id": shop.woo_id("TEE-S"), "product_id": tee, "stock_quantity": 2, "_fields": "id" }]);
    let echo = batch(&market, &format!("/products/{tee}/variations/batch"), items).await;
    assert_eq!(echo[0]["sku"], "TEE-S");
}

#[tokio::test(start_paused = true)]
async fn variations_of_many_products_go_together_if_each_names_its_parent() {
    // 1.5, 4.3, 11
    for version in VERSIONS {
        let (market, shop) = shop_of(version);
        let tee = add_tee(&shop);
        let cap = shop.add_product("Cap", &[Good::new("CAP-A", 5), Good::new("CAP-B", 6)]);
        let (small, a, b) = (shop.woo_id("TEE-S"), shop.woo_id("CAP-A"), shop.woo_id("CAP-B"));
        for url in [0, tee] {
            let items = json!([{ "id": small, "product_id": tee, "stock_quantity": 3 },
                { "id": a, "product_id": cap, "stock_quantity": 2 }]);
            let echo = batch(&market, &format!("/products/{url}/variations/batch"), items).await;
            assert!(echo.iter().all(|item| item["error"].is_null()), "{version}");
            assert_eq!((shop.available("TEE-S"), shop.available("CAP-A"), shop.woo_parent("CAP-A")), (3, 2, cap));
        }
        // Without its parent it is moved, and the catalogue destroyed; or refused.
        let items = json!([{ "id": a, "stock_quantity": 9 }, { "id": b, "product_id": tee, "stock_quantity": 9 }]);
        let echo = batch(&market, &format!("/products/{tee}/variations/batch"), items).await;
        if version < Version(9, 5, 2) {
            assert_eq!((shop.woo_parent("CAP-A"), shop.woo_parent("CAP-B")), (tee, tee), "{version}");
            let variations = get(&market, &format!("/products/{tee}")).await["variations"].clone();
            assert_eq!(variations.as_array().unwrap().len(), 4);
            batch(&market, "/products/0/variations/batch", json!([{ "id": a, "stock_quantity": 1 }])).await;
            let orphan = get(&market, &format!("/products/{a}")).await;
            assert_eq!((&orphan["parent_id"], &orphan["stock_quantity"]), (&json!(0), &json!(1)));
            assert_eq!(shop.buy("CAP-A", 1), Err(Turned::NotForSale));
        } else {
            for item in &echo {
                assert_eq!(item["error"]["code"], "woocommerce_rest_product_variation_invalid_id");
                assert_eq!(item["error"]["data"]["status"], 404);
            }
            assert_eq!((shop.woo_parent("CAP-A"), shop.available("CAP-A")), (cap, 2), "{version}");
        }
        let none =
            batch(&market, &format!("/products/{tee}/variations/batch"), json!([{ "id": 1, "product_id": tee }])).await;
        assert_eq!(none[0]["error"]["code"], "woocommerce_rest_product_variation_invalid_id");
    }
}

#[tokio::test(start_paused = true)]
async fn deltas_get_lost_and_their_echo_does_not_show_it() {
    // 1.2, 4.4
    let (market, shop) = shop();
    let red = shop.woo_id("MUG-RED");
    let less = |by: i64| batch(&market, "/products/batch", json!([{ "id": red, "inventory_delta": -by }]));
    let (first, second) = tokio::join!(less(1), less(2));
    assert_eq!((&first[0]["stock_quantity"], &second[0]["stock_quantity"]), (&json!(6), &json!(5)));
    assert_eq!(shop.available("MUG-RED"), 5);
    assert_eq!(shop.truth("MUG-RED").expected(7), 5);
    // A sale between reading and writing is overwritten; sales of the shop itself never are.
    face(&shop, |face| face.save_time = Duration::from_secs(2));
    let sold = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        shop.buy("MUG-RED", 1).unwrap();
        shop.buy("MUG-RED", 1).unwrap();
        shop.available("MUG-RED")
    };
    let (echo, between) = tokio::join!(less(1), sold);
    assert_eq!((between, &echo[0]["stock_quantity"], shop.available("MUG-RED")), (3, &json!(4), 4));
    let truth = shop.truth("MUG-RED");
    assert_eq!((truth.sold, truth.expected(7)), (2, 4));
    // 2.8: the stamp is that of the beginning, the number came later.
    assert_eq!(get(&market, &format!("/products/{red}")).await["date_modified_gmt"], "2026-11-23T06:00:01");
}

#[tokio::test(start_paused = true)]
async fn deltas_are_passed_over_where_they_mean_nothing() {
    // 4.4, on every version
    for version in VERSIONS {
        let (market, shop) = shop_of(version);
        let cap = shop.add_pool("Cap", 9, &["CAP-A"]);
        shop.set_tracked("MUG-BLUE", false);
        let (red, blue, a) = (shop.woo_id("MUG-RED"), shop.woo_id("MUG-BLUE"), shop.woo_id("CAP-A"));
        let items = json!([{ "id": red, "inventory_delta": -2 }, { "id": red, "inventory_delta": -6 },
            { "id": red, "inventory_delta": null }, { "id": blue, "inventory_delta": -1 },
            { "id": cap, "inventory_delta": -3 }]);
        let echo = batch(&market, "/products/batch", items).await;
        let numbers: Vec<_> = echo.iter().map(|item| item["stock_quantity"].clone()).collect();
        // In their order, with no floor.
        assert_eq!(numbers, [json!(5), json!(-1), json!(-1), json!(null), json!(6)], "{version}");
        let items = json!([{ "id": a, "product_id": cap, "inventory_delta": -1 }]);
        batch(&market, "/products/0/variations/batch", items).await;
        assert_eq!((shop.available("CAP-A"), shop.available("MUG-BLUE")), (6, 3));
        batch(&market, "/products/batch", json!([{ "id": red, "stock_quantity": 4, "inventory_delta": -1 }])).await;
        assert_eq!((shop.available("MUG-RED"), shop.truth("MUG-RED").expected(7)), (4, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_is_kept_just_before_the_number() {
    // 4.4
    let (market, shop) = shop();
    let red = shop.woo_id("MUG-RED");
    let tee = add_tee(&shop);
    let small = shop.woo_id("TEE-S");
    let marked = |id: u64, value: &str| {
        json!([{ "id": id, "product_id": tee, "inventory_delta": -1,
        "meta_data": [{ "key": "_eys_op", "value": value }], "_fields": "id,stock_quantity,meta_data" }])
    };
    let marker = |record: &Value| {
        let meta = record["meta_data"].as_array().unwrap();
        assert!(meta.len() <= 1, "it is kept in place");
        meta.first().map(|meta| meta["value"].as_str().unwrap().to_owned())
    };
    for (n, value) in ["c1-1", "c1-2"].into_iter().enumerate() {
        let echo = batch(&market, "/products/batch", marked(red, value)).await;
        assert_eq!((marker(&echo[0]).as_deref(), &echo[0]["stock_quantity"]), (Some(value), &json!(6 - n)));
        let echo = batch(&market, "/products/0/variations/batch", marked(small, value)).await;
        assert_eq!(marker(&echo[0]).as_deref(), Some(value));
    }
    let read = async || get(&market, &format!("/products/{red}")).await;
    // While the request runs, the marker is there and the number is not.
    face(&shop, |face| face.save_time = Duration::from_secs(2));
    let look = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        read().await
    };
    let (_, between) = tokio::join!(batch(&market, "/products/batch", marked(red, "c1-3")), look);
    assert_eq!((marker(&between).as_deref(), &between["stock_quantity"]), (Some("c1-3"), &json!(5)));
    assert_eq!(shop.available("MUG-RED"), 4);
    // PHP dies exactly between, and nothing after it is done.
    let blue = shop.woo_id("MUG-BLUE");
    face(&shop, |face| face.dies_in_save = Some(1));
    let items =
        json!([{ "id": blue, "stock_quantity": 1 }, marked(red, "c1-4")[0], { "id": blue, "stock_quantity": 0 }]);
    let (status, body) = post(&market, "/products/batch", json!({ "update": items })).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (500, "internal_server_error"));
    let after = read().await;
    assert_eq!((marker(&after).as_deref(), &after["stock_quantity"]), (Some("c1-4"), &json!(4)));
    assert_eq!((shop.available("MUG-BLUE"), shop.available("MUG-RED")), (1, 4));
    // It happens once; then the marker is that of the write, in the log too.
    batch(&market, "/products/batch", marked(red, "c1-5")).await;
    let last = market.events().pop().unwrap().deed;
    assert!(matches!(last, Deed::Adjusted { who: Who::App, delta: -1, key: Some(key), .. } if key == "c1-5"));
    // A lost answer leaves both.
    market.trouble(Rule::once(Trouble::LostAfter).writing());
    let body = json!({ "update": marked(red, "c1-6") });
    let lost =
        request(&Method::POST, &format!("{API}/products/batch"), Some(&body), &[("authorization", &key().basic())]);
    assert!(market.send(lost).await.is_err());
    let after = read().await;
    assert_eq!((marker(&after).as_deref(), &after["stock_quantity"]), (Some("c1-6"), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn management_is_turned_on_and_off() {
    // 4.5, 3.1
    let (market, shop) = shop();
    let red = shop.woo_id("MUG-RED");
    let write = async |fields: Value| post(&market, &format!("/products/{red}"), fields).await.1;
    let off = write(json!({ "manage_stock": false })).await;
    assert_eq!((&off["manage_stock"], &off["stock_quantity"]), (&json!(false), &json!(null)));
    let on = write(json!({ "manage_stock": true })).await;
    assert_eq!((&on["stock_quantity"], &on["stock_status"]), (&json!(null), &json!("outofstock")));
    let on = write(json!({ "manage_stock": true, "stock_quantity": 4 })).await;
    assert_eq!((&on["manage_stock"], &on["stock_quantity"]), (&json!(true), &json!(4)));
    assert_eq!(shop.truth("MUG-RED").expected(7), 4);
    // A variation that is no longer managed inherits from its product, if that holds a stock; and back.
    let cap = shop.add_pool("Cap", 9, &["CAP-A", "CAP-B"]);
    let a = shop.woo_id("CAP-A");
    let path = format!("/products/{cap}/variations/{a}");
    let own = post(&market, &path, json!({ "manage_stock": true, "stock_quantity": 2 })).await.1;
    assert_eq!((&own["manage_stock"], &own["stock_quantity"]), (&json!(true), &json!(2)));
    assert_eq!((shop.available("CAP-A"), shop.available("CAP-B")), (2, 9));
    let shared = post(&market, &path, json!({ "manage_stock": false })).await.1;
    assert_eq!((&shared["manage_stock"], &shared["stock_quantity"]), (&json!("parent"), &json!(9)));
    // A variable product takes over what its variations do not manage.
    let tee = add_tee(&shop);
    shop.set_tracked("TEE-S", false);
    batch(&market, "/products/batch", json!([{ "id": tee, "manage_stock": true, "stock_quantity": 20 }])).await;
    let tees = get(&market, &format!("/products/{tee}/variations?orderby=id&order=asc")).await;
    assert_eq!((&tees[0]["manage_stock"], &tees[0]["stock_quantity"]), (&json!("parent"), &json!(20)));
    assert_eq!((&tees[1]["manage_stock"], &tees[1]["stock_quantity"]), (&json!(true), &json!(4)));
    // External and grouped products have none.
    shop.set_type(red, "external");
    let refused = batch(&market, "/products/batch", json!([{ "id": red, "manage_stock": true }])).await;
    assert_eq!(refused[0]["error"]["code"], "product_external_invalid_manage_stock");
    shop.set_type(red, "grouped");
    assert_eq!(write(json!({ "manage_stock": true, "stock_quantity": 3 })).await["manage_stock"], false);
}

#[tokio::test(start_paused = true)]
async fn without_management_in_the_shop_nothing_counts() {
    // 7, on every version
    for version in VERSIONS {
        let (market, shop) = shop_of(version);
        let tee = add_tee(&shop);
        let (red, small) = (shop.woo_id("MUG-RED"), shop.woo_id("TEE-S"));
        shop.set_counting(false);
        let echo = batch(&market, "/products/batch", json!([{ "id": red, "stock_quantity": 1 }])).await;
        assert_eq!((&echo[0]["manage_stock"], &echo[0]["stock_quantity"]), (&json!(false), &json!(null)));
        let items = json!([{ "id": small, "product_id": tee, "stock_quantity": 1 }]);
        let echo = batch(&market, "/products/0/variations/batch", items).await;
        assert_eq!((&echo[0]["manage_stock"], &echo[0]["stock_quantity"]), (&json!(false), &json!(1)));
        let order = shop.buy("MUG-RED", 20).unwrap();
        let meta = get(&market, &format!("/orders/{order}")).await["line_items"][0]["meta_data"].clone();
        assert!(meta.as_array().unwrap().iter().all(|meta| meta["key"] != "_reduced_stock"));
        assert_eq!((shop.available("MUG-RED"), shop.available("TEE-S")), (7, 5));
    }
}

#[tokio::test(start_paused = true)]
async fn decimals_are_a_plugins_doing() {
    // 3.1
    let (market, shop) = shop();
    face(&shop, |face| face.decimals = true);
    let red = shop.woo_id("MUG-RED");
    let path = format!("/products/{red}");
    assert_eq!(post(&market, &path, json!({ "stock_quantity": 2.5 })).await.1["stock_quantity"], 2.5);
    let echo = batch(&market, "/products/batch", json!([{ "id": red, "inventory_delta": -4 }])).await;
    assert_eq!(echo[0]["stock_quantity"], -1.5);
    face(&shop, |face| face.version = Version(8, 2, 2));
    assert_eq!(post(&market, &path, json!({ "stock_quantity": 2.5 })).await.0, 400);
    let echo = batch(&market, "/products/batch", json!([{ "id": red, "stock_quantity": 2.75 }])).await;
    assert_eq!(echo[0]["stock_quantity"], 2.75);
    face(&shop, |face| face.decimals = false);
    assert_eq!(get(&market, &path).await["stock_quantity"], 2);
}

#[tokio::test(start_paused = true)]
async fn goods_are_hidden_and_brought_back() {
    // 6
    let (market, shop) = shop();
    let red = shop.woo_id("MUG-RED");
    let path = format!("/products/{red}");
    let shown = async || {
        let product = get(&market, &path).await;
        (product["status"].as_str().unwrap().to_owned(), product["catalog_visibility"].as_str().unwrap().to_owned())
    };
    // Out of lists, the direct link works. Quantity and status go together.
    batch(&market, "/products/batch", json!([{ "id": red, "stock_quantity": 2, "catalog_visibility": "hidden" }]))
        .await;
    assert_eq!(shown().await, ("publish".into(), "hidden".into()));
    assert!(shop.buy("MUG-RED", 1).is_ok());
    for status in ["private", "draft", "pending"] {
        post(&market, &path, json!({ "status": status })).await;
        assert_eq!(shown().await, (status.into(), "hidden".into()));
        assert_eq!(shop.buy("MUG-RED", 1), Err(Turned::NotForSale));
        assert_eq!(column(&market, "/products?sku=MUG-RED", "status").await, [status]);
    }
    post(&market, &path, json!({ "status": "publish" })).await;
    assert_eq!(shown().await, ("publish".into(), "hidden".into()));
    post(&market, &path, json!({ "catalog_visibility": "visible" })).await;
    assert!(shop.for_sale("MUG-RED"));
    // In the trash it is read and written by id, and publishing brings it back.
    shop.trash("MUG-RED");
    assert_eq!(post(&market, &path, json!({ "stock_quantity": 5 })).await.1["status"], "trash");
    post(&market, &path, json!({ "status": "publish" })).await;
    assert_eq!((shop.available("MUG-RED"), shop.for_sale("MUG-RED")), (5, true));
    // A variation by itself.
    let tee = add_tee(&shop);
    let small = shop.woo_id("TEE-S");
    let path = format!("/products/{tee}/variations/{small}");
    assert_eq!(post(&market, &path, json!({ "status": "private" })).await.1["status"], "private");
    assert!(!shop.for_sale("TEE-S") && shop.for_sale("TEE-M"));
    assert_eq!(post(&market, &path, json!({ "status": "publish" })).await.1["status"], "publish");
    shop.set_state("TEE-S", State::Archived);
    assert_eq!(column(&market, "/products?sku=TEE-S", "id").await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_books_balance_whatever_is_written_at_once() {
    // 1.2: buyers, the owner and several clients of ours on the same goods, for hours.
    let (market, shop) = shop();
    shop.add_product("Tee", &[Good::new("TEE-S", 50), Good::new("TEE-M", 40)]);
    let pool = shop.add_pool("Cap", 90, &["CAP-A", "CAP-B"]);
    shop.owner_sets("MUG-RED", 60);
    let (red, small, tee) = (shop.woo_id("MUG-RED"), shop.woo_id("TEE-S"), shop.woo_parent("TEE-S"));
    let pace = Pace { cancelled: 900.0, taken_back: 900.0, owner_edits: 300.0, ..Pace::buyers(9000.0) };
    market.alive(Some(pace));
    face(&shop, |face| face.save_time = Duration::from_millis(400));
    let client = async |pause: u64| {
        for n in 0..200_i64 {
            let items = json!([{ "id": red, "inventory_delta": -1 }, { "id": pool, "inventory_delta": 1 }]);
            batch(&market, "/products/batch", items).await;
            let item = json!([{ "id": small, "product_id": tee, "stock_quantity": 40 + n % 9 }]);
            batch(&market, "/products/0/variations/batch", item).await;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    };
    tokio::join!(client(70), client(110), client(1300));
    market.alive(None);
    for (sku, first) in [("MUG-RED", 7), ("MUG-BLUE", 3), ("TEE-S", 50), ("TEE-M", 40)] {
        assert_eq!(shop.available(sku), shop.truth(sku).expected(first), "{sku}");
    }
    let caps = shop.truth("CAP-A").expected(90) + shop.truth("CAP-B").expected(0);
    assert_eq!(shop.available("CAP-A"), caps);
    let truth = shop.truth("MUG-RED");
    assert!(truth.sold > 50 && truth.adjusted != -600, "some deltas got lost: {truth:?}");
}
