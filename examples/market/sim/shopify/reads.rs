//! What Shopify's types show of the world: one function a type.
//!
//! A field that is not played here is refused in words that say so, so that a gap of the simulator is never mistaken
//! for a fault of the program under test.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::document::Asked;
use super::graphql::{Found, Run, Thing};
use super::{Refusal, VERSION};
use crate::sim::Trouble;
use crate::sim::sales::Order;
use crate::sim::shelf::{Level, Product, Shop, State, Variant};

/// What a field turns out to be, or why it is refused.
pub(super) type Answered = Result<Found, Refusal>;

/// The states that a quantity can be in (4).
pub(super) const STATES: [&str; 8] =
    ["available", "committed", "reserved", "damaged", "safety_stock", "quality_control", "on_hand", "incoming"];

/// Fields of an order that tell of a buyer: protected, and never to be asked for (2.4).
const OF_BUYERS: [&str; 9] = [
    "customer",
    "email",
    "phone",
    "billingAddress",
    "shippingAddress",
    "displayAddress",
    "clientIp",
    "note",
    "customAttributes",
];

impl Run<'_> {
    /// Finds what a field of a thing is.
    pub(super) fn field(&mut self, thing: &Thing, asked: &Asked) -> Answered {
        self.needs(thing, asked)?;
        match thing {
            Thing::Query => self.root(asked),
            Thing::Shop => self.shop(asked),
            Thing::Installation => self.installation(asked),
            Thing::Location(id) => self.location(*id, asked),
            Thing::Product(id) => self.product(*id, asked),
            Thing::Variant(id) => self.variant(*id, asked),
            Thing::Item(id) => self.item(*id, asked),
            Thing::Level(item, location) => self.level(*item, *location, asked),
            Thing::Order(id) => self.order(*id, asked),
            Thing::Line(order, line) => self.line(*order, *line, asked),
            Thing::Refund(order, refund) => self.refund(*order, *refund, asked),
            Thing::Publication(id) => self.publication(*id, asked),
            Thing::Record(kind, fields) => {
                let found = fields.iter().find(|(name, _)| *name == asked.name);
                found.map(|(_, found)| found.clone()).ok_or_else(|| unplayed(kind, &asked.name))
            }
            Thing::Group(group) => group.field(asked),
        }
    }

    pub(super) fn here(&self) -> &Shop {
        self.world.shop(&self.face.shop)
    }

    /// Refuses what the app may not see (2.4).
    fn needs(&self, thing: &Thing, asked: &Asked) -> Result<(), Refusal> {
        let any: &[&str] = match (thing, asked.name.as_str()) {
            (_, "products" | "product" | "productVariants" | "productVariant" | "productVariantsCount") => {
                &["read_products"]
            }
            (Thing::Query, "inventoryItem" | "inventoryItems") => &["read_inventory", "read_products"],
            (_, "inventoryLevel" | "inventoryLevels" | "inventoryProperties") => &["read_inventory"],
            (Thing::Query, "location" | "locations") => &["read_locations", "read_inventory"],
            (Thing::Query, "order" | "orders" | "ordersCount") => &["read_orders"],
            (_, "publications" | "publishedOnPublication") => &["read_publications"],
            (Thing::Order(_), field) if OF_BUYERS.contains(&field) => &["read_customers"],
            _ => return Ok(()),
        };
        self.permits(any, &asked.name)
    }

    pub(super) fn permits(&self, any: &[&str], field: &str) -> Result<(), Refusal> {
        let denied = |scope: &str| self.troubles.iter().any(|t| matches!(t, Trouble::Denied(word) if *word == scope));
        if any.iter().any(|scope| self.face.may(scope) && !denied(scope)) {
            return Ok(());
        }
        let words = format!("Access denied for {field} field.");
        let access = format!("`{}` access scope.", any.join("` or `"));
        Err(Refusal::new("ACCESS_DENIED", &words).with("requiredAccess", access))
    }

    fn root(&mut self, asked: &Asked) -> Answered {
        let id = |name: &str| asked.args.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(match asked.name.as_str() {
            "shop" => Found::One(Some(Thing::Shop)),
            "currentAppInstallation" | "appInstallation" => Found::One(Some(Thing::Installation)),
            "publicApiVersions" => versions(&self.face.oldest_version),
            "inventoryProperties" => properties(),
            "node" | "product" | "productVariant" | "inventoryItem" | "inventoryLevel" | "order" => {
                Found::One(self.by_id(id("id")))
            }
            "location" => match asked.args.get("id") {
                Some(_) => Found::One(self.by_id(id("id"))),
                None => Found::One(self.here().locations.keys().next().map(|id| Thing::Location(*id))),
            },
            "nodes" => {
                let ids = asked.args.get("ids").and_then(Value::as_array).cloned().unwrap_or_default();
                self.items += ids.len();
                Found::Many(ids.iter().map(|id| self.by_id(id.as_str().unwrap_or_default())).collect())
            }
            "productVariantsCount" => count(self.here().variants.len()),
            "productsCount" => count(self.here().products.len()),
            "ordersCount" => count(self.here().orders.len()),
            _ => return self.list(asked),
        })
    }

    /// Finds a record by its global id; `None` where it is not there (5.4).
    pub(super) fn by_id(&self, gid: &str) -> Option<Thing> {
        let shop = self.here();
        let (kind, id) = number_of(gid)?;
        let thing = match kind {
            "Location" if shop.locations.contains_key(&id) => Thing::Location(id),
            "Product" if shop.products.contains_key(&id) => Thing::Product(id),
            "ProductVariant" if shop.variants.contains_key(&id) => Thing::Variant(id),
            "InventoryItem" if shop.items.contains_key(&id) => Thing::Item(id),
            "Order" if shop.orders.get(&id).is_some_and(|order| self.visible(order)) => Thing::Order(id),
            "Publication" if shop.publications.contains_key(&id) => Thing::Publication(id),
            "InventoryLevel" => {
                let item: u64 = gid.split_once("inventory_item_id=")?.1.parse().ok()?;
                let (location, _) = shop.items.get(&item)?.levels.iter().find(|(_, level)| level.id == id)?;
                Thing::Level(item, *location)
            }
            _ => return None,
        };
        Some(thing)
    }

    /// Tells whether an order can be seen at all: older ones need another scope (2.4).
    pub(super) fn visible(&self, order: &Order) -> bool {
        let age = self.world.now.duration_since(order.placed);
        self.face.scopes.contains("read_all_orders") || age.as_hours() < 60 * 24
    }

    fn shop(&self, asked: &Asked) -> Answered {
        Ok(match asked.name.as_str() {
            "id" => "gid://shopify/Shop/1".into(),
            "name" => self.here().name.as_str().into(),
            "myshopifyDomain" => self.face.domain.as_str().into(),
            "url" => format!("https://{}", self.face.domain).into(),
            "currencyCode" => "EUR".into(),
            "ianaTimezone" => "Europe/Berlin".into(),
            "plan" => {
                let plan = vec![
                    ("publicDisplayName", "Basic".into()),
                    ("displayName", "Basic".into()),
                    ("shopifyPlus", false.into()),
                    ("partnerDevelopment", false.into()),
                ];
                Found::One(Some(Thing::record("ShopPlan", plan)))
            }
            field => return Err(unplayed("Shop", field)),
        })
    }

    fn installation(&self, asked: &Asked) -> Answered {
        let scope = |handle: &String| {
            let fields = vec![("handle", handle.as_str().into()), ("description", "".into())];
            Some(Thing::record("AccessScope", fields))
        };
        Ok(match asked.name.as_str() {
            "id" => "gid://shopify/AppInstallation/1".into(),
            "app" => {
                let app =
                    vec![("id", "gid://shopify/App/1".into()), ("title", "stock".into()), ("handle", "stock".into())];
                Found::One(Some(Thing::record("App", app)))
            }
            "accessScopes" => Found::Many(self.face.scopes.iter().map(scope).collect()),
            "metafield" => Found::One(self.metafield(asked)),
            field => return Err(unplayed("AppInstallation", field)),
        })
    }

    fn location(&mut self, id: u64, asked: &Asked) -> Answered {
        let location = &self.here().locations[&id];
        Ok(match asked.name.as_str() {
            "id" => gid("Location", id).into(),
            "name" => location.name.as_str().into(),
            "isActive" => location.active.into(),
            "isFulfillmentService" => location.service.into(),
            "fulfillsOnlineOrders" | "shipsInventory" => location.sells_online.into(),
            "inventoryLevel" => self.level_of(number(asked, "inventoryItemId"), Some(id), asked),
            "inventoryLevels" => return self.levels_at(id, asked),
            field => return Err(unplayed("Location", field)),
        })
    }

    fn product(&mut self, id: u64, asked: &Asked) -> Answered {
        let product = &self.here().products[&id];
        Ok(match asked.name.as_str() {
            "id" => gid("Product", id).into(),
            "legacyResourceId" => id.to_string().into(),
            "title" => product.title.as_str().into(),
            "vendor" => product.vendor.as_str().into(),
            "productType" => product.kind.as_str().into(),
            "tags" => json!(product.tags).into(),
            "handle" => product.title.to_lowercase().replace(' ', "-").into(),
            "status" => status_of(product).into(),
            "updatedAt" => time(product.stamps.last()).into(),
            "hasOnlyDefaultVariant" => (product.variants.len() == 1).into(),
            "totalInventory" => {
                product.variants.iter().map(|v| self.total(&self.here().variants[v])).sum::<i64>().into()
            }
            "variants" => return self.variants_in(id, asked),
            "publishedOnPublication" => (!product.hidden.contains(&number(asked, "publicationId").unwrap_or(0))).into(),
            field => return Err(unplayed("Product", field)),
        })
    }

    fn variant(&mut self, id: u64, asked: &Asked) -> Answered {
        let variant = &self.here().variants[&id];
        let absent = self.troubles.contains(&Trouble::NoNumbers);
        Ok(match asked.name.as_str() {
            "id" => gid("ProductVariant", id).into(),
            "legacyResourceId" => id.to_string().into(),
            "sku" if variant.sku.is_empty() => Value::Null.into(),
            "sku" => variant.sku.as_str().into(),
            "title" => variant.title.as_str().into(),
            "displayName" => format!("{} - {}", self.here().products[&variant.product].title, variant.title).into(),
            "barcode" => variant.barcode.clone().into(),
            "price" => format!("{}.{:02}", variant.cents / 100, variant.cents % 100).into(),
            "updatedAt" => time(variant.stamps.last()).into(),
            "inventoryPolicy" => if variant.oversells { "CONTINUE" } else { "DENY" }.into(),
            "inventoryQuantity" | "sellableOnlineQuantity" if absent => Value::Null.into(),
            "inventoryQuantity" | "sellableOnlineQuantity" => self.total(variant).into(),
            "requiresComponents" => variant.bundle.into(),
            "product" => Found::One(Some(Thing::Product(variant.product))),
            "inventoryItem" => Found::One(Some(Thing::Item(variant.item))),
            "publishedOnPublication" => (!variant.hidden.contains(&number(asked, "publicationId").unwrap_or(0))).into(),
            field => return Err(unplayed("ProductVariant", field)),
        })
    }

    fn total(&self, variant: &Variant) -> i64 {
        self.here().sellable(variant.item)
    }

    fn item(&mut self, id: u64, asked: &Asked) -> Answered {
        let shop = self.here();
        let item = &shop.items[&id];
        let sku = shop.sku_on(id);
        let same = || shop.variants_of(&sku).filter(|v| shop.variants[v].item != id).count();
        Ok(match asked.name.as_str() {
            "id" => gid("InventoryItem", id).into(),
            "legacyResourceId" => id.to_string().into(),
            "sku" if sku.is_empty() => Value::Null.into(),
            "sku" => sku.into(),
            "tracked" => item.tracked.into(),
            "duplicateSkuCount" => same().into(),
            "updatedAt" => time(item.stamps.last()).into(),
            "variant" => Found::One(item.variants.first().map(|id| Thing::Variant(*id))),
            "variants" => return self.variants_on(id, asked),
            "inventoryLevel" => self.level_of(Some(id), number(asked, "locationId"), asked),
            "inventoryLevels" => return self.levels_of(id, asked),
            field => return Err(unplayed("InventoryItem", field)),
        })
    }

    /// Finds a level; one that is not active is hidden unless asked for (4).
    fn level_of(&self, item: Option<u64>, location: Option<u64>, asked: &Asked) -> Found {
        let found = item.zip(location).filter(|(item, location)| {
            let level = self.here().level(*item, *location);
            level.is_some_and(|level| level.active || includes_inactive(asked))
        });
        Found::One(found.map(|(item, location)| Thing::Level(item, location)))
    }

    fn level(&self, item: u64, location: u64, asked: &Asked) -> Answered {
        let Some(level) = self.here().level(item, location) else { return Ok(Found::One(None)) };
        Ok(match asked.name.as_str() {
            "id" => level_gid(level, item).into(),
            "isActive" => level.active.into(),
            "updatedAt" => time(level.stamps.last()).into(),
            "canDeactivate" => true.into(),
            "item" => Found::One(Some(Thing::Item(item))),
            "location" => Found::One(Some(Thing::Location(location))),
            "quantities" => self.quantities(level, asked),
            field => return Err(unplayed("InventoryLevel", field)),
        })
    }

    fn quantities(&self, level: &Level, asked: &Asked) -> Found {
        // P5: numbers that are missing.
        if self.troubles.contains(&Trouble::NoNumbers) {
            return Found::Many(Vec::new());
        }
        let stale = self.troubles.iter().find_map(|trouble| match trouble {
            Trouble::Stale(by) => Some(level.available_at(self.world.now - *by)),
            _ => None,
        });
        let available = stale.unwrap_or(level.available);
        let names = asked.args.get("names").and_then(Value::as_array).cloned().unwrap_or_default();
        let one = |name: &Value| {
            let name = name.as_str()?;
            let quantity = match name {
                "available" => available,
                "committed" => level.committed,
                "on_hand" => available + level.committed,
                _ => STATES.contains(&name).then_some(0)?,
            };
            let fields = vec![
                ("id", format!("gid://shopify/InventoryQuantity/{}?name={name}", level.id).into()),
                ("name", name.into()),
                ("quantity", quantity.into()),
                ("updatedAt", time(level.stamps.last()).into()),
            ];
            Some(Thing::record("InventoryQuantity", fields))
        };
        Found::Many(names.iter().filter_map(one).map(Some).collect())
    }

    fn publication(&self, id: u64, asked: &Asked) -> Answered {
        let name = self.here().publications[&id].as_str();
        Ok(match asked.name.as_str() {
            "id" => gid("Publication", id).into(),
            "name" => name.into(),
            "catalog" => {
                let catalog = vec![("id", gid("AppCatalog", id).into()), ("title", name.into())];
                Found::One(Some(Thing::record("AppCatalog", catalog)))
            }
            field => return Err(unplayed("Publication", field)),
        })
    }
}

