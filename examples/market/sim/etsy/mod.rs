//! Etsy's face of one shop: the Open API v3 over the neutral world, as the sheet of facts says it behaves.
//!
//! Numbers in comments such as "3.1" are sections of that sheet; "[?]" marks what it says is not verified, which is a
//! switch here. A product of the world is a listing, a variant of it a product, and an item a quantity group: a write
//! replaces all that a listing has, and the last unit that is bought takes it off the shop until somebody pays for it.
//!
//! What Etsy knows beyond the world is kept in the face, which reads the log of what happened before every call.

mod body;
mod deeds;
mod frame;
mod keys;
mod listings;
mod lives;
mod quota;
mod receipts;
mod shows;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

pub use self::deeds::{ListingSpec, ProductSpec};
pub use self::keys::{CALLBACK, SCOPES, challenge_of};
use self::keys::{Code, Grant};
use self::listings::Listing;
pub use self::listings::{MOST, PROFILE, PropertyValue, Standing, Varies};
use self::lives::Home;
pub use self::quota::Quota;
pub use self::receipts::receipt_id;
use super::{Answer, Ask, Face, Market, Operation, ShopHandle, Step, Trouble, Who, Work, World};

/// What a shop at Etsy is like before anything happens.
#[derive(Clone, Debug)]
pub struct EtsySpec {
    /// Its name in the market.
    pub name: String,
    /// What it lists.
    pub listings: Vec<ListingSpec>,
    /// Whether the units of a cancelled receipt come back (7) [?].
    pub restocks: bool,
    /// Whether buyers pay when they buy; else a payment is on its way until it is told to clear, or by itself after
    /// [`Etsy::clears_after`].
    pub pays_at_once: bool,
    /// Whether the lists of a shop still take `includes=Inventory` (4.1, 12) [?].
    pub lists_inventory: bool,
}

/// Etsy's face of one shop. Its public fields may be changed at any time by [`ShopHandle::face`].
pub struct Etsy {
    /// The shop's name in the world.
    pub shop: String,
    /// The shop's number.
    pub shop_id: u64,
    /// The number of its owner.
    pub user_id: u64,
    /// The program's key.
    pub keystring: String,
    /// What stands behind it (0).
    pub shared_secret: String,
    /// Where a seller may be sent back to (1).
    pub callbacks: BTreeSet<String>,
    /// What the seller consented to.
    pub scopes: BTreeSet<String>,
    /// The refresh token that is good, and until when; `None` where the seller's consent is gone.
    pub refresh: Option<(String, Timestamp)>,
    /// How many calls are taken with the key alone.
    pub public: Quota,
    /// How many calls are taken with the seller's token.
    pub private: Quota,
    /// Whether the lists of a shop still take `includes=Inventory` (4.1, 12) [?].
    pub lists_inventory: bool,
    /// Whether the seller consents anew at once where the answer with a refresh token got lost.
    pub consents_anew: bool,
    /// Whether another app that writes a number into what is sold out renews it for that, on the owner's account.
    pub apps_renew: bool,
    /// Whether inventories show what was deleted, though nobody asked (5) [?].
    pub shows_deleted: bool,
    /// Whether receipts are listed that were cancelled, where nothing is said of them (7).
    pub lists_canceled: bool,
    /// Whether every other receipt writes its status with a capital letter (7).
    pub capitals: bool,
    /// Whether the units of a cancelled receipt come back (7) [?].
    pub restocks: bool,
    /// Whether buyers pay when they buy (7).
    pub pays_at_once: bool,
    /// How long payments are on their way that do not come at once; else until they are told to clear.
    pub clears_after: Option<Duration>,
    /// How long a new inventory takes to take effect (5).
    pub put_time: Duration,
    /// SKUs that show one unit more than the others of their group, as no inventory should (5).
    pub contradicting: BTreeSet<String>,
    /// SKUs that are lost when the inventory that they are in is replaced, though they were sent.
    pub loses: BTreeSet<String>,
    /// SKUs that get another price then than was sent, in hundredths.
    pub reprices: BTreeMap<String, i64>,
    /// How many inventories are refused as changed at the same time (5).
    pub conflicts: usize,
    /// Whether a sale before a new inventory takes effect is noticed, and refuses it; else it is undone (5) [?].
    pub notices_sales: bool,
    /// How likely a new inventory gives new numbers to its products and offerings (5).
    pub new_numbers: f64,
    /// Whether units that buyers are not shown count where something must be left (6) [?].
    pub hidden_counts: bool,
    /// Whether a third variation has gone live (0) [?].
    pub three_variations: bool,
    /// Whether what is sold out answers 500 to being activated (6).
    pub sold_out_fails: bool,
    /// Whether what is sold out can be made inactive (6) [?].
    pub sold_out_hides: bool,
    /// Whether what is inactive shows as expired once its four months are over (6) [?].
    pub idle_expires: bool,
    /// SKUs whose listing Etsy does not put on sale, with its words (6, 9).
    pub refused: BTreeMap<String, String>,
    /// What listing and renewing cost (6).
    pub fees: Vec<Fee>,
    /// The tokens given out.
    tokens: BTreeMap<String, Grant>,
    /// The codes given out to be traded for tokens.
    codes: BTreeMap<String, Code>,
    /// How many tokens were made.
    minted: u64,
    /// How far the log of the world was read.
    read: usize,
    /// The newest product that was taken note of.
    newest: u64,
    /// The listings by product.
    listings: BTreeMap<u64, Listing>,
    /// What lines were sold from.
    homes: BTreeMap<u64, Home>,
    /// The orders that were heard of.
    orders: BTreeSet<u64>,
    /// Orders whose payment is on its way, since when.
    processing: BTreeMap<u64, Timestamp>,
    /// Money that was given back without units, in hundredths, by order.
    money: BTreeMap<u64, Vec<(Timestamp, i64)>>,
    /// Listings whose inventory is being replaced.
    writing: BTreeSet<u64>,
}

