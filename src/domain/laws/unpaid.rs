//! Purchases that only a counter shows: spoken for from the first sight to the order, and never twice.

use proptest::prelude::*;

use super::super::offer::claims;
use super::super::settle::{OwnSales, Verdict, decide};
use super::super::unpaid::{Patience, claimed, read, shows, shows_cancelled};
use super::*;

const PATIENCE: Patience = Patience { lasts: SignedDuration::from_hours(24 * 4), lag: SignedDuration::from_mins(2) };

fn seen(level: i64, counter: i64) -> Found {
    Found::Level { level: Level(level), places: Vec::new(), counter: Some(counter) }
}

fn listing(level: i64, counter: i64) -> Known {
    let mut listing = known(2, "bazaar", Some(level), Shown::Exactly(Level(level)));
    look(&mut listing, level, counter, 0);
    listing
}

/// A reading of the listing at a moment, in seconds.
fn look(known: &mut Known, level: i64, counter: i64, moment: i64) {
    read(known, &seen(level, counter), (at(moment), at(moment)), PATIENCE);
    observe::target(known, &seen(level, counter), at(moment), at(moment), SignedDuration::from_mins(10));
}

fn unpaid(known: &Known) -> i64 {
    known.counted.as_ref().map_or(0, |counted| counted.unpaid())
}

/// Takes in an order that shows.
fn order(known: &mut Known, units: i64, moment: i64) {
    let told = shows(known, units, at(moment));
    observe::sold_on_target(known, units - told, at(moment));
}

// proves O5, R3: what the counter rose is spoken for until the order shows, and is not missing.
#[test]
fn an_unpaid_purchase_is_spoken_for_until_its_order_shows() {
    let mut listing = listing(10, 40);
    look(&mut listing, 8, 42, 60);
    assert_eq!((unpaid(&listing), listing.shown, listing.ceiling.is_none()), (2, Shown::Exactly(Level(8)), true));
    order(&mut listing, 2, 120);
    assert_eq!((unpaid(&listing), listing.shown), (0, Shown::Exactly(Level(8))), "it was off its number already");
    look(&mut listing, 8, 42, 180);
    assert_eq!((unpaid(&listing), listing.shown), (0, Shown::Exactly(Level(8))));
}

// proves O5, R1, R3: units that nobody has paid for are not missing either where others came back, or while a write is on
// its way.
#[test]
fn an_unpaid_purchase_is_not_missing_after_a_cancellation() {
    let cancelled = |known: &mut Known| observe::sold_on_target(known, -1, at(30));
    let being_written = |known: &mut Known| observe::writing(known, Quantity::at_least_zero(9));
    for prepare in [cancelled as fn(&mut Known), being_written] {
        let mut listing = listing(10, 40);
        prepare(&mut listing);
        look(&mut listing, 8, 42, 60);
        assert_eq!((unpaid(&listing), listing.shown, listing.ceiling), (2, Shown::Exactly(Level(8)), None));
    }
}

// proves O5: an order that shows before the counter moves is not counted again when it does.
#[test]
fn an_order_may_show_before_the_counter() {
    let mut listing = listing(10, 40);
    order(&mut listing, 3, 30);
    look(&mut listing, 10, 40, 31);
    assert_eq!(unpaid(&listing), 0);
    look(&mut listing, 7, 43, 90);
    assert_eq!(unpaid(&listing), 0);
    look(&mut listing, 6, 44, 150);
    assert_eq!(unpaid(&listing), 1);
}

// proves O5: a claim ends when the purchase is cancelled, or when the platform no longer waits for the money.
#[test]
fn a_claim_ends_with_the_purchase() {
    let mut cancelled = listing(10, 40);
    look(&mut cancelled, 8, 42, 60);
    look(&mut cancelled, 10, 40, 600);
    assert_eq!(unpaid(&cancelled), 0);
    look(&mut cancelled, 9, 41, 700);
    assert_eq!(unpaid(&cancelled), 1, "the next one is seen");
    let mut lapsed = listing(10, 40);
    look(&mut lapsed, 8, 42, 60);
    look(&mut lapsed, 8, 42, 60 + 4 * 86_400 - 1);
    assert_eq!(unpaid(&lapsed), 2);
    look(&mut lapsed, 8, 42, 60 + 4 * 86_400);
    assert_eq!(unpaid(&lapsed), 0);
    look(&mut lapsed, 7, 43, 61 + 4 * 86_400);
    assert_eq!(unpaid(&lapsed), 1);
}

