//! Before a listing is brought to 0: some platforms end it there, or take a variation out of it, unless a switch of the
//! account is on. The switch is looked at before the first 0 of a day, and without it no 0 is written (Z3).

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::Cycle;
use super::lane::{Job, Lane};
use super::report::{Adjusted, Deduction, PushEnd, PushReport, Trouble};
use super::standing::how_to_keep_zero;
use crate::channel::ChannelError;
use crate::domain::observe::later;
use crate::domain::plan::{Action, Decision, Zero};
use crate::domain::settle::{Settlement, settle};
use crate::domain::{Component, Level, ListingId, ListingRef, Quantity, ZeroKept};
use crate::store::StoreError;

/// Why a deduction waits that would bring a listing to 0 while the switch is off.
pub(super) const NOT_EMPTIED: &str = "the platform would end the listing at 0, since its out-of-stock control is off";

/// How long a look at the switch holds.
const HOLDS: SignedDuration = SignedDuration::from_hours(24);

impl Cycle<'_> {
    /// Tells what can be done with a listing of a lane that is to show 0, by the last look at its switch.
    pub(super) fn zero(&self, lane: &Lane) -> Zero {
        match self.lanes.get(&lane.name).and_then(|state| state.keeps_zero) {
            Some(false) => Zero::Destroys,
            _ => Zero::of(lane.capability()),
        }
    }

    /// Asks for a look at the switch before a batch of pushes, if one of them is the first 0 of the day.
    pub(super) fn next_zero(&mut self, lane: &Lane, batch: &[ListingId]) -> Result<Option<Job>, StoreError> {
        if !self.must_ask_zero(lane) {
            return Ok(None);
        }
        let zero = |decision: &Decision| matches!(decision.action, Action::Push { quantity: Quantity::ZERO, .. });
        if batch.iter().any(|id| self.queue.get(id).is_some_and(zero)) { self.ask_zero(lane) } else { Ok(None) }
    }

    /// The same where a dry run, which queues nothing, told of a 0: what it says is what the run would come to.
    pub(super) fn next_zero_of_plan(&mut self, lane: &Lane) -> Result<Option<Job>, StoreError> {
        if self.must_ask_zero(lane) && !self.told_zeros(lane).is_empty() { self.ask_zero(lane) } else { Ok(None) }
    }

    /// Returns the listings of a lane that a dry run told would go to 0.
    fn told_zeros(&self, lane: &Lane) -> Vec<ListingRef> {
        let shown = |push: &&PushReport| push.end == PushEnd::Planned && push.to == Quantity::ZERO;
        let left = |deduction: &&Deduction| deduction.end == Adjusted::Planned && deduction.to <= Level(0);
        let shown = self.pushes.values().filter(shown).map(|push| &push.listing);
        let left = self.report.deductions.iter().filter(left).map(|deduction| &deduction.listing);
        shown.chain(left).filter(|listing| listing.channel == lane.name).cloned().collect()
    }

    /// The same before an adjustment of the source.
    pub(super) fn next_zero_of_source(
        &mut self,
        lane: &Lane,
        components: &[Component],
        batch: &[ListingId],
    ) -> Result<Option<Job>, StoreError> {
        if !self.must_ask_zero(lane) {
            return Ok(None);
        }
        let here = components.iter().flat_map(|component| &component.sources);
        let mut here = here.filter(|source| batch.contains(&source.known.id));
        let empties = here.any(|source| settle(source, lane.capability()).is_some_and(|settled| empties(&settled)));
        if empties { self.ask_zero(lane) } else { Ok(None) }
    }

    /// Tells whether an adjustment of the source must wait: it would bring a listing to 0 while the switch is off.
    pub(super) fn must_not_empty(&self, lane: &Lane, settlement: &Settlement) -> bool {
        self.zero(lane) == Zero::Destroys && empties(settlement)
    }

    /// Tells whether the switch counts on a lane, and was not looked at in this cycle yet.
    fn must_ask_zero(&mut self, lane: &Lane) -> bool {
        lane.capability().zero == ZeroKept::IfSwitchedOn && self.lane(&lane.name).keeps_zero.is_none()
    }

    fn ask_zero(&mut self, lane: &Lane) -> Result<Option<Job>, StoreError> {
        let kept = self.store.read(|tx| tx.meta(&key(lane)))?;
        let seen = kept.and_then(|kept| kept.parse::<Timestamp>().ok());
        if seen.is_some_and(|seen| self.now(lane) < later(seen, HOLDS)) {
            self.lane(&lane.name).keeps_zero = Some(true);
            return Ok(None);
        }
        Ok(Some(Job::AskZero))
    }

    /// Takes in how the switch stands. What was planned with a 0 is planned anew where it is off.
    pub(super) fn take_zero(
        &mut self,
        lane: &Lane,
        keeps: Result<bool, ChannelError>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let keeps = match keeps {
            Ok(keeps) => keeps,
            Err(error) => {
                self.fail(lane, error);
                return Ok(());
            }
        };
        self.lane(&lane.name).keeps_zero = Some(keeps);
        if keeps {
            self.store.transaction(|tx| tx.set_meta(&key(lane), &now.to_string()))?;
            return Ok(());
        }
        let here = self.queue.values().filter(|decision| decision.channel == lane.name);
        self.seeds.extend(here.map(|decision| decision.target).collect::<Vec<_>>());
        for at in self.told_zeros(lane) {
            self.seeds.extend(self.store.read(|tx| tx.known_at(&at))?.map(|known| known.id));
        }
        self.trouble(Trouble {
            code: "zero-destroys",
            channel: Some(lane.name.clone()),
            listing: None,
            message:
                "out-of-stock control is off: a listing at 0 would be ended, or lose a variation, so no 0 is written"
                    .to_owned(),
            next: Some(how_to_keep_zero(&lane.name)),
            waits_for_owner: true,
        });
        Ok(())
    }
}

fn empties(settlement: &Settlement) -> bool {
    settlement.delta.0 < 0 && settlement.before.after(settlement.delta).0 <= 0
}

/// Under this stands when the switch was last seen on.
fn key(lane: &Lane) -> String {
    format!("zero-kept:{}", lane.name)
}
