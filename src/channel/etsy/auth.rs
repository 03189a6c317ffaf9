//! Access to a shop: Etsy's tokens live one hour, and a refresh token gets the next one (section 1).
//!
//! The refresh token is good for one use: each answer brings another, which lasts ninety days. One that is lost on the way
//! is lost for good, and the owner has to consent again. So only one of all processes asks at a time, what comes is on disk
//! before it is used, and where it cannot be written, this process holds on to it until it can.

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use super::super::registry::{Doors, Settings, Token, kept_error};
use super::super::{ChannelError, ErrorKind, Repeat, Result, printable};
use super::api::{address, encoded};
use super::errors::{Refusal, evidence, refusal};
use super::limits::judge;
use crate::net::{Again, Client, Label, Reply, Request};

const ASK: &str = "asking for a token";
/// How long a refresh token lasts that was just given.
const LASTS: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How Etsy says that a refresh token is used, revoked or too old.
const INVALID: &str = "invalid_grant";

/// The tokens of one shop.
pub(super) struct Access {
    settings: Settings,
    doors: Doors,
    token_url: Url,
    /// The refresh token of channels.toml, fetched once.
    configured: OnceCell<Option<SecretString>>,
    slot: Mutex<Slot>,
}

/// What this process knows.
#[derive(Default)]
struct Slot {
    token: Option<Token>,
    /// A token that could not be written to disk yet, and the one that it was got with.
    unkept: Option<(SecretString, Token)>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
}

impl Granted {
    /// Makes a token of it. `used` is what it was got with.
    fn token(self, now: Option<Timestamp>, used: Option<(&SecretString, Option<Token>)>) -> Token {
        let after = |span: SignedDuration| now.and_then(|now| now.checked_add(span).ok());
        let lives = SignedDuration::from_secs(self.expires_in.unwrap_or(3_600).clamp(60, 86_400));
        // Without a new one, the old one is still to be used, and ends when it would have ended.
        let (refresh, ends) = match (self.refresh_token.map(SecretString::from), used) {
            (Some(new), _) => (Some(new), after(LASTS)),
            (None, Some((used, kept))) => (Some(used.clone()), kept.and_then(|kept| kept.ends)),
            (None, None) => (None, None),
        };
        let access = SecretString::from(self.access_token);
        Token { access, refresh, until: after(lives), ends, by: None, scopes: Vec::new() }
    }
}

impl Access {
    /// Prepares to ask for tokens; nothing is asked yet.
    pub fn new(settings: Settings, doors: Doors, base: &str) -> Result<Self> {
        let token_url = address(base, "/v3/public/oauth/token", settings.allow_http)?;
        Ok(Self { settings, doors, token_url, configured: OnceCell::new(), slot: Mutex::default() })
    }

    /// Returns the token to use, in place of one that was refused. Whoever comes first fetches a new one and keeps it; the
    /// others wait for it, those of other processes too (F3).
    pub async fn token(&self, client: &Client, refused: Option<&SecretString>) -> Result<SecretString> {
        let good = |token: &Token| {
            let is_refused = |refused: &SecretString| same(refused, &token.access);
            is_fresh(token, client.clock()) && !refused.is_some_and(is_refused)
        };
        let mut slot = self.slot.lock().await;
        if let Some(token) = slot.token.as_ref().filter(|token| good(token)) {
            return Ok(token.access.clone());
        }
        slot.token = None;
        if slot.unkept.is_none()
            && let Some(token) = self.kept().await?.filter(good)
        {
            return Ok(slot.token.insert(token).access.clone());
        }
        let renewing = self.doors.keeper.renewal(&self.settings.name).await.map_err(kept_error)?;
        self.keep(&mut slot).await?;
        let token = self.newest(client, &mut slot, good).await?;
        drop(renewing);
        Ok(slot.token.insert(token).access.clone())
    }

