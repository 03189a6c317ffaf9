//! Whole shops in process: the real engine, store and adapters against the market, on virtual time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use eys::channel::Channel;
use eys::channel::registry::{Doors, Keeper, Kind, SecretSource, Settings as ChannelSettings, Token, Value, kind};
use eys::domain::guard::Guard;
use eys::domain::policy::{Restock, SourceGone, ZeroStock};
use eys::domain::rule::Rule;
use eys::domain::{ChannelName, IntentState, LineHold, Role, Sku};
use eys::engine::checkup::{Checkup, examine};
use eys::engine::linking::{HandTie, LinkPlan, remove, survey, tie_by_hand};
use eys::engine::standing::{Watch, standing};
use eys::engine::whose::look_for_others;
use eys::engine::{Clock, Engine, Lane, Options, Progress, Quiet, Report, Settings, Surroundings, settle_doubt};
use eys::net::Transport;
use eys::net::http::Http;
use eys::store::{Store, Tx};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::sim::ebay::{Ebay, EbaySpec};
use crate::sim::etsy::{Etsy, EtsySpec};
use crate::sim::shopify::ShopSpec;
use crate::sim::woocommerce::{WooSpec, consumer_key, consumer_secret};
use crate::sim::{Deed, Event, Market, ShopHandle, Trouble, Who};

/// A shop with its channels, its state and its tool.
pub struct Shops {
    pub market: Market,
    pub folder: TempDir,
    pub store: Store,
    pub lanes: Vec<Lane>,
    pub rules: Vec<Rule>,
    pub patience: Duration,
    pub guard: Guard,
    /// The master switch.
    pub inventory_sync: bool,
    /// Whether what can cost a fee may be done on the channels that are added from now on (Z4).
    pub fees: bool,
    blocks: Vec<(&'static Kind, ChannelSettings)>,
    /// Whether the shops are reached over real sockets.
    pub over_the_wire: bool,
    /// Whether a process finds what the one before it noted about eBay; else each asks for all of it anew.
    pub remembers: bool,
    keys: Arc<AtomicU64>,
    /// What the next process must go on with: refresh tokens that are good once, and which locations count.
    kept: Arc<Remembering>,
    /// How wrong this machine's clock is, in seconds.
    clock: Arc<AtomicI64>,
}

#[derive(Debug)]
struct Fixed(&'static str);

#[async_trait]
impl SecretSource for Fixed {
    async fn fetch(&self) -> Result<SecretString, String> {
        Ok(SecretString::from(self.0.to_owned()))
    }
}

/// A secret that stands in channels.toml itself.
pub fn fixed(text: &'static str) -> Value {
    Value::Secret(Arc::new(Fixed(text)))
}

/// Keeps no token: each process fetches its own.
struct Forgetful;

#[async_trait]
impl Keeper for Forgetful {
    async fn load(&self, _: &ChannelName) -> Result<Option<Token>, String> {
        Ok(None)
    }

    async fn keep(&self, _: &ChannelName, _: &Token) -> Result<(), String> {
        Ok(())
    }
}

/// Keeps what a file would keep, for as long as the shops are there.
#[derive(Default)]
struct Remembering {
    tokens: Mutex<BTreeMap<ChannelName, Token>>,
    notes: Mutex<BTreeMap<ChannelName, String>>,
}

#[async_trait]
impl Keeper for Remembering {
    async fn load(&self, channel: &ChannelName) -> Result<Option<Token>, String> {
        Ok(self.tokens.lock().unwrap().get(channel).cloned())
    }

    async fn keep(&self, channel: &ChannelName, token: &Token) -> Result<(), String> {
        self.tokens.lock().unwrap().insert(channel.clone(), token.clone());
        Ok(())
    }

    async fn notes(&self, channel: &ChannelName) -> Result<Option<String>, String> {
        Ok(self.notes.lock().unwrap().get(channel).cloned())
    }

    async fn keep_notes(&self, channel: &ChannelName, notes: &str) -> Result<(), String> {
        self.notes.lock().unwrap().insert(channel.clone(), notes.to_owned());
        Ok(())
    }
}

pub fn name(text: &str) -> ChannelName {
    ChannelName::new(text).unwrap()
}

impl Shops {
    pub fn new() -> Self {
        Self::seeded(7)
    }

    /// Makes an empty market whose chance is another for each seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            market: Market::new(seed),
            folder: tempfile::tempdir().unwrap(),
            store: Store::in_memory().unwrap(),
            lanes: Vec::new(),
            rules: Vec::new(),
            patience: Duration::from_mins(1),
            guard: Guard::default(),
            inventory_sync: true,
            fees: true,
            blocks: Vec::new(),
            over_the_wire: false,
            remembers: false,
            keys: Arc::default(),
            kept: Arc::default(),
            clock: Arc::default(),
        }
    }

