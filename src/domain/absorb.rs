//! What an order says becomes a line: which link it is tied to, what it took, what changed.
//!
//! Replays, edits and cancellations need no rule of their own (P3): a fact only says how many units the platform holds
//! off its stock now, and the line is brought to that.

use jiff::{SignedDuration, Timestamp};

use super::held::seen_late;
use super::line::{Forgotten, Held, Line, LineHold, Share};
use super::link::Link;
use super::listing::ChannelName;
use super::order::{LineFact, OrderFact};
use super::policy::Restock;
use super::{ListingId, Role};
use crate::safeguard::{Safeguard, stands};

/// The settings of a channel that decide how its lines count, as of the moment a line is first seen (Y2).
#[derive(Clone, Copy, Debug)]
pub struct Counting {
    /// What the channel is for; a sale on the source is never applied (W4).
    pub role: Role,
    /// Whether its sales are taken off the source (T3).
    pub deduct_sales: bool,
    /// Which cancelled units go back where the platform does not say (W3).
    pub restock: Restock,
    /// Whether the master switch is on (T3).
    pub switched_on: bool,
    /// When its channel was first read completely: what is older and unknown does not count (W7).
    pub first_read: Option<Timestamp>,
    /// The time by its channel's clock.
    pub now: Timestamp,
}

/// How far back units may have been put back by hand, where a channel does not say when an order was cancelled (W3).
const UNTOLD: SignedDuration = SignedDuration::from_hours(24);

/// A line brought to what its order says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absorbed {
    /// The line as it is now.
    pub line: Line,
    /// The change in units sold since it was last seen; for a line first seen, the units sold.
    pub change: i64,
    /// Whether it was never seen before.
    pub new: bool,
    /// Units that were cancelled without a word on where they are, and do not count as back on the shelf (W3).
    pub stays_off: i64,
}

/// Returns the units that the platform holds off its stock for a line, after deciding about those that were cancelled
/// without a word on whether they are back on the shelf (W3).
pub fn taken(fact: &LineFact, was_shipped: bool, restock: Restock) -> i64 {
    let back = match restock {
        Restock::Never => 0,
        Restock::Unshipped if fact.shipped || was_shipped || fact.out_of_stock => 0,
        Restock::Unshipped | Restock::Always => fact.cancelled,
    };
    fact.taken.saturating_sub(back.max(0)).max(0)
}

/// Chooses the link that a line is tied to when it is first seen (Y2): among the links of its listing, else among those
/// that bear its SKU, the one that was in force when it was placed. A line placed before its link became active is tied
/// to it too, with everything it took by then as its baseline (W1).
pub fn tie<'a>(links: &'a [Link], placed: Timestamp, fact: &LineFact) -> Option<&'a Link> {
    let of_sku: Vec<&Link> = match &fact.sku {
        Some(sku) if links.iter().any(|link| link.sku.as_ref() == Some(sku)) => {
            links.iter().filter(|link| link.sku.as_ref() == Some(sku)).collect()
        }
        _ => links.iter().collect(),
    };
    let in_force = |link: &&Link| link.active <= placed && link.closed.is_none_or(|closed| placed < closed);
    let (forced, rest): (Vec<&Link>, Vec<&Link>) = of_sku.into_iter().partition(in_force);
    if forced.is_empty() { only(rest.into_iter().filter(|link| placed < link.active)) } else { only(forced) }
}

/// Returns the one link; of several for one SKU of one listing the newest, whose recipe took the place of the others'
/// since the same moment (L2).
fn only<'a>(links: impl IntoIterator<Item = &'a Link>) -> Option<&'a Link> {
    let of = |link: &'a Link| (link.listing, &link.sku);
    let mut links = links.into_iter();
    let first = links.next()?;
    links.try_fold(first, |newest, link| {
        (of(link) == of(newest)).then(|| if newest.id < link.id { link } else { newest })
    })
}

