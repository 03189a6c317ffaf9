//! The line to eBay: one client for all of its interfaces, the token in the header that each wants, and what an answer
//! means for pacing and retrying.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::super::registry::{Doors, Settings, Token};
use super::super::{ChannelError, ErrorKind, Repeat, Result};
use super::auth::{Access, Introspected};
use super::errors::{evidence, rest_error};
use crate::net::{Again, Budget, Client, Label, Pace, Reply, Request, Verdict, http::check_url};

const PRODUCTION: &str = "https://api.ebay.com";
const SANDBOX: &str = "https://api.sandbox.ebay.com";

/// The version of Trading's schema that the calls are written for (1.6).
const TRADING_VERSION: &str = "1451";

/// A pace that stays far below the bursts that block an application for 15 seconds (section 2). The quota of a day is
/// another matter: it is asked for.
const CALM: Budget = Budget { most: 20.0, left: 20.0, per_second: 10.0, cost: None };

/// Trading's numbers for a token that ended or is refused (section 9).
const TOKEN_ENDED: &[&str] = &["21917053", "21916984", "932", "931", "17470"];

/// Marketplaces with the number by which Trading knows their site (1.6).
const SITES: &[(&str, &str)] = &[
    ("EBAY_US", "0"),
    ("EBAY_CA", "2"),
    ("EBAY_GB", "3"),
    ("EBAY_AU", "15"),
    ("EBAY_AT", "16"),
    ("EBAY_BE", "23"),
    ("EBAY_FR", "71"),
    ("EBAY_DE", "77"),
    ("EBAY_IT", "101"),
    ("EBAY_NL", "146"),
    ("EBAY_ES", "186"),
    ("EBAY_CH", "193"),
    ("EBAY_HK", "201"),
    ("EBAY_IE", "205"),
    ("EBAY_PL", "212"),
    ("EBAY_SG", "216"),
];

/// The names of the marketplaces, for channels.toml.
pub(super) const MARKETPLACES: &[&str] = &[
    "EBAY_US", "EBAY_CA", "EBAY_GB", "EBAY_AU", "EBAY_AT", "EBAY_BE", "EBAY_FR", "EBAY_DE", "EBAY_IT", "EBAY_NL",
    "EBAY_ES", "EBAY_CH", "EBAY_HK", "EBAY_IE", "EBAY_PL", "EBAY_SG",
];

/// The interfaces of one seller's account.
pub(super) struct Api {
    client: Client,
    access: Access,
    base: String,
    allow_http: bool,
    marketplace: String,
    trading_calls: AtomicU64,
}

/// A call of a REST interface.
pub(super) struct Call {
    /// In words that follow "while".
    pub operation: &'static str,
    method: Method,
    path: String,
    body: Option<Value>,
    again: Again,
}

impl Call {
    /// Makes a call that reads.
    pub fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self { operation, method: Method::GET, path: path.into(), body: None, again: Again::Always }
    }

    /// Makes a call that asks or writes with a body; absolute numbers may be written twice.
    pub fn post(operation: &'static str, path: impl Into<String>, body: Value, again: Again) -> Self {
        Self { operation, method: Method::POST, path: path.into(), body: Some(body), again }
    }

    /// Makes a call that does something without a body, and not twice.
    pub fn act(operation: &'static str, path: impl Into<String>) -> Self {
        Self { operation, method: Method::POST, path: path.into(), body: None, again: Again::IfNeverSent }
    }
}

impl Api {
    /// Makes a line to eBay. Nothing is sent yet.
    pub fn new(settings: Settings, doors: Doors) -> Result<Self> {
        let own = if settings.text("environment") == Some("sandbox") { SANDBOX } else { PRODUCTION };
        let base = settings.base_url.clone().unwrap_or_else(|| own.to_owned());
        let base = base.trim_end_matches('/').to_owned();
        let allow_http = settings.allow_http;
        let marketplace = settings.text("marketplace").unwrap_or("EBAY_US").to_owned();
        let pace = Pace { assumed: CALM, timeout: Duration::from_mins(1) };
        let client = Client::new(Arc::clone(&doors.transport), pace);
        let access = Access::new(settings, doors, &base)?;
        Ok(Self { client, access, base, allow_http, marketplace, trading_calls: AtomicU64::new(0) })
    }

