//! The goods, shops and orders of the simulated world, as plain state that knows no platform.
//!
//! A **shop** is one account at a platform. It lists **products**; a product has **variants**, each with a SKU; a
//! variant draws on an **item**, the holder of one quantity, which keeps a **level** at each location. Several
//! variants may draw on one item. A platform without products, items or locations has one of each, and its face does
//! not speak of them.
//!
//! Each record remembers when it changed, so that a face can play a list that trails behind the records themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::dice::Dice;
use super::life::Life;
use super::truth::{Deed, Event};

/// Everything there is.
pub struct World {
    /// What time it is.
    pub now: Timestamp,
    /// The shops by name.
    pub shops: BTreeMap<String, Shop>,
    /// All that happened, in order.
    pub events: Vec<Event>,
    /// Where chance comes from.
    pub dice: Dice,
    /// What happens by itself.
    pub life: Life,
    /// What was begun and is done later.
    pub(super) jobs: Vec<Job>,
    next: u64,
}

/// Something begun that takes effect later: the stock of a cancelled order that comes back in the background.
pub(super) struct Job {
    pub due: Timestamp,
    pub shop: String,
    pub order: u64,
    pub restock: bool,
}

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
    by_sku: BTreeMap<String, BTreeSet<u64>>,
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

/// An order.
pub struct Order {
    /// The number that the owner knows it by.
    pub number: String,
    /// When it was placed.
    pub placed: Timestamp,
    /// When it was cancelled as a whole.
    pub cancelled: Option<Timestamp>,
    /// Whether it was cancelled because the goods were not there.
    pub out_of_stock: bool,
    /// Whether it is paid.
    pub paid: bool,
    /// Whether it is only a test.
    pub test: bool,
    /// Whether it was edited.
    pub edited: bool,
    /// Who brought it in, if it was not sold here.
    pub origin: Option<String>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// What was taken back.
    pub refunds: Vec<Refund>,
    /// When it changed.
    pub stamps: Stamps,
}

/// A sold line.
pub struct Line {
    /// Its id.
    pub id: u64,
    /// The variant; `None` where it was deleted or never was one.
    pub variant: Option<u64>,
    /// The SKU at the time.
    pub sku: String,
    /// Units sold, those taken back included.
    pub units: i64,
    /// Units taken out by an edit.
    pub removed: i64,
    /// Units sent.
    pub shipped: i64,
    /// Where the units were taken from.
    pub from: Vec<(u64, i64)>,
}

/// Units taken back in one go.
pub struct Refund {
    /// Its id.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub lines: Vec<RefundLine>,
}

/// Units of one line taken back.
pub struct RefundLine {
    /// Its id.
    pub id: u64,
    /// The sold line.
    pub line: u64,
    /// How many.
    pub units: i64,
    /// Whether they had been sent.
    pub sent: bool,
    /// Where they were put back; `None` where they were not.
    pub to: Option<u64>,
}

/// When a record changed, oldest first.
#[derive(Clone, Debug)]
pub struct Stamps(Vec<Timestamp>);

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

