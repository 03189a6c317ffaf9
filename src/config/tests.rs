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

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|\n|\\[|\\]|=|\"){0,200}") {
        if let Err(error) = read(&text) {
            let _ = error.render(false);
        }
    }
}
