//! A drawn day is lived: cycles follow one another while the town is awake; then trouble ends, and the shops come to rest.

use std::collections::BTreeMap;
use std::time::Duration;

use eys::domain::policy::ZeroStock;
use eys::domain::rule::{Rule, Then, When};
use eys::domain::{Act, IntentState, LineId, ListingId, Role, RunId, Sku};
use eys::engine::{Engine, EngineError, LaneEnd, Options, Report, Trouble, settle_doubt};
use eys::store::{Store, Trouble as Ailment};
use eys::ui::{Look, Ui, report_json, report_text};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::disk::Disk;
use super::draw::{AtZero, Drawn, DrawnChannel, DrawnDisk, DrawnKind, DrawnRule, Models, Spell};
use super::lived::{Lived, Stretch};
use super::oracle::secrets;
use super::town::{self, Diary, List, ListDeed, cell};
use crate::shops::{Shops, name};
use crate::sim::ebay::{Ebay, EbaySpec, ListingSpec};
use crate::sim::etsy::{Etsy, EtsySpec, ListingSpec as EtsyListing};
use crate::sim::{Deed, Dice, Good, Pace, Rule as Fault, ShopHandle, State, Trouble as Fate, Who};

/// Runs after the trouble in which everything must have come to rest.
const MOST_RUNS: u32 = 40;

/// Runs without anything to do after which they have: what nobody explained is waited for longer than the first of them.
const QUIET_RUNS: u32 = 3;

/// More calls than any day takes.
const MANY_CALLS: usize = 5_000_000;

/// A day under way.
pub(super) struct Day<'a> {
    pub drawn: &'a Drawn,
    pub shops: Shops,
    disk: Option<Disk>,
    engine: Option<Engine>,
    dice: Dice,
    told: bool,
    heard: usize,
    pub diary: Diary,
    read: usize,
    /// Until when it was noted what waits for the owner.
    pub noted: Option<Timestamp>,
    /// How many calls of each shop were told.
    called: BTreeMap<&'static str, usize>,
    pub lived: Lived,
}

pub async fn live(drawn: &Drawn, told: bool) -> Lived {
    let mut day = Day::dawn(drawn, told);
    day.first_push().await;
    let diary = day.diary.clone();
    let town = tokio::spawn(town::live(day.shops.market.clone(), day.lists(), drawn.list_pace, drawn.seed, diary));
    day.shops.market.alive(Some(drawn.pace.clone()));
    day.count_calls();
    day.work().await;
    day.shops.market.alive(None::<Pace>);
    town.abort();
    day.calm().await;
    day.lived.restless = day.rest().await;
    day.tell_ledger();
    day.gather();
    if let Some(disk) = &day.disk {
        day.lived.kept = secrets(drawn).into_iter().filter(|secret| disk.holds(secret)).collect();
        disk.scrap();
    }
    day.lived
}

impl<'a> Day<'a> {
    fn dawn(drawn: &'a Drawn, told: bool) -> Self {
        let mut shops = Shops::seeded(drawn.seed);
        let disk = match drawn.disk {
            DrawnDisk::Memory => None,
            DrawnDisk::File => {
                shops.on_disk();
                None
            }
            DrawnDisk::Troubled { .. } => {
                let disk = Disk::new();
                shops.store = disk.open().unwrap();
                Some(disk)
            }
        };
        for (nth, channel) in drawn.channels.iter().enumerate() {
            open(&mut shops, drawn, channel, nth == 0);
        }
        shops.rules = drawn.channels.iter().filter_map(rule).collect();
        // A list has no clock of its own: an order counts where its stamp is later than the link by this machine's (W7).
        if !drawn.targets().iter().any(|target| matches!(target.kind, DrawnKind::Csv { .. })) {
            shops.set_clock(drawn.clock.0);
        }
        let dice = Dice::new(drawn.seed ^ 0xDA_1111);
        let (diary, lived) = (Diary::default(), Lived::default());
        Self {
            drawn,
            shops,
            disk,
            engine: None,
            dice,
            told,
            heard: 0,
            diary,
            read: 0,
            noted: None,
            called: BTreeMap::new(),
            lived,
        }
    }

