//! The frame of the interface: which operation an address is for, who may call it and how often, how it refuses (1, 2, 9).

use http::{HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::quota::Quota;
use super::{Answer, Ask, Etsy, Face, Operation, Step, Trouble, World, header, json_answer, page};
use crate::sim::openapi::{OpenApi, Route};

/// An operation that is played: its route, the scopes that it takes, and the parameters that it knows.
type Played = (Route, &'static [&'static str], &'static [&'static str]);

const fn route(method: &'static str, path: &'static str, name: &'static str) -> Route {
    Route { api: "", path, method, name }
}

const BATCH: &[&str] = &["listing_ids", "includes", "legacy", "currency", "buyer_country"];
const LISTED: &[&str] = &["state", "limit", "offset", "sort_on", "sort_order", "includes"];
const RECEIPTS: &[&str] = &[
    "min_created",
    "max_created",
    "min_last_modified",
    "max_last_modified",
    "limit",
    "offset",
    "sort_on",
    "sort_order",
    "was_paid",
    "was_shipped",
    "was_delivered",
    "was_canceled",
    "legacy",
];

const ROUTES: [Played; 13] = [
    (route("get", "/v3/application/openapi-ping", "ping"), &[], &[]),
    (route("post", "/v3/application/scopes", "tokenScopes"), &[], &[]),
    (route("get", "/v3/application/users/me", "getMe"), &["shops_r"], &[]),
    (route("get", "/v3/application/shops/{shop_id}", "getShop"), &[], &[]),
    (route("get", "/v3/application/shops/{shop_id}/listings", "getListingsByShop"), &["listings_r"], LISTED),
    (
        route("get", "/v3/application/listings/batch/inventory", "getListingsInventoryByListingIds"),
        &["listings_r"],
        &["listing_ids"],
    ),
    (route("get", "/v3/application/listings/batch", "getListingsByListingIds"), &[], BATCH),
    (
        route("get", "/v3/application/listings/{listing_id}", "getListing"),
        &[],
        &["includes", "language", "allow_suggested_title"],
    ),
    (
        route("get", "/v3/application/listings/{listing_id}/inventory", "getListingInventory"),
        &["listings_r"],
        &["show_deleted", "includes"],
    ),
    (
        route("put", "/v3/application/listings/{listing_id}/inventory", "updateListingInventory"),
        &["listings_w"],
        &["max_variations_supported"],
    ),
    (route("patch", "/v3/application/shops/{shop_id}/listings/{listing_id}", "updateListing"), &["listings_w"], &[]),
    (route("get", "/v3/application/shops/{shop_id}/receipts", "getShopReceipts"), &["transactions_r"], RECEIPTS),
    (
        route("get", "/v3/application/shops/{shop_id}/receipts/{receipt_id}", "getShopReceipt"),
        &["transactions_r"],
        &["legacy"],
    ),
];

/// A call that was let in.
pub(super) struct Call {
    pub route: Route,
    /// The numbers that stand in the address, in their order.
    pub ids: Vec<u64>,
    pub query: Vec<(String, String)>,
    /// The body: JSON, or the fields of a form.
    pub body: Value,
    /// Whether the seller's token came along.
    pub of_seller: bool,
}

/// Why a call is refused (9).
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: u16,
    error: String,
    words: Option<String>,
    wait: Option<u64>,
}

pub(super) type Answered = Result<Answer, Problem>;

impl Problem {
    pub fn new(status: u16, error: &str) -> Self {
        Self { status, error: error.into(), words: None, wait: None }
    }

    pub fn unfit(error: &str) -> Self {
        Self::new(400, error)
    }

    pub fn saying(self, words: &str) -> Self {
        Self { words: Some(words.into()), ..self }
    }

    /// 2: with a word on how long to wait. The body is not told of [?].
    pub fn throttled(wait: Option<u64>) -> Self {
        Self { wait, ..Self::new(429, "Exceeded the rate limit for this application.") }
    }

    pub fn gone() -> Self {
        Self::new(404, "Resource not found")
    }

