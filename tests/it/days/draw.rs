//! What a seed draws: a shop with its channels, goods and rules, and what will befall it.

use std::time::Duration;

use crate::sim::{Dice, Pace, Trouble};

/// Everything that is drawn before anything happens.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub seed: u64,
    /// The source first.
    pub channels: Vec<DrawnChannel>,
    /// The goods of the source with their stock at first.
    pub goods: Vec<(String, i64)>,
    pub pace: Pace,
    /// What happens on lists in an hour.
    pub list_pace: f64,
    pub cycles: u32,
    /// The loop's pace.
    pub every: Duration,
    /// Whether each cycle is a process of its own, as under cron.
    pub one_shots: bool,
    pub disk: DrawnDisk,
    /// Minutes in which buyers come before anything is linked.
    pub early: u64,
    /// How often a cycle is killed.
    pub crashes: f64,
    pub spells: Vec<Spell>,
    pub turns: Vec<Turn>,
    /// How many calls are left for the day where a platform counts them, if they are few.
    pub calls_left: Option<usize>,
    /// The cycle after which the owner undoes what it wrote.
    pub undone: Option<u32>,
    pub relisted: Option<Relisted>,
    /// Whether half of the source's stock lies at a second location.
    pub annex: bool,
    /// How wrong this machine's clock is, in seconds, at first and from the middle of the day.
    pub clock: (i64, i64),
}

/// A channel and what it sells.
#[derive(Clone, Debug)]
pub struct DrawnChannel {
    pub name: &'static str,
    pub kind: DrawnKind,
    /// For targets: the listings, by SKU, with their recipe.
    pub listings: Vec<(String, Vec<(String, i64)>)>,
    /// Goods that stand on no other channel and must never be touched.
    pub alone: Vec<String>,
    /// Goods of the source that are archived here from the beginning, and must never be touched either.
    pub archived: Vec<String>,
    /// SKUs that draw on one number; the first gives it its name.
    pub shared: Vec<String>,
    /// SKUs that are variations of one listing, set by set; each has a number of its own.
    pub varied: Vec<Vec<String>>,
    pub rule: Option<DrawnRule>,
    pub at_zero: AtZero,
    pub lag: Duration,
    /// How long a new order stays out of sight.
    pub order_delay: Duration,
    /// How long buyers take to pay, where they need not pay at once: till then there is no order.
    pub pays_after: Option<Duration>,
    pub latency: bool,
}

/// Where the state lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawnDisk {
    /// In memory: what was committed is there, whatever happens.
    Memory,
    /// In a file.
    File,
    /// On a disk that loses what was not synced, runs full and is locked by others; from and until which cycle.
    Troubled { full: (u32, u32), busy: (u32, u32) },
}

/// The owner takes a listing of a target off sale, or puts it back.
#[derive(Clone, Debug)]
pub struct Turn {
    pub cycle: u32,
    pub channel: &'static str,
    pub sku: String,
    pub archived: bool,
}

/// The owner deletes a listing of a target and puts it up anew; only at the end of the day it takes the old one's place.
#[derive(Clone, Debug)]
pub struct Relisted {
    pub cycle: u32,
    pub channel: &'static str,
    pub sku: String,
    /// What is put up.
    pub units: i64,
}

/// The dice by which it is drawn where what sold out is ended.
const ENDED: u64 = 0xE4D2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawnKind {
    Shopify,
    WooCommerce,
    Ebay(Models),
    Etsy,
    /// A list; whether its till lowers the cell itself when it sells.
    Csv {
        lowers: bool,
    },
}

impl DrawnChannel {
    /// How long the order of a sale stays out of sight.
    pub fn hides_orders(&self) -> Duration {
        self.order_delay + self.pays_after.unwrap_or_default()
    }

    /// Returns the SKUs that draw on the same number as this one, itself among them.
    pub fn mates<'a>(&'a self, sku: &'a str) -> Vec<&'a str> {
        if self.shared.iter().any(|other| other == sku) {
            self.shared.iter().map(String::as_str).collect()
        } else {
            vec![sku]
        }
    }

    /// Returns the SKUs of the listing that this one is a variation of, itself among them: what becomes of the listing becomes
    /// of each of them.
    pub fn siblings<'a>(&'a self, sku: &'a str) -> Vec<&'a str> {
        let listing = self.varied.iter().find(|listing| listing.iter().any(|other| other == sku));
        listing.map_or_else(|| vec![sku], |listing| listing.iter().map(String::as_str).collect())
    }
}

