//! One call of a shop's REST API, on whatever way the shop is reached.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::answer::{Notice, code_of, evidence, in_front, is_of_the_shop, is_refused_signature, judge, parse, refused};
use super::sign::{Parameter, Signing, header, query};
use super::way::{Keys, RootDocument, Way, account, address, is_lost, is_unheard, leads_elsewhere, moved, root_in};
use crate::channel::registry::{Doors, Settings};
use crate::channel::{Account, ChannelError, ErrorKind, Repeat, Result, printable};
use crate::net::{Again, Budget, Client, Label, Pace, Reply, Request, Verdict, http::check_url};

/// WooCommerce itself limits nothing; what hosts allow, they say with 429 and 503.
const UNLIMITED: Budget = Budget { most: 1000.0, left: 1000.0, per_second: 1000.0, cost: None };
/// A batch of 100 takes seconds on a good host and ten times as long on a bad one (3.5, 4.2).
const LONGEST: Duration = Duration::from_secs(90);
const FINDING: &str = "finding the shop's API";

/// A call as an adapter wants it, whatever the way to the shop is.
pub(super) struct Call {
    /// In words that follow "while".
    pub operation: &'static str,
    method: Method,
    path: String,
    query: Vec<Parameter>,
    body: Option<String>,
    again: Again,
}

impl Call {
    /// Makes a reading call.
    pub fn read(operation: &'static str, path: impl Into<String>) -> Self {
        let (path, query) = (path.into(), Vec::new());
        Self { operation, method: Method::GET, path, query, body: None, again: Again::Always }
    }

    /// Makes a writing call. POST is let through where PUT and PATCH are blocked (4.1).
    pub fn write(operation: &'static str, path: impl Into<String>, body: &Value, again: Again) -> Self {
        Self { method: Method::POST, body: Some(body.to_string()), again, ..Self::read(operation, path) }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    fn reads(&self) -> bool {
        self.method == Method::GET
    }
}

/// What was noticed on the way, for `doctor`.
#[derive(Clone, Debug, Default)]
pub(super) struct Noticed {
    /// The first words that something printed before an answer.
    pub printed: Option<String>,
    /// Answers begin with a byte order mark.
    pub mark: bool,
    /// A cache answered in place of the shop.
    pub cached: bool,
}

/// The API of one shop.
pub(super) struct Api {
    client: Client,
    /// The shop's address as its owner knows it, and as it is dialled.
    shop: Url,
    dialled: Url,
    settings: Settings,
    keys: OnceCell<(SecretString, SecretString)>,
    way: Mutex<Way>,
    /// Whether the shop has answered on that way.
    proven: AtomicBool,
    /// The shop's address as WordPress itself writes it, which is what signatures are made for.
    home: OnceCell<Url>,
    noticed: Mutex<Noticed>,
}

impl Api {
    /// Makes a line to a shop's API.
    pub fn new(settings: Settings, doors: &Doors) -> Result<Self> {
        let wrong = |why: String| {
            ChannelError::new(ErrorKind::Account, Repeat::Never, FINDING, why)
                .with_next("check `url` in channels.toml: it is the shop's address, with its subfolder if it has one")
        };
        let shop = address(settings.text("url").unwrap_or_default()).map_err(wrong)?;
        let mut dialled = shop.clone();
        if let Some(base) = &settings.base_url {
            dialled = Url::parse(base).map_err(|error| wrong(format!("{}: {error}", printable(base, 100))))?;
            dialled.set_path(shop.path());
        }
        check_url(&dialled, settings.allow_http).map_err(wrong)?;
        let client = Client::new(Arc::clone(&doors.transport), Pace { assumed: UNLIMITED, timeout: LONGEST });
        let way = Mutex::new(Way::usual(&dialled));
        Ok(Self {
            client,
            shop,
            dialled,
            settings,
            keys: OnceCell::new(),
            way,
            proven: AtomicBool::new(false),
            home: OnceCell::new(),
            noticed: Mutex::default(),
        })
    }

    pub fn clock(&self) -> Option<Timestamp> {
        self.client.clock()
    }

    /// Tells whose shop it is, without a call.
    pub fn account(&self) -> Account {
        account(&self.shop)
    }

