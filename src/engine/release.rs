//! The owner's word: holds and held lines are released by name, or by `--yes` if they were shown before (H2).

use std::str::FromStr;

use super::EngineError;
use super::cycle::{Cycle, record};
use super::last_unit::let_hide;
use super::report::{Adjusted, Trouble};
use super::standing::{held_lines, intents, limited, owing_lines, refused, removed};
use crate::domain::{ChannelName, Hold, HoldId, HoldWhy, Known, Line, LineHold, ListingId, RunId, Why};
use crate::store::{StoreError, Tx};

/// Under this, the number of the last held line that was told to the owner is remembered.
const LINES_TOLD: &str = "lines-told";

/// What `--release` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// A hold by its id, `h3`.
    Hold(HoldId),
    /// All holds of a channel, and the account it is tied to.
    Channel(ChannelName),
    /// One listing: a channel, and a SKU or a key on it.
    Listing(ChannelName, String),
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hold = text.strip_prefix('h').and_then(|number| number.parse().ok());
        if let Some(number) = hold {
            return Ok(Self::Hold(HoldId(number)));
        }
        let (channel, listing) =
            text.split_once('/').map_or((text, None), |(channel, listing)| (channel, Some(listing)));
        let channel = ChannelName::new(channel)
            .ok_or_else(|| format!("`{text}` is no hold (h3), no channel and no channel/SKU"))?;
        Ok(listing.map_or_else(|| Self::Channel(channel.clone()), |l| Self::Listing(channel.clone(), l.to_owned())))
    }
}

