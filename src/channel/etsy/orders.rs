//! Orders, which Etsy calls receipts, and what it holds off its stock for them (section 7).
//!
//! A unit leaves the number of its listing with the purchase, paid or not, so that every receipt counts. A refund moves
//! none. Whether the units of a cancelled one are back on the shelf, Etsy does not say; nor why it was cancelled.
//!
//! Receipts are listed by when they last changed, and one that changes while the list is paged moves to its end. So each
//! page goes on from the last stamp of the one before, and what stood there already is dropped. Some have missed cancelled
//! receipts in that list, though it is to hold them; until one was seen there, they are asked for by themselves, each hour.
//!
//! Of a receipt no more is read than its lines and their states; what Etsy sends about the buyer goes by unread.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Etsy;
use super::api::Call;
use super::item::{number, numbers, text};
use super::keys::{self, Key};
use crate::channel::{ChannelError, OVERLAP, Page, PageToken, Result};
use crate::domain::observe::later;
use crate::domain::{LineFact, LineKey, ListingKey, OrderFact, OrderWindow, Sku};

const READ: &str = "reading orders";
/// Receipts of a page.
const PAGE: usize = 100;
/// How often a list that moves while it is paged is begun again.
const MOST_STARTS: u32 = 5;
/// The earliest second that Etsy takes.
const EARLIEST: i64 = 946_684_800;
/// Properties of a line that are looked at; Etsy knows two, and soon three.
const MOST_PROPERTIES: usize = 3;

/// How often cancelled receipts are asked for by themselves.
const CANCELLED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Where the next page starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Whether it is of the list of cancelled ones.
    cancelled: bool,
    /// The second from which on receipts are asked for.
    since: i64,
    /// How many receipts of it to skip.
    skip: usize,
    /// The receipt that must stand first then; 0 where that is not known.
    first: i64,
    /// How often the list was begun.
    starts: u32,
    /// The last stamp of the page before, and the receipts that it had from `since` on.
    last: i64,
    seen: Vec<i64>,
}

impl Place {
    fn parse(token: &PageToken) -> Option<Self> {
        serde_json::from_str(&token.0).ok()
    }

    fn token(&self) -> Result<PageToken> {
        serde_json::to_string(self).map(PageToken).map_err(|error| ChannelError::unexpected(READ, error.to_string()))
    }
}

/// A receipt, as far as it is read.
struct Receipt<'a> {
    id: i64,
    created: i64,
    changed: i64,
    value: &'a Value,
}

impl Etsy {
    /// Reads a page of receipts.
    pub(super) async fn read_orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        let place = page.as_ref().map_or_else(|| Some(self.start(window)), Place::parse);
        let place = place.ok_or_else(|| ChannelError::unexpected(READ, "the page is none of Etsy's"))?;
        let path = self.in_shop(&format!("receipts?{}", query(window, &place))).await?;
        let answer = self.api.ask(&Call::get(READ, path)).await?;
        let count = number(&answer, "count").and_then(|count| usize::try_from(count).ok());
        let Some(results) = answer.get("results").and_then(Value::as_array) else {
            return Err(ChannelError::unexpected(READ, "Etsy's list comes without `results`"));
        };
        let receipts = results.iter().map(Receipt::read).collect::<Result<Vec<_>>>()?;
        let read = place.skip + receipts.len();
        let more = receipts.len() == PAGE || count.is_some_and(|count| read < count);
        let moved = place.first != 0 && receipts.first().is_none_or(|receipt| receipt.id != place.first);
        if moved || (more && receipts.is_empty()) {
            return begin_again(place);
        }
        if !place.cancelled && receipts.iter().any(|receipt| receipt.is_cancelled() == Some(true)) {
            self.notes.change(|noted| noted.lists_cancelled = true).await?;
        }
        if place.cancelled && !more {
            let now = self.api.clock();
            self.notes.change(|noted| noted.asked_cancelled = now).await?;
        }
        let next =
            if more { Some(after(window, &place, &receipts)) } else { self.cancelled_apart(window, &place).await? };
        let next = next.as_ref().map(Place::token).transpose()?;
        let known = |receipt: &Receipt<'_>| receipt.changed <= place.last && place.seen.contains(&receipt.id);
        let finished = |receipt: &Receipt<'_>| *window == OrderWindow::Unfinished && receipt.is_finished();
        let fresh = receipts.iter().filter(|receipt| !known(receipt) && !finished(receipt));
        let items = fresh.map(Receipt::fact).collect::<Result<_>>()?;
        Ok(Page { items, next, account: None })
    }

    /// Returns where the list of cancelled receipts begins, if it is to be asked for now. While less than half of the day's
    /// calls is left, it waits: it can only give units back. It begins where it was asked for last, if that is earlier.
    async fn cancelled_apart(&self, window: &OrderWindow, place: &Place) -> Result<Option<Place>> {
        let now = self.api.clock().filter(|_| !place.cancelled && *window != OrderWindow::Unfinished);
        let Some(now) = now else { return Ok(None) };
        let short = self.api.quota().is_some_and(|quota| quota.left < quota.most / 2);
        let noted = self.notes.read().await?;
        let last = noted.asked_cancelled.filter(|last| *last <= now);
        let lately = last.is_some_and(|last| now.duration_since(last) < CANCELLED_EVERY);
        if noted.lists_cancelled || short || lately {
            return Ok(None);
        }
        let start = self.start(window);
        let since = last.map_or(start.since, |last| start.since.min(later(last, -OVERLAP).as_second()).max(EARLIEST));
        Ok(Some(Place { cancelled: true, since, ..start }))
    }

    /// Returns where a list begins: within what Etsy takes, and not ahead of its clock.
    fn start(&self, window: &OrderWindow) -> Place {
        let since = match window {
            OrderWindow::ChangedSince(since) => self.api.clock().map_or(*since, |now| now.min(*since)).as_second() - 1,
            OrderWindow::Unfinished => 0,
        };
        Place { since: since.max(EARLIEST), starts: 1, ..Place::default() }
    }
}

