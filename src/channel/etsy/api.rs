//! The line to Etsy: the app's key and the shop's token in the header of each call, and what its answers tell of limits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::super::registry::{Doors, Settings, Token};
use super::super::{ChannelError, ErrorKind, Repeat, Result};
use super::auth::{Access, user};
use super::errors::{evidence, refusal};
use super::limits::{CALM, judge, quota};
use crate::domain::quota::Quota;
use crate::net::{Again, Client, Label, Pace, Reply, Request, http::check_url};

const HOME: &str = "https://openapi.etsy.com";

/// Where all calls but those for tokens begin.
const ROOT: &str = "/v3/application/";

/// The interfaces of one shop.
pub(super) struct Api {
    client: Client,
    access: Access,
    settings: Settings,
    /// What `x-api-key` wants, made once.
    key: OnceCell<HeaderValue>,
    base: String,
    quota: Mutex<Option<Quota>>,
}

/// A call.
pub(super) struct Call {
    /// In words that follow "while".
    pub operation: &'static str,
    method: Method,
    path: String,
    body: Option<(&'static str, String)>,
    again: Again,
}

impl Call {
    /// Makes a call that reads.
    pub fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self { operation, method: Method::GET, path: path.into(), body: None, again: Again::Always }
    }

    /// Lets a failed call be the caller's to repeat, who knows something better than the same again.
    pub fn once(self) -> Self {
        Self { again: Again::IfNeverSent, ..self }
    }

    /// Makes a call that replaces something. What it replaces may be another thing later, so that it is not repeated by
    /// itself.
    pub fn put(operation: &'static str, path: impl Into<String>, body: &Value) -> Self {
        let body = Some(("application/json", body.to_string()));
        Self { operation, method: Method::PUT, path: path.into(), body, again: Again::IfNeverSent }
    }

    /// Makes a call that changes single fields, and is not repeated by itself (X8).
    pub fn patch(operation: &'static str, path: impl Into<String>, form: &[(&str, &str)]) -> Self {
        let body = Some(("application/x-www-form-urlencoded", encoded(form)));
        Self { operation, method: Method::PATCH, path: path.into(), body, again: Again::IfNeverSent }
    }
}

/// Writes a form.
pub(super) fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

impl Api {
    /// Makes a line to Etsy. Nothing is sent yet.
    pub fn new(settings: Settings, doors: Doors) -> Result<Self> {
        let base = settings.base_url.clone().unwrap_or_else(|| HOME.to_owned());
        let base = base.trim_end_matches('/').to_owned();
        let pace = Pace { assumed: CALM, timeout: Duration::from_mins(1) };
        let client = Client::new(Arc::clone(&doors.transport), pace);
        let access = Access::new(settings.clone(), doors, &base)?;
        Ok(Self { client, access, settings, key: OnceCell::new(), base, quota: Mutex::default() })
    }

    pub fn clock(&self) -> Option<Timestamp> {
        self.client.clock()
    }

