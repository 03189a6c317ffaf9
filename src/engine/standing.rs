//! What stands wrong or waits, as the state knows it: for `status`, for monitoring, and for those who want to be told.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::doubts::how_to_settle;
use super::quota::{SPARED, low};
use super::report::Trouble;
use crate::domain::observe::later;
use crate::domain::pace::{ends_soon, is_silent, pace};
use crate::domain::plan::Doubt;
use crate::domain::{Act, ChannelName, Hold, HoldId, HoldWhy, IntentState, Known, Line, LineHold, Role};
use crate::store::{KeptQuota, Store, StoreError, Tx};

/// Runs that are looked at for their pace.
pub(super) const RUNS: usize = 20;

/// Against what silence is measured (F7).
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// The time of this machine.
    pub now: Timestamp,
    /// The loop's pace.
    pub every: Duration,
}

/// Returns all that is wrong or waits, the most general first. `channels` are those of channels.toml; what the state
/// remembers of others is told too, as long as something about it is not settled.
pub fn standing(
    store: &Store,
    channels: &[ChannelName],
    inventory_sync: bool,
    low_stock: Option<(&ChannelName, i64)>,
    watch: Watch,
) -> Result<Vec<Trouble>, StoreError> {
    let mut troubles = Vec::new();
    if !inventory_sync {
        let message = "the master switch is off: nothing is written to any channel";
        let next = "set `inventory_sync = true` at the top of channels.toml";
        troubles.push(trouble("sync-off", None, None, message.to_owned(), next.to_owned()));
    }
    troubles.extend(channels_in_trouble(store, channels)?);
    troubles.extend(removed(store, channels)?);
    troubles.extend(silent(store, channels, watch)?);
    troubles.extend(spared(store, channels, watch.now)?);
    troubles.extend(ending(store, channels, watch.now)?);
    troubles.extend(holds(store)?);
    troubles.extend(held_lines(&store.read(|tx| tx.held_lines(None))?));
    troubles.extend(owing_lines(store)?);
    troubles.extend(intents(store)?);
    troubles.extend(refused(store)?);
    troubles.extend(unfollowed(store, channels)?);
    for channel in channels {
        let noticed = store.read(|tx| tx.noticed(channel))?.into_iter();
        troubles.extend(noticed.map(|(message, next)| Trouble {
            waits_for_owner: true,
            ..trouble("noticed", Some(channel), None, message, next.unwrap_or_default())
        }));
        let numberless = store.read(|tx| tx.numberless(channel))?;
        troubles.extend(numberless.iter().map(|known| no_number(known, known.numberless)));
        troubles.extend(not_lowered(store, channel)?);
    }
    if let Some((source, most)) = low_stock {
        for known in store.read(|tx| tx.low(source, most))? {
            let level = known.reading.map_or(0, |seen| seen.level.0);
            let message = format!("{level} left");
            let next = "add stock on the source when more comes in".to_owned();
            troubles.push(trouble("low-stock", Some(source), Some(known.name()), message, next));
        }
    }
    Ok(troubles)
}

/// Returns what limits listings for now and ends by itself: units that are missing without an order (R3), and what keeps
/// raises back (P1).
pub fn limited(store: &Store, channels: &[ChannelName]) -> Result<Vec<Trouble>, StoreError> {
    store.read(|tx| {
        let mut limits = Vec::new();
        for name in channels {
            let Some(now) = tx.channel(name)?.and_then(|channel| channel.complete) else { continue };
            for known in tx.missing(name, now)? {
                let Some(ceiling) = &known.ceiling else { continue };
                let units = if ceiling.missing == 1 { "1 unit is" } else { &format!("{} units are", ceiling.missing) };
                let until = ceiling.until.strftime("%Y-%m-%d %H:%M UTC");
                let message = format!("{units} missing there and no order tells why; until {until} it is not raised");
                let next = "nothing; then the number is put right, unless an order shows by then".to_owned();
                limits.push(trouble("limited", Some(name), Some(known.name()), message, next));
            }
            for (why, names) in reasons(tx, name)?.into_iter().filter(|(why, _)| !shows_too_much(*why)) {
                let next = how_it_ends(why).to_owned();
                limits.push(trouble("limited", Some(name), Some(several(&names)), why.to_string(), next));
            }
        }
        Ok(limits)
    })
}

