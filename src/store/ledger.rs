//! Runs and the ledger of movements, and single values that belong nowhere else.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::value::{from_word, get, maybe_moment, moment, ms, numbers, word};
use super::{Result, Tx};
use crate::domain::observe::later;
use crate::domain::{Changes, ChannelName, IntentId, Known, LineId, ListingId, Movement, MovementId, RunId, Why};

/// An entry of the ledger with its number and its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: MovementId,
    /// The run it was made in.
    pub run: RunId,
    /// What moved.
    pub movement: Movement,
}

/// A run as the state remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The command line.
    pub command: String,
    /// When it began, by this machine's clock.
    pub began: Timestamp,
    /// When it ended; `None` for one that was killed.
    pub ended: Option<Timestamp>,
    /// Its exit code.
    pub exit: Option<u8>,
    /// What it did, in a line.
    pub summary: Option<String>,
}

impl Tx<'_> {
    /// Writes an entry of the ledger.
    pub fn record(&self, run: RunId, movement: &Movement) -> Result<MovementId> {
        let sql = "INSERT INTO movement (run, listing, from_no, to_no, moment, why, line, intent, note)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id";
        let id = self.connection.prepare_cached(sql)?.query_row(
            params![
                run.0,
                movement.listing.0,
                movement.from,
                movement.to,
                ms(movement.when),
                word(&movement.why)?,
                movement.line.map(|id| id.0),
                movement.intent.map(|id| id.0),
                movement.note,
            ],
            |row| row.get(0),
        )?;
        Ok(MovementId(id))
    }

    /// Returns the latest entries about some listings, newest last.
    pub fn ledger(&self, listings: &[ListingId], most: usize) -> Result<Vec<Entry>> {
        let sql = "SELECT * FROM movement WHERE listing IN (SELECT value FROM json_each(?1)) ORDER BY id DESC LIMIT ?2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut entries = self.entries(sql, params![numbers(listings.iter().map(|id| id.0)), most])?;
        entries.reverse();
        Ok(entries)
    }

    /// Returns the entries of a run, newest last.
    pub fn ledger_of_run(&self, run: RunId) -> Result<Vec<Entry>> {
        self.entries("SELECT * FROM movement WHERE run = ?1 ORDER BY id", [run.0])
    }

    /// Returns an entry.
    pub fn movement(&self, id: MovementId) -> Result<Option<Movement>> {
        Ok(self.entries("SELECT * FROM movement WHERE id = ?1", [id.0])?.pop().map(|entry| entry.movement))
    }

    /// Counts the entries of one kind about a channel's listings since a moment of its clock.
    pub fn count_movements(&self, channel: &ChannelName, why: Why, since: Timestamp) -> Result<i64> {
        let sql = "SELECT count(*) FROM movement JOIN listing ON listing.id = movement.listing
            WHERE movement.why = ?2 AND movement.why IN ('zeroed', 'corrected') AND movement.moment >= ?3
                AND listing.channel = ?1";
        let channel = self.channel_id(channel)?;
        let mut query = self.connection.prepare_cached(sql)?;
        Ok(query.query_row(params![channel, word(&why)?, ms(since)], |row| row.get(0))?)
    }

    /// Tells whether the ledger says something of a line already, with the same units.
    pub fn told_of_line(&self, line: LineId, why: Why, units: i64) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM movement WHERE line = ?1 AND why = ?2 AND to_no = ?3)";
        let mut query = self.connection.prepare_cached(sql)?;
        Ok(query.query_row(params![line.0, word(&why)?, units], |row| row.get(0))?)
    }

    /// Counts the changes that we made within a day of a listing, and of all that stand under its item on its channel
    /// (H4). `day_ago` is by the channel's clock.
    pub fn revised(&self, listing: &Known, day_ago: Timestamp) -> Result<Changes> {
        let sql = "SELECT count(*), min(movement.moment) FROM listing JOIN movement ON movement.listing = listing.id
            WHERE listing.channel = ?1 AND (listing.id = ?2 OR json_extract(listing.facts, '$.item') = ?3)
                AND movement.moment > ?4
                AND movement.why IN ('pushed', 'zeroed', 'corrected', 'put_back', 'deducted', 'given_back')";
        let channel = self.channel_id(&listing.at.channel)?;
        let mut query = self.connection.prepare_cached(sql)?;
        let (made, oldest): (i64, Option<i64>) = query
            .query_row(params![channel, listing.id.0, listing.listing.item, ms(day_ago)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let frees = maybe_moment(oldest)?.map(|oldest| later(oldest, SignedDuration::from_hours(24)));
        Ok(Changes { made, frees })
    }

    /// Counts how often a listing was corrected since a moment of its channel's clock, and since the owner last released
    /// it (R4).
    pub fn corrections(&self, listing: ListingId, since: Timestamp) -> Result<i64> {
        let sql = "SELECT count(*) FROM movement WHERE listing = ?1 AND why = 'corrected' AND moment >= ?2
            AND id > coalesce((SELECT max(id) FROM movement WHERE listing = ?1 AND why = 'released'), 0)";
        let mut query = self.connection.prepare_cached(sql)?;
        Ok(query.query_row([listing.0, ms(since)], |row| row.get(0))?)
    }

    fn entries(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Entry>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(entry(row)?);
        }
        Ok(entries)
    }

    /// Begins a run.
    pub fn begin_run(&self, command: &str, at: Timestamp) -> Result<RunId> {
        let sql = "INSERT INTO run (command, began) VALUES (?1, ?2) RETURNING id";
        Ok(RunId(self.connection.prepare_cached(sql)?.query_row(params![command, ms(at)], |row| row.get(0))?))
    }

    /// Ends a run.
    pub fn end_run(&self, id: RunId, at: Timestamp, exit: u8, summary: &str) -> Result<()> {
        let sql = "UPDATE run SET ended = ?2, exit = ?3, summary = ?4 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id.0, ms(at), exit, summary])?;
        Ok(())
    }

    /// Returns the latest runs, newest first.
    pub fn runs(&self, most: usize) -> Result<Vec<Run>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.runs_by("SELECT * FROM run ORDER BY id DESC LIMIT ?1", [most])
    }

    /// Returns a run.
    pub fn run(&self, id: RunId) -> Result<Option<Run>> {
        Ok(self.runs_by("SELECT * FROM run WHERE id = ?1", [id.0])?.pop())
    }

    fn runs_by(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Run>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            runs.push(Run {
                id: RunId(get(row, "id")?),
                command: get(row, "command")?,
                began: moment(get(row, "began")?)?,
                ended: maybe_moment(get(row, "ended")?)?,
                exit: get(row, "exit")?,
                summary: get(row, "summary")?,
            });
        }
        Ok(runs)
    }

    /// Returns a single value.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        let mut query = self.connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Returns the values whose keys begin alike, with the rest of their keys.
    pub fn metas(&self, beginning: &str) -> Result<Vec<(String, String)>> {
        let sql =
            "SELECT substr(key, length(?1) + 1), value FROM meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key";
        let mut query = self.connection.prepare_cached(sql)?;
        let rows = query.query_map([beginning], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets a single value.
    pub fn forget_meta(&self, key: &str) -> Result<()> {
        self.connection.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key])?;
        Ok(())
    }

    /// Stores a single value.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        let sql = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
        self.connection.prepare_cached(sql)?.execute([key, value])?;
        Ok(())
    }
}

fn entry(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        id: MovementId(get(row, "id")?),
        run: RunId(get(row, "run")?),
        movement: Movement {
            listing: ListingId(get(row, "listing")?),
            from: get(row, "from_no")?,
            to: get(row, "to_no")?,
            when: moment(get(row, "moment")?)?,
            why: from_word(&get::<String>(row, "why")?)?,
            line: get::<Option<i64>>(row, "line")?.map(LineId),
            intent: get::<Option<i64>>(row, "intent")?.map(IntentId),
            note: get(row, "note")?,
        },
    })
}
