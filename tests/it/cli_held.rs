//! What waits for the owner because somebody else may have dealt with it: what is told, and the commands that mend it.

use std::time::Duration;

use crate::sim::Market;
use crate::sim::shopify::ShopSpec;
use crate::support::Home;

/// Writes a number into a list.
fn cell(home: &Home, list: &str, sku: &str, units: i64) {
    let text = home.read(list);
    let line = |line: &str| match line.split(',').collect::<Vec<_>>().as_slice() {
        [own, _, title] if *own == sku => format!("{sku},{units},{title}\n"),
        _ => format!("{line}\n"),
    };
    home.write(list, text.lines().map(line).collect::<String>());
}

/// Makes a machine with a list as the source and a shop in which two mugs were sold 80 hours ago, after it was linked.
async fn sold_long_ago(market: &Market) -> Home {
    let outlet = market.add_shopify(&ShopSpec::new("outlet", &[("MUG", 1), ("BOWL", 1)]));
    let mut home = Home::new();
    home.list("stock", "source", "sku,quantity,title\nMUG,10,Red mug\nBOWL,4,Blue bowl\n");
    home.shopify("outlet", "target", &outlet).await;
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    outlet.buy("MUG", 2).unwrap();
    market.advance(Duration::from_hours(80));
    home
}

