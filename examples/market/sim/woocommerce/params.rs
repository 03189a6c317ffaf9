//! Parameters of a request as WordPress reads them: from the query and from a JSON body, mostly texts, and checked only
//! where a route says so.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Map, Value};

use super::{LARGEST, Problem, Result};

/// The parameters of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Map<String, Value>);

/// A moment as a filter names it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// With no word on the zone.
    Bare(DateTime),
    /// With a zone, `Z` included.
    Zoned(Timestamp),
}

/// Which page of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paging {
    pub page: usize,
    pub size: usize,
    pub skip: usize,
}

impl Params {
    /// Reads a query and a JSON body; the body counts where both name something (2.6).
    pub fn read(query: &[(String, String)], body: &[u8], json: bool) -> Result<Self> {
        let mut params = Map::new();
        for (name, value) in query {
            // PHP: `sku[]=A` and `sku[0]=A` are entries of a list.
            match name.split_once('[') {
                Some((name, _)) => {
                    let list = params.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                    if let Some(list) = list.as_array_mut() {
                        list.push(value.as_str().into());
                    }
                }
                None => drop(params.insert(name.clone(), value.as_str().into())),
            }
        }
        if json && !body.is_empty() {
            // 8: broken JSON.
            match serde_json::from_slice(body) {
                Ok(Value::Object(fields)) => params.extend(fields),
                Ok(_) => {}
                Err(_) => return Err(Problem::new(400, "rest_invalid_json", "Invalid JSON body passed.")),
            }
        }
        Ok(Self(params))
    }

    /// Makes parameters of the fields of one item.
    pub fn of(fields: &Map<String, Value>) -> Self {
        Self(fields.clone())
    }

    /// Returns all of them.
    pub fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns one as it was sent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns one as text; an empty one counts as not sent.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = match self.0.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// Returns the entries of a batch.
    pub fn items(&self, verb: &str) -> &[Value] {
        self.0.get(verb).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns a list: an array, or a text cut at commas and blanks.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        if let Value::Array(list) = self.0.get(name)? {
            return Some(list.iter().map(|entry| entry.as_str().map_or(entry.to_string(), Into::into)).collect());
        }
        let text = self.text(name)?;
        let parts = text.split([',', ' ', '\t']).filter(|part| !part.is_empty());
        Some(parts.map(ToOwned::to_owned).collect())
    }

    /// Returns a list of ids.
    pub fn ids(&self, name: &str) -> Result<Option<Vec<u64>>> {
        let Some(list) = self.list(name) else { return Ok(None) };
        let ids: Option<Vec<_>> = list.iter().map(|id| id.parse().ok()).collect();
        ids.map(Some).ok_or_else(|| Problem::parameter(name, &format!("{name}[0] is not of type integer.")))
    }

    /// Returns one of several words.
    pub fn choice<'a>(&self, name: &str, allowed: &[&'a str], default: &'a str) -> Result<&'a str> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let known = allowed.iter().find(|word| **word == text);
        known.copied().ok_or_else(|| Problem::parameter(name, &format!("{name} is not one of {}.", allowed.join(", "))))
    }

    /// Returns yes or no.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.text(name).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Problem::parameter(name, &format!("{name} is not of type boolean."))),
        }
    }

    /// Returns a moment.
    pub fn moment(&self, name: &str) -> Result<Option<Moment>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let moment = text.parse().map(Moment::Zoned).or_else(|_| text.parse().map(Moment::Bare)).ok();
        let moment = moment.filter(|_| text.contains(['T', 't', ' ']));
        moment.map(Some).ok_or_else(|| Problem::parameter(name, "Invalid date."))
    }

    /// Returns which page is asked for (2.8).
    pub fn paging(&self) -> Result<Paging> {
        let whole = |name: &str, default: usize| match self.text(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| Problem::parameter(name, &format!("{name} is not of type integer.")))
            }
        };
        let (page, size) = (whole("page", 1)?, whole("per_page", 10)?);
        if page == 0 {
            return Err(Problem::parameter("page", "page must be greater than or equal to 1"));
        }
        // 2.8: at most a hundred.
        if !(1..=LARGEST).contains(&size) {
            return Err(Problem::parameter("per_page", "per_page must be between 1 (inclusive) and 100 (inclusive)"));
        }
        Ok(Paging { page, size, skip: whole("offset", (page - 1) * size)? })
    }

    /// Returns the top-level fields that are asked for (2.9); `None` for all.
    pub fn fields(&self) -> Option<Vec<String>> {
        self.list("_fields").filter(|fields| !fields.is_empty())
    }
}

/// Keeps the fields that are asked for (2.9). Dotted names do not descend into lists: they remove the whole list.
pub(super) fn only(record: Value, fields: Option<&[String]>, keeps_links: bool) -> Value {
    let (Value::Object(record), Some(fields)) = (record.clone(), fields) else { return record };
    let mut kept = Map::new();
    for (name, value) in record {
        let whole = fields.contains(&name) || (keeps_links && name == "_links");
        let dotted = fields.iter().filter_map(|field| field.split_once('.')).filter(|(first, _)| *first == name);
        let under: BTreeSet<&str> = dotted.map(|(_, rest)| rest).collect();
        if whole {
            kept.insert(name, value);
        } else if let (Value::Object(inner), false) = (&value, under.is_empty()) {
            let inner = inner.iter().filter(|(name, _)| under.contains(name.as_str()));
            kept.insert(name, Value::Object(inner.map(|(name, value)| (name.clone(), value.clone())).collect()));
        }
    }
    Value::Object(kept)
}

/// Makes a quantity, in thousandths, of whatever was sent, as PHP does where nothing is checked (1.3).
pub(super) fn coerced(value: &Value, decimals: bool) -> i64 {
    let number = match value {
        Value::Null => 0.0,
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Number(number) => number.as_f64().unwrap_or(0.0),
        Value::String(text) => leading_number(text),
        Value::Array(list) => f64::from(u8::from(!list.is_empty())),
        Value::Object(fields) => f64::from(u8::from(!fields.is_empty())),
    };
    thousandths(if decimals { number } else { number.trunc() })
}

/// Reads a quantity that is checked (3.1): whole numbers, also in texts; with decimals where the schema has them.
pub(super) fn checked(name: &str, value: &Value, decimals: bool) -> Result<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let kind = if decimals { "number" } else { "integer" };
    let number = number.filter(|number: &f64| decimals || number.fract() == 0.0);
    number.map(thousandths).ok_or_else(|| Problem::parameter(name, &format!("{name} is not of type {kind},null.")))
}

fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let fits = |end: &usize| text.get(..*end).is_some_and(|part| part.parse::<f64>().is_ok_and(f64::is_finite));
    // PHP reads as far as there is a number, and words such as "inf" are none.
    let digits = text.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(text.len());
    (1..=digits).rev().find(fits).and_then(|end| text[..end].parse().ok()).unwrap_or(0.0)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is out of range becomes the largest number, which is as good"
)]
fn thousandths(number: f64) -> i64 {
    ((number * 1000.0).round() as i64).clamp(-1_000_000_000_000, 1_000_000_000_000)
}
