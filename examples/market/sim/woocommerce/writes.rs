//! Single writes (4.1), the creation of products, and who holds a stock after management was turned on or off.

use serde_json::Value;

use super::catalog::{Entry, Managed, sole_variant, variations};
use super::params::{Params, only};
use super::save::{Checks, Save};
use super::{Answer, Call, Problem, Result, WooCommerce, json_answer, planned};
use crate::sim::{Face, Good, State, Step, Trouble, Who, World};

impl WooCommerce {
    pub(super) fn update_product(
        &mut self,
        world: &mut World,
        call: &Call,
        id: u64,
        troubles: &[Trouble],
    ) -> Result<Step> {
        let entry = match self.find(self.here(world), id, 400)? {
            entry @ Entry::Product(_) => entry,
            // 8: a variation is not written here.
            Entry::Variation(_) => return Err(wrong_route()),
        };
        self.update(world, call, entry, troubles)
    }

    pub(super) fn update_variation(
        &mut self,
        world: &mut World,
        call: &Call,
        parent: u64,
        id: u64,
        troubles: &[Trouble],
    ) -> Result<Step> {
        let entry = self.variation_in(self.here(world), parent, id).map_err(|problem| {
            // 8: up to 8.x in other words.
            let words = "Sorry, you are not allowed to edit this resource.";
            if self.since(9, 0, 0) { problem } else { Problem::new(403, "woocommerce_rest_cannot_edit", words) }
        })?;
        self.update(world, call, entry, troubles)
    }

    fn update(&mut self, world: &mut World, call: &Call, entry: Entry, troubles: &[Trouble]) -> Result<Step> {
        planned(troubles)?;
        let save = self.begin_save(world, entry, call.params.all(), Checks::Done)?;
        let (fields, troubles) = (call.params.fields(), troubles.to_vec());
        Ok(self.go_on(save, move |face, world, save| {
            let shown = face.echo(world, save.entry, &troubles);
            Step::Done(json_answer(200, &only(shown, fields.as_deref(), true)))
        }))
    }

    /// Brings a save to its end, with other requests in between, and goes on.
    pub(super) fn go_on(
        &self,
        save: Save,
        then: impl FnOnce(&mut Self, &mut World, Save) -> Step + Send + 'static,
    ) -> Step {
        let half = self.save_time / 2;
        Step::Pause(
            half,
            Box::new(move |face, world| {
                let face = me(face);
                if let Err(died) = face.save_meta(world, &save) {
                    return Step::Done(died.answer());
                }
                let finish = move |face: &mut dyn Face, world: &mut World| {
                    let face = me(face);
                    face.save_number(world, &save);
                    then(face, world, save)
                };
                Step::Pause(half, Box::new(finish))
            }),
        )
    }

    /// Shows what was saved.
    pub(super) fn echo(&self, world: &World, entry: Entry, troubles: &[Trouble]) -> Value {
        self.of_its_time(entry, self.show(world, entry, troubles))
    }

    /// Takes out of a variation what its own routes did not show in old versions.
    pub(super) fn of_its_time(&self, entry: Entry, mut shown: Value) -> Value {
        if let (Entry::Variation(_), false, Some(fields)) = (entry, self.since(8, 0, 0), shown.as_object_mut()) {
            fields.retain(|name, _| !matches!(name.as_str(), "type" | "parent_id" | "name"));
        }
        shown
    }

    pub(super) fn create_product(&mut self, world: &mut World, call: &Call) -> Result<Answer> {
        let made = self.create(world, &call.params)?;
        Ok(Answer { status: http::StatusCode::CREATED, ..self.single(world, call, made, &[]) })
    }

    /// Makes a simple product, managed or not.
    pub(super) fn create(&mut self, world: &mut World, params: &Params) -> Result<Entry> {
        let sku = params.text("sku").unwrap_or_default().trim().to_owned();
        self.refuse_taken(world, None, &sku)?;
        let title = params.text("name").unwrap_or_else(|| "Product".into());
        let id = world.add_product(&self.shop, &title, &[Good { title: "Default Title".into(), ..Good::new(&sku, 0) }]);
        let entry = Entry::Product(id);
        let shop = world.shop_mut(&self.shop);
        let item = sole_variant(shop, id).map(|variant| shop.variants[&variant].item);
        shop.items.get_mut(&item.expect("it was made")).expect("it was made").tracked = false;
        let save = self.begin_save(world, entry, params.all(), Checks::Done)?;
        self.save_number(world, &save);
        Ok(entry)
    }

