//! What becomes of listings while nobody calls (6): the last unit is bought, owners take listings off and renew them, four
//! months run out. The log of what happened is read before every call.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::listings::{PERIOD, PropertyValue, Standing, key, standing_of};
use super::{Etsy, Fee};
use crate::sim::truth::Deed;
use crate::sim::{Who, World};

/// What it costs to list or renew, in cents of a US dollar (6).
const FEE: i64 = 20;

/// What a line was sold from, as it was then.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The product of the world that the listing is.
    pub product: u64,
    /// The number of the product at Etsy.
    pub number: u64,
    pub values: Vec<PropertyValue>,
    pub digital: bool,
    pub title: String,
    pub cents: i64,
}

impl Etsy {
    /// Reads the log from where it was left, and lets the time tell.
    pub(super) fn catch_up(&mut self, world: &mut World) {
        self.list_what_is_new(world);
        let mut changed = false;
        while let Some(event) = world.events.get(self.read).cloned() {
            self.read += 1;
            if event.shop != self.shop {
                continue;
            }
            match event.deed {
                Deed::Sold { order, line, .. } => self.note_sale(world, event.at, order, line),
                Deed::Wrote { who, sku, .. } | Deed::Adjusted { who, sku, .. } if who != Who::App => {
                    self.note_number(world, event.at, &sku, who);
                }
                Deed::Listing { who, sku, what } => {
                    changed |= who != Who::App;
                    if who == Who::Owner && what == "Live" {
                        self.products_with(world, &sku).into_iter().for_each(|id| self.reactivate(world, id, who));
                    }
                }
                _ => {}
            }
        }
        if changed {
            self.follow_owner(world);
        }
        self.let_months_pass(world);
        self.let_payments_clear(world);
    }

    fn note_sale(&mut self, world: &mut World, at: Timestamp, order: u64, line: u64) {
        self.note_payment(world, order, at);
        let shop = world.shop(&self.shop);
        let lines = shop.orders.get(&order).map_or(&[][..], |order| &order.lines);
        let variant = lines.iter().find(|known| known.id == line).and_then(|line| line.variant);
        let Some((id, variant)) = variant.and_then(|id| Some((id, shop.variants.get(&id)?))) else { return };
        let product = variant.product;
        let Some(listing) = self.listings.get(&product) else { return };
        let row = listing.rows.iter().find(|row| row.variant == id);
        if let Some(row) = row {
            let title = shop.products[&product].title.clone();
            let (values, digital) = (row.values.clone(), listing.digital);
            let home = Home { product, number: row.product, values, digital, title, cents: variant.cents };
            self.homes.insert(line, home);
        }
        // 7: a sale lowers the number at once, and the last one ends the listing.
        self.end_what_is_empty(world, product, at, Who::OtherApp);
    }

    fn end_what_is_empty(&mut self, world: &mut World, product: u64, at: Timestamp, who: Who) {
        if self.listings[&product].standing() == Standing::Active && self.total(world, product, at) == 0 {
            self.stand(world, product, Standing::SoldOut, at, who);
        }
    }

    fn products_with(&self, world: &World, sku: &str) -> Vec<u64> {
        let shop = world.shop(&self.shop);
        let products = shop.variants_of(sku).map(|id| shop.variants[&id].product);
        products.filter(|product| self.listings.contains_key(product)).collect()
    }

    /// Follows a number that was written past this interface.
    fn note_number(&mut self, world: &mut World, at: Timestamp, sku: &str, who: Who) {
        for product in self.products_with(world, sku) {
            let sold_out = self.listings[&product].standing() == Standing::SoldOut;
            // An owner who writes a number into what is sold out is asked to renew it first; some apps do it by themselves.
            let renews = who == Who::Owner || (who == Who::OtherApp && self.apps_renew);
            if sold_out && renews && self.total(world, product, at) > 0 {
                self.renew(world, product, at, Who::Owner);
            }
            self.end_what_is_empty(world, product, at, who);
        }
    }

