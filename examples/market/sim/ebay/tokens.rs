//! Who may do what (1): the seller's consent, the tokens that come of it, and what they open.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method};
use jiff::Timestamp;
use serde_json::json;

use super::rest::{Problem, query_of};
use super::{Answer, Ask, Ebay, Trouble, header, json_answer};

/// eBay's own hosts (1.2).
pub(super) const HOSTS: [&str; 2] = ["api.ebay.com", "auth.ebay.com"];

/// What all scopes begin with; alone it is one itself (1.5).
pub(super) const BASE: &str = "https://api.ebay.com/oauth/api_scope";

/// What a seller is asked for (1.5).
pub const SCOPES: [&str; 4] = [
    "https://api.ebay.com/oauth/api_scope",
    "https://api.ebay.com/oauth/api_scope/sell.inventory",
    "https://api.ebay.com/oauth/api_scope/sell.fulfillment",
    "https://api.ebay.com/oauth/api_scope/sell.account",
];

/// How long an access token is good, a refresh token, and a code (1.3, 1.4).
const LASTS: Duration = Duration::from_hours(2);
pub(super) const REFRESH_LASTS: Duration = Duration::from_hours(13_140);
const CODE_LASTS: Duration = Duration::from_secs(299);

/// What a program identifies itself by (1.1).
#[derive(Clone, Debug)]
pub struct Keyset {
    /// The App ID.
    pub client: String,
    /// The Cert ID.
    pub secret: String,
    /// eBay's name for where a seller is sent back to; it is no address (1.3).
    pub ru_name: String,
    /// That address.
    pub accepted: String,
    /// Whether the keys are still shut: nobody has spoken about account deletions yet (1.1).
    pub disabled: bool,
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// Whether it stands for a seller, or for the program alone.
    pub of_user: bool,
    /// What it opens.
    pub scopes: BTreeSet<String>,
    /// Until when.
    pub until: Timestamp,
}

/// A code that can be traded for tokens once.
#[derive(Clone, Debug)]
pub(super) struct Code {
    until: Timestamp,
    scopes: BTreeSet<String>,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    Missing,
    Unknown,
    Expired,
}

/// Returns the refresh token that an account is opened with.
pub(super) fn refresh_token(shop: &str) -> String {
    format!("v^1.1#i^1#r^1#{shop}")
}

impl Keyset {
    /// The keys of a program that a seller of this name uses.
    pub fn new(shop: &str) -> Self {
        Self {
            client: format!("Eys-{shop}-PRD-0123456789ab"),
            secret: format!("PRD-secret-of-{shop}"),
            ru_name: format!("Eys-Eys{shop}-PRD-runame"),
            accepted: "https://signin.ebay.com/ws/eBayISAPI.dll?ThirdPartyAuthSucessFailure&isAuthSuccessful=true"
                .into(),
            disabled: false,
        }
    }

    /// The header that the keys are shown in.
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.client, self.secret)))
    }
}

impl Ebay {
    /// Ends all access tokens, as two hours do.
    pub fn expire_tokens(&mut self, now: Timestamp) {
        self.tokens.values_mut().for_each(|grant| grant.until = grant.until.min(now));
    }

    /// Takes the seller's consent back, as a new password does (1.4).
    pub fn revoke_consent(&mut self) {
        self.refresh = None;
        self.tokens.retain(|_, grant| !grant.of_user);
    }

    /// Gives a token that is good now, of a seller or of the program alone.
    pub fn give_token(&mut self, now: Timestamp, of_user: bool) -> String {
        let scopes = if of_user { self.scopes.clone() } else { BTreeSet::from([BASE.to_owned()]) };
        self.mint(now, of_user, scopes)
    }

    fn mint(&mut self, now: Timestamp, of_user: bool, scopes: BTreeSet<String>) -> String {
        self.minted += 1;
        let token = format!("v^1.1#i^1#{}^{}#{}", if of_user { "I" } else { "p" }, self.minted, self.shop);
        self.tokens.insert(token.clone(), Grant { of_user, scopes, until: now + LASTS });
        token
    }

