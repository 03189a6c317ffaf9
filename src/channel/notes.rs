//! What a process learns and the next one need not ask again, so that runs by cron cost no more calls than a loop.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::Result;
use super::registry::{Keeper, kept_error};
use crate::domain::ChannelName;

/// The notes of one account, beside its token: what they say is its adapter's.
pub(super) struct Notes<T> {
    name: ChannelName,
    keeper: Arc<dyn Keeper>,
    /// As they were read or kept last.
    noted: Mutex<Option<T>>,
}

impl<T: Clone + Default + PartialEq + Serialize + DeserializeOwned> Notes<T> {
    /// Opens the notes of a channel. Nothing is read yet.
    pub fn new(name: ChannelName, keeper: Arc<dyn Keeper>) -> Self {
        Self { name, keeper, noted: Mutex::default() }
    }

    /// Returns what is noted. What a channel of another kind noted under this name says nothing.
    pub async fn read(&self) -> Result<T> {
        let mut noted = self.noted.lock().await;
        if let Some(noted) = &*noted {
            return Ok(noted.clone());
        }
        let text = self.keeper.notes(&self.name).await.map_err(kept_error)?;
        let read: T = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Ok(noted.insert(read).clone())
    }

    /// Changes what is noted, and keeps it if that made a difference.
    pub async fn change(&self, change: impl FnOnce(&mut T)) -> Result<()> {
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
