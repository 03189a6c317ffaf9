//! Orders, and what Shopify holds off its stock for them (section 8 of its facts).
//!
//! Shopify lowers `available` when an order is created, paid or not, and raises it only where a person ticked that the
//! goods go back: `restockType` says so. A cancellation without refund lines says nothing yet, since it is the work of a
//! background job; the units stay taken until the refund shows.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::api::Document;
use super::wire::{Connection, Location, Nodes, PageInfo, ShopAnswer, ShopNode, item_number};
use super::{ORDERS, Shopify};
use crate::channel::{ChannelError, Page, PageToken, Result, printable};
use crate::domain::{LineFact, LineKey, ListingKey, OrderFact, OrderWindow, Sku};

const READ: Document = Document { text: include_str!("orders.graphql"), operation: "reading orders", cost: 460.0 };
const MORE: Document =
    Document { text: include_str!("order_lines.graphql"), operation: "reading the lines of an order", cost: 40.0 };

/// Ways in which a shop itself sells; anything else is an app that brings orders in (W5).
const OWN: &[&str] = &["web", "pos", "shopify_draft_order", "iphone", "android", "subscription_contract", ""];

#[derive(Deserialize)]
struct Answer {
    shop: ShopNode,
    locations: Nodes<Location>,
    orders: Connection<Order>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: String,
    name: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    cancel_reason: Option<String>,
    #[serde(default)]
    test: bool,
    source_name: Option<String>,
    source_identifier: Option<String>,
    line_items: Connection<LineItem>,
    refunds: Vec<Refund>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineItem {
    id: String,
    sku: Option<String>,
    quantity: i64,
    current_quantity: i64,
    unfulfilled_quantity: i64,
    /// Null where the goods were deleted since.
    #[serde(deserialize_with = "Option::deserialize")]
    variant: Option<Variant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variant {
    inventory_item: Item,
}

#[derive(Deserialize)]
struct Item {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refund {
    refund_line_items: RefundLines,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundLines {
    nodes: Vec<RefundLine>,
    page_info: HasNext,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HasNext {
    has_next_page: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundLine {
    quantity: i64,
    restock_type: String,
    line_item: Item,
}

#[derive(Deserialize)]
struct MoreAnswer {
    order: Option<MoreOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoreOrder {
    line_items: Connection<LineItem>,
}

/// Units of a line that were refunded, and those of them that went back on the shelf.
#[derive(Clone, Copy, Default)]
struct Refunded {
    units: i64,
    back: i64,
}

impl Shopify {
    /// Reads a page of orders. The same call tells whose shop this is and where its stock lies.
    pub(super) async fn read_orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        let filter = match window {
            OrderWindow::ChangedSince(since) => format!("updated_at:>='{since:.0}'"),
            OrderWindow::Unfinished => "status:open AND fulfillment_status:unfulfilled".to_owned(),
        };
        let variables = json!({ "first": ORDERS, "after": page.map(|page| page.0), "filter": filter });
        let answer: Answer = self.api.ask(READ, variables).await?;
        // The account that answers now counts, not the one remembered from an earlier call (I1).
        let account = answer.shop.account();
        let found = ShopAnswer { shop: answer.shop, locations: answer.locations };
        self.shop.get_or_try_init(|| self.found(found)).await?;
        let next = answer.orders.page_info.next()?;
        let mut items = Vec::with_capacity(answer.orders.nodes.len());
        for mut order in answer.orders.nodes {
            if order.test {
                continue;
            }
            self.complete(&mut order).await?;
            items.push(fact(order)?);
        }
        Ok(Page { items, next, account: Some(account) })
    }

    /// Reads the lines of an order that did not fit on the page.
    async fn complete(&self, order: &mut Order) -> Result<()> {
        let last = PageInfo { has_next_page: false, end_cursor: None };
        let mut info = std::mem::replace(&mut order.line_items.page_info, last);
        while let Some(PageToken(after)) = info.next()? {
            let more: MoreAnswer = self.api.ask(MORE, json!({ "id": order.id, "after": after })).await?;
            let Some(more) = more.order else {
                return Err(ChannelError::unexpected(
                    MORE.operation,
                    format!("order {} vanished meanwhile", order.name),
                ));
            };
            order.line_items.nodes.extend(more.line_items.nodes);
            info = more.line_items.page_info;
        }
        Ok(())
    }
}

fn fact(order: Order) -> Result<OrderFact> {
    let mut refunded = HashMap::<String, Refunded>::new();
    for refund in order.refunds {
        if refund.refund_line_items.page_info.has_next_page {
            let message = format!("a refund of order {} has more than 50 lines", printable(&order.name, 40));
            return Err(ChannelError::unexpected(READ.operation, message));
        }
        for line in refund.refund_line_items.nodes {
            let sum = refunded.entry(line.line_item.id).or_default();
            let back = matches!(line.restock_type.as_str(), "CANCEL" | "RETURN" | "LEGACY_RESTOCK");
            sum.units = sum.units.saturating_add(line.quantity);
            sum.back = sum.back.saturating_add(if back { line.quantity } else { 0 });
        }
    }
    let out_of_stock = order.cancel_reason.as_deref() == Some("INVENTORY");
    let line = |item: LineItem| {
        let refunded = refunded.get(&item.id).copied().unwrap_or_default();
        item.fact(refunded, out_of_stock)
    };
    let origin = order.source_name.filter(|name| !OWN.contains(&name.as_str()));
    let id = order.id.rsplit('/').next().unwrap_or(&order.id).to_owned();
    let elsewhere = order.source_identifier.filter(|number| origin.is_some() && !number.trim().is_empty());
    let also = std::iter::once(id).chain(elsewhere).map(|number| printable(&number, 60)).collect();
    Ok(OrderFact {
        order: printable(&order.name, 60),
        placed: order.created_at,
        changed: order.updated_at,
        also,
        origin: origin.map(|origin| printable(&origin, 60)),
        lines: order.line_items.nodes.into_iter().map(line).collect(),
    })
}

impl LineItem {
    /// Makes a line of it. Units that an edit of the order removed are `quantity` less what is left and less what was
    /// refunded; whether the editor put them back cannot be seen, and mostly nothing had left the shelf (8.3).
    fn fact(self, refunded: Refunded, out_of_stock: bool) -> LineFact {
        let removed = self.quantity.saturating_sub(self.current_quantity).saturating_sub(refunded.units).max(0);
        let taken = self.quantity.saturating_sub(refunded.back).saturating_sub(removed).max(0);
        let listing = self.variant.and_then(|variant| item_number(&variant.inventory_item.id));
        LineFact {
            key: LineKey(self.id.rsplit('/').next().unwrap_or(&self.id).to_owned()),
            listings: listing.into_iter().map(ListingKey::new).collect(),
            sku: self.sku.as_deref().and_then(Sku::new),
            taken,
            cancelled: 0,
            shipped: self.unfulfilled_quantity < self.current_quantity,
            out_of_stock,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(quantity: i64, current: i64, refunds: &[(i64, &str)]) -> i64 {
        let item = LineItem {
            id: "gid://shopify/LineItem/1".to_owned(),
            sku: None,
            quantity,
            current_quantity: current,
            unfulfilled_quantity: current,
            variant: None,
        };
        let back = |kind: &str| matches!(kind, "CANCEL" | "RETURN");
        let refunded = Refunded {
            units: refunds.iter().map(|(units, _)| units).sum(),
            back: refunds.iter().filter(|(_, kind)| back(kind)).map(|(units, _)| units).sum(),
        };
        item.fact(refunded, false).taken
    }

    // proves W5 for Shopify: an order that was brought in says by whom, and its number there.
    #[test]
    fn an_order_that_was_brought_in_says_its_number_there() {
        let order = |source: &str| {
            let order = json!({ "id": "gid://shopify/Order/5550001", "name": "#1007", "createdAt": "2026-03-02T08:14:07Z",
                "updatedAt": "2026-03-02T08:14:09Z", "sourceName": source, "sourceIdentifier": "12-34567", "refunds": [],
                "lineItems": { "nodes": [], "pageInfo": { "hasNextPage": false, "endCursor": null } } });
            let fact = fact(serde_json::from_value(order).unwrap()).unwrap();
            (fact.origin, fact.also)
        };
        let also = |numbers: &[&str]| numbers.iter().map(|number| (*number).to_owned()).collect::<Vec<_>>();
        assert_eq!(order("connector"), (Some("connector".to_owned()), also(&["5550001", "12-34567"])));
        assert_eq!(order("web"), (None, also(&["5550001"])), "the shop's own");
    }

    // proves W3 for Shopify: units are back only where `restockType` says so, or an edit took them out.
    #[test]
    fn units_are_back_only_where_shopify_says_so() {
        assert_eq!(taken(3, 3, &[]), 3);
        assert_eq!(taken(3, 2, &[(1, "CANCEL")]), 2);
        assert_eq!(taken(3, 2, &[(1, "NO_RESTOCK")]), 3);
        assert_eq!(taken(3, 0, &[(1, "NO_RESTOCK"), (2, "CANCEL")]), 1);
        assert_eq!(taken(3, 1, &[]), 1, "two were removed by an edit");
    }

    // proves P5, W3: without its refunds an order does not say what went back, nor without the kind of one.
    #[test]
    fn an_order_that_leaves_something_out_is_an_error_that_names_it() {
        let line = json!({ "id": "gid://shopify/LineItem/1", "sku": null, "quantity": 3, "currentQuantity": 2,
            "unfulfilledQuantity": 2, "variant": null });
        let refund =
            json!({ "quantity": 1, "restockType": "NO_RESTOCK", "lineItem": { "id": "gid://shopify/LineItem/1" } });
        let order = json!({ "id": "gid://shopify/Order/1", "name": "#1", "createdAt": "2026-11-23T06:00:00Z",
            "updatedAt": "2026-11-23T06:00:00Z",
            "lineItems": { "nodes": [line], "pageInfo": { "hasNextPage": false, "endCursor": null } },
            "refunds": [{ "refundLineItems": { "nodes": [refund], "pageInfo": { "hasNextPage": false } } }] });
        let read = |order: &serde_json::Value| {
            serde_json::from_value::<Order>(order.clone()).map_err(|error| error.to_string())
        };
        assert_eq!(fact(read(&order).unwrap()).unwrap().lines[0].taken, 3);
        let places = [
            ("", "refunds"),
            ("/refunds/0/refundLineItems/nodes/0", "restockType"),
            ("/refunds/0/refundLineItems/nodes/0", "quantity"),
            ("/lineItems/nodes/0", "currentQuantity"),
            ("/lineItems/nodes/0", "variant"),
        ];
        for (place, field) in places {
            let mut order = order.clone();
            order.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
            let error = read(&order).map(|_| ()).unwrap_err();
            assert!(error.contains(field), "{error}");
        }
    }
}
