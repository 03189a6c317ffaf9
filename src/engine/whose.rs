//! Whose state it is (I2): before anything is written, what other states left at the source is looked at, and our own
//! trace is left there.
//!
//! A source keeps traces in one place of the account, or one with each listing; [`Traces`] tells. What is found decides:
//! a trace that is not ours stops settling and pushing for the whole shop until the owner has decided.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use tokio::time::Instant;

use super::EngineError;
use super::cycle::{Cycle, GATHER};
use super::lane::{Job, Lane};
use super::report::Trouble;
use super::standing::held;
use crate::channel::{Account, ChannelError, ErrorKind, Outcome, Repeat};
use crate::domain::writer::{Whose, whose};
use crate::domain::{
    Act, ChannelName, Held, Hold, HoldWhy, IntentState, LineHold, ListingId, ListingKey, Role, Trace, Traces, Writer,
};
use crate::store::{Store, StoreError, Tx};

/// What a cycle knows of whose state it is.
pub(super) struct Ownership {
    /// This state, and how far it is.
    ours: Writer,
    /// The counter was moved in this cycle.
    moved: bool,
    /// States that the owner has decided about.
    settled: BTreeMap<String, u64>,
    /// The source was asked who it is, and what was left at its account.
    met: bool,
    /// What was left at the source's account.
    found: Option<Trace>,
    /// Our trace is left there, or cannot be.
    left: bool,
    /// How often it was to be left in this cycle.
    tries: u32,
    /// Source listings whose traces were looked at in this cycle.
    vouched: BTreeSet<ListingId>,
    /// The owner has decided: what is found in this cycle is settled.
    adopting: bool,
    /// Listings whose traces are still to be looked at for that.
    to_adopt: VecDeque<(ListingId, ListingKey)>,
    /// Nothing is written in this cycle.
    stopped: bool,
    /// Until when pushes wait for the traces of what is to be settled.
    patience: Instant,
}

/// How often a trace is left in one cycle before it is left to the next.
const MOST_TRIES: u32 = 3;

/// Why a state is not taken for the one that counts.
#[derive(Clone, Copy, Debug)]
enum Doubt {
    /// The file beside it is newer.
    Older,
    /// The source was written to by a run of it that it knows nothing of.
    Future,
    /// Another state has written to the source.
    Another,
}

impl Ownership {
    /// Finds out whose state this is.
    pub fn of(store: &mut Store, fresh: &str) -> Result<Self, StoreError> {
        let ours = store.writer(fresh)?;
        let settled = settled(store)?;
        Ok(Self {
            ours,
            moved: false,
            settled,
            met: false,
            found: None,
            left: false,
            tries: 0,
            vouched: BTreeSet::new(),
            adopting: false,
            to_adopt: VecDeque::new(),
            stopped: false,
            patience: Instant::now() + GATHER * 2,
        })
    }
}

