//! The memory of idempotency keys (6.4).

use jiff::{SignedDuration, Timestamp};

use super::Shopify;
use super::graphql::Found;

/// What a repeated key gets. The documents promise the first, live shops were seen to do the second, and nobody
/// promises that a key is honoured at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The first result again.
    First,
    /// "Stale", where entries compare with what was there before; else the first result again.
    Stale,
    /// Nothing special: the request is looked at as if it were new.
    Forgotten,
}

/// How long a key is remembered.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// What a key was used for.
pub(super) struct Used {
    at: Timestamp,
    what: String,
    /// What came of it; `None` where it failed.
    result: Option<Found>,
}

/// What the memory says of a key.
pub(super) enum Known {
    /// It is new.
    New,
    /// It was used for the same, with this result.
    Done(Found),
    /// It was used for the same and failed.
    Failed,
    /// It was used for something else.
    Mismatch,
}

impl Shopify {
    pub(super) fn look_up(&mut self, key: &str, what: &str, now: Timestamp) -> Known {
        self.keys.retain(|_, used| now.duration_since(used.at) < LIFETIME);
        match self.keys.get(key) {
            Some(_) if self.replay == Replay::Forgotten => Known::New,
            Some(used) if used.what != what => Known::Mismatch,
            Some(Used { result: Some(result), .. }) => Known::Done(result.clone()),
            Some(_) => Known::Failed,
            None => Known::New,
        }
    }

    pub(super) fn remember(&mut self, key: &str, what: String, result: Option<Found>, now: Timestamp) {
        let at = self.keys.get(key).map_or(now, |used| used.at);
        self.keys.insert(key.into(), Used { at, what, result });
    }
}