// proves O5, R2: a counter that fell for a cancelled order, which had shown, hides no later purchase; a reading from before
// our last write says nothing.
#[test]
fn a_counter_that_falls_hides_nothing() {
    let mut listing = listing(10, 40);
    order(&mut listing, 2, 30);
    look(&mut listing, 10, 40, 1_000);
    look(&mut listing, 9, 41, 1_060);
    assert_eq!(unpaid(&listing), 1);
    listing.pushed = Some(Pushed { quantity: Quantity::at_least_zero(9), at: at(2_000), movement: MovementId(1) });
    read(&mut listing, &seen(5, 45), (at(1_990), at(2_010)), PATIENCE);
    assert_eq!(unpaid(&listing), 1);
}

// proves O5, P2: a purchase that was cancelled unpaid and then shows is free, whether the counter falls by it or not, and
// before it shows or after; it never hides the next one.
#[test]
fn a_cancelled_purchase_that_shows_hides_no_other() {
    for (counter, before) in [(43, false), (40, false), (40, true)] {
        for seen_after in [&[][..], &[660], &[660, 5_000], &[5_000]] {
            let about = format!("{counter}, {before}, {seen_after:?}");
            let mut listing = listing(10, 40);
            look(&mut listing, 7, 43, 60);
            assert_eq!(unpaid(&listing), 3, "{about}");
            if before {
                look(&mut listing, 10, counter, 500);
            }
            shows_cancelled(&mut listing, 3, at(600));
            for moment in seen_after {
                look(&mut listing, 10, counter, *moment);
                assert_eq!(unpaid(&listing), 0, "{about}");
            }
            look(&mut listing, 8, counter + 2, 6_000);
            assert_eq!(unpaid(&listing), 2, "{about}");
            order(&mut listing, 2, 6_060);
            look(&mut listing, 8, counter + 2, 7_000);
            assert_eq!(unpaid(&listing), 0, "{about}");
        }
    }
}

// proves O1, O5: what is bought and not paid is spoken for on every part of its recipe.
#[test]
fn a_claim_reaches_the_parts_of_a_recipe() {
    let source = |id| SourceFacts {
        known: known(id, "shop", Some(10), Shown::Unknown),
        owing: Vec::new(),
        own: Vec::new(),
        took: Vec::new(),
        intents: Vec::new(),
        unpaid: 0,
        lost: Delta(0),
    };
    let mut kit = target(2, 4, Shown::Unknown, false);
    kit.known = listing(5, 40);
    let part = |source, units| Part { source: ListingId(source), units };
    kit.links[0].recipe = vec![part(1, 4), part(3, 1), part(1, 1)];
    let mut component = Component { sources: vec![source(1), source(3)], targets: vec![kit] };
    look(&mut component.targets[0].known, 3, 42, 60);
    assert_eq!((claimed(&component, ListingId(1)), claimed(&component, ListingId(3))), (10, 2));
    component.sources[0].unpaid = claimed(&component, ListingId(1));
    assert_eq!(claims(&component.sources[0]), 10);
}

proptest! {
    // proves O5, P3: however purchases and their orders come, what is spoken for is what was bought and does not show.
    #[test]
    fn what_is_unpaid_is_what_was_bought_and_does_not_show(steps in prop::collection::vec((any::<bool>(), 1_i64..4), 1..30)) {
        let mut listing = listing(1_000, 7);
        let (mut bought, mut shown) = (0, 0);
        for (nth, (buys, units)) in (1..).zip(steps) {
            let moment = nth * 60;
            if buys {
                bought += units;
                look(&mut listing, 1_000 - bought, 7 + bought, moment);
            } else {
                let units = units.min(bought - shown);
                shown += units;
                order(&mut listing, units, moment);
            }
            prop_assert_eq!(unpaid(&listing), bought - shown);
            prop_assert_eq!(listing.shown, Shown::Exactly(Level(1_000 - bought)));
        }
    }

    // proves X6: with a counter, a goal that was written is told from one that was not, whatever was sold meanwhile.
    #[test]
    fn a_counter_tells_what_became_of_a_goal(before in 20_i64..100, delta in 1_i64..20, own in 0_i64..20, landed in any::<bool>()) {
        let sales = OwnSales::counted(40, 40 + own);
        let level = Level(before - own - if landed { delta } else { 0 });
        let verdict = if landed { Verdict::Applied } else { Verdict::NotApplied };
        prop_assert_eq!(decide(Delta(-delta), Level(before), level, sales, true), verdict);
    }
}
