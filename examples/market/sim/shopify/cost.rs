//! What a request costs, and the bucket that pays for it (section 3).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::document::{Asked, Parsed, Selected, merged};

/// The most points that one request may ask for (3.1).
pub const LARGEST: f64 = 1000.0;

/// What a mutation costs, whatever is selected inside (3.2).
pub const MUTATION: f64 = 10.0;

/// Points that refill.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// What it holds at most.
    pub most: f64,
    /// What flows in each second.
    pub per_second: f64,
    left: f64,
    at: Option<Timestamp>,
}

impl Bucket {
    /// The bucket of the smaller plans.
    pub fn standard() -> Self {
        Self::new(2000.0, 100.0)
    }

    /// A full bucket.
    pub fn new(most: f64, per_second: f64) -> Self {
        Self { most, per_second, left: most, at: None }
    }

    /// Tells whether there is enough in it now; the requested cost must be there, not the actual one (3.2).
    pub fn holds(&mut self, now: Timestamp, requested: f64) -> bool {
        let passed =
            self.at.map_or(Duration::ZERO, |at| Duration::try_from(now.duration_since(at)).unwrap_or_default());
        self.left = self.most.min(self.left + self.per_second * passed.as_secs_f64());
        self.at = Some(now);
        self.left >= requested
    }

    /// Takes out what a request cost in the end; the rest of what it asked for is given back at once.
    pub fn take(&mut self, now: Timestamp, requested: f64, actual: f64) {
        self.holds(now, 0.0);
        self.left -= actual.min(requested);
    }

    /// Shows it as an answer does.
    pub fn status(&self) -> Value {
        let left = self.left.floor();
        json!({ "maximumAvailable": self.most, "currentlyAvailable": left, "restoreRate": self.per_second })
    }
}

/// Works out what a request asks for.
#[expect(clippy::cast_precision_loss, reason = "no request has that many fields")]
pub(super) fn requested(parsed: &Parsed, nodes_cost_each: bool) -> f64 {
    if parsed.mutation {
        return MUTATION * parsed.roots.len() as f64;
    }
    parsed.roots.iter().map(|root| field(root, nodes_cost_each)).sum()
}

/// Scales a connection or a list by its length (3.2).
#[expect(clippy::cast_precision_loss, reason = "no page is that long")]
pub fn factor(length: usize) -> f64 {
    if length == 0 { 0.0 } else { (2.0 * (length.max(2) as f64).ln()).floor() }
}

fn selection(selected: &[Selected], each: bool) -> f64 {
    let one = |selected: &Selected| match selected {
        Selected::Field(asked) => field(asked, each),
        Selected::On { inside, .. } => selection(inside, each),
    };
    selected.iter().map(one).sum()
}

#[expect(clippy::cast_precision_loss, reason = "no list is that long")]
fn field(asked: &Asked, each: bool) -> f64 {
    if asked.inside.is_empty() || asked.name == "pageInfo" {
        return 0.0;
    }
    let length = asked.args.get("first").or(asked.args.get("last")).and_then(Value::as_u64);
    let node = merged(&asked.inside, "").into_iter().find(|part| part.name == "nodes" || part.name == "edges");
    if let (Some(node), Some(length)) = (node, length) {
        let inside = if node.name == "nodes" { node } else { inner(&node) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        return 2.0 + factor(length) * (1.0 + selection(&inside.inside, each));
    }
    let ids = asked.args.get("ids").and_then(Value::as_array).map_or(1, Vec::len);
    let times = if each && asked.name == "nodes" { ids as f64 } else { 1.0 };
    times * (1.0 + selection(&asked.inside, each))
}

fn inner(edges: &Arc<Asked>) -> Arc<Asked> {
    merged(&edges.inside, "").into_iter().find(|part| part.name == "node").unwrap_or_else(|| edges.clone())
}
