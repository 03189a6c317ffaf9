//! Executes a GraphQL request, whatever fields it selects: [`reads`](super::reads) and [`writes`](super::writes) are
//! asked for one field of one [`Thing`] at a time, and what they find is selected from.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::document::{Asked, Parsed, merged};
use super::{Refusal, Shopify, cost};
use crate::sim::{Trouble, World};

/// Something that has fields.
#[derive(Clone)]
pub(super) enum Thing {
    Query,
    Shop,
    Installation,
    Location(u64),
    Product(u64),
    Variant(u64),
    Item(u64),
    Level(u64, u64),
    Order(u64),
    Line(u64, u64),
    Refund(u64, u64),
    Publication(u64),
    /// Something small whose fields are all at hand.
    Record(&'static str, Arc<Vec<(&'static str, Found)>>),
    /// The changes that one write made.
    Group(Arc<super::writes::Group>),
}

/// What a field turns out to be.
#[derive(Clone)]
pub(super) enum Found {
    Value(Value),
    One(Option<Thing>),
    Many(Vec<Option<Thing>>),
    Page(Page),
}

/// A page of a list.
#[derive(Clone, Default)]
pub(super) struct Page {
    pub nodes: Vec<(Thing, String)>,
    pub has_next: bool,
    pub has_previous: bool,
}

/// Root fields that are never null: if one fails, there is no data at all.
const NEVER_NULL: [&str; 11] = [
    "shop",
    "locations",
    "productVariants",
    "products",
    "nodes",
    "orders",
    "publications",
    "currentAppInstallation",
    "publicApiVersions",
    "inventoryProperties",
    "inventoryItems",
];

/// The execution of one request.
pub(super) struct Run<'a> {
    pub world: &'a mut World,
    pub face: &'a mut Shopify,
    pub troubles: &'a [Trouble],
    /// The top-level errors so far.
    pub errors: Vec<Value>,
    /// What it cost in the end.
    pub spent: f64,
    /// What the search did not understand.
    pub warnings: Vec<Value>,
    /// Records at the root of the answer.
    pub items: usize,
}

impl<'a> Run<'a> {
    pub fn new(world: &'a mut World, face: &'a mut Shopify, troubles: &'a [Trouble]) -> Self {
        Self { world, face, troubles, errors: Vec::new(), spent: 0.0, warnings: Vec::new(), items: 0 }
    }

    /// Executes a request and returns its data.
    pub fn execute(&mut self, parsed: &Parsed) -> Value {
        let paging = parsed.roots.iter().any(|root| root.args.get("after").is_some_and(|after| !after.is_null()));
        if paging && self.troubles.contains(&Trouble::Drift) {
            self.world.drift(&self.face.shop);
        }
        let mut data = Map::new();
        let mut nothing = false;
        for root in &parsed.roots {
            let found = if parsed.mutation { self.mutate(root) } else { self.field(&Thing::Query, root) };
            match found.and_then(|found| self.complete(&found, root)) {
                Ok((value, cost)) => {
                    self.spent += if parsed.mutation { cost::MUTATION } else { cost };
                    data.insert(root.alias.clone(), value);
                }
                Err(refusal) => {
                    self.errors.push(refusal.to_json(Some(&root.alias)));
                    nothing |= NEVER_NULL.contains(&root.name.as_str());
                    data.insert(root.alias.clone(), Value::Null);
                }
            }
        }
        if nothing { Value::Null } else { data.into() }
    }

    /// Selects inside what was found, and tells what that cost.
    fn complete(&mut self, found: &Found, asked: &Asked) -> Result<(Value, f64), Refusal> {
        match found {
            Found::Value(value) => Ok((value.clone(), 0.0)),
            Found::One(None) => Ok((Value::Null, 0.0)),
            Found::One(Some(thing)) => self.object(thing, &merged(&asked.inside, thing.kind())),
            Found::Many(things) => {
                let mut list = Vec::new();
                let mut most = 0.0_f64;
                for thing in things {
                    let fields = thing.as_ref().map(|thing| (thing, merged(&asked.inside, thing.kind())));
                    let (value, cost) = match fields {
                        Some((thing, fields)) => self.object(thing, &fields)?,
                        None => (Value::Null, 0.0),
                    };
                    most = most.max(cost);
                    list.push(value);
                }
                Ok((list.into(), most))
            }
            Found::Page(page) => self.connection(page, asked),
        }
    }

