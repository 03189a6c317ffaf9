//! What runs cost a WooCommerce shop, counted in calls.

use eys::domain::Role;

use crate::shops::Shops;
use crate::sim::woocommerce::{Version, WooSpec};
use crate::sim::{Good, ShopHandle};

/// Adds variable products, each with so many variations, and returns the SKUs.
fn add_variations(web: &ShopHandle, products: usize, each: usize) -> Vec<String> {
    let mut skus = Vec::new();
    for product in 0..products {
        let goods: Vec<Good> = (0..each).map(|nth| Good::new(&format!("VAR-{product:02}-{nth:02}"), 10)).collect();
        web.add_product(&format!("Product {product}"), &goods);
        skus.extend(goods.into_iter().map(|good| good.sku));
    }
    skus
}

fn simple(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("SKU-{nth:04}")).collect()
}

fn with_units(skus: &[String]) -> Vec<(&str, i64)> {
    skus.iter().map(|sku| (sku.as_str(), 10)).collect()
}

/// 500 linked listings: 300 simple ones, and 40 products with 5 variations each.
async fn five_hundred(role: Role) -> (Shops, ShopHandle, ShopHandle, Vec<String>, Vec<String>) {
    let mut shops = Shops::new();
    let singles = simple(300);
    let web = shops.woocommerce("web", role, &with_units(&singles));
    let variations = add_variations(&web, 40, 5);
    let all: Vec<String> = singles.iter().chain(&variations).cloned().collect();
    let other = if role == Role::Source { Role::Target } else { Role::Source };
    let shop = shops.shopify("shop", other, &with_units(&all));
    shops.start().await;
    shops.pass(3600).await;
    shops.sync().await;
    shops.pass(60).await;
    shops.market.forget_calls();
    (shops, web, shop, singles, variations)
}

// proves Y5, Y6: nothing changed costs no write and two calls, as target and as source.
#[tokio::test(start_paused = true)]
async fn nothing_changed_costs_two_calls() {
    for role in [Role::Target, Role::Source] {
        let (mut shops, web, ..) = five_hundred(role).await;
        shops.sync().await;
        assert_eq!(Shops::calls(&web), (0, 2), "{role:?}: {:?}", web.calls());
    }
}

// proves Y6: 50 changed simple products are one writing call, and so are 50 variations of 40 products.
#[tokio::test(start_paused = true)]
async fn fifty_changes_are_one_writing_call() {
    let (mut shops, web, shop, singles, variations) = five_hundred(Role::Target).await;
    for sku in &singles[..50] {
        shop.owner_sets(sku, 7);
    }
    shops.pass(120).await;
    shops.market.forget_calls();
    assert_eq!(shops.sync().await.pushes.len(), 50);
    let (writes, calls) = Shops::calls(&web);
    assert!(writes == 1 && calls <= 6, "{:?}", web.calls());
    shops.pass(3600).await;
    shops.sync().await;
    // One of each of the 40 products, and a second one of ten.
    let changed = (0..40).map(|product| product * 5).chain((0..10).map(|product| product * 5 + 1));
    for nth in changed {
        shop.owner_sets(&variations[nth], 7);
    }
    shops.pass(120).await;
    shops.market.forget_calls();
    assert_eq!(shops.sync().await.pushes.len(), 50);
    let (writes, calls) = Shops::calls(&web);
    assert!(writes == 1 && calls <= 6, "{:?}", web.calls());
    assert!((0..40).all(|product| web.available(&variations[product * 5]) == 7));
}

// proves Y6, X1: 50 sales are taken off the source in one call for products and one for variations.
#[tokio::test(start_paused = true)]
async fn fifty_sales_are_taken_off_in_one_call_each() {
    let (mut shops, web, shop, singles, variations) = five_hundred(Role::Source).await;
    for sku in singles[..25].iter().chain(variations.iter().step_by(8)) {
        shop.buy(sku, 1).unwrap();
    }
    shops.pass(120).await;
    shops.market.forget_calls();
    shops.sync().await;
    assert_eq!(Shops::calls(&web).0, 2, "{:?}", web.calls());
    assert!(singles[..25].iter().chain(variations.iter().step_by(8)).all(|sku| web.available(sku) == 9));
}

// A first link reads products and variations in pages of a hundred; where the shop is too old for a list of all
// variations, each variable product costs a call.
#[tokio::test(start_paused = true)]
async fn a_first_link_reads_the_largest_pages() {
    for (version, least) in [(Version(10, 5, 0), 3 + 2), (Version(9, 4, 3), 3 + 1 + 20)] {
        let mut shops = Shops::new();
        let singles = simple(250);
        let spec = WooSpec { version, ..WooSpec::new("web", &with_units(&singles)) };
        let web = shops.woocommerce_of(Role::Source, &spec);
        let variations = add_variations(&web, 20, 10);
        let all: Vec<String> = singles.iter().chain(&variations).cloned().collect();
        shops.csv("list", Role::Target, &with_units(&all));
        shops.market.forget_calls();
        assert_eq!(shops.link().await, 450);
        assert_eq!(Shops::calls(&web), (0, least), "{version}: {:?}", web.calls());
    }
}

// proves P5: products that vanish while the list is read let others slide over the edge of a page; none is left out.
#[tokio::test(start_paused = true)]
async fn a_list_that_slides_while_it_is_read_is_read_again() {
    let mut shops = Shops::new();
    let singles = simple(250);
    let web = shops.woocommerce("web", Role::Source, &with_units(&singles));
    shops.csv("list", Role::Target, &with_units(&singles[5..]));
    shops.market.set_latency(std::time::Duration::from_millis(100));
    let market = shops.market.clone();
    let busy = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        for sku in simple(5) {
            market.shop("web").delete(&sku);
        }
    });
    assert_eq!(shops.link().await, 245);
    busy.await.unwrap();
    assert!(web.calls().len() <= 3 + 3, "{:?}", web.calls());
}
