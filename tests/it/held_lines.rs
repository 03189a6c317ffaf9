//! Sold lines that somebody else may have dealt with: they are claimed, and wait for the owner.

use eys::domain::{LineHold, Role};
use eys::engine::LaneEnd;

use crate::shops::{Shops, counting, held_sales, ignoring, troubles};
use crate::sim::{Rule, ShopHandle, Trouble};

const HOUR: u64 = 3600;

/// The codes of what a checkup finds wrong about a channel.
async fn codes(shops: &Shops, channel: &str) -> Vec<&'static str> {
    let checkup = shops.checkup().await;
    let here = checkup.findings.iter().filter(|f| f.channel.as_ref().is_some_and(|c| c.as_str() == channel));
    here.filter(|f| f.weight == eys::channel::Weight::Problem).map(|finding| finding.code).collect()
}

/// A list as the source, whose till lowers the cell itself.
async fn till_and_outlet() -> (Shops, ShopHandle) {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 50), ("BOWL", 50)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.start().await;
    (shops, outlet)
}

fn lower(shops: &Shops, sku: &str, units: i64) {
    shops.list_edit("stock", sku, shops.listed("stock", sku) - units);
}

// proves W5: a single fall beside a single sale is an ordinary day in a shop with a till.
#[tokio::test(start_paused = true)]
async fn one_sale_at_the_till_beside_one_online_holds_nothing() {
    let (mut shops, outlet) = till_and_outlet().await;
    outlet.buy("MUG", 2).unwrap();
    lower(&shops, "MUG", 2);
    shops.rest().await;
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (46, 46));
    assert!(codes(&shops, "outlet").await.is_empty());
}

// proves W5, P2: where the source fell by just that many for most of the last sales, further sales are claimed and not
// taken off, until the owner switches the deducting off and drops them.
#[tokio::test(start_paused = true)]
async fn sales_that_somebody_takes_off_as_well_wait() {
    let (mut shops, outlet) = till_and_outlet().await;
    for units in [1, 3] {
        outlet.buy("MUG", units).unwrap();
        lower(&shops, "MUG", units);
        shops.pass(120).await;
        assert_eq!(shops.sync().await.exit(), 0);
    }
    assert_eq!(shops.listed("stock", "MUG"), 42, "two sales, taken off twice");
    outlet.buy("BOWL", 2).unwrap();
    lower(&shops, "BOWL", 2);
    shops.pass(120).await;
    let report = shops.sync().await;
    assert_eq!((held_sales(&report), report.exit()), (vec![Some(LineHold::AnotherApp)], 4));
    assert_eq!((shops.listed("stock", "BOWL"), outlet.available("BOWL")), (48, 46), "claimed, not taken off");
    let told = troubles(&report);
    assert_eq!(
        told,
        ["held-lines: 1 sold line waits for your word since 2026-11-23 06:08 UTC (another app seems to bring \
        these orders into the source): order #1003"]
    );
    outlet.buy("BOWL", 1).unwrap();
    shops.pass(120).await;
    assert_eq!(held_sales(&shops.sync().await), [Some(LineHold::AnotherApp)], "it may take its time");
    assert_eq!(codes(&shops, "outlet").await, ["another-app", "held-lines"]);
    shops.lane("outlet").deduct_sales = false;
    shops.pass(120).await;
    shops.sync_with(ignoring(&["outlet"])).await;
    lower(&shops, "BOWL", 1);
    shops.rest().await;
    assert_eq!((shops.listed("stock", "BOWL"), outlet.available("BOWL")), (47, 47));
    assert!(codes(&shops, "outlet").await.is_empty());
}

// proves W5, P6: the owner says that it is not so; what was held counts, and what it was concluded from is forgotten.
// finds another-app
#[tokio::test(start_paused = true)]
async fn the_owner_may_say_that_no_other_app_is_at_work() {
    let (mut shops, outlet) = till_and_outlet().await;
    for units in [1, 3, 2] {
        outlet.buy("MUG", units).unwrap();
        lower(&shops, "MUG", units);
        shops.pass(120).await;
        shops.sync().await;
    }
    assert_eq!(shops.listed("stock", "MUG"), 50 - 6 - 4);
    shops.pass(120).await;
    assert_eq!(shops.sync_with(counting(&["outlet"])).await.exit(), 0);
    assert_eq!(shops.listed("stock", "MUG"), 50 - 6 - 6);
    outlet.buy("MUG", 1).unwrap();
    shops.rest().await;
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (37, 37));
    assert!(codes(&shops, "outlet").await.is_empty());
}

