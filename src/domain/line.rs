//! Sold lines: what is owed to the source for them, and what of it was applied (P3).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::ListingId;
use super::held::Met;
use super::link::LinkId;
use super::listing::ChannelName;
use super::order::LineKey;
use super::policy::Restock;
use super::stock::Sku;
use crate::safeguard::{Safeguard, stands};

/// A line's number in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(pub i64);

/// A sold line, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the state; `None` until it is stored.
    pub id: Option<LineId>,
    /// The channel it was sold on.
    pub channel: ChannelName,
    /// Its lasting id there.
    pub key: LineKey,
    /// The order's number, as the owner knows it.
    pub order: String,
    /// Other numbers that it goes by: on its platform, or where it was sold before it was brought in.
    pub also: Vec<String>,
    /// The app that brought it in, where it was not sold on its channel (W5).
    pub origin: Option<String>,
    /// The SKU it was sold under.
    pub sku: Option<Sku>,
    /// The listing it was sold from, if we know that listing.
    pub listing: Option<ListingId>,
    /// The link it was tied to when it was first seen (Y2).
    pub link: Option<LinkId>,
    /// When it was placed, by the channel's clock.
    pub placed: Timestamp,
    /// Units that the platform holds off its stock now, `restock_cancelled` applied (W3).
    pub taken: i64,
    /// Units that it held when the link became active (W1).
    pub baseline: i64,
    /// Whether it counts at all: it is tied, and its channel's sales are deducted.
    pub counts: bool,
    /// Whether it was not finished when its link was made, and so was named to the owner as part of the baseline (W1).
    pub unfinished: bool,
    /// Whether it was seen shipped.
    pub shipped: bool,
    /// Which of its units go back when they are cancelled without a word, as set when it was first seen (Y2, W3).
    pub restock: Restock,
    /// Why it waits for the owner; a held line is claimed, not applied (W5).
    pub held: Option<Held>,
    /// Why it waited once, before the owner said that it counts.
    pub asked: Option<LineHold>,
    /// What it met on the source before it was settled; `None` where that was not looked at (W5).
    pub met: Option<Met>,
    /// When units of it last came back, by the channel's clock (W3).
    pub returned: Option<Timestamp>,
    /// What it owes, by part of the recipe it was tied to.
    pub shares: Vec<Share>,
    /// For a line of the source: units of it that a reading of its listing already contains (W4).
    pub contained: i64,
    /// For a line of the source that was cancelled before it was first seen: units of which nobody said whether they are
    /// back on the shelf, so that a number may be without them (X6). A reading that is later than both knows.
    pub unsaid: i64,
}

/// One part of what a line owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The source listing.
    pub source: ListingId,
    /// Source units for each unit of the line.
    pub units: i64,
    /// Source units that the source has confirmed taken off.
    pub applied: i64,
}

/// What is kept of a line once it is old and settled (W7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Units that its platform held off its stock.
    pub taken: i64,
    /// Of those, the units that were taken off the source.
    pub applied: i64,
}

/// Why a line waits, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Why.
    pub why: LineHold,
    /// Since when, by the channel's clock.
    pub since: Timestamp,
}

/// Why a line is claimed and not applied (W3, W5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineHold {
    /// Another app seems to bring this channel's orders into the source.
    AnotherApp,
    /// The last complete run is long ago, and the source fell meanwhile.
    LongPause,
    /// It is first seen more than three days after it was placed.
    SeenLate,
    /// A run brought far more old lines than the busiest day.
    Flood,
    /// The source rose by just these units since they were cancelled.
    GivenBackByHand,
    /// The master switch was off when it was first seen (T3).
    SwitchedOff,
    /// It was not settled when another state, or a later one, was found to have written to the source (I2).
    OtherState,
    /// It was sold on a relisted listing before that was accepted (L2).
    Relisted,
}

impl fmt::Display for LineHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnotherApp => "another app seems to bring these orders into the source",
            Self::LongPause => "the last complete run is long ago, and the source fell meanwhile",
            Self::SeenLate => "first seen more than three days after it was placed",
            Self::Flood => "far more old orders came at once than on the busiest day",
            Self::GivenBackByHand => "the source rose by just these units since they were cancelled",
            Self::SwitchedOff => "sold while inventory_sync was off",
            Self::OtherState => "another eys, or a later state of this one, may have taken it off already",
            Self::Relisted => "sold on a relisted listing that you had not accepted",
        })
    }
}

impl Line {
    /// Returns the numbers that it goes by.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = std::iter::once(&self.order).chain(&self.also);
        all.map(|name| name.trim().trim_start_matches('#')).filter(|name| !name.is_empty())
    }

    /// Returns the units that readings of its listing cannot contain yet; negative where some that came back do not show.
    pub fn unseen(&self) -> i64 {
        self.taken.saturating_sub(self.contained)
    }

    /// Tells whether nothing is owed for it and nothing to be given back.
    pub fn is_even(&self) -> bool {
        self.shares.iter().all(|share| self.owed(share) == share.applied)
    }

    /// Lets it count by the owner's word: it is not asked about again.
    pub fn count_missed(&mut self) {
        self.asked = self.held.take().map(|held| held.why);
        self.counts = true;
    }

    /// Drops it by the owner's word: a sale that is in the source already is not taken off, units that were put back by
    /// hand are not given back.
    pub fn ignore_missed(&mut self) {
        // What another state has taken off already is applied; a later cancellation gives it back.
        let is_done = |held: Held| matches!(held.why, LineHold::GivenBackByHand | LineHold::OtherState);
        if self.held.take().is_some_and(is_done) {
            self.settle();
        } else {
            self.counts = false;
        }
    }

    /// Returns the units of the line that are sold and were not before its link became active.
    pub fn sold(&self) -> i64 {
        if self.counts { self.taken.saturating_sub(self.baseline).max(0) } else { 0 }
    }

    /// Returns the source units owed for one of its shares.
    pub fn owed(&self, share: &Share) -> i64 {
        self.sold().saturating_mul(share.units)
    }

    /// Takes what it owes for applied.
    pub fn settle(&mut self) {
        let sold = self.sold();
        for share in &mut self.shares {
            share.applied = sold.saturating_mul(share.units);
        }
    }

    /// Returns source units of one listing that are owed and not applied; below zero, units to be given back.
    pub fn open_units(&self, source: ListingId) -> i64 {
        self.shares
            .iter()
            .filter(|share| share.source == source)
            .map(|share| (self.owed(share), if stands(Safeguard::OwedLessApplied) { share.applied } else { 0 }))
            .fold(0, |sum: i64, (owed, applied)| sum.saturating_add(owed.saturating_sub(applied)))
    }
}
