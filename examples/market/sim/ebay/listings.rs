//! What eBay counts of its listings besides what buyers can still have: under which number each is listed since when,
//! what it sold under it, and whether it ended.
//!
//! The world knows nothing of this, so the log of what happened is read before every call. What was sold before a
//! listing got another number stays with the old one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::orders::order_number;
use super::quota::day;
use super::{Ebay, offers};
use crate::sim::shelf::{Product, Shop, Variant};
use crate::sim::truth::Deed;
use crate::sim::{Good, ShopHandle, State, Who, World};

/// What numbers of listings begin with.
const ITEMS: u64 = 110_000_000_000;

/// What numbers of variations begin with.
const VARIATIONS: u64 = 410_000_000_000;

/// What an only variant is called, where there are no variations.
const SOLE: &str = "Default Title";

/// A listing to be.
#[derive(Clone, Debug)]
pub struct ListingSpec {
    /// Its title.
    pub title: String,
    /// What is sold in it.
    pub goods: Vec<Good>,
    /// Who may write it.
    pub model: Model,
    /// Whether it is an auction, which has no stock.
    pub auction: bool,
    /// What it is found by when it is written.
    pub tracking: Tracking,
}

/// Which of two worlds a listing belongs to (0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Made by Seller Hub or Trading, and written by them.
    Classic,
    /// Made by the Inventory interface, and written by it alone.
    Inventory,
}

/// What a listing is found by when it is written (5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// Its number; the usual.
    ItemId,
    /// The SKU alone will do.
    Sku,
}

/// What is known of a listing under its number of today.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    /// The number.
    pub item: u64,
    pub model: Model,
    pub auction: bool,
    pub tracking: Tracking,
    /// When it was listed under this number.
    pub started: Timestamp,
    /// When it ended and why, if it did.
    pub ended: Option<(Timestamp, &'static str)>,
    /// Whether it ended by its offer, which then knows.
    pub withdrawn: bool,
    /// The units that it was listed with, by variant.
    pub originals: BTreeMap<u64, i64>,
    /// How often it was revised on a day.
    revised: Option<(Date, usize)>,
}

/// A listing under a number that it has no more.
#[derive(Clone, Debug)]
pub(super) struct Grave {
    pub listing: Listing,
    pub title: String,
    pub single: bool,
    pub rows: Vec<Row>,
    /// The number after this one.
    pub next: u64,
}

/// Where a line was sold from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home {
    /// The number of the listing at the time.
    pub item: u64,
    /// The variation, if it has any.
    pub variation: Option<u64>,
}

/// What one SKU of a listing shows.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub variant: u64,
    pub sku: String,
    pub title: String,
    pub cents: i64,
    /// Units that buyers can have.
    pub available: i64,
    /// Units sold under this number.
    pub sold: i64,
}

impl ListingSpec {
    /// A classic listing without variations.
    pub fn single(sku: &str, units: i64) -> Self {
        let good = Good::new(sku, units);
        Self::varied(&good.title.clone(), &[Good { title: SOLE.into(), ..good }])
    }

    /// A classic listing with a variation for each good.
    pub fn varied(title: &str, goods: &[Good]) -> Self {
        Self {
            title: title.into(),
            goods: goods.to_vec(),
            model: Model::Classic,
            auction: false,
            tracking: Tracking::ItemId,
        }
    }

    /// The same, made by the Inventory interface.
    #[must_use]
    pub fn inventory(self) -> Self {
        Self { model: Model::Inventory, ..self }
    }

    /// The same, as an auction.
    #[must_use]
    pub fn auction(self) -> Self {
        Self { auction: true, ..self }
    }

    /// The same, found by its SKU alone.
    #[must_use]
    pub fn by_sku(self) -> Self {
        Self { tracking: Tracking::Sku, ..self }
    }
}

