//! The checkup behind `doctor`: what the channels say of themselves, and what the listings say of each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::holding::another_app;
use super::lane::Lane;
use super::linking::{Findings, LinkPlan, Surveyed, survey};
use super::report::{Progress, Trouble};
use super::standing::{
    RUNS, Watch, ending, ending_words, held_lines, how_to_release, intents, limited, not_lowered, owing_lines, pace_of,
    refused, removed, silent, spared,
};
use super::{Clock, Settings, source};
use crate::channel::{Mend, Weight};
use crate::domain::matching::{Reason, Relisted};
use crate::domain::pace::ends_soon;
use crate::domain::status::Status;
use crate::domain::turn::{SCAN_AGE, calls_a_day, scan_age, spent_a_day};
use crate::domain::{
    ChannelName, HoldWhy, Known, Listing, ListingId, ListingKey, ListingRef, ListingState, Role, Shown, Sku, ZeroKept,
};
use crate::store::{Store, StoreError};

/// What a finding is about, in the order of a seller's own check list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Whether listings are on sale.
    ProductStatus,
    /// Whether SKUs are there and match.
    SkuMatch,
    /// Whether anything is switched off or held.
    SyncSettings,
    /// What happens at zero.
    DelistSettings,
    /// Whether the platforms keep count of the stock.
    StockSettings,
    /// Whether the channels can be used.
    Account,
    /// What the state remembers.
    State,
}

impl Topic {
    /// All topics, in their order.
    pub const ALL: [Self; 7] = [
        Self::ProductStatus,
        Self::SkuMatch,
        Self::SyncSettings,
        Self::DelistSettings,
        Self::StockSettings,
        Self::Account,
        Self::State,
    ];

    /// Returns its heading.
    pub fn words(self) -> &'static str {
        match self {
            Self::ProductStatus => "Product status",
            Self::SkuMatch => "SKU match",
            Self::SyncSettings => "Sync settings",
            Self::DelistSettings => "Delist settings",
            Self::StockSettings => "Platform stock settings",
            Self::Account => "Accounts, permissions, limits",
            Self::State => "State",
        }
    }
}

/// The code by which any kind of channel tells that it counts no stock at all, whatever its listings say.
const COUNTS_NOTHING: &str = "stock-management-off";

/// The code of what is there and not for sale.
const NOT_ON_SALE: &str = "not-on-sale";

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its stable code.
    pub code: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// How much it matters.
    pub weight: Weight,
    /// The channel.
    pub channel: Option<ChannelName>,
    /// The listing.
    pub listing: Option<ListingKey>,
    /// Its SKU.
    pub sku: Option<Sku>,
    /// What was found.
    pub message: String,
    /// What to do next.
    pub next: Option<String>,
    /// How it can be mended by command.
    pub mend: Option<Mend>,
}

impl Finding {
    /// Makes one of what a run would tell as well.
    fn told(trouble: Trouble, topic: Topic, weight: Weight) -> Self {
        let Trouble { code, channel, listing, message, next, .. } = trouble;
        let message = listing.map_or_else(|| message.clone(), |listing| format!("{listing}: {message}"));
        Self { code, topic, weight, channel, listing: None, sku: None, message, next, mend: None }
    }
}

/// What a checkup found.
#[derive(Debug, Default)]
pub struct Checkup {
    /// The findings, by topic, code and channel.
    pub findings: Vec<Finding>,
    /// All listings that were found, as far as they are known.
    pub listings: Vec<Known>,
}

