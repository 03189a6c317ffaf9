//! A write changes nothing but the numbers that are meant, whatever the inventory is.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::channel::etsy::inventory::Inventory;

/// What a listing may vary in: properties with their values.
fn value(property: i64, nth: i64) -> impl Strategy<Value = Json> {
    let scale = prop_oneof![Just(Json::Null), Just(json!(327))];
    let name = prop_oneof![Just(json!("Größe 5/6")), Just(json!("Size")), Just(Json::Null)];
    (scale, name, prop_oneof![Just(false), Just(true)]).prop_map(move |(scale, name, two)| {
        let ids = if two { vec![property * 10 + nth, 9] } else { vec![property * 10 + nth] };
        json!({ "property_id": property, "property_name": name, "scale_id": scale, "scale_name": "any",
            "value_ids": ids, "values": [format!("v{nth} \"&\" ü")], "new_field": 1 })
    })
}

fn offering(deleted: bool) -> impl Strategy<Value = Json> {
    let price = (0_i64..10_000_000, prop_oneof![Just(1_i64), Just(100), Just(1000)]);
    let profile = prop_oneof![Just(Json::Null), Just(json!(700_001)), Just(json!(700_002))];
    (price, 0_i64..1000, any::<bool>(), profile).prop_map(move |((amount, divisor), quantity, enabled, profile)| {
        json!({ "offering_id": 8001, "quantity": quantity, "is_enabled": enabled, "is_deleted": deleted,
            "price": { "amount": amount, "divisor": divisor, "currency_code": "EUR" }, "readiness_state_id": profile })
    })
}

fn any_product(values: [i64; 3], properties: usize) -> impl Strategy<Value = Json> {
    let sku = prop_oneof![Just(Json::Null), Just(json!("")), "[A-Z]{1,3} ?[ü(]?".prop_map(Json::from)];
    let values: Vec<_> =
        values.into_iter().zip([100, 513, 514]).take(properties).map(|(nth, property)| value(property, nth)).collect();
    let deleted = prop_oneof![8 => Just(false), 1 => Just(true)];
    (sku, values, offering(false), prop::option::of(offering(true)), deleted).prop_map(
        |(sku, values, live, old, deleted)| {
            let offerings: Vec<Json> = old.into_iter().chain([live]).collect();
            json!({ "product_id": 9001, "sku": sku, "is_deleted": deleted, "property_values": values,
                "offerings": offerings, "new_field": "x" })
        },
    )
}

/// An inventory with up to three properties, whose fields vary by any of them.
fn any_inventory() -> impl Strategy<Value = Json> {
    (0_usize..4).prop_flat_map(|properties| {
        let combinations: Vec<[i64; 3]> = match properties {
            0 => vec![[0, 0, 0]],
            1 => vec![[0, 0, 0], [1, 0, 0], [2, 0, 0]],
            _ => vec![[0, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]],
        };
        let products: Vec<_> = combinations.into_iter().map(|values| any_product(values, properties)).collect();
        let varies = || prop::sample::subsequence(vec![100, 513, 514], 0..=properties);
        let state = prop_oneof![varies().prop_map(|list| json!(list)), Just(Json::Null)];
        (products, varies(), varies(), varies(), state).prop_map(|(products, price, quantity, sku, state)| {
            json!({ "products": products, "price_on_property": price, "quantity_on_property": quantity,
                "sku_on_property": sku, "readiness_state_on_property": state, "listing": { "listing_id": 1 },
                "moon_on_property": [100] })
        })
    })
}

fn live_offering(product: &Json) -> &Json {
    product["offerings"].as_array().unwrap().iter().find(|offering| offering["is_deleted"] != true).unwrap()
}

/// Brings what is read, and what is written, to one form, without the quantities.
fn fields(product: &Json) -> Json {
    let offering = live_offering(product);
    let price = match &offering["price"] {
        Json::Object(money) => money["amount"].as_f64().unwrap() / money["divisor"].as_f64().unwrap(),
        price => price.as_f64().unwrap(),
    };
    let values = product["property_values"].as_array().unwrap().iter().map(|value| {
        json!([value["property_id"], value["property_name"], value["scale_id"], value["value_ids"], value["values"]])
    });
    json!([product["sku"], values.collect::<Vec<_>>(), price, offering["is_enabled"], offering["readiness_state_id"]])
}

/// What Etsy answers to a write: the same in the form in which it is read, with other ids, prices in other units, the products
/// in another order, and one that was deleted.
fn answered(body: &Json) -> Json {
    let money = |price: &Json| {
        let text = price.to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let amount: i64 = format!("{whole}{part:0<4}").parse().unwrap();
        json!({ "amount": amount, "divisor": 10_000, "currency_code": "EUR" })
    };
    let product = |written: &Json| {
        let mut product = written.clone();
        (product["product_id"], product["is_deleted"]) = (json!(7), json!(false));
        if product["sku"].is_null() {
            product["sku"] = json!("");
        }
        let values = product["property_values"].as_array_mut().unwrap();
        for value in values {
            (value["property_name"], value["scale_name"]) = (json!("Taille"), json!("x"));
        }
        let offering = &mut product["offerings"][0];
        (offering["offering_id"], offering["is_deleted"]) = (json!(8), json!(false));
        offering["price"] = money(&offering["price"]);
        product
    };
    let mut products: Vec<Json> = body["products"].as_array().unwrap().iter().rev().map(product).collect();
    let mut deleted = products[0].clone();
    (deleted["is_deleted"], deleted["sku"], deleted["offerings"]) = (json!(true), json!("OLD"), json!([]));
    products.insert(0, deleted);
    let mut answer = body.clone();
    answer["products"] = json!(products);
    answer
}

