//! What is owed stays owed, whatever becomes of links, channels and stock: it is settled, or dropped with its line.

use eys::domain::Role;
use eys::engine::{Options, Report};
use jiff::SignedDuration;

use crate::shops::{Shops, name, troubles};
use crate::sim::{Rule, ShopHandle, Trouble};

const DAY: u64 = 24 * 3600;

fn oversold(report: &Report) -> Vec<String> {
    troubles(report).into_iter().filter(|trouble| trouble.starts_with("oversold")).collect()
}

/// A list as the source, which cannot go below 0, with a shop and another list that follow.
async fn list_and_two() -> (Shops, ShopHandle) {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 2)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.csv("list", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    (shops, outlet)
}

/// Sells the last two mugs in both places at once.
async fn sold_twice(shops: &mut Shops, outlet: &ShopHandle) -> u64 {
    let order = outlet.buy("MUG", 2).unwrap();
    shops.list_order("list", "L-1", "MUG", 2, "open");
    shops.pass(120).await;
    let report = shops.sync().await;
    assert_eq!(shops.listed("stock", "MUG"), 0);
    let told = oversold(&report);
    assert_eq!((told.len(), report.exit()), (1, 3), "{told:?}");
    assert!(told[0].contains("2 sold that the source does not have") && told[0].contains("order"), "{told:?}");
    order
}

/// Counts the entries of the ledger about an oversell.
fn entered(shops: &Shops) -> usize {
    let story = shops.store.read(|tx| {
        let ids: Vec<_> = tx.listings(&name("stock"))?.iter().map(|known| known.id).collect();
        tx.ledger(&ids, 1000)
    });
    story.unwrap().iter().filter(|entry| entry.movement.why == eys::domain::Why::Oversold).count()
}

// proves W6: an oversell is entered once, told in each run, and paid from the next stock.
#[tokio::test(start_paused = true)]
async fn an_oversell_is_paid_from_the_next_stock() {
    let (mut shops, outlet) = list_and_two().await;
    sold_twice(&mut shops, &outlet).await;
    shops.pass(120).await;
    assert_eq!((oversold(&shops.sync().await).len(), entered(&shops)), (1, 1));
    shops.list_edit("stock", "MUG", 1);
    shops.pass(120).await;
    let report = shops.sync().await;
    assert!(oversold(&report)[0].contains("1 sold that the source does not have"), "{:?}", oversold(&report));
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (0, 0, 0));
    shops.list_edit("stock", "MUG", 5);
    shops.rest().await;
    assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (4, 4, 4));
}

// proves W6: the cancellation of an oversold line creates no stock, whichever of the two is cancelled.
#[tokio::test(start_paused = true)]
async fn the_cancellation_of_an_oversold_line_creates_no_stock() {
    for online in [true, false] {
        let (mut shops, outlet) = list_and_two().await;
        let order = sold_twice(&mut shops, &outlet).await;
        if online {
            outlet.cancel(order, true);
        } else {
            shops.list_order("list", "L-1", "MUG", 2, "cancelled");
        }
        shops.rest().await;
        let shown = (shops.listed("stock", "MUG"), outlet.available("MUG"), shops.listed("list", "MUG"));
        assert_eq!(shown, (0, 0, 0), "online {online}");
        shops.list_edit("stock", "MUG", 3);
        shops.rest().await;
        assert_eq!(shops.listed("stock", "MUG"), 3, "nothing is owed any more");
    }
}

// proves W6, W3: of a line that was paid in part, only what was paid comes back.
#[tokio::test(start_paused = true)]
async fn what_was_never_taken_off_does_not_come_back() {
    let (mut shops, _) = list_and_two().await;
    shops.list_order("list", "L-1", "MUG", 5, "open");
    shops.pass(120).await;
    assert_eq!(oversold(&shops.sync().await).len(), 1);
    shops.list_order("list", "L-1", "MUG", 5, "cancelled-restocked");
    shops.rest().await;
    assert_eq!((shops.listed("stock", "MUG"), shops.listed("list", "MUG")), (2, 2));
    shops.list_order("list", "L-2", "MUG", 5, "open");
    shops.pass(120).await;
    assert_eq!(oversold(&shops.sync().await).len(), 1);
    assert_eq!(entered(&shops), 2, "another oversell is entered anew");
}

/// Two mugs are sold while the source cannot be reached.
async fn owed() -> (Shops, ShopHandle, ShopHandle, u64) {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10), ("BOWL", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.start().await;
    let order = outlet.buy("MUG", 2).unwrap();
    shops.market.trouble(Rule::always(Trouble::Unreachable).at("shop"));
    shops.pass(120).await;
    shops.sync().await;
    shops.market.peace();
    assert_eq!(source.available("MUG"), 10);
    (shops, source, outlet, order)
}

