//! Adding and removing rules by command: comments and layout of the file survive.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::check::check;
use super::{Config, ConfigError};
use crate::channel::registry::KINDS;

/// Adds a rule at the end, `KEY=VALUE` each. The file is only written if it is right afterwards.
///
/// # Errors
/// What would be wrong with the file.
pub fn add_rule(path: &Path, name: &str, when: &[String], then: &[String]) -> Result<Config, ConfigError> {
    change(path, |document| {
        let mut rule = Table::new();
        rule.insert("name", toml_edit::value(name));
        if !when.is_empty() {
            rule.insert("when", Item::Value(Value::InlineTable(table(when)?)));
        }
        rule.insert("then", Item::Value(Value::InlineTable(table(then)?)));
        let rules = document.entry("rules").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let rules = rules.as_array_of_tables_mut().ok_or("rules must be written as [[rules]]")?;
        rules.push(rule);
        Ok(())
    })
}

/// Removes a rule.
///
/// # Errors
/// Where there is none of that name.
pub fn remove_rule(path: &Path, name: &str) -> Result<Config, ConfigError> {
    change(path, |document| {
        let rules = document.get_mut("rules").and_then(Item::as_array_of_tables_mut).ok_or("there are no rules")?;
        let before = rules.len();
        rules.retain(|rule| rule.get("name").and_then(Item::as_str) != Some(name));
        if rules.len() == before { Err(format!("there is no rule \"{name}\"")) } else { Ok(()) }
    })
}

fn table(pairs: &[String]) -> Result<InlineTable, String> {
    let mut table = InlineTable::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is not KEY=VALUE"))?;
        // A number or a word of TOML is taken as such; anything else is text.
        let parsed = value.trim().parse::<Value>().unwrap_or_else(|_| Value::from(value.trim()));
        table.insert(key.trim(), parsed);
    }
    Ok(table)
}

fn change(path: &Path, edit: impl FnOnce(&mut DocumentMut) -> Result<(), String>) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::file(path, &error))?;
    check(path, &text, KINDS)?;
    let wrong = |why: String| ConfigError::plain(path, why, "`eys rules list` shows the rules".to_owned());
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| wrong(error.to_string()))?;
    edit(&mut document).map_err(wrong)?;
    let new = document.to_string();
    let config = check(path, &new, KINDS)?;
    write(path, &new).map_err(|error| ConfigError::file(path, &error))?;
    Ok(config)
}

/// Replaces the file as a whole; its mode stays.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let permissions = std::fs::metadata(path)?.permissions();
    let new = path.with_extension("toml.new");
    let mut file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.set_permissions(permissions)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
