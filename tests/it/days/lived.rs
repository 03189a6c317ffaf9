//! What is left of a day when it is over: what really happened, what every channel shows, and what the program believes.

use std::collections::{BTreeMap, BTreeSet};

use eys::domain::{Act, Hold, HoldWhy, IntentState, Line, LineId, ListingId, Why};
use eys::store::{StoreError, Tx};
use jiff::{SignedDuration, Timestamp};

use super::draw::{AtZero, DrawnChannel, DrawnKind};
use super::live::Day;
use super::town::{ListDeed, cell};
use crate::sim::etsy::receipt_id;
use crate::sim::{Call, Deed, Event};

/// A stretch of time.
#[derive(Clone, Copy)]
pub struct Stretch {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Stretch {
    pub fn contains(&self, moment: Timestamp) -> bool {
        (self.from..=self.until).contains(&moment)
    }

    /// Tells whether any of it lies between two moments.
    pub fn meets(&self, since: Timestamp, until: Timestamp) -> bool {
        since <= self.until && self.from <= until
    }
}

/// Source units that the program believes to have taken off, by channel, order, SKU of the line and SKU of the source.
pub type Applied = BTreeMap<(String, String, String, String), i64>;

/// What listings show, by channel and SKU.
pub type Shows = BTreeMap<(&'static str, String), i64>;

/// A channel and a SKU on it.
pub type Listing = (String, String);

/// What is left of a day, for the oracle.
#[derive(Default)]
pub struct Lived {
    /// When the listings were linked: what was sold before is not counted.
    pub linked: Timestamp,
    /// When the owner let the first push go.
    pub released: Timestamp,
    /// When the first push was made.
    pub began: Timestamp,
    /// Everything that happened in the market.
    pub events: Vec<Event>,
    /// Everything that happened on lists.
    pub deeds: Vec<ListDeed>,
    /// The orders of the market, by shop and number: how the shop's owner knows them.
    pub orders_named: BTreeMap<(String, u64), String>,
    /// Orders of the market that were cancelled because the goods were not there.
    pub short: BTreeSet<(String, u64)>,
    /// When something went wrong.
    pub troubled: Vec<Stretch>,
    /// When something went wrong that keeps the program from knowing how things are.
    pub dark: Vec<Stretch>,
    /// When calls to a channel took long, or to any channel.
    pub slow: Vec<(Stretch, Option<&'static str>)>,
    /// When answers to writes of a channel were lost, or of any channel.
    pub deaf: Vec<(Stretch, Option<&'static str>)>,
    /// Runs in which nothing of the source could be read.
    pub blind: Vec<Stretch>,
    /// What each channel shows at the end, by SKU.
    pub shows: BTreeMap<&'static str, BTreeMap<String, i64>>,
    /// Whether buyers can see each listing that could be hidden.
    pub visible: BTreeMap<(&'static str, String), bool>,
    /// What every target showed when the owner was asked about a doubt, with the SKU of the source that was doubtful.
    pub doubts: Vec<(Timestamp, String, Shows)>,
    /// When nobody knew whether a change of a good of the source had been carried out: since the reading that it was
    /// reckoned from, by the SKU of the good, with the change.
    pub open: Vec<(Stretch, String, i64)>,
    /// When nobody could tell whether a change of a good of the source had been carried out, and the owner was asked: till
    /// the answer comes nothing else is taken off it (X1, X6).
    pub in_doubt: Vec<(Stretch, String)>,
    /// When the source was written to.
    pub writes: Vec<Timestamp>,
    /// When numbers were missing from what the source answered, or it was asked for none, since its calls ran low.
    pub numberless: Vec<Stretch>,
    /// Runs that put back what another one had written: what is put back is right without the rules (U1).
    pub undone: Vec<Stretch>,
    /// When a listing was put up anew.
    pub relisted: Option<Timestamp>,
    /// When a listing that was put up anew was not accepted yet: till then it is tied to nothing (L2).
    pub untied: Vec<(Stretch, Listing)>,
    /// When a target was held, by channel and SKU: what it sells meanwhile is the owner's to prevent (H1).
    pub held: Vec<(Stretch, Listing)>,
    /// When a listing was left alone, since somebody else keeps writing to it: what it sells is what they put there (R4).
    pub left_alone: Vec<(Stretch, Listing)>,
    /// When a line of a listing waited for the owner: till then it is not counted (W3, W5).
    pub waited: Vec<(Stretch, Listing)>,
    /// What the program believes of each line.
    pub applied: Applied,
    /// The SKUs of the source of which the ledger says that more was sold than was there.
    pub oversold: BTreeSet<String>,
    /// Calls that a platform refused though nothing was wrong with it.
    pub refused: Vec<Call>,
    /// When listings of Shopify were read in full, by channel.
    pub read_in_full: Vec<(&'static str, Timestamp)>,
    /// The last report, if the shops did not come to rest.
    pub restless: Option<String>,
    /// Everything that was told: no secret may be in it.
    pub said: String,
    /// Secrets that were found on the disk, where it can be looked at.
    pub kept: Vec<String>,
    /// The goods, and those of which nobody can tell what the source must have.
    pub goods: (usize, usize),
    pub orders: usize,
    pub faults: usize,
    pub crashes: usize,
}

impl Day<'_> {
    /// Gathers what the oracle looks at.
    pub fn gather(&mut self) {
        self.lived.events = self.shops.market.events();
        self.lived.deeds = self.diary.deeds();
        self.gather_numbers();
        self.gather_beliefs();
        for channel in self.drawn.channels.iter().filter(|channel| channel.kind.is_shop()) {
            // What sold out while the call was on its way cannot be hidden at Etsy.
            let sold_out = self.lived.events.iter().filter(|event| event.shop == channel.name).filter_map(|event| {
                matches!(&event.deed, Deed::Listing { what, .. } if what == "sold_out at Etsy").then_some(event.at)
            });
            let sold_out: Vec<Timestamp> = sold_out.collect();
            let amiss = |call: &Call| {
                let throttled = matches!(call.status, Some(429));
                let late = call.operation == "updateListing" && sold_out.iter().any(|at| just_before(*at, call.at));
                // A token is used till it is refused.
                let ended = channel.kind.is_silent() && call.status == Some(401);
                let excused = throttled || late || ended || !call.troubles.is_empty();
                !excused && call.status.is_some_and(|status| status >= 400)
            };
            let calls = self.shops.market.calls(channel.name);
            let read = calls.iter().filter(|call| call.operation == "EysCatalogue" && call.status == Some(200));
            self.lived.read_in_full.extend(read.map(|call| (channel.name, call.at)));
            if channel.name == self.drawn.source().name {
                self.lived.writes = calls.iter().filter(|call| call.writing).map(|call| call.at).collect();
            }
            self.lived.refused.extend(calls.into_iter().filter(amiss));
        }
        let sold = self.lived.events.iter().filter(|event| matches!(event.deed, Deed::Sold { .. })).count();
        self.lived.orders = sold + self.lived.deeds.iter().filter(|deed| deed.sold > 0).count();
    }

    fn gather_numbers(&mut self) {
        for channel in &self.drawn.channels {
            let own = channel.listings.iter().map(|(sku, _)| sku.clone());
            let goods = self.drawn.goods.iter().map(|(sku, _)| sku.clone()).filter(|_| channel.listings.is_empty());
            let skus: Vec<String> = own.chain(goods).chain(channel.alone.clone()).collect();
            for sku in skus {
                if channel.at_zero != AtZero::Seen {
                    let seen = self.shops.market.shop(channel.name).for_sale(&sku);
                    self.lived.visible.insert((channel.name, sku.clone()), seen);
                }
                let units = self.units(channel, &sku);
                self.lived.shows.entry(channel.name).or_default().insert(sku, units);
            }
        }
        let market = self.shops.market.clone();
        for event in &self.lived.events {
            if let Deed::Sold { order, .. } = event.deed {
                let (number, short) = market.world(|world| {
                    let record = &world.shop(&event.shop).orders[&order];
                    (record.number.clone(), record.out_of_stock)
                });
                let channel = self.drawn.channels.iter().find(|channel| channel.name == event.shop);
                let number = match channel.map(|channel| channel.kind) {
                    Some(DrawnKind::Ebay(_)) => market.shop(&event.shop).order_number(order).unwrap_or(number),
                    Some(DrawnKind::Etsy) => receipt_id(order).to_string(),
                    _ => number,
                };
                self.lived.orders_named.insert((event.shop.clone(), order), number);
                if short {
                    self.lived.short.insert((event.shop.clone(), order));
                }
            }
        }
    }

    fn units(&self, channel: &DrawnChannel, sku: &str) -> i64 {
        match channel.kind {
            DrawnKind::Etsy => {
                let shop = self.shops.market.shop(channel.name);
                let (shown, units) = (shop.for_sale(sku), shop.available(sku));
                // Where nothing is left, a listing is out of sight with one unit in it (Z2).
                let is_source = channel.name == self.drawn.source().name;
                if shown || (is_source && units != 1) { units } else { 0 }
            }
            // What is ended sells nothing, whatever a cancelled order put back there.
            DrawnKind::Ebay(_)
                if channel.at_zero == AtZero::Ended && !self.shops.market.shop(channel.name).for_sale(sku) =>
            {
                0
            }
            DrawnKind::Shopify | DrawnKind::WooCommerce | DrawnKind::Ebay(_) => {
                self.shops.market.shop(channel.name).available(sku)
            }
            DrawnKind::Csv { .. } => cell(&self.shops.path(channel.name), sku).unwrap(),
        }
    }

    fn gather_beliefs(&mut self) {
        let (mut applied, mut oversold) = (Applied::new(), BTreeSet::new());
        let sku = |tx: &Tx<'_>, id: ListingId| -> Result<String, StoreError> {
            let known = tx.known(id)?;
            Ok(known.and_then(|known| known.listing.skus().next().map(ToString::to_string)).unwrap_or_default())
        };
        self.shops
            .store
            .read(|tx| {
                for id in 1.. {
                    let Some(line) = tx.line_by_id(LineId(id))? else { break };
                    let of = line.sku.map(|sku| sku.to_string()).unwrap_or_default();
                    for share in &line.shares {
                        let key = (line.channel.to_string(), line.order.clone(), of.clone(), sku(tx, share.source)?);
                        *applied.entry(key).or_default() += share.applied;
                    }
                }
                let source = tx.listings(&crate::shops::name(self.drawn.source().name))?;
                let ids: Vec<ListingId> = source.iter().map(|known| known.id).collect();
                for entry in tx.ledger(&ids, usize::MAX >> 1)? {
                    if entry.movement.why == Why::Oversold {
                        oversold.insert(sku(tx, entry.movement.listing)?);
                    }
                }
                Ok(())
            })
            .unwrap();
        self.lived.applied = applied;
        self.lived.oversold = oversold;
    }

    /// Returns the listings that are held, for some reasons.
    fn held(&self, why: impl Fn(HoldWhy) -> bool) -> BTreeSet<Listing> {
        let store = &self.shops.store;
        let frozen = |hold: Hold| store.read(|tx| tx.frozen(hold.id)).unwrap();
        let mut held = BTreeSet::new();
        let holds = store.read(|tx| tx.holds()).unwrap().into_iter().filter(|hold| why(hold.why));
        for frozen in holds.flat_map(frozen) {
            let known = store.read(|tx| tx.known(frozen.listing)).unwrap().unwrap();
            held.extend(known.listing.skus().map(|sku| (known.at.channel.to_string(), sku.to_string())));
        }
        held
    }

    /// Remembers what waited for the owner for a while.
    /// What waits now waited already while the state could not be looked at.
    pub fn note_what_waits(&mut self, stretch: Stretch) {
        let until = stretch.until;
        let from = self.noted.map_or(stretch.from, |noted| noted.min(stretch.from));
        // What was open then stayed so till it could be looked at again.
        let open = self.lived.open.iter_mut().map(|(open, ..)| open);
        for open in open.filter(|open| self.noted == Some(open.until)) {
            open.until = open.until.max(stretch.from);
        }
        self.noted = Some(until);
        let stretch = Stretch { from, until };
        let (held, left_alone) = (self.held(|_| true), self.held(|why| why == HoldWhy::SecondWriter));
        let lines = self.shops.store.read(|tx| tx.held_lines(None)).unwrap();
        let of = |line: &Line| Some((line.channel.to_string(), line.sku.as_ref()?.to_string()));
        self.lived.held.extend(held.into_iter().map(|listing| (stretch, listing)));
        self.lived.left_alone.extend(left_alone.into_iter().map(|listing| (stretch, listing)));
        self.lived.waited.extend(lines.iter().filter_map(of).map(|listing| (stretch, listing)));
        self.note_what_is_open(stretch);
    }

    fn note_what_is_open(&mut self, stretch: Stretch) {
        let source = crate::shops::name(self.drawn.source().name);
        let calls = self.shops.store.read(|tx| tx.unfinished_calls(&source)).unwrap();
        for intent in calls.iter().flat_map(|call| &call.intents) {
            let Act::Adjust { delta, .. } = intent.act else { continue };
            let known = self.shops.store.read(|tx| tx.known(intent.listing)).unwrap().unwrap();
            if intent.state == IntentState::InDoubt {
                self.lived.in_doubt.extend(known.listing.skus().map(|sku| (stretch, sku.to_string())));
            }
            if intent.state != IntentState::Open {
                continue;
            }
            let read = known.reading.map(|seen| seen.begun).filter(|_| self.drawn.source().kind.is_shop());
            let stretch = Stretch { from: read.map_or(stretch.from, |read| read.min(stretch.from)), ..stretch };
            self.lived.open.extend(known.listing.skus().map(|sku| (stretch, sku.to_string(), delta.0)));
        }
    }

    /// Remembers what all targets that are not held show while nobody can tell what became of a change of the source.
    pub fn note_doubt(&mut self, sku: &str) {
        let held = self.held(|_| true);
        let mut shows = BTreeMap::new();
        for channel in self.drawn.targets() {
            let waits = |listing: &String| held.contains(&(channel.name.to_owned(), listing.clone()));
            for (listing, _) in channel.listings.iter().filter(|(listing, _)| !waits(listing)) {
                shows.insert((channel.name, listing.clone()), self.units(channel, listing));
            }
        }
        self.lived.doubts.push((self.shops.market.now(), sku.to_owned(), shows));
    }
}

/// Tells whether a call may have been under way at a moment.
fn just_before(at: Timestamp, call: Timestamp) -> bool {
    call.duration_since(at).abs() <= SignedDuration::from_secs(1)
}