    /// Follows an owner who put listings on sale or took them off.
    fn follow_owner(&mut self, world: &mut World) {
        // Etsy counts everything.
        let shop = world.shop_mut(&self.shop);
        shop.items.values_mut().for_each(|item| item.tracked = true);
        let now = world.now;
        let products = &world.shop(&self.shop).products;
        let differs = |(id, listing): (&u64, &super::listings::Listing)| {
            let record = &products[id];
            (listing.standing().state() != standing_of(record).state()).then(|| (*id, standing_of(record)))
        };
        let differing: Vec<_> = self.listings.iter().filter_map(differs).collect();
        for (product, standing) in differing {
            match standing {
                Standing::Active => self.reactivate(world, product, Who::Owner),
                _ => self.stand(world, product, standing, now, Who::Owner),
            }
        }
        self.let_fields_vary(world);
    }

    /// Lets SKU and price depend on every property where an owner made them differ (3).
    fn let_fields_vary(&mut self, world: &World) {
        let variants = &world.shop(&self.shop).variants;
        for listing in self.listings.values_mut().filter(|listing| listing.rows.len() > 1) {
            let all: Vec<u64> = listing.properties().map(|value| value.property).collect();
            let agree = |on: &[u64], same: &dyn Fn(u64, u64) -> bool| {
                let mut first = BTreeMap::new();
                listing
                    .rows
                    .iter()
                    .all(|row| same(*first.entry(key(&row.values, on)).or_insert(row.variant), row.variant))
            };
            let sku = agree(&listing.varies.sku, &|one, other| variants[&one].sku == variants[&other].sku);
            let price = agree(&listing.varies.price, &|one, other| variants[&one].cents == variants[&other].cents);
            if !sku {
                listing.varies.sku.clone_from(&all);
            }
            if !price {
                listing.varies.price = all;
            }
        }
    }

    /// Puts a listing on sale by hand: for a fee where it is not paid for, and with one unit where it has none (6).
    pub(super) fn reactivate(&mut self, world: &mut World, product: u64, who: Who) {
        let now = world.now;
        let listing = &self.listings[&product];
        let (standing, paid) = (listing.standing(), now < listing.ends);
        if standing == Standing::Active {
            return;
        }
        if self.total(world, product, now) == 0 {
            self.leave_one(world, product, who);
        }
        match standing {
            Standing::Inactive if paid => self.stand(world, product, Standing::Active, now, who),
            _ => self.renew(world, product, now, who),
        }
    }

    fn let_months_pass(&mut self, world: &mut World) {
        let now = world.now;
        let over: Vec<u64> = self.listings.iter().filter(|(_, one)| one.ends <= now).map(|(id, _)| *id).collect();
        for product in over {
            let listing = &self.listings[&product];
            let at = listing.ends;
            match listing.standing() {
                Standing::Active if listing.renews => self.renew(world, product, at, Who::Owner),
                Standing::Active => self.stand(world, product, Standing::Expired, at, Who::OtherApp),
                // 6: it can be activated for a fee; under which word it rests meanwhile is not told [?].
                Standing::Inactive if self.idle_expires => {
                    self.stand(world, product, Standing::Expired, at, Who::OtherApp);
                }
                _ => {}
            }
        }
    }

    /// Lists something anew for four months, for a fee.
    pub(super) fn renew(&mut self, world: &mut World, product: u64, at: Timestamp, who: Who) {
        let Some(listing) = self.listings.get_mut(&product) else { return };
        (listing.listed, listing.ends) = (at, at + PERIOD);
        self.fees.push(Fee { at, listing: super::listings::listing_id(product), who, cents: FEE });
        self.stand(world, product, Standing::Active, at, who);
    }

    /// Lets what was listed longest ago be renewed while a list is read, so that it moves to its front.
    pub(super) fn drift(&mut self, world: &mut World) {
        world.drift(&self.shop);
        let now = world.now;
        let active = self.listings.iter().filter(|(_, listing)| listing.standing() == Standing::Active);
        let oldest = active.min_by_key(|(id, listing)| (listing.listed, **id)).map(|(id, _)| *id);
        if let Some(oldest) = oldest {
            self.renew(world, oldest, now, Who::Owner);
        }
    }
}
