//! The laws of the pure core, as properties: whatever the facts are, these hold.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::guard::{Guard, SourceTotals, Totals, guard};
use super::observe;
use super::offer::{claims, offer};
use super::plan::{Action, ChannelFacts, Decision, World, plan};
use super::policy::{Restock, SourceGone, ZeroStock};
use super::settle::{OwnSales, Settlement, Verdict, decide, settle, spread};
use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn can(below_zero: bool) -> Capability {
    Capability {
        read_batch: 250,
        set_batch: 250,
        adjust_batch: 250,
        compare_and_set: true,
        exactly_once: ExactlyOnce::File,
        below_zero,
        reads_changes: false,
        cheap_scan: true,
        orders: true,
        tells_restock: false,
        lag: SignedDuration::ZERO,
        order_delay: SignedDuration::ZERO,
        still_running: SignedDuration::ZERO,
        confirm_after: None,
        most: None,
        hides: false,
        ends: false,
        counts_from_zero: false,
        traces: Traces::Nowhere,
    }
}

fn known(id: i64, name: &str, level: Option<i64>, shown: Shown) -> Known {
    let key = ListingKey::new(format!("k{id}"));
    let goods = vec![Good { sku: Sku::new(&format!("SKU-{id}")), title: "Mug".to_owned(), ..Good::default() }];
    let listing = Listing {
        key: key.clone(),
        goods,
        state: ListingState::Live,
        managed: true,
        oversells: false,
        unfit: None,
        level: level.map(Level),
        places: Vec::new(),
        vendor: None,
        product_type: None,
        tags: Vec::new(),
    };
    Known {
        id: ListingId(id),
        at: ListingRef { channel: channel(name), key },
        listing,
        reading: level.map(|level| Seen { level: Level(level), begun: at(0) }),
        gone: None,
        shown,
        pushed: None,
        ceiling: None,
        refusal: None,
        hidden: None,
        owners_change: None,
        duplicate: false,
        sold: 0,
    }
}

fn line(id: i64, taken: i64, baseline: i64, shares: Vec<Share>) -> Line {
    Line {
        id: Some(LineId(id)),
        channel: channel("list"),
        key: LineKey(format!("L{id}")),
        order: format!("#{id}"),
        sku: Sku::new("SKU-1"),
        listing: None,
        link: None,
        placed: at(id),
        taken,
        baseline,
        counts: true,
        unfinished: false,
        shipped: false,
        restock: Restock::Unshipped,
        held: None,
        shares,
        contained: 0,
    }
}

/// One source listing with lines that owe to it, and targets made of it.
fn component() -> impl Strategy<Value = Component> {
    let lines = proptest::collection::vec((any::<i32>(), 0_i64..3, 1_i64..5, any::<i32>(), any::<bool>()), 0..5);
    let targets = proptest::collection::vec((1_i64..7, shown(), any::<bool>()), 1..5);
    (any::<Option<i32>>(), lines, targets).prop_map(|(level, lines, targets)| {
        let mut source = known(1, "shop", level.map(i64::from), Shown::Unknown);
        source.sold = 3;
        let owing = lines
            .into_iter()
            .zip(1..)
            .map(|((taken, baseline, units, applied, held), id)| {
                let share = Share { source: ListingId(1), units, applied: i64::from(applied) };
                let mut line = line(id, i64::from(taken), baseline, vec![share]);
                line.held = held.then_some(LineHold::SeenLate);
                line
            })
            .collect();
        let sources = vec![SourceFacts { known: source, owing, own: Vec::new(), intents: Vec::new(), lost: Delta(0) }];
        let targets = targets.into_iter().zip(2..).map(|((units, shown, held), id)| target(id, units, shown, held));
        Component { sources, targets: targets.collect() }
    })
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![
        Just(Shown::Unknown),
        any::<i32>().prop_map(|level| Shown::Exactly(Level(i64::from(level)))),
        any::<i32>().prop_map(|level| Shown::AtMost(Level(i64::from(level)))),
    ]
}

