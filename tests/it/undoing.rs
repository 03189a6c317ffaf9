//! Undoing a run: what it wrote is put back where it still stands, as far as it can be delivered, and held.

use eys::domain::policy::ZeroStock;
use eys::domain::rule::{Rule, Then, When};
use eys::domain::{HoldWhy, Role, RunId, Sku};
use eys::engine::{EngineError, Options, PushEnd, Report};
use tokio_util::sync::CancellationToken;

use crate::shops::Shops;
use crate::sim::{Rule as Befalls, ShopHandle, Trouble};

fn undoing(run: RunId) -> Options {
    Options { undo: Some(run), ..Options::default() }
}

fn kept(report: &Report) -> Vec<String> {
    report.kept.iter().map(|kept| format!("{}: {}", kept.name, kept.why)).collect()
}

/// Shows two of everything at most, by a slip of the owner's.
fn slip() -> Vec<Rule> {
    let then = Then { max: Some(2), ..Then::default() };
    vec![Rule { name: "two at most".to_owned(), when: When::default(), then }]
}

/// A shop, an outlet and a list whose listings a run has brought down to two.
async fn slipped() -> (Shops, ShopHandle, ShopHandle, RunId) {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10), ("BOWL", 4)]);
    let outlet = shops.woocommerce("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.csv("list", Role::Target, &[("MUG", 0)]);
    shops.start().await;
    shops.rules = slip();
    let run = shops.sync().await.run.unwrap();
    assert_eq!((outlet.available("MUG"), outlet.available("BOWL"), shops.listed("list", "MUG")), (2, 2, 2));
    shops.pass(120).await;
    (shops, source, outlet, run)
}

// proves U1: what still shows what the run wrote is put back and held; known sales go on being taken off, and with the
// owner's word everything goes on.
#[tokio::test(start_paused = true)]
async fn a_slip_is_undone_and_held() {
    let (mut shops, source, outlet, run) = slipped().await;
    let report = shops.sync_with(undoing(run)).await;
    assert_eq!((outlet.available("MUG"), outlet.available("BOWL"), shops.listed("list", "MUG")), (10, 4, 10));
    assert_eq!((report.exit(), kept(&report)), (4, vec![]));
    assert!(report.pushes.iter().all(|push| push.end == PushEnd::Done && push.why == ["run 3 was undone"]));
    let holds: Vec<_> = report.holds.iter().map(|hold| (hold.channel.as_str(), hold.why)).collect();
    assert_eq!(holds, [("outlet", HoldWhy::Undone), ("list", HoldWhy::Undone)]);
    shops.pass(120).await;
    let report = shops.sync().await;
    assert_eq!((report.exit(), outlet.available("MUG")), (4, 10), "the rule does not strike again");
    shops.list_order("list", "L-1", "MUG", 3, "open");
    shops.pass(120).await;
    shops.sync().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (7, 7, 7));
    shops.rules.clear();
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    shops.rest().await;
    assert_eq!((source.available("MUG"), outlet.available("MUG"), shops.listed("list", "MUG")), (7, 7, 7));
}

// proves U1: no more than can be delivered now, unless the owner names it and says yes.
#[tokio::test(start_paused = true)]
async fn no_more_is_put_back_than_can_be_delivered() {
    let (mut shops, source, outlet, run) = slipped().await;
    source.buy("MUG", 4).unwrap();
    shops.pass(120).await;
    shops.sync().await;
    let report = shops.sync_with(undoing(run)).await;
    assert_eq!((outlet.available("MUG"), outlet.available("BOWL")), (6, 4));
    let words = "MUG: it showed 10 before the run; 6 is all that can be delivered now";
    assert_eq!(kept(&report), [words, words]);
    let next = "`eys sync --undo 3 --sku MUG --yes` puts all of it back all the same";
    assert_eq!(report.kept[0].next.as_deref(), Some(next));
    shops.pass(120).await;
    let named = Options { yes: true, skus: vec![Sku::new("MUG").unwrap()], ..undoing(run) };
    let report = shops.sync_with(named).await;
    assert_eq!(kept(&report).len(), 2, "it shows something else by now");
    assert_eq!(outlet.available("MUG"), 6);

    let (mut shops, source, outlet, run) = slipped().await;
    source.buy("MUG", 4).unwrap();
    shops.pass(120).await;
    let named = Options { yes: true, skus: vec![Sku::new("MUG").unwrap()], ..undoing(run) };
    let report = shops.sync_with(named).await;
    assert_eq!((outlet.available("MUG"), outlet.available("BOWL")), (10, 2), "only what was named");
    assert_eq!(kept(&report), Vec::<String>::new());
}