/// Looks at everything. Offline, only at what the state remembers.
pub async fn examine(
    lanes: &[Lane],
    store: &Store,
    settings: &Settings,
    clock: &Clock,
    progress: &Arc<dyn Progress>,
    offline: bool,
) -> Result<Checkup, StoreError> {
    let mut checkup = Checkup::default();
    let surveyed = if offline { Vec::new() } else { survey(lanes, store, clock, progress).await? };
    for (lane, surveyed) in lanes.iter().zip(&surveyed) {
        look_at_channel(lane, surveyed, clock(), &mut checkup).await;
    }
    let pace = pace_of(&store.read(|tx| tx.syncs(RUNS))?, settings.every);
    for (lane, surveyed) in lanes.iter().zip(&surveyed) {
        if let Ok(found) = &surveyed.found {
            checkup.findings.extend(how_often(lane, found, pace));
            let known = found.listings.iter().map(|listing| as_known(lane, listing));
            checkup.listings.extend(known);
        }
    }
    if offline {
        for lane in lanes {
            checkup.listings.extend(store.read(|tx| tx.listings(&lane.name))?);
        }
    } else {
        let plan = LinkPlan::new(surveyed, store)?;
        look_at_skus(&plan, &mut checkup);
        if let Some(refused) = source::refused(lanes, store).await? {
            // `eys link` is refused as well.
            checkup.findings.retain(|finding| finding.code != "not-linked");
            checkup.findings.push(Finding::told(refused, Topic::State, Weight::Problem));
        }
    }
    let linked = linked(store)?;
    let hidden = hidden(lanes, store)?;
    for known in &checkup.listings {
        look_at_listing(lanes, known, linked.contains(&known.at), &mut checkup.findings);
    }
    // What eys itself took out of sight comes back by itself.
    let is_ours = |finding: &Finding| {
        let at = finding.channel.clone().zip(finding.listing.clone());
        finding.code == NOT_ON_SALE && at.is_some_and(|at| hidden.contains(&at))
    };
    checkup.findings.retain(|finding| !is_ours(finding));
    name_once(&mut checkup.findings);
    look_at_settings(lanes, settings, &mut checkup);
    look_at_state(lanes, store, &mut checkup)?;
    let watch = Watch { now: clock(), every: settings.every };
    look_at_silence(lanes, store, watch, &mut checkup)?;
    checkup.findings.sort_by(|a, b| {
        (a.topic, a.weight != Weight::Problem, a.code, &a.channel).cmp(&(
            b.topic,
            b.weight != Weight::Problem,
            b.code,
            &b.channel,
        ))
    });
    Ok(checkup)
}

async fn look_at_channel(lane: &Lane, surveyed: &Surveyed, now: Timestamp, checkup: &mut Checkup) {
    let about = |code, weight, message: String, next| Finding {
        code,
        topic: Topic::Account,
        weight,
        channel: Some(lane.name.clone()),
        listing: None,
        sku: None,
        message,
        next,
        mend: None,
    };
    if let Err(error) = &surveyed.found {
        checkup.findings.push(about("channel-unusable", Weight::Problem, error.to_string(), error.next.clone()));
    }
    match lane.channel.probe().await {
        Ok(probes) => {
            let ends: Vec<Timestamp> = probes.iter().filter_map(|probe| probe.ends).collect();
            checkup.findings.extend(probes.into_iter().map(|probe| Finding {
                topic: if probe.code == COUNTS_NOTHING { Topic::StockSettings } else { Topic::Account },
                listing: probe.listing,
                mend: probe.mend,
                ..about(probe.code, probe.weight, probe.message, probe.next)
            }));
            checkup.findings.extend(ends.into_iter().filter(|ends| ends_soon(*ends, now)).map(|ends| {
                let (message, next) = ending_words(&lane.name, ends);
                about("credentials-end", Weight::Problem, message, Some(next))
            }));
        }
        Err(_) if surveyed.found.is_err() => {}
        Err(error) => checkup.findings.push(about("channel-unusable", Weight::Problem, error.to_string(), error.next)),
    }
}

/// Tells how often a source is read in full that tells of no change by itself, and what that takes of its platform's calls:
/// so long may pass until what its owner changes there shows elsewhere (Y4).
fn how_often(lane: &Lane, found: &Findings, pace: SignedDuration) -> Option<Finding> {
    let apart = scan_age(found.calls, found.quota, pace);
    let rare = apart == SCAN_AGE;
    let (spent, most) = (spent_a_day(found.calls, apart), calls_a_day(found.quota));
    lane.tells_nothing().then(|| Finding {
        code: "readings",
        topic: Topic::Account,
        weight: if rare { Weight::Note } else { Weight::Fine },
        channel: Some(lane.name.clone()),
        listing: None,
        sku: None,
        message: format!(
            "as the source it is read in full {}, {} {} each time: {spent} of the {most} calls of a day",
            every(apart),
            found.calls,
            if found.calls == 1 { "call" } else { "calls" },
        ),
        next: rare.then(|| {
            "what you change there shows elsewhere no sooner; a slower `every` needs fewer calls for orders".to_owned()
        }),
        mend: None,
    })
}

/// Says how far apart, and rather too far than too near.
fn every(apart: SignedDuration) -> String {
    let minutes = apart.as_secs().unsigned_abs().div_ceil(60);
    match minutes {
        0 | 1 => "every minute".to_owned(),
        2..120 => format!("every {minutes} minutes"),
        _ if apart == SCAN_AGE => "once a day".to_owned(),
        _ => format!("every {} hours", minutes.div_ceil(60)),
    }
}

