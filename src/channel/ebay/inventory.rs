//! eBay's Inventory API: the listings that were made through it can be changed through it alone (section 0).
//!
//! Which listings those are, nobody tells in a list: a SKU that the Inventory API knows, with an offer published as just
//! this listing, is one. What was found out is kept for the processes to come, and corrected where eBay refuses a write
//! because it belongs to the other side.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::Noted;
use super::api::{Api, Call, encoded};
use super::errors::{RestError, rest_error};
use super::keys::Key;
use super::quantity::Available;
use super::trading::{END, RELIST, WRITE};
use crate::channel::notes::Notes;
use crate::channel::{ChannelError, ErrorKind, Repeat, Result};
use crate::domain::ListingKey;
use crate::domain::observe::later;
use crate::net::Again;

const ROOT: &str = "/sell/inventory/v1";
const FIND: &str = "finding out how listings were made";
/// What the status of an offer that is on sale is called.
const PUBLISHED: &str = "PUBLISHED";

/// SKUs that one call takes (4.5, 5.4).
const BATCH: usize = 25;
/// The longest SKU that the Inventory API knows (section 8).
const LONGEST_SKU: usize = 50;
/// How long an offer counts for what was found out: the seller may begin to keep its stock by warehouse.
const OFFER_COUNTS: SignedDuration = SignedDuration::from_hours(1);
/// How long a listing counts for a classic one: eBay says so where it is none, and those that are gone are forgotten.
const CLASSIC_COUNTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What it answers where it does not know the SKU, the offer, or no longer has it published (section 9).
const UNKNOWN: &[i64] = &[25702, 25710, 25713];

/// The Inventory API of one account.
pub(super) struct Inventory {
    api: Arc<Api>,
    notes: Arc<Notes<Noted>>,
    /// How many entries a writing call may have: the documentation says 25 in one place and 1 in another (5.4).
    chunk: AtomicUsize,
    /// Whether the seller has no goods there at all, which is so with most.
    empty: AtomicBool,
    asked: AtomicBool,
    /// What was found out.
    models: Mutex<HashMap<Key, Model>>,
    /// Something was found out that is not kept yet.
    unkept: AtomicBool,
    /// What earlier processes found out was read.
    recalled: OnceCell<()>,
}

/// How a listing was made, and when that was found out, by eBay's clock, if any answer had told the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Model {
    /// `None` for a classic listing.
    offer: Option<Offer>,
    found: Option<Timestamp>,
}

/// An offer: a SKU as it is published as a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offer {
    /// Its id, which writes want.
    pub id: String,
    /// Its SKU.
    pub sku: String,
    /// The marketplace it is on.
    pub marketplace: String,
    /// The group that its variations belong to, where it has some.
    pub group: Option<String>,
    /// Whether its stock is kept by warehouse, which a bare number must not be written over (section 3).
    pub distributed: bool,
    /// Whether eBay holds it back.
    pub on_hold: bool,
}

/// An offer that was withdrawn, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Withdrawn {
    /// The listing that it is published as all the same, if it is.
    pub listing: Option<String>,
    /// What it would show of its own; `None` where the number is missing (P5).
    pub available: Option<Available>,
}

/// A quantity to write through an offer.
#[derive(Clone, Debug)]
pub(super) struct OfferUpdate {
    pub offer: Offer,
    pub quantity: Available,
}

/// What became of one entry.
#[derive(Debug)]
pub(super) enum Written {
    Done,
    /// The Inventory API does not have it published: it is no listing of its.
    NotHere,
    Failed(ChannelError),
}

