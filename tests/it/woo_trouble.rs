//! Deductions on a WooCommerce source whose answers are lost: exact in the end, or honestly in doubt.

use std::time::Duration;

use eys::domain::Role;
use eys::engine::Options;

use crate::shops::{Shops, lost_answers, troubles};
use crate::sim::woocommerce::WooCommerce;
use crate::sim::{Good, Rule, ShopHandle, State, Trouble};

async fn woo_source() -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    shops.on_disk();
    let source = shops.woocommerce("web", Role::Source, &[("MUG", 10)]);
    source.add_product("Tee", &[Good::new("TEE-S", 10), Good::new("TEE-M", 10)]);
    let goods = [("MUG", 10), ("TEE-S", 10), ("TEE-M", 10)];
    let outlet = shops.shopify("outlet", Role::Target, &goods);
    shops.csv("list", Role::Target, &[("MUG", 0), ("TEE-S", 0), ("TEE-M", 0)]);
    shops.start().await;
    (shops, source, outlet)
}

fn left(source: &ShopHandle, outlet: &ShopHandle) -> [i64; 4] {
    [source.available("MUG"), source.available("TEE-S"), outlet.available("MUG"), outlet.available("TEE-S")]
}

// proves X1, X4, X6, F1: whatever becomes of the answer, a deduction is made once.
#[tokio::test(start_paused = true)]
async fn a_deduction_whose_answer_is_lost_is_made_once() {
    for trouble in lost_answers() {
        for times in [1, 6] {
            let (mut shops, source, outlet) = woo_source().await;
            outlet.buy_many(&[("MUG", 2), ("TEE-S", 1)]).unwrap();
            shops.pass(120).await;
            shops.market.trouble(Rule::once(trouble.clone()).times(times).at("web").writing());
            shops.sync().await;
            shops.market.peace();
            shops.rest().await;
            assert_eq!(left(&source, &outlet), [8, 9, 8, 9], "{trouble:?} × {times}");
            assert_eq!(shops.listed("list", "MUG"), 8, "{trouble:?} × {times}");
        }
    }
}

// proves R1, F1: whatever becomes of the answer to a push, the listing shows the right number in the end.
#[tokio::test(start_paused = true)]
async fn a_push_whose_answer_is_lost_is_looked_up() {
    for trouble in lost_answers() {
        for times in [1, 6] {
            let mut shops = Shops::new();
            let source = shops.shopify("shop", Role::Source, &[("MUG", 10), ("BOWL", 10)]);
            let web = shops.woocommerce("web", Role::Target, &[("MUG", 10), ("BOWL", 10)]);
            shops.start().await;
            source.owner_sets("MUG", 4);
            source.owner_sets("BOWL", 12);
            shops.pass(120).await;
            shops.market.trouble(Rule::once(trouble.clone()).times(times).at("web").writing());
            shops.sync().await;
            shops.market.peace();
            shops.rest().await;
            assert_eq!((web.available("MUG"), web.available("BOWL")), (4, 12), "{trouble:?} × {times}");
        }
    }
}

// proves X6: no trace of a deduction is believed only when it can no longer be running.
#[tokio::test(start_paused = true)]
async fn a_deduction_without_a_trace_waits_ten_minutes() {
    let (mut shops, source, outlet) = woo_source().await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    shops.market.trouble(Rule::once(Trouble::LostBefore).at("web").writing());
    shops.sync().await;
    for _ in 0..4 {
        shops.pass(120).await;
        shops.sync().await;
        assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (10, 8), "it is claimed all the while");
    }
    shops.pass(180).await;
    shops.sync().await;
    assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (8, 8));
}

// proves X4, X6: while the shop is still at work on the first request, whose answer did not come in time, it is not sent
// again; found done, it is not in doubt either.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_still_running_is_not_sent_again() {
    for minutes in [2, 5, 9] {
        let (mut shops, source, outlet) = woo_source().await;
        outlet.buy("MUG", 2).unwrap();
        shops.pass(120).await;
        let slow = Trouble::Slow(Duration::from_mins(minutes));
        shops.market.trouble(Rule::once(slow).at("web").writing());
        shops.market.forget_calls();
        for _ in 0..10 {
            shops.sync().await;
            assert!(source.available("MUG") >= 8 && shops.listed("list", "MUG") == 8, "{minutes} minutes");
            shops.pass(60).await;
        }
        shops.rest().await;
        assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (8, 8), "{minutes} minutes");
        assert_eq!(source.calls().iter().filter(|call| call.writing).count(), 1, "{minutes} minutes");
    }
}

