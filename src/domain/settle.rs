//! Owed against applied: what is to be taken off the source, or given back to it, and whether it has happened.

use jiff::{SignedDuration, Timestamp};

use super::capability::Capability;
use super::facts::SourceFacts;
use super::intent::{Act, IntentState, Portion};
use super::line::{Line, LineId};
use super::listing::Place;
use super::observe::{SAME_MOMENT, later};
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
    /// Where the units of each line are taken off or given back; empty where the source knows no places.
    pub portions: Vec<Portion>,
    /// What of it makes up for what was lost (X3, X4).
    pub lost: Delta,
    /// Units that stay owed, or lost, because the source has no more: an oversell (W6).
    pub short: i64,
}

/// Works out what is to be applied to one source listing. `None` where nothing is owed or lost, where an earlier adjustment is
/// not closed yet (X1), or where its level is not known (P5).
pub fn settle(source: &SourceFacts, capability: &Capability) -> Option<Settlement> {
    settle_leaving(source, capability, 0)
}

/// The same, but for units that must stay: the last one of a listing that its platform does not keep at 0, as long as
/// the owner did not let it be taken out of sight (Z2).
pub fn settle_leaving(source: &SourceFacts, capability: &Capability, units: i64) -> Option<Settlement> {
    let known = &source.known;
    let before = known.reading?.level;
    if !is_adjustable(source) {
        return None;
    }
    let takes = before.after(Delta(units.saturating_neg()));
    // What was lost and was bought since, as it stood there to be bought, waits for the next stock like any debt.
    let lost = if capability.below_zero { source.lost } else { source.lost.max(Delta(-takes.0.max(0))) };
    let (mut lines, short) = allot(&source.owing, known.id, (!capability.below_zero).then_some(takes.after(lost)));
    let short = short.saturating_add(lost.0.saturating_sub(source.lost.0));
    lines.sort_unstable();
    if lines.is_empty() && short == 0 && lost.is_zero() {
        return None;
    }
    let units = lines.iter().fold(0, |sum: i64, (_, units)| sum.saturating_add(*units));
    let delta = Delta(lost.0.saturating_sub(units));
    let portions = allot_places(&known.listing.places, &source.took, &lines);
    let places = place_changes(&known.listing.places, &portions, lost);
    Some(Settlement { delta, before, lines, places, portions, lost, short })
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

/// Allots the units of each line to places (L1): what comes back returns to where it was taken off, then what is taken off
/// is spread over what they hold. All places of the platform's that count are given, in the owner's order.
fn allot_places(places: &[Place], took: &[Portion], lines: &[(LineId, i64)]) -> Vec<Portion> {
    let mut places = places.to_vec();
    // What cancels out is not sent: what one line takes off is what the other gives back.
    if lines.iter().fold(0_i64, |sum, (_, units)| sum.saturating_add(*units)) == 0 {
        for place in &mut places {
            place.level = Level(0);
        }
    }
    let mut portions = Vec::new();
    let (back, off): (Vec<_>, Vec<_>) = lines.iter().copied().partition(|(_, units)| *units < 0);
    for (line, units) in back.into_iter().chain(off) {
        let change = Delta(units.saturating_neg());
        let deltas = if units < 0 { come_back(&places, took, line, change) } else { spread(&places, change) };
        for (place, delta) in places.iter_mut().zip(deltas).filter(|(_, delta)| !delta.is_zero()) {
            place.level = place.level.after(delta);
            portions.push(Portion { line, place: place.id.clone(), units: delta.0.saturating_neg() });
        }
    }
    portions
}

/// Returns how units of a line come back to each place: to where they were taken off, the rest to the first place, where
/// nobody knows any more or that place no longer counts.
fn come_back(places: &[Place], took: &[Portion], line: LineId, back: Delta) -> Vec<Delta> {
    let mut left = back.0;
    let from = |place: &Place| took.iter().find(|portion| portion.line == line && portion.place == place.id);
    let mut deltas: Vec<Delta> = places
        .iter()
        .map(|place| {
            let units = from(place).map_or(0, |portion| portion.units).clamp(0, left.max(0));
            left = left.saturating_sub(units);
            Delta(units)
        })
        .collect();
    if let Some(first) = deltas.first_mut() {
        first.0 = first.0.saturating_add(left);
    }
    deltas
}

/// Returns how units that are taken off fall on each place: on the first that has enough, else on one after the other, a
/// shortfall on the first.
pub fn spread(places: &[Place], change: Delta) -> Vec<Delta> {
    let wanted = change.0.saturating_neg();
    if let Some(enough) = places.iter().position(|place| place.level.0 >= wanted) {
        return (0..places.len()).map(|nth| if nth == enough { change } else { Delta(0) }).collect();
    }
    let mut left = wanted;
    let mut deltas: Vec<Delta> = places
        .iter()
        .map(|place| {
            let units = place.level.0.clamp(0, left.max(0));
            left = left.saturating_sub(units);
            Delta(units.saturating_neg())
        })
        .collect();
    if let Some(first) = deltas.first_mut() {
        first.0 = first.0.saturating_sub(left);
    }
    deltas
}

/// Sums up what changes at each place; what makes up for what was lost falls on the first.
fn place_changes(places: &[Place], portions: &[Portion], lost: Delta) -> Vec<(Place, Delta)> {
    let mut rest = lost.0;
    let changed = places.iter().map(|place| {
        let here = portions.iter().filter(|portion| portion.place == place.id);
        let delta = here.fold(std::mem::take(&mut rest), |sum, portion| sum.saturating_sub(portion.units));
        (place.clone(), Delta(delta))
    });
    changed.filter(|(_, delta)| !delta.is_zero()).collect()
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

/// A reading of a source listing by which an open adjustment is weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The units.
    pub level: Level,
    /// When the reading began, by the channel's clock.
    pub begun: Timestamp,
    /// When it was done: what was sold meanwhile may be in it or not.
    pub done: Timestamp,
    /// What the platform's own counter of sold units said, where it has one.
    pub counter: Option<i64>,
}

/// A goal that was written over a number and held when it was read again, where the platform counts no sold units: what
/// was sold between the two readings and shows only later was run over, but for what the second already showed less (X3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// When the first reading was done, by the channel's clock.
    pub from: Timestamp,
    /// When the second began.
    pub until: Timestamp,
    /// Units that the second showed less than was written, and that nothing known explained.
    pub fell: i64,
}

