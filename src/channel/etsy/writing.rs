//! Writing quantities: the whole inventory of a listing, read directly before (section 5).
//!
//! Between that reading and the write a buyer may buy and the owner edit; nothing of Etsy's compares. So the two calls
//! stand as close together as they can, all groups of a listing go in one write, and a write is never repeated by itself:
//! after a lost answer it is read again first. What an answer shows changed beside the numbers is told, and left as it is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::api::Call;
use super::errors::{is_conflict, is_nothing_left};
use super::inventory::Inventory;
use super::item::{EXPIRED, Item, SOLD_OUT};
use super::keys::Key;
use super::{Etsy, MOST};
use crate::channel::{Beside, ChannelError, ErrorKind, Outcome, Remark, Repeat, Result, Update, printable};
use crate::domain::{Level, Quantity, Role, Shown};

pub(super) const WRITE: &str = "writing quantities";

/// How often a listing is read and written that somebody else writes to in the same moment.
const ROUNDS: u32 = 3;
/// How many things are named that came out otherwise than they were sent.
const MOST_NAMED: usize = 5;

/// A number to write, with its place in the batch that it came in.
#[derive(Clone, Debug)]
struct Entry {
    place: usize,
    group: String,
    units: i64,
    /// What it is held to show.
    shown: Shown,
}

/// What became of each entry, by its place.
type Outcomes = BTreeMap<usize, Outcome>;

impl Etsy {
    /// Writes quantities, listing by listing in the order of their first entries.
    pub(super) async fn write_quantities(&self, batch: &[Update]) -> Result<Vec<Outcome>> {
        let mut listings: Vec<(i64, Vec<Entry>)> = Vec::new();
        let mut outcomes = Outcomes::new();
        for (place, update) in batch.iter().enumerate() {
            let Some(key) = Key::parse(&update.key) else {
                outcomes.insert(place, Outcome::Gone);
                continue;
            };
            let units = update.quantity.units().min(MOST);
            let entry = Entry { place, group: key.group, units, shown: update.shown };
            match listings.iter_mut().find(|(listing, _)| *listing == key.listing) {
                Some((_, entries)) => entries.push(entry),
                None => listings.push((key.listing, vec![entry])),
            }
        }
        let mut wrote = false;
        for (listing, entries) in listings {
            match self.write_listing(listing, &entries).await {
                Ok(done) => outcomes.extend(done),
                Err(error) if !wrote => return Err(error),
                // What stops this listing stops the next one too; what was not sent goes again.
                Err(_) => break,
            }
            wrote = true;
        }
        Ok((0..batch.len()).map(|place| outcomes.remove(&place).unwrap_or(Outcome::NotSent)).collect())
    }

    /// Writes the numbers of one listing. An error is one before anything of it was written, and not the listing's own: a
    /// write without an answer may have come through, whatever follows it.
    async fn write_listing(&self, listing: i64, entries: &[Entry]) -> Result<Outcomes> {
        let mut lost = None;
        let written = self.write_in_rounds(listing, entries, &mut lost).await;
        match (written, lost) {
            (Err(_), Some(lost)) => Ok(all(entries, &Outcome::Unknown(lost))),
            (written, _) => written,
        }
    }