    /// Returns the way that works, as far as it is known.
    pub fn way(&self) -> Way {
        self.way.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells whether https ends before the shop: the keys go over https, and WordPress does not know.
    pub fn hides_https(&self) -> bool {
        self.dialled.scheme() == "https" && self.way().keys.are_signed()
    }

    pub fn noticed(&self) -> Noticed {
        self.noticed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn notice(&self, note: impl FnOnce(&mut Noticed)) {
        note(&mut self.noticed.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Makes a call and reads its answer, with its headers.
    pub async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<(T, HeaderMap)> {
        let reply = self.exchange(call).await?;
        let value = self.value(&reply, call)?;
        let read = serde_json::from_value(value).map_err(|error| {
            let message = format!("the shop's answer is not as documented: {error}");
            ChannelError::unexpected(call.operation, message).with_evidence(evidence(&reply, None))
        })?;
        Ok((read, reply.headers))
    }

    /// Reads what the API says of itself, without a key.
    pub async fn document(&self) -> Result<RootDocument> {
        let reply = self.bare(self.way().root.document()).await?;
        let call = Call::read(FINDING, "");
        serde_json::from_value(self.value(&reply, &call)?)
            .map_err(|error| ChannelError::unexpected(FINDING, format!("its root document is damaged: {error}")))
    }

    /// Sends a call on the way that is known, and on others as long as none has worked.
    async fn exchange(&self, call: &Call) -> Result<Reply> {
        let mut way = self.way();
        let mut signed_anew = false;
        loop {
            let reply = self.dial(&way, call).await?;
            let proven = self.proven.load(Ordering::Relaxed);
            // A repeat of the net wrapper bears the same nonce, which the shop takes only once.
            if proven && way.keys.are_signed() && !signed_anew && is_refused_signature(&reply) {
                signed_anew = true;
                continue;
            }
            // What may have been done and must not be done twice is not tried on another way.
            let final_word = proven || (call.again == Again::IfNeverSent && reply.status.is_success());
            let next = if final_word { None } else { self.another(&way, &reply).await? };
            if let Some(next) = next {
                way = next;
                continue;
            }
            if proven && (is_lost(&reply) || is_unheard(&reply)) {
                // The host has changed: the next call looks for the way anew.
                self.keep(Way::usual(&self.dialled), false);
            } else if !proven && is_of_the_shop(&reply) {
                self.keep(way, true);
            }
            return Ok(reply);
        }
    }

    fn keep(&self, way: Way, proven: bool) {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = way;
        self.proven.store(proven, Ordering::Relaxed);
    }

    /// Finds another way where this one fails as it does behind some hosts; nothing was done by such a call.
    async fn another(&self, way: &Way, reply: &Reply) -> Result<Option<Way>> {
        if is_unheard(reply) {
            let next = way.keys.next(self.dialled.scheme() == "https");
            return Ok(next.map(|keys| Way { keys, ..way.clone() }));
        }
        let usual = Way::usual(&self.dialled).root;
        if !is_lost(reply) || way.root != usual {
            return Ok(None);
        }
        let page = self.bare(self.dialled.clone()).await?;
        if let Some(to) = leads_elsewhere(&page, &self.dialled) {
            return Err(moved(&to, FINDING));
        }
        let root = root_in(&page.headers, &self.shop, &self.dialled, FINDING)?;
        Ok((root != usual).then(|| Way { root, ..way.clone() }))
    }

    /// Asks for an address without showing a key.
    async fn bare(&self, url: Url) -> Result<Reply> {
        let label = Label { operation: FINDING, cost: 0.0, again: Again::Always };
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let request = Request { method: Method::GET, url, secret_query: None, headers, body: Bytes::new(), label };
        // What comes may be a page for people: it is asked for its headers alone.
        let verdict = |reply: &Reply| match judge(reply, Again::Always) {
            (Verdict::Failed, budget) if reply.status.is_success() => (Verdict::Answer, budget),
            judged => judged,
        };
        self.client.call(request, verdict).await.map_err(|error| ChannelError::unanswered(&error, FINDING))
    }

    async fn dial(&self, way: &Way, call: &Call) -> Result<Reply> {
        if way.keys.are_signed() && self.home.get().is_none() {
            let reply = self.bare(way.root.document()).await?;
            let document = parse(&reply.body).and_then(|(value, _)| serde_json::from_value::<RootDocument>(value).ok());
            match document.and_then(|document| Url::parse(&document.home).ok()) {
                Some(home) => drop(self.home.set(home)),
                None => return Ok(reply),
            }
        }
        let request = self.request(way, call).await?;
        let again = call.again;
        let judge = move |reply: &Reply| judge(reply, again);
        self.client.call(request, judge).await.map_err(|error| ChannelError::unanswered(&error, call.operation))
    }

    /// Returns the keys, fetched once: a command that tells them may take its time.
    async fn keys(&self) -> Result<&(SecretString, SecretString)> {
        let fetch = || async {
            let key = self.settings.secret("consumer_key").await?;
            Ok((key, self.settings.secret("consumer_secret").await?))
        };
        self.keys.get_or_try_init(fetch).await
    }

    async fn request(&self, way: &Way, call: &Call) -> Result<Request> {
        let (key, secret) = self.keys().await?;
        let (mut url, route) = way.root.route(&call.path);
        let plain = query(&call.query);
        let whole = match (&route, plain.is_empty()) {
            (Some(route), true) => format!("rest_route={route}"),
            (Some(route), false) => format!("rest_route={route}&{plain}"),
            (None, _) => plain,
        };
        url.set_query(Some(whole.as_str()).filter(|whole| !whole.is_empty()));
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut secret_query = None;
        match way.keys {
            Keys::Basic => {
                let pair = STANDARD.encode(format!("{}:{}", key.expose_secret(), secret.expose_secret()));
                headers.insert(AUTHORIZATION, sensitive(&format!("Basic {pair}"), call.operation)?);
            }
            Keys::InAddress => {
                let pair = [("consumer_key", key), ("consumer_secret", secret)]
                    .map(|(name, value)| (name.to_owned(), value.expose_secret().to_owned()));
                secret_query = Some(SecretString::from(query(&pair)));
            }
            Keys::Signed | Keys::SignedInAddress => {
                let mut signed: Vec<Parameter> = call.query.clone();
                signed.extend(route.map(|route| ("rest_route".to_owned(), route)));
                let parameters = self.signature(call, &url, &signed, key, secret)?;
                if way.keys == Keys::Signed {
                    headers.insert(AUTHORIZATION, sensitive(&header(&parameters), call.operation)?);
                } else {
                    secret_query = Some(SecretString::from(query(&parameters)));
                }
            }
        }
        let label = Label { operation: call.operation, cost: 0.0, again: call.again };
        let body = Bytes::from(call.body.clone().unwrap_or_default());
        Ok(Request { method: call.method.clone(), url, secret_query, headers, body, label })
    }

    /// Signs a call for the address that WordPress gives itself, with the scheme that it sees: where it saw https, it
    /// would have looked at the keys themselves (2.4).
    fn signature(
        &self,
        call: &Call,
        url: &Url,
        signed: &[Parameter],
        key: &SecretString,
        secret: &SecretString,
    ) -> Result<Vec<Parameter>> {
        let home = self.home.get().unwrap_or(&self.shop);
        let host = home.host_str().unwrap_or_default();
        let port = home.port().map(|port| format!(":{port}")).unwrap_or_default();
        let below = url.path().strip_prefix(self.dialled.path()).unwrap_or_default();
        let base = format!("http://{host}{port}{}/{below}", home.path().trim_end_matches('/'));
        let now = self.clock().ok_or_else(|| {
            ChannelError::unexpected(call.operation, "the shop's answers carry no Date, and signing needs its time")
        })?;
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let signing = Signing {
            method: call.method.as_str(),
            url: &base,
            query: signed,
            key: key.expose_secret(),
            nonce: &nonce,
            timestamp: now.as_second(),
        };
        Ok(signing.sign(secret))
    }

    /// Takes the JSON out of an answer, or says why there is none.
    fn value(&self, reply: &Reply, call: &Call) -> Result<Value> {
        let read = parse(&reply.body);
        if !reply.status.is_success() {
            return Err(self.refused(reply, read.map(|(answer, _)| answer).as_ref(), call));
        }
        let Some((answer, notice)) = read else { return Err(in_front(reply, call.operation)) };
        let cached = ["x-wc-cache", "x-cache", "cf-cache-status"];
        let hit = |name: &&str| reply.headers.get(*name).is_some_and(|value| value.as_bytes().starts_with(b"HIT"));
        self.notice(|noticed| noticed.cached |= call.reads() && cached.iter().any(hit));
        match notice {
            Notice::None => {}
            Notice::Mark => self.notice(|noticed| noticed.mark = true),
            Notice::Words(words) => {
                self.notice(|noticed| noticed.printed = Some(words.clone()));
                if !call.reads() {
                    let message = "something printed words before the answer, so what was done is looked up";
                    let error = ChannelError::unexpected(call.operation, message);
                    return Err(error.with_evidence(evidence(reply, Some(&words))));
                }
            }
        }
        // An object with a code is an error, whatever the status (2.4).
        if code_of(&answer).is_some() && answer["message"].is_string() {
            return Err(self.refused(reply, Some(&answer), call));
        }
        Ok(answer)
    }

    fn refused(&self, reply: &Reply, answer: Option<&Value>, call: &Call) -> ChannelError {
        let keys_are_good = self.proven.load(Ordering::Relaxed);
        refused(reply, answer, call.operation, keys_are_good && !call.reads())
    }
}

fn sensitive(text: &str, operation: &'static str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        ChannelError::new(ErrorKind::Credentials, Repeat::Never, operation, "the keys are no keys")
            .with_next("copy consumer_key and consumer_secret again: they have no blanks and no line ends")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
