//! Owed against applied: what is to be taken off the source, or given back to it, and whether it has happened.

use super::capability::Capability;
use super::facts::SourceFacts;
use super::intent::{Act, IntentState};
use super::line::{Line, LineId};
use super::listing::Place;
use super::stock::{Delta, Level};

/// An adjustment that brings applied to owed, as far as the source's stock goes.
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

/// Works out what is to be applied to one source listing. `None` where nothing is owed, where an earlier adjustment is
/// not closed yet (X1), or where its level is not known (P5).
pub fn settle(source: &SourceFacts, capability: &Capability) -> Option<Settlement> {
    let known = &source.known;
    let unfit = !known.listing.managed || known.listing.unfit.is_some() || known.gone.is_some();
    let pending = source.intents.iter().any(|intent| {
        matches!(intent.act, Act::Adjust { .. }) && matches!(intent.state, IntentState::Open | IntentState::InDoubt)
    });
    let before = known.reading?.level;
    if unfit || pending {
        return None;
    }
    let (mut lines, short) = allot(&source.owing, known.id, (!capability.below_zero).then_some(before));
    lines.sort_unstable();
    if lines.is_empty() && short == 0 {
        return None;
    }
    let units = lines.iter().fold(0, |sum: i64, (_, units)| sum.saturating_add(*units));
    let delta = Delta(units.saturating_neg());
    Some(Settlement { delta, before, lines, places: spread(&known.listing.places, delta), short })
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

/// Decides from a fresh reading whether an adjustment was done (X6). `own_sales` are the source's own net sales since
/// the level before was read; `settled` tells that the request can no longer be running and that orders can no longer
/// be late.
pub fn decide(delta: Delta, before: Level, seen: Level, own_sales: i64, settled: bool) -> Verdict {
    let not_done = before.after(Delta(own_sales.saturating_neg()));
    let done = not_done.after(delta);
    match (seen == done, seen == not_done) {
        (true, _) => Verdict::Applied,
        (false, true) if settled => Verdict::NotApplied,
        (false, _) if !settled => Verdict::Wait,
        _ => Verdict::InDoubt,
    }
}
