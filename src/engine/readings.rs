//! Readings become what is known: lists, hints of where to look, and looks at listings by their key (P5, R1 to R4).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::{Cycle, record};
use super::lane::{Lane, Quantities};
use super::orders::free_not_relisted;
use super::standing::no_number;
use super::take::Taken;
use crate::channel::ChannelError;
use crate::domain::observe::{self, Meaning, later};
use crate::domain::settle::Goal;
use crate::domain::unpaid;
use crate::domain::{
    Act, ChannelName, Counted, Delta, Found, IntentState, Known, Level, Listing, ListingId, ListingRef, ListingState,
    Reading, Role, RunId, Shown, Why,
};
use crate::store::{StoreError, Tx};

impl Cycle<'_> {
    /// Takes in the quantities of an observation.
    pub(super) fn take_quantities(
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

    /// Takes in what listings show that were looked at by their key.
    pub(super) fn take_looked(
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
        // What is written with another one of its item counts as long as that may still come.
        let now = later(self.now, self.lane.capability().still_running);
        !is_known(known, *level, self.lane.role)
            && last.is_some_and(|last| last <= now && self.begun < later(last, self.lane.capability().lag))
    }

    /// Takes in one reading; tells whether there was a number in it.
    fn read(&self, tx: &Tx<'_>, before: &Known, found: &Found, taken: &mut Taken) -> Result<bool, StoreError> {
        let mut known = before.clone();
        let mut beside = false;
        let meaning = match self.lane.role {
            Role::Target => {
                if let Some(patience) = patience(self.lane) {
                    unpaid::read(&mut known, found, (self.begun, self.now), patience);
                }
                observe::target(&mut known, found, self.begun, self.now, self.grace)
            }
            Role::Source if !may_read(tx, &known, found)? => Meaning::Nothing,
            Role::Source => {
                let lines = tx.own_lines(known.id)?;
                let mut own = lines.clone();
                let meaning = observe::source(&mut known, found, self.begun, self.now, &mut own);
                beside = self.was_written_beside(tx, before)?;
                let meaning = if beside { self.unless_run_over(tx, before, meaning, taken)? } else { meaning };
                // Read again since, whatever stood beside it then says nothing of what comes (Y3).
                beside &= own.iter().all(|line| line.unseen() == 0);
                for (line, _) in own.iter_mut().zip(&lines).filter(|(line, before)| **line != **before) {
                    tx.save_line(line)?;
                    taken.dirty.insert(known.id);
                }
                meaning
            }
        };
        self.write_down(tx, &mut known, meaning)?;
        self.write_unpaid_down(tx, before, &known)?;
        let numberless = meaning == Meaning::NoNumber;
        known.numberless = numberless.then(|| before.numberless.unwrap_or(self.begun));
        if numberless && tx.is_linked(known.id)? {
            taken.troubles.push(no_number(&known, None));
        }
        if differs(before, &known) {
            taken.dirty.insert(known.id);
            tx.save_known(&known)?;
        } else if beside {
            tx.save_known(&known)?;
        }
        if before.gone.is_some() != known.gone.is_some() {
            taken.dirty.extend(twins(tx, &self.lane.name, &known.listing)?);
        }
        Ok(matches!(found, Found::Level { .. } | Found::Gone))
    }

    /// Tells whether a write of ours put a listing, as it was read just before, with another one of its item since it was read
    /// last.
    fn was_written_beside(&self, tx: &Tx<'_>, before: &Known) -> Result<bool, StoreError> {
        let last = before.reading.filter(|_| self.lane.capability().writes_items);
        last.map_or(Ok(false), |last| tx.adjusted_beside(before, last.begun))
    }

    /// Tells a sale that a write of what stands beside it ran over from a change of the owner's: what was sold in that moment is
    /// taken off once more, and so is what shows only later (X3).
    fn unless_run_over(
        &self,
        tx: &Tx<'_>,
        before: &Known,
        meaning: Meaning,
        taken: &mut Taken,
    ) -> Result<Meaning, StoreError> {
        let Some(last) = before.reading else { return Ok(meaning) };
        let (fell, sold) = match meaning {
            Meaning::Nothing => (0, 0),
            Meaning::OwnersChange(expected, seen) => (expected.since(seen).0, last.level.since(expected).0),
            _ => return Ok(meaning),
        };
        tx.keep_goal(before.id, Goal { from: last.done, until: self.begun, fell: fell.max(0) })?;
        if !(1..=sold).contains(&fell.saturating_neg()) {
            return Ok(meaning);
        }
        tx.add_lost(before.id, Delta(fell))?;
        taken.dirty.insert(before.id);
        Ok(Meaning::Nothing)
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
                if !self.lane.capability().ended_is_gone {
                    known.give_up();
                }
            }
            Meaning::Nothing | Meaning::TooOld | Meaning::NoNumber | Meaning::First(_) => {}
        }
        Ok(())
    }
}

/// Returns how long purchases on a target may stay unpaid, where its counter shows them and its sales count (O5).
fn patience(lane: &Lane) -> Option<unpaid::Patience> {
    let capability = lane.capability();
    let lasts = lane.channel.unpaid_for().filter(|_| lane.deduct_sales)?;
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
        || before.numberless != after.numberless
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
