//! The brakes over a whole plan (H1): what would empty a shop waits for the owner, unless sales explain it.

use std::collections::BTreeMap;

use super::facts::{Component, Known, ListingId, Shown, TargetFacts};
use super::hold::{Frozen, FrozenPart, HoldWhy};
use super::listing::ChannelName;
use super::offer::find;
use super::plan::{Action, Cause, Decision};
use super::stock::{Level, Quantity};

/// How often a listing is corrected within a day before that is a second writer (R4).
const MOST_CORRECTIONS: i64 = 6;

/// How many listings may move without a word, in percent and at least in number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The share, in percent of the channel's listings.
    pub percent: u8,
    /// The least number that is ever held.
    pub at_least: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self { percent: 20, at_least: 5 }
    }
}

impl Guard {
    /// Tells whether so many of so many are too many.
    pub fn trips(self, moved: i64, of: i64) -> bool {
        let share = i128::from(moved) * 100 > i128::from(of) * i128::from(self.percent);
        moved >= i64::from(self.at_least) && share
    }

    /// Tells whether too much of the source is gone or suddenly zero. A listing that is gone is never an ordinary sale,
    /// so that a small shop is guarded too: for those the least number does not count.
    pub fn trips_source(self, source: SourceTotals) -> bool {
        let gone = Self { at_least: 1, ..self };
        gone.trips(source.gone, source.linked) || self.trips(source.emptied.saturating_add(source.gone), source.linked)
    }
}

/// What the guard needs to know of a channel beyond the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Linked listings.
    pub linked: i64,
    /// Linked listings that show stock.
    pub showing: i64,
    /// Listings that went to zero within 24 hours without a sale.
    pub zeroed: i64,
    /// Whether it was ever pushed to with the owner's word.
    pub pushed_ever: bool,
}

/// What the guard needs to know of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceTotals {
    /// Source listings that are part of a recipe.
    pub linked: i64,
    /// Of those, how many this reading finds suddenly zero, without a sale that explains it.
    pub emptied: i64,
    /// Of those, how many it finds gone.
    pub gone: i64,
}

/// A hold that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    /// The channel.
    pub channel: ChannelName,
    /// Why.
    pub why: HoldWhy,
    /// The listings to hold.
    pub targets: Vec<ListingId>,
    /// What it is about, in numbers.
    pub note: String,
}

/// Looks over the decisions about all channels and says which of them must wait for the owner.
pub fn guard(
    decisions: &[Decision],
    totals: &BTreeMap<ChannelName, Totals>,
    source: SourceTotals,
    limits: Guard,
) -> Vec<NewHold> {
    let mut holds = Vec::new();
    for (channel, totals) in totals {
        let here: Vec<&Decision> = decisions.iter().filter(|d| d.channel == *channel && moves(d)).collect();
        holds.extend(guard_channel(channel, &here, *totals, source, limits));
    }
    holds
}

fn guard_channel(
    channel: &ChannelName,
    moving: &[&Decision],
    totals: Totals,
    source: SourceTotals,
    limits: Guard,
) -> Option<NewHold> {
    let hold = |why, held: Vec<&Decision>, note: String| {
        let targets = held.iter().map(|decision| decision.target).collect();
        Some(NewHold { channel: channel.clone(), why, targets, note })
    };
    if !totals.pushed_ever {
        let note = format!("the first push to {channel} would change {} of {} listings", moving.len(), totals.linked);
        return if moving.is_empty() { None } else { hold(HoldWhy::FirstPush, moving.to_vec(), note) };
    }
    let zeroing: Vec<&Decision> = moving.iter().copied().filter(|decision| unexplained_zero(decision)).collect();
    if !zeroing.is_empty() && limits.trips_source(source) {
        let lost = source.emptied.saturating_add(source.gone);
        let note = format!(
            "{lost} of {} linked listings on the source are gone or at 0, and with them {} on {channel}",
            source.linked,
            zeroing.len()
        );
        return hold(HoldWhy::SourceEmptied, zeroing, note);
    }
    let zeroed = count(&zeroing).saturating_add(totals.zeroed);
    let showed = totals.showing.saturating_add(totals.zeroed);
    if !zeroing.is_empty() && limits.trips(zeroed, showed) {
        let note = match totals.zeroed {
            0 => format!("{zeroed} of {showed} listings with stock on {channel} would go to 0 without a sale"),
            before => format!(
                "{zeroed} of {showed} listings with stock on {channel} would be at 0 without a sale; {before} of them went there within 24 hours"
            ),
        };
        return hold(HoldWhy::Zeros, zeroing, note);
    }
    let by_rules: Vec<&Decision> = moving.iter().copied().filter(|decision| decision.cause == Cause::Rules).collect();
    if limits.trips(count(&by_rules), totals.linked) {
        let (moved, all) = (by_rules.len(), totals.linked);
        let note = format!("changed rules, recipes or locations move {moved} of {all} listings on {channel}");
        return hold(HoldWhy::Rules, by_rules, note);
    }
    None
}

