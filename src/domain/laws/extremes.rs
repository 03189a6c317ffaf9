//! No input makes the core panic: the ends of what a number and a moment can be, wherever one stands.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::super::absorb::{Counting, absorb};
use super::super::guard::{Guard, SourceTotals, Totals, emptied, freeze, guard};
use super::super::line;
use super::super::link::recipe;
use super::super::observe;
use super::super::offer::{claims, held_offer, offer};
use super::super::plan::{Action, push_order};
use super::super::rule::{Rule, Then, When};
use super::super::settle::{OwnSales, decide, second_reading, settle, spread};
use super::*;

fn number() -> BoxedStrategy<i64> {
    facts::extreme().number
}

fn moment() -> BoxedStrategy<Timestamp> {
    facts::extreme().moment
}

fn restock() -> impl Strategy<Value = Restock> {
    prop::sample::select(vec![Restock::Unshipped, Restock::Always, Restock::Never])
}

fn then() -> impl Strategy<Value = Then> {
    let some = || prop::option::of(number());
    (prop::option::of(any::<u32>()), some(), some(), some(), prop::option::weighted(0.2, number())).prop_map(
        |(percent, buffer, zero_at_or_below, max, fixed)| Then {
            percent,
            buffer,
            zero_at_or_below,
            max,
            fixed,
            ..Then::default()
        },
    )
}

proptest! {
    #[test]
    fn a_plan_can_be_made_of_anything(component in facts::extreme().component(), now in moment(), fresh in any::<bool>(), then in then(), most in prop::option::of(number())) {
        let rules = [Rule { name: "r".to_owned(), when: When::default(), then }];
        let mut channels = channels();
        for channel in channels.values_mut() {
            channel.now = now;
            channel.capability.most = most;
        }
        let decisions = super::super::plan::plan(&component, &World { rules: &rules, channels: &channels, source_fresh: fresh });
        prop_assert_eq!(decisions.len(), component.targets.len());
        for decision in &decisions {
            push_order(decision);
            if let Action::Push { quantity, .. } = decision.action {
                prop_assert!(quantity.units() >= 0);
            }
        }
    }

    #[test]
    fn an_offer_and_a_claim_can_be_made_of_anything(component in facts::extreme().component(), now in moment()) {
        for source in &component.sources {
            prop_assert!(claims(source) >= 0);
            emptied(&source.known);
        }
        for target in &component.targets {
            if let Some(offer) = offer(target, &component, &[], &can(true), now) {
                prop_assert!(offer.quantity.units() >= 0);
            }
            let frozen = freeze(target, &component);
            prop_assert!(held_offer(&frozen, &component).units() >= 0);
        }
    }

    #[test]
    fn anything_can_be_settled(component in facts::extreme().component(), below_zero in any::<bool>()) {
        for source in &component.sources {
            if let Some(settlement) = settle(source, &can(below_zero)) {
                prop_assert!(settlement.short >= 0);
            }
        }
    }

    #[test]
    fn anything_can_be_decided(delta in number(), before in number(), seen in number(), sure in number(), unclear in number(), settled in any::<bool>()) {
        let (delta, before, seen) = (Delta(delta), Level(before), Level(seen));
        let mut own = OwnSales { sure, ..OwnSales::default() };
        own.add_unclear(unclear);
        decide(delta, before, seen, own, settled);
        second_reading(delta, before, seen, own);
    }

    #[test]
    fn anything_can_be_spread(levels in prop::collection::vec(number(), 0..4), delta in number()) {
        let place = |(level, nth): (i64, i32)| Place { id: nth.to_string(), level: Level(level) };
        let places: Vec<Place> = levels.into_iter().zip(0..).map(place).collect();
        spread(&places, Delta(delta));
    }

    #[test]
    fn anything_can_be_absorbed(
        taken in number(), cancelled in number(), flags in any::<[bool; 5]>(), moments in [moment(), moment(), moment()],
        known in prop::option::of(facts::extreme().line()), restock in restock()
    ) {
        let [shipped, out_of_stock, switched_on, deduct_sales, closed] = flags;
        let [placed, active, end] = moments;
        let fact = LineFact {
            key: LineKey("1".to_owned()), listings: Vec::new(), sku: None, taken, cancelled, shipped, out_of_stock,
        };
        let order = OrderFact { order: "1".to_owned(), placed, changed: end, origin: None, also: Vec::new(), lines: vec![fact.clone()] };
        let part = Part { source: ListingId(1), units: taken };
        let link = Link {
            id: LinkId(1), listing: ListingId(2), sku: None, by_hand: true, recipe: vec![part], active,
            closed: closed.then_some(end),
        };
        let counting = Counting { role: Role::Target, deduct_sales, restock, switched_on, first_read: Some(end), now: placed };
        let absorbed = absorb(known, &channel("list"), &order, &fact, None, &[link], counting);
        prop_assert!(absorbed.line.taken >= 0 && absorbed.line.sold() >= 0);
        absorbed.line.open_units(ListingId(1));
    }

    #[test]
    fn anything_can_be_read(
        shown in facts::extreme().shown(), level in number(), earlier in number(), moments in [moment(), moment(), moment()],
        grace in number(), own in facts::extreme().lines(), change in number(), ceiling in prop::option::of(number())
    ) {
        let [begun, now, pushed] = moments;
        let mut listing = known(1, "list", Some(earlier), shown);
        let quantity = Quantity::at_least_zero(earlier);
        listing.pushed = Some(Pushed { quantity, at: pushed, movement: MovementId(1) });
        listing.ceiling = ceiling.map(|missing| Ceiling { most: quantity, missing, until: pushed });
        let found = Found::Level { level: Level(level), places: Vec::new(), counter: None };
        observe::sold_on_target(&mut listing, change, begun);
        observe::target(&mut listing, &found, begun, now, SignedDuration::from_secs(grace));
        observe::sold_on_target(&mut listing, change, now);
        observe::writing(&mut listing, quantity);
        observe::confirmed(&mut listing, Level(level), begun, now);
        let mut own: Vec<line::Line> = own;
        observe::source(&mut listing, &found, begun, now, &mut own);
        observe::source(&mut listing, &Found::Level { level: Level(earlier), places: Vec::new(), counter: None }, now, now, &mut own);
    }

    #[test]
    fn anything_can_be_guarded(
        component in facts::extreme().component(), numbers in [number(), number(), number(), number(), number(), number()],
        percent in any::<u8>(), at_least in any::<u32>(), pushed_ever in any::<bool>()
    ) {
        let [linked, showing, zeroed, of, emptied, gone] = numbers;
        let totals = BTreeMap::from([(channel("list"), Totals { linked, showing, zeroed, pushed_ever })]);
        let source = SourceTotals { linked: of, emptied, gone };
        guard(&planned(&component, true), &totals, source, Guard { percent, at_least });
    }

    #[test]
    fn a_recipe_can_be_made_of_anything(parts in prop::collection::vec((1_i64..3, number()), 0..5)) {
        let parts = recipe(parts.into_iter().map(|(source, units)| Part { source: ListingId(source), units }));
        prop_assert!(parts.iter().all(|part| part.units > 0));
    }
}
