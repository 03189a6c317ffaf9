//! Orders, and what WooCommerce holds off its stock for them (section 5).
//!
//! Not the status of an order says what it took, but the mark that WooCommerce leaves on each line when it lowers the
//! stock: it rises when the order is paid, falls with refunds that put units back, and vanishes when the order is
//! cancelled, whatever the version's rules are. An order in the trash, or deleted, gives nothing back, and nothing is
//! heard of it any more; a line that is taken out of an order by an edit is not heard of either, and what WooCommerce
//! put back for it shows in its number alone.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::WooCommerce;
use super::api::Call;
use super::reading::{Walk, place, token};
use super::wire::{Key, Meta, stamp, text, whole};
use crate::channel::{ChannelError, Page, PageToken, Result, printable};
use crate::domain::{LineFact, LineKey, OrderFact, OrderWindow, Sku};

const READ: &str = "reading orders";
/// What is asked of an order: nothing about its buyer.
const FIELDS: &str = "id,number,status,date_created_gmt,date_modified_gmt,created_via,line_items";
/// What is asked of the orders of a source besides: where programs that bring orders in note the numbers they had (W5).
const BROUGHT: &str = "meta_data";
/// Ways in which a shop itself sells. What came over the API was brought in by another program (W5).
const OWN: &[&str] = &["checkout", "store-api", "admin", "subscription", "pos-rest-api", ""];
/// What a key of meta data says that holds the number of an order.
const NUMBERED: &[&str] = &["id", "number", "ref"];
/// The states in which WooCommerce has taken the units of an order off (5.1).
const DEDUCTED: &[&str] = &["on-hold", "processing", "completed"];

#[derive(Deserialize)]
struct Order {
    id: u64,
    #[serde(default)]
    number: Value,
    status: String,
    date_created_gmt: Option<String>,
    date_modified_gmt: Option<String>,
    #[serde(default)]
    created_via: Option<String>,
    #[serde(default)]
    meta_data: Vec<Meta>,
    line_items: Vec<LineItem>,
}

#[derive(Deserialize)]
struct LineItem {
    id: u64,
    #[serde(default)]
    product_id: Option<u64>,
    #[serde(default)]
    variation_id: Option<u64>,
    #[serde(default)]
    sku: Value,
    #[serde(default)]
    quantity: Value,
    meta_data: Vec<Meta>,
}

impl WooCommerce {
    /// Reads a page of orders, by the stamp of their last change.
    pub(super) async fn read_orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        let walk = match (&page, window) {
            (Some(page), _) => place(page, READ)?,
            (None, OrderWindow::ChangedSince(since)) => Walk::since(*since),
            (None, OrderWindow::Unfinished) => Walk::all(),
        };
        let fields = if self.is_source { &format!("{FIELDS},{BROUGHT}") } else { FIELDS };
        let call = walk.call(Call::read(READ, "orders").with("_fields", fields));
        let call = match window {
            OrderWindow::ChangedSince(_) => call,
            OrderWindow::Unfinished => call.with("status", "pending,on-hold,processing"),
        };
        let (orders, headers) = self.api.ask::<Vec<Order>>(&call).await?;
        let stamps = orders.iter().map(Order::changed).collect::<Result<Vec<_>>>()?;
        let next = walk.next(&stamps, &headers, READ)?.map(|walk| token(&walk, READ)).transpose()?;
        // A basket on its way to the till is no order yet; its lines are made anew with every click.
        let real = orders.into_iter().filter(|order| order.status != "checkout-draft");
        Ok(Page { items: real.map(Order::fact).collect::<Result<_>>()?, next, account: Some(self.api.account()) })
    }
}

impl Order {
    fn changed(&self) -> Result<Timestamp> {
        self.moment(self.date_modified_gmt.as_deref(), "date_modified_gmt")
    }

    fn moment(&self, text: Option<&str>, field: &str) -> Result<Timestamp> {
        let read = text.and_then(stamp);
        read.ok_or_else(|| ChannelError::unexpected(READ, format!("order {} comes without {field}", self.id)))
    }

