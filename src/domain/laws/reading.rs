//! What a reading says, and what it does not.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::super::observe;
use super::*;

proptest! {
    // proves R2: a reading that began before our last write says nothing.
    #[test]
    fn an_old_reading_says_nothing(level in any::<i32>(), shown in shown(), age in 1_i64..1000) {
        let mut listing = known(2, "list", Some(4), shown);
        let pushed = Pushed { quantity: Quantity::at_least_zero(4), at: at(1_000), movement: MovementId(1) };
        listing.pushed = Some(pushed);
        let before = listing.clone();
        let found = Found::Level { level: Level(i64::from(level)), places: Vec::new(), counter: None };
        observe::target(&mut listing, &found, at(1_000 - age), at(1_000), SignedDuration::from_mins(10));
        prop_assert_eq!(listing, before);
    }

    // proves Y5, Y3: what a reading of the source means does not hang on the order of its own lines.
    #[test]
    fn same_lines_same_meaning(lines in facts::ordinary().lines(), level in 0_i64..12, by in 1_usize..12) {
        let read = |mut own: Vec<Line>| {
            let mut listing = known(1, "shop", Some(10), Shown::Unknown);
            let found = Found::Level { level: Level(level), places: Vec::new(), counter: None };
            let meaning = observe::source(&mut listing, &found, at(1_000), at(1_000), &mut own);
            own.sort_by_key(|line| line.id);
            (meaning, own)
        };
        let close = |line: Line| Line { placed: at(999 + line.placed.as_second() % 3), ..line };
        let own: Vec<Line> = lines.into_iter().map(close).collect();
        let mut mixed = own.clone();
        facts::turned(&mut mixed, by);
        prop_assert_eq!(read(own), read(mixed));
    }

    // proves P5: a number that is missing changes nothing.
    #[test]
    fn a_missing_number_is_no_number(shown in shown()) {
        let mut listing = known(2, "list", Some(4), shown);
        let before = listing.clone();
        observe::target(&mut listing, &Found::NoNumber, at(10), at(10), SignedDuration::from_mins(10));
        prop_assert_eq!(&listing, &before);
        observe::source(&mut listing, &Found::NoNumber, at(10), at(10), &mut []);
        prop_assert_eq!(&listing, &before);
    }
}

// proves R3: missing units lower a ceiling for the grace period, which is never prolonged, and an order explains them.
#[test]
fn missing_units_are_waited_for_and_then_explained() {
    let grace = SignedDuration::from_mins(10);
    let mut listing = known(2, "list", Some(10), Shown::Exactly(Level(10)));
    listing.pushed = Some(Pushed { quantity: Quantity::at_least_zero(10), at: at(0), movement: MovementId(1) });
    let level = |level| Found::Level { level: Level(level), places: Vec::new(), counter: None };
    observe::target(&mut listing, &level(8), at(60), at(60), grace);
    let first = listing.ceiling.clone().unwrap();
    assert_eq!((first.most.units(), first.missing, first.until), (8, 2, at(660)));
    observe::target(&mut listing, &level(7), at(120), at(120), grace);
    let second = listing.ceiling.clone().unwrap();
    assert_eq!((second.most.units(), second.missing, second.until), (7, 3, at(660)));
    observe::sold_on_target(&mut listing, 3, at(50));
    assert_eq!(listing.ceiling, None);
    assert_eq!(listing.shown, Shown::Exactly(Level(7)), "the sale was already missing from what it shows");
}

// proves R3, P1: so they are where nobody can tell whether a sale was in the last reading already, and beside a write
// without an answer: what these do not explain is missing.
#[test]
fn units_are_missing_beside_a_doubtful_sale() {
    let missing = |listing: &mut Known, seen| {
        let found = Found::Level { level: Level(seen), places: Vec::new(), counter: None };
        observe::target(listing, &found, at(300), at(300), SignedDuration::from_mins(10));
        listing.ceiling.clone().map(|ceiling| (ceiling.most.units(), ceiling.missing))
    };
    let mut listing = known(2, "list", Some(3), Shown::Exactly(Level(3)));
    listing.pushed = Some(Pushed { quantity: Quantity::at_least_zero(3), at: at(100), movement: MovementId(1) });
    observe::sold_on_target(&mut listing, 1, at(101));
    assert_eq!(listing.shown, at_most(3, 2));
    assert_eq!(missing(&mut listing.clone(), 2), None, "it was sold after the write");
    assert_eq!(missing(&mut listing.clone(), 0), Some((0, 2)));
    observe::writing(&mut listing, Quantity::at_least_zero(1));
    assert_eq!(listing.shown, at_most(3, 1));
    observe::sold_on_target(&mut listing, 1, at(200));
    assert_eq!(missing(&mut listing.clone(), 0), None, "the sale explains it, if the write was done");
    observe::sold_on_target(&mut listing, -1, at(200));
    assert_eq!(missing(&mut listing, 0), None, "as many as that may be there");
}

// proves R1: a sale clearly after our last write lowers what is shown; one that cannot be told makes it `at most`; a
// cancellation makes it unknown.
#[test]
fn sales_lower_what_is_shown() {
    let mut listing = known(2, "list", Some(10), Shown::Exactly(Level(10)));
    listing.pushed = Some(Pushed { quantity: Quantity::at_least_zero(10), at: at(100), movement: MovementId(1) });
    let mut early = listing.clone();
    observe::sold_on_target(&mut early, 2, at(99));
    assert_eq!(early.shown, at_most(10, 8));
    observe::sold_on_target(&mut listing, 2, at(200));
    assert_eq!(listing.shown, Shown::Exactly(Level(8)));
    observe::sold_on_target(&mut listing, -1, at(300));
    assert_eq!((listing.shown, listing.shown.most()), (Shown::AtLeast(Level(8)), None));
    observe::sold_on_target(&mut listing, 3, at(400));
    assert_eq!(listing.shown, Shown::AtLeast(Level(5)));
}

