//! How many calls are taken (2): so many a day of each interface, and so many in a burst of a few of Trading's.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How long a burst lasts, and a block after it.
const BURST: Duration = Duration::from_secs(15);

/// How many calls are taken. Limits may be set low at any time.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Calls a day, by interface: "tradingapi", "inventory", "fulfillment", "account", "analytics".
    pub a_day: BTreeMap<&'static str, usize>,
    /// Calls of Trading in 15 seconds, by name; more block it for as long.
    pub a_burst: BTreeMap<&'static str, usize>,
    used: BTreeMap<&'static str, (Option<Date>, usize)>,
    lately: BTreeMap<String, Vec<Timestamp>>,
    blocked: Option<Timestamp>,
}

/// Why a call is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The day's calls are used up.
    Day,
    /// There were too many in a few seconds.
    Burst,
}

impl Default for Quotas {
    fn default() -> Self {
        let a_day = [
            ("tradingapi", 5_000),
            ("inventory", 2_000_000),
            ("fulfillment", 100_000),
            ("account", 25_000),
            ("analytics", 5_000),
        ];
        Self {
            a_day: a_day.into(),
            a_burst: [("GetMyeBaySelling", 300), ("ReviseInventoryStatus", 6_000)].into(),
            used: BTreeMap::new(),
            lately: BTreeMap::new(),
            blocked: None,
        }
    }
}

impl Quotas {
    /// Counts a call, or says why it is not taken.
    pub(super) fn take(&mut self, now: Timestamp, api: &'static str, call: &str) -> Result<(), Full> {
        if self.blocked.is_some_and(|until| now < until) {
            return Err(Full::Burst);
        }
        if let Some(most) = self.a_burst.get(call).filter(|_| api == "tradingapi") {
            let lately = self.lately.entry(call.to_owned()).or_default();
            lately.retain(|at| *at + BURST > now);
            lately.push(now);
            if lately.len() > *most {
                self.blocked = Some(now + BURST);
                return Err(Full::Burst);
            }
        }
        if self.left(now, api) == 0 {
            return Err(Full::Day);
        }
        let used = self.used(now, api) + 1;
        self.used.insert(api, (Some(day(now)), used));
        Ok(())
    }

    /// Tells how many calls were taken today.
    pub fn used(&self, now: Timestamp, api: &str) -> usize {
        self.used.get(api).filter(|(when, _)| *when == Some(day(now))).map_or(0, |(_, used)| *used)
    }

    /// Tells how many more are taken today.
    pub fn left(&self, now: Timestamp, api: &str) -> usize {
        self.a_day.get(api).copied().unwrap_or(usize::MAX).saturating_sub(self.used(now, api))
    }
}

/// eBay's day is that of its home, not of the clocks that its answers show.
pub(super) fn day(now: Timestamp) -> Date {
    zone().to_datetime(now).date()
}

/// Tells when the next day begins.
pub(super) fn next_day(now: Timestamp) -> Timestamp {
    let tomorrow = day(now).checked_add(1.day()).expect("there is a tomorrow");
    tomorrow.to_zoned(zone()).expect("a day begins at some time").timestamp()
}

fn zone() -> TimeZone {
    TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").expect("the rule is one")
}
