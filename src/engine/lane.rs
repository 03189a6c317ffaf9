//! Lanes: each channel does one job at a time, at its own pace, and reports; none waits for another (P7).
//!
//! A lane knows the network and nothing of the state; the coordinator knows the state and nothing of the network. So
//! the journal has one order, and nothing needs a lock.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::Clock;
use super::report::{Progress, Stage};
use crate::channel::{
    Account, Adjustment, Attempt, Channel, ChannelError, Outcome, Page, PageToken, Remark, Showing, Standing, Update,
};
use crate::domain::policy::{Restock, SourceGone, ZeroStock};
use crate::domain::{
    CallId, Capability, ChannelName, ExactlyOnce, Listing, ListingId, ListingKey, OrderFact, OrderWindow, Reading,
    Role, StoredCall, Trace, Traces, Writer,
};
use crate::safeguard::{Safeguard, stands};

/// Pages that one list may have; a list that never ends is an error, not a hang.
const MOST_PAGES: usize = 20_000;
/// How long an adjustment without an answer rests before it is sent again (F1).
const BREATH: Duration = Duration::from_secs(2);

/// A channel with the owner's choices for it.
#[derive(Clone)]
pub struct Lane {
    /// Its name.
    pub name: ChannelName,
    /// Its kind, by name, for the state and the screen.
    pub kind: &'static str,
    /// What it is for.
    pub role: Role,
    /// Its adapter.
    pub channel: Arc<dyn Channel>,
    /// Whether pushes to it are switched on.
    pub inventory_sync: bool,
    /// What happens at zero.
    pub zero_stock: ZeroStock,
    /// What happens when the source listing is gone.
    pub source_gone: SourceGone,
    /// Whether its sales are taken off the source.
    pub deduct_sales: bool,
    /// Which cancelled units go back.
    pub restock: Restock,
}

impl Lane {
    /// Returns what its channel can do.
    pub fn capability(&self) -> &Capability {
        self.channel.capability()
    }

    /// Tells whether nothing but a full reading tells what its owner changed there.
    pub fn tells_nothing(&self) -> bool {
        let capability = self.capability();
        self.role == Role::Source && !capability.reads_changes && !capability.cheap_scan
    }
}

/// What a lane is asked to do.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// Ask who it is, and what states that wrote to it left at its account.
    Meet,
    /// Read what they left with some listings.
    Vouch(Vec<(ListingId, ListingKey)>),
    /// Leave our own trace in place of what was found.
    Leave(Writer, Option<Trace>),
    /// Read orders and quantities.
    Observe(Observe),
    /// Read some listings by key.
    Look(Vec<(ListingId, ListingKey)>),
    /// Prepare an adjustment, without sending it.
    Prepare(Vec<(ListingId, Adjustment)>, String),
    /// Send a stored adjustment.
    Adjust(Sending),
    /// Rest, before what was just confirmed is read again (X4).
    Rest(SignedDuration),
    /// Look whether a listing can stand at 0 (Z3).
    AskZero,
    /// Write quantities.
    Push(Vec<(ListingId, Update)>, String),
    /// Tell what a listing is, before it is hidden or ended.
    Stand(ListingId, ListingKey),
    /// Hide, end or show a listing.
    Show(ListingId, ListingKey, Showing),
}

/// A stored adjustment that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    pub id: CallId,
    pub call: StoredCall,
    pub attempt: Attempt,
    /// Whether it had no answer just now, and rests before it is sent again (F1).
    pub rests: bool,
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Observe {
    /// Which orders; `None` where the channel has none.
    pub orders: Option<OrderWindow>,
    /// Which quantities.
    pub levels: Levels,
}

/// Which quantities to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Levels {
    /// All listings with all their facts.
    Scan,
    /// Those that changed since a moment of the channel's clock.
    ChangedSince(Timestamp),
    /// None now.
    Nothing,
}

