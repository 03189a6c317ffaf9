//! Who holds a number in a WooCommerce shop, and what may be written to it.

use eys::domain::policy::ZeroStock;
use eys::domain::{ListingState, Role};
use eys::engine::Options;
use eys::engine::checkup::Checkup;
use serde_json::json;

use crate::findings::told;
use crate::shops::{Shops, name};
use crate::sim::woocommerce::{Version, WooCommerce, WooSpec};
use crate::sim::{Good, Rule, ShopHandle, State, Trouble};
use crate::woo_line::batch;

const VERSIONS: [Version; 3] = [Version(5, 9, 0), Version(9, 4, 3), Version(10, 5, 0)];

fn spec(version: Version, goods: &[(&str, i64)]) -> WooSpec {
    WooSpec { version, ..WooSpec::new("web", goods) }
}

/// Three products with two variations each, of which each has a stock of its own.
fn add_tees(shop: &ShopHandle, units: i64) -> Vec<String> {
    let mut skus = Vec::new();
    for product in ["TEE", "CAP", "SOCK"] {
        let goods = ["S", "M"].map(|size| Good::new(&format!("{product}-{size}"), units));
        shop.add_product(product, &goods);
        skus.extend(goods.map(|good| good.sku));
    }
    skus
}

// proves Y6, X4: variations of several products, as target and as source, on old and new versions; none of them moves to
// another product.
#[tokio::test(start_paused = true)]
async fn variations_of_several_products_are_kept_in_step() {
    for version in VERSIONS {
        for role in [Role::Target, Role::Source] {
            let about = format!("{version}, {role:?}");
            let mut shops = Shops::new();
            let web = shops.woocommerce_of(role, &spec(version, &[("MUG", 6)]));
            let skus = add_tees(&web, 6);
            let goods: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 6)).chain([("MUG", 6)]).collect();
            let other = if role == Role::Source { Role::Target } else { Role::Source };
            let shop = shops.shopify("shop", other, &goods);
            shops.start().await;
            let parents: Vec<u64> = skus.iter().map(|sku| web.woo_parent(sku)).collect();
            web.buy_many(&[("TEE-S", 1), ("CAP-M", 2), ("MUG", 1)]).unwrap();
            shop.buy_many(&[("TEE-M", 3), ("SOCK-S", 1), ("MUG", 2)]).unwrap();
            shops.pass(120).await;
            shops.sync().await;
            shops.rest().await;
            for (sku, left) in [("TEE-S", 5), ("TEE-M", 3), ("CAP-S", 6), ("CAP-M", 4), ("SOCK-S", 5), ("MUG", 3)] {
                assert_eq!((web.available(sku), shop.available(sku)), (left, left), "{about}: {sku}");
            }
            let now: Vec<u64> = skus.iter().map(|sku| web.woo_parent(sku)).collect();
            assert_eq!(parents, now, "{about}");
        }
    }
}

