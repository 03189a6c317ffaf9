//! Listings that are hidden at zero, and shown again when stock returns.

use std::time::Duration;

use eys::domain::policy::{SourceGone, ZeroStock};
use eys::domain::{Level, Role};
use eys::engine::{Options, PushEnd};

use crate::findings::finds;
use crate::shops::Shops;
use crate::sim::{Rule, ShopHandle, State, Trouble};

async fn hiding() -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 5), ("BOWL", 5)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.lane("outlet").zero_stock = ZeroStock::Hide;
    shops.start().await;
    (shops, source, outlet)
}

/// A source on Shopify and an outlet there or on WooCommerce, before the first run.
fn outlet_of(woo: bool) -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    let goods = [("MUG", 5), ("BOWL", 5)];
    let source = shops.shopify("shop", Role::Source, &goods);
    let outlet = if woo {
        shops.woocommerce("outlet", Role::Target, &goods)
    } else {
        shops.shopify("outlet", Role::Target, &goods)
    };
    (shops, source, outlet)
}

fn live(shop: &ShopHandle, sku: &str) -> bool {
    shop.for_sale(sku)
}

// proves Z1, T2
#[tokio::test(start_paused = true)]
async fn what_is_hidden_at_zero_is_shown_again() {
    let (mut shops, source, outlet) = hiding().await;
    outlet.buy("MUG", 5).unwrap();
    shops.rest().await;
    // A plan says so before it happens.
    source.owner_sets("BOWL", 0);
    shops.pass(120).await;
    let plan = shops.sync_with(Options { dry_run: true, ..Options::default() }).await;
    let words = plan.pushes.iter().map(|push| push.why.last().cloned().unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(words, ["it would be hidden"], "{:?}", plan.pushes);
    source.owner_sets("BOWL", 5);
    shops.rest().await;
    assert_eq!((outlet.available("MUG"), live(&outlet, "MUG"), live(&outlet, "BOWL")), (0, false, true));
    source.owner_sets("MUG", 3);
    shops.pass(120).await;
    let report = shops.sync().await;
    let shown = report.pushes.iter().find(|push| push.end == PushEnd::ShownAgain);
    assert_eq!(shown.map(|push| (push.from, push.to.units())), Some((Some(Level(0)), 3)), "{:?}", report.pushes);
    shops.rest().await;
    assert_eq!((outlet.available("MUG"), live(&outlet, "MUG")), (3, true));
}

// proves Z1: what the owner hid is left alone.
#[tokio::test(start_paused = true)]
async fn what_the_owner_hid_stays_hidden() {
    let (mut shops, source, outlet) = hiding().await;
    outlet.set_state("MUG", State::Draft);
    shops.rest().await;
    source.owner_sets("MUG", 0);
    shops.rest().await;
    source.owner_sets("MUG", 3);
    shops.rest().await;
    assert!(!live(&outlet, "MUG"));
}

// proves X8: a hide whose answer is lost is looked up, and the owner's product is brought back as it was.
#[tokio::test(start_paused = true)]
async fn a_hide_without_an_answer_is_looked_up() {
    let (mut shops, source, outlet) = hiding().await;
    source.owner_sets("MUG", 0);
    shops.pass(120).await;
    shops.market.trouble(Rule::once(Trouble::LostAfter).at("outlet").writing().after(1));
    shops.sync().await;
    shops.rest().await;
    assert!(!live(&outlet, "MUG"));
    source.owner_sets("MUG", 2);
    shops.rest().await;
    assert_eq!((outlet.available("MUG"), live(&outlet, "MUG")), (2, true));
}

// proves Z1, Y8: stock that comes while a listing is on its way back into sight reaches it, also where it was read while it
// was hidden.
#[tokio::test(start_paused = true)]
async fn what_changes_while_a_listing_is_shown_reaches_it() {
    for delay in (0..600).step_by(20) {
        let mut shops = Shops::new();
        let source = shops.shopify("shop", Role::Source, &[("MUG", 5)]);
        let outlet = shops.woocommerce("outlet", Role::Target, &[("MUG", 0)]);
        shops.lane("outlet").zero_stock = ZeroStock::Hide;
        shops.market.set_latency(Duration::from_millis(150));
        shops.start().await;
        let order = outlet.buy("MUG", 1).unwrap();
        outlet.buy("MUG", 4).unwrap();
        shops.rest().await;
        // It is read while it is out of sight.
        shops.sync_with(Options { full: true, ..Options::default() }).await;
        assert_eq!((source.available("MUG"), live(&outlet, "MUG")), (0, false));
        outlet.cancel(order, true);
        source.owner_sets("MUG", 2);
        shops.pass(120).await;
        shops.market.trouble(Rule::once(Trouble::Slow(Duration::from_millis(delay))).at("shop").writing());
        shops.sync().await;
        shops.market.peace();
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG"), live(&outlet, "MUG")), (3, 3, true), "{delay}");
    }
}

// proves Z1, T2: what its owner deleted since it was ended is gone: stock that returns brings it back on no platform, and no
// run tries to.
#[tokio::test(start_paused = true)]
async fn what_was_ended_and_deleted_stays_so() {
    for woo in [false, true] {
        let (mut shops, source, outlet) = outlet_of(woo);
        shops.lane("outlet").zero_stock = ZeroStock::End;
        shops.start().await;
        source.buy("MUG", 5).unwrap();
        shops.rest().await;
        assert!(!live(&outlet, "MUG"), "woo: {woo}");
        outlet.delete("MUG");
        shops.pass(120).await;
        shops.sync_with(Options { full: true, ..Options::default() }).await;
        source.owner_sets("MUG", 4);
        for _ in 0..2 {
            shops.pass(120).await;
            shops.sync().await;
        }
        shops.market.forget_calls();
        shops.pass(120).await;
        shops.sync().await;
        assert_eq!(Shops::calls(&outlet).0, 0, "woo: {woo}: {:?}", outlet.calls());
        assert!(finds(&shops, "outlet", "listing-gone").await, "woo: {woo}");
    }
}

// proves T2, P2: what sells is on sale: a listing that its owner put on sale again follows once one of it is sold, without
// waiting for the next full reading.
#[tokio::test(start_paused = true)]
async fn what_sells_is_on_sale() {
    for woo in [false, true] {
        let (mut shops, source, outlet) = outlet_of(woo);
        shops.start().await;
        outlet.set_state("MUG", State::Draft);
        shops.sync_with(Options { full: true, ..Options::default() }).await;
        source.buy("MUG", 3).unwrap();
        shops.rest().await;
        assert_eq!(outlet.available("MUG"), 5, "woo: {woo}: it is none of ours while it is a draft");
        outlet.set_state("MUG", State::Live);
        outlet.buy("MUG", 1).unwrap();
        shops.pass(120).await;
        shops.sync().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (1, 1), "woo: {woo}");
    }
}