/// Says that a field is not played.
pub(super) fn unplayed(kind: &str, field: &str) -> Refusal {
    let words = format!("Field '{field}' doesn't exist on type '{kind}', or the simulated shop does not play it");
    Refusal::new("undefinedField", &words).with("typeName", kind).with("fieldName", field)
}

/// Writes a global id.
pub(super) fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// Writes the global id of a level (4).
pub(super) fn level_gid(level: &Level, item: u64) -> String {
    format!("gid://shopify/InventoryLevel/{}?inventory_item_id={item}", level.id)
}

/// Reads a global id: its kind and number.
pub(super) fn number_of(gid: &str) -> Option<(&str, u64)> {
    let (kind, id) = gid.strip_prefix("gid://shopify/")?.split_once('/')?;
    Some((kind, id.split('?').next()?.parse().ok()?))
}

/// Reads the number in an argument that is a global id.
pub(super) fn number(asked: &Asked, name: &str) -> Option<u64> {
    Some(number_of(asked.args.get(name)?.as_str()?)?.1)
}

/// Tells whether levels that are not active are asked for.
pub(super) fn includes_inactive(asked: &Asked) -> bool {
    asked.args.get("includeInactive").and_then(Value::as_bool).unwrap_or(false)
}

/// Writes a time as Shopify does: whole seconds, UTC.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Tells a product's status in Shopify's word.
pub(super) fn status_of(product: &Product) -> &'static str {
    match product.state {
        State::Live => "ACTIVE",
        State::Unlisted => "UNLISTED",
        State::Draft => "DRAFT",
        State::Archived => "ARCHIVED",
    }
}

fn versions(oldest: &str) -> Found {
    let version = |handle: &str| {
        let fields =
            vec![("handle", handle.into()), ("displayName", handle.into()), ("supported", (handle >= oldest).into())];
        Some(Thing::record("ApiVersion", fields))
    };
    Found::Many(["2025-10", "2026-01", "2026-04", "2026-07", VERSION].into_iter().map(version).collect())
}

fn properties() -> Found {
    let name = |name: &&str| {
        let fields = vec![
            ("name", (*name).into()),
            ("displayName", (*name).into()),
            ("isInUse", true.into()),
            ("belongsTo", json!([]).into()),
            ("comprises", json!([]).into()),
        ];
        Some(Thing::record("InventoryQuantityName", fields))
    };
    let names = Found::Many(STATES.iter().map(name).collect());
    Found::One(Some(Thing::record("InventoryProperties", vec![("quantityNames", names)])))
}

fn count(count: usize) -> Found {
    Found::One(Some(Thing::record("Count", vec![("count", count.into()), ("precision", "EXACT".into())])))
}
