//! The frame of the REST interfaces: which operation an address is for, who may call it, how it refuses (9).

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Ask, Ebay, Operation, Trouble, World, header, json_answer, planned_word, told};
use crate::sim::openapi::{OpenApi, Route};

const INVENTORY: &str = "/sell/inventory/v1";
const FULFILLMENT: &str = "/sell/fulfillment/v1";
const ACCOUNT: &str = "/sell/account/v1";
const ANALYTICS: &str = "/developer/analytics/v1_beta";

const READS_STOCK: &[&str] = &["/sell.inventory", "/sell.inventory.readonly"];
const WRITES_STOCK: &[&str] = &["/sell.inventory"];
const READS_ORDERS: &[&str] = &["/sell.fulfillment", "/sell.fulfillment.readonly"];
const READS_ACCOUNT: &[&str] = &["/sell.account", "/sell.account.readonly"];
const WRITES_ACCOUNT: &[&str] = &["/sell.account"];

const fn route(api: &'static str, method: &'static str, path: &'static str, name: &'static str) -> Route {
    Route { api, path, method, name }
}

/// The operations that are played, with the scopes of which one opens each (1.5).
const ROUTES: [(Route, &[&str]); 18] = [
    (route(INVENTORY, "get", "/inventory_item", "getInventoryItems"), READS_STOCK),
    (route(INVENTORY, "get", "/inventory_item/{sku}", "getInventoryItem"), READS_STOCK),
    (route(INVENTORY, "post", "/bulk_get_inventory_item", "bulkGetInventoryItem"), READS_STOCK),
    (route(INVENTORY, "get", "/offer", "getOffers"), READS_STOCK),
    (route(INVENTORY, "get", "/offer/{offerId}", "getOffer"), READS_STOCK),
    (route(INVENTORY, "post", "/bulk_update_price_quantity", "bulkUpdatePriceQuantity"), WRITES_STOCK),
    (route(INVENTORY, "post", "/offer/{offerId}/publish", "publishOffer"), WRITES_STOCK),
    (route(INVENTORY, "post", "/offer/{offerId}/withdraw", "withdrawOffer"), WRITES_STOCK),
    (
        route(INVENTORY, "post", "/offer/publish_by_inventory_item_group", "publishOfferByInventoryItemGroup"),
        WRITES_STOCK,
    ),
    (
        route(INVENTORY, "post", "/offer/withdraw_by_inventory_item_group", "withdrawOfferByInventoryItemGroup"),
        WRITES_STOCK,
    ),
    (route(FULFILLMENT, "get", "/order", "getOrders"), READS_ORDERS),
    (route(FULFILLMENT, "get", "/order/{orderId}", "getOrder"), READS_ORDERS),
    (route(ACCOUNT, "get", "/privilege", "getPrivileges"), READS_ACCOUNT),
    (route(ACCOUNT, "get", "/program/get_opted_in_programs", "getOptedInPrograms"), READS_ACCOUNT),
    (route(ACCOUNT, "post", "/program/opt_in", "optInToProgram"), WRITES_ACCOUNT),
    (route(ACCOUNT, "post", "/program/opt_out", "optOutOfProgram"), WRITES_ACCOUNT),
    (route(ANALYTICS, "get", "/rate_limit/", "getRateLimits"), &[""]),
    (route(ANALYTICS, "get", "/user_rate_limit/", "getUserRateLimits"), READS_STOCK),
];

/// A call that was let in.
pub(super) struct Call {
    pub route: Route,
    /// What stands in the address for the name in its path.
    pub key: String,
    pub query: Vec<(String, String)>,
    /// The query as it was sent.
    pub raw_query: String,
    pub body: Value,
    /// Scheme and host that were dialled.
    pub origin: String,
}

/// Why a call, or one entry of it, is refused (9).
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub status: u16,
    id: i64,
    domain: &'static str,
    category: &'static str,
    message: String,
    long: Option<String>,
}

pub(super) type Answered = Result<Answer, Problem>;