    /// Turns management on: the entry gets a stock of its own, with no number yet (4.5).
    pub(super) fn manage(&mut self, world: &mut World, entry: Entry) {
        let shop = self.here(world);
        let item = match entry {
            Entry::Product(id) => match sole_variant(shop, id) {
                Some(variant) => shop.variants[&variant].item,
                None => self.pool_of(world, id),
            },
            Entry::Variation(id) => {
                let inherits = matches!(self.managed(shop, entry), Managed::Parent(_));
                if inherits {
                    let item = world.add_item(&self.shop, 0);
                    world.shop_mut(&self.shop).draw_on(id, item);
                    item
                } else {
                    shop.variants[&id].item
                }
            }
        };
        world.shop_mut(&self.shop).items.get_mut(&item).expect("it is held").tracked = true;
        self.unnumbered.insert(item);
        let sku = self.sku(self.here(world), entry).to_owned();
        world.listing(Who::App, &self.shop, &sku, "tracked".into());
    }

    /// Makes a variable product hold a stock, for all its variations that have none of their own.
    fn pool_of(&mut self, world: &mut World, product: u64) -> u64 {
        let item = self.pools.get(&product).copied().unwrap_or_else(|| world.add_item(&self.shop, 0));
        self.pools.insert(product, item);
        for id in variations(self.here(world), product) {
            if self.managed(self.here(world), Entry::Variation(id)) == Managed::Not {
                world.shop_mut(&self.shop).draw_on(id, item);
            }
        }
        item
    }

    /// Turns management off, which takes the number away (4.5). A variation then inherits, if there is what to inherit.
    pub(super) fn stop_managing(&mut self, world: &mut World, entry: Entry, item: u64) {
        let at = self.here(world).items[&item].levels.keys().next().copied();
        if let Some(at) = at.filter(|_| !self.unnumbered.contains(&item)) {
            world.write(Who::App, &self.shop, item, at, 0, None);
        }
        self.unnumbered.insert(item);
        self.thousandths.remove(&item);
        let sku = self.sku(self.here(world), entry).to_owned();
        let pool = match entry {
            Entry::Variation(id) => {
                self.pools.get(&self.here(world).variants[&id].product).copied().map(|pool| (id, pool))
            }
            Entry::Product(_) => None,
        };
        let shop = world.shop_mut(&self.shop);
        match pool.filter(|(_, pool)| shop.counts(*pool)) {
            Some((variation, pool)) => shop.draw_on(variation, pool),
            None => shop.items.get_mut(&item).expect("it is held").tracked = false,
        }
        world.listing(Who::App, &self.shop, &sku, "untracked".into());
    }

    /// Puts a variation under another product, and destroys the catalogue (1.5). What it inherited stays behind.
    pub(super) fn move_to_parent(&mut self, world: &mut World, variation: u64, parent: u64) {
        let entry = Entry::Variation(variation);
        let inherits = matches!(self.managed(self.here(world), entry), Managed::Parent(_));
        let product = match self.entry(self.here(world), parent) {
            Some(Entry::Product(id)) => id,
            _ => *self.orphanage.get_or_insert_with(|| {
                let id = world.add_product(&self.shop, "AUTO-DRAFT", &[]);
                let record = world.shop_mut(&self.shop).products.get_mut(&id);
                record.expect("it was made").state = State::Draft;
                id
            }),
        };
        if inherits {
            let fresh = world.add_item(&self.shop, 0);
            let item = self.pools.get(&product).copied().unwrap_or(fresh);
            let shop = world.shop_mut(&self.shop);
            shop.items.get_mut(&fresh).expect("it was made").tracked = false;
            shop.draw_on(variation, item);
        }
        let now = world.now;
        let shop = world.shop_mut(&self.shop);
        shop.touch_product(shop.variants[&variation].product, now);
        shop.move_variant(variation, product);
        shop.touch_product(product, now);
        let sku = shop.variants[&variation].sku.clone();
        world.listing(Who::App, &self.shop, &sku, format!("moved to product {parent}"));
    }
}

/// Refuses a variation on a route of products (4.1, 8).
pub(super) fn wrong_route() -> Problem {
    let words = "To manipulate product variations you should use the /products/<product_id>/variations/<id> endpoint.";
    Problem::new(404, "woocommerce_rest_invalid_product_id", words)
}

/// Finds this face again after a pause.
pub(super) fn me(face: &mut dyn Face) -> &mut WooCommerce {
    let any: &mut dyn std::any::Any = face;
    any.downcast_mut().expect("a face goes on with its own work")
}