// proves W5: one order of the channel that stands in the source's own orders is enough, on Shopify and on WooCommerce.
#[tokio::test(start_paused = true)]
async fn an_order_that_stands_in_the_source_already_waits() {
    for woo in [false, true] {
        let mut shops = Shops::new();
        let goods = [("MUG", 10), ("BOWL", 10)];
        let source = if woo {
            shops.woocommerce("shop", Role::Source, &goods)
        } else {
            shops.shopify("shop", Role::Source, &goods)
        };
        shops.csv("list", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
        shops.start().await;
        source.bring_in("BOWL", 1, "connector", "L-7");
        source.bring_in("MUG", 1, "connector", "OTHER-7");
        shops.list_order("list", "L-6", "MUG", 1, "open");
        shops.pass(120).await;
        let report = shops.sync().await;
        assert_eq!(report.exit(), 0, "an order of a third place, and one of another good: {:?}", troubles(&report));
        assert_eq!(source.available("MUG"), 8);
        shops.list_order("list", "L-7", "MUG", 2, "open");
        source.bring_in("MUG", 2, "connector", "L-7");
        shops.pass(120).await;
        let report = shops.sync().await;
        assert!(held_sales(&report).contains(&Some(LineHold::AnotherApp)), "woo {woo}: {:?}", report.sales);
        assert_eq!((source.available("MUG"), report.exit()), (6, 4));
        assert_eq!(shops.listed("list", "MUG"), 4, "claimed until the owner says so");
        let checkup = shops.checkup().await;
        let finding = checkup.findings.iter().find(|finding| finding.code == "another-app").unwrap();
        assert!(finding.message.contains("order L-7 stands in shop as order "), "{}", finding.message);
        shops.lane("list").deduct_sales = false;
        shops.pass(120).await;
        shops.sync_with(ignoring(&["list"])).await;
        shops.rest().await;
        assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (6, 6));
        assert!(codes(&shops, "list").await.is_empty());
    }
}

// proves W5: the source's own orders bear the same numbers as everybody's; that says nothing.
#[tokio::test(start_paused = true)]
async fn the_same_number_in_two_shops_is_no_sign() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    let (own, other) = (source.buy("MUG", 1).unwrap(), outlet.buy("MUG", 1).unwrap());
    assert_eq!(source.number(own), outlet.number(other));
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
}

// proves W5: after a pause of more than a day, a sale that may be in a fall of the source waits; others do not.
#[tokio::test(start_paused = true)]
async fn after_a_long_pause_what_may_be_in_a_fall_waits() {
    for hours in [20, 30] {
        let (mut shops, outlet) = till_and_outlet().await;
        shops.pass(HOUR).await;
        outlet.buy("MUG", 2).unwrap();
        outlet.buy("BOWL", 3).unwrap();
        lower(&shops, "MUG", 5);
        shops.pass(hours * HOUR).await;
        let report = shops.sync().await;
        let pause = hours > 24;
        let why = pause.then_some(LineHold::LongPause);
        assert_eq!((held_sales(&report), report.exit()), (vec![why, None], if pause { 4 } else { 0 }), "{hours} hours");
        assert_eq!(shops.listed("stock", "MUG"), if pause { 45 } else { 43 });
        assert_eq!((shops.listed("stock", "BOWL"), outlet.available("MUG")), (47, 43));
        if pause {
            shops.pass(120).await;
            shops.sync_with(ignoring(&["outlet"])).await;
            shops.rest().await;
            assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (45, 45));
        }
    }
}

// proves W5: a channel that was out of reach for more than a day is a pause too, though the source was read all along.
#[tokio::test(start_paused = true)]
async fn a_channel_that_was_out_of_reach_is_a_pause() {
    let (mut shops, outlet) = till_and_outlet().await;
    outlet.buy("MUG", 2).unwrap();
    shops.market.trouble(Rule::always(Trouble::Unreachable).at("outlet"));
    shops.pass(HOUR).await;
    lower(&shops, "MUG", 2);
    for _ in 0..13 {
        shops.pass(2 * HOUR).await;
        let report = shops.sync().await;
        assert!(report.lanes.iter().any(|lane| matches!(lane.end, LaneEnd::Failed(_))));
    }
    shops.market.peace();
    shops.pass(120).await;
    let report = shops.sync().await;
    assert_eq!((held_sales(&report), report.exit()), (vec![Some(LineHold::LongPause)], 4));
    assert_eq!(shops.listed("stock", "MUG"), 48);
}

// proves W5: what is first seen more than three days after it was placed waits, and counts on the owner's word.
#[tokio::test(start_paused = true)]
async fn what_is_seen_late_waits() {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    outlet.buy("MUG", 1).unwrap();
    shops.pass(73 * HOUR).await;
    let report = shops.sync().await;
    assert_eq!((held_sales(&report), report.exit()), (vec![Some(LineHold::SeenLate)], 4));
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (10, 9));
    shops.pass(120).await;
    assert_eq!(shops.sync().await.exit(), 4, "4 stands as long as it waits");
    shops.pass(120).await;
    assert_eq!(shops.sync_with(counting(&["outlet"])).await.exit(), 0);
    shops.rest().await;
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (9, 9));
}

// proves W5, O1: a line that waits and is cancelled waits no longer.
#[tokio::test(start_paused = true)]
async fn what_is_cancelled_while_it_waits_is_over() {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    let order = outlet.buy("MUG", 1).unwrap();
    shops.pass(73 * HOUR).await;
    assert_eq!(shops.sync().await.exit(), 4);
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (10, 10));
}

