//! Telling of problems: each once when it is new and once when all is well again, to the command and to the address
//! that the owner named; and the sign of life after each complete run.
//!
//! What was told is remembered for each of them apart: one that could not be reached is told after the next run.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::Context;
use super::status::problems;
use crate::app::knock;
use crate::config::{Config, Format};
use crate::engine::{LaneEnd, Report, Trouble};
use crate::store::{Store, StoreError};
use crate::ui::{Failure, trouble_text, troubles_json};

/// How long the command may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a run tells that the state tells too.
const STANDING: &[&str] = &["held-lines", "in-doubt", "open-intent", "deduction-pending"];
/// The most characters that Discord takes.
const DISCORD: usize = 2000;

/// What is new, and what is well again.
struct News {
    new: Vec<Trouble>,
    well: Vec<String>,
}

/// Tells of what changed since it was last told. A run is not worse for a reader who cannot be reached; it is said.
pub(super) async fn tell(
    context: &Context,
    config: &Config,
    store: &mut Store,
    report: &Report,
    more: Option<&Trouble>,
) -> Result<(), Failure> {
    let standing = problems(config, store)?;
    let stands = |trouble: &Trouble| {
        let same = |other: &Trouble| other.channel == trouble.channel && other.message == trouble.message;
        STANDING.contains(&trouble.code) || standing.iter().any(same)
    };
    let of_run = report.troubles.iter().filter(|trouble| !stands(trouble));
    let all = standing.iter().chain(of_run).chain(more);
    let troubles: BTreeMap<String, &Trouble> = all.map(|trouble| (key(trouble), trouble)).collect();
    if let Some(command) = &config.problems.command {
        let told = tell_one(store, "told:command", &troubles, async |news| run(command, &news.json()).await).await?;
        complain(context, "the command of [problems]", told);
    }
    if let Some(address) = &config.problems.webhook {
        let format = config.problems.format;
        let told = tell_one(store, "told:webhook", &troubles, async |news| post(address, format, &news).await).await?;
        complain(context, "the webhook of [problems]", told);
    }
    let complete = report.lanes.iter().all(|lane| matches!(lane.end, LaneEnd::Complete | LaneEnd::Off));
    if let Some(address) = config.problems.ping.as_ref().filter(|_| complete) {
        let sent = knock(address, None).await;
        complain(context, "the ping of [problems]", sent);
    }
    Ok(())
}

fn complain(context: &Context, who: &str, told: Result<(), String>) {
    if let Err(why) = told {
        context
            .ui
            .complain(&format!("{who} could not be reached: {why}\n  next: it is tried again after the next run"));
    }
}

/// Tells one reader what it has not heard yet, and remembers it once it was heard.
async fn tell_one(
    store: &mut Store,
    memory: &str,
    troubles: &BTreeMap<String, &Trouble>,
    deliver: impl AsyncFnOnce(News) -> Result<(), String>,
) -> Result<Result<(), String>, StoreError> {
    let told: BTreeMap<String, String> =
        store.read(|tx| tx.meta(memory))?.and_then(|told| serde_json::from_str(&told).ok()).unwrap_or_default();
    let now: BTreeMap<&String, String> = troubles.iter().map(|(key, trouble)| (key, first_line(trouble))).collect();
    let unheard = troubles.iter().filter(|(key, _)| !told.contains_key(*key));
    let new: Vec<Trouble> = unheard.map(|(_, trouble)| (*trouble).clone()).collect();
    let well: Vec<String> = told.iter().filter(|(key, _)| !now.contains_key(key)).map(|(_, w)| w.clone()).collect();
    if new.is_empty() && well.is_empty() {
        return Ok(Ok(()));
    }
    if let Err(why) = deliver(News { new, well }).await {
        return Ok(Err(why));
    }
    let text = json!(now).to_string();
    store.transaction(|tx| tx.set_meta(memory, &text))?;
    Ok(Ok(()))
}

/// Returns what makes two troubles the same one.
fn key(trouble: &Trouble) -> String {
    let channel = trouble.channel.as_ref().map_or("", |channel| channel.as_str());
    let about = trouble.listing.as_deref().unwrap_or_default();
    // A hold is told by its number, since a channel can stand under several.
    let hold = if trouble.code == "held" { trouble.message.split(':').next().unwrap_or_default() } else { "" };
    // Lines that wait are told anew for each reason, and not for each line.
    let reason = if trouble.code == "held-lines" { trouble.next.as_deref().unwrap_or_default() } else { "" };
    format!("{} {channel} {about}{hold}{reason}", trouble.code)
}

fn first_line(trouble: &Trouble) -> String {
    trouble_text(trouble).lines().next().unwrap_or_default().to_owned()
}

impl News {
    fn json(&self) -> Value {
        json!({ "schema": "eys.problems.1", "new": troubles_json(&self.new), "well": self.well })
    }

    fn text(&self) -> String {
        let new = self.new.iter().map(trouble_text);
        let well = self.well.iter().map(|words| format!("Well again: {words}"));
        new.chain(well).collect::<Vec<_>>().join("\n")
    }
}

/// Runs the owner's command with a document on its standard input.
async fn run(command: &str, document: &Value) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    let mut child = shell.spawn().map_err(|error| error.to_string())?;
    let mut input = child.stdin.take();
    let text = format!("{document}\n");
    let whole = async {
        if let Some(input) = &mut input {
            // A command that does not read what it is given may still have done its work.
            let _ = input.write_all(text.as_bytes()).await;
        }
        drop(input);
        child.wait().await
    };
    match tokio::time::timeout(PATIENCE, whole).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("it failed with {status}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it took over {} seconds", PATIENCE.as_secs())),
    }
}

async fn post(address: &str, format: Format, news: &News) -> Result<(), String> {
    let (kind, body) = match format {
        Format::Json => ("application/json", news.json().to_string()),
        Format::Ntfy => ("text/plain", news.text()),
        Format::Slack => ("application/json", json!({ "text": news.text() }).to_string()),
        Format::Discord => {
            let text: String = news.text().chars().take(DISCORD).collect();
            ("application/json", json!({ "content": text }).to_string())
        }
    };
    knock(address, Some((kind, body))).await
}
