//! A WooCommerce source that loses changes under load: it reads a number, takes its time, and writes what it made of it
//! over whatever came between. What is lost so is found in the same run, and sent once more (X4).

use std::time::Duration;

use eys::domain::{Role, Why};
use eys::engine::{Adjusted, Report};
use serde_json::json;

use crate::shops::{Shops, name, troubles};
use crate::sim::woocommerce::WooCommerce;
use crate::sim::{Deed, Rule, ShopHandle, Trouble, Who};
use crate::woo_line::batch;

/// How long a save of the source takes: what is done in this time after a deduction was sent is in its way.
const SAVE: Duration = Duration::from_secs(2);

/// A source at 10, and an outlet that has just sold two.
async fn two_sold() -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    let source = shops.woocommerce("mugs", Role::Source, &[("MUG", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 10)]);
    shops.start().await;
    source.face(|face: &mut WooCommerce| face.save_time = SAVE);
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    (shops, source, outlet)
}

/// Another program saves the product: it changes nothing, and writes the number that it has read.
async fn another_saves(source: &ShopHandle) {
    let item = json!([{ "id": source.woo_id("MUG"), "inventory_delta": 0 }]);
    batch(source.market(), "/products/batch", item).await;
}

async fn wait(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Sells one at the source, and lets another program save, each so many milliseconds from now.
async fn disturb(source: ShopHandle, sale: Option<u64>, save: Option<u64>) {
    let sold = async {
        if let Some(sale) = sale {
            wait(sale).await;
            source.buy("MUG", 1).unwrap();
        }
    };
    let saved = async {
        if let Some(save) = save {
            wait(save).await;
            another_saves(&source).await;
        }
    };
    tokio::join!(sold, saved);
}

/// Makes a run while something happens.
async fn sync_while(shops: &mut Shops, meanwhile: impl Future<Output = ()>) -> Report {
    let (report, ()) = tokio::join!(shops.sync(), meanwhile);
    report
}

/// What we took off the source, write by write, whatever became of it.
fn sent(source: &ShopHandle) -> Vec<i64> {
    let events = source.market().events();
    let ours = events.iter().filter(|event| event.shop == source.name()).filter_map(|event| match &event.deed {
        Deed::Adjusted { delta, key: Some(_), .. } => Some(*delta),
        _ => None,
    });
    ours.collect()
}

/// The most that we ever wrote to the outlet since it sold.
fn most_shown(outlet: &ShopHandle) -> Option<i64> {
    let events = outlet.market().events();
    let ours = events.iter().filter(|event| event.shop == outlet.name()).filter_map(|event| match &event.deed {
        Deed::Wrote { who: Who::App, to, .. } => Some(*to),
        _ => None,
    });
    ours.max()
}

/// What the ledger tells of the source for one reason: from which number to which.
fn changes(shops: &Shops, why: Why) -> Vec<(Option<i64>, Option<i64>)> {
    let entries = shops.store.read(|tx| {
        let listings: Vec<_> = tx.listings(&name("mugs"))?.into_iter().map(|known| known.id).collect();
        tx.ledger(&listings, 100)
    });
    let told = entries.unwrap().into_iter().map(|entry| entry.movement).filter(|entry| entry.why == why);
    told.map(|entry| (entry.from, entry.to)).collect()
}

fn is_clean(report: &Report) {
    assert_eq!(troubles(report), Vec::<String>::new());
    assert!(report.deductions.iter().all(|deduction| deduction.end == Adjusted::Applied), "{:?}", report.deductions);
    assert_eq!(report.exit(), 0);
}

// proves X4, P1: a deduction that another program's save ran over is sent once more in the same run, is told, and at no
// moment offers the units anew.
#[tokio::test(start_paused = true)]
async fn a_deduction_that_was_run_over_is_sent_once_more() {
    for moment in [100, 1000, 1900] {
        let (mut shops, source, outlet) = two_sold().await;
        let report = sync_while(&mut shops, disturb(source.clone(), None, Some(moment))).await;
        is_clean(&report);
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8), "after {moment} ms");
        assert_eq!(sent(&source), [-2, -2]);
        assert_eq!(changes(&shops, Why::SentAgain), [(Some(10), Some(8))]);
        assert_eq!(most_shown(&outlet), None, "the units that came back for a moment were never offered");
        is_clean(&shops.rest().await);
        assert_eq!((source.available("MUG"), outlet.available("MUG"), sent(&source).len()), (8, 8, 2));
    }
}

