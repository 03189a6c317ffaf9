//! What Etsy shows of listings (4): the lists of a shop by state, those named by number, and the inventory of each.
//!
//! Lists by state trail behind the records by the shop's lag, in their numbers too; what is named by its number never does.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::frame::{Answered, Call, Problem};
use super::listings::{Dead, Listing, PropertyValue, Row, Standing, enabled, listing_id, product_of, units};
use super::{Answer, Etsy, json_answer, moment};
use crate::sim::{Trouble, World};

const STATES: [Standing; 5] =
    [Standing::Active, Standing::Inactive, Standing::SoldOut, Standing::Draft, Standing::Expired];

/// What may come along with a listing of a shop, and with one that is named (0).
const OF_SHOP: [&str; 9] =
    ["Shipping", "Images", "Shop", "User", "Translations", "Inventory", "Videos", "Personalization", "BuyerPrice"];
const OF_NAMED: [&str; 7] = ["Images", "Shop", "User", "Translations", "Videos", "Personalization", "BuyerPrice"];

/// How a listing is shown.
#[derive(Clone, Copy)]
struct View {
    /// The moment whose numbers are shown.
    at: Timestamp,
    inventory: bool,
    /// Whether its owner asks, to whom alone SKUs are shown (4.1).
    owner: bool,
    numbers: bool,
    deleted: bool,
}

impl Etsy {
    pub(super) fn list_by_shop(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        let state = call.word("state", &STATES.map(Standing::word))?.unwrap_or("active");
        let (skip, limit) = call.part()?;
        call.word("sort_on", &["created", "price", "updated", "score"])?;
        call.word("sort_order", &["asc", "ascending", "desc", "descending", "up", "down"])?;
        let inventory = included(call, &OF_SHOP)?.contains(&"Inventory");
        // 12: whether it lasts is not told [?].
        if inventory && !self.lists_inventory {
            return Err(Problem::unfit("Invalid value for includes: Inventory"));
        }
        if troubles.contains(&Trouble::Drift) {
            self.drift(world);
        }
        let now = world.now;
        let seen = now - world.shop(&self.shop).lag;
        let there = |listing: &Listing| listing.standing_at(seen).is_some_and(|standing| standing.word() == state);
        let mut all: Vec<_> = self.listings.iter().filter(|(_, listing)| there(listing)).collect();
        // 4.2: the order can be chosen only for what is searched for.
        all.sort_by_key(|(product, listing)| std::cmp::Reverse((listing.listed, **product)));
        let view = View { inventory, ..self.view(seen.min(moment(now, troubles)), call, troubles) };
        let shown = all.iter().skip(skip).take(limit).map(|(product, _)| self.show(world, **product, view));
        let shown: Vec<_> = shown.collect();
        let count = shown.len();
        Ok(Answer { items: Some(count), ..json_answer(200, &json!({ "count": all.len(), "results": shown })) })
    }

    pub(super) fn list_named(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        included(call, &OF_NAMED)?;
        let inventory = call.route.name == "getListingsInventoryByListingIds";
        let view = View { inventory, ..self.view(moment(world.now, troubles), call, troubles) };
        let ids = call.listings()?;
        // 4.1: one that is unknown, and nothing is shown.
        let products: Option<Vec<u64>> = ids.iter().map(|id| self.known(*id, call.of_seller)).collect();
        let products = products.ok_or_else(Problem::gone)?;
        let shown: Vec<_> = products.iter().map(|product| self.show(world, *product, view)).collect();
        let count = shown.len();
        Ok(Answer { items: Some(count), ..json_answer(200, &json!({ "count": count, "results": shown })) })
    }

    pub(super) fn one_listing(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        included(call, &OF_NAMED)?;
        let product = self.known(call.ids[0], call.of_seller).ok_or_else(Problem::gone)?;
        Ok(json_answer(200, &self.show(world, product, self.view(moment(world.now, troubles), call, troubles))))
    }

