//! The one interface that every kind of channel stands behind, and what a channel owes its callers.
//!
//! # What a channel must do
//!
//! Each line here has a test in the contract suite that every kind passes.
//!
//! - **Order and length are kept.** A call that takes a list answers with a list of the same length, in its order.
//! - **Success is decided per item, from the body**, never from the HTTP status alone.
//! - **A lost answer is [`Outcome::Unknown`]**, never a failure and never a success.
//! - **A missing number is no number** (P5): a field that is absent, unreadable or of the wrong type is
//!   [`Found::NoNumber`], not 0; a missing field without which nothing can be said is an error that names the field.
//! - **An incomplete list says so**: it ends in an error, never in a short page that looks complete.
//! - **No adapter sleeps, retries, prints, logs a secret or reads a clock.** The [`net`](crate::net) wrappers wait,
//!   retry and record; the engine holds the clock.
//! - **A call may be dropped between two requests** without leaving half a change behind.
//!
//! # Adding a kind
//!
//! A folder here, a line in [`registry`], a face in the simulator, a section in `channels.example.toml`. Nothing in
//! `domain`, `engine`, `store` or `ui` changes; if something must, [`Capability`] lacks a field.

mod csv;
mod ebay;
mod error;
mod etsy;
mod notes;
pub mod registry;
mod shopify;
mod woocommerce;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::error::{ChannelError, ErrorKind, Evidence, Repeat, harmless, printable};
use crate::domain::quota::Quota;
use crate::domain::{
    Capability, ChannelName, Delta, Found, Level, Listing, ListingKey, OrderFact, OrderWindow, Place, Quantity,
    Reading, Shown, StoredCall, Trace, Writer,
};

/// What a call of a channel returns.
pub type Result<T> = std::result::Result<T, ChannelError>;

/// How far back a list of changes is asked for beyond what was read of it: such lists lag (Y1).
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(15);

/// One account at a shop or marketplace, or one file.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Tells what the channel can do. No network.
    fn capability(&self) -> &Capability;

    /// Tells the latest time that the channel's own clock gave (a Date header); `None` where it has no clock of its
    /// own, as a file.
    fn clock(&self) -> Option<Timestamp>;

    /// Tells what is left of the platform's quota of calls, as its last answers told; `None` where it has none that counts
    /// hours or days, or has not told yet. No network.
    fn quota(&self) -> Option<Quota> {
        None
    }

    /// Tells how many calls of this process count against the quota, where the platform has to be asked what is left of it,
    /// which not every process does. No network.
    fn quota_calls(&self) -> u64 {
        0
    }

    /// Tells how long the platform waits for the money of a purchase that shows in its counter of sold units alone; `None`
    /// where it has no such counter (O5). No network.
    fn unpaid_for(&self) -> Option<SignedDuration> {
        None
    }

    /// Tells how many calls the readings of listings took so far, every attempt counted; `None` where nobody counts them,
    /// since each page is one. No network.
    fn listing_calls(&self) -> Option<u64> {
        None
    }

    /// Tells whose account this is (I1).
    async fn account(&self) -> Result<Account>;

    /// Reads one page of all listings, with their facts. The first page has no token.
    async fn listings(&self, page: Option<PageToken>) -> Result<Page<Listing>>;

    /// Reads one page of the quantities that changed at or after `since`, by the channel's clock. Only where
    /// [`Capability::reads_changes`]. May trail behind writes by [`Capability::lag`].
    async fn changed(&self, since: Timestamp, page: Option<PageToken>) -> Result<Page<Reading>>;

    /// Reads quantities by key, at most [`Capability::read_batch`]: current, never from a lagging list.
    async fn levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>>;

    /// Reads one page of orders. Only where [`Capability::orders`].
    async fn orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>>;

    /// Writes absolute quantities, at most [`Capability::set_batch`]. `key` is fresh for every batch, for platforms
    /// that want one. Repeating a batch does no harm.
    async fn set(&self, batch: &[Update], key: &str) -> Result<Vec<Outcome>>;

    /// Tells what states left at this source when they wrote there, `None` where there is nothing (I2): of the account
    /// alone, or of each of `keys`, as [`Capability::traces`] says. What the account may not see is not there.
    async fn traces(&self, _keys: &[ListingKey]) -> Result<Vec<Option<Trace>>> {
        Err(unsupported("looking who wrote last"))
    }

    /// Leaves the trace of a state that is about to write, if what was found is still there (X7); only where the account
    /// has a place for it. [`Outcome::Refused`] where it may not.
    async fn leave(&self, _ours: &Writer, _found: Option<&Trace>) -> Result<Outcome> {
        Err(unsupported("leaving a trace"))
    }

    /// Prepares an adjustment of the source without sending anything: the call as it will be stored and sent. Where a
    /// trace is left with each listing, it is `key` that is left.
    async fn prepare(&self, batch: &[Adjustment], key: &str) -> Result<StoredCall>;

    /// Sends a stored adjustment, one outcome for each listing of the batch it was prepared from. With
    /// [`Attempt::Again`], after a lost answer or a crash, it must not apply anything twice: a key is repeated byte
    /// for byte (X2), a marker looked up (X4), a file compared (X5).
    async fn adjust(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>>;

    /// Tells what stands to be remembered of a listing before it is hidden or ended, and what it is now; `None` where it
    /// is gone.
    async fn standing(&self, key: &ListingKey) -> Result<Option<Standing>>;

    /// Hides, ends or shows one listing (X8). To show is to bring back the former state, no more.
    async fn show(&self, key: &ListingKey, act: &Showing) -> Result<Outcome>;

    /// Tells whether a listing can stand at 0 now; only where that hangs on a switch of the account (Z3).
    async fn keeps_zero(&self) -> Result<bool> {
        Err(unsupported("looking whether a listing can stand at 0"))
    }

    /// Hands over what writes did beside what was asked for, since it was last asked: each once. No network.
    fn remarks(&self) -> Vec<Remark> {
        Vec::new()
    }

    /// Tells what was noticed on the way that its owner has to decide, as `doctor` tells it, too. No network.
    fn notices(&self) -> Vec<Probe> {
        Vec::new()
    }

    /// Looks at everything that can be wrong on the channel's side, for `doctor`.
    async fn probe(&self) -> Result<Vec<Probe>>;

    /// Mends one thing that a probe found mendable.
    async fn mend(&self, mend: &Mend) -> Result<Outcome>;
}

