//! One cycle, top to bottom: what lanes report is taken in, what is owed is settled, what changed is planned, and every
//! idle lane gets its next job.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{Id, JoinError};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::confirming::Confirming;
use super::lane::{self, Job, Lane, Levels, Observe, Sending};
use super::report::{LaneEnd, LaneReport, PushReport, Report, Trouble};
use super::standing::{RUNS, pace_of};
use super::undoing::Undoing;
use super::visibility::ShowStep;
use super::whose::Ownership;
use super::{Clock, Engine, EngineError, Options, Settings};
use crate::channel::{ChannelError, ErrorKind, OVERLAP, Probe, Repeat};
use crate::domain::observe::later;
use crate::domain::plan::Decision;
use crate::domain::settle::Settlement;
use crate::domain::{
    CallId, ChannelName, HoldId, Known, Level, ListingId, ListingKey, ListingRef, Movement, MovementId, OrderWindow,
    Role, RunId, Why,
};
use crate::safeguard::{Safeguard, stands};
use crate::store::{ChannelState, KeptQuota, Store, StoreError, Tx};

/// How long the lanes that were quick wait for the others before they settle and plan without them (P7).
pub(super) const GATHER: Duration = Duration::from_secs(2);
/// How often a cycle looks again after it wrote (Y7).
const MOST_LOOKS: u32 = 3;
/// How far back orders are read once a day (Y1).
const DEEP: SignedDuration = SignedDuration::from_hours(48);
/// How long the orders of the last days may go unread (Y1).
const DEEP_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How long a stopped run waits for the calls in flight.
const LAST_CALLS: Duration = Duration::from_secs(30);

/// What a cycle knows of a lane.
#[derive(Default)]
pub(super) struct LaneState {
    /// A job of it is in flight.
    pub busy: bool,
    /// It is to be observed.
    pub to_observe: bool,
    /// It was observed at least once in this cycle.
    pub observed: bool,
    /// It was observed by a job that this cycle began.
    pub fresh: bool,
    /// What stopped it.
    pub failed: Option<ChannelError>,
    /// It did not report within this cycle's patience.
    pub late: bool,
    /// It wrote something since its last observation.
    pub wrote: bool,
    /// Stored calls to be sent.
    pub calls: VecDeque<Sending>,
    /// Listings to be read by key.
    pub look: BTreeSet<ListingId>,
    /// Listings that are being read by key.
    pub looking: BTreeSet<ListingId>,
    /// Listings whose turn it is to be read by key, once that was found out (Y4).
    pub turn: Option<VecDeque<(ListingId, ListingKey)>>,
    /// Those of them that are being read.
    pub in_turn: BTreeSet<ListingId>,
    /// Hides and shows to be done.
    pub shows: VecDeque<ShowStep>,
    /// When the last reading of quantities began, and the last full one, in this cycle. They become the channel's
    /// cursor when all that they hinted at was looked up.
    pub levels_since: Option<Timestamp>,
    pub scanned: Option<Timestamp>,
    /// By when its orders were read in this cycle, by its clock.
    pub orders_read: Option<Timestamp>,
    /// Calls that had counted against its quota before this cycle.
    pub quota_calls: u64,
    /// A listing was read by its key, and its number was missing.
    pub numberless: bool,
    /// Whether its platform keeps a listing at 0, once that was looked up (Z3).
    pub keeps_zero: Option<bool>,
    /// It is left alone in this cycle, to spare its platform's quota (Y4).
    pub spared: bool,
    /// The channel's clock, as last heard.
    pub clock: Option<Timestamp>,
    /// How far the channel's clock was ahead of this machine's when it was last heard before this cycle.
    pub ahead: SignedDuration,
    /// When it was last read completely before this cycle.
    pub complete: Option<Timestamp>,
    pub orders: usize,
    pub readings: usize,
    pub jobs: u64,
    pub writes: u64,
}

