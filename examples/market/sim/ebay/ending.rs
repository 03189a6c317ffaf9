//! How listings end by Trading, and are listed again (6): under a new number, and with what they were listed with at
//! first unless the request says otherwise.

use std::time::Duration;

use super::listings::{Model, is_single};
use super::trading::{Fault, Said, Traded};
use super::xml::Node;
use super::{Ebay, Tracking, planned_refusal, time};
use crate::sim::{Trouble, Who, World};

/// Why a seller may end a listing (6).
const REASONS: [&str; 5] = ["NotAvailable", "LostOrBroken", "Incorrect", "OtherListingError", "Sold"];

/// How long an ended listing can be listed again.
const KEPT: Duration = Duration::from_hours(90 * 24);

impl Ebay {
    pub(super) fn end_item(&mut self, world: &mut World, request: &Node, troubles: &[Trouble]) -> Traded {
        let reason = request.said("EndingReason").unwrap_or_default().trim();
        let reason =
            REASONS.into_iter().find(|known| *known == reason).ok_or_else(|| Fault::invalid("EndingReason"))?;
        let product = self.open_listing(request.said("ItemID").unwrap_or_default().trim())?;
        self.by_trading(product, troubles)?;
        self.end(world, product, world.now, reason, Who::App);
        Ok(Said { items: Some(1), ..Said::fields([Node::leaf("EndTime", time(world.now))]) })
    }

    pub(super) fn relist_item(&mut self, world: &mut World, request: &Node, troubles: &[Trouble]) -> Traded {
        let now = world.now;
        let item = request.child("Item").ok_or_else(|| Fault::invalid("Item"))?;
        let number = item.said("ItemID").unwrap_or_default().trim();
        if number.parse().is_ok_and(|number: u64| self.graves.contains_key(&number)) {
            return Err(Fault::new("21919067", "This Listing is a duplicate of your item."));
        }
        let product = self.product_of(number).ok_or_else(|| Fault::new("17", "This item cannot be accessed."))?;
        self.by_trading(product, troubles)?;
        match self.listings[&product].ended {
            None => return Err(Fault::new("21919067", "This Listing is a duplicate of your item.")),
            Some((at, _)) if at + KEPT < now => return Err(Fault::new("17", "This item cannot be accessed.")),
            Some(_) => {}
        }
        let wanted = self.relisted_quantities(world, product, item)?;
        let new = self.list_anew(world, product, now, Who::App);
        for (variant, units) in &wanted {
            self.put(world, *variant, *units);
        }
        let tracking = item.said("InventoryTrackingMethod").map(str::trim);
        let listing = self.listings.get_mut(&product).expect("it was listed just now");
        listing.originals = wanted.into_iter().collect();
        match tracking {
            Some("SKU") => listing.tracking = Tracking::Sku,
            Some(_) => listing.tracking = Tracking::ItemId,
            None => {}
        }
        let fee = Node::of(
            "Fees",
            [Node::of("Fee", [Node::leaf("Name", "ListingFee"), Node::leaf("Fee", "0.35").with("currencyID", "USD")])],
        );
        let times = [Node::leaf("StartTime", time(now)), Node::leaf("EndTime", time(now + Duration::from_hours(720)))];
        let fields = [Node::leaf("ItemID", new), fee].into_iter().chain(times);
        Ok(Said { items: Some(1), ..Said::fields(fields) })
    }

    /// Tells with how many units each SKU is listed again (3): what the request says, else what there was at first; of
    /// variations only those that had none left.
    fn relisted_quantities(&self, world: &World, product: u64, item: &Node) -> Result<Vec<(u64, i64)>, Fault> {
        let shop = world.shop(&self.shop);
        let single = is_single(shop, &shop.products[&product]);
        let originals = &self.listings[&product].originals;
        let number = |node: &Node| node.said("Quantity").and_then(|text| text.trim().parse::<i64>().ok());
        let named: Vec<_> = item.find("Variations").into_iter().flat_map(|all| all.all("Variation")).collect();
        let rows = self.rows(world, product, world.now);
        let wanted = rows.iter().map(|row| {
            let first = originals.get(&row.variant).copied().unwrap_or_default();
            let told = named.iter().find(|one| one.said("SKU").is_some_and(|sku| sku.trim() == row.sku.trim()));
            let usual = if single || row.available == 0 { first } else { row.available };
            let told = if single { number(item) } else { told.and_then(|one| number(one)) };
            (row.variant, told.unwrap_or(usual))
        });
        let wanted: Vec<_> = wanted.collect();
        let least = i64::from(single || !self.out_of_stock_control);
        if wanted.iter().any(|(_, units)| *units < least) {
            return Err(Fault::new("515", "The quantity must be a valid number greater than 0."));
        }
        Ok(wanted)
    }

    /// Lets Trading change a listing: one of its own world (0).
    fn by_trading(&self, product: u64, troubles: &[Trouble]) -> Result<(), Fault> {
        if self.listings[&product].model == Model::Inventory {
            let words = "Inventory-based listing management is not currently supported by this tool.";
            return Err(Fault::new("21919474", words));
        }
        planned_refusal(troubles).map_or(Ok(()), |code| Err(Fault::new(code, "Refused, as planned.")))
    }
}