/// Whose account a channel is (I1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What never changes about it: a shop's domain, a seller's id, a path.
    pub identity: String,
    /// What the owner knows it by.
    pub label: String,
}

/// Where the next page starts; only the adapter that made it can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(pub String);

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// Where the next one starts; `None` on the last.
    pub next: Option<PageToken>,
    /// Whose account answered, where the same call tells it at no cost (I1).
    pub account: Option<Account>,
}

/// A quantity to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The listing.
    pub key: ListingKey,
    /// What it is to show.
    pub quantity: Quantity,
    /// What it shows now as far as we know: where the platform can compare, the write fails if it no longer does (X7).
    pub shown: Shown,
    /// Where its units are, as last read, where the platform knows places.
    pub places: Vec<Place>,
}

/// A change to make to a source listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The listing.
    pub key: ListingKey,
    /// The change over all its places.
    pub delta: Delta,
    /// What it holds now, over all its places.
    pub before: Level,
    /// What the platform's own counter of sold units said at that reading, where it has one (X3).
    pub counter: Option<i64>,
    /// How the change falls on its places, with what each holds now; empty where the platform knows no places.
    pub places: Vec<PlaceChange>,
    /// Whether the whole item may be taken out of sight where nothing of it would be left, and the platform knows no 0:
    /// the owner let that happen (Z2). If not, such a change ends in [`Outcome::NothingLeft`].
    pub hide: bool,
}

/// The part of an adjustment that falls on one place (L1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceChange {
    /// The platform's id of the place.
    pub id: String,
    /// The change there.
    pub delta: Delta,
    /// What is there now.
    pub before: Level,
}

/// Whether a stored call is sent for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was never sent.
    First,
    /// It may have been sent, and may have been applied.
    Again,
}

/// What became of one item of a write.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The platform took it. The echo, if there is one, is what the listing now holds over all its places.
    Done {
        /// The level after the write.
        echo: Option<Level>,
    },
    /// It is shown again, as another listing: its platform brings nothing back under the old key.
    Anew {
        /// The key that it has now.
        key: ListingKey,
        /// What it shows.
        level: Level,
    },
    /// The number was no longer the expected one; nothing was written (X7). After [`Attempt::Again`] it may also mean
    /// that the first attempt was applied.
    Stale,
    /// Nothing was written, only because another item of the same call was refused or stale; it can go again.
    NotSent,
    /// Nothing was written: with it nothing of the whole item would be left, and the platform knows no such thing. It can
    /// only be taken out of sight (Z2). Only where [`Capability::zero`] is [`Never`](crate::domain::ZeroKept::Never).
    NothingLeft,
    /// The platform refused this item, in its own words.
    Refused(ChannelError),
    /// The answer was lost: it may have been written or not.
    Unknown(ChannelError),
    /// After [`Attempt::Again`]: no trace of the first attempt is there. It was not applied, unless it is still running
    /// (X6).
    Absent,
    /// After [`Attempt::Again`]: the first attempt left its marker, and the number did not move: nobody can tell (X4).
    Doubtful {
        /// What the listing holds now.
        seen: Level,
    },
    /// The listing is not there any more.
    Gone,
}

