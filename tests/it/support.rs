//! Sealed runs of the program: a folder of its own, nothing of the machine that it runs on, and all that it told in one
//! text.

use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Lines, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::sim::ebay::Ebay;
use crate::sim::etsy::Etsy;
use crate::sim::shopify::ShopSpec;
use crate::sim::woocommerce::{Tls, WooCommerce, consumer_key, consumer_secret};
use crate::sim::{Market, ShopHandle};

/// What the folder is called in snapshots. It is as long as the real name, so that tables keep their widths.
const FOLDER: &str = "/home/owner/eys";
/// What every moment is in snapshots.
const DAY: &str = "2026-11-24";

/// An owner's machine: channels.toml, lists and the state in one folder.
pub struct Home {
    folder: TempDir,
    config: String,
}

/// What a run told, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

/// A run that goes on.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    folder: PathBuf,
}

impl Home {
    /// Makes an empty machine.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("eys-").rand_bytes(6).tempdir_in("/tmp").unwrap();
        Self { folder, config: String::new() }
    }

    /// Makes a machine with a list that is the source, and one that follows and has an orders file.
    pub fn with_lists(source: &str, target: &str) -> Self {
        let mut home = Self::new();
        home.list("stock", "source", source);
        home.list("stall", "target", target);
        home
    }

    /// Makes a machine with two lists of mugs and bowls.
    pub fn with_mugs() -> Self {
        let source = "sku,quantity,title\nMUG,10,Red mug\nBOWL,4,Blue bowl\n";
        Self::with_lists(source, "sku,quantity,title\nMUG,1,Red mug\nBOWL,1,Blue bowl\n")
    }

    /// Makes a machine with two lists that are linked and in step.
    pub fn in_step() -> Self {
        let home = Self::with_mugs();
        home.eys("link --yes").is(0);
        home.eys("sync --yes").is(0);
        home
    }

    /// Writes a list and makes it a channel; a target has an orders file.
    pub fn list(&mut self, name: &str, role: &str, text: &str) {
        self.write(&format!("{name}.csv"), text);
        let mut block = format!("[channels.{name}]\nkind = \"csv\"\nrole = \"{role}\"\npath = \"{name}.csv\"\n");
        if role == "target" {
            self.write(&format!("{name}-orders.csv"), "order,sku,quantity,placed,status\n");
            block += &format!("orders = \"{name}-orders.csv\"\n");
        }
        self.say(&format!("{block}\n"));
    }

    /// A Shopify shop and an outlet that follows it, linked and in step; returns the outlet.
    pub async fn with_an_outlet(market: &Market) -> (Self, ShopHandle) {
        let goods = [("MUG", 10), ("BOWL", 4), ("VASE", 2)];
        let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
        let outlet = market.add_shopify(&ShopSpec::new("outlet", &goods));
        let mut home = Self::new();
        home.shopify("shop", "source", &shop).await;
        home.shopify("outlet", "target", &outlet).await;
        home.eys("link --yes").is(0);
        home.eys("sync --yes").is(0);
        (home, outlet)
    }

    /// Makes a simulated shop a channel, over loopback.
    pub async fn shopify(&mut self, name: &str, role: &str, shop: &ShopHandle) {
        let address = shop.serve().await.unwrap();
        let real = shop.name();
        self.say(&format!(
            "[channels.{name}]\nkind = \"shopify\"\nrole = \"{role}\"\nshop = \"{real}.myshopify.com\"\n\
             access_token = \"shpat_{real}\"\nbase_url = \"http://{address}\"\n\n"
        ));
    }

    /// The same with a WooCommerce shop, which sees that it is reached without https: calls are signed.
    pub async fn woocommerce(&mut self, name: &str, role: &str, shop: &ShopHandle) {
        let address = shop.serve_woocommerce().await.unwrap();
        shop.face(|face: &mut WooCommerce| face.site.tls = Tls::AsDialled);
        let (key, secret) = (consumer_key(shop.name()), consumer_secret(shop.name()));
        self.say(&format!(
            "[channels.{name}]\nkind = \"woocommerce\"\nrole = \"{role}\"\nurl = \"http://{address}\"\n\
             consumer_key = \"{key}\"\nconsumer_secret = \"{secret}\"\n\n"
        ));
    }

    /// The same with an account at eBay, whose seller has still to consent.
    pub async fn ebay(&mut self, name: &str, role: &str, shop: &ShopHandle) {
        let address = shop.serve().await.unwrap();
        let keyset = shop.face(|face: &mut Ebay| face.keyset.clone());
        self.say(&format!(
            "[channels.{name}]\nkind = \"ebay\"\nrole = \"{role}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n\
             ru_name = \"{}\"\nbase_url = \"http://{address}\"\n\n",
            keyset.client, keyset.secret, keyset.ru_name
        ));
    }

    /// The same with a shop at Etsy.
    pub async fn etsy(&mut self, name: &str, role: &str, shop: &ShopHandle, redirect: &str) {
        let address = shop.serve().await.unwrap();
        let (keystring, secret) = shop.face(|face: &mut Etsy| (face.keystring.clone(), face.shared_secret.clone()));
        self.say(&format!(
            "[channels.{name}]\nkind = \"etsy\"\nrole = \"{role}\"\nclient_id = \"{keystring}\"\n\
             client_secret = \"{secret}\"\nredirect_uri = \"{redirect}\"\nbase_url = \"http://{address}\"\n\n"
        ));
    }

    /// Adds to channels.toml.
    pub fn say(&mut self, text: &str) {
        self.config += text;
        self.config(&self.config.clone());
    }

    /// Writes channels.toml anew, readable by its owner alone.
    pub fn config(&self, text: &str) {
        let path = self.path("channels.toml");
        let _ = fs::remove_file(&path);
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

    /// Edits channels.toml.
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read("channels.toml");
        assert!(text.contains(from), "{text}");
        self.config(&text.replace(from, to));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap()).into_owned()
    }

    /// Returns the names of all files and a print of what is in each, to see that nothing changed. What `SQLite` puts
    /// beside a database while it is read does not count.
    pub fn everything(&self) -> Vec<(String, u64)> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().unwrap().is_file() && !name.ends_with("-wal") && !name.ends_with("-shm") {
                let mut hasher = DefaultHasher::new();
                fs::read(entry.path()).unwrap().hash(&mut hasher);
                files.push((name, hasher.finish()));
            }
        }
        files.sort();
        files
    }

    /// Returns the permissions of a file.
    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Writes an order into an orders file, placed now.
    pub fn order(&self, list: &str, order: &str, sku: &str, units: i64, status: &str) {
        let name = format!("{list}-orders.csv");
        let text = self.read(&name);
        let kept: String = text
            .lines()
            .filter(|line| !line.starts_with(&format!("{order},")))
            .map(|line| line.to_owned() + "\n")
            .collect();
        let now = jiff::Timestamp::now();
        self.write(&name, format!("{kept}{order},{sku},{units},{now:.0},{status}\n"));
    }

    /// Prepares a run. Nothing of this machine's environment comes through.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eys"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).env_clear();
        command.envs([("COLUMNS", "100"), ("TZ", "UTC"), ("PATH", "/usr/bin:/bin")]);
        command.env("HOME", self.path("home")).env("XDG_CONFIG_HOME", self.path("home/.config"));
        command.env("EYS_CONFIG", self.path("channels.toml")).env("EYS_STATE", self.path("state.db"));
        command
    }

    /// Runs a command line without quotes.
    pub fn eys(&self, line: &str) -> Told {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Told {
        self.told(&mut self.command(args))
    }

    /// Runs a prepared command to its end.
    pub fn told(&self, command: &mut Command) -> Told {
        let output = command.output().unwrap();
        let told = Told {
            exit: output.status.code().unwrap_or(-1),
            out: self.fixed(&String::from_utf8(output.stdout).unwrap()),
            err: self.fixed(&String::from_utf8(output.stderr).unwrap()),
        };
        told.is_fit_for_a_terminal();
        told
    }

    /// Runs a command with `--json`: stdout is one document that names its schema and its exit code, whatever happened.
    pub fn json(&self, line: &str) -> Value {
        let args: Vec<&str> = line.split_whitespace().chain(["--json"]).collect();
        let told = self.run(&args);
        let document: Value = serde_json::from_str(&told.out).unwrap_or_else(|why| panic!("{line}: {why}\n{told}"));
        let name = line.split_whitespace().next().unwrap();
        assert_eq!(document["schema"], format!("eys.{name}.1"), "{line}: {document}");
        assert_eq!(document["exit"], told.exit, "{line}: {document}");
        document
    }

    /// Starts a run that goes on.
    pub fn start(&self, line: &str) -> Running {
        let args: Vec<&str> = line.split_whitespace().collect();
        let mut child = self.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines, folder: self.folder.path().to_owned() }
    }

    fn fixed(&self, text: &str) -> String {
        fixed(text, &self.folder.path().to_string_lossy())
    }
}

