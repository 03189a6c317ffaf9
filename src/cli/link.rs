//! `eys link`: what belongs together is shown, and only what the owner accepts is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Context, End, lock, named};
use crate::app::{self, Purpose};
use crate::channel::printable;
use crate::config::Config;
use crate::domain::matching::{Alone, Likeness, Reason, Relisted};
use crate::domain::{ChannelName, Role, Sku};
use crate::engine::linking::{self, Exported, FirstPush, HandTie, LinkPlan, survey};
use crate::engine::whose::look_for_others;
use crate::engine::{Inheritance, Progress, Quiet, Relisting, source};
use crate::store::{Credentials, Store};
use crate::ui::{Bars, Failure, count, trouble_text};

/// The most listings of one reason on the screen.
const MOST: usize = 8;
/// The header of an export.
const HEADER: [&str; 6] = ["channel", "listing", "sku", "source_listing", "source_sku", "units"];

/// Tie listings to the source by SKU
#[derive(Args)]
pub(super) struct LinkArgs {
    /// Store what is shown, without asking
    #[arg(long)]
    yes: bool,
    /// Take the proposals too: near matches, relisted goods
    #[arg(long)]
    accept: bool,
    /// By hand: the SKU on the source
    #[arg(long, value_name = "SKU", requires_all = ["channel", "to"])]
    sku: Option<String>,
    /// By hand: the channel of the listing
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// By hand: the listing on it, its key or its SKU
    #[arg(long, value_name = "LISTING", requires = "channel")]
    to: Option<String>,
    /// By hand: how many of the source SKU are in one of the listing, as in a six-pack
    #[arg(long, value_name = "N", default_value_t = 1, requires = "sku")]
    units: i64,
    /// By hand: a part of a kit, SKU=UNITS [repeat for more]
    #[arg(long, value_name = "SKU=UNITS", requires_all = ["channel", "to"], conflicts_with = "sku")]
    part: Vec<String>,
    /// Untie a listing: CHANNEL/LISTING or CHANNEL/SKU; or all of a channel: CHANNEL
    #[arg(long, value_name = "LISTING")]
    remove: Option<String>,
    /// Write all links to a CSV file
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Open the links of such a file, with a new baseline
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// Give a channel another name, after it got that name in channels.toml
    #[arg(long, value_names = ["OLD", "NEW"], num_args = 2)]
    rename_channel: Option<Vec<String>>,
}

pub(super) async fn link(context: &Context, args: &LinkArgs) -> End {
    let config = context.places.read()?;
    let state = context.places.state(Some(&config));
    if let Some(file) = &args.export {
        return export(context, &state, file);
    }
    if let Some(names) = &args.rename_channel {
        return rename(context, &config, &state, names).await;
    }
    if let Some(listing) = &args.remove {
        return remove(context, &state, listing).await;
    }
    config.check_secrets()?;
    let plan = read_all(context, &config, &state).await?;
    if let Some(file) = &args.import {
        return import(context, &config, &state, &plan, file).await;
    }
    if args.channel.is_some() {
        return by_hand(context, args, &config, &state, &plan).await;
    }
    by_sku(context, args, &config, &state, plan).await
}

/// Opens the state to tie listings to the source that channels.toml names.
async fn open(config: &Config, state: &Path) -> Result<Store, Failure> {
    let mut store = Store::open(state)?;
    source::change(&app::lanes(config, state, Purpose::Look)?, &mut store, Timestamp::now()).await?;
    Ok(store)
}

/// Tells of another state that wrote to the source before this one ever did: the first run waits for a word about it.
async fn tell_of_others(context: &Context, config: &Config, store: &mut Store, state: &Path) -> Result<(), Failure> {
    let lanes = app::lanes(config, state, Purpose::Look)?;
    let around = app::surroundings(Arc::new(Quiet));
    let found = look_for_others(&lanes, store, &(around.new_key)(), Timestamp::now()).await?;
    if let Some(found) = found {
        context.ui.note(&format!("\n{}", trouble_text(&found)));
    }
    Ok(())
}

