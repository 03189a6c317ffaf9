//! What somebody else did to the source, beside the lines that it may have been done for (W3, W5).

use jiff::Timestamp;
use rusqlite::params;

use super::lines::SELECT;
use super::value::{moment, ms, numbers};
use super::{Result, Tx};
use crate::domain::held::{LAST_LINES, Met, Trace};
use crate::domain::{ChannelName, Line, LineId, ListingId, MovementId};

impl Tx<'_> {
    /// Returns what somebody else did to a source listing since a moment of its clock, as far as no line but these met it.
    pub fn traces(&self, source: ListingId, since: Timestamp, but: &[LineId]) -> Result<Vec<Trace>> {
        let mut traces = self.changes(source, since)?;
        let brought = self.brought_in(&[source], since)?.into_iter();
        traces.extend(
            brought
                .filter(|line| line.taken != 0)
                .filter_map(|line| Some(Trace { of: Met::Brought(line.id?), units: line.taken, at: line.placed })),
        );
        let mut free = Vec::with_capacity(traces.len());
        for trace in traces {
            if self.met_by(trace.of)?.iter().all(|line| but.contains(line)) {
                free.push(trace);
            }
        }
        Ok(free)
    }

    /// Returns the changes of a source listing that nothing explains, since a moment of its clock.
    fn changes(&self, source: ListingId, since: Timestamp) -> Result<Vec<Trace>> {
        let sql = "SELECT id, from_no, to_no, moment FROM movement
            WHERE listing = ?1 AND why = 'owners_change' AND moment >= ?2 AND from_no <> to_no ORDER BY id";
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query([source.0, ms(since)])?;
        let mut changes = Vec::new();
        while let Some(row) = rows.next()? {
            let (from, to): (i64, i64) = (row.get(1)?, row.get(2)?);
            let of = Met::Change(MovementId(row.get(0)?));
            changes.push(Trace { of, units: from.saturating_sub(to), at: moment(row.get(3)?)? });
        }
        Ok(changes)
    }

    fn met_by(&self, met: Met) -> Result<Vec<LineId>> {
        let number = match met {
            Met::Nothing => return Ok(Vec::new()),
            Met::Change(MovementId(id)) => id,
            Met::Brought(LineId(id)) => id.saturating_neg(),
        };
        let mut query = self.connection.prepare_cached("SELECT id FROM line WHERE met = ?1 AND met <> 0")?;
        let lines = query.query_map([number], |row| Ok(LineId(row.get(0)?)))?;
        Ok(lines.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the lines of some source listings that other apps brought in since a moment.
    pub fn brought_in(&self, sources: &[ListingId], since: Timestamp) -> Result<Vec<Line>> {
        let sql = format!(
            "{SELECT} WHERE line.listing IN (SELECT value FROM json_each(?1)) AND line.origin IS NOT NULL
                AND line.own = 1 AND line.placed >= ?2 ORDER BY line.id"
        );
        self.lines(&sql, params![numbers(sources.iter().map(|id| id.0)), ms(since)])
    }

    /// Returns the last lines of a channel of which is known what they met on the source, the newest first: since the
    /// owner last said that no other app brings them in.
    pub fn last_weighed(&self, channel: &ChannelName) -> Result<Vec<Line>> {
        let sql = format!(
            "{SELECT} WHERE line.channel = ?1 AND line.met IS NOT NULL AND line.placed > coalesce(
                (SELECT max(placed) FROM line WHERE channel = ?1 AND asked = 'another_app'), -1)
            ORDER BY line.placed DESC, line.id DESC LIMIT ?2"
        );
        self.lines(&sql, params![self.channel_id(channel)?, i64::try_from(LAST_LINES).unwrap_or(i64::MAX)])
    }

    /// Returns the most lines that a channel sold on a day, these left out.
    pub fn busiest_day(&self, channel: &ChannelName, but: &[LineId]) -> Result<usize> {
        let sql = "SELECT coalesce(max(lines), 0) FROM (SELECT count(*) AS lines FROM line
            WHERE channel = ?1 AND counts = 1 AND id NOT IN (SELECT value FROM json_each(?2))
            GROUP BY placed / 86400000)";
        let but = numbers(but.iter().map(|id| id.0));
        let most: i64 = self.connection.query_row(sql, params![self.channel_id(channel)?, but], |row| row.get(0))?;
        Ok(usize::try_from(most).unwrap_or(usize::MAX))
    }
}
