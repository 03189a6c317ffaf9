//! The journal: calls and intents, stored before they go out and closed by proof.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::value::{from_json, from_word, get, json, maybe_moment, moment, ms, numbers, word};
use super::{Result, StoreError, Tx};
use crate::domain::settle::{Evidence, Goal};
use crate::domain::{
    Act, CallId, ChannelName, Delta, Intent, IntentId, IntentState, Level, LineId, ListingId, Portion, StoredCall,
};

/// A stored call some of whose intents are not closed.
#[derive(Clone, Debug)]
pub struct OpenCall {
    /// Its number.
    pub id: CallId,
    /// What was stored.
    pub stored: StoredCall,
    /// When, by the channel's clock.
    pub opened: Timestamp,
    /// All its intents, by their place in it.
    pub intents: Vec<Intent>,
}

/// Under this and a listing's number stands what its platform lost.
const LOST: &str = "lost:";
/// Under this and a listing's number stands that readings of it were passed over.
const UNREAD: &str = "unread:";

/// Under this and an intent's number stands the first reading after its answer was lost.
const EVIDENCE: &str = "evidence:";

/// Under this and an intent's number stands what it ran over, if it was applied.
const RUN_OVER: &str = "run-over:";

/// Under this and a listing's number stand its last goals.
const GOAL: &str = "goals:";

/// Goals of a listing that are kept: more than are written while an order may be late.
const GOALS: usize = 8;

const UNFINISHED: &str = "state IN ('open', 'in_doubt')";

