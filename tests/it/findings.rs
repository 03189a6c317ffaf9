//! Every finding of `doctor`: what provokes it, what it says, and that its own mend clears it. A comment `finds CODE`
//! above a test names the codes that it provokes and clears.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use eys::channel::Weight;
use eys::domain::{IntentState, Role};
use eys::engine::checkup::Finding;
use serde_json::Value;

use crate::shops::{Shops, name, troubles};
use crate::sim::shopify::{ShopSpec, Shopify};
use crate::sim::woocommerce::{Permalinks, Permission, Tls, WooCommerce};
use crate::sim::{Market, Rule, State, Trouble};
use crate::support::{Home, until};

/// Words with a hyphen that are no findings of `doctor`: what is well, what only `status` tells, and the names of mends.
const OTHERS: &[&str] = &[
    "in-doubt",
    "inventory-model",
    "low-stock",
    "manage-shop",
    "not-applied",
    "not-followed",
    "openapi-ping",
    "orders-file",
    "out-of-stock-control",
    "unpaid-purchases",
];

fn findings(home: &Home) -> Vec<Value> {
    home.json("doctor")["findings"].as_array().unwrap().clone()
}

/// Returns what `doctor` says under a code, in words.
pub fn said(home: &Home, code: &str) -> String {
    let all = findings(home);
    let told = all.iter().filter(|finding| finding["code"] == code).map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
        format!("{} {}: {}\nnext: {}", text("weight"), text("channel"), text("message"), text("next"))
    });
    let told: Vec<String> = told.collect();
    assert!(!told.is_empty(), "{code} is not in {all:#?}");
    told.join("\n")
}

pub fn gone(home: &Home, code: &str) {
    let all = findings(home);
    assert!(all.iter().all(|finding| finding["code"] != code), "{code} is still in {all:#?}");
}

fn replace(home: &Home, file: &str, from: &str, to: &str) {
    let text = home.read(file);
    assert!(text.contains(from), "{from} is not in {text}");
    home.write(file, text.replacen(from, to, 1));
}

const SOURCE: &str = "sku,quantity,title\nMUG,10,Red mug\nBOWL,4,Blue bowl\nDUP,1,Twin\nDUP,2,Twin\nDEEP,-3,Pit\n";
const TARGET: &str = "sku,quantity,title\nMUG,1,Red mug\nbowl,1,Blue bowl\n,1,Nameless\nDUP,1,Twin\nOWN,1,Own\n";

