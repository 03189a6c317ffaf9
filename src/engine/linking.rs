//! Tying listings: all channels are read side by side, what belongs together is shown, and only what the owner accepts
//! is stored. Nothing is written to any channel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::accounts::disagreement;
use super::cycle::record;
use super::lane::{Lane, all_listings, pages};
use super::orders::listing_of;
use super::relisting::{Inheritance, Relisting, look_up_missing, relistings, take_over, take_over_on_source};
use super::report::{Progress, Stage};
use super::{Clock, EngineError};
use crate::channel::{Account, ChannelError};
use crate::domain::absorb::{Counting, absorb};
use crate::domain::channel::contact;
use crate::domain::matching::{Linked, Matching, Proposal, Reason, Side, Tie, match_listings};
use crate::domain::quota::Quota;
use crate::domain::{
    ChannelName, Frozen, FrozenPart, HoldWhy, Known, Level, Line, Link, LinkId, Listing, ListingId, ListingKey,
    ListingRef, OrderFact, OrderWindow, Part, Quantity, Role, RunId, Seen, Shown, Sku, Why,
};
use crate::safeguard::{Safeguard, stands};
use crate::store::{ChannelState, KeptQuota, Store, StoreError, Tx};

/// A channel as the survey found it.
#[derive(Debug)]
pub struct Surveyed {
    /// The channel.
    pub channel: ChannelName,
    /// Its kind.
    pub kind: &'static str,
    /// What it is for.
    pub role: Role,
    /// The most units that its platform takes for a listing.
    pub most: Option<i64>,
    /// What was found, or why nothing was.
    pub found: Result<Findings, ChannelError>,
}

/// What a survey found on a channel.
#[derive(Debug)]
pub struct Findings {
    /// Whose account it is.
    pub account: Account,
    /// All its listings.
    pub listings: Vec<Listing>,
    /// How many calls the reading of them took.
    pub calls: usize,
    /// When it began, by the channel's clock.
    pub begun: Timestamp,
    /// Its orders that are not finished: the baseline (W1).
    pub unfinished: Vec<OrderFact>,
    /// From when a link counts, by the channel's clock: an order placed then or later is not in the baseline unless it
    /// is among the unfinished ones.
    pub active: Timestamp,
    /// Listings that are known, whose SKU another one bears, and that are gone: they were looked up themselves (P5).
    pub gone: BTreeSet<ListingKey>,
    /// What is left of its platform's quota of calls, where it has one and told of it (Y4).
    pub quota: Option<Quota>,
}

/// What accepting would do, and all that it needs.
#[derive(Debug)]
pub struct LinkPlan {
    /// What was found.
    pub surveyed: Vec<Surveyed>,
    /// What belongs together.
    pub matching: Matching,
    /// What was put up anew.
    pub relistings: Vec<Relisting>,
    /// Where each listing stands among those of its channel, so that a long list is gone through once.
    places: BTreeMap<ChannelName, BTreeMap<ListingKey, usize>>,
}

/// What the first push would change on a target listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstPush {
    /// The tie it belongs to.
    pub tie: Tie,
    /// What the listing shows.
    pub from: Option<Level>,
    /// What it would show, before any rule.
    pub to: Option<Quantity>,
}

/// A tie made by hand.
#[derive(Clone, Debug)]
pub struct HandTie {
    /// The target's channel.
    pub channel: ChannelName,
    /// The target listing: its key, or its SKU.
    pub target: String,
    /// The SKU of the target that is tied, where it has several.
    pub sku: Option<Sku>,
    /// Source SKUs and how many of each.
    pub parts: Vec<(Sku, i64)>,
}

/// Why a tie by hand cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The state could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run could not be made.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Something is not there, or not one.
    #[error("{0}")]
    Wrong(String),
}

/// Reads all channels side by side, and looks up what is missing of them.
pub async fn survey(
    lanes: &[Lane],
    store: &Store,
    clock: &Clock,
    progress: &Arc<dyn Progress>,
) -> Result<Vec<Surveyed>, StoreError> {
    let mut jobs = JoinSet::new();
    for (nth, lane) in lanes.iter().cloned().enumerate() {
        let (clock, progress) = (clock.clone(), progress.clone());
        jobs.spawn(async move {
            let found = read(&lane, &clock, progress.as_ref()).await;
            progress.lane(&lane.name, Stage::Done, 0);
            let most = lane.capability().most;
            (nth, Surveyed { channel: lane.name, kind: lane.kind, role: lane.role, most, found })
        });
    }
    let mut surveyed: Vec<(usize, Surveyed)> = jobs.join_all().await;
    surveyed.sort_by_key(|(nth, _)| *nth);
    let mut surveyed: Vec<Surveyed> = surveyed.into_iter().map(|(_, surveyed)| surveyed).collect();
    check_accounts(&mut surveyed, store)?;
    look_up_missing(lanes, &mut surveyed, store).await?;
    Ok(surveyed)
}

