//! Owed against applied: what is to be taken off the source, or given back to it, and whether it has happened.

use super::capability::Capability;
use super::facts::SourceFacts;
use super::intent::{Act, IntentState};
use super::line::{Line, LineId};
use super::listing::Place;
use super::stock::{Delta, Level};
use crate::safeguard::{Safeguard, stands};

/// An adjustment that brings applied to owed, as far as the source's stock goes, and makes up for what was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The change of the source's level.
    pub delta: Delta,
    /// The level before.
    pub before: Level,
    /// The source units of each line that it settles: above zero taken off, below zero given back.
    pub lines: Vec<(LineId, i64)>,
    /// How the change falls on the places of the source, with what each holds; empty where it knows none.
    pub places: Vec<(Place, Delta)>,
    /// Units that stay owed because the source has no more: an oversell (W6).
    pub short: i64,
}

/// Works out what is to be applied to one source listing. `None` where nothing is owed or lost, where an earlier adjustment is
/// not closed yet (X1), or where its level is not known (P5).
pub fn settle(source: &SourceFacts, capability: &Capability) -> Option<Settlement> {
    let known = &source.known;
    let before = known.reading?.level;
    if !is_adjustable(source) {
        return None;
    }
    let (mut lines, short) = allot(&source.owing, known.id, (!capability.below_zero).then_some(before));
    lines.sort_unstable();
    if lines.is_empty() && short == 0 && source.lost.is_zero() {
        return None;
    }
    let units = lines.iter().fold(0, |sum: i64, (_, units)| sum.saturating_add(*units));
    let delta = Delta(source.lost.0.saturating_sub(units));
    Some(Settlement { delta, before, lines, places: spread(&known.listing.places, delta), short })
}

/// Tells whether a source listing can be adjusted now: it is there, keeps count, and no earlier adjustment of it is open.
fn is_adjustable(source: &SourceFacts) -> bool {
    let known = &source.known;
    let pending = stands(Safeguard::OneOpenIntent)
        && source.intents.iter().any(|intent| {
            matches!(intent.act, Act::Adjust { .. }) && matches!(intent.state, IntentState::Open | IntentState::InDoubt)
        });
    let countable = known.listing.managed && known.listing.unfit.is_none() && known.gone.is_none();
    countable && !known.duplicate && !pending
}

/// Allots what the source has to the lines that owe, oldest first; what comes back is counted before.
fn allot(owing: &[Line], source: super::ListingId, limit: Option<Level>) -> (Vec<(LineId, i64)>, i64) {
    let mut open: Vec<(&Line, LineId, i64)> = owing
        .iter()
        .filter(|line| line.held.is_none())
        .filter_map(|line| Some((line, line.id?, line.open_units(source))))
        .filter(|(_, _, units)| *units != 0)
        .collect();
    open.sort_by_key(|(line, id, units)| (*units > 0, line.placed, *id));
    let mut left = limit.map(|level| level.0.max(0));
    let mut short = 0_i64;
    let mut lines = Vec::new();
    for (_, id, units) in open {
        let fits = left.map_or(units, |left| units.min(left));
        short = short.saturating_add(units.saturating_sub(fits));
        left = left.map(|left| left.saturating_sub(fits));
        if fits != 0 {
            lines.push((id, fits));
        }
    }
    (lines, short)
}

/// Spreads a change over places (L1): it is taken from the first place that has enough, else from one after the other,
/// a shortfall from the first; it is given back to the first.
pub fn spread(places: &[Place], delta: Delta) -> Vec<(Place, Delta)> {
    let Some(first) = places.first() else { return Vec::new() };
    if delta.is_zero() {
        return Vec::new();
    }
    let wanted = delta.0.saturating_neg();
    if delta.0 > 0 {
        return vec![(first.clone(), delta)];
    }
    if let Some(place) = places.iter().find(|place| place.level.0 >= wanted) {
        return vec![(place.clone(), delta)];
    }
    let mut left = wanted;
    let mut takes: Vec<i64> = places
        .iter()
        .map(|place| {
            let take = place.level.0.clamp(0, left.max(0));
            left = left.saturating_sub(take);
            take
        })
        .collect();
    takes[0] = takes[0].saturating_add(left);
    places
        .iter()
        .zip(takes)
        .filter(|(_, take)| *take != 0)
        .map(|(place, take)| (place.clone(), Delta(take.saturating_neg())))
        .collect()
}

/// What the evidence says of an adjustment whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was done.
    Applied,
    /// It was not done, and the request can no longer be running.
    NotApplied,
    /// Too early to tell: the request may still be running.
    Wait,
    /// The numbers fit neither, or both.
    InDoubt,
}

/// The source's own net sales of a listing that the level before an adjustment does not contain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnSales {
    /// Units that it surely does not contain.
    pub sure: i64,
    /// Units sold so close to that reading that the stamps do not tell which came first.
    pub unclear: i64,
}