impl Cycle<'_> {
    /// Carries out the owner's word before anything is planned.
    pub fn release(&mut self) -> Result<(), EngineError> {
        let holds = self.store.read(|tx| tx.holds())?;
        let (stale, holds): (Vec<Hold>, Vec<Hold>) = holds.into_iter().partition(|hold| self.shows_otherwise(hold));
        for release in self.options.release.clone() {
            match release {
                Release::Hold(id) if stale.iter().any(|hold| hold.id == id) => {
                    self.refuse_release(&stale, |hold| hold.id == id);
                }
                Release::Hold(id) => {
                    let hold = holds.iter().find(|hold| hold.id == id);
                    let hold = hold.ok_or_else(|| EngineError::NoSuchHold(id.to_string()))?;
                    self.release_hold(hold)?;
                }
                Release::Channel(channel) => {
                    if self.lane_of(&channel).is_none() {
                        return Err(EngineError::NoSuchHold(channel.to_string()));
                    }
                    for hold in holds.iter().filter(|hold| hold.channel == channel) {
                        self.release_hold(hold)?;
                    }
                    self.refuse_release(&stale, |hold| hold.channel == channel);
                }
                Release::Listing(channel, _) if stale.iter().any(|hold| hold.channel == channel) => {
                    self.refuse_release(&stale, |hold| hold.channel == channel);
                }
                Release::Listing(channel, name) => self.release_listing(&holds, &channel, &name)?,
            }
        }
        if self.options.yes {
            for hold in holds.iter().filter(|hold| hold.reported && hold.why.is_released_by_yes()) {
                self.release_hold(hold)?;
            }
        }
        for channel in self.options.count_missed.clone() {
            self.count_missed(&channel, true)?;
        }
        for channel in self.options.ignore_missed.clone() {
            self.count_missed(&channel, false)?;
        }
        self.release_switched_off()
    }

    /// Has what stands under a hold that the owner was not shown planned, so that this run shows it (H2).
    pub fn show_holds(&mut self) -> Result<(), StoreError> {
        if self.options.yes {
            return Ok(());
        }
        let frozen = self.store.read(|tx| {
            let holds = tx.holds()?;
            holds.iter().filter(|hold| !hold.reported).map(|hold| tx.frozen(hold.id)).collect::<Result<Vec<_>, _>>()
        })?;
        self.seeds.extend(frozen.iter().flatten().map(|frozen| frozen.listing));
        Ok(())
    }

    /// Tells whether the rules changed since anybody was shown what a hold keeps back: the owner's word is about what was
    /// shown (P6).
    fn shows_otherwise(&self, hold: &Hold) -> bool {
        hold.why.hangs_on_rules() && self.ruled.contains(&hold.channel)
    }

    fn refuse_release(&mut self, stale: &[Hold], is_meant: impl Fn(&Hold) -> bool) {
        for hold in stale.iter().filter(|hold| is_meant(hold)) {
            self.trouble(Trouble {
                code: "not-released",
                channel: Some(hold.channel.clone()),
                listing: None,
                message: format!("{} is not released: the rules changed since it was shown", hold.id),
                next: Some(format!("look at what is held now, then `eys sync --release {}`", hold.id)),
                waits_for_owner: true,
            });
        }
    }

    fn release_hold(&mut self, hold: &Hold) -> Result<(), EngineError> {
        let (run, now) = (self.run, self.report.began);
        let listings = self.store.transaction(|tx| {
            let listings: Vec<ListingId> = tx.frozen(hold.id)?.into_iter().map(|frozen| frozen.listing).collect();
            note_released(tx, run, hold, &listings, now)?;
            tx.release_hold(hold.id, now)?;
            if hold.why == HoldWhy::LastUnit {
                let_hide(tx, &hold.channel)?;
            }
            tx.mark_dirty(&listings)?;
            if let Some(mut channel) = tx.channel(&hold.channel)? {
                channel.pushed_ever |= hold.why == HoldWhy::FirstPush;
                if hold.why == HoldWhy::Account {
                    channel.identity = None;
                    channel.label = None;
                    channel.pushed_ever = false;
                }
                tx.save_channel(&channel)?;
            }
            Ok(listings)
        })?;
        if hold.why == HoldWhy::Account {
            self.anew.insert(hold.channel.clone());
        }
        if hold.why == HoldWhy::State {
            self.begin_adopting()?;
        }
        if let Some(channel) = self.store.read(|tx| tx.channel(&hold.channel))? {
            self.channels.insert(hold.channel.clone(), channel);
        }
        self.exempt.extend(&listings);
        self.seeds.extend(listings);
        Ok(())
    }

    fn release_listing(&mut self, holds: &[Hold], channel: &ChannelName, name: &str) -> Result<(), EngineError> {
        let now = self.report.began;
        let run = self.run;
        let known = self.store.read(|tx| tx.listings(channel))?;
        let named: Vec<Known> = known.into_iter().filter(|known| is_named(known, name)).collect();
        let mut released = Vec::new();
        self.store.transaction(|tx| {
            for hold in holds.iter().filter(|hold| hold.channel == *channel) {
                let frozen = tx.frozen(hold.id)?;
                for known in named.iter().filter(|known| frozen.iter().any(|frozen| frozen.listing == known.id)) {
                    tx.release_listing(hold.id, known.id, now)?;
                    note_released(tx, run, hold, &[known.id], now)?;
                    released.push(known.id);
                }
            }
            tx.mark_dirty(&released)
        })?;
        if released.is_empty() {
            return Err(EngineError::NoSuchHold(format!("{channel}/{name}")));
        }
        self.exempt.extend(&released);
        self.seeds.extend(released);
        Ok(())
    }

    /// Counts or drops the lines of a channel that are held, and counts those that were there before it was linked.
    fn count_missed(&mut self, channel: &ChannelName, count: bool) -> Result<(), EngineError> {
        let dirty = self.store.transaction(|tx| {
            let mut dirty = Vec::new();
            for mut line in tx.held_lines(Some(channel))? {
                if count {
                    line.count_missed();
                } else {
                    line.ignore_missed();
                }
                dirty.extend(line.shares.iter().map(|share| share.source));
                tx.save_line(&mut line)?;
            }
            if count {
                for mut line in tx.unfinished_lines(channel)? {
                    line.baseline = 0;
                    dirty.extend(line.shares.iter().map(|share| share.source));
                    tx.save_line(&mut line)?;
                }
            }
            tx.mark_dirty(&dirty)?;
            Ok(dirty)
        })?;
        self.seeds.extend(dirty);
        Ok(())
    }

    /// Lines that came in while the master switch was off are asked about once it is on (T3): `--yes` counts those that a
    /// run without it has told of (H2).
    fn release_switched_off(&mut self) -> Result<(), EngineError> {
        if !self.options.yes || !self.settings().inventory_sync {
            return Ok(());
        }
        let dirty = self.store.transaction(|tx| {
            let told: i64 = tx.meta(LINES_TOLD)?.and_then(|told| told.parse().ok()).unwrap_or_default();
            let mut dirty = Vec::new();
            for mut line in tx.held_lines(None)? {
                if line.held.is_some_and(|held| held.why == LineHold::SwitchedOff)
                    && line.id.is_some_and(|id| id.0 <= told)
                {
                    line.held = None;
                    dirty.extend(line.shares.iter().map(|share| share.source));
                    tx.save_line(&mut line)?;
                }
            }
            tx.mark_dirty(&dirty)?;
            Ok(dirty)
        })?;
        self.seeds.extend(dirty);
        Ok(())
    }

    /// Reports the holds that stand at the end, and the lines and doubts that wait.
    pub fn report_waiting(&mut self) -> Result<(), EngineError> {
        self.report.holds = self.store.read(|tx| tx.holds())?;
        // A run without `--yes` shows them all (H2).
        let shown = !self.options.yes && !self.options.dry_run;
        self.report.holds.iter_mut().for_each(|hold| hold.reported |= shown);
        if self.options.dry_run {
            let unmade = self.report.holds.iter().map(|hold| hold.id).filter(|id| !self.holds.contains(id));
            self.report.unmade = unmade.collect();
            self.forget_numbers();
        }
        let held = self.store.read(|tx| tx.held_lines(None))?;
        let mut standing = held_lines(&held);
        standing.extend(intents(self.store)?);
        standing.extend(refused(self.store)?);
        let configured: Vec<ChannelName> = self.engine.lanes.iter().map(|lane| lane.name.clone()).collect();
        standing.extend(removed(self.store, &configured)?);
        self.report.limits = limited(self.store, &configured)?;
        let told = self.report.troubles.iter().any(|trouble| trouble.code == "oversold")
            || self.report.deductions.iter().any(|deduction| deduction.end != Adjusted::Applied)
            || !self.report.unmade.is_empty();
        if !told {
            standing.extend(owing_lines(self.store)?);
        }
        if !self.options.yes {
            self.note_told(&held)?;
        }
        for trouble in standing {
            let same = |other: &Trouble| {
                let about = other.code == trouble.code || (about_intent(other) && about_intent(&trouble));
                let reason = |trouble: &Trouble| (trouble.code == "held-lines").then(|| trouble.next.clone());
                let about = about && reason(other) == reason(&trouble);
                about && other.channel == trouble.channel && other.listing == trouble.listing
            };
            if !self.report.troubles.iter().any(same) {
                self.report.troubles.push(trouble);
            }
        }
        Ok(())
    }
}

