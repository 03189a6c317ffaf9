//! What listings hold, by the three calls that tell it, each with a meaning of its own.

use super::*;
use crate::domain::{Found, ListingState};

fn found(reading: &Reading) -> Option<(i64, Option<i64>)> {
    match &reading.found {
        Found::Level { level, counter, .. } => Some((level.0, *counter)),
        _ => None,
    }
}

const SELLING: &str = "<ActiveList><ItemArray>
  <Item><ItemID>110000000001</ItemID><Title>Mug</Title><ListingType>FixedPriceItem</ListingType><Quantity>9</Quantity>
    <SellingStatus><CurrentPrice currencyID=\"USD\">12.5</CurrentPrice></SellingStatus>
    <QuantityAvailable>7</QuantityAvailable><SKU>MUG-BLUE</SKU></Item>
  <Item><ItemID>110000000002</ItemID><Title>Tee</Title><ListingType>FixedPriceItem</ListingType><Quantity>12</Quantity>
    <Variations>
      <Variation><SKU>TEE-S</SKU><Quantity>5</Quantity><SellingStatus><QuantitySold>2</QuantitySold></SellingStatus>
        <VariationSpecifics><NameValueList><Name>Size</Name><Value>S</Value></NameValueList></VariationSpecifics></Variation>
      <Variation><SKU>TEE-M</SKU><Quantity>7</Quantity><SellingStatus><QuantitySold>7</QuantitySold></SellingStatus></Variation>
      <Variation><SKU/><Quantity>4</Quantity><SellingStatus><QuantitySold>0</QuantitySold></SellingStatus>
        <VariationSpecifics><NameValueList><Name>Size</Name><Value>L</Value></NameValueList></VariationSpecifics></Variation>
    </Variations></Item>
  <Item><ItemID>110000000003</ItemID><ListingType>Chinese</ListingType><Quantity>1</Quantity><SKU>ONE</SKU></Item>
  </ItemArray>
  <PaginationResult><TotalNumberOfPages>2</TotalNumberOfPages><TotalNumberOfEntries>203</TotalNumberOfEntries></PaginationResult>
</ActiveList>";

// proves X3 for eBay: a scan tells what can be bought, and the counter of what was sold.
#[tokio::test(start_paused = true)]
async fn a_scan_tells_what_can_be_bought() {
    let (web, script) = ebay(&[(200, xml("GetMyeBaySelling", "Success", SELLING))]);
    let page = web.listings(None).await.unwrap();
    let told: Vec<_> = page
        .items
        .iter()
        .map(|listing| (listing.key.as_str(), listing.level.map(|level| level.0), listing.counter))
        .collect();
    assert_eq!(
        told,
        [
            ("110000000001", Some(7), Some(2)),
            ("110000000002/TEE-S", Some(3), Some(2)),
            ("110000000002/TEE-M", Some(0), Some(7)),
            ("110000000002//Size L", Some(4), Some(0)),
            ("110000000003", None, None),
        ]
    );
    let unfit: Vec<bool> = page.items.iter().map(|listing| listing.unfit.is_some()).collect();
    assert_eq!(unfit, [false, false, false, true, true]);
    assert_eq!(page.items[1].title(), "Tee - Size S");
    assert_eq!(page.items[0].goods[0].price.map(|price| price.0), Some(1250));
    assert!(page.items.iter().all(|listing| listing.state == ListingState::Live));
    web.listings(page.next).await.unwrap();
    assert!(script.body(1).contains("<PageNumber>2</PageNumber>"), "{}", script.body(1));
    let empty = web.listings(Some(PageToken("2".into()))).await.unwrap();
    assert!(empty.next.is_none());
}

