//! Which sold lines wait for the owner before they change the source: those that may be taken off it already, or were
//! put back by hand (W5, the last sentence of W3).
//!
//! What somebody else did to a source listing is known by its *traces*: a fall or a rise of its number that nothing
//! explains, and a sale that another app brought in as an order of the source. One trace beside one sale is an ordinary
//! day in a shop with a till; what counts is how often they come together.

use jiff::{SignedDuration, Timestamp};

use super::facts::ListingId;
use super::line::{Line, LineId};
use super::movement::MovementId;
use super::observe::{SAME_MOMENT, later};

/// After so long a pause, a fall of the source may be a sale that somebody took off by hand meanwhile.
pub const PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// A line that is first seen so long after it was placed is asked about.
const LATE: SignedDuration = SignedDuration::from_hours(72);
/// How many of a channel's last lines tell whether another app brings them in.
pub const LAST_LINES: usize = 10;
/// Fewer lines than this tell nothing.
const FEWEST_LINES: usize = 3;
/// Fewer old lines than this are no flood.
pub const FEWEST_OLD: usize = 50;

/// What a line met on the source between its sale and its settling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// Nothing of its size.
    Nothing,
    /// A change of the number that nothing explains.
    Change(MovementId),
    /// A sale of the source that another app brought in.
    Brought(LineId),
}

/// What somebody else did to a source listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What it is.
    pub of: Met,
    /// Units that went off the source; below zero, units that came to it.
    pub units: i64,
    /// When it was seen, by the source's clock.
    pub at: Timestamp,
}

/// Units of one line that are about to be taken off a source listing; below zero, to be given back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The units.
    pub units: i64,
    /// Since when: the sale, or the cancellation.
    pub since: Timestamp,
}

/// Finds for each of the dues on one source listing the trace of its size, each trace for one of them; a trace that is
/// as large as several that are left stands for all of these.
pub fn meet(dues: &[Due], traces: &[Trace]) -> Vec<Met> {
    let mut met = vec![Met::Nothing; dues.len()];
    let mut free: Vec<Trace> = traces.to_vec();
    free.sort_by_key(|trace| (trace.at, trace.of));
    let mut order: Vec<usize> = (0..dues.len()).collect();
    order.sort_by_key(|nth| dues[*nth].since);
    for nth in order {
        let fits = |trace: &Trace| trace.units == dues[nth].units && came_after(trace, dues[nth]);
        if let Some(at) = free.iter().position(fits) {
            met[nth] = free.remove(at).of;
        }
    }
    for trace in free {
        let open: Vec<usize> = (0..dues.len())
            .filter(|nth| met[*nth] == Met::Nothing && dues[*nth].units.signum() == trace.units.signum())
            .filter(|nth| came_after(&trace, dues[*nth]))
            .collect();
        let sum = open.iter().fold(0_i64, |sum, nth| sum.saturating_add(dues[*nth].units));
        if !open.is_empty() && sum == trace.units {
            for nth in open {
                met[nth] = trace.of;
            }
        }
    }
    met
}

fn came_after(trace: &Trace, due: Due) -> bool {
    due.since <= later(trace.at, SAME_MOMENT)
}

/// Tells whether another app brings a channel's orders into the source, from whether each of its last lines met a trace
/// of its size.
pub fn too_often(met: &[bool]) -> bool {
    met.len() >= FEWEST_LINES && met.iter().filter(|met| **met).count() * 2 >= met.len()
}

/// Tells whether an order of the source is the order of this line, brought in by another app: it bears a number of it,
/// and sells one of the same goods. A number alone is little: every shop has an order 1001.
pub fn stands_in(line: &Line, brought: &Line) -> bool {
    let same_good = brought.listing.is_some_and(|listing| line.shares.iter().any(|share| share.source == listing));
    let own: Vec<&str> = line.names().collect();
    brought.origin.is_some() && same_good && brought.names().any(|name| own.contains(&name))
}

/// Tells whether the last complete run before a moment is too long ago to know when the source fell.
pub fn paused(complete: Timestamp, now: Timestamp) -> bool {
    later(complete, PAUSE) < now
}

/// Tells whether a fall of the source since the last complete run may contain units that are due.
pub fn may_be_in(due: Due, complete: Timestamp, traces: &[Trace]) -> bool {
    traces.iter().any(|trace| {
        matches!(trace.of, Met::Change(_)) && complete < trace.at && came_after(trace, due) && due.units <= trace.units
    })
}

/// Tells whether a line is first seen so late that somebody may have dealt with it.
pub fn seen_late(placed: Timestamp, now: Timestamp) -> bool {
    later(placed, LATE) < now
}

/// Tells whether a line is old enough to count towards a flood.
pub fn is_old(placed: Timestamp, now: Timestamp) -> bool {
    later(placed, PAUSE) < now
}

/// Tells whether a run brings far more old lines than the channel ever sold on a day.
pub fn flood(old: usize, busiest_day: usize) -> bool {
    old >= FEWEST_OLD && old > busiest_day.saturating_mul(5)
}

