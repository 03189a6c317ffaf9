//! What really happened. Tests ask here what each number must be; nothing of the program under test is asked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::world::World;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// In which shop.
    pub shop: String,
    /// What.
    pub deed: Deed,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A buyer bought. `below_zero` of the units were not there.
    Sold { order: u64, line: u64, sku: String, units: i64, below_zero: i64 },
    /// A buyer found it sold out.
    TurnedAway { sku: String, units: i64 },
    /// Units of a line were cancelled before they were sent.
    Cancelled { order: u64, line: u64, sku: String, units: i64, restocked: bool },
    /// Units of a line came back after they were sent.
    Returned { order: u64, line: u64, sku: String, units: i64, restocked: bool },
    /// Units were taken out of a line by an edit of the order.
    Removed { order: u64, line: u64, sku: String, units: i64, restocked: bool },
    /// Units of a line were sent.
    Shipped { order: u64, line: u64, sku: String, units: i64 },
    /// A number was written.
    Wrote { who: Who, sku: String, location: u64, from: i64, to: i64, key: Option<String> },
    /// A number was changed by so much.
    Adjusted { who: Who, sku: String, location: u64, delta: i64, key: Option<String> },
    /// A listing changed in another way: "renamed to …", "archived", "untracked".
    Listing { who: Who, sku: String, what: String },
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The shop's owner, by hand.
    Owner,
    /// The program under test.
    App,
    /// Some other program.
    OtherApp,
}

/// What became of one SKU in one shop, summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Units sold.
    pub sold: i64,
    /// Of those, units that were not there.
    pub below_zero: i64,
    /// Units that buyers wanted and did not get.
    pub turned_away: i64,
    /// Units cancelled or taken out before they were sent.
    pub cancelled: i64,
    /// Units that came back after they were sent.
    pub returned: i64,
    /// Units put back on the shelf, of those cancelled, taken out or returned.
    pub restocked: i64,
    /// What the owner and other programs changed, by hand or by number.
    pub by_others: i64,
    /// What the program under test changed by deltas.
    pub adjusted: i64,
    /// What the program under test changed by writing numbers.
    pub written: i64,
    /// Writes of the program under test.
    pub writes: usize,
}

impl Truth {
    /// Returns the units that are gone for good or still on their way: what a source has to give for this shop.
    pub fn owed(&self) -> i64 {
        self.sold - self.restocked
    }

    /// Returns what must be available now, from what there was at first.
    pub fn expected(&self, at_first: i64) -> i64 {
        at_first - self.sold + self.restocked + self.by_others + self.adjusted + self.written
    }

    fn add(&mut self, deed: &Deed) {
        match deed {
            Deed::Sold { units, below_zero, .. } => {
                self.sold += units;
                self.below_zero += below_zero;
            }
            Deed::TurnedAway { units, .. } => self.turned_away += units,
            Deed::Cancelled { units, restocked, .. } | Deed::Removed { units, restocked, .. } => {
                self.cancelled += units;
                self.restocked += if *restocked { *units } else { 0 };
            }
            Deed::Returned { units, restocked, .. } => {
                self.returned += units;
                self.restocked += if *restocked { *units } else { 0 };
            }
            Deed::Wrote { who: Who::App, from, to, .. } => {
                self.written += to - from;
                self.writes += 1;
            }
            Deed::Adjusted { who: Who::App, delta, .. } => {
                self.adjusted += delta;
                self.writes += 1;
            }
            Deed::Wrote { from, to, .. } => self.by_others += to - from,
            Deed::Adjusted { delta, .. } => self.by_others += delta,
            Deed::Shipped { .. } | Deed::Listing { .. } => {}
        }
    }
}

impl Deed {
    /// Returns the SKU it is about, as it was at the time.
    pub fn sku(&self) -> &str {
        match self {
            Self::Sold { sku, .. }
            | Self::TurnedAway { sku, .. }
            | Self::Cancelled { sku, .. }
            | Self::Returned { sku, .. }
            | Self::Removed { sku, .. }
            | Self::Shipped { sku, .. }
            | Self::Wrote { sku, .. }
            | Self::Adjusted { sku, .. }
            | Self::Listing { sku, .. } => sku,
        }
    }
}

impl World {
    /// Sums up what became of one SKU in one shop.
    pub fn truth(&self, shop: &str, sku: &str) -> Truth {
        self.truths(shop).remove(sku).unwrap_or_default()
    }

    /// Sums up what became of every SKU in one shop that something happened to.
    pub fn truths(&self, shop: &str) -> BTreeMap<String, Truth> {
        let mut truths = BTreeMap::<String, Truth>::new();
        for event in self.events.iter().filter(|event| event.shop == shop) {
            truths.entry(event.deed.sku().to_owned()).or_default().add(&event.deed);
        }
        truths
    }
}
