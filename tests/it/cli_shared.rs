//! What scripts rely on whatever the command: exit codes and their order, one JSON document, where files are looked
//! for, secrets, and a config that is wrong.

use crate::sim::shopify::{ShopSpec, Shopify};
use crate::sim::{Market, Rule, Trouble};
use crate::support::Home;

#[test]
fn a_wrong_command_line_is_2() {
    let home = Home::in_step();
    insta::assert_snapshot!(home.eys("snyc"), @"
    exit 2
    ---- stderr
    error: unrecognized subcommand 'snyc'

      tip: a similar subcommand exists: 'sync'

    Usage: eys [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.eys("sync --every 5x"), @"
    exit 2
    ---- stderr
    error: `5x` is no pace
      next: write it as 60s or 5m
    ");
    insta::assert_snapshot!(home.eys("sync --channel stal"), @"
    exit 2
    ---- stderr
    error: there is no channel `stal`
      next: the channels are stock, stall
    ");
    insta::assert_snapshot!(home.eys("sync --release ?"), @"
    exit 2
    ---- stderr
    error: `?` is no hold (h3), no channel and no channel/SKU
    ");
    insta::assert_snapshot!(home.eys("sync --release h9"), @"
    exit 2
    ---- stderr
    error: there is no hold `h9`
      next: `eys status` lists the holds that stand
    ");
    home.eys("sync --once --every 5s").is(2);
    home.eys("sync --every 0s").is(2);
    home.eys("link --units 6").is(2);
    home.eys("status --low few").is(2);
    home.eys("").is(2);
    insta::assert_snapshot!(home.eys("auth stall"), @"
    exit 2
    ---- stderr
    error: `stall` is of the kind csv, which needs no browser
      next: its credentials stand in channels.toml; `eys doctor` tries them
    ");
}

// Whatever goes wrong, stdout is one document with its schema, its exit code and what went wrong.
#[test]
fn every_error_is_a_document_too() {
    let home = Home::in_step();
    for (line, kind) in [
        ("snyc", "usage"),
        ("sync --nonsense", "usage"),
        ("sync --every 5x", "usage"),
        ("sync --release h9", "usage"),
        ("link --units 6", "usage"),
        ("link --remove stall/NONE", "usage"),
        ("status NONE", "usage"),
        ("status --run 99", "usage"),
        ("rules test NONE", "usage"),
        ("rules remove none", "config"),
        ("doctor --settle i9 applied", "usage"),
        ("doctor --propose-skus stock.csv", "usage"),
        ("doctor --propose-skus none/skus.csv", "failed"),
        ("auth stall", "usage"),
        ("status --config none.toml", "config"),
        ("status --state stock.csv", "state"),
    ] {
        let args: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        let told = home.run(&args);
        let document: serde_json::Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{line}: {told}"));
        let schema = document["schema"].as_str().unwrap();
        assert!(schema.starts_with("eys.") && schema.ends_with(".1"), "{line}: {document}");
        assert_eq!(document["exit"], told.exit, "{line}: {document}");
        let error = &document["error"];
        assert_eq!(error["kind"], kind, "{line}: {document}");
        for key in ["channel", "listing", "message", "next"] {
            assert!(error.get(key).is_some(), "{line} has no {key}: {document}");
        }
        assert_eq!(told.err, "", "{line}");
    }
}

#[test]
fn every_command_that_ends_well_is_one_document() {
    let home = Home::in_step();
    for line in [
        "link",
        "link --yes",
        "link --export links.csv",
        "link --import links.csv",
        "link --sku BOWL --channel stall --to MUG",
        "link --sku MUG --channel stall --to MUG --yes",
        "link --remove stall/MUG",
        "sync",
        "sync --dry-run",
        "sync --quiet",
        "status",
        "status BOWL",
        "status --problems",
        "status --low 5",
        "status --history",
        "status --run 1",
        "status --check",
        "status --html page.html",
        "rules list",
        "rules test --all",
        "rules add --name x --when sku=MUG --then buffer=1",
        "rules remove x",
        "doctor",
        "doctor --offline",
        "doctor --fix",
        "doctor --propose-skus skus.csv",
    ] {
        home.json(line);
    }
}

#[test]
fn a_config_that_is_not_there_says_how_to_make_one() {
    let home = Home::new();
    for line in ["link", "sync", "status", "rules list", "doctor", "auth x"] {
        home.eys(line).is(2).has("eys init");
    }
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 2
    ---- stderr
    error: /home/owner/eys/channels.toml: No such file or directory (os error 2)
      help: `eys init` makes one; or say where it is with --config FILE or EYS_CONFIG
    ");
}

// All problems at once, each with its line and column, the text underlined, the nearest word; secrets are blanked.
#[test]
fn a_wrong_config_shows_every_place() {
    let home = Home::new();
    home.config(
        "evry = \"60s\"\n\n[channels.shop]\nkind = \"shopfy\"\nrole = \"source\"\naccess_token = \"hush-1\"\n\n\
         [channels.stall]\nkind = \"csv\"\nrole = \"source\"\npth = \"stall.csv\"\n",
    );
    insta::assert_snapshot!(home.eys("sync"), @r#"
    exit 2
    ---- stderr
    error: unknown key `evry` in channels.toml
     --> /home/owner/eys/channels.toml:1:1
      |
    1 | evry = "***"
      | ^^^^ not known here
      |
      = help: did you mean `every`?

    error: unknown kind `shopfy`
     --> /home/owner/eys/channels.toml:4:8
      |
    4 | kind = "shopfy"
      |        ^^^^^^^^ not known
      |
      = help: did you mean `shopify`?

    error: [channels.stall] has no `path`
     --> /home/owner/eys/channels.toml:8:11
      |
    8 | [channels.stall]
      |           ^^^^^ something is missing here
      |
      = help: `path = "stock.csv"`: the file; a relative path starts at the folder of this file

    error: there are two sources, `shop` and `stall`
      --> /home/owner/eys/channels.toml:10:8
       |
    10 | role = "source"
       |        ^^^^^^^^ the second
       |
       = help: `shop` is the source already; make this one `role = "target"`

    error: unknown key `pth` in [channels.stall]
      --> /home/owner/eys/channels.toml:11:1
       |
    11 | pth = "*********"
       | ^^^ not known here
       |
       = help: did you mean `path`?
    "#);
    let document = home.json("sync");
    assert_eq!(document["errors"].as_array().unwrap().len(), 5, "{document}");
    assert_eq!(document["error"], document["errors"][0]);
    assert!(!document.to_string().contains("hush-1"), "{document}");
}

#[test]
fn a_config_that_is_no_toml_shows_the_place_and_no_secret() {
    let home = Home::new();
    home.config("[channels.shop]\naccess_token = \"hush-1\nkind = 5\n");
    insta::assert_snapshot!(home.eys("status"), @r#"
    exit 2
    ---- stderr
    error: invalid basic string, expected `"`
     --> /home/owner/eys/channels.toml:2:23
      |
    2 | access_token =*"******
      |                       ^ here
    "#);
    home.config("\u{1b}[2J = 1\n");
    home.eys("status").is(2);
    home.write("channels.toml", [0xff, 0xfe, 0x41]);
    insta::assert_snapshot!(home.eys("status"), @"
    exit 2
    ---- stderr
    error: /home/owner/eys/channels.toml: stream did not contain valid UTF-8
      help: save it as UTF-8
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_others_can_read_is_refused_with_the_mend() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10)]));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.list("stall", "target", "sku,quantity\nMUG,1\n");
    home.set_mode("channels.toml", 0o644);
    insta::assert_snapshot!(home.eys("sync"), @r#"
    exit 2
    ---- stderr
    error: this secret stands in a file that others can read
     --> /home/owner/eys/channels.toml:5:1
      |
    5 | access_token = "**********"
      | ^^^^^^^^^^^^ a secret
      |
      = help: `chmod 600 /home/owner/eys/channels.toml`
    "#);
    for line in ["link", "doctor"] {
        home.eys(line).is(2).has("chmod 600");
    }
    // What needs no secret works all the same.
    home.eys("rules list").is(0);
    home.eys("status").is(0);
    assert!(market.calls("mugs").is_empty());
    home.set_mode("channels.toml", 0o600);
    home.edit("\"shpat_mugs\"", "{ file = \"token\" }");
    home.eys("link").is(2).has("the secret is missing");
    home.write("token", "shpat_mugs\n");
    home.set_mode("token", 0o640);
    home.eys("link").is(2).has("chmod 600");
    home.set_mode("token", 0o600);
    home.eys("link --yes").is(0);
    home.edit("{ file = \"token\" }", "{ command = \"printf shpat_mugs\" }");
    home.eys("link").is(0);
    home.edit("{ command = \"printf shpat_mugs\" }", "{ env = \"MUG_TOKEN\" }");
    insta::assert_snapshot!(home.eys("sync"), @r#"
    exit 2
    ---- stderr
    error: the environment has no MUG_TOKEN
     --> /home/owner/eys/channels.toml:5:16
      |
    5 | access_token = { env = "MUG_TOKEN" }
      |                ^^^^^^^^^^^^^^^^^^^^^ the secret is missing
      |
      = help: set it for this command: `export MUG_TOKEN=…`
    "#);
    home.told(home.command(&["link"]).env("MUG_TOKEN", "shpat_mugs")).is(0);
    // One that the shop refuses is told without showing it.
    let refused = home.told(home.command(&["doctor"]).env("MUG_TOKEN", "hush-hush"));
    refused.is(6).has("refuses the access token");
}

// The command line wins over the environment, the environment over the file, the file over the default.
#[test]
fn the_nearest_word_wins() {
    let home = Home::with_mugs();
    home.eys("link --yes").is(0);
    home.write("other.toml", home.read("channels.toml").replace("stall]", "fair]"));
    home.eys("status --config other.toml").is(0).has("fair");
    home.eys("status").is(0).has("stall");
    home.eys("link --yes --state other.db").is(0);
    assert!(home.path("other.db").exists());
    home.config(&format!("state = \"third.db\"\n{}", home.read("channels.toml")));
    home.eys("link --yes").is(0);
    assert!(!home.path("third.db").exists(), "the environment wins over the file");
    home.told(home.command(&["link", "--yes"]).env_remove("EYS_STATE")).is(0);
    assert!(home.path("third.db").exists());
    home.edit("state = \"third.db\"\n", "");
    home.told(home.command(&["link", "--yes"]).env_remove("EYS_STATE")).is(0);
    assert!(home.path("home").exists(), "the data folder is the default");
    // A pace on the command line wins over the file's.
    home.config(&format!("every = \"1h\"\n{}", home.read("channels.toml")));
    let mut running = home.start("sync --every 1s");
    running.line();
    running.line();
    running.signal("INT");
    assert_eq!(running.end().exit, 4);
}

// proves F6: what a newer program wrote, and what is damaged, is refused and left as it is.
#[test]
fn a_state_that_cannot_be_used_is_left_as_it_is() {
    let home = Home::in_step();
    let newer = rusqlite::Connection::open(home.path("state.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = home.read("state.db");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 1
    ---- stderr
    error: /home/owner/eys/state.db: the state is of version 99, and this program knows versions up to 13
      next: use the newer version of eys, or another --state
    ");
    for line in ["link --yes", "status", "doctor", "rules test --all", "sync --dry-run"] {
        home.eys(line).is(1).has("version 99");
    }
    assert_eq!(home.read("state.db"), before);
    home.write("state.db", "no state at all, for all one can see of it");
    for file in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(home.path(file));
    }
    let lists = (home.read("stock.csv"), home.read("stall.csv"));
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 1
    ---- stderr
    error: /home/owner/eys/state.db: the state is damaged, or is no state of eys
      next: nothing was overwritten; move it away and start again from an export: `eys link --import FILE`
    ");
    for line in ["link --yes", "status", "doctor", "sync --dry-run", "link --export x.csv"] {
        home.eys(line).is(1).has("damaged");
    }
    assert!(home.read("state.db").starts_with("no state at all"));
    assert_eq!((home.read("stock.csv"), home.read("stall.csv")), lists);
}

#[test]
fn what_eys_remembers_is_its_owners_alone() {
    let home = Home::in_step();
    for (name, _) in home.everything().iter().filter(|(name, _)| name.starts_with("state")) {
        assert_eq!(home.mode(name), 0o600, "{name}");
    }
    home.set_mode("state.db", 0o644);
    home.eys("sync").is(0);
    assert_eq!(home.mode("state.db"), 0o600);
}

// Of several exit codes, the first of 2, 5, 1, 4, 3 wins.
#[tokio::test(flavor = "multi_thread")]
async fn the_gravest_exit_code_wins() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10), ("BOWL", 4)]));
    let outlet = market.add_shopify(&ShopSpec::new("outlet", &[("MUG", 1), ("BOWL", 1)]));
    let mut home = Home::new();
    home.say("patience = \"2s\"\n");
    home.shopify("shop", "source", &shop).await;
    home.shopify("outlet", "target", &outlet).await;
    home.eys("link --yes").is(0);
    home.eys("sync").is(4);
    home.eys("sync --dry-run").is(4);
    // 1 before 4: the outlet cannot be used at all, and its first push still waits.
    outlet.face(|face: &mut Shopify| face.revoke_tokens());
    home.eys("sync").is(1).has("release it: eys sync --release h1");
    // 5 before 1.
    let lock = eys::store::Lock::take_loop(&home.path("state.db"), "somebody", jiff::Timestamp::now()).unwrap();
    home.eys("sync --every 1s").is(5);
    // 2 before 5.
    home.eys("sync --every 1s --channel none").is(2);
    drop(lock);
    // 3: ran, and something waits for a retry.
    let home = retrying(&market).await;
    insta::assert_snapshot!(home.eys("sync").is(3), @"
    exit 3
    ---- stdout
    Listings that follow
     SKU  ON    SHOWS                                                              BECAUSE
     MUG  fair  10 → 7  refused: Shopify refuses it: Refused, as planned (while    MUG on the source: 7
                        writing quantities)

    To look at
      fair, MUG: Shopify refuses it: Refused, as planned (while writing quantities)
          next: link the components of the bundle instead of the bundle

    Run 3: 1 listing refused, 1 problem
    ");
}

/// Makes a machine whose target refuses what is written to it.
async fn retrying(market: &Market) -> Home {
    let fair = market.add_shopify(&ShopSpec::new("fair", &[("MUG", 1)]));
    let mut home = Home::new();
    home.list("stock", "source", "sku,quantity\nMUG,10\n");
    home.shopify("fair", "target", &fair).await;
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    market.trouble(Rule::always(Trouble::Refuse("NON_MUTABLE_INVENTORY_ITEM")).at("fair").writing());
    home.write("stock.csv", "sku,quantity\nMUG,7\n");
    home
}

// proves F5: what was refused and is not wanted any more is no problem any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_forgotten_with_what_was_refused() {
    let market = Market::live(1);
    let home = retrying(&market).await;
    home.eys("sync").is(3).has("refused");
    home.write("stock.csv", "sku,quantity\nMUG,10\n");
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
}

// proves F4, P7: a channel that cannot be used stops no other; it is 1, with the words that mend it.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_used_is_1_and_stops_no_other() {
    let market = Market::live(1);
    let outlet = market.add_shopify(&ShopSpec::new("outlet", &[("MUG", 1)]));
    let mut home = Home::new();
    home.list("stock", "source", "sku,quantity\nMUG,10\n");
    home.shopify("outlet", "target", &outlet).await;
    home.list("stall", "target", "sku,quantity\nMUG,1\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.write("stock.csv", "sku,quantity\nMUG,7\n");
    outlet.face(|face: &mut Shopify| face.revoke_tokens());
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 1
    ---- stdout
    Channels
      outlet could not be used: Shopify refuses the access token (while reading orders, HTTP 401, request 1-planned); it said: [API] Invalid API key or access token (unrecognized login or wrong password)
          next: make a new token, or check client_id and client_secret in channels.toml

    Listings that follow
     SKU  ON     SHOWS         BECAUSE
     MUG  stall  10 → 7  done  MUG on the source: 7

    Run 3: 1 listing updated, 1 channel not reached
    ");
    assert!(home.read("stall.csv").contains("MUG,7"));
    let document = home.json("sync");
    let lane = document["channels"].as_array().unwrap().iter().find(|lane| lane["channel"] == "outlet").unwrap();
    assert_eq!((&lane["end"], &lane["error"]["kind"]), (&"failed".into(), &"credentials".into()), "{document}");
    home.eys("status --check").is(3).has("outlet");
    home.eys("doctor").is(6).has("make a new token");
}
