//! Goods that were put up anew: the new listing takes the place of the one that is gone once the owner says so.

use eys::domain::{LineHold, Role};
use eys::engine::Options;
use eys::engine::checkup::Finding;

use crate::shops::{Shops, counting, held_sales, ignoring, troubles};
use crate::sim::{Rule, ShopHandle, State, Trouble};

/// Deletes a good and puts it up again under the same SKU.
fn relist(shop: &ShopHandle, sku: &str, units: i64) {
    shop.delete(sku);
    shop.add(sku, units);
}

/// A list as the source, and a shop that follows it.
async fn outlet(woo: bool) -> (Shops, ShopHandle) {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 50), ("BOWL", 50)]);
    let goods = [("MUG", 0), ("BOWL", 0)];
    let outlet = if woo {
        shops.woocommerce("outlet", Role::Target, &goods)
    } else {
        shops.shopify("outlet", Role::Target, &goods)
    };
    shops.start().await;
    (shops, outlet)
}

/// The findings of a checkup that a code names.
async fn findings(shops: &Shops, code: &str) -> Vec<Finding> {
    let checkup = shops.checkup().await;
    checkup.findings.into_iter().filter(|finding| finding.code == code).collect()
}

/// A list as the source, and one that follows it, whose rows have a number of their own.
async fn numbered_list() -> Shops {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 50), ("BOWL", 50)]);
    shops.csv("stall", Role::Target, &[]);
    rows(&shops, "17,MUG,0\n18,BOWL,0\n");
    shops.start().await;
    shops
}

fn rows(shops: &Shops, rows: &str) {
    std::fs::write(shops.path("stall"), format!("id,sku,quantity\n{rows}")).unwrap();
}

/// Gives a row of the list another number.
fn renumber(shops: &Shops, from: &str, to: &str) {
    let text = std::fs::read_to_string(shops.path("stall")).unwrap();
    std::fs::write(shops.path("stall"), text.replace(&format!("{from},"), &format!("{to},"))).unwrap();
}

fn has_row(shops: &Shops, row: &str) -> bool {
    std::fs::read_to_string(shops.path("stall")).unwrap().lines().any(|line| line == row)
}

// proves L2, P2: what is sold on a relisted listing before it is accepted is claimed and waits, on Shopify and on
// WooCommerce; accepted, the new listing is tied as the old one was, and each sale is taken off once.
#[tokio::test(start_paused = true)]
async fn sales_on_a_relisted_listing_wait_until_it_is_accepted() {
    for woo in [false, true] {
        let (mut shops, outlet) = outlet(woo).await;
        shops.csv("list", Role::Target, &[("MUG", 0)]);
        shops.link().await;
        shops.sync_with(Options { yes: true, ..Options::default() }).await;
        outlet.buy("MUG", 1).unwrap();
        shops.rest().await;
        assert_eq!(shops.listed("stock", "MUG"), 49, "woo {woo}");
        relist(&outlet, "MUG", 9);
        outlet.buy("MUG", 2).unwrap();
        outlet.buy("BOWL", 1).unwrap();
        shops.pass(120).await;
        let report = shops.sync().await;
        assert_eq!(held_sales(&report), [Some(LineHold::Relisted), None], "woo {woo}: {:?}", troubles(&report));
        assert_eq!((shops.listed("stock", "MUG"), shops.listed("stock", "BOWL"), report.exit()), (49, 49, 4));
        assert_eq!(shops.listed("list", "MUG"), 47, "claimed, not taken off");
        assert!(troubles(&report).iter().any(|told| told.contains("sold on a relisted listing")), "{report:?}");
        let found = findings(&shops, "relisted").await;
        assert_eq!(found.len(), 1, "woo {woo}");
        assert!(found[0].message.contains("1 sold line waits"), "{}", found[0].message);
        assert_eq!(shops.link().await, 0, "it is no tie like others");
        shops.pass(120).await;
        assert_eq!((shops.sync().await.exit(), shops.listed("stock", "MUG")), (4, 49));

        assert_eq!(shops.accept().await, 1);
        assert!(findings(&shops, "relisted").await.is_empty());
        outlet.buy("MUG", 3).unwrap();
        shops.rest().await;
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (44, 44), "woo {woo}");
        assert_eq!(shops.listed("list", "MUG"), 44);
        for code in ["held-lines", "duplicate-sku", "relisted"] {
            assert!(findings(&shops, code).await.is_empty(), "{code}, woo {woo}");
        }
    }
}

