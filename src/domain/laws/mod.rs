//! The laws of the pure core, as properties: whatever the facts are, these hold.

mod extremes;
mod facts;
mod plan;
mod reading;
mod settling;
mod units;
mod unpaid;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::plan::{ChannelFacts, Decision, World, plan};
use super::policy::{Restock, SourceGone, ZeroStock};
use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn can(below_zero: bool) -> Capability {
    Capability {
        read_batch: 250,
        reads_singly: false,
        set_batch: 250,
        adjust_batch: 250,
        compare_and_set: true,
        exactly_once: ExactlyOnce::File,
        below_zero,
        reads_changes: false,
        cheap_scan: true,
        orders: true,
        tells_restock: false,
        lag: SignedDuration::ZERO,
        order_delay: SignedDuration::ZERO,
        still_running: SignedDuration::ZERO,
        confirm_after: None,
        revisions: None,
        zero: ZeroKept::Always,
        most: None,
        hides: false,
        ends: false,
        ended_is_gone: false,
        counts_from_zero: false,
        writes_items: false,
        traces: Traces::Nowhere,
    }
}

pub(super) fn known(id: i64, name: &str, level: Option<i64>, shown: Shown) -> Known {
    let key = ListingKey::new(format!("k{id}"));
    let goods = vec![Good { sku: Sku::new(&format!("SKU-{id}")), title: "Mug".to_owned(), ..Good::default() }];
    let listing = Listing {
        key: key.clone(),
        goods,
        state: ListingState::Live,
        managed: true,
        oversells: false,
        unfit: None,
        level: level.map(Level),
        places: Vec::new(),
        counter: None,
        item: None,
        vendor: None,
        product_type: None,
        tags: Vec::new(),
    };
    Known {
        id: ListingId(id),
        at: ListingRef { channel: channel(name), key },
        listing,
        reading: level.map(|level| Seen { level: Level(level), begun: at(0), done: at(0), counter: None }),
        numberless: None,
        gone: None,
        shown,
        pushed: None,
        fitted: None,
        ruled_anew: false,
        counted: None,
        ceiling: None,
        refusal: None,
        hidden: None,
        owners_change: None,
        duplicate: false,
        sold: 0,
    }
}

fn line(id: i64, taken: i64, baseline: i64, shares: Vec<Share>) -> Line {
    Line {
        id: Some(LineId(id)),
        channel: channel("list"),
        key: LineKey(format!("L{id}")),
        order: format!("#{id}"),
        also: Vec::new(),
        origin: None,
        sku: Sku::new("SKU-1"),
        listing: None,
        link: None,
        placed: at(id),
        taken,
        baseline,
        counts: true,
        unfinished: false,
        shipped: false,
        restock: Restock::Unshipped,
        held: None,
        asked: None,
        met: None,
        returned: None,
        shares,
        contained: 0,
        unsaid: 0,
    }
}

/// One source listing with lines that owe to it, and targets made of it.
fn component() -> impl Strategy<Value = Component> {
    let lines = proptest::collection::vec((any::<i32>(), 0_i64..3, 1_i64..5, any::<i32>(), any::<bool>()), 0..5);
    let targets = proptest::collection::vec((1_i64..7, shown(), any::<bool>()), 1..5);
    (any::<Option<i32>>(), lines, targets).prop_map(|(level, lines, targets)| {
        let mut source = known(1, "shop", level.map(i64::from), Shown::Unknown);
        source.sold = 3;
        let owing = lines
            .into_iter()
            .zip(1..)
            .map(|((taken, baseline, units, applied, held), id)| {
                let share = Share { source: ListingId(1), units, applied: i64::from(applied) };
                let mut line = line(id, i64::from(taken), baseline, vec![share]);
                line.held = held.then_some(Held { why: LineHold::SeenLate, since: at(id) });
                line
            })
            .collect();
        let sources = vec![SourceFacts {
            known: source,
            owing,
            own: Vec::new(),
            took: Vec::new(),
            intents: Vec::new(),
            unpaid: 0,
            lost: Delta(0),
        }];
        let targets = targets.into_iter().zip(2..).map(|((units, shown, held), id)| target(id, units, shown, held));
        Component { sources, targets: targets.collect() }
    })
}

fn at_most(most: i64, least: i64) -> Shown {
    Shown::AtMost { most: Level(most), least: Level(least) }
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![
        Just(Shown::Unknown),
        any::<i32>().prop_map(|level| Shown::Exactly(Level(i64::from(level)))),
        any::<i32>().prop_map(|most| at_most(i64::from(most), 0)),
    ]
}

fn target(id: i64, units: i64, shown: Shown, held: bool) -> TargetFacts {
    let part = Part { source: ListingId(1), units };
    let link = Link {
        id: LinkId(id),
        listing: ListingId(id),
        sku: Sku::new(&format!("SKU-{id}")),
        by_hand: true,
        recipe: vec![part],
        active: at(0),
        closed: None,
    };
    let frozen = Frozen {
        listing: ListingId(id),
        quantity: Quantity::at_least_zero(shown.most().map_or(0, |level| level.0)),
        parts: vec![FrozenPart { source: ListingId(1), units, sold: 0 }],
    };
    TargetFacts {
        known: known(id, "list", None, shown),
        links: vec![link],
        held: if held { vec![(HoldId(1), frozen)] } else { Vec::new() },
        changed: Changes::default(),
    }
}

fn channels() -> BTreeMap<ChannelName, ChannelFacts> {
    let facts = ChannelFacts {
        capability: can(false),
        switched_on: true,
        zero_stock: ZeroStock::Keep,
        source_gone: SourceGone::Zero,
        now: at(1_000),
        zero: super::plan::Zero::Written,
        raises_wait: None,
    };
    BTreeMap::from([(channel("list"), facts)])
}

fn planned(component: &Component, source_fresh: bool) -> Vec<Decision> {
    plan(component, &World { rules: &[], channels: &channels(), source_fresh })
}
