//! Reading listings and what they hold: all of the shop, and by key (section 4).
//!
//! The list of a shop moves while it is paged: a listing that is hidden or sold out leaves its state's list, and the rest
//! moves up. So each page begins with the last listing of the one before; where another stands there, the list is begun
//! again. What changes its state meanwhile may stand in none of the lists, and whoever misses it looks it up by key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Etsy;
use super::api::Call;
use super::errors::is_overload;
use super::item::{ACTIVE, EXPIRED, INACTIVE, Item, SOLD_OUT, number};
use super::keys::Key;
use crate::channel::{ChannelError, ErrorKind, Page, PageToken, Result};
use crate::domain::{Found, Listing, ListingKey, Reading};

const READ: &str = "reading listings";
const LEVELS: &str = "reading quantities";

/// The call that tells what many listings hold.
const HOLD: &str = "listings/batch/inventory";

/// The states whose lists are read, in this order. A draft was never on sale, and is left alone. What expired is read all the
/// same, whatever pages that takes: a reading by key tells a number and no state, so that a linked listing that expired would
/// be taken for one on sale, and written to.
const STATES: &[&str] = &[ACTIVE, SOLD_OUT, INACTIVE, EXPIRED];
/// Listings of a page, or of a reading by key.
const PAGE: usize = 100;
/// A page that is not halved any more: what fails then is repeated as it is.
const SHORTEST: usize = 13;
/// How often a list that moves while it is paged is begun again.
const MOST_STARTS: u32 = 5;

/// Where the next page starts: in the list of which state, how many listings to skip, the one that must stand first there,
/// and how often that list was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    state: usize,
    skip: usize,
    first: i64,
    starts: u32,
}

impl Place {
    fn start(state: usize, starts: u32) -> Self {
        Self { state, skip: 0, first: 0, starts }
    }

    fn parse(token: &PageToken) -> Option<Self> {
        let mut words = token.0.split(' ');
        let state = words.next().and_then(|word| STATES.iter().position(|state| *state == word))?;
        let (skip, first) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { state, skip, first, starts: words.next()?.parse().ok()? })
    }

    fn token(self) -> PageToken {
        PageToken(format!("{} {} {} {}", STATES[self.state], self.skip, self.first, self.starts))
    }
}

/// A page of a list as it came.
struct Raw {
    count: Option<usize>,
    results: Vec<Value>,
}

impl Raw {
    fn read(answer: Value, operation: &'static str) -> Result<Self> {
        let count = number(&answer, "count").and_then(|count| usize::try_from(count).ok());
        match answer {
            Value::Object(mut fields) => match fields.remove("results") {
                Some(Value::Array(results)) => Ok(Self { count, results }),
                _ => Err(ChannelError::unexpected(operation, "Etsy's list comes without `results`")),
            },
            _ => Err(ChannelError::unexpected(operation, "Etsy's list comes without `results`")),
        }
    }

    fn items(&self, operation: &'static str) -> Result<Vec<Item>> {
        let read = |value| Item::read(value).map_err(|why| ChannelError::unexpected(operation, why));
        self.results.iter().map(read).collect()
    }
}

