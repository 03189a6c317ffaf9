//! Lost answers, processes that die, sources that are down: the numbers come out exact, or are said to be in doubt.

use std::time::Duration;

use eys::domain::{IntentState, Role};
use eys::engine::{LaneEnd, Options};
use eys::store::Tx;

use crate::shops::{Shops, lost_answers, name};
use crate::sim::shopify::{Replay, Shopify};
use crate::sim::{Rule, ShopHandle, Trouble};

async fn shopify_source() -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    shops.on_disk();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10), ("BOWL", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 10), ("BOWL", 10)]);
    shops.csv("list", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.start().await;
    (shops, source, outlet)
}

// proves X1, X2, F1: whatever becomes of the answer, a deduction is made once, also where a repeated key is answered
// with "stale".
#[tokio::test(start_paused = true)]
async fn a_deduction_whose_answer_is_lost_is_made_once() {
    for replay in [Replay::First, Replay::Stale, Replay::Forgotten] {
        for trouble in lost_answers() {
            for times in [1, 6] {
                let (mut shops, source, outlet) = shopify_source().await;
                source.face(|face: &mut Shopify| face.replay = replay);
                outlet.buy_many(&[("MUG", 2), ("BOWL", 1)]).unwrap();
                shops.pass(120).await;
                shops.market.trouble(Rule::once(trouble.clone()).times(times).at("shop").writing());
                shops.sync().await;
                shops.market.peace();
                shops.rest().await;
                let left = (source.available("MUG"), source.available("BOWL"), outlet.available("MUG"));
                assert_eq!(left, (8, 9, 8), "{replay:?} {trouble:?} × {times}");
                assert_eq!(shops.listed("list", "MUG"), 8, "{replay:?} {trouble:?} × {times}");
            }
        }
    }
}

// proves R1, F1: whatever becomes of the answer to a push, the listing shows the right number in the end.
#[tokio::test(start_paused = true)]
async fn a_push_whose_answer_is_lost_is_looked_up() {
    for trouble in lost_answers() {
        for times in [1, 6] {
            let (mut shops, source, outlet) = shopify_source().await;
            source.owner_sets("MUG", 4);
            shops.pass(120).await;
            shops.market.trouble(Rule::once(trouble.clone()).times(times).at("outlet").writing());
            shops.sync().await;
            shops.market.peace();
            shops.rest().await;
            assert_eq!(outlet.available("MUG"), 4, "{trouble:?} × {times}");
        }
    }
}

// proves X1, P4, F6: a process that dies at any moment of a run leaves a state from which the next one gets every number
// right.
#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_moment_is_finished_by_the_next() {
    let mut moment = Duration::ZERO;
    while moment < Duration::from_millis(2600) {
        let (mut shops, source, outlet) = shopify_source().await;
        shops.market.set_latency(Duration::from_millis(100));
        outlet.buy_many(&[("MUG", 2), ("BOWL", 1)]).unwrap();
        shops.list_order("list", "L-1", "MUG", 1, "open");
        shops.pass(120).await;
        shops.killed_after(moment).await;
        shops.restart();
        shops.rest().await;
        let left =
            (source.available("MUG"), source.available("BOWL"), outlet.available("MUG"), outlet.available("BOWL"));
        assert_eq!(left, (7, 9, 7, 9), "killed after {moment:?}");
        assert_eq!((shops.listed("list", "MUG"), shops.listed("list", "BOWL")), (7, 9), "killed after {moment:?}");
        moment += Duration::from_millis(50);
    }
}

// proves X1, X2: a call of which a part is closed as not done is never sent again for the rest, since it would do that part
// as well.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_closed_in_part_is_not_sent_again() {
    let (mut shops, source, outlet) = shopify_source().await;
    outlet.buy_many(&[("MUG", 2), ("BOWL", 1)]).unwrap();
    shops.pass(120).await;
    // Its only call that adjusts is lost on its way there, and no number can be read after it.
    shops.market.trouble(Rule::always(Trouble::LostBefore).at("shop").on("EysAdjust"));
    shops.market.trouble(Rule::always(Trouble::NoNumbers).at("shop").on("EysLevels"));
    shops.sync().await;
    shops.market.peace();
    let calls = shops.store.read(|tx| tx.unfinished_calls(&name("shop"))).unwrap();
    let [call] = &calls[..] else { panic!("{} calls", calls.len()) };
    let [first, _] = &call.intents[..] else { panic!("{:?}", call.intents) };
    let now = shops.market.now();
    let refused = |tx: &Tx<'_>| tx.close_intent(first.id, IntentState::NotApplied, now, "the platform refused it");
    shops.store.transaction(|tx| refused(tx).and_then(|()| tx.mark_dirty(&[first.listing]))).unwrap();
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("BOWL")), (8, 9));
}

