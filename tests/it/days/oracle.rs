//! The oracle: works out from what really happened what every number must be. It asks nothing of the program under test.

use std::collections::{BTreeMap, BTreeSet};

use eys::domain::policy::ZeroStock;
use jiff::{SignedDuration, Timestamp};

use super::draw::{Drawn, DrawnChannel, DrawnKind};
use super::lived::{Listing, Lived, Stretch};
use crate::sim::{Deed, Event, Who};

/// How old the knowledge may be on which a number is raised, and how long a sale may go unseen, beside the pace of the
/// runs and the delay of orders: the length of a run, and how far lists may trail.
const BLIND: SignedDuration = SignedDuration::from_secs(300);
/// How long after trouble its effects last.
const AFTER: SignedDuration = SignedDuration::from_mins(20);
/// How long a call may be on its way.
const SLOW: SignedDuration = SignedDuration::from_mins(3);
/// How long a change of the source is unsettled where it is read a second time.
const ASIDE: SignedDuration = SignedDuration::from_secs(20);
/// How long a save may take in which a sale gets lost.
const SAVE: SignedDuration = SignedDuration::from_secs(1);
/// How long nothing may have happened about a listing for its number to be known for sure.
const QUIET: SignedDuration = SignedDuration::from_mins(15);

/// One change of what the source can truly deliver.
struct Change {
    at: Timestamp,
    /// The channel and the listing on it.
    listing: Listing,
    /// The good of the source.
    sku: String,
    delta: i64,
    sale: bool,
}

/// What the source could truly deliver, from moment to moment.
struct Stock<'a> {
    drawn: &'a Drawn,
    lived: &'a Lived,
    at_first: BTreeMap<String, i64>,
    changes: Vec<Change>,
    /// Lines of targets that were there before the listings were linked: they are nobody's business.
    early: BTreeSet<(String, u64, u64)>,
}

/// Returns everything that is not as it must be.
pub fn violations(drawn: &Drawn, lived: &Lived) -> Vec<String> {
    let stock = Stock::new(drawn, lived);
    let mut wrong: Vec<String> =
        lived.restless.iter().map(|last| format!("it does not come to rest: {last}")).collect();
    wrong.extend(stock.source_is_exact());
    wrong.extend(stock.every_line_is_applied_as_owed());
    wrong.extend(stock.targets_follow());
    wrong.extend(stock.no_raise_beyond_the_truth());
    wrong.extend(stock.no_raise_while_blind());
    wrong.extend(stock.no_lowering_without_a_reason());
    wrong.extend(stock.what_is_quiet_is_exact());
    wrong.extend(stock.doubts_are_on_the_safe_side());
    wrong.extend(stock.only_what_may_be_written_is_written());
    wrong.extend(stock.every_oversell_was_unavoidable());
    if ["shpat_", "cs_", "v^1.1#", ".refresh-", ".access-"].iter().any(|secret| lived.said.contains(secret)) {
        wrong.push("a token was told".to_owned());
    }
    wrong.extend(lived.refused.first().map(|call| format!("a platform refused a call: {call:?}")));
    wrong
}

impl<'a> Stock<'a> {
    fn new(drawn: &'a Drawn, lived: &'a Lived) -> Self {
        let early = lived.events.iter().filter(|event| event.at < lived.linked && event.shop != "source");
        let line =
            |event: &Event| of_line(drawn, lived, event).map(|(order, line, ..)| (event.shop.clone(), order, line));
        let early = early.filter_map(line).collect();
        let at_first = drawn.goods.iter().filter(|(sku, _)| drawn.holder(sku) == sku).cloned().collect();
        let mut stock = Self { drawn, lived, at_first, changes: Vec::new(), early };
        for event in &lived.events {
            stock.note(event);
        }
        for deed in &lived.deeds {
            stock.spread(deed.channel, &deed.sku, deed.edited - deed.sold, deed.at, deed.sold > 0);
        }
        stock.changes.sort_by_key(|change| change.at);
        stock
    }

