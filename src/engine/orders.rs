//! Orders become lines: what a line was sold from, by which link, and what it changes about what is known (Y1, Y2, W5).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::Cycle;
use super::lane::Lane;
use super::report::{SaleReport, Trouble};
use super::take::Taken;
use super::visibility::back_in_sight;
use crate::domain::absorb::{Absorbed, Counting, absorb, recall};
use crate::domain::held::{FEWEST_OLD, flood, is_old};
use crate::domain::observe::{self, SAME_MOMENT, later};
use crate::domain::relisted::sold_elsewhere;
use crate::domain::unpaid;
use crate::domain::{
    ChannelName, Delta, ExactlyOnce, Held, Known, Line, LineFact, LineHold, LineId, Link, Listing, ListingId,
    ListingRef, Movement, OrderFact, OrderWindow, Role, RunId, Why,
};
use crate::safeguard::{Safeguard, stands};
use crate::store::{ChannelState, StoreError, Tx};

/// How far ahead of its channel's clock an order may be before its time is taken for a mistake.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

impl Cycle<'_> {
    /// Takes in the orders of a channel, with its cursor. `scan`: all its listings, where they were read together with them.
    pub(super) fn take_orders(
        &mut self,
        lane: &Lane,
        (window, orders): (&OrderWindow, &[OrderFact]),
        scan: Option<&[Listing]>,
        done: Timestamp,
        taken: &mut Taken,
    ) -> Result<(), EngineError> {
        let counting = Counting {
            role: lane.role,
            deduct_sales: lane.deduct_sales,
            restock: lane.restock,
            switched_on: self.settings().inventory_sync,
            first_read: self.channels.get(&lane.name).and_then(|channel| channel.first_read),
            now: done,
        };
        let Some(mut channel) = self.channels.get(&lane.name).cloned() else { return Ok(()) };
        advance(&mut channel, window, orders, done);
        if !stands(Safeguard::CursorWithLines) {
            self.store.transaction(|tx| tx.save_channel(&channel))?;
        }
        let scanned = self.lane(&lane.name).scanned.max(channel.scanned);
        let read_before = channel.complete.is_some();
        let intake = Intake { run: self.run, lane, counting, read_before, scanned, scan };
        self.store.transaction(|tx| {
            let mut old = Vec::new();
            for order in sorted(orders) {
                for fact in &order.lines {
                    old.extend(take_line(tx, intake, order, fact, taken)?);
                }
            }
            hold_flood(tx, lane, &old, done, taken)?;
            tx.mark_dirty(&taken.dirty())?;
            tx.save_channel(&channel)
        })?;
        self.channels.insert(lane.name.clone(), channel);
        Ok(())
    }
}

/// Moves the cursor of orders: to the last stamp that the channel gave, never past its clock.
fn advance(channel: &mut ChannelState, window: &OrderWindow, orders: &[OrderFact], done: Timestamp) {
    let OrderWindow::ChangedSince(since) = window else { return };
    let last = orders.iter().map(|order| order.changed).filter(|changed| *changed <= done).max();
    let start = channel.orders_since.unwrap_or(*since);
    channel.orders_since = Some(last.map_or(start, |last| last.max(start)));
    let deep = channel.orders_deep.is_none_or(|deep| later(deep, SignedDuration::from_hours(24)) <= done);
    if deep {
        channel.orders_deep = Some(done);
    }
}

fn sorted(orders: &[OrderFact]) -> Vec<&OrderFact> {
    let mut sorted: Vec<&OrderFact> = orders.iter().collect();
    sorted.sort_by(|a, b| (a.placed, &a.order).cmp(&(b.placed, &b.order)));
    sorted
}

/// What surrounds the lines that one look at a channel's orders brings.
#[derive(Clone, Copy)]
struct Intake<'a> {
    run: RunId,
    lane: &'a Lane,
    counting: Counting,
    /// The channel was read completely before.
    read_before: bool,
    /// When its last full reading began.
    scanned: Option<Timestamp>,
    /// All its listings, where they were read together with the orders.
    scan: Option<&'a [Listing]>,
}