#[derive(Deserialize)]
struct Items {
    #[serde(default)]
    total: i64,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    responses: Vec<FoundItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundItem {
    status_code: Option<i64>,
    sku: Option<String>,
    inventory_item: Option<InventoryItem>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InventoryItem {
    #[serde(default)]
    inventory_item_group_keys: Vec<String>,
    #[serde(default)]
    availability: Availability,
}

impl InventoryItem {
    /// Tells whether its stock is kept by warehouse.
    fn is_distributed(&self) -> bool {
        !self.availability.ship_to_location_availability.availability_distributions.is_empty()
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Availability {
    #[serde(default)]
    ship_to_location_availability: ShipTo,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShipTo {
    #[serde(default)]
    availability_distributions: Vec<Value>,
}

#[derive(Deserialize)]
struct Offers {
    #[serde(default)]
    offers: Vec<OfferAnswer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfferAnswer {
    offer_id: Option<String>,
    marketplace_id: Option<String>,
    status: Option<String>,
    available_quantity: Option<i64>,
    listing: Option<ListingAnswer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListingAnswer {
    listing_id: Option<String>,
    listing_on_hold: Option<bool>,
}

#[derive(Deserialize)]
struct WriteAnswer {
    responses: Vec<WrittenEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenEntry {
    status_code: Option<i64>,
    sku: Option<String>,
    offer_id: Option<String>,
    #[serde(default)]
    errors: Vec<RestError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    listing_id: Option<String>,
}

impl Inventory {
    /// Opens it over a line.
    pub fn new(api: Arc<Api>, notes: Arc<Notes<Noted>>) -> Self {
        Self {
            api,
            notes,
            chunk: AtomicUsize::new(BATCH),
            empty: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            models: Mutex::default(),
            unkept: AtomicBool::new(false),
            recalled: OnceCell::new(),
        }
    }

    /// Takes up what earlier processes found out. What cannot be read is found out anew.
    pub async fn recall(&self) {
        let read = || async {
            let kept = self.notes.read().await.unwrap_or_default().models;
            let named = |(key, model)| Some((Key::parse(&ListingKey::new(key))?, model));
            let mut models = self.models();
            for (key, model) in kept.into_iter().filter_map(named) {
                models.entry(key).or_insert(model);
            }
        };
        self.recalled.get_or_init(read).await;
    }

    /// Keeps what was found out for the processes to come. What cannot be kept, they find out anew.
    pub async fn keep(&self) {
        if !self.unkept.swap(false, Ordering::Relaxed) {
            return;
        }
        let fresh = |(key, model): (&Key, &Model)| self.is_fresh(model).then(|| (key.to_string(), model.clone()));
        let mut kept: Vec<(String, Model)> = self.models().iter().filter_map(fresh).collect();
        kept.sort_by(|(one, _), (other, _)| one.cmp(other));
        let failed = self.notes.change(|noted| noted.models = kept).await.is_err();
        self.unkept.store(failed, Ordering::Relaxed);
    }

    fn is_fresh(&self, model: &Model) -> bool {
        let counts = if model.offer.is_some() { OFFER_COUNTS } else { CLASSIC_COUNTS };
        self.api.clock().zip(model.found).is_none_or(|(now, found)| now < later(found, counts))
    }

    /// Tells how many goods the seller has there (`getInventoryItems`, 4.5).
    pub async fn count(&self) -> Result<i64> {
        let items: Items = self.api.ask(&Call::get(FIND, format!("{ROOT}/inventory_item?limit=1&offset=0"))).await?;
        Ok(items.total)
    }

    /// Tells whether anything was made through it at all; asked once.
    pub async fn is_used(&self) -> Result<bool> {
        if !self.asked.load(Ordering::Relaxed) {
            self.empty.store(self.count().await? == 0, Ordering::Relaxed);
            self.asked.store(true, Ordering::Relaxed);
        }
        Ok(!self.empty.load(Ordering::Relaxed))
    }

    /// Tells whether it was found out lately how a listing was made.
    pub fn is_known(&self, key: &Key) -> bool {
        self.models().get(key).is_some_and(|model| self.is_fresh(model))
    }

    /// Returns the offer that a listing is published by, as far as that was found out lately; a classic one has none.
    pub fn offer_of(&self, key: &Key) -> Option<Offer> {
        self.models().get(key).filter(|model| self.is_fresh(model))?.offer.clone()
    }

    /// Returns the SKU of a listing that once had an offer.
    pub fn sku_of(&self, key: &Key) -> Option<String> {
        Some(self.models().get(key)?.offer.as_ref()?.sku.clone())
    }

    /// Notes how a listing was made.
    pub fn note(&self, key: &Key, offer: Option<Offer>) {
        let found = self.api.clock();
        self.models().insert(key.clone(), Model { offer, found });
        self.unkept.store(true, Ordering::Relaxed);
    }

    /// Notes that a listing was not made there.
    pub fn note_classic(&self, key: &Key) {
        self.note(key, None);
    }

    /// Forgets what was found out of a listing, since eBay says otherwise.
    pub fn forget(&self, key: &Key) {
        self.models().remove(key);
        self.unkept.store(true, Ordering::Relaxed);
    }

    /// Notes that there are goods there after all.
    pub fn note_used(&self) {
        self.empty.store(false, Ordering::Relaxed);
    }

    /// Returns the offers that were found so far.
    pub fn found_offers(&self) -> Vec<(Key, Offer)> {
        let models = self.models();
        let mut found: Vec<_> =
            models.iter().filter_map(|(key, model)| Some((key.clone(), model.offer.clone()?))).collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found
    }

    /// Finds out how listings were made, each given with its SKU, and remembers it.
    pub async fn find(&self, wanted: &[(Key, String)]) -> Result<()> {
        let asked: Vec<&(Key, String)> = wanted.iter().filter(|(_, sku)| sku.chars().count() <= LONGEST_SKU).collect();
        for (key, _) in wanted.iter().filter(|(_, sku)| LONGEST_SKU < sku.chars().count()) {
            self.note_classic(key);
        }
        for batch in asked.chunks(BATCH) {
            let items = self.items(batch.iter().map(|(_, sku)| sku.as_str()).collect()).await?;
            for (key, sku) in batch.iter().copied() {
                let offer = match items.get(sku) {
                    Some(item) => self.offer(key, sku, item).await?,
                    None => None,
                };
                self.note(key, offer);
            }
        }
        Ok(())
    }

    /// Finds listings, each given with its SKU, whose goods it keeps by warehouse. Whether it is they that are published as
    /// these listings, their offers tell.
    pub async fn by_warehouse(&self, listings: &[(Key, String)]) -> Result<Vec<(Key, String)>> {
        let mut found = Vec::new();
        let asked: Vec<&(Key, String)> =
            listings.iter().filter(|(_, sku)| sku.chars().count() <= LONGEST_SKU).collect();
        for batch in asked.chunks(BATCH) {
            let items = self.items(batch.iter().map(|(_, sku)| sku.as_str()).collect()).await?;
            let apart = |(_, sku): &&&(Key, String)| items.get(sku).is_some_and(InventoryItem::is_distributed);
            found.extend(batch.iter().filter(apart).map(|listing| (*listing).clone()));
        }
        Ok(found)
    }

    /// Tells whether the stock of an offer's SKU is kept by warehouse now; `None` where the SKU is not there any more.
    pub async fn keeps_by_warehouse(&self, offer: &Offer) -> Result<Option<bool>> {
        Ok(self.items(vec![&offer.sku]).await?.get(&offer.sku).map(InventoryItem::is_distributed))
    }

    /// Looks SKUs up (`bulkGetInventoryItem`); those that it does not know are left out. One that it takes for no SKU may
    /// spoil the call for the others: then each is looked up alone.
    async fn items(&self, mut skus: Vec<&str>) -> Result<HashMap<String, InventoryItem>> {
        skus.sort_unstable();
        skus.dedup();
        match self.items_of(&skus).await {
            Err(error) if error.kind == ErrorKind::Refused => {}
            found => return found,
        }
        let mut found = HashMap::new();
        for sku in skus {
            match self.items_of(&[sku]).await {
                Err(error) if error.kind == ErrorKind::Refused => {}
                one => found.extend(one?),
            }
        }
        Ok(found)
    }

    async fn items_of(&self, skus: &[&str]) -> Result<HashMap<String, InventoryItem>> {
        let requests: Vec<Value> = skus.iter().map(|sku| json!({ "sku": sku })).collect();
        let body = json!({ "requests": requests });
        let call = Call::post(FIND, format!("{ROOT}/bulk_get_inventory_item"), body, Again::Always);
        let reply = self.api.reply(&call).await?;
        // Where it knows none of them, it may say so for the call as a whole.
        if reply.status.as_u16() == 404 {
            return Ok(HashMap::new());
        }
        if !reply.status.is_success() {
            return Err(rest_error(&reply, FIND));
        }
        let found: Found = serde_json::from_slice(&reply.body)
            .map_err(|error| ChannelError::unexpected(FIND, format!("eBay's answer is not as documented: {error}")))?;
        let known = found.responses.into_iter().filter(|item| item.status_code.is_none_or(is_good));
        Ok(known.filter_map(|item| Some((item.sku?, item.inventory_item?))).collect())
    }

    /// Finds the offer that a SKU is published by as just this listing (`getOffers`, one SKU a call).
    async fn offer(&self, key: &Key, sku: &str, item: &InventoryItem) -> Result<Option<Offer>> {
        let call = Call::get(FIND, format!("{ROOT}/offer?sku={}&limit=100&offset=0", encoded(sku)));
        let reply = self.api.reply(&call).await?;
        if reply.status.as_u16() == 404 {
            return Ok(None);
        }
        if !reply.status.is_success() {
            return Err(rest_error(&reply, FIND));
        }
        let offers: Offers = serde_json::from_slice(&reply.body)
            .map_err(|error| ChannelError::unexpected(FIND, format!("eBay's answer is not as documented: {error}")))?;
        let is_it = |offer: &OfferAnswer| {
            let listing = offer.listing.as_ref().and_then(|listing| listing.listing_id.as_deref());
            offer.status.as_deref() == Some(PUBLISHED) && listing == Some(key.item.as_str())
        };
        let Some(offer) = offers.offers.into_iter().find(is_it) else { return Ok(None) };
        let Some(id) = offer.offer_id else {
            return Err(ChannelError::unexpected(FIND, format!("eBay's offer of {key} comes without offerId")));
        };
        Ok(Some(Offer {
            id,
            sku: sku.to_owned(),
            marketplace: offer.marketplace_id.unwrap_or_default(),
            group: item.inventory_item_group_keys.first().filter(|_| key.sku.is_some()).cloned(),
            distributed: item.is_distributed(),
            on_hold: offer.listing.and_then(|listing| listing.listing_on_hold).unwrap_or(false),
        }))
    }

    /// Writes quantities, one outcome for each in their order (`bulkUpdatePriceQuantity`, 5.4). Both numbers of an offer
    /// are written: what is live is the lower one. No price is sent.
    pub async fn write(&self, updates: &[OfferUpdate], again: Again) -> Vec<Written> {
        let mut outcomes = Vec::with_capacity(updates.len());
        let mut rest = updates;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(self.chunk.load(Ordering::Relaxed).clamp(1, rest.len()));
            match self.write_batch(batch, again).await {
                Ok(written) => outcomes.extend(written),
                Err(error) if 1 < batch.len() && error.kind == ErrorKind::Refused => {
                    outcomes.extend(self.write_singly(batch, again).await);
                }
                Err(error) => {
                    outcomes.extend(batch.iter().map(|_| Written::Failed(error.clone())));
                    // What stops this call stops the next one too.
                    if error.kind != ErrorKind::Refused {
                        outcomes.extend(later.iter().map(|_| Written::Failed(error.clone())));
                        return outcomes;
                    }
                }
            }
            rest = later;
        }
        outcomes
    }

    /// Writes entries one by one, where eBay refused the call that had them all: if that works, it takes one a call.
    async fn write_singly(&self, batch: &[OfferUpdate], again: Again) -> Vec<Written> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for update in batch {
            let written = self.write_batch(std::slice::from_ref(update), again).await;
            outcomes.push(written.map_or_else(Written::Failed, |mut only| only.pop().unwrap_or(Written::NotHere)));
        }
        if outcomes.iter().all(|outcome| matches!(outcome, Written::Done)) {
            self.chunk.store(1, Ordering::Relaxed);
        }
        outcomes
    }

    async fn write_batch(&self, batch: &[OfferUpdate], again: Again) -> Result<Vec<Written>> {
        let entry = |update: &OfferUpdate| {
            let units = update.quantity.units();
            json!({
                "sku": update.offer.sku,
                "shipToLocationAvailability": { "quantity": units },
                "offers": [{ "offerId": update.offer.id, "availableQuantity": units }],
            })
        };
        let answer = self.update(batch.iter().map(entry).collect(), again).await?;
        Ok(batch.iter().map(|update| outcome(update, &answer)).collect())
    }

    async fn update(&self, requests: Vec<Value>, again: Again) -> Result<WriteAnswer> {
        let body = json!({ "requests": requests });
        self.api.ask(&Call::post(WRITE, format!("{ROOT}/bulk_update_price_quantity"), body, again)).await
    }

    /// Tells what an offer would be published with (`getOffer`); `None` where it is not there any more.
    pub async fn look_at(&self, offer: &Offer) -> Result<Option<Withdrawn>> {
        let reply = self.api.reply(&Call::get(RELIST, format!("{ROOT}/offer/{}", encoded(&offer.id)))).await?;
        if reply.status.as_u16() == 404 {
            return Ok(None);
        }
        if !reply.status.is_success() {
            return Err(rest_error(&reply, RELIST));
        }
        let answer: OfferAnswer = serde_json::from_slice(&reply.body).map_err(|error| {
            ChannelError::unexpected(RELIST, format!("eBay's answer is not as documented: {error}"))
        })?;
        let listing = answer.listing.and_then(|listing| listing.listing_id);
        Ok(Some(Withdrawn {
            listing: listing.filter(|_| answer.status.as_deref() == Some(PUBLISHED)),
            available: answer.available_quantity.map(Available::told),
        }))
    }

    /// Lowers the number of an offer's SKU alone. What the offer is published with is no more than that, though no call
    /// gives it a number of its own before it is published (5.4).
    pub async fn cap(&self, offer: &Offer, quantity: Available) -> Result<Written> {
        let stock = json!({ "quantity": quantity.units() });
        let entry = json!({ "sku": offer.sku, "shipToLocationAvailability": stock });
        let answer = self.update(vec![entry], Again::Always).await?;
        Ok(outcome(&OfferUpdate { offer: offer.clone(), quantity }, &answer))
    }

    /// Takes an offer, or the group that it belongs to, out of sight (section 6).
    pub async fn withdraw(&self, offer: &Offer) -> Result<()> {
        self.tell_group_or_offer(offer, END, "withdraw").await.map(|_| ())
    }

    /// Publishes an offer, or the group that it belongs to, as a new listing; returns its item id (section 6).
    pub async fn publish(&self, offer: &Offer) -> Result<Option<String>> {
        self.tell_group_or_offer(offer, RELIST, "publish").await
    }

    async fn tell_group_or_offer(&self, offer: &Offer, operation: &'static str, act: &str) -> Result<Option<String>> {
        let call = match &offer.group {
            Some(group) => {
                let body = json!({ "inventoryItemGroupKey": group, "marketplaceId": offer.marketplace });
                let path = format!("{ROOT}/offer/{act}_by_inventory_item_group");
                Call::post(operation, path, body, Again::IfNeverSent)
            }
            None => Call::act(operation, format!("{ROOT}/offer/{}/{act}", encoded(&offer.id))),
        };
        let reply = self.api.reply(&call).await?;
        if !reply.status.is_success() {
            return Err(rest_error(&reply, operation));
        }
        Ok(serde_json::from_slice::<Published>(&reply.body).ok().and_then(|published| published.listing_id))
    }

    fn models(&self) -> MutexGuard<'_, HashMap<Key, Model>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Judges one entry by its own status (5.4): HTTP 200 says nothing of it.
fn outcome(update: &OfferUpdate, answer: &WriteAnswer) -> Written {
    let is_its = |entry: &&WrittenEntry| match &entry.offer_id {
        Some(id) if !id.is_empty() => *id == update.offer.id,
        _ => entry.sku.as_deref() == Some(update.offer.sku.as_str()),
    };
    let mut own = answer.responses.iter().filter(is_its).peekable();
    if own.peek().is_none() {
        let message = format!("eBay's answer leaves out {}", update.offer.sku);
        return Written::Failed(ChannelError::unexpected(WRITE, message));
    }
    for entry in own {
        let Some(status) = entry.status_code else {
            let message = format!("eBay's answer about {} comes without statusCode", update.offer.sku);
            return Written::Failed(ChannelError::unexpected(WRITE, message));
        };
        if is_good(status) {
            continue;
        }
        return match entry.errors.first() {
            Some(error) if UNKNOWN.contains(&error.error_id) => Written::NotHere,
            Some(error) => Written::Failed(error.refusal(WRITE)),
            None if 500 <= status => {
                Written::Failed(ChannelError::new(ErrorKind::Unavailable, Repeat::Later, WRITE, "eBay fails"))
            }
            None => {
                let message = format!("eBay refuses it without a word (status {status})");
                Written::Failed(ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, message))
            }
        };
    }
    Written::Done
}

fn is_good(status: i64) -> bool {
    (200..300).contains(&status)
}
