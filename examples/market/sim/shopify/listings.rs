//! Mutations of listings: tracking, status, policy, publishing (6.3, 7), and the values that an app keeps.

use serde_json::Value;

use super::document::Asked;
use super::graphql::{Found, Run, Thing};
use super::reads::{Answered, gid, number_of, time};
use super::writes::{UserError, refused_payload};
use super::{Metafield, Refusal};
use crate::sim::{State, Who};

impl Run<'_> {
    /// Turns tracking on or off, or gives an item another SKU.
    pub(super) fn update_item(&mut self, asked: &Asked) -> Answered {
        let input = asked.args.get("input").cloned().unwrap_or_default();
        only(&input, &["tracked", "sku"])?;
        let Some(Thing::Item(item)) = asked.args.get("id").and_then(Value::as_str).and_then(|id| self.by_id(id)) else {
            return Ok(not_found(asked, "id", "The inventory item couldn't be found."));
        };
        let shop = self.face.shop.clone();
        let now = self.world.now;
        let before = self.world.sku_of(&shop, item);
        if let Some(tracked) = input["tracked"].as_bool() {
            let record = self.world.shop_mut(&shop).items.get_mut(&item).expect("it was found");
            record.tracked = tracked;
            record.stamps.push(now);
            self.world.listing(Who::App, &shop, &before, if tracked { "tracked" } else { "untracked" }.into());
        }
        if let Some(sku) = input["sku"].as_str() {
            let variants = self.here().items[&item].variants.clone();
            for variant in variants {
                self.world.shop_mut(&shop).set_sku(variant, sku, now);
            }
            self.world.listing(Who::App, &shop, &before, format!("renamed to {sku}"));
        }
        Ok(done("InventoryItemUpdatePayload", "inventoryItem", Thing::Item(item)))
    }

    /// Changes a product's status.
    pub(super) fn update_product(&mut self, asked: &Asked) -> Answered {
        let input = asked.args.get("product").cloned().unwrap_or_default();
        only(&input, &["id", "status"])?;
        let Some(Thing::Product(product)) = input["id"].as_str().and_then(|id| self.by_id(id)) else {
            return Ok(not_found(asked, "id", "Product does not exist"));
        };
        let state = match input["status"].as_str() {
            Some("ACTIVE") => Some(State::Live),
            Some("UNLISTED") => Some(State::Unlisted),
            Some("DRAFT") => Some(State::Draft),
            Some("ARCHIVED") => Some(State::Archived),
            _ => None,
        };
        let shop = self.face.shop.clone();
        let stand = self.here();
        let sku = stand.products[&product].variants.first().map(|v| stand.variants[v].sku.clone());
        if let (Some(state), Some(sku)) = (state, sku) {
            let now = self.world.now;
            let record = self.world.shop_mut(&shop).products.get_mut(&product).expect("it was found");
            record.state = state;
            record.stamps.push(now);
            self.world.listing(Who::App, &shop, &sku, format!("{state:?}"));
        }
        Ok(done("ProductUpdatePayload", "product", Thing::Product(product)))
    }

    /// Changes whether variants of one product are sold below zero.
    pub(super) fn update_variants(&mut self, asked: &Asked) -> Answered {
        let product = asked.args.get("productId").and_then(Value::as_str).and_then(|id| self.by_id(id));
        let wrong = |code, field: Vec<String>, message: &str| UserError { code, field, message: message.into() };
        let Some(Thing::Product(product)) = product else {
            let error = wrong("PRODUCT_DOES_NOT_EXIST", vec!["productId".into()], "Product does not exist");
            return Ok(refused_payload(asked, vec![error]));
        };
        let entries = asked.args.get("variants").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut known = Vec::new();
        let mut errors = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            only(entry, &["id", "inventoryPolicy"])?;
            let id = entry["id"].as_str().and_then(number_of).map(|(_, id)| id);
            if let Some(id) = id.filter(|id| self.here().products[&product].variants.contains(id)) {
                known.push((id, entry["inventoryPolicy"].as_str() == Some("CONTINUE")));
            } else {
                let field = vec!["variants".into(), at.to_string(), "id".into()];
                errors.push(wrong("PRODUCT_VARIANT_DOES_NOT_EXIST", field, "Product variant does not exist"));
            }
        }
        let partly = asked.args.get("allowPartialUpdates").and_then(Value::as_bool).unwrap_or(false);
        if !errors.is_empty() && !partly {
            return Ok(refused_payload(asked, errors));
        }
        let shop = self.face.shop.clone();
        let now = self.world.now;
        for (id, oversells) in &known {
            let variant = self.world.shop_mut(&shop).variants.get_mut(id).expect("it was found");
            variant.oversells = *oversells;
            variant.stamps.push(now);
        }
        let refused = refused_payload(asked, errors);
        let Found::One(Some(Thing::Record(kind, fields))) = refused else { return Ok(refused) };
        let errors = fields.iter().filter(|(name, _)| *name == "userErrors").cloned();
        let variants = Found::Many(known.iter().map(|(id, _)| Some(Thing::Variant(*id))).collect());
        let product = Found::One(Some(Thing::Product(product)));
        let fields = errors.chain([("productVariants", variants), ("product", product)]).collect();
        Ok(Found::One(Some(Thing::record(kind, fields))))
    }

    /// Shows or hides a product or a variant on publications (7).
    pub(super) fn publish(&mut self, asked: &Asked) -> Found {
        let hide = asked.name == "publishableUnpublish";
        let thing = asked.args.get("id").and_then(Value::as_str).and_then(|id| self.by_id(id));
        let thing = thing.filter(|thing| matches!(thing, Thing::Product(_) | Thing::Variant(_)));
        let Some(thing) = thing else { return not_found(asked, "id", "Resource does not exist") };
        let mut publications = Vec::new();
        for entry in asked.args.get("input").and_then(Value::as_array).into_iter().flatten() {
            match entry["publicationId"].as_str().and_then(|id| self.by_id(id)) {
                Some(Thing::Publication(id)) => publications.push(id),
                _ => return not_found(asked, "input", "Publication does not exist or is not publishable"),
            }
        }
        let shop = self.face.shop.clone();
        let now = self.world.now;
        let stand = self.world.shop_mut(&shop);
        let (hidden, stamps, sku) = match thing {
            Thing::Variant(id) => {
                let variant = stand.variants.get_mut(&id).expect("it was found");
                (&mut variant.hidden, &mut variant.stamps, variant.sku.clone())
            }
            Thing::Product(id) => {
                let product = stand.products.get_mut(&id).expect("it was found");
                let sku = product.variants.first().map(|v| stand.variants[v].sku.clone()).unwrap_or_default();
                (&mut product.hidden, &mut product.stamps, sku)
            }
            _ => return not_found(asked, "id", "Resource does not exist"),
        };
        for id in publications {
            let _ = if hide { hidden.insert(id) } else { hidden.remove(&id) };
        }
        stamps.push(now);
        self.world.listing(Who::App, &shop, &sku, if hide { "hidden" } else { "shown" }.into());
        let payload = if hide { "PublishableUnpublishPayload" } else { "PublishablePublishPayload" };
        done(payload, "publishable", thing)
    }

    /// Keeps values of the app, with compare-and-set.
    pub(super) fn set_metafields(&mut self, asked: &Asked) -> Found {
        let entries = asked.args.get("metafields").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut kept = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            let name = (namespace(&entry["namespace"]), text("key"));
            let known = self.face.metafields.get(&name);
            if let Some((code, field, message)) = self.wrong_with(entry, known) {
                let field = vec!["metafields".into(), at.to_string(), field.into()];
                return refused_payload(asked, vec![UserError { code, field, message: message.into() }]);
            }
            let kind =
                entry["type"].as_str().map_or_else(|| known.map_or_else(String::new, |k| k.kind.clone()), Into::into);
            kept.push((name, text("value"), kind));
        }
        let mut shown = Vec::new();
        for (name, value, kind) in kept {
            let id = self.world.id();
            let digest = format!("{:016x}", self.world.dice.throw());
            let updated = self.world.now;
            let metafield = Metafield { id, value, kind, digest, updated };
            shown.push(Some(show(&name, &metafield)));
            self.face.metafields.insert(name, metafield);
        }
        let fields = vec![("metafields", Found::Many(shown)), ("userErrors", Found::Many(Vec::new()))];
        Found::One(Some(Thing::record("MetafieldsSetPayload", fields)))
    }

    /// Tells what is wrong with a value to be kept: its code, the field, and why.
    fn wrong_with(
        &self,
        entry: &Value,
        known: Option<&Metafield>,
    ) -> Option<(&'static str, &'static str, &'static str)> {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        // The app's own installation is the one owner that is played; it needs no scope.
        if !text("ownerId").starts_with("gid://shopify/AppInstallation/") {
            return Some(("APP_NOT_AUTHORIZED", "ownerId", "The app is not authorized to set this metafield."));
        }
        if self.face.keeps_nothing {
            return Some(("APP_NOT_AUTHORIZED", "ownerId", "The app is not authorized to set metafields."));
        }
        if text("key").len() < 2 {
            return Some(("TOO_SHORT", "key", "Key is too short (minimum is 2 characters)."));
        }
        if text("value").is_empty() {
            return Some(("BLANK", "value", "Value can't be blank."));
        }
        if known.is_none() && text("type").is_empty() {
            return Some(("BLANK", "type", "Type can't be blank."));
        }
        // A digest of null means: only if there is none yet.
        let digest = known.map(|known| known.digest.as_str());
        let stale = entry.get("compareDigest").is_some_and(|given| given.as_str() != digest);
        stale.then_some(("STALE_OBJECT", "compareDigest", "The resource has been updated since it was loaded."))
    }

    /// Finds a value that the app keeps.
    pub(super) fn metafield(&self, asked: &Asked) -> Option<Thing> {
        let space = namespace(asked.args.get("namespace").unwrap_or(&Value::Null));
        let name = (space, asked.args.get("key")?.as_str()?.to_owned());
        self.face.metafields.get(&name).map(|metafield| show(&name, metafield))
    }
}

