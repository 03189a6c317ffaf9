//! What a shop has on its shelf: products, variants, and the holders of a quantity they draw on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::sales::Order;
use super::stamps::{Stamps, prune};

/// One account at a platform.
#[derive(Default)]
pub struct Shop {
    /// Its name in this world.
    pub name: String,
    /// The locations by id.
    pub locations: BTreeMap<u64, Location>,
    /// The products by id.
    pub products: BTreeMap<u64, Product>,
    /// The variants by id.
    pub variants: BTreeMap<u64, Variant>,
    /// The holders of a quantity by id.
    pub items: BTreeMap<u64, Item>,
    /// The orders by id.
    pub orders: BTreeMap<u64, Order>,
    /// The places where listings can be published (sales channels), by id.
    pub publications: BTreeMap<u64, String>,
    /// How far filtered lists trail behind writes. Reads by id never do.
    pub lag: Duration,
    /// How long a new order stays out of every list.
    pub order_delay: Duration,
    /// How long after a cancellation the units come back.
    pub restock_delay: Duration,
    /// Whether the shop keeps no count of anything.
    pub uncounted: bool,
    pub(super) by_sku: BTreeMap<String, BTreeSet<u64>>,
}

/// A place where goods are.
#[derive(Clone, Debug)]
pub struct Location {
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
    /// Whether what is there is sold online.
    pub sells_online: bool,
    /// Whether somebody else's service keeps its numbers.
    pub service: bool,
}

/// Whether a product can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can.
    Live,
    /// It can by those who know its address.
    Unlisted,
    /// Not yet.
    Draft,
    /// Not any more.
    Archived,
}

/// A product.
pub struct Product {
    /// Its title.
    pub title: String,
    /// Its maker.
    pub vendor: String,
    /// What kind of thing it is.
    pub kind: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it can be bought.
    pub state: State,
    /// Its variants in their order.
    pub variants: Vec<u64>,
    /// The publications it was taken out of.
    pub hidden: BTreeSet<u64>,
    /// When it changed.
    pub stamps: Stamps,
}

/// A variant of a product.
pub struct Variant {
    /// The product.
    pub product: u64,
    /// The item it draws on.
    pub item: u64,
    /// The SKU; may be empty.
    pub sku: String,
    /// The title.
    pub title: String,
    /// The barcode, if there is one.
    pub barcode: Option<String>,
    /// The price in hundredths.
    pub cents: i64,
    /// Whether it is sold below zero.
    pub oversells: bool,
    /// Whether its stock is that of its components, so that it takes no number itself.
    pub bundle: bool,
    /// The publications it was taken out of.
    pub hidden: BTreeSet<u64>,
    /// Units sold so far.
    pub sold: i64,
    /// When it changed.
    pub stamps: Stamps,
}

/// A holder of one quantity.
pub struct Item {
    /// Whether the shop keeps count of it.
    pub tracked: bool,
    /// The variants that draw on it.
    pub variants: BTreeSet<u64>,
    /// What is where.
    pub levels: BTreeMap<u64, Level>,
    /// When it changed, its levels apart.
    pub stamps: Stamps,
}

/// What an item has at one location.
#[derive(Clone, Debug)]
pub struct Level {
    /// Its id.
    pub id: u64,
    /// Units that can be sold.
    pub available: i64,
    /// Units sold and not yet sent.
    pub committed: i64,
    /// Whether the item is stocked there; if not, nothing is sold from there.
    pub active: bool,
    /// What was available after each change.
    pub past: Vec<(Timestamp, i64)>,
    /// When it changed.
    pub stamps: Stamps,
}

/// A listing to be.
#[derive(Clone, Debug)]
pub struct Good {
    /// The SKU.
    pub sku: String,
    /// The title of the variant.
    pub title: String,
    /// Units at the first location.
    pub units: i64,
    /// The price in hundredths.
    pub cents: i64,
}

impl Good {
    /// Makes a good of which there are so many.
    pub fn new(sku: &str, units: i64) -> Self {
        Self { sku: sku.into(), title: format!("The {sku}"), units, cents: 1250 }
    }
}

impl Shop {
    /// Returns the variants of a SKU, byte for byte.
    pub fn variants_of(&self, sku: &str) -> impl Iterator<Item = u64> {
        self.by_sku.get(sku).into_iter().flatten().copied()
    }

    /// Returns the first variant of a SKU that must be there.
    pub fn variant_of(&self, sku: &str) -> u64 {
        self.variants_of(sku).next().unwrap_or_else(|| panic!("{} has no {sku}", self.name))
    }

    /// Returns the item of a SKU that must be there.
    pub fn item_of(&self, sku: &str) -> u64 {
        self.variants[&self.variant_of(sku)].item
    }

    /// Returns the SKU of the first variant that draws on an item; empty where there is none.
    pub fn sku_on(&self, item: u64) -> String {
        let first = self.items.get(&item).and_then(|item| item.variants.first());
        first.and_then(|id| self.variants.get(id)).map(|variant| variant.sku.clone()).unwrap_or_default()
    }

