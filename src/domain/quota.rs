//! What is left of a platform's quota of calls, and what it may still be spent on (Y4).
//!
//! A platform that counts the calls of a day answers nothing once they are used up: no sale is seen any more, and what it
//! leaves is lowered nowhere. So what can wait gives way long before that. Kept is a quarter of the whole quota, which at
//! any moment is a quarter of what is left, and more.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::observe::later;

/// Calls that one cycle takes where something was sold: orders, changed quantities, a lowering, and a second look.
const CYCLE: u64 = 4;

/// A platform's quota of calls, as it told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The calls that it allows from one refill to the next.
    pub most: u64,
    /// Those that are left.
    pub left: u64,
    /// When it is full again, by the channel's clock.
    pub refills: Timestamp,
}

/// What calls are spent on. What comes later here gives way earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spending {
    /// Reading orders.
    Orders,
    /// Writing less than is shown.
    Lowerings,
    /// Writing more than is shown.
    Raises,
    /// Reading all listings of a source, where nothing else tells what its owner changed there. They are as far apart as the
    /// quota allows, so that what else a busy day takes stops them a little later.
    SourceReadings,
    /// Reading all listings, or many of them by key.
    FullReadings,
}

impl Quota {
    /// Tells whether so many calls may be spent on something.
    pub fn allows(&self, spending: Spending, calls: u64) -> bool {
        let Some(after) = self.left.checked_sub(calls) else { return false };
        match spending {
            Spending::Orders | Spending::Lowerings => true,
            Spending::Raises => self.kept() <= after,
            Spending::SourceReadings => self.kept() <= after && self.most.saturating_mul(3).div_ceil(8) <= self.left,
            Spending::FullReadings => self.kept() <= after && self.most.div_ceil(2) <= self.left,
        }
    }

    /// Returns when orders may be read again that were last read then: at once while there is more than what is kept, and
    /// then so much later that what is left lasts to the refill.
    pub fn next_reading(&self, read: Timestamp) -> Timestamp {
        if self.kept() <= self.left {
            return read;
        }
        let rest = self.refills.duration_since(read).max(SignedDuration::ZERO);
        let cycles = i32::try_from(self.left / CYCLE).unwrap_or(i32::MAX);
        later(read, rest / cycles.saturating_add(1))
    }

    fn kept(&self) -> u64 {
        self.most.div_ceil(4)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn quota(most: u64, left: u64) -> Quota {
        Quota { most, left, refills: at(86_400) }
    }

    proptest! {
        // proves Y4: a quarter of what is left is kept for orders and lowerings, whatever the rest is spent on.
        #[test]
        fn a_quarter_is_kept(most in 0_u64..100_000, used in 0_u64..100_000, calls in 0_u64..10_000) {
            let left = most.saturating_sub(used);
            for spending in [Spending::Raises, Spending::SourceReadings, Spending::FullReadings] {
                if quota(most, left).allows(spending, calls) {
                    prop_assert!(left <= 4 * (left - calls));
                }
            }
            prop_assert_eq!(quota(most, left).allows(Spending::Orders, calls), calls <= left);
            prop_assert_eq!(quota(most, left).allows(Spending::Lowerings, calls), calls <= left);
        }

        // proves Y4: full readings give way first, then raises, then the pace.
        #[test]
        fn what_can_wait_gives_way_in_order(most in 4_u64..100_000, used in 0_u64..100_000, calls in 0_u64..10_000) {
            let quota = quota(most, most.saturating_sub(used));
            let source = quota.allows(Spending::SourceReadings, calls);
            prop_assert!(!quota.allows(Spending::FullReadings, calls) || source);
            prop_assert!(!source || quota.allows(Spending::Raises, calls));
            prop_assert!(!quota.allows(Spending::Raises, calls) || quota.allows(Spending::Lowerings, calls));
            prop_assert!(!quota.allows(Spending::Raises, calls) || quota.next_reading(at(0)) == at(0));
            let pairs = [(most, true, true), (most * 3 / 8 + 1, false, true), (most / 4 - 1, false, false)];
            for (left, full, raises) in pairs.into_iter().filter(|_| 16 < most) {
                let quota = Quota { left, ..quota };
                prop_assert_eq!(quota.allows(Spending::FullReadings, 1), full);
                prop_assert_eq!(quota.allows(Spending::Raises, 1), raises);
                prop_assert!(quota.allows(Spending::Orders, 1) || left == 0);
            }
        }

        // proves Y4: at the pace that it is held to, what is left lasts to the refill.
        #[test]
        fn what_is_left_lasts_to_the_refill(most in 100_u64..100_000, part in 0_u64..25, from in 0_i64..86_000) {
            let mut quota = quota(most, most * part / 100);
            let (mut now, mut read) = (from, from);
            while now < 86_400 {
                if quota.next_reading(at(read)) <= at(now) {
                    prop_assert!(CYCLE <= quota.left, "nothing is left {} seconds before the refill", 86_400 - now);
                    quota.left -= CYCLE;
                    read = now;
                }
                now += 60;
            }
        }
    }
}
