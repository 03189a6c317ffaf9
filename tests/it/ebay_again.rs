//! What eys ended at eBay when it sold out, and puts up again when stock returns: a new listing under a new number, which
//! takes the place of the old one at once.

use std::time::Duration;

use eys::domain::policy::ZeroStock;
use eys::domain::{Level, LineHold, Role, Why};
use eys::engine::{Options, PushEnd, Report};

use crate::ebay_shops::{is_clean, mug};
use crate::findings::finds;
use crate::shops::{Shops, held_sales, lost_answers, name};
use crate::sim::ebay::{Ebay, EbaySpec};
use crate::sim::{Deed, Event, Rule, ShopHandle, Trouble, Who};

/// Opens a source and an account at eBay that follows it, with a mug of either model that was ended when it sold out.
pub async fn ended_in(mut shops: Shops, inventory: bool) -> (Shops, ShopHandle, ShopHandle) {
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let bay = shops.ebay_of(Role::Target, &EbaySpec::new("bay", &[]).with(mug(inventory)));
    shops.lane("bay").zero_stock = ZeroStock::End;
    shops.start().await;
    source.buy("MUG", 10).unwrap();
    shops.pass(120).await;
    shops.rest().await;
    assert!(!bay.for_sale("MUG"));
    (shops, source, bay)
}

/// The same, with six back on the source.
async fn back_in_stock(inventory: bool) -> (Shops, ShopHandle, ShopHandle) {
    let (shops, source, bay) = ended_in(Shops::new(), inventory).await;
    source.owner_sets("MUG", 6);
    shops.pass(120).await;
    (shops, source, bay)
}

/// Counts how often eys put something up again at eBay.
pub fn put_up(shops: &Shops) -> usize {
    let by_us =
        |event: &Event| matches!(&event.deed, Deed::Listing { who: Who::App, what, .. } if what == "Live at eBay");
    shops.market.events().iter().filter(|event| by_us(event)).count()
}

/// Names the listings at eBay that follow.
pub fn following(shops: &Shops) -> Vec<String> {
    let linked = shops.store.read(|tx| tx.linked_keys(&name("bay"))).unwrap();
    linked.into_iter().map(|(_, key)| key.to_string()).collect()
}

/// The call that puts something up again, by the interface that it was made through.
fn putting_up(inventory: bool) -> &'static str {
    if inventory { "publishOffer" } else { "RelistFixedPriceItem" }
}

/// Counts the calls that would put something up again.
fn tries(bay: &ShopHandle) -> usize {
    bay.calls().iter().filter(|call| [putting_up(false), putting_up(true)].contains(&call.operation.as_str())).count()
}

fn told(report: &Report) -> Vec<(Option<Level>, i64, PushEnd)> {
    report.pushes.iter().map(|push| (push.from, push.to.units(), push.end.clone())).collect()
}

