//! What stands before WooCommerce: the host, its proxies and firewalls, WordPress and its routes, other plugins.
//!
//! Everything here is off, or as a usual host has it, until a test asks for it.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;

use super::oauth::encoded;
use super::params::Params;
use super::{Answer, Ask, Call, Result, Step, WooCommerce, json_answer};

/// What stands before a shop.
#[derive(Clone, Debug)]
pub struct Site {
    /// Whether the shop's addresses are pretty (2.5).
    pub permalinks: Permalinks,
    /// Whether PHP believes that it speaks TLS (2.3).
    pub tls: Tls,
    /// Whether the host takes the `Authorization` header away (2.3).
    pub drops_authorization: bool,
    /// Whether WordPress takes a key for a user's name where WooCommerce does not look at it (2.5).
    pub core_sees_keys: bool,
    /// Whether requests to another scheme or host than the shop's own are redirected there (2.1).
    pub redirects_home: bool,
    /// What a plugin prints before every answer: a notice, or a byte order mark (8).
    pub noise: Option<String>,
    /// Whether a cache of the host answers reads, and says so in a header (8).
    pub cached: bool,
    /// Whether the shop is being updated: 503 with `Retry-After` (8).
    pub maintenance: bool,
    /// The longest address that nginx takes, in bytes; longer ones get 414 (1.11).
    pub longest_address: usize,
    /// The most bytes of headers that nginx takes from PHP, which repeats the address in `Link`; more get 502 (1.11).
    pub longest_headers: usize,
    /// Whether a firewall wants every client to name itself (8).
    pub wants_agent: bool,
    /// Whether a firewall refuses that a POST is a read (2.6).
    pub refuses_override: bool,
    /// Whether a firewall refuses PUT, PATCH and DELETE (4.1).
    pub refuses_rare_methods: bool,
}

/// What a shop's addresses look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permalinks {
    /// `/wp-json/…` leads to the API.
    Pretty,
    /// It leads to a page that is not there.
    Plain,
    /// It leads to some other page.
    PlainRedirecting,
}

/// Whether PHP believes that it speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// If the client does: in process by the scheme of the address, over loopback never.
    AsDialled,
    /// Always, so that a shop on the loopback takes what wants https.
    Assumed,
    /// Never: a proxy ends TLS and does not tell.
    Hidden,
}

/// What is done to an answer on its way out.
#[derive(Clone, Debug)]
pub(super) struct LastTouch {
    noise: Option<String>,
    cached: bool,
    longest_headers: usize,
    wants_json: bool,
    without_body: bool,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            permalinks: Permalinks::Pretty,
            tls: Tls::AsDialled,
            drops_authorization: false,
            core_sees_keys: false,
            redirects_home: false,
            noise: None,
            cached: false,
            maintenance: false,
            longest_address: 8192,
            longest_headers: 4096,
            wants_agent: false,
            refuses_override: false,
            refuses_rare_methods: false,
        }
    }
}

impl Site {
    /// Tells whether PHP believes that a request came by TLS.
    pub(super) fn secure(&self, ask: &Ask) -> bool {
        match self.tls {
            Tls::AsDialled => ask.uri().scheme_str() == Some("https"),
            Tls::Assumed => true,
            Tls::Hidden => false,
        }
    }

    /// Returns the header with credentials, as far as it reaches PHP.
    pub(super) fn authorization(&self, ask: &Ask) -> Option<String> {
        let given = header(ask, "authorization")?;
        (!self.drops_authorization).then(|| given.into())
    }

    pub(super) fn last_touch(&self, ask: &Ask) -> LastTouch {
        LastTouch {
            noise: self.noise.clone(),
            cached: self.cached && ask.method() == Method::GET,
            longest_headers: self.longest_headers,
            wants_json: wants_json(ask),
            without_body: ask.method() == Method::HEAD,
        }
    }
}

impl WooCommerce {
    /// Answers what does not get as far as WordPress.
    pub(super) fn before_the_shop(&self, ask: &Ask) -> Option<Answer> {
        let site = &self.site;
        let address = ask.uri().path_and_query().map_or("", |it| it.as_str());
        // 1.11: an address of more than 8 kB.
        if address.len() > site.longest_address {
            return Some(page(414, "<h1>414 Request-URI Too Large</h1>"));
        }
        // 8: empty agents get blocked.
        if site.wants_agent && header(ask, "user-agent").is_none_or(str::is_empty) {
            return Some(page(403, "<h1>Forbidden</h1>"));
        }
        let rare = !matches!(*ask.method(), Method::GET | Method::HEAD | Method::POST | Method::OPTIONS);
        if (site.refuses_rare_methods && rare) || (site.refuses_override && overridden(ask).is_some()) {
            return Some(page(403, "<h1>Request blocked</h1>"));
        }
        // 8: maintenance, during updates; JSON for those who ask for it.
        if site.maintenance {
            let words = "Briefly unavailable for scheduled maintenance. Check back in a minute.";
            let body = json!({ "code": "wp_die", "message": words, "data": { "status": 503 } });
            let mut answer = if wants_json(ask) { json_answer(503, &body) } else { page(503, words) };
            answer.headers.insert(http::header::RETRY_AFTER, HeaderValue::from(600));
            return Some(answer);
        }
        self.redirected(ask)
    }