/// Makes something of a product another thing than was sent.
fn spoilt(product: &mut Json, how: usize) {
    let offering = &mut product["offerings"][0];
    match how {
        0 => product["is_deleted"] = json!(true),
        1 => offering["price"]["amount"] = json!(offering["price"]["amount"].as_i64().unwrap() + 1),
        2 => offering["is_enabled"] = json!(offering["is_enabled"] == false),
        3 => product["sku"] = json!("ANOTHER"),
        4 => offering["is_deleted"] = json!(true),
        _ => product["property_values"] = json!([{ "property_id": 1, "value_ids": [1], "values": ["1"] }]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    // proves P4 for Etsy: the write is the whole inventory, and it differs from what was read in nothing but the numbers
    // of the groups that are meant.
    #[test]
    fn nothing_else_is_changed(raw in any_inventory(), chosen in any::<prop::sample::Index>(), units in 0_i64..1000) {
        let Some(inventory) = Inventory::read(&raw) else { return Ok(()) };
        let names: BTreeSet<String> = inventory.groups().iter().map(|group| group.name.to_owned()).collect();
        let name = names.iter().nth(chosen.index(names.len())).unwrap().clone();
        let body = inventory.with(&BTreeMap::from([(name.clone(), units)])).unwrap();
        let read: Vec<&Json> =
            raw["products"].as_array().unwrap().iter().filter(|product| product["is_deleted"] != true).collect();
        let written = body["products"].as_array().unwrap();
        prop_assert_eq!(read.len(), written.len());
        for ((read, written), own) in read.iter().zip(written).zip(&inventory.products) {
            prop_assert_eq!(fields(read), fields(written));
            let due = if own.group == name { json!(units) } else { live_offering(read)["quantity"].clone() };
            prop_assert_eq!(&written["offerings"][0]["quantity"], &due);
        }
        for (field, value) in raw.as_object().unwrap().iter().filter(|(field, _)| field.ends_with("_on_property")) {
            prop_assert_eq!(value, &body[field]);
        }
        let known: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        prop_assert!(!known.contains("listing"), "{:?}", known);
        let after = Inventory::read(&body);
        let shown = after.as_ref().and_then(|after| after.group(&name).and_then(|group| group.level()));
        prop_assert!(after.is_none() || shown == Some(units), "what is written can be read again");
    }

    // proves P4, P5 for Etsy: an answer in its own form is told as no difference, whatever the inventory is; and whatever of
    // it comes out otherwise is.
    #[test]
    fn what_comes_out_otherwise_is_told(
        raw in any_inventory(), chosen in any::<prop::sample::Index>(), units in 0_i64..1000, how in 0_usize..6
    ) {
        let Some(inventory) = Inventory::read(&raw) else { return Ok(()) };
        let names: Vec<String> = inventory.groups().iter().map(|group| group.name.to_owned()).collect();
        let written = BTreeMap::from([(names[chosen.index(names.len())].clone(), units)]);
        let mut answer = answered(&inventory.with(&written).unwrap());
        let told = |answer: &Json| {
            Inventory::read(answer).map_or_else(|| vec!["nothing is left".to_owned()], |after| inventory.differences(&after, &written))
        };
        prop_assert_eq!(told(&answer), Vec::<String>::new());
        let products = answer["products"].as_array_mut().unwrap();
        let place = 1 + chosen.index(products.len() - 1);
        spoilt(&mut products[place], how);
        let told = told(&answer);
        prop_assert_eq!(told.len(), 1, "{:?}", told);
    }

    // proves P5: nothing that an answer may contain makes the adapter panic, or takes a number for another.
    #[test]
    fn odd_fields_are_no_numbers(raw in any_inventory(), place in any::<prop::sample::Index>(), odd in 0_usize..5) {
        let places = ["/products", "/products/0", "/products/0/offerings", "/products/0/offerings/0",
            "/products/0/offerings/0/quantity", "/products/0/offerings/0/price", "/products/0/property_values",
            "/quantity_on_property", "/products/0/is_deleted"];
        let mut raw = raw;
        let odd = [Json::Null, json!("3"), json!(-1), json!({}), json!([[1]])][odd].clone();
        if let Some(field) = raw.pointer_mut(places[place.index(places.len())]) {
            *field = odd;
        }
        if let Some(inventory) = Inventory::read(&raw) {
            for group in inventory.groups() {
                prop_assert!(group.level().is_none_or(|units| (0..1000).contains(&units)));
            }
            let _ = inventory.with(&BTreeMap::new());
            let _ = (inventory.parenthesis(), inventory.would_be_empty(&BTreeMap::new()), inventory.properties());
        }
    }
}

#[test]
fn what_cannot_be_written_whole_is_not_written() {
    for (place, field) in [
        ("/products/0/offerings/0", "price"),
        ("/products/0/offerings/0", "is_enabled"),
        ("/products/0/property_values/0", "value_ids"),
        ("/products/0/property_values/0", "values"),
        ("/products/1/offerings/0", "quantity"),
        ("/products/0", "offerings"),
    ] {
        let mut raw = tees(3, 5);
        raw.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
        let wanted = BTreeMap::from([("100=5001".to_owned(), 2)]);
        let why = Inventory::read(&raw).unwrap().with(&wanted).unwrap_err();
        assert!(why.contains(field.trim_end_matches('s')), "{field}: {why}");
    }
}
