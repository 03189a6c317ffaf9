//! Taking sales off an Etsy source, and giving units back (X3).
//!
//! Etsy takes absolute numbers alone, and has no counter of what it sold itself. So an adjustment is a goal, which is written
//! over the number that it was set for and over no other; what became of a write without an answer is weighed with the
//! shop's receipts, which is not done here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::errors::is_conflict;
use super::item::{INACTIVE, Item};
use super::keys::Key;
use super::writing::{WRITE, no_inventory};
use super::{Etsy, MOST};
use crate::channel::{Adjustment, Attempt, ChannelError, ErrorKind, Outcome, Repeat, Result};
use crate::domain::{Level, ListingKey, StoredCall};

/// How often a goal is written that meets another write in the same moment.
const ROUNDS: u32 = 2;

/// What is stored of an adjustment: all that makes the goal.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    goals: Vec<Goal>,
}

/// The goal of one listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Goal {
    key: ListingKey,
    delta: i64,
    before: i64,
    /// Whether the listing may be taken out of sight for its last unit (Z2).
    #[serde(default)]
    hide: bool,
}

/// What a live number says of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// This is to be written.
    Write(i64),
    /// The number moved, or would get below 0; or it was sent before.
    Stale,
}

/// Prepares an adjustment. Nothing is sent.
pub(super) fn prepare(batch: &[Adjustment], key: &str) -> Result<StoredCall> {
    let goal = |adjustment: &Adjustment| Goal {
        key: adjustment.key.clone(),
        delta: adjustment.delta.0,
        before: adjustment.before.0,
        hide: adjustment.hide,
    };
    let stored = Stored { goals: batch.iter().map(goal).collect() };
    let body = serde_json::to_string(&stored).map_err(|error| ChannelError::unexpected(WRITE, error.to_string()))?;
    Ok(StoredCall { key: key.to_owned(), body })
}

impl Goal {
    /// Tells whether units come back to a listing that was taken out of sight for its last one. One that its owner took off
    /// with something in it stays there, whichever of its groups they come back to (Z1).
    fn brings_back(&self, item: &Item) -> bool {
        self.before == 0 && 0 < self.delta && item.is(INACTIVE) && item.is_emptied()
    }

    /// Weighs a live number. Once it was sent, no number says what became of it: a sale moves it just as far, and back again
    /// does what is returned. That takes the shop's receipts, which the engine has (X6).
    fn weigh(&self, live: i64, attempt: Attempt) -> Verdict {
        let wanted = self.before.saturating_add(self.delta);
        if attempt == Attempt::First && live == self.before && 0 <= wanted {
            Verdict::Write(wanted)
        } else {
            Verdict::Stale
        }
    }
}

