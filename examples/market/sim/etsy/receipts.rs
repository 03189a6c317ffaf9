//! What Etsy shows of sales (7): receipts, each with a transaction for whatever was bought of one product.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::frame::{Answered, Call, Problem};
use super::listings::listing_id;
use super::shows::{money, show_value};
use super::{Answer, Etsy, json_answer};
use crate::sim::sales::{Line, Order};
use crate::sim::{Trouble, World};

/// What numbers of receipts begin with, and of transactions.
const RECEIPTS: u64 = 3_300_000_000;
const TRANSACTIONS: u64 = 4_400_000_000;

/// The first moment that Etsy knows.
const FIRST: i64 = 946_684_800;

/// The receipts that a list is about.
struct Wanted {
    created: (Option<i64>, Option<i64>),
    modified: (Option<i64>, Option<i64>),
    paid: Option<bool>,
    shipped: Option<bool>,
    delivered: Option<bool>,
    canceled: Option<bool>,
}

/// A receipt as a list sees it.
struct Row<'a> {
    id: u64,
    order: &'a Order,
    updated: Timestamp,
}

/// Writes the number of the receipt that an order is.
pub fn receipt_id(order: u64) -> u64 {
    RECEIPTS + order
}

/// Writes the number of a transaction.
pub(super) fn transaction_id(line: u64) -> u64 {
    TRANSACTIONS + line
}

impl Wanted {
    fn read(call: &Call) -> Result<Self, Problem> {
        let moment = |name: &str| call.number(name, FIRST, i64::MAX);
        Ok(Self {
            created: (moment("min_created")?, moment("max_created")?),
            modified: (moment("min_last_modified")?, moment("max_last_modified")?),
            paid: call.flag("was_paid")?,
            shipped: call.flag("was_shipped")?,
            delivered: call.flag("was_delivered")?,
            canceled: call.flag("was_canceled")?,
        })
    }

    /// Tells whether a receipt is wanted; bounds are whole seconds, and included.
    fn holds(&self, face: &Etsy, row: &Row<'_>) -> bool {
        let within = |at: Timestamp, (from, to): (Option<i64>, Option<i64>)| {
            from.is_none_or(|from| from <= at.as_second()) && to.is_none_or(|to| at.as_second() <= to)
        };
        let is = |wanted: Option<bool>, so: bool| wanted.is_none_or(|wanted| wanted == so);
        let canceled = row.order.cancelled.is_some();
        within(row.order.placed, self.created)
            && within(row.updated, self.modified)
            && is(self.paid, face.is_paid(row.id))
            && is(self.shipped, is_shipped(row.order))
            && is(self.delivered, false)
            // 0, 7: all, if nothing is said; older reports have it that those were missing then.
            && is(self.canceled.or((!face.lists_canceled).then_some(false)), canceled)
    }
}

impl Etsy {
    pub(super) fn list_receipts(&self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        let wanted = Wanted::read(call)?;
        let (skip, limit) = call.part()?;
        let by = call.word("sort_on", &["created", "updated", "receipt_id"])?.unwrap_or("created");
        let order = call.word("sort_order", &["asc", "ascending", "desc", "descending", "up", "down"])?;
        call.flag("legacy")?;
        if troubles.contains(&Trouble::Drift) {
            world.drift(&self.shop);
        }
        let shop = world.shop(&self.shop);
        let seen = world.now - shop.lag;
        let rows = shop.orders.iter().filter_map(|(id, order)| {
            // What is new may show late.
            let shown = order.placed + shop.order_delay <= world.now && !order.lines.is_empty();
            Some(Row { id: *id, order, updated: order.stamps.as_of(seen).filter(|_| shown)? })
        });
        let mut rows: Vec<_> = rows.filter(|row| wanted.holds(self, row)).collect();
        rows.sort_by_key(|row| match by {
            "updated" => (row.updated.as_second(), row.id),
            "receipt_id" => (0, row.id),
            _ => (row.order.placed.as_second(), row.id),
        });
        if !matches!(order, Some("asc" | "ascending" | "up")) {
            rows.reverse();
        }
        let shown: Vec<_> = rows.iter().skip(skip).take(limit).map(|row| self.show_receipt(row, troubles)).collect();
        let count = shown.len();
        Ok(Answer { items: Some(count), ..json_answer(200, &json!({ "count": rows.len(), "results": shown })) })
    }

    pub(super) fn one_receipt(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        let id = call.ids[1].saturating_sub(RECEIPTS);
        let order = world.shop(&self.shop).orders.get(&id).ok_or_else(Problem::gone)?;
        let row = Row { id, order, updated: order.stamps.last() };
        Ok(json_answer(200, &self.show_receipt(&row, troubles)))
    }

    /// Tells a receipt's state; 7: in small letters or not.
    fn status(&self, id: u64, order: &Order) -> String {
        let (sold, back) = order
            .lines
            .iter()
            .fold((0, 0), |sum, line| (sum.0 + line.units, sum.1 + line.refunded(order) + line.removed));
        let money = self.money.get(&id).map_or(0, |refunds| refunds.iter().map(|(_, cents)| *cents).sum());
        let word = match () {
            () if order.cancelled.is_some() => "canceled",
            () if back >= sold || money >= self.price_of(order) => "fully refunded",
            () if back > 0 || money > 0 => "partially refunded",
            () if !self.is_paid(id) => "payment processing",
            () if is_shipped(order) => "completed",
            () => "paid",
        };
        let (first, rest) = word.split_at(1);
        if self.capitals && (id / 2) % 2 == 1 { format!("{}{rest}", first.to_uppercase()) } else { word.into() }
    }

