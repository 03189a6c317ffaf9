//! Mutations of stock (section 6). What the schema allows and Shopify refuses, is refused here.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::document::Asked;
use super::graphql::{Found, Run, Thing};
use super::keys::{Known, Replay};
use super::reads::{Answered, gid, number_of, time, unplayed};
use super::{Refusal, Unstocked};
use crate::sim::{Trouble, Who};

/// Reasons that a quantity may change for (6.1).
const REASONS: [&str; 17] = [
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_created",
    "movement_updated",
    "movement_received",
    "movement_canceled",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
];

/// The changes that one write made.
pub(super) struct Group {
    id: u64,
    at: Timestamp,
    reason: String,
    reference: Option<String>,
    changes: Vec<Change>,
}

struct Change {
    item: u64,
    location: u64,
    delta: i64,
    after: Option<i64>,
    on_hand: Option<i64>,
}

/// A refusal inside a payload.
pub(super) struct UserError {
    pub code: &'static str,
    pub field: Vec<String>,
    pub message: String,
}

/// One entry of a write, as far as it could be read.
struct Entry {
    at: usize,
    item: u64,
    location: u64,
    number: i64,
    expected: Option<i64>,
}

/// A write of quantities, set or adjust.
struct Write<'a> {
    list: &'static str,
    number: &'static str,
    payload: &'static str,
    error: &'static str,
    name: &'a str,
    reason: &'a str,
    reference: Option<&'a str>,
    entries: &'a [Value],
}

impl<'a> Write<'a> {
    fn new(asked: &'a Asked) -> Self {
        let setting = asked.name == "inventorySetQuantities";
        let input = asked.args.get("input").unwrap_or(&Value::Null);
        let text = |key: &str| input[key].as_str();
        let list = if setting { "quantities" } else { "changes" };
        Self {
            list,
            number: if setting { "quantity" } else { "delta" },
            payload: if setting { "InventorySetQuantitiesPayload" } else { "InventoryAdjustQuantitiesPayload" },
            error: if setting { "InventorySetQuantitiesUserError" } else { "InventoryAdjustQuantitiesUserError" },
            name: text("name").unwrap_or_default(),
            reason: text("reason").unwrap_or_default(),
            reference: text("referenceDocumentUri"),
            entries: input[list].as_array().map(Vec::as_slice).unwrap_or_default(),
        }
    }

    fn setting(&self) -> bool {
        self.list == "quantities"
    }

    fn at(&self, entry: usize, field: &str) -> Vec<String> {
        vec!["input".into(), self.list.into(), entry.to_string(), field.into()]
    }
}

