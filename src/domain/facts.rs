//! What is known of a listing: what its channel said, what we wrote, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hold::{Frozen, HoldId};
use super::intent::{Intent, Portion};
use super::line::Line;
use super::link::Link;
use super::listing::{Listing, ListingRef};
use super::movement::MovementId;
use super::stock::{Delta, Level, Quantity};
use super::unpaid::Counted;

/// A listing's number in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListingId(pub i64);

/// All that is known of one listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number in the state.
    pub id: ListingId,
    /// Its channel and its key there.
    pub at: ListingRef,
    /// What the last full scan found. Its `level` and `places` are those of the last good reading.
    pub listing: Listing,
    /// The last good reading; `None` where none was ever good.
    pub reading: Option<Seen>,
    /// Since when its number cannot be read, by its channel's clock; what was read last still counts (P5).
    pub numberless: Option<Timestamp>,
    /// Since when it is known to be gone, by its channel's clock.
    pub gone: Option<Timestamp>,
    /// What it shows, as far as we know; for targets.
    pub shown: Shown,
    /// Our last write to it.
    pub pushed: Option<Pushed>,
    /// The last entry of the ledger at which a look at it found that it showed just what it was offered, so that
    /// nothing had to be written.
    pub fitted: Option<MovementId>,
    /// Whether its rules or its recipe changed since it last showed what it was offered (H1).
    pub ruled_anew: bool,
    /// The most it may show for now.
    pub ceiling: Option<Ceiling>,
    /// The platform's last refusal to take a quantity for it.
    pub refusal: Option<Refusal>,
    /// What it was before we hid or ended it; `None` where we did not.
    pub hidden: Option<Hidden>,
    /// The last change of it that no sale and no write of ours explains.
    pub owners_change: Option<MovementId>,
    /// Whether another listing of its channel bears a SKU of it, and both are there: then nobody can tell which of them
    /// is meant.
    pub duplicate: bool,
    /// How far its platform's counter of sold units is accounted for, where it has one that shows unpaid purchases (O5);
    /// for targets.
    pub counted: Option<Counted>,
    /// Units of it that were ever known to be sold, on any channel (for a source listing: in its own units). It only
    /// grows; what was sold since a moment is a difference of two values.
    pub sold: i64,
}

impl Known {
    /// Tells whether it is gone because we ended it, so that it can come back.
    pub fn is_gone_by_us(&self) -> bool {
        self.gone.is_some() && self.hidden.as_ref().is_some_and(|hidden| hidden.ended)
    }

    /// Notes that it cannot be brought back, should we have ended it: it is gone like any other.
    pub fn give_up(&mut self) {
        self.hidden = self.hidden.take().filter(|hidden| !hidden.ended);
    }

    /// Returns the name by which the owner knows it: its SKU, else its key.
    pub fn name(&self) -> String {
        self.listing.skus().next().map_or_else(|| self.at.key.to_string(), ToString::to_string)
    }
}

/// A quantity that was read, and when, by the channel's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The units.
    pub level: Level,
    /// When the reading began.
    pub begun: Timestamp,
    /// When it was done: what was sold meanwhile may be in it or not.
    pub done: Timestamp,
    /// What the platform's own counter of sold units said, where it has one (X3, O5).
    pub counter: Option<i64>,
}

/// What a target listing shows as far as we know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Exactly so many.
    Exactly(Level),
    /// So many or fewer.
    AtMost {
        /// The most it may show.
        most: Level,
        /// What it shows at least, as far as known sales and writes of ours explain it: below that, units are missing.
        least: Level,
    },
    /// Nobody knows how many, but for the least that known sales and writes explain: units came back to it.
    AtLeast(Level),
    /// Anything.
    #[default]
    Unknown,
}

impl Shown {
    /// Returns the most that it may show.
    pub fn most(self) -> Option<Level> {
        match self {
            Self::Exactly(level) | Self::AtMost { most: level, .. } => Some(level),
            Self::AtLeast(_) | Self::Unknown => None,
        }
    }

    /// Returns what it shows at least, unless something happened that we do not know of.
    pub fn least(self) -> Option<Level> {
        match self {
            Self::Exactly(level) | Self::AtMost { least: level, .. } | Self::AtLeast(level) => Some(level),
            Self::Unknown => None,
        }
    }

    /// Returns what it shows, if that is known.
    pub fn exactly(self) -> Option<Level> {
        match self {
            Self::Exactly(level) => Some(level),
            Self::AtMost { .. } | Self::AtLeast(_) | Self::Unknown => None,
        }
    }

    /// Tells whether a listing that is found to show so many, or no number, must not be given a quantity: it is not what
    /// it was held to be (X7), or what was meant to lower it would raise it (P1).
    pub fn is_overtaken(self, live: Option<Level>, quantity: Quantity) -> bool {
        let quantity = quantity.as_level();
        match self {
            Self::Exactly(level) => live != Some(level),
            Self::AtMost { most, .. } => quantity <= most && live.is_some_and(|live| live < quantity),
            Self::AtLeast(_) | Self::Unknown => false,
        }
    }
}

/// A write of ours that the platform confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// What was written.
    pub quantity: Quantity,
    /// When it was confirmed, by the channel's clock.
    pub at: Timestamp,
    /// Its entry in the ledger.
    pub movement: MovementId,
}

/// The most a target listing may show for now (R3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The most it may show.
    pub most: Quantity,
    /// The units that are missing without an order.
    pub missing: i64,
    /// When it ends by itself, by the channel's clock.
    pub until: Timestamp,
}

/// A refusal by the platform, and when to try again (F5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The platform's words.
    pub words: String,
    /// What was to be written.
    pub quantity: Quantity,
    /// Whether it was not the number that was refused, but hiding, ending or showing the listing (Z1).
    pub showing: bool,
    /// What mends it, where that is known.
    pub mend: Option<String>,
    /// How often it was refused in a row.
    pub tries: u32,
    /// When to try again, by the channel's clock, if nothing changes before.
    pub next: Timestamp,
}

/// What a listing was before we took it out of sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Whether we ended it rather than hid it.
    pub ended: bool,
    /// The former state, opaque to all but the adapter.
    pub former: String,
}

/// Source listings that are connected by recipes, with all their targets: what is planned at once (Y5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// The source listings, by number.
    pub sources: Vec<SourceFacts>,
    /// The target listings, by number.
    pub targets: Vec<TargetFacts>,
}

/// A source listing with what is owed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFacts {
    /// What is known of it.
    pub known: Known,
    /// The lines of targets whose owed and applied units of it differ.
    pub owing: Vec<Line>,
    /// Where what these lines are to give back was taken off, where it has places (L1).
    pub took: Vec<Portion>,
    /// The source's own lines that its reading may not contain.
    pub own: Vec<Line>,
    /// Its intents that are not closed.
    pub intents: Vec<Intent>,
    /// Units of it that are bought on targets and not paid yet: no order shows them (O5).
    pub unpaid: i64,
    /// What its platform lost of confirmed changes and of sales of its own, and is still to be sent once more (X4).
    pub lost: Delta,
}

/// A target listing with its links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// What is known of it.
    pub known: Known,
    /// Its open links, by number.
    pub links: Vec<Link>,
    /// The holds it stands under.
    pub held: Vec<(HoldId, Frozen)>,
    /// How often it was changed within a day, where its platform counts that (H4).
    pub changed: Changes,
}

/// The changes of a listing within a day, over all that its platform counts together (H4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many there were.
    pub made: i64,
    /// When the oldest of them is a day ago, by the channel's clock.
    pub frees: Option<Timestamp>,
}