// proves W5: what is seen late is told before, in, and after the run, and counted on the owner's word.
// finds held-lines
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_is_seen_late_waits() {
    let market = Market::live(1);
    let home = sold_long_ago(&market).await;
    let before = home.everything();
    insta::assert_snapshot!(home.eys("sync --dry-run"), @"
    exit 4
    ---- stdout
    Sold
      2 × MUG on outlet, order #1001 (waits: first seen more than three days after it was placed)

    To look at
      outlet: 1 sold line waits for your word since 2026-11-24 09:00 UTC (first seen more than three days after it was placed): order #1001
          next: `eys sync --count-missed outlet` takes them off the source, `eys sync --ignore-missed outlet` drops them

    Dry run: 1 sale or change of an order, 1 problem. Nothing was written
    ");
    assert_eq!(home.everything(), before);
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Sold
      2 × MUG on outlet, order #1001 (waits: first seen more than three days after it was placed)

    To look at
      outlet: 1 sold line waits for your word since 2026-11-24 09:00 UTC (first seen more than three days after it was placed): order #1001
          next: `eys sync --count-missed outlet` takes them off the source, `eys sync --ignore-missed outlet` drops them

    Run 3: 1 sale or change of an order, 1 problem
    ");
    assert!(home.read("stock.csv").contains("MUG,10,"));
    insta::assert_snapshot!(home.eys("status"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND     LINKED  WITH STOCK  LAST COMPLETE     ACCOUNT
     stock    source  csv      2       -           2026-11-24 09:00  /home/owner/eys/stock.csv
     outlet   target  shopify  2       2           2026-11-24 09:00  outlet

    Last run: 3, 2026-11-24 09:00 — 1 sale or change of an order, 1 problem

    To look at
      outlet: 1 sold line waits for your word since 2026-11-24 09:00 UTC (first seen more than three days after it was placed): order #1001
          next: `eys sync --count-missed outlet` takes them off the source, `eys sync --ignore-missed outlet` drops them
    ");
    let since =
        "2 for order #1001 on outlet: waits for your word since 2026-11-24 09:00: first seen more than three days";
    home.eys("status MUG").is(0).has(since);
    home.eys("status --check").is(3).has("1 sold line waits for your word");
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    Sync settings
      !!   outlet: 1 sold line waits for your word since 2026-11-24 09:00 UTC (first seen more than three days after it was placed): order #1001
           next: `eys sync --count-missed outlet` takes them off the source, `eys sync --ignore-missed outlet` drops them

    1 problem found.
    ");
    home.eys("sync --count-missed outlet").is(0);
    assert!(home.read("stock.csv").contains("MUG,8,"));
    home.eys("doctor --offline").is(0);
    home.eys("status --check").is(0);
}

// proves P6, H3: a dry run names no hold that is not there yet, and what a run then holds has the number that it says.
#[test]
fn a_hold_of_a_dry_run_has_no_number() {
    let goods = |units: i64| {
        let row = |nth: i64| format!("SKU-{nth:02},{units},Thing {nth}\n");
        format!("sku,quantity,title\n{}", (0..10).map(row).collect::<String>())
    };
    let home = Home::with_lists(&goods(5), &goods(5));
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.write("stock.csv", goods(0));
    let plan = home.eys("sync --dry-run");
    plan.is(4)
        .has("would be held")
        .has("without --dry-run it is held, and gets the number that releases it")
        .lacks("--release")
        .lacks("--yes");
    let json = home.json("sync --dry-run");
    let hold = &json["holds"][0];
    assert_eq!((&hold["id"], &hold["next"]), (&serde_json::Value::Null, &serde_json::Value::Null), "{json}");
    assert_eq!(json["pushes"][0]["hold"], serde_json::Value::Null);
    home.eys("sync --yes").is(4).has("releases none that you were not shown").lacks("All that were shown");
    home.eys("sync").is(4).has("All that were shown to you before: eys sync --yes");
    home.eys("sync --dry-run --release h2").is(0).has("5 → 0");
    home.eys("sync --yes").is(0);
    assert!(home.read("stall.csv").contains("SKU-00,0,"));
}

// proves W5: a sale that another app brought into the source waits; with deducting switched off and the sale dropped, all
// is well.
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_stands_in_the_source_already_waits() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10), ("BOWL", 4)]));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.list("stall", "target", "sku,quantity,title\nMUG,1,Red mug\nBOWL,1,Blue bowl\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    shop.bring_in("MUG", 2, "connector", "S-1");
    home.eys("sync").is(0);
    home.order("stall", "S-1", "MUG", 2, "open");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Sold
      2 × MUG on stall, order S-1 (waits: another app seems to bring these orders into the source)

    Listings that follow
     SKU  ON     SHOWS        BECAUSE
     MUG  stall  8 → 6  done  MUG on the source: 8, 2 sold and not taken off yet, leaves 6

    To look at
      stall: 1 sold line waits for your word since 2026-11-24 09:00 UTC (another app seems to bring these orders into the source): order S-1
          next: if it is so, set `deduct_sales = false` in the block of stall in channels.toml and drop these with `eys sync --ignore-missed stall`; if not, `eys sync --count-missed stall` takes them off the source

    Run 4: 1 sale or change of an order, 1 listing updated, 1 problem
    ");
    assert_eq!(shop.available("MUG"), 8);
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    Sync settings
      !!   stall: another app seems to bring its orders into the source: order S-1 stands in shop as order #1001, brought in by connector
           next: if it is so, set `deduct_sales = false` in its block of channels.toml
      !!   stall: 1 sold line waits for your word since 2026-11-24 09:00 UTC (another app seems to bring these orders into the source): order S-1
           next: if it is so, set `deduct_sales = false` in the block of stall in channels.toml and drop these with `eys sync --ignore-missed stall`; if not, `eys sync --count-missed stall` takes them off the source

    Accounts, permissions, limits
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   stall: /home/owner/eys/stall.csv is a list in UTF-8, with `,` between its columns: 2 listings, 0 of them take no part
      ok   shop: stock is read at Main
      ok   stall: its orders file has 1 open order
      ok   shop: the app has the scopes it needs

    2 problems found.
    ");
    home.edit("orders =", "deduct_sales = false\norders =");
    home.eys("sync --ignore-missed stall").is(0);
    assert_eq!(shop.available("MUG"), 8);
    home.eys("sync").is(0);
    assert!(home.read("stall.csv").contains("MUG,8,"));
    home.eys("doctor").is(0);
}

