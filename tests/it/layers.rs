//! The house's plan, as a test: which module may use which, no adapter another, no test file forgotten, and a lock file
//! that does not grow unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Packages in Cargo.lock, with headroom. Whoever passes it has looked at what a dependency brings along.
const MOST_PACKAGES: usize = 403;

/// A module, what it may use of ours, and of other crates that do something: a clock, a file, a socket, a database, a
/// screen. Crates that are only values (jiff, serde, url) are free to all. Shared words of a lower layer may be used
/// by every higher one.
const PLAN: &[(&str, &[&str], &[&str])] = &[
    ("domain", &["safeguard"], &["globset"]),
    ("net", &["channel::printable"], &["reqwest", "tokio", "tracing"]),
    ("channel", &["domain", "net"], &["tokio", "rustix", "csv", "uuid"]),
    ("store", &["domain"], &["rusqlite"]),
    ("config", &["domain", "channel"], &["toml_edit", "annotate_snippets", "tokio", "globset"]),
    ("engine", &["domain", "channel", "store", "safeguard"], &["tokio", "tokio_util", "tracing"]),
    ("ui", &["domain", "channel", "config", "engine", "store"], &["comfy_table", "dialoguer", "indicatif", "maud"]),
    ("app", &["domain", "channel", "config", "engine", "net", "store", "ui"], &["uuid"]),
    (
        "cli",
        &["app", "domain", "channel", "config", "engine", "store", "ui", "safeguard"],
        &["clap", "clap_complete", "clap_mangen", "csv", "maud", "tokio", "tokio_util", "tracing_subscriber"],
    ),
    ("main", &["cli"], &[]),
    ("safeguard", &[], &[]),
    ("lib", &[], &[]),
];

/// The crates that do something.
const DOING: &[&str] = &[
    "annotate_snippets",
    "clap",
    "clap_complete",
    "clap_mangen",
    "comfy_table",
    "csv",
    "dialoguer",
    "directories",
    "globset",
    "indicatif",
    "maud",
    "reqwest",
    "rusqlite",
    "rustix",
    "tokio",
    "tokio_util",
    "toml_edit",
    "tracing",
    "tracing_subscriber",
    "uuid",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns all Rust files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns the files of src with their module at the top and their text, less its comments and its tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let mut sources = Vec::new();
    for path in files(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let top = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let top = top.trim_end_matches(".rs").to_owned();
        let is_test = inside.with_extension("").iter().any(|part| part == "tests") || inside.starts_with("domain/laws");
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
        if !is_test {
            sources.push((top, inside.to_owned(), code));
        }
    }
    sources
}

/// Returns the paths that follow a word such as `crate::`, as far as they are names.
fn paths<'a>(code: &'a str, start: &str) -> Vec<&'a str> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let after = code.match_indices(start).filter(|(at, _)| !code[..*at].ends_with(|c: char| is_path(c)));
    after
        .map(|(at, _)| &code[at + start.len()..])
        .map(|rest| rest.split(|c| !is_path(c)).next().unwrap_or(""))
        .collect()
}

#[test]
fn no_module_uses_one_that_stands_above_it() {
    let mut wrong = Vec::new();
    for (top, path, code) in sources() {
        let Some((_, ours, _)) = PLAN.iter().find(|(module, _, _)| *module == top) else {
            panic!("{} is in no layer of the plan", path.display());
        };
        for used in paths(&code, "crate::") {
            let first = used.split("::").next().unwrap_or_default();
            let allowed = first == top || ours.iter().any(|may| first == *may || used.starts_with(may));
            if !allowed {
                wrong.push(format!("{} uses crate::{used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_tool_is_used_in_its_own_layer() {
    let mut wrong = Vec::new();
    for (top, path, code) in sources() {
        let (_, _, theirs) = PLAN.iter().find(|(module, _, _)| *module == top).unwrap();
        for tool in DOING.iter().filter(|tool| !theirs.contains(tool)) {
            // The one place in config that looks for the platform's folders.
            let folders = *tool == "directories" && path.ends_with("config/mod.rs");
            if !folders && !paths(&code, &format!("{tool}::")).is_empty() {
                wrong.push(format!("{} uses {tool}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_one_file_knows_the_network_and_only_the_screen_prints() {
    for (top, path, code) in sources() {
        assert!(path.ends_with("net/http.rs") || !code.contains("reqwest"), "{}", path.display());
        let prints = ["println!", "print!(", "io::stdout", "io::stderr"].iter().any(|word| code.contains(word));
        assert!(["ui", "cli"].contains(&top.as_str()) || !prints, "{} prints", path.display());
        assert!(top == "store" || !code.contains("SELECT "), "{} speaks SQL", path.display());
    }
}

// An adapter translates and does nothing else: it neither sleeps nor reads a clock, and knows no other adapter.
#[test]
fn no_adapter_knows_another_or_reads_a_clock() {
    let adapters: BTreeSet<String> = fs::read_dir(root().join("src/channel"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(adapters.len() > 1);
    for (top, path, code) in sources().into_iter().filter(|(top, _, _)| top == "channel") {
        let own = path.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned();
        if !adapters.contains(&own) {
            continue;
        }
        for other in adapters.iter().filter(|other| **other != own) {
            let names = [format!("{top}::{other}::"), format!("super::{other}::")];
            assert!(!names.iter().any(|name| code.contains(name)), "{} knows {other}", path.display());
        }
        for word in ["Timestamp::now", "Instant::now", "SystemTime", "sleep(", "tracing::"] {
            assert!(!code.contains(word), "{} has {word}", path.display());
        }
    }
}

// What judges the simulated shops asks the program nothing.
#[test]
fn the_oracle_uses_nothing_of_what_it_judges() {
    for file in ["draw", "oracle", "stock", "unknowable"] {
        let text = fs::read_to_string(root().join(format!("tests/it/days/{file}.rs"))).unwrap();
        assert!(paths(&text, "eys::").is_empty(), "{file}.rs uses the program");
    }
}

// A channel's name is branched on nowhere outside its own folder.
#[test]
fn nobody_else_names_a_kind() {
    for (_, path, code) in
        sources().into_iter().filter(|(top, _, _)| ["domain", "engine", "store"].contains(&top.as_str()))
    {
        for kind in ["\"shopify\"", "\"csv\"", "\"woocommerce\"", "\"ebay\"", "\"etsy\""] {
            assert!(!code.contains(kind), "{} names {kind}", path.display());
        }
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    let named: BTreeSet<String> =
        main.lines().filter_map(|line| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())).collect();
    let mut there = BTreeMap::new();
    for path in files(&root().join("tests/it")) {
        let inside = path.strip_prefix(root().join("tests/it")).unwrap().to_owned();
        let module = inside.components().next().unwrap().as_os_str().to_string_lossy();
        there.insert(module.trim_end_matches(".rs").to_owned(), inside);
    }
    there.remove("main");
    for (module, path) in there {
        assert!(named.contains(&module), "{} is not in main.rs", path.display());
    }
}

#[test]
fn the_lock_file_does_not_grow_unseen() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = lock.matches("[[package]]").count();
    assert!(packages <= MOST_PACKAGES, "{packages} packages: what do the new ones spare us?");
    assert!(MOST_PACKAGES - packages <= 60, "{packages} packages: lower the limit with them");
}
