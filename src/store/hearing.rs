//! When channels were last heard of, by this machine's clock: what tells a silent one (F7); and how far their clocks are
//! from it (Y1).

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::value::{from_json, json, moment, ms};
use super::{Result, Store, StoreError, Tx};
use crate::domain::ChannelName;

/// Under this and a channel's number stands when it last took part in a run without any failure.
const HEARD: &str = "heard:";

/// Under this and a channel's number stands what it noticed last and waits for its owner: what, and what to do.
const NOTICED: &str = "noticed:";

/// Under this and a channel's number stands how far its clock is ahead of this machine's, in milliseconds.
const AHEAD: &str = "ahead:";

impl Tx<'_> {
    /// Begins to watch a channel, if it is not watched yet.
    pub fn watch(&self, channel: &ChannelName, now: Timestamp) -> Result<()> {
        let key = format!("{HEARD}{}", self.channel_id(channel)?);
        let sql = "INSERT OR IGNORE INTO meta VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![key, ms(now).to_string()])?;
        Ok(())
    }

    /// Notes that a channel took part in a run without any failure.
    pub fn heard_of(&self, channel: &ChannelName, now: Timestamp) -> Result<()> {
        self.set_meta(&format!("{HEARD}{}", self.channel_id(channel)?), &ms(now).to_string())
    }

    /// Returns when a channel last took part in a run without any failure, or began to be watched.
    pub fn last_heard(&self, channel: &ChannelName) -> Result<Option<Timestamp>> {
        if self.channel(channel)?.is_none() {
            return Ok(None);
        }
        self.number_under(HEARD, channel)?.map(moment).transpose()
    }

    /// Notes how far a channel's clock is ahead of this machine's.
    pub fn keep_ahead(&self, channel: &ChannelName, ahead: SignedDuration) -> Result<()> {
        self.set_meta(&format!("{AHEAD}{}", self.channel_id(channel)?), &ahead.as_millis().to_string())
    }

    /// Returns how far a channel's clock was ahead of this machine's when it was last heard; `None` where it never was.
    pub fn ahead(&self, channel: &ChannelName) -> Result<Option<SignedDuration>> {
        Ok(self.number_under(AHEAD, channel)?.map(SignedDuration::from_millis))
    }

    /// Keeps what a channel noticed in the last run.
    pub fn keep_noticed(&self, channel: &ChannelName, noticed: &[(String, Option<String>)]) -> Result<()> {
        let key = format!("{NOTICED}{}", self.channel_id(channel)?);
        if noticed.is_empty() { self.forget_meta(&key) } else { self.set_meta(&key, &json(&noticed)?) }
    }

    /// Returns what a channel noticed in the last run, and what to do.
    pub fn noticed(&self, channel: &ChannelName) -> Result<Vec<(String, Option<String>)>> {
        if self.channel(channel)?.is_none() {
            return Ok(Vec::new());
        }
        let text = self.meta(&format!("{NOTICED}{}", self.channel_id(channel)?))?;
        Ok(text.map(|text| from_json(&text)).transpose()?.unwrap_or_default())
    }

    fn number_under(&self, key: &str, channel: &ChannelName) -> Result<Option<i64>> {
        let key = format!("{key}{}", self.channel_id(channel)?);
        let number = |text: String| text.parse().map_err(|_| StoreError::unreadable(format!("{key} {text:?}")));
        self.meta(&key)?.map(number).transpose()
    }

    /// Returns when the last runs of `eys sync` began, newest first.
    pub fn syncs(&self, most: usize) -> Result<Vec<Timestamp>> {
        let runs = self.runs(most)?;
        let is_sync = |command: &str| command.split(' ').any(|word| word == "sync");
        Ok(runs.into_iter().filter(|run| is_sync(&run.command)).map(|run| run.began).collect())
    }
}

impl Store {
    /// Returns until when what renews a channel's token lasts; `None` where that does not end, or nothing is kept.
    pub fn credentials_end(&self, channel: &ChannelName) -> Result<Option<Timestamp>> {
        let Some(credentials) = &self.credentials else { return Ok(None) };
        Ok(credentials.token(channel)?.and_then(|token| token.ends))
    }

    /// Returns the file of credentials, if others can read it.
    pub fn open_credentials(&self) -> Option<&std::path::Path> {
        self.credentials.as_ref().and_then(super::Credentials::open_to_others)
    }
}
