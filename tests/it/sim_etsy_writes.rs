//! The simulated Etsy replaces an inventory as a whole, and refuses what the sheet of facts says it refuses. Numbers in
//! comments are the sheet's sections.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::etsy_line::{Said, ask, face, get, inventory, path, put, shop, shop_of, with_units, words, writable};
use crate::sim::etsy::{EtsySpec, ListingSpec, PROFILE, Standing};
use crate::sim::{Good, ShopHandle};

/// Sends an inventory of the tee that is changed in one place, and tells why it was refused.
async fn refusal(shop: &ShopHandle, pointer: &str, value: Value) -> String {
    let tee = shop.etsy_listing("TEE-S");
    let mut body = inventory(shop, tee).await;
    let (above, name) = pointer.rsplit_once('/').unwrap();
    if let Some(place) = body.pointer_mut(pointer) {
        *place = value;
    } else {
        body.pointer_mut(above).unwrap()[name] = value;
    }
    let (status, answer) = put(shop, tee, &body).await;
    assert_eq!(status, 400, "{pointer}: {answer:#}");
    words(&answer)
}

/// Sends an inventory of the tee that lacks something, and tells why it was refused.
async fn lacking(shop: &ShopHandle, above: &str, name: &str) -> String {
    let tee = shop.etsy_listing("TEE-S");
    let mut body = inventory(shop, tee).await;
    body.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    let (status, answer) = put(shop, tee, &body).await;
    assert_eq!(status, 400, "{above}/{name}: {answer:#}");
    words(&answer)
}