    fn fact(self) -> Result<OrderFact> {
        let placed = self.moment(self.date_created_gmt.as_deref(), "date_created_gmt")?;
        let changed = self.changed()?;
        let lines = self.line_items.iter().map(|line| line.fact(self.id, &self.status)).collect::<Result<_>>()?;
        let number = text(&self.number).filter(|number| !number.is_empty());
        let id = self.id.to_string();
        let elsewhere = self.numbers_elsewhere();
        let origin = self.created_via.filter(|via| !OWN.contains(&via.as_str()));
        let order = printable(&number.unwrap_or_else(|| id.clone()), 60);
        let also = std::iter::once(id).chain(elsewhere.into_iter().filter(|_| origin.is_some()));
        let also = also.filter(|other| *other != order);
        Ok(OrderFact {
            placed,
            changed,
            also: also.collect(),
            order,
            origin: origin.map(|origin| printable(&origin, 60)),
            lines,
        })
    }
}

impl Order {
    /// Returns the numbers that the order had where it was sold, as the program that brought it in noted them. Whatever
    /// else stands among its meta data is left there.
    fn numbers_elsewhere(&self) -> Vec<String> {
        let named = self.meta_data.iter().filter(|meta| {
            let key = meta.key.to_lowercase();
            key.contains("order") && NUMBERED.iter().any(|word| key.contains(word))
        });
        let number = |text: &String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '#' | '-' | '_');
            (1..=40).contains(&text.len()) && text.chars().all(plain) && text.contains(|c: char| c.is_ascii_digit())
        };
        named.filter_map(|meta| text(&meta.value)).filter(number).collect()
    }
}

impl LineItem {
    fn fact(&self, order: u64, status: &str) -> Result<LineFact> {
        let taken = self.taken(status).ok_or_else(|| unreadable(order, self.id))?;
        Ok(LineFact {
            key: LineKey(format!("{order}/{}", self.id)),
            listings: self.holders().into_iter().map(Key::listing).collect(),
            // The SKU is that of today, not that of the day of the sale; the ids go before it (1.7).
            sku: text(&self.sku).as_deref().and_then(Sku::new),
            taken,
            cancelled: 0,
            shipped: status == "completed",
            out_of_stock: false,
        })
    }

    /// Returns the holders of a number that it may have been sold from. An order does not say whether a variation drew
    /// on its product's number.
    fn holders(&self) -> Vec<Key> {
        let product = self.product_id.filter(|id| *id > 0);
        let variation = self.variation_id.filter(|id| *id > 0);
        let own = product.zip(variation).map(|(parent, id)| Key::Variation { parent, id });
        own.into_iter().chain(product.map(Key::Product)).collect()
    }

    /// Returns the units that the shop holds off its stock for the line. A line that bears no mark although its order
    /// is one of those for which units are taken off is of goods that nobody counted at the time (5.2): then they are
    /// gone all the same. `None` where the number that counts cannot be read (P5).
    fn taken(&self, status: &str) -> Option<i64> {
        let marked = |key: &str| self.meta_data.iter().find(|meta| meta.key == key).map(|meta| &meta.value);
        let units = match marked("_reduced_stock") {
            Some(reduced) => whole(reduced, f64::ceil),
            None if DEDUCTED.contains(&status) && marked("_restock_refunded_items").is_none() => {
                whole(&self.quantity, f64::ceil)
            }
            None => Some(0),
        };
        units.map(|units| units.max(0))
    }
}