    /// Tells what is left of the day's calls, as the last answer told.
    pub fn quota(&self) -> Option<Quota> {
        *self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how many calls were made so far for an operation.
    pub fn calls(&self, operation: &str) -> u64 {
        self.client.tally().get(operation).copied().unwrap_or_default()
    }

    /// Trades the code of a consent for tokens.
    pub async fn trade(&self, code: &str, redirect: &str, verifier: &str) -> Result<Token> {
        self.access.trade(&self.client, code, redirect, verifier).await
    }

    /// Returns when the refresh token ends, as far as that is known.
    pub async fn access_ends(&self) -> Result<Option<Timestamp>> {
        self.access.ends().await
    }

    /// Returns the number of the seller whose token is used, if it tells.
    pub async fn user(&self) -> Result<Option<u64>> {
        Ok(user(&self.access.token(&self.client, None).await?))
    }

    /// Asks, and reads the answer.
    pub async fn ask(&self, call: &Call) -> Result<Value> {
        let mut refused = None;
        loop {
            let token = self.access.token(&self.client, refused.as_ref()).await?;
            let reply = self.send(self.request(call, Some(&token)).await?, call.operation).await?;
            self.note_quota(&reply);
            // A token that ended is renewed, once.
            if reply.status == StatusCode::UNAUTHORIZED && refused.is_none() {
                refused = Some(token);
                continue;
            }
            return decode(&reply, call.operation);
        }
    }

    /// Asks with the app's key alone.
    pub async fn ask_without_token(&self, call: &Call) -> Result<Value> {
        let reply = self.send(self.request(call, None).await?, call.operation).await?;
        decode(&reply, call.operation)
    }

    /// Asks Etsy what the access token may do.
    pub async fn scopes(&self, operation: &'static str) -> Result<Value> {
        let token = self.access.token(&self.client, None).await?;
        let body = Some(("application/x-www-form-urlencoded", encoded(&[("token", token.expose_secret())])));
        let call = Call { operation, method: Method::POST, path: "scopes".to_owned(), body, again: Again::Always };
        self.ask_without_token(&call).await
    }

    async fn send(&self, request: Request, operation: &'static str) -> Result<Reply> {
        let reply = self.client.call(request, judge).await;
        reply.map_err(|error| ChannelError::unanswered(&error, operation))
    }

    /// Takes note of what is left of the day's calls. Those with the app's key alone are counted apart, and few.
    fn note_quota(&self, reply: &Reply) {
        if let Some(told) = quota(&reply.headers, self.client.clock()) {
            *self.quota.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
    }

    async fn request(&self, call: &Call, token: Option<&SecretString>) -> Result<Request> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("x-api-key", self.key(call.operation).await?);
        if let Some(token) = token {
            let bearer = format!("Bearer {}", token.expose_secret());
            headers.insert(AUTHORIZATION, secret(&bearer, call.operation, "the access token is no token")?);
        }
        if let Some((kind, _)) = &call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Ok(Request {
            method: call.method.clone(),
            url: address(&self.base, &format!("{ROOT}{}", call.path), self.settings.allow_http)?,
            secret_query: None,
            headers,
            body: call.body.as_ref().map_or_else(Bytes::new, |(_, body)| Bytes::from(body.clone())),
            label: Label { operation: call.operation, cost: 1.0, again: call.again },
        })
    }

    /// Returns what names the app: its keystring and its secret, which since 2026 go together (section 0).
    async fn key(&self, operation: &'static str) -> Result<HeaderValue> {
        let make = || async {
            let keystring = self.settings.text("client_id").unwrap_or_default().trim();
            let shared = self.settings.secret("client_secret").await?;
            // Some copy the whole of it.
            let shared = shared.expose_secret().trim();
            let shared = shared.strip_prefix(&format!("{keystring}:")).unwrap_or(shared);
            secret(&format!("{keystring}:{shared}"), operation, "keystring and shared secret are no key")
        };
        self.key.get_or_try_init(make).await.cloned()
    }
}

fn secret(text: &str, operation: &'static str, wrong: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| ChannelError::new(ErrorKind::Credentials, Repeat::Never, operation, wrong))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Makes an address at Etsy.
pub(super) fn address(base: &str, path: &str, allow_http: bool) -> Result<Url> {
    let wrong = |why: String| {
        ChannelError::new(ErrorKind::Account, Repeat::Never, "finding Etsy", why)
            .with_next("check `base_url` of this channel in channels.toml, or leave it out")
    };
    let url = Url::parse(&format!("{base}{path}")).map_err(|error| wrong(format!("{base}: {error}")))?;
    check_url(&url, allow_http).map_err(wrong)?;
    Ok(url)
}

fn decode(reply: &Reply, operation: &'static str) -> Result<Value> {
    if !reply.status.is_success() {
        return Err(refusal(reply, operation));
    }
    serde_json::from_slice(&reply.body).map_err(|error| {
        let error = ChannelError::unexpected(operation, format!("Etsy's answer is not as documented: {error}"));
        error.with_evidence(evidence(reply, None))
    })
}
