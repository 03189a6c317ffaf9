//! Shopify's face: the GraphQL Admin API over the neutral world, as strict as the sheet of facts says it is.
//!
//! Numbers in comments such as "3.1" are sections of that sheet. A request passes these gates in Shopify's order:
//! is the shop open, is the token good, is the body a request, does the document fit the schema, is it small enough,
//! is there enough in the bucket. Only then it is executed, and each mutation has refusals of its own.

mod cost;
mod document;
mod graphql;
mod keys;
mod listings;
mod lists;
mod orders;
mod reads;
mod schema;
mod search;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

pub use self::cost::Bucket;
use self::document::Parsed;
pub use self::keys::Replay;
use self::keys::Used;
pub use self::schema::Schema;
use super::{Answer, Ask, Face, Good, Market, Operation, ShopHandle, Step, Trouble, Work, World};

/// The version that this face plays.
pub const VERSION: &str = "2026-10";

/// The most elements of an array argument, and of a page (3.1).
const LARGEST: usize = 250;

/// What a Shopify shop is like before anything happens.
#[derive(Clone, Debug)]
pub struct ShopSpec {
    /// Its name in the market.
    pub name: String,
    /// Its permanent host.
    pub domain: String,
    /// What it sells.
    pub goods: Vec<Good>,
}

/// Shopify's face of one shop. Its fields may be changed at any time by [`ShopHandle::face`].
pub struct Shopify {
    /// The shop's name in the world.
    pub shop: String,
    /// Its permanent host.
    pub domain: String,
    /// The token of a legacy custom app, which never ends.
    pub permanent: String,
    /// Client id and secret of an app of the Dev Dashboard.
    pub client: (String, String),
    /// Tokens given for these, and when they end.
    pub given: BTreeMap<String, Timestamp>,
    /// Whether a new token ends those before it (14.1).
    pub newest_token_only: bool,
    /// What the app may do.
    pub scopes: BTreeSet<String>,
    /// Whether the shop is open.
    pub standing: Standing,
    /// The points that calls may still cost.
    pub bucket: Bucket,
    /// What a repeated key gets (6.4).
    pub replay: Replay,
    /// What a write to a place that never had the item does (14.6).
    pub unstocked: Unstocked,
    /// Whether a throttled answer has status 429 (14.8).
    pub throttles_with_429: bool,
    /// Whether each id of `nodes` is paid for (14.2).
    pub nodes_cost_each: bool,
    /// The oldest version still supported.
    pub oldest_version: String,
    /// Whether the app may keep no values of its own.
    pub keeps_nothing: bool,
    keys: BTreeMap<String, Used>,
    metafields: BTreeMap<(String, String), Metafield>,
    tokens: u64,
}

/// Whether a shop is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Open,
    /// The bill is unpaid: status 402.
    Frozen,
    /// It is locked: status 423.
    Locked,
    /// It is closed: `SHOP_INACTIVE`.
    Inactive,
}

/// What a write to a place that never had the item does; what Shopify does is not verified (14.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstocked {
    /// It succeeds, and nothing is sold from there.
    Inactive,
    /// It succeeds, and the item is stocked there.
    Active,
    /// It is refused.
    Refused,
}

/// A value that an app keeps.
#[derive(Clone, Debug)]
struct Metafield {
    id: u64,
    value: String,
    kind: String,
    digest: String,
    updated: Timestamp,
}

/// Why a field or a whole request is refused: a top-level error.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    message: String,
    extensions: Map<String, Value>,
}

impl ShopSpec {
    /// Makes a shop with goods.
    pub fn new(name: &str, goods: &[(&str, i64)]) -> Self {
        let goods = goods.iter().map(|(sku, units)| Good::new(sku, *units)).collect();
        Self { name: name.into(), domain: format!("{name}.myshopify.com"), goods }
    }
}

