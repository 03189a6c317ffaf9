//! What bad input gets: a clear error that names channel, listing and mend; nothing lost, nothing pushed that was not
//! meant, no panic.

use std::fs::File;

use bytes::Bytes;

use crate::sim::shopify::ShopSpec;
use crate::sim::{Answer, Ask, Face, Market, Operation, Rule, Step, Trouble, Work, World};
use crate::support::Home;

/// Runs every command that reads the channels; none may panic, each must end with this.
fn all(home: &Home, exits: &[i32], words: &str) {
    for line in ["link", "sync --dry-run", "sync", "doctor"] {
        let told = home.eys(line);
        assert!(exits.contains(&told.exit), "{line}: {told}");
        told.has(words);
        home.json(line);
    }
}

/// A list that follows and is read without trouble, beside a source that is in step with it.
fn broken(bytes: &[u8]) -> Home {
    let home = Home::in_step();
    home.write("stock.csv", "sku,quantity,title\nMUG,3,Red mug\nBOWL,4,Blue bowl\n");
    home.write("stall.csv", bytes);
    home
}

#[test]
fn a_list_that_cannot_be_read_is_left_as_it_is() {
    for (bytes, words) in [
        (&b""[..], "it is empty"),
        (b"\xff\xfes\0k\0u\0", "saved as UTF-16"),
        (b"one,two\n1,2\n", "say which with `columns"),
        (b"sku,artikelnummer,quantity\nMUG,MUG,1\n", "both claim to be the SKU"),
        (b"sku,quantity,qty\nMUG,1,1\n", "both claim to be the quantity"),
        (b"SKU,Stock,sku\nMUG,1,BOWL\n", "its columns 1 and 3 are both named `sku`"),
        (b"sku,title,quantity\nMUG,\"Red mug,1\nBOWL,Bowl,1\n", "line 2: a quote is opened and never closed"),
        (b"PK\x03\x04\x14\0\x06\0", "save it as \"CSV UTF-8\""),
    ] {
        let home = broken(bytes);
        all(&home, &[1, 6], words);
        home.eys("sync").is(1).has("stall");
        assert_eq!(std::fs::read(home.path("stall.csv")).unwrap(), bytes);
    }
    insta::assert_snapshot!(broken(b"PK\x03\x04\x14\0\x06\0").eys("sync"), @r#"
    exit 1
    ---- stdout
    Channels
      stall could not be used: /home/owner/eys/stall.csv: it is a workbook of a spreadsheet program; save it as "CSV UTF-8" (while reading the file)

    Run 3: 1 channel not reached
    "#);
}

#[test]
fn a_source_that_cannot_be_read_raises_and_empties_nothing() {
    let goods: String = (0..10).map(|nth| format!("SKU-{nth},5\n")).collect();
    let home = Home::with_lists(&format!("sku,quantity\n{goods}"), &format!("sku,quantity\n{goods}"));
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    let list = home.read("stall.csv");
    // proves P5: the rows behind an open quote are not gone.
    let quoted = format!("sku,quantity\nSKU-0,\"5\n{goods}");
    for text in ["", "sku,artikelnummer,quantity\n", "sku,quantity\n", "sku,quantity\nSKU-0,5\nSKU-", &quoted] {
        home.write("stock.csv", text);
        let told = home.eys("sync --yes");
        assert!(told.exit == 1 || told.exit == 4, "{told}");
        assert_eq!(home.read("stall.csv"), list, "{text:?}");
    }
}

#[test]
fn a_list_that_is_a_folder_or_too_large_is_told() {
    let home = broken(b"");
    std::fs::remove_file(home.path("stall.csv")).unwrap();
    std::fs::create_dir(home.path("stall.csv")).unwrap();
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 1
    ---- stdout
    Channels
      stall could not be used: /home/owner/eys/stall.csv: Is a directory (os error 21) (while reading the file)
          next: check the file and its folder

    Run 3: 1 channel not reached
    ");
    std::fs::remove_dir(home.path("stall.csv")).unwrap();
    File::create(home.path("stall.csv")).unwrap().set_len(20 << 30).unwrap();
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 1
    ---- stdout
    Channels
      stall could not be used: /home/owner/eys/stall.csv: it has 20480 MB, and no stock list is larger than 64 MB (while reading the file)

    Run 4: 1 channel not reached
    ");
}

// proves P5: what is no whole number is no number: not 0 on the source, and not overwritten with a guess.
#[test]
fn absurd_quantities_are_no_numbers() {
    let goods = ["many", "2.5", "1,000", "99999999999999999999", "", "1e3", "0x10", "−5", "5 pcs"];
    let rows = |cell: &dyn Fn(usize) -> String| -> String {
        (0..goods.len()).map(|nth| format!("SKU-{nth},\"{}\",Thing\n", cell(nth))).collect()
    };
    let home = Home::with_lists(
        &format!("sku,quantity,title\n{}MUG,5,Mug\n", rows(&|_| "7".to_owned())),
        &format!("sku,quantity,title\n{}MUG,1,Mug\n", rows(&|_| "1".to_owned())),
    );
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    let list = home.read("stall.csv");
    home.write("stock.csv", format!("sku,quantity,title\n{}MUG,4,Mug\n", rows(&|nth| goods[nth].to_owned())));
    home.eys("sync").is(3).has("stock, SKU-8: its quantity cannot be read");
    assert_eq!(home.read("stall.csv"), list.replace("MUG,5", "MUG,4"), "what says nothing changes nothing");
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    Platform stock settings
      !!   stock: SKU-0 (Thing): its quantity cannot be read
      !!   stock: SKU-1 (Thing): its quantity cannot be read
      !!   stock: SKU-2 (Thing): its quantity cannot be read
      !!   stock: SKU-3 (Thing): its quantity cannot be read
      !!   stock: SKU-4 (Thing): its quantity cannot be read
           … and 4 more of these (-v shows all)
           next: write a whole number there

    Accounts, permissions, limits
      !!   stock: 9 quantities are no whole numbers and say nothing: line 2 (`many`), line 3 (`2.5`), line 4 (`1,000`), line 5 (`99999999999999999999`), line 6 (``)
           next: write whole numbers into these cells
      ok   stall: /home/owner/eys/stall.csv is a list in UTF-8, with `,` between its columns: 10 listings, 0 of them take no part
      ok   stock: /home/owner/eys/stock.csv is a list in UTF-8, with `,` between its columns: 10 listings, 0 of them take no part
      ok   stall: its orders file has 0 open orders

    10 problems found.
    ");
}

// proves O2: below zero is oversold: shown as 0, never as less.
#[test]
fn a_negative_quantity_is_shown_as_none() {
    let home = Home::in_step();
    home.write("stock.csv", "sku,quantity,title\nMUG,-3,Red mug\nBOWL,4,Blue bowl\n");
    home.eys("sync").is(0);
    assert!(home.read("stall.csv").contains("MUG,0,"));
    home.eys("doctor").is(6).has("MUG (Red mug) is oversold: it stands at -3");
}

// No text of a list may steer a terminal, whatever the command; `Home` checks every run for it.
#[test]
fn skus_and_titles_with_escape_sequences_are_harmless() {
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}";
    let rows = |units: i64| {
        format!(
            "sku,quantity,title\nMUG,{units},\"Red {evil}mug\u{202e}\"\n{evil}X,{units},{evil}\nY{evil},{units},y\n"
        )
    };
    let home = Home::with_lists(&rows(9), &rows(1).replace('Y', "Z"));
    home.eys("link").is(4);
    home.eys("link --yes").is(0);
    home.eys("sync --dry-run").is(4);
    home.eys("sync -v").is(4);
    home.eys("sync --yes -v").is(0);
    home.order("stall", &format!("S{evil}1"), "MUG", 2, "open");
    home.order("stall", "S-2", &format!("{evil}X"), 20, "open");
    home.eys("sync -v").is(3);
    for line in [
        "status",
        "status MUG",
        "status --history",
        "status --low 9",
        "status --run 4",
        "rules test --all",
        "doctor -v",
    ] {
        home.eys(line);
        home.json(line);
    }
    home.run(&["status", &format!("{evil}X")]).is(0);
    home.run(&["status", &format!("{evil}NONE")]).is(2);
    home.run(&["link", "--remove", &format!("stall/{evil}")]).is(2);
    home.run(&["sync", "--release", &format!("stall/{evil}")]).is(2);
    home.run(&["sync", "--channel", evil]).is(2);
    home.run(&["rules", "test", evil]).is(2);
    home.run(&["doctor", evil]).is(2);
    home.run(&["rules", "add", "--name", evil, "--then", "buffer=1"]);
    home.eys("rules list");
    home.eys("rules test MUG");
    home.write("stall-orders.csv", format!("order,sku,quantity,placed,status\n{evil},{evil},{evil},{evil},{evil}\n"));
    home.eys("sync").is(1);
    home.eys("status --check").is(3);
}

