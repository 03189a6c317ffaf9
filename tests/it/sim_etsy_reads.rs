//! The simulated Etsy shows listings and their inventories as the sheet of facts says. Numbers in comments are the sheet's
//! sections.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::ebay_line::json as read;
use crate::etsy_line::{Said, ask, face, get, path, refused, send, shop, shop_of, spec};
use crate::sim::etsy::{EtsySpec, ListingSpec, PropertyValue, Standing};
use crate::sim::{Good, OpenApi, Route, Rule, State, Trouble};

/// Returns the numbers of a page, in their order.
fn ids(page: &Value) -> Vec<u64> {
    page["results"].as_array().unwrap().iter().map(|one| one["listing_id"].as_u64().unwrap()).collect()
}

/// Returns the quantities of a listing by SKU.
fn quantities(inventory: &Value) -> Vec<(&str, i64)> {
    let products = inventory["products"].as_array().unwrap().iter();
    let row = |one: &'_ Value| one["offerings"][0]["quantity"].as_i64().unwrap();
    products.map(|one| (one["sku"].as_str().unwrap(), row(one))).collect()
}

#[tokio::test(start_paused = true)]
async fn the_whole_shop_is_read_with_its_inventories() {
    // 3, 4.1
    let (market, shop) = shop();
    let page = get(&shop, &path(&shop, "/listings?state=active&limit=100&offset=0&includes=Inventory")).await;
    assert_eq!(page["count"], 4);
    let of = |sku: &str| {
        let id = shop.etsy_listing(sku);
        page["results"].as_array().unwrap().iter().find(|one| one["listing_id"] == id).unwrap().clone()
    };
    let tee = of("TEE-S");
    assert_eq!(quantities(&tee["inventory"]), [("TEE-S", 5), ("TEE-M", 4)]);
    assert_eq!(
        (&tee["quantity"], &tee["has_variations"], &tee["skus"]),
        (&json!(9), &json!(true), &json!(["TEE-S", "TEE-M"]))
    );
    assert_eq!(tee["inventory"]["quantity_on_property"], json!([100]));
    let value = &tee["inventory"]["products"][0]["property_values"][0];
    assert_eq!((&value["scale_name"], &value["values"]), (&json!("Letter"), &json!(["S"])));
    // Two SKUs in one group, and the one number shows twice.
    let print = of("PRINT-A");
    assert_eq!(quantities(&print["inventory"]), [("PRINT-A", 6), ("PRINT-B", 6)]);
    assert_eq!(
        (&print["inventory"]["quantity_on_property"], &print["inventory"]["sku_on_property"]),
        (&json!([]), &json!([100]))
    );
    shop.buy("PRINT-A", 2).unwrap();
    assert_eq!(shop.available("PRINT-B"), 4);
    let mug = of("MUG-RED");
    assert_eq!(mug["inventory"]["products"][0]["property_values"], json!([]));
    let price = &mug["inventory"]["products"][0]["offerings"][0]["price"];
    assert_eq!(price, &json!({ "amount": 1250, "divisor": 100, "currency_code": "USD" }));
    // Numbers may be missing, for once.
    market.trouble(Rule::once(Trouble::NoNumbers));
    let page = get(&shop, &path(&shop, "/listings?includes=Inventory")).await;
    assert_eq!(page["results"][0]["quantity"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn pages_are_cut_and_states_are_apart() {
    // 3, 4.1, 9
    let goods: Vec<_> = (0..120).map(|n| format!("SKU-{n}")).collect();
    let goods: Vec<_> = goods.iter().map(|sku| (sku.as_str(), 3)).collect();
    let spec = EtsySpec::new("mugs", &goods)
        .with(ListingSpec::single("OFF", 2).standing(Standing::Inactive))
        .with(ListingSpec::single("IDEA", 2).standing(Standing::Draft))
        .with(ListingSpec::single("OLD", 2).standing(Standing::Expired));
    let (_, shop) = shop_of(&spec);
    let list = async |query: &str| get(&shop, &path(&shop, &format!("/listings?{query}"))).await;
    // 25, if nothing is said.
    assert_eq!((ids(&list("").await).len(), list("").await["count"].as_u64()), (25, Some(120)));
    let (first, second) = (list("limit=100").await, list("limit=100&offset=100").await);
    let all: BTreeSet<u64> = ids(&first).into_iter().chain(ids(&second)).collect();
    assert_eq!((ids(&second).len(), all.len()), (20, 120));
    assert!(ids(&list("offset=120").await).is_empty());
    shop.buy("SKU-7", 3).unwrap();
    for (state, sku) in [("inactive", "OFF"), ("draft", "IDEA"), ("expired", "OLD"), ("sold_out", "SKU-7")] {
        let page = list(&format!("state={state}&includes=Inventory")).await;
        assert_eq!((ids(&page), &page["results"][0]["state"]), (vec![shop.etsy_listing(sku)], &json!(state)));
    }
    for wrong in ["limit=101", "limit=0", "offset=-1", "state=edit", "includes=Stock", "keywords=mug", "sort_on=title"]
    {
        assert_eq!(refused(&shop, &path(&shop, &format!("/listings?{wrong}"))).await.0, 400, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_read_moves() {
    // 4.1: listings can move between pages.
    let goods: Vec<_> = (0..6).map(|n| format!("SKU-{n}")).collect();
    let goods: Vec<_> = goods.iter().map(|sku| (sku.as_str(), 3)).collect();
    let (market, shop) = shop_of(&EtsySpec::new("mugs", &goods));
    let page =
        async |offset: usize| ids(&get(&shop, &path(&shop, &format!("/listings?limit=3&offset={offset}"))).await);
    let first = page(0).await;
    market.trouble(Rule::once(Trouble::Drift));
    let second = page(3).await;
    // One is shown twice, and one was passed over: it is in front now.
    assert_eq!(second[0], first[2]);
    assert_eq!(page(0).await[0], shop.etsy_listing("SKU-0"));
    assert!(!first.contains(&shop.etsy_listing("SKU-0")) && !second.contains(&shop.etsy_listing("SKU-0")));
}

#[tokio::test(start_paused = true)]
async fn lists_trail_behind_and_numbers_may_be_old() {
    // 4.1
    let (market, shop) = shop();
    shop.set_lag(Duration::from_mins(1));
    market.advance(Duration::from_hours(1));
    shop.buy("MUG-BLUE", 3).unwrap();
    market.advance(Duration::from_secs(30));
    let blue = shop.etsy_listing("MUG-BLUE");
    let listed =
        async |state: &str| get(&shop, &path(&shop, &format!("/listings?state={state}&includes=Inventory"))).await;
    let active = listed("active").await;
    let shown = active["results"].as_array().unwrap().iter().find(|one| one["listing_id"] == blue).unwrap();
    assert_eq!((&shown["quantity"], quantities(&shown["inventory"])), (&json!(3), vec![("MUG-BLUE", 3)]));
    assert_eq!(listed("sold_out").await["count"], 0);
    // By its number it never does, unless a read is stale by plan.
    let own = get(&shop, &format!("/listings/{blue}")).await;
    assert_eq!((&own["state"], &own["quantity"]), (&json!("sold_out"), &json!(0)));
    market.trouble(Rule::once(Trouble::Stale(Duration::from_mins(2))));
    assert_eq!(quantities(&get(&shop, &format!("/listings/{blue}/inventory")).await), [("MUG-BLUE", 3)]);
    market.advance(Duration::from_secs(40));
    assert_eq!(
        (listed("active").await["count"].as_u64(), listed("sold_out").await["count"].as_u64()),
        (Some(3), Some(1))
    );
}

#[tokio::test(start_paused = true)]
async fn one_unknown_number_hides_all() {
    // 0, 4.1
    let (_, shop) = shop();
    let (red, tee) = (shop.etsy_listing("MUG-RED"), shop.etsy_listing("TEE-S"));
    let both = get(&shop, &format!("/listings/batch/inventory?listing_ids={red},{tee}")).await;
    assert_eq!((both["count"].as_u64(), ids(&both)), (Some(2), vec![red, tee]));
    assert_eq!(quantities(&both["results"][1]["inventory"]), [("TEE-S", 5), ("TEE-M", 4)]);
    assert_eq!(refused(&shop, &format!("/listings/batch/inventory?listing_ids={red},1,{tee}")).await.0, 404);
    shop.delete("TEE-S");
    assert_eq!(refused(&shop, &format!("/listings/batch/inventory?listing_ids={red},{tee}")).await.0, 404);
    assert_eq!(refused(&shop, &format!("/listings/{tee}/inventory")).await.0, 404);
    let many = vec![red.to_string(); 101].join(",");
    assert_eq!(refused(&shop, &format!("/listings/batch/inventory?listing_ids={many}")).await.0, 400);
    for wrong in ["", "?listing_ids=", "?listing_ids=x", "?listing_ids=1&includes=Inventory"] {
        assert_eq!(refused(&shop, &format!("/listings/batch/inventory{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn inventories_come_along_with_the_lists_of_a_shop_alone() {
    // 0, 4.1, 12
    let (_, shop) = shop();
    let red = shop.etsy_listing("MUG-RED");
    assert_eq!(refused(&shop, &format!("/listings/{red}?includes=Inventory")).await.0, 400);
    assert_eq!(refused(&shop, &format!("/listings/batch?listing_ids={red}&includes=Inventory")).await.0, 400);
    let named = get(&shop, &format!("/listings/batch?listing_ids={red}&includes=Images,Shop")).await;
    assert_eq!((&named["results"][0]["skus"], &named["results"][0]["inventory"]), (&json!(["MUG-RED"]), &Value::Null));
    face(&shop, |face| face.lists_inventory = false);
    assert_eq!(refused(&shop, &path(&shop, "/listings?includes=Inventory")).await.0, 400);
    assert_eq!(get(&shop, &path(&shop, "/listings")).await["results"][0]["inventory"], Value::Null);
    let without = EtsySpec { lists_inventory: false, ..spec() };
    let (_, shop) = shop_of(&without);
    assert_eq!(refused(&shop, &path(&shop, "/listings?includes=Inventory")).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn others_see_no_sku_and_nothing_that_is_off() {
    // 4.1
    let (market, shop) = shop();
    let (red, key) = (shop.etsy_listing("MUG-RED"), face(&shop, |face| face.api_key()));
    let public = async || send(&market, &Method::GET, &format!("/listings/{red}"), Said::Nothing, &key, "").await;
    assert_eq!(read(&public().await)["skus"], json!([]));
    assert_eq!(get(&shop, &format!("/listings/{red}")).await["skus"], json!(["MUG-RED"]));
    shop.owner_deactivates("MUG-RED");
    assert_eq!(public().await.status, 404);
    assert_eq!(get(&shop, &format!("/listings/{red}")).await["state"], "inactive");
    let inventory = send(&market, &Method::GET, &format!("/listings/{red}/inventory"), Said::Nothing, &key, "").await;
    assert_eq!(inventory.status, 401);
}

#[tokio::test(start_paused = true)]
async fn listings_have_many_shapes() {
    // 3, 5, 8
    let spec = EtsySpec::new("mugs", &[("MUG", 7)])
        .with(ListingSpec::grid("Cap", &[("Size", &["S", "M"]), ("Colour", &["Red", "Blue"])], 1, 4))
        .with(ListingSpec::grid("Bag", &[("Size", &["S"]), ("Colour", &["Red"]), ("Strap", &["Long", "Short"])], 3, 2))
        .with(ListingSpec::varied("Old", &[Good::new("OLD-1", 2), Good::new("OLD-2", 2)]).with_parentheses())
        .with(ListingSpec::single("PATTERN", 99).digital());
    let (_, shop) = shop_of(&spec);
    let inventory = async |sku: &str| get(&shop, &format!("/listings/{}/inventory", shop.etsy_listing(sku))).await;
    // The same SKU on several products of one group.
    let cap = inventory("CAP-S").await;
    assert_eq!(quantities(&cap), [("CAP-S", 4), ("CAP-S", 4), ("CAP-M", 4), ("CAP-M", 4)]);
    assert_eq!((&cap["quantity_on_property"], &cap["sku_on_property"]), (&json!([100]), &json!([100])));
    shop.buy("CAP-S", 1).unwrap();
    assert_eq!(quantities(&inventory("CAP-S").await), [("CAP-S", 3), ("CAP-S", 3), ("CAP-M", 4), ("CAP-M", 4)]);
    // An owner who tells two of them apart does so by every property.
    shop.rename_sku("CAP-M", "CAP-X");
    shop.owner_prices("CAP-X", 1900);
    let cap = inventory("CAP-S").await;
    assert_eq!((&cap["sku_on_property"], &cap["price_on_property"]), (&json!([100, 514]), &json!([100, 514])));
    let bag = inventory("BAG-S-RED-LONG").await;
    assert_eq!(bag["products"][0]["property_values"].as_array().unwrap().len(), 3);
    let old = inventory("OLD-1").await;
    assert_eq!(old["products"][0]["property_values"][0]["values"], json!(["The OLD-1 (old)"]));
    let pattern = inventory("PATTERN").await;
    assert_eq!(pattern["products"][0]["offerings"][0]["readiness_state_id"], Value::Null);
    let shown = get(&shop, &format!("/listings/{}", shop.etsy_listing("PATTERN"))).await;
    assert_eq!(shown["listing_type"], "download");
    assert_eq!(PropertyValue::size("S"), PropertyValue::size("S"));
    // No SKU at all is a listing as well.
    shop.rename_sku("MUG", "");
    let list = get(&shop, &path(&shop, "/listings?includes=Inventory&limit=100")).await;
    let bare = list["results"].as_array().unwrap().iter().find(|one| one["skus"] == json!([])).unwrap();
    assert_eq!(quantities(&bare["inventory"]), [("", 7)]);
}

#[tokio::test(start_paused = true)]
async fn what_owners_do_in_every_shop_shows_here() {
    let (_, shop) = shop();
    shop.add("VASE", 2);
    shop.add_product("Bowl", &[Good::new("BOWL-A", 1), Good::new("BOWL-B", 2)]);
    let bowl = get(&shop, &format!("/listings/{}/inventory", shop.etsy_listing("BOWL-A"))).await;
    assert_eq!((quantities(&bowl), &bowl["sku_on_property"]), (vec![("BOWL-A", 1), ("BOWL-B", 2)], &json!([100])));
    shop.rename_sku("BOWL-A", "BOWL-X");
    shop.hide("BOWL-B", true);
    let bowl = get(&shop, &format!("/listings/{}/inventory?includes=Listing", shop.etsy_listing("BOWL-X"))).await;
    assert_eq!(bowl["products"][1]["offerings"][0]["is_enabled"], false);
    assert_eq!((&bowl["products"][0]["sku"], &bowl["listing"]["quantity"]), (&json!("BOWL-X"), &json!(1)));
    shop.set_state("VASE", State::Archived);
    assert_eq!(shop.etsy_standing("VASE"), Standing::Inactive);
    shop.set_state("VASE", State::Draft);
    assert_eq!(shop.etsy_standing("VASE"), Standing::Draft);
    // Etsy counts everything.
    shop.set_tracked("MUG-RED", false);
    assert_eq!(shop.etsy_standing("MUG-RED"), Standing::Active);
    shop.buy("MUG-RED", 1).unwrap();
    assert_eq!(shop.available("MUG-RED"), 6);
    let (status, _) =
        ask(&shop, Method::DELETE, &format!("/listings/{}", shop.etsy_listing("VASE")), Said::Nothing).await;
    assert_eq!(status, 404);
}

#[test]
fn the_official_description_tells_what_is_amiss() {
    let Some(schema) = OpenApi::known() else {
        println!("skipped: EYS_SPECS does not name the specs folder");
        return;
    };
    let path = "/v3/application/listings/{listing_id}/inventory";
    let read = Route { api: "", path, method: "get", name: "getListingInventory" };
    let write = Route { api: "", path, method: "put", name: "updateListingInventory" };
    let asked = |body: Value| schema.request_misfit(write, &[], Some(&body)).unwrap_or_default();
    let offering = json!({ "price": 19.5, "quantity": 1, "is_enabled": true, "readiness_state_id": null });
    assert_eq!(asked(json!({ "products": [{ "offerings": [offering] }], "readiness_state_on_property": null })), "");
    assert!(asked(json!({ "products": [{}] })).contains("is missing"));
    assert!(asked(json!({ "products": [{ "offerings": [], "product_id": 1 }] })).contains("not known"));
    assert!(asked(json!({ "products": [{ "offerings": [{ "price": {} }] }] })).contains("is missing"));
    let answered = |body: Value| schema.answer_misfit(read, 200, &body).unwrap_or_default();
    assert_eq!(answered(json!({ "products": [{ "sku": "A", "is_deleted": false }] })), "");
    assert!(answered(json!({ "products": [{ "sku": null }] })).contains("no string"));
    assert!(answered(json!({ "products": [{ "offerings": [{ "quantity": -1 }] }] })).contains("out of bounds"));
    assert!(schema.answer_misfit(read, 404, &json!({ "message": "gone" })).is_some());
    let listings =
        Route { api: "", path: "/v3/application/shops/{shop_id}/listings", method: "get", name: "getListingsByShop" };
    let query = |name: &str, said: &str| schema.request_misfit(listings, &[(name.into(), said.into())], None);
    assert_eq!((query("limit", "100"), query("includes", "Inventory,Images")), (None, None));
    assert!(
        query("limit", "101").is_some() && query("includes", "Stock").is_some() && query("legacy", "true").is_some()
    );
}
