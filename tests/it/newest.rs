//! What was decided last is what stands: an older quantity never lands after a newer one, and what changes back has
//! changed twice (Y8).

use std::time::Duration;

use eys::domain::{Role, Why};
use eys::engine::Options;
use tokio_util::sync::CancellationToken;

use crate::shops::Shops;
use crate::sim::{Deed, Rule, ShopHandle, Trouble, Who};

fn shops_with(kind: &str) -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let target = match kind {
        "shopify" => shops.shopify("target", Role::Target, &[("MUG", 10)]),
        _ => shops.woocommerce("target", Role::Target, &[("MUG", 10)]),
    };
    (shops, source, target)
}

/// Returns the numbers that were written to the target by us, in the order in which they landed.
fn landed(shops: &Shops, from: usize) -> Vec<i64> {
    let ours = |event: &crate::sim::Event| match &event.deed {
        Deed::Wrote { who: Who::App, to, .. } if event.shop == "target" => Some(*to),
        _ => None,
    };
    shops.market.events()[from..].iter().filter_map(ours).collect()
}

// proves Y8: however long a push is under way, what was planned after it lands after it, and stays.
#[tokio::test(start_paused = true)]
async fn an_older_quantity_never_lands_after_a_newer_one() {
    let slow = |seconds| Trouble::Slow(Duration::from_secs(seconds));
    let late = |seconds| Trouble::SlowAnswer(Duration::from_secs(seconds));
    let cases = [
        ("shopify", slow(40)),
        ("shopify", slow(100)),
        ("shopify", late(100)),
        ("woocommerce", slow(40)),
        ("woocommerce", late(40)),
    ];
    for (kind, trouble) in cases {
        let (mut shops, source, target) = shops_with(kind);
        shops.patience = Duration::from_secs(10);
        shops.start().await;
        let (mut engine, stop) = (shops.engine(), CancellationToken::new());
        let begun = shops.market.events().len();
        shops.market.trouble(Rule::once(trouble.clone()).at("target").writing());
        for units in [9, 4, 8, 3] {
            source.owner_sets("MUG", units);
            engine.cycle(&mut shops.store, &Options::default(), &stop).await.unwrap();
            shops.pass(15).await;
        }
        for _ in 0..15 {
            shops.pass(20).await;
            engine.cycle(&mut shops.store, &Options::default(), &stop).await.unwrap();
        }
        let landed = landed(&shops, begun);
        let place = |units: &i64| [9, 4, 8, 3].iter().position(|planned| planned == units).unwrap();
        assert!(landed.iter().map(place).is_sorted(), "{kind} {trouble:?}: {landed:?}");
        assert_eq!((target.available("MUG"), landed.last()), (3, Some(&3)), "{kind} {trouble:?}");
    }
}

// proves Y8: 5, 6, 5 are three changes: each is an entry of the ledger and reaches the target.
#[tokio::test(start_paused = true)]
async fn what_changes_back_has_changed_twice() {
    for kind in ["shopify", "woocommerce"] {
        let (mut shops, source, target) = shops_with(kind);
        shops.start().await;
        let begun = shops.market.events().len();
        for units in [5, 6, 5] {
            source.owner_sets("MUG", units);
            shops.pass(120).await;
            shops.sync().await;
            assert_eq!(target.available("MUG"), units, "{kind}");
        }
        assert_eq!(landed(&shops, begun), [5, 6, 5], "{kind}");
        let changes = shops.store.read(|tx| {
            let mug = tx.listings(&crate::shops::name("shop"))?.remove(0);
            Ok(tx.ledger(&[mug.id], 100)?.into_iter().map(|entry| entry.movement).collect::<Vec<_>>())
        });
        let changes = changes.unwrap().into_iter().filter(|change| change.why == Why::OwnersChange);
        let changes: Vec<_> = changes.map(|change| (change.from.unwrap(), change.to.unwrap())).collect();
        assert_eq!(changes, [(10, 5), (5, 6), (6, 5)], "{kind}");
    }
}

// proves Y8: the same where the first of them has no answer while the others are made: it is the third that stands.
#[tokio::test(start_paused = true)]
async fn what_changes_back_while_a_push_is_under_way_stands() {
    for trouble in [Trouble::LostAfter, Trouble::LostBefore, Trouble::SlowAnswer(Duration::from_secs(40))] {
        let (mut shops, source, target) = shops_with("shopify");
        shops.patience = Duration::from_secs(10);
        shops.start().await;
        let (mut engine, stop) = (shops.engine(), CancellationToken::new());
        shops.market.trouble(Rule::once(trouble.clone()).at("target").writing());
        for units in [5, 6, 5] {
            source.owner_sets("MUG", units);
            engine.cycle(&mut shops.store, &Options::default(), &stop).await.unwrap();
            shops.pass(5).await;
        }
        for _ in 0..10 {
            shops.pass(30).await;
            engine.cycle(&mut shops.store, &Options::default(), &stop).await.unwrap();
        }
        assert_eq!(target.available("MUG"), 5, "{trouble:?}");
    }
}
