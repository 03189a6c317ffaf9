//! The file as owners write it, and as they mistype it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::channel::registry::KINDS;

const GOOD: &str = "[channels.a]\nkind = \"csv\"\nrole = \"source\"\npath = \"a.csv\"\n\
    [channels.b]\nkind = \"csv\"\nrole = \"target\"\npath = \"b.csv\"\n";

fn read(text: &str) -> Result<Config, ConfigError> {
    check::check(Path::new("channels.toml"), text, KINDS)
}

fn drawn(text: &str) -> String {
    read(text).unwrap_err().render(false)
}

#[test]
fn what_is_not_said_has_its_default() {
    let config = read(GOOD).unwrap();
    assert_eq!((config.every.as_secs(), config.patience.as_secs(), config.grace.as_secs()), (60, 60, 600));
    assert_eq!(config.guard, Guard { percent: 20, at_least: 5 });
    assert_eq!(config.source().unwrap().name.as_str(), "a");
    assert!(config.inventory_sync && config.channels[1].deduct_sales);
}

#[test]
fn the_example_is_right_and_names_every_key() {
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/channels.example.toml")).unwrap();
    assert_eq!(example, super::example(), "write it anew with `eys init`, or mend the table of kinds");
    read(&example).unwrap();
    for kind in KINDS {
        for key in kind.keys {
            assert!(example.contains(&format!("{} = ", key.name)), "{} of {}", key.name, kind.name);
        }
    }
}

/// What the contract of the program's face says channels.toml looks like, but for whom to tell of problems.
const CONTRACT: &str = r#"every = "60s"                    # the loop's pace
inventory_sync = true            # the master switch
grace = "10m"
patience = "60s"                 # how long a one-shot run waits for a slow channel
guard = { percent = 20, at_least = 5 }        # may be tightened, not switched off
# state = "…", log_file = "…"

[channels.shop]
kind = "shopify"
role = "source"
shop = "my-shop.myshopify.com"
access_token = { env = "SHOPIFY_TOKEN" }      # or client_id + client_secret
locations = ["Main warehouse"]                # in the order in which sales are taken off
api_version = "2026-10"                       # a tested default

[channels.ebay]
kind = "ebay"
role = "target"
client_id = "…"
client_secret = "…"
ru_name = "…"                                 # for `eys auth ebay`
refresh_token = "…"                           # or `eys auth ebay`
marketplace = "EBAY_US"
environment = "production"                    # or "sandbox"
inventory_sync = true                         # the switch per channel
zero_stock = "keep"                           # keep | hide | end
source_gone = "zero"                          # zero | keep | hide
deduct_sales = true                           # false where another app already brings this channel's orders into the source
restock_cancelled = "unshipped"               # unshipped | always | never, where the platform does not say
fees = false                                  # may a relisting or renewal cost money?

[channels.etsy]
kind = "etsy"
role = "target"
client_id = "…"                               # the keystring
client_secret = "…"                           # the shared secret
refresh_token = "…"
shop_id = 12345678

[channels.web]
kind = "woocommerce"
role = "target"
url = "https://example.org"                   # the shop's address, with its subfolder if it has one
consumer_key = "ck_…"
consumer_secret = "cs_…"

[channels.warehouse]
kind = "csv"
role = "target"
path = "stock.csv"
# columns = { id = "…", sku = "…", quantity = "…", title = "…", price = "…", location = "…" }   # recognised for known exports
# encoding = "utf-8" | "windows-1252", delimiter = ";"                                          # recognised too
orders = "orders.csv"                         # sales to take off the source; not on a source, whose owner lowers the cell

[[rules]]
name = "keep two back on eBay"
when = { channel = "ebay", sku = "MUG-*" }
then = { buffer = 2 }                         # exclude | percent | buffer | zero_at_or_below | max | fixed | zero_stock
"#;

