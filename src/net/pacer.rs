//! When the next call may leave: a bucket that refills, corrected by what the platform just said.
//!
//! A pure state machine: the time is an argument. Each platform has a bucket of another shape, but all can be told as
//! so much at most, so much left, so much each second; what the platform reports counts, not what we assumed.

use std::time::Duration;

use tokio::time::Instant;

use super::Budget;

/// The least wait after the platform told us to slow down without saying for how long.
const THROTTLED: Duration = Duration::from_secs(1);
/// The longest wait that is worth planning.
const LONGEST: Duration = Duration::from_hours(1);

/// Decides when the next call may leave.
#[derive(Clone, Debug)]
pub struct Pacer {
    budget: Budget,
    as_of: Instant,
    not_before: Option<Instant>,
}

impl Pacer {
    /// Begins with an assumed bucket.
    pub fn new(assumed: Budget, now: Instant) -> Self {
        Self { budget: assumed, as_of: now, not_before: None }
    }

    /// Returns how long a call of this cost has to wait.
    pub fn wait(&self, now: Instant, cost: f64) -> Duration {
        let missing = cost.min(self.budget.most) - self.left(now);
        let refill = if missing <= 0.0 { 0.0 } else { missing / self.budget.per_second.max(f64::MIN_POSITIVE) };
        let refill = Duration::try_from_secs_f64(refill).unwrap_or(LONGEST).min(LONGEST);
        let barrier = self.not_before.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        refill.max(barrier)
    }

    /// Notes that a call leaves.
    pub fn spend(&mut self, now: Instant, cost: f64) {
        self.budget.left = self.left(now) - cost;
        self.as_of = now;
    }

    /// Takes over what the platform said of its bucket.
    pub fn told(&mut self, now: Instant, budget: Budget) {
        let sane = budget.most > 0.0 && budget.per_second > 0.0 && budget.left.is_finite();
        if sane {
            self.budget = budget;
            self.as_of = now;
        }
    }

    /// Notes that the platform told us to slow down.
    pub fn throttled(&mut self, now: Instant, hint: Option<Duration>) {
        let until = now + hint.unwrap_or(THROTTLED).max(THROTTLED).min(LONGEST);
        self.not_before = self.not_before.max(Some(until));
    }

    fn left(&self, now: Instant) -> f64 {
        let refilled = now.saturating_duration_since(self.as_of).as_secs_f64() * self.budget.per_second;
        (self.budget.left + refilled).min(self.budget.most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BUCKET: Budget = Budget { most: 2000.0, left: 312.0, per_second: 100.0, cost: None };

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_until_the_bucket_holds_its_cost() {
        let now = Instant::now();
        let pacer = Pacer::new(BUCKET, now);
        assert_eq!(pacer.wait(now, 300.0), Duration::ZERO);
        assert_eq!(pacer.wait(now, 530.0), Duration::from_millis(2180));
        assert_eq!(pacer.wait(now + Duration::from_secs(3), 530.0), Duration::ZERO);
    }

    // proves F2: the platform's own word counts, and at least a second where it gave none.
    #[tokio::test(start_paused = true)]
    async fn a_throttle_is_waited_out() {
        let now = Instant::now();
        let mut pacer = Pacer::new(BUCKET, now);
        pacer.throttled(now, None);
        assert_eq!(pacer.wait(now, 1.0), Duration::from_secs(1));
        pacer.throttled(now, Some(Duration::from_secs(7)));
        assert_eq!(pacer.wait(now, 1.0), Duration::from_secs(7));
    }

    proptest! {
        #[test]
        fn no_number_makes_it_wait_for_ever_or_panic(most in any::<f64>(), left in any::<f64>(), rate in any::<f64>(), cost in any::<f64>()) {
            let now = Instant::now();
            let mut pacer = Pacer::new(BUCKET, now);
            pacer.told(now, Budget { most, left, per_second: rate, cost: None });
            pacer.spend(now, cost);
            prop_assert!(pacer.wait(now, cost) <= LONGEST);
        }
    }
}