    /// Sets this machine's clock wrong by so many seconds.
    pub fn set_clock(&self, seconds: i64) {
        self.clock.store(seconds, Ordering::Relaxed);
    }

    /// Moves the state to a file, as a real shop has it.
    pub fn on_disk(&mut self) {
        self.store = Store::open(&self.folder.path().join("state.db")).unwrap();
    }

    /// Ends the process and begins a new one, with what is on disk.
    pub fn restart(&mut self) {
        self.store = Store::in_memory().unwrap();
        self.on_disk();
    }

    /// Copies the state on disk and the file of credentials beside it, as a backup does.
    pub fn back_up(&mut self, name: &str) {
        self.store = Store::in_memory().unwrap();
        for ending in ["", ".credentials"] {
            let (from, to) = (format!("state.db{ending}"), format!("{name}{ending}"));
            std::fs::copy(self.folder.path().join(from), self.folder.path().join(to)).unwrap();
        }
        self.on_disk();
    }

    /// Puts such a copy in the place of the state: both files, or the state alone.
    pub fn put_back(&mut self, name: &str, both: bool) {
        self.store = Store::in_memory().unwrap();
        for ending in if both { &["", ".credentials"][..] } else { &[""] } {
            let (from, to) = (format!("{name}{ending}"), format!("state.db{ending}"));
            std::fs::copy(self.folder.path().join(from), self.folder.path().join(to)).unwrap();
        }
        self.on_disk();
    }

    /// Makes a dry run, on a copy of the state.
    pub async fn dry_run(&mut self) -> Report {
        let mut engine = self.engine();
        let mut copy = Store::snapshot(&self.folder.path().join("state.db")).unwrap();
        let options = Options { dry_run: true, ..Options::default() };
        engine.cycle(&mut copy, &options, &CancellationToken::new()).await.unwrap()
    }

    /// Opens a Shopify shop in the market and makes it a channel.
    pub fn shopify(&mut self, channel: &str, role: Role, goods: &[(&str, i64)]) -> ShopHandle {
        let shop = self.market.add_shopify(&ShopSpec::new(channel, goods));
        let token: &'static str = Box::leak(format!("shpat_{channel}").into_boxed_str());
        let values =
            BTreeMap::from([("shop", Value::Text(format!("{channel}.myshopify.com"))), ("access_token", fixed(token))]);
        self.add("shopify", channel, role, values);
        shop
    }

    /// Opens a WooCommerce shop in the market and makes it a channel.
    pub fn woocommerce(&mut self, channel: &str, role: Role, goods: &[(&str, i64)]) -> ShopHandle {
        self.woocommerce_of(role, &WooSpec::new(channel, goods))
    }

    /// The same with a version, a host or a folder of its own.
    pub fn woocommerce_of(&mut self, role: Role, spec: &WooSpec) -> ShopHandle {
        let shop = self.market.add_woocommerce(spec);
        self.woocommerce_at(&spec.name, role, &format!("https://{}{}", spec.host, spec.folder));
        shop
    }

    /// Makes a shop that is open a channel, under the address that its owner wrote.
    pub fn woocommerce_at(&mut self, channel: &str, role: Role, url: &str) {
        let values = BTreeMap::from([
            ("url", Value::Text(url.to_owned())),
            ("consumer_key", secret(consumer_key(channel))),
            ("consumer_secret", secret(consumer_secret(channel))),
        ]);
        self.lanes.retain(|lane| lane.name.as_str() != channel);
        self.add("woocommerce", channel, role, values);
    }