async fn read(lane: &Lane, clock: &Clock, progress: &dyn Progress) -> Result<Findings, ChannelError> {
    let channel = lane.channel.as_ref();
    let before = channel.clock();
    let started = tokio::time::Instant::now();
    let mut account = None;
    let on_page = |items| progress.lane(&lane.name, Stage::Listings, items);
    let (listings, calls) = all_listings(channel, &mut account, on_page).await?;
    let now = || channel.clock().unwrap_or_else(|| clock());
    let elapsed = SignedDuration::try_from(started.elapsed()).unwrap_or(SignedDuration::MAX);
    let begun = before.unwrap_or_else(|| now().saturating_sub(elapsed).unwrap_or(Timestamp::MIN));
    let active = whole_second(now());
    let mut unfinished = Vec::new();
    if lane.role == Role::Target && lane.capability().orders {
        let window = OrderWindow::Unfinished;
        let on_page = |items| progress.lane(&lane.name, Stage::Orders, items);
        unfinished = pages("reading orders", &mut account, |page| channel.orders(&window, page), on_page).await?;
    }
    let account = match account {
        Some(account) => account,
        None => channel.account().await?,
    };
    let quota = channel.quota();
    Ok(Findings { account, listings, calls, begun, unfinished, active, gone: BTreeSet::new(), quota })
}

/// Platforms stamp orders in whole seconds. An order of the very second in which a link begins counts: sold twice is
/// worse than shown one too few.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

impl LinkPlan {
    /// Finds out what belongs together among what was surveyed, less what is linked already.
    pub fn new(surveyed: Vec<Surveyed>, store: &Store) -> Result<Self, StoreError> {
        let linked = store.read(|tx| linked(tx, &surveyed))?;
        let source = surveyed.iter().find(|surveyed| surveyed.role == Role::Source);
        let mut matching = match source.and_then(|source| Some((source, source.found.as_ref().ok()?))) {
            None => Matching::default(),
            Some((source, found)) => {
                let targets: Vec<Side<'_>> = surveyed
                    .iter()
                    .filter(|surveyed| surveyed.role == Role::Target)
                    .filter_map(|s| Some(Side { channel: &s.channel, listings: &s.found.as_ref().ok()?.listings }))
                    .collect();
                match_listings(Side { channel: &source.channel, listings: &found.listings }, &targets, &linked)
            }
        };
        // A channel that could not be read says nothing about what is not on it (P5).
        if surveyed.iter().any(|surveyed| surveyed.role == Role::Target && surveyed.found.is_err()) {
            matching.alone.retain(|alone| alone.reason != Reason::NotListed);
        }
        let places = surveyed.iter().map(|surveyed| (surveyed.channel.clone(), places(surveyed))).collect();
        let relistings = store.read(|tx| relistings(tx, &matching.relisted))?;
        Ok(Self { surveyed, matching, relistings, places })
    }

    /// Counts the links that accepting opens.
    pub fn to_open(&self) -> usize {
        self.matching.ties.len() + self.accepted().map(Relisting::links).sum::<usize>()
    }

    fn accepted(&self) -> impl Iterator<Item = &Relisting> {
        self.relistings.iter().filter(|relisting| relisting.accepted)
    }

    /// Tells what the first push to each newly tied listing would change.
    pub fn first_pushes(&self) -> Vec<FirstPush> {
        let most = |channel: &ChannelName| self.surveyed.iter().find(|surveyed| surveyed.channel == *channel)?.most;
        let push = |tie: &Tie| {
            let source = self.source_listing(&tie.source).and_then(|listing| listing.level).map(Level::offerable);
            let fits =
                |units: Quantity| most(&tie.channel).map_or(units, |most| units.min(Quantity::at_least_zero(most)));
            let from = self.listing(&tie.channel, &tie.target).and_then(|listing| listing.level);
            FirstPush { tie: tie.clone(), from, to: source.map(fits) }
        };
        self.matching.ties.iter().map(push).collect()
    }

