//! Obeying the quota of a platform that has one: what can wait gives way while it runs low, and is told (Y4).

use super::EngineError;
use super::cycle::Cycle;
use super::lane::Lane;
use super::pushing::push_report;
use super::report::{PushEnd, Trouble};
use crate::domain::plan::{Action, Decision, Doubt};
use crate::domain::quota::{Quota, Spending};
use crate::domain::{ChannelName, ListingId};
use crate::store::{KeptQuota, StoreError};

/// What is said of a channel that is left alone so that its quota lasts.
pub(super) const SPARED: &str = "its orders are read less often";

/// Tells that the calls of a channel run low, and what is done about that.
pub(super) fn low(channel: &ChannelName, quota: &Quota, what: &str) -> Trouble {
    let Quota { most, refills, .. } = quota;
    Trouble {
        code: "quota",
        channel: Some(channel.clone()),
        listing: None,
        message: format!("the {most} calls that the platform allows are running low: {what} until {refills:.0}"),
        next: Some("it goes on by itself then; a slower `every` needs fewer calls".to_owned()),
        waits_for_owner: false,
    }
}

impl Cycle<'_> {
    /// Returns what is left of a channel's quota, as its answers told or as the last run left it; `None` where it has none,
    /// or was refilled since.
    pub fn quota(&self, lane: &Lane) -> Option<Quota> {
        let kept = || self.quotas.get(&lane.name).map(|kept| kept.quota);
        lane.channel.quota().or_else(kept).filter(|quota| self.now(lane) < quota.refills)
    }

    /// Tells whether so many calls may be spent on something, and that it waits where they may not.
    pub fn may_spend(&mut self, lane: &Lane, spending: Spending, calls: usize) -> bool {
        let calls = u64::try_from(calls).unwrap_or(u64::MAX);
        let short = self.quota(lane).filter(|quota| !quota.allows(spending, calls));
        if let Some(quota) = short {
            let what = match spending {
                Spending::Orders | Spending::Lowerings => "everything waits",
                Spending::Raises => "nothing is raised",
                Spending::SourceReadings | Spending::FullReadings => "it is not read in full",
            };
            self.tell_quota(lane, &quota, what);
        }
        short.is_none()
    }

    /// Tells whether there are calls for a full scan.
    pub fn may_scan(&mut self, lane: &Lane) -> Result<bool, StoreError> {
        let spending = if lane.tells_nothing() { Spending::SourceReadings } else { Spending::FullReadings };
        let calls = self.scan_calls(lane)?;
        Ok(self.may_spend(lane, spending, calls))
    }

    /// Tells whether a lane is left alone in this cycle, so that what is left of its quota lasts to the refill. What was
    /// sold elsewhere is lowered there all the same.
    pub fn is_spared(&mut self, lane: &Lane) -> bool {
        let Some((quota, kept)) = self.quota(lane).zip(self.quotas.get(&lane.name).copied()) else { return false };
        // A time before the last reading is none: then nobody knows how long ago that was (Y1).
        let now = self.now(lane);
        let spared = kept.read <= now && now < quota.next_reading(kept.read);
        if spared {
            self.tell_quota(lane, &quota, SPARED);
        }
        spared
    }

    fn tell_quota(&mut self, lane: &Lane, quota: &Quota, what: &str) {
        self.trouble(low(&lane.name, quota, what));
    }

    /// Takes the raises of a lane out of what is to be pushed, where its quota no longer allows them. They are planned
    /// again in the next cycle.
    pub fn put_off_raises(&mut self, lane: &Lane) -> Result<(), EngineError> {
        let Some(Quota { refills: until, .. }) = self.quota(lane) else { return Ok(()) };
        let is_raise = |decision: &&Decision| {
            decision.channel == lane.name && matches!(decision.action, Action::Push { lowering: false, .. })
        };
        let ids: Vec<ListingId> = self.queue.values().filter(is_raise).map(|decision| decision.target).collect();
        if ids.is_empty() || self.may_spend(lane, Spending::Raises, 1) {
            return Ok(());
        }
        for id in ids {
            let Some(decision) = self.queue.remove(&id) else { continue };
            if let Some(known) = self.store.read(|tx| tx.known(id))? {
                let why = Doubt::QuotaSpent { until };
                self.store.transaction(|tx| tx.note_waits(id, Some(why)))?;
                let end = PushEnd::Pending(why.to_string());
                self.pushes.insert(known.at.clone(), push_report(&known, &decision, end));
            }
        }
        Ok(())
    }

    /// Keeps what is left of a lane's quota for the next run: as the platform told, else less what this run took of it.
    pub fn keep_quota(&mut self, lane: &Lane) -> Result<(), StoreError> {
        let before = self.lanes.get(&lane.name).map_or(0, |state| state.quota_calls);
        let taken = lane.channel.quota_calls().saturating_sub(before);
        let less = |quota: Quota| Quota { left: quota.left.saturating_sub(taken), ..quota };
        let Some(quota) = lane.channel.quota().or_else(|| self.quota(lane).map(less)) else { return Ok(()) };
        let spared = self.lanes.get(&lane.name).is_none_or(|state| state.spared || !state.observed);
        let before = self.quotas.get(&lane.name).filter(|_| spared).map(|kept| kept.read);
        let kept = KeptQuota { quota, read: before.unwrap_or_else(|| self.now(lane)) };
        self.store.transaction(|tx| tx.save_quota(&lane.name, &kept))
    }
}