/// Returns why listings of a channel do not show what they are offered, and which.
fn reasons(tx: &Tx<'_>, channel: &ChannelName) -> Result<BTreeMap<Doubt, Vec<String>>, StoreError> {
    let mut reasons = BTreeMap::<Doubt, Vec<String>>::new();
    for known in tx.waiting(channel)? {
        if let Some(why) = tx.waits(known.id)? {
            reasons.entry(why).or_default().push(known.name());
        }
    }
    Ok(reasons)
}

/// Tells whether a listing that waits goes on being sold meanwhile with nothing behind it: no limit for now, but wrong.
fn shows_too_much(why: Doubt) -> bool {
    matches!(
        why,
        Doubt::ZeroDestroys | Doubt::RevisionsSpent { lowering: true, .. } | Doubt::LeftOut { lowering: true }
    )
}

/// Tells how a wait ends.
fn how_it_ends(why: Doubt) -> &'static str {
    match why {
        Doubt::InDoubt => "settle what is in doubt; `eys doctor` says how",
        Doubt::LeftOut { .. } => "`eys sync`, without `--channel` and `--sku`",
        _ => "nothing; it follows as soon as that is over",
    }
}

/// Returns the listings that show more than they are offered and cannot be lowered (Z3, H4).
pub(super) fn not_lowered(store: &Store, channel: &ChannelName) -> Result<Vec<Trouble>, StoreError> {
    let reasons = store.read(|tx| {
        // What was sold of a source is told by what is owed there.
        let is_target = tx.channel(channel)?.is_some_and(|channel| channel.role == Role::Target);
        if is_target { reasons(tx, channel) } else { Ok(BTreeMap::new()) }
    })?;
    let told = reasons.into_iter().filter(|(why, _)| shows_too_much(*why)).map(|(why, names)| {
        let (code, message, next) = if why == Doubt::ZeroDestroys {
            let message = format!("it has nothing left to offer, and no 0 is written there: {why}");
            ("zero-destroys", message, how_to_keep_zero(channel))
        } else {
            let message = format!("it shows more than it is offered: {why}");
            let next = match why {
                Doubt::RevisionsSpent { .. } => "end it on the platform, if that cannot wait",
                why => how_it_ends(why),
            };
            ("not-lowered", message, next.to_owned())
        };
        trouble(code, Some(channel), Some(several(&names)), message, next)
    });
    Ok(told.collect())
}

/// Tells how the switch of an account is turned on without which no 0 is written (Z3).
pub(super) fn how_to_keep_zero(channel: &ChannelName) -> String {
    format!("`eys doctor --fix` turns it on for {channel}, after asking")
}

/// Tells of a listing whose number cannot be read, and since when, if that is not just now.
pub(super) fn no_number(known: &Known, since: Option<Timestamp>) -> Trouble {
    let since = since.map_or_else(String::new, |since| since.strftime(" since %Y-%m-%d %H:%M UTC").to_string());
    let message = format!("its quantity cannot be read{since}; what was read last still counts");
    let next = "write a whole number there".to_owned();
    trouble("no-number", Some(&known.at.channel), Some(known.name()), message, next)
}

/// Names a few of many.
fn several(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() && first.len() < 5 => format!("{} and {last}", first.join(", ")),
        [one] => one.clone(),
        _ => format!("{} and {} more", names[..5.min(names.len())].join(", "), names.len().saturating_sub(5)),
    }
}

fn trouble(
    code: &'static str,
    channel: Option<&ChannelName>,
    listing: Option<String>,
    message: String,
    next: String,
) -> Trouble {
    Trouble { code, channel: channel.cloned(), listing, message, next: Some(next), waits_for_owner: false }
}

fn channels_in_trouble(store: &Store, channels: &[ChannelName]) -> Result<Vec<Trouble>, StoreError> {
    let kept = store.read(|tx| tx.channels())?;
    let told = kept.into_iter().filter(|channel| channels.contains(&channel.name)).filter_map(|channel| {
        let next = "`eys doctor` says what mends it".to_owned();
        Some(trouble("channel-unusable", Some(&channel.name), None, channel.trouble?, next))
    });
    Ok(told.collect())
}

