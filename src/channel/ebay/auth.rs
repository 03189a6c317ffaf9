//! Access to an account: eBay's tokens live two hours, and a refresh token that lives eighteen months gets the next one
//! (section 1.4). The refresh token itself is never renewed by that; before it ends, its owner has to consent again.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::super::registry::{Doors, Settings, Token, kept_error};
use super::super::{ChannelError, ErrorKind, Repeat, Result, printable};
use super::api::{address, judge};
use super::errors::{evidence, rest_error};
use crate::domain::observe::later;
use crate::net::{Again, Client, Label, Reply, Request};

const ASK: &str = "asking for a token";
const LOOK: &str = "looking at a token";
/// The base of every scope's name.
pub(super) const SCOPE: &str = "https://api.ebay.com/oauth/api_scope";

/// The tokens of one account.
pub(super) struct Access {
    settings: Settings,
    doors: Doors,
    token_url: Url,
    token: Mutex<Option<Token>>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    refresh_token_expires_in: Option<i64>,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// What eBay says of a token (`introspect`).
#[derive(Debug, Deserialize)]
pub(super) struct Introspected {
    /// Whether it can still be used.
    #[serde(default)]
    pub active: bool,
    /// What it may do, separated by blanks.
    #[serde(default)]
    pub scope: String,
    /// When it ends, in seconds.
    pub exp: Option<i64>,
}

impl Granted {
    /// Makes a token of it. What a renewal does not tell again is as it was kept; when what renews it ends, only if that
    /// is the same.
    fn token(self, now: Option<Timestamp>, kept: Option<Token>, by: Option<String>) -> Token {
        let after = |seconds: i64| {
            let span = SignedDuration::from_secs(seconds.clamp(60, 86_400 * 3650));
            now.and_then(|now| now.checked_add(span).ok())
        };
        let known = kept.as_ref().filter(|token| token.by == by).and_then(|token| token.ends);
        let ends = self.refresh_token_expires_in.and_then(after);
        let refresh = self.refresh_token.map(SecretString::from);
        Token {
            access: SecretString::from(self.access_token),
            refresh: refresh.or_else(|| kept.as_ref().and_then(|token| token.refresh.clone())),
            until: after(self.expires_in.unwrap_or(7_200)),
            ends: ends.or(known),
            by,
            scopes: kept.map(|token| token.scopes).unwrap_or_default(),
        }
    }
}

impl Access {
    /// Prepares to ask for tokens; nothing is asked yet.
    pub fn new(settings: Settings, doors: Doors, base: &str) -> Result<Self> {
        let token_url = address(base, "/identity/v1/oauth2/token", settings.allow_http)?;
        Ok(Self { settings, doors, token_url, token: Mutex::default() })
    }

    /// Returns the token to use, in place of one that was refused. Whoever comes first fetches a new one and keeps it; the
    /// others wait for it, those of other processes too (F3).
    pub async fn token(&self, client: &Client, refused: Option<&SecretString>) -> Result<SecretString> {
        let alive = |token: &Token| {
            let is_refused = |refused: &SecretString| refused.expose_secret() == token.access.expose_secret();
            is_fresh(token, client.clock()) && !refused.is_some_and(is_refused)
        };
        let mut slot = self.token.lock().await;
        if let Some(token) = slot.as_ref().filter(|token| alive(token)) {
            return Ok(token.access.clone());
        }
        let configured = self.configured().await?;
        let by = configured.as_ref().map(print);
        // What was got with another refresh token than the one that stands in channels.toml now is none.
        let good = |token: &Token| token.by == by && alive(token);
        if let Some(token) = self.kept().await?.filter(good) {
            return Ok(slot.insert(token).access.clone());
        }
        let renewing = self.doors.keeper.renewal(&self.settings.name).await.map_err(kept_error)?;
        // Somebody else may have fetched it while this one waited.
        let kept = self.kept().await?;
        let token = match kept {
            Some(token) if good(&token) => token,
            kept => self.renew(client, configured.as_ref(), kept).await?,
        };
        drop(renewing);
        Ok(slot.insert(token).access.clone())
    }