    pub(super) fn one_inventory(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        let product = self.known(call.ids[0], true).ok_or_else(Problem::gone)?;
        let deleted = call.flag("show_deleted")?.unwrap_or(self.shows_deleted);
        let view = View { deleted, ..self.view(moment(world.now, troubles), call, troubles) };
        let mut shown = self.inventory(world, product, view);
        if call.word("includes", &["Listing"])?.is_some() {
            shown["listing"] = self.show(world, product, view);
            // A listing alone has less than one that others come along with.
            shown["listing"].as_object_mut().map(|fields| (fields.remove("skus"), fields.remove("views")));
        }
        Ok(json_answer(200, &shown))
    }

    /// Shows the inventory that a write left behind (5).
    pub(super) fn written(&self, world: &World, product: u64, troubles: &[Trouble]) -> Answer {
        let numbers = !troubles.contains(&Trouble::NoNumbers);
        let view = View { at: world.now, inventory: true, owner: true, numbers, deleted: self.shows_deleted };
        json_answer(200, &self.inventory(world, product, view))
    }

    /// Shows a listing after a write, without what comes along.
    pub(super) fn bare(&self, world: &World, product: u64) -> Value {
        let view = View { at: world.now, inventory: false, owner: false, numbers: true, deleted: false };
        let mut shown = self.show(world, product, view);
        shown.as_object_mut().map(|fields| (fields.remove("skus"), fields.remove("views")));
        shown
    }

    fn view(&self, at: Timestamp, call: &Call, troubles: &[Trouble]) -> View {
        let numbers = !troubles.contains(&Trouble::NoNumbers);
        View { at, inventory: false, owner: call.of_seller, numbers, deleted: self.shows_deleted }
    }

    /// Finds a listing by its number; others than its owner know what is for sale alone.
    pub(super) fn known(&self, listing: u64, of_seller: bool) -> Option<u64> {
        let product = product_of(listing);
        let known = self.listings.get(&product)?;
        (of_seller || known.standing() == Standing::Active).then_some(product)
    }

    fn show(&self, world: &World, product: u64, view: View) -> Value {
        let shop = world.shop(&self.shop);
        let (record, listing) = (&shop.products[&product], &self.listings[&product]);
        let variants: Vec<_> = listing.rows.iter().filter_map(|row| shop.variants.get(&row.variant)).collect();
        let cents = variants.iter().map(|variant| variant.cents).min().unwrap_or_default();
        let seconds = Timestamp::as_second;
        let standing = listing.standing_at(view.at).unwrap_or_else(|| listing.standing());
        let since = listing.states.last().map_or(listing.created, |(since, _)| *since);
        let kind = if listing.digital { "download" } else { "physical" };
        let mut skus: Vec<_> = variants.iter().map(|variant| &variant.sku).filter(|sku| !sku.is_empty()).collect();
        skus.dedup();
        let mut shown = json!({
            "listing_id": listing_id(product), "user_id": self.user_id, "shop_id": self.shop_id,
            "title": record.title, "description": "Made by hand.", "state": standing.word(),
            "creation_timestamp": seconds(listing.listed), "created_timestamp": seconds(listing.listed),
            "ending_timestamp": seconds(listing.ends), "original_creation_timestamp": seconds(listing.created),
            "last_modified_timestamp": seconds(record.stamps.last()), "updated_timestamp": seconds(record.stamps.last()),
            "state_timestamp": seconds(since), "shop_section_id": null, "featured_rank": -1,
            "url": format!("https://www.etsy.com/listing/{}", listing_id(product)), "num_favorers": 3,
            "is_taxable": true, "listing_type": kind, "tags": record.tags, "materials": [],
            "who_made": "i_did", "when_made": "made_to_order", "is_private": false,
            "has_variations": listing.properties().next().is_some(), "should_auto_renew": listing.renews,
            "language": "en-US", "price": money(cents), "taxonomy_id": 1633, "readiness_state_id": null, "views": 12,
            // 4.1: for the owner alone.
            "skus": if view.owner { json!(skus) } else { json!([]) },
        });
        if view.numbers {
            shown["quantity"] = self.total(world, product, view.at).into();
        }
        if view.inventory {
            shown["inventory"] = self.inventory(world, product, view);
        }
        shown
    }