    /// Returns a good token: the one that somebody else got while this one waited, or a new one. A refresh token that is
    /// refused may have been used by somebody who asked nobody; so what is kept is read again before giving up.
    async fn newest(&self, client: &Client, slot: &mut Slot, good: impl Fn(&Token) -> bool) -> Result<Token> {
        let (mut tried, mut last) = (Vec::<SecretString>::new(), None);
        loop {
            let kept = self.kept().await?;
            if let Some(token) = kept.as_ref().filter(|token| good(token)) {
                return Ok(token.clone());
            }
            let known = [kept.as_ref().and_then(|token| token.refresh.clone()), self.configured().await?];
            let untried = known.into_iter().flatten().find(|next| !tried.iter().any(|tried| same(tried, next)));
            let Some(refresh) = untried else { return Err(last.unwrap_or_else(|| self.nothing_to_renew_with())) };
            let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
            match self.grant(client, &form).await {
                Ok(granted) => {
                    let token = granted.token(client.clock(), Some((&refresh, kept)));
                    // Held here first: whoever drops this call now loses nothing.
                    slot.unkept = Some((refresh, token.clone()));
                    self.keep(slot).await?;
                    return Ok(token);
                }
                Err(error) if error.evidence.code.as_deref() == Some(INVALID) => {
                    tried.push(refresh);
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes down what is not on disk yet; unless somebody consented anew meanwhile, whose token is the newer one.
    async fn keep(&self, slot: &mut Slot) -> Result<()> {
        let Some((used, token)) = &slot.unkept else { return Ok(()) };
        let kept = self.kept().await?.and_then(|kept| kept.refresh);
        if kept.is_none_or(|kept| same(&kept, used) || self.is_configured(used)) {
            self.doors.keeper.keep(&self.settings.name, token).await.map_err(kept_error)?;
        }
        slot.unkept = None;
        Ok(())
    }

    /// Returns when the refresh token ends, as far as that is known.
    pub async fn ends(&self) -> Result<Option<Timestamp>> {
        Ok(self.kept().await?.and_then(|token| token.ends))
    }

    /// Returns what is kept. A token of another user than the one in channels.toml is none: the owner has put another
    /// account there.
    async fn kept(&self) -> Result<Option<Token>> {
        let kept = self.doors.keeper.load(&self.settings.name).await.map_err(kept_error)?;
        let configured = self.configured().await?;
        let configured = configured.as_ref().and_then(user);
        Ok(kept.filter(|kept| {
            let of = kept.refresh.as_ref().and_then(user);
            configured.is_none() || of.is_none() || of == configured
        }))
    }

    /// Returns the refresh token of channels.toml, which is good until it was used.
    async fn configured(&self) -> Result<Option<SecretString>> {
        let fetch = || async {
            if !self.settings.has("refresh_token") {
                return Ok(None);
            }
            let token = self.settings.secret("refresh_token").await?;
            Ok(Some(SecretString::from(token.expose_secret().trim().to_owned())))
        };
        self.configured.get_or_try_init(fetch).await.cloned()
    }

    fn is_configured(&self, token: &SecretString) -> bool {
        self.configured.get().and_then(Option::as_ref).is_some_and(|configured| same(configured, token))
    }

    fn nothing_to_renew_with(&self) -> ChannelError {
        ChannelError::new(ErrorKind::Credentials, Repeat::Never, ASK, "there is no consent for Etsy yet")
            .with_next(self.consent())
    }

    fn consent(&self) -> String {
        format!("run `eys auth {}`", self.settings.name)
    }

    /// Trades the code that consent in the browser gave for tokens.
    pub async fn trade(&self, client: &Client, code: &str, redirect: &str, verifier: &str) -> Result<Token> {
        let form = [
            ("grant_type", "authorization_code"),
            ("redirect_uri", redirect),
            ("code", code),
            ("code_verifier", verifier),
        ];
        Ok(self.grant(client, &form).await?.token(client.clock(), None))
    }

    /// Asks for tokens. No secret of the app goes with it: who asks is proven by what it asks with.
    async fn grant(&self, client: &Client, form: &[(&str, &str)]) -> Result<Granted> {
        let id = self.settings.text("client_id").unwrap_or_default().trim();
        let body = format!("{}&{}", encoded(&[("client_id", id)]), encoded(form));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let label = Label { operation: ASK, cost: 1.0, again: Again::Always };
        let url = self.token_url.clone();
        let request = Request { method: Method::POST, url, secret_query: None, headers, body: body.into(), label };
        let reply = client.call(request, judge).await.map_err(|error| ChannelError::unanswered(&error, ASK))?;
        match serde_json::from_slice::<Granted>(&reply.body) {
            Ok(granted) if reply.status.is_success() => Ok(granted),
            Err(_) if reply.status.is_success() => {
                Err(ChannelError::unexpected(ASK, "Etsy's answer brings no token")
                    .with_evidence(evidence(&reply, None)))
            }
            _ => Err(self.refused(&reply)),
        }
    }

    /// Translates a refused request for a token.
    fn refused(&self, reply: &Reply) -> ChannelError {
        let told = Refusal::of(reply);
        let (message, next) = match told.error.as_str() {
            INVALID => (
                "Etsy no longer takes the refresh token: it was not used for ninety days, was revoked, or another program used it",
                self.consent(),
            ),
            "invalid_client" | "unauthorized_client" => (
                "Etsy does not know the app",
                "check `client_id`, the keystring, in channels.toml, and at etsy.com/developers/your-apps that the app is active"
                    .to_owned(),
            ),
            _ => return refusal(reply, ASK),
        };
        let mut evidence = evidence(reply, Some(&told.said()));
        evidence.code = Some(printable(&told.error, 60));
        ChannelError::new(ErrorKind::Credentials, Repeat::Never, ASK, message).with_next(next).with_evidence(evidence)
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// Returns the number of the user that a token is of, which stands before its dot.
pub(super) fn user(token: &SecretString) -> Option<u64> {
    token.expose_secret().split_once('.')?.0.parse().ok()
}

/// Tells whether a token still lives, by Etsy's clock where that is known. It is not renewed ahead of its end: a call that
/// finds it ended gets a new one.
fn is_fresh(token: &Token, now: Option<Timestamp>) -> bool {
    match (token.until, now) {
        (Some(until), Some(now)) => now < until,
        _ => true,
    }
}
