//! Answers as eBay gives them, and as it should not; the examples are those of its facts.

mod listings;
mod orders;
mod schema;
mod writes;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::*;
use crate::channel::ErrorKind;
use crate::channel::registry::{Keeper, SecretSource, Token, Value};
use crate::domain::{ChannelName, Level, Quantity, Role, Shown};
use crate::net::{NetError, Reply, Request, Transport};

#[derive(Debug)]
struct Fixed(&'static str);

#[async_trait]
impl SecretSource for Fixed {
    async fn fetch(&self) -> std::result::Result<SecretString, String> {
        Ok(SecretString::from(self.0))
    }
}

/// Keeps a token in memory; at first there is one.
struct Kept(Mutex<Option<Token>>);

#[async_trait]
impl Keeper for Kept {
    async fn load(&self, _: &ChannelName) -> std::result::Result<Option<Token>, String> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn keep(&self, _: &ChannelName, token: &Token) -> std::result::Result<(), String> {
        *self.0.lock().unwrap() = Some(token.clone());
        Ok(())
    }
}

fn token(access: &str) -> Token {
    let access = SecretString::from(access.to_owned());
    let by = Some(auth::print(&SecretString::from("refresh-secret-1")));
    let ends = Some("2028-05-23T07:00:00Z".parse().unwrap());
    Token { access, refresh: None, until: None, ends, by, scopes: Vec::new() }
}

/// Plays back answers, the last one again and again, and remembers what was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<Request>>,
}

impl Script {
    fn add(&self, status: u16, body: &str) {
        self.answers.lock().unwrap().push_back((status, body.to_owned()));
    }

    /// Tells what was asked, in short: a path, or the name of a Trading call.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(short).collect()
    }

    fn body(&self, nth: usize) -> String {
        String::from_utf8(self.asked.lock().unwrap()[nth].body.to_vec()).unwrap()
    }
}

fn short(request: &Request) -> String {
    match request.headers.get("x-ebay-api-call-name") {
        Some(name) => name.to_str().unwrap().to_owned(),
        None => request.url.path().rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> std::result::Result<Reply, NetError> {
        schema::check(&request);
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let (status, body) = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(http::header::DATE, "Mon, 23 Nov 2026 07:00:00 GMT".parse().unwrap());
        Ok(Reply { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::from(body) })
    }
}

fn settings() -> Settings {
    let values = BTreeMap::from([
        ("client_id", Value::Text("eys-PRD-1".to_owned())),
        ("client_secret", Value::Secret(Arc::new(Fixed("cert-secret-1")))),
        ("refresh_token", Value::Secret(Arc::new(Fixed("refresh-secret-1")))),
        ("marketplace", Value::Text("EBAY_DE".to_owned())),
    ]);
    let name = ChannelName::new("ebay").unwrap();
    Settings { name, role: Role::Target, base_url: None, allow_http: false, fees: true, values }
}

fn ebay<S: AsRef<str>>(answers: &[(u16, S)]) -> (Ebay, Arc<Script>) {
    let script = Arc::new(Script::default());
    for (status, body) in answers {
        script.add(*status, body.as_ref());
    }
    let tokens = Arc::new(Kept(Mutex::new(Some(token("access-secret-1")))));
    (Ebay::new(settings(), Doors { transport: script.clone(), keeper: tokens }).unwrap(), script)
}

/// Frames what a Trading call answers.
fn xml(call: &str, ack: &str, rest: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{call}Response xmlns=\"urn:ebay:apis:eBLBaseComponents\">\
         <Timestamp>2026-11-23T07:00:01.000Z</Timestamp><Ack>{ack}</Ack>{rest}</{call}Response>"
    )
}

/// Makes an error of Trading.
fn error(code: &str, class: &str, words: &str) -> String {
    format!(
        "<Errors><ShortMessage>No</ShortMessage><LongMessage>{words}</LongMessage><ErrorCode>{code}</ErrorCode>\
         <SeverityCode>Error</SeverityCode><ErrorClassification>{class}</ErrorClassification></Errors>"
    )
}

/// Makes an answer of `GetItem` about a listing without variations.
fn item(id: &str, total: i64, sold: i64, more: &str) -> String {
    let status = format!("<QuantitySold>{sold}</QuantitySold><ListingStatus>Active</ListingStatus>");
    let fields = format!("<ItemID>{id}</ItemID><ListingType>FixedPriceItem</ListingType><Quantity>{total}</Quantity>");
    xml("GetItem", "Success", &format!("<Item>{fields}<SellingStatus>{status}</SellingStatus>{more}</Item>"))
}

