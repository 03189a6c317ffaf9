//! Secrets and where they come from: the file itself, the environment, another file, a command.

use std::fmt;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;
use toml_edit::Item;

use super::check::{channels, parse, written};
use super::diagnose::{ConfigError, did_you_mean};
use super::reader::{Notes, Reader};
use crate::channel::registry::{Kind, SecretSource, Shape};

/// How long a command may take to tell a secret.
const COMMAND: Duration = Duration::from_secs(30);

/// Where a secret comes from.
pub(super) enum Source {
    InPlace(SecretString),
    Env(String),
    File(PathBuf),
    Command(String),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InPlace(_) => f.write_str("in place"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(_) => f.write_str("command"),
        }
    }
}

#[async_trait]
impl SecretSource for Source {
    async fn fetch(&self) -> Result<SecretString, String> {
        let text = match self {
            Self::InPlace(secret) => secret.expose_secret().to_owned(),
            Self::Env(name) => std::env::var(name).map_err(|_| format!("the environment has no {name}"))?,
            Self::File(path) => {
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?
            }
            Self::Command(command) => run(command).await?,
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(format!("the secret is empty ({self:?})"));
        }
        Ok(SecretString::from(text))
    }
}

async fn run(command: &str) -> Result<String, String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = match tokio::time::timeout(COMMAND, shell.output()).await {
        Ok(output) => output.map_err(|error| format!("the command that tells the secret could not be run: {error}"))?,
        Err(_) => return Err(format!("the command that tells the secret took over {} seconds", COMMAND.as_secs())),
    };
    if !output.status.success() {
        return Err(format!("the command that tells the secret failed with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| "the command that tells the secret printed no text".to_owned())
}

/// Takes a secret out of a block: text, or a table that says where it is.
pub(super) fn read(reader: &Reader<'_>, key: &str, file: &Path, notes: &mut Notes) -> Option<Source> {
    let item = reader.item(key)?;
    if let Some(text) = item.as_str() {
        notes.secrets.extend(item.span());
        return Some(Source::InPlace(SecretString::from(text.to_owned())));
    }
    let places = ["env", "file", "command"];
    let Some(table) = item.as_table_like() else {
        notes.secrets.extend(item.span());
        let wanted = "a secret: text, or { env = \"NAME\" }, { file = \"path\" }, { command = \"…\" }";
        let span = reader.value_span(key);
        notes.problem(span, format!("`{key}` of {} must be {wanted}", reader.name), "no secret", None);
        return None;
    };
    let inner = Reader::new(format!("`{key}`"), table, reader.value_span(key));
    inner.only(&places, notes);
    let found: Vec<&str> = places.iter().copied().filter(|place| inner.item(place).is_some()).collect();
    match found.as_slice() {
        ["env"] => inner.text("env", notes).map(Source::Env),
        ["file"] => inner.path("file", file, notes).map(Source::File),
        ["command"] => inner.text("command", notes).map(Source::Command),
        _ => {
            let help = did_you_mean("", &places, "it takes one of");
            let span = reader.value_span(key);
            notes.problem(span, format!("`{key}` must say where the secret is, in one way"), "here", Some(help));
            None
        }
    }
}

/// Looks whether all secrets of the file can be had, and whether others can read them.
pub(super) fn check(path: &Path, text: &str, kinds: &[&Kind]) -> Result<(), ConfigError> {
    let document = parse(path, text)?;
    let mut notes = Notes::default();
    let mut in_place: Option<Range<usize>> = None;
    for (_, reader) in channels(&document) {
        let kind = reader.item("kind").and_then(Item::as_str);
        let Some(kind) = kinds.iter().find(|known| Some(known.name) == kind) else { continue };
        for key in kind.keys.iter().filter(|key| key.shape == Shape::Secret) {
            let name = written(&reader, kind, key.name);
            match read(&reader, name, path, &mut notes) {
                Some(Source::InPlace(_)) => {
                    in_place.get_or_insert(reader.key_span(name));
                }
                Some(Source::Env(variable)) if std::env::var_os(&variable).is_none() => {
                    let span = reader.value_span(name);
                    let help = Some(format!("set it for this command: `export {variable}=…`"));
                    notes.problem(span, format!("the environment has no {variable}"), "the secret is missing", help);
                }
                Some(Source::File(file)) => check_file(&file, reader.value_span(name), &mut notes),
                _ => {}
            }
        }
    }
    if let Some(span) = in_place.filter(|_| open_to_others(path)) {
        let help = Some(format!("`chmod 600 {}`", path.display()));
        notes.problem(span, "this secret stands in a file that others can read", "a secret", help);
    }
    if notes.problems.is_empty() { Ok(()) } else { Err(ConfigError::new(path, text, &notes.secrets, notes.problems)) }
}

/// Returns the files with secrets that others can read.
pub(super) fn open(path: &Path, text: &str, kinds: &[&Kind]) -> Vec<PathBuf> {
    let Ok(document) = parse(path, text) else { return Vec::new() };
    let mut notes = Notes::default();
    let mut files = Vec::new();
    for (_, reader) in channels(&document) {
        let kind = reader.item("kind").and_then(Item::as_str);
        let Some(kind) = kinds.iter().find(|known| Some(known.name) == kind) else { continue };
        for key in kind.keys.iter().filter(|key| key.shape == Shape::Secret) {
            files.extend(match read(&reader, written(&reader, kind, key.name), path, &mut notes) {
                Some(Source::InPlace(_)) => Some(path.to_owned()),
                Some(Source::File(file)) => Some(file),
                _ => None,
            });
        }
    }
    files.sort();
    files.dedup();
    files.retain(|file| open_to_others(file));
    files
}

fn check_file(file: &Path, span: Range<usize>, notes: &mut Notes) {
    if let Err(error) = std::fs::metadata(file) {
        let help = Some("put the secret there, readable by you alone".to_owned());
        notes.problem(span, format!("{}: {error}", file.display()), "the secret is missing", help);
    } else if open_to_others(file) {
        let help = Some(format!("`chmod 600 {}`", file.display()));
        notes.problem(span, format!("others can read {}", file.display()), "a secret", help);
    }
}

fn open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0)
}
