//! What WooCommerce shows of products and variations, and who holds the stock of each (3.1).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Meta, Problem, Result, WooCommerce};
use crate::sim::shelf::{Shop, State};
use crate::sim::{Trouble, World};

/// A record that a product route can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    /// A product.
    Product(u64),
    /// A variation.
    Variation(u64),
}

/// Who holds the stock of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Managed {
    /// The entry itself.
    Own(u64),
    /// The product that the variation is of.
    Parent(u64),
    /// Nobody.
    Not,
}

impl Entry {
    pub fn id(self) -> u64 {
        match self {
            Self::Product(id) | Self::Variation(id) => id,
        }
    }
}

impl Managed {
    pub fn item(self) -> Option<u64> {
        match self {
            Self::Own(item) | Self::Parent(item) => Some(item),
            Self::Not => None,
        }
    }
}

impl WooCommerce {
    pub(super) fn here<'w>(&self, world: &'w World) -> &'w Shop {
        world.shop(&self.shop)
    }

    /// Finds what has an id. The variant of a simple product has none of its own.
    pub(super) fn entry(&self, shop: &Shop, id: u64) -> Option<Entry> {
        if shop.products.contains_key(&id) {
            return (self.orphanage != Some(id)).then_some(Entry::Product(id));
        }
        let variant = shop.variants.get(&id)?;
        (sole_variant(shop, variant.product) != Some(id)).then_some(Entry::Variation(id))
    }

    /// Finds a product or variation for a route of products (8).
    pub(super) fn find(&self, shop: &Shop, id: u64, status: u16) -> Result<Entry> {
        let words = "Invalid ID.";
        self.entry(shop, id).ok_or_else(|| Problem::new(status, "woocommerce_rest_product_invalid_id", words))
    }

    /// Returns the product that a variation is of; 0 where it lost it.
    pub(super) fn parent_of(&self, shop: &Shop, variation: u64) -> u64 {
        let parent = shop.variants[&variation].product;
        if self.orphanage == Some(parent) { 0 } else { parent }
    }

    /// Tells a product's type.
    pub(super) fn kind(&self, shop: &Shop, product: u64) -> &str {
        let simple = sole_variant(shop, product).is_some();
        self.types.get(&product).map_or(if simple { "simple" } else { "variable" }, String::as_str)
    }

    /// Tells who holds the stock (3.1); with management off for the whole shop nobody does (7).
    pub(super) fn managed(&self, shop: &Shop, entry: Entry) -> Managed {
        let counted = |item: &u64| shop.counts(*item);
        match entry {
            Entry::Product(id) => {
                // 3.1: a grouped product is never managed, an external one neither.
                if matches!(self.kind(shop, id), "grouped" | "external") {
                    return Managed::Not;
                }
                let sole = sole_variant(shop, id).map(|variant| shop.variants[&variant].item);
                let item = sole.or_else(|| self.pools.get(&id).copied());
                item.filter(counted).map_or(Managed::Not, Managed::Own)
            }
            Entry::Variation(id) => {
                let variant = &shop.variants[&id];
                match Some(variant.item).filter(counted) {
                    Some(item) if self.pools.get(&variant.product) == Some(&item) => Managed::Parent(item),
                    Some(item) => Managed::Own(item),
                    None => Managed::Not,
                }
            }
        }
    }

    /// Tells the SKU of an entry.
    pub(super) fn sku<'a>(&'a self, shop: &'a Shop, entry: Entry) -> &'a str {
        match entry {
            Entry::Variation(id) => &shop.variants[&id].sku,
            Entry::Product(id) => match sole_variant(shop, id) {
                Some(variant) => &shop.variants[&variant].sku,
                None => self.parent_skus.get(&id).map_or("", String::as_str),
            },
        }
    }

    /// Tells the status of an entry (6).
    pub(super) fn status(&self, shop: &Shop, entry: Entry) -> &str {
        match entry {
            Entry::Product(id) => match shop.products[&id].state {
                State::Live | State::Unlisted => "publish",
                State::Draft => self.words.get(&id).map_or("draft", String::as_str),
                State::Archived => "trash",
            },
            // 6: a variation that does not show is private; one of a product in the trash is there too.
            Entry::Variation(id) => {
                let variant = &shop.variants[&id];
                let trashed = shop.products[&variant.product].state == State::Archived;
                let private = shop.publications.keys().all(|place| variant.hidden.contains(place));
                if trashed {
                    "trash"
                } else if private {
                    "private"
                } else {
                    "publish"
                }
            }
        }
    }

    /// Tells when an entry last changed (3.4). A variation that inherits its stock does not change with it, and a
    /// product stands for all its variations.
    pub(super) fn modified(&self, shop: &Shop, entry: Entry) -> Timestamp {
        let of_item = |item: &u64| {
            let levels = shop.items.get(item).into_iter().flat_map(|item| item.levels.values());
            let last = levels.map(|level| level.stamps.last()).max().unwrap_or_default();
            // 2.8: the stamp is that of the beginning of a save, the number comes later.
            self.begun.get(item).filter(|(saved, _)| *saved == last).map_or(last, |(_, begun)| *begun)
        };
        match entry {
            Entry::Variation(id) => {
                let variant = &shop.variants[&id];
                let own =
                    if self.pools.get(&variant.product) == Some(&variant.item) { None } else { Some(&variant.item) };
                own.map(of_item).into_iter().chain([variant.stamps.last()]).max().unwrap_or_default()
            }
            Entry::Product(id) => {
                let product = &shop.products[&id];
                let variants = product.variants.iter().map(|id| &shop.variants[id]);
                let stamps = variants.clone().map(|variant| variant.stamps.last());
                let items = variants.map(|variant| of_item(&variant.item)).chain(self.pools.get(&id).map(of_item));
                stamps.chain(items).chain([product.stamps.last()]).max().unwrap_or_default()
            }
        }
    }

    /// Tells a quantity, in thousandths; `None` where the item is managed and never got one (3.1).
    pub(super) fn quantity(&self, shop: &Shop, item: u64, troubles: &[Trouble], now: Timestamp) -> Option<i64> {
        if self.unnumbered.contains(&item) {
            return None;
        }
        let level = shop.items.get(&item)?.levels.values().next()?;
        let then = troubles.iter().find_map(|trouble| match trouble {
            Trouble::Stale(by) => Some(now - *by),
            _ => None,
        });
        let whole = then.map_or(level.available, |then| level.available_at(then));
        Some(whole * 1000 + self.thousandths.get(&item).copied().unwrap_or(0))
    }

    /// Writes a quantity: in a shop without decimals what is beyond whole units does not show (3.1).
    pub(super) fn shown_quantity(&self, thousandths: i64) -> Value {
        if !self.decimals || thousandths % 1000 == 0 {
            (thousandths / 1000).into()
        } else {
            fraction(thousandths).into()
        }
    }

    /// Tells whether an entry is sold below zero, in WooCommerce's words.
    pub(super) fn backorders(&self, shop: &Shop, entry: Entry) -> &'static str {
        let oversells = match entry {
            Entry::Variation(id) => shop.variants[&id].oversells,
            Entry::Product(id) => shop.products[&id].variants.iter().any(|id| shop.variants[id].oversells),
        };
        match oversells {
            false => "no",
            true if self.notified.contains(&entry.id()) => "notify",
            true => "yes",
        }
    }

    /// Tells the stock status, which follows from the number where there is one (3.1).
    pub(super) fn stock_status(&self, shop: &Shop, entry: Entry) -> &'static str {
        if let Some(item) = self.managed(shop, entry).item() {
            let quantity = self.quantity(shop, item, &[], Timestamp::UNIX_EPOCH);
            return match quantity {
                Some(quantity) if quantity > self.no_stock_amount * 1000 => "instock",
                Some(_) if self.backorders(shop, entry) != "no" => "onbackorder",
                _ => "outofstock",
            };
        }
        let declared = self.declared_out.contains(&entry.id());
        let variations = match entry {
            Entry::Product(id) => variations(shop, id),
            Entry::Variation(_) => Vec::new(),
        };
        // 6: a product whose variations are all out of stock is so itself.
        let all_out = !variations.is_empty()
            && variations.iter().all(|id| self.stock_status(shop, Entry::Variation(*id)) == "outofstock");
        if declared || all_out { "outofstock" } else { "instock" }
    }

    /// Shows an entry as the routes of products do.
    pub(super) fn show(&self, world: &World, entry: Entry, troubles: &[Trouble]) -> Value {
        let shop = self.here(world);
        let (parent, product, priced) = match entry {
            Entry::Product(id) => (0, id, shop.products[&id].variants.first().copied()),
            Entry::Variation(id) => (self.parent_of(shop, id), shop.variants[&id].product, Some(id)),
        };
        let resource = match entry {
            Entry::Product(id) => format!("products/{id}"),
            Entry::Variation(id) => format!("products/{parent}/variations/{id}"),
        };
        let record = &shop.products[&product];
        let (created, modified) = (record.stamps.first(), self.modified(shop, entry));
        let status = self.status(shop, entry);
        let cents = priced.map_or(0, |id| shop.variants[&id].cents);
        let metas = self.meta.get(&entry.id()).map(Vec::as_slice).unwrap_or_default();
        let mut shown = json!({
            "id": entry.id(),
            "name": record.title,
            "permalink": format!("{}/product/{}/", self.home, entry.id()),
            "date_created": self.local(created), "date_created_gmt": gmt(created),
            "date_modified": self.local(modified), "date_modified_gmt": gmt(modified),
            "type": "variation",
            "status": status,
            "description": "<p>Thrown on the wheel.</p>",
            "sku": self.sku(shop, entry),
            "price": format!("{}.{:02}", cents / 100, cents % 100),
            "purchasable": status == "publish",
            "parent_id": parent,
            "meta_data": metas.iter().map(Meta::to_json).collect::<Vec<_>>(),
            "_links": { "self": [{ "href": format!("{}/wp-json/wc/v3/{resource}", self.home) }] },
        });
        if let Entry::Product(id) = entry {
            shown["type"] = self.kind(shop, id).into();
            shown["catalog_visibility"] = if self.out_of_lists(shop, id) { "hidden" } else { "visible" }.into();
            shown["variations"] = json!(variations(shop, id));
        }
        self.show_stock(world, entry, troubles, &mut shown);
        shown
    }

    fn show_stock(&self, world: &World, entry: Entry, troubles: &[Trouble], shown: &mut Value) {
        let shop = self.here(world);
        let managed = self.managed(shop, entry);
        shown["manage_stock"] = match managed {
            Managed::Own(_) => true.into(),
            Managed::Parent(_) => "parent".into(),
            Managed::Not => false.into(),
        };
        // P5: numbers that are missing.
        if !troubles.contains(&Trouble::NoNumbers) {
            let quantity = managed.item().and_then(|item| self.quantity(shop, item, troubles, world.now));
            shown["stock_quantity"] = quantity.map(|quantity| self.shown_quantity(quantity)).into();
        }
        let backorders = self.backorders(shop, entry);
        shown["stock_status"] = self.stock_status(shop, entry).into();
        shown["backorders"] = backorders.into();
        shown["backorders_allowed"] = (backorders != "no").into();
        shown["low_stock_amount"] = Value::Null;
    }

    /// Tells whether a product is out of lists and search (6).
    pub(super) fn out_of_lists(&self, shop: &Shop, product: u64) -> bool {
        match shop.products[&product].state {
            State::Unlisted => true,
            State::Live => false,
            _ => self.unlisted.contains(&product),
        }
    }

    /// Writes a time in the shop's own zone, with no word on the zone.
    pub(super) fn local(&self, time: Timestamp) -> String {
        self.zone.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }
}

