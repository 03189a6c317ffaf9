//! The ledger: every change of a number, from what to what, when and why. It is only ever added to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::ListingId;
use super::intent::IntentId;
use super::line::LineId;

/// A movement's number; later movements have higher numbers, so it also tells what came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MovementId(pub i64);

/// A run's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The listing whose number moved, or that something happened to.
    pub listing: ListingId,
    /// The number before, if it is known.
    pub from: Option<i64>,
    /// The number after, if it is known.
    pub to: Option<i64>,
    /// When, by the channel's clock.
    pub when: Timestamp,
    /// Why.
    pub why: Why,
    /// The sold line behind it.
    pub line: Option<LineId>,
    /// The intent behind it.
    pub intent: Option<IntentId>,
    /// What else the owner should know, in words.
    pub note: Option<String>,
}

/// Why a number moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It was linked; the numbers of that moment are where its story starts.
    Linked,
    /// It was unlinked.
    Unlinked,
    /// Units of it were sold.
    Sold,
    /// Units of it came back from a cancelled or changed order.
    Returned,
    /// Units of it were cancelled and are not back on the shelf (W3).
    StaysOff,
    /// A sale elsewhere was taken off the source.
    Deducted,
    /// A cancelled sale elsewhere was given back to the source.
    GivenBack,
    /// The owner, or another program, changed the number.
    OwnersChange,
    /// We wrote what it is to show.
    Pushed,
    /// We wrote 0 to a listing that no sale had emptied; counted by the guard (H1).
    Zeroed,
    /// We wrote over a number that somebody else had put there.
    Corrected,
    /// We wrote what it showed before a run that the owner undid (U1).
    PutBack,
    /// Units were bought that no order shows yet, or such a purchase ended: what is not paid, before and after (O5).
    Unpaid,
    /// Units went missing on a target without an order; waited for one (R3).
    Missing,
    /// More was sold than the source had (W6).
    Oversold,
    /// A change of the source was sent once more, since the platform had lost it (X4).
    SentAgain,
    /// A deduction turned out not to have happened.
    NotApplied,
    /// Nobody can tell whether a deduction happened (X6).
    InDoubt,
    /// The owner settled a doubt.
    Settled,
    /// The platform refused a write.
    Refused,
    /// It was hidden, ended or shown again by us.
    Hidden,
    /// It was shown again by us.
    ShownAgain,
    /// We renewed it, for which its platform charges a fee (Z4).
    Renewed,
    /// More of it changed with our write than its number.
    ChangedBeside,
    /// We hid it, and somebody else showed it again (Z1).
    ShownByOthers,
    /// A hold was made for it.
    Held,
    /// A hold on it was released by the owner.
    Released,
    /// It is gone from its channel.
    Gone,
}
