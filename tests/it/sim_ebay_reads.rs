//! The simulated eBay shows listings and their numbers as the sheet of facts says. Numbers in comments are the sheet's
//! sections.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::ebay_line::{counts, face, get, is, item, refused, rest, revise, shop, shop_of, trade, verdict};
use crate::sim::ebay::{EbaySpec, ListingSpec, Node};
use crate::sim::{Good, Rule, ShopHandle, State, Trouble};

/// A page of the seller's list.
async fn list(shop: &ShopHandle, size: usize, page: usize) -> Node {
    let paging =
        format!("<Pagination><EntriesPerPage>{size}</EntriesPerPage><PageNumber>{page}</PageNumber></Pagination>");
    trade(shop, "GetMyeBaySelling", &format!("<ActiveList><Include>true</Include>{paging}</ActiveList>")).await
}

/// The numbers of the listings of a page.
async fn numbers(shop: &ShopHandle, size: usize, page: usize) -> Vec<String> {
    items(&list(shop, size, page).await, "ActiveList/ItemArray")
}

fn items(answer: &Node, path: &str) -> Vec<String> {
    let all = answer.find(path).into_iter().flat_map(|array| array.children.iter());
    all.map(|item| item.said("ItemID").unwrap().to_owned()).collect()
}

/// The changes of a window of time.
async fn events(shop: &ShopHandle, by: &str, from: &str, to: &str) -> Node {
    let level = "<DetailLevel>ReturnAll</DetailLevel>";
    trade(shop, "GetSellerEvents", &format!("{level}<{by}From>{from}</{by}From><{by}To>{to}</{by}To>")).await
}

async fn changed(shop: &ShopHandle, from: &str, to: &str) -> Vec<String> {
    items(&events(shop, "ModTime", from, to).await, "ItemArray")
}