impl Tx<'_> {
    /// Stores a call with its intents, in the order in which they stand in it.
    pub fn open_call(
        &self,
        channel: &ChannelName,
        call: &StoredCall,
        opened: Timestamp,
        acts: &[(ListingId, Act)],
    ) -> Result<(CallId, Vec<IntentId>)> {
        let sql = "INSERT INTO call (channel, key, body, opened) VALUES (?1, ?2, ?3, ?4) RETURNING id";
        let channel = self.channel_id(channel)?;
        let id: i64 = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![channel, call.key, call.body, ms(opened)], |row| row.get(0))?;
        let intents = acts.iter().enumerate().map(|(position, (listing, act))| {
            self.insert_intent(*listing, act, Some(id), i64::try_from(position).unwrap_or(i64::MAX), opened)
        });
        Ok((CallId(id), intents.collect::<Result<_>>()?))
    }

    /// Stores an intent that has no call: it is looked up rather than repeated (X8).
    pub fn open_intent(&self, listing: ListingId, act: &Act, opened: Timestamp) -> Result<IntentId> {
        self.insert_intent(listing, act, None, 0, opened)
    }

    fn insert_intent(
        &self,
        listing: ListingId,
        act: &Act,
        call: Option<i64>,
        position: i64,
        opened: Timestamp,
    ) -> Result<IntentId> {
        let (name, delta, before, former) = match act {
            Act::Adjust { delta, before, .. } => ("adjust", Some(delta.0), Some(before.0), None),
            Act::Hide { former } => ("hide", None, None, Some(former)),
            Act::End { former } => ("end", None, None, Some(former)),
            Act::Show { former } => ("show", None, None, Some(former)),
        };
        let sql = "INSERT INTO intent (listing, act, delta, before, former, call, position, opened, state)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open') RETURNING id";
        let id: i64 = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![listing.0, name, delta, before, former, call, position, ms(opened)], |row| row.get(0))?;
        if let Act::Adjust { lines, .. } = act {
            let sql = "INSERT INTO intent_line (intent, nth, line, units) VALUES (?1, ?2, ?3, ?4)";
            let mut insert = self.connection.prepare_cached(sql)?;
            for (nth, (line, units)) in (0_i64..).zip(lines) {
                insert.execute(params![id, nth, line.0, units])?;
            }
        }
        Ok(IntentId(id))
    }

    /// Keeps at which places an adjustment takes off and gives back the units of its lines (L1).
    pub fn keep_portions(&self, intent: IntentId, portions: &[Portion]) -> Result<()> {
        let sql = "INSERT INTO portion (intent, line, place, units) VALUES (?1, ?2, ?3, ?4)";
        let mut insert = self.connection.prepare_cached(sql)?;
        for Portion { line, place, units } in portions {
            insert.execute(params![intent.0, line.0, place, units])?;
        }
        Ok(())
    }

    /// Returns where the units of lines were taken off one source listing, less what was given back there since (L1).
    pub(super) fn took(&self, source: ListingId, lines: impl IntoIterator<Item = LineId>) -> Result<Vec<Portion>> {
        let sql = "SELECT portion.line, portion.place, sum(portion.units) FROM portion
                JOIN intent ON intent.id = portion.intent
            WHERE portion.line IN (SELECT value FROM json_each(?2)) AND intent.listing = ?1 AND intent.state = 'applied'
            GROUP BY portion.line, portion.place HAVING sum(portion.units) > 0 ORDER BY portion.line, portion.place";
        let mut query = self.connection.prepare_cached(sql)?;
        let lines = numbers(lines.into_iter().map(|line| line.0));
        let portions = query.query_map(params![source.0, lines], |row| {
            Ok(Portion { line: LineId(row.get(0)?), place: row.get(1)?, units: row.get(2)? })
        })?;
        Ok(portions.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the calls to a channel that have an intent which is not closed, oldest first.
    pub fn unfinished_calls(&self, channel: &ChannelName) -> Result<Vec<OpenCall>> {
        let sql = format!(
            "SELECT id, key, body, opened FROM call WHERE channel = ?1
                AND id IN (SELECT call FROM intent WHERE {UNFINISHED}) ORDER BY id"
        );
        let mut query = self.connection.prepare_cached(&sql)?;
        let mut rows = query.query([self.channel_id(channel)?])?;
        let mut calls = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            calls.push(OpenCall {
                id: CallId(id),
                stored: StoredCall { key: row.get(1)?, body: row.get(2)? },
                opened: moment(row.get(3)?)?,
                intents: self.intents("SELECT * FROM intent WHERE call = ?1 ORDER BY position", [id])?,
            });
        }
        Ok(calls)
    }

    /// Tells whether a stored call has an intent of which nobody knows yet whether it was done.
    pub fn is_open(&self, call: CallId) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM intent WHERE call = ?1 AND state = 'open')";
        Ok(self.connection.prepare_cached(sql)?.query_row([call.0], |row| row.get(0))?)
    }

    /// Notes when the open intents of a call were last sent; returns when they had been before.
    pub fn note_sent(&self, call: CallId, when: Timestamp) -> Result<Option<Timestamp>> {
        let sql = "SELECT max(coalesce(sent, opened)) FROM intent WHERE call = ?1 AND state = 'open'";
        let before = self.connection.prepare_cached(sql)?.query_row([call.0], |row| row.get(0))?;
        let sql = "UPDATE intent SET sent = ?2 WHERE call = ?1 AND state = 'open'";
        self.connection.prepare_cached(sql)?.execute(params![call.0, ms(when)])?;
        maybe_moment(before)
    }

    /// Returns all intents that are open or in doubt, by number.
    pub fn unfinished_intents(&self) -> Result<Vec<Intent>> {
        self.intents(&format!("SELECT * FROM intent WHERE {UNFINISHED} ORDER BY id"), [])
    }

    /// Returns the intents of a listing that are open or in doubt, by number.
    pub fn unfinished_of(&self, listing: ListingId) -> Result<Vec<Intent>> {
        self.intents(&format!("SELECT * FROM intent WHERE {UNFINISHED} AND listing = ?1 ORDER BY id"), [listing.0])
    }

    /// Returns an intent.
    pub fn intent(&self, id: IntentId) -> Result<Option<Intent>> {
        Ok(self.intents("SELECT * FROM intent WHERE id = ?1", [id.0])?.pop())
    }

    /// Closes an intent, or puts it in doubt, with the proof in words.
    pub fn close_intent(&self, id: IntentId, state: IntentState, when: Timestamp, proof: &str) -> Result<()> {
        let sql = "UPDATE intent SET state = ?2, closed = ?3, proof = ?4 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id.0, word(&state)?, ms(when), proof])?;
        self.forget_meta(&format!("{EVIDENCE}{}", id.0))
    }

    /// Returns why an intent was closed, or is in doubt, in words.
    pub fn proof(&self, id: IntentId) -> Result<Option<String>> {
        let mut query = self.connection.prepare_cached("SELECT proof FROM intent WHERE id = ?1")?;
        Ok(query.query_row([id.0], |row| row.get(0)).optional()?.flatten())
    }

    /// Keeps the first reading of a listing after an adjustment of it was left without an answer (X6).
    pub fn keep_evidence(&self, id: IntentId, seen: Evidence) -> Result<()> {
        self.set_meta(
            &format!("{EVIDENCE}{}", id.0),
            &json(&(seen.level.0, ms(seen.begun), ms(seen.done), seen.counter))?,
        )
    }

    /// Returns the first reading of a listing after an adjustment of it was left without an answer.
    pub fn evidence(&self, id: IntentId) -> Result<Option<Evidence>> {
        let Some(kept) = self.meta(&format!("{EVIDENCE}{}", id.0))? else { return Ok(None) };
        let kept: Vec<Option<i64>> = from_json(&kept)?;
        let [Some(level), Some(begun), Some(done), ref counter @ ..] = kept[..] else { return Ok(None) };
        let counter = counter.first().copied().flatten();
        Ok(Some(Evidence { level: Level(level), begun: moment(begun)?, done: moment(done)?, counter }))
    }

    /// Keeps what an adjustment in doubt ran over of the source's own sales, if it was applied (X3).
    pub fn keep_run_over(&self, id: IntentId, units: i64) -> Result<()> {
        self.set_meta(&format!("{RUN_OVER}{}", id.0), &units.to_string())
    }

    /// Returns what an adjustment in doubt ran over, if it was applied, and forgets it.
    pub fn take_run_over(&self, id: IntentId) -> Result<i64> {
        let key = format!("{RUN_OVER}{}", id.0);
        let kept = self.meta(&key)?.map(|text| number(&text)).transpose()?;
        self.forget_meta(&key)?;
        Ok(kept.unwrap_or_default())
    }

    /// Notes that a listing of the source is to be read before anything is taken off it: while it was in doubt, readings of
    /// it were passed over (X6).
    pub fn note_unread(&self, listing: ListingId) -> Result<()> {
        self.set_meta(&format!("{UNREAD}{}", listing.0), "")
    }

    /// Returns the listings of the source that are to be read.
    pub fn unread(&self) -> Result<Vec<ListingId>> {
        self.metas(UNREAD)?.into_iter().map(|(listing, _)| Ok(ListingId(number(&listing)?))).collect()
    }

    /// Notes that a listing was read.
    pub fn forget_unread(&self, listing: ListingId) -> Result<()> {
        self.forget_meta(&format!("{UNREAD}{}", listing.0))
    }

    /// Remembers what a listing's platform lost, until it is sent once more (X4); nothing, where that is zero.
    fn set_lost(&self, listing: ListingId, delta: Delta) -> Result<()> {
        let key = format!("{LOST}{}", listing.0);
        if delta.is_zero() { self.forget_meta(&key) } else { self.set_meta(&key, &delta.0.to_string()) }
    }

    /// Notes that more of a listing was lost, or, with the opposite sign, that it is sent once more.
    pub fn add_lost(&self, listing: ListingId, delta: Delta) -> Result<()> {
        let kept = self.meta(&format!("{LOST}{}", listing.0))?;
        let before = kept.map(|text| number(&text)).transpose()?.unwrap_or_default();
        self.set_lost(listing, Delta(before.saturating_add(delta.0)))
    }

    /// Keeps between which readings a goal of a listing was written, and what the second shows less than was written.
    pub fn keep_goal(&self, listing: ListingId, goal: Goal) -> Result<()> {
        let mut goals = self.goals(listing)?;
        goals.push(goals.last().map_or(goal, |last| goal.after(last)));
        let kept = goals.split_off(goals.len().saturating_sub(GOALS));
        self.save_goals(listing, &kept)
    }

    /// Returns the last goals of a listing, oldest first.
    pub fn goals(&self, listing: ListingId) -> Result<Vec<Goal>> {
        let Some(kept) = self.meta(&format!("{GOAL}{}", listing.0))? else { return Ok(Vec::new()) };
        let goal = |(from, until, fell)| Ok(Goal { from: moment(from)?, until: moment(until)?, fell });
        from_json::<Vec<(i64, i64, i64)>>(&kept)?.into_iter().map(goal).collect()
    }

    /// Keeps the last goals of a listing as they are now.
    pub fn save_goals(&self, listing: ListingId, goals: &[Goal]) -> Result<()> {
        let plain: Vec<_> = goals.iter().map(|goal| (ms(goal.from), ms(goal.until), goal.fell)).collect();
        self.set_meta(&format!("{GOAL}{}", listing.0), &json(&plain)?)
    }

    /// Returns what platforms lost and what is still to be sent once more, by the listing's number.
    pub(super) fn lost(&self) -> Result<BTreeMap<i64, Delta>> {
        let kept = self.metas(LOST)?.into_iter();
        kept.map(|(listing, delta)| Ok((number(&listing)?, Delta(number(&delta)?)))).collect()
    }

    pub(super) fn unfinished_of_all(&self, listings: impl IntoIterator<Item = i64>) -> Result<Vec<Intent>> {
        let sql = format!(
            "SELECT * FROM intent WHERE {UNFINISHED} AND listing IN (SELECT value FROM json_each(?1)) ORDER BY id"
        );
        self.intents(&sql, [numbers(listings)])
    }

    fn intents(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Intent>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(self.intent_in(row)?);
        }
        Ok(found)
    }

    fn intent_in(&self, row: &Row<'_>) -> Result<Intent> {
        let id: i64 = get(row, "id")?;
        let former = || get::<String>(row, "former");
        let act = match get::<String>(row, "act")?.as_str() {
            "adjust" => Act::Adjust {
                delta: Delta(get(row, "delta")?),
                before: Level(get(row, "before")?),
                lines: self.intent_lines(id)?,
            },
            "hide" => Act::Hide { former: former()? },
            "end" => Act::End { former: former()? },
            "show" => Act::Show { former: former()? },
            other => return Err(StoreError::unreadable(format!("the act {other:?}"))),
        };
        Ok(Intent {
            id: IntentId(id),
            listing: ListingId(get(row, "listing")?),
            act,
            call: get::<Option<i64>>(row, "call")?.map(CallId),
            position: usize::try_from(get::<i64>(row, "position")?).unwrap_or_default(),
            opened: moment(get(row, "opened")?)?,
            sent: moment(get::<Option<i64>>(row, "sent")?.map_or_else(|| get(row, "opened"), Ok)?)?,
            state: from_word(&get::<String>(row, "state")?)?,
        })
    }

    fn intent_lines(&self, id: i64) -> Result<Vec<(LineId, i64)>> {
        let sql = "SELECT line, units FROM intent_line WHERE intent = ?1 ORDER BY nth";
        let mut query = self.connection.prepare_cached(sql)?;
        let rows = query.query_map([id], |row| Ok((LineId(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Reads a number that is kept as text.
fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| StoreError::unreadable(format!("the number {text:?}")))
}
