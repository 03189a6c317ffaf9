//! What the Fulfillment interface shows of orders (7): those that are paid, whatever became of them since.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::listings::variation_id;
use super::purchases::drift;
use super::rest::{Answered, Call, Problem};
use super::{Answer, Ebay, json_answer, time};
use crate::sim::sales::{Line, Order};
use crate::sim::{Trouble, World};

/// The most orders of a page, and of those named by their numbers (7).
const LARGEST: usize = 200;
const NAMED: usize = 50;

/// What numbers of lines begin with.
const LINES: u64 = 10_000_000_000_000;

/// Writes the number of a line.
pub(super) fn line_id(line: u64) -> String {
    (LINES + line).to_string()
}

/// Writes a number of an order as eBay does.
pub(super) fn order_number(nth: u64) -> String {
    format!("12-{:05}-{:05}", nth / 100_000 + 30_000, nth % 100_000)
}

/// Several purchases that are one order, or one that is.
struct Sale<'a> {
    number: &'a str,
    parts: Vec<&'a Order>,
    asked: bool,
    /// When it changed, as far as the list knows.
    modified: Timestamp,
    created: Timestamp,
}

/// The orders that a list is about.
#[derive(Default)]
struct Wanted {
    created: Option<(Timestamp, Option<Timestamp>)>,
    modified: Option<(Timestamp, Option<Timestamp>)>,
    sent: Vec<String>,
}

impl Ebay {
    pub(super) fn list_orders(&self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        drift(self, world, troubles);
        let now = world.now;
        if let Some(numbers) = call.said("orderIds") {
            return self.named_orders(world, call, numbers, troubles);
        }
        let number = |key: &str, usual: usize, id: i64| {
            call.number(key, usual, |said| refused(id, &format!("Invalid {key}: {said}")))
        };
        let (limit, skip) = (number("limit", 50, 31100)?, number("offset", 0, 31000)?);
        if limit == 0 || limit > LARGEST {
            return Err(refused(31100, &format!("Invalid limit: {limit}")));
        }
        let wanted = call.said("filter").map_or(Ok(Wanted::default()), |text| Wanted::read(now, text))?;
        let seen = now - world.shop(&self.shop).lag;
        let mut sales: Vec<_> = self.sales(world, seen).into_iter().filter(|sale| wanted.holds(now, sale)).collect();
        // 7: by creation, unless it is filtered by change.
        if wanted.created.is_none() && wanted.modified.is_some() {
            sales.sort_by_key(|sale| (sale.modified, sale.number));
        } else {
            sales.sort_by_key(|sale| (sale.created, sale.number));
        }
        let shown = sales.iter().skip(skip).take(limit);
        let shown: Vec<_> = shown.map(|sale| self.sale_json(sale, troubles)).collect();
        let mut body = json!({ "href": with_offset(call, skip, limit), "total": sales.len(), "limit": limit,
            "offset": skip });
        // 7: the offset counts rows here.
        if skip + limit < sales.len() {
            body["next"] = with_offset(call, skip + limit, limit).into();
        }
        if skip > 0 {
            body["prev"] = with_offset(call, skip.saturating_sub(limit), limit).into();
        }
        let count = shown.len();
        body["orders"] = shown.into();
        Ok(Answer { items: Some(count), ..json_answer(200, &body) })
    }

    /// 7: whoever names orders gets those, and no filter counts.
    fn named_orders(&self, world: &World, call: &Call, numbers: &str, troubles: &[Trouble]) -> Answered {
        let numbers: Vec<_> = numbers.split(',').map(str::trim).collect();
        if numbers.len() > NAMED {
            return Err(refused(30900, "Exceeded maximum number of order IDs (the current limit is 50)"));
        }
        let sales = self.sales(world, world.now);
        let found = sales.iter().filter(|sale| numbers.contains(&sale.number));
        let shown: Vec<_> = found.map(|sale| self.sale_json(sale, troubles)).collect();
        let href = format!("{}{}/order?{}", call.origin, call.route.api, call.raw_query);
        let count = shown.len();
        let body = json!({ "href": href, "total": count, "limit": NAMED, "offset": 0, "orders": shown });
        Ok(Answer { items: Some(count), ..json_answer(200, &body) })
    }

