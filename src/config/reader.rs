//! Walking through a table of the file: each value is taken by its key, and what is wrong with it is noted.

use std::ops::Range;
use std::path::Path;

use jiff::{SignedDuration, Span};
use toml_edit::{Array, Item, TableLike};

use super::diagnose::{Problem, did_you_mean};

/// What is found out while the file is read.
#[derive(Default)]
pub(super) struct Notes {
    pub problems: Vec<Problem>,
    /// The places of secrets, to be blanked out whenever the file is shown.
    pub secrets: Vec<Range<usize>>,
}

impl Notes {
    /// Notes a problem.
    pub fn problem(&mut self, span: Range<usize>, message: impl Into<String>, label: &str, help: Option<String>) {
        self.problems.push(Problem { message: message.into(), span, label: label.to_owned(), help });
    }

    /// Notes that a secret may stand anywhere in an item. A table that is written with dots has no place that holds all
    /// of it, so each of its values is noted.
    pub fn hide(&mut self, item: &Item) {
        self.secrets.extend(item.span());
        if let Some(table) = item.as_table_like() {
            table.iter().for_each(|(_, item)| self.hide(item));
        }
        if let Some(tables) = item.as_array_of_tables() {
            tables.iter().flatten().for_each(|(_, item)| self.hide(item));
        }
    }
}

/// A table, with the name by which the owner knows it.
pub(super) struct Reader<'a> {
    pub name: String,
    pub table: &'a dyn TableLike,
    pub span: Range<usize>,
}

impl<'a> Reader<'a> {
    /// Takes a table; `fallback` is where it is shown if it has no place of its own.
    pub fn new(name: impl Into<String>, table: &'a dyn TableLike, fallback: Range<usize>) -> Self {
        Self { name: name.into(), table, span: fallback }
    }

    /// Notes each key that nobody knows, with the nearest known one. Its value is not shown: it may be a secret under
    /// a misspelt name.
    pub fn only(&self, known: &[&str], notes: &mut Notes) {
        for (key, item) in self.table.iter() {
            if !known.contains(&key) {
                notes.hide(item);
                let span = self.key_span(key);
                let help = did_you_mean(key, known, "it takes");
                notes.problem(span, format!("unknown key `{key}` in {}", self.name), "not known here", Some(help));
            }
        }
    }

    pub fn item(&self, key: &str) -> Option<&'a Item> {
        self.table.get(key).filter(|item| !item.is_none())
    }

    pub fn key_span(&self, key: &str) -> Range<usize> {
        let span = self.table.get_key_value(key).and_then(|(key, _)| key.span());
        span.unwrap_or_else(|| self.span.clone())
    }

    pub fn value_span(&self, key: &str) -> Range<usize> {
        self.item(key).and_then(Item::span).unwrap_or_else(|| self.key_span(key))
    }

    fn wrong(&self, key: &str, wanted: &str, notes: &mut Notes) {
        let span = self.value_span(key);
        notes.problem(span, format!("`{key}` of {} must be {wanted}", self.name), wanted, None);
    }

    pub fn text(&self, key: &str, notes: &mut Notes) -> Option<String> {
        let item = self.item(key)?;
        // A tab is text: it may be what divides the columns of a list.
        let text = item.as_str().filter(|text| !text.trim_matches([' ', '\n', '\r']).is_empty());
        if text.is_none() {
            self.wrong(key, "text in quotes", notes);
        }
        text.map(str::to_owned)
    }

    pub fn flag(&self, key: &str, default: bool, notes: &mut Notes) -> bool {
        let Some(item) = self.item(key) else { return default };
        item.as_bool().unwrap_or_else(|| {
            self.wrong(key, "true or false", notes);
            default
        })
    }

    pub fn number(&self, key: &str, range: std::ops::RangeInclusive<i64>, notes: &mut Notes) -> Option<i64> {
        let number = self.item(key)?.as_integer().filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(key, &format!("a whole number from {} to {}", range.start(), range.end()), notes);
        }
        number
    }

    pub fn duration(&self, key: &str, notes: &mut Notes) -> Option<SignedDuration> {
        let text = self.text(key, notes)?;
        let span = text.parse::<Span>().ok();
        let duration = span.and_then(|span| SignedDuration::try_from(span).ok()).filter(|d| d.is_positive());
        if duration.is_none() {
            self.wrong(key, "a time such as \"60s\" or \"10m\"", notes);
        }
        duration
    }

    pub fn one_of(&self, key: &str, words: &[&'static str], notes: &mut Notes) -> Option<&'static str> {
        let text = self.text(key, notes)?;
        let word = words.iter().copied().find(|word| *word == text);
        if word.is_none() {
            let span = self.value_span(key);
            let help = did_you_mean(&text, words, "it can be");
            notes.problem(span, format!("`{key}` of {} cannot be `{text}`", self.name), "not known here", Some(help));
        }
        word
    }

    pub fn array(&self, key: &str, notes: &mut Notes) -> Option<&'a Array> {
        let array = self.table.get(key).filter(|item| !item.is_none())?.as_array();
        if array.is_none() {
            self.wrong(key, "a list, such as [{ … }, { … }]", notes);
        }
        array
    }

    pub fn texts(&self, key: &str, notes: &mut Notes) -> Option<Vec<String>> {
        let array = self.item(key)?.as_array();
        let texts = array.map(|array| array.iter().map(|value| value.as_str().map(str::to_owned)).collect());
        let texts: Option<Option<Vec<String>>> = texts;
        let texts = texts.flatten();
        if texts.is_none() {
            self.wrong(key, "a list of texts, such as [\"…\"]", notes);
        }
        texts
    }

    /// Takes a path; a relative one starts at the folder of the file.
    pub fn path(&self, key: &str, file: &Path, notes: &mut Notes) -> Option<std::path::PathBuf> {
        let text = self.text(key, notes)?;
        Some(file.parent().unwrap_or(Path::new("")).join(text))
    }
}