    /// Buyers come before anything is linked; then the shops are linked, and the owner lets the first push go.
    async fn first_push(&mut self) {
        if self.drawn.early > 0 {
            self.shops.market.alive(Some(Pace::buyers(30.0)));
            self.shops.pass(60 * self.drawn.early).await;
            self.shops.market.alive(None::<Pace>);
            self.shops.pass(600).await;
        }
        if self.drawn.channels.iter().any(|channel| channel.kind.is_silent()) {
            // A listing that is new shows late there.
            self.shops.pass(120).await;
        }
        // The owner lets a source's listings be taken out of sight for their last units from the beginning (Z2).
        self.shops.store.transaction(|tx| tx.set_meta("last-unit:source", "released")).unwrap();
        self.lived.linked = self.shops.market.now();
        self.shops.link().await;
        for channel in self.drawn.targets() {
            for (sku, parts) in channel.listings.iter().filter(|(sku, _)| sku.starts_with("SET-")) {
                let parts: Vec<(&str, i64)> = parts.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
                self.shops.tie(channel.name, sku, &parts);
            }
        }
        self.shops.pass(10).await;
        let report = self.shops.sync_with(Options::default()).await;
        self.hear(&report);
        self.shops.pass(10).await;
        self.lived.released = self.shops.market.now();
        let report = self.shops.sync_with(Options { yes: true, ..Options::default() }).await;
        self.hear(&report);
        self.shops.pass(60).await;
        self.lived.began = self.shops.market.now();
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

    /// Lives the cycles of the day.
    async fn work(&mut self) {
        self.shops.set_clock(self.drawn.clock.0);
        for cycle in 0..self.drawn.cycles {
            let from = self.shops.market.now();
            let spells: Vec<&Spell> =
                self.drawn.spells.iter().filter(|spell| (spell.from..spell.until).contains(&cycle)).collect();
            self.trouble(&spells);
            let disk_fails = self.disk_trouble(cycle);
            self.turn(cycle);
            if cycle == self.drawn.cycles / 2 {
                self.shops.set_clock(self.drawn.clock.1);
            }
            let killed = self.dice.happens(self.drawn.crashes);
            if killed {
                self.crash().await;
            } else {
                let report = self.cycle(Options::default()).await;
                if self.drawn.undone == Some(cycle) {
                    self.undo(report.and_then(|report| report.run)).await;
                }
            }
            let until = self.shops.market.now();
            self.shops.pass(self.drawn.every.as_secs()).await;
            let stretch = Stretch { from, until: self.shops.market.now() };
            let run_low = self.drawn.calls_run_low();
            if killed || disk_fails || run_low || !spells.is_empty() {
                self.lived.troubled.push(stretch);
            }
            if !disk_fails {
                self.note_what_waits(stretch);
            }
            if killed || disk_fails || run_low || spells.iter().any(|spell| spell.trouble != Fate::NoNumbers) {
                self.lived.dark.push(stretch);
            }
            let numberless = |spell: &&Spell| {
                spell.trouble == Fate::NoNumbers && spell.at.is_none_or(|at| at == self.drawn.source().name)
            };
            if spells.iter().any(numberless) || self.drawn.calls_left(self.drawn.source()).is_some() {
                self.lived.numberless.push(stretch);
            }
            let takes_long = |spell: &&&Spell| matches!(spell.trouble, Fate::Slow(_) | Fate::SlowAnswer(_));
            self.lived.slow.extend(spells.iter().filter(takes_long).map(|spell| (stretch, spell.at)));
            let loses = |spell: &&&Spell| spell.loses_answers();
            self.lived.deaf.extend(spells.iter().filter(loses).map(|spell| (stretch, spell.at)));
            if spells.iter().any(|spell| self.drawn.blinds(spell)) {
                self.lived.blind.push(Stretch { from, until });
            }
        }
    }

    /// Sets up what goes wrong in a cycle.
    fn trouble(&mut self, spells: &[&Spell]) {
        self.lived.faults += self.shops.market.struck();
        self.shops.market.peace();
        for spell in spells {
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
    }

    /// Sets up what goes wrong with the disk in a cycle; tells whether anything does.
    fn disk_trouble(&mut self, cycle: u32) -> bool {
        let (DrawnDisk::Troubled { full, busy }, Some(disk)) = (self.drawn.disk, &self.disk) else { return false };
        let [full, busy] = [full, busy].map(|(from, until)| (from..until).contains(&cycle));
        disk.set_full(full);
        disk.set_busy_after(busy.then(|| u32::try_from(self.dice.below(40)).unwrap()));
        self.lived.faults += usize::from(full) + usize::from(busy);
        full || busy
    }

    /// The owner takes listings off sale, or puts them back, or up anew.
    fn turn(&mut self, cycle: u32) {
        if let Some(relisted) = self.drawn.relisted.as_ref().filter(|relisted| relisted.cycle == cycle) {
            let shop = self.shops.market.shop(relisted.channel);
            shop.delete(&relisted.sku);
            shop.add(&relisted.sku, relisted.units);
            self.lived.relisted = Some(self.shops.market.now());
        }

        for turn in self.drawn.turns.iter().filter(|turn| turn.cycle == cycle) {
            let state = if turn.archived { State::Archived } else { State::Live };
            self.shops.market.shop(turn.channel).set_state(&turn.sku, state);
        }
    }

    /// Lets platforms that count the calls of a day answer only so many more as were drawn.
    fn count_calls(&self) {
        for channel in &self.drawn.channels {
            let made = self.shops.market.calls(channel.name).len();
            if let Some(left) = self.drawn.calls_left(channel) {
                allow(&self.shops.market.shop(channel.name), channel, made + left);
            }
        }
    }

    /// Ends all trouble. Where calls ran low, a new day begins.
    async fn calm(&mut self) {
        self.trouble(&[]);
        if let Some(disk) = &self.disk {
            disk.set_full(false);
            disk.set_busy_after(None);
        }
        for turn in self.drawn.turns.iter().filter(|turn| !turn.archived) {
            self.shops.market.shop(turn.channel).set_state(&turn.sku, State::Live);
        }
        if self.drawn.calls_run_low() {
            for channel in self.drawn.channels.iter().filter(|channel| channel.kind.is_shop()) {
                allow(&self.shops.market.shop(channel.name), channel, MANY_CALLS);
            }
            let from = self.shops.market.now();
            self.shops.pass(24 * 3600).await;
            let stretch = Stretch { from, until: self.shops.market.now() };
            self.lived.dark.push(stretch);
            self.lived.troubled.push(stretch);
        }
        if let (Some(relisted), Some(from)) = (&self.drawn.relisted, self.lived.relisted) {
            self.shops.accept().await;
            let listing = (relisted.channel.to_owned(), relisted.sku.clone());
            self.lived.untied.push((Stretch { from, until: self.shops.market.now() }, listing));
        }
    }

    /// The owner undoes a run.
    async fn undo(&mut self, run: Option<RunId>) {
        if run.is_some() {
            let from = self.shops.market.now();
            self.cycle(Options { undo: run, ..Options::default() }).await;
            self.lived.undone.push(Stretch { from, until: self.shops.market.now() });
        }
    }

    /// Makes a run; `None` where there is nothing to undo, or the disk failed it, which a loop tells of and goes on.
    async fn cycle(&mut self, options: Options) -> Option<Report> {
        if self.drawn.one_shots {
            self.shops.connect_anew();
        }
        if self.drawn.one_shots || self.engine.is_none() {
            self.engine = Some(self.shops.engine());
        }
        let engine = self.engine.as_mut().expect("it was made just now");
        match engine.cycle(&mut self.shops.store, &options, &CancellationToken::new()).await {
            Ok(report) => {
                self.hear(&report);
                Some(report)
            }
            Err(EngineError::NothingToUndo(_)) => None,
            Err(EngineError::Store(error)) if matches!(error.trouble, Ailment::Full | Ailment::Busy) => {
                if self.told {
                    println!("{} {error}", self.shops.market.now());
                }
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A process dies somewhere in a cycle, or the power goes; what is on disk is what the next one finds.
    async fn crash(&mut self) {
        self.lived.crashes += 1;
        let mut engine = self.engine.take().unwrap_or_else(|| self.shops.engine());
        let mut moment = Duration::from_millis(u64::try_from(self.dice.below(4000)).unwrap());
        if let Some(disk) = self.disk.as_ref().filter(|_| self.dice.happens(0.7)) {
            disk.fail_power_after(u32::try_from(self.dice.below(150)).unwrap());
            moment = Duration::from_mins(5);
        }
        if self.told {
            println!("{} killed after {moment:?}, or before by the disk", self.shops.market.now());
        }
        let (options, stop) = (Options::default(), CancellationToken::new());
        let _ = tokio::time::timeout(moment, engine.cycle(&mut self.shops.store, &options, &stop)).await;
        drop(engine);
        if let Some(disk) = &self.disk {
            disk.set_busy_after(None);
            disk.cut();
            self.shops.store = Store::in_memory().unwrap();
            disk.recover(&mut self.dice);
            self.shops.store = disk.open().unwrap();
        } else if self.drawn.disk == DrawnDisk::File {
            self.shops.restart();
        }
    }

    /// Runs on, now that all is well, until nothing is left to be done; returns what was left otherwise.
    async fn rest(&mut self) -> Option<String> {
        let (mut last, mut quiet) = (String::new(), 0);
        for nth in 0..MOST_RUNS {
            self.shops.pass(240).await;
            self.count_what_waits();
            let options = Options { yes: nth % 2 == 1, full: nth == 2 || nth > 8, ..Options::default() };
            let Some(report) = self.cycle(options).await else { continue };
            let still = report.deductions.is_empty() && report.pushes.is_empty() && report.sales.is_empty();
            // Asked before every channel has been reached, the owner would be told of numbers that no run could lower yet.
            let reached = report.lanes.iter().all(|lane| matches!(lane.end, LaneEnd::Complete));
            let settled = reached && self.settle_doubts();
            // What nobody explained is waited for ten minutes; only after that the shops are at rest.
            // Units that are sold and not there stay owed, and stay told.
            let owed = |trouble: &Trouble| matches!(trouble.code, "oversold" | "owing");
            let well = report.exit() == 0 || (report.exit() == 3 && report.troubles.iter().all(owed));
            quiet = if still && !settled && well { quiet + 1 } else { 0 };
            // What only the full reading of the third run showed is waited for as well.
            if quiet > QUIET_RUNS && nth > 2 + QUIET_RUNS {
                return None;
            }
            last = format!("{}: {:?} {:?}", report.summary(), report.troubles, report.pushes);
        }
        Some(last)
    }

    /// In this town no other app is at work: whatever waits because it looks like one, the owner lets count. Lines that
    /// were there before the link stay what they are, other than by `--count-missed`.
    fn count_what_waits(&mut self) {
        let counted = self.shops.store.transaction(|tx| {
            for mut line in tx.held_lines(None)? {
                line.count_missed();
                tx.save_line(&mut line)?;
                tx.mark_dirty(&line.shares.iter().map(|share| share.source).collect::<Vec<_>>())?;
            }
            Ok(())
        });
        counted.unwrap();
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
                let Act::Adjust { delta, .. } = intent.act else { continue };
                let known = self.shops.store.read(|tx| tx.known(intent.listing)).unwrap().unwrap();
                let sku = known.listing.skus().next().unwrap().to_string();
                let done = match self.drawn.source().kind {
                    DrawnKind::Csv { .. } => self.taken_off_the_list(&sku) == self.believed(intent.listing) - delta.0,
                    // A goal carries no key: whoever looks sees that a number was written, or at Etsy that the listing went
                    // out of sight, or came back with the unit that it kept.
                    DrawnKind::Ebay(_) | DrawnKind::Etsy => events.iter().any(|event| {
                        let wrote = matches!(
                            event.deed,
                            Deed::Wrote { who: Who::App, .. } | Deed::Listing { who: Who::App, .. }
                        );
                        wrote && event.shop == "source" && event.deed.sku() == sku && intent.opened <= event.at
                    }),
                    DrawnKind::Shopify | DrawnKind::WooCommerce => events.iter().any(|event| {
                        event.shop == "source"
                            && event.deed.sku() == sku
                            && keyed(&event.deed).is_some_and(|key| is_of(key, &call.stored.key))
                    }),
                };
                self.note_doubt(&sku);
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

    /// Returns the units that were taken off a source that is a list, by what its owner did not do.
    fn taken_off_the_list(&self, sku: &str) -> i64 {
        let at_first = self.drawn.goods.iter().find(|(good, _)| good == sku).map_or(0, |(_, units)| *units);
        let of_sku = |deed: &ListDeed| deed.channel == "source" && deed.sku == sku;
        let edited: i64 = self.diary.deeds().into_iter().filter(of_sku).map(|deed| deed.edited).sum();
        at_first + edited - cell(&self.shops.path("source"), sku).unwrap()
    }

    /// Returns the units that the program believes to have taken off a listing of the source.
    fn believed(&self, source: ListingId) -> i64 {
        let line = |id| self.shops.store.read(|tx| tx.line_by_id(LineId(id))).unwrap();
        let shares = (1..).map_while(line).flat_map(|line| line.shares);
        shares.filter(|share| share.source == source).map(|share| share.applied).sum()
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
            for channel in self.drawn.channels.iter().filter(|channel| channel.kind.is_shop()) {
                let calls = self.shops.market.calls(channel.name);
                let told = self.called.insert(channel.name, calls.len()).unwrap_or_default();
                let new =
                    calls[told..].iter().map(|call| format!("{:.1} {} {:?}", call.at, call.operation, call.status));
                println!("    calls: {} {}", channel.name, new.collect::<Vec<_>>().join(", "));
            }
            for trouble in &report.troubles {
                println!("    trouble: {} {:?} {}", trouble.code, trouble.listing, trouble.message);
            }
        }
        let ui = Ui::new(Look { plain: true, verbose: true, ..Look::default() });
        let json = serde_json::Value::Object(report_json(report, false));
        self.lived.said.push_str(&format!("{report:?}{}{json}", report_text(&ui, report, false)));
    }

    /// Tells the whole story of the SKU that `EYS_SKU` names.
    fn tell_ledger(&self) {
        let wanted = std::env::var("EYS_SKU").ok().filter(|_| self.told);
        let Some(sku) = wanted.and_then(|sku| Sku::new(&sku)) else { return };
        let entries = self.shops.store.read(|tx| {
            let ids: Vec<_> = tx.listings_by_sku(&sku)?.into_iter().map(|known| known.id).collect();
            tx.ledger(&ids, usize::MAX >> 1)
        });
        for entry in entries.unwrap() {
            println!("ledger: run {} {:?}", entry.run.0, entry.movement);
        }
    }
}

/// Opens a channel with what it sells; targets begin with numbers of their own.
fn open(shops: &mut Shops, drawn: &Drawn, channel: &DrawnChannel, is_source: bool) {
    let alone = |sku: &&str| !channel.shared.iter().any(|other| other == sku) && channel.siblings(sku).len() == 1;
    let in_annex = |units: &i64| if is_source && drawn.annex { units / 2 } else { 0 };
    let mut goods: Vec<(&str, i64)> = if is_source {
        let here = drawn.goods.iter().map(|(sku, units)| (sku.as_str(), units - in_annex(units)));
        here.filter(|(sku, _)| alone(sku)).collect()
    } else {
        channel.listings.iter().map(|(sku, _)| (sku.as_str(), 3)).filter(|(sku, _)| alone(sku)).collect()
    };
    goods.extend(channel.alone.iter().chain(&channel.archived).map(|sku| (sku.as_str(), 5)));
    let at_first =
        |sku: &String| drawn.goods.iter().find(|(good, _)| is_source && good == sku).map_or(3, |(_, units)| *units);
    let good = |sku: &String| Good::new(sku, at_first(sku));
    let varied: Vec<Vec<Good>> = channel.varied.iter().map(|skus| skus.iter().map(good).collect()).collect();
    let role = if is_source { Role::Source } else { Role::Target };
    let shop = match channel.kind {
        DrawnKind::Shopify => shops.shopify(channel.name, role, &goods),
        DrawnKind::WooCommerce => shops.woocommerce(channel.name, role, &goods),
        DrawnKind::Ebay(models) => {
            let shop = shops.ebay_of(role, &account(channel.name, models, &goods, &varied));
            shop.face(|face: &mut Ebay| {
                (face.pays_at_once, face.pays_after) = (channel.pays_after.is_none(), channel.pays_after);
            });
            shop
        }
        DrawnKind::Etsy => {
            let spec = EtsySpec::new(channel.name, &goods);
            shops.etsy_of(role, &varied.iter().fold(spec, |spec, sizes| spec.with(EtsyListing::varied("Tee", sizes))))
        }
        DrawnKind::Csv { .. } => return shops.csv(channel.name, role, &goods),
    };
    if channel.kind == DrawnKind::Etsy {
        shop.face(|face: &mut Etsy| {
            face.apps_renew = true;
            face.consents_anew = true;
        });
    }
    // A day here has more cycles than a day has calls.
    allow(&shop, channel, MANY_CALLS);
    if let [first, ..] = channel.shared.as_slice() {
        let shared: Vec<&str> = channel.shared.iter().map(String::as_str).collect();
        shop.add_pool("Tee", at_first(first), &shared);
    }
    if is_source && drawn.annex {
        let annex = shop.add_location("Annex");
        drawn.goods.iter().for_each(|(sku, units)| shop.stock_at(sku, annex, in_annex(units)));
    }
    for sku in &channel.archived {
        shop.set_state(sku, State::Archived);
    }
    shop.set_lag(channel.lag);
    shop.set_order_delay(channel.order_delay);
    if channel.latency {
        shops.market.set_latency(Duration::from_millis(150));
    }
    shops.lane(channel.name).zero_stock = match channel.at_zero {
        AtZero::Seen => ZeroStock::Keep,
        AtZero::Hidden => ZeroStock::Hide,
        AtZero::Ended => ZeroStock::End,
    };
}

/// Lets a platform that counts the calls of a day answer so many.
fn allow(shop: &ShopHandle, channel: &DrawnChannel, calls: usize) {
    match channel.kind {
        DrawnKind::Ebay(_) => shop.face(|face: &mut Ebay| {
            face.quotas.a_day.insert("tradingapi", calls);
        }),
        DrawnKind::Etsy => shop.face(|face: &mut Etsy| face.private.a_day = calls),
        DrawnKind::Shopify | DrawnKind::WooCommerce | DrawnKind::Csv { .. } => {}
    }
}

fn account(name: &str, models: Models, goods: &[(&str, i64)], varied: &[Vec<Good>]) -> EbaySpec {
    let made = |(nth, listing): (usize, ListingSpec)| {
        let is_classic = models == Models::Classic || (models == Models::Both && nth % 2 == 0);
        if is_classic { listing } else { listing.inventory() }
    };
    let singles = goods.iter().map(|(sku, units)| ListingSpec::single(sku, *units));
    let varied = varied.iter().map(|sizes| ListingSpec::varied("Tee", sizes));
    singles.chain(varied).enumerate().map(made).fold(EbaySpec::new(name, &[]), EbaySpec::with)
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

/// Tells whether a key is of a call: its own, or one with an addition of a platform's. The second call is not the 22nd.
fn is_of(key: &str, call: &str) -> bool {
    key.strip_prefix(call).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

fn keyed(deed: &Deed) -> Option<&String> {
    match deed {
        Deed::Adjusted { key, .. } | Deed::Wrote { key, .. } => key.as_ref(),
        _ => None,
    }
}
