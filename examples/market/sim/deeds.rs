//! What buyers, owners and other programs do in the world.
//!
//! A sale lowers what the shop itself can sell at once, and is refused where a real shop would refuse it. Everything is
//! entered into the log of [`truth`](super::truth).

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::sales::{Line, Order, Refund, RefundLine};
use super::shelf::{Level, State};
use super::stamps::Stamps;
use super::truth::{Deed, Who};
use super::world::{Job, World};

/// Why a buyer went away without the goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// There are not enough.
    #[error("it is sold out")]
    SoldOut,
    /// It is not on sale: draft, archived, taken out of sight, not there at all.
    #[error("it is not on sale")]
    NotForSale,
}

impl World {
    /// Sells several SKUs in one order; all of them or none.
    pub fn buy(&mut self, shop: &str, basket: &[(&str, i64)]) -> Result<u64, Turned> {
        let mut wanted = Vec::new();
        for (sku, units) in basket {
            let variant =
                self.shop(shop).variants_of(sku).find(|v| self.on_sale(shop, *v)).ok_or(Turned::NotForSale)?;
            let item = self.shop(shop).variants[&variant].item;
            let before: i64 = wanted.iter().filter(|(_, of, _)| *of == item).map(|(_, _, units)| units).sum();
            if !self.enough(shop, variant, before + *units) {
                self.tell(shop, Deed::TurnedAway { sku: (*sku).into(), units: *units });
                return Err(Turned::SoldOut);
            }
            wanted.push((variant, item, *units));
        }
        let id = self.open_order(shop);
        for (variant, _, units) in wanted {
            self.sell_line(shop, id, variant, units);
        }
        Ok(id)
    }

    /// Adds units of another SKU to an order, as an owner who edits it.
    pub fn add_to_order(&mut self, shop: &str, order: u64, sku: &str, units: i64) {
        let variant = self.shop(shop).variant_of(sku);
        self.sell_line(shop, order, variant, units);
        self.order_mut(shop, order).edited = true;
        self.touch_order(shop, order);
    }

    /// Takes units out of a line that were not sent yet, as an owner who edits the order.
    pub fn remove_units(&mut self, shop: &str, order: u64, line: usize, units: i64, restock: bool) {
        let (line, sku) = self.line(shop, order, line);
        let record = self.line_mut(shop, order, line);
        record.removed += units;
        let place = record.from.first().map(|(at, _)| *at);
        self.unreserve(shop, order, line, units, restock.then_some(place).flatten());
        self.order_mut(shop, order).edited = true;
        self.touch_order(shop, order);
        self.tell(shop, Deed::Removed { order, line, sku, units, restocked: restock });
    }

    /// Cancels an order as a whole. The units that were not sent come back after the shop's delay, if they do.
    pub fn cancel(&mut self, shop: &str, order: u64, restock: bool, out_of_stock: bool) {
        let now = self.now;
        let due = now + self.shop(shop).restock_delay;
        let record = self.order_mut(shop, order);
        record.cancelled = Some(now);
        record.out_of_stock = out_of_stock;
        self.touch_order(shop, order);
        self.jobs.push(Job { due, shop: shop.into(), order, restock });
        self.run_jobs(now);
    }

    /// Takes back units of a line: those not yet sent are cancelled, sent ones returned.
    pub fn take_back(&mut self, shop: &str, order: u64, line: usize, units: i64, restock: bool) {
        let (line, _) = self.line(shop, order, line);
        self.refund(shop, order, &[(line, units)], restock);
    }

    /// Sends all that was not sent yet.
    pub fn ship(&mut self, shop: &str, order: u64) {
        let record = &self.shop(shop).orders[&order];
        let open: Vec<_> = record.lines.iter().map(|line| (line.id, line.unsent(record))).filter(|l| l.1 > 0).collect();
        for (line, units) in open {
            let record = self.line_mut(shop, order, line);
            record.shipped += units;
            let sku = record.sku.clone();
            self.uncommit(shop, order, line, units);
            self.tell(shop, Deed::Shipped { order, line, sku, units });
        }
        self.touch_order(shop, order);
    }

    /// Writes a number into the first location of an SKU.
    pub fn set_units(&mut self, who: Who, shop: &str, sku: &str, units: i64) {
        let item = self.shop(shop).item_of(sku);
        if let Some(location) = self.shop(shop).items[&item].levels.keys().next().copied() {
            self.write(who, shop, item, location, units, None);
        }
    }

    /// Changes the number at the first location of an SKU.
    pub fn adjust_units(&mut self, who: Who, shop: &str, sku: &str, delta: i64) {
        let item = self.shop(shop).item_of(sku);
        if let Some(location) = self.shop(shop).items[&item].levels.keys().next().copied() {
            self.adjust(who, shop, item, location, delta, None);
        }
    }

