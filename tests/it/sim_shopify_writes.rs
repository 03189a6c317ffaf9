//! The simulated Shopify writes stock as the sheet of facts says, and refuses what the schema allows and Shopify does
//! not. Numbers in comments are the sheet's sections.

use std::time::Duration;

use serde_json::{Value, json};

use crate::line::{Ids, ask, code, set_of, shop, write};
use crate::sim::shopify::{Replay, Schema, Shopify, Unstocked};
use crate::sim::{Deed, Market, Rule, State, Trouble, Turned, Who};

const SET: &str = "inventorySetQuantities";
const ADJUST: &str = "inventoryAdjustQuantities";

/// Something to change in an input.
type Change = Box<dyn FnOnce(&mut Value)>;

/// Sends a set of the first mug with something changed in its input, and returns the code of the refusal.
async fn set_with(market: &Market, ids: &Ids, key: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut input = ids.set_red(4, None);
    change(&mut input);
    code(&write(market, SET, &input, key).await).to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_set_writes_and_tells_what_changed() {
    // 11, the first exchange; 1.7: what changes nothing has no group, and is no error.
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let entries = [ids.entry(&ids.item, 4, Some(7)), ids.entry(&ids.other_item, 3, None)];
    let answer = write(&market, SET, &set_of(&entries), "k1").await;
    assert_eq!(answer["inventoryAdjustmentGroup"]["changes"], json!([{ "delta": -3, "quantityAfterChange": 4 }]));
    assert_eq!((shop.available("MUG-RED"), shop.available("MUG-BLUE")), (4, 3));
    let answer = write(&market, SET, &ids.set_red(4, None), "k2").await;
    assert_eq!(answer, json!({ "inventoryAdjustmentGroup": null, "userErrors": [] }));
    assert_eq!(shop.truth("MUG-RED").writes, 1);
}

#[tokio::test(start_paused = true)]
async fn an_adjustment_keeps_sales_that_happened_meanwhile() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    shop.buy("MUG-RED", 2).unwrap();
    let answer = write(&market, ADJUST, &ids.adjust(-1, None), "k1").await;
    assert_eq!(answer["inventoryAdjustmentGroup"]["changes"], json!([{ "delta": -1, "quantityAfterChange": 4 }]));
    // The shop can go below zero.
    write(&market, ADJUST, &ids.adjust(-9, Some(4)), "k2").await;
    let truth = shop.truth("MUG-RED");
    assert_eq!((shop.available("MUG-RED"), truth.expected(7), truth.adjusted), (-5, -5, -10));
}

#[tokio::test(start_paused = true)]
async fn the_directive_must_stand_on_the_field_with_a_key() {
    // 1.2, 6.4
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let input = json!({ "input": ids.set_red(4, None) });
    let bare = "mutation S($input: InventorySetQuantitiesInput!) {
        inventorySetQuantities(input: $input) { userErrors { code } } }";
    let answer = ask(&market, bare, input.clone()).await;
    assert_eq!(code(&answer), "BAD_REQUEST");
    assert_eq!(answer["errors"][0]["path"], json!([SET]));
    assert_eq!(answer["data"], json!({ SET: null }));
    let above = bare.replace("Input!) {", "Input!) @idempotent(key: \"k\") {");
    assert!(["syntaxError", "badDocument"].contains(&code(&ask(&market, &above, input).await)));
    assert_eq!(code(&write(&market, SET, &ids.set_red(4, None), "  ").await), "BAD_REQUEST");
    let activate = format!(
        "mutation {{ inventoryActivate(inventoryItemId: \"{}\", locationId: \"{}\") {{ userErrors {{ message }} }} }}",
        ids.item, ids.location
    );
    assert_eq!(code(&ask(&market, &activate, json!({})).await), "BAD_REQUEST");
    assert_eq!(shop.available("MUG-RED"), 7);
}

