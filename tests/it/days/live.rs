//! A drawn day is lived: cycles follow one another while the town is awake; then trouble ends, and the shops come to rest.

use std::collections::BTreeMap;
use std::time::Duration;

use eys::domain::policy::ZeroStock;
use eys::domain::rule::{Rule, Then, When};
use eys::domain::{Act, IntentState, Role, Sku};
use eys::engine::{Engine, Options, Report, Trouble, settle_doubt};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::draw::{Drawn, DrawnChannel, DrawnKind, DrawnRule};
use super::town::{self, Diary, List, ListDeed, cell};
use crate::shops::{Shops, name};
use crate::sim::{Deed, Dice, Event, Pace, Rule as Fault};

/// Runs after the trouble in which everything must have come to rest.
const MOST_RUNS: u32 = 40;

/// What is left of a day, for the oracle.
pub struct Lived {
    /// When the first push was made: from then on everything counts.
    pub began: Timestamp,
    /// Everything that happened in the market.
    pub events: Vec<Event>,
    /// Everything that happened on lists.
    pub deeds: Vec<ListDeed>,
    /// When something went wrong.
    pub troubled: Vec<(Timestamp, Timestamp)>,
    /// What each channel shows at the end, by SKU.
    pub shows: BTreeMap<&'static str, BTreeMap<String, i64>>,
    /// Whether buyers can see each listing that could be hidden.
    pub visible: BTreeMap<(&'static str, String), bool>,
    /// The last report, if the shops did not come to rest.
    pub restless: Option<String>,
    /// Everything that was reported, for secrets.
    pub said: String,
    pub orders: usize,
    pub faults: usize,
    pub crashes: usize,
}

/// A day under way.
struct Day<'a> {
    drawn: &'a Drawn,
    shops: Shops,
    engine: Option<Engine>,
    dice: Dice,
    told: bool,
    said: String,
    crashes: usize,
    faults: usize,
    heard: usize,
    diary: Diary,
    read: usize,
}

pub async fn live(drawn: &Drawn, told: bool) -> Lived {
    let mut day = Day::dawn(drawn, told);
    day.first_push().await;
    let began = day.shops.market.now();
    let diary = day.diary.clone();
    let town =
        tokio::spawn(town::live(day.shops.market.clone(), day.lists(), drawn.list_pace, drawn.seed, diary.clone()));
    day.shops.market.alive(Some(drawn.pace.clone()));
    let troubled = day.work().await;
    day.shops.market.alive(None::<Pace>);
    town.abort();
    day.shops.market.peace();
    let restless = day.rest().await;
    day.ends(began, &diary, troubled, restless)
}

impl<'a> Day<'a> {
    fn dawn(drawn: &'a Drawn, told: bool) -> Self {
        let mut shops = Shops::seeded(drawn.seed);
        if drawn.on_disk {
            shops.on_disk();
        }
        for (nth, channel) in drawn.channels.iter().enumerate() {
            open(&mut shops, drawn, channel, nth == 0);
        }
        shops.rules = drawn.channels.iter().filter_map(rule).collect();
        let dice = Dice::new(drawn.seed ^ 0xDA_1111);
        let said = String::new();
        Self {
            drawn,
            shops,
            engine: None,
            dice,
            told,
            said,
            crashes: 0,
            faults: 0,
            heard: 0,
            diary: Diary::default(),
            read: 0,
        }
    }

    async fn first_push(&mut self) {
        self.shops.link().await;
        for channel in self.drawn.targets() {
            for (sku, parts) in channel.listings.iter().filter(|(sku, _)| sku.starts_with("SET-")) {
                let parts: Vec<(&str, i64)> = parts.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
                self.shops.tie(channel.name, sku, &parts);
            }
        }
        let report = self.shops.sync_with(Options { yes: true, ..Options::default() }).await;
        self.hear(&report);
        self.shops.pass(60).await;
    }

    fn lists(&self) -> Vec<List> {
        let list = |(nth, channel): (usize, &DrawnChannel)| {
            let DrawnKind::Csv { lowers } = channel.kind else { return None };
            let skus = if nth == 0 {
                self.drawn.goods.iter().map(|(sku, _)| sku.clone()).collect()
            } else {
                channel.listings.iter().map(|(sku, _)| sku.clone()).collect()
            };
            let orders = (nth > 0).then(|| self.shops.orders_path(channel.name));
            Some(List { channel: channel.name, path: self.shops.path(channel.name), orders, lowers, skus })
        };
        self.drawn.channels.iter().enumerate().filter_map(list).collect()
    }

    /// Lives the cycles of the day; returns when something went wrong.
    async fn work(&mut self) -> Vec<(Timestamp, Timestamp)> {
        let mut troubled = Vec::new();
        for cycle in 0..self.drawn.cycles {
            let from = self.shops.market.now();
            let in_trouble = self.trouble(cycle);
            if cycle == self.drawn.cycles / 2 {
                self.shops.set_clock(self.drawn.clock.1);
            }
            let killed = self.dice.happens(self.drawn.crashes);
            if killed {
                self.crash().await;
            } else {
                let report = self.cycle(Options::default()).await;
                self.hear(&report);
            }
            self.shops.pass(self.drawn.every.as_secs()).await;
            if in_trouble || killed {
                troubled.push((from, self.shops.market.now()));
            }
        }
        troubled
    }

