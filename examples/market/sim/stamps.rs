//! When records changed, so that a face can play a list that trails behind them.

use std::time::Duration;

use jiff::Timestamp;

/// When a record was made, and when it changed, oldest first.
#[derive(Clone, Debug)]
pub struct Stamps(Timestamp, Vec<Timestamp>);

impl Stamps {
    /// Begins with the moment at which the record was made.
    pub fn new(now: Timestamp) -> Self {
        Self(now, vec![now])
    }

    /// Notes a change.
    pub fn push(&mut self, now: Timestamp) {
        self.1.push(now);
        prune(&mut self.1, now, |stamp| *stamp);
    }

    /// Returns when the record was made.
    pub fn first(&self) -> Timestamp {
        self.0
    }

    /// Returns when the record last changed.
    pub fn last(&self) -> Timestamp {
        self.1.last().copied().unwrap_or_default()
    }

    /// Returns when it had last changed as seen at a moment; `None` if it was not there yet.
    pub fn as_of(&self, moment: Timestamp) -> Option<Timestamp> {
        self.1.iter().rev().find(|stamp| **stamp <= moment).copied()
    }
}

/// Forgets what is older than an hour, the newest of that apart: nothing trails behind by more.
pub(super) fn prune<T>(past: &mut Vec<T>, now: Timestamp, at: impl Fn(&T) -> Timestamp) {
    let hour = Duration::from_hours(1);
    let old = past.iter().take_while(|entry| at(entry) + hour < now).count();
    past.drain(..old.saturating_sub(1));
}
