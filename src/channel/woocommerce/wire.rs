//! What WooCommerce's answers look like, and what they mean in our words.
//!
//! A field without which nothing can be said is required, and its absence is an error that names it; a number that is
//! missing or of the wrong type is no number. PHP writes texts as numbers and numbers as texts where a plugin is
//! careless, so texts are taken from both.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use crate::channel::{ChannelError, Result, printable};
use crate::domain::{Found, Good, Level, Listing, ListingKey, ListingState, Price, Reading, Sku};

/// What is asked of products and variations in a full scan.
pub(super) const FACTS: &str = "id,name,sku,type,parent_id,status,virtual,manage_stock,stock_quantity,backorders,price,\
    attributes,tags,categories,global_unique_id";
/// What is asked of them where only the number counts.
pub(super) const NUMBERS: &str = "id,type,parent_id,status,manage_stock,stock_quantity,date_modified_gmt";

/// The key of a listing: the holder of one number (3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// A simple product, or a variable one whose variations share its number.
    Product(u64),
    /// A variation with a number of its own, and its true parent.
    Variation { parent: u64, id: u64 },
}

impl Key {
    /// Reads a key.
    pub fn parse(key: &ListingKey) -> Option<Self> {
        match key.as_str().split_once('/') {
            Some((parent, id)) => Some(Self::Variation { parent: parent.parse().ok()?, id: id.parse().ok()? }),
            None => key.as_str().parse().ok().map(Self::Product),
        }
    }

    /// Returns the id of the product or variation itself.
    pub fn id(self) -> u64 {
        match self {
            Self::Product(id) | Self::Variation { id, .. } => id,
        }
    }

    pub fn listing(self) -> ListingKey {
        ListingKey::new(self.to_string())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product(id) => write!(f, "{id}"),
            Self::Variation { parent, id } => write!(f, "{parent}/{id}"),
        }
    }
}

/// A product or a variation.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Product {
    pub id: u64,
    #[serde(default)]
    pub parent_id: u64,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    sku: Value,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default, rename = "virtual")]
    is_virtual: bool,
    #[serde(default)]
    manage_stock: Value,
    #[serde(default)]
    stock_quantity: Value,
    #[serde(default)]
    backorders: Option<String>,
    #[serde(default)]
    price: Value,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    tags: Vec<Named>,
    #[serde(default)]
    categories: Vec<Named>,
    #[serde(default)]
    global_unique_id: Value,
    #[serde(default)]
    pub date_modified_gmt: Option<String>,
    #[serde(default)]
    pub meta_data: Option<Vec<Meta>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Attribute {
    #[serde(default)]
    option: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// An entry of `meta_data`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Meta {
    pub key: String,
    #[serde(default)]
    pub value: Value,
}

/// Who keeps count of a product's or a variation's stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Managed {
    /// It has a number of its own.
    Own,
    /// It draws on its parent's number.
    Parent,
    /// Nobody.
    Off,
}

impl Product {
    /// Tells who keeps count of its stock: `true`, `false`, or the word `"parent"` (3.1).
    pub fn managed(&self) -> Option<Managed> {
        match &self.manage_stock {
            Value::Bool(true) => Some(Managed::Own),
            Value::Bool(false) => Some(Managed::Off),
            Value::String(word) if word == "parent" => Some(Managed::Parent),
            _ => None,
        }
    }

    /// Returns its number as a whole one: of 2.5 pieces two can be sold. One that is absent or no number is none (P5).
    pub fn level(&self) -> Option<Level> {
        whole(&self.stock_quantity, f64::floor).map(Level)
    }

    /// Tells whether its number has a fraction.
    pub fn is_fraction(&self) -> bool {
        self.stock_quantity.as_f64().is_some_and(|number| number.fract() != 0.0)
    }

    /// Returns what a reading of its own number finds.
    pub fn found(&self) -> Found {
        let own = self.managed() == Some(Managed::Own);
        self.level().filter(|_| own).map_or(Found::NoNumber, |level| Found::Level {
            level,
            places: Vec::new(),
            counter: None,
        })
    }