#[tokio::test(start_paused = true)]
async fn an_inventory_is_written_as_it_was_read() {
    // 5
    let (_, shop) = shop();
    let tee = shop.etsy_listing("TEE-S");
    let body = with_units(inventory(&shop, tee).await, &[("TEE-S", 2), ("TEE-M", 0)]);
    let (status, answer) = put(&shop, tee, &body).await;
    assert_eq!((status, writable(&answer)), (200, body.clone()));
    assert_eq!((shop.available("TEE-S"), shop.available("TEE-M")), (2, 0));
    // 6: some at 0 are fine.
    assert_eq!(shop.etsy_standing("TEE-S"), Standing::Active);
    assert_eq!((shop.truth("TEE-S").writes, shop.truth("TEE-S").expected(5)), (1, 2));
    // The same again is no change.
    put(&shop, tee, &body).await;
    assert_eq!(shop.truth("TEE-S").writes, 1);
    let read = get(&shop, &format!("/listings/{tee}/inventory")).await;
    assert_eq!(read["products"][0]["property_values"][0]["scale_name"], "Letter");
    // One number for all, of two SKUs.
    let print = shop.etsy_listing("PRINT-A");
    let body = with_units(inventory(&shop, print).await, &[("PRINT-A", 2), ("PRINT-B", 2)]);
    assert_eq!(put(&shop, print, &body).await.0, 200);
    assert_eq!((shop.available("PRINT-A"), shop.available("PRINT-B")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_is_not_what_is_written() {
    // 5: read-only and unknown fields.
    let (_, shop) = shop();
    for (pointer, value) in [
        ("/products/0/product_id", json!(1)),
        ("/products/0/is_deleted", json!(false)),
        ("/products/0/offerings/0/offering_id", json!(1)),
        ("/products/0/offerings/0/is_deleted", json!(false)),
        ("/products/0/property_values/0/scale_name", json!("Letter")),
        ("/listing", json!({})),
    ] {
        let name = pointer.rsplit('/').next().unwrap();
        assert_eq!(refusal(&shop, pointer, value).await, format!("Unknown parameter: {name}"));
    }
    let money = json!({ "amount": 1250, "divisor": 100, "currency_code": "USD" });
    assert_eq!(refusal(&shop, "/products/0/offerings/0/price", money).await, "The price must be a number");
    refusal(&shop, "/products/0/offerings/0/price", json!("12.50")).await;
    refusal(&shop, "/products/0/offerings/0/price", json!(12.499_999)).await;
    refusal(&shop, "/products/0/offerings/0/price", json!(0)).await;
    assert_eq!(shop.available("TEE-S"), 5);
}

#[tokio::test(start_paused = true)]
async fn nothing_may_be_missing() {
    // 5: forgetting an array is the classic 400.
    let (_, shop) = shop();
    for name in
        ["price_on_property", "quantity_on_property", "sku_on_property", "readiness_state_on_property", "products"]
    {
        assert_eq!(lacking(&shop, "", name).await, format!("Missing input parameter: {name}"));
    }
    for name in ["sku", "property_values", "offerings"] {
        lacking(&shop, "/products/0", name).await;
    }
    for name in ["price", "quantity", "is_enabled", "readiness_state_id"] {
        lacking(&shop, "/products/0/offerings/0", name).await;
    }
    for name in ["property_id", "property_name", "value_ids", "values"] {
        lacking(&shop, "/products/0/property_values/0", name).await;
    }
    refusal(&shop, "/products", json!([])).await;
    refusal(&shop, "/products/0/offerings", json!([])).await;
    // A profile that is none of the shop's; none at all is taken, and none is what is left.
    refusal(&shop, "/products/0/offerings/0/readiness_state_id", json!(1)).await;
    let red = shop.etsy_listing("MUG-RED");
    let mut body = inventory(&shop, red).await;
    assert_eq!(body["products"][0]["offerings"][0]["readiness_state_id"], PROFILE);
    body["products"][0]["offerings"][0]["readiness_state_id"] = Value::Null;
    assert_eq!(put(&shop, red, &body).await.0, 200);
    assert_eq!(inventory(&shop, red).await["products"][0]["offerings"][0]["readiness_state_id"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn values_must_fit_what_they_depend_on() {
    // 3
    let (_, shop) = shop();
    refusal(&shop, "/products/0/offerings/0/price", json!(9.5)).await;
    refusal(&shop, "/quantity_on_property", json!([])).await;
    refusal(&shop, "/sku_on_property", json!([])).await;
    refusal(&shop, "/sku_on_property", json!([200])).await;
    refusal(&shop, "/products/0/offerings/0/readiness_state_id", Value::Null).await;
    // Two of the same, and two that are not told apart by the same.
    refusal(
        &shop,
        "/products/1/property_values/0/value_ids",
        json!([inventory(&shop, shop.etsy_listing("TEE-S"))
            .await
            .pointer("/products/0/property_values/0/value_ids/0")
            .unwrap()]),
    )
    .await;
    refusal(&shop, "/products/1/property_values", json!([])).await;
    // One stock for two SKUs takes one number.
    let print = shop.etsy_listing("PRINT-A");
    let body = with_units(inventory(&shop, print).await, &[("PRINT-A", 2)]);
    assert_eq!(put(&shop, print, &body).await.0, 400);
    // 3: 999 at most, and none below nothing.
    for wrong in [json!(1000), json!(-1), json!(2.5), json!("3"), Value::Null] {
        refusal(&shop, "/products/0/offerings/0/quantity", wrong).await;
    }
    refusal(&shop, "/products/0/offerings/0/is_enabled", json!("yes")).await;
}

#[tokio::test(start_paused = true)]
async fn something_must_be_left() {
    // 6
    let (_, shop) = shop();
    let tee = shop.etsy_listing("TEE-S");
    let none = with_units(inventory(&shop, tee).await, &[("TEE-S", 0), ("TEE-M", 0)]);
    let (status, answer) = put(&shop, tee, &none).await;
    assert_eq!((status, words(&answer).as_str()), (400, "One offering must have quantity greater than 0"));
    // Of what buyers are shown, if that is what counts.
    let mut hidden = with_units(none, &[("TEE-S", 3)]);
    hidden["products"][0]["offerings"][0]["is_enabled"] = json!(false);
    assert_eq!(put(&shop, tee, &hidden).await.0, 400);
    face(&shop, |face| face.hidden_counts = true);
    assert_eq!(put(&shop, tee, &hidden).await.0, 200);
    assert!(!shop.for_sale("TEE-S"));
}

#[tokio::test(start_paused = true)]
async fn parentheses_are_for_good() {
    // 5
    let spec = EtsySpec::new("mugs", &[])
        .with(ListingSpec::varied("Old", &[Good::new("OLD-1", 2), Good::new("OLD-2", 2)]).with_parentheses())
        .with(ListingSpec::varied("Tee", &[Good::new("TEE-S", 5), Good::new("TEE-M", 4)]));
    let (_, shop) = shop_of(&spec);
    let old = shop.etsy_listing("OLD-1");
    let body = inventory(&shop, old).await;
    let (status, answer) = put(&shop, old, &body).await;
    assert_eq!((status, words(&answer).contains("Parenthesis")), (400, true));
    refusal(&shop, "/products/0/property_values/0/property_name", json!("Size (EU)")).await;
}

#[tokio::test(start_paused = true)]
async fn a_third_variation_is_for_those_who_know_of_it() {
    // 0, 5
    let properties: [(&str, &[&str]); 3] = [("Size", &["S"]), ("Colour", &["Red"]), ("Strap", &["Long", "Short"])];
    let (_, shop) = shop_of(&EtsySpec::new("mugs", &[]).with(ListingSpec::grid("Bag", &properties, 3, 2)));
    let bag = shop.etsy_listing("BAG-S-RED-LONG");
    let body = with_units(inventory(&shop, bag).await, &[("BAG-S-RED-LONG", 1)]);
    assert_eq!(put(&shop, bag, &body).await.0, 400);
    let with = async |said: &str| {
        let path = format!("/listings/{bag}/inventory?max_variations_supported={said}");
        ask(&shop, Method::PUT, &path, Said::Json(&body)).await.0
    };
    // Not live yet.
    assert_eq!((with("3").await, with("4").await), (400, 400));
    face(&shop, |face| face.three_variations = true);
    assert_eq!((with("2").await, with("3").await, shop.available("BAG-S-RED-LONG")), (400, 200, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_deleted() {
    // 5, 8
    let (_, shop) = shop();
    let tee = shop.etsy_listing("TEE-S");
    let order = shop.buy("TEE-M", 1).unwrap();
    let mut body = inventory(&shop, tee).await;
    let mut large = body["products"][0].clone();
    large["sku"] = json!("TEE-L");
    large["property_values"][0]["value_ids"] = json!([777]);
    large["property_values"][0]["values"] = json!(["L"]);
    large["offerings"][0]["quantity"] = json!(8);
    body["products"][1] = large;
    body["products"][0]["sku"] = Value::Null;
    let (status, answer) = put(&shop, tee, &body).await;
    assert_eq!((status, answer["products"].as_array().unwrap().len()), (200, 2));
    assert_eq!((&answer["products"][0]["sku"], shop.available("TEE-L")), (&json!(""), 8));
    let gone = shop.market().world(|world| world.shop("mugs").variants_of("TEE-M").count());
    assert_eq!(gone, 0);
    // Whoever asks for what was deleted sees it.
    let all = get(&shop, &format!("/listings/{tee}/inventory?show_deleted=true")).await;
    let deleted = all["products"].as_array().unwrap().iter().filter(|one| one["is_deleted"] == true);
    assert!(deleted.into_iter().any(|one| one["sku"] == "TEE-M"));
    face(&shop, |face| face.shows_deleted = true);
    let list = get(&shop, &path(&shop, "/listings?includes=Inventory&limit=100")).await;
    assert!(list.to_string().contains("TEE-M"));
    assert!(shop.etsy_transaction(order, 0) > 0);
}

#[tokio::test(start_paused = true)]
async fn numbers_of_products_change() {
    // 5
    let (_, shop) = shop();
    let red = shop.etsy_listing("MUG-RED");
    let body = inventory(&shop, red).await;
    for (chance, same) in [(0.0, true), (1.0, false)] {
        face(&shop, |face| face.new_numbers = chance);
        let before = shop.etsy_product("MUG-RED");
        let (_, answer) = put(&shop, red, &body).await;
        assert_eq!(answer["products"][0]["product_id"], shop.etsy_product("MUG-RED"));
        assert_eq!(shop.etsy_product("MUG-RED") == before, same);
    }
}

#[tokio::test(start_paused = true)]
async fn groups_follow_what_the_quantity_depends_on() {
    // 3: the seller's own decision, as an explicit repair.
    let (_, shop) = shop();
    let print = shop.etsy_listing("PRINT-A");
    let mut body = inventory(&shop, print).await;
    body["quantity_on_property"] = json!([100]);
    let body = with_units(body, &[("PRINT-A", 1), ("PRINT-B", 4)]);
    assert_eq!(put(&shop, print, &body).await.0, 200);
    shop.buy("PRINT-B", 1).unwrap();
    assert_eq!((shop.available("PRINT-A"), shop.available("PRINT-B")), (1, 3));
    // And back.
    let mut body = with_units(inventory(&shop, print).await, &[("PRINT-A", 2), ("PRINT-B", 2)]);
    body["quantity_on_property"] = json!([]);
    assert_eq!(put(&shop, print, &body).await.0, 200);
    shop.buy("PRINT-B", 1).unwrap();
    assert_eq!((shop.available("PRINT-A"), shop.available("PRINT-B")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_sale_between_read_and_write_is_lost() {
    // 5: the guard is left to whoever writes.
    let (market, shop) = shop();
    face(&shop, |face| face.put_time = Duration::from_secs(2));
    let tee = shop.etsy_listing("TEE-S");
    let body = with_units(inventory(&shop, tee).await, &[("TEE-M", 3)]);
    let other = shop.clone();
    let write = tokio::spawn(async move { put(&other, tee, &body).await.0 });
    tokio::time::sleep(Duration::from_secs(1)).await;
    shop.buy("TEE-S", 2).unwrap();
    shop.owner_prices("TEE-S", 1900);
    assert_eq!(shop.available("TEE-S"), 3);
    assert_eq!(write.await.unwrap(), 200);
    // The sale of a size that nobody meant to write is undone, and so is the price.
    assert_eq!((shop.available("TEE-S"), shop.available("TEE-M")), (5, 3));
    let read = inventory(&shop, tee).await;
    assert_eq!((&read["products"][0]["offerings"][0]["price"], &read["price_on_property"]), (&json!(12.5), &json!([])));
    assert_eq!((shop.truth("TEE-S").sold, shop.truth("TEE-S").written), (2, 2));
    drop(market);
}

#[tokio::test(start_paused = true)]
async fn changes_at_the_same_time_are_a_conflict() {
    // 5, 9
    let (_, shop) = shop();
    let red = shop.etsy_listing("MUG-RED");
    let body = with_units(inventory(&shop, red).await, &[("MUG-RED", 4)]);
    face(&shop, |face| face.conflicts = 1);
    assert_eq!((put(&shop, red, &body).await.0, shop.available("MUG-RED")), (409, 7));
    face(&shop, |face| face.put_time = Duration::from_secs(2));
    let (one, two) = tokio::join!(put(&shop, red, &body), put(&shop, red, &body));
    assert_eq!((one.0, two.0, shop.available("MUG-RED")), (200, 409, 4));
    // Where sales are noticed, one is enough.
    face(&shop, |face| face.notices_sales = true);
    let other = shop.clone();
    let write = tokio::spawn(async move { put(&other, red, &body).await.0 });
    tokio::time::sleep(Duration::from_secs(1)).await;
    shop.buy("MUG-RED", 1).unwrap();
    assert_eq!((write.await.unwrap(), shop.available("MUG-RED")), (409, 3));
}