async fn read_all(context: &Context, config: &Config, state: &Path) -> Result<LinkPlan, Failure> {
    let lanes = app::lanes(config, state, Purpose::Look)?;
    let bars = Arc::new(Bars::default());
    let shows = context.ui.terminal && !context.ui.look.quiet && !context.ui.look.json;
    let progress: Arc<dyn Progress> = if shows { bars.clone() } else { Arc::new(Quiet) };
    let mut store = Store::snapshot(state)?;
    // With another source, what was tied is tied anew.
    source::change(&lanes, &mut store, Timestamp::now()).await?;
    let surveyed = survey(&lanes, &store, &app::clock(), &progress).await;
    bars.clear();
    Ok(LinkPlan::new(surveyed?, &store)?)
}

async fn by_sku(context: &Context, args: &LinkArgs, config: &Config, state: &Path, mut plan: LinkPlan) -> End {
    if args.accept {
        plan.accept_proposals();
    }
    let ui = &context.ui;
    ui.say(&screen(context, &plan));
    let failed = plan.surveyed.iter().any(|surveyed| surveyed.found.is_err());
    let to_open = plan.to_open();
    let linked_before = plan.matching.linked > 0 || !plan.relistings.is_empty();
    let wanted = to_open > 0 || !linked_before;
    let accepted = args.yes || (wanted && ui.ask(&format!("Store {}?", links(to_open))));
    let exit = match (failed, accepted) {
        (true, _) => 1,
        (false, true) => 0,
        (false, false) if !wanted => 0,
        (false, false) => 4,
    };
    if accepted {
        let _lock = lock(context, state).await?;
        let mut store = open(config, state).await?;
        plan.store(&mut store, &context.line, Timestamp::now())?;
        tell_of_others(context, config, &mut store, state).await?;
        ui.note(&format!("\nStored {}. Nothing was written to any channel.", links(to_open)));
        ui.note(&next(&plan));
    } else if exit == 4 {
        let again = if args.accept { "eys link --accept --yes" } else { "eys link --yes" };
        ui.note(&format!("\nNothing was stored. `{again}` stores it."));
    } else if failed {
        ui.note(&format!("\nNothing was stored.\n{}", next(&plan)));
    }
    ui.document("link", exit, document(&plan, accepted));
    Ok(exit)
}

/// Tells what to do once links are stored: what keeps a channel from being read comes before the first run.
fn next(plan: &LinkPlan) -> String {
    let mend = |surveyed: &linking::Surveyed| {
        let error = surveyed.found.as_ref().err()?;
        let mend = error.next.as_deref().unwrap_or("`eys doctor` says what is wrong");
        Some(format!("Next: {} could not be read: {mend}. Then `eys link` again.", surveyed.channel))
    };
    let mends: Vec<String> = plan.surveyed.iter().filter_map(mend).collect();
    if mends.is_empty() {
        return "Next: `eys sync --dry-run` shows the first run, `eys sync --yes` makes it.".to_owned();
    }
    mends.join("\n")
}

fn links(number: usize) -> String {
    count(number, "link", "links")
}

fn screen(context: &Context, plan: &LinkPlan) -> String {
    let mut parts = vec![channels(context, plan)];
    let pushes = plan.first_pushes();
    if !pushes.is_empty() {
        parts.push(tied(context, plan, &pushes));
    }
    if plan.matching.linked > 0 {
        parts.push(format!("{} linked already.", count(plan.matching.linked, "SKU is", "SKUs are")));
    }
    parts.extend(proposals(plan));
    parts.extend(relistings(plan));
    parts.extend(alone(plan));
    parts.extend(baseline(plan));
    parts.join("\n\n")
}

fn channels(context: &Context, plan: &LinkPlan) -> String {
    let row = |surveyed: &linking::Surveyed| {
        let (role, found) = (role(surveyed.role), &surveyed.found);
        let (account, listings) = match found {
            Ok(found) => (found.account.label.clone(), found.listings.len().to_string()),
            Err(error) => (format!("could not be read: {error}"), "-".to_owned()),
        };
        vec![surveyed.channel.to_string(), role.to_owned(), surveyed.kind.to_owned(), listings, account]
    };
    context.ui.table(&["channel", "role", "kind", "listings", "account"], plan.surveyed.iter().map(row).collect())
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Target => "target",
    }
}