/// One cycle under way.
pub(super) struct Cycle<'a> {
    pub engine: &'a mut Engine,
    pub store: &'a mut Store,
    pub options: &'a Options,
    pub run: RunId,
    pub lanes: BTreeMap<ChannelName, LaneState>,
    /// The source's name.
    pub source: ChannelName,
    /// Listings whose components are to be settled and planned.
    pub seeds: BTreeSet<ListingId>,
    /// What is told of each push.
    pub pushes: BTreeMap<ListingRef, PushReport>,
    /// What is to be pushed, as of the latest plan.
    pub queue: BTreeMap<ListingId, Decision>,
    /// What is being pushed at this moment.
    pub sent: BTreeMap<ListingId, Decision>,
    /// Listings of which something about their visibility is on its way.
    pub showing: BTreeSet<ListingId>,
    /// Listings that were planned anew while their push was under way.
    pub overtaken: BTreeSet<ListingId>,
    /// Source listings with something to settle.
    pub unsettled: BTreeSet<ListingId>,
    /// Settlements whose call is being prepared.
    pub preparing: Vec<(ListingId, Settlement)>,
    /// Source listings that go alone, since their number moved under the last attempt (X2).
    pub alone: BTreeSet<ListingId>,
    /// Source listings whose change was confirmed and is to be read again (X4), and how far that is.
    pub confirming: BTreeMap<ListingId, Confirming>,
    /// Source listings to which something was sent once more in this cycle; it is not done twice.
    pub corrected: BTreeSet<ListingId>,
    /// How often a listing was tried in this cycle and has to be tried again.
    pub tries: BTreeMap<ListingId, u32>,
    /// Listings beside which was read what else of their item should be on sale.
    pub looked_beside: BTreeSet<ListingId>,
    /// Listings of the source of which a write had no answer: it may still be on its way.
    pub unanswered: BTreeSet<ListingId>,
    /// When calls that were sent again had been sent before: so it is once more, when they are answered.
    pub sent_before: BTreeMap<CallId, Timestamp>,
    /// Source listings of which the last unit must stay, since their platform knows no 0 and the owner was not asked yet
    /// (Z2).
    pub last_units: BTreeSet<ListingId>,
    /// Listings that were looked up and could not be read.
    pub unreadable: BTreeSet<ListingId>,
    /// Listings whose hold the owner released just now.
    pub exempt: BTreeSet<ListingId>,
    /// Channels whose rules changed since the last run: what was shown of their holds is no longer so.
    pub ruled: BTreeSet<ChannelName>,
    /// Channels that were ever pushed to with the owner's word, and the like.
    pub channels: BTreeMap<ChannelName, ChannelState>,
    /// Channels that begin anew with the account that they answer with, by the owner's word.
    pub anew: BTreeSet<ChannelName>,
    /// What the run wrote that is to be undone; `None` where none is.
    pub undoing: Option<Undoing>,
    /// What the last runs left of the quotas of platforms that have one.
    pub quotas: BTreeMap<ChannelName, KeptQuota>,
    /// The pace of runs.
    pub pace: SignedDuration,
    /// Whose state it is.
    pub own: Ownership,
    pub looks: u32,
    /// The holds that stood before it.
    pub holds: BTreeSet<HoldId>,
    pub report: Report,
}