    fn object(&mut self, thing: &Thing, fields: &[Arc<Asked>]) -> Result<(Value, f64), Refusal> {
        let mut object = Map::new();
        let mut cost = 1.0;
        for asked in fields {
            let value = if asked.name == "__typename" {
                thing.kind().into()
            } else {
                let found = self.field(thing, asked)?;
                let (value, inside) = self.complete(&found, asked)?;
                cost += inside;
                value
            };
            object.insert(asked.alias.clone(), value);
        }
        Ok((object.into(), cost))
    }

    fn connection(&mut self, page: &Page, asked: &Asked) -> Result<(Value, f64), Refusal> {
        let mut object = Map::new();
        let mut most = 0.0_f64;
        for part in merged(&asked.inside, "Connection") {
            let value = match part.name.as_str() {
                "nodes" => {
                    let (list, cost) = self.nodes(page, &part)?;
                    most = most.max(cost);
                    list.into()
                }
                "edges" => {
                    let mut edges = vec![Map::new(); page.nodes.len()];
                    for inside in merged(&part.inside, "Edge") {
                        let values = if inside.name == "node" {
                            let (list, cost) = self.nodes(page, &inside)?;
                            most = most.max(cost);
                            list
                        } else {
                            page.nodes.iter().map(|(_, cursor)| cursor.as_str().into()).collect()
                        };
                        for (edge, value) in edges.iter_mut().zip(values) {
                            edge.insert(inside.alias.clone(), value);
                        }
                    }
                    edges.into_iter().collect()
                }
                _ => page_info(page, &part),
            };
            object.insert(part.alias.clone(), value);
        }
        self.items += page.nodes.len();
        Ok((object.into(), 2.0 + cost::factor(page.nodes.len()) * most))
    }

    fn nodes(&mut self, page: &Page, asked: &Asked) -> Result<(Vec<Value>, f64), Refusal> {
        let Some((first, _)) = page.nodes.first() else { return Ok((Vec::new(), 0.0)) };
        let fields = merged(&asked.inside, first.kind());
        let mut most = 0.0_f64;
        let mut list = Vec::with_capacity(page.nodes.len());
        for (thing, _) in &page.nodes {
            let (value, cost) = self.object(thing, &fields)?;
            most = most.max(cost);
            list.push(value);
        }
        Ok((list, most))
    }
}

fn page_info(page: &Page, asked: &Asked) -> Value {
    let cursor = |end: Option<&(Thing, String)>| end.map_or(Value::Null, |(_, cursor)| cursor.as_str().into());
    let one = |field: Arc<Asked>| {
        let value = match field.name.as_str() {
            "hasNextPage" => page.has_next.into(),
            "hasPreviousPage" => page.has_previous.into(),
            "startCursor" => cursor(page.nodes.first()),
            "endCursor" => cursor(page.nodes.last()),
            _ => "PageInfo".into(),
        };
        (field.alias.clone(), value)
    };
    merged(&asked.inside, "PageInfo").into_iter().map(one).collect()
}

impl Thing {
    /// Makes something small of its fields.
    pub fn record(kind: &'static str, fields: Vec<(&'static str, Found)>) -> Self {
        Self::Record(kind, Arc::new(fields))
    }

    /// Returns the name of its type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Query => "QueryRoot",
            Self::Shop => "Shop",
            Self::Installation => "AppInstallation",
            Self::Location(_) => "Location",
            Self::Product(_) => "Product",
            Self::Variant(_) => "ProductVariant",
            Self::Item(_) => "InventoryItem",
            Self::Level(..) => "InventoryLevel",
            Self::Order(_) => "Order",
            Self::Line(..) => "LineItem",
            Self::Refund(..) => "Refund",
            Self::Publication(_) => "Publication",
            Self::Record(kind, _) => kind,
            Self::Group(_) => "InventoryAdjustmentGroup",
        }
    }
}

impl<T: Into<Value>> From<T> for Found {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}
