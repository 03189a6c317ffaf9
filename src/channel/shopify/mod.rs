//! Shopify, by the GraphQL Admin API.
//!
//! The listing of our contract is an *inventory item*: its number is shared by all variants that point to it. Its key is
//! the number at the end of the item's id. Quantities are always `available`, at the shop's chosen locations.

mod api;
mod doctor;
mod orders;
mod showing;
#[cfg(test)]
mod tests;
mod trace;
mod wire;
mod writing;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::OnceCell;

use self::api::{Api, Document};
use self::wire::{Catalogue, Changed, Levels, Location, ShopAnswer, item_gid};
use super::notes::Notes;
use super::registry::{Doors, Key, Kind, Need, Settings, Shape};
use super::{
    Account, Adjustment, Attempt, Channel, ChannelError, ErrorKind, Mend, Outcome, Page, PageToken, Probe, Repeat,
    Result, Showing, Standing, Update,
};
use crate::domain::{
    Capability, ChannelName, ExactlyOnce, Listing, ListingKey, OrderFact, OrderWindow, Reading, StoredCall, Trace,
    Traces, Writer, ZeroKept,
};

/// The most elements of a page and of an array (3.1).
const LARGEST: usize = 250;
/// Orders of a page: with 50 lines each, more would cost over the 1,000 points that one call may ask for.
const ORDERS: usize = 100;

/// The kind, as channels.toml knows it.
pub(super) static KIND: Kind = Kind {
    name: "shopify",
    summary: "a Shopify shop",
    keys: &[
        Key {
            name: "shop",
            help: "the permanent name of the shop",
            example: "\"my-shop.myshopify.com\"",
            shape: Shape::Text,
            need: Need::Always,
        },
        Key {
            name: "access_token",
            help: "of an app made in the shop's admin before 2026",
            example: "{ env = \"SHOPIFY_TOKEN\" }",
            shape: Shape::Secret,
            need: Need::Usual,
        },
        Key {
            name: "client_id",
            help: "of an app of the Dev Dashboard, with its secret; in place of access_token",
            example: "\"…\"",
            shape: Shape::Text,
            need: Need::Seldom,
        },
        Key {
            name: "client_secret",
            help: "shown once, when the app is made",
            example: "\"shpss_…\"",
            shape: Shape::Secret,
            need: Need::Seldom,
        },
        Key {
            name: "locations",
            help: "names, in the order in which sales are taken off; if left out, all that sell online at first",
            example: "[\"Main warehouse\"]",
            shape: Shape::Texts,
            need: Need::Seldom,
        },
        Key {
            name: "api_version",
            help: "a tested default",
            example: "\"2026-10\"",
            shape: Shape::Text,
            need: Need::Seldom,
        },
    ],
    aliases: &[],
    zero_stock: &["keep", "hide", "end"],
    check,
    build: |settings, doors| Ok(Box::new(Shopify::new(settings, doors)?)),
    consent: None,
};

fn check(settings: &Settings) -> Vec<(&'static str, String)> {
    let app = settings.has("client_id") && settings.has("client_secret");
    match (settings.has("access_token"), app) {
        (true, true) => vec![("access_token", "say either access_token or client_id and client_secret".to_owned())],
        (false, false) => {
            let why = "it needs credentials: `access_token`, or `client_id` and `client_secret`";
            vec![("shop", why.to_owned())]
        }
        _ => Vec::new(),
    }
}

const SHOP: Document = Document { text: include_str!("shop.graphql"), operation: "finding the shop", cost: 20.0 };
const CATALOGUE: Document =
    Document { text: include_str!("catalogue.graphql"), operation: "reading listings", cost: 60.0 };
const CATALOGUE_PLACES: Document =
    Document { text: include_str!("catalogue_places.graphql"), operation: "reading listings", cost: 300.0 };
const LEVELS: Document = Document { text: include_str!("levels.graphql"), operation: "reading quantities", cost: 10.0 };
const LEVELS_PLACES: Document =
    Document { text: include_str!("levels_places.graphql"), operation: "reading quantities", cost: 50.0 };
const CHANGED: Document =
    Document { text: include_str!("changed.graphql"), operation: "reading changed quantities", cost: 40.0 };

/// A Shopify shop.
struct Shopify {
    api: Api,
    name: ChannelName,
    /// The locations that the owner named.
    wanted: Vec<String>,
    /// Where it is kept which locations count, where the owner named none.
    notes: Notes<Vec<String>>,
    /// Whose shop it is and where its stock lies: looked up once, with whatever call comes first.
    shop: OnceCell<Shop>,
    /// The app as it is installed on the shop: what it keeps for itself is kept there.
    installation: OnceCell<String>,
    capability: Capability,
}

