//! What nobody could know: where the truth is hidden from every program, or shows only later, and what is forgiven for it.

use jiff::{SignedDuration, Timestamp};

use super::draw::{DrawnChannel, DrawnKind};
use super::lived::{Listing, Stretch};
use super::stock::{Change, Stock};
use super::town::ListDeed;
use crate::sim::{Deed, Event, Who};

/// How long a call may be on its way.
pub const SLOW: SignedDuration = SignedDuration::from_mins(3);
/// How long a run may wait for a channel that is slow, after it read another.
const RUN: SignedDuration = SignedDuration::from_secs(65);
/// How long a change of the source is unsettled where it is read a second time.
const ASIDE: SignedDuration = SignedDuration::from_secs(20);
/// How long a save may take in which a sale gets lost.
const SAVE: SignedDuration = SignedDuration::from_secs(1);
/// How long nothing may have happened about a listing for its number to be known for sure.
pub const QUIET: SignedDuration = SignedDuration::from_mins(15);

impl Stock<'_> {
    /// Tells whether the owner, or another program, wrote to a number of the source while only that number could tell
    /// what became of a change of ours: when its answer was lost (X6), or when it was read for the second time where
    /// changes get lost (X4). Then what was edited looks like what we did, or did not do, and nobody can tell. Nor can
    /// anybody where a sale got lost whose order did not show before that second reading.
    pub fn nobody_can_tell(&self, good: &str) -> bool {
        let kind = self.drawn.source().kind;
        let (mut ours, mut by_hand, mut sold, mut back) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for event in self.of_good(good) {
            match event.deed {
                _ if is_ours(&event.deed) => ours.push(event.at),
                Deed::Wrote { who: Who::Owner | Who::OtherApp, .. } => by_hand.push(event.at),
                // No counter of sold units falls for what comes back: it looks as if the owner had put it there.
                Deed::Cancelled { restocked: true, .. } if kind.is_silent() => by_hand.push(event.at),
                // Nobody stamps when it does.
                _ if comes_back(&event.deed) => back.push(event.at),
                Deed::Sold { .. } => sold.push(event.at),
                _ => {}
            }
        }
        let open = |at: Timestamp| self.open(good).any(|(stretch, _)| stretch.contains(at));
        let within = |at: Timestamp, time| ours.iter().any(|ours| *ours - time <= at && at <= *ours + time);
        let hides = SignedDuration::try_from(self.drawn.source().hides_orders()).unwrap();
        let late = !hides.is_zero();
        let lost = kind == DrawnKind::WooCommerce;
        let just_before = |at: Timestamp, time| ours.iter().any(|ours| at <= *ours && *ours <= at + time);
        // What somebody put there may make up for a sale whose order does not show yet, or that was made while the number was
        // read: it moved by less than the sale, as if it did not contain that.
        let made_up = lost
            && sold.iter().any(|at| just_before(*at, hides + ASIDE))
            && by_hand.iter().any(|at| just_before(*at, self.blind()));
        by_hand.into_iter().any(|at| open(at) || (kind.runs_over() && within(at, ASIDE)))
            || (lost && late && sold.into_iter().any(|at| within(at, SAVE)))
            || (lost && back.into_iter().any(|at| within(at, SAVE)))
            || made_up
            || self.looks_like_ours(good)
            || self.changed_out_of_sight(good)
            || self.settled_by_word(good)
    }

    /// Goes through the times when nobody knew whether a change of a good of the source had been carried out.
    fn open(&self, good: &str) -> impl Iterator<Item = (Stretch, i64)> {
        let open = self.lived.open.iter().filter(move |(_, sku, _)| self.drawn.holder(sku) == good);
        open.map(|(stretch, _, delta)| (*stretch, *delta))
    }

    /// Tells whether somebody else moved the number on a list just as far as a change of ours, or back, while nobody knew
    /// whether that had been carried out: then the file looks to the byte like what it would have been (X5).
    fn looks_like_ours(&self, good: &str) -> bool {
        self.open(good).any(|(stretch, delta)| {
            let there = |deed: &&ListDeed| deed.channel == "source" && deed.sku == good && stretch.contains(deed.at);
            let moves: Vec<i64> = self.lived.deeds.iter().filter(there).map(|deed| deed.edited - deed.sold).collect();
            let adds_up = |from: usize, until: usize| moves[from..=until].iter().sum::<i64>().abs() == delta.abs();
            (0..moves.len()).any(|from| (from..moves.len()).any(|until| adds_up(from, until)))
        })
    }

    /// Tells whether somebody else changed a good of a source at Etsy while it was out of sight there: one unit stays in
    /// such a listing, and nobody can tell that one from what was put there, or came back (Z2).
    pub fn changed_out_of_sight(&self, good: &str) -> bool {
        if self.drawn.source().kind != DrawnKind::Etsy {
            return false;
        }
        let shows = |event: &Event| match &event.deed {
            Deed::Listing { what, .. } => Some(what.starts_with("active")),
            _ => None,
        };
        let events: Vec<&Event> = self.of_good(good).collect();
        let mut out_of_sight = false;
        events.iter().enumerate().any(|(nth, event)| {
            out_of_sight = shows(event).map_or(out_of_sight, |shows| !shows);
            // That it sold out shows only when it is looked at.
            let later = || events[nth..].iter().find_map(|event| shows(event)) == Some(false);
            let by_hand = matches!(event.deed, Deed::Wrote { who: Who::Owner | Who::OtherApp, .. });
            (by_hand || comes_back(&event.deed)) && (out_of_sight || later())
        })
    }

    /// Tells whether the owner settled a doubt about a good where nothing but the number tells of a sale that was run over:
    /// that a change was made does not say so (X3), and so late a difference is taken for the owner's (X4).
    fn settled_by_word(&self, good: &str) -> bool {
        let doubted = self.lived.doubts.iter().any(|(_, sku, _)| self.drawn.holder(sku) == good);
        self.drawn.source().kind.runs_over() && doubted && self.sold_aside(good) > 0
    }

    /// Counts the units of a good that were sold on the source while a write of ours may have run over them (X3).
    pub fn sold_aside(&self, good: &str) -> i64 {
        if !self.drawn.source().kind.runs_over() {
            return 0;
        }
        // A write of what is there already is none to the market.
        let ours: Vec<Timestamp> = self
            .of_good(good)
            .filter(|e| is_ours(&e.deed))
            .map(|e| e.at)
            .chain(self.lived.writes.iter().copied())
            .collect();
        let aside = |at: Timestamp| ours.iter().any(|ours| *ours - SLOW <= at && at <= *ours + ASIDE);
        let sold = self.of_good(good).filter(|event| aside(event.at)).filter_map(|event| match event.deed {
            Deed::Sold { units, .. } => Some(units),
            _ => None,
        });
        sold.sum()
    }

    /// Tells whether lines of a good of the source waited for the owner, who was asked: till the answer comes they are
    /// not counted (W3, W5).
    pub fn was_asked(&self, good: &str, since: Timestamp, until: Timestamp) -> bool {
        let asked = |(waited, (channel, sku)): &(Stretch, Listing)| {
            waited.meets(since, until) && self.parts(channel, sku).iter().any(|(part, _)| part == good)
        };
        self.lived.waited.iter().any(asked)
    }

    /// Tells whether a number was put back at a moment, because the owner undid the run that wrote another (U1); a call may
    /// still be on its way when its run is over.
    pub fn was_undone(&self, at: Timestamp) -> bool {
        self.lived.undone.iter().any(|undone| undone.from <= at && at <= undone.until + SLOW)
    }

    /// Tells whether the owner took a listing off sale, and when it came back, or put it up anew, and when that was accepted:
    /// meanwhile its number is none of ours.
    pub fn off_sale(&self, channel: &str, sku: &str) -> Vec<Stretch> {
        let here = |(_, (name, of)): &&(Stretch, Listing)| name == channel && of == sku;
        let mut off: Vec<Stretch> = self.lived.untied.iter().filter(here).map(|(stretch, _)| *stretch).collect();
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

    /// Returns when it shows at the latest that a listing is on sale again. Shopify's list of changed quantities does not
    /// tell, so that it is the next full reading (Y4), or a sale of it.
    pub fn seen_again(&self, (name, sku): (&str, &str), back: Timestamp) -> Timestamp {
        let channel = self.drawn.channels.iter().find(|channel| channel.name == name).expect("it is one of them");
        if channel.kind != DrawnKind::Shopify || back == Timestamp::MAX {
            return back;
        }
        let listed = back + SignedDuration::try_from(channel.lag).unwrap();
        let read = self.lived.read_in_full.iter().filter(|(of, at)| *of == name && listed < *at).map(|(_, at)| *at);
        let sold = self.lived.events.iter().filter(|event| event.shop == name && back < event.at);
        let sold = sold.filter(|event| matches!(&event.deed, Deed::Sold { sku: of, .. } if of == sku));
        read.chain(sold.map(|event| event.at)).min().unwrap_or(Timestamp::MAX)
    }

    /// Tells whether a raise was a lowering when it was sent: somebody bought, or edited, so shortly before that nobody could
    /// know, and the platform cannot compare.
    pub fn was_overtaken(&self, at: Timestamp, channel: &DrawnChannel, sku: &str, from: i64, to: i64) -> bool {
        self.overtaken_since(at - self.unseen(channel) - RUN, at, channel, sku, (from, to))
            || self.was_edited_unseen(at, channel, sku, to)
    }

    /// Tells whether somebody lowered a listing by hand while no answer had a number: what it showed before still counts, and
    /// whatever is below that is a lowering for all that anybody knows (R1, P5).
    fn was_edited_unseen(&self, at: Timestamp, channel: &DrawnChannel, sku: &str, to: i64) -> bool {
        let (mates, since) = (channel.mates(sku), self.readable_before(at, at));
        let unseen = |event: &&Event| event.shop == channel.name && since <= event.at && event.at < at;
        channel.kind.runs_over()
            && self.lived.events.iter().filter(unseen).any(|event| {
                let Deed::Wrote { who: Who::Owner | Who::OtherApp, sku, from, .. } = &event.deed else { return false };
                to <= *from && mates.contains(&sku.as_str())
            })
    }

    /// Tells whether a raise in a run that began at a moment was a lowering when its number was read: in that run, or by a
    /// reading that was begun before it and came in late.
    pub fn was_overtaken_in_run(
        &self,
        run: Timestamp,
        at: Timestamp,
        channel: &DrawnChannel,
        sku: &str,
        change: (i64, i64),
    ) -> bool {
        let late = befell(&self.lived.slow, channel, run - SLOW, at);
        let since = run - self.unseen(channel) - if late { SLOW } else { SignedDuration::ZERO };
        self.overtaken_since(since, at, channel, sku, change)
    }

    fn overtaken_since(
        &self,
        since: Timestamp,
        at: Timestamp,
        channel: &DrawnChannel,
        sku: &str,
        (from, to): (i64, i64),
    ) -> bool {
        if !channel.kind.runs_over() {
            return false;
        }
        let mates = channel.mates(sku);
        let there = |event: &&Event| event.shop == channel.name && mates.contains(&event.deed.sku());
        let lately = self.lived.events.iter().rev().filter(there).skip_while(|event| at <= event.at);
        let mut level = from;
        for event in lately.take_while(|event| since <= event.at) {
            level = match &event.deed {
                Deed::Wrote { from, .. } => *from,
                Deed::Sold { units, .. } => level + units,
                Deed::Adjusted { delta, .. } => level - delta,
                deed if comes_back(deed) => level - units_of(deed),
                _ => level,
            };
            if to <= level {
                return true;
            }
        }
        false
    }

    fn unseen(&self, channel: &DrawnChannel) -> SignedDuration {
        SignedDuration::try_from(self.drawn.unseen(channel)).unwrap()
    }

    /// Tells whether a lower number was written over a sale on a target so shortly after it that neither its order nor its
    /// fall could be read.
    pub fn was_written_blindly(&self, sale: &Change) -> bool {
        let (name, sku) = &sale.listing;
        let Some(channel) = self.drawn.targets().iter().find(|target| target.name == name) else { return false };
        let hidden = SignedDuration::try_from(channel.hides_orders()).unwrap() + self.unseen(channel) + ASIDE;
        let mates = channel.mates(sku);
        let lowered = self.pushes().filter(|(.., from, to)| to < from);
        let mut there = lowered.filter(|(_, at, of, ..)| at.name == name && mates.contains(of));
        there.any(|(at, ..)| sale.at <= at && at <= sale.at + hidden)
    }

    /// Tells whether the number of a listing was raised by hand, or by what came back from an order, so lately that nobody
    /// could know: where listings are read in turn, that takes up to a day (Y4).
    pub fn was_raised(&self, (name, sku): (&str, &str), at: Timestamp) -> bool {
        let channel = self.drawn.channels.iter().find(|channel| channel.name == name).expect("it is one of them");
        let in_turn = channel.kind == DrawnKind::Etsy;
        // A sale of what came back hides in its return until its order shows, and it was offered once more till then.
        let since = at - self.blind() - SignedDuration::try_from(self.drawn.every).unwrap();
        let day = at - SignedDuration::from_hours(24);
        let by_hand = |deed: &Deed| match deed {
            Deed::Wrote { who: Who::Owner | Who::OtherApp, from, to, .. } => from < to,
            Deed::Listing { who: Who::Owner, what, .. } => what == "active at Etsy",
            _ => false,
        };
        self.lived.events.iter().filter(|event| event.shop == name && event.at <= at).any(|event| {
            // What comes back from an order is on sale at once, whatever the source has.
            let raised = (by_hand(&event.deed) && (if in_turn { day } else { since }) <= event.at)
                || (comes_back(&event.deed) && since <= event.at);
            raised && is_about(event, channel, sku)
        })
    }

    /// Returns since when the source has been read as it is: while its answers come without numbers, or it is asked for none,
    /// what was read before still counts (O4, P5, Y4).
    pub fn readable_before(&self, since: Timestamp, until: Timestamp) -> Timestamp {
        self.back_over(&self.lived.numberless, since, until)
    }

    /// Returns since when at the latest nothing has been well: what could not be read, and what was left open in the dark, may
    /// go back to before it.
    pub fn lit_before(&self, since: Timestamp, until: Timestamp) -> Timestamp {
        self.back_over(&self.lived.dark, since, until)
    }

    /// Goes back from a moment over all stretches that meet what lies behind it.
    fn back_over(&self, stretches: &[Stretch], since: Timestamp, until: Timestamp) -> Timestamp {
        let mut since = since;
        for stretch in stretches.iter().rev().filter(|stretch| stretch.from <= until) {
            if stretch.meets(since, until) {
                since = since.min(stretch.from - self.blind() - QUIET);
            }
        }
        since
    }

    /// Tells whether anybody but us did something to a listing, or to another that draws on its number.
    pub fn touched(&self, channel: &DrawnChannel, sku: &str, recent: impl Fn(Timestamp) -> bool) -> bool {
        self.lived.events.iter().any(|event| {
            let there = event.shop == channel.name && is_about(event, channel, sku);
            let by_us = matches!(event.deed, Deed::Wrote { who: Who::App, .. });
            there && recent(event.at) && !by_us
        })
    }

    /// Tells whether one of several variations of a listing at Etsy was out of sight with it just before a moment. What is
    /// written there then is offered to nobody: with nothing left one of them keeps a unit, and a renewal leaves one (Z2).
    pub fn is_out_of_sight(&self, channel: &DrawnChannel, sku: &str, at: Timestamp) -> bool {
        if channel.kind != DrawnKind::Etsy || channel.siblings(sku).len() == 1 {
            return false;
        }
        let before = self.lived.events.iter().rev().filter(|event| event.shop == channel.name && event.at < at);
        let mut states = before.filter(|event| is_about(event, channel, sku)).filter_map(|event| match &event.deed {
            Deed::Listing { what, .. } => what.strip_suffix(" at Etsy"),
            _ => None,
        });
        states.next().is_some_and(|state| state != "active")
    }
}

