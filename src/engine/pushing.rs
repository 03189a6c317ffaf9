//! Pushing: what is planned goes out in the fewest calls, lowerings first, and each item has its own outcome (Y6).

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::{Cycle, record};
use super::lane::{Job, Lane};
use super::planning::Planned;
use super::report::{PushEnd, PushReport, Trouble};
use crate::channel::{ChannelError, ErrorKind, Outcome, Repeat, Update};
use crate::domain::guard::{corrects, unexplained_zero};
use crate::domain::observe::{confirmed, later, writing};
use crate::domain::offer::find;
use crate::domain::plan::{Action, Cause, Decision, Doubt, push_order};
use crate::domain::policy::ZeroStock;
use crate::domain::quota::Spending;
use crate::domain::status::Status;
use crate::domain::{
    Component, HoldId, Known, Level, ListingId, ListingRef, ListingState, Pushed, Quantity, Refusal, TargetFacts, Why,
    ZeroKept,
};
use crate::safeguard::{Safeguard, stands};
use crate::store::{StoreError, Tx};

/// The first wait after a refusal; it doubles with each further one (F5).
const REFUSED_WAIT: SignedDuration = SignedDuration::from_mins(10);
/// The longest wait after a refusal.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

impl Cycle<'_> {
    pub fn note_held(&mut self, planned: &Planned, decision: &Decision, hold: HoldId) {
        self.queue.remove(&decision.target);
        self.report_push(planned, decision, PushEnd::Held(hold));
    }

    /// Puts a decision where it belongs: among the pushes, the listings to look at, or the ones to hide and show.
    pub fn enqueue(&mut self, planned: &Planned, mut decision: Decision) -> Result<(), EngineError> {
        if self.queue.contains_key(&decision.target) && !stands(Safeguard::NewestWins) {
            return Ok(());
        }
        // What is on its way is judged when it is back.
        if self.showing.contains(&decision.target) {
            if self.queue.get(&decision.target).is_none_or(|old| old.action != decision.action) {
                self.overtaken.insert(decision.target);
            }
            return Ok(());
        }
        if self.drop_showing(&decision) {
            self.queue.insert(decision.target, decision);
            return Ok(());
        }
        self.queue.remove(&decision.target);
        // What a push under way comes to is known when it is back; only then can it be said what is still to be done.
        if self.sent.contains_key(&decision.target) {
            self.overtaken.insert(decision.target);
            return Ok(());
        }
        if let Some((_, target)) = planned.target(decision.target) {
            self.forget_told(&target.known.at);
        }
        if decision.action == Action::Look && self.unreadable.contains(&decision.target) {
            decision.action = without_looking(&decision);
        }
        match decision.action {
            Action::Nothing => {
                self.report.unchanged += usize::from(decision.offer.is_some());
                // What a switch keeps back is still to be done, and may be refused again.
                if decision.status != Status::SyncOff {
                    self.forget_refusal(planned, &decision)?;
                }
            }
            Action::Push { .. } if self.is_wanted(planned, &decision) => {
                if self.options.dry_run {
                    self.report_push(planned, &decision, PushEnd::Planned);
                } else {
                    self.queue.insert(decision.target, decision);
                }
            }
            Action::Push { .. } => {}
            Action::Look => {
                self.lane(&decision.channel.clone()).look.insert(decision.target);
            }
            Action::Wait(doubt) => {
                if let (Doubt::QuotaSpent { .. }, Some(lane)) = (doubt, self.lane_of(&decision.channel)) {
                    self.may_spend(&lane, Spending::Raises, 1);
                }
                self.report_push(planned, &decision, PushEnd::Pending(doubt.to_string()));
            }
            Action::Held(hold) => self.report_push(planned, &decision, PushEnd::Held(hold)),
            Action::Hide | Action::Show => self.enqueue_showing(planned, decision)?,
        }
        Ok(())
    }

    /// Forgets that a quantity was refused where nothing is to be written any more.
    fn forget_refusal(&mut self, planned: &Planned, decision: &Decision) -> Result<(), EngineError> {
        if planned.target(decision.target).is_none_or(|(_, target)| target.known.refusal.is_none()) {
            return Ok(());
        }
        self.store.transaction(|tx| {
            let Some(known) = tx.known(decision.target)? else { return Ok(()) };
            tx.save_known(&Known { refusal: None, ..known })
        })?;
        Ok(())
    }

    /// Tells whether a push may go out: `--undo` puts back and writes nothing else (U1).
    pub fn is_wanted(&self, planned: &Planned, decision: &Decision) -> bool {
        self.is_named(planned, decision) && (self.options.undo.is_none() || self.puts_back(decision.target))
    }

    /// Tells whether `--channel` and `--sku` let a push through (U2).
    pub fn is_named(&self, planned: &Planned, decision: &Decision) -> bool {
        let channel = self.options.channels.is_empty() || self.options.channels.contains(&decision.channel);
        let has_sku = |(component, target): (&Component, &TargetFacts)| {
            let parts = target.links.iter().flat_map(|link| &link.recipe);
            let sources = parts.filter_map(|part| find(component, part.source));
            sources.flat_map(|source| source.known.listing.skus()).any(|sku| self.options.skus.contains(sku))
        };
        channel && (self.options.skus.is_empty() || planned.target(decision.target).is_some_and(has_sku))
    }

    /// Drops what was told of a listing and may have changed by now.
    fn forget_told(&mut self, at: &ListingRef) {
        let passing = |push: &PushReport| matches!(push.end, PushEnd::Planned | PushEnd::Held(_) | PushEnd::Pending(_));
        if self.pushes.get(at).is_some_and(passing) {
            self.pushes.remove(at);
        }
    }

    pub(super) fn report_push(&mut self, planned: &Planned, decision: &Decision, end: PushEnd) {
        let Some((_, target)) = planned.target(decision.target) else { return };
        let at = &target.known.at;
        // What was written stays told, though the listing stands under a hold.
        let was_written = self.pushes.get(at).is_some_and(|told| told.end == PushEnd::Done);
        if !was_written || !matches!(end, PushEnd::Held(_)) {
            let mut report = push_report(&target.known, decision, end);
            let would = self.would_show(&target.known, decision).filter(|_| report.end == PushEnd::Planned);
            report.why.extend(would.map(ToOwned::to_owned));
            self.pushes.insert(at.clone(), report);
        }
    }

    /// Says what a run would do beside writing the number (Z1, Z2).
    fn would_show(&self, known: &Known, decision: &Decision) -> Option<&'static str> {
        let lane = self.lane_of(&decision.channel)?;
        let can = lane.capability();
        let none = match decision.action {
            Action::Push { quantity, .. } => quantity == Quantity::ZERO,
            Action::Hide => true,
            _ => false,
        };
        // Whether one of several of an item takes it out of sight, only the platform knows (Z2).
        let alone = can.zero != ZeroKept::Never || known.listing.item.is_none();
        match () {
            () if !none => known.hidden.is_some().then_some("it would be shown again"),
            () if decision.zero_stock == ZeroStock::End && can.ends => Some("it would be ended"),
            () if decision.action == Action::Hide => Some("it would be hidden"),
            () if alone && decision.zero_stock != ZeroStock::Keep && can.hides => Some("it would be hidden"),
            () => None,
        }
    }

    /// Takes the next batch of pushes: lowerings first, each with the quantity wanted now (Y6).
    pub fn next_push(&mut self, lane: &Lane) -> Result<Option<Job>, EngineError> {
        self.put_off_raises(lane)?;
        let looking = self.lanes.get(&lane.name).map(|state| state.look.clone()).unwrap_or_default();
        let goes = |decision: &&Decision| {
            let pushes = matches!(decision.action, Action::Push { .. });
            pushes && decision.channel == lane.name && !looking.contains(&decision.target)
        };
        let mut batch: Vec<&Decision> = self.queue.values().filter(goes).collect();
        batch.sort_by_key(|decision| push_order(decision));
        let batch: Vec<ListingId> =
            batch.into_iter().take(lane.capability().set_batch.max(1)).map(|decision| decision.target).collect();
        if batch.is_empty() {
            return Ok(None);
        }
        if let Some(job) = self.next_zero(lane, &batch)? {
            return Ok(Some(job));
        }
        let batch: Vec<Decision> = batch.iter().filter_map(|id| self.queue.remove(id)).collect();
        // A process that dies, or an answer that is lost, leaves no other word of it.
        let may_come = later(self.now(lane), lane.capability().still_running);
        let updates = self.store.transaction(|tx| {
            let mut updates = Vec::with_capacity(batch.len());
            for decision in &batch {
                let Some(mut known) = tx.known(decision.target)? else { continue };
                let Action::Push { quantity, .. } = decision.action else { continue };
                let (shown, places) = (known.shown, known.listing.places.clone());
                writing(&mut known, quantity);
                tx.save_known(&known)?;
                tx.mark_dirty(&[known.id])?;
                if lane.capability().writes_items {
                    written_with_it(tx, &known, may_come)?;
                }
                updates.push((known.id, Update { key: known.at.key, quantity, shown, places }));
            }
            Ok(updates)
        })?;
        self.sent.extend(batch.into_iter().map(|decision| (decision.target, decision)));
        let key = (self.engine.around.new_key)();
        Ok((!updates.is_empty()).then_some(Job::Push(updates, key)))
    }

    /// Takes in what became of a batch of pushes, item by item.
    pub fn take_pushed(
        &mut self,
        lane: &Lane,
        batch: Vec<(ListingId, Update)>,
        outcomes: Result<Vec<Outcome>, ChannelError>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let whole = if error.may_have_landed() { Outcome::Unknown(error.clone()) } else { Outcome::NotSent };
                self.fail(lane, error);
                vec![whole; batch.len()]
            }
        };
        let first = outcomes.first().cloned().filter(|_| !stands(Safeguard::OutcomePerItem));
        let outcomes = outcomes.into_iter().map(|own| first.clone().or(Some(own))).chain(std::iter::repeat(None));
        for ((id, update), outcome) in batch.into_iter().zip(outcomes) {
            let Some(known) = self.store.read(|tx| tx.known(id))? else { continue };
            let Some(decision) = self.sent.remove(&id) else { continue };
            let outcome = outcome.unwrap_or(Outcome::NotSent);
            self.take_push(lane, known, &update, &decision, outcome, now)?;
            if self.overtaken.remove(&id) {
                self.seeds.insert(id);
            }
        }
        Ok(())
    }

    fn take_push(
        &mut self,
        lane: &Lane,
        mut known: Known,
        update: &Update,
        decision: &Decision,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let corrects = corrects(&known, decision);
        let report =
            |known: &Known, end| PushReport { why: why(decision, corrects), ..push_report(known, decision, end) };
        let not_written = |known: &mut Known| known.shown = decision.shown;
        let end = match outcome {
            Outcome::Done { echo: Some(level) } if update.quantity.as_level() < level => {
                self.pushed(&mut known, update, decision, Some(level), now)?;
                let why = if 1 < update.places.len() { ": its other places hold more" } else { "" };
                let words = format!("it shows {level} though {} was written{why}", update.quantity);
                let mut error = ChannelError::new(ErrorKind::Refused, Repeat::Never, "writing quantities", words);
                if 1 < update.places.len() {
                    error =
                        error.with_next("lower what its other places hold, or name those that count in `locations`");
                }
                self.refused(lane, &mut known, (update.quantity, false), &error, now)?;
                report(&known, PushEnd::Refused(error.to_string()))
            }
            Outcome::Done { echo } => {
                self.pushed(&mut known, update, decision, echo, now)?;
                report(&known, PushEnd::Done)
            }
            Outcome::Stale => {
                not_written(&mut known);
                self.look_and_plan_again(lane, known.id);
                report(
                    &known,
                    PushEnd::Pending("its number changed meanwhile; it is read and planned again".to_owned()),
                )
            }
            Outcome::NothingLeft => {
                not_written(&mut known);
                if !self.look_at_the_rest(lane, &known)? {
                    let hide = Decision { action: Action::Hide, ..decision.clone() };
                    self.store.transaction(|tx| tx.save_known(&known))?;
                    return self.hide_in_place_of_zero(lane, hide);
                }
                let why = "more of its item has just been sold; that is read first, then it is planned again";
                report(&known, PushEnd::Pending(why.to_owned()))
            }
            Outcome::NotSent => {
                not_written(&mut known);
                if self.try_again(known.id) {
                    self.seeds.insert(known.id);
                }
                report(&known, PushEnd::Pending("it was not sent; the next run goes on with it".to_owned()))
            }
            Outcome::Gone => {
                not_written(&mut known);
                known.give_up();
                self.lane(&lane.name).look.insert(known.id);
                report(&known, PushEnd::Refused("the listing is gone".to_owned()))
            }
            Outcome::Refused(error) => {
                not_written(&mut known);
                self.refused(lane, &mut known, (update.quantity, false), &error, now)?;
                report(&known, PushEnd::Refused(error.to_string()))
            }
            Outcome::Unknown(error) => {
                let why = format!("no answer ({error}); it is read again before the next write");
                report(&known, PushEnd::Pending(why))
            }
            // Only an adjustment of the source, or a showing, can end like this; what is not known is looked up.
            Outcome::Absent | Outcome::Doubtful { .. } | Outcome::Anew { .. } => {
                report(&known, PushEnd::Pending("it is read again before the next write".to_owned()))
            }
        };
        self.store.transaction(|tx| tx.save_known(&known))?;
        self.pushes.insert(known.at, end);
        Ok(())
    }

    /// Has read what else of an item should be on sale though nothing of it is left: it was sold, and its order may not show
    /// yet. Once the item is out of sight, nobody can tell any more (R3, Z2). That is read once: what its platform then still
    /// calls nothing is out of sight already, as what the owner took off sale.
    fn look_at_the_rest(&mut self, lane: &Lane, known: &Known) -> Result<bool, StoreError> {
        let emptied = |id| {
            let decision: Option<&Decision> = self.queue.get(&id);
            decision.is_some_and(|decision| {
                matches!(decision.action, Action::Hide | Action::Push { quantity: Quantity::ZERO, .. })
            })
        };
        let should_show = |other: &Known| {
            let on_sale = other.gone.is_none() && other.listing.state == ListingState::Live;
            on_sale && other.shown.least() > Some(Level(0)) && !emptied(other.id)
        };
        let rest = self.store.read(|tx| tx.of_item(known))?;
        let sold: Vec<ListingId> = rest.iter().filter(|other| should_show(other)).map(|other| other.id).collect();
        if sold.is_empty() || !self.looked_beside.insert(known.id) {
            return Ok(false);
        }
        self.lane(&lane.name).look.extend(sold);
        self.seeds.insert(known.id);
        Ok(true)
    }

    /// Takes a listing out of sight that the platform does not keep at 0 (Z2), unless it refused that lately (F5).
    fn hide_in_place_of_zero(&mut self, lane: &Lane, hide: Decision) -> Result<(), EngineError> {
        let planned = Planned::new(self.store.read(|tx| tx.components(&[hide.target]))?);
        let Some(known) = self.store.read(|tx| tx.known(hide.target))? else { return Ok(()) };
        if known.refusal.is_some_and(|refusal| refusal.showing && self.now(lane) < refusal.next) {
            return Ok(self.store.transaction(|tx| tx.clear_dirty(&[hide.target]))?);
        }
        if known.hidden.is_some() { Ok(()) } else { self.enqueue_showing(&planned, hide) }
    }

    fn look_and_plan_again(&mut self, lane: &Lane, id: ListingId) {
        if self.try_again(id) {
            self.lane(&lane.name).look.insert(id);
        }
    }

    fn pushed(
        &mut self,
        known: &mut Known,
        update: &Update,
        decision: &Decision,
        echo: Option<Level>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let why = match () {
            () if unexplained_zero(decision) => Why::Zeroed,
            () if corrects(known, decision) => Why::Corrected,
            () if decision.cause == Cause::Undone => Why::PutBack,
            () => Why::Pushed,
        };
        let level = echo.unwrap_or(update.quantity.as_level());
        let (run, from) = (self.run, update.shown.exactly());
        let note = decision.offer.as_ref().map(|offer| offer.trail.join("; "));
        self.store.transaction(|tx| {
            let movement = record(tx, run, known, why, (from, Some(level)), now, note)?;
            known.pushed = Some(Pushed { quantity: update.quantity, at: now, movement });
            known.refusal = None;
            tx.note_ruled(known.id)?;
            if known.ceiling.as_ref().is_some_and(|ceiling| ceiling.until <= now) {
                known.ceiling = None;
            }
            confirmed(known, level, now, now);
            tx.clear_dirty(&[known.id])
        })?;
        let hides = decision.zero_stock != ZeroStock::Keep || decision.status == Status::SourceGone;
        let showing = if level == Level(0) { hides } else { known.hidden.is_some() };
        if showing || level < update.quantity.as_level() {
            self.seeds.insert(known.id);
        }
        Ok(())
    }

    /// Remembers a refusal, and when to try again if nothing changes before (F5).
    pub(super) fn refused(
        &mut self,
        lane: &Lane,
        known: &mut Known,
        (quantity, showing): (Quantity, bool),
        error: &ChannelError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let same = |old: &&Refusal| old.quantity == quantity && old.showing == showing;
        let tries = known.refusal.as_ref().filter(same).map_or(0, |old| old.tries);
        let wait = REFUSED_WAIT.checked_mul(1 << tries.min(8)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let words = error.to_string();
        let (words_kept, mend, next) = (words.clone(), error.next.clone(), later(now, wait));
        known.refusal = Some(Refusal { words: words_kept, quantity, showing, mend, tries: tries + 1, next });
        let run = self.run;
        self.store.transaction(|tx| {
            let shown = known.shown.most();
            record(tx, run, known, Why::Refused, (shown, Some(quantity.as_level())), now, Some(words.clone()))?;
            tx.clear_dirty(&[known.id])
        })?;
        self.trouble(Trouble {
            code: "refused",
            channel: Some(lane.name.clone()),
            listing: Some(known.name()),
            message: words,
            next: error.next.clone(),
            waits_for_owner: false,
        });
        Ok(())
    }
}

