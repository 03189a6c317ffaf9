//! What can go wrong at a channel, on two axes: what happened, and whether trying again can help.

use std::fmt;

use jiff::SignedDuration;

use crate::net::NetError;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// A key, token or secret was refused, or could not be had (F4).
    Credentials,
    /// The account may not do this: a scope or a permission is missing (F4).
    Permission,
    /// The shop is closed, frozen, or not the one it was (F4).
    Account,
    /// The thing asked for is not there.
    NotFound,
    /// The platform refused what was sent, in its own words (F5).
    Refused,
    /// The platform told us to slow down (F2).
    Throttled,
    /// The platform is down or answers with an error of its own (F1).
    Unavailable,
    /// The platform could not be reached, or the connection broke (F1).
    Network,
    /// The answer makes no sense: HTML where JSON was due, a missing field, a number that is none (F1).
    Unexpected,
    /// A file cannot be read or written.
    File,
    /// The channel cannot do this.
    Unsupported,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It fails again until somebody changes something.
    Never,
    /// It may work after a growing wait.
    Later,
    /// It may work after this wait, as the platform said.
    After(SignedDuration),
}

/// What the platform said, scrubbed: no secret, no control characters, not more than a few lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The platform's id of the request.
    pub request_id: Option<String>,
    /// The platform's own code for what happened.
    pub code: Option<String>,
    /// The first words of what it said.
    pub said: Option<String>,
}

/// A failed call of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelError {
    /// What happened.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub repeat: Repeat,
    /// What was being done, in words that follow "while": "reading orders".
    pub operation: &'static str,
    /// What happened, as a sentence without a full stop.
    pub message: String,
    /// What to do next, if there is something better than waiting.
    pub next: Option<String>,
    /// What the platform said. Boxed so that results stay small.
    pub evidence: Box<Evidence>,
}

impl ChannelError {
    /// Makes an error without evidence. A full stop at the end of a platform's own words is left out.
    pub fn new(kind: ErrorKind, repeat: Repeat, operation: &'static str, message: impl AsRef<str>) -> Self {
        Self {
            kind,
            repeat,
            operation,
            message: printable(message.as_ref().trim_end_matches('.'), 500),
            next: None,
            evidence: Box::default(),
        }
    }

    /// Makes the error of a call to which no answer came.
    pub(crate) fn unanswered(error: &NetError, operation: &'static str) -> Self {
        let (kind, repeat) = match error {
            NetError::NotConnected { .. } | NetError::Lost { .. } => (ErrorKind::Network, Repeat::Later),
            NetError::TooLarge { .. } => (ErrorKind::Unexpected, Repeat::Never),
        };
        let told = Self::new(kind, repeat, operation, error.to_string());
        match error {
            NetError::NotConnected { .. } => {
                told.with_next("check the address in channels.toml and your connection; the next run tries again")
            }
            NetError::Lost { .. } | NetError::TooLarge { .. } => told,
        }
    }

    /// Makes the error of an answer that makes no sense.
    pub fn unexpected(operation: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::Unexpected, Repeat::Later, operation, message)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds what the platform said.
    #[must_use]
    pub fn with_evidence(mut self, evidence: Evidence) -> Self {
        *self.evidence = evidence;
        self
    }

    /// Tells whether the request may have had an effect though no answer came: then a write is unknown.
    pub fn may_have_landed(&self) -> bool {
        matches!(self.kind, ErrorKind::Network | ErrorKind::Unavailable | ErrorKind::Unexpected)
    }

    /// Tells whether the whole lane stops until the owner mends something (F4).
    pub fn stops_lane(&self) -> bool {
        matches!(self.kind, ErrorKind::Credentials | ErrorKind::Permission | ErrorKind::Account)
    }
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (while {}", self.message, self.operation)?;
        if let Some(status) = self.evidence.status {
            write!(f, ", HTTP {status}")?;
        }
        if let Some(id) = &self.evidence.request_id {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")?;
        if let Some(said) = &self.evidence.said {
            write!(f, "; it said: {said}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ChannelError {}

/// Makes text from a remote side fit for a terminal: control and formatting characters become `?`, white space is
/// folded, and what is longer than `most` characters ends in `…`.
pub fn printable(text: &str, most: usize) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out: String = folded.chars().take(most).map(|c| if is_hidden(c) { '?' } else { c }).collect();
    if folded.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

/// Makes a text of several lines fit for a terminal: what could steer it becomes `?`, its layout stays.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_hidden(c) { '?' } else { c }).collect()
}

/// Tells whether a character can hide or move text: control characters, direction marks, zero-width characters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_text_cannot_steer_a_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n c\u{202e}d", 100), "a?[2Jb c?d");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(harmless("a\u{1b}[2J\n  b\u{9b}c"), "a?[2J\n  b?c");
    }
}
