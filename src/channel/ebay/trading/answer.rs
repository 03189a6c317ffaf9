//! What Trading answers. Only what is needed is read: nothing about a buyer is even looked at, though some answers have it.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::errors::{evidence, rest_error};
use super::super::item::{Ended, Format, Item, Part};
use super::super::quantity::{Available, Sold, Stock, Total};
use crate::channel::{ChannelError, Result};
use crate::domain::{Price, Sku};
use crate::net::Reply;

/// What every answer begins with.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "Ack")]
    pub ack: String,
    #[serde(rename = "Errors", default)]
    pub errors: Vec<Error>,
}

/// One error, or one remark: Trading gives both in one list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Error {
    #[serde(rename = "ShortMessage")]
    pub short: Option<String>,
    #[serde(rename = "LongMessage")]
    pub long: Option<String>,
    #[serde(rename = "ErrorCode", default)]
    pub code: String,
    #[serde(rename = "SeverityCode", default)]
    pub severity: String,
    #[serde(rename = "ErrorClassification", default)]
    pub class: String,
    #[serde(rename = "ErrorParameters", default)]
    pub about: Vec<ErrorParameter>,
}

/// What an error is about.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ErrorParameter {
    #[serde(rename = "Value")]
    pub value: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SellingAnswer {
    #[serde(rename = "ActiveList")]
    pub active: Option<ActiveList>,
}

#[derive(Deserialize)]
pub(super) struct ActiveList {
    #[serde(rename = "ItemArray", default)]
    pub items: ItemArray,
    #[serde(rename = "PaginationResult")]
    pub pages: Option<PaginationResult>,
}

#[derive(Default, Deserialize)]
pub(super) struct ItemArray {
    #[serde(rename = "Item", default)]
    pub items: Vec<XmlItem>,
}

