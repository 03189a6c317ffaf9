//! A listing as Etsy shows it, and what the rest of the program is told of it.
//!
//! Answers are looked into field by field: one odd field of one listing must not hide a hundred others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::inventory::{Group, Inventory, Product};
use super::keys::Key;
use crate::channel::printable;
use crate::domain::{Found, Good, Level, Listing, ListingState, Reading, Role, Sku};

/// The states that stand in a listing (section 3).
pub(super) const ACTIVE: &str = "active";
pub(super) const INACTIVE: &str = "inactive";
pub(super) const SOLD_OUT: &str = "sold_out";
pub(super) const EXPIRED: &str = "expired";

/// A listing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Its id.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Its state, in Etsy's word; `None` where an answer does not tell it.
    pub state: Option<String>,
    /// Whether it is a file to download, which knows no stock.
    pub digital: bool,
    /// When its time is over, for which its fee was paid.
    pub ends: Option<Timestamp>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its SKUs, as they stand beside the inventory.
    pub skus: Vec<Sku>,
    /// What it holds; `None` where an answer does not tell it.
    pub inventory: Option<Inventory>,
}

impl Item {
    /// Takes a listing, or says what is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let id = number(value, "listing_id").filter(|id| 0 < *id).ok_or("a listing comes without `listing_id`")?;
        let texts = |name| value.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Ok(Self {
            id,
            title: text(value, "title").unwrap_or_default().to_owned(),
            state: text(value, "state").map(state),
            digital: text(value, "listing_type") == Some("download"),
            ends: number(value, "ending_timestamp").and_then(|ends| Timestamp::from_second(ends).ok()),
            tags: texts("tags").map(|tag| printable(tag, 80)).collect(),
            skus: texts("skus").filter_map(Sku::new).collect(),
            inventory: value.get("inventory").and_then(Inventory::read),
        })
    }

    /// Tells whether it is in a state.
    pub fn is(&self, state: &str) -> bool {
        self.state.as_deref() == Some(state)
    }

    /// Returns what a group holds: nothing, where nothing of the listing is left, whatever its inventory shows. What stands
    /// in a listing that sold out is on sale to nobody, and still what the owner of a source counts on.
    pub fn level(&self, group: &Group<'_>, role: Role) -> Option<i64> {
        let is_nothing = self.is_emptied() || (role == Role::Target && self.is(SOLD_OUT));
        if is_nothing { Some(0) } else { group.level() }
    }

    /// Tells whether it stands there as what we emptied: on sale to nobody, with the one unit that Etsy wants it to keep (Z2).
    pub fn is_emptied(&self) -> bool {
        (self.is(INACTIVE) || self.is(SOLD_OUT)) && self.inventory.as_ref().and_then(Inventory::units) == Some(1)
    }

    /// Adds what else has to be written with some numbers: of what was emptied, the unit that it kept is nobody's.
    pub fn with_emptied(&self, mut wanted: BTreeMap<String, i64>) -> BTreeMap<String, i64> {
        if let Some(inventory) = self.inventory.as_ref().filter(|_| self.is_emptied()) {
            for group in inventory.groups() {
                wanted.entry(group.name.to_owned()).or_insert(0);
            }
        }
        wanted
    }

    /// Returns what a scan finds: a listing for each group. One without an inventory still names its SKUs.
    pub fn listings(&self, role: Role) -> Vec<Listing> {
        let Some(inventory) = &self.inventory else { return vec![self.without_inventory()] };
        let groups = inventory.groups();
        let item = (1 < groups.len()).then(|| self.id.to_string());
        let listing = |group: &Group<'_>| Listing {
            key: Key::new(self.id, group.name).listing_key(),
            item: item.clone(),
            goods: self.goods(group),
            state: self.listing_state(group.is_enabled()),
            level: self.level(group, role).map(Level),
            ..self.without_inventory()
        };
        groups.iter().map(listing).collect()
    }

    fn without_inventory(&self) -> Listing {
        let title = printable(&self.title, 300);
        let good = |sku: Option<Sku>| Good { sku, title: title.clone(), barcode: None, price: None };
        let mut goods: Vec<Good> = self.skus.iter().map(|sku| good(Some(sku.clone()))).collect();
        if goods.is_empty() {
            goods.push(good(None));
        }
        Listing {
            key: Key::new(self.id, "").listing_key(),
            item: None,
            goods,
            state: self.listing_state(true),
            managed: true,
            oversells: false,
            unfit: self.unfit(),
            level: None,
            places: Vec::new(),
            counter: None,
            vendor: None,
            product_type: None,
            tags: self.tags.clone(),
        }
    }

    /// Returns the goods of a group: one for each SKU, however many of its products bear it.
    fn goods(&self, group: &Group<'_>) -> Vec<Good> {
        let mut goods: Vec<Good> = Vec::new();
        for product in &group.products {
            if goods.iter().any(|good| good.sku == product.sku) {
                continue;
            }
            let bearers: Vec<&&Product> = group.products.iter().filter(|other| other.sku == product.sku).collect();
            let words = if bearers.len() == 1 { &product.words } else { &product.group_words };
            let title = if words.is_empty() { self.title.clone() } else { format!("{} - {words}", self.title) };
            let price = product.offering.as_ref().and_then(|offering| offering.price);
            goods.push(Good { sku: product.sku.clone(), title: printable(&title, 300), barcode: None, price });
        }
        goods
    }

    fn listing_state(&self, enabled: bool) -> ListingState {
        match self.state.as_deref() {
            // What sold out stands there at 0, as far as anybody else is concerned; to show more of it renews it.
            Some(ACTIVE | SOLD_OUT) if enabled => ListingState::Live,
            Some(ACTIVE | SOLD_OUT) => ListingState::Off("not enabled".to_owned()),
            Some(state) => ListingState::Off(printable(state, 40)),
            None => ListingState::Off("unknown".to_owned()),
        }
    }

    /// Tells why it takes no quantity at all.
    pub fn unfit(&self) -> Option<String> {
        if self.digital {
            return Some("a file to download: Etsy keeps no stock of it".to_owned());
        }
        self.is("draft").then(|| "a draft: it was never on sale".to_owned())
    }

    /// Makes the reading of one of its groups; `None` where it has no such group.
    pub fn reading(&self, key: &Key, role: Role) -> Option<Reading> {
        let live = |enabled: bool| self.state.as_ref().map(|_| self.is(ACTIVE) && enabled);
        let Some(inventory) = &self.inventory else {
            return Some(Reading { key: key.listing_key(), found: Found::NoNumber, live: live(true) });
        };
        let group = inventory.group(&key.group)?;
        let found = self.level(&group, role).map_or(Found::NoNumber, |units| Found::Level {
            level: Level(units),
            places: Vec::new(),
            counter: None,
        });
        Some(Reading { key: key.listing_key(), found, live: live(group.is_enabled()) })
    }
}

/// Reads a state. Old answers know one more, for a listing that its owner is at work on.
fn state(word: &str) -> String {
    let word = word.trim().to_lowercase();
    if word == "edit" { INACTIVE.to_owned() } else { word }
}

/// Reads a whole number; nothing else is one.
pub(super) fn number(value: &Value, name: &str) -> Option<i64> {
    value.get(name)?.as_i64()
}

/// Reads the whole numbers of a list.
pub(super) fn numbers(value: &Value, name: &str) -> Vec<i64> {
    value.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
}

/// Reads a text.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
