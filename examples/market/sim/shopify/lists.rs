//! Lists: filtered, sorted, cut into pages (3.1, 5).
//!
//! A list with a filter comes from a search index, which trails behind the records by the shop's lag: a record that
//! changed since then is found, or not found, as it was. What is shown of it is always current.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::document::Asked;
use super::graphql::{Found, Page, Run, Thing};
use super::orders::fulfilment_status;
use super::reads::{Answered, includes_inactive, status_of, unplayed};
use super::search::{Filter, Has, Term};
use super::{LARGEST, Refusal};
use crate::sim::sales::Order;
use crate::sim::shelf::{Product, Shop, Variant};
use crate::sim::stamps::Stamps;

/// What a list is sorted by, ties broken by id.
type Key = (String, u64);

impl Run<'_> {
    /// Answers a list at the root.
    pub(super) fn list(&mut self, asked: &Asked) -> Answered {
        match asked.name.as_str() {
            "productVariants" => self.all_variants(asked),
            "products" => self.all_products(asked),
            "orders" => self.all_orders(asked),
            "inventoryItems" => self.all_items(asked),
            "locations" => self.all_locations(asked),
            "publications" => {
                let all: Vec<_> = self.here().publications.keys().map(|id| (*id, Thing::Publication(*id))).collect();
                Self::page_of(all.into_iter(), asked)
            }
            field => Err(unplayed("QueryRoot", field)),
        }
    }

    fn all_variants(&mut self, asked: &Asked) -> Answered {
        let mut search = Search::new(asked, self.here().lag, self.world.now);
        let after = start(asked)?;
        let by_sku = match sort_key(asked, "ID") {
            "ID" => false,
            "SKU" => true,
            other => return Err(unsorted(other)),
        };
        let shop = self.here();
        let fitting = shop.variants.range(from_id(after.as_ref().filter(|_| !by_sku))..).filter(|(id, variant)| {
            search.fits(&variant.stamps, |term, changed| variant_has(shop, **id, variant, term, changed))
        });
        let found = if by_sku {
            sorted(fitting.map(|(id, v)| ((v.sku.to_lowercase(), *id), Thing::Variant(*id))), asked)
        } else {
            page(fitting.map(|(id, _)| ((String::new(), *id), Thing::Variant(*id))), asked, after.as_ref())
        };
        self.warnings.extend(search.warnings);
        found
    }

    fn all_products(&mut self, asked: &Asked) -> Answered {
        let mut search = Search::new(asked, self.here().lag, self.world.now);
        let by_time = match sort_key(asked, "ID") {
            "ID" => false,
            "UPDATED_AT" => true,
            other => return Err(unsorted(other)),
        };
        let shop = self.here();
        let fitting = shop.products.iter().filter_map(|(id, product)| {
            let changed = search.seen(&product.stamps)?;
            let fits = search.fits(&product.stamps, |term, changed| product_has(shop, *id, product, term, changed));
            let key = if by_time { sortable(changed) } else { String::new() };
            fits.then_some(((key, *id), Thing::Product(*id)))
        });
        let found = sorted(fitting, asked);
        self.warnings.extend(search.warnings);
        found
    }

    fn all_orders(&mut self, asked: &Asked) -> Answered {
        let mut search = Search::new(asked, self.here().lag, self.world.now);
        let by = sort_key(asked, "PROCESSED_AT");
        if !matches!(by, "ID" | "UPDATED_AT" | "CREATED_AT" | "PROCESSED_AT") {
            return Err(unsorted(by));
        }
        let shop = self.here();
        let listed = |order: &Order| order.listed.unwrap_or(order.placed + shop.order_delay) <= self.world.now;
        let shown = |order: &Order| self.visible(order) && listed(order);
        let fitting = shop.orders.iter().filter(|(_, order)| shown(order)).filter_map(|(id, order)| {
            let changed = search.seen(&order.stamps)?;
            let fits = search.fits(&order.stamps, |term, changed| order_has(*id, order, term, changed));
            let key = match by {
                "ID" => String::new(),
                "UPDATED_AT" => sortable(changed),
                _ => sortable(order.placed),
            };
            fits.then_some(((key, *id), Thing::Order(*id)))
        });
        let found = sorted(fitting, asked);
        self.warnings.extend(search.warnings);
        found
    }

    fn all_items(&mut self, asked: &Asked) -> Answered {
        let mut search = Search::new(asked, self.here().lag, self.world.now);
        let after = start(asked)?;
        let shop = self.here();
        let fitting = shop.items.range(from_id(after.as_ref())..).filter(|(id, item)| {
            search.fits(&item.stamps, |term, changed| match term.field.as_str() {
                "id" => compare_id(term, **id),
                "sku" => term.compares(&Has::Text(&shop.sku_on(**id))),
                "updated_at" => term.compares(&Has::Time(changed)),
                _ => None,
            })
        });
        let found = page(fitting.map(|(id, _)| ((String::new(), *id), Thing::Item(*id))), asked, after.as_ref());
        self.warnings.extend(search.warnings);
        found
    }

    fn all_locations(&mut self, asked: &Asked) -> Answered {
        let legacy = asked.args.get("includeLegacy").and_then(Value::as_bool).unwrap_or(false);
        // 4: locations of fulfilment services can be missing unless legacy ones are asked for.
        let shown = self
            .here()
            .locations
            .iter()
            .filter(|(_, location)| (location.active || includes_inactive(asked)) && (!location.service || legacy));
        sorted(shown.map(|(id, location)| ((location.name.clone(), *id), Thing::Location(*id))), asked)
    }

    /// Lists the levels at a location (5.2): the main path to what changed.
    pub(super) fn levels_at(&mut self, location: u64, asked: &Asked) -> Answered {
        let mut search = Search::new(asked, self.here().lag, self.world.now);
        let after = start(asked)?;
        let items = self.here().items.range(from_id(after.as_ref())..);
        let fitting = items.filter_map(|(id, item)| {
            let level = item.levels.get(&location).filter(|level| level.active || includes_inactive(asked))?;
            let fits = search.fits(&level.stamps, |term, changed| match term.field.as_str() {
                "updated_at" => term.compares(&Has::Time(changed)),
                "inventory_item_id" => compare_id(term, *id),
                "id" => compare_id(term, level.id),
                _ => None,
            });
            fits.then_some(((String::new(), *id), Thing::Level(*id, location)))
        });
        let found = page(fitting, asked, after.as_ref());
        self.warnings.extend(search.warnings);
        found
    }

    /// Lists the levels of an item.
    pub(super) fn levels_of(&self, item: u64, asked: &Asked) -> Answered {
        let levels = self.here().items[&item].levels.iter();
        let shown = levels.filter(|(_, level)| level.active || includes_inactive(asked));
        let all: Vec<_> = shown.map(|(at, _)| (*at, Thing::Level(item, *at))).collect();
        Self::page_of(all.into_iter(), asked)
    }

    pub(super) fn variants_in(&self, product: u64, asked: &Asked) -> Answered {
        let all: Vec<_> = self.here().products[&product].variants.iter().map(|id| (*id, Thing::Variant(*id))).collect();
        Self::page_of(all.into_iter(), asked)
    }

    pub(super) fn variants_on(&self, item: u64, asked: &Asked) -> Answered {
        let all: Vec<_> = self.here().items[&item].variants.iter().map(|id| (*id, Thing::Variant(*id))).collect();
        Self::page_of(all.into_iter(), asked)
    }

    /// Cuts a page of a list that is in the order of its ids.
    pub(super) fn page_of(all: impl Iterator<Item = (u64, Thing)>, asked: &Asked) -> Answered {
        let after = start(asked)?;
        let from = from_id(after.as_ref());
        let rest = all.filter(|(id, _)| *id >= from);
        page(rest.map(|(id, thing)| ((String::new(), id), thing)), asked, after.as_ref())
    }
}

