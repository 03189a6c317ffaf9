//! Holds: stops that wait for the owner, with what each listing under them goes on to be worked out from (H1, H2).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::ListingId;
use super::listing::ChannelName;
use super::stock::Quantity;

/// A hold's number in the state, shown as `h3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(pub i64);

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}", self.0)
    }
}

/// A stop that waits for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its number in the state.
    pub id: HoldId,
    /// The channel whose pushes it stops.
    pub channel: ChannelName,
    /// Why.
    pub why: HoldWhy,
    /// Since when.
    pub since: Timestamp,
    /// Whether a run without `--yes`, or `link`, has shown it to the owner; only then may `--yes` release it (H2).
    pub reported: bool,
    /// What it is about, in numbers: "7 of 20 listings would go to 0".
    pub note: String,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (since {})", self.id, self.note, self.since.strftime("%Y-%m-%d %H:%M UTC"))
    }
}

impl HoldWhy {
    /// Tells whether `--yes` releases it: which account a channel is tied to is named (I1).
    pub fn is_released_by_yes(self) -> bool {
        self != Self::Account
    }
}

/// Why pushes are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldWhy {
    /// The first push to a channel or account.
    FirstPush,
    /// Too many listings of the channel would go to zero without a sale.
    Zeros,
    /// Too many listings of the source are gone or suddenly zero.
    SourceEmptied,
    /// A change of rules, recipes or locations moves too many listings.
    Rules,
    /// Somebody else keeps writing other quantities to a listing.
    SecondWriter,
    /// The account is not the one the channel's name was tied to (I1).
    Account,
    /// Another state, or a later one than this copy, has written to the source (I2).
    State,
    /// The owner undid a run and has not said to go on (U1).
    Undone,
    /// The last unit of a source listing can only be taken off by taking the listing out of sight (Z2).
    LastUnit,
}

impl HoldWhy {
    /// Tells whether other rules than those under which it was shown make it another thing to release. After an undoing they
    /// are what its owner mends.
    pub fn hangs_on_rules(self) -> bool {
        matches!(self, Self::FirstPush | Self::Zeros | Self::SourceEmptied | Self::Rules)
    }

    /// Tells whether it is about listings that would go to zero without a sale.
    pub fn is_about_zeros(self) -> bool {
        matches!(self, Self::Zeros | Self::SourceEmptied)
    }
}

/// What a held listing goes on to be worked out from: what it showed, less what is sold from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The listing.
    pub listing: ListingId,
    /// What it may show at most, as of the moment of the hold.
    pub quantity: Quantity,
    /// The recipe of that moment, with what was known to be sold of each part by then.
    pub parts: Vec<FrozenPart>,
}

/// A part of a frozen recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrozenPart {
    /// The source listing.
    pub source: ListingId,
    /// Units of it in one unit of the target.
    pub units: i64,
    /// Units of it that were known to be sold by then.
    pub sold: i64,
}