    pub fn is_variable(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.starts_with("variable"))
    }

    /// Tells whether it is in the trash, which counts as gone.
    pub fn is_trashed(&self) -> bool {
        self.status.as_deref() == Some("trash")
    }

    /// Tells whether its own status lets buyers see it; that of a variation's product is not in it.
    pub fn live(&self) -> Option<bool> {
        self.status.as_deref().map(|status| status == "publish")
    }

    fn state(&self) -> ListingState {
        match self.status.as_deref() {
            None | Some("publish") => ListingState::Live,
            Some(word) => ListingState::Off(printable(word, 40)),
        }
    }

    fn sku(&self) -> Option<Sku> {
        text(&self.sku).as_deref().and_then(Sku::new)
    }

    /// Tells whether the shop goes on selling it below zero.
    pub fn oversells(&self) -> bool {
        matches!(self.backorders.as_deref(), Some("yes" | "notify"))
    }

    fn good(&self, title: String) -> Good {
        Good {
            sku: self.sku(),
            title,
            barcode: text(&self.global_unique_id).filter(|barcode| !barcode.is_empty()),
            price: text(&self.price).as_deref().and_then(price),
        }
    }

    /// Returns what is known of it by name.
    fn title(&self) -> String {
        text(&self.name).filter(|name| !name.is_empty()).unwrap_or_else(|| format!("product {}", self.id))
    }

    /// Makes a listing of a product that is no variation.
    pub fn listing(&self, operation: &'static str) -> Result<Listing> {
        let managed = self.managed().ok_or_else(|| missing(operation, self.id, "manage_stock"))?;
        let unfit = match self.kind.as_deref() {
            _ if self.is_variable() => Some("a parent row: its variations hold the stock"),
            Some("grouped") => Some("a group of other products: they hold the stock"),
            Some("external") => Some("it is sold on another site, so WooCommerce counts no stock of it"),
            _ if self.is_virtual && managed == Managed::Off => Some("a virtual product whose stock is not counted"),
            _ => None,
        };
        Ok(self.with_facts(Key::Product(self.id), self.good(self.title()), managed == Managed::Own, unfit))
    }

    /// Makes a listing of a variation: its own, or its parent's with this variation as one of the goods.
    pub fn variation(&self, parent: &Product, operation: &'static str) -> Result<Listing> {
        let managed = self.managed().ok_or_else(|| missing(operation, self.id, "manage_stock"))?;
        let options: Vec<&str> = self.attributes.iter().filter_map(|attribute| attribute.option.as_deref()).collect();
        let title = match options.as_slice() {
            [] => parent.title(),
            options => format!("{} - {}", parent.title(), options.join(", ")),
        };
        if managed == Managed::Parent {
            // A variation without a SKU of its own bears its parent's: all such are one good.
            let title = if self.sku() == parent.sku() { parent.title() } else { title };
            return Ok(parent.with_facts(Key::Product(parent.id), self.good(title), true, None));
        }
        let unfit =
            (self.is_virtual && managed == Managed::Off).then_some("a virtual product whose stock is not counted");
        let key = Key::Variation { parent: parent.id, id: self.id };
        let own = self.with_facts(key, self.good(title), managed == Managed::Own, unfit);
        let state = match (&own.state, parent.state()) {
            (ListingState::Live, above) => above,
            (off, _) => off.clone(),
        };
        Ok(Listing { state, product_type: parent.category(), tags: parent.tag_names(), ..own })
    }

    fn with_facts(&self, key: Key, good: Good, managed: bool, unfit: Option<&str>) -> Listing {
        Listing {
            key: key.listing(),
            goods: vec![good],
            state: self.state(),
            managed,
            oversells: self.oversells(),
            unfit: unfit.map(str::to_owned),
            level: self.level().filter(|_| managed),
            places: Vec::new(),
            counter: None,
            item: None,
            vendor: None,
            product_type: self.category(),
            tags: self.tag_names(),
        }
    }

    fn category(&self) -> Option<String> {
        self.categories.first().map(|category| category.name.clone()).filter(|name| !name.is_empty())
    }

    fn tag_names(&self) -> Vec<String> {
        self.tags.iter().map(|tag| tag.name.clone()).filter(|name| !name.is_empty()).collect()
    }

    /// Makes a reading of it under the key of the number that it holds itself; `None` where it holds none.
    pub fn reading(&self) -> Option<Reading> {
        let key = match self.parent_id {
            0 => Key::Product(self.id),
            parent => Key::Variation { parent, id: self.id },
        };
        let live = self.live();
        (self.managed() == Some(Managed::Own)).then(|| Reading { key: key.listing(), found: self.found(), live })
    }
}

/// Makes the error of a field without which nothing can be said.
pub(super) fn missing(operation: &'static str, id: u64, field: &str) -> ChannelError {
    ChannelError::unexpected(operation, format!("product {id} comes without {field}"))
}

/// Takes a text; a number is taken for its digits.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Takes a whole number, from a number or from its text.
pub(super) fn whole(value: &Value, round: fn(f64) -> f64) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be small enough")]
    (number.abs() < 1e15).then(|| round(number) as i64)
}

/// Reads a stamp of the kind that ends in `_gmt`: without any zone, and in UTC.
pub(super) fn stamp(text: &str) -> Option<Timestamp> {
    let plain: DateTime = text.trim_end_matches('Z').parse().ok()?;
    plain.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Writes a moment as `modified_after` takes it: without any zone, or it is shifted by the shop's (1.1).
pub(super) fn moment(stamp: Timestamp) -> String {
    stamp.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn price(text: &str) -> Option<Price> {
    let (units, rest) = text.split_once('.').unwrap_or((text, ""));
    let cents: String = rest.chars().chain("00".chars()).take(2).collect();
    Some(Price(units.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents.parse().ok()?)?))
}

/// The answer to a batch: 200, whatever became of its items (1.4).
#[derive(Deserialize)]
pub(super) struct BatchAnswer {
    #[serde(default)]
    pub update: Vec<BatchItem>,
}

/// What became of an item of a batch.
#[derive(Deserialize)]
pub(super) struct BatchItem {
    pub id: Option<u64>,
    #[serde(default)]
    pub error: Option<ItemError>,
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

impl BatchItem {
    /// Returns the product or variation as it is after the write.
    pub fn product(&self) -> Option<Product> {
        let mut fields = self.rest.clone();
        fields.insert("id".to_owned(), self.id?.into());
        serde_json::from_value(Value::Object(fields)).ok()
    }
}

/// Why an item of a batch was refused.
#[derive(Deserialize)]
pub(super) struct ItemError {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub message: String,
}
