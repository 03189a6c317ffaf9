//! How the types of the domain stand in columns: whole numbers and text, nothing else.

use jiff::Timestamp;
use rusqlite::{Row, types::FromSql};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Result;
use super::error::StoreError;
use crate::domain::{ChannelName, Sku};

/// Stores a moment in milliseconds.
pub(super) fn ms(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// Reads a moment.
pub(super) fn moment(ms: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(ms).map_err(StoreError::unreadable)
}

/// Reads a moment that may be missing.
pub(super) fn maybe_moment(ms: Option<i64>) -> Result<Option<Timestamp>> {
    ms.map(moment).transpose()
}

/// Stores one of a set of words as its word.
pub(super) fn word(value: &impl Serialize) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(StoreError::unreadable(format!("{other:?} is no word"))),
    }
}

/// Reads one of a set of words.
pub(super) fn from_word<T: DeserializeOwned>(word: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(StoreError::unreadable)
}

/// Stores a compound value as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(StoreError::unreadable)
}

/// Reads a compound value.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(StoreError::unreadable)
}

/// Stores a set of numbers as JSON, for `json_each`.
pub(super) fn numbers(ids: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

/// Reads a channel's name.
pub(super) fn channel_name(text: &str) -> Result<ChannelName> {
    ChannelName::new(text).ok_or_else(|| StoreError::unreadable(format!("the channel name {text:?}")))
}

/// Reads a SKU.
pub(super) fn sku(text: Option<String>) -> Option<Sku> {
    text.and_then(|text| Sku::new(&text))
}

/// Reads a column by its name.
pub(super) fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T> {
    Ok(row.get(column)?)
}