/// Takes in a line; returns it if it is new and was sold over a day ago.
fn take_line(
    tx: &Tx<'_>,
    intake: Intake<'_>,
    order: &OrderFact,
    fact: &LineFact,
    taken: &mut Taken,
) -> Result<Option<Line>, StoreError> {
    let Intake { run, lane, counting, read_before, .. } = intake;
    let done = counting.now;
    let known = tx.line(&lane.name, &fact.key)?;
    // What a line was sold from, and by which link, is found out once, when it is first seen (Y2).
    let listing = if known.is_none() { listing_of(tx, &lane.name, fact)? } else { None };
    let links = match (&known, lane.role) {
        (None, Role::Target) => tx.links_for_line(&lane.name, listing, fact.sku.as_ref())?,
        _ => Vec::new(),
    };
    let known = match known {
        Some(known) => Some(known),
        None => tx
            .old_line(&lane.name, &fact.key)?
            .map(|kept| recall(kept, &lane.name, order, fact, listing, &links, counting)),
    };
    let Absorbed { mut line, change, new, stays_off } =
        absorb(known.clone(), &lane.name, order, fact, listing, &links, counting);
    if new && later(done, AHEAD) < order.placed {
        taken.troubles.push(Trouble {
            code: "order-from-the-future",
            channel: Some(lane.name.clone()),
            listing: fact.sku.as_ref().map(ToString::to_string),
            message: format!("order {} is dated {}, which is still to come; it is counted", order.order, order.placed),
            next: Some("check the date of the order and the clock of the channel".to_owned()),
            waits_for_owner: false,
        });
    }
    if lane.role == Role::Source && new && already_contained(tx, line.listing, order.placed)? {
        line.contained = line.taken;
        note_run_over(tx, lane, &line, taken)?;
    }
    if change > 0 && lane.role == Role::Target {
        hold_relisted(tx, intake, fact, &mut line)?;
    }
    let is_kept = known.as_ref().is_none_or(|known| known.id.is_some());
    if stays_off > 0 && is_kept && lane.role == Role::Target {
        tx.save_line(&mut line)?;
        note_stays_off(tx, run, &line, stays_off, order.changed.min(done))?;
    }
    if known.as_ref() == Some(&line) {
        return Ok(None);
    }
    let id = tx.save_line(&mut line)?;
    // A counter of sold units tells of what was cancelled before its order showed, too (O5).
    let bought = if new && line.baseline == 0 { fact.taken.max(change) } else { change };
    if change == 0 && bought > 0 && lane.role == Role::Target {
        shows_cancelled(tx, &line, bought, done, taken)?;
    }
    // What comes back to a listing from a sale that does not count is on sale there all the same (R1).
    if change == 0 && lane.role == Role::Target && known.as_ref().is_some_and(|known| line.taken < known.taken) {
        came_back(tx, &line, order.placed, taken)?;
    }
    let older = counting.first_read.is_some_and(|first| order.placed < first);
    let first = known.as_ref().is_none_or(|known| known.taken == 0) && line.taken > 0;
    let told = first && (!line.counts || (older && read_before && lane.role == Role::Target));
    if change == 0 && !told {
        return Ok(None);
    }
    taken.sales.push(SaleReport {
        channel: lane.name.clone(),
        order: order.order.clone(),
        sku: fact.sku.clone(),
        units: if change == 0 { line.taken } else { change },
        counts: line.counts,
        older: older && change == 0,
        held: line.held.map(|held| held.why),
    });
    if change == 0 {
        return Ok(None);
    }
    count_sold(tx, lane, &line, change, taken)?;
    if let Some(mut known) = line.listing.map(|id| tx.known(id)).transpose()?.flatten() {
        if lane.role == Role::Target {
            // What the counter told of already is off its number (O5).
            let told = unpaid::shows(&mut known, bought, done).min(change.max(0));
            observe::sold_on_target(&mut known, change.saturating_sub(told), order.placed);
            // What sells is on sale, whatever was read of it before.
            if change > 0 && intake.scanned.is_some_and(|scanned| scanned < order.placed) {
                back_in_sight(tx, &mut known)?;
            }
            tx.save_known(&known)?;
        }
        taken.dirty.insert(known.id);
        let why = if change > 0 { Why::Sold } else { Why::Returned };
        let note = Some(format!("order {}", order.order));
        let movement = Movement {
            listing: known.id,
            from: None,
            to: Some(change),
            when: if change > 0 { order.placed } else { order.changed }.min(done),
            why,
            line: Some(id),
            intent: None,
            note,
        };
        tx.record(run, &movement)?;
    }
    let is_old = new && lane.role == Role::Target && is_old(line.placed, done);
    Ok(is_old.then_some(line))
}