    /// Returns a level, if the item was ever stocked there.
    pub fn level(&self, item: u64, location: u64) -> Option<&Level> {
        self.items.get(&item)?.levels.get(&location)
    }

    /// Returns the locations that an item is sold from, in their order.
    pub fn sells_from(&self, item: u64) -> Vec<u64> {
        let open = |id: &u64| self.locations.get(id).is_some_and(|l| l.active && l.sells_online);
        let Some(item) = self.items.get(&item) else { return Vec::new() };
        item.levels.iter().filter(|(id, level)| level.active && open(id)).map(|(id, _)| *id).collect()
    }

    /// Tells whether the shop keeps count of an item.
    pub fn counts(&self, item: u64) -> bool {
        !self.uncounted && self.items.get(&item).is_some_and(|item| item.tracked)
    }

    /// Returns the units that buyers can have of an item.
    pub fn sellable(&self, item: u64) -> i64 {
        self.sells_from(item).iter().filter_map(|at| self.level(item, *at)).map(|level| level.available).sum()
    }

    /// Returns the units of a SKU over all locations.
    pub fn available(&self, sku: &str) -> i64 {
        self.items[&self.item_of(sku)].levels.values().map(|level| level.available).sum()
    }

    /// Gives a variant another SKU.
    pub(super) fn set_sku(&mut self, variant: u64, sku: &str, now: Timestamp) {
        let Some(record) = self.variants.get_mut(&variant) else { return };
        let old = std::mem::replace(&mut record.sku, sku.into());
        record.stamps.push(now);
        if let Some(item) = self.items.get_mut(&record.item) {
            item.stamps.push(now);
        }
        let product = record.product;
        if let Some(of_old) = self.by_sku.get_mut(&old) {
            of_old.remove(&variant);
        }
        self.by_sku.entry(sku.into()).or_default().insert(variant);
        self.touch_product(product, now);
    }

    /// Lets a variant draw on another item; one that nothing draws on any more stays.
    pub(super) fn draw_on(&mut self, variant: u64, item: u64) {
        let Some(record) = self.variants.get_mut(&variant) else { return };
        let old = std::mem::replace(&mut record.item, item);
        if let Some(old) = self.items.get_mut(&old) {
            old.variants.remove(&variant);
        }
        if let Some(new) = self.items.get_mut(&item) {
            new.variants.insert(variant);
        }
    }

    /// Puts a variant under another product.
    pub(super) fn move_variant(&mut self, variant: u64, product: u64) {
        let Some(record) = self.variants.get_mut(&variant) else { return };
        let old = std::mem::replace(&mut record.product, product);
        if let Some(old) = self.products.get_mut(&old) {
            old.variants.retain(|id| *id != variant);
        }
        if let Some(new) = self.products.get_mut(&product) {
            new.variants.push(variant);
        }
    }

    /// Takes a product out of the shop for good, with its variants; their orders stay.
    pub(super) fn drop_product(&mut self, product: u64) {
        let Some(gone) = self.products.remove(&product) else { return };
        for id in gone.variants {
            self.drop_variant(id);
        }
    }

    /// Takes a variant out of the shop for good, with an item that nothing else draws on; its orders stay.
    pub(super) fn drop_variant(&mut self, id: u64) {
        let Some(variant) = self.variants.remove(&id) else { return };
        if let Some(product) = self.products.get_mut(&variant.product) {
            product.variants.retain(|other| *other != id);
        }
        if let Some(item) = self.items.get_mut(&variant.item) {
            item.variants.remove(&id);
            if item.variants.is_empty() {
                self.items.remove(&variant.item);
            }
        }
        if let Some(same) = self.by_sku.get_mut(&variant.sku) {
            same.remove(&id);
        }
    }

    /// Notes that a product changed.
    pub(super) fn touch_product(&mut self, product: u64, now: Timestamp) {
        if let Some(product) = self.products.get_mut(&product) {
            product.stamps.push(now);
        }
    }
}

impl Level {
    /// Makes a level.
    pub fn new(id: u64, available: i64, now: Timestamp) -> Self {
        let past = vec![(now, available)];
        Self { id, available, committed: 0, active: true, past, stamps: Stamps::new(now) }
    }

    /// Moves units, and remembers.
    pub fn change(&mut self, available: i64, committed: i64, now: Timestamp) {
        self.available += available;
        self.committed += committed;
        self.past.push((now, self.available));
        prune(&mut self.past, now, |entry| entry.0);
        self.stamps.push(now);
    }

    /// Returns what was available at a moment; the oldest known where that is longer ago than anybody remembers.
    pub fn available_at(&self, moment: Timestamp) -> i64 {
        let then = self.past.iter().rev().find(|(at, _)| *at <= moment).or(self.past.first());
        then.map_or(self.available, |(_, available)| *available)
    }
}
