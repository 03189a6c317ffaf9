//! A handle on one shop: what tests and the demo do to it, in a word each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::shelf::{Good, State};
use super::truth::{Truth, Who};
use super::{Call, Face, Market, Turned, Work};

/// One shop of a market; clones share it.
#[derive(Clone)]
pub struct ShopHandle {
    market: Market,
    name: String,
}

impl ShopHandle {
    pub(super) fn new(market: Market, name: &str) -> Self {
        Self { market, name: name.into() }
    }

    /// Returns the shop's name in the market.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the market.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Opens a free port of the loopback for the shop.
    pub async fn serve(&self) -> std::io::Result<SocketAddr> {
        self.market.serve(&self.name, 0).await
    }

    /// Adds a product with one variant.
    pub fn add(&self, sku: &str, units: i64) -> &Self {
        self.market.world(|world| world.add_good(&self.name, sku, units));
        self
    }

    /// Adds a product with several variants.
    pub fn add_product(&self, title: &str, goods: &[Good]) -> u64 {
        self.market.world(|world| world.add_product(&self.name, title, goods))
    }

    /// Adds a location that sells online.
    pub fn add_location(&self, name: &str) -> u64 {
        self.market.world(|world| world.add_location(&self.name, name))
    }

    /// Closes a location, or opens it again.
    pub fn close_location(&self, location: u64, closed: bool) {
        let close = |place: &mut super::shelf::Location| place.active = !closed;
        self.market.world(|world| world.shop_mut(&self.name).locations.get_mut(&location).map(close));
    }

    /// Stocks an SKU at a further location.
    pub fn stock_at(&self, sku: &str, location: u64, units: i64) {
        self.market.world(|world| world.stock_at(&self.name, sku, location, units));
    }

    /// Lets the owner switch the counting of all stock in the shop on or off.
    pub fn set_counting(&self, counting: bool) {
        self.market.world(|world| world.shop_mut(&self.name).uncounted = !counting);
    }

    /// Sells units of one SKU; returns the order.
    pub fn buy(&self, sku: &str, units: i64) -> Result<u64, Turned> {
        self.buy_many(&[(sku, units)])
    }

    /// Sells several SKUs in one order.
    pub fn buy_many(&self, basket: &[(&str, i64)]) -> Result<u64, Turned> {
        self.market.world(|world| world.buy(&self.name, basket))
    }

    /// Sends an order.
    pub fn ship(&self, order: u64) {
        self.market.world(|world| world.ship(&self.name, order));
    }

    /// Cancels an order as a whole.
    pub fn cancel(&self, order: u64, restock: bool) {
        self.market.world(|world| world.cancel(&self.name, order, restock, false));
    }

    /// Cancels an order because the goods were not there.
    pub fn cancel_for_lack_of_stock(&self, order: u64) {
        self.market.world(|world| world.cancel(&self.name, order, false, true));
    }

    /// Takes back units of the n-th line of an order: cancelled if not yet sent, else returned.
    pub fn take_back(&self, order: u64, line: usize, units: i64, restock: bool) {
        self.market.world(|world| world.take_back(&self.name, order, line, units, restock));
    }

    /// Takes units out of the n-th line by an edit of the order.
    pub fn remove_units(&self, order: u64, line: usize, units: i64, restock: bool) {
        self.market.world(|world| world.remove_units(&self.name, order, line, units, restock));
    }

    /// Adds units of an SKU to an order by an edit.
    pub fn add_to_order(&self, order: u64, sku: &str, units: i64) {
        self.market.world(|world| world.add_to_order(&self.name, order, sku, units));
    }

    /// Marks an order as brought in by another program.
    pub fn set_origin(&self, order: u64, origin: &str) {
        self.market.world(|world| world.order_mut(&self.name, order).origin = Some(origin.into()));
    }

    /// Lets another program bring in an order that was sold elsewhere under a number.
    pub fn bring_in(&self, sku: &str, units: i64, origin: &str, number: &str) -> u64 {
        let order = self.buy(sku, units).expect("there is enough of it");
        self.market.world(|world| world.order_mut(&self.name, order).elsewhere = Some(number.into()));
        self.set_origin(order, origin);
        order
    }

    /// Returns the number by which the owner knows an order.
    pub fn number(&self, order: u64) -> String {
        self.market.world(|world| world.shop(&self.name).orders[&order].number.clone())
    }

    /// Lets the owner write a number by hand.
    pub fn owner_sets(&self, sku: &str, units: i64) {
        self.market.world(|world| world.set_units(Who::Owner, &self.name, sku, units));
    }

