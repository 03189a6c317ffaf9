//! How an inventory is replaced as a whole (5), and a listing taken off or put on sale (6).
//!
//! What is sent replaces what is there when it takes effect, not what was there when it was sent: a sale in between is
//! undone by it, and so is what the seller changed meanwhile.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

use super::body::{New, Wanted, read};
use super::frame::{Answered, Call, Problem};
use super::listings::{Dead, PROFILE, PropertyValue, Row, SOLE, Standing, enabled, fresh_number};
use super::{Etsy, json_answer};
use crate::sim::{Face, Good, Step, Trouble, Who, World};

impl Etsy {
    /// Takes an inventory, and lets others act before it takes effect.
    pub(super) fn replace_inventory(
        &mut self,
        world: &mut World,
        call: &Call,
        troubles: &[Trouble],
    ) -> Result<Step, Problem> {
        refused(troubles)?;
        let product = self.known(call.ids[0], true).ok_or_else(Problem::gone)?;
        let three = call.word("max_variations_supported", &["2", "3"])? == Some("3") && self.three_variations;
        let mut wanted = read(&call.body, if three { 3 } else { 2 }, self.hidden_counts)?;
        let profile = |new: &New| new.readiness.is_none_or(|id| id == PROFILE);
        if !wanted.products.iter().all(profile) {
            return Err(Problem::unfit("Invalid readiness_state_id"));
        }
        call.against_the_schema()?;
        self.mistake(&mut wanted);
        // 5: a change at the same time; on demand, and where two writes meet.
        if self.conflicts > 0 || !self.writing.insert(product) {
            self.conflicts = self.conflicts.saturating_sub(1);
            return Err(conflict());
        }
        let (before, troubles) = (self.numbers(world, product), troubles.to_vec());
        let finish = move |face: &mut dyn Face, world: &mut World| {
            let face = me(face);
            face.catch_up(world);
            face.writing.remove(&product);
            Step::Done(match face.replace(world, product, &wanted, &before) {
                Ok(()) => face.written(world, product, &troubles),
                Err(problem) => problem.answer(),
            })
        };
        Ok(Step::Pause(self.put_time, Box::new(finish)))
    }

    /// Takes an inventory otherwise than it was sent, where it is so planned.
    fn mistake(&self, wanted: &mut Wanted) {
        wanted.products.retain(|new| !self.loses.contains(&new.sku));
        for new in &mut wanted.products {
            new.cents = self.reprices.get(&new.sku).copied().unwrap_or(new.cents);
        }
    }

    /// Tells what the groups of a listing hold, by item.
    fn numbers(&self, world: &World, product: u64) -> BTreeMap<u64, i64> {
        let shop = world.shop(&self.shop);
        let variants = self.listings[&product].rows.iter().filter_map(|row| shop.variants.get(&row.variant));
        let level = |item: u64| shop.items[&item].levels.values().map(|level| level.available).sum();
        variants.map(|variant| (variant.item, level(variant.item))).collect()
    }

    fn replace(
        &mut self,
        world: &mut World,
        product: u64,
        wanted: &Wanted,
        before: &BTreeMap<u64, i64>,
    ) -> Result<(), Problem> {
        if !self.listings.contains_key(&product) {
            return Err(Problem::gone());
        }
        if self.notices_sales && self.numbers(world, product) != *before {
            return Err(conflict());
        }
        let renumbers = world.dice.happens(self.new_numbers);
        let mut old = self.listings[&product].rows.clone();
        let matched: Vec<Option<Row>> = wanted.products.iter().map(|new| matching(&mut old, new)).collect();
        let items = self.share_out(world, wanted, &matched);
        let mut rows = Vec::new();
        for (new, row) in wanted.products.iter().zip(matched) {
            let item = items[&new.key(&wanted.varies.quantity)];
            rows.push(self.put_row(world, product, new, row, item, renumbers));
        }
        for row in old {
            self.bury(world, product, row.clone());
            world.shop_mut(&self.shop).drop_variant(row.variant);
        }
        let listing = self.listings.get_mut(&product).expect("it was there just now");
        (listing.rows, listing.varies) = (rows, wanted.varies.clone());
        let now = world.now;
        world.shop_mut(&self.shop).touch_product(product, now);
        self.put_numbers(world, wanted, &items);
        Ok(())
    }

