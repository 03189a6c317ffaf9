//! Whose state it is: old backups, second machines, states that were lost. Nothing is taken off twice.

use eys::domain::{ChannelName, HoldWhy, LineHold, Role};
use eys::engine::{LaneEnd, Options, Report};

use crate::shops::{Shops, counting, ignoring, name};
use crate::sim::shopify::Shopify;
use crate::sim::{Rule, ShopHandle, Trouble};

const GOODS: [(&str, i64); 2] = [("MUG", 50), ("BOWL", 20)];
/// Both kinds of source that keep a trace.
const SOURCES: [&str; 2] = ["shopify", "woocommerce"];

fn yes() -> Options {
    Options { yes: true, ..Options::default() }
}

fn is_stopped(report: &Report) -> bool {
    report.exit() == 4 && report.holds.iter().any(|hold| hold.why == HoldWhy::State)
}

fn held(shops: &Shops, channel: Option<&ChannelName>) -> Vec<Option<LineHold>> {
    shops.store.read(|tx| tx.held_lines(channel)).unwrap().iter().map(|line| line.held.map(|held| held.why)).collect()
}

/// A source of a kind, an outlet and a list that follow, and a state on disk.
async fn shop(kind: &str) -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    shops.on_disk();
    let source = match kind {
        "shopify" => shops.shopify("shop", Role::Source, &GOODS),
        _ => shops.woocommerce("shop", Role::Source, &GOODS),
    };
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.csv("list", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.start().await;
    (shops, source, outlet)
}

// proves I2: a state put back from a backup of a day ago takes nothing off twice and gives nothing back twice; what was sold
// since waits, whatever became of it, and new sales count once.
#[tokio::test(start_paused = true)]
async fn a_backup_of_a_day_ago_takes_nothing_off_twice() {
    for kind in SOURCES {
        let (mut shops, source, outlet) = shop(kind).await;
        let early = outlet.buy("MUG", 2).unwrap();
        shops.rest().await;
        shops.back_up("yesterday");
        outlet.buy("MUG", 3).unwrap();
        shops.list_order("list", "L-1", "BOWL", 4, "open");
        outlet.cancel(early, true);
        shops.rest().await;
        assert_eq!((source.available("MUG"), source.available("BOWL")), (47, 16), "{kind}");
        shops.pass(86_400).await;
        shops.rest().await;
        shops.put_back("yesterday", true);
        outlet.buy("BOWL", 1).unwrap();
        shops.pass(120).await;
        let before = (outlet.truth("MUG").writes, outlet.truth("BOWL").writes);
        for _ in 0..2 {
            let report = shops.sync().await;
            assert!(is_stopped(&report), "{kind}: {report:?}");
            assert_eq!((source.available("MUG"), source.available("BOWL")), (47, 16), "{kind}");
            assert_eq!((outlet.truth("MUG").writes, outlet.truth("BOWL").writes), before, "{kind}");
            shops.pass(120).await;
        }
        // The owner decides for this state; what it has missed still waits.
        let report = shops.sync_with(yes()).await;
        assert!(report.holds.is_empty() && report.exit() == 4, "{kind}: {report:?}");
        let waiting = held(&shops, None);
        let by_state = |why: &Option<LineHold>| *why == Some(LineHold::OtherState);
        assert!(!waiting.is_empty() && waiting.iter().all(by_state), "{kind}: {waiting:?}");
        shops.pass(120).await;
        shops.sync_with(ignoring(&["outlet", "list"])).await;
        shops.rest().await;
        assert_eq!((source.available("MUG"), source.available("BOWL")), (47, 16), "{kind}: dropped");
        let late = outlet.buy("MUG", 5).unwrap();
        shops.list_order("list", "L-2", "BOWL", 2, "open");
        shops.rest().await;
        assert_eq!((source.available("MUG"), source.available("BOWL")), (42, 14), "{kind}: new sales count once");
        // What another state took off is given back when it is cancelled, as is what this one did.
        outlet.cancel(late, true);
        shops.list_order("list", "L-1", "BOWL", 4, "cancelled-restocked");
        shops.rest().await;
        assert_eq!((source.available("MUG"), source.available("BOWL")), (47, 18), "{kind}");
    }
}