/// Draws what is tied, the listings that the first push would change first.
fn tied(context: &Context, plan: &LinkPlan, pushes: &[FirstPush]) -> String {
    let mut sorted: Vec<&FirstPush> = pushes.iter().collect();
    sorted.sort_by_key(|push| (!push.moves(), &push.tie));
    let row = |push: &&FirstPush| {
        let title = plan.listing(&push.tie.channel, &push.tie.target).map_or("", |listing| listing.title());
        let shows = push.from.map_or("?".to_owned(), |level| level.to_string());
        let first = match push.to {
            Some(to) if push.moves() => format!("{shows} → {to}"),
            _ => shows,
        };
        vec![push.tie.sku.to_string(), push.tie.channel.to_string(), title.to_owned(), first]
    };
    let rows: Vec<_> = sorted.iter().take(40).map(row).collect();
    let more = if sorted.len() > 40 {
        format!("\n… and {} more (--json has all)", sorted.len() - 40)
    } else {
        String::new()
    };
    let moves = pushes.iter().filter(|push| push.moves()).count();
    format!(
        "Belong together: {}, of which the first push would change {moves}\n{}{more}",
        links(pushes.len()),
        context.ui.table(&["sku", "on", "title", "shows"], rows)
    )
}

fn proposals(plan: &LinkPlan) -> Option<String> {
    let all = &plan.matching.proposals;
    let line = |proposal: &crate::domain::matching::Proposal| {
        let sku = proposal.sku.as_ref().map_or("(no SKU)", Sku::as_str);
        let why = match proposal.why {
            Likeness::Spelling => "spelt nearly the same",
            Likeness::Barcode => "the same barcode",
        };
        printable(&format!("{} on {} — {} on the source: {why}", sku, proposal.channel, proposal.source_sku), 160)
    };
    let lines = shortened(all.iter().map(line).collect());
    (!all.is_empty()).then(|| {
        let heading = count(all.len(), "near match is only proposed", "near matches are only proposed");
        format!("{heading}; `eys link --accept` takes them\n{lines}")
    })
}

fn relistings(plan: &LinkPlan) -> Option<String> {
    let all = &plan.relistings;
    let line = |relisting: &Relisting| {
        let Relisted { channel, listing, sku, gone } = &relisting.relisted;
        let what = format!("{sku} on {channel} — {listing} in the place of {gone}, which is gone");
        let inherits = match &relisting.inherits {
            Inheritance::Link(link, recipe) => {
                let recipe: Vec<String> = recipe.iter().map(|(sku, units)| format!("{units} × {sku}")).collect();
                let since = link.active.strftime("%Y-%m-%d %H:%M");
                format!("{}, counted since {since}", recipe.join(" + "))
            }
            Inheritance::Followers(followers) => {
                let names: Vec<String> =
                    followers.iter().map(|(channel, name)| format!("{name} on {channel}")).collect();
                format!("followed by {}", names.join(", "))
            }
        };
        let waits = relisting.waits().map_or_else(String::new, |waits| format!("; {waits}"));
        printable(&format!("{what}: {inherits}{waits}"), 200)
    };
    let lines = shortened(all.iter().map(line).collect());
    (!all.is_empty()).then(|| {
        let heading = if all.iter().all(|relisting| relisting.accepted) {
            count(
                all.len(),
                "relisted listing takes an old one's place",
                "relisted listings take the places of old ones",
            )
        } else {
            count(all.len(), "relisted listing is only proposed", "relisted listings are only proposed")
                + "; `eys link --accept` takes them"
        };
        format!("{heading}\n{lines}")
    })
}

fn alone(plan: &LinkPlan) -> Option<String> {
    let mut groups = BTreeMap::<(&ChannelName, String), Vec<&Alone>>::new();
    for alone in &plan.matching.alone {
        groups.entry((&alone.channel, reason(&alone.reason))).or_default().push(alone);
    }
    let group = |((channel, reason), listings): (&(&ChannelName, String), &Vec<&Alone>)| {
        let line = |alone: &&Alone| {
            let sku = alone.sku.as_ref().map_or_else(|| alone.key.to_string(), ToString::to_string);
            let title = Some(&alone.title).filter(|title| **title != sku).map_or("", String::as_str);
            printable(&format!("{sku}  {title}"), 120)
        };
        format!("  {channel}: {} — {reason}\n{}", listings.len(), shortened(listings.iter().map(line).collect()))
    };
    let text: Vec<String> = groups.iter().map(group).collect();
    (!text.is_empty()).then(|| format!("Take no part\n{}", text.join("\n")))
}

