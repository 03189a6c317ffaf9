//! Taking sales off the source: written down before it is done, closed by proof (P4, X1 to X7).

use jiff::Timestamp;

use super::EngineError;
use super::confirming::Confirming;
use super::cycle::{Cycle, LaneState, record};
use super::lane::{Job, Lane, Sending};
use super::report::{Adjusted, Deduction, Trouble};
use super::zero::NOT_EMPTIED;
use crate::channel::{Adjustment, Attempt, ChannelError, Outcome, PlaceChange};
use crate::domain::StoredCall;
use crate::domain::observe::{confirmed, later};
use crate::domain::plan::Doubt;
use crate::domain::settle::{Settlement, settle, settle_leaving};
use crate::domain::{
    Act, CallId, ChannelName, Delta, ExactlyOnce, Intent, IntentState, Known, Level, LineId, ListingId, Movement,
    Pushed, RunId, Seen, Why,
};
use crate::safeguard::{Safeguard, stands};
use crate::store::{OpenCall, StoreError, Tx};

/// How often a call without an answer is sent in one cycle before it is left to the next.
const MOST_SENDS: u32 = 3;

/// What one adjustment was to do, as stored.
pub(super) struct Stored<'a> {
    pub intent: &'a Intent,
    pub delta: Delta,
    pub before: Level,
    pub lines: &'a [(LineId, i64)],
    /// When what tells the number after it began, and when it was done, by the channel's clock.
    pub begun: Timestamp,
    pub done: Timestamp,
    /// What the platform's counter of sold units said then, where it has one.
    pub counter: Option<i64>,
}