    /// Returns a print of the token to use.
    pub async fn print(&self, client: &Client) -> Result<String> {
        Ok(print(&self.token(client, None).await?))
    }

    /// Gets a token for the application alone, which is what the quota of its calls is asked with (section 2).
    pub async fn application_token(&self, client: &Client) -> Result<SecretString> {
        let form = [("grant_type", "client_credentials"), ("scope", SCOPE)];
        let granted: Granted = self.grant(client, &form).await?;
        Ok(SecretString::from(granted.access_token))
    }

    /// Asks eBay what the access token may do.
    pub async fn introspect_access(&self, client: &Client) -> Result<Introspected> {
        let token = self.token(client, None).await?;
        self.introspect(client, &token).await
    }

    /// Tells when the refresh token ends: as its consent said, else by eBay's word, which is kept.
    pub async fn ends(&self, client: &Client) -> Result<Option<Timestamp>> {
        let configured = self.configured().await?;
        let by = configured.as_ref().map(print);
        let renewing = self.doors.keeper.renewal(&self.settings.name).await.map_err(kept_error)?;
        let kept = self.kept().await?;
        let refresh = self.refresh_token(configured.as_ref(), kept.as_ref())?;
        let kept = kept.filter(|token| token.by == by);
        let known = kept.as_ref().and_then(|token| token.ends);
        let ends = match known {
            Some(_) if by.is_none() => known,
            _ => self.end_of(client, &refresh).await.or(known),
        };
        if let Some(token) = kept.filter(|_| ends != known) {
            self.keep(&Token { ends, ..token }).await?;
        }
        drop(renewing);
        Ok(ends)
    }

    /// Asks eBay when a refresh token ends. No run fails for it. That eBay answers about the refresh token itself is not
    /// proven: an end that is hours away is that of an access token.
    async fn end_of(&self, client: &Client, refresh: &SecretString) -> Option<Timestamp> {
        let told = self.introspect(client, refresh).await.ok().filter(|told| told.active)?;
        let ends = Timestamp::from_second(told.exp?).ok()?;
        client.clock().is_none_or(|now| later(now, SignedDuration::from_hours(24)) < ends).then_some(ends)
    }

    async fn introspect(&self, client: &Client, token: &SecretString) -> Result<Introspected> {
        let mut url = self.token_url.clone();
        url.set_path(&format!("{}/introspect", self.token_url.path()));
        let reply = self.post(client, url, &[("token", token.expose_secret())], LOOK).await?;
        let answer = serde_json::from_slice(&reply.body).ok().filter(|_| reply.status.is_success());
        answer.ok_or_else(|| rest_error(&reply, LOOK))
    }

    async fn kept(&self) -> Result<Option<Token>> {
        self.doors.keeper.load(&self.settings.name).await.map_err(kept_error)
    }

    async fn keep(&self, token: &Token) -> Result<()> {
        self.doors.keeper.keep(&self.settings.name, token).await.map_err(kept_error)
    }

    /// Returns the refresh token of channels.toml.
    async fn configured(&self) -> Result<Option<SecretString>> {
        if !self.settings.has("refresh_token") {
            return Ok(None);
        }
        self.settings.secret("refresh_token").await.map(Some)
    }

    /// Returns the refresh token: what stands in channels.toml goes before what consent in the browser left.
    fn refresh_token(&self, configured: Option<&SecretString>, kept: Option<&Token>) -> Result<SecretString> {
        configured.cloned().or_else(|| kept?.refresh.clone()).ok_or_else(|| {
            ChannelError::new(ErrorKind::Credentials, Repeat::Never, ASK, "there is no refresh token for eBay yet")
                .with_next(self.consent())
        })
    }

    fn consent(&self) -> String {
        let name = &self.settings.name;
        format!("`eys auth {name}` gets one; or fill in `refresh_token` of [channels.{name}] in channels.toml")
    }

