//! What the orders of a WooCommerce shop take and give back: by the mark on each line, not by their status.

use eys::domain::Role;

use crate::shops::Shops;
use crate::sim::ShopHandle;
use crate::sim::woocommerce::{Edit, Version, WooCommerce, WooSpec};

const USUAL: Version = Version(10, 5, 0);

async fn shop_of(version: Version) -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10), ("BOWL", 10)]);
    let spec = WooSpec { version, ..WooSpec::new("web", &[("MUG", 10), ("BOWL", 10)]) };
    let web = shops.woocommerce_of(Role::Target, &spec);
    shops.start().await;
    (shops, source, web)
}

async fn all_show(shops: &mut Shops, source: &ShopHandle, web: &ShopHandle, left: i64, about: &str) {
    shops.rest().await;
    assert_eq!((source.available("MUG"), web.available("MUG")), (left, left), "{about}");
}

// proves W2, W3, P3: each status as the shop itself treats it, and back.
#[tokio::test(start_paused = true)]
async fn a_status_takes_what_the_shop_takes_for_it() {
    for version in [Version(8, 2, 2), USUAL, Version(11, 0, 1)] {
        let (mut shops, source, web) = shop_of(version).await;
        let order = web.order_with("pending", &[("MUG", 3)]);
        all_show(&mut shops, &source, &web, 10, "not paid yet").await;
        web.set_order_status(order, "on-hold");
        all_show(&mut shops, &source, &web, 7, "waits for its payment").await;
        web.set_order_status(order, "completed");
        all_show(&mut shops, &source, &web, 7, "sent").await;
        let failed = if version >= Version(11, 0, 0) { 10 } else { 7 };
        web.set_order_status(order, "failed");
        all_show(&mut shops, &source, &web, failed, "failed").await;
        web.set_order_status(order, "processing");
        all_show(&mut shops, &source, &web, 7, "paid after all").await;
        web.set_order_status(order, "refunded");
        all_show(&mut shops, &source, &web, 7, "money back, goods not").await;
        web.set_order_status(order, "cancelled");
        all_show(&mut shops, &source, &web, 10, "cancelled").await;
    }
}

// proves W3: refunds put back what they say they put back.
#[tokio::test(start_paused = true)]
async fn refunds_give_back_what_went_back() {
    for version in [Version(8, 2, 2), USUAL] {
        let (mut shops, source, web) = shop_of(version).await;
        let order = web.buy("MUG", 4).unwrap();
        all_show(&mut shops, &source, &web, 6, "sold").await;
        web.refund(order, &[(0, 1)], true);
        all_show(&mut shops, &source, &web, 7, "one came back").await;
        web.refund(order, &[(0, 1)], false);
        all_show(&mut shops, &source, &web, 7, "one was lost").await;
        web.refund(order, &[(0, 2)], true);
        all_show(&mut shops, &source, &web, 9, "the rest came back").await;
    }
}

// An order in the trash, or deleted, gives nothing back (1.12).
#[tokio::test(start_paused = true)]
async fn an_order_in_the_trash_gives_nothing_back() {
    let (mut shops, source, web) = shop_of(USUAL).await;
    let (trashed, deleted) = (web.buy("MUG", 2).unwrap(), web.buy("MUG", 1).unwrap());
    all_show(&mut shops, &source, &web, 7, "sold").await;
    web.trash_order(trashed, true);
    web.delete_order(deleted);
    all_show(&mut shops, &source, &web, 7, "in the trash").await;
    web.trash_order(trashed, false);
    all_show(&mut shops, &source, &web, 7, "out of it").await;
}

// proves P3: an edited line counts as it stands.
#[tokio::test(start_paused = true)]
async fn an_edited_line_counts_as_it_stands() {
    let (mut shops, source, web) = shop_of(USUAL).await;
    let order = web.buy("MUG", 4).unwrap();
    all_show(&mut shops, &source, &web, 6, "sold").await;
    web.edit_line(order, 0, 2, Edit::Admin);
    all_show(&mut shops, &source, &web, 8, "two less").await;
    web.edit_line(order, 0, 5, Edit::Rest);
    all_show(&mut shops, &source, &web, 5, "three more").await;
}

