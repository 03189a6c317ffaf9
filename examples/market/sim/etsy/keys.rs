//! Who may do what (1): the program's key and secret, the seller's consent with its proof of who asked, and tokens of which
//! each renewal is good once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::frame::{Problem, is_form, pairs_of};
use super::{Answer, Ask, Etsy, Trouble, header, json_answer, page};

/// Etsy's own hosts (1).
pub(super) const HOSTS: [&str; 3] = ["openapi.etsy.com", "api.etsy.com", "www.etsy.com"];

/// What a seller is asked for (1).
pub const SCOPES: [&str; 4] = ["listings_r", "listings_w", "transactions_r", "shops_r"];

/// Where a seller is sent back to (1).
pub const CALLBACK: &str = "http://localhost:3003/callback";

/// How long an access token is good, a refresh token (1), and a code.
const LASTS: Duration = Duration::from_hours(1);
pub(super) const REFRESH_LASTS: Duration = Duration::from_hours(90 * 24);
const CODE_LASTS: Duration = Duration::from_mins(5);

/// What a token opens, and until when.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    scopes: BTreeSet<String>,
    until: Timestamp,
}

/// A code that can be traded for tokens once, by whoever asked for it.
#[derive(Clone, Debug)]
pub(super) struct Code {
    until: Timestamp,
    scopes: BTreeSet<String>,
    redirect: String,
    challenge: String,
}

impl Etsy {
    /// The header that the program shows its key in: with the secret, since 2026-02-09 (0, 1).
    pub fn api_key(&self) -> String {
        format!("{}:{}", self.keystring, self.shared_secret)
    }

    /// Ends all access tokens, as an hour does.
    pub fn expire_tokens(&mut self, now: Timestamp) {
        self.tokens.values_mut().for_each(|grant| grant.until = grant.until.min(now));
    }

    /// Takes the seller's consent back.
    pub fn revoke_consent(&mut self) {
        self.refresh = None;
        self.tokens.clear();
    }

    /// Gives a token that is good now.
    pub fn give_token(&mut self, now: Timestamp) -> String {
        self.mint(now, self.scopes.clone())
    }

    fn mint(&mut self, now: Timestamp, scopes: BTreeSet<String>) -> String {
        self.minted += 1;
        // 1: the seller's number comes before the dot.
        let token = format!("{}.access-{}-{}", self.user_id, self.minted, self.shop);
        self.tokens.insert(token.clone(), Grant { scopes, until: now + LASTS });
        token
    }

    /// Looks at the program's key (1, 9).
    pub(super) fn admit_program(&self, ask: &Ask) -> Result<(), Problem> {
        let said = header(ask, "x-api-key").unwrap_or_default();
        match said.split_once(':') {
            Some(_) if said == self.api_key() => Ok(()),
            None if said == self.keystring => Err(Problem::new(403, "Shared secret is required in x-api-key header.")),
            _ if said.is_empty() => Err(Problem::new(403, "Missing x-api-key header or client_id")),
            _ => Err(Problem::new(403, "API key not found or not active")),
        }
    }

    /// Looks at the seller's token, if there is one or one is needed (1, 9).
    pub(super) fn admit_seller(
        &self,
        now: Timestamp,
        ask: &Ask,
        scopes: &[&str],
        troubles: &[Trouble],
    ) -> Result<bool, Problem> {
        let Some(said) = header(ask, "authorization") else {
            let words = Problem::new(401, "invalid_token").saying("missing access token");
            return if scopes.is_empty() { Ok(false) } else { Err(words) };
        };
        let token = said.strip_prefix("Bearer ").unwrap_or_default();
        let grant = self.tokens.get(token).filter(|grant| now < grant.until);
        let grant = grant.filter(|_| !troubles.contains(&Trouble::TokenRefused));
        let Some(grant) = grant else {
            return Err(Problem::new(401, "invalid_token").saying("access token is expired or unknown"));
        };
        let denied = |scope: &&&str| troubles.iter().any(|t| matches!(t, Trouble::Denied(what) if what == *scope));
        let lacks = |scope: &&&str| !grant.scopes.contains(**scope) || denied(scope);
        if let Some(scope) = scopes.iter().find(lacks) {
            let words = format!("the token lacks the scope {scope}");
            return Err(Problem::new(403, "insufficient_scope").saying(&words));
        }
        Ok(true)
    }

