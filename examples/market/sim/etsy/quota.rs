//! How many calls are taken (2): so many a second, and so many in a day that slides along in buckets, so that what was
//! used comes back piece by piece.

use std::collections::VecDeque;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

/// How long the sliding day is.
const DAY: Duration = Duration::from_hours(24);

/// The calls of one counter: those by the key alone, or those by a seller's token. Limits may be set low at any time.
#[derive(Clone, Debug)]
pub struct Quota {
    /// Calls a second.
    pub a_second: usize,
    /// Calls in a day.
    pub a_day: usize,
    /// How long a bucket of the day is.
    pub bucket: Duration,
    /// The calls of the last second.
    lately: VecDeque<Timestamp>,
    /// The calls of each bucket, by its beginning.
    buckets: VecDeque<(Timestamp, usize)>,
}

impl Default for Quota {
    fn default() -> Self {
        // What new apps are reported to get; other numbers are documented (2, 12).
        let bucket = Duration::from_hours(1);
        Self { a_second: 5, a_day: 5_000, bucket, lately: VecDeque::new(), buckets: VecDeque::new() }
    }
}

impl Quota {
    /// Counts a call, or tells after how many seconds one is taken again.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), u64> {
        self.slide(now);
        if self.used() >= self.a_day {
            let first = self.buckets.front().map_or(now, |(began, _)| *began + DAY);
            let left = Duration::try_from(first.duration_since(now)).unwrap_or_default();
            return Err(left.as_secs() + u64::from(left.subsec_nanos() > 0));
        }
        if self.lately.len() >= self.a_second {
            return Err(1);
        }
        self.lately.push_back(now);
        match self.buckets.back_mut() {
            Some((began, calls)) if now < *began + self.bucket => *calls += 1,
            _ => self.buckets.push_back((now, 1)),
        }
        Ok(())
    }

    fn slide(&mut self, now: Timestamp) {
        while self.lately.front().is_some_and(|at| *at + Duration::from_secs(1) <= now) {
            self.lately.pop_front();
        }
        while self.buckets.front().is_some_and(|(began, _)| *began + DAY <= now) {
            self.buckets.pop_front();
        }
    }

    /// Tells how many calls of the day are used.
    pub fn used(&self) -> usize {
        self.buckets.iter().map(|(_, calls)| calls).sum()
    }

    /// Writes the headers that stand on every answer.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let left = |most: usize, used: usize| HeaderValue::from(most.saturating_sub(used));
        headers.insert("x-limit-per-second", HeaderValue::from(self.a_second));
        headers.insert("x-remaining-this-second", left(self.a_second, self.lately.len()));
        headers.insert("x-limit-per-day", HeaderValue::from(self.a_day));
        headers.insert("x-remaining-today", left(self.a_day, self.used()));
    }
}
