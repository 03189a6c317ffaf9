//! Links: which SKU of which target listing is made of what on the source.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::ListingId;
use super::stock::Sku;

/// A link's number in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(pub i64);

/// One SKU of one target listing, tied to a recipe. A link is opened and closed, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number in the state.
    pub id: LinkId,
    /// The target listing.
    pub listing: ListingId,
    /// The SKU of it that is tied; `None` where a listing without a SKU was tied by hand.
    pub sku: Option<Sku>,
    /// Whether the owner tied it by hand rather than by SKU (T1).
    pub by_hand: bool,
    /// What one unit of it is made of; at least one part, each source listing once, by number.
    pub recipe: Vec<Part>,
    /// When it became active, by its channel's clock (W1).
    pub active: Timestamp,
    /// When it was closed, by its channel's clock.
    pub closed: Option<Timestamp>,
}

/// So many units of one source listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The source listing.
    pub source: ListingId,
    /// Units of it in one unit of the target, at least 1.
    pub units: i64,
}

/// Adds up parts on one source listing, sorted by listing (O2).
pub fn recipe(parts: impl IntoIterator<Item = Part>) -> Vec<Part> {
    let mut sums = std::collections::BTreeMap::<ListingId, i64>::new();
    for part in parts {
        let sum = sums.entry(part.source).or_default();
        *sum = sum.saturating_add(part.units.max(0));
    }
    sums.into_iter().filter(|(_, units)| *units > 0).map(|(source, units)| Part { source, units }).collect()
}
