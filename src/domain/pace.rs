//! The pace of runs, and when nothing was heard for too long (F7).

use jiff::{SignedDuration, Timestamp};

/// How many paces may pass without a word.
const PACES: i32 = 3;
/// How long before they end credentials that cannot be renewed are a problem.
const NOTICE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Works out the pace of runs: what lies between the last ones, mostly, and no less than `every`. The moments are those at
/// which runs began.
pub fn pace(every: SignedDuration, began: &[Timestamp]) -> SignedDuration {
    let mut began = began.to_vec();
    began.sort_unstable();
    let mut gaps: Vec<SignedDuration> = began.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len().saturating_sub(1) / 2).copied().unwrap_or(every).max(every)
}

/// Tells whether what was last heard of is too long ago.
pub fn is_silent(last: Timestamp, now: Timestamp, pace: SignedDuration) -> bool {
    pace.checked_mul(PACES).is_some_and(|most| most < now.duration_since(last))
}

/// Tells whether credentials that cannot be renewed end soon.
pub fn ends_soon(ends: Timestamp, now: Timestamp) -> bool {
    ends.duration_since(now) < NOTICE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    // proves F7: the pace is what the last runs show, whatever one gap was, and never quicker than the loop's.
    #[test]
    fn the_pace_is_what_the_last_runs_show() {
        assert_eq!(pace(minutes(1), &[]), minutes(1));
        assert_eq!(pace(minutes(1), &[at(0)]), minutes(1));
        assert_eq!(pace(minutes(1), &[at(45), at(30), at(15), at(0)]), minutes(15));
        assert_eq!(
            pace(minutes(1), &[at(0), at(15), at(30), at(1500), at(1515)]),
            minutes(15),
            "one night without power"
        );
        assert_eq!(pace(minutes(5), &[at(0), at(1), at(2)]), minutes(5));
    }

    // proves F7: three paces are silence, and two weeks before their end credentials are a problem.
    #[test]
    fn three_paces_are_silence() {
        assert!(!is_silent(at(0), at(45), minutes(15)));
        assert!(is_silent(at(0), at(46), minutes(15)));
        assert!(!is_silent(at(10), at(0), minutes(1)), "a clock that was set back");
        assert!(ends_soon(at(13 * 24 * 60), at(0)) && ends_soon(at(0), at(1)));
        assert!(!ends_soon(at(15 * 24 * 60), at(0)));
    }
}