    /// Returns the orders that are not finished, of channels with something to tie: they are not taken off the source.
    pub fn baseline(&self) -> Vec<(&ChannelName, &OrderFact)> {
        let tied: BTreeSet<(&ChannelName, &Sku)> =
            self.matching.ties.iter().map(|tie| (&tie.channel, &tie.sku)).collect();
        let ties = |channel, sku: Option<&Sku>| sku.is_some_and(|sku| tied.contains(&(channel, sku)));
        self.surveyed
            .iter()
            .filter_map(|surveyed| Some((surveyed, surveyed.found.as_ref().ok()?)))
            .flat_map(|(surveyed, found)| found.unfinished.iter().map(move |order| (&surveyed.channel, order)))
            .filter(|(channel, order)| order.lines.iter().any(|line| ties(channel, line.sku.as_ref())))
            .collect()
    }

    fn found(&self, channel: &ChannelName) -> Option<(&Surveyed, &Findings)> {
        let surveyed = self.surveyed.iter().find(|surveyed| surveyed.channel == *channel)?;
        Some((surveyed, surveyed.found.as_ref().ok()?))
    }

    /// Returns a listing that was found.
    pub fn listing(&self, channel: &ChannelName, key: &ListingKey) -> Option<&Listing> {
        self.found(channel)?.1.listings.get(*self.places.get(channel)?.get(key)?)
    }

    fn source(&self) -> Option<&Surveyed> {
        self.surveyed.iter().find(|surveyed| surveyed.role == Role::Source)
    }

    fn source_listing(&self, key: &ListingKey) -> Option<&Listing> {
        self.listing(&self.source()?.channel, key)
    }

    /// Turns proposals that the owner accepts into ties, and lets relisted listings take over what is theirs.
    pub fn accept_proposals(&mut self) {
        self.relistings.iter_mut().for_each(|relisting| relisting.accepted = true);
        for Proposal { channel, target, sku, source, source_sku, .. } in std::mem::take(&mut self.matching.proposals) {
            let sku = sku.unwrap_or(source_sku);
            self.matching.ties.push(Tie { channel, target, sku, source });
        }
        self.matching.ties.sort();
    }

    /// Stores all listings, opens the links, notes the baseline, and puts each channel that was never pushed to behind
    /// a hold that the owner has now been shown (W1, H1, H2).
    pub fn store(&self, store: &mut Store, command: &str, now: Timestamp) -> Result<RunId, LinkError> {
        let run = store.transaction(|tx| {
            let run = tx.begin_run(command, now)?;
            self.store_listings(tx)?;
            let opened = self.store_links(tx, run)?;
            self.store_relistings(tx, run)?;
            self.store_baseline(tx, &opened)?;
            self.hold_first_pushes(tx, now)?;
            tx.end_run(run, now, 0, &format!("{} links made", self.to_open()))?;
            Ok(run)
        })?;
        Ok(run)
    }

    /// Stores what was found and opens no link.
    pub fn store_listings_only(&self, store: &mut Store) -> Result<(), StoreError> {
        store.transaction(|tx| self.store_listings(tx))
    }

    /// Returns from when a link to a channel counts; for a channel that was not read, the beginning of time.
    pub fn active(&self, channel: &ChannelName) -> Timestamp {
        self.found(channel).map_or(Timestamp::UNIX_EPOCH, |(_, found)| found.active)
    }