impl Call {
    /// Reads a call, or says what of it does not fit.
    fn read(ask: &Ask, route: Route, key: String) -> Result<Self, Problem> {
        let raw_query = ask.uri().query().unwrap_or_default().to_owned();
        // 7: brackets and braces go encoded; what comes before the interface takes nothing else.
        if raw_query.contains(['[', ']', '{', '}', '|']) {
            return Err(Problem::unfit("The address is not one."));
        }
        let posts = route.method == "post";
        let bare = posts && ask.body().is_empty();
        if posts && !bare && !header(ask, "content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            return Err(Problem::new(415, 2003, "ACCESS", "Unsupported media type"));
        }
        let mut body = Value::Null;
        if posts && !bare {
            body = serde_json::from_slice(ask.body()).map_err(|why| Problem::unfit(&why.to_string()))?;
        }
        let query = query_of(ask);
        let given = Some(&body).filter(|body| !body.is_null());
        if let Some(why) = OpenApi::known().and_then(|schema| schema.request_misfit(route, &query, given)) {
            return Err(Problem::unfit(&why));
        }
        let host = ask.uri().authority().map(|host| host.as_str()).or(header(ask, "host")).unwrap_or_default();
        let origin = format!("{}://{host}", ask.uri().scheme_str().unwrap_or("http"));
        Ok(Self { route, key, query, raw_query, body, origin })
    }

    /// Returns a parameter of the query.
    pub fn said(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that is a whole number within bounds.
    pub fn number(&self, name: &str, usual: usize, refused: impl Fn(&str) -> Problem) -> Result<usize, Problem> {
        self.said(name).map_or(Ok(usual), |text| text.parse().map_err(|_| refused(text)))
    }
}

impl Problem {
    pub fn new(status: u16, id: i64, domain: &'static str, message: &str) -> Self {
        Self { status, id, domain, category: "REQUEST", message: message.into(), long: None }
    }

    pub fn at_length(self, words: &str) -> Self {
        Self { long: Some(words.into()), ..self }
    }

    pub fn of_category(self, category: &'static str) -> Self {
        Self { category, ..self }
    }

    /// 2: without a word on how long to wait.
    pub fn throttled() -> Self {
        let words = "The request limit has been reached for the resource.";
        Self::new(429, 2001, "ACCESS", "Too many requests.").at_length(words)
    }

    /// A request of which the part that is read does not fit.
    pub fn unfit(why: &str) -> Self {
        Self::new(400, 2004, "ACCESS", "Invalid request").at_length(why)
    }

    pub fn to_json(&self) -> Value {
        let mut error = json!({ "errorId": self.id, "domain": self.domain, "category": self.category,
            "message": self.message });
        if let Some(words) = &self.long {
            error["longMessage"] = words.clone().into();
        }
        error
    }