    /// Sets up what goes wrong in a cycle; tells whether anything does.
    fn trouble(&mut self, cycle: u32) -> bool {
        self.faults += self.shops.market.struck();
        self.shops.market.peace();
        let mut any = false;
        for spell in self.drawn.spells.iter().filter(|spell| (spell.from..spell.until).contains(&cycle)) {
            any = true;
            let mut fault = Fault::sometimes(spell.chance, spell.trouble.clone());
            if let Some(at) = spell.at {
                fault = fault.at(at);
            }
            fault = match spell.writing {
                Some(true) => fault.writing(),
                Some(false) => fault.reading(),
                None => fault,
            };
            self.shops.market.trouble(fault);
        }
        any
    }

    async fn cycle(&mut self, options: Options) -> Report {
        if self.drawn.one_shots || self.engine.is_none() {
            self.engine = Some(self.shops.engine());
        }
        let engine = self.engine.as_mut().expect("it was made just now");
        engine.cycle(&mut self.shops.store, &options, &CancellationToken::new()).await.unwrap()
    }

    /// A process dies somewhere in a cycle; what it had committed is what the next one finds.
    async fn crash(&mut self) {
        self.crashes += 1;
        let mut engine = self.engine.take().unwrap_or_else(|| self.shops.engine());
        let moment = Duration::from_millis(u64::try_from(self.dice.below(4000)).unwrap());
        if self.told {
            println!("{} killed after {moment:?}", self.shops.market.now());
        }
        let (options, stop) = (Options::default(), CancellationToken::new());
        let _ = tokio::time::timeout(moment, engine.cycle(&mut self.shops.store, &options, &stop)).await;
        drop(engine);
        if self.drawn.on_disk {
            self.shops.restart();
        }
    }

    /// Runs on, now that all is well, until nothing is left to be done; returns what was left otherwise.
    async fn rest(&mut self) -> Option<String> {
        let mut last = String::new();
        for nth in 0..MOST_RUNS {
            self.shops.pass(120).await;
            // In this town no other app is at work: whatever waits because it looks like one, the owner lets count.
            let waiting = self.shops.store.read(|tx| tx.held_lines(None)).unwrap();
            let count_missed = waiting.into_iter().map(|line| line.channel).collect();
            let options = Options { yes: nth % 2 == 1, full: nth > 10, count_missed, ..Options::default() };
            let report = self.cycle(options).await;
            self.hear(&report);
            let still = report.deductions.is_empty() && report.pushes.is_empty() && report.sales.is_empty();
            let settled = self.settle_doubts();
            // What nobody explained is waited for ten minutes; only after that the shops are at rest.
            // Units that are sold and not there stay owed, and stay told.
            let owed = |trouble: &Trouble| matches!(trouble.code, "oversold" | "owing");
            let well = report.exit() == 0 || (report.exit() == 3 && report.troubles.iter().all(owed));
            if nth > 8 && still && !settled && well {
                return None;
            }
            last = format!("{}: {:?} {:?}", report.summary(), report.troubles, report.pushes);
        }
        Some(last)
    }

    /// The owner looks into the shop's history and settles what nobody could tell.
    fn settle_doubts(&mut self) -> bool {
        let source = name("source");
        let calls = self.shops.store.read(|tx| tx.unfinished_calls(&source)).unwrap();
        let events = self.shops.market.events();
        let now = self.shops.market.now();
        let mut settled = false;
        for call in calls {
            for intent in call.intents.iter().filter(|intent| intent.state == IntentState::InDoubt) {
                let Act::Adjust { .. } = intent.act else { continue };
                let known = self.shops.store.read(|tx| tx.known(intent.listing)).unwrap().unwrap();
                let sku = known.listing.skus().next().unwrap().to_string();
                let done = events.iter().any(|event| {
                    event.shop == "source"
                        && event.deed.sku() == sku
                        && keyed(&event.deed).is_some_and(|key| key.starts_with(&call.stored.key))
                });
                settled |= self
                    .shops
                    .store
                    .transaction(|tx| {
                        let run = tx.begin_run("doctor --settle", now)?;
                        settle_doubt(tx, run, intent.id, done, now)
                    })
                    .unwrap();
            }
        }
        settled
    }

