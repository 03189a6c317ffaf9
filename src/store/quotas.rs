//! What was left of the quotas of platforms when they were last heard of: the next process goes on from there (Y4).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::value::{from_json, json};
use super::{Result, Tx};
use crate::domain::ChannelName;
use crate::domain::quota::Quota;

/// What is kept of a channel's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptQuota {
    /// The quota, as it was last told.
    pub quota: Quota,
    /// When orders were last read, by the channel's clock.
    pub read: Timestamp,
}

impl Tx<'_> {
    /// Returns what is kept of a channel's quota, if it has one.
    pub fn quota(&self, channel: &ChannelName) -> Result<Option<KeptQuota>> {
        self.meta(&self.quota_key(channel)?)?.map(|text| from_json(&text)).transpose()
    }

    /// Keeps what is left of a channel's quota.
    pub fn save_quota(&self, channel: &ChannelName, kept: &KeptQuota) -> Result<()> {
        self.set_meta(&self.quota_key(channel)?, &json(kept)?)
    }

    fn quota_key(&self, channel: &ChannelName) -> Result<String> {
        Ok(format!("quota:{}", self.channel_id(channel)?))
    }
}