    pub(super) fn one_order(&self, world: &World, call: &Call) -> Answered {
        let sales = self.sales(world, world.now);
        let sale = sales.iter().find(|sale| sale.number == call.key);
        let sale = sale.ok_or_else(|| Problem::new(404, 32100, "API_FULFILLMENT", "Invalid order ID."))?;
        let mut shown = self.sale_json(sale, &[]);
        // 7: the requests show here alone.
        let cancelled = sale.parts.iter().find_map(|order| order.cancelled);
        let state = match (cancelled, sale.asked) {
            (Some(_), _) => Some("COMPLETED"),
            (None, true) => Some("REQUESTED"),
            (None, false) => None,
        };
        if let Some(state) = state {
            let short = sale.parts.iter().any(|order| order.out_of_stock);
            let reason = if short { "OUT_OF_STOCK_OR_CANNOT_FULFILL" } else { "BUYER_CANCEL_OR_ADDRESS_ISSUE" };
            let number = format!("5{}", sale.number.replace('-', ""));
            shown["cancelStatus"]["cancelRequests"] = json!([{ "cancelRequestId": number, "cancelReason": reason,
                "cancelInitiator": if short { "SELLER" } else { "BUYER" }, "cancelRequestState": state }]);
        }
        Ok(json_answer(200, &shown))
    }

    /// Collects what is an order, as a list saw it at a moment.
    fn sales<'a>(&'a self, world: &'a World, seen: Timestamp) -> Vec<Sale<'a>> {
        let shop = world.shop(&self.shop);
        let mut groups: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (order, purchase) in &self.purchases {
            groups.entry(purchase.within.unwrap_or(*order)).or_default().push(*order);
        }
        let sale = |(first, orders): (u64, Vec<u64>)| {
            let purchase = &self.purchases[&first];
            // What is not paid is no order yet, unless it shows once it is cancelled; and what is new may show late.
            let showing = purchase.paid.or(shop.orders[&first].cancelled.filter(|_| purchase.number.is_some()));
            let showing = showing.filter(|showing| *showing + shop.order_delay <= world.now)?;
            let parts: Vec<_> = orders.iter().map(|order| &shop.orders[order]).collect();
            let changed = parts.iter().filter_map(|order| order.stamps.as_of(seen)).max()?;
            let created = parts.iter().map(|order| order.placed).min()?;
            Some(Sale {
                number: purchase.number.as_deref()?,
                asked: orders.iter().any(|order| self.purchases[order].asked),
                parts,
                modified: thousandths(changed.max(showing)),
                created: thousandths(created),
            })
        };
        groups.into_iter().filter_map(sale).collect()
    }

    fn sale_json(&self, sale: &Sale<'_>, troubles: &[Trouble]) -> Value {
        let cancelled = sale.parts.iter().map(|order| order.cancelled).collect::<Option<Vec<_>>>();
        let state = match (&cancelled, sale.asked) {
            (Some(_), _) => "CANCELED",
            (None, true) => "IN_PROGRESS",
            (None, false) => "NONE_REQUESTED",
        };
        let mut cancel = json!({ "cancelState": state, "cancelRequests": [] });
        if let Some(last) = cancelled.and_then(|all| all.into_iter().max()) {
            cancel["cancelledDate"] = time(last).into();
        }
        let lines = || sale.parts.iter().flat_map(|order| order.lines.iter().map(move |line| (*order, line)));
        let shown: Vec<_> = lines().map(|(order, line)| self.line_json(order, line, troubles)).collect();
        let (units, sent): (i64, i64) =
            lines().fold((0, 0), |sum, (_, line)| (sum.0 + line.units, sum.1 + line.shipped));
        let back: i64 = lines().map(|(order, line)| line.refunded(order)).sum();
        let buyer = json!({ "username": "ada_l", "buyerRegistrationAddress": { "fullName": "Ada Example",
            "email": "ada@example.org" } });
        json!({
            "orderId": sale.number, "creationDate": time(sale.created), "lastModifiedDate": time(sale.modified),
            "orderFulfillmentStatus": sending(sent, units), "orderPaymentStatus": paying(back, units),
            "sellerId": self.seller, "buyer": buyer, "buyerCheckoutNotes": "Please ring twice.",
            "cancelStatus": cancel, "lineItems": shown,
        })
    }

    fn line_json(&self, order: &Order, line: &Line, troubles: &[Trouble]) -> Value {
        let home = self.homes.get(&line.id);
        let item = home.map_or(0, |home| home.item);
        let refunds = order.refunds.iter().filter(|refund| refund.lines.iter().any(|back| back.line == line.id));
        let refunds = refunds.map(|refund| {
            json!({ "refundId": refund.id.to_string(), "refundDate": time(refund.at),
                "amount": { "currency": "USD", "value": "12.50" } })
        });
        let mut shown = json!({ "lineItemId": line_id(line.id), "legacyItemId": item.to_string(),
            "title": format!("The {}", line.sku), "soldFormat": "FIXED_PRICE", "listingMarketplaceId": "EBAY_US",
            "lineItemFulfillmentStatus": sending(line.shipped, line.units), "refunds": refunds.collect::<Vec<_>>() });
        if !troubles.contains(&Trouble::NoNumbers) {
            shown["quantity"] = (line.units - line.removed).into();
        }
        if !line.sku.is_empty() {
            shown["sku"] = line.sku.clone().into();
        }
        if let Some(variation) = home.and_then(|home| home.variation) {
            shown["legacyVariationId"] = variation_id(variation).into();
        }
        shown
    }
}

