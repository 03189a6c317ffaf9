//! Relisted goods (L2): what stands on a channel again under a new id, with the same SKU, takes over what was tied of the
//! listing that is gone, or to it, once the owner accepts it. What we put up again ourselves does so at once (Z1).

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::EngineError;
use super::cycle::{Cycle, record};
use super::lane::Lane;
use super::linking::{Surveyed, freeze, record_linked};
use super::settling::close_not_applied;
use super::standing::sold_lines;
use super::take::Taken;
use crate::domain::matching::Relisted;
use crate::domain::{
    Act, ChannelName, Counted, Found, HoldWhy, IntentState, Known, Line, LineHold, Link, LinkId, Listing, ListingId,
    ListingKey, ListingRef, ListingState, Part, Role, RunId, Sku, Why,
};
use crate::store::{Store, StoreError, Tx};

/// A relisted listing, and all that it takes over from the one that is gone (L2).
#[derive(Clone, Debug)]
pub struct Relisting {
    /// Which listing takes the place of which.
    pub relisted: Relisted,
    /// What it takes over.
    pub inherits: Inheritance,
    /// Sold lines that wait for it.
    pub waiting: usize,
    /// The owner accepts it.
    pub accepted: bool,
}

/// What a relisted listing takes over.
#[derive(Clone, Debug)]
pub enum Inheritance {
    /// On a target, a link: what it is made of, SKUs of the source and how many of each.
    Link(Link, Vec<(String, i64)>),
    /// On the source, its part in the recipes of these target listings: channel and name.
    Followers(Vec<(ChannelName, String)>),
}

impl Relisting {
    /// Says how many sold lines wait for it, if any do.
    pub fn waits(&self) -> Option<String> {
        let (one, many) = match self.inherits {
            Inheritance::Link(..) => ("waits for it", "wait for it"),
            Inheritance::Followers(_) => ("is taken off it then", "are taken off it then"),
        };
        (self.waiting > 0).then(|| sold_lines(self.waiting, one, many))
    }

    /// Counts the links that accepting opens.
    pub fn links(&self) -> usize {
        match &self.inherits {
            Inheritance::Link(..) => 1,
            Inheritance::Followers(followers) => followers.len(),
        }
    }
}

