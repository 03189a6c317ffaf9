//! Writing numbers: absolute ones to a target, changes to a source (section 4).
//!
//! Products and variations have a batch call each; variations of many products share one. A batch answers 200 whatever
//! became of its items, and an item may come back unharmed and unchanged, so each is judged by the number it echoes and
//! by who counts it. Inside a batch nothing is checked: only whole numbers are ever sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::WooCommerce;
use super::api::Call;
use super::reading::LARGEST;
use super::wire::{BatchAnswer, BatchItem, ItemError, Key, Managed, NUMBERS, Product};
use crate::channel::{Adjustment, ChannelError, ErrorKind, Evidence, Outcome, Repeat, Result, Update, printable};
use crate::domain::{Level, ListingKey, StoredCall, Trace};
use crate::net::Again;

const SET: &str = "writing quantities";
const ADJUST: &str = "taking sales off";
const MARKS: &str = "looking who wrote last";
/// The key of the mark that a deduction leaves on what it changed (X4).
const MARKER: &str = "_eys_op";
/// What an item of products is asked to echo; variations echo everything (4.2).
const ECHO: &str = "id,manage_stock,stock_quantity";

/// An adjustment as it is stored: enough to send it once and to find its traces afterwards.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    items: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    listing: ListingKey,
    delta: i64,
    before: i64,
    marker: String,
}

/// An item of a batch to be sent.
struct Item {
    key: Key,
    fields: Value,
}

/// What came back for an item.
enum Got {
    Answer(BatchItem),
    Failed(ChannelError),
    NotSent,
}

impl WooCommerce {
    /// Writes absolute quantities. To send one twice does no harm.
    pub(super) async fn write_quantities(&self, batch: &[Update]) -> Result<Vec<Outcome>> {
        let item = |update: &Update| {
            let fields = json!({ "stock_quantity": update.quantity.units() });
            Some(Item { key: Key::parse(&update.key)?, fields })
        };
        let items: Vec<Option<Item>> = batch.iter().map(item).collect();
        let got = self.send(SET, items, Again::Always).await;
        if let Some(error) = whole_failure(&got) {
            return Err(error);
        }
        let outcome = |(got, update): (Option<Got>, &Update)| match judged(got, Key::parse(&update.key), SET) {
            Ok(level) => Outcome::Done { echo: Some(level) },
            Err(outcome) => outcome,
        };
        Ok(got.into_iter().zip(batch).map(outcome).collect())
    }

    /// Sends a stored adjustment, once. Whatever becomes of the answer, it is never sent again (X4).
    pub(super) async fn send_adjustment(&self, call: &StoredCall) -> Result<Vec<Outcome>> {
        let entries = entries(call)?;
        let item = |entry: &Entry| {
            let mark = json!([{ "key": MARKER, "value": entry.marker }]);
            let fields = json!({ "inventory_delta": entry.delta, "meta_data": mark });
            Some(Item { key: Key::parse(&entry.listing)?, fields })
        };
        let items: Vec<Option<Item>> = entries.iter().map(item).collect();
        let got = self.send(ADJUST, items, Again::IfNeverSent).await;
        if let Some(error) = whole_failure(&got).filter(|error| !error.may_have_landed()) {
            return Err(error);
        }
        let outcome = |(got, entry): (Option<Got>, &Entry)| match judged(got, Key::parse(&entry.listing), ADJUST) {
            // A number that did not move though its mark was set is nobody's proof.
            Ok(level) if level.0 == entry.before => Outcome::Doubtful { seen: level },
            Ok(level) => Outcome::Done { echo: Some(level) },
            Err(outcome) => outcome,
        };
        Ok(got.into_iter().zip(&entries).map(outcome).collect())
    }