impl Goal {
    /// Leaves to an earlier goal of the same listing what was sold before its second reading began: a sale is run over once.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        let just_before = later(earlier.until, -SAME_MOMENT - SignedDuration::from_millis(1));
        Self { from: self.from.max(just_before), ..self }
    }

    /// Takes in a sale whose order shows only now; returns how much of it was run over.
    pub fn run_over(&mut self, placed: Timestamp, units: i64) -> i64 {
        if placed <= later(self.from, SAME_MOMENT) || self.until <= placed {
            return 0;
        }
        let explained = units.clamp(0, self.fell.max(0));
        self.fell = self.fell.saturating_sub(explained);
        units.saturating_sub(explained).max(0)
    }
}

/// The source's own net sales of a listing between the level before an adjustment and a later reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnSales {
    /// Units that surely lie between the two.
    pub sure: i64,
    /// Units sold so close to one of the two that the stamps do not tell.
    pub perhaps_sold: i64,
    /// Units given back so close to one of the two.
    pub perhaps_back: i64,
}

impl OwnSales {
    /// Counts the sales between two readings by the platform's own counter, which leaves no sale unclear (X3).
    pub fn counted(before: i64, seen: i64) -> Self {
        Self { sure: seen.saturating_sub(before), ..Self::default() }
    }

