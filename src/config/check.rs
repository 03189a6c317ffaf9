//! From the text of channels.toml to a [`Config`], or to all that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use toml_edit::{Document, Item};

use super::diagnose::{ConfigError, Problem, did_you_mean, quoted};
use super::reader::{Notes, Reader};
use super::{ChannelConfig, Config, Format, Names, Problems, rules, secret};
use crate::channel::registry::{Kind, Need, Settings, Shape, Value};
use crate::domain::guard::Guard;
use crate::domain::policy::{Restock, SourceGone, ZeroStock};
use crate::domain::{ChannelName, Role};

const TOP: &[&str] =
    &["every", "inventory_sync", "grace", "patience", "guard", "state", "log_file", "problems", "channels", "rules"];
const COMMON: &[&str] = &[
    "kind",
    "role",
    "base_url",
    "ca_file",
    "allow_http",
    "inventory_sync",
    "zero_stock",
    "source_gone",
    "deduct_sales",
    "restock_cancelled",
    "fees",
];

/// Parses a file; a file that is no TOML has one problem.
pub(super) fn parse(path: &Path, text: &str) -> Result<Document<String>, ConfigError> {
    Document::parse(text.to_owned()).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let problem = Problem { message, span, label: "here".to_owned(), help: None };
        ConfigError::new(path, text, &quoted(text), vec![problem])
    })
}

/// Returns the blocks of channels with their names, in the order of the file.
pub(super) fn channels(document: &Document<String>) -> Vec<(String, Reader<'_>)> {
    let Some(table) = document.get("channels").and_then(Item::as_table_like) else { return Vec::new() };
    let blocks = table.iter().filter_map(|(name, item)| {
        let block = item.as_table_like()?;
        let span = table.get_key_value(name).and_then(|(key, _)| key.span()).unwrap_or(0..0);
        Some((name.to_owned(), Reader::new(format!("[channels.{name}]"), block, span)))
    });
    blocks.collect()
}

/// Checks a file against the kinds that are known.
pub(super) fn check(path: &Path, text: &str, kinds: &[&'static Kind]) -> Result<Config, ConfigError> {
    let document = parse(path, text)?;
    let mut notes = Notes::default();
    let top = Reader::new("channels.toml", document.as_table(), 0..0);
    top.only(TOP, &mut notes);
    let blocks = channels(&document);
    let channels: Vec<ChannelConfig> =
        blocks.iter().filter_map(|(name, block)| channel(name, block, path, kinds, &mut notes)).collect();
    check_roles(&blocks, &top, &mut notes);
    check_blocks(&document, &mut notes);
    let names: Names = blocks.iter().map(|(name, block)| (name.clone(), block.span.clone())).collect();
    let rules = rules::read(&document, &names, &mut notes);
    let rules_print = print(&rules, &channels);
    let config = Config {
        path: path.to_owned(),
        every: duration(&top, "every", 60, &mut notes),
        inventory_sync: top.flag("inventory_sync", true, &mut notes),
        grace: top.duration("grace", &mut notes).unwrap_or(SignedDuration::from_mins(10)),
        patience: duration(&top, "patience", 60, &mut notes),
        guard: guard(&top, &mut notes),
        state: top.path("state", path, &mut notes),
        log_file: top.path("log_file", path, &mut notes),
        problems: problems(&top, &mut notes),
        channels,
        rules,
        rules_print,
    };
    if notes.problems.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError::new(path, text, &notes.secrets, notes.problems))
    }
}

fn duration(top: &Reader<'_>, key: &str, default: u64, notes: &mut Notes) -> Duration {
    let given = top.duration(key, notes).and_then(|duration| Duration::try_from(duration).ok());
    given.unwrap_or(Duration::from_secs(default))
}

/// Reads the brakes: they may be tightened, not switched off.
fn guard(top: &Reader<'_>, notes: &mut Notes) -> Guard {
    let default = Guard::default();
    let Some(reader) = sub(top, "guard", notes) else { return default };
    reader.only(&["percent", "at_least"], notes);
    let percent = reader.number("percent", 1..=20, notes).and_then(|percent| u8::try_from(percent).ok());
    let at_least = reader.number("at_least", 1..=5, notes).and_then(|least| u32::try_from(least).ok());
    Guard { percent: percent.unwrap_or(default.percent), at_least: at_least.unwrap_or(default.at_least) }
}

fn problems(top: &Reader<'_>, notes: &mut Notes) -> Problems {
    let Some(reader) = sub(top, "problems", notes) else { return Problems::default() };
    reader.only(&["command", "webhook", "format", "ping", "low_stock"], notes);
    let format = match reader.one_of("format", &["json", "ntfy", "slack", "discord"], notes) {
        Some("ntfy") => Format::Ntfy,
        Some("slack") => Format::Slack,
        Some("discord") => Format::Discord,
        _ => Format::Json,
    };
    Problems {
        command: reader.text("command", notes),
        webhook: address(&reader, "webhook", notes),
        format,
        ping: address(&reader, "ping", notes),
        low_stock: reader.number("low_stock", 0..=1_000_000, notes),
    }
}

