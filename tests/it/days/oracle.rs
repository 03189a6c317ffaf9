//! The oracle: works out from what really happened what every number must be. It asks nothing of the program under test.

use std::collections::{BTreeMap, BTreeSet};

use eys::domain::policy::ZeroStock;
use jiff::{SignedDuration, Timestamp};

use super::draw::{Drawn, DrawnChannel};
use super::live::Lived;
use crate::sim::{Deed, Who};

/// How old the knowledge may be on which a number is raised, and how long a sale may go unseen: a cycle's pace and its
/// length, and how far lists and orders may trail.
const BLIND: SignedDuration = SignedDuration::from_secs(300);
/// How long after trouble its effects last.
const AFTER: SignedDuration = SignedDuration::from_mins(20);

/// One change of what the source can truly deliver.
struct Change {
    at: Timestamp,
    /// The channel and the listing on it.
    listing: (String, String),
    /// The good of the source.
    sku: String,
    delta: i64,
    sale: bool,
}

/// What the source could truly deliver, from moment to moment.
struct Stock {
    at_first: BTreeMap<String, i64>,
    changes: Vec<Change>,
}

/// Returns everything that is not as it must be.
pub fn violations(drawn: &Drawn, lived: &Lived) -> Vec<String> {
    let stock = Stock::new(drawn, lived);
    let mut wrong: Vec<String> =
        lived.restless.iter().map(|last| format!("it does not come to rest: {last}")).collect();
    wrong.extend(source_is_exact(drawn, lived, &stock));
    wrong.extend(targets_follow(drawn, lived));
    wrong.extend(no_raise_beyond_the_truth(drawn, lived, &stock));
    wrong.extend(only_what_is_linked_is_written(drawn, lived));
    wrong.extend(every_oversell_was_unavoidable(lived, &stock));
    if lived.said.contains("shpat_") || lived.said.contains("cs_") {
        wrong.push("a token was told".to_owned());
    }
    wrong
}

impl Stock {
    fn new(drawn: &Drawn, lived: &Lived) -> Self {
        let mut changes = Vec::new();
        for event in &lived.events {
            let (sku, units, sale) = match &event.deed {
                Deed::Sold { sku, units, .. } => (sku, -units, true),
                Deed::Cancelled { sku, units, restocked: true, .. }
                | Deed::Returned { sku, units, restocked: true, .. }
                | Deed::Removed { sku, units, restocked: true, .. } => (sku, *units, false),
                Deed::Wrote { who: Who::Owner | Who::OtherApp, sku, from, to, .. } if event.shop == "source" => {
                    (sku, to - from, false)
                }
                Deed::Adjusted { who: Who::Owner | Who::OtherApp, sku, delta, .. } if event.shop == "source" => {
                    (sku, *delta, false)
                }
                _ => continue,
            };
            changes.extend(spread(drawn, &event.shop, sku, units, event.at, sale));
        }
        for deed in &lived.deeds {
            let units = deed.edited - deed.sold;
            changes.extend(spread(drawn, deed.channel, &deed.sku, units, deed.at, deed.sold > 0));
        }
        changes.sort_by_key(|change| change.at);
        Self { at_first: drawn.goods.iter().cloned().collect(), changes }
    }

    fn at_last(&self, sku: &str) -> i64 {
        self.at_first[sku] + self.changes.iter().filter(|change| change.sku == sku).map(|c| c.delta).sum::<i64>()
    }

    /// Returns the most that a recipe could be made of at any moment of a window, as far as anybody could know: sales of
    /// the window may not have been seen.
    fn most_within(&self, parts: &[(String, i64)], from: Timestamp, until: Timestamp) -> i64 {
        let mut levels: BTreeMap<&str, i64> = parts.iter().map(|(sku, _)| (sku.as_str(), self.at_first[sku])).collect();
        let made = |levels: &BTreeMap<&str, i64>| {
            parts.iter().map(|(sku, units)| levels[sku.as_str()].div_euclid(*units)).min().unwrap_or(0)
        };
        let mut most = None;
        for change in self.changes.iter().filter(|change| change.at <= until) {
            if change.at > from {
                most = most.max(Some(made(&levels)));
            }
            if let Some(level) = levels.get_mut(change.sku.as_str()).filter(|_| change.at <= from || !change.sale) {
                *level += change.delta;
            }
        }
        most.max(Some(made(&levels))).unwrap_or(0).max(0)
    }
}

/// Turns units of a listing into units of the source goods that it is made of.
fn spread(drawn: &Drawn, channel: &str, sku: &str, units: i64, at: Timestamp, sale: bool) -> Vec<Change> {
    let listing = (channel.to_owned(), sku.to_owned());
    let change = |sku: &str, delta| Change { at, listing: listing.clone(), sku: sku.to_owned(), delta, sale };
    if channel == "source" {
        let known = drawn.goods.iter().any(|(good, _)| good == sku);
        return if known { vec![change(sku, units)] } else { Vec::new() };
    }
    let parts = recipe(drawn, channel, sku);
    parts.into_iter().flatten().map(|(part, each)| change(part, units * each)).collect()
}

