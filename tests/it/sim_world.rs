//! The simulated world keeps its own books, breaks as it was told to, and repeats itself from a seed.

use std::time::Duration;

use eys::net::{NetError, Transport};
use serde_json::{Value, json};

use crate::line::{ADDRESS, Ids, ask, body, code, request, send, shop, write};
use crate::sim::shopify::ShopSpec;
use crate::sim::{
    Answer, Ask, Face, Market, Operation, Pace, Rule, ShopHandle, Step, Trouble, Turned, Who, Work, World,
};

const ADJUST: &str = "inventoryAdjustQuantities";
const SHOP: &str = "query Shop { shop { name } }";

/// Available, committed and on hand of the red mug.
fn stock(shop: &ShopHandle) -> (i64, i64, i64) {
    shop.market().world(|world| {
        let shop = world.shop(shop.name());
        let level = shop.items[&shop.item_of("MUG-RED")].levels.values().next().unwrap();
        (level.available, level.committed, level.available + level.committed)
    })
}

#[tokio::test(start_paused = true)]
async fn stock_moves_as_shopify_moves_it() {
    // 8.2, row by row.
    let (_, shop) = shop();
    let order = shop.buy("MUG-RED", 4).unwrap();
    assert_eq!(stock(&shop), (3, 4, 7));
    shop.take_back(order, 0, 1, true);
    assert_eq!(stock(&shop), (4, 3, 7));
    shop.take_back(order, 0, 1, false);
    assert_eq!(stock(&shop), (4, 2, 6));
    shop.ship(order);
    assert_eq!(stock(&shop), (4, 0, 4));
    shop.take_back(order, 0, 1, true);
    assert_eq!(stock(&shop), (5, 0, 5));
    let truth = shop.truth("MUG-RED");
    assert_eq!((truth.sold, truth.cancelled, truth.returned, truth.restocked), (4, 2, 1, 2));
    assert_eq!((truth.owed(), truth.expected(7)), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_order_gives_back_later() {
    // 8.2: cancelledAt appears before the background job has run.
    let (market, shop) = shop();
    shop.set_restock_delay(Duration::from_secs(20));
    let order = shop.buy_many(&[("MUG-RED", 2), ("MUG-BLUE", 1)]).unwrap();
    shop.cancel(order, true);
    let cancelled = market.world(|world| world.shop("mugs").orders[&order].cancelled);
    assert!(cancelled.is_some());
    assert_eq!((shop.available("MUG-RED"), shop.available("MUG-BLUE")), (5, 2));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!((shop.available("MUG-RED"), shop.available("MUG-BLUE")), (7, 3));
    let lost = shop.buy("MUG-RED", 1).unwrap();
    shop.cancel_for_lack_of_stock(lost);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(stock(&shop), (6, 0, 6));
}

#[tokio::test(start_paused = true)]
async fn an_order_is_all_or_nothing_and_locations_are_drained_in_order() {
    let (market, shop) = shop();
    assert_eq!(shop.buy_many(&[("MUG-BLUE", 1), ("MUG-RED", 8)]), Err(Turned::SoldOut));
    assert_eq!(shop.buy("CUP", 1), Err(Turned::NotForSale));
    assert_eq!((shop.available("MUG-BLUE"), shop.truth("MUG-RED").turned_away), (3, 8));
    let shed = shop.add_location("Shed");
    shop.stock_at("MUG-RED", shed, 5);
    shop.buy("MUG-RED", 10).unwrap();
    let left = market.world(|world| {
        let shop = world.shop("mugs");
        shop.items[&shop.item_of("MUG-RED")].levels.values().map(|level| level.available).collect::<Vec<_>>()
    });
    assert_eq!(left, [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_on_after_its_client_left() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    market.trouble(Rule::once(Trouble::Slow(Duration::from_secs(30))).on("Write"));
    let input = ids.adjust(-2, None);
    let left = tokio::time::timeout(Duration::from_secs(10), write(&market, ADJUST, &input, "k1")).await;
    assert!(left.is_err());
    assert_eq!(shop.available("MUG-RED"), 7);
    tokio::time::sleep(Duration::from_secs(21)).await;
    assert_eq!(shop.available("MUG-RED"), 5);
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_lost_before_or_after_the_effect() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    for (trouble, left) in [
        (Trouble::Unreachable, 7),
        (Trouble::LostBefore, 7),
        (Trouble::LostAfter, 6),
        (Trouble::CutBody, 5),
        (Trouble::Status(503), 5),
        (Trouble::StatusAfter(502), 4),
        (Trouble::HtmlPage, 4),
        (Trouble::BrokenJson, 3),
    ] {
        market.trouble(Rule::once(trouble.clone()).writing());
        let given = json!({ "input": ids.adjust(-1, None), "key": format!("{trouble:?}") });
        let document = "mutation Write($input: InventoryAdjustQuantitiesInput!, $key: String!) {
            inventoryAdjustQuantities(input: $input) @idempotent(key: $key) { userErrors { code } } }";
        let answer = send(&market, document, given).await;
        match trouble {
            Trouble::Unreachable => assert!(matches!(answer, Err(NetError::NotConnected { .. }))),
            Trouble::LostBefore | Trouble::LostAfter | Trouble::CutBody => {
                assert!(matches!(answer, Err(NetError::Lost { .. })));
            }
            _ => assert!(serde_json::from_slice::<Value>(&answer.unwrap().body).is_err()),
        }
        assert_eq!(shop.available("MUG-RED"), left, "after {trouble:?}");
    }
    assert_eq!(shop.calls().iter().filter(|call| call.writing).count(), 8);
}

#[tokio::test(start_paused = true)]
async fn refusals_come_as_they_were_planned() {
    let (market, _) = shop();
    market.trouble(Rule::once(Trouble::TooMany { retry_after: Some(7) }));
    market.trouble(Rule::once(Trouble::TooMany { retry_after: None }).after(1));
    market.trouble(Rule::once(Trouble::Word("THROTTLED")).after(2));
    market.trouble(Rule::once(Trouble::Word("INTERNAL_SERVER_ERROR")).after(3));
    market.trouble(Rule::once(Trouble::TokenRefused).after(4));
    market.trouble(Rule::once(Trouble::WrongClock(jiff::SignedDuration::from_hours(2))).after(5));
    let hinted = send(&market, SHOP, json!({})).await.unwrap();
    assert_eq!((hinted.status.as_u16(), &hinted.headers["retry-after"]), (429, &"7".parse().unwrap()));
    let bare = send(&market, SHOP, json!({})).await.unwrap();
    assert!(bare.status == 429 && !bare.headers.contains_key("retry-after"));
    for word in ["THROTTLED", "INTERNAL_SERVER_ERROR"] {
        assert_eq!(ask(&market, SHOP, json!({})).await["errors"][0]["extensions"]["code"], word);
    }
    assert_eq!(send(&market, SHOP, json!({})).await.unwrap().status, 401);
    assert_eq!(send(&market, SHOP, json!({})).await.unwrap().headers["date"], "Mon, 23 Nov 2026 08:00:00 GMT");
    assert_eq!(send(&market, SHOP, json!({})).await.unwrap().headers["date"], "Mon, 23 Nov 2026 06:00:00 GMT");
}

#[tokio::test(start_paused = true)]
async fn numbers_go_missing_or_are_old() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    let document = format!(
        "query Level {{ inventoryItem(id: \"{}\") {{ inventoryLevel(locationId: \"{}\") {{
            quantities(names: [\"available\"]) {{ quantity }} }} }} }}",
        ids.item, ids.location
    );
    let read = async || {
        ask(&market, &document, json!({})).await["data"]["inventoryItem"]["inventoryLevel"]["quantities"].clone()
    };
    market.advance(Duration::from_mins(1));
    shop.buy("MUG-RED", 2).unwrap();
    market.trouble(Rule::once(Trouble::NoNumbers).on("Level"));
    market.trouble(Rule::once(Trouble::Stale(Duration::from_secs(5))).on("Level").after(1));
    assert_eq!(read().await, json!([]));
    assert_eq!(read().await, json!([{ "quantity": 7 }]));
    assert_eq!(read().await, json!([{ "quantity": 5 }]));
}

#[tokio::test(start_paused = true)]
async fn records_move_while_they_are_read() {
    let (market, shop) = shop();
    for _ in 0..4 {
        shop.buy("MUG-RED", 1).unwrap();
        market.advance(Duration::from_secs(10));
    }
    market.trouble(Rule::always(Trouble::Drift).on("Orders"));
    let document = "query Orders($after: String) { orders(first: 2, after: $after, sortKey: UPDATED_AT) {
        nodes { id } pageInfo { hasNextPage endCursor } } }";
    let mut seen = Vec::new();
    let mut after = Value::Null;
    for _ in 0..9 {
        let list = ask(&market, document, json!({ "after": after })).await["data"]["orders"].clone();
        seen.extend(list["nodes"].as_array().unwrap().iter().map(|node| node["id"].to_string()));
        after = list["pageInfo"]["endCursor"].clone();
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
        market.advance(Duration::from_secs(10));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert!(seen.len() == 4 && all > 4, "every order is seen, one that moved twice: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_and_a_denied_scope_come_as_planned() {
    let (market, _) = shop();
    market.trouble(Rule::once(Trouble::SlowAnswer(Duration::from_secs(9))));
    market.trouble(Rule::once(Trouble::Denied("read_orders")).on("Orders"));
    let before = market.now();
    send(&market, SHOP, json!({})).await.unwrap();
    assert_eq!(market.now().duration_since(before).as_secs(), 9);
    let document = "query Orders { orders(first: 1) { nodes { id } } }";
    assert_eq!(code(&ask(&market, document, json!({})).await), "ACCESS_DENIED");
    assert_eq!(code(&ask(&market, document, json!({})).await), "none");
}

/// A platform that reads a number, takes a second, and writes what it read less one.
struct Absent;

impl Face for Absent {
    fn recognise(&self, _: &Ask) -> Operation {
        Operation { name: "less".into(), writing: true, items: 1 }
    }

    fn answer(&mut self, world: &mut World, _: &Ask, _: &[Trouble]) -> Step {
        let read = world.shop("slow").available("A");
        let finish = move |_: &mut dyn Face, world: &mut World| {
            world.set_units(Who::App, "slow", "A", read - 1);
            Step::Done(Answer::default())
        };
        Step::Pause(Duration::from_secs(1), Box::new(finish))
    }

    fn least_calls(&self, _: Work, listings: usize) -> usize {
        listings
    }
}

#[tokio::test(start_paused = true)]
async fn a_face_may_read_pause_and_write_so_that_deltas_get_lost() {
    let market = Market::new(1);
    let shop = market.add_face("slow", Box::new(Absent), &["slow.test"]);
    shop.add("A", 10);
    let once = || market.send(request("http://slow.test/less", &json!({})));
    let (first, second) = tokio::join!(once(), once());
    assert!(first.unwrap().status == 200 && second.unwrap().status == 200);
    assert_eq!(shop.available("A"), 9);
}

#[tokio::test(start_paused = true)]
async fn chance_repeats_itself_and_the_books_always_balance() {
    let day = async |seed, looks: u64| {
        let market = Market::new(seed);
        let shop = market.add_shopify(&ShopSpec::new("mugs", &[("A", 50), ("B", 20), ("C", 5)]));
        let pace = Pace {
            sent: 5.0,
            cancelled: 2.0,
            taken_back: 2.0,
            owner_edits: 1.0,
            other_apps: 1.0,
            ..Pace::buyers(12.0)
        };
        market.alive(Some(pace));
        for _ in 0..looks {
            tokio::time::sleep(Duration::from_secs(86_400 / looks)).await;
            market.now();
        }
        let events = market.events();
        assert!(events.len() > 100);
        for (sku, first) in [("A", 50), ("B", 20), ("C", 5)] {
            assert_eq!(shop.available(sku), shop.truth(sku).expected(first), "{sku}");
        }
        format!("{events:?}")
    };
    let first = day(7, 3).await;
    assert_eq!(first, day(7, 24).await);
    assert_ne!(first, day(8, 3).await);
}

#[tokio::test]
async fn the_loopback_door_answers_and_breaks_the_line() {
    let (market, shop) = shop();
    let address = shop.serve().await.unwrap();
    let url = format!("http://{address}/admin/api/2026-10/graphql.json");
    let post = async || {
        let sent = reqwest::Client::new().post(&url).header("x-shopify-access-token", "shpat_mugs");
        let sent = sent.header("content-type", "application/json").body(json!({ "query": SHOP }).to_string());
        let answer = sent.send().await?;
        let status = answer.status();
        Ok::<_, reqwest::Error>((status, answer.headers().clone(), answer.bytes().await?))
    };
    let (status, headers, body) = post().await.unwrap();
    assert_eq!((status.as_u16(), &headers["date"]), (200, &"Mon, 23 Nov 2026 06:00:00 GMT".parse().unwrap()));
    assert!(String::from_utf8_lossy(&body).contains("\"name\":\"mugs\""));
    for trouble in [Trouble::CutBody, Trouble::LostBefore, Trouble::LostAfter, Trouble::Unreachable] {
        market.trouble(Rule::once(trouble.clone()));
        assert!(post().await.is_err(), "{trouble:?}");
    }
    assert_eq!(post().await.unwrap().0, 200);
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_operation_and_the_least_number_is_known() {
    let (market, shop) = shop();
    let ids = Ids::of(&shop);
    market.set_latency(Duration::from_millis(300));
    send(&market, SHOP, json!({})).await.unwrap();
    write(&market, ADJUST, &ids.adjust(-1, Some(7)), "k").await;
    let reply = market.send(request(ADDRESS, &json!({ "query": SHOP }))).await.unwrap();
    assert_eq!(body(&reply)["data"]["shop"]["name"], "mugs");
    let calls = shop.calls();
    let seen: Vec<_> =
        calls.iter().map(|call| (call.operation.as_str(), call.items, call.cost, call.writing)).collect();
    assert_eq!(seen, [("Shop", 0, 1.0, false), ("Write", 1, 10.0, true), ("Shop", 0, 1.0, false)]);
    assert_eq!(calls[1].at.duration_since(calls[0].at).as_millis(), 300);
    assert_eq!(shop.least_calls(Work::ReadAll, 10_000), 40);
    assert_eq!(shop.least_calls(Work::Set, 10_000), 10);
    assert_eq!(shop.least_calls(Work::Adjust, 251), 2);
}
