//! Consent in a browser (`eys auth`): the owner signs in at Etsy, agrees, and Etsy sends the browser on with a code that is
//! good once (section 1).
//!
//! No secret goes through the browser. The question carries the hash of a text that only this process knows; who shows the
//! text together with the code is the one who asked (PKCE).

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;

use super::super::registry::{Consent, Doors, Settings, Token};
use super::super::{ChannelError, ErrorKind, Repeat, Result};
use super::api::{Api, address, encoded};

const ASK: &str = "asking for consent";

/// What is asked for, and what each is for.
pub(super) const SCOPES: &[(&str, &str)] = &[
    ("listings_r", "to read listings and what they hold"),
    ("listings_w", "to write their quantities, and to hide and show them"),
    ("transactions_r", "to read what was sold, without anything about buyers"),
    ("shops_r", "to see which shop it is"),
];

/// Where the browser is sent afterwards, unless the app knows another address of ours.
const REDIRECT: &str = "http://localhost:3003/callback";

/// The consent of one owner.
pub(super) struct EtsyConsent {
    api: Arc<Api>,
    page: Url,
    client_id: String,
    redirect: String,
    verifier: String,
}

impl EtsyConsent {
    /// Prepares a consent. Nothing is asked yet.
    pub fn prepare(settings: Settings, doors: Doors, chance: String) -> Result<Box<dyn Consent>> {
        let text = |key: &str| settings.text(key).map(|text| text.trim().to_owned());
        let client_id = text("client_id").unwrap_or_default();
        let redirect = text("redirect_uri").unwrap_or_else(|| REDIRECT.to_owned());
        let base = settings.base_url.clone().unwrap_or_else(|| "https://www.etsy.com".to_owned());
        let page = address(base.trim_end_matches('/'), "/oauth/connect", settings.allow_http)?;
        let api = Arc::new(Api::new(settings, doors)?);
        Ok(Box::new(Self { api, page, client_id, redirect, verifier: chance }))
    }
}

/// Returns the hash that stands for a verifier.
fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[async_trait]
impl Consent for EtsyConsent {
    fn scopes(&self) -> &'static [(&'static str, &'static str)] {
        SCOPES
    }

    fn redirect(&self) -> Option<Url> {
        Url::parse(&self.redirect).ok()
    }

    fn address(&self, state: &str) -> Result<Url> {
        // A verifier that is too short could be guessed, and Etsy would refuse it.
        if !(43..=128).contains(&self.verifier.len()) {
            return Err(ChannelError::new(ErrorKind::Unsupported, Repeat::Never, ASK, "there is too little chance"));
        }
        let scopes: Vec<&str> = SCOPES.iter().map(|(scope, _)| *scope).collect();
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect),
            ("scope", &scopes.join(" ")),
            ("state", state),
            ("code_challenge", &challenge(&self.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        let mut page = self.page.clone();
        // A blank is `%20` in Etsy's own examples.
        page.set_query(Some(&query.replace('+', "%20")));
        Ok(page)
    }

    async fn trade(&self, code: &str) -> Result<Token> {
        self.api.trade(code, &self.redirect, &self.verifier).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of RFC 7636, appendix B.
    #[test]
    fn a_challenge_is_the_hash_of_the_verifier() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