    fn note(&mut self, event: &Event) {
        if let Some((order, line, sku, units)) = of_line(self.drawn, self.lived, event) {
            if !self.early.contains(&(event.shop.clone(), order, line)) {
                let sale = matches!(event.deed, Deed::Sold { .. });
                self.spread(&event.shop, sku, -units, event.at, sale);
            }
            return;
        }
        match &event.deed {
            Deed::Wrote { who: Who::Owner | Who::OtherApp, sku, from, to, .. } if event.shop == "source" => {
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
    fn parts(&self, channel: &str, sku: &str) -> Vec<(String, i64)> {
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
    fn recipes(&self, channel: &DrawnChannel, sku: &str) -> Vec<Vec<(String, i64)>> {
        channel.mates(sku).into_iter().map(|mate| self.parts(channel.name, mate)).collect()
    }

    /// Returns what a listing must show while the source has so many of each.
    fn must_show(&self, channel: &DrawnChannel, sku: &str, level: impl Fn(&str) -> i64) -> i64 {
        let made =
            |parts: &Vec<(String, i64)>| each(parts).into_iter().map(|(part, n)| level(&part).div_euclid(n)).min();
        let made = self.recipes(channel, sku).iter().filter_map(made).min().unwrap_or(0).max(0);
        channel.rule.map_or(made, |rule| rule.shows(made))
    }

    fn at(&self, sku: &str, moment: Timestamp) -> i64 {
        let until = self.changes.iter().filter(|change| change.sku == sku && change.at <= moment);
        self.at_first[sku] + until.map(|change| change.delta).sum::<i64>()
    }

    fn at_last(&self, sku: &str) -> i64 {
        self.at(sku, Timestamp::MAX)
    }

    /// How long a sale may go unseen.
    fn blind(&self) -> SignedDuration {
        let delay = self.drawn.channels.iter().map(|channel| channel.order_delay).max().unwrap_or_default();
        BLIND + SignedDuration::try_from(self.drawn.every + delay).unwrap()
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
    fn most_within(&self, channel: &DrawnChannel, sku: &str, window: Stretch) -> i64 {
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
    fn pushes(&self) -> impl Iterator<Item = (Timestamp, &'a DrawnChannel, &'a str, i64, i64)> {
        let (drawn, began) = (self.drawn, self.lived.began);
        self.lived.events.iter().filter(move |event| began < event.at).filter_map(move |event| {
            let Deed::Wrote { who: Who::App, sku, from, to, .. } = &event.deed else { return None };
            let channel = drawn.targets().iter().find(|target| target.name == event.shop)?;
            let ours = channel.listings.iter().any(|(listing, _)| listing == sku);
            ours.then_some((event.at, channel, sku.as_str(), *from, *to))
        })
    }

    /// Tells whether the owner, or another program, wrote to a number of the source while only that number could tell
    /// what became of a change of ours: when its answer was lost (X6), or when it was read for the second time where
    /// changes get lost (X4). Then what was edited looks like what we did, or did not do, and nobody can tell. Nor can
    /// anybody where a sale got lost whose order did not show before that second reading.
    fn nobody_can_tell(&self, good: &str) -> bool {
        let kind = self.drawn.source().kind;
        let (mut ours, mut by_hand, mut sold) = (Vec::new(), Vec::new(), Vec::new());
        for event in self.of_good(good) {
            match event.deed {
                _ if is_ours(&event.deed) => ours.push(event.at),
                Deed::Wrote { who: Who::Owner | Who::OtherApp, .. } => by_hand.push(event.at),
                // No counter of sold units falls for what comes back: it looks as if the owner had put it there.
                Deed::Cancelled { restocked: true, .. } if kind.is_silent() => by_hand.push(event.at),
                Deed::Sold { .. } => sold.push(event.at),
                _ => {}
            }
        }
        let of_good = |(_, sku): &&(Stretch, String)| self.drawn.holder(sku) == good;
        let open = |at: Timestamp| self.lived.open.iter().filter(of_good).any(|(stretch, _)| stretch.contains(at));
        let within = |at: Timestamp, time| ours.iter().any(|ours| *ours - time <= at && at <= *ours + time);
        let late = !self.drawn.source().order_delay.is_zero();
        by_hand.into_iter().any(|at| open(at) || (kind.runs_over() && within(at, ASIDE)))
            || (late && kind == DrawnKind::WooCommerce && sold.into_iter().any(|at| within(at, SAVE)))
    }

    /// Goes through what happened to a good on the source.
    fn of_good(&self, good: &str) -> impl Iterator<Item = &'a Event> {
        let (drawn, events) = (self.drawn, &self.lived.events);
        events.iter().filter(move |event| event.shop == "source" && drawn.holder(event.deed.sku()) == good)
    }

    /// Counts the units of a good that were sold on the source while a write of ours may have run over them (X3).
    fn sold_aside(&self, good: &str) -> i64 {
        if !self.drawn.source().kind.runs_over() {
            return 0;
        }
        let ours: Vec<Timestamp> = self.of_good(good).filter(|event| is_ours(&event.deed)).map(|e| e.at).collect();
        let aside = |at: Timestamp| ours.iter().any(|ours| *ours - SLOW <= at && at <= *ours + ASIDE);
        let sold = self.of_good(good).filter(|event| aside(event.at)).filter_map(|event| match event.deed {
            Deed::Sold { units, .. } => Some(units),
            _ => None,
        });
        sold.sum()
    }

    /// Tells whether lines of a good of the source waited for the owner, who was asked: till the answer comes they are
    /// not counted (W3, W5).
    fn was_asked(&self, good: &str, since: Timestamp, until: Timestamp) -> bool {
        let asked = |(waited, (channel, sku)): &(Stretch, Listing)| {
            waited.meets(since, until) && self.parts(channel, sku).iter().any(|(part, _)| part == good)
        };
        self.lived.waited.iter().any(asked)
    }

    fn source_is_exact(&self) -> Vec<String> {
        let wrong = self.at_first.keys().filter(|sku| !self.nobody_can_tell(sku)).filter_map(|sku| {
            let truth = self.at_last(sku);
            let must = if self.drawn.source().kind.goes_below_zero() { truth } else { truth.max(0) };
            let has = self.lived.shows["source"][sku];
            (has != must).then(|| format!("the source has {has} {sku}, and it must be {must}"))
        });
        wrong.collect()
    }

    /// Each line is taken off exactly as owed, but for what the source has not.
    fn every_line_is_applied_as_owed(&self) -> Vec<String> {
        let mut owed = BTreeMap::<(String, String, String, String), i64>::new();
        let mut owe = |channel: &str, order: String, sku: &str, units: i64| {
            for (part, each) in self.parts(channel, sku) {
                *owed.entry((channel.to_owned(), order.clone(), sku.to_owned(), part)).or_default() += units * each;
            }
        };
        for event in self.lived.events.iter().filter(|event| event.shop != "source") {
            let Some((order, line, sku, units)) = of_line(self.drawn, self.lived, event) else { continue };
            if !self.early.contains(&(event.shop.clone(), order, line)) {
                owe(&event.shop, self.named(&event.shop, order), sku, units);
            }
        }
        for deed in self.lived.deeds.iter().filter(|deed| deed.channel != "source") {
            if let Some(order) = &deed.order {
                owe(deed.channel, order.clone(), &deed.sku, deed.sold);
            }
        }
        let mut missing = BTreeMap::<String, i64>::new();
        let mut wrong = Vec::new();
        for (key, owed) in &owed {
            let applied = self.lived.applied.get(key).copied().unwrap_or_default();
            let (channel, order, sku, part) = key;
            if applied > *owed || (applied < *owed && self.drawn.source().kind.goes_below_zero()) {
                wrong.push(format!(
                    "{applied} {part} are taken off for {sku} of {channel} order {order}, {owed} are owed"
                ));
            }
            *missing.entry(part.clone()).or_default() += owed - applied;
        }
        let told = |part: &&String| !self.drawn.source().kind.goes_below_zero() && !self.nobody_can_tell(part);
        for (part, missing) in missing.iter().filter(|(part, _)| told(part)) {
            let short = (-self.at_last(part)).max(0);
            // A sale that a write ran over is owed by no line.
            let run_over = self.sold_aside(part);
            if !(short - run_over..=short).contains(missing) {
                wrong.push(format!("{missing} {part} stay owed, and {short} are not there"));
            }
            if short > 0 && !self.lived.oversold.contains(part) {
                wrong.push(format!("{short} {part} were sold that are not there, and the ledger does not say so"));
            }
        }
        wrong
    }

    fn named(&self, shop: &str, order: u64) -> String {
        let woocommerce = self.drawn.channels.iter().any(|c| c.name == shop && c.kind == DrawnKind::WooCommerce);
        let number = self.lived.orders_named.get(&(shop.to_owned(), order)).cloned();
        number.filter(|_| !woocommerce).unwrap_or_else(|| order.to_string())
    }

    /// Tells whether the owner took a listing off sale, and when it came back.
    fn off_sale(&self, channel: &str, sku: &str) -> Vec<Stretch> {
        let mut off = Vec::new();
        for event in self.lived.events.iter().filter(|event| event.shop == channel) {
            let Deed::Listing { who: Who::Owner, sku: of, what } = &event.deed else { continue };
            match what.as_str() {
                "Archived" if of == sku => off.push(Stretch { from: event.at, until: Timestamp::MAX }),
                "Live" if of == sku => off.iter_mut().for_each(|off: &mut Stretch| off.until = off.until.min(event.at)),
                _ => {}
            }
        }
        off
    }

    fn targets_follow(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for channel in self.drawn.targets() {
            for (sku, _) in &channel.listings {
                if self.off_sale(channel.name, sku).iter().any(|off| off.until == Timestamp::MAX) {
                    continue;
                }
                let must = self.must_show(channel, sku, |part| self.lived.shows["source"][part]);
                let has = self.lived.shows[channel.name][sku];
                if has != must {
                    wrong.push(format!("{} shows {has} {sku}, and it must be {must}", channel.name));
                }
                let visible = self.lived.visible.get(&(channel.name, sku.clone()));
                // Whether a listing is seen is read with its other facts, once a day.
                let turned = !self.off_sale(channel.name, sku).is_empty();
                if channel.zero_stock == ZeroStock::Hide
                    && !turned
                    && visible.is_some_and(|visible| *visible != (must > 0))
                {
                    let state = if must > 0 { "hidden" } else { "seen" };
                    wrong.push(format!("{} {sku} at {must} is {state}", channel.name));
                }
            }
        }
        wrong
    }

    /// While in trouble, too: nothing is raised above what the source could have delivered a moment before (P1).
    fn no_raise_beyond_the_truth(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, channel, sku, from, to) in self.pushes().filter(|(.., from, to)| from < to) {
            // A lowering that is on its way for minutes may come after a sale, where the platform cannot compare.
            if channel.kind.runs_over() && befell(&self.lived.slow, channel, at - SLOW, at) {
                continue;
            }
            let most = self.most_within(channel, sku, Stretch { from: at - self.blind(), until: at });
            // What the owner took off sale sells nothing.
            let off = self.off_sale(channel.name, sku).iter().any(|off| off.contains(at));
            let unsure = self.recipes(channel, sku).concat().iter().any(|(part, _)| self.nobody_can_tell(part));
            if to > most && !off && !unsure {
                let name = channel.name;
                wrong.push(format!(
                    "at {at} {sku} on {name} was raised from {from} to {to}, and there were never more than {most}"
                ));
            }
        }
        wrong
    }

    /// While nothing of the source can be read, nothing is raised (O4): unless an answer of the target itself was lost, so
    /// that it may show more than what is written for all that anybody knows.
    fn no_raise_while_blind(&self) -> Vec<String> {
        let blind = |at: Timestamp| self.lived.blind.iter().any(|stretch| stretch.contains(at));
        let deaf = |at: Timestamp, channel| befell(&self.lived.deaf, channel, at - self.blind(), at);
        let raises = self.pushes().filter(|(at, channel, _, from, to)| from < to && blind(*at) && !deaf(*at, channel));
        raises
            .map(|(at, channel, sku, from, to)| {
                format!(
                    "at {at} {sku} on {} was raised from {from} to {to} while the source could not be read",
                    channel.name
                )
            })
            .collect()
    }

    /// Nothing is lowered below what is surely there: what a moment ago was there, less all that was sold since, twice,
    /// since a sale may be claimed though the number contains it already (P5).
    fn no_lowering_without_a_reason(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, channel, sku, from, to) in self.pushes().filter(|(.., from, to)| to < from) {
            let since = at - self.blind() - QUIET;
            let recent = |moment: Timestamp| since <= moment && moment <= at;
            let dark = self.lived.dark.iter().any(|dark| dark.meets(since, at));
            let mut parts = self.recipes(channel, sku).concat().into_iter();
            let unsure = parts.any(|(part, _)| self.nobody_can_tell(&part) || self.was_asked(&part, since, at));
            let touched = dark || unsure || self.touched(channel, sku, recent) || !self.lived.doubts.is_empty();
            let least = self.must_show(channel, sku, |part| {
                let moved = self.changes.iter().filter(|change| change.sku == part && recent(change.at));
                let gone: i64 = moved.filter(|change| change.delta < 0).map(|change| 2 * change.delta).sum();
                self.at(part, since).min(self.at(part, at)) + gone
            });
            if !touched && to < least {
                let name = channel.name;
                wrong.push(format!(
                    "at {at} {sku} on {name} was lowered from {from} to {to}, and at least {least} were there"
                ));
            }
        }
        wrong
    }

    /// Tells whether anybody but us did something to a listing, or to another that draws on its number.
    fn touched(&self, channel: &DrawnChannel, sku: &str, recent: impl Fn(Timestamp) -> bool) -> bool {
        let mates = channel.mates(sku);
        self.lived.events.iter().any(|event| {
            let there = event.shop == channel.name && mates.contains(&event.deed.sku());
            let by_us = matches!(event.deed, Deed::Wrote { who: Who::App, .. });
            there && recent(event.at) && !by_us
        })
    }

    /// Where nothing happened for a while, there is nothing to be careful about: what is written is the truth (P5).
    fn what_is_quiet_is_exact(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, channel, sku, _, to) in self.pushes().filter(|_| self.lived.doubts.is_empty()) {
            let quiet = QUIET + self.blind();
            let recent = |moment: Timestamp| at - quiet <= moment && moment <= at;
            let parts: Vec<String> = self.recipes(channel, sku).concat().into_iter().map(|(part, _)| part).collect();
            let moved = self.changes.iter().any(|change| recent(change.at) && parts.contains(&change.sku));
            let dark = self.lived.dark.iter().any(|dark| dark.meets(at - quiet, at));
            let unsure = parts.iter().any(|part| self.nobody_can_tell(part) || self.was_asked(part, at - quiet, at));
            let touched = dark || unsure || self.touched(channel, sku, recent);
            let must = self.must_show(channel, sku, |part| self.at(part, at));
            // The unit that a hidden listing at Etsy keeps is offered to nobody (Z2).
            let kept = channel.kind == DrawnKind::Etsy && (to, must) == (1, 0);
            if !moved && !touched && !kept && at - quiet > self.lived.began && to != must {
                wrong.push(format!(
                    "at {at} {to} {sku} was written on {}, and nothing but {must} made sense",
                    channel.name
                ));
            }
        }
        wrong
    }

    /// What nobody can tell is on the safe side: no target shows more than there is (X6).
    fn doubts_are_on_the_safe_side(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, doubtful, shows) in &self.lived.doubts {
            for ((name, sku), has) in shows {
                let channel = self.drawn.targets().iter().find(|target| target.name == *name).expect("it is a target");
                let made_of = self.recipes(channel, sku).concat();
                let must = self.most_within(channel, sku, Stretch { from: *at - self.blind(), until: *at });
                let off = self.off_sale(name, sku).iter().any(|off| off.contains(*at));
                if made_of.iter().any(|(part, _)| part == self.drawn.holder(doubtful)) && *has > must && !off {
                    wrong.push(format!(
                        "at {at} {sku} on {name} shows {has} and there are {must}, while {doubtful} is in doubt"
                    ));
                }
            }
        }
        wrong
    }

    fn only_what_may_be_written_is_written(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for event in &self.lived.events {
            let (Deed::Wrote { who: Who::App, sku, .. } | Deed::Adjusted { who: Who::App, sku, .. }) = &event.deed
            else {
                continue;
            };
            let shop = &event.shop;
            let channel = self.drawn.channels.iter().find(|channel| channel.name == shop).expect("it is one of them");
            if sku.starts_with("ALONE-") || channel.archived.contains(sku) {
                wrong.push(format!("{sku} on {shop} is not to be touched and was written"));
            }
            // Where a platform takes absolute numbers alone, there is no other way (X3).
            if shop == "source" && matches!(event.deed, Deed::Wrote { .. }) && !channel.kind.is_silent() {
                wrong.push(format!("{sku} of the source was overwritten"));
            }
            if event.at < self.lived.released {
                wrong.push(format!("{sku} on {shop} was written before the owner let the first push go"));
            }
        }
        for channel in self.drawn.channels.iter().filter(|channel| !channel.kind.is_shop()) {
            for sku in channel.alone.iter().filter(|sku| self.lived.shows[channel.name][*sku] != 5) {
                wrong.push(format!("{sku} on {} is linked to nothing and was written", channel.name));
            }
        }
        wrong
    }

    /// A sale of what is not there any more is forgiven only where something else took the goods, or somebody raised
    /// the number by hand, so shortly before that nobody could have known.
    fn every_oversell_was_unavoidable(&self) -> Vec<String> {
        let mut levels = self.at_first.clone();
        let mut told = BTreeSet::new();
        let mut wrong = Vec::new();
        for (nth, change) in self.changes.iter().enumerate() {
            let level = levels.get_mut(&change.sku).expect("it is one of the goods");
            *level += change.delta;
            if *level >= 0 || !change.sale || change.at < self.lived.began || !told.insert(&change.sku) {
                continue;
            }
            let recent = |other: &&Change| {
                // A list whose till does not lower its number goes on selling what it shows.
                let lowers = |channel: &DrawnChannel| channel.kind != DrawnKind::Csv { lowers: false };
                let knows = self.drawn.channels.iter().find(|c| c.name == change.listing.0).is_none_or(lowers);
                let elsewhere = other.listing != change.listing || !knows;
                other.sku == change.sku && other.delta < 0 && elsewhere && change.at - self.blind() <= other.at
            };
            let in_trouble = self
                .lived
                .troubled
                .iter()
                .any(|trouble| trouble.from <= change.at && change.at <= trouble.until + AFTER + self.blind());
            // A sale of what came back hides in its return until its order shows, and it was offered once more till then.
            let since = change.at - self.blind() - SignedDuration::try_from(self.drawn.every).unwrap();
            let raised = self.lived.events.iter().any(|event| {
                let by_hand =
                    matches!(event.deed, Deed::Wrote { who: Who::Owner | Who::OtherApp, from, to, .. } if from < to);
                // What comes back from an order is on sale at once, whatever the source has.
                let by_hand = by_hand || of_line(self.drawn, self.lived, event).is_some_and(|(.., units)| units < 0);
                by_hand && event.shop == change.listing.0 && since <= event.at && event.at <= change.at
            });
            let put_back = self.lived.deeds.iter().any(|deed| {
                let here = deed.channel == change.listing.0 && deed.sku == change.listing.1;
                here && deed.sold < 0 && since <= deed.at && deed.at <= change.at
            });
            let raised = raised || put_back;
            let off = self.off_sale(&change.listing.0, &change.listing.1);
            let was_off = off.iter().any(|off| change.at - self.blind() <= off.until);
            // What is held follows the sales all the same; a fall by hand is the owner's to let through (P1, H1).
            let held = |(held, listing): &(Stretch, Listing)| *listing == change.listing && held.contains(change.at);
            let fell = |other: &&Change| other.sku == change.sku && other.delta < 0;
            let by_hand = |other: &&Change| other.listing.0 == "source" && !other.sale;
            let by_hand: i64 = self.changes[..nth].iter().filter(fell).filter(by_hand).map(|fall| fall.delta).sum();
            let was_held = *level - by_hand >= 0 && self.lived.held.iter().any(held);
            // Units of a sale that waits for the owner stay on sale at the source, until the answer comes (W5).
            let asked = self.was_asked(&change.sku, change.at - self.blind(), change.at);
            if !in_trouble
                && !asked
                && !raised
                && !was_off
                && !was_held
                && !self.changes[..nth].iter().any(|other| recent(&other))
            {
                let (at, sku, channel) = (change.at, &change.sku, &change.listing.0);
                wrong.push(format!("at {at} {sku} on {channel} was oversold, and it could be known"));
            }
        }
        wrong
    }
}

/// Tells whether a spell of some kind lay on a channel between two moments, or on all channels.
fn befell(spells: &[(Stretch, Option<&str>)], channel: &DrawnChannel, since: Timestamp, until: Timestamp) -> bool {
    let there = |(stretch, name): &(Stretch, Option<&str>)| {
        name.is_none_or(|name| name == channel.name) && stretch.meets(since, until)
    };
    spells.iter().any(there)
}

/// Tells whether the program did it.
fn is_ours(deed: &Deed) -> bool {
    matches!(deed, Deed::Adjusted { who: Who::App, .. } | Deed::Wrote { who: Who::App, .. })
}

/// Adds up the parts of a recipe that are of one good.
fn each(parts: &[(String, i64)]) -> BTreeMap<String, i64> {
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
fn of_line<'a>(drawn: &Drawn, lived: &Lived, event: &'a Event) -> Option<(u64, u64, &'a str, i64)> {
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
