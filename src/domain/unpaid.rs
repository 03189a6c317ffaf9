//! Purchases that no order shows yet: the platform takes the units off its own stock, and tells of them in its counter of
//! sold units alone, until they are paid, cancelled, or lapse (O5).
//!
//! The counter is compared with what is accounted for: what it said when the listing was first read, and the lines that
//! are known since. What it rose beyond is spoken for, rise by rise, each no longer than the platform waits for money.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::facts::{Component, Known, ListingId, Shown};
use super::listing::Found;
use super::observe::{SAME_MOMENT, later, too_old};
use super::stock::Level;

/// How far a listing's counter of sold units is accounted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// What the counter must be by all that is known.
    pub units: i64,
    /// When the last line was counted, by the channel's clock.
    pub at: Timestamp,
    /// What it rose beyond that, the oldest first.
    pub rises: Vec<Rise>,
    /// Units of purchases that showed as cancelled when they first showed: that the counter falls by them, no platform says.
    #[serde(default)]
    pub cancelled: i64,
}

/// Units that a counter proves sold, and no order shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rise {
    /// The units.
    pub units: i64,
    /// When they were first seen, by the channel's clock.
    pub since: Timestamp,
}

/// How a platform treats purchases that are not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long it waits for the money.
    pub lasts: SignedDuration,
    /// How long its counter may trail behind an order.
    pub lag: SignedDuration,
}

impl Counted {
    /// Begins with what the counter says.
    pub fn from(units: i64, at: Timestamp) -> Self {
        Self { units, at, rises: Vec::new(), cancelled: 0 }
    }

    /// Looks whether the counter fell by what was cancelled. One that stands lower than it must did; what it has risen since
    /// is bought anew.
    fn note_cancelled(&mut self, counter: i64, settled: bool) {
        if counter < self.units.saturating_add(self.unpaid()) {
            self.units = self.units.saturating_sub(self.cancelled);
            self.cancelled = 0;
        } else if settled {
            self.cancelled = 0;
        }
    }

    /// Returns the units that are sold and that no order shows.
    pub fn unpaid(&self) -> i64 {
        self.rises.iter().fold(0, |sum, rise| sum.saturating_add(rise.units))
    }

    /// Takes units out of the rises, the oldest first; returns how many there were.
    fn take_out(&mut self, units: i64) -> i64 {
        let mut left = units.max(0);
        for rise in &mut self.rises {
            let taken = rise.units.min(left);
            rise.units -= taken;
            left -= taken;
        }
        self.rises.retain(|rise| rise.units > 0);
        units.max(0) - left
    }
}

/// Compares the counter of a reading with what is accounted for, and takes what is newly sold off what the listing shows:
/// those units are not missing (R3).
pub fn read(known: &mut Known, found: &Found, (begun, now): (Timestamp, Timestamp), patience: Patience) {
    let Found::Level { counter: Some(counter), .. } = found else { return };
    if too_old(known, begun, now) {
        return;
    }
    let before = known.reading.and_then(|seen| seen.counter);
    let start = || Counted::from(before.unwrap_or(*counter), begun);
    let counted = known.counted.get_or_insert_with(start);
    lapse(counted, begun, patience.lasts);
    // Whatever stands behind an order by now stays behind it.
    let settled = later(later(counted.at, patience.lag), SAME_MOMENT) < begun;
    counted.note_cancelled(*counter, settled);
    let rose = counter.saturating_sub(counted.units).saturating_sub(counted.unpaid());
    if rose > 0 {
        counted.rises.push(Rise { units: rose, since: begun });
        known.shown = match known.shown {
            Shown::Exactly(level) => Shown::Exactly(Level(level.0.saturating_sub(rose))),
            Shown::AtMost { most, least } => Shown::AtMost { most, least: Level(least.0.saturating_sub(rose)) },
            Shown::AtLeast(least) => Shown::AtLeast(Level(least.0.saturating_sub(rose))),
            Shown::Unknown => Shown::Unknown,
        };
    } else if rose < 0 {
        // A purchase was cancelled; the youngest is the likeliest, and claiming too long is the safe side.
        counted.rises.reverse();
        let back = counted.take_out(rose.saturating_neg());
        counted.rises.reverse();
        // A counter that stays behind what is known will never catch up: it fell for what was cancelled.
        if back < rose.saturating_neg() && settled {
            counted.units = *counter;
        }
    }
}

/// Lets go of what the platform no longer waits for: those units are gone from its counter's point of view, and free.
fn lapse(counted: &mut Counted, now: Timestamp, lasts: SignedDuration) {
    let over = |rise: &Rise| later(rise.since, lasts) <= now;
    let lapsed = counted.rises.iter().filter(|rise| over(rise)).fold(0_i64, |sum, rise| sum.saturating_add(rise.units));
    counted.units = counted.units.saturating_add(lapsed);
    counted.rises.retain(|rise| !over(rise));
}

/// Accounts for a line that shows at last; returns how many of its units the counter had told of already.
pub fn shows(known: &mut Known, units: i64, now: Timestamp) -> i64 {
    if known.counted.is_none() {
        let seen = known.reading.and_then(|seen| Some((seen.counter?, seen.begun)));
        known.counted = seen.map(|(units, at)| Counted::from(units, at));
    }
    let Some(counted) = known.counted.as_mut().filter(|_| units > 0) else { return 0 };
    counted.units = counted.units.saturating_add(units);
    counted.at = now;
    counted.take_out(units)
}

/// Accounts for a line that shows as cancelled when it first shows. Its units are free; the counter falls by them, or not.
pub fn shows_cancelled(known: &mut Known, units: i64, now: Timestamp) -> i64 {
    let told = shows(known, units, now);
    if let Some(counted) = &mut known.counted {
        counted.cancelled = counted.cancelled.saturating_add(units.max(0));
    }
    told
}

/// Returns what of a source listing is bought on the targets of a component and not paid yet, in its own units.
pub fn claimed(component: &Component, source: ListingId) -> i64 {
    let by_target = component.targets.iter().filter_map(|target| {
        let unpaid = target.known.counted.as_ref()?.unpaid();
        let of_link = |recipe: &[super::Part]| {
            let parts = recipe.iter().filter(|part| part.source == source);
            parts.fold(0_i64, |sum, part| sum.saturating_add(part.units))
        };
        // Which of several SKUs on one number was bought, its counter does not say.
        let most = target.links.iter().map(|link| of_link(&link.recipe)).max()?;
        Some(unpaid.saturating_mul(most))
    });
    by_target.fold(0, i64::saturating_add)
}
