//! One call of the GraphQL Admin API: token, request, and what its answer means.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::super::registry::{Doors, Settings, Token, kept_error};
use super::super::{ChannelError, ErrorKind, Evidence, Repeat, Result, printable};
use crate::net::{Again, Budget, Client, Label, Pace, Reply, Request, Verdict, http::check_url};

/// The version that the documents are written for. Section 2.3 of the Admin API's versioning: one is reachable for at
/// least twelve months, and an older one answers in place of one that is gone.
pub(super) const VERSION: &str = "2026-10";

/// The bucket of the smallest plan, assumed until the first answer tells of the real one.
const SMALLEST: Budget = Budget { most: 2000.0, left: 2000.0, per_second: 100.0, cost: None };

/// A document with what it is for and what it is estimated to cost.
#[derive(Clone, Copy)]
pub(super) struct Document {
    pub text: &'static str,
    /// In words that follow "while".
    pub operation: &'static str,
    pub cost: f64,
}

/// The API of one shop.
pub(super) struct Api {
    client: Client,
    endpoint: Url,
    token_endpoint: Url,
    settings: Settings,
    doors: Doors,
    token: Mutex<Option<Token>>,
}

impl Api {
    /// Makes a line to a shop's API.
    pub fn new(settings: Settings, doors: Doors) -> Result<Self> {
        let shop = domain(settings.text("shop").unwrap_or_default());
        let base = settings.base_url.clone().unwrap_or_else(|| format!("https://{shop}"));
        let version = settings.text("api_version").unwrap_or(VERSION).to_owned();
        let endpoint = address(&base, &format!("/admin/api/{version}/graphql.json"), settings.allow_http)?;
        let token_endpoint = address(&base, "/admin/oauth/access_token", settings.allow_http)?;
        let pace = Pace { assumed: SMALLEST, timeout: Duration::from_mins(1) };
        let client = Client::new(Arc::clone(&doors.transport), pace);
        Ok(Self { client, endpoint, token_endpoint, settings, doors, token: Mutex::default() })
    }

    pub fn clock(&self) -> Option<Timestamp> {
        self.client.clock()
    }

    /// Asks for something; asking twice does no harm.
    pub async fn ask<T: DeserializeOwned>(&self, document: Document, variables: Value) -> Result<T> {
        let body = body(document, &variables);
        self.send(document, body, Again::Always).await
    }

    /// Sends a body as it stands. A write under a key may be repeated too: Shopify remembers the key (6.4).
    pub async fn send<T: DeserializeOwned>(&self, document: Document, body: String, again: Again) -> Result<T> {
        let mut refused = None;
        loop {
            let token = self.token(refused.as_ref()).await?;
            let request = self.request(document, body.clone(), &token, again)?;
            let reply = self
                .client
                .call(request, judge)
                .await
                .map_err(|error| ChannelError::unanswered(&error, document.operation))?;
            // 2.1: a token of an app ends after a day; one that is refused is asked for anew, once.
            if reply.status == StatusCode::UNAUTHORIZED && refused.is_none() && !self.settings.has("access_token") {
                refused = Some(token);
                continue;
            }
            return decode(&reply, document.operation);
        }
    }

