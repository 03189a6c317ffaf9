//! What an answer of a shop means: for pacing, for reading on, and in words where it is a refusal (section 8).

use std::time::Duration;

use serde_json::Value;

use crate::channel::{ChannelError, ErrorKind, Evidence, Repeat, printable};
use crate::net::{Again, Budget, Reply, Verdict};

/// What stood before the JSON of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    None,
    /// A byte order mark, which harms nothing.
    Mark,
    /// Words that a plugin printed.
    Words(String),
}

/// Translates a refusal (2.2, 8). Messages are in the shop's language: status and code decide. A write that is refused
/// though the keys are good tells what they may not do.
pub(super) fn refused(
    reply: &Reply,
    answer: Option<&Value>,
    operation: &'static str,
    writes_with_good_keys: bool,
) -> ChannelError {
    let code = answer.and_then(code_of).unwrap_or_default();
    let Told { kind, repeat, message, next } =
        told(reply.status.as_u16(), code, answer.is_some(), writes_with_good_keys);
    let page = answer.is_none().then(|| words_of(&reply.body));
    let said = answer.and_then(|answer| answer["message"].as_str()).map(without_tags).or(page);
    let mut evidence = evidence(reply, said.as_deref());
    evidence.code = (!code.is_empty()).then(|| printable(code, 80));
    let error = ChannelError::new(kind, repeat, operation, message).with_evidence(evidence);
    if next.is_empty() { error } else { error.with_next(next) }
}

/// What an error is, in our words.
struct Told {
    kind: ErrorKind,
    repeat: Repeat,
    message: &'static str,
    next: &'static str,
}

fn told(status: u16, code: &str, json: bool, writes_with_good_keys: bool) -> Told {
    use ErrorKind::{Account, Credentials, Permission, Refused, Throttled, Unavailable, Unexpected};
    let never = |kind, message, next| Told { kind, repeat: Repeat::Never, message, next };
    let later = |kind, message, next| Told { kind, repeat: Repeat::Later, message, next };
    match (status, code) {
        (300..=399, _) => {
            never(Account, "the shop sends us to another address", "write the address it ends at as `url`")
        }
        (401, "woocommerce_rest_authentication_error") if writes_with_good_keys => never(
            Permission,
            "the keys do not let eys write",
            "WooCommerce, Settings, Advanced, REST API: make keys with the permission Read/Write",
        ),
        (401, code) if code.starts_with("woocommerce_rest_cannot_") => never(
            Credentials,
            "the shop does not know the keys, or they did not arrive",
            "copy consumer_key and consumer_secret again; if they are right, the host drops the Authorization header",
        ),
        (401, _) if json => never(
            Credentials,
            "the shop refuses the keys",
            "check consumer_key and consumer_secret in channels.toml, and that they may read and write",
        ),
        (401, _) => never(
            Credentials,
            "a password protects the whole site",
            "ask the host to let /wp-json/wc/v3/ through without it",
        ),
        (403, code) if code.starts_with("woocommerce_rest_") => never(
            Permission,
            "the user whose keys these are may not do this",
            "make the keys for an administrator or a shop manager",
        ),
        (403 | 406, _) => never(
            Permission,
            "a firewall in front of the shop refuses the call",
            "ask the host to let calls to /wp-json/wc/v3/ through",
        ),
        (404, "rest_no_route") => never(
            Account,
            "WooCommerce does not answer there: it is switched off, or too old",
            "switch the plugin on; eys needs WooCommerce 5.8 or later",
        ),
        (404, _) if !json => never(
            Account,
            "there is no WooCommerce shop at this address",
            "check `url` in channels.toml: it is the shop's address, with its subfolder if it has one",
        ),
        (404, _) => never(ErrorKind::NotFound, "it is not there", ""),
        (413, _) => never(Refused, "the call is larger than the shop takes", ""),
        (414, _) => never(Refused, "the address of the call is longer than the shop's server takes", ""),
        (429, _) => later(Throttled, "the shop's host keeps telling us to slow down", ""),
        (503, _) => later(Unavailable, "the shop is closed for maintenance, or its host has no room for it", ""),
        (500.., _) => later(Unavailable, "the shop fails", "the host's error log says why"),
        _ if !json => later(Unexpected, "something in front of the shop answered", ""),
        _ => never(Refused, "WooCommerce refuses it", ""),
    }
}

/// Tells what an answer means for pacing and retrying. Over 503 nobody knows what was done before it.
pub(super) fn judge(reply: &Reply, again: Again) -> (Verdict, Option<Budget>) {
    let hint = reply.headers.get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
    let hint = hint.map(Duration::from_secs);
    let verdict = match reply.status.as_u16() {
        429 => Verdict::Throttled(hint),
        503 if hint.is_some() && again == Again::Always => Verdict::Throttled(hint),
        408 | 500.. => Verdict::Failed,
        200..=299 if parse(&reply.body).is_none() => Verdict::Failed,
        _ => Verdict::Answer,
    };
    (verdict, None)
}

/// Takes the JSON out of a body, with what stood before it (8).
pub(super) fn parse(body: &[u8]) -> Option<(Value, Notice)> {
    let (text, notice) = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, Notice::Mark),
        None => (body, Notice::None),
    };
    if let Ok(value) = serde_json::from_slice(text) {
        return Some((value, notice));
    }
    let starts = text.iter().enumerate().filter(|(_, byte)| matches!(byte, b'[' | b'{')).map(|(at, _)| at);
    starts.take(50).filter(|at| *at > 0).find_map(|at| {
        let value = serde_json::from_slice(&text[at..]).ok()?;
        Some((value, Notice::Words(words_of(&text[..at]))))
    })
}

/// Returns the code of an answer that is an error.
pub(super) fn code_of(answer: &Value) -> Option<&str> {
    answer.as_object()?.get("code")?.as_str()
}

/// Tells whether an answer came from the shop itself, with the keys heard.
pub(super) fn is_of_the_shop(reply: &Reply) -> bool {
    let known = parse(&reply.body).is_some() && reply.status.as_u16() != 401;
    known && (reply.status.is_success() || reply.status.is_client_error())
}

/// Tells whether the shop read a signature and refused it.
pub(super) fn is_refused_signature(reply: &Reply) -> bool {
    let code = parse(&reply.body).and_then(|(answer, _)| code_of(&answer).map(str::to_owned));
    reply.status.as_u16() == 401 && code.as_deref() == Some("woocommerce_rest_authentication_error")
}

/// Makes the error of an answer that came from something else than the shop.
pub(super) fn in_front(reply: &Reply, operation: &'static str) -> ChannelError {
    let words = words_of(&reply.body);
    ChannelError::unexpected(operation, "something in front of the shop answered, not WooCommerce")
        .with_next("look at the shop in a browser: a firewall or a page of the host must let /wp-json/ through")
        .with_evidence(evidence(reply, Some(&words)))
}

fn words_of(body: &[u8]) -> String {
    printable(&without_tags(&String::from_utf8_lossy(&body[..body.len().min(4000)])), 200)
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        let shown = !inside && *c != '<';
        inside = (inside || *c == '<') && *c != '>';
        shown
    };
    html.chars().filter(keep).take(2000).collect()
}

pub(super) fn evidence(reply: &Reply, said: Option<&str>) -> Evidence {
    let id = ["x-request-id", "cf-ray"].iter().find_map(|name| reply.headers.get(*name)?.to_str().ok());
    Evidence {
        status: Some(reply.status.as_u16()),
        request_id: id.map(|id| printable(id, 80)),
        code: None,
        said: said.map(|said| printable(said, 300)).filter(|said| !said.is_empty()),
    }
}