// proves X5, F6: the same with a list as the source.
#[tokio::test(start_paused = true)]
async fn a_list_as_the_source_survives_a_kill_at_any_moment() {
    let mut moment = Duration::ZERO;
    while moment < Duration::from_millis(1200) {
        let mut shops = Shops::new();
        shops.on_disk();
        shops.csv("stock", Role::Source, &[("MUG", 10)]);
        let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 10)]);
        shops.start().await;
        shops.market.set_latency(Duration::from_millis(100));
        outlet.buy("MUG", 3).unwrap();
        shops.pass(120).await;
        shops.killed_after(moment).await;
        shops.restart();
        shops.rest().await;
        assert_eq!((shops.listed("stock", "MUG"), outlet.available("MUG")), (7, 7), "killed after {moment:?}");
        moment += Duration::from_millis(50);
    }
}

// proves O4, P1, P2, P7: while the source is down, sales lower every other listing, and nothing is raised.
#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_stops_no_lowering() {
    let (mut shops, source, outlet) = shopify_source().await;
    source.owner_sets("BOWL", 30);
    shops.market.trouble(Rule::always(Trouble::Unreachable).at("shop"));
    outlet.buy("MUG", 4).unwrap();
    shops.pass(120).await;
    let report = shops.sync().await;
    let end = |name: &str| report.lanes.iter().find(|lane| lane.channel.as_str() == name).unwrap().end.clone();
    assert!(matches!(end("shop"), LaneEnd::Failed(_)) && matches!(end("outlet"), LaneEnd::Complete));
    assert_eq!((shops.listed("list", "MUG"), shops.listed("list", "BOWL")), (6, 10));
    assert_eq!((source.available("MUG"), report.exit()), (10, 1));
    shops.market.peace();
    shops.rest().await;
    assert_eq!((source.available("MUG"), shops.listed("list", "MUG"), shops.listed("list", "BOWL")), (6, 6, 30));
}

// proves O4, P1, P2: two hours without the source, with sales in every run: each lowers all others, nothing is raised, and in
// the end everything is taken off once.
#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_for_two_hours_is_made_up_for() {
    let (mut shops, source, outlet) = shopify_source().await;
    source.owner_sets("BOWL", 30);
    shops.market.trouble(Rule::always(Trouble::Status(503)).at("shop"));
    let mut shown = shops.listed("list", "MUG");
    for nth in 0..24 {
        if nth % 3 == 0 {
            outlet.buy("MUG", 1).unwrap();
        }
        shops.pass(300).await;
        let report = shops.sync().await;
        let now = shops.listed("list", "MUG");
        assert!(now <= shown && now == outlet.available("MUG"), "{now} after {shown}, in run {nth}");
        assert_eq!((report.exit(), shops.listed("list", "BOWL")), (1, 10), "run {nth}");
        shown = now;
    }
    assert_eq!((shown, source.available("MUG")), (2, 10));
    shops.market.peace();
    shops.rest().await;
    assert_eq!((source.available("MUG"), shops.listed("list", "MUG"), shops.listed("list", "BOWL")), (2, 2, 30));
}

// proves X2, X7, Y6: of 250 sales one is of a good that sells on the source all the while, so that its number is stale each
// time: the other 249 are taken off in this run, and it is as soon as it comes to rest.
#[tokio::test(start_paused = true)]
async fn one_hot_good_stops_no_other_of_its_batch() {
    let skus: Vec<String> = (0..250).map(|nth| format!("SKU-{nth:03}")).collect();
    let goods: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 1000)).collect();
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &goods);
    let outlet = shops.shopify("outlet", Role::Target, &goods);
    shops.start().await;
    shops.market.set_latency(Duration::from_millis(200));
    for sku in &skus {
        outlet.buy(sku, 1).unwrap();
    }
    shops.pass(120).await;
    let market = shops.market.clone();
    let busy = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            market.shop("shop").buy("SKU-007", 1).unwrap();
        }
    });
    shops.sync().await;
    busy.abort();
    let taken_off = skus.iter().filter(|sku| *sku != "SKU-007" && source.available(sku) == 999).count();
    assert_eq!(taken_off, 249);
    shops.rest().await;
    assert!(skus.iter().all(|sku| source.available(sku) == outlet.available(sku)));
}

// proves X7, P1: a raise goes out only over the number that it was worked out from, and not over what is there when a sale
// that does not show yet took it back to what was read before.
#[tokio::test(start_paused = true)]
async fn a_raise_expects_what_was_written_last() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 0)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    source.owner_sets("MUG", 1);
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 1);
    shops.pass(600).await;
    outlet.set_lag(Duration::from_mins(5));
    outlet.set_order_delay(Duration::from_mins(5));
    source.owner_sets("MUG", 2);
    outlet.buy("MUG", 1).unwrap();
    shops.pass(30).await;
    shops.sync().await;
    assert!(outlet.available("MUG") < 2, "one of the two is sold");
    shops.pass(600).await;
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG")), (1, 1));
}

