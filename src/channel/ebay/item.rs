//! A listing as eBay shows it, whichever of its interfaces told of it: the words that the rest of the adapter knows.

use super::keys::Key;
use super::quantity::Stock;
use crate::channel::printable;
use crate::domain::{Found, Good, Listing, ListingState, Price, Reading, Sku};

/// A listing on eBay.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Its item id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How it is sold.
    pub format: Format,
    /// How it ended, where it did.
    pub ended: Option<Ended>,
    /// Whether eBay holds it back for something that the seller has to mend.
    pub on_hold: bool,
    /// Whether it has variations, which then hold the numbers.
    pub varied: bool,
    /// What holds a number: its variations, or itself alone.
    pub parts: Vec<Part>,
}

/// How a listing is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// At a price, as long as there is stock.
    FixedPrice,
    /// In a way that knows no stock, in eBay's word.
    Other(String),
}

/// How a listing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Why, in eBay's word.
    pub reason: Option<String>,
    /// The listing that was made of it since.
    pub relisted: Option<String>,
}

/// The holder of a number: a listing without variations, or a variation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// Its SKU, as far as it has one.
    pub sku: Option<Sku>,
    /// What a variation varies in.
    pub specifics: String,
    /// Its price.
    pub price: Option<Price>,
    /// What it holds; `None` where a number is missing or unreadable (P5).
    pub stock: Option<Stock>,
}

impl Item {
    /// Returns the key of one of its parts.
    pub fn key(&self, part: &Part) -> Key {
        match (&part.sku, self.varied) {
            (_, false) => Key::single(&self.id),
            (Some(sku), true) => Key::variation(&self.id, sku.as_str()),
            (None, true) => Key::nameless(&self.id, &part.specifics),
        }
    }

    /// Finds the part that a key names.
    pub fn part(&self, key: &Key) -> Option<&Part> {
        self.parts.iter().find(|part| self.key(part) == *key)
    }

    /// Returns what a scan finds: a listing for each holder of a number.
    pub fn listings(&self) -> Vec<Listing> {
        self.parts.iter().map(|part| self.listing(part)).collect()
    }

    /// Returns what a reading finds, of each holder of a number.
    pub fn readings(&self) -> Vec<Reading> {
        self.parts.iter().map(|part| self.reading(part)).collect()
    }

    /// Makes the reading of one part. A listing that has ended is not there any more: what is put up again in its place
    /// has another item id.
    pub fn reading(&self, part: &Part) -> Reading {
        let key = self.key(part).listing();
        if self.ended.is_some() {
            return Reading { key, found: Found::Gone, live: Some(false) };
        }
        let found = part.stock.map_or(Found::NoNumber, |stock| Found::Level {
            level: stock.available.level(),
            places: Vec::new(),
            counter: Some(stock.sold.0),
        });
        // At 0 out-of-stock control hides it: whether buyers see it, the number alone does not say.
        let live = part.stock.filter(|stock| !stock.available.is_none()).map(|_| true);
        Reading { key, found, live }
    }

    fn listing(&self, part: &Part) -> Listing {
        let title = match part.specifics.as_str() {
            "" => self.title.clone(),
            specifics => format!("{} - {specifics}", self.title),
        };
        let good = Good { sku: part.sku.clone(), title: printable(&title, 300), barcode: None, price: part.price };
        let state = match &self.ended {
            None => ListingState::Live,
            Some(_) => ListingState::Off("ended".to_owned()),
        };
        Listing {
            key: self.key(part).listing(),
            item: self.varied.then(|| self.id.clone()),
            goods: vec![good],
            state,
            managed: true,
            oversells: false,
            unfit: self.unfit(part),
            level: part.stock.map(|stock| stock.available.level()),
            places: Vec::new(),
            counter: part.stock.map(|stock| stock.sold.0),
            vendor: None,
            product_type: None,
            tags: Vec::new(),
        }
    }

    /// Tells why a part takes no quantity at all.
    fn unfit(&self, part: &Part) -> Option<String> {
        match &self.format {
            Format::Other(word) if word == "Chinese" => {
                Some("an auction: it is sold once, and eBay keeps no stock for it".to_owned())
            }
            Format::Other(word) => {
                Some(format!("sold as `{}`: only fixed-price listings have stock", printable(word, 40)))
            }
            Format::FixedPrice if self.varied && part.sku.is_none() => {
                Some("a variation without a SKU: eBay takes the quantity of a variation by its SKU alone".to_owned())
            }
            Format::FixedPrice => None,
        }
    }
}
