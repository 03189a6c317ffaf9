//! What the source could truly deliver, worked out from what really happened.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::draw::{Drawn, DrawnChannel, DrawnKind};
use super::lived::{Listing, Lived, Stretch};
use crate::sim::{Deed, Event, Who};

/// How old the knowledge may be on which a number is raised, and how long a sale may go unseen, beside the pace of the
/// runs and the delay of orders: the length of a run, and how far lists may trail.
const BLIND: SignedDuration = SignedDuration::from_secs(300);

/// How far apart the full readings of a source at Etsy are, at a pace of a minute and with no more than a page in each of its
/// lists, and a call or two that had to be made twice.
const IN_FULL: SignedDuration = SignedDuration::from_mins(9);

/// One change of what the source can truly deliver.
pub struct Change {
    pub at: Timestamp,
    /// The channel and the listing on it.
    pub listing: Listing,
    /// The good of the source.
    pub sku: String,
    pub delta: i64,
    pub sale: bool,
}

/// What the source could truly deliver, from moment to moment.
pub struct Stock<'a> {
    pub drawn: &'a Drawn,
    pub lived: &'a Lived,
    pub at_first: BTreeMap<String, i64>,
    pub changes: Vec<Change>,
    /// Lines of targets that were there before the listings were linked: they are nobody's business.
    pub early: BTreeSet<(String, u64, u64)>,
}

impl<'a> Stock<'a> {
    pub fn new(drawn: &'a Drawn, lived: &'a Lived) -> Self {
        let early = lived.events.iter().filter(|event| event.at < lived.linked && event.shop != "source");
        let line =
            |event: &Event| of_line(drawn, lived, event).map(|(order, line, ..)| (event.shop.clone(), order, line));
        let early = early.filter_map(line).collect();
        let at_first = drawn.goods.iter().filter(|(sku, _)| drawn.holder(sku) == sku).cloned().collect();
        let mut stock = Self { drawn, lived, at_first, changes: Vec::new(), early };
        let mut emptied = BTreeSet::new();
        for event in &lived.events {
            stock.note(event, &mut emptied);
        }
        for deed in &lived.deeds {
            stock.spread(deed.channel, &deed.sku, deed.edited - deed.sold, deed.at, deed.sold > 0);
        }
        stock.changes.sort_by_key(|change| change.at);
        stock
    }

    /// Takes in an event. `emptied`: the goods of a source at Etsy that are out of sight with the unit that Etsy wants them
    /// to keep, which is nobody's (Z2).
    fn note(&mut self, event: &Event, emptied: &mut BTreeSet<String>) {
        if event.shop == "source" && self.drawn.source().kind == DrawnKind::Etsy {
            match &event.deed {
                Deed::Listing { who: Who::App, sku, what } if what.starts_with("inactive") => {
                    emptied.insert(sku.clone());
                }
                Deed::Wrote { who: Who::App, sku, to, .. } if *to != 1 => drop(emptied.remove(sku)),
                Deed::Listing { sku, what, .. } if what.starts_with("active") => drop(emptied.remove(sku)),
                _ => {}
            }
        }
        if let Some((order, line, sku, units)) = of_line(self.drawn, self.lived, event) {
            if !self.early.contains(&(event.shop.clone(), order, line)) {
                let sale = matches!(event.deed, Deed::Sold { .. });
                self.spread(&event.shop, sku, -units, event.at, sale);
            }
            return;
        }
        match &event.deed {
            Deed::Wrote { who: Who::Owner | Who::OtherApp, sku, from, to, .. } if event.shop == "source" => {
                let from = if emptied.remove(sku) { 0 } else { *from };
                self.spread("source", sku, to - from, event.at, false);
            }
            Deed::Adjusted { who: Who::Owner | Who::OtherApp, sku, delta, .. } if event.shop == "source" => {
                self.spread("source", sku, *delta, event.at, false);
            }
            _ => {}
        }
    }

    /// Turns units of a listing into units of the source goods that it is made of.
    fn spread(&mut self, channel: &str, sku: &str, units: i64, at: Timestamp, sale: bool) {
        for (part, each) in self.parts(channel, sku) {
            let listing = (channel.to_owned(), sku.to_owned());
            self.changes.push(Change { at, listing, sku: part, delta: units * each, sale });
        }
    }

    /// Returns what one unit of a listing is made of; nothing where it is no business of ours.
    pub fn parts(&self, channel: &str, sku: &str) -> Vec<(String, i64)> {
        let held = |(part, each): &(String, i64)| (self.drawn.holder(part).to_owned(), *each);
        if channel == "source" {
            let known = self.drawn.goods.iter().any(|(good, _)| good == sku);
            return if known { vec![held(&(sku.to_owned(), 1))] } else { Vec::new() };
        }
        let Some(channel) = self.drawn.targets().iter().find(|target| target.name == channel) else {
            return Vec::new();
        };
        let listing = channel.listings.iter().find(|(listing, _)| listing == sku);
        listing.map(|(_, parts)| parts.iter().map(held).collect()).unwrap_or_default()
    }

    /// Returns what all the SKUs of a listing's number are made of, each as a recipe of its own.
    pub fn recipes(&self, channel: &DrawnChannel, sku: &str) -> Vec<Vec<(String, i64)>> {
        channel.mates(sku).into_iter().map(|mate| self.parts(channel.name, mate)).collect()
    }