impl ShopHandle {
    /// Adds a listing to an account at eBay; returns the product's id in the world.
    pub fn add_listing(&self, spec: &ListingSpec) -> u64 {
        self.ebay(|face, world| {
            let product = world.add_product(&face.shop, &spec.title, &spec.goods);
            face.catch_up(world);
            let listing = face.listings.get_mut(&product).expect("it was listed just now");
            (listing.model, listing.auction, listing.tracking) = (spec.model, spec.auction, spec.tracking);
            product
        })
    }

    /// Lets the owner move a classic listing to the Inventory interface, which leaves it its number (5.5).
    pub fn moves_to_inventory(&self, sku: &str) {
        self.ebay(|face, world| {
            let shop = world.shop(&face.shop);
            let product = shop.variants[&shop.variant_of(sku)].product;
            face.listings.get_mut(&product).expect("it is listed").model = Model::Inventory;
        });
    }
}

impl Listing {
    fn new(item: u64, started: Timestamp) -> Self {
        Self {
            item,
            model: Model::Classic,
            auction: false,
            tracking: Tracking::ItemId,
            started,
            ended: None,
            withdrawn: false,
            originals: BTreeMap::new(),
            revised: None,
        }
    }

    /// eBay's word for what kind of listing it is.
    pub fn kind(&self) -> &'static str {
        if self.auction { "Chinese" } else { "FixedPriceItem" }
    }

    /// Tells how often it was revised today.
    pub fn revisions(&self, now: Timestamp) -> usize {
        self.revised.filter(|(when, _)| *when == day(now)).map_or(0, |(_, times)| times)
    }

    /// Counts a revision.
    pub fn count_revision(&mut self, now: Timestamp) {
        self.revised = Some((day(now), self.revisions(now) + 1));
    }
}

/// Writes the number of a variation.
pub(super) fn variation_id(variant: u64) -> String {
    (VARIATIONS + variant).to_string()
}

/// Tells whether a product is a listing without variations.
pub(super) fn is_single(shop: &Shop, product: &Product) -> bool {
    matches!(product.variants.as_slice(), [only] if shop.variants.get(only).is_some_and(|v| v.title == SOLE))
}

impl Ebay {
    /// Reads the log from where it was left.
    pub(super) fn catch_up(&mut self, world: &mut World) {
        self.list_what_is_new(world);
        let mut changed = false;
        while let Some(event) = world.events.get(self.read).cloned() {
            self.read += 1;
            if event.shop != self.shop {
                continue;
            }
            match event.deed {
                Deed::Sold { order, line, units, .. } => self.note_sale(world, event.at, order, line, units),
                Deed::Cancelled { order, line, units, .. } => self.note_cancelled(world, event.at, order, line, units),
                Deed::Listing { sku, what, .. } => {
                    self.note_change(world, event.at, &sku, &what);
                    changed = true;
                }
                _ => {}
            }
        }
        let products = &world.shop(&self.shop).products;
        if products.len() < self.listings.len() {
            self.listings.retain(|product, _| products.contains_key(product));
        }
        if changed {
            self.follow_states(world);
        }
        self.let_time_tell(world);
        if self.opted_in.is_some_and(|at| at <= world.now) {
            (self.out_of_stock_control, self.opted_in) = (true, None);
        }
    }

    fn list_what_is_new(&mut self, world: &World) {
        let shop = world.shop(&self.shop);
        for (id, product) in shop.products.range(self.newest + 1..) {
            let mut listing = Listing::new(ITEMS + id, product.stamps.first());
            let originals =
                product.variants.iter().map(|v| (*v, level(shop, &shop.variants[v], product.stamps.first())));
            listing.originals = originals.collect();
            self.listings.insert(*id, listing);
        }
        for (id, variant) in shop.variants.range(self.newest + 1..) {
            let varied = shop.products.get(&variant.product).is_some_and(|product| !is_single(shop, product));
            self.offers.insert(*id, offers::Offer::new(*id, variant.product, varied));
        }
        let newest =
            [shop.products.last_key_value().map(|(id, _)| id), shop.variants.last_key_value().map(|(id, _)| id)];
        self.newest = newest.into_iter().flatten().copied().max().unwrap_or_default().max(self.newest);
    }

