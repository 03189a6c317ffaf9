//! What is kept of a channel between runs.

use jiff::Timestamp;

use super::listing::{ChannelName, Role};

/// A channel as the state knows it. Times are by the channel's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// Its name.
    pub name: ChannelName,
    /// Its kind.
    pub kind: String,
    /// What it is for.
    pub role: Role,
    /// The account that its name is tied to (I1).
    pub identity: Option<String>,
    /// What the owner knows that account by.
    pub label: Option<String>,
    /// Up to when its orders are read.
    pub orders_since: Option<Timestamp>,
    /// When its orders were last read far back.
    pub orders_deep: Option<Timestamp>,
    /// Up to when its changed quantities are read.
    pub levels_since: Option<Timestamp>,
    /// When it was first read completely; what is older and unknown does not count (W7).
    pub first_read: Option<Timestamp>,
    /// When its last complete scan began.
    pub scanned: Option<Timestamp>,
    /// When it last took part in a run without any failure.
    pub complete: Option<Timestamp>,
    /// What tells the rules of its last plan from others.
    pub rules_print: Option<String>,
    /// Whether the owner ever let quantities be pushed to it (H1).
    pub pushed_ever: bool,
    /// What is wrong with it.
    pub trouble: Option<String>,
    /// Since when.
    pub trouble_since: Option<Timestamp>,
}

impl ChannelState {
    /// Makes the state of a channel that was never used.
    pub fn new(name: &ChannelName, kind: &str, role: Role) -> Self {
        Self {
            name: name.clone(),
            kind: kind.to_owned(),
            role,
            identity: None,
            label: None,
            orders_since: None,
            orders_deep: None,
            levels_since: None,
            first_read: None,
            scanned: None,
            complete: None,
            rules_print: None,
            pushed_ever: false,
            trouble: None,
            trouble_since: None,
        }
    }
}