/// Reads an address. It may be a secret in itself: whoever knows it can write there.
fn address(reader: &Reader<'_>, key: &str, notes: &mut Notes) -> Option<String> {
    notes.hide(reader.item(key)?);
    let text = reader.text(key, notes)?;
    let right = url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !right {
        let help = Some("write it in full, beginning with https://".to_owned());
        notes.problem(reader.value_span(key), format!("`{key}` is no address"), "no address", help);
    }
    Some(text)
}

fn sub<'a>(reader: &Reader<'a>, key: &str, notes: &mut Notes) -> Option<Reader<'a>> {
    let item = reader.item(key)?;
    let span = reader.key_span(key);
    let table = item.as_table_like();
    if table.is_none() {
        notes.problem(span.clone(), format!("`{key}` must be a table"), "no table", None);
    }
    table.map(|table| Reader::new(format!("[{key}]"), table, span))
}

fn channel(
    name: &str,
    block: &Reader<'_>,
    path: &Path,
    kinds: &[&'static Kind],
    notes: &mut Notes,
) -> Option<ChannelConfig> {
    let channel_name = ChannelName::new(name);
    if channel_name.is_none() {
        let help =
            Some("lower-case letters, digits, `-` and `_`, at most 32, beginning with a letter or digit".to_owned());
        notes.problem(block.span.clone(), format!("`{name}` is no name for a channel"), "not allowed", help);
    }
    let kind = kind(block, kinds, notes);
    let role = match (block.item("role"), block.one_of("role", &["source", "target"], notes)) {
        (_, Some("source")) => Some(Role::Source),
        (_, Some(_)) => Some(Role::Target),
        (Some(_), None) => None,
        (None, None) => {
            let help = Some(
                "`role = \"source\"` for the one whose stock counts, `role = \"target\"` for the others".to_owned(),
            );
            notes.problem(block.span.clone(), format!("{} has no `role`", block.name), "source or target?", help);
            None
        }
    };
    let Some(kind) = kind else {
        // What stands in a block of an unknown kind may be a secret; it is not shown.
        block.table.iter().filter(|(key, _)| !COMMON.contains(key)).for_each(|(_, item)| notes.hide(item));
        return None;
    };
    let keys = kind.keys.iter().map(|key| key.name).chain(kind.aliases.iter().map(|(alias, _)| *alias));
    let known: Vec<&str> = COMMON.iter().copied().chain(keys).collect();
    block.only(&known, notes);
    say_once(block, kind, notes);
    let values = values(block, kind, path, notes);
    let zero_stock = block.one_of("zero_stock", kind.zero_stock, notes);
    let source_gone = block.one_of("source_gone", &["zero", "keep", "hide"], notes);
    let restock = block.one_of("restock_cancelled", &["unshipped", "always", "never"], notes);
    let settings = Settings {
        name: channel_name.clone()?,
        role: role?,
        base_url: block.text("base_url", notes),
        allow_http: block.flag("allow_http", false, notes),
        fees: block.flag("fees", false, notes),
        values,
    };
    for (key, why) in (kind.check)(&settings) {
        let span = block.key_span(written(block, kind, key));
        notes.problem(span, format!("{}: {why}", block.name), "here", None);
    }
    Some(ChannelConfig {
        name: channel_name?,
        kind,
        role: role?,
        settings,
        ca_file: block.path("ca_file", path, notes),
        inventory_sync: block.flag("inventory_sync", true, notes),
        zero_stock: zero_stock_of(zero_stock),
        source_gone: match source_gone {
            Some("keep") => SourceGone::Keep,
            Some("hide") => SourceGone::Hide,
            _ => SourceGone::Zero,
        },
        deduct_sales: block.flag("deduct_sales", true, notes),
        restock_cancelled: match restock {
            Some("always") => Restock::Always,
            Some("never") => Restock::Never,
            _ => Restock::Unshipped,
        },
    })
}

pub(super) fn zero_stock_of(word: Option<&str>) -> ZeroStock {
    match word {
        Some("hide") => ZeroStock::Hide,
        Some("end") => ZeroStock::End,
        _ => ZeroStock::Keep,
    }
}

fn kind(block: &Reader<'_>, kinds: &[&'static Kind], notes: &mut Notes) -> Option<&'static Kind> {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    if block.item("kind").is_none() {
        let help = Some(format!("`kind = \"…\"`, one of {}", names.join(", ")));
        notes.problem(block.span.clone(), format!("{} has no `kind`", block.name), "which platform?", help);
        return None;
    }
    let text = block.text("kind", notes)?;
    let kind = kinds.iter().copied().find(|kind| kind.name == text);
    if kind.is_none() {
        let help = Some(did_you_mean(&text, &names, "the kinds are"));
        notes.problem(block.value_span("kind"), format!("unknown kind `{text}`"), "not known", help);
    }
    kind
}

/// Returns the name under which a block has a key: its own, or another that is taken for it.
pub(super) fn written(block: &Reader<'_>, kind: &Kind, key: &'static str) -> &'static str {
    let aliases = kind.aliases.iter().filter(|(_, meant)| *meant == key).map(|(alias, _)| *alias);
    std::iter::once(key).chain(aliases).find(|name| block.item(name).is_some()).unwrap_or(key)
}