// proves X4: what is not lost is not sent again.
#[tokio::test(start_paused = true)]
async fn a_deduction_that_holds_is_sent_once() {
    let (mut shops, source, outlet) = two_sold().await;
    is_clean(&shops.sync().await);
    source.buy("MUG", 1).unwrap();
    is_clean(&shops.rest().await);
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (7, 7));
    assert_eq!((sent(&source), changes(&shops, Why::SentAgain)), (vec![-2], vec![]));
}

// proves X4, W4: a sale of the shop's own that our write ran over is found by its order, whether the number was read
// long ago or a moment before.
#[tokio::test(start_paused = true)]
async fn a_sale_of_the_source_that_was_run_over_is_taken_off() {
    for before in [10, 12] {
        for moment in [50, 500, 1000, 1500, 1950] {
            let about = format!("from {before}, after {moment} ms");
            let (mut shops, source, outlet) = two_sold().await;
            source.owner_sets("MUG", before);
            // A number that was read a moment before is written to three seconds later.
            let sale = if before == 10 { moment } else { 3000 + moment };
            let report = sync_while(&mut shops, disturb(source.clone(), Some(sale), None)).await;
            is_clean(&report);
            shops.rest().await;
            let left = before - 3;
            assert_eq!((source.available("MUG"), outlet.available("MUG")), (left, left), "{about}");
            assert_eq!(changes(&shops, Why::SentAgain).len(), 1, "{about}");
        }
    }
}

// proves X4, W4: a sale of the very second in which the number was read is not lost, though it hides in a rise.
#[tokio::test(start_paused = true)]
async fn a_sale_that_hides_in_a_rise_is_taken_off_once() {
    for moment in (0..3000).step_by(150) {
        let (mut shops, source, outlet) = two_sold().await;
        source.face(|face: &mut WooCommerce| face.save_time = Duration::ZERO);
        shops.market.set_latency(Duration::from_millis(150));
        source.owner_sets("MUG", 20);
        let report = sync_while(&mut shops, disturb(source.clone(), Some(moment), None)).await;
        is_clean(&report);
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (17, 17), "sold after {moment} ms");
        assert_eq!(sent(&source), [-2], "sold after {moment} ms");
    }
}

// proves X4, W4, W3: a sale that the second reading of a change contains is not taken for lost by the next change.
#[tokio::test(start_paused = true)]
async fn a_sale_between_two_changes_is_taken_off_once() {
    for moment in (0..9000).step_by(300) {
        let (mut shops, source, outlet) = two_sold().await;
        let order = outlet.buy("MUG", 1).unwrap();
        shops.rest().await;
        source.face(|face: &mut WooCommerce| face.save_time = Duration::ZERO);
        outlet.cancel(order, true);
        shops.pass(60).await;
        let sold = async {
            wait(4000).await;
            outlet.buy("MUG", 2).unwrap();
        };
        let (report, (), ()) = tokio::join!(shops.sync(), disturb(source.clone(), Some(moment), None), sold);
        is_clean(&report);
        is_clean(&shops.sync().await);
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (5, 5), "sold after {moment} ms");
        assert_eq!(changes(&shops, Why::SentAgain), [], "sold after {moment} ms");
    }
}

// proves X4: both at once, our own deduction and a sale, each in the way of another.
#[tokio::test(start_paused = true)]
async fn a_sale_and_another_program_at_once_leave_the_right_number() {
    for (sale, save) in [(500, 1000), (1000, 500), (500, 500), (2500, 1500), (3000, 1500)] {
        let (mut shops, source, outlet) = two_sold().await;
        let report = sync_while(&mut shops, disturb(source.clone(), Some(sale), Some(save))).await;
        is_clean(&report);
        shops.rest().await;
        let about = format!("sold after {sale} ms, saved after {save} ms");
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (7, 7), "{about}: {:?}", sent(&source));
        assert_eq!(changes(&shops, Why::SentAgain).len(), 1, "{about}");
    }
}

// proves X4, W3: what was given back and got lost is given back once more.
#[tokio::test(start_paused = true)]
async fn what_was_given_back_and_lost_is_given_back_once_more() {
    let (mut shops, source, outlet) = two_sold().await;
    let order = outlet.buy("MUG", 3).unwrap();
    shops.rest().await;
    assert_eq!(source.available("MUG"), 5);
    outlet.cancel(order, true);
    shops.pass(120).await;
    let report = sync_while(&mut shops, disturb(source.clone(), None, Some(1000))).await;
    is_clean(&report);
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
    assert_eq!(changes(&shops, Why::SentAgain).len(), 1);
}

