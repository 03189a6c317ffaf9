//! The simulated Etsy lets in and keeps out as the sheet of facts says, and counts as it does. Numbers in comments are the
//! sheet's sections.

use std::collections::BTreeMap;
use std::time::Duration;

use eys::channel::registry::kind;
use eys::domain::Role;
use eys::net::Transport;
use http::Method;
use serde_json::{Value, json};

use crate::ebay_line::{json as read, request};
use crate::etsy_line::{HOST, Said, ask, face, form, get, inventory, path, put, reply, send, shop, with_units, words};
use crate::shops::Shops;
use crate::sim::etsy::{CALLBACK, EtsySpec, SCOPES, challenge_of};
use crate::sim::{Market, Rule, ShopHandle, Trouble, Work};

/// Long enough, and none that anybody guesses.
const VERIFIER: &str = "0123456789-0123456789-0123456789-0123456789";

/// Asks the token endpoint; returns status and answer.
async fn token(shop: &ShopHandle, fields: &[(&str, &str)]) -> (u16, Value) {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let address = "https://api.etsy.com/v3/public/oauth/token";
    let reply = shop.market().send(request(&Method::POST, address, &form(fields), &headers)).await.unwrap();
    (reply.status.as_u16(), read(&reply))
}

fn refresh_token(shop: &ShopHandle) -> String {
    face(shop, |face| face.refresh.clone()).map_or(String::new(), |(token, _)| token)
}

async fn renew(shop: &ShopHandle, refresh: &str) -> (u16, Value) {
    let client = face(shop, |face| face.keystring.clone());
    token(shop, &[("grant_type", "refresh_token"), ("client_id", &client), ("refresh_token", refresh)]).await
}