// What is sold in another way than at a fixed price is named, and left alone.
#[tokio::test(start_paused = true)]
async fn what_has_no_stock_is_named() {
    let mut told = Vec::new();
    for kind in ["FixedPriceItem", "StoresFixedPrice", "Chinese", "LeadGeneration", "AdType"] {
        let item = format!(
            "<ActiveList><ItemArray><Item><ItemID>1</ItemID><ListingType>{kind}</ListingType><Quantity>1</Quantity>\
             <SellingStatus><QuantitySold>0</QuantitySold></SellingStatus><QuantityAvailable>1</QuantityAvailable>\
             <SKU>ONE</SKU></Item></ItemArray>\
             <PaginationResult><TotalNumberOfPages>1</TotalNumberOfPages></PaginationResult></ActiveList>"
        );
        let (web, _) = ebay(&[(200, xml("GetMyeBaySelling", "Success", &item))]);
        let page = web.listings(None).await.unwrap();
        told.push(format!("{kind}: {}", page.items[0].unfit.as_deref().unwrap_or("fit")));
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    FixedPriceItem: fit
    StoresFixedPrice: fit
    Chinese: an auction: it is sold once, and eBay keeps no stock for it
    LeadGeneration: sold as `LeadGeneration`: only fixed-price listings have stock
    AdType: sold as `AdType`: only fixed-price listings have stock
    ");
}

// proves P5: without its numbers a listing holds no number, and in no call is that 0.
#[tokio::test(start_paused = true)]
async fn a_number_that_is_none_is_no_number() {
    for fields in [
        "<Quantity>9</Quantity>",
        "<QuantityAvailable>many</QuantityAvailable><Quantity>9</Quantity>",
        "<QuantityAvailable>7</QuantityAvailable>",
        "<QuantityAvailable/><Quantity/>",
    ] {
        let list = format!(
            "<ActiveList><ItemArray><Item><ItemID>1</ItemID>{fields}</Item></ItemArray>\
             <PaginationResult><TotalNumberOfPages>1</TotalNumberOfPages></PaginationResult></ActiveList>"
        );
        let (web, _) = ebay(&[(200, xml("GetMyeBaySelling", "Success", &list))]);
        assert_eq!(web.listings(None).await.unwrap().items[0].level, None, "{fields}");
    }
    for fields in ["", "<Quantity>9</Quantity>", "<SellingStatus><QuantitySold>2</QuantitySold></SellingStatus>"] {
        let (web, _) = ebay(&[(200, xml("GetItem", "Success", &format!("<Item><ItemID>1</ItemID>{fields}</Item>")))]);
        let readings = web.levels(&[ListingKey::new("1")]).await.unwrap();
        assert_eq!(readings[0].found, Found::NoNumber, "{fields}");
    }
}

// A reading by key takes one call for all variations of a listing, and what is not there any more is gone.
#[tokio::test(start_paused = true)]
async fn readings_by_key_are_totals_less_what_was_sold() {
    let tee = "<Item><ItemID>110000000002</ItemID><Quantity>12</Quantity>\
        <SellingStatus><QuantitySold>9</QuantitySold></SellingStatus><Variations>\
        <Variation><SKU>TEE-S</SKU><Quantity>5</Quantity><SellingStatus><QuantitySold>2</QuantitySold></SellingStatus></Variation>\
        <Variation><SKU>TEE-M</SKU><Quantity>7</Quantity><SellingStatus><QuantitySold>7</QuantitySold></SellingStatus></Variation>\
        </Variations></Item>";
    let ended = "<Item><ItemID>3</ItemID><Quantity>5</Quantity><SellingStatus><QuantitySold>5</QuantitySold>\
        <ListingStatus>Completed</ListingStatus></SellingStatus></Item>";
    let (web, script) = ebay(&[
        (200, xml("GetItem", "Success", tee)),
        (200, xml("GetItem", "Failure", &error("17", "RequestError", "Item cannot be accessed."))),
        (200, xml("GetItem", "Warning", ended)),
    ]);
    let keys = ["110000000002/TEE-M", "2", "110000000002/TEE-S", "3", "110000000002/TEE-XL", "nonsense"];
    let readings = web.levels(&keys.map(ListingKey::new)).await.unwrap();
    assert_eq!(found(&readings[0]), Some((0, Some(7))));
    assert_eq!(found(&readings[2]), Some((3, Some(2))));
    assert_eq!((readings[0].live, readings[2].live), (None, Some(true)), "at 0 it is out of sight");
    for gone in [1, 3, 4, 5] {
        assert_eq!(readings[gone].found, Found::Gone, "{}", keys[gone]);
    }
    assert_eq!(script.asked().len(), 3);
    let (web, _) = ebay(&[(200, item("8", 1, 0, ""))]);
    let error = web.levels(&[ListingKey::new("7")]).await.unwrap_err();
    assert!(error.message.contains("another listing than was asked for: 8"), "{error}");
}

// Changes are read up to now, then, once an hour, what ended; a total of 1 is left out there, and only there;
// where nothing was sold it may as well be 0, and says nothing (P5).
#[tokio::test(start_paused = true)]
async fn changes_are_read_in_windows() {
    let one = "<ItemArray><Item><ItemID>1</ItemID><SellingStatus><QuantitySold>0</QuantitySold></SellingStatus></Item>\
        <Item><ItemID>2</ItemID><Quantity>5</Quantity><SellingStatus><QuantitySold>2</QuantitySold></SellingStatus></Item>\
        <Item><ItemID>3</ItemID><SellingStatus><QuantitySold>1</QuantitySold></SellingStatus></Item></ItemArray>";
    let user = xml("GetUser", "Success", "<User><UserID>mugs</UserID></User>");
    let (web, script) = ebay(&[
        (200, user),
        (200, xml("GetSellerEvents", "Success", one)),
        (200, xml("GetSellerEvents", "Success", one)),
        (200, xml("GetSellerEvents", "Success", "")),
    ]);
    let since = "2026-11-21T05:00:00Z".parse().unwrap();
    let (mut page, mut windows) = (None, Vec::new());
    loop {
        let read = web.changed(since, page).await.unwrap();
        windows.push(read.items.iter().map(found).collect::<Vec<_>>());
        page = read.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(windows[0], [None, Some((3, Some(2))), Some((0, Some(1)))]);
    assert_eq!(windows.len(), 4, "two windows of what changed, two of what ended");
    let body = |nth| script.body(nth);
    assert!(body(1).contains("<ModTimeFrom>2026-11-21T05:00:00.000Z</ModTimeFrom><ModTimeTo>2026-11-23T04:00:00.000Z"));
    // What is left out means the time of the call, by eBay's own clock.
    assert!(body(2).contains("<ModTimeFrom>2026-11-23T03:58:00.000Z</ModTimeFrom>"), "{}", body(2));
    assert!(!body(2).contains("ModTimeTo") && !body(4).contains("EndTimeTo"), "{} {}", body(2), body(4));
    assert!(body(3).contains("<EndTimeFrom>2026-11-21T04:58:00.000Z</EndTimeFrom>"), "{}", body(3));
}

// A list that eBay cut off looks complete: its window is halved until it is.
#[tokio::test(start_paused = true)]
async fn a_list_that_was_cut_off_is_read_in_halves() {
    let many: String = (0..2000).map(|id| format!("<Item><ItemID>{id}</ItemID></Item>")).collect();
    let cut = xml("GetSellerEvents", "Success", &format!("<ItemArray>{many}</ItemArray>"));
    let user = xml("GetUser", "Success", "<User><UserID>mugs</UserID></User>");
    let (web, script) = ebay(&[(200, user), (200, cut), (200, xml("GetSellerEvents", "Success", ""))]);
    let since = "2026-11-23T05:30:00Z".parse().unwrap();
    let first = web.changed(since, None).await.unwrap();
    assert!(first.items.is_empty());
    let second = web.changed(since, first.next).await.unwrap();
    assert!(script.body(2).contains("<ModTimeTo>2026-11-23T06:15:00.000Z"), "{}", script.body(2));
    web.changed(since, second.next).await.unwrap();
    assert!(script.body(3).contains("<ModTimeFrom>2026-11-23T06:13:00.000Z"), "{}", script.body(3));
}