/// Looks up the listings that are known and were not found, if another one bears a SKU of them. A channel that does not
/// answer to that was not read (P5).
pub(super) async fn look_up_missing(
    lanes: &[Lane],
    surveyed: &mut [Surveyed],
    store: &Store,
) -> Result<(), StoreError> {
    for surveyed in surveyed {
        let lane = lanes.iter().find(|lane| lane.name == surveyed.channel);
        let (Some(lane), Ok(found)) = (lane, &mut surveyed.found) else { continue };
        let missing = store.read(|tx| missing(tx, &lane.name, &found.listings))?;
        let (gone, doubtful): (Vec<Known>, Vec<Known>) = missing.into_iter().partition(|known| known.gone.is_some());
        let keys: Vec<ListingKey> = doubtful.into_iter().map(|known| known.at.key).collect();
        found.gone.extend(gone.into_iter().map(|known| known.at.key));
        for batch in keys.chunks(lane.capability().read_batch.max(1)) {
            match lane.channel.levels(batch).await {
                Ok(readings) => {
                    let gone = readings.into_iter().filter(|reading| reading.found == Found::Gone);
                    found.gone.extend(gone.map(|reading| reading.key));
                }
                Err(error) => {
                    surveyed.found = Err(error);
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Returns the listings that are known on a channel and not among those that were found, though a SKU of them is.
fn missing(tx: &Tx<'_>, channel: &ChannelName, found: &[Listing]) -> Result<Vec<Known>, StoreError> {
    if tx.channel(channel)?.is_none() {
        return Ok(Vec::new());
    }
    let keys: BTreeSet<&ListingKey> = found.iter().map(|listing| &listing.key).collect();
    let skus: BTreeSet<&Sku> = found.iter().flat_map(Listing::skus).collect();
    let mut missing = Vec::new();
    for known in tx.listings(channel)?.into_iter().filter(|known| !keys.contains(&known.at.key)) {
        let linked = tx.links_of(known.id)?.into_iter().filter_map(|link| link.sku);
        if known.listing.skus().cloned().chain(linked).any(|sku| skus.contains(&sku)) {
            missing.push(known);
        }
    }
    Ok(missing)
}

/// Finds what relisted listings would take over.
pub(super) fn relistings(tx: &Tx<'_>, relisted: &[Relisted]) -> Result<Vec<Relisting>, StoreError> {
    let mut relistings: Vec<Relisting> = Vec::new();
    for relisted in relisted {
        let at = ListingRef { channel: relisted.channel.clone(), key: relisted.gone.clone() };
        let Some(gone) = tx.known_at(&at)? else { continue };
        let inherited = match tx.channel(&relisted.channel)?.map(|channel| channel.role) {
            // One that bears several SKUs takes the place once.
            Some(Role::Source) if relistings.iter().any(|other| other.relisted.gone == relisted.gone) => None,
            Some(Role::Source) => Some(inherited_on_source(tx, &gone)?),
            _ => inherited_on_target(tx, &gone, relisted)?,
        };
        relistings.extend(inherited.map(|(inherits, waiting)| Relisting {
            relisted: relisted.clone(),
            inherits,
            waiting,
            accepted: false,
        }));
    }
    Ok(relistings)
}

fn inherited_on_target(
    tx: &Tx<'_>,
    gone: &Known,
    relisted: &Relisted,
) -> Result<Option<(Inheritance, usize)>, StoreError> {
    let links = tx.links_of(gone.id)?;
    let Some(link) = links.into_iter().find(|link| link.sku.as_ref() == Some(&relisted.sku)) else { return Ok(None) };
    let mut recipe = Vec::new();
    for part in &link.recipe {
        recipe.extend(tx.known(part.source)?.map(|source| (source.name(), part.units)));
    }
    let waiting = waiting_for(tx, &relisted.channel, link.id)?.len();
    Ok(Some((Inheritance::Link(link, recipe), waiting)))
}

fn inherited_on_source(tx: &Tx<'_>, gone: &Known) -> Result<(Inheritance, usize), StoreError> {
    let mut followers = Vec::new();
    for link in tx.links_with(gone.id)? {
        followers.extend(tx.known(link.listing)?.map(|target| (target.at.channel.clone(), target.name())));
    }
    let owing = tx.lines_owing(gone.id)?;
    let waiting = owing.iter().filter(|line| line.held.is_none()).count();
    Ok((Inheritance::Followers(followers), waiting))
}

/// Returns the sold lines that wait until a relisted listing takes over a link.
fn waiting_for(tx: &Tx<'_>, channel: &ChannelName, link: LinkId) -> Result<Vec<Line>, StoreError> {
    let mut lines = tx.held_lines(Some(channel))?;
    let waits = |line: &Line| line.held.is_some_and(|held| held.why == LineHold::Relisted);
    lines.retain(|line| line.link == Some(link) && waits(line));
    Ok(lines)
}

impl Cycle<'_> {
    /// Lets what we put up again, and stands under another key since, follow in the place of the listing that we had
    /// ended: it is ours, so that its owner has nothing to accept. All of it is one step with the end of the intent, or it
    /// is looked up and done by the next run (X8).
    pub(super) fn follow_anew(
        &mut self,
        lane: &Lane,
        id: ListingId,
        key: &ListingKey,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let (run, counts) = (self.run, lane.channel.unpaid_for().is_some());
        let taken = self.store.transaction(|tx| match shown_anew(tx, run, id, key, now)? {
            Some((gone, since)) => put_in_place(tx, (run, counts), &gone, key, (since, now)),
            None => Ok(Taken::default()),
        })?;
        self.queue.remove(&id);
        self.lane(&lane.name).wrote = true;
        self.note(lane, taken)
    }
}

/// Closes the intent to show a listing that stands under another key since; returns what is gone, and since when the other
/// one can have been there. Under its own key it is gone for good.
fn shown_anew(
    tx: &Tx<'_>,
    run: RunId,
    id: ListingId,
    key: &ListingKey,
    now: Timestamp,
) -> Result<Option<(Known, Timestamp)>, StoreError> {
    let Some(mut gone) = tx.known(id)? else { return Ok(None) };
    let mut since = gone.gone.unwrap_or(now);
    for intent in tx.unfinished_of(id)?.iter().filter(|intent| !matches!(intent.act, Act::Adjust { .. })) {
        since = since.min(intent.opened);
        tx.close_intent(intent.id, IntentState::Applied, now, "it stands under another key")?;
    }
    let shown = gone.shown.most();
    record(tx, run, &gone, Why::ShownAgain, (shown, shown), now, Some(key.to_string()))?;
    gone.gone.get_or_insert(now);
    gone.hidden = None;
    gone.refusal = None;
    tx.save_known(&gone)?;
    Ok(Some((gone, since)))
}

/// Ties what we put up again to what the listing was tied to that it was, unless its owner tied it already. A run may have
/// read it before we knew that it is ours. `counts`: its platform's counter tells of purchases that no order shows (O5).
fn put_in_place(
    tx: &Tx<'_>,
    (run, counts): (RunId, bool),
    gone: &Known,
    key: &ListingKey,
    (since, now): (Timestamp, Timestamp),
) -> Result<Taken, StoreError> {
    let at = ListingRef { channel: gone.at.channel.clone(), key: key.clone() };
    if tx.known_at(&at)?.is_none() {
        let listing = Listing { key: key.clone(), item: None, state: ListingState::Live, ..gone.listing.clone() };
        tx.put_listing(&at.channel, &listing)?;
    }
    let mut taken = Taken::default();
    let Some(mut new) = tx.known_at(&at)? else { return Ok(taken) };
    if tx.is_linked(new.id)? {
        return Ok(taken);
    }
    let mut units = 0_i64;
    for link in tx.links_of(gone.id)? {
        units = units.saturating_add(tx.sold_by_link(link.id, since)?);
        taken.freed.extend(take_over(tx, run, &link, gone, &new, now)?);
    }
    if counts {
        // It began with none sold: what its counter says beyond the sales that are known is spoken for.
        new.counted = Some(Counted::from(units, now));
        tx.save_known(&new)?;
    }
    taken.dirty.insert(new.id);
    taken.look.insert(new.id);
    Ok(taken)
}

/// Puts a relisted listing in the place of the one that is gone; returns the sold lines that waited for that. What held
/// that one holds it too, but for a second writer, who wrote to another listing.
pub(super) fn take_over(
    tx: &Tx<'_>,
    run: RunId,
    link: &Link,
    gone: &Known,
    target: &Known,
    now: Timestamp,
) -> Result<Vec<Line>, StoreError> {
    tx.close_link(link.id, now)?;
    let note = Some(format!("{} took its place", target.at.key));
    record(tx, run, gone, Why::Unlinked, (gone.shown.most(), gone.shown.most()), now, note)?;
    tx.open_link(target.id, link.sku.as_ref(), link.by_hand, &link.recipe, link.active)?;
    record_linked(tx, run, target, &link.recipe, now)?;
    let mut freed = waiting_for(tx, &target.at.channel, link.id)?;
    for line in &mut freed {
        line.held = None;
        tx.save_line(line)?;
    }
    let sources = link.recipe.iter().map(|part| part.source);
    tx.mark_dirty(&sources.chain([gone.id, target.id]).collect::<Vec<_>>())?;
    for hold in tx.holds()?.iter().filter(|hold| hold.channel == target.at.channel) {
        if !tx.frozen(hold.id)?.iter().any(|frozen| frozen.listing == gone.id) {
            continue;
        }
        if hold.why != HoldWhy::SecondWriter {
            tx.widen_hold(hold.id, &hold.note, &[freeze(tx, target)?])?;
        }
        tx.release_listing(hold.id, gone.id, now)?;
    }
    Ok(freed)
}

/// Puts a relisted listing of the source in the place of the one that is gone, in all recipes. What is owed to that one is
/// owed to it, what is held goes on being worked out, and a change of that one which is not confirmed comes to nothing.
pub(super) fn take_over_on_source(
    tx: &Tx<'_>,
    run: RunId,
    gone: &Known,
    source: &Known,
    now: Timestamp,
) -> Result<(), StoreError> {
    for intent in tx.unfinished_of(gone.id)? {
        if matches!(intent.act, Act::Adjust { .. }) {
            close_not_applied(tx, &intent, now, "its listing is gone, and another one took its place")?;
        }
    }
    let mut dirty = vec![gone.id, source.id];
    for link in tx.links_with(gone.id)? {
        let Some(target) = tx.known(link.listing)? else { continue };
        let part = |part: &Part| Part { source: if part.source == gone.id { source.id } else { part.source }, ..*part };
        let recipe = crate::domain::link::recipe(link.recipe.iter().map(part));
        tx.close_link(link.id, now)?;
        let note = Some(format!("{} took the place of {} on {}", source.at.key, gone.at.key, source.at.channel));
        record(tx, run, &target, Why::Unlinked, (target.shown.most(), target.shown.most()), now, note)?;
        tx.open_link(target.id, link.sku.as_ref(), link.by_hand, &recipe, link.active)?;
        record_linked(tx, run, &target, &recipe, now)?;
        dirty.push(target.id);
    }
    tx.move_shares(gone.id, source.id)?;
    tx.move_frozen(gone.id, source.id)?;
    tx.mark_dirty(&dirty)
}
