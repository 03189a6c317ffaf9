//! `eys doctor`: what is wrong, why, and the command that mends it, in the order of a seller's own check list.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::status::{open_secrets, secret_words};
use super::{Context, End, lock};
use crate::app::{self, Purpose};
use crate::channel::{Mend, Outcome, Weight, printable};
use crate::config::Config;
use crate::domain::{ChannelName, IntentId, Known, RunId, Sku};
use crate::engine::checkup::{self, Finding, Topic};
use crate::engine::{Progress, Quiet, settle_doubt};
use crate::store::Store;
use crate::ui::{Failure, count};

/// The most findings of one kind on the screen.
const MOST: usize = 5;

/// Say what is wrong, why, and what mends it
#[derive(Args)]
pub(super) struct DoctorArgs {
    /// Look at this SKU only
    sku: Option<String>,
    /// Apply what is safe to mend, after showing it
    #[arg(long)]
    fix: bool,
    /// With --fix: do not ask
    #[arg(long, requires = "fix")]
    yes: bool,
    /// Settle a doubt: INTENT applied|not-applied
    #[arg(long, num_args = 2, value_names = ["INTENT", "OUTCOME"])]
    settle: Option<Vec<String>>,
    /// Write proposals for listings without a SKU to a CSV file
    #[arg(long, value_name = "FILE")]
    propose_skus: Option<PathBuf>,
    /// Look at the config and the state only
    #[arg(long)]
    offline: bool,
}

pub(super) async fn doctor(context: &Context, args: &DoctorArgs) -> End {
    let config = context.places.read()?;
    let state = context.places.state(Some(&config));
    if let Some(words) = &args.settle {
        return settle(context, &state, words).await;
    }
    if !args.offline {
        config.check_secrets()?;
    }
    let lanes = app::lanes(&config, &state, Purpose::Look)?;
    let progress: Arc<dyn Progress> = Arc::new(Quiet);
    let store = Store::snapshot(&state)?;
    let mut checkup =
        checkup::examine(&lanes, &store, &app::settings(&config), &app::clock(), &progress, args.offline).await?;
    checkup.findings.extend(open_secrets(&config, &store).iter().map(|path| secret_finding(path)));
    checkup.findings.sort_by_key(|finding| finding.topic);
    if let Some(file) = &args.propose_skus {
        return propose(context, &checkup.listings, file);
    }
    let sku = args.sku.as_deref().and_then(Sku::new);
    if let Some(sku) = &sku
        && !checkup.listings.iter().any(|known| known.listing.skus().any(|own| own == sku))
    {
        let next = Some("`eys link` reads the channels and shows every SKU it finds".to_owned());
        return Err(Failure::Usage(format!("no channel has the SKU `{sku}`"), next));
    }
    // What a whole channel does to stock, it does to this SKU.
    let of_all = |finding: &Finding| finding.sku.is_none() && finding.topic == Topic::StockSettings;
    let wanted = |finding: &&Finding| sku.is_none() || finding.sku == sku || of_all(finding);
    let findings: Vec<&Finding> = checkup.findings.iter().filter(wanted).collect();
    let problems = findings.iter().filter(|finding| finding.weight == Weight::Problem).count();
    let exit = if problems == 0 { 0 } else { 6 };
    context.ui.say(&screen(context, &findings, problems));
    if args.fix {
        return fix(context, args, &config, &state, &findings).await;
    }
    context.ui.document("doctor", exit, document(&findings));
    Ok(exit)
}

fn secret_finding(path: &Path) -> Finding {
    let (message, next) = secret_words(path);
    Finding {
        code: "secret-readable",
        topic: Topic::Account,
        weight: Weight::Problem,
        channel: None,
        listing: None,
        sku: None,
        message,
        next: Some(next),
        mend: None,
    }
}

fn screen(context: &Context, findings: &[&Finding], problems: usize) -> String {
    let mut parts = Vec::new();
    for topic in Topic::ALL {
        let here: Vec<&&Finding> = findings.iter().filter(|finding| finding.topic == topic).collect();
        if here.is_empty() {
            continue;
        }
        let mut lines = vec![topic.words().to_owned()];
        for group in here.chunk_by(|a, b| (a.code, &a.channel, &a.next) == (b.code, &b.channel, &b.next)) {
            lines.extend(tell(context, group));
        }
        parts.push(lines.join("\n"));
    }
    parts.push(if problems == 0 {
        "No problem was found.".to_owned()
    } else {
        format!("{} found.", count(problems, "problem", "problems"))
    });
    parts.join("\n\n")
}

/// Tells findings of one kind on one channel: a few in full, the rest counted.
fn tell(context: &Context, group: &[&&Finding]) -> Vec<String> {
    let Some(first) = group.first() else { return Vec::new() };
    let mark = match first.weight {
        Weight::Fine => "ok  ",
        Weight::Note => "note",
        Weight::Problem => "!!  ",
    };
    let about = first.channel.as_ref().map_or_else(String::new, |channel| format!("{channel}: "));
    let most = if context.ui.look.verbose { usize::MAX } else { MOST };
    let mut lines: Vec<String> =
        group.iter().take(most).map(|f| format!("  {mark} {about}{}", printable(&f.message, 400))).collect();
    if group.len() > most {
        lines.push(format!("       … and {} more of these (-v shows all)", group.len() - most));
    }
    lines.extend(first.next.as_ref().map(|next| format!("       next: {next}")));
    lines
}