#[test]
fn an_orders_file_that_is_wrong_names_its_line_and_takes_nothing_off() {
    let home = Home::in_step();
    let orders = |rows: &str| home.write("stall-orders.csv", format!("order,sku,quantity,placed,status\n{rows}"));
    for (rows, words) in [
        ("S-1,MUG,-2,2026-11-24T09:00:00Z,open\n", "line 2: order S-1: `-2` is no number of units"),
        ("S-1,MUG,2,yesterday,open\n", "line 2: `yesterday` is no time with a zone"),
        ("S-1,MUG,2,2026-11-24T09:00:00Z,sold\n", "the status `sold` is none of"),
        ("S-1,,2,2026-11-24T09:00:00Z,open\n", "a line without a SKU"),
    ] {
        orders(rows);
        all(&home, &[1, 6], words);
        assert!(home.read("stock.csv").contains("MUG,10,"));
    }
    home.write("stall-orders.csv", "order;what\n");
    home.eys("sync").is(1).has("its first line must be `order,sku,quantity,placed,status`");
}

// proves Y1: a time far in the future moves no cursor: later orders are still seen.
#[test]
fn an_order_of_the_far_future_hides_no_other() {
    let home = Home::in_step();
    let future = "S-1,MUG,1,9998-12-30T00:00:00Z,open\n";
    home.write("stall-orders.csv", format!("order,sku,quantity,placed,status\n{future}"));
    home.eys("sync");
    home.order("stall", "S-2", "BOWL", 1, "open");
    home.eys("sync");
    assert!(home.read("stock.csv").contains("BOWL,3,"), "{}", home.read("stock.csv"));
}