    fn request(&self, document: Document, body: String, token: &SecretString, again: Again) -> Result<Request> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut secret = HeaderValue::from_str(token.expose_secret()).map_err(|_| {
            ChannelError::new(ErrorKind::Credentials, Repeat::Never, document.operation, "the access token is no token")
                .with_next("copy the token again: it has no blanks and no line ends")
        })?;
        secret.set_sensitive(true);
        headers.insert(HeaderName::from_static("x-shopify-access-token"), secret);
        Ok(Request {
            method: Method::POST,
            url: self.endpoint.clone(),
            secret_query: None,
            headers,
            body: Bytes::from(body),
            label: Label { operation: document.operation, cost: document.cost, again },
        })
    }

    /// Returns the token to use, in place of one that was refused. Whoever comes first fetches a new one and keeps it; the
    /// others wait for it, those of other processes too (F3).
    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString> {
        if self.settings.has("access_token") {
            return self.settings.secret("access_token").await;
        }
        let (tokens, name) = (&self.doors.keeper, &self.settings.name);
        let good = |token: &Token| {
            self.is_fresh(token)
                && refused.is_none_or(|refused| refused.expose_secret() != token.access.expose_secret())
        };
        let mut slot = self.token.lock().await;
        if let Some(token) = slot.as_ref().filter(|token| good(token)) {
            return Ok(token.access.clone());
        }
        if let Some(token) = self.kept_token().await?.filter(good) {
            return Ok(slot.insert(token).access.clone());
        }
        let renewing = tokens.renewal(name).await.map_err(kept_error)?;
        // Somebody else may have fetched it while this one waited.
        let token = if let Some(token) = self.kept_token().await?.filter(good) {
            token
        } else {
            let token = self.fetch_token().await?;
            tokens.keep(name, &token).await.map_err(kept_error)?;
            token
        };
        drop(renewing);
        Ok(slot.insert(token).access.clone())
    }

    async fn kept_token(&self) -> Result<Option<Token>> {
        self.doors.keeper.load(&self.settings.name).await.map_err(kept_error)
    }

    /// Tells whether a token has more than a tenth of its day left, by the platform's clock where that is known.
    fn is_fresh(&self, token: &Token) -> bool {
        let now = self.client.clock();
        let left = |until: Timestamp| now.is_none_or(|now| SignedDuration::from_hours(2) < until.duration_since(now));
        token.until.is_none_or(left)
    }

    /// Trades client id and secret for a token that lives a day (2.1).
    async fn fetch_token(&self) -> Result<Token> {
        let operation = "asking for a token";
        let id = self.settings.text("client_id").unwrap_or_default();
        let secret = self.settings.secret("client_secret").await?;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", id)
            .append_pair("client_secret", secret.expose_secret())
            .finish();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let label = Label { operation, cost: 0.0, again: Again::Always };
        let url = self.token_endpoint.clone();
        let request =
            Request { method: Method::POST, url, secret_query: None, headers, body: Bytes::from(form), label };
        let reply =
            self.client.call(request, judge).await.map_err(|error| ChannelError::unanswered(&error, operation))?;
        let answer: Option<Value> = serde_json::from_slice(&reply.body).ok();
        let access = answer.as_ref().and_then(|answer| answer["access_token"].as_str());
        let (Some(answer), Some(access)) = (&answer, access) else { return Err(token_error(&reply, operation)) };
        let lives = answer["expires_in"].as_i64().unwrap_or(86_399).clamp(60, 86_400 * 365);
        let until = self.client.clock().and_then(|now| now.checked_add(SignedDuration::from_secs(lives)).ok());
        let scopes = answer["scope"].as_str().unwrap_or_default().split(',').map(str::to_owned).collect();
        Ok(Token { access: SecretString::from(access.to_owned()), refresh: None, until, ends: None, by: None, scopes })
    }
}

/// Makes the body of a call.
pub(super) fn body(document: Document, variables: &Value) -> String {
    json!({ "query": document.text, "variables": variables }).to_string()
}

/// Takes a shop as its owner writes it: its name, its permanent host, or the address of its admin.
pub(super) fn domain(text: &str) -> String {
    let text = text.trim().trim_start_matches("https://").trim_start_matches("http://");
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    if host == "admin.shopify.com" {
        let name = path.trim_start_matches("store/").split('/').next().unwrap_or_default();
        return format!("{name}.myshopify.com");
    }
    if host.contains('.') { host.to_lowercase() } else { format!("{}.myshopify.com", host.to_lowercase()) }
}

fn address(base: &str, path: &str, allow_http: bool) -> Result<Url> {
    let wrong = |why: String| {
        ChannelError::new(ErrorKind::Account, Repeat::Never, "finding the shop", why)
            .with_next("check `shop` in channels.toml: it is the permanent name, my-shop.myshopify.com")
    };
    let url = Url::parse(base).and_then(|url| url.join(path)).map_err(|error| wrong(format!("{base}: {error}")))?;
    check_url(&url, allow_http).map_err(wrong)?;
    Ok(url)
}

/// Tells what an answer means for pacing and retrying (3.3, 10): a throttled call answers with 200 or with 429.
fn judge(reply: &Reply) -> (Verdict, Option<Budget>) {
    let hint =
        reply.headers.get("retry-after").and_then(|after| after.to_str().ok()).and_then(|after| after.parse().ok());
    let hint = hint.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match reply.status.as_u16() {
        429 => return (Verdict::Throttled(hint), None),
        430 => return (Verdict::Throttled(Some(Duration::from_mins(2))), None),
        500.. => return (Verdict::Failed, None),
        200 => {}
        _ => return (Verdict::Answer, None),
    }
    let Ok(answer) = serde_json::from_slice::<Value>(&reply.body) else { return (Verdict::Failed, None) };
    let budget = budget(&answer);
    match code(&answer) {
        Some("THROTTLED") => {
            let wait = budget.and_then(|budget| Some((budget.cost? - budget.left) / budget.per_second));
            let wait = wait.filter(|wait| *wait > 0.0).and_then(|wait| Duration::try_from_secs_f64(wait).ok());
            (Verdict::Throttled(wait), budget)
        }
        Some("INTERNAL_SERVER_ERROR") => (Verdict::Failed, budget),
        _ => (Verdict::Answer, budget),
    }
}

