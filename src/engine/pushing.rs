//! Planning and pushing: the components that changed are settled and planned, what would empty a shop is held, and the
//! rest goes out in the fewest calls, lowerings first (Y5, Y6).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::{Cycle, record};
use super::lane::{Job, Lane};
use super::report::{Adjusted, Deduction, PushEnd, PushReport, Trouble};
use super::settling::name;
use crate::channel::{ChannelError, ErrorKind, Outcome, Repeat, Update};
use crate::domain::guard::{SourceTotals, Totals, emptied, freeze, guard, unexplained_zero};
use crate::domain::observe::{confirmed, later, writing};
use crate::domain::offer::find;
use crate::domain::plan::{Action, Cause, ChannelFacts, Decision, Doubt, World, plan, push_order};
use crate::domain::policy::ZeroStock;
use crate::domain::settle::{Settlement, settle};
use crate::domain::status::Status;
use crate::domain::{
    ChannelName, Component, HoldId, Known, Level, ListingId, ListingRef, Pushed, Quantity, Refusal, Role, Shown,
    SourceFacts, TargetFacts, Why,
};
use crate::store::StoreError;

/// The first wait after a refusal; it doubles with each further one (F5).
const REFUSED_WAIT: SignedDuration = SignedDuration::from_mins(10);
/// The longest wait after a refusal.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Components that are planned together, with the place of each target in them.
pub(super) struct Planned {
    components: Vec<Component>,
    places: HashMap<ListingId, (usize, usize)>,
}

impl Planned {
    pub fn new(components: Vec<Component>) -> Self {
        let place = |(nth, component): (usize, &Component)| {
            let ids: Vec<ListingId> = component.targets.iter().map(|target| target.known.id).collect();
            ids.into_iter().enumerate().map(move |(at, id)| (id, (nth, at)))
        };
        let places = components.iter().enumerate().flat_map(place).collect();
        Self { components, places }
    }

    /// Returns a target with the component that it is part of.
    fn target(&self, id: ListingId) -> Option<(&Component, &TargetFacts)> {
        let (nth, at) = self.places.get(&id)?;
        let component = self.components.get(*nth)?;
        Some((component, component.targets.get(*at)?))
    }
}

