//! Whom `[problems]` tells, and the log file: by the binary, as cron runs it.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::support::{Home, until};

/// Takes calls and answers each with 200; returns the address, and what comes in, request by request.
fn listener() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !whole(&request) {
                let read = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            if send.send(String::from_utf8(request).unwrap()).is_err() {
                return;
            }
        }
    });
    (address, receive)
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn told(home: &Home) -> Vec<Value> {
    home.read("told.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

// Each problem is told once when it is new and once when all is well again.
#[test]
fn a_command_hears_of_each_problem_once() {
    let home = Home::in_step();
    let told_by = format!("[problems]\ncommand = \"cat >> '{}'\"\n", home.path("told.jsonl").display());
    home.config(&format!("{told_by}{}", home.read("channels.toml")));
    home.eys("sync").is(0);
    assert!(!home.path("told.jsonl").exists(), "nobody is told that all is well");
    home.write("stall.csv", "no,goods\n1,2\n");
    home.eys("sync").is(1);
    home.eys("sync").is(1);
    let first = told(&home);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(
        (&first[0]["schema"], &first[0]["new"][0]["kind"]),
        (&"eys.problems.1".into(), &"channel-unusable".into())
    );
    assert_eq!((&first[0]["new"][0]["channel"], first[0]["well"].as_array().unwrap().len()), (&"stall".into(), 0));
    home.write("stall.csv", "sku,quantity,title\nMUG,10,Mug\nBOWL,4,Bowl\n");
    home.eys("sync").is(0);
    let all = told(&home);
    assert_eq!(
        (all.len(), all[1]["well"].as_array().unwrap().len(), all[1]["new"].as_array().unwrap().len()),
        (2, 1, 0)
    );
}

// A webhook that cannot be reached is tried again after the next run; its address, which may be a secret, is not shown.
#[test]
fn a_webhook_that_is_down_is_told_later() {
    let home = Home::in_step();
    let plain = home.read("channels.toml");
    home.config(&format!("[problems]\nwebhook = \"http://127.0.0.1:9/hush-1\"\nformat = \"slack\"\n{plain}"));
    home.write("stall.csv", "no,goods\n1,2\n");
    home.eys("sync").is(1).has("the webhook of [problems] could not be reached").lacks("hush-1");
    let (address, requests) = listener();
    home.config(&format!("[problems]\nwebhook = \"{address}/hush-1\"\nformat = \"slack\"\n{plain}"));
    home.eys("sync").is(1).lacks("could not be reached");
    let request = requests.recv().unwrap();
    assert!(request.starts_with("POST /hush-1 "), "{request}");
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert!(body["text"].as_str().unwrap().starts_with("stall: "), "{body}");
}

// The sign of life comes after each complete run and after no other.
#[test]
fn a_complete_run_gives_a_sign_of_life() {
    let home = Home::in_step();
    let (address, requests) = listener();
    home.config(&format!("[problems]\nping = \"{address}/alive\"\n{}", home.read("channels.toml")));
    home.eys("sync").is(0);
    assert!(requests.recv().unwrap().starts_with("GET /alive "));
    home.write("stall.csv", "no,goods\n1,2\n");
    home.eys("sync").is(1);
    home.eys("sync --dry-run").is(1);
    assert!(requests.try_recv().is_err());
}

#[test]
fn the_log_has_a_line_a_run_and_is_its_owners_alone() {
    let home = Home::in_step();
    home.config(&format!("log_file = \"eys.log\"\n{}", home.read("channels.toml")));
    home.eys("sync --quiet").is(0);
    home.write("stall.csv", "no,goods\n1,2\n");
    home.eys("sync --quiet").is(1);
    let log = home.read("eys.log");
    assert!(log.lines().count() >= 2 && log.contains("Run 3: nothing to do") && log.contains("Run 4: "), "{log}");
    assert_eq!(home.mode("eys.log"), 0o600);
}

#[test]
fn an_address_that_is_none_is_refused_without_showing_it() {
    let home = Home::in_step();
    home.config(&format!("[problems]\nwebhook = \"hush-1\"\n{}", home.read("channels.toml")));
    home.eys("sync").is(2).has("`webhook` is no address").lacks("hush-1");
}

// A second loop is turned away at once, also in the gap of the first.
#[test]
fn a_second_loop_is_turned_away_in_the_gap_too() {
    let home = Home::in_step();
    let mut first = home.start("sync --every 30s");
    assert!(first.line().starts_with("Run 3"));
    until("the first loop to rest", || home.eys("status").exit == 0);
    home.eys("sync --every 30s").is(5).has("another run holds the state");
    home.eys("sync").is(0);
    first.signal("INT");
    first.end().is(0);
}

#[test]
fn names_that_nobody_knows_are_refused() {
    let home = Home::in_step();
    home.eys("sync --release nosuch").is(2);
    home.eys("sync --release h99").is(2).has("there is no hold `h99`");
    home.eys("sync --sku NOSUCH").is(2).has("the source has no SKU `NOSUCH`");
    home.eys("sync --sku MUG").is(0);
}
