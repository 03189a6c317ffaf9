//! What WooCommerce shows of orders and refunds (5).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::catalog::{gmt, sole_variant};
use super::lists::{Bounds, Row, cut, paged};
use super::params::only;
use super::{Answer, Call, Problem, Result, WooCommerce, json_answer};
use crate::sim::sales::{Line, Order, Refund};
use crate::sim::shelf::Shop;
use crate::sim::{Trouble, World};

/// The statuses of orders (5.3).
const STATUSES: [&str; 8] =
    ["pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"];

const ORDERED_BY: [&str; 7] = ["date", "id", "include", "title", "slug", "modified", "parent"];

impl WooCommerce {
    pub(super) fn list_orders(&self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Result<Answer> {
        self.drift(world, troubles);
        let params = &call.params;
        let wanted = params.list("status").unwrap_or_else(|| vec!["any".into()]);
        // 5.3: an unknown word is refused.
        let known = |word: &String| self.has_status(word) || word == "any" || word == "trash";
        if let Some(at) = wanted.iter().position(|word| !known(word)) {
            let words = format!("status[{at}] is not one of any, trash, {}.", STATUSES.join(", "));
            return Err(Problem::parameter("status", &words));
        }
        // 1.12, 5.3: the trash is not in "any", whatever else is named beside it.
        let any = wanted.iter().any(|word| word == "any");
        let fits = |status: &str| if any { status != "trash" } else { wanted.iter().any(|word| word == status) };
        let (bounds, include) = (Bounds::new(self, params)?, params.ids("include")?);
        let by = params.choice("orderby", &ORDERED_BY, "date")?;
        let hides = params.flag("order_item_display_meta")?;
        let shop = self.here(world);
        let rows = shop.orders.iter().filter(|(id, order)| {
            // Orders that show late.
            fits(self.order_status(**id, order))
                && order.placed + shop.order_delay <= world.now
                && include.as_ref().is_none_or(|ids| ids.contains(id))
        });
        let rows =
            rows.map(|(id, order)| Row { what: order, id: *id, created: order.placed, modified: self.stamp(order) });
        let (rows, paging, total) = cut(rows.filter(|row| bounds.hold(row)).collect(), params, by)?;
        let shown = rows.into_iter().map(|row| self.show_order(world, row.id, row.what, hides)).collect();
        Ok(paged(call, shown, paging, total))
    }

    /// Shows an order, one in the trash too.
    pub(super) fn one_order(&self, world: &World, call: &Call, id: u64) -> Result<Answer> {
        let order = self.find_order(world, id)?;
        let shown = self.show_order(world, id, order, call.params.flag("order_item_display_meta")?);
        Ok(json_answer(200, &only(shown, call.params.fields().as_deref(), true)))
    }

    fn find_order<'w>(&self, world: &'w World, id: u64) -> Result<&'w Order> {
        let order = self.here(world).orders.get(&id);
        order.ok_or_else(|| Problem::new(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID."))
    }

    pub(super) fn refunds_of(&self, world: &World, call: &Call, id: u64) -> Result<Answer> {
        let refunds = self.find_order(world, id)?.refunds.iter().map(|refund| (id, refund));
        self.page_of_refunds(world, call, refunds.collect())
    }

    pub(super) fn all_refunds(&self, world: &World, call: &Call) -> Result<Answer> {
        let orders = self.here(world).orders.iter();
        let refunds = orders.flat_map(|(id, order)| order.refunds.iter().map(|refund| (*id, refund)));
        self.page_of_refunds(world, call, refunds.collect())
    }

    fn page_of_refunds(&self, world: &World, call: &Call, refunds: Vec<(u64, &Refund)>) -> Result<Answer> {
        let by = call.params.choice("orderby", &ORDERED_BY, "date")?;
        let bounds = Bounds::new(self, &call.params)?;
        let rows = refunds.into_iter().map(|what| Row { what, id: what.1.id, created: what.1.at, modified: what.1.at });
        let (rows, paging, total) = cut(rows.filter(|row| bounds.hold(row)).collect(), &call.params, by)?;
        let shown = rows.into_iter().map(|row| self.show_refund(world, row.what.0, row.what.1)).collect();
        Ok(paged(call, shown, paging, total))
    }

    pub(super) fn order_statuses(&self) -> Answer {
        let all = self.all_statuses().map(|status| json!({ "slug": status, "name": status }));
        json_answer(200, &all.collect::<Vec<_>>().into())
    }

    pub(super) fn order_totals(&self, world: &World) -> Answer {
        let orders = &self.here(world).orders;
        let count = |status: &str| orders.iter().filter(|(id, order)| self.order_status(**id, order) == status).count();
        let all = self.all_statuses().map(|status| json!({ "slug": status, "name": status, "total": count(status) }));
        json_answer(200, &all.collect::<Vec<_>>().into())
    }

    fn all_statuses(&self) -> impl Iterator<Item = &str> {
        STATUSES.into_iter().chain(self.custom_statuses.iter().map(String::as_str))
    }

    /// Tells whether there is such a status in this shop (5.3).
    pub(super) fn has_status(&self, status: &str) -> bool {
        self.all_statuses().any(|known| known == status)
    }

    /// Tells an order's status: what somebody set, or what follows from the world.
    pub(super) fn order_status(&self, id: u64, order: &Order) -> &str {
        if self.trashed.contains(&id) {
            return "trash";
        }
        let held: i64 = order.lines.iter().map(|line| line.held).sum();
        match (self.statuses.get(&id), order.cancelled) {
            // 5.1: a cancellation gives back; what gave nothing back was refunded by its status alone.
            (_, Some(_)) if held > 0 => "refunded",
            (_, Some(_)) => "cancelled",
            (Some(status), None) => status,
            (None, None) if order.lines.iter().all(|line| line.shipped > 0) => "completed",
            (None, None) => "processing",
        }
    }

    /// Tells when an order last changed. 5.3: on 5.9 a refund of a part does not count.
    fn stamp(&self, order: &Order) -> Timestamp {
        let mut last = order.stamps.last();
        while !self.since(8, 0, 0) && order.cancelled.is_none() && order.refunds.iter().any(|refund| refund.at == last)
        {
            match order.stamps.as_of(last - SignedDuration::from_nanos(1)) {
                Some(earlier) => last = earlier,
                None => break,
            }
        }
        last
    }

    /// Shows an order. 5.2: whoever asks for meta data that are fit for display does not see what a line holds.
    fn show_order(&self, world: &World, id: u64, order: &Order, hides: bool) -> Value {
        let shop = self.here(world);
        let modified = self.stamp(order);
        // 2.8: what the lines took off the shelf shows a moment after the stamp.
        let early = hides || world.now < order.placed + self.reduction_delay;
        let lines: Vec<_> = order.lines.iter().map(|line| self.show_line(shop, order, line, early)).collect();
        let refunds: Vec<_> =
            order.refunds.iter().map(|refund| json!({ "id": refund.id, "reason": "", "total": "-12.50" })).collect();
        let buyer =
            json!({ "first_name": "Ada", "last_name": "Example", "email": "ada@example.org", "phone": "555-0100" });
        json!({
            "id": id, "parent_id": 0, "number": id.to_string(), "status": self.order_status(id, order),
            "currency": "EUR", "total": "12.50", "version": self.version.to_string(),
            "date_created": self.local(order.placed), "date_created_gmt": gmt(order.placed),
            "date_modified": self.local(modified), "date_modified_gmt": gmt(modified),
            "created_via": order.origin.as_deref().unwrap_or("checkout"),
            "billing": buyer, "shipping": buyer, "customer_note": "Please ring twice.",
            "line_items": lines, "refunds": refunds, "meta_data": order_meta(id, order),
            "_links": { "self": [{ "href": format!("{}/wp-json/wc/v3/orders/{id}", self.home) }] },
        })
    }

    fn show_line(&self, shop: &Shop, order: &Order, line: &Line, early: bool) -> Value {
        let (product, variation, sku) = self.sold(shop, line);
        let put_back: i64 = order
            .refunds
            .iter()
            .flat_map(|refund| &refund.lines)
            .filter(|r| r.line == line.id && r.to.is_some())
            .map(|r| r.units)
            .sum();
        let back = if order.cancelled.is_some() { 0 } else { put_back };
        let mut meta = vec![json!({ "id": line.id * 10, "key": "size", "value": "M" })];
        // 5.2: what a line holds, as a text; gone where it holds nothing.
        if line.held > 0 && !early {
            meta.push(json!({ "id": line.id * 10 + 1, "key": "_reduced_stock", "value": line.held.to_string() }));
        }
        if back > 0 && !early {
            meta.push(json!({ "id": line.id * 10 + 2, "key": "_restock_refunded_items", "value": back.to_string() }));
        }
        json!({
            "id": line.id, "name": format!("The {}", line.sku),
            // 1.7: of today, not of the day of the sale; nothing where the product was deleted.
            "product_id": product, "variation_id": variation, "sku": sku,
            // 5.3: does not change with refunds.
            "quantity": line.units - line.removed, "meta_data": meta,
        })
    }

    /// Tells what a line sold, as it is today: product, variation, SKU (1.7).
    fn sold<'a>(&self, shop: &'a Shop, line: &Line) -> (u64, u64, Option<&'a str>) {
        let Some((id, variant)) = line.variant.and_then(|id| Some((id, shop.variants.get(&id)?))) else {
            return (0, 0, None);
        };
        if sole_variant(shop, variant.product) == Some(id) {
            return (variant.product, 0, Some(&variant.sku));
        }
        (self.parent_of(shop, id), id, Some(&variant.sku))
    }

