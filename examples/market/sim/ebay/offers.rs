//! How quantities are written by the Inventory interface (5.4, 6): up to 25 SKUs at once, each with a status of its own.
//!
//! What buyers can have is the lower one of two numbers: that of the item, and that of its offer. So a raise takes both.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::listings::{Model, is_single};
use super::rest::{Answered, Call, Problem};
use super::revise::{No, Wrote};
use super::{Ebay, json_answer, planned_refusal};
use crate::sim::openapi::Route;
use crate::sim::{Trouble, Who, World};

/// The most SKUs of a call, says the guide (5.4).
pub(super) const LARGEST: usize = 25;

/// What numbers of offers begin with.
const OFFERS: u64 = 36_445_000_000;

/// What the Inventory interface knows of a variant besides what buyers can have.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// The number of its offer.
    pub id: String,
    /// The product, which it outlives.
    pub product: u64,
    /// Whether it is one of several variations.
    pub varied: bool,
    /// By how much the item's quantity is higher than what buyers can have.
    item_over: i64,
    /// By how much the offer's is.
    offer_over: i64,
    /// What had been sold when they were written.
    sold: i64,
}

impl Offer {
    pub fn new(variant: u64, product: u64, varied: bool) -> Self {
        Self { id: (OFFERS + variant).to_string(), product, varied, item_over: 0, offer_over: 0, sold: 0 }
    }
}

/// The numbers of a SKU, as the Inventory interface shows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Both {
    /// The item's.
    pub item: i64,
    /// The offer's.
    pub offer: i64,
}

impl Ebay {
    /// Finds the variant and the product of an SKU of the Inventory model.
    pub(super) fn inventory_variant(&self, world: &World, sku: &str) -> Option<(u64, u64)> {
        let shop = world.shop(&self.shop);
        let all = shop.variants_of(sku).map(|id| (id, shop.variants[&id].product));
        all.into_iter().find(|(_, product)| self.listings[product].model == Model::Inventory)
    }

    /// Tells the two numbers of a variant, of which buyers can have the lower.
    pub(super) fn both(&self, world: &World, product: u64, variant: u64) -> Both {
        let rows = self.rows(world, product, world.now);
        let live = rows.iter().find(|row| row.variant == variant).map_or(0, |row| row.available);
        let known = &self.offers[&variant];
        // 3: whether the item's falls by itself is not told.
        let since = world.shop(&self.shop).variants[&variant].sold - known.sold;
        let kept = if self.ship_to_falls { 0 } else { since };
        Both { item: live + known.item_over + kept, offer: live + known.offer_over }
    }

    /// Tells whether a variant is on sale by its offer.
    pub(super) fn is_published(&self, product: u64, variant: u64) -> bool {
        self.listings[&product].ended.is_none() && !self.removed.contains(&variant)
    }

    pub(super) fn bulk_update(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        let requests = call.body["requests"].as_array().filter(|all| !all.is_empty());
        let requests = requests.ok_or_else(|| invalid("requests", "It is missing."))?;
        if requests.len() > LARGEST {
            let words = format!("The number of InventoryItems in the request cannot exceed {LARGEST}.");
            return Err(inventory(400, 25727, &words));
        }
        if requests.len() > self.entries_per_update {
            return Err(invalid("requests", "Only one SKU can be updated per call."));
        }
        let mut counted = BTreeSet::new();
        let mut said = Vec::new();
        for request in requests {
            let sku = request["sku"].as_str().unwrap_or_default();
            let offers = request["offers"].as_array().map_or(&[][..], Vec::as_slice);
            let outcome = self.update_one(world, request, &mut counted, troubles);
            let names: Vec<_> = offers.iter().filter_map(|offer| offer["offerId"].as_str()).collect();
            let names = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
            said.extend(names.into_iter().map(|name| entry(sku, name, &outcome)));
        }
        Ok(multi_status(&said))
    }

    fn update_one(
        &mut self,
        world: &mut World,
        request: &Value,
        counted: &mut BTreeSet<u64>,
        troubles: &[Trouble],
    ) -> Result<Wrote, Problem> {
        let sku = request["sku"].as_str().ok_or_else(|| invalid("sku", "It is missing."))?;
        let unknown = || inventory(400, 25702, &format!("SKU {sku} is not available in the system"));
        let (variant, product) = self.inventory_variant(world, sku).ok_or_else(unknown)?;
        if let Some(code) = planned_refusal(troubles) {
            return Err(inventory(400, code.parse().unwrap_or(25002), "Refused, as planned."));
        }
        let before = self.both(world, product, variant);
        let wanted = self.wanted(request, (product, variant), before)?;
        let live = wanted.item.min(wanted.offer);
        let mut wrote = Wrote::Same;
        if live != before.item.min(before.offer) {
            wrote = self.set(world, product, variant, live, !counted.contains(&product)).map_err(refusal)?;
            counted.insert(product);
        }
        let sold = world.shop(&self.shop).variants[&variant].sold;
        let known = self.offers.get_mut(&variant).expect("a variant has an offer");
        (known.item_over, known.offer_over, known.sold) = (wanted.item - live, wanted.offer - live, sold);
        Ok(wrote)
    }