// proves W7: what is owed is settled though its link is gone, and its cancellation is given back.
#[tokio::test(start_paused = true)]
async fn an_unlinked_listing_settles_what_it_sold() {
    let (mut shops, source, outlet, order) = owed().await;
    shops.untie("outlet", "MUG");
    shops.rest().await;
    assert_eq!(source.available("MUG"), 8);
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!(source.available("MUG"), 10);
}

// proves W7, Y2: a listing that is tied anew, to something else, settles what it sold by the tie of that time.
#[tokio::test(start_paused = true)]
async fn a_relinked_listing_settles_what_it_sold_before() {
    let (mut shops, source, outlet, order) = owed().await;
    shops.tie("outlet", "MUG", &[("BOWL", 3)]);
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("BOWL"), outlet.available("MUG")), (8, 10, 3));
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("BOWL"), outlet.available("MUG")), (10, 10, 3));
}

// proves W7: a channel under another name settles what it sold under the old one.
#[tokio::test(start_paused = true)]
async fn a_renamed_channel_settles_what_it_sold() {
    let (mut shops, source, outlet, order) = owed().await;
    shops.store.transaction(|tx| tx.rename_channel(&name("outlet"), &name("sale"))).unwrap();
    shops.lane("outlet").name = name("sale");
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (10, 10));
}

// proves W7: a channel that is no longer in channels.toml settles what it sold.
#[tokio::test(start_paused = true)]
async fn a_removed_channel_settles_what_it_sold() {
    let (mut shops, source, _, _) = owed().await;
    shops.lanes.retain(|lane| lane.role == Role::Source);
    for _ in 0..4 {
        shops.pass(120).await;
        shops.sync().await;
    }
    assert_eq!(source.available("MUG"), 8);
}

// proves W7: after half a year only what was taken and applied is kept; a line that is heard of again is not taken off
// again, and what comes back of it is given back.
#[tokio::test(start_paused = true)]
async fn an_old_line_is_forgotten_and_not_taken_off_again() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let outlet = shops.woocommerce("outlet", Role::Target, &[("MUG", 0), ("SIX", 0)]);
    shops.link().await;
    shops.tie("outlet", "SIX", &[("MUG", 6)]);
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    shops.pass(120).await;
    outlet.buy("MUG", 1).unwrap();
    let six = outlet.buy("SIX", 1).unwrap();
    shops.rest().await;
    assert_eq!(source.available("MUG"), 3);
    outlet.ship(six);
    let lines = |shops: &Shops| {
        let line = shops.store.read(|tx| tx.last_weighed(&name("outlet"))).unwrap();
        line.len()
    };
    assert_eq!(lines(&shops), 2);
    for _ in 0..20 {
        shops.pass(10 * DAY).await;
        shops.sync().await;
    }
    assert_eq!((lines(&shops), source.available("MUG")), (0, 3));
    outlet.take_back(six, 0, 1, true);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (9, 9));
}

// proves W7: an unknown line from before its channel was first read is told, once, and not counted.
#[tokio::test(start_paused = true)]
async fn an_unknown_line_from_before_the_first_reading_is_told() {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 10)]);
    let before = shops.market.now() - SignedDuration::from_hours(1);
    shops.start().await;
    shops.rest().await;
    let path = shops.orders_path("list");
    std::fs::write(&path, format!("order,sku,quantity,placed,status\nL-0,MUG,2,{before:.0},shipped\n")).unwrap();
    shops.pass(120).await;
    let report = shops.sync().await;
    let told: Vec<_> = report.sales.iter().map(|sale| (sale.order.as_str(), sale.units, sale.older)).collect();
    assert_eq!((told, report.exit(), shops.listed("stock", "MUG")), (vec![("L-0", 2, true)], 0, 10));
    shops.pass(120).await;
    assert!(shops.sync().await.sales.is_empty());
}

// A sale of something that is not linked is told when it takes units, not before and not again.
#[tokio::test(start_paused = true)]
async fn a_sale_of_what_is_not_linked_is_told_once_it_takes_units() {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 10), ("VASE", 3)]);
    shops.start().await;
    shops.list_order("list", "L-1", "VASE", 0, "open");
    shops.pass(120).await;
    assert!(shops.sync().await.sales.is_empty(), "nothing was taken yet");
    shops.list_order("list", "L-1", "VASE", 2, "open");
    shops.pass(120).await;
    let report = shops.sync().await;
    let told: Vec<_> = report.sales.iter().map(|sale| (sale.units, sale.counts)).collect();
    assert_eq!(told, [(2, false)]);
    shops.pass(120).await;
    assert!(shops.sync().await.sales.is_empty());
}