fn budget(answer: &Value) -> Option<Budget> {
    let cost = &answer["extensions"]["cost"];
    let status = &cost["throttleStatus"];
    Some(Budget {
        most: status["maximumAvailable"].as_f64()?,
        left: status["currentlyAvailable"].as_f64()?,
        per_second: status["restoreRate"].as_f64()?,
        cost: cost["requestedQueryCost"].as_f64(),
    })
}

fn code(answer: &Value) -> Option<&str> {
    answer["errors"].as_array()?.iter().find_map(|error| error["extensions"]["code"].as_str())
}

/// Reads an answer in the order of section 10: status, JSON, errors at the top, then the data.
fn decode<T: DeserializeOwned>(reply: &Reply, operation: &'static str) -> Result<T> {
    let answer: Option<Value> = serde_json::from_slice(&reply.body).ok();
    if reply.status != StatusCode::OK {
        return Err(status_error(reply, answer.as_ref(), operation));
    }
    let Some(answer) = answer else {
        let error = ChannelError::unexpected(operation, "Shopify answered with something that is no JSON");
        return Err(error.with_evidence(evidence(reply, None)));
    };
    if answer.get("errors").is_some_and(|errors| !errors.is_null()) {
        return Err(top_level_error(reply, &answer, operation));
    }
    serde_json::from_value(answer["data"].clone()).map_err(|error| {
        let error = ChannelError::unexpected(operation, format!("Shopify's answer is not as documented: {error}"));
        error.with_evidence(evidence(reply, None))
    })
}

/// Translates a status (10).
fn status_error(reply: &Reply, answer: Option<&Value>, operation: &'static str) -> ChannelError {
    let status = reply.status.as_u16();
    let (kind, repeat, message, next) = match status {
        401 => (
            ErrorKind::Credentials,
            Repeat::Never,
            "Shopify refuses the access token",
            Some("make a new token, or check client_id and client_secret in channels.toml"),
        ),
        402 => (ErrorKind::Account, Repeat::Never, "the shop is frozen for an unpaid bill", Some("pay it in Shopify")),
        403 => {
            (ErrorKind::Permission, Repeat::Never, "Shopify forbids this", Some("`eys doctor` names what is missing"))
        }
        404 => (
            ErrorKind::Account,
            Repeat::Never,
            "there is no such shop, or no such version of its API",
            Some("check `shop` in channels.toml: it is the permanent name, my-shop.myshopify.com"),
        ),
        423 => (ErrorKind::Account, Repeat::Never, "the shop is locked", Some("ask Shopify's support to unlock it")),
        429 | 430 => (ErrorKind::Throttled, Repeat::Later, "Shopify keeps telling us to slow down", None),
        500.. => (ErrorKind::Unavailable, Repeat::Later, "Shopify fails", None),
        _ => (ErrorKind::Unexpected, Repeat::Never, "Shopify refuses the request", None),
    };
    let said = answer.and_then(|answer| answer["errors"].as_str());
    let error = ChannelError::new(kind, repeat, operation, message).with_evidence(evidence(reply, said));
    match next {
        Some(next) => error.with_next(next),
        None => error,
    }
}

/// Translates errors at the top of a 200 (10): an array, or plain text.
fn top_level_error(reply: &Reply, answer: &Value, operation: &'static str) -> ChannelError {
    let first = answer["errors"].get(0);
    let said = answer["errors"].as_str().or_else(|| first.and_then(|error| error["message"].as_str()));
    let code = code(answer).unwrap_or_default();
    let needed = first.and_then(|error| error["extensions"]["requiredAccess"].as_str());
    let (kind, repeat, message, next) = match code {
        "THROTTLED" => (ErrorKind::Throttled, Repeat::Later, "Shopify keeps telling us to slow down".to_owned(), None),
        "ACCESS_DENIED" => {
            let scope = needed.map_or("a scope".to_owned(), |needed| printable(needed, 120));
            let next = "add it in the Dev Dashboard, release the app's version and approve it in the shop".to_owned();
            (ErrorKind::Permission, Repeat::Never, format!("the app may not do this: it lacks {scope}"), Some(next))
        }
        "INTERNAL_SERVER_ERROR" => (ErrorKind::Unavailable, Repeat::Later, "Shopify fails".to_owned(), None),
        "SHOP_INACTIVE" => (
            ErrorKind::Account,
            Repeat::Never,
            "the shop is closed or frozen".to_owned(),
            Some("open it in Shopify".to_owned()),
        ),
        _ => (ErrorKind::Refused, Repeat::Never, "Shopify refuses the request".to_owned(), None),
    };
    let error = ChannelError::new(kind, repeat, operation, message);
    let mut evidence = evidence(reply, said);
    evidence.code = (!code.is_empty()).then(|| printable(code, 60));
    let error = error.with_evidence(evidence);
    match next {
        Some(next) => error.with_next(next),
        None => error,
    }
}