// finds sku-missing, duplicate-sku, near-match, not-on-source, not-listed, not-linked
#[test]
fn skus_are_mended_one_by_one() {
    let home = Home::with_lists(SOURCE, TARGET);
    insta::assert_snapshot!(said(&home, "sku-missing"), @"
    problem stall: Nameless (Nameless): it has no SKU
    next: fill it in on the channel; `eys doctor --propose-skus FILE` writes proposals
    ");
    replace(&home, "stall.csv", ",1,Nameless", "DEEP,1,Nameless");
    gone(&home, "sku-missing");
    insta::assert_snapshot!(said(&home, "duplicate-sku"), @"
    problem stall: DUP (Twin): several listings of the source bear its SKU
    next: give each listing of the source a SKU of its own
    problem stock: DUP (Twin): several listings of this channel bear its SKU
    next: give each listing a SKU of its own, or tie them by hand: `eys link --sku SKU --channel C --to LISTING`
    problem stock: DUP (Twin): several listings of this channel bear its SKU
    next: give each listing a SKU of its own, or tie them by hand: `eys link --sku SKU --channel C --to LISTING`
    ");
    replace(&home, "stock.csv", "DUP,2", "DUP-2,2");
    gone(&home, "duplicate-sku");
    insta::assert_snapshot!(said(&home, "not-linked"), @"
    problem -: 3 SKUs belong together and are not linked
    next: `eys link` shows them and ties them
    ");
    home.eys("link --yes").is(0);
    gone(&home, "not-linked");
    insta::assert_snapshot!(said(&home, "near-match"), @"
    note stall: bowl is nearly the same as BOWL on the source
    next: `eys link --accept` ties them
    ");
    home.eys("link --accept --yes").is(0);
    gone(&home, "near-match");
    insta::assert_snapshot!(said(&home, "not-on-source"), @"
    note stall: OWN (Own): the source has no listing with its SKU
    next: add it to the source, or tie it by hand: `eys link --sku SKU --channel C --to LISTING`
    ");
    home.eys("link --sku DUP-2 --channel stall --to OWN --yes").is(0);
    gone(&home, "not-on-source");
    gone(&home, "not-listed");
}

// finds not-listed, no-number, oversold, open-elsewhere
#[test]
fn lists_are_mended_in_their_cells() {
    let home = Home::with_lists(&SOURCE.replace("DUP,2,Twin\n", ""), TARGET);
    insta::assert_snapshot!(said(&home, "not-listed"), @"
    note stock: BOWL (Blue bowl): no other channel has it
    next: list it there, if it is to be sold there
    note stock: DEEP (Pit): no other channel has it
    next: list it there, if it is to be sold there
    ");
    home.write("stall.csv", home.read("stall.csv") + "DEEP,1,Pit\nBOWL,1,Bowl\n");
    gone(&home, "not-listed");
    insta::assert_snapshot!(said(&home, "oversold"), @"
    note stock: DEEP (Pit) is oversold: it stands at -3
    next: add stock, or cancel an order
    ");
    replace(&home, "stock.csv", "DEEP,-3", "DEEP,many");
    gone(&home, "oversold");
    insta::assert_snapshot!(said(&home, "no-number"), @"
    note stock: DEEP (Pit): its quantity cannot be read
    next: write a whole number there
    problem stock: 1 quantity is no whole number and says nothing: line 5 (`many`)
    next: write whole numbers into these cells
    ");
    replace(&home, "stock.csv", "DEEP,many", "DEEP,3");
    gone(&home, "no-number");
    home.write(".~lock.stock.csv#", "");
    insta::assert_snapshot!(said(&home, "open-elsewhere"), @"
    problem stock: stock.csv seems to be open in a spreadsheet program
    next: close it there: saving it would bring back the old numbers
    ");
    std::fs::remove_file(home.path(".~lock.stock.csv#")).unwrap();
    gone(&home, "open-elsewhere");
}

// finds sync-off, held, channel-removed
#[test]
fn settings_are_mended_in_channels_toml() {
    let home = Home::with_mugs();
    home.eys("link --yes").is(0);
    insta::assert_snapshot!(said(&home, "held"), @"
    problem stall: h1: the first push to stall would change 2 of 2 listings (since 2026-11-24 09:00 UTC)
    next: `eys sync --release h1` lets it go on; with `--dry-run` it shows what that writes
    ");
    home.eys("sync --release h1").is(0);
    gone(&home, "held");
    let (well, mut off) = (home.read("channels.toml"), Vec::new());
    for (from, to) in [
        ("[channels.stall]", "[channels.stall]\ninventory_sync = false"),
        ("[channels.stock]", "inventory_sync = false\n[channels.stock]"),
    ] {
        home.edit(from, to);
        off.push(said(&home, "sync-off"));
        home.config(&well);
        gone(&home, "sync-off");
    }
    insta::assert_snapshot!("doctor_of_what_is_switched_off", off.join("\n"));
    home.edit("[channels.stall]", "[channels.booth]");
    insta::assert_snapshot!(said(&home, "channel-removed"), @"
    problem stall: it stands no longer in channels.toml: 2 linked listings do not follow, and its sales are not seen; what was sold before is still taken off
    next: put its block back; if it got another name, `eys link --rename-channel stall NEW`; if it is gone for good, `eys link --remove stall`
    ");
    home.eys("link --rename-channel stall booth").is(0);
    gone(&home, "channel-removed");
}

// finds source-gone, sku-mismatch, listing-gone, refused, owing
#[tokio::test(start_paused = true)]
async fn what_does_not_follow_is_named_with_what_mends_it() {
    let mut shops = Shops::new();
    let goods = [("MUG", 10), ("BOWL", 10), ("VASE", 10)];
    let source = shops.shopify("shop", Role::Source, &goods);
    let web = shops.woocommerce("web", Role::Target, &goods);
    let full = || eys::engine::Options { full: true, ..Default::default() };
    shops.start().await;
    web.face(|face: &mut WooCommerce| face.refused.insert("VASE".to_owned(), "product_locked".to_owned()));
    source.owner_sets("VASE", 7);
    shops.pass(120).await;
    shops.sync().await;
    let mut words = told(&shops, "web", "refused").await;
    web.face(|face: &mut WooCommerce| face.refused.clear());
    shops.pass(1200).await;
    shops.sync().await;
    assert!(!finds(&shops, "web", "refused").await && web.available("VASE") == 7);
    web.rename_sku("BOWL", "BASIN");
    shops.sync_with(full()).await;
    words += &told(&shops, "web", "sku-mismatch").await;
    web.rename_sku("BASIN", "BOWL");
    shops.sync_with(full()).await;
    assert!(!finds(&shops, "web", "sku-mismatch").await);
    web.delete("BOWL");
    let report = shops.sync_with(full()).await;
    assert!(troubles(&report).iter().any(|trouble| trouble.contains("ended (gone)")), "{:?}", troubles(&report));
    words += &told(&shops, "web", "listing-gone").await;
    web.add("BOWL", 10);
    shops.accept().await;
    shops.sync_with(full()).await;
    assert!(!finds(&shops, "web", "listing-gone").await);
    web.buy("MUG", 2).unwrap();
    source.delete("MUG");
    shops.pass(120).await;
    shops.sync_with(full()).await;
    words += &told(&shops, "web", "source-gone").await;
    words += &told(&shops, "web", "owing").await;
    source.add("MUG", 10);
    shops.accept().await;
    shops.pass(120).await;
    shops.sync_with(eys::engine::Options { yes: true, ..full() }).await;
    shops.rest().await;
    assert!(!finds(&shops, "web", "source-gone").await && !finds(&shops, "web", "owing").await);
    assert_eq!((source.available("MUG"), web.available("MUG")), (8, 8));
    insta::assert_snapshot!("doctor_of_what_does_not_follow", words);
}

// finds channel-unusable, last-run-failed, oversold
#[test]
fn what_a_run_met_is_mended_by_the_next() {
    let home = Home::in_step();
    let list = home.read("stall.csv");
    std::fs::remove_file(home.path("stall.csv")).unwrap();
    home.eys("sync").is(1);
    insta::assert_snapshot!(said(&home, "channel-unusable"), @"
    problem stall: /home/owner/eys/stall.csv: No such file or directory (os error 2) (while reading the file)
    next: check the path in channels.toml, or put the file there
    ");
    insta::assert_snapshot!(said(&home, "last-run-failed"), @"
    problem stall: in its last run: /home/owner/eys/stall.csv: No such file or directory (os error 2) (while reading the file)
    next: `eys sync` tries again; what is said above names the mend
    ");
    // A block that is gone from channels.toml has no run any more that could clear it.
    let well = home.read("channels.toml");
    home.edit("[channels.stall]", "[channels.booth]");
    gone(&home, "last-run-failed");
    home.config(&well);
    home.write("stall.csv", list);
    gone(&home, "channel-unusable");
    home.eys("sync").is(0);
    gone(&home, "last-run-failed");
    home.order("stall", "S-1", "BOWL", 6, "open");
    home.eys("sync").is(3);
    insta::assert_snapshot!(said(&home, "oversold"), @"
    problem stall: 1 sold line waits for stock since 2026-11-24 09:00 UTC (the source has none left): order S-1
    next: add stock on the source, or cancel; it is taken off the next stock that comes in
    ");
    replace(&home, "stock.csv", "BOWL,0", "BOWL,5");
    home.eys("sync").is(0);
    gone(&home, "oversold");
    assert!(home.read("stock.csv").contains("BOWL,3,"));
}

// finds stock-not-managed, sells-below-zero, not-on-sale, scope-missing, scope-optional, location-missing, location-inactive, location-new, api-version
#[tokio::test(flavor = "multi_thread")]
async fn shops_are_mended_by_command_or_in_their_settings() {
    let market = Market::live(1);
    let (home, outlet) = Home::with_an_outlet(&market).await;
    outlet.set_tracked("MUG", false);
    outlet.set_oversells("BOWL", true);
    insta::assert_snapshot!(said(&home, "stock-not-managed"), @"
    problem outlet: MUG (The MUG): the platform does not keep count of its stock
    next: `eys doctor --fix` turns it on
    ");
    insta::assert_snapshot!(said(&home, "sells-below-zero"), @"
    problem outlet: BOWL (The BOWL) goes on selling at zero
    next: `eys doctor --fix` stops it
    ");
    home.eys("doctor --fix --yes").is(0);
    gone(&home, "stock-not-managed");
    gone(&home, "sells-below-zero");
    outlet.set_state("VASE", State::Archived);
    insta::assert_snapshot!(said(&home, "not-on-sale"), @"
    note outlet: VASE (The VASE) is not on sale: archived
    next: put it on sale there, if it is to be sold
    ");
    outlet.set_state("VASE", State::Live);
    gone(&home, "not-on-sale");
    let all = outlet.face(|face: &mut Shopify| face.scopes.clone());
    outlet
        .face(|face: &mut Shopify| face.scopes.retain(|scope| scope != "write_publications" && scope != "read_orders"));
    insta::assert_snapshot!(said(&home, "scope-missing"), @"
    problem outlet: the app lacks the scope read_orders, to see what was sold
    next: add it in the Dev Dashboard, release the app's version and approve it in the shop
    ");
    insta::assert_snapshot!(said(&home, "scope-optional"), @r#"
    note outlet: the app lacks the scope write_publications, to hide listings (zero_stock = "hide")
    next: add it in the Dev Dashboard, release the app's version and approve it in the shop
    "#);
    outlet.face(|face: &mut Shopify| face.scopes = all);
    gone(&home, "scope-missing");
    gone(&home, "scope-optional");
    let well = home.read("channels.toml");
    home.edit("[channels.outlet]", "[channels.outlet]\nlocations = [\"Attic\"]");
    insta::assert_snapshot!(said(&home, "location-missing"), @"
    problem outlet: the shop has no location `Attic`; it has Main
    next: write one of these into `locations` in channels.toml
    ");
    home.config(&well);
    gone(&home, "location-missing");
    let second = outlet.add_location("Cellar");
    outlet.stock_at("MUG", second, 3);
    insta::assert_snapshot!(said(&home, "location-new"), @r#"
    problem outlet: the shop sells online from "Cellar" too, and its stock does not count yet
    next: if it is to count: `locations = ["Main", "Cellar"]` in [channels.outlet] of channels.toml; if not: `locations = ["Main"]`
    "#);
    let told = home.eys("sync");
    told.is(4);
    assert!(told.out.contains("the shop sells online from \"Cellar\" too"), "{}", told.out);
    home.edit("[channels.outlet]", "[channels.outlet]\nlocations = [\"Main\", \"Cellar\"]");
    gone(&home, "location-new");
    outlet.close_location(second, true);
    insta::assert_snapshot!(said(&home, "location-inactive"), @"
    problem outlet: the location Cellar is not active: nothing is sold from it
    next: activate it in Shopify, or name another
    ");
    outlet.close_location(second, false);
    gone(&home, "location-inactive");
    let oldest = outlet.face(|face: &mut Shopify| std::mem::replace(&mut face.oldest_version, "2027-01".to_owned()));
    insta::assert_snapshot!(said(&home, "api-version"), @"
    problem outlet: Shopify no longer supports version 2026-10 of its API and answers with another
    next: use a newer version of eys
    ");
    outlet.face(|face: &mut Shopify| face.oldest_version = oldest);
    gone(&home, "api-version");
}

/// Returns what a checkup says under a code on a channel, in words.
pub async fn told(shops: &Shops, channel: &str, code: &str) -> String {
    let on = Some(name(channel));
    let found = |finding: &&Finding| finding.weight != Weight::Fine && finding.code == code && finding.channel == on;
    let words = |finding: &Finding| {
        let next = finding.next.as_deref().unwrap_or("-");
        format!("{:?} {code}: {}\n  next: {next}\n", finding.weight, finding.message)
    };
    shops.checkup().await.findings.iter().filter(found).map(words).collect()
}

/// Tells whether a checkup finds a code on a channel.
pub async fn finds(shops: &Shops, channel: &str, code: &str) -> bool {
    !told(shops, channel, code).await.is_empty()
}

// finds keys-read-only, orders-unseen, settings-unseen, sold-out-early, hides-sold-out
// finds noisy-answers, byte-order-mark, cached-answers, authorization-dropped, permalinks-plain, https-hidden
#[tokio::test(start_paused = true)]
async fn woocommerce_is_mended_in_its_settings_and_by_its_host() {
    type Turn = fn(&mut WooCommerce, bool);
    let turns: [(&str, Turn); 11] = [
        ("keys-read-only", |face, on| {
            face.keys[0].permission = if on { Permission::Read } else { Permission::ReadWrite }
        }),
        ("orders-unseen", |face, on| face.keys[0].unseen = if on { vec!["orders"] } else { Vec::new() }),
        ("settings-unseen", |face, on| face.keys[0].unseen = if on { vec!["settings"] } else { Vec::new() }),
        ("cached-answers", |face, on| face.site.cached = on),
        ("noisy-answers", |face, on| face.site.noise = on.then(|| "<b>Warning</b>".to_owned())),
        ("byte-order-mark", |face, on| face.site.noise = on.then(|| "\u{feff}".to_owned())),
        ("authorization-dropped", |face, on| face.site.drops_authorization = on),
        ("permalinks-plain", |face, on| face.site.permalinks = if on { Permalinks::Plain } else { Permalinks::Pretty }),
        ("https-hidden", |face, on| face.site.tls = if on { Tls::Hidden } else { Tls::AsDialled }),
        ("sold-out-early", |face, on| face.no_stock_amount = if on { 2 } else { 0 }),
        ("hides-sold-out", |face, on| face.hides_out_of_stock = on),
    ];
    let mut words = String::new();
    for (code, turn) in turns {
        let mut shops = Shops::new();
        let web = shops.woocommerce("web", Role::Target, &[("MUG", 5)]);
        shops.csv("list", Role::Source, &[("MUG", 5)]);
        shops.start().await;
        web.face(|face: &mut WooCommerce| turn(face, true));
        // How a shop is reached is found out by each process anew.
        shops.woocommerce_at("web", Role::Target, "https://web.test");
        let found = told(&shops, "web", code).await;
        assert!(!found.is_empty(), "{code}");
        words += &found;
        web.face(|face: &mut WooCommerce| turn(face, false));
        shops.woocommerce_at("web", Role::Target, "https://web.test");
        assert!(!finds(&shops, "web", code).await, "{code}");
    }
    insta::assert_snapshot!("doctor_at_woocommerce", words);
}

// finds open-intent, second-writer
#[tokio::test(start_paused = true)]
async fn doubts_and_second_writers_are_settled_by_the_owner() {
    let mut shops = Shops::new();
    let source = shops.woocommerce("shop", Role::Source, &[("MUG", 10), ("BOWL", 10)]);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 10), ("BOWL", 10)]);
    shops.start().await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    source.face(|face: &mut WooCommerce| face.dies_in_save = Some(0));
    shops.sync().await;
    shops.pass(600).await;
    shops.sync().await;
    let checkup = shops.checkup().await;
    let open: Vec<_> = checkup.findings.iter().filter(|finding| finding.code == "open-intent").collect();
    assert!(open[0].next.as_ref().unwrap().contains("`eys doctor --settle i1 not-applied`"), "{open:?}");
    let intent = shops.store.read(|tx| tx.unfinished_intents()).unwrap().remove(0);
    assert_eq!(intent.state, IntentState::InDoubt);
    shops.settle_doubts(false);
    shops.rest().await;
    assert!(shops.checkup().await.findings.iter().all(|finding| finding.code != "open-intent"));
    assert_eq!(source.available("MUG"), 8);
    for _ in 0..8 {
        outlet.another_app_sets("BOWL", 50);
        shops.pass(720).await;
        shops.sync().await;
    }
    assert!(finds(&shops, "outlet", "second-writer").await);
    let release = eys::engine::Options { release: vec!["outlet/BOWL".parse().unwrap()], ..Default::default() };
    shops.sync_with(release).await;
    assert!(!finds(&shops, "outlet", "second-writer").await);
}

// proves X6: what nobody can tell is asked of the owner, with both numbers, and either answer ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_settled_at_the_prompt() {
    for (word, left) in [("applied", 8), ("not-applied", 6)] {
        let market = Market::live(1);
        let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10), ("BOWL", 4)]));
        let mut home = Home::new();
        home.shopify("shop", "source", &shop).await;
        home.list("stall", "target", "sku,quantity\nMUG,10\nBOWL,4\n");
        home.eys("link --yes").is(0);
        home.eys("sync --yes").is(0);
        home.order("stall", "S-1", "MUG", 2, "open");
        market.trouble(Rule::once(Trouble::SlowAnswer(Duration::from_mins(1))).at("mugs").writing().after(1));
        let running = home.start("sync");
        until("the source is written to", || shop.available("MUG") == 8);
        running.signal("KILL");
        running.end();
        market.peace();
        // A day later the key is forgotten, and the owner has counted anew meanwhile: the number fits neither outcome.
        let state = rusqlite::Connection::open(home.path("state.db")).unwrap();
        let a_day_ago = "UPDATE call SET opened = opened - 90000000;
            UPDATE intent SET opened = opened - 90000000, sent = sent - 90000000;";
        state.execute_batch(a_day_ago).unwrap();
        shop.buy("MUG", 2).unwrap();
        shop.owner_sets("MUG", 8);
        home.eys("sync");
        let an_hour_ago = "UPDATE meta SET value = json_set(value, '$[1]', value ->> '$[1]' - 3600000,
            '$[2]', value ->> '$[2]' - 3600000) WHERE key LIKE 'evidence:%'";
        assert_eq!(state.execute(an_hour_ago, []).unwrap(), 1);
        home.eys("sync").is(4).has(
            "nobody can tell whether -2 was applied: 8 without it, 6 with it, 2 sold there meanwhile, and it shows 8",
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(said(&home, "open-intent"), @"
            problem shop: MUG: i1: nobody can tell since 2026-11-24 09:00 UTC whether -2 was applied: 8 without it, 6 with it, 2 sold there meanwhile, and it shows 8
            next: `eys doctor --settle i1 applied` if it was, `eys doctor --settle i1 not-applied` if not
            ");
        }
        home.eys(&format!("doctor --settle i1 {word}")).is(0);
        gone(&home, "open-intent");
        home.eys("sync").is(0);
        assert_eq!(shop.available("MUG"), left, "{word}");
        assert!(home.read("stall.csv").contains(&format!("MUG,{left}")), "{word}: {}", home.read("stall.csv"));
        home.eys("sync").is(0).has("nothing to do");
    }
}

fn is_code(text: &str) -> bool {
    text.contains('-') && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// Returns the codes that the program gives its findings and their probes.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for file in [
        "engine/checkup.rs",
        "engine/standing.rs",
        "cli/doctor.rs",
        "channel/csv/mod.rs",
        "channel/shopify/doctor.rs",
        "channel/woocommerce/doctor.rs",
        "channel/ebay/doctor.rs",
        "channel/etsy/doctor.rs",
    ] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap();
        let literals = text.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).filter(|text| is_code(text));
        codes.extend(literals.filter(|code| !OTHERS.contains(code)).map(ToOwned::to_owned));
    }
    codes.extend(
        [
            "fractions",
            "held",
            "limited",
            "oversold",
            "owing",
            "parenthesis",
            "quota",
            "readings",
            "refused",
            "relisted",
            "silent",
            "source-owed",
            "unfit",
            "version",
        ]
        .map(ToOwned::to_owned),
    );
    codes
}

#[test]
fn every_finding_has_a_test_that_names_it() {
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")).unwrap().flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let lists = text.lines().filter_map(|line| line.strip_prefix("// finds "));
        named.extend(lists.flat_map(|list| list.split(", ")).map(|code| code.trim().to_owned()));
    }
    let codes = codes();
    let unknown: Vec<_> = named.difference(&codes).collect();
    assert!(unknown.is_empty(), "tests name codes that are none: {unknown:?}");
    let missing: Vec<_> = codes.difference(&named).collect();
    assert!(missing.is_empty(), "no test provokes {missing:?}");
}