    /// Finds out what a token opens.
    pub(super) fn grant(
        &self,
        now: Timestamp,
        token: Option<&str>,
        troubles: &[Trouble],
    ) -> std::result::Result<&Grant, Shut> {
        let token = token.filter(|token| !token.is_empty()).ok_or(Shut::Missing)?;
        let grant = self.tokens.get(token).ok_or(Shut::Unknown)?;
        let good = now < grant.until && !troubles.contains(&Trouble::TokenRefused);
        good.then_some(grant).ok_or(Shut::Expired)
    }

    /// Lets a REST call in, or says why not (1.5, 9).
    pub(super) fn admit(
        &self,
        now: Timestamp,
        ask: &Ask,
        scopes: &[&str],
        troubles: &[Trouble],
    ) -> std::result::Result<&Grant, Problem> {
        let token = header(ask, "authorization").and_then(|given| given.strip_prefix("Bearer "));
        let grant = self.grant(now, token, troubles).map_err(|shut| match shut {
            Shut::Missing => Problem::new(401, 1002, "OAuth", "Missing access token"),
            Shut::Unknown | Shut::Expired => Problem::new(401, 1001, "OAuth", "Invalid access token"),
        })?;
        let denied = |scope: &&str| troubles.iter().any(|t| matches!(t, Trouble::Denied(what) if scope.contains(what)));
        let open = |scope: &&&str| grant.scopes.contains(&format!("{BASE}{scope}"));
        if scopes.iter().any(denied) || !scopes.iter().any(|scope| open(&scope)) {
            let words = "Insufficient permissions to fulfill the request.";
            return Err(Problem::new(403, 1100, "ACCESS", "Access denied").at_length(words));
        }
        Ok(grant)
    }

