//! Orders, and what eBay holds off its stock for them (section 7).
//!
//! A sold line is known by its `lineItemId` alone: an order's number changes when purchases are combined or paid. eBay does
//! not say whether the units of a cancelled order went back on the shelf; a refund alone moves none. Purchases that nobody
//! has paid yet are left out of the list; the counter of sold units is the only sign of them (O5).
//!
//! Of an order no more is read than its lines and their states; what eBay sends about the buyer goes by unread.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Ebay;
use super::api::{Call, encoded};
use super::keys::Key;
use crate::channel::{ChannelError, Page, PageToken, Result, printable};
use crate::domain::{LineFact, LineKey, ListingKey, OrderFact, OrderWindow, Sku};

const READ: &str = "reading orders";
const ROOT: &str = "/sell/fulfillment/v1/order";
/// Orders of a page.
const PAGE: usize = 200;
/// How often a list that moves while it is paged is begun again.
const MOST_STARTS: u32 = 5;
/// How far back eBay's orders go; an earlier stamp is refused.
const REACH: SignedDuration = SignedDuration::from_hours(24 * 720);

/// Why orders were cancelled, of those that were looked up: whether for lack of goods.
#[derive(Default)]
pub(super) struct Cancelled(Mutex<HashMap<String, bool>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Orders {
    orders: Option<Vec<Order>>,
    total: Option<usize>,
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    order_id: String,
    creation_date: Timestamp,
    last_modified_date: Timestamp,
    cancel_status: CancelStatus,
    line_items: Vec<LineItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelStatus {
    cancel_state: String,
    #[serde(default)]
    cancel_requests: Vec<CancelRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelRequest {
    cancel_reason: Option<String>,
}

/// An order that is looked up for the reason of its cancellation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasons {
    cancel_status: CancelStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineItem {
    line_item_id: String,
    sku: Option<String>,
    legacy_item_id: Option<String>,
    legacy_variation_id: Option<String>,
    quantity: i64,
    line_item_fulfillment_status: String,
}

/// Where the next page starts: the rows to skip, the order that must stand first there, and how often the list was begun.
/// A page begins with the last order of the one before, so that a list that moved meanwhile shows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    skip: usize,
    first: String,
    starts: u32,
}

impl Place {
    fn parse(token: &PageToken) -> Option<Self> {
        let mut words = token.0.splitn(3, ' ');
        let (skip, starts) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { skip, starts, first: words.next()?.to_owned() })
    }

    fn token(&self) -> PageToken {
        PageToken(format!("{} {} {}", self.skip, self.starts, self.first))
    }
}

impl Ebay {
    /// Reads a page of orders (`getOrders`).
    pub(super) async fn read_orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        let start = Place { skip: 0, first: String::new(), starts: 1 };
        let place = page.as_ref().map_or(Some(start.clone()), Place::parse);
        let place = place.ok_or_else(|| ChannelError::unexpected(READ, "the page is none of eBay's"))?;
        let filter = encoded(&self.filter(window));
        let path = format!("{ROOT}?filter={filter}&limit={PAGE}&offset={}", place.skip);
        let answer: Orders = self.api.ask(&Call::get(READ, path)).await?;
        let Some(orders) = answer.orders.or_else(|| (answer.total == Some(0)).then(Vec::new)) else {
            return Err(ChannelError::unexpected(READ, "eBay's list comes without orders"));
        };
        let moved = !place.first.is_empty() && orders.first().is_none_or(|order| order.order_id != place.first);
        if moved {
            return begin_again(&place);
        }
        let read = place.skip + orders.len();
        let more = answer.next.is_some() || answer.total.is_some_and(|total| read < total);
        let next = match orders.last() {
            None if more => return begin_again(&place),
            Some(last) if more && 1 < orders.len() => {
                Some(Place { skip: read - 1, first: last.order_id.clone(), starts: place.starts })
            }
            // A page of one order cannot begin with the last one of the page before.
            Some(_) if more => Some(Place { skip: read, first: String::new(), starts: place.starts }),
            _ => None,
        };
        let mut items = Vec::with_capacity(orders.len());
        // The first was read with the page before.
        let known = usize::from(!place.first.is_empty());
        for order in orders.into_iter().skip(known) {
            let is_cancelled = order.cancel_status.cancel_state == "CANCELED";
            if is_cancelled && *window == OrderWindow::Unfinished {
                continue;
            }
            let out_of_stock = is_cancelled && self.is_for_lack_of_stock(&order).await?;
            items.push(order.fact(is_cancelled, out_of_stock)?);
        }
        self.limits.refresh(&self.api).await;
        Ok(Page { items, next: next.as_ref().map(Place::token), account: None })
    }

    /// Says which orders are asked for. A moment that lies ahead of eBay's clock, or too far back, is refused.
    fn filter(&self, window: &OrderWindow) -> String {
        match window {
            OrderWindow::Unfinished => "orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}".to_owned(),
            OrderWindow::ChangedSince(since) => {
                let since = match self.api.clock() {
                    Some(now) => (*since).clamp(now.saturating_sub(REACH).unwrap_or(Timestamp::MIN), now),
                    None => *since,
                };
                format!("lastmodifieddate:[{since:.3}..]")
            }
        }
    }

    /// Tells whether an order was cancelled because the goods were not there; the list of orders does not say, the order
    /// does (`getOrder`).
    async fn is_for_lack_of_stock(&self, order: &Order) -> Result<bool> {
        let known = self.cancelled.0.lock().unwrap_or_else(PoisonError::into_inner).get(&order.order_id).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut reasons = lacks_stock(&order.cancel_status);
        if reasons.is_none() {
            let path = format!("{ROOT}/{}", encoded(&order.order_id));
            let answer: Reasons = self.api.ask(&Call::get(READ, path)).await?;
            reasons = lacks_stock(&answer.cancel_status);
        }
        let lacks = reasons.unwrap_or(false);
        self.cancelled.0.lock().unwrap_or_else(PoisonError::into_inner).insert(order.order_id.clone(), lacks);
        Ok(lacks)
    }
}

