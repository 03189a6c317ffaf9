//! What a run costs, counted in calls: what changed, not what exists.

use std::time::Duration;

use eys::channel::{Outcome, Update};
use eys::domain::{Level, ListingKey, Quantity, Role, Shown};
use tokio::time::Instant;

use crate::shops::Shops;
use crate::sim::{ShopHandle, Work};

fn goods(count: usize) -> Vec<(String, i64)> {
    (0..count).map(|nth| (format!("SKU-{nth:05}"), 10)).collect()
}

fn two_shops(count: usize) -> (Shops, ShopHandle, ShopHandle) {
    let goods = goods(count);
    let goods: Vec<(&str, i64)> = goods.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &goods);
    let outlet = shops.shopify("outlet", Role::Target, &goods);
    (shops, source, outlet)
}

fn reads(shop: &ShopHandle, operation: &str) -> usize {
    shop.calls().iter().filter(|call| call.operation == operation).count()
}

// proves Y5, Y6: 50 changes among 500 listings are one writing call; nothing changed costs no write and two calls.
#[tokio::test(start_paused = true)]
async fn a_run_costs_what_changed() {
    let (mut shops, source, outlet) = two_shops(500);
    shops.start().await;
    shops.pass(3600).await;
    shops.sync().await;
    shops.pass(60).await;
    shops.market.forget_calls();
    shops.sync().await;
    assert_eq!((Shops::calls(&source), Shops::calls(&outlet)), ((0, 3), (0, 2)), "nothing changed");
    for (sku, _) in goods(50) {
        source.owner_sets(&sku, 7);
    }
    shops.pass(120).await;
    shops.market.forget_calls();
    let report = shops.sync().await;
    assert_eq!(report.pushes.len(), 50);
    assert_eq!(Shops::calls(&outlet).0, outlet.least_calls(Work::Set, 50));
    assert_eq!(Shops::calls(&outlet).0, 1);
    assert_eq!(Shops::calls(&source).0, 0);
    assert!(Shops::calls(&source).1 + Shops::calls(&outlet).1 <= 10, "{:?}", source.calls());
}

// proves Y6, X1: 50 sales of one run are taken off in one call.
#[tokio::test(start_paused = true)]
async fn fifty_sales_are_taken_off_in_one_call() {
    let (mut shops, source, outlet) = two_shops(500);
    shops.start().await;
    for (sku, _) in goods(50) {
        outlet.buy(&sku, 1).unwrap();
    }
    shops.pass(120).await;
    shops.market.forget_calls();
    shops.sync().await;
    // One call takes them off, and one leaves before it whose state does so.
    assert_eq!((Shops::calls(&source).0, Shops::calls(&outlet).0), (2, 0));
    assert!(goods(50).iter().all(|(sku, _)| source.available(sku) == 9));
}

// A first link reads pages as large as the platform gives them, and all channels at the same time.
#[tokio::test(start_paused = true)]
async fn a_first_link_reads_the_largest_pages_side_by_side() {
    let (mut shops, source, outlet) = two_shops(2_000);
    shops.market.set_latency(Duration::from_secs(1));
    let began = Instant::now();
    assert_eq!(shops.link().await, 2_000);
    let least = source.least_calls(Work::ReadAll, 2_000);
    assert_eq!((reads(&source, "EysCatalogue"), reads(&outlet, "EysCatalogue")), (least, least));
    let calls = source.calls().len().max(outlet.calls().len());
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(seconds <= 2 * calls, "{seconds} seconds for {calls} calls a shop: one shop waited for the other");
}

/// Reads two lists of so many rows, two places a listing, ties them and writes every number; returns how long it took.
async fn a_long_list(rows: usize) -> Duration {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[]);
    shops.csv("stall", Role::Target, &[]);
    let listings = rows / 2;
    let text = |nth| format!("SKU-{nth},5,Here\nSKU-{nth},2,There\n");
    let text = (0..listings).fold("sku,quantity,location\n".to_owned(), |all, nth| all + &text(nth));
    std::fs::write(shops.path("stock"), &text).unwrap();
    std::fs::write(shops.path("stall"), &text).unwrap();
    let placed = shops.market.now();
    let order = |nth| format!("S-{nth},SKU-{nth},1,{placed:.0},open\n");
    let orders =
        (0..listings).step_by(10).fold("order,sku,quantity,placed,status\n".to_owned(), |all, nth| all + &order(nth));
    std::fs::write(shops.orders_path("stall"), orders).unwrap();
    let began = std::time::Instant::now();
    assert_eq!(shops.link().await, listings);
    let update = |nth| Update {
        key: ListingKey::new(format!("SKU-{nth}")),
        quantity: Quantity::at_least_zero(6),
        shown: Shown::Exactly(Level(7)),
        places: Vec::new(),
    };
    let batch: Vec<Update> = (0..listings).map(update).collect();
    let outcomes = shops.lanes[1].channel.set(&batch, "k").await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done { echo: Some(Level(6)) })));
    began.elapsed()
}

// Ten times the rows cost about ten times the time, not a hundred.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_costs_by_its_length() {
    let (short, long) = (a_long_list(5_000).await, a_long_list(50_000).await);
    assert!(long < short * 25, "{short:?} for 5,000 rows, {long:?} for 50,000");
}