// proves X2, X7: somebody sells on the source between our reading and our write; the deduction is decided again.
#[tokio::test(start_paused = true)]
async fn a_stale_number_is_read_and_decided_again() {
    let (mut shops, source, outlet) = shopify_source().await;
    shops.market.set_latency(Duration::from_millis(200));
    outlet.buy_many(&[("MUG", 2), ("BOWL", 3)]).unwrap();
    shops.pass(120).await;
    let market = shops.market.clone();
    let busy = tokio::spawn(async move {
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(350)).await;
            market.shop("shop").buy("MUG", 1).unwrap();
        }
    });
    shops.sync().await;
    busy.await.unwrap();
    shops.rest().await;
    assert_eq!((source.available("MUG"), source.available("BOWL")), (4, 7));
    assert_eq!((outlet.available("MUG"), outlet.available("BOWL")), (4, 7));
}

// proves F5: one item that is refused is told and does not stop the others; it is tried again when the facts change.
#[tokio::test(start_paused = true)]
async fn one_refused_item_stops_no_other() {
    let (mut shops, source, outlet) = shopify_source().await;
    outlet.delete("MUG");
    source.owner_sets("MUG", 3);
    source.owner_sets("BOWL", 3);
    shops.pass(120).await;
    shops.sync().await;
    shops.pass(120).await;
    shops.sync().await;
    assert_eq!((outlet.available("BOWL"), shops.listed("list", "MUG")), (3, 3));
}

// proves R3: units that vanish without an order lower the ceiling for ten minutes; then the owner's edit is overwritten, by
// a process of cron as well, which has not heard the channel's clock when it begins.
#[tokio::test(start_paused = true)]
async fn missing_units_are_waited_for_and_then_overwritten() {
    for by_cron in [false, true] {
        let (mut shops, _, outlet) = shopify_source().await;
        outlet.owner_sets("MUG", 7);
        shops.pass(60).await;
        shops.sync_with(Options { full: true, ..Options::default() }).await;
        assert_eq!(outlet.available("MUG"), 7);
        shops.pass(660).await;
        if by_cron {
            shops.connect_anew();
        }
        shops.sync().await;
        assert_eq!(outlet.available("MUG"), 10, "by cron: {by_cron}");
    }
}

// proves R4: more than is offered is corrected at once.
#[tokio::test(start_paused = true)]
async fn too_many_are_corrected_at_once() {
    let (mut shops, _, outlet) = shopify_source().await;
    outlet.owner_sets("MUG", 50);
    shops.pass(60).await;
    shops.sync_with(Options { full: true, ..Options::default() }).await;
    assert_eq!(outlet.available("MUG"), 10);
}

// proves P1, P5, O4: while the number of a source listing is missing from the shop's answers, nothing that follows it is
// raised.
#[tokio::test(start_paused = true)]
async fn a_number_that_is_missing_raises_nothing() {
    let (mut shops, source, outlet) = shopify_source().await;
    source.owner_sets("MUG", 1);
    outlet.owner_sets("MUG", 6);
    shops.market.trouble(Rule::always(Trouble::NoNumbers).at("shop").reading());
    for _ in 0..4 {
        shops.pass(300).await;
        shops.sync().await;
        assert_eq!((outlet.available("MUG"), shops.listed("list", "MUG")), (6, 10));
    }
    shops.market.peace();
    shops.rest().await;
    assert_eq!((outlet.available("MUG"), shops.listed("list", "MUG")), (1, 1));
}

// proves X2, X6: a refusal of a repeated call does not say that the first one was not taken.
#[tokio::test(start_paused = true)]
async fn a_refused_repetition_is_no_proof() {
    let (mut shops, source, outlet) = shopify_source().await;
    outlet.buy_many(&[("MUG", 2), ("BOWL", 1)]).unwrap();
    shops.pass(120).await;
    shops.market.trouble(Rule::always(Trouble::LostAfter).at("shop").writing());
    shops.sync().await;
    shops.market.peace();
    assert_eq!((source.available("MUG"), source.available("BOWL")), (8, 9), "it was taken, and the answer was lost");
    shops.market.trouble(Rule::always(Trouble::Refuse("NON_MUTABLE_INVENTORY_ITEM")).at("shop").writing());
    shops.pass(120).await;
    shops.sync().await;
    shops.market.peace();
    shops.rest().await;
    let left = (source.available("MUG"), source.available("BOWL"), outlet.available("MUG"), outlet.available("BOWL"));
    assert_eq!(left, (8, 9, 8, 9));
    assert_eq!((shops.listed("list", "MUG"), shops.listed("list", "BOWL")), (8, 9));
}