/// Reads the list from its start again, since it moved while it was paged (Y1).
fn begin_again(place: &Place) -> Result<Page<OrderFact>> {
    if MOST_STARTS <= place.starts {
        return Err(ChannelError::unexpected(READ, "eBay's list of orders keeps changing while it is read"));
    }
    let next = Some(Place { skip: 0, first: String::new(), starts: place.starts + 1 }.token());
    Ok(Page { items: Vec::new(), next, account: None })
}

/// Tells whether an order was cancelled for lack of goods; `None` where it gives no reason.
fn lacks_stock(status: &CancelStatus) -> Option<bool> {
    let mut reasons = status.cancel_requests.iter().filter_map(|request| request.cancel_reason.as_deref()).peekable();
    reasons.peek()?;
    Some(reasons.any(|reason| {
        let plain = reason.to_uppercase().replace([' ', '-'], "_");
        plain.contains("OUT_OF_STOCK")
    }))
}

impl Order {
    fn fact(self, is_cancelled: bool, out_of_stock: bool) -> Result<OrderFact> {
        let order = printable(&self.order_id, 60);
        let line = |item: LineItem| item.fact(&order, is_cancelled, out_of_stock);
        let lines = self.line_items.into_iter().map(line).collect::<Result<_>>()?;
        Ok(OrderFact {
            placed: self.creation_date,
            changed: self.last_modified_date,
            also: Vec::new(),
            origin: None,
            lines,
            order,
        })
    }
}

impl LineItem {
    fn fact(self, order: &str, is_cancelled: bool, out_of_stock: bool) -> Result<LineFact> {
        if self.line_item_id.trim().is_empty() || self.quantity < 0 {
            let message = format!("a line of order {order} comes without lineItemId or with a quantity that is none");
            return Err(ChannelError::unexpected(READ, message));
        }
        let shipped = matches!(self.line_item_fulfillment_status.as_str(), "FULFILLED" | "IN_PROGRESS");
        Ok(LineFact {
            listings: self.listings(),
            sku: self.sku.as_deref().and_then(Sku::new),
            taken: self.quantity,
            cancelled: if is_cancelled { self.quantity } else { 0 },
            shipped,
            out_of_stock,
            key: LineKey(self.line_item_id),
        })
    }

