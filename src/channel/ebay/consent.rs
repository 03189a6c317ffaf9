//! Consent in a browser (`eys auth`): the seller signs in at eBay, agrees, and eBay sends the browser on with a code that
//! is good once and for five minutes (section 1.3). No address of ours is called: the one that the browser ends up on is
//! pasted back, so that eBay's own thank-you page will do.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::super::registry::{Consent, Doors, Settings, Token};
use super::super::{ChannelError, ErrorKind, Repeat, Result};
use super::api::{Api, address};
use super::auth::SCOPE;

const ASK: &str = "asking for consent";

/// What is asked for, and what each is for.
const SCOPES: &[(&str, &str)] = &[
    ("api_scope", "to read listings and to write their quantities"),
    ("sell.inventory", "the same for listings made through eBay's Inventory API"),
    ("sell.fulfillment", "to read orders, without anything about buyers"),
    ("sell.account", "to see whether listings are kept at 0, and to switch that on if you say so"),
];

/// The consent of one seller.
pub(super) struct EbayConsent {
    api: Arc<Api>,
    page: Url,
    client_id: String,
    ru_name: String,
}

impl EbayConsent {
    /// Prepares a consent. Nothing is asked yet.
    pub fn prepare(settings: Settings, doors: Doors, _: String) -> Result<Box<dyn Consent>> {
        let text = |key: &str| settings.text(key).map(|text| text.trim().to_owned());
        let (Some(client_id), Some(ru_name)) = (text("client_id"), text("ru_name")) else {
            let next =
                format!("fill in `ru_name` of [channels.{}]: developer.ebay.com, User tokens, shows it", settings.name);
            let words = "eBay has to know where it sends the browser afterwards: the keyset's redirect name is missing";
            return Err(ChannelError::new(ErrorKind::Credentials, Repeat::Never, ASK, words).with_next(next));
        };
        let own = match settings.text("environment") {
            Some("sandbox") => "https://auth.sandbox.ebay.com",
            _ => "https://auth.ebay.com",
        };
        let base = settings.base_url.clone().unwrap_or_else(|| own.to_owned());
        let page = address(base.trim_end_matches('/'), "/oauth2/authorize", settings.allow_http)?;
        let api = Arc::new(Api::new(settings, doors)?);
        Ok(Box::new(Self { api, page, client_id, ru_name }))
    }
}

#[async_trait]
impl Consent for EbayConsent {
    fn scopes(&self) -> &'static [(&'static str, &'static str)] {
        SCOPES
    }

    fn address(&self, state: &str) -> Result<Url> {
        let named = |(scope, _): &(&str, &str)| {
            if *scope == "api_scope" { SCOPE.to_owned() } else { format!("{SCOPE}/{scope}") }
        };
        let scopes: Vec<String> = SCOPES.iter().map(named).collect();
        let mut page = self.page.clone();
        page.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &self.ru_name)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", state)
            .append_pair("prompt", "login");
        Ok(page)
    }

    async fn trade(&self, code: &str) -> Result<Token> {
        self.api.trade(code, &self.ru_name).await
    }
}