    /// Reads the two numbers that are to be, or says why they will not do.
    fn wanted(&self, request: &Value, (product, variant): (u64, u64), before: Both) -> Result<Both, Problem> {
        let empty = Vec::new();
        let offers = request["offers"].as_array().unwrap_or(&empty);
        let known = self.offers[&variant].id.as_str();
        if offers.len() > 1 || offers.iter().any(|offer| offer["offerId"] != known) {
            return Err(user_error("An offer stands twice, or belongs to another SKU."));
        }
        let stock = &request["shipToLocationAvailability"];
        let (item, offer) = (stock["quantity"].as_i64(), offers.first().and_then(|o| o["availableQuantity"].as_i64()));
        let priced = offers.iter().any(|offer| offer["price"].is_object());
        // 3: what is spread over several places has no number of its own to write [?].
        if item.is_some() && request["sku"].as_str().is_some_and(|sku| self.distributed.contains(sku)) {
            return Err(user_error("The quantity is distributed over locations."));
        }
        if item.is_none() && offer.is_none() && !priced {
            return Err(invalid("quantity", "It is missing."));
        }
        if !offers.is_empty() && !self.is_published(product, variant) {
            return Err(user_error("The offer is not published."));
        }
        let wanted = Both { item: item.unwrap_or(before.item), offer: offer.unwrap_or(before.offer) };
        if wanted.item < 0 || wanted.offer < 0 {
            return Err(invalid("quantity", "It is below 0."));
        }
        Ok(wanted)
    }

    /// Lists again what was withdrawn (6), under a new number.
    pub(super) fn publish(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        let product = self.offered_product(world, call, troubles)?;
        if self.listings[&product].ended.is_none() {
            return Err(user_error("The offer is published already."));
        }
        let rows = self.rows(world, product, world.now);
        if !self.out_of_stock_control && rows.iter().any(|row| row.available <= 0) {
            let words = "The eBay listing associated with the inventory item has an invalid quantity.";
            return Err(inventory(400, 25004, words));
        }
        let item = self.list_anew(world, product, world.now, Who::App);
        Ok(json_answer(200, &json!({ "listingId": item.to_string() })))
    }

    /// Ends what was published (6).
    pub(super) fn withdraw(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        let product = self.offered_product(world, call, troubles)?;
        if self.listings[&product].ended.is_some() {
            return Err(inventory(400, 25713, "This Offer is not available."));
        }
        self.end(world, product, world.now, "NotAvailable", Who::App);
        self.listings.get_mut(&product).expect("it ended just now").withdrawn = true;
        let item = self.listings[&product].item.to_string();
        if is_of_group(call.route) {
            return Ok(json_answer(204, &Value::Null));
        }
        Ok(json_answer(200, &json!({ "listingId": item })))
    }

    /// Finds what a call is about: an offer of its own, or the group of several.
    fn offered_product(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Result<u64, Problem> {
        if let Some(code) = planned_refusal(troubles) {
            return Err(inventory(400, code.parse().unwrap_or(25002), "Refused, as planned."));
        }
        let shop = world.shop(&self.shop);
        let mut own = self.listings.iter().filter(|(_, listing)| listing.model == Model::Inventory).map(|(id, _)| *id);
        if is_of_group(call.route) {
            let key = &call.body["inventoryItemGroupKey"];
            let varied = |product: &u64| !is_single(shop, &shop.products[product]);
            let found = own.find(|product| *key == group_key(*product).as_str() && varied(product));
            return found
                .ok_or_else(|| inventory(400, 25710, "We didn't find the resource/entity you are requesting."));
        }
        let offer = self.offers.iter().find(|(_, offer)| offer.id == call.key);
        let product = offer.and_then(|(id, _)| shop.variants.get(id)).map(|variant| variant.product);
        let product = product.filter(|product| own.any(|known| known == *product));
        let product = product.ok_or_else(|| inventory(404, 25713, "This Offer is not available."))?;
        if is_single(shop, &shop.products[&product]) {
            return Ok(product);
        }
        // What belongs to a group goes with the group.
        Err(user_error("The offer belongs to an inventory item group."))
    }
}

/// The key of the group that the variations of a listing make.
pub(super) fn group_key(product: u64) -> String {
    format!("GROUP-{product}")
}

fn is_of_group(route: Route) -> bool {
    route.name.ends_with("ByInventoryItemGroup")
}

/// Answers with what became of each: 207 where one failed (5.4).
pub(super) fn multi_status(said: &[Value]) -> super::Answer {
    let status = if said.iter().all(|one| one["statusCode"] == 200) { 200 } else { 207 };
    super::Answer { items: Some(said.len()), ..json_answer(status, &json!({ "responses": said })) }
}

fn entry(sku: &str, offer: Option<&str>, outcome: &Result<Wrote, Problem>) -> Value {
    let status = outcome.as_ref().err().map_or(200, |problem| problem.status);
    let mut said = json!({ "statusCode": status, "sku": sku });
    if let Some(offer) = offer {
        said["offerId"] = offer.into();
    }
    match outcome {
        Err(problem) => said["errors"] = json!([problem.to_json()]),
        Ok(Wrote::Removed | Wrote::Ended) => {
            let warning = inventory(200, 25402, "System warning. What shows 0 is not listed any more.");
            said["warnings"] = json!([warning.to_json()]);
        }
        Ok(Wrote::Same | Wrote::Changed) => {}
    }
    said
}

fn refusal(no: No) -> Problem {
    match no {
        No::Negative => invalid("quantity", no.words()),
        No::Revisions | No::Limit | No::Zero => user_error(no.words()),
    }
}

pub(super) fn inventory(status: u16, id: i64, words: &str) -> Problem {
    Problem::new(status, id, "API_INVENTORY", words)
}

fn user_error(words: &str) -> Problem {
    inventory(400, 25002, "A user error has occurred.").at_length(words)
}

pub(super) fn invalid(field: &str, words: &str) -> Problem {
    inventory(400, 25709, &format!("Invalid value for {field}. {words}"))
}
