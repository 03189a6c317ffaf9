//! `eys status`: where everything stands, and why a SKU shows what it shows. It reads a copy of the state and needs
//! neither the network nor credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Context, End};
use crate::app::{self, Purpose};
use crate::config::Config;
use crate::domain::channel::ChannelState;
use crate::domain::plan::{ChannelFacts, Doubt, World, Zero, plan};
use crate::domain::quota::Quota;
use crate::domain::status::Status;
use crate::domain::{ChannelName, Component, Hold, Known, Level, ListingId, Revisions, Role, Shown, Sku};
use crate::engine::Trouble;
use crate::engine::source::refused_offline;
use crate::engine::standing::{Watch, asked_for_last_unit, limited, standing};
use crate::store::{Counts, Entry, Run, Store, StoreError};
use crate::ui::{
    Failure, hold_words, list_of_limits, list_of_troubles, movement_words, time, trouble_text, troubles_json,
};

/// How often `--watch` draws anew.
const REDRAW: Duration = Duration::from_secs(2);
/// Entries of a ledger on the screen.
const ENTRIES: usize = 30;

/// Show where everything stands, or why one SKU shows what it shows
#[derive(Args)]
pub(super) struct StatusArgs {
    /// A SKU: its listings everywhere, and its story
    sku: Option<String>,
    /// Only what is wrong or waits
    #[arg(long)]
    problems: bool,
    /// Source listings with so many units or fewer
    #[arg(long, value_name = "N")]
    low: Option<i64>,
    /// The latest runs
    #[arg(long)]
    history: bool,
    /// What one run did
    #[arg(long, value_name = "ID")]
    run: Option<i64>,
    /// Draw it anew every two seconds
    #[arg(long)]
    watch: bool,
    /// Write it as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// For monitoring: silent and 0 when all is well, else the problems and 3
    #[arg(long)]
    check: bool,
}

pub(super) async fn status(context: &Context, args: &StatusArgs) -> End {
    let config = context.places.read()?;
    let state = context.places.state(Some(&config));
    loop {
        let store = Store::snapshot(&state)?;
        if args.watch {
            context.ui.raw("\u{1b}[2J\u{1b}[H");
        }
        let exit = show(context, args, &config, &store, &state)?;
        if !args.watch {
            return Ok(exit);
        }
        tokio::select! {
            () = tokio::time::sleep(REDRAW) => {}
            _ = tokio::signal::ctrl_c() => return Ok(exit),
        }
    }
}

fn show(context: &Context, args: &StatusArgs, config: &Config, store: &Store, state: &Path) -> End {
    if let Some(sku) = &args.sku {
        return one_sku(context, config, store, state, sku);
    }
    if let Some(run) = args.run {
        return one_run(context, store, run);
    }
    if args.history {
        return history(context, store);
    }
    if let Some(most) = args.low {
        return low(context, config, store, most);
    }
    let overview = Overview::gather(config, store)?;
    let problems = problems(config, store)?;
    if args.check {
        let exit = if problems.is_empty() { 0 } else { 3 };
        context.ui.say(&if problems.is_empty() { String::new() } else { list_of_troubles(&problems) });
        context.ui.document("status", exit, Map::from_iter([("problems".to_owned(), troubles_json(&problems))]));
        return Ok(exit);
    }
    let mut limits = switched_off(config);
    limits.extend(limited(store, &names(config))?);
    if let Some(file) = &args.html {
        return html(context, &overview, (&problems, &limits), file);
    }
    let text = [Some(overview.text(context, &problems, args.problems)), list_of_limits(&limits)];
    context.ui.say(&text.into_iter().flatten().collect::<Vec<_>>().join("\n\n"));
    let mut document = overview.json(&problems);
    document.insert("limited".to_owned(), troubles_json(&limits));
    context.ui.document("status", 0, document);
    Ok(0)
}

fn names(config: &Config) -> Vec<ChannelName> {
    config.channels.iter().map(|channel| channel.name.clone()).collect()
}

/// Returns all that is wrong or waits.
pub(super) fn problems(config: &Config, store: &Store) -> Result<Vec<Trouble>, StoreError> {
    let channels = names(config);
    let low = config.source().map(|source| &source.name).zip(config.problems.low_stock);
    let watch = Watch { now: Timestamp::now(), every: config.every };
    let mut problems: Vec<Trouble> = open_secrets(config, store).iter().map(|path| secret_trouble(path)).collect();
    if let Some(source) = config.source() {
        problems.extend(refused_offline(store, &source.name, &channels)?);
    }
    problems.extend(standing(store, &channels, config.inventory_sync, low, watch)?);
    Ok(problems)
}