    fn hear(&mut self, report: &Report) {
        if self.told {
            let events = self.shops.market.events();
            for event in &events[self.heard..] {
                println!("{} {}: {:?}", event.at, event.shop, event.deed);
            }
            self.heard = events.len();
            let deeds = self.diary.deeds();
            for deed in &deeds[self.read..] {
                println!("{} {}: {} sold {} edited {}", deed.at, deed.channel, deed.sku, deed.sold, deed.edited);
            }
            self.read = deeds.len();
            println!("{} run: {}", self.shops.market.now(), report.summary());
            for sale in &report.sales {
                println!("    sold: {sale:?}");
            }
            for deduction in &report.deductions {
                println!(
                    "    source: {} {} → {} {:?} {:?}",
                    deduction.listing, deduction.from, deduction.to, deduction.end, deduction.orders
                );
            }
            for push in &report.pushes {
                println!("    push: {} {:?} → {} {:?} {:?}", push.listing, push.from, push.to, push.end, push.why);
            }
            for lane in &report.lanes {
                println!("    lane: {} {:?}", lane.channel, lane.end);
            }
            for trouble in &report.troubles {
                println!("    trouble: {} {:?} {}", trouble.code, trouble.listing, trouble.message);
            }
        }
        self.said.push_str(&format!("{report:?}"));
    }

    /// Tells the whole story of the SKU that `EYS_SKU` names.
    fn tell_ledger(&self) {
        let Some(sku) = std::env::var("EYS_SKU").ok().and_then(|sku| Sku::new(&sku)) else { return };
        let entries = self.shops.store.read(|tx| {
            let ids: Vec<_> = tx.listings_by_sku(&sku)?.into_iter().map(|known| known.id).collect();
            tx.ledger(&ids, usize::MAX >> 1)
        });
        for entry in entries.unwrap() {
            println!("ledger: run {} {:?}", entry.run.0, entry.movement);
        }
    }

    fn ends(
        mut self,
        began: Timestamp,
        diary: &Diary,
        troubled: Vec<(Timestamp, Timestamp)>,
        restless: Option<String>,
    ) -> Lived {
        self.faults += self.shops.market.struck();
        if self.told {
            self.tell_ledger();
        }
        let mut shows = BTreeMap::new();
        let mut visible = BTreeMap::new();
        for channel in &self.drawn.channels {
            let own = channel.listings.iter().map(|(sku, _)| sku.clone());
            let goods = self.drawn.goods.iter().map(|(sku, _)| sku.clone()).filter(|_| channel.listings.is_empty());
            let here = own.chain(goods).chain(channel.alone.clone()).map(|sku| {
                let units = match channel.kind {
                    DrawnKind::Shopify | DrawnKind::WooCommerce => self.shops.market.shop(channel.name).available(&sku),
                    DrawnKind::Csv { .. } => cell(&self.shops.path(channel.name), &sku).unwrap(),
                };
                if channel.zero_stock == ZeroStock::Hide {
                    let seen = self.shops.market.shop(channel.name).for_sale(&sku);
                    visible.insert((channel.name, sku.clone()), seen);
                }
                (sku, units)
            });
            shows.insert(channel.name, here.collect());
        }
        let events = self.shops.market.events();
        let sold = |event: &&Event| matches!(event.deed, Deed::Sold { .. });
        let deeds = diary.deeds();
        let orders = events.iter().filter(sold).count() + deeds.iter().filter(|deed| deed.sold > 0).count();
        let (faults, crashes) = (self.faults, self.crashes);
        Lived { began, events, deeds, troubled, shows, visible, restless, said: self.said, orders, faults, crashes }
    }
}

/// Opens a channel with what it sells; targets begin with numbers of their own.
fn open(shops: &mut Shops, drawn: &Drawn, channel: &DrawnChannel, is_source: bool) {
    let mut goods: Vec<(&str, i64)> = if is_source {
        drawn.goods.iter().map(|(sku, units)| (sku.as_str(), *units)).collect()
    } else {
        channel.listings.iter().map(|(sku, _)| (sku.as_str(), 3)).collect()
    };
    goods.extend(channel.alone.iter().map(|sku| (sku.as_str(), 5)));
    let role = if is_source { Role::Source } else { Role::Target };
    match channel.kind {
        DrawnKind::Shopify => {
            let shop = shops.shopify(channel.name, role, &goods);
            shop.set_lag(channel.lag);
            if channel.latency {
                shops.market.set_latency(Duration::from_millis(150));
            }
        }
        DrawnKind::WooCommerce => {
            shops.woocommerce(channel.name, role, &goods);
        }
        DrawnKind::Csv { .. } => shops.csv(channel.name, role, &goods),
    }
    shops.lane(channel.name).zero_stock = channel.zero_stock;
}

fn rule(channel: &DrawnChannel) -> Option<Rule> {
    let then = match channel.rule? {
        DrawnRule::Buffer(units) => Then { buffer: Some(units), ..Then::default() },
        DrawnRule::Percent(percent) => Then { percent: u32::try_from(percent).ok(), ..Then::default() },
        DrawnRule::Max(most) => Then { max: Some(most), ..Then::default() },
        DrawnRule::ZeroAtOrBelow(limit) => Then { zero_at_or_below: Some(limit), ..Then::default() },
    };
    let when = When { channel: Some(name(channel.name)), ..When::default() };
    Some(Rule { name: format!("rule for {}", channel.name), when, then })
}

fn keyed(deed: &Deed) -> Option<&String> {
    match deed {
        Deed::Adjusted { key, .. } | Deed::Wrote { key, .. } => key.as_ref(),
        _ => None,
    }
}
