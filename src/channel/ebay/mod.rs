//! eBay, by its Inventory, Fulfillment and Trading APIs.
//!
//! The listing of our contract is a listing on eBay without variations, or a variation of one: [`keys`] says how it is
//! called. Numbers are what a buyer can still buy; what eBay means by a number is a type, [`quantity`]. Two kinds of
//! listing live side by side in one account, those made through the Inventory API and classic ones; each takes its number
//! from its own side alone, and which it is, is found out ([`inventory`]).
//!
//! Section numbers are those of the project's collected facts about eBay.

mod adjusting;
mod api;
mod auth;
mod consent;
mod doctor;
mod errors;
mod inventory;
mod item;
mod keys;
mod limits;
mod orders;
mod quantity;
mod reading;
mod showing;
#[cfg(test)]
mod tests;
mod trading;
mod unpaid;
mod writing;
mod zero;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use self::api::{Api, MARKETPLACES};
use self::consent::EbayConsent;
use self::inventory::{Inventory, Model};
use self::limits::Limits;
use self::orders::Cancelled;
use self::trading::Trading;
use self::unpaid::{Choice, UnpaidPeriod};
use self::zero::OutOfStockControl;
use super::notes::Notes;
use super::registry::{Doors, Key, Kind, Need, Settings, Shape};
use super::{
    Account, Adjustment, Attempt, Channel, Mend, Outcome, Page, PageToken, Probe, Result, Showing, Standing, Update,
};
use crate::domain::quota::Quota;
use crate::domain::{
    Capability, ChannelName, ExactlyOnce, Listing, ListingKey, OrderFact, OrderWindow, Reading, Revisions, Sku,
    StoredCall, Traces, ZeroKept,
};

/// The kind, as channels.toml knows it.
pub(super) static KIND: Kind = Kind {
    name: "ebay",
    summary: "an eBay seller's account",
    keys: &[
        Key {
            name: "client_id",
            help: "the App ID of the keyset at developer.ebay.com",
            example: "\"…\"",
            shape: Shape::Text,
            need: Need::Always,
        },
        Key {
            name: "client_secret",
            help: "its Cert ID",
            example: "{ env = \"EBAY_SECRET\" }",
            shape: Shape::Secret,
            need: Need::Always,
        },
        Key {
            name: "refresh_token",
            help: "in place of `eys auth`, if you have one: it goes first",
            example: "{ env = \"EBAY_TOKEN\" }",
            shape: Shape::Secret,
            need: Need::Seldom,
        },
        Key {
            name: "ru_name",
            help: "the redirect name (RuName) of the keyset, for `eys auth`",
            example: "\"…\"",
            shape: Shape::Text,
            need: Need::Usual,
        },
        Key {
            name: "marketplace",
            help: "where the seller is at home",
            example: "\"EBAY_US\"",
            shape: Shape::OneOf(MARKETPLACES),
            need: Need::Seldom,
        },
        Key {
            name: "environment",
            help: "or eBay's sandbox",
            example: "\"production\"",
            shape: Shape::OneOf(&["production", "sandbox"]),
            need: Need::Seldom,
        },
    ],
    aliases: &[],
    zero_stock: &["keep", "hide", "end"],
    check,
    build: |settings, doors| Ok(Box::new(Ebay::new(settings, doors)?)),
    consent: Some(EbayConsent::prepare),
};

/// Checks what eBay's own names give away: an App ID says which of the two environments it is for (section 11).
fn check(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let sandbox = settings.text("environment") == Some("sandbox");
    let id = settings.text("client_id").unwrap_or_default();
    if id.contains("-SBX-") && !sandbox {
        let why = "this App ID is of the sandbox: say `environment = \"sandbox\"`, or take the one of production";
        wrong.push(("client_id", why.to_owned()));
    }
    if id.contains("-PRD-") && sandbox {
        let why = "this App ID is of production: leave `environment` out, or take the one of the sandbox";
        wrong.push(("client_id", why.to_owned()));
    }
    if !settings.has("refresh_token") && !settings.has("ru_name") {
        let why = "it needs a way in: `refresh_token`, or `ru_name` for `eys auth`";
        wrong.push(("client_id", why.to_owned()));
    }
    wrong
}

/// What is noted for the processes to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// How listings were made.
    models: Vec<(String, Model)>,
    /// How long the seller lets purchases be unpaid.
    unpaid: Option<Choice>,
    /// Whose account it is, with a print of the access token that this was asked with.
    whose: Option<(String, Account)>,
}

/// An eBay seller's account.
struct Ebay {
    api: Arc<Api>,
    notes: Arc<Notes<Noted>>,
    trading: Trading,
    inventory: Inventory,
    marketplace: String,
    /// Whose account it is, looked up once: the token stands for one seller.
    account: OnceCell<Account>,
    limits: Limits,
    zero: OutOfStockControl,
    unpaid: UnpaidPeriod,
    cancelled: Cancelled,
    /// The SKUs of listings without variations, as they were read last: their keys do not say.
    skus: Mutex<HashMap<String, Option<Sku>>>,
    capability: Capability,
    /// The channel's name, and whether relisting may cost money (Z4).
    name: ChannelName,
    fees: bool,
}

