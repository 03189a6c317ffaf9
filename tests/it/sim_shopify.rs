//! The simulated Shopify is as strict as the sheet of facts says the real one is.

use std::time::Duration;

use eys::net::{Again, Label, NetError, Reply, Request, Transport};
use serde_json::{Value, json};

use crate::sim::shopify::{Schema, ShopSpec, Shopify};
use crate::sim::{Market, Rule, ShopHandle, Trouble};

/// A shop with two mugs and a line to it.
fn shop() -> (Market, ShopHandle) {
    let market = Market::new(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG-RED", 7), ("MUG-BLUE", 3)]));
    (market, shop)
}

fn request(body: &Value) -> Request {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("x-shopify-access-token", "shpat_mugs".parse().unwrap());
    Request {
        method: http::Method::POST,
        url: "https://mugs.myshopify.com/admin/api/2026-10/graphql.json".parse().unwrap(),
        headers,
        body: body.to_string().into(),
        label: Label { operation: "testing", cost: 1.0, again: Again::Always },
    }
}

async fn send(market: &Market, query: &str, variables: Value) -> Result<Reply, NetError> {
    market.send(request(&json!({ "query": query, "variables": variables }))).await
}

/// Asks and returns the whole body.
async fn ask(market: &Market, query: &str, variables: Value) -> Value {
    let reply = send(market, query, variables).await.unwrap();
    serde_json::from_slice(&reply.body).unwrap()
}

const CATALOGUE: &str = "query All($first: Int!, $after: String) { productVariants(first: $first, after: $after, sortKey: ID) {
    nodes { id sku inventoryItem { id tracked inventoryLevels(first: 5, includeInactive: true) {
        nodes { id isActive location { id } quantities(names: [\"available\", \"on_hand\", \"committed\"]) { name quantity } } } } }
    pageInfo { hasNextPage endCursor } } }";

#[tokio::test(start_paused = true)]
async fn reads_the_catalogue() {
    let (market, _) = shop();
    let body = ask(&market, CATALOGUE, json!({ "first": 1 })).await;
    println!("{body:#}");
    assert_eq!(body["data"]["productVariants"]["nodes"][0]["sku"], "MUG-RED");
}

/// The documents of the specs folder that this shop does not play, and why.
const UNPLAYED: [&str; 7] = [
    "bulk_cancel",
    "bulk_poll",
    "bulk_running",
    "bulk_start",
    "webhook", // neither bulk operations nor webhooks
    "inner_bulk_levels",
    "inner_bulk_variants", // not requests: strings handed to a bulk operation
];

#[tokio::test(start_paused = true)]
async fn every_official_document_is_played() {
    let Some(specs) = std::env::var_os("EYS_SPECS") else {
        println!("skipped: EYS_SPECS does not name the specs folder");
        return;
    };
    assert!(Schema::known().is_some());
    let (market, shop) = shop();
    let order = shop.buy_many(&[("MUG-RED", 2), ("MUG-BLUE", 1)]).unwrap();
    shop.take_back(order, 0, 1, true);
    let ids = Ids::of(&shop);
    for file in std::fs::read_dir(std::path::Path::new(&specs).join("shopify/documents")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if UNPLAYED.contains(&name.as_str()) {
            continue;
        }
        let document = std::fs::read_to_string(&path).unwrap();
        let body = ask(&market, &document, ids.variables(&name, order)).await;
        assert!(body["errors"].is_null() && body["data"].is_object(), "{name}: {body:#}");
        for (root, payload) in body["data"].as_object().unwrap() {
            let wrong = payload.get("userErrors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
            assert!(!wrong, "{name}: {root}: {payload:#}");
        }
    }
}

/// The global ids of the first mug and where it is.
struct Ids {
    product: String,
    variant: String,
    item: String,
    other_item: String,
    location: String,
    publication: String,
}

impl Ids {
    fn of(shop: &ShopHandle) -> Self {
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

    fn set(&self, item: &str, quantity: i64) -> Value {
        json!({ "name": "available", "reason": "correction", "referenceDocumentUri": "gid://eys/Cycle/1", "quantities": [
            { "inventoryItemId": item, "locationId": self.location, "quantity": quantity, "changeFromQuantity": null } ] })
    }

    fn adjust(&self, delta: i64, expected: Option<i64>) -> Value {
        json!({ "name": "available", "reason": "other", "changes": [
            { "inventoryItemId": self.item, "locationId": self.location, "delta": delta, "changeFromQuantity": expected } ] })
    }

    fn variables(&self, document: &str, order: u64) -> Value {
        let recent = "updated_at:>='2026-11-01T00:00:00Z'";
        match document {
            "activate" => json!({ "item": self.item, "location": self.location, "available": null, "key": "k1" }),
            "adjust" => json!({ "input": self.adjust(-1, None), "key": "k2" }),
            "by_ids" => json!({ "ids": [self.item, "gid://shopify/InventoryItem/1"], "location": self.location }),
            "by_sku" => json!({ "filter": "sku:'MUG-RED' OR sku:'MUG-BLUE'", "first": 250 }),
            "catalogue_one_location" => json!({ "first": 250, "location": self.location }),
            "catalogue_multi_location" => json!({ "first": 250, "levels": 10 }),
            "incremental_levels" => json!({ "first": 250, "location": self.location, "filter": recent }),
            "incremental_products" => json!({ "first": 50, "filter": recent }),
            "order_more_lines" => json!({ "id": format!("gid://shopify/Order/{order}") }),
            "orders" => json!({ "first": 100, "filter": recent }),
            "policy" => {
                json!({ "productId": self.product, "variants": [{ "id": self.variant, "inventoryPolicy": "DENY" }] })
            }
            "publish" | "unpublish" => json!({ "id": self.variant, "publication": self.publication }),
            "set" => json!({ "input": self.set(&self.item, 4), "key": "k3" }),
            "set_batch" => {
                json!({ "i0": self.set(&self.item, 5), "k0": "k4", "i1": self.set(&self.other_item, 6), "k1": "k5" })
            }
            "status" => json!({ "product": { "id": self.product, "status": "DRAFT" } }),
            "status_batch" => {
                json!({ "p0": { "id": self.product, "status": "DRAFT" }, "p1": { "id": self.product, "status": "ACTIVE" } })
            }
            "tick" => {
                json!({ "orderFilter": recent, "orders": 100, "location": self.location, "levelFilter": recent, "levels": 250 })
            }
            "track" => json!({ "id": self.item }),
            _ => json!({}),
        }
    }
}