/// What the owner wants of listings that nothing is left of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtZero {
    Seen,
    Hidden,
    /// At eBay: what is put up again is another listing, which takes the place of the one that was ended.
    Ended,
}

/// How the listings of an account at eBay were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Models {
    Classic,
    Inventory,
    /// Every second one is of the Inventory model.
    Both,
}

impl DrawnKind {
    /// Whether it is a shop in the market; a list is none.
    pub fn is_shop(self) -> bool {
        !matches!(self, Self::Csv { .. })
    }

    /// Whether it takes absolute numbers alone, and does not say whether cancelled units are back on the shelf.
    pub fn is_silent(self) -> bool {
        matches!(self, Self::Ebay(_) | Self::Etsy)
    }

    /// Whether its stock can go below zero when it is the source (W6).
    pub fn goes_below_zero(self) -> bool {
        matches!(self, Self::Shopify | Self::WooCommerce)
    }

    /// Whether a write of ours can run over what somebody else wrote or sold in the same moment, because the platform
    /// cannot compare.
    pub fn runs_over(self) -> bool {
        matches!(self, Self::WooCommerce | Self::Ebay(_) | Self::Etsy)
    }
}

/// A rule for a whole channel, as the oracle understands it.
#[derive(Clone, Copy, Debug)]
pub enum DrawnRule {
    Buffer(i64),
    Percent(i64),
    Max(i64),
    ZeroAtOrBelow(i64),
}

impl DrawnRule {
    /// What the contract says a rule makes of a number.
    pub fn shows(self, available: i64) -> i64 {
        match self {
            Self::Buffer(units) => (available - units).max(0),
            Self::Percent(percent) => available * percent / 100,
            Self::Max(most) => available.min(most),
            Self::ZeroAtOrBelow(limit) => {
                if available <= limit {
                    0
                } else {
                    available
                }
            }
        }
    }
}

/// A stretch of cycles in which something goes wrong.
#[derive(Clone, Debug)]
pub struct Spell {
    pub from: u32,
    pub until: u32,
    pub chance: f64,
    pub trouble: Trouble,
    /// The channel it befalls; all if there is none.
    pub at: Option<&'static str>,
    pub writing: Option<bool>,
}

impl Spell {
    /// Tells whether writes may be done and not answered.
    pub fn loses_answers(&self) -> bool {
        let loses = matches!(
            self.trouble,
            Trouble::LostAfter
                | Trouble::CutBody
                | Trouble::BrokenJson
                | Trouble::StatusAfter(_)
                | Trouble::Slow(_)
                | Trouble::SlowAnswer(_)
        );
        loses && self.writing != Some(false)
    }
}

