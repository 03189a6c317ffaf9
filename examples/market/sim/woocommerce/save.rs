//! One save of a product or variation, as PHP does it: the record is loaded, changed, and written back piece by piece.
//!
//! The stamp is that of the beginning; a delta is added to the number as it was then; meta data are written before the
//! number, with no transaction around both (1.2, 2.8, 4.4). Between these steps other requests come in.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::catalog::{Entry, Managed, sole_variant};
use super::params::{checked, coerced};
use super::{Meta, Problem, Result, WooCommerce};
use crate::sim::{State, Who, World};

/// A save that has begun.
pub(super) struct Save {
    pub entry: Entry,
    begun: Timestamp,
    meta: Vec<(String, Value)>,
    number: Option<Number>,
}

/// A number to be written.
struct Number {
    item: u64,
    /// In thousandths; `None` takes the number away.
    to: Option<i64>,
    by_delta: bool,
}

/// Whether what is sent is checked: it is for single updates, and not in batches (1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    Done,
    Skipped,
}

impl WooCommerce {
    /// Begins a save: looks at what is sent, changes all but meta data and the number, and reads the number.
    pub(super) fn begin_save(
        &mut self,
        world: &mut World,
        entry: Entry,
        fields: &Map<String, Value>,
        checks: Checks,
    ) -> Result<Save> {
        if checks == Checks::Done {
            self.check(fields)?;
        }
        if let Some(code) = self.refused.get(self.sku(self.here(world), entry)) {
            return Err(Problem::new(400, code, "A plugin refuses this."));
        }
        let begun = world.now;
        if let Some(sku) = fields.get("sku").and_then(Value::as_str) {
            self.save_sku(world, entry, sku.trim())?;
        }
        self.save_management(world, entry, fields)?;
        self.save_standing(world, entry, fields);
        let number = self.number_to_save(world, entry, fields, checks);
        let metas = fields.get("meta_data").and_then(Value::as_array).into_iter().flatten();
        let named = |meta: &Value| Some((meta["key"].as_str()?.to_owned(), meta["value"].clone()));
        let meta = metas.filter_map(named).collect();
        self.bump(world, entry);
        Ok(Save { entry, begun, meta, number })
    }

    /// Writes the meta data: a key that is there is changed in place (4.4).
    pub(super) fn save_meta(&mut self, world: &mut World, save: &Save) -> Result<()> {
        for (key, value) in &save.meta {
            let metas = self.meta.entry(save.entry.id()).or_default();
            match metas.iter_mut().find(|meta| meta.key == *key) {
                Some(meta) => meta.value = value.clone(),
                None => metas.push(Meta { id: world.id(), key: key.clone(), value: value.clone() }),
            }
        }
        if save.number.is_none() {
            return Ok(());
        }
        // 4.4: a crash exactly between.
        match self.dies_in_save {
            Some(0) => {
                self.dies_in_save = None;
                let words = "There has been a critical error on this website.";
                Err(Problem::new(500, "internal_server_error", words))
            }
            left => {
                self.dies_in_save = left.map(|left| left - 1);
                Ok(())
            }
        }
    }

    /// Writes the number, whatever became of it since it was read (1.2).
    pub(super) fn save_number(&mut self, world: &mut World, save: &Save) {
        let Some(Number { item, to, by_delta }) = save.number else { return };
        let shop = self.here(world);
        let Some((at, from)) =
            shop.items.get(&item).and_then(|item| item.levels.iter().next()).map(|(at, level)| (*at, level.available))
        else {
            return;
        };
        let whole = to.unwrap_or(0).div_euclid(1000);
        let key = save.meta.first().and_then(|(_, value)| value.as_str());
        if by_delta {
            world.adjust(Who::App, &self.shop, item, at, whole - from, key);
        } else {
            world.write(Who::App, &self.shop, item, at, whole, key);
        }
        self.begun.insert(item, (world.now, save.begun));
        self.thousandths.insert(item, to.unwrap_or(0).rem_euclid(1000));
        if to.is_some() {
            self.unnumbered.remove(&item)
        } else {
            self.unnumbered.insert(item)
        };
    }

