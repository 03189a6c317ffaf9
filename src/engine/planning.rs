//! Settling and planning: what is owed of the components that changed is worked out, what their listings are to show is
//! planned, and what would empty a shop is held (Y3, Y5, H1).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;

use super::EngineError;
use super::cycle::{Cycle, before, record};
use super::lane::Lane;
use super::report::{Adjusted, Deduction, Trouble};
use super::zero::NOT_EMPTIED;
use crate::domain::guard::{
    NewHold, SourceTotals, Totals, corrects, emptied, freeze, guard, second_writer, unexplained_zero,
};
use crate::domain::offer::offer;
use crate::domain::plan::{Action, Cause, ChannelFacts, Decision, Doubt, World, most_shown, plan};
use crate::domain::quota::Spending;
use crate::domain::settle::{Settlement, settle};
use crate::domain::status::Status;
use crate::domain::{
    ChannelName, Component, Frozen, Hold, HoldId, HoldWhy, Known, Level, Line, ListingId, Quantity, Role, Shown,
    SourceFacts, TargetFacts, Why,
};
use crate::safeguard::{Safeguard, stands};
use crate::store::StoreError;

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
    pub fn target(&self, id: ListingId) -> Option<(&Component, &TargetFacts)> {
        let (nth, at) = self.places.get(&id)?;
        let component = self.components.get(*nth)?;
        Some((component, component.targets.get(*at)?))
    }
}

