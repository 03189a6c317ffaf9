//! What `doctor` finds at eBay and Etsy: what provokes it, and that its mend clears it.

use std::collections::BTreeSet;

use eys::channel::Weight;
use eys::domain::Role;
use eys::engine::checkup::Finding;

use crate::browser::{browse, consent};
use crate::findings::{finds, gone, said, told};
use crate::shops::Shops;
use crate::sim::ShopHandle;
use crate::sim::ebay::{Ebay, EbaySpec, ListingSpec};
use crate::sim::etsy::{Etsy, ListingSpec as EtsyListing, PROFILE};
use crate::sim::{Good, Market, Rule, Trouble};
use crate::support::Home;

/// Provokes a finding, or mends it.
type Turn = fn(&ShopHandle, bool);

/// Longer than any token lives: what the consent covers shows with the next one.
const TOKENS_END: u64 = 3 * 3600;

/// Provokes findings one by one, and mends them; returns what was said of them.
async fn each_is_found_and_mended(
    shops: &mut Shops,
    channel: &str,
    shop: &ShopHandle,
    turns: &[(&str, Turn)],
) -> String {
    let mut words = String::new();
    for (code, turn) in turns {
        turn(shop, true);
        shops.pass(TOKENS_END).await;
        let found = told(shops, channel, code).await;
        assert!(!found.is_empty(), "{code}");
        words += &found;
        turn(shop, false);
        shops.pass(TOKENS_END).await;
        assert!(!finds(shops, channel, code).await, "{code}");
    }
    words
}

fn put(held: &mut BTreeSet<String>, what: &str, on: bool) {
    if on {
        held.insert(what.to_owned());
    } else {
        held.remove(what);
    }
}

// finds listing-without-sku, variation-without-sku, listing-on-hold, offer-on-hold, stock-by-warehouse
#[tokio::test(start_paused = true)]
async fn what_is_odd_at_ebay_is_mended_there() {
    let turns: [(&str, Turn); 5] = [
        ("listing-without-sku", |shop, on| if on { shop.rename_sku("VASE", "") } else { shop.rename_sku("", "VASE") }),
        (
            "variation-without-sku",
            |shop, on| if on { shop.rename_sku("TEE-M", "") } else { shop.rename_sku("", "TEE-M") },
        ),
        ("listing-on-hold", |shop, on| shop.face(|face: &mut Ebay| put(&mut face.on_hold, "VASE", on))),
        ("offer-on-hold", |shop, on| shop.face(|face: &mut Ebay| put(&mut face.on_hold, "MUG", on))),
        ("stock-by-warehouse", |shop, on| shop.face(|face: &mut Ebay| put(&mut face.distributed, "MUG", on))),
    ];
    let mut shops = Shops::new();
    let tee = ListingSpec::varied("Tee", &[Good::new("TEE-S", 2), Good::new("TEE-M", 3)]);
    let spec = EbaySpec::new("bay", &[("VASE", 2)]).with(ListingSpec::single("MUG", 5).inventory()).with(tee);
    let bay = shops.ebay_of(Role::Target, &spec);
    shops.csv("list", Role::Source, &[("MUG", 5), ("VASE", 2), ("TEE-S", 2), ("TEE-M", 3)]);
    shops.start().await;
    insta::assert_snapshot!("doctor_at_ebay", each_is_found_and_mended(&mut shops, "bay", &bay, &turns).await);
}

// finds calls-left
#[tokio::test(start_paused = true)]
async fn a_day_of_which_few_calls_are_left_at_ebay_is_told_till_there_are_more() {
    let mut shops = Shops::new();
    let bay = shops.ebay("bay", Role::Target, &[("MUG", 5)]);
    shops.csv("list", Role::Source, &[("MUG", 5)]);
    shops.start().await;
    for _ in 0..20 {
        shops.checkup().await;
    }
    let allow = |more: usize| {
        let now = bay.market().now();
        bay.face(|face: &mut Ebay| {
            let used = face.quotas.used(now, "tradingapi");
            face.quotas.a_day.insert("tradingapi", used + more);
        });
    };
    allow(10);
    insta::assert_snapshot!("doctor_of_few_calls_at_ebay", told(&shops, "bay", "calls-left").await);
    allow(5_000);
    assert!(!finds(&shops, "bay", "calls-left").await);
}

