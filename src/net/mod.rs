//! The one door to the network.
//!
//! An adapter builds a [`Request`], hands it to its [`Client`], and gets a [`Reply`] or a [`ChannelError`]-free
//! [`NetError`]. Around each request stand, from outside: retry, pace, timeout, record, send. Every attempt pays for
//! itself, a timeout ends an attempt and not the retrying, and what is recorded is exactly what was sent.
//!
//! Nothing here knows a platform: an adapter tells by a [`Verdict`] what an answer means for pacing and retrying.

mod client;
pub mod http;
mod pacer;

use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use self::client::{Client, Pace, Tally};

/// A request as it will be sent. Headers that carry a secret are marked sensitive.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address, without secrets.
    pub url: Url,
    /// What is added to the query of the address only where it leaves this machine, for hosts that let no secret through
    /// in a header.
    pub secret_query: Option<SecretString>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What the wrappers need to know of it.
    pub label: Label,
}

impl Request {
    /// Returns the address as it goes over the wire, with what is secret in it: for transports alone.
    pub fn wire_url(&self) -> Url {
        let mut url = self.url.clone();
        if let Some(secret) = &self.secret_query {
            let query = url.query().map_or_else(String::new, |query| format!("{query}&"));
            url.set_query(Some(&format!("{query}{}", secret.expose_secret())));
        }
        url
    }
}

/// What the wrappers need to know of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// The operation's name, as in [`ChannelError::operation`](crate::channel::ChannelError::operation).
    pub operation: &'static str,
    /// What it costs, in the platform's own unit; 1 where each call costs the same.
    pub cost: f64,
    /// Whether it may be sent again by itself.
    pub again: Again,
}

/// Whether a request may be sent again without anyone looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Reads, absolute writes, and writes under a key: any number of times.
    Always,
    /// Only if it surely never left this machine.
    IfNeverSent,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// Why no answer came.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NetError {
    /// No connection: nothing was sent.
    #[error("could not connect to {host}: {why}")]
    NotConnected {
        /// The host.
        host: String,
        /// Why, scrubbed.
        why: String,
    },
    /// It may have arrived; no whole answer came back.
    #[error("no whole answer from {host}: {why}")]
    Lost {
        /// The host.
        host: String,
        /// Why, scrubbed.
        why: String,
    },
    /// The answer was larger than an honest one can be.
    #[error("the answer from {host} is larger than {most} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The most that is taken.
        most: usize,
    },
}

/// The other end of the wire: the real network, or a simulated one in the same process.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request once and returns its whole answer.
    async fn send(&self, request: Request) -> Result<Reply, NetError>;
}

/// What an answer means for pacing and retrying; an adapter decides, since a 200 may be a refusal.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is an answer: hand it on.
    Answer,
    /// The platform told us to slow down, for so long if it said.
    Throttled(Option<Duration>),
    /// The platform failed; it may do better.
    Failed,
}

/// What an answer told about the platform's limits: a bucket that refills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// What the bucket holds at most.
    pub most: f64,
    /// What is in it now.
    pub left: f64,
    /// What flows in each second.
    pub per_second: f64,
    /// What the request turned out to cost, as asked of the bucket before it ran.
    pub cost: Option<f64>,
}