/// Tells whether an event is about the number of a listing, or about the whole that it is a variation of: of such a one only
/// its first SKU is named.
fn is_about(event: &Event, channel: &DrawnChannel, sku: &str) -> bool {
    let of_whole = matches!(event.deed, Deed::Listing { .. }) && channel.siblings(sku).contains(&event.deed.sku());
    of_whole || channel.mates(sku).contains(&event.deed.sku())
}

/// Tells whether a spell of some kind lay on a channel between two moments, or on all channels.
pub fn befell(spells: &[(Stretch, Option<&str>)], channel: &DrawnChannel, since: Timestamp, until: Timestamp) -> bool {
    let there = |(stretch, name): &(Stretch, Option<&str>)| {
        name.is_none_or(|name| name == channel.name) && stretch.meets(since, until)
    };
    spells.iter().any(there)
}

/// Tells whether the program did it.
fn is_ours(deed: &Deed) -> bool {
    matches!(deed, Deed::Adjusted { who: Who::App, .. } | Deed::Wrote { who: Who::App, .. })
}

/// Tells whether units of an order came back to the shelf.
fn comes_back(deed: &Deed) -> bool {
    match deed {
        Deed::Cancelled { restocked, .. } | Deed::Returned { restocked, .. } | Deed::Removed { restocked, .. } => {
            *restocked
        }
        _ => false,
    }
}

/// Returns the units of an order that a deed is about.
fn units_of(deed: &Deed) -> i64 {
    match deed {
        Deed::Sold { units, .. }
        | Deed::Cancelled { units, .. }
        | Deed::Returned { units, .. }
        | Deed::Removed { units, .. } => *units,
        _ => 0,
    }
}