// proves W3: units that were put back by hand are not given back before the owner says so.
#[test]
fn what_was_put_back_by_hand_waits() {
    let home = Home::in_step();
    home.order("stall", "S-1", "MUG", 2, "open");
    home.eys("sync").is(0);
    cell(&home, "stock.csv", "MUG", 10);
    home.order("stall", "S-1", "MUG", 2, "cancelled");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Sold
      2 × MUG came back on stall, order S-1 (waits: the source rose by just these units since they were cancelled)

    Listings that follow
     SKU  ON     SHOWS         BECAUSE
     MUG  stall  8 → 10  done  MUG on the source: 10

    To look at
      stall: 1 cancelled line waits for your word since 2026-11-24 09:00 UTC (the source rose by just these units since they were cancelled): order S-1
          next: if you put these units back yourself, `eys sync --ignore-missed stall` leaves the source as it is; if not, `eys sync --count-missed stall` gives them back

    Run 4: 1 sale or change of an order, 1 listing updated, 1 problem
    ");
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    Sync settings
      !!   stall: 1 cancelled line waits for your word since 2026-11-24 09:00 UTC (the source rose by just these units since they were cancelled): order S-1
           next: if you put these units back yourself, `eys sync --ignore-missed stall` leaves the source as it is; if not, `eys sync --count-missed stall` gives them back

    1 problem found.
    ");
    home.eys("sync --ignore-missed stall").is(0);
    assert!(home.read("stock.csv").contains("MUG,10,"));
    home.eys("doctor --offline").is(0);
}

// proves R4: a second writer is held with both numbers, and let go once it has stopped.
#[test]
fn a_second_writer_is_held() {
    let home = Home::in_step();
    for _ in 0..6 {
        cell(&home, "stall.csv", "MUG", 50);
        home.eys("sync").is(0);
    }
    cell(&home, "stall.csv", "MUG", 50);
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Listings that follow
     SKU  ON     SHOWS               BECAUSE
     MUG  stall  50 → 10  held (h2)  MUG on the source: 10; another number stood there than eys wrote:
                                     to change it, change the source

    Waiting for your word
      h2: MUG on stall: eys writes 10, another program keeps writing 50; corrected 6 times in 24 hours (since 2026-11-24 09:00 UTC)
          stop the other program, then release it: eys sync --release h2
      All that were shown to you before: eys sync --yes

    Run 9: 1 listing held
    ");
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    Sync settings
      !!   stall: h2: MUG on stall: eys writes 10, another program keeps writing 50; corrected 6 times in 24 hours (since 2026-11-24 09:00 UTC)
           next: stop the other program from writing the stock of this listing; then `eys sync --release h2` lets it go on; with `--dry-run` it shows what that writes

    1 problem found.
    ");
    home.eys("sync --release h2").is(0);
    assert!(home.read("stall.csv").contains("MUG,10,"));
    home.eys("doctor --offline").is(0);
}

// proves W6: what was sold and is not there is a finding until stock comes in.
#[test]
fn an_oversell_is_a_finding_until_it_is_paid() {
    let home = Home::in_step();
    home.order("stall", "S-1", "BOWL", 6, "open");
    home.eys("sync").is(3);
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    State
      !!   stall: 1 sold line waits for stock since 2026-11-24 09:00 UTC (the source has none left): order S-1
           next: add stock on the source, or cancel; it is taken off the next stock that comes in

    1 problem found.
    ");
    cell(&home, "stock.csv", "BOWL", 5);
    home.eys("sync").is(0);
    assert!(home.read("stock.csv").contains("BOWL,3,"));
    home.eys("doctor --offline").is(0);
}

// proves W7: lines of a channel that is no longer in channels.toml are told, and can be counted.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_channel_left_waiting_can_be_counted() {
    let market = Market::live(1);
    let home = sold_long_ago(&market).await;
    home.eys("sync").is(4);
    let text = home.read("channels.toml");
    home.config(text.split("[channels.outlet]").next().unwrap());
    home.eys("sync").is(4).has("outlet: 1 sold line waits for your word");
    home.eys("sync --count-missed nosuch").is(2).has("there is no channel `nosuch`");
    // What is left to be said is that its block is gone.
    home.eys("sync --count-missed outlet").is(3).has("it stands no longer in channels.toml");
    assert!(home.read("stock.csv").contains("MUG,8,"));
}

