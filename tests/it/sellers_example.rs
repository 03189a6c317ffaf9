//! The seller's own example: a mug at 10 everywhere, two are sold in one place, and every other place shows 8.

use eys::domain::Role;
use eys::engine::{Adjusted, LaneEnd, Options, PushEnd, Report};

use crate::shops::{Shops, troubles};

fn complete(report: &Report) {
    for lane in &report.lanes {
        assert!(matches!(lane.end, LaneEnd::Complete), "{}: {:?}", lane.channel, lane.end);
    }
    assert_eq!(troubles(report), Vec::<String>::new());
    assert!(report.pushes.iter().all(|push| push.end == PushEnd::Done), "{:?}", report.pushes);
}

// proves W1, H1, H2, O1, O2, P2, X1, X2
#[tokio::test(start_paused = true)]
async fn a_sale_on_a_list_reaches_a_shopify_source_and_a_second_shop() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 10)]);
    let second = shops.shopify("second", Role::Target, &[("MUG", 10)]);
    assert_eq!(shops.link().await, 2);
    let first = shops.sync_with(Options { yes: true, ..Options::default() }).await;
    complete(&first);
    assert_eq!(first.exit(), 0);
    shops.pass(120).await;

    shops.list_order("list", "L-1", "MUG", 2, "open");
    shops.market.forget_calls();
    let report = shops.sync().await;
    complete(&report);
    assert_eq!(report.deductions.iter().map(|d| d.end.clone()).collect::<Vec<_>>(), [Adjusted::Applied]);
    assert_eq!((source.available("MUG"), second.available("MUG"), shops.listed("list", "MUG")), (8, 8, 8));
    assert_eq!((Shops::calls(&source).0, Shops::calls(&second).0), (2, 1));

    shops.pass(120).await;
    shops.market.forget_calls();
    let again = shops.sync().await;
    complete(&again);
    assert_eq!((Shops::calls(&source), Shops::calls(&second)), ((0, 3), (0, 2)), "nothing to do costs no write");
    assert_eq!((source.available("MUG"), second.available("MUG"), shops.listed("list", "MUG")), (8, 8, 8));
}

#[tokio::test(start_paused = true)]
async fn a_sale_on_the_second_shop_reaches_all() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 10)]);
    let second = shops.shopify("second", Role::Target, &[("MUG", 10)]);
    shops.start().await;
    second.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    complete(&shops.sync().await);
    assert_eq!((source.available("MUG"), second.available("MUG"), shops.listed("list", "MUG")), (8, 8, 8));
    shops.pass(120).await;
    complete(&shops.sync().await);
    assert_eq!((source.available("MUG"), second.available("MUG"), shops.listed("list", "MUG")), (8, 8, 8));
}

// proves W4
#[tokio::test(start_paused = true)]
async fn a_sale_on_the_source_itself_is_not_taken_off_again() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 10)]);
    let second = shops.shopify("second", Role::Target, &[("MUG", 10)]);
    shops.start().await;
    source.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    let report = shops.sync().await;
    complete(&report);
    assert!(report.deductions.is_empty());
    assert_eq!((source.available("MUG"), second.available("MUG"), shops.listed("list", "MUG")), (8, 8, 8));
}

// proves X5, W3
#[tokio::test(start_paused = true)]
async fn a_list_can_be_the_source() {
    let mut shops = Shops::new();
    shops.csv("stock", Role::Source, &[("MUG", 10)]);
    let shop = shops.shopify("shop", Role::Target, &[("MUG", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 10)]);
    shops.start().await;
    let order = shop.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    complete(&shops.sync().await);
    assert_eq!((shops.listed("stock", "MUG"), shop.available("MUG"), shops.listed("list", "MUG")), (8, 8, 8));
    shops.list_edit("stock", "MUG", 7);
    shops.pass(120).await;
    complete(&shops.sync().await);
    assert_eq!((shops.listed("stock", "MUG"), shop.available("MUG"), shops.listed("list", "MUG")), (7, 7, 7));
    shop.cancel(order, true);
    shops.pass(120).await;
    shops.sync().await;
    shops.pass(120).await;
    complete(&shops.sync().await);
    assert_eq!((shops.listed("stock", "MUG"), shop.available("MUG"), shops.listed("list", "MUG")), (9, 9, 9));
}
