//! What eBay allows: so many Trading calls a day for the application (2).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::api::{Api, Call};
use crate::channel::Result;
use crate::domain::quota::Quota;

const ASK: &str = "asking what is left of the day's calls";

/// Trading calls of a day that an application has until eBay raises them (section 2).
const USUAL: u64 = 5_000;
/// How old a number of eBay's may get before it is asked for again.
const AGE: SignedDuration = SignedDuration::from_mins(15);
/// Calls that a process makes before it asks: a run that only looks makes fewer, and the question wants a token that an
/// application gets a thousand times a day.
const WORTH_ASKING: u64 = 5;

/// What is known of the day's calls.
#[derive(Default)]
pub(super) struct Limits {
    told: Mutex<Option<Told>>,
    /// eBay refused a call for a limit, without saying whether it was that of the day or that of a burst.
    doubted: AtomicBool,
}

/// What eBay told of the quota, or that it did not.
#[derive(Clone, Copy)]
struct Told {
    quota: Option<Quota>,
    at: Timestamp,
    /// The calls that the process had made then.
    calls: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    rate_limits: Vec<RateLimit>,
}

#[derive(Deserialize)]
struct RateLimit {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    rates: Vec<Rate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rate {
    limit: Option<u64>,
    remaining: Option<u64>,
    reset: Option<Timestamp>,
    time_window: Option<i64>,
}

impl Limits {
    /// Tells what is left of the day's Trading calls: as eBay said, less what was called since; where it said nothing, the
    /// usual number less what this process called.
    pub fn quota(&self, api: &Api) -> Option<Quota> {
        let told = (*locked(&self.told))?;
        let now = api.clock().unwrap_or(told.at);
        let (quota, since) = match told.quota {
            Some(quota) => (quota, told.calls),
            None => (Quota { most: USUAL, left: USUAL, refills: next_day(now) }, 0),
        };
        let used = api.trading_calls().saturating_sub(since);
        Some(Quota { left: quota.left.saturating_sub(used), ..quota })
    }

    /// Asks eBay for the quota where that is worth it (`getRateLimits`). What cannot be had is counted instead: no run
    /// fails for it.
    pub async fn refresh(&self, api: &Api) {
        let Some(now) = api.clock() else { return };
        let doubted = self.doubted.swap(false, Ordering::Relaxed);
        let due = match *locked(&self.told) {
            _ if doubted => true,
            Some(told) => told.at.saturating_add(AGE).unwrap_or(Timestamp::MAX) <= now,
            None => WORTH_ASKING <= api.trading_calls(),
        };
        if due && !matches!(self.ask(api).await, Ok(Some(_))) && doubted {
            self.note_refused(api);
        }
    }

    /// Asks eBay for the quota, if it was not asked yet: after a full reading, which comes once a day, so that it is known
    /// in a small shop too, whose runs make few calls. What cannot be had is counted instead.
    pub async fn ask_once(&self, api: &Api) {
        if locked(&self.told).is_none() {
            drop(self.ask(api).await);
        }
    }

    /// Takes in that eBay refused a call for a limit (518): whether anything is left of the day is asked next.
    pub fn doubt(&self) {
        self.doubted.store(true, Ordering::Relaxed);
    }

    /// Asks eBay for the quota.
    pub async fn ask(&self, api: &Api) -> Result<Option<Quota>> {
        let path = "/developer/analytics/v1_beta/rate_limit/?api_context=tradingapi";
        let answer = api.ask_as_application::<Answer>(&Call::get(ASK, path)).await;
        let quota = answer.as_ref().ok().and_then(tightest);
        if let Some(at) = api.clock() {
            *locked(&self.told) = Some(Told { quota, at, calls: api.trading_calls() });
        }
        answer.map(|_| quota)
    }

    /// Takes it that nothing is left, where eBay refuses and does not say till when: for as long as a number of its counts.
    /// Then it is tried once more, and eBay is asked again. A day is too long to be blind for an answer that got lost.
    fn note_refused(&self, api: &Api) {
        let Some(at) = api.clock() else { return };
        let mut told = locked(&self.told);
        let most = told.and_then(|told| told.quota).map_or(USUAL, |quota| quota.most);
        let refills = at.saturating_add(AGE).unwrap_or(Timestamp::MAX).min(next_day(at));
        *told = Some(Told { quota: Some(Quota { most, left: 0, refills }), at, calls: api.trading_calls() });
    }
}

/// Returns the quota of a day that has the least left: eBay counts some calls apart.
fn tightest(answer: &Answer) -> Option<Quota> {
    let rates = answer.rate_limits.iter().flat_map(|limit| &limit.resources).flat_map(|resource| &resource.rates);
    let days = rates.filter(|rate| rate.time_window.is_none_or(|window| 3_600 <= window));
    let quotas = days.filter_map(|rate| Some(Quota { most: rate.limit?, left: rate.remaining?, refills: rate.reset? }));
    quotas.min_by_key(|quota| quota.left)
}

/// Returns the number of eBay's day: it counts anew at midnight on the Pacific coast, at 8 in the morning UTC in winter.
fn day(now: Timestamp) -> i64 {
    (now.as_second() - 8 * 3_600).div_euclid(86_400)
}

fn next_day(now: Timestamp) -> Timestamp {
    Timestamp::from_second((day(now) + 1) * 86_400 + 8 * 3_600).unwrap_or(Timestamp::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_quotas_the_tightest_counts() {
        let answer = r#"{"rateLimits":[{"apiContext":"tradingapi","apiName":"TradingAPI","apiVersion":"v1","resources":[
            {"name":"GetItem","rates":[{"count":12,"limit":5000,"remaining":4988,"reset":"2026-11-24T08:00:00.000Z","timeWindow":86400}]},
            {"name":"ReviseInventoryStatus","rates":[{"count":312,"limit":5000,"remaining":4688,"reset":"2026-11-24T08:00:00.000Z","timeWindow":86400},
             {"limit":6000,"remaining":3,"reset":"2026-11-23T07:00:15.000Z","timeWindow":15}]}]}]}"#;
        let quota = tightest(&serde_json::from_str(answer).unwrap()).unwrap();
        assert_eq!((quota.most, quota.left), (5000, 4688));
        assert!(tightest(&serde_json::from_str("{}").unwrap()).is_none());
    }
}
