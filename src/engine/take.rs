//! What lanes report is taken in: orders become lines, readings become what is known, each in one transaction with the
//! cursor it was read under (Y1).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::{Cycle, record};
use super::lane::{JobResult, Lane, LaneReport, Observed, Quantities};
use super::report::{SaleReport, Trouble};
use crate::channel::ChannelError;
use crate::domain::absorb::{Absorbed, Counting, absorb, recall};
use crate::domain::held::{FEWEST_OLD, flood, is_old};
use crate::domain::observe::{self, Meaning, SAME_MOMENT, later};
use crate::domain::relisted::sold_elsewhere;
use crate::domain::unpaid;
use crate::domain::{
    Act, ChannelName, Counted, Delta, ExactlyOnce, Found, Held, IntentState, Known, Level, Line, LineFact, LineHold,
    LineId, Link, Listing, ListingId, ListingRef, ListingState, Movement, OrderFact, OrderWindow, Reading, Role, RunId,
    Shown, Why,
};
use crate::safeguard::{Safeguard, stands};
use crate::store::{ChannelState, StoreError, Tx};

/// How far ahead of its channel's clock an order may be before its time is taken for a mistake.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What came of taking in orders or readings.
#[derive(Default)]
struct Taken {
    dirty: BTreeSet<ListingId>,
    look: BTreeSet<ListingId>,
    /// Listings that buyers seem to see; ours to look at where we hid them (Z1).
    live: BTreeSet<ListingId>,
    sales: Vec<SaleReport>,
    troubles: Vec<Trouble>,
    /// Lines that waited and need not.
    freed: Vec<Line>,
}

impl Taken {
    /// Returns the listings about which something changed. They are marked in the transaction that stores the change,
    /// so that a crash before they are planned loses nothing.
    fn dirty(&self) -> Vec<ListingId> {
        self.dirty.iter().copied().collect()
    }
}