// proves U1: what moved on is listed and left alone, whatever the lists say: each listing is read live.
#[tokio::test(start_paused = true)]
async fn what_moved_on_is_listed() {
    let (mut shops, _, outlet, run) = slipped().await;
    outlet.owner_sets("MUG", 5);
    let report = shops.sync_with(undoing(run)).await;
    assert_eq!((outlet.available("MUG"), outlet.available("BOWL")), (5, 4));
    assert_eq!(kept(&report), ["MUG: the run wrote 2, it shows 5 by now"]);
    shops.rules.clear();
    shops.pass(120).await;
    shops.sync_with(Options { yes: true, ..Options::default() }).await;
    shops.rest().await;
    assert_eq!(outlet.available("MUG"), 10, "the next run goes on with it");
}

// proves U1, H1: a shop is not emptied by undoing either; the owner sees it first, and says yes.
#[tokio::test(start_paused = true)]
async fn undoing_does_not_empty_a_shop_unasked() {
    let goods = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &goods.map(|sku| (sku, 0)));
    let outlet = shops.shopify("outlet", Role::Target, &goods.map(|sku| (sku, 0)));
    shops.start().await;
    for sku in goods {
        source.owner_sets(sku, 5);
    }
    shops.pass(120).await;
    let run = shops.sync().await.run.unwrap();
    shops.pass(120).await;
    let report = shops.sync_with(undoing(run)).await;
    assert_eq!((report.exit(), outlet.available("A"), report.holds[0].why), (4, 5, HoldWhy::Zeros));
    let report = shops.sync_with(undoing(run)).await;
    assert_eq!(outlet.available("A"), 5);
    assert!(kept(&report)[0].ends_with("release that first"), "{:?}", kept(&report));
    let report = shops.sync_with(Options { yes: true, ..undoing(run) }).await;
    assert!(goods.iter().all(|sku| outlet.available(sku) == 0));
    assert_eq!(report.holds.iter().map(|hold| hold.why).collect::<Vec<_>>(), [HoldWhy::Undone]);
}

// proves U1: what the run hid is in sight again.
#[tokio::test(start_paused = true)]
async fn what_was_hidden_is_shown_again() {
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &[("MUG", 10), ("BOWL", 4)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 0), ("BOWL", 0)]);
    shops.lane("outlet").zero_stock = ZeroStock::Hide;
    shops.start().await;
    source.owner_sets("MUG", 0);
    shops.pass(120).await;
    let run = shops.sync().await.run.unwrap();
    assert_eq!((outlet.available("MUG"), outlet.for_sale("MUG")), (0, false));
    source.owner_sets("MUG", 10);
    shops.pass(120).await;
    shops.sync_with(undoing(run)).await;
    assert_eq!((outlet.available("MUG"), outlet.for_sale("MUG")), (10, true));
}

// proves U1, P4: an undoing that is cut off at any moment leaves nothing that the next run would write over, and can be
// made again.
#[tokio::test(start_paused = true)]
async fn an_undoing_can_be_cut_off() {
    for trouble in [Trouble::LostBefore, Trouble::LostAfter, Trouble::Status(503)] {
        let (mut shops, _, outlet, run) = slipped().await;
        shops.market.trouble(Befalls::always(trouble.clone()).at("outlet").writing());
        shops.sync_with(undoing(run)).await;
        shops.market.peace();
        shops.pass(900).await;
        shops.sync().await;
        shops.pass(120).await;
        shops.sync_with(undoing(run)).await;
        shops.pass(120).await;
        let report = shops.sync().await;

        assert_eq!((outlet.available("MUG"), outlet.available("BOWL")), (10, 4), "{trouble:?}");
        assert_eq!(report.exit(), 4);
    }
}

// proves U1, H3: a dry run says what would be put back, and does nothing.
#[tokio::test(start_paused = true)]
async fn undoing_can_be_looked_at_first() {
    let (mut shops, _, outlet, run) = slipped().await;
    let report = shops.sync_with(Options { dry_run: true, ..undoing(run) }).await;
    let planned = report.pushes.iter().filter(|push| push.end == PushEnd::Planned).count();
    assert_eq!((planned, outlet.available("MUG")), (3, 2));
}

// proves U1: a run that is not there, or wrote nothing, is said to be that.
#[tokio::test(start_paused = true)]
async fn there_may_be_nothing_to_undo() {
    let (mut shops, _, _, run) = slipped().await;
    for (run, words) in [(RunId(99), "there is no run 99"), (RunId(1), "run 1 wrote to no listing")] {
        let mut engine = shops.engine();
        let end = engine.cycle(&mut shops.store, &undoing(run), &CancellationToken::new()).await;
        let error: EngineError = end.err().unwrap();
        assert!(error.to_string().starts_with(words), "{error}");
    }
    assert_eq!(run, RunId(3));
}
