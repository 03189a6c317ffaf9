//! What was left of the quotas of platforms when they were last heard of, and what full readings took: the next process
//! goes on from there (Y4).

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

    /// Returns how many calls a full reading of a channel takes, if there was one: what the last two took, or the cheaper of
    /// them, since what had to be asked twice in a bad hour is no reason to read less often for long.
    pub fn scan_calls(&self, channel: &ChannelName) -> Result<Option<usize>> {
        Ok(self.last_scans(channel)?.map(|(last, before)| last.min(before)))
    }

    /// Keeps how many calls a full reading of a channel took.
    pub fn save_scan_calls(&self, channel: &ChannelName, calls: usize) -> Result<()> {
        let before = self.last_scans(channel)?.map_or(calls, |(last, _)| last);
        self.set_meta(&self.scans_key(channel)?, &json(&(calls, before))?)
    }

    fn last_scans(&self, channel: &ChannelName) -> Result<Option<(usize, usize)>> {
        self.meta(&self.scans_key(channel)?)?.map(|text| from_json(&text)).transpose()
    }

    fn scans_key(&self, channel: &ChannelName) -> Result<String> {
        Ok(format!("scans:{}", self.channel_id(channel)?))
    }

    fn quota_key(&self, channel: &ChannelName) -> Result<String> {
        Ok(format!("quota:{}", self.channel_id(channel)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{ChannelName, Role};
    use crate::store::{ChannelState, Store};

    // proves Y4: what a full reading takes is what the last ones took, and one that had to ask twice is no measure.
    #[test]
    fn the_cheaper_of_the_last_two_readings_counts() {
        let (mut store, name) = (Store::in_memory().unwrap(), ChannelName::new("stall").unwrap());
        store.transaction(|tx| tx.save_channel(&ChannelState::new(&name, "stall", Role::Source))).unwrap();
        let mut after = |calls| {
            store.transaction(|tx| tx.save_scan_calls(&name, calls)).unwrap();
            store.read(|tx| tx.scan_calls(&name)).unwrap()
        };
        assert_eq!([8, 30, 8, 9, 12].map(&mut after), [8, 8, 8, 8, 9].map(Some));
    }
}
