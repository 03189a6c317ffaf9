//! What Shopify's answers look like, and what they mean in our words.
//!
//! A field without which nothing can be said is required, and its absence is an error that names it; a number that is
//! missing or of the wrong type is no number.

use serde::Deserialize;
use serde_json::Value;

use super::super::{Account, ChannelError, PageToken, Result, found, printable};
use crate::domain::{Found, Good, Level, Listing, ListingKey, ListingState, Place, Price, Reading, Sku};

#[derive(Deserialize)]
pub(super) struct ShopAnswer {
    pub shop: ShopNode,
    pub locations: Nodes<Location>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShopNode {
    pub name: String,
    pub myshopify_domain: String,
}

impl ShopNode {
    /// Returns whose shop it is.
    pub fn account(&self) -> Account {
        Account { identity: self.myshopify_domain.clone(), label: self.name.clone() }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    pub id: String,
    pub name: String,
    pub is_active: bool,
    pub is_fulfillment_service: bool,
    pub fulfills_online_orders: bool,
}

impl Location {
    /// Tells whether its stock is sold online, and kept by the shop itself (L1).
    pub fn sells(&self) -> bool {
        self.is_active && self.fulfills_online_orders && !self.is_fulfillment_service
    }
}

#[derive(Deserialize)]
pub(super) struct Nodes<T> {
    pub nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection<T> {
    pub nodes: Vec<T>,
    pub page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

impl PageInfo {
    /// Returns where the next page starts. A list that says it goes on and does not say where is incomplete.
    pub fn next(self) -> Result<Option<PageToken>> {
        match (self.has_next_page, self.end_cursor) {
            (false, _) => Ok(None),
            (true, Some(cursor)) => Ok(Some(PageToken(cursor))),
            (true, None) => Err(ChannelError::unexpected("reading a list", "a page goes on without an endCursor")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Catalogue {
    pub product_variants: Connection<Variant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variant {
    sku: Option<String>,
    title: Option<String>,
    barcode: Option<String>,
    price: Option<String>,
    inventory_policy: Option<String>,
    #[serde(default)]
    requires_components: bool,
    product: Product,
    inventory_item: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    title: String,
    status: String,
    vendor: Option<String>,
    product_type: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub id: Option<String>,
    #[serde(default)]
    pub tracked: bool,
    inventory_level: Option<InventoryLevel>,
    inventory_levels: Option<Nodes<InventoryLevel>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InventoryLevel {
    is_active: bool,
    location: LocationId,
    quantities: Vec<Value>,
}

#[derive(Deserialize)]
struct LocationId {
    id: String,
}

#[derive(Deserialize)]
pub(super) struct Levels {
    nodes: Vec<Option<Item>>,
}

impl Levels {
    /// Makes readings of it: one for each key, in their order. A deleted item is null in the list, without any error
    /// (5.4); one that is left out, or does not say which it is, proves nothing gone.
    pub fn readings(self, keys: &[ListingKey], chosen: &[Location]) -> Result<Vec<Reading>> {
        let wrong = |why: String| ChannelError::unexpected("reading quantities", why);
        if self.nodes.len() != keys.len() {
            let message = format!("Shopify was asked for {} items and answers with {}", keys.len(), self.nodes.len());
            return Err(wrong(message));
        }
        let reading = |(key, item): (&ListingKey, Option<Item>)| {
            let found = match item {
                None => Found::Gone,
                Some(item) if item.key().as_deref() == Some(key.as_str()) => item.found(chosen),
                Some(_) => return Err(wrong(format!("the answer for item {key} comes without its id"))),
            };
            Ok(Reading { key: key.clone(), found, live: None })
        };
        keys.iter().zip(self.nodes).map(reading).collect()
    }
}

#[derive(Deserialize)]
pub(super) struct Changed {
    pub location: Option<ChangedAt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangedAt {
    pub inventory_levels: Connection<ChangedLevel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangedLevel {
    is_active: bool,
    quantities: Vec<Value>,
    item: LocationId,
}

impl ChangedLevel {
    /// Makes a reading. With several locations the number of one is not the listing's: it is looked up.
    pub fn reading(self, place: &Location, several: bool) -> Result<Reading> {
        let key = item_number(&self.item.id).map(ListingKey::new).ok_or_else(|| {
            ChannelError::unexpected("reading changed quantities", "a changed quantity has no item.id")
        })?;
        let level = available(&self.quantities).filter(|_| self.is_active && !several);
        let place = |level| Place { id: place.id.clone(), level };
        let found = level.map_or(Found::NoNumber, |level| found(vec![place(level)]));
        Ok(Reading { key, found, live: None })
    }
}

impl Item {
    fn key(&self) -> Option<String> {
        self.id.as_deref().and_then(item_number)
    }

    /// Returns what is at the chosen places, in their order. A place where the item is not active sells nothing from
    /// there, whatever its number says (1.5).
    fn places(&self, chosen: &[Location]) -> Vec<Place> {
        let several = self.inventory_levels.iter().flat_map(|levels| &levels.nodes);
        let levels: Vec<&InventoryLevel> = self.inventory_level.iter().chain(several).collect();
        let at = |place: &Location| {
            let level = levels.iter().find(|level| level.location.id == place.id && level.is_active)?;
            Some(Place { id: place.id.clone(), level: available(&level.quantities)? })
        };
        chosen.iter().filter_map(at).collect()
    }

    /// Tells whether a chosen place should have a number and has none that can be read.
    fn unreadable(&self, chosen: &[Location]) -> bool {
        let several = self.inventory_levels.iter().flat_map(|levels| &levels.nodes);
        let levels = self.inventory_level.iter().chain(several);
        let here = |level: &InventoryLevel| chosen.iter().any(|place| place.id == level.location.id);
        levels.into_iter().any(|level| here(level) && level.is_active && available(&level.quantities).is_none())
    }

    /// Returns what a reading found: a number that is missing at one place makes the sum unknown (P5).
    pub fn found(&self, chosen: &[Location]) -> Found {
        if self.unreadable(chosen) { Found::NoNumber } else { found(self.places(chosen)) }
    }
}

/// Returns the number of `available`; one of another type is none.
fn available(quantities: &[Value]) -> Option<Level> {
    let named = quantities.iter().find(|quantity| quantity["name"] == "available")?;
    named["quantity"].as_i64().map(Level)
}

impl Variant {
    /// Makes a listing of it, with the stock at the chosen places.
    pub fn listing(self, chosen: &[Location]) -> Result<Listing> {
        let key = self.inventory_item.key();
        let key =
            key.ok_or_else(|| ChannelError::unexpected("reading listings", "a variant has no inventoryItem.id"))?;
        let (level, places) = match self.inventory_item.found(chosen) {
            Found::Level { level, places, .. } => (Some(level), places),
            Found::NoNumber | Found::Gone => (None, Vec::new()),
        };
        let not_stocked = level.is_none() && !self.inventory_item.unreadable(chosen);
        let title = match self.title.as_deref() {
            None | Some("Default Title" | "") => self.product.title.clone(),
            Some(variant) => format!("{} - {variant}", self.product.title),
        };
        let good = Good {
            sku: self.sku.as_deref().and_then(Sku::new),
            title,
            barcode: self.barcode.filter(|barcode| !barcode.is_empty()),
            price: self.price.as_deref().and_then(price),
        };
        let unfit = if self.requires_components {
            Some("a bundle: its components hold the stock".to_owned())
        } else if not_stocked && self.inventory_item.tracked {
            Some(format!("not stocked at {}", names(chosen)))
        } else {
            None
        };
        Ok(Listing {
            key: ListingKey::new(key),
            goods: vec![good],
            state: state(&self.product.status),
            managed: self.inventory_item.tracked,
            oversells: self.inventory_policy.as_deref() == Some("CONTINUE"),
            unfit,
            level,
            places,
            counter: None,
            item: None,
            vendor: self.product.vendor.filter(|vendor| !vendor.is_empty()),
            product_type: self.product.product_type.filter(|kind| !kind.is_empty()),
            tags: self.product.tags,
        })
    }
}

fn names(places: &[Location]) -> String {
    places.iter().map(|place| printable(&place.name, 60)).collect::<Vec<_>>().join(", ")
}

/// An unlisted product can be bought by whoever has its address: it is on sale.
fn state(status: &str) -> ListingState {
    match status {
        "ACTIVE" | "UNLISTED" => ListingState::Live,
        other => ListingState::Off(printable(other, 40).to_lowercase()),
    }
}

fn price(text: &str) -> Option<Price> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let cents: String = rest.chars().chain("00".chars()).take(2).collect();
    Some(Price(whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents.parse().ok()?)?))
}

/// Returns the number at the end of an inventory item's id.
pub(super) fn item_number(gid: &str) -> Option<String> {
    gid.strip_prefix("gid://shopify/InventoryItem/").map(str::to_owned)
}

/// Returns the id of the inventory item with this key.
pub(super) fn item_gid(key: &ListingKey) -> String {
    format!("gid://shopify/InventoryItem/{key}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place(id: &str) -> Location {
        let (id, name) = (id.to_owned(), id.to_owned());
        Location { id, name, is_active: true, is_fulfillment_service: false, fulfills_online_orders: true }
    }

    fn read(nodes: &Value) -> std::result::Result<Vec<Found>, String> {
        let levels: Levels = serde_json::from_value(json!({ "nodes": nodes })).map_err(|error| error.to_string())?;
        let keys = ["1", "2"].map(ListingKey::new);
        let readings = levels.readings(&keys, &[place("here"), place("there")]).map_err(|error| error.message)?;
        Ok(readings.into_iter().map(|reading| reading.found).collect())
    }

    fn item(id: &Value, there: &Value) -> Value {
        let here = json!({ "isActive": true, "location": { "id": "here" }, "quantities": [{ "name": "available", "quantity": 4 }] });
        json!({ "id": id, "tracked": true, "inventoryLevels": { "nodes": [here, there] } })
    }

    // proves P5, L1: a place that does not say whether it sells may hold units all the same: there is no sum.
    #[test]
    fn a_place_that_is_half_told_makes_no_sum() {
        let there = json!({ "isActive": true, "location": { "id": "there" }, "quantities": [{ "name": "available", "quantity": 3 }] });
        let gid = json!("gid://shopify/InventoryItem/1");
        let found = read(&json!([item(&gid, &there), null])).unwrap();
        assert!(matches!(&found[..], [Found::Level { level: Level(7), .. }, Found::Gone]), "{found:?}");
        for field in ["isActive", "location", "quantities"] {
            let mut there = there.clone();
            there.as_object_mut().unwrap().remove(field);
            let error = read(&json!([item(&gid, &there), null])).unwrap_err();
            assert!(error.contains(field), "{error}");
        }
    }

    // proves P5: a number of nobody knows what is an error, and not the number of something else.
    #[test]
    fn a_changed_number_belongs_to_an_item() {
        let read = |id: &str| {
            let quantities = json!([{ "name": "available", "quantity": 4 }]);
            let level = json!({ "isActive": true, "quantities": quantities, "item": { "id": id } });
            serde_json::from_value::<ChangedLevel>(level).unwrap().reading(&place("here"), false)
        };
        assert_eq!(read("gid://shopify/InventoryItem/7").unwrap().key, ListingKey::new("7"));
        assert!(read("many").unwrap_err().message.contains("no item.id"));
    }

    // proves P5: an answer that leaves an item out, or its id, does not say that it is gone.
    #[test]
    fn what_is_left_out_is_not_gone() {
        let there = json!({ "isActive": false, "location": { "id": "there" }, "quantities": [] });
        assert!(read(&json!([null])).unwrap_err().contains("asked for 2 items"));
        for id in [json!(null), json!("many"), json!("gid://shopify/InventoryItem/7")] {
            let error = read(&json!([item(&id, &there), null])).unwrap_err();
            assert!(error.contains("item 1 comes without its id"), "{error}");
        }
    }
}
