//! What a channel says about its listings, in words that fit every platform.
//!
//! A listing is the holder of one quantity. Where a platform lets several SKUs draw on one number (a product whose
//! variations inherit its stock, an inventory item of several variants), that is one listing with several goods.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::stock::{Level, Price, Sku};

/// A channel's name: the name of its block in channels.toml, `[a-z0-9][a-z0-9_-]{0,31}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// Takes a name of the right form.
    pub fn new(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let right =
            chars.next().is_some_and(plain) && chars.all(|c| plain(c) || c == '_' || c == '-') && text.len() <= 32;
        right.then(|| Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A listing's key on its channel. Only the channel's adapter can read it; to everyone else it is opaque.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListingKey(Arc<str>);

impl ListingKey {
    /// Takes the text of a key.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ListingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A listing on a channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ListingRef {
    /// The channel it stands on.
    pub channel: ChannelName,
    /// Its key there.
    pub key: ListingKey,
}

impl fmt::Display for ListingRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.key)
    }
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The channel whose stock is the reference.
    Source,
    /// A channel that follows.
    Target,
}

/// One thing that is sold under a listing's number: mostly there is one, with the listing's only SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// The SKU, if one is filled in.
    pub sku: Option<Sku>,
    /// What the platform calls it, product and variant together.
    pub title: String,
    /// The barcode, if the platform has one; only proposes links.
    pub barcode: Option<String>,
    /// The price, if the platform tells it; only rules look at it.
    pub price: Option<Price>,
}

/// Whether buyers can see a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListingState {
    /// It is on sale.
    Live,
    /// It is not on sale, in the platform's word: draft, archived, inactive, ended.
    Off(String),
}

/// A place that holds a part of a listing's stock (a Shopify location), and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The platform's id of the place.
    pub id: String,
    /// The units there.
    pub level: Level,
}

/// A listing as a full scan finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Its key on the channel.
    pub key: ListingKey,
    /// What the platform counts its changes under, where it counts them over several listings of ours: the item that it
    /// is a variation of (H4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The goods that draw on its number, at least one.
    pub goods: Vec<Good>,
    /// Whether buyers can see it.
    pub state: ListingState,
    /// Whether the platform keeps count of its stock.
    pub managed: bool,
    /// Whether the platform goes on selling it below zero.
    pub oversells: bool,
    /// Why the platform takes no quantity for it at all, in a shop owner's words ("a parent row: its variations hold
    /// the stock"); such a listing is named by `link` and `doctor` and never written to.
    pub unfit: Option<String>,
    /// The units it holds; `None` where the number is missing or unreadable, which is never zero (P5).
    pub level: Option<Level>,
    /// Where the units are, in the order in which sales are taken off; empty where the platform knows no places.
    pub places: Vec<Place>,
    /// The units of it that were ever sold there, by the platform's own counter, where it has one (X3, O5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<i64>,
    /// The maker or brand, for rules.
    pub vendor: Option<String>,
    /// The kind of product, for rules.
    pub product_type: Option<String>,
    /// The tags, for rules.
    pub tags: Vec<String>,
}

impl Listing {
    /// Returns the title of its first good.
    pub fn title(&self) -> &str {
        self.goods.first().map_or("", |good| good.title.as_str())
    }

    /// Returns the SKUs of its goods, those that have one.
    pub fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.goods.iter().filter_map(|good| good.sku.as_ref())
    }
}

/// The quantity of one listing, as one reading finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The listing.
    pub key: ListingKey,
    /// What was found.
    pub found: Found,
    /// Whether buyers see it, where such a reading tells.
    pub live: Option<bool>,
}

/// What a reading finds of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The listing is there and holds these units.
    Level {
        /// The units, over all its places.
        level: Level,
        /// Where they are; empty where the platform knows no places.
        places: Vec<Place>,
        /// The units of it that were ever sold there, by the platform's own counter, where it has one (X3, O5).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counter: Option<i64>,
    },
    /// The listing is there, its number is missing or unreadable.
    NoNumber,
    /// The listing was looked up by its key and is not there.
    Gone,
}