impl Etsy {
    /// Sends a stored adjustment.
    pub(super) async fn send_adjustment(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>> {
        let stored: Stored = serde_json::from_str(&call.body)
            .map_err(|error| ChannelError::unexpected(WRITE, format!("the stored call is damaged: {error}")))?;
        let mut outcomes = Vec::with_capacity(stored.goals.len());
        for goal in &stored.goals {
            outcomes.push(match Key::parse(&goal.key) {
                Some(key) => self.reach(goal, &key, attempt).await?,
                None => Outcome::Gone,
            });
        }
        Ok(outcomes)
    }

    /// Writes a goal. A write that met another one wrote nothing, so that it is weighed as if it were the first.
    async fn reach(&self, goal: &Goal, key: &Key, attempt: Attempt) -> Result<Outcome> {
        for _ in 0..ROUNDS {
            let Some(item) = self.item(key.listing, WRITE).await? else { return Ok(Outcome::Gone) };
            let Some(inventory) = &item.inventory else { return Ok(Outcome::Refused(no_inventory(key.listing))) };
            let Some(group) = inventory.group(&key.group) else { return Ok(Outcome::Gone) };
            let Some(live) = item.level(&group, self.role) else { return Ok(Outcome::Unknown(no_number(key))) };
            let wanted = match goal.weigh(live, attempt) {
                Verdict::Stale => return Ok(Outcome::Stale),
                Verdict::Write(units) if MOST < units => return Ok(Outcome::Refused(too_many(units))),
                Verdict::Write(units) => item.with_emptied(BTreeMap::from([(key.group.clone(), units)])),
            };
            match self.forbidden(&item, &wanted) {
                Some(Outcome::NothingLeft) if goal.hide => return self.empty(&item, WRITE).await,
                Some(outcome) => return Ok(outcome),
                None if goal.brings_back(&item) && self.is_renewed(&item) && !self.fees => {
                    return Ok(Outcome::Refused(self.costs_a_fee(&item, WRITE)));
                }
                None => {}
            }
            if let Some(outcome) = self.make_ready(&item, key, &wanted).await? {
                return Ok(outcome);
            }
            match self.replace(key.listing, inventory, &wanted).await {
                Err(Outcome::Refused(error)) if is_conflict(&error) => {}
                Err(Outcome::Refused(error)) if error.stops_lane() => return Err(error),
                Err(Outcome::NotSent) => break,
                Err(outcome) => return Ok(outcome),
                Ok(after) => {
                    return match after.group(&key.group).and_then(|group| group.level()) {
                        Some(units) if goal.brings_back(&item) => self.shown_with(key, units).await,
                        Some(units) => Ok(Outcome::Done { echo: Some(Level(units)) }),
                        None => Ok(Outcome::Unknown(no_number(key))),
                    };
                }
            }
        }
        Ok(Outcome::NotSent)
    }

    /// Puts a listing on sale again that was emptied, now that it holds something.
    async fn shown_with(&self, key: &Key, units: i64) -> Result<Outcome> {
        Ok(match self.bring_back(key).await? {
            Outcome::Done { .. } => Outcome::Done { echo: Some(Level(units)) },
            outcome => outcome,
        })
    }
}

fn no_number(key: &Key) -> ChannelError {
    ChannelError::unexpected(WRITE, format!("Etsy's answer about {key} comes without one readable quantity"))
}

fn too_many(units: i64) -> ChannelError {
    let words = format!("it would hold {units} units, and Etsy takes no more than {MOST}");
    ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, words)
        .with_next("count where there is no such limit: another channel can be the source")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn goal(before: i64, delta: i64) -> Goal {
        Goal { key: ListingKey::new("110"), delta, before, hide: false }
    }

    // proves X3, X6: without a counter, a goal is written over the number that it was set for, and once.
    #[test]
    fn a_goal_is_written_only_over_the_number_that_it_was_set_for() {
        let goal = goal(10, -2);
        assert_eq!(goal.weigh(10, Attempt::First), Verdict::Write(8));
        assert_eq!(goal.weigh(8, Attempt::First), Verdict::Stale, "somebody else wrote just that number");
        for live in [0, 7, 8, 9, 10, 11] {
            assert_eq!(goal.weigh(live, Attempt::Again), Verdict::Stale, "{live}");
        }
    }

    proptest! {
        // proves X3, W6: however often it is sent, it is applied once or not at all, and never below 0.
        #[test]
        fn a_goal_is_applied_once(before in 0_i64..50, delta in -20_i64..20, attempts in 1_usize..5) {
            let goal = goal(before, delta);
            let mut live = before;
            for nth in 0..attempts {
                let attempt = if nth == 0 { Attempt::First } else { Attempt::Again };
                if let Verdict::Write(units) = goal.weigh(live, attempt) {
                    live = units;
                }
            }
            prop_assert_eq!(live, if before + delta < 0 { before } else { before + delta });
        }

        #[test]
        fn no_number_makes_it_panic(before in any::<i64>(), delta in any::<i64>(), live in any::<i64>()) {
            for attempt in [Attempt::First, Attempt::Again] {
                if let Verdict::Write(units) = goal(before, delta).weigh(live, attempt) {
                    prop_assert!(0 <= units);
                }
            }
        }
    }
}
