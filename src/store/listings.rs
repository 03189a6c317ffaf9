//! Listings: what their channel said of them, what they show, and whether they wait to be planned.

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Row, params};

use super::value::{channel_name, from_json, json, maybe_moment, moment, ms, numbers};
use super::{Result, StoreError, Tx};
use crate::domain::plan::Doubt;
use crate::domain::{
    Ceiling, ChannelName, Hidden, Known, Level, Listing, ListingId, ListingKey, ListingRef, MovementId, Pushed,
    Quantity, Refusal, Seen, Shown, Sku,
};

/// Names the columns that [`known`] reads, once for the query and once for finding their places: the library finds a
/// column by comparing the names of all before it, row by row, and listings are what is read most.
macro_rules! columns {
    ($($column:literal),+) => {
        const COLUMNS: &[&str] = &[$($column,)+ "channel_name", "duplicate"];
        const SELECT: &str = concat!(
            "SELECT ", $("listing.", $column, ", ",)+ "channel.name AS channel_name, EXISTS (
                SELECT 1 FROM listing_sku AS own
                JOIN listing_sku AS other ON other.sku = own.sku AND other.listing <> own.listing
                JOIN listing AS twin ON twin.id = other.listing
                WHERE own.listing = listing.id AND listing.gone IS NULL AND twin.channel = listing.channel
                    AND twin.gone IS NULL
            ) AS duplicate
            FROM listing JOIN channel ON channel.id = listing.channel"
        );
    };
}

columns!(
    "id",
    "key",
    "facts",
    "level",
    "places",
    "begun",
    "done",
    "counter",
    "numberless",
    "gone",
    "shown_kind",
    "shown",
    "shown_least",
    "pushed",
    "pushed_at",
    "pushed_movement",
    "fitted",
    "ceiling",
    "ceiling_missing",
    "ceiling_until",
    "refusal",
    "refused",
    "refusal_showing",
    "refusal_mend",
    "refusal_tries",
    "refusal_next",
    "hidden",
    "hidden_ended",
    "owners_change",
    "ruled_anew",
    "counted",
    "sold"
);

