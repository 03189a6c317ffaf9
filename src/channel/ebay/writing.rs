//! Writing quantities: each listing by the interface that it was made through (sections 0 and 5).
//!
//! Every write is an absolute available number, and no price is ever sent. What a call did stands in its body, entry by
//! entry; entries that it leaves out are sent once more, alone, to learn what is wrong with them.

use std::collections::BTreeMap;

use super::Ebay;
use super::inventory::{Offer, OfferUpdate, Written};
use super::item::Item;
use super::keys::Key;
use super::quantity::Available;
use super::trading::{REVISIONS, Refusal, Revision, WRITE};
use crate::channel::{ChannelError, ErrorKind, Outcome, Repeat, Result, Update};
use crate::domain::Sku;
use crate::net::Again;

/// A number to write, with its place in the batch that it came in.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub place: usize,
    pub key: Key,
    pub quantity: Available,
    /// Whether it may be more than what is shown.
    pub raise: bool,
}

/// What became of each entry of a batch, by its place.
type Outcomes = BTreeMap<usize, Outcome>;

impl Ebay {
    /// Writes quantities.
    pub(super) async fn write_quantities(&self, batch: &[Update]) -> Result<Vec<Outcome>> {
        let mut entries = Vec::with_capacity(batch.len());
        let mut outcomes = Outcomes::new();
        for (place, update) in batch.iter().enumerate() {
            match Key::parse(&update.key) {
                Some(key) => {
                    let raise = update.shown.most().is_none_or(|most| most < update.quantity.as_level());
                    entries.push(Entry { place, key, quantity: Available::to_show(update.quantity), raise });
                }
                None => {
                    outcomes.insert(place, Outcome::Gone);
                }
            }
        }
        outcomes.extend(self.write_entries(entries, Again::Always).await?);
        Ok((0..batch.len()).map(|place| outcomes.remove(&place).unwrap_or(Outcome::NotSent)).collect())
    }

    /// Writes entries, each by the interface that it was made through. An error of the whole is one before anything was
    /// written.
    pub(super) async fn write_entries(&self, entries: Vec<Entry>, again: Again) -> Result<Outcomes> {
        let mut outcomes = Outcomes::new();
        self.inventory.recall().await;
        match self.find_models(&entries).await {
            Err(error) if error.stops_lane() => return Err(error),
            // What is not found out is taken for classic; where it is not, Trading says so.
            _ => {}
        }
        let (mut offers, mut classic) = (Vec::new(), Vec::new());
        for entry in entries {
            match self.inventory.offer_of(&entry.key) {
                Some(offer) => offers.push((entry, offer)),
                None => classic.push(entry),
            }
        }
        classic.extend(self.write_offers(offers, again, &mut outcomes).await);
        let strangers = self.write_classic(classic, again, &mut outcomes).await?;
        self.write_strangers(strangers, again, &mut outcomes).await;
        self.inventory.keep().await;
        Ok(outcomes)
    }

    /// Finds out how listings were made of which that is not known, or not any more. Most sellers have classic ones alone.
    async fn find_models(&self, entries: &[Entry]) -> Result<()> {
        let unknown: Vec<&Key> =
            entries.iter().map(|entry| &entry.key).filter(|key| !self.inventory.is_known(key)).collect();
        if unknown.is_empty() || !self.inventory.is_used().await? {
            return Ok(());
        }
        let mut wanted = Vec::with_capacity(unknown.len());
        for key in unknown {
            if let Some(sku) = self.inventory.sku_of(key) {
                wanted.push((key.clone(), sku));
            } else if let Some(sku) = self.sku_of(key).await? {
                wanted.push((key.clone(), sku.as_str().to_owned()));
            } else {
                self.inventory.note_classic(key);
            }
        }
        self.inventory.find(&wanted).await
    }

    /// Returns the SKU of a listing: a key without one stands for a listing whose SKU was read, or is read now.
    async fn sku_of(&self, key: &Key) -> Result<Option<Sku>> {
        if let Some(sku) = &key.sku {
            return Ok(Sku::new(sku));
        }
        if let Some(known) = self.skus().get(&key.item) {
            return Ok(known.clone());
        }
        let item = self.trading.item(&key.item).await?;
        self.note_skus(item.as_slice());
        Ok(self.skus().get(&key.item).cloned().flatten())
    }

    /// Remembers the SKUs of listings without variations.
    pub(super) fn note_skus(&self, items: &[Item]) {
        let mut skus = self.skus();
        for item in items.iter().filter(|item| !item.varied) {
            let sku = item.parts.first().and_then(|part| part.sku.clone());
            skus.insert(item.id.clone(), sku);
        }
    }

    /// Writes through the Inventory API; returns what it does not have published, and so is no listing of its.
    async fn write_offers(&self, offers: Vec<(Entry, Offer)>, again: Again, outcomes: &mut Outcomes) -> Vec<Entry> {
        let (apart, plain): (Vec<_>, Vec<_>) = offers.into_iter().partition(|(_, offer)| offer.distributed);
        for (entry, _) in apart {
            outcomes.insert(entry.place, Outcome::Refused(by_warehouse()));
        }
        if plain.is_empty() {
            return Vec::new();
        }
        let update = |(entry, offer): &(Entry, Offer)| OfferUpdate { offer: offer.clone(), quantity: entry.quantity };
        let updates: Vec<OfferUpdate> = plain.iter().map(update).collect();
        let written = self.inventory.write(&updates, again).await;
        let mut strangers = Vec::new();
        for ((entry, _), written) in plain.into_iter().zip(written) {
            match written {
                Written::Done => {
                    outcomes.insert(entry.place, done(entry.quantity));
                }
                Written::NotHere => {
                    self.inventory.note_classic(&entry.key);
                    strangers.push(entry);
                }
                Written::Failed(error) => {
                    outcomes.insert(entry.place, failed(error));
                }
            }
        }
        strangers
    }

