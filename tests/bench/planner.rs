//! `cargo bench`: what planning costs does not depend on how much is linked.
//!
//! A state with very many linked listings, in which a thousand source listings changed: their components are read from
//! the state and planned, as a cycle does it. The time must stay below 50 milliseconds, and be about the same for a
//! hundred thousand linked listings and for a million.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use eys::domain::plan::{ChannelFacts, World, Zero, plan};
use eys::domain::policy::{SourceGone, ZeroStock};
use eys::domain::{
    Capability, ChannelName, ExactlyOnce, Good, Level, Listing, ListingId, ListingKey, ListingState, Part, Role, Seen,
    Shown, Sku, Traces, ZeroKept,
};
use eys::store::{ChannelState, Store};
use jiff::{SignedDuration, Timestamp};

/// How many source listings changed.
const CHANGED: usize = 1_000;
/// The most that planning them may take.
const LIMIT_MS: u128 = 50;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("it is a time")
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).expect("it is a name")
}

fn listing(nth: usize, level: i64) -> Listing {
    let sku = Sku::new(&format!("SKU-{nth:07}"));
    let good = Good { sku, title: format!("Good {nth}"), barcode: None, price: None };
    Listing {
        key: ListingKey::new(format!("{nth}")),
        goods: vec![good],
        state: ListingState::Live,
        managed: true,
        oversells: false,
        unfit: None,
        level: Some(Level(level)),
        places: Vec::new(),
        counter: None,
        item: None,
        vendor: None,
        product_type: None,
        tags: Vec::new(),
    }
}

/// Fills a state with linked listings that all show 10, and lets the first thousand fall to 7 on the source. Returns
/// those.
fn shop(linked: usize) -> (Store, Vec<ListingId>) {
    let mut store = Store::in_memory().expect("a state in memory");
    let (source, target) = (channel("shop"), channel("outlet"));
    let changed = store.transaction(|tx| {
        tx.save_channel(&ChannelState::new(&source, "shopify", Role::Source))?;
        tx.save_channel(&ChannelState::new(&target, "shopify", Role::Target))?;
        let mut changed = Vec::new();
        for nth in 0..linked {
            let part = tx.put_listing(&source, &listing(nth, 10))?;
            let follower = tx.put_listing(&target, &listing(nth, 10))?;
            let recipe = [Part { source: part, units: 1 }];
            tx.open_link(follower, Sku::new(&format!("SKU-{nth:07}")).as_ref(), false, &recipe, now())?;
            for (id, level) in [(part, if nth < CHANGED { 7 } else { 10 }), (follower, 10)] {
                let Some(mut known) = tx.known(id)? else { continue };
                known.reading = Some(Seen { level: Level(level), begun: now(), done: now(), counter: None });
                known.shown = Shown::Exactly(Level(10));
                tx.save_known(&known)?;
            }
            if nth < CHANGED {
                changed.push(part);
            }
        }
        Ok(changed)
    });
    (store, changed.expect("the state takes it"))
}

fn facts() -> ChannelFacts {
    let capability = Capability {
        read_batch: 250,
        reads_singly: false,
        set_batch: 250,
        adjust_batch: 250,
        compare_and_set: true,
        exactly_once: ExactlyOnce::File,
        below_zero: true,
        reads_changes: true,
        cheap_scan: false,
        orders: true,
        tells_restock: true,
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
    };
    ChannelFacts {
        capability,
        switched_on: true,
        zero_stock: ZeroStock::Keep,
        source_gone: SourceGone::Zero,
        now: now(),
        zero: Zero::Written,
        raises_wait: None,
    }
}

/// Reads the components of what changed and plans them; returns how many pushes come of it.
fn plan_changed(store: &Store, changed: &[ListingId], channels: &BTreeMap<ChannelName, ChannelFacts>) -> usize {
    let components = store.read(|tx| tx.components(changed)).expect("the state can be read");
    let world = World { rules: &[], channels, source_fresh: true };
    components.iter().flat_map(|component| plan(component, &world)).filter(|d| d.offer.is_some()).count()
}

fn planning(criterion: &mut Criterion) {
    let channels = BTreeMap::from([(channel("shop"), facts()), (channel("outlet"), facts())]);
    let mut group = criterion.benchmark_group("plan 1000 changed");
    group.sample_size(20);
    for linked in [100_000, 1_000_000] {
        let (store, changed) = shop(linked);
        assert_eq!(plan_changed(&store, &changed, &channels), CHANGED);
        let best = (0..20).map(|_| {
            let began = Instant::now();
            black_box(plan_changed(&store, &changed, &channels));
            began.elapsed().as_millis()
        });
        let best = best.min().unwrap_or_default();
        assert!(best < LIMIT_MS, "{best} ms for {linked} linked listings");
        group.bench_function(format!("of {linked}"), |bencher| {
            bencher.iter(|| black_box(plan_changed(&store, &changed, &channels)));
        });
    }
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