    /// Finds the holder of each group's number: one that a product of the group had, or a new one.
    fn share_out(&self, world: &mut World, wanted: &Wanted, matched: &[Option<Row>]) -> BTreeMap<Vec<u64>, u64> {
        let (mut items, mut taken) = (BTreeMap::new(), BTreeSet::new());
        for (new, row) in wanted.products.iter().zip(matched) {
            let shop = world.shop(&self.shop);
            let item = row.as_ref().map(|row| shop.variants[&row.variant].item);
            let key = new.key(&wanted.varies.quantity);
            if let Some(item) = item.filter(|item| !items.contains_key(&key) && taken.insert(*item)) {
                items.insert(key, item);
            }
        }
        for new in &wanted.products {
            let key = new.key(&wanted.varies.quantity);
            items.entry(key).or_insert_with(|| world.add_item(&self.shop, 0));
        }
        items
    }

    /// Writes one product, which may be new, all but its number.
    fn put_row(
        &mut self,
        world: &mut World,
        product: u64,
        new: &New,
        row: Option<Row>,
        item: u64,
        renumbers: bool,
    ) -> Row {
        let now = world.now;
        let values = new.values.iter().map(|value| named(value, row.as_ref())).collect();
        let title = title_of(&new.values);
        let mut shown = if let Some(row) = &row {
            Row { values, ..row.clone() }
        } else {
            let good = Good { title: title.clone(), cents: new.cents, ..Good::new(&new.sku, 0) };
            let variant = world.add_variant(&self.shop, product, item, &good);
            Row::new(world, variant, values, false)
        };
        shown.readiness = new.readiness;
        // 5: the numbers may be others after any write.
        if let Some(row) = row.filter(|_| renumbers) {
            self.bury(world, product, row);
            (shown.product, shown.offering) = (fresh_number(world), fresh_number(world));
        }
        let shop = world.shop_mut(&self.shop);
        if shop.variants[&shown.variant].item != item {
            shop.draw_on(shown.variant, item);
        }
        let hidden = if new.enabled { BTreeSet::new() } else { shop.publications.keys().copied().collect() };
        let record = shop.variants.get_mut(&shown.variant).expect("it is there or was made");
        let (old, hides) = (record.sku.clone(), enabled(record) != new.enabled);
        (record.cents, record.title, record.hidden) = (new.cents, title, hidden);
        if old != new.sku {
            shop.set_sku(shown.variant, &new.sku, now);
            world.listing(Who::App, &self.shop, &old, format!("renamed to {}", new.sku));
        }
        if hides {
            let word = if new.enabled { "shown" } else { "hidden" };
            world.listing(Who::App, &self.shop, &new.sku, word.into());
        }
        shown
    }

    /// Keeps what a product was under numbers that it has no more.
    fn bury(&mut self, world: &World, product: u64, row: Row) {
        let variant = world.shop(&self.shop).variants.get(&row.variant);
        let (sku, cents) = variant.map_or((String::new(), 0), |variant| (variant.sku.clone(), variant.cents));
        if let Some(listing) = self.listings.get_mut(&product) {
            listing.dead.push(Dead { row, sku, cents });
        }
    }

    fn put_numbers(&self, world: &mut World, wanted: &Wanted, items: &BTreeMap<Vec<u64>, u64>) {
        for (key, item) in items {
            let new = wanted.products.iter().find(|new| new.key(&wanted.varies.quantity) == *key);
            self.put(world, *item, new.map_or(0, |new| new.quantity), Who::App);
        }
    }

    /// Writes a number into the world, if it is another one.
    fn put(&self, world: &mut World, item: u64, to: i64, who: Who) {
        let level = world.shop(&self.shop).items[&item].levels.iter().next().map(|(at, level)| (*at, level.available));
        if let Some((place, from)) = level
            && from != to
        {
            world.write(who, &self.shop, item, place, to, None);
        }
    }

    /// Changes a listing by its fields, of which its title and its state are played (6).
    pub(super) fn update_listing(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        refused(troubles)?;
        let product = self.known(call.ids[1], true).ok_or_else(Problem::gone)?;
        let fields = call.body.as_object().expect("a form is an object");
        if let Some(other) = fields.keys().find(|name| !matches!(name.as_str(), "state" | "title")) {
            return Err(Problem::unfit(&format!("Unknown parameter: {other}")));
        }
        match fields.get("state").and_then(|state| state.as_str()) {
            None => {}
            Some("active") => self.activate_listing(world, product)?,
            Some("inactive") => self.deactivate_listing(world, product)?,
            // 9: nothing else, though a word that is none was taken once.
            Some(other) => return Err(Problem::unfit(&format!("Invalid value for state: {other}"))),
        }
        if let Some(title) = fields.get("title").and_then(|title| title.as_str()) {
            let now = world.now;
            let shop = world.shop_mut(&self.shop);
            shop.products.get_mut(&product).expect("the listing is there").title = title.into();
            shop.touch_product(product, now);
        }
        Ok(json_answer(200, &self.bare(world, product)))
    }

