//! What a channel says about its orders. Nothing about buyers: no name, no address, no e-mail, not even to pass by.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::listing::ListingKey;
use super::stock::Sku;

/// The id of a sold line that lasts as long as the sale, unique on its channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineKey(pub String);

/// An order as a channel tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFact {
    /// The number that the owner knows the order by; its id may change while its lines live on.
    pub order: String,
    /// When it was placed, by the channel's clock.
    pub placed: Timestamp,
    /// When it last changed, by the channel's clock.
    pub changed: Timestamp,
    /// Other numbers that it goes by: its id on the platform, and for one that was brought in, the number that it bears
    /// where it was sold (W5).
    pub also: Vec<String>,
    /// Who brought it into the channel, if it was not sold there ("ebay", an app's id), for W5.
    pub origin: Option<String>,
    /// Its lines.
    pub lines: Vec<LineFact>,
}

/// A sold line as a channel tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFact {
    /// The line's lasting id.
    pub key: LineKey,
    /// The listings it may have been sold from, the likeliest first: where goods can change the holder of their number,
    /// an order does not say which it was. Empty where the order names none.
    pub listings: Vec<ListingKey>,
    /// The SKU it was sold under, where the order says so.
    pub sku: Option<Sku>,
    /// Units that the platform holds off its own stock for this line now, as far as it says: what it put back is
    /// already taken out.
    pub taken: i64,
    /// Of those, units that were cancelled without a word on whether they are back on the shelf; `restock_cancelled`
    /// decides about them (W3).
    pub cancelled: i64,
    /// Whether the line was shipped before it was cancelled.
    pub shipped: bool,
    /// Whether it was cancelled because the goods were not there.
    pub out_of_stock: bool,
}

/// Which orders to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderWindow {
    /// Those that changed at or after this moment of the channel's clock.
    ChangedSince(Timestamp),
    /// Those not finished yet: open, unshipped, not cancelled. `link` reads them as the baseline (W1).
    Unfinished,
}
