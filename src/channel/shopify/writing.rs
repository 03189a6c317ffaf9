//! Writing quantities: absolute ones to a target, changes to a source (section 6 of Shopify's facts).
//!
//! One wrong entry rejects a whole batch. The refusals name the entries by their place; those are told apart from the
//! others, which were not written only because of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Shopify;
use super::api::{Document, body};
use super::wire::{Location, item_gid, item_number};
use crate::channel::{Adjustment, ChannelError, ErrorKind, Outcome, Repeat, Result, Update, printable};
use crate::domain::{Delta, Level, StoredCall};
use crate::net::Again;

const SET: Document = Document { text: include_str!("set.graphql"), operation: "writing quantities", cost: 10.0 };
const ADJUST: Document = Document { text: include_str!("adjust.graphql"), operation: "taking sales off", cost: 10.0 };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetAnswer {
    inventory_set_quantities: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdjustAnswer {
    inventory_adjust_quantities: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct UserError {
    code: Option<String>,
    field: Option<Vec<String>>,
    message: Option<String>,
}

impl UserError {
    /// Returns the place of the entry it is about: the first number in its path (6.5).
    fn place(&self) -> Option<usize> {
        self.field.as_ref()?.iter().find_map(|step| step.parse().ok())
    }

    /// Translates a refusal of one entry. An unknown code is a refusal like any other: Shopify adds some per version.
    fn outcome(&self, operation: &'static str) -> Outcome {
        let code = self.code.as_deref().unwrap_or_default();
        let said = printable(self.message.as_deref().unwrap_or(code), 300);
        let refused = |next: Option<&str>| {
            let error =
                ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, format!("Shopify refuses it: {said}"));
            Outcome::Refused(match next {
                Some(next) => error.with_next(next),
                None => error,
            })
        };
        match code {
            // After an earlier attempt under the key, too, the figures decide what became of it.
            "CHANGE_FROM_QUANTITY_STALE"
            | "COMPARE_QUANTITY_STALE"
            | "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
            | "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" => Outcome::Stale,
            "INVALID_INVENTORY_ITEM" => Outcome::Gone,
            "IDEMPOTENCY_CONCURRENT_REQUEST" | "ADJUST_QUANTITIES_FAILED" | "SERVICE_UNAVAILABLE" => {
                Outcome::Unknown(ChannelError::new(ErrorKind::Unavailable, Repeat::Later, operation, said))
            }
            "NON_MUTABLE_INVENTORY_ITEM" => refused(Some("link the components of the bundle instead of the bundle")),
            "INVALID_LOCATION" => refused(Some("check `locations` in channels.toml; `eys doctor` lists them")),
            _ => refused(None),
        }
    }
}

impl Shopify {
    /// Writes quantities to the first location: what is to be shown less what the other locations show.
    pub(super) async fn write_quantities(&self, batch: &[Update], key: &str) -> Result<Vec<Outcome>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (place, _) = self.places().await?;
        let entries: Vec<Value> = batch.iter().map(|update| entry(update, place)).collect();
        let input = json!({
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": format!("gid://eys/Push/{key}"),
            "quantities": entries,
        });
        let text = body(SET, &json!({ "input": input, "key": key }));
        let answer: SetAnswer = self.api.send(SET, text, Again::Always).await?;
        let Some(payload) = answer.inventory_set_quantities else { return Err(no_payload(SET.operation)) };
        let echo = |update: &Update| Outcome::Done { echo: Some(echo_of(update, &place.id)) };
        if payload.user_errors.is_empty() {
            return Ok(batch.iter().map(echo).collect());
        }
        if let Some(whole) = payload.user_errors.iter().find(|error| error.place().is_none()) {
            return match batch.len() {
                1 => Ok(vec![whole.outcome(SET.operation)]),
                _ => self.write_halves(batch, key).await,
            };
        }
        let places: Vec<usize> = (0..batch.len()).collect();
        Ok(refusals(&payload.user_errors, &places, batch.len(), SET.operation))
    }

    /// Finds the entries that spoil a batch, where the refusal does not say which they are (6.5).
    async fn write_halves(&self, batch: &[Update], key: &str) -> Result<Vec<Outcome>> {
        let (first, second) = batch.split_at(batch.len() / 2);
        let mut outcomes = Box::pin(self.write_quantities(first, &format!("{key}-1"))).await?;
        match Box::pin(self.write_quantities(second, &format!("{key}-2"))).await {
            Ok(more) => outcomes.extend(more),
            // The first half is written; what became of the second is told item by item.
            Err(error) => outcomes.extend(second.iter().map(|_| Outcome::Unknown(error.clone()))),
        }
        Ok(outcomes)
    }

    /// Sends a stored adjustment, byte for byte, once. Shopify remembers its key; a repeat of what was applied may
    /// answer "stale" instead of the first answer, so whoever repeats must know that it did, and decide by reading.
    pub(super) async fn send_adjustment(&self, call: &StoredCall) -> Result<Vec<Outcome>> {
        let places = listings_of(&call.body)?;
        let count = places.last().map_or(0, |last| last + 1);
        let answer: AdjustAnswer = self.api.send(ADJUST, call.body.clone(), Again::IfNeverSent).await?;
        let Some(payload) = answer.inventory_adjust_quantities else { return Err(no_payload(ADJUST.operation)) };
        if payload.user_errors.is_empty() {
            return Ok(vec![Outcome::Done { echo: None }; count]);
        }
        if payload.user_errors.iter().any(|error| error.place().is_none()) {
            let whole = payload.user_errors.first().map(|error| error.outcome(ADJUST.operation));
            let whole = whole.filter(|_| count == 1).unwrap_or(Outcome::Stale);
            let unknown = payload.user_errors.iter().find_map(|error| match error.outcome(ADJUST.operation) {
                Outcome::Unknown(error) => Some(Outcome::Unknown(error)),
                _ => None,
            });
            return Ok(vec![unknown.unwrap_or(whole); count]);
        }
        Ok(refusals(&payload.user_errors, &places, count, ADJUST.operation))
    }
}

