//! Reading in turn what shows few units, where a full scan is too dear for every cycle (Y4).

use std::collections::VecDeque;

use jiff::Timestamp;

use super::cycle::Cycle;
use super::lane::{Job, Lane};
use crate::domain::quota::Spending;
use crate::domain::turn::{Ages, FEW_AGE, SCAN_AGE, guessed_calls, in_turn, is_due, is_old, scan_age};
use crate::domain::{ListingId, ListingKey, Role};
use crate::store::StoreError;

impl Cycle<'_> {
    /// Tells whether it is time for a full reading of a lane, once a day; where nothing else tells what changed on the
    /// source, as often as its platform's quota allows (Y3, Y4).
    pub fn scan_is_due(&self, lane: &Lane, scanned: Option<Timestamp>) -> Result<bool, StoreError> {
        let (now, pace) = (self.now(lane), self.pace);
        let Some(scanned) = scanned.filter(|scanned| !is_due(*scanned, now, pace, SCAN_AGE)) else { return Ok(true) };
        if !lane.tells_nothing() {
            return Ok(is_due(scanned, now, pace, FEW_AGE) && self.reads_few_in_full(lane)?);
        }
        let age = scan_age(self.scan_calls(lane)?, self.quota(lane), pace);
        Ok(is_old(scanned, now, pace, age))
    }

    /// Tells whether all listings of a target are read together, since reading each that shows few units by its key would
    /// take more calls.
    fn reads_few_in_full(&self, lane: &Lane) -> Result<bool, StoreError> {
        if lane.role == Role::Source || !lane.capability().reads_singly {
            return Ok(false);
        }
        let few = self.store.read(|tx| tx.few(&lane.name, Ages::few(self.now(lane), self.pace)))?;
        Ok(self.scan_calls(lane)? < few.all)
    }

    /// Returns how many calls a full reading of a lane takes, as the last ones did. How many of its listings are
    /// linked says little of that, since what is hidden, sold out or over is read as well.
    pub fn scan_calls(&self, lane: &Lane) -> Result<usize, StoreError> {
        let (counted, linked) =
            self.store.read(|tx| Ok((tx.scan_calls(&lane.name)?, tx.totals(&lane.name)?.linked)))?;
        let guessed = || guessed_calls(usize::try_from(linked).unwrap_or_default(), lane.capability().read_batch);
        Ok(counted.unwrap_or_else(guessed))
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
        if self.reads_few_in_full(lane)? {
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