    /// Looks for the marks of an adjustment that may have been sent; sends nothing.
    pub(super) async fn find_adjustment(&self, call: &StoredCall) -> Result<Vec<Outcome>> {
        let entries = entries(call)?;
        let keys: Vec<Key> = entries.iter().filter_map(|entry| Key::parse(&entry.listing)).collect();
        let found = self.look_up(ADJUST, &keys, &format!("{NUMBERS},meta_data")).await?;
        let look = |entry: &Entry| {
            let Some(product) = Key::parse(&entry.listing).and_then(|key| found.get(&key)) else {
                return Outcome::Gone;
            };
            match marked(product, &entry.marker) {
                Some(true) => {}
                Some(false) => return Outcome::Absent,
                None => {
                    return Outcome::Unknown(ChannelError::unexpected(ADJUST, "the shop's answer for it has no marks"));
                }
            }
            match product.level().filter(|_| product.managed() == Some(Managed::Own)) {
                Some(level) if level.0 == entry.before => Outcome::Doubtful { seen: level },
                Some(level) => Outcome::Done { echo: Some(level) },
                None => Outcome::Unknown(unmanaged(product.managed(), ADJUST)),
            }
        };
        Ok(entries.iter().map(look).collect())
    }

    /// Reads the marks that deductions left, whoever made them (I2).
    pub(super) async fn find_marks(&self, keys: &[ListingKey]) -> Result<Vec<Option<Trace>>> {
        let parsed: Vec<Key> = keys.iter().filter_map(Key::parse).collect();
        let found = self.look_up(MARKS, &parsed, &format!("{NUMBERS},meta_data")).await?;
        let trace = |key: &ListingKey| {
            let product = found.get(&Key::parse(key)?)?;
            let mark = product.meta_data.as_ref()?.iter().rev().find(|meta| meta.key == MARKER)?;
            // The mark is the key of the call and the place in it.
            let (call, _) = mark.value.as_str()?.rsplit_once(':')?;
            Trace::of_key(call)
        };
        Ok(keys.iter().map(trace).collect())
    }

    /// Sends items in as few calls as the shop takes; what came back for each, in their order, and nothing for those
    /// that are no listings of this shop.
    async fn send(&self, operation: &'static str, items: Vec<Option<Item>>, again: Again) -> Vec<Option<Got>> {
        let mut got: Vec<Option<Got>> = items.iter().map(|item| item.as_ref().map(|_| Got::NotSent)).collect();
        let mut queue = self.groups(&items);
        let mut alone = BTreeSet::new();
        while let Some(mut group) = queue.pop_front() {
            let most = self.learned.batch.load(Ordering::Relaxed).max(1);
            if group.len() > most {
                queue.push_front(group.split_off(most));
            }
            let sent: Vec<&Item> = group.iter().filter_map(|at| items[*at].as_ref()).collect();
            let answer = self.send_group(operation, &sent, again).await;
            match answer {
                Ok(answers) => {
                    self.grow_batch(group.len());
                    let foreign: Vec<usize> = foreign(&sent, &answers).into_iter().map(|nth| group[nth]).collect();
                    for (at, answer) in group.iter().zip(answers) {
                        let taken = matches!(&answer, Got::Answer(answer) if answer.error.is_none());
                        if taken && alone.contains(at) {
                            self.learned.parents_apart.store(true, Ordering::Relaxed);
                        }
                        got[*at] = Some(answer);
                    }
                    alone.extend(foreign.iter().copied());
                    queue.extend(foreign.into_iter().map(|at| vec![at]));
                }
                Err(error) if error.evidence.status == Some(413) && group.len() > 1 => {
                    self.learn_batch(group.len(), &error);
                    queue.push_front(group);
                }
                Err(error) => {
                    if error.may_have_landed() && group.len() > 1 {
                        self.learned.batch.store(group.len().div_ceil(2), Ordering::Relaxed);
                    }
                    for at in group {
                        got[at] = Some(Got::Failed(error.clone()));
                    }
                    break;
                }
            }
        }
        got
    }

    /// Puts items that one call takes together: products, and variations of whatever product (4.3).
    fn groups(&self, items: &[Option<Item>]) -> VecDeque<Vec<usize>> {
        let apart = self.learned.parents_apart.load(Ordering::Relaxed);
        let mut groups = BTreeMap::<u64, Vec<usize>>::new();
        for (at, item) in items.iter().enumerate() {
            match item.as_ref().map(|item| item.key) {
                Some(Key::Product(_)) => groups.entry(0).or_default().push(at),
                Some(Key::Variation { parent, .. }) => {
                    groups.entry(if apart { parent } else { u64::MAX }).or_default().push(at);
                }
                None => {}
            }
        }
        groups.into_values().collect()
    }