    fn note_sale(&mut self, world: &mut World, at: Timestamp, order: u64, line: u64, units: i64) {
        let shop = world.shop(&self.shop);
        let lines = shop.orders.get(&order).map_or(&[][..], |order| &order.lines);
        let variant = lines.iter().find(|known| known.id == line).and_then(|line| line.variant);
        self.note_purchase(world, order, at);
        // What was deleted meanwhile was sold all the same.
        let Some((variant, offer)) = variant.and_then(|id| Some((id, self.offers.get(&id)?))) else { return };
        let product = offer.product;
        let Some(listing) = self.listings.get(&product) else { return };
        let item = listing.item;
        self.homes.insert(line, Home { item, variation: offer.varied.then_some(variant) });
        let past = self.sold.entry((item, variant)).or_default();
        past.push((at, past.last().map_or(0, |(_, sold)| *sold) + units));
        // 6: without the control, a sale of the last unit ends the listing.
        let rows = self.rows(world, product, at);
        let gone = !rows.is_empty() && rows.iter().all(|row| row.available <= 0);
        if gone && !self.out_of_stock_control && self.listings[&product].ended.is_none() {
            self.end(world, product, at, "NotAvailable", Who::OtherApp);
        }
    }

    /// Takes note of a purchase that was cancelled before it was paid.
    fn note_cancelled(&mut self, world: &mut World, at: Timestamp, order: u64, line: u64, units: i64) {
        let unpaid = self.purchases.get_mut(&order).filter(|purchase| purchase.paid.is_none());
        let Some(purchase) = unpaid else { return };
        if self.shows_unpaid_cancelled && purchase.number.is_none() {
            purchase.number = Some(order_number(world.id()));
        }
        let lines = &world.shop(&self.shop).orders[&order].lines;
        let variant = lines.iter().find(|known| known.id == line).and_then(|line| line.variant);
        if let Some((home, variant)) = self.homes.get(&line).zip(variant).filter(|_| self.counter_falls) {
            let past = self.sold.entry((home.item, variant)).or_default();
            past.push((at, past.last().map_or(0, |(_, sold)| *sold) - units));
        }
    }

    /// Follows an owner who ended a listing or listed it anew.
    fn note_change(&mut self, world: &mut World, at: Timestamp, sku: &str, what: &str) {
        let shop = world.shop(&self.shop);
        let Some(product) = shop.variants_of(sku).next().map(|id| shop.variants[&id].product) else { return };
        let ended = self.listings.get(&product).is_some_and(|listing| listing.ended.is_some());
        match what {
            "Archived" | "Draft" if !ended => {
                if let Some(listing) = self.listings.get_mut(&product) {
                    listing.ended = Some((at, "NotAvailable"));
                }
            }
            "Live" | "Unlisted" if ended => drop(self.list_anew(world, product, at, Who::Owner)),
            _ => {}
        }
    }

    /// Follows the changes that the log names by an SKU which somebody else bears by now.
    fn follow_states(&mut self, world: &World) {
        let (now, products) = (world.now, &world.shop(&self.shop).products);
        for (product, listing) in &mut self.listings {
            let off = products.get(product).is_some_and(|p| matches!(p.state, State::Archived | State::Draft));
            if off && listing.ended.is_none() {
                listing.ended = Some((now, "NotAvailable"));
            }
        }
    }

    /// Ends a listing.
    pub(super) fn end(&mut self, world: &mut World, product: u64, at: Timestamp, why: &'static str, who: Who) {
        if let Some(listing) = self.listings.get_mut(&product) {
            listing.ended = Some((at, why));
        }
        self.set_state(world, product, State::Archived, who);
    }

    /// Lists what ended under a new number, with what is there; returns the number (6).
    pub(super) fn list_anew(&mut self, world: &mut World, product: u64, at: Timestamp, who: Who) -> u64 {
        let item = ITEMS + world.id();
        let rows = self.rows(world, product, at);
        let shop = world.shop(&self.shop);
        let record = &shop.products[&product];
        let (title, single) = (record.title.clone(), is_single(shop, record));
        let old = self.listings[&product].clone();
        let mut listing = Listing { item, started: at, ended: None, withdrawn: false, revised: None, ..old.clone() };
        listing.originals = rows.iter().map(|row| (row.variant, row.available)).collect();
        self.graves.insert(old.item, Grave { listing: old, title, single, rows, next: item });
        self.listings.insert(product, listing);
        self.set_state(world, product, State::Live, who);
        item
    }