// finds selling-limit
#[tokio::test(start_paused = true)]
async fn what_an_account_at_ebay_may_sell_is_told_and_near_it_that_raises_may_be_refused() {
    let mut shops = Shops::new();
    let bay = shops.ebay("bay", Role::Target, &[("MUG", 5), ("BOWL", 4)]);
    shops.csv("list", Role::Source, &[("MUG", 5), ("BOWL", 4)]);
    shops.start().await;
    let found = async |shops: &Shops| {
        let all = shops.checkup().await.findings;
        let about = |finding: &&Finding| finding.code == "selling-limit";
        let about: Vec<(Weight, String)> = all.iter().filter(about).map(|f| (f.weight, f.message.clone())).collect();
        (about, all)
    };
    let fine = |words: &str| vec![(Weight::Fine, words.to_owned())];
    assert_eq!(found(&shops).await.0, fine("eBay sets no limit on what the account sells"));
    bay.face(|face: &mut Ebay| face.selling_limit = Some(500));
    let words = "units that the account may sell in a month: 500, for up to 25000.00 USD; its listings offer 9";
    assert_eq!(found(&shops).await.0, fine(words));
    bay.face(|face: &mut Ebay| face.selling_limit = Some(10));
    insta::assert_snapshot!(told(&shops, "bay", "selling-limit").await, @"
    Note selling-limit: units that the account may sell in a month: 10, for up to 25000.00 USD; its listings offer 9
      next: eBay may refuse raises; Seller Hub, Overview, Monthly limits, asks for a higher limit
    ");
    bay.face(|face: &mut Ebay| face.selling_limit = Some(11));
    assert!(!finds(&shops, "bay", "selling-limit").await);
    // Where eBay refuses to say it, all else is looked at as ever.
    let whole = found(&shops).await.1.len();
    shops.market.trouble(Rule::always(Trouble::Denied("sell.account")).at("bay").on("getPrivileges"));
    let (about, all) = found(&shops).await;
    assert_eq!((about.len(), all.len()), (0, whole));
    assert!(told(&shops, "bay", "unseen").await.contains("how much the account may sell"), "{all:?}");
}

// finds stock-by-warehouse
#[tokio::test(start_paused = true)]
async fn of_many_that_are_kept_by_warehouse_it_is_told_that_they_are() {
    let goods: Vec<String> = (0..230).map(|nth| format!("SKU-{nth:03}")).collect();
    let tee = ListingSpec::varied("Tee", &[Good::new("TEE-S", 2), Good::new("TEE-M", 3)]).inventory();
    let spec =
        goods.iter().fold(EbaySpec::new("bay", &[]), |spec, sku| spec.with(ListingSpec::single(sku, 5).inventory()));
    let mut shops = Shops::new();
    let bay = shops.ebay_of(Role::Target, &spec.with(tee));
    shops.csv("list", Role::Source, &[("SKU-000", 5)]);
    let apart = async |shops: &Shops, skus: &[String]| {
        bay.face(|face: &mut Ebay| face.distributed = skus.iter().cloned().collect());
        told(shops, "bay", "stock-by-warehouse").await
    };
    insta::assert_snapshot!(apart(&shops, &goods[205..]).await, @"
    Note stock-by-warehouse: more than 20 listings keep their stock by warehouse; eys leaves their numbers alone
      next: let the program that keeps it go on, and exclude it by a rule
    ");
    // Few are named, wherever in the list they stand, a variation too.
    let words = apart(&shops, &[goods[229].clone(), "TEE-M".to_owned()]).await;
    for named in [bay.item_id("SKU-229"), format!("{}/TEE-M", bay.item_id("TEE-M"))] {
        assert!(words.contains(&format!("{named} keeps its stock by warehouse")), "{words}");
    }
    assert_eq!(words.lines().count(), 4, "{words}");
    assert_eq!(apart(&shops, &[]).await, "");
}

// finds scope-missing, out-of-stock-control-off
#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_at_ebay_lacks_is_consented_to_and_switched_on() {
    let market = Market::live(1);
    let bay = market.add_ebay(&EbaySpec::new("bay", &[("MUG", 1), ("BOWL", 1)]));
    let mut home = Home::new();
    home.list("stock", "source", "sku,quantity\nMUG,10\nBOWL,4\n");
    home.ebay("bay", "target", &bay).await;
    consent(&home, "bay", browse).is(0);
    home.eys("link --yes").is(0);
    bay.face(|face: &mut Ebay| face.out_of_stock_control = false);
    home.eys("doctor").has("out-of-stock control is off").has("`eys doctor --fix` switches it on");
    insta::assert_snapshot!("doctor_of_out_of_stock_control", said(&home, "out-of-stock-control-off"));
    home.eys("doctor --fix --yes").is(0);
    gone(&home, "out-of-stock-control-off");
    assert!(bay.face(|face: &mut Ebay| face.out_of_stock_control));
    // A consent that covers less than is needed, and then one that covers all.
    let now = market.now();
    let all = bay.face(|face: &mut Ebay| face.scopes.clone());
    bay.face(|face: &mut Ebay| {
        face.scopes.retain(|scope| !scope.ends_with("sell.account"));
        face.expire_tokens(now);
    });
    home.eys("doctor").has("the consent lacks the scope sell.account");
    bay.face(|face: &mut Ebay| {
        face.scopes = all;
        face.expire_tokens(now);
    });
    consent(&home, "bay", browse).is(0);
    gone(&home, "scope-missing");
}

// finds scope-missing, listing-without-sku, mixed-skus, parenthesis, quantity-at-most, sold-out, calls-left
// finds quantity-unclear, processing-profile-missing
#[tokio::test(start_paused = true)]
async fn what_is_odd_at_etsy_is_mended_there() {
    let turns: [(&str, Turn); 9] = [
        ("scope-missing", |shop, on| shop.face(|face: &mut Etsy| put(&mut face.scopes, "listings_w", !on))),
        ("listing-without-sku", |shop, on| if on { shop.rename_sku("VASE", "") } else { shop.rename_sku("", "VASE") }),
        ("mixed-skus", |shop, on| {
            if on {
                shop.add_etsy_listing(&EtsyListing::shared("Mat", 5, &["MAT-S", "MAT-L"]));
            } else {
                shop.rename_sku("MAT-L", "MAT-S");
            }
        }),
        ("parenthesis", |shop, on| {
            if on {
                let goods = [Good::new("CAP-S", 2), Good::new("CAP-M", 3)];
                shop.add_etsy_listing(&EtsyListing::varied("Cap", &goods).with_parentheses());
            } else {
                shop.delete("CAP-S");
            }
        }),
        ("quantity-unclear", |shop, on| {
            if on {
                shop.add_etsy_listing(&EtsyListing::shared("Rug", 5, &["RUG", "RUG-2"]));
            }
            shop.face(|face: &mut Etsy| put(&mut face.contradicting, "RUG-2", on));
        }),
        ("processing-profile-missing", |shop, on| shop.owner_profiles("VASE", (!on).then_some(PROFILE))),
        ("quantity-at-most", |shop, on| shop.owner_sets("MUG", if on { 999 } else { 5 })),
        ("sold-out", |shop, on| {
            if on {
                shop.buy("BOWL", 4).unwrap();
            } else {
                shop.owner_sets("BOWL", 4);
                shop.owner_reactivates("BOWL");
            }
        }),
        ("calls-left", |shop, on| {
            shop.face(|face: &mut Etsy| face.private.a_day = if on { face.private.used() + 12 } else { 5_000 });
        }),
    ];
    let mut shops = Shops::new();
    let stall = shops.etsy("stall", Role::Target, &[("MUG", 5), ("VASE", 2), ("BOWL", 4)]);
    shops.csv("list", Role::Source, &[("MUG", 5), ("VASE", 2), ("BOWL", 4)]);
    shops.start().await;
    insta::assert_snapshot!("doctor_at_etsy", each_is_found_and_mended(&mut shops, "stall", &stall, &turns).await);
}