impl Tx<'_> {
    /// Stores the facts of a scanned listing, not its quantity: that is a reading, and is taken in as one.
    pub fn put_listing(&self, channel: &ChannelName, listing: &Listing) -> Result<ListingId> {
        let facts = Listing { level: None, places: Vec::new(), counter: None, ..listing.clone() };
        let sql = "INSERT INTO listing (channel, key, facts) VALUES (?1, ?2, ?3)
            ON CONFLICT (channel, key) DO UPDATE SET facts = ?3 RETURNING id";
        let channel = self.channel_id(channel)?;
        let id: i64 = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![channel, listing.key.as_str(), json(&facts)?], |row| row.get(0))?;
        self.connection.prepare_cached("DELETE FROM listing_sku WHERE listing = ?1")?.execute([id])?;
        let mut insert = self.connection.prepare_cached("INSERT OR IGNORE INTO listing_sku VALUES (?1, ?2)")?;
        for sku in listing.skus() {
            insert.execute(params![id, sku.as_str()])?;
        }
        Ok(ListingId(id))
    }

    /// Returns all that is known of a listing.
    pub fn known(&self, id: ListingId) -> Result<Option<Known>> {
        self.one_known(&format!("{SELECT} WHERE listing.id = ?1"), [id.0])
    }

    /// Returns all that is known of a listing, by its key.
    pub fn known_at(&self, at: &ListingRef) -> Result<Option<Known>> {
        let sql = format!("{SELECT} WHERE channel.name = ?1 AND listing.key = ?2");
        self.one_known(&sql, [at.channel.as_str(), at.key.as_str()])
    }

    /// Returns all listings of a channel, by number.
    pub fn listings(&self, channel: &ChannelName) -> Result<Vec<Known>> {
        self.many_known(&format!("{SELECT} WHERE channel.name = ?1 ORDER BY listing.id"), [channel.as_str()])
    }

    /// Returns the listings that bear a SKU, on all channels, by number.
    pub fn listings_by_sku(&self, sku: &Sku) -> Result<Vec<Known>> {
        let sql = format!(
            "{SELECT} JOIN listing_sku ON listing_sku.listing = listing.id WHERE listing_sku.sku = ?1 ORDER BY listing.id"
        );
        self.many_known(&sql, [sku.as_str()])
    }

    /// Returns the linked listings whose platform refused the last write, by number.
    pub fn refused(&self) -> Result<Vec<Known>> {
        let sql = format!("{SELECT} WHERE listing.refusal IS NOT NULL AND listing.linked > 0 ORDER BY listing.id");
        self.many_known(&sql, [])
    }

    /// Counts the linked listings of a channel that do not follow, by reason.
    pub fn unfollowed(&self, channel: &ChannelName) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT listing.unfollowed, count(*) FROM listing JOIN channel ON channel.id = listing.channel
            WHERE channel.name = ?1 AND listing.unfollowed IS NOT NULL AND listing.linked > 0 GROUP BY 1 ORDER BY 1";
        let mut query = self.connection.prepare_cached(sql)?;
        let rows = query.query_map([channel.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the linked listings of a channel that do not follow for a reason, by number.
    pub fn unfollowing(&self, channel: &ChannelName, why: &str) -> Result<Vec<Known>> {
        let sql = format!(
            "{SELECT} WHERE channel.name = ?1 AND listing.unfollowed = ?2 AND listing.linked > 0 ORDER BY listing.id"
        );
        self.many_known(&sql, [channel.as_str(), why])
    }

    /// Notes why a listing does not follow, or that it does; tells whether that is new.
    pub fn note_unfollowed(&self, id: ListingId, why: Option<&str>) -> Result<bool> {
        let sql = "UPDATE listing SET unfollowed = ?2 WHERE id = ?1 AND unfollowed IS NOT ?2";
        Ok(self.connection.prepare_cached(sql)?.execute(params![id.0, why])? > 0)
    }

    /// Returns the listings of a channel that eys took out of sight, by number.
    pub fn hidden(&self, channel: &ChannelName) -> Result<Vec<Known>> {
        let sql = format!("{SELECT} WHERE channel.name = ?1 AND listing.hidden IS NOT NULL ORDER BY listing.id");
        self.many_known(&sql, [channel.as_str()])
    }

    /// Returns the linked listings of a channel whose number cannot be read, by number.
    pub fn numberless(&self, channel: &ChannelName) -> Result<Vec<Known>> {
        let sql = format!(
            "{SELECT} WHERE channel.name = ?1 AND listing.numberless IS NOT NULL AND listing.linked > 0 ORDER BY listing.id"
        );
        self.many_known(&sql, [channel.as_str()])
    }

    /// Notes why a listing does not show what it is offered, or that nothing keeps it from that.
    pub fn note_waits(&self, id: ListingId, why: Option<Doubt>) -> Result<()> {
        let sql = "UPDATE listing SET waits = ?2 WHERE id = ?1 AND waits IS NOT ?2";
        let why = why.as_ref().map(json).transpose()?;
        self.connection.prepare_cached(sql)?.execute(params![id.0, why])?;
        Ok(())
    }

    /// Returns why a listing does not show what it is offered, as the last run that planned it found.
    pub fn waits(&self, id: ListingId) -> Result<Option<Doubt>> {
        let mut query = self.connection.prepare_cached("SELECT waits FROM listing WHERE id = ?1")?;
        let why: Option<String> = query.query_row([id.0], |row| row.get(0))?;
        why.map(|why| from_json(&why)).transpose()
    }

    /// Returns the linked listings of a channel that wait, by number.
    pub fn waiting(&self, channel: &ChannelName) -> Result<Vec<Known>> {
        let sql = format!(
            "{SELECT} WHERE channel.name = ?1 AND listing.waits IS NOT NULL AND listing.linked > 0 ORDER BY listing.id"
        );
        self.many_known(&sql, [channel.as_str()])
    }

    /// Returns the linked listings of a channel whose missing units are waited for at a moment, by number.
    pub fn missing(&self, channel: &ChannelName, now: Timestamp) -> Result<Vec<Known>> {
        let sql = format!(
            "{SELECT} WHERE channel.name = ?1 AND ?2 < listing.ceiling_until AND listing.linked > 0 ORDER BY listing.id"
        );
        self.many_known(&sql, params![channel.as_str(), ms(now)])
    }

    /// Returns the linked listings of a channel that hold so many units or fewer, the fewest first.
    pub fn low(&self, channel: &ChannelName, most: i64) -> Result<Vec<Known>> {
        let sql = format!(
            "{SELECT} WHERE channel.name = ?1 AND listing.linked > 0 AND listing.level <= ?2
            ORDER BY listing.level, listing.id"
        );
        self.many_known(&sql, params![channel.as_str(), most])
    }

    /// Returns what is known of several listings, by number.
    pub(super) fn known_of(&self, ids: impl IntoIterator<Item = i64>) -> Result<Vec<Known>> {
        let sql = format!("{SELECT} WHERE listing.id IN (SELECT value FROM json_each(?1)) ORDER BY listing.id");
        self.many_known(&sql, [numbers(ids)])
    }

    fn one_known(&self, sql: &str, params: impl rusqlite::Params) -> Result<Option<Known>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        rows.next()?.map(known).transpose()
    }

    fn many_known(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Known>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(known(row)?);
        }
        Ok(found)
    }

    /// Returns the other listings that stand under the same item of their channel.
    pub fn of_item(&self, known: &Known) -> Result<Vec<Known>> {
        let Some(item) = &known.listing.item else { return Ok(Vec::new()) };
        let here = "WHERE listing.channel = (SELECT channel FROM listing WHERE id = ?1) AND listing.id <> ?1
                AND json_extract(listing.facts, '$.item') = ?2";
        self.many_known(&format!("{SELECT} {here}"), params![known.id.0, item])
    }

    /// Tells whether something else under the item of a listing was adjusted since a moment.
    pub fn adjusted_beside(&self, known: &Known, since: Timestamp) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM intent WHERE listing = ?1 AND act = 'adjust'
            AND state <> 'not_applied' AND coalesce(sent, opened) >= ?2)";
        let mut adjusted = self.connection.prepare_cached(sql)?;
        for other in self.of_item(known)? {
            if adjusted.query_row(params![other.id.0, ms(since)], |row| row.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Stores all that can change about a listing between two scans.
    pub fn save_known(&self, known: &Known) -> Result<()> {
        let sql = "UPDATE listing SET level = ?2, places = ?3, begun = ?4, gone = ?5, shown_kind = ?6, shown = ?7,
                pushed = ?8, pushed_at = ?9, pushed_movement = ?10, ceiling = ?11, ceiling_missing = ?12,
                ceiling_until = ?13, refusal = ?14, refused = ?15, refusal_tries = ?16, refusal_next = ?17,
                hidden = ?18, hidden_ended = ?19, owners_change = ?20, sold = ?21, counter = ?22,
                counted = ?23, done = ?24, shown_least = ?25, numberless = ?26,
                refusal_showing = ?27, refusal_mend = ?28,
                read = max(read, coalesce(?4, 0)) WHERE id = ?1";
        let (kind, shown, least) = match known.shown {
            Shown::Exactly(level) => ("exactly", Some(level.0), None),
            Shown::AtMost { most, least } => ("at_most", Some(most.0), Some(least.0)),
            Shown::AtLeast(least) => ("unknown", None, Some(least.0)),
            Shown::Unknown => ("unknown", None, None),
        };
        let ceiling = known.ceiling.as_ref();
        let refusal = known.refusal.as_ref();
        self.connection.prepare_cached(sql)?.execute(params![
            known.id.0,
            known.reading.map(|seen| seen.level.0),
            json(&known.listing.places)?,
            known.reading.map(|seen| ms(seen.begun)),
            known.gone.map(ms),
            kind,
            shown,
            known.pushed.map(|pushed| pushed.quantity.units()),
            known.pushed.map(|pushed| ms(pushed.at)),
            known.pushed.map(|pushed| pushed.movement.0),
            ceiling.map(|ceiling| ceiling.most.units()),
            ceiling.map(|ceiling| ceiling.missing),
            ceiling.map(|ceiling| ms(ceiling.until)),
            refusal.map(|refusal| refusal.words.as_str()),
            refusal.map(|refusal| refusal.quantity.units()),
            refusal.map(|refusal| refusal.tries),
            refusal.map(|refusal| ms(refusal.next)),
            known.hidden.as_ref().map(|hidden| hidden.former.as_str()),
            known.hidden.as_ref().map(|hidden| hidden.ended),
            known.owners_change.map(|movement| movement.0),
            known.sold,
            known.reading.and_then(|seen| seen.counter),
            known.counted.as_ref().map(json).transpose()?,
            known.reading.map(|seen| ms(seen.done)),
            least,
            known.numberless.map(ms),
            refusal.is_some_and(|refusal| refusal.showing),
            refusal.and_then(|refusal| refusal.mend.as_deref()),
        ])?;
        Ok(())
    }

    /// Notes that a listing shows just what it is offered, after all that stands in the ledger by now.
    pub fn note_fitted(&self, id: ListingId) -> Result<()> {
        let sql = "UPDATE listing SET fitted = (SELECT coalesce(max(id), 0) FROM movement) WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute([id.0])?;
        self.note_ruled(id)
    }

    /// Notes that a listing shows what the rules and the recipe of now make of it, or that its owner lets it.
    pub fn note_ruled(&self, id: ListingId) -> Result<()> {
        let sql = "UPDATE listing SET ruled_anew = 0 WHERE id = ?1 AND ruled_anew = 1";
        self.connection.prepare_cached(sql)?.execute([id.0])?;
        Ok(())
    }

    /// Notes that the rules of a channel changed: its linked listings are planned anew, in this run or the next, and
    /// whatever moves them until they were right once is that change (H1).
    pub fn rule_anew(&self, channel: &ChannelName) -> Result<()> {
        let sql = "UPDATE listing SET ruled_anew = 1, dirty = 1 WHERE channel = ?1 AND linked > 0";
        self.connection.prepare_cached(sql)?.execute([self.channel_id(channel)?])?;
        Ok(())
    }

    /// Lets what was refused on a channel be tried again at once, however long it would still wait (F5).
    pub fn refused_anew(&self, channel: &ChannelName) -> Result<()> {
        let sql = "UPDATE listing SET refusal_next = 0, dirty = 1 WHERE channel = ?1 AND refusal IS NOT NULL";
        self.connection.prepare_cached(sql)?.execute([self.channel_id(channel)?])?;
        Ok(())
    }

    /// Notes that something changed about listings, so that they are planned, in this run or the next.
    pub fn mark_dirty(&self, ids: &[ListingId]) -> Result<()> {
        let mut mark = self.connection.prepare_cached("UPDATE listing SET dirty = 1 WHERE id = ?1 AND dirty = 0")?;
        ids.iter().try_for_each(|id| mark.execute([id.0]).map(|_| ()))?;
        Ok(())
    }

    /// Notes that listings were planned, and nothing is left to be done about them.
    pub fn clear_dirty(&self, ids: &[ListingId]) -> Result<()> {
        let mut clear = self.connection.prepare_cached("UPDATE listing SET dirty = 0 WHERE id = ?1 AND dirty = 1")?;
        ids.iter().try_for_each(|id| clear.execute([id.0]).map(|_| ()))?;
        Ok(())
    }

    /// Returns the listings that wait to be planned.
    pub fn dirty(&self) -> Result<Vec<ListingId>> {
        self.ids("SELECT id FROM listing WHERE dirty = 1 ORDER BY id", [])
    }

    /// Returns the listings of a channel for which a wait is over: a ceiling ended, or a refusal may be tried again.
    pub fn overdue(&self, channel: &ChannelName, now: Timestamp) -> Result<Vec<ListingId>> {
        let sql = "SELECT id FROM listing WHERE channel = ?1 AND ceiling_until <= ?2
            UNION SELECT id FROM listing WHERE channel = ?1 AND refusal_next <= ?2 ORDER BY 1";
        self.ids(sql, [self.channel_id(channel)?, ms(now)])
    }

    /// Returns the linked listings of a channel, by number: of a target those with an open link, of the source those
    /// that are part of an open recipe.
    pub fn linked_keys(&self, channel: &ChannelName) -> Result<Vec<(ListingId, ListingKey)>> {
        let sql = "SELECT id, key FROM listing WHERE channel = ?1 AND linked > 0 ORDER BY id";
        self.keys(sql, [self.channel_id(channel)?])
    }

    /// Tells whether a listing is linked, or part of a recipe.
    pub fn is_linked(&self, id: ListingId) -> Result<bool> {
        let mut query = self.connection.prepare_cached("SELECT linked > 0 FROM listing WHERE id = ?1")?;
        Ok(query.query_row([id.0], |row| row.get(0))?)
    }

    pub(super) fn keys(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<(ListingId, ListingKey)>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let rows =
            query.query_map(params, |row| Ok((ListingId(row.get(0)?), ListingKey::new(row.get::<_, String>(1)?))))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn ids(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<ListingId>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let rows = query.query_map(params, |row| Ok(ListingId(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Reads a column of [`SELECT`].
fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T> {
    let place = COLUMNS.iter().position(|name| *name == column);
    Ok(row.get(place.ok_or_else(|| StoreError::unreadable(format!("the column {column}")))?)?)
}

fn known(row: &Row<'_>) -> Result<Known> {
    let level = get::<Option<i64>>(row, "level")?.map(Level);
    let moments = maybe_moment(get(row, "begun")?)?.zip(maybe_moment(get(row, "done")?)?);
    let counter: Option<i64> = get(row, "counter")?;
    let mut listing: Listing = from_json(&get::<String>(row, "facts")?)?;
    listing.level = level;
    listing.places = from_json(&get::<String>(row, "places")?)?;
    Ok(Known {
        id: ListingId(get(row, "id")?),
        at: ListingRef {
            channel: channel_name(&get::<String>(row, "channel_name")?)?,
            key: ListingKey::new(get::<String>(row, "key")?),
        },
        listing,
        reading: level.zip(moments).map(|(level, (begun, done))| Seen { level, begun, done, counter }),
        numberless: maybe_moment(get(row, "numberless")?)?,
        gone: maybe_moment(get(row, "gone")?)?,
        shown: shown(row)?,
        pushed: pushed(row)?,
        fitted: get::<Option<i64>>(row, "fitted")?.map(MovementId),
        ceiling: ceiling(row)?,
        refusal: refusal(row)?,
        hidden: get::<Option<String>>(row, "hidden")?
            .map(|former| Ok::<_, StoreError>(Hidden { ended: get(row, "hidden_ended")?, former }))
            .transpose()?,
        owners_change: get::<Option<i64>>(row, "owners_change")?.map(MovementId),
        ruled_anew: get(row, "ruled_anew")?,
        duplicate: get(row, "duplicate")?,
        counted: get::<Option<String>>(row, "counted")?.map(|kept| from_json(&kept)).transpose()?,
        sold: get(row, "sold")?,
    })
}

fn shown(row: &Row<'_>) -> Result<Shown> {
    let level = get::<Option<i64>>(row, "shown")?.map(Level);
    let least = get::<Option<i64>>(row, "shown_least")?.map(Level);
    match (get::<String>(row, "shown_kind")?.as_str(), level, least) {
        ("exactly", Some(level), None) => Ok(Shown::Exactly(level)),
        ("at_most", Some(most), Some(least)) => Ok(Shown::AtMost { most, least }),
        ("unknown", None, Some(least)) => Ok(Shown::AtLeast(least)),
        ("unknown", None, None) => Ok(Shown::Unknown),
        (kind, level, _) => Err(StoreError::unreadable(format!("shown {kind} {level:?}"))),
    }
}

fn pushed(row: &Row<'_>) -> Result<Option<Pushed>> {
    let Some(units) = get::<Option<i64>>(row, "pushed")? else { return Ok(None) };
    let quantity = Quantity::at_least_zero(units);
    Ok(Some(Pushed {
        quantity,
        at: moment(get(row, "pushed_at")?)?,
        movement: MovementId(get(row, "pushed_movement")?),
    }))
}

fn ceiling(row: &Row<'_>) -> Result<Option<Ceiling>> {
    let Some(most) = get::<Option<i64>>(row, "ceiling")? else { return Ok(None) };
    let most = Quantity::at_least_zero(most);
    Ok(Some(Ceiling { most, missing: get(row, "ceiling_missing")?, until: moment(get(row, "ceiling_until")?)? }))
}

fn refusal(row: &Row<'_>) -> Result<Option<Refusal>> {
    let Some(words) = get::<Option<String>>(row, "refusal")? else { return Ok(None) };
    let quantity = Quantity::at_least_zero(get(row, "refused")?);
    Ok(Some(Refusal {
        words,
        quantity,
        showing: get(row, "refusal_showing")?,
        mend: get(row, "refusal_mend")?,
        tries: get(row, "refusal_tries")?,
        next: moment(get(row, "refusal_next")?)?,
    }))
}