// proves Z5, P6, H1: what stands under a hold is shown with the number that its release writes, and what goes out in spite
// of it with how that came about.
#[test]
fn a_hold_shows_what_its_release_writes() {
    let goods: String = (0..10).map(|nth| format!("SKU-{nth},5\n")).collect();
    let home = Home::with_lists(&format!("sku,quantity\n{goods}"), &format!("sku,quantity\n{goods}"));
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    let stock = home.read("stock.csv");
    let rest: String =
        stock.lines().filter(|line| !line.starts_with("SKU-2")).map(|line| format!("{line}\n")).collect();
    let rest = rest.replace("SKU-0,5\n", "").replace("SKU-1,5\n", "");
    home.write("stock.csv", &rest);
    insta::assert_snapshot!(home.eys("sync --dry-run"), @"
    exit 4
    ---- stdout
    Listings that would follow
     SKU    ON     SHOWS                 BECAUSE
     SKU-0  stall  5 → 0  would be held  SKU-0 on the source: 5; a listing of it on the source is gone
                                         → 0
     SKU-1  stall  5 → 0  would be held  SKU-1 on the source: 5; a listing of it on the source is gone
                                         → 0
     SKU-2  stall  5 → 0  would be held  SKU-2 on the source: 5; a listing of it on the source is gone
                                         → 0

    Waiting for your word
      stall: 3 of 10 linked listings on the source are gone or at 0, and with them 3 on stall
          without --dry-run it is held, and gets the number that releases it

    To look at
      stall, SKU-0: it does not follow any more: source gone
          next: `eys doctor` says what mends it
      stall, SKU-1: it does not follow any more: source gone
          next: `eys doctor` says what mends it
      stall, SKU-2: it does not follow any more: source gone
          next: `eys doctor` says what mends it

    Dry run: 3 listings held, 3 problems. Nothing was written
    ");
    home.eys("sync").is(4).has("5 → 0  held (h2)");
    home.order("stall", "S-1", "SKU-1", 1, "open");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Sold
      1 × SKU-1 on stall, order S-1

    Listings that follow
     SKU    ON     SHOWS        BECAUSE
     SKU-1  stall  5 → 4  done  SKU-1 on the source: 5, 1 sold and not taken off yet, leaves 4; a
                                listing of it on the source is gone → 0; held (h2), and what was sold
                                is taken off → 4

    Waiting for your word
      h2: 3 of 10 linked listings on the source are gone or at 0, and with them 3 on stall (since 2026-11-24 09:00 UTC)
          release it: eys sync --release h2
      All that were shown to you before: eys sync --yes

    To look at
      stall: 1 sold line is not taken off since 2026-11-24 09:00 UTC (the listing on the source is gone): order S-1
          next: put it up again with its SKU; `eys link --accept` then lets it take the old one's place

    Run 4: 1 sale or change of an order, 1 listing updated, 1 problem
    ");
    home.eys("status SKU-1").has("4      0        source gone (held: h2)");
    home.eys("sync --yes").is(3);
    let shows = home.read("stall.csv");
    assert!((0..3).all(|nth| shows.contains(&format!("SKU-{nth},0"))), "{shows}");
}

// proves P5: a number that cannot be read is told for as long as it cannot, to those who only ask as well.
#[test]
fn a_number_that_cannot_be_read_stays_told() {
    let home = Home::in_step();
    home.write("stock.csv", home.read("stock.csv").replace("MUG,10", "MUG,viele"));
    home.eys("sync").is(3).has("its quantity cannot be read; what was read last still counts");
    insta::assert_snapshot!(home.eys("status --check"), @"
    exit 3
    ---- stdout
    To look at
      stock, MUG: its quantity cannot be read since 2026-11-24 09:00 UTC; what was read last still counts
          next: write a whole number there
    ");
    home.write("stock.csv", home.read("stock.csv").replace("MUG,viele", "MUG,10"));
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
}