fn count(decisions: &[&Decision]) -> i64 {
    i64::try_from(decisions.len()).unwrap_or(i64::MAX)
}

fn moves(decision: &Decision) -> bool {
    match decision.action {
        Action::Push { .. } | Action::Hide => true,
        Action::Look => decision.offer.is_some(),
        _ => false,
    }
}

/// Tells whether a decision takes a listing to zero, or out of sight, without a sale that explains it.
pub fn unexplained_zero(decision: &Decision) -> bool {
    let zero = match decision.action {
        Action::Push { quantity, .. } => quantity == Quantity::ZERO,
        Action::Hide => true,
        _ => false,
    };
    let showed = decision.shown.most().is_none_or(|most| Level(0) < most);
    zero && showed && decision.cause != Cause::Sale
}

/// Tells whether a write puts right what somebody else wrote: more than we offered, at once (R4), or less, once the wait
/// for its order is over (R3). Under a hold a listing is not brought to its offer, so that nothing is put right.
pub fn corrects(known: &Known, decision: &Decision) -> bool {
    let (Some(pushed), Action::Push { quantity, lowering }) = (known.pushed, &decision.action) else { return false };
    let more = matches!(decision.shown, Shown::Exactly(level) if pushed.quantity.as_level() < level);
    let less = !lowering && known.ceiling.as_ref().is_some_and(|ceiling| ceiling.most < *quantity);
    let is_offer = decision.offer.as_ref().is_some_and(|offer| offer.quantity == *quantity);
    decision.cause == Cause::Sale && is_offer && (more || less)
}

/// Holds a listing that is to be corrected once more though it was corrected again and again: somebody else writes to it
/// too (R4).
pub fn second_writer(known: &Known, decision: &Decision, corrections: i64) -> Option<NewHold> {
    let Action::Push { quantity, .. } = decision.action else { return None };
    if corrections < MOST_CORRECTIONS || !corrects(known, decision) {
        return None;
    }
    let name = known.name();
    let theirs = decision.shown.most().map_or_else(|| "another number".to_owned(), |level| level.to_string());
    let note = format!(
        "{name} on {}: eys writes {quantity}, another program keeps writing {theirs}; corrected {corrections} times in 24 hours",
        decision.channel
    );
    let channel = decision.channel.clone();
    Some(NewHold { channel, why: HoldWhy::SecondWriter, targets: vec![decision.target], note })
}

/// Freezes what a listing is worked out from while it is held. Where nobody knows what it shows, nothing is taken off
/// until it is known.
pub fn freeze(target: &TargetFacts, component: &Component) -> Frozen {
    let quantity = target.known.shown.most().map_or(Quantity::at_least_zero(i64::MAX), Level::offerable);
    let parts = target
        .links
        .iter()
        .flat_map(|link| &link.recipe)
        .map(|part| FrozenPart {
            source: part.source,
            units: part.units,
            sold: find(component, part.source).map_or(0, |source| source.known.sold),
        })
        .collect();
    Frozen { listing: target.known.id, quantity, parts }
}

/// Tells whether a source listing that is still there is at zero.
pub fn emptied(known: &Known) -> bool {
    known.gone.is_none() && known.reading.is_some_and(|seen| seen.level.0 <= 0)
}