// proves X4, X6: a mark without a change is in doubt once its request can no longer be running, and nothing is done
// twice; the lower reading holds till the owner has decided.
#[tokio::test(start_paused = true)]
async fn a_mark_without_a_change_is_in_doubt() {
    let (mut shops, source, outlet) = woo_source().await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    source.face(|face: &mut WooCommerce| face.dies_in_save = Some(0));
    assert_eq!(shops.sync().await.exit(), 3, "it may still be running");
    assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (10, 8));
    shops.pass(600).await;
    let report = shops.sync().await;
    assert!(troubles(&report).iter().any(|trouble| trouble.starts_with("in-doubt")), "{:?}", troubles(&report));
    for _ in 0..10 {
        shops.pass(120).await;
        assert_eq!(shops.sync().await.exit(), 4);
        assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (10, 8));
    }
}

// proves X4, X6: what changed while nobody could tell is read once the owner has decided, before anything is taken off.
#[tokio::test(start_paused = true)]
async fn a_number_that_moved_during_a_doubt_is_read_when_it_is_settled() {
    let (mut shops, source, outlet) = woo_source().await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    source.face(|face: &mut WooCommerce| face.dies_in_save = Some(0));
    shops.sync().await;
    shops.pass(600).await;
    shops.sync().await;
    source.owner_sets("MUG", 11);
    for _ in 0..3 {
        shops.pass(1200).await;
        assert_eq!(shops.sync().await.exit(), 4);
    }
    shops.settle_doubts(false);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (9, 9, 9));
}

// proves X1, P4, F6: a process that dies at any moment of a run leaves a state from which the next one gets every number
// right.
#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_moment_is_finished_by_the_next() {
    let mut moment = Duration::ZERO;
    while moment < Duration::from_millis(2600) {
        let (mut shops, source, outlet) = woo_source().await;
        shops.market.set_latency(Duration::from_millis(100));
        outlet.buy_many(&[("MUG", 2), ("TEE-S", 1)]).unwrap();
        shops.list_order("list", "L-1", "MUG", 1, "open");
        shops.pass(120).await;
        shops.killed_after(moment).await;
        shops.restart();
        shops.rest().await;
        assert_eq!(left(&source, &outlet), [7, 9, 7, 9], "killed after {moment:?}");
        assert_eq!((shops.listed("list", "MUG"), shops.listed("list", "TEE-S")), (7, 9), "killed after {moment:?}");
        moment += Duration::from_millis(50);
    }
}

// proves X4, X6: a lost deduction is not taken for applied because a buyer of the source's own took just as many.
#[tokio::test(start_paused = true)]
async fn a_sale_of_the_same_size_proves_no_deduction() {
    let (mut shops, source, outlet) = woo_source().await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    shops.market.trouble(Rule::once(Trouble::LostBefore).at("web").writing());
    shops.sync().await;
    source.set_order_delay(Duration::from_mins(5));
    source.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    shops.sync().await;
    shops.rest().await;
    assert_eq!(left(&source, &outlet), [6, 10, 6, 10]);
}

// proves W3, O3: what comes back on a target goes back to the source, product and variation alike.
#[tokio::test(start_paused = true)]
async fn what_comes_back_goes_back_to_the_source() {
    let (mut shops, source, outlet) = woo_source().await;
    let order = outlet.buy_many(&[("MUG", 2), ("TEE-S", 3)]).unwrap();
    shops.rest().await;
    assert_eq!(left(&source, &outlet), [8, 7, 8, 7]);
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!(left(&source, &outlet), [10, 10, 10, 10]);
}

// proves Z5, H1: a product in the trash is gone, and what followed it shows 0 once the owner has said so; back from
// there it is on sale again.
#[tokio::test(start_paused = true)]
async fn a_source_in_the_trash_is_gone() {
    let (mut shops, source, outlet) = woo_source().await;
    source.trash("MUG");
    shops.pass(90_000).await;
    assert_eq!((shops.sync().await.exit(), outlet.available("MUG")), (4, 10));
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    shops.rest().await;
    assert_eq!((outlet.available("MUG"), outlet.available("TEE-S")), (0, 10));
    source.set_state("MUG", State::Live);
    shops.pass(90_000).await;
    shops.sync().await;
    shops.rest().await;
    assert_eq!((outlet.available("MUG"), outlet.available("TEE-S")), (10, 10));
}