/// Whose shop it is and where its stock lies, in the order in which sales are taken off.
#[derive(Clone, Debug)]
struct Shop {
    account: Account,
    places: Vec<Location>,
    /// That others sell online since lately.
    new: Option<Probe>,
}

impl Shopify {
    fn new(settings: Settings, doors: Doors) -> Result<Self> {
        let wanted = settings.texts("locations").to_vec();
        let name = settings.name.clone();
        let notes = Notes::new(name.clone(), Arc::clone(&doors.keeper));
        Ok(Self {
            api: Api::new(settings, doors)?,
            name,
            wanted,
            notes,
            shop: OnceCell::new(),
            installation: OnceCell::new(),
            capability: capability(),
        })
    }

    async fn shop(&self) -> Result<&Shop> {
        let look_up = || async {
            let answer: ShopAnswer = self.api.ask(SHOP, json!({})).await?;
            self.found(answer).await
        };
        self.shop.get_or_try_init(look_up).await
    }

    /// Takes in whose shop it is, and keeps which of its locations count.
    async fn found(&self, answer: ShopAnswer) -> Result<Shop> {
        let kept = self.notes.read().await?;
        let places = choose(&answer.locations.nodes, &self.wanted, &kept)?;
        let ids: Vec<String> = places.iter().map(|place| place.id.clone()).collect();
        // One that is closed for a while counts again when it opens.
        if kept != ids && !(self.wanted.is_empty() && ids.iter().all(|id| kept.contains(id))) {
            self.notes.change(|noted| noted.clone_from(&ids)).await?;
        }
        let new = if self.wanted.is_empty() {
            doctor::new_location(&answer.locations.nodes, &kept, &self.name)
        } else {
            None
        };
        Ok(Shop { account: answer.shop.account(), places, new })
    }

    /// Returns the first place, which is the only one mostly, and whether there are more.
    async fn places(&self) -> Result<(&Location, bool)> {
        let places = &self.shop().await?.places;
        places.first().map(|first| (first, places.len() > 1)).ok_or_else(|| no_location("the shop has no location"))
    }
}

fn capability() -> Capability {
    Capability {
        read_batch: LARGEST,
        reads_singly: false,
        set_batch: LARGEST,
        adjust_batch: LARGEST,
        compare_and_set: true,
        exactly_once: ExactlyOnce::Key { lifetime: SignedDuration::from_hours(23) },
        below_zero: true,
        reads_changes: true,
        cheap_scan: false,
        orders: true,
        tells_restock: true,
        lag: SignedDuration::from_mins(1),
        // Its lists of orders lag, mostly by seconds; how long at worst, nobody says. It is waited for only where a
        // deduction's answer was lost.
        order_delay: SignedDuration::from_mins(10),
        still_running: SignedDuration::from_mins(2),
        confirm_after: None,
        revisions: None,
        zero: ZeroKept::Always,
        most: Some(1_000_000_000),
        hides: true,
        ends: true,
        ended_is_gone: false,
        counts_from_zero: false,
        writes_items: false,
        traces: Traces::Account,
    }
}

/// Chooses the locations (L1): those that the owner named, else those that counted last and still sell; at first, all that
/// sell.
fn choose(all: &[Location], wanted: &[String], kept: &[String]) -> Result<Vec<Location>> {
    let mut places: Vec<Location> = if wanted.is_empty() {
        let selling: Vec<&Location> = all.iter().filter(|place| place.sells()).collect();
        let joined = kept.iter().filter_map(|id| selling.iter().find(|place| place.id == *id));
        let counting: Vec<&Location> = if kept.is_empty() { selling.clone() } else { joined.copied().collect() };
        counting.into_iter().cloned().collect()
    } else {
        let find = |name: &String| {
            let found = all.iter().find(|place| place.name == *name || place.id == *name || tail(&place.id) == name);
            found.cloned().ok_or_else(|| unknown_location(name, all))
        };
        wanted.iter().map(find).collect::<Result<_>>()?
    };
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(place.id.clone()));
    match (places.is_empty(), kept.is_empty()) {
        (false, _) => Ok(places),
        (true, true) => Err(no_location("the shop has no active location that fulfils online orders")),
        (true, false) => Err(no_location("no location whose stock counts fulfils online orders any more")),
    }
}

