//! Owed against applied: what is taken off, and how often.

use proptest::prelude::*;

use super::super::offer::claims;
use super::super::settle::{OwnSales, Settlement, Verdict, decide, settle, settle_leaving, spread};
use super::*;

proptest! {
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
        source.known.reading = Some(Seen { level, begun: at(1), done: at(1), counter: None });
        let again = settle(source, &can(below_zero));
        prop_assert!(again.is_none_or(|again| again.lines.is_empty() && again.short == settlement.short));
    }

    // proves Y5: what is settled, spoken for and explained is the same in whatever order it comes.
    #[test]
    fn same_facts_same_settlement(component in facts::ordinary().component(), below_zero in any::<bool>(), by in 1_usize..12) {
        let mixed = facts::mixed(&component, by);
        for (source, other) in component.sources.iter().zip(&mixed.sources) {
            prop_assert_eq!(claims(source), claims(other));
            prop_assert_eq!(settle(source, &can(below_zero)), settle(other, &can(below_zero)));
        }
    }

    // proves X1: one adjustment at a time is open for a source listing.
    #[test]
    fn nothing_is_settled_over_an_open_intent(mut component in component()) {
        let act = Act::Adjust { delta: Delta(-1), before: Level(5), lines: Vec::new() };
        let listing = ListingId(1);
        let state = IntentState::Open;
        component.sources[0].intents.push(Intent { id: IntentId(1), listing, act, call: None, position: 0, opened: at(0), sent: at(0), state });
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
        source.intents.push(Intent { id: IntentId(1), listing, act, call: None, position: 0, opened: at(0), sent: at(0), state });
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
        prop_assert_eq!(spread.iter().map(|delta| delta.0).sum::<i64>(), i64::from(delta));
    }

    // proves L1: what is sold and cancelled, in whatever order, leaves no place with more or less than it had.
    #[test]
    fn units_return_where_they_came_from(
        levels in proptest::collection::vec(0_i64..6, 1..4), sales in proptest::collection::vec((0_usize..3, 0_i64..6, any::<bool>()), 1..9)
    ) {
        let mut stock = Stock::of(&levels);
        for (nth, units, settles) in sales {
            stock.owe(nth, units);
            if settles {
                stock.settle();
            }
        }
        (0..3).for_each(|nth| stock.owe(nth, 0));
        stock.settle();
        let left: Vec<i64> = stock.source.known.listing.places.iter().map(|place| place.level.0).collect();
        prop_assert_eq!(left, levels);
    }

    // proves X6: whatever is decided as done or not done fits the number that was read.
    #[test]
    fn a_decision_fits_the_number(delta in any::<i32>(), before in any::<i32>(), seen in any::<i32>(), sure in 0_i64..9, unclear in 0_i64..3, settled in any::<bool>()) {
        let (before, delta, seen) = (Level(i64::from(before)), Delta(i64::from(delta)), Level(i64::from(seen)));
        let fits = |left: i64| (left - sure - unclear..=left - sure).contains(&seen.0);
        match decide(delta, before, seen, OwnSales { sure, perhaps_sold: unclear, perhaps_back: 0 }, settled) {
            Verdict::Applied => prop_assert!(fits(before.0 + delta.0)),
            Verdict::NotApplied => prop_assert!(settled && fits(before.0)),
            Verdict::Wait => prop_assert!(!settled),
            Verdict::InDoubt => prop_assert!(settled),
        }
    }
}

/// A source listing at several places, to which three lines owe.
struct Stock {
    source: SourceFacts,
}

impl Stock {
    fn of(levels: &[i64]) -> Self {
        let mut known = known(1, "shop", Some(levels.iter().sum()), Shown::Unknown);
        let place = |(nth, level): (usize, &i64)| Place { id: nth.to_string(), level: Level(*level) };
        known.listing.places = levels.iter().enumerate().map(place).collect();
        let share = Share { source: ListingId(1), units: 1, applied: 0 };
        let owing = (1..=3).map(|id| line(id, 0, 0, vec![share])).collect();
        Self {
            source: SourceFacts {
                known,
                owing,
                took: Vec::new(),
                own: Vec::new(),
                intents: Vec::new(),
                unpaid: 0,
                lost: Delta(0),
            },
        }
    }

