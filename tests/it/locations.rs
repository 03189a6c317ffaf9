//! A source whose stock lies at several locations: where sales are taken off, where units return, and which locations count.

use std::time::Duration;

use eys::domain::Role;

use crate::shops::{Shops, lost_answers};
use crate::sim::{Rule, ShopHandle};

/// Opens a shop with one mug in the main location and five in the annex, followed by an outlet.
async fn two_locations() -> (Shops, ShopHandle, ShopHandle, [u64; 2]) {
    let mut shops = Shops::new();
    shops.on_disk();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 1)]);
    let annex = source.add_location("Annex");
    source.stock_at("MUG", annex, 5);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    assert_eq!(outlet.available("MUG"), 6);
    let main = source.first_location();
    (shops, source, outlet, [main, annex])
}

fn mugs(source: &ShopHandle, places: [u64; 2]) -> [i64; 2] {
    places.map(|place| source.available_at("MUG", place))
}

// proves L1: sales are taken off the first location with enough, else of one after the other; what is cancelled returns to
// where it was taken off.
#[tokio::test(start_paused = true)]
async fn units_return_to_the_location_they_were_taken_off() {
    let (mut shops, source, outlet, places) = two_locations().await;
    let first = outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    assert_eq!(mugs(&source, places), [1, 2], "the annex has enough");
    let second = outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    assert_eq!(mugs(&source, places), [0, 0], "neither has");
    outlet.cancel(first, true);
    shops.rest().await;
    assert_eq!((mugs(&source, places), outlet.available("MUG")), ([0, 3], 3));
    outlet.cancel(second, true);
    shops.rest().await;
    assert_eq!((mugs(&source, places), outlet.available("MUG")), ([1, 5], 6));
}

// proves L1, X2: the same where answers are lost, and where the process dies at any moment.
#[tokio::test(start_paused = true)]
async fn units_return_once_whatever_becomes_of_the_answer() {
    for trouble in lost_answers() {
        let (mut shops, source, outlet, places) = two_locations().await;
        let order = outlet.buy("MUG", 3).unwrap();
        shops.rest().await;
        outlet.cancel(order, true);
        shops.pass(120).await;
        shops.market.trouble(Rule::once(trouble.clone()).at("shop").writing());
        shops.sync().await;
        shops.market.peace();
        shops.rest().await;
        assert_eq!(mugs(&source, places), [1, 5], "{trouble:?}");
    }
    for moment in (0..14).map(|nth| Duration::from_millis(nth * 150)) {
        let (mut shops, source, outlet, places) = two_locations().await;
        let order = outlet.buy("MUG", 3).unwrap();
        shops.market.set_latency(Duration::from_millis(100));
        shops.pass(120).await;
        shops.killed_after(moment).await;
        shops.restart();
        shops.rest().await;
        assert_eq!(mugs(&source, places), [1, 2], "killed after {moment:?}");
        outlet.cancel(order, true);
        shops.pass(120).await;
        shops.killed_after(moment).await;
        shops.restart();
        shops.rest().await;
        assert_eq!(mugs(&source, places), [1, 5], "killed after {moment:?}");
    }
}

// proves L1: where a cancelled sale and a new one cancel out, nothing is sent, and what is cancelled later returns to where
// the first was taken off.
#[tokio::test(start_paused = true)]
async fn what_cancels_out_keeps_its_place() {
    let (mut shops, source, outlet, places) = two_locations().await;
    let first = outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    outlet.cancel(first, true);
    let second = outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    assert_eq!((mugs(&source, places), outlet.available("MUG")), ([1, 2], 3));
    outlet.cancel(second, true);
    shops.rest().await;
    assert_eq!((mugs(&source, places), outlet.available("MUG")), ([1, 5], 6));
}

// proves L1, P1: where no location that counts sells any more, another one does not take its place.
#[tokio::test(start_paused = true)]
async fn no_other_location_takes_the_place_of_a_closed_one() {
    let (mut shops, source, outlet, places) = two_locations().await;
    let cellar = source.add_location("Cellar");
    source.stock_at("MUG", cellar, 30);
    for place in places {
        source.close_location(place, true);
    }
    shops.connect_anew();
    shops.pass(120).await;
    let report = shops.sync().await;
    let told = format!("{:?}", report.lanes);
    assert!(told.contains("no location whose stock counts fulfils online orders any more"), "{told}");
    for place in places {
        source.close_location(place, false);
    }
    shops.connect_anew();
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 6);
}

// proves L1: a location that is named twice counts once.
#[tokio::test(start_paused = true)]
async fn a_location_that_is_named_twice_counts_once() {
    let (mut shops, _, outlet, places) = two_locations().await;
    shops.set_locations("shop", &["Main", "Annex", "Main", &places[1].to_string()]);
    shops.pass(25 * 3600).await;
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 6);
}

// proves L1: what was taken off a location that no longer counts returns to the first.
#[tokio::test(start_paused = true)]
async fn units_of_a_closed_location_return_to_the_first() {
    let (mut shops, source, outlet, places) = two_locations().await;
    let order = outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    source.close_location(places[1], true);
    shops.connect_anew();
    outlet.cancel(order, true);
    shops.rest().await;
    assert_eq!(mugs(&source, places), [4, 2]);
    assert_eq!(outlet.available("MUG"), 4, "what lies in a closed location is not sold");
    source.close_location(places[1], false);
    shops.connect_anew();
    shops.pass(25 * 3600).await;
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 6, "it counts again when it opens");
}

// proves L1: a new location joins when the owner says so, and not before: neither is its stock offered, nor a sale taken
// off there.
#[tokio::test(start_paused = true)]
async fn a_new_location_joins_by_the_owners_word() {
    let (mut shops, source, outlet, places) = two_locations().await;
    let cellar = source.add_location("Cellar");
    source.stock_at("MUG", cellar, 30);
    shops.connect_anew();
    shops.pass(25 * 3600).await;
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 6);
    outlet.buy("MUG", 6).unwrap();
    shops.rest().await;
    assert_eq!((mugs(&source, places), source.available_at("MUG", cellar)), ([0, 0], 30));
    let told = |shops: &Shops| {
        let standing = shops.standing();
        standing
            .into_iter()
            .filter(|trouble| trouble.code == "noticed")
            .map(|trouble| trouble.message)
            .collect::<Vec<_>>()
    };
    assert!(matches!(&told(&shops)[..], [one] if one.contains("Cellar")), "{:?}", told(&shops));
    shops.set_locations("shop", &["Cellar", "Main"]);
    shops.rest().await;
    assert_eq!(told(&shops), Vec::<String>::new());
    assert_eq!(outlet.available("MUG"), 30);
    // What the owner named counts on, should the names be left out again.
    shops.set_locations("shop", &[]);
    shops.pass(25 * 3600).await;
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 30);
}
