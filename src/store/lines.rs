//! Sold lines and what they owe.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::value::{channel_name, from_word, get, maybe_moment, moment, ms, numbers, sku, word};
use super::{Result, Tx};
use crate::domain::held::Met;
use crate::domain::{ChannelName, Held, Line, LineHold, LineId, LineKey, LinkId, ListingId, MovementId, Share, Sku};

pub(super) const SELECT: &str =
    "SELECT line.*, channel.name AS channel_name FROM line JOIN channel ON channel.id = line.channel";

impl Tx<'_> {
    /// Returns a line by its lasting id.
    pub fn line(&self, channel: &ChannelName, key: &LineKey) -> Result<Option<Line>> {
        let sql = format!("{SELECT} WHERE channel.name = ?1 AND line.key = ?2");
        Ok(self.lines(&sql, [channel.as_str(), key.0.as_str()])?.pop())
    }

    /// Returns a line by its number.
    pub fn line_by_id(&self, id: LineId) -> Result<Option<Line>> {
        Ok(self.lines(&format!("{SELECT} WHERE line.id = ?1"), [id.0])?.pop())
    }

    /// Stores a line; one that was never stored gets its number.
    pub fn save_line(&self, line: &mut Line) -> Result<LineId> {
        let sql = "INSERT INTO line (channel, key, order_no, sku, listing, link, placed, taken, baseline, counts,
                shipped, held, contained, own, unfinished, restock, held_since, asked, met, returned, origin, also,
                unsaid)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                ?23)
            ON CONFLICT (channel, key) DO UPDATE SET order_no = ?3, taken = ?8, baseline = ?9, counts = ?10,
                shipped = ?11, held = ?12, contained = ?13, unfinished = ?15, held_since = ?17, asked = ?18, met = ?19,
                returned = ?20, origin = ?21, also = ?22, unsaid = ?23 RETURNING id";
        let own = line.link.is_none() && line.counts && line.listing.is_some();
        let held = line.held.map(|held| word(&held.why)).transpose()?;
        let id: i64 = self.connection.prepare_cached(sql)?.query_row(
            params![
                self.channel_id(&line.channel)?,
                line.key.0,
                line.order,
                line.sku.as_ref().map(Sku::as_str),
                line.listing.map(|id| id.0),
                line.link.map(|id| id.0),
                ms(line.placed),
                line.taken,
                line.baseline,
                line.counts,
                line.shipped,
                held,
                line.contained,
                own,
                line.unfinished,
                word(&line.restock)?,
                line.held.map(|held| ms(held.since)),
                line.asked.as_ref().map(word).transpose()?,
                line.met.map(met_number),
                line.returned.map(ms),
                line.origin,
                (!line.also.is_empty()).then(|| line.also.join("\n")),
                line.unsaid,
            ],
            |row| row.get(0),
        )?;
        let sql = "INSERT INTO share (line, source, units, owed, applied) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (line, source) DO UPDATE SET owed = ?4, applied = ?5";
        let mut save = self.connection.prepare_cached(sql)?;
        for share in &line.shares {
            save.execute(params![id, share.source.0, share.units, line.owed(share), share.applied])?;
        }
        line.id = Some(LineId(id));
        Ok(LineId(id))
    }

    /// Returns the source's own lines of a listing that its readings do not contain yet, or may not, by number.
    pub fn own_lines(&self, source: ListingId) -> Result<Vec<Line>> {
        self.own_of([source.0])
    }

    /// Tells whether the source itself sold of a listing since a moment, whatever became of it.
    pub fn sold_since(&self, source: ListingId, since: Timestamp) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM line WHERE own = 1 AND listing = ?1 AND placed >= ?2)";
        Ok(self.connection.prepare_cached(sql)?.query_row(params![source.0, ms(since)], |row| row.get(0))?)
    }

    /// Returns the linked listings of the source with own lines that no reading is known to contain.
    pub fn listings_with_unseen_sales(&self, source: &ChannelName) -> Result<Vec<ListingId>> {
        let sql = "SELECT DISTINCT line.listing FROM line
            JOIN listing ON listing.id = line.listing JOIN channel ON channel.id = listing.channel
            WHERE line.own = 1 AND line.taken <> line.contained AND listing.linked > 0 AND channel.name = ?1";
        let mut query = self.connection.prepare_cached(sql)?;
        let ids = query.query_map([source.as_str()], |row| row.get(0).map(ListingId))?;
        Ok(ids.collect::<std::result::Result<_, _>>()?)
    }

    /// Returns the lines that are not held and still owe something to a source listing, by number.
    pub fn owing_lines(&self) -> Result<Vec<Line>> {
        let sql = format!(
            "{SELECT} WHERE line.held IS NULL AND line.id IN (SELECT line FROM share WHERE owed <> applied) ORDER BY line.id"
        );
        self.lines(&sql, [])
    }

    /// Returns the lines that owe something to one source listing, held or not, by number.
    pub fn lines_owing(&self, source: ListingId) -> Result<Vec<Line>> {
        self.owing_to([source.0])
    }

    /// Lets lines owe to another source listing what they owe to one that is gone, and be given back by it (L2).
    pub fn move_shares(&self, gone: ListingId, to: ListingId) -> Result<()> {
        let sql = "UPDATE OR IGNORE share SET source = ?2 WHERE source = ?1";
        self.connection.prepare_cached(sql)?.execute([gone.0, to.0])?;
        Ok(())
    }

    /// Counts the units of the lines that are tied by a link and were placed since a moment, whatever became of them.
    pub fn sold_by_link(&self, link: LinkId, since: Timestamp) -> Result<i64> {
        let sql = "SELECT coalesce(sum(taken), 0) FROM line WHERE link = ?1 AND placed >= ?2";
        Ok(self.connection.prepare_cached(sql)?.query_row(params![link.0, ms(since)], |row| row.get(0))?)
    }

    /// Returns the lines that wait for the owner, by number.
    pub fn held_lines(&self, channel: Option<&ChannelName>) -> Result<Vec<Line>> {
        let sql =
            format!("{SELECT} WHERE line.held IS NOT NULL AND (?1 IS NULL OR channel.name = ?1) ORDER BY line.id");
        self.lines(&sql, [channel.map(ChannelName::as_str)])
    }

    /// Returns the listings of a channel of which is still to be found out whether they are gone, since lines that are
    /// tied to them wait for that (L2).
    pub fn perhaps_relisted(&self, channel: &ChannelName) -> Result<Vec<ListingId>> {
        let sql = "SELECT DISTINCT listing.id FROM line JOIN channel ON channel.id = line.channel
            JOIN link ON link.id = line.link JOIN listing ON listing.id = link.listing
            WHERE channel.name = ?1 AND line.held = ?2 AND link.closed IS NULL AND listing.gone IS NULL
            ORDER BY listing.id";
        self.ids(sql, params![channel.as_str(), word(&LineHold::Relisted)?])
    }

    /// Lets the lines that owe something wait for the owner, whatever they wait for already, of one channel or of all;
    /// returns the source listings that they owe to.
    pub fn hold_owing_lines(&self, channel: Option<&ChannelName>, held: Held) -> Result<Vec<ListingId>> {
        let owing = "SELECT share.source FROM share JOIN line ON line.id = share.line
            JOIN channel ON channel.id = line.channel WHERE share.owed <> share.applied AND line.held IS NOT ?2
                AND (?1 IS NULL OR channel.name = ?1)";
        let channel = channel.map(ChannelName::as_str);
        let why = word(&held.why)?;
        let sources = self.ids(owing, params![channel, why])?;
        let sql = "UPDATE line SET held = ?2, held_since = ?3 WHERE held IS NOT ?2
            AND (?1 IS NULL OR channel = (SELECT id FROM channel WHERE name = ?1))
            AND id IN (SELECT line FROM share WHERE owed <> applied)";
        self.connection.prepare_cached(sql)?.execute(params![channel, why, ms(held.since)])?;
        Ok(sources)
    }

    /// Returns the lines of a channel that were not finished when their links were made, by number.
    pub fn unfinished_lines(&self, channel: &ChannelName) -> Result<Vec<Line>> {
        let sql = format!("{SELECT} WHERE channel.name = ?1 AND line.unfinished = 1 ORDER BY line.id");
        self.lines(&sql, [channel.as_str()])
    }

    pub(super) fn owing_to(&self, sources: impl IntoIterator<Item = i64>) -> Result<Vec<Line>> {
        let sql = format!(
            "{SELECT} WHERE line.id IN (SELECT line FROM share WHERE owed <> applied
                AND source IN (SELECT value FROM json_each(?1))) ORDER BY line.id"
        );
        self.lines(&sql, [numbers(sources)])
    }

    pub(super) fn own_of(&self, sources: impl IntoIterator<Item = i64>) -> Result<Vec<Line>> {
        let sql = format!(
            "{SELECT} WHERE line.own = 1 AND (line.taken <> line.contained OR line.unsaid <> 0)
                AND line.listing IN (SELECT value FROM json_each(?1)) ORDER BY line.id"
        );
        self.lines(&sql, [numbers(sources)])
    }

    pub(super) fn lines(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Line>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            lines.push(line(row)?);
        }
        let ids = lines.iter().filter_map(|line| line.id).map(|id| id.0);
        let mut shares = self.shares(ids)?;
        for line in &mut lines {
            line.shares = line.id.and_then(|id| shares.remove(&id.0)).unwrap_or_default();
        }
        Ok(lines)
    }

    fn shares(&self, lines: impl IntoIterator<Item = i64>) -> Result<BTreeMap<i64, Vec<Share>>> {
        let sql = "SELECT line, source, units, applied FROM share
            WHERE line IN (SELECT value FROM json_each(?1)) ORDER BY line, source";
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query([numbers(lines)])?;
        let mut shares = BTreeMap::<i64, Vec<Share>>::new();
        while let Some(row) = rows.next()? {
            let share = Share { source: ListingId(row.get(1)?), units: row.get(2)?, applied: row.get(3)? };
            shares.entry(row.get(0)?).or_default().push(share);
        }
        Ok(shares)
    }
}