    /// Checks what the schema names (3.1, 8). `inventory_delta` is not in it.
    fn check(&self, fields: &Map<String, Value>) -> Result<()> {
        if let Some(quantity) = fields.get("stock_quantity").filter(|quantity| !quantity.is_null()) {
            // 3.1: with decimals the schema says so from 9.4 on; before, 2.5 is refused here and taken in batches.
            checked("stock_quantity", quantity, self.decimals && self.since(9, 4, 0))?;
        }
        if let Some(flag) = fields.get("manage_stock")
            && boolean(flag).is_none()
        {
            return Err(Problem::parameter("manage_stock", "manage_stock is not of type boolean."));
        }
        let words: [(&str, &[&str]); 4] = [
            ("backorders", &["no", "notify", "yes"]),
            ("stock_status", &["instock", "outofstock", "onbackorder"]),
            ("catalog_visibility", &["visible", "catalog", "search", "hidden"]),
            ("status", &["draft", "pending", "private", "publish", "future", "trash"]),
        ];
        for (name, allowed) in words {
            if fields.get(name).is_some_and(|value| !value.as_str().is_some_and(|word| allowed.contains(&word))) {
                return Err(Problem::parameter(name, &format!("{name} is not one of {}.", allowed.join(", "))));
            }
        }
        Ok(())
    }

    /// Reads what number is to be written; none where nothing is managed (1.4, 4.4).
    fn number_to_save(
        &self,
        world: &World,
        entry: Entry,
        fields: &Map<String, Value>,
        checks: Checks,
    ) -> Option<Number> {
        // 1.4: a variation that inherits from its parent takes no number, and says nothing.
        let Managed::Own(item) = self.managed(self.here(world), entry) else { return None };
        let number = |to, by_delta| Some(Number { item, to, by_delta });
        let has_own_number = matches!(entry, Entry::Variation(_));
        match fields.get("stock_quantity") {
            // 1.3: null sets a single one to 0, and is passed over in a batch.
            Some(Value::Null) if checks == Checks::Done => return number(Some(0), false),
            // 1.3: a variation can lose its number by an empty text.
            Some(Value::String(text)) if text.is_empty() && has_own_number => return number(None, false),
            Some(Value::Null) | None => {}
            // 4.4: a delta beside an absolute number is passed over.
            Some(quantity) => return number(Some(coerced(quantity, self.decimals)), false),
        }
        let delta = fields.get("inventory_delta").filter(|delta| !delta.is_null())?;
        let before = self.quantity(self.here(world), item, &[], world.now).unwrap_or(0);
        number(Some(before + coerced(delta, self.decimals)), true)
    }

    /// 3.2: an SKU belongs to one product of the shop, its trash included or not.
    pub(super) fn refuse_taken(&self, world: &World, entry: Option<Entry>, sku: &str) -> Result<()> {
        let shop = self.here(world);
        let entries = shop.products.keys().chain(shop.variants.keys()).filter_map(|id| self.entry(shop, *id));
        let mut others = entries.filter(|other| Some(*other) != entry && !sku.is_empty());
        let same = |other: &Entry| self.sku(shop, *other).to_lowercase() == sku.to_lowercase();
        let taken = others.find(|other| same(other) && (self.since(9, 4, 0) || self.status(shop, *other) != "trash"));
        let Some(other) = taken else { return Ok(()) };
        // 6: from 9.4 on the SKU of a product in the trash is blocked, with words of its own.
        if self.status(shop, other) == "trash" && entry.is_none() {
            let words = format!("The product with SKU ({sku}) you are trying to insert is already under processing");
            return Err(Problem::new(400, "woocommerce_rest_product_not_created", &words));
        }
        let words = "Invalid or duplicated SKU.";
        let problem = Problem::new(400, "product_invalid_sku", words).with("resource_id", other.id());
        // 3.2: since 8.2 with a suggestion.
        Err(if self.since(8, 2, 0) { problem.with("unique_sku", format!("{sku}-1")) } else { problem })
    }

    fn save_sku(&mut self, world: &mut World, entry: Entry, sku: &str) -> Result<()> {
        let shop = self.here(world);
        let old = self.sku(shop, entry).to_owned();
        if old == sku {
            return Ok(());
        }
        self.refuse_taken(world, Some(entry), sku)?;
        let variant = match entry {
            Entry::Variation(id) => Some(id),
            Entry::Product(id) => sole_variant(self.here(world), id),
        };
        let now = world.now;
        match variant {
            Some(variant) => world.shop_mut(&self.shop).set_sku(variant, sku, now),
            None => drop(self.parent_skus.insert(entry.id(), sku.into())),
        }
        world.listing(Who::App, &self.shop, &old, format!("renamed to {sku}"));
        Ok(())
    }