fn target(id: i64, units: i64, shown: Shown, held: bool) -> TargetFacts {
    let part = Part { source: ListingId(1), units };
    let link = Link {
        id: LinkId(id),
        listing: ListingId(id),
        sku: Sku::new(&format!("SKU-{id}")),
        by_hand: true,
        recipe: vec![part],
        active: at(0),
        closed: None,
    };
    let frozen = Frozen {
        listing: ListingId(id),
        quantity: Quantity::at_least_zero(shown.most().map_or(0, |level| level.0)),
        parts: vec![FrozenPart { source: ListingId(1), units, sold: 0 }],
    };
    TargetFacts {
        known: known(id, "list", None, shown),
        links: vec![link],
        held: if held { vec![(HoldId(1), frozen)] } else { Vec::new() },
    }
}

fn channels() -> BTreeMap<ChannelName, ChannelFacts> {
    let facts = ChannelFacts {
        capability: can(false),
        switched_on: true,
        zero_stock: ZeroStock::Keep,
        source_gone: SourceGone::Zero,
        now: at(1_000),
        new_rules: false,
    };
    BTreeMap::from([(channel("list"), facts)])
}

fn planned(component: &Component, source_fresh: bool) -> Vec<Decision> {
    plan(component, &World { rules: &[], channels: &channels(), source_fresh })
}

