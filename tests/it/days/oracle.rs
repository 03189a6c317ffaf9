//! The oracle: works out from what really happened what every number must be. It asks nothing of the program under test.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::draw::{AtZero, Drawn, DrawnChannel, DrawnKind};
use super::lived::{Listing, Lived, Stretch};
use super::stock::{Change, Stock, of_line};
use super::unknowable::{QUIET, SLOW, befell};
use crate::sim::woocommerce::consumer_secret;
use crate::sim::{Deed, Who};

/// How long after trouble its effects last.
const AFTER: SignedDuration = SignedDuration::from_mins(20);

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
    let told = secrets(drawn).into_iter().find(|secret| lived.said.contains(secret));
    wrong.extend(told.map(|secret| format!("a token was told: {secret}")));
    wrong.extend(lived.kept.first().map(|secret| format!("a token was kept: {secret}")));
    wrong.extend(lived.refused.first().map(|call| format!("a platform refused a call: {call:?}")));
    wrong
}

/// Returns what no output and no disk may hold, at its beginning or whole.
pub fn secrets(drawn: &Drawn) -> Vec<String> {
    let whole = drawn.channels.iter().map(|channel| consumer_secret(channel.name));
    whole.chain(["shpat_", "v^1.1#", ".refresh-", ".access-"].map(str::to_owned)).collect()
}

/// Counts the goods of a day, and those of them of which nobody can tell what the source must have, so that it is not judged.
pub fn untold(drawn: &Drawn, lived: &Lived) -> (usize, usize) {
    let stock = Stock::new(drawn, lived);
    let untold = stock.at_first.keys().filter(|good| stock.nobody_can_tell(good)).count();
    (stock.at_first.len(), untold)
}

