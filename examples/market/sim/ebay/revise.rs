//! How quantities are written by Trading (5.1, 6): up to four at once, each with an outcome of its own.
//!
//! What is written is what buyers can have from now on, whatever was sold since it was read.

use std::collections::BTreeSet;

use super::listings::{Model, Tracking, is_single};
use super::trading::{Fault, Said, Traded};
use super::xml::Node;
use super::{Ebay, Zero, planned_refusal};
use crate::sim::{Trouble, Who, World};

/// The most entries of a call (5.1).
pub(super) const LARGEST: usize = 4;

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// The number was that already.
    Same,
    /// It is now.
    Changed,
    /// The variation is not in its listing any more.
    Removed,
    /// The listing ended.
    Ended,
}

/// Why a quantity is not written, whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum No {
    /// The listing was revised too often today (2).
    Revisions,
    /// The account may not offer as much (2).
    Limit,
    /// Nothing keeps a listing at 0 (6).
    Zero,
    /// It is not a quantity.
    Negative,
}

impl No {
    pub fn words(self) -> &'static str {
        match self {
            Self::Revisions => {
                "The listing has been revised 250 times today; further revisions are blocked until tomorrow."
            }
            Self::Limit => "The listing would cause you to exceed the quantity you can list.",
            Self::Zero | Self::Negative => "The quantity must be a valid number greater than 0.",
        }
    }

    /// Trading's number for it; those of the first two are not told (9) [?].
    fn fault(self) -> Fault {
        let code = match self {
            Self::Revisions => "21919144",
            Self::Limit => "21919188",
            Self::Zero | Self::Negative => "515",
        };
        Fault::new(code, self.words())
    }
}

impl Ebay {
    pub(super) fn revise(&mut self, world: &mut World, request: &Node, troubles: &[Trouble]) -> Traded {
        let entries: Vec<_> = request.all("InventoryStatus").collect();
        match entries.len() {
            0 => return Err(Fault::invalid("InventoryStatus")),
            1..=LARGEST => {}
            _ => return Err(Fault::new("21916254", "You can revise only 4 items in one request.")),
        }
        let mut said = Said { items: Some(entries.len()), ..Said::default() };
        let mut counted = BTreeSet::new();
        for entry in entries {
            match self.revise_one(world, entry, &mut counted, troubles) {
                Ok((node, warning)) => {
                    said.fields.push(node);
                    said.faults.extend(warning);
                    said.done = true;
                }
                Err(fault) => said.faults.push(fault.about(named(entry))),
            }
        }
        let fees = counted.iter().map(|product| Node::of("Fees", [Node::leaf("ItemID", self.listings[product].item)]));
        said.fields.extend(fees.collect::<Vec<_>>());
        Ok(said)
    }

    /// Revises one SKU; nothing of an entry that fails is done.
    fn revise_one(
        &mut self,
        world: &mut World,
        entry: &Node,
        counted: &mut BTreeSet<u64>,
        troubles: &[Trouble],
    ) -> Result<(Node, Option<Fault>), Fault> {
        let (product, variant) = self.revisable(world, entry)?;
        if let Some(code) = planned_refusal(troubles) {
            return Err(Fault::new(code, "Refused, as planned."));
        }
        let quantity = entry.said("Quantity").map(|text| text.trim().parse().map_err(|_| Fault::invalid("Quantity")));
        let price = entry.said("StartPrice").map(|text| text.trim().parse::<f64>());
        let price = price.transpose().map_err(|_| Fault::invalid("StartPrice"))?;
        let quantity: Option<i64> = quantity.transpose()?;
        if quantity.is_none() && price.is_none() {
            return Err(Fault::invalid("Quantity"));
        }
        let fresh = counted.insert(product);
        let wrote = quantity.map_or(Ok(Wrote::Changed), |to| self.set(world, product, variant, to, fresh));
        let wrote = wrote.map_err(|no| {
            if fresh {
                counted.remove(&product);
            }
            no.fault()
        })?;
        if let (Some(price), Some(record)) = (price, world.shop_mut(&self.shop).variants.get_mut(&variant)) {
            #[expect(clippy::cast_possible_truncation, reason = "a price in hundredths is far from that large")]
            let cents = (price * 100.0).round() as i64;
            record.cents = cents;
        }
        let shop = world.shop(&self.shop);
        let sku = &shop.variants[&variant].sku;
        let status = [Node::leaf("SKU", sku), Node::leaf("ItemID", self.listings[&product].item)];
        let warning = match wrote {
            Wrote::Same => Some(Fault::warning("21917091", "The request did not change anything.")),
            Wrote::Removed => {
                Some(Fault::warning("21916620", "Variations with quantity '0' will be removed").about(sku))
            }
            Wrote::Changed | Wrote::Ended => None,
        };
        Ok((Node::of("InventoryStatus", status), warning))
    }

