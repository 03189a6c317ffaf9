//! Reading again what a platform confirmed: some lose a change under load, and their own answer does not show it (X4).
//!
//! The intent stays open until the second reading. What is missing then is remembered, claimed, and sent once more by a
//! new intent, which is believed; whatever differs later is the owner's.

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::Cycle;
use super::lane::{Job, Lane};
use super::settling::Stored;
use crate::domain::observe::{SAME_MOMENT, explain, later};
use crate::domain::settle::{Evidence, Goal, Second, second_reading};
use crate::domain::{Component, Delta, ExactlyOnce, Intent, Level, ListingId};
use crate::store::{StoreError, Tx};

/// How soon a second reading must come for what is missing to be taken for lost: a run that died in between, or a shop
/// that was down, lets it come later.
const PROMPT: SignedDuration = SignedDuration::from_mins(1);

/// How long after its reading a number is written to at the earliest, where a write can run over a sale: so long that no
/// stamp of a sale, which leaves out the parts of a second, fits both a sale that the reading contains and one that the
/// write ran over.
const APART: SignedDuration = SignedDuration::from_secs(3);

/// How far the second reading of a confirmed change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirming {
    /// The lane still has to rest.
    Resting,
    /// The listing is read again.
    Looking,
    /// Something is missing by this number. An order that does not show yet looks just like a loss, so the lane rests
    /// until none can be late.
    Doubting(Level),
    /// The orders, and the listing, are read for the third time.
    Asking(Level),
}

