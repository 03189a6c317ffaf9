//! WooCommerce, by its REST API of version 3.
//!
//! The listing of our contract is the holder of a number: a simple product (`733`), a variation that counts for itself
//! (`810/812`, its parent first), or a variable product on whose number its variations draw (`810`).

mod answer;
mod api;
mod doctor;
mod orders;
mod reading;
mod showing;
mod sign;
#[cfg(test)]
mod tests;
mod way;
mod wire;
mod writing;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use self::api::Api;
use self::reading::{LARGEST, Scan};
use super::registry::{Doors, Key, Kind, Need, Settings, Shape};
use super::{
    Account, Adjustment, Attempt, Channel, Mend, Outcome, Page, PageToken, Probe, Result, Showing, Standing, Update,
};
use crate::domain::{
    Capability, ExactlyOnce, Listing, ListingKey, OrderFact, OrderWindow, Reading, Role, StoredCall, Trace, Traces,
    ZeroKept,
};
use crate::net::http::check_url;

/// The kind, as channels.toml knows it.
pub(super) static KIND: Kind = Kind {
    name: "woocommerce",
    summary: "a WooCommerce shop",
    keys: &[
        Key {
            name: "url",
            help: "the shop's address, with its subfolder if it has one",
            example: "\"https://example.org\"",
            shape: Shape::Text,
            need: Need::Always,
        },
        Key {
            name: "consumer_key",
            help: "WooCommerce, Settings, Advanced, REST API: a key with the permission Read/Write",
            example: "\"ck_…\"",
            shape: Shape::Secret,
            need: Need::Always,
        },
        Key {
            name: "consumer_secret",
            help: "shown once, when the key is made",
            example: "\"cs_…\"",
            shape: Shape::Secret,
            need: Need::Always,
        },
    ],
    aliases: &[],
    zero_stock: &["keep", "hide", "end"],
    check,
    build: |settings, doors| Ok(Box::new(WooCommerce::new(settings, &doors)?)),
    consent: None,
};

fn check(settings: &Settings) -> Vec<(&'static str, String)> {
    let Some(text) = settings.text("url") else { return Vec::new() };
    let dialled = settings.base_url.as_deref().unwrap_or(text);
    let wrong = way::address(text)
        .and_then(|_| way::address(dialled))
        .and_then(|dialled| check_url(&dialled, settings.allow_http))
        .err();
    wrong.map(|why| ("url", why)).into_iter().collect()
}

/// A WooCommerce shop.
struct WooCommerce {
    api: Api,
    /// Whether it is the shop whose stock is the reference.
    is_source: bool,
    capability: Capability,
    /// The full scan under way: what its earlier pages told of the later ones.
    scan: Mutex<Scan>,
    learned: Learned,
}

/// What the shop taught us, for the life of the process.
struct Learned {
    /// It has no list of all variations: it is older than 10.3.
    lacks_variations: AtomicBool,
    /// It takes variations of one product at a time only.
    parents_apart: AtomicBool,
    /// The items that it takes in one call, and whether it said so itself.
    batch: AtomicUsize,
    batch_lowered: AtomicBool,
    /// It has numbers with fractions.
    fractions: AtomicBool,
}

impl WooCommerce {
    fn new(settings: Settings, doors: &Doors) -> Result<Self> {
        let learned = Learned {
            lacks_variations: AtomicBool::new(false),
            parents_apart: AtomicBool::new(false),
            batch: AtomicUsize::new(LARGEST),
            batch_lowered: AtomicBool::new(false),
            fractions: AtomicBool::new(false),
        };
        let is_source = settings.role == Role::Source;
        Ok(Self {
            is_source,
            api: Api::new(settings, doors)?,
            capability: capability(),
            scan: Mutex::default(),
            learned,
        })
    }
}

fn capability() -> Capability {
    Capability {
        read_batch: LARGEST,
        reads_singly: false,
        set_batch: LARGEST,
        adjust_batch: LARGEST,
        compare_and_set: false,
        exactly_once: ExactlyOnce::Marker,
        below_zero: true,
        reads_changes: true,
        cheap_scan: false,
        orders: true,
        tells_restock: true,
        lag: SignedDuration::ZERO,
        order_delay: SignedDuration::from_secs(30),
        still_running: SignedDuration::from_mins(10),
        confirm_after: Some(SignedDuration::from_secs(5)),
        revisions: None,
        zero: ZeroKept::Always,
        most: None,
        hides: true,
        ends: true,
        ended_is_gone: false,
        counts_from_zero: true,
        writes_items: false,
        traces: Traces::Listing,
    }
}

#[async_trait]
impl Channel for WooCommerce {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn clock(&self) -> Option<Timestamp> {
        self.api.clock()
    }

    async fn account(&self) -> Result<Account> {
        Ok(self.api.account())
    }

    async fn listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        self.read_listings(page).await
    }

    async fn changed(&self, since: Timestamp, page: Option<PageToken>) -> Result<Page<Reading>> {
        self.read_changed(since, page).await
    }

    async fn levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        self.read_levels(keys).await
    }

    async fn orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        self.read_orders(window, page).await
    }

    async fn set(&self, batch: &[Update], _: &str) -> Result<Vec<Outcome>> {
        self.write_quantities(batch).await
    }

    async fn traces(&self, keys: &[ListingKey]) -> Result<Vec<Option<Trace>>> {
        self.find_marks(keys).await
    }

    async fn prepare(&self, batch: &[Adjustment], key: &str) -> Result<StoredCall> {
        writing::prepare(batch, key)
    }

    async fn adjust(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>> {
        match attempt {
            Attempt::First => self.send_adjustment(call).await,
            Attempt::Again => self.find_adjustment(call).await,
        }
    }

    async fn standing(&self, key: &ListingKey) -> Result<Option<Standing>> {
        self.stands(key).await
    }

    async fn show(&self, key: &ListingKey, act: &Showing) -> Result<Outcome> {
        self.change_visibility(key, act).await
    }

    async fn probe(&self) -> Result<Vec<Probe>> {
        self.examine().await
    }

    async fn mend(&self, mend: &Mend) -> Result<Outcome> {
        self.mend_one(mend).await
    }
}
