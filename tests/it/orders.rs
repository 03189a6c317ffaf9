//! Orders that change their mind: cancelled, taken back in part, edited, for want of stock.

use std::time::Duration;

use eys::domain::Role;
use eys::domain::policy::Restock;

use crate::shops::Shops;
use crate::sim::ShopHandle;

async fn two_shops() -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10), ("BOWL", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.start().await;
    (shops, source, outlet)
}

// proves W3, O3: with the units put back, a cancellation gives them back; without, it does not.
#[tokio::test(start_paused = true)]
async fn a_cancellation_gives_back_what_was_restocked() {
    for (restock, left) in [(true, 10), (false, 8)] {
        let (mut shops, source, outlet) = two_shops().await;
        let order = outlet.buy("MUG", 2).unwrap();
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
        outlet.cancel(order, restock);
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (left, left), "restock {restock}");
    }
}

// proves W3, P3: units taken back one by one count one by one, whether cancelled before or returned after shipment.
#[tokio::test(start_paused = true)]
async fn units_come_back_one_by_one() {
    let (mut shops, source, outlet) = two_shops().await;
    let order = outlet.buy_many(&[("MUG", 3), ("BOWL", 2)]).unwrap();
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("BOWL")), (7, 8));
    outlet.take_back(order, 0, 1, true);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
    outlet.take_back(order, 0, 1, false);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
    outlet.ship(order);
    outlet.take_back(order, 1, 2, true);
    shops.rest().await;
    assert_eq!((source.available("BOWL"), outlet.available("BOWL")), (10, 10));
}

// proves P3: an edited order is brought to what it says now.
#[tokio::test(start_paused = true)]
async fn an_edited_order_counts_as_it_stands() {
    let (mut shops, source, outlet) = two_shops().await;
    let order = outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    outlet.remove_units(order, 0, 2, true);
    outlet.add_to_order(order, "BOWL", 4);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (9, 9));
    assert_eq!((source.available("BOWL"), outlet.available("BOWL")), (6, 6));
}

// proves W3: an order bought and cancelled between two runs was never owed.
#[tokio::test(start_paused = true)]
async fn an_order_that_came_and_went_between_two_runs_costs_nothing() {
    let (mut shops, source, outlet) = two_shops().await;
    let order = outlet.buy("MUG", 3).unwrap();
    outlet.cancel(order, true);
    shops.market.forget_calls();
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (10, 10));
    assert_eq!(Shops::calls(&source).0, 0, "the source was never written to");
}

// proves W3: where the platform is silent, the owner's choice decides about cancelled units.
#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_say_follows_the_owners_choice() {
    let cases = [
        ("cancelled", Restock::Unshipped, 10),
        ("cancelled", Restock::Never, 8),
        ("cancelled-restocked", Restock::Never, 10),
        ("shipped", Restock::Always, 8),
    ];
    for (status, restock, left) in cases {
        let mut shops = Shops::new();
        let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
        shops.csv("list", Role::Target, &[("MUG", 0)]);
        shops.lane("list").restock = restock;
        shops.start().await;
        shops.list_order("list", "L-1", "MUG", 2, "open");
        shops.rest().await;
        assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (8, 8));
        shops.list_order("list", "L-1", "MUG", 2, status);
        shops.rest().await;
        assert_eq!((source.available("MUG"), shops.listed("list", "MUG")), (left, left), "{status} {restock:?}");
    }
}

// proves W1: what was open when a link began is the baseline: never taken off, and never given back either.
#[tokio::test(start_paused = true)]
async fn orders_from_before_the_link_neither_take_nor_give() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 12)]);
    let order = outlet.buy("MUG", 2).unwrap();
    shops.pass(60).await;
    shops.start().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (10, 10));
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (10, 10));
}

// proves R1, W1: what comes back from such an order is on sale there at once, and is taken off by the run that sees it, also
// where listings are read in turn.
#[tokio::test(start_paused = true)]
async fn what_comes_back_from_before_the_link_is_not_left_on_sale() {
    let mut shops = Shops::new();
    shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let stall = shops.etsy("stall", Role::Target, &[("MUG", 12)]);
    let order = stall.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    shops.start().await;
    stall.cancel(order, true);
    assert_eq!(stall.available("MUG"), 12);
    shops.pass(120).await;
    shops.sync().await;
    assert_eq!(stall.available("MUG"), 10);
}

// proves T3: a channel whose sales another app brings into the source is not taken off a second time.
#[tokio::test(start_paused = true)]
async fn a_channel_can_be_left_out_of_settling() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.lane("outlet").deduct_sales = false;
    shops.start().await;
    outlet.buy("MUG", 2).unwrap();
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (10, 8), "the sold units are not offered again");
    source.another_app_sets("MUG", 8);
    shops.rest().await;
    shops.pass(1200).await;
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
}

// proves Y1: an order that its list shows only when the cursor is long past it is found when the last two days are read
// again, once a day, and counted once.
#[tokio::test(start_paused = true)]
async fn an_order_that_shows_very_late_is_found_within_a_day() {
    let (mut shops, source, outlet) = two_shops().await;
    let late = outlet.buy("MUG", 2).unwrap();
    outlet.lists_late(late, Duration::from_hours(2));
    shops.pass(3600).await;
    outlet.buy("BOWL", 1).unwrap();
    shops.rest().await;
    let mut hours = 1;
    while source.available("MUG") == 10 {
        shops.pass(3600).await;
        shops.sync().await;
        hours += 1;
        assert!(hours <= 26, "nobody found it");
    }
    assert!(hours > 4, "the ordinary look finds it, and the test shows nothing");
    for _ in 0..30 {
        shops.pass(3600).await;
        shops.sync().await;
    }
    assert_eq!((source.available("MUG"), outlet.available("MUG"), source.available("BOWL")), (8, 8, 9));
}