    /// Stores what was found, without any link: so that `status` and `doctor` can name every listing.
    fn store_listings(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        for surveyed in &self.surveyed {
            let Ok(found) = &surveyed.found else { continue };
            let name = &surveyed.channel;
            let mut channel =
                tx.channel(name)?.unwrap_or_else(|| ChannelState::new(name, surveyed.kind, surveyed.role));
            channel.identity.get_or_insert_with(|| found.account.identity.clone());
            channel.label.get_or_insert_with(|| found.account.label.clone());
            channel.orders_since.get_or_insert(found.active);
            channel.levels_since = Some(found.begun);
            channel.first_read.get_or_insert(found.active);
            channel.scanned = Some(found.begun);
            tx.save_channel(&channel)?;
            tx.save_scan_calls(name, found.calls)?;
            if let Some(quota) = found.quota {
                tx.save_quota(name, &KeptQuota { quota, read: found.begun })?;
            }
            for listing in &found.listings {
                let id = tx.put_listing(name, listing)?;
                let Some(mut known) = tx.known(id)? else { continue };
                // What is linked was read by a run, or is reckoned with by one that is not confirmed yet.
                let is_free = known.reading.is_none() || (!tx.is_linked(id)? && tx.unfinished_of(id)?.is_empty());
                if known.pushed.is_none()
                    && is_free
                    && let Some(level) = listing.level
                {
                    known.reading =
                        Some(Seen { level, begun: found.begun, done: found.active, counter: listing.counter });
                    known.listing.places.clone_from(&listing.places);
                    known.shown = Shown::Exactly(level);
                    tx.save_known(&known)?;
                }
            }
            for key in &found.gone {
                let at = ListingRef { channel: name.clone(), key: key.clone() };
                let Some(mut known) = tx.known_at(&at)?.filter(|known| known.gone.is_none()) else { continue };
                known.gone = Some(found.begun);
                known.give_up();
                tx.save_known(&known)?;
                tx.mark_dirty(&[known.id])?;
            }
        }
        Ok(())
    }

    /// Opens the links of the ties; returns them.
    fn store_links(&self, tx: &Tx<'_>, run: RunId) -> Result<BTreeSet<LinkId>, StoreError> {
        let mut opened = BTreeSet::new();
        let Some(source) = self.source().map(|source| source.channel.clone()) else { return Ok(opened) };
        for tie in &self.matching.ties {
            let at =
                |channel: &ChannelName, key: &ListingKey| ListingRef { channel: channel.clone(), key: key.clone() };
            let (Some(target), Some(part)) =
                (tx.known_at(&at(&tie.channel, &tie.target))?, tx.known_at(&at(&source, &tie.source))?)
            else {
                continue;
            };
            let Some((_, found)) = self.found(&tie.channel) else { continue };
            let by_hand =
                !target.listing.skus().any(|sku| *sku == tie.sku) || !part.listing.skus().any(|s| *s == tie.sku);
            let recipe = [Part { source: part.id, units: 1 }];
            let sku = Some(&tie.sku).filter(|_| target.listing.skus().next().is_some());
            opened.insert(open_link(tx, run, &target, sku, by_hand, &recipe, found.active)?);
        }
        Ok(opened)
    }

    /// Lets relisted listings that the owner accepts take over what was tied of those that are gone: the same recipe,
    /// since the same moment. What was sold on them meanwhile waits no longer (L2). Those of the source come last: their
    /// part in a link goes with the link.
    fn store_relistings(&self, tx: &Tx<'_>, run: RunId) -> Result<(), StoreError> {
        let is_on_source = |relisting: &&Relisting| matches!(relisting.inherits, Inheritance::Followers(_));
        let (on_source, on_targets): (Vec<_>, Vec<_>) = self.accepted().partition(is_on_source);
        for Relisting { relisted, inherits, .. } in on_targets.into_iter().chain(on_source) {
            let at = |key: &ListingKey| ListingRef { channel: relisted.channel.clone(), key: key.clone() };
            let (Some(new), Some(gone)) = (tx.known_at(&at(&relisted.listing))?, tx.known_at(&at(&relisted.gone))?)
            else {
                continue;
            };
            let Some((_, found)) = self.found(&relisted.channel) else { continue };
            match inherits {
                // It may have been untied since it was shown.
                Inheritance::Link(link, _) if tx.link(link.id)?.is_none_or(|link| link.closed.is_some()) => {}
                Inheritance::Link(link, _) => drop(take_over(tx, run, link, &gone, &new, found.active)?),
                Inheritance::Followers(_) => take_over_on_source(tx, run, &gone, &new, found.active)?,
            }
        }
        Ok(())
    }

    /// Notes the orders that are not finished as the baseline: what they took before the links that were just opened is
    /// not taken off. What stands in such an order of a link that was there before counts all the same.
    fn store_baseline(&self, tx: &Tx<'_>, opened: &BTreeSet<LinkId>) -> Result<(), StoreError> {
        store_unfinished(tx, &self.baseline(), |line| line.link.is_none_or(|link| opened.contains(&link)))
    }