fn update(key: &str, units: i64) -> Update {
    let quantity = Quantity::at_least_zero(units);
    Update { key: ListingKey::new(key), quantity, shown: Shown::Unknown, places: Vec::new() }
}

fn revised(ack: &str, rest: &str) -> String {
    xml("ReviseInventoryStatus", ack, rest)
}

const NO_INVENTORY: &str = r#"{"total":0,"size":0}"#;

// proves F3: a token that ended is renewed once, also where Trading says so with a good status, and no secret shows.
#[tokio::test(start_paused = true)]
async fn a_token_that_ended_is_renewed_once() {
    let ended = xml("GetUser", "Failure", &error("21917053", "RequestError", "Expired IAF token."));
    let renewed = r#"{"access_token":"access-secret-2","expires_in":7200,"token_type":"User Access Token"}"#;
    let user = xml("GetUser", "Success", "<User><EIASToken>nY+sHZ</EIASToken><UserID>mugs-and-more</UserID></User>");
    let (web, script) = ebay(&[(200, ended.as_str()), (200, renewed), (200, &user)]);
    let account = web.account().await.unwrap();
    assert_eq!((account.identity.as_str(), account.label.as_str()), ("nY+sHZ", "mugs-and-more"));
    assert_eq!(script.asked(), ["GetUser", "token", "GetUser"]);
    assert_eq!(script.body(1), "grant_type=refresh_token&refresh_token=refresh-secret-1");
    {
        let asked = script.asked.lock().unwrap();
        let headers = &asked[2].headers;
        assert_eq!(headers["x-ebay-api-iaf-token"].to_str().unwrap(), "access-secret-2");
        assert!(headers["x-ebay-api-iaf-token"].is_sensitive() && asked[1].headers["authorization"].is_sensitive());
        assert_eq!(headers["x-ebay-api-siteid"].to_str().unwrap(), "77");
        assert!(!format!("{:?}", asked[2]).contains("-secret-"), "{:?}", asked[2]);
    }
    let (web, script) = ebay(&[(200, ended.as_str()), (200, renewed), (200, &ended)]);
    let error = web.account().await.unwrap_err();
    assert_eq!((error.kind, script.asked().len()), (ErrorKind::Credentials, 3));
}

/// The account as the next process finds it, with what stands in channels.toml by then.
fn next_process(kept: &Arc<Kept>, refresh: &'static str, answers: &[&str]) -> (Ebay, Arc<Script>) {
    let script = Arc::new(Script::default());
    for answer in answers {
        script.add(200, answer);
    }
    let mut settings = settings();
    settings.values.insert("refresh_token", Value::Secret(Arc::new(Fixed(refresh))));
    (Ebay::new(settings, Doors { transport: script.clone(), keeper: kept.clone() }).unwrap(), script)
}