impl Meta {
    fn to_json(&self) -> Value {
        let fields = [("id", self.id.into()), ("key", self.key.as_str().into()), ("value", self.value.clone())];
        Value::Object(Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value))))
    }
}

/// Returns the variant that a simple product consists of.
pub(super) fn sole_variant(shop: &Shop, product: u64) -> Option<u64> {
    let variants = &shop.products.get(&product)?.variants;
    variants.iter().copied().find(|id| shop.variants[id].title == "Default Title")
}

/// Returns the variations of a product.
pub(super) fn variations(shop: &Shop, product: u64) -> Vec<u64> {
    let sole = sole_variant(shop, product);
    let all = shop.products.get(&product).map(|record| record.variants.as_slice()).unwrap_or_default();
    all.iter().copied().filter(|id| Some(*id) != sole).collect()
}

/// Returns the entry that a variant is shown as.
pub(super) fn entry_of_variant(shop: &Shop, variant: u64) -> Entry {
    let product = shop.variants[&variant].product;
    if sole_variant(shop, product) == Some(variant) { Entry::Product(product) } else { Entry::Variation(variant) }
}

/// Writes a time as UTC, with no word on the zone either.
pub(super) fn gmt(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[expect(clippy::cast_precision_loss, reason = "no shop has so much of anything")]
fn fraction(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}