/// Makes the error of a line whose units nobody can read: to take it for none would give them back.
fn unreadable(order: u64, line: u64) -> ChannelError {
    let message = format!("the units of item {line} in order {order} are no number");
    ChannelError::unexpected(READ, message)
        .with_next(format!("look at order {order} in WooCommerce: a plugin changed how many of it were taken off"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(meta: &Value) -> LineItem {
        let line = json!({ "id": 77, "product_id": 810, "variation_id": 812, "sku": "TEE-S", "quantity": 3, "meta_data": meta });
        serde_json::from_value(line).unwrap()
    }

    // proves W2, W3 for WooCommerce: the mark on the line counts, in whatever state the order is.
    #[test]
    fn what_a_line_took_stands_on_the_line() {
        let marked =
            |value: Value| json!([{ "key": "size", "value": "S" }, { "key": "_reduced_stock", "value": value }]);
        for status in ["processing", "failed", "refunded", "cancelled"] {
            assert_eq!(line(&marked(json!("2"))).taken(status), Some(2), "{status}");
        }
        assert_eq!(line(&marked(json!(2))).taken("processing"), Some(2));
        assert_eq!(line(&marked(json!(-2))).taken("processing"), Some(0));
        assert_eq!(line(&json!([])).taken("pending"), Some(0), "not paid, nothing taken");
        assert_eq!(line(&json!([])).taken("cancelled"), Some(0));
        assert_eq!(line(&json!([])).taken("on-hold"), Some(3), "goods that nobody counts");
        assert_eq!(line(&json!([{ "key": "_restock_refunded_items", "value": "3" }])).taken("completed"), Some(0));
    }

    // proves P5: units that cannot be read are not none, which would give them back; the order is named.
    #[test]
    fn units_that_are_no_number_are_an_error_that_names_the_order() {
        for value in [json!("nothing"), json!(null), json!({}), json!([2])] {
            let error =
                line(&json!([{ "key": "_reduced_stock", "value": value }])).fact(4021, "cancelled").unwrap_err();
            assert!(error.message.contains("item 77 in order 4021"), "{error}");
        }
        let bare = |fields: Value| serde_json::from_value::<LineItem>(fields);
        assert!(bare(json!({ "id": 1, "meta_data": [] })).unwrap().fact(4021, "on-hold").is_err(), "no quantity");
        assert!(bare(json!({ "id": 1, "quantity": 3 })).is_err(), "without its marks nobody knows what it took");
        assert!(bare(json!({ "id": 1, "quantity": 3, "meta_data": [{ "value": "2" }] })).is_err());
    }

    #[test]
    fn a_line_names_the_variation_and_then_its_product() {
        let holders = |fields: Value| -> Vec<String> {
            let mut fields = fields;
            (fields["quantity"], fields["meta_data"]) = (json!(1), json!([]));
            let line: LineItem = serde_json::from_value(fields).unwrap();
            line.fact(4021, "processing").unwrap().listings.iter().map(ToString::to_string).collect()
        };
        assert_eq!(holders(json!({ "id": 1, "product_id": 810, "variation_id": 812 })), ["810/812", "810"]);
        assert_eq!(holders(json!({ "id": 1, "product_id": 733, "variation_id": 0 })), ["733"]);
        assert_eq!(holders(json!({ "id": 1, "product_id": 0, "sku": null })), [""; 0], "the product was deleted");
    }

    #[test]
    fn an_order_says_who_brought_it() {
        let origin = |via: &str| {
            let order = json!({ "id": 1, "status": "processing", "date_created_gmt": "2026-03-02T08:14:07",
                "date_modified_gmt": "2026-03-02T08:14:09", "created_via": via, "line_items": [] });
            serde_json::from_value::<Order>(order).unwrap().fact().unwrap().origin
        };
        assert_eq!((origin("checkout"), origin("admin")), (None, None));
        assert_eq!(origin("rest-api").as_deref(), Some("rest-api"));
    }

    // proves W5 for WooCommerce: of an order that was brought in only the numbers are read that it had elsewhere, and
    // nothing of the buyer.
    #[test]
    fn an_order_that_was_brought_in_says_its_number_there() {
        let also = |via: &str| {
            let order = json!({ "id": 7, "number": "1007", "status": "processing", "created_via": via,
                "date_created_gmt": "2026-03-02T08:14:07", "date_modified_gmt": "2026-03-02T08:14:09", "line_items": [],
                "meta_data": [
                    { "id": 1, "key": "_ebay_order_id", "value": "12-34567-89012" },
                    { "id": 2, "key": "_marketplace_order_number", "value": 4711 },
                    { "id": 3, "key": "_order_note_ref", "value": "Ada Example, 12 Rose Lane" },
                    { "id": 4, "key": "_billing_phone", "value": "5550100" },
                    { "id": 5, "key": "_order_ids", "value": ["a", "b"] },
                ] });
            serde_json::from_value::<Order>(order).unwrap().fact().unwrap().also
        };
        assert_eq!(also("rest-api"), ["7", "12-34567-89012", "4711"]);
        assert_eq!(also("checkout"), ["7"], "the shop's own");
    }

    #[test]
    fn an_order_without_a_stamp_is_an_error_that_names_it() {
        let order = json!({ "id": 5, "status": "processing", "date_created_gmt": null, "date_modified_gmt": null, "line_items": [] });
        let error = serde_json::from_value::<Order>(order).unwrap().fact().unwrap_err();
        assert!(error.message.contains("order 5 comes without date_created_gmt"), "{error}");
    }
}