impl Etsy {
    /// Reads a page of the shop's listings, with a listing of ours for each quantity group.
    pub(super) async fn read_listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        let (items, next) = self.read_items(page).await?;
        let items = items.iter().flat_map(|item| item.listings(self.role)).collect();
        Ok(Page { items, next, account: None })
    }

    /// Tells how many calls that took so far: more than one a page, where the list does not say what its listings hold, or a
    /// page was too much for Etsy.
    pub(super) fn reading_calls(&self) -> u64 {
        self.api.calls(READ)
    }

    /// Reads a page of the shop's listings as Etsy knows them.
    pub(super) async fn read_items(&self, page: Option<PageToken>) -> Result<(Vec<Item>, Option<PageToken>)> {
        let place = page.as_ref().map_or(Some(Place::start(0, 1)), Place::parse);
        let place = place.ok_or_else(|| ChannelError::unexpected(READ, "the page is none of Etsy's"))?;
        let (raw, limit) = self.fetch(place).await?;
        let mut items = raw.items(READ)?;
        let moved = place.first != 0 && items.first().is_none_or(|item| item.id != place.first);
        let read = place.skip + items.len();
        let more = raw.count.map_or(items.len() == limit, |count| read < count);
        if moved || (more && items.is_empty()) {
            return begin_again(place);
        }
        let next = match items.last() {
            Some(last) if more && 1 < items.len() => Some(Place { skip: read - 1, first: last.id, ..place }),
            // A page of one listing cannot begin with the last one of the page before.
            Some(_) if more => Some(Place { skip: read, first: 0, ..place }),
            _ => (place.state + 1 < STATES.len()).then(|| Place::start(place.state + 1, 1)),
        };
        // The first was read with the page before.
        items.drain(..usize::from(place.first != 0).min(items.len()));
        self.fill_inventories(&mut items).await?;
        Ok((items, next.map(Place::token)))
    }

    /// Fetches a page; one that is too much for Etsy is fetched in half its length (4.1).
    async fn fetch(&self, place: Place) -> Result<(Raw, usize)> {
        let (state, skip) = (STATES[place.state], place.skip);
        let mut limit = PAGE;
        loop {
            let path = format!("listings?state={state}&limit={limit}&offset={skip}&includes=Inventory");
            let call = Call::get(READ, self.in_shop(&path).await?);
            let patient = limit <= SHORTEST;
            match self.api.ask(&if patient { call } else { call.once() }).await {
                Ok(answer) => return Ok((Raw::read(answer, READ)?, limit)),
                Err(error) if !patient && is_overload(&error) => limit = limit.div_ceil(2),
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks for what listings hold, where the list does not say.
    async fn fill_inventories(&self, items: &mut [Item]) -> Result<()> {
        let lacking: Vec<i64> = items.iter().filter(|item| item.inventory.is_none()).map(|item| item.id).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let mut found = self.find(&lacking, HOLD, READ).await?;
        for item in items.iter_mut().filter(|item| item.inventory.is_none()) {
            item.inventory = found.remove(&item.id).and_then(|found| found.inventory);
        }
        Ok(())
    }

    /// Reads quantities by key.
    pub(super) async fn read_levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        let parsed: Vec<Option<Key>> = keys.iter().map(Key::parse).collect();
        let ids: BTreeSet<i64> = parsed.iter().flatten().map(|key| key.listing).collect();
        let mut found = BTreeMap::new();
        for part in ids.into_iter().collect::<Vec<_>>().chunks(PAGE) {
            found.extend(self.find(part, HOLD, LEVELS).await?);
        }
        self.fill_states(&mut found).await?;
        for key in parsed.iter().flatten() {
            if let Some(item) = found.get(&key.listing) {
                self.heed_renewal(item, key).await?;
            }
        }
        let reading = |(listing, key): (&ListingKey, &Option<Key>)| {
            let item = key.as_ref().and_then(|key| found.get(&key.listing).map(|item| (item, key)));
            let reading = item.and_then(|(item, key)| item.reading(key, self.role));
            reading.unwrap_or_else(|| Reading { key: listing.clone(), found: Found::Gone, live: None })
        };
        Ok(keys.iter().zip(&parsed).map(reading).collect())
    }

    /// Finds listings by a call that takes many ids; those that are not there are left out.
    ///
    /// One id that Etsy does not know makes it refuse all of a call, so that such a one is found by halves.
    async fn find(&self, ids: &[i64], path: &str, operation: &'static str) -> Result<BTreeMap<i64, Item>> {
        let (mut found, mut open, mut alone) = (BTreeMap::new(), vec![ids.to_vec()], Vec::new());
        while let Some(part) = open.pop() {
            match self.find_at_once(&part, path, operation).await {
                Ok(items) => {
                    let items = items.into_iter().filter(|item| part.contains(&item.id));
                    found.extend(items.map(|item| (item.id, item)));
                    // What is left out without a word may be there all the same.
                    alone.extend(part.iter().copied().filter(|id| !found.contains_key(id)));
                }
                Err(error) if error.kind == ErrorKind::NotFound && part.len() == 1 => alone.extend(part),
                Err(error) if error.kind == ErrorKind::NotFound || (SHORTEST < part.len() && is_overload(&error)) => {
                    let (one, other) = part.split_at(part.len() / 2);
                    open.extend([one.to_vec(), other.to_vec()]);
                }
                Err(error) => return Err(error),
            }
        }
        for id in alone {
            if let Some(item) = self.item(id, operation).await? {
                found.insert(id, item);
            }
        }
        Ok(found)
    }

    async fn find_at_once(&self, ids: &[i64], path: &str, operation: &'static str) -> Result<Vec<Item>> {
        let call = Call::get(operation, format!("{path}?listing_ids={}", joined(ids)));
        let call = if SHORTEST < ids.len() { call.once() } else { call };
        Raw::read(self.api.ask(&call).await?, operation)?.items(operation)
    }

    /// Reads a listing with what it holds, as it is now; `None` where it is not there.
    pub(super) async fn item(&self, id: i64, operation: &'static str) -> Result<Option<Item>> {
        let call = Call::get(operation, format!("listings/{id}/inventory?includes=Listing"));
        let answer = match self.api.ask(&call).await {
            Ok(answer) => answer,
            // One that was never edited with Etsy's tools may have no inventory and be there all the same.
            Err(error) if error.kind == ErrorKind::NotFound => return self.bare_item(id, operation).await,
            Err(error) => return Err(error),
        };
        let mut item = answer.get("listing").and_then(|listing| Item::read(listing).ok()).filter(|item| item.id == id);
        if item.is_none() {
            item = self.bare_item(id, operation).await?;
        }
        let inventory = super::inventory::Inventory::read(&answer);
        Ok(item.map(|item| Item { inventory, ..item }))
    }

    /// Reads a listing without what it holds; `None` where it is not there.
    pub(super) async fn bare_item(&self, id: i64, operation: &'static str) -> Result<Option<Item>> {
        match self.api.ask(&Call::get(operation, format!("listings/{id}"))).await {
            Ok(answer) => Item::read(&answer).map(Some).map_err(|why| ChannelError::unexpected(operation, why)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the states of listings, where the reading of what they hold does not tell them. What is left out there too is
    /// looked up by itself: without its state, the unit that a hidden listing keeps would count.
    async fn fill_states(&self, found: &mut BTreeMap<i64, Item>) -> Result<()> {
        let lacking: Vec<i64> = found.values().filter(|item| item.state.is_none()).map(|item| item.id).collect();
        for part in lacking.chunks(PAGE) {
            for (id, stands) in self.find(part, "listings/batch", LEVELS).await? {
                found.entry(id).and_modify(|item| {
                    let inventory = stands.inventory.or_else(|| item.inventory.take());
                    *item = Item { inventory, ..stands };
                });
            }
        }
        Ok(())
    }
}

/// Reads a list from its start again, since it moved while it was paged.
fn begin_again(place: Place) -> Result<(Vec<Item>, Option<PageToken>)> {
    if MOST_STARTS <= place.starts {
        return Err(ChannelError::unexpected(READ, "Etsy's list of listings keeps changing while it is read"));
    }
    Ok((Vec::new(), Some(Place::start(place.state, place.starts + 1).token())))
}

fn joined(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}
