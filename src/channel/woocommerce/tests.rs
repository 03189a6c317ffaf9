//! Answers as shops give them, and as they should not; each failure with the words that its owner reads.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::wire::{Key as ListingOf, Product};
use super::*;
use crate::channel::registry::{Keeper, SecretSource, Token, Value};
use crate::domain::{ChannelName, Delta, Found, Level, ListingState, Quantity, Role, Shown};
use crate::net::{NetError, Reply, Request, Transport};

#[derive(Debug)]
struct Fixed(&'static str);

#[async_trait]
impl SecretSource for Fixed {
    async fn fetch(&self) -> std::result::Result<SecretString, String> {
        Ok(SecretString::from(self.0))
    }
}

struct Forgetful;

#[async_trait]
impl Keeper for Forgetful {
    async fn load(&self, _: &ChannelName) -> std::result::Result<Option<Token>, String> {
        Ok(None)
    }

    async fn keep(&self, _: &ChannelName, _: &Token) -> std::result::Result<(), String> {
        Ok(())
    }
}

/// Plays back answers, the last one again and again, and remembers what was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<Request>>,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> std::result::Result<Reply, NetError> {
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let (status, body) = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(http::header::DATE, "Mon, 23 Nov 2026 06:00:00 GMT".parse().unwrap());
        Ok(Reply { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::from(body) })
    }
}

fn shop(url: &str, answers: &[(u16, &str)]) -> (WooCommerce, Arc<Script>) {
    let script = Arc::new(Script::default());
    script.answers.lock().unwrap().extend(answers.iter().map(|(status, body)| (*status, (*body).to_owned())));
    let values = BTreeMap::from([
        ("url", Value::Text(url.to_owned())),
        ("consumer_key", Value::Secret(Arc::new(Fixed("ck_1")))),
        ("consumer_secret", Value::Secret(Arc::new(Fixed("cs_1")))),
    ]);
    let name = ChannelName::new("web").unwrap();
    let settings = Settings { name, role: Role::Target, base_url: None, allow_http: true, fees: false, values };
    let doors = Doors { transport: script.clone(), keeper: Arc::new(Forgetful) };
    (WooCommerce::new(settings, &doors).unwrap(), script)
}

fn product(fields: Json) -> Product {
    serde_json::from_value(fields).unwrap()
}

// proves P5: a number that is absent, unreadable or of the wrong type is no number, and no number is 0.
#[test]
fn a_number_that_is_none_is_no_number() {
    let level = |quantity: Json| product(json!({ "id": 1, "manage_stock": true, "stock_quantity": quantity })).level();
    assert_eq!(level(json!(6)), Some(Level(6)));
    assert_eq!(level(json!(-3)), Some(Level(-3)));
    assert_eq!(level(json!(2.5)), Some(Level(2)));
    assert_eq!(level(json!(-0.5)), Some(Level(-1)));
    assert_eq!(level(json!("7")), Some(Level(7)));
    for none in [json!(null), json!("many"), json!([3]), json!(true), json!({}), json!(1e300), json!("NaN"), json!("")]
    {
        assert_eq!(level(none.clone()), None, "{none}");
    }
    assert_eq!(product(json!({ "id": 1, "manage_stock": true })).found(), Found::NoNumber);
    assert_eq!(product(json!({ "id": 1, "manage_stock": "parent", "stock_quantity": 4 })).found(), Found::NoNumber);
}

#[test]
fn a_listing_is_the_holder_of_a_number() {
    let parent = product(json!({ "id": 810, "name": "Tee", "sku": "TEE", "type": "variable", "status": "publish",
        "manage_stock": true, "stock_quantity": 9, "backorders": "notify", "tags": [{ "name": "summer" }] }));
    let variation = |manage: Json, sku: &str, status: &str| {
        let fields = json!({ "id": 812, "parent_id": 810, "sku": sku, "type": "variation", "status": status,
            "manage_stock": manage, "stock_quantity": 14, "price": "12.5", "attributes": [{ "name": "Size", "option": "S" }] });
        product(fields).variation(&parent, "testing").unwrap()
    };
    let own = variation(json!(true), "TEE-S", "publish");
    assert_eq!((own.key.as_str(), own.level, own.title()), ("810/812", Some(Level(14)), "Tee - S"));
    assert_eq!((own.tags.as_slice(), own.oversells), (["summer".to_owned()].as_slice(), false));
    let shared = variation(json!("parent"), "TEE-S", "publish");
    assert_eq!((shared.key.as_str(), shared.level, shared.oversells), ("810", Some(Level(9)), true));
    assert_eq!(
        variation(json!("parent"), "TEE", "publish").title(),
        "Tee",
        "without a SKU of their own all are one good"
    );
    assert_eq!(variation(json!(true), "TEE-S", "private").state, ListingState::Off("private".to_owned()));
    assert!(!variation(json!(false), "TEE-S", "publish").managed);
}

