//! Relisted goods from the owner's side: what `link`, `sync`, `status` and `doctor` say, and the command that mends it.

use crate::findings::said;
use crate::sim::Market;
use crate::sim::shopify::ShopSpec;
use crate::sim::woocommerce::WooSpec;
use crate::support::Home;

/// Makes a machine with a list as the source and one that follows, whose rows have numbers of their own, in step.
fn numbered() -> Home {
    let source = "sku,quantity,title\nMUG,10,Red mug\nMILK,30,Milk\n";
    let home = Home::with_lists(source, "id,sku,quantity,title\n17,MUG,1,Red mug\n18,SIX,1,Six pack of milk\n");
    home.eys("link --yes").is(0);
    home.eys("link --sku MILK --channel stall --to SIX --units 6 --yes").is(0);
    home.eys("sync --yes").is(0);
    home
}

// proves L2: a relisted listing is proposed in words, stored only with `--accept`, and its sales wait until then.
#[test]
fn a_relisted_listing_is_proposed_in_place_of_the_one_that_is_gone() {
    let home = numbered();
    home.write("stall.csv", home.read("stall.csv").replace("17,", "71,").replace("18,", "81,"));
    home.order("stall", "S-1", "SIX", 1, "open");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Sold
      1 × SIX on stall, order S-1 (waits: sold on a relisted listing that you had not accepted)

    To look at
      stall, MUG: it does not follow any more: ended (gone)
          next: `eys doctor` says what mends it
      stall, SIX: it does not follow any more: ended (gone)
          next: `eys doctor` says what mends it
      stall: 1 sold line waits for your word since 2026-11-24 09:00 UTC (sold on a relisted listing that you had not accepted): order S-1
          next: `eys link --accept` puts the new listing in the place of the one that is gone, and they count; else `eys sync --count-missed stall` takes them off the source, `eys sync --ignore-missed stall` drops them

    Run 4: 1 sale or change of an order, 3 problems
    ");
    insta::assert_snapshot!(home.eys("link"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     stock    source  csv   2         /home/owner/eys/stock.csv
     stall    target  csv   2         /home/owner/eys/stall.csv

    2 relisted listings are only proposed; `eys link --accept` takes them
          MUG on stall — 71 in the place of 17, which is gone: 1 × MUG, counted since 2026-11-24 09:00
          SIX on stall — 81 in the place of 18, which is gone: 6 × MILK, counted since 2026-11-24 09:00; 1 sold line waits for it
    ");
    let before = home.everything();
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    SKU match
      !!   stall: MUG: 17, which was linked, is gone, and 71 stands there in its place
      !!   stall: SIX: 18, which was linked, is gone, and 81 stands there in its place; 1 sold line waits for it
           next: `eys link --accept` ties the new listing as the old one was

    Sync settings
      !!   stall: 1 sold line waits for your word since 2026-11-24 09:00 UTC (sold on a relisted listing that you had not accepted): order S-1
           next: `eys link --accept` puts the new listing in the place of the one that is gone, and they count; else `eys sync --count-missed stall` takes them off the source, `eys sync --ignore-missed stall` drops them

    Accounts, permissions, limits
      ok   stall: /home/owner/eys/stall.csv is a list in UTF-8, with `,` between its columns: 2 listings, 0 of them take no part
      ok   stock: /home/owner/eys/stock.csv is a list in UTF-8, with `,` between its columns: 2 listings, 0 of them take no part
      ok   stall: its orders file has 1 open order

    3 problems found.
    ");
    home.eys("link --accept").is(4).has("`eys link --accept --yes` stores it");
    assert_eq!(home.everything(), before, "nothing is stored without the owner's word");
    home.eys("status").is(0).has("1 sold line waits for your word");
    home.eys("status --check").is(3).has("sold on a relisted listing that you had not accepted");
    let plan = home.json("link");
    assert_eq!((plan["relisted"].as_array().unwrap().len(), &plan["relisted"][0]["accepted"]), (2, &false.into()));
    assert_eq!((&plan["relisted"][1]["in_place_of"], &plan["relisted"][1]["sales_waiting"]), (&"18".into(), &1.into()));
    assert!(home.read("stock.csv").contains("MILK,30,"));

    insta::assert_snapshot!(home.eys("link --accept --yes"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     stock    source  csv   2         /home/owner/eys/stock.csv
     stall    target  csv   2         /home/owner/eys/stall.csv

    2 relisted listings take the places of old ones
          MUG on stall — 71 in the place of 17, which is gone: 1 × MUG, counted since 2026-11-24 09:00
          SIX on stall — 81 in the place of 18, which is gone: 6 × MILK, counted since 2026-11-24 09:00; 1 sold line waits for it
    ---- stderr

    Stored 2 links. Nothing was written to any channel.
    Next: `eys sync --dry-run` shows the first run, `eys sync --yes` makes it.
    ");
    home.eys("sync").is(0);
    home.eys("doctor").is(0).lacks("relisted");
    home.eys("status --check").is(0);
    home.eys("link").is(0).lacks("relisted");
    assert!(home.read("stock.csv").contains("MILK,24,"), "{}", home.read("stock.csv"));
    let list = home.read("stall.csv");
    assert!(list.contains("71,MUG,10,") && list.contains("81,SIX,4,"), "{list}");
    insta::assert_snapshot!(home.eys("status SIX").is(0).sorted(), @"
    exit 0
    ---- stdout
    SIX  Six pack of milk

     CHANNEL         LISTING  SHOWS  OFFERED  STATUS           BECAUSE
     stock (source)  MILK     24     -        source
     stall           SIX      4      4        listed & synced  MILK on the source: 24, 6 in each → 4
     stall           SIX      -      -        ended (gone)     it is not there any more

    Its story
      2026-11-24 09:00  stall SIX                1 → 5, written by eys
      2026-11-24 09:00  stall SIX                5 → 4, written by eys
      2026-11-24 09:00  stall SIX                gone from its channel
      2026-11-24 09:00  stall SIX                linked, showing 1
      2026-11-24 09:00  stall SIX                linked, showing 5
      2026-11-24 09:00  stall SIX                released by you: h1: the first push to stall would change 2 of 2 listings
      2026-11-24 09:00  stall SIX                sold 1, order S-1 on stall
      2026-11-24 09:00  stall SIX                unlinked: 81 took its place
      2026-11-24 09:00  stock MILK               30 → 24, taken off for order S-1 on stall
      2026-11-24 09:00  stock MILK               linked, showing 30
      2026-11-24 09:00  stock MILK               linked, showing 30
    ");
}

// proves L2: a listing of the source that was put up anew is proposed as well, with what follows it, and takes its place.
#[test]
fn a_relisted_listing_of_the_source_is_proposed_in_place_of_the_one_that_is_gone() {
    let rows = "3,BOWL,5,Bowl\n4,CUP,5,Cup\n5,HAT,5,Hat\n6,JAR,5,Jar\n7,TEA,5,Tea\n";
    let source = format!("id,sku,quantity,title\n1,MUG,10,Red mug\n2,MILK,30,Milk\n{rows}");
    let target = "sku,quantity,title\nMUG,1,Red mug\nSIX,1,Six pack of milk\nBOWL,5,Bowl\nCUP,5,Cup\nHAT,5,Hat\nJAR,5,Jar\nTEA,5,Tea\n";
    let home = Home::with_lists(&source, target);
    home.eys("link --yes").is(0);
    home.eys("link --sku MILK --channel stall --to SIX --units 6 --yes").is(0);
    home.eys("sync --yes").is(0);
    home.write("stock.csv", home.read("stock.csv").replace("2,MILK,30,", "22,MILK,24,"));
    home.order("stall", "S-1", "SIX", 1, "open");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 3
    ---- stdout
    Sold
      1 × SIX on stall, order S-1

    Listings that follow
     SKU  ON     SHOWS        BECAUSE
     SIX  stall  4 → 0  done  MILK on the source: 30, 6 sold and not taken off yet, leaves 24, 6 in
                              each → 4; a listing of it on the source is gone → 0

    To look at
      stall, SIX: it does not follow any more: source gone
          next: `eys doctor` says what mends it
      stall: 1 sold line is not taken off since 2026-11-24 09:00 UTC (the listing on the source is gone): order S-1
          next: put it up again with its SKU; `eys link --accept` then lets it take the old one's place

    Run 4: 1 sale or change of an order, 1 listing updated, 2 problems
    ");
    home.eys("sync").is(3);
    assert!(home.read("stall.csv").contains("SIX,0,"), "{}", home.read("stall.csv"));
    insta::assert_snapshot!(home.eys("link"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     stock    source  csv   7         /home/owner/eys/stock.csv
     stall    target  csv   7         /home/owner/eys/stall.csv

    7 SKUs are linked already.

    1 relisted listing is only proposed; `eys link --accept` takes them
          MILK on stock — 22 in the place of 2, which is gone: followed by SIX on stall; 1 sold line is taken off it then
    ");
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    SKU match
      !!   stock: MILK: 2, which was linked, is gone, and 22 stands there in its place; 1 sold line is taken off it then
           next: `eys link --accept` ties the new listing as the old one was
      !!   stall: SIX (Six pack of milk) does not follow: its listing on the source is gone
           next: put it up again on the source with its SKU, and `eys link --accept` ties it; if it is gone for good, `eys link --remove stall/SIX` unties it

    Accounts, permissions, limits
      ok   stall: /home/owner/eys/stall.csv is a list in UTF-8, with `,` between its columns: 7 listings, 0 of them take no part
      ok   stock: /home/owner/eys/stock.csv is a list in UTF-8, with `,` between its columns: 7 listings, 0 of them take no part
      ok   stall: its orders file has 1 open order

    State
      !!   stall: 1 sold line is not taken off since 2026-11-24 09:00 UTC (the listing on the source is gone): order S-1
           next: put it up again with its SKU; `eys link --accept` then lets it take the old one's place

    3 problems found.
    ");
    home.eys("link --accept").is(4).has("`eys link --accept --yes` stores it");
    let plan = home.json("link");
    assert_eq!(plan["relisted"][0]["followed_by"][0]["sku"], "SIX");
    home.eys("link --accept --yes").is(0).has("Stored 1 link.");
    home.eys("sync").is(0);
    let (stock, stall) = (home.read("stock.csv"), home.read("stall.csv"));
    assert!(stock.contains("22,MILK,18,") && stall.contains("SIX,3,"), "{stock}{stall}");
    home.eys("doctor").is(0).lacks("relisted").lacks("gone");
    insta::assert_snapshot!(home.eys("status SIX").is(0).sorted(), @"
    exit 0
    ---- stdout
    SIX  Six pack of milk

     CHANNEL         LISTING  SHOWS  OFFERED  STATUS           BECAUSE
     stock (source)  MILK     18     -        source
     stall           SIX      3      3        listed & synced  MILK on the source: 18, 6 in each → 3

    Its story
      2026-11-24 09:00  stall SIX                0 → 3, written by eys
      2026-11-24 09:00  stall SIX                1 → 5, written by eys
      2026-11-24 09:00  stall SIX                4 → 0, written by eys; no sale had emptied it
      2026-11-24 09:00  stall SIX                5 → 4, written by eys
      2026-11-24 09:00  stall SIX                linked, showing 0
      2026-11-24 09:00  stall SIX                linked, showing 1
      2026-11-24 09:00  stall SIX                released by you: h1: the first push to stall would change 2 of 7 listings
      2026-11-24 09:00  stall SIX                sold 1, order S-1 on stall
      2026-11-24 09:00  stall SIX                unlinked: 22 took the place of 2 on stock
      2026-11-24 09:00  stock MILK               24 → 18, taken off for order S-1 on stall
      2026-11-24 09:00  stock MILK               linked, showing 24
    ");
}

// finds relisted
// proves L2: the same on shops; what `doctor` names is mended by the command that it names, and each sale is taken off once.
#[tokio::test(flavor = "multi_thread")]
async fn what_doctor_says_of_a_relisted_listing_mends_it() {
    for woo in [false, true] {
        let market = Market::live(1);
        let mut home = Home::new();
        home.list("stock", "source", "sku,quantity,title\nMUG,10,Red mug\n");
        let outlet = if woo {
            let outlet = market.add_woocommerce(&WooSpec::new("outlet", &[("MUG", 1)]));
            home.woocommerce("outlet", "target", &outlet).await;
            outlet
        } else {
            let outlet = market.add_shopify(&ShopSpec::new("outlet", &[("MUG", 1)]));
            home.shopify("outlet", "target", &outlet).await;
            outlet
        };
        home.eys("link --yes").is(0);
        home.eys("sync --yes").is(0);
        outlet.delete("MUG");
        outlet.add("MUG", 10);
        outlet.buy("MUG", 2).unwrap();
        home.eys("sync").is(4).has("sold on a relisted listing that you had not accepted");
        insta::assert_snapshot!(format!("doctor_of_a_relisted_listing_woo_{woo}"), said(&home, "relisted"));
        home.eys("link --accept --yes").is(0).has("Stored 1 link.");
        home.eys("sync").is(0);
        assert!(home.read("stock.csv").contains("MUG,8,"), "woo {woo}: {}", home.read("stock.csv"));
        assert_eq!(outlet.available("MUG"), 8, "woo {woo}");
        home.eys("doctor").is(0).lacks("relisted").lacks("wait");
        home.eys("sync").is(0);
        assert!(home.read("stock.csv").contains("MUG,8,"));
    }
}