fn recipe<'a>(drawn: &'a Drawn, channel: &str, sku: &str) -> Option<&'a Vec<(String, i64)>> {
    let channel = drawn.targets().iter().find(|target| target.name == channel)?;
    channel.listings.iter().find(|(listing, _)| listing == sku).map(|(_, parts)| parts)
}

fn source_is_exact(drawn: &Drawn, lived: &Lived, stock: &Stock) -> Vec<String> {
    let wrong = drawn.goods.iter().filter_map(|(sku, _)| {
        let truth = stock.at_last(sku);
        let must = if drawn.source().kind.hides() { truth } else { truth.max(0) };
        let has = lived.shows["source"][sku];
        (has != must).then(|| format!("the source has {has} {sku}, and it must be {must}"))
    });
    wrong.collect()
}

fn targets_follow(drawn: &Drawn, lived: &Lived) -> Vec<String> {
    let mut wrong = Vec::new();
    for channel in drawn.targets() {
        for (sku, parts) in &channel.listings {
            let source = &lived.shows["source"];
            let made = parts.iter().map(|(part, units)| source[part].div_euclid(*units)).min().unwrap_or(0).max(0);
            let must = shows(channel, made);
            let has = lived.shows[channel.name][sku];
            if has != must {
                wrong.push(format!("{} shows {has} {sku}, and it must be {must}", channel.name));
            }
            let visible = lived.visible.get(&(channel.name, sku.clone()));
            if channel.zero_stock == ZeroStock::Hide && visible.is_some_and(|visible| *visible != (must > 0)) {
                wrong.push(format!("{} {sku} at {must} is {}", channel.name, if must > 0 { "hidden" } else { "seen" }));
            }
        }
    }
    wrong
}

fn shows(channel: &DrawnChannel, made: i64) -> i64 {
    channel.rule.map_or(made, |rule| rule.shows(made))
}

/// While in trouble, too: nothing is raised above what the source could have delivered a moment before (P1).
fn no_raise_beyond_the_truth(drawn: &Drawn, lived: &Lived, stock: &Stock) -> Vec<String> {
    let mut wrong = Vec::new();
    for event in lived.events.iter().filter(|event| lived.began < event.at) {
        let Deed::Wrote { who: Who::App, sku, from, to, .. } = &event.deed else { continue };
        let Some(channel) = drawn.targets().iter().find(|target| target.name == event.shop) else { continue };
        let Some(parts) = recipe(drawn, channel.name, sku).filter(|_| from < to) else { continue };
        let most = shows(channel, stock.most_within(parts, event.at - BLIND, event.at));
        if *to > most {
            wrong.push(format!(
                "at {} {sku} on {} was raised from {from} to {to}, and there were never more than {most}",
                event.at, event.shop
            ));
        }
    }
    wrong
}

fn only_what_is_linked_is_written(drawn: &Drawn, lived: &Lived) -> Vec<String> {
    let mut wrong = Vec::new();
    for event in &lived.events {
        match &event.deed {
            Deed::Wrote { who: Who::App, sku, .. } | Deed::Adjusted { who: Who::App, sku, .. }
                if sku.starts_with("ALONE-") =>
            {
                wrong.push(format!("{sku} on {} is linked to nothing and was written", event.shop));
            }
            Deed::Wrote { who: Who::App, sku, .. } if event.shop == "source" => {
                wrong.push(format!("{sku} of the source was overwritten"));
            }
            _ => {}
        }
    }
    for channel in drawn.channels.iter().filter(|channel| !channel.kind.hides()) {
        for sku in channel.alone.iter().filter(|sku| lived.shows[channel.name][*sku] != 5) {
            wrong.push(format!("{sku} on {} is linked to nothing and was written", channel.name));
        }
    }
    wrong
}

/// A sale of what is not there any more is forgiven only where something else took the goods, or somebody raised the
/// number by hand, so shortly before that nobody could have known.
fn every_oversell_was_unavoidable(lived: &Lived, stock: &Stock) -> Vec<String> {
    let mut levels = stock.at_first.clone();
    let mut told = BTreeSet::new();
    let mut wrong = Vec::new();
    for (nth, change) in stock.changes.iter().enumerate() {
        let level = levels.get_mut(&change.sku).expect("it is one of the goods");
        *level += change.delta;
        if *level >= 0 || !change.sale || !told.insert(&change.sku) {
            continue;
        }
        let recent = |other: &&Change| {
            other.sku == change.sku
                && other.delta < 0
                && other.listing != change.listing
                && change.at - BLIND <= other.at
        };
        let in_trouble = lived.troubled.iter().any(|(from, until)| *from <= change.at && change.at <= *until + AFTER);
        let raised = lived.events.iter().any(|event| {
            let by_hand =
                matches!(event.deed, Deed::Wrote { who: Who::Owner | Who::OtherApp, from, to, .. } if from < to);
            by_hand && event.shop == change.listing.0 && change.at - BLIND <= event.at && event.at <= change.at
        });
        if !in_trouble && !raised && !stock.changes[..nth].iter().any(|other| recent(&other)) {
            wrong.push(format!(
                "at {} {} on {} was oversold, and it could be known",
                change.at, change.sku, change.listing.0
            ));
        }
    }
    wrong
}