/// Notes, once, that units of a line were cancelled and are not given back to the source (W3).
fn note_stays_off(tx: &Tx<'_>, run: RunId, line: &Line, units: i64, when: Timestamp) -> Result<(), StoreError> {
    let (Some(id), Some(listing)) = (line.id, line.listing) else { return Ok(()) };
    if tx.told_of_line(id, Why::StaysOff, units)? {
        return Ok(());
    }
    let note = Some(format!("order {}", line.order));
    let why = Why::StaysOff;
    let movement = Movement { listing, from: None, to: Some(units), when, why, line: Some(id), intent: None, note };
    tx.record(run, &movement).map(|_| ())
}

/// Notes a sale of the source's own that was run over by a write of ours, and whose order shows only now: where a platform
/// takes absolute numbers alone and counts no sold units, a second reading that found just what was written cannot have
/// contained a sale that was made in between (X3).
fn note_run_over(tx: &Tx<'_>, lane: &Lane, line: &Line, taken: &mut Taken) -> Result<(), StoreError> {
    let Some(id) = line.listing.filter(|_| lane.capability().exactly_once == ExactlyOnce::Goal) else { return Ok(()) };
    let kept = tx.goals(id)?;
    let mut goals = kept.clone();
    let lost = goals.iter_mut().fold(0_i64, |sum, goal| sum.saturating_add(goal.run_over(line.placed, line.taken)));
    if goals != kept {
        tx.save_goals(id, &goals)?;
    }
    if lost > 0 {
        tx.add_lost(id, Delta(lost.saturating_neg()))?;
        taken.dirty.insert(id);
    }
    Ok(())
}

/// Notes that units came back to a listing of a target, so that nobody knows what it shows.
fn came_back(tx: &Tx<'_>, line: &Line, placed: Timestamp, taken: &mut Taken) -> Result<(), StoreError> {
    let Some(mut known) = line.listing.map(|id| tx.known(id)).transpose()?.flatten() else { return Ok(()) };
    observe::sold_on_target(&mut known, -1, placed);
    taken.dirty.insert(known.id);
    tx.save_known(&known)
}

/// Accounts for a line that was cancelled before it showed: what its listing's counter told of is free again.
fn shows_cancelled(tx: &Tx<'_>, line: &Line, bought: i64, now: Timestamp, taken: &mut Taken) -> Result<(), StoreError> {
    let Some(mut known) = line.listing.map(|id| tx.known(id)).transpose()?.flatten() else { return Ok(()) };
    if unpaid::shows_cancelled(&mut known, bought, now) > 0 {
        taken.dirty.insert(known.id);
    }
    tx.save_known(&known)
}

/// Lets a sale wait that may have been made on a relisted listing before the owner accepted it (L2). Whether the listing
/// that it is tied to is gone may still have to be looked up.
fn hold_relisted(tx: &Tx<'_>, intake: Intake<'_>, fact: &LineFact, line: &mut Line) -> Result<(), StoreError> {
    if line.held.is_some() || line.asked.is_some() || line.is_even() {
        return Ok(());
    }
    let Some((link, linked)) = tied_to(tx, line)? else { return Ok(()) };
    let bearing = link.sku.as_ref().map(|sku| tx.listings_by_sku(sku)).transpose()?.unwrap_or_default();
    if sold_elsewhere(fact, link.sku.as_ref(), &linked, &bearing, intake.scan) {
        line.held = Some(Held { why: LineHold::Relisted, since: intake.counting.now });
    }
    Ok(())
}