/// A filter over an index that trails behind.
struct Search {
    filter: Option<Filter>,
    seen: Timestamp,
    warnings: Vec<Value>,
}

impl Search {
    fn new(asked: &Asked, lag: Duration, now: Timestamp) -> Self {
        let text = asked.args.get("query").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let seen = if text.is_some() { now - lag } else { now };
        Self { filter: text.map(Filter::parse), seen, warnings: Vec::new() }
    }

    /// Returns when a record had last changed as the index knows it.
    fn seen(&self, stamps: &Stamps) -> Option<Timestamp> {
        stamps.as_of(self.seen)
    }

    fn fits(&mut self, stamps: &Stamps, has: impl Fn(&Term, Timestamp) -> Option<bool>) -> bool {
        let Some(changed) = self.seen(stamps) else { return false };
        let Some(filter) = &self.filter else { return true };
        let warnings = &mut self.warnings;
        filter.fits(&mut |term| {
            let fits = has(term, changed);
            if fits.is_none() && warnings.is_empty() {
                let words = "Invalid search field or value.";
                let what = json!({ "field": term.field, "message": words, "code": "invalid_field" });
                warnings.push(json!({ "path": [], "warnings": [what] }));
            }
            fits
        })
    }
}

fn variant_has(shop: &Shop, id: u64, variant: &Variant, term: &Term, changed: Timestamp) -> Option<bool> {
    match term.field.as_str() {
        "id" => compare_id(term, id),
        "sku" => term.compares(&Has::Text(&variant.sku)),
        "title" | "default" => term.compares(&Has::Text(&variant.title)),
        "barcode" => term.compares(&Has::Text(variant.barcode.as_deref().unwrap_or_default())),
        "updated_at" => term.compares(&Has::Time(changed)),
        "product_id" => compare_id(term, variant.product),
        "product_status" => term.compares(&Has::OneOf(vec![status_of(&shop.products[&variant.product])])),
        "inventory_quantity" => term.compares(&Has::Number(shop.sellable(variant.item))),
        "managed" => term.compares(&Has::Flag(shop.items[&variant.item].tracked)),
        _ => None,
    }
}