#[tokio::test(start_paused = true)]
async fn each_entry_must_say_what_it_expects() {
    // 1.2, 10: the schema does not ask for it, the shop does.
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    for (field, mut input, list) in
        [(SET, ids.set_red(4, None), "quantities"), (ADJUST, ids.adjust(-1, None), "changes")]
    {
        input[list][0].as_object_mut().unwrap().remove("changeFromQuantity");
        assert_eq!(code(&write(&market, field, &input, "k").await), "INVALID_FIELD_ARGUMENTS");
        input[list] = json!([]);
        assert_eq!(code(&write(&market, field, &input, "k").await), "INVALID_FIELD_ARGUMENTS");
    }
}

#[tokio::test(start_paused = true)]
async fn one_wrong_entry_rejects_the_batch() {
    // 6.5
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let entries = [ids.entry(&ids.other_item, 1, Some(3)), ids.entry(&ids.item, 4, Some(6))];
    let answer = write(&market, SET, &set_of(&entries), "k1").await;
    assert_eq!(code(&answer), "CHANGE_FROM_QUANTITY_STALE");
    assert_eq!(answer["inventoryAdjustmentGroup"], Value::Null);
    assert_eq!(answer["userErrors"][0]["field"], json!(["input", "quantities", "1", "changeFromQuantity"]));
    assert_eq!((shop.available("MUG-RED"), shop.available("MUG-BLUE")), (7, 3));
}