impl Drawn {
    pub fn from_seed(seed: u64) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(11));
        let count = *dice.pick(&[1, 1, 2, 3, 4, 4, 6, 6, 8, 8, 12, 12, 20, 20, 40]).unwrap();
        let count = if dice.happens(0.01) { 200 } else { count };
        let goods: Vec<(String, i64)> =
            (0..count).map(|nth| (format!("SKU-{nth}"), 1 + below(&mut dice, 20))).collect();
        let names = ["source", "alpha", "beta", "gamma"];
        let targets = 1 + dice.below(3);
        let channels: Vec<DrawnChannel> =
            (0..=targets).map(|nth| channel(&mut dice, names[nth], nth == 0, &goods)).collect();
        let cycles = 5 + u32::try_from(dice.below(12)).unwrap();
        let spells = spells(&mut dice, cycles, &channels);
        let turns = turns(&mut dice, cycles, &channels);
        let every = *dice.pick(&[1, 1, 1, 1, 5, 20]).unwrap();
        let mut drawn = Self {
            seed,
            pace: pace(&mut dice),
            list_pace: f64::from(u32::try_from(dice.below(40)).unwrap()),
            cycles,
            every: Duration::from_mins(every),
            one_shots: dice.happens(0.5),
            disk: disk(&mut dice, cycles),
            early: if dice.happens(0.3) { 30 } else { 0 },
            crashes: if dice.happens(0.4) { dice.fraction() * 0.5 } else { 0.0 },
            spells,
            turns,
            calls_left: calls_left(seed),
            undone: undone(seed, cycles),
            relisted: None,
            annex: false,
            clock: clock(&mut dice, seed),
            channels,
            goods,
        };
        drawn.move_abroad();
        drawn.spells.extend(rare_spell(seed, cycles, &drawn.channels));
        if Dice::new(seed ^ 0xA10E).happens(0.01) {
            drawn.be_alone();
        }
        drawn.relist();
        drawn.vary();
        drawn.end();
        drawn.annex = drawn.source().kind == DrawnKind::Shopify && Dice::new(seed ^ 0xAE49).happens(0.1);
        drawn
    }

    /// How many calls are left for the day on a channel, where its platform counts them and they are few (Y4).
    pub fn calls_left(&self, channel: &DrawnChannel) -> Option<usize> {
        self.calls_left.filter(|_| channel.kind.is_silent())
    }

    /// Tells whether the calls of the day run low anywhere.
    pub fn calls_run_low(&self) -> bool {
        self.channels.iter().any(|channel| self.calls_left(channel).is_some())
    }

    /// Lets the owner put up a listing anew, by dice that leave alone the seeds that once found something. At Shopify: an
    /// order at WooCommerce does not say any more what it was of once that is deleted.
    fn relist(&mut self) {
        let mut dice = Dice::new(self.seed ^ 0x2E11);
        if !dice.happens(0.05) {
            return;
        }
        let (cycle, units) = (u32::try_from(dice.below(self.cycles as usize)).unwrap(), below(&mut dice, 12));
        let targets: Vec<&DrawnChannel> = self
            .targets()
            .iter()
            .filter(|target| target.kind == DrawnKind::Shopify && target.at_zero == AtZero::Seen)
            .collect();
        let Some(channel) = dice.pick(&targets) else { return };
        let Some((sku, _)) = dice.pick(&channel.listings).filter(|(sku, _)| !channel.shared.contains(sku)) else {
            return;
        };
        let (channel, sku) = (channel.name, sku.clone());
        self.turns.retain(|turn| turn.channel != channel || turn.sku != sku);
        self.relisted = Some(Relisted { cycle, channel, sku, units });
    }

    /// Lets some listings abroad have variations, by dice that leave alone the seeds that once found something. Not those of a
    /// source at Etsy: the unit that such a listing keeps when nothing of it is left may stand in any of them (Z2).
    fn vary(&mut self) {
        let mut dice = Dice::new(self.seed ^ 0x4_AE9E);
        if !dice.happens(0.2) {
            return;
        }
        for channel in &mut self.channels {
            let is_source = channel.name == "source";
            let varies = match channel.kind {
                DrawnKind::Ebay(_) => true,
                DrawnKind::Etsy => !is_source,
                DrawnKind::Shopify | DrawnKind::WooCommerce | DrawnKind::Csv { .. } => false,
            };
            let own = channel.listings.iter().map(|(sku, _)| sku);
            let goods = self.goods.iter().map(|(sku, _)| sku).filter(|_| is_source);
            let mut skus: Vec<String> = own.chain(goods).filter(|_| varies).cloned().collect();
            while 1 < skus.len() && dice.happens(0.7) {
                let rest = skus.split_off((2 + dice.below(2)).min(skus.len()));
                channel.varied.push(std::mem::replace(&mut skus, rest));
            }
        }
    }

    /// Lets what sold out be ended at eBay, by dice that leave alone the seeds that once found something.
    fn end(&mut self) {
        let mut dice = Dice::new(self.seed ^ ENDED);
        for channel in self.channels.iter_mut().skip(1).filter(|channel| matches!(channel.kind, DrawnKind::Ebay(_))) {
            if dice.happens(0.2) {
                channel.at_zero = AtZero::Ended;
            }
        }
    }

    /// Leaves the source alone: nothing follows it yet.
    fn be_alone(&mut self) {
        self.channels.truncate(1);
        self.turns.clear();
        let source = self.source().name;
        self.spells.retain(|spell| spell.at.is_none_or(|at| at == source));
    }

    /// Lets some shops be at eBay or at Etsy. By dice of their own, so that the other seeds stay what they were; and not
    /// where runs are far apart, since one of those days alone shows what the newest of two plans is for (Y8).
    fn move_abroad(&mut self) {
        if Duration::from_mins(5) < self.every {
            return;
        }
        let mut dice = Dice::new(self.seed ^ 0xEBA1);
        let is_ebay = dice.happens(0.3);
        let mut etsy = Dice::new(self.seed ^ 0xE754);
        let is_etsy = etsy.happens(0.25);
        let mut payers = Dice::new(self.seed ^ 0x9A1D);
        let is_source_there = Dice::new(self.seed ^ 0xE755).happens(0.5);
        for channel in self.channels.iter_mut().filter(|channel| channel.kind.is_shop()) {
            if is_ebay && dice.happens(0.6) {
                channel.kind =
                    DrawnKind::Ebay(*dice.pick(&[Models::Classic, Models::Inventory, Models::Both]).unwrap());
                let waits = [30, 120, 600].map(Duration::from_secs);
                channel.pays_after = payers.pick(&waits).copied().filter(|_| payers.happens(0.3));
            } else if is_etsy && etsy.happens(0.5) && (channel.name != "source" || is_source_there) {
                channel.kind = DrawnKind::Etsy;
                // Without a counter of sold units, what becomes of a write is told by orders: a source's are not later than
                // is known of Etsy.
                if channel.name == "source" {
                    channel.order_delay = channel.order_delay.min(Duration::from_mins(1));
                }
            } else {
                continue;
            }
            channel.archived.clear();
            channel.shared.clear();
            channel.at_zero = AtZero::Seen;
            self.turns.retain(|turn| turn.channel != channel.name);
            // A part of an order that is refunded says nothing of the goods there.
            self.pace.taken_back = 0.0;
        }
        // What is cancelled before it is paid never becomes an order, and stays spoken for till it must have been (O5).
        if self.channels.iter().any(|channel| channel.pays_after.is_some()) {
            self.pace.cancelled = 0.0;
        }
        // At Etsy a word is no throttle: it forbids, and is tried again after waits longer than the rest of the day.
        if self.channels.iter().any(|channel| channel.kind == DrawnKind::Etsy) {
            self.spells.retain(|spell| !matches!(spell.trouble, Trouble::Word(_)));
        }
    }

    /// Tells whether nothing of the source can be read while a spell lasts.
    pub fn blinds(&self, spell: &Spell) -> bool {
        let reads = spell.writing != Some(true) && spell.at.is_none_or(|at| at == self.source().name);
        let whole = matches!(
            spell.trouble,
            Trouble::Unreachable
                | Trouble::LostBefore
                | Trouble::LostAfter
                | Trouble::CutBody
                | Trouble::BrokenJson
                | Trouble::HtmlPage
                | Trouble::Status(_)
                | Trouble::StatusAfter(_)
        );
        reads && whole && spell.chance >= 1.0 && self.source().kind.is_shop()
    }

    /// Returns the name of the number that a SKU of the source draws on.
    pub fn holder<'a>(&'a self, sku: &'a str) -> &'a str {
        let shared = &self.source().shared;
        if shared.iter().any(|other| other == sku) { &shared[0] } else { sku }
    }

    /// Returns how old the numbers of a channel may be when they are read.
    pub fn unseen(&self, channel: &DrawnChannel) -> Duration {
        let here = self.spells.iter().filter(|spell| spell.at == Some(channel.name));
        let stale = here.filter_map(|spell| if let Trouble::Stale(by) = spell.trouble { Some(by) } else { None });
        stale.chain([channel.lag]).max().unwrap_or_default()
    }

    pub fn source(&self) -> &DrawnChannel {
        &self.channels[0]
    }

    pub fn targets(&self) -> &[DrawnChannel] {
        &self.channels[1..]
    }
}

