//! What a channel can do, as plain data. The engine and the planner branch on this and never on a channel's name.

use jiff::SignedDuration;

/// What a kind of channel can do and how much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Listings that one reading by key takes at most.
    pub read_batch: usize,
    /// Whether each of these is a call of its own.
    pub reads_singly: bool,
    /// Listings that one writing call takes at most.
    pub set_batch: usize,
    /// Listings that one adjustment of the source takes at most; 1 where it is a goal, since a goal is repeated until it
    /// holds, and all that is in its call must still be open (X3).
    pub adjust_batch: usize,
    /// Whether a write can be made to fail if the number is no longer the expected one (X7).
    pub compare_and_set: bool,
    /// How an adjustment of the source is kept from happening twice.
    pub exactly_once: ExactlyOnce,
    /// Whether its stock can go below zero; if not, the rest of a sale stays owed (W6).
    pub below_zero: bool,
    /// Whether a reading can ask for what changed since a moment.
    pub reads_changes: bool,
    /// Whether a full scan is cheap enough for every cycle.
    pub cheap_scan: bool,
    /// Whether it has orders at all.
    pub orders: bool,
    /// Whether its orders say which cancelled units went back on the shelf (W3).
    pub tells_restock: bool,
    /// How long a reading may trail behind a write (R2).
    pub lag: SignedDuration,
    /// How long a finished sale may stay out of the list of orders (X6).
    pub order_delay: SignedDuration,
    /// How long an unanswered adjustment may still be running (X6).
    pub still_running: SignedDuration,
    /// How long after an adjustment its number is read again before it is believed, where a platform can lose what it
    /// has just confirmed (X4).
    pub confirm_after: Option<SignedDuration>,
    /// Whether a listing can stand at 0 (Z2, Z3).
    pub zero: ZeroKept,
    /// The most units that a listing can show (H4).
    pub most: Option<i64>,
    /// How often a day a listing can be changed, over all that stands under the same [`Listing::item`](super::Listing);
    /// `None` where nobody counts (H4).
    pub revisions: Option<Revisions>,
    /// Whether a listing can be hidden and shown again.
    pub hides: bool,
    /// Whether a listing can be ended and brought back.
    pub ends: bool,
    /// Whether a listing that is ended is gone, and what is put up again is another one: where we did that, the other one
    /// takes its place; where its owner did, it is proposed (L2).
    pub ended_is_gone: bool,
    /// Whether stock management that is turned on begins at 0, because the platform keeps no number while it is off.
    pub counts_from_zero: bool,
    /// Whether a write puts the numbers of all that stands under an item, as they were read just before (R1, X3).
    pub writes_items: bool,
    /// Where a state that writes to it can leave its trace (I2).
    pub traces: Traces,
}

/// Where a state that writes to a source can leave its trace, so that another one sees it (I2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traces {
    /// Nowhere.
    Nowhere,
    /// At one place of the account, with compare-and-set (X7).
    Account,
    /// With each listing whose number is changed: the key of the call that did it, which tells of the state.
    Listing,
}

/// How often a platform lets a listing be changed within a day (H4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revisions {
    /// Changes a day.
    pub most: i64,
    /// Of those, how many raises may use: the rest is kept for lowerings.
    pub for_raises: i64,
}

/// Whether a platform keeps a listing whose quantity is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroKept {
    /// It does.
    Always,
    /// Only while a switch of the account is on; without it, a listing at 0 is ended, or loses a variation (Z3).
    IfSwitchedOn,
    /// An item with nothing left can only be hidden (Z2). One of its variations may stand at 0 while another does not.
    Never,
}

/// How an adjustment of the source is kept from happening twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactlyOnce {
    /// The stored call carries a key and may be repeated byte for byte for so long (X2).
    Key {
        /// How long the platform remembers the key.
        lifetime: SignedDuration,
    },
    /// Only absolute numbers: the adjustment is a goal, written until it holds (X3).
    Goal,
    /// A marker is written with the number and read back (X4).
    Marker,
    /// A file: hashes before and after (X5).
    File,
}