#[derive(Deserialize)]
pub(super) struct PaginationResult {
    #[serde(rename = "TotalNumberOfPages")]
    pub pages: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct EventsAnswer {
    #[serde(rename = "ItemArray", default)]
    pub items: ItemArray,
}

#[derive(Deserialize)]
pub(super) struct ItemAnswer {
    #[serde(rename = "Item")]
    pub item: Option<XmlItem>,
}

#[derive(Deserialize)]
pub(super) struct ReviseAnswer {
    #[serde(rename = "InventoryStatus", default)]
    pub revised: Vec<Revised>,
}

#[derive(Deserialize)]
pub(super) struct Revised {
    #[serde(rename = "ItemID")]
    pub item: Option<String>,
    #[serde(rename = "SKU")]
    pub sku: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RelistAnswer {
    #[serde(rename = "ItemID")]
    pub item: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct UserAnswer {
    #[serde(rename = "User")]
    pub user: Option<User>,
}

/// The seller's own account; nothing else of it is read.
#[derive(Deserialize)]
pub(super) struct User {
    #[serde(rename = "EIASToken")]
    pub lasting: Option<String>,
    #[serde(rename = "UserID")]
    pub name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PreferencesAnswer {
    #[serde(rename = "OutOfStockControlPreference")]
    pub out_of_stock_control: Option<String>,
    #[serde(rename = "UnpaidItemAssistancePreferences")]
    pub unpaid: Option<Unpaid>,
}

#[derive(Deserialize)]
pub(super) struct Unpaid {
    #[serde(rename = "DelayBeforeOpeningDispute")]
    pub days: Option<String>,
    #[serde(rename = "OptInStatus")]
    pub opted_in: Option<String>,
    #[serde(rename = "AutoRelist")]
    pub auto_relist: Option<String>,
}

/// A listing, as four calls tell of it with the same element and not with the same meaning.
#[derive(Deserialize)]
pub(super) struct XmlItem {
    #[serde(rename = "ItemID")]
    id: Option<String>,
    #[serde(rename = "Title")]
    title: Option<String>,
    #[serde(rename = "SKU")]
    sku: Option<String>,
    #[serde(rename = "ListingType")]
    format: Option<String>,
    #[serde(rename = "Quantity")]
    quantity: Option<String>,
    #[serde(rename = "QuantityAvailable")]
    available: Option<String>,
    #[serde(rename = "BuyItNowPrice")]
    buy_now: Option<Amount>,
    #[serde(rename = "SellingStatus", default)]
    status: SellingStatus,
    #[serde(rename = "ListingDetails", default)]
    details: ListingDetails,
    #[serde(rename = "Variations")]
    variations: Option<Variations>,
}

#[derive(Default, Deserialize)]
struct SellingStatus {
    #[serde(rename = "QuantitySold")]
    sold: Option<String>,
    #[serde(rename = "CurrentPrice")]
    price: Option<Amount>,
    #[serde(rename = "ListingStatus")]
    state: Option<String>,
    #[serde(rename = "ListingOnHold")]
    on_hold: Option<String>,
}

#[derive(Default, Deserialize)]
struct ListingDetails {
    #[serde(rename = "EndingReason")]
    ending_reason: Option<String>,
    #[serde(rename = "RelistedItemID")]
    relisted: Option<String>,
}

#[derive(Deserialize)]
struct Variations {
    #[serde(rename = "Variation", default)]
    variations: Vec<Variation>,
}

#[derive(Deserialize)]
struct Variation {
    #[serde(rename = "SKU")]
    sku: Option<String>,
    #[serde(rename = "Quantity")]
    quantity: Option<String>,
    #[serde(rename = "StartPrice")]
    price: Option<Amount>,
    #[serde(rename = "SellingStatus", default)]
    status: SellingStatus,
    #[serde(rename = "VariationSpecifics", default)]
    specifics: Specifics,
}

#[derive(Default, Deserialize)]
struct Specifics {
    #[serde(rename = "NameValueList", default)]
    pairs: Vec<NameValue>,
}

#[derive(Deserialize)]
struct NameValue {
    #[serde(rename = "Name")]
    name: Option<String>,
    #[serde(rename = "Value", default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
struct Amount {
    #[serde(rename = "$text")]
    text: Option<String>,
}

/// Which call told of a listing: what its numbers mean depends on it (section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// `GetMyeBaySelling`: available where the listing has no variations, totals where it has.
    Selling,
    /// `GetSellerEvents`: totals, and a total of 1 is left out.
    Events,
    /// `GetItem`: totals.
    Item,
}

impl XmlItem {
    /// Makes a listing of it.
    pub fn item(self, told: Told, operation: &'static str) -> Result<Item> {
        let Some(id) = self.id.clone().filter(|id| !id.trim().is_empty()) else {
            return Err(ChannelError::unexpected(operation, "eBay names a listing without ItemID"));
        };
        let format = match self.format.as_deref() {
            None | Some("FixedPriceItem" | "StoresFixedPrice") => Format::FixedPrice,
            Some(other) => Format::Other(other.to_owned()),
        };
        let ended = matches!(self.status.state.as_deref(), Some("Ended" | "Completed"));
        let ended = ended.then(|| Ended {
            reason: self.details.ending_reason.clone(),
            relisted: self.details.relisted.clone().filter(|id| !id.trim().is_empty() && id != "0"),
        });
        let on_hold = flag(self.status.on_hold.as_deref()) == Some(true);
        let title = self.title.clone().unwrap_or_default();
        let own = self.own(told);
        let (varied, parts) = match self.variations {
            Some(variations) if !variations.variations.is_empty() => {
                (true, variations.variations.into_iter().map(Variation::part).collect())
            }
            _ => (false, vec![own]),
        };
        Ok(Item { id, title, format, ended, on_hold, varied, parts })
    }

    /// Takes the listing for the holder of its number.
    fn own(&self, told: Told) -> Part {
        let total = number(self.quantity.as_deref()).map(Total);
        let sold = number(self.status.sold.as_deref()).map(Sold);
        let by_total = |total: Option<Total>| total.zip(sold).map(|(total, sold)| Stock::of_total(total, sold));
        let stock = match told {
            // A 1 is left out here, and perhaps a 0 as well: of what sold nothing, nobody can tell which it is (P5).
            Told::Events if self.quantity.is_none() => by_total(Some(Total(1))).filter(|stock| 0 < stock.sold.0),
            Told::Item | Told::Events => by_total(total),
            Told::Selling => {
                let available = number(self.available.as_deref()).map(Available::told);
                match (available, sold, total) {
                    (Some(available), Some(sold), _) => Some(Stock { available, sold }),
                    (Some(available), None, Some(total)) => Some(Stock::of_available(available, total)),
                    _ => None,
                }
            }
        };
        let price = self.status.price.as_ref().or(self.buy_now.as_ref()).and_then(Amount::price);
        Part { sku: self.sku.as_deref().and_then(Sku::new), specifics: String::new(), price, stock }
    }
}

impl Variation {
    /// Makes a part of it: the number of a variation is a total in every call, and 1 is never left out.
    fn part(self) -> Part {
        let total = number(self.quantity.as_deref()).map(Total);
        let sold = number(self.status.sold.as_deref()).map(Sold);
        let pair = |pair: NameValue| {
            let values = pair.values.join(", ");
            pair.name.map_or(values.clone(), |name| format!("{name} {values}"))
        };
        let specifics: Vec<String> = self.specifics.pairs.into_iter().map(pair).collect();
        Part {
            sku: self.sku.as_deref().and_then(Sku::new),
            specifics: specifics.join(", "),
            price: self.price.as_ref().and_then(Amount::price),
            stock: total.zip(sold).map(|(total, sold)| Stock::of_total(total, sold)),
        }
    }
}

impl Amount {
    fn price(&self) -> Option<Price> {
        let (whole, part) = self.text.as_deref()?.trim().split_once('.').unwrap_or((self.text.as_deref()?.trim(), ""));
        let hundredths: String = part.chars().chain("00".chars()).take(2).collect();
        let (whole, part): (i64, i64) = (whole.parse().ok()?, hundredths.parse().ok()?);
        whole.checked_mul(100)?.checked_add(part).map(Price)
    }
}

/// Reads a number; what is none says nothing (P5).
fn number(text: Option<&str>) -> Option<i64> {
    text?.trim().parse().ok()
}

/// Reads yes or no.
pub(super) fn flag(text: Option<&str>) -> Option<bool> {
    match text?.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Reads an answer that has to be the one of a call: an error page has another root, and would read as an empty answer.
pub(super) fn read<T: DeserializeOwned>(reply: &Reply, call: &str, operation: &'static str) -> Result<(Head, T)> {
    if !reply.status.is_success() {
        return Err(rest_error(reply, operation));
    }
    let wrong = |why: String| ChannelError::unexpected(operation, why).with_evidence(evidence(reply, None));
    let text = std::str::from_utf8(&reply.body).map_err(|_| wrong("eBay's answer is no text".to_owned()))?;
    let root = root(text).unwrap_or_default();
    if root != format!("{call}Response") {
        let message = if root.is_empty() { "something that is no XML".to_owned() } else { format!("<{root}>") };
        return Err(wrong(format!("eBay answered with {message} where {call}Response was due")));
    }
    let undocumented = |error: quick_xml::DeError| wrong(format!("eBay's answer is not as documented: {error}"));
    let head: Head = quick_xml::de::from_str(text).map_err(undocumented)?;
    let body = quick_xml::de::from_str(text).map_err(undocumented)?;
    Ok((head, body))
}

/// Returns the name of a document's outermost element.
fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                return Some(start.local_name().as_ref().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}