    pub fn clock(&self) -> Option<Timestamp> {
        self.client.clock()
    }

    /// Returns a print of the access token in use: it tells one from another, and nothing of what it is.
    pub async fn access_print(&self) -> Result<String> {
        self.access.print(&self.client).await
    }

    /// Trades the code of a consent for tokens.
    pub async fn trade(&self, code: &str, ru_name: &str) -> Result<Token> {
        self.access.trade(&self.client, code, ru_name).await
    }

    /// Tells how many calls Trading was sent by this process: each counts against the day's quota.
    pub fn trading_calls(&self) -> u64 {
        self.trading_calls.load(Ordering::Relaxed)
    }

    /// Asks a REST interface and reads its answer.
    pub async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let reply = self.reply(call).await?;
        if !reply.status.is_success() {
            return Err(rest_error(&reply, call.operation));
        }
        decode(&reply, call.operation)
    }

    /// Asks with a token of the application alone, as the quota of its calls wants it.
    pub async fn ask_as_application<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let token = self.access.application_token(&self.client).await?;
        let reply = self.send(self.rest(call, &token)?, call.operation).await?;
        if !reply.status.is_success() {
            return Err(rest_error(&reply, call.operation));
        }
        decode(&reply, call.operation)
    }

    /// Sends a call and returns its answer as it is; a token that ended is renewed, once.
    pub async fn reply(&self, call: &Call) -> Result<Reply> {
        let mut refused = None;
        loop {
            let token = self.access.token(&self.client, refused.as_ref()).await?;
            let reply = self.send(self.rest(call, &token)?, call.operation).await?;
            if reply.status == StatusCode::UNAUTHORIZED && refused.is_none() {
                refused = Some(token);
                continue;
            }
            return Ok(reply);
        }
    }

    /// Sends a document to Trading and returns its answer; a token that ended is renewed, once. Trading says so with 200.
    pub async fn trading(
        &self,
        name: &'static str,
        operation: &'static str,
        body: &str,
        again: Again,
    ) -> Result<Reply> {
        let mut refused = None;
        loop {
            let token = self.access.token(&self.client, refused.as_ref()).await?;
            self.trading_calls.fetch_add(1, Ordering::Relaxed);
            let reply = self.send(self.xml(name, operation, body, &token, again)?, operation).await?;
            if refused.is_none() && (reply.status == StatusCode::UNAUTHORIZED || says(&reply, TOKEN_ENDED)) {
                refused = Some(token);
                continue;
            }
            return Ok(reply);
        }
    }

    /// Tells what the access token may do.
    pub async fn introspect_access(&self) -> Result<Introspected> {
        self.access.introspect_access(&self.client).await
    }

    /// Tells when the refresh token ends.
    pub async fn access_ends(&self) -> Result<Option<Timestamp>> {
        self.access.ends(&self.client).await
    }

    async fn send(&self, request: Request, operation: &'static str) -> Result<Reply> {
        self.client.call(request, judge).await.map_err(|error| ChannelError::unanswered(&error, operation))
    }

    fn rest(&self, call: &Call, token: &SecretString) -> Result<Request> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", token.expose_secret()), call.operation)?);
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Request {
            method: call.method.clone(),
            url: address(&self.base, &call.path, self.allow_http)?,
            secret_query: None,
            headers,
            body: call.body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
            label: Label { operation: call.operation, cost: 1.0, again: call.again },
        })
    }

    /// Puts a document into the frame that Trading wants (1.6): the call's name in a header, the user's token in another.
    fn xml(
        &self,
        name: &'static str,
        operation: &'static str,
        body: &str,
        token: &SecretString,
        again: Again,
    ) -> Result<Request> {
        let site = SITES.iter().find(|(marketplace, _)| *marketplace == self.marketplace).map_or("0", |(_, site)| site);
        let mut headers = HeaderMap::new();
        let mut insert = |name: &'static str, value: &'static str| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        };
        insert("x-ebay-api-call-name", name);
        insert("x-ebay-api-compatibility-level", TRADING_VERSION);
        insert("x-ebay-api-siteid", site);
        insert("content-type", "text/xml");
        headers.insert(HeaderName::from_static("x-ebay-api-iaf-token"), secret(token.expose_secret(), operation)?);
        Ok(Request {
            method: Method::POST,
            url: address(&self.base, "/ws/api.dll", self.allow_http)?,
            secret_query: None,
            headers,
            body: Bytes::from(body.to_owned()),
            label: Label { operation, cost: 1.0, again },
        })
    }
}