impl Told {
    /// Checks the exit code; what was told comes with a failure.
    pub fn is(&self, exit: i32) -> &Self {
        assert_eq!(self.exit, exit, "{self}");
        self
    }

    /// Checks that something was told, wherever its lines break.
    pub fn has(&self, words: &str) -> &Self {
        let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = folded(&self.out) + &folded(&self.err);
        assert!(told.contains(&folded(words)), "`{words}` is missing:\n{self}");
        self
    }

    /// Checks that something was not told.
    pub fn lacks(&self, words: &str) -> &Self {
        assert!(!self.out.contains(words) && !self.err.contains(words), "`{words}` is there:\n{self}");
        self
    }

    /// Returns the same with neighbouring entries of a ledger in the order of their words: channels are written to side
    /// by side, and which comes first is chance.
    pub fn sorted(&self) -> Self {
        let mut lines: Vec<&str> = self.out.lines().collect();
        for entries in lines.chunk_by_mut(|a, b| [a, b].iter().all(|line| line.trim_start().starts_with(DAY))) {
            entries.sort_unstable();
        }
        Self { out: lines.join("\n"), ..self.clone() }
    }

    /// No text of an owner or a platform may steer a terminal, and no secret may show, whatever the command.
    fn is_fit_for_a_terminal(&self) {
        for text in [&self.out, &self.err] {
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "a control character: {text:?}");
            let secrets = ["shpat_", "ck_", "cs_", "hush"];
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "a secret: {text}");
            assert!(!text.contains("panicked"), "{text}");
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}", self.exit)?;
        for (name, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                write!(f, "\n---- {name}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}

impl Running {
    /// Waits for the next line on stdout.
    pub fn line(&mut self) -> String {
        fixed(&self.lines.next().expect("the run goes on").unwrap(), &self.folder.to_string_lossy())
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("/bin/sh").args(["-c", &line]).status().unwrap().success());
    }

    /// Waits for its end; returns its exit code and what else it told.
    pub fn end(mut self) -> Told {
        let out: String = self.lines.by_ref().map(|line| line.unwrap() + "\n").collect();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let folder = self.folder.to_string_lossy().into_owned();
        let exit = self.child.wait().unwrap().code().unwrap_or(-1);
        Told { exit, out: fixed(&out, &folder), err: fixed(&err, &folder) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed must not leave a loop behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Puts fixed words in place of what differs from run to run: the folder, moments, ports and process ids.
fn fixed(text: &str, folder: &str) -> String {
    let text = text.replace(&format!("/private{folder}"), FOLDER).replace(folder, FOLDER);
    let text = fixed_numbers(&fixed_numbers(&text, "127.0.0.1:"), "process ");
    let text = fixed_calls(&text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let length = moment(rest.as_bytes());
        if length == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let separator = &rest[10..11];
        out += &format!("{DAY}{separator}09:00{}", if length > 16 { ":00" } else { "" });
        rest = &rest[length..];
    }
    out
}

/// Returns the length of the moment that a text begins with; 0 where it begins with none.
fn moment(text: &[u8]) -> usize {
    let digits = |pattern: &[u8], text: &[u8]| {
        text.len() >= pattern.len()
            && pattern.iter().zip(text).all(|(p, c)| if *p == b'0' { c.is_ascii_digit() } else { p == c || *p == b'_' })
    };
    if !digits(b"0000-00-00_00:00", text) || !matches!(text[10], b'T' | b' ') {
        return 0;
    }
    if !digits(b":00", &text[16..]) {
        return 16;
    }
    let fraction = text[19..].iter().take_while(|c| **c == b'.' || c.is_ascii_digit()).count();
    19 + fraction
}

fn fixed_numbers(text: &str, before: &str) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out += before;
        out += if rest.len() < part.len() { "1" } else { "" };
        out += rest;
    }
    out
}

/// The simulated shops number their calls by chance.
fn fixed_calls(text: &str) -> String {
    let mut parts: Vec<&str> = text.split("-planned").collect();
    let last = parts.pop().unwrap_or_default();
    let calls = parts.iter().map(|part| part.trim_end_matches(|c: char| c.is_ascii_hexdigit()));
    calls.map(|part| format!("{part}1-planned")).collect::<String>() + last
}