// proves F7: of a refresh token that stands in channels.toml eBay is asked once when it ends, which is kept with what was got
// by it; another one inherits nothing. Where eBay does not say, no run is worse for it, and it is asked with the next token.
#[tokio::test(start_paused = true)]
async fn when_a_configured_token_ends_is_asked_once() {
    let kept = Arc::new(Kept(Mutex::new(None)));
    let kept_end = || kept.0.lock().unwrap().as_ref().and_then(|token| token.ends).map(|ends| ends.as_second());
    let renewed = r#"{"access_token":"access-secret-2","expires_in":7200,"token_type":"User Access Token"}"#;
    let expired = xml("GetUser", "Failure", &error("21917053", "RequestError", "Expired IAF token."));
    let user = xml("GetUser", "Success", "<User><UserID>mugs</UserID></User>");
    let process = async |refresh: &'static str, answers: &[&str]| {
        let (web, script) = next_process(&kept, refresh, answers);
        web.account().await.unwrap();
        script.asked()
    };
    let first = [renewed, r#"{"active":true,"exp":1800000000}"#, user.as_str()];
    assert_eq!(process("refresh-secret-1", &first).await, ["token", "introspect", "GetUser"]);
    assert_eq!(kept_end(), Some(1_800_000_000));
    assert_eq!(process("refresh-secret-1", &[&user]).await, ["GetUser"]);
    let later = [expired.as_str(), renewed, user.as_str()];
    assert_eq!(process("refresh-secret-1", &later).await, ["GetUser", "token", "GetUser"]);
    assert_eq!(kept_end(), Some(1_800_000_000));
    // An end that is hours away is that of some access token.
    let hours = r#"{"active":true,"exp":1795424400}"#;
    for nothing in [r#"{"active":false}"#, r#"{"active":true}"#, "[]", hours] {
        let other = [renewed, nothing, user.as_str()];
        assert_eq!(process("refresh-secret-2", &other).await, ["token", "introspect", "GetUser"], "{nothing}");
        assert_eq!(kept_end(), None, "{nothing}");
        kept.0.lock().unwrap().as_mut().unwrap().by = None;
    }
    let other = [renewed, r#"{"active":true,"exp":1900000000}"#, user.as_str()];
    assert_eq!(process("refresh-secret-3", &other).await, ["token", "introspect", "GetUser"]);
    assert_eq!(kept_end(), Some(1_900_000_000));
    let token = kept.0.lock().unwrap().clone().unwrap();
    assert!(token.refresh.is_none() && !token.by.unwrap().contains("secret"), "what stands elsewhere is not copied");
}

// proves F7: when consent in the browser ends, it said itself, and that goes before what is said of the token later.
#[tokio::test(start_paused = true)]
async fn what_consent_said_of_its_end_is_kept() {
    let told = "2028-05-23T07:00:00Z".parse().unwrap();
    let refresh = Some(SecretString::from("refresh-secret-1".to_owned()));
    let kept =
        Arc::new(Kept(Mutex::new(Some(Token { refresh, by: None, ends: Some(told), ..token("access-secret-1") }))));
    let (_, script) = next_process(&kept, "", &[r#"{"active":true,"exp":1796100000}"#]);
    let mut settings = settings();
    settings.values.remove("refresh_token");
    let web = Ebay::new(settings, Doors { transport: script.clone(), keeper: kept.clone() }).unwrap();
    assert_eq!(web.api.access_ends().await.unwrap(), Some(told));
    assert!(script.asked().is_empty(), "{:?}", script.asked());
}

// proves F4: consent is asked for where the keyset belongs: in production or in the sandbox, by the name of the redirect.
#[tokio::test(start_paused = true)]
async fn consent_is_asked_for_where_the_keyset_belongs() {
    for (environment, host, api) in [
        ("production", "https://auth.ebay.com", "https://api.ebay.com"),
        ("sandbox", "https://auth.sandbox.ebay.com", "https://api.sandbox.ebay.com"),
    ] {
        let script = Arc::new(Script::default());
        script.add(200, r#"{"access_token":"access-secret-2","expires_in":7200,"refresh_token":"refresh-secret-2"}"#);
        let mut settings = settings();
        settings.values.insert("environment", Value::Text(environment.to_owned()));
        settings.values.insert("ru_name", Value::Text("A_Shop-eys-mugs".to_owned()));
        let doors = Doors { transport: script.clone(), keeper: Arc::new(Kept(Mutex::new(None))) };
        let consent = EbayConsent::prepare(settings, doors, "verifier".to_owned()).unwrap();
        let address = consent.address("s1").unwrap();
        assert!(address.as_str().starts_with(&format!("{host}/oauth2/authorize?client_id=eys-PRD-1&")), "{address}");
        let asked: BTreeMap<_, _> = address.query_pairs().into_owned().collect();
        assert_eq!((asked["redirect_uri"].as_str(), asked["state"].as_str()), ("A_Shop-eys-mugs", "s1"));
        consent.trade("code/1").await.unwrap();
        let traded = script.asked.lock().unwrap()[0].url.to_string();
        assert_eq!(traded, format!("{api}/identity/v1/oauth2/token"));
    }
}

// proves F4: why there is no token is said with what to do about it, and without the secrets that were sent.
#[tokio::test(start_paused = true)]
async fn a_refused_consent_is_told_in_words() {
    let mut told = Vec::new();
    for (status, body) in [
        (400, r#"{"error":"invalid_grant","error_description":"the provided authorization refresh token is invalid"}"#),
        (401, r#"{"error":"invalid_client","error_description":"client authentication failed"}"#),
        (400, r#"{"error":"invalid_scope","error_description":"exceeds the scope granted"}"#),
        (429, r#"{"error":"too_many"}"#),
        (503, "<html>"),
    ] {
        let (web, _) = ebay(&[(401, r#"{"errors":[{"errorId":1001}]}"#), (status, body)]);
        let error = web.orders(&OrderWindow::Unfinished, None).await.unwrap_err();
        let next = error.next.as_deref().unwrap_or("-");
        told.push(format!("{:?} {:?}: {error}\n    next: {next}", error.kind, error.repeat));
    }
    let told = told.join("\n");
    assert!(!told.contains("-secret-"), "{told}");
    insta::assert_snapshot!(told);
}

// Each failure with its kind, whether trying again helps, and the words that the owner sees.
#[tokio::test(start_paused = true)]
async fn failures_are_told_in_words() {
    let trading =
        |code: &str, class: &str, words: &str| (200, xml("GetMyeBaySelling", "Failure", &error(code, class, words)));
    let rest = |status: u16, id: i64| {
        let body = json!({ "errors": [{ "errorId": id, "domain": "ACCESS", "category": "REQUEST", "message": "No.",
            "longMessage": "Not \u{1b}[2J so.", "parameters": [{ "name": "sku", "value": "A" }] }] });
        (status, body.to_string())
    };
    let mut told = Vec::new();
    for (answer, is_trading) in [
        (trading("518", "RequestError", "Call usage limit has been reached."), true),
        (trading("930", "RequestError", "Token missing."), true),
        (trading("10007", "SystemError", "Internal error to the application."), true),
        (trading("2", "RequestError", "Unsupported API call."), true),
        (trading("5", "RequestError", "XML Parse error."), true),
        (trading("99", "RequestError", "Something &lt;new&gt;\u{1b}[2J."), true),
        (trading("98", "SystemError", "Something new."), true),
        ((200, xml("GetMyeBaySelling", "Failure", "")), true),
        ((200, xml("GetSomethingElse", "Success", "")), true),
        ((200, "<html>soon back</html>".to_owned()), true),
        ((200, xml("GetMyeBaySelling", "Success", "<ActiveList></ActiveList>")), true),
        ((500, "<html>".to_owned()), true),
        (rest(400, 30700), false),
        (rest(403, 1100), false),
        (rest(404, 32100), false),
        (rest(429, 2001), false),
        (rest(500, 30500), false),
        ((200, "[1]".to_owned()), false),
        ((200, "{}".to_owned()), false),
    ] {
        let (web, _) = ebay(&[answer]);
        let error = if is_trading {
            web.listings(None).await.map(|_| ()).unwrap_err()
        } else {
            web.orders(&OrderWindow::Unfinished, None).await.map(|_| ()).unwrap_err()
        };
        let next = error.next.as_deref().unwrap_or("-");
        told.push(format!("{:?} {:?}: {error}\n    next: {next}", error.kind, error.repeat));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_keyset_of_the_other_environment_is_told() {
    let mut settings = settings();
    assert!(check(&settings).is_empty());
    settings.values.insert("environment", Value::Text("sandbox".to_owned()));
    assert!(check(&settings)[0].1.contains("is of production"));
    settings.values.remove("refresh_token");
    assert_eq!(check(&settings).len(), 2);
}

// Every call goes to the environment that was chosen, the one for a token too.
#[tokio::test(start_paused = true)]
async fn the_sandbox_is_another_host() {
    for (environment, host) in [(None, "api.ebay.com"), (Some("sandbox"), "api.sandbox.ebay.com")] {
        let mut settings = settings();
        settings.values.extend(environment.map(|name| ("environment", Value::Text(name.to_owned()))));
        let script = Arc::new(Script::default());
        script.add(200, r#"{"access_token":"access-secret-1","expires_in":7200,"token_type":"User Access Token"}"#);
        script.add(200, NO_INVENTORY);
        let doors = Doors { transport: script.clone(), keeper: Arc::new(Kept(Mutex::new(None))) };
        let web = Ebay::new(settings, doors).unwrap();
        assert_eq!(web.inventory.count().await.unwrap(), 0);
        let hosts: Vec<String> =
            script.asked.lock().unwrap().iter().map(|request| request.url.host_str().unwrap().to_owned()).collect();
        assert_eq!(hosts, [host, host, host], "a token, when what renews it ends, and the goods");
    }
}

// proves Y4: when eBay refuses calls for a limit and does not say which, nothing is left for a quarter of an hour; where it
// says what is left of the day, that counts.
#[tokio::test(start_paused = true)]
async fn a_limit_that_nothing_is_said_of_ends_soon() {
    let full = xml("GetMyeBaySelling", "Failure", &error("518", "RequestError", "Call usage limit has been reached."));
    let (web, _) = ebay(&[(200, full.clone())]);
    assert_eq!(web.quota(), None);
    web.listings(None).await.unwrap_err();
    // It may as well be the limit of a burst: eBay is asked, and does not say.
    web.limits.refresh(&web.api).await;
    let quota = web.quota().unwrap();
    let now = web.api.clock().unwrap();
    assert_eq!((quota.most, quota.left, quota.refills.duration_since(now).as_secs()), (5000, 0, 900));
    let day = r#"{"rateLimits":[{"resources":[{"rates":[{"limit":5000,"remaining":0,"reset":"2026-11-24T08:00:00.000Z","timeWindow":86400}]}]}]}"#;
    let token = r#"{"access_token":"application-secret","expires_in":7200}"#;
    let (web, _) = ebay(&[(200, full), (200, token.to_owned()), (200, day.to_owned())]);
    web.listings(None).await.unwrap_err();
    web.limits.refresh(&web.api).await;
    let quota = web.quota().unwrap();
    assert_eq!((quota.left, quota.refills.to_string().as_str()), (0, "2026-11-24T08:00:00Z"));
}

// proves Z3: what is wrong with the switch is a problem that can be mended.
#[tokio::test(start_paused = true)]
async fn out_of_stock_control_is_mended() {
    let preferences = |on: bool| {
        let relist =
            "<UnpaidItemAssistancePreferences><AutoRelist>false</AutoRelist></UnpaidItemAssistancePreferences>";
        let on = format!("<OutOfStockControlPreference>{on}</OutOfStockControlPreference>");
        xml("GetUserPreferences", "Success", &format!("{relist}{on}"))
    };
    let user = xml("GetUser", "Success", "<User><UserID>mugs</UserID></User>");
    let active = "<ActiveList><ItemArray><Item><ItemID>110</ItemID><Title>Mug</Title><Quantity>1</Quantity>\
        <QuantityAvailable>1</QuantityAvailable></Item></ItemArray><PaginationResult><TotalNumberOfPages>1\
        </TotalNumberOfPages></PaginationResult></ActiveList>";
    let limits = r#"{"rateLimits":[{"resources":[{"rates":[{"limit":5000,"remaining":900,"reset":"2026-11-24T08:00:00.000Z","timeWindow":86400}]}]}]}"#;
    let scopes = r#"{"active":true,"scope":"https://api.ebay.com/oauth/api_scope/sell.inventory https://api.ebay.com/oauth/api_scope/sell.account.readonly"}"#;
    let answers = [
        (200, user),
        (200, scopes.to_owned()),
        (200, r#"{"active":true,"exp":1796100000}"#.to_owned()),
        (200, r#"{"programs":[]}"#.to_owned()),
        (200, preferences(false)),
        (200, preferences(false)),
        (200, r#"{"access_token":"application-secret","expires_in":7200}"#.to_owned()),
        (200, limits.to_owned()),
        (200, xml("GetMyeBaySelling", "Success", active)),
        (200, r#"{"sellerRegistrationCompleted":true,"sellingLimit":{"quantity":1}}"#.to_owned()),
        (200, NO_INVENTORY.to_owned()),
    ];
    let (web, script) = ebay(&answers);
    let probes = web.probe().await.unwrap();
    let told = |probe: &Probe| format!("{:?} {}: {}", probe.weight, probe.code, probe.message);
    insta::assert_snapshot!(probes.iter().map(told).collect::<Vec<_>>().join("\n"));
    let mend = probes.iter().find_map(|probe| probe.mend.clone()).unwrap();
    assert!(probes.iter().any(|probe| probe.ends.is_some()));
    script.answers.lock().unwrap().clear();
    script.add(200, &xml("SetUserPreferences", "Success", ""));
    script.add(200, r#"{"programs":[]}"#);
    script.add(200, &preferences(true));
    assert!(matches!(web.mend(&mend).await.unwrap(), Outcome::Done { .. }));
    assert!(web.lives_at_zero().await.unwrap());
}