impl Cycle<'_> {
    /// Finds the calls that an earlier run left open: they are sent again before anything else is read, or looked into once
    /// the orders are read.
    pub fn recover(&mut self) -> Result<(), EngineError> {
        let source = self.source.clone();
        for call in self.store.read(|tx| tx.unfinished_calls(&source))? {
            self.seeds.extend(call.intents.iter().map(|intent| intent.listing));
            if !call.intents.iter().any(|intent| intent.state == IntentState::Open) || self.options.dry_run {
                continue;
            }
            if !stands(Safeguard::IntentBeforeCall) {
                self.unwrite(&call)?;
                continue;
            }
            let Some(lane) = self.lane_of(&source) else { continue };
            self.unanswered.extend(call.intents.iter().map(|intent| intent.listing));
            // What is found out in a lane that is left alone is not looked at a second time, and so decides nothing.
            if !self.lane(&source).spared {
                self.send_again_or_look(&lane, call, false);
            }
        }
        Ok(())
    }

    /// Forgets a call, as if nothing had been written down before it went out.
    fn unwrite(&mut self, call: &OpenCall) -> Result<(), StoreError> {
        let forget =
            |tx: &Tx<'_>, intent: &Intent| tx.close_intent(intent.id, IntentState::NotApplied, call.opened, "");
        self.store.transaction(|tx| call.intents.iter().try_for_each(|intent| forget(tx, intent)))
    }

    /// Tells whether a stored call may still be sent again: with a key only inside its lifetime, and only while all of it is
    /// still to be done, since the key does all of it (X2). An absolute number only at once: later a number that looks
    /// untouched may be the one that we left, and what came back from an order since (X3, X6).
    fn may_repeat(&self, lane: &Lane, call: &OpenCall, at_once: bool) -> bool {
        let is_whole = call.intents.iter().all(|intent| intent.state != IntentState::NotApplied);
        match lane.capability().exactly_once {
            ExactlyOnce::Key { lifetime } => is_whole && self.now(lane) < later(call.opened, lifetime),
            ExactlyOnce::Goal => at_once,
            ExactlyOnce::Marker | ExactlyOnce::File => true,
        }
    }

    /// Settles what can be settled without the source: lines whose changes cancel out. Where the source has places, what
    /// one line gives back there is taken off there by the other (L1).
    pub fn settle_even(&mut self, source: ListingId, settlement: &Settlement) -> Result<(), EngineError> {
        let now = self.report.began;
        self.store.transaction(|tx| {
            tx.add_lost(source, Delta(settlement.lost.0.saturating_neg()))?;
            if !settlement.portions.is_empty() {
                let Settlement { delta, before, lines, .. } = settlement.clone();
                let intent = tx.open_intent(source, &Act::Adjust { delta, before, lines }, now)?;
                tx.keep_portions(intent, &settlement.portions)?;
                tx.close_intent(intent, IntentState::Applied, now, "its lines cancel each other out")?;
            }
            apply_lines(tx, source, &settlement.lines).map(|_| ())
        })?;
        Ok(())
    }

    /// Prepares the next adjustment of the source: fresh listings together, those that went stale alone (X2).
    pub fn next_settlement(&mut self, lane: &Lane) -> Result<Option<Job>, EngineError> {
        if !self.preparing.is_empty() {
            return Ok(None);
        }
        let ready: Vec<ListingId> =
            self.unsettled.iter().copied().filter(|id| !self.lane_looks(&lane.name, *id)).collect();
        let batch: Vec<ListingId> = match ready.iter().find(|id| !self.alone.contains(id)) {
            Some(_) => {
                ready.into_iter().filter(|id| !self.alone.contains(id)).take(lane.capability().adjust_batch).collect()
            }
            None => ready.into_iter().take(1).collect(),
        };
        if batch.is_empty() && !self.must_leave(lane) {
            return Ok(None);
        }
        if let Some(job) = self.next_vouching(lane, &batch)? {
            return Ok(Some(job));
        }
        let components = self.store.read(|tx| tx.components(&batch))?;
        if let Some(rest) = self.next_apart(lane, &components, &batch) {
            return Ok(Some(rest));
        }
        if let Some(job) = self.next_zero_of_source(lane, &components, &batch)? {
            return Ok(Some(job));
        }
        let hide = self.may_hide_source(lane)?;
        let mut adjustments = Vec::new();
        for source in components.iter().flat_map(|component| &component.sources) {
            if !batch.contains(&source.known.id) {
                continue;
            }
            self.unsettled.remove(&source.known.id);
            // What was sold since the last number that could be read would look like a loss afterwards (P5, X4).
            if self.unreadable.contains(&source.known.id) {
                let why = "its number could not be read just now, and nothing is taken off an old one";
                if let Some(settlement) = settle(source, lane.capability()) {
                    self.note_deduction(source, &settlement, Adjusted::Pending(why.to_owned()));
                }
                continue;
            }
            let stays = self.must_stay(source.known.id);
            let Some(settlement) = settle_leaving(source, lane.capability(), stays) else { continue };
            if settlement.delta.is_zero() {
                continue;
            }
            let destroys = self.must_not_empty(lane, &settlement).then_some(Doubt::ZeroDestroys);
            self.store.transaction(|tx| tx.note_waits(source.known.id, destroys))?;
            if destroys.is_some() {
                self.note_deduction(source, &settlement, Adjusted::Pending(NOT_EMPTIED.to_owned()));
                continue;
            }
            adjustments.push((source.known.id, adjustment(&source.known, &settlement, hide)));
            self.preparing.push((source.known.id, settlement));
        }
        let key = self.key_of_call(lane);
        Ok((!adjustments.is_empty()).then_some(Job::Prepare(adjustments, key)))
    }

    fn lane_looks(&self, name: &ChannelName, id: ListingId) -> bool {
        self.lanes.get(name).is_some_and(|lane| lane.look.contains(&id))
    }

    /// Stores a prepared call with its intents, and only then lets it go (X1).
    pub fn take_prepared(
        &mut self,
        lane: &Lane,
        batch: &[(ListingId, Adjustment)],
        call: Result<StoredCall, ChannelError>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let preparing = std::mem::take(&mut self.preparing);
        let call = match call {
            Ok(call) => call,
            Err(error) => {
                self.fail(lane, error);
                return Ok(());
            }
        };
        let (acts, portions): (Vec<(ListingId, Act)>, Vec<_>) = batch
            .iter()
            .zip(preparing)
            .map(|((id, _), (_, settlement))| {
                let Settlement { delta, before, lines, portions, .. } = settlement;
                ((*id, Act::Adjust { delta, before, lines }), portions)
            })
            .unzip();
        let id = self.store.transaction(|tx| {
            let sent_again = |act: &Act| Delta(act.sent_again().0.saturating_neg());
            acts.iter().try_for_each(|(listing, act)| tx.add_lost(*listing, sent_again(act)))?;
            let (call, intents) = tx.open_call(&lane.name, &call, now, &acts)?;
            intents.iter().zip(&portions).try_for_each(|(intent, portions)| tx.keep_portions(*intent, portions))?;
            Ok(call)
        })?;
        self.corrected.extend(acts.iter().filter(|(_, act)| !act.sent_again().is_zero()).map(|(id, _)| *id));
        self.lane(&lane.name).calls.push_back(Sending { id, call, attempt: Attempt::First, rests: false });
        Ok(())
    }

    /// Notes that a call goes out again: it may be on its way once more, if it writes.
    pub fn note_sent(&mut self, lane: &Lane, sending: &Sending) -> Result<(), StoreError> {
        if sending.attempt == Attempt::First || lane.capability().exactly_once == ExactlyOnce::Marker {
            return Ok(());
        }
        let now = self.now(lane);
        let before = self.store.transaction(|tx| tx.note_sent(sending.id, now))?;
        self.sent_before.extend(before.map(|before| (sending.id, before)));
        Ok(())
    }

    /// Takes in what became of an adjustment, item by item.
    pub fn take_adjusted(
        &mut self,
        lane: &Lane,
        call: CallId,
        attempt: Attempt,
        outcomes: Result<Vec<Outcome>, ChannelError>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let Some(open) = self.unfinished(lane, call)? else { return Ok(()) };
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let whole = if attempt == Attempt::First && !error.may_have_landed() {
                    Outcome::NotSent
                } else {
                    Outcome::Unknown(error.clone())
                };
                if error.stops_lane() {
                    self.fail(lane, error);
                }
                vec![whole; open.intents.len()]
            }
        };
        // What was answered is not on its way any more.
        if let Some(before) = self.sent_before.remove(&call)
            && !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown(_)))
        {
            self.store.transaction(|tx| tx.note_sent(call, before))?;
        }
        // Where a call is repeated under its key, a refusal tells of the repetition alone, and says nothing of whether the
        // first one was taken: its number is looked at (X2, X6).
        let is_keyed = matches!(lane.capability().exactly_once, ExactlyOnce::Key { .. });
        let is_repetition = is_keyed && attempt == Attempt::Again;
        let outcome = |intent: &Intent| {
            let place = if stands(Safeguard::OutcomePerItem) { intent.position } else { 0 };
            match outcomes.get(place).cloned().unwrap_or(Outcome::NotSent) {
                Outcome::Refused(_) | Outcome::NotSent if is_repetition => Outcome::Stale,
                outcome => outcome,
            }
        };
        let still_open = open.intents.iter().filter(|intent| intent.state == IntentState::Open);
        let ended: Vec<(&Intent, Outcome)> = still_open.map(|intent| (intent, outcome(intent))).collect();
        self.close_what_was_not_done(lane, &ended, attempt, now)?;
        let mut again = false;
        for (intent, outcome) in ended {
            again |= self.close_or_keep(lane, intent, outcome, attempt, now)?;
        }
        let queued = |state: &LaneState| state.calls.iter().any(|queued| queued.id == call);
        if again
            && self.lanes.get(&lane.name).is_some_and(|state| state.failed.is_none() && !queued(state))
            && let Some(open) = self.unfinished(lane, call)?
        {
            self.send_again_or_look(lane, open, true);
        }
        Ok(())
    }

    /// Returns a call of which something is not closed yet.
    fn unfinished(&self, lane: &Lane, call: CallId) -> Result<Option<OpenCall>, StoreError> {
        let open = self.store.read(|tx| tx.unfinished_calls(&lane.name))?;
        Ok(open.into_iter().find(|open| open.id == call))
    }

    /// Has a call sent again, after a rest where it was sent just now, or the listings of what is open of it looked at,
    /// where that is all that may be done.
    fn send_again_or_look(&mut self, lane: &Lane, call: OpenCall, at_once: bool) {
        if self.may_repeat(lane, &call, at_once) {
            let sending = Sending { id: call.id, call: call.stored, attempt: Attempt::Again, rests: at_once };
            self.lane(&lane.name).calls.push_back(sending);
        } else {
            let still_open = call.intents.iter().filter(|intent| intent.state == IntentState::Open);
            self.lane(&lane.name).look.extend(still_open.map(|intent| intent.listing));
        }
    }

    /// Closes all intents of an answer that were surely not carried out, at once: whoever finds a part of them open sends
    /// the whole call again, and does what was closed as well (X1, X2).
    fn close_what_was_not_done(
        &mut self,
        lane: &Lane,
        ended: &[(&Intent, Outcome)],
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.transaction(|tx| {
            for (intent, outcome) in ended.iter().filter(|(intent, _)| matches!(intent.act, Act::Adjust { .. })) {
                if let Some(proof) = not_done(outcome, attempt, may_run(lane, intent, now)) {
                    close_not_applied(tx, intent, now, proof)?;
                }
            }
            Ok(())
        })
    }

    /// Closes one intent by what is proven, or keeps it; tells whether its call should be sent again. What was not carried
    /// out is closed already.
    fn close_or_keep(
        &mut self,
        lane: &Lane,
        intent: &Intent,
        outcome: Outcome,
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        let Act::Adjust { delta, before, lines } = &intent.act else { return Ok(false) };
        // The answer may be late: what the number became was so at some moment since the call was sent.
        let (begun, done) = (intent.opened, now);
        let stored = Stored { intent, delta: *delta, before: *before, lines, begun, done, counter: None };
        let may_run = may_run(lane, intent, now);
        match outcome {
            Outcome::Done { .. } if self.must_confirm(lane, intent) => {
                self.confirming.insert(intent.listing, Confirming::Resting);
            }
            Outcome::Done { echo } => self.applied(lane, &stored, echo, Delta(0), now, "the platform confirmed it")?,
            Outcome::Stale if !stands(Safeguard::StaleIsReadAgain) => {
                self.applied(lane, &stored, None, Delta(0), now, "")?;
            }
            Outcome::Unknown(_) if !stands(Safeguard::ClosedByProof) => {
                self.applied(lane, &stored, None, Delta(0), now, "")?;
            }
            Outcome::Stale if attempt == Attempt::First => {
                self.alone.insert(intent.listing);
                self.read_and_decide_again(lane, intent.listing);
            }
            // No adjustment puts anything up again.
            Outcome::Stale | Outcome::Gone | Outcome::Anew { .. } => {
                self.lane(&lane.name).look.insert(intent.listing);
            }
            Outcome::NotSent => {
                self.read_and_decide_again(lane, intent.listing);
            }
            Outcome::NothingLeft => self.ask_for_last_unit(lane, intent.listing)?,
            Outcome::Refused(error) => {
                self.pending(lane, &stored, format!("refused: {error}"), error.next.clone())?;
            }
            Outcome::Unknown(error) => {
                self.unanswered.insert(intent.listing);
                if self.may_send_again(intent.listing) {
                    return Ok(true);
                }
                self.pending(lane, &stored, format!("no answer: {error}"), None)?;
            }
            Outcome::Absent if !may_run => self.read_and_decide_again(lane, intent.listing),
            Outcome::Absent => {
                let why = "no trace of it is there yet; it is looked for again when it can no longer be running";
                self.pending(lane, &stored, why.to_owned(), None)?;
            }
            Outcome::Doubtful { .. } if attempt == Attempt::Again && may_run => {
                let why = "its mark is there and the number has not moved yet; it is looked at again when it can no longer be running";
                self.pending(lane, &stored, why.to_owned(), None)?;
            }
            Outcome::Doubtful { seen } => self.doubt(&stored, seen, now)?,
        }
        Ok(false)
    }

    /// Tells whether a call about a listing may go out once more in this cycle.
    pub(super) fn may_send_again(&mut self, id: ListingId) -> bool {
        let tries = self.tries.entry(id).or_default();
        *tries += 1;
        *tries < MOST_SENDS
    }

    fn read_and_decide_again(&mut self, lane: &Lane, id: ListingId) {
        if self.try_again(id) {
            self.lane(&lane.name).look.insert(id);
        }
        self.seeds.insert(id);
    }

    pub(super) fn applied(
        &mut self,
        lane: &Lane,
        stored: &Stored<'_>,
        echo: Option<Level>,
        lost: Delta,
        now: Timestamp,
        proof: &str,
    ) -> Result<(), EngineError> {
        let run = self.run;
        let level = echo.unwrap_or_else(|| stored.before.after(stored.delta));
        let orders = self.store.transaction(|tx| {
            tx.close_intent(stored.intent.id, IntentState::Applied, now, proof)?;
            tx.add_lost(stored.intent.listing, lost)?;
            let orders = apply_lines(tx, stored.intent.listing, stored.lines)?;
            book(tx, run, stored, level, now, &orders)?;
            tx.mark_dirty(&[stored.intent.listing])?;
            Ok(orders)
        })?;
        self.lane(&lane.name).wrote = true;
        self.seeds.insert(stored.intent.listing);
        self.report_deduction(stored, stored.before.after(stored.delta), orders, Adjusted::Applied)?;
        Ok(())
    }

    pub(super) fn not_applied(&mut self, stored: &Stored<'_>, now: Timestamp, proof: &str) -> Result<(), EngineError> {
        Ok(self.store.transaction(|tx| close_not_applied(tx, stored.intent, now, proof))?)
    }

    pub(super) fn pending(
        &mut self,
        lane: &Lane,
        stored: &Stored<'_>,
        why: String,
        next: Option<String>,
    ) -> Result<(), EngineError> {
        let known = self.store.read(|tx| tx.known(stored.intent.listing))?;
        self.trouble(Trouble {
            code: "deduction-pending",
            channel: Some(lane.name.clone()),
            listing: known.as_ref().map(Known::name),
            message: format!("{} on the source is not confirmed: {why}", stored.delta),
            next: next.or_else(|| Some("nothing; the next run goes on with it".to_owned())),
            waits_for_owner: false,
        });
        self.report_deduction(stored, stored.before.after(stored.delta), Vec::new(), Adjusted::Pending(why))?;
        Ok(())
    }

    pub(super) fn report_deduction(
        &mut self,
        stored: &Stored<'_>,
        to: Level,
        orders: Vec<(ChannelName, String)>,
        end: Adjusted,
    ) -> Result<(), StoreError> {
        let Some(known) = self.store.read(|tx| tx.known(stored.intent.listing))? else { return Ok(()) };
        let intent = Some(stored.intent.id);
        let mut orders = orders;
        orders.sort();
        orders.dedup();
        self.report.deductions.retain(|deduction| deduction.intent != intent);
        let sku = known.listing.skus().next().cloned();
        self.report.deductions.push(Deduction { listing: known.at, sku, from: stored.before, to, orders, intent, end });
        Ok(())
    }
}