// Sales of goods that the shop does not count are taken off the source all the same.
#[tokio::test(start_paused = true)]
async fn a_sale_of_uncounted_goods_counts() {
    let (mut shops, source, web) = shop_of(USUAL).await;
    web.set_tracked("MUG", false);
    shops.pass(90_000).await;
    shops.sync().await;
    web.order_with("pending", &[("MUG", 5)]);
    web.order_with("processing", &[("MUG", 2)]);
    shops.rest().await;
    assert_eq!(source.available("MUG"), 8);
}

// A status that a plugin added moves no stock, and what was taken stays taken.
#[tokio::test(start_paused = true)]
async fn a_status_of_a_plugin_changes_nothing() {
    let (mut shops, source, web) = shop_of(USUAL).await;
    web.face(|face: &mut WooCommerce| face.custom_statuses.push("shipped".to_owned()));
    let order = web.buy("MUG", 2).unwrap();
    all_show(&mut shops, &source, &web, 8, "sold").await;
    web.set_order_status(order, "shipped");
    all_show(&mut shops, &source, &web, 8, "sent").await;
}

// proves Y2: an order shows the SKU of today (1.7); the product counts, and not its name.
#[tokio::test(start_paused = true)]
async fn a_sale_before_a_new_sku_is_still_the_sale_of_that_product() {
    let (mut shops, source, web) = shop_of(USUAL).await;
    web.buy("MUG", 3).unwrap();
    web.rename_sku("MUG", "MUG-2027");
    web.rename_sku("BOWL", "MUG");
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("BOWL")), (7, 10));
}

// proves W1: what was open at the link is the baseline, also where it is paid only later.
#[tokio::test(start_paused = true)]
async fn what_was_open_at_the_link_counts_by_what_it_takes_later() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 12)]);
    let paid = web.order_with("processing", &[("MUG", 2)]);
    let unpaid = web.order_with("pending", &[("MUG", 3)]);
    shops.pass(60).await;
    shops.start().await;
    all_show(&mut shops, &source, &web, 10, "at the link").await;
    web.set_order_status(unpaid, "processing");
    all_show(&mut shops, &source, &web, 7, "paid after the link").await;
    web.set_order_status(paid, "cancelled");
    all_show(&mut shops, &source, &web, 7, "what was never taken off the source does not come back to it").await;
}

// proves Y1: the zone of the shop hides no order (1.1), and an order whose marks come late is not missed (2.8).
#[tokio::test(start_paused = true)]
async fn no_order_is_missed_in_any_time_zone() {
    for zone in ["Asia/Tokyo", "America/New_York", "UTC"] {
        let (mut shops, source, web) = shop_of(USUAL).await;
        web.face(|face: &mut WooCommerce| {
            face.set_zone(zone);
            face.reduction_delay = std::time::Duration::from_secs(3);
        });
        for left in [9, 8, 7] {
            web.buy("MUG", 1).unwrap();
            shops.pass(1).await;
            all_show(&mut shops, &source, &web, left, zone).await;
        }
    }
}

// More orders than a page holds, many of one second: none is missed and none counts twice.
#[tokio::test(start_paused = true)]
async fn many_orders_of_one_second_all_count() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 1000)]);
    let web = shops.woocommerce("web", Role::Target, &[("MUG", 1000)]);
    shops.start().await;
    for _ in 0..230 {
        web.buy("MUG", 1).unwrap();
    }
    shops.pass(5).await;
    for _ in 0..40 {
        web.buy("MUG", 1).unwrap();
        shops.pass(1).await;
    }
    all_show(&mut shops, &source, &web, 730, "270 orders").await;
}