    /// Returns the holders of a number that it may have been sold from: of a variation, eBay says the SKU and an id that no
    /// other call knows.
    fn listings(&self) -> Vec<ListingKey> {
        let Some(item) = self.legacy_item_id.as_deref().filter(|item| !item.is_empty()) else { return Vec::new() };
        let is_variation = self.legacy_variation_id.as_deref().is_some_and(|id| !id.is_empty() && id != "0");
        let sku = self.sku.as_deref().and_then(Sku::new);
        let variation = sku.map(|sku| Key::variation(item, sku.as_str()));
        let single = (!is_variation).then(|| Key::single(item));
        single.into_iter().chain(variation).map(|key| key.listing()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(cancel: &str, fulfillment: &str) -> serde_json::Value {
        json!({ "orderId": "12-34567-89012", "creationDate": "2026-11-23T06:40:10.000Z",
            "lastModifiedDate": "2026-11-23T06:55:00.000Z", "orderPaymentStatus": "FULLY_REFUNDED",
            "buyer": { "username": "somebody" }, "cancelStatus": { "cancelState": cancel, "cancelRequests": [] },
            "lineItems": [{ "lineItemId": "10012345678901", "legacyItemId": "110000000002",
                "legacyVariationId": "410000000007", "sku": "TEE-S", "quantity": 2,
                "lineItemFulfillmentStatus": fulfillment, "refunds": [{ "refundId": "5" }] }] })
    }

    fn line(cancel: &str, fulfillment: &str) -> LineFact {
        let order: Order = serde_json::from_value(order(cancel, fulfillment)).unwrap();
        let is_cancelled = order.cancel_status.cancel_state == "CANCELED";
        order.fact(is_cancelled, false).unwrap().lines.remove(0)
    }

    // proves W3 for eBay: a cancellation says nothing of the shelf, a refund alone and a wish to cancel nothing at all.
    #[test]
    fn what_a_line_took_and_what_was_cancelled() {
        let open = line("NONE_REQUESTED", "NOT_STARTED");
        assert_eq!((open.taken, open.cancelled, open.shipped), (2, 0, false));
        assert_eq!(open.key, LineKey("10012345678901".to_owned()));
        assert_eq!(open.listings, [ListingKey::new("110000000002/TEE-S")]);
        assert_eq!(line("IN_PROGRESS", "FULFILLED").cancelled, 0);
        let cancelled = line("CANCELED", "FULFILLED");
        assert_eq!((cancelled.taken, cancelled.cancelled, cancelled.shipped), (2, 2, true));
    }

    // proves P5: an order that leaves something out is an error that names it.
    #[test]
    fn an_order_that_leaves_something_out_is_an_error_that_names_it() {
        for (place, field) in [
            ("", "cancelStatus"),
            ("", "lineItems"),
            ("", "lastModifiedDate"),
            ("/cancelStatus", "cancelState"),
            ("/lineItems/0", "quantity"),
            ("/lineItems/0", "lineItemId"),
        ] {
            let mut order = order("NONE_REQUESTED", "NOT_STARTED");
            order.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
            let error = serde_json::from_value::<Order>(order).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn a_reason_is_known_however_it_is_written() {
        let status = |reasons: &[&str]| CancelStatus {
            cancel_state: "CANCELED".to_owned(),
            cancel_requests: reasons
                .iter()
                .map(|reason| CancelRequest { cancel_reason: Some((*reason).to_owned()) })
                .collect(),
        };
        assert_eq!(lacks_stock(&status(&[])), None);
        assert_eq!(lacks_stock(&status(&["BUYER_ASKED_CANCEL"])), Some(false));
        assert_eq!(lacks_stock(&status(&["out of stock"])), Some(true));
        assert_eq!(lacks_stock(&status(&["OUT_OF_STOCK_OR_CANNOT_FULFILL"])), Some(true));
    }
}
