//! Channels and what is kept of them between runs.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::value::{channel_name, from_word, get, maybe_moment, ms, word};
use super::{Result, StoreError, Tx};
use crate::domain::channel::ChannelState;
use crate::domain::{ChannelName, HoldWhy, Role};

/// How many listings of a channel are linked, and how many of those show stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Linked listings; of the source, those that are part of a recipe.
    pub linked: i64,
    /// Linked listings that show stock, or may.
    pub showing: i64,
}

impl Tx<'_> {
    /// Returns what is kept of a channel.
    pub fn channel(&self, name: &ChannelName) -> Result<Option<ChannelState>> {
        let mut query = self.connection.prepare_cached("SELECT * FROM channel WHERE name = ?1")?;
        let mut rows = query.query([name.as_str()])?;
        rows.next()?.map(channel).transpose()
    }

    /// Returns what is kept of all channels, the source first, then by name.
    pub fn channels(&self) -> Result<Vec<ChannelState>> {
        let mut query = self.connection.prepare_cached("SELECT * FROM channel ORDER BY role, name")?;
        let mut rows = query.query([])?;
        let mut channels = Vec::new();
        while let Some(row) = rows.next()? {
            channels.push(channel(row)?);
        }
        Ok(channels)
    }

    /// Stores what is to be kept of a channel.
    pub fn save_channel(&self, channel: &ChannelState) -> Result<()> {
        let sql = "INSERT INTO channel (name, kind, role, identity, label, orders_since, orders_deep, levels_since,
                scanned, complete, rules_print, pushed_ever, trouble, trouble_since, first_read)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            ON CONFLICT (name) DO UPDATE SET kind = ?2, role = ?3, identity = ?4, label = ?5, orders_since = ?6,
                orders_deep = ?7, levels_since = ?8, scanned = ?9, complete = ?10, rules_print = ?11,
                pushed_ever = ?12, trouble = ?13, trouble_since = ?14, first_read = ?15";
        self.connection.prepare_cached(sql)?.execute(params![
            channel.name.as_str(),
            channel.kind,
            word(&channel.role)?,
            channel.identity,
            channel.label,
            channel.orders_since.map(ms),
            channel.orders_deep.map(ms),
            channel.levels_since.map(ms),
            channel.scanned.map(ms),
            channel.complete.map(ms),
            channel.rules_print,
            channel.pushed_ever,
            channel.trouble,
            channel.trouble_since.map(ms),
            channel.first_read.map(ms),
        ])?;
        Ok(())
    }

    /// Gives a channel another name; everything that belongs to it stays.
    pub fn rename_channel(&self, old: &ChannelName, new: &ChannelName) -> Result<()> {
        self.connection.execute("UPDATE channel SET name = ?2 WHERE name = ?1", [old.as_str(), new.as_str()])?;
        Ok(())
    }

    /// Forgets a channel that was read and never took part: without a link or a line, closed ones too. Tells whether it
    /// was one.
    pub fn forget_unused(&self, name: &ChannelName) -> Result<bool> {
        let id = self.channel_id(name)?;
        let used = "SELECT EXISTS (SELECT 1 FROM line WHERE channel = ?1)
            OR EXISTS (SELECT 1 FROM old_line WHERE channel = ?1)
            OR EXISTS (SELECT 1 FROM call WHERE channel = ?1)
            OR EXISTS (SELECT 1 FROM listing JOIN link ON link.listing = listing.id WHERE listing.channel = ?1)
            OR EXISTS (SELECT 1 FROM listing JOIN part ON part.source = listing.id WHERE listing.channel = ?1)
            OR EXISTS (SELECT 1 FROM listing JOIN share ON share.source = listing.id WHERE listing.channel = ?1)
            OR EXISTS (SELECT 1 FROM listing JOIN intent ON intent.listing = listing.id WHERE listing.channel = ?1)";
        if self.connection.query_row(used, [id], |row| row.get(0))? {
            return Ok(false);
        }
        for sql in [
            "DELETE FROM held_part WHERE hold IN (SELECT id FROM hold WHERE channel = ?1)",
            "DELETE FROM held WHERE hold IN (SELECT id FROM hold WHERE channel = ?1)",
            "DELETE FROM hold WHERE channel = ?1",
            "DELETE FROM movement WHERE listing IN (SELECT id FROM listing WHERE channel = ?1)",
            "DELETE FROM listing_sku WHERE listing IN (SELECT id FROM listing WHERE channel = ?1)",
            "DELETE FROM listing WHERE channel = ?1",
            "DELETE FROM channel WHERE id = ?1",
        ] {
            self.connection.execute(sql, [id])?;
        }
        Ok(true)
    }

    /// Makes another channel the source, where nothing is owed to the one before: closes all links, forgets what they made
    /// of old lines, and puts every channel behind its first push. Returns how many links were closed.
    pub fn change_source(&self, former: &ChannelName, source: &ChannelName, when: Timestamp) -> Result<usize> {
        let links = self.open_links()?;
        for link in &links {
            // A sale that is seen only later belongs to the link that is made anew, not to this one.
            self.close_link(link.id, link.active)?;
        }
        self.connection.execute("DELETE FROM share", [])?;
        let sql = "UPDATE hold SET released = ?1 WHERE released IS NULL AND why <> ?2";
        self.connection.execute(sql, params![ms(when), word(&HoldWhy::Account)?])?;
        self.connection.execute("UPDATE channel SET pushed_ever = 0, scanned = NULL, levels_since = NULL", [])?;
        for (name, role) in [(former, Role::Target), (source, Role::Source)] {
            let sql = "UPDATE channel SET role = ?2 WHERE name = ?1";
            self.connection.execute(sql, params![name.as_str(), word(&role)?])?;
            let sql = "UPDATE listing SET level = NULL, begun = NULL, read = 0, shown_kind = 'unknown', shown = NULL,
                    shown_least = NULL, pushed = NULL, pushed_at = NULL, pushed_movement = NULL, ceiling = NULL,
                    ceiling_missing = NULL, ceiling_until = NULL, refusal = NULL, owners_change = NULL, fitted = NULL,
                    ruled_anew = 0, counter = NULL, counted = NULL
                WHERE channel = (SELECT id FROM channel WHERE name = ?1)";
            self.connection.execute(sql, [name.as_str()])?;
        }
        Ok(links.len())
    }

    /// Counts the linked listings of a channel.
    pub fn totals(&self, name: &ChannelName) -> Result<Counts> {
        let mut query = self.connection.prepare_cached("SELECT linked, showing FROM channel WHERE name = ?1")?;
        let counts = query.query_row([name.as_str()], |row| Ok(Counts { linked: row.get(0)?, showing: row.get(1)? }));
        Ok(counts.optional()?.unwrap_or_default())
    }

    /// Returns the number of a channel in the state.
    pub(super) fn channel_id(&self, name: &ChannelName) -> Result<i64> {
        let mut query = self.connection.prepare_cached("SELECT id FROM channel WHERE name = ?1")?;
        let id = query.query_row([name.as_str()], |row| row.get(0)).optional()?;
        id.ok_or_else(|| StoreError::unreadable(format!("there is no channel {name}")))
    }
}

fn channel(row: &Row<'_>) -> Result<ChannelState> {
    Ok(ChannelState {
        name: channel_name(&get::<String>(row, "name")?)?,
        kind: get(row, "kind")?,
        role: from_word(&get::<String>(row, "role")?)?,
        identity: get(row, "identity")?,
        label: get(row, "label")?,
        orders_since: maybe_moment(get(row, "orders_since")?)?,
        orders_deep: maybe_moment(get(row, "orders_deep")?)?,
        levels_since: maybe_moment(get(row, "levels_since")?)?,
        first_read: maybe_moment(get(row, "first_read")?)?,
        scanned: maybe_moment(get(row, "scanned")?)?,
        complete: maybe_moment(get(row, "complete")?)?,
        rules_print: get(row, "rules_print")?,
        pushed_ever: get(row, "pushed_ever")?,
        trouble: get(row, "trouble")?,
        trouble_since: maybe_moment(get(row, "trouble_since")?)?,
    })
}
