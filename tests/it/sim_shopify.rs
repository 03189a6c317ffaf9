//! The simulated Shopify reads as the sheet of facts says, and refuses what it says is refused before anything is
//! written. Numbers in comments are the sheet's sections.

use std::path::Path;
use std::time::Duration;

use eys::net::Transport;
use serde_json::{Value, json};

use crate::line::{ADDRESS, Ids, ask, body, code, request, send, set_of, shop};
use crate::sim::shopify::{Schema, Shopify, Standing};
use crate::sim::{Market, State};

const SHOP: &str = "query Shop { shop { myshopifyDomain } }";

const ORDERS: &str = "query Orders($first: Int!, $after: String, $filter: String) {
    orders(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT) {
        nodes { id name updatedAt cancelledAt
            lineItems(first: 50) { nodes { sku quantity currentQuantity unfulfilledQuantity variant { id } } }
            refunds(first: 20) { refundLineItems(first: 50) { nodes { quantity restockType restocked } } } }
        pageInfo { hasNextPage endCursor } } }";

const VARIANTS: &str = "query Variants($first: Int!, $after: String, $filter: String) {
    productVariants(first: $first, after: $after, query: $filter, sortKey: ID) {
        nodes { id sku } pageInfo { hasNextPage endCursor } } }";

const LEVELS: &str = "query Levels($location: ID!, $filter: String!) { location(id: $location) {
    inventoryLevels(first: 250, query: $filter) { nodes {
        item { sku } quantities(names: [\"available\"]) { quantity } } } } }";

/// The documents of the specs folder that this shop does not play, and why.
const UNPLAYED: [&str; 7] = [
    // Neither bulk operations nor webhooks are played.
    "bulk_cancel",
    "bulk_poll",
    "bulk_running",
    "bulk_start",
    "webhook",
    // No requests: strings handed to a bulk operation.
    "inner_bulk_levels",
    "inner_bulk_variants",
];

async fn skus(market: &Market, filter: &str) -> Vec<String> {
    let answer = ask(market, VARIANTS, json!({ "first": 250, "filter": filter })).await;
    let nodes = answer["data"]["productVariants"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    nodes.iter().map(|node| node["sku"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_official_document_is_played_and_its_answer_fits_the_schema() {
    let Some(specs) = std::env::var_os("EYS_SPECS") else {
        println!("skipped: EYS_SPECS does not name the specs folder");
        return;
    };
    assert!(Schema::known().is_some());
    let (market, shop) = shop();
    let order = shop.buy_many(&[("MUG-RED", 2), ("MUG-BLUE", 1)]).unwrap();
    shop.take_back(order, 0, 1, true);
    let ids = Ids::of(&shop);
    for file in std::fs::read_dir(Path::new(&specs).join("shopify/documents")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if UNPLAYED.contains(&name.as_str()) {
            continue;
        }
        let document = std::fs::read_to_string(&path).unwrap();
        let body = ask(&market, &document, variables(&ids, &name, order)).await;
        assert!(body["errors"].is_null() && body["data"].is_object(), "{name}: {body:#}");
        for (root, payload) in body["data"].as_object().unwrap() {
            let wrong = payload.get("userErrors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
            assert!(!wrong, "{name}: {root}: {payload:#}");
        }
    }
}

/// Variables for the documents of the specs folder.
fn variables(ids: &Ids, document: &str, order: u64) -> Value {
    let recent = "updated_at:>='2026-11-01T00:00:00Z'";
    let status = |status: &str| json!({ "id": ids.product, "status": status });
    match document {
        "activate" => json!({ "item": ids.item, "location": ids.location, "available": null, "key": "k1" }),
        "adjust" => json!({ "input": ids.adjust(-1, None), "key": "k2" }),
        "by_ids" => json!({ "ids": [ids.item, "gid://shopify/InventoryItem/1"], "location": ids.location }),
        "by_sku" => json!({ "filter": "sku:'MUG-RED' OR sku:'MUG-BLUE'", "first": 250 }),
        "catalogue_one_location" => json!({ "first": 250, "location": ids.location }),
        "catalogue_multi_location" => json!({ "first": 250, "levels": 10 }),
        "incremental_levels" => json!({ "first": 250, "location": ids.location, "filter": recent }),
        "incremental_products" => json!({ "first": 50, "filter": recent }),
        "order_more_lines" => json!({ "id": format!("gid://shopify/Order/{order}") }),
        "orders" => json!({ "first": 100, "filter": recent }),
        "policy" => json!({ "productId": ids.product, "variants": [{ "id": ids.variant, "inventoryPolicy": "DENY" }] }),
        "publish" | "unpublish" => json!({ "id": ids.variant, "publication": ids.publication }),
        "set" => json!({ "input": ids.set_red(4, None), "key": "k3" }),
        "set_batch" => {
            let other = set_of(&[ids.entry(&ids.other_item, 6, None)]);
            json!({ "i0": ids.set_red(5, None), "k0": "k4", "i1": other, "k1": "k5" })
        }
        "status" => json!({ "product": status("DRAFT") }),
        "status_batch" => json!({ "p0": status("DRAFT"), "p1": status("ACTIVE") }),
        "tick" => {
            let (orders, levels) = (100, 250);
            json!({ "orderFilter": recent, "orders": orders, "location": ids.location,
                "levelFilter": recent, "levels": levels })
        }
        "track" => json!({ "id": ids.item }),
        _ => json!({}),
    }
}

#[tokio::test(start_paused = true)]
async fn documents_cost_what_the_sheet_estimates() {
    // 3.2, the table of estimates, for 50, 100 and 250.
    let Some(specs) = std::env::var_os("EYS_SPECS") else {
        println!("skipped: EYS_SPECS does not name the specs folder");
        return;
    };
    let table = [
        ("catalogue_one_location", [37, 47, 57]),
        ("catalogue_multi_location", [121, 155, 189]),
        ("incremental_levels", [24, 30, 36]),
        ("incremental_products", [149, 191, 233]),
        ("by_sku", [23, 29, 35]),
        ("orders", [338, 434, 530]),
        ("tick", [325, 407, 489]),
    ];
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    for (name, costs) in table {
        let path = Path::new(&specs).join(format!("shopify/documents/{name}.graphql"));
        let document = std::fs::read_to_string(path).unwrap();
        for (first, cost) in [50, 100, 250].into_iter().zip(costs) {
            let mut given = variables(&ids, name, 0);
            given[if name == "tick" { "orders" } else { "first" }] = first.into();
            let answer = ask(&market, &document, given).await;
            let shown = &answer["extensions"]["cost"]["requestedQueryCost"];
            assert_eq!(shown.as_f64(), Some(f64::from(cost)), "{name} with {first}");
            market.advance(Duration::from_mins(1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_that_does_not_fit_the_schema_is_refused() {
    // 10: undefinedField, whether the schema is at hand or not; the rest only with it.
    let (market, shop) = shop();
    assert_eq!(code(&ask(&market, "{ shop { colour } }", json!({})).await), "undefinedField");
    assert_eq!(code(&ask(&market, "{ shop { ", json!({})).await), "syntaxError");
    assert_eq!(code(&ask(&market, VARIANTS, json!({})).await), "INVALID_VARIABLE");
    if Schema::known().is_some() {
        let ids = Ids::of(&shop);
        let wrong = json!({ "first": "many", "location": ids.location });
        assert_eq!(code(&ask(&market, VARIANTS, wrong).await), "INVALID_VARIABLE");
        assert_eq!(code(&ask(&market, "{ shop(id: 1) { name } }", json!({})).await), "argumentNotAccepted");
    } else {
        println!("skipped in part: EYS_SPECS does not name the specs folder");
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_aliases_and_directives_are_obeyed() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let document = "query Mixed($ids: [ID!]!, $no: Boolean = false) {
        here: nodes(ids: $ids) { __typename ...V ... on InventoryItem { tracked } ... on Node { id @skip(if: true) } }
        shop @include(if: $no) { name } }
        fragment V on ProductVariant { code: sku }";
    let answer = ask(&market, document, json!({ "ids": [ids.variant, ids.item, "gid://shopify/Product/9"] })).await;
    // 5.4: what is gone is null in the list, without any error.
    let wanted = json!([{ "__typename": "ProductVariant", "code": "MUG-RED" },
        { "__typename": "InventoryItem", "tracked": true }, null]);
    assert_eq!(answer["data"], json!({ "here": wanted }));
}

#[tokio::test(start_paused = true)]
async fn tokens_end_and_are_refused() {
    let (market, shop) = shop();
    let mut wrong = request(ADDRESS, &json!({ "query": SHOP }));
    wrong.headers.insert("x-shopify-access-token", "shpat_other".parse().unwrap());
    let reply = market.send(wrong).await.unwrap();
    // 10: 401, and errors is a plain string.
    assert_eq!(reply.status, 401);
    assert!(body(&reply)["errors"].is_string());

    let form = "grant_type=client_credentials&client_id=client-of-mugs&client_secret=shpss_mugs";
    let mut asking = request("https://mugs.myshopify.com/admin/oauth/access_token", &json!({}));
    asking.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    asking.body = form.into();
    let given = body(&market.send(asking.clone()).await.unwrap());
    assert_eq!(given["expires_in"], 86_399);
    let mut good = request(ADDRESS, &json!({ "query": SHOP }));
    good.headers.insert("x-shopify-access-token", given["access_token"].as_str().unwrap().parse().unwrap());
    assert_eq!(market.send(good.clone()).await.unwrap().status, 200);
    // 2.1: it lives for 24 hours.
    market.advance(Duration::from_hours(24));
    assert_eq!(market.send(good).await.unwrap().status, 401);
    // 2.1: a wrong secret gets HTML.
    asking.body = form.replace("shpss", "wrong").into();
    let reply = market.send(asking).await.unwrap();
    assert!(reply.status == 400 && reply.body.starts_with(b"<html>"));

    shop.face(Shopify::revoke_tokens);
    assert_eq!(send(&market, SHOP, json!({})).await.unwrap().status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_closed_shop_a_wrong_path_and_a_broken_body_are_refused() {
    let (market, shop) = shop();
    for (standing, status) in [(Standing::Frozen, 402), (Standing::Locked, 423), (Standing::Inactive, 200)] {
        shop.face(|face: &mut Shopify| face.standing = standing);
        let reply = send(&market, SHOP, json!({})).await.unwrap();
        assert_eq!(reply.status, status);
        assert_eq!(standing == Standing::Inactive, code(&body(&reply)) == "SHOP_INACTIVE");
    }
    shop.face(|face: &mut Shopify| face.standing = Standing::Open);
    let elsewhere = request("https://mugs.myshopify.com/admin/api/graphql.json", &json!({ "query": SHOP }));
    assert_eq!(market.send(elsewhere).await.unwrap().status, 404);
    let mut broken = request(ADDRESS, &json!({}));
    broken.body = "{".into();
    assert_eq!(market.send(broken).await.unwrap().status, 400);
    let mut form = request(ADDRESS, &json!({ "query": SHOP }));
    form.headers.insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(market.send(form).await.unwrap().status, 400);
    assert!(market.send(request("https://nobody.test/", &json!({}))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_old_version_falls_forward_and_says_so() {
    // 2.3
    let (market, _) = shop();
    for (asked, answered) in [("2026-10", "2026-10"), ("2026-04", "2026-04"), ("2024-01", "2026-01")] {
        let address = ADDRESS.replace("2026-10", asked);
        let reply = market.send(request(&address, &json!({ "query": SHOP }))).await.unwrap();
        assert_eq!(reply.headers["x-shopify-api-version"], answered);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_scope_is_named_and_takes_its_data_with_it() {
    // 10: ACCESS_DENIED; orders is never null, so there is no data at all. 2.4: write includes read.
    let (market, shop) = shop();
    shop.face(|face: &mut Shopify| face.scopes.remove("read_orders"));
    let answer = ask(&market, ORDERS, json!({ "first": 1 })).await;
    assert_eq!(code(&answer), "ACCESS_DENIED");
    assert_eq!(answer["errors"][0]["path"], json!(["orders"]));
    assert_eq!(answer["errors"][0]["extensions"]["requiredAccess"], "`read_orders` access scope.");
    assert_eq!(answer["data"], Value::Null);
    let mixed = "query Mixed { shop { name } order(id: \"gid://shopify/Order/1\") { id } }";
    let answer = ask(&market, mixed, json!({})).await;
    assert!(answer["data"]["shop"].is_object() && answer["data"]["order"].is_null());
    // 2.4: read_inventory is there, as write_inventory.
    assert_eq!(ask(&market, "{ locations(first: 1) { nodes { name } } }", json!({})).await["errors"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn buyers_are_not_to_be_asked_about() {
    // 2.4: protected customer data.
    let (market, shop) = shop();
    shop.buy("MUG-RED", 1).unwrap();
    assert_eq!(code(&ask(&market, "{ orders(first: 1) { nodes { email } } }", json!({})).await), "ACCESS_DENIED");
}

#[tokio::test(start_paused = true)]
async fn too_large_too_dear_and_too_fast_are_refused() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    // 3.1: 250 elements, pages of 250, 1,000 points.
    let nodes = "query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let answer = ask(&market, nodes, json!({ "ids": vec![ids.item.clone(); 251] })).await;
    assert_eq!(code(&answer), "MAX_INPUT_SIZE_EXCEEDED");
    for first in [0, 251] {
        assert_eq!(code(&ask(&market, VARIANTS, json!({ "first": first })).await), "BAD_REQUEST", "first {first}");
    }
    assert_eq!(code(&ask(&market, "{ orders { nodes { id } } }", json!({})).await), "BAD_REQUEST");
    let cursor = json!({ "first": 1, "after": "nonsense" });
    assert_eq!(code(&ask(&market, VARIANTS, cursor).await), "BAD_REQUEST");
    let dear = "{ productVariants(first: 250) { nodes { inventoryItem { inventoryLevels(first: 250) { nodes {
        item { variants(first: 250) { nodes { id } } } } } } } } }";
    let answer = ask(&market, dear, json!({})).await;
    assert_eq!(code(&answer), "MAX_COST_EXCEEDED");
    assert_eq!(answer["errors"][0]["extensions"]["maxCost"], 1000);
}

#[tokio::test(start_paused = true)]
async fn the_bucket_empties_and_refills() {
    // 3.2, 3.3: the requested cost must be in the bucket, and what was not used is given back at once.
    let (market, shop) = shop();
    shop.face(|face: &mut Shopify| face.bucket = crate::sim::shopify::Bucket::new(40.0, 10.0));
    let first = ask(&market, VARIANTS, json!({ "first": 250 })).await;
    let cost = &first["extensions"]["cost"];
    assert_eq!(cost["requestedQueryCost"], 13.0);
    assert_eq!(cost["actualQueryCost"], 3.0);
    assert_eq!(cost["throttleStatus"]["currentlyAvailable"], 37.0);
    shop.face(|face: &mut Shopify| face.bucket = crate::sim::shopify::Bucket::new(12.0, 10.0));
    let refused = send(&market, VARIANTS, json!({ "first": 250 })).await.unwrap();
    assert_eq!((refused.status.as_u16(), code(&body(&refused))), (200, "THROTTLED"));
    assert!(body(&refused)["extensions"]["cost"]["actualQueryCost"].is_null());
    // 14.8: some clients report 429.
    shop.face(|face: &mut Shopify| face.throttles_with_429 = true);
    assert_eq!(send(&market, VARIANTS, json!({ "first": 250 })).await.unwrap().status, 429);
    shop.face(|face: &mut Shopify| face.bucket.most = 13.0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(send(&market, VARIANTS, json!({ "first": 250 })).await.unwrap().status, 200);
    assert_eq!(shop.calls().last().map(|call| call.cost.to_string()), Some("13".into()));
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_without_gaps() {
    let (market, shop) = shop();
    for n in 0..10 {
        shop.add(&format!("BOWL-{n}"), 1);
    }
    let mut found = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = ask(&market, VARIANTS, json!({ "first": 5, "after": after })).await;
        let list = &answer["data"]["productVariants"];
        found.extend(list["nodes"].as_array().unwrap().clone());
        after = list["pageInfo"]["endCursor"].clone();
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(found.len(), 12);
    assert_eq!(shop.calls().len(), shop.least_calls(crate::sim::Work::ReadAll, 12) + 2);
}

#[tokio::test(start_paused = true)]
async fn search_looks_past_case_and_returns_neighbours() {
    // 5.5; 5.2: a time must be quoted, else it ends at its colon, is not understood, and does not filter.
    let (market, shop) = shop();
    shop.add("MUG-RED-XL", 1).add("O'Neil\\1", 1);
    assert_eq!(skus(&market, "sku:'mug-red'").await, ["MUG-RED", "MUG-RED-XL"]);
    assert_eq!(skus(&market, "sku:'O\\'Neil\\\\1' OR sku:MUG-BLUE").await, ["MUG-BLUE", "O'Neil\\1"]);
    assert_eq!(skus(&market, "sku:'MUG-RED' AND -sku:'MUG-RED-XL'").await, ["MUG-RED"]);
    assert_eq!(skus(&market, "(sku:MUG-BLUE OR sku:MUG-RED) NOT sku:MUG-BLUE").await, ["MUG-RED", "MUG-RED-XL"]);
    assert_eq!(skus(&market, "updated_at:>'2026-11-24T00:00:00Z'").await, [""; 0]);
    let answer = ask(&market, VARIANTS, json!({ "first": 9, "filter": "updated_at:>2026-11-24T00:00:00Z" })).await;
    assert_eq!(answer["data"]["productVariants"]["nodes"].as_array().unwrap().len(), 4);
    assert!(answer["extensions"]["search"].is_array());
}

#[tokio::test(start_paused = true)]
async fn filtered_lists_trail_behind_and_reads_by_id_do_not() {
    // 10, read after write.
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    shop.set_lag(Duration::from_secs(30));
    market.advance(Duration::from_mins(1));
    let filter = "updated_at:>='2026-11-23T06:01:00Z'";
    shop.buy("MUG-RED", 1).unwrap();
    let levels = json!({ "location": ids.location, "filter": filter });
    let orders = json!({ "first": 9, "filter": filter });
    for (waited, seen) in [(0, 0), (30, 1)] {
        market.advance(Duration::from_secs(waited));
        let found = ask(&market, LEVELS, levels.clone()).await;
        assert_eq!(found["data"]["location"]["inventoryLevels"]["nodes"].as_array().unwrap().len(), seen);
        let found = ask(&market, ORDERS, orders.clone()).await;
        assert_eq!(found["data"]["orders"]["nodes"].as_array().unwrap().len(), seen);
        let by_id = format!(
            "{{ inventoryItem(id: \"{}\") {{ inventoryLevel(locationId: \"{}\") {{
            quantities(names: [\"available\"]) {{ quantity }} }} }} }}",
            ids.item, ids.location
        );
        let found = ask(&market, &by_id, json!({})).await;
        assert_eq!(found["data"]["inventoryItem"]["inventoryLevel"]["quantities"][0]["quantity"], 6);
    }
}

#[tokio::test(start_paused = true)]
async fn orders_tell_what_was_taken_back() {
    // 8.1, 8.2
    let (market, shop) = shop();
    let order = shop.buy("MUG-RED", 4).unwrap();
    shop.take_back(order, 0, 1, true);
    shop.remove_units(order, 0, 1, true);
    shop.ship(order);
    shop.take_back(order, 0, 1, false);
    let answer = ask(&market, ORDERS, json!({ "first": 9, "filter": "fulfillment_status:shipped status:open" })).await;
    let order = &answer["data"]["orders"]["nodes"][0];
    let line = &order["lineItems"]["nodes"][0];
    assert_eq!(
        (&line["quantity"], &line["currentQuantity"], &line["unfulfilledQuantity"]),
        (&json!(4), &json!(1), &json!(0))
    );
    let kinds: Vec<_> = order["refunds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refund| refund["refundLineItems"]["nodes"][0]["restockType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["CANCEL", "NO_RESTOCK"]);
}

#[tokio::test(start_paused = true)]
async fn orders_show_late_grow_old_and_outlive_their_variants() {
    let (market, shop) = shop();
    let count = async || {
        let answer = ask(&market, ORDERS, json!({ "first": 9 })).await;
        answer["data"]["orders"]["nodes"].as_array().unwrap().clone()
    };
    shop.set_order_delay(Duration::from_mins(1));
    shop.buy("MUG-RED", 1).unwrap();
    assert_eq!(count().await.len(), 0);
    market.advance(Duration::from_mins(1));
    // 8.1: the variant is null when it was deleted, the SKU stays.
    shop.delete("MUG-RED");
    let line = count().await[0]["lineItems"]["nodes"][0].clone();
    assert!(line["variant"].is_null() && line["sku"] == "MUG-RED");
    // 2.4: older than 60 days, they are seen only with another scope.
    market.advance(Duration::from_hours(60 * 24));
    assert_eq!(count().await.len(), 0);
    shop.face(|face: &mut Shopify| face.scopes.insert("read_all_orders".into()));
    assert_eq!(count().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stock_change_by_an_order_touches_the_product_and_the_owners_does_not() {
    // 5.2, the table of time stamps.
    let (market, shop) = shop();
    market.advance(Duration::from_mins(1));
    let document = "query Changed($filter: String!) { products(first: 9, query: $filter, sortKey: UPDATED_AT) {
        nodes { status variants(first: 9) { nodes { sku } } } } }";
    let filter = json!({ "filter": "updated_at:>='2026-11-23T06:01:00Z'" });
    shop.owner_sets("MUG-BLUE", 9);
    shop.buy("MUG-RED", 1).unwrap();
    let answer = ask(&market, document, filter.clone()).await;
    let nodes = answer["data"]["products"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0]["variants"]["nodes"][0]["sku"], "MUG-RED");
    shop.set_state("MUG-BLUE", State::Draft);
    let answer = ask(&market, document, filter).await;
    assert_eq!(answer["data"]["products"]["nodes"][1]["status"], "DRAFT");
}
