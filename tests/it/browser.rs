//! Consent in a browser, played: the address that `eys auth` prints is opened, and its answer goes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use url::Url;

use crate::support::{Home, Told};

/// Opens an address as a browser does that is already signed in; returns where it is sent on to.
pub fn browse(address: &Url) -> String {
    let answer = get(address);
    let sent_on = answer.lines().find_map(|line| line.strip_prefix("location: "));
    sent_on.unwrap_or_else(|| panic!("{answer}")).trim().to_owned()
}

/// Gets a page; returns the whole answer.
pub fn get(address: &Url) -> String {
    let host = format!("{}:{}", address.host_str().unwrap(), address.port().unwrap());
    let mut line = TcpStream::connect(&host).unwrap();
    let path = &address[url::Position::BeforePath..];
    write!(line, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    answer
}

/// Runs `eys auth`, opens the address that it prints, and pastes what comes of it, if it is to be pasted.
pub fn consent<P: Into<Option<String>>>(home: &Home, channel: &str, paste: impl FnOnce(&Url) -> P) -> Told {
    let mut command = home.command(&["auth", channel]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut err = String::new();
    let address = loop {
        let mut line = String::new();
        assert!(told.read_line(&mut line).unwrap() > 0, "no address: {err}");
        err += &line;
        if line.trim().starts_with("http") {
            break Url::parse(line.trim()).unwrap();
        }
    };
    let mut typed = child.stdin.take().unwrap();
    if let Some(line) = paste(&address).into() {
        writeln!(typed, "{line}").unwrap();
    }
    drop(typed);
    let out = child.wait_with_output().unwrap();
    told.read_to_string(&mut err).unwrap();
    let out = String::from_utf8(out.stdout.clone()).map(|text| (out.status.code().unwrap_or(-1), text)).unwrap();
    Told { exit: out.0, out: out.1, err }
}