    /// Writes classic listings, up to four a call, variations of one listing together; returns those that eBay says were
    /// made through the Inventory API.
    async fn write_classic(
        &self,
        mut entries: Vec<Entry>,
        again: Again,
        outcomes: &mut Outcomes,
    ) -> Result<Vec<Entry>> {
        // One call counts as one revision of a listing, however many of its variations it has (section 2).
        let lowerings_first = |entry: &Entry| (entry.raise, entry.key.item.clone(), entry.place);
        entries.sort_by_key(lowerings_first);
        let mut strangers = Vec::new();
        // What a call of several leaves out goes once more, alone.
        for size in [REVISIONS, 1] {
            let round = std::mem::take(&mut entries);
            for (nth, chunk) in round.chunks(size).enumerate() {
                let told = match self.revise(chunk, again).await {
                    Ok(told) => told,
                    Err(error) if size == 1 => {
                        // An answer left these out: whether they were written, nobody knows.
                        outcomes
                            .extend(round[nth..].iter().map(|entry| (entry.place, Outcome::Unknown(error.clone()))));
                        return Ok(strangers);
                    }
                    Err(error) if outcomes.is_empty() && strangers.is_empty() && entries.is_empty() => {
                        return Err(error);
                    }
                    // What stops this call stops the next one too; what was not sent goes again.
                    Err(error) => {
                        outcomes.extend(entries.iter().map(|entry| (entry.place, Outcome::Unknown(error.clone()))));
                        outcomes.extend(chunk.iter().map(|entry| (entry.place, failed(error.clone()))));
                        return Ok(strangers);
                    }
                };
                for (entry, told) in chunk.iter().zip(told) {
                    match told {
                        Some(told) => take_told(entry, told, outcomes, &mut strangers),
                        None => entries.push(entry.clone()),
                    }
                }
            }
        }
        Ok(strangers)
    }

    async fn revise(&self, entries: &[Entry], again: Again) -> Result<Vec<Option<std::result::Result<(), Refusal>>>> {
        let revision = |entry: &Entry| Revision { key: entry.key.clone(), quantity: entry.quantity };
        let revisions: Vec<Revision> = entries.iter().map(revision).collect();
        let told = self.trading.revise(&revisions, again).await;
        if let Err(error) = &told {
            self.heed(error);
        }
        told
    }

    /// Writes through the Inventory API what Trading says belongs there.
    async fn write_strangers(&self, entries: Vec<Entry>, again: Again, outcomes: &mut Outcomes) {
        let mut offers = Vec::new();
        for entry in entries {
            self.inventory.note_used();
            self.inventory.forget(&entry.key);
            let found = match self.sku_of(&entry.key).await {
                Ok(Some(sku)) => self.inventory.find(&[(entry.key.clone(), sku.as_str().to_owned())]).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            match (found, self.inventory.offer_of(&entry.key)) {
                (Err(error), _) => {
                    outcomes.insert(entry.place, failed(error));
                }
                (Ok(()), Some(offer)) => offers.push((entry, offer)),
                (Ok(()), None) => {
                    self.inventory.forget(&entry.key);
                    outcomes.insert(entry.place, Outcome::Refused(Refusal::Inventory.error(WRITE)));
                }
            }
        }
        for entry in self.write_offers(offers, again, outcomes).await {
            self.inventory.forget(&entry.key);
            outcomes.insert(entry.place, Outcome::Refused(Refusal::Inventory.error(WRITE)));
        }
    }

    /// Remembers what an error says of the day's calls.
    pub(super) fn heed(&self, error: &ChannelError) {
        if error.kind == ErrorKind::Throttled && error.evidence.code.as_deref() == Some("518") {
            self.limits.doubt();
        }
    }
}

/// Takes in what Trading said of one entry.
fn take_told(
    entry: &Entry,
    told: std::result::Result<(), Refusal>,
    outcomes: &mut Outcomes,
    strangers: &mut Vec<Entry>,
) {
    let outcome = match told {
        Ok(()) | Err(Refusal::Nothing) => done(entry.quantity),
        Err(Refusal::Inventory) => return strangers.push(entry.clone()),
        Err(Refusal::Ended | Refusal::Gone) => Outcome::Gone,
        Err(refusal) => Outcome::Refused(refusal.error(WRITE)),
    };
    outcomes.insert(entry.place, outcome);
}

/// Makes the outcome of a write that eBay confirmed: its own echo says nothing, so what was written is the echo.
fn done(quantity: Available) -> Outcome {
    Outcome::Done { echo: Some(quantity.level()) }
}

/// Makes the outcome of a failed write: unknown where it may have landed all the same; not sent where it was not the
/// listing's fault, so that it goes again once the account may.
pub(super) fn failed(error: ChannelError) -> Outcome {
    match error.kind {
        _ if error.may_have_landed() => Outcome::Unknown(error),
        ErrorKind::Throttled => Outcome::NotSent,
        _ if error.stops_lane() => Outcome::NotSent,
        _ => Outcome::Refused(error),
    }
}

/// Makes the refusal to write one number over those of several warehouses.
pub(super) fn by_warehouse() -> ChannelError {
    let message = "its stock is kept by warehouse (availabilityDistributions), and one number would wipe that out";
    ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, message)
        .with_next("let the program that keeps it by warehouse go on, and exclude it here by a rule")
}
