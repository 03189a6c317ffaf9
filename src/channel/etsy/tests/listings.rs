//! Reading listings, and what they hold.

use super::*;
use crate::domain::{Found, ListingState};

const TEE: i64 = 1_700_000_001;
const MUG: i64 = 1_700_000_002;

async fn scan(web: &Etsy) -> crate::channel::Result<Vec<Listing>> {
    let (mut listings, mut next, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = web.listings(next).await?;
        listings.extend(page.items);
        next = page.next;
        pages += 1;
        assert!(pages < 40);
        if next.is_none() {
            return Ok(listings);
        }
    }
}

// The unit is the group: what varies in quantity is a listing for each value, what does not is one, whatever its SKUs.
#[tokio::test(start_paused = true)]
async fn a_listing_is_a_quantity_group() {
    let shared = inventory(
        &[
            product("CUP-S", Some((5001, "S")), 4),
            product("CUP-M", Some((5002, "M")), 4),
            product("CUP-M", Some((5003, "L")), 4),
        ],
        &[],
    );
    let active = list(&[listing(TEE, "active", Some(tees(3, 5))), listing(MUG, "active", Some(shared))]);
    let sold_out = list(&[listing(7, "sold_out", Some(mug(1)))]);
    let (web, script) = etsy(&[(200, active.as_str()), (200, &sold_out), (200, EMPTY), (200, EMPTY)]);
    let listings = scan(&web).await.unwrap();
    let told = |listing: &Listing| {
        let skus: Vec<&str> = listing.skus().map(|sku| sku.as_str()).collect();
        let level = listing.level.map(|level| level.0);
        (listing.key.to_string(), listing.item.clone(), skus.join(" "), level, listing.state.clone())
    };
    let live = ListingState::Live;
    let tee = Some(TEE.to_string());
    assert_eq!(
        listings.iter().map(told).collect::<Vec<_>>(),
        [
            (format!("{TEE}/100=5001"), tee.clone(), "TEE-S".to_owned(), Some(3), live.clone()),
            (format!("{TEE}/100=5002"), tee, "TEE-M".to_owned(), Some(5), live.clone()),
            (MUG.to_string(), None, "CUP-S CUP-M".to_owned(), Some(4), live),
            // What sold out holds nothing, whatever its inventory still shows.
            ("7".to_owned(), None, "MUG-BLUE".to_owned(), Some(0), ListingState::Live),
        ]
    );
    assert_eq!(listings[0].goods[0].title, "Listing 1700000001 - S");
    assert_eq!(listings[0].goods[0].price, Some(crate::domain::Price(1950)));
    assert_eq!(
        script.asked(),
        ["active", "sold_out", "inactive", "expired"].map(|state| {
            format!("GET shops/55500001/listings?state={state}&limit=100&offset=0&includes=Inventory")
        })
    );
    assert_eq!(web.quota().map(|quota| (quota.most, quota.left)), Some((5000, 4990)));
}

// proves P5: numbers that are missing or contradict each other are none; what takes none says why.
#[tokio::test(start_paused = true)]
async fn what_has_no_number_has_none() {
    let contradicting = inventory(&[product("A", Some((1, "S")), 4), product("B", Some((2, "M")), 5)], &[]);
    let mut missing = mug(4);
    missing["products"][0]["offerings"][0].as_object_mut().unwrap().remove("quantity");
    let mut digital = listing(3, "active", Some(mug(999)));
    digital["listing_type"] = json!("download");
    let mut hidden = tees(3, 5);
    hidden["products"][0]["offerings"][0]["is_enabled"] = json!(false);
    let active = list(&[
        listing(1, "active", Some(contradicting)),
        listing(2, "active", Some(missing)),
        digital,
        listing(4, "edit", Some(hidden)),
    ]);
    let (web, _) = etsy(&[(200, active.as_str()), (200, EMPTY)]);
    let listings = scan(&web).await.unwrap();
    assert_eq!((listings[0].level, listings[1].level), (None, None));
    assert!(listings[2].unfit.as_ref().is_some_and(|why| why.contains("download")));
    assert_eq!(listings[3].state, ListingState::Off("inactive".to_owned()));
    for body in [r#"{"count":1}"#, r#"{"count":1,"results":[{"title":"x"}]}"#, "[]"] {
        let (web, _) = etsy(&[(200, body)]);
        let error = scan(&web).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unexpected, "{error}");
    }
}