// proves Z1, L2, X8: what was ended since it was sold out is put up again under a number of its own, which follows in the
// same run; a sale there counts at once, and the old number never comes back. The run tells what is shown, not what is
// offered.
#[tokio::test(start_paused = true)]
async fn what_comes_back_follows_in_the_same_run() {
    for inventory in [false, true] {
        let about = format!("Inventory model: {inventory}");
        let (mut shops, source, bay) = back_in_stock(inventory).await;
        let old = bay.item_id("MUG");
        let report = shops.sync().await;
        is_clean(&report);
        // An offer comes back with the 0 that it was withdrawn with, a classic listing with one unit.
        let first = Level(i64::from(!inventory));
        let pushes = [(Some(Level(0)), first.0, PushEnd::ShownAgain), (Some(first), 6, PushEnd::Done)];
        assert_eq!(told(&report), pushes, "{about}");
        let new = bay.item_id("MUG");
        assert_ne!(new, old);
        assert_eq!((bay.available("MUG"), put_up(&shops), following(&shops)), (6, 1, vec![new.clone()]), "{about}");
        let story = shops.store.read(|tx| tx.ledger_of_run(report.run.unwrap())).unwrap();
        let notes = |why| story.iter().filter(move |entry| entry.movement.why == why).map(|e| e.movement.note.clone());
        assert_eq!(notes(Why::ShownAgain).collect::<Vec<_>>(), [Some(new.clone())]);
        assert_eq!(notes(Why::Unlinked).collect::<Vec<_>>(), [Some(format!("{new} took its place"))]);
        for code in ["relisted", "listing-gone", "not-linked", "duplicate-sku", "open-intent"] {
            assert!(!finds(&shops, "bay", code).await, "{code}, {about}");
        }
        bay.buy("MUG", 2).unwrap();
        shops.pass(900).await;
        assert_eq!(held_sales(&shops.sync().await), [None]);
        assert_eq!((source.available("MUG"), bay.available("MUG")), (4, 4), "{about}");
        // What comes back a second time is the new one.
        source.owner_sets("MUG", 0);
        shops.rest().await;
        assert!(!bay.for_sale("MUG"), "{about}");
        source.owner_sets("MUG", 3);
        shops.rest().await;
        assert_eq!((bay.available("MUG"), put_up(&shops), following(&shops)), (3, 2, vec![bay.item_id("MUG")]));
    }
}

// proves Z4, Z1: without the owner's word on fees nothing is put up again, and that is told.
#[tokio::test(start_paused = true)]
async fn what_may_cost_a_fee_is_told_and_left_alone() {
    for inventory in [false, true] {
        let mut shops = Shops::new();
        shops.fees = false;
        let (mut shops, source, bay) = ended_in(shops, inventory).await;
        source.owner_sets("MUG", 6);
        for _ in 0..3 {
            shops.pass(3600).await;
            shops.sync().await;
        }
        assert_eq!((bay.for_sale("MUG"), tries(&bay)), (false, 0), "Inventory model: {inventory}");
        let told = shops.standing();
        assert!(told.iter().any(|told| told.message.contains("insertion fee")), "{told:?}");
    }
}

// proves X8, Z4, F6, L2: a run that dies at any moment of showing again leaves nothing that is put up twice, or that does
// not follow.
#[tokio::test(start_paused = true)]
async fn a_showing_that_dies_at_any_moment_is_made_once() {
    for (nth, inventory) in (0..50).flat_map(|nth| [(nth, false), (nth, true)]) {
        let about = format!("killed after {} ms, Inventory model: {inventory}", 85 * nth);
        let (mut shops, source, bay) = back_in_stock(inventory).await;
        shops.market.set_latency(Duration::from_millis(150));
        shops.killed_after(Duration::from_millis(85 * nth)).await;
        // The next process begins while the last call may still be on its way.
        shops.sync().await;
        shops.until_rest().await;
        assert_eq!((put_up(&shops), tries(&bay), following(&shops)), (1, 1, vec![bay.item_id("MUG")]), "{about}");
        assert_eq!((source.available("MUG"), bay.available("MUG")), (6, 6), "{about}");
    }
}

// proves X6, X8, Z4: what may still be on its way is not put up once more.
#[tokio::test(start_paused = true)]
async fn a_showing_on_its_way_is_not_made_again() {
    for (inventory, seconds) in [(false, 40), (true, 40), (false, 100), (true, 100)] {
        let about = format!("after {seconds} seconds, Inventory model: {inventory}");
        let (mut shops, _, bay) = back_in_stock(inventory).await;
        let slow = Trouble::Slow(Duration::from_secs(seconds));
        shops.market.trouble(Rule::once(slow).at("bay").on(putting_up(inventory)));
        shops.killed_after(Duration::from_secs(10)).await;
        assert_eq!((put_up(&shops), tries(&bay)), (0, 1), "{about}");
        let report = shops.sync().await;
        let waits = |end: &PushEnd| matches!(end, PushEnd::Pending(why) if why.contains("looked up first"));
        assert!(report.exit() == 3 && report.pushes.iter().any(|push| waits(&push.end)), "{about}: {report:?}");
        shops.until_rest().await;
        assert_eq!((put_up(&shops), tries(&bay), following(&shops)), (1, 1, vec![bay.item_id("MUG")]), "{about}");
        assert_eq!(bay.available("MUG"), 6, "{about}");
    }
}

