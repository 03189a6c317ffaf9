//! Undoing a run (U1): each listing that it wrote to is read live; what still shows what the run wrote is put back, and
//! held until the owner lets it go on. Relists and deductions are not undone.

use std::collections::{BTreeMap, BTreeSet};

use super::EngineError;
use super::cycle::Cycle;
use super::planning::Planned;
use super::report::KeptReport;
use crate::domain::guard::freeze;
use crate::domain::offer::find;
use crate::domain::plan::{Action, Cause, Decision, World};
use crate::domain::undo::{Kept, PutBack, Written, undo, written};
use crate::domain::{ChannelName, Component, Frozen, HoldId, HoldWhy, ListingId, RunId, Sku, TargetFacts};
use crate::store::StoreError;

/// A run that is being undone.
pub(super) struct Undoing {
    run: RunId,
    /// The listings that it wrote to.
    listings: BTreeMap<ListingId, Undone>,
    /// The holds that undoing made, also earlier ones.
    holds: BTreeSet<HoldId>,
    /// Those that this cycle made.
    made: BTreeMap<ChannelName, HoldId>,
}

/// A listing that the undone run wrote to.
struct Undone {
    written: Written,
    /// It was read by its key in this cycle.
    read: bool,
    /// What is put back on it, or why it is left as it is, once that is decided.
    end: Option<Result<PutBack, Kept>>,
    /// The hold that keeps it at what is put back.
    hold: Option<HoldId>,
    /// A SKU of the source that it is made of.
    made_of: Option<Sku>,
}