    /// Opens an account at eBay with classic listings and makes it a channel.
    pub fn ebay(&mut self, channel: &str, role: Role, goods: &[(&str, i64)]) -> ShopHandle {
        self.ebay_of(role, &EbaySpec::new(channel, goods))
    }

    /// The same with listings of both models, or another kind of account.
    pub fn ebay_of(&mut self, role: Role, spec: &EbaySpec) -> ShopHandle {
        let shop = self.market.add_ebay(spec);
        let base = format!("https://{}.test", spec.name);
        self.add_at("ebay", &spec.name, role, ebay_values(&shop), Some(base));
        shop
    }

    /// Opens a shop at Etsy with a listing for each good and makes it a channel.
    pub fn etsy(&mut self, channel: &str, role: Role, goods: &[(&str, i64)]) -> ShopHandle {
        self.etsy_of(role, &EtsySpec::new(channel, goods))
    }

    /// The same with listings of other shapes, or facts that are another way.
    pub fn etsy_of(&mut self, role: Role, spec: &EtsySpec) -> ShopHandle {
        let shop = self.market.add_etsy(spec);
        self.add_at("etsy", &spec.name, role, etsy_values(&shop), Some(spec.base_url()));
        shop
    }

    /// Writes a list and makes it a channel; a target has an orders file.
    pub fn csv(&mut self, channel: &str, role: Role, goods: &[(&str, i64)]) {
        let rows: String = goods.iter().map(|(sku, units)| format!("{sku},{units}\n")).collect();
        std::fs::write(self.path(channel), format!("sku,quantity\n{rows}")).unwrap();
        let mut values = BTreeMap::from([("path", Value::Path(self.path(channel)))]);
        if role == Role::Target {
            std::fs::write(self.orders_path(channel), "order,sku,quantity,placed,status\n").unwrap();
            values.insert("orders", Value::Path(self.orders_path(channel)));
        }
        self.add("csv", channel, role, values);
    }

    fn add(&mut self, kind_name: &str, channel: &str, role: Role, values: BTreeMap<&'static str, Value>) {
        self.add_at(kind_name, channel, role, values, None);
    }

    fn add_at(
        &mut self,
        kind_name: &str,
        channel: &str,
        role: Role,
        values: BTreeMap<&'static str, Value>,
        base_url: Option<String>,
    ) {
        let kind = kind(kind_name).unwrap();
        let settings =
            ChannelSettings { name: name(channel), role, base_url, allow_http: true, fees: self.fees, values };
        self.blocks.push((kind, settings));
        self.lanes.push(Lane {
            name: name(channel),
            kind: kind.name,
            role,
            channel: self.connect(self.blocks.len() - 1),
            inventory_sync: true,
            zero_stock: ZeroStock::Keep,
            source_gone: SourceGone::Zero,
            deduct_sales: true,
            restock: Restock::Unshipped,
        });
    }

    /// Builds the n-th channel anew, as the next process does.
    pub fn connect(&self, nth: usize) -> Arc<dyn Channel> {
        let transport: Arc<dyn Transport> =
            if self.over_the_wire { Arc::new(Http::new(None).unwrap()) } else { Arc::new(self.market.clone()) };
        self.connect_over(nth, transport)
    }

    /// The same over a line of the test's own.
    pub fn connect_over(&self, nth: usize, transport: Arc<dyn Transport>) -> Arc<dyn Channel> {
        let (kind, settings) = &self.blocks[nth];
        let keeper: Arc<dyn Keeper> = match kind.name {
            "etsy" | "shopify" => self.kept.clone(),
            "ebay" if self.remembers => self.kept.clone(),
            _ => Arc::new(Forgetful),
        };
        let doors = Doors { transport, keeper };
        Arc::from((kind.build)(settings.clone(), doors).unwrap())
    }

    pub fn path(&self, channel: &str) -> PathBuf {
        self.folder.path().join(format!("{channel}.csv"))
    }

    pub fn orders_path(&self, channel: &str) -> PathBuf {
        self.folder.path().join(format!("{channel}-orders.csv"))
    }