// proves I2: what was held can be counted, where nobody has taken it off.
#[tokio::test(start_paused = true)]
async fn what_was_missed_can_be_counted() {
    for kind in SOURCES {
        let (mut shops, source, outlet) = shop(kind).await;
        shops.back_up("yesterday");
        outlet.buy("MUG", 3).unwrap();
        shops.rest().await;
        shops.put_back("yesterday", true);
        shops.list_order("list", "L-1", "BOWL", 4, "open");
        shops.pass(120).await;
        assert!(is_stopped(&shops.sync().await), "{kind}");
        shops.sync_with(yes()).await;
        shops.pass(120).await;
        shops.sync_with(ignoring(&["outlet"])).await;
        shops.pass(120).await;
        shops.sync_with(counting(&["list"])).await;
        shops.rest().await;
        assert_eq!((source.available("MUG"), source.available("BOWL")), (47, 16), "{kind}");
    }
}

// proves I2, P7: orders of a channel that was down while the old copy was noticed wait too, once they are read.
#[tokio::test(start_paused = true)]
async fn a_channel_that_was_down_meanwhile_brings_nothing_twice() {
    for kind in SOURCES {
        let (mut shops, source, outlet) = shop(kind).await;
        shops.back_up("yesterday");
        outlet.buy("MUG", 3).unwrap();
        shops.list_order("list", "L-1", "MUG", 4, "open");
        shops.rest().await;
        shops.put_back("yesterday", true);
        shops.market.trouble(Rule::always(Trouble::Unreachable).at("outlet"));
        shops.sync().await;
        let report = shops.sync_with(yes()).await;
        assert!(report.holds.is_empty(), "{kind}: {report:?}");
        shops.market.peace();
        shops.pass(120).await;
        shops.sync().await;
        assert_eq!(source.available("MUG"), 43, "{kind}");
        assert_eq!(held(&shops, Some(&name("outlet"))), [Some(LineHold::OtherState)], "{kind}");
        shops.sync_with(ignoring(&["outlet", "list"])).await;
        shops.rest().await;
        outlet.buy("MUG", 1).unwrap();
        shops.rest().await;
        assert_eq!(source.available("MUG"), 42, "{kind}");
    }
}

// proves I2: of two copies of one state the second stops, and once it is chosen, the first does.
#[tokio::test(start_paused = true)]
async fn of_two_machines_one_goes_on() {
    for kind in SOURCES {
        let (mut shops, source, outlet) = shop(kind).await;
        shops.back_up("second");
        outlet.buy("MUG", 3).unwrap();
        shops.rest().await;
        shops.back_up("first");
        shops.put_back("second", true);
        assert!(is_stopped(&shops.sync().await), "{kind}");
        shops.sync_with(yes()).await;
        shops.sync_with(ignoring(&["outlet"])).await;
        shops.pass(120).await;
        outlet.buy("MUG", 1).unwrap();
        shops.rest().await;
        shops.back_up("second");
        shops.put_back("first", true);
        let report = shops.sync().await;
        assert!(is_stopped(&report), "{kind}: {report:?}");
        assert_eq!(source.available("MUG"), 46, "{kind}");
    }
}

// proves I2: a state that was lost with its credentials starts again with a new baseline, after the owner was asked once.
#[tokio::test(start_paused = true)]
async fn a_lost_state_starts_again() {
    for kind in SOURCES {
        let (mut shops, source, outlet) = shop(kind).await;
        let order = outlet.buy("MUG", 3).unwrap();
        outlet.ship(order);
        shops.rest().await;
        shops.store = eys::store::Store::in_memory().unwrap();
        shops.link().await;
        // An account tells of it at once, a listing when it is to be settled.
        if kind == "shopify" {
            assert!(is_stopped(&shops.sync().await), "{kind}");
        }
        let report = shops.sync_with(yes()).await;
        assert!(report.holds.is_empty(), "{kind}: what link showed is released: {report:?}");
        shops.rest().await;
        assert_eq!(source.available("MUG"), 47, "{kind}");
        if kind == "woocommerce" {
            outlet.buy("MUG", 1).unwrap();
            shops.pass(120).await;
            assert!(is_stopped(&shops.sync().await), "{kind}");
            shops.sync_with(yes()).await;
            shops.sync_with(counting(&["outlet"])).await;
            shops.rest().await;
            assert_eq!((source.available("MUG"), outlet.available("MUG")), (46, 46), "{kind}");
            source.owner_sets("MUG", 47);
            shops.rest().await;
        }
        outlet.buy("MUG", 1).unwrap();
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (46, 46), "{kind}");
    }
}

