//! Before sales are taken off the source, or given back to it: those that somebody else may have dealt with already wait
//! for the owner (W3, W5).
//!
//! The moment is just before settling, once the source was read: only then is it known what else happened to it. A line
//! is looked at until it is settled for the first time; what it met by then is remembered, since only several lines
//! together tell that another app is at work.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::EngineError;
use super::cycle::{Cycle, LaneState, before};
use crate::domain::held::{self, Due, Met, Trace};
use crate::domain::{
    ChannelName, Component, Held, Line, LineHold, LineId, ListingId, Movement, RunId, SourceFacts, Why,
};
use crate::store::{Store, StoreError, Tx};

/// How long before a sale elsewhere the order may be dated under which another app brings it in.
const DATED_BACK: SignedDuration = SignedDuration::from_hours(24);

/// A line that is about to be settled, part by part of its recipe.
struct Weighed {
    line: Line,
    parts: Vec<Part>,
}

/// What a line is about to change on one source listing, what somebody else did to that listing since, and what of it
/// the line met.
struct Part {
    due: Due,
    traces: Vec<Trace>,
    met: Met,
}

/// When a channel spoke last, and when it or the source was last read completely, if that is too long ago.
#[derive(Clone, Copy)]
struct Pause {
    now: Timestamp,
    since: Option<Timestamp>,
}

impl Cycle<'_> {
    /// Holds the lines of some components that must not be settled without the owner's word; tells whether it held any.
    pub fn hold_lines(&mut self, components: &[Component]) -> Result<bool, EngineError> {
        let read = self.lanes.get(&self.source).is_some_and(|lane| lane.observed && lane.failed.is_none());
        let sources: Vec<&SourceFacts> = components.iter().flat_map(|component| &component.sources).collect();
        let lines = if read { lines_to_weigh(&sources) } else { Vec::new() };
        if lines.is_empty() {
            return Ok(false);
        }
        let (run, pauses) = (self.run, self.pauses());
        let unheard = Pause { now: self.report.began, since: None };
        let held = self.store.transaction(|tx| {
            let mut held = Vec::new();
            for (channel, weighed) in by_channel(weigh(tx, lines)?) {
                let app = evidence(tx, &channel)?.is_some();
                let pause = pauses.get(&channel).copied().unwrap_or(unheard);
                for Weighed { mut line, parts } in weighed.into_iter().filter(|weighed| weighed.line.held.is_none()) {
                    let Some(why) = why(&parts, app, pause.since) else { continue };
                    line.held = Some(Held { why, since: pause.now });
                    tx.save_line(&mut line)?;
                    note_held(tx, run, &line, why, pause.now)?;
                    held.push((line, why));
                }
            }
            Ok(held)
        })?;
        for (line, why) in &held {
            let same = self.report.sales.iter_mut().filter(|sale| sale.is_of(line));
            same.for_each(|sale| sale.held = Some(*why));
        }
        Ok(!held.is_empty())
    }

    fn pauses(&self) -> BTreeMap<ChannelName, Pause> {
        let paused = |lane: &LaneState| {
            lane.complete.filter(|complete| lane.clock.is_some_and(|now| held::paused(*complete, now)))
        };
        let source = self.lanes.get(&self.source).and_then(paused);
        let pause = |(name, lane): (&ChannelName, &LaneState)| {
            let since = paused(lane).into_iter().chain(source).min();
            Some((name.clone(), Pause { now: lane.clock?, since }))
        };
        self.lanes.iter().filter_map(pause).collect()
    }
}

/// Returns the lines that are about to be settled for the first time, or to be given back. Those that wait because of
/// another app are looked at again: it may be slow. Those from before their link are counted by the owner's word alone.
fn lines_to_weigh(sources: &[&SourceFacts]) -> Vec<Line> {
    let busy: BTreeSet<ListingId> =
        sources.iter().filter(|source| !source.intents.is_empty()).map(|source| source.known.id).collect();
    let mut seen = BTreeSet::<Option<LineId>>::new();
    let lines = sources.iter().flat_map(|source| &source.owing);
    lines
        .filter(|line| line.held.is_none_or(|held| held.why == LineHold::AnotherApp) && line.asked.is_none())
        .filter(|line| !line.unfinished)
        .filter(|line| line.shares.iter().all(|share| !busy.contains(&share.source)))
        .filter(|line| seen.insert(line.id))
        .cloned()
        .collect()
}

