//! Holds, and what each listing under them goes on to be worked out from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;

use super::value::{channel_name, from_word, moment, ms, numbers, word};
use super::{Result, Tx};
use crate::domain::{ChannelName, Frozen, FrozenPart, Hold, HoldId, HoldWhy, ListingId, Quantity};

impl Tx<'_> {
    /// Makes a hold.
    pub fn make_hold(
        &self,
        channel: &ChannelName,
        why: HoldWhy,
        since: Timestamp,
        note: &str,
        frozen: &[Frozen],
    ) -> Result<HoldId> {
        let sql = "INSERT INTO hold (channel, why, since, note) VALUES (?1, ?2, ?3, ?4) RETURNING id";
        let channel = self.channel_id(channel)?;
        let id: i64 = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![channel, word(&why)?, ms(since), note], |row| row.get(0))?;
        self.freeze(id, frozen)?;
        Ok(HoldId(id))
    }

    /// Puts further listings under a hold; those that stand under it keep what they are worked out from. As it is now,
    /// nobody was shown it (H2).
    pub fn widen_hold(&self, id: HoldId, note: &str, frozen: &[Frozen]) -> Result<()> {
        let sql = "UPDATE hold SET note = ?2, reported = 0 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id.0, note])?;
        self.freeze(id.0, frozen)
    }

    /// Notes that the rules of a channel changed: what was shown of its holds is no longer what releasing them does (H2).
    pub fn show_holds_anew(&self, channel: &ChannelName) -> Result<()> {
        for hold in self.holds()?.iter().filter(|hold| hold.channel == *channel && hold.why.hangs_on_rules()) {
            self.connection.prepare_cached("UPDATE hold SET reported = 0 WHERE id = ?1")?.execute([hold.id.0])?;
        }
        Ok(())
    }

    fn freeze(&self, hold: i64, frozen: &[Frozen]) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO held (hold, listing, quantity) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(sql)?;
        let sql = "INSERT INTO held_part (hold, listing, source, units, sold) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO NOTHING";
        let mut insert_part = self.connection.prepare_cached(sql)?;
        for frozen in frozen {
            insert.execute(params![hold, frozen.listing.0, frozen.quantity.units()])?;
            for part in &frozen.parts {
                insert_part.execute(params![hold, frozen.listing.0, part.source.0, part.units, part.sold])?;
            }
        }
        Ok(())
    }

    /// Lets a listing that somebody else writes to go on from what they wrote: under such a hold we take off what is sold
    /// from now on, and correct nothing (R4).
    pub fn refreeze(&self, listing: ListingId, quantity: Quantity) -> Result<()> {
        let theirs = "listing = ?1 AND hold IN (SELECT id FROM hold WHERE why = 'second_writer' AND released IS NULL)";
        let sql = format!("UPDATE held SET quantity = ?2 WHERE {theirs}");
        if self.connection.prepare_cached(&sql)?.execute(params![listing.0, quantity.units()])? > 0 {
            let sold = "sold = (SELECT listing.sold FROM listing WHERE listing.id = held_part.source)";
            let sql = format!("UPDATE held_part SET {sold} WHERE {theirs}");
            self.connection.prepare_cached(&sql)?.execute([listing.0])?;
        }
        Ok(())
    }

    /// Lets what is held be worked out from another source listing than the one that is gone: what was sold of that one
    /// since goes on being taken off (L2).
    pub fn move_frozen(&self, gone: ListingId, to: ListingId) -> Result<()> {
        let sold = "(SELECT sold FROM listing WHERE id = ?2) - (SELECT sold FROM listing WHERE id = ?1)";
        let sql = format!("UPDATE OR IGNORE held_part SET source = ?2, sold = sold + {sold} WHERE source = ?1");
        self.connection.prepare_cached(&sql)?.execute([gone.0, to.0])?;
        Ok(())
    }

    /// Returns the holds that stand, by number.
    pub fn holds(&self) -> Result<Vec<Hold>> {
        let sql = "SELECT hold.id, channel.name, hold.why, hold.since, hold.reported, hold.note
            FROM hold JOIN channel ON channel.id = hold.channel WHERE hold.released IS NULL ORDER BY hold.id";
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query([])?;
        let mut holds = Vec::new();
        while let Some(row) = rows.next()? {
            holds.push(Hold {
                id: HoldId(row.get(0)?),
                channel: channel_name(&row.get::<_, String>(1)?)?,
                why: from_word(&row.get::<_, String>(2)?)?,
                since: moment(row.get(3)?)?,
                reported: row.get(4)?,
                note: row.get(5)?,
            });
        }
        Ok(holds)
    }

    /// Returns the listings under a hold that were not released one by one, by number.
    pub fn frozen(&self, id: HoldId) -> Result<Vec<Frozen>> {
        let sql = "SELECT hold, listing, quantity FROM held WHERE hold = ?1 AND released IS NULL ORDER BY listing";
        let frozen = self.frozen_by(sql, params![id.0])?;
        Ok(frozen.into_values().flatten().map(|(_, frozen)| frozen).collect())
    }

    /// Returns the holds that several target listings stand under.
    pub(super) fn held_of(
        &self,
        listings: impl IntoIterator<Item = i64>,
    ) -> Result<BTreeMap<i64, Vec<(HoldId, Frozen)>>> {
        let sql = "SELECT held.hold, held.listing, held.quantity FROM held JOIN hold ON hold.id = held.hold
            WHERE held.released IS NULL AND hold.released IS NULL
                AND held.listing IN (SELECT value FROM json_each(?1)) ORDER BY held.listing, held.hold";
        self.frozen_by(sql, params![numbers(listings)])
    }

    fn frozen_by(&self, sql: &str, params: impl rusqlite::Params) -> Result<BTreeMap<i64, Vec<(HoldId, Frozen)>>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        let mut found = BTreeMap::<i64, Vec<(HoldId, Frozen)>>::new();
        while let Some(row) = rows.next()? {
            let (hold, listing): (i64, i64) = (row.get(0)?, row.get(1)?);
            let frozen = Frozen {
                listing: ListingId(listing),
                quantity: Quantity::at_least_zero(row.get(2)?),
                parts: self.frozen_parts(hold, listing)?,
            };
            found.entry(listing).or_default().push((HoldId(hold), frozen));
        }
        Ok(found)
    }

    fn frozen_parts(&self, hold: i64, listing: i64) -> Result<Vec<FrozenPart>> {
        let sql = "SELECT source, units, sold FROM held_part WHERE hold = ?1 AND listing = ?2 ORDER BY source";
        let mut query = self.connection.prepare_cached(sql)?;
        let rows = query.query_map([hold, listing], |row| {
            Ok(FrozenPart { source: ListingId(row.get(0)?), units: row.get(1)?, sold: row.get(2)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Notes that holds were shown to the owner (H2).
    pub fn report_holds(&self, ids: &[HoldId]) -> Result<()> {
        let mut report = self.connection.prepare_cached("UPDATE hold SET reported = 1 WHERE id = ?1")?;
        ids.iter().try_for_each(|id| report.execute([id.0]).map(|_| ()))?;
        Ok(())
    }

    /// Releases a hold.
    pub fn release_hold(&self, id: HoldId, when: Timestamp) -> Result<()> {
        let sql = "UPDATE hold SET released = ?2 WHERE id = ?1 AND released IS NULL";
        self.connection.prepare_cached(sql)?.execute(params![id.0, ms(when)])?;
        Ok(())
    }

    /// Releases one listing from a hold; with the last one the hold is gone.
    pub fn release_listing(&self, id: HoldId, listing: ListingId, when: Timestamp) -> Result<()> {
        let sql = "UPDATE held SET released = ?3 WHERE hold = ?1 AND listing = ?2 AND released IS NULL";
        self.connection.prepare_cached(sql)?.execute(params![id.0, listing.0, ms(when)])?;
        if self.frozen(id)?.is_empty() { self.release_hold(id, when) } else { Ok(()) }
    }
}