proptest! {
    // proves Y5: the same facts give the same plan, whatever the order of lines and targets.
    #[test]
    fn same_facts_same_plan(component in component()) {
        let mut turned = component.clone();
        turned.targets.reverse();
        turned.sources[0].owing.reverse();
        let mut turned = planned(&turned, true);
        turned.reverse();
        prop_assert_eq!(planned(&component, true), turned);
    }

    // proves O2: never below zero, never more than the source can deliver.
    #[test]
    fn an_offer_is_deliverable(component in component()) {
        for target in &component.targets {
            let Some(offer) = offer(target, &component, &[], &can(false), at(1_000)) else { continue };
            let source = &component.sources[0];
            let free = source.known.reading.unwrap().level.0.saturating_sub(claims(source)).max(0);
            let units = target.links[0].recipe[0].units;
            prop_assert!(offer.quantity.units() >= 0);
            prop_assert!(offer.quantity.units().saturating_mul(units) <= free);
        }
    }

    // proves O1, O3: what is owed lowers the offer, what is to be given back does not raise it.
    #[test]
    fn claims_are_never_below_zero(component in component()) {
        prop_assert!(claims(&component.sources[0]) >= 0);
    }

    // proves O4, P1: without a fresh reading of the source nothing is raised.
    #[test]
    fn doubt_never_raises(component in component()) {
        for decision in planned(&component, false) {
            if let Action::Push { quantity, .. } = decision.action {
                prop_assert!(quantity.as_level() < decision.shown.most().unwrap());
            }
        }
    }

    // proves P1: with a deduction open or in doubt nothing is raised.
    #[test]
    fn an_open_intent_never_raises(mut component in component(), doubt in any::<bool>()) {
        let act = Act::Adjust { delta: Delta(-1), before: Level(5), lines: Vec::new() };
        let state = if doubt { IntentState::InDoubt } else { IntentState::Open };
        let listing = ListingId(1);
        let intent = Intent { id: IntentId(1), listing, act, call: None, position: 0, opened: at(0), state };
        component.sources[0].intents.push(intent);
        for decision in planned(&component, true) {
            if let Action::Push { quantity, .. } = decision.action {
                prop_assert!(quantity.as_level() < decision.shown.most().unwrap());
            }
        }
    }

    // proves H1: what is held never shows more than it did.
    #[test]
    fn what_is_held_is_never_raised(component in component()) {
        for (decision, target) in planned(&component, true).iter().zip(&component.targets) {
            if let (Action::Push { quantity, .. }, false) = (&decision.action, target.held.is_empty()) {
                prop_assert!(quantity.as_level() < decision.shown.most().unwrap());
            }
        }
    }

    // Every link appears exactly once in a plan.
    #[test]
    fn every_target_is_decided_once(component in component()) {
        let decided: Vec<ListingId> = planned(&component, true).iter().map(|decision| decision.target).collect();
        let targets: Vec<ListingId> = component.targets.iter().map(|target| target.known.id).collect();
        prop_assert_eq!(decided, targets);
    }

    // A plan that was carried out leaves nothing to do.
    #[test]
    fn a_plan_carried_out_is_done(mut component in component()) {
        for target in &mut component.targets {
            target.held.clear();
        }
        for (decision, target) in planned(&component, true).into_iter().zip(0..) {
            if let Action::Push { quantity, .. } = decision.action {
                component.targets[target].known.shown = Shown::Exactly(quantity.as_level());
            }
        }
        for decision in planned(&component, true) {
            prop_assert!(!matches!(decision.action, Action::Push { .. }), "{:?}", decision);
        }
    }

    // proves P3: what is settled is what was owed, and settling again finds nothing.
    #[test]
    fn settling_brings_applied_to_owed(mut component in component(), below_zero in any::<bool>()) {
        let source = &mut component.sources[0];
        let Some(settlement) = settle(source, &can(below_zero)) else { return Ok(()) };
        let sum = settlement.lines.iter().fold(0_i64, |sum, (_, units)| sum.saturating_add(*units));
        prop_assert_eq!(settlement.delta.0, -sum);
        if !below_zero && sum > 0 {
            prop_assert!(settlement.before.after(settlement.delta).0 >= settlement.before.0.min(0));
        }
        for (id, units) in &settlement.lines {
            let line = source.owing.iter_mut().find(|line| line.id == Some(*id)).unwrap();
            prop_assert!(line.held.is_none());
            line.shares[0].applied = line.shares[0].applied.saturating_add(*units);
        }
        let level = settlement.before.after(settlement.delta);
        source.known.reading = Some(Seen { level, begun: at(1) });
        let again = settle(source, &can(below_zero));
        prop_assert!(again.is_none_or(|again| again.lines.is_empty() && again.short == settlement.short));
    }

    // proves X1: one adjustment at a time is open for a source listing.
    #[test]
    fn nothing_is_settled_over_an_open_intent(mut component in component()) {
        let act = Act::Adjust { delta: Delta(-1), before: Level(5), lines: Vec::new() };
        let listing = ListingId(1);
        let state = IntentState::Open;
        component.sources[0].intents.push(Intent { id: IntentId(1), listing, act, call: None, position: 0, opened: at(0), state });
        prop_assert_eq!(settle(&component.sources[0], &can(true)), None);
    }

    // proves X4, O1, P1: what the platform lost is spoken for until it is sent once more and confirmed, and goes out with
    // what is owed.
    #[test]
    fn what_was_lost_is_claimed_and_sent(mut component in component(), lost in 1_i64..100) {
        let source = &mut component.sources[0];
        let (claimed, owed) = (claims(source), settle(source, &can(true)).map_or(0, |settlement| settlement.delta.0));
        source.lost = Delta(-lost);
        prop_assert_eq!(claims(source), claimed.saturating_add(lost));
        let Some(Settlement { delta, before, lines, .. }) = settle(source, &can(true)) else {
            prop_assert!(source.known.reading.is_none());
            return Ok(());
        };
        prop_assert_eq!(delta.0, owed - lost);
        source.lost = Delta(0);
        let act = Act::Adjust { delta, before, lines };
        let (listing, state) = (ListingId(1), IntentState::Open);
        source.intents.push(Intent { id: IntentId(1), listing, act, call: None, position: 0, opened: at(0), state });
        prop_assert_eq!(claims(source), claimed.saturating_add(lost));
    }

    // proves L1: what falls on the places adds up to the whole.
    #[test]
    fn places_add_up(levels in proptest::collection::vec(any::<i32>(), 1..6), delta in any::<i32>()) {
        let places: Vec<Place> = levels
            .iter()
            .zip(0..)
            .map(|(level, id): (&i32, i32)| Place { id: id.to_string(), level: Level(i64::from(*level)) })
            .collect();
        let spread = spread(&places, Delta(i64::from(delta)));
        prop_assert_eq!(spread.iter().map(|(_, delta)| delta.0).sum::<i64>(), i64::from(delta));
    }

    // proves X6: whatever is decided as done or not done fits the number that was read.
    #[test]
    fn a_decision_fits_the_number(delta in any::<i32>(), before in any::<i32>(), seen in any::<i32>(), sure in 0_i64..9, unclear in 0_i64..3, settled in any::<bool>()) {
        let (before, delta, seen) = (Level(i64::from(before)), Delta(i64::from(delta)), Level(i64::from(seen)));
        let fits = |left: i64| seen.0 == left - sure || seen.0 == left - sure - unclear;
        match decide(delta, before, seen, OwnSales { sure, unclear }, settled) {
            Verdict::Applied => prop_assert!(fits(before.0 + delta.0)),
            Verdict::NotApplied => prop_assert!(settled && fits(before.0)),
            Verdict::Wait => prop_assert!(!settled),
            Verdict::InDoubt => prop_assert!(settled),
        }
    }

    // proves H1: without enough listings in motion, guards change nothing.
    #[test]
    fn a_guard_that_does_not_trip_holds_nothing(component in component(), linked in 20_i64..1000) {
        let decisions = planned(&component, true);
        let totals = Totals { linked, showing: linked, zeroed: 0, pushed_ever: true };
        let totals = BTreeMap::from([(channel("list"), totals)]);
        let source = SourceTotals { linked, emptied: 0, gone: 0 };
        prop_assert!(guard(&decisions, &totals, source, Guard::default()).is_empty());
    }

    // proves R2: a reading that began before our last write says nothing.
    #[test]
    fn an_old_reading_says_nothing(level in any::<i32>(), shown in shown(), age in 1_i64..1000) {
        let mut listing = known(2, "list", Some(4), shown);
        let pushed = Pushed { quantity: Quantity::at_least_zero(4), at: at(1_000), movement: MovementId(1) };
        listing.pushed = Some(pushed);
        let before = listing.clone();
        let found = Found::Level { level: Level(i64::from(level)), places: Vec::new() };
        observe::target(&mut listing, &found, at(1_000 - age), at(1_000), SignedDuration::from_mins(10));
        prop_assert_eq!(listing, before);
    }

    // proves P5: a number that is missing changes nothing.
    #[test]
    fn a_missing_number_is_no_number(shown in shown()) {
        let mut listing = known(2, "list", Some(4), shown);
        let before = listing.clone();
        observe::target(&mut listing, &Found::NoNumber, at(10), at(10), SignedDuration::from_mins(10));
        prop_assert_eq!(&listing, &before);
        observe::source(&mut listing, &Found::NoNumber, at(10), at(10), &mut []);
        prop_assert_eq!(&listing, &before);
    }
}