/// Works out the pace of runs from when the last ones began and the loop's pace.
pub(super) fn pace_of(began: &[Timestamp], every: Duration) -> SignedDuration {
    pace(SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX), began)
}

/// Returns the channels of which nothing good was heard for three paces; of all at once, if there was no run at all.
/// What is known to be wrong with one is told apart.
pub(super) fn silent(store: &Store, channels: &[ChannelName], watch: Watch) -> Result<Vec<Trouble>, StoreError> {
    let (began, mut heard) = (store.read(|tx| tx.syncs(RUNS))?, Vec::new());
    let pace = pace_of(&began, watch.every);
    for name in channels {
        let last = store.read(|tx| Ok(tx.last_heard(name)?.zip(tx.channel(name)?)))?;
        heard.extend(last.map(|(last, channel)| (name, last, channel.trouble.is_some())));
    }
    let gone = |last: Timestamp| lasting(watch.now.duration_since(last));
    let none_since = heard.iter().map(|(_, last, _)| *last).max().max(began.first().copied());
    if let Some(last) = none_since.filter(|last| !heard.is_empty() && is_silent(*last, watch.now, pace)) {
        let message = format!("there was no run for {}; they came every {}", gone(last), every(pace));
        let next =
            "start the loop again, `eys sync --every`, or look after the crontab or the service that runs `eys sync`";
        return Ok(vec![trouble("silent", None, None, message, next.to_owned())]);
    }
    let mut silent: Vec<_> =
        heard.into_iter().filter(|(_, last, told)| !told && is_silent(*last, watch.now, pace)).collect();
    let spared = spared(store, channels, watch.now)?;
    silent.retain(|(name, ..)| !spared.iter().any(|spared| spared.channel.as_ref() == Some(*name)));
    let told = silent.into_iter().map(|(name, last, _)| {
        let message = format!("no run got through with it for {}; runs come every {}", gone(last), every(pace));
        trouble("silent", Some(name), None, message, "`eys doctor` tries it and says what is wrong".to_owned())
    });
    Ok(told.collect())
}

/// Returns the channels that are left alone for a while, so that the calls that their platforms allow last (Y4).
pub(super) fn spared(store: &Store, channels: &[ChannelName], now: Timestamp) -> Result<Vec<Trouble>, StoreError> {
    store.read(|tx| {
        let mut spared = Vec::new();
        for name in channels {
            if tx.channel(name)?.is_none() {
                continue;
            }
            let Some(KeptQuota { quota, read }) = tx.quota(name)? else { continue };
            let there = later(now, tx.ahead(name)?.unwrap_or_default());
            if read <= there && there < quota.refills && there < quota.next_reading(read) {
                spared.push(low(name, &quota, SPARED));
            }
        }
        Ok(spared)
    })
}

/// Returns the channels whose credentials cannot be renewed and end soon.
pub(super) fn ending(store: &Store, channels: &[ChannelName], now: Timestamp) -> Result<Vec<Trouble>, StoreError> {
    let mut troubles = Vec::new();
    for name in channels {
        if let Some(ends) = store.credentials_end(name)?.filter(|ends| ends_soon(*ends, now)) {
            let (message, next) = ending_words(name, ends);
            troubles.push(trouble("credentials-end", Some(name), None, message, next));
        }
    }
    Ok(troubles)
}

/// Says when credentials end, and what to do about it.
pub(super) fn ending_words(name: &ChannelName, ends: Timestamp) -> (String, String) {
    let day = ends.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d");
    let next = format!(
        "before that day, `eys auth {name}` where the platform gives them in the browser; else get new ones from it, and put \
         them into channels.toml"
    );
    (format!("its credentials end on {day}, and eys cannot renew them"), next)
}

