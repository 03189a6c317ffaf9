//! The simulated WooCommerce lets in and keeps out as the sheet of facts says. Numbers in comments are the sheet's
//! sections.

use std::time::Duration;

use eys::net::{Reply, Transport};
use http::Method;
use serde_json::{Value, json};

use crate::sim::woocommerce::{Key, Permalinks, Permission, Tls, Version, WooSpec};
use crate::sim::{Market, Rule, Trouble};
use crate::woo_line::{API, ask, batch, column, face, get, key, parsed, post, request, send, shop, shop_of};

async fn bare(market: &Market, address: &str, headers: &[(&'static str, &str)]) -> Reply {
    market.send(request(&Method::GET, address, None, headers)).await.unwrap()
}

/// Status and code of an answer.
async fn said(market: &Market, address: &str, headers: &[(&'static str, &str)]) -> (u16, String) {
    let reply = bare(market, address, headers).await;
    let code = parsed(&reply)["code"].as_str().unwrap_or("none").to_owned();
    (reply.status.as_u16(), code)
}

const VIEW: &str = "woocommerce_rest_cannot_view";
const WRONG: &str = "woocommerce_rest_authentication_error";

#[tokio::test(start_paused = true)]
async fn the_start_page_and_the_root_tell_where_the_api_is_and_what_it_can() {
    // 2.1
    let (market, shop) = shop();
    let page = bare(&market, "https://mugs.test/", &[]).await;
    assert_eq!(page.headers["link"], "<https://mugs.test/wp-json/>; rel=\"https://api.w.org/\"");
    let root = parsed(&bare(&market, "https://mugs.test/wp-json/", &[]).await);
    assert_eq!((&root["home"], &root["timezone_string"]), (&json!("https://mugs.test"), &json!("UTC")));
    assert!(root["namespaces"].as_array().unwrap().contains(&json!("wc/v3")));
    assert_eq!(root["authentication"], json!([]));
    let routes = |version| {
        let (market, _) = shop_of(version);
        async move {
            let index = parsed(&bare(&market, API, &[]).await);
            ["/wc/v3/variations", "/wc/v3/refunds", "/wc/v3/orders/statuses"]
                .map(|route| index["routes"][route].is_object())
        }
    };
    // 11
    assert_eq!(routes(Version(8, 2, 2)).await, [false; 3]);
    assert_eq!(routes(Version(9, 4, 3)).await, [false, true, false]);
    assert_eq!(routes(Version(10, 5, 0)).await, [true; 3]);
    let operations: Vec<_> = shop.calls().iter().map(|call| call.operation.clone()).collect();
    assert_eq!(operations, ["page", "root"]);
}

#[tokio::test(start_paused = true)]
async fn a_shop_in_a_folder_answers_there_alone() {
    // 2.1
    let market = Market::new(1);
    market.add_woocommerce(&WooSpec { folder: "/shop".into(), ..WooSpec::new("mugs", &[("A", 1)]) });
    let root = parsed(&bare(&market, "https://mugs.test/shop/wp-json/", &[]).await);
    assert_eq!(root["home"], "https://mugs.test/shop");
    let basic = key().basic();
    let headers = [("authorization", basic.as_str())];
    assert_eq!(bare(&market, "https://mugs.test/shop/wp-json/wc/v3/products", &headers).await.status, 200);
    assert_eq!(bare(&market, "https://mugs.test/wp-json/wc/v3/products", &headers).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn keys_are_answered_as_the_table_says() {
    // 2.2, row by row
    let (market, shop) = shop();
    let products = format!("{API}/products");
    assert_eq!(said(&market, &products, &[]).await, (401, VIEW.into()));
    let unknown = Key::new("ck_0", "cs_0", Permission::Read).basic();
    assert_eq!(said(&market, &products, &[("authorization", &unknown)]).await, (401, VIEW.into()));
    let wrong = Key::new(&key().key, "cs_0", Permission::ReadWrite).basic();
    let reply = bare(&market, &products, &[("authorization", &wrong)]).await;
    assert_eq!(
        (reply.status.as_u16(), parsed(&reply)["message"].as_str().unwrap()),
        (401, "Consumer secret is invalid.")
    );
    // 1.10: over plain http nobody looks at it.
    let good = key().basic();
    let http = products.replace("https", "http");
    assert_eq!(said(&market, &http, &[("authorization", &good)]).await, (401, VIEW.into()));
    face(&shop, |face| face.keys[0].permission = Permission::Read);
    let (status, answer) = post(&market, "/products/batch", json!({ "update": [] })).await;
    assert_eq!((status, answer["code"].as_str().unwrap()), (401, WRONG));
    assert!(answer["message"].as_str().unwrap().contains("write permissions"));
    face(&shop, |face| face.keys[0].permission = Permission::Write);
    let reply = bare(&market, &products, &[("authorization", &good)]).await;
    assert!(parsed(&reply)["message"].as_str().unwrap().contains("read permissions"));
    // 7: the right to write, tried without writing.
    assert_eq!(post(&market, "/products/batch", json!({ "update": [] })).await, (200, json!({})));
    face(&shop, |face| (face.keys[0].permission, face.keys[0].of_customer) = (Permission::ReadWrite, true));
    assert_eq!(said(&market, &products, &[("authorization", &good)]).await, (403, VIEW.into()));
    for (path, code) in [("", "woocommerce_rest_cannot_create"), ("/batch", "woocommerce_rest_cannot_batch")] {
        let (status, answer) = post(&market, &format!("/products{path}"), json!({})).await;
        assert_eq!((status, answer["code"].as_str().unwrap()), (403, code));
    }
}

#[tokio::test(start_paused = true)]
async fn the_query_carries_keys_where_the_host_drops_the_header() {
    // 2.3
    let (market, shop) = shop();
    face(&shop, |face| face.site.drops_authorization = true);
    let basic = key().basic();
    let products = format!("{API}/products");
    assert_eq!(said(&market, &products, &[("authorization", &basic)]).await, (401, VIEW.into()));
    let query = format!("{products}?consumer_key={}&consumer_secret={}", key().key, key().secret);
    assert_eq!(bare(&market, &query, &[]).await.status, 200);
    assert_eq!(said(&market, &query.replace("https", "http"), &[]).await, (401, VIEW.into()));
    // The query wins over the header.
    face(&shop, |face| face.site.drops_authorization = false);
    let wrong = query.replace("cs_", "cs_0");
    assert_eq!(said(&market, &wrong, &[("authorization", &basic)]).await, (401, WRONG.into()));
}

#[tokio::test(start_paused = true)]
async fn signatures_are_reckoned_anew() {
    // 2.4; the signatures were made by another program.
    let (market, shop) = shop();
    face(&shop, |face| face.keys.push(Key::new("ck_1", "cs_1", Permission::Read)));
    let signed = |by: &str, signature: &str, nonce: &str| {
        format!(
            "http://mugs.test/wp-json/wc/v3/products?sku=A%26B%20%C3%BC%2CC&per_page=100&oauth_consumer_key=ck_1\
             &oauth_nonce={nonce}&oauth_signature_method={by}&oauth_timestamp=1795413600&oauth_signature={signature}"
        )
    };
    let one = signed("HMAC-SHA1", "sTHt7b7ly7jsI%2FLo13rCN0Xm9PY%3D", "n1");
    let other = signed("HMAC-SHA256", "qe30geEZK8u3pJkslHEuYn%2Fcy%2B6mkegmKlDcCFXBir8%3D", "n1");
    assert_eq!(bare(&market, &one, &[]).await.status, 200);
    // The same nonce again, though by the other method.
    let reply = bare(&market, &other, &[]).await;
    assert!(parsed(&reply)["message"].as_str().unwrap().starts_with("Invalid nonce"));
    market.advance(Duration::from_mins(16));
    let reply = bare(&market, &other, &[]).await;
    assert_eq!(parsed(&reply)["message"], "Invalid timestamp.");
    // A clock that is off, the shop's or ours, makes the same.
    face(&shop, |face| face.clock_off = -jiff::SignedDuration::from_mins(16));
    assert_eq!(bare(&market, &other, &[]).await.status, 401);
    face(&shop, |face| face.keys.retain(|key| key.key != "ck_1"));
    assert_eq!(said(&market, &other, &[]).await, (401, WRONG.into()));
    face(&shop, |face| face.keys.push(Key::new("ck_1", "cs_1", Permission::Read)));
    assert_eq!(bare(&market, &other, &[]).await.status, 200);
    let plain = signed("PLAINTEXT", "cs_1%26", "n2");
    assert_eq!(said(&market, &plain, &[]).await, (401, WRONG.into()));
    let partly = "http://mugs.test/wp-json/wc/v3/products?oauth_consumer_key=ck_1&oauth_nonce=n3";
    let missing = "woocommerce_rest_authentication_missing_parameter";
    assert_eq!(said(&market, partly, &[]).await, (401, missing.into()));
}

#[tokio::test(start_paused = true)]
async fn a_signature_is_for_the_shops_own_address_and_the_scheme_that_php_sees() {
    // 2.3, 2.4
    let (market, shop) = shop();
    let now = market.now();
    let mut nonce = 0;
    let mut signed = |address: &str, method: &str| {
        nonce += 1;
        key().signed(method, address, &[("per_page", "5")], "HMAC-SHA256", now, &format!("n{nonce}"))
    };
    let (http, https) = ("http://mugs.test/wp-json/wc/v3/products", "https://mugs.test/wp-json/wc/v3/products");
    assert_eq!(bare(&market, &format!("{http}?{}", signed(http, "GET")), &[]).await.status, 200);
    assert_eq!(bare(&market, &format!("{https}?{}", signed(https, "GET")), &[]).await.status, 200);
    // A method is signed too.
    assert_eq!(said(&market, &format!("{http}?{}", signed(http, "POST")), &[]).await, (401, WRONG.into()));
    // In the header.
    let query = signed(http, "GET");
    let header = query.replace('&', ", ").replace("per_page=5, ", "");
    let reply = bare(&market, &format!("{http}?per_page=5"), &[("authorization", &format!("OAuth {header}"))]).await;
    assert_eq!(reply.status, 200);
    // A proxy ends TLS and does not tell: https is dialled, http is signed.
    face(&shop, |face| face.site.tls = Tls::Hidden);
    assert_eq!(said(&market, https, &[("authorization", &key().basic())]).await, (401, VIEW.into()));
    assert_eq!(said(&market, &format!("{https}?{}", signed(https, "GET")), &[]).await, (401, WRONG.into()));
    assert_eq!(bare(&market, &format!("{https}?{}", signed(http, "GET")), &[]).await.status, 200);
    // Whatever host was dialled, the home is signed.
    face(&shop, |face| face.home = "https://www.mugs.example".into());
    let home = "http://www.mugs.example/wp-json/wc/v3/products";
    assert_eq!(said(&market, &format!("{https}?{}", signed(http, "GET")), &[]).await, (401, WRONG.into()));
    assert_eq!(bare(&market, &format!("{https}?{}", signed(home, "GET")), &[]).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn with_plain_permalinks_only_the_doubled_address_takes_keys() {
    // 2.5
    let (market, shop) = shop();
    face(&shop, |face| face.site.permalinks = Permalinks::Plain);
    let basic = key().basic();
    let headers = [("authorization", basic.as_str())];
    let reply = bare(&market, &format!("{API}/products"), &headers).await;
    assert!(reply.status == 404 && reply.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    face(&shop, |face| face.site.permalinks = Permalinks::PlainRedirecting);
    assert_eq!(bare(&market, &format!("{API}/products"), &headers).await.status, 301);
    let page = bare(&market, "https://mugs.test/", &[]).await;
    assert!(page.headers["link"].to_str().unwrap().contains("index.php?rest_route=/"));
    assert_eq!(parsed(&bare(&market, "https://mugs.test/index.php?rest_route=/", &[]).await)["name"], "mugs");
    let routed = "https://mugs.test/?rest_route=/wc/v3/products";
    assert_eq!(said(&market, routed, &headers).await, (401, VIEW.into()));
    face(&shop, |face| face.site.core_sees_keys = true);
    assert_eq!(said(&market, routed, &headers).await, (401, "invalid_username".into()));
    let doubled = "https://mugs.test/wp-json/wc/v3/products?rest_route=/wc/v3/products&per_page=100";
    assert_eq!(parsed(&bare(&market, doubled, &headers).await).as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_post_can_be_a_read() {
    // 2.6: a key that may only read is enough.
    let (market, shop) = shop();
    face(&shop, |face| face.keys[0].permission = Permission::Read);
    let many: Vec<_> = (0..600).map(|n| format!("SKU-{n}")).chain(["mug-red".into()]).collect();
    let body = json!({ "sku": many.join(","), "_fields": "sku" });
    let (status, answer) = post(&market, "/products?_method=GET", body.clone()).await;
    assert_eq!((status, answer), (200, json!([{ "sku": "MUG-RED" }])));
    let basic = key().basic();
    let headers = [("authorization", basic.as_str()), ("x-http-method-override", "GET")];
    let reply = market.send(request(&Method::POST, &format!("{API}/products"), Some(&body), &headers)).await.unwrap();
    assert_eq!(parsed(&reply).as_array().unwrap().len(), 1);
    assert!(shop.calls().iter().all(|call| !call.writing && call.operation == "products"));
    face(&shop, |face| face.site.refuses_override = true);
    assert_eq!(send(&market, Method::POST, "/products?_method=GET", Some(&body)).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn long_addresses_break_in_two_ways() {
    // 1.11
    let (market, shop) = shop();
    let padded = |bytes: usize, size: usize| format!("/products?per_page={size}&pad={}", "x".repeat(bytes));
    assert_eq!(send(&market, Method::GET, &padded(8200, 100), None).await.status, 414);
    // Where there is a further page, its link is too long a header.
    let reply = send(&market, Method::GET, &padded(4200, 1), None).await;
    assert!(reply.status == 502 && String::from_utf8_lossy(&reply.body).contains("Bad Gateway"));
    assert_eq!(send(&market, Method::GET, &padded(4200, 100), None).await.status, 200);
    face(&shop, |face| face.site.longest_headers = 16_000);
    assert_eq!(send(&market, Method::GET, &padded(4200, 1), None).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn hosts_and_plugins_get_between() {
    // 2.1, 4.1, 8
    let (market, shop) = shop();
    face(&shop, |face| face.site.noise = Some("Warning: Undefined variable".into()));
    let reply = send(&market, Method::GET, "/products?_fields=id", None).await;
    assert!(reply.status == 200 && reply.body.starts_with(b"Warning: Undefined variable[{"));
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("application/json"));
    face(&shop, |face| face.site.noise = Some("\u{feff}".into()));
    assert!(send(&market, Method::GET, "/products", None).await.body.starts_with(b"\xef\xbb\xbf["));
    face(&shop, |face| (face.site.noise, face.site.maintenance) = (None, true));
    let reply = send(&market, Method::GET, "/products", None).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.headers["retry-after"], &parsed(&reply)["code"]),
        (503, &"600".parse().unwrap(), &json!("wp_die"))
    );
    // Those who do not ask for JSON get HTML.
    assert!(bare(&market, API, &[]).await.body.starts_with(b"<!DOCTYPE"));
    face(&shop, |face| {
        (face.site.maintenance, face.site.wants_agent, face.site.refuses_rare_methods) = (false, true, true);
    });
    assert_eq!(send(&market, Method::GET, "/products", None).await.status, 403);
    assert_eq!(bare(&market, API, &[("user-agent", "eys/0.1")]).await.status, 200);
    face(&shop, |face| face.site.wants_agent = false);
    assert_eq!(send(&market, Method::PUT, "/products/1", Some(&json!({}))).await.status, 403);
    // A redirect home, which whoever follows it pays for.
    face(&shop, |face| face.site.redirects_home = true);
    let reply = bare(&market, "http://mugs.test/wp-json/wc/v3/products?page=2", &[]).await;
    assert_eq!(
        (reply.status.as_u16(), reply.headers["location"].to_str().unwrap()),
        (301, "https://mugs.test/wp-json/wc/v3/products?page=2")
    );
    market.trouble(Rule::once(Trouble::HtmlPage));
    assert_eq!(send(&market, Method::GET, "/products", None).await.headers["content-type"], "text/html; charset=utf-8");
    market.trouble(Rule::once(Trouble::TokenRefused));
    market.trouble(Rule::once(Trouble::Denied("products")).after(1));
    market.trouble(Rule::once(Trouble::Word("internal_server_error")).after(2));
    for (status, code) in [(401, WRONG), (403, VIEW), (500, "internal_server_error")] {
        let (seen, body) = ask(&market, Method::GET, "/products", None).await;
        assert_eq!((seen, body["code"].as_str().unwrap()), (status, code));
    }
    let (status, body) = ask(&market, Method::GET, "/reports/sales", None).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (404, "rest_no_route"));
}

#[tokio::test(start_paused = true)]
async fn settings_and_the_system_are_told_in_one_call_each() {
    // 7
    let (market, shop) = shop();
    face(&shop, |face| (face.version, face.no_stock_amount, face.hides_out_of_stock) = (Version(9, 4, 3), 2, true));
    let settings = get(&market, "/settings/products").await;
    let value = |settings: &Value, id: &str| {
        settings.as_array().unwrap().iter().find(|setting| setting["id"] == id).unwrap()["value"].clone()
    };
    assert_eq!(settings.as_array().unwrap().len(), 31);
    assert_eq!(value(&settings, "woocommerce_manage_stock"), "yes");
    assert_eq!(value(&settings, "woocommerce_notify_no_stock_amount"), "2");
    assert_eq!(value(&settings, "woocommerce_hide_out_of_stock_items"), "yes");
    shop.set_counting(false);
    assert_eq!(value(&get(&market, "/settings/products").await, "woocommerce_manage_stock"), "no");
    let system = get(&market, "/system_status?_fields=environment,settings,active_plugins").await;
    assert_eq!(system["environment"]["version"], "9.4.3");
    assert!(system["settings"]["order_datastore"].as_str().unwrap().ends_with("OrdersTableDataStore"));
    assert!(system["security"].is_null());
    // 3.1: with decimals the schema says so since 9.4.
    face(&shop, |face| face.decimals = true);
    let kind = async || {
        ask(&market, Method::OPTIONS, "/products", None).await.1["schema"]["properties"]["stock_quantity"]["type"]
            .clone()
    };
    assert_eq!(kind().await, "number");
    face(&shop, |face| face.version = Version(8, 2, 2));
    assert_eq!(kind().await, "integer");
}

#[tokio::test]
async fn over_loopback_the_shop_takes_the_port_for_its_home() {
    let (_, shop) = shop();
    let address = shop.serve_woocommerce().await.unwrap();
    let client = reqwest::Client::new();
    let get = async |path: &str| {
        let sent = client.get(format!("http://{address}/wp-json/{path}")).header("authorization", key().basic());
        sent.send().await.unwrap().bytes().await.unwrap()
    };
    let root: Value = serde_json::from_slice(&get("").await).unwrap();
    assert_eq!(root["home"], format!("http://{address}"));
    let products: Value = serde_json::from_slice(&get("wc/v3/products").await).unwrap();
    assert_eq!(products.as_array().unwrap().len(), 2);
    face(&shop, |face| face.site.tls = Tls::AsDialled);
    assert!(String::from_utf8_lossy(&get("wc/v3/products").await).contains(VIEW));
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_route() {
    let (market, shop) = shop();
    let red = shop.woo_id("MUG-RED");
    column(&market, "/products?sku=MUG-RED,MUG-BLUE", "id").await;
    batch(&market, "/products/batch", json!([{ "id": red, "stock_quantity": 5 }, { "id": 1, "stock_quantity": 5 }]))
        .await;
    post(&market, &format!("/products/{red}"), json!({ "stock_quantity": 4 })).await;
    let calls = shop.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.operation.as_str(), call.items, call.writing)).collect();
    assert_eq!(seen, [("products", 2, false), ("products/batch", 2, true), ("products/id", 0, true)]);
    // 9
    for work in [crate::sim::Work::ReadSome, crate::sim::Work::Set, crate::sim::Work::Adjust] {
        assert_eq!(shop.least_calls(work, 1001), 11);
    }
    assert_eq!(shop.least_calls(crate::sim::Work::ReadAll, 0), 1);
}