// proves R3: missing units lower a ceiling for the grace period, which is never prolonged, and an order explains them.
#[test]
fn missing_units_are_waited_for_and_then_explained() {
    let grace = SignedDuration::from_mins(10);
    let mut listing = known(2, "list", Some(10), Shown::Exactly(Level(10)));
    listing.pushed = Some(Pushed { quantity: Quantity::at_least_zero(10), at: at(0), movement: MovementId(1) });
    let level = |level| Found::Level { level: Level(level), places: Vec::new() };
    observe::target(&mut listing, &level(8), at(60), at(60), grace);
    let first = listing.ceiling.clone().unwrap();
    assert_eq!((first.most.units(), first.missing, first.until), (8, 2, at(660)));
    observe::target(&mut listing, &level(7), at(120), at(120), grace);
    let second = listing.ceiling.clone().unwrap();
    assert_eq!((second.most.units(), second.missing, second.until), (7, 3, at(660)));
    observe::sold_on_target(&mut listing, 3, at(50));
    assert_eq!(listing.ceiling, None);
    assert_eq!(listing.shown, Shown::Exactly(Level(7)), "the sale was already missing from what it shows");
}

// proves R1: a sale clearly after our last write lowers what is shown; one that cannot be told makes it `at most`; a
// cancellation makes it unknown.
#[test]
fn sales_lower_what_is_shown() {
    let mut listing = known(2, "list", Some(10), Shown::Exactly(Level(10)));
    listing.pushed = Some(Pushed { quantity: Quantity::at_least_zero(10), at: at(100), movement: MovementId(1) });
    let mut early = listing.clone();
    observe::sold_on_target(&mut early, 2, at(99));
    assert_eq!(early.shown, Shown::AtMost(Level(10)));
    observe::sold_on_target(&mut listing, 2, at(200));
    assert_eq!(listing.shown, Shown::Exactly(Level(8)));
    observe::sold_on_target(&mut listing, -1, at(300));
    assert_eq!(listing.shown, Shown::Unknown);
}