/// Tells how long something lasts, as people do, in its largest unit.
fn lasting(span: SignedDuration) -> String {
    let (number, one, many) = in_units(span);
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Tells how often something comes: every minute, every 5 minutes.
fn every(span: SignedDuration) -> String {
    let (number, one, many) = in_units(span);
    if number == 1 { one.to_owned() } else { format!("{number} {many}") }
}

fn in_units(span: SignedDuration) -> (i64, &'static str, &'static str) {
    let minutes = span.as_mins().max(1);
    if minutes < 60 {
        (minutes, "minute", "minutes")
    } else if minutes < 48 * 60 {
        (minutes / 60, "hour", "hours")
    } else {
        (minutes / (24 * 60), "day", "days")
    }
}

/// Returns the targets with links whose blocks are gone from channels.toml.
pub(super) fn removed(store: &Store, channels: &[ChannelName]) -> Result<Vec<Trouble>, StoreError> {
    store.read(|tx| {
        let mut troubles = Vec::new();
        for channel in tx.channels()?.iter().filter(|channel| channel.role == Role::Target) {
            let name = &channel.name;
            let linked = tx.totals(name)?.linked;
            if channels.contains(name) || linked == 0 {
                continue;
            }
            let listings = if linked == 1 { "1 linked listing does" } else { &format!("{linked} linked listings do") };
            let message = format!(
                "it stands no longer in channels.toml: {listings} not follow, and its sales are not seen; what was sold before is still taken off"
            );
            let next = format!(
                "put its block back; if it got another name, `eys link --rename-channel {name} NEW`; if it is gone for good, `eys link --remove {name}`"
            );
            troubles.push(trouble("channel-removed", Some(name), None, message, next));
        }
        Ok(troubles)
    })
}

fn holds(store: &Store) -> Result<Vec<Trouble>, StoreError> {
    Ok(store.read(|tx| tx.holds())?.iter().map(held).collect())
}

/// Tells of a hold.
pub(super) fn held(hold: &Hold) -> Trouble {
    let message = hold.to_string();
    Trouble { waits_for_owner: true, ..trouble("held", Some(&hold.channel), None, message, how_to_release(hold)) }
}

/// Tells how a hold is released.
pub fn how_to_release(hold: &Hold) -> String {
    let release = format!("`eys sync --release {}` lets it go on; with `--dry-run` it shows what that writes", hold.id);
    match hold.why {
        HoldWhy::SecondWriter => {
            format!("stop the other program from writing the stock of this listing; then {release}")
        }
        HoldWhy::Account => format!(
            "if the credentials are of another shop by mistake, put the right ones back; if only its block got another \
             name, `eys link --rename-channel OLD {}`; if it is to begin anew with this account, `eys sync --release {}`",
            hold.channel, hold.id
        ),
        HoldWhy::Undone => format!("mend what was wrong (a rule, a number on the source); then {release}"),
        _ => release,
    }
}

/// Tells of the sold lines that wait for the owner, a trouble for each reason on each channel.
pub(super) fn held_lines(held: &[Line]) -> Vec<Trouble> {
    let mut reasons = BTreeMap::<(&ChannelName, LineHold), Vec<&Line>>::new();
    for line in held {
        if let Some(held) = line.held {
            reasons.entry((&line.channel, held.why)).or_default().push(line);
        }
    }
    let told = reasons.into_iter().map(|((channel, why), lines)| {
        let since = lines.iter().filter_map(|line| line.held).map(|held| held.since).min();
        let since = since.map_or_else(String::new, |since| since.strftime(" since %Y-%m-%d %H:%M UTC").to_string());
        let what = orders(&lines);
        let wait = match why {
            LineHold::GivenBackByHand if lines.len() == 1 => "1 cancelled line waits".to_owned(),
            LineHold::GivenBackByHand => format!("{} cancelled lines wait", lines.len()),
            _ => sold_lines(lines.len(), "waits", "wait"),
        };
        let message = format!("{wait} for your word{since} ({why}): {what}");
        let next = how_to_go_on(channel, why);
        Trouble { waits_for_owner: true, ..trouble("held-lines", Some(channel), None, message, next) }
    });
    told.collect()
}

/// Tells how held lines of a channel are counted or dropped.
fn how_to_go_on(channel: &ChannelName, why: LineHold) -> String {
    let (count, ignore) =
        (format!("`eys sync --count-missed {channel}`"), format!("`eys sync --ignore-missed {channel}`"));
    match why {
        LineHold::AnotherApp => format!(
            "if it is so, set `deduct_sales = false` in the block of {channel} in channels.toml and drop these with \
             {ignore}; if not, {count} takes them off the source"
        ),
        LineHold::GivenBackByHand => format!(
            "if you put these units back yourself, {ignore} leaves the source as it is; if not, {count} gives them back"
        ),
        LineHold::LongPause => {
            format!("if you took them off the source yourself, {ignore} drops them; if not, {count} takes them off")
        }
        LineHold::Relisted => format!(
            "`eys link --accept` puts the new listing in the place of the one that is gone, and they count; else \
             {count} takes them off the source, {ignore} drops them"
        ),
        LineHold::SeenLate | LineHold::Flood | LineHold::SwitchedOff | LineHold::OtherState => {
            format!("{count} takes them off the source, {ignore} drops them")
        }
    }
}

/// Returns the listings whose platform refused the last write.
pub(super) fn refused(store: &Store) -> Result<Vec<Trouble>, StoreError> {
    let told = store.read(|tx| tx.refused())?.into_iter().map(|known| {
        let words = known.refusal.as_ref().map_or("", |refusal| refusal.words.as_str());
        let mend = known.refusal.as_ref().and_then(|refusal| refusal.mend.as_deref());
        let mend = mend.unwrap_or("mend what the platform says");
        let next = format!("{mend}; it is tried again by itself, with growing waits, and at once by `eys sync --full`");
        trouble("refused", Some(&known.at.channel), Some(known.name()), words.to_owned(), next)
    });
    Ok(told.collect())
}

/// Returns the linked listings that do not follow though nobody said so, a trouble for each reason on each channel.
fn unfollowed(store: &Store, channels: &[ChannelName]) -> Result<Vec<Trouble>, StoreError> {
    let mut troubles = Vec::new();
    for channel in channels {
        for (why, number) in store.read(|tx| tx.unfollowed(channel))? {
            let listings = if number == 1 { "1 linked listing does" } else { &format!("{number} linked listings do") };
            let message = format!("{listings} not follow: {why}");
            let next = "`eys doctor` names them and says what mends it".to_owned();
            troubles.push(trouble("not-followed", Some(channel), None, message, next));
        }
    }
    Ok(troubles)
}

/// What a sold line that is not taken off the source waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Awaited {
    /// The source has none left (W6).
    Stock,
    /// Its listing on the source is gone (L2).
    Listing,
    /// The switch of the account without which its platform would end the listing at 0 (Z3).
    Switch,
    /// The owner's word that the listing may be taken out of sight for its last unit (Z2).
    Word(HoldId),
    /// Nothing but the next run.
    Run,
}

