//! What each command says of itself, and what packagers take from the program.

use crate::support::Home;

const COMMANDS: [&str; 9] = ["init", "auth", "link", "sync", "status", "rules", "doctor", "completions", "man"];

#[test]
fn every_command_says_what_it_takes() {
    let home = Home::new();
    let mut all = vec![home.eys("--help").is(0).to_string()];
    all.extend(
        COMMANDS.map(|command| format!("$ eys {command} --help\n{}", home.eys(&format!("{command} --help")).is(0))),
    );
    all.extend(
        ["list", "test", "add", "remove"].map(|action| home.eys(&format!("rules {action} --help")).is(0).to_string()),
    );
    insta::assert_snapshot!(all.join("\n\n"));
}

// Nothing beyond these is at the top level.
#[test]
fn the_commands_are_those_of_the_help() {
    let help = Home::new().eys("--help").out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    let expected: Vec<&str> = COMMANDS.into_iter().chain(["help"]).collect();
    assert_eq!(listed, expected);
}

#[test]
fn the_version_is_the_packages() {
    insta::assert_snapshot!(Home::new().eys("-V"), @"
    exit 0
    ---- stdout
    eys 0.1.0
    ");
}

#[test]
fn completions_and_the_manual_page_need_no_config_and_name_every_command() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.eys(&format!("completions {shell}")).is(0).out.clone();
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
    let page = home.eys("man").is(0).out.clone();
    assert!(page.contains(".TH eys 1"), "{page}");
    assert!(COMMANDS.iter().all(|command| page.contains(command)), "{page}");
    insta::assert_snapshot!(home.eys("completions tcsh"), @"
    exit 2
    ---- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    ");
}