// proves W4, Y3: the source's own sales explain its readings; what they leave over is the owner's change.
#[test]
fn own_sales_explain_a_reading() {
    let mut listing = known(1, "shop", Some(10), Shown::Unknown);
    let level = |level| Found::Level { level: Level(level), places: Vec::new() };
    let mut own = vec![line(30, 2, 0, Vec::new())];
    assert_eq!(observe::source(&mut listing, &level(8), at(60), at(60), &mut own), observe::Meaning::Nothing);
    assert_eq!(own[0].contained, 2);
    let meaning = observe::source(&mut listing, &level(13), at(120), at(120), &mut own);
    assert_eq!(meaning, observe::Meaning::OwnersChange(Level(8), Level(13)));
}

// proves O1, P1: a sale on the source whose stamp does not tell whether a reading contains it stays claimed until the
// number shows it.
#[test]
fn a_sale_close_to_a_reading_stays_claimed() {
    let level = |level| Found::Level { level: Level(level), places: Vec::new() };
    let read = |listing: &mut Known, own: &mut [Line], number, moment| {
        observe::source(listing, &level(number), at(moment), at(moment), own)
    };
    for (number, contained) in [(10, 0), (8, 2)] {
        let mut listing = known(1, "shop", Some(10), Shown::Unknown);
        let mut own = vec![line(60, 2, 0, Vec::new())];
        assert_eq!(read(&mut listing, &mut own, number, 61), observe::Meaning::Nothing);
        assert_eq!(own[0].contained, contained);
        assert_eq!(read(&mut listing, &mut own, 8, 120), observe::Meaning::Nothing);
        assert_eq!(own[0].contained, 2);
    }
}

// proves R2: a stamp of a clock that was wrong puts no reading out of date for ever.
#[test]
fn a_confirmation_from_the_future_puts_nothing_out_of_date() {
    let mut listing = known(1, "ebay", Some(5), Shown::Exactly(Level(5)));
    let pushed = |moment| Pushed { quantity: Quantity::at_least_zero(5), at: at(moment), movement: MovementId(1) };
    let level = Found::Level { level: Level(7), places: Vec::new() };
    listing.pushed = Some(pushed(100));
    assert_eq!(observe::target(&mut listing, &level, at(90), at(110), SignedDuration::ZERO), observe::Meaning::TooOld);
    listing.pushed = Some(pushed(100_000));
    observe::target(&mut listing, &level, at(190), at(200), SignedDuration::ZERO);
    assert_eq!(listing.shown, Shown::Exactly(Level(7)));
}

// proves W3: cancelled is not back on the shelf unless the platform or the owner says so.
#[test]
fn cancelled_is_not_back_on_the_shelf() {
    let fact = |cancelled, shipped, out_of_stock| LineFact {
        key: LineKey("1".to_owned()),
        listings: Vec::new(),
        sku: None,
        taken: 3,
        cancelled,
        shipped,
        out_of_stock,
    };
    let taken = |fact: &LineFact, restock| absorb::taken(fact, false, restock);
    assert_eq!(taken(&fact(2, false, false), Restock::Unshipped), 1);
    assert_eq!(taken(&fact(2, true, false), Restock::Unshipped), 3);
    assert_eq!(taken(&fact(2, false, true), Restock::Unshipped), 3);
    assert_eq!(taken(&fact(2, true, false), Restock::Always), 1);
    assert_eq!(taken(&fact(2, false, false), Restock::Never), 3);
}

// proves W6: where a source cannot go below zero, the rest stays owed, oldest sale first.
#[test]
fn the_rest_of_an_oversell_stays_owed() {
    let share = Share { source: ListingId(1), units: 1, applied: 0 };
    let owing = vec![line(2, 3, 0, vec![share]), line(1, 2, 0, vec![share])];
    let known = known(1, "shop", Some(4), Shown::Unknown);
    let source = SourceFacts { known, owing, own: Vec::new(), intents: Vec::new(), lost: Delta(0) };
    let settlement = settle(&source, &can(false)).unwrap();
    assert_eq!(settlement.lines, vec![(LineId(1), 2), (LineId(2), 2)]);
    assert_eq!((settlement.delta, settlement.short), (Delta(-4), 1));
}