/// A shop that answers every call with the same body.
struct Fixed(Bytes);

impl Face for Fixed {
    fn recognise(&self, _: &Ask) -> Operation {
        Operation { name: "any".into(), writing: false, items: 0 }
    }

    fn answer(&mut self, _: &mut World, _: &Ask, _: &[Trouble]) -> Step {
        Step::Done(Answer { body: self.0.clone(), ..Answer::default() })
    }

    fn least_calls(&self, _: Work, listings: usize) -> usize {
        listings
    }
}

// An answer of the wrong shape, of ten megabytes or with the wrong types is told, and stops that channel alone.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_makes_no_sense_stops_its_channel_alone() {
    let long = format!("{{\"data\": {{\"shop\": \"{}\"}}}}", "x".repeat(10 << 20));
    let huge = "y".repeat(33 << 20);
    for (body, words) in [
        ("{}", "is not as documented"),
        ("[1, 2]", "is not as documented"),
        ("{\"data\": {\"shop\": 5, \"locations\": \"none\"}}", "is not as documented"),
        ("{\"data\": null, \"errors\": [{\"message\": \"\\u001b[2Jno\"}]}", "?[2Jno"),
        (long.as_str(), "is not as documented"),
        (huge.as_str(), "is larger than"),
    ] {
        let market = Market::live(1);
        let shop = market.add_face("odd", Box::new(Fixed(Bytes::from(body.to_owned()))), &["odd.test"]);
        let mut home = Home::with_mugs();
        home.eys("link --yes").is(0);
        home.eys("sync --yes").is(0);
        home.shopify("odd", "target", &shop).await;
        home.write("stock.csv", "sku,quantity,title\nMUG,3,Red mug\nBOWL,4,Blue bowl\n");
        home.eys("sync").is(1).has(words).has("odd");
        assert!(home.read("stall.csv").contains("MUG,3,"), "the others go on");
        home.eys("doctor").is(6).has(words);
    }
}

// proves P5, F1: numbers that are missing from an answer are no zeros.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_missing_empty_no_shop() {
    let market = Market::live(1);
    let goods = [("MUG", 10), ("BOWL", 4)];
    let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
    let mut home = Home::new();
    home.say("patience = \"2s\"\n");
    home.shopify("shop", "source", &shop).await;
    home.list("stall", "target", "sku,quantity\nMUG,1\nBOWL,1\n");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    for trouble in [Trouble::NoNumbers, Trouble::HtmlPage, Trouble::BrokenJson, Trouble::Status(404)] {
        market.trouble(Rule::always(trouble.clone()));
        home.eys("sync --full --yes");
        market.peace();
        assert_eq!(home.read("stall.csv"), "sku,quantity\nMUG,10\nBOWL,4\n", "{trouble:?}");
    }
}

#[test]
fn names_and_paths_that_are_wrong_are_told() {
    let home = Home::in_step();
    home.edit("[channels.stall]", "[channels.Stall]");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 2
    ---- stderr
    error: `Stall` is no name for a channel
     --> /home/owner/eys/channels.toml:6:11
      |
    6 | [channels.Stall]
      |           ^^^^^ not allowed
      |
      = help: lower-case letters, digits, `-` and `_`, at most 32, beginning with a letter or digit
    ");
    home.edit("[channels.Stall]", "[channels.stall]");
    home.edit("role = \"source\"", "role = \"target\"");
    insta::assert_snapshot!(home.eys("sync"), @r#"
    exit 2
    ---- stderr
    error: there is no source among the channels
     --> /home/owner/eys/channels.toml:1:11
      |
    1 | [channels.stock]
      |           ^^^^^ is it this one?
      |
      = help: give the channel whose stock counts `role = "source"`
    "#);
    home.config("");
    insta::assert_snapshot!(home.eys("sync"), @"
    exit 2
    ---- stderr
    error: there are no channels
     --> /home/owner/eys/channels.toml:1:1
      |
    1 |
      | ^ no [channels.…] block
      |
      = help: `eys init` writes an example
    ");
    home.eys("sync --state /dev/null/state.db --config none").is(2);
}