#[test]
fn what_takes_no_quantity_says_why() {
    let unfit = |kind: &str, is_virtual: bool| {
        let fields = json!({ "id": 1, "name": "X", "type": kind, "virtual": is_virtual, "manage_stock": false });
        product(fields).listing("testing").unwrap().unfit
    };
    for (kind, is_virtual) in [("variable", false), ("grouped", false), ("external", false), ("simple", true)] {
        assert!(unfit(kind, is_virtual).is_some(), "{kind}");
    }
    assert_eq!(unfit("simple", false), None, "it only has to be counted");
    let error = product(json!({ "id": 7, "type": "simple" })).listing("testing").unwrap_err();
    assert!(error.message.contains("product 7 comes without manage_stock"), "{error}");
}

#[test]
fn odd_skus_stay_as_they_are() {
    for sku in ["A,B", "MUG \"RED\"", "Tasse Größe 5", "00012", "a & b/c"] {
        let fields = json!({ "id": 1, "name": "X", "type": "simple", "sku": sku, "manage_stock": true });
        assert_eq!(product(fields).listing("testing").unwrap().skus().next().unwrap().as_str(), sku);
    }
    let number = json!({ "id": 1, "name": "X", "type": "simple", "sku": 12, "manage_stock": true });
    assert_eq!(product(number).listing("testing").unwrap().skus().next().unwrap().as_str(), "12");
}

#[test]
fn a_key_says_where_the_number_is() {
    let parse = |text: &str| ListingOf::parse(&ListingKey::new(text));
    assert_eq!(parse("733"), Some(ListingOf::Product(733)));
    assert_eq!(parse("810/812"), Some(ListingOf::Variation { parent: 810, id: 812 }));
    for wrong in ["", "x", "810/", "/812", "810/812/1", "-1"] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}

