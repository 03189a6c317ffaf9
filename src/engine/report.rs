//! What a run tells afterwards, as data: the screen and the JSON are made from it, and so are the exit codes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::channel::ChannelError;
use crate::domain::{
    ChannelName, Hold, HoldId, IntentId, Level, Line, LineHold, ListingRef, Quantity, Role, RunId, Sku,
};

/// What a run did, or with `--dry-run` would have done.
#[derive(Clone, Debug)]
pub struct Report {
    /// The run's number; `None` in a dry run, which leaves no trace.
    pub run: Option<RunId>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How each channel fared, in the order of channels.toml.
    pub lanes: Vec<LaneReport>,
    /// The sales, cancellations and changes that were new in this run.
    pub sales: Vec<SaleReport>,
    /// What was taken off the source or given back to it.
    pub deductions: Vec<Deduction>,
    /// What was, or would be, written to targets.
    pub pushes: Vec<PushReport>,
    /// Listings that were renewed, for which their platform charges a fee (Z4).
    pub renewed: Vec<Trouble>,
    /// What an undone run wrote and was not put back, or not all of it.
    pub kept: Vec<KeptReport>,
    /// The holds that stand at its end.
    pub holds: Vec<Hold>,
    /// Of those, the ones that a dry run came to: they get their number when a run makes them (P6).
    pub unmade: BTreeSet<HoldId>,
    /// What went wrong or waits, with the mend.
    pub troubles: Vec<Trouble>,
    /// What limits listings for now and ends by itself.
    pub limits: Vec<Trouble>,
    /// Links that need nothing: what they show is what they are offered.
    pub unchanged: usize,
    /// The second look was cut short because new sales kept coming in; the next run goes on.
    pub cut_short: bool,
}

/// How a channel fared in a run.
#[derive(Clone, Debug)]
pub struct LaneReport {
    /// The channel.
    pub channel: ChannelName,
    /// What it is for.
    pub role: Role,
    /// How it ended.
    pub end: LaneEnd,
    /// Orders that were read.
    pub orders: usize,
    /// Quantities that were read.
    pub readings: usize,
    /// Calls that were made, every attempt counted.
    pub calls: u64,
    /// Of those, calls that write.
    pub writes: u64,
}

/// How a lane ended.
#[derive(Clone, Debug)]
pub enum LaneEnd {
    /// Everything was read and written.
    Complete,
    /// It could not be used.
    Failed(ChannelError),
    /// It did not answer within the patience of this run.
    Late,
    /// `inventory_sync = false` for it.
    Off,
}

/// A sale or its change, as this run first saw it.
#[derive(Clone, Debug)]
pub struct SaleReport {
    /// The channel it was sold on.
    pub channel: ChannelName,
    /// The order's number there.
    pub order: String,
    /// The SKU.
    pub sku: Option<Sku>,
    /// Units sold; below zero, units that came back.
    pub units: i64,
    /// Whether it counts; a sale of something that is not linked is told and not counted.
    pub counts: bool,
    /// Whether it was placed before its channel was first read; then it does not count either.
    pub older: bool,
    /// Why it waits for the owner.
    pub held: Option<LineHold>,
}

impl SaleReport {
    /// Tells whether it is the sale of a line.
    pub fn is_of(&self, line: &Line) -> bool {
        (&self.channel, &self.order, &self.sku) == (&line.channel, &line.order, &line.sku)
    }
}

/// An adjustment of the source.
#[derive(Clone, Debug)]
pub struct Deduction {
    /// The source listing.
    pub listing: ListingRef,
    /// Its SKU.
    pub sku: Option<Sku>,
    /// The level before.
    pub from: Level,
    /// The level after, or as it would be.
    pub to: Level,
    /// The orders behind it: channel and number.
    pub orders: Vec<(ChannelName, String)>,
    /// The intent, once there is one.
    pub intent: Option<IntentId>,
    /// How it ended.
    pub end: Adjusted,
}

/// How an adjustment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adjusted {
    /// A dry run stops here.
    Planned,
    /// The source confirmed it.
    Applied,
    /// It goes on in the next run.
    Pending(String),
    /// Nobody can tell whether it happened; the owner decides.
    InDoubt,
}