impl Cycle<'_> {
    /// Looks whether this state may write at all, before any channel is asked: not while a hold on it stands, and not if
    /// the file beside it knows of more runs than it does itself.
    pub fn look_whose(&mut self) -> Result<(), EngineError> {
        let beside = self.store.beside()?;
        let older =
            beside.filter(|beside| beside.state == self.own.ours.state && self.own.ours.counter < beside.counter);
        match older {
            Some(beside) if self.own.adopting => self.adopt(&Trace { writer: beside, call: None, version: None })?,
            Some(_) => self.stop(Doubt::Older)?,
            None => {}
        }
        self.own.stopped |= self.store.read(state_hold)?.is_some();
        Ok(())
    }

    /// Takes the owner's word that this state is the one that counts from now on.
    pub fn begin_adopting(&mut self) -> Result<(), StoreError> {
        self.own.adopting = true;
        let of_listings = self.lane_of(&self.source).is_some_and(|lane| lane.capability().traces == Traces::Listing);
        if of_listings {
            self.own.to_adopt = self.store.read(|tx| tx.linked_keys(&self.source))?.into();
        }
        Ok(())
    }

    /// Tells whether nothing may be written in this cycle.
    pub fn stopped(&self) -> bool {
        self.own.stopped
    }

    /// Returns what the source is to be asked before anything else: who it is, and what was left there.
    pub fn next_meeting(&mut self, lane: &Lane) -> Option<Job> {
        if !std::mem::replace(&mut self.own.met, true) {
            return Some(Job::Meet);
        }
        if self.own.to_adopt.is_empty() || self.options.dry_run {
            return None;
        }
        let most = lane.capability().read_batch.clamp(1, self.own.to_adopt.len());
        Some(Job::Vouch(self.own.to_adopt.drain(..most).collect()))
    }

    /// Tells whether our trace is to be left though nothing is to be settled: the other state is to see that the owner has
    /// decided for this one.
    pub fn must_leave(&self, lane: &Lane) -> bool {
        self.own.adopting && !self.own.left && lane.capability().traces == Traces::Account
    }

    /// Returns what is still to be done at the source before these listings may be settled.
    pub fn next_vouching(&mut self, lane: &Lane, batch: &[ListingId]) -> Result<Option<Job>, EngineError> {
        match lane.capability().traces {
            Traces::Account if !self.own.left => {
                self.move_counter()?;
                return Ok(Some(Job::Leave(self.own.ours.clone(), self.own.found.clone())));
            }
            Traces::Listing => {
                let mut unvouched = Vec::new();
                for id in batch.iter().filter(|id| !self.own.vouched.contains(id)) {
                    unvouched.extend(self.store.read(|tx| tx.known(*id))?.map(|known| (*id, known.at.key)));
                }
                if !unvouched.is_empty() {
                    return Ok(Some(Job::Vouch(unvouched)));
                }
            }
            Traces::Account | Traces::Nowhere => {}
        }
        self.move_counter()?;
        Ok(None)
    }

    /// Returns the key of a new call to the source.
    pub fn key_of_call(&self, lane: &Lane) -> String {
        let fresh = (self.engine.around.new_key)();
        if lane.capability().traces == Traces::Listing { self.own.ours.key(&fresh) } else { fresh }
    }

    /// Tells whether pushes wait a moment for the traces of what is to be settled: what those numbers claim may have been
    /// taken off by another state.
    pub fn waits_for_traces(&self) -> bool {
        let Some(lane) = self.lane_of(&self.source) else { return false };
        let heard = self.lanes.get(&self.source).is_some_and(|state| state.failed.is_none() && !state.late);
        let unvouched = || self.unsettled.iter().any(|id| !self.own.vouched.contains(id));
        let asks = lane.capability().traces == Traces::Listing && !self.options.dry_run && heard;
        asks && Instant::now() < self.own.patience && unvouched()
    }

    /// Returns when pushes stop waiting for traces.
    pub fn traces_until(&self) -> Option<Instant> {
        self.waits_for_traces().then_some(self.own.patience)
    }

    /// Moves the run counter, durably, once a run.
    fn move_counter(&mut self) -> Result<(), EngineError> {
        if !std::mem::replace(&mut self.own.moved, true) {
            self.own.ours.counter += 1;
            self.store.move_writer(&self.own.ours)?;
        }
        Ok(())
    }

    /// Takes in who the source is, and what was left at its account.
    pub fn take_met(
        &mut self,
        lane: &Lane,
        met: Result<(Account, Option<Trace>), ChannelError>,
    ) -> Result<(), EngineError> {
        let (account, found) = match met {
            Ok(met) => met,
            Err(error) => {
                self.fail(lane, error);
                return Ok(());
            }
        };
        if !self.account_agrees(lane, &account)? {
            return Ok(());
        }
        self.own.left = found.as_ref().is_some_and(|found| self.own.moved && found.writer == self.own.ours);
        self.own.found.clone_from(&found);
        self.weigh_traces(found.into_iter().collect())
    }

    /// Takes in what was left with listings.
    pub fn take_vouched(
        &mut self,
        lane: &Lane,
        ids: &[ListingId],
        traces: Result<Vec<Option<Trace>>, ChannelError>,
    ) -> Result<(), EngineError> {
        match traces {
            Ok(traces) => self.weigh_traces(traces.into_iter().flatten().collect())?,
            Err(error) => {
                self.fail(lane, error);
                return Ok(());
            }
        }
        self.own.vouched.extend(ids);
        Ok(())
    }

    /// Takes in whether our trace is left at the source.
    pub fn take_left(&mut self, lane: &Lane, left: Result<Outcome, ChannelError>) {
        self.own.tries += 1;
        match left {
            // Whoever may not leave a trace goes on without one.
            Ok(Outcome::Done { .. } | Outcome::Refused(_)) => self.own.left = true,
            // Somebody left one meanwhile, or ours arrived and its answer was lost: what is there now decides.
            Ok(_) if self.own.tries < MOST_TRIES => self.own.met = false,
            Err(error) if error.may_have_landed() && self.own.tries < MOST_TRIES => self.own.met = false,
            Ok(_) => {
                let words = "another program keeps changing what was left there";
                self.fail(lane, ChannelError::new(ErrorKind::Refused, Repeat::Later, "leaving a trace", words));
            }
            Err(error) => self.fail(lane, error),
        }
    }

    fn weigh_traces(&mut self, traces: Vec<Trace>) -> Result<(), EngineError> {
        for trace in traces {
            let knows = match &trace.call {
                Some(call) => self.store.read(|tx| tx.knows_call(call))?,
                None => true,
            };
            match whose(&trace, &self.own.ours, &self.own.settled, knows) {
                Whose::Ours => {}
                _ if self.own.adopting => self.adopt(&trace)?,
                Whose::OurFuture => self.stop(Doubt::Future)?,
                Whose::Anothers => self.stop(Doubt::Another)?,
            }
        }
        Ok(())
    }

    /// Settles what another state left: from now on ours is the one that counts.
    fn adopt(&mut self, trace: &Trace) -> Result<(), EngineError> {
        let writer = &trace.writer;
        let last = self.own.settled.get(&writer.state).copied().unwrap_or_default().max(writer.counter);
        let settled = Writer { state: writer.state.clone(), counter: last };
        self.own.settled.insert(settled.state.clone(), last);
        self.store.transaction(|tx| tx.settle_writer(&settled))?;
        if writer.state == self.own.ours.state && self.own.ours.counter < last {
            self.own.ours.counter = last;
            self.store.move_writer(&self.own.ours)?;
        }
        Ok(())
    }

    /// Stops settling and pushing until the owner decides. What is owed, or in flight, may have been settled by the other
    /// state: it waits for the owner too.
    fn stop(&mut self, doubt: Doubt) -> Result<(), EngineError> {
        self.own.stopped = true;
        let (source, now) = (self.source.clone(), self.report.began);
        let note = words(&source, doubt);
        self.store.transaction(|tx| {
            if state_hold(tx)?.is_some() {
                return Ok(());
            }
            tx.make_hold(&source, HoldWhy::State, now, &note, &[])?;
            tx.catch_up()?;
            put_in_doubt(tx, now)
        })?;
        self.hold_owing(None)?;
        self.queue.clear();
        self.unsettled.clear();
        for lane in self.lanes.values_mut() {
            lane.calls.clear();
        }
        Ok(())
    }

    /// Lets what is owed wait for the owner, of one channel or of all.
    pub fn hold_owing(&mut self, channel: Option<&ChannelName>) -> Result<(), EngineError> {
        let since = self.lane_of(&self.source).map_or(self.report.began, |lane| self.now(&lane));
        let held = Held { why: LineHold::OtherState, since };
        let sources = self.store.transaction(|tx| {
            let sources = tx.hold_owing_lines(channel, held)?;
            tx.mark_dirty(&sources)?;
            Ok(sources)
        })?;
        self.seeds.extend(sources);
        let targets: BTreeSet<ChannelName> =
            self.engine.lanes.iter().filter(|lane| lane.role == Role::Target).map(|lane| lane.name.clone()).collect();
        let here = |name: &ChannelName| channel.is_none_or(|channel| channel == name) && targets.contains(name);
        for sale in self.report.sales.iter_mut().filter(|sale| sale.counts && here(&sale.channel)) {
            sale.held.get_or_insert(held.why);
        }
        Ok(())
    }

    /// While the state is stopped, what comes in waits, and is planned once the owner has decided.
    pub fn put_off(&mut self) -> Result<(), EngineError> {
        self.hold_owing(None)?;
        let seeds: Vec<ListingId> = std::mem::take(&mut self.seeds).into_iter().collect();
        self.store.transaction(|tx| tx.mark_dirty(&seeds))?;
        Ok(())
    }

    /// Lets what the orders of a channel brought wait, if they reach back to a time of which an old copy knows nothing.
    pub fn hold_catching_up(&mut self, lane: &Lane) -> Result<(), EngineError> {
        if lane.role == Role::Target && self.store.transaction(|tx| tx.caught_up(&lane.name))? {
            self.hold_owing(Some(&lane.name))?;
        }
        Ok(())
    }
}

