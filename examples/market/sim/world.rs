//! The goods, shops and orders of the simulated world, as plain state that knows no platform.
//!
//! A **shop** is one account at a platform. It lists **products**; a product has **variants**, each with a SKU; a
//! variant draws on an **item**, the holder of one quantity, which keeps a **level** at each location. Several
//! variants may draw on one item. A platform without products, items or locations has one of each, and its face does
//! not speak of them.
//!
//! Each record remembers when it changed, so that a face can play a list that trails behind the records themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::dice::Dice;
use super::life::Life;
use super::shelf::{Good, Item, Level, Location, Product, Shop, State, Variant};
use super::stamps::Stamps;
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
        self.add_product(shop, &title, &[Good { title: "Default Title".into(), ..good }])
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
