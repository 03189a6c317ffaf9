//! The simulated eBay lets in and keeps out as the sheet of facts says, and reads what it is sent as strictly. Numbers in
//! comments are the sheet's sections.

use std::collections::BTreeMap;
use std::time::Duration;

use eys::net::Transport;
use http::Method;
use serde_json::{Value, json};

use crate::ebay_line::{
    HOST, face, framed, get, is, json, request, rest, revise, send_rest, send_trading, shop, trade, verdict, xml,
};
use crate::sim::ebay::{FORMS, Node, SCOPES, Xsd};
use crate::sim::{Market, Rule, ShopHandle, Trouble};

/// Asks the token endpoint; returns status and answer.
async fn token(shop: &ShopHandle, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let basic = face(shop, |face| face.keyset.basic());
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("authorization", basic.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let address = format!("{HOST}/identity/v1/oauth2/token{path}");
    let reply = shop.market().send(request(&Method::POST, &address, &body, &headers)).await.unwrap();
    (reply.status.as_u16(), json(&reply))
}

async fn renew(shop: &ShopHandle) -> (u16, Value) {
    let refresh = face(shop, |face| face.refresh.clone()).map_or(String::new(), |(token, _)| token);
    token(shop, "", &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_gives_access_and_stays_the_same() {
    // 1.4
    let (market, shop) = shop();
    let (status, answer) = renew(&shop).await;
    assert_eq!((status, answer["expires_in"].as_u64(), &answer["refresh_token"]), (200, Some(7200), &Value::Null));
    let access = answer["access_token"].as_str().unwrap().to_owned();
    let orders = async |token: &str| send_rest(&market, Method::GET, "/sell/fulfillment/v1/order", None, token).await;
    assert_eq!(orders(&access).await.status, 200);
    let (_, told) = token(&shop, "/introspect", &[("token", &access)]).await;
    assert_eq!((&told["active"], &told["username"]), (&json!(true), &json!("seller-of-mugs")));
    assert_eq!(told["scope"].as_str().unwrap().split(' ').count(), SCOPES.len());
    market.advance(Duration::from_hours(2));
    let late = orders(&access).await;
    assert_eq!((late.status.as_u16(), &json(&late)["errors"][0]["errorId"]), (401, &json!(1001)));
    assert_eq!(token(&shop, "/introspect", &[("token", &access)]).await.1["active"], false);
    // A part of what was consented to, and not more.
    let refresh = face(&shop, |face| face.refresh.clone()).unwrap().0;
    let part = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", SCOPES[1])];
    let access = token(&shop, "", &part).await.1["access_token"].as_str().unwrap().to_owned();
    let denied = orders(&access).await;
    assert_eq!((denied.status.as_u16(), &json(&denied)["errors"][0]["errorId"]), (403, &json!(1100)));
    let more = format!("{}/sell.finances", SCOPES[0]);
    let (status, answer) = token(&shop, "", &[part[0], part[1], ("scope", &more)]).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_scope")));
    // A new password takes the consent away.
    face(&shop, |face| face.revoke_consent());
    let (status, answer) = renew(&shop).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    // 1.1
    face(&shop, |face| face.keyset.disabled = true);
    let (status, answer) = renew(&shop).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
}

#[tokio::test(start_paused = true)]
async fn a_sellers_consent_is_a_code_that_is_good_once() {
    // 1.3
    let (market, shop) = shop();
    let keys = face(&shop, |face| face.keyset.clone());
    let consent = async || {
        let mut address: url::Url =
            "https://auth.ebay.com/oauth2/authorize?response_type=code&state=s1".parse().unwrap();
        let scopes = SCOPES.join(" ");
        address.query_pairs_mut().append_pair("client_id", &keys.client).append_pair("redirect_uri", &keys.ru_name);
        address.query_pairs_mut().append_pair("scope", &scopes);
        let reply = market.send(request(&Method::GET, address.as_str(), "", &[])).await.unwrap();
        assert_eq!(reply.status, 302);
        let back: url::Url = reply.headers["location"].to_str().unwrap().parse().unwrap();
        // It comes encoded, as it has a # in it.
        assert!(back.query().unwrap().contains("code=v%5E1.1%23"));
        back.query_pairs().into_owned().collect::<BTreeMap<_, _>>()
    };
    let back = consent().await;
    assert_eq!((back["state"].as_str(), back["expires_in"].as_str()), ("s1", "299"));
    let trade = async |code: &str, to: &str| {
        token(&shop, "", &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", to)]).await
    };
    // It is a name, and no address.
    assert_eq!(trade(&back["code"], &keys.accepted).await.1["error"], "invalid_grant");
    let (status, answer) = trade(&back["code"], &keys.ru_name).await;
    assert_eq!((status, answer["refresh_token_expires_in"].as_u64()), (200, Some(47_304_000)));
    assert_eq!(trade(&back["code"], &keys.ru_name).await.1["error"], "invalid_grant");
    assert_eq!(face(&shop, |face| face.refresh.clone()).unwrap().0, answer["refresh_token"].as_str().unwrap());
    let late = consent().await;
    market.advance(Duration::from_secs(299));
    assert_eq!(trade(&late["code"], &keys.ru_name).await.1["error"], "invalid_grant");
}

#[tokio::test(start_paused = true)]
async fn trading_tells_of_a_bad_token_in_an_answer_like_any_other() {
    // 1.6, 9
    let (market, shop) = shop();
    let ask = async |token: &str| {
        let reply = send_trading(&market, "GetUser", &framed("GetUser", ""), token).await;
        assert_eq!(reply.status, 200);
        verdict(&xml(&reply))
    };
    assert_eq!(ask("").await, is("Failure", &["930"]));
    assert_eq!(ask("v^1.1#nobody").await, is("Failure", &["21916984"]));
    let good = shop.ebay_token();
    assert_eq!(ask(&good).await, is("Success", &[]));
    market.trouble(Rule::once(Trouble::TokenRefused));
    assert_eq!(ask(&good).await, is("Failure", &["21917053"]));
    assert_eq!(ask(&good).await, is("Success", &[]));
    market.advance(Duration::from_hours(2));
    assert_eq!(ask(&good).await, is("Failure", &["21917053"]));
    // The program's own token opens no seller's account.
    let form = [("grant_type", "client_credentials"), ("scope", SCOPES[0])];
    let own = token(&shop, "", &form).await.1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(ask(&own).await, is("Failure", &["21916984"]));
    let (status, answer) = rest(&shop, Method::GET, "/sell/account/v1/privilege", None).await;
    assert_eq!((status, &answer["sellerRegistrationCompleted"]), (200, &json!(true)));
    market.trouble(Rule::once(Trouble::Denied("sell.account")));
    assert_eq!(rest(&shop, Method::GET, "/sell/account/v1/privilege", None).await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn trading_reads_by_a_sequence() {
    // 1.6, 9
    let (market, shop) = shop();
    let red = shop.item_id("MUG-RED");
    let said = async |call: &str, inside: &str| verdict(&trade(&shop, call, inside).await);
    let good =
        format!("<InventoryStatus><SKU>MUG-RED</SKU><ItemID>{red}</ItemID><Quantity>6</Quantity></InventoryStatus>");
    assert_eq!(said("ReviseInventoryStatus", &good).await, is("Success", &[]));
    let wrong = [
        // The standard fields come first.
        format!("{good}<ErrorLanguage>en_US</ErrorLanguage>"),
        format!("<InventoryStatus><ItemID>{red}</ItemID><SKU>MUG-RED</SKU><Quantity>5</Quantity></InventoryStatus>"),
        format!("<InventoryStatus><ItemID>{red}</ItemID><Amount>5</Amount></InventoryStatus>"),
        format!("<InventoryStatus><ItemID>{red}</ItemID><Quantity>five</Quantity></InventoryStatus>"),
        format!(
            "<InventoryStatus><ItemID>{red}</ItemID><ItemID>{red}</ItemID><Quantity>5</Quantity></InventoryStatus>"
        ),
        "<InventoryStatus>".to_owned(),
    ];
    // Its status is another than eBay's, so that no test overlooks it.
    let token = shop.ebay_token();
    let amiss = async |call: &str, document: &str| {
        let reply = send_trading(&market, call, document, &token).await;
        (reply.status.as_u16(), verdict(&xml(&reply)))
    };
    for inside in &wrong {
        let told = amiss("ReviseInventoryStatus", &framed("ReviseInventoryStatus", inside)).await;
        assert_eq!(told, (500, is("Failure", &["5"])), "{inside}");
    }
    assert_eq!(shop.available("MUG-RED"), 6);
    // What must be there.
    let told = amiss("GetUserPreferences", &framed("GetUserPreferences", "")).await;
    assert_eq!(told, (500, is("Failure", &["5"])));
    assert_eq!(said("AddItem", "").await, is("Failure", &["2"]));
    assert_eq!(amiss("GetItem", &framed("GetUser", "")).await, (500, is("Failure", &["5"])));
    let echoed = trade(&shop, "GetUser", "<MessageID>eys-1</MessageID>").await;
    assert_eq!((echoed.said("CorrelationID"), echoed.said("User/UserID")), (Some("eys-1"), Some("seller-of-mugs")));
    let operations: Vec<_> =
        shop.calls().iter().take(2).map(|call| (call.operation.clone(), call.writing, call.items)).collect();
    assert_eq!(operations, [("ReviseInventoryStatus".into(), true, 1), ("ReviseInventoryStatus".into(), true, 1)]);
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_the_day_of_ebays_home() {
    // 2
    let (market, shop) = shop();
    face(&shop, |face| face.quotas.a_day.insert("tradingapi", 2));
    let said = async || verdict(&trade(&shop, "GetUser", "").await);
    assert_eq!((said().await, said().await), (is("Success", &[]), is("Success", &[])));
    assert_eq!(said().await, is("Failure", &["518"]));
    let form = [("grant_type", "client_credentials"), ("scope", SCOPES[0])];
    let own = token(&shop, "", &form).await.1["access_token"].as_str().unwrap().to_owned();
    let path = "/developer/analytics/v1_beta/rate_limit/?api_context=tradingapi";
    let limits = json(&send_rest(&market, Method::GET, path, None, &own).await);
    let rate = &limits["rateLimits"][0]["resources"][0]["rates"][0];
    assert_eq!((&rate["count"], &rate["limit"], &rate["remaining"]), (&json!(2), &json!(2), &json!(0)));
    assert_eq!(rate["reset"], "2026-11-23T08:00:00.000Z");
    // A seller's token does not open that door, and has one of its own.
    assert_eq!(rest(&shop, Method::GET, path, None).await.0, 403);
    let own = get(&shop, "/developer/analytics/v1_beta/user_rate_limit/?api_name=inventory").await;
    assert_eq!(own["rateLimits"][0]["apiContext"], "sell");
    let (status, nothing) =
        rest(&shop, Method::GET, "/developer/analytics/v1_beta/user_rate_limit/?api_context=buy", None).await;
    assert_eq!((status, nothing), (204, Value::Null));
    // The market begins at six in the morning, which is yesterday there.
    market.advance(Duration::from_hours(2));
    assert_eq!(said().await, is("Success", &[]));
    face(&shop, |face| face.quotas.a_day.insert("inventory", 0));
    let (status, answer) = rest(&shop, Method::GET, "/sell/inventory/v1/inventory_item", None).await;
    assert_eq!((status, &answer["errors"][0]["errorId"]), (429, &json!(2001)));
}

#[tokio::test(start_paused = true)]
async fn a_burst_blocks_for_fifteen_seconds() {
    // 2
    let (market, shop) = shop();
    face(&shop, |face| face.quotas.a_burst.insert("GetMyeBaySelling", 2));
    let list = async || verdict(&trade(&shop, "GetMyeBaySelling", "").await);
    assert_eq!((list().await, list().await), (is("Success", &[]), is("Success", &[])));
    assert_eq!(list().await, is("Failure", &["518"]));
    market.advance(Duration::from_secs(14));
    assert_eq!(verdict(&trade(&shop, "GetUser", "").await), is("Failure", &["518"]));
    market.advance(Duration::from_secs(1));
    assert_eq!(list().await, is("Success", &[]));
}

/// Sends a revision of the red mugs, and tells what came back of it.
async fn troubled(market: &Market, shop: &ShopHandle, trouble: Trouble) -> Result<eys::net::Reply, eys::net::NetError> {
    let (number, token) = (shop.item_id("MUG-RED"), shop.ebay_token());
    market.trouble(Rule::once(trouble));
    let inside = format!("<InventoryStatus><ItemID>{number}</ItemID><Quantity>1</Quantity></InventoryStatus>");
    let headers = [
        ("x-ebay-api-call-name", "ReviseInventoryStatus"),
        ("x-ebay-api-compatibility-level", "1451"),
        ("x-ebay-api-siteid", "0"),
        ("x-ebay-api-iaf-token", token.as_str()),
    ];
    let document = framed("ReviseInventoryStatus", &inside);
    market.send(request(&Method::POST, &format!("{HOST}/ws/api.dll"), &document, &headers)).await
}

#[tokio::test(start_paused = true)]
async fn the_troubles_of_every_market_befall_it_too() {
    let (market, shop) = shop();
    let red = shop.item_id("MUG-RED");
    let units = async |trouble: Trouble| {
        revise(&shop, &[(&red, "", 7)]).await;
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
    assert!(Node::parse(std::str::from_utf8(&reply.unwrap().body).unwrap()).is_err() && left == 1);
    // 2, 9: throttled, Trading says so with status 200.
    let (reply, left) = units(Trouble::TooMany { retry_after: None }).await;
    let reply = reply.unwrap();
    assert_eq!((reply.status.as_u16(), verdict(&xml(&reply)), left), (200, is("Failure", &["518"]), 7));
    let (reply, _) = units(Trouble::Word("10007")).await;
    let failed = xml(&reply.unwrap());
    assert_eq!(failed.said("Errors/ErrorClassification"), Some("SystemError"));
    let (reply, left) = units(Trouble::Refuse("21919188")).await;
    assert_eq!((verdict(&xml(&reply.unwrap())), left), (is("Failure", &["21919188"]), 7));
    market.trouble(Rule::once(Trouble::TooMany { retry_after: Some(9) }));
    let token = shop.ebay_token();
    let reply = send_rest(&market, Method::GET, "/sell/fulfillment/v1/order", None, &token).await;
    assert_eq!((reply.status.as_u16(), &json(&reply)["errors"][0]["errorId"]), (429, &json!(2001)));
    assert_eq!(reply.headers["retry-after"], "9");
    market.trouble(Rule::once(Trouble::Word("30500")));
    let (status, answer) = rest(&shop, Method::GET, "/sell/fulfillment/v1/order", None).await;
    assert_eq!((status, &answer["errors"][0]["category"]), (500, &json!("APPLICATION")));
}

#[tokio::test(start_paused = true)]
async fn two_accounts_of_one_market_answer_to_their_own_hosts() {
    let (market, shop) = shop();
    let other = market.add_ebay(&crate::sim::ebay::EbaySpec::new("outlet", &[("MUG-RED", 1)]));
    let token = other.ebay_token();
    let at = async |host: &str| {
        let path = format!("https://{host}/sell/account/v1/privilege");
        send_rest(&market, Method::GET, &path, None, &token).await.status.as_u16()
    };
    assert_eq!((at("outlet.test").await, at("api.ebay.com").await, at("mugs.test").await), (200, 401, 401));
    assert!(shop.calls().len() > other.calls().len());
}

#[tokio::test]
async fn over_the_loopback_the_next_page_is_there_too() {
    let (_, shop) = shop();
    let address = shop.serve().await.unwrap();
    for _ in 0..2 {
        shop.buy("MUG-RED", 1).unwrap();
    }
    let bearer = format!("Bearer {}", shop.ebay_token());
    let http = eys::net::http::Http::new(None).unwrap();
    let mut next = Some(format!("http://{address}/sell/fulfillment/v1/order?limit=1"));
    let mut pages = 0;
    while let Some(page) = next {
        let reply = http.send(request(&Method::GET, &page, "", &[("authorization", &bearer)])).await.unwrap();
        next = json(&reply)["next"].as_str().map(Into::into);
        pages += 1;
    }
    assert_eq!(pages, 2);
}

#[test]
fn what_is_read_of_a_request_is_in_the_official_schema() {
    let Some(schema) = Xsd::known() else {
        println!("skipped: EYS_SPECS does not name the specs folder");
        return;
    };
    for (call, parts) in FORMS {
        let request = Node::of(&format!("{call}Request"), parts.iter().flat_map(crate::sim::ebay::Part::samples));
        assert_eq!(schema.misfit(&request), None, "{}", request.document());
    }
    // The check itself: order, names, number, types, words, attributes.
    let misfit =
        |call: &str, inside: &str| schema.misfit(&Node::parse(&framed(call, inside)).unwrap()).unwrap_or_default();
    let status =
        |inside: &str| misfit("ReviseInventoryStatus", &format!("<InventoryStatus>{inside}</InventoryStatus>"));
    assert_eq!(status("<SKU>A</SKU><ItemID>1</ItemID><StartPrice currencyID=\"USD\">1.50</StartPrice>"), "");
    assert!(status("<ItemID>1</ItemID><SKU>A</SKU>").contains("wrong place"));
    assert!(status("<Amount>1</Amount>").contains("not known"));
    assert!(status("<SKU>A</SKU><SKU>B</SKU>").contains("2 times"));
    assert!(status("<Quantity>4000000000</Quantity>").contains("no int"));
    assert!(status("<StartPrice>1.50</StartPrice>").contains("lacks its attribute"));
    assert!(misfit("EndFixedPriceItem", "<EndingReason>Bored</EndingReason>").contains("may not be"));
    assert!(misfit("GetUserPreferences", "").contains("0 times"));
    assert!(misfit("GetSellerEvents", "<ModTimeFrom>yesterday</ModTimeFrom>").contains("no dateTime"));
    assert!(misfit("AddItem", "").contains("no element"));
}

#[test]
fn trees_are_read_as_they_are_written() {
    let node =
        Node::of("A", [Node::leaf("B", "5 < 6 & \"7\"").with("c", "'d' & e"), Node::new("F")]).with("xmlns", "urn:x");
    assert_eq!(Node::parse(&node.document()), Ok(node));
    assert_eq!(Node::parse("<A>\n  <B><![CDATA[<x>]]> &#x41;&amp;</B>\n</A>").unwrap().said("B"), Some("<x> A&"));
    for broken in ["<A><B></A>", "<A>", "", "<A/><B/>", "no", "<A>&nbsp;</A>"] {
        assert!(Node::parse(broken).is_err(), "{broken}");
    }
}