impl Run<'_> {
    /// Executes one mutation.
    pub(super) fn mutate(&mut self, asked: &Asked) -> Answered {
        let scope = match asked.name.as_str() {
            "inventorySetQuantities" | "inventoryAdjustQuantities" | "inventoryActivate" | "inventoryItemUpdate" => {
                "write_inventory"
            }
            "productUpdate" | "productVariantsBulkUpdate" => "write_products",
            "publishablePublish" | "publishableUnpublish" => "write_publications",
            "metafieldsSet" => return Ok(self.set_metafields(asked)),
            other => return Err(unplayed("Mutation", other)),
        };
        self.permits(&[scope], &asked.name)?;
        // Planned refusals are of the moment: a key remembers nothing of them.
        for trouble in self.troubles {
            if let Trouble::Refuse(code) = trouble {
                let message = "Refused, as planned.".into();
                return Ok(refused_payload(asked, vec![UserError { code, field: Vec::new(), message }]));
            }
        }
        match asked.name.as_str() {
            "inventorySetQuantities" | "inventoryAdjustQuantities" => self.write_quantities(asked),
            "inventoryActivate" => self.once(asked, Self::activate),
            "inventoryItemUpdate" => self.update_item(asked),
            "productUpdate" => self.update_product(asked),
            "productVariantsBulkUpdate" => self.update_variants(asked),
            _ => Ok(self.publish(asked)),
        }
    }

    /// Does something under a key (6.4): the directive must be there and its key not blank; a key that was used is
    /// looked at before anything else.
    fn once(&mut self, asked: &Asked, act: fn(&mut Self, &Asked, &str) -> (bool, Found)) -> Answered {
        let words = "The @idempotent directive is required for this mutation but was not provided.";
        let key = asked.key.as_ref().ok_or_else(|| Refusal::new("BAD_REQUEST", words))?;
        let key = key.as_str().map(str::trim).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| Refusal::new("BAD_REQUEST", "The @idempotent key can't be blank."))?.to_owned();
        let what = format!("{} {}", asked.name, Value::Object(asked.args.clone()));
        let now = self.world.now;
        let error = |code, words: &str| UserError { code, field: Vec::new(), message: words.into() };
        let refusal = match self.face.look_up(&key, &what, now) {
            Known::New => {
                let (done, found) = act(self, asked, &key);
                self.face.remember(&key, what, done.then(|| found.clone()), now);
                return Ok(found);
            }
            Known::Done(found) if self.face.replay == Replay::First || !compares(asked) => return Ok(found),
            Known::Done(_) => error("CHANGE_FROM_QUANTITY_STALE", "The quantity has changed since it was read."),
            Known::Failed => error("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "An earlier attempt under this key failed."),
            Known::Mismatch => {
                error("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "The key was used with other parameters before.")
            }
        };
        Ok(refused_payload(asked, vec![refusal]))
    }

    fn write_quantities(&mut self, asked: &Asked) -> Answered {
        let write = Write::new(asked);
        // 6.1: each entry says what it expects, if only with a null; the schema does not ask for it.
        if write.entries.iter().any(|entry| entry.get("changeFromQuantity").is_none()) {
            let words = "Each entry must include the changeFromQuantity argument; pass null to skip the check.";
            return Err(Refusal::new("INVALID_FIELD_ARGUMENTS", words));
        }
        if write.entries.is_empty() {
            return Err(Refusal::new("INVALID_FIELD_ARGUMENTS", "At least one entry is required."));
        }
        self.once(asked, Self::write_once)
    }

    fn write_once(&mut self, asked: &Asked, key: &str) -> (bool, Found) {
        let write = Write::new(asked);
        let mut wrong = Self::wrong_with_all(&write);
        let entries: Vec<_> = (0..write.entries.len()).filter_map(|at| self.entry(&write, at, &mut wrong)).collect();
        self.wrong_with_each(&write, &entries, &mut wrong);
        // 6.5: one wrong entry, and nothing is written.
        if !wrong.is_empty() {
            return (false, refused_payload(asked, wrong));
        }
        let changes: Vec<_> = entries.iter().filter_map(|entry| self.change(&write, entry, key)).collect();
        // 6.2: a write that changes nothing has no group.
        let group = (!changes.is_empty()).then(|| Group {
            id: self.world.id(),
            at: self.world.now,
            reason: write.reason.into(),
            reference: write.reference.map(Into::into),
            changes,
        });
        let group = Found::One(group.map(|group| Thing::Group(Arc::new(group))));
        let fields = vec![("inventoryAdjustmentGroup", group), ("userErrors", Found::Many(Vec::new()))];
        (true, Found::One(Some(Thing::record(write.payload, fields))))
    }

    fn wrong_with_all(write: &Write) -> Vec<UserError> {
        let mut wrong = Vec::new();
        let mut refuse = |code, field: &str, message: &str| {
            wrong.push(UserError { code, field: vec!["input".into(), field.into()], message: message.into() });
        };
        // 6.1, 6.2: available or on_hand to set; other states to adjust need a document that this shop does not play.
        if write.setting() && !matches!(write.name, "available" | "on_hand") {
            refuse("INVALID_NAME", "name", "The quantity name must be either 'available' or 'on_hand'.");
        }
        if !write.setting() && write.name != "available" {
            refuse("INVALID_QUANTITY_NAME", "name", "The specified quantity name is invalid.");
        }
        if !REASONS.contains(&write.reason) {
            refuse("INVALID_REASON", "reason", "The specified reason is invalid.");
        }
        if write.reference.is_some_and(|uri| !is_reference(uri)) {
            refuse(
                "INVALID_REFERENCE_DOCUMENT",
                "referenceDocumentUri",
                "The specified reference document is invalid.",
            );
        }
        wrong
    }

    /// Reads an entry: the item and the location must be known, the number in range (6.1).
    fn entry(&self, write: &Write, at: usize, wrong: &mut Vec<UserError>) -> Option<Entry> {
        let entry = &write.entries[at];
        let shop = self.here();
        let before = wrong.len();
        let mut refuse = |code, field: &str, message: &str| {
            wrong.push(UserError { code, field: write.at(at, field), message: message.into() });
        };
        let id = |key: &str, kind| number_of(entry[key].as_str()?).filter(|(is, _)| *is == kind).map(|(_, id)| id);
        let item = id("inventoryItemId", "InventoryItem").filter(|id| shop.items.contains_key(id));
        let location = id("locationId", "Location").filter(|id| shop.locations.contains_key(id));
        if item.is_none() {
            refuse("INVALID_INVENTORY_ITEM", "inventoryItemId", "The specified inventory item could not be found.");
        }
        if location.is_none() {
            refuse("INVALID_LOCATION", "locationId", "The specified location could not be found.");
        }
        let (item, location) = (item?, location?);
        if shop.items[&item].variants.iter().any(|id| shop.variants[id].bundle) {
            refuse("NON_MUTABLE_INVENTORY_ITEM", "inventoryItemId", "The specified inventory item is not mutable.");
        }
        if shop.level(item, location).is_none() && self.face.unstocked == Unstocked::Refused {
            refuse("INVALID_LOCATION", "locationId", "The item is not stocked at the location.");
        }
        let number = entry[write.number].as_i64().unwrap_or(i64::MAX);
        let most = if write.setting() { 1_000_000_000 } else { 2_000_000_000 };
        if number > most {
            refuse("INVALID_QUANTITY_TOO_HIGH", write.number, "The quantity is too high.");
        }
        if number < -most {
            refuse("INVALID_QUANTITY_TOO_LOW", write.number, "The quantity is too low.");
        }
        if write.setting() && (-most..0).contains(&number) {
            refuse("INVALID_QUANTITY_NEGATIVE", write.number, "The quantity can't be negative.");
        }
        // 6.2: a document is refused for what is available.
        if entry.get("ledgerDocumentUri").is_some_and(|uri| !uri.is_null()) {
            refuse(
                "INVALID_AVAILABLE_DOCUMENT",
                "ledgerDocumentUri",
                "The ledger document is not allowed for available.",
            );
        }
        let expected = entry["changeFromQuantity"].as_i64();
        (wrong.len() == before).then_some(Entry { at, item, location, number, expected })
    }

    /// Looks at the entries side by side, and at what they expect (6.1, 6.4).
    fn wrong_with_each(&self, write: &Write, entries: &[Entry], wrong: &mut Vec<UserError>) {
        let mut seen = BTreeSet::new();
        for entry in entries {
            if !seen.insert((entry.item, entry.location)) {
                let code = if write.setting() {
                    "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
                } else {
                    "ADJUST_QUANTITIES_FAILED"
                };
                let message = "The combination of inventory item and location must be unique.".into();
                wrong.push(UserError { code, field: write.at(entry.at, "inventoryItemId"), message });
            }
            if entry.expected.is_some_and(|expected| expected != self.current(write, entry)) {
                let message = "The quantity has changed since it was read.".into();
                let field = write.at(entry.at, "changeFromQuantity");
                wrong.push(UserError { code: "CHANGE_FROM_QUANTITY_STALE", field, message });
            }
        }
    }

    fn current(&self, write: &Write, entry: &Entry) -> i64 {
        let level = self.here().level(entry.item, entry.location);
        level.map_or(0, |level| level.available + if write.name == "on_hand" { level.committed } else { 0 })
    }

    /// Writes one entry; `None` where nothing changed.
    fn change(&mut self, write: &Write, entry: &Entry, key: &str) -> Option<Change> {
        let delta = if write.setting() { entry.number - self.current(write, entry) } else { entry.number };
        if delta == 0 {
            return None;
        }
        let shop = self.face.shop.clone();
        let (item, location) = (entry.item, entry.location);
        let fresh = self.here().level(item, location).is_none();
        if write.setting() {
            let to = self.here().level(item, location).map_or(0, |level| level.available) + delta;
            self.world.write(Who::App, &shop, item, location, to, Some(key));
        } else {
            self.world.adjust(Who::App, &shop, item, location, delta, Some(key));
        }
        let levels = &mut self.world.shop_mut(&shop).items.get_mut(&item)?.levels;
        let level = levels.get_mut(&location)?;
        // 14.6: what becomes of a place that never had the item is not verified; inactive, it sells nothing.
        level.active |= fresh && self.face.unstocked == Unstocked::Active;
        let shown = !self.troubles.contains(&Trouble::NoNumbers);
        let (after, on_hand) = (shown.then_some(level.available), shown.then_some(level.available + level.committed));
        Some(Change { item, location, delta, after, on_hand })
    }

    /// Stocks an item at a location (6.3).
    fn activate(&mut self, asked: &Asked, _key: &str) -> (bool, Found) {
        let id = |name: &str, kind| {
            number_of(asked.args.get(name)?.as_str()?).filter(|(is, _)| *is == kind).map(|(_, id)| id)
        };
        let shop = self.here();
        let item = id("inventoryItemId", "InventoryItem").filter(|id| shop.items.contains_key(id));
        let location = id("locationId", "Location").filter(|id| shop.locations.contains_key(id));
        let wrong = |field: &str, message: &str| {
            let error = UserError { code: "", field: vec![field.into()], message: message.into() };
            (false, refused_payload(asked, vec![error]))
        };
        let Some(item) = item else { return wrong("inventoryItemId", "The product couldn't be found.") };
        let Some(location) = location else { return wrong("locationId", "The location couldn't be found.") };
        let available = asked.args.get("available").and_then(Value::as_i64);
        if available.is_some() && shop.level(item, location).is_some_and(|level| level.active) {
            // 6.3: refused since 2024-10.
            return wrong(
                "available",
                "Not allowed to set available quantity when the item is already active at the location.",
            );
        }
        let shop = self.face.shop.clone();
        self.world.activate(&shop, item, location, available);
        let fields = vec![
            ("inventoryLevel", Found::One(Some(Thing::Level(item, location)))),
            ("userErrors", Found::Many(Vec::new())),
        ];
        (true, Found::One(Some(Thing::record("InventoryActivatePayload", fields))))
    }
}

