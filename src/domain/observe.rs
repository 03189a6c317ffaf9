//! What a reading says of a listing, compared with what we knew: sales, the owner's hand, or nothing at all.

use jiff::{SignedDuration, Timestamp};

use super::facts::{Ceiling, Known, Seen, Shown};
use super::line::Line;
use super::listing::Found;
use super::stock::{Level, Quantity};
use crate::safeguard::{Safeguard, stands};

/// How far apart two stamps of one channel's clock must be to say which came first.
pub const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(2);

/// What a reading turned out to mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing that was not known.
    Nothing,
    /// It began before our last write was confirmed: it says nothing (R2).
    TooOld,
    /// The listing's number could not be read: it says nothing (P5).
    NoNumber,
    /// The listing is gone; it was looked up itself.
    Gone,
    /// The first number ever read of it.
    First(Level),
    /// Somebody changed it: from, to. No sale and no write of ours explains it.
    OwnersChange(Level, Level),
    /// Units are missing on a target without an order; they are waited for (R3).
    Missing {
        /// What it should show.
        expected: Level,
        /// What it shows.
        seen: Level,
    },
}

/// Takes in a reading of a target listing (R1 to R4).
pub fn target(known: &mut Known, found: &Found, begun: Timestamp, now: Timestamp, grace: SignedDuration) -> Meaning {
    let Some(level) = take_in(known, found, begun, now) else { return nothing_said(known, found, begun, now) };
    let expected = known.shown.least().filter(|least| level < *least);
    let meaning = match known.shown {
        _ if let Some(expected) = expected => missing(known, expected, level, now, grace),
        Shown::Exactly(expected) if expected < level && known.pushed.is_some_and(|p| p.quantity.as_level() < level) => {
            Meaning::OwnersChange(expected, level)
        }
        Shown::Unknown if known.pushed.is_none() => Meaning::First(level),
        _ => Meaning::Nothing,
    };
    known.shown = Shown::Exactly(level);
    meaning
}

/// Lowers the ceiling of a listing by the units that are missing without an order. The grace period runs from the first
/// such reading and is never prolonged (R3).
fn missing(known: &mut Known, expected: Level, seen: Level, now: Timestamp, grace: SignedDuration) -> Meaning {
    let units = expected.0.saturating_sub(seen.0);
    let running = known.ceiling.as_ref().filter(|ceiling| now < ceiling.until);
    let until = running.map_or_else(|| later(now, grace), |ceiling| ceiling.until);
    let missing = running.map_or(0, |ceiling| ceiling.missing).saturating_add(units);
    if stands(Safeguard::Grace) {
        known.ceiling = Some(Ceiling { most: seen.offerable(), missing, until });
    }
    Meaning::Missing { expected, seen }
}

/// Takes a sale on a target listing, or its return, into what it shows (R1).
pub fn sold_on_target(known: &mut Known, change: i64, placed: Timestamp) {
    if change < 0 {
        // Units that come back make it no fewer.
        known.shown = known.shown.least().map_or(Shown::Unknown, Shown::AtLeast);
        return;
    }
    let explained = explain_missing(known, change);
    let rest = change.saturating_sub(explained);
    if rest == 0 {
        return;
    }
    let last = known.pushed.map(|pushed| pushed.at).max(known.reading.map(|seen| seen.done));
    let clearly_after = last.is_none_or(|last| later(last, SAME_MOMENT) < placed);
    known.shown = match known.shown {
        // More was sold than it showed: it showed more.
        Shown::Exactly(most) | Shown::AtMost { most, .. } if clearly_after && most.0 < rest => Shown::Unknown,
        Shown::Exactly(level) if clearly_after => Shown::Exactly(Level(level.0.saturating_sub(rest))),
        Shown::Exactly(most) => Shown::AtMost { most, least: Level(most.0.saturating_sub(rest)) },
        Shown::AtMost { most, least } => Shown::AtMost { most, least: Level(least.0.saturating_sub(rest)) },
        Shown::AtLeast(least) => Shown::AtLeast(Level(least.0.saturating_sub(rest))),
        Shown::Unknown => Shown::Unknown,
    };
}

/// Lets an order explain units that were missing; returns how many it explains.
fn explain_missing(known: &mut Known, units: i64) -> i64 {
    let Some(ceiling) = &mut known.ceiling else { return 0 };
    let explained = ceiling.missing.clamp(0, units.max(0));
    ceiling.missing = ceiling.missing.saturating_sub(explained);
    if ceiling.missing == 0 {
        known.ceiling = None;
    }
    explained
}

