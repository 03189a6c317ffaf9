//! Units are conserved: a small shop in which everything that can happen to a sale happens, in any order.

use proptest::prelude::*;

use super::super::absorb::{Counting, absorb, taken};
use super::super::settle::{OwnSales, Settlement, Verdict, decide, settle};
use super::*;

/// What becomes of an adjustment that is sent.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Confirmed,
    Refused,
    /// The answer is lost, and it was applied or not. A process that dies after or before the call leaves the same.
    Lost {
        applied: bool,
    },
    /// The process dies before the intent is stored.
    Forgotten,
}

#[derive(Clone, Debug)]
enum Event {
    /// The platform's word on a line is read, once more or for the first time.
    Seen(usize),
    Edited(usize, i64),
    Cancelled(usize),
    Shipped(usize),
    Settled(usize, Fate),
    /// Somebody buys on the source itself.
    SoldThere(usize, i64),
    /// The source is read, and what is open is decided if the request can no longer be running.
    Read(usize, bool),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Confirmed),
        Just(Fate::Refused),
        any::<bool>().prop_map(|applied| Fate::Lost { applied }),
        Just(Fate::Forgotten),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0_usize..3).prop_map(Event::Seen),
        1 => (0_usize..3, 0_i64..6).prop_map(|(line, units)| Event::Edited(line, units)),
        1 => (0_usize..3).prop_map(Event::Cancelled),
        1 => (0_usize..3).prop_map(Event::Shipped),
        4 => (0_usize..2, fate()).prop_map(|(source, fate)| Event::Settled(source, fate)),
        1 => (0_usize..2, 1_i64..4).prop_map(|(source, units)| Event::SoldThere(source, units)),
        2 => (0_usize..2, any::<bool>()).prop_map(|(source, late)| Event::Read(source, late)),
    ]
}

/// A source listing: what lies on its shelf, what is known of it, and what is open.
struct Shelf {
    start: i64,
    units: i64,
    read: i64,
    sold_there: i64,
    /// Of those, what the reading contains.
    contained: i64,
    open: Option<Settlement>,
}

struct Shop {
    shelves: Vec<Shelf>,
    facts: Vec<LineFact>,
    lines: Vec<Option<Line>>,
    link: Link,
    below_zero: bool,
}

const COUNTING: Counting = Counting {
    role: Role::Target,
    deduct_sales: true,
    restock: Restock::Unshipped,
    switched_on: true,
    first_read: None,
    now: Timestamp::UNIX_EPOCH,
};