// Each failure with its kind, whether trying again helps, and the words that the owner sees.
#[tokio::test(start_paused = true)]
async fn failures_are_told_in_words() {
    let mut told = Vec::new();
    for (status, body) in [
        (
            401,
            r#"{"code":"woocommerce_rest_cannot_view","message":"Sorry, you cannot list resources.","data":{"status":401}}"#,
        ),
        (401, r#"{"code":"woocommerce_rest_authentication_error","message":"Consumer secret is invalid."}"#),
        (401, "<html>Authorization Required</html>"),
        (403, r#"{"code":"woocommerce_rest_cannot_view","message":"Sorry"}"#),
        (403, "<html><title>Blocked by firewall</title></html>"),
        (404, r#"{"code":"rest_no_route","message":"No route was found matching the URL"}"#),
        (404, "<html>Not found</html>"),
        (301, ""),
        (400, r#"{"code":"rest_invalid_param","message":"Invalid parameter(s): per_page \u001b[2J"}"#),
        (413, "<html>Request Entity Too Large</html>"),
        (414, "<html>URI Too Long</html>"),
        (429, "<html>Too many</html>"),
        (500, r#"{"code":"internal_server_error","message":"<p>There has been a critical error.</p>"}"#),
        (502, "<html>Bad gateway</html>"),
        (503, r#"{"code":"wp_die","message":"Briefly unavailable for scheduled maintenance."}"#),
        (200, "<!DOCTYPE html><html><body>Checking your browser</body></html>"),
        (200, ""),
        (200, r#"{"code":"woocommerce_rest_cannot_view","message":"with a good status"}"#),
        (200, r#"[{"id":"seven"}]"#),
        (200, r#"[{"id":7,"type":"simple"}]"#),
    ] {
        let (shop, _) = shop("https://example.org", &[(status, body)]);
        let error = shop.listings(None).await.unwrap_err();
        let next = error.next.as_deref().unwrap_or("-");
        told.push(format!("{:?} {:?}: {error}\n    next: {next}", error.kind, error.repeat));
    }
    insta::assert_snapshot!(told.join("\n"));
}

// A notice before the JSON of a read is read over and named; before that of a write nobody knows what was done.
#[tokio::test(start_paused = true)]
async fn words_before_an_answer_spoil_writes_alone() {
    let update = |key: &str| Update {
        key: ListingKey::new(key),
        quantity: Quantity::at_least_zero(5),
        shown: Shown::Unknown,
        places: Vec::new(),
    };
    let one = r#"{"id":733,"type":"simple","name":"Mug","manage_stock":true,"stock_quantity":5}"#;
    for (before, outcome) in [("\u{feff}", true), ("<b>Warning</b>: Array [0] in x.php ", false)] {
        let (web, _) = shop("https://example.org", &[(200, &format!("{before}[{one}]"))]);
        assert_eq!(web.listings(None).await.unwrap().items[0].level, Some(Level(5)));
        let noticed = web.api.noticed();
        assert_eq!((noticed.mark, noticed.printed.is_some()), (outcome, !outcome));
        let (web, _) = shop("https://example.org", &[(200, &format!("{before}{{\"update\":[{one}]}}"))]);
        match web.set(&[update("733")], "k").await {
            Ok(outcomes) => assert!(outcome && matches!(outcomes[0], Outcome::Done { echo: Some(Level(5)) })),
            Err(error) => assert!(!outcome && error.may_have_landed(), "{error}"),
        }
    }
}

// Variations of many products go in one call (4.3). A shop that would look at the product in the address alone refuses the
// others; they go again alone, and from then on each product has a call of its own.
#[tokio::test(start_paused = true)]
async fn a_shop_that_takes_one_product_at_a_time_is_found_out() {
    let update = |key: &str| Update {
        key: ListingKey::new(key),
        quantity: Quantity::at_least_zero(5),
        shown: Shown::Unknown,
        places: Vec::new(),
    };
    let taken = |id: u64| json!({ "id": id, "manage_stock": true, "stock_quantity": 5 });
    let refused = |id: u64| json!({ "id": id, "error": { "code": "woocommerce_rest_product_variation_invalid_id", "message": "" } });
    let answer = |items: Json| (200, json!({ "update": items }).to_string());
    let script = [
        answer(json!([taken(11), refused(21), refused(31)])),
        answer(json!([taken(21)])),
        answer(json!([refused(31)])),
        answer(json!([taken(11)])),
        answer(json!([taken(21)])),
    ];
    let script: Vec<(u16, &str)> = script.iter().map(|(status, body)| (*status, body.as_str())).collect();
    let (web, asked) = shop("https://example.org", &script);
    let outcomes = web.set(&[update("1/11"), update("2/21"), update("3/31")], "k").await.unwrap();
    assert!(matches!(outcomes[..], [Outcome::Done { .. }, Outcome::Done { .. }, Outcome::Gone]), "{outcomes:?}");
    web.set(&[update("1/11"), update("2/21")], "k").await.unwrap();
    let asked = asked.asked.lock().unwrap();
    let parents: Vec<&str> = asked.iter().map(|request| request.url.path().split('/').nth(5).unwrap()).collect();
    assert_eq!(parents, ["1", "2", "3", "1", "2"]);
    let first: Json = serde_json::from_slice(&asked[0].body).unwrap();
    let own: Vec<&Json> = first["update"].as_array().unwrap().iter().map(|item| &item["product_id"]).collect();
    assert_eq!(own, [1, 2, 3], "each item bears its true parent");
}

// proves P5: an answer to another question proves nothing gone.
#[tokio::test(start_paused = true)]
async fn an_answer_to_another_question_is_an_error() {
    let other = r#"[{"id":7,"type":"simple","manage_stock":true,"stock_quantity":1}]"#;
    let (web, _) = shop("https://example.org", &[(200, other)]);
    let error = web.levels(&[ListingKey::new("8")]).await.unwrap_err();
    assert!(error.message.contains("another product than was asked for: 7"), "{error}");
    let (web, _) = shop("https://example.org", &[(200, "[]")]);
    assert_eq!(web.levels(&[ListingKey::new("8")]).await.unwrap()[0].found, Found::Gone);
}

// A batch answers 200 whatever became of its items: each is judged by what it echoes (1.4).
#[tokio::test(start_paused = true)]
async fn each_item_is_judged_by_what_it_echoes() {
    let keys = ["1", "2", "3", "4", "5", "nonsense"];
    let batch: Vec<Update> = keys
        .iter()
        .map(|key| Update {
            key: ListingKey::new(key),
            quantity: Quantity::at_least_zero(5),
            shown: Shown::Unknown,
            places: Vec::new(),
        })
        .collect();
    let body = json!({ "update": [
        { "id": 1, "manage_stock": true, "stock_quantity": 5 },
        { "id": 2, "manage_stock": false, "stock_quantity": null },
        { "id": 3, "error": { "code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID." } },
        { "id": 4, "error": { "code": "rest_something_new", "message": "Nein" } },
    ] });
    let (web, script) = shop("https://example.org/sub/", &[(200, &body.to_string())]);
    let outcomes = web.set(&batch, "k").await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Done { echo: Some(Level(5)) }), "{:?}", outcomes[0]);
    assert!(matches!(&outcomes[1], Outcome::Refused(error) if error.message.contains("does not count")));
    assert!(matches!(outcomes[2], Outcome::Gone));
    assert!(matches!(&outcomes[3], Outcome::Refused(error) if error.message.contains("Nein")));
    assert!(matches!(outcomes[4], Outcome::Unknown(_)), "an answer that leaves it out says nothing");
    assert!(matches!(outcomes[5], Outcome::Gone));
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0].url.as_str(), "https://example.org/sub/wp-json/wc/v3/products/batch");
    assert!(asked[0].headers["authorization"].is_sensitive() && !format!("{:?}", asked[0]).contains("ck_1"));
}

// proves X4: what is stored finds its mark again, and a mark without a change is in doubt.
#[tokio::test(start_paused = true)]
async fn a_deduction_is_found_by_its_mark() {
    let batch: Vec<Adjustment> = [("1", 10), ("2", 10), ("3", 10), ("4", 10)]
        .map(|(key, before)| Adjustment {
            key: ListingKey::new(key),
            delta: Delta(-2),
            before: Level(before),
            counter: None,
            places: Vec::new(),
            hide: false,
        })
        .to_vec();
    let mark = |nth: usize| json!([{ "id": 9, "key": "_eys_op", "value": format!("key-7:{nth}") }]);
    let found = json!([
        { "id": 1, "type": "simple", "manage_stock": true, "stock_quantity": 8, "meta_data": mark(0) },
        { "id": 2, "type": "simple", "manage_stock": true, "stock_quantity": 10, "meta_data": mark(1) },
        { "id": 3, "type": "simple", "manage_stock": true, "stock_quantity": 8, "meta_data": mark(7) },
    ]);
    let (web, script) = shop("https://example.org", &[(200, &found.to_string())]);
    let call = web.prepare(&batch, "key-7").await.unwrap();
    assert!(call.body.contains("key-7:3"), "{}", call.body);
    let outcomes = web.adjust(&call, Attempt::Again).await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Done { echo: Some(Level(8)) }));
    assert!(matches!(outcomes[1], Outcome::Doubtful { seen: Level(10) }));
    assert!(matches!(outcomes[2], Outcome::Absent), "the mark is of another deduction");
    assert!(matches!(outcomes[3], Outcome::Gone));
    assert!(script.asked.lock().unwrap().iter().all(|request| request.method == http::Method::GET));
}

// proves X4, P5: an answer without its marks, or with one that cannot be read, does not say that nothing was done.
#[tokio::test(start_paused = true)]
async fn marks_that_cannot_be_read_prove_nothing() {
    let batch = [Adjustment {
        key: ListingKey::new("1"),
        delta: Delta(-2),
        before: Level(10),
        counter: None,
        places: Vec::new(),
        hide: false,
    }];
    let product = json!({ "id": 1, "type": "simple", "manage_stock": true, "stock_quantity": 8 });
    for marks in [
        None,
        Some(json!(null)),
        Some(json!([{ "key": "_eys_op", "value": null }])),
        Some(json!([{ "key": "_eys_op" }])),
    ] {
        let mut product = product.clone();
        if let Some(marks) = &marks {
            product["meta_data"] = marks.clone();
        }
        let (web, _) = shop("https://example.org", &[(200, &json!([product]).to_string())]);
        let call = web.prepare(&batch, "key-7").await.unwrap();
        let outcomes = web.adjust(&call, Attempt::Again).await.unwrap();
        assert!(matches!(outcomes[0], Outcome::Unknown(_)), "{marks:?}: {outcomes:?}");
    }
}

// proves P5: a variation that does not say whose it is, is not left out of a list that then looks complete, nor taken
// for a product.
#[tokio::test(start_paused = true)]
async fn a_variation_without_its_product_is_an_error_that_names_it() {
    let stamp = "2026-11-23T06:00:00";
    let parent =
        json!([{ "id": 810, "type": "variable", "manage_stock": false, "date_modified_gmt": stamp }]).to_string();
    let child = json!([{ "id": 812, "type": "variation", "manage_stock": true, "stock_quantity": 4, "date_modified_gmt": stamp }]);
    let answers = [(200, parent.as_str()), (200, &child.to_string())];
    let (web, _) = shop("https://example.org", &answers);
    let next = web.listings(None).await.unwrap().next;
    let error = web.listings(next).await.unwrap_err();
    assert!(error.message.contains("product 812 comes without parent_id"), "{error}");
    let (web, _) = shop("https://example.org", &answers);
    let next = web.changed(Timestamp::UNIX_EPOCH, None).await.unwrap().next;
    let error = web.changed(Timestamp::UNIX_EPOCH, next).await.unwrap_err();
    assert!(error.message.contains("product 812 comes without parent_id"), "{error}");
}

// proves X8, P5: without its status nobody knows what a listing was, and to what it would be brought back.
#[tokio::test(start_paused = true)]
async fn what_does_not_tell_its_status_is_not_remembered() {
    let (web, _) = shop("https://example.org", &[(200, r#"[{"id":1,"type":"simple"}]"#)]);
    let error = web.standing(&ListingKey::new("1")).await.unwrap_err();
    assert!(error.message.contains("product 1 comes without status"), "{error}");
}

// proves X1: an answer that is lost is not asked for a second time.
#[tokio::test(start_paused = true)]
async fn a_deduction_is_sent_once() {
    let batch = [Adjustment {
        key: ListingKey::new("810/812"),
        delta: Delta(-2),
        before: Level(10),
        counter: None,
        places: Vec::new(),
        hide: false,
    }];
    let (web, script) = shop("https://example.org", &[(502, "<html>")]);
    let call = web.prepare(&batch, "key-7").await.unwrap();
    assert!(matches!(web.adjust(&call, Attempt::First).await.unwrap()[0], Outcome::Unknown(_)));
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    let body: Json = serde_json::from_slice(&asked[0].body).unwrap();
    let mark = json!([{ "key": "_eys_op", "value": "key-7:0" }]);
    let item = json!({ "id": 812, "product_id": 810, "inventory_delta": -2, "meta_data": mark });
    assert_eq!(body, json!({ "update": [item] }));
    assert_eq!(asked[0].url.path(), "/wp-json/wc/v3/products/810/variations/batch");
}

// The zone trap (1.1): the moment goes out without a suffix and with the word that it is in UTC.
#[tokio::test(start_paused = true)]
async fn changes_are_asked_for_in_the_one_form_that_every_time_zone_understands() {
    let (web, script) = shop("https://example.org", &[(200, "[]")]);
    let since = "2026-11-23T15:50:01+09:00".parse().unwrap();
    web.orders(&OrderWindow::ChangedSince(since), None).await.unwrap();
    web.changed(since, None).await.unwrap();
    for request in script.asked.lock().unwrap().iter() {
        let query = request.url.query().unwrap();
        assert!(query.contains("modified_after=2026-11-23T06%3A50%3A00&dates_are_gmt=true"), "{query}");
    }
}

// Over plain http the shop looks at signatures alone; no key leaves this machine.
#[tokio::test(start_paused = true)]
async fn plain_http_is_signed() {
    let root = r#"{"name":"Shop","home":"http://example.org","namespaces":["wc/v3"]}"#;
    let (web, script) = shop("http://example.org", &[(200, root), (200, "[]")]);
    web.orders(&OrderWindow::Unfinished, None).await.unwrap();
    let asked = script.asked.lock().unwrap();
    assert!(asked[0].headers.get("authorization").is_none(), "the first only asks for the time");
    let signed = asked[1].headers["authorization"].to_str().unwrap();
    assert!(
        signed.starts_with("OAuth ") && signed.contains("oauth_signature=") && !signed.contains("cs_1"),
        "{signed}"
    );
    assert!(signed.contains("oauth_timestamp=\"1795413600\""), "{signed}");
}