/// What was paid for a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// When.
    pub at: Timestamp,
    /// The number of the listing.
    pub listing: u64,
    /// Who listed or renewed it.
    pub who: Who,
    /// How much, in cents of a US dollar.
    pub cents: i64,
}

impl EtsySpec {
    /// Makes a shop with a listing without variations for each good.
    pub fn new(name: &str, goods: &[(&str, i64)]) -> Self {
        Self {
            name: name.into(),
            listings: goods.iter().map(|(sku, units)| ListingSpec::single(sku, *units)).collect(),
            restocks: false,
            pays_at_once: true,
            lists_inventory: true,
        }
    }

    /// Adds a listing.
    #[must_use]
    pub fn with(mut self, listing: ListingSpec) -> Self {
        self.listings.push(listing);
        self
    }

    /// Where the shop answers in process, whatever else the market has.
    pub fn base_url(&self) -> String {
        format!("https://{}", host(&self.name))
    }
}

impl Market {
    /// Opens a shop at Etsy. In process it answers to `<name>.etsy.example`, and the first of a market to Etsy's own
    /// hosts.
    pub fn add_etsy(&self, spec: &EtsySpec) -> ShopHandle {
        let own = host(&spec.name);
        let taken = self.lock().hosts.contains_key(keys::HOSTS[0]);
        let hosts = std::iter::once(own.as_str()).chain(keys::HOSTS.into_iter().filter(|_| !taken));
        let number = self.world(World::id);
        let face = Etsy::new(spec, number, self.now());
        let shop = self.add_face(&spec.name, Box::new(face), &hosts.collect::<Vec<_>>());
        self.world(|world| {
            // One publication: what buyers are not shown is taken out of it.
            let site = world.id();
            world.shop_mut(&spec.name).publications.insert(site, "Etsy".into());
        });
        for listing in &spec.listings {
            shop.add_etsy_listing(listing);
        }
        shop
    }
}