    /// Reads a listing and writes it, and again where somebody else wrote to it in the same moment, or an answer was `lost`.
    async fn write_in_rounds(
        &self,
        listing: i64,
        entries: &[Entry],
        lost: &mut Option<ChannelError>,
    ) -> Result<Outcomes> {
        for _ in 0..ROUNDS {
            let Some(item) = self.item(listing, WRITE).await? else { return Ok(all(entries, &Outcome::Gone)) };
            // What is refused now says nothing of a write before it that had no answer.
            let told = |outcome: Outcome| match (&*lost, outcome) {
                (Some(lost), Outcome::Refused(_)) => Outcome::Unknown(lost.clone()),
                (_, outcome) => outcome,
            };
            let Some(inventory) = &item.inventory else {
                return Ok(all(entries, &told(Outcome::Refused(no_inventory(listing)))));
            };
            let (mut outcomes, wanted) = sort_out(&item, self.role, inventory, entries, lost.is_some());
            if wanted.is_empty() {
                return Ok(outcomes);
            }
            let wanted = item.with_emptied(wanted);
            let open: Vec<&Entry> = entries.iter().filter(|entry| !outcomes.contains_key(&entry.place)).collect();
            let key = Key::new(listing, open.first().map_or("", |entry| &entry.group));
            let why_not = match self.forbidden(&item, &wanted) {
                None => self.make_ready(&item, &key, &wanted).await?,
                why => why,
            };
            let written = match why_not {
                Some(outcome) => Err(outcome),
                None => self.replace(listing, inventory, &wanted).await,
            };
            match written {
                Ok(after) => {
                    outcomes.extend(open.iter().map(|entry| (entry.place, entry.told(&after))));
                    return Ok(outcomes);
                }
                Err(Outcome::Unknown(error)) => *lost = Some(error),
                Err(Outcome::Refused(error)) if is_conflict(&error) => {}
                Err(Outcome::Refused(error)) if error.stops_lane() => return Err(error),
                Err(outcome) => {
                    let outcome = told(outcome);
                    outcomes.extend(open.iter().map(|entry| (entry.place, outcome.clone())));
                    return Ok(outcomes);
                }
            }
        }
        Ok(all(entries, &lost.clone().map_or(Outcome::NotSent, Outcome::Unknown)))
    }

    /// Makes a listing ready for numbers: what sold out is renewed, since by themselves they would leave it sold out. Returns
    /// why they must not be written, if so.
    pub(super) async fn make_ready(
        &self,
        item: &Item,
        key: &Key,
        wanted: &BTreeMap<String, i64>,
    ) -> Result<Option<Outcome>> {
        self.heed_renewal(item, key).await?;
        if !item.is(SOLD_OUT) || !self.is_raised(item, wanted) {
            return Ok(None);
        }
        Ok(match self.bring_back(key).await? {
            Outcome::Done { .. } => None,
            outcome => Some(outcome),
        })
    }

    /// Tells why numbers must not be written, if that can be told before: nothing would be left, Etsy would not take them, or
    /// the listing would have to be renewed to show them.
    pub(super) fn forbidden(&self, item: &Item, wanted: &BTreeMap<String, i64>) -> Option<Outcome> {
        let inventory = item.inventory.as_ref()?;
        if let Some(why) = item.unfit() {
            return Some(Outcome::Refused(ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, why)));
        }
        if inventory.would_be_empty(wanted) {
            return Some(Outcome::NothingLeft);
        }
        if let Err(error) = body(item.id, inventory, wanted) {
            return Some(Outcome::Refused(error));
        }
        let renewed = (item.is(SOLD_OUT) || item.is(EXPIRED)) && self.is_raised(item, wanted);
        (renewed && !self.fees).then(|| Outcome::Refused(self.costs_a_fee(item, WRITE)))
    }

    /// Tells whether some group would hold more than it does.
    fn is_raised(&self, item: &Item, wanted: &BTreeMap<String, i64>) -> bool {
        let held = |group: &str| item.level(&item.inventory.as_ref()?.group(group)?, self.role);
        wanted.iter().any(|(group, units)| held(group).is_none_or(|held| held < *units))
    }

    /// Replaces the inventory of a listing by what was read of it and these numbers; returns what it is then.
    pub(super) async fn replace(
        &self,
        listing: i64,
        inventory: &Inventory,
        wanted: &BTreeMap<String, i64>,
    ) -> std::result::Result<Inventory, Outcome> {
        let body = body(listing, inventory, wanted).map_err(Outcome::Refused)?;
        let third = if 2 < inventory.properties() { "?max_variations_supported=3" } else { "" };
        let call = Call::put(WRITE, format!("listings/{listing}/inventory{third}"), &body);
        let answer = match self.api.ask(&call).await {
            Ok(answer) => answer,
            Err(error) if is_nothing_left(&error) => return Err(Outcome::NothingLeft),
            Err(error) => return Err(failed(error)),
        };
        let after = Inventory::read(&answer).ok_or_else(|| {
            let words = format!("Etsy's answer about listing {listing} comes without its products");
            Outcome::Unknown(ChannelError::unexpected(WRITE, words))
        })?;
        let group = wanted.keys().next().map_or("", String::as_str);
        self.tell_differences(&Key::new(listing, group), &inventory.differences(&after, wanted));
        Ok(after)
    }

    /// Tells what came out otherwise than it was sent. It is not sent again: whether Etsy lost it or the owner changed it in
    /// the same moment, nobody can tell, and the next write sends back what it reads then.
    fn tell_differences(&self, key: &Key, differences: &[String]) {
        if differences.is_empty() {
            return;
        }
        let more = match differences.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let named = printable(&differences[..differences.len().min(MOST_NAMED)].join("; "), 500);
        self.remark(Remark {
            listing: key.listing_key(),
            about: Beside::Changed,
            message: format!("more was changed on Etsy than the number that eys wrote: {named}{more}"),
            next: Some(format!(
                "unless that was you, put it right on Etsy, listing {}: eys leaves it alone",
                key.listing
            )),
        });
    }
}