fn adjustment(known: &Known, settlement: &Settlement, hide: bool) -> Adjustment {
    let places = settlement.places.iter().map(|(place, delta)| PlaceChange {
        id: place.id.clone(),
        delta: *delta,
        before: place.level,
    });
    Adjustment {
        key: known.at.key.clone(),
        delta: settlement.delta,
        before: settlement.before,
        counter: known.reading.and_then(|seen| seen.counter),
        places: places.collect(),
        hide,
    }
}

/// Tells whether a request about an intent may still be under way (X6).
fn may_run(lane: &Lane, intent: &Intent, now: Timestamp) -> bool {
    let running = lane.capability().still_running;
    !running.is_zero() && now < later(intent.sent, running)
}

/// Returns the proof that an adjustment was not carried out, where its outcome is one.
fn not_done(outcome: &Outcome, attempt: Attempt, may_run: bool) -> Option<&'static str> {
    match outcome {
        Outcome::Stale if attempt == Attempt::First && stands(Safeguard::StaleIsReadAgain) => {
            Some("the number had changed; nothing was written")
        }
        Outcome::NotSent => Some("nothing was written"),
        Outcome::NothingLeft => Some("nothing of its item would be left"),
        Outcome::Gone => Some("the listing is gone"),
        Outcome::Refused(_) => Some("the platform refused it"),
        Outcome::Absent if !may_run => Some("no trace of it is there"),
        Outcome::Done { .. }
        | Outcome::Anew { .. }
        | Outcome::Stale
        | Outcome::Unknown(_)
        | Outcome::Absent
        | Outcome::Doubtful { .. } => None,
    }
}