/// Returns the hold by which the owner is asked whether a listing of the source may be taken out of sight for its last
/// unit, if that is what this one waits for (Z2).
pub fn asked_for_last_unit<'a>(known: &Known, holds: &'a [Hold]) -> Option<&'a Hold> {
    known.reading.filter(|seen| seen.level.0 == 1)?;
    holds.iter().find(|hold| hold.why == HoldWhy::LastUnit && hold.channel == known.at.channel)
}

/// Returns the sold lines that are not taken off the source, a trouble for each channel and what they wait for.
pub(super) fn owing_lines(store: &Store) -> Result<Vec<Trouble>, StoreError> {
    let mut owing = BTreeMap::<Awaited, Vec<Line>>::new();
    store.read(|tx| {
        let holds = tx.holds()?;
        for line in tx.owing_lines()? {
            owing.entry(awaited(tx, &line, &holds)?).or_default().push(line);
        }
        Ok(())
    })?;
    let by_channel = owing.iter().flat_map(|(awaited, lines)| {
        by_channel(lines).into_iter().map(|(channel, lines)| tell_owing(*awaited, channel, &lines))
    });
    Ok(by_channel.collect())
}

fn tell_owing(awaited: Awaited, channel: &ChannelName, lines: &[&Line]) -> Trouble {
    let lines_do = |one: &str, many: &str| sold_lines(lines.len(), one, many);
    let oldest = lines.iter().map(|line| line.placed).min();
    let since = oldest.map_or_else(String::new, |oldest| oldest.strftime("since %Y-%m-%d %H:%M UTC").to_string());
    let (code, message, next) = match awaited {
        Awaited::Stock => (
            "oversold",
            format!("{} for stock {since} (the source has none left)", lines_do("waits", "wait")),
            "add stock on the source, or cancel; it is taken off the next stock that comes in".to_owned(),
        ),
        Awaited::Listing => (
            "owing",
            format!("{} not taken off {since} (the listing on the source is gone)", lines_do("is", "are")),
            "put it up again with its SKU; `eys link --accept` then lets it take the old one's place".to_owned(),
        ),
        Awaited::Switch => (
            "owing",
            format!("{} not taken off {since} ({})", lines_do("is", "are"), Doubt::ZeroDestroys),
            "`eys doctor --fix` turns it on, after asking; then the next run takes them off".to_owned(),
        ),
        Awaited::Word(hold) => (
            "owing",
            format!("{} {since} to be taken off the last unit of a listing on the source", lines_do("waits", "wait")),
            format!("`eys sync --release {hold}` lets eys take such listings out of sight there"),
        ),
        Awaited::Run => (
            "owing",
            format!("{} not taken off the source yet, {since}", lines_do("is", "are")),
            "the next run goes on with them".to_owned(),
        ),
    };
    trouble(code, Some(channel), None, format!("{message}: {}", orders(lines)), next)
}