    fn owe(&mut self, nth: usize, units: i64) {
        self.source.owing[nth].taken = units;
    }

    /// Settles what is owed, as a source that confirms everything does.
    fn settle(&mut self) {
        let Some(settlement) = settle(&self.source, &can(true)) else { return };
        assert_eq!(settlement.places.iter().map(|(_, delta)| delta.0).sum::<i64>(), settlement.delta.0);
        for (id, units) in settlement.lines {
            let line = self.source.owing.iter_mut().find(|line| line.id == Some(id)).unwrap();
            line.shares[0].applied += units;
        }
        for (changed, delta) in settlement.places {
            let place = self.source.known.listing.places.iter_mut().find(|place| place.id == changed.id).unwrap();
            assert_eq!(place.level, changed.level);
            place.level = place.level.after(delta);
        }
        for portion in settlement.portions {
            let same = |took: &&mut Portion| (took.line, &took.place) == (portion.line, &portion.place);
            match self.source.took.iter_mut().find(same) {
                Some(took) => took.units += portion.units,
                None => self.source.took.push(portion),
            }
        }
        let level = self.source.known.listing.places.iter().map(|place| place.level.0).sum();
        self.source.known.reading = self.source.known.reading.map(|seen| Seen { level: Level(level), ..seen });
    }
}

// proves L1: what comes back returns to the first place where its own no longer counts.
#[test]
fn what_has_no_place_any_more_returns_to_the_first() {
    let mut stock = Stock::of(&[1, 5]);
    stock.owe(0, 3);
    stock.settle();
    let places = |stock: &Stock| -> Vec<(String, i64)> {
        stock.source.known.listing.places.iter().map(|place| (place.id.clone(), place.level.0)).collect()
    };
    assert_eq!(places(&stock), [("0".into(), 1), ("1".into(), 2)]);
    stock.source.known.listing.places.remove(1);
    stock.source.known.reading = stock.source.known.reading.map(|seen| Seen { level: Level(1), ..seen });
    stock.owe(0, 0);
    stock.settle();
    assert_eq!(places(&stock), [("0".into(), 4)]);
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
    let source =
        SourceFacts { known, owing, own: Vec::new(), took: Vec::new(), intents: Vec::new(), unpaid: 0, lost: Delta(0) };
    let settlement = settle(&source, &can(false)).unwrap();
    assert_eq!(settlement.lines, vec![(LineId(1), 2), (LineId(2), 2)]);
    assert_eq!((settlement.delta, settlement.short), (Delta(-4), 1));
}

// proves W6, X3: what was lost and bought since, where a source cannot go below zero, waits for the next stock, and is told
// like any oversell.
#[test]
fn what_was_lost_is_not_taken_from_nothing() {
    let known = |level| known(1, "shop", Some(level), Shown::Unknown);
    let source = |level, lost| {
        let known = known(level);
        SourceFacts {
            known,
            owing: Vec::new(),
            own: Vec::new(),
            took: Vec::new(),
            intents: Vec::new(),
            unpaid: 0,
            lost: Delta(lost),
        }
    };
    let settled = |level, lost| settle(&source(level, lost), &can(false)).map(|settled| (settled.delta, settled.short));
    assert_eq!(settled(0, -1), Some((Delta(0), 1)));
    assert_eq!(settled(1, -3), Some((Delta(-1), 2)));
    assert_eq!(settled(3, -3), Some((Delta(-3), 0)));
    assert_eq!(settle(&source(0, -1), &can(true)).unwrap().delta, Delta(-1));
    assert_eq!(settle(&source(0, 2), &can(false)).unwrap().delta, Delta(2));
}

// proves Z2: a last unit that must stay is not taken off, and stays owed.
#[test]
fn a_last_unit_that_must_stay_is_left() {
    let share = Share { source: ListingId(1), units: 1, applied: 0 };
    let owing = vec![line(1, 4, 0, vec![share])];
    let known = known(1, "shop", Some(4), Shown::Unknown);
    let source =
        SourceFacts { known, owing, own: Vec::new(), took: Vec::new(), intents: Vec::new(), unpaid: 0, lost: Delta(0) };
    assert_eq!(settle_leaving(&source, &can(false), 1).unwrap().delta, Delta(-3));
    assert_eq!(settle(&source, &can(false)).unwrap().delta, Delta(-4));
}
