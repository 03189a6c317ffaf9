//! A line to a simulated shop at Etsy, for tests that speak to it without an adapter.

use std::time::Duration;

use eys::net::{Reply, Transport};
use http::Method;
use serde_json::{Value, json};

use crate::ebay_line::{json as read, request};
use crate::sim::etsy::{Etsy, EtsySpec, ListingSpec};
use crate::sim::{Good, Market, ShopHandle};

/// Where the shop answers.
pub const HOST: &str = "https://openapi.etsy.com";

/// Two mugs, a tee in two sizes with a number for each, and a print in two sizes that share one.
pub fn spec() -> EtsySpec {
    let size = |sku: &str, title: &str, units| Good { title: title.into(), ..Good::new(sku, units) };
    EtsySpec::new("mugs", &[("MUG-RED", 7), ("MUG-BLUE", 3)])
        .with(ListingSpec::varied("Tee", &[size("TEE-S", "S", 5), size("TEE-M", "M", 4)]))
        .with(ListingSpec::shared("Print", 6, &["PRINT-A", "PRINT-B"]))
}

/// The shop, and the market it is in.
pub fn shop() -> (Market, ShopHandle) {
    shop_of(&spec())
}

/// Another shop.
pub fn shop_of(spec: &EtsySpec) -> (Market, ShopHandle) {
    let market = Market::new(1);
    let shop = market.add_etsy(spec);
    (market, shop)
}

/// Changes the shop's face.
pub fn face<T>(shop: &ShopHandle, act: impl FnOnce(&mut Etsy) -> T) -> T {
    shop.face(act)
}

/// Returns a path below the shop.
pub fn path(shop: &ShopHandle, rest: &str) -> String {
    format!("/shops/{}{rest}", face(shop, |face| face.shop_id))
}

/// Sends a call with the key and a token, both as they are given; none where they are empty.
pub async fn send(market: &Market, method: &Method, path: &str, body: Said<'_>, key: &str, token: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    let (kind, text) = match body {
        Said::Nothing => ("", String::new()),
        Said::Json(body) => ("application/json", body.to_string()),
        Said::Form(fields) => ("application/x-www-form-urlencoded", form(fields)),
    };
    let headers: Vec<_> = [("x-api-key", key), ("authorization", &bearer), ("content-type", kind)]
        .into_iter()
        .filter(|(name, value)| !value.is_empty() && (*name != "authorization" || !token.is_empty()))
        .collect();
    let address = if path.starts_with("http") { path.to_owned() } else { format!("{HOST}/v3/application{path}") };
    market.send(request(method, &address, &text, &headers)).await.unwrap()
}

/// What a call says in its body.
#[derive(Clone, Copy)]
pub enum Said<'a> {
    Nothing,
    Json(&'a Value),
    Form(&'a [(&'a str, &'a str)]),
}

/// Writes a form.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Calls with all that it takes, and never too often.
pub async fn reply(shop: &ShopHandle, method: Method, path: &str, body: Said<'_>) -> Reply {
    shop.market().advance(Duration::from_millis(250));
    let (key, token) = (face(shop, |face| face.api_key()), shop.etsy_token());
    send(shop.market(), &method, path, body, &key, &token).await
}

/// The same, with status and body of what comes back.
pub async fn ask(shop: &ShopHandle, method: Method, path: &str, body: Said<'_>) -> (u16, Value) {
    let reply = reply(shop, method, path, body).await;
    (reply.status.as_u16(), read(&reply))
}

/// Reads something that must be there.
pub async fn get(shop: &ShopHandle, path: &str) -> Value {
    let (status, body) = ask(shop, Method::GET, path, Said::Nothing).await;
    assert_eq!(status, 200, "{path}: {body:#}");
    body
}

/// Status and words of a refusal of something to read.
pub async fn refused(shop: &ShopHandle, path: &str) -> (u16, String) {
    let (status, body) = ask(shop, Method::GET, path, Said::Nothing).await;
    (status, words(&body))
}

/// The words of a refusal.
pub fn words(body: &Value) -> String {
    body["error"].as_str().unwrap_or_else(|| panic!("{body:#}")).to_owned()
}

/// Replaces an inventory.
pub async fn put(shop: &ShopHandle, listing: u64, body: &Value) -> (u16, Value) {
    ask(shop, Method::PUT, &format!("/listings/{listing}/inventory"), Said::Json(body)).await
}

/// Gives a listing a state.
pub async fn set_state(shop: &ShopHandle, listing: u64, state: &str) -> (u16, Value) {
    let path = path(shop, &format!("/listings/{listing}"));
    ask(shop, Method::PATCH, &path, Said::Form(&[("state", state)])).await
}

/// Reads an inventory and turns it into what is written, as the sheet says (5).
pub async fn inventory(shop: &ShopHandle, listing: u64) -> Value {
    writable(&get(shop, &format!("/listings/{listing}/inventory")).await)
}

/// Turns an inventory that was read into what is written.
pub fn writable(read: &Value) -> Value {
    let mut body = read.clone();
    for product in body["products"].as_array_mut().unwrap() {
        let fields = product.as_object_mut().unwrap();
        fields.retain(|name, _| !matches!(name.as_str(), "product_id" | "is_deleted"));
        for value in fields["property_values"].as_array_mut().unwrap() {
            value.as_object_mut().unwrap().remove("scale_name");
        }
        for offering in fields["offerings"].as_array_mut().unwrap() {
            let money = offering["price"]["amount"].as_f64().unwrap() / offering["price"]["divisor"].as_f64().unwrap();
            offering["price"] = json!(money);
            offering.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "offering_id" | "is_deleted"));
        }
    }
    body
}

/// Writes a number into the product of an SKU.
pub fn with_units(mut body: Value, units: &[(&str, i64)]) -> Value {
    for product in body["products"].as_array_mut().unwrap() {
        let known = units.iter().find(|(sku, _)| product["sku"] == *sku);
        if let Some((_, units)) = known {
            product["offerings"][0]["quantity"] = json!(units);
        }
    }
    body
}