/// Takes in a reading of a source listing: what its own sales do not explain is the owner's change (W4, Y3). `own` are
/// the source's own lines of it that its readings do not contain yet; what the reading now contains is noted in them.
pub fn source(known: &mut Known, found: &Found, begun: Timestamp, done: Timestamp, own: &mut [Line]) -> Meaning {
    let earlier = known.reading;
    let Some(level) = take_in(known, found, begun, done) else { return nothing_said(known, found, begun, done) };
    let Some(earlier) = earlier else {
        contain(own, |line| later(line.placed, SAME_MOMENT) < begun);
        return Meaning::First(level);
    };
    let fall = earlier.level.0.saturating_sub(level.0);
    let by_lines = explain(own, earlier.done, begun, fall);
    // A counter of sold units knows of sales whose orders are late, or not paid yet.
    let counters = known.reading.and_then(|seen| seen.counter).zip(earlier.counter);
    let sold = counters.map_or(by_lines, |(now, before)| now.saturating_sub(before));
    let unexplained = fall.saturating_sub(sold);
    if unexplained == 0 {
        return Meaning::Nothing;
    }
    Meaning::OwnersChange(Level(level.0.saturating_add(unexplained)), level)
}

/// Returns how much of a fall between two readings the source's own sales explain, and notes which of them the later one
/// contains; `earlier` is when the one before was done. A sale clearly between the two explains its units whatever the
/// fall. One so close to either that the stamps do not tell which came first explains what is left of it; where nothing is
/// left, it was either in the earlier reading or is not yet in the later one, and then stays claimed (P1). Of several the
/// oldest goes first.
pub fn explain(own: &mut [Line], earlier: Timestamp, begun: Timestamp, fall: i64) -> i64 {
    let seen_before = |line: &Line| line.placed <= later(earlier, SAME_MOMENT);
    let seen_now = |line: &Line| later(line.placed, SAME_MOMENT) < begun;
    let sure = |line: &Line| line.unseen() < 0 || (!seen_before(line) && seen_now(line));
    let mut explained = own.iter().filter(|line| sure(line)).fold(0_i64, |sum, line| sum.saturating_add(line.unseen()));
    let mut oldest: Vec<&mut Line> = own.iter_mut().collect();
    oldest.sort_by(|one, other| (one.placed, &one.key).cmp(&(other.placed, &other.key)));
    for line in oldest {
        if seen_now(line) {
            line.unsaid = 0;
        }
        let units = line.unseen();
        if sure(line) {
            line.contained = line.taken;
        } else if units <= fall.saturating_sub(explained) {
            explained = explained.saturating_add(units);
            line.contained = line.taken;
        } else if seen_before(line) && seen_now(line) {
            line.contained = line.taken;
        }
    }
    explained
}

/// Notes that a reading contains some of the source's own lines.
fn contain(own: &mut [Line], contains: impl Fn(&Line) -> bool) {
    for line in own.iter_mut().filter(|line| contains(line)) {
        line.contained = line.taken;
    }
}

/// Takes the number of a reading into what is known, unless it says nothing.
fn take_in(known: &mut Known, found: &Found, begun: Timestamp, now: Timestamp) -> Option<Level> {
    if *found == Found::NoNumber && !stands(Safeguard::MissingIsNotZero) {
        return take_in(known, &Found::Level { level: Level(0), places: Vec::new(), counter: None }, begun, now);
    }
    let Found::Level { level, places, counter } = found else { return None };
    if too_old(known, begun, now) {
        return None;
    }
    known.gone = None;
    known.reading = Some(Seen { level: *level, begun, done: now.max(begun), counter: *counter });
    known.listing.level = Some(*level);
    known.listing.places.clone_from(places);
    Some(*level)
}

fn nothing_said(known: &mut Known, found: &Found, begun: Timestamp, now: Timestamp) -> Meaning {
    match found {
        _ if too_old(known, begun, now) => Meaning::TooOld,
        Found::Gone if known.gone.is_none() => {
            known.gone = Some(begun);
            Meaning::Gone
        }
        Found::NoNumber => Meaning::NoNumber,
        _ => Meaning::Nothing,
    }
}

/// Tells whether a reading began before our last write was confirmed (R2). A confirmation that is still to come by the
/// clock of the reading was stamped by a clock that was further on, or wrong; it puts no reading out of date.
pub(super) fn too_old(known: &Known, begun: Timestamp, now: Timestamp) -> bool {
    known.pushed.is_some_and(|pushed| begun < pushed.at && pushed.at <= now)
}

/// Notes that the platform confirmed a number: the echo of a write is a reading, which began with the write.
pub fn confirmed(known: &mut Known, level: Level, begun: Timestamp, done: Timestamp) {
    let counter = known.reading.and_then(|seen| seen.counter);
    known.reading = Some(Seen { level, begun, done: done.max(begun), counter });
    known.listing.level = Some(level);
    known.shown = Shown::Exactly(level);
}

/// Notes that a write is on its way: until its answer, the listing may show the old number or the new one.
pub fn writing(known: &mut Known, quantity: Quantity) {
    let level = quantity.as_level();
    known.shown = match (known.shown.most(), known.shown.least()) {
        (Some(most), Some(least)) => Shown::AtMost { most: most.max(level), least: least.min(level) },
        (None, Some(least)) => Shown::AtLeast(least.min(level)),
        (_, None) => Shown::Unknown,
    };
}

/// Adds a span to a moment; at the end of time, the end of time.
pub fn later(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.saturating_add(span).unwrap_or(Timestamp::MAX)
}