fn below(dice: &mut Dice, most: usize) -> i64 {
    i64::try_from(dice.below(most)).unwrap()
}

fn channel(dice: &mut Dice, name: &'static str, is_source: bool, goods: &[(String, i64)]) -> DrawnChannel {
    let kind = match dice.below(10) {
        0..5 => DrawnKind::Shopify,
        5..8 => DrawnKind::WooCommerce,
        _ => DrawnKind::Csv { lowers: dice.happens(0.5) },
    };
    let mut listings = Vec::new();
    if !is_source {
        let all = dice.happens(0.6);
        for (sku, _) in goods {
            if all || dice.happens(0.7) {
                listings.push((sku.clone(), vec![(sku.clone(), 1)]));
            }
        }
        for nth in 0..dice.below(3) {
            listings.push((format!("SET-{nth}-{name}"), recipe(dice, goods)));
        }
        if listings.is_empty() {
            listings.push((goods[0].0.clone(), vec![(goods[0].0.clone(), 1)]));
        }
    }
    let mut archived = Vec::new();
    let mut shared = Vec::new();
    if kind != (DrawnKind::Csv { lowers: true }) && kind != (DrawnKind::Csv { lowers: false }) {
        let unlisted = |sku: &&String| !is_source && !listings.iter().any(|(other, _)| other == *sku);
        archived.extend(goods.iter().map(|(sku, _)| sku).filter(unlisted).take(2).cloned());
    }
    if kind == DrawnKind::WooCommerce && dice.happens(0.3) {
        let singles = listings.iter().map(|(sku, _)| sku).filter(|sku| !sku.starts_with("SET-"));
        let own = goods.iter().map(|(sku, _)| sku).filter(|_| is_source);
        shared.extend(singles.chain(own).take(2 + dice.below(2)).cloned());
    }
    let rule = match dice.below(8) {
        0 => Some(DrawnRule::Buffer(1 + below(dice, 3))),
        1 => Some(DrawnRule::Percent(50 + below(dice, 50))),
        2 => Some(DrawnRule::Max(1 + below(dice, 8))),
        3 => Some(DrawnRule::ZeroAtOrBelow(below(dice, 3))),
        _ => None,
    };
    DrawnChannel {
        name,
        kind,
        listings,
        alone: (0..dice.below(3)).map(|nth| format!("ALONE-{nth}-{name}")).collect(),
        archived,
        shared,
        varied: Vec::new(),
        rule: rule.filter(|_| !is_source),
        at_zero: if kind.is_shop() && dice.happens(0.2) { AtZero::Hidden } else { AtZero::Seen },
        lag: Duration::from_secs(*dice.pick(&[0, 0, 5, 30, 60]).unwrap()),
        // A shop of one's own shows its orders at once, or nearly so.
        order_delay: Duration::from_secs(match kind {
            DrawnKind::WooCommerce => *dice.pick(&[0, 0, 20]).unwrap(),
            _ => *dice.pick(&[0, 0, 0, 20, 60, 300]).unwrap(),
        }),
        pays_after: None,
        latency: dice.happens(0.5),
    }
}