/// Looks for the trace of another state at the source of a state that never wrote there, as `link` does: what it finds is
/// shown to the owner, and waits for the owner's word (H2). Where traces are left with listings, those that are to be
/// settled are looked at before.
pub async fn look_for_others(
    lanes: &[Lane],
    store: &mut Store,
    fresh: &str,
    now: Timestamp,
) -> Result<Option<Trouble>, StoreError> {
    let Some(lane) = lanes.iter().find(|lane| lane.role == Role::Source) else { return Ok(None) };
    let (ours, settled) = (store.writer(fresh)?, settled(store)?);
    if ours.counter > 0 || lane.capability().traces != Traces::Account || store.read(state_hold)?.is_some() {
        return Ok(None);
    }
    // Who cannot be asked now is asked by the first run.
    let found = lane.channel.traces(&[]).await.unwrap_or_default();
    if found.iter().flatten().all(|trace| whose(trace, &ours, &settled, false) == Whose::Ours) {
        return Ok(None);
    }
    let note = words(&lane.name, Doubt::Another);
    let hold = store.transaction(|tx| {
        let id = tx.make_hold(&lane.name, HoldWhy::State, now, &note, &[])?;
        tx.report_holds(&[id])?;
        state_hold(tx)
    })?;
    Ok(hold.as_ref().map(held))
}

