//! Purchases, which become orders only when they are paid (7, and the corrections of the sheet).
//!
//! A purchase takes units off the listing at once. It has a number of its own until it is paid, another one then, and
//! a third if several are put together; the numbers of its lines stay.

use std::time::Duration;

use jiff::Timestamp;

use super::listings::variation_id;
use super::orders::{line_id, order_number};
use super::{Ebay, Trouble};
use crate::sim::{ShopHandle, Turned, Who, World};

/// What an order of the world is at eBay.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    /// When it was paid.
    pub paid: Option<Timestamp>,
    /// The number that it bears as an order.
    pub number: Option<String>,
    /// The order that it was put into.
    pub within: Option<u64>,
    /// Whether the buyer asked for a cancellation that the seller has not decided on.
    pub asked: bool,
}

impl Ebay {
    /// Takes note of a purchase, unless it is known.
    pub(super) fn note_purchase(&mut self, world: &mut World, order: u64, at: Timestamp) {
        if self.purchases.contains_key(&order) {
            return;
        }
        self.purchases.insert(order, Purchase { paid: None, number: None, within: None, asked: false });
        world.order_mut(&self.shop, order).paid = false;
        if self.pays_at_once {
            self.settle(world, order, at);
        }
    }

    /// Lets purchases be paid, or end unpaid, whose time has come.
    pub(super) fn let_time_tell(&mut self, world: &mut World) {
        if self.pays_after.or(self.lapses_after).is_none() {
            return;
        }
        let orders = &world.shop(&self.shop).orders;
        let open = self.purchases.iter().filter(|(id, one)| one.paid.is_none() && orders[id].cancelled.is_none());
        let open: Vec<_> = open.map(|(id, _)| (*id, orders[id].placed)).collect();
        for (order, placed) in open {
            let due = |after: Option<Duration>| after.map(|after| placed + after).filter(|due| *due <= world.now);
            match (due(self.pays_after), due(self.lapses_after)) {
                (Some(paid), lapsed) if lapsed.is_none_or(|lapsed| paid <= lapsed) => self.settle(world, order, paid),
                (_, Some(_)) => world.cancel(&self.shop, order, self.auto_relist, false),
                _ => {}
            }
        }
    }

    fn settle(&mut self, world: &mut World, order: u64, at: Timestamp) {
        let number = order_number(world.id());
        let purchase = self.purchases.get_mut(&order).expect("the purchase is known");
        (purchase.paid, purchase.number) = (Some(at), Some(number));
        world.order_mut(&self.shop, order).paid = true;
    }
}

impl ShopHandle {
    /// Does something to the shop as an account at eBay, with all taken note of that happened before.
    pub(super) fn ebay<T>(&self, act: impl FnOnce(&mut Ebay, &mut World) -> T) -> T {
        self.market().face_and_world(self.name(), |face: &mut Ebay, world| {
            face.catch_up(world);
            act(face, world)
        })
    }

    /// Sells several SKUs in one purchase that is not paid; returns the order that it may become.
    pub fn buy_unpaid(&self, basket: &[(&str, i64)]) -> Result<u64, Turned> {
        self.ebay(|face, world| {
            let order = world.buy(&face.shop, basket)?;
            let paying = std::mem::replace(&mut face.pays_at_once, false);
            face.catch_up(world);
            face.pays_at_once = paying;
            Ok(order)
        })
    }

    /// Lets a buyer pay a purchase, which gets the number of an order by it.
    pub fn pay(&self, order: u64) {
        self.ebay(|face, world| {
            let now = world.now;
            face.settle(world, order, now);
            world.touch_order(&face.shop, order);
        });
    }

    /// Lets a buyer pay several purchases in one go, or eBay put paid ones together: one order, under a new number.
    pub fn combine(&self, orders: &[u64]) {
        self.ebay(|face, world| {
            let now = world.now;
            let (first, rest) = orders.split_first().expect("there is something to put together");
            for order in orders {
                let paid = face.purchases[order].paid.unwrap_or(now);
                face.settle(world, *order, paid);
                world.touch_order(&face.shop, *order);
            }
            for order in rest {
                face.purchases.get_mut(order).expect("the purchase is known").within = Some(*first);
            }
        });
    }

    /// Lets the time run out in which a purchase could be paid: units come back only if the seller has it so (7).
    pub fn let_lapse(&self, order: u64) {
        let relists = self.ebay(|face, _| face.auto_relist);
        self.cancel(order, relists);
    }

    /// Lets a buyer ask for a cancellation, which is none until the seller decides.
    pub fn ask_to_cancel(&self, order: u64) {
        self.ebay(|face, world| {
            face.purchases.get_mut(&order).expect("the purchase is known").asked = true;
            world.touch_order(&face.shop, order);
        });
    }

    /// Lets the seller refuse a cancellation.
    pub fn refuse_to_cancel(&self, order: u64) {
        self.ebay(|face, world| {
            face.purchases.get_mut(&order).expect("the purchase is known").asked = false;
            world.touch_order(&face.shop, order);
        });
    }

    /// Lets the seller end the listing of an SKU.
    pub fn end_listing(&self, sku: &str) {
        self.ebay(|face, world| {
            let (now, product) = (world.now, listing_of(face, world, sku));
            face.end(world, product, now, "NotAvailable", Who::Owner);
        });
    }

    /// Lets the seller list again what ended, with what is there; returns the new number.
    pub fn relist(&self, sku: &str) -> String {
        self.ebay(|face, world| {
            let (now, product) = (world.now, listing_of(face, world, sku));
            face.list_anew(world, product, now, Who::Owner).to_string()
        })
    }

    /// Returns the number of the listing that an SKU is in.
    pub fn item_id(&self, sku: &str) -> String {
        self.ebay(|face, world| face.listings[&listing_of(face, world, sku)].item.to_string())
    }

    /// Returns the number of the variation that an SKU is.
    pub fn variation_id(&self, sku: &str) -> String {
        self.ebay(|face, world| variation_id(world.shop(&face.shop).variant_of(sku)))
    }

    /// Returns the number of the offer that an SKU has in the Inventory interface.
    pub fn offer_id(&self, sku: &str) -> String {
        self.ebay(|face, world| face.offers[&world.shop(&face.shop).variant_of(sku)].id.clone())
    }

    /// Returns the number that an order bears today, if it is one.
    pub fn order_number(&self, order: u64) -> Option<String> {
        self.ebay(|face, _| {
            let purchase = &face.purchases[&order];
            let shown = purchase.within.map_or(purchase, |other| &face.purchases[&other]);
            shown.number.clone()
        })
    }

    /// Returns the number of the n-th line of an order, which stays as long as the sale.
    pub fn line_item_id(&self, order: u64, line: usize) -> String {
        self.ebay(|face, world| line_id(world.shop(&face.shop).orders[&order].lines[line].id))
    }

    /// Gives a token that is good now, as the token endpoint does.
    pub fn ebay_token(&self) -> String {
        self.ebay(|face, world| face.give_token(world.now, true))
    }
}

fn listing_of(face: &Ebay, world: &World, sku: &str) -> u64 {
    let shop = world.shop(&face.shop);
    shop.variants[&shop.variant_of(sku)].product
}

/// Lets records move while a list is read.
pub(super) fn drift(face: &Ebay, world: &mut World, troubles: &[Trouble]) -> bool {
    let drifts = troubles.contains(&Trouble::Drift);
    if drifts {
        world.drift(&face.shop);
    }
    drifts
}