    /// Adds units of which the stamps do not tell whether they lie between the two.
    pub fn add_unclear(&mut self, units: i64) {
        self.perhaps_sold = self.perhaps_sold.saturating_add(units.max(0));
        self.perhaps_back = self.perhaps_back.saturating_add(units.saturating_neg().max(0));
    }

    /// Returns the lowest and the highest level that a level may have come to by these sales.
    fn range(self, from: Level) -> (Level, Level) {
        let most = self.sure.saturating_add(self.perhaps_sold);
        let least = self.sure.saturating_sub(self.perhaps_back);
        (from.after(Delta(most.saturating_neg())), from.after(Delta(least.saturating_neg())))
    }
}

/// Decides from a reading whether an adjustment was done (X6). `settled` tells that the request can no longer be running
/// and that orders can no longer be late. One candidate fits: decided. Otherwise nobody can tell.
pub fn decide(delta: Delta, before: Level, seen: Level, own: OwnSales, settled: bool) -> Verdict {
    let fits = |level: Level| {
        let (lowest, highest) = own.range(level);
        lowest <= seen && seen <= highest
    };
    match (fits(before.after(delta)), fits(before)) {
        (true, false) => Verdict::Applied,
        (false, true) if settled => Verdict::NotApplied,
        _ if !settled => Verdict::Wait,
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
    let (lowest, highest) = own.range(before.after(delta));
    if lowest <= seen && seen <= highest {
        return Second::Holds;
    }
    let over = seen.since(if seen < lowest { lowest } else { highest }).0;
    let most_back = delta.0.saturating_neg().max(0).saturating_add(own.sure.max(0));
    let most_gone = delta.0.max(0);
    if (1..=most_back).contains(&over) || (1..=most_gone).contains(&over.saturating_neg()) {
        Second::Lost(Delta(over.saturating_neg()))
    } else {
        Second::OwnersChange
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(delta: i64, before: i64, seen: i64, sure: i64, unclear: i64, settled: bool) -> Verdict {
        let mut own = OwnSales { sure, ..OwnSales::default() };
        own.add_unclear(unclear);
        decide(Delta(delta), Level(before), Level(seen), own, settled)
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
        assert_eq!(verdict(-2, 10, 6, 0, 2, true), Verdict::Applied, "the sale alone does not come to this");
        assert_eq!(verdict(-2, 10, 9, 0, 3, true), Verdict::NotApplied, "one of three may have come after");
        assert_eq!(verdict(-2, 10, 12, 0, -2, true), Verdict::NotApplied, "units that perhaps came back");
        assert_eq!(verdict(-1, 10, 8, 1, 0, true), Verdict::Applied);
    }

    // proves X3: of goals whose readings overlap, one alone counts a sale that shows late, whenever that was made.
    #[test]
    fn a_sale_is_run_over_once() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let (first, last) = (10_i64, 20_i64);
        for placed in 3..last {
            let one = Goal { from: at(0), until: at(first), fell: 0 };
            let other = Goal { from: at(0), until: at(last), fell: 0 }.after(&one);
            let run_over: i64 = [one, other].iter_mut().map(|goal| goal.run_over(at(placed), 1)).sum();
            assert_eq!(run_over, 1, "{placed}");
        }
    }

    // proves X3: a sale that shows late was run over, unless the second reading showed it already or it came after that.
    #[test]
    fn a_late_sale_was_run_over_by_a_goal_that_held() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut goal = Goal { from: at(100), until: at(110), fell: 2 };
        assert_eq!((goal.run_over(at(102), 5), goal.run_over(at(110), 5)), (0, 0), "before it, and after it");
        assert_eq!((goal.run_over(at(104), 1), goal.run_over(at(105), 3)), (0, 2), "two units were seen to be missing");
        assert_eq!(goal.run_over(at(106), 1), 1);
    }

    fn second(delta: i64, before: i64, seen: i64, sure: i64, unclear: i64) -> Second {
        let mut own = OwnSales { sure, ..OwnSales::default() };
        own.add_unclear(unclear);
        second_reading(Delta(delta), Level(before), Level(seen), own)
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