/// A write to a target.
#[derive(Clone, Debug)]
pub struct PushReport {
    /// The target listing.
    pub listing: ListingRef,
    /// Its first SKU.
    pub sku: Option<Sku>,
    /// Its title.
    pub title: String,
    /// What it showed.
    pub from: Option<Level>,
    /// What it is to show.
    pub to: Quantity,
    /// Why, in words: how the number came about.
    pub why: Vec<String>,
    /// How it ended.
    pub end: PushEnd,
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushEnd {
    /// A dry run stops here.
    Planned,
    /// The platform took it.
    Done,
    /// It is out of sight now.
    Hidden,
    /// It is ended now, as its owner wants it at 0.
    Ended,
    /// It is in sight again.
    ShownAgain,
    /// It stands under a hold.
    Held(HoldId),
    /// The platform refused it, in its words.
    Refused(String),
    /// It goes on in the next run.
    Pending(String),
}

/// A listing that is not put back to what it showed before the run that is undone.
#[derive(Clone, Debug)]
pub struct KeptReport {
    /// The listing.
    pub listing: ListingRef,
    /// Its name: its SKU, or its key where it has none.
    pub name: String,
    /// Why, in words.
    pub why: String,
    /// What to do next.
    pub next: Option<String>,
}

/// Something that went wrong or waits.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// A stable code, `[a-z-]+`.
    pub code: &'static str,
    /// The channel it is about.
    pub channel: Option<ChannelName>,
    /// The listing it is about: its SKU, or its key where it has none.
    pub listing: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub next: Option<String>,
    /// Whether it waits for the owner's word (exit code 4) rather than for the next run (3).
    pub waits_for_owner: bool,
}

impl Report {
    /// Returns the exit code of cli.md: of several, the first of 1, 4, 3 wins.
    pub fn exit(&self) -> u8 {
        let unusable = self.lanes.iter().any(|lane| matches!(lane.end, LaneEnd::Failed(_)));
        let held_line = self.sales.iter().any(|sale| sale.held.is_some());
        let waits = !self.holds.is_empty() || held_line || self.troubles.iter().any(|trouble| trouble.waits_for_owner);
        let late = self.lanes.iter().any(|lane| matches!(lane.end, LaneEnd::Late));
        let retry = self.pushes.iter().any(|push| matches!(push.end, PushEnd::Refused(_) | PushEnd::Pending(_)))
            || self.deductions.iter().any(|deduction| matches!(deduction.end, Adjusted::Pending(_)));
        match () {
            () if unusable => 1,
            () if waits => 4,
            () if late || retry || !self.troubles.is_empty() => 3,
            () => 0,
        }
    }
}

impl Report {
    /// Says in a line what the run did, for the list of runs and for cron.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        let mut say = |count: usize, one: &str, many: &str| {
            if count > 0 {
                parts.push(format!("{count} {}", if count == 1 { one } else { many }));
            }
        };
        say(self.sales.len(), "sale or change of an order", "sales or changes of orders");
        let applied = self.deductions.iter().filter(|deduction| deduction.end == Adjusted::Applied).count();
        say(applied, "number changed on the source", "numbers changed on the source");
        say(
            self.ended_as(|end| matches!(end, PushEnd::Done | PushEnd::Hidden | PushEnd::Ended | PushEnd::ShownAgain)),
            "listing updated",
            "listings updated",
        );
        say(self.ended_as(|end| *end == PushEnd::Planned), "listing would be updated", "listings would be updated");
        say(self.ended_as(|end| matches!(end, PushEnd::Held(_))), "listing held", "listings held");
        say(self.renewed.len(), "listing renewed for a fee", "listings renewed for a fee");
        say(self.kept.len(), "listing not put back", "listings not put back");
        say(self.ended_as(|end| matches!(end, PushEnd::Refused(_))), "listing refused", "listings refused");
        say(self.ended_as(|end| matches!(end, PushEnd::Pending(_))), "listing pending", "listings pending");
        say(self.troubles.len(), "problem", "problems");
        let failed = self.lanes.iter().filter(|lane| matches!(lane.end, LaneEnd::Failed(_) | LaneEnd::Late)).count();
        say(failed, "channel not reached", "channels not reached");
        let off = self.lanes.iter().filter(|lane| matches!(lane.end, LaneEnd::Off)).count();
        say(off, "channel switched off", "channels switched off");
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
    }

    fn ended_as(&self, is: impl Fn(&PushEnd) -> bool) -> usize {
        self.pushes.iter().filter(|push| is(&push.end)).count()
    }
}

/// Where a lane is, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It reads its listings.
    Listings,
    /// It reads its orders.
    Orders,
    /// It reads its quantities.
    Quantities,
    /// It takes sales off the source.
    Deducting,
    /// It writes quantities.
    Pushing,
    /// It has nothing to do.
    Done,
}

/// Hears how far each lane is. The screen shows it; the engine does not know how.
pub trait Progress: Send + Sync {
    /// A lane is at a stage, so many items far.
    fn lane(&self, channel: &ChannelName, stage: Stage, items: usize);
}

/// Hears nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn lane(&self, _: &ChannelName, _: Stage, _: usize) {}
}
