//! `eys link`: what belongs together is shown, and stored only with the owner's word.

use crate::sim::shopify::ShopSpec;
use crate::sim::{Market, Trouble};
use crate::support::Home;

const SOURCE: &str =
    "sku,quantity,title\nMUG,10,Red mug\nBOWL,4,Blue bowl\nMILK,30,Milk\nHONEY,9,Honey\nJAR,2,Jar\nJAR,3,Jar\n";
const TARGET: &str = "sku,quantity,title\nMUG,1,Red mug\nbowl,1,Blue bowl\nSIX,0,Six pack of milk\nKIT,0,Breakfast\n,5,Nameless\nOLD,1,Old thing\nJAR,1,Jar\n";

fn home() -> Home {
    Home::with_lists(SOURCE, TARGET)
}

#[test]
fn what_belongs_together_and_every_reason_why_the_rest_does_not() {
    let home = home();
    let lists = (home.read("stock.csv"), home.read("stall.csv"));
    insta::assert_snapshot!(home.eys("link"), @"
    exit 4
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     stock    source  csv   6         /home/owner/eys/stock.csv
     stall    target  csv   7         /home/owner/eys/stall.csv

    Belong together: 1 link, of which the first push would change 1
     SKU  ON     TITLE    SHOWS
     MUG  stall  Red mug  1 → 10

    1 near match is only proposed; `eys link --accept` takes them
          bowl on stall — BOWL on the source: spelt nearly the same

    Take no part
      stall: 1 — duplicate sku: several listings of the source bear it
          JAR Jar
      stall: 3 — not on the source: no listing there has this SKU
          KIT Breakfast
          OLD Old thing
          SIX Six pack of milk
      stall: 1 — sku missing: fill it in on the channel (`eys doctor --propose-skus FILE` makes proposals)
          Nameless
      stock: 2 — duplicate sku: several listings of this channel bear it
          JAR Jar
          JAR Jar
      stock: 3 — not listed: it is on the source, and no other channel has it
          BOWL Blue bowl
          HONEY Honey
          MILK Milk
    ---- stderr

    Nothing was stored. `eys link --yes` stores it.
    ");
    assert!(!home.path("state.db").exists(), "nothing is stored without the owner's word");
    let plan = home.json("link");
    assert_eq!((&plan["stored"], plan["links"].as_array().unwrap().len()), (&false.into(), 1), "{plan}");
    assert_eq!((home.read("stock.csv"), home.read("stall.csv")), lists);
    insta::assert_snapshot!(home.eys("link --yes"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     stock    source  csv   6         /home/owner/eys/stock.csv
     stall    target  csv   7         /home/owner/eys/stall.csv

    Belong together: 1 link, of which the first push would change 1
     SKU  ON     TITLE    SHOWS
     MUG  stall  Red mug  1 → 10

    1 near match is only proposed; `eys link --accept` takes them
          bowl on stall — BOWL on the source: spelt nearly the same

    Take no part
      stall: 1 — duplicate sku: several listings of the source bear it
          JAR Jar
      stall: 3 — not on the source: no listing there has this SKU
          KIT Breakfast
          OLD Old thing
          SIX Six pack of milk
      stall: 1 — sku missing: fill it in on the channel (`eys doctor --propose-skus FILE` makes proposals)
          Nameless
      stock: 2 — duplicate sku: several listings of this channel bear it
          JAR Jar
          JAR Jar
      stock: 3 — not listed: it is on the source, and no other channel has it
          BOWL Blue bowl
          HONEY Honey
          MILK Milk
    ---- stderr

    Stored 1 link. Nothing was written to any channel.
    Next: `eys sync --dry-run` shows the first run, `eys sync --yes` makes it.
    ");
    assert_eq!((home.read("stock.csv"), home.read("stall.csv")), lists, "no channel is written to");
    insta::assert_snapshot!(home.eys("link"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     stock    source  csv   6         /home/owner/eys/stock.csv
     stall    target  csv   7         /home/owner/eys/stall.csv

    1 SKU is linked already.

    1 near match is only proposed; `eys link --accept` takes them
          bowl on stall — BOWL on the source: spelt nearly the same

    Take no part
      stall: 1 — duplicate sku: several listings of the source bear it
          JAR Jar
      stall: 3 — not on the source: no listing there has this SKU
          KIT Breakfast
          OLD Old thing
          SIX Six pack of milk
      stall: 1 — sku missing: fill it in on the channel (`eys doctor --propose-skus FILE` makes proposals)
          Nameless
      stock: 2 — duplicate sku: several listings of this channel bear it
          JAR Jar
          JAR Jar
      stock: 3 — not listed: it is on the source, and no other channel has it
          BOWL Blue bowl
          HONEY Honey
          MILK Milk
    ");
}

// proves T1: near matches are only proposed; taken, they are ties like others.
#[test]
fn near_matches_are_taken_only_on_the_owners_word() {
    let home = home();
    home.eys("link --yes").is(0).has("near match is only proposed");
    home.eys("status bowl").has("not linked");
    home.eys("link --accept --yes").is(0);
    home.eys("sync --yes").is(0);
    assert!(home.read("stall.csv").contains("bowl,4,"), "{}", home.read("stall.csv"));
    home.eys("link").lacks("proposed");
}

#[test]
fn packs_and_kits_are_tied_by_hand() {
    let home = home();
    insta::assert_snapshot!(home.eys("link --sku MILK --channel stall --to SIX --units 6"), @"
    exit 4
    ---- stdout
    SIX on stall is made of 6 × MILK
    ---- stderr
    Nothing was stored. `--yes` stores it.
    ");
    insta::assert_snapshot!(home.eys("link --sku MILK --channel stall --to SIX --units 6 --yes"), @"
    exit 0
    ---- stdout
    SIX on stall is made of 6 × MILK
    ---- stderr
    Stored 1 link.
    ");
    home.eys("link --part MILK=2 --part HONEY=3 --channel stall --to KIT --yes").is(0);
    home.eys("sync --yes").is(0);
    let list = home.read("stall.csv");
    assert!(list.contains("SIX,5,") && list.contains("KIT,3,"), "{list}");
    insta::assert_snapshot!(home.eys("status KIT").is(0).sorted(), @"
    exit 0
    ---- stdout
    KIT  Breakfast

     CHANNEL         LISTING  SHOWS  OFFERED  STATUS           BECAUSE
     stock (source)  MILK     30     -        source
     stock (source)  HONEY    9      -        source
     stall           KIT      3      3        listed & synced  MILK on the source: 30, 2 in each → 15;
                                                               HONEY on the source: 9, 3 in each → 3

    Its story
      2026-11-24 09:00  stall KIT                0 → 3, written by eys
      2026-11-24 09:00  stall KIT                linked, showing 0
      2026-11-24 09:00  stall KIT                released by you: h1: the first push to stall would change 2 of 2 listings
      2026-11-24 09:00  stock HONEY              linked, showing 9
      2026-11-24 09:00  stock MILK               linked, showing 30
      2026-11-24 09:00  stock MILK               linked, showing 30
    ");
    // Sold packs and kits are taken off part by part.
    home.order("stall", "S-1", "SIX", 1, "open");
    home.order("stall", "S-2", "KIT", 1, "open");
    home.eys("sync").is(0);
    let stock = home.read("stock.csv");
    assert!(stock.contains("MILK,22,") && stock.contains("HONEY,6,"), "{stock}");
}

#[test]
fn a_tie_by_hand_that_cannot_be_is_refused() {
    let home = home();
    insta::assert_snapshot!(home.eys("link --sku MILK --channel stall --to NONE --yes"), @"
    exit 2
    ---- stdout
    NONE on stall is made of 1 × MILK
    ---- stderr
    error: stall has no listing `NONE`; `eys link` reads the channels anew
    ");
    insta::assert_snapshot!(home.eys("link --sku NONE --channel stall --to SIX --yes"), @"
    exit 2
    ---- stdout
    SIX on stall is made of 1 × NONE
    ---- stderr
    error: stock has no listing with the SKU `NONE`; `eys link` reads the channels anew
    ");
    // A part is named by its SKU: the key of the first row that bears it must not decide which of two is meant.
    insta::assert_snapshot!(home.eys("link --sku JAR --channel stall --to JAR --yes"), @"
    exit 2
    ---- stdout
    JAR on stall is made of 1 × JAR
    ---- stderr
    error: stock has 2 listings with the SKU `JAR`: JAR (Jar), JAR#2 (Jar); give each a SKU of its own there, then link again
    ");
    home.eys("link --sku JAR#2 --channel stall --to JAR --yes").is(2);
    insta::assert_snapshot!(home.eys("link --sku MILK --channel fair --to SIX --yes"), @"
    exit 2
    ---- stderr
    error: there is no channel `fair`
      next: the channels are stock, stall
    ");
    insta::assert_snapshot!(home.eys("link --sku MILK --channel stall --to SIX --units 0 --yes"), @"
    exit 2
    ---- stdout
    SIX on stall is made of 0 × MILK
    ---- stderr
    error: 0 units of MILK make no recipe; it takes 1 or more
    ");
    insta::assert_snapshot!(home.eys("link --part MILK=many --channel stall --to SIX --yes"), @"
    exit 2
    ---- stderr
    error: `MILK=many` is not SKU=UNITS
    ");
    home.eys("link --channel stall --to SIX --yes").is(2);
    home.eys("link --sku MILK --yes").is(2);
    home.eys("status SIX").lacks("listed & synced");
}

#[test]
fn links_go_out_and_come_back() {
    let home = home();
    home.eys("link --yes").is(0);
    home.eys("link --part MILK=2 --part HONEY=3 --channel stall --to KIT --yes").is(0);
    insta::assert_snapshot!(home.eys("link --export links.csv"), @"
    exit 0
    ---- stdout
    Wrote 2 links to links.csv.
    ");
    insta::assert_snapshot!(home.read("links.csv"), @"
    channel,listing,sku,source_listing,source_sku,units
    stall,MUG,MUG,MUG,MUG,1
    stall,KIT,KIT,MILK,MILK,2
    stall,KIT,KIT,HONEY,HONEY,3
    ");
    home.eys("sync --yes").is(0);
    // A lost state starts again from the file: nothing that was sold before is taken off twice.
    home.order("stall", "S-1", "MUG", 1, "open");
    home.eys("sync").is(0);
    assert!(home.read("stock.csv").contains("MUG,9,"));
    for file in ["state.db", "state.db-wal", "state.db-shm", "state.db.credentials"] {
        let _ = std::fs::remove_file(home.path(file));
    }
    insta::assert_snapshot!(home.eys("link --import links.csv"), @"
    exit 0
    ---- stdout
    Opened 2 links; nothing that was sold before counts.
    ");
    home.eys("sync").is(4);
    home.eys("sync --yes").is(0);
    assert!(home.read("stock.csv").contains("MUG,9,"), "{}", home.read("stock.csv"));
    home.eys("link --export again.csv").is(0);
    let sorted = |name| {
        let mut rows: Vec<String> = home.read(name).lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted("again.csv"), sorted("links.csv"));
    home.eys("link --import links.csv").is(0).has("Opened 0 links");
}

#[test]
fn an_export_writes_over_nothing_but_an_export() {
    let home = Home::in_step();
    let before = home.read("stock.csv");
    insta::assert_snapshot!(home.eys("link --export stock.csv"), @"
    exit 2
    ---- stderr
    error: stock.csv is there already and is no export
      next: name a new file, or an earlier export
    ");
    assert_eq!(home.read("stock.csv"), before);
    home.eys("link --export links.csv").is(0);
    home.eys("link --remove stall/MUG").is(0);
    home.eys("link --export links.csv").is(0).has("Wrote 1 link to");
}

#[test]
fn an_import_that_is_wrong_says_where() {
    let home = home();
    insta::assert_snapshot!(home.eys("link --import none.csv"), @"
    exit 2
    ---- stderr
    error: none.csv: No such file or directory (os error 2)
    ");
    home.write("bad.csv", "channel,listing\n");
    insta::assert_snapshot!(home.eys("link --import bad.csv"), @"
    exit 2
    ---- stderr
    error: bad.csv: its first line must be channel,listing,sku,source_listing,source_sku,units
    ");
    let header = "channel,listing,sku,source_listing,source_sku,units\n";
    home.write("bad.csv", format!("{header}stall,MUG,MUG,MUG,MUG,many\n"));
    insta::assert_snapshot!(home.eys("link --import bad.csv"), @"
    exit 2
    ---- stderr
    error: the units of MUG on stall are no number
    ");
    home.write("bad.csv", format!("{header}stall,MUG,MUG,MUG,MUG,1\nstall,NONE,NONE,MUG,MUG,1\n"));
    insta::assert_snapshot!(home.eys("link --import bad.csv"), @"
    exit 2
    ---- stderr
    error: stall has no listing `NONE`; `eys link` reads the channels anew
    ");
    home.eys("status MUG").has("not linked");
}

#[test]
fn an_untied_listing_is_left_alone() {
    let home = Home::in_step();
    insta::assert_snapshot!(home.eys("link --remove stall/MUG"), @"
    exit 0
    ---- stdout
    Untied MUG on stall (1 link). What was sold stays settled.
    ");
    insta::assert_snapshot!(home.eys("link --remove stall/NONE"), @"
    exit 2
    ---- stderr
    error: stall has no listing `NONE`; `eys link` reads the channels anew
    ");
    insta::assert_snapshot!(home.eys("link --remove MUG"), @"
    exit 2
    ---- stderr
    error: `MUG` is no channel
    ");
    home.write("stock.csv", home.read("stock.csv").replace("MUG,10", "MUG,3"));
    home.eys("sync").is(0);
    assert!(home.read("stall.csv").contains("MUG,10,"));
    home.eys("link --remove stall/MUG").is(0).has("0 links");
}

#[test]
fn a_channel_can_be_renamed_with_its_history() {
    let home = Home::in_step();
    home.edit("[channels.stall]", "[channels.fair]");
    insta::assert_snapshot!(home.eys("link --rename-channel stall fair"), @"
    exit 0
    ---- stdout
    stall is fair from now on; its links and its history go with it.
    ");
    home.eys("sync").is(0);
    home.eys("status MUG").is(0).has("fair MUG 10 10 listed & synced").lacks("\n stall  ");
    home.eys("link --rename-channel none some").is(2);
}

// A run or a look at the channel under its new name has stored it already: that is no reason to lose its links.
#[test]
fn a_new_name_that_was_used_is_free_until_something_is_linked_or_sold() {
    let home = Home::in_step();
    home.edit("[channels.stall]", "[channels.fair]");
    home.eys("sync");
    insta::assert_snapshot!(home.eys("link --rename-channel stall fair"), @"
    exit 0
    ---- stdout
    stall is fair from now on; its links and its history go with it.
    ");
    home.eys("sync").is(0);
    home.eys("status MUG").is(0).has("fair MUG 10 10 listed & synced");
    insta::assert_snapshot!(home.eys("link --rename-channel fair fair"), @"
    exit 2
    ---- stderr
    error: `fair` is OLD and NEW
      next: OLD is the name that it had, NEW the one that it has in channels.toml now
    ");

    let home = Home::in_step();
    home.edit("[channels.stall]", "[channels.fair]");
    home.eys("link --yes").is(1).has("`eys link --rename-channel stall fair` takes its links and its history along");
    home.eys("sync").is(1);
    home.eys("sync --release fair").is(3).has("stall: it stands no longer in channels.toml");
    home.eys("link --yes").is(0).has("Stored 2 links");
    let state = home.read("state.db");
    insta::assert_snapshot!(home.eys("link --rename-channel stall fair"), @"
    exit 2
    ---- stderr
    error: `fair` has links or sales of its own in the state already
      next: give it a third name in channels.toml, and rename it to that
    ");
    assert!(home.read("state.db") == state, "nothing is lost of either");
}

// A channel that cannot be read is told; what the others have in common can be stored all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_read_is_told() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10)]));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.list("stall", "target", "sku,quantity\nMUG,1\n");
    std::fs::remove_file(home.path("stall.csv")).unwrap();
    insta::assert_snapshot!(home.eys("link --yes"), @"
    exit 1
    ---- stdout
     CHANNEL  ROLE    KIND     LISTINGS  ACCOUNT
     shop     source  shopify  1         mugs
     stall    target  csv      -         could not be read: /home/owner/eys/stall.csv: No such file or
                                         directory (os error 2) (while reading the file)
    ---- stderr

    Stored 0 links. Nothing was written to any channel.
    Next: stall could not be read: check the path in channels.toml, or put the file there. Then `eys link` again.
    ");
    home.list("fair", "target", "sku,quantity\nMUG,1\n");
    home.eys("link --yes").is(1).has("Stored 1 link.").has("Next: stall could not be read").lacks("eys sync");
    market.trouble(crate::sim::Rule::always(Trouble::TokenRefused));
    home.eys("link").is(1).has("refuses the access token").has("Next: shop could not be read");
}

// proves W1: orders that are open when the link is made are named once and not taken off.
#[tokio::test(flavor = "multi_thread")]
async fn open_orders_are_the_baseline() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10)]));
    let outlet = market.add_shopify(&ShopSpec::new("outlet", &[("MUG", 10)]));
    outlet.buy("MUG", 2).unwrap();
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.shopify("outlet", "target", &outlet).await;
    insta::assert_snapshot!(home.eys("link --yes"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND     LISTINGS  ACCOUNT
     shop     source  shopify  1         mugs
     outlet   target  shopify  1         outlet

    Belong together: 1 link, of which the first push would change 1
     SKU  ON      TITLE    SHOWS
     MUG  outlet  The MUG  8 → 10

    1 order is not finished yet; what it took is not taken off the source again
          order #1001 on outlet
    ---- stderr

    Stored 1 link. Nothing was written to any channel.
    Next: `eys sync --dry-run` shows the first run, `eys sync --yes` makes it.
    ");
    home.eys("sync --yes").is(0);
    assert_eq!((shop.available("MUG"), outlet.available("MUG")), (10, 10));
    home.eys("sync --count-missed outlet").is(0);
    assert_eq!((shop.available("MUG"), outlet.available("MUG")), (8, 8));
}
