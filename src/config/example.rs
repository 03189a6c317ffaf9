//! The commented channels.toml that `eys init` writes, made from the table of kinds.

use std::fmt::Write;

use crate::channel::registry::{KINDS, Kind, Need};

const HEAD: &str = r#"# channels.toml: what eys keeps in step. One block a channel; one of them is the source of stock, the others follow.
# A secret is written in place, or as { env = "NAME" }, { file = "path" } or { command = "pass show …" }.
# Nobody but you should be able to read this file: chmod 600

every = "60s"                    # the loop's pace: eys sync --every
inventory_sync = true            # the master switch: false stops all pushes at once
grace = "10m"                    # how long units that vanish without an order are waited for
patience = "60s"                 # how long one run waits for a slow channel
guard = { percent = 20, at_least = 5 }   # more listings than this going to 0 wait for your word
"#;

const RULES: &str = r#"
# Rules change what a target shows; they are read from top to bottom.
# [[rules]]
# name = "keep two back"
# when = { sku = "MUG-*" }
# then = { buffer = 2 }          # exclude | percent | buffer | zero_at_or_below | max | fixed | zero_stock
"#;

const PROBLEMS: &str = r#"
# [problems]                     # each told once when new, once when well again
# command = "mail -s 'stock' me@example.org"   # gets JSON on its standard input
# webhook = "https://…"
# format = "json"                # json | ntfy | slack | discord
# ping = "https://…"             # asked for after each complete run
# low_stock = 2
"#;

/// Writes the example of all kinds.
pub fn example() -> String {
    let kinds: Vec<&Kind> = KINDS.to_vec();
    render(&kinds)
}

/// Writes a file for some kinds; the first is the source.
///
/// # Errors
/// Names the kind that is not known.
pub fn init(names: &[String]) -> Result<String, String> {
    let find = |name: &String| {
        crate::channel::registry::kind(name).ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            super::diagnose::did_you_mean(name, &known, "the kinds are")
        })
    };
    let kinds: Vec<&Kind> = names
        .iter()
        .map(|name| find(name).map_err(|help| format!("unknown kind `{name}`: {help}")))
        .collect::<Result<_, _>>()?;
    Ok(render(&kinds))
}

fn render(kinds: &[&Kind]) -> String {
    let mut text = HEAD.to_owned();
    for (nth, kind) in kinds.iter().enumerate() {
        let same = kinds.iter().take(nth).filter(|other| other.name == kind.name).count();
        let name = if same == 0 { kind.name.to_owned() } else { format!("{}-{}", kind.name, same + 1) };
        let role = if nth == 0 { "source" } else { "target" };
        let _ = writeln!(text, "\n# {}\n[channels.{name}]\nkind = \"{}\"\nrole = \"{role}\"", kind.summary, kind.name);
        for key in kind.keys {
            let off = if key.need == Need::Seldom { "# " } else { "" };
            let line = format!("{off}{} = {}", key.name, key.example);
            let _ = match key.help {
                "" => writeln!(text, "{line}"),
                help => writeln!(text, "{line:<40} # {help}"),
            };
        }
        let choices = kind.zero_stock.join(" | ");
        let common = [
            ("inventory_sync = true", "the switch of this channel"),
            ("zero_stock = \"keep\"", choices.as_str()),
            ("source_gone = \"zero\"", "zero | keep | hide"),
            ("deduct_sales = true", "false where another app already brings its orders into the source"),
            ("restock_cancelled = \"unshipped\"", "unshipped | always | never, where the platform does not say"),
            ("fees = false", "may a relisting or a renewal cost money?"),
        ];
        for (line, help) in common.iter().filter(|_| role == "target") {
            let _ = writeln!(text, "{:<40} # {help}", format!("# {line}"));
        }
    }
    text.push_str(RULES);
    text.push_str(PROBLEMS);
    text
}