// proves Y4 for Etsy: pages overlap by one listing, a list that moved is begun again, and none that always moves is complete.
#[tokio::test(start_paused = true)]
async fn a_list_that_moves_is_read_again() {
    let page = |count: usize, ids: std::ops::Range<i64>| {
        let listings: Vec<Json> = ids.map(|id| listing(id, "active", Some(mug(1)))).collect();
        json!({ "count": count, "results": listings }).to_string()
    };
    let (web, script) = etsy(&[(200, page(150, 1..101)), (200, page(150, 100..151)), (200, EMPTY.to_owned())]);
    assert_eq!(scan(&web).await.unwrap().len(), 150);
    assert!(script.asked()[1].contains("state=active&limit=100&offset=99&"), "{:?}", script.asked());
    // One of the first hundred was hidden meanwhile: all move up by one.
    let answers = [
        (200, page(150, 1..101)),
        (200, page(149, 101..151)),
        (200, page(149, 2..102)),
        (200, page(149, 101..151)),
        (200, EMPTY.to_owned()),
    ];
    let (web, _) = etsy(&answers);
    let keys: std::collections::BTreeSet<ListingKey> =
        scan(&web).await.unwrap().into_iter().map(|listing| listing.key).collect();
    assert_eq!(keys.len(), 150, "the one that is gone was seen, and no other missed");
    let (web, _) = etsy(&[(200, page(900, 1..101))]);
    assert!(scan(&web).await.unwrap_err().message.contains("keeps changing"));
}