    pub fn answer(&self) -> Answer {
        json_answer(self.status, &json!({ "errors": [self.to_json()] }))
    }
}

/// Reads the query of an address.
pub(super) fn query_of(ask: &Ask) -> Vec<(String, String)> {
    url::form_urlencoded::parse(ask.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Finds the operation of an address, and what stands in it for the name in the path.
fn find(ask: &Ask) -> Option<(Route, &'static [&'static str], String)> {
    let (path, method) = (ask.uri().path(), ask.method().as_str().to_lowercase());
    ROUTES.iter().filter(|(route, _)| route.method == method).find_map(|(route, scopes)| {
        let rest = path.strip_prefix(route.api)?;
        let key = match route.path.split_once('{') {
            None => (rest == route.path).then(String::new)?,
            Some((before, after)) => {
                let end = after.split_once('}').map_or("", |(_, end)| end);
                let key = rest.strip_prefix(before)?.strip_suffix(end)?;
                (!key.is_empty() && !key.contains('/')).then(|| decoded(key))?
            }
        };
        Some((*route, *scopes, key))
    })
}

fn decoded(part: &str) -> String {
    // A plus is a plus in a path.
    let form = format!("x={}", part.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned());
    decoded.unwrap_or_default()
}

/// Tells what a request is about.
pub(super) fn recognise(ask: &Ask) -> Operation {
    let path = ask.uri().path();
    let Some((route, ..)) = find(ask) else {
        let name = if path.starts_with("/identity/") { path.rsplit('/').next().unwrap_or_default() } else { "page" };
        return Operation { name: name.into(), ..Operation::default() };
    };
    let body: Value = serde_json::from_slice(ask.body()).unwrap_or_default();
    let items = body["requests"].as_array().map_or(0, Vec::len);
    let writing = route.method == "post" && route.name != "bulkGetInventoryItem";
    Operation { name: route.name.into(), writing, items }
}

impl Ebay {
    /// Answers what is not for Trading.
    pub(super) fn rest(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Answer {
        let path = ask.uri().path();
        if path == "/oauth2/authorize" && ask.method() == Method::GET {
            return self.consent_page(world.now, ask);
        }
        if let Some(rest) = path.strip_prefix("/identity/v1/oauth2/token")
            && matches!(rest, "" | "/introspect" | "/revoke")
        {
            return self.token_endpoint(world.now, ask);
        }
        let Some((route, scopes, key)) = find(ask) else {
            return Problem::new(404, 2002, "ACCESS", "Resource not found").answer();
        };
        let answer = self.let_in(world, ask, (route, scopes, key), troubles);
        let answer =
            answer.and_then(|call| self.run(world, &call, troubles)).unwrap_or_else(|problem| problem.answer());
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let schema = OpenApi::known().filter(|_| troubles.is_empty());
        match schema.and_then(|schema| schema.answer_misfit(route, answer.status.as_u16(), &body)) {
            Some(wrong) => told(500, "text/plain", format!("the simulated shop answered amiss: {wrong}")),
            None => answer,
        }
    }

    /// Lets a call in: who calls, how often, and whether it can be read.
    fn let_in(
        &mut self,
        world: &World,
        ask: &Ask,
        (route, scopes, key): (Route, &[&str], String),
        troubles: &[Trouble],
    ) -> Result<Call, Problem> {
        let of_user = self.admit(world.now, ask, scopes, troubles)?.of_user;
        // 2: the limits of a program are told to a program.
        if (route.name == "getRateLimits") == of_user {
            return Err(Problem::new(403, 1100, "ACCESS", "Access denied"));
        }
        let api = route.api.split('/').find(|part| !matches!(*part, "" | "sell" | "developer")).unwrap_or_default();
        let api = self.quotas.a_day.keys().find(|known| **known == api).copied().unwrap_or("analytics");
        self.quotas.take(world.now, api, route.name).map_err(|_| Problem::throttled())?;
        match planned_word(troubles) {
            Some("2001") => return Err(Problem::throttled()),
            Some(word) => {
                let id = word.parse().unwrap_or(25001);
                return Err(Problem::new(500, id, "API", "Something is amiss, as planned.").of_category("APPLICATION"));
            }
            None => {}
        }
        Call::read(ask, route, key)
    }

    fn run(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        match call.route.name {
            "getInventoryItems" => self.inventory_items(world, call, troubles),
            "getInventoryItem" => self.inventory_item(world, call, troubles),
            "bulkGetInventoryItem" => self.bulk_inventory_items(world, call, troubles),
            "getOffers" => self.offers_of(world, call, troubles),
            "getOffer" => self.one_offer(world, call, troubles),
            "bulkUpdatePriceQuantity" => self.bulk_update(world, call, troubles),
            "publishOffer" | "publishOfferByInventoryItemGroup" => self.publish(world, call, troubles),
            "withdrawOffer" | "withdrawOfferByInventoryItemGroup" => self.withdraw(world, call, troubles),
            "getOrders" => self.list_orders(world, call, troubles),
            "getOrder" => self.one_order(world, call),
            "getPrivileges" => Ok(self.privileges()),
            "getOptedInPrograms" => Ok(self.programs()),
            "optInToProgram" => self.opt(world, call, true),
            "optOutOfProgram" => self.opt(world, call, false),
            _ => Ok(self.rate_limits(world.now, call)),
        }
    }
}