pub(super) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::SkuMissing => {
            "sku missing: fill it in on the channel (`eys doctor --propose-skus FILE` makes proposals)".to_owned()
        }
        Reason::DuplicateHere => "duplicate sku: several listings of this channel bear it".to_owned(),
        Reason::DuplicateOnSource => "duplicate sku: several listings of the source bear it".to_owned(),
        Reason::NotOnSource => "not on the source: no listing there has this SKU".to_owned(),
        Reason::NotListed => "not listed: it is on the source, and no other channel has it".to_owned(),
        Reason::Unfit(why) => why.clone(),
    }
}

fn baseline(plan: &LinkPlan) -> Option<String> {
    let orders = plan.baseline();
    let line =
        |(channel, order): &(&ChannelName, &crate::domain::OrderFact)| format!("order {} on {channel}", order.order);
    let lines = shortened(orders.iter().map(line).collect());
    (!orders.is_empty()).then(|| {
        let heading = count(
            orders.len(),
            "order is not finished yet; what it took is",
            "orders are not finished yet; what they took is",
        );
        format!("{heading} not taken off the source again\n{lines}")
    })
}

fn shortened(lines: Vec<String>) -> String {
    let all = lines.len();
    let mut lines: Vec<String> = lines.into_iter().take(MOST).map(|line| format!("      {line}")).collect();
    if all > MOST {
        lines.push(format!("      … and {} more (--json has all)", all - MOST));
    }
    lines.join("\n")
}

