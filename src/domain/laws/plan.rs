//! Offers, plans and guards.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::guard::{Guard, SourceTotals, Totals, freeze, guard};
use super::super::offer::{claims, held_offer, offer};
use super::super::plan::{Action, Doubt, Zero};
use super::super::status::Status;
use super::super::undo::{PutBack, Written, undo};
use super::*;

proptest! {
    // proves Y5: the same facts give the same plan, in whatever order they come.
    #[test]
    fn same_facts_same_plan(component in facts::ordinary().component(), fresh in any::<bool>(), by in 1_usize..12) {
        let by_target = |component: &Component| {
            let mut decisions = planned(component, fresh);
            decisions.sort_by_key(|decision| decision.target);
            decisions
        };
        prop_assert_eq!(by_target(&component), by_target(&facts::mixed(&component, by)));
    }

    // proves H1, Y5: nor does the order of the decisions matter to what is held.
    #[test]
    fn same_plan_same_holds(component in facts::ordinary().component(), by in 1_usize..12, pushed_ever in any::<bool>(), showing in 0_i64..20) {
        let totals = Totals { linked: 10, showing, zeroed: 4, pushed_ever };
        let held = |decisions: &[Decision]| {
            let totals = BTreeMap::from([(channel("list"), totals)]);
            let mut holds = guard(decisions, &totals, SourceTotals { linked: 10, emptied: 1, gone: 0 }, Guard::default());
            for hold in &mut holds {
                hold.targets.sort_unstable();
            }
            holds
        };
        let decisions = planned(&component, true);
        let mut turned = decisions.clone();
        facts::turned(&mut turned, by);
        prop_assert_eq!(held(&decisions), held(&turned));
    }

    // proves O2: never below zero, never more than the source can deliver.
    #[test]
    fn an_offer_is_deliverable(component in component()) {
        for target in &component.targets {
            let Some(offer) = offer(target, &component, &[], &can(false), at(1_000)) else { continue };
            let source = &component.sources[0];
            let free = source.known.reading.unwrap().level.0.saturating_sub(claims(source)).max(0);
            let units = target.links[0].recipe[0].units;
            prop_assert!(offer.quantity.units() >= 0);
            prop_assert!(offer.quantity.units().saturating_mul(units) <= free);
        }
    }

    // proves R3, P1: units that are missing on a listing may be sold: what it is offered can be delivered besides them.
    #[test]
    fn what_is_missing_is_spoken_for(mut component in component(), missing in 1_i64..20, seen in 0_i64..20) {
        for target in &mut component.targets {
            target.known.ceiling = None;
        }
        for nth in 0..component.targets.len() {
            let offered = |component: &Component| offer(&component.targets[nth], component, &[], &can(false), at(1_000));
            let Some(before) = offered(&component) else { continue };
            let most = Quantity::at_least_zero(seen);
            component.targets[nth].known.ceiling = Some(Ceiling { most, missing, until: at(2_000) });
            let offer = offered(&component).unwrap();
            prop_assert_eq!(offer.quantity, most.min(before.quantity.less(missing)));
            component.targets[nth].known.ceiling = Some(Ceiling { most, missing, until: at(1_000) });
            prop_assert_eq!(offered(&component).unwrap().quantity, before.quantity, "its grace is over");
        }
    }

    // proves O1, O3: what is owed lowers the offer, what is to be given back does not raise it.
    #[test]
    fn claims_are_never_below_zero(component in component()) {
        prop_assert!(claims(&component.sources[0]) >= 0);
    }

    // proves O4, P1: without a fresh reading of the source nothing is raised.
    #[test]
    fn doubt_never_raises(component in component()) {
        for decision in planned(&component, false) {
            if let Action::Push { quantity, .. } = decision.action {
                prop_assert!(quantity.as_level() < decision.shown.most().unwrap());
            }
        }
    }

    // proves P1: with a deduction open or in doubt nothing is raised.
    #[test]
    fn an_open_intent_never_raises(mut component in component(), doubt in any::<bool>()) {
        let act = Act::Adjust { delta: Delta(-1), before: Level(5), lines: Vec::new() };
        let state = if doubt { IntentState::InDoubt } else { IntentState::Open };
        let listing = ListingId(1);
        let intent = Intent { id: IntentId(1), listing, act, call: None, position: 0, opened: at(0), sent: at(0), state };
        component.sources[0].intents.push(intent);
        for decision in planned(&component, true) {
            if let Action::Push { quantity, .. } = decision.action {
                prop_assert!(quantity.as_level() < decision.shown.most().unwrap());
            }
        }
    }

    // proves P1, F5: that a platform refused to hide or to show a listing keeps no number back.
    #[test]
    fn a_refused_showing_keeps_no_number_back(mut component in facts::ordinary().component(), quantity in 0_i64..3) {
        for target in &mut component.targets {
            target.known.refusal = None;
        }
        let freely = planned(&component, true);
        for target in &mut component.targets {
            let quantity = Quantity::at_least_zero(quantity);
            let words = "no".to_owned();
            let next = at(1_000_000);
            target.known.refusal = Some(Refusal { words, quantity, showing: true, mend: None, tries: 1, next });
        }
        for (free, now) in freely.iter().zip(planned(&component, true)) {
            match free.action {
                Action::Show | Action::Hide => prop_assert_eq!(&now.action, &Action::Wait(Doubt::RefusedLately)),
                _ => prop_assert_eq!(&free.action, &now.action),
            }
        }
    }

    // proves H4: where a platform counts changes, raises leave the last of a day to lowerings, and nothing goes beyond.
    #[test]
    fn raises_leave_the_last_changes_to_lowerings(mut component in facts::ordinary().component(), made in 0_i64..12) {
        let mut channels = channels();
        channels.get_mut(&channel("list")).unwrap().capability.revisions = Some(Revisions { most: 9, for_raises: 5 });
        let freely = planned(&component, true);
        for target in &mut component.targets {
            target.changed = Changes { made, frees: (made > 0).then(|| at(2_000)) };
        }
        let counted = plan(&component, &World { rules: &[], channels: &channels, source_fresh: true });
        for (free, now) in freely.iter().zip(&counted) {
            let lowering = matches!(free.action, Action::Push { lowering: true, .. });
            let spent = now.action == Action::Wait(Doubt::RevisionsSpent { lowering, made, until: at(2_000) });
            match free.action {
                Action::Push { lowering: false, .. } => prop_assert_eq!(spent, made >= 5),
                Action::Push { lowering: true, .. } => prop_assert_eq!(spent, made >= 9),
                _ => prop_assert_eq!(free, now),
            }
        }
    }

    // proves Z1: where a platform keeps no 0, none is written: what was to show it is hidden, or waits.
    #[test]
    fn a_zero_that_is_not_kept_is_not_written(component in facts::ordinary().component(), hidden in any::<bool>(), end in any::<bool>()) {
        let mut channels = channels();
        let channel = channels.get_mut(&channel("list")).unwrap();
        channel.zero = if hidden { Zero::Hidden } else { Zero::Destroys };
        channel.zero_stock = if end { ZeroStock::End } else { ZeroStock::Keep };
        let moment = channel.now;
        let usual = planned(&component, true);
        let now = plan(&component, &World { rules: &[], channels: &channels, source_fresh: true });
        let refused = |target: &TargetFacts| {
            target.known.refusal.as_ref().is_some_and(|refusal| refusal.showing && moment < refusal.next)
        };
        for ((decision, usual), target) in now.iter().zip(&usual).zip(&component.targets) {
            if !matches!(usual.action, Action::Push { quantity: Quantity::ZERO, .. }) {
                continue;
            }
            let expected = match () {
                () if target.known.hidden.is_some() => Action::Nothing,
                () if (hidden || decision.zero_stock == ZeroStock::End) && refused(target) => {
                    Action::Wait(Doubt::RefusedLately)
                }
                () if hidden || decision.zero_stock == ZeroStock::End => Action::Hide,
                () => Action::Wait(Doubt::ZeroDestroys),
            };
            prop_assert_eq!(&decision.action, &expected);
        }
    }

    // proves H1: what is held never shows more than it did, less what was sold since.
    #[test]
    fn what_is_held_is_never_raised(component in facts::ordinary().component(), fresh in any::<bool>()) {
        for (decision, target) in planned(&component, fresh).iter().zip(&component.targets) {
            let Some(least) = target.held.iter().map(|(_, frozen)| held_offer(frozen, &component)).min() else { continue };
            match decision.action {
                Action::Push { quantity, lowering } => {
                    let excused = decision.status == Status::SourceGone && quantity == Quantity::ZERO;
                    prop_assert!(lowering && (quantity == least || excused));
                    prop_assert!(quantity.as_level() < decision.shown.most().unwrap());
                }
                Action::Held(_) => prop_assert!(decision.shown.most().is_none_or(|most| most <= least.as_level())),
                // How low it is must be known first: the frozen number may be more.
                Action::Look => {
                    prop_assert_eq!(decision.shown.exactly(), None);
                    prop_assert!(decision.shown.most().is_some_and(|most| least.as_level() < most));
                }
                Action::Nothing => {}
                ref other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    // proves H1: what a guard holds shows no more than before, and what it does not hold is left as it was planned.
    #[test]
    fn a_guard_holds_what_it_names_and_changes_nothing_else(component in facts::ordinary().component(), pushed_ever in any::<bool>(), showing in 0_i64..20) {
        let before = planned(&component, true);
        let totals = BTreeMap::from([(channel("list"), Totals { linked: 10, showing, zeroed: 4, pushed_ever })]);
        let holds = guard(&before, &totals, SourceTotals { linked: 10, emptied: 0, gone: 0 }, Guard::default());
        let held: Vec<ListingId> = holds.iter().flat_map(|hold| hold.targets.clone()).collect();
        let mut guarded = component.clone();
        for target in guarded.targets.iter_mut().filter(|target| held.contains(&target.known.id)) {
            let frozen = freeze(target, &component);
            target.held.push((HoldId(99), frozen));
        }
        for (now, then) in planned(&guarded, true).iter().zip(&before) {
            if !held.contains(&now.target) {
                prop_assert_eq!(now, then);
            } else if let Action::Push { quantity, .. } = now.action {
                prop_assert!(then.shown.most().is_some_and(|most| quantity.as_level() < most));
            } else {
                let looks = now.action == Action::Look && matches!(now.shown, Shown::AtMost { .. });
                prop_assert!(looks || matches!(now.action, Action::Held(_) | Action::Nothing), "{:?}", now);
            }
        }
    }

    // Every target appears once in a plan, and what is done about it has its reason.
    #[test]
    fn every_decision_has_its_reason(component in facts::ordinary().component(), fresh in any::<bool>()) {
        let decisions = planned(&component, fresh);
        let targets = component.targets.iter().map(|target| target.known.id);
        prop_assert!(decisions.iter().map(|decision| decision.target).eq(targets));
        for (decision, target) in decisions.iter().zip(&component.targets) {
            let wanted = decision.offer.as_ref().map(|offer| offer.quantity.as_level());
            match decision.action {
                Action::Nothing => {
                    let shows_it = wanted.is_none_or(|wanted| decision.shown == Shown::Exactly(wanted));
                    let gone = decision.status == Status::SourceGone && decision.shown == Shown::Exactly(Level(0));
                    prop_assert!(shows_it || gone || !decision.status.takes_quantity(), "{:?}", decision);
                }
                Action::Held(hold) => prop_assert!(target.held.iter().any(|(id, _)| *id == hold)),
                Action::Wait(Doubt::SourceNotRead) => prop_assert!(!fresh),
                Action::Wait(Doubt::RefusedLately) => prop_assert!(target.known.refusal.is_some()),
                Action::Look => prop_assert!(!matches!(decision.shown, Shown::Exactly(_))),
                Action::Push { quantity, lowering } => {
                    prop_assert_ne!(decision.shown, Shown::Exactly(quantity.as_level()));
                    prop_assert_eq!(lowering, decision.shown.most().is_some_and(|most| quantity.as_level() < most));
                }
                Action::Hide | Action::Show | Action::Wait(_) => {}
            }
        }
    }

    // A plan that was carried out leaves nothing to do.
    #[test]
    fn a_plan_carried_out_is_done(mut component in component()) {
        for target in &mut component.targets {
            target.held.clear();
        }
        for (decision, target) in planned(&component, true).into_iter().zip(0..) {
            if let Action::Push { quantity, .. } = decision.action {
                component.targets[target].known.shown = Shown::Exactly(quantity.as_level());
            }
        }
        for decision in planned(&component, true) {
            prop_assert!(!matches!(decision.action, Action::Push { .. }), "{:?}", decision);
        }
    }

    // proves H1: without enough listings in motion, guards change nothing.
    #[test]
    fn a_guard_that_does_not_trip_holds_nothing(component in component(), linked in 20_i64..1000) {
        let decisions = planned(&component, true);
        let totals = Totals { linked, showing: linked, zeroed: 0, pushed_ever: true };
        let totals = BTreeMap::from([(channel("list"), totals)]);
        let source = SourceTotals { linked, emptied: 0, gone: 0 };
        prop_assert!(guard(&decisions, &totals, source, Guard::default()).is_empty());
    }

    // proves U1, P1: undoing raises no listing above what can be delivered now unless its owner named it, and none at all
    // while anything is in doubt.
    #[test]
    fn undoing_is_deliverable(component in component(), before in any::<i32>(), named in any::<bool>(), fresh in any::<bool>()) {
        let channels = channels();
        let world = World { rules: &[], channels: &channels, source_fresh: fresh };
        for (target, decision) in component.targets.iter().zip(planned(&component, fresh)) {
            let Shown::Exactly(shows) = target.known.shown else { continue };
            let written = Written { before: Some(Level(i64::from(before))), after: shows };
            let undone = undo(written, target, &component, &world, &decision, (named, &BTreeSet::from([HoldId(1)])));
            let Ok(PutBack { quantity, .. }) = undone else { continue };
            prop_assert!(i64::from(before).max(0) >= quantity.units());
            let deliverable = offer(target, &component, &[], &can(false), at(1_000)).map(|offer| offer.quantity);
            if shows.offerable() < quantity {
                prop_assert!(fresh);
                prop_assert!(named || Some(quantity) <= deliverable);
            }
        }
    }
}