// proves Z5: what lost its listing on the source shows 0, stays as it is, or is hidden, as its owner chose.
#[tokio::test(start_paused = true)]
async fn what_lost_its_source_is_zeroed_kept_or_hidden() {
    let goods = [("MUG", 5), ("BOWL", 5), ("VASE", 5), ("JUG", 5), ("CUP", 5), ("POT", 5)];
    for (policy, left, seen) in [(SourceGone::Zero, 0, true), (SourceGone::Keep, 5, true), (SourceGone::Hide, 0, false)]
    {
        let mut shops = Shops::new();
        let source = shops.shopify("shop", Role::Source, &goods);
        let outlet = shops.shopify("outlet", Role::Target, &goods);
        shops.lane("outlet").source_gone = policy;
        shops.start().await;
        source.delete("MUG");
        for _ in 0..3 {
            shops.pass(120).await;
            shops.sync_with(Options { full: true, ..Options::default() }).await;
        }
        assert_eq!((outlet.available("MUG"), live(&outlet, "MUG")), (left, seen), "{policy:?}");
        assert_eq!((outlet.available("BOWL"), live(&outlet, "BOWL")), (5, true), "{policy:?}");
    }
}

// proves Z1, F5: a show that the platform refuses, or that does not reach it, is told, and made in a later run.
#[tokio::test(start_paused = true)]
async fn a_show_that_fails_is_made_later() {
    let used_up = Trouble::TooMany { retry_after: Some(600) };
    for trouble in [Trouble::Unreachable, Trouble::LostBefore, Trouble::Status(403), Trouble::Status(503), used_up] {
        for (kind, showing) in [("shopify", "EysPublish"), ("etsy", "updateListing")] {
            let mut shops = Shops::new();
            let source = shops.shopify("shop", Role::Source, &[("MUG", 5), ("BOWL", 5)]);
            let outlet = if kind == "etsy" {
                shops.etsy("outlet", Role::Target, &[("MUG", 5), ("BOWL", 5)])
            } else {
                shops.shopify("outlet", Role::Target, &[("MUG", 5), ("BOWL", 5)])
            };
            shops.lane("outlet").zero_stock = ZeroStock::Hide;
            shops.start().await;
            source.owner_sets("MUG", 0);
            shops.pass(120).await;
            shops.rest().await;
            assert!(!live(&outlet, "MUG"), "{kind}");
            source.owner_sets("MUG", 3);
            shops.pass(120).await;
            shops.market.trouble(Rule::always(trouble.clone()).at("outlet").on(showing));
            let report = shops.sync().await;
            assert!(report.exit() != 0 && !live(&outlet, "MUG"), "{kind}, {trouble:?}: {report:?}");
            shops.market.peace();
            for _ in 0..4 {
                shops.pass(900).await;
                shops.sync().await;
            }
            assert_eq!((outlet.available("MUG"), live(&outlet, "MUG")), (3, true), "{kind}, {trouble:?}");
        }
    }
}

// proves Z1, F5: what the platform does not let be shown again stays told till it does.
#[tokio::test(start_paused = true)]
async fn a_show_that_is_refused_stays_told() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 5), ("BOWL", 5)]);
    let stall = shops.etsy("stall", Role::Target, &[("MUG", 5), ("BOWL", 5)]);
    shops.start().await;
    source.owner_sets("MUG", 0);
    shops.pass(120).await;
    shops.rest().await;
    source.owner_sets("MUG", 3);
    shops.pass(120).await;
    shops.market.trouble(Rule::always(Trouble::Status(403)).at("stall").on("updateListing"));
    shops.sync().await;
    let told = |shops: &Shops| {
        let standing = shops.standing();
        standing.into_iter().map(|trouble| format!("{}: {}", trouble.code, trouble.message)).collect::<Vec<_>>()
    };
    assert!(matches!(&told(&shops)[..], [one] if one.starts_with("refused: it could not be shown again: ")));
    let calls = stall.calls().len();
    shops.sync().await;
    assert_eq!(told(&shops).len(), 1);
    assert!(
        stall.calls()[calls..].iter().all(|call| call.operation != "updateListing"),
        "it waits before it tries again"
    );
    // Nor is it forgotten while the channel is switched off.
    shops.lane("stall").inventory_sync = false;
    for _ in 0..4 {
        shops.pass(1200).await;
        shops.sync().await;
    }
    shops.market.peace();
    shops.lane("stall").inventory_sync = true;
    shops.pass(1200).await;
    shops.rest().await;
    assert_eq!((told(&shops), live(&stall, "MUG")), (Vec::new(), true));
}