// proves R1, R3, P1: what came back to a listing explains no fall of its number: an order is missing.
#[test]
fn a_cancellation_hides_no_sale() {
    let mut listing = known(2, "list", Some(1), Shown::Exactly(Level(1)));
    observe::sold_on_target(&mut listing, -2, at(50));
    let none = Found::Level { level: Level(0), places: Vec::new(), counter: None };
    let meaning = observe::target(&mut listing, &none, at(60), at(60), SignedDuration::from_mins(10));
    assert_eq!(meaning, observe::Meaning::Missing { expected: Level(1), seen: Level(0) });
    assert_eq!(listing.ceiling.map(|ceiling| ceiling.most), Some(Quantity::ZERO));
}

// proves W4, Y3: the source's own sales explain its readings; what they leave over is the owner's change.
#[test]
fn own_sales_explain_a_reading() {
    let mut listing = known(1, "shop", Some(10), Shown::Unknown);
    let level = |level| Found::Level { level: Level(level), places: Vec::new(), counter: None };
    let mut own = vec![line(30, 2, 0, Vec::new())];
    assert_eq!(observe::source(&mut listing, &level(8), at(60), at(60), &mut own), observe::Meaning::Nothing);
    assert_eq!(own[0].contained, 2);
    let meaning = observe::source(&mut listing, &level(13), at(120), at(120), &mut own);
    assert_eq!(meaning, observe::Meaning::OwnersChange(Level(8), Level(13)));
}

// proves O1, P1: a sale on the source whose stamp does not tell whether a reading contains it stays claimed until the
// number shows it.
#[test]
fn a_sale_close_to_a_reading_stays_claimed() {
    let level = |level| Found::Level { level: Level(level), places: Vec::new(), counter: None };
    let read = |listing: &mut Known, own: &mut [Line], number, moment| {
        observe::source(listing, &level(number), at(moment), at(moment), own)
    };
    for (number, contained) in [(10, 0), (8, 2)] {
        let mut listing = known(1, "shop", Some(10), Shown::Unknown);
        let mut own = vec![line(60, 2, 0, Vec::new())];
        assert_eq!(read(&mut listing, &mut own, number, 61), observe::Meaning::Nothing);
        assert_eq!(own[0].contained, contained);
        assert_eq!(read(&mut listing, &mut own, 8, 120), observe::Meaning::Nothing);
        assert_eq!(own[0].contained, 2);
    }
}

// proves X6, P1: a sale that was made while a slow reading went on may be in its number, however late its order shows.
#[test]
fn a_sale_during_a_reading_may_be_in_it() {
    let level = |level| Found::Level { level: Level(level), places: Vec::new(), counter: None };
    let mut listing = known(1, "shop", Some(15), Shown::Unknown);
    let fell = observe::source(&mut listing, &level(13), at(60), at(75), &mut []);
    assert_eq!(fell, observe::Meaning::OwnersChange(Level(15), Level(13)), "nobody knows of an order yet");
    let mut own = vec![line(70, 2, 0, Vec::new())];
    let same = observe::source(&mut listing, &level(13), at(120), at(120), &mut own);
    assert_eq!((same, own[0].contained), (observe::Meaning::Nothing, 2), "and nobody put two more there");
}

// proves R1: of a listing that sold more than it showed, nobody knows what it shows.
#[test]
fn more_sold_than_shown_makes_a_listing_unknown() {
    let mut listing = known(1, "etsy", Some(1), Shown::Exactly(Level(1)));
    observe::sold_on_target(&mut listing, 1, at(200));
    assert_eq!(listing.shown, Shown::Exactly(Level(0)));
    observe::sold_on_target(&mut listing, 1, at(300));
    assert_eq!(listing.shown, Shown::Unknown);
}

// proves R2: a stamp of a clock that was wrong puts no reading out of date for ever.
#[test]
fn a_confirmation_from_the_future_puts_nothing_out_of_date() {
    let mut listing = known(1, "ebay", Some(5), Shown::Exactly(Level(5)));
    let pushed = |moment| Pushed { quantity: Quantity::at_least_zero(5), at: at(moment), movement: MovementId(1) };
    let level = Found::Level { level: Level(7), places: Vec::new(), counter: None };
    listing.pushed = Some(pushed(100));
    assert_eq!(observe::target(&mut listing, &level, at(90), at(110), SignedDuration::ZERO), observe::Meaning::TooOld);
    listing.pushed = Some(pushed(100_000));
    observe::target(&mut listing, &level, at(190), at(200), SignedDuration::ZERO);
    assert_eq!(listing.shown, Shown::Exactly(Level(7)));
}

// proves Y5, Y3: of two sales that a fall may contain, the older one explains it, in whatever order they are known.
#[test]
fn the_older_sale_explains_a_fall() {
    let found = Found::Level { level: Level(7), places: Vec::new(), counter: None };
    let (old, new) = (line(58, 3, 0, Vec::new()), line(59, 2, 0, Vec::new()));
    for mut own in [vec![old.clone(), new.clone()], vec![new, old]] {
        let mut listing = known(1, "shop", Some(10), Shown::Unknown);
        assert_eq!(observe::source(&mut listing, &found, at(60), at(60), &mut own), observe::Meaning::Nothing);
        own.sort_by_key(|line| line.placed);
        assert_eq!((own[0].contained, own[1].contained), (3, 0));
    }
}