// proves W5: a run that brings far more old lines than the busiest day waits with them; one that brings as many as are
// usual does not.
#[tokio::test(start_paused = true)]
async fn a_flood_of_old_lines_waits() {
    for (usual, flood) in [(1, true), (20, false)] {
        let mut shops = Shops::new();
        shops.csv("stock", Role::Source, &[("MUG", 1000)]);
        shops.csv("list", Role::Target, &[("MUG", 1000)]);
        shops.start().await;
        for nth in 0..usual {
            shops.list_order("list", &format!("A-{nth}"), "MUG", 1, "open");
        }
        shops.rest().await;
        for nth in 0..60 {
            shops.list_order("list", &format!("B-{nth}"), "MUG", 1, "open");
        }
        shops.pass(30 * HOUR).await;
        let report = shops.sync().await;
        let waiting = held_sales(&report).iter().filter(|held| **held == Some(LineHold::Flood)).count();
        assert_eq!((waiting, report.exit()), if flood { (60, 4) } else { (0, 0) }, "{usual} on the busiest day");
        assert_eq!(shops.listed("stock", "MUG"), 1000 - usual - if flood { 0 } else { 60 });
        assert_eq!(shops.listed("list", "MUG"), 1000 - usual - 60);
    }
}

// proves W3: units that somebody put back by hand are not given back a second time.
#[tokio::test(start_paused = true)]
async fn what_was_put_back_by_hand_is_not_given_back_again() {
    for (by_hand, word) in [(2, None), (2, Some(ignoring(&["outlet"]))), (2, Some(counting(&["outlet"]))), (5, None)] {
        let (mut shops, outlet) = till_and_outlet().await;
        let order = outlet.buy("MUG", 2).unwrap();
        shops.rest().await;
        outlet.cancel(order, true);
        shops.pass(30).await;
        lower(&shops, "MUG", -by_hand);
        shops.pass(120).await;
        let report = shops.sync().await;
        if by_hand == 5 {
            assert_eq!((report.exit(), shops.listed("stock", "MUG")), (0, 55), "a delivery");
            continue;
        }
        assert_eq!((held_sales(&report), report.exit()), (vec![Some(LineHold::GivenBackByHand)], 4));
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (50, 50));
        let Some(word) = word else { continue };
        let left = if word.ignore_missed.is_empty() { 52 } else { 50 };
        shops.sync_with(word).await;
        shops.rest().await;
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (left, left));
    }
}

// proves W3, W5: whatever kind the source is, what was done to it by hand is seen before anything is settled.
#[tokio::test(start_paused = true)]
async fn every_kind_of_source_shows_what_was_done_by_hand() {
    for kind in ["csv", "shopify", "woocommerce"] {
        let mut shops = Shops::new();
        let shop = match kind {
            "shopify" => Some(shops.shopify("stock", Role::Source, &[("MUG", 50)])),
            "woocommerce" => Some(shops.woocommerce("stock", Role::Source, &[("MUG", 50)])),
            _ => {
                shops.csv("stock", Role::Source, &[("MUG", 50)]);
                None
            }
        };
        let has = |shops: &Shops| shop.as_ref().map_or_else(|| shops.listed("stock", "MUG"), |s| s.available("MUG"));
        let set = |shops: &Shops, units| match &shop {
            Some(shop) => shop.owner_sets("MUG", units),
            None => shops.list_edit("stock", "MUG", units),
        };
        shops.csv("list", Role::Target, &[("MUG", 0)]);
        shops.start().await;
        shops.list_order("list", "L-1", "MUG", 2, "open");
        shops.rest().await;
        assert_eq!(has(&shops), 48, "{kind}");
        shops.list_order("list", "L-1", "MUG", 2, "cancelled-restocked");
        set(&shops, 50);
        shops.pass(120).await;
        let report = shops.sync().await;
        assert_eq!((held_sales(&report), has(&shops)), (vec![Some(LineHold::GivenBackByHand)], 50), "{kind}");
        shops.pass(120).await;
        shops.sync_with(ignoring(&["list"])).await;
        shops.rest().await;
        shops.list_order("list", "L-2", "MUG", 3, "open");
        set(&shops, 45);
        shops.pass(30 * HOUR).await;
        let report = shops.sync().await;
        assert_eq!((held_sales(&report), has(&shops)), (vec![Some(LineHold::LongPause)], 45), "{kind}");
        assert_eq!((shops.listed("list", "MUG"), report.exit()), (42, 4), "{kind}");
        shops.pass(120).await;
        shops.sync_with(counting(&["list"])).await;
        shops.rest().await;
        assert_eq!((has(&shops), shops.listed("list", "MUG")), (42, 42), "{kind}");
    }
}

// proves W5, H3: a dry run tells which sales would wait, and changes nothing.
#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_what_would_wait() {
    let mut shops = Shops::new();
    shops.on_disk();
    shops.csv("stock", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    outlet.buy("MUG", 1).unwrap();
    shops.pass(73 * HOUR).await;
    let dry = shops.dry_run().await;
    assert_eq!((held_sales(&dry), dry.exit(), dry.deductions.len()), (vec![Some(LineHold::SeenLate)], 4, 0));
    assert!(shops.store.read(|tx| tx.held_lines(None)).unwrap().is_empty());
}