// proves F1: a page that is too much for Etsy is fetched in parts, without waiting for the same failure again.
#[tokio::test(start_paused = true)]
async fn a_page_that_fails_is_halved() {
    let active = list(&[listing(MUG, "active", Some(mug(2)))]);
    let (web, script) = etsy(&[(504, "<html>"), (0, ""), (200, active.as_str()), (200, EMPTY)]);
    assert_eq!(scan(&web).await.unwrap().len(), 1);
    let limits: Vec<bool> = script
        .asked()
        .iter()
        .zip([100, 50, 25])
        .map(|(asked, limit)| asked.contains(&format!("limit={limit}&")))
        .collect();
    assert_eq!(limits, [true, true, true]);
    let (web, script) = etsy(&[(503, "")]);
    assert_eq!(scan(&web).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(script.asked().len(), 3 + 4, "the shortest page is tried as often as anything else");
}

// The list may stop to tell what its listings hold: then they are asked for (4.1).
#[tokio::test(start_paused = true)]
async fn a_list_without_inventories_is_completed() {
    let bare = list(&[listing(TEE, "active", Json::Null), listing(MUG, "active", Json::Null)]);
    let whole = list(&[listing(MUG, "active", Some(mug(2))), listing(TEE, "active", Some(tees(3, 5)))]);
    let (web, script) = etsy(&[(200, bare.as_str()), (200, &whole), (200, EMPTY)]);
    assert_eq!(scan(&web).await.unwrap().len(), 3);
    assert_eq!(script.asked()[1], "GET listings/batch/inventory?listing_ids=1700000001,1700000002");
    // A full reading takes more calls than it has pages then.
    assert_eq!(web.listing_calls(), Some(4 + 1));
}

fn keys(keys: &[&str]) -> Vec<ListingKey> {
    keys.iter().map(ListingKey::new).collect()
}

fn found(reading: &Reading) -> (Option<i64>, Option<bool>) {
    match &reading.found {
        Found::Level { level, .. } => (Some(level.0), reading.live),
        Found::NoNumber => (None, reading.live),
        Found::Gone => (Some(-1), reading.live),
    }
}

// One call reads all, in the order that was asked for, and tells whether buyers see it.
#[tokio::test(start_paused = true)]
async fn levels_are_read_by_key() {
    let answer = list(&[listing(MUG, "inactive", Some(mug(2))), listing(TEE, "active", Some(tees(3, 5)))]);
    let (web, script) = etsy(&[(200, answer)]);
    let asked = keys(&["1700000001/100=5002", "1700000002", "1700000001/100=5001", "1700000001", "odd"]);
    let readings = web.levels(&asked).await.unwrap();
    let gone = (Some(-1), None);
    assert_eq!(
        readings.iter().map(found).collect::<Vec<_>>(),
        [(Some(5), Some(true)), (Some(2), Some(false)), (Some(3), Some(true)), gone, gone]
    );
    assert!(readings.iter().zip(&asked).all(|(reading, key)| reading.key == *key));
    assert_eq!(script.asked().len(), 1);
}

// One id that Etsy does not know makes it refuse all: it is found by halves, and looked up itself before it is gone (P5).
#[tokio::test(start_paused = true)]
async fn one_that_is_gone_hides_no_other() {
    let one = |id: i64| list(&[listing(id, "active", Some(mug(id)))]);
    let answers = [
        (404, NOT_THERE.to_owned()),
        // 3, 4: the second half goes first.
        (200, list(&[listing(3, "active", Some(mug(3))), listing(4, "active", Some(mug(4)))])),
        (404, NOT_THERE.to_owned()),
        (404, NOT_THERE.to_owned()),
        (200, one(1)),
        // 2 has no inventory, and is not there.
        (404, NOT_THERE.to_owned()),
        (404, NOT_THERE.to_owned()),
    ];
    let (web, script) = etsy(&answers);
    let readings = web.levels(&keys(&["1", "2", "3", "4"])).await.unwrap();
    let levels: Vec<Option<i64>> = readings.iter().map(|reading| found(reading).0).collect();
    assert_eq!(levels, [Some(1), Some(-1), Some(3), Some(4)]);
    let asked = script.asked();
    assert_eq!(asked[5..], ["GET listings/2/inventory?includes=Listing", "GET listings/2"]);
    // One that is there without an inventory has no number, and is not gone.
    let bare = listing(2, "active", Json::Null).to_string();
    let (web, _) = etsy(&[(404, NOT_THERE), (404, NOT_THERE), (200, &bare)]);
    let readings = web.levels(&keys(&["2"])).await.unwrap();
    assert_eq!(found(&readings[0]), (None, Some(true)));
}

// Where a reading does not tell the state, it is asked for; a listing that is sold out holds nothing.
#[tokio::test(start_paused = true)]
async fn a_state_that_is_not_told_is_asked_for() {
    let mut stateless = listing(MUG, "active", Some(mug(1)));
    stateless.as_object_mut().unwrap().remove("state");
    let states = list(&[listing(MUG, "sold_out", Json::Null)]);
    let (web, script) = etsy(&[(200, list(&[stateless.clone()])), (200, states)]);
    let readings = web.levels(&keys(&["1700000002"])).await.unwrap();
    assert_eq!(found(&readings[0]), (Some(0), Some(false)));
    assert_eq!(script.asked()[1], "GET listings/batch?listing_ids=1700000002");
    // One that is left out without a word, or that makes Etsy refuse the call, is looked up itself.
    for answer in [(200, EMPTY.to_owned()), (404, NOT_THERE.to_owned())] {
        let alone = (200, with_listing(mug(1), MUG, "edit"));
        let (web, script) = etsy(&[(200, list(&[stateless.clone()])), answer, alone]);
        let readings = web.levels(&keys(&["1700000002"])).await.unwrap();
        assert_eq!(found(&readings[0]), (Some(0), Some(false)), "hidden, with the one unit that is nobody's");
        assert_eq!(script.asked()[2], "GET listings/1700000002/inventory?includes=Listing");
    }
}