/// Where a channel counts nothing at all, leaves out that it does not count this listing and that one.
fn name_once(findings: &mut Vec<Finding>) {
    let of_all = findings.iter().filter(|finding| finding.code == COUNTS_NOTHING);
    let of_all: BTreeSet<_> = of_all.map(|finding| finding.channel.clone()).collect();
    findings.retain(|finding| finding.code != "stock-not-managed" || !of_all.contains(&finding.channel));
}

fn as_known(lane: &Lane, listing: &Listing) -> Known {
    Known {
        id: ListingId(0),
        at: ListingRef { channel: lane.name.clone(), key: listing.key.clone() },
        listing: listing.clone(),
        reading: None,
        numberless: None,
        gone: None,
        shown: Shown::Unknown,
        pushed: None,
        fitted: None,
        ruled_anew: false,
        counted: None,
        ceiling: None,
        refusal: None,
        hidden: None,
        owners_change: None,
        duplicate: false,
        sold: 0,
    }
}

fn linked(store: &Store) -> Result<BTreeSet<ListingRef>, StoreError> {
    store.read(|tx| {
        let mut linked = BTreeSet::new();
        for link in tx.open_links()? {
            let sources = link.recipe.iter().map(|part| part.source);
            for id in sources.chain([link.listing]) {
                linked.extend(tx.known(id)?.map(|known| known.at));
            }
        }
        Ok(linked)
    })
}

/// Returns the listings that are out of sight since they have nothing left: targets that eys hid, and those of a source
/// whose platform keeps none at 0 (Z1, Z2). One that its owner took off with a last unit in it looks like these, and is told.
fn hidden(lanes: &[Lane], store: &Store) -> Result<BTreeSet<(ChannelName, ListingKey)>, StoreError> {
    let mut hidden = BTreeSet::new();
    for lane in lanes {
        let by_us = store.read(|tx| tx.hidden(&lane.name))?;
        hidden.extend(by_us.into_iter().map(|known| (known.at.channel, known.at.key)));
        if lane.role == Role::Source && lane.capability().zero == ZeroKept::Never {
            let empty = |known: &Known| known.reading.is_some_and(|seen| seen.level.0 <= 0);
            let all = store.read(|tx| tx.listings(&lane.name))?;
            for known in all.into_iter().filter(empty) {
                if !emptied_by_owner(store, &known)? {
                    hidden.insert((known.at.channel, known.at.key));
                }
            }
        }
    }
    Ok(hidden)
}

/// Tells whether its owner left nothing of a listing of the source, and we wrote nothing to it since.
fn emptied_by_owner(store: &Store, known: &Known) -> Result<bool, StoreError> {
    let pushed = known.pushed.map(|pushed| pushed.movement);
    let Some(change) = known.owners_change.filter(|change| pushed < Some(*change)) else { return Ok(false) };
    Ok(store.read(|tx| tx.movement(change))?.is_some_and(|change| change.to == Some(0)))
}