impl Shop {
    fn new(levels: [i64; 2], recipe: [i64; 2], sold: [i64; 3], below_zero: bool) -> Self {
        let shelf = |start| Shelf { start, units: start, read: start, sold_there: 0, contained: 0, open: None };
        let fact = |(taken, nth): (i64, i32)| LineFact {
            key: LineKey(nth.to_string()),
            listings: Vec::new(),
            sku: None,
            taken,
            cancelled: 0,
            shipped: false,
            out_of_stock: false,
        };
        let part = |(units, source)| Part { source: ListingId(source), units };
        let recipe = recipe.into_iter().zip(1..).map(part).collect();
        let link = Link {
            id: LinkId(1),
            listing: ListingId(9),
            sku: None,
            by_hand: true,
            recipe,
            active: at(0),
            closed: None,
        };
        Self {
            shelves: levels.map(shelf).into(),
            facts: sold.into_iter().zip(0..).map(fact).collect(),
            lines: vec![None; 3],
            link,
            below_zero,
        }
    }

    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Seen(nth) => self.see(nth),
            Event::Edited(nth, units) => self.facts[nth].taken = units,
            Event::Cancelled(nth) => self.facts[nth].cancelled = self.facts[nth].taken,
            Event::Shipped(nth) => self.facts[nth].shipped = true,
            Event::Settled(source, fate) => self.settle(source, fate),
            Event::SoldThere(source, units) => {
                self.shelves[source].units -= units;
                self.shelves[source].sold_there += units;
            }
            Event::Read(source, late) => self.read(source, late),
        }
    }

    fn see(&mut self, nth: usize) {
        let fact = &self.facts[nth];
        let (placed, changed) = (at(10), at(20));
        let order =
            OrderFact { order: "#1".to_owned(), placed, changed, origin: None, also: Vec::new(), lines: Vec::new() };
        let known = self.lines[nth].take();
        let links = std::slice::from_ref(&self.link);
        let mut line = absorb(known, &channel("list"), &order, fact, None, links, COUNTING).line;
        line.id = i64::try_from(nth).ok().map(LineId);
        self.lines[nth] = Some(line);
    }

    fn known(&self, source: usize) -> SourceFacts {
        let (id, shelf) = (i64::try_from(source).unwrap() + 1, &self.shelves[source]);
        let intent = shelf.open.as_ref().map(|open| Intent {
            id: IntentId(1),
            listing: ListingId(id),
            act: Act::Adjust { delta: open.delta, before: open.before, lines: open.lines.clone() },
            call: None,
            position: 0,
            opened: at(30),
            sent: at(30),
            state: IntentState::Open,
        });
        SourceFacts {
            known: known(id, "shop", Some(shelf.read), Shown::Unknown),
            owing: self.lines.iter().flatten().cloned().collect(),
            own: Vec::new(),
            took: Vec::new(),
            intents: intent.into_iter().collect(),
            unpaid: 0,
            lost: Delta(0),
        }
    }

    fn settle(&mut self, source: usize, fate: Fate) {
        let Some(settlement) = settle(&self.known(source), &can(self.below_zero)) else { return };
        // Lines that cancel out are settled without a call.
        if settlement.delta.is_zero() {
            self.confirm(source, &settlement.lines);
            return;
        }
        let done = matches!(fate, Fate::Confirmed | Fate::Lost { applied: true });
        let shelf = &mut self.shelves[source];
        if done {
            shelf.units += settlement.delta.0;
        }
        match fate {
            Fate::Confirmed => {
                self.confirm(source, &settlement.lines);
                self.look(source);
            }
            Fate::Lost { .. } => shelf.open = Some(settlement),
            Fate::Refused | Fate::Forgotten => {}
        }
    }

    fn confirm(&mut self, source: usize, lines: &[(LineId, i64)]) {
        for (id, units) in lines {
            let line = self.lines.iter_mut().flatten().find(|line| line.id == Some(*id)).unwrap();
            line.shares[source].applied += units;
        }
    }

    fn look(&mut self, source: usize) {
        let shelf = &mut self.shelves[source];
        (shelf.read, shelf.contained) = (shelf.units, shelf.sold_there);
    }

    fn read(&mut self, source: usize, late: bool) {
        let shelf = &mut self.shelves[source];
        if let Some(open) = shelf.open.take() {
            let own = OwnSales { sure: shelf.sold_there - shelf.contained, ..OwnSales::default() };
            match decide(open.delta, open.before, Level(shelf.units), own, late) {
                Verdict::Applied => self.confirm(source, &open.lines),
                Verdict::NotApplied => {}
                Verdict::Wait => {
                    shelf.open = Some(open);
                    return;
                }
                Verdict::InDoubt => panic!("nobody else changed it, so the numbers tell"),
            }
        }
        self.look(source);
    }

    /// Lets everything come in and be settled.
    fn rest(&mut self) {
        for _ in 0..4 {
            (0..3).for_each(|nth| self.see(nth));
            for source in 0..2 {
                self.read(source, true);
                self.settle(source, Fate::Confirmed);
            }
        }
    }

    /// Returns the units of each line that its platform holds off, as this test reckons them.
    fn held_off(&self) -> Vec<i64> {
        let units = |fact: &LineFact| if fact.shipped { fact.taken } else { fact.taken - fact.cancelled };
        self.facts.iter().map(|fact| units(fact).max(0)).collect()
    }
}

proptest! {
    // proves P3, X1, X6: however often a sale is read, edited, cancelled, its deduction lost, repeated or cut short, in the
    // end the source lacks just what was sold and not given back.
    #[test]
    fn units_are_conserved(
        levels in [5_i64..40, 5_i64..40], recipe in [1_i64..4, 1_i64..4], sold in [0_i64..5, 0_i64..5, 0_i64..5],
        below_zero in any::<bool>(), events in prop::collection::vec(event(), 0..40)
    ) {
        let mut shop = Shop::new(levels, recipe, sold, below_zero);
        for event in &events {
            shop.happens(event);
        }
        shop.rest();
        for (source, units) in recipe.into_iter().enumerate() {
            let shelf = &shop.shelves[source];
            let applied: Vec<i64> =
                shop.lines.iter().flatten().map(|line| line.shares[source].applied).collect();
            let owed: Vec<i64> = shop.held_off().iter().map(|held_off| held_off * units).collect();
            let gone = shelf.start - shelf.sold_there - shelf.units;
            prop_assert_eq!(gone, applied.iter().sum::<i64>(), "what is applied is what is gone");
            if below_zero || shelf.units > 0 {
                prop_assert_eq!(applied, owed);
            } else {
                prop_assert!(applied.iter().zip(&owed).all(|(applied, owed)| applied <= owed), "no more than was sold");
            }
        }
    }

    // proves W3: what is taken off for a line is what its platform holds off for it.
    #[test]
    fn what_came_back_is_not_taken(units in 0_i64..6, cancelled in 0_i64..6, shipped in any::<bool>()) {
        let mut shop = Shop::new([9, 9], [1, 1], [units, 0, 0], true);
        (shop.facts[0].cancelled, shop.facts[0].shipped) = (cancelled, shipped);
        prop_assert_eq!(taken(&shop.facts[0], false, Restock::Unshipped), shop.held_off()[0]);
    }
}
