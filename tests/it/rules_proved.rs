//! Every rule of what a correct sync is has a test that names it, in a comment `proves X4` above it.

use std::collections::BTreeSet;
use std::path::Path;

/// The rules, by number: principles, offers, statuses, the cycle, what counts, exactly once, shown and readings, holds,
/// whose state it is, zero, locations, failures, undo.
const RULES: &[(char, u8)] = &[
    ('P', 7),
    ('O', 5),
    ('T', 3),
    ('Y', 8),
    ('W', 7),
    ('X', 8),
    ('R', 4),
    ('H', 4),
    ('I', 3),
    ('Z', 5),
    ('L', 2),
    ('F', 7),
    ('U', 2),
];

/// Rules that are not built yet. This list only ever gets shorter.
const NOT_YET: &[&str] = &["Z2"];

fn named(folder: &Path, rules: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            named(&path, rules);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let Some(proved) = line.trim().strip_prefix("// proves ") else { continue };
                let list = proved.split(':').next().unwrap_or_default().split(" for ").next().unwrap_or_default();
                rules.extend(list.split(", ").map(|rule| rule.trim().trim_end_matches('.').to_owned()));
            }
        }
    }
}

#[test]
fn every_rule_has_a_test_that_names_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut proved = BTreeSet::new();
    for folder in ["src", "tests"] {
        named(&root.join(folder), &mut proved);
    }
    let all: BTreeSet<String> =
        RULES.iter().flat_map(|(letter, last)| (1..=*last).map(move |nth| format!("{letter}{nth}"))).collect();
    let unknown: Vec<_> = proved.difference(&all).collect();
    assert!(unknown.is_empty(), "tests name rules that are none: {unknown:?}");
    let not_yet: BTreeSet<String> = NOT_YET.iter().map(|rule| (*rule).to_owned()).collect();
    let missing: Vec<_> = all.difference(&proved).filter(|rule| !not_yet.contains(*rule)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
    let done: Vec<_> = not_yet.intersection(&proved).collect();
    assert!(done.is_empty(), "{done:?} are proved now: take them off the list");
}