    /// Turns stock management on or off (4.5).
    fn save_management(&mut self, world: &mut World, entry: Entry, fields: &Map<String, Value>) -> Result<()> {
        let Some(on) = fields.get("manage_stock").map(|flag| boolean(flag).unwrap_or(false)) else { return Ok(()) };
        if let Entry::Product(id) = entry {
            match self.kind(self.here(world), id) {
                "external" if on => {
                    let words = "Stock management is not possible for this product type.";
                    return Err(Problem::new(400, "product_external_invalid_manage_stock", words));
                }
                "external" | "grouped" => return Ok(()),
                _ => {}
            }
        }
        if world.shop(&self.shop).uncounted {
            return Ok(());
        }
        match (on, self.managed(self.here(world), entry)) {
            (true, Managed::Own(_)) | (false, Managed::Parent(_) | Managed::Not) => {}
            (true, _) => self.manage(world, entry),
            (false, Managed::Own(item)) => self.stop_managing(world, entry, item),
        }
        Ok(())
    }

    /// Saves status, visibility, backorders and a declared stock status.
    fn save_standing(&mut self, world: &mut World, entry: Entry, fields: &Map<String, Value>) {
        let word = |name: &str| fields.get(name).and_then(Value::as_str);
        if let Some(backorders) = word("backorders") {
            self.set_backorders(world, entry, backorders);
        }
        // 3.1: a status of a managed product has no effect: where there is a number, it is not asked.
        if let Some(status) = word("stock_status") {
            let id = entry.id();
            if status == "outofstock" {
                self.declared_out.insert(id)
            } else {
                self.declared_out.remove(&id)
            };
        }
        match entry {
            Entry::Product(id) => self.save_visibility(world, id, word("status"), word("catalog_visibility")),
            Entry::Variation(id) => {
                if let Some(status) = word("status") {
                    self.hide_variation(world, id, status != "publish");
                }
            }
        }
    }

    fn save_visibility(&mut self, world: &mut World, product: u64, status: Option<&str>, visibility: Option<&str>) {
        if status.is_none() && visibility.is_none() {
            return;
        }
        let shop = self.here(world);
        let before = (self.status(shop, Entry::Product(product)).to_owned(), self.out_of_lists(shop, product));
        let unlisted = visibility.map_or(before.1, |visibility| visibility == "hidden");
        let status = status.map_or(before.0, ToOwned::to_owned);
        if unlisted {
            self.unlisted.insert(product)
        } else {
            self.unlisted.remove(&product)
        };
        let state = Self::state_for(&status, unlisted);
        if state == State::Draft {
            self.words.insert(product, status);
        }
        let sku =
            self.here(world).products[&product].variants.first().map(|id| self.here(world).variants[id].sku.clone());
        let record = world.shop_mut(&self.shop).products.get_mut(&product).expect("it was found");
        if record.state != state {
            record.state = state;
            world.listing(Who::App, &self.shop, &sku.unwrap_or_default(), format!("{state:?}"));
        }
    }

    fn hide_variation(&mut self, world: &mut World, variation: u64, hidden: bool) {
        let shop = world.shop_mut(&self.shop);
        let all = shop.publications.keys().copied().collect();
        let Some(variant) = shop.variants.get_mut(&variation) else { return };
        variant.hidden = if hidden { all } else { std::collections::BTreeSet::new() };
        let sku = variant.sku.clone();
        world.listing(Who::App, &self.shop, &sku, if hidden { "hidden" } else { "shown" }.into());
    }

    fn set_backorders(&mut self, world: &mut World, entry: Entry, backorders: &str) {
        let shop = world.shop_mut(&self.shop);
        let variants = match entry {
            Entry::Variation(id) => vec![id],
            Entry::Product(id) => shop.products[&id].variants.clone(),
        };
        for id in variants {
            if let Some(variant) = shop.variants.get_mut(&id) {
                variant.oversells = backorders != "no";
            }
        }
        let id = entry.id();
        if backorders == "notify" {
            self.notified.insert(id)
        } else {
            self.notified.remove(&id)
        };
    }

    /// Notes that an entry was saved, changed or not (1.9); a variation that inherits is not (1.8).
    fn bump(&self, world: &mut World, entry: Entry) {
        let now = world.now;
        let inherits = matches!(self.managed(self.here(world), entry), Managed::Parent(_));
        let shop = world.shop_mut(&self.shop);
        let product = match entry {
            Entry::Product(id) => id,
            Entry::Variation(id) => {
                if inherits {
                    return;
                }
                let variant = shop.variants.get_mut(&id).expect("it was found");
                variant.stamps.push(now);
                variant.product
            }
        };
        shop.touch_product(product, now);
    }
}

/// Reads yes or no as WordPress does where it checks.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_i64().filter(|n| (0..=1).contains(n)).map(|n| n == 1),
        Value::String(text) => match text.to_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
