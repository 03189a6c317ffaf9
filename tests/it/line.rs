//! A line to a simulated Shopify shop, for tests that speak to it without an adapter.

use eys::net::{Again, Label, NetError, Reply, Request, Transport};
use serde_json::{Value, json};

use crate::sim::shopify::ShopSpec;
use crate::sim::{Market, ShopHandle};

/// The address of the simulated shop.
pub const ADDRESS: &str = "https://mugs.myshopify.com/admin/api/2026-10/graphql.json";

/// A shop with two mugs, and the market it is in.
pub fn shop() -> (Market, ShopHandle) {
    let market = Market::new(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG-RED", 7), ("MUG-BLUE", 3)]));
    (market, shop)
}

/// A request to an address, as the shop wants it.
pub fn request(address: &str, body: &Value) -> Request {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("x-shopify-access-token", "shpat_mugs".parse().unwrap());
    Request {
        method: http::Method::POST,
        url: address.parse().unwrap(),
        secret_query: None,
        headers,
        body: body.to_string().into(),
        label: Label { operation: "testing", cost: 1.0, again: Again::Always },
    }
}

/// Sends a document.
pub async fn send(market: &Market, query: &str, variables: Value) -> Result<Reply, NetError> {
    market.send(request(ADDRESS, &json!({ "query": query, "variables": variables }))).await
}

/// Sends a document and returns the body of the answer.
pub async fn ask(market: &Market, query: &str, variables: Value) -> Value {
    body(&send(market, query, variables).await.unwrap())
}

/// Returns the body of an answer.
pub fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("no JSON: {reply:?}"))
}

/// Sends a write of quantities; returns its payload.
pub async fn write(market: &Market, field: &str, input: &Value, key: &str) -> Value {
    let kind = if field == "inventorySetQuantities" {
        "InventorySetQuantitiesInput!"
    } else {
        "InventoryAdjustQuantitiesInput!"
    };
    let document = format!(
        "mutation Write($input: {kind}, $key: String!) {{ {field}(input: $input) @idempotent(key: $key) {{
            inventoryAdjustmentGroup {{ id changes(quantityNames: [\"available\"]) {{ delta quantityAfterChange }} }}
            userErrors {{ code field message }} }} }}"
    );
    let answer = ask(market, &document, json!({ "input": input, "key": key })).await;
    if answer["data"][field].is_null() { answer["errors"][0].clone() } else { answer["data"][field].clone() }
}

/// Returns the code of what was refused, in the payload or before it.
pub fn code(answer: &Value) -> &str {
    let error = answer.get("errors").or(answer.get("userErrors")).map_or(answer, |errors| &errors[0]);
    error["code"].as_str().or(error["extensions"]["code"].as_str()).unwrap_or("none")
}

/// A set of these entries.
pub fn set_of(entries: &[Value]) -> Value {
    let reference = "gid://eys/Cycle/1";
    json!({ "name": "available", "reason": "correction", "referenceDocumentUri": reference, "quantities": entries })
}

/// The global ids of the first mug and of where it is.
pub struct Ids {
    pub product: String,
    pub variant: String,
    pub item: String,
    pub other_item: String,
    pub location: String,
    pub publication: String,
}

impl Ids {
    /// Looks them up.
    pub fn of(shop: &ShopHandle) -> Self {
        shop.market().world(|world| {
            let shop = world.shop(shop.name());
            let gid = |kind: &str, id: u64| format!("gid://shopify/{kind}/{id}");
            let variant = shop.variant_of("MUG-RED");
            Self {
                product: gid("Product", shop.variants[&variant].product),
                variant: gid("ProductVariant", variant),
                item: gid("InventoryItem", shop.item_of("MUG-RED")),
                other_item: gid("InventoryItem", shop.item_of("MUG-BLUE")),
                location: gid("Location", *shop.locations.keys().next().unwrap()),
                publication: gid("Publication", *shop.publications.keys().next().unwrap()),
            }
        })
    }

    /// An entry of a set.
    pub fn entry(&self, item: &str, quantity: i64, expected: Option<i64>) -> Value {
        let location = &self.location;
        json!({ "inventoryItemId": item, "locationId": location, "quantity": quantity, "changeFromQuantity": expected })
    }

    /// A set of the first mug.
    pub fn set_red(&self, quantity: i64, expected: Option<i64>) -> Value {
        set_of(&[self.entry(&self.item, quantity, expected)])
    }

    /// An adjustment of the first mug.
    pub fn adjust(&self, delta: i64, expected: Option<i64>) -> Value {
        let (item, location) = (&self.item, &self.location);
        let change =
            json!({ "inventoryItemId": item, "locationId": location, "delta": delta, "changeFromQuantity": expected });
        json!({ "name": "available", "reason": "other", "changes": [change] })
    }
}
