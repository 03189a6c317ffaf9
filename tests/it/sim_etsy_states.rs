//! The simulated Etsy takes listings off and puts them on sale as the sheet of facts says, and has its fee for what comes
//! back. Numbers in comments are the sheet's sections.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::etsy_line::{Said, ask, face, get, inventory, path, put, set_state, shop, shop_of, with_units, words};
use crate::sim::etsy::{EtsySpec, ListingSpec, Standing};
use crate::sim::{Rule, State, Trouble, Who};

#[tokio::test(start_paused = true)]
async fn a_listing_is_taken_off_and_put_back_for_free() {
    // 6
    let (_, shop) = shop();
    let red = shop.etsy_listing("MUG-RED");
    let (status, answer) = set_state(&shop, red, "inactive").await;
    assert_eq!((status, &answer["state"], &answer["quantity"]), (200, &json!("inactive"), &json!(7)));
    assert!(!shop.for_sale("MUG-RED"));
    let body = with_units(inventory(&shop, red).await, &[("MUG-RED", 2)]);
    assert_eq!(put(&shop, red, &body).await.0, 200);
    assert_eq!(set_state(&shop, red, "active").await.0, 200);
    assert_eq!((shop.available("MUG-RED"), shop.etsy_fees(Who::App)), (2, 0));
    assert!(shop.for_sale("MUG-RED"));
    // Twice is no more than once.
    assert_eq!((set_state(&shop, red, "active").await.0, shop.etsy_fees(Who::App)), (200, 0));
    // 9: no other word, and no JSON.
    for word in ["sold_out", "draft", "edit", "Active", ""] {
        assert_eq!(set_state(&shop, red, word).await.0, 400, "{word}");
    }
    let address = path(&shop, &format!("/listings/{red}"));
    assert_eq!(ask(&shop, Method::PATCH, &address, Said::Json(&json!({ "state": "inactive" }))).await.0, 400);
    assert_eq!(ask(&shop, Method::PATCH, &address, Said::Form(&[("quantity", "3")])).await.0, 400);
    assert_eq!(
        ask(&shop, Method::PUT, &format!("/listings/{red}/inventory"), Said::Form(&[("products", "")])).await.0,
        400
    );
    assert_eq!(set_state(&shop, 1, "active").await.0, 404);
    assert_eq!(ask(&shop, Method::PATCH, &address, Said::Form(&[("title", "A mug")])).await.1["title"], "A mug");
    assert_eq!(shop.etsy_standing("MUG-RED"), Standing::Active);
}

#[tokio::test(start_paused = true)]
async fn what_is_sold_out_comes_back_for_a_fee_with_one_unit() {
    // 6, 7
    let (_, shop) = shop();
    let tee = shop.etsy_listing("TEE-S");
    shop.buy("TEE-S", 5).unwrap();
    assert_eq!(shop.etsy_standing("TEE-S"), Standing::Active);
    let order = shop.buy("TEE-M", 4).unwrap();
    assert_eq!(shop.etsy_standing("TEE-S"), Standing::SoldOut);
    // Neither units that come back nor a number bring it to life.
    shop.cancel(order, true);
    assert_eq!((shop.available("TEE-M"), shop.etsy_standing("TEE-S")), (4, Standing::SoldOut));
    let body = with_units(inventory(&shop, tee).await, &[("TEE-S", 6), ("TEE-M", 4)]);
    assert_eq!(put(&shop, tee, &body).await.0, 200);
    assert_eq!((shop.etsy_standing("TEE-S"), shop.for_sale("TEE-S")), (Standing::SoldOut, false));
    // It cannot be taken off, unless it can.
    assert_eq!(set_state(&shop, tee, "inactive").await.0, 400);
    let (status, answer) = set_state(&shop, tee, "active").await;
    assert_eq!((status, &answer["quantity"]), (200, &json!(1)));
    assert_eq!((shop.available("TEE-S"), shop.available("TEE-M"), shop.etsy_fees(Who::App)), (1, 0, 20));
    assert_eq!(put(&shop, tee, &body).await.0, 200);
    assert_eq!((shop.available("TEE-S"), shop.available("TEE-M"), shop.etsy_fees(Who::App)), (6, 4, 20));
    // Some answer 500 to it, and stay as they are.
    shop.buy("MUG-BLUE", 3).unwrap();
    let blue = shop.etsy_listing("MUG-BLUE");
    face(&shop, |face| face.sold_out_fails = true);
    assert_eq!((set_state(&shop, blue, "active").await.0, shop.etsy_fees(Who::App)), (500, 20));
    face(&shop, |face| face.sold_out_hides = true);
    assert_eq!(set_state(&shop, blue, "inactive").await.1["state"], "inactive");
    // What has nothing is not put on sale.
    let (status, answer) = set_state(&shop, blue, "active").await;
    assert_eq!((status, words(&answer).as_str()), (400, "One offering must have quantity greater than 0"));
}

