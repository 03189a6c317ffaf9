//! Batches (4.2, 4.3): items one after the other, no transaction, nothing checked, status 200 whatever comes of them.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::catalog::Entry;
use super::params::{Params, only};
use super::save::Checks;
use super::writes::wrong_route;
use super::{Answer, Call, Problem, Result, WooCommerce, json_answer, planned};
use crate::sim::{Step, Trouble, World};

/// A batch on its way.
struct Batch {
    /// The product in the address, for variations.
    parent: Option<u64>,
    todo: VecDeque<(&'static str, Value)>,
    done: Map<String, Value>,
    fields: Option<Vec<String>>,
    count: usize,
    troubles: Vec<Trouble>,
}

impl WooCommerce {
    pub(super) fn product_batch(&mut self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Result<Step> {
        Ok(Batch::new(call, None, self.batch_limit, troubles)?.run(self, world))
    }

    pub(super) fn variation_batch(
        &mut self,
        world: &mut World,
        call: &Call,
        parent: u64,
        troubles: &[Trouble],
    ) -> Result<Step> {
        Ok(Batch::new(call, Some(parent), self.batch_limit, troubles)?.run(self, world))
    }

    /// Finds what an item of a batch is about. For variations the item's own `product_id` counts, and the one in the
    /// address where it has none (4.3).
    fn item_entry(&mut self, world: &mut World, parent: Option<u64>, fields: &Map<String, Value>) -> Result<Entry> {
        let id = fields.get("id").and_then(id_of).unwrap_or(0);
        let Some(parent) = parent else {
            return match self.find(self.here(world), id, 400)? {
                entry @ Entry::Product(_) => Ok(entry),
                Entry::Variation(_) => Err(wrong_route()),
            };
        };
        let parent = fields.get("product_id").and_then(id_of).unwrap_or(parent);
        let found = self.variation_in(self.here(world), parent, id);
        // 1.5, 4.3: since 9.5.2 an item under a wrong parent is refused; before, it is moved there.
        let Some(Entry::Variation(_)) = self.entry(self.here(world), id) else { return found };
        if found.is_err() && !self.since(9, 5, 2) {
            self.move_to_parent(world, id, parent);
            return Ok(Entry::Variation(id));
        }
        found
    }
}

impl Batch {
    fn new(call: &Call, parent: Option<u64>, limit: usize, troubles: &[Trouble]) -> Result<Self> {
        let verbs = ["create", "update", "delete"].into_iter();
        let todo: VecDeque<_> =
            verbs.flat_map(|verb| call.params.items(verb).iter().map(move |item| (verb, item.clone()))).collect();
        // 4.2: over all verbs together; nothing is done.
        if todo.len() > limit {
            let words = format!("Unable to accept more than {limit} items for this request.");
            return Err(Problem::new(413, "woocommerce_rest_request_entity_too_large", &words));
        }
        let count = todo.len();
        let fields = call.params.fields();
        Ok(Self { parent, todo, done: Map::new(), fields, count, troubles: troubles.to_vec() })
    }

    /// Works off the items; each takes the time of a save.
    fn run(mut self, face: &mut WooCommerce, world: &mut World) -> Step {
        while let Some((verb, item)) = self.todo.pop_front() {
            let fields = item.as_object().cloned().unwrap_or_default();
            match self.begin(face, world, verb, &fields) {
                Ok(Begun::Shown(shown)) => self.push(verb, shown),
                Err(problem) => {
                    let id = fields.get("id").cloned().unwrap_or_else(|| json!(0));
                    self.push(verb, json!({ "id": id, "error": problem.to_json() }));
                }
                Ok(Begun::Save(save)) => {
                    return face.go_on(save, move |face, world, save| {
                        let mut shown = face.echo(world, save.entry, &self.troubles);
                        // 7: with management off for the whole shop a variation echoes the number that it did not take.
                        let number = fields.get("stock_quantity").filter(|number| number.is_i64());
                        if let (true, Entry::Variation(_), Some(number)) =
                            (world.shop(&face.shop).uncounted, save.entry, number)
                        {
                            shown["stock_quantity"] = number.clone();
                        }
                        // 4.2: each item may name its fields; for variations that is passed over.
                        let wanted = if self.parent.is_some() { None } else { Params::of(&fields).fields() };
                        self.push(verb, only(shown, wanted.as_deref(), true));
                        self.run(face, world)
                    });
                }
            }
        }
        Step::Done(self.answer())
    }

    fn begin(
        &self,
        face: &mut WooCommerce,
        world: &mut World,
        verb: &str,
        fields: &Map<String, Value>,
    ) -> Result<Begun> {
        planned(&self.troubles)?;
        match (verb, self.parent) {
            ("update", parent) => {
                let entry = face.item_entry(world, parent, fields)?;
                face.begin_save(world, entry, fields, Checks::Skipped).map(Begun::Save)
            }
            ("create", None) => {
                let made = face.create(world, &Params::of(fields))?;
                Ok(Begun::Shown(face.show(world, made, &self.troubles)))
            }
            _ => Err(Problem::new(501, "unplayed", "The simulated shop does not play this.")),
        }
    }

    fn push(&mut self, verb: &str, shown: Value) {
        let list = self.done.entry(verb).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(shown);
        }
    }

    /// 1.4: 200, even if every item failed. 4.2: fields in the address empty the answer; PHP's empty object is a list.
    fn answer(self) -> Answer {
        let body = only(Value::Object(self.done), self.fields.as_deref(), false);
        let empty = body.as_object().is_some_and(Map::is_empty) && self.fields.is_some();
        Answer { items: Some(self.count), ..json_answer(200, &if empty { json!([]) } else { body }) }
    }
}

/// What became of an item at first.
enum Begun {
    /// It is being saved.
    Save(super::save::Save),
    /// It is done.
    Shown(Value),
}

/// Reads an id, which PHP takes from a text too.
fn id_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
