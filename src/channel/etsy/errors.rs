//! What Etsy's refusals mean (section 9 of its facts): whose fault, whether trying again helps, what to do next.
//!
//! Etsy tells by status and a sentence; there are no numbers. The sentence is looked at only where the status says too
//! little, and always shown.

use jiff::SignedDuration;
use serde::Deserialize;

use super::super::{ChannelError, ErrorKind, Evidence, Repeat, printable};
use super::limits::{is_used_up, wait};
use crate::net::Reply;

/// The body of a refusal.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Refusal {
    /// What is wrong: a sentence, or at the door for tokens a word.
    #[serde(default)]
    pub error: String,
    /// More about it.
    #[serde(default)]
    pub error_description: String,
}

impl Refusal {
    /// Reads it; what is no refusal says nothing.
    pub fn of(reply: &Reply) -> Self {
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// Returns what Etsy said.
    pub fn said(&self) -> String {
        format!("{} {}", self.error, self.error_description).trim().to_owned()
    }
}

/// Translates a refusal.
pub(super) fn refusal(reply: &Reply, operation: &'static str) -> ChannelError {
    let said = Refusal::of(reply).said();
    let (kind, repeat, message, next) = match reply.status.as_u16() {
        429 if is_used_up(reply) => (
            ErrorKind::Throttled,
            again_after(reply),
            "the day's calls to Etsy are used up",
            Some("it goes on by itself as they come back; a slower `every` needs fewer"),
        ),
        429 => (
            ErrorKind::Throttled,
            again_after(reply),
            "Etsy keeps telling us to slow down",
            Some("`eys doctor` shows what is left of the day's calls; a slower `every` needs fewer"),
        ),
        401 => (
            ErrorKind::Credentials,
            Repeat::Never,
            "Etsy refuses the access token",
            Some("`eys doctor` tries it; consent again with `eys auth` if it says so"),
        ),
        403 => forbidden(&said.to_lowercase()),
        404 => (ErrorKind::NotFound, Repeat::Never, "Etsy does not know what was asked for", None),
        409 => (ErrorKind::Refused, Repeat::Later, "somebody else changed it in the same moment", None),
        500.. => (ErrorKind::Unavailable, Repeat::Later, "Etsy fails", None),
        400..500 => (ErrorKind::Refused, Repeat::Never, "Etsy refuses it", None),
        _ => (ErrorKind::Unexpected, Repeat::Later, "Etsy's answer is not as documented", None),
    };
    let error = ChannelError::new(kind, repeat, operation, message).with_evidence(evidence(reply, Some(&said)));
    match next {
        Some(next) => error.with_next(next),
        None => error,
    }
}

type Meaning = (ErrorKind, Repeat, &'static str, Option<&'static str>);

/// Tells what is behind a 403: the key, the consent, the shop, or the one thing that was asked for.
fn forbidden(said: &str) -> Meaning {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["shared secret", "x-api-key", "api key", "api_key", "keystring"]) {
        (
            ErrorKind::Credentials,
            Repeat::Never,
            "Etsy refuses the app's key",
            Some(
                "check `client_id` (the keystring) and `client_secret` (the shared secret) in channels.toml, and at etsy.com/developers/your-apps that the app is active",
            ),
        )
    } else if has(&["scope", "token"]) {
        (
            ErrorKind::Permission,
            Repeat::Never,
            "the consent does not cover this",
            Some("consent again with `eys auth`; `eys doctor` names the scopes that are missing"),
        )
    } else if has(&["vacation", "suspended", "shop is closed", "frozen shop"]) {
        (
            ErrorKind::Account,
            Repeat::Never,
            "the shop is closed or on vacation",
            Some("open it at etsy.com, Shop Manager"),
        )
    } else {
        (ErrorKind::Refused, Repeat::Never, "Etsy forbids this", None)
    }
}

fn again_after(reply: &Reply) -> Repeat {
    let wait = wait(&reply.headers).and_then(|wait| SignedDuration::try_from(wait).ok());
    wait.map_or(Repeat::Later, Repeat::After)
}

/// Tells whether a write failed because somebody else wrote in the same moment: then nothing was written.
pub(super) fn is_conflict(error: &ChannelError) -> bool {
    error.evidence.status == Some(409)
}

/// Tells whether Etsy refused a write because nothing would be left (section 6).
pub(super) fn is_nothing_left(error: &ChannelError) -> bool {
    let said = error.evidence.said.as_deref().unwrap_or_default().to_lowercase();
    error.evidence.status == Some(400) && said.contains("greater than 0")
}

/// Tells whether a list may have been too long to be answered, so that a shorter one may do (4.1). A host that cannot be
/// reached at all is not helped by that; such an error says what to do next.
pub(super) fn is_overload(error: &ChannelError) -> bool {
    match error.kind {
        ErrorKind::Unavailable | ErrorKind::Unexpected => true,
        ErrorKind::Network => error.next.is_none(),
        _ => false,
    }
}

/// What is kept of an answer, fit to be shown.
pub(super) fn evidence(reply: &Reply, said: Option<&str>) -> Evidence {
    let id = reply.headers.get("x-etsy-request-uuid").and_then(|id| id.to_str().ok());
    Evidence {
        status: Some(reply.status.as_u16()),
        request_id: id.map(|id| printable(id, 80)),
        code: None,
        said: said.map(|said| printable(said, 300)).filter(|said| !said.trim().is_empty()),
    }
}