impl Group {
    /// Finds what a field of it is.
    pub(super) fn field(&self, asked: &Asked) -> Answered {
        Ok(match asked.name.as_str() {
            "id" => gid("InventoryAdjustmentGroup", self.id).into(),
            "createdAt" => time(self.at).into(),
            "reason" => self.reason.as_str().into(),
            "referenceDocumentUri" => self.reference.clone().into(),
            "changes" => {
                let names = asked.args.get("quantityNames").and_then(Value::as_array);
                let wanted = |name: &str| names.is_none_or(|names| names.iter().any(|n| n.as_str() == Some(name)));
                let shown = |change: &Change| {
                    // 4: what changes available changes on_hand by as much.
                    let both = [("available", change.after), ("on_hand", change.on_hand)];
                    both.into_iter()
                        .filter(|(name, _)| wanted(name))
                        .map(|(name, after)| Some(change.show(name, after)))
                        .collect::<Vec<_>>()
                };
                Found::Many(self.changes.iter().flat_map(shown).collect())
            }
            field => return Err(unplayed("InventoryAdjustmentGroup", field)),
        })
    }
}

impl Change {
    fn show(&self, name: &'static str, after: Option<i64>) -> Thing {
        let fields = vec![
            ("name", name.into()),
            ("delta", self.delta.into()),
            ("quantityAfterChange", after.into()),
            ("item", Found::One(Some(Thing::Item(self.item)))),
            ("location", Found::One(Some(Thing::Location(self.location)))),
            ("ledgerDocumentUri", Value::Null.into()),
        ];
        Thing::record("InventoryChange", fields)
    }
}

