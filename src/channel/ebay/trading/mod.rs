//! eBay's Trading API, behind a boundary of its own.
//!
//! It is old, its documents are XML, and eBay says that its GraphQL Listing API will take its place one day. What the rest
//! of the adapter knows of it is what stands here: listings, revisions, and what became of them; no element of a document
//! goes out of this folder. Its headers, and the numbers by which any of eBay's calls fails, are the line's (`api.rs`).
//! Whoever writes the successor writes these ten functions.

mod answer;
mod document;
mod refusal;

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use self::answer::{
    EventsAnswer, Head, ItemAnswer, PreferencesAnswer, RelistAnswer, ReviseAnswer, SellingAnswer, Told, UserAnswer,
    XmlItem, flag, read,
};
use self::document::Document;
pub(super) use self::refusal::Refusal;
use super::api::Api;
use super::item::Item;
use super::keys::Key;
use super::quantity::Available;
use crate::channel::{Account, ChannelError, Result, printable};
use crate::net::Again;

/// Listings of a page (4.1).
const PAGE: &str = "200";
/// Entries that one revising call takes (5.1).
pub(super) const REVISIONS: usize = 4;
/// Listings from which on a list of changes may be cut off: 3,000, and 2,000 where all details are asked for, as eBay says in
/// another place (4.2).
pub(super) const CUT_OFF: usize = 2000;

pub(super) const READ: &str = "reading listings";
pub(super) const CHANGES: &str = "reading changed quantities";
pub(super) const LEVELS: &str = "reading quantities";
pub(super) const WRITE: &str = "writing quantities";
pub(super) const END: &str = "ending a listing";
pub(super) const RELIST: &str = "putting a listing up again";
pub(super) const LOOK: &str = "looking at the account";
pub(super) const SWITCH: &str = "switching out-of-stock control on";

/// What is read of each listing: nothing of those who watch or bid.
const FIELDS: &[&str] = &[
    "ItemID",
    "Title",
    "SKU",
    "ListingType",
    "Quantity",
    "QuantityAvailable",
    "BuyItNowPrice",
    "SellingStatus.QuantitySold",
    "SellingStatus.CurrentPrice",
    "SellingStatus.ListingStatus",
    "SellingStatus.ListingOnHold",
    "ListingDetails.EndingReason",
    "ListingDetails.RelistedItemID",
    "Variations",
];

/// The Trading API of one account.
pub(super) struct Trading {
    api: Arc<Api>,
}

/// A page of the listings that are up.
pub(super) struct Active {
    pub items: Vec<Item>,
    pub pages: u64,
}

/// A quantity to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub key: Key,
    pub quantity: Available,
}

/// What became of a call of revisions: one outcome for each, `None` where the answer does not say.
pub(super) type Revised = Vec<Option<std::result::Result<(), Refusal>>>;

/// How the account is set up.
pub(super) struct Preferences {
    /// Whether listings stay at 0 instead of ending.
    pub out_of_stock_control: Option<bool>,
    /// Whether eBay puts units back when it cancels an unpaid purchase.
    pub auto_relist: Option<bool>,
    /// Whether it cancels unpaid purchases by itself.
    pub cancels_unpaid: Option<bool>,
    /// After how many days, where it does.
    pub unpaid_days: Option<i64>,
}

impl Trading {
    /// Opens it over a line.
    pub fn new(api: Arc<Api>) -> Self {
        Self { api }
    }

    /// Reads a page of the listings that are up, from 1 on, with all their variations (`GetMyeBaySelling`, 4.1).
    pub async fn active(&self, page: u64) -> Result<Active> {
        let mut select = vec!["ActiveList.PaginationResult".to_owned()];
        select.extend(FIELDS.iter().map(|field| format!("ActiveList.ItemArray.Item.{field}")));
        let mut document = Document::new("GetMyeBaySelling", None, &select);
        document.group("ActiveList", |list| {
            list.element("Include", "true");
            list.group("Pagination", |pagination| {
                pagination.element("EntriesPerPage", PAGE).element("PageNumber", &page.to_string());
            });
        });
        let answer: SellingAnswer = self.ask(READ, document).await?;
        // Where nothing is up, there is no list at all.
        let Some(active) = answer.active else { return Ok(Active { items: Vec::new(), pages: 0 }) };
        let pages = active.pages.and_then(|pages| pages.pages).and_then(|pages| pages.trim().parse().ok());
        let pages =
            pages.ok_or_else(|| ChannelError::unexpected(READ, "eBay's list comes without TotalNumberOfPages"))?;
        Ok(Active { items: items(active.items.items, Told::Selling, READ)?, pages })
    }

    /// Reads the listings that changed between two moments, up to [`CUT_OFF`] (`GetSellerEvents`, 4.2). Without an end, it is
    /// the time of the call, by eBay's own clock.
    pub async fn modified(&self, from: Timestamp, to: Option<Timestamp>) -> Result<Vec<Item>> {
        self.events(["ModTimeFrom", "ModTimeTo"], from, to).await
    }

