//! Reading in turn what shows few units, where a full scan is too dear for every cycle (Y4).

use std::collections::VecDeque;

use jiff::SignedDuration;

use super::cycle::Cycle;
use super::lane::{Job, Lane};
use crate::domain::quota::Spending;
use crate::domain::turn::{Ages, SCAN_AGE, in_turn, scan_age};
use crate::domain::{ListingId, ListingKey, Role};
use crate::store::StoreError;

impl Cycle<'_> {
    /// Returns how old a full reading of a lane may get. Where nothing else tells what changed on the source, it is read
    /// in full as often as its platform's quota allows (Y3, Y4).
    pub fn scan_age(&mut self, lane: &Lane) -> Result<SignedDuration, StoreError> {
        let capability = lane.capability();
        if lane.role == Role::Target || capability.reads_changes || capability.cheap_scan {
            return Ok(SCAN_AGE);
        }
        let linked = self.store.read(|tx| tx.totals(&lane.name))?.linked;
        let calls = usize::try_from(linked).unwrap_or_default().div_ceil(capability.read_batch.max(1));
        Ok(scan_age(calls, self.quota(lane)))
    }

    /// Takes the next call for listings whose turn it is: the last thing that a lane does in a cycle, so that no push
    /// waits for it.
    pub fn next_turn(&mut self, lane: &Lane) -> Result<Option<Job>, StoreError> {
        let mut turn = match self.lane(&lane.name).turn.take() {
            Some(turn) => turn,
            None => self.whose_turn(lane)?,
        };
        let most = lane.capability().read_batch.clamp(1, turn.len().max(1));
        let batch: Vec<_> = turn.drain(..most.min(turn.len())).collect();
        let state = self.lane(&lane.name);
        state.turn = Some(turn);
        state.in_turn = batch.iter().map(|(id, _)| *id).collect();
        Ok((!batch.is_empty()).then_some(Job::Look(batch)))
    }

    fn whose_turn(&mut self, lane: &Lane) -> Result<VecDeque<(ListingId, ListingKey)>, StoreError> {
        let capability = lane.capability();
        if lane.role == Role::Source || capability.cheap_scan {
            return Ok(VecDeque::new());
        }
        let ages = Ages::few(self.now(lane), self.pace);
        // A scan reads every listing: none was read longer ago than that.
        let kept = self.channels.get(&lane.name).and_then(|channel| channel.scanned);
        let scanned = self.lane(&lane.name).scanned.max(kept);
        let scanned_after = |moment| scanned.is_some_and(|scanned| moment < scanned);
        if scanned_after(ages.ready) {
            return Ok(VecDeque::new());
        }
        let mut few = self.store.read(|tx| tx.few(&lane.name, ages))?;
        if scanned_after(ages.due) {
            few.due = 0;
        }
        let most = in_turn(few, self.pace, capability.read_batch);
        let calls = most.div_ceil(capability.read_batch.max(1));
        if calls == 0 || !self.may_spend(lane, Spending::FullReadings, calls) {
            return Ok(VecDeque::new());
        }
        Ok(self.store.read(|tx| tx.oldest_few(&lane.name, most))?.into())
    }
}