    /// 2.1: redirects drop `Authorization` and make a GET of a POST; whoever follows them loses.
    fn redirected(&self, ask: &Ask) -> Option<Answer> {
        let (scheme, rest) = self.home.split_once("://")?;
        let host = rest.split('/').next().unwrap_or_default();
        let dialled = ask.uri().authority().map(|it| it.as_str()).or(header(ask, "host")).unwrap_or_default();
        let home = ask.uri().scheme_str().unwrap_or("http") == scheme && dialled == host;
        if home || !self.site.redirects_home {
            return None;
        }
        let address = ask.uri().path_and_query().map_or("/", |it| it.as_str());
        Some(redirect(&format!("{scheme}://{host}{address}")))
    }

    /// Finds the REST route of a request; `None` where it is for a page.
    pub(super) fn find_route(&self, ask: &Ask) -> Result<Option<Call>> {
        let query = query_of(ask);
        let path = ask.uri().path();
        let Some(path) = path.strip_prefix(self.folder()) else { return Ok(None) };
        let named = query.iter().find(|(name, _)| name == "rest_route").map(|(_, route)| route.as_str());
        let pretty = path.strip_prefix("/wp-json").filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let pretty = pretty.filter(|_| self.site.permalinks == Permalinks::Pretty);
        // 2.5: the parameter does the routing where it is there.
        let Some(route) = named.or(pretty) else { return Ok(None) };
        let parts: Vec<String> = route.split('/').filter(|part| !part.is_empty()).map(super::oauth::decoded).collect();
        let namespaced = parts.first().is_some_and(|first| first == "wc" || first == "wc-analytics");
        let space = match parts.as_slice() {
            [first, ..] if first == "wc-analytics" => first.clone(),
            [first, second, ..] if first == "wc" => format!("{first}/{second}"),
            _ => String::new(),
        };
        if !parts.is_empty() && (!namespaced || space.starts_with("wc/") && space != "wc/v3") {
            return Err(super::Problem::no_route());
        }
        let skip = space.split('/').filter(|part| !part.is_empty()).count();
        let json = header(ask, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let method = match overridden(ask) {
            Some(method) => method.parse().unwrap_or(Method::POST),
            None if ask.method() == Method::HEAD => Method::GET,
            None => ask.method().clone(),
        };
        let address = format!("{}{}", self.home, ask.uri().path().strip_prefix(self.folder()).unwrap_or_default());
        let address = match ask.uri().query() {
            Some(query) => format!("{address}?{query}"),
            None => address,
        };
        let params = Params::read(&query, ask.body(), json)?;
        Ok(Some(Call { method, space, route: parts[skip..].to_vec(), params, address }))
    }

    /// Returns the folder of the shop on its host.
    fn folder(&self) -> &str {
        let rest = self.home.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').map_or("", |at| &rest[at..])
    }

    /// Returns the address that a request is to be signed for (2.4): the shop's own, with the scheme that PHP sees.
    pub(super) fn own_address(&self, ask: &Ask) -> String {
        let scheme = if self.site.secure(ask) { "https" } else { "http" };
        let rest = self.home.split_once("://").map_or("", |(_, rest)| rest);
        let path = ask.uri().path().strip_prefix(self.folder()).unwrap_or_default();
        format!("{scheme}://{rest}{path}")
    }

    /// Answers with a page for people: the start page tells where the API is (2.1).
    pub(super) fn page(&self, ask: &Ask) -> Answer {
        let path = ask.uri().path().strip_prefix(self.folder()).unwrap_or("?");
        let plain = self.site.permalinks != Permalinks::Pretty;
        if matches!(path, "" | "/" | "/index.php") {
            let mut answer = page(200, "<h1>Welcome to our shop</h1>");
            let root = if plain { "index.php?rest_route=/" } else { "wp-json/" };
            let link = format!("<{}/{root}>; rel=\"https://api.w.org/\"", self.home);
            answer.headers.insert(http::header::LINK, HeaderValue::try_from(link).expect("an address is plain text"));
            return answer;
        }
        // 2.5: with plain permalinks the pretty address leads to some page, or to none.
        if self.site.permalinks == Permalinks::PlainRedirecting && path.starts_with("/wp-json") {
            return redirect(&format!("{}/", self.home));
        }
        page(404, "<h1>Oops! That page can't be found.</h1>")
    }

    /// Tells what the site is (2.1).
    pub(super) fn root(&self, call: &Call) -> Answer {
        let hours = self.zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds() / 3600;
        let analytics = self.analytics.then_some("wc-analytics");
        let namespaces: Vec<_> =
            ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3"].into_iter().chain(analytics).chain(["wp/v2"]).collect();
        let body = json!({
            "name": self.shop, "description": "", "url": self.home, "home": self.home,
            "gmt_offset": hours.to_string(), "timezone_string": self.zone_name, "namespaces": namespaces,
            // PHP writes an empty object as a list.
            "authentication": [], "routes": {},
        });
        json_answer(200, &super::params::only(body, call.params.fields().as_deref(), false))
    }

    /// Tells the routes of `wc/v3`, by which features are found (2.1).
    pub(super) fn index(&self) -> Answer {
        let mut routes = vec![
            "/wc/v3",
            "/wc/v3/products",
            "/wc/v3/products/(?P<id>[\\d]+)",
            "/wc/v3/products/batch",
            "/wc/v3/products/(?P<product_id>[\\d]+)/variations",
            "/wc/v3/products/(?P<product_id>[\\d]+)/variations/(?P<id>[\\d]+)",
            "/wc/v3/products/(?P<product_id>[\\d]+)/variations/batch",
            "/wc/v3/orders",
            "/wc/v3/orders/(?P<id>[\\d]+)",
            "/wc/v3/orders/(?P<order_id>[\\d]+)/refunds",
            "/wc/v3/reports/orders/totals",
            "/wc/v3/settings/(?P<group_id>[\\w-]+)",
            "/wc/v3/system_status",
        ];
        routes.extend(self.since(9, 0, 0).then_some("/wc/v3/refunds"));
        routes.extend(self.since(10, 0, 0).then_some("/wc/v3/orders/statuses"));
        routes.extend(self.since(10, 3, 0).then_some("/wc/v3/variations"));
        let routes: serde_json::Map<_, _> =
            routes.into_iter().map(|route| (route.to_owned(), json!({ "namespace": "wc/v3" }))).collect();
        json_answer(200, &json!({ "namespace": "wc/v3", "routes": routes }))
    }
}

/// Does to an answer what is done on its way out, after however many pauses.
pub(super) fn touched(step: Step, touch: LastTouch) -> Step {
    match step {
        Step::Done(answer) => Step::Done(touch.done_to(answer)),
        Step::Pause(time, finish) => {
            Step::Pause(time, Box::new(move |face, world| touched(finish(face, world), touch)))
        }
    }
}

impl LastTouch {
    fn done_to(&self, mut answer: Answer) -> Answer {
        let link = answer.headers.get(http::header::LINK).map_or(0, HeaderValue::len);
        // 1.11: nginx gives up on headers that do not fit its buffer.
        if link > self.longest_headers {
            return page(502, "<h1>502 Bad Gateway</h1>");
        }
        // 8: a crash is told in JSON to those who ask for it, else in HTML.
        if answer.status == StatusCode::INTERNAL_SERVER_ERROR && !self.wants_json {
            return page(500, "<p>There has been a critical error on this website.</p>");
        }
        if let Some(noise) = self.noise.as_ref().filter(|_| is_json(&answer)) {
            answer.body = [noise.as_bytes(), &answer.body].concat().into();
        }
        if self.cached {
            answer.headers.insert("x-cache", HeaderValue::from_static("HIT"));
        }
        if self.without_body {
            answer.body.clear();
        }
        answer
    }
}

/// Reads the query of an address.
pub(super) fn query_of(ask: &Ask) -> Vec<(String, String)> {
    url::form_urlencoded::parse(ask.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Writes an address with another page in it.
pub(super) fn with_page(address: &str, page: usize) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "page");
    let mut parts: Vec<_> = query.map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value))).collect();
    parts.push(format!("page={page}"));
    format!("{path}?{}", parts.join("&"))
}

/// Tells which method a POST stands for (2.6).
fn overridden(ask: &Ask) -> Option<String> {
    if ask.method() != Method::POST {
        return None;
    }
    let query = query_of(ask).into_iter().find(|(name, _)| name == "_method").map(|(_, value)| value);
    query.or_else(|| header(ask, "x-http-method-override").map(Into::into)).map(|method| method.to_uppercase())
}

fn header<'a>(ask: &'a Ask, name: &str) -> Option<&'a str> {
    ask.headers().get(name)?.to_str().ok()
}

fn wants_json(ask: &Ask) -> bool {
    header(ask, "accept").is_some_and(|kinds| kinds.contains("application/json"))
}

fn is_json(answer: &Answer) -> bool {
    let kind = answer.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

fn page(status: u16, words: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    let status = StatusCode::from_u16(status).expect("it is a status");
    let body = format!("<!DOCTYPE html><html><body>{words}</body></html>").into();
    Answer { status, headers, body, cost: 0.0, items: None }
}

fn redirect(to: &str) -> Answer {
    let mut answer = page(301, "<h1>Moved Permanently</h1>");
    answer.headers.insert(http::header::LOCATION, HeaderValue::try_from(to).expect("an address is plain text"));
    answer
}