impl World {
    /// Makes an empty world.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self {
            now,
            shops: BTreeMap::new(),
            events: Vec::new(),
            dice: Dice::new(seed),
            life: Life::default(),
            jobs: Vec::new(),
            next: 1000,
        }
    }

    /// Draws an id that nothing else has.
    pub fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Returns a shop that must be there.
    pub fn shop(&self, name: &str) -> &Shop {
        self.shops.get(name).unwrap_or_else(|| panic!("no shop named {name}"))
    }

    /// Returns a shop that must be there, to change it.
    pub fn shop_mut(&mut self, name: &str) -> &mut Shop {
        self.shops.get_mut(name).unwrap_or_else(|| panic!("no shop named {name}"))
    }

    /// Opens a shop with one location, "Main".
    pub fn open_shop(&mut self, name: &str) {
        let shop = Shop { name: name.into(), ..Shop::default() };
        assert!(self.shops.insert(name.into(), shop).is_none(), "two shops are named {name}");
        self.add_location(name, "Main");
    }

    /// Adds a location that sells online.
    pub fn add_location(&mut self, shop: &str, name: &str) -> u64 {
        let id = self.id();
        let location = Location { name: name.into(), active: true, sells_online: true, service: false };
        self.shop_mut(shop).locations.insert(id, location);
        id
    }

    /// Adds a product with its variants, each with an item of its own at the first location.
    pub fn add_product(&mut self, shop: &str, title: &str, goods: &[Good]) -> u64 {
        let product = self.id();
        let now = self.now;
        let record = Product {
            title: title.into(),
            vendor: "Pottery".into(),
            kind: "Mug".into(),
            tags: Vec::new(),
            state: State::Live,
            variants: Vec::new(),
            hidden: BTreeSet::new(),
            stamps: Stamps::new(now),
        };
        self.shop_mut(shop).products.insert(product, record);
        for good in goods {
            let item = self.add_item(shop, good.units);
            self.add_variant(shop, product, item, good);
        }
        product
    }

    /// Adds a product with a single variant.
    pub fn add_good(&mut self, shop: &str, sku: &str, units: i64) -> u64 {
        let good = Good::new(sku, units);
        let title = good.title.clone();
        self.add_product(shop, &title, &[good])
    }

    /// Adds a holder of a quantity, stocked at the first location.
    pub fn add_item(&mut self, shop: &str, units: i64) -> u64 {
        let item = self.id();
        let level = self.id();
        let now = self.now;
        let shop = self.shop_mut(shop);
        let first = *shop.locations.keys().next().expect("a shop has a location");
        let levels = BTreeMap::from([(first, Level::new(level, units, now))]);
        shop.items.insert(item, Item { tracked: true, variants: BTreeSet::new(), levels, stamps: Stamps::new(now) });
        item
    }

    /// Adds a variant that draws on an item.
    pub fn add_variant(&mut self, shop: &str, product: u64, item: u64, good: &Good) -> u64 {
        let id = self.id();
        let now = self.now;
        let variant = Variant {
            product,
            item,
            sku: good.sku.clone(),
            title: good.title.clone(),
            barcode: None,
            cents: good.cents,
            oversells: false,
            bundle: false,
            hidden: BTreeSet::new(),
            sold: 0,
            stamps: Stamps::new(now),
        };
        let shop = self.shop_mut(shop);
        shop.products.get_mut(&product).expect("the product is there").variants.push(id);
        shop.variants.insert(id, variant);
        shop.items.get_mut(&item).expect("the item is there").variants.insert(id);
        shop.by_sku.entry(good.sku.clone()).or_default().insert(id);
        id
    }

    /// Stocks an item at a further location.
    pub fn stock_at(&mut self, shop: &str, sku: &str, location: u64, units: i64) {
        let level = self.id();
        let now = self.now;
        let shop = self.shop_mut(shop);
        let item = shop.item_of(sku);
        shop.items.get_mut(&item).expect("the item is there").levels.insert(location, Level::new(level, units, now));
    }

    /// Enters something into the log.
    pub(super) fn tell(&mut self, shop: &str, deed: Deed) {
        self.events.push(Event { at: self.now, shop: shop.into(), deed });
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

    /// Takes a product out of the shop for good, with its variants; their items and orders stay.
    pub(super) fn drop_product(&mut self, product: u64) {
        let Some(gone) = self.products.remove(&product) else { return };
        for id in gone.variants {
            let Some(variant) = self.variants.remove(&id) else { continue };
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

impl Line {
    /// Returns the units that were taken back by refunds of its order.
    pub fn refunded(&self, order: &Order) -> i64 {
        order.refunds.iter().flat_map(|refund| &refund.lines).filter(|r| r.line == self.id).map(|r| r.units).sum()
    }

    /// Returns the units that are neither sent nor taken back.
    pub fn unsent(&self, order: &Order) -> i64 {
        let back = order.refunds.iter().flat_map(|refund| &refund.lines).filter(|r| r.line == self.id && !r.sent);
        self.units - self.removed - self.shipped - back.map(|r| r.units).sum::<i64>()
    }
}

impl Stamps {
    /// Begins with the moment at which the record was made.
    pub fn new(now: Timestamp) -> Self {
        Self(vec![now])
    }

    /// Notes a change.
    pub fn push(&mut self, now: Timestamp) {
        self.0.push(now);
        prune(&mut self.0, now, |stamp| *stamp);
    }

    /// Returns when the record last changed.
    pub fn last(&self) -> Timestamp {
        self.0.last().copied().unwrap_or_default()
    }

    /// Returns when it had last changed as seen at a moment; `None` if it was not there yet.
    pub fn as_of(&self, moment: Timestamp) -> Option<Timestamp> {
        self.0.iter().rev().find(|stamp| **stamp <= moment).copied()
    }
}

/// Forgets what is older than an hour, the newest of that apart: nothing trails behind by more.
fn prune<T>(past: &mut Vec<T>, now: Timestamp, at: impl Fn(&T) -> Timestamp) {
    let hour = Duration::from_secs(3600);
    let old = past.iter().take_while(|entry| at(entry) + hour < now).count();
    past.drain(..old.saturating_sub(1));
}