impl Ebay {
    fn new(settings: Settings, doors: Doors) -> Result<Self> {
        let (name, fees) = (settings.name.clone(), settings.fees);
        let marketplace = settings.text("marketplace").unwrap_or("EBAY_US").to_owned();
        let notes = Arc::new(Notes::new(name.clone(), Arc::clone(&doors.keeper)));
        let api = Arc::new(Api::new(settings, doors)?);
        Ok(Self {
            trading: Trading::new(Arc::clone(&api)),
            inventory: Inventory::new(Arc::clone(&api), Arc::clone(&notes)),
            api,
            notes,
            marketplace,
            account: OnceCell::new(),
            limits: Limits::default(),
            zero: OutOfStockControl::default(),
            unpaid: UnpaidPeriod::default(),
            cancelled: Cancelled::default(),
            skus: Mutex::default(),
            capability: capability(),
            name,
            fees,
        })
    }

    async fn whose(&self) -> Result<&Account> {
        let look_up = || async {
            // An access token stands for one seller; which, is asked again with the next one (I1).
            let print = self.api.access_print().await?;
            let noted = self.notes.read().await.ok().and_then(|noted| noted.whose);
            if let Some((_, account)) = noted.filter(|(of, _)| *of == print) {
                return Ok(account);
            }
            let account = self.trading.account().await?;
            drop(self.notes.change(|noted| noted.whose = Some((print, account.clone()))).await);
            Ok(account)
        };
        self.account.get_or_try_init(look_up).await
    }

    fn skus(&self) -> MutexGuard<'_, HashMap<String, Option<Sku>>> {
        self.skus.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn capability() -> Capability {
    Capability {
        // A reading by key costs a call for each listing; a call that takes many would hold the lane up for long.
        read_batch: 20,
        reads_singly: true,
        set_batch: 100,
        // A goal is repeated as a whole: no other listing may ride along (X3).
        adjust_batch: 1,
        compare_and_set: false,
        exactly_once: ExactlyOnce::Goal,
        below_zero: false,
        reads_changes: true,
        cheap_scan: false,
        orders: true,
        tells_restock: false,
        // The list of changes may trail by two minutes, and its windows overlap by two more (4.2).
        lag: SignedDuration::from_mins(4),
        // Paid orders show within minutes; unpaid ones later, and the counter of sold units tells of them (O5).
        order_delay: SignedDuration::from_mins(10),
        still_running: SignedDuration::from_mins(2),
        confirm_after: Some(SignedDuration::from_secs(1)),
        revisions: Some(Revisions { most: 250, for_raises: 150 }),
        zero: ZeroKept::IfSwitchedOn,
        // Quantities are 32-bit numbers in its schema.
        most: Some(i32::MAX.into()),
        hides: true,
        ends: true,
        ended_is_gone: true,
        counts_from_zero: false,
        writes_items: false,
        traces: Traces::Nowhere,
    }
}

#[async_trait]
impl Channel for Ebay {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn clock(&self) -> Option<Timestamp> {
        self.api.clock()
    }

    fn quota(&self) -> Option<Quota> {
        self.limits.quota(&self.api)
    }

    fn unpaid_for(&self) -> Option<SignedDuration> {
        Some(self.unpaid.lasts())
    }

    fn quota_calls(&self) -> u64 {
        self.api.trading_calls()
    }

    async fn account(&self) -> Result<Account> {
        self.whose().await.cloned()
    }

    async fn listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        self.recall_unpaid_period().await;
        let page = self.read_listings(page).await.inspect_err(|error| self.heed(error))?;
        if page.next.is_none() {
            self.limits.ask_once(&self.api).await;
            self.ask_unpaid_period().await;
        }
        Ok(page)
    }

    async fn changed(&self, since: Timestamp, page: Option<PageToken>) -> Result<Page<Reading>> {
        self.recall_unpaid_period().await;
        self.read_changes(since, page).await.inspect_err(|error| self.heed(error))
    }

    async fn levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        self.recall_unpaid_period().await;
        self.read_levels(keys).await.inspect_err(|error| self.heed(error))
    }

    async fn orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        self.read_orders(window, page).await
    }

    async fn set(&self, batch: &[Update], _: &str) -> Result<Vec<Outcome>> {
        self.write_quantities(batch).await
    }

    async fn prepare(&self, batch: &[Adjustment], key: &str) -> Result<StoredCall> {
        adjusting::prepare(batch, key)
    }

    async fn adjust(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>> {
        self.send_adjustment(call, attempt).await
    }

    async fn standing(&self, key: &ListingKey) -> Result<Option<Standing>> {
        self.stands(key).await
    }

    async fn show(&self, key: &ListingKey, act: &Showing) -> Result<Outcome> {
        self.change_visibility(key, act).await
    }

    async fn keeps_zero(&self) -> Result<bool> {
        self.look_at_out_of_stock_control().await
    }

    async fn probe(&self) -> Result<Vec<Probe>> {
        self.examine().await
    }

    async fn mend(&self, mend: &Mend) -> Result<Outcome> {
        self.mend_account(mend).await
    }
}
