//! The simulated marketplaces: one world, a face for each platform, trouble on demand, and a log of the truth.
//!
//! There are two doors. **In process**, a [`Market`] is a [`Transport`]: requests are dispatched by the host of their
//! address, and time is tokio's, so that a paused clock makes hours pass in no time. **Over loopback**, each shop
//! listens on a port of its own, with the real clock. A paused clock and a real socket must not be mixed: every
//! timeout would fire at once.
//!
//! Targets include this module by its path, at their root and under the name `sim`.
//!
//! A request that has arrived goes on even if its client hangs up, as on a real platform.
//!
//! # Adding a platform
//!
//! A module with a type that implements [`Face`], and a method here that opens a shop with it. The world knows no
//! platform; what only one platform knows is kept in its face.

mod deeds;
mod dice;
mod doors;
pub mod ebay;
pub mod etsy;
mod faults;
mod handle;
mod holding;
mod life;
mod openapi;
mod sales;
mod shelf;
pub mod shopify;
mod stamps;
mod truth;
pub mod woocommerce;
mod world;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub use self::deeds::Turned;
pub use self::dice::Dice;
pub use self::faults::{Faults, Rule, Trouble};
pub use self::handle::ShopHandle;
pub use self::life::Pace;
pub use self::openapi::{OpenApi, Route};
pub use self::shelf::{Good, State};
pub use self::truth::{Deed, Event, Truth, Who};
pub use self::world::World;

/// A request as it arrives at a platform.
pub type Ask = http::Request<Bytes>;

/// What a platform shows to its callers.
pub trait Face: Any + Send {
    /// Tells what a request is about, without doing anything.
    fn recognise(&self, ask: &Ask) -> Operation;

    /// Does what a request asks for and answers.
    fn answer(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Step;

    /// Answers a call that is one too many, in the platform's own words. Nothing is done for it.
    fn throttled(&self, _ask: &Ask) -> Answer {
        plain(429, "Too Many Requests")
    }

    /// Tells the least number of calls that can do this work for so many listings.
    fn least_calls(&self, work: Work, listings: usize) -> usize;
}

/// What a request is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// Whether it writes.
    pub writing: bool,
    /// The listings or records that it names.
    pub items: usize,
}

/// What a face does next.
pub enum Step {
    /// It answers.
    Done(Answer),
    /// It goes on after a while: other requests come in between, as where a number is read, and written later.
    Pause(Duration, Finish),
}

/// What a face does after a pause.
pub type Finish = Box<dyn FnOnce(&mut dyn Face, &mut World) -> Step + Send>;

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What the call cost, in the platform's own unit.
    pub cost: f64,
    /// The records it was about, where that shows only now.
    pub items: Option<usize>,
}

/// A kind of work whose least number of calls can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// To read all listings.
    ReadAll,
    /// To read some listings by key.
    ReadSome,
    /// To write absolute numbers.
    Set,
    /// To change numbers by deltas.
    Adjust,
}

/// A call as the platform saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it arrived.
    pub at: Timestamp,
    /// The shop.
    pub shop: String,
    /// What it was about.
    pub operation: String,
    /// How many listings or records it was about.
    pub items: usize,
    /// What it cost, in the platform's own unit.
    pub cost: f64,
    /// Whether it wrote.
    pub writing: bool,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// What befell it.
    pub troubles: Vec<Trouble>,
}

/// What became of a request on its way.
pub(crate) enum Delivery {
    /// It was answered.
    Answered(Answer),
    /// It was answered, and the line broke in the middle.
    Cut(Answer),
    /// The line broke.
    Lost,
    /// Nobody listens.
    Unreachable,
}

/// The whole simulated market; clones share it.
#[derive(Clone)]
pub struct Market(Arc<Mutex<Inner>>);

struct Inner {
    world: World,
    faces: BTreeMap<String, Box<dyn Face>>,
    hosts: BTreeMap<String, String>,
    faults: Faults,
    calls: Vec<Call>,
    latency: Duration,
    begun: Timestamp,
    start: Instant,
    advanced: Duration,
}

impl Market {
    /// Makes an empty market whose time begins on a fixed day and runs with tokio's clock.
    pub fn new(seed: u64) -> Self {
        Self::starting(seed, "2026-11-23T06:00:00Z".parse().expect("it is a time"))
    }

    /// Makes an empty market whose time is the machine's.
    pub fn live(seed: u64) -> Self {
        Self::starting(seed, Timestamp::now())
    }

