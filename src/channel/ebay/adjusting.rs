//! Taking sales off an eBay source, and giving units back (X3).
//!
//! eBay takes absolute numbers alone, so an adjustment is a goal: what was there before, with the change, less what eBay
//! itself sold since. Its counter of sold units tells that exactly, paid or not. The goal is compared with what is there
//! before the write; afterwards the listing is read again with its counter, as for every goal: a sale that fell between
//! the reading and the write was run over, and the counter shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Ebay;
use super::item::{Item, Part};
use super::keys::Key;
use super::quantity::{Available, Sold, Stock};
use super::trading::WRITE;
use super::writing::{Entry, failed};
use crate::channel::{Adjustment, Attempt, ChannelError, Outcome, Result};
use crate::domain::{Level, ListingKey, Quantity, StoredCall};
use crate::net::Again;

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
    /// What the counter said at the reading of `before`; `None` where that is not known.
    counter: Option<i64>,
}

/// What a live number says of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is reached.
    Reached(i64),
    /// It is not, and this is to be written.
    Write(i64),
    /// The number is neither the one before nor the goal.
    Stale,
}

/// Prepares an adjustment. Nothing is sent.
pub(super) fn prepare(batch: &[Adjustment], key: &str) -> Result<StoredCall> {
    let goal = |adjustment: &Adjustment| Goal {
        key: adjustment.key.clone(),
        delta: adjustment.delta.0,
        before: adjustment.before.0,
        counter: adjustment.counter,
    };
    let stored = Stored { goals: batch.iter().map(goal).collect() };
    let body = serde_json::to_string(&stored).map_err(|error| ChannelError::unexpected(WRITE, error.to_string()))?;
    Ok(StoredCall { key: key.to_owned(), body })
}

impl Goal {
    /// Weighs a live number.
    ///
    /// A number that shows the goal although nothing was sent yet is somebody else's work, and the units are still owed.
    /// What would get below 0 is worked out anew, so that the rest stays owed (W6). Without the counter, only a number
    /// that did not move at all says something.
    fn weigh(&self, live: Stock, attempt: Attempt) -> Verdict {
        let now = live.available.units();
        let Some(earlier) = self.counter.map(Sold) else {
            let wanted = self.before.saturating_add(self.delta);
            return if now == self.before && 0 <= wanted { Verdict::Write(wanted) } else { Verdict::Stale };
        };
        let untouched = self.before.saturating_sub(live.sold.since(earlier));
        let wanted = untouched.saturating_add(self.delta);
        match attempt {
            Attempt::Again if now == wanted => Verdict::Reached(wanted),
            _ if now == untouched && 0 <= wanted => Verdict::Write(wanted),
            _ => Verdict::Stale,
        }
    }
}

impl Ebay {
    /// Sends a stored adjustment. A goal may be sent again as often as one likes: what is reached is not written.
    pub(super) async fn send_adjustment(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>> {
        let stored: Stored = serde_json::from_str(&call.body)
            .map_err(|error| ChannelError::unexpected(WRITE, format!("the stored call is damaged: {error}")))?;
        let keys: Vec<Option<Key>> = stored.goals.iter().map(|goal| Key::parse(&goal.key)).collect();
        let mut outcomes = vec![Outcome::Gone; stored.goals.len()];
        let items = self.read_items(keys.iter().flatten()).await?;
        let mut open = Vec::new();
        for (place, (goal, key)) in stored.goals.iter().zip(&keys).enumerate() {
            let Some(key) = key else { continue };
            let Some(part) = part_of(&items, key) else { continue };
            let Some(live) = part.stock else {
                outcomes[place] = Outcome::Unknown(no_number(key));
                continue;
            };
            match goal.weigh(live, attempt) {
                Verdict::Reached(level) => outcomes[place] = Outcome::Done { echo: Some(Level(level)) },
                Verdict::Stale => outcomes[place] = Outcome::Stale,
                Verdict::Write(wanted) => open.push(entry(place, key, wanted)),
            }
        }
        self.write_goals(open, &mut outcomes).await;
        Ok(outcomes)
    }

    /// Writes the numbers of goals.
    async fn write_goals(&self, entries: Vec<Entry>, outcomes: &mut [Outcome]) {
        let places: Vec<usize> = entries.iter().map(|entry| entry.place).collect();
        if places.is_empty() {
            return;
        }
        let mut written = match self.write_entries(entries, Again::IfNeverSent).await {
            Ok(written) => written,
            Err(error) => places.iter().map(|place| (*place, failed(error.clone()))).collect(),
        };
        for place in places {
            outcomes[place] = written.remove(&place).unwrap_or(Outcome::NotSent);
        }
    }

    /// Reads listings as they are now, each once.
    async fn read_items<'a>(&self, keys: impl Iterator<Item = &'a Key>) -> Result<BTreeMap<String, Option<Item>>> {
        let mut items = BTreeMap::new();
        for key in keys {
            if !items.contains_key(&key.item) {
                let item = self.trading.item(&key.item).await.inspect_err(|error| self.heed(error))?;
                self.note_skus(item.as_slice());
                items.insert(key.item.clone(), item);
            }
        }
        Ok(items)
    }
}