// Variations that draw on their product's number are one listing with several SKUs: the lowest offer counts on a target.
#[tokio::test(start_paused = true)]
async fn a_pool_as_target_shows_what_all_its_skus_can_have() {
    let mut shops = Shops::new();
    let web = shops.woocommerce("web", Role::Target, &[]);
    web.add_pool("Tee", 5, &["TEE-S", "TEE-M"]);
    let shop = shops.shopify("shop", Role::Source, &[("TEE-S", 5), ("TEE-M", 7)]);
    shops.start().await;
    shops.rest().await;
    assert_eq!(web.available("TEE-S"), 5);
    web.buy("TEE-M", 2).unwrap();
    shops.rest().await;
    assert_eq!((shop.available("TEE-S"), shop.available("TEE-M")), (5, 5));
    assert_eq!((web.available("TEE-S"), web.available("TEE-M")), (5, 5), "one number, and both can be had five times");
    shop.buy("TEE-S", 3).unwrap();
    shops.rest().await;
    assert_eq!((web.available("TEE-S"), web.available("TEE-M")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_pool_as_source_feeds_all_its_skus() {
    for version in VERSIONS {
        let mut shops = Shops::new();
        let web = shops.woocommerce_of(Role::Source, &spec(version, &[]));
        let product = web.add_pool("Tee", 9, &["TEE-S", "TEE-M"]);
        web.set_parent_sku(product, "TEE");
        let shop = shops.shopify("shop", Role::Target, &[("TEE-S", 0), ("TEE-M", 0)]);
        shops.start().await;
        shops.rest().await;
        assert_eq!((shop.available("TEE-S"), shop.available("TEE-M")), (9, 9), "{version}");
        shop.buy("TEE-M", 2).unwrap();
        shops.rest().await;
        assert_eq!((web.available("TEE-S"), shop.available("TEE-S"), shop.available("TEE-M")), (7, 7, 7), "{version}");
        web.buy("TEE-S", 1).unwrap();
        shops.rest().await;
        assert_eq!((web.available("TEE-M"), shop.available("TEE-S"), shop.available("TEE-M")), (6, 6, 6), "{version}");
    }
}

fn codes(checkup: &Checkup, channel: &str) -> Vec<&'static str> {
    checkup.findings.iter().filter(|f| f.channel == Some(name(channel))).map(|finding| finding.code).collect()
}

// proves T2: a product whose stock is not counted is named on its side, takes nothing, and `doctor --fix` turns it on.
#[tokio::test(start_paused = true)]
async fn stock_management_that_is_off_is_named_and_turned_on() {
    let mut shops = Shops::new();
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 3), ("BOWL", 3)]);
    let shop = shops.shopify("shop", Role::Source, &[("MUG", 3), ("BOWL", 3)]);
    web.set_tracked("MUG", false);
    web.set_oversells("BOWL", true);
    shops.start().await;
    let found = shops.checkup().await;
    let about = codes(&found, "web");
    assert!(about.contains(&"stock-not-managed") && about.contains(&"sells-below-zero"), "{about:?}");
    let mends: Vec<_> = found.findings.iter().filter_map(|finding| finding.mend.clone()).collect();
    assert!(mends.iter().any(|mend| mend.words.contains("it begins at 0")), "{mends:?}");
    shop.buy_many(&[("MUG", 1), ("BOWL", 1)]).unwrap();
    shops.rest().await;
    assert_eq!(web.available("BOWL"), 2);
    for mend in &mends {
        let outcome = shops.lane("web").channel.mend(mend).await.unwrap();
        assert!(matches!(outcome, eys::channel::Outcome::Done { .. }), "{mend:?}: {outcome:?}");
    }
    shops.pass(90_000).await;
    shops.rest().await;
    assert_eq!((web.available("MUG"), web.available("BOWL")), (2, 2));
    let about = codes(&shops.checkup().await, "web");
    assert!(!about.contains(&"stock-not-managed") && !about.contains(&"sells-below-zero"), "{about:?}");
}

// finds stock-management-off
#[tokio::test(start_paused = true)]
async fn stock_management_that_is_off_for_the_whole_shop_is_a_problem() {
    let mut shops = Shops::new();
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 3)]);
    shops.shopify("shop", Role::Source, &[("MUG", 5)]);
    web.set_counting(false);
    insta::assert_snapshot!("doctor_of_stock_management", told(&shops, "web", "stock-management-off").await);
    let found = shops.checkup().await;
    let mend = found.findings.iter().find(|finding| finding.code == "stock-management-off").unwrap().mend.clone();
    shops.lane("web").channel.clone().mend(&mend.unwrap()).await.unwrap();
    assert!(!codes(&shops.checkup().await, "web").contains(&"stock-management-off"));
}

// What takes no quantity is told in words, and never written to.
// finds unfit
#[tokio::test(start_paused = true)]
async fn what_holds_no_number_says_why() {
    let mut shops = Shops::new();
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 3)]);
    add_tees(&web, 2);
    let group = web.market().world(|world| world.add_good("web", "SET", 0));
    web.set_type(group, "grouped");
    shops.shopify("shop", Role::Source, &[("MUG", 3)]);
    let found = shops.checkup().await;
    let unfit: Vec<&str> = found.findings.iter().filter(|f| f.code == "unfit").map(|f| f.message.as_str()).collect();
    assert_eq!(unfit.iter().filter(|message| message.contains("a parent row")).count(), 3, "{unfit:?}");
    assert_eq!(unfit.iter().filter(|message| message.contains("a group of other products")).count(), 1, "{unfit:?}");
    insta::assert_snapshot!("doctor_of_what_is_unfit", told(&shops, "web", "unfit").await);
    web.set_type(group, "simple");
    let found = shops.checkup().await;
    assert!(!found.findings.iter().any(|f| f.code == "unfit" && f.message.contains("a group")), "{:?}", found.findings);
}

// proves P5: of 2.5 pieces two can be sold; what never got a number is not 0.
// finds fractions
#[tokio::test(start_paused = true)]
async fn fractions_are_rounded_down_and_named() {
    let mut shops = Shops::new();
    let web = shops.woocommerce("mugs", Role::Source, &[("CLOTH", 2), ("MUG", -1)]);
    web.face(|face: &mut WooCommerce| face.decimals = true);
    let half = json!([{ "id": web.woo_id("CLOTH"), "stock_quantity": 2.5 }]);
    batch(&shops.market, "/products/batch", half).await;
    let shop = shops.shopify("shop", Role::Target, &[("CLOTH", 0), ("MUG", 4)]);
    shops.start().await;
    shops.rest().await;
    assert_eq!((shop.available("CLOTH"), shop.available("MUG")), (2, 0));
    insta::assert_snapshot!("doctor_of_fractions", told(&shops, "mugs", "fractions").await);
    let whole = json!([{ "id": web.woo_id("CLOTH"), "stock_quantity": 2 }]);
    batch(&shops.market, "/products/batch", whole).await;
    shops.connect_anew();
    assert!(!codes(&shops.checkup().await, "mugs").contains(&"fractions"));
}