    fn starting(seed: u64, begun: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            world: World::new(seed, begun),
            faces: BTreeMap::new(),
            hosts: BTreeMap::new(),
            faults: Faults::default(),
            calls: Vec::new(),
            latency: Duration::ZERO,
            begun,
            start: Instant::now(),
            advanced: Duration::ZERO,
        })))
    }

    /// Looks at the world or changes it, with all that was due until now done.
    pub fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.lock().world)
    }

    /// Looks at the face of a shop or changes it.
    pub fn face<F: Face, T>(&self, shop: &str, act: impl FnOnce(&mut F) -> T) -> T {
        self.face_and_world(shop, |face, _| act(face))
    }

    /// Changes the face of a shop and the world in one go.
    fn face_and_world<F: Face, T>(&self, shop: &str, act: impl FnOnce(&mut F, &mut World) -> T) -> T {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let face: &mut dyn Any = inner.faces.get_mut(shop).expect("the shop has a face").as_mut();
        act(face.downcast_mut().expect("the face is of this platform"), &mut inner.world)
    }

    /// Returns what time it is in this market.
    pub fn now(&self) -> Timestamp {
        self.lock().world.now
    }

    /// Lets time pass at once, beside what tokio's clock shows.
    pub fn advance(&self, by: Duration) {
        self.lock().advanced += by;
        drop(self.lock());
    }

    /// Lets buyers and owners act by themselves; `None` stops them.
    pub fn alive(&self, pace: Option<Pace>) {
        self.world(|world| world.live(pace));
    }

    /// Adds a rule to the plan of trouble.
    pub fn trouble(&self, rule: Rule) {
        self.lock().faults.add(rule);
    }

    /// Ends all trouble.
    pub fn peace(&self) {
        self.lock().faults.clear();
    }

    /// Counts how often a trouble struck under the rules that stand.
    pub fn struck(&self) -> usize {
        self.lock().faults.struck()
    }

    /// Sets how long each call takes.
    pub fn set_latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    /// Returns the calls to a shop, oldest first.
    pub fn calls(&self, shop: &str) -> Vec<Call> {
        self.lock().calls.iter().filter(|call| call.shop == shop).cloned().collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Returns all that happened, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.lock().world.events.clone()
    }

    /// Returns a handle on a shop that is there.
    pub fn shop(&self, name: &str) -> ShopHandle {
        self.world(|world| drop(world.shop(name).name.clone()));
        ShopHandle::new(self.clone(), name)
    }

    /// Gives a shop its face and the hosts it answers to.
    pub fn add_face(&self, shop: &str, face: Box<dyn Face>, hosts: &[&str]) -> ShopHandle {
        let mut inner = self.lock();
        inner.world.open_shop(shop);
        inner.faces.insert(shop.into(), face);
        for host in hosts {
            inner.hosts.insert((*host).into(), shop.into());
        }
        drop(inner);
        self.shop(shop)
    }

    /// Locks the market and lets the time pass that has passed.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = inner.begun + inner.start.elapsed() + inner.advanced;
        inner.world.pass(now);
        inner
    }

    /// Plays one request from its arrival to its answer.
    pub(crate) async fn play(self, shop: String, ask: Ask) -> Delivery {
        let (call, troubles, latency) = self.arrive(&shop, &ask);
        let mut delay = latency;
        for trouble in &troubles {
            match trouble {
                Trouble::Unreachable => return Delivery::Unreachable,
                Trouble::LostBefore => return Delivery::Lost,
                Trouble::Slow(time) => delay += *time,
                _ => {}
            }
        }
        wait(delay).await;
        let mut step = self.act(&shop, |face, world| match before_effect(face, &ask, &troubles) {
            Some(answer) => Step::Done(answer),
            None => face.answer(world, &ask, &troubles),
        });
        let answer = loop {
            match step {
                Step::Done(answer) => break answer,
                Step::Pause(time, finish) => {
                    wait(time).await;
                    step = self.act(&shop, finish);
                }
            }
        };
        let answer = self.depart(call, answer, &troubles);
        for trouble in &troubles {
            if let Trouble::SlowAnswer(time) = trouble {
                wait(*time).await;
            }
        }
        if troubles.contains(&Trouble::LostAfter) {
            return Delivery::Lost;
        }
        if troubles.contains(&Trouble::CutBody) { Delivery::Cut(answer) } else { Delivery::Answered(answer) }
    }

    fn arrive(&self, shop: &str, ask: &Ask) -> (usize, Vec<Trouble>, Duration) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let operation = inner.faces[shop].recognise(ask);
        let troubles = inner.faults.draw(shop, &operation, &mut inner.world.dice);
        inner.calls.push(Call {
            at: inner.world.now,
            shop: shop.into(),
            operation: operation.name,
            items: operation.items,
            cost: 0.0,
            writing: operation.writing,
            status: None,
            troubles: troubles.clone(),
        });
        (inner.calls.len() - 1, troubles, inner.latency)
    }

    fn act(&self, shop: &str, act: impl FnOnce(&mut dyn Face, &mut World) -> Step) -> Step {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let face = inner.faces.get_mut(shop).expect("the shop has a face");
        act(face.as_mut(), &mut inner.world)
    }

    /// Puts the last touches to an answer: the Date header, and what breaks it on its way.
    fn depart(&self, call: usize, mut answer: Answer, troubles: &[Trouble]) -> Answer {
        let mut inner = self.lock();
        let mut date = inner.world.now;
        for trouble in troubles {
            match trouble {
                Trouble::StatusAfter(status) => answer = plain(*status, "upstream connect error"),
                Trouble::BrokenJson => answer.body.truncate(answer.body.len() / 2),
                Trouble::WrongClock(by) => date = skewed(date, *by),
                _ => {}
            }
        }
        if let Some(call) = inner.calls.get_mut(call) {
            call.status = Some(answer.status.as_u16());
            call.cost = answer.cost;
            call.items = answer.items.unwrap_or(call.items);
        }
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.headers.insert(http::header::DATE, HeaderValue::try_from(date).expect("a date is plain text"));
        answer
    }
}

/// Makes the answers that come before anything is done: the same on every platform, but for what throttles.
fn before_effect(face: &dyn Face, ask: &Ask, troubles: &[Trouble]) -> Option<Answer> {
    troubles.iter().find_map(|trouble| match trouble {
        Trouble::Status(status) => Some(plain(*status, "<html><body><h1>Something went wrong</h1></body></html>")),
        Trouble::HtmlPage => Some(plain(200, "<!DOCTYPE html><html><body>We are back soon.</body></html>")),
        Trouble::TooMany { retry_after } => {
            let mut answer = face.throttled(ask);
            if let Some(seconds) = retry_after {
                answer.headers.insert(http::header::RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Some(answer)
        }
        _ => None,
    })
}

fn plain(status: u16, body: &'static str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let status = StatusCode::from_u16(status).expect("it is a status");
    Answer { status, headers, body: Bytes::from_static(body.as_bytes()), cost: 0.0, items: None }
}

fn skewed(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