fn unknown_location(name: &str, all: &[Location]) -> ChannelError {
    let names: Vec<&str> = all.iter().map(|place| place.name.as_str()).collect();
    let message = format!("the shop has no location `{name}`; it has {}", names.join(", "));
    ChannelError::new(ErrorKind::Account, Repeat::Never, "finding the locations", message)
        .with_next("write one of these into `locations` in channels.toml")
}

fn no_location(message: &str) -> ChannelError {
    ChannelError::new(ErrorKind::Account, Repeat::Never, "finding the locations", message)
        .with_next("name one as `locations` in channels.toml")
}

fn tail(gid: &str) -> &str {
    gid.rsplit('/').next().unwrap_or(gid)
}

#[async_trait]
impl Channel for Shopify {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn clock(&self) -> Option<Timestamp> {
        self.api.clock()
    }

    fn notices(&self) -> Vec<Probe> {
        self.shop.get().and_then(|shop| shop.new.clone()).into_iter().collect()
    }

    async fn account(&self) -> Result<Account> {
        Ok(self.shop().await?.account.clone())
    }

    async fn listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        let shop = self.shop().await?;
        let (place, several) = self.places().await?;
        let after = page.map(|page| page.0);
        let catalogue: Catalogue = if several {
            self.api.ask(CATALOGUE_PLACES, json!({ "first": LARGEST, "after": after })).await?
        } else {
            let variables = json!({ "first": LARGEST, "after": after, "location": place.id });
            self.api.ask(CATALOGUE, variables).await?
        };
        let connection = catalogue.product_variants;
        let listing = |variant: wire::Variant| variant.listing(&shop.places);
        let items = connection.nodes.into_iter().map(listing).collect::<Result<_>>()?;
        Ok(Page { items, next: connection.page_info.next()?, account: Some(shop.account.clone()) })
    }

    async fn changed(&self, since: Timestamp, page: Option<PageToken>) -> Result<Page<Reading>> {
        let shop = self.shop().await?;
        // The page's token says which location it is of: there is one list a location.
        let (nth, after) = match &page {
            Some(PageToken(token)) => token.split_once(' ').unwrap_or((token, "")),
            None => ("0", ""),
        };
        let nth: usize = nth.parse().unwrap_or_default();
        let Some(place) = shop.places.get(nth) else { return Err(no_location("the shop has no such location")) };
        let after = Some(after).filter(|after| !after.is_empty());
        let filter = format!("updated_at:>='{since:.0}'");
        let variables = json!({ "location": place.id, "first": LARGEST, "after": after, "filter": filter });
        let answer: Changed = self.api.ask(CHANGED, variables).await?;
        let Some(location) = answer.location else {
            return Err(unknown_location(&place.name, &shop.places));
        };
        let several = shop.places.len() > 1;
        let reading = |level: wire::ChangedLevel| level.reading(place, several);
        let items = location.inventory_levels.nodes.into_iter().map(reading).collect::<Result<_>>()?;
        let next = match location.inventory_levels.page_info.next()? {
            Some(PageToken(cursor)) => Some(PageToken(format!("{nth} {cursor}"))),
            None if nth + 1 < shop.places.len() => Some(PageToken(format!("{} ", nth + 1))),
            None => None,
        };
        Ok(Page { items, next, account: Some(shop.account.clone()) })
    }

    async fn levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        let shop = self.shop().await?;
        let (place, several) = self.places().await?;
        let ids: Vec<String> = keys.iter().map(item_gid).collect();
        let answer: Levels = if several {
            self.api.ask(LEVELS_PLACES, json!({ "ids": ids })).await?
        } else {
            self.api.ask(LEVELS, json!({ "ids": ids, "location": place.id })).await?
        };
        answer.readings(keys, &shop.places)
    }

    async fn orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        self.read_orders(window, page).await
    }

    async fn set(&self, batch: &[Update], key: &str) -> Result<Vec<Outcome>> {
        self.write_quantities(batch, key).await
    }

    async fn traces(&self, _: &[ListingKey]) -> Result<Vec<Option<Trace>>> {
        Ok(vec![self.find_trace().await?])
    }

    async fn leave(&self, ours: &Writer, found: Option<&Trace>) -> Result<Outcome> {
        self.leave_trace(ours, found).await
    }

    async fn prepare(&self, batch: &[Adjustment], key: &str) -> Result<StoredCall> {
        let (first, _) = self.places().await?;
        Ok(writing::prepare(batch, key, first))
    }

    async fn adjust(&self, call: &StoredCall, _: Attempt) -> Result<Vec<Outcome>> {
        self.send_adjustment(call).await
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
        self.mend_listing(mend).await
    }
}
