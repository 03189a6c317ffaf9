//! A line to a simulated account at eBay, for tests that speak to it without an adapter.

use eys::net::{Reply, Request, Transport};
use http::Method;
use serde_json::Value;

use crate::line;
use crate::sim::ebay::{Ebay, EbaySpec, ListingSpec, NAMESPACE, Node};
use crate::sim::{Good, Market, ShopHandle};

/// Where the account answers.
pub const HOST: &str = "https://api.ebay.com";

/// Two mugs, a tee in two sizes, all classic; a bowl and a plate in two colours of the Inventory model.
pub fn spec() -> EbaySpec {
    EbaySpec::new("mugs", &[("MUG-RED", 7), ("MUG-BLUE", 3)])
        .with(ListingSpec::varied("Tee", &[Good::new("TEE-S", 5), Good::new("TEE-M", 4)]))
        .with(ListingSpec::single("BOWL", 6).inventory())
        .with(ListingSpec::varied("Plate", &[Good::new("PLATE-A", 8), Good::new("PLATE-B", 9)]).inventory())
}

/// The account, and the market it is in.
pub fn shop() -> (Market, ShopHandle) {
    shop_of(&spec())
}

/// Another account.
pub fn shop_of(spec: &EbaySpec) -> (Market, ShopHandle) {
    let market = Market::new(1);
    let shop = market.add_ebay(spec);
    (market, shop)
}

/// Changes the account's face.
pub fn face<T>(shop: &ShopHandle, act: impl FnOnce(&mut Ebay) -> T) -> T {
    shop.face(act)
}

/// A request with some headers.
pub fn request(method: &Method, address: &str, body: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut all = http::HeaderMap::new();
    for (name, value) in headers {
        all.insert(*name, value.parse().unwrap());
    }
    let mut request = line::request(address, &Value::Null);
    request.method = method.clone();
    request.headers = all;
    request.body = body.to_owned().into();
    request
}

/// Sends a document to Trading with a token, and returns what comes back.
pub async fn send_trading(market: &Market, call: &str, document: &str, token: &str) -> Reply {
    let headers = [
        ("x-ebay-api-call-name", call),
        ("x-ebay-api-compatibility-level", "1451"),
        ("x-ebay-api-siteid", "0"),
        ("x-ebay-api-iaf-token", token),
        ("content-type", "text/xml"),
    ];
    market.send(request(&Method::POST, &format!("{HOST}/ws/api.dll"), document, &headers)).await.unwrap()
}

/// Puts what a call is about into its frame.
pub fn framed(call: &str, inside: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><{call}Request xmlns=\"{NAMESPACE}\">{inside}</{call}Request>")
}

/// Calls Trading, which answers with status 200 whatever happens.
pub async fn trade(shop: &ShopHandle, call: &str, inside: &str) -> Node {
    let reply = send_trading(shop.market(), call, &framed(call, inside), &shop.ebay_token()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    xml(&reply)
}

/// Reads the body of an answer of Trading.
pub fn xml(reply: &Reply) -> Node {
    Node::parse(std::str::from_utf8(&reply.body).unwrap()).unwrap_or_else(|why| panic!("{why}: {reply:?}"))
}

/// What an answer says of itself, and the numbers of its errors.
pub fn verdict(answer: &Node) -> (String, Vec<String>) {
    let errors = answer.all("Errors").map(|error| error.said("ErrorCode").unwrap().to_owned());
    (answer.said("Ack").unwrap().to_owned(), errors.collect())
}

/// The verdict that is to be.
pub fn is(ack: &str, codes: &[&str]) -> (String, Vec<String>) {
    (ack.to_owned(), codes.iter().map(|code| (*code).to_owned()).collect())
}

/// Sends a REST call with a token.
pub async fn send_rest(market: &Market, method: Method, path: &str, body: Option<&Value>, token: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let address = if path.starts_with("http") { path.to_owned() } else { format!("{HOST}{path}") };
    let body = body.map(ToString::to_string).unwrap_or_default();
    market.send(request(&method, &address, &body, &headers)).await.unwrap()
}

/// Calls one of the REST interfaces; an empty body is null.
pub async fn rest(shop: &ShopHandle, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let reply = send_rest(shop.market(), method, path, body.as_ref(), &shop.ebay_token()).await;
    (reply.status.as_u16(), json(&reply))
}

/// Reads something that must be there.
pub async fn get(shop: &ShopHandle, path: &str) -> Value {
    let (status, body) = rest(shop, Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {body:#}");
    body
}

/// Status and number of a refusal.
pub async fn refused(shop: &ShopHandle, path: &str) -> (u16, i64) {
    let (status, body) = rest(shop, Method::GET, path, None).await;
    (status, body["errors"][0]["errorId"].as_i64().unwrap_or_else(|| panic!("{body:#}")))
}

/// Reads the body of an answer as JSON.
pub fn json(reply: &Reply) -> Value {
    if reply.body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("no JSON: {reply:?}"))
}

/// Reads one listing by its number.
pub async fn item(shop: &ShopHandle, number: &str) -> Node {
    let answer = trade(shop, "GetItem", &format!("<ItemID>{number}</ItemID>")).await;
    answer.child("Item").unwrap_or_else(|| panic!("{answer:?}")).clone()
}

/// The total and the sold units of a listing, or of one of its variations, by its number.
pub async fn counts(shop: &ShopHandle, number: &str, sku: &str) -> (i64, i64) {
    let item = item(shop, number).await;
    let variations = item.child("Variations").cloned().unwrap_or_default();
    let all = variations.children.into_iter().chain([item]);
    let shown = all.into_iter().find(|one| one.said("SKU") == Some(sku)).expect("the SKU is there");
    let number = |path: &str| shown.said(path).unwrap().parse::<i64>().unwrap();
    (number("Quantity"), number("SellingStatus/QuantitySold"))
}

/// Writes quantities: entries of listing, SKU (may be empty) and number.
pub async fn revise(shop: &ShopHandle, entries: &[(&str, &str, i64)]) -> Node {
    let entry = |(item, sku, units): &(&str, &str, i64)| {
        let sku = if sku.is_empty() { String::new() } else { format!("<SKU>{sku}</SKU>") };
        let item = if item.is_empty() { String::new() } else { format!("<ItemID>{item}</ItemID>") };
        format!("<InventoryStatus>{sku}{item}<Quantity>{units}</Quantity></InventoryStatus>")
    };
    let inside: String = entries.iter().map(entry).collect();
    trade(shop, "ReviseInventoryStatus", &inside).await
}
