//! Reading target listings in turn, where reading all of them is too dear for every cycle (Y4).
//!
//! A full scan once a day reads every listing, and tells of new ones and of changed facts as well. What shows few units
//! must be looked at every hour: a number there that is not ours is a sale of goods that are gone. A list of changes does
//! not count as looking: it says nothing of what it does not show, it trails behind, and a platform may lose an entry of
//! it; the hour is there for just that.

use jiff::{SignedDuration, Timestamp};

use super::observe::later;
use super::quota::Quota;

/// The most units that are few; an unknown number is few too.
pub const FEW: i64 = 3;
/// How old the reading of a listing may get.
pub const SCAN_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How old the reading of one that shows few units may get.
const FEW_AGE: SignedDuration = SignedDuration::from_hours(1);
/// A quota of a day that a platform gives to small programs.
const SMALL_QUOTA: u64 = 5_000;
/// Calls of a full reading beyond those for what is linked: for what is hidden, or sold out.
const OTHER_LISTS: u64 = 2;
const DAY: u64 = 24 * 60 * 60;
/// From this age on it may be read ahead of its time, so that what was read at once does not fall due at once; at a slow
/// pace a little earlier, so that a run falls between *may* and *must*.
const READY_AGE: SignedDuration = SignedDuration::from_mins(30);

/// The listings of a channel that show few units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Few {
    /// All that are linked.
    pub all: usize,
    /// Those of them that may be read now.
    pub ready: usize,
    /// Those of them that must be read now.
    pub due: usize,
}

/// When a listing was last read that may be read again now, and one that must be: at this moment or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// May be read.
    pub ready: Timestamp,
    /// Must be read.
    pub due: Timestamp,
}

impl Ages {
    /// Works them out for listings that show few units, at a pace of runs. What was read in this very cycle never counts
    /// as old, however slow the pace is.
    pub fn few(now: Timestamp, pace: SignedDuration) -> Self {
        let before_this_cycle = later(now, -(pace / 2));
        let due = due(now, pace, FEW_AGE).min(before_this_cycle);
        let ready = later(now, (pace / 4).saturating_sub(READY_AGE)).min(before_this_cycle);
        Self { ready: ready.max(due), due }
    }
}

/// Returns how old a full reading of a source may get whose platform tells in no other way what changed there: as young as
/// half of a day's calls allows, the rest being for orders and for writing. Where the platform did not tell of its quota yet,
/// it is taken for a small one.
pub fn scan_age(calls: usize, quota: Option<Quota>) -> SignedDuration {
    let most = quota.map_or(SMALL_QUOTA, |quota| quota.most).max(2);
    let calls = u64::try_from(calls).unwrap_or(u64::MAX).saturating_add(OTHER_LISTS);
    let seconds = calls.saturating_mul(DAY).div_ceil(most / 2);
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)).min(SCAN_AGE)
}

/// Tells whether a reading that began then would be too old before the next run has had its turn.
pub fn is_due(read: Timestamp, now: Timestamp, pace: SignedDuration, age: SignedDuration) -> bool {
    read <= due(now, pace, age)
}

fn due(now: Timestamp, pace: SignedDuration, age: SignedDuration) -> Timestamp {
    later(now, punctual(pace).saturating_sub(age))
}

/// Returns by when the next run has had its turn: no crontab is punctual.
fn punctual(pace: SignedDuration) -> SignedDuration {
    pace.saturating_add(pace / 4)
}

