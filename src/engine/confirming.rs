//! Reading again what a platform confirmed: some lose a change under load, and their own answer does not show it (X4).
//!
//! The intent stays open until the second reading. What is missing then is sent once more, as a new intent; whatever
//! differs later is the owner's.

use jiff::Timestamp;

use super::EngineError;
use super::cycle::Cycle;
use super::lane::{Job, Lane};
use super::settling::Stored;
use crate::domain::settle::{OwnSales, Second, Settlement, is_adjustable, second_reading, spread};
use crate::domain::{Delta, Level, ListingId, SourceFacts};
use crate::store::StoreError;

/// Under this and the listing's number, what is to be sent once more is remembered until its intent is stored.
const CORRECTION: &str = "correction:";

impl Cycle<'_> {
    /// Finds what an earlier run was to send once more.
    pub fn recover_corrections(&mut self) -> Result<(), StoreError> {
        for (listing, delta) in self.store.read(|tx| tx.metas(CORRECTION))? {
            if let (Ok(listing), Ok(delta)) = (listing.parse(), delta.parse()) {
                self.corrections.insert(ListingId(listing), Delta(delta));
                self.unsettled.insert(ListingId(listing));
            }
        }
        Ok(())
    }

    /// Tells whether a confirmed change of a listing is to be read again before it is believed.
    pub fn must_confirm(&self, lane: &Lane, id: ListingId) -> bool {
        lane.capability().confirm_after.is_some() && !self.corrected.contains(&id)
    }

    /// Lets the lane rest once all that was to be sent is sent, if some of it is to be read again.
    pub fn next_rest(&self, lane: &Lane) -> Option<Job> {
        let waiting = self.confirming.values().any(|under_way| !under_way);
        lane.capability().confirm_after.filter(|_| waiting).map(Job::Rest)
    }

    /// Has the shop's orders, and then the listings themselves, read again.
    pub fn read_again(&mut self, lane: &Lane) {
        let waiting: Vec<ListingId> = self.confirming.keys().copied().collect();
        self.confirming.values_mut().for_each(|under_way| *under_way = true);
        let state = self.lane(&lane.name);
        state.to_observe = true;
        state.look.extend(waiting);
    }

    /// Closes an intent by its second reading, and notes what is to be sent once more.
    pub(super) fn confirm(
        &mut self,
        lane: &Lane,
        stored: &Stored<'_>,
        seen: Level,
        own: OwnSales,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let id = stored.intent.listing;
        if let Second::Lost(delta) = second_reading(stored.delta, stored.before, seen, own) {
            self.store.transaction(|tx| tx.set_meta(&correction_key(id), &delta.0.to_string()))?;
            self.corrections.insert(id, delta);
            self.unsettled.insert(id);
        }
        self.confirming.remove(&id);
        self.applied(lane, stored, Some(seen), now, "its number was read again")
    }

    /// Adds what is to be sent once more to what is owed.
    pub(super) fn with_correction(&self, source: &SourceFacts, owed: Option<Settlement>) -> Option<Settlement> {
        let correction = self.corrections.get(&source.known.id).copied().filter(|_| is_adjustable(source));
        let Some(correction) = correction else { return owed };
        let before = source.known.reading?.level;
        let mut settlement =
            owed.unwrap_or(Settlement { delta: Delta(0), before, lines: Vec::new(), places: Vec::new(), short: 0 });
        settlement.delta = Delta(settlement.delta.0.saturating_add(correction.0));
        settlement.places = spread(&source.known.listing.places, settlement.delta);
        Some(settlement)
    }
}

/// Returns the key under which the correction of a listing is remembered.
pub(super) fn correction_key(id: ListingId) -> String {
    format!("{CORRECTION}{}", id.0)
}
