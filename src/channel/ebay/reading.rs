//! Reading listings and what they hold: in full, what changed, and by key (section 4).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Ebay;
use super::item::Item;
use super::keys::Key;
use super::trading::{CHANGES, CUT_OFF, READ};
use crate::channel::{ChannelError, OVERLAP as REREAD, Page, PageToken, Result};
use crate::domain::observe::later;
use crate::domain::{Found, Listing, ListingKey, Reading};

/// The longest window of a list of changes; it has to stay below 48 hours (4.2).
const WINDOW: SignedDuration = SignedDuration::from_hours(47);
/// How much two windows overlap (4.2).
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);
/// A window that is not halved any more.
const SHORTEST: SignedDuration = SignedDuration::from_secs(2);

/// What a list of changes is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    /// What was changed.
    Modified,
    /// What ended: that does not count as a change.
    Ended,
}

/// Where the next page of changes starts, how long its window may be, and where the list ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    walk: Walk,
    from: Timestamp,
    length: SignedDuration,
    end: Timestamp,
}

impl Place {
    fn parse(token: &PageToken) -> Option<Self> {
        let mut words = token.0.split(' ');
        let walk = match words.next()? {
            "modified" => Walk::Modified,
            "ended" => Walk::Ended,
            _ => return None,
        };
        let from = words.next()?.parse().ok()?;
        let length = SignedDuration::from_secs(words.next()?.parse().ok()?);
        Some(Self { walk, from, length, end: words.next()?.parse().ok()? })
    }

    fn token(self) -> PageToken {
        let walk = if self.walk == Walk::Modified { "modified" } else { "ended" };
        PageToken(format!("{walk} {} {} {}", self.from, self.length.as_secs(), self.end))
    }

    /// Returns where the window ends.
    fn to(self) -> Timestamp {
        self.from.saturating_add(self.length).unwrap_or(Timestamp::MAX).min(self.end)
    }
}

impl Ebay {
    /// Reads a page of all listings that are up, with a listing for each variation.
    pub(super) async fn read_listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        let number = page.as_ref().map_or(Some(1), |page| page.0.parse().ok());
        let number: u64 = number.ok_or_else(|| ChannelError::unexpected(READ, "the page is none of eBay's"))?;
        let active = self.trading.active(number).await?;
        self.note_skus(&active.items);
        let items = active.items.iter().flat_map(Item::listings).collect();
        let next = (number < active.pages).then(|| PageToken((number + 1).to_string()));
        Ok(Page { items, next, account: None })
    }

    /// Reads a window of what changed, then, once an hour, what ended. A window that eBay cut off is read again in halves.
    pub(super) async fn read_changes(&self, since: Timestamp, page: Option<PageToken>) -> Result<Page<Reading>> {
        let place = match &page {
            Some(token) => Place::parse(token),
            None => Some(self.first_window(since).await?),
        };
        let place = place.ok_or_else(|| ChannelError::unexpected(CHANGES, "the page is none of eBay's"))?;
        // By Trading's clock, the gateway's second may not have come yet.
        let to = Some(place.to()).filter(|to| *to < place.end);
        let items = match place.walk {
            Walk::Modified => self.trading.modified(place.from, to).await?,
            Walk::Ended => self.trading.ended(place.from, to).await?,
        };
        if CUT_OFF <= items.len() {
            let half = place.to().duration_since(place.from) / 2;
            if half < SHORTEST {
                return Err(ChannelError::unexpected(CHANGES, "eBay cuts off the list of changes of a few seconds")
                    .with_next("`eys sync --full` reads all listings instead"));
            }
            let next = Some(Place { length: half, ..place }.token());
            return Ok(Page { items: Vec::new(), next, account: None });
        }
        // The SKUs of listings without variations do not stand in this list.
        let mut items: Vec<Reading> = items.iter().flat_map(Item::readings).collect();
        if place.walk == Walk::Ended {
            for reading in &mut items {
                reading.found = Found::Gone;
            }
        }
        Ok(Page { items, next: after(place, since).map(Place::token), account: None })
    }

    /// Returns the first window of changes. It ends now, by eBay's clock. The last two minutes are still being written, and
    /// eBay advises to leave them out (4.2); but a listing stands in a list by its last change alone, and one that sells all
    /// the while would be in none. What is not in this list yet stands in the next one, which looks back further.
    async fn first_window(&self, since: Timestamp) -> Result<Place> {
        if self.api.clock().is_none() {
            self.trading.account().await?;
        }
        let now = self.api.clock();
        let now = now.ok_or_else(|| ChannelError::unexpected(CHANGES, "eBay's answers do not tell the time (Date)"))?;
        Ok(Place { walk: Walk::Modified, from: since.min(earlier(now, SHORTEST)), length: WINDOW, end: now })
    }

    /// Reads listings by key, each with all its variations in one call.
    pub(super) async fn read_levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        let mut items: BTreeMap<String, Option<Item>> = BTreeMap::new();
        let mut readings = Vec::with_capacity(keys.len());
        for listing in keys {
            let gone = || Reading { key: listing.clone(), found: Found::Gone, live: None };
            let Some(key) = Key::parse(listing) else {
                readings.push(gone());
                continue;
            };
            if !items.contains_key(&key.item) {
                let item = self.trading.item(&key.item).await?;
                self.note_skus(item.as_slice());
                items.insert(key.item.clone(), item);
            }
            let item = items.get(&key.item).and_then(Option::as_ref);
            let reading = item.and_then(|item| item.part(&key).map(|part| item.reading(part)));
            readings.push(reading.unwrap_or_else(gone));
        }
        Ok(readings)
    }
}