fn look_at_skus(plan: &LinkPlan, checkup: &mut Checkup) {
    for alone in &plan.matching.alone {
        let (code, weight, why, next) = match &alone.reason {
            Reason::SkuMissing => (
                "sku-missing",
                Weight::Problem,
                "it has no SKU".to_owned(),
                "fill it in on the channel; `eys doctor --propose-skus FILE` writes proposals",
            ),
            Reason::DuplicateHere => (
                "duplicate-sku",
                Weight::Problem,
                "several listings of this channel bear its SKU".to_owned(),
                "give each listing a SKU of its own, or tie them by hand: `eys link --sku SKU --channel C --to LISTING`",
            ),
            Reason::DuplicateOnSource => (
                "duplicate-sku",
                Weight::Problem,
                "several listings of the source bear its SKU".to_owned(),
                "give each listing of the source a SKU of its own",
            ),
            Reason::NotOnSource => (
                "not-on-source",
                Weight::Note,
                "the source has no listing with its SKU".to_owned(),
                "add it to the source, or tie it by hand: `eys link --sku SKU --channel C --to LISTING`",
            ),
            Reason::NotListed => (
                "not-listed",
                Weight::Note,
                "no other channel has it".to_owned(),
                "list it there, if it is to be sold there",
            ),
            Reason::Unfit(why) => {
                ("unfit", Weight::Note, why.clone(), "nothing: it takes no part and is never written to")
            }
        };
        let name = alone.sku.as_ref().map_or_else(|| alone.key.to_string(), ToString::to_string);
        checkup.findings.push(Finding {
            code,
            topic: Topic::SkuMatch,
            weight,
            channel: Some(alone.channel.clone()),
            listing: Some(alone.key.clone()),
            sku: alone.sku.clone(),
            message: format!("{name} ({}): {why}", alone.title),
            next: Some(next.to_owned()),
            mend: None,
        });
    }
    let proposals = plan.matching.proposals.iter();
    checkup.findings.extend(proposals.map(|proposal| Finding {
        code: "near-match",
        topic: Topic::SkuMatch,
        weight: Weight::Note,
        channel: Some(proposal.channel.clone()),
        listing: Some(proposal.target.clone()),
        sku: proposal.sku.clone(),
        message: format!(
            "{} is nearly the same as {} on the source",
            proposal.sku.as_ref().map_or_else(|| proposal.target.to_string(), ToString::to_string),
            proposal.source_sku
        ),
        next: Some("`eys link --accept` ties them".to_owned()),
        mend: None,
    }));
    checkup.findings.extend(plan.relistings.iter().map(|relisting| {
        let Relisted { channel, listing, sku, gone } = &relisting.relisted;
        let waits = relisting.waits().map_or_else(String::new, |waits| format!("; {waits}"));
        Finding {
            code: "relisted",
            topic: Topic::SkuMatch,
            weight: Weight::Problem,
            channel: Some(channel.clone()),
            listing: Some(listing.clone()),
            sku: Some(sku.clone()),
            message: format!(
                "{sku}: {gone}, which was linked, is gone, and {listing} stands there in its place{waits}"
            ),
            next: Some("`eys link --accept` ties the new listing as the old one was".to_owned()),
            mend: None,
        }
    }));
    if !plan.matching.ties.is_empty() {
        checkup.findings.push(Finding {
            code: "not-linked",
            topic: Topic::SkuMatch,
            weight: Weight::Problem,
            channel: None,
            listing: None,
            sku: None,
            message: format!("{} SKUs belong together and are not linked", plan.matching.ties.len()),
            next: Some("`eys link` shows them and ties them".to_owned()),
            mend: None,
        });
    }
}

fn look_at_listing(lanes: &[Lane], known: &Known, linked: bool, findings: &mut Vec<Finding>) {
    let listing = &known.listing;
    let name = known.name();
    let act = |act, words: &str| Mend { listing: Some(known.at.key.clone()), act, words: format!("{name}: {words}") };
    let mut find = |code, topic, weight, message: String, next: &str, mend: Option<Mend>| {
        findings.push(Finding {
            code,
            topic,
            weight: if linked { weight } else { Weight::Note },
            channel: Some(known.at.channel.clone()),
            listing: Some(known.at.key.clone()),
            sku: listing.skus().next().cloned(),
            message,
            next: Some(next.to_owned()),
            mend,
        });
    };
    if listing.unfit.is_some() {
        return;
    }
    let lane = lanes.iter().find(|lane| lane.name == known.at.channel);
    let mends = lane.is_some_and(|lane| lane.capability().hides);
    let from_zero = lane.is_some_and(|lane| lane.capability().counts_from_zero);
    if let ListingState::Off(word) = &listing.state {
        let message = format!("{name} ({}) is not on sale: {word}", listing.title());
        find(
            NOT_ON_SALE,
            Topic::ProductStatus,
            Weight::Note,
            message,
            "put it on sale there, if it is to be sold",
            None,
        );
    }
    if !listing.managed {
        let message = format!("{name} ({}): the platform does not keep count of its stock", listing.title());
        let words = match lane.map(|lane| lane.role) {
            Some(Role::Source) if from_zero => "turn stock tracking on; it begins at 0, so write the true number there",
            _ if from_zero => "turn stock tracking on; it begins at 0, and the next run writes the true number",
            _ => "turn stock tracking on",
        };
        let mend = mends.then(|| act("track", words));
        let next = if mends { "`eys doctor --fix` turns it on" } else { "turn stock management on there" };
        find("stock-not-managed", Topic::StockSettings, Weight::Problem, message, next, mend);
    } else if listing.oversells {
        let message = format!("{name} ({}) goes on selling at zero", listing.title());
        let mend = mends.then(|| act("deny", "stop selling at zero"));
        let next = if mends { "`eys doctor --fix` stops it" } else { "forbid backorders there" };
        find("sells-below-zero", Topic::StockSettings, Weight::Problem, message, next, mend);
    } else if listing.level.is_none() {
        let message = format!("{name} ({}): its quantity cannot be read", listing.title());
        find("no-number", Topic::StockSettings, Weight::Problem, message, "write a whole number there", None);
    } else if listing.level.is_some_and(|level| level.0 < 0) {
        let message =
            format!("{name} ({}) is oversold: it stands at {}", listing.title(), listing.level.unwrap_or_default());
        find("oversold", Topic::StockSettings, Weight::Problem, message, "add stock, or cancel an order", None);
    }
}