/// Closes an intent that was not carried out: what it was to do is still owed.
pub(super) fn close_not_applied(tx: &Tx<'_>, intent: &Intent, now: Timestamp, proof: &str) -> Result<(), StoreError> {
    tx.close_intent(intent.id, IntentState::NotApplied, now, proof)?;
    tx.add_lost(intent.listing, intent.act.sent_again())?;
    tx.mark_dirty(&[intent.listing])
}

/// Brings applied to what an adjustment settled; returns the order behind each line.
pub(super) fn apply_lines(
    tx: &Tx<'_>,
    source: ListingId,
    lines: &[(LineId, i64)],
) -> Result<Vec<(ChannelName, String)>, StoreError> {
    let mut orders = Vec::new();
    for (id, units) in lines {
        let Some(mut line) = tx.line_by_id(*id)? else { continue };
        for share in line.shares.iter_mut().filter(|share| share.source == source) {
            share.applied = share.applied.saturating_add(*units);
        }
        tx.save_line(&mut line)?;
        orders.push((line.channel, line.order));
    }
    Ok(orders)
}

/// Writes an applied adjustment into the ledger, line by line, and takes its echo as a reading.
fn book(
    tx: &Tx<'_>,
    run: RunId,
    stored: &Stored<'_>,
    level: Level,
    now: Timestamp,
    orders: &[(ChannelName, String)],
) -> Result<(), StoreError> {
    let Some(mut known) = tx.known(stored.intent.listing)? else { return Ok(()) };
    let mut at = stored.before;
    let mut last = None;
    for ((line, units), (channel, order)) in stored.lines.iter().zip(orders) {
        let to = at.after(Delta(units.saturating_neg()));
        let movement = Movement {
            listing: known.id,
            from: Some(at.0),
            to: Some(to.0),
            when: now,
            why: if *units > 0 { Why::Deducted } else { Why::GivenBack },
            line: Some(*line),
            intent: Some(stored.intent.id),
            note: Some(format!("{channel} order {order}")),
        };
        last = Some(tx.record(run, &movement)?);
        at = to;
    }
    let movement = match last {
        Some(movement) => movement,
        None => record(tx, run, &known, Why::SentAgain, (Some(stored.before), Some(level)), now, None)?,
    };
    confirmed(&mut known, level, stored.begun, stored.done);
    known.reading = known.reading.map(|seen| Seen { counter: stored.counter, ..seen });
    known.pushed = Some(Pushed { quantity: level.offerable(), at: now, movement });
    spread_echo(&mut known, level);
    tx.save_known(&known)
}

/// Where the source has one place, its level is the echo; with several, the next reading tells.
fn spread_echo(known: &mut Known, level: Level) {
    if let [place] = known.listing.places.as_mut_slice() {
        place.level = level;
    }
}
