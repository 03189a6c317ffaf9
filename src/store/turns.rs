//! Whose turn it is to be read: the linked listings that show few units, by the age of their last reading (Y4).

use jiff::Timestamp;
use rusqlite::params;

use super::value::ms;
use super::{Result, Tx};
use crate::domain::turn::{Ages, FEW, Few};
use crate::domain::{ChannelName, ListingId, ListingKey};

/// Which listings show few units, or nobody knows how many. What is gone is found again by a scan.
fn few_units() -> String {
    format!("channel = ?1 AND linked > 0 AND gone IS NULL AND (shown_kind = 'unknown' OR shown <= {FEW})")
}

impl Tx<'_> {
    /// Notes that listings were read by their keys, whatever was found.
    pub fn note_read(&self, ids: &[ListingId], begun: Timestamp) -> Result<()> {
        let mut note = self.connection.prepare_cached("UPDATE listing SET read = ?2 WHERE id = ?1 AND read < ?2")?;
        ids.iter().try_for_each(|id| note.execute(params![id.0, ms(begun)]).map(|_| ()))?;
        Ok(())
    }

    /// Counts the linked listings of a channel that show few units: all, and those last read at a moment or before it.
    pub fn few(&self, channel: &ChannelName, ages: Ages) -> Result<Few> {
        let sql = format!(
            "SELECT count(*), coalesce(sum(read <= ?2), 0), coalesce(sum(read <= ?3), 0) FROM listing WHERE {}",
            few_units()
        );
        let mut query = self.connection.prepare_cached(&sql)?;
        let [all, ready, due] = query
            .query_row(params![self.channel_id(channel)?, ms(ages.ready), ms(ages.due)], |row| {
                Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?])
            })?
            .map(|count| usize::try_from(count).unwrap_or_default());
        Ok(Few { all, ready, due })
    }

    /// Returns so many of them, the oldest reading first.
    pub fn oldest_few(&self, channel: &ChannelName, most: usize) -> Result<Vec<(ListingId, ListingKey)>> {
        let sql = format!("SELECT id, key FROM listing WHERE {} ORDER BY read, id LIMIT ?2", few_units());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.keys(&sql, [self.channel_id(channel)?, most])
    }
}