    /// Writes an order into the orders file of a list.
    pub fn list_order(&self, channel: &str, order: &str, sku: &str, units: i64, status: &str) {
        let path = self.orders_path(channel);
        let text = std::fs::read_to_string(&path).unwrap();
        let kept: String = text
            .lines()
            .filter(|line| !line.starts_with(&format!("{order},")))
            .map(|line| format!("{line}\n"))
            .collect();
        let placed = self.market.now();
        std::fs::write(&path, format!("{kept}{order},{sku},{units},{placed:.0},{status}\n")).unwrap();
    }

    /// Writes a number into a list, as its owner does.
    pub fn list_edit(&self, channel: &str, sku: &str, units: i64) {
        let text = std::fs::read_to_string(self.path(channel)).unwrap();
        let edit = |line: &str| {
            if line.starts_with(&format!("{sku},")) { format!("{sku},{units}\n") } else { format!("{line}\n") }
        };
        std::fs::write(self.path(channel), text.lines().map(edit).collect::<String>()).unwrap();
    }

    /// Returns the number of a list.
    pub fn listed(&self, channel: &str, sku: &str) -> i64 {
        let text = std::fs::read_to_string(self.path(channel)).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{sku},"))).unwrap();
        line.split(',').nth(1).unwrap().parse().unwrap()
    }

    fn around(&self) -> Surroundings {
        let market = self.market.clone();
        let wrong = self.clock.clone();
        let clock: Clock = Arc::new(move || market.now() + SignedDuration::from_secs(wrong.load(Ordering::Relaxed)));
        let keys = self.keys.clone();
        let progress: Arc<dyn Progress> = Arc::new(Quiet);
        let new_key = Arc::new(move || format!("key-{}", keys.fetch_add(1, Ordering::Relaxed)));
        Surroundings { clock, new_key, progress }
    }

    fn settings(&self) -> Settings {
        Settings {
            inventory_sync: self.inventory_sync,
            every: Duration::from_mins(1),
            grace: SignedDuration::from_mins(10),
            patience: self.patience,
            guard: self.guard,
            rules: self.rules.clone(),
            rules_print: format!("{:?}", self.rules),
        }
    }

    pub fn engine(&self) -> Engine {
        Engine::new(self.lanes.clone(), self.settings(), self.around())
    }

    /// Ties all that belongs together, as `eys link --yes` does.
    pub async fn link(&mut self) -> usize {
        self.tie_all(false).await
    }

    /// Takes the proposals too, as `eys link --accept --yes` does.
    pub async fn accept(&mut self) -> usize {
        self.tie_all(true).await
    }

    async fn tie_all(&mut self, accept: bool) -> usize {
        let around = self.around();
        let surveyed = survey(&self.lanes, &self.store, &around.clock, &around.progress).await.unwrap();
        for surveyed in &surveyed {
            assert!(surveyed.found.is_ok(), "{:?}", surveyed.found);
        }
        let mut plan = LinkPlan::new(surveyed, &self.store).unwrap();
        if accept {
            plan.accept_proposals();
        }
        plan.store(&mut self.store, "link --yes", self.market.now()).unwrap();
        look_for_others(&self.lanes, &mut self.store, &(around.new_key)(), self.market.now()).await.unwrap();
        plan.to_open()
    }

    /// Looks at everything, as `eys doctor` does.
    pub async fn checkup(&self) -> Checkup {
        let around = self.around();
        examine(&self.lanes, &self.store, &self.settings(), &around.clock, &around.progress, false).await.unwrap()
    }

    /// Ties a listing by hand to source SKUs, and so many of each.
    pub fn tie(&mut self, channel: &str, target: &str, parts: &[(&str, i64)]) {
        let source = self.lanes.iter().find(|lane| lane.role == Role::Source).unwrap().name.clone();
        let parts = parts.iter().map(|(sku, units)| (Sku::new(sku).unwrap(), *units)).collect();
        let tie = HandTie { channel: name(channel), target: target.to_owned(), sku: None, parts };
        tie_by_hand(&mut self.store, &source, &tie, "link", self.market.now()).unwrap();
    }

    /// Unties a listing.
    pub fn untie(&mut self, channel: &str, target: &str) {
        remove(&mut self.store, &name(channel), target, "link --remove", self.market.now()).unwrap();
    }

    /// Returns a channel's lane, to change the owner's choices for it.
    pub fn lane(&mut self, channel: &str) -> &mut Lane {
        self.lanes.iter_mut().find(|lane| lane.name.as_str() == channel).unwrap()
    }