    /// Writes a number at a location.
    pub fn write(&mut self, who: Who, shop: &str, item: u64, location: u64, to: i64, key: Option<&str>) {
        let from = self.move_units(shop, item, location, |from| to - from);
        let sku = self.sku_of(shop, item);
        self.tell(shop, Deed::Wrote { who, sku, location, from, to, key: key.map(Into::into) });
    }

    /// Changes the number at a location.
    pub fn adjust(&mut self, who: Who, shop: &str, item: u64, location: u64, delta: i64, key: Option<&str>) {
        self.move_units(shop, item, location, |_| delta);
        let sku = self.sku_of(shop, item);
        self.tell(shop, Deed::Adjusted { who, sku, location, delta, key: key.map(Into::into) });
    }

    /// Stocks an item at a location, with units if it is told how many; a place that had it keeps what it had.
    pub fn activate(&mut self, shop: &str, item: u64, location: u64, units: Option<i64>) {
        let before = self.move_units(shop, item, location, |from| units.map_or(0, |units| units - from));
        let record = self.shop_mut(shop).items.get_mut(&item).expect("the item is there");
        record.levels.get_mut(&location).expect("it was stocked just now").active = true;
        let sku = self.sku_of(shop, item);
        if let Some(to) = units {
            self.tell(shop, Deed::Wrote { who: Who::App, sku: sku.clone(), location, from: before, to, key: None });
        }
        self.listing(Who::App, shop, &sku, "activated".into());
    }

    /// Touches the order that rested longest and some level, as somebody does while a list is read.
    pub fn drift(&mut self, shop: &str) {
        let now = self.now;
        let items = self.shop(shop).items.len();
        let item = self.dice.below(items);
        let stand = self.shop_mut(shop);
        if let Some(order) = stand.orders.values_mut().min_by_key(|order| order.stamps.last()) {
            order.stamps.push(now);
        }
        if let Some(level) = stand.items.values_mut().nth(item).and_then(|item| item.levels.values_mut().next()) {
            level.change(0, 0, now);
        }
    }

    /// Gives an SKU another name.
    pub fn rename_sku(&mut self, shop: &str, sku: &str, new: &str) {
        let now = self.now;
        let variant = self.shop(shop).variant_of(sku);
        self.shop_mut(shop).set_sku(variant, new, now);
        self.listing(Who::Owner, shop, sku, format!("renamed to {new}"));
    }

    /// Puts the product of an SKU on sale, or takes it off.
    pub fn set_state(&mut self, who: Who, shop: &str, sku: &str, state: State) {
        let now = self.now;
        let product = self.product_of(shop, sku);
        if let Some(record) = self.shop_mut(shop).products.get_mut(&product) {
            record.state = state;
            record.stamps.push(now);
        }
        self.listing(who, shop, sku, format!("{state:?}"));
    }

    /// Takes the product of an SKU out of the shop for good.
    pub fn delete(&mut self, shop: &str, sku: &str) {
        let product = self.product_of(shop, sku);
        self.shop_mut(shop).drop_product(product);
        self.listing(Who::Owner, shop, sku, "deleted".into());
    }

    /// Takes a variant out of every publication, or puts it back.
    pub fn hide(&mut self, shop: &str, sku: &str, hidden: bool) {
        let now = self.now;
        let stand = self.shop_mut(shop);
        let id = stand.variant_of(sku);
        let all = stand.publications.keys().copied().collect();
        if let Some(variant) = stand.variants.get_mut(&id) {
            variant.hidden = if hidden { all } else { BTreeSet::new() };
            variant.stamps.push(now);
        }
        self.listing(Who::Owner, shop, sku, if hidden { "hidden" } else { "shown" }.into());
    }

    /// Switches the counting of an SKU's stock on or off.
    pub fn set_tracked(&mut self, shop: &str, sku: &str, tracked: bool) {
        let now = self.now;
        let item = self.shop(shop).item_of(sku);
        if let Some(record) = self.shop_mut(shop).items.get_mut(&item) {
            record.tracked = tracked;
            record.stamps.push(now);
        }
        self.listing(Who::Owner, shop, sku, if tracked { "tracked" } else { "untracked" }.into());
    }

    /// Lets an SKU be sold below zero, or not.
    pub fn set_oversells(&mut self, shop: &str, sku: &str, oversells: bool) {
        let now = self.now;
        let stand = self.shop_mut(shop);
        let id = stand.variant_of(sku);
        if let Some(variant) = stand.variants.get_mut(&id) {
            variant.oversells = oversells;
            variant.stamps.push(now);
        }
        self.listing(Who::Owner, shop, sku, if oversells { "sold below zero" } else { "not below zero" }.into());
    }