// proves X8, Z4, L2, O5, P2: a showing whose answer is lost is looked up and follows; what was sold meanwhile counts as soon
// as that is known, and waits for nobody.
#[tokio::test(start_paused = true)]
async fn a_showing_without_an_answer_is_looked_up() {
    for (trouble, inventory) in
        lost_answers().into_iter().flat_map(|trouble| [(trouble.clone(), false), (trouble, true)])
    {
        let about = format!("{trouble:?}, Inventory model: {inventory}");
        let (mut shops, source, bay) = back_in_stock(inventory).await;
        shops.market.trouble(Rule::once(trouble).at("bay").on(putting_up(inventory)));
        shops.sync().await;
        let sold = put_up(&shops) == 1 && !inventory && bay.available("MUG") == 1;
        if sold {
            bay.buy("MUG", 1).unwrap();
            shops.pass(900).await;
            assert_eq!(held_sales(&shops.sync().await), [None], "{about}");
        }
        shops.until_rest().await;
        assert_eq!((put_up(&shops), following(&shops)), (1, vec![bay.item_id("MUG")]), "{about}");
        let left = 6 - i64::from(sold);
        assert_eq!((source.available("MUG"), bay.available("MUG")), (left, left), "{about}");
        assert!(!finds(&shops, "bay", "held-lines").await && !finds(&shops, "bay", "open-intent").await, "{about}");
    }
}

// proves O5, P2: a unit of it that is bought and not paid, before it was known that it is ours, is spoken for.
#[tokio::test(start_paused = true)]
async fn what_is_bought_there_before_it_is_known_is_kept_back() {
    let (mut shops, _, bay) = back_in_stock(false).await;
    shops.market.trouble(Rule::once(Trouble::LostAfter).at("bay").on(putting_up(false)));
    shops.sync().await;
    let order = bay.buy_unpaid(&[("MUG", 1)]).unwrap();
    shops.until_rest().await;
    assert_eq!((bay.available("MUG"), following(&shops)), (5, vec![bay.item_id("MUG")]));
    bay.pay(order);
    shops.pass(900).await;
    shops.rest().await;
    assert_eq!(bay.available("MUG"), 5);
}

// proves O5, L2: what was sold there before it is known that it is ours, and counts by its owner's word, is not spoken for
// once more.
#[tokio::test(start_paused = true)]
async fn what_its_owner_counted_before_it_is_known_is_not_kept_back() {
    let (mut shops, source, bay) = back_in_stock(false).await;
    shops.market.trouble(Rule::once(Trouble::LostAfter).at("bay").on(putting_up(false)));
    shops.sync().await;
    bay.buy("MUG", 1).unwrap();
    shops.market.trouble(Rule::always(Trouble::Status(503)).at("bay").on("GetItem"));
    shops.pass(900).await;
    assert_eq!(held_sales(&shops.sync().await), [Some(LineHold::Relisted)]);
    shops.sync_with(Options { count_missed: vec![name("bay")], ..Options::default() }).await;
    assert_eq!(source.available("MUG"), 5);
    shops.market.peace();
    shops.until_rest().await;
    assert_eq!((bay.available("MUG"), following(&shops)), (5, vec![bay.item_id("MUG")]));
}

