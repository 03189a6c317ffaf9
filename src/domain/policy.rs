//! The owner's choices for a channel, as types.

use serde::{Deserialize, Serialize};

/// What happens to a listing whose offered quantity is zero (Z1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroStock {
    /// It shows 0.
    #[default]
    Keep,
    /// It is taken out of sight until stock returns.
    Hide,
    /// It is ended, and brought back when stock returns.
    End,
}

/// What happens to target listings whose source listing is gone (Z5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceGone {
    /// They show 0.
    #[default]
    Zero,
    /// They are left as they are.
    Keep,
    /// They are taken out of sight.
    Hide,
}

/// Which cancelled units go back to the source where the platform does not say (W3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restock {
    /// Those cancelled before they were shipped, and not for lack of stock.
    #[default]
    Unshipped,
    /// All.
    Always,
    /// None.
    Never,
}