    /// Returns what `status` tells of as wrong or waiting.
    pub fn standing(&self) -> Vec<eys::engine::Trouble> {
        let channels: Vec<ChannelName> = self.lanes.iter().map(|lane| lane.name.clone()).collect();
        let watch = Watch { now: self.market.now(), every: Duration::from_mins(1) };
        standing(&self.store, &channels, true, None, watch).unwrap()
    }

    /// Begins a run and lets its process die after a time: the next one knows of a channel what is stored.
    pub async fn killed_after(&mut self, time: Duration) {
        let mut engine = self.engine();
        let (options, stop) = (Options::default(), CancellationToken::new());
        let _ = tokio::time::timeout(time, engine.cycle(&mut self.store, &options, &stop)).await;
        drop(engine);
        self.connect_anew();
    }

    /// Builds all channels anew, as the next process does.
    pub fn connect_anew(&mut self) {
        for nth in 0..self.lanes.len() {
            self.lanes[nth].channel = self.connect(nth);
        }
    }

    /// Writes the names of locations into a shop's block, or leaves them out.
    pub fn set_locations(&mut self, channel: &str, names: &[&str]) {
        let (_, block) = self.blocks.iter_mut().find(|(_, block)| block.name.as_str() == channel).unwrap();
        block.values.insert("locations", Value::Texts(names.iter().map(|name| (*name).to_owned()).collect()));
        self.connect_anew();
    }

    /// Settles what is in doubt, as `eys doctor --settle` does.
    pub fn settle_doubts(&mut self, applied: bool) {
        let now = self.market.now();
        let doubts = self.store.read(|tx| tx.unfinished_intents()).unwrap();
        for intent in doubts.iter().filter(|intent| intent.state == IntentState::InDoubt) {
            let settle = |tx: &Tx<'_>| settle_doubt(tx, tx.begin_run("doctor --settle", now)?, intent.id, applied, now);
            assert!(self.store.transaction(settle).unwrap());
        }
    }

    /// Lets a run on a source of ten, of which two were sold elsewhere, die after a time, and sells one more on the source
    /// if so wanted. Whatever the moment, all numbers are right in the end, and nothing is offered that is sold; tells whether
    /// the owner had to say what happened.
    pub async fn dies_in_a_deduction(
        &mut self,
        after: Duration,
        sale: bool,
        (source, outlet): (&ShopHandle, &ShopHandle),
    ) -> bool {
        let began = self.market.now();
        self.market.set_latency(Duration::from_millis(150));
        self.killed_after(after).await;
        if sale {
            source.buy("MUG", 1).unwrap();
        }
        self.ends_with(began, 8 - i64::from(sale), &format!("killed after {after:?}"), (source, outlet)).await
    }

    /// Lets runs go on till the shops are at rest with so many mugs on both sides; tells whether the owner had to say what
    /// happened since a moment.
    pub async fn ends_with(
        &mut self,
        began: Timestamp,
        left: i64,
        when: &str,
        (source, outlet): (&ShopHandle, &ShopHandle),
    ) -> bool {
        let asks = self.until_rest().await;
        let shown = outlet.available("MUG");
        assert!(shown <= left, "{when}: {shown} offered of {left}");
        if asks {
            let wrote = |event: &Event| match event.deed {
                Deed::Wrote { who: Who::App, .. } => event.shop == source.name() && began <= event.at,
                _ => false,
            };
            self.settle_doubts(self.market.events().iter().any(wrote));
            self.rest().await;
        }
        let numbers = (source.available("MUG"), outlet.available("MUG"));
        assert_eq!(numbers, (left, left), "{when}, asks: {asks}");
        asks
    }

    /// Makes runs, two minutes apart, until one has nothing to do.
    pub async fn rest(&mut self) -> Report {
        for _ in 0..20 {
            self.pass(120).await;
            let report = self.sync().await;
            // What the owner has not decided yet about a location keeps nothing from coming to rest.
            let told = &report.troubles;
            let undecided = !told.is_empty() && told.iter().all(|trouble| trouble.code == "location-new");
            let at_rest = report.exit() == 0 || undecided;
            if report.deductions.is_empty() && report.pushes.is_empty() && report.sales.is_empty() && at_rest {
                return report;
            }
        }
        panic!("the shops do not come to rest: {:?}", self.sync().await);
    }