#[test]
fn what_the_contract_shows_is_taken_as_it_stands() {
    let config = read(CONTRACT).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let named: Vec<&str> = config.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(named, ["shop", "ebay", "etsy", "web", "warehouse"]);
    let stall = config.channel("etsy").unwrap();
    assert_eq!((stall.settings.text("client_id"), stall.settings.number("shop_id")), (Some("…"), Some(12_345_678)));
    assert!(stall.settings.has("client_secret") && stall.settings.has("refresh_token"));
    // Ending is hiding there, and may be asked for all the same.
    for (word, zero_stock) in [("keep", ZeroStock::Keep), ("hide", ZeroStock::Hide), ("end", ZeroStock::End)] {
        let text = CONTRACT.replace("shop_id = 12345678\n", &format!("zero_stock = \"{word}\"\n"));
        assert_eq!(read(&text).unwrap().channel("etsy").unwrap().zero_stock, zero_stock, "{word}");
    }
}

// Whoever copies the words of Etsy's own pages is understood, and no secret shows under either name.
#[test]
fn etsys_own_words_for_its_keys_are_taken() {
    let stall = |lines: &str| format!("{GOOD}[channels.stall]\nkind = \"etsy\"\nrole = \"target\"\n{lines}");
    let own = "keystring = \"key\"\nshared_secret = \"hush-1\"\n";
    let config = read(&stall(own)).unwrap();
    let settings = &config.channel("stall").unwrap().settings;
    assert!(settings.text("client_id") == Some("key") && settings.has("client_secret"), "{settings:?}");
    let wrong = drawn(&stall(&own.replace("\"key\"", "\"key:both\"")));
    assert!(wrong.contains("keystring = ") && wrong.contains("without a colon"), "{wrong}");
    let shown = drawn(&stall(&format!("{own}odd = 1\n")));
    assert!(shown.contains("unknown key `odd`") && !shown.contains("hush"), "{shown}");
    for twice in ["client_secret = \"hush-2\"\n", "client_secret = { env = \"hush-2\" }\n"] {
        let shown = drawn(&stall(&format!("{own}{twice}")));
        assert!(shown.contains("`shared_secret` and `client_secret` of [channels.stall] are the same"), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }
    let lacking = drawn(&stall("keystring = \"key\"\n"));
    assert!(lacking.contains("has no `client_secret`") && !lacking.contains("has no `client_id`"), "{lacking}");
}

// A secret is looked for, and looked after, under whichever name it stands.
#[test]
fn a_secret_under_another_name_is_nobody_elses_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("channels.toml");
    let stall = "[channels.stall]\nkind = \"etsy\"\nrole = \"target\"\nkeystring = \"key\"\n";
    let with = |secret: &str| {
        std::fs::write(&path, format!("{GOOD}{stall}shared_secret = {secret}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        Config::read(&path).unwrap()
    };
    let config = with("\"hush-1\"");
    let shown = config.check_secrets().unwrap_err().render(false);
    assert!(shown.contains("others can read") && !shown.contains("hush"), "{shown}");
    assert_eq!(config.open_secrets(), std::slice::from_ref(&path));
    let shown = with("{ env = \"EYS_NO_SUCH_SECRET\" }").check_secrets().unwrap_err().render(false);
    assert!(shown.contains("the environment has no EYS_NO_SUCH_SECRET"), "{shown}");
}

#[test]
fn all_problems_are_told_at_once() {
    let text = "evry = \"60s\"\nguard = { percent = 50 }\n[channels.Shop]\nkind = \"shopyfi\"\nrole = \"source\"\naccess_token = \"hush-1\"\n\
        [channels.b]\nkind = \"csv\"\nrole = \"source\"\npath = 5\n[[rules]]\nname = \"x\"\nwhen = { channel = \"c\" }\nthen = { bufer = 1 }\n";
    insta::assert_snapshot!(drawn(text));
    assert!(!drawn(text).contains("hush-1"));
}

#[test]
fn one_source_is_needed_and_not_two() {
    insta::assert_snapshot!([
        drawn(&GOOD.replace("\"source\"", "\"target\"")),
        drawn(&GOOD.replace("\"target\"", "\"source\"")),
        drawn(""),
    ].join("\n\n"));
}

#[test]
fn a_web_shop_is_known_by_its_address_and_two_keys() {
    let block = |rest: &str| drawn(&format!("{GOOD}[channels.web]\nkind = \"woocommerce\"\nrole = \"target\"\n{rest}"));
    let keys = "consumer_key = \"ck_hush\"\nconsumer_secret = \"cs_hush\"\n";
    let all = [
        block(""),
        block(&format!("url = \"http://example.org\"\n{keys}")),
        block(&format!("url = \"example .org\"\n{keys}")),
        block(&format!("url = \"example.org\"\nconsumer_keys = \"ck_hush\"\n{keys}")),
    ]
    .join("\n\n");
    assert!(!all.contains("hush"), "{all}");
    insta::assert_snapshot!(all);
}

#[test]
fn a_syntax_error_shows_its_place_and_no_secret() {
    let drawn = drawn("[channels.a]\naccess_token = \"hush-1\nkind = 5");
    assert!(drawn.contains("channels.toml:2"), "{drawn}");
    assert!(!drawn.contains("hush-1"), "{drawn}");
}

#[test]
fn a_secret_under_a_misspelt_key_is_not_shown() {
    let drawn = drawn(&format!("{GOOD}acess_token = \"hush-1\"\n"));
    assert!(drawn.contains("acess_token") && !drawn.contains("hush-1"), "{drawn}");
}

#[test]
fn a_secret_of_a_block_without_a_kind_is_not_shown() {
    for kind in ["", "kind = 5, ", "kind = \"shopyfi\", "] {
        let drawn = drawn(&format!("channels.a = {{ {kind}role = \"source\", access_token = \"hush-1\" }}\n"));
        assert!(drawn.contains("kind") && !drawn.contains("hush-1"), "{drawn}");
    }
}

#[test]
fn a_secret_under_an_unknown_key_with_dots_is_not_shown() {
    let rule = "[[rules]]\nname = \"x\"\nthen = { max = 1 }\n";
    for line in ["acess.token = \"hush-1\"".to_owned(), format!("{rule}channels.b.token = \"hush-1\"")] {
        let drawn = drawn(&format!("{GOOD}{line}\n"));
        assert!(drawn.contains("unknown key") && !drawn.contains("hush-1"), "{drawn}");
    }
}

#[test]
fn an_address_that_is_no_text_is_not_shown() {
    let drawn = drawn(&format!("[problems]\nwebhook.token = \"hush-1\"\n{GOOD}"));
    assert!(drawn.contains("webhook") && !drawn.contains("hush-1"), "{drawn}");
}

#[test]
fn what_is_no_block_is_no_channel() {
    for text in [
        format!("{GOOD}[channels]\nc = \"hush-1\"\n"),
        format!("channels.c = \"hush-1\"\n{GOOD}"),
        "channels = \"hush-1\"".to_owned(),
    ] {
        let drawn = drawn(&text);
        assert!(drawn.contains("a channel is a block of its own") && !drawn.contains("hush-1"), "{drawn}");
    }
}

// A condition that is not understood must not be taken for none: the rule would match everything.
#[test]
fn a_condition_that_is_no_table_is_told() {
    let rule = |when: &str| format!("{GOOD}[[rules]]\nname = \"x\"\nwhen = {{ {when} }}\nthen = {{ max = 0 }}\n");
    read(&rule("any = [{ tag = \"a\" }]")).unwrap();
    for when in ["any = { tag = \"a\" }", "any = \"a\"", "any = [5]", "any = [[{ tag = \"a\" }]]"] {
        assert!(drawn(&rule(when)).contains("any"), "{when}");
    }
    assert!(drawn(&format!("rules = [5]\n{GOOD}")).contains("rules takes tables"));
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let drawn = drawn(&format!("\"\\u001b[2J\\n\" = 1\n{GOOD}"));
    assert!(drawn.contains("unknown key `?[2J?`"), "{drawn}");
}

#[test]
fn rules_can_be_added_and_removed_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("channels.toml");
    std::fs::write(&path, format!("# mine\n{GOOD}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let when = ["channel=b".to_owned(), "sku=MUG-*".to_owned()];
    let config = add_rule(&path, "two back", &when, &["buffer=2".to_owned()]).unwrap();
    assert_eq!(config.rules[0].then.buffer, Some(2));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# mine\n") && text.contains("[[rules]]"), "{text}");
    assert!(add_rule(&path, "bad", &[], &["bufer=2".to_owned()]).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "a wrong rule is not written");
    assert!(remove_rule(&path, "two back").unwrap().rules.is_empty());
    assert!(remove_rule(&path, "two back").is_err());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_delimiter_is_one_character_that_divides() {
    for delimiter in [";", "|", "\\t", ":"] {
        read(&format!("{GOOD}delimiter = \"{delimiter}\"\n")).unwrap();
    }
    for delimiter in ["ab", "\\\"", "\\n", "\\n\\n", "x", "5", "ü", " ", ""] {
        assert!(read(&format!("{GOOD}delimiter = \"{delimiter}\"\n")).is_err(), "{delimiter}");
    }
}

#[test]
fn guards_may_be_tightened_and_not_switched_off() {
    assert_eq!(read(&format!("guard = {{ percent = 5 }}\n{GOOD}")).unwrap().guard.percent, 5);
    assert!(read(&format!("guard = {{ percent = 100 }}\n{GOOD}")).is_err());
}

/// A file with every sort of secret, each of which says so.
const SECRETS: &str = r#"# a shop
every = "60s"
guard = { percent = 10, at_least = 3 }
[problems]
webhook = "https://hooks.example.org/hush-1"
ping = "https://ping.example.org/hush-2"
low_stock = 3
[channels.shop]
kind = "shopify"
role = "source"
shop = "my-shop"
client_id = "abc"
client_secret = "hush-3"
locations = ["Main", "Annex"]
[channels.web]
kind = "woocommerce"
role = "target"
url = "https://example.org"
consumer_key = "ck_hush-4"
consumer_secret = "cs_hush-5"
zero_stock = "hide"
[channels.list]
kind = "csv"
role = "target"
path = "list.csv"
columns = { sku = "Art", quantity = "Menge" }
[[rules]]
name = "two back"
when = { channel = "web", sku = "MUG-*", price_below = 9.99, any = [{ tag = "a" }, { vendor = "b" }] }
then = { buffer = 2, max = 10 }
"#;

/// The same in other words: all of a block on one line, and keys with dots.
const SHORT: &str = r#"channels.shop = { kind = "shopify", role = "source", shop = "s", access_token = "hush-1" }
channels.web.kind = "woocommerce"
channels.web.role = "target"
channels.web.url = "example.org"
channels.web.consumer_key = "ck_hush-2"
channels.web.consumer_secret = "cs_hush-3"
rules = [{ name = "x", when = { tag = "a" }, then = { fixed = 1 } }]
"#;

/// One thing that goes wrong with a file; the numbers choose where.
#[derive(Clone, Debug)]
enum Slip {
    Drop(usize),
    Twice(usize),
    Swap(usize, usize),
    Key(usize, usize, char),
    Value(usize, String),
    Cut(usize),
    Put(usize, String),
}

fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("99999999999999999999999".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("1e999".to_owned()),
        Just("nan".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("2026-02-30".to_owned()),
        Just("{ env = \"\\u001b[2J\", file = 5 }".to_owned()),
        Just("\"\\u001b[2J\\u009b\"".to_owned()),
        Just("\"9999999999999999999y\"".to_owned()),
        Just("\"-5s\"".to_owned()),
        (1_usize..3000).prop_map(|deep| format!("{}1{}", "[".repeat(deep), "]".repeat(deep))),
        (1_usize..3000).prop_map(|deep| format!("{}1{}", "{a=".repeat(deep), "}".repeat(deep))),
        "\"\\PC{0,12}\"",
        "\\PC{0,12}",
    ]
}

fn slip() -> impl Strategy<Value = Slip> {
    let at = any::<usize>;
    let sign =
        prop_oneof![Just('x'), Just('.'), Just('"'), Just('='), Just('\u{1b}'), Just('\r'), Just('ü'), any::<char>()];
    let more = prop_oneof![
        Just("[channels.more]\n".to_owned()),
        Just("[channels.\"\\u001b[2J\"]\nrole = \"target\"\n".to_owned()),
        Just("\"\\u001b[31m\" = 1\n".to_owned()),
        Just("[[rules]]\n".to_owned()),
        (1_usize..3000).prop_map(|deep| format!("{}b = 1\n", "a.".repeat(deep))),
        odd(),
    ];
    prop_oneof![
        at().prop_map(Slip::Drop),
        at().prop_map(Slip::Twice),
        (at(), at()).prop_map(|(one, other)| Slip::Swap(one, other)),
        (at(), at(), sign).prop_map(|(line, place, sign)| Slip::Key(line, place, sign)),
        (at(), odd()).prop_map(|(line, value)| Slip::Value(line, value)),
        at().prop_map(Slip::Cut),
        (at(), more).prop_map(|(at, more)| Slip::Put(at, more)),
    ]
}

/// Returns a place of a text that is one, by any number.
fn place(text: &str, at: usize) -> usize {
    (0..=at % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

fn slipped(text: &str, slip: &Slip) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let count = lines.len().max(1);
    let parts = |line: &str| line.split_once(" = ").map(|(key, value)| (key.to_owned(), value.to_owned()));
    match slip {
        _ if lines.is_empty() => {}
        Slip::Drop(at) => drop(lines.remove(at % count)),
        Slip::Twice(at) => lines.insert(at % count, lines[at % count].clone()),
        // What stands under the key of something else is told as such: a secret stays where secrets are.
        Slip::Swap(one, other) => {
            let (one, other) = (one % count, other % count);
            if let (Some((key, value)), Some((other_key, other_value))) = (parts(&lines[one]), parts(&lines[other]))
                && value.contains("hush") == other_value.contains("hush")
            {
                lines[one] = format!("{key} = {other_value}");
                lines[other] = format!("{other_key} = {value}");
            }
        }
        Slip::Key(at, nth, sign) => {
            let line = &mut lines[at % count];
            let end = line.find('=').unwrap_or(line.len());
            let nth = place(&line[..end], *nth);
            line.insert(nth, *sign);
        }
        Slip::Value(at, value) => {
            if let Some((key, _)) = parts(&lines[at % count]) {
                lines[at % count] = format!("{key} = {value}\n");
            }
        }
        Slip::Cut(at) => return text[..place(text, *at)].to_owned(),
        Slip::Put(at, more) => lines.insert(at % count, more.clone()),
    }
    lines.concat()
}

/// Looks that what is wrong with a file has its place there, and is told without a secret, fit for a terminal.
fn is_fit(text: &str, error: &ConfigError) {
    assert!(!error.problems().is_empty());
    for problem in error.problems() {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= text.len(), "{problem:?}");
        assert!(!problem.message.is_empty(), "{problem:?}");
    }
    let told: Vec<String> = error.told().into_iter().map(|(what, next)| what + &next.unwrap_or_default()).collect();
    for shown in [error.render(false), error.to_string(), told.join("\n")] {
        assert!(!shown.contains("hush"), "{shown}\n--- of\n{text}");
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}\n--- of\n{text}");
    }
    error.render(true);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|\n|\\[|\\]|=|\"){0,200}") {
        if let Err(error) = read(&text) {
            is_fit(&text, &error);
        }
    }

    // A file that is no text says so; nothing of it is shown.
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("channels.toml");
        std::fs::write(&path, &bytes).unwrap();
        match (Config::read(&path), String::from_utf8(bytes)) {
            (Ok(_), text) => prop_assert!(text.is_ok()),
            (Err(error), Ok(text)) => is_fit(&text, &error),
            (Err(error), Err(_)) => prop_assert!(error.render(false).contains("save it as UTF-8"), "{error}"),
        }
    }

    // Whatever goes wrong with a good file, what is told has its place in it, no secret and nothing that steers.
    #[test]
    fn a_damaged_file_is_told_of_without_its_secrets(which in 0_usize..3, slips in proptest::collection::vec(slip(), 1..4)) {
        let text = [SECRETS.to_owned(), SHORT.to_owned(), super::example()].into_iter().nth(which).unwrap();
        read(&text).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let text = slips.iter().fold(text, |text, slip| slipped(&text, slip));
        if let Err(error) = read(&text) {
            is_fit(&text, &error);
        }
    }
}