// proves P5, O4: numbers that are missing from an answer are no numbers: nothing is lowered to 0 and nothing is raised.
#[tokio::test(start_paused = true)]
async fn missing_numbers_are_no_zeros() {
    for role in [Role::Source, Role::Target] {
        let mut shops = Shops::new();
        let web = shops.woocommerce("web", role, &[("MUG", 6)]);
        add_tees(&web, 6);
        let other = if role == Role::Source { Role::Target } else { Role::Source };
        let shop = shops.shopify("shop", other, &[("MUG", 6), ("TEE-S", 6)]);
        shops.start().await;
        shops.market.trouble(Rule::always(Trouble::NoNumbers).at("web").reading());
        web.owner_sets("MUG", 6);
        shops.pass(120).await;
        shops.sync_with(Options { full: true, ..Options::default() }).await;
        assert_eq!((web.available("MUG"), web.available("TEE-S")), (6, 6), "{role:?}");
        assert_eq!((shop.available("MUG"), shop.available("TEE-S")), (6, 6), "{role:?}");
        shops.market.peace();
        shop.buy("TEE-S", 2).unwrap();
        shops.rest().await;
        assert_eq!((web.available("TEE-S"), shop.available("TEE-S")), (4, 4), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn odd_skus_are_linked_and_pushed() {
    let skus = ["A,B", "MUG \"RED\"", "Tasse Größe 5", "00012", "a & b/c"];
    let goods: Vec<(&str, i64)> = skus.iter().map(|sku| (*sku, 3)).collect();
    let mut shops = Shops::new();
    let web = shops.woocommerce("web", Role::Target, &goods);
    let shop = shops.shopify("shop", Role::Source, &goods);
    assert_eq!(shops.link().await, skus.len());
    shops.start().await;
    for sku in skus {
        web.buy(sku, 1).unwrap();
        shop.buy(sku, 1).unwrap();
    }
    shops.rest().await;
    for sku in skus {
        assert_eq!((web.available(sku), shop.available(sku)), (1, 1), "{sku}");
    }
}

// proves Z1: hidden and ended by the status of its own, and brought back as it was; what the owner hid stays hidden.
#[tokio::test(start_paused = true)]
async fn what_is_hidden_at_zero_is_brought_back_as_it_was() {
    for zero_stock in [ZeroStock::Hide, ZeroStock::End] {
        let mut shops = Shops::new();
        let web = shops.woocommerce("web", Role::Target, &[("MUG", 5), ("BOWL", 5)]);
        web.add_product("Tee", &[Good::new("TEE-S", 5), Good::new("TEE-M", 5)]);
        let goods = [("MUG", 5), ("BOWL", 5), ("TEE-S", 5), ("TEE-M", 5)];
        let shop = shops.shopify("shop", Role::Source, &goods);
        shops.lane("web").zero_stock = zero_stock;
        shops.start().await;
        web.set_state("BOWL", State::Draft);
        shop.buy_many(&[("MUG", 5), ("BOWL", 5), ("TEE-S", 5)]).unwrap();
        shops.rest().await;
        let live = |sku: &str| web.for_sale(sku);
        assert_eq!((live("MUG"), live("TEE-S"), live("TEE-M")), (false, false, true), "{zero_stock:?}");
        shop.owner_sets("MUG", 3);
        shop.owner_sets("TEE-S", 3);
        shop.owner_sets("BOWL", 3);
        shops.rest().await;
        assert_eq!((live("MUG"), live("TEE-S"), live("BOWL")), (true, true, false), "{zero_stock:?}");
        assert_eq!((web.available("MUG"), web.available("TEE-S")), (3, 3), "{zero_stock:?}");
    }
}

// A product in the trash is gone, and one that is no draft any more comes back by itself.
#[tokio::test(start_paused = true)]
async fn the_trash_counts_as_gone() {
    let mut shops = Shops::new();
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 5), ("BOWL", 5)]);
    let shop = shops.shopify("shop", Role::Source, &[("MUG", 5), ("BOWL", 5)]);
    shops.start().await;
    web.trash("MUG");
    web.set_state("BOWL", State::Draft);
    shop.buy_many(&[("MUG", 1), ("BOWL", 1)]).unwrap();
    shops.pass(90_000).await;
    shops.rest().await;
    assert_eq!(web.available("MUG"), 5, "nothing is written into the trash");
    let found = shops.checkup().await;
    let draft = |known: &&eys::domain::Known| known.listing.state == ListingState::Off("draft".into());
    assert_eq!(found.listings.iter().filter(draft).count(), 1);
}
