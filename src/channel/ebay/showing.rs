//! Ending listings and putting them up again, and what hiding means on eBay (section 6).
//!
//! There is no hiding: with out-of-stock control, a listing at 0 is out of sight by itself, and back with its first unit.
//! Ending is final. What is put up again is a new listing with a new item id, which is told with the outcome, and, where the
//! answer was lost, by the ended one: the new one takes its place. It shows at first what is sure to be there.

use serde::{Deserialize, Serialize};

use super::Ebay;
use super::inventory::{Offer, Written};
use super::item::Item;
use super::keys::Key;
use super::quantity::Available;
use super::trading::{END, RELIST, Refusal};
use super::writing::{by_warehouse, failed};
use super::zero::no_zero;
use crate::channel::{ChannelError, ErrorKind, Outcome, Repeat, Result, Showing, Standing, costs_a_fee};
use crate::domain::{ListingKey, Quantity};

/// The reason for which we end a listing; an owner who ends one for lack of goods says the same.
const OUR_REASON: &str = "NotAvailable";

/// What a listing was before it was hidden or ended.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Former {
    /// The offer that it was published by, where it was made through the Inventory API: once withdrawn, no question finds
    /// it any more.
    offer: Option<Offer>,
}

impl Ebay {
    /// Tells what a listing is, and, where it has ended and was put up again, the new one's key.
    pub(super) async fn stands(&self, listing: &ListingKey) -> Result<Option<Standing>> {
        let Some(key) = Key::parse(listing) else { return Ok(None) };
        let Some(item) = self.trading.item(&key.item).await? else { return Ok(None) };
        self.note_skus(std::slice::from_ref(&item));
        if item.part(&key).is_none() {
            return Ok(None);
        }
        let relisted = item.ended.as_ref().and_then(|ended| ended.relisted.as_deref());
        let anew = relisted.and_then(|id| key.at(id)).map(|key| key.listing());
        let offer = if item.ended.is_none() { self.offer_of(&item, &key).await? } else { None };
        let former = serde_json::to_string(&Former { offer })
            .map_err(|error| ChannelError::unexpected(END, error.to_string()))?;
        Ok(Some(Standing { live: item.ended.is_none(), former, anew }))
    }

    /// Finds the offer that a listing was published by; `None` for a classic one.
    async fn offer_of(&self, item: &Item, key: &Key) -> Result<Option<Offer>> {
        self.inventory.recall().await;
        if !self.inventory.is_known(key) && self.inventory.is_used().await? {
            let sku = item.part(key).and_then(|part| part.sku.clone());
            match sku {
                Some(sku) => self.inventory.find(&[(key.clone(), sku.as_str().to_owned())]).await?,
                None => self.inventory.note_classic(key),
            }
        }
        self.inventory.keep().await;
        Ok(self.inventory.offer_of(key))
    }

    /// Hides, ends or shows a listing.
    pub(super) async fn change_visibility(&self, listing: &ListingKey, act: &Showing) -> Result<Outcome> {
        let Some(key) = Key::parse(listing) else { return Ok(Outcome::Gone) };
        let (Showing::Hide { former } | Showing::End { former } | Showing::Show { former }) = act;
        let former: Former = serde_json::from_str(former)
            .map_err(|error| ChannelError::unexpected(END, format!("what it was is not readable: {error}")))?;
        let Some(item) = self.trading.item(&key.item).await? else { return Ok(Outcome::Gone) };
        let outcome = match act {
            Showing::Hide { .. } => self.hide(&item, &key).await?,
            Showing::End { .. } => {
                // Once withdrawn, it is no longer published as this listing.
                for part in &item.parts {
                    self.inventory.forget(&item.key(part));
                }
                self.end(&item, former).await?
            }
            Showing::Show { .. } => self.bring_back(&item, &key, former).await?,
        };
        if let Outcome::Refused(error) | Outcome::Unknown(error) = &outcome {
            self.heed(error);
        }
        Ok(outcome)
    }

    /// Sees to it that a listing is out of sight: at 0, out-of-stock control keeps it so.
    async fn hide(&self, item: &Item, key: &Key) -> Result<Outcome> {
        let stock = item.part(key).and_then(|part| part.stock);
        match stock {
            _ if item.ended.is_some() => Ok(Outcome::Done { echo: None }),
            Some(stock) if stock.available.is_none() && self.lives_at_zero().await? => Ok(Outcome::Done { echo: None }),
            Some(stock) if stock.available.is_none() => Ok(Outcome::Refused(no_zero())),
            _ => Ok(Outcome::NotSent),
        }
    }

