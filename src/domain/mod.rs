//! The pure core: what a correct sync is, as functions of values.
//!
//! Nothing here knows a network, a clock, a database, a screen or the name of a channel; the time is an argument like
//! any other. The same facts give the same answer, to the byte.
//!
//! The words are those of the trade. A *listing* is the holder of one quantity on a *channel*; one channel is the
//! *source*, whose stock is the reference, the others are *targets*. A *link* ties a SKU of a target listing to a recipe
//! of source listings. A sold *line* *owes* units to the source, and is *applied* once the source has confirmed them
//! taken off. Until then they are *claimed*. What a target is *offered* is worked out from the source's *reading*, the
//! claims, the *rules* and the *ceilings*; what it *shows* is what buyers see. A change of the source that must not
//! happen twice is an *intent*; a stop that waits for the owner is a *hold*; every change is a *movement* in the ledger.

pub mod absorb;
pub mod capability;
pub mod channel;
pub mod facts;
pub mod guard;
pub mod held;
pub mod hold;
pub mod intent;
#[cfg(test)]
mod laws;
pub mod line;
pub mod link;
pub mod listing;
pub mod matching;
pub mod movement;
pub mod observe;
pub mod offer;
pub mod order;
pub mod pace;
pub mod plan;
pub mod policy;
pub mod quota;
pub mod relisted;
pub mod rule;
pub mod settle;
pub mod status;
pub mod stock;
pub mod turn;
pub mod undo;
pub mod unpaid;
pub mod writer;

pub use capability::{Capability, ExactlyOnce, Revisions, Traces, ZeroKept};
pub use facts::{
    Ceiling, Changes, Component, Hidden, Known, ListingId, Pushed, Refusal, Seen, Shown, SourceFacts, TargetFacts,
};
pub use hold::{Frozen, FrozenPart, Hold, HoldId, HoldWhy};
pub use intent::{Act, CallId, Intent, IntentId, IntentState, Portion, StoredCall};
pub use line::{Forgotten, Held, Line, LineHold, LineId, Share};
pub use link::{Link, LinkId, Part};
pub use listing::{ChannelName, Found, Good, Listing, ListingKey, ListingRef, ListingState, Place, Reading, Role};
pub use movement::{Movement, MovementId, RunId, Why};
pub use order::{LineFact, LineKey, OrderFact, OrderWindow};
pub use stock::{Delta, Level, Price, Quantity, Sku};
pub use unpaid::Counted;
pub use writer::{Trace, Writer};
