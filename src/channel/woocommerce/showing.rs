//! Hiding and ending listings, bringing back just what was there before, and mending settings of one listing (6, 7).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::WooCommerce;
use super::api::Call;
use super::wire::{Key, Managed, NUMBERS, Product, missing};
use crate::channel::{ChannelError, ErrorKind, Mend, Outcome, Repeat, Result, Showing, Standing};
use crate::domain::ListingKey;
use crate::net::Again;

const LOOK: &str = "looking at a listing";
const SHOW: &str = "hiding or showing a listing";
const MEND: &str = "mending a listing";

/// What a listing was.
#[derive(Serialize, Deserialize)]
struct Former {
    status: String,
}

impl WooCommerce {
    /// Tells whether a listing can be seen now, and its own status. A variation is seen only with its product.
    pub(super) async fn stands(&self, key: &ListingKey) -> Result<Option<Standing>> {
        let Some(key) = Key::parse(key) else { return Ok(None) };
        let mut keys = vec![key];
        if let Key::Variation { parent, .. } = key {
            keys.push(Key::Product(parent));
        }
        let found = self.look_up(LOOK, &keys, NUMBERS).await?;
        let Some(listing) = found.get(&key) else { return Ok(None) };
        let live =
            keys.iter().all(|key| found.get(key).and_then(|product| product.status.as_deref()) == Some("publish"));
        let status = listing.status.clone().ok_or_else(|| missing(LOOK, listing.id, "status"))?;
        let former = Former { status };
        let former =
            serde_json::to_string(&former).map_err(|error| ChannelError::unexpected(LOOK, error.to_string()))?;
        Ok(Some(Standing { live, former, anew: None }))
    }

    /// Hides, ends or shows a listing by its own status; a draft can still be found by its SKU and brought back, what
    /// is in the trash cannot (6).
    pub(super) async fn change_visibility(&self, key: &ListingKey, act: &Showing) -> Result<Outcome> {
        let Some(key) = Key::parse(key) else { return Ok(Outcome::Gone) };
        let status = match (act, key) {
            (Showing::Hide { .. }, _) | (Showing::End { .. }, Key::Variation { .. }) => "private".to_owned(),
            (Showing::End { .. }, Key::Product(_)) => "draft".to_owned(),
            (Showing::Show { former }, _) => {
                let former: Former = serde_json::from_str(former)
                    .map_err(|error| ChannelError::unexpected(SHOW, format!("what it was is not readable: {error}")))?;
                former.status
            }
        };
        self.change(SHOW, key, &json!({ "status": status }), |now| now.status.as_deref() == Some(status.as_str())).await
    }

    /// Mends one thing, as `doctor --fix` asks.
    pub(super) async fn mend_one(&self, mend: &Mend) -> Result<Outcome> {
        if mend.act == "manage-shop" {
            let call = Call::write(
                MEND,
                "settings/products/woocommerce_manage_stock",
                &json!({ "value": "yes" }),
                Again::Always,
            );
            let (now, _) = self.api.ask::<Value>(&call).await?;
            return Ok(if now["value"] == "yes" { Outcome::Done { echo: None } } else { refused("the shop") });
        }
        let Some(key) = mend.listing.as_ref().and_then(Key::parse) else { return Ok(Outcome::Gone) };
        let found = self.look_up(MEND, &[key], NUMBERS).await?;
        let Some(now) = found.get(&key) else { return Ok(Outcome::Gone) };
        match mend.act {
            // Somebody may have turned it on meanwhile: then its number is not to be touched.
            "track" if now.managed() != Some(Managed::Off) => Ok(Outcome::Done { echo: now.level() }),
            "track" => {
                let counted = |now: &Product| now.managed() == Some(Managed::Own);
                self.change(MEND, key, &json!({ "manage_stock": true, "stock_quantity": 0 }), counted).await
            }
            _ => {
                let denied = |now: &Product| !now.oversells();
                self.change(MEND, key, &json!({ "backorders": "no" }), denied).await
            }
        }
    }

    /// Changes one listing and looks in the answer whether it is as wanted.
    async fn change(
        &self,
        operation: &'static str,
        key: Key,
        body: &Value,
        done: impl Fn(&Product) -> bool,
    ) -> Result<Outcome> {
        let path = match key {
            Key::Product(id) => format!("products/{id}"),
            Key::Variation { parent, id } => format!("products/{parent}/variations/{id}"),
        };
        match self.api.ask::<Product>(&Call::write(operation, path, body, Again::Always)).await {
            Ok((now, _)) if done(&now) => Ok(Outcome::Done { echo: None }),
            Ok(_) => Ok(refused("WooCommerce")),
            Err(error) if error.kind == ErrorKind::NotFound || is_unknown_product(&error) => Ok(Outcome::Gone),
            Err(error) if error.kind == ErrorKind::Refused => Ok(Outcome::Refused(error)),
            Err(error) => Err(error),
        }
    }
}

fn is_unknown_product(error: &ChannelError) -> bool {
    error.evidence.code.as_deref() == Some("woocommerce_rest_product_invalid_id")
}

fn refused(who: &str) -> Outcome {
    let message = format!("{who} answered and left it as it was");
    let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, MEND, message);
    Outcome::Refused(error.with_next("look at WooCommerce, Settings, Products, Inventory: is stock management on?"))
}