fn product_has(shop: &Shop, id: u64, product: &Product, term: &Term, changed: Timestamp) -> Option<bool> {
    match term.field.as_str() {
        "id" => compare_id(term, id),
        "updated_at" => term.compares(&Has::Time(changed)),
        "status" => term.compares(&Has::OneOf(vec![status_of(product)])),
        "title" | "default" => term.compares(&Has::Text(&product.title)),
        "sku" => Some(product.variants.iter().any(|v| term.compares(&Has::Text(&shop.variants[v].sku)) == Some(true))),
        _ => None,
    }
}

fn order_has(id: u64, order: &Order, term: &Term, changed: Timestamp) -> Option<bool> {
    match term.field.as_str() {
        "id" => compare_id(term, id),
        "name" | "default" => term.compares(&Has::Text(&order.number)),
        "updated_at" => term.compares(&Has::Time(changed)),
        "created_at" | "processed_at" => term.compares(&Has::Time(order.placed)),
        "status" => {
            let state = if order.cancelled.is_some() { vec!["cancelled"] } else { vec!["open", "not_closed"] };
            matches!(term.value.as_str(), "open" | "closed" | "cancelled" | "not_closed" | "any")
                .then(|| term.value == "any" || term.compares(&Has::OneOf(state)) == Some(true))
        }
        "fulfillment_status" => term.compares(&Has::OneOf(match fulfilment_status(order) {
            "UNFULFILLED" => vec!["unfulfilled", "unshipped"],
            "FULFILLED" => vec!["fulfilled", "shipped"],
            // "unshipped" is for orders of which nothing was sent; "unfulfilled" also takes those sent in part.
            _ => vec!["partial", "unfulfilled"],
        })),
        "test" => term.compares(&Has::Flag(order.test)),
        "source_name" => term.compares(&Has::Text(order.origin.as_deref().unwrap_or("web"))),
        "sku" => Some(order.lines.iter().any(|line| term.compares(&Has::Text(&line.sku)) == Some(true))),
        _ => None,
    }
}

fn compare_id(term: &Term, id: u64) -> Option<bool> {
    let number = term.value.rsplit('/').next()?;
    let term = Term::new("", term.how, number);
    term.compares(&Has::Number(i64::try_from(id).ok()?))
}

fn sort_key<'a>(asked: &'a Asked, default: &'a str) -> &'a str {
    asked.args.get("sortKey").and_then(Value::as_str).unwrap_or(default)
}

fn unsorted(key: &str) -> Refusal {
    Refusal::new("argumentLiteralsIncompatible", &format!("The simulated shop does not sort this list by {key}"))
}

fn sortable(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// Returns the first id that a page may begin with.
fn from_id(after: Option<&Key>) -> u64 {
    after.map_or(0, |(_, id)| id + 1)
}

fn sorted(all: impl Iterator<Item = (Key, Thing)>, asked: &Asked) -> Answered {
    let after = start(asked)?;
    let reverse = asked.args.get("reverse").and_then(Value::as_bool).unwrap_or(false);
    let beyond = |key: &Key| after.as_ref().is_none_or(|after| if reverse { key < after } else { key > after });
    let mut rest: Vec<_> = all.filter(|(key, _)| beyond(key)).collect();
    rest.sort_by(|one, other| if reverse { other.0.cmp(&one.0) } else { one.0.cmp(&other.0) });
    page(rest.into_iter(), asked, after.as_ref())
}

/// Cuts a page off what comes after the cursor.
fn page(mut rest: impl Iterator<Item = (Key, Thing)>, asked: &Asked, after: Option<&Key>) -> Answered {
    let Some(first) = asked.args.get("first").and_then(Value::as_i64) else {
        return Err(Refusal::new("BAD_REQUEST", "you must provide one of first or last"));
    };
    // 3.1: a page has at most 250 records.
    let size = usize::try_from(first).ok().filter(|size| (1..=LARGEST).contains(size));
    let words = format!("first cannot be {first}: it must be from 1 to {LARGEST}");
    let size = size.ok_or_else(|| Refusal::new("BAD_REQUEST", &words))?;
    let nodes: Vec<_> = rest.by_ref().take(size).map(|(key, thing)| (thing, cursor(&key))).collect();
    Ok(Found::Page(Page { nodes, has_next: rest.next().is_some(), has_previous: after.is_some() }))
}

/// Writes a cursor: opaque, and bound to the sort key.
fn cursor((sort, id): &Key) -> String {
    format!("{sort}\n{id}").bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Reads where a page is to begin.
fn start(asked: &Asked) -> Result<Option<Key>, Refusal> {
    let Some(cursor) = asked.args.get("after").filter(|after| !after.is_null()) else { return Ok(None) };
    let read = |cursor: &str| {
        let bytes: Option<Vec<u8>> =
            (0..cursor.len() / 2).map(|at| u8::from_str_radix(cursor.get(2 * at..2 * at + 2)?, 16).ok()).collect();
        let text = String::from_utf8(bytes?).ok()?;
        let (sort, id) = text.split_once('\n')?;
        Some((sort.to_owned(), id.parse().ok()?))
    };
    let key = cursor.as_str().and_then(read);
    key.map(Some).ok_or_else(|| Refusal::new("BAD_REQUEST", "Invalid cursor for current pagination sort."))
}