    /// Does what was begun earlier and is due.
    pub(super) fn run_jobs(&mut self, until: Timestamp) {
        self.jobs.sort_by_key(|job| job.due);
        let later = self.jobs.split_off(self.jobs.partition_point(|job| job.due <= until));
        for job in std::mem::replace(&mut self.jobs, later) {
            self.now = self.now.max(job.due);
            let record = &self.shop(&job.shop).orders[&job.order];
            let open: Vec<_> = record.lines.iter().map(|l| (l.id, l.unsent(record))).filter(|l| l.1 > 0).collect();
            self.refund(&job.shop, job.order, &open, job.restock);
        }
    }

    pub(super) fn on_sale(&self, shop: &str, variant: u64) -> bool {
        let shop = self.shop(shop);
        let variant = &shop.variants[&variant];
        let product = &shop.products[&variant.product];
        let somewhere = |hidden: &BTreeSet<u64>| {
            shop.publications.is_empty() || shop.publications.keys().any(|p| !hidden.contains(p))
        };
        let open = matches!(product.state, State::Live | State::Unlisted);
        open && somewhere(&product.hidden) && somewhere(&variant.hidden)
    }

    pub(super) fn enough(&self, shop: &str, variant: u64, units: i64) -> bool {
        let shop = self.shop(shop);
        let record = &shop.variants[&variant];
        !shop.counts(record.item) || record.oversells || shop.sellable(record.item) >= units
    }

    /// Opens an order without lines.
    pub(super) fn open_order(&mut self, shop: &str) -> u64 {
        let id = self.id();
        let order = Order {
            number: format!("#{}", self.shop(shop).orders.len() + 1001),
            placed: self.now,
            listed: None,
            cancelled: None,
            out_of_stock: false,
            paid: true,
            test: false,
            edited: false,
            origin: None,
            elsewhere: None,
            lines: Vec::new(),
            refunds: Vec::new(),
            stamps: Stamps::new(self.now),
        };
        self.shop_mut(shop).orders.insert(id, order);
        id
    }

    fn sell_line(&mut self, shop: &str, order: u64, variant: u64, units: i64) {
        let line = self.add_line(shop, order, variant, units);
        self.take_off(shop, order, line, units);
    }

    /// Adds a line to an order, and takes nothing off the shelf for it.
    pub(super) fn add_line(&mut self, shop: &str, order: u64, variant: u64, units: i64) -> u64 {
        let id = self.id();
        let sku = self.shop(shop).variants[&variant].sku.clone();
        let line = Line { id, variant: Some(variant), sku, units, removed: 0, shipped: 0, held: 0, from: Vec::new() };
        self.order_mut(shop, order).lines.push(line);
        id
    }

    /// Takes units of a line off the shelf: now they are sold.
    pub(super) fn take_off(&mut self, shop: &str, order: u64, line: u64, units: i64) {
        let now = self.now;
        let record = self.line_mut(shop, order, line);
        let (variant, sku) = (record.variant, record.sku.clone());
        let stand = self.shop_mut(shop);
        let Some(record) = variant.and_then(|id| stand.variants.get_mut(&id)) else { return };
        record.sold += units;
        let (item, product) = (record.item, record.product);
        let counted = stand.counts(item);
        let below_zero = if counted { (units - stand.sellable(item).max(0)).max(0) } else { 0 };
        if counted {
            let from = self.reserve(shop, item, units);
            self.shop_mut(shop).touch_product(product, now);
            let record = self.line_mut(shop, order, line);
            record.held += from.iter().map(|(_, part)| part).sum::<i64>();
            record.from.extend(from);
        }
        self.tell(shop, Deed::Sold { order, line, sku, units, below_zero });
    }

    /// Takes sold units off the locations: the first that has enough, else as much as each has, the rest off the first.
    fn reserve(&mut self, shop: &str, item: u64, units: i64) -> Vec<(u64, i64)> {
        let now = self.now;
        let places = self.shop(shop).sells_from(item);
        let stand = self.shop_mut(shop);
        let Some(levels) = stand.items.get_mut(&item).map(|item| &mut item.levels) else { return Vec::new() };
        let mut taken: Vec<(u64, i64)> = Vec::new();
        if let Some(one) = places.iter().find(|at| levels[at].available >= units) {
            taken.push((*one, units));
        } else {
            let mut rest = units;
            for at in &places {
                let part = levels[at].available.clamp(0, rest);
                taken.push((*at, part));
                rest -= part;
            }
            if let Some(first) = taken.first_mut() {
                first.1 += rest;
            }
        }
        taken.retain(|(_, part)| *part > 0);
        for (at, part) in &taken {
            levels.get_mut(at).expect("it is one of its places").change(-part, *part, now);
        }
        taken
    }