    /// Notes the same for links that were just opened by another way than the plan's.
    fn store_baseline_of(&self, tx: &Tx<'_>, opened: &BTreeSet<LinkId>) -> Result<(), StoreError> {
        let found = self.surveyed.iter().filter_map(|surveyed| Some((surveyed, surveyed.found.as_ref().ok()?)));
        let orders: Vec<_> = found
            .flat_map(|(surveyed, found)| found.unfinished.iter().map(move |order| (&surveyed.channel, order)))
            .collect();
        store_unfinished(tx, &orders, |line| line.link.is_some_and(|link| opened.contains(&link)))
    }

    fn hold_first_pushes(&self, tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let ties = self.matching.ties.iter().map(|tie| (&tie.channel, &tie.target));
        let on_target = |relisting: &&Relisting| matches!(relisting.inherits, Inheritance::Link(..));
        let relisted = self.accepted().filter(on_target).map(|relisting| &relisting.relisted);
        let relisted = relisted.map(|relisted| (&relisted.channel, &relisted.listing));
        let mut by_channel = BTreeMap::<&ChannelName, Vec<&ListingKey>>::new();
        for (channel, target) in ties.chain(relisted) {
            by_channel.entry(channel).or_default().push(target);
        }
        for (channel, targets) in by_channel {
            let pushed_ever = tx.channel(channel)?.is_some_and(|channel| channel.pushed_ever);
            if pushed_ever {
                continue;
            }
            let mut frozen = Vec::new();
            for target in targets {
                let at = ListingRef { channel: channel.clone(), key: target.clone() };
                let Some(known) = tx.known_at(&at)? else { continue };
                frozen.push(freeze(tx, &known)?);
            }
            hold_first_push(tx, channel, &frozen, now)?;
        }
        Ok(())
    }
}

impl FirstPush {
    /// Tells whether the first push would change anything.
    pub fn moves(&self) -> bool {
        self.from != self.to.map(Quantity::as_level)
    }
}

/// Stores what orders that are not finished took before their links were made, of the lines that are wanted.
fn store_unfinished(
    tx: &Tx<'_>,
    orders: &[(&ChannelName, &OrderFact)],
    wanted: impl Fn(&Line) -> bool,
) -> Result<(), StoreError> {
    for (channel, order) in orders {
        for fact in &order.lines {
            if tx.line(channel, &fact.key)?.is_some() {
                continue;
            }
            let listing = listing_of(tx, channel, fact)?;
            let links = tx.links_for_line(channel, listing, fact.sku.as_ref())?;
            let counting = Counting {
                role: Role::Target,
                deduct_sales: true,
                restock: crate::domain::policy::Restock::Unshipped,
                switched_on: true,
                first_read: None,
                now: order.placed,
            };
            let mut line = absorb(None, channel, order, fact, listing, &links, counting).line;
            if !wanted(&line) {
                continue;
            }
            line.baseline = if stands(Safeguard::Baseline) { line.taken } else { 0 };
            line.unfinished = true;
            tx.save_line(&mut line)?;
        }
    }
    Ok(())
}

/// Takes nothing from a channel that answers as another account than its name is tied to (I1).
fn check_accounts(surveyed: &mut [Surveyed], store: &Store) -> Result<(), StoreError> {
    let kept = store.read(|tx| tx.channels())?;
    let configured: Vec<ChannelName> = surveyed.iter().map(|surveyed| surveyed.channel.clone()).collect();
    for surveyed in surveyed {
        let Ok(found) = &surveyed.found else { continue };
        let contact = contact(&surveyed.channel, &found.account.identity, &kept, &configured);
        if let Some(error) = disagreement(&surveyed.channel, &found.account, &contact) {
            surveyed.found = Err(error);
        }
    }
    Ok(())
}

fn places(surveyed: &Surveyed) -> BTreeMap<ListingKey, usize> {
    let Ok(found) = &surveyed.found else { return BTreeMap::new() };
    found.listings.iter().enumerate().map(|(nth, listing)| (listing.key.clone(), nth)).collect()
}