    async fn send_group(&self, operation: &'static str, items: &[&Item], again: Again) -> Result<Vec<Got>> {
        let path = match items.first().map(|item| item.key) {
            // A parent of its own in the address: should a version look at that alone, the others are refused, not moved.
            Some(Key::Variation { parent, .. }) => format!("products/{parent}/variations/batch"),
            _ => "products/batch".to_owned(),
        };
        let update: Vec<Value> = items.iter().map(|item| item.body()).collect();
        let call = Call::write(operation, path, &json!({ "update": update }), again);
        let (answer, _) = self.api.ask::<BatchAnswer>(&call).await?;
        let mut answers: Vec<Option<BatchItem>> = answer.update.into_iter().map(Some).collect();
        let mut find = |item: &&Item| {
            let of_it = |answer: &Option<BatchItem>| answer.as_ref().is_some_and(|a| a.id == Some(item.key.id()));
            let at = answers.iter().position(of_it)?;
            answers[at].take()
        };
        let lost = || ChannelError::unexpected(operation, "the shop's answer leaves out an item");
        Ok(items.iter().map(|item| find(item).map_or_else(|| Got::Failed(lost()), Got::Answer)).collect())
    }

    /// After a call that went well sends twice as many again, if it was not the shop itself that wanted fewer.
    fn grow_batch(&self, sent: usize) {
        let most = self.learned.batch.load(Ordering::Relaxed);
        if sent >= most && !self.learned.batch_lowered.load(Ordering::Relaxed) {
            self.learned.batch.store(most.saturating_mul(2).min(LARGEST), Ordering::Relaxed);
        }
    }

    /// Remembers how many items the shop takes at once: the number that it names, else half of what was refused (4.2).
    fn learn_batch(&self, sent: usize, error: &ChannelError) {
        let said = error.evidence.said.as_deref().unwrap_or_default();
        let named = said.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse::<usize>().ok());
        let most = named.filter(|most| (1..sent).contains(most)).unwrap_or(sent / 2);
        self.learned.batch.store(most.max(1), Ordering::Relaxed);
        self.learned.batch_lowered.store(true, Ordering::Relaxed);
    }
}

impl Item {
    fn body(&self) -> Value {
        let mut body = self.fields.clone();
        body["id"] = self.key.id().into();
        match self.key {
            Key::Product(_) => body["_fields"] = ECHO.into(),
            // Without its true parent, older versions move a variation to the product in the address (1.5).
            Key::Variation { parent, .. } => body["product_id"] = parent.into(),
        }
        body
    }
}

/// Finds the variations that may have been refused only because they stood in another product's call: so would a shop do
/// that does not take variations of many products together. Such go again alone; if that helps, it is remembered.
fn foreign(sent: &[&Item], answers: &[Got]) -> Vec<usize> {
    let parent = |item: &Item| match item.key {
        Key::Variation { parent, .. } => parent,
        Key::Product(_) => 0,
    };
    let first = sent.first().map_or(0, |item| parent(item));
    let foreign: Vec<usize> = (0..sent.len()).filter(|nth| parent(sent[*nth]) != first).collect();
    let refused =
        |nth: &usize| matches!(&answers[*nth], Got::Answer(answer) if answer.error.as_ref().is_some_and(is_gone));
    if foreign.iter().all(refused) { foreign } else { Vec::new() }
}

/// Prepares an adjustment: one entry for each listing, each with a mark of its own.
pub(super) fn prepare(batch: &[Adjustment], key: &str) -> Result<StoredCall> {
    let entry = |(position, adjustment): (usize, &Adjustment)| Entry {
        listing: adjustment.key.clone(),
        delta: adjustment.delta.0,
        before: adjustment.before.0,
        marker: format!("{key}:{position}"),
    };
    let stored = Stored { items: batch.iter().enumerate().map(entry).collect() };
    let body = serde_json::to_string(&stored).map_err(|error| ChannelError::unexpected(ADJUST, error.to_string()))?;
    Ok(StoredCall { key: key.to_owned(), body })
}