fn look_at_settings(lanes: &[Lane], settings: &Settings, checkup: &mut Checkup) {
    let mut find = |code, topic, channel: Option<&ChannelName>, message: &str, next: &str| {
        checkup.findings.push(Finding {
            code,
            topic,
            weight: Weight::Problem,
            channel: channel.cloned(),
            listing: None,
            sku: None,
            message: message.to_owned(),
            next: Some(next.to_owned()),
            mend: None,
        });
    };
    if !settings.inventory_sync {
        let next = "set `inventory_sync = true` at the top of channels.toml";
        find("sync-off", Topic::SyncSettings, None, "the master switch is off: nothing is written anywhere", next);
    }
    for lane in lanes.iter().filter(|lane| lane.role == Role::Target && !lane.inventory_sync) {
        let next = "set `inventory_sync = true` in its block of channels.toml";
        find("sync-off", Topic::SyncSettings, Some(&lane.name), "it is switched off: nothing is written to it", next);
    }
}

/// Why linked listings do not follow, where nothing else that is looked at tells it.
const NOT_FOLLOWING: &[(&str, Status, &str)] = &[
    ("source-gone", Status::SourceGone, "its listing on the source is gone"),
    ("sku-mismatch", Status::SkuMismatch, "its SKU changed on one side since it was linked"),
    ("listing-gone", Status::Gone, "it is not there any more"),
];

/// Tells how such a listing comes to follow again.
fn how_to_follow(status: &Status, known: &Known) -> String {
    let (channel, name) = (&known.at.channel, known.name());
    let there = match status {
        Status::SourceGone => " on the source",
        Status::Gone => "",
        _ => {
            let key = &known.at.key;
            return format!(
                "give both sides the same SKU again; or tie it by hand: `eys link --sku SKU --channel {channel} --to {key}`"
            );
        }
    };
    format!(
        "put it up again{there} with its SKU, and `eys link --accept` ties it; if it is gone for good, \
         `eys link --remove {channel}/{name}` unties it"
    )
}