/// What a write did to a listing beside what was asked for, whatever its outcome is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The listing, or one that stands under the same item.
    pub listing: ListingKey,
    /// What it is about.
    pub about: Beside,
    /// What happened, in a shop owner's words.
    pub message: String,
    /// What to do next, if there is something.
    pub next: Option<String>,
}

/// What a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// The listing was renewed, for which the platform charges its fee (Z4).
    Renewed,
    /// Something else of it is not as it was before the write.
    Changed,
}

/// What a listing is, before it is hidden or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether buyers see it now.
    pub live: bool,
    /// The former state, opaque to all but the adapter, from which it can be brought back.
    pub former: String,
    /// The key of the listing that was made of it since, where it ended and was put up again as another one.
    pub anew: Option<ListingKey>,
}

/// What to do to a listing's visibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Showing {
    /// Takes it out of sight; the platform keeps it.
    Hide {
        /// What it is now, as [`Channel::standing`] told.
        former: String,
    },
    /// Ends it.
    End {
        /// What it is now, as [`Channel::standing`] told.
        former: String,
    },
    /// Brings back what it was.
    Show {
        /// What it was before we hid or ended it.
        former: String,
    },
}

/// One thing that a channel looked at for `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The finding's stable code, `[a-z-]+`, such as `scope-missing`.
    pub code: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// The listing it is about, if it is about one.
    pub listing: Option<ListingKey>,
    /// What was found, in a shop owner's words.
    pub message: String,
    /// What to do next: a command, or where to click.
    pub next: Option<String>,
    /// How `doctor --fix` can mend it, if that is safe.
    pub mend: Option<Mend>,
    /// When the credentials that it is about end, where they cannot be renewed: two weeks before, it is a problem (F7).
    pub ends: Option<Timestamp>,
}

impl Probe {
    /// Tells that something was looked at and is well.
    pub(crate) fn fine(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, weight: Weight::Fine, listing: None, message: message.into(), next: None, mend: None, ends: None }
    }

    /// Tells of something worth knowing, and what to do about it.
    pub(crate) fn note(code: &'static str, message: impl Into<String>, next: &str) -> Self {
        Self { weight: Weight::Note, next: Some(next.to_owned()), ..Self::fine(code, message) }
    }

    /// Tells of something that is wrong, and what mends it.
    pub(crate) fn problem(code: &'static str, message: impl Into<String>, next: &str) -> Self {
        Self { weight: Weight::Problem, next: Some(next.to_owned()), ..Self::fine(code, message) }
    }
}

/// How much a probe's finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// All is well; shown so that the owner sees it was looked at.
    Fine,
    /// Worth knowing, nothing is wrong.
    Note,
    /// Something is wrong.
    Problem,
}

/// One mend that `doctor --fix` may apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// The listing to mend; `None` where it is the channel itself.
    pub listing: Option<ListingKey>,
    /// What to do, as the adapter named it in its probe.
    pub act: &'static str,
    /// The same in words, shown before it is done.
    pub words: String,
}

/// Refuses what the platform may charge for, as long as the owner did not allow that (Z4).
pub(crate) fn costs_a_fee(operation: &'static str, name: &ChannelName, what: &str) -> ChannelError {
    ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, what)
        .with_next(format!("`fees = true` in [channels.{name}] of channels.toml allows it; or do it there by hand"))
}

fn unsupported(operation: &'static str) -> ChannelError {
    ChannelError::new(ErrorKind::Unsupported, Repeat::Never, operation, "the channel has no place for it")
}

/// Adds up the units of places; `None` for no places.
pub(crate) fn total(places: &[Place]) -> Option<Level> {
    (!places.is_empty()).then(|| places.iter().fold(Level(0), |sum, place| Level(sum.0.saturating_add(place.level.0))))
}

/// Makes what was found of a listing from the units of its places.
pub(crate) fn found(places: Vec<Place>) -> Found {
    total(&places).map_or(Found::NoNumber, |level| Found::Level { level, places, counter: None })
}
