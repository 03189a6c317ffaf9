//! `eys init`: a commented channels.toml that nobody else can read.

use crate::support::Home;

#[test]
fn it_writes_a_file_for_its_owner_alone_and_never_writes_over_one() {
    let home = Home::new();
    insta::assert_snapshot!(home.eys("init --kind shopify --kind csv"), @"
    exit 0
    ---- stdout
    Wrote /home/owner/eys/channels.toml, readable by you alone.
    ---- stderr
    Next: fill it in, then `eys doctor` tries it.
    ");
    assert_eq!(home.mode("channels.toml"), 0o600);
    let text = home.read("channels.toml");
    assert!(text.contains("[channels.shopify]\nkind = \"shopify\"\nrole = \"source\""), "{text}");
    assert!(text.contains("[channels.csv]\nkind = \"csv\"\nrole = \"target\""), "{text}");
    insta::assert_snapshot!(home.eys("init --kind csv"), @"
    exit 2
    ---- stderr
    error: /home/owner/eys/channels.toml is there already
      next: edit it, or name another with --config FILE; eys never writes over it
    ");
    assert_eq!(home.read("channels.toml"), text);
}

#[test]
fn without_a_terminal_the_kinds_are_to_be_named() {
    let home = Home::new();
    insta::assert_snapshot!(home.eys("init"), @"
    exit 2
    ---- stderr
    error: nobody is here to be asked which channels
      next: say which: eys init --kind csv --kind ebay --kind etsy --kind shopify --kind woocommerce --kind … (the first is the source)
    ");
    insta::assert_snapshot!(home.eys("init --kind shopfy"), @"
    exit 2
    ---- stderr
    error: unknown kind `shopfy`: did you mean `shopify`?
    ");
    assert!(home.everything().is_empty());
}

#[test]
fn its_document_names_the_file() {
    let home = Home::new();
    assert_eq!(home.json("init --kind csv")["path"], "/home/owner/eys/channels.toml");
    assert_eq!(home.json("init --kind csv")["error"]["kind"], "usage");
}

// Without --config and EYS_CONFIG, it is the platform's own folder, which is made.
#[test]
fn it_goes_to_the_config_folder() {
    let home = Home::new();
    let mut command = home.command(&["init", "--kind", "csv"]);
    home.told(command.env_remove("EYS_CONFIG")).is(0).has("channels.toml, readable by you alone");
    assert!(home.everything().is_empty() && home.path("home").exists());
}

// What it writes can be read at once; what is still to be filled in is told, not guessed.
#[test]
fn what_it_writes_is_a_right_file() {
    let home = Home::new();
    home.eys("init --kind csv --kind csv").is(0);
    home.eys("rules list").is(0);
    home.eys("init").is(2);
}
