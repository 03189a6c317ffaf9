//! The trace of the state that writes to the shop: a metafield of the app's own, on its installation, which no other app
//! sees and which needs no scope. It is compared when it is set (I2, X7).

use serde::Deserialize;
use serde_json::json;

use super::Shopify;
use super::api::{Document, body};
use crate::channel::{ChannelError, ErrorKind, Outcome, Repeat, Result, printable};
use crate::domain::{Trace, Writer};
use crate::net::Again;

const FIND: Document = Document { text: include_str!("trace.graphql"), operation: "looking who wrote last", cost: 2.0 };
const LEAVE: Document = Document { text: include_str!("leave.graphql"), operation: "leaving a trace", cost: 10.0 };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    current_app_installation: Installation,
}

#[derive(Deserialize)]
struct Installation {
    id: String,
    metafield: Option<Metafield>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metafield {
    value: String,
    compare_digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    metafields_set: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct UserError {
    code: Option<String>,
    message: Option<String>,
}

impl Shopify {
    /// Finds the trace. A shop that does not let the app keep one has none: nothing else depends on it.
    pub(super) async fn find_trace(&self) -> Result<Option<Trace>> {
        match self.installation().await {
            Ok(found) => {
                self.installation.get_or_init(async || found.id).await;
                Ok(found.metafield.map(Metafield::trace))
            }
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn installation(&self) -> Result<Installation> {
        let found: Found = self.api.ask(FIND, json!({})).await?;
        Ok(found.current_app_installation)
    }

    /// Leaves a trace in place of the one that was found.
    pub(super) async fn leave_trace(&self, ours: &Writer, found: Option<&Trace>) -> Result<Outcome> {
        let owner = self.installation.get_or_try_init(async || Ok(self.installation().await?.id)).await;
        let owner = match owner {
            Ok(owner) => owner,
            Err(error) if is_refused(&error) => return Ok(Outcome::Refused(error)),
            Err(error) => return Err(error),
        };
        let metafield = json!({
            "ownerId": owner,
            "key": "writer",
            "type": "single_line_text_field",
            "value": ours.to_string(),
            "compareDigest": found.and_then(|found| found.version.as_deref()),
        });
        let text = body(LEAVE, &json!({ "metafields": [metafield] }));
        let left: Left = match self.api.send(LEAVE, text, Again::IfNeverSent).await {
            Err(error) if is_refused(&error) => return Ok(Outcome::Refused(error)),
            left => left?,
        };
        let Some(payload) = left.metafields_set else {
            return Err(ChannelError::unexpected(LEAVE.operation, "Shopify's answer has no result for the write"));
        };
        Ok(payload.user_errors.first().map_or(Outcome::Done { echo: None }, UserError::outcome))
    }
}

impl Metafield {
    /// Reads the trace. Whatever else stands in its place was left by somebody that we do not know.
    fn trace(self) -> Trace {
        let unknown = |()| Writer { state: printable(&self.value, 100), counter: 0 };
        let writer = self.value.parse().unwrap_or_else(unknown);
        Trace { writer, call: None, version: Some(self.compare_digest) }
    }
}

impl UserError {
    fn outcome(&self) -> Outcome {
        let code = self.code.as_deref().unwrap_or_default();
        if matches!(code, "STALE_OBJECT" | "INVALID_COMPARE_DIGEST") {
            return Outcome::Stale;
        }
        let said = printable(self.message.as_deref().unwrap_or(code), 300);
        let message = format!("Shopify refuses it: {said}");
        Outcome::Refused(ChannelError::new(ErrorKind::Refused, Repeat::Never, LEAVE.operation, message))
    }
}

fn is_refused(error: &ChannelError) -> bool {
    matches!(error.kind, ErrorKind::Permission | ErrorKind::Refused)
}
