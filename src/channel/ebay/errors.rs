//! What eBay's refusals mean (section 9 of its facts): whose fault, whether trying again helps, what to do next.
//!
//! The REST interfaces tell by status and a list of errors with numbers; Trading answers 200 whatever happens, and its
//! numbers are its own.

use serde::Deserialize;

use super::super::{ChannelError, ErrorKind, Evidence, Repeat, printable};
use crate::net::Reply;

/// The body of a refusal by a REST interface.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Refusals {
    #[serde(default)]
    pub errors: Vec<RestError>,
}

/// One error of a REST interface.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestError {
    #[serde(default)]
    pub error_id: i64,
    pub message: Option<String>,
    pub long_message: Option<String>,
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

/// What an error is about.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Parameter {
    pub name: Option<String>,
    pub value: Option<String>,
}

impl RestError {
    /// Returns what eBay said, with what it is about.
    pub fn said(&self) -> String {
        let words = self.long_message.as_deref().or(self.message.as_deref()).unwrap_or("without a word");
        let about = self
            .parameters
            .iter()
            .filter_map(|parameter| Some(format!("{}={}", parameter.name.as_deref()?, parameter.value.as_deref()?)));
        let about: Vec<String> = about.collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        printable(&format!("{words}{about}"), 300)
    }

    /// Makes the refusal of one listing of it.
    pub fn refusal(&self, operation: &'static str) -> ChannelError {
        if matches!(self.error_id, 25001 | 30500 | 160_001) {
            let error = ChannelError::new(ErrorKind::Unavailable, Repeat::Later, operation, "eBay fails");
            return error.with_evidence(self.evidence());
        }
        let error = ChannelError::new(
            ErrorKind::Refused,
            Repeat::Never,
            operation,
            format!("eBay refuses it: {}", self.said()),
        );
        let error = error.with_evidence(self.evidence());
        match self.error_id {
            25002 => error.with_next("look at the listing in Seller Hub: eBay's words name what it wants changed"),
            25759 => error.with_next("an auction of the same goods holds more units than that; end it first"),
            _ => error,
        }
    }

    fn evidence(&self) -> Evidence {
        Evidence { code: Some(self.error_id.to_string()), ..Evidence::default() }
    }
}

/// Translates a refusal by a REST interface.
pub(super) fn rest_error(reply: &Reply, operation: &'static str) -> ChannelError {
    let refusals: Option<Refusals> = serde_json::from_slice(&reply.body).ok();
    let first = refusals.and_then(|refusals| refusals.errors.into_iter().next());
    let id = first.as_ref().map_or(0, |error| error.error_id);
    let scopes = "consent again with `eys auth`; `eys doctor` names the scopes that are missing";
    let (kind, repeat, message, next) = match (reply.status.as_u16(), id) {
        (429, _) | (_, 2001) => (
            ErrorKind::Throttled,
            Repeat::Later,
            "eBay keeps telling us to slow down",
            Some("`eys doctor` shows what is left of the day's calls; a slower `every` needs fewer"),
        ),
        (401, _) | (_, 1001) => (
            ErrorKind::Credentials,
            Repeat::Never,
            "eBay refuses the access token",
            Some("`eys doctor` tries it; consent again with `eys auth` if it says so"),
        ),
        (403, _) | (_, 1100) => (ErrorKind::Permission, Repeat::Never, "eBay forbids this", Some(scopes)),
        (404, _) => (ErrorKind::NotFound, Repeat::Never, "eBay does not know what was asked for", None),
        (500.., _) | (_, 25001 | 30500 | 160_001) => (ErrorKind::Unavailable, Repeat::Later, "eBay fails", None),
        (400..500, _) => (ErrorKind::Refused, Repeat::Never, "eBay refuses the request", None),
        _ => (ErrorKind::Unexpected, Repeat::Later, "eBay's answer is not as documented", None),
    };
    let said = first.as_ref().map(RestError::said);
    let mut evidence = evidence(reply, said.as_deref());
    evidence.code = (id != 0).then(|| id.to_string());
    let error = ChannelError::new(kind, repeat, operation, message).with_evidence(evidence);
    match next {
        Some(next) => error.with_next(next),
        None => error,
    }
}

/// What is kept of an answer, fit to be shown.
pub(super) fn evidence(reply: &Reply, said: Option<&str>) -> Evidence {
    let id = ["x-ebay-c-request-id", "rlogid"].into_iter().find_map(|name| reply.headers.get(name));
    Evidence {
        status: Some(reply.status.as_u16()),
        request_id: id.and_then(|id| id.to_str().ok()).map(|id| printable(id, 80)),
        code: None,
        said: said.map(|said| printable(said, 300)).filter(|said| !said.trim().is_empty()),
    }
}