#[tokio::test(start_paused = true)]
async fn what_the_schema_allows_and_the_shop_does_not_is_refused() {
    // 6.1
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    shop.add("KIT", 1).set_bundle("KIT");
    let kit = market.world(|world| format!("gid://shopify/InventoryItem/{}", world.shop("mugs").item_of("KIT")));
    let twice = json!([ids.entry(&ids.item, 4, None), ids.entry(&ids.item, 5, None)]);
    let first = |change: fn(&mut Value, &str), with: &str| {
        let with = with.to_owned();
        move |input: &mut Value| change(&mut input["quantities"][0], &with)
    };
    let cases: Vec<(&str, Change)> = vec![
        ("INVALID_NAME", Box::new(|input| input["name"] = json!("committed"))),
        ("INVALID_REASON", Box::new(|input| input["reason"] = json!("because"))),
        ("INVALID_REFERENCE_DOCUMENT", Box::new(|input| input["referenceDocumentUri"] = json!("a word"))),
        ("INVALID_REFERENCE_DOCUMENT", Box::new(|input| input["referenceDocumentUri"] = json!("gid://eys/Cycle"))),
        ("none", Box::new(|input| input["referenceDocumentUri"] = json!("https://example.org/1"))),
        ("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", Box::new(move |input| input["quantities"] = twice)),
        ("INVALID_QUANTITY_NEGATIVE", Box::new(first(|entry, _| entry["quantity"] = json!(-1), ""))),
        ("INVALID_QUANTITY_TOO_LOW", Box::new(first(|entry, _| entry["quantity"] = json!(-1_000_000_001), ""))),
        ("INVALID_QUANTITY_TOO_HIGH", Box::new(first(|entry, _| entry["quantity"] = json!(1_000_000_001), ""))),
        (
            "INVALID_INVENTORY_ITEM",
            Box::new(first(|entry, _| entry["inventoryItemId"] = json!("gid://shopify/InventoryItem/1"), "")),
        ),
        ("INVALID_INVENTORY_ITEM", Box::new(first(|entry, id| entry["inventoryItemId"] = json!(id), &ids.variant))),
        ("INVALID_LOCATION", Box::new(first(|entry, _| entry["locationId"] = json!("gid://shopify/Location/1"), ""))),
        ("NON_MUTABLE_INVENTORY_ITEM", Box::new(first(|entry, id| entry["inventoryItemId"] = json!(id), &kit))),
    ];
    for (n, (wanted, change)) in cases.into_iter().enumerate() {
        assert_eq!(set_with(&market, &ids, &format!("k{n}"), change).await, wanted, "case {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_adjustment_may_not_say_is_refused() {
    // 6.2
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let mut ledger = ids.adjust(-1, None);
    ledger["changes"][0]["ledgerDocumentUri"] = json!("gid://eys/Cycle/1");
    let mut name = ids.adjust(-1, None);
    name["name"] = json!("on_hand");
    let mut twice = ids.adjust(-1, None);
    twice["changes"] = json!([twice["changes"][0], twice["changes"][0]]);
    let cases = [
        ("INVALID_AVAILABLE_DOCUMENT", ledger),
        ("INVALID_QUANTITY_NAME", name),
        ("ADJUST_QUANTITIES_FAILED", twice),
        ("INVALID_QUANTITY_TOO_LOW", ids.adjust(-2_000_000_001, None)),
        ("INVALID_QUANTITY_TOO_HIGH", ids.adjust(2_000_000_001, None)),
        ("CHANGE_FROM_QUANTITY_STALE", ids.adjust(-1, Some(6))),
    ];
    for (n, (wanted, input)) in cases.into_iter().enumerate() {
        assert_eq!(code(&write(&market, ADJUST, &input, &format!("k{n}")).await), wanted);
    }
    // All deltas zero: no group, no errors.
    let answer = write(&market, ADJUST, &ids.adjust(0, Some(7)), "zero").await;
    assert_eq!(answer, json!({ "inventoryAdjustmentGroup": null, "userErrors": [] }));
    assert_eq!(shop.available("MUG-RED"), 7);
}

#[tokio::test(start_paused = true)]
async fn more_than_250_entries_are_refused() {
    // 3.1
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let entries = vec![ids.entry(&ids.item, 1, None); 251];
    assert_eq!(code(&write(&market, SET, &set_of(&entries), "k").await), "MAX_INPUT_SIZE_EXCEEDED");
    assert_eq!(shop.calls()[0].items, 251);
    assert!(shop.calls()[0].writing);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_remembered_for_a_day() {
    // 6.4
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let input = ids.adjust(-2, Some(7));
    let first = write(&market, ADJUST, &input, "k1").await;
    assert_eq!(write(&market, ADJUST, &input, "k1").await, first);
    let other = ids.adjust(-2, Some(5));
    assert_eq!(code(&write(&market, ADJUST, &other, "k1").await), "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
    shop.face(|face: &mut Shopify| face.replay = Replay::Stale);
    assert_eq!(code(&write(&market, ADJUST, &input, "k1").await), "CHANGE_FROM_QUANTITY_STALE");
    let unguarded = ids.adjust(-1, None);
    let first = write(&market, ADJUST, &unguarded, "k2").await;
    assert_eq!(write(&market, ADJUST, &unguarded, "k2").await, first);
    assert_eq!(shop.available("MUG-RED"), 4);
    // A key that failed stays failed.
    assert_eq!(code(&write(&market, ADJUST, &input, "k3").await), "CHANGE_FROM_QUANTITY_STALE");
    assert_eq!(code(&write(&market, ADJUST, &input, "k3").await), "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED");
    // After a day, or where the key is not honoured at all, only the comparison guards.
    market.advance(Duration::from_hours(24));
    write(&market, ADJUST, &unguarded, "k2").await;
    assert_eq!(shop.available("MUG-RED"), 3);
    shop.face(|face: &mut Shopify| face.replay = Replay::Forgotten);
    write(&market, ADJUST, &unguarded, "k2").await;
    assert_eq!(code(&write(&market, ADJUST, &input, "k1").await), "CHANGE_FROM_QUANTITY_STALE");
    assert_eq!(shop.available("MUG-RED"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_planned_refusal_is_of_the_moment() {
    // 6.4: wait, then the same key and the same body.
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    market.trouble(Rule::once(Trouble::Refuse("IDEMPOTENCY_CONCURRENT_REQUEST")).writing());
    let input = ids.adjust(-2, Some(7));
    assert_eq!(code(&write(&market, ADJUST, &input, "k1").await), "IDEMPOTENCY_CONCURRENT_REQUEST");
    assert_eq!(code(&write(&market, ADJUST, &input, "k1").await), "none");
    assert_eq!(shop.available("MUG-RED"), 5);
}

#[tokio::test(start_paused = true)]
async fn several_blocks_succeed_or_fail_one_by_one() {
    // 6.1, set_batch
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let block = "inventoryAdjustmentGroup { id } userErrors { code }";
    let document = format!(
        "mutation Two($a: InventorySetQuantitiesInput!, $b: InventorySetQuantitiesInput!) {{
            a: inventorySetQuantities(input: $a) @idempotent(key: \"a\") {{ {block} }}
            b: inventorySetQuantities(input: $b) @idempotent(key: \"b\") {{ {block} }} }}"
    );
    let stale = set_of(&[ids.entry(&ids.other_item, 1, Some(9))]);
    let answer = ask(&market, &document, json!({ "a": ids.set_red(4, Some(7)), "b": stale })).await;
    assert!(answer["data"]["a"]["inventoryAdjustmentGroup"]["id"].is_string());
    assert_eq!(code(&answer["data"]["b"]), "CHANGE_FROM_QUANTITY_STALE");
    assert_eq!(answer["extensions"]["cost"]["requestedQueryCost"], 20.0);
    assert_eq!(shop.available("MUG-RED"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_never_had_the_item_must_be_activated() {
    // 1.5, 6.3, 14.6
    let (market, shop) = shop();
    let mut ids = Ids::of(&shop);
    let shed = shop.add_location("Shed");
    ids.location = format!("gid://shopify/Location/{shed}");
    let activate = async |available: Option<i64>, key: &str| {
        let document = "mutation A($item: ID!, $location: ID!, $available: Int, $key: String!) {
            inventoryActivate(inventoryItemId: $item, locationId: $location, available: $available)
                @idempotent(key: $key) {
                    inventoryLevel { isActive quantities(names: [\"available\"]) { quantity } }
                    userErrors { field message } } }";
        let given = json!({ "item": ids.item, "location": ids.location, "available": available, "key": key });
        ask(&market, document, given).await["data"]["inventoryActivate"].clone()
    };
    shop.face(|face: &mut Shopify| face.unstocked = Unstocked::Refused);
    assert_eq!(code(&write(&market, SET, &ids.set_red(5, None), "k0").await), "INVALID_LOCATION");
    shop.face(|face: &mut Shopify| face.unstocked = Unstocked::Inactive);
    write(&market, SET, &ids.set_red(5, None), "k1").await;
    // The write succeeded, and nothing is sold from there.
    assert_eq!(shop.buy("MUG-RED", 8), Err(Turned::SoldOut));
    let level = activate(None, "k2").await["inventoryLevel"].clone();
    assert_eq!(level, json!({ "isActive": true, "quantities": [{ "quantity": 5 }] }));
    assert!(shop.buy("MUG-RED", 8).is_ok());
    let refused = activate(Some(9), "k3").await;
    assert!(refused["inventoryLevel"].is_null() && refused["userErrors"][0]["field"] == json!(["available"]));
}

#[tokio::test(start_paused = true)]
async fn a_missing_scope_stops_the_write_alone() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    shop.face(|face: &mut Shopify| face.scopes.remove("write_inventory"));
    assert_eq!(code(&write(&market, SET, &ids.set_red(4, None), "k").await), "ACCESS_DENIED");
    let status = "mutation P($p: ProductUpdateInput!) {
        productUpdate(product: $p) { product { status } userErrors { message } } }";
    let answer = ask(&market, status, json!({ "p": { "id": ids.product, "status": "DRAFT" } })).await;
    assert_eq!(answer["data"]["productUpdate"]["product"]["status"], "DRAFT");
    let gone = json!({ "p": { "id": "gid://shopify/Product/1", "status": "DRAFT" } });
    let answer = ask(&market, status, gone).await;
    assert_eq!(answer["data"]["productUpdate"]["userErrors"][0]["message"], "Product does not exist");
    assert_eq!(shop.buy("MUG-RED", 1), Err(Turned::NotForSale));
    shop.set_state("MUG-RED", State::Live);
    assert!(shop.buy("MUG-RED", 1).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_variant_is_hidden_on_every_publication_or_still_for_sale() {
    // 1.6, 7
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let hide = "mutation H($id: ID!, $p: ID!) { publishableUnpublish(id: $id, input: [{ publicationId: $p }]) {
        publishable { publishedOnPublication(publicationId: $p) } userErrors { field message } } }";
    let publications = ask(&market, "{ publications(first: 9) { nodes { id catalog { title } } } }", json!({})).await;
    let nodes = publications["data"]["publications"]["nodes"].as_array().unwrap().clone();
    assert_eq!(nodes[0]["catalog"]["title"], "Online Store");
    for (n, publication) in nodes.iter().enumerate() {
        assert_eq!(shop.buy("MUG-RED", 1).is_ok(), n < 2);
        let answer = ask(&market, hide, json!({ "id": ids.variant, "p": publication["id"] })).await;
        assert_eq!(answer["data"]["publishableUnpublish"]["publishable"]["publishedOnPublication"], false);
    }
    assert_eq!(shop.buy("MUG-RED", 1), Err(Turned::NotForSale));
    assert!(shop.buy("MUG-BLUE", 1).is_ok());
    let answer = ask(&market, hide, json!({ "id": ids.item, "p": ids.publication })).await;
    assert_eq!(answer["data"]["publishableUnpublish"]["userErrors"][0]["field"], json!(["id"]));
}

#[tokio::test(start_paused = true)]
async fn policy_and_tracking_decide_whether_zero_means_sold_out() {
    // 1.9
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    assert_eq!(shop.buy("MUG-RED", 8), Err(Turned::SoldOut));
    let policy = "mutation P($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
        productVariantsBulkUpdate(productId: $product, variants: $variants) {
            productVariants { inventoryPolicy } userErrors { code } } }";
    let variants =
        |id: &str| json!({ "product": ids.product, "variants": [{ "id": id, "inventoryPolicy": "CONTINUE" }] });
    let answer = ask(&market, policy, variants("gid://shopify/ProductVariant/1")).await;
    assert_eq!(code(&answer["data"]["productVariantsBulkUpdate"]), "PRODUCT_VARIANT_DOES_NOT_EXIST");
    let answer = ask(&market, policy, variants(&ids.variant)).await;
    assert_eq!(answer["data"]["productVariantsBulkUpdate"]["productVariants"][0]["inventoryPolicy"], "CONTINUE");
    shop.buy("MUG-RED", 8).unwrap();
    assert_eq!((shop.available("MUG-RED"), shop.truth("MUG-RED").below_zero), (-1, 1));
    let track = "mutation T($id: ID!) { inventoryItemUpdate(id: $id, input: { tracked: false }) {
        inventoryItem { tracked } userErrors { message } } }";
    ask(&market, track, json!({ "id": ids.other_item })).await;
    shop.buy("MUG-BLUE", 100).unwrap();
    assert_eq!(shop.available("MUG-BLUE"), 3);
    assert!(market.events().iter().any(|event| {
        matches!(&event.deed, Deed::Listing { who: Who::App, sku, what } if sku == "MUG-BLUE" && what == "untracked")
    }));
}

#[tokio::test(start_paused = true)]
async fn an_app_keeps_a_value_with_compare_and_set() {
    let (market, _) = shop();
    let keep = async |value: &str, digest: Value| {
        let document = "mutation M($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) {
            metafields { value compareDigest } userErrors { code } } }";
        let entry = json!({ "ownerId": "gid://shopify/AppInstallation/1", "key": "run", "namespace": "eys",
            "type": "number_integer", "value": value, "compareDigest": digest });
        ask(&market, document, json!({ "m": [entry] })).await["data"]["metafieldsSet"].clone()
    };
    let digest = keep("1", Value::Null).await["metafields"][0]["compareDigest"].clone();
    assert_eq!(code(&keep("1", Value::Null).await), "STALE_OBJECT");
    assert_eq!(keep("2", digest).await["metafields"][0]["value"], "2");
    let read = "{ currentAppInstallation { metafield(namespace: \"eys\", key: \"run\") { value } } }";
    let answer = ask(&market, read, json!({})).await;
    assert_eq!(answer["data"]["currentAppInstallation"]["metafield"]["value"], "2");
}

#[tokio::test(start_paused = true)]
async fn variables_must_fit_the_schema() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    if Schema::known().is_none() {
        println!("skipped: EYS_SPECS does not name the specs folder");
        return;
    }
    let given = set_with(&market, &ids, "k", |input| input["ignoreCompareQuantity"] = json!(true)).await;
    assert_eq!(given, "INVALID_VARIABLE");
    let given = set_with(&market, &ids, "k", |input| input["quantities"][0]["quantity"] = json!("4")).await;
    assert_eq!(given, "INVALID_VARIABLE");
}
