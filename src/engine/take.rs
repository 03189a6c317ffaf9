//! What lanes report is taken in, each in one transaction with the cursor it was read under (Y1): orders become lines,
//! readings become what is known.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::EngineError;
use super::cycle::{Cycle, record};
use super::lane::{JobResult, Lane, LaneReport, Observed, Quantities};
use super::report::{SaleReport, Trouble};
use crate::channel::{Beside, ChannelError, Remark};
use crate::domain::{Line, ListingId, ListingRef, Role, Why};

/// What came of taking in orders or readings.
#[derive(Default)]
pub(super) struct Taken {
    pub dirty: BTreeSet<ListingId>,
    pub look: BTreeSet<ListingId>,
    /// Listings that buyers seem to see; ours to look at where we hid them (Z1).
    pub live: BTreeSet<ListingId>,
    pub sales: Vec<SaleReport>,
    pub troubles: Vec<Trouble>,
    /// Lines that waited and need not.
    pub freed: Vec<Line>,
}

impl Taken {
    /// Returns the listings about which something changed. They are marked in the transaction that stores the change,
    /// so that a crash before they are planned loses nothing.
    pub fn dirty(&self) -> Vec<ListingId> {
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
        self.take_remarks(&lane, report.remarks, report.done)?;
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
            JobResult::Rested => self.read_again(&lane)?,
            JobResult::ZeroKept(keeps) => self.take_zero(&lane, keeps, report.done)?,
            JobResult::Pushed(batch, outcomes) => self.take_pushed(&lane, batch, outcomes, report.done)?,
            JobResult::Stood(id, standing) => self.take_standing(&lane, id, standing, report.done)?,
            JobResult::Shown(id, outcome) => self.take_shown(&lane, id, outcome, report.done)?,
        }
        Ok(())
    }

    /// Takes in what a job did beside what was asked for: told once, in this run's report and in the ledger.
    fn take_remarks(&mut self, lane: &Lane, remarks: Vec<Remark>, now: Timestamp) -> Result<(), EngineError> {
        for Remark { listing, about, message, next } in remarks {
            let (run, words) = (self.run, Some(message.clone()));
            let at = ListingRef { channel: lane.name.clone(), key: listing };
            let why = match about {
                Beside::Renewed => Why::Renewed,
                Beside::Changed => Why::ChangedBeside,
            };
            let (known, others) = self.store.transaction(|tx| {
                let Some(known) = tx.known_at(&at)? else { return Ok((None, Vec::new())) };
                record(tx, run, &known, why, (None, None), now, words)?;
                let others = tx.of_item(&known)?;
                Ok((Some(known), others))
            })?;
            let (channel, name) =
                (Some(lane.name.clone()), known.map_or_else(|| at.key.to_string(), |known| known.name()));
            let told = |code| Trouble { code, channel, listing: Some(name), message, next, waits_for_owner: false };
            match about {
                Beside::Renewed => self.report.renewed.push(told("renewed")),
                Beside::Changed => {
                    self.trouble(told("changed-beside"));
                    // What else its item holds may be gone. Of a source that shows when its change is read again (X4).
                    if lane.role == Role::Target {
                        self.lane(&lane.name).look.extend(others.into_iter().map(|other| other.id));
                    }
                }
            }
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
        // A process of cron hears the channel's clock only now: waits that are over by it are over (R3, F5).
        self.seeds.extend(self.store.read(|tx| tx.overdue(&lane.name, done))?);
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

    pub(super) fn note(&mut self, lane: &Lane, taken: Taken) -> Result<(), EngineError> {
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
}