    /// Lets another program write a number.
    pub fn another_app_sets(&self, sku: &str, units: i64) {
        self.market.world(|world| world.set_units(Who::OtherApp, &self.name, sku, units));
    }

    /// Lets the owner give an SKU another name.
    pub fn rename_sku(&self, sku: &str, new: &str) {
        self.market.world(|world| world.rename_sku(&self.name, sku, new));
    }

    /// Lets the owner put the product of an SKU on sale, or take it off.
    pub fn set_state(&self, sku: &str, state: State) {
        self.market.world(|world| world.set_state(Who::Owner, &self.name, sku, state));
    }

    /// Lets the owner take a variant out of sight, or show it.
    pub fn hide(&self, sku: &str, hidden: bool) {
        self.market.world(|world| world.hide(&self.name, sku, hidden));
    }

    /// Tells whether buyers can buy an SKU, if there is any left.
    pub fn for_sale(&self, sku: &str) -> bool {
        self.market
            .world(|world| world.shop(&self.name).variants_of(sku).any(|variant| world.on_sale(&self.name, variant)))
    }

    /// Lets the owner delete the product of an SKU.
    pub fn delete(&self, sku: &str) {
        self.market.world(|world| world.delete(&self.name, sku));
    }

    /// Lets the owner switch the counting of stock on or off.
    pub fn set_tracked(&self, sku: &str, tracked: bool) {
        self.market.world(|world| world.set_tracked(&self.name, sku, tracked));
    }

    /// Lets the owner allow sales below zero, or not.
    pub fn set_oversells(&self, sku: &str, oversells: bool) {
        self.market.world(|world| world.set_oversells(&self.name, sku, oversells));
    }

    /// Makes an SKU a bundle, whose stock is that of its components.
    pub fn set_bundle(&self, sku: &str) {
        self.market.world(|world| {
            let shop = world.shop_mut(&self.name);
            let variant = shop.variant_of(sku);
            shop.variants.get_mut(&variant).expect("the variant is there").bundle = true;
        });
    }

    /// Sets how far filtered lists trail behind writes.
    pub fn set_lag(&self, lag: Duration) {
        self.market.world(|world| world.shop_mut(&self.name).lag = lag);
    }

    /// Sets how long a new order stays out of the lists.
    pub fn set_order_delay(&self, delay: Duration) {
        self.market.world(|world| world.shop_mut(&self.name).order_delay = delay);
    }

    /// Lets one order stand in the list of orders only after a while.
    pub fn lists_late(&self, order: u64, delay: Duration) {
        self.market.world(|world| {
            let order = world.shop_mut(&self.name).orders.get_mut(&order).expect("the order is there");
            order.listed = Some(order.placed + delay);
        });
    }

    /// Sets how long after a cancellation the units come back.
    pub fn set_restock_delay(&self, delay: Duration) {
        self.market.world(|world| world.shop_mut(&self.name).restock_delay = delay);
    }

    /// Returns the units of an SKU over all locations, as they really are.
    pub fn available(&self, sku: &str) -> i64 {
        self.market.world(|world| world.shop(&self.name).available(sku))
    }

    /// Returns the units of an SKU at one location.
    pub fn available_at(&self, sku: &str, location: u64) -> i64 {
        self.market.world(|world| {
            let shop = world.shop(&self.name);
            shop.level(shop.item_of(sku), location).map_or(0, |level| level.available)
        })
    }

    /// Returns the location that a shop opened with.
    pub fn first_location(&self) -> u64 {
        self.market.world(|world| *world.shop(&self.name).locations.keys().next().expect("a shop has a location"))
    }

    /// Sums up what really became of an SKU.
    pub fn truth(&self, sku: &str) -> Truth {
        self.market.world(|world| world.truth(&self.name, sku))
    }

    /// Sums up what really became of every SKU that something happened to.
    pub fn truths(&self) -> BTreeMap<String, Truth> {
        self.market.world(|world| world.truths(&self.name))
    }

    /// Returns the calls to this shop, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.market.calls(&self.name)
    }

    /// Tells the least number of calls that can do this work for so many listings.
    pub fn least_calls(&self, work: Work, listings: usize) -> usize {
        self.market.lock().faces[&self.name].least_calls(work, listings)
    }

    /// Looks at the shop's face or changes it.
    pub fn face<F: Face, T>(&self, act: impl FnOnce(&mut F) -> T) -> T {
        self.market.face(&self.name, act)
    }
}