impl Cycle<'_> {
    /// Settles and plans the components in which something changed, until nothing does.
    pub fn think(&mut self) -> Result<(), EngineError> {
        while !self.seeds.is_empty() {
            self.think_once()?;
        }
        Ok(())
    }

    fn think_once(&mut self) -> Result<(), EngineError> {
        let seeds: Vec<ListingId> = std::mem::take(&mut self.seeds).into_iter().collect();
        let planned = Planned::new(self.store.read(|tx| tx.components(&seeds))?);
        let owing = self.settle_components(&planned.components)?;
        let decisions = self.plan_components(&planned.components);
        let held = self.guard_plan(&planned, &decisions)?;
        self.remember(&seeds, &owing, &decisions, &held)?;
        for decision in decisions {
            match held.get(&decision.target) {
                Some(hold) => self.note_held(&planned, &decision, *hold),
                None => self.enqueue(&planned, decision)?,
            }
        }
        Ok(())
    }

    /// Settles what is owed; returns the source listings about which something has still to be done.
    fn settle_components(&mut self, components: &[Component]) -> Result<Vec<ListingId>, EngineError> {
        let Some(lane) = self.lane_of(&self.source) else { return Ok(Vec::new()) };
        let (mut even, mut owing) = (Vec::new(), Vec::new());
        for source in components.iter().flat_map(|component| &component.sources) {
            let Some(settlement) = settle(source, lane.capability()) else { continue };
            if settlement.short > 0 {
                self.oversold(source, settlement.short)?;
            }
            if settlement.lines.is_empty() && source.lost.is_zero() {
                continue;
            }
            if settlement.delta.is_zero() {
                even.push((source.known.id, settlement));
                continue;
            }
            owing.push(source.known.id);
            if self.options.dry_run {
                self.note_deduction(source, &settlement, Adjusted::Planned);
            } else if self.tries.get(&source.known.id).is_none_or(|tries| *tries <= 3) {
                self.unsettled.insert(source.known.id);
            } else {
                let why = "its number changed again and again while this run tried";
                self.note_deduction(source, &settlement, Adjusted::Pending(why.to_owned()));
            }
        }
        for (id, settlement) in even {
            self.settle_even(id, &settlement)?;
            // What was claimed no longer is: the listings that follow are planned anew.
            self.seeds.insert(id);
            owing.push(id);
        }
        Ok(owing)
    }

    /// Reports a deduction that is not made, or not yet.
    fn note_deduction(&mut self, source: &SourceFacts, settlement: &Settlement, end: Adjusted) {
        let lines = source.owing.iter().filter(|line| settlement.lines.iter().any(|(id, _)| line.id == Some(*id)));
        let deduction = Deduction {
            listing: source.known.at.clone(),
            sku: source.known.listing.skus().next().cloned(),
            from: settlement.before,
            to: settlement.before.after(settlement.delta),
            orders: lines.map(|line| (line.channel.clone(), line.order.clone())).collect(),
            intent: None,
            end,
        };
        self.report.deductions.retain(|other| other.listing != deduction.listing);
        self.report.deductions.push(deduction);
    }

    /// Tells of units that were sold and are not there (W6), once for each change.
    fn oversold(&mut self, source: &SourceFacts, short: i64) -> Result<(), EngineError> {
        let orders: BTreeSet<String> = source
            .owing
            .iter()
            .filter(|line| line.held.is_none() && line.open_units(source.known.id) > 0)
            .map(|line| format!("{} order {}", line.channel, line.order))
            .collect();
        let orders = orders.into_iter().collect::<Vec<_>>().join(", ");
        let (run, now, key) = (self.run, self.report.began, format!("oversold:{}", source.known.id.0));
        let told = format!("{short} {orders}");
        self.store.transaction(|tx| {
            let new = tx.meta(&key)?.as_deref() != Some(told.as_str());
            if new {
                tx.set_meta(&key, &told)?;
                let level = source.known.reading.map(|seen| seen.level);
                let note = Some(format!("{short} sold that are not there: {orders}"));
                record(tx, run, &source.known, Why::Oversold, (level, level), now, note)?;
            }
            Ok(())
        })?;
        self.trouble(Trouble {
            code: "oversold",
            channel: Some(source.known.at.channel.clone()),
            listing: Some(name(&source.known)),
            message: format!("{short} sold that the source does not have: {orders}"),
            next: Some(
                "cancel one of these orders, or add stock; it is taken off the next stock that comes in".to_owned(),
            ),
            waits_for_owner: false,
        });
        Ok(())
    }

    fn plan_components(&self, components: &[Component]) -> Vec<Decision> {
        let channels: BTreeMap<ChannelName, ChannelFacts> =
            self.engine.lanes.iter().map(|lane| (lane.name.clone(), self.channel_facts(lane))).collect();
        let source = self.lanes.get(&self.source);
        let source_fresh = source.is_some_and(|lane| lane.observed && lane.failed.is_none());
        let world = World { rules: &self.settings().rules, channels: &channels, source_fresh };
        components.iter().flat_map(|component| plan(component, &world)).collect()
    }

    fn channel_facts(&self, lane: &Lane) -> ChannelFacts {
        ChannelFacts {
            capability: lane.capability().clone(),
            switched_on: self.switched_on(lane),
            zero_stock: lane.zero_stock,
            source_gone: lane.source_gone,
            now: self.now(lane),
            new_rules: self.new_rules.contains(&lane.name),
        }
    }

    /// Makes the holds that the plan calls for; returns the listings that stand under them.
    fn guard_plan(
        &mut self,
        planned: &Planned,
        decisions: &[Decision],
    ) -> Result<BTreeMap<ListingId, HoldId>, EngineError> {
        let free: Vec<Decision> =
            decisions.iter().filter(|decision| !self.exempt.contains(&decision.target)).cloned().collect();
        let totals = self.totals()?;
        let source = self.source_totals(&planned.components, &free)?;
        let new = guard(&free, &totals, source, self.settings().guard);
        let mut held = BTreeMap::new();
        for hold in new {
            let frozen: Vec<_> = hold
                .targets
                .iter()
                .filter_map(|id| planned.target(*id))
                .map(|(component, target)| freeze(target, component))
                .collect();
            let now = self.lanes.get(&hold.channel).and_then(|lane| lane.clock).unwrap_or(self.report.began);
            let run = self.run;
            let id = self.store.transaction(|tx| {
                let open = tx.holds()?.into_iter().find(|open| open.channel == hold.channel && open.why == hold.why);
                let id = match open {
                    Some(open) => tx.widen_hold(open.id, &hold.note, &frozen).map(|()| open.id)?,
                    None => tx.make_hold(&hold.channel, hold.why, now, &hold.note, &frozen)?,
                };
                for frozen in &frozen {
                    if let Some(known) = tx.known(frozen.listing)? {
                        let shown = known.shown.most();
                        record(tx, run, &known, Why::Held, (shown, shown), now, Some(hold.note.clone()))?;
                    }
                }
                Ok(id)
            })?;
            held.extend(hold.targets.iter().map(|target| (*target, id)));
        }
        Ok(held)
    }

    fn totals(&self) -> Result<BTreeMap<ChannelName, Totals>, StoreError> {
        let mut totals = BTreeMap::new();
        for lane in self.engine.lanes.iter().filter(|lane| lane.role == Role::Target) {
            let pushed_ever = self.channels.get(&lane.name).is_some_and(|channel| channel.pushed_ever);
            let day_ago = super::cycle::before(self.now(lane), SignedDuration::from_hours(24));
            let (counts, zeroed) = self
                .store
                .read(|tx| Ok((tx.totals(&lane.name)?, tx.count_movements(&lane.name, Why::Zeroed, day_ago)?)))?;
            let total = Totals { linked: counts.linked, showing: counts.showing, zeroed, pushed_ever };
            totals.insert(lane.name.clone(), total);
        }
        Ok(totals)
    }

    fn source_totals(&self, components: &[Component], decisions: &[Decision]) -> Result<SourceTotals, StoreError> {
        let zeroing: BTreeSet<ListingId> =
            decisions.iter().filter(|decision| unexplained_zero(decision)).map(|decision| decision.target).collect();
        let counts = |component: &&Component| component.targets.iter().any(|target| zeroing.contains(&target.known.id));
        let sources: Vec<&Known> =
            components.iter().filter(counts).flat_map(|component| &component.sources).map(|s| &s.known).collect();
        let number = |is: fn(&Known) -> bool| {
            i64::try_from(sources.iter().filter(|known| is(known)).count()).unwrap_or(i64::MAX)
        };
        let linked = self.store.read(|tx| tx.totals(&self.source))?.linked;
        Ok(SourceTotals { linked, emptied: number(emptied), gone: number(|known| known.gone.is_some()) })
    }

    /// Forgets that settled listings changed, and remembers those that still have something to be done, so that a
    /// crash between plan and push loses nothing.
    fn remember(
        &mut self,
        seeds: &[ListingId],
        owing: &[ListingId],
        decisions: &[Decision],
        held: &BTreeMap<ListingId, HoldId>,
    ) -> Result<(), EngineError> {
        let is_open = |decision: &&Decision| match decision.action {
            _ if held.contains_key(&decision.target) => false,
            _ if self.sent.contains_key(&decision.target) => true,
            // What is not written while a channel is switched off is written when it is on again.
            _ if decision.status == Status::SyncOff => {
                let offered = decision.offer.as_ref().map(|offer| Shown::Exactly(offer.quantity.as_level()));
                offered.is_some_and(|offered| offered != decision.shown)
            }
            Action::Nothing | Action::Held(_) | Action::Wait(Doubt::RefusedLately) => false,
            _ => true,
        };
        let open: Vec<ListingId> = decisions.iter().filter(is_open).map(|decision| decision.target).collect();
        let unfollowed = self.store.transaction(|tx| {
            tx.clear_dirty(seeds)?;
            tx.clear_dirty(&decisions.iter().map(|decision| decision.target).collect::<Vec<_>>())?;
            tx.mark_dirty(owing)?;
            tx.mark_dirty(&open)?;
            let mut unfollowed = Vec::new();
            for decision in decisions {
                let why = decision.status.needs_mending().then(|| decision.status.to_string());
                if tx.note_unfollowed(decision.target, why.as_deref())?
                    && let (Some(why), Some(known)) = (why, tx.known(decision.target)?)
                {
                    unfollowed.push((known, why));
                }
            }
            Ok(unfollowed)
        })?;
        for (known, why) in unfollowed {
            self.trouble(Trouble {
                code: "not-followed",
                channel: Some(known.at.channel.clone()),
                listing: Some(name(&known)),
                message: format!("it does not follow any more: {why}"),
                next: Some("`eys doctor` says what mends it".to_owned()),
                waits_for_owner: false,
            });
        }
        Ok(())
    }

    fn note_held(&mut self, planned: &Planned, decision: &Decision, hold: HoldId) {
        self.queue.remove(&decision.target);
        self.report_push(planned, decision, PushEnd::Held(hold));
    }

    /// Puts a decision where it belongs: among the pushes, the listings to look at, or the ones to hide and show.
    fn enqueue(&mut self, planned: &Planned, mut decision: Decision) -> Result<(), EngineError> {
        if self.drop_showing(&decision)? {
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
            Action::Nothing => self.report.unchanged += usize::from(decision.offer.is_some()),
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
                let why = words(doubt).to_owned();
                self.report_push(planned, &decision, PushEnd::Pending(why));
            }
            Action::Held(hold) => self.report_push(planned, &decision, PushEnd::Held(hold)),
            Action::Hide | Action::Show => self.enqueue_showing(planned, decision)?,
        }
        Ok(())
    }

    /// Tells whether `--channel` and `--sku` let a push through (U2).
    pub fn is_wanted(&self, planned: &Planned, decision: &Decision) -> bool {
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
        if let Some((_, target)) = planned.target(decision.target) {
            self.pushes.insert(target.known.at.clone(), push_report(&target.known, decision, end));
        }
    }

    /// Takes the next batch of pushes: lowerings first, each with the quantity wanted now (Y6).
    pub fn next_push(&mut self, lane: &Lane) -> Result<Option<Job>, EngineError> {
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
        let batch: Vec<Decision> = batch.iter().filter_map(|id| self.queue.remove(id)).collect();
        let updates = self.store.transaction(|tx| {
            let mut updates = Vec::with_capacity(batch.len());
            for decision in &batch {
                let Some(mut known) = tx.known(decision.target)? else { continue };
                let Action::Push { quantity, .. } = decision.action else { continue };
                let expect = match known.shown {
                    Shown::Exactly(level) => Some(level),
                    Shown::AtMost(_) | Shown::Unknown => None,
                };
                let places = known.listing.places.clone();
                writing(&mut known, quantity);
                tx.save_known(&known)?;
                tx.mark_dirty(&[known.id])?;
                updates.push((known.id, Update { key: known.at.key, quantity, expect, places }));
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
        let outcomes = outcomes.into_iter().map(Some).chain(std::iter::repeat(None));
        for ((id, update), outcome) in batch.into_iter().zip(outcomes) {
            let Some(known) = self.store.read(|tx| tx.known(id))? else { continue };
            let Some(decision) = self.sent.remove(&id) else { continue };
            self.take_push(lane, known, &update, &decision, outcome.unwrap_or(Outcome::NotSent), now)?;
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
        let report = |known: &Known, end| push_report(known, decision, end);
        let not_written = |known: &mut Known| known.shown = decision.shown;
        let end = match outcome {
            Outcome::Done { echo: Some(level) } if update.quantity.as_level() < level => {
                self.pushed(&mut known, update, decision, Some(level), now)?;
                let words =
                    format!("it shows {level} though {} was written: its other places hold more", update.quantity);
                let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, "writing quantities", words);
                self.refused(lane, &mut known, update.quantity, &error, now)?;
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
            Outcome::NotSent => {
                not_written(&mut known);
                if self.try_again(known.id) {
                    self.seeds.insert(known.id);
                }
                report(&known, PushEnd::Pending("it was not sent; the next run goes on with it".to_owned()))
            }
            Outcome::Gone => {
                not_written(&mut known);
                self.lane(&lane.name).look.insert(known.id);
                report(&known, PushEnd::Refused("the listing is gone".to_owned()))
            }
            Outcome::Refused(error) => {
                not_written(&mut known);
                self.refused(lane, &mut known, update.quantity, &error, now)?;
                report(&known, PushEnd::Refused(error.to_string()))
            }
            Outcome::Unknown(error) => {
                let why = format!("no answer ({error}); it is read again before the next write");
                report(&known, PushEnd::Pending(why))
            }
            // Only an adjustment of the source can end like this; what is not known is looked up.
            Outcome::Absent | Outcome::Doubtful { .. } => {
                report(&known, PushEnd::Pending("it is read again before the next write".to_owned()))
            }
        };
        self.store.transaction(|tx| tx.save_known(&known))?;
        self.pushes.insert(known.at, end);
        Ok(())
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
        let why = match decision.cause {
            _ if unexplained_zero(decision) => Why::Zeroed,
            Cause::Sale if known.pushed.is_some_and(|p| Some(p.quantity.as_level()) < update.expect) => Why::Corrected,
            _ => Why::Pushed,
        };
        let level = echo.unwrap_or(update.quantity.as_level());
        let (run, from) = (self.run, update.expect);
        let note = decision.offer.as_ref().map(|offer| offer.trail.join("; "));
        self.store.transaction(|tx| {
            let movement = record(tx, run, known, why, (from, Some(level)), now, note)?;
            known.pushed = Some(Pushed { quantity: update.quantity, at: now, movement });
            known.refusal = None;
            if known.ceiling.as_ref().is_some_and(|ceiling| ceiling.until <= now) {
                known.ceiling = None;
            }
            confirmed(known, level, now);
            tx.clear_dirty(&[known.id])
        })?;
        let showing = if level == Level(0) { decision.zero_stock != ZeroStock::Keep } else { known.hidden.is_some() };
        if showing || level < update.quantity.as_level() {
            self.seeds.insert(known.id);
        }
        Ok(())
    }

    /// Remembers a refusal, and when to try again if nothing changes before (F5).
    fn refused(
        &mut self,
        lane: &Lane,
        known: &mut Known,
        quantity: Quantity,
        error: &ChannelError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let tries = known.refusal.as_ref().filter(|old| old.quantity == quantity).map_or(0, |old| old.tries);
        let wait = REFUSED_WAIT.checked_mul(1 << tries.min(8)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let words = error.to_string();
        known.refusal = Some(Refusal { words: words.clone(), quantity, tries: tries + 1, next: later(now, wait) });
        let run = self.run;
        self.store.transaction(|tx| {
            let shown = known.shown.most();
            record(tx, run, known, Why::Refused, (shown, Some(quantity.as_level())), now, Some(words.clone()))?;
            tx.clear_dirty(&[known.id])
        })?;
        self.trouble(Trouble {
            code: "refused",
            channel: Some(lane.name.clone()),
            listing: Some(name(known)),
            message: words,
            next: error.next.clone(),
            waits_for_owner: false,
        });
        Ok(())
    }
}

/// Decides for a listing that cannot be read: what it is offered may go out if that is no more than it may show (R1).
fn without_looking(decision: &Decision) -> Action {
    let offered = decision.offer.as_ref().map(|offer| offer.quantity);
    match (offered, decision.shown.most()) {
        (Some(offered), Some(most)) => Action::Push { quantity: offered.min(most.offerable()), lowering: true },
        _ => Action::Nothing,
    }
}

fn push_report(known: &Known, decision: &Decision, end: PushEnd) -> PushReport {
    let wanted = match decision.action {
        Action::Push { quantity, .. } => Some(quantity),
        Action::Hide => Some(Quantity::ZERO),
        _ => decision.offer.as_ref().map(|offer| offer.quantity),
    };
    PushReport {
        listing: known.at.clone(),
        sku: known.listing.skus().next().cloned(),
        title: known.listing.title().to_owned(),
        from: match decision.shown {
            Shown::Exactly(level) | Shown::AtMost(level) => Some(level),
            Shown::Unknown => None,
        },
        to: wanted.unwrap_or_default(),
        why: decision.offer.as_ref().map_or_else(Vec::new, |offer| offer.trail.clone()),
        end,
    }
}

fn words(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::SourceNotRead => "the source could not be read just now, so nothing is raised",
        Doubt::OpenIntent => "a deduction on the source is not confirmed yet, so nothing is raised",
        Doubt::InDoubt => "nobody can tell whether a deduction on the source happened, so nothing is raised",
        Doubt::RefusedLately => "the platform refused this quantity lately; it is tried again later",
    }
}
