//! Weighing what a reading says of a change whose answer never came: done, not done, or in doubt (X3, X6).

use jiff::Timestamp;

use super::EngineError;
use super::confirming::Confirming;
use super::cycle::Cycle;
use super::lane::Lane;
use super::settling::Stored;
use crate::domain::observe::{SAME_MOMENT, later};
use crate::domain::settle::{Evidence, OwnSales, Second, Verdict, decide, second_reading};
use crate::domain::{Act, Delta, ExactlyOnce, Found, IntentId, IntentState, Line, ListingId};
use crate::store::StoreError;

impl Cycle<'_> {
    /// Weighs a fresh reading of a source listing against its open adjustment (X6).
    pub fn weigh_evidence(
        &mut self,
        lane: &Lane,
        id: ListingId,
        found: &Found,
        (begun, done): (Timestamp, Timestamp),
    ) -> Result<(), EngineError> {
        let intents = self.store.read(|tx| tx.unfinished_of(id))?;
        let waiting = self.lanes.get(&lane.name).map(|state| state.calls.clone()).unwrap_or_default();
        for intent in intents.iter().filter(|intent| intent.state == IntentState::Open) {
            let Act::Adjust { delta, before, lines } = &intent.act else { continue };
            let Found::Level { level, counter, .. } = found else { continue };
            if waiting.iter().any(|sending| Some(sending.id) == intent.call) {
                continue;
            }
            let stored = Stored { intent, delta: *delta, before: *before, lines, begun, done, counter: *counter };
            let evidence = Evidence { level: *level, begun, done, counter: *counter };
            match self.confirming.get(&id) {
                Some(Confirming::Looking) => self.confirm(lane, &stored, evidence, None)?,
                Some(Confirming::Asking(first)) => self.confirm(lane, &stored, evidence, Some(*first))?,
                Some(Confirming::Resting | Confirming::Doubting(_)) => {}
                None => self.weigh(lane, &stored, evidence)?,
            }
        }
        Ok(())
    }

    fn weigh(&mut self, lane: &Lane, stored: &Stored<'_>, seen: Evidence) -> Result<(), EngineError> {
        let capability = lane.capability();
        let Evidence { level, begun, .. } = seen;
        // Where a mark tells what became of it, it alone is looked for: a sale can move the number just as far (X4).
        if capability.exactly_once == ExactlyOnce::Marker {
            return Ok(());
        }
        let id = stored.intent.listing;
        // Where nothing goes on after its process, no clock needs to be asked; and a counter of sold units is never late.
        let counts = seen.counter.is_some();
        let sent = stored.intent.sent;
        let still_running = later(sent, capability.still_running);
        let wait = if counts { still_running } else { later(still_running, capability.order_delay) };
        let settled = wait == sent || wait <= begun;
        if !counts && !self.is_ripe(lane, stored.intent.id, seen)? {
            let why = "no answer came; its number says more when the orders of that moment can no longer be late";
            return self.pending(lane, stored, why.to_owned(), None);
        }
        let own = self.own_sales(lane, id, seen)?;
        match decide(stored.delta, stored.before, level, own, settled) {
            // A till lowers a number by one as often as we do: in a file that somebody else wrote since, a number that
            // fits proves nothing, neither that it was done nor that it was not (X5).
            Verdict::Applied | Verdict::NotApplied if capability.exactly_once == ExactlyOnce::File => {
                self.doubt(stored, level, begun)?;
            }
            Verdict::Applied => self.applied(lane, stored, Some(level), Delta(0), begun, "its number shows it")?,
            Verdict::NotApplied => {
                self.not_applied(stored, begun, "its number shows that it was not done")?;
                self.seeds.insert(id);
            }
            Verdict::Wait => {
                let why = "no answer came; the number is read again when the request can no longer be running";
                self.pending(lane, stored, why.to_owned(), None)?;
            }
            Verdict::InDoubt if self.ran_over_a_sale(lane, stored, seen, own)? => {
                self.confirm(lane, stored, seen, None)?;
            }
            Verdict::InDoubt if counts && begun < later(still_running, capability.order_delay) => {
                let why = "no answer came, and the number fits neither; the orders of that moment may still be late";
                self.pending(lane, stored, why.to_owned(), None)?;
            }
            Verdict::InDoubt => self.doubt(stored, level, begun)?,
        }
        Ok(())
    }

    /// Tells whether a number that fits neither outcome is explained by a write that ran over a sale of the source: the
    /// platform counted that sale (X3), and its order was placed after the reading that the write was reckoned from, and
    /// before the write can last have been on its way.
    fn ran_over_a_sale(
        &self,
        lane: &Lane,
        stored: &Stored<'_>,
        seen: Evidence,
        own: OwnSales,
    ) -> Result<bool, StoreError> {
        if seen.counter.is_none() {
            return Ok(false);
        }
        let Second::Lost(lost) = second_reading(stored.delta, stored.before, seen.level, own) else { return Ok(false) };
        let id = stored.intent.listing;
        let (known, lines) = self.store.read(|tx| Ok((tx.known(id)?, tx.own_lines(id)?)))?;
        let Some(read) = known.and_then(|known| known.reading) else { return Ok(false) };
        let until = later(later(stored.intent.sent, lane.capability().still_running), SAME_MOMENT);
        let between = |line: &&Line| read.begun <= later(line.placed, SAME_MOMENT) && line.placed <= until;
        let sold = lines.iter().filter(between).fold(0_i64, |sum, line| sum.saturating_add(line.taken));
        Ok((1..=own.sure.min(sold)).contains(&lost.0.saturating_neg()))
    }

    /// Tells whether an open adjustment may be decided by a reading (X6): only if the number was the same before, so long
    /// ago that all orders of that moment must have shown since. A reading that is not is remembered for the next time.
    fn is_ripe(&mut self, lane: &Lane, intent: IntentId, seen: Evidence) -> Result<bool, StoreError> {
        let delay = lane.capability().order_delay;
        if delay.is_zero() {
            return Ok(true);
        }
        let orders_read = self.lanes.get(&lane.name).and_then(|state| state.orders_read);
        let ripe = |first: &Evidence| orders_read.is_some_and(|read| later(first.done, delay) <= read);
        self.store.transaction(|tx| match tx.evidence(intent)? {
            Some(first) if first.level == seen.level => Ok(ripe(&first)),
            _ => tx.keep_evidence(intent, seen).map(|()| false),
        })
    }

    /// Sums up the source's own sales that a reading of a listing contains and the last good one before it does not:
    /// while an adjustment of it is open, that is the reading before the adjustment.
    ///
    /// A sale that the one before may contain by its stamp is contained if it was placed so long before that it had to
    /// be, else only if the number moved by as much then, and nothing that was known explained it. A rise may hide a
    /// fall of any size. Where the platform counts what it sells, only what came back is left unclear (X3).
    pub(super) fn own_sales(&self, lane: &Lane, id: ListingId, seen: Evidence) -> Result<OwnSales, StoreError> {
        let delay = lane.capability().order_delay;
        let (own, read, counter, mut moved) = self.store.read(|tx| {
            let known = tx.known(id)?;
            let reading = known.as_ref().and_then(|known| known.reading);
            let (read, counter) = (reading.map(|seen| (seen.begun, seen.done)), reading.and_then(|seen| seen.counter));
            let change = known.and_then(|known| known.owners_change).map(|change| tx.movement(change)).transpose()?;
            let change = change.flatten().filter(|change| read.is_some_and(|(begun, _)| begun == change.when));
            let moved = change.and_then(|change| change.from?.checked_sub(change.to?)).unwrap_or(0);
            Ok((tx.own_lines(id)?, read, counter, moved))
        })?;
        if let (Some(before), Some(now)) = (counter, seen.counter) {
            let mut sales = OwnSales::counted(before, now);
            // No counter falls for what comes back, also of an order that was first seen cancelled, and nobody says whether
            // it went back to stock.
            for line in &own {
                sales.add_unclear(line.unseen().min(0));
                sales.add_unclear(line.unsaid.saturating_neg());
            }
            return Ok(sales);
        }
        let mut sales = OwnSales::default();
        for line in own {
            let units = line.unseen();
            if line.placed <= later(seen.done, SAME_MOMENT) {
                sales.perhaps_sold = sales.perhaps_sold.saturating_add(line.unsaid);
            }
            let clearly_later = read.is_none_or(|(_, done)| later(done, SAME_MOMENT) < line.placed);
            let long_before = read.is_some_and(|(begun, _)| later(later(line.placed, delay), SAME_MOMENT) < begun);
            if later(seen.done, SAME_MOMENT) < line.placed || (units > 0 && long_before) {
                continue;
            }
            // Nobody stamps when units came back.
            let unstamped = units < 0 || seen.begun <= later(line.placed, SAME_MOMENT);
            let hidden = moved < 0;
            if unstamped {
                sales.add_unclear(units);
            } else if !clearly_later && (hidden || units <= moved) {
                moved = moved.saturating_sub(if hidden { 0 } else { units });
                sales.add_unclear(units);
            } else {
                sales.sure = sales.sure.saturating_add(units);
            }
        }
        Ok(sales)
    }
}