fn document(plan: &LinkPlan, stored: bool) -> Map<String, Value> {
    let body = json!({
        "stored": stored,
        "channels": plan.surveyed.iter().map(|surveyed| json!({
            "channel": surveyed.channel,
            "role": surveyed.role,
            "listings": surveyed.found.as_ref().ok().map(|found| found.listings.len()),
            "account": surveyed.found.as_ref().ok().map(|found| found.account.identity.clone()),
            "error": surveyed.found.as_ref().err().map(ToString::to_string),
        })).collect::<Vec<_>>(),
        "links": plan.first_pushes().iter().map(|push| json!({
            "channel": push.tie.channel,
            "listing": push.tie.target,
            "sku": push.tie.sku,
            "source": push.tie.source,
            "shows": push.from,
            "first_push": push.to,
        })).collect::<Vec<_>>(),
        "linked_already": plan.matching.linked,
        "proposals": plan.matching.proposals.iter().map(|proposal| json!({
            "channel": proposal.channel,
            "listing": proposal.target,
            "sku": proposal.sku,
            "source": proposal.source,
            "source_sku": proposal.source_sku,
            "why": match proposal.why { Likeness::Spelling => "spelling", Likeness::Barcode => "barcode" },
        })).collect::<Vec<_>>(),
        "relisted": plan.relistings.iter().map(|relisting| json!({
            "channel": relisting.relisted.channel,
            "listing": relisting.relisted.listing,
            "sku": relisting.relisted.sku,
            "in_place_of": relisting.relisted.gone,
            "recipe": match &relisting.inherits {
                Inheritance::Link(_, recipe) => recipe.as_slice(),
                Inheritance::Followers(_) => &[],
            }.iter().map(|(sku, units)| json!({ "sku": sku, "units": units })).collect::<Vec<_>>(),
            "active": match &relisting.inherits {
                Inheritance::Link(link, _) => Some(link.active),
                Inheritance::Followers(_) => None,
            },
            "followed_by": match &relisting.inherits {
                Inheritance::Link(..) => &[],
                Inheritance::Followers(followers) => followers.as_slice(),
            }.iter().map(|(channel, name)| json!({ "channel": channel, "sku": name })).collect::<Vec<_>>(),
            "sales_waiting": relisting.waiting,
            "accepted": relisting.accepted,
        })).collect::<Vec<_>>(),
        "alone": plan.matching.alone.iter().map(|alone| json!({
            "channel": alone.channel,
            "listing": alone.key,
            "sku": alone.sku,
            "title": alone.title,
            "reason": reason(&alone.reason),
        })).collect::<Vec<_>>(),
        "baseline": plan.baseline().iter().map(|(channel, order)| json!({
            "channel": channel, "order": order.order,
        })).collect::<Vec<_>>(),
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

fn channel(text: &str) -> Result<ChannelName, Failure> {
    ChannelName::new(text).ok_or_else(|| Failure::Usage(format!("`{text}` is no channel"), None))
}

async fn by_hand(context: &Context, args: &LinkArgs, config: &Config, state: &Path, plan: &LinkPlan) -> End {
    let (Some(name), Some(to)) = (&args.channel, &args.to) else {
        return Err(Failure::Usage("a tie by hand needs --channel and --to".to_owned(), None));
    };
    if args.sku.is_none() && args.part.is_empty() {
        let next = Some("say what it is made of: --sku SKU, or --part SKU=UNITS for each part of a kit".to_owned());
        return Err(Failure::Usage(format!("a tie by hand of {to} needs a SKU of the source"), next));
    }
    let part = |text: &str, units: i64| {
        Sku::new(text).map(|sku| (sku, units)).ok_or_else(|| Failure::Usage("a SKU is empty".to_owned(), None))
    };
    let mut parts = Vec::new();
    for text in &args.part {
        let (sku, units) = text.rsplit_once('=').unwrap_or((text, "1"));
        let units = units.parse().map_err(|_| Failure::Usage(format!("`{text}` is not SKU=UNITS"), None))?;
        parts.push(part(sku, units)?);
    }
    if let Some(sku) = &args.sku {
        parts.push(part(sku, args.units)?);
    }
    let channel = named(config, name)?.name.clone();
    let described: Vec<String> = parts.iter().map(|(sku, units)| format!("{units} × {sku}")).collect();
    context.ui.say(&format!("{to} on {name} is made of {}", described.join(" + ")));
    if !args.yes && !context.ui.ask("Store this link?") {
        context.ui.note("Nothing was stored. `--yes` stores it.");
        context.ui.document("link", 4, Map::from_iter([("stored".to_owned(), Value::from(false))]));
        return Ok(4);
    }
    let source = source(config)?;
    let tie = HandTie { channel, target: to.clone(), sku: None, parts };
    let _lock = lock(context, state).await?;
    let mut store = open(config, state).await?;
    plan.store_listings_only(&mut store)?;
    linking::tie_by_hand(&mut store, &source, &tie, &context.line, plan.active(&tie.channel))?;
    tell_of_others(context, config, &mut store, state).await?;
    context.ui.note("Stored 1 link.");
    context.ui.document("link", 0, Map::from_iter([("stored".to_owned(), Value::from(true))]));
    Ok(0)
}

fn source(config: &Config) -> Result<ChannelName, Failure> {
    let source = config.source().map(|source| source.name.clone());
    source.ok_or_else(|| Failure::Other("there is no source".to_owned(), None))
}

async fn remove(context: &Context, state: &Path, listing: &str) -> End {
    let _lock = lock(context, state).await?;
    let mut store = Store::open(state)?;
    let (what, closed) = if let Some((name, listing)) = listing.split_once('/') {
        let closed = linking::remove(&mut store, &channel(name)?, listing, &context.line, Timestamp::now())?;
        (format!("{listing} on {name}"), closed)
    } else {
        let name = channel(listing)?;
        if store.read(|tx| tx.channel(&name))?.is_none() {
            let next = Some("name a channel, or a listing of it as CHANNEL/LISTING".to_owned());
            return Err(Failure::Usage(format!("nothing is known of a channel `{name}`"), next));
        }
        let closed = linking::remove_all(&mut store, &name, &context.line, Timestamp::now())?;
        (format!("all listings on {name}"), closed)
    };
    context.ui.say(&format!("Untied {what} ({}). What was sold stays settled.", links(closed)));
    context.ui.document("link", 0, Map::from_iter([("removed".to_owned(), Value::from(closed))]));
    Ok(0)
}

async fn rename(context: &Context, config: &Config, state: &Path, names: &[String]) -> End {
    let [old, new] = names else { return Err(Failure::Usage("it takes OLD and NEW".to_owned(), None)) };
    let (old, new) = (channel(old)?, named(config, new)?.name.clone());
    if old == new {
        let next = Some("OLD is the name that it had, NEW the one that it has in channels.toml now".to_owned());
        return Err(Failure::Usage(format!("`{old}` is OLD and NEW"), next));
    }
    let _lock = lock(context, state).await?;
    let mut store = Store::open(state)?;
    if store.read(|tx| tx.channel(&old))?.is_none() {
        let next =
            Some("OLD is the name that it had when it was linked; `eys status --history` tells of it".to_owned());
        return Err(Failure::Usage(format!("nothing is known of a channel `{old}`"), next));
    }
    let mut consent = false;
    let renamed = store.transaction(|tx| {
        // A run under the new name may have read the channel already; without links and sales, nothing is lost of it.
        let free = tx.channel(&new)?.is_none() || tx.forget_unused(&new)?;
        if free {
            tx.rename_channel(&old, &new)?;
            // Before the state is: whoever is interrupted in between does it once more.
            consent = Credentials::of(state).rename(&old, &new)?;
        }
        Ok(free)
    })?;
    if !renamed {
        let next = Some("give it a third name in channels.toml, and rename it to that".to_owned());
        return Err(Failure::Usage(format!("`{new}` has links or sales of its own in the state already"), next));
    }
    let consent = if consent { ", and so does the consent of its owner" } else { "" };
    context.ui.say(&format!("{old} is {new} from now on; its links and its history go with it{consent}."));
    context.ui.document("link", 0, Map::new());
    Ok(0)
}

fn export(context: &Context, state: &Path, file: &Path) -> End {
    let store = Store::snapshot(state)?;
    let rows = linking::export(&store)?;
    let failed = |error: &dyn std::fmt::Display| Failure::Other(format!("{}: {error}", file.display()), None);
    let ours = |old: String| old.lines().next().is_none_or(|first| first == HEADER.join(","));
    if file.exists() && !std::fs::read_to_string(file).is_ok_and(ours) {
        let next = Some("name a new file, or an earlier export".to_owned());
        return Err(Failure::Usage(format!("{} is there already and is no export", file.display()), next));
    }
    let mut writer = csv::Writer::from_path(file).map_err(|error| failed(&error))?;
    writer.write_record(HEADER).map_err(|error| failed(&error))?;
    for row in &rows {
        writer.write_record(row).map_err(|error| failed(&error))?;
    }
    writer.flush().map_err(|error| failed(&error))?;
    // A kit is one link with a row for each part.
    let exported = rows.iter().map(|row| &row[..3]).collect::<BTreeSet<_>>().len();
    context.ui.say(&format!("Wrote {} to {}.", links(exported), file.display()));
    context.ui.document("link", 0, Map::from_iter([("exported".to_owned(), Value::from(exported))]));
    Ok(0)
}

async fn import(context: &Context, config: &Config, state: &Path, plan: &LinkPlan, file: &Path) -> End {
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", file.display()), None);
    let mut reader = csv::Reader::from_path(file).map_err(|error| wrong(error.to_string()))?;
    let header = reader.headers().map_err(|error| wrong(error.to_string()))?;
    if header.iter().ne(HEADER) {
        return Err(wrong(format!("its first line must be {}", HEADER.join(","))));
    }
    let rows: Result<Vec<Exported>, csv::Error> = reader.deserialize().collect();
    let rows = rows.map_err(|error| wrong(error.to_string()))?;
    let _lock = lock(context, state).await?;
    let mut store = open(config, state).await?;
    plan.store_listings_only(&mut store)?;
    let opened = linking::import(&mut store, &source(config)?, &rows, plan, &context.line, Timestamp::now())?;
    tell_of_others(context, config, &mut store, state).await?;
    context.ui.say(&format!("Opened {}; nothing that was sold before counts.", links(opened)));
    context.ui.document("link", 0, Map::from_iter([("imported".to_owned(), Value::from(opened))]));
    Ok(0)
}
