//! WooCommerce's face: the REST API `wc/v3` over the neutral world, as the sheet of facts says it behaves.
//!
//! Numbers in comments such as "3.1" are sections of that sheet. A request passes these gates: what stands before the
//! shop lets it through, WordPress finds a route in it, the keys are good and allow it. Only then it is executed.
//! WooCommerce checks little of what is written and nothing inside a batch, so the traps are in what it accepts.
//!
//! A product with one variant called "Default Title" is a simple product; any other is variable, and its variants are
//! its variations. What only WooCommerce knows of them, such as meta data, is kept in the face.

mod auth;
mod batch;
mod catalog;
mod lifecycle;
mod lists;
mod oauth;
mod orders;
mod params;
mod save;
mod settings;
mod site;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use self::auth::{Caller, Wanted};
pub use self::auth::{Key, Permission};
pub use self::lifecycle::Edit;
use self::params::Params;
pub use self::site::{Permalinks, Site, Tls};
use super::{Answer, Ask, Face, Good, Market, Operation, ShopHandle, State, Step, Trouble, Work, World};

/// The most records of a page (2.8), and the usual limit of a batch (4.2).
const LARGEST: usize = 100;

/// What a WooCommerce shop is like before anything happens.
#[derive(Clone, Debug)]
pub struct WooSpec {
    /// Its name in the market.
    pub name: String,
    /// Its host.
    pub host: String,
    /// The folder of the host that it is in, such as `/shop`; mostly none.
    pub folder: String,
    /// The version of WooCommerce.
    pub version: Version,
    /// What it sells.
    pub goods: Vec<Good>,
}

/// A version of WooCommerce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

/// WooCommerce's face of one shop. Its public fields may be changed at any time by [`ShopHandle::face`].
pub struct WooCommerce {
    /// The shop's name in the world.
    pub shop: String,
    /// The version, on which a good deal depends (11).
    pub version: Version,
    /// The address that WordPress believes to be its own, without a slash at its end (2.4).
    pub home: String,
    /// The name of the shop's time zone.
    pub zone_name: String,
    /// The keys.
    pub keys: Vec<Key>,
    /// What stands before the shop.
    pub site: Site,
    /// Whether a plugin has switched on quantities with decimals (3.1).
    pub decimals: bool,
    /// The quantity at and below which a product is out of stock (3.1).
    pub no_stock_amount: i64,
    /// Whether the shop hides what is out of stock (6).
    pub hides_out_of_stock: bool,
    /// The most items of a batch (4.2).
    pub batch_limit: usize,
    /// How long a save takes: a number is read at its beginning, meta data are written in its middle, the number at its
    /// end (4.4).
    pub save_time: Duration,
    /// After how many saves of a number PHP dies between the meta data and the number, once (4.4).
    pub dies_in_save: Option<usize>,
    /// Whether WooCommerce Analytics is on, and with it the stock report (3.3).
    pub analytics: bool,
    /// Whether orders are in tables of their own (5.3).
    pub hpos: bool,
    /// SKUs that a plugin keeps from being saved, with the code that it gives.
    pub refused: BTreeMap<String, String>,
    /// Statuses of orders that plugins added: they move no stock (5.3).
    pub custom_statuses: Vec<String>,
    /// How far the shop's clock is off where signatures are looked at (2.4).
    pub clock_off: SignedDuration,
    /// How long after its stamp an order shows what its lines took off the shelf (2.8).
    pub reduction_delay: Duration,
    zone: TimeZone,
    /// The types of products that are neither simple nor variable.
    types: BTreeMap<u64, String>,
    /// WooCommerce's own word for a product that is not on sale: "private", "pending".
    words: BTreeMap<u64, String>,
    /// Products out of lists and search, whatever their status.
    unlisted: BTreeSet<u64>,
    /// The items that variable products hold for their variations.
    pools: BTreeMap<u64, u64>,
    /// The SKUs of variable products.
    parent_skus: BTreeMap<u64, String>,
    /// Meta data by product or variation.
    meta: BTreeMap<u64, Vec<Meta>>,
    /// Items that are managed and never got a number.
    unnumbered: BTreeSet<u64>,
    /// What items hold beyond whole units, in thousandths.
    thousandths: BTreeMap<u64, i64>,
    /// Items whose backorders are allowed, and the buyer is told so.
    notified: BTreeSet<u64>,
    /// Unmanaged products and variations that somebody declared out of stock.
    declared_out: BTreeSet<u64>,
    /// Numbers saved by REST: when, and the stamp that the save had begun with.
    begun: BTreeMap<u64, (Timestamp, Timestamp)>,
    /// Statuses of orders that do not follow from the world.
    statuses: BTreeMap<u64, String>,
    /// Orders in the trash.
    trashed: BTreeSet<u64>,
    /// Orders that hold nothing off the shelf.
    released: BTreeSet<u64>,
    /// The hidden product that variations without a parent are under.
    orphanage: Option<u64>,
}