/// What a lane reports. Every list is complete, or the whole is an error.
#[derive(Debug)]
pub(super) struct LaneReport {
    /// The channel.
    pub channel: ChannelName,
    /// The channel's clock when the job began and when it was done.
    pub begun: Timestamp,
    /// The channel's clock when it was done.
    pub done: Timestamp,
    /// What came of it.
    pub result: JobResult,
    /// What it did beside what was asked for.
    pub remarks: Vec<Remark>,
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum JobResult {
    Met(Result<(Account, Option<Trace>), ChannelError>),
    Vouched(Vec<ListingId>, Result<Vec<Option<Trace>>, ChannelError>),
    Left(Result<Outcome, ChannelError>),
    Observed(Box<Result<Observed, ChannelError>>),
    Looked(Vec<ListingId>, Result<Vec<Reading>, ChannelError>),
    Prepared(Vec<(ListingId, Adjustment)>, Result<StoredCall, ChannelError>),
    Adjusted(CallId, Attempt, Result<Vec<Outcome>, ChannelError>),
    Rested,
    ZeroKept(Result<bool, ChannelError>),
    Pushed(Vec<(ListingId, Update)>, Result<Vec<Outcome>, ChannelError>),
    Stood(ListingId, Result<Option<Standing>, ChannelError>),
    Shown(ListingId, Result<Outcome, ChannelError>),
}

/// What an observation found.
#[derive(Debug)]
pub(super) struct Observed {
    /// Whose account answered.
    pub account: Account,
    /// The orders, and the window they were asked for.
    pub orders: Option<(OrderWindow, Vec<OrderFact>)>,
    /// When the reading of quantities began, by the channel's clock.
    pub levels_begun: Timestamp,
    /// The quantities.
    pub levels: Quantities,
}

/// Quantities as they were asked for.
#[derive(Debug)]
pub(super) enum Quantities {
    /// All listings, and how many calls that took.
    Scanned {
        listings: Vec<Listing>,
        calls: usize,
    },
    Changed(Vec<Reading>),
    Nothing,
}

/// Does one job. Never more than one at a time runs for a lane.
pub(super) async fn work(lane: Lane, job: Job, clock: Clock, progress: Arc<dyn Progress>) -> LaneReport {
    let started = Instant::now();
    let at_start = lane.channel.clock();
    let result = work_on(&lane, job, &clock, progress.as_ref()).await;
    let (done, remarks) = (clock(), lane.channel.remarks());
    let begun = at_start.unwrap_or_else(|| back(done, started.elapsed()));
    LaneReport { channel: lane.name, begun, done, result, remarks }
}

async fn work_on(lane: &Lane, job: Job, clock: &Clock, progress: &dyn Progress) -> JobResult {
    let channel = lane.channel.as_ref();
    let stage = |stage, items| progress.lane(&lane.name, stage, items);
    match job {
        Job::Meet => JobResult::Met(meet(lane).await),
        Job::Vouch(listings) => {
            let (ids, keys): (Vec<_>, Vec<_>) = listings.into_iter().unzip();
            JobResult::Vouched(ids, channel.traces(&keys).await)
        }
        Job::Leave(ours, found) => JobResult::Left(channel.leave(&ours, found.as_ref()).await),
        Job::Observe(what) => JobResult::Observed(Box::new(observe(lane, what, clock, progress).await)),
        Job::Look(listings) => {
            stage(Stage::Quantities, listings.len());
            let (ids, keys): (Vec<_>, Vec<_>) = listings.into_iter().unzip();
            JobResult::Looked(ids, channel.levels(&keys).await)
        }
        Job::Prepare(batch, key) => {
            let adjustments: Vec<Adjustment> = batch.iter().map(|(_, adjustment)| adjustment.clone()).collect();
            JobResult::Prepared(batch, channel.prepare(&adjustments, &key).await)
        }
        Job::Adjust(Sending { id, call, attempt, rests }) => {
            stage(Stage::Deducting, 0);
            if rests {
                tokio::time::sleep(BREATH).await;
            }
            let marks = channel.capability().exactly_once == ExactlyOnce::Marker;
            let sent_as = if marks && !stands(Safeguard::MarkIsLookedFor) { Attempt::First } else { attempt };
            JobResult::Adjusted(id, attempt, channel.adjust(&call, sent_as).await)
        }
        Job::Rest(time) => {
            tokio::time::sleep(Duration::try_from(time).unwrap_or_default()).await;
            JobResult::Rested
        }
        Job::AskZero => JobResult::ZeroKept(channel.keeps_zero().await),
        Job::Push(batch, key) => {
            stage(Stage::Pushing, batch.len());
            let updates: Vec<Update> = batch.iter().map(|(_, update)| update.clone()).collect();
            JobResult::Pushed(batch, channel.set(&updates, &key).await)
        }
        Job::Stand(id, key) => JobResult::Stood(id, channel.standing(&key).await),
        Job::Show(id, key, showing) => {
            let outcome = channel.show(&key, &showing).await;
            JobResult::Shown(id, outcome)
        }
    }
}

async fn meet(lane: &Lane) -> Result<(Account, Option<Trace>), ChannelError> {
    let account = lane.channel.account().await?;
    if lane.capability().traces != Traces::Account {
        return Ok((account, None));
    }
    Ok((account, lane.channel.traces(&[]).await?.into_iter().flatten().next()))
}

/// Reads orders, then quantities: a sale whose order was read is contained in a quantity that is read after it.
async fn observe(lane: &Lane, what: Observe, clock: &Clock, progress: &dyn Progress) -> Result<Observed, ChannelError> {
    let channel = lane.channel.as_ref();
    let mut account = None;
    let mut orders = None;
    if let Some(window) = what.orders {
        let found = pages(
            "reading orders",
            &mut account,
            |page| channel.orders(&window, page),
            |items| {
                progress.lane(&lane.name, Stage::Orders, items);
            },
        )
        .await?;
        orders = Some((window, found));
    }
    let started = Instant::now();
    let clock_before = channel.clock();
    let on_page = |items| progress.lane(&lane.name, Stage::Quantities, items);
    let levels = match what.levels {
        Levels::Scan => {
            let (listings, calls) = all_listings(channel, &mut account, on_page).await?;
            Quantities::Scanned { listings, calls }
        }
        Levels::ChangedSince(since) => Quantities::Changed(
            pages("reading changed quantities", &mut account, |page| channel.changed(since, page), on_page).await?,
        ),
        Levels::Nothing => Quantities::Nothing,
    };
    let account = match account {
        Some(account) => account,
        None => channel.account().await?,
    };
    let now = || channel.clock().unwrap_or_else(|| clock());
    let levels_begun = clock_before.unwrap_or_else(|| back(now(), started.elapsed()));
    Ok(Observed { account, orders, levels_begun, levels })
}

/// Reads all listings, and tells how many calls that took: as the channel counts them, else one a page.
pub(super) async fn all_listings(
    channel: &dyn Channel,
    account: &mut Option<Account>,
    mut on_page: impl FnMut(usize),
) -> Result<(Vec<Listing>, usize), ChannelError> {
    let (before, mut read) = (channel.listing_calls(), 0_usize);
    let tell = |items| {
        read += 1;
        on_page(items);
    };
    let found = pages("reading listings", account, |page| channel.listings(page), tell).await?;
    let made = channel.listing_calls().zip(before).map(|(now, before)| now.saturating_sub(before));
    Ok((merge(found), made.map_or(read, |made| usize::try_from(made).unwrap_or(usize::MAX))))
}

/// Walks through the pages of a list, to the end or to an error: a list is complete or it is none.
pub(super) async fn pages<T, F>(
    operation: &'static str,
    account: &mut Option<Account>,
    mut fetch: impl FnMut(Option<PageToken>) -> F,
    mut on_page: impl FnMut(usize),
) -> Result<Vec<T>, ChannelError>
where
    F: Future<Output = Result<Page<T>, ChannelError>>,
{
    let mut items = Vec::new();
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let page = fetch(token.clone()).await?;
        items.extend(page.items);
        on_page(items.len());
        *account = page.account.or(account.take());
        match page.next {
            None => return Ok(items),
            next if next == token => break,
            next => token = next,
        }
    }
    Err(ChannelError::unexpected(operation, "the list of pages never ends"))
}

/// Merges listings of the same key, which one platform spreads over several entries: the goods are joined.
fn merge(listings: Vec<Listing>) -> Vec<Listing> {
    let mut places = std::collections::HashMap::with_capacity(listings.len());
    let mut merged: Vec<Listing> = Vec::with_capacity(listings.len());
    for listing in listings {
        match places.entry(listing.key.clone()) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(merged.len());
                merged.push(listing);
            }
            std::collections::hash_map::Entry::Occupied(place) => {
                let goods = &mut merged[*place.get()].goods;
                goods.extend(listing.goods.into_iter().filter(|good| !goods.contains(good)).collect::<Vec<_>>());
            }
        }
    }
    merged
}

fn back(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.saturating_sub(by).unwrap_or(Timestamp::MIN)
}