impl Market {
    /// Opens a Shopify shop: each good is a product of its own. In process it answers to its domain and to
    /// `<name>.test`.
    pub fn add_shopify(&self, spec: &ShopSpec) -> ShopHandle {
        let face = Shopify::new(&spec.name, &spec.domain);
        let shop = self.add_face(&spec.name, Box::new(face), &[&spec.domain, &format!("{}.test", spec.name)]);
        self.world(|world| {
            for publication in ["Online Store", "Point of Sale"] {
                let id = world.id();
                world.shop_mut(&spec.name).publications.insert(id, publication.into());
            }
            for good in &spec.goods {
                // A product without options has one variant, which Shopify calls so.
                let variant = Good { title: "Default Title".into(), ..good.clone() };
                world.add_product(&spec.name, &good.title, &[variant]);
            }
        });
        shop
    }
}

impl Shopify {
    fn new(shop: &str, domain: &str) -> Self {
        let scopes = ["read_products", "write_products", "write_inventory", "read_orders", "write_publications"];
        Self {
            shop: shop.into(),
            domain: domain.into(),
            permanent: format!("shpat_{shop}"),
            client: (format!("client-of-{shop}"), format!("shpss_{shop}")),
            given: BTreeMap::new(),
            newest_token_only: false,
            scopes: scopes.into_iter().map(Into::into).collect(),
            standing: Standing::Open,
            bucket: Bucket::standard(),
            replay: Replay::First,
            unstocked: Unstocked::Inactive,
            throttles_with_429: false,
            nodes_cost_each: false,
            oldest_version: "2026-01".into(),
            keeps_nothing: false,
            keys: BTreeMap::new(),
            metafields: BTreeMap::new(),
            tokens: 0,
        }
    }

    /// Ends all tokens, as when the app is uninstalled or its secret rotated.
    pub fn revoke_tokens(&mut self) {
        self.given.clear();
        self.permanent = format!("shpat_{}_{}", self.shop, self.tokens);
        self.tokens += 1;
    }

    /// Tells whether the app holds a scope; the write form includes the read form (2.4).
    fn may(&self, scope: &str) -> bool {
        let write = scope.replacen("read_", "write_", 1);
        self.scopes.contains(scope) || self.scopes.contains(&write)
    }

    /// Trades client id and secret for a token of 24 hours (2.1).
    fn token(&mut self, now: Timestamp, ask: &Ask) -> Answer {
        let form = form_of(ask);
        let said = |key: &str| form.get(key).map(String::as_str).unwrap_or_default();
        if said("grant_type") != "client_credentials" {
            return json_answer(400, &json!({ "error": "unsupported_grant_type" }));
        }
        // 2.1: error bodies of this endpoint can be HTML.
        if said("client_id") != self.client.0 || said("client_secret") != self.client.1 {
            let page = "<html><body><h1>Oauth error invalid_client: The client is not known</h1></body></html>";
            return Answer { status: StatusCode::BAD_REQUEST, body: Bytes::from_static(page.as_bytes()), ..html() };
        }
        if self.newest_token_only {
            self.given.clear();
        }
        self.tokens += 1;
        let token = format!("shpat_{}_day{}", self.shop, self.tokens);
        self.given.insert(token.clone(), now + SignedDuration::from_secs(86_399));
        let scope: Vec<_> = self.scopes.iter().map(String::as_str).collect();
        json_answer(200, &json!({ "access_token": token, "scope": scope.join(","), "expires_in": 86_399 }))
    }