fn secret(text: &str, operation: &'static str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        ChannelError::new(ErrorKind::Credentials, Repeat::Never, operation, "the access token is no token")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Makes an address of one of eBay's interfaces.
pub(super) fn address(base: &str, path: &str, allow_http: bool) -> Result<Url> {
    let wrong = |why: String| {
        ChannelError::new(ErrorKind::Account, Repeat::Never, "finding eBay", why)
            .with_next("check `base_url` of this channel in channels.toml, or leave it out")
    };
    let url = Url::parse(&format!("{base}{path}")).map_err(|error| wrong(format!("{base}: {error}")))?;
    check_url(&url, allow_http).map_err(wrong)?;
    Ok(url)
}

/// Makes a part of a path or of a query of a text: a SKU may have any characters (8).
pub(super) fn encoded(text: &str) -> String {
    // A form writes a blank as `+`, which is no blank in a path.
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Tells what an answer means for pacing and retrying (section 9). The burst block of Trading lasts 15 seconds.
pub(super) fn judge(reply: &Reply) -> (Verdict, Option<Budget>) {
    let hint = reply.headers.get("retry-after").and_then(|after| after.to_str().ok());
    let hint = hint.and_then(|after| after.parse().ok()).map(Duration::from_secs);
    let verdict = match reply.status.as_u16() {
        429 => Verdict::Throttled(hint),
        500.. => Verdict::Failed,
        200..300 if !looks_right(reply) || says(reply, &["10007"]) => Verdict::Failed,
        _ => Verdict::Answer,
    };
    (verdict, None)
}

/// Tells whether a body is one of eBay's at all: JSON, Trading's XML, or nothing.
fn looks_right(reply: &Reply) -> bool {
    let text = reply.body.trim_ascii();
    match text.first() {
        None => true,
        Some(b'{' | b'[') => serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok(),
        Some(b'<') => text.ends_with(b"Response>"),
        Some(_) => false,
    }
}

/// Tells whether an answer of Trading bears one of these numbers as its error.
fn says(reply: &Reply, codes: &[&str]) -> bool {
    if !reply.body.trim_ascii().starts_with(b"<") {
        return false;
    }
    let text = String::from_utf8_lossy(&reply.body);
    let mut told = text.split("<ErrorCode>").skip(1).filter_map(|rest| rest.split('<').next());
    told.any(|code| codes.contains(&code.trim()))
}

fn decode<T: DeserializeOwned>(reply: &Reply, operation: &'static str) -> Result<T> {
    serde_json::from_slice(&reply.body).map_err(|error| {
        let error = ChannelError::unexpected(operation, format!("eBay's answer is not as documented: {error}"));
        error.with_evidence(evidence(reply, None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        let status = StatusCode::from_u16(status).unwrap();
        Reply { status, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn every_marketplace_has_a_site() {
        let named: Vec<&str> = SITES.iter().map(|(marketplace, _)| *marketplace).collect();
        assert_eq!(named, MARKETPLACES);
    }

    // proves F1, F2
    #[test]
    fn an_answer_tells_whether_to_try_again() {
        assert_eq!(judge(&reply(200, "<html>soon back</html>")).0, Verdict::Failed);
        assert_eq!(judge(&reply(200, r#"{"orders":["#)).0, Verdict::Failed);
        assert_eq!(judge(&reply(204, "")).0, Verdict::Answer);
        assert_eq!(judge(&reply(207, r#"{"responses":[]}"#)).0, Verdict::Answer);
        assert_eq!(judge(&reply(503, "")).0, Verdict::Failed);
        assert_eq!(judge(&reply(429, "")).0, Verdict::Throttled(None));
        let internal = "<GetItemResponse><Errors><ErrorCode>10007</ErrorCode></Errors></GetItemResponse>";
        assert_eq!(judge(&reply(200, internal)).0, Verdict::Failed);
    }

    #[test]
    fn a_sku_is_encoded_for_a_path() {
        assert_eq!(encoded("a b/ü+&"), "a%20b%2F%C3%BC%2B%26");
    }
}
