//! The program with a WooCommerce shop over loopback: what is wrong with one, and a sale that goes round.

use std::time::Duration;

use crate::findings::gone;
use crate::sim::shopify::ShopSpec;
use crate::sim::woocommerce::{Permalinks, Permission, WooCommerce, WooSpec};
use crate::sim::{Market, State};
use crate::support::Home;

// proves T2, F4: several things wrong at once are told at once, each with what mends it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_shop_is_told_at_once() {
    let market = Market::live(1);
    let goods = [("MUG", 10), ("BOWL", 4), ("VASE", 2)];
    let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
    let web = market.add_woocommerce(&WooSpec::new("web", &goods));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.woocommerce("web", "target", &web).await;
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 0
    ---- stdout
    Accounts, permissions, limits
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   web: connected to web (127.0.0.1:1), time zone UTC
      ok   shop: stock is read at Main
      note web: the shop is reached without https: calls are signed, and others can read along
           next: give the shop a certificate and write its https address as `url`
      ok   web: the keys may read and write
      ok   shop: the app has the scopes it needs
      ok   web: WooCommerce 10.5.0

    No problem was found.
    ");
    web.set_oversells("BOWL", true);
    web.set_state("VASE", State::Draft);
    web.face(|face: &mut WooCommerce| {
        face.keys[0].permission = Permission::Read;
        face.site.permalinks = Permalinks::Plain;
    });
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    Product status
      note web: VASE (The VASE) is not on sale: draft
           next: put it on sale there, if it is to be sold

    Platform stock settings
      !!   web: BOWL (The BOWL) goes on selling at zero
           next: `eys doctor --fix` stops it

    Accounts, permissions, limits
      !!   web: the keys do not let eys write
           next: WooCommerce, Settings, Advanced, REST API: make keys of a shop manager with the permission Read/Write
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   web: connected to web (127.0.0.1:1), time zone UTC
      ok   shop: stock is read at Main
      note web: the shop's permalinks are plain; it is reached by a detour
           next: WordPress, Settings, Permalinks: choose anything but Plain
      note web: the shop is reached without https: calls are signed, and others can read along
           next: give the shop a certificate and write its https address as `url`
      ok   shop: the app has the scopes it needs
      ok   web: WooCommerce 10.5.0

    2 problems found.
    ");
    web.set_counting(false);
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    Product status
      note web: VASE (The VASE) is not on sale: draft
           next: put it on sale there, if it is to be sold

    Platform stock settings
      !!   web: stock management is off for the whole shop: it counts nothing and takes no quantity
           next: `eys doctor --fix` turns it on; or WooCommerce, Settings, Products, Inventory: enable stock management

    Accounts, permissions, limits
      !!   web: the keys do not let eys write
           next: WooCommerce, Settings, Advanced, REST API: make keys of a shop manager with the permission Read/Write
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   web: connected to web (127.0.0.1:1), time zone UTC
      ok   shop: stock is read at Main
      note web: the shop's permalinks are plain; it is reached by a detour
           next: WordPress, Settings, Permalinks: choose anything but Plain
      note web: the shop is reached without https: calls are signed, and others can read along
           next: give the shop a certificate and write its https address as `url`
      ok   shop: the app has the scopes it needs
      ok   web: WooCommerce 10.5.0

    2 problems found.
    ");
    home.eys("doctor BOWL").is(6).has("stock management is off for the whole shop");
    home.eys("doctor --fix --yes").is(3).has("turn stock management on for the whole shop").has("do not let eys write");
    web.face(|face: &mut WooCommerce| face.keys[0].permission = Permission::ReadWrite);
    home.eys("doctor --fix --yes").is(0).has("the numbers that they had: done");
    home.eys("doctor --fix --yes").is(0).has("BOWL: stop selling at zero: done");
    home.eys("doctor").is(0);
}

// proves X4, O1, W1: a mug at 10 everywhere; two are sold on each target and one at the source, and all show 5.
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_round_from_a_shop_to_all() {
    let market = Market::live(1);
    let web = market.add_woocommerce(&WooSpec::new("web", &[("MUG", 10)]));
    let outlet = market.add_shopify(&ShopSpec::new("outlet", &[("MUG", 10)]));
    let mut home = Home::new();
    home.woocommerce("web", "source", &web).await;
    home.shopify("outlet", "target", &outlet).await;
    home.list("stall", "target", "sku,quantity\nMUG,10\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.order("stall", "L-1", "MUG", 2, "open");
    // Sales are taken off in the order of their seconds.
    market.advance(Duration::from_secs(2));
    outlet.buy("MUG", 2).unwrap();
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 0
    ---- stdout
    Run 3: 2 sales or changes of orders, 1 number changed on the source, 2 listings updated
    ");
    assert_eq!((web.available("MUG"), outlet.available("MUG")), (6, 6));
    assert_eq!(home.read("stall.csv"), "sku,quantity\nMUG,6\n");
    insta::assert_snapshot!(home.eys("status MUG").sorted(), @"
    exit 0
    ---- stdout
    MUG  The MUG

     CHANNEL       LISTING  SHOWS  OFFERED  STATUS           BECAUSE
     web (source)  MUG      6      -        source
     outlet        MUG      6      6        listed & synced  MUG on the source: 6
     stall         MUG      6      6        listed & synced  MUG on the source: 6

    Its story
      2026-11-24 09:00  outlet MUG               8 → 6, written by eys
      2026-11-24 09:00  outlet MUG               linked, showing 10
      2026-11-24 09:00  outlet MUG               released by you: h1: the first push to outlet would change 0 of 1 listings
      2026-11-24 09:00  outlet MUG               sold 2, order #1001 on outlet
      2026-11-24 09:00  stall MUG                10 → 6, written by eys
      2026-11-24 09:00  stall MUG                linked, showing 10
      2026-11-24 09:00  stall MUG                released by you: h2: the first push to stall would change 0 of 1 listings
      2026-11-24 09:00  stall MUG                sold 2, order L-1 on stall
      2026-11-24 09:00  web MUG                  10 → 8, taken off for order L-1 on stall
      2026-11-24 09:00  web MUG                  8 → 6, taken off for order #1001 on outlet
      2026-11-24 09:00  web MUG                  linked, showing 10
      2026-11-24 09:00  web MUG                  linked, showing 10
    ");
    web.buy("MUG", 1).unwrap();
    home.eys("sync").is(0);
    assert_eq!((web.available("MUG"), outlet.available("MUG")), (5, 5));
    assert_eq!(home.read("stall.csv"), "sku,quantity\nMUG,5\n");
}

// finds stock-management-off
#[tokio::test(flavor = "multi_thread")]
async fn stock_management_is_turned_on_by_doctor() {
    let market = Market::live(1);
    let web = market.add_woocommerce(&WooSpec::new("web", &[("MUG", 3)]));
    let mut home = Home::with_lists("sku,quantity\nMUG,5\n", "sku,quantity\nMUG,5\n");
    home.woocommerce("web", "target", &web).await;
    web.set_counting(false);
    home.eys("doctor").is(6).has("stock management is off for the whole shop").has("`eys doctor --fix` turns it on");
    home.eys("doctor --fix --yes").has("done");
    gone(&home, "stock-management-off");
}