fn namespace(given: &Value) -> String {
    given.as_str().unwrap_or("$app").into()
}

fn show((space, key): &(String, String), metafield: &Metafield) -> Thing {
    let fields = vec![
        ("id", gid("Metafield", metafield.id).into()),
        ("namespace", space.as_str().into()),
        ("key", key.as_str().into()),
        ("value", metafield.value.as_str().into()),
        ("type", metafield.kind.as_str().into()),
        ("compareDigest", metafield.digest.as_str().into()),
        ("updatedAt", time(metafield.updated).into()),
    ];
    Thing::record("Metafield", fields)
}

fn done(payload: &'static str, result: &'static str, thing: Thing) -> Found {
    let fields = vec![(result, Found::One(Some(thing))), ("userErrors", Found::Many(Vec::new()))];
    Found::One(Some(Thing::record(payload, fields)))
}

fn not_found(asked: &Asked, field: &str, message: &str) -> Found {
    let error = UserError { code: "", field: vec![field.into()], message: message.into() };
    refused_payload(asked, vec![error])
}

/// Refuses what this shop does not play, instead of passing over it.
fn only(input: &Value, keys: &[&str]) -> Result<(), Refusal> {
    let other = input.as_object().into_iter().flatten().find(|(key, _)| !keys.contains(&key.as_str()));
    other.map_or(Ok(()), |(key, _)| {
        Err(Refusal::new("unplayed", &format!("The simulated shop does not play the input field '{key}'")))
    })
}