impl Cycle<'_> {
    /// Settles and plans the components in which something changed, until nothing does.
    pub fn think(&mut self) -> Result<(), EngineError> {
        if self.stopped() {
            return self.put_off();
        }
        while !self.seeds.is_empty() {
            self.think_once()?;
        }
        Ok(())
    }

    fn think_once(&mut self) -> Result<(), EngineError> {
        let seeds: Vec<ListingId> = std::mem::take(&mut self.seeds).into_iter().collect();
        let mut components = self.store.read(|tx| tx.components(&seeds))?;
        if self.hold_lines(&components)? {
            components = self.store.read(|tx| tx.components(&seeds))?;
        }
        self.count_changes(&mut components)?;
        let planned = Planned::new(components);
        let owing = self.settle_components(&planned.components)?;
        let decisions = self.plan_components(&planned);
        let held = self.guard_plan(&planned, &decisions)?;
        self.hold_undone(&planned, &decisions, &held)?;
        self.remember(&planned, (&seeds, &owing), &decisions, &held)?;
        for decision in decisions {
            match held.get(&decision.target) {
                Some(hold) => self.note_held(&planned, &decision, *hold),
                None => self.enqueue(&planned, decision)?,
            }
        }
        Ok(())
    }

    /// Counts how often listings were changed within a day, where their platform counts it (H4).
    fn count_changes(&self, components: &mut [Component]) -> Result<(), EngineError> {
        for target in components.iter_mut().flat_map(|component| &mut component.targets) {
            let lane = self.lane_of(&target.known.at.channel);
            let Some(lane) = lane.filter(|lane| lane.capability().revisions.is_some()) else { continue };
            let day_ago = before(self.now(&lane), SignedDuration::from_hours(24));
            target.changed = self.store.read(|tx| tx.revised(&target.known, day_ago))?;
        }
        Ok(())
    }

    /// Settles what is owed; returns the source listings about which something has still to be done.
    fn settle_components(&mut self, components: &[Component]) -> Result<Vec<ListingId>, EngineError> {
        let Some(lane) = self.lane_of(&self.source) else { return Ok(Vec::new()) };
        let (mut even, mut owing, mut paid) = (Vec::new(), Vec::new(), Vec::new());
        for source in components.iter().flat_map(|component| &component.sources) {
            let Some(settlement) = settle(source, lane.capability()) else {
                // What an earlier look would have changed may be held by now.
                let passing =
                    |deduction: &Deduction| deduction.listing == source.known.at && deduction.end == Adjusted::Planned;
                self.report.deductions.retain(|deduction| !passing(deduction));
                continue;
            };
            if settlement.short > 0 {
                self.oversold(source, &settlement)?;
            } else {
                paid.push(oversold_key(source));
            }
            if settlement.lines.is_empty() && settlement.lost.is_zero() {
                continue;
            }
            if settlement.delta.is_zero() {
                even.push((source.known.id, settlement));
                continue;
            }
            owing.push(source.known.id);
            if self.options.dry_run {
                if let Some(settlement) = self.as_it_would_be(&lane, source, settlement)? {
                    let empties = self.must_not_empty(&lane, &settlement);
                    let end = if empties { Adjusted::Pending(NOT_EMPTIED.to_owned()) } else { Adjusted::Planned };
                    self.note_deduction(source, &settlement, end);
                }
            } else if self.tries.get(&source.known.id).is_none_or(|tries| *tries <= 3) {
                self.unsettled.insert(source.known.id);
            } else {
                let why = "its number changed again and again while this run tried";
                self.note_deduction(source, &settlement, Adjusted::Pending(why.to_owned()));
            }
        }
        if !paid.is_empty() {
            self.store.transaction(|tx| paid.iter().try_for_each(|key| tx.forget_meta(key)))?;
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
    pub(super) fn note_deduction(&mut self, source: &SourceFacts, settlement: &Settlement, end: Adjusted) {
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
    fn oversold(&mut self, source: &SourceFacts, settlement: &Settlement) -> Result<(), EngineError> {
        let short = settlement.short;
        let settled =
            |line: &Line| settlement.lines.iter().find(|(id, _)| Some(*id) == line.id).map_or(0, |(_, units)| *units);
        let orders: BTreeSet<String> = source
            .owing
            .iter()
            .filter(|line| line.held.is_none() && line.open_units(source.known.id) > settled(line).max(0))
            .map(|line| format!("{} order {}", line.channel, line.order))
            .collect();
        // What was lost and cannot be taken off any more was sold once more by the source itself (X3).
        let own = (source.lost < settlement.lost).then(|| OWN_SALE.to_owned());
        let orders = orders.into_iter().chain(own).collect::<Vec<_>>().join(", ");
        let (run, now, key) = (self.run, self.report.began, oversold_key(source));
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
            listing: Some(source.known.name()),
            message: format!("{short} sold that the source does not have: {orders}"),
            next: Some(
                "cancel one of these orders, or add stock; it is taken off the next stock that comes in".to_owned(),
            ),
            waits_for_owner: false,
        });
        Ok(())
    }

    fn plan_components(&mut self, planned: &Planned) -> Vec<Decision> {
        let mut undoing = self.undoing.take();
        let channels: BTreeMap<ChannelName, ChannelFacts> =
            self.engine.lanes.iter().map(|lane| (lane.name.clone(), self.channel_facts(lane))).collect();
        let source = self.lanes.get(&self.source);
        let source_fresh = source.is_some_and(|lane| lane.fresh && !lane.spared && lane.failed.is_none());
        // A number that is known to have changed, and is still to be read or could not be read, is no fresh one (O4).
        let stale = |component: &Component| {
            let read = |id| source.is_some_and(|lane| lane.look.contains(id) || lane.looking.contains(id));
            component.sources.iter().any(|source| read(&source.known.id) || self.unreadable.contains(&source.known.id))
        };
        let plan_one = |component: &Component| {
            let source_fresh = source_fresh && !stale(component);
            let world = World { rules: &self.settings().rules, channels: &channels, source_fresh };
            let mut decisions = plan(component, &world);
            if let Some(undoing) = &mut undoing {
                for decision in &mut decisions {
                    self.undo(undoing, planned, &world, decision);
                }
            }
            decisions
        };
        let decisions = planned.components.iter().flat_map(plan_one).collect();
        self.undoing = undoing;
        decisions
    }

    fn channel_facts(&self, lane: &Lane) -> ChannelFacts {
        ChannelFacts {
            capability: lane.capability().clone(),
            switched_on: self.switched_on(lane),
            zero_stock: lane.zero_stock,
            source_gone: lane.source_gone,
            now: self.now(lane),
            zero: self.zero(lane),
            raises_wait: self.quota(lane).filter(|quota| !quota.allows(Spending::Raises, 1)).map(|quota| quota.refills),
        }
    }

    /// Makes the holds that the plan calls for; returns the listings that stand under them.
    fn guard_plan(
        &mut self,
        planned: &Planned,
        decisions: &[Decision],
    ) -> Result<BTreeMap<ListingId, HoldId>, EngineError> {
        // Under a hold nothing but known sales moves a listing, and those are let through (P1).
        let is_held = |id| planned.target(id).is_some_and(|(_, target)| !target.held.is_empty());
        let is_free = |decision: &&Decision| !self.exempt.contains(&decision.target) && !is_held(decision.target);
        let free: Vec<Decision> = decisions.iter().filter(is_free).cloned().collect();
        let totals = self.totals()?;
        let source = self.source_totals(&planned.components, &free)?;
        let mut new = guard(&free, &totals, source, self.settings().guard);
        new.extend(self.second_writers(planned, &free)?);
        let mut held = BTreeMap::new();
        for hold in new {
            let targets = hold.targets.iter().filter_map(|id| planned.target(*id));
            let frozen = targets.map(|(component, target)| self.freeze_for(&hold, target, component));
            let frozen = frozen.collect::<Result<Vec<_>, _>>()?;
            // What is lowered by a sale in spite of the hold goes out in this run (P1).
            if hold.why.is_about_zeros() {
                self.seeds.extend(frozen.iter().map(|frozen| frozen.listing));
            }
            let now = self.heard(&hold.channel);
            let run = self.run;
            let id = self.store.transaction(|tx| {
                // Each listing that somebody else writes to has a hold of its own, with both numbers.
                let alone = hold.why == HoldWhy::SecondWriter;
                let same = |open: &Hold| !alone && open.channel == hold.channel && open.why == hold.why;
                let open = tx.holds()?.into_iter().find(same);
                let id = match open {
                    Some(open) => {
                        let waiting = tx.frozen(open.id)?.len();
                        let note = format!("{}, beside {waiting} that waited before", hold.note);
                        tx.widen_hold(open.id, if waiting == 0 { &hold.note } else { &note }, &frozen)?;
                        open.id
                    }
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

    /// Freezes a listing that is to be held. A fall of the source that nothing explains is held; the sales that were known
    /// beside it are taken off what was there before (P1).
    fn freeze_for(&self, hold: &NewHold, target: &TargetFacts, component: &Component) -> Result<Frozen, StoreError> {
        let frozen = freeze(target, component);
        let Some(lane) = self.lane_of(&hold.channel).filter(|_| hold.why.is_about_zeros()) else { return Ok(frozen) };
        let mut before_fall = component.clone();
        for source in &mut before_fall.sources {
            let (Some(change), Some(seen)) = (source.known.owners_change, &mut source.known.reading) else { continue };
            let change = self.store.read(|tx| tx.movement(change))?;
            if let Some(from) = change.filter(|change| change.to == Some(seen.level.0)).and_then(|change| change.from) {
                seen.level = Level(from);
            }
        }
        let offered = offer(target, &before_fall, &self.settings().rules, lane.capability(), self.now(&lane));
        Ok(Frozen { quantity: offered.map_or(frozen.quantity, |offer| offer.quantity.min(frozen.quantity)), ..frozen })
    }

    /// Finds the listings that were corrected too often within a day (R4).
    fn second_writers(&self, planned: &Planned, decisions: &[Decision]) -> Result<Vec<NewHold>, StoreError> {
        let mut holds = Vec::new();
        for decision in decisions {
            let Some((_, target)) = planned.target(decision.target) else { continue };
            let Some(lane) = self.lane_of(&decision.channel).filter(|_| corrects(&target.known, decision)) else {
                continue;
            };
            let day_ago = before(self.now(&lane), SignedDuration::from_hours(24));
            let corrections = self.store.read(|tx| tx.corrections(decision.target, day_ago))?;
            holds.extend(second_writer(&target.known, decision, corrections));
        }
        Ok(holds)
    }

    fn totals(&self) -> Result<BTreeMap<ChannelName, Totals>, StoreError> {
        let mut totals = BTreeMap::new();
        for lane in self.engine.lanes.iter().filter(|lane| lane.role == Role::Target) {
            let pushed_ever = self.channels.get(&lane.name).is_some_and(|channel| channel.pushed_ever)
                || !stands(Safeguard::FirstPushIsHeld);
            let day_ago = before(self.now(lane), SignedDuration::from_hours(24));
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
        planned: &Planned,
        (seeds, owing): (&[ListingId], &[ListingId]),
        decisions: &[Decision],
        held: &BTreeMap<ListingId, HoldId>,
    ) -> Result<(), EngineError> {
        let writes = |action: &Action| matches!(action, Action::Push { .. } | Action::Hide | Action::Show);
        let is_left_out = |decision: &&Decision| {
            writes(&decision.action) && !held.contains_key(&decision.target) && !self.is_named(planned, decision)
        };
        let lowers = |decision: &Decision| match decision.action {
            Action::Push { lowering, .. } => lowering,
            _ => decision.action == Action::Hide && most_shown(decision.shown) > Level(0),
        };
        let left_out: BTreeMap<ListingId, Doubt> = decisions
            .iter()
            .filter(is_left_out)
            .map(|decision| (decision.target, Doubt::LeftOut { lowering: lowers(decision) }))
            .collect();
        let is_open = |decision: &&Decision| match decision.action {
            _ if held.contains_key(&decision.target) => false,
            _ if self.sent.contains_key(&decision.target) => true,
            // What is not written while a channel is switched off is written when it is on again.
            _ if decision.status == Status::SyncOff => {
                let hidden = planned.target(decision.target).is_some_and(|(_, target)| target.known.hidden.is_some());
                let offered = decision.offer.as_ref().map(|offer| offer.quantity);
                offered.is_some_and(|offered| {
                    Shown::Exactly(offered.as_level()) != decision.shown || (hidden && Quantity::ZERO < offered)
                })
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
            decisions
                .iter()
                .filter(|decision| fits(decision))
                .try_for_each(|decision| tx.note_fitted(decision.target))?;
            let mut unfollowed = Vec::new();
            for decision in decisions {
                let waits = match decision.action {
                    Action::Wait(doubt) => Some(doubt).filter(|doubt| doubt.is_kept()),
                    _ => left_out.get(&decision.target).copied(),
                };
                tx.note_waits(decision.target, waits)?;
                let why = decision.status.needs_mending().then(|| decision.status.to_string());
                if tx.note_unfollowed(decision.target, why.as_deref())?
                    && let Some(known) = tx.known(decision.target)?
                {
                    unfollowed.push((known, why));
                }
            }
            Ok(unfollowed)
        })?;
        for (known, why) in unfollowed {
            // What this run said of it before it was looked up may be wrong by now.
            let same = |trouble: &Trouble| {
                (trouble.code, &trouble.channel, &trouble.listing)
                    == ("not-followed", &Some(known.at.channel.clone()), &Some(known.name()))
            };
            self.report.troubles.retain(|trouble| !same(trouble));
            let Some(why) = why else { continue };
            self.trouble(Trouble {
                code: "not-followed",
                channel: Some(known.at.channel.clone()),
                listing: Some(known.name()),
                message: format!("it does not follow any more: {why}"),
                next: Some("`eys doctor` says what mends it".to_owned()),
                waits_for_owner: false,
            });
        }
        Ok(())
    }
}

/// Tells whether a listing turned out to show just what it is offered, though something changed since it was last right.
fn fits(decision: &Decision) -> bool {
    let offered = decision.offer.as_ref().map(|offer| Shown::Exactly(offer.quantity.as_level()));
    let changed = matches!(decision.cause, Cause::First | Cause::OwnersChange | Cause::Rules);
    changed && decision.action == Action::Nothing && offered == Some(decision.shown) && decision.status.takes_quantity()
}

/// How a sale of the source itself is named that a write of ours ran over.
const OWN_SALE: &str = "a sale of its own that was made while its number was written";

/// Under this stands what was last told of an oversell.
fn oversold_key(source: &SourceFacts) -> String {
    format!("oversold:{}", source.known.id.0)
}