#[tokio::test(start_paused = true)]
async fn four_months_are_paid_for() {
    // 6
    let spec = EtsySpec::new("mugs", &[("MUG", 7), ("BOWL", 3)])
        .with(ListingSpec::single("OLD", 2).standing(Standing::Expired))
        .with(ListingSpec::single("IDEA", 2).standing(Standing::Draft));
    let (market, shop) = shop_of(&spec);
    let ids = ["MUG", "OLD", "IDEA"].map(|sku| shop.etsy_listing(sku));
    for (id, fees) in [(ids[1], 20), (ids[2], 40)] {
        assert_eq!((set_state(&shop, id, "active").await.0, shop.etsy_fees(Who::App)), (200, fees));
    }
    assert_eq!((shop.available("OLD"), shop.for_sale("IDEA")), (2, true));
    set_state(&shop, ids[0], "inactive").await;
    market.advance(Duration::from_hours(24 * 123));
    // What was on sale was renewed by itself, which is the owner's to pay.
    assert_eq!((shop.etsy_standing("BOWL"), shop.etsy_standing("MUG")), (Standing::Active, Standing::Expired));
    assert_eq!((shop.etsy_fees(Who::Owner), shop.etsy_fees(Who::App)), (60, 40));
    assert_eq!((set_state(&shop, ids[0], "active").await.0, shop.etsy_fees(Who::App)), (200, 60));
    // Whether it shows as expired is not told: the fee is the same.
    face(&shop, |face| face.idle_expires = false);
    set_state(&shop, ids[0], "inactive").await;
    market.advance(Duration::from_hours(24 * 123));
    assert_eq!(shop.etsy_standing("MUG"), Standing::Inactive);
    assert_eq!((set_state(&shop, ids[0], "active").await.0, shop.etsy_fees(Who::App)), (200, 80));
}

#[tokio::test(start_paused = true)]
async fn owners_come_and_go() {
    // 6, 9
    let (market, shop) = shop();
    let red = shop.etsy_listing("MUG-RED");
    shop.owner_deactivates("MUG-RED");
    face(&shop, |face| face.refused.insert("MUG-RED".into(), "The shipping profile is incomplete.".into()));
    let (status, answer) = set_state(&shop, red, "active").await;
    assert_eq!((status, words(&answer).as_str()), (400, "The shipping profile is incomplete."));
    shop.owner_reactivates("MUG-RED");
    assert_eq!((shop.etsy_standing("MUG-RED"), shop.etsy_fees(Who::Owner)), (Standing::Active, 0));
    // An owner who writes a number into what is sold out renews it.
    shop.buy("MUG-BLUE", 3).unwrap();
    assert_eq!(shop.etsy_standing("MUG-BLUE"), Standing::SoldOut);
    shop.another_app_sets("MUG-BLUE", 2);
    assert_eq!(shop.etsy_standing("MUG-BLUE"), Standing::SoldOut);
    shop.owner_sets("MUG-BLUE", 4);
    assert_eq!((shop.etsy_standing("MUG-BLUE"), shop.etsy_fees(Who::Owner)), (Standing::Active, 20));
    shop.owner_sets("MUG-BLUE", 0);
    assert_eq!(shop.etsy_standing("MUG-BLUE"), Standing::SoldOut);
    // With one unit, as whoever renews what is sold out gets it.
    shop.owner_reactivates("MUG-BLUE");
    assert_eq!((shop.etsy_standing("MUG-BLUE"), shop.available("MUG-BLUE")), (Standing::Active, 1));
    shop.buy("MUG-BLUE", 1).unwrap();
    shop.set_state("MUG-BLUE", State::Live);
    assert_eq!((shop.etsy_standing("MUG-BLUE"), shop.available("MUG-BLUE")), (Standing::Active, 1));
    shop.set_state("MUG-RED", State::Archived);
    shop.set_state("MUG-RED", State::Live);
    assert_eq!((shop.etsy_standing("MUG-RED"), shop.etsy_fees(Who::Owner)), (Standing::Active, 60));
    shop.owner_titles("MUG-RED", "Another title");
    assert_eq!(get(&shop, &format!("/listings/{red}")).await["title"], "Another title");
    shop.owner_prices("MUG-RED", 1900);
    assert_eq!(inventory(&shop, red).await["products"][0]["offerings"][0]["price"], 19.0);
    market.trouble(Rule::once(Trouble::Refuse("This listing is frozen.")).writing());
    let (status, answer) = set_state(&shop, red, "inactive").await;
    assert_eq!(
        (status, words(&answer).as_str(), shop.etsy_standing("MUG-RED")),
        (400, "This listing is frozen.", Standing::Active)
    );
}
