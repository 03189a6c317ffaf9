//! Sabotage: each safeguard is taken out on purpose, and the simulated shops must notice. What they do not notice is
//! either no safeguard or no proof.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eys::safeguard::{Safeguard, without};

use super::draw::Drawn;
use super::{alone, judged, virtual_time};

/// Within so many seeds each is found.
const WITHIN: u64 = 1_000;

/// What hides from all days is looked for up to this seed, in days whose runs are far apart.
const FAR_APART: u64 = 20_000;

/// Returns the first seed that notices, and what it says.
fn first_to_notice(safeguard: Safeguard) -> Option<(u64, String)> {
    let far_apart = |seed: &u64| Duration::from_mins(5) < Drawn::from_seed(*seed).every;
    (0..WITHIN).chain((WITHIN..FAR_APART).filter(far_apart)).find_map(|seed| {
        let lived = || std::panic::catch_unwind(|| virtual_time().block_on(judged(seed, false)).1);
        match without(safeguard, lived) {
            Ok(violations) => violations.into_iter().next().map(|first| (seed, first)),
            Err(_) => Some((seed, "it panicked".to_owned())),
        }
    })
}

// proves P1, P3, P5, Y1, W1, X1, X4, X7, R3, H1: take one of their safeguards out, and a day goes wrong.
#[test]
fn each_safeguard_is_missed_when_it_is_gone() {
    let _alone = alone();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((safeguard, name)) = Safeguard::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let first = first_to_notice(*safeguard);
                    match &first {
                        Some((seed, words)) => println!("{name}: seed {seed}: {words:.160}"),
                        None => println!("{name}: not within {FAR_APART} seeds"),
                    }
                    found.lock().unwrap().push((*name, first));
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let missed: Vec<_> = found.iter().filter(|(_, first)| first.is_none()).map(|(name, _)| name).collect();
    assert!(missed.is_empty(), "nobody misses {missed:?}");
    let worst = found.iter().filter_map(|(_, first)| first.as_ref().map(|(seed, _)| seed + 1)).max();
    println!("sabotages found: {} of {}, within {} seeds", found.len(), Safeguard::ALL.len(), worst.unwrap_or(0));
}

// The switches are in the program that the tests run, and nothing of them is in a release.
#[test]
fn no_switch_is_left_in_a_release() {
    let _alone = alone();
    let holds = |path: &std::path::Path, name: &str| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(name.len()).any(|window| window == name.as_bytes())
    };
    let root = env!("CARGO_MANIFEST_DIR");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .args(["build", "--locked", "--release", "--bin", "eys", "--message-format", "json"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let mut executable = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(message["executable"].as_str()?.to_owned())
    });
    let release = std::path::PathBuf::from(executable.next_back().expect("cargo names what it built"));
    // The program that the tests run has them, and would be found out.
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_eys"));
    for (_, name) in Safeguard::ALL {
        assert!(holds(own, name), "{name} is not even in {}", own.display());
        assert!(!holds(&release, name), "{name} is in {}", release.display());
    }
}
