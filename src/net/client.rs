//! A channel's own line to its platform: retry, pace, timeout, record, send, in this order from outside.
//!
//! Retry waits are our own few lines and not a crate's: a wait here depends on what the platform just said, on whether
//! the request may have landed, and on two different patiences, which no policy of attempts and factors can express.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex as Turn;
use tokio::time::{Instant, sleep, timeout};

use super::pacer::Pacer;
use super::{Again, Budget, NetError, Reply, Request, Transport, Verdict};

/// How often a call is tried that fails on the way or at the platform.
const TRIES: u32 = 4;
/// How long a call is held back in all because the platform says to slow down.
const PATIENCE: Duration = Duration::from_secs(90);
/// The first wait after a failure; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How fast a channel may be called, before its platform has said anything.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The bucket that is assumed until an answer tells of the real one.
    pub assumed: Budget,
    /// The longest that one attempt may take.
    pub timeout: Duration,
}

/// The calls that were made, every attempt counted, by operation.
pub type Tally = BTreeMap<&'static str, u64>;

/// A channel's line to its platform. One request is in flight at a time.
pub struct Client {
    transport: Arc<dyn Transport>,
    timeout: Duration,
    /// Who has it may send.
    turn: Turn<Pacer>,
    clock: Mutex<Option<(Timestamp, Instant)>>,
    tally: Mutex<Tally>,
}

/// How an attempt ended.
enum Attempted {
    Answer(Reply),
    Throttled(Reply, Option<Duration>),
    Failed(Reply),
    Lost(NetError),
}

impl Client {
    /// Makes a line over a transport.
    pub fn new(transport: Arc<dyn Transport>, pace: Pace) -> Self {
        Self {
            transport,
            timeout: pace.timeout,
            turn: Turn::new(Pacer::new(pace.assumed, Instant::now())),
            clock: Mutex::default(),
            tally: Mutex::default(),
        }
    }

    /// Sends a request, waiting and retrying as its label, the verdicts and the platform's words ask for. The last
    /// answer is handed on even where its verdict was not [`Verdict::Answer`], so that the adapter can quote it.
    pub async fn call(
        &self,
        request: Request,
        judge: impl Fn(&Reply) -> (Verdict, Option<Budget>) + Send + Sync,
    ) -> Result<Reply, NetError> {
        let started = Instant::now();
        let mut tries = 0;
        loop {
            let attempted = self.attempt(&request, &judge).await;
            let again = request.label.again;
            tries += 1;
            let patient = started.elapsed() < PATIENCE;
            match attempted {
                Attempted::Answer(reply) => return Ok(reply),
                Attempted::Throttled(reply, hint) => {
                    if !patient || hint.is_some_and(|hint| PATIENCE < hint) {
                        return Ok(reply);
                    }
                }
                Attempted::Failed(reply) if tries == TRIES || again == Again::IfNeverSent => return Ok(reply),
                Attempted::Lost(error) if tries == TRIES || !may_repeat(&error, again) => return Err(error),
                Attempted::Failed(_) | Attempted::Lost(_) => sleep(growing(tries, &request)).await,
            }
        }
    }

