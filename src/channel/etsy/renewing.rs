//! Renewing listings, which costs Etsy's fee (section 6): only where the owner allowed that (Z4), for nothing that could not be
//! written then, and told with its fee, whatever becomes of the answer or of this process (P4).

use jiff::Timestamp;

use super::item::{ACTIVE, EXPIRED, INACTIVE, Item, SOLD_OUT};
use super::keys::Key;
use super::showing::SHOW;
use super::{Etsy, Noted};
use crate::channel::{Beside, ChannelError, ErrorKind, Outcome, Remark, Repeat, Result, costs_a_fee};
use crate::domain::observe::later;

/// What it costs to renew a listing (section 6).
const FEE: &str = "Etsy's listing fee (0.20 USD)";

impl Etsy {
    /// Tells whether a listing is renewed when it is shown. One that is hidden may have run out unseen; one that does not say
    /// when its time is over is taken for one that did.
    pub(super) fn is_renewed(&self, item: &Item) -> bool {
        let is_over = || item.ends.is_none_or(|ends| self.api.clock().is_some_and(|now| ends <= now));
        item.is(SOLD_OUT) || item.is(EXPIRED) || (item.is(INACTIVE) && is_over())
    }

    /// Renews a listing and so shows it, for the fee, if the owner allowed that.
    ///
    /// A process that dies, or an answer that is lost, pays nothing twice (X8): it is noted before it is sent, and whoever
    /// tries again reads what the listing is in the same step, finds it active, and leaves it so. As long as the call that
    /// had no answer may still be under way, it is waited for.
    pub(super) async fn renew(&self, item: &Item, key: &Key) -> Result<Outcome> {
        if !self.fees {
            return Ok(Outcome::Refused(self.costs_a_fee(item, SHOW)));
        }
        if self.renewal_of(item).await?.is_some_and(|asked| self.may_be_under_way(asked)) {
            let words = "Etsy has not answered whether it renewed the listing: that is waited for, so that no fee is paid twice";
            return Ok(Outcome::Unknown(ChannelError::new(ErrorKind::Unavailable, Repeat::Later, SHOW, words)));
        }
        let now = self.api.clock().unwrap_or(Timestamp::UNIX_EPOCH);
        let asks = |noted: &mut Noted| _ = noted.renewing.insert(item.id, now);
        self.notes.change(asks).await?;
        let outcome = self.put_into(item.id, ACTIVE, SHOW).await;
        match &outcome {
            Ok(Outcome::Done { .. }) => self.tell_renewal(key),
            Ok(Outcome::Unknown(_)) => {}
            _ => self.forget_renewal(item.id).await?,
        }
        outcome
    }

    /// Takes notice of what became of a renewal that was asked for: told once it is seen to be done, and forgotten where it
    /// was not, within the time that a call may take. What its owner renews after that is not told as ours.
    pub(super) async fn heed_renewal(&self, item: &Item, key: &Key) -> Result<()> {
        let Some(asked) = self.renewal_of(item).await? else { return Ok(()) };
        if item.is(ACTIVE) || (item.is(INACTIVE) && !self.is_renewed(item)) {
            self.tell_renewal(key);
        } else if item.state.is_some() && !self.may_be_under_way(asked) {
            self.forget_renewal(item.id).await?;
        }
        Ok(())
    }

    /// Tells what it would cost to show a listing.
    pub(super) fn costs_a_fee(&self, item: &Item, operation: &'static str) -> ChannelError {
        let how = match item.state.as_deref() {
            Some(SOLD_OUT) => "it sold out on Etsy",
            Some(INACTIVE) if item.ends.is_none() => "Etsy does not say when its time is over",
            _ => "its time on Etsy is over",
        };
        let words = format!("{how}: to show it again renews it, for {FEE}");
        costs_a_fee(operation, &self.name, &words)
    }

    /// Does something, and forgets the renewals that are handed over with it, no sooner: a process that dies before has told
    /// nobody. What cannot be forgotten is told once more.
    pub(super) async fn telling<T>(&self, work: impl Future<Output = T>) -> T {
        let done = work.await;
        let told = self.renewals_told();
        self.notes.change(|noted| noted.renewing.retain(|listing, _| !told.contains(listing))).await.ok();
        done
    }

    /// Returns when a renewal of a listing was asked for of which was not told yet what became of it.
    async fn renewal_of(&self, item: &Item) -> Result<Option<Timestamp>> {
        let asked = self.notes.read().await?.renewing.get(&item.id).copied();
        Ok(asked.filter(|_| !self.renewals_told().contains(&item.id)))
    }

    fn may_be_under_way(&self, asked: Timestamp) -> bool {
        self.api.clock().is_none_or(|now| now < later(asked, self.capability.still_running))
    }

    async fn forget_renewal(&self, listing: i64) -> Result<()> {
        self.notes.change(|noted| noted.renewing.retain(|asked, _| *asked != listing)).await
    }

    fn tell_renewal(&self, key: &Key) {
        self.remark(Remark {
            listing: key.listing_key(),
            about: Beside::Renewed,
            message: format!("renewed by eys, so that it can be bought again, for {FEE}"),
            next: None,
        });
    }
}