/// Notes what a block says under two names. It is not shown under either: it may be a secret.
fn say_once(block: &Reader<'_>, kind: &Kind, notes: &mut Notes) {
    for (alias, key) in kind.aliases {
        if let (Some(item), Some(same)) = (block.item(alias), block.item(key)) {
            notes.hide(item);
            notes.hide(same);
            let message = format!("`{alias}` and `{key}` of {} are the same", block.name);
            notes.problem(block.key_span(alias), message, "said twice", Some(format!("leave `{alias}` out")));
        }
    }
}

fn values(block: &Reader<'_>, kind: &Kind, path: &Path, notes: &mut Notes) -> BTreeMap<&'static str, Value> {
    let mut values = BTreeMap::new();
    for key in kind.keys {
        let name = written(block, kind, key.name);
        let value = match key.shape {
            Shape::Text => block.text(name, notes).map(Value::Text),
            Shape::OneOf(words) => block.one_of(name, words, notes).map(|word| Value::Text(word.to_owned())),
            Shape::Secret => {
                secret::read(block, name, path, notes).map(|source| Value::Secret(std::sync::Arc::new(source)))
            }
            Shape::Texts => block.texts(name, notes).map(Value::Texts),
            Shape::Table(keys) => table(block, name, keys, notes).map(Value::Table),
            Shape::Number => block.number(name, 0..=i64::MAX, notes).map(Value::Number),
            Shape::Path => block.path(name, path, notes).map(Value::Path),
        };
        if value.is_none() && key.need == Need::Always && block.item(name).is_none() {
            let help = Some(format!("`{} = {}`: {}", key.name, key.example, key.help));
            let message = format!("{} has no `{}`", block.name, key.name);
            notes.problem(block.span.clone(), message, "something is missing here", help);
        }
        values.extend(value.map(|value| (key.name, value)));
    }
    values
}

fn table(block: &Reader<'_>, key: &str, keys: &[&str], notes: &mut Notes) -> Option<BTreeMap<String, String>> {
    let item = block.item(key)?;
    let Some(table) = item.as_table_like() else {
        notes.problem(block.value_span(key), format!("`{key}` must be a table, such as {{ … }}"), "no table", None);
        return None;
    };
    let reader = Reader::new(format!("`{key}`"), table, block.value_span(key));
    reader.only(keys, notes);
    Some(keys.iter().filter_map(|key| Some(((*key).to_owned(), reader.text(key, notes)?))).collect())
}

/// Looks that every channel is a block: what is none may be a secret that lost its key, and is not shown.
fn check_blocks(document: &Document<String>, notes: &mut Notes) {
    let Some(item) = document.get("channels") else { return };
    let help = || Some("a channel is a block of its own: `[channels.NAME]`".to_owned());
    let Some(table) = item.as_table_like() else {
        notes.hide(item);
        notes.problem(item.span().unwrap_or(0..0), "`channels` must be blocks", "no block", help());
        return;
    };
    let reader = Reader::new("[channels]", table, 0..0);
    for (name, item) in table.iter().filter(|(_, item)| !item.is_table_like()) {
        notes.hide(item);
        notes.problem(reader.key_span(name), format!("`{name}` of [channels] is no channel"), "no block", help());
    }
}

/// Looks that there is one source and at least one target.
fn check_roles(blocks: &[(String, Reader<'_>)], top: &Reader<'_>, notes: &mut Notes) {
    let of_role = |role: &str| {
        blocks
            .iter()
            .filter(move |(_, block)| block.item("role").and_then(Item::as_str) == Some(role))
            .collect::<Vec<_>>()
    };
    if blocks.is_empty() {
        let help = Some("`eys init` writes an example".to_owned());
        notes.problem(top.span.clone(), "there are no channels", "no [channels.…] block", help);
        return;
    }
    let sources = of_role("source");
    if let [(first, _), rest @ ..] = sources.as_slice() {
        for (name, block) in rest {
            let help = Some(format!("`{first}` is the source already; make this one `role = \"target\"`"));
            notes.problem(
                block.value_span("role"),
                format!("there are two sources, `{first}` and `{name}`"),
                "the second",
                help,
            );
        }
    } else if let Some((_, block)) = blocks.first() {
        let help = Some("give the channel whose stock counts `role = \"source\"`".to_owned());
        notes.problem(block.span.clone(), "there is no source among the channels", "is it this one?", help);
    }
}

/// Tells one set of rules and policies from another, so that a change of them can be noticed (H1, F5).
fn print(rules: &[crate::domain::rule::Rule], channels: &[ChannelConfig]) -> String {
    use sha2::{Digest, Sha256};
    let mut text = String::new();
    for rule in rules {
        text.push_str(&format!("{:?}\n", (&rule.name, &rule.when, &rule.then)));
    }
    for channel in channels {
        let (locations, fees) = (channel.settings.texts("locations"), channel.settings.fees);
        text.push_str(&format!("{:?}\n", (&channel.name, channel.zero_stock, channel.source_gone, locations, fees)));
    }
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
