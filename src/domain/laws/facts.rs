//! Components of every shape: kits, shared listings, open intents, holds, with numbers and times of the caller's choice.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

/// Where numbers and times of a component come from.
#[derive(Clone)]
pub struct Range {
    pub number: BoxedStrategy<i64>,
    pub moment: BoxedStrategy<Timestamp>,
}

/// Numbers and times of an ordinary shop.
pub fn ordinary() -> Range {
    Range { number: (-3_i64..12).boxed(), moment: (0_i64..2_000).prop_map(at).boxed() }
}

/// Numbers and times at the ends of what there is, and some between.
pub fn extreme() -> Range {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let times = [Timestamp::MIN, Timestamp::UNIX_EPOCH, at(0), Timestamp::MAX];
    Range {
        number: prop_oneof![prop::sample::select(ends.to_vec()), any::<i64>(), -3_i64..12].boxed(),
        moment: prop_oneof![prop::sample::select(times.to_vec()), (0_i64..2_000).prop_map(at)].boxed(),
    }
}

impl Range {
    pub fn level(&self) -> impl Strategy<Value = Level> + use<> {
        self.number.clone().prop_map(Level)
    }

    pub fn shown(&self) -> impl Strategy<Value = Shown> + use<> {
        let between = (self.level(), self.level()).prop_map(|(most, least)| Shown::AtMost { most, least });
        let least = self.level().prop_map(Shown::AtLeast);
        prop_oneof![Just(Shown::Unknown), self.level().prop_map(Shown::Exactly), between, least]
    }

    /// A line that owes to the given sources.
    pub fn line(&self) -> impl Strategy<Value = Line> + use<> {
        let number = || self.number.clone();
        let shares = prop::collection::vec((1_i64..4, number(), number()), 0..3);
        (1_i64..9, number(), number(), number(), self.moment.clone(), any::<[bool; 3]>(), shares).prop_map(
            |(id, taken, baseline, contained, placed, [counts, held, shipped], shares)| {
                let share = |(source, units, applied)| Share { source: ListingId(source), units, applied };
                let shares = shares.into_iter().map(share).collect();
                let held = held.then_some(Held { why: LineHold::SeenLate, since: at(0) });
                Line { placed, counts, shipped, held, contained, ..line(id, taken, baseline, shares) }
            },
        )
    }

    /// Lines with numbers of their own, in no order.
    pub fn lines(&self) -> impl Strategy<Value = Vec<Line>> + use<> {
        prop::collection::vec(self.line(), 0..5).prop_map(|lines| {
            let named = |(mut line, id): (Line, i64)| {
                (line.id, line.key) = (Some(LineId(id)), LineKey(format!("L{id}")));
                line
            };
            lines.into_iter().zip(1..).map(named).collect()
        })
    }

    fn intents(&self) -> impl Strategy<Value = Vec<Intent>> + use<> {
        let states = [IntentState::Open, IntentState::Applied, IntentState::NotApplied, IntentState::InDoubt];
        let number = || self.number.clone();
        let lines = prop::collection::vec((1_i64..9, number()), 0..3);
        let one = (1_i64..9, number(), number(), lines, self.moment.clone(), prop::sample::select(states.to_vec()));
        let intent = one.prop_map(|(id, delta, before, lines, opened, state)| {
            let lines = lines.into_iter().map(|(line, units)| (LineId(line), units)).collect();
            let act = Act::Adjust { delta: Delta(delta), before: Level(before), lines };
            Intent {
                id: IntentId(id),
                listing: ListingId(1),
                act,
                call: None,
                position: 0,
                opened,
                sent: opened,
                state,
            }
        });
        prop::collection::vec(intent, 0..2)
    }

    fn source(&self, id: i64) -> impl Strategy<Value = SourceFacts> + use<> {
        let places = prop::collection::vec(self.level(), 0..3);
        let read = prop::option::of((self.level(), self.moment.clone()));
        let rest = (self.number.clone(), self.number.clone(), any::<[bool; 3]>());
        (read, places, self.lines(), self.lines(), self.intents(), rest).prop_map(
            move |(read, places, owing, own, intents, (sold, lost, [gone, managed, changed]))| {
                let mut known = known(id, "shop", None, Shown::Unknown);
                known.reading = read.map(|(level, begun)| Seen { level, begun, done: begun, counter: None });
                let place = |(level, nth): (Level, i32)| Place { id: nth.to_string(), level };
                known.listing.places = places.into_iter().zip(0..).map(place).collect();
                known.listing.managed = managed;
                known.gone = (gone && !managed).then(|| at(0));
                known.owners_change = changed.then_some(MovementId(5));
                known.sold = sold;
                SourceFacts { known, owing, took: Vec::new(), own, intents, unpaid: 0, lost: Delta(lost) }
            },
        )
    }

