//! What Etsy allows, as each of its answers tells in headers: so many calls a second, so many a day (section 2).
//!
//! The figures differ from app to app, so none is assumed but a calm start. The day is no calendar day: each call counts for
//! 24 hours, and what is left comes back bit by bit. It is surely full again a day from now, which is what the rest of the
//! program reckons with.

use std::time::Duration;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use crate::domain::quota::Quota;
use crate::net::{Budget, Reply, Verdict};

/// The pace before an answer told of the real one: one call after the other, four a second.
pub(super) const CALM: Budget = Budget { most: 1.0, left: 1.0, per_second: 4.0, cost: None };

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Reads a count from a header.
fn told(headers: &HeaderMap, name: &str) -> Option<u32> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Returns what an answer tells of the day's calls.
pub(super) fn quota(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Quota> {
    let (most, left) = (told(headers, "x-limit-per-day")?, told(headers, "x-remaining-today")?);
    let refills = now?.checked_add(DAY).ok()?;
    Some(Quota { most: most.into(), left: left.into(), refills })
}

/// Tells whether nothing is left of the day's calls.
pub(super) fn is_used_up(reply: &Reply) -> bool {
    reply.status.as_u16() == 429 && told(&reply.headers, "x-remaining-today") == Some(0)
}

/// Returns how long an answer says to wait.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    told(headers, "retry-after").map(u64::from).map(Duration::from_secs)
}

/// Tells what an answer means for pacing and retrying (section 9). A day that is used up is not waited out.
pub(super) fn judge(reply: &Reply) -> (Verdict, Option<Budget>) {
    let verdict = match reply.status.as_u16() {
        429 if is_used_up(reply) => Verdict::Answer,
        429 => Verdict::Throttled(wait(&reply.headers)),
        500.. => Verdict::Failed,
        200..300 if !looks_right(reply) => Verdict::Failed,
        _ => Verdict::Answer,
    };
    (verdict, budget(&reply.headers))
}

/// Tells whether a body is JSON, or nothing.
fn looks_right(reply: &Reply) -> bool {
    let text = reply.body.trim_ascii();
    text.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// Makes a bucket of what an answer tells of this second. When nothing is left of it, the next call waits for the next
/// second; whether that begins on the clock or with the first call, nobody says.
fn budget(headers: &HeaderMap) -> Option<Budget> {
    let most = f64::from(told(headers, "x-limit-per-second").filter(|most| 0 < *most)?);
    let left = match told(headers, "x-remaining-this-second") {
        Some(0) => 1.0 - most,
        Some(left) => f64::from(left),
        None => 0.0,
    };
    Some(Budget { most, left, per_second: most, cost: None })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Reply {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter(pairs.collect::<Vec<(http::HeaderName, http::HeaderValue)>>()),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    // proves F1, F2
    #[test]
    fn an_answer_tells_whether_to_try_again() {
        assert_eq!(judge(&reply(200, &[], "<html>soon back</html>")).0, Verdict::Failed);
        assert_eq!(judge(&reply(200, &[], r#"{"count":"#)).0, Verdict::Failed);
        assert_eq!(judge(&reply(204, &[], "")).0, Verdict::Answer);
        assert_eq!(judge(&reply(400, &[], "no")).0, Verdict::Answer);
        assert_eq!(judge(&reply(503, &[], "")).0, Verdict::Failed);
        let wait = Verdict::Throttled(Some(Duration::from_secs(3)));
        assert_eq!(judge(&reply(429, &[("retry-after", "3"), ("x-remaining-today", "7")], "")).0, wait);
        assert_eq!(judge(&reply(429, &[], "")).0, Verdict::Throttled(None));
        let used_up = [("retry-after", "7000"), ("x-remaining-today", "0")];
        assert_eq!(judge(&reply(429, &used_up, "")).0, Verdict::Answer, "a day is not waited out");
    }

    // proves Y4: what the headers say counts, and nothing is made up where they say nothing.
    #[test]
    fn limits_are_read_from_the_headers() {
        let headers = [("x-limit-per-second", "5"), ("x-remaining-this-second", "3")];
        let budget = |headers: &[_]| judge(&reply(200, headers, "{}")).1;
        assert_eq!(budget(&headers), Some(Budget { most: 5.0, left: 3.0, per_second: 5.0, cost: None }));
        let none_left = [("x-limit-per-second", "5"), ("x-remaining-this-second", "0")];
        assert!(budget(&none_left).is_some_and(|budget| budget.left <= -4.0), "a whole second");
        for odd in [&[("x-limit-per-second", "0")][..], &[("x-limit-per-second", "many")], &[]] {
            assert_eq!(budget(odd), None);
        }
        let now: Timestamp = "2026-11-23T07:00:00Z".parse().unwrap();
        let day = reply(200, &[("x-limit-per-day", "5000"), ("x-remaining-today", "4988")], "{}");
        let told = quota(&day.headers, Some(now)).unwrap();
        assert_eq!((told.most, told.left, told.refills.to_string().as_str()), (5000, 4988, "2026-11-24T07:00:00Z"));
        assert_eq!(quota(&HeaderMap::new(), Some(now)), None);
    }
}
