//! Answers as Etsy gives them, and as it should not; the examples are those of its facts.

mod account;
mod listings;
mod orders;
mod schema;
mod whole;
mod writes;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use super::*;
use crate::channel::registry::{Keeper, SecretSource, Token, Value};
use crate::domain::{Level, Quantity, Role, Shown};
use crate::net::{NetError, Reply, Request, Transport};

#[derive(Debug)]
struct Fixed(&'static str);

#[async_trait]
impl SecretSource for Fixed {
    async fn fetch(&self) -> std::result::Result<SecretString, String> {
        Ok(SecretString::from(self.0))
    }
}

/// Keeps a token in memory, and fails to as often as it is told.
#[derive(Default)]
struct Kept {
    token: Mutex<Option<Token>>,
    failures: Mutex<u32>,
}

impl Kept {
    fn refresh(&self) -> Option<String> {
        let token = self.token.lock().unwrap();
        token.as_ref().and_then(|token| token.refresh.as_ref()).map(|refresh| refresh.expose_secret().to_owned())
    }
}

#[async_trait]
impl Keeper for Kept {
    async fn load(&self, _: &ChannelName) -> std::result::Result<Option<Token>, String> {
        Ok(self.token.lock().unwrap().clone())
    }

    async fn keep(&self, _: &ChannelName, token: &Token) -> std::result::Result<(), String> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err("the disk is full".to_owned());
        }
        *self.token.lock().unwrap() = Some(token.clone());
        Ok(())
    }
}

fn token(access: &str, refresh: &str) -> Token {
    let secret = |text: &str| SecretString::from(text.to_owned());
    let (access, refresh) = (secret(access), Some(secret(refresh)));
    Token { access, refresh, until: None, ends: None, by: None, scopes: Vec::new() }
}

/// Plays back answers, the last one again and again, and remembers what was asked. Whose shop it is, it always knows.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<Request>>,
    /// The minute past seven.
    minute: Mutex<u8>,
}

impl Script {
    fn add(&self, status: u16, body: &str) {
        self.answers.lock().unwrap().push_back((status, body.to_owned()));
    }

    /// Tells what was asked, in short: the method and what follows the root.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(short).collect()
    }

    fn body(&self, nth: usize) -> String {
        String::from_utf8(self.asked.lock().unwrap()[nth].body.to_vec()).unwrap()
    }

    fn json(&self, nth: usize) -> Json {
        serde_json::from_str(&self.body(nth)).unwrap()
    }
}

fn short(request: &Request) -> String {
    let path = request.url.path();
    let path = path.strip_prefix("/v3/application/").unwrap_or(path);
    let query = request.url.query().map_or_else(String::new, |query| format!("?{query}"));
    format!("{} {path}{query}", request.method)
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> std::result::Result<Reply, NetError> {
        schema::check(&request);
        let is_me = request.url.path().ends_with("/users/me");
        if !is_me {
            self.asked.lock().unwrap().push(request);
        }
        let (status, body) = if is_me {
            (200, r#"{"user_id":12345678,"shop_id":55500001}"#.to_owned())
        } else {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap()
        };
        if status == 0 {
            return Err(NetError::Lost { host: "openapi.etsy.com".to_owned(), why: "reset".to_owned() });
        }
        let date = format!("Mon, 23 Nov 2026 07:{:02}:00 GMT", self.minute.lock().unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(http::header::DATE, date.parse().unwrap());
        headers.insert("x-etsy-request-uuid", "req-1".parse().unwrap());
        headers.insert("x-limit-per-day", "5000".parse().unwrap());
        headers.insert("x-remaining-today", "4990".parse().unwrap());
        Ok(Reply { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::from(body) })
    }
}

fn settings() -> Settings {
    let values = BTreeMap::from([
        ("client_id", Value::Text("keystring1".to_owned())),
        ("client_secret", Value::Secret(Arc::new(Fixed("shared-secret-1")))),
    ]);
    let name = ChannelName::new("etsy").unwrap();
    Settings { name, role: Role::Target, base_url: None, allow_http: false, fees: false, values }
}

fn etsy_with<S: AsRef<str>>(settings: Settings, answers: &[(u16, S)]) -> (Etsy, Arc<Script>) {
    let script = Arc::new(Script::default());
    for (status, body) in answers {
        script.add(*status, body.as_ref());
    }
    let kept = Kept {
        token: Mutex::new(Some(token("12345678.access-secret-1", "12345678.refresh-secret-1"))),
        ..Kept::default()
    };
    (Etsy::new(settings, Doors { transport: script.clone(), keeper: Arc::new(kept) }).unwrap(), script)
}

fn etsy<S: AsRef<str>>(answers: &[(u16, S)]) -> (Etsy, Arc<Script>) {
    etsy_with(settings(), answers)
}

fn update(key: &str, units: i64) -> Update {
    let quantity = Quantity::at_least_zero(units);
    Update { key: ListingKey::new(key), quantity, shown: Shown::Unknown, places: Vec::new() }
}

/// A product, with the size that it is.
fn product(sku: &str, size: Option<(i64, &str)>, units: i64) -> Json {
    let value = size.map(|(id, name)| {
        json!({ "property_id": 100, "property_name": "Size", "scale_id": 327, "scale_name": "Letter",
            "value_ids": [id], "values": [name] })
    });
    json!({ "product_id": 9001, "sku": sku, "is_deleted": false, "property_values": Vec::from_iter(value),
        "offerings": [{ "offering_id": 8001, "quantity": units, "is_enabled": true, "is_deleted": false,
            "price": { "amount": 1950, "divisor": 100, "currency_code": "EUR" }, "readiness_state_id": 700_001 }] })
}

/// An inventory, whose quantity varies by these properties.
fn inventory(products: &[Json], varies_by: &[i64]) -> Json {
    json!({ "products": products, "price_on_property": [], "quantity_on_property": varies_by,
        "sku_on_property": varies_by, "readiness_state_on_property": [] })
}

fn tees(small: i64, medium: i64) -> Json {
    inventory(&[product("TEE-S", Some((5001, "S")), small), product("TEE-M", Some((5002, "M")), medium)], &[100])
}

fn mug(units: i64) -> Json {
    inventory(&[product("MUG-BLUE", None, units)], &[])
}

/// A listing, as it stands in lists.
fn listing(id: i64, state: &str, inventory: impl Into<Json>) -> Json {
    let inventory: Json = inventory.into();
    json!({ "listing_id": id, "shop_id": 55_500_001, "title": format!("Listing {id}"), "state": state,
        "listing_type": "physical", "ending_timestamp": 1_800_000_000, "tags": ["gift"], "skus": [], "inventory": inventory })
}

/// What reading one listing with what it holds answers.
fn with_listing(mut inventory: Json, id: i64, state: &str) -> String {
    inventory["listing"] = listing(id, state, Json::Null);
    inventory.to_string()
}

fn list(listings: &[Json]) -> String {
    json!({ "count": listings.len(), "results": listings }).to_string()
}

const EMPTY: &str = r#"{"count":0,"results":[]}"#;
const NOT_THERE: &str = r#"{"error":"Resource not found"}"#;
