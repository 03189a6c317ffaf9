//! The `[[rules]]` of channels.toml.

use std::ops::Range;

use globset::{Glob, GlobMatcher};
use toml_edit::{Array, Document, InlineTable, Item, TableLike, Value};

use super::Names;
use super::check::zero_stock_of;
use super::diagnose::did_you_mean;
use super::reader::{Notes, Reader};
use crate::domain::rule::{Rule, Then, When};
use crate::domain::{ChannelName, Price};

const WHEN: &[&str] = &[
    "channel",
    "sku",
    "title",
    "vendor",
    "type",
    "tag",
    "price_below",
    "price_at_least",
    "available_below",
    "available_at_least",
    "any",
];
const THEN: &[&str] = &["exclude", "percent", "buffer", "zero_at_or_below", "max", "fixed", "zero_stock"];

/// Reads the rules of a file.
pub(super) fn read(document: &Document<String>, channels: &Names, notes: &mut Notes) -> Vec<Rule> {
    let Some(item) = document.get("rules") else { return Vec::new() };
    let tables: Vec<(&dyn TableLike, Range<usize>)> = match item {
        Item::ArrayOfTables(array) => array.iter().map(|t| (t as &dyn TableLike, t.span().unwrap_or(0..0))).collect(),
        Item::Value(Value::Array(array)) => tables(array, "rules", notes)
            .into_iter()
            .map(|(table, span)| (table as &dyn TableLike, span.unwrap_or(0..0)))
            .collect(),
        _ => {
            notes.problem(item.span().unwrap_or(0..0), "rules must be written as [[rules]]", "no list of rules", None);
            return Vec::new();
        }
    };
    let mut rules: Vec<Rule> = Vec::new();
    for (nth, (table, span)) in tables.into_iter().enumerate() {
        let rule = rule(nth, table, span.clone(), channels, notes);
        if let Some(rule) = rule {
            if rules.iter().any(|other| other.name == rule.name) {
                notes.problem(span, format!("there are two rules named \"{}\"", rule.name), "the second", None);
            }
            rules.push(rule);
        }
    }
    rules
}

/// Takes the tables of a list. What is none would be a condition, or a rule, that is not heard.
fn tables<'a>(array: &'a Array, list: &str, notes: &mut Notes) -> Vec<(&'a InlineTable, Option<Range<usize>>)> {
    let (tables, others): (Vec<_>, Vec<_>) = array.iter().partition(|value| value.is_inline_table());
    for other in others {
        let span = other.span().unwrap_or(0..0);
        notes.problem(span, format!("{list} takes tables, such as {{ … }}"), "no table", None);
    }
    tables.into_iter().filter_map(|value| Some((value.as_inline_table()?, value.span()))).collect()
}

fn rule(nth: usize, table: &dyn TableLike, span: Range<usize>, channels: &Names, notes: &mut Notes) -> Option<Rule> {
    let reader = Reader::new(format!("rule {}", nth + 1), table, span.clone());
    reader.only(&["name", "when", "then"], notes);
    let name = reader.text("name", notes).unwrap_or_else(|| format!("rule {}", nth + 1));
    let part = |key: &str, notes: &mut Notes| {
        let table = reader.item(key)?.as_table_like();
        if table.is_none() {
            let message = format!("`{key}` of rule \"{name}\" must be a table");
            notes.problem(reader.value_span(key), message, "no table", None);
        }
        table.map(|table| Reader::new(format!("`{key}` of rule \"{name}\""), table, reader.value_span(key)))
    };
    let when = part("when", notes).map_or_else(When::default, |reader| when(&reader, channels, notes));
    let Some(then) = part("then", notes) else {
        let help = Some(format!("it takes one or more of {}", THEN.join(", ")));
        notes.problem(span, format!("rule \"{name}\" does nothing: it has no `then`"), "no `then`", help);
        return None;
    };
    let then = then_of(&then, notes);
    Some(Rule { name, when, then })
}

fn when(reader: &Reader<'_>, channels: &Names, notes: &mut Notes) -> When {
    reader.only(WHEN, notes);
    let any = reader.array("any", notes).map(|array| {
        let tables = tables(array, "`any`", notes);
        let inner = tables.into_iter().map(|(table, span)| {
            let inner = Reader::new("`any`", table, span.unwrap_or_else(|| reader.value_span("any")));
            when(&inner, channels, notes)
        });
        inner.collect()
    });
    When {
        channel: channel(reader, channels, notes),
        sku: glob(reader, "sku", notes),
        title: glob(reader, "title", notes),
        vendor: reader.text("vendor", notes),
        product_type: reader.text("type", notes),
        tag: reader.text("tag", notes),
        price_below: price(reader, "price_below", notes),
        price_at_least: price(reader, "price_at_least", notes),
        available_below: reader.number("available_below", 0..=i64::MAX, notes),
        available_at_least: reader.number("available_at_least", 0..=i64::MAX, notes),
        any: any.unwrap_or_default(),
    }
}

fn then_of(reader: &Reader<'_>, notes: &mut Notes) -> Then {
    reader.only(THEN, notes);
    let units = |key: &str, notes: &mut Notes| reader.number(key, 0..=1_000_000_000, notes);
    Then {
        exclude: reader.flag("exclude", false, notes),
        percent: reader.number("percent", 0..=100, notes).and_then(|percent| u32::try_from(percent).ok()),
        buffer: units("buffer", notes),
        zero_at_or_below: units("zero_at_or_below", notes),
        max: units("max", notes),
        fixed: units("fixed", notes),
        zero_stock: reader.one_of("zero_stock", &["keep", "hide", "end"], notes).map(|word| zero_stock_of(Some(word))),
    }
}

fn channel(reader: &Reader<'_>, channels: &Names, notes: &mut Notes) -> Option<ChannelName> {
    let name = reader.text("channel", notes)?;
    if !channels.contains_key(&name) {
        let known: Vec<&str> = channels.keys().map(String::as_str).collect();
        let help = Some(did_you_mean(&name, &known, "the channels are"));
        notes.problem(reader.value_span("channel"), format!("there is no channel `{name}`"), "not in this file", help);
    }
    ChannelName::new(&name)
}

fn glob(reader: &Reader<'_>, key: &str, notes: &mut Notes) -> Option<GlobMatcher> {
    let text = reader.text(key, notes)?;
    match Glob::new(&text) {
        Ok(glob) => Some(glob.compile_matcher()),
        Err(error) => {
            let help = Some("`*` stands for anything, `?` for one character, `{A,B}` for either".to_owned());
            notes.problem(reader.value_span(key), format!("`{text}` is no pattern: {}", error.kind()), "here", help);
            None
        }
    }
}

/// Reads a price, written as a number or as text, in the shop's currency.
fn price(reader: &Reader<'_>, key: &str, notes: &mut Notes) -> Option<Price> {
    let item = reader.item(key)?;
    let hundredths = match (item.as_integer(), item.as_float()) {
        (Some(whole), _) => whole.checked_mul(100),
        #[expect(clippy::cast_possible_truncation, reason = "checked to be small enough")]
        (_, Some(number)) if (0.0..1e12).contains(&number) => Some((number * 100.0).round() as i64),
        _ => None,
    };
    if hundredths.is_none() {
        notes.problem(reader.value_span(key), format!("`{key}` must be a price, such as 9.99"), "no price", None);
    }
    hundredths.map(Price)
}
