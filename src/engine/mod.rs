//! The effects, in one order that can be read top to bottom.
//!
//! A [`Cycle`](cycle::Cycle) reads the channels, takes in what they report, settles what was sold, plans, pushes, and
//! looks again. Everything that is decided on the way is decided by the pure functions of
//! [`domain`](crate::domain); what stands here is when they are called and what is stored before and after.
//!
//! | the process dies… | what the next run finds | what it does |
//! |---|---|---|
//! | before an intent is committed | nothing | plans again |
//! | after that, before the call is sent | an open intent | sends the stored call again |
//! | after the call is sent, before its answer is stored | an open intent | sends it again under its key, or compares |
//! | while quantities are pushed | listings that show *at most* so many | reads them by key and plans again |

mod accounts;
pub mod checkup;
mod confirming;
mod cycle;
mod doubts;
mod forgetting;
mod holding;
mod lane;
mod last_unit;
pub mod linking;
mod orders;
mod planning;
mod pushing;
mod quota;
mod readings;
mod release;
mod relisting;
mod report;
mod settling;
pub mod source;
pub mod standing;
mod take;
mod turn;
mod undoing;
mod visibility;
mod weighing;
pub mod whose;
mod zero;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

pub use self::doubts::settle_doubt;
pub use self::holding::{Evidence, another_app};
pub use self::lane::Lane;
pub use self::release::Release;
pub use self::relisting::{Inheritance, Relisting};
pub use self::report::{
    Adjusted, Deduction, KeptReport, LaneEnd, LaneReport, Progress, PushEnd, PushReport, Quiet, Report, SaleReport,
    Stage, Trouble,
};
use crate::domain::guard::Guard;
use crate::domain::rule::Rule;
use crate::domain::{ChannelName, RunId, Sku};
use crate::store::{Store, StoreError};

/// Tells the time of this machine. It stamps runs; it decides nothing, since it may be wrong (Y1).
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the engine needs of the world besides its channels.
#[derive(Clone)]
pub struct Surroundings {
    /// The time of this machine.
    pub clock: Clock,
    /// Makes a fresh key for a writing call.
    pub new_key: Arc<dyn Fn() -> String + Send + Sync>,
    /// Hears how far each lane is.
    pub progress: Arc<dyn Progress>,
}

/// The owner's choices that are not about one channel.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The master switch.
    pub inventory_sync: bool,
    /// The loop's pace.
    pub every: Duration,
    /// How long missing units are waited for (R3).
    pub grace: SignedDuration,
    /// How long a run waits for a slow channel.
    pub patience: Duration,
    /// The brakes.
    pub guard: Guard,
    /// The rules.
    pub rules: Vec<Rule>,
    /// What tells one set of rules and channel policies from another.
    pub rules_print: String,
}

/// What one run is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The command line, for the list of runs.
    pub command: String,
    /// Writes to no channel and to no state (H3).
    pub dry_run: bool,
    /// Reads everything in full.
    pub full: bool,
    /// Releases what was shown to the owner before (H2).
    pub yes: bool,
    /// Releases these.
    pub release: Vec<Release>,
    /// Pushes to these channels only; empty for all (U2).
    pub channels: Vec<ChannelName>,
    /// Pushes listings only whose recipe has one of these source SKUs; empty for all (U2).
    pub skus: Vec<Sku>,
    /// Counts the held and the baseline lines of these channels (W1).
    pub count_missed: Vec<ChannelName>,
    /// Drops the held lines of these channels.
    pub ignore_missed: Vec<ChannelName>,
    /// Puts back what the listings showed before this run (U1), and writes nothing else.
    pub undo: Option<RunId>,
}

/// Why a run could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something to release is not there.
    #[error("there is no hold `{0}`")]
    NoSuchHold(String),
    /// The source is to be another one, and something is still open at the one before (I3).
    #[error("the source cannot change from {former} to {new} now: {open}")]
    SourceOwed {
        /// The channel that was the source.
        former: ChannelName,
        /// The one that is to be it.
        new: ChannelName,
        /// What is owed or open, in words.
        open: String,
    },
    /// A run that is to be undone is not there.
    #[error("there is no run {}", .0.0)]
    NoSuchRun(RunId),
    /// A run that is to be undone wrote to no listing.
    #[error("run {} wrote to no listing: there is nothing to undo", .0.0)]
    NothingToUndo(RunId),
    /// There is no source among the channels.
    #[error("no channel has the role of the source")]
    NoSource,
}

/// The channels of a shop, kept between the cycles of a loop.
pub struct Engine {
    lanes: Vec<Lane>,
    settings: Settings,
    around: Surroundings,
    jobs: JoinSet<lane::LaneReport>,
    /// Whose each job in flight is; one may outlive the cycle that gave it.
    flying: HashMap<Id, ChannelName>,
}

impl Engine {
    /// Makes an engine for the channels of a shop.
    pub fn new(lanes: Vec<Lane>, settings: Settings, around: Surroundings) -> Self {
        Self { lanes, settings, around, jobs: JoinSet::new(), flying: HashMap::new() }
    }

    /// Takes over changed channels and choices before the next cycle.
    pub fn configure(&mut self, lanes: Vec<Lane>, settings: Settings) {
        self.lanes = lanes;
        self.settings = settings;
    }

    /// Makes one cycle: reads, settles, plans, pushes, looks again. The caller holds the state's lock. When `stop` is
    /// cancelled, the calls in flight are finished and settled, and nothing new is begun.
    pub async fn cycle(
        &mut self,
        store: &mut Store,
        options: &Options,
        stop: &CancellationToken,
    ) -> Result<Report, EngineError> {
        let changed = source::change(&self.lanes, store, (self.around.clock)()).await?;
        let mut cycle = cycle::Cycle::begin(self, store, options)?;
        cycle.report_change(changed);
        cycle.drive(stop).await?;
        cycle.finish()
    }
}