/// Tells whether an entry of a write compares with what was there before.
fn compares(asked: &Asked) -> bool {
    Write::new(asked).entries.iter().any(|entry| !entry["changeFromQuantity"].is_null())
}

/// Tells whether a text is a URI with a scheme and content; a global id needs all its parts (6.1).
fn is_reference(uri: &str) -> bool {
    if let Some(gid) = uri.strip_prefix("gid://") {
        let parts: Vec<_> = gid.split('/').collect();
        return parts.len() == 3 && parts.iter().all(|part| !part.is_empty());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    uri.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(plain)
            && !rest.trim_matches('/').is_empty()
    })
}

/// Makes the payload of a mutation that was refused: its errors, and null for everything else.
pub(super) fn refused_payload(asked: &Asked, wrong: Vec<UserError>) -> Found {
    let (payload, kind, result) = match asked.name.as_str() {
        "inventorySetQuantities" | "inventoryAdjustQuantities" => {
            let write = Write::new(asked);
            (write.payload, write.error, "inventoryAdjustmentGroup")
        }
        "inventoryActivate" => ("InventoryActivatePayload", "UserError", "inventoryLevel"),
        "inventoryItemUpdate" => ("InventoryItemUpdatePayload", "UserError", "inventoryItem"),
        "productUpdate" => ("ProductUpdatePayload", "UserError", "product"),
        "productVariantsBulkUpdate" => {
            ("ProductVariantsBulkUpdatePayload", "ProductVariantsBulkUpdateUserError", "productVariants")
        }
        "metafieldsSet" => ("MetafieldsSetPayload", "MetafieldsSetUserError", "metafields"),
        "publishablePublish" => ("PublishablePublishPayload", "UserError", "publishable"),
        _ => ("PublishableUnpublishPayload", "UserError", "publishable"),
    };
    let one = |error: UserError| {
        let field = if error.field.is_empty() { Value::Null } else { json!(error.field) };
        let mut fields = vec![("field", field.into()), ("message", error.message.into())];
        // 6.3, 7: the user errors of some mutations have no code.
        if kind != "UserError" {
            fields.push(("code", error.code.into()));
        }
        Some(Thing::record(kind, fields))
    };
    let errors = Found::Many(wrong.into_iter().map(one).collect());
    let nothing =
        if result == "productVariants" || result == "metafields" { Value::Null.into() } else { Found::One(None) };
    Found::One(Some(Thing::record(payload, vec![(result, nothing), ("userErrors", errors)])))
}
