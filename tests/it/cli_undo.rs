//! `eys sync --undo`: a slip of the owner's, as it is found, undone, mended and let go on.

use crate::support::Home;

// proves U1: the story of a slip, command by command, with what each says.
#[test]
fn a_slip_is_undone() {
    let mut home = Home::new();
    home.list("stock", "source", "sku,quantity,title\nMUG,10,Red mug\nBOWL,4,Blue bowl\n");
    home.list("stall", "target", "sku,quantity,title\nMUG,0,Red mug\nBOWL,0,Blue bowl\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.eys("rules add --name slip --when channel=stall --then max=2").is(0);
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 0
    ---- stdout
    Run 3: 2 listings updated
    ");
    home.write("stall.csv", home.read("stall.csv").replace("BOWL,2,", "BOWL,3,"));
    let before = home.everything();
    insta::assert_snapshot!(home.eys("sync --undo 3 --dry-run"), @"
    exit 4
    ---- stdout
    Listings that would follow
     SKU  ON     SHOWS            BECAUSE
     MUG  stall  2 → 10  planned  run 3 was undone

    Not put back
      BOWL on stall: the run wrote 2, it shows 3 by now

    Waiting for your word
      stall: run 3 was undone
          without --dry-run it is held, and gets the number that releases it

    Dry run: 1 listing would be updated, 1 listing not put back. Nothing was written
    ");
    assert_eq!(home.everything(), before);
    insta::assert_snapshot!(home.eys("sync --undo 3"), @"
    exit 4
    ---- stdout
    Listings that follow
     SKU  ON     SHOWS         BECAUSE
     MUG  stall  2 → 10  done  run 3 was undone

    Not put back
      BOWL on stall: the run wrote 2, it shows 3 by now

    Waiting for your word
      h2: run 3 was undone (since 2026-11-24 09:00 UTC)
          mend what was wrong, then release it: eys sync --release h2
      All that were shown to you before: eys sync --yes

    Run 4: 1 listing updated, 1 listing not put back
    ");
    insta::assert_snapshot!(home.eys("status"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND  LINKED  WITH STOCK  LAST COMPLETE     ACCOUNT
     stock    source  csv   2       -           2026-11-24 09:00  /home/owner/eys/stock.csv
     stall    target  csv   2       2           2026-11-24 09:00  /home/owner/eys/stall.csv

    Last run: 4, 2026-11-24 09:00 — 1 listing updated, 1 listing not put back

    To look at
      stall: h2: run 3 was undone (since 2026-11-24 09:00 UTC)
          next: mend what was wrong (a rule, a number on the source); then `eys sync --release h2` lets it go on; with `--dry-run` it shows what that writes
    ");
    insta::assert_snapshot!(home.eys("status MUG"), @"
    exit 0
    ---- stdout
    MUG  Red mug

     CHANNEL         LISTING  SHOWS  OFFERED  STATUS                      BECAUSE
     stock (source)  MUG      10     -        source
     stall           MUG      10     2        listed & synced (held: h2)  MUG on the source: 10; slip:
                                                                          at most 2 → 2

    Its story
      2026-11-24 09:00  stall MUG                linked, showing 0
      2026-11-24 09:00  stock MUG                linked, showing 10
      2026-11-24 09:00  stall MUG                released by you: h1: the first push to stall would change 2 of 2 listings
      2026-11-24 09:00  stall MUG                0 → 10, written by eys
      2026-11-24 09:00  stall MUG                10 → 2, written by eys
      2026-11-24 09:00  stall MUG                2 → 10, put back by eys: run 3 was undone
    ");
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    Sync settings
      !!   stall: h2: run 3 was undone (since 2026-11-24 09:00 UTC)
           next: mend what was wrong (a rule, a number on the source); then `eys sync --release h2` lets it go on; with `--dry-run` it shows what that writes

    1 problem found.
    ");
    home.eys("sync").is(4);
    assert!(home.read("stall.csv").contains("MUG,10,"));
    home.eys("rules remove slip").is(0);
    home.eys("sync --release h2").is(0);
    home.eys("doctor --offline").is(0);
    home.eys("sync").is(0);
    assert!(home.read("stall.csv").contains("MUG,10,") && home.read("stall.csv").contains("BOWL,4,"));
}

// proves U1: what cannot be undone is said in one line.
#[test]
fn what_cannot_be_undone_is_said() {
    let home = Home::in_step();
    insta::assert_snapshot!(home.eys("sync --undo 99"), @"
    exit 2
    ---- stderr
    error: there is no run 99
      next: `eys status --history` lists the runs
    ");
    insta::assert_snapshot!(home.eys("sync --undo 1"), @"
    exit 2
    ---- stderr
    error: run 1 wrote to no listing: there is nothing to undo
      next: `eys status --history` lists the runs
    ");
    insta::assert_snapshot!(home.eys("sync --undo 2 --every 1m"), @"
    exit 2
    ---- stderr
    error: the argument '--undo <RUN>' cannot be used with '--every [<PACE>]'

    Usage: eys sync --undo <RUN> --config <FILE> --state <FILE>

    For more information, try '--help'.
    ");
}