    pub fn answer(&self) -> Answer {
        let mut body = json!({ "error": self.error });
        if let Some(words) = &self.words {
            body["error_description"] = words.clone().into();
        }
        let mut answer = json_answer(self.status, &body);
        if let Some(seconds) = self.wait {
            answer.headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

impl Call {
    /// Reads a call, or says what of it does not fit (9).
    fn read(ask: &Ask, (route, _, known): Played, ids: Vec<u64>, of_seller: bool) -> Result<Self, Problem> {
        let query = pairs_of(ask.uri().query().unwrap_or_default().as_bytes());
        if let Some((name, _)) = query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(Problem::unfit(&format!("Unknown parameter: {name}")));
        }
        let body = match route.method {
            "get" => Value::Null,
            "put" => {
                if !header(ask, "content-type").is_some_and(|kind| kind.starts_with("application/json")) {
                    return Err(Problem::unfit("The content type must be application/json."));
                }
                let read = serde_json::from_slice(ask.body());
                read.map_err(|why| Problem::unfit(&format!("The body is not JSON: {why}")))?
            }
            _ if is_form(ask) => {
                let fields = pairs_of(ask.body()).into_iter().map(|(name, value)| (name, value.into()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            _ => return Err(Problem::unfit("The content type must be application/x-www-form-urlencoded.")),
        };
        Ok(Self { route, ids, query, body, of_seller })
    }

    /// Holds what was taken against the official description, where that is at hand: the face is to be the stricter one.
    pub fn against_the_schema(&self) -> Result<(), Problem> {
        let body = Some(&self.body).filter(|body| !body.is_null());
        let misfit = OpenApi::known().and_then(|schema| schema.request_misfit(self.route, &self.query, body));
        misfit.map_or(Ok(()), |why| Err(Problem::new(500, &format!("the simulated shop took amiss: {why}"))))
    }

    /// Returns a parameter of the query; the last one, where it stands there twice.
    pub fn said(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that is a number within bounds.
    pub fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Problem> {
        let Some(said) = self.said(name) else { return Ok(None) };
        let number = said.parse().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| Problem::unfit(&format!("Invalid value for {name}: {said}")))
    }

    /// Returns a parameter that is one of these words.
    pub fn word(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Problem> {
        let Some(said) = self.said(name) else { return Ok(None) };
        let word = words.iter().find(|word| **word == said).copied();
        word.map(Some).ok_or_else(|| Problem::unfit(&format!("Invalid value for {name}: {said}")))
    }

    /// Returns a parameter that is true or false.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        Ok(self.word(name, &["true", "false"])?.map(|word| word == "true"))
    }

    /// Returns which part of a list is asked for: where it begins, and how long it is (4.1, 7).
    pub fn part(&self) -> Result<(usize, usize), Problem> {
        let limit = self.number("limit", 1, 100)?.unwrap_or(25);
        let offset = self.number("offset", 0, i64::MAX)?.unwrap_or(0);
        Ok((usize::try_from(offset).unwrap_or(usize::MAX), usize::try_from(limit).unwrap_or(25)))
    }

    /// Returns the listings that are named, at most a hundred (4.1).
    pub fn listings(&self) -> Result<Vec<u64>, Problem> {
        let said = self.said("listing_ids").ok_or_else(|| Problem::unfit("Missing input parameter: listing_ids"))?;
        let ids: Option<Vec<u64>> = said.split(',').map(|id| id.parse().ok()).collect();
        match ids {
            Some(ids) if ids.len() <= 100 => Ok(ids),
            Some(_) => Err(Problem::unfit("listing_ids takes at most 100 numbers.")),
            None => Err(Problem::unfit(&format!("Invalid value for listing_ids: {said}"))),
        }
    }
}

/// Reads what is written as a query or a form is.
pub(super) fn pairs_of(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

pub(super) fn is_form(ask: &Ask) -> bool {
    header(ask, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// Finds the operation of an address, and the numbers that stand in it.
fn find(ask: &Ask) -> Option<(Played, Vec<u64>)> {
    let said: Vec<&str> = ask.uri().path().split('/').collect();
    let method = ask.method().as_str().to_lowercase();
    ROUTES.iter().filter(|(route, ..)| route.method == method).find_map(|played| {
        let parts: Vec<&str> = played.0.path.split('/').collect();
        let mut ids = Vec::new();
        for (part, said) in parts.iter().zip(&said) {
            if part.starts_with('{') {
                ids.push(said.parse().ok()?);
            } else if part != said {
                return None;
            }
        }
        (parts.len() == said.len()).then_some((*played, ids))
    })
}

/// Tells what a request is about.
pub(super) fn recognise(ask: &Ask) -> Operation {
    let Some(((route, ..), ids)) = find(ask) else {
        let token = ask.uri().path().ends_with("/oauth/token");
        return Operation { name: if token { "token" } else { "page" }.into(), ..Operation::default() };
    };
    let query = pairs_of(ask.uri().query().unwrap_or_default().as_bytes());
    let named = query.iter().find(|(name, _)| name == "listing_ids").map_or(0, |(_, said)| said.split(',').count());
    let one = usize::from(route.path.contains("{listing_id}") && !ids.is_empty());
    Operation { name: route.name.into(), writing: matches!(route.method, "put" | "patch"), items: named.max(one) }
}

impl Etsy {
    /// Answers whatever comes.
    pub(super) fn open(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Step {
        let path = ask.uri().path();
        if path == "/oauth/connect" && ask.method() == Method::GET {
            return Step::Done(self.consent_page(world.now, ask));
        }
        if path == "/v3/public/oauth/token" && ask.method() == Method::POST {
            return Step::Done(self.token_endpoint(world.now, ask));
        }
        let Some((played, ids)) = find(ask) else {
            let found = path.starts_with("/v3/");
            return Step::Done(if found { Problem::gone().answer() } else { page(404, "<h1>404</h1>") });
        };
        let of_seller = header(ask, "authorization").is_some();
        let step = match self.let_in(world, ask, (played, ids), troubles) {
            Ok(call) => self.run(world, &call, troubles).unwrap_or_else(|problem| Step::Done(problem.answer())),
            Err(problem) => Step::Done(problem.answer()),
        };
        let held = troubles.is_empty().then_some(played.0);
        finished(step, held, self.quota(of_seller).clone())
    }

    /// Lets a call in: which program and which seller, how often, and whether it can be read.
    fn let_in(
        &mut self,
        world: &World,
        ask: &Ask,
        (played, ids): (Played, Vec<u64>),
        troubles: &[Trouble],
    ) -> Result<Call, Problem> {
        self.admit_program(ask)?;
        let of_seller = self.admit_seller(world.now, ask, played.1, troubles)?;
        // 2: by key where there is no token, else by the seller.
        let quota = if of_seller { &mut self.private } else { &mut self.public };
        quota.take(world.now).map_err(|wait| Problem::throttled(Some(wait)))?;
        let word = troubles.iter().find_map(|trouble| match trouble {
            Trouble::Word(word) => Some(*word),
            _ => None,
        });
        if let Some(word) = word {
            return Err(Problem::new(403, word));
        }
        let own = !played.0.path.contains("{shop_id}") || ids.first() == Some(&self.shop_id);
        if !own {
            return Err(Problem::new(404, "Shop not found"));
        }
        Call::read(ask, played, ids, of_seller)
    }

    pub(super) fn quota(&self, of_seller: bool) -> &Quota {
        if of_seller { &self.private } else { &self.public }
    }

    fn run(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Result<Step, Problem> {
        let answer = match call.route.name {
            "updateListingInventory" => return self.replace_inventory(world, call, troubles),
            "updateListing" => self.update_listing(world, call, troubles),
            "ping" => Ok(json_answer(200, &json!({ "application_id": 1_230_001 }))),
            "tokenScopes" => self.token_scopes(world.now, call.body["token"].as_str().unwrap_or_default()),
            "getMe" => Ok(json_answer(200, &json!({ "user_id": self.user_id, "shop_id": self.shop_id }))),
            "getShop" => Ok(self.show_shop(world)),
            "getListingsByShop" => self.list_by_shop(world, call, troubles),
            "getListingsInventoryByListingIds" | "getListingsByListingIds" => self.list_named(world, call, troubles),
            "getListing" => self.one_listing(world, call, troubles),
            "getListingInventory" => self.one_inventory(world, call, troubles),
            "getShopReceipts" => self.list_receipts(world, call, troubles),
            _ => self.one_receipt(world, call, troubles),
        }?;
        call.against_the_schema()?;
        Ok(Step::Done(answer))
    }
}

/// Does to an answer what is done on its way out, after however many pauses: it is held against the official
/// description, and tells how many calls are left (2, 9).
fn finished(step: Step, held: Option<Route>, quota: Quota) -> Step {
    let mut answer = match step {
        Step::Done(answer) => answer,
        Step::Pause(time, finish) => {
            let later = move |face: &mut dyn Face, world: &mut World| finished(finish(face, world), held, quota);
            return Step::Pause(time, Box::new(later));
        }
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let known = OpenApi::known().zip(held);
    let misfit = known.and_then(|(schema, route)| schema.answer_misfit(route, answer.status.as_u16(), &body));
    if let Some(wrong) = misfit {
        answer = Problem::new(500, &format!("the simulated shop answered amiss: {wrong}")).answer();
    }
    quota.tell(&mut answer.headers);
    answer.headers.insert("x-etsy-request-uuid", HeaderValue::from_static("0f5e1d7c-0000-4000-8000-000000000000"));
    Step::Done(answer)
}