/// Finds out what each line met on the source, and remembers it of sales.
fn weigh(tx: &Tx<'_>, lines: Vec<Line>) -> Result<Vec<Weighed>, StoreError> {
    let ids: Vec<LineId> = lines.iter().filter_map(|line| line.id).collect();
    let mut weighed: Vec<Weighed> = lines.into_iter().map(|line| Weighed { line, parts: Vec::new() }).collect();
    let sources: BTreeSet<ListingId> =
        weighed.iter().flat_map(|weighed| &weighed.line.shares).map(|share| share.source).collect();
    for source in sources {
        let dues: Vec<(usize, Due)> = weighed
            .iter()
            .enumerate()
            .filter_map(|(nth, weighed)| Some((nth, held::due(&weighed.line, source)?)))
            .collect();
        let Some(since) = dues.iter().map(|(_, due)| due.since).min() else { continue };
        let traces = tx.traces(source, since, &ids)?;
        let met = held::meet(&dues.iter().map(|(_, due)| *due).collect::<Vec<_>>(), &traces);
        for ((nth, due), met) in dues.into_iter().zip(met) {
            weighed[nth].parts.push(Part { due, traces: traces.clone(), met });
        }
    }
    for Weighed { line, parts } in &mut weighed {
        let met = met_by_all(parts);
        if parts.iter().any(|part| part.due.units > 0) && line.met != met {
            line.met = met;
            tx.save_line(line)?;
        }
    }
    Ok(weighed)
}

/// A kit met something only if each of its parts did.
fn met_by_all(parts: &[Part]) -> Option<Met> {
    let nothing = parts.iter().find(|part| part.met == Met::Nothing);
    nothing.or(parts.first()).map(|part| part.met)
}

fn by_channel(weighed: Vec<Weighed>) -> BTreeMap<ChannelName, Vec<Weighed>> {
    let mut by_channel = BTreeMap::<ChannelName, Vec<Weighed>>::new();
    for weighed in weighed {
        by_channel.entry(weighed.line.channel.clone()).or_default().push(weighed);
    }
    by_channel
}

/// Returns why a line waits, if it does: another app brings in the orders of its channel, or a pause hides what the
/// source fell for.
fn why(parts: &[Part], app: bool, pause: Option<Timestamp>) -> Option<LineHold> {
    if parts.iter().any(|part| part.due.units < 0) {
        let by_hand = parts.iter().any(|part| matches!(part.met, Met::Change(_)));
        return by_hand.then_some(LineHold::GivenBackByHand);
    }
    if app && !parts.is_empty() {
        return Some(LineHold::AnotherApp);
    }
    let complete = pause?;
    let may_be_in = |part: &Part| held::may_be_in(part.due, complete, &part.traces);
    parts.iter().any(may_be_in).then_some(LineHold::LongPause)
}

fn note_held(tx: &Tx<'_>, run: RunId, line: &Line, why: LineHold, now: Timestamp) -> Result<(), StoreError> {
    let Some(listing) = line.listing else { return Ok(()) };
    let note = Some(format!("order {} on {}: {why}", line.order, line.channel));
    let movement =
        Movement { listing, from: None, to: None, when: now, why: Why::Held, line: line.id, intent: None, note };
    tx.record(run, &movement).map(|_| ())
}

/// Why another app seems to bring a channel's orders into the source, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was seen.
    pub words: String,
    /// The orders of the channel that were taken off all the same, before that was known.
    pub twice: Vec<String>,
}

/// Finds what shows that another app brings a channel's orders into the source, if anything does.
pub fn another_app(store: &Store, channel: &ChannelName) -> Result<Option<Evidence>, StoreError> {
    store.read(|tx| if tx.channel(channel)?.is_some() { evidence(tx, channel) } else { Ok(None) })
}

fn evidence(tx: &Tx<'_>, channel: &ChannelName) -> Result<Option<Evidence>, StoreError> {
    let last = tx.last_weighed(channel)?;
    let Some(oldest) = last.iter().map(|line| line.placed).min() else { return Ok(None) };
    let sources: BTreeSet<ListingId> = last.iter().flat_map(|line| &line.shares).map(|share| share.source).collect();
    let sources: Vec<ListingId> = sources.into_iter().collect();
    let brought = tx.brought_in(&sources, before(oldest, DATED_BACK))?;
    let pairs: Vec<(&Line, &Line)> = last
        .iter()
        .filter_map(|line| Some((line, brought.iter().find(|brought| held::stands_in(line, brought))?)))
        .collect();
    let taken_off = |line: &&Line| line.shares.iter().any(|share| share.applied > 0);
    let orders = |lines: &mut dyn Iterator<Item = &Line>| lines.map(|line| line.order.clone()).collect();
    if let Some((line, as_order)) = pairs.first() {
        let app = as_order.origin.as_deref().unwrap_or_default();
        let words = format!(
            "order {} stands in {} as order {}, brought in by {app}",
            line.order, as_order.channel, as_order.order
        );
        let twice = orders(&mut pairs.iter().map(|(line, _)| *line).filter(taken_off));
        return Ok(Some(Evidence { words, twice }));
    }
    let met: Vec<bool> = last.iter().map(|line| line.met.is_some_and(|met| met != Met::Nothing)).collect();
    if !held::too_often(&met) {
        return Ok(None);
    }
    let number = met.iter().filter(|met| **met).count();
    let words = format!(
        "for {number} of its last {} sales the source fell by just that many, and nothing explains it",
        met.len()
    );
    let twice =
        orders(&mut last.iter().filter(|line| line.met.is_some_and(|met| met != Met::Nothing)).filter(taken_off));
    Ok(Some(Evidence { words, twice }))
}
