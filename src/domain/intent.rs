//! Intents: what must not happen twice, written down before it is done and closed by proof (P4, X1, X8).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::ListingId;
use super::line::LineId;
use super::stock::{Delta, Level};

/// An intent's number in the state, shown as `i17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentId(pub i64);

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}", self.0)
    }
}

/// The number of a stored call, which may carry several intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub i64);

/// A call as it is stored before it is sent (X1): to everyone but its adapter, opaque text without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCall {
    /// The key under which a platform remembers it.
    pub key: String,
    /// What will be sent, to the byte.
    pub body: String,
}

/// Something that must not happen twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its number in the state.
    pub id: IntentId,
    /// The listing it changes.
    pub listing: ListingId,
    /// What it does.
    pub act: Act,
    /// The stored call it goes out with; `None` for acts that are looked up rather than repeated (X8).
    pub call: Option<CallId>,
    /// Its place in that call.
    pub position: usize,
    /// When it was opened, by the channel's clock.
    pub opened: Timestamp,
    /// When its call was last sent, by the channel's clock: so long after it may still be on its way (X6).
    pub sent: Timestamp,
    /// Where it stands.
    pub state: IntentState,
}

/// What an intent does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Brings applied to owed for some lines.
    Adjust {
        /// The change.
        delta: Delta,
        /// The level before it.
        before: Level,
        /// The source units of each line that it settles: above zero taken off, below zero given back.
        lines: Vec<(LineId, i64)>,
    },
    /// Hides a listing.
    Hide {
        /// What it was before.
        former: String,
    },
    /// Ends a listing.
    End {
        /// What it was before.
        former: String,
    },
    /// Shows a listing again.
    Show {
        /// What it was before we hid or ended it.
        former: String,
    },
}

impl Act {
    /// Returns the part of an adjustment that no line owes: what its platform had lost, and is sent once more (X4).
    pub fn sent_again(&self) -> Delta {
        let Self::Adjust { delta, lines, .. } = self else { return Delta(0) };
        Delta(lines.iter().fold(delta.0, |rest, (_, units)| rest.saturating_add(*units)))
    }
}

/// Source units of a line that an adjustment takes off at one place, or, below zero, gives back there (L1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// The line.
    pub line: LineId,
    /// The platform's id of the place.
    pub place: String,
    /// The units.
    pub units: i64,
}

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// Stored; nobody knows yet whether it was done.
    Open,
    /// Proven done.
    Applied,
    /// Proven not done.
    NotApplied,
    /// Neither can be proven; the owner decides (X6).
    InDoubt,
}