    /// Answers at the token endpoint (1.3, 1.4).
    pub(super) fn token_endpoint(&mut self, now: Timestamp, ask: &Ask) -> Answer {
        if ask.method() != Method::POST {
            return Problem::new(404, 2002, "ACCESS", "Resource not found").answer();
        }
        if self.keyset.disabled || header(ask, "authorization") != Some(self.keyset.basic().as_str()) {
            return amiss(401, "invalid_client", "client authentication failed");
        }
        if !header(ask, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return amiss(400, "invalid_request", "the body is no form");
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(ask.body()).into_owned().collect();
        let said = |key: &str| form.get(key).map(String::as_str).unwrap_or_default();
        let asked: BTreeSet<String> = said("scope").split_whitespace().map(Into::into).collect();
        match ask.uri().path().rsplit('/').next() {
            Some("introspect") => return self.introspect(now, said("token")),
            Some("revoke") => {
                self.tokens.remove(said("token"));
                return json_answer(200, &serde_json::Value::Null);
            }
            _ => {}
        }
        match said("grant_type") {
            "refresh_token" => self.renew(now, said("refresh_token"), asked),
            "authorization_code" => self.trade_code(now, said("code"), said("redirect_uri")),
            "client_credentials" if asked.iter().all(|scope| scope == BASE) && !asked.is_empty() => {
                let token = self.mint(now, false, asked);
                let kind = "Application Access Token";
                json_answer(200, &json!({ "access_token": token, "expires_in": LASTS.as_secs(), "token_type": kind }))
            }
            "client_credentials" => {
                amiss(400, "invalid_scope", "The requested scope is invalid, unknown or malformed.")
            }
            _ => amiss(400, "unsupported_grant_type", "grant type in request is not supported by the server"),
        }
    }

    /// 1.4: a new access token; the refresh token stays the same, and is not told again.
    fn renew(&mut self, now: Timestamp, token: &str, asked: BTreeSet<String>) -> Answer {
        if !self.refresh.as_ref().is_some_and(|(known, until)| known == token && now < *until) {
            return amiss(
                400,
                "invalid_grant",
                "the provided authorization refresh token is invalid or was issued to another client",
            );
        }
        let scopes = if asked.is_empty() { self.scopes.clone() } else { asked };
        if !scopes.is_subset(&self.scopes) {
            return amiss(400, "invalid_scope", "The requested scope exceeds the scope granted to the client.");
        }
        let token = self.mint(now, true, scopes);
        let kind = "User Access Token";
        json_answer(200, &json!({ "access_token": token, "expires_in": LASTS.as_secs(), "token_type": kind }))
    }

    fn trade_code(&mut self, now: Timestamp, code: &str, redirect: &str) -> Answer {
        // 1.3: the name and not the address; a code is good once, and not for long.
        let known = (redirect == self.keyset.ru_name).then(|| self.codes.remove(code)).flatten();
        let Some(code) = known.filter(|code| now < code.until) else {
            return amiss(
                400,
                "invalid_grant",
                "the provided authorization grant code is invalid or was issued to another client",
            );
        };
        self.minted += 1;
        let refresh = format!("{}#{}", refresh_token(&self.shop), self.minted);
        self.refresh = Some((refresh.clone(), now + REFRESH_LASTS));
        self.scopes.clone_from(&code.scopes);
        let token = self.mint(now, true, code.scopes);
        json_answer(
            200,
            &json!({ "access_token": token, "expires_in": LASTS.as_secs(), "token_type": "User Access Token",
                "refresh_token": refresh, "refresh_token_expires_in": REFRESH_LASTS.as_secs() }),
        )
    }

    fn introspect(&self, now: Timestamp, token: &str) -> Answer {
        let seller = self.refresh.as_ref().filter(|(known, until)| known == token && now < *until);
        let seller = seller.map(|(_, until)| Grant { of_user: true, scopes: self.scopes.clone(), until: *until });
        let Some(grant) = seller.or_else(|| self.grant(now, Some(token), &[]).ok().cloned()) else {
            return json_answer(200, &json!({ "active": false }));
        };
        let scopes: Vec<_> = grant.scopes.iter().map(String::as_str).collect();
        let mut body = json!({ "active": true, "scope": scopes.join(" "), "client_id": self.keyset.client,
            "exp": grant.until.as_second() });
        if grant.of_user {
            body["username"] = self.seller.clone().into();
        }
        json_answer(200, &body)
    }

    /// Plays a seller who consents at once: back to the program's address, with a code (1.3).
    pub(super) fn consent_page(&mut self, now: Timestamp, ask: &Ask) -> Answer {
        let query: BTreeMap<_, _> = query_of(ask).into_iter().collect();
        let said = |key: &str| query.get(key).map(String::as_str).unwrap_or_default();
        let scopes: BTreeSet<String> = said("scope").split_whitespace().map(Into::into).collect();
        let known = said("client_id") == self.keyset.client && said("redirect_uri") == self.keyset.ru_name;
        let asked = said("response_type") == "code" && scopes.iter().all(|scope| scope.starts_with(BASE));
        if !known || !asked || scopes.is_empty() {
            return super::told(400, "text/html", "<html><body>invalid_request</body></html>".into());
        }
        self.minted += 1;
        let code = format!("v^1.1#i^1#c^{}#{}", self.minted, self.shop);
        self.codes.insert(code.clone(), Code { until: now + CODE_LASTS, scopes });
        let mut to: url::Url = self.keyset.accepted.parse().expect("it is an address");
        to.query_pairs_mut()
            .append_pair("state", said("state"))
            .append_pair("code", &code)
            .append_pair("expires_in", &CODE_LASTS.as_secs().to_string());
        let mut answer = super::told(302, "text/html", String::new());
        answer.headers.insert(http::header::LOCATION, HeaderValue::try_from(to.as_str()).expect("it is plain text"));
        answer
    }
}

fn amiss(status: u16, error: &str, words: &str) -> Answer {
    json_answer(status, &json!({ "error": error, "error_description": words }))
}