/// Returns what a line is about to change on a source listing, and since when that is due; `None` where nothing is, or
/// where a part of its sale was taken off before and the rest waits for stock.
pub fn due(line: &Line, source: ListingId) -> Option<Due> {
    let share = line.shares.iter().find(|share| share.source == source)?;
    let units = line.open_units(source);
    match units {
        0 => None,
        1.. => (share.applied == 0).then_some(Due { units, since: line.placed }),
        _ => Some(Due { units, since: line.returned.unwrap_or(line.placed) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Restock;
    use crate::domain::{ChannelName, LineKey, Share};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn change(id: i64, units: i64, minute: i64) -> Trace {
        Trace { of: Met::Change(MovementId(id)), units, at: at(minute) }
    }

    fn sold(units: i64, minute: i64) -> Due {
        Due { units, since: at(minute) }
    }

    // proves W5: a fall belongs to one line of just its size, seen after the sale; one fall may be several lines.
    #[test]
    fn each_fall_is_met_once() {
        let fall = |id| Met::Change(MovementId(id));
        assert_eq!(meet(&[sold(2, 0)], &[change(1, 2, 5)]), [fall(1)]);
        assert_eq!(meet(&[sold(2, 0)], &[change(1, 3, 5)]), [Met::Nothing], "another size");
        assert_eq!(meet(&[sold(2, 9)], &[change(1, 2, 5)]), [Met::Nothing], "before the sale");
        assert_eq!(meet(&[sold(2, 0)], &[change(1, -2, 5)]), [Met::Nothing], "it rose");
        assert_eq!(meet(&[sold(1, 1), sold(1, 0)], &[change(1, 1, 5)]), [Met::Nothing, fall(1)]);
        assert_eq!(meet(&[sold(1, 0), sold(2, 1)], &[change(1, 3, 5)]), [fall(1), fall(1)], "both in one reading");
        assert_eq!(meet(&[sold(1, 0), sold(2, 1), sold(4, 2)], &[change(1, 3, 5)]), [Met::Nothing; 3]);
        assert_eq!(meet(&[sold(-2, 0)], &[change(1, -2, 5)]), [fall(1)], "put back by hand");
    }

    // proves W5: half of the last lines, of three at least; a single fall beside a single sale is an ordinary day.
    #[test]
    fn one_fall_beside_one_sale_is_an_ordinary_day() {
        assert!(!too_often(&[true]));
        assert!(!too_often(&[true, true]));
        assert!(too_often(&[true, true, false]));
        assert!(!too_often(&[true, false, false]));
        assert!(too_often(&[true, false, true, false]));
        assert!(!too_often(&[true, true, true, true, false, false, false, false, false, false]));
    }

    // proves W5: an order of the source is another channel's if it bears its number and sells the same good.
    #[test]
    fn an_order_that_was_brought_in_bears_a_number_of_the_channel() {
        let line = |order: &str, also: &[&str], origin: Option<&str>| Line {
            id: None,
            channel: ChannelName::new("outlet").unwrap(),
            key: LineKey(order.to_owned()),
            order: order.to_owned(),
            also: also.iter().map(|name| (*name).to_owned()).collect(),
            origin: origin.map(ToOwned::to_owned),
            sku: None,
            listing: origin.map(|_| ListingId(1)),
            link: None,
            placed: at(0),
            taken: 1,
            baseline: 0,
            counts: true,
            unfinished: false,
            shipped: false,
            restock: Restock::Unshipped,
            held: None,
            asked: None,
            met: None,
            returned: None,
            shares: vec![Share { source: ListingId(1), units: 1, applied: 0 }],
            contained: 0,
            unsaid: 0,
        };
        let sale = line("#1001", &["5550001"], None);
        assert!(stands_in(&sale, &line("#77", &["1001"], Some("connector"))));
        assert!(stands_in(&sale, &line("#77", &["5550001"], Some("connector"))));
        assert!(stands_in(&sale, &line("#1001", &[], Some("connector"))));
        assert!(!stands_in(&sale, &line("#1001", &[], None)), "the source's own order 1001");
        assert!(!stands_in(&sale, &line("#77", &["1002"], Some("connector"))));
        let mut other = line("#77", &["1001"], Some("connector"));
        other.listing = Some(ListingId(2));
        assert!(!stands_in(&sale, &other), "another good");
    }

    // proves W5: after a pause of more than a day, a fall that is as large may contain the line.
    #[test]
    fn a_fall_after_a_pause_may_contain_a_line() {
        let day = 24 * 60;
        assert!(!paused(at(0), at(day)) && paused(at(0), at(day + 1)));
        let due = sold(2, 60);
        assert!(may_be_in(due, at(0), &[change(1, 5, day)]));
        assert!(!may_be_in(due, at(0), &[change(1, 1, day)]), "too small");
        assert!(!may_be_in(due, at(0), &[change(1, 5, 30)]), "before the sale");
        assert!(!may_be_in(due, at(120), &[change(1, 5, 90)]), "before the pause");
    }

    // proves W5: three days, and five times the busiest day.
    #[test]
    fn what_comes_late_or_in_a_flood_is_asked_about() {
        assert!(!seen_late(at(0), at(3 * 24 * 60)) && seen_late(at(0), at(3 * 24 * 60 + 1)));
        assert!(!is_old(at(0), at(24 * 60)) && is_old(at(0), at(24 * 60 + 1)));
        assert!(flood(50, 0) && flood(51, 10));
        assert!(!flood(49, 0) && !flood(50, 10) && !flood(400, 80));
    }
}