fn earlier(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

/// Returns where the list goes on after a window: with the next one, then, where an hour is over, with what ended.
fn after(place: Place, since: Timestamp) -> Option<Place> {
    if place.to() < place.end {
        let from = earlier(place.to(), OVERLAP);
        // A window shorter than the overlap would never get on.
        let from = if from <= place.from { place.to() } else { from };
        return Some(Place { from, ..place });
    }
    // What ended is asked for when an hour is over, back to the one before: a write to such a listing is refused anyway.
    // The hours that are over are told from where the last list ended, not from how far back it is read again.
    let hour = hour_of(since);
    let due = place.walk == Walk::Modified && hour_of(later(since, REREAD)) < hour_of(place.end);
    due.then(|| Place { walk: Walk::Ended, from: earlier(hour, OVERLAP), length: WINDOW, end: place.end })
}

/// Returns when the hour of a moment began.
fn hour_of(moment: Timestamp) -> Timestamp {
    let second = moment.as_second();
    Timestamp::from_second(second - second.rem_euclid(3_600)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves Y1 for eBay: windows join, stay below 48 hours, and come to an end.
    #[test]
    fn windows_cover_the_whole_time() {
        let (since, end): (Timestamp, Timestamp) =
            ("2026-11-15T06:00:00Z".parse().unwrap(), "2026-11-23T06:58:00Z".parse().unwrap());
        for length in [WINDOW, SignedDuration::from_hours(1), SignedDuration::from_secs(90)] {
            let mut place = Place { walk: Walk::Modified, from: since, length, end };
            let mut covered = since;
            loop {
                assert_eq!(Place::parse(&place.token()), Some(place));
                assert!(
                    place.from <= covered && place.to().duration_since(place.from) < SignedDuration::from_hours(48)
                );
                assert!(covered < place.to() || place.walk == Walk::Ended, "{place:?}");
                covered = place.to();
                match after(place, since) {
                    Some(next) if next.walk == place.walk => place = next,
                    next => {
                        assert!(covered == end && next.is_some_and(|next| next.walk == Walk::Ended));
                        break;
                    }
                }
            }
        }
        assert_eq!(Place::parse(&PageToken("3".into())), None);
    }
}