// proves X4, Y3: a difference that nothing lost can explain is the owner's, up and down.
#[tokio::test(start_paused = true)]
async fn a_larger_difference_is_the_owners() {
    for units in [25, 11, 3] {
        let (mut shops, source, outlet) = two_sold().await;
        let report = sync_while(&mut shops, async {
            wait(3000).await;
            source.owner_sets("MUG", units);
        })
        .await;
        assert_eq!(troubles(&report), Vec::<String>::new());
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (units, units));
        assert_eq!(changes(&shops, Why::OwnersChange), [(Some(8), Some(units))]);
        assert_eq!((sent(&source), changes(&shops, Why::SentAgain)), (vec![-2], vec![]), "{units}");
    }
}

// proves X4: what was sent once more is not sent a third time, in this run or a later one.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_a_third_time() {
    let (mut shops, source, outlet) = two_sold().await;
    let report = sync_while(&mut shops, async {
        for _ in 0..8 {
            wait(1000).await;
            another_saves(&source).await;
        }
    })
    .await;
    is_clean(&report);
    shops.rest().await;
    assert_eq!((sent(&source), changes(&shops, Why::SentAgain).len()), (vec![-2, -2], 1));
    assert_eq!(source.available("MUG"), outlet.available("MUG"), "what is there later is the owner's");
}

/// Makes runs until nothing is left to do, or the owner is asked; tells whether the owner is asked.
async fn until_rest(shops: &mut Shops) -> bool {
    for _ in 0..20 {
        shops.pass(120).await;
        let report = shops.sync().await;
        let doubt = troubles(&report).iter().any(|trouble| trouble.starts_with("in-doubt"));
        let quiet = report.deductions.is_empty() && report.pushes.is_empty() && report.sales.is_empty();
        if doubt || (quiet && report.exit() == 0) {
            assert_eq!(report.exit(), if doubt { 4 } else { 0 });
            return doubt;
        }
    }
    panic!("the shops do not come to rest: {:?}", troubles(&shops.sync().await));
}

// proves X4, X6, F6, P1: a run that dies at any moment of such a cycle, whether the next begins at once or later, ends
// with the right number everywhere, or asks its owner and offers no unit that is sold.
#[tokio::test(start_paused = true)]
async fn a_run_that_dies_while_it_confirms_oversells_nothing() {
    for (sale, save) in [(None, Some(1000)), (Some(1000), None), (Some(700), Some(1200))] {
        for nth in 0..240 {
            let (moment, at_once) = (Duration::from_millis(50 * nth), nth % 2 == 0);
            let about = format!("sale {sale:?}, save {save:?}, killed after {moment:?}, at once: {at_once}");
            let (mut shops, source, outlet) = two_sold().await;
            let deeds = tokio::spawn(disturb(source.clone(), sale, save));
            shops.killed_after(moment).await;
            if at_once {
                shops.sync().await;
            }
            deeds.await.unwrap();
            let asks = until_rest(&mut shops).await;
            let left = 8 - i64::from(sale.is_some());
            let (held, shown) = (source.available("MUG"), outlet.available("MUG"));
            assert!(shown <= left, "{about}: {shown} offered of {left}");
            assert!(asks || (held, shown) == (left, left), "{about}: {held} held, {shown} shown, {left} left");
        }
    }
}

// proves P5, X4: nothing is taken off a number that could not be read: what was sold since the last one would look like a
// change that the shop lost.
#[tokio::test(start_paused = true)]
async fn nothing_is_taken_off_a_number_that_cannot_be_read() {
    let (mut shops, source, outlet) = two_sold().await;
    // The owner puts five more there, and as many are sold: the number is the old one.
    source.owner_sets("MUG", 15);
    source.buy("MUG", 5).unwrap();
    shops.pass(120).await;
    shops.market.trouble(Rule::always(Trouble::NoNumbers).at("mugs").reading());
    let report = shops.sync().await;
    assert_eq!(source.available("MUG"), 10, "{:?}", report.deductions);
    assert!(matches!(&report.deductions[0].end, Adjusted::Pending(why) if why.contains("could not be read")));
    shops.market.peace();
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8));
}