#[tokio::test(start_paused = true)]
async fn the_key_comes_with_its_secret() {
    // 0, 1, 9
    let (market, shop) = shop();
    let (keystring, whole) = face(&shop, |face| (face.keystring.clone(), face.api_key()));
    let ping = async |key: &str| {
        market.advance(Duration::from_secs(1));
        let reply = send(&market, &Method::GET, "/openapi-ping", Said::Nothing, key, "").await;
        (reply.status.as_u16(), read(&reply)["error"].clone())
    };
    assert_eq!(ping(&whole).await, (200, Value::Null));
    let words = "Shared secret is required in x-api-key header.";
    assert_eq!(ping(&keystring).await, (403, json!(words)));
    assert_eq!(ping("").await.0, 403);
    assert_eq!(ping("somebody:else").await.0, 403);
    // A wrong key comes before a wrong token.
    let reply = send(&market, &Method::GET, "/users/me", Said::Nothing, &keystring, "1.x").await;
    assert_eq!(reply.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_good_once() {
    // 1
    let (market, shop) = shop();
    let first = refresh_token(&shop);
    let (status, answer) = renew(&shop, &first).await;
    assert_eq!((status, &answer["expires_in"], &answer["token_type"]), (200, &json!(3600), &json!("Bearer")));
    let second = answer["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let (status, again) = renew(&shop, &first).await;
    assert_eq!((status, &again["error"]), (400, &json!("invalid_grant")));
    // What the answer told is good all the same, and its number before the dot is the seller's.
    let access = answer["access_token"].as_str().unwrap();
    let key = face(&shop, |face| face.api_key());
    let me = send(&market, &Method::GET, "/users/me", Said::Nothing, &key, access).await;
    assert_eq!(read(&me)["user_id"].to_string(), access.split('.').next().unwrap());
    market.advance(Duration::from_hours(1));
    let late = send(&market, &Method::GET, "/users/me", Said::Nothing, &key, access).await;
    assert_eq!((late.status.as_u16(), &read(&late)["error"]), (401, &json!("invalid_token")));
    // An answer that is lost takes the new token with it.
    market.trouble(Rule::once(Trouble::LostAfter));
    let client = face(&shop, |face| face.keystring.clone());
    let body = form(&[("grant_type", "refresh_token"), ("client_id", &client), ("refresh_token", &second)]);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let lost = market.send(request(&Method::POST, &format!("{HOST}/v3/public/oauth/token"), &body, &headers)).await;
    assert!(lost.is_err());
    assert_eq!(renew(&shop, &second).await.1["error"], "invalid_grant");
    // Ninety days, and no longer.
    market.advance(Duration::from_hours(90 * 24));
    assert_eq!(renew(&shop, &refresh_token(&shop)).await.1["error"], "invalid_grant");
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_takes_a_form_and_the_bare_key() {
    // 1
    let (_, shop) = shop();
    let (whole, refresh) = (face(&shop, |face| face.api_key()), refresh_token(&shop));
    let said = [("grant_type", "refresh_token"), ("client_id", whole.as_str()), ("refresh_token", refresh.as_str())];
    assert_eq!(token(&shop, &said).await.1["error"], "invalid_client");
    let client = face(&shop, |face| face.keystring.clone());
    assert_eq!(
        token(&shop, &[("grant_type", "password"), ("client_id", &client)]).await.1["error"],
        "unsupported_grant_type"
    );
    face(&shop, |face| face.revoke_consent());
    assert_eq!(renew(&shop, &refresh).await.1["error"], "invalid_grant");
}

/// Lets the seller consent; returns what comes back in the address, if it does.
async fn consent(shop: &ShopHandle, callback: &str, scopes: &str, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let client = face(shop, |face| face.keystring.clone());
    let mut address: url::Url = "https://www.etsy.com/oauth/connect?response_type=code&state=s1".parse().unwrap();
    address.query_pairs_mut().append_pair("client_id", &client).append_pair("redirect_uri", callback);
    address.query_pairs_mut().append_pair("scope", scopes).extend_pairs(more);
    let reply = shop.market().send(request(&Method::GET, address.as_str(), "", &[])).await.unwrap();
    if reply.status != 302 {
        return BTreeMap::new();
    }
    let back: url::Url = reply.headers["location"].to_str().unwrap().parse().unwrap();
    back.query_pairs().into_owned().collect()
}

#[tokio::test(start_paused = true)]
async fn a_consent_is_proved_by_who_asked_for_it() {
    // 1
    let (market, shop) = shop();
    let (challenge, scopes) = (challenge_of(VERIFIER), SCOPES.join(" "));
    let proof = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let client = face(&shop, |face| face.keystring.clone());
    let trade = async |code: &str, to: &str, verifier: &str| {
        let all = [
            ("grant_type", "authorization_code"),
            ("client_id", client.as_str()),
            ("redirect_uri", to),
            ("code", code),
            ("code_verifier", verifier),
        ];
        token(&shop, &all).await
    };
    let back = consent(&shop, CALLBACK, &scopes, &proof).await;
    assert_eq!(back["state"], "s1");
    let (status, answer) = trade(&back["code"], CALLBACK, VERIFIER).await;
    assert_eq!((status, answer["refresh_token"].as_str()), (200, Some(refresh_token(&shop).as_str())));
    assert_eq!(trade(&back["code"], CALLBACK, VERIFIER).await.1["error"], "invalid_grant");
    // Another verifier, another address, too late.
    let other = VERIFIER.replace('0', "1");
    for (to, verifier) in [(CALLBACK, other.as_str()), ("http://127.0.0.1:3003/callback", VERIFIER)] {
        let back = consent(&shop, CALLBACK, &scopes, &proof).await;
        assert_eq!(trade(&back["code"], to, verifier).await.1["error"], "invalid_grant");
    }
    let back = consent(&shop, CALLBACK, &scopes, &proof).await;
    market.advance(Duration::from_mins(5));
    assert_eq!(trade(&back["code"], CALLBACK, VERIFIER).await.1["error"], "invalid_grant");
    // The address character for character, and never without a proof.
    assert!(consent(&shop, "http://localhost:3003/callback/", &scopes, &proof).await.is_empty());
    assert!(consent(&shop, CALLBACK, &scopes, &[]).await.is_empty());
    assert!(consent(&shop, CALLBACK, &scopes, &[proof[0], ("code_challenge_method", "plain")]).await.is_empty());
    assert!(consent(&shop, CALLBACK, "", &proof).await.is_empty());
    // What was not consented to is shut.
    let back = consent(&shop, CALLBACK, "listings_r shops_r", &proof).await;
    trade(&back["code"], CALLBACK, VERIFIER).await;
    let (status, answer) = ask(&shop, Method::GET, &path(&shop, "/receipts"), Said::Nothing).await;
    assert_eq!((status, &answer["error"]), (403, &json!("insufficient_scope")));
    let token = shop.etsy_token();
    let (status, answer) = ask(&shop, Method::POST, "/scopes", Said::Form(&[("token", &token)])).await;
    assert_eq!((status, &answer["scopes"]), (200, &json!(["listings_r", "shops_r"])));
    assert_eq!(ask(&shop, Method::POST, "/scopes", Said::Form(&[("token", "1.x")])).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn a_token_opens_what_it_was_given_for() {
    // 1, 9
    let (market, shop) = shop();
    let key = face(&shop, |face| face.api_key());
    let listings = path(&shop, "/listings");
    let missing = send(&market, &Method::GET, &listings, Said::Nothing, &key, "").await;
    assert_eq!((missing.status.as_u16(), &read(&missing)["error"]), (401, &json!("invalid_token")));
    let me = get(&shop, "/users/me").await;
    assert_eq!(me["shop_id"], face(&shop, |face| face.shop_id));
    market.trouble(Rule::once(Trouble::TokenRefused));
    assert_eq!(ask(&shop, Method::GET, &listings, Said::Nothing).await.0, 401);
    market.trouble(Rule::once(Trouble::Denied("listings_r")));
    let (status, body) = ask(&shop, Method::GET, &listings, Said::Nothing).await;
    assert_eq!((status, words(&body).as_str()), (403, "insufficient_scope"));
    let token = shop.etsy_token();
    let now = market.now();
    face(&shop, |face| face.expire_tokens(now));
    let late = send(&market, &Method::GET, &listings, Said::Nothing, &key, &token).await;
    assert_eq!(late.status, 401);
    // A shop of somebody else, an address that is none.
    assert_eq!(ask(&shop, Method::GET, "/shops/1/listings", Said::Nothing).await.0, 404);
    assert_eq!(ask(&shop, Method::GET, "/shops/x/listings", Said::Nothing).await.0, 404);
    assert_eq!(ask(&shop, Method::GET, "/nothing", Said::Nothing).await.0, 404);
    let public = send(&market, &Method::GET, &path(&shop, ""), Said::Nothing, &key, "").await;
    assert_eq!(read(&public)["shop_name"], "mugs");
}

#[tokio::test(start_paused = true)]
async fn every_answer_tells_how_many_calls_are_left() {
    // 2
    let (market, shop) = shop();
    let (key, token) = (face(&shop, |face| face.api_key()), shop.etsy_token());
    let me = async || send(&market, &Method::GET, "/users/me", Said::Nothing, &key, &token).await;
    let left = |reply: &eys::net::Reply| {
        ["x-limit-per-second", "x-remaining-this-second", "x-limit-per-day", "x-remaining-today"]
            .map(|name| reply.headers[name].to_str().unwrap().to_owned())
    };
    assert_eq!(left(&me().await), ["5", "4", "5000", "4999"]);
    for _ in 0..4 {
        me().await;
    }
    let over = me().await;
    assert_eq!((over.status.as_u16(), left(&over)), (429, ["5", "0", "5000", "4995"].map(Into::into)));
    assert_eq!((over.headers["retry-after"].to_str().unwrap(), read(&over)["error"].is_string()), ("1", true));
    // Public calls have a number of their own.
    let ping = send(&market, &Method::GET, "/openapi-ping", Said::Nothing, &key, "").await;
    assert_eq!((ping.status.as_u16(), left(&ping)[3].as_str()), (200, "4999"));
    market.advance(Duration::from_secs(1));
    assert_eq!(me().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_day_slides_along_in_buckets() {
    // 2
    let (market, shop) = shop();
    face(&shop, |face| face.private.a_day = 6);
    let me = async || reply(&shop, Method::GET, "/users/me", Said::Nothing).await;
    for _ in 0..4 {
        assert_eq!(me().await.status, 200);
    }
    market.advance(Duration::from_hours(2));
    assert_eq!((me().await.status.as_u16(), me().await.status.as_u16()), (200, 200));
    let over = me().await;
    assert_eq!((over.status.as_u16(), over.headers["x-remaining-today"].to_str().unwrap()), (429, "0"));
    let wait: u64 = over.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((22 * 3600 - 5..=22 * 3600).contains(&wait), "{wait}");
    // Only the first four come back, though a night has passed.
    market.advance(Duration::from_secs(wait));
    assert_eq!(me().await.headers["x-remaining-today"], "3");
    market.advance(Duration::from_hours(2));
    assert_eq!(me().await.headers["x-remaining-today"], "4");
}

/// Sets the red mugs to 1, and tells what came back of it.
async fn troubled(market: &Market, shop: &ShopHandle, trouble: Trouble) -> Result<eys::net::Reply, eys::net::NetError> {
    let red = shop.etsy_listing("MUG-RED");
    let body = with_units(inventory(shop, red).await, &[("MUG-RED", 1)]);
    market.trouble(Rule::once(trouble));
    let (key, bearer) = (face(shop, |face| face.api_key()), format!("Bearer {}", shop.etsy_token()));
    let headers = [("x-api-key", key.as_str()), ("authorization", &bearer), ("content-type", "application/json")];
    let address = format!("{HOST}/v3/application/listings/{red}/inventory");
    market.send(request(&Method::PUT, &address, &body.to_string(), &headers)).await
}

#[tokio::test(start_paused = true)]
async fn the_troubles_of_every_market_befall_it_too() {
    let (market, shop) = shop();
    let units = async |trouble: Trouble| {
        shop.owner_sets("MUG-RED", 7);
        market.advance(Duration::from_secs(2));
        let outcome = troubled(&market, &shop, trouble).await;
        (outcome.ok(), shop.available("MUG-RED"))
    };
    for trouble in [Trouble::LostBefore, Trouble::Unreachable] {
        let (reply, left) = units(trouble).await;
        assert!(reply.is_none() && left == 7);
    }
    for trouble in [Trouble::LostAfter, Trouble::CutBody] {
        let (reply, left) = units(trouble).await;
        assert!(reply.is_none() && left == 1);
    }
    let (reply, left) = units(Trouble::Status(503)).await;
    assert_eq!((reply.unwrap().status.as_u16(), left), (503, 7));
    let (reply, left) = units(Trouble::StatusAfter(500)).await;
    assert_eq!((reply.unwrap().status.as_u16(), left), (500, 1));
    let (reply, left) = units(Trouble::HtmlPage).await;
    assert_eq!((reply.unwrap().headers["content-type"].to_str().unwrap(), left), ("text/html; charset=utf-8", 7));
    let (reply, left) = units(Trouble::BrokenJson).await;
    assert!(serde_json::from_slice::<Value>(&reply.unwrap().body).is_err() && left == 1);
    let (reply, left) = units(Trouble::TooMany { retry_after: Some(9) }).await;
    let reply = reply.unwrap();
    assert_eq!((reply.status.as_u16(), left), (429, 7));
    assert_eq!(
        (&reply.headers["retry-after"], &reply.headers["x-remaining-this-second"]),
        (&"9".parse().unwrap(), &"0".parse().unwrap())
    );
    let (reply, left) = units(Trouble::Word("The shop is on vacation.")).await;
    assert_eq!((reply.unwrap().status.as_u16(), left), (403, 7));
    let (reply, left) = units(Trouble::Refuse("Something of this listing is amiss.")).await;
    assert_eq!((words(&read(&reply.unwrap())).as_str(), left), ("Something of this listing is amiss.", 7));
    let (reply, _) = units(Trouble::NoNumbers).await;
    assert_eq!(read(&reply.unwrap())["products"][0]["offerings"][0]["quantity"], Value::Null);
    assert_eq!((shop.least_calls(Work::ReadAll, 250), shop.least_calls(Work::Set, 250)), (5, 250));
}

#[tokio::test(start_paused = true)]
async fn two_shops_of_one_market_answer_to_their_own_hosts() {
    let (market, shop) = shop();
    let spec = EtsySpec::new("outlet", &[("MUG-RED", 1)]);
    let other = market.add_etsy(&spec);
    let (key, token) = (face(&other, |face| face.api_key()), other.etsy_token());
    let at = async |host: &str| {
        let address = format!("{host}/v3/application/users/me");
        send(&market, &Method::GET, &address, Said::Nothing, &key, &token).await.status.as_u16()
    };
    assert_eq!((at(&spec.base_url()).await, at(HOST).await, at("https://mugs.etsy.example").await), (200, 403, 403));
    assert!(shop.calls().len() > other.calls().len());
}

#[tokio::test]
async fn over_the_loopback_it_answers_too() {
    let (_, shop) = shop();
    let address = shop.serve().await.unwrap();
    let (key, bearer) = (face(&shop, |face| face.api_key()), format!("Bearer {}", shop.etsy_token()));
    let headers = [("x-api-key", key.as_str()), ("authorization", bearer.as_str())];
    let http = eys::net::http::Http::new(None).unwrap();
    let path = format!("http://{address}/v3/application{}?includes=Inventory&limit=3", path(&shop, "/listings"));
    let reply = http.send(request(&Method::GET, &path, "", &headers)).await.unwrap();
    assert_eq!((read(&reply)["count"].as_u64(), read(&reply)["results"].as_array().map(Vec::len)), (Some(4), Some(3)));
}

#[tokio::test(start_paused = true)]
async fn calls_are_told_by_their_names() {
    let (_, shop) = shop();
    let (red, blue) = (shop.etsy_listing("MUG-RED"), shop.etsy_listing("MUG-BLUE"));
    renew(&shop, &refresh_token(&shop)).await;
    get(&shop, &format!("/listings/batch/inventory?listing_ids={red},{blue}")).await;
    let body = inventory(&shop, red).await;
    put(&shop, red, &body).await;
    let told: Vec<_> = shop.calls().iter().map(|call| (call.operation.clone(), call.writing, call.items)).collect();
    let is = |name: &str, writing: bool, items: usize| (name.to_owned(), writing, items);
    assert_eq!(
        told,
        [
            is("token", false, 0),
            is("getListingsInventoryByListingIds", false, 2),
            is("getListingInventory", false, 1),
            is("updateListingInventory", true, 1)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn shops_open_one_as_a_channel() {
    if kind("etsy").is_none() {
        println!("skipped: the program knows no such kind");
        return;
    }
    let mut shops = Shops::new();
    shops.shopify("shop", Role::Source, &[("MUG", 10)]);
    let etsy = shops.etsy("stall", Role::Target, &[("MUG", 4)]);
    shops.start().await;
    assert_eq!(etsy.available("MUG"), 10);
}
