//! What Shopify shows of orders (section 8).

use serde_json::Value;

use super::document::Asked;
use super::graphql::{Found, Run, Thing};
use super::reads::{Answered, gid, time, unplayed};
use crate::sim::sales::{Line, Order, RefundLine};

impl Run<'_> {
    pub(super) fn order(&mut self, id: u64, asked: &Asked) -> Answered {
        let order = &self.here().orders[&id];
        Ok(match asked.name.as_str() {
            "id" => gid("Order", id).into(),
            "legacyResourceId" => id.to_string().into(),
            "name" => order.number.as_str().into(),
            "createdAt" | "processedAt" => time(order.placed).into(),
            "updatedAt" => time(order.stamps.last()).into(),
            "cancelledAt" => order.cancelled.map(time).into(),
            "closedAt" => Value::Null.into(),
            "cancelReason" => order.cancelled.map(|_| if order.out_of_stock { "INVENTORY" } else { "CUSTOMER" }).into(),
            "test" => order.test.into(),
            "confirmed" => true.into(),
            "edited" => order.edited.into(),
            "sourceName" => order.origin.as_deref().unwrap_or("web").into(),
            "sourceIdentifier" => order.elsewhere.clone().into(),
            "displayFinancialStatus" => financial_status(order).into(),
            "displayFulfillmentStatus" => fulfilment_status(order).into(),
            "lineItems" => {
                let lines = order.lines.iter().map(|line| (line.id, Thing::Line(id, line.id))).collect::<Vec<_>>();
                return Self::page_of(lines.into_iter(), asked);
            }
            "refunds" => {
                let most = asked.args.get("first").and_then(Value::as_u64).unwrap_or(u64::MAX);
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                let refunds = order.refunds.iter().take(most);
                Found::Many(refunds.map(|refund| Some(Thing::Refund(id, refund.id))).collect())
            }
            field => return Err(unplayed("Order", field)),
        })
    }

    pub(super) fn line(&self, order: u64, id: u64, asked: &Asked) -> Answered {
        let record = &self.here().orders[&order];
        let Some(line) = record.lines.iter().find(|line| line.id == id) else { return Ok(Found::One(None)) };
        let variant = line.variant.filter(|variant| self.here().variants.contains_key(variant));
        Ok(match asked.name.as_str() {
            "id" => gid("LineItem", id).into(),
            "sku" if line.sku.is_empty() => Value::Null.into(),
            "sku" => line.sku.as_str().into(),
            "name" | "title" => format!("The {}", line.sku).into(),
            // 8.1: quantity counts refunded and removed units too, currentQuantity does not.
            "quantity" => line.units.into(),
            "currentQuantity" => (line.units - line.removed - line.refunded(record)).into(),
            "unfulfilledQuantity" => line.unsent(record).into(),
            // 8.1: null for custom items and deleted variants.
            "variant" => Found::One(variant.map(Thing::Variant)),
            "product" => Found::One(variant.map(|v| Thing::Product(self.here().variants[&v].product))),
            field => return Err(unplayed("LineItem", field)),
        })
    }

    pub(super) fn refund(&mut self, order: u64, id: u64, asked: &Asked) -> Answered {
        let record = &self.here().orders[&order];
        let Some(refund) = record.refunds.iter().find(|refund| refund.id == id) else { return Ok(Found::One(None)) };
        Ok(match asked.name.as_str() {
            "id" => gid("Refund", id).into(),
            "createdAt" | "processedAt" | "updatedAt" => time(refund.at).into(),
            "refundLineItems" => {
                let lines: Vec<_> = refund.lines.iter().map(|line| (line.id, refund_line(order, line))).collect();
                return Self::page_of(lines.into_iter(), asked);
            }
            field => return Err(unplayed("Refund", field)),
        })
    }
}

fn refund_line(order: u64, line: &RefundLine) -> Thing {
    // 8.2: what was not sent is CANCEL, what came back RETURN; only a tick of the owner puts it back.
    let kind = match (line.to, line.sent) {
        (None, _) => "NO_RESTOCK",
        (Some(_), false) => "CANCEL",
        (Some(_), true) => "RETURN",
    };
    let fields = vec![
        // 8.3: the id of a refund line can be null.
        ("id", Value::Null.into()),
        ("quantity", line.units.into()),
        ("restockType", kind.into()),
        ("restocked", line.to.is_some().into()),
        ("location", Found::One(line.to.map(Thing::Location))),
        ("lineItem", Found::One(Some(Thing::Line(order, line.line)))),
    ];
    Thing::record("RefundLineItem", fields)
}

fn financial_status(order: &Order) -> &'static str {
    let units = |count: fn(&Line, &Order) -> i64| order.lines.iter().map(|line| count(line, order)).sum::<i64>();
    let (sold, back) = (units(|line, _| line.units - line.removed), units(Line::refunded));
    match (order.paid, back) {
        (false, _) => "PENDING",
        (true, 0) => "PAID",
        (true, back) if back >= sold => "REFUNDED",
        (true, _) => "PARTIALLY_REFUNDED",
    }
}

/// Tells how much of an order was sent, in Shopify's word.
pub(super) fn fulfilment_status(order: &Order) -> &'static str {
    let sent: i64 = order.lines.iter().map(|line| line.shipped).sum();
    let open: i64 = order.lines.iter().map(|line| line.unsent(order)).sum();
    match (sent, open) {
        (0, _) => "UNFULFILLED",
        (_, 0) => "FULFILLED",
        _ => "PARTIALLY_FULFILLED",
    }
}