impl OwnSales {
    /// Returns what may have been sold: without and with what is unclear.
    fn either(self) -> [i64; 2] {
        [self.sure, self.sure.saturating_add(self.unclear)]
    }
}

/// Decides from a fresh reading whether an adjustment was done (X6). `settled` tells that the request can no longer be
/// running and that orders can no longer be late. What holds only if an unclear sale came before, or only if it came
/// after, is not decided.
pub fn decide(delta: Delta, before: Level, seen: Level, own: OwnSales, settled: bool) -> Verdict {
    let [one, other] = own.either().map(|sold| decide_for(delta, before, seen, sold, settled));
    match (one == other, settled) {
        (true, _) => one,
        (false, true) => Verdict::InDoubt,
        (false, false) => Verdict::Wait,
    }
}

fn decide_for(delta: Delta, before: Level, seen: Level, own_sales: i64, settled: bool) -> Verdict {
    let not_done = before.after(Delta(own_sales.saturating_neg()));
    let done = not_done.after(delta);
    match (seen == done, seen == not_done) {
        (true, _) => Verdict::Applied,
        (false, true) if settled => Verdict::NotApplied,
        (false, _) if !settled => Verdict::Wait,
        _ => Verdict::InDoubt,
    }
}

/// What a second reading says of an adjustment that the platform confirmed, and may have lost all the same (X4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// The number is what it should be.
    Holds,
    /// Some of it, or of the source's own sales meanwhile, was run over by another write: this is to be sent once more.
    Lost(Delta),
    /// The number is neither: somebody changed it since.
    OwnersChange,
}

/// Compares a second reading with what an adjustment should have left. No more can be lost than was written and sold;
/// whatever is beyond that is the owner's.
pub fn second_reading(delta: Delta, before: Level, seen: Level, own: OwnSales) -> Second {
    let over = |sold: i64| seen.since(before.after(Delta(sold.saturating_neg())).after(delta)).0;
    let [sure, other] = own.either().map(over);
    if sure == 0 || other == 0 {
        return Second::Holds;
    }
    let most_back = delta.0.saturating_neg().max(0).saturating_add(own.sure.max(0));
    let most_gone = delta.0.max(0);
    if (1..=most_back).contains(&sure) || (1..=most_gone).contains(&sure.saturating_neg()) {
        Second::Lost(Delta(sure.saturating_neg()))
    } else {
        Second::OwnersChange
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(delta: i64, before: i64, seen: i64, sure: i64, unclear: i64, settled: bool) -> Verdict {
        decide(Delta(delta), Level(before), Level(seen), OwnSales { sure, unclear }, settled)
    }

    // proves X6: both candidates are corrected by the source's own sales; one that fits decides, else nobody can tell.
    #[test]
    fn a_lost_answer_is_decided_by_the_one_candidate_that_fits() {
        assert_eq!(verdict(-2, 10, 8, 0, 0, false), Verdict::Applied);
        assert_eq!(verdict(-2, 10, 10, 0, 0, true), Verdict::NotApplied);
        assert_eq!(verdict(-2, 10, 10, 0, 0, false), Verdict::Wait);
        assert_eq!(verdict(-2, 10, 9, 1, 0, true), Verdict::NotApplied);
        assert_eq!(verdict(-2, 10, 7, 1, 0, true), Verdict::Applied);
        assert_eq!(verdict(-2, 10, 5, 0, 0, true), Verdict::InDoubt);
        assert_eq!(verdict(-2, 10, 8, 0, 2, true), Verdict::InDoubt, "was it the sale, or was it ours?");
        assert_eq!(verdict(-2, 10, 6, 0, 2, true), Verdict::InDoubt);
        assert_eq!(verdict(-1, 10, 8, 1, 0, true), Verdict::Applied);
    }

    fn second(delta: i64, before: i64, seen: i64, sure: i64, unclear: i64) -> Second {
        second_reading(Delta(delta), Level(before), Level(seen), OwnSales { sure, unclear })
    }

    // proves X4: what was run over by another write is sent once more, and no more than was written and sold.
    #[test]
    fn a_second_reading_tells_what_was_lost() {
        assert_eq!(second(-2, 10, 8, 0, 0), Second::Holds);
        assert_eq!(second(-2, 10, 7, 1, 0), Second::Holds);
        assert_eq!(second(-2, 10, 10, 0, 0), Second::Lost(Delta(-2)));
        assert_eq!(second(-2, 10, 8, 1, 0), Second::Lost(Delta(-1)), "the shop's own sale was run over");
        assert_eq!(second(-2, 10, 8, 0, 1), Second::Holds, "the sale may have been in the number before");
        assert_eq!(second(-2, 10, 25, 0, 0), Second::OwnersChange);
        assert_eq!(second(-2, 10, 3, 0, 0), Second::OwnersChange);
        assert_eq!(second(3, 10, 10, 0, 0), Second::Lost(Delta(3)));
        assert_eq!(second(3, 10, 13, 1, 0), Second::Lost(Delta(-1)));
    }
}