fn settled(store: &Store) -> Result<BTreeMap<String, u64>, StoreError> {
    let settled = store.read(|tx| tx.settled_writers())?;
    Ok(settled.into_iter().map(|writer| (writer.state, writer.counter)).collect())
}

fn state_hold(tx: &Tx<'_>) -> Result<Option<Hold>, StoreError> {
    Ok(tx.holds()?.into_iter().find(|hold| hold.why == HoldWhy::State))
}

/// What was in flight in a state that is not the one that counts can no longer be proven: the other state went on from it.
fn put_in_doubt(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    for intent in tx.unfinished_intents()? {
        if let (IntentState::Open, Act::Adjust { delta, before, .. }) = (intent.state, &intent.act) {
            let done = before.after(*delta);
            let why = format!("{before} without it, {done} with it, and another state may have gone on from it");
            tx.close_intent(intent.id, IntentState::InDoubt, now, &why)?;
        }
    }
    Ok(())
}

fn words(source: &ChannelName, doubt: Doubt) -> String {
    let why = match doubt {
        Doubt::Older => {
            "this state is older than the file of credentials beside it: it was put back from a backup".to_owned()
        }
        Doubt::Future => format!(
            "a later run of this state than it knows of wrote to {source}: it was put back from a backup, or a copy of it is at work elsewhere"
        ),
        Doubt::Another => format!(
            "another eys wrote to {source}: it runs on another machine as well, or its state was lost and this one begun anew"
        ),
    };
    format!("{why}. Nothing is taken off or written until you say which one goes on; stop the other one first")
}
