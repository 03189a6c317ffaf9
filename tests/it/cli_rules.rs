//! `eys rules`: what they are, and what each does, step by step.

use crate::support::Home;

const RULES: &str = "\
# my own words
[[rules]]
name = \"half on the stall\"   # kept
when = { channel = \"stall\" }
then = { percent = 50 }

[[rules]]
name = \"no bowls\"
when = { sku = \"BOWL*\" }
then = { exclude = true }
";

fn home() -> Home {
    let mut home = Home::with_mugs();
    home.say(RULES);
    home
}

#[test]
fn what_each_rule_does_step_by_step() {
    let home = home();
    insta::assert_snapshot!(home.eys("rules list"), @"
    exit 0
    ---- stdout
    1. half on the stall
    2. no bowls

    They are read from top to bottom. `eys rules test SKU` shows what they do.
    ");
    insta::assert_snapshot!(home.eys("rules test MUG"), @"
    exit 2
    ---- stderr
    error: `MUG` is not linked
      next: `eys link` ties listings; rules act on linked ones
    ");
    home.eys("link --yes").is(0);
    insta::assert_snapshot!(home.eys("rules test --all"), @"
    exit 0
    ---- stdout
    MUG on stall: 10 available (MUG on the source: 10)
      half on the stall            50 percent: 10 → 5
      no bowls                     does not match
      shows 5

    BOWL on stall: 4 available (BOWL on the source: 4)
      half on the stall            50 percent: 4 → 2
      no bowls                     excluded from the sync: 2 → 2
      is left alone
    ");
    insta::assert_snapshot!(home.eys("rules test NONE"), @"
    exit 2
    ---- stderr
    error: `NONE` is not linked
      next: `eys link` ties listings; rules act on linked ones
    ");
    home.eys("rules test").is(2);
    insta::assert_json_snapshot!(home.json("rules test MUG"), @r#"
    {
      "exit": 0,
      "schema": "eys.rules.1",
      "tested": [
        {
          "available": 10,
          "channel": "stall",
          "excluded_by": null,
          "listing": "MUG",
          "quantity": 5,
          "sku": "MUG",
          "steps": [
            {
              "after": 5,
              "before": 10,
              "effect": "50 percent",
              "rule": "half on the stall"
            }
          ]
        }
      ]
    }
    "#);
    home.eys("sync --yes").is(0);
    assert_eq!(home.read("stall.csv"), "sku,quantity,title\nMUG,5,Red mug\nBOWL,1,Blue bowl\n");
    home.eys("status BOWL").is(0).has("excluded");
}

#[test]
fn an_edit_keeps_the_owners_words_and_layout() {
    let home = home();
    let before = home.read("channels.toml");
    insta::assert_snapshot!(home.run(&["rules", "add", "--name", "two back", "--when", "sku=MUG-*", "--then", "buffer=2"]), @"
    exit 0
    ---- stdout
    1. half on the stall
    2. no bowls
    3. two back

    They are read from top to bottom. `eys rules test SKU` shows what they do.
    ");
    let after = home.read("channels.toml");
    assert!(after.starts_with(before.trim_end()), "{after}");
    assert_eq!(home.mode("channels.toml"), 0o600);
    home.run(&["rules", "remove", "two back"]).is(0).lacks("two back");
    assert_eq!(home.read("channels.toml").trim_end(), before.trim_end());
}

#[test]
fn a_wrong_rule_is_not_written() {
    let home = home();
    let before = home.read("channels.toml");
    insta::assert_snapshot!(home.run(&["rules", "add", "--name", "x", "--when", "chanel=stall", "--then", "buffer=2"]), @r#"
    exit 2
    ---- stderr
    error: unknown key `chanel` in `when` of rule "x"
      --> /home/owner/eys/channels.toml:25:10
       |
    25 | when = { chanel = "*****" }
       |          ^^^^^^ not known here
       |
       = help: did you mean `channel`?
    "#);
    insta::assert_snapshot!(home.run(&["rules", "add", "--name", "x", "--when", "channel=stal", "--then", "bufer=2"]), @r#"
    exit 2
    ---- stderr
    error: there is no channel `stal`
      --> /home/owner/eys/channels.toml:25:20
       |
    25 | when = { channel = "stal" }
       |                    ^^^^^^ not in this file
       |
       = help: did you mean `stall`?

    error: unknown key `bufer` in `then` of rule "x"
      --> /home/owner/eys/channels.toml:26:10
       |
    26 | then = { bufer = * }
       |          ^^^^^ not known here
       |
       = help: did you mean `buffer`?
    "#);
    insta::assert_snapshot!(home.run(&["rules", "add", "--name", "x", "--then", "buffer"]), @"
    exit 2
    ---- stderr
    error: `buffer` is not KEY=VALUE
      help: `eys rules list` shows the rules
    ");
    insta::assert_snapshot!(home.run(&["rules", "add", "--name", "no bowls", "--then", "buffer=2"]), @r#"
    exit 2
    ---- stderr
    error: there are two rules named "no bowls"
      --> /home/owner/eys/channels.toml:23:1
       |
    23 | [[rules]]
       | ^^^^^^^^^ the second
    "#);
    insta::assert_snapshot!(home.run(&["rules", "remove", "no bowl"]), @r#"
    exit 2
    ---- stderr
    error: there is no rule "no bowl"
      help: `eys rules list` shows the rules
    "#);
    home.run(&["rules", "add", "--name", "x", "--then", "buffer=-1"]).is(2);
    assert_eq!(home.read("channels.toml"), before);
}

#[test]
fn without_rules_every_listing_shows_what_the_source_has() {
    insta::assert_snapshot!(Home::with_mugs().eys("rules list"), @"
    exit 0
    ---- stdout
    There are no rules: every listing shows what the source has.
    ");
}
