//! `eys sync`: one run, a loop, what waits for the owner's word, and how a run is stopped.

use std::time::{Duration, Instant};

use eys::store::Lock;
use jiff::Timestamp;

use crate::sim::shopify::ShopSpec;
use crate::sim::{Market, Rule, ShopHandle, Trouble};
use crate::support::{Home, until};

/// A shop that is the source, and a list that follows.
async fn shop_and_list(market: &Market) -> (Home, ShopHandle) {
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10), ("BOWL", 4)]));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.list("stall", "target", "sku,quantity,title\nMUG,1,Red mug\nBOWL,1,Blue bowl\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    (home, shop)
}

// proves H1, H2: what `link` showed is released by `--yes`; a sale is told, taken off, and the rest is still.
#[test]
fn a_first_run_a_sale_and_nothing_to_do() {
    let home = Home::with_mugs();
    home.eys("link --yes").is(0);
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Listings that follow
     SKU   ON     SHOWS              BECAUSE
     BOWL  stall  1 → 4   held (h1)  BOWL on the source: 4
     MUG   stall  1 → 10  held (h1)  MUG on the source: 10

    Waiting for your word
      h1: the first push to stall would change 2 of 2 listings (since 2026-11-24 09:00 UTC)
          release it: eys sync --release h1
      All that were shown to you before: eys sync --yes

    Run 2: 2 listings held
    ");
    assert!(home.read("stall.csv").contains("MUG,1,"));
    insta::assert_snapshot!(home.eys("sync --yes"), @"
    exit 0
    ---- stdout
    Run 3: 2 listings updated
    ");
    assert_eq!(home.read("stall.csv"), "sku,quantity,title\nMUG,10,Red mug\nBOWL,4,Blue bowl\n");
    home.order("stall", "S-1", "MUG", 2, "open");
    insta::assert_snapshot!(home.eys("sync -v"), @"
    exit 0
    ---- stdout
    Sold
      2 × MUG on stall, order S-1

    Changed on the source
      MUG: 10 → 8  for stall S-1

    Listings that follow
     SKU  ON     SHOWS         BECAUSE
     MUG  stall  10 → 8  done  MUG on the source: 10, 2 sold and not taken off yet, leaves 8

    Run 4: 1 sale or change of an order, 1 number changed on the source, 1 listing updated
    ");
    assert!(home.read("stock.csv").contains("MUG,8,") && home.read("stall.csv").contains("MUG,8,"));
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 0
    ---- stdout
    Run 5: nothing to do
    ");
    insta::assert_snapshot!(home.eys("sync --quiet"), @"exit 0");
}

// In cron a run without trouble is one line, and with --quiet it is silent; trouble is told all the same.
#[test]
fn a_run_in_cron_is_one_line() {
    let home = Home::in_step();
    home.write("stock.csv", home.read("stock.csv").replace("BOWL,4", "BOWL,3"));
    let told = home.eys("sync");
    assert_eq!((told.out.lines().count(), told.err.as_str()), (1, ""), "{told}");
    home.write("stock.csv", home.read("stock.csv").replace("BOWL,3", "BOWL,2"));
    let told = home.eys("sync --quiet").is(0).clone();
    assert_eq!((told.out.as_str(), told.err.as_str()), ("", ""), "{told}");
    assert!(home.read("stall.csv").contains("BOWL,2,"));
    home.write("stall.csv", "nothing of the kind\n");
    insta::assert_snapshot!(home.eys("sync --quiet"), @r#"
    exit 1
    ---- stdout
    Channels
      stall could not be used: /home/owner/eys/stall.csv: no column of it is known to hold the SKU; its only column is `nothing of the kind`; if those are several, say what stands between them with `delimiter = "…"` (while reading the file)

    Run 5: 1 channel not reached
    "#);
}

// proves H3: a dry run tells what would be done and leaves every file as it is, the state's too.
#[test]
fn a_dry_run_changes_nothing() {
    let home = Home::in_step();
    home.order("stall", "S-1", "MUG", 2, "open");
    let before = home.everything();
    insta::assert_snapshot!(home.eys("sync --dry-run"), @"
    exit 0
    ---- stdout
    Sold
      2 × MUG on stall, order S-1

    Would be changed on the source
      MUG: 10 → 8  for stall S-1

    Listings that would follow
     SKU  ON     SHOWS            BECAUSE
     MUG  stall  10 → 8  planned  MUG on the source: 10, 2 sold and not taken off yet, leaves 8

    Dry run: 1 sale or change of an order, 1 listing would be updated. Nothing was written
    ");
    assert_eq!(home.json("sync --dry-run")["dry_run"], true);
    home.eys("link").is(0);
    home.eys("doctor").is(0);
    home.eys("status MUG").is(0);
    assert_eq!(home.everything(), before);
    home.eys("sync").is(0);
    assert!(home.read("stock.csv").contains("MUG,8,"));
}

// proves H3: without a state, a dry run makes none.
#[test]
fn a_dry_run_makes_no_state() {
    let home = Home::with_mugs();
    home.eys("sync --dry-run").is(0);
    assert!(!home.path("state.db").exists());
}

// proves H1, H2: a hold is released by its name; a listing of it alone, too.
#[test]
fn a_hold_is_released_by_name() {
    let home = Home::with_mugs();
    home.eys("link --yes").is(0);
    home.eys("sync").is(4);
    home.eys("status --check").is(3).has("sync --release h1");
    home.eys("sync --release stall/MUG").is(4);
    assert_eq!(home.read("stall.csv"), "sku,quantity,title\nMUG,10,Red mug\nBOWL,1,Blue bowl\n");
    home.eys("sync --release h1").is(0);
    assert!(home.read("stall.csv").contains("BOWL,4,"));
    home.eys("sync --release h1").is(2);
    home.eys("status --check").is(0);
    home.eys("status").lacks("did not end");
}

// proves H1, H2: `--yes` releases only what a run without it, or `link`, has shown.
#[test]
fn yes_releases_only_what_was_shown() {
    let goods: String = (0..10).map(|nth| format!("SKU-{nth},5\n")).collect();
    let home = Home::with_lists(&format!("sku,quantity\n{goods}"), &format!("sku,quantity\n{goods}"));
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    let empty = home.read("stock.csv").replace(",5", ",0");
    home.write("stock.csv", &empty);
    home.eys("sync --yes --quiet").is(4);
    home.eys("sync --yes --quiet").is(4);
    assert!(home.read("stall.csv").contains("SKU-0,5"));
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 4
    ---- stdout
    Listings that follow
     SKU    ON     SHOWS             BECAUSE
     SKU-0  stall  5 → 0  held (h2)  SKU-0 on the source: 0
     SKU-1  stall  5 → 0  held (h2)  SKU-1 on the source: 0
     SKU-2  stall  5 → 0  held (h2)  SKU-2 on the source: 0
     SKU-3  stall  5 → 0  held (h2)  SKU-3 on the source: 0
     SKU-4  stall  5 → 0  held (h2)  SKU-4 on the source: 0
     SKU-5  stall  5 → 0  held (h2)  SKU-5 on the source: 0
     SKU-6  stall  5 → 0  held (h2)  SKU-6 on the source: 0
     SKU-7  stall  5 → 0  held (h2)  SKU-7 on the source: 0
     SKU-8  stall  5 → 0  held (h2)  SKU-8 on the source: 0
     SKU-9  stall  5 → 0  held (h2)  SKU-9 on the source: 0

    Waiting for your word
      h2: 10 of 10 linked listings on the source are gone or at 0, and with them 10 on stall (since 2026-11-24 09:00 UTC)
          release it: eys sync --release h2
      All that were shown to you before: eys sync --yes

    Run 5: 10 listings held
    ");
    home.eys("sync --yes").is(0);
    assert!(home.read("stall.csv").contains("SKU-0,0"));
}

// proves T3: the master switch stops pushes at once; what was sold meanwhile is asked about.
#[test]
fn the_panic_button_stops_pushes() {
    let home = Home::in_step();
    home.config(&format!("inventory_sync = false\n{}", home.read("channels.toml")));
    home.write("stock.csv", home.read("stock.csv").replace("MUG,10", "MUG,3"));
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 0
    ---- stdout
    Run 3: 1 channel switched off
    ");
    home.order("stall", "S-1", "BOWL", 1, "open");
    home.eys("sync").is(4).has("while inventory_sync was off");
    assert!(home.read("stall.csv").contains("MUG,10,") && home.read("stock.csv").contains("BOWL,4,"));
    home.eys("status --check").is(3).has("the master switch is off");
    home.edit("inventory_sync = false\n", "");
    home.eys("sync").is(4);
    assert!(home.read("stall.csv").contains("MUG,3,"));
    home.eys("sync --count-missed stall").is(0);
    assert!(home.read("stock.csv").contains("BOWL,3,"));
}

// proves T3: the switch of one channel stops pushes to it alone; what it missed is made up when it is on again.
#[test]
fn a_channel_that_was_off_is_brought_up_to_date() {
    let mut home = Home::with_mugs();
    home.list("fair", "target", "sku,quantity\nMUG,1\nBOWL,1\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.config(&home.read("channels.toml").replace("orders = \"fair", "inventory_sync = false\norders = \"fair"));
    home.write("stock.csv", "sku,quantity,title\nMUG,7,Red mug\nBOWL,4,Blue bowl\n");
    home.order("fair", "F-1", "BOWL", 1, "open");
    home.eys("sync").is(0).has("1 channel switched off");
    assert_eq!(home.read("fair.csv"), "sku,quantity\nMUG,10\nBOWL,4\n");
    assert_eq!(home.read("stall.csv"), "sku,quantity,title\nMUG,7,Red mug\nBOWL,3,Blue bowl\n");
    assert!(home.read("stock.csv").contains("BOWL,3,"), "a sale is a sale");
    home.eys("sync").is(0);
    home.edit("inventory_sync = false\n", "");
    home.eys("sync").is(0);
    assert_eq!(home.read("fair.csv"), "sku,quantity\nMUG,7\nBOWL,3\n");
}

// proves U2: a run can be narrowed; what is sold elsewhere is settled all the same.
#[test]
fn a_run_can_be_narrowed() {
    let mut home = Home::with_mugs();
    home.list("fair", "target", "sku,quantity\nMUG,1\nBOWL,1\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.write("stock.csv", "sku,quantity,title\nMUG,7,Red mug\nBOWL,2,Blue bowl\n");
    home.order("fair", "F-1", "MUG", 1, "open");
    home.eys("sync --channel stall --sku MUG").is(0);
    home.eys("status")
        .is(0)
        .has("it shows more than it is offered: a run that was narrowed to other listings left it out")
        .has("next: `eys sync`, without `--channel` and `--sku`");
    assert_eq!(home.read("stall.csv"), "sku,quantity,title\nMUG,6,Red mug\nBOWL,4,Blue bowl\n");
    assert_eq!(home.read("fair.csv"), "sku,quantity\nMUG,10\nBOWL,4\n");
    assert!(home.read("stock.csv").contains("MUG,6,"));
    home.eys("sync").is(0);
    assert_eq!(home.read("fair.csv"), "sku,quantity\nMUG,6\nBOWL,2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_waits_for_the_gap_and_a_second_loop_does_not() {
    let market = Market::live(1);
    let (home, _) = shop_and_list(&market).await;
    market.forget_calls();
    market.trouble(Rule::once(Trouble::Slow(Duration::from_secs(2))));
    let mut running = home.start("sync --every 1h --json");
    until("the loop's first call", || !market.calls("mugs").is_empty());
    insta::assert_snapshot!(home.eys("sync --every 1h"), @"
    exit 5
    ---- stderr
    error: another run holds the state: `eys sync --every 1h --json`, process 1, since 2026-11-24T09:00:00Z
      next: wait until it is done, or stop it
    ");
    let busy = home.json("sync --every 1h");
    assert_eq!((&busy["exit"], &busy["error"]["kind"]), (&5.into(), &"busy".into()), "{busy}");
    let began = Instant::now();
    home.eys("sync --once").is(0);
    assert!(began.elapsed() > Duration::from_millis(500), "it waited for the gap");
    let line: serde_json::Value = serde_json::from_str(&running.line()).unwrap();
    assert_eq!((&line["schema"], &line["exit"]), (&"eys.sync.1".into(), &0.into()));
    running.signal("TERM");
    assert_eq!(running.end().exit, 0);
}

// What only reads needs no lock.
#[test]
fn reading_needs_no_lock() {
    let home = Home::in_step();
    let _lock = Lock::take(&home.path("state.db"), "somebody", Timestamp::now()).unwrap();
    for line in ["status", "status MUG", "rules test --all", "sync --dry-run", "doctor", "link", "link --export l.csv"]
    {
        home.eys(line).is(0);
    }
    home.eys("sync --every 1s").is(5).has("somebody");
}

// The first signal finishes what is in flight and reports; the second leaves at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_finishes_and_the_second_leaves() {
    let market = Market::live(1);
    let (home, shop) = shop_and_list(&market).await;
    home.order("stall", "S-1", "MUG", 2, "open");
    market.trouble(Rule::once(Trouble::SlowAnswer(Duration::from_secs(2))).writing());
    let running = home.start("sync -v");
    until("the deduction", || shop.available("MUG") == 8);
    running.signal("INT");
    let told = running.end();
    assert!(told.exit == 0 || told.exit == 3, "{told}");
    told.has("MUG: 10 → 8");
    market.peace();
    home.eys("sync").is(0);
    assert_eq!(shop.available("MUG"), 8, "it is taken off once");
    market.forget_calls();
    market.trouble(Rule::always(Trouble::Slow(Duration::from_secs(20))));
    let running = home.start("sync");
    until("a call", || !market.calls("mugs").is_empty());
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(200));
    running.signal("INT");
    let told = running.end();
    assert_eq!(told.exit, 130, "{told}");
    market.peace();
    home.eys("sync").is(0);
    assert_eq!((shop.available("MUG"), home.read("stall.csv").contains("MUG,8,")), (8, true));
}

// A loop reads channels.toml again before each cycle; a wrong edit keeps the old one and is told, once for each edit.
#[test]
fn an_edit_during_a_loop_counts_from_the_next_cycle() {
    let home = Home::in_step();
    let good = home.read("channels.toml");
    let mut running = home.start("sync --every 1s");
    assert!(running.line().contains("nothing to do"));
    home.config("[channels.stock]\nkind = \"cvs\"\n");
    running.line();
    home.write("stock.csv", home.read("stock.csv").replace("MUG,10", "MUG,3"));
    until("the old config to go on", || home.read("stall.csv").contains("MUG,3,"));
    home.config(&format!("inventory_sync = false\n{good}"));
    until("the switch to be seen", || running.line().contains("switched off"));
    home.write("stock.csv", home.read("stock.csv").replace("MUG,3", "MUG,2"));
    std::thread::sleep(Duration::from_millis(1500));
    assert!(home.read("stall.csv").contains("MUG,3,"), "nothing is pushed any more");
    running.signal("INT");
    let told = running.end();
    told.has("channels.toml was changed and is wrong now; the old one is kept").has("did you mean `csv`?");
    assert_eq!(told.err.matches("the old one is kept").count(), 1, "{told}");
}

// proves W6: what was sold and is not there is told with its order, and told once in the ledger.
#[test]
fn an_oversell_is_told_with_its_order() {
    let home = Home::in_step();
    home.order("stall", "S-7", "BOWL", 6, "open");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 3
    ---- stdout
    Sold
      6 × BOWL on stall, order S-7

    Changed on the source
      BOWL: 4 → 0  for stall S-7

    Listings that follow
     SKU   ON     SHOWS        BECAUSE
     BOWL  stall  4 → 0  done  BOWL on the source: 4, 6 sold and not taken off yet, leaves -2

    To look at
      stock, BOWL: 2 sold that the source does not have: stall order S-7
          next: cancel one of these orders, or add stock; it is taken off the next stock that comes in

    Run 3: 1 sale or change of an order, 1 number changed on the source, 1 listing updated, 1 problem
    ");
    assert!(home.read("stock.csv").contains("BOWL,0,"));
    home.eys("status BOWL").is(0).has("oversold: 2 sold that are not there: stall order S-7");
}

// proves R1, X2, F1: an answer that is lost on the way costs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_over_the_real_network_is_made_good() {
    let market = Market::live(1);
    let (home, shop) = shop_and_list(&market).await;
    home.order("stall", "S-1", "MUG", 2, "open");
    market.trouble(Rule::once(Trouble::LostAfter).writing());
    home.eys("sync").is(0);
    assert_eq!(shop.available("MUG"), 8);
}

#[test]
fn the_document_of_a_run_has_what_the_screen_has() {
    let home = Home::in_step();
    home.order("stall", "S-1", "MUG", 2, "open");
    let mut run = home.json("sync");
    // How often a lane was asked depends on which was quicker.
    for lane in run["channels"].as_array_mut().unwrap() {
        for key in ["jobs", "orders", "readings"] {
            assert!(lane.as_object_mut().unwrap().remove(key).is_some_and(|count| count.is_u64()));
        }
    }
    insta::assert_json_snapshot!(run, @r#"
    {
      "began": "2026-11-24T09:00:00Z",
      "channels": [
        {
          "channel": "stock",
          "end": "complete",
          "error": null,
          "role": "source",
          "writes": 1
        },
        {
          "channel": "stall",
          "end": "complete",
          "error": null,
          "role": "target",
          "writes": 1
        }
      ],
      "deductions": [
        {
          "channel": "stock",
          "from": 10,
          "intent": "i1",
          "listing": "MUG",
          "orders": [
            {
              "channel": "stall",
              "order": "S-1"
            }
          ],
          "sku": "MUG",
          "state": "applied",
          "to": 8
        }
      ],
      "dry_run": false,
      "ended": "2026-11-24T09:00:00Z",
      "exit": 0,
      "holds": [],
      "kept": [],
      "limited": [],
      "problems": [],
      "pushes": [
        {
          "channel": "stall",
          "from": 10,
          "hold": null,
          "listing": "MUG",
          "message": null,
          "sku": "MUG",
          "state": "done",
          "title": "Red mug",
          "to": 8,
          "why": [
            "MUG on the source: 10, 2 sold and not taken off yet, leaves 8"
          ]
        }
      ],
      "renewed": [],
      "run": 3,
      "sales": [
        {
          "channel": "stall",
          "counts": true,
          "held": null,
          "older": false,
          "order": "S-1",
          "sku": "MUG",
          "units": 2
        }
      ],
      "schema": "eys.sync.1",
      "summary": "1 sale or change of an order, 1 number changed on the source, 1 listing updated",
      "unchanged": 1
    }
    "#);
}