/// Returns what is linked already; of the listings that were not found, only those count as gone that were looked up.
fn linked(tx: &Tx<'_>, surveyed: &[Surveyed]) -> Result<Linked, StoreError> {
    let mut linked = Linked::default();
    let found = |channel: &ChannelName| surveyed.iter().find(|s| s.channel == *channel)?.found.as_ref().ok();
    for link in tx.open_links()? {
        if let Some(known) = tx.known(link.listing)? {
            if let Some(sku) = link.sku.clone()
                && found(&known.at.channel).is_some_and(|found| found.gone.contains(&known.at.key))
            {
                linked.gone.entry((known.at.channel.clone(), sku)).or_default().push(known.at.key.clone());
            }
            linked.targets.insert((known.at.channel, known.at.key, link.sku));
        }
        for part in &link.recipe {
            let Some(source) = tx.known(part.source)? else { continue };
            if found(&source.at.channel).is_some_and(|found| found.gone.contains(&source.at.key)) {
                for sku in source.listing.skus() {
                    let gone = linked.gone.entry((source.at.channel.clone(), sku.clone())).or_default();
                    if !gone.contains(&source.at.key) {
                        gone.push(source.at.key.clone());
                    }
                }
            }
            linked.sources.insert(source.at.key);
        }
    }
    Ok(linked)
}

fn open_link(
    tx: &Tx<'_>,
    run: RunId,
    target: &Known,
    sku: Option<&Sku>,
    by_hand: bool,
    recipe: &[Part],
    active: Timestamp,
) -> Result<LinkId, StoreError> {
    let id = tx.open_link(target.id, sku, by_hand, recipe, active)?;
    record_linked(tx, run, target, recipe, active)?;
    tx.mark_dirty(&[target.id])?;
    Ok(id)
}

pub(super) fn record_linked(
    tx: &Tx<'_>,
    run: RunId,
    target: &Known,
    recipe: &[Part],
    when: Timestamp,
) -> Result<(), StoreError> {
    let shown = target.shown.most();
    record(tx, run, target, Why::Linked, (shown, shown), when, None)?;
    for part in recipe {
        if let Some(source) = tx.known(part.source)? {
            let level = source.reading.map(|seen| seen.level);
            let note = Some(format!("with {}", target.at));
            record(tx, run, &source, Why::Linked, (level, level), when, note)?;
        }
    }
    Ok(())
}

pub(super) fn freeze(tx: &Tx<'_>, known: &Known) -> Result<Frozen, StoreError> {
    let mut parts = Vec::new();
    for part in tx.links_of(known.id)?.iter().flat_map(|link| link.recipe.clone()) {
        let sold = tx.known(part.source)?.map_or(0, |source| source.sold);
        parts.push(FrozenPart { source: part.source, units: part.units, sold });
    }
    let quantity = known.shown.most().map_or(Quantity::at_least_zero(i64::MAX), Level::offerable);
    Ok(Frozen { listing: known.id, quantity, parts })
}

/// Puts listings behind the first push to their channel, and says what that push would change in all (H1).
fn hold_first_push(tx: &Tx<'_>, channel: &ChannelName, frozen: &[Frozen], now: Timestamp) -> Result<(), StoreError> {
    if !stands(Safeguard::FirstPushIsHeld) {
        return Ok(());
    }
    let open = tx.holds()?.into_iter().find(|hold| hold.channel == *channel && hold.why == HoldWhy::FirstPush);
    let id = match open {
        Some(open) => open.id,
        None => tx.make_hold(channel, HoldWhy::FirstPush, now, "", &[])?,
    };
    tx.widen_hold(id, "", frozen)?;
    let held = tx.frozen(id)?;
    let mut moved = 0;
    for frozen in &held {
        moved += usize::from(first_push_moves(tx, frozen)?);
    }
    let note = format!("the first push to {channel} would change {moved} of {} listings", held.len());
    tx.widen_hold(id, &note, &[])?;
    tx.report_holds(&[id])
}

/// Tells whether a listing would show another number than it does, before any rule.
fn first_push_moves(tx: &Tx<'_>, frozen: &Frozen) -> Result<bool, StoreError> {
    let mut made: Option<i64> = None;
    for part in &frozen.parts {
        let level = tx.known(part.source)?.and_then(|known| known.reading).map_or(0, |seen| seen.level.0);
        let of_part = level.div_euclid(part.units.max(1));
        made = Some(made.map_or(of_part, |made| made.min(of_part)));
    }
    Ok(made.is_some_and(|made| Quantity::at_least_zero(made) != frozen.quantity))
}