impl Wanted {
    /// Reads a filter (7).
    fn read(now: Timestamp, text: &str) -> Result<Self, Problem> {
        let mut wanted = Self::default();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.trim().split_once(':').unwrap_or((part.trim(), ""));
            match name {
                "creationdate" => wanted.created = Some(range(now, name, value)?),
                "lastmodifieddate" => wanted.modified = Some(range(now, name, value)?),
                "orderfulfillmentstatus" => {
                    let words = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                    let words = words.ok_or_else(|| unread(name, value))?;
                    wanted.sent = words.split('|').map(Into::into).collect();
                }
                _ => return Err(refused(30700, &format!("Invalid filter name: {name}"))),
            }
        }
        Ok(wanted)
    }

    fn holds(&self, now: Timestamp, sale: &Sale<'_>) -> bool {
        let within =
            |at: Timestamp, (from, to): (Timestamp, Option<Timestamp>)| from <= at && to.is_none_or(|to| at <= to);
        // 7: the creation wins; without either, ninety days.
        let dated = match (self.created, self.modified) {
            (Some(range), _) => within(sale.created, range),
            (None, Some(range)) => within(sale.modified, range),
            (None, None) => sale.created >= now - SignedDuration::from_hours(90 * 24),
        };
        let lines = sale.parts.iter().flat_map(|order| &order.lines);
        let (units, sent): (i64, i64) = lines.fold((0, 0), |sum, line| (sum.0 + line.units, sum.1 + line.shipped));
        dated && (self.sent.is_empty() || self.sent.iter().any(|word| word == sending(sent, units)))
    }
}

/// Reads a range of time: in brackets, the second moment open if nothing stands there.
fn range(now: Timestamp, name: &str, value: &str) -> Result<(Timestamp, Option<Timestamp>), Problem> {
    let inner = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let (from, to) = inner.and_then(|inner| inner.split_once("..")).ok_or_else(|| unread(name, value))?;
    if from.is_empty() {
        return Err(refused(30820, "Start date is missing"));
    }
    let read = |text: &str| {
        let good = text.ends_with('Z').then(|| text.parse::<Timestamp>().ok()).flatten();
        good.ok_or_else(|| refused(30810, "Invalid date format"))
    };
    let from = read(from)?;
    let to = if to.is_empty() { None } else { Some(read(to)?) };
    // 7: never a moment that is still to come.
    if from > now || to.is_some_and(|to| to > now) {
        return Err(refused(30850, "Start and end dates can't be in the future"));
    }
    if to.is_some_and(|to| to < from) {
        return Err(refused(30840, "Start date should be before end date"));
    }
    if to.unwrap_or(now) > from + SignedDuration::from_hours(2 * 366 * 24) {
        return Err(refused(30830, "Time range between start date and end date must be within '2' years."));
    }
    Ok((from, to))
}

fn refused(id: i64, words: &str) -> Problem {
    Problem::new(400, id, "API_FULFILLMENT", words)
}

fn unread(name: &str, value: &str) -> Problem {
    refused(30800, &format!("Invalid filter value {value} for filter {name}"))
}

/// Writes the address of another page.
fn with_offset(call: &Call, offset: usize, limit: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.query.iter().filter(|(name, _)| name != "offset" && name != "limit") {
        query.append_pair(name, value);
    }
    query.append_pair("limit", &limit.to_string()).append_pair("offset", &offset.to_string());
    format!("{}{}/order?{}", call.origin, call.route.api, query.finish())
}

/// eBay shows thousandths of a second, and compares what it shows.
fn thousandths(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn sending(sent: i64, units: i64) -> &'static str {
    match sent {
        0 => "NOT_STARTED",
        sent if sent < units => "IN_PROGRESS",
        _ => "FULFILLED",
    }
}

fn paying(back: i64, units: i64) -> &'static str {
    match back {
        0 => "PAID",
        back if back < units => "PARTIALLY_REFUNDED",
        _ => "FULLY_REFUNDED",
    }
}