impl Cycle<'_> {
    /// Takes the numbers of holds that a run has still to make out of what a dry run tells (P6).
    fn forget_numbers(&mut self) {
        let report = &mut self.report;
        for words in report.pushes.iter_mut().flat_map(|push| &mut push.why) {
            for hold in &report.unmade {
                *words = words.replace(&format!("held ({hold})"), "held");
            }
        }
    }

    /// Remembers which held lines this run tells of.
    fn note_told(&mut self, held: &[Line]) -> Result<(), StoreError> {
        let Some(last) = held.iter().filter_map(|line| line.id).max() else { return Ok(()) };
        self.store.transaction(|tx| tx.set_meta(LINES_TOLD, &last.0.to_string()))
    }
}

/// Tells whether a trouble is about a change of the source that is not settled; a run tells of each once.
fn about_intent(trouble: &Trouble) -> bool {
    matches!(trouble.code, "deduction-pending" | "in-doubt" | "open-intent" | "visibility")
}

fn is_named(known: &Known, name: &str) -> bool {
    known.at.key.as_str() == name || known.listing.skus().any(|sku| sku.as_str() == name)
}

fn note_released(
    tx: &Tx<'_>,
    run: RunId,
    hold: &Hold,
    listings: &[ListingId],
    now: jiff::Timestamp,
) -> Result<(), StoreError> {
    for id in listings {
        if let Some(known) = tx.known(*id)? {
            let shown = known.shown.most();
            record(tx, run, &known, Why::Released, (shown, shown), now, Some(format!("{}: {}", hold.id, hold.note)))?;
        }
        // The word holds even where this run does not get as far as writing.
        if hold.why == HoldWhy::Rules {
            tx.note_ruled(*id)?;
        }
    }
    Ok(())
}
