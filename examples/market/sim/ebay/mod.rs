//! eBay's face of one seller's account: Trading by XML, and the younger interfaces by JSON, over the neutral world, as the
//! sheet of facts says they behave.
//!
//! Numbers in comments such as "3.1" are sections of that sheet; "[?]" marks what it says is not verified. A product is a
//! listing. One with a single variant called "Default Title" has no variations; any other has its variants for them.
//! A listing belongs to one of two worlds: a classic one is written by Trading alone, one of the Inventory model by that
//! interface alone, and both are read by Trading.
//!
//! The world's number is what buyers can still have. What eBay counts besides, the units sold by each listing under each
//! of its numbers, is kept in the face, which reads the log of what happened before every call.

mod account;
mod ending;
mod forms;
mod inventory;
mod listings;
mod offers;
mod orders;
mod purchases;
mod quota;
mod reads;
mod rest;
mod revise;
mod selector;
mod tokens;
mod trading;
mod xml;
mod xsd;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

pub use self::forms::{FORMS, Part};
use self::listings::{Grave, Home, Listing};
pub use self::listings::{ListingSpec, Model, Tracking};
use self::purchases::Purchase;
pub use self::quota::Quotas;
use self::tokens::{Code, Grant};
pub use self::tokens::{Keyset, SCOPES};
pub use self::xml::Node;
pub use self::xsd::Xsd;
use super::{Answer, Ask, Face, Market, Operation, ShopHandle, Step, Trouble, Work, World};

/// The namespace of Trading.
pub const NAMESPACE: &str = "urn:ebay:apis:eBLBaseComponents";

/// What a seller's account is like before anything happens.
#[derive(Clone, Debug)]
pub struct EbaySpec {
    /// Its name in the market.
    pub name: String,
    /// What it lists.
    pub listings: Vec<ListingSpec>,
    /// Whether the account keeps listings that show 0 (6).
    pub out_of_stock_control: bool,
    /// Whether units of a purchase that was never paid come back by themselves (7).
    pub auto_relist: bool,
    /// Whether buyers pay when they buy; else they do when they are told to.
    pub pays_at_once: bool,
}

/// eBay's face of one account. Its public fields may be changed at any time by [`ShopHandle::face`].
pub struct Ebay {
    /// The account's name in the world.
    pub shop: String,
    /// The seller's name at eBay.
    pub seller: String,
    /// What the program identifies itself by.
    pub keyset: Keyset,
    /// The refresh token, and until when it is good; `None` where the seller's consent is gone.
    pub refresh: Option<(String, Timestamp)>,
    /// What the seller consented to.
    pub scopes: BTreeSet<String>,
    /// Whether the account keeps listings that show 0 (6).
    pub out_of_stock_control: bool,
    /// How long it takes until it does, once it was asked for by REST (6).
    pub opt_in_takes: Duration,
    /// Whether units of a purchase that was never paid come back by themselves (7).
    pub auto_relist: bool,
    /// Whether buyers pay when they buy.
    pub pays_at_once: bool,
    /// What happens to a listing without variations that is set to 0 where nothing keeps it (6).
    pub zero: Zero,
    /// How many SKUs `bulkUpdatePriceQuantity` takes: 25 says the guide, 1 says the method (5.4).
    pub entries_per_update: usize,
    /// How many listings `GetSellerEvents` shows at most (4.2).
    pub most_events: usize,
    /// Whether `GetSellerEvents` leaves out a quantity of 0 as it does one of 1; what it does is not verified (3).
    pub events_omit_zero: bool,
    /// How often a listing may be revised in a day (2).
    pub revisions_a_day: usize,
    /// How many calls are taken in a day, and in a burst (2).
    pub quotas: Quotas,
    /// The units that the account may offer in all (2).
    pub selling_limit: Option<i64>,
    /// Whether the quantity of an inventory item falls with a sale (3) [?].
    pub ship_to_falls: bool,
    /// How long after they bought buyers pay by themselves who do not at once; else when [`ShopHandle::pay`] says so.
    pub pays_after: Option<Duration>,
    /// How long after it an unpaid purchase ends by itself; else when [`ShopHandle::let_lapse`] says so.
    pub lapses_after: Option<Duration>,
    /// After how many days eBay says that it may call a purchase unpaid (7).
    pub unpaid_days: u32,
    /// Whether the counter of sold units falls by a purchase that is cancelled before it is paid (3) [?].
    pub counter_falls: bool,
    /// Whether a purchase that is cancelled before it is paid shows as a cancelled order (7) [?].
    pub shows_unpaid_cancelled: bool,
    /// SKUs whose stock is spread over several places, so that it has no number of its own to write (3).
    pub distributed: BTreeSet<String>,
    /// SKUs whose listing eBay holds back (11).
    pub on_hold: BTreeSet<String>,
    /// The tokens given out.
    tokens: BTreeMap<String, Grant>,
    /// The codes given out to be traded for tokens.
    codes: BTreeMap<String, Code>,
    /// How many tokens were made.
    minted: u64,
    /// When out-of-stock control that was asked for comes on.
    opted_in: Option<Timestamp>,
    /// How far the log of the world was read.
    read: usize,
    /// The newest product or variant that was taken note of.
    newest: u64,
    /// The listings by product.
    listings: BTreeMap<u64, Listing>,
    /// Listings that were listed anew under another number, by their own.
    graves: BTreeMap<u64, Grave>,
    /// Units sold, as they rose, by number of the listing and variant.
    sold: BTreeMap<(u64, u64), Vec<(Timestamp, i64)>>,
    /// What lines were sold from.
    homes: BTreeMap<u64, Home>,
    /// Variations that are not in their listing any more.
    removed: BTreeSet<u64>,
    /// What orders are at eBay, by order.
    purchases: BTreeMap<u64, Purchase>,
    /// What the Inventory interface knows of variants.
    offers: BTreeMap<u64, offers::Offer>,
}