/// Tells what a part of what a line sold waits for.
fn awaited(tx: &Tx<'_>, line: &Line, holds: &[Hold]) -> Result<Awaited, StoreError> {
    let mut awaited = Awaited::Run;
    for share in line.shares.iter().filter(|share| line.open_units(share.source) > 0) {
        let Some(known) = tx.known(share.source)? else { continue };
        awaited = awaited.min(match known.reading {
            _ if known.gone.is_some() => Awaited::Listing,
            Some(seen) if seen.level.0 <= 0 => Awaited::Stock,
            _ if tx.waits(share.source)? == Some(Doubt::ZeroDestroys) => Awaited::Switch,
            _ => asked_for_last_unit(&known, holds).map_or(Awaited::Run, |hold| Awaited::Word(hold.id)),
        });
    }
    Ok(awaited)
}

fn by_channel(lines: &[Line]) -> BTreeMap<&ChannelName, Vec<&Line>> {
    let mut by_channel = BTreeMap::<&ChannelName, Vec<&Line>>::new();
    for line in lines {
        by_channel.entry(&line.channel).or_default().push(line);
    }
    by_channel
}

pub(super) fn sold_lines(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 sold line {one}") } else { format!("{number} sold lines {many}") }
}

fn orders(lines: &[&Line]) -> String {
    let mut orders: Vec<&str> = lines.iter().map(|line| line.order.as_str()).collect();
    orders.dedup();
    let names: Vec<String> = orders.iter().map(|order| (*order).to_owned()).collect();
    format!("{} {}", if names.len() == 1 { "order" } else { "orders" }, several(&names))
}

/// Returns the changes of which nobody knows yet, or can know, whether they happened.
pub(super) fn intents(store: &Store) -> Result<Vec<Trouble>, StoreError> {
    store.read(|tx| {
        let mut troubles = Vec::new();
        for intent in tx.unfinished_intents()? {
            let id = intent.id;
            let known = tx.known(intent.listing)?;
            let (channel, listing) = (known.as_ref().map(|known| &known.at.channel), known.as_ref().map(Known::name));
            let since = intent.opened.strftime("since %Y-%m-%d %H:%M UTC");
            let told = if intent.state == IntentState::InDoubt {
                let message = match &intent.act {
                    Act::Adjust { delta, .. } => {
                        let numbers = tx.proof(id)?.unwrap_or_default();
                        format!("{id}: nobody can tell {since} whether {delta} was applied: {numbers}")
                    }
                    _ => format!("{id}: nobody can tell {since} whether a change of it happened"),
                };
                Trouble { waits_for_owner: true, ..trouble("in-doubt", channel, listing, message, how_to_settle(id)) }
            } else {
                let next = "the next run goes on with it".to_owned();
                let what = match &intent.act {
                    Act::Adjust { delta, .. } => format!("{delta} on the source"),
                    Act::Hide { .. } => "to hide it".to_owned(),
                    Act::End { .. } => "to end it".to_owned(),
                    Act::Show { .. } => "to show it again".to_owned(),
                };
                let message = format!("{id}, {what}, is not confirmed {since}: its answer is missing");
                trouble("open-intent", channel, listing, message, next)
            };
            troubles.push(told);
        }
        Ok(troubles)
    })
}