impl Cycle<'_> {
    /// Takes in what a lane reports.
    pub fn take(&mut self, report: LaneReport) -> Result<(), EngineError> {
        let Some(lane) = self.lane_of(&report.channel) else { return Ok(()) };
        let state = self.lane(&lane.name);
        state.busy = false;
        let late = std::mem::take(&mut state.late);
        state.clock = Some(report.done);
        match report.result {
            JobResult::Observed(observed) => match *observed {
                Ok(observed) => self.take_observed(&lane, observed, late, report.done)?,
                Err(error) => self.fail(&lane, error),
            },
            JobResult::Met(met) => self.take_met(&lane, met)?,
            JobResult::Vouched(ids, traces) => self.take_vouched(&lane, &ids, traces)?,
            JobResult::Left(left) => self.take_left(&lane, left),
            JobResult::Looked(ids, readings) => {
                self.take_looked(&lane, &ids, readings, (report.begun, report.done))?;
            }
            JobResult::Prepared(batch, call) => self.take_prepared(&lane, &batch, call, report.done)?,
            JobResult::Adjusted(id, attempt, outcomes) => {
                self.take_adjusted(&lane, id, attempt, outcomes, report.done)?;
            }
            JobResult::Rested => self.read_again(&lane),
            JobResult::ZeroKept(keeps) => self.take_zero(&lane, keeps, report.done)?,
            JobResult::Pushed(batch, outcomes) => self.take_pushed(&lane, batch, outcomes, report.done)?,
            JobResult::Stood(id, standing) => self.take_standing(&lane, id, standing, report.done)?,
            JobResult::Shown(id, outcome) => self.take_shown(&lane, id, outcome, report.done)?,
        }
        Ok(())
    }

    /// Stops a lane for this cycle.
    pub fn fail(&mut self, lane: &Lane, error: ChannelError) {
        self.lane(&lane.name).failed = Some(error);
    }

    /// Takes in an observation. `late`: an earlier cycle asked for it.
    fn take_observed(
        &mut self,
        lane: &Lane,
        observed: Observed,
        late: bool,
        done: Timestamp,
    ) -> Result<(), EngineError> {
        if !self.account_agrees(lane, &observed.account)? {
            return Ok(());
        }
        let mut taken = Taken::default();
        let state = self.lane(&lane.name);
        state.observed = true;
        state.fresh |= !late;
        if let Some((window, orders)) = &observed.orders {
            let state = self.lane(&lane.name);
            state.orders += orders.len();
            state.orders_read = Some(observed.levels_begun);
            let scan = match &observed.levels {
                Quantities::Scanned { listings, .. } => Some(listings.as_slice()),
                Quantities::Changed(_) | Quantities::Nothing => None,
            };
            self.take_orders(lane, (window, orders), scan, done, &mut taken)?;
        }
        self.take_quantities(lane, observed.levels, observed.levels_begun, done, &mut taken)?;
        taken.look.extend(self.store.read(|tx| tx.perhaps_relisted(&lane.name))?);
        self.report.sales.append(&mut taken.sales);
        self.hold_catching_up(lane)?;
        if lane.role == Role::Source {
            self.seeds.extend(self.store.read(|tx| tx.dirty())?);
            self.undo_again();
            if self.options.full && self.looks == 0 {
                let linked = self.store.read(|tx| tx.linked_keys(&lane.name))?;
                self.seeds.extend(linked.into_iter().map(|(id, _)| id));
            }
            taken.look.extend(self.store.read(|tx| tx.listings_with_unseen_sales(&lane.name))?);
            taken.look.extend(self.store.read(|tx| tx.unread())?);
        }
        self.note(lane, taken)
    }

    fn note(&mut self, lane: &Lane, taken: Taken) -> Result<(), EngineError> {
        self.seeds.extend(taken.dirty);
        self.lane(&lane.name).look.extend(taken.look);
        self.report.sales.extend(taken.sales);
        for line in taken.freed {
            self.report.sales.iter_mut().filter(|sale| sale.is_of(&line)).for_each(|sale| sale.held = None);
        }
        for trouble in taken.troubles {
            self.trouble(trouble);
        }
        taken.live.into_iter().try_for_each(|id| self.look_whether_shown(lane, id))
    }

    fn take_orders(
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
        let intake = Intake { run: self.run, lane, counting, read_before: channel.complete.is_some(), scan };
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

    fn take_quantities(
        &mut self,
        lane: &Lane,
        quantities: Quantities,
        begun: Timestamp,
        done: Timestamp,
        taken: &mut Taken,
    ) -> Result<(), EngineError> {
        let grace = self.settings().grace;
        let run = self.run;
        let state = self.lane(&lane.name);
        match quantities {
            Quantities::Nothing => return Ok(()),
            Quantities::Scanned { listings, calls } => {
                state.readings += listings.len();
                state.scanned = Some(begun);
                let reader = Reader { lane, run, begun, now: done, grace };
                if let Some(channel) = self.channels.get_mut(&lane.name) {
                    channel.first_read.get_or_insert(begun);
                }
                self.store.transaction(|tx| {
                    reader.scan(tx, listings, taken)?;
                    let missing = taken.look.clone();
                    let is_there = |known: &Known| known.gone.is_none() && !missing.contains(&known.id);
                    free_not_relisted(tx, &lane.name, is_there, taken)?;
                    tx.save_scan_calls(&lane.name, calls)?;
                    tx.mark_dirty(&taken.dirty())
                })?;
            }
            Quantities::Changed(readings) => {
                state.readings += readings.len();
                self.store.read(|tx| changed(tx, lane, &readings, taken))?;
            }
        }
        self.lane(&lane.name).levels_since = Some(begun);
        Ok(())
    }

    fn take_looked(
        &mut self,
        lane: &Lane,
        ids: &[ListingId],
        readings: Result<Vec<Reading>, ChannelError>,
        (begun, done): (Timestamp, Timestamp),
    ) -> Result<(), EngineError> {
        self.lane(&lane.name).looking.clear();
        let in_turn = std::mem::take(&mut self.lane(&lane.name).in_turn);
        let readings = match readings {
            Ok(readings) => readings,
            Err(error) => {
                self.unreadable.extend(ids);
                self.seeds.extend(ids);
                self.fail(lane, error);
                return Ok(());
            }
        };
        self.lane(&lane.name).readings += readings.len();
        let mut taken = Taken::default();
        for (id, reading) in ids.iter().zip(&readings) {
            self.weigh_evidence(lane, *id, &reading.found, (begun, done))?;
        }
        let reader = Reader { lane, run: self.run, begun, now: done, grace: self.settings().grace };
        let mut numberless = false;
        let unreadable = self.store.transaction(|tx| {
            let mut unreadable = Vec::new();
            for (id, reading) in ids.iter().zip(&readings) {
                let Some(known) = tx.known(*id)? else { continue };
                if reader.read(tx, &known, &reading.found, &mut taken)? {
                    tx.forget_unread(*id)?;
                } else {
                    unreadable.push(*id);
                    numberless |= known.listing.managed;
                }
            }
            let found = ids.iter().zip(&readings).filter(|(_, reading)| reading.found != Found::Gone);
            let there: BTreeSet<ListingId> = found.map(|(id, _)| *id).collect();
            free_not_relisted(tx, &lane.name, |known| there.contains(&known.id), &mut taken)?;
            // Nobody waits for what was read in turn: it is planned anew where it changed.
            taken.dirty.extend(ids.iter().filter(|id| !in_turn.contains(id)));
            tx.mark_dirty(&taken.dirty())?;
            tx.note_read(ids, begun)?;
            Ok(unreadable)
        })?;
        self.unreadable.extend(&unreadable);
        // A change whose number is missing is asked for again (P5).
        self.lane(&lane.name).numberless |= numberless;
        self.note_live(ids);
        taken
            .live
            .extend(ids.iter().zip(&readings).filter(|(_, reading)| reading.live == Some(true)).map(|(id, _)| id));
        self.note(lane, taken)
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
    let Absorbed { mut line, change, new } = absorb(known.clone(), &lane.name, order, fact, listing, &links, counting);
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
    if unpaid::shows(&mut known, bought, now) > 0 {
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
fn free_not_relisted(
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

/// Takes the list of changed quantities as a hint of where to look: such lists lag, so a number in them that is not the
/// one we know is read by its key before it counts (R2), and so is what was gone.
fn changed(tx: &Tx<'_>, lane: &Lane, readings: &[Reading], taken: &mut Taken) -> Result<(), StoreError> {
    for reading in readings {
        let at = ListingRef { channel: lane.name.clone(), key: reading.key.clone() };
        let Some(known) = tx.known_at(&at)? else { continue };
        if is_news(&known, &reading.found, lane.role) {
            taken.look.insert(known.id);
        }
    }
    Ok(())
}

/// Tells whether what a list shows of a listing is a reason to read it by its key.
fn is_news(known: &Known, found: &Found, role: Role) -> bool {
    let same = matches!(found, Found::Level { level, .. } if is_known(known, *level, role));
    !same || known.gone.is_some()
}

/// Tells whether a number in a list is the one that is known.
fn is_known(known: &Known, level: Level, role: Role) -> bool {
    match role {
        Role::Source => known.reading.is_some_and(|seen| seen.level == level),
        Role::Target => known.shown == Shown::Exactly(level),
    }
}

/// Takes in readings of one lane that began at the same moment.
struct Reader<'a> {
    lane: &'a Lane,
    run: RunId,
    begun: Timestamp,
    now: Timestamp,
    grace: SignedDuration,
}

impl Reader<'_> {
    /// Takes in a full scan. What it does not show is looked up by its key before it counts as gone (P5).
    fn scan(&self, tx: &Tx<'_>, listings: Vec<Listing>, taken: &mut Taken) -> Result<(), StoreError> {
        let linked: BTreeSet<_> = tx.linked_keys(&self.lane.name)?.into_iter().map(|(id, _)| id).collect();
        let known = tx.listings(&self.lane.name)?;
        let mut unseen: BTreeMap<_, Known> = known.into_iter().map(|known| (known.at.key.clone(), known)).collect();
        for listing in listings {
            let Some(mut known) = unseen.remove(&listing.key) else {
                tx.put_listing(&self.lane.name, &listing)?;
                taken.dirty.extend(twins(tx, &self.lane.name, &listing)?);
                continue;
            };
            let found = found_in(&listing);
            if known.hidden.is_some() && listing.state == ListingState::Live {
                taken.live.insert(known.id);
            }
            if facts_differ(&known.listing, &listing) {
                tx.put_listing(&self.lane.name, &listing)?;
                let (level, places) = (known.listing.level, std::mem::take(&mut known.listing.places));
                taken.dirty.extend(twins(tx, &self.lane.name, &listing)?);
                known.listing = Listing { level, places, ..listing };
                taken.dirty.insert(known.id);
            }
            if self.hints()
                && linked.contains(&known.id)
                && let Found::Level { places, .. } = &found
            {
                if is_news(&known, &found, Role::Source) || known.listing.places != *places {
                    taken.look.insert(known.id);
                }
                continue;
            }
            if self.trails(&known, &found) || (!self.read(tx, &known, &found, taken)? && known.listing.managed) {
                taken.look.insert(known.id);
            }
        }
        // One that is not linked matters where it makes another one of its SKU a duplicate.
        let matters = |known: &Known| known.duplicate || linked.contains(&known.id);
        let missing = unseen.into_values().filter(|known| known.gone.is_none() && matters(known));
        taken.look.extend(missing.map(|known| known.id));
        Ok(())
    }

    /// Tells whether numbers in lists say no more than where to look: those of a source whose lists trail behind. Nobody
    /// knows which of the last sales are in them (R2, P1, X6).
    fn hints(&self) -> bool {
        self.lane.role == Role::Source && !self.lane.capability().lag.is_zero()
    }

    /// Tells whether a number in a list may be older than what was read or written last: lists trail behind, and another
    /// number in one is read by its key before it counts (R2).
    fn trails(&self, known: &Known, found: &Found) -> bool {
        let Found::Level { level, .. } = found else { return false };
        let last = known.reading.map(|seen| seen.done).max(known.pushed.map(|pushed| pushed.at));
        !is_known(known, *level, self.lane.role)
            && last.is_some_and(|last| last <= self.now && self.begun < later(last, self.lane.capability().lag))
    }

    /// Takes in one reading; tells whether there was a number in it.
    fn read(&self, tx: &Tx<'_>, before: &Known, found: &Found, taken: &mut Taken) -> Result<bool, StoreError> {
        let mut known = before.clone();
        let meaning = match self.lane.role {
            Role::Target => {
                if let Some(patience) = patience(self.lane) {
                    unpaid::read(&mut known, found, (self.begun, self.now), patience);
                }
                observe::target(&mut known, found, self.begun, self.now, self.grace)
            }
            Role::Source if !may_read(tx, &known, found)? => Meaning::Nothing,
            Role::Source => {
                let before = tx.own_lines(known.id)?;
                let mut own = before.clone();
                let meaning = observe::source(&mut known, found, self.begun, self.now, &mut own);
                for (line, _) in own.iter_mut().zip(&before).filter(|(line, before)| **line != **before) {
                    tx.save_line(line)?;
                    taken.dirty.insert(known.id);
                }
                meaning
            }
        };
        self.write_down(tx, &mut known, meaning)?;
        self.write_unpaid_down(tx, before, &known)?;
        if meaning == Meaning::NoNumber && tx.is_linked(known.id)? {
            taken.troubles.push(self.no_number(&known));
        }
        if differs(before, &known) {
            tx.save_known(&known)?;
            taken.dirty.insert(known.id);
        }
        if before.gone.is_some() != known.gone.is_some() {
            taken.dirty.extend(twins(tx, &self.lane.name, &known.listing)?);
        }
        Ok(matches!(found, Found::Level { .. } | Found::Gone))
    }

    fn no_number(&self, known: &Known) -> Trouble {
        Trouble {
            code: "no-number",
            channel: Some(self.lane.name.clone()),
            listing: Some(known.name()),
            message: "its quantity cannot be read; what was read last still counts".to_owned(),
            next: Some("write a whole number there".to_owned()),
            waits_for_owner: false,
        }
    }

    /// Writes down what is bought and not paid, where that changed without an order.
    fn write_unpaid_down(&self, tx: &Tx<'_>, before: &Known, known: &Known) -> Result<(), StoreError> {
        let unpaid = |known: &Known| known.counted.as_ref().map_or(0, Counted::unpaid);
        let (from, to) = (Level(unpaid(before)), Level(unpaid(known)));
        if from == to {
            return Ok(());
        }
        record(tx, self.run, known, Why::Unpaid, (Some(from), Some(to)), self.begun, None).map(|_| ())
    }

    fn write_down(&self, tx: &Tx<'_>, known: &mut Known, meaning: Meaning) -> Result<(), StoreError> {
        let entry = |why, from, to, note| record(tx, self.run, known, why, (from, to), self.begun, note);
        match meaning {
            Meaning::OwnersChange(from, to) => {
                let movement = entry(Why::OwnersChange, Some(from), Some(to), None)?;
                known.owners_change = Some(movement);
                tx.refreeze(known.id, to.offerable())?;
            }
            Meaning::Missing { expected, seen } => {
                entry(Why::Missing, Some(expected), Some(seen), None)?;
                tx.refreeze(known.id, seen.offerable())?;
            }
            Meaning::Gone => {
                let movement = entry(Why::Gone, known.reading.map(|seen| seen.level), None, None)?;
                known.owners_change = Some(movement);
            }
            Meaning::Nothing | Meaning::TooOld | Meaning::NoNumber | Meaning::First(_) => {}
        }
        Ok(())
    }
}

/// Returns how long purchases on a target may stay unpaid, where its counter shows them and its sales count (O5).
fn patience(lane: &Lane) -> Option<unpaid::Patience> {
    let capability = lane.capability();
    let lasts = capability.unpaid_for.filter(|_| lane.deduct_sales)?;
    Some(unpaid::Patience { lasts, lag: capability.lag.max(capability.order_delay) })
}

/// Returns the listings of a channel that bear a SKU of this one: whether they are duplicates may have changed.
fn twins(tx: &Tx<'_>, channel: &ChannelName, listing: &Listing) -> Result<Vec<ListingId>, StoreError> {
    let mut twins = Vec::new();
    for sku in listing.skus() {
        let bearing = tx.listings_by_sku(sku)?;
        twins.extend(bearing.into_iter().filter(|known| known.at.channel == *channel).map(|known| known.id));
    }
    Ok(twins)
}

/// Tells whether a reading of a source listing may be taken in: not while an adjustment of it is open, since nobody knows
/// on which side of it the number stands. While one is in doubt, the lower reading holds (X6).
fn may_read(tx: &Tx<'_>, known: &Known, found: &Found) -> Result<bool, StoreError> {
    let intents = tx.unfinished_of(known.id)?;
    let mut states = intents.iter().filter(|i| matches!(i.act, Act::Adjust { .. })).map(|intent| intent.state);
    let lower = match (found, known.reading) {
        (Found::Level { level, .. }, Some(seen)) => *level < seen.level,
        _ => false,
    };
    Ok(states.all(|state| state == IntentState::InDoubt && lower))
}

/// Tells whether anything changed but the moment of the reading.
fn differs(before: &Known, after: &Known) -> bool {
    let level = |known: &Known| known.reading.map(|seen| seen.level);
    level(before) != level(after)
        || before.shown != after.shown
        || before.gone != after.gone
        || before.ceiling != after.ceiling
        || before.owners_change != after.owners_change
        || before.counted != after.counted
        || before.listing != after.listing
}

fn facts_differ(known: &Listing, scanned: &Listing) -> bool {
    let plain = |listing: &Listing| Listing { level: None, places: Vec::new(), counter: None, ..listing.clone() };
    plain(known) != plain(scanned)
}

fn found_in(listing: &Listing) -> Found {
    match listing.level {
        Some(level) => Found::Level { level, places: listing.places.clone(), counter: listing.counter },
        None => Found::NoNumber,
    }
}