/// Prepares an adjustment. One call has one reason, which the owner sees in the stock history.
pub(super) fn prepare(batch: &[Adjustment], key: &str, first: &Location) -> StoredCall {
    let gives_back = batch.iter().all(|adjustment| adjustment.delta.0 > 0);
    let changes: Vec<Value> = batch.iter().flat_map(|adjustment| changes(adjustment, first)).collect();
    let input = json!({
        "name": "available",
        "reason": if gives_back { "restock" } else { "other" },
        "referenceDocumentUri": format!("gid://eys/Adjustment/{key}"),
        "changes": changes,
    });
    StoredCall { key: key.to_owned(), body: body(ADJUST, &json!({ "input": input, "key": key })) }
}

fn changes(adjustment: &Adjustment, first: &Location) -> Vec<Value> {
    let item = item_gid(&adjustment.key);
    let change = |location: &str, delta: i64, from: i64| json!({ "inventoryItemId": item, "locationId": location, "delta": delta, "changeFromQuantity": from });
    if adjustment.places.is_empty() {
        return vec![change(&first.id, adjustment.delta.0, adjustment.before.0)];
    }
    adjustment.places.iter().map(|place| change(&place.id, place.delta.0, place.before.0)).collect()
}

/// Returns what the other locations show.
fn elsewhere(update: &Update, first: &str) -> i64 {
    update.places.iter().filter(|place| place.id != first).fold(0, |sum, place| sum.saturating_add(place.level.0))
}

/// Returns what the first location is to show: what the others do not. Where they show more already, that is none.
fn here(update: &Update, first: &str) -> i64 {
    update.quantity.units().saturating_sub(elsewhere(update, first)).max(0)
}

/// Returns what all locations show after the write.
fn echo_of(update: &Update, first: &str) -> Level {
    Level(here(update, first).saturating_add(elsewhere(update, first)))
}

fn entry(update: &Update, place: &Location) -> Value {
    // What the places held is as old as their last reading; what is shown is what was written since.
    let stands_there = update.places.is_empty() || update.places.iter().any(|known| known.id == place.id);
    let expect =
        update.shown.exactly().filter(|_| stands_there).map(|shown| shown.after(Delta(-elsewhere(update, &place.id))));
    json!({
        "inventoryItemId": item_gid(&update.key),
        "locationId": place.id,
        "quantity": here(update, &place.id),
        "changeFromQuantity": expect.map(|level| level.0),
    })
}

/// Tells the entries that were refused from those that were not written only because of them. `listings` says for each
/// entry which item of the batch it belongs to.
fn refusals(errors: &[UserError], listings: &[usize], count: usize, operation: &'static str) -> Vec<Outcome> {
    let mut told = BTreeMap::new();
    for error in errors {
        if let Some(listing) = error.place().and_then(|place| listings.get(place)) {
            told.entry(*listing).or_insert_with(|| error.outcome(operation));
        }
    }
    (0..count).map(|listing| told.remove(&listing).unwrap_or(Outcome::NotSent)).collect()
}

/// Returns for each entry of a stored adjustment which item of the batch it belongs to: entries of one item follow one
/// another.
fn listings_of(text: &str) -> Result<Vec<usize>> {
    let wrong = |why: String| ChannelError::unexpected(ADJUST.operation, format!("the stored call is damaged: {why}"));
    let body: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let changes = body["variables"]["input"]["changes"].as_array().ok_or_else(|| wrong("no changes".to_owned()))?;
    let mut listings = Vec::with_capacity(changes.len());
    let mut last: Option<(String, usize)> = None;
    for change in changes {
        let item = change["inventoryItemId"].as_str().and_then(item_number);
        let item = item.ok_or_else(|| wrong("no item".to_owned()))?;
        let nth = match &last {
            Some((same, nth)) if *same == item => *nth,
            Some((_, nth)) => nth + 1,
            None => 0,
        };
        listings.push(nth);
        last = Some((item, nth));
    }
    Ok(listings)
}

fn no_payload(operation: &'static str) -> ChannelError {
    ChannelError::unexpected(operation, "Shopify's answer has no result for the write")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ListingKey, Place, Quantity, Shown};

    // proves L1: the echo is what the listing shows, also where the other locations show more than it is to.
    #[test]
    fn the_first_location_shows_what_the_others_do_not() {
        let place = |id: &str, level| Place { id: id.to_owned(), level: Level(level) };
        let update = |units| Update {
            key: ListingKey::new("1"),
            quantity: Quantity::at_least_zero(units),
            shown: Shown::Unknown,
            places: vec![place("other", 4), place("first", 5)],
        };
        for (wanted, written, echo) in [(6, 2, 6), (4, 0, 4), (1, 0, 4)] {
            let update = update(wanted);
            assert_eq!(here(&update, "first"), written);
            assert_eq!(echo_of(&update, "first"), Level(echo));
        }
    }
}