impl<'a> Cycle<'a> {
    /// Opens the books: the run, its channels, what was left open, and what the owner released.
    pub fn begin(engine: &'a mut Engine, store: &'a mut Store, options: &'a Options) -> Result<Self, EngineError> {
        let source = engine.lanes.iter().find(|lane| lane.role == Role::Source).map(|lane| lane.name.clone());
        let source = source.ok_or(EngineError::NoSource)?;
        let now = (engine.around.clock)();
        let run = store.transaction(|tx| tx.begin_run(&options.command, now))?;
        let pace = pace_of(&store.read(|tx| tx.syncs(RUNS))?, engine.settings.every);
        let own = Ownership::of(store, &(engine.around.new_key)())?;
        let holds = store.read(|tx| tx.holds())?.into_iter().map(|hold| hold.id).collect();
        let mut cycle = Self {
            quotas: BTreeMap::new(),
            pace,
            own,
            anew: BTreeSet::new(),
            source,
            run,
            lanes: BTreeMap::new(),
            seeds: BTreeSet::new(),
            pushes: BTreeMap::new(),
            queue: BTreeMap::new(),
            sent: BTreeMap::new(),
            showing: BTreeSet::new(),
            overtaken: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            preparing: Vec::new(),
            alone: BTreeSet::new(),
            confirming: BTreeMap::new(),
            corrected: BTreeSet::new(),
            tries: BTreeMap::new(),
            looked_beside: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            sent_before: BTreeMap::new(),
            last_units: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            exempt: BTreeSet::new(),
            ruled: BTreeSet::new(),
            channels: BTreeMap::new(),
            undoing: None,
            looks: 0,
            holds,
            report: Report {
                run: (!options.dry_run).then_some(run),
                began: now,
                ended: now,
                lanes: Vec::new(),
                sales: Vec::new(),
                deductions: Vec::new(),
                pushes: Vec::new(),
                renewed: Vec::new(),
                kept: Vec::new(),
                holds: Vec::new(),
                unmade: BTreeSet::new(),
                troubles: Vec::new(),
                limits: Vec::new(),
                unchanged: 0,
                cut_short: false,
            },
            engine,
            store,
            options,
        };
        match cycle.open() {
            Ok(()) => Ok(cycle),
            // What was named wrongly is no run that broke off.
            Err(error @ (EngineError::NoSuchHold(_) | EngineError::NothingToUndo(_))) => {
                cycle.store.transaction(|tx| tx.end_run(run, now, 2, &error.to_string()))?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn open(&mut self) -> Result<(), EngineError> {
        self.open_lanes()?;
        self.drop_old_questions()?;
        self.recover()?;
        self.recover_showings()?;
        self.release()?;
        self.show_holds()?;
        self.begin_undoing()?;
        self.look_whose()?;
        self.seeds.extend(self.store.read(|tx| tx.dirty())?);
        Ok(())
    }

    fn open_lanes(&mut self) -> Result<(), EngineError> {
        for lane in self.engine.lanes.clone() {
            let late = self.engine.flying.values().any(|name| *name == lane.name);
            let print = self.engine.settings.rules_print.clone();
            let here = self.report.began;
            let full = self.options.full;
            let (channel, ruled) = self.store.transaction(|tx| {
                let (channel, ruled) = open_channel(tx, &lane, print, here)?;
                // The owner may have mended what was refused: as channels.toml was to be changed, or on the platform.
                if ruled || full {
                    tx.refused_anew(&lane.name)?;
                }
                Ok((channel, ruled))
            })?;
            self.ruled.extend(ruled.then(|| lane.name.clone()));
            let complete = channel.complete.or(channel.scanned);
            let quota = self.store.read(|tx| tx.quota(&lane.name))?;
            self.quotas.extend(quota.map(|quota| (lane.name.clone(), quota)));
            let quota_calls = lane.channel.quota_calls();
            let ahead = self.store.read(|tx| tx.ahead(&lane.name))?.unwrap_or(SignedDuration::ZERO);
            let state =
                LaneState { busy: late, late, to_observe: !late, complete, ahead, quota_calls, ..LaneState::default() };
            self.lanes.insert(lane.name.clone(), state);
            let spared = self.is_spared(&lane);
            self.lane(&lane.name).spared = spared;
            self.channels.insert(lane.name.clone(), channel);
        }
        Ok(())
    }

    /// Goes on until every lane is at rest and a second look brought nothing new, or patience ends.
    pub async fn drive(&mut self, stop: &CancellationToken) -> Result<(), EngineError> {
        let began = Instant::now();
        let mut until = began + self.engine.settings.patience;
        while let Some(end) = self.engine.jobs.try_join_next_with_id() {
            self.land(end)?;
        }
        let mut stopping = false;
        loop {
            if stop.is_cancelled() && !stopping {
                stopping = true;
                until = until.min(Instant::now() + LAST_CALLS);
            }
            if self.gathered(began) {
                self.think()?;
            }
            if !stopping {
                self.assign()?;
            }
            if !self.busy() && (stopping || !self.look_again()?) {
                return Ok(());
            }
            if !self.busy() {
                continue;
            }
            let moments = [Some(began + GATHER), self.traces_until()].into_iter().flatten();
            let wake = moments.filter(|moment| Instant::now() < *moment).chain([until]).min().unwrap_or(until);
            tokio::select! {
                Some(end) = self.engine.jobs.join_next_with_id() => self.land(end)?,
                () = sleep_until(wake) => if until <= Instant::now() {
                    self.give_up_waiting();
                    return Ok(());
                },
                () = stop.cancelled(), if !stopping => {}
            }
        }
    }

    /// Tells whether the lanes that are quick have all been observed.
    fn gathered(&self, began: Instant) -> bool {
        let waiting = self.lanes.values().any(|lane| !lane.observed && !lane.late && lane.failed.is_none());
        !waiting || began + GATHER <= Instant::now()
    }

    fn busy(&self) -> bool {
        self.lanes.values().any(|lane| lane.busy && !lane.late)
    }

    /// After writing, orders and the source are looked at again (Y7), a bounded number of times.
    fn look_again(&mut self) -> Result<bool, EngineError> {
        let wrote = self.lanes.values().any(|lane| lane.wrote);
        if !wrote || self.options.dry_run {
            return Ok(false);
        }
        if self.looks == MOST_LOOKS {
            self.report.cut_short = true;
            return Ok(false);
        }
        self.looks += 1;
        for lane in self.lanes.values_mut().filter(|lane| lane.failed.is_none() && !lane.late) {
            lane.to_observe = true;
            lane.wrote = false;
        }
        self.assign()?;
        Ok(self.busy())
    }

    fn give_up_waiting(&mut self) {
        for lane in self.lanes.values_mut().filter(|lane| lane.busy) {
            lane.late = true;
        }
    }

    /// Takes in a job that ended. A panic in an adapter must not take the journal with it: its lane is stopped, the
    /// others go on.
    fn land(&mut self, end: Result<(Id, lane::LaneReport), JoinError>) -> Result<(), EngineError> {
        let id = end.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let name = self.engine.flying.remove(&id);
        if let Some(state) = name.as_ref().and_then(|name| self.lanes.get_mut(name)) {
            // What an earlier cycle asked for comes in late; what is the case now is still to be read.
            state.to_observe |= state.late;
        }
        if let Ok((_, report)) = end {
            return self.take(report);
        }
        if let Some(name) = name {
            let words = "its lane broke off unexpectedly";
            let state = self.lane(&name);
            state.busy = false;
            state.failed = Some(ChannelError::new(ErrorKind::Unexpected, Repeat::Later, "working", words));
        }
        Ok(())
    }

    /// Gives every idle lane its next job, the most urgent first.
    fn assign(&mut self) -> Result<(), EngineError> {
        for lane in self.engine.lanes.clone() {
            let idle = self.lanes.get(&lane.name).is_some_and(|state| !state.busy && state.failed.is_none());
            if !idle {
                continue;
            }
            if let Some(job) = self.next_job(&lane)? {
                let writes = matches!(job, Job::Adjust(..) | Job::Push(..) | Job::Show(..));
                let clock = self.clock_of(&lane);
                let state = self.lane(&lane.name);
                state.busy = true;
                state.jobs += 1;
                state.writes += u64::from(writes);
                state.wrote |= writes;
                let around = &self.engine.around;
                let name = lane.name.clone();
                let work = lane::work(lane, job, clock, around.progress.clone());
                let id = self.engine.jobs.spawn(work).id();
                self.engine.flying.insert(id, name);
            }
        }
        Ok(())
    }

    fn next_job(&mut self, lane: &Lane) -> Result<Option<Job>, EngineError> {
        if lane.role == Role::Source
            && let Some(job) = self.next_meeting(lane)
        {
            return Ok(Some(job));
        }
        while let Some(sending) = self.lane(&lane.name).calls.pop_front() {
            // A job that an earlier cycle began may have come in since and settled it.
            if self.store.read(|tx| tx.is_open(sending.id))? {
                self.note_sent(lane, &sending)?;
                return Ok(Some(Job::Adjust(sending)));
            }
        }
        if std::mem::take(&mut self.lane(&lane.name).to_observe) {
            return Ok(Some(Job::Observe(self.what_to_observe(lane)?)));
        }
        if let Some(job) = self.next_look(lane)? {
            return Ok(Some(job));
        }
        if self.stopped() || !self.lane(&lane.name).observed {
            return Ok(None);
        }
        if self.options.dry_run {
            return Ok(self.next_zero_of_plan(lane)?);
        }
        if lane.role == Role::Source {
            // Nothing is taken off a number that was not read in this cycle.
            if self.lane(&lane.name).spared {
                return Ok(None);
            }
            return Ok(self.next_settlement(lane)?.or_else(|| self.next_rest(lane)));
        }
        if self.waits_for_traces() {
            return Ok(None);
        }
        if let Some(job) = self.next_push(lane)? {
            return Ok(Some(job));
        }
        if let Some(job) = self.next_show(lane)? {
            return Ok(Some(job));
        }
        self.next_turn(lane).map_err(EngineError::from)
    }

    fn what_to_observe(&mut self, lane: &Lane) -> Result<Observe, StoreError> {
        let capability = lane.capability();
        let now = self.now(lane);
        let again = self.lane(&lane.name).observed;
        let first_link = self.store.read(|tx| tx.first_active(&lane.name))?;
        let spared = self.lane(&lane.name).spared;
        let Some(channel) = self.channels.get(&lane.name).cloned().filter(|_| !spared) else {
            return Ok(Observe { orders: None, levels: Levels::Nothing });
        };
        let deep = !again && channel.orders_deep.is_none_or(|deep| later(deep, DEEP_AGE) <= now);
        let since = channel.orders_since.or(first_link).unwrap_or(now);
        let since = before(
            if deep && channel.orders_since.is_some() { since.min(before(now, DEEP)) } else { since },
            overlap(),
        );
        let due = !again && self.scan_is_due(lane, channel.scanned)?;
        let full = (due || (self.options.full && !again))
            && (channel.scanned.is_none() || capability.cheap_scan || self.may_scan(lane)?);
        let levels = match self.lanes.get(&lane.name).and_then(|state| state.levels_since).or(channel.levels_since) {
            _ if capability.cheap_scan || full => Levels::Scan,
            Some(since) if capability.reads_changes => Levels::ChangedSince(before(since, overlap())),
            _ => Levels::Nothing,
        };
        let levels =
            if again && lane.role == Role::Target && !capability.cheap_scan { Levels::Nothing } else { levels };
        let orders = capability.orders.then_some(OrderWindow::ChangedSince(since));
        Ok(Observe { orders, levels })
    }

    fn next_look(&mut self, lane: &Lane) -> Result<Option<Job>, StoreError> {
        let most = lane.capability().read_batch.max(1);
        let mut batch = Vec::new();
        while batch.len() < most {
            let Some(id) = self.lane(&lane.name).look.pop_first() else { break };
            if let Some(known) = self.store.read(|tx| tx.known(id))? {
                batch.push((id, known.at.key));
            }
        }
        self.lane(&lane.name).looking = batch.iter().map(|(id, _)| *id).collect();
        Ok((!batch.is_empty()).then_some(Job::Look(batch)))
    }

    /// Closes the books and hands over the report.
    pub fn finish(mut self) -> Result<Report, EngineError> {
        self.report.pushes = std::mem::take(&mut self.pushes).into_values().collect();
        self.report_kept()?;
        self.report_lanes()?;
        self.report_waiting()?;
        self.forget()?;
        self.report.ended = (self.engine.around.clock)();
        let (run, ended, exit) = (self.run, self.report.ended, self.report.exit());
        let summary = self.report.summary();
        self.store.transaction(|tx| {
            if !self.options.yes {
                let holds: Vec<_> = self.report.holds.iter().map(|hold| hold.id).collect();
                tx.report_holds(&holds)?;
            }
            tx.end_run(run, ended, exit, &summary)
        })?;
        Ok(self.report)
    }

    fn report_lanes(&mut self) -> Result<(), StoreError> {
        for lane in self.engine.lanes.clone() {
            let noticed = self.report_notices(&lane);
            self.keep_quota(&lane)?;
            let Some(state) = self.lanes.get(&lane.name) else { continue };
            let end = match &state.failed {
                Some(error) => LaneEnd::Failed(error.clone()),
                None if state.late => LaneEnd::Late,
                None if lane.role == Role::Target && !self.switched_on(&lane) => LaneEnd::Off,
                None => LaneEnd::Complete,
            };
            let complete = matches!(end, LaneEnd::Complete | LaneEnd::Off) && state.observed && !state.spared;
            let trouble = state.failed.as_ref().map(ToString::to_string);
            let now = state.clock.unwrap_or(self.report.began);
            let read = complete && state.look.is_empty();
            let (levels_since, scanned) = if read { (state.levels_since, state.scanned) } else { (None, None) };
            let levels_since = levels_since.filter(|_| !state.numberless);
            let here = (self.engine.around.clock)();
            self.store.transaction(|tx| {
                if complete {
                    tx.heard_of(&lane.name, here)?;
                }
                // Also what a run that failed heard counts: this machine's clock may have jumped since the last one (Y1).
                if let Some(there) = lane.channel.clock() {
                    tx.keep_ahead(&lane.name, there.duration_since(here))?;
                }
                let Some(mut channel) = tx.channel(&lane.name)? else { return Ok(()) };
                if complete {
                    tx.keep_noticed(&lane.name, &noticed)?;
                }
                channel.levels_since = levels_since.or(channel.levels_since);
                channel.scanned = scanned.or(channel.scanned);
                channel.first_read = channel.first_read.or(scanned);
                channel.complete = complete.then_some(now).or(channel.complete);
                channel.trouble_since = trouble.as_ref().map(|_| channel.trouble_since.unwrap_or(now));
                channel.trouble = trouble;
                tx.save_channel(&channel)
            })?;
            self.report.lanes.push(LaneReport {
                channel: lane.name.clone(),
                role: lane.role,
                end,
                orders: state.orders,
                readings: state.readings,
                calls: state.jobs,
                writes: state.writes,
            });
        }
        Ok(())
    }

    /// Tells what a channel noticed on the way: it waits for its owner. Returns it in words.
    fn report_notices(&mut self, lane: &Lane) -> Vec<(String, Option<String>)> {
        let mut noticed = Vec::new();
        for Probe { code, message, next, .. } in lane.channel.notices() {
            noticed.push((message.clone(), next.clone()));
            let channel = Some(lane.name.clone());
            self.trouble(Trouble { code, channel, listing: None, message, next, waits_for_owner: true });
        }
        noticed
    }

    /// Tells whether pushes to a lane are switched on.
    pub fn switched_on(&self, lane: &Lane) -> bool {
        self.engine.settings.inventory_sync && lane.inventory_sync
    }

    /// Returns a lane's state in this cycle.
    pub fn lane(&mut self, name: &ChannelName) -> &mut LaneState {
        self.lanes.entry(name.clone()).or_default()
    }

    /// Returns a lane by its name.
    pub fn lane_of(&self, name: &ChannelName) -> Option<Lane> {
        self.engine.lanes.iter().find(|lane| lane.name == *name).cloned()
    }

    /// Returns the channel's time.
    pub fn now(&self, lane: &Lane) -> Timestamp {
        self.clock_of(lane)()
    }

    /// Returns the channel's clock; before its first answer, what that should say by this machine's, which may be wrong (Y1).
    fn clock_of(&self, lane: &Lane) -> Clock {
        let ahead = self.lanes.get(&lane.name).map_or(SignedDuration::ZERO, |state| state.ahead);
        let (channel, here) = (lane.channel.clone(), self.engine.around.clock.clone());
        Arc::new(move || channel.clock().unwrap_or_else(|| later(here(), ahead)))
    }

    /// Returns the channel's time as it was last heard in this cycle; before that, when the cycle began.
    pub fn heard(&self, channel: &ChannelName) -> Timestamp {
        let Some(lane) = self.lanes.get(channel) else { return self.report.began };
        lane.clock.unwrap_or_else(|| later(self.report.began, lane.ahead))
    }

    pub fn settings(&self) -> &Settings {
        &self.engine.settings
    }

    /// Notes something that went wrong or waits.
    pub fn trouble(&mut self, trouble: Trouble) {
        let same = |other: &Trouble| {
            (other.code, &other.channel, &other.listing, &other.message)
                == (trouble.code, &trouble.channel, &trouble.listing, &trouble.message)
        };
        let known = self.report.troubles.iter().any(same);
        if !known {
            self.report.troubles.push(trouble);
        }
    }

    /// Counts another try of a listing in this cycle; tells whether it may be tried again.
    pub fn try_again(&mut self, id: ListingId) -> bool {
        let tries = self.tries.entry(id).or_default();
        *tries += 1;
        *tries <= 3
    }
}

fn overlap() -> SignedDuration {
    if stands(Safeguard::Overlap) { OVERLAP } else { SignedDuration::ZERO }
}

/// Moves a moment back; at the beginning of time, the beginning of time.
pub(super) fn before(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

/// Writes an entry of the ledger: a listing went from one number to another.
pub(super) fn record(
    tx: &Tx<'_>,
    run: RunId,
    known: &Known,
    why: Why,
    (from, to): (Option<Level>, Option<Level>),
    when: Timestamp,
    note: Option<String>,
) -> Result<MovementId, StoreError> {
    let (from, to) = (from.map(|level| level.0), to.map(|level| level.0));
    let movement = Movement { listing: known.id, from, to, when, why, line: None, intent: None, note };
    tx.record(run, &movement)
}

fn open_channel(tx: &Tx<'_>, lane: &Lane, print: String, here: Timestamp) -> Result<(ChannelState, bool), StoreError> {
    let mut channel = tx.channel(&lane.name)?.unwrap_or_else(|| ChannelState::new(&lane.name, lane.kind, lane.role));
    lane.kind.clone_into(&mut channel.kind);
    channel.role = lane.role;
    let ruled = channel.rules_print.as_ref().is_some_and(|old| *old != print);
    if ruled {
        tx.rule_anew(&lane.name)?;
        tx.show_holds_anew(&lane.name)?;
    }
    channel.rules_print = Some(print);
    tx.save_channel(&channel)?;
    tx.watch(&lane.name, here)?;
    Ok((channel, ruled))
}