/// Returns how many listings are read in this cycle, the oldest reading first.
///
/// What must be read is read, whatever it costs. Beyond that, only full calls go out, and no more of them than it takes
/// to read all listings within the half hour that lies between *may* and *must*: so a shop with 5,000 such listings costs
/// one call of 250 a cycle at a pace of a minute and at most thirteen a run every 15 minutes, and what was linked at the
/// same moment is spread over half an hour from then on. A shop whose listings fit in one call costs one an hour.
pub fn in_turn(few: Few, pace: SignedDuration, batch: usize) -> usize {
    let batch = batch.max(1);
    let share = punctual(pace).as_secs_f64() / READY_AGE.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "it counts calls, roughly")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the conversion saturates")]
    let most = (few.all as f64 / batch as f64 * share).ceil() as usize;
    let calls = few.due.div_ceil(batch).max(most.min(few.ready / batch));
    calls.saturating_mul(batch).min(few.ready)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// Listings by their last readings, in seconds; they are read as a cycle reads them.
    struct Shop {
        read: Vec<i64>,
        batch: usize,
        pace: i64,
    }

    impl Shop {
        /// Makes a cycle; returns how many calls it cost.
        fn cycle(&mut self, now: i64) -> usize {
            let pace = SignedDuration::from_secs(self.pace);
            let ages = Ages::few(at(now), pace);
            let until = |moment| self.read.iter().filter(|read| at(**read) <= moment).count();
            let few = Few { all: self.read.len(), ready: until(ages.ready), due: until(ages.due) };
            let turn = in_turn(few, pace, self.batch);
            self.read.sort_unstable();
            self.read[..turn].fill(now);
            turn.div_ceil(self.batch)
        }

        /// Returns how many calls a cycle may cost.
        fn most(&self) -> usize {
            let calls = self.read.len().div_ceil(self.batch);
            let half_hour = 1800 * 4 / 5;
            (self.read.len() * usize::try_from(self.pace).unwrap()).div_ceil(self.batch * half_hour).min(calls).max(1)
        }
    }

    proptest! {
        // proves Y4: at any pace up to three quarters of an hour, and with runs that come up to a quarter late, no reading
        // is ever older than an hour; and no cycle costs more than twice its share of calls, which it may where runs came late.
        #[test]
        fn no_reading_is_older_than_an_hour(
            count in 1_usize..400,
            batch in 1_usize..50,
            pace in prop_oneof![Just(60), Just(300), Just(900), Just(1800), 20_i64..2700],
            late in prop::collection::vec(0_i64..=25, 40),
            ages in prop::collection::vec(0_i64..900, 0..400),
        ) {
            let read = (0..count).map(|nth| ages.get(nth).map_or(0, |age| -age)).collect();
            let mut shop = Shop { read, batch, pace };
            let mut now = 0;
            let most = 2 * shop.most();
            for late in late.iter().cycle().take(400) {
                now += pace + pace * late / 100;
                let oldest = now - shop.read.iter().min().unwrap();
                prop_assert!(oldest <= 3600 || now < 3600, "{oldest} seconds");
                let calls = shop.cycle(now);
                prop_assert!(calls <= most, "{calls} calls of at most {most}");
            }
        }

        // proves Y4: after a pause everything that is too old is read at once.
        #[test]
        fn what_is_too_old_is_read_now(all in 0_usize..5000, due in 0_usize..5000, batch in 0_usize..500, pace in 0_i64..100_000) {
            let (ready, due) = (all, due.min(all));
            let turn = in_turn(Few { all, ready, due }, SignedDuration::from_secs(pace), batch);
            prop_assert!(due <= turn && turn <= ready);
        }
    }

    // proves Y4: reading a source in full costs no more than half of a day's calls, and happens at least once a day.
    #[test]
    fn a_source_is_read_in_full_as_often_as_its_quota_allows() {
        let quota = |most| Some(Quota { most, left: most, refills: at(86_400) });
        assert_eq!(scan_age(1, quota(10_000)).as_secs(), 52);
        assert_eq!(scan_age(5, quota(5_000)).as_secs(), 242);
        assert_eq!(scan_age(5, None), scan_age(5, quota(5_000)));
        for calls in [1, 7, 100, 5_000] {
            for most in [0, 1, 100, 5_000, 100_000] {
                let age = scan_age(calls, quota(most));
                let cost = (calls as u64 + OTHER_LISTS) * DAY / u64::try_from(age.as_secs()).unwrap();
                assert!(age == SCAN_AGE || cost <= most / 2, "{calls} calls of {most}: {age:?}");
            }
        }
    }

    // proves Y4: what fits in one call costs one an hour, and a large shop no more than its share a cycle.
    #[test]
    fn a_call_goes_out_full_or_late() {
        let calls = |count, pace, hours: i64| {
            let mut shop = Shop { read: vec![0; count], batch: 250, pace };
            (1..=hours * 3600 / pace).map(|nth| shop.cycle(nth * pace)).collect::<Vec<_>>()
        };
        let hourly = calls(40, 60, 10);
        assert_eq!(hourly.iter().sum::<usize>(), 10);
        let large = calls(5000, 60, 10);
        assert_eq!(large.iter().max(), Some(&1), "{large:?}");
        assert!(large.iter().sum::<usize>() <= 400, "{large:?}");
        let cron = calls(5000, 900, 10);
        assert_eq!(cron.iter().max(), Some(&13), "{cron:?}");
    }

    #[test]
    fn what_was_read_in_this_cycle_is_not_read_again() {
        for pace in [1, 60, 900, 3600, 86_400] {
            let ages = Ages::few(at(0), SignedDuration::from_secs(pace));
            assert!(ages.due <= ages.ready && ages.ready < at(0), "{pace} seconds");
        }
        assert!(is_due(at(0), at(86_400 - 75), SignedDuration::from_mins(1), SCAN_AGE));
        assert!(!is_due(at(0), at(86_400 - 76), SignedDuration::from_mins(1), SCAN_AGE));
    }
}