impl Cycle<'_> {
    /// Tells whether a confirmed change of a listing is to be read again before it is believed. What is sent once more
    /// is not, and neither is anything after it in the same cycle.
    pub fn must_confirm(&self, lane: &Lane, intent: &Intent) -> bool {
        if lane.capability().exactly_once == ExactlyOnce::Goal {
            return true;
        }
        let loses = lane.capability().confirm_after.is_some();
        loses && intent.act.sent_again().is_zero() && !self.corrected.contains(&intent.listing)
    }

    /// Lets the lane rest before an adjustment, where its reading is too fresh to tell afterwards what was lost.
    pub fn next_apart(&self, lane: &Lane, components: &[Component], batch: &[ListingId]) -> Option<Job> {
        if !matches!(lane.capability().exactly_once, ExactlyOnce::Marker | ExactlyOnce::Goal) {
            return None;
        }
        let now = self.now(lane);
        let sources = components.iter().flat_map(|component| &component.sources);
        let read = sources.filter(|source| batch.contains(&source.known.id)).filter_map(|source| source.known.reading);
        // A counter of sold units tells what a stamp cannot.
        let read = read.filter(|seen| seen.counter.is_none());
        let until = later(read.map(|seen| seen.done).max()?, APART);
        (now < until).then(|| Job::Rest(until.duration_since(now).min(APART)))
    }

    /// Lets the lane rest once all that was to be sent is sent, if some of it is to be read again.
    pub fn next_rest(&self, lane: &Lane) -> Option<Job> {
        let capability = lane.capability();
        let doubting = self.confirming.values().any(|step| matches!(step, Confirming::Doubting(_)));
        let resting = self.confirming.values().any(|step| *step == Confirming::Resting);
        let rest = if doubting { Some(capability.order_delay) } else { capability.confirm_after };
        rest.filter(|_| doubting || resting).map(Job::Rest)
    }

    /// Has the shop's orders, and then the listings themselves, read again.
    pub fn read_again(&mut self, lane: &Lane) -> Result<(), StoreError> {
        // It was the rest before an adjustment, which comes first.
        if !self.unsettled.is_empty() {
            return Ok(());
        }
        let mut waiting: Vec<ListingId> = self.confirming.keys().copied().collect();
        for step in self.confirming.values_mut() {
            *step = match *step {
                Confirming::Doubting(first) => Confirming::Asking(first),
                Confirming::Resting => Confirming::Looking,
                step => step,
            };
        }
        // What stands under the same item was written with it.
        if lane.capability().writes_items {
            waiting.extend(self.store.read(|tx| beside(tx, &waiting))?);
        }
        let state = self.lane(&lane.name);
        state.to_observe = true;
        state.look.extend(waiting);
        Ok(())
    }

    /// Closes an intent by its second reading, and notes what is to be sent once more.
    pub(super) fn confirm(
        &mut self,
        lane: &Lane,
        stored: &Stored<'_>,
        evidence: Evidence,
        first: Option<Level>,
    ) -> Result<(), EngineError> {
        let Evidence { level: seen, begun: now, .. } = evidence;
        let id = stored.intent.listing;
        let own = self.own_sales(lane, id, evidence)?;
        let goal = stored.before.after(stored.delta);
        let left = goal.after(Delta(own.sure.saturating_neg()));
        let is_goal = lane.capability().exactly_once == ExactlyOnce::Goal;
        let second = second_reading(stored.delta, stored.before, seen, own);
        let (level, lost) = match second {
            Second::Lost(_) if is_goal && !self.may_send_again(id) => {
                self.confirming.remove(&id);
                let why = "sales keep coming between its reading and its writing";
                return self.pending(lane, stored, why.to_owned(), None);
            }
            // A counter of sold units is never late: what it counted and the number does not show was run over (X3).
            Second::Lost(delta) if is_goal && evidence.counter.is_some() => (seen, delta),
            _ if is_goal && self.may_still_land(lane, stored, now) => {
                self.confirming.remove(&id);
                let why = "one of its writes had no answer; it is looked at again when that can no longer be running";
                return self.pending(lane, stored, why.to_owned(), None);
            }
            // Orders that are there are not late either: what they took and the number does not show was run over as well.
            Second::Lost(delta) if is_goal && (1..=own.sure).contains(&delta.0.saturating_neg()) => (seen, delta),
            Second::Holds => (seen, Delta(0)),
            // So long after, a difference may as well be the owner's: what was lost and what was edited look alike. And
            // where it moved again meanwhile, there may be orders that do not show yet.
            Second::Lost(_)
                if later(stored.intent.opened, PROMPT) < now || first.is_some_and(|first| first != seen) =>
            {
                self.confirming.remove(&id);
                return self.doubt(stored, seen, now);
            }
            // Units are not given back twice: where the source sold some meanwhile, it may have sold others that no order
            // shows yet (P1).
            Second::Lost(missing) if 0 < missing.0 && first.is_some() && self.sold_since_its_reading(id)? => {
                self.confirming.remove(&id);
                return self.doubt(stored, seen, now);
            }
            Second::Lost(_) if first.is_none() => {
                self.confirming.insert(id, Confirming::Doubting(seen));
                return Ok(());
            }
            Second::Lost(delta) => (seen, delta),
            // What it should be is taken for read, so that the reading itself shows what somebody made of it.
            Second::OwnersChange => (left, Delta(0)),
        };
        self.store.transaction(|tx| {
            let Some(before) = tx.known(id)?.and_then(|known| known.reading) else { return Ok(()) };
            if is_goal && evidence.counter.is_none() {
                let fell = level.after(lost).since(seen).0;
                tx.keep_goal(id, Goal { from: before.done, until: now, fell })?;
            }
            let mut own = tx.own_lines(id)?;
            explain(&mut own, before.done, now, goal.since(level.after(lost)).0);
            own.iter_mut().try_for_each(|line| tx.save_line(line).map(|_| ()))
        })?;
        self.confirming.remove(&id);
        self.applied(lane, stored, Some(level), lost, now, "its number was read again")
    }

    /// Tells whether the source itself sold of a listing since it was read, whatever became of those sales.
    fn sold_since_its_reading(&self, id: ListingId) -> Result<bool, EngineError> {
        Ok(self.store.read(|tx| {
            let read = tx.known(id)?.and_then(|known| known.reading);
            read.map_or(Ok(true), |seen| tx.sold_since(id, later(seen.begun, -SAME_MOMENT)))
        })?)
    }

    /// Tells whether a write of a goal that had no answer may still come, and undo what was written after it (Y8).
    fn may_still_land(&self, lane: &Lane, stored: &Stored<'_>, now: Timestamp) -> bool {
        let until = later(stored.intent.sent, lane.capability().still_running);
        self.unanswered.contains(&stored.intent.listing) && now < until
    }
}

/// Returns the other listings that stand under the items of some.
fn beside(tx: &Tx<'_>, ids: &[ListingId]) -> Result<Vec<ListingId>, StoreError> {
    let mut others = Vec::new();
    for known in ids.iter().filter_map(|id| tx.known(*id).transpose()) {
        others.extend(tx.of_item(&known?)?.into_iter().map(|other| other.id));
    }
    Ok(others)
}
