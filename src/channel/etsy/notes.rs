//! What a process learns and the next one need not ask again, so that runs by cron cost no more calls than a loop.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::auth::kept_error;
use crate::channel::Result;
use crate::channel::registry::Keeper;
use crate::domain::ChannelName;

/// What is noted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    /// The seller of the token, and the number of its shop.
    pub whose: Option<(u64, i64)>,
    /// The list of all receipts had a cancelled one.
    pub lists_cancelled: bool,
    /// When cancelled receipts were last asked for by themselves.
    pub asked_cancelled: Option<Timestamp>,
}

/// The notes of one shop, beside its token.
pub(super) struct Notes {
    name: ChannelName,
    keeper: Arc<dyn Keeper>,
    /// As they were read or kept last.
    noted: Mutex<Option<Noted>>,
}

impl Notes {
    pub fn new(name: ChannelName, keeper: Arc<dyn Keeper>) -> Self {
        Self { name, keeper, noted: Mutex::default() }
    }

    /// Returns what is noted. What a channel of another kind noted under this name says nothing.
    pub async fn read(&self) -> Result<Noted> {
        let mut noted = self.noted.lock().await;
        if let Some(noted) = &*noted {
            return Ok(noted.clone());
        }
        let text = self.keeper.notes(&self.name).await.map_err(kept_error)?;
        let read: Noted = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Ok(noted.insert(read).clone())
    }

    /// Changes what is noted, and keeps it if that made a difference.
    pub async fn change(&self, change: impl FnOnce(&mut Noted)) -> Result<()> {
        let before = self.read().await?;
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            let text = serde_json::to_string(&after).map_err(|error| kept_error(error.to_string()))?;
            self.keeper.keep_notes(&self.name, &text).await.map_err(kept_error)?;
            *self.noted.lock().await = Some(after);
        }
        Ok(())
    }
}