/// Returns the channels to which nothing is written, by their own switch.
fn switched_off(config: &Config) -> Vec<Trouble> {
    let off = config.channels.iter().filter(|channel| channel.role == Role::Target && !channel.inventory_sync);
    let told = off.map(|channel| Trouble {
        code: "sync-off",
        channel: Some(channel.name.clone()),
        listing: None,
        message: "it is switched off: nothing is written to it".to_owned(),
        next: Some("set `inventory_sync = true` in its block of channels.toml".to_owned()),
        waits_for_owner: false,
    });
    told.collect()
}

/// Returns the files with secrets that others can read.
pub(super) fn open_secrets(config: &Config, store: &Store) -> Vec<PathBuf> {
    config.open_secrets().into_iter().chain(store.open_credentials().map(Path::to_owned)).collect()
}

fn secret_trouble(path: &Path) -> Trouble {
    let (message, next) = secret_words(path);
    Trouble { code: "secret-readable", channel: None, listing: None, message, next: Some(next), waits_for_owner: false }
}

/// Says that others can read a file with secrets, and what mends it.
pub(super) fn secret_words(path: &Path) -> (String, String) {
    let message = format!("others can read the secrets in {}", path.display());
    (message, format!("`chmod 600 {}`", path.display()))
}

/// Where everything stands.
struct Overview {
    /// The channels, with what is left of the calls that their platforms allow, where they say so.
    channels: Vec<(ChannelState, Counts, Option<Quota>)>,
    holds: Vec<Hold>,
    last: Option<Run>,
}

impl Overview {
    fn gather(config: &Config, store: &Store) -> Result<Self, StoreError> {
        store.read(|tx| {
            let mut channels = Vec::new();
            for configured in &config.channels {
                let fresh = || ChannelState::new(&configured.name, configured.kind.name, configured.role);
                let known = tx.channel(&configured.name)?;
                let kept = known.as_ref().map(|channel| tx.quota(&channel.name)).transpose()?.flatten();
                let quota = kept.map(|kept| kept.quota).filter(|quota| Timestamp::now() < quota.refills);
                channels.push((known.unwrap_or_else(fresh), tx.totals(&configured.name)?, quota));
            }
            let last = tx.runs(20)?.into_iter().find(|run| run.command.split(' ').any(|word| word == "sync"));
            Ok(Self { channels, holds: tx.holds()?, last })
        })
    }

    fn text(&self, context: &Context, problems: &[Trouble], only_problems: bool) -> String {
        let mut parts = Vec::new();
        if !only_problems {
            let row = |(channel, counts, _): &(ChannelState, Counts, Option<Quota>)| {
                vec![
                    channel.name.to_string(),
                    if channel.role == Role::Source { "source" } else { "target" }.to_owned(),
                    channel.kind.clone(),
                    counts.linked.to_string(),
                    if channel.role == Role::Source { "-".to_owned() } else { counts.showing.to_string() },
                    channel.complete.map_or("never".to_owned(), time),
                    channel.label.clone().unwrap_or_default(),
                ]
            };
            let head = ["channel", "role", "kind", "linked", "with stock", "last complete", "account"];
            parts.push(context.ui.table(&head, self.channels.iter().map(row).collect()));
            if let Some(run) = &self.last {
                let summary = run.summary.as_deref().unwrap_or("it did not end");
                parts.push(format!("Last run: {}, {} — {summary}", run.id.0, time(run.began)));
            }
            let calls = self.channels.iter().filter_map(|(channel, _, quota)| {
                let Quota { most, left, refills } = (*quota)?;
                Some(format!("Calls left on {}: {left} of {most}, until {}", channel.name, time(refills)))
            });
            parts.extend(Some(calls.collect::<Vec<_>>().join("\n")).filter(|calls| !calls.is_empty()));
        }
        parts.push(if problems.is_empty() {
            "Nothing is wrong and nothing waits.".to_owned()
        } else {
            list_of_troubles(problems)
        });
        if self.channels.iter().all(|(_, counts, _)| counts.linked == 0) {
            parts.push("Nothing is linked yet: `eys link` shows what belongs together.".to_owned());
        }
        parts.join("\n\n")
    }

