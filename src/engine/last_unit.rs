//! The last unit of a source on a platform that knows no listing with nothing left: it can only be taken off by taking
//! the listing out of sight, which the owner lets happen once for a channel. Until then the unit stays owed, and every
//! other listing shows 0 (Z2).

use super::EngineError;
use super::cycle::Cycle;
use super::lane::Lane;
use crate::domain::settle::{Settlement, settle_leaving};
use crate::domain::{ChannelName, Hold, HoldWhy, Level, ListingId, SourceFacts, ZeroKept};
use crate::store::{StoreError, Tx};

impl Cycle<'_> {
    /// Tells whether listings of a source may be taken out of sight for their last unit.
    pub(super) fn may_hide_source(&self, lane: &Lane) -> Result<bool, StoreError> {
        if lane.capability().zero != ZeroKept::Never {
            return Ok(false);
        }
        Ok(self.store.read(|tx| tx.meta(&key(&lane.name)))?.is_some())
    }

    /// Returns the units of a source listing that must stay there, because its platform would not take them off.
    pub(super) fn must_stay(&self, id: ListingId) -> i64 {
        i64::from(self.last_units.contains(&id))
    }

    /// Returns what a run would come to where a dry run plans to take off all that a listing has: `None` where that is
    /// nothing, since its last unit waits for the owner.
    pub(super) fn as_it_would_be(
        &mut self,
        lane: &Lane,
        source: &SourceFacts,
        settlement: Settlement,
    ) -> Result<Option<Settlement>, EngineError> {
        let known = &source.known;
        let empties = settlement.before.after(settlement.delta) <= Level(0);
        // Whether other variations of its item have stock, only the platform knows at the moment of the write.
        let alone = known.listing.item.is_none();
        if !empties || !alone || lane.capability().zero != ZeroKept::Never || self.may_hide_source(lane)? {
            return Ok(Some(settlement));
        }
        if self.must_stay(known.id) == 0 {
            self.ask_for_last_unit(lane, known.id)?;
        }
        let left = settle_leaving(source, lane.capability(), self.must_stay(known.id));
        Ok(left.filter(|left| !left.delta.is_zero()))
    }

    /// Takes in that a change would leave nothing of an item. All but its last unit is taken off now; for that one the
    /// owner is asked.
    pub(super) fn ask_for_last_unit(&mut self, lane: &Lane, id: ListingId) -> Result<(), EngineError> {
        self.last_units.insert(id);
        self.seeds.insert(id);
        let now = self.now(lane);
        let note = format!(
            "{} keeps no listing with nothing left: to take off a last unit, eys must take the listing out of sight there",
            lane.name
        );
        self.store.transaction(|tx| {
            let asked = |hold: &Hold| hold.channel == lane.name && hold.why == HoldWhy::LastUnit;
            if !tx.holds()?.iter().any(asked) {
                tx.make_hold(&lane.name, HoldWhy::LastUnit, now, &note, &[])?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Remembers the owner's word that listings of a source may be taken out of sight.
pub(super) fn let_hide(tx: &Tx<'_>, channel: &ChannelName) -> Result<(), StoreError> {
    tx.set_meta(&key(channel), "released")
}

/// Under this stands that the owner let a source's listings be hidden.
fn key(channel: &ChannelName) -> String {
    format!("last-unit:{channel}")
}