    fn show_refund(&self, world: &World, order: u64, refund: &Refund) -> Value {
        let shop = self.here(world);
        let lines = refund.lines.iter().map(|back| {
            let line = shop.orders[&order].lines.iter().find(|line| line.id == back.line);
            let (product, variation, sku) = line.map_or((0, 0, None), |line| self.sold(shop, line));
            json!({ "id": back.id, "quantity": -back.units,
                "product_id": product, "variation_id": variation, "sku": sku,
                "meta_data": [{ "id": back.id * 10, "key": "_refunded_item_id", "value": back.line.to_string() }] })
        });
        json!({ "id": refund.id, "parent_id": order, "amount": "12.50", "reason": "", "refunded_payment": false,
            "date_created": self.local(refund.at), "date_created_gmt": gmt(refund.at),
            "line_items": lines.collect::<Vec<_>>() })
    }
}

/// What stands among an order's meta data: what the shop noted of its buyer, and what a program that brought the order in
/// noted of where it was sold.
fn order_meta(id: u64, order: &Order) -> Value {
    let note = |nth: u64, key: &str, value: &str| json!({ "id": id * 10 + nth, "key": key, "value": value });
    let elsewhere = order.elsewhere.iter().map(|number| note(2, "_marketplace_order_id", number));
    std::iter::once(note(1, "_billing_birthday", "1815-12-10")).chain(elsewhere).collect()
}