    fn activate_listing(&mut self, world: &mut World, product: u64) -> Result<(), Problem> {
        let listing = &self.listings[&product];
        let (standing, paid) = (listing.standing(), world.now < listing.ends);
        if standing == Standing::Active {
            return Ok(());
        }
        // 6, 9: for reasons of all kinds, in Etsy's own words.
        let shop = world.shop(&self.shop);
        let mut skus = listing.rows.iter().filter_map(|row| shop.variants.get(&row.variant)).map(|one| &one.sku);
        if let Some(words) = skus.find_map(|sku| self.refused.get(sku)) {
            return Err(Problem::unfit(words));
        }
        let now = world.now;
        match standing {
            // 6: some cannot be brought back at all.
            Standing::SoldOut if self.sold_out_fails => {
                return Err(Problem::new(500, "The server encountered an internal error."));
            }
            // 6: renewed for a fee, with one unit, whatever was written before.
            Standing::SoldOut => {
                self.leave_one(world, product, Who::App);
                self.renew(world, product, now, Who::App);
            }
            _ if self.total(world, product, now) == 0 => {
                return Err(Problem::unfit("One offering must have quantity greater than 0"));
            }
            // 6: free as long as it is paid for.
            Standing::Inactive if paid => self.stand(world, product, Standing::Active, now, Who::App),
            // 6: a fee, for a draft as well, which it publishes.
            _ => self.renew(world, product, now, Who::App),
        }
        Ok(())
    }

    /// Takes a listing off. What is not on sale cannot be taken off: what is told of it else is nothing [?].
    fn deactivate_listing(&mut self, world: &mut World, product: u64) -> Result<(), Problem> {
        let now = world.now;
        match self.listings[&product].standing() {
            Standing::Inactive => Ok(()),
            Standing::Active => {
                self.stand(world, product, Standing::Inactive, now, Who::App);
                Ok(())
            }
            Standing::SoldOut if self.sold_out_hides => {
                self.stand(world, product, Standing::Inactive, now, Who::App);
                Ok(())
            }
            other => Err(Problem::unfit(&format!("A listing that is {} cannot be deactivated", other.word()))),
        }
    }

    /// Leaves one unit of the first thing that buyers are shown, and nothing else.
    pub(super) fn leave_one(&self, world: &mut World, product: u64, who: Who) {
        let shop = world.shop(&self.shop);
        let variants = self.listings[&product].rows.iter().filter_map(|row| shop.variants.get(&row.variant));
        let items: Vec<_> = variants.map(|variant| (variant.item, enabled(variant))).collect();
        let first = items.iter().find(|(_, shown)| *shown).map(|(item, _)| *item);
        for (item, _) in items {
            self.put(world, item, i64::from(Some(item) == first), who);
        }
    }
}

/// Takes the product that bears these values out of those that were there.
fn matching(old: &mut Vec<Row>, new: &New) -> Option<Row> {
    let key = |values: &[PropertyValue]| values.iter().map(|value| (value.property, value.id)).collect::<BTreeSet<_>>();
    let at = old.iter().position(|row| key(&row.values) == key(&new.values))?;
    Some(old.remove(at))
}

/// Puts the name of its scale to a value, which is never sent.
fn named(value: &PropertyValue, row: Option<&Row>) -> PropertyValue {
    let known = row.and_then(|row| row.values.iter().find(|known| known.property == value.property));
    let scale = value.scale.as_ref().map(|(id, _)| {
        let name = known.and_then(|known| known.scale.as_ref()).filter(|(known, _)| known == id);
        (*id, name.map_or_else(String::new, |(_, name)| name.clone()))
    });
    PropertyValue { scale, ..value.clone() }
}

/// Returns what the world calls a variant.
pub(super) fn title_of(values: &[PropertyValue]) -> String {
    let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
    if texts.is_empty() { SOLE.into() } else { texts.join(" / ") }
}

fn conflict() -> Problem {
    Problem::new(409, "The listing was changed at the same time.")
}

/// Refuses what is to be written, where it is so planned.
fn refused(troubles: &[Trouble]) -> Result<(), Problem> {
    let word = troubles.iter().find_map(|trouble| match trouble {
        Trouble::Refuse(word) => Some(*word),
        _ => None,
    });
    word.map_or(Ok(()), |word| Err(Problem::unfit(word)))
}

fn me(face: &mut dyn Face) -> &mut Etsy {
    let any: &mut dyn Any = face;
    any.downcast_mut().expect("a face goes on with its own work")
}
