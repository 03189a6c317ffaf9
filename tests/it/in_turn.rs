//! Targets that are too large to be read in full every time are read in turn, what shows few units every hour (Y4).

use std::time::Duration;

use eys::domain::Role;
use eys::domain::policy::ZeroStock;
use eys::domain::turn::Ages;
use eys::engine::Options;
use jiff::SignedDuration;

use crate::shops::{Shops, name};
use crate::sim::{ShopHandle, State};

const HOUR: u64 = 3600;

/// A target of which so many listings show 2, and one shows 50.
async fn few(count: usize) -> (Shops, ShopHandle, ShopHandle) {
    let goods: Vec<(String, i64)> = (0..count).map(|nth| (format!("SKU-{nth:05}"), 2)).collect();
    let goods = goods.iter().map(|(sku, units)| (sku.as_str(), *units)).chain([("MANY", 50)]).collect::<Vec<_>>();
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &goods);
    let outlet = shops.shopify("outlet", Role::Target, &goods);
    shops.start().await;
    shops.sync().await;
    shops.market.forget_calls();
    (shops, source, outlet)
}

async fn run(shops: &mut Shops) {
    shops.sync_with(Options { command: "eys sync".to_owned(), ..Options::default() }).await;
}

fn reads(shop: &ShopHandle, operation: &str) -> usize {
    shop.calls().iter().filter(|call| call.operation == operation).count()
}

// proves Y4: no reading of a listing that shows few units is older than an hour, at a pace of a minute and at a cron of a
// quarter of an hour; a cycle costs a bounded number of calls, and an hour about as many as the listings fill.
#[tokio::test(start_paused = true)]
async fn what_shows_few_units_is_read_every_hour() {
    for (pace, most) in [(60, 1), (900, 3)] {
        let (mut shops, _, outlet) = few(1100).await;
        for _ in 0..20 {
            shops.pass(pace).await;
            run(&mut shops).await;
        }
        let (mut calls, runs) = (0, 4 * HOUR / pace);
        for nth in 0..runs {
            shops.pass(pace).await;
            shops.market.forget_calls();
            let an_hour_ago = shops.market.now() - SignedDuration::from_hours(1);
            let ages = Ages { ready: an_hour_ago, due: an_hour_ago };
            let scanned = shops.store.read(|tx| tx.channel(&name("outlet"))).unwrap().unwrap().scanned.unwrap();
            let old = shops.store.read(|tx| tx.few(&name("outlet"), ages)).unwrap();
            assert!(old.all == 1100 && (old.due == 0 || an_hour_ago < scanned), "{pace} s, run {nth}: {old:?}");
            run(&mut shops).await;
            let now = reads(&outlet, "EysLevels");
            assert!(now <= most && reads(&outlet, "EysCatalogue") == 0, "{pace} s, run {nth}: {now} calls");
            calls += now;
        }
        assert!((4 * 5..=8 * 5).contains(&calls), "{pace} s: {calls} calls in four hours");
    }
}

// proves Y4: what shows more than a few is read once a day, before it is a day old.
#[tokio::test(start_paused = true)]
async fn the_rest_is_read_once_a_day() {
    let (mut shops, _, outlet) = few(0).await;
    for _ in 0..3 * 24 * 4 {
        shops.pass(HOUR / 4).await;
        let scanned = shops.store.read(|tx| tx.channel(&name("outlet"))).unwrap().unwrap().scanned.unwrap();
        assert!(shops.market.now().duration_since(scanned) <= SignedDuration::from_hours(24));
        run(&mut shops).await;
    }
    assert_eq!((reads(&outlet, "EysCatalogue"), reads(&outlet, "EysLevels")), (3, 0));
}

// proves Y4: a change that the list of changes never shows is seen within the hour, and costs no cycle but that one
// anything.
#[tokio::test(start_paused = true)]
async fn what_the_list_of_changes_never_shows_is_seen_within_the_hour() {
    let (mut shops, source, outlet) = few(3).await;
    outlet.set_lag(Duration::from_secs(48 * HOUR));
    outlet.owner_sets("SKU-00001", 9);
    let mut calls = 0;
    for _ in 0..60 {
        shops.pass(60).await;
        shops.market.forget_calls();
        run(&mut shops).await;
        calls += usize::from(Shops::calls(&outlet).1 > 2);
    }
    assert_eq!((outlet.available("SKU-00001"), source.available("SKU-00001"), calls), (2, 2, 1));
}

// proves Z1: what we hid and somebody shows again while nothing is offered is hidden again within the hour, and still
// shown by us when stock returns.
#[tokio::test(start_paused = true)]
async fn what_somebody_shows_again_is_hidden_within_the_hour() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 5), ("BOWL", 5)]);
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 5), ("BOWL", 5)]);
    shops.lane("web").zero_stock = ZeroStock::Hide;
    shops.start().await;
    source.owner_sets("MUG", 0);
    shops.rest().await;
    assert!(!web.for_sale("MUG"));
    for _ in 0..2 {
        web.set_state("MUG", State::Live);
        for _ in 0..60 {
            shops.pass(60).await;
            run(&mut shops).await;
        }
        assert!(!web.for_sale("MUG"));
    }
    source.owner_sets("MUG", 3);
    shops.rest().await;
    assert_eq!((web.available("MUG"), web.for_sale("MUG")), (3, true));
}