    /// Trades the refresh token for a new access token, and keeps it. Only consent tells when the refresh token ends; of one
    /// that stands in channels.toml that is asked, once, since it is never renewed (F7).
    async fn renew(&self, client: &Client, configured: Option<&SecretString>, kept: Option<Token>) -> Result<Token> {
        let refresh = self.refresh_token(configured, kept.as_ref())?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let granted: Granted = self.grant(client, &form).await?;
        let mut token = granted.token(client.clock(), kept, configured.map(print));
        self.keep(&token).await?;
        if token.ends.is_none() {
            token.ends = self.end_of(client, &refresh).await;
            if token.ends.is_some() {
                self.keep(&token).await?;
            }
        }
        Ok(token)
    }

    /// Trades the code that consent in the browser gave for tokens (1.3).
    pub async fn trade(&self, client: &Client, code: &str, ru_name: &str) -> Result<Token> {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", ru_name)];
        let granted: Granted = self.grant(client, &form).await?;
        Ok(granted.token(client.clock(), None, None))
    }

    async fn grant(&self, client: &Client, form: &[(&str, &str)]) -> Result<Granted> {
        let reply = self.post(client, self.token_url.clone(), form, ASK).await?;
        if let Ok(granted) = serde_json::from_slice::<Granted>(&reply.body)
            && reply.status.is_success()
        {
            return Ok(granted);
        }
        Err(self.refused(&reply))
    }

    /// Posts a form with the keyset in the header, as all calls for tokens want it (1.3).
    async fn post(&self, client: &Client, url: Url, form: &[(&str, &str)], operation: &'static str) -> Result<Reply> {
        let id = self.settings.text("client_id").unwrap_or_default();
        let secret = self.settings.secret("client_secret").await?;
        let pair = BASE64_STANDARD.encode(format!("{id}:{}", secret.expose_secret().trim()));
        let mut basic = HeaderValue::from_str(&format!("Basic {pair}")).map_err(|_| {
            ChannelError::new(ErrorKind::Credentials, Repeat::Never, operation, "client id and secret are no keyset")
        })?;
        basic.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, basic);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let label = Label { operation, cost: 1.0, again: Again::Always };
        let request = Request { method: Method::POST, url, secret_query: None, headers, body: body.into(), label };
        client.call(request, judge).await.map_err(|error| ChannelError::unanswered(&error, operation))
    }

    /// Translates a refused request for a token (9).
    fn refused(&self, reply: &Reply) -> ChannelError {
        let refusal: Refusal = serde_json::from_slice(&reply.body).unwrap_or_default();
        let keyset = "check client_id, client_secret and environment in channels.toml; and at developer.ebay.com, that \
                      the keyset is enabled (it is not until its owner has answered about account deletion notices)";
        let (kind, message, next) = match refusal.error.as_str() {
            "invalid_grant" => (
                ErrorKind::Credentials,
                "eBay no longer takes the refresh token: it ended, was revoked, or the seller's name or password changed",
                self.consent(),
            ),
            "invalid_client" => (ErrorKind::Credentials, "eBay refuses client id and secret", keyset.to_owned()),
            "invalid_scope" => (
                ErrorKind::Permission,
                "the consent does not cover what eys needs",
                format!("consent again, with the scopes for inventory, fulfillment and account; {}", self.consent()),
            ),
            _ if reply.status.as_u16() == 401 => {
                (ErrorKind::Credentials, "eBay refuses client id and secret", keyset.to_owned())
            }
            _ => return rest_error(reply, ASK),
        };
        let said = format!("{} {}", refusal.error, refusal.error_description);
        let mut evidence = evidence(reply, Some(&said));
        evidence.code = Some(printable(&refusal.error, 60)).filter(|code| !code.is_empty());
        ChannelError::new(kind, Repeat::Never, ASK, message).with_next(next).with_evidence(evidence)
    }
}

/// Returns a print of a token: it tells one from another, and nothing of what it is.
pub(super) fn print(token: &SecretString) -> String {
    let print = Sha256::digest(token.expose_secret().as_bytes());
    print.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Tells whether a token still lives, by eBay's clock where that is known. It is not renewed ahead of its end: a call that
/// finds it ended gets a new one (1.4).
fn is_fresh(token: &Token, now: Option<Timestamp>) -> bool {
    match (token.until, now) {
        (Some(until), Some(now)) => now < until,
        _ => true,
    }
}