// proves I2: a state whose file of credentials was kept goes on counting, and nobody is asked.
#[tokio::test(start_paused = true)]
async fn a_lost_state_with_its_credentials_asks_nobody() {
    for kind in SOURCES {
        let (mut shops, source, outlet) = shop(kind).await;
        outlet.buy("MUG", 3).unwrap();
        shops.rest().await;
        shops.store = eys::store::Store::in_memory().unwrap();
        std::fs::remove_file(shops.folder.path().join("state.db")).unwrap();
        shops.on_disk();
        shops.start().await;
        outlet.buy("MUG", 1).unwrap();
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (46, 46), "{kind}");
    }
}

// proves I2: where the source keeps no trace, an old copy of the state alone is seen by the file beside it.
#[tokio::test(start_paused = true)]
async fn an_old_copy_beside_newer_credentials_stops() {
    let mut shops = Shops::new();
    shops.on_disk();
    shops.csv("stock", Role::Source, &GOODS);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.start().await;
    shops.back_up("yesterday");
    outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    shops.put_back("yesterday", false);
    assert!(is_stopped(&shops.sync().await));
    assert_eq!(shops.listed("stock", "MUG"), 47);
    shops.sync_with(yes()).await;
    shops.sync_with(ignoring(&["outlet"])).await;
    shops.rest().await;
    outlet.buy("MUG", 1).unwrap();
    shops.rest().await;
    assert_eq!(shops.listed("stock", "MUG"), 46);
}

// proves I2: a shop that lets the app keep nothing, and an answer that is lost, stop nothing.
#[tokio::test(start_paused = true)]
async fn a_trace_that_cannot_be_left_stops_nothing() {
    let (mut shops, source, outlet) = shop("shopify").await;
    source.face(|face: &mut Shopify| face.keeps_nothing = true);
    outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    source.face(|face: &mut Shopify| face.keeps_nothing = false);
    for trouble in [Trouble::LostAfter, Trouble::LostBefore, Trouble::BrokenJson, Trouble::Status(503)] {
        let before = source.available("MUG");
        shops.market.trouble(Rule::once(trouble.clone()).at("shop").on("EysLeave"));
        outlet.buy("MUG", 1).unwrap();
        shops.pass(120).await;
        shops.sync().await;
        shops.market.peace();
        let report = shops.rest().await;
        assert!(report.holds.is_empty(), "{trouble:?}: {report:?}");
        assert_eq!(source.available("MUG"), before - 1, "{trouble:?}");
    }
}

// proves I2, H3: a dry run tells of it and leaves nothing, neither here nor at the source.
#[tokio::test(start_paused = true)]
async fn a_dry_run_leaves_no_trace() {
    let (mut shops, source, outlet) = shop("shopify").await;
    outlet.buy("MUG", 3).unwrap();
    shops.pass(120).await;
    shops.market.forget_calls();
    shops.dry_run().await;
    assert_eq!(Shops::calls(&source).0, 0);
    shops.rest().await;
    shops.back_up("now");
    outlet.buy("MUG", 1).unwrap();
    shops.rest().await;
    shops.put_back("now", true);
    shops.market.forget_calls();
    assert!(is_stopped(&shops.dry_run().await));
    assert_eq!(Shops::calls(&source).0, 0);
    assert!(shops.store.read(|tx| tx.holds()).unwrap().is_empty());
}

// proves I2, F4: while the state is stopped, its channels are read all the same, and the sales that came in are told.
#[tokio::test(start_paused = true)]
async fn what_is_sold_meanwhile_is_told() {
    for kind in SOURCES {
        let (mut shops, _, outlet) = shop(kind).await;
        shops.back_up("now");
        outlet.buy("MUG", 3).unwrap();
        shops.rest().await;
        shops.put_back("now", true);
        let report = shops.sync().await;
        assert!(report.lanes.iter().all(|lane| matches!(lane.end, LaneEnd::Complete)), "{kind}: {report:?}");
        let told: Vec<_> = report.sales.iter().map(|sale| (sale.units, sale.held)).collect();
        assert_eq!(told, [(3, Some(LineHold::OtherState))], "{kind}");
        assert!(report.troubles.iter().any(|trouble| trouble.code == "held-lines"), "{kind}: {report:?}");
    }
}