    /// Answers what comes before the body is looked at: status codes of section 10.
    fn at_the_gate(&self, now: Timestamp, ask: &Ask, troubles: &[Trouble]) -> Option<Answer> {
        match self.standing {
            Standing::Frozen => return Some(json_answer(402, &json!({ "errors": "Unavailable Shop" }))),
            Standing::Locked => return Some(json_answer(423, &json!({ "errors": "Locked Shop" }))),
            Standing::Open | Standing::Inactive => {}
        }
        let token = ask.headers().get("x-shopify-access-token").and_then(|t| t.to_str().ok()).unwrap_or_default();
        let good = token == self.permanent || self.given.get(token).is_some_and(|until| now < *until);
        if !good || troubles.contains(&Trouble::TokenRefused) {
            // 10: errors is a plain string here.
            let words = "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Some(json_answer(401, &json!({ "errors": words })));
        }
        let kind = ask.headers().get(http::header::CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or_default();
        // 10: body or content type wrong.
        (!kind.starts_with("application/json"))
            .then(|| json_answer(400, &json!({ "errors": { "query": "Bad Request" } })))
    }

    fn graphql(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Answer {
        if let Some(refused) = self.at_the_gate(world.now, ask, troubles) {
            return refused;
        }
        let Ok(request) = serde_json::from_slice::<Value>(ask.body()) else {
            return json_answer(400, &json!({ "errors": { "query": "Required parameter missing or invalid" } }));
        };
        let parsed = match Parsed::new(&request) {
            Ok(parsed) => parsed,
            Err(refusals) => return refused(&refusals),
        };
        if let Err(refusals) = self.before_running(&parsed, troubles) {
            return refused(&refusals);
        }
        let requested = cost::requested(&parsed, self.nodes_cost_each);
        if let Some(answer) = self.too_dear(world.now, requested, troubles) {
            return answer;
        }
        let mut run = graphql::Run::new(world, self, troubles);
        let data = run.execute(&parsed);
        let (errors, actual, warnings, items) = (run.errors, run.spent, run.warnings, run.items.max(parsed.items()));
        let schema = Schema::known().filter(|_| troubles.is_empty() && errors.is_empty());
        if let Some(wrong) = schema.and_then(|schema| schema.misfit(&parsed, &data)) {
            return json_answer(500, &json!({ "errors": format!("the simulated shop answered amiss: {wrong}") }));
        }
        self.bucket.take(world.now, requested, actual);
        let cost = json!({ "requestedQueryCost": requested, "actualQueryCost": actual,
            "throttleStatus": self.bucket.status() });
        let mut body = json!({ "data": data, "extensions": { "cost": cost } });
        if !errors.is_empty() {
            body["errors"] = errors.into();
        }
        if !warnings.is_empty() {
            body["extensions"]["search"] = warnings.into();
        }
        Answer { cost: requested, items: Some(items), ..json_answer(200, &body) }
    }

    /// Refuses what is refused before anything runs (10).
    fn before_running(&self, parsed: &Parsed, troubles: &[Trouble]) -> Result<(), Vec<Refusal>> {
        if self.standing == Standing::Inactive {
            return Err(vec![Refusal::new("SHOP_INACTIVE", "The shop is inactive.")]);
        }
        for trouble in troubles {
            if let Trouble::Word(word) = trouble
                && *word != "THROTTLED"
            {
                return Err(vec![Refusal::new(word, "Something is amiss, as planned.").with("requestId", "planned-1")]);
            }
        }
        if let Some(schema) = Schema::known() {
            schema.check(parsed)?;
        }
        // 3.1: array arguments have at most 250 elements.
        let largest = parsed.largest_list();
        if largest > LARGEST {
            let words = format!("The input array size of {largest} is greater than the maximum allowed of {LARGEST}.");
            return Err(vec![Refusal::new("MAX_INPUT_SIZE_EXCEEDED", &words)]);
        }
        Ok(())
    }

    /// Refuses what costs too much: at all (3.1), or just now (3.3).
    fn too_dear(&mut self, now: Timestamp, requested: f64, troubles: &[Trouble]) -> Option<Answer> {
        if requested > cost::LARGEST {
            let words = format!("Query cost is {requested}, which exceeds the single query max cost limit (1000).");
            let refusal = Refusal::new("MAX_COST_EXCEEDED", &words).with("cost", requested).with("maxCost", 1000);
            return Some(refused(&[refusal]));
        }
        let planned = troubles.contains(&Trouble::Word("THROTTLED"));
        if !planned && self.bucket.holds(now, requested) {
            return None;
        }
        let cost = json!({ "requestedQueryCost": requested, "actualQueryCost": null,
            "throttleStatus": self.bucket.status() });
        let error = json!({ "message": "Throttled", "extensions": { "code": "THROTTLED" } });
        let status = if self.throttles_with_429 { 429 } else { 200 };
        Some(json_answer(status, &json!({ "errors": [error], "extensions": { "cost": cost } })))
    }

    /// Tells which version answers: an old one falls forward to the oldest supported (2.3).
    fn version<'a>(&'a self, asked: &'a str) -> Option<&'a str> {
        let dated = asked.len() == 7 && asked.as_bytes()[4] == b'-';
        if asked == "unstable" || asked == VERSION {
            return Some(asked);
        }
        (dated && asked < VERSION).then(|| asked.max(self.oldest_version.as_str()))
    }
}

impl Face for Shopify {
    fn recognise(&self, ask: &Ask) -> Operation {
        if ask.uri().path() == "/admin/oauth/access_token" {
            return Operation { name: "access_token".into(), ..Operation::default() };
        }
        let request = serde_json::from_slice::<Value>(ask.body()).unwrap_or_default();
        match Parsed::new(&request) {
            Ok(parsed) => Operation {
                name: parsed.name.as_deref().unwrap_or_default().into(),
                writing: parsed.mutation,
                items: parsed.items(),
            },
            Err(_) => Operation::default(),
        }
    }

    fn answer(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Step {
        let path = ask.uri().path().to_owned();
        let asked = path.strip_prefix("/admin/api/").and_then(|rest| rest.strip_suffix("/graphql.json"));
        let version = asked.and_then(|asked| self.version(asked)).map(ToOwned::to_owned);
        let mut answer = match (path.as_str(), &version) {
            ("/admin/oauth/access_token", _) => self.token(world.now, ask),
            (_, Some(_)) if ask.method() == http::Method::POST => self.graphql(world, ask, troubles),
            // 10: host or version wrong.
            _ => json_answer(404, &json!({ "errors": "Not Found" })),
        };
        let id = format!("{:08x}-planned", world.dice.throw() >> 32);
        answer.headers.insert("x-request-id", HeaderValue::try_from(id).expect("it is plain text"));
        if let Some(version) = version.and_then(|version| HeaderValue::try_from(version).ok()) {
            answer.headers.insert("x-shopify-api-version", version);
        }
        Step::Done(answer)
    }

    fn least_calls(&self, work: Work, listings: usize) -> usize {
        match work {
            Work::ReadAll => listings.div_ceil(LARGEST).max(1),
            Work::ReadSome | Work::Adjust => listings.div_ceil(LARGEST),
            // 6.1: four blocks in one request.
            Work::Set => listings.div_ceil(4 * LARGEST),
        }
    }
}

impl Refusal {
    fn new(code: &str, message: &str) -> Self {
        Self { message: message.into(), extensions: Map::from_iter([("code".to_owned(), code.into())]) }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(key.into(), value.into());
        self
    }

    fn to_json(&self, path: Option<&str>) -> Value {
        let mut error = json!({ "message": self.message, "extensions": self.extensions });
        if let Some(path) = path {
            error["path"] = json!([path]);
        }
        error
    }
}

fn refused(refusals: &[Refusal]) -> Answer {
    let errors: Vec<_> = refusals.iter().map(|refusal| refusal.to_json(None)).collect();
    json_answer(200, &json!({ "errors": errors }))
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    let status = StatusCode::from_u16(status).expect("it is a status");
    Answer { status, headers, body: body.to_string().into(), cost: 0.0, items: None }
}

fn html() -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Answer { headers, ..Answer::default() }
}

/// Reads the fields of a body that is a form or JSON (2.1 takes both).
fn form_of(ask: &Ask) -> BTreeMap<String, String> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(ask.body()) {
        return fields.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect();
    }
    url::form_urlencoded::parse(ask.body()).into_owned().collect()
}