/// Ties a listing by hand. A link that its SKU had is closed first.
pub fn tie_by_hand(
    store: &mut Store,
    source: &ChannelName,
    tie: &HandTie,
    command: &str,
    now: Timestamp,
) -> Result<(), LinkError> {
    let target = find(store, &tie.channel, &tie.target)?;
    let mut recipe = Vec::new();
    for (sku, units) in &tie.parts {
        if *units < 1 {
            return Err(LinkError::Wrong(format!("{units} units of {sku} make no recipe; it takes 1 or more")));
        }
        recipe.push(Part { source: only_bearing(store, source, sku)?.id, units: *units });
    }
    let recipe = crate::domain::link::recipe(recipe);
    let sku = tie.sku.clone().or_else(|| target.listing.skus().next().cloned());
    store.transaction(|tx| {
        let run = tx.begin_run(command, now)?;
        for old in tx.links_of(target.id)?.into_iter().filter(|old| old.sku == sku) {
            tx.close_link(old.id, now)?;
        }
        open_link(tx, run, &target, sku.as_ref(), true, &recipe, now)?;
        let pushed_ever = tx.channel(&tie.channel)?.is_some_and(|channel| channel.pushed_ever);
        if !pushed_ever {
            let frozen = [freeze(tx, &target)?];
            hold_first_push(tx, &tie.channel, &frozen, now)?;
        }
        tx.end_run(run, now, 0, "1 link made by hand")
    })?;
    Ok(())
}

/// Closes the links of a target listing; returns how many there were.
pub fn remove(
    store: &mut Store,
    channel: &ChannelName,
    target: &str,
    command: &str,
    now: Timestamp,
) -> Result<usize, LinkError> {
    let target = find(store, channel, target)?;
    let closed = store.transaction(|tx| {
        let run = tx.begin_run(command, now)?;
        let links: Vec<Link> = tx.links_of(target.id)?;
        for link in &links {
            tx.close_link(link.id, now)?;
        }
        if !links.is_empty() {
            let shown = target.shown.most();
            record(tx, run, &target, Why::Unlinked, (shown, shown), now, None)?;
        }
        tx.end_run(run, now, 0, &format!("{} links closed", links.len()))?;
        Ok(links.len())
    })?;
    Ok(closed)
}

/// Closes the links of all listings of a channel; returns how many there were.
pub fn remove_all(store: &mut Store, channel: &ChannelName, command: &str, now: Timestamp) -> Result<usize, LinkError> {
    let closed = store.transaction(|tx| {
        let run = tx.begin_run(command, now)?;
        let mut closed = 0;
        for (id, _) in tx.linked_keys(channel)? {
            let Some(known) = tx.known(id)? else { continue };
            for link in tx.links_of(id)? {
                tx.close_link(link.id, now)?;
                closed += 1;
            }
            let shown = known.shown.most();
            record(tx, run, &known, Why::Unlinked, (shown, shown), now, None)?;
        }
        tx.end_run(run, now, 0, &format!("{closed} links closed"))?;
        Ok(closed)
    })?;
    Ok(closed)
}

/// Finds the one listing of a channel that bears a SKU. Where a listing's key is its SKU, as in a plain list, the key of
/// the first of several is no answer to which of them is meant.
fn only_bearing(store: &Store, channel: &ChannelName, sku: &Sku) -> Result<Known, LinkError> {
    let mut bearing = store.read(|tx| tx.listings_by_sku(sku))?;
    bearing.retain(|known| known.at.channel == *channel);
    match bearing.as_slice() {
        [known] => Ok(known.clone()),
        [] => Err(LinkError::Wrong(format!(
            "{channel} has no listing with the SKU `{sku}`; `eys link` reads the channels anew"
        ))),
        several => {
            let names: Vec<String> =
                several.iter().map(|known| format!("{} ({})", known.at.key, known.listing.title())).collect();
            Err(LinkError::Wrong(format!(
                "{channel} has {} listings with the SKU `{sku}`: {}; give each a SKU of its own there, then link again",
                several.len(),
                names.join(", ")
            )))
        }
    }
}