// proves L2: a row of a list that got another number; the orders name only its SKU.
#[tokio::test(start_paused = true)]
async fn a_row_with_another_number_is_a_relisted_listing() {
    for seen_before_the_sale in [false, true] {
        let mut shops = numbered_list().await;
        renumber(&shops, "17", "99");
        if seen_before_the_sale {
            shops.pass(60).await;
            assert_eq!(shops.sync().await.exit(), 3, "it is told that the row is gone");
        }
        shops.list_order("stall", "S-1", "MUG", 2, "open");
        shops.list_order("stall", "S-2", "BOWL", 1, "open");
        shops.pass(60).await;
        let report = shops.sync().await;
        assert_eq!((held_sales(&report), report.exit()), (vec![Some(LineHold::Relisted), None], 4));
        assert_eq!((shops.listed("stock", "MUG"), shops.listed("stock", "BOWL")), (50, 49));
        shops.pass(60).await;
        assert_eq!(shops.accept().await, 1);
        shops.list_order("stall", "S-3", "MUG", 1, "open");
        shops.rest().await;
        assert_eq!(shops.listed("stock", "MUG"), 47, "{seen_before_the_sale}");
        assert!(has_row(&shops, "99,MUG,47") && has_row(&shops, "18,BOWL,49"));
    }
}

// proves L2, W1: a sale on the new listing that no run saw before it was accepted counts as one on the old one would; in
// an order that is not finished only what a new link is of is the baseline.
#[tokio::test(start_paused = true)]
async fn the_new_listing_counts_since_the_old_one_did() {
    for woo in [false, true] {
        let (mut shops, outlet) = outlet(woo).await;
        relist(&outlet, "MUG", 9);
        outlet.add("CUP", 9);
        let text = std::fs::read_to_string(shops.path("stock")).unwrap();
        std::fs::write(shops.path("stock"), text + "CUP,50\n").unwrap();
        outlet.buy_many(&[("MUG", 2), ("CUP", 1)]).unwrap();
        shops.pass(60).await;
        assert_eq!(shops.accept().await, 2, "woo {woo}");
        shops.rest().await;
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (48, 48), "woo {woo}");
        assert_eq!((shops.listed("stock", "CUP"), outlet.available("CUP")), (50, 50), "woo {woo}");
    }
}

// proves L2, T1: what was tied by hand is inherited with its recipe.
#[tokio::test(start_paused = true)]
async fn a_pack_that_was_tied_by_hand_stays_a_pack() {
    for woo in [false, true] {
        let (mut shops, outlet) = outlet(woo).await;
        outlet.add("SIX", 1);
        shops.link().await;
        shops.tie("outlet", "SIX", &[("MUG", 6)]);
        shops.rest().await;
        assert_eq!(outlet.available("SIX"), 8);
        relist(&outlet, "SIX", 3);
        outlet.buy("SIX", 1).unwrap();
        shops.pass(120).await;
        assert_eq!(held_sales(&shops.sync().await), [Some(LineHold::Relisted)], "woo {woo}");
        assert_eq!((shops.accept().await, shops.listed("stock", "MUG")), (1, 50));
        outlet.buy("SIX", 1).unwrap();
        shops.rest().await;
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("SIX")), (38, 6), "woo {woo}");
        let links = shops.store.read(|tx| tx.open_links()).unwrap();
        assert_eq!(links.iter().filter(|link| link.by_hand).count(), 1);
    }
}

// proves L2: the owner's word for lines that wait holds for these as well, and what is cancelled waits no longer.
#[tokio::test(start_paused = true)]
async fn the_owner_may_count_or_drop_what_waits() {
    for (word, left) in [(Some(counting(&["outlet"])), 48), (Some(ignoring(&["outlet"])), 50), (None, 50)] {
        let (mut shops, outlet) = outlet(false).await;
        relist(&outlet, "MUG", 9);
        let order = outlet.buy("MUG", 2).unwrap();
        shops.pass(120).await;
        assert_eq!(shops.sync().await.exit(), 4);
        match word {
            Some(word) => drop(shops.sync_with(word).await),
            None => outlet.cancel(order, true),
        }
        shops.rest().await;
        assert_eq!(shops.listed("stock", "MUG"), left);
        assert_eq!(shops.accept().await, 1);
        shops.rest().await;
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (left, left));
    }
}

// proves L2: of two new listings nobody can say which one took the place; with one of them left it is proposed.
#[tokio::test(start_paused = true)]
async fn of_two_new_listings_none_is_proposed() {
    for woo in [false, true] {
        let (mut shops, outlet) = outlet(woo).await;
        relist(&outlet, "MUG", 9);
        outlet.add("MUG", 9);
        outlet.buy("MUG", 2).unwrap();
        shops.pass(120).await;
        assert_eq!(held_sales(&shops.sync().await), [Some(LineHold::Relisted)]);
        assert!(findings(&shops, "relisted").await.is_empty(), "woo {woo}");
        assert_eq!(findings(&shops, "duplicate-sku").await.len(), 2);
        assert_eq!(shops.accept().await, 0);
        outlet.delete("MUG");
        assert_eq!(shops.accept().await, 1);
        shops.pass(120).await;
        shops.rest().await;
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (48, 48), "woo {woo}");
    }
}