/// Notes that what stands under the same item is written again with a listing, as it is read just before: what is sold of it
/// meanwhile may be run over, so that no sale is clearly after its last number until that write `may_come` no more (R1).
fn written_with_it(tx: &Tx<'_>, known: &Known, may_come: Timestamp) -> Result<(), StoreError> {
    for mut other in tx.of_item(known)? {
        if let Some(seen) = &mut other.reading {
            seen.done = seen.done.max(may_come);
            tx.save_known(&other)?;
        }
    }
    Ok(())
}

/// Decides for a listing that cannot be read: what it is offered may go out if that is no more than it may show (R1).
fn without_looking(decision: &Decision) -> Action {
    let offered = decision.offer.as_ref().map(|offer| offer.quantity);
    match (offered, decision.shown.most()) {
        (Some(offered), Some(most)) => Action::Push { quantity: offered.min(most.offerable()), lowering: true },
        _ => Action::Nothing,
    }
}

pub(super) fn push_report(known: &Known, decision: &Decision, end: PushEnd) -> PushReport {
    let wanted = match decision.action {
        Action::Push { quantity, .. } => Some(quantity),
        Action::Hide => Some(Quantity::ZERO),
        _ => decision.offer.as_ref().map(|offer| offer.quantity),
    };
    // Its number is written before it is shown again, and till then nobody saw it.
    let seen = if end == PushEnd::ShownAgain { Some(Level(0)) } else { decision.shown.most() };
    PushReport {
        listing: known.at.clone(),
        sku: known.listing.skus().next().cloned(),
        title: known.listing.title().to_owned(),
        from: seen,
        to: wanted.unwrap_or_default(),
        why: why(decision, corrects(known, decision)),
        end,
    }
}

/// Says how a number came about, and that it takes the place of somebody else's, if it does (R3, R4).
fn why(decision: &Decision, corrects: bool) -> Vec<String> {
    let trail = decision.offer.iter().flat_map(|offer| offer.trail.clone());
    let theirs =
        corrects.then(|| "another number stood there than eys wrote: to change it, change the source".to_owned());
    trail.chain(theirs).collect()
}