    /// Answers at the token endpoint (1). It wants no secret.
    pub(super) fn token_endpoint(&mut self, now: Timestamp, ask: &Ask) -> Answer {
        if !is_form(ask) {
            return amiss("invalid_request", "the body is no form");
        }
        let form: BTreeMap<String, String> = pairs_of(ask.body()).into_iter().collect();
        let said = |key: &str| form.get(key).map(String::as_str).unwrap_or_default();
        // 1: the key alone.
        if said("client_id") != self.keystring {
            return amiss("invalid_client", "client_id is unknown");
        }
        match said("grant_type") {
            "refresh_token" => self.renew_token(now, said("refresh_token")),
            "authorization_code" => self.trade_code(now, &form),
            _ => amiss("unsupported_grant_type", "grant_type is not supported"),
        }
    }

    /// 1: each renewal gives another refresh token, and the old one is void from then on.
    fn renew_token(&mut self, now: Timestamp, token: &str) -> Answer {
        let is_good = self.refresh.as_ref().is_some_and(|(known, until)| known == token && now < *until);
        // Whose answer got lost has to consent anew; where nobody plays that, the seller does so at once.
        if !is_good && !self.consents_anew {
            return amiss("invalid_grant", "refresh_token is invalid, expired or was used");
        }
        self.hand_out(now, self.scopes.clone())
    }

    fn trade_code(&mut self, now: Timestamp, form: &BTreeMap<String, String>) -> Answer {
        let said = |key: &str| form.get(key).map(String::as_str).unwrap_or_default();
        let Some(code) = self.codes.remove(said("code")).filter(|code| now < code.until) else {
            return amiss("invalid_grant", "code is invalid, expired or was used");
        };
        if said("redirect_uri") != code.redirect {
            return amiss("invalid_grant", "redirect_uri is another than the code was asked for with");
        }
        let verifier = said("code_verifier");
        if !(43..=128).contains(&verifier.len()) || challenge_of(verifier) != code.challenge {
            return amiss("invalid_grant", "code_verifier does not fit");
        }
        self.scopes.clone_from(&code.scopes);
        self.hand_out(now, code.scopes)
    }

    fn hand_out(&mut self, now: Timestamp, scopes: BTreeSet<String>) -> Answer {
        let access = self.mint(now, scopes);
        let refresh = format!("{}.refresh-{}-{}", self.user_id, self.minted, self.shop);
        self.refresh = Some((refresh.clone(), now + REFRESH_LASTS));
        let body = json!({ "access_token": access, "token_type": "Bearer", "expires_in": LASTS.as_secs(),
            "refresh_token": refresh });
        json_answer(200, &body)
    }

    /// Tells what a token may do.
    pub(super) fn token_scopes(&self, now: Timestamp, token: &str) -> Result<Answer, Problem> {
        let grant = self.tokens.get(token).filter(|grant| now < grant.until);
        let grant = grant.ok_or_else(|| Problem::new(401, "invalid_token"))?;
        Ok(json_answer(200, &json!({ "scopes": grant.scopes })))
    }

    /// Plays a seller who consents at once: back to the program's address, with a code (1).
    pub(super) fn consent_page(&mut self, now: Timestamp, ask: &Ask) -> Answer {
        let query: BTreeMap<_, _> = pairs_of(ask.uri().query().unwrap_or_default().as_bytes()).into_iter().collect();
        let said = |key: &str| query.get(key).map(String::as_str).unwrap_or_default();
        let scopes: BTreeSet<String> = said("scope").split_whitespace().map(Into::into).collect();
        // 1: the address character for character, and never without a proof of who asks.
        let known = said("client_id") == self.keystring && self.callbacks.contains(said("redirect_uri"));
        let proved = said("code_challenge_method") == "S256" && said("code_challenge").len() == 43;
        let asked = said("response_type") == "code" && !said("state").is_empty();
        if !known || !proved || !asked || scopes.is_empty() {
            return page(
                400,
                "<p>The application that you came from has sent something that we do not understand.</p>",
            );
        }
        self.minted += 1;
        let code = format!("code-{}-{}", self.minted, self.shop);
        let mut to: url::Url = said("redirect_uri").parse().expect("the callbacks are addresses");
        to.query_pairs_mut().append_pair("code", &code).append_pair("state", said("state"));
        let (redirect, challenge) = (said("redirect_uri").to_owned(), said("code_challenge").to_owned());
        self.codes.insert(code, Code { until: now + CODE_LASTS, scopes, redirect, challenge });
        let mut answer = page(302, "");
        answer.headers.insert(http::header::LOCATION, HeaderValue::try_from(to.as_str()).expect("it is plain text"));
        answer
    }
}

/// Makes the challenge of a verifier (S256).
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn amiss(error: &str, words: &str) -> Answer {
    json_answer(400, &json!({ "error": error, "error_description": words }))
}