    /// Reads the listings that ended between two moments (4.2).
    pub async fn ended(&self, from: Timestamp, to: Option<Timestamp>) -> Result<Vec<Item>> {
        self.events(["EndTimeFrom", "EndTimeTo"], from, to).await
    }

    async fn events(&self, names: [&str; 2], from: Timestamp, to: Option<Timestamp>) -> Result<Vec<Item>> {
        let select: Vec<String> = FIELDS.iter().map(|field| format!("ItemArray.Item.{field}")).collect();
        let mut document = Document::new("GetSellerEvents", Some("ReturnAll"), &select);
        document.element(names[0], &stamp(from));
        if let Some(to) = to {
            document.element(names[1], &stamp(to));
        }
        let answer: EventsAnswer = self.ask(CHANGES, document).await?;
        items(answer.items.items, Told::Events, CHANGES)
    }

    /// Reads one listing as it is now, with all its variations; `None` where there is none (`GetItem`).
    pub async fn item(&self, id: &str) -> Result<Option<Item>> {
        let select: Vec<String> = FIELDS.iter().map(|field| format!("Item.{field}")).collect();
        let mut document = Document::new("GetItem", None, &select);
        document.element("ItemID", id);
        let (head, answer): (Head, ItemAnswer) = self.say(LEVELS, document, Again::Always).await?;
        match head.failure(LEVELS) {
            Some(Refusal::Gone) => return Ok(None),
            Some(refusal) => return Err(refusal.error(LEVELS)),
            None => {}
        }
        let Some(item) = answer.item else {
            return Err(ChannelError::unexpected(LEVELS, format!("eBay's answer about {id} comes without Item")));
        };
        let item = item.item(Told::Item, LEVELS)?;
        if item.id != id {
            let message = format!("eBay answers about another listing than was asked for: {}", printable(&item.id, 40));
            return Err(ChannelError::unexpected(LEVELS, message));
        }
        Ok(Some(item))
    }

    /// Writes up to [`REVISIONS`] quantities; prices are left as they are (`ReviseInventoryStatus`, 5.1). What failed for
    /// reasons of its own stands in the outcomes; what would fail for any other listing too is an error of the call.
    pub async fn revise(&self, revisions: &[Revision], again: Again) -> Result<Revised> {
        let document = revise_document(revisions);
        let (head, answer): (Head, ReviseAnswer) = self.say(WRITE, document, again).await?;
        let told = |revision: &Revision| answer.revised.iter().any(|revised| revised.is_of(&revision.key));
        let mut outcomes: Revised = revisions.iter().map(|revision| told(revision).then_some(Ok(()))).collect();
        let failed = head.ack == "Failure";
        let whole = failed || revisions.len() == 1 || outcomes.iter().all(Option::is_none);
        match head.failure(WRITE) {
            Some(Refusal::Everything(error)) if whole => return Err(error),
            // Of several entries, nothing says which one it is.
            Some(_) if failed && 1 < revisions.len() => outcomes.fill_with(|| None),
            // Of one entry alone, the failure is its own.
            failure if revisions.len() == 1 => outcomes = vec![Some(failure.map_or(Ok(()), Err))],
            _ => {}
        }
        note_removed(&head, revisions, &mut outcomes);
        Ok(outcomes)
    }

    /// Ends a listing (`EndFixedPriceItem`, section 6).
    pub async fn end(&self, id: &str) -> Result<std::result::Result<(), Refusal>> {
        let mut document = Document::new("EndFixedPriceItem", None, &[]);
        document.element("ItemID", id).element("EndingReason", "NotAvailable");
        let (head, _): (Head, serde::de::IgnoredAny) = self.say(END, document, Again::IfNeverSent).await?;
        Ok(head.failure(END).map_or(Ok(()), Err))
    }

    /// Puts an ended listing up again under a new item id, which is returned (`RelistFixedPriceItem`, section 6). The
    /// quantity is always said: without it, eBay takes the one of the very first day.
    pub async fn relist(&self, id: &str, quantity: Available) -> Result<std::result::Result<String, Refusal>> {
        let mut document = Document::new("RelistFixedPriceItem", None, &[]);
        document.group("Item", |item| {
            item.element("ItemID", id).element("Quantity", &quantity.units().to_string());
        });
        let (head, answer): (Head, RelistAnswer) = self.say(RELIST, document, Again::IfNeverSent).await?;
        Ok(match head.failure(RELIST) {
            Some(refusal) => Err(refusal),
            None => Ok(answer.item.unwrap_or_default()),
        })
    }

