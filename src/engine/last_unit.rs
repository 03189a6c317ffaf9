//! The last unit of a source on a platform that knows no listing with nothing left: it can only be taken off by taking
//! the listing out of sight, which the owner lets happen once for a channel. Until then the unit stays owed, and every
//! other listing shows 0 (Z2).

use super::EngineError;
use super::cycle::Cycle;
use super::lane::Lane;
use crate::domain::{ChannelName, Hold, HoldWhy, ListingId, ZeroKept};
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