fn line(row: &Row<'_>) -> Result<Line> {
    Ok(Line {
        id: Some(LineId(get(row, "id")?)),
        channel: channel_name(&get::<String>(row, "channel_name")?)?,
        key: LineKey(get(row, "key")?),
        order: get(row, "order_no")?,
        sku: sku(get(row, "sku")?),
        listing: get::<Option<i64>>(row, "listing")?.map(ListingId),
        link: get::<Option<i64>>(row, "link")?.map(LinkId),
        placed: moment(get(row, "placed")?)?,
        taken: get(row, "taken")?,
        baseline: get(row, "baseline")?,
        counts: get(row, "counts")?,
        unfinished: get(row, "unfinished")?,
        shipped: get(row, "shipped")?,
        restock: from_word(&get::<String>(row, "restock")?)?,
        also: get::<Option<String>>(row, "also")?
            .map_or_else(Vec::new, |also| also.lines().map(ToOwned::to_owned).collect()),
        origin: get(row, "origin")?,
        held: held(row)?,
        asked: get::<Option<String>>(row, "asked")?.map(|why| from_word(&why)).transpose()?,
        met: get::<Option<i64>>(row, "met")?.map(met),
        returned: maybe_moment(get(row, "returned")?)?,
        shares: Vec::new(),
        contained: get(row, "contained")?,
        unsaid: get(row, "unsaid")?,
    })
}

fn held(row: &Row<'_>) -> Result<Option<Held>> {
    let Some(why) = get::<Option<String>>(row, "held")? else { return Ok(None) };
    Ok(Some(Held { why: from_word(&why)?, since: moment(get(row, "held_since")?)? }))
}

fn met_number(met: Met) -> i64 {
    match met {
        Met::Nothing => 0,
        Met::Change(MovementId(id)) => id,
        Met::Brought(LineId(id)) => id.saturating_neg(),
    }
}

fn met(number: i64) -> Met {
    match number {
        0 => Met::Nothing,
        1.. => Met::Change(MovementId(number)),
        _ => Met::Brought(LineId(number.saturating_neg())),
    }
}