// proves W4: the shop's own sales are in its number already.
#[tokio::test(start_paused = true)]
async fn sales_of_the_source_itself_are_not_taken_off_again() {
    let (mut shops, source, outlet) = woo_source().await;
    let order = source.buy_many(&[("MUG", 3), ("TEE-S", 2)]).unwrap();
    shops.rest().await;
    assert_eq!(left(&source, &outlet), [7, 8, 7, 8]);
    source.set_order_status(order, "cancelled");
    shops.rest().await;
    assert_eq!(left(&source, &outlet), [10, 10, 10, 10]);
}

// proves F5: what a plugin keeps from being saved is told with its words, and the others are written.
#[tokio::test(start_paused = true)]
async fn one_item_that_is_refused_stops_no_other() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 5), ("BOWL", 5)]);
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 5), ("BOWL", 5)]);
    shops.start().await;
    web.face(|face: &mut WooCommerce| face.refused.insert("MUG".to_owned(), "plugin_says_no".to_owned()));
    source.owner_sets("MUG", 3);
    source.owner_sets("BOWL", 3);
    shops.pass(120).await;
    let report = shops.sync().await;
    assert_eq!((web.available("MUG"), web.available("BOWL"), report.exit()), (5, 3, 3));
    assert!(
        troubles(&report).iter().any(|trouble| trouble.contains("WooCommerce refuses it")),
        "{:?}",
        troubles(&report)
    );
}

// proves F5: one item that is gone stops no other.
#[tokio::test(start_paused = true)]
async fn one_item_that_is_gone_stops_no_other() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 5), ("TEE-S", 5), ("CAP-S", 5)]);
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 5)]);
    web.add_product("Tee", &[Good::new("TEE-S", 5), Good::new("TEE-M", 5)]);
    web.add_product("Cap", &[Good::new("CAP-S", 5), Good::new("CAP-M", 5)]);
    shops.start().await;
    web.delete("CAP-S");
    for sku in ["MUG", "TEE-S", "CAP-S"] {
        source.owner_sets(sku, 3);
    }
    shops.pass(120).await;
    shops.sync().await;
    shops.pass(120).await;
    shops.sync().await;
    assert_eq!((web.available("MUG"), web.available("TEE-S")), (3, 3));
}

/// A little chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

// proves X1, X4, F1, F6: sales here and there, answers that get lost, processes that die: no unit is lost or sold twice.
#[tokio::test(start_paused = true)]
async fn no_unit_is_lost_in_bad_weather() {
    let skus = ["MUG", "TEE-S", "TEE-M"];
    for seed in 0..4 {
        let mut chance = Chance(seed);
        let mut shops = Shops::new();
        shops.on_disk();
        let source = shops.woocommerce("web", Role::Source, &[("MUG", 400)]);
        let second = shops.woocommerce("second", Role::Target, &[("MUG", 400)]);
        for shop in [&source, &second] {
            shop.add_product("Tee", &[Good::new("TEE-S", 400), Good::new("TEE-M", 400)]);
        }
        let outlet = shops.shopify("outlet", Role::Target, &skus.map(|sku| (sku, 400)));
        shops.start().await;
        shops.market.set_latency(Duration::from_millis(100));
        for trouble in lost_answers() {
            shops.market.trouble(Rule::sometimes(0.04, trouble));
        }
        let mut left = [400; 3];
        for _ in 0..25 {
            for _ in 0..chance.below(4) {
                let (place, at) = (chance.below(3), usize::try_from(chance.below(3)).unwrap());
                let units = i64::try_from(chance.below(3)).unwrap() + 1;
                let shop = [&source, &second, &outlet][usize::try_from(place).unwrap()];
                shop.buy(skus[at], units).unwrap();
                left[at] -= units;
            }
            shops.pass(20 + chance.below(200)).await;
            if chance.below(5) == 0 {
                shops.killed_after(Duration::from_millis(chance.below(2500))).await;
                shops.restart();
            } else {
                shops.sync().await;
            }
        }
        shops.market.peace();
        shops.rest().await;
        for (sku, left) in skus.into_iter().zip(left) {
            let shown = [source.available(sku), second.available(sku), outlet.available(sku)];
            assert_eq!(shown, [left; 3], "seed {seed}: {sku}");
        }
    }
}