impl Stock<'_> {
    fn source_is_exact(&self) -> Vec<String> {
        let wrong = self.at_first.keys().filter(|sku| !self.nobody_can_tell(sku)).filter_map(|sku| {
            let truth = self.at_last(sku);
            let must = if self.drawn.source().kind.goes_below_zero() { truth } else { truth.max(0) };
            let has = self.lived.shows["source"][sku];
            // A unit that comes back to a listing at Etsy that sold out looks like the one that such a listing keeps.
            let hidden = self.drawn.source().kind == DrawnKind::Etsy && (has, must) == (0, 1);
            (has != must && !hidden).then(|| format!("the source has {has} {sku}, and it must be {must}"))
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
                // At eBay one of several variations stays, as the others would be ended with it.
                let goes = match channel.at_zero {
                    AtZero::Seen => false,
                    AtZero::Hidden => true,
                    AtZero::Ended => channel.siblings(sku).len() == 1,
                };
                if goes && !turned && visible.is_some_and(|visible| *visible != (must > 0)) {
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
            if self.was_overtaken(at, channel, sku, from, to) || (to <= 1 && self.is_out_of_sight(channel, sku, at)) {
                continue;
            }
            let free = DrawnChannel { rule: None, ..channel.clone() };
            let ruled = if self.was_undone(at) { &free } else { channel };
            let most = self.most_within(ruled, sku, Stretch { from: at - self.blind(), until: at });
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
    /// that it may show more than what is written for all that anybody knows, or what was sent was a lowering by what could
    /// be read in that run.
    fn no_raise_while_blind(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, channel, sku, from, to) in self.pushes().filter(|(.., from, to)| from < to) {
            let Some(run) = self.lived.blind.iter().find(|stretch| stretch.contains(at)) else { continue };
            let deaf = befell(&self.lived.deaf, channel, at - self.blind(), at);
            // What the owner took off sale sells nothing.
            let off = self.off_sale(channel.name, sku).iter().any(|off| off.contains(at));
            let off = off || (to <= 1 && self.is_out_of_sight(channel, sku, at));
            if !deaf && !off && !self.was_overtaken_in_run(run.from, at, channel, sku, (from, to)) {
                let name = channel.name;
                wrong.push(format!(
                    "at {at} {sku} on {name} was raised from {from} to {to} while the source could not be read"
                ));
            }
        }
        wrong
    }

    /// Nothing is lowered below what is surely there: what a moment ago was there, less all that was sold since, twice,
    /// since a sale may be claimed though the number contains it already (P5).
    fn no_lowering_without_a_reason(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, channel, sku, from, to) in self.pushes().filter(|(.., from, to)| to < from) {
            if self.was_undone(at) || self.is_out_of_sight(channel, sku, at) {
                continue;
            }
            let since = self.readable_before(at - self.blind() - QUIET, at);
            // Whatever goes wrong, nothing is emptied by a list that broke off: only by what happened since all was well (P5).
            let since = if to == 0 { self.lit_before(since, at) } else { since };
            let recent = |moment: Timestamp| since <= moment && moment <= at;
            let dark = 0 < to && self.lived.dark.iter().any(|dark| dark.meets(since, at));
            let parts: Vec<String> = self.recipes(channel, sku).concat().into_iter().map(|(part, _)| part).collect();
            let unsure = parts.iter().any(|part| self.nobody_can_tell(part) || self.was_asked(part, since, at));
            // Under a hold sales are taken off what was there when it began (H1).
            let held = self
                .lived
                .held
                .iter()
                .any(|(held, (name, of))| *name == channel.name && of == sku && held.meets(since, at));
            let fell = |change: &Change| parts.contains(&change.sku) && recent(change.at) && change.delta < 0;
            if held && self.changes.iter().any(fell) {
                continue;
            }
            // Where listings are read in turn, what was done to one shows within a day (Y4).
            let shows = |moment: Timestamp| recent(moment) || (channel.kind == DrawnKind::Etsy && moment <= at);
            let touched = dark || unsure || self.touched(channel, sku, shows) || self.was_doubted(&parts);
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

    /// Where nothing happened for a while, there is nothing to be careful about: what is written is the truth (P5).
    fn what_is_quiet_is_exact(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, channel, sku, _, to) in self.pushes() {
            let since = self.readable_before(at - self.blind() - QUIET, at);
            let recent = |moment: Timestamp| since <= moment && moment <= at;
            let parts: Vec<String> = self.recipes(channel, sku).concat().into_iter().map(|(part, _)| part).collect();
            let moved = self.changes.iter().any(|change| recent(change.at) && parts.contains(&change.sku));
            let dark = self.lived.dark.iter().any(|dark| dark.meets(since, at));
            let unsure = parts.iter().any(|part| self.nobody_can_tell(part) || self.was_asked(part, since, at));
            let touched = dark || unsure || self.touched(channel, sku, recent) || self.was_doubted(&parts);
            let must = self.must_show(channel, sku, |part| self.at(part, at));
            // The unit that a hidden listing at Etsy keeps is offered to nobody (Z2).
            let kept = channel.kind == DrawnKind::Etsy && (to, must) == (1, 0);
            let kept = kept || (to <= 1 && self.is_out_of_sight(channel, sku, at));
            let put_back = self.was_undone(at);
            if !moved && !touched && !kept && !put_back && since > self.lived.began && to != must {
                wrong.push(format!(
                    "at {at} {to} {sku} was written on {}, and nothing but {must} made sense",
                    channel.name
                ));
            }
        }
        wrong
    }

    /// Tells whether nobody could tell what became of a change of one of some goods.
    fn was_doubted(&self, parts: &[String]) -> bool {
        let mut doubted = self.lived.doubts.iter().map(|(_, sku, _)| self.drawn.holder(sku));
        doubted.any(|good| parts.iter().any(|part| part == good))
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
                let off = off || self.was_raised((name, sku), *at);
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
            let (Deed::Wrote { who: Who::App, sku, .. }
            | Deed::Adjusted { who: Who::App, sku, .. }
            | Deed::Listing { who: Who::App, sku, .. }) = &event.deed
            else {
                continue;
            };
            let shop = &event.shop;
            let channel = self.drawn.channels.iter().find(|channel| channel.name == shop).expect("it is one of them");
            if sku.starts_with("ALONE-") || channel.archived.contains(sku) {
                wrong.push(format!("{sku} on {shop} is not to be touched and was written"));
            }
            if matches!(event.deed, Deed::Listing { .. }) {
                continue;
            }
            // Where a platform takes absolute numbers alone, there is no other way (X3).
            if shop == "source" && matches!(event.deed, Deed::Wrote { .. }) && !channel.kind.is_silent() {
                wrong.push(format!("{sku} of the source was overwritten"));
            }
            // What a sale lowers is lowered under a hold, too (P1).
            let lowers = matches!(event.deed, Deed::Wrote { from, to, .. } if to < from);
            let kept =
                matches!(event.deed, Deed::Wrote { to: ..=1, .. }) && self.is_out_of_sight(channel, sku, event.at);
            if event.at < self.lived.released && !lowers && !kept {
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
            if *level >= 0 || !change.sale || change.at < self.lived.began || told.contains(&change.sku) {
                continue;
            }
            let recent = |other: &&Change| {
                // A list whose till does not lower its number goes on selling what it shows.
                let lowers = |channel: &DrawnChannel| channel.kind != DrawnKind::Csv { lowers: false };
                let knows = self.drawn.channels.iter().find(|c| c.name == change.listing.0).is_none_or(lowers);
                let elsewhere = other.listing != change.listing || !knows || self.was_written_blindly(other);
                other.sku == change.sku && other.delta < 0 && elsewhere && change.at - self.blind() <= other.at
            };
            let in_trouble = self
                .lived
                .troubled
                .iter()
                .any(|trouble| trouble.from <= change.at && change.at <= trouble.until + AFTER + self.blind());
            let since = change.at - self.blind() - SignedDuration::try_from(self.drawn.every).unwrap();
            let raised = self.was_raised((&change.listing.0, &change.listing.1), change.at);
            let put_back = self.lived.deeds.iter().any(|deed| {
                let here = deed.channel == change.listing.0 && deed.sku == change.listing.1;
                here && deed.sold < 0 && since <= deed.at && deed.at <= change.at
            });
            let raised = raised || put_back;
            let off = self.off_sale(&change.listing.0, &change.listing.1);
            let seen = |off: &Stretch| self.seen_again((&change.listing.0, &change.listing.1), off.until);
            let was_off = off.iter().any(|off| change.at - self.blind() <= seen(off));
            // What is held follows the sales all the same; a fall by hand is the owner's to let through (P1, H1).
            let held = |(held, listing): &(Stretch, Listing)| *listing == change.listing && held.contains(change.at);
            let fell = |other: &&Change| other.sku == change.sku && other.delta < 0;
            let by_hand = |other: &&Change| other.listing.0 == "source" && !other.sale;
            let by_hand: i64 = self.changes[..nth].iter().filter(fell).filter(by_hand).map(|fall| fall.delta).sum();
            let was_held = *level - by_hand >= 0 && self.lived.held.iter().any(held);
            let was_held = was_held || self.lived.left_alone.iter().any(held);
            // Units of a sale that waits for the owner stay on sale at the source, until the answer comes (W5).
            let asked = self.was_asked(&change.sku, change.at - self.blind(), change.at);
            let doubted = |(doubted, sku): &(Stretch, String)| {
                doubted.contains(change.at) && self.drawn.holder(sku) == change.sku && change.listing.0 == "source"
            };
            let asked = asked || self.lived.in_doubt.iter().any(doubted);
            if !in_trouble
                && !self.changed_out_of_sight(&change.sku)
                && !asked
                && !raised
                && !was_off
                && !was_held
                && !self.changes[..nth].iter().any(|other| recent(&other))
            {
                let (at, sku, channel) = (change.at, &change.sku, &change.listing.0);
                told.insert(sku);
                wrong.push(format!("at {at} {sku} on {channel} was oversold, and it could be known"));
            }
        }
        wrong
    }
}