    /// Finds what an entry names, or says why it may not be revised (5.1, 9).
    fn revisable(&self, world: &World, entry: &Node) -> Result<(u64, u64), Fault> {
        let item = entry.said("ItemID").map(str::trim).filter(|item| !item.is_empty());
        let sku = entry.said("SKU").map(str::trim).filter(|sku| !sku.is_empty());
        let product = match (item, sku) {
            (Some(item), _) => self.open_listing(item)?,
            (None, Some(sku)) => {
                // Alone it will do only where the listing is tracked by it.
                let tracked = self.listings.iter().filter(|(_, l)| l.tracking == Tracking::Sku && l.ended.is_none());
                let mut tracked = tracked.map(|(product, _)| *product);
                let bears =
                    |product: &u64| self.rows(world, *product, world.now).iter().any(|row| row.sku.trim() == sku);
                let none = || Fault::new("21676", "There is no active item for the specified SKU.");
                tracked.find(bears).ok_or_else(none)?
            }
            (None, None) => return Err(Fault::invalid("ItemID")),
        };
        let listing = &self.listings[&product];
        if listing.model == Model::Inventory {
            let words = "Inventory-based listing management is not currently supported by this tool. Please refer to \
                         the tool used to create this listing.";
            return Err(Fault::new("21919474", words));
        }
        if listing.auction {
            return Err(Fault::invalid("ItemID"));
        }
        let shop = world.shop(&self.shop);
        let rows = self.rows(world, product, world.now);
        if is_single(shop, &shop.products[&product]) {
            // 8: where both are sent and disagree, the number is trusted.
            return rows.first().map(|row| (product, row.variant)).ok_or_else(|| Fault::invalid("ItemID"));
        }
        let sku = sku.ok_or_else(|| Fault::new("21916583", "A variation is required: the SKU is missing."))?;
        let row = rows.iter().find(|row| row.sku.trim() == sku);
        let mismatch = || Fault::new("21916799", "SKU Mismatch: the SKU is not part of the item.");
        row.map(|row| (product, row.variant)).ok_or_else(mismatch)
    }

    /// Finds a listing that has not ended (9).
    pub(super) fn open_listing(&self, item: &str) -> Result<u64, Fault> {
        let grave = item.parse().is_ok_and(|item: u64| self.graves.contains_key(&item));
        let ended = || Fault::new("291", "You are not allowed to revise ended listings.");
        match self.product_of(item) {
            Some(product) if self.listings[&product].ended.is_none() => Ok(product),
            Some(_) => Err(ended()),
            None if grave => Err(ended()),
            None => Err(Fault::new("17", "This item cannot be accessed.")),
        }
    }

    /// Writes what buyers can have of a variant, by whichever interface. `fresh` tells whether the listing is not yet
    /// counted as revised in this call.
    pub(super) fn set(
        &mut self,
        world: &mut World,
        product: u64,
        variant: u64,
        to: i64,
        fresh: bool,
    ) -> Result<Wrote, No> {
        let now = world.now;
        let shop = world.shop(&self.shop);
        let single = is_single(shop, &shop.products[&product]);
        let rows = self.rows(world, product, now);
        let from = rows.iter().find(|row| row.variant == variant).map_or(0, |row| row.available);
        if to < 0 {
            return Err(No::Negative);
        }
        let zero = to == 0 && !self.out_of_stock_control;
        if zero && single && self.zero == Zero::Refused {
            return Err(No::Zero);
        }
        if self.selling_limit.is_some_and(|most| to > from && self.offered(world) + to - from > most) {
            return Err(No::Limit);
        }
        let listing = self.listings.get_mut(&product).expect("the listing is there");
        if fresh {
            // 2: over all its variations, and by the day of eBay's home.
            if listing.revisions(now) >= self.revisions_a_day {
                return Err(No::Revisions);
            }
            listing.count_revision(now);
        }
        if from != to {
            self.put(world, variant, to);
        }
        match (zero, rows.len()) {
            (false, _) => Ok(if from == to { Wrote::Same } else { Wrote::Changed }),
            // 6: a variation leaves its listing, and the last one ends it.
            (true, 0 | 1) => {
                self.end(world, product, now, "NotAvailable", Who::App);
                Ok(Wrote::Ended)
            }
            (true, _) => {
                self.remove_variation(world, variant);
                Ok(Wrote::Removed)
            }
        }
    }

    /// Writes a number into the world.
    pub(super) fn put(&self, world: &mut World, variant: u64, to: i64) {
        let shop = world.shop(&self.shop);
        let item = shop.variants[&variant].item;
        let place = shop.items[&item].levels.keys().next().copied();
        if let Some(place) = place {
            world.write(Who::App, &self.shop, item, place, to, None);
        }
    }

    /// Sums up what the account offers.
    pub(super) fn offered(&self, world: &World) -> i64 {
        let open = self.listings.iter().filter(|(_, listing)| listing.ended.is_none());
        open.flat_map(|(product, _)| self.rows(world, *product, world.now)).map(|row| row.available).sum()
    }
}

/// What an error says it is about: which of the two, nobody tells (5.1) [?].
fn named(entry: &Node) -> &str {
    entry.said("SKU").filter(|sku| !sku.trim().is_empty()).or(entry.said("ItemID")).unwrap_or_default()
}
