//! Hiding listings at zero and showing them again (Z1). Each is an intent with the former state: looked up when its
//! answer is lost, never blindly repeated (X8).

use jiff::Timestamp;

use super::EngineError;
use super::cycle::{Cycle, record};
use super::lane::{Job, Lane};
use super::planning::Planned;
use super::pushing::push_report;
use super::report::{PushEnd, PushReport, Trouble};
use crate::channel::{ChannelError, Outcome, Showing, Standing};
use crate::domain::observe::later;
use crate::domain::plan::{Action, Decision};
use crate::domain::policy::ZeroStock;
use crate::domain::{
    Act, Hidden, Intent, IntentState, Known, Level, ListingId, ListingKey, ListingState, MovementId, Pushed, Quantity,
    Shown, Why, ZeroKept,
};
use crate::store::{StoreError, Tx};

/// Why what we ended is not put up again once more.
const PERHAPS_UP_AGAIN: &str = "whether it was put up again is not known yet; that is looked up first";

/// Why what is to be hidden or shown waits.
const TRIED: &str = "it changed again and again in this run; the next one goes on with it";

/// The next step of hiding or showing a listing.
#[derive(Clone, Debug)]
pub(super) enum ShowStep {
    /// Find out what became of a hide or a show whose answer was lost.
    LookUp(ListingId, ListingKey),
    /// Find out what it is now, so that just that can be brought back.
    Stand(ListingId, ListingKey),
    /// Do it; the intent is stored just before.
    Do(ListingId, ListingKey, Showing),
}

impl ShowStep {
    fn listing(&self) -> ListingId {
        match self {
            Self::LookUp(id, _) | Self::Stand(id, _) | Self::Do(id, _, _) => *id,
        }
    }

    fn is_for(&self, action: &Action) -> bool {
        match self {
            Self::LookUp(..) => true,
            Self::Do(_, _, Showing::Show { .. }) => *action == Action::Show,
            Self::Stand(..) | Self::Do(..) => *action == Action::Hide,
        }
    }
}