/// One entry of meta data.
#[derive(Clone, Debug)]
struct Meta {
    id: u64,
    key: String,
    value: Value,
}

/// A request that reached WordPress' REST server.
struct Call {
    /// The method, overridden if it was (2.6).
    method: Method,
    /// The namespace of the route, such as `wc/v3`.
    space: String,
    /// The rest of the route.
    route: Vec<String>,
    /// The parameters.
    params: Params,
    /// The address of the request, for links to further pages.
    address: String,
}

/// Why a request, or one item of a batch, is refused (8).
#[derive(Clone, Debug)]
struct Problem {
    status: u16,
    code: String,
    message: String,
    data: Map<String, Value>,
}

type Result<T> = std::result::Result<T, Problem>;

impl WooSpec {
    /// Makes a shop with goods, at the root of its host.
    pub fn new(name: &str, goods: &[(&str, i64)]) -> Self {
        let goods = goods.iter().map(|(sku, units)| Good::new(sku, *units)).collect();
        let host = format!("{name}.test");
        Self { name: name.into(), host, folder: String::new(), version: Version::USUAL, goods }
    }
}

impl Version {
    /// The version that is played where nothing else is said.
    pub const USUAL: Self = Self(10, 5, 0);
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Market {
    /// Opens a WooCommerce shop: each good is a simple product. In process it answers to its host, by https or http.
    /// Its first key may read and write: [`consumer_key`] and [`consumer_secret`] tell it.
    pub fn add_woocommerce(&self, spec: &WooSpec) -> ShopHandle {
        let face = WooCommerce::new(spec);
        let shop = self.add_face(&spec.name, Box::new(face), &[&spec.host]);
        self.world(|world| {
            // One publication: a variation that is taken out of it is private.
            let publication = world.id();
            world.shop_mut(&spec.name).publications.insert(publication, "Shop".into());
            for good in &spec.goods {
                let variant = Good { title: "Default Title".into(), ..good.clone() };
                world.add_product(&spec.name, &good.title, &[variant]);
            }
        });
        shop
    }
}

/// Returns the consumer key that a shop is opened with.
pub fn consumer_key(shop: &str) -> String {
    format!("ck_{}", forty_digits(&format!("key of {shop}")))
}

/// Returns the consumer secret that a shop is opened with.
pub fn consumer_secret(shop: &str) -> String {
    format!("cs_{}", forty_digits(&format!("secret of {shop}")))
}

fn forty_digits(text: &str) -> String {
    Sha256::digest(text).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

impl WooCommerce {
    fn new(spec: &WooSpec) -> Self {
        let key = Key::new(&consumer_key(&spec.name), &consumer_secret(&spec.name), Permission::ReadWrite);
        Self {
            shop: spec.name.clone(),
            version: spec.version,
            home: format!("https://{}{}", spec.host, spec.folder),
            zone_name: "UTC".into(),
            keys: vec![key],
            site: Site::default(),
            decimals: false,
            no_stock_amount: 0,
            hides_out_of_stock: false,
            batch_limit: LARGEST,
            save_time: Duration::from_millis(10),
            dies_in_save: None,
            analytics: true,
            hpos: spec.version >= Version(8, 2, 0),
            refused: BTreeMap::new(),
            custom_statuses: Vec::new(),
            clock_off: SignedDuration::ZERO,
            reduction_delay: Duration::ZERO,
            zone: TimeZone::UTC,
            types: BTreeMap::new(),
            words: BTreeMap::new(),
            unlisted: BTreeSet::new(),
            pools: BTreeMap::new(),
            parent_skus: BTreeMap::new(),
            meta: BTreeMap::new(),
            unnumbered: BTreeSet::new(),
            thousandths: BTreeMap::new(),
            notified: BTreeSet::new(),
            declared_out: BTreeSet::new(),
            begun: BTreeMap::new(),
            statuses: BTreeMap::new(),
            trashed: BTreeSet::new(),
            released: BTreeSet::new(),
            orphanage: None,
        }
    }

    /// Moves the shop to another time zone. The few that are known need no file of zones on the machine.
    pub fn set_zone(&mut self, name: &str) {
        let rule = match name {
            "UTC" => "UTC0",
            "Asia/Tokyo" => "JST-9",
            "America/New_York" => "EST5EDT,M3.2.0,M11.1.0",
            "Europe/Berlin" => "CET-1CEST,M3.5.0,M10.5.0/3",
            other => panic!("the simulated shop knows no time zone {other}"),
        };
        self.zone = TimeZone::posix(rule).expect("the rule is one");
        self.zone_name = name.into();
    }

    fn since(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.version >= Version(major, minor, patch)
    }

    /// Executes what passed the gate.
    fn execute(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Result<Step> {
        let route: Vec<&str> = call.route.iter().map(String::as_str).collect();
        let reading = call.method == Method::GET;
        if call.space == "wc-analytics" {
            return match (reading, route.as_slice()) {
                (true, ["reports", "stock"]) if self.analytics => {
                    self.stock_report(world, call, troubles).map(Step::Done)
                }
                _ => Err(Problem::no_route()),
            };
        }
        if !reading {
            return self.write(world, call, troubles);
        }
        let answer = match route.as_slice() {
            [] => self.index(),
            ["products"] => self.list_products(world, call, troubles)?,
            ["products", id] => self.one_product(world, call, number(id)?, troubles)?,
            ["products", parent, "variations"] => self.list_variations(world, call, Some(number(parent)?), troubles)?,
            ["products", parent, "variations", id] => {
                self.one_variation(world, call, number(parent)?, number(id)?, troubles)?
            }
            // 3.3: since 10.3.0, read only.
            ["variations"] if self.since(10, 3, 0) => self.list_variations(world, call, None, troubles)?,
            ["orders"] => self.list_orders(world, call, troubles)?,
            // 5.3: there in 10.5, not in 9.4.
            ["orders", "statuses"] if self.since(10, 0, 0) => self.order_statuses(),
            ["orders", id] => self.one_order(world, call, number(id)?)?,
            ["orders", id, "refunds"] => self.refunds_of(world, call, number(id)?)?,
            // 5.3, 11: since 9.0.0.
            ["refunds"] if self.since(9, 0, 0) => self.all_refunds(world, call)?,
            ["reports", "orders", "totals"] => self.order_totals(world),
            ["settings", "products"] => self.product_settings(world, call),
            ["system_status"] => self.system_status(call),
            _ => return Err(Problem::no_route()),
        };
        Ok(Step::Done(answer))
    }

    fn write(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Result<Step> {
        let route: Vec<&str> = call.route.iter().map(String::as_str).collect();
        let posting = call.method == Method::POST;
        // 4.1: POST, PUT and PATCH are the same for updates.
        let updating = posting || call.method == Method::PUT || call.method == Method::PATCH;
        match route.as_slice() {
            ["products"] if posting => self.create_product(world, call).map(Step::Done),
            ["products", "batch"] if updating => self.product_batch(world, call, troubles),
            ["products", parent, "variations", "batch"] if updating => {
                self.variation_batch(world, call, number(parent)?, troubles)
            }
            ["settings", "products", "woocommerce_manage_stock"] if updating => {
                Ok(Step::Done(self.save_counting(world, call)))
            }
            ["products", id] if updating => self.update_product(world, call, number(id)?, troubles),
            ["products", parent, "variations", id] if updating => {
                self.update_variation(world, call, number(parent)?, number(id)?, troubles)
            }
            // 4.1: there is no /variations/batch; what else is not played answers so too.
            _ => Err(Problem::no_route()),
        }
    }
}

impl Face for WooCommerce {
    fn recognise(&self, ask: &Ask) -> Operation {
        let Ok(Some(call)) = self.find_route(ask) else {
            return Operation { name: "page".into(), ..Operation::default() };
        };
        let writing = call.method != Method::GET && call.method != Method::OPTIONS;
        // What a route names by id is called so: "products/id/variations/batch" has its two words.
        let words = call.route.iter().map(|part| if part.parse::<u64>().is_ok() { "id" } else { part.as_str() });
        let name = words.collect::<Vec<_>>().join("/");
        let name = if name.is_empty() { "root".into() } else { name };
        let batch = ["create", "update", "delete"].map(|verb| call.params.items(verb).len()).iter().sum::<usize>();
        let items = if batch > 0 {
            batch
        } else {
            call.params.list("sku").or(call.params.list("include")).map_or(0, |l| l.len())
        };
        Operation { name, writing, items }
    }

    fn answer(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Step {
        let step = match self.before_the_shop(ask) {
            Some(answer) => Step::Done(answer),
            None => self.within(world, ask, troubles),
        };
        site::touched(step, self.site.last_touch(ask))
    }

    fn least_calls(&self, work: Work, listings: usize) -> usize {
        // 9: a hundred at a time, by whatever way; variations of many products go together.
        let calls = listings.div_ceil(LARGEST);
        if work == Work::ReadAll { calls.max(1) } else { calls }
    }
}

impl WooCommerce {
    /// Answers what reached WordPress.
    fn within(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Step {
        let call = match self.find_route(ask) {
            Ok(Some(call)) => call,
            Ok(None) => return Step::Done(self.page(ask)),
            Err(problem) => return Step::Done(problem.answer()),
        };
        if let Some(Trouble::Word(code)) = troubles.iter().find(|trouble| matches!(trouble, Trouble::Word(_))) {
            return Step::Done(Problem::new(500, code, "Something is amiss, as planned.").answer());
        }
        if call.space.is_empty() {
            return Step::Done(self.root(&call));
        }
        let step = self.admit(world.now, ask, &call, troubles).and_then(|()| {
            if call.method == Method::OPTIONS {
                Ok(Step::Done(self.schema(&call)?))
            } else {
                self.execute(world, &call, troubles)
            }
        });
        step.unwrap_or_else(|problem| Step::Done(problem.answer()))
    }

    /// Lets a call in, or says why not.
    fn admit(&mut self, now: Timestamp, ask: &Ask, call: &Call, troubles: &[Trouble]) -> Result<()> {
        let wanted = Wanted::of(call);
        let mut caller = self.authenticate(now, ask, call)?;
        for trouble in troubles {
            match trouble {
                Trouble::TokenRefused => return Err(auth::refused("Consumer secret is invalid.")),
                Trouble::Denied(what) if call.route.first().is_some_and(|first| first == what) => {
                    caller = Caller::Customer;
                }
                _ => {}
            }
        }
        // 2.1: the routes are told to anybody.
        if call.route.is_empty() { Ok(()) } else { caller.may(wanted) }
    }

    /// Tells a schema: whether quantities are whole (3.1).
    fn schema(&self, call: &Call) -> Result<Answer> {
        if call.route.first().is_none_or(|first| first != "products") {
            return Err(Problem::no_route());
        }
        let kind = if self.decimals && self.since(9, 4, 0) { "number" } else { "integer" };
        let properties = json!({ "id": { "type": "integer" }, "stock_quantity": { "type": kind } });
        Ok(json_answer(200, &json!({ "namespace": "wc/v3", "schema": { "properties": properties } })))
    }

    /// Tells which product state a status of WooCommerce's is, and back (6).
    fn state_for(status: &str, unlisted: bool) -> State {
        match (status, unlisted) {
            ("publish", false) => State::Live,
            ("publish", true) => State::Unlisted,
            ("trash", _) => State::Archived,
            _ => State::Draft,
        }
    }
}

impl Problem {
    fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.into(), message: message.into(), data: Map::new() }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key.into(), value.into());
        self
    }

    fn no_route() -> Self {
        Self::new(404, "rest_no_route", "No route was found matching the URL and request method.")
    }

    fn parameter(name: &str, why: &str) -> Self {
        let params = json!({ name: why });
        let details = json!({ name: { "code": "rest_invalid_type", "message": why, "data": null } });
        let words = format!("Invalid parameter(s): {name}");
        Self::new(400, "rest_invalid_param", &words).with("params", params).with("details", details)
    }

    fn to_json(&self) -> Value {
        let mut data = Map::from_iter([("status".to_owned(), self.status.into())]);
        data.extend(self.data.clone());
        json!({ "code": self.code, "message": self.message, "data": data })
    }

    fn answer(&self) -> Answer {
        json_answer(self.status, &self.to_json())
    }
}

/// Refuses a write, as planned.
fn planned(troubles: &[Trouble]) -> Result<()> {
    let code = troubles.iter().find_map(|trouble| match trouble {
        Trouble::Refuse(code) => Some(*code),
        _ => None,
    });
    code.map_or(Ok(()), |code| Err(Problem::new(400, code, "Refused, as planned.")))
}

/// Reads the id in a route. What is no number makes it another route, which is not there.
fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|_| Problem::no_route())
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    // 8: answers to those who showed a key must not be cached.
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache, must-revalidate, max-age=0"));
    let status = StatusCode::from_u16(status).expect("it is a status");
    Answer { status, headers, body: body.to_string().into(), cost: 0.0, items: None }
}