    /// Changes whether a product can be bought, by its id: other listings may bear the same SKU.
    fn set_state(&self, world: &mut World, product: u64, state: State, who: Who) {
        let now = world.now;
        let shop = world.shop_mut(&self.shop);
        let Some(record) = shop.products.get_mut(&product).filter(|record| record.state != state) else { return };
        record.state = state;
        record.stamps.push(now);
        let sku = record.variants.first().map(|id| shop.variants[id].sku.clone()).unwrap_or_default();
        // Another word than an owner's change has: it is followed already.
        world.listing(who, &self.shop, &sku, format!("{state:?} at eBay"));
    }

    /// Takes a variation out of its listing (6).
    pub(super) fn remove_variation(&mut self, world: &mut World, variant: u64) {
        let now = world.now;
        self.removed.insert(variant);
        let shop = world.shop_mut(&self.shop);
        let all = shop.publications.keys().copied().collect();
        let Some(record) = shop.variants.get_mut(&variant) else { return };
        record.hidden = all;
        record.stamps.push(now);
        let sku = record.sku.clone();
        world.listing(Who::App, &self.shop, &sku, "removed from its listing".into());
    }

    /// Shows what a listing showed at a moment.
    pub(super) fn rows(&self, world: &World, product: u64, at: Timestamp) -> Vec<Row> {
        let shop = world.shop(&self.shop);
        let (Some(record), Some(listing)) = (shop.products.get(&product), self.listings.get(&product)) else {
            return Vec::new();
        };
        let at = at.max(listing.started);
        let there = record.variants.iter().filter(|id| !self.removed.contains(id));
        let row = |id: &u64| {
            let variant = &shop.variants[id];
            Row {
                variant: *id,
                sku: variant.sku.clone(),
                title: variant.title.clone(),
                cents: variant.cents,
                available: level(shop, variant, at),
                sold: self.sold_at(listing.item, *id, at),
            }
        };
        there.map(row).collect()
    }

    fn sold_at(&self, item: u64, variant: u64, at: Timestamp) -> i64 {
        let past = self.sold.get(&(item, variant)).map_or(&[][..], Vec::as_slice);
        past.iter().rev().find(|(when, _)| *when <= at).map_or(0, |(_, sold)| *sold)
    }

    /// Finds the product that has a number today.
    pub(super) fn product_of(&self, item: &str) -> Option<u64> {
        let item: u64 = item.trim().parse().ok()?;
        self.listings.iter().find(|(_, listing)| listing.item == item).map(|(product, _)| *product)
    }

    /// Tells when a listing last changed, as seen at a moment; `None` if it was not there yet.
    pub(super) fn modified(&self, world: &World, product: u64, at: Timestamp) -> Option<Timestamp> {
        let shop = world.shop(&self.shop);
        let record = shop.products.get(&product)?;
        let own = record.stamps.as_of(at)?;
        let variants = record.variants.iter().filter_map(|id| shop.variants.get(id));
        let stamps = variants.flat_map(|variant| {
            let item = shop.items.get(&variant.item);
            let levels = item.into_iter().flat_map(|item| item.levels.values().map(|level| &level.stamps));
            std::iter::once(&variant.stamps).chain(item.map(|item| &item.stamps)).chain(levels)
        });
        stamps.filter_map(|stamps| stamps.as_of(at)).max().map(|latest| latest.max(own)).or(Some(own))
    }
}

/// Returns what buyers could have of a variant at a moment.
fn level(shop: &Shop, variant: &Variant, at: Timestamp) -> i64 {
    let levels = shop.items.get(&variant.item).into_iter().flat_map(|item| item.levels.values());
    levels.map(|level| level.available_at(at)).sum::<i64>().max(0)
}