    /// Makes runs until nothing is left to do, or the owner is asked; tells whether the owner is asked.
    pub async fn until_rest(&mut self) -> bool {
        for _ in 0..20 {
            self.pass(240).await;
            let report = self.sync().await;
            let doubt = troubles(&report).iter().any(|trouble| trouble.starts_with("in-doubt"));
            let quiet = report.deductions.is_empty() && report.pushes.is_empty() && report.sales.is_empty();
            if doubt || (quiet && report.exit() == 0) {
                return doubt;
            }
        }
        panic!("the shops do not come to rest: {:?}", troubles(&self.sync().await));
    }

    /// Makes one run.
    pub async fn sync_with(&mut self, options: Options) -> Report {
        let mut engine = self.engine();
        engine.cycle(&mut self.store, &options, &CancellationToken::new()).await.unwrap()
    }

    /// Makes one run, as `eys sync --once` does.
    pub async fn sync(&mut self) -> Report {
        self.sync_with(Options::default()).await
    }

    /// Links, and makes the first push.
    pub async fn start(&mut self) {
        self.link().await;
        self.sync_with(Options { yes: true, ..Options::default() }).await;
        self.pass(120).await;
    }

    /// Lets time pass.
    pub async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Counts the writing calls to a shop, and all calls, and forgets them.
    pub fn calls(shop: &ShopHandle) -> (usize, usize) {
        let calls = shop.calls();
        (calls.iter().filter(|call| call.writing).count(), calls.len())
    }
}

/// Counts the sales of channels that wait.
pub fn counting(channels: &[&str]) -> Options {
    Options { count_missed: channels.iter().copied().map(name).collect(), ..Options::default() }
}

/// Drops the sales of channels that wait.
pub fn ignoring(channels: &[&str]) -> Options {
    Options { ignore_missed: channels.iter().copied().map(name).collect(), ..Options::default() }
}

/// Tells why the sales wait that a run reported.
pub fn held_sales(report: &Report) -> Vec<Option<LineHold>> {
    report.sales.iter().map(|sale| sale.held).collect()
}

/// Tells what a run reported as going wrong or waiting.
pub fn troubles(report: &Report) -> Vec<String> {
    report.troubles.iter().map(|trouble| format!("{}: {}", trouble.code, trouble.message)).collect()
}

/// Kinds of trouble after which nobody knows whether a write was done.
pub fn lost_answers() -> Vec<Trouble> {
    vec![
        Trouble::LostAfter,
        Trouble::LostBefore,
        Trouble::CutBody,
        Trouble::BrokenJson,
        Trouble::StatusAfter(502),
        Trouble::StatusAfter(504),
        Trouble::Status(503),
        Trouble::HtmlPage,
        Trouble::TooMany { retry_after: Some(2) },
    ]
}

fn secret(text: String) -> Value {
    fixed(Box::leak(text.into_boxed_str()))
}

/// Returns what the owner of an account at eBay writes into channels.toml.
pub fn ebay_values(shop: &ShopHandle) -> BTreeMap<&'static str, Value> {
    shop.face(|face: &mut Ebay| {
        let refresh = face.refresh.as_ref().map(|(token, _)| token.clone()).unwrap_or_default();
        BTreeMap::from([
            ("client_id", Value::Text(face.keyset.client.clone())),
            ("client_secret", secret(face.keyset.secret.clone())),
            ("refresh_token", secret(refresh)),
            ("marketplace", Value::Text("EBAY_US".to_owned())),
        ])
    })
}

/// The same for a shop at Etsy.
pub fn etsy_values(shop: &ShopHandle) -> BTreeMap<&'static str, Value> {
    shop.face(|face: &mut Etsy| {
        let refresh = face.refresh.as_ref().map(|(token, _)| token.clone()).unwrap_or_default();
        BTreeMap::from([
            ("client_id", Value::Text(face.keystring.clone())),
            ("client_secret", secret(face.shared_secret.clone())),
            ("refresh_token", secret(refresh)),
        ])
    })
}