/// A pack of several, or a kit of two.
fn recipe(dice: &mut Dice, goods: &[(String, i64)]) -> Vec<(String, i64)> {
    let first = goods[dice.below(goods.len())].0.clone();
    let mut parts = vec![(first, 1 + below(dice, 4))];
    let second = goods[dice.below(goods.len())].0.clone();
    if dice.happens(0.5) && second != parts[0].0 {
        parts.push((second, 1 + below(dice, 2)));
    }
    parts
}

fn pace(dice: &mut Dice) -> Pace {
    let busy = *dice.pick(&[20.0, 60.0, 200.0]).unwrap();
    let mut some = |rate: f64| if dice.happens(0.6) { rate } else { 0.0 };
    Pace {
        orders: busy,
        sent: some(busy / 6.0),
        cancelled: some(busy / 8.0),
        taken_back: some(busy / 8.0),
        owner_edits: some(6.0),
        other_apps: some(4.0),
        ..Pace::default()
    }
}

fn spells(dice: &mut Dice, cycles: u32, channels: &[DrawnChannel]) -> Vec<Spell> {
    let kinds = [
        Trouble::Unreachable,
        Trouble::LostBefore,
        Trouble::LostAfter,
        Trouble::CutBody,
        Trouble::BrokenJson,
        Trouble::HtmlPage,
        Trouble::Status(500),
        Trouble::Status(503),
        Trouble::StatusAfter(502),
        Trouble::TooMany { retry_after: Some(3) },
        Trouble::TooMany { retry_after: None },
        Trouble::Word("THROTTLED"),
        Trouble::Slow(Duration::from_secs(20)),
        Trouble::Slow(Duration::from_secs(90)),
        Trouble::SlowAnswer(Duration::from_secs(15)),
        Trouble::SlowAnswer(Duration::from_secs(150)),
        Trouble::Drift,
        Trouble::NoNumbers,
        Trouble::TokenRefused,
    ];
    let most = *dice.pick(&[0, 0, 1, 2, 4]).unwrap();
    let spell = |dice: &mut Dice| {
        let from = u32::try_from(dice.below(cycles as usize)).unwrap();
        let length = 1 + u32::try_from(dice.below(8)).unwrap();
        let at = channels[dice.below(channels.len())].name;
        Spell {
            from,
            until: (from + length).min(cycles),
            chance: *dice.pick(&[0.05, 0.2, 0.5, 1.0]).unwrap(),
            trouble: dice.pick(&kinds).unwrap().clone(),
            at: dice.happens(0.6).then_some(at),
            writing: dice.pick(&[None, Some(true), Some(false)]).copied().flatten(),
        }
    };
    (0..most).map(|_| spell(dice)).collect()
}