    fn inventory(&self, world: &World, product: u64, view: View) -> Value {
        let shop = world.shop(&self.shop);
        let listing = &self.listings[&product];
        let live = listing.rows.iter().filter_map(|row| {
            let variant = shop.variants.get(&row.variant)?;
            let odd = i64::from(self.contradicting.contains(&variant.sku));
            let quantity = view.numbers.then(|| units(shop, variant, view.at) + odd);
            let mut shown = show_row(row, if view.owner { &variant.sku } else { "" }, false);
            let offering = show_offering(row, variant.cents, quantity, enabled(variant), false);
            // An offering that was replaced stands beside the one that is live.
            let old = view.deleted.then(|| show_offering(row, variant.cents, Some(0), true, true));
            shown["offerings"] = old.into_iter().chain([offering]).collect();
            Some(shown)
        });
        let dead = listing.dead.iter().filter(|_| view.deleted).map(|Dead { row, sku, cents }| {
            let mut shown = show_row(row, sku, true);
            shown["offerings"] = json!([show_offering(row, *cents, Some(0), true, true)]);
            shown
        });
        let varies = &listing.varies;
        json!({ "products": dead.chain(live).collect::<Vec<_>>(), "price_on_property": varies.price,
            "quantity_on_property": varies.quantity, "sku_on_property": varies.sku,
            "readiness_state_on_property": varies.readiness })
    }

    pub(super) fn show_shop(&self, world: &World) -> Answer {
        let active = self.listings.values().filter(|listing| listing.standing() == Standing::Active);
        let opened = self.listings.values().map(|listing| listing.created).min().unwrap_or(world.now).as_second();
        let body = json!({ "shop_id": self.shop_id, "user_id": self.user_id, "shop_name": self.shop,
            "create_date": opened, "created_timestamp": opened, "title": null, "currency_code": "USD",
            "is_vacation": false, "listing_active_count": active.count(), "login_name": self.shop,
            "url": format!("https://www.etsy.com/shop/{}", self.shop), "languages": ["en-US"],
            "transaction_sold_count": world.shop(&self.shop).orders.len() });
        json_answer(200, &body)
    }
}

/// Reads what is to come along.
fn included<'a>(call: &Call, known: &[&'a str]) -> Result<Vec<&'a str>, Problem> {
    let said = call.said("includes").unwrap_or_default();
    let parts = said.split(',').map(str::trim).filter(|part| !part.is_empty());
    let part = |part: &str| {
        let known = known.iter().find(|known| **known == part).copied();
        known.ok_or_else(|| Problem::unfit(&format!("Invalid value for includes: {part}")))
    };
    parts.map(part).collect()
}

fn show_row(row: &Row, sku: &str, deleted: bool) -> Value {
    let values: Vec<_> = row.values.iter().map(show_value).collect();
    json!({ "product_id": row.product, "sku": sku, "is_deleted": deleted, "property_values": values })
}

/// Shows a value as inventories and transactions do.
pub(super) fn show_value(value: &PropertyValue) -> Value {
    let (scale, scale_name) = value.scale.clone().unzip();
    json!({ "property_id": value.property, "property_name": value.name, "scale_id": scale, "scale_name": scale_name,
        "value_ids": [value.id], "values": [value.text] })
}

fn show_offering(row: &Row, cents: i64, quantity: Option<i64>, enabled: bool, deleted: bool) -> Value {
    let number = if deleted { row.offering - 1 } else { row.offering };
    let mut shown = Map::new();
    shown.insert("offering_id".into(), number.into());
    if let Some(quantity) = quantity {
        shown.insert("quantity".into(), quantity.into());
    }
    shown.insert("is_enabled".into(), enabled.into());
    shown.insert("is_deleted".into(), deleted.into());
    shown.insert("price".into(), money(cents));
    shown.insert("readiness_state_id".into(), row.readiness.into());
    Value::Object(shown)
}

/// Shows an amount of money.
pub(super) fn money(cents: i64) -> Value {
    json!({ "amount": cents, "divisor": 100, "currency_code": "USD" })
}