/// What happens to a listing without variations that is set to 0 where nothing keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    /// The revision is refused.
    Refused,
    /// The listing ends.
    Ends,
}

impl EbaySpec {
    /// Makes an account with classic listings without variations, which keeps them at 0.
    pub fn new(name: &str, goods: &[(&str, i64)]) -> Self {
        Self {
            name: name.into(),
            listings: goods.iter().map(|(sku, units)| ListingSpec::single(sku, *units)).collect(),
            out_of_stock_control: true,
            auto_relist: false,
            pays_at_once: true,
        }
    }

    /// Adds a listing.
    #[must_use]
    pub fn with(mut self, listing: ListingSpec) -> Self {
        self.listings.push(listing);
        self
    }
}

impl Market {
    /// Opens an account at eBay. In process it answers to `<name>.test`, and the first of a market to eBay's own hosts.
    pub fn add_ebay(&self, spec: &EbaySpec) -> ShopHandle {
        let own = format!("{}.test", spec.name);
        let taken = self.lock().hosts.contains_key(tokens::HOSTS[0]);
        let hosts = std::iter::once(own.as_str()).chain(tokens::HOSTS.into_iter().filter(|_| !taken));
        let face = Ebay::new(spec, self.now());
        let shop = self.add_face(&spec.name, Box::new(face), &hosts.collect::<Vec<_>>());
        self.world(|world| {
            // One publication: a variation that is taken out of its listing is taken out of it.
            let site = world.id();
            world.shop_mut(&spec.name).publications.insert(site, "eBay".into());
        });
        for listing in &spec.listings {
            shop.add_listing(listing);
        }
        shop
    }
}

impl Ebay {
    fn new(spec: &EbaySpec, now: Timestamp) -> Self {
        Self {
            shop: spec.name.clone(),
            seller: format!("seller-of-{}", spec.name),
            keyset: Keyset::new(&spec.name),
            refresh: Some((tokens::refresh_token(&spec.name), now + tokens::REFRESH_LASTS)),
            scopes: SCOPES.into_iter().map(Into::into).collect(),
            out_of_stock_control: spec.out_of_stock_control,
            opt_in_takes: Duration::ZERO,
            auto_relist: spec.auto_relist,
            pays_at_once: spec.pays_at_once,
            zero: Zero::Refused,
            entries_per_update: offers::LARGEST,
            most_events: 3000,
            events_omit_zero: false,
            revisions_a_day: 250,
            quotas: Quotas::default(),
            selling_limit: None,
            ship_to_falls: true,
            pays_after: None,
            lapses_after: None,
            unpaid_days: 4,
            counter_falls: false,
            shows_unpaid_cancelled: false,
            distributed: BTreeSet::new(),
            on_hold: BTreeSet::new(),
            tokens: BTreeMap::new(),
            codes: BTreeMap::new(),
            minted: 0,
            opted_in: None,
            read: 0,
            newest: 0,
            listings: BTreeMap::new(),
            graves: BTreeMap::new(),
            sold: BTreeMap::new(),
            homes: BTreeMap::new(),
            removed: BTreeSet::new(),
            purchases: BTreeMap::new(),
            offers: BTreeMap::new(),
        }
    }
}

impl Face for Ebay {
    fn recognise(&self, ask: &Ask) -> Operation {
        if trading::is_for(ask) { trading::recognise(ask) } else { rest::recognise(ask) }
    }

    fn answer(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Step {
        self.catch_up(world);
        let trading = trading::is_for(ask);
        Step::Done(if trading { self.trade(world, ask, troubles) } else { self.rest(world, ask, troubles) })
    }

    fn throttled(&self, ask: &Ask) -> Answer {
        // 2, 9: Trading says so in an answer that looks like any other.
        if trading::is_for(ask) { trading::used_up(ask) } else { rest::Problem::throttled().answer() }
    }

    fn least_calls(&self, work: Work, listings: usize) -> usize {
        let inventory = self.listings.values().all(|listing| listing.model == Model::Inventory);
        match work {
            // 10: two hundred listings a page, of either model.
            Work::ReadAll => listings.div_ceil(reads::LARGEST).max(1),
            Work::ReadSome => listings.div_ceil(reads::LARGEST),
            Work::Set | Work::Adjust if inventory => listings.div_ceil(self.entries_per_update),
            Work::Set | Work::Adjust => listings.div_ceil(revise::LARGEST),
        }
    }
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    told(status, "application/json", text)
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

/// Writes a time as eBay does: UTC, with thousandths.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Returns the moment that numbers are shown of: now, or so long ago where it is so planned.
fn moment(now: Timestamp, troubles: &[Trouble]) -> Timestamp {
    let stale = troubles.iter().find_map(|trouble| match trouble {
        Trouble::Stale(by) => Some(*by),
        _ => None,
    });
    now - stale.unwrap_or_default()
}

/// Returns the platform's own word that is planned for the whole call.
fn planned_word(troubles: &[Trouble]) -> Option<&'static str> {
    troubles.iter().find_map(|trouble| match trouble {
        Trouble::Word(word) => Some(*word),
        _ => None,
    })
}

/// Returns the platform's own word that is planned for what is to be written.
fn planned_refusal(troubles: &[Trouble]) -> Option<&'static str> {
    troubles.iter().find_map(|trouble| match trouble {
        Trouble::Refuse(word) => Some(*word),
        _ => None,
    })
}