    /// Ends a listing, if none of its other variations has stock: the whole listing goes.
    async fn end(&self, item: &Item, former: Former) -> Result<Outcome> {
        if item.ended.is_some() {
            return Ok(Outcome::Done { echo: None });
        }
        if item.varied && item.parts.iter().any(|part| part.stock.is_none_or(|stock| !stock.available.is_none())) {
            let message = "other variations of the listing have stock, and ending it would end them too";
            let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, END, message)
                .with_next("use `zero_stock = \"keep\"` for this channel: at 0 a variation cannot be bought");
            return Ok(Outcome::Refused(error));
        }
        if let Some(offer) = former.offer {
            let withdrawn = self.inventory.withdraw(&offer).await;
            return Ok(withdrawn.map_or_else(failed, |()| Outcome::Done { echo: None }));
        }
        Ok(match self.trading.end(&item.id).await {
            Ok(Ok(()) | Err(Refusal::Ended | Refusal::Nothing)) => Outcome::Done { echo: None },
            Ok(Err(Refusal::Everything(error))) | Err(error) => failed(error),
            Ok(Err(refusal)) => Outcome::Refused(refusal.error(END)),
        })
    }

    /// Puts an ended listing up again, with what is sure to be there: one unit, or the 0 that its offer was withdrawn with.
    /// One that is up is left as it is; one that somebody else put up again is gone, and its owner says what follows (L2).
    async fn bring_back(&self, item: &Item, key: &Key, former: Former) -> Result<Outcome> {
        let Some(ended) = &item.ended else { return Ok(Outcome::Done { echo: None }) };
        if ended.relisted.is_some() || (former.offer.is_none() && !may_come_back(item)) {
            return Ok(Outcome::Gone);
        }
        if !self.fees {
            let what =
                "putting an ended listing up again counts as a new one, for which eBay may charge an insertion fee";
            return Ok(Outcome::Refused(costs_a_fee(RELIST, &self.name, what)));
        }
        if let Some(offer) = former.offer {
            return self.publish_again(item, key, &offer).await;
        }
        if item.varied {
            let message = "eBay would put its variations up again with the quantities of the first day";
            let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, RELIST, message).with_next(
                "put it up again in Seller Hub with the right quantities; `eys link` proposes the new listing",
            );
            return Ok(Outcome::Refused(error));
        }
        Ok(match self.trading.relist(&item.id, sure()).await {
            Ok(Ok(new)) => put_up(key, &new, sure()),
            Ok(Err(Refusal::Everything(error))) | Err(error) if error.stops_lane() => return Err(error),
            Ok(Err(Refusal::Everything(error))) | Err(error) => failed(error),
            Ok(Err(refusal)) => Outcome::Refused(refusal.error(RELIST)),
        })
    }

    /// Publishes an offer that was withdrawn, once it would show no more than what is sure to be there.
    async fn publish_again(&self, item: &Item, key: &Key, offer: &Offer) -> Result<Outcome> {
        let shows = match self.hold_down(item, offer).await? {
            Ok(shows) => shows,
            Err(outcome) => return Ok(outcome),
        };
        match self.inventory.publish(offer).await {
            Ok(new) => Ok(put_up(key, &new.unwrap_or_default(), shows)),
            Err(error) if error.stops_lane() => Err(error),
            Err(error) => Ok(failed(error)),
        }
    }

    /// Sees to it that an offer which was withdrawn shows no more than what is sure to be there once it is published; tells
    /// how many units that will be, or why it must not be published. What it shows is the lower one of its own number and
    /// that of its SKU; as long as it is not published, only the latter takes another one (5.4).
    async fn hold_down(&self, item: &Item, offer: &Offer) -> Result<std::result::Result<Available, Outcome>> {
        if offer.group.is_some() {
            // It is published with all its variations, whose offers nobody kept.
            let is_empty = item.parts.iter().all(|part| part.stock.is_some_and(|stock| stock.available.is_none()));
            return Ok(if is_empty { Ok(Available::told(0)) } else { Err(Outcome::Refused(holds_units())) });
        }
        let Some(withdrawn) = self.inventory.look_at(offer).await? else { return Ok(Err(Outcome::Gone)) };
        // Somebody else published it since.
        if withdrawn.listing.is_some_and(|listing| listing != item.id) {
            return Ok(Err(Outcome::Gone));
        }
        let Some(held) = withdrawn.available else {
            return Ok(Err(Outcome::Refused(unpublishable("eBay does not say how many units its offer holds"))));
        };
        if held.is_none() {
            return Ok(Ok(held));
        }
        match self.inventory.keeps_by_warehouse(offer).await? {
            Some(false) => {}
            Some(true) => return Ok(Err(Outcome::Refused(by_warehouse()))),
            None => return Ok(Err(Outcome::Refused(unpublishable("eBay no longer knows the SKU of its offer")))),
        }
        Ok(match self.inventory.cap(offer, sure()).await {
            Ok(Written::Done) => Ok(sure()),
            Ok(Written::NotHere) => Err(Outcome::Refused(holds_units())),
            Err(error) if error.stops_lane() => return Err(error),
            Ok(Written::Failed(error)) | Err(error) => Err(failed(error)),
        })
    }
}

/// What is sure to be there of a listing that is put up again: it is, because its first unit is back.
fn sure() -> Available {
    Available::to_show(Quantity::at_least_zero(1))
}

/// Makes the outcome of a listing that was put up again under a new item id. Where eBay names none, it is looked up.
fn put_up(old: &Key, new: &str, shows: Available) -> Outcome {
    match old.at(new) {
        Some(key) => Outcome::Anew { key: key.listing(), level: shows.level() },
        None => Outcome::Unknown(ChannelError::unexpected(RELIST, "eBay's answer does not name the new listing")),
    }
}

/// Makes the refusal to publish an offer with units that nobody counted since.
fn holds_units() -> ChannelError {
    unpublishable("its offer still holds the units that it was withdrawn with, and eBay would sell them")
}

fn unpublishable(why: &str) -> ChannelError {
    ChannelError::new(ErrorKind::Refused, Repeat::Never, RELIST, why)
        .with_next("publish it with the right quantity where its offer was made; `eys link` proposes the new listing")
}

/// Tells whether a listing ended as we end one, and was not put up again since.
fn may_come_back(item: &Item) -> bool {
    let ours = |reason: &String| reason == OUR_REASON;
    item.ended.as_ref().is_some_and(|ended| ended.relisted.is_none() && ended.reason.as_ref().is_some_and(ours))
}