impl Cycle<'_> {
    /// Finds what the run wrote, and has all of it read.
    pub fn begin_undoing(&mut self) -> Result<(), EngineError> {
        let Some(run) = self.options.undo else { return Ok(()) };
        let (known, entries) = self.store.read(|tx| Ok((tx.run(run)?, tx.ledger_of_run(run)?)))?;
        known.ok_or(EngineError::NoSuchRun(run))?;
        let written = written(entries.iter().map(|entry| &entry.movement));
        if written.is_empty() {
            return Err(EngineError::NothingToUndo(run));
        }
        for id in written.keys() {
            let Some(known) = self.store.read(|tx| tx.known(*id))? else { continue };
            if self.lane_of(&known.at.channel).is_some() {
                self.lane(&known.at.channel).look.insert(*id);
            }
        }
        let holds = self.store.read(|tx| tx.holds())?;
        let holds = holds.iter().filter(|hold| hold.why == HoldWhy::Undone).map(|hold| hold.id).collect();
        let begin = |written| Undone { written, read: false, end: None, hold: None, made_of: None };
        let listings = written.into_iter().map(|(id, written)| (id, begin(written))).collect();
        self.undoing = Some(Undoing { run, listings, holds, made: BTreeMap::new() });
        self.undo_again();
        Ok(())
    }

    /// Notes that listings were read by their keys.
    pub fn note_live(&mut self, ids: &[ListingId]) {
        let Some(undoing) = &mut self.undoing else { return };
        for id in ids {
            if let Some(undone) = undoing.listings.get_mut(id) {
                undone.read = true;
            }
        }
    }

    /// Plans anew what is to be put back: what can be delivered is known once the source is read.
    pub fn undo_again(&mut self) {
        self.seeds.extend(self.undoing.iter().flat_map(|undoing| undoing.listings.keys()));
    }

    /// Tells whether something is put back on a listing.
    pub fn puts_back(&self, id: ListingId) -> bool {
        let undone = self.undoing.as_ref().and_then(|undoing| undoing.listings.get(&id));
        undone.is_some_and(|undone| matches!(undone.end, Some(Ok(_))))
    }

    /// Puts what is to be put back in the place of a plan. What is left as it is keeps its plan, for the next run.
    pub fn undo(&self, undoing: &mut Undoing, planned: &Planned, world: &World<'_>, decision: &mut Decision) {
        let Some((component, target)) = planned.target(decision.target) else { return };
        if !self.is_named(planned, decision) {
            undoing.listings.remove(&decision.target);
            return;
        }
        let Some(undone) = undoing.listings.get_mut(&decision.target) else { return };
        undone.made_of = made_of(component, target);
        if self.unreadable.contains(&decision.target) {
            undone.end = Some(Err(Kept::Unreadable));
        } else if undone.read && !undone.is_back(target) {
            let named = self.options.yes && !self.options.skus.is_empty();
            let end = undo(undone.written, target, component, world, decision, (named, &undoing.holds));
            if let Ok(put_back) = &end {
                put_in_place(decision, *put_back, undoing.run);
            }
            undone.end = Some(end);
        } else if undone.hides_what_is_back(target) {
            decision.action = Action::Show;
        } else if undone.hold.is_some() && matches!(decision.action, Action::Held(_)) {
            decision.action = Action::Nothing;
        }
    }

    /// Holds what is put back at just that, before it is written: whatever happens then, no later plan writes over it.
    pub fn hold_undone(
        &mut self,
        planned: &Planned,
        decisions: &[Decision],
        held: &BTreeMap<ListingId, HoldId>,
    ) -> Result<(), StoreError> {
        let Some(mut undoing) = self.undoing.take() else { return Ok(()) };
        for decision in decisions {
            let Some((component, target)) = planned.target(decision.target) else { continue };
            let Some(undone) = undoing.listings.get_mut(&decision.target) else { continue };
            let now = self.heard(&decision.channel);
            match (&undone.end, undone.hold) {
                (Some(Ok(_)), None) if held.contains_key(&decision.target) => undone.end = None,
                (Some(Ok(put_back)), None) => {
                    let frozen = Frozen { quantity: put_back.quantity, ..freeze(target, component) };
                    let note = format!("run {} was undone", undoing.run.0);
                    let made = undoing.made.get(&decision.channel).copied();
                    let hold = self.store.transaction(|tx| {
                        target.held.iter().try_for_each(|(old, _)| tx.release_listing(*old, decision.target, now))?;
                        match made {
                            Some(made) => tx.widen_hold(made, &note, &[frozen]).map(|()| made),
                            None => tx.make_hold(&decision.channel, HoldWhy::Undone, now, &note, &[frozen]),
                        }
                    })?;
                    undone.hold = Some(hold);
                    undoing.holds.insert(hold);
                    undoing.made.insert(decision.channel.clone(), hold);
                }
                // It moved on before it could be written.
                (Some(Err(Kept::MovedOn { .. })), Some(hold)) => {
                    self.store.transaction(|tx| tx.release_listing(hold, decision.target, now))?;
                    undone.hold = None;
                }
                _ => {}
            }
        }
        self.undoing = Some(undoing);
        Ok(())
    }

    /// Lists what was not put back, or not all of it.
    pub fn report_kept(&mut self) -> Result<(), StoreError> {
        let Some(Undoing { run, listings, .. }) = self.undoing.take() else { return Ok(()) };
        for (id, undone) in listings {
            let Some(known) = self.store.read(|tx| tx.known(id))? else { continue };
            let linked = self.lane_of(&known.at.channel).is_some() && self.store.read(|tx| tx.is_linked(id))?;
            let told = self.report.pushes.iter().any(|push| push.listing == known.at);
            let kept = match undone.end {
                Some(Ok(PutBack { short_of: None, .. })) => continue,
                Some(Ok(PutBack { quantity, short_of: Some(before) })) => Kept::Short { before, now: quantity },
                _ if !linked => Kept::NotLinked,
                Some(Err(kept)) => kept,
                None if told => continue,
                None => Kept::Unreadable,
            };
            let all = |sku| format!("`eys sync --undo {} --sku {sku} --yes` puts all of it back all the same", run.0);
            let next = undone.made_of.filter(|_| matches!(kept, Kept::Short { .. })).map(all);
            let (name, why) = (known.name(), kept.to_string());
            self.report.kept.push(KeptReport { listing: known.at, name, why, next });
        }
        Ok(())
    }
}

impl Undone {
    /// Tells whether what was to be put back stands there by now.
    fn is_back(&self, target: &TargetFacts) -> bool {
        let Some(Ok(put_back)) = &self.end else { return false };
        self.hold.is_some() && target.known.shown.most() == Some(put_back.quantity.as_level())
    }

    /// Tells whether we hid a listing that has stock again. What we ended stays as it is: a relist can cost a fee.
    fn hides_what_is_back(&self, target: &TargetFacts) -> bool {
        let hidden = target.known.hidden.as_ref().is_some_and(|hidden| !hidden.ended);
        hidden && matches!(&self.end, Some(Ok(put_back)) if put_back.quantity.units() > 0)
    }
}

fn put_in_place(decision: &mut Decision, put_back: PutBack, run: RunId) {
    let quantity = put_back.quantity;
    let shows = decision.shown.most();
    decision.cause = Cause::Undone;
    decision.action = match shows {
        Some(shows) if shows == quantity.as_level() => Action::Nothing,
        _ => Action::Push { quantity, lowering: shows.is_some_and(|shows| quantity.as_level() < shows) },
    };
    if let Some(offer) = &mut decision.offer {
        offer.trail = vec![format!("run {} was undone", run.0)];
    }
}

fn made_of(component: &Component, target: &TargetFacts) -> Option<Sku> {
    let source = target.links.first()?.recipe.first()?.source;
    find(component, source)?.known.listing.skus().next().cloned()
}