/// Finds the one listing of a channel with this key or this SKU.
fn find(store: &Store, channel: &ChannelName, name: &str) -> Result<Known, LinkError> {
    let wrong = |why: String| LinkError::Wrong(why);
    let known = store.read(|tx| {
        let at = ListingRef { channel: channel.clone(), key: ListingKey::new(name) };
        if let Some(known) = tx.known_at(&at)? {
            return Ok(vec![known]);
        }
        let Some(sku) = Sku::new(name) else { return Ok(Vec::new()) };
        let all = tx.listings_by_sku(&sku)?;
        Ok(all.into_iter().filter(|known| known.at.channel == *channel).collect())
    })?;
    match known.as_slice() {
        [known] => Ok(known.clone()),
        [] => Err(wrong(format!("{channel} has no listing `{name}`; `eys link` reads the channels anew"))),
        several => {
            let keys: Vec<&str> = several.iter().map(|known| known.at.key.as_str()).collect();
            Err(wrong(format!("{channel} has {} listings with the SKU `{name}`: {}", several.len(), keys.join(", "))))
        }
    }
}

/// One part of a link, as it is exported: channel, listing, SKU, source listing, source SKU, units.
pub type Exported = [String; 6];

/// Returns all open links, a row a part.
pub fn export(store: &Store) -> Result<Vec<Exported>, StoreError> {
    store.read(|tx| {
        let mut rows = Vec::new();
        for link in tx.open_links()? {
            let Some(target) = tx.known(link.listing)? else { continue };
            for part in &link.recipe {
                let Some(source) = tx.known(part.source)? else { continue };
                rows.push([
                    target.at.channel.to_string(),
                    target.at.key.to_string(),
                    link.sku.as_ref().map_or_else(String::new, ToString::to_string),
                    source.at.key.to_string(),
                    source.listing.skus().next().map_or_else(String::new, ToString::to_string),
                    part.units.to_string(),
                ]);
            }
        }
        Ok(rows)
    })
}

/// Opens the links of an export, with a new baseline: nothing that was sold before the plan was made counts. Links that
/// are open already stay; one that is made of something else by now is closed for the one of the file. Returns how many
/// were opened.
pub fn import(
    store: &mut Store,
    source: &ChannelName,
    rows: &[Exported],
    plan: &LinkPlan,
    command: &str,
    now: Timestamp,
) -> Result<usize, LinkError> {
    let mut links = BTreeMap::<(String, String, String), Vec<Part>>::new();
    for [channel, listing, sku, source_listing, source_sku, units] in rows {
        let part = find(store, source, source_listing).or_else(|_| find(store, source, source_sku))?;
        let units = units.trim().parse().ok().filter(|units| *units > 0);
        let units =
            units.ok_or_else(|| LinkError::Wrong(format!("the units of {listing} on {channel} are no number")))?;
        let key = (channel.clone(), listing.clone(), sku.clone());
        links.entry(key).or_default().push(Part { source: part.id, units });
    }
    // All rows are looked up before the first link is opened: a file with a wrong row opens nothing.
    let mut ties = Vec::new();
    for ((channel, listing, sku), parts) in links {
        let name = ChannelName::new(&channel).ok_or_else(|| LinkError::Wrong(format!("`{channel}` is no channel")))?;
        let target = find(store, &name, &listing)?;
        let sku = Sku::new(&sku);
        let recipe = crate::domain::link::recipe(parts);
        let plain = matches!(recipe.as_slice(), [Part { units: 1, source }] if bears(store, *source, sku.as_ref())?);
        ties.push((name, target, sku, recipe, plain));
    }
    let opened = store.transaction(|tx| {
        let run = tx.begin_run(command, now)?;
        let mut opened = BTreeSet::new();
        for (name, target, sku, recipe, plain) in &ties {
            let old = tx.links_of(target.id)?.into_iter().find(|link| link.sku == *sku);
            if old.as_ref().is_some_and(|old| old.recipe == *recipe) {
                continue;
            }
            if let Some(old) = old {
                tx.close_link(old.id, now)?;
            }
            opened.insert(open_link(tx, run, target, sku.as_ref(), !plain, recipe, plan.active(name))?);
            if !tx.channel(name)?.is_some_and(|channel| channel.pushed_ever) {
                hold_first_push(tx, name, &[freeze(tx, target)?], now)?;
            }
        }
        plan.store_baseline_of(tx, &opened)?;
        tx.end_run(run, now, 0, &format!("{} links imported", opened.len()))?;
        Ok(opened.len())
    })?;
    Ok(opened)
}

fn bears(store: &Store, listing: ListingId, sku: Option<&Sku>) -> Result<bool, StoreError> {
    let known = store.read(|tx| tx.known(listing))?;
    Ok(known.is_some_and(|known| known.listing.skus().any(|own| Some(own) == sku)))
}
