//! A line to a simulated WooCommerce shop, for tests that speak to it without an adapter.

use eys::net::{Reply, Request, Transport};
use http::Method;
use serde_json::{Value, json};

use crate::line;
use crate::sim::woocommerce::{Key, Permission, Version, WooCommerce, WooSpec, consumer_key, consumer_secret};
use crate::sim::{Good, Market, ShopHandle};

/// Where the API of the simulated shop is.
pub const API: &str = "https://mugs.test/wp-json/wc/v3";

/// A shop with two mugs, and the market it is in.
pub fn shop() -> (Market, ShopHandle) {
    shop_of(Version::USUAL)
}

/// The same with another version.
pub fn shop_of(version: Version) -> (Market, ShopHandle) {
    let market = Market::new(1);
    let spec = WooSpec { version, ..WooSpec::new("mugs", &[("MUG-RED", 7), ("MUG-BLUE", 3)]) };
    let shop = market.add_woocommerce(&spec);
    (market, shop)
}

/// Adds a tee in two sizes, each with a stock of its own; returns the product's id.
pub fn add_tee(shop: &ShopHandle) -> u64 {
    shop.add_product("Tee", &[Good::new("TEE-S", 5), Good::new("TEE-M", 4)])
}

/// The key that the shop was opened with.
pub fn key() -> Key {
    Key::new(&consumer_key("mugs"), &consumer_secret("mugs"), Permission::ReadWrite)
}

/// Changes the shop's face.
pub fn face<T>(shop: &ShopHandle, act: impl FnOnce(&mut WooCommerce) -> T) -> T {
    shop.face(act)
}

/// A request with some headers.
pub fn request(method: &Method, address: &str, body: Option<&Value>, headers: &[(&'static str, &str)]) -> Request {
    let mut all = http::HeaderMap::new();
    for (name, value) in headers {
        all.insert(*name, value.parse().unwrap());
    }
    if body.is_some() {
        all.insert("content-type", "application/json".parse().unwrap());
    }
    let mut request = line::request(address, &Value::Null);
    request.method = method.clone();
    request.headers = all;
    request.body = body.map(ToString::to_string).unwrap_or_default().into();
    request
}

/// Sends a request with the shop's key; a path is one below the API.
pub async fn send(market: &Market, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let address = if path.starts_with("http") { path.to_owned() } else { format!("{API}{path}") };
    let basic = key().basic();
    let headers = [("authorization", basic.as_str()), ("accept", "application/json")];
    market.send(request(&method, &address, body, &headers)).await.unwrap()
}

/// Sends a request with the shop's key and returns status and body.
pub async fn ask(market: &Market, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let reply = send(market, method, path, body).await;
    (reply.status.as_u16(), parsed(&reply))
}

/// Reads something that must be there.
pub async fn get(market: &Market, path: &str) -> Value {
    let (status, body) = ask(market, Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {body:#}");
    body
}

/// Reads the values of one field of a list.
pub async fn column(market: &Market, path: &str, field: &str) -> Vec<Value> {
    let list = get(market, path).await;
    list.as_array().unwrap_or_else(|| panic!("{list:#}")).iter().map(|record| record[field].clone()).collect()
}

/// Writes something.
pub async fn post(market: &Market, path: &str, body: Value) -> (u16, Value) {
    ask(market, Method::POST, path, Some(&body)).await
}

/// Sends a batch of updates of products, or of variations, and returns what is said of each.
pub async fn batch(market: &Market, path: &str, items: Value) -> Vec<Value> {
    let (status, body) = post(market, path, json!({ "update": items })).await;
    assert_eq!(status, 200, "{body:#}");
    body["update"].as_array().unwrap().clone()
}

/// Returns the body of an answer.
pub fn parsed(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("no JSON: {reply:?}"))
}
