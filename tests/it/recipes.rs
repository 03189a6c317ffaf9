//! Six-packs, kits and goods that share one quantity.

use eys::domain::Role;
use eys::engine::Options;

use crate::shops::{Shops, troubles};

// proves O2: a six-pack shows the whole packs that are there, and its sale takes six off.
#[tokio::test(start_paused = true)]
async fn a_six_pack_takes_six() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 20)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("SIX-MUGS", 0)]);
    shops.link().await;
    shops.tie("outlet", "SIX-MUGS", &[("MUG", 6)]);
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    assert_eq!((outlet.available("MUG"), outlet.available("SIX-MUGS")), (20, 3));
    shops.pass(120).await;
    outlet.buy("SIX-MUGS", 2).unwrap();
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), outlet.available("SIX-MUGS")), (8, 8, 1));
}

// proves O2: two kits that share a part are planned together, and neither promises what the other sold.
#[tokio::test(start_paused = true)]
async fn kits_share_their_part() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("CUP", 10), ("POT", 3), ("TRAY", 9)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("TEA-SET", 0), ("CUPS-ON-TRAY", 0)]);
    shops.csv("list", Role::Target, &[("CUP", 0)]);
    shops.link().await;
    shops.tie("outlet", "TEA-SET", &[("CUP", 4), ("POT", 1)]);
    shops.tie("outlet", "CUPS-ON-TRAY", &[("CUP", 2), ("TRAY", 1)]);
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    let shown = || (outlet.available("TEA-SET"), outlet.available("CUPS-ON-TRAY"));
    assert_eq!((shown(), shops.listed("list", "CUP")), ((2, 5), 10));
    shops.pass(120).await;
    outlet.buy("TEA-SET", 1).unwrap();
    shops.list_order("list", "L-1", "CUP", 1, "open");
    shops.rest().await;
    let left = ["CUP", "POT", "TRAY"].map(|sku| source.available(sku));
    assert_eq!((left, shown(), shops.listed("list", "CUP")), ([5, 2, 9], (1, 2), 5));
}

// proves O2: parts of one recipe that are one source listing are added before they are divided.
#[tokio::test(start_paused = true)]
async fn parts_that_are_one_listing_are_added() {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("CUP", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("SET", 0)]);
    shops.link().await;
    shops.tie("outlet", "SET", &[("CUP", 2), ("CUP", 1)]);
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    assert_eq!(outlet.available("SET"), 3);
    shops.pass(120).await;
    outlet.buy("SET", 1).unwrap();
    shops.rest().await;
    assert_eq!((shops.listed("stock", "CUP"), outlet.available("SET")), (7, 2));
}

// proves Y2: a recipe is frozen into a line when it is first seen; what is tied anew later does not change the sale.
#[tokio::test(start_paused = true)]
async fn a_sale_keeps_the_recipe_of_its_day() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 20), ("LID", 20)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("SET", 0)]);
    shops.link().await;
    shops.tie("outlet", "SET", &[("MUG", 2)]);
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    shops.pass(120).await;
    let order = outlet.buy("SET", 1).unwrap();
    shops.rest().await;
    shops.tie("outlet", "SET", &[("MUG", 1), ("LID", 1)]);
    shops.rest().await;
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("LID"), outlet.available("SET")), (20, 20, 20));
    outlet.buy("SET", 1).unwrap();
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("LID"), outlet.available("SET")), (19, 19, 19));
}

// proves W7: what was sold before a link was removed is settled.
#[tokio::test(start_paused = true)]
async fn what_an_unlinked_listing_sold_is_settled() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 20)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(60).await;
    shops.untie("outlet", "MUG");
    let report = shops.sync().await;
    assert_eq!(troubles(&report), Vec::<String>::new());
    assert_eq!(source.available("MUG"), 18);
    source.owner_sets("MUG", 5);
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 18, "an unlinked listing is nobody's to write");
}