    fn json(&self, problems: &[Trouble]) -> Map<String, Value> {
        let channels = self.channels.iter().map(|(channel, counts, quota)| {
            json!({
                "channel": channel.name,
                "role": channel.role,
                "kind": channel.kind,
                "account": channel.identity,
                "linked": counts.linked,
                "with_stock": counts.showing,
                "last_complete": channel.complete.map(|at| at.to_string()),
                "calls": quota,
                "trouble": channel.trouble,
            })
        });
        Map::from_iter([
            ("channels".to_owned(), channels.collect::<Vec<_>>().into()),
            ("problems".to_owned(), troubles_json(problems)),
            ("holds".to_owned(), self.holds.iter().map(|hold| json!({
                "id": hold.id.to_string(), "channel": hold.channel, "why": hold_words(hold.why), "note": hold.note,
                "since": hold.since.to_string(),
            })).collect::<Vec<_>>().into()),
        ])
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn low(context: &Context, config: &Config, store: &Store, most: i64) -> End {
    let Some(source) = config.source() else { return Ok(0) };
    let mut low: Vec<(Level, Known)> = store
        .read(|tx| tx.listings(&source.name))?
        .into_iter()
        .filter_map(|known| Some((known.reading?.level, known)))
        .filter(|(level, known)| level.0 <= most && known.listing.managed && known.listing.skus().next().is_some())
        .collect();
    low.sort_by_key(|(level, known)| (*level, known.id));
    let sku = |known: &Known| known.listing.skus().next().map_or_else(String::new, ToString::to_string);
    let row = |(level, known): &(Level, Known)| vec![sku(known), level.to_string(), known.listing.title().to_owned()];
    context.ui.say(&if low.is_empty() {
        format!("Nothing on the source has {most} or fewer.")
    } else {
        context.ui.table(&["sku", "on the source", "title"], low.iter().map(row).collect())
    });
    let all: Vec<Value> = low.iter().map(|(level, known)| json!({ "sku": sku(known), "level": level })).collect();
    context.ui.document("status", 0, Map::from_iter([("low".to_owned(), Value::from(all))]));
    Ok(0)
}

fn history(context: &Context, store: &Store) -> End {
    let runs = store.read(|tx| tx.runs(ENTRIES))?;
    let row = |run: &Run| {
        let exit = run.exit.map_or("-".to_owned(), |exit| exit.to_string());
        let summary = run.summary.clone().unwrap_or_else(|| "did not end".to_owned());
        vec![run.id.0.to_string(), time(run.began), format!("eys {}", run.command), exit, summary]
    };
    context.ui.say(&context.ui.table(&["run", "began", "command", "exit", "did"], runs.iter().map(row).collect()));
    let all: Vec<Value> = runs
        .iter()
        .map(|run| {
            json!({
                "run": run.id.0, "began": run.began.to_string(), "ended": run.ended.map(|at| at.to_string()),
                "command": run.command, "exit": run.exit, "summary": run.summary,
            })
        })
        .collect();
    context.ui.document("status", 0, Map::from_iter([("runs".to_owned(), Value::from(all))]));
    Ok(0)
}

fn one_run(context: &Context, store: &Store, id: i64) -> End {
    let id = crate::domain::RunId(id);
    let (run, entries) = store.read(|tx| Ok((tx.run(id)?, tx.ledger_of_run(id)?)))?;
    let next = Some("`eys status --history` lists the runs".to_owned());
    let run = run.ok_or_else(|| Failure::Usage(format!("there is no run {}", id.0), next))?;
    let mut lines = vec![format!("Run {}: eys {}, {}", run.id.0, run.command, time(run.began))];
    lines.push(format!("  {}", run.summary.as_deref().unwrap_or("did not end")));
    let told = tell(store, &entries)?;
    lines.extend(told.iter().map(|(_, at, who, words)| format!("  {}  {who}  {words}", time(*at))));
    context.ui.say(&lines.join("\n"));
    context.ui.document("status", 0, Map::from_iter([("ledger".to_owned(), ledger_json(&told))]));
    Ok(0)
}

type Told = (i64, Timestamp, String, String);

/// Puts entries of the ledger into words.
fn tell(store: &Store, entries: &[Entry]) -> Result<Vec<Told>, StoreError> {
    store.read(|tx| {
        let mut told = Vec::new();
        for entry in entries {
            let line = entry.movement.line.map(|line| tx.line_by_id(line)).transpose()?.flatten();
            let who = tx
                .known(entry.movement.listing)?
                .map_or_else(String::new, |known| format!("{} {}", known.at.channel, known.name()));
            told.push((entry.id.0, entry.movement.when, who, movement_words(&entry.movement, line.as_ref())));
        }
        Ok(told)
    })
}

fn ledger_json(told: &[Told]) -> Value {
    let entry = |(id, at, who, words): &Told| json!({ "id": id, "at": at.to_string(), "listing": who, "words": words });
    Value::from(told.iter().map(entry).collect::<Vec<_>>())
}

fn one_sku(context: &Context, config: &Config, store: &Store, state: &Path, text: &str) -> End {
    let sku = Sku::new(text).ok_or_else(|| Failure::Usage("the SKU is empty".to_owned(), None))?;
    let bearing = store.read(|tx| tx.listings_by_sku(&sku))?;
    if bearing.is_empty() {
        let next = Some("`eys link` reads the channels and shows every SKU it finds".to_owned());
        return Err(Failure::Usage(format!("no channel has the SKU `{sku}`"), next));
    }
    let seeds: Vec<ListingId> = bearing.iter().map(|known| known.id).collect();
    let components = store.read(|tx| tx.components(&seeds))?;
    let about = about(&components, &seeds);
    let (rows, told_json) = listings(config, store, state, &components, &bearing, &about)?;
    let ids: Vec<ListingId> = about.iter().copied().collect();
    let entries = store.read(|tx| tx.ledger(&ids, ENTRIES))?;
    let told = tell(store, &entries)?;
    let mut parts = vec![format!("{sku}  {}", bearing.first().map_or("", |known| known.listing.title()))];
    parts.push(context.ui.table(&["channel", "listing", "shows", "offered", "status", "because"], rows));
    parts.extend(owing(store, &components, &about)?);
    if !told.is_empty() {
        let lines: Vec<String> =
            told.iter().map(|(_, at, who, words)| format!("{}  {who:<24} {words}", time(*at))).collect();
        parts.push(format!("Its story\n{}", indented(&lines)));
    }
    context.ui.say(&parts.join("\n\n"));
    let body = Map::from_iter([
        ("sku".to_owned(), json!(sku)),
        ("listings".to_owned(), Value::from(told_json)),
        ("ledger".to_owned(), ledger_json(&told)),
    ]);
    context.ui.document("status", 0, body);
    Ok(0)
}

/// Returns the listings that a question about some is about: themselves, what they are made of, and what is made of
/// them. A component has more: whatever shares a part with one of those.
pub(super) fn about(components: &[Component], asked: &[ListingId]) -> BTreeSet<ListingId> {
    let mut about: BTreeSet<ListingId> = asked.iter().copied().collect();
    for target in components.iter().flat_map(|component| &component.targets) {
        let parts = || target.links.iter().flat_map(|link| &link.recipe).map(|part| part.source);
        if asked.contains(&target.known.id) {
            about.extend(parts());
        }
        if parts().any(|part| asked.contains(&part)) {
            about.insert(target.known.id);
        }
    }
    about
}

/// Tells what is sold and not taken off the source yet.
fn owing(store: &Store, components: &[Component], about: &BTreeSet<ListingId>) -> Result<Option<String>, StoreError> {
    let (holds, mut lines) = (store.read(|tx| tx.holds())?, Vec::new());
    let sources = components.iter().flat_map(|component| &component.sources);
    for source in sources.filter(|source| about.contains(&source.known.id)) {
        let destroys = store.read(|tx| tx.waits(source.known.id))? == Some(Doubt::ZeroDestroys);
        for line in &source.owing {
            let units = line.open_units(source.known.id);
            let waits = match source.known.reading {
                _ if source.known.gone.is_some() => "its listing on the source is gone".to_owned(),
                Some(seen) if seen.level.0 <= 0 => "there is none left to take it from".to_owned(),
                _ if destroys => format!("{}: `eys doctor --fix` turns that on", Doubt::ZeroDestroys),
                _ => match asked_for_last_unit(&source.known, &holds) {
                    Some(hold) => format!("it waits for `eys sync --release {}`: it is a last unit", hold.id),
                    None => "the next run takes it off".to_owned(),
                },
            };
            let why =
                line.held.map_or(waits, |held| format!("waits for your word since {}: {}", time(held.since), held.why));
            lines.push(format!("{units} for order {} on {}: {why}", line.order, line.channel));
        }
    }
    Ok((!lines.is_empty()).then(|| format!("Sold and not taken off the source yet\n{}", indented(&lines))))
}

/// Returns the listings of a SKU, the source first, with what each shows and is offered.
fn listings(
    config: &Config,
    store: &Store,
    state: &Path,
    components: &[Component],
    bearing: &[Known],
    about: &BTreeSet<ListingId>,
) -> Result<(Vec<Vec<String>>, Vec<Value>), Failure> {
    let lanes = app::lanes(config, state, Purpose::Look)?;
    let mut channels = BTreeMap::new();
    for lane in &lanes {
        let kept = store.read(|tx| tx.channel(&lane.name))?;
        channels.insert(
            lane.name.clone(),
            ChannelFacts {
                capability: lane.capability().clone(),
                switched_on: config.inventory_sync && lane.inventory_sync,
                zero_stock: lane.zero_stock,
                source_gone: lane.source_gone,
                now: kept.and_then(|kept| kept.complete).unwrap_or(Timestamp::UNIX_EPOCH),
                zero: Zero::of(lane.capability()),
                raises_wait: None,
            },
        );
    }
    let world = World { rules: &config.rules, channels: &channels, source_fresh: true };
    let mut rows = Vec::new();
    let mut all = Vec::new();
    let mut told = BTreeSet::new();
    for component in components {
        for source in component.sources.iter().filter(|source| about.contains(&source.known.id)) {
            told.insert(source.known.id);
            let level = source.known.reading.map_or("?".to_owned(), |seen| seen.level.to_string());
            let claims = crate::domain::offer::claims(source);
            let changes = changes(store, &source.known, &channels)?;
            let because = joined([claimed_words(claims, source.unpaid), changes.words()]);
            rows.push(vec![
                format!("{} (source)", source.known.at.channel),
                source.known.name(),
                level.clone(),
                "-".to_owned(),
                "source".to_owned(),
                because,
            ]);
            all.push(json!({ "channel": source.known.at.channel, "listing": source.known.at.key, "sku": source.known.listing.skus().next(), "role": "source", "level": source.known.reading.map(|seen| seen.level), "claims": claims }));
            changes.note(&mut all);
        }
        for decision in plan(component, &world).into_iter().filter(|decision| about.contains(&decision.target)) {
            let Some(target) = component.targets.iter().find(|target| target.known.id == decision.target) else {
                continue;
            };
            told.insert(decision.target);
            let offered = decision.offer.as_ref().map(|offer| offer.quantity);
            let trail = decision.offer.as_ref().map_or_else(String::new, |offer| offer.trail.join("; "));
            let waits = store.read(|tx| tx.waits(decision.target))?;
            let waits = waits.map_or_else(String::new, |waits| format!("not shown yet: {waits}"));
            let changes = changes(store, &target.known, &channels)?;
            let because = joined([trail, waits, out_of_sight(&target.known), changes.words()]);
            let held: Vec<String> = target.held.iter().map(|(hold, _)| hold.to_string()).collect();
            let status = if held.is_empty() {
                decision.status.to_string()
            } else {
                format!("{} (held: {})", decision.status, held.join(", "))
            };
            rows.push(vec![
                decision.channel.to_string(),
                target.known.name(),
                shown(decision.shown),
                offered.map_or("-".to_owned(), |offered| offered.to_string()),
                status,
                because.clone(),
            ]);
            all.push(json!({ "channel": decision.channel, "listing": target.known.at.key, "sku": target.known.listing.skus().next(), "role": "target", "shows": shown(decision.shown), "offered": offered, "status": decision.status.to_string(), "why": because, "holds": held }));
            changes.note(&mut all);
        }
    }
    for known in bearing.iter().filter(|known| !told.contains(&known.id)) {
        let level = known.reading.map_or("?".to_owned(), |seen| seen.level.to_string());
        let (status, level, why) = match (known.gone, &known.listing.unfit) {
            (Some(_), _) => (Status::Gone, "-".to_owned(), "it is not there any more".to_owned()),
            (None, Some(unfit)) => (Status::NotLinked, level, unfit.clone()),
            (None, None) => (Status::NotLinked, level, "`eys link` ties it".to_owned()),
        };
        let status = status.to_string();
        rows.push(vec![known.at.channel.to_string(), known.name(), level, "-".to_owned(), status.clone(), why]);
        all.push(json!({ "channel": known.at.channel, "listing": known.at.key, "sku": known.listing.skus().next(), "status": status }));
    }
    Ok((rows, all))
}

/// How often a listing was changed within a day, and how often its platform takes that, if it counts (H4).
struct Changed(Option<(i64, Revisions)>);

impl Changed {
    fn words(&self) -> String {
        let Some((made, revisions)) = self.0.filter(|(made, _)| 0 < *made) else { return String::new() };
        let times = if made == 1 { "once".to_owned() } else { format!("{made} times") };
        format!("changed {times} within a day, of at most {}", revisions.most)
    }

    /// Adds it to the last listing of a document.
    fn note(&self, listings: &mut [Value]) {
        if let (Some((made, revisions)), Some(listing)) = (self.0, listings.last_mut()) {
            listing["changes"] = json!({ "made": made, "most": revisions.most });
        }
    }
}

fn changes(
    store: &Store,
    known: &Known,
    channels: &BTreeMap<ChannelName, ChannelFacts>,
) -> Result<Changed, StoreError> {
    let Some(channel) = channels.get(&known.at.channel) else { return Ok(Changed(None)) };
    let Some(revisions) = channel.capability.revisions else { return Ok(Changed(None)) };
    let day_ago = channel.now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
    let made = store.read(|tx| tx.revised(known, day_ago))?.made;
    Ok(Changed(Some((made, revisions))))
}

/// Tells whether eys took a listing out of sight, and when it comes back (Z1).
fn out_of_sight(known: &Known) -> String {
    let how = known.hidden.as_ref().map(|hidden| if hidden.ended { "ended" } else { "hidden" });
    how.map_or_else(String::new, |how| format!("{how} by eys, until there is stock for it"))
}

fn joined<const N: usize>(reasons: [String; N]) -> String {
    reasons.into_iter().filter(|reason| !reason.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Tells in words what is spoken for on the source, and how much of it is not paid yet.
fn claimed_words(claims: i64, unpaid: i64) -> String {
    let sold = (claims > unpaid).then(|| format!("{} sold and not taken off yet", claims - unpaid));
    let bought = (unpaid > 0).then(|| format!("{unpaid} bought and not paid yet"));
    sold.into_iter().chain(bought).collect::<Vec<_>>().join(", ")
}

fn shown(shown: Shown) -> String {
    match shown {
        Shown::Exactly(level) => level.to_string(),
        Shown::AtMost { most: level, .. } => format!("at most {level}"),
        Shown::AtLeast(_) | Shown::Unknown => "unknown".to_owned(),
    }
}

fn html(context: &Context, overview: &Overview, (problems, limits): (&[Trouble], &[Trouble]), file: &Path) -> End {
    let page = maud::html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "eys status" }
                style { "body{font:16px system-ui;margin:2rem;max-width:60rem}td,th{padding:.3rem 1rem;text-align:left}" }
            }
            body {
                h1 { "Where everything stands" }
                @if let Some(run) = &overview.last { p { "Last run " (run.id.0) ", " (time(run.began)) } }
                table {
                    tr { th { "Channel" } th { "Role" } th { "Linked" } th { "With stock" } th { "Last complete" } }
                    @for (channel, counts, _) in &overview.channels {
                        tr {
                            td { (channel.name.as_str()) }
                            td { (if channel.role == Role::Source { "source" } else { "target" }) }
                            td { (counts.linked) }
                            td { (counts.showing) }
                            td { (channel.complete.map_or("never".to_owned(), time)) }
                        }
                    }
                }
                h2 { "To look at" }
                @if problems.is_empty() { p { "Nothing is wrong and nothing waits." } }
                ul { @for problem in problems { li { (trouble_text(problem)) } } }
                @if !limits.is_empty() {
                    h2 { "Limited for now" }
                    ul { @for limit in limits { li { (trouble_text(limit)) } } }
                }
            }
        }
    };
    std::fs::write(file, page.into_string())
        .map_err(|error| Failure::Other(format!("{}: {error}", file.display()), None))?;
    context.ui.say(&format!("Wrote {}.", file.display()));
    context.ui.document("status", 0, Map::from_iter([("path".to_owned(), json!(file))]));
    Ok(0)
}