/// Says which receipts are asked for, and in which order.
fn query(window: &OrderWindow, place: &Place) -> String {
    let (since, skip) = (place.since, place.skip);
    match window {
        OrderWindow::ChangedSince(_) => {
            let which = if place.cancelled { "was_canceled=true&" } else { "" };
            format!("{which}min_last_modified={since}&limit={PAGE}&offset={skip}&sort_on=updated&sort_order=asc")
        }
        OrderWindow::Unfinished => {
            format!("was_shipped=false&was_canceled=false&limit={PAGE}&offset={skip}&sort_on=created&sort_order=asc")
        }
    }
}

/// Returns where the list goes on. Nobody says whether the second that is asked for is itself among the answers, so that
/// each page begins a second before the last stamp. Only where a page has no other stamps than that, receipts are
/// skipped, and the last one has to stand first on the next page.
fn after(window: &OrderWindow, place: &Place, receipts: &[Receipt<'_>]) -> Place {
    let last = receipts.iter().map(|receipt| receipt.changed).max().unwrap_or(place.since);
    let since = last - 1;
    if place.since < since && matches!(window, OrderWindow::ChangedSince(_)) {
        let seen = receipts.iter().filter(|receipt| since <= receipt.changed).map(|receipt| receipt.id).collect();
        return Place { cancelled: place.cancelled, since, skip: 0, first: 0, starts: 1, last, seen };
    }
    let overlap = usize::from(1 < receipts.len());
    let first = receipts.last().filter(|_| overlap == 1).map_or(0, |receipt| receipt.id);
    let seen = place.seen.iter().copied().chain(receipts.iter().map(|receipt| receipt.id)).collect();
    let skip = place.skip + receipts.len() - overlap;
    Place { skip, first, last: last.max(place.last), seen, ..*place }
}

/// Reads the list from the same second again, since it moved while it was paged (Y1).
fn begin_again(place: Place) -> Result<Page<OrderFact>> {
    if MOST_STARTS <= place.starts {
        return Err(ChannelError::unexpected(READ, "Etsy's list of receipts keeps changing while it is read"));
    }
    let next = Place { skip: 0, first: 0, starts: place.starts + 1, ..place };
    Ok(Page { items: Vec::new(), next: Some(next.token()?), account: None })
}

fn missing(what: &str, field: &str) -> ChannelError {
    ChannelError::unexpected(READ, format!("{what} comes without a readable `{field}`"))
}

impl<'a> Receipt<'a> {
    fn read(value: &'a Value) -> Result<Self> {
        let id = number(value, "receipt_id").ok_or_else(|| missing("a receipt", "receipt_id"))?;
        // Each stamp has two names; the older one may go.
        let stamp = |name: &str, other: &str| {
            let stamp = number(value, name).or_else(|| number(value, other));
            stamp.ok_or_else(|| missing(&format!("receipt {id}"), name))
        };
        let created = stamp("create_timestamp", "created_timestamp")?;
        let changed = stamp("update_timestamp", "updated_timestamp")?;
        Ok(Self { id, created, changed, value })
    }

    fn status(&self) -> Option<String> {
        text(self.value, "status").map(|status| status.trim().to_lowercase())
    }

    fn is_cancelled(&self) -> Option<bool> {
        self.status().map(|status| matches!(status.as_str(), "canceled" | "cancelled"))
    }

    /// Tells whether there is nothing left to do about it, for whoever asks for what is unfinished (W1).
    fn is_finished(&self) -> bool {
        self.is_cancelled() == Some(true) || self.value.get("is_shipped").and_then(Value::as_bool) == Some(true)
    }

    fn fact(&self) -> Result<OrderFact> {
        let what = || format!("receipt {}", self.id);
        let cancelled = self.is_cancelled().ok_or_else(|| missing(&what(), "status"))?;
        let transactions = self.value.get("transactions").and_then(Value::as_array);
        let transactions = transactions.ok_or_else(|| missing(&what(), "transactions"))?;
        let moment = |second: i64, name: &str| Timestamp::from_second(second).map_err(|_| missing(&what(), name));
        // Whether it was shipped counts only for a cancelled one; where nobody says, nothing is put back (P1).
        let shipped = self.value.get("is_shipped").and_then(Value::as_bool).unwrap_or(true);
        let goods = transactions.iter().filter(|line| line.get("is_digital").and_then(Value::as_bool) != Some(true));
        Ok(OrderFact {
            order: self.id.to_string(),
            placed: moment(self.created, "create_timestamp")?,
            changed: moment(self.changed, "update_timestamp")?,
            also: Vec::new(),
            origin: None,
            lines: goods.map(|line| line_fact(line, &what(), cancelled, shipped)).collect::<Result<_>>()?,
        })
    }
}

fn line_fact(line: &Value, receipt: &str, cancelled: bool, shipped: bool) -> Result<LineFact> {
    let what = || format!("a line of {receipt}");
    let id = number(line, "transaction_id").ok_or_else(|| missing(&what(), "transaction_id"))?;
    let quantity = number(line, "quantity").filter(|quantity| 0 <= *quantity);
    let quantity = quantity.ok_or_else(|| missing(&what(), "quantity"))?;
    Ok(LineFact {
        key: LineKey(id.to_string()),
        listings: listings(line),
        sku: text(line, "sku").and_then(Sku::new),
        taken: quantity,
        cancelled: if cancelled { quantity } else { 0 },
        shipped: shipped || number(line, "shipped_timestamp").is_some(),
        out_of_stock: false,
    })
}

/// Returns the quantity groups that a line may have been sold from. By which of its properties the quantity of the listing
/// varies, it does not say; so each choice of them is one, the closest first. Only one of them is the name of a group.
fn listings(line: &Value) -> Vec<ListingKey> {
    let Some(listing) = number(line, "listing_id").filter(|listing| 0 < *listing) else { return Vec::new() };
    let values = properties(line);
    let mut choices: Vec<u32> = (0..1_u32 << values.len()).collect();
    choices.sort_by_key(|choice| (std::cmp::Reverse(choice.count_ones()), *choice));
    let group = |choice: u32| {
        let chosen = values.iter().enumerate().filter(|(nth, _)| choice & (1 << nth) != 0).map(|(_, value)| value);
        keys::group(chosen.map(|(property, ids, text)| (*property, ids.as_slice(), text.as_str())))
    };
    choices.into_iter().map(|choice| Key::new(listing, group(choice)).listing_key()).collect()
}

/// Returns what a line's product varies in: as the product says, or else as the buyer chose.
fn properties(line: &Value) -> Vec<(i64, Vec<i64>, String)> {
    let list = |name: &str| line.get(name).and_then(Value::as_array).into_iter().flatten();
    let words = |value: &Value| {
        let words = value.get("values").and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    let of_product = list("product_data")
        .filter_map(|value| Some((number(value, "property_id")?, numbers(value, "value_ids"), words(value))));
    let mut values: Vec<_> = of_product.collect();
    if values.is_empty() {
        // What a buyer had engraved is no value of a property, and has no id.
        let chosen =
            |value: &Value| Some((number(value, "property_id")?, vec![number(value, "value_id")?], String::new()));
        values = list("variations").filter_map(chosen).collect();
    }
    values.truncate(MOST_PROPERTIES);
    values
}