/// Translates a refused token request; its bodies may be HTML (2.1).
fn token_error(reply: &Reply, operation: &'static str) -> ChannelError {
    let text = without_tags(&String::from_utf8_lossy(&reply.body));
    let (message, next) = if text.contains("shop_not_permitted") {
        (
            "the app and the shop belong to different organizations",
            "make the app in the Dev Dashboard of the organization that owns the shop",
        )
    } else if text.contains("app_not_installed") {
        ("the app is not installed on the shop", "install it from the Dev Dashboard")
    } else if reply.status.is_server_error() || reply.status.is_success() {
        let message = "Shopify gave no token";
        return ChannelError::new(ErrorKind::Unavailable, Repeat::Later, operation, message)
            .with_evidence(evidence(reply, Some(&text)));
    } else {
        ("Shopify refuses client id and secret", "check client_id and client_secret in channels.toml")
    };
    ChannelError::new(ErrorKind::Credentials, Repeat::Never, operation, message)
        .with_next(next)
        .with_evidence(evidence(reply, Some(&text)))
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        let shown = !inside && *c != '<';
        inside = (inside || *c == '<') && *c != '>';
        shown
    };
    html.chars().filter(keep).take(2000).collect()
}

fn evidence(reply: &Reply, said: Option<&str>) -> Evidence {
    let request_id = reply.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    Evidence {
        status: Some(reply.status.as_u16()),
        request_id: request_id.map(|id| printable(id, 80)),
        code: None,
        said: said.map(|said| printable(said, 300)).filter(|said| !said.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_known_however_it_is_written() {
        for text in [
            "my-shop",
            "My-Shop.myshopify.com",
            "https://my-shop.myshopify.com/admin",
            "https://admin.shopify.com/store/my-shop/products",
        ] {
            assert_eq!(domain(text), "my-shop.myshopify.com", "{text}");
        }
    }

    fn reply(status: u16, body: &str) -> Reply {
        let status = StatusCode::from_u16(status).unwrap();
        Reply { status, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) }
    }

    // Each failure with its kind, whether trying again helps, and the words that the owner sees.
    #[test]
    fn failures_are_told_in_words() {
        let told: Vec<String> = [
            (401, r#"{"errors":"[API] Invalid API key or access token"}"#),
            (402, ""),
            (404, "<html>"),
            (423, ""),
            (503, "<html>"),
            (200, "<html>soon back</html>"),
            (200, r#"{"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED","requiredAccess":"`read_orders` access scope."}}],"data":null}"#),
            (200, r#"{"errors":[{"message":"closed","extensions":{"code":"SHOP_INACTIVE"}}]}"#),
            (200, r#"{"errors":[{"message":"Oh\u001b[2J","extensions":{"code":"NEVER_SEEN"}}]}"#),
            (200, r#"{"errors":"text alone"}"#),
            (200, r#"{"data":[1]}"#),
        ]
        .into_iter()
        .map(|(status, body)| {
            let error = decode::<std::collections::BTreeMap<String, u8>>(&reply(status, body), "reading orders").unwrap_err();
            format!("{:?} {:?}: {error}", error.kind, error.repeat)
        })
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    // proves F2
    #[test]
    fn a_throttled_answer_tells_how_long_to_wait() {
        let body = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":530,"actualQueryCost":null,"throttleStatus":{"maximumAvailable":2000,"currentlyAvailable":312,"restoreRate":100}}}}"#;
        let (verdict, budget) = judge(&reply(200, body));
        assert_eq!(verdict, Verdict::Throttled(Some(Duration::from_millis(2180))));
        assert!((budget.unwrap().left - 312.0).abs() < f64::EPSILON);
        assert_eq!(judge(&reply(429, "")).0, Verdict::Throttled(None));
        assert_eq!(judge(&reply(200, "<html>")).0, Verdict::Failed);
    }

    // proves F2: a wait beyond all time is none that was told.
    #[test]
    fn an_absurd_wait_is_none() {
        let body = r#"{"errors":[{"extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":530,"throttleStatus":{"maximumAvailable":2000,"currentlyAvailable":312,"restoreRate":1e-300}}}}"#;
        assert_eq!(judge(&reply(200, body)).0, Verdict::Throttled(None));
        for seconds in ["1e300", "inf", "nan", "-1"] {
            let mut reply = reply(429, "");
            reply.headers.insert("retry-after", HeaderValue::from_static(seconds));
            assert_eq!(judge(&reply).0, Verdict::Throttled(None), "{seconds}");
        }
    }
}
