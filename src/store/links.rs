//! Links and their recipes. A link is opened and closed, never changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::value::{maybe_moment, moment, ms, numbers, sku};
use super::{Result, Tx};
use crate::domain::{ChannelName, Link, LinkId, ListingId, Part, Sku};

const SELECT: &str = "SELECT link.id, link.listing, link.sku, link.by_hand, link.active, link.closed,
        part.source, part.units
    FROM link JOIN part ON part.link = link.id";

impl Tx<'_> {
    /// Opens a link.
    pub fn open_link(
        &self,
        listing: ListingId,
        sku: Option<&Sku>,
        by_hand: bool,
        recipe: &[Part],
        active: Timestamp,
    ) -> Result<LinkId> {
        let sql = "INSERT INTO link (listing, sku, by_hand, active) VALUES (?1, ?2, ?3, ?4) RETURNING id";
        let id: i64 = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![listing.0, sku.map(Sku::as_str), by_hand, ms(active)], |row| row.get(0))?;
        let mut insert =
            self.connection.prepare_cached("INSERT INTO part (link, source, units) VALUES (?1, ?2, ?3)")?;
        for part in recipe {
            insert.execute(params![id, part.source.0, part.units])?;
        }
        self.count_link(id, 1)?;
        let sql = "UPDATE listing SET ruled_anew = 1 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute([listing.0])?;
        Ok(LinkId(id))
    }

    /// Closes a link. Its lines, and what they owe, stay.
    pub fn close_link(&self, id: LinkId, when: Timestamp) -> Result<()> {
        let sql = "UPDATE link SET closed = ?2 WHERE id = ?1 AND closed IS NULL";
        if self.connection.prepare_cached(sql)?.execute(params![id.0, ms(when)])? > 0 {
            self.count_link(id.0, -1)?;
            let sql = "UPDATE listing SET ruled_anew = 1 WHERE id = (SELECT listing FROM link WHERE id = ?1)";
            self.connection.prepare_cached(sql)?.execute([id.0])?;
        }
        Ok(())
    }

    fn count_link(&self, id: i64, by: i64) -> Result<()> {
        let sql = "UPDATE listing SET linked = linked + ?2 WHERE id IN
            (SELECT listing FROM link WHERE id = ?1 UNION ALL SELECT source FROM part WHERE link = ?1)";
        self.connection.prepare_cached(sql)?.execute(params![id, by])?;
        Ok(())
    }

    /// Returns the open links of a target listing, by number.
    pub fn links_of(&self, listing: ListingId) -> Result<Vec<Link>> {
        self.links(&format!("{SELECT} WHERE link.listing = ?1 AND link.closed IS NULL ORDER BY link.id"), [listing.0])
    }

    /// Returns the open links of which a source listing is part, by number.
    pub fn links_with(&self, source: ListingId) -> Result<Vec<Link>> {
        let sql = format!(
            "{SELECT} WHERE link.closed IS NULL AND link.id IN (SELECT link FROM part WHERE source = ?1) ORDER BY link.id"
        );
        self.links(&sql, [source.0])
    }

    /// Returns a link by its number, open or closed.
    pub fn link(&self, id: LinkId) -> Result<Option<Link>> {
        Ok(self.links(&format!("{SELECT} WHERE link.id = ?1"), [id.0])?.pop())
    }

    /// Returns all open links, by number.
    pub fn open_links(&self) -> Result<Vec<Link>> {
        self.links(&format!("{SELECT} WHERE link.closed IS NULL ORDER BY link.id"), [])
    }

    /// Returns the links that a line may be tied to (Y2), closed ones too: those of its listing, else those of the
    /// channel that bear its SKU.
    pub fn links_for_line(
        &self,
        channel: &ChannelName,
        listing: Option<ListingId>,
        sku: Option<&Sku>,
    ) -> Result<Vec<Link>> {
        if let Some(listing) = listing {
            let links = self.links(&format!("{SELECT} WHERE link.listing = ?1 ORDER BY link.id"), [listing.0])?;
            if !links.is_empty() {
                return Ok(links);
            }
        }
        let Some(sku) = sku else { return Ok(Vec::new()) };
        let sql = format!(
            "{SELECT} JOIN listing ON listing.id = link.listing WHERE link.sku = ?1 AND listing.channel = ?2 ORDER BY link.id"
        );
        self.links(&sql, params![sku.as_str(), self.channel_id(channel)?])
    }

    /// Returns when the first link of a channel became active.
    pub fn first_active(&self, channel: &ChannelName) -> Result<Option<Timestamp>> {
        let sql = "SELECT min(link.active) FROM link JOIN listing ON listing.id = link.listing
            JOIN channel ON channel.id = listing.channel WHERE channel.name = ?1";
        let mut query = self.connection.prepare_cached(sql)?;
        let first: Option<Option<i64>> = query.query_row([channel.as_str()], |row| row.get(0)).optional()?;
        maybe_moment(first.flatten())
    }

    /// Returns the open links of several target listings, by number.
    pub(super) fn links_of_all(&self, listings: impl IntoIterator<Item = i64>) -> Result<Vec<Link>> {
        let sql = format!(
            "{SELECT} WHERE link.closed IS NULL AND link.listing IN (SELECT value FROM json_each(?1)) ORDER BY link.id"
        );
        self.links(&sql, [numbers(listings)])
    }

    fn links(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Link>> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        let mut links = BTreeMap::<i64, Link>::new();
        while let Some(row) = rows.next()? {
            let part = Part { source: ListingId(row.get(6)?), units: row.get(7)? };
            let id: i64 = row.get(0)?;
            if let Some(link) = links.get_mut(&id) {
                link.recipe.push(part);
                continue;
            }
            let link = Link {
                id: LinkId(id),
                listing: ListingId(row.get(1)?),
                sku: sku(row.get(2)?),
                by_hand: row.get(3)?,
                recipe: vec![part],
                active: moment(row.get(4)?)?,
                closed: maybe_moment(row.get(5)?)?,
            };
            links.insert(id, link);
        }
        let mut links: Vec<Link> = links.into_values().collect();
        for link in &mut links {
            link.recipe.sort_unstable();
        }
        Ok(links)
    }
}