fn entries(call: &StoredCall) -> Result<Vec<Entry>> {
    let stored: Stored = serde_json::from_str(&call.body)
        .map_err(|error| ChannelError::unexpected(ADJUST, format!("the stored call is damaged: {error}")))?;
    Ok(stored.items)
}

/// Tells whether a product bears a mark; `None` where its marks cannot be read.
fn marked(product: &Product, marker: &str) -> Option<bool> {
    let mut marks =
        product.meta_data.as_ref()?.iter().filter(|meta| meta.key == MARKER).map(|meta| meta.value.as_str());
    marks.try_fold(false, |found, mark| Some(found || mark? == marker))
}

/// Judges an item by what it echoes: its number, if the shop counts it; else what became of it.
fn judged(got: Option<Got>, key: Option<Key>, operation: &'static str) -> std::result::Result<Level, Outcome> {
    let (answer, key) = match (got, key) {
        (Some(Got::Answer(answer)), Some(key)) => (answer, key),
        (Some(Got::Failed(error)), _) if error.may_have_landed() => return Err(Outcome::Unknown(error)),
        (Some(Got::Failed(error)), _) if error.kind == ErrorKind::Refused => return Err(Outcome::Refused(error)),
        (Some(Got::Failed(_) | Got::NotSent), _) => return Err(Outcome::NotSent),
        _ => return Err(Outcome::Gone),
    };
    if let Some(error) = &answer.error {
        return Err(if is_gone(error) { Outcome::Gone } else { Outcome::Refused(refusal(error, operation)) });
    }
    let Some(product) = answer.product() else {
        return Err(Outcome::Unknown(ChannelError::unexpected(operation, "the shop's answer for it is damaged")));
    };
    if let Key::Variation { parent, .. } = key
        && product.parent_id != 0
        && product.parent_id != parent
    {
        let message = format!("the shop moved this variation from product {parent} to {}", product.parent_id);
        let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, message);
        return Err(Outcome::Refused(
            error.with_next("move it back in WooCommerce, and report this to the makers of eys"),
        ));
    }
    match (product.managed(), product.level()) {
        (Some(Managed::Own), Some(level)) => Ok(level),
        (Some(Managed::Off | Managed::Parent), _) => Err(Outcome::Refused(unmanaged(product.managed(), operation))),
        _ => Err(Outcome::Unknown(ChannelError::unexpected(operation, "the shop's answer for it has no number"))),
    }
}

/// Returns the error of a call that failed before the shop had answered for a single item.
fn whole_failure(got: &[Option<Got>]) -> Option<ChannelError> {
    let answered = got.iter().flatten().any(|got| matches!(got, Got::Answer(_)));
    let error = got.iter().flatten().find_map(|got| match got {
        Got::Failed(error) => Some(error.clone()),
        _ => None,
    });
    error.filter(|_| !answered)
}

/// Tells whether an item was refused because there is no such listing: it is then looked up by its key.
fn is_gone(error: &ItemError) -> bool {
    matches!(
        error.code.as_str(),
        "woocommerce_rest_product_invalid_id"
            | "woocommerce_rest_product_variation_invalid_id"
            | "woocommerce_rest_invalid_product_id"
    )
}

fn refusal(error: &ItemError, operation: &'static str) -> ChannelError {
    let said = printable(&error.message, 300);
    let evidence = Evidence { code: Some(printable(&error.code, 80)), ..Evidence::default() };
    ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, format!("WooCommerce refuses it: {said}"))
        .with_evidence(evidence)
}

/// Makes the error of a write that came back without an effect.
fn unmanaged(managed: Option<Managed>, operation: &'static str) -> ChannelError {
    let (message, next) = match managed {
        Some(Managed::Parent) => (
            "it now draws on its product's stock and has no number of its own",
            "`eys link` shows what it is now; or let WooCommerce manage stock of the variation again",
        ),
        _ => (
            "WooCommerce does not count its stock, so nothing was written",
            "turn on stock management for it, and for the shop; `eys doctor --fix` does it",
        ),
    };
    ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, message).with_next(next)
}
