//! Undoing a run (U1): what the listings that it wrote to are to show again, and why some are left as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::facts::{Component, ListingId, Shown, TargetFacts};
use super::hold::HoldId;
use super::movement::{Movement, Why};
use super::offer::offer;
use super::plan::{Decision, Doubt, World, doubt};
use super::status::Status;
use super::stock::{Level, Quantity};

/// What a run wrote to one listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// What it showed before the run first wrote to it, if that was known.
    pub before: Option<Level>,
    /// What it showed after the run last wrote to it.
    pub after: Level,
}

/// Finds in a run's entries of the ledger, oldest first, what it wrote to each listing.
pub fn written<'a>(entries: impl IntoIterator<Item = &'a Movement>) -> BTreeMap<ListingId, Written> {
    let mut written = BTreeMap::<ListingId, Written>::new();
    for entry in entries {
        let pushes = matches!(entry.why, Why::Pushed | Why::Zeroed | Why::Corrected | Why::PutBack);
        let Some(after) = entry.to.filter(|_| pushes).map(Level) else { continue };
        let first = Written { before: entry.from.map(Level), after };
        written.entry(entry.listing).or_insert(first).after = after;
    }
    written
}

/// What is to be put back on a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// What it is to show.
    pub quantity: Quantity,
    /// What it showed before, where that is more than can be delivered now.
    pub short_of: Option<Quantity>,
}

/// Why a listing is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It shows something else by now.
    MovedOn {
        /// What the run wrote.
        wrote: Level,
        /// What it shows.
        shows: Level,
    },
    /// What it showed before the run was not known.
    BeforeUnknown,
    /// What it shows cannot be read.
    Unreadable,
    /// It is not linked any more, or its channel is not there any more.
    NotLinked,
    /// Its status lets nothing be written.
    Status(Status),
    /// It stands under another hold.
    Held(HoldId),
    /// It would be raised, or nobody can tell how far, and that is not safe now.
    Doubt(Doubt),
    /// Not all of what it showed can be delivered now.
    Short {
        /// What it showed before.
        before: Quantity,
        /// What it is to show instead.
        now: Quantity,
    },
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MovedOn { wrote, shows } => write!(f, "the run wrote {wrote}, it shows {shows} by now"),
            Self::BeforeUnknown => f.write_str("what it showed before the run was not known"),
            Self::Unreadable => f.write_str("what it shows could not be read"),
            Self::NotLinked => f.write_str("it is not linked any more"),
            Self::Status(status) => write!(f, "nothing is written to it: {status}"),
            Self::Held(hold) => write!(f, "it stands under {hold}; release that first"),
            Self::Doubt(doubt) => doubt.fmt(f),
            Self::Short { before, now } => {
                write!(f, "it showed {before} before the run; {now} is all that can be delivered now")
            }
        }
    }
}

/// Says what is to be put back on a listing that shows what it really shows: what it showed before the run, and no more
/// than can be delivered now unless the owner named it.
///
/// Rules do not count here: they may be what the owner undoes. `ours` are the holds of earlier undoings.
pub fn undo(
    written: Written,
    target: &TargetFacts,
    component: &Component,
    world: &World<'_>,
    decision: &Decision,
    (named, ours): (bool, &BTreeSet<HoldId>),
) -> Result<PutBack, Kept> {
    let shows = match target.known.shown {
        Shown::Exactly(level) => level,
        Shown::AtMost { .. } | Shown::AtLeast(_) | Shown::Unknown => return Err(Kept::Unreadable),
    };
    // What shows already what it showed before needs no write, and is held like the others.
    if shows != written.after && Some(shows) != written.before {
        return Err(Kept::MovedOn { wrote: written.after, shows });
    }
    let before = written.before.ok_or(Kept::BeforeUnknown)?.offerable();
    if target.known.is_gone_by_us() {
        return Err(Kept::Status(Status::Ended("by eys".to_owned())));
    }
    if !decision.status.takes_quantity() {
        return Err(Kept::Status(decision.status.clone()));
    }
    if let Some((hold, _)) = target.held.iter().find(|(hold, _)| !ours.contains(hold)) {
        return Err(Kept::Held(*hold));
    }
    let channel = world.channels.get(&target.known.at.channel).ok_or(Kept::NotLinked)?;
    let deliverable = offer(target, component, &[], &channel.capability, channel.now).map(|offer| offer.quantity);
    // Where nobody knows what can be delivered, nothing is raised.
    let most = if named { before } else { deliverable.unwrap_or(shows.offerable()) };
    let quantity = before.min(most);
    let short_of = (quantity < before).then_some(before);
    match doubt(target, component, world) {
        Some(doubt) if shows < quantity.as_level() || short_of.is_some() => Err(Kept::Doubt(doubt)),
        _ => Ok(PutBack { quantity, short_of }),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn entry(listing: i64, why: Why, from: Option<i64>, to: Option<i64>) -> Movement {
        let listing = ListingId(listing);
        Movement { listing, from, to, when: Timestamp::UNIX_EPOCH, why, line: None, intent: None, note: None }
    }

    // proves U1: what a listing showed before the first write of a run, and after the last; nothing else is undone.
    #[test]
    fn a_run_is_what_it_wrote_from_first_to_last() {
        let entries = [
            entry(1, Why::Pushed, Some(10), Some(8)),
            entry(2, Why::Pushed, None, Some(4)),
            entry(3, Why::Deducted, Some(10), Some(8)),
            entry(1, Why::Sold, None, Some(1)),
            entry(1, Why::Zeroed, Some(8), Some(0)),
            entry(4, Why::Refused, Some(3), Some(1)),
        ];
        let expected = BTreeMap::from([
            (ListingId(1), Written { before: Some(Level(10)), after: Level(0) }),
            (ListingId(2), Written { before: None, after: Level(4) }),
        ]);
        assert_eq!(written(&entries), expected);
    }
}