fn look_at_state(lanes: &[Lane], store: &Store, checkup: &mut Checkup) -> Result<(), StoreError> {
    let relisted = checkup.findings.iter().filter(|finding| finding.code == "relisted");
    let relisted: BTreeSet<_> = relisted.map(|finding| (finding.channel.clone(), finding.sku.clone())).collect();
    let mut find = |code, topic, channel: Option<ChannelName>, message: String, next: String| {
        let weight = Weight::Problem;
        let (listing, sku, mend) = (None, None, None);
        checkup.findings.push(Finding { code, topic, weight, channel, listing, sku, message, next: Some(next), mend });
    };
    for hold in store.read(|tx| tx.holds())? {
        let code = if hold.why == HoldWhy::SecondWriter { "second-writer" } else { "held" };
        let next = how_to_release(&hold);
        find(code, Topic::SyncSettings, Some(hold.channel.clone()), hold.to_string(), next);
    }
    for trouble in held_lines(&store.read(|tx| tx.held_lines(None))?) {
        let next = trouble.next.unwrap_or_default();
        find(trouble.code, Topic::SyncSettings, trouble.channel, trouble.message, next);
    }
    for trouble in owing_lines(store)? {
        find(trouble.code, Topic::State, trouble.channel, trouble.message, trouble.next.unwrap_or_default());
    }
    for lane in lanes.iter().filter(|lane| lane.role == Role::Target && lane.deduct_sales) {
        let Some(evidence) = another_app(store, &lane.name)? else { continue };
        let twice = match evidence.twice.as_slice() {
            [] => String::new(),
            orders => format!("; taken off by eys as well: {}", orders.join(", ")),
        };
        let message = format!("another app seems to bring its orders into the source: {}{twice}", evidence.words);
        let next = "if it is so, set `deduct_sales = false` in its block of channels.toml".to_owned();
        find("another-app", Topic::SyncSettings, Some(lane.name.clone()), message, next);
    }
    for trouble in intents(store)? {
        let about = trouble.listing.map_or_else(String::new, |name| format!("{name}: "));
        let message = format!("{about}{}", trouble.message);
        find("open-intent", Topic::State, trouble.channel, message, trouble.next.unwrap_or_default());
    }
    for trouble in refused(store)? {
        let message = format!("{} was refused: {}", trouble.listing.unwrap_or_default(), trouble.message);
        find("refused", Topic::State, trouble.channel, message, trouble.next.unwrap_or_default());
    }
    for lane in lanes.iter().filter(|lane| lane.role == Role::Target) {
        for (code, status, why) in NOT_FOLLOWING {
            for known in store.read(|tx| tx.unfollowing(&lane.name, &status.to_string()))? {
                // What stands in its place is named already, with what ties it.
                let mut skus = known.listing.skus();
                if skus.any(|sku| relisted.contains(&(Some(lane.name.clone()), Some(sku.clone())))) {
                    continue;
                }
                let message = format!("{} ({}) does not follow: {why}", known.name(), known.listing.title());
                find(code, Topic::SkuMatch, Some(lane.name.clone()), message, how_to_follow(status, &known));
            }
        }
    }
    for channel in store.read(|tx| tx.channels())? {
        let is_here = lanes.iter().any(|lane| lane.name == channel.name);
        if let Some(trouble) = channel.trouble.filter(|_| is_here) {
            let next = "`eys sync` tries again; what is said above names the mend".to_owned();
            find("last-run-failed", Topic::State, Some(channel.name), format!("in its last run: {trouble}"), next);
        }
    }
    let names: Vec<ChannelName> = lanes.iter().map(|lane| lane.name.clone()).collect();
    for name in &names {
        let stuck = not_lowered(store, name)?.into_iter();
        checkup.findings.extend(stuck.map(|trouble| Finding::told(trouble, Topic::SyncSettings, Weight::Problem)));
    }
    let limits = limited(store, &names)?.into_iter();
    checkup.findings.extend(limits.map(|limit| Finding::told(limit, Topic::SyncSettings, Weight::Note)));
    Ok(())
}

/// Looks at what was not heard of for too long, what is gone from channels.toml, and what ends (F7).
fn look_at_silence(lanes: &[Lane], store: &Store, watch: Watch, checkup: &mut Checkup) -> Result<(), StoreError> {
    let names: Vec<ChannelName> = lanes.iter().map(|lane| lane.name.clone()).collect();
    let mut told = removed(store, &names)?;
    told.extend(silent(store, &names, watch)?);
    told.extend(spared(store, &names, watch.now)?);
    told.extend(ending(store, &names, watch.now)?);
    for trouble in told {
        // What a probe has told already is not told again.
        let same = |finding: &Finding| finding.code == trouble.code && finding.channel == trouble.channel;
        if checkup.findings.iter().any(same) {
            continue;
        }
        let topic = if trouble.code == "credentials-end" { Topic::Account } else { Topic::State };
        checkup.findings.push(Finding::told(trouble, topic, Weight::Problem));
    }
    Ok(())
}

/// Proposes a SKU for each listing without one: from the words of its title, upper-case, at most 32 characters, none
/// twice. Rows of channel, listing, title and proposal.
pub fn proposals(listings: &[Known]) -> Vec<[String; 4]> {
    let mut taken: BTreeSet<String> =
        listings.iter().flat_map(|known| known.listing.skus().map(|sku| sku.as_str().to_uppercase())).collect();
    let without =
        listings.iter().filter(|known| known.listing.skus().next().is_none() && known.listing.unfit.is_none());
    without
        .map(|known| {
            let base = words_of(known.listing.title());
            let mut proposal = base.clone();
            let mut nth = 1;
            while !taken.insert(proposal.clone()) {
                nth += 1;
                let ending = format!("-{nth}");
                proposal = base.chars().take(32 - ending.len()).collect::<String>() + &ending;
            }
            [known.at.channel.to_string(), known.at.key.to_string(), known.listing.title().to_owned(), proposal]
        })
        .collect()
}

fn words_of(title: &str) -> String {
    let plain: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { ' ' }).collect();
    let mut sku = String::new();
    for word in plain.split_whitespace() {
        if sku.len() + word.len() + 1 > 32 {
            break;
        }
        if !sku.is_empty() {
            sku.push('-');
        }
        sku.push_str(word);
    }
    if sku.is_empty() { "ITEM".to_owned() } else { sku }
}