fn host(name: &str) -> String {
    format!("{name}.etsy.example")
}

impl Etsy {
    fn new(spec: &EtsySpec, number: u64, now: Timestamp) -> Self {
        let user_id = 12_300_000 + number;
        Self {
            shop: spec.name.clone(),
            shop_id: 55_500_000 + number,
            user_id,
            keystring: format!("keystring-of-{}", spec.name),
            shared_secret: format!("secret-of-{}", spec.name),
            callbacks: BTreeSet::from([CALLBACK.to_owned()]),
            scopes: SCOPES.into_iter().map(Into::into).collect(),
            refresh: Some((format!("{user_id}.refresh-0-{}", spec.name), now + keys::REFRESH_LASTS)),
            public: Quota::default(),
            private: Quota::default(),
            lists_inventory: spec.lists_inventory,
            apps_renew: false,
            consents_anew: false,
            shows_deleted: false,
            lists_canceled: true,
            capitals: true,
            restocks: spec.restocks,
            pays_at_once: spec.pays_at_once,
            clears_after: None,
            put_time: Duration::from_millis(10),
            contradicting: BTreeSet::new(),
            loses: BTreeSet::new(),
            reprices: BTreeMap::new(),
            conflicts: 0,
            notices_sales: false,
            new_numbers: 0.5,
            hidden_counts: false,
            three_variations: false,
            sold_out_fails: false,
            sold_out_hides: false,
            idle_expires: true,
            refused: BTreeMap::new(),
            fees: Vec::new(),
            tokens: BTreeMap::new(),
            codes: BTreeMap::new(),
            minted: 0,
            read: 0,
            newest: 0,
            listings: BTreeMap::new(),
            homes: BTreeMap::new(),
            orders: BTreeSet::new(),
            processing: BTreeMap::new(),
            money: BTreeMap::new(),
            writing: BTreeSet::new(),
        }
    }
}

impl Face for Etsy {
    fn recognise(&self, ask: &Ask) -> Operation {
        frame::recognise(ask)
    }

    fn answer(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Step {
        self.catch_up(world);
        self.open(world, ask, troubles)
    }

    fn throttled(&self, ask: &Ask) -> Answer {
        let mut answer = frame::Problem::throttled(None).answer();
        self.quota(header(ask, "authorization").is_some()).tell(&mut answer.headers);
        answer.headers.insert("x-remaining-this-second", HeaderValue::from(0));
        answer
    }

    fn least_calls(&self, work: Work, listings: usize) -> usize {
        match work {
            // 4.1, 10: a hundred a page, and a look each at what is sold out and what is inactive.
            Work::ReadAll => listings.div_ceil(100).max(1) + 2,
            Work::ReadSome => listings.div_ceil(100),
            // 5, 10: one listing a call.
            Work::Set | Work::Adjust => listings,
        }
    }
}

fn json_answer(status: u16, body: &Value) -> Answer {
    told(status, "application/json", body.to_string())
}

fn page(status: u16, words: &str) -> Answer {
    told(status, "text/html; charset=utf-8", format!("<!DOCTYPE html><html><body>{words}</body></html>"))
}

fn told(status: u16, kind: &'static str, text: String) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let status = StatusCode::from_u16(status).expect("it is a status");
    Answer { status, headers, body: text.into(), cost: 1.0, items: None }
}

/// Reads a header.
fn header<'a>(ask: &'a Ask, name: &str) -> Option<&'a str> {
    ask.headers().get(name)?.to_str().ok()
}

/// Returns the moment that numbers are shown of: now, or so long ago where it is so planned.
fn moment(now: Timestamp, troubles: &[Trouble]) -> Timestamp {
    let stale = troubles.iter().find_map(|trouble| match trouble {
        Trouble::Stale(by) => Some(*by),
        _ => None,
    });
    now - stale.unwrap_or_default()
}