// proves L2, X8: also where a run had read the new listing before it knew that it is ours; what its owner tied already is
// left as it is.
#[tokio::test(start_paused = true)]
async fn what_was_read_before_it_is_known_follows_too() {
    for (inventory, accepted) in [(false, false), (true, false), (false, true), (true, true)] {
        let about = format!("accepted: {accepted}, Inventory model: {inventory}");
        let (mut shops, _, bay) = back_in_stock(inventory).await;
        let old = bay.item_id("MUG");
        shops.market.trouble(Rule::once(Trouble::LostAfter).at("bay").on(putting_up(inventory)));
        shops.sync().await;
        shops.market.trouble(Rule::always(Trouble::Status(503)).at("bay").on("GetItem"));
        shops.pass(120).await;
        shops.sync_with(Options { full: true, ..Options::default() }).await;
        assert_eq!(following(&shops), [old], "{about}");
        shops.market.peace();
        if accepted {
            assert_eq!(shops.accept().await, 1, "{about}");
        }
        shops.until_rest().await;
        assert_eq!((put_up(&shops), tries(&bay), following(&shops)), (1, 1, vec![bay.item_id("MUG")]), "{about}");
        assert_eq!(bay.available("MUG"), 6, "{about}");
    }
}

// proves L2, Z4: what its owner put up again is proposed to him, no more, and not put up a second time.
#[tokio::test(start_paused = true)]
async fn what_its_owner_put_up_again_is_only_proposed() {
    for (inventory, full) in [(false, false), (true, false), (false, true), (true, true)] {
        let about = format!("full: {full}, Inventory model: {inventory}");
        let (mut shops, source, bay) = ended_in(Shops::new(), inventory).await;
        let old = bay.item_id("MUG");
        let new = bay.relist("MUG");
        source.owner_sets("MUG", 6);
        for _ in 0..2 {
            shops.pass(3600).await;
            shops.sync_with(Options { full, ..Options::default() }).await;
        }
        assert_eq!((tries(&bay), bay.available("MUG"), following(&shops)), (0, 0, vec![old]), "{about}");
        assert!(finds(&shops, "bay", "relisted").await, "{about}");
        assert_eq!(shops.accept().await, 1, "{about}");
        shops.rest().await;
        assert_eq!((tries(&bay), bay.available("MUG"), following(&shops)), (0, 6, vec![new]), "{about}");
    }
}

// proves Z1, P1: an offer that was withdrawn with units on it, since no 0 could be written, is published with one that is
// sure to be there, and gets its number then; where eBay does not let it be lowered, it is not published.
#[tokio::test(start_paused = true)]
async fn an_offer_is_not_published_with_units_that_are_gone() {
    for refused in [false, true] {
        let mut shops = Shops::new();
        let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
        let bay = shops.ebay_of(Role::Target, &EbaySpec::new("bay", &[]).with(mug(true)));
        bay.face(|face: &mut Ebay| face.out_of_stock_control = false);
        shops.lane("bay").zero_stock = ZeroStock::End;
        shops.start().await;
        source.buy("MUG", 10).unwrap();
        for _ in 0..2 {
            shops.pass(120).await;
            shops.sync().await;
        }
        assert_eq!((bay.for_sale("MUG"), bay.available("MUG")), (false, 10));
        source.owner_sets("MUG", 3);
        shops.pass(120).await;
        if refused {
            shops.market.trouble(Rule::always(Trouble::Refuse("25002")).at("bay").on("bulkUpdatePriceQuantity"));
            for _ in 0..3 {
                shops.pass(3600).await;
                shops.sync().await;
            }
            assert_eq!((bay.for_sale("MUG"), put_up(&shops)), (false, 0));
            let told = shops.standing();
            assert!(told.iter().any(|told| told.message.contains("could not be shown again")), "{told:?}");
            continue;
        }
        let report = shops.sync().await;
        let pushes = [(Some(Level(0)), 1, PushEnd::ShownAgain), (Some(Level(1)), 3, PushEnd::Done)];
        assert_eq!(told(&report), pushes);
        assert_eq!((bay.available("MUG"), following(&shops)), (3, vec![bay.item_id("MUG")]));
    }
}