/// Decides which numbers are to be written, and what becomes of the other entries. `again`: an earlier write of the same
/// may have come through.
fn sort_out(
    item: &Item,
    role: Role,
    inventory: &Inventory,
    entries: &[Entry],
    again: bool,
) -> (Outcomes, BTreeMap<String, i64>) {
    let (mut outcomes, mut wanted) = (Outcomes::new(), BTreeMap::new());
    for entry in entries {
        let Some(group) = inventory.group(&entry.group) else {
            outcomes.insert(entry.place, Outcome::Gone);
            continue;
        };
        let live = item.level(&group, role);
        let is_there = live == Some(entry.units) && (live == Some(0) || group.shows(entry.units));
        let overtaken = entry.shown.is_overtaken(live.map(Level), Quantity::at_least_zero(entry.units));
        let outcome = match () {
            () if again && is_there => Some(done(entry.units)),
            () if overtaken => Some(Outcome::Stale),
            () if is_there => Some(done(entry.units)),
            () => None,
        };
        match outcome {
            Some(outcome) => drop(outcomes.insert(entry.place, outcome)),
            None => drop(wanted.insert(entry.group.clone(), entry.units)),
        }
    }
    (outcomes, wanted)
}

impl Entry {
    /// Tells what became of it by what the listing holds after the write (P5).
    fn told(&self, after: &Inventory) -> Outcome {
        match after.group(&self.group).and_then(|group| group.level()) {
            Some(units) if units <= self.units => done(units),
            _ => Outcome::Unknown(ChannelError::unexpected(WRITE, "Etsy's answer does not show what was written")),
        }
    }
}

fn done(units: i64) -> Outcome {
    Outcome::Done { echo: Some(Level(units)) }
}

fn all(entries: &[Entry], outcome: &Outcome) -> Outcomes {
    entries.iter().map(|entry| (entry.place, outcome.clone())).collect()
}

/// Makes the outcome of a failed write: unknown where it may have landed all the same; not sent where the day's calls are
/// used up.
pub(super) fn failed(error: ChannelError) -> Outcome {
    match error.kind {
        _ if error.may_have_landed() => Outcome::Unknown(error),
        ErrorKind::Throttled => Outcome::NotSent,
        ErrorKind::NotFound => Outcome::Gone,
        _ => Outcome::Refused(error),
    }
}

pub(super) fn no_inventory(listing: i64) -> ChannelError {
    let words = format!("Etsy keeps no readable inventory of listing {listing}");
    ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, words)
        .with_next("open the listing on Etsy and save it once; that makes one")
}

/// Makes what is sent, or tells why Etsy would not take it.
fn body(
    listing: i64,
    inventory: &Inventory,
    wanted: &BTreeMap<String, i64>,
) -> std::result::Result<Value, ChannelError> {
    match inventory.parenthesis() {
        Some(text) => Err(parenthesis(&text)),
        None => inventory.with(wanted).map_err(|why| unwritable(listing, &why)),
    }
}

fn unwritable(listing: i64, why: &str) -> ChannelError {
    let words = format!("listing {listing} cannot be written without losing something of it: {why}");
    ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, words)
}

fn parenthesis(text: &str) -> ChannelError {
    let words = format!("Etsy shows the variation \"{text}\" and takes none with a parenthesis back");
    ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, words).with_next("rename it on Etsy, without ( and )")
}