    fn is_paid(&self, order: u64) -> bool {
        !self.processing.contains_key(&order)
    }

    /// Tells what an order costs, in hundredths.
    pub(super) fn price_of(&self, order: &Order) -> i64 {
        order.lines.iter().map(|line| line.units * self.homes.get(&line.id).map_or(1250, |home| home.cents)).sum()
    }

    fn show_receipt(&self, row: &Row<'_>, troubles: &[Trouble]) -> Value {
        let (id, order) = (row.id, row.order);
        let (placed, updated) = (order.placed.as_second(), row.updated.as_second());
        let transactions: Vec<_> =
            order.lines.iter().map(|line| self.show_transaction(id, order, line, troubles)).collect();
        let refund = |at: Timestamp, cents: i64| {
            json!({ "amount": money(cents), "created_timestamp": at.as_second(), "reason": "", "note_from_issuer": null,
                "status": "refunded" })
        };
        let units = order.refunds.iter().map(|back| {
            let units: i64 = back.lines.iter().map(|line| line.units).sum();
            refund(back.at, units * 1250)
        });
        let more = self.money.get(&id).into_iter().flatten().map(|(at, cents)| refund(*at, *cents));
        let refunds: Vec<_> = units.chain(more).collect();
        let price = money(self.price_of(order));
        json!({
            "receipt_id": receipt_id(id), "receipt_type": 0, "seller_user_id": self.user_id, "seller_email": null,
            "buyer_user_id": 77_000_001, "buyer_email": "ada@example.org", "name": "Ada Example",
            "first_line": "1 Example Street", "city": "Exampleton", "zip": "12345", "country_iso": "US",
            "status": self.status(id, order), "payment_method": "cc", "message_from_buyer": "Please ring twice.",
            "is_paid": self.is_paid(id), "is_shipped": is_shipped(order), "create_timestamp": placed,
            "created_timestamp": placed, "update_timestamp": updated, "updated_timestamp": updated, "is_gift": false,
            "gift_message": "", "grandtotal": price, "subtotal": price, "total_price": price, "shipments": [],
            "transactions": transactions, "refunds": refunds,
        })
    }

    fn show_transaction(&self, id: u64, order: &Order, line: &Line, troubles: &[Trouble]) -> Value {
        let home = self.homes.get(&line.id);
        let placed = order.placed.as_second();
        // What was deleted has no number here any more.
        let listing = home.map(|home| home.product).filter(|product| self.listings.contains_key(product));
        let product = home.filter(|_| listing.is_some()).map(|home| home.number);
        let sku = Some(&line.sku).filter(|sku| !sku.is_empty());
        let values = home.map_or(&[][..], |home| &home.values);
        let variations = values.iter().map(|value| {
            json!({ "property_id": value.property, "value_id": value.id, "formatted_name": value.name,
                "formatted_value": value.text })
        });
        let mut shown = json!({
            "transaction_id": transaction_id(line.id), "title": home.map(|home| &home.title), "description": null,
            "seller_user_id": self.user_id, "buyer_user_id": 77_000_001, "create_timestamp": placed,
            "created_timestamp": placed, "paid_timestamp": self.is_paid(id).then_some(placed),
            "receipt_id": receipt_id(id), "is_digital": home.is_some_and(|home| home.digital), "file_data": "",
            "listing_id": listing.map(listing_id), "transaction_type": "listing", "product_id": product, "sku": sku,
            "price": money(home.map_or(1250, |home| home.cents)), "variations": variations.collect::<Vec<_>>(),
            "product_data": values.iter().map(show_value).collect::<Vec<_>>(),
        });
        // An unpaid one is a sale as well (7).
        if !troubles.contains(&Trouble::NoNumbers) {
            shown["quantity"] = line.units.into();
        }
        shown
    }

    /// Takes note of how an order is paid, when it is first heard of.
    pub(super) fn note_payment(&mut self, world: &mut World, order: u64, at: Timestamp) {
        if self.orders.insert(order) && !self.pays_at_once {
            self.processing.insert(order, at);
            world.order_mut(&self.shop, order).paid = false;
        }
    }

    /// Lets payments clear whose time has come.
    pub(super) fn let_payments_clear(&mut self, world: &mut World) {
        let Some(after) = self.clears_after else { return };
        let due = |at: Timestamp, after: Duration| at + after <= world.now;
        let cleared: Vec<u64> = self.processing.iter().filter(|(_, at)| due(**at, after)).map(|(id, _)| *id).collect();
        for order in cleared {
            self.clear(world, order);
        }
    }

    pub(super) fn clear(&mut self, world: &mut World, order: u64) {
        if self.processing.remove(&order).is_some() {
            world.order_mut(&self.shop, order).paid = true;
            world.touch_order(&self.shop, order);
        }
    }
}

fn is_shipped(order: &Order) -> bool {
    order.lines.iter().all(|line| line.shipped > 0)
}