#[tokio::test(start_paused = true)]
async fn the_sellers_list_has_totals_and_what_is_left() {
    // 3, 4.1
    let (_, shop) = shop();
    shop.buy("MUG-RED", 2).unwrap();
    shop.buy("TEE-M", 3).unwrap();
    let answer = list(&shop, 200, 1).await;
    let all = answer.find("ActiveList/ItemArray").unwrap();
    let find = |number: &str| all.children.iter().find(|item| item.said("ItemID") == Some(number)).unwrap();
    let red = find(&shop.item_id("MUG-RED"));
    let said = ["Quantity", "QuantityAvailable", "SKU", "ListingType"].map(|path| red.said(path).unwrap());
    assert_eq!(said, ["7", "5", "MUG-RED", "FixedPriceItem"]);
    let tee = find(&shop.item_id("TEE-S"));
    // Sums over all variations, and nothing of what is left.
    assert_eq!((tee.said("Quantity"), tee.said("QuantityAvailable"), tee.said("SKU")), (Some("9"), None, None));
    let variation = |nth: usize| {
        let one = &tee.child("Variations").unwrap().children[nth];
        ["SKU", "Quantity", "SellingStatus/QuantitySold"].map(|path| one.said(path).unwrap().to_owned())
    };
    assert_eq!(
        (variation(0), variation(1)),
        (["TEE-S", "5", "0"].map(Into::into), ["TEE-M", "4", "3"].map(Into::into))
    );
    // 0: both worlds are read.
    assert_eq!(find(&shop.item_id("BOWL")).said("QuantityAvailable"), Some("6"));
    assert_eq!(answer.said("ActiveList/PaginationResult/TotalNumberOfEntries"), Some("5"));
    let hidden = trade(&shop, "GetMyeBaySelling", "<ActiveList/><HideVariations>true</HideVariations>").await;
    let hidden = hidden.find("ActiveList/ItemArray").unwrap();
    assert!(hidden.children.iter().all(|item| item.child("Variations").is_none()));
    let without = trade(&shop, "GetMyeBaySelling", "<ActiveList><Include>false</Include></ActiveList>").await;
    assert!(without.child("ActiveList").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_cut_down_to_what_is_selected() {
    // 4.1
    let (_, shop) = shop();
    let select = "<OutputSelector>ActiveList.PaginationResult</OutputSelector>\
                  <OutputSelector>Item.ItemID,Item.Variations.Variation.SKU</OutputSelector><ActiveList/>";
    let answer = trade(&shop, "GetMyeBaySelling", select).await;
    let first = &answer.find("ActiveList/ItemArray").unwrap().children[0];
    assert_eq!(first.children.len(), 1);
    assert_eq!(answer.said("ActiveList/PaginationResult/TotalNumberOfPages"), Some("1"));
    let tee = &answer.find("ActiveList/ItemArray").unwrap().children[2];
    let variation = tee.find("Variations/Variation").unwrap();
    assert_eq!((variation.children.len(), variation.said("SKU")), (1, Some("TEE-S")));
    assert_eq!(verdict(&answer), is("Success", &[]));
}

#[tokio::test(start_paused = true)]
async fn pages_are_cut_and_move() {
    // 4.1
    let (market, shop) = shop();
    let all = numbers(&shop, 200, 1).await;
    let parts = [numbers(&shop, 2, 1).await, numbers(&shop, 2, 2).await, numbers(&shop, 2, 3).await];
    assert_eq!(parts.concat(), all);
    assert_eq!(verdict(&list(&shop, 2, 4).await), is("Failure", &["340"]));
    assert_eq!(verdict(&list(&shop, 201, 1).await), is("Failure", &["37"]));
    let usual = trade(&shop, "GetMyeBaySelling", "<ActiveList/>").await;
    assert_eq!(items(&usual, "ActiveList/ItemArray").len(), 5);
    // The first is renewed between two pages: one is missed, and the totals tell nothing.
    let first = numbers(&shop, 2, 1).await;
    market.trouble(Rule::once(Trouble::Drift));
    let second = numbers(&shop, 2, 2).await;
    assert_eq!((first, second), (all[..2].to_vec(), all[3..].to_vec()));
    // What ended is not there, nor is there a list where nothing is on sale.
    for sku in ["MUG-RED", "MUG-BLUE", "TEE-S", "BOWL", "PLATE-A"] {
        shop.end_listing(sku);
    }
    let none = list(&shop, 200, 1).await;
    assert!(none.find("ActiveList/ItemArray").is_none());
    assert_eq!(none.said("ActiveList/PaginationResult/TotalNumberOfPages"), Some("0"));
    assert_eq!(shop.calls().last().unwrap().items, 0);
}

#[tokio::test(start_paused = true)]
async fn auctions_have_no_stock() {
    // 4.1
    let (_, shop) = shop_of(&EbaySpec::new("mugs", &[]).with(ListingSpec::single("LOT", 1).auction()));
    let answer = list(&shop, 200, 1).await;
    let lot = answer.find("ActiveList/ItemArray/Item").unwrap();
    assert_eq!((lot.said("ListingType"), lot.said("QuantityAvailable")), (Some("Chinese"), None));
    let fixed = "<ActiveList><ListingType>FixedPriceItem</ListingType></ActiveList>";
    assert_eq!(items(&trade(&shop, "GetMyeBaySelling", fixed).await, "ActiveList/ItemArray"), [""; 0]);
    let number = shop.item_id("LOT");
    assert_eq!(verdict(&revise(&shop, &[(&number, "", 2)]).await), is("Failure", &["37"]));
}

#[tokio::test(start_paused = true)]
async fn changes_leave_out_a_quantity_of_one_and_most_names() {
    // 3, 4.2
    let spec = EbaySpec::new("mugs", &[("ONE", 1), ("TWO", 2), ("NONE", 0)]);
    let (_, shop) = shop_of(&spec.with(ListingSpec::varied("Tee", &[Good::new("TEE-S", 1), Good::new("TEE-M", 0)])));
    let answer = events(&shop, "ModTime", "2026-11-23T05:00:00.000Z", "2026-11-23T06:00:00.000Z").await;
    let all = &answer.child("ItemArray").unwrap().children;
    let quantities: Vec<_> = all.iter().map(|item| item.said("Quantity")).collect();
    assert_eq!(quantities, [None, Some("2"), Some("0"), None]);
    assert!(all.iter().all(|item| item.child("SKU").is_none() && item.said("ListingType").is_some()));
    let tee = all[3].child("Variations").unwrap();
    let shown: Vec<_> =
        tee.children.iter().map(|one| (one.said("SKU").unwrap(), one.said("Quantity").unwrap())).collect();
    assert_eq!(shown, [("TEE-S", "1"), ("TEE-M", "0")]);
    // Whether 0 is left out as well is not told.
    face(&shop, |face| face.events_omit_zero = true);
    let answer = trade(&shop, "GetSellerEvents", "<ModTimeFrom>2026-11-23T05:00:00.000Z</ModTimeFrom>").await;
    let all = &answer.child("ItemArray").unwrap().children;
    assert_eq!(all.iter().map(|item| item.said("Quantity")).collect::<Vec<_>>(), [None, Some("2"), None, None]);
    // Without all details, not even what kind of listing it is.
    assert!(all.iter().all(|item| item.child("ListingType").is_none()));
    assert_eq!(answer.said("TimeTo"), Some("2026-11-23T06:00:00.000Z"));
}

#[tokio::test(start_paused = true)]
async fn a_listing_is_in_the_window_of_its_last_change_alone() {
    // 4.2
    let (market, shop) = shop();
    let [red, blue, tee] = ["MUG-RED", "MUG-BLUE", "TEE-M"].map(|sku| shop.item_id(sku));
    market.advance(Duration::from_mins(10));
    shop.owner_sets("MUG-RED", 4);
    shop.buy("TEE-M", 1).unwrap();
    market.advance(Duration::from_mins(10));
    shop.buy("MUG-BLUE", 1).unwrap();
    let (ten, fifteen, twenty) = ("2026-11-23T06:10:00.000Z", "2026-11-23T06:15:00.000Z", "2026-11-23T06:20:00.000Z");
    assert_eq!(changed(&shop, ten, fifteen).await, [red.clone(), tee.clone()]);
    assert_eq!(changed(&shop, fifteen, twenty).await, std::slice::from_ref(&blue));
    // It moves on with its next change.
    shop.buy("MUG-RED", 1).unwrap();
    assert_eq!(changed(&shop, ten, fifteen).await, std::slice::from_ref(&tee));
    assert_eq!(changed(&shop, fifteen, twenty).await, [red.clone(), blue.clone()]);
    // What is listed late, or over two days ago, is left out without a word.
    face(&shop, |face| face.most_events = 2);
    assert_eq!(changed(&shop, "2026-11-23T05:00:00.000Z", twenty).await.len(), 2);
    face(&shop, |face| face.most_events = 3000);
    market.advance(Duration::from_hours(48));
    let now = "2026-11-25T06:20:00.000Z";
    assert_eq!(changed(&shop, "2026-11-22T00:00:00.000Z", now).await, [red.clone(), blue]);
    // Ended listings have a window of their own; others end when they are renewed.
    shop.end_listing("MUG-RED");
    let ended = events(&shop, "EndTime", twenty, now).await;
    assert_eq!(items(&ended, "ItemArray"), [red]);
    assert_eq!(ended.said("ItemArray/Item/SellingStatus/ListingStatus"), Some("Completed"));
    assert_eq!(verdict(&trade(&shop, "GetSellerEvents", "").await), is("Failure", &["37"]));
    assert_eq!(verdict(&events(&shop, "ModTime", now, twenty).await), is("Failure", &["37"]));
}

#[tokio::test(start_paused = true)]
async fn lists_trail_behind_and_what_is_read_by_number_does_not() {
    // 4.2
    let (market, shop) = shop();
    let red = shop.item_id("MUG-RED");
    market.advance(Duration::from_mins(10));
    shop.set_lag(Duration::from_secs(90));
    shop.buy("MUG-RED", 2).unwrap();
    revise(&shop, &[(&red, "", 6)]).await;
    let listed = async || {
        let answer = list(&shop, 200, 1).await;
        let first = answer.find("ActiveList/ItemArray/Item").unwrap();
        ["Quantity", "QuantityAvailable"].map(|path| first.said(path).unwrap().to_owned())
    };
    let seen = async || changed(&shop, "2026-11-23T06:09:00.000Z", "2026-11-23T06:12:00.000Z").await;
    assert_eq!((listed().await, counts(&shop, &red, "MUG-RED").await), (["7", "7"].map(Into::into), (8, 2)));
    assert_eq!(seen().await, [""; 0]);
    market.advance(Duration::from_secs(90));
    assert_eq!((listed().await, seen().await), (["8", "6"].map(Into::into), vec![red.clone()]));
    // As planned, even what is read by number is old.
    market.trouble(Rule::once(Trouble::Stale(Duration::from_mins(5))));
    assert_eq!(counts(&shop, &red, "MUG-RED").await, (7, 0));
    market.trouble(Rule::once(Trouble::NoNumbers));
    let bare = item(&shop, &red).await;
    assert!(bare.child("Quantity").is_none() && bare.find("SellingStatus/QuantitySold").is_none());
}

#[tokio::test(start_paused = true)]
async fn one_listing_is_shown_by_its_number() {
    // 3, 6
    let (_, shop) = shop();
    let red = shop.item_id("MUG-RED");
    shop.buy("MUG-RED", 7).unwrap();
    let shown = item(&shop, &red).await;
    assert_eq!((shown.said("Quantity"), shown.said("SellingStatus/QuantitySold")), (Some("7"), Some("7")));
    // 6: kept, and hidden.
    assert_eq!(
        (shown.said("ReasonHideFromSearch"), shown.said("SellingStatus/ListingStatus")),
        (Some("OutOfStock"), Some("Active"))
    );
    assert_eq!(shown.said("InventoryTrackingMethod"), Some("ItemID"));
    shop.owner_sets("MUG-RED", 3);
    assert_eq!(counts(&shop, &red, "MUG-RED").await, (10, 7));
    let unknown = trade(&shop, "GetItem", "<ItemID>110999999999</ItemID>").await;
    assert_eq!(verdict(&unknown), is("Failure", &["17"]));
    // An owner who takes it off sale ends it, and puts it back under another number.
    shop.set_state("MUG-RED", State::Archived);
    assert_eq!(item(&shop, &red).await.said("SellingStatus/ListingStatus"), Some("Completed"));
    shop.set_state("MUG-RED", State::Live);
    let new = shop.item_id("MUG-RED");
    assert_ne!(new, red);
    assert_eq!(item(&shop, &red).await.said("ListingDetails/RelistedItemID"), Some(new.as_str()));
    assert_eq!(counts(&shop, &new, "MUG-RED").await, (3, 0));
    assert_eq!(counts(&shop, &red, "MUG-RED").await, (10, 7));
    // The log names a listing by its SKU, which may be another's by now.
    let blue = shop.item_id("MUG-BLUE");
    shop.set_state("MUG-BLUE", State::Archived);
    shop.rename_sku("MUG-BLUE", "MUG-SKY");
    assert_eq!(item(&shop, &blue).await.said("SellingStatus/ListingStatus"), Some("Completed"));
    shop.delete("MUG-SKY");
    assert_eq!(numbers(&shop, 200, 1).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_inventory_interface_knows_its_own_listings_alone() {
    // 4.5
    let (market, shop) = shop();
    shop.buy("BOWL", 2).unwrap();
    let first = get(&shop, "/sell/inventory/v1/inventory_item?limit=2").await;
    let skus = |page: &Value| {
        page["inventoryItems"].as_array().unwrap().iter().map(|item| item["sku"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((skus(&first), &first["total"]), (vec![json!("BOWL"), json!("PLATE-A")], &json!(3)));
    // The size counts pages, and so does the offset.
    assert_eq!(
        (&first["size"], &first["next"]),
        (&json!(2), &json!("/sell/inventory/v1/inventory_item?limit=2&offset=1"))
    );
    let second = get(&shop, first["next"].as_str().unwrap()).await;
    assert_eq!((skus(&second), &second["next"]), (vec![json!("PLATE-B")], &Value::Null));
    let bowl = &first["inventoryItems"][0];
    assert_eq!(bowl["availability"]["shipToLocationAvailability"]["quantity"], 4);
    assert_eq!(refused(&shop, "/sell/inventory/v1/inventory_item?limit=201").await, (400, 25706));
    assert_eq!(refused(&shop, "/sell/inventory/v1/inventory_item?offset=-1").await, (400, 25706));
    assert_eq!(refused(&shop, "/sell/inventory/v1/inventory_item/MUG-RED").await, (404, 25710));
    let offers = get(&shop, "/sell/inventory/v1/offer?sku=BOWL").await;
    let offer = &offers["offers"][0];
    assert_eq!((&offer["offerId"], &offer["availableQuantity"]), (&json!(shop.offer_id("BOWL")), &json!(4)));
    let listing = json!({ "listingId": shop.item_id("BOWL"), "listingStatus": "ACTIVE", "soldQuantity": 2, "listingOnHold": false });
    assert_eq!((&offer["status"], &offer["listing"]), (&json!("PUBLISHED"), &listing));
    assert_eq!(get(&shop, &format!("/sell/inventory/v1/offer/{}", shop.offer_id("BOWL"))).await, *offer);
    face(&shop, |face| face.on_hold.insert("BOWL".into()));
    let held = get(&shop, "/sell/inventory/v1/offer?sku=BOWL").await;
    assert_eq!(held["offers"][0]["listing"]["listingOnHold"], true);
    assert_eq!(refused(&shop, "/sell/inventory/v1/offer").await, (400, 25709));
    assert_eq!(refused(&shop, "/sell/inventory/v1/offer?sku=MUG-RED").await, (404, 25713));
    let ask = async |skus: &[&str]| {
        let requests: Vec<_> = skus.iter().map(|sku| json!({ "sku": sku })).collect();
        rest(&shop, Method::POST, "/sell/inventory/v1/bulk_get_inventory_item", Some(json!({ "requests": requests })))
            .await
    };
    let (status, answer) = ask(&["BOWL", "MUG-RED"]).await;
    let codes = [0, 1].map(|nth| answer["responses"][nth]["statusCode"].as_i64().unwrap());
    assert_eq!((status, codes), (207, [200, 404]));
    assert_eq!(ask(&["BOWL"]).await.0, 200);
    assert_eq!(ask(&["BOWL", "BOWL"]).await.1["errors"][0]["errorId"], 25734);
    assert_eq!(ask(&["BOWL"; 26]).await.1["errors"][0]["errorId"], 25727);
    market.trouble(Rule::once(Trouble::NoNumbers));
    let bare = get(&shop, "/sell/inventory/v1/inventory_item/BOWL").await;
    assert_eq!(bare["availability"]["shipToLocationAvailability"], json!({}));
    // 3: whether the item's number falls with a sale is not told.
    face(&shop, |face| face.ship_to_falls = false);
    let kept = get(&shop, "/sell/inventory/v1/inventory_item/BOWL").await;
    assert_eq!(kept["availability"]["shipToLocationAvailability"]["quantity"], 6);
    let (_, bare) = shop_of(&EbaySpec::new("mugs", &[("A", 1)]));
    let none = get(&bare, "/sell/inventory/v1/inventory_item").await;
    assert_eq!((&none["total"], &none["inventoryItems"]), (&json!(0), &Value::Null));
}