fn entry(place: usize, key: &Key, wanted: i64) -> Entry {
    let quantity = Available::to_show(Quantity::at_least_zero(wanted));
    Entry { place, key: key.clone(), quantity, raise: false }
}

/// Finds a listing that is still up, or a variation of it.
fn part_of<'a>(items: &'a BTreeMap<String, Option<Item>>, key: &Key) -> Option<&'a Part> {
    items.get(&key.item)?.as_ref().filter(|item| item.ended.is_none())?.part(key)
}

fn no_number(key: &Key) -> ChannelError {
    ChannelError::unexpected(WRITE, format!("eBay's answer about {key} comes without Quantity or QuantitySold"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::channel::ebay::quantity::Total;

    fn goal(before: i64, delta: i64, counter: Option<i64>) -> Goal {
        Goal { key: ListingKey::new("110"), delta, before, counter }
    }

    fn live(available: i64, sold: i64) -> Stock {
        Stock::of_total(Total(available + sold), Sold(sold))
    }

    // proves X3: what eBay sold itself since is not given back, and a goal that is reached is not written again.
    #[test]
    fn a_goal_goes_down_with_what_was_sold_since() {
        let goal = goal(10, -2, Some(40));
        assert_eq!(goal.weigh(live(10, 40), Attempt::First), Verdict::Write(8));
        assert_eq!(goal.weigh(live(7, 43), Attempt::First), Verdict::Write(5));
        assert_eq!(goal.weigh(live(5, 43), Attempt::Again), Verdict::Reached(5));
        assert_eq!(goal.weigh(live(7, 43), Attempt::Again), Verdict::Write(5));
        assert_eq!(
            goal.weigh(live(6, 43), Attempt::Again),
            Verdict::Stale,
            "a sale run over, or a unit that came back"
        );
        assert_eq!(goal.weigh(live(9, 40), Attempt::Again), Verdict::Stale, "the owner wrote it");
        assert_eq!(goal.weigh(live(8, 40), Attempt::First), Verdict::Stale, "somebody else wrote just that number");
        assert_eq!(goal.weigh(live(1, 49), Attempt::First), Verdict::Stale, "there is only one left to take off");
    }

    // proves X3, P1: without the counter, a number that moved proves nothing.
    #[test]
    fn without_the_counter_only_an_unmoved_number_counts() {
        let goal = goal(10, -2, None);
        assert_eq!(goal.weigh(live(10, 40), Attempt::Again), Verdict::Write(8));
        for now in [7, 8, 9, 11] {
            assert_eq!(goal.weigh(live(now, 40), Attempt::Again), Verdict::Stale, "{now}");
        }
    }

    proptest! {
        #[test]
        fn no_number_makes_it_panic(before in any::<i64>(), delta in any::<i64>(), counter in any::<Option<i64>>(), now in any::<i64>(), sold in any::<i64>()) {
            let goal = goal(before, delta, counter);
            let stock = Stock { available: Available::told(now), sold: Sold(sold) };
            for attempt in [Attempt::First, Attempt::Again] {
                if let Verdict::Write(wanted) = goal.weigh(stock, attempt) {
                    prop_assert!(0 <= wanted);
                }
            }
        }
    }
}