// proves L2, P5: a listing in the trash is gone; taken out of it, it is there, and what waited is tied to it as ever.
#[tokio::test(start_paused = true)]
async fn what_comes_back_is_not_gone() {
    let (mut shops, outlet) = outlet(true).await;
    outlet.set_state("MUG", State::Archived);
    outlet.add("MUG", 9);
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    assert_eq!(held_sales(&shops.sync().await), [Some(LineHold::Relisted)]);
    assert_eq!(findings(&shops, "relisted").await.len(), 1);
    outlet.set_state("MUG", State::Live);
    shops.pass(120).await;
    shops.sync().await;
    assert!(findings(&shops, "held-lines").await.is_empty());
    assert_eq!(shops.listed("stock", "MUG"), 48, "once");
    assert!(findings(&shops, "relisted").await.is_empty(), "the new one is a duplicate now");

    let mut shops = numbered_list().await;
    renumber(&shops, "17", "99");
    shops.list_order("stall", "S-1", "MUG", 2, "open");
    shops.pass(60).await;
    assert_eq!(shops.sync().await.exit(), 4);
    renumber(&shops, "99", "17");
    shops.rest().await;
    assert_eq!(shops.listed("stock", "MUG"), 48, "once");
    assert!(has_row(&shops, "17,MUG,48"));
}

// proves L2, Y2: a sale on a second listing with the SKU of one that is there is tied to that one, and waits for nothing.
#[tokio::test(start_paused = true)]
async fn a_second_listing_beside_one_that_is_there_is_no_relisted_one() {
    for woo in [false, true] {
        let (mut shops, outlet) = outlet(woo).await;
        outlet.owner_sets("MUG", 0);
        outlet.add("MUG", 9);
        let second = outlet.market().world(|world| world.shop("outlet").variants_of("MUG").last()).unwrap();
        let order = outlet.buy("BOWL", 1).unwrap();
        outlet.market().world(|world| {
            let line = &mut world.shop_mut("outlet").orders.get_mut(&order).unwrap().lines[0];
            (line.variant, line.sku) = (Some(second), "MUG".to_owned());
        });
        shops.pass(120).await;
        let report = shops.sync().await;
        assert_eq!(held_sales(&report), [None], "woo {woo}: {:?}", troubles(&report));
        assert_eq!(shops.listed("stock", "MUG"), 49, "woo {woo}");
    }
}

// proves L2, P5: what could not be looked up is not gone: nothing is proposed, and a sale waits until that is known.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_looked_up_is_not_gone() {
    let (mut shops, outlet) = outlet(false).await;
    relist(&outlet, "MUG", 9);
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    shops.market.trouble(Rule::always(Trouble::Status(503)).at("outlet").on("EysLevels"));
    let report = shops.sync().await;
    assert_eq!((report.exit(), shops.listed("stock", "MUG")), (1, 50), "{:?}", troubles(&report));
    assert!(findings(&shops, "relisted").await.is_empty());
    assert!(!findings(&shops, "channel-unusable").await.is_empty());
    shops.market.peace();
    shops.pass(120).await;
    assert_eq!((shops.sync().await.exit(), shops.listed("stock", "MUG")), (4, 50));
    assert_eq!(findings(&shops, "relisted").await.len(), 1);
    assert_eq!(shops.accept().await, 1);
    shops.rest().await;
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (48, 48));
}

// proves L2, T3: where the sales of a channel are not taken off the source, none of them waits.
#[tokio::test(start_paused = true)]
async fn where_nothing_is_taken_off_nothing_waits() {
    let (mut shops, outlet) = outlet(false).await;
    shops.lane("outlet").deduct_sales = false;
    relist(&outlet, "MUG", 9);
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    let report = shops.sync().await;
    assert_eq!((held_sales(&report), report.exit()), (vec![None], 0), "{:?}", troubles(&report));
}

// proves L2, H1: what waits behind the first push to a channel waits behind it still.
#[tokio::test(start_paused = true)]
async fn a_relisted_listing_waits_behind_the_first_push_too() {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 50)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 3)]);
    shops.link().await;
    relist(&outlet, "MUG", 9);
    shops.pass(60).await;
    assert_eq!(shops.accept().await, 1);
    assert_eq!((shops.sync().await.exit(), outlet.available("MUG")), (4, 9));
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 50);
}