    fn target(&self, id: i64) -> impl Strategy<Value = TargetFacts> + use<> {
        let number = || self.number.clone();
        let quantity = || number().prop_map(Quantity::at_least_zero);
        let parts = || prop::collection::btree_map(1_i64..4, number(), 1..3);
        let links = prop::collection::vec(parts(), 0..3);
        let frozen = prop::collection::vec((1_i64..4, quantity(), number(), number()), 0..2);
        let ceiling = prop::option::of((quantity(), number(), self.moment.clone()));
        let pushed = prop::option::of((quantity(), self.moment.clone()));
        let refusal = prop::option::weighted(0.2, (quantity(), self.moment.clone()));
        let rest = (any::<[bool; 4]>(), number());
        (self.shown(), links, frozen, ceiling, pushed, refusal, rest).prop_map(
            move |(shown, links, frozen, ceiling, pushed, refusal, ([off, hidden, oversells, showing], sold))| {
                let mut known = known(id, "list", None, shown);
                known.ceiling = ceiling.map(|(most, missing, until)| Ceiling { most, missing, until });
                known.pushed = pushed.map(|(quantity, at)| Pushed { quantity, at, movement: MovementId(3) });
                known.refusal = refusal.map(|(quantity, next)| Refusal {
                    words: "no".to_owned(),
                    quantity,
                    showing,
                    mend: None,
                    tries: 1,
                    next,
                });
                known.hidden = hidden.then(|| Hidden { ended: false, former: String::new() });
                known.listing.state = if off { ListingState::Off("draft".to_owned()) } else { ListingState::Live };
                known.listing.oversells = oversells;
                known.sold = sold;
                let link = |(parts, nth): (BTreeMap<i64, i64>, i64)| Link {
                    id: LinkId(id * 10 + nth),
                    listing: ListingId(id),
                    sku: None,
                    by_hand: true,
                    recipe: parts
                        .into_iter()
                        .map(|(source, units)| Part { source: ListingId(source), units })
                        .collect(),
                    active: at(0),
                    closed: None,
                };
                let hold = |((source, quantity, units, sold), nth): ((i64, Quantity, i64, i64), i64)| {
                    let parts = vec![FrozenPart { source: ListingId(source), units, sold }];
                    (HoldId(nth), Frozen { listing: ListingId(id), quantity, parts })
                };
                let links = links.into_iter().zip(0..).map(link).collect();
                TargetFacts {
                    known,
                    links,
                    held: frozen.into_iter().zip(1..).map(hold).collect(),
                    changed: Changes::default(),
                }
            },
        )
    }

    /// Two or three source listings, and targets made of them.
    pub fn component(&self) -> impl Strategy<Value = Component> + use<> {
        let sources = (self.source(1), self.source(2), prop::option::of(self.source(3)));
        let targets = (self.target(11), self.target(12), self.target(13), self.target(14));
        (sources, targets).prop_map(|((one, two, three), (a, b, c, d))| Component {
            sources: [one, two].into_iter().chain(three).collect(),
            targets: vec![a, b, c, d],
        })
    }
}

/// The same list in another order.
pub fn turned<T>(list: &mut [T], by: usize) {
    if !list.is_empty() {
        let len = list.len();
        list.rotate_left(by % len);
        if by % 2 == 1 {
            list.reverse();
        }
    }
}

/// The same facts, each list of which the order means nothing in another one.
pub fn mixed(component: &Component, by: usize) -> Component {
    let mut mixed = component.clone();
    turned(&mut mixed.targets, by);
    for target in &mut mixed.targets {
        turned(&mut target.held, by);
    }
    for source in &mut mixed.sources {
        turned(&mut source.owing, by);
        turned(&mut source.own, by / 2);
        turned(&mut source.intents, by);
    }
    mixed
}