impl Cycle<'_> {
    /// Finds the hides and shows whose answers an earlier run never had: they are looked up before anything else (X8).
    pub fn recover_showings(&mut self) -> Result<(), EngineError> {
        for intent in self.store.read(|tx| tx.unfinished_intents())? {
            if matches!(intent.act, Act::Adjust { .. }) {
                continue;
            }
            let Some(known) = self.store.read(|tx| tx.known(intent.listing))? else { continue };
            if self.lane_of(&known.at.channel).is_some() {
                self.lane(&known.at.channel).shows.push_back(ShowStep::LookUp(known.id, known.at.key));
            }
        }
        Ok(())
    }

    /// Puts a hide or a show among the lane's steps.
    pub fn enqueue_showing(&mut self, planned: &Planned, decision: Decision) -> Result<(), EngineError> {
        if !self.is_wanted(planned, &decision) {
            return Ok(());
        }
        if self.options.dry_run {
            self.report_push(planned, &decision, PushEnd::Planned);
            return Ok(());
        }
        let Some(lane) = self.lane_of(&decision.channel) else { return Ok(()) };
        let Some(known) = self.store.read(|tx| tx.known(decision.target))? else { return Ok(()) };
        let busy = self
            .store
            .read(|tx| tx.unfinished_of(known.id))?
            .into_iter()
            .any(|intent| intent.state == IntentState::Open && !matches!(intent.act, Act::Adjust { .. }));
        let anew = lane.capability().ended_is_gone && known.hidden.as_ref().is_some_and(|hidden| hidden.ended);
        if anew && decision.action == Action::Show {
            // A second one would be one too many, and may cost another fee (X8, Z4).
            if self.is_to_be_shown(known.id)? {
                self.report_push(planned, &decision, PushEnd::Pending(PERHAPS_UP_AGAIN.to_owned()));
                return Ok(());
            }
            if self.is_up_again(&known)? {
                self.give_up(known.id)?;
                self.seeds.insert(known.id);
                return Ok(());
            }
        }
        let able = lane.capability().hides || lane.capability().ends;
        if !able || (busy && self.tries.contains_key(&known.id)) {
            return Ok(());
        }
        if !self.try_again(known.id) {
            self.report_push(planned, &decision, PushEnd::Pending(TRIED.to_owned()));
            return Ok(());
        }
        let step = match (&decision.action, &known.hidden) {
            (Action::Show, Some(hidden)) => {
                ShowStep::Do(known.id, known.at.key, Showing::Show { former: hidden.former.clone() })
            }
            _ => ShowStep::Stand(known.id, known.at.key),
        };
        self.queue.insert(decision.target, decision);
        self.lane(&lane.name).shows.push_back(step);
        Ok(())
    }

    /// Tells whether another listing of its channel bears the SKU of one that we ended: its owner put it up again, and a
    /// second one would be one too many. What is tied to the source itself takes nobody's place.
    fn is_up_again(&self, known: &Known) -> Result<bool, StoreError> {
        self.store.read(|tx| {
            for sku in known.listing.skus() {
                let bearing = tx.listings_by_sku(sku)?;
                let here = |other: &&Known| other.id != known.id && other.at.channel == known.at.channel;
                for other in bearing.iter().filter(here).filter(|other| other.gone.is_none()) {
                    if !tx.is_linked(other.id)? {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        })
    }

    /// Gives up what we ended: it is gone like any other, and a new listing of it is proposed in its place (L2).
    fn give_up(&mut self, id: ListingId) -> Result<(), StoreError> {
        self.store.transaction(|tx| {
            let Some(mut known) = tx.known(id)? else { return Ok(()) };
            known.give_up();
            tx.save_known(&known)
        })
    }

    /// Drops what was to be hidden or shown by an older plan and was not sent yet (Y8); tells whether the new plan wants
    /// just the same, which then stays as it is.
    pub fn drop_showing(&mut self, decision: &Decision) -> bool {
        let shows = &mut self.lane(&decision.channel).shows;
        let Some(at) = shows.iter().position(|step| step.listing() == decision.target) else { return false };
        if shows[at].is_for(&decision.action) {
            return true;
        }
        shows.remove(at);
        false
    }

    /// Takes the next step of a hide or a show. The intent is stored at the last moment: from then on it may be on its way
    /// (X6).
    pub fn next_show(&mut self, lane: &Lane) -> Result<Option<Job>, EngineError> {
        let Some(step) = self.lane(&lane.name).shows.pop_front() else { return Ok(None) };
        self.showing.insert(step.listing());
        Ok(Some(match step {
            ShowStep::LookUp(id, key) | ShowStep::Stand(id, key) => Job::Stand(id, key),
            ShowStep::Do(id, key, showing) => {
                self.open_showing(lane, id, &act(&showing))?;
                Job::Show(id, key, showing)
            }
        }))
    }

    /// Takes in what a listing is: what was begun is closed by it, or it is hidden from there.
    pub fn take_standing(
        &mut self,
        lane: &Lane,
        id: ListingId,
        standing: Result<Option<Standing>, ChannelError>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        self.is_back(id);
        let standing = match standing {
            Ok(standing) => standing,
            Err(error) => return self.showing_failed(lane, id, &error),
        };
        // What was put up again by others is proposed, no more (L2).
        if let Some(Standing { anew: Some(key), .. }) = &standing
            && self.is_to_be_shown(id)?
        {
            return self.follow_anew(lane, id, key, now);
        }
        let hide = self.queue.get(&id).filter(|decision| decision.action == Action::Hide).cloned();
        let Some(decision) = hide else { return self.settle_showing(lane, id, standing, now) };
        let Some(known) = self.store.read(|tx| tx.known(id))? else { return Ok(()) };
        match standing {
            Some(Standing { live: true, former, .. }) => {
                let end = decision.zero_stock == ZeroStock::End && lane.capability().ends;
                let showing = if end { Showing::End { former } } else { Showing::Hide { former } };
                self.lane(&lane.name).shows.push_back(ShowStep::Do(id, known.at.key, showing));
            }
            // It is out of sight already. An open intent of ours says that we did it; otherwise it was the owner, whose
            // hiding is left alone (Z1).
            Some(Standing { live: false, .. }) => {
                self.queue.remove(&id);
                self.close_showing(lane, id, IntentState::Applied, now)?;
            }
            None => {
                self.queue.remove(&id);
                self.lane(&lane.name).look.insert(id);
            }
        }
        Ok(())
    }

    /// Has a listing that we hid and that buyers seem to see looked at: somebody may have shown it again.
    pub fn look_whether_shown(&mut self, lane: &Lane, id: ListingId) -> Result<(), EngineError> {
        let known = self.store.read(|tx| tx.known(id))?.filter(|known| known.hidden.is_some());
        let Some(known) = known else { return Ok(()) };
        let shows = &mut self.lane(&lane.name).shows;
        if !shows.iter().any(|step| step.listing() == id) {
            shows.push_back(ShowStep::LookUp(id, known.at.key));
        }
        Ok(())
    }

    /// Closes a hide or a show by what the listing is now, and has it planned anew. One that may still be on its way stays
    /// open: should it land after that, it is ours (X6).
    fn settle_showing(
        &mut self,
        lane: &Lane,
        id: ListingId,
        standing: Option<Standing>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let live = standing.is_some_and(|standing| standing.live);
        let open = self.store.read(|tx| tx.unfinished_of(id))?;
        let shown = self.is_to_be_shown(id)?;
        let state = if live == shown { IntentState::Applied } else { IntentState::NotApplied };
        let mut open = open.iter().filter(|intent| !matches!(intent.act, Act::Adjust { .. })).peekable();
        if open.peek().is_some() {
            let running = |intent: &Intent| now < later(intent.sent, lane.capability().still_running);
            if state == IntentState::Applied || !open.any(running) {
                self.close_showing(lane, id, state, now)?;
            }
            self.seeds.insert(id);
        } else if live {
            self.shown_by_others(lane, id, now)?;
        }
        Ok(())
    }

    /// Tells whether we set out to show a listing again, and what came of it is not known yet.
    fn is_to_be_shown(&self, id: ListingId) -> Result<bool, StoreError> {
        let open = self.store.read(|tx| tx.unfinished_of(id))?;
        Ok(open.iter().any(|intent| matches!(intent.act, Act::Show { .. })))
    }

    /// Notes that somebody showed again what we hid: it is as if we had not hidden it, and as long as nothing is offered
    /// we hide it again (Z1).
    fn shown_by_others(&mut self, lane: &Lane, id: ListingId, now: Timestamp) -> Result<(), EngineError> {
        let (run, whole) = (self.run, lane.capability().zero == ZeroKept::Never);
        self.store.transaction(|tx| {
            let Some(mut known) = tx.known(id)?.filter(|known| known.hidden.is_some()) else { return Ok(()) };
            known.hidden = None;
            back_in_sight(tx, &mut known)?;
            let shown = known.shown.most();
            let movement = record(tx, run, &known, Why::ShownByOthers, (shown, shown), now, None)?;
            if whole {
                hide_with_it(tx, &known, now, movement)?;
            }
            tx.save_known(&known)?;
            tx.mark_dirty(&[id])
        })?;
        self.seeds.insert(id);
        Ok(())
    }

    /// Notes that nothing about a listing's visibility is on its way any more; if the plan changed meanwhile, it is
    /// planned anew.
    fn is_back(&mut self, id: ListingId) {
        self.showing.remove(&id);
        if self.overtaken.remove(&id) {
            self.queue.remove(&id);
            self.seeds.insert(id);
        }
    }

    /// Takes in what became of a hide or a show.
    pub fn take_shown(
        &mut self,
        lane: &Lane,
        id: ListingId,
        outcome: Result<Outcome, ChannelError>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        self.is_back(id);
        let decision = self.queue.remove(&id);
        match outcome {
            Ok(Outcome::Done { .. }) => {
                self.close_showing(lane, id, IntentState::Applied, now)?;
                // The plan may have changed while it was on its way.
                self.seeds.insert(id);
                if let Some(decision) = decision {
                    let planned = Planned::new(self.store.read(|tx| tx.components(&[id]))?);
                    let hidden = planned.target(id).and_then(|(_, target)| target.known.hidden.as_ref());
                    let end = match hidden {
                        _ if decision.action == Action::Show => PushEnd::ShownAgain,
                        Some(Hidden { ended: true, .. }) => PushEnd::Ended,
                        _ => PushEnd::Hidden,
                    };
                    self.report_push(&planned, &decision, end);
                }
            }
            Ok(Outcome::Anew { key, level }) => {
                let gone = self.store.read(|tx| tx.known(id))?;
                self.follow_anew(lane, id, &key, now)?;
                if let Some((gone, decision)) = gone.zip(decision) {
                    self.pushes.insert(gone.at.clone(), anew_report(&gone, &decision, &key, level));
                }
            }
            Ok(Outcome::Unknown(error)) => self.showing_failed(lane, id, &error)?,
            Ok(Outcome::Refused(error)) => {
                let shows = self.is_to_be_shown(id)?;
                let offered = decision.filter(|_| shows).and_then(|decision| decision.offer);
                let quantity = offered.map_or(Quantity::ZERO, |offer| offer.quantity);
                self.close_showing(lane, id, IntentState::NotApplied, now)?;
                self.showing_refused(lane, id, (shows, quantity), &error, now)?;
            }
            Ok(Outcome::Gone) => {
                self.close_showing(lane, id, IntentState::NotApplied, now)?;
                self.give_up(id)?;
                self.lane(&lane.name).look.insert(id);
            }
            Ok(_) => self.close_showing(lane, id, IntentState::NotApplied, now)?,
            Err(error) if error.may_have_landed() => self.showing_failed(lane, id, &error)?,
            Err(error) => {
                self.close_showing(lane, id, IntentState::NotApplied, now)?;
                self.showing_failed(lane, id, &error)?;
            }
        }
        Ok(())
    }

    /// Remembers that the platform does not hide or show a listing, so that it is told till it does, and tried again with
    /// growing waits (F5).
    fn showing_refused(
        &mut self,
        lane: &Lane,
        id: ListingId,
        (shows, quantity): (bool, Quantity),
        error: &ChannelError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let Some(mut known) = self.store.read(|tx| tx.known(id))? else { return Ok(()) };
        let what = if shows { "it could not be shown again" } else { "it could not be taken out of sight" };
        let error = ChannelError { message: format!("{what}: {}", error.message), ..error.clone() };
        self.refused(lane, &mut known, (quantity, true), &error, now)?;
        self.store.transaction(|tx| tx.save_known(&known))?;
        Ok(())
    }

    fn showing_failed(&mut self, lane: &Lane, id: ListingId, error: &ChannelError) -> Result<(), EngineError> {
        self.queue.remove(&id);
        let known = self.store.read(|tx| tx.known(id))?;
        self.trouble(Trouble {
            code: "visibility",
            channel: Some(lane.name.clone()),
            listing: known.as_ref().map(Known::name),
            message: format!("it could not be hidden or shown: {error}"),
            next: error.next.clone(),
            waits_for_owner: false,
        });
        Ok(())
    }

    fn open_showing(&mut self, lane: &Lane, id: ListingId, act: &Act) -> Result<(), EngineError> {
        let now = self.now(lane);
        self.store.transaction(|tx| {
            give_up_showing(tx, id, now, "looked up, and begun anew")?;
            tx.open_intent(id, act, now).map(|_| ())
        })?;
        Ok(())
    }

    /// Closes the open hide or show of a listing and remembers what it means.
    fn close_showing(
        &mut self,
        lane: &Lane,
        id: ListingId,
        state: IntentState,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let (run, whole) = (self.run, lane.capability().zero == ZeroKept::Never);
        let ended_is_gone = lane.capability().ended_is_gone;
        let done = self.store.transaction(|tx| {
            let Some(mut known) = tx.known(id)? else { return Ok(false) };
            let mut done = false;
            for intent in tx.unfinished_of(id)? {
                let (hidden, why) = match &intent.act {
                    Act::Adjust { .. } => continue,
                    Act::Hide { former } => (Some(Hidden { ended: false, former: former.clone() }), Why::Hidden),
                    Act::End { former } => (Some(Hidden { ended: true, former: former.clone() }), Why::Hidden),
                    Act::Show { .. } => (None, Why::ShownAgain),
                };
                tx.close_intent(intent.id, state, now, "looked up")?;
                if state == IntentState::Applied {
                    let shown = known.shown.most();
                    let ended = hidden.as_ref().is_some_and(|hidden| hidden.ended);
                    let note = ended.then(|| "ended".to_owned());
                    let movement = record(tx, run, &known, why, (shown, shown), now, note)?;
                    // What is shown again is there; what has ended for good is not, before any reading says so.
                    known.gone = known.gone.filter(|_| hidden.is_some()).or((ended && ended_is_gone).then_some(now));
                    known.hidden = hidden;
                    back_in_sight(tx, &mut known)?;
                    if whole {
                        emptied(&mut known, now, movement);
                        hide_with_it(tx, &known, now, movement)?;
                    }
                    done = true;
                }
            }
            // It is as it was to be, whoever did it.
            if state == IntentState::Applied {
                known.refusal = known.refusal.take().filter(|refusal| !refusal.showing);
            }
            tx.save_known(&known)?;
            // What did not come about is planned again by the next run.
            if state == IntentState::Applied {
                tx.clear_dirty(&[id])?;
            } else {
                tx.mark_dirty(&[id])?;
            }
            Ok(done)
        })?;
        self.lane(&lane.name).wrote |= done;
        Ok(())
    }
}

/// Returns what the journal calls hiding, ending or showing a listing.
fn act(showing: &Showing) -> Act {
    match showing.clone() {
        Showing::Hide { former } => Act::Hide { former },
        Showing::End { former } => Act::End { former },
        Showing::Show { former } => Act::Show { former },
    }
}

/// Tells of a listing that is another one since it was shown again: what it shows now, not what it is offered. That is
/// written next, and told of the other one.
fn anew_report(gone: &Known, decision: &Decision, key: &ListingKey, level: Level) -> PushReport {
    let report = push_report(gone, decision, PushEnd::ShownAgain);
    PushReport { to: level.offerable(), why: vec![format!("it is listing {key} now")], ..report }
}

/// Notes that what stands under the same item went out of sight, or came back, with a listing.
fn hide_with_it(tx: &Tx<'_>, known: &Known, now: Timestamp, movement: MovementId) -> Result<(), StoreError> {
    for mut other in tx.of_item(known)? {
        other.hidden.clone_from(&known.hidden);
        back_in_sight(tx, &mut other)?;
        emptied(&mut other, now, movement);
        tx.save_known(&other)?;
        tx.mark_dirty(&[other.id])?;
    }
    Ok(())
}

/// Notes that a listing that is not hidden any more is on sale, whatever was read of it while it was out of sight: else it
/// would count as one that its owner ended.
pub(super) fn back_in_sight(tx: &Tx<'_>, known: &mut Known) -> Result<(), StoreError> {
    if known.hidden.is_none() && known.listing.state != ListingState::Live {
        known.listing.state = ListingState::Live;
        tx.put_listing(&known.at.channel, &known.listing)?;
    }
    Ok(())
}

/// Notes that a listing shows nothing, now that it is out of sight: its platform knows no 0 (Z2).
fn emptied(known: &mut Known, now: Timestamp, movement: MovementId) {
    if known.hidden.is_some() {
        known.shown = Shown::Exactly(Level(0));
        known.pushed = Some(Pushed { quantity: Quantity::ZERO, at: now, movement });
    }
}

/// Closes the open hides and shows of a listing that will not be done.
fn give_up_showing(tx: &Tx<'_>, id: ListingId, now: Timestamp, why: &str) -> Result<(), StoreError> {
    for old in tx.unfinished_of(id)? {
        if !matches!(old.act, Act::Adjust { .. }) {
            tx.close_intent(old.id, IntentState::NotApplied, now, why)?;
        }
    }
    Ok(())
}