/// Brings a line to what its order says.
pub fn absorb(
    known: Option<Line>,
    channel: &ChannelName,
    order: &OrderFact,
    fact: &LineFact,
    listing: Option<ListingId>,
    links: &[Link],
    counting: Counting,
) -> Absorbed {
    let new = known.is_none();
    let mut line = known.unwrap_or_else(|| first_seen(channel, order, fact, listing, links, counting));
    let (before, held_off) = if new { (0, fact.taken) } else { (line.sold(), line.taken) };
    line.order.clone_from(&order.order);
    line.also.clone_from(&order.also);
    line.origin.clone_from(&order.origin);
    line.taken = taken(fact, line.shipped, line.restock);
    line.shipped |= fact.shipped;
    if counting.role == Role::Source {
        // What no reading contained yet and was cancelled without a word may have been taken off for all that.
        let was_open = held_off.saturating_sub(line.contained);
        let is_open = line.unseen();
        let back = was_open.saturating_sub(is_open.max(0)).min(fact.cancelled);
        line.unsaid = line.unsaid.saturating_add(back.max(0));
    }
    if new && line.baseline > 0 {
        line.baseline = line.taken;
    }
    let change = line.sold().saturating_sub(before);
    if change < 0 {
        line.returned = Some(cancelled(order, counting.now));
    }
    line.held = hold(&line, counting, new, change);
    let back = fact.taken.saturating_sub(line.taken);
    let told = line.counts && line.held.is_none() && !fact.out_of_stock;
    let stays_off = if told { fact.cancelled.saturating_sub(back).min(line.sold()).max(0) } else { 0 };
    Absorbed { line, change, new, stays_off }
}

/// Returns since when units of an order may have been put back by hand.
fn cancelled(order: &OrderFact, now: Timestamp) -> Timestamp {
    if order.placed < order.changed {
        return order.changed;
    }
    now.saturating_sub(UNTOLD).unwrap_or(Timestamp::MIN).max(order.placed)
}

/// Returns why a line waits for the owner, as far as that shows from the line itself. What has come to nothing waits no
/// longer.
fn hold(line: &Line, counting: Counting, new: bool, change: i64) -> Option<Held> {
    if line.held.is_some() {
        return line.held.filter(|_| !line.is_even());
    }
    let why = match () {
        () if counting.role == Role::Source || change <= 0 => None,
        () if !counting.switched_on => Some(LineHold::SwitchedOff),
        () if new && seen_late(line.placed, counting.now) => Some(LineHold::SeenLate),
        () => None,
    };
    why.map(|why| Held { why, since: counting.now })
}

/// Brings back what is kept of an old line, since its order is heard of again (W7): what was taken off then is taken off.
pub fn recall(
    kept: Forgotten,
    channel: &ChannelName,
    order: &OrderFact,
    fact: &LineFact,
    listing: Option<ListingId>,
    links: &[Link],
    counting: Counting,
) -> Line {
    let mut line = first_seen(channel, order, fact, listing, links, counting);
    line.taken = kept.taken;
    line.baseline = kept.taken.saturating_sub(kept.applied);
    line.contained = if counting.role == Role::Source { kept.taken } else { 0 };
    let applied = if line.counts { kept.applied } else { 0 };
    line.shares.iter_mut().for_each(|share| share.applied = applied.saturating_mul(share.units));
    line
}

fn first_seen(
    channel: &ChannelName,
    order: &OrderFact,
    fact: &LineFact,
    listing: Option<ListingId>,
    links: &[Link],
    counting: Counting,
) -> Line {
    let link = if counting.role == Role::Target { tie(links, order.placed, fact) } else { None };
    let before_link = link.is_some_and(|link| order.placed < link.active)
        || (link.is_some() && counting.first_read.is_some_and(|first| order.placed < first));
    let before_link = before_link && stands(Safeguard::Baseline);
    let counts = counting.role == Role::Source || (link.is_some() && counting.deduct_sales);
    Line {
        id: None,
        channel: channel.clone(),
        key: fact.key.clone(),
        order: order.order.clone(),
        also: order.also.clone(),
        origin: order.origin.clone(),
        sku: fact.sku.clone(),
        listing: listing.or(link.map(|link| link.listing)),
        link: link.map(|link| link.id),
        placed: order.placed,
        taken: 0,
        baseline: if before_link { i64::MAX } else { 0 },
        counts,
        unfinished: false,
        shipped: fact.shipped,
        restock: counting.restock,
        held: None,
        asked: None,
        met: None,
        returned: None,
        shares: link.map_or_else(Vec::new, |link| {
            let share = |part: &super::Part| Share { source: part.source, units: part.units, applied: 0 };
            link.recipe.iter().map(share).collect()
        }),
        contained: 0,
        unsaid: 0,
    }
}