    /// Tells whose account this is (`GetUser`). A seller may take another name; the token beside it never changes.
    pub async fn account(&self) -> Result<Account> {
        let select = ["User.EIASToken".to_owned(), "User.UserID".to_owned()];
        let document = Document::new("GetUser", None, &select);
        let answer: UserAnswer = self.ask(LOOK, document).await?;
        let (lasting, name) = answer.user.map_or((None, None), |user| (user.lasting, user.name));
        let full = |text: Option<String>| text.map(|text| printable(&text, 120)).filter(|text| !text.is_empty());
        let Some(name) = full(name) else {
            return Err(ChannelError::unexpected(LOOK, "eBay's answer about the account comes without UserID"));
        };
        Ok(Account { identity: full(lasting).unwrap_or_else(|| name.clone()), label: name })
    }

    /// Tells how the account is set up (`GetUserPreferences`, section 6).
    pub async fn preferences(&self) -> Result<Preferences> {
        let mut document = Document::new("GetUserPreferences", None, &[]);
        // The schema wants an answer to each of these.
        for (name, wanted) in [
            ("ShowBidderNoticePreferences", "false"),
            ("ShowCombinedPaymentPreferences", "false"),
            ("ShowSellerPaymentPreferences", "false"),
            ("ShowUnpaidItemAssistancePreference", "true"),
            ("ShowSellerProfilePreferences", "false"),
            ("ShowOutOfStockControlPreference", "true"),
        ] {
            document.element(name, wanted);
        }
        let answer: PreferencesAnswer = self.ask(LOOK, document).await?;
        let unpaid = answer.unpaid.as_ref();
        let cancels = unpaid.and_then(|unpaid| flag(unpaid.opted_in.as_deref()));
        let days = unpaid.filter(|_| cancels != Some(false));
        let days = days.and_then(|unpaid| unpaid.days.as_deref()?.trim().parse().ok());
        Ok(Preferences {
            out_of_stock_control: flag(answer.out_of_stock_control.as_deref()),
            auto_relist: unpaid.and_then(|unpaid| flag(unpaid.auto_relist.as_deref())),
            cancels_unpaid: cancels,
            unpaid_days: days,
        })
    }

    /// Switches out-of-stock control on, at once (`SetUserPreferences`, section 6).
    pub async fn switch_out_of_stock_control_on(&self) -> Result<()> {
        let mut document = Document::new("SetUserPreferences", None, &[]);
        document.element("OutOfStockControlPreference", "true");
        let _: serde::de::IgnoredAny = self.ask(SWITCH, document).await?;
        Ok(())
    }

    /// Sends a request of which nothing is expected but that it works.
    async fn ask<T: DeserializeOwned>(&self, operation: &'static str, document: Document) -> Result<T> {
        let (head, answer) = self.say(operation, document, Again::Always).await?;
        match head.failure(operation) {
            Some(refusal) => Err(refusal.error(operation)),
            None => Ok(answer),
        }
    }

    async fn say<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        document: Document,
        again: Again,
    ) -> Result<(Head, T)> {
        let call = document.call();
        let reply = self.api.trading(call, operation, &document.finish(), again).await?;
        read(&reply, call, operation)
    }
}

fn revise_document(revisions: &[Revision]) -> Document {
    let mut document = Document::new("ReviseInventoryStatus", None, &[]);
    for Revision { key, quantity } in revisions {
        document.group("InventoryStatus", |entry| {
            if let Some(sku) = &key.sku {
                entry.element("SKU", sku);
            }
            entry.element("ItemID", &key.item).element("Quantity", &quantity.units().to_string());
        });
    }
    document
}

impl answer::Revised {
    /// Tells whether it is the echo of an entry. Of a listing without variations eBay may echo the SKU that it has.
    fn is_of(&self, key: &Key) -> bool {
        let sku = self.sku.as_deref().map(str::trim).filter(|sku| !sku.is_empty());
        self.item.as_deref().map(str::trim) == Some(key.item.as_str())
            && key.sku.as_ref().is_none_or(|wanted| sku == Some(wanted.as_str()))
    }
}

/// Notes the variations that eBay took out of their listing: it says so in a remark beside a success.
fn note_removed(head: &Head, revisions: &[Revision], outcomes: &mut Revised) {
    for error in head.errors.iter().filter(|error| error.code == "21916620") {
        let at_zero = |revision: &&Revision| revision.key.sku.is_some() && revision.quantity.is_none();
        let named = |revision: &Revision| revision.key.sku.as_deref().is_some_and(|sku| error.names(sku));
        let any_named = revisions.iter().any(named);
        for (revision, outcome) in revisions.iter().zip(outcomes.iter_mut()) {
            // Where the remark names none, each variation that was written to 0 may be the one.
            if at_zero(&revision) && (!any_named || named(revision)) {
                *outcome = Some(Err(Refusal::Removed));
            }
        }
    }
}

fn items(items: Vec<XmlItem>, told: Told, operation: &'static str) -> Result<Vec<Item>> {
    items.into_iter().map(|item| item.item(told, operation)).collect()
}

/// Writes a moment as eBay writes it.
fn stamp(moment: Timestamp) -> String {
    format!("{moment:.3}")
}
