//! Silence: channels that no run gets through with, runs that no longer come, credentials that end, secrets that others
//! can read. Each is a problem, with what mends it.

use std::time::Duration;

use eys::domain::ChannelName;
use eys::domain::quota::Quota;
use eys::store::{Credentials, KeptQuota, KeptToken, Store};
use jiff::{SignedDuration, Timestamp};

use crate::findings::{gone, said};
use crate::sim::shopify::ShopSpec;
use crate::sim::{Market, Rule, Trouble};
use crate::support::Home;

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Lets so many hours pass for the state: all that it remembers is so much older.
fn age(home: &Home, by: i64) {
    let state = rusqlite::Connection::open(home.path("state.db")).unwrap();
    let by = by * 3_600_000;
    state.execute("UPDATE run SET began = began - ?1, ended = ended - ?1", [by]).unwrap();
    state.execute("UPDATE meta SET value = CAST(value - ?1 AS TEXT) WHERE key LIKE 'heard:%'", [by]).unwrap();
}

// proves F7: runs that no longer come are a problem after three paces, told once for all channels, and cleared by a run.
// finds silent
#[test]
fn runs_that_no_longer_come() {
    let home = Home::in_step();
    home.eys("status --check").is(0);
    age(&home, 3);
    insta::assert_snapshot!(home.eys("status --check"), @"
    exit 3
    ---- stdout
    To look at
      there was no run for 3 hours; they came every minute
          next: start the loop again, `eys sync --every`, or look after the crontab or the service that runs `eys sync`
    ");
    home.eys("status").is(0).has("there was no run for 3 hours");
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    State
      !!   there was no run for 3 hours; they came every minute
           next: start the loop again, `eys sync --every`, or look after the crontab or the service that runs `eys sync`

    1 problem found.
    ");
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
    home.eys("doctor").is(0);
}

// proves F7, Y4: a channel that is left alone so that its calls last is not silent: what it waits for is told.
// finds quota
#[test]
fn what_is_left_alone_for_its_calls_is_not_silent() {
    let home = Home::in_step();
    for _ in 0..4 {
        home.eys("sync --quiet").is(0);
    }
    let stall = ChannelName::new("stall").unwrap();
    let mut store = Store::open(&home.path("state.db")).unwrap();
    let keep = |store: &mut Store, left: u64| {
        let (read, refills) = (Timestamp::now() - hours(1), Timestamp::now() + hours(20));
        let quota = Quota { most: 5000, left, refills };
        store.transaction(|tx| tx.save_quota(&stall, &KeptQuota { quota, read })).unwrap();
    };
    keep(&mut store, 4000);
    drop(store);
    let state = rusqlite::Connection::open(home.path("state.db")).unwrap();
    let heard = "UPDATE meta SET value = CAST(value - 3600000 AS TEXT) WHERE key = 'heard:' || (SELECT id FROM channel WHERE name = 'stall')";
    assert_eq!(state.execute(heard, []).unwrap(), 1);
    home.eys("status --check").is(3).has("no run got through with it for 1 hour");
    let mut store = Store::open(&home.path("state.db")).unwrap();
    keep(&mut store, 20);
    drop(store);
    let words = "the 5000 calls that the platform allows are running low: its orders are read less often until";
    home.eys("status --check").is(3).has(words).lacks("no run got through");
    home.eys("doctor --offline").is(6).has(words).lacks("no run got through");
    let told = said(&home, "quota");
    let (before, _) = told.split_once("until ").unwrap();
    insta::assert_snapshot!("doctor_of_a_quota_that_runs_low", before);
    // It is over when they are there again, and a run gets through.
    let mut store = Store::open(&home.path("state.db")).unwrap();
    keep(&mut store, 4000);
    drop(store);
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
    gone(&home, "quota");
}

// proves F7: cron's own pace counts: what is late for a loop is not late for a run an hour.
#[test]
fn the_pace_of_cron_counts() {
    let home = Home::in_step();
    for _ in 0..4 {
        age(&home, 1);
        home.eys("sync --quiet").is(0);
    }
    age(&home, 2);
    home.eys("status --check").is(0);
    age(&home, 2);
    home.eys("status --check").is(3).has("there was no run for 4 hours; they came every hour");
}

// proves F7: a channel that every run leaves behind is a problem of its own, and gone when a run gets through.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_no_run_gets_through_with() {
    let market = Market::live(1);
    let outlet = market.add_shopify(&ShopSpec::new("outlet", &[("MUG", 1)]));
    let mut home = Home::new();
    home.say("patience = \"1s\"\n");
    home.list("stock", "source", "sku,quantity\nMUG,10\n");
    home.shopify("outlet", "target", &outlet).await;
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.eys("sync").is(0);
    home.eys("sync").is(0);
    age(&home, 3);
    market.trouble(Rule::always(Trouble::SlowAnswer(Duration::from_secs(5))).at("outlet"));
    home.eys("sync").is(3);
    insta::assert_snapshot!(home.eys("status --check"), @"
    exit 3
    ---- stdout
    To look at
      outlet: no run got through with it for 3 hours; runs come every minute
          next: `eys doctor` tries it and says what is wrong
    ");
    let document = home.json("status --check");
    assert_eq!(
        (&document["problems"][0]["kind"], &document["problems"][0]["channel"]),
        (&"silent".into(), &"outlet".into())
    );
    home.eys("doctor --offline").is(6).has("outlet: no run got through with it for 3 hours");
    market.peace();
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
}

// proves F7: credentials that cannot be renewed are a problem two weeks before they end; new ones clear it.
// finds credentials-end
#[test]
fn credentials_that_end() {
    let home = Home::in_step();
    let credentials = Credentials::of(&home.path("state.db"));
    let stall = ChannelName::new("stall").unwrap();
    let keep = |ends: Option<Timestamp>| {
        let access = "hush-1".into();
        let token = KeptToken { access, refresh: None, until: None, ends, by: None, scopes: Vec::new() };
        credentials.keep(&stall, &token).unwrap();
    };
    keep(Some(Timestamp::now() + hours(15 * 24)));
    home.eys("status --check").is(0);
    keep(Some(Timestamp::now() + hours(13 * 24)));
    let day = (Timestamp::now() + hours(13 * 24)).strftime("%Y-%m-%d").to_string();
    let told = home.eys("status --check");
    told.is(3).has(&format!("stall: its credentials end on {day}, and eys cannot renew them"));
    home.eys("doctor --offline").is(6).has(&format!("its credentials end on {day}"));
    home.eys("doctor").is(6).has("before that day");
    insta::assert_snapshot!("doctor_of_credentials_that_end", said(&home, "credentials-end").replace(&day, "DAY"));
    keep(None);
    home.eys("status --check").is(0);
    home.eys("doctor").is(0);
}

// proves F6, I2: a file of credentials that is damaged is told by every command that needs it, with what mends it and nothing
// that stands in it; once it is moved away, all goes on.
#[test]
fn a_damaged_file_of_credentials_is_told() {
    let home = Home::in_step();
    let whole = home.read("state.db.credentials");
    let torn = format!("{}\"tokens\": {{ \"stall\": \"hush-1\"", whole.split("\"tokens\"").next().unwrap());
    for damaged in [torn.as_str(), ""] {
        home.write("state.db.credentials", damaged);
        for command in ["sync", "sync --dry-run", "status --check", "doctor"] {
            let told = home.eys(command);
            told.is(1).has("/home/owner/eys/state.db.credentials: it is damaged from line ").lacks("hush-1");
            told.has("next: nothing was overwritten; move it away, and run `eys auth CHANNEL` for each channel");
        }
        assert_eq!(home.read("state.db.credentials"), damaged);
    }
    std::fs::remove_file(home.path("state.db.credentials")).unwrap();
    home.eys("sync").is(0);
    home.eys("doctor").is(0);
}

// What needs no secret works all the same where others can read one, and complains of it.
// finds secret-readable
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_others_can_read_is_complained_of() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10)]));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.list("stall", "target", "sku,quantity\nMUG,1\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.set_mode("channels.toml", 0o644);
    insta::assert_snapshot!(home.eys("status --check"), @"
    exit 3
    ---- stdout
    To look at
      others can read the secrets in /home/owner/eys/channels.toml
          next: `chmod 600 /home/owner/eys/channels.toml`
    ");
    home.eys("status").is(0).has("others can read the secrets in /home/owner/eys/channels.toml");
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    Accounts, permissions, limits
      !!   others can read the secrets in /home/owner/eys/channels.toml
           next: `chmod 600 /home/owner/eys/channels.toml`

    1 problem found.
    ");
    home.set_mode("channels.toml", 0o600);
    home.set_mode("state.db.credentials", 0o640);
    home.eys("status --check").is(3).has("chmod 600 /home/owner/eys/state.db.credentials");
    home.set_mode("state.db.credentials", 0o600);
    home.eys("status --check").is(0);
    home.eys("doctor --offline").is(0);
}

// A state that was only linked, and never synced, is not silent.
#[test]
fn what_was_never_synced_is_not_silent() {
    let home = Home::with_mugs();
    home.eys("link --yes").is(0);
    let mut store = Store::open(&home.path("state.db")).unwrap();
    store.transaction(|tx| tx.begin_run("link", Timestamp::now() - hours(5)).map(|_| ())).unwrap();
    drop(store);
    home.eys("status --check").is(3).lacks("no run");
}