/// Draws trouble of a rarer kind, which speaks the language of one platform. By dice of its own, after all else is drawn.
fn rare_spell(seed: u64, cycles: u32, channels: &[DrawnChannel]) -> Option<Spell> {
    let mut dice = Dice::new(seed ^ 0x7A2E);
    if !dice.happens(0.15) {
        return None;
    }
    let channel = dice.pick(channels).filter(|channel| channel.kind.is_shop())?;
    // What the platform says of what it does not take, and the right to read its numbers.
    let (refusal, right) = match channel.kind {
        DrawnKind::Shopify => ("NON_MUTABLE_INVENTORY_ITEM", "read_inventory"),
        DrawnKind::WooCommerce => ("woocommerce_rest_cannot_edit", "products"),
        DrawnKind::Ebay(_) => ("21919188", "sell.inventory"),
        DrawnKind::Etsy => ("This listing is frozen.", "listings_r"),
        DrawnKind::Csv { .. } => return None,
    };
    let mut kinds = vec![Trouble::Refuse(refusal), Trouble::Denied(right)];
    // Where a write to the source can run over a sale, what is read right after it, and when, is all that tells.
    if !channel.kind.runs_over() || channel.name != "source" {
        let minute = jiff::SignedDuration::from_mins(1);
        let late = Trouble::Stale(Duration::from_secs(30));
        kinds.extend([late, Trouble::WrongClock(minute), Trouble::WrongClock(-minute)]);
    }
    let from = u32::try_from(dice.below(cycles as usize)).unwrap();
    let length = 1 + u32::try_from(dice.below(4)).unwrap();
    Some(Spell {
        from,
        until: (from + length).min(cycles),
        chance: *dice.pick(&[0.05, 0.2, 0.5, 1.0]).unwrap(),
        trouble: dice.pick(&kinds).unwrap().clone(),
        at: Some(channel.name),
        writing: None,
    })
}

/// Draws how many calls are left where they are counted. By dice that leave alone the seeds that once found something.
fn calls_left(seed: u64) -> Option<usize> {
    let mut dice = Dice::new(seed ^ 0x1_59E4);
    let calls = *dice.pick(&[10, 40, 100, 200, 400]).unwrap();
    dice.happens(0.15).then_some(calls)
}

/// Draws when the owner changes their mind. By dice that leave alone the seeds that once found something.
fn undone(seed: u64, cycles: u32) -> Option<u32> {
    let mut dice = Dice::new(seed ^ 0x0F03);
    let cycle = u32::try_from(dice.below(cycles as usize)).unwrap();
    dice.happens(0.1).then_some(cycle)
}

fn turns(dice: &mut Dice, cycles: u32, channels: &[DrawnChannel]) -> Vec<Turn> {
    let mut turns = Vec::new();
    for channel in channels.iter().skip(1).filter(|channel| channel.kind.is_shop()) {
        let Some((sku, _)) = dice.pick(&channel.listings).filter(|_| dice.happens(0.3)).cloned() else { continue };
        if channel.shared.contains(&sku) {
            continue;
        }
        let off = u32::try_from(dice.below(cycles as usize)).unwrap();
        turns.push(Turn { cycle: off, channel: channel.name, sku: sku.clone(), archived: true });
        if dice.happens(0.7) {
            let on = off + 1 + u32::try_from(dice.below(6)).unwrap();
            turns.push(Turn { cycle: on, channel: channel.name, sku, archived: false });
        }
    }
    turns
}

fn disk(dice: &mut Dice, cycles: u32) -> DrawnDisk {
    let spell = |dice: &mut Dice| {
        let from = u32::try_from(dice.below(2 * cycles as usize)).unwrap();
        (from, from + 1 + u32::try_from(dice.below(3)).unwrap())
    };
    match dice.below(100) {
        0 => DrawnDisk::File,
        1..50 => DrawnDisk::Troubled { full: spell(dice), busy: spell(dice) },
        _ => DrawnDisk::Memory,
    }
}

fn clock(dice: &mut Dice, seed: u64) -> (i64, i64) {
    let wrong = [0, 0, 0, 86_400, -86_400, 300, -300];
    let first = *dice.pick(&wrong).unwrap();
    let then = if dice.happens(0.8) { first } else { *dice.pick(&wrong).unwrap() };
    let from_dawn = Dice::new(seed ^ 0xC1_0CC5).happens(0.5);
    (if from_dawn { first } else { 0 }, then)
}