/// Lets the sales go on that waited for a relisted listing that is none: the listing that they are tied to is there.
pub(super) fn free_not_relisted(
    tx: &Tx<'_>,
    channel: &ChannelName,
    is_there: impl Fn(&Known) -> bool,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    for mut line in tx.held_lines(Some(channel))? {
        if line.held.is_none_or(|held| held.why != LineHold::Relisted) {
            continue;
        }
        if tied_to(tx, &line)?.is_some_and(|(_, linked)| is_there(&linked)) {
            line.held = None;
            tx.save_line(&mut line)?;
            taken.dirty.extend(line.shares.iter().map(|share| share.source));
            taken.freed.push(line);
        }
    }
    Ok(())
}

/// Returns the link that a line is tied to, while it is open, and the listing that it is of.
fn tied_to(tx: &Tx<'_>, line: &Line) -> Result<Option<(Link, Known)>, StoreError> {
    let link = line.link.map(|id| tx.link(id)).transpose()?.flatten();
    let Some(link) = link.filter(|link| link.closed.is_none()) else { return Ok(None) };
    Ok(tx.known(link.listing)?.map(|linked| (link, linked)))
}

/// Holds the old lines of a run that brings far more of them than the channel ever sold on a day (W5).
fn hold_flood(tx: &Tx<'_>, lane: &Lane, old: &[Line], now: Timestamp, taken: &mut Taken) -> Result<(), StoreError> {
    if old.len() < FEWEST_OLD {
        return Ok(());
    }
    let ids: Vec<LineId> = old.iter().filter_map(|line| line.id).collect();
    if !flood(old.len(), tx.busiest_day(&lane.name, &ids)?) {
        return Ok(());
    }
    for line in old.iter().filter(|line| line.held.is_none()) {
        let mut line = line.clone();
        line.held = Some(Held { why: LineHold::Flood, since: now });
        tx.save_line(&mut line)?;
        let same = taken.sales.iter_mut().filter(|sale| sale.is_of(&line));
        same.for_each(|sale| sale.held = Some(LineHold::Flood));
    }
    Ok(())
}

/// Adds a sale to what is known to be sold of each source listing it is made of.
fn count_sold(tx: &Tx<'_>, lane: &Lane, line: &Line, change: i64, taken: &mut Taken) -> Result<(), StoreError> {
    let mut parts: BTreeMap<ListingId, i64> = line.shares.iter().map(|share| (share.source, share.units)).collect();
    if lane.role == Role::Source {
        parts.extend(line.listing.map(|id| (id, 1)));
    }
    for (source, units) in parts {
        if let Some(mut known) = tx.known(source)? {
            known.sold = known.sold.saturating_add(change.max(0).saturating_mul(units));
            tx.save_known(&known)?;
        }
        taken.dirty.insert(source);
    }
    Ok(())
}

fn already_contained(tx: &Tx<'_>, listing: Option<ListingId>, placed: Timestamp) -> Result<bool, StoreError> {
    let Some(known) = listing.map(|id| tx.known(id)).transpose()?.flatten() else { return Ok(false) };
    Ok(known.reading.is_some_and(|seen| later(placed, SAME_MOMENT) < seen.begun))
}

/// Finds the listing that a line was sold from: by its key, else by its SKU if exactly one listing bears it. Those that
/// are gone count only where none is left.
pub(super) fn listing_of(tx: &Tx<'_>, channel: &ChannelName, fact: &LineFact) -> Result<Option<ListingId>, StoreError> {
    for key in &fact.listings {
        let at = ListingRef { channel: channel.clone(), key: key.clone() };
        if let Some(known) = tx.known_at(&at)? {
            return Ok(Some(known.id));
        }
    }
    let Some(sku) = &fact.sku else { return Ok(None) };
    let mut here = tx.listings_by_sku(sku)?;
    here.retain(|known| known.at.channel == *channel);
    if here.iter().any(|known| known.gone.is_none()) {
        here.retain(|known| known.gone.is_none());
    }
    Ok(here.first().filter(|_| here.len() == 1).map(|known| known.id))
}