    /// Makes one attempt: waits for its turn and for the bucket, sends, and hears what the answer says of the bucket.
    async fn attempt(
        &self,
        request: &Request,
        judge: &(impl Fn(&Reply) -> (Verdict, Option<Budget>) + Send + Sync),
    ) -> Attempted {
        let mut pacer = self.turn.lock().await;
        let wait = pacer.wait(Instant::now(), request.label.cost);
        if !wait.is_zero() {
            sleep(wait + jitter(request, 0).mul_f64(0.15) + Duration::from_millis(50)).await;
        }
        pacer.spend(Instant::now(), request.label.cost);
        let sent = Instant::now();
        let reply = self.send(request).await;
        self.record(request, &reply, sent.elapsed());
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return Attempted::Lost(error),
        };
        self.hear_clock(&reply);
        let (verdict, budget) = judge(&reply);
        let now = Instant::now();
        if let Some(budget) = budget {
            pacer.told(now, budget);
        }
        match verdict {
            Verdict::Answer => Attempted::Answer(reply),
            Verdict::Failed => Attempted::Failed(reply),
            Verdict::Throttled(hint) => {
                pacer.throttled(now, hint);
                Attempted::Throttled(reply, hint)
            }
        }
    }

    async fn send(&self, request: &Request) -> Result<Reply, NetError> {
        match timeout(self.timeout, self.transport.send(request.clone())).await {
            Ok(reply) => reply,
            Err(_) => Err(NetError::Lost {
                host: request.url.host_str().unwrap_or_default().to_owned(),
                why: format!("no answer within {} seconds", self.timeout.as_secs()),
            }),
        }
    }

    fn record(&self, request: &Request, reply: &Result<Reply, NetError>, took: Duration) {
        let operation = request.label.operation;
        *locked(&self.tally).entry(operation).or_default() += 1;
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match reply {
            Ok(reply) => tracing::debug!(operation, milliseconds, status = reply.status.as_u16(), "answered"),
            Err(error) => tracing::debug!(operation, milliseconds, %error, "no answer"),
        }
    }

    fn hear_clock(&self, reply: &Reply) {
        let date = reply.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else { return };
        let (heard, now) = (date.timestamp(), Instant::now());
        let mut clock = locked(&self.clock);
        let known = clock.map(|(then, at)| carried(then, now.saturating_duration_since(at)));
        // A Date header counts whole seconds; a clock that was already further on within that second stays there.
        let heard = known.filter(|known| heard <= *known && known.duration_since(heard) < SignedDuration::from_secs(2));
        *clock = Some((heard.unwrap_or_else(|| date.timestamp()), now));
    }

    /// Tells the platform's time: its latest Date header, carried forward by a clock that cannot be set.
    pub fn clock(&self) -> Option<Timestamp> {
        locked(&self.clock).map(|(then, at)| carried(then, at.elapsed()))
    }

    /// Returns the calls that were made so far.
    pub fn tally(&self) -> Tally {
        locked(&self.tally).clone()
    }
}