    /// Returns what a listing must show while the source has so many of each.
    pub fn must_show(&self, channel: &DrawnChannel, sku: &str, level: impl Fn(&str) -> i64) -> i64 {
        let made =
            |parts: &Vec<(String, i64)>| each(parts).into_iter().map(|(part, n)| level(&part).div_euclid(n)).min();
        let made = self.recipes(channel, sku).iter().filter_map(made).min().unwrap_or(0).max(0);
        channel.rule.map_or(made, |rule| rule.shows(made))
    }

    pub fn at(&self, sku: &str, moment: Timestamp) -> i64 {
        let until = self.changes.iter().filter(|change| change.sku == sku && change.at <= moment);
        self.at_first[sku] + until.map(|change| change.delta).sum::<i64>()
    }

    pub fn at_last(&self, sku: &str) -> i64 {
        self.at(sku, Timestamp::MAX)
    }

    /// How long a sale may go unseen, or what an owner changes at a source that only a full reading tells of.
    pub fn blind(&self) -> SignedDuration {
        let delay = self.drawn.channels.iter().map(DrawnChannel::hides_orders).max().unwrap_or_default();
        let full = if self.drawn.source().kind == DrawnKind::Etsy { IN_FULL } else { SignedDuration::ZERO };
        BLIND + full + SignedDuration::try_from(self.drawn.every + delay).unwrap()
    }

    /// How much time without trouble there was between two moments: in trouble, nobody learns of a sale.
    fn calm(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let overlap = |stretch: &Stretch| {
            let (from, until) = (stretch.from.max(from), stretch.until.min(until));
            if from < until { until.duration_since(from) } else { SignedDuration::ZERO }
        };
        let troubled = self.lived.troubled.iter().map(overlap).fold(SignedDuration::ZERO, |sum, one| sum + one);
        until.duration_since(from) - troubled
    }

    /// Returns the most that a listing could have shown at any moment of a window, as far as anybody could know: sales
    /// of the window may not have been seen.
    pub fn most_within(&self, channel: &DrawnChannel, sku: &str, window: Stretch) -> i64 {
        let mut levels = self.at_first.clone();
        let mut most = None;
        for change in self.changes.iter().filter(|change| change.at <= window.until) {
            if change.at > window.from {
                most = most.max(Some(self.must_show(channel, sku, |part| levels[part])));
            }
            if !change.sale || self.calm(change.at, window.until) >= self.blind() {
                *levels.get_mut(&change.sku).expect("it is one of the goods") += change.delta;
            }
        }
        most.max(Some(self.must_show(channel, sku, |part| levels[part]))).unwrap_or(0).max(0)
    }

    /// Goes through the numbers that the program wrote on targets: when, where, from, to.
    pub fn pushes(&self) -> impl Iterator<Item = (Timestamp, &'a DrawnChannel, &'a str, i64, i64)> {
        let (drawn, began) = (self.drawn, self.lived.began);
        self.lived.events.iter().filter(move |event| began < event.at).filter_map(move |event| {
            let Deed::Wrote { who: Who::App, sku, from, to, .. } = &event.deed else { return None };
            let channel = drawn.targets().iter().find(|target| target.name == event.shop)?;
            let ours = channel.listings.iter().any(|(listing, _)| listing == sku);
            ours.then_some((event.at, channel, sku.as_str(), *from, *to))
        })
    }

    /// Goes through what happened to a good on the source.
    pub fn of_good(&self, good: &str) -> impl Iterator<Item = &'a Event> {
        let (drawn, events) = (self.drawn, &self.lived.events);
        events.iter().filter(move |event| event.shop == "source" && drawn.holder(event.deed.sku()) == good)
    }

    pub fn named(&self, shop: &str, order: u64) -> String {
        let woocommerce = self.drawn.channels.iter().any(|c| c.name == shop && c.kind == DrawnKind::WooCommerce);
        let number = self.lived.orders_named.get(&(shop.to_owned(), order)).cloned();
        number.filter(|_| !woocommerce).unwrap_or_else(|| order.to_string())
    }
}

/// Adds up the parts of a recipe that are of one good.
pub fn each(parts: &[(String, i64)]) -> BTreeMap<String, i64> {
    let mut added = BTreeMap::new();
    for (part, units) in parts {
        *added.entry(part.clone()).or_default() += units;
    }
    added
}

/// Returns what an event says of a line: its order, the line, the SKU, and the units more that it holds.
///
/// Some do not say whether cancelled units are back on the shelf: what was cancelled before it was sent is, unless it was
/// not there (W3).
pub fn of_line<'a>(drawn: &Drawn, lived: &Lived, event: &'a Event) -> Option<(u64, u64, &'a str, i64)> {
    let silent = drawn.targets().iter().any(|target| target.name == event.shop && target.kind.is_silent());
    match &event.deed {
        Deed::Sold { order, line, sku, units, .. } => Some((*order, *line, sku, *units)),
        Deed::Cancelled { order, line, sku, units, .. } if silent => {
            // Etsy does not even say that.
            let tells = drawn.targets().iter().any(|t| t.name == event.shop && t.kind != DrawnKind::Etsy);
            let short = tells && lived.short.contains(&(event.shop.clone(), *order));
            (!short).then_some((*order, *line, sku, -*units))
        }
        Deed::Cancelled { order, line, sku, units, restocked: true }
        | Deed::Returned { order, line, sku, units, restocked: true }
        | Deed::Removed { order, line, sku, units, restocked: true } => Some((*order, *line, sku, -*units)),
        _ => None,
    }
}