fn document(findings: &[&Finding]) -> Map<String, Value> {
    let one = |finding: &&Finding| {
        json!({
            "code": finding.code,
            "topic": finding.topic.words(),
            "weight": match finding.weight {
                Weight::Fine => "fine",
                Weight::Note => "note",
                Weight::Problem => "problem",
            },
            "channel": finding.channel,
            "listing": finding.listing,
            "sku": finding.sku,
            "message": finding.message,
            "next": finding.next,
            "fixable": finding.mend.is_some(),
        })
    };
    Map::from_iter([("findings".to_owned(), findings.iter().map(one).collect::<Vec<_>>().into())])
}

async fn fix(context: &Context, args: &DoctorArgs, config: &Config, state: &Path, findings: &[&Finding]) -> End {
    let mends: Vec<(&ChannelName, &Mend)> =
        findings.iter().filter_map(|finding| Some((finding.channel.as_ref()?, finding.mend.as_ref()?))).collect();
    if mends.is_empty() {
        let exit = if findings.iter().any(|finding| finding.weight == Weight::Problem) { 6 } else { 0 };
        context.ui.say("Nothing here can be mended by eys itself.");
        context.ui.document("doctor", exit, document(findings));
        return Ok(exit);
    }
    for (channel, mend) in &mends {
        context.ui.say(&format!("  {channel}: {}", mend.words));
    }
    if !args.yes && !context.ui.ask(&format!("Mend {}?", count(mends.len(), "thing", "things"))) {
        context.ui.note("Nothing was changed. `eys doctor --fix --yes` does it.");
        context.ui.document("doctor", 4, document(findings));
        return Ok(4);
    }
    let _lock = lock(context, state).await?;
    let lanes = app::lanes(config, state, Purpose::Look)?;
    let (mut failed, mut mended) = (0, Vec::new());
    for (channel, mend) in mends {
        let Some(lane) = lanes.iter().find(|lane| lane.name == *channel) else { continue };
        let trouble = match lane.channel.mend(mend).await {
            Ok(Outcome::Done { .. }) => None,
            Ok(Outcome::Refused(error) | Outcome::Unknown(error)) | Err(error) => Some(error.to_string()),
            Ok(_) => Some("it is no longer as it was; run doctor again".to_owned()),
        };
        failed += usize::from(trouble.is_some());
        context.ui.say(&format!("  {channel}: {}: {}", mend.words, trouble.as_deref().unwrap_or("done")));
        mended.push(json!({ "channel": channel, "listing": mend.listing, "words": mend.words, "trouble": trouble }));
    }
    let exit = if failed == 0 { 0 } else { 3 };
    context.ui.document("doctor", exit, Map::from_iter([("mended".to_owned(), Value::from(mended))]));
    Ok(exit)
}

async fn settle(context: &Context, state: &Path, words: &[String]) -> End {
    let usage =
        || Failure::Usage("it takes an intent and applied or not-applied: --settle i17 applied".to_owned(), None);
    let [intent, outcome] = words else { return Err(usage()) };
    let id = intent.strip_prefix('i').and_then(|number| number.parse().ok()).map(IntentId).ok_or_else(usage)?;
    let applied = match outcome.as_str() {
        "applied" => true,
        "not-applied" => false,
        _ => return Err(usage()),
    };
    let _lock = lock(context, state).await?;
    let mut store = Store::open(state)?;
    let now = Timestamp::now();
    let done = store.transaction(|tx| {
        let run: RunId = tx.begin_run(&context.line, now)?;
        let done = settle_doubt(tx, run, id, applied, now)?;
        tx.end_run(run, now, 0, &format!("{id} settled: {outcome}"))?;
        Ok(done)
    })?;
    if !done {
        let next = Some("`eys status` lists those that are".to_owned());
        return Err(Failure::Usage(format!("{id} is not open and not in doubt"), next));
    }
    context.ui.say(&format!("{id} is settled as {outcome}. The next run goes on from there."));
    context.ui.document("doctor", 0, Map::from_iter([("settled".to_owned(), Value::from(id.to_string()))]));
    Ok(0)
}

/// Writes proposals for the listings without a SKU; changes nothing itself.
fn propose(context: &Context, listings: &[Known], file: &Path) -> End {
    let rows = checkup::proposals(listings);
    let failed = |error: &dyn std::fmt::Display| {
        let next = Some("name a file in a folder that you may write to".to_owned());
        Failure::Other(format!("{}: {error}", file.display()), next)
    };
    let new = std::fs::OpenOptions::new().write(true).create_new(true).open(file).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let next = Some("name a new file; eys never writes over one".to_owned());
            return Failure::Usage(format!("{} is there already", file.display()), next);
        }
        failed(&error)
    })?;
    let mut writer = csv::Writer::from_writer(new);
    writer.write_record(["channel", "listing", "title", "proposed_sku"]).map_err(|error| failed(&error))?;
    for row in &rows {
        writer.write_record(row).map_err(|error| failed(&error))?;
    }
    writer.flush().map_err(|error| failed(&error))?;
    context.ui.say(&format!(
        "Wrote {} to {}; nothing was changed.",
        count(rows.len(), "proposal", "proposals"),
        file.display()
    ));
    context.ui.note("Next: check them, fill them in on the channel, and run `eys link` again.");
    context.ui.document("doctor", 0, Map::from_iter([("proposed".to_owned(), Value::from(rows.len()))]));
    Ok(0)
}