fn carried(then: Timestamp, by: Duration) -> Timestamp {
    then.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

fn may_repeat(error: &NetError, again: Again) -> bool {
    match error {
        NetError::NotConnected { .. } => true,
        NetError::Lost { .. } => again == Again::Always,
        NetError::TooLarge { .. } => false,
    }
}

/// Waits 1, 2, 4 seconds, each with up to half of it on top, so that many machines do not come back at once.
fn growing(tries: u32, request: &Request) -> Duration {
    let base = FIRST_WAIT.saturating_mul(1 << (tries - 1).min(5));
    base + jitter(request, tries).mul_f64(base.as_secs_f64() / 2.0)
}

/// Returns a part of a second that differs from request to request, and is the same for the same request.
fn jitter(request: &Request, tries: u32) -> Duration {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (request.url.as_str(), &request.body, tries).hash(&mut hasher);
    Duration::from_millis(hasher.finish() % 1000)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{HeaderMap, Method, StatusCode};

    use super::super::Label;
    use super::*;

    /// Plays back what it was given; an empty reply hangs for an hour.
    struct Script(Mutex<VecDeque<Result<u16, NetError>>>, Mutex<Vec<Instant>>);

    #[async_trait]
    impl Transport for Script {
        async fn send(&self, _: Request) -> Result<Reply, NetError> {
            locked(&self.1).push(Instant::now());
            let next = locked(&self.0).pop_front();
            let Some(status) = next else {
                sleep(Duration::from_hours(1)).await;
                return Err(NetError::Lost { host: "h".into(), why: "an hour passed".into() });
            };
            let status = status?;
            let mut headers = HeaderMap::new();
            headers.insert(http::header::DATE, "Mon, 23 Nov 2026 06:00:00 GMT".parse().unwrap());
            Ok(Reply { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::new() })
        }
    }

    fn lost() -> Result<u16, NetError> {
        Err(NetError::Lost { host: "h".into(), why: "reset".into() })
    }

    fn unreachable() -> Result<u16, NetError> {
        Err(NetError::NotConnected { host: "h".into(), why: "refused".into() })
    }

    fn request(again: Again) -> Request {
        Request {
            method: Method::POST,
            url: "https://h/".parse().unwrap(),
            secret_query: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            label: Label { operation: "testing", cost: 1.0, again },
        }
    }

    async fn play(script: Vec<Result<u16, NetError>>, again: Again) -> (Result<u16, NetError>, Vec<u64>, Client) {
        let script = Arc::new(Script(Mutex::new(script.into()), Mutex::default()));
        let assumed = Budget { most: 100.0, left: 100.0, per_second: 1.0, cost: None };
        let client = Client::new(script.clone(), Pace { assumed, timeout: Duration::from_secs(30) });
        let start = Instant::now();
        let judge = |reply: &Reply| match reply.status.as_u16() {
            429 => (Verdict::Throttled(Some(Duration::from_secs(5))), None),
            500.. => (Verdict::Failed, None),
            _ => (Verdict::Answer, None),
        };
        let reply = client.call(request(again), judge).await.map(|reply| reply.status.as_u16());
        let sent = locked(&script.1).iter().map(|at| at.duration_since(start).as_secs()).collect();
        (reply, sent, client)
    }

    // proves F1: again with growing waits, then the last answer is handed on.
    #[tokio::test(start_paused = true)]
    async fn failures_are_tried_again_with_growing_waits() {
        let (reply, sent, client) = play(vec![Ok(500), lost(), Ok(200)], Again::Always).await;
        assert_eq!(reply.unwrap(), 200);
        assert!(sent.len() == 3 && sent[1] - sent[0] >= 1 && sent[2] - sent[1] >= 2, "{sent:?}");
        assert_eq!(client.tally(), Tally::from([("testing", 3)]));
        let (reply, sent, _) = play(vec![Ok(503), Ok(503), Ok(503), Ok(502)], Again::Always).await;
        assert_eq!((reply.unwrap(), sent.len()), (502, 4));
    }

    // proves X1: what must not happen twice is never repeated by itself once it may have landed.
    #[tokio::test(start_paused = true)]
    async fn what_may_have_landed_is_not_repeated() {
        let (reply, sent, _) = play(vec![unreachable(), lost(), Ok(200)], Again::IfNeverSent).await;
        assert!(matches!(reply, Err(NetError::Lost { .. })));
        assert_eq!(sent.len(), 2);
        let (reply, sent, _) = play(vec![Ok(500), Ok(200)], Again::IfNeverSent).await;
        assert_eq!((reply.unwrap(), sent.len()), (500, 1));
    }

    // proves F2: wait as told.
    #[tokio::test(start_paused = true)]
    async fn a_throttle_is_waited_out_as_told() {
        let (reply, sent, _) = play(vec![Ok(429), Ok(429), Ok(200)], Again::IfNeverSent).await;
        assert_eq!(reply.unwrap(), 200);
        assert!(sent[1] >= 5 && sent[2] >= 10, "{sent:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_ends_an_attempt() {
        let (reply, sent, _) = play(Vec::new(), Again::IfNeverSent).await;
        assert!(matches!(reply, Err(NetError::Lost { .. })));
        assert_eq!(sent.len(), 1);
    }

    // proves Y1: the channel's own clock is its Date header, carried forward.
    #[tokio::test(start_paused = true)]
    async fn the_clock_is_the_platforms() {
        let (_, _, client) = play(vec![Ok(200)], Again::Always).await;
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(client.clock().unwrap().to_string(), "2026-11-23T06:01:30Z");
    }
}
