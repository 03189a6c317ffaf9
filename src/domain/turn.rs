//! How often listings are read where reading all of them is too dear for every cycle (Y4): those of a target in turn, those
//! of a source that tells of no changes in full, as often as its platform's quota allows.
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
pub const FEW_AGE: SignedDuration = SignedDuration::from_hours(1);
/// A quota of a day that a platform gives to small programs.
const SMALL_QUOTA: u64 = 5_000;
/// Calls of a full reading beyond those for what is linked: for the lists of what is hidden, sold out, or over.
const OTHER_LISTS: usize = 3;
/// A day, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;
/// The part of a pace by which a run may come early and still count as punctual.
const EARLY: u64 = 4;
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

/// Guesses how many calls a full reading takes of which none was counted yet.
pub fn guessed_calls(linked: usize, batch: usize) -> usize {
    linked.div_ceil(batch.max(1)).saturating_add(OTHER_LISTS)
}

/// Returns how many calls a day a platform allows. Where it did not tell of its quota yet, that is taken for a small one.
pub fn calls_a_day(quota: Option<Quota>) -> u64 {
    quota.map_or(SMALL_QUOTA, |quota| quota.most)
}

/// Returns how old a full reading of a source may get whose platform tells in no other way what changed there: as young as
/// half of a day's calls allows, less the one for orders that each run takes; the other half is for writing, and for what
/// has to be asked twice. `calls` is what a full reading takes.
///
/// It is a whole number of paces, rounded up, since a reading can only fall into a run; and so far up that runs may come a
/// little early. Once a day it is read whatever that takes.
pub fn scan_age(calls: usize, quota: Option<Quota>, pace: SignedDuration) -> SignedDuration {
    let pace = millis(pace);
    let for_readings = (calls_a_day(quota) / 2).saturating_sub(DAY.div_ceil(pace));
    let readings = for_readings / u64::try_from(calls).unwrap_or(u64::MAX).max(1);
    let apart = DAY.div_ceil(readings.max(1)).saturating_add(pace / EARLY).div_ceil(pace).saturating_mul(pace);
    SignedDuration::from_millis(i64::try_from(apart).unwrap_or(i64::MAX)).min(SCAN_AGE)
}

/// Returns how many calls of a day go into full readings that are so far apart.
pub fn spent_a_day(calls: usize, apart: SignedDuration) -> u64 {
    (DAY / millis(apart)).max(1).saturating_mul(u64::try_from(calls).unwrap_or(u64::MAX))
}

/// Tells whether a reading that began then is as old as it is to get: not a run too early, which would take calls that are
/// meant for something else.
pub fn is_old(read: Timestamp, now: Timestamp, pace: SignedDuration, age: SignedDuration) -> bool {
    let early = SignedDuration::from_millis(i64::try_from(millis(pace) / EARLY).unwrap_or(i64::MAX));
    age.saturating_sub(early) <= now.duration_since(read)
}

fn millis(span: SignedDuration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or_default().max(1)
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

    fn quota(most: u64) -> Quota {
        Quota { most, left: most, refills: at(86_400) }
    }

    /// Lives so many days with a source, at runs that come so many hundredths of a pace early or late; returns when it was
    /// read in full, in milliseconds.
    fn read_in_full(calls: usize, most: u64, pace: u64, late: &[i64], days: u64) -> Vec<u64> {
        let moment = |millis: u64| at(0) + SignedDuration::from_millis(i64::try_from(millis).unwrap());
        let span = SignedDuration::from_millis(i64::try_from(pace).unwrap());
        let age = scan_age(calls, Some(quota(most)), span);
        let mut read = vec![0];
        for (nth, late) in (1..days * DAY / pace).zip(late.iter().cycle()) {
            let now = (nth * pace).saturating_add_signed(i64::try_from(pace).unwrap() / 100 * late);
            let last = *read.last().unwrap();
            let due = is_due(moment(last), moment(now), span, SCAN_AGE);
            if due || is_old(moment(last), moment(now), span, age) {
                read.push(now);
            }
        }
        read
    }

    proptest! {
        // proves Y4: with the call for orders that each run takes, the full readings of a source take no more than half of
        // the calls of any day, whatever part of a day a pace is; and they happen at least once a day, whatever that takes.
        #[test]
        fn half_of_a_days_calls_is_enough_to_read_a_source(
            calls in prop_oneof![1_usize..50, 50_usize..6000],
            most in prop_oneof![Just(5_000_u64), Just(10_000), 1_u64..100_000],
            pace in prop_oneof![Just(20_u64), Just(60), Just(300), Just(900), 20_u64..=2700],
            late in prop::collection::vec(0_i64..=12, 1..40),
        ) {
            let pace = pace * 1000;
            let read = read_in_full(calls, most, pace, &late, 3);
            let half = (most / 2).saturating_sub(DAY / pace);
            for (nth, from) in read.iter().enumerate() {
                let that_day = read.partition_point(|at| *at < from + DAY) - nth;
                let spent = (that_day * calls) as u64;
                // Twice, where a run fell a little before the day was over.
                prop_assert!(spent <= half || that_day <= 2, "{spent} calls of {half} within a day");
            }
            let last = 3 * DAY - pace;
            let gaps = read.iter().zip(read.iter().skip(1).chain([&last]));
            for (from, to) in gaps {
                prop_assert!(to.saturating_sub(*from) <= DAY, "not read from {from} to {to}");
            }
        }
    }

    // proves Y4: a small shop is read every few minutes, what hides three thousand expired listings less often, and what
    // has no calls for that once a day.
    #[test]
    fn a_source_is_read_in_full_as_often_as_its_quota_allows() {
        let minutes =
            |calls, most, pace| scan_age(calls, Some(quota(most)), SignedDuration::from_secs(pace)).as_secs() / 60;
        assert_eq!((minutes(4, 5_000, 60), minutes(4, 10_000, 60)), (6, 2));
        assert_eq!((minutes(8, 5_000, 60), minutes(8, 5_000, 900)), (12, 15));
        assert_eq!((minutes(39, 5_000, 60), minutes(39, 5_000, 600)), (54, 30));
        assert_eq!((minutes(8, 5_000, 20), minutes(3_000, 5_000, 900), minutes(4, 0, 60)), (1440, 1440, 1440));
        let (pace, age) = (SignedDuration::from_mins(1), SignedDuration::from_mins(12));
        assert_eq!(scan_age(8, None, pace), age);
        assert_eq!((spent_a_day(8, age), spent_a_day(8, SCAN_AGE)), (960, 8));
        assert!(is_old(at(0), at(705), pace, age) && !is_old(at(0), at(704), pace, age));
        assert_eq!((guessed_calls(0, 100), guessed_calls(101, 100), guessed_calls(5, 0)), (3, 5, 8));
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