// proves L2, H3: a dry run tells what would wait, and changes nothing.
#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_what_would_wait() {
    let (mut shops, outlet) = outlet(false).await;
    shops.on_disk();
    shops.start().await;
    relist(&outlet, "MUG", 9);
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    let dry = shops.dry_run().await;
    assert_eq!((held_sales(&dry), dry.exit(), dry.deductions.len()), (vec![Some(LineHold::Relisted)], 4, 0));
    assert!(shops.store.read(|tx| tx.held_lines(None)).unwrap().is_empty());
}

/// A source with six goods, and two targets that follow it; MUG-2 is a pair of mugs, tied by hand.
async fn followed(woo: bool) -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    let goods = [("MUG", 10), ("BOWL", 10), ("CUP", 10), ("HAT", 10), ("MILK", 10), ("JAR", 10)];
    let source =
        if woo { shops.woocommerce("shop", Role::Source, &goods) } else { shops.shopify("shop", Role::Source, &goods) };
    let outlet = shops.shopify("outlet", Role::Target, &goods);
    shops.csv("list", Role::Target, &[("MUG", 0), ("MUG-2", 0)]);
    shops.start().await;
    shops.tie("list", "MUG-2", &[("MUG", 2)]);
    shops.rest().await;
    assert_eq!((shops.listed("list", "MUG"), shops.listed("list", "MUG-2")), (10, 5));
    (shops, source, outlet)
}

// proves L2, W7, Z5: a source listing that was put up anew takes the old one's place in every recipe once the owner says
// so; what was sold meanwhile is taken off it, and what comes back of an older sale is given back to it.
#[tokio::test(start_paused = true)]
async fn a_relisted_source_listing_takes_its_place_in_every_recipe() {
    for woo in [false, true] {
        let (mut shops, source, outlet) = followed(woo).await;
        let older = outlet.buy("MUG", 1).unwrap();
        shops.rest().await;
        assert_eq!(source.available("MUG"), 9, "woo {woo}");
        relist(&source, "MUG", 20);
        outlet.buy("MUG", 2).unwrap();
        shops.pass(120).await;
        assert_eq!(shops.sync().await.exit(), 3, "woo {woo}");
        assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (20, 0, 0));
        let found = findings(&shops, "relisted").await;
        assert_eq!(found.len(), 1, "woo {woo}");
        assert!(found[0].message.contains("1 sold line is taken off it then"), "{}", found[0].message);
        assert_eq!(shops.link().await, 0, "it is proposed, no more");

        assert_eq!(shops.accept().await, 3, "woo {woo}: what follows it");
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (18, 18), "woo {woo}");
        assert_eq!((shops.listed("list", "MUG"), shops.listed("list", "MUG-2")), (18, 9), "woo {woo}");
        outlet.cancel(older, true);
        outlet.buy("MUG", 4).unwrap();
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG-2")), (15, 15, 7));
        source.buy("MUG", 1).unwrap();
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (14, 14, 14));
        for code in ["relisted", "source-gone", "not-linked", "held-lines"] {
            assert!(findings(&shops, code).await.is_empty(), "{code}, woo {woo}");
        }
    }
}

// proves L2, Y2, W1: a sale from before the change that no run saw till then counts for the new listing.
#[tokio::test(start_paused = true)]
async fn a_sale_that_shows_after_the_change_is_taken_off_the_new_listing() {
    let (mut shops, source, outlet) = followed(false).await;
    outlet.buy("MUG", 2).unwrap();
    relist(&source, "MUG", 20);
    assert_eq!(shops.accept().await, 3);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (18, 18, 18));
}

// proves L2, X1: a change of the old listing that nobody knows the end of comes to nothing, and is owed to the new one.
#[tokio::test(start_paused = true)]
async fn what_was_not_confirmed_of_the_old_listing_is_owed_to_the_new_one() {
    let (mut shops, source, outlet) = followed(false).await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    shops.market.trouble(Rule::always(Trouble::LostBefore).at("shop").on("EysAdjust"));
    shops.market.trouble(Rule::always(Trouble::NoNumbers).at("shop").on("EysLevels"));
    shops.sync().await;
    shops.market.peace();
    relist(&source, "MUG", 20);
    assert_eq!(shops.accept().await, 3);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (18, 18, 18));
    assert!(findings(&shops, "open-intent").await.is_empty());
}

// proves L2, H1: what is held stays held, and goes on falling with the sales.
#[tokio::test(start_paused = true)]
async fn what_is_held_stays_held_when_its_source_listing_is_another() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    relist(&source, "MUG", 20);
    shops.pass(120).await;
    let report = shops.sync_with(Options { full: true, ..Options::default() }).await;
    assert_eq!((report.exit(), outlet.available("MUG")), (4, 10), "all of the source is gone");
    assert_eq!(shops.accept().await, 2);
    outlet.buy("MUG", 3).unwrap();
    shops.pass(120).await;
    shops.sync().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (17, 7, 7));
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (17, 17, 17));
}