    /// Takes back units of lines, in one refund.
    pub(super) fn refund(&mut self, shop: &str, order: u64, lines: &[(u64, i64)], restock: bool) {
        let mut back = Vec::new();
        for (line, units) in lines {
            let record = &self.shop(shop).orders[&order];
            let sold = record.lines.iter().find(|l| l.id == *line).expect("the line is there");
            let (sku, place) = (sold.sku.clone(), sold.from.first().map(|(at, _)| *at));
            let unsent = sold.unsent(record).min(*units);
            let to = restock.then_some(place).flatten();
            for (part, sent) in [(unsent, false), (units - unsent, true)] {
                if part == 0 {
                    continue;
                }
                if sent {
                    self.give_back(shop, order, *line, part, to);
                } else {
                    self.unreserve(shop, order, *line, part, to);
                }
                let (line, units, sku, restocked) = (*line, part, sku.clone(), to.is_some());
                back.push(RefundLine { id: self.id(), line, units, sent, to });
                self.tell(
                    shop,
                    if sent {
                        Deed::Returned { order, line, sku, units, restocked }
                    } else {
                        Deed::Cancelled { order, line, sku, units, restocked }
                    },
                );
            }
        }
        if back.is_empty() {
            return;
        }
        let refund = Refund { id: self.id(), at: self.now, lines: back };
        self.order_mut(shop, order).refunds.push(refund);
        self.touch_order(shop, order);
    }

    /// Takes units that were not sent off what is committed, and puts them back if they are to be.
    pub(super) fn unreserve(&mut self, shop: &str, order: u64, line: u64, units: i64, to: Option<u64>) {
        self.uncommit(shop, order, line, units);
        self.give_back(shop, order, line, units, to);
    }

    fn uncommit(&mut self, shop: &str, order: u64, line: u64, units: i64) {
        let now = self.now;
        let Some((item, from)) = self.whence(shop, order, line) else { return };
        let Some(item) = self.shop_mut(shop).items.get_mut(&item) else { return };
        let mut rest = units;
        for (at, _) in from {
            if let Some(level) = item.levels.get_mut(&at) {
                let part = rest.min(level.committed);
                level.change(0, -part, now);
                rest -= part;
            }
        }
    }

    fn give_back(&mut self, shop: &str, order: u64, line: u64, units: i64, to: Option<u64>) {
        let now = self.now;
        let (Some(to), Some((item, _))) = (to, self.whence(shop, order, line)) else { return };
        let level = self.shop_mut(shop).items.get_mut(&item).and_then(|item| item.levels.get_mut(&to));
        if let Some(level) = level {
            level.change(units, 0, now);
        }
        self.line_mut(shop, order, line).held -= units;
    }

    fn whence(&self, shop: &str, order: u64, line: u64) -> Option<(u64, Vec<(u64, i64)>)> {
        let shop = self.shop(shop);
        let line = shop.orders[&order].lines.iter().find(|l| l.id == line)?;
        let item = shop.variants.get(&line.variant?)?.item;
        Some((item, line.from.clone()))
    }

    fn move_units(&mut self, shop: &str, item: u64, location: u64, delta: impl Fn(i64) -> i64) -> i64 {
        let now = self.now;
        let fresh = self.id();
        let record = self.shop_mut(shop).items.get_mut(&item).expect("the item is there");
        let level = record.levels.entry(location).or_insert_with(|| {
            let mut level = Level::new(fresh, 0, now);
            level.active = false;
            level
        });
        let from = level.available;
        level.change(delta(from), 0, now);
        from
    }

    /// Returns the SKU of the first variant that draws on an item.
    pub fn sku_of(&self, shop: &str, item: u64) -> String {
        self.shop(shop).sku_on(item)
    }

    fn product_of(&self, shop: &str, sku: &str) -> u64 {
        let shop = self.shop(shop);
        shop.variants[&shop.variant_of(sku)].product
    }

    /// Enters a change of a listing into the log.
    pub(super) fn listing(&mut self, who: Who, shop: &str, sku: &str, what: String) {
        self.tell(shop, Deed::Listing { who, sku: sku.into(), what });
    }

    pub(super) fn order_mut(&mut self, shop: &str, order: u64) -> &mut Order {
        self.shop_mut(shop).orders.get_mut(&order).expect("the order is there")
    }

    fn line(&self, shop: &str, order: u64, line: usize) -> (u64, String) {
        let line = &self.shop(shop).orders[&order].lines[line];
        (line.id, line.sku.clone())
    }

    pub(super) fn line_mut(&mut self, shop: &str, order: u64, line: u64) -> &mut Line {
        let lines = &mut self.order_mut(shop, order).lines;
        lines.iter_mut().find(|record| record.id == line).expect("the line is there")
    }

    pub(super) fn touch_order(&mut self, shop: &str, order: u64) {
        let now = self.now;
        self.order_mut(shop, order).stamps.push(now);
    }
}
