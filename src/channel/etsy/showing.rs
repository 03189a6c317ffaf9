//! Hiding listings and showing them again (section 6).
//!
//! Only a whole listing can be hidden, with all its quantity groups; Etsy keeps none without a unit, so that one is left in
//! it, and "hidden, with one unit in all" is how nothing left looks there (Z2). To show one is free while its time runs, for which its
//! fee was paid; one that sold out or expired meanwhile is renewed by it, which costs the fee again (Z4). A draft is never
//! shown: it was never on sale.

use super::Etsy;
use super::api::Call;
use super::inventory::Inventory;
use super::item::{ACTIVE, EXPIRED, INACTIVE, Item, SOLD_OUT};
use super::keys::Key;
use super::writing::failed;
use crate::channel::{ChannelError, ErrorKind, Outcome, Repeat, Result, Showing, Standing};
use crate::domain::{Level, ListingKey, Role};

const LOOK: &str = "looking at a listing";
const HIDE: &str = "hiding a listing";
pub(super) const SHOW: &str = "showing a listing";

impl Etsy {
    /// Tells what a listing is.
    pub(super) async fn stands(&self, listing: &ListingKey) -> Result<Option<Standing>> {
        let Some(key) = Key::parse(listing) else { return Ok(None) };
        let Some(item) = self.bare_item(key.listing, LOOK).await? else { return Ok(None) };
        let live = item.is(ACTIVE);
        let Some(former) = item.state else {
            return Err(ChannelError::unexpected(LOOK, "Etsy's answer comes without the listing's `state`"));
        };
        Ok(Some(Standing { live, former, anew: None }))
    }

    /// Hides or shows a listing.
    pub(super) async fn change_visibility(&self, listing: &ListingKey, act: &Showing) -> Result<Outcome> {
        let Some(key) = Key::parse(listing) else { return Ok(Outcome::Gone) };
        match act {
            Showing::Hide { .. } | Showing::End { .. } => match self.item(key.listing, HIDE).await? {
                Some(item) => self.empty(&item, HIDE).await,
                None => Ok(Outcome::Gone),
            },
            Showing::Show { former } if former != ACTIVE => {
                let words = format!("it was `{former}` before, and not on sale");
                Ok(Outcome::Refused(ChannelError::new(ErrorKind::Refused, Repeat::Never, SHOW, words)))
            }
            Showing::Show { .. } => self.bring_back(&key).await,
        }
    }

    /// Takes a listing out of sight, and leaves the one unit in it that Etsy wants it to keep, so that it is known again as
    /// one with nothing left. Nobody can buy between the two.
    pub(super) async fn empty(&self, item: &Item, operation: &'static str) -> Result<Outcome> {
        let out_of_sight = Ok(Outcome::Done { echo: Some(Level(0)) });
        // What sold out cannot be hidden, and is out of sight. What stands in it all the same counts for a source alone.
        let sold_out = item.is(SOLD_OUT);
        let holds = item.inventory.as_ref().and_then(Inventory::units).unwrap_or_default();
        if sold_out && (self.role == Role::Target || holds <= 1) {
            return out_of_sight;
        }
        if !sold_out && !item.is(INACTIVE) {
            match self.put_into(item.id, INACTIVE, operation).await? {
                Outcome::Done { .. } => {}
                // The last of it may have been sold since it was read.
                Outcome::Refused(error) => {
                    let now = self.bare_item(item.id, operation).await?;
                    let sold_out = now.is_some_and(|now| now.is(SOLD_OUT));
                    return if sold_out { out_of_sight } else { Ok(Outcome::Refused(error)) };
                }
                outcome => return Ok(outcome),
            }
        }
        let Some(inventory) = item.inventory.as_ref().filter(|inventory| inventory.units() != Some(1)) else {
            return out_of_sight;
        };
        match self.replace(item.id, inventory, &inventory.but_one()).await {
            Ok(after) if after.units() == Some(1) => out_of_sight,
            // It is out of sight all the same: what came of it is found out when it is looked up.
            Ok(_) => {
                let words = "Etsy's answer does not show just the one unit that was to be left";
                Ok(Outcome::Unknown(ChannelError::unexpected(operation, words)))
            }
            Err(Outcome::Refused(error)) => Ok(Outcome::Unknown(error)),
            // Of a target nothing else counts. Of a source nothing was taken off yet.
            Err(Outcome::NotSent) if self.role == Role::Target => out_of_sight,
            Err(outcome) => Ok(outcome),
        }
    }

    /// Shows a listing that was hidden. One that buyers see already is left as it is.
    pub(super) async fn bring_back(&self, key: &Key) -> Result<Outcome> {
        let Some(item) = self.bare_item(key.listing, SHOW).await? else { return Ok(Outcome::Gone) };
        match item.state.as_deref() {
            Some(ACTIVE) => {
                self.heed_renewal(&item, key).await?;
                return Ok(Outcome::Done { echo: None });
            }
            Some(INACTIVE | SOLD_OUT | EXPIRED) => {}
            state => {
                let words = format!("it is `{}` now, and would be published anew", state.unwrap_or("unknown"));
                let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, SHOW, words)
                    .with_next("publish it on Etsy yourself, if it is to be sold");
                return Ok(Outcome::Refused(error));
            }
        }
        if self.is_renewed(&item) {
            return self.renew(&item, key).await;
        }
        self.put_into(key.listing, ACTIVE, SHOW).await
    }

    /// Puts a listing into a state. What it is then stands in the answer.
    pub(super) async fn put_into(&self, listing: i64, state: &str, operation: &'static str) -> Result<Outcome> {
        let path = self.in_shop(&format!("listings/{listing}")).await?;
        let answer = match self.api.ask(&Call::patch(operation, path, &[("state", state)])).await {
            Ok(answer) => answer,
            Err(error) if error.stops_lane() => return Err(error),
            Err(error) => return Ok(failed(error)),
        };
        Ok(match Item::read(&answer) {
            Ok(item) if item.is(state) => Outcome::Done { echo: None },
            _ => {
                let words = format!("Etsy's answer does not show the listing as `{state}`");
                Outcome::Unknown(ChannelError::unexpected(operation, words))
            }
        })
    }
}
