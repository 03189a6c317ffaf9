//! `eys init`: a commented channels.toml for the kinds that the owner sells on.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use clap::Args;
use serde_json::{Map, Value};

use super::{Context, End};
use crate::channel::registry::KINDS;
use crate::config;
use crate::ui::Failure;

/// Write a commented channels.toml
#[derive(Args)]
pub(super) struct InitArgs {
    /// A kind of channel; the first is the source [repeat for more]
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
}

pub(super) fn init(context: &Context, args: &InitArgs) -> End {
    let path = &context.places.config;
    if path.exists() {
        let next = "edit it, or name another with --config FILE; eys never writes over it".to_owned();
        return Err(Failure::Usage(format!("{} is there already", path.display()), Some(next)));
    }
    let kinds = if args.kind.is_empty() { ask(context)? } else { args.kind.clone() };
    let text = config::init(&kinds).map_err(|why| Failure::Usage(why, None))?;
    let written = path
        .parent()
        .map_or(Ok(()), |folder| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder))
        .and_then(|()| std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::Other(format!("{}: {error}", path.display()), None))?;
    context.ui.say(&format!("Wrote {}, readable by you alone.", path.display()));
    context.ui.note("Next: fill it in, then `eys doctor` tries it.");
    let body = Map::from_iter([("path".to_owned(), Value::from(path.to_string_lossy()))]);
    context.ui.document("init", 0, body);
    Ok(0)
}

/// Asks which channels; without a terminal that is for --kind to say.
fn ask(context: &Context) -> Result<Vec<String>, Failure> {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let next = format!("say which: eys init --kind {} --kind … (the first is the source)", names.join(" --kind "));
    if !context.ui.terminal {
        return Err(Failure::Usage("nobody is here to be asked which channels".to_owned(), Some(next)));
    }
    let lines: Vec<String> = KINDS.iter().map(|kind| format!("{}: {}", kind.name, kind.summary)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let chosen = context.ui.choose("Where do you sell? The first is the source of stock.", &lines);
    let kinds: Vec<String> =
        chosen.into_iter().filter_map(|nth| names.get(nth).map(|name| (*name).to_owned())).collect();
    if kinds.is_empty() { Err(Failure::Usage("no channel was chosen".to_owned(), Some(next))) } else { Ok(kinds) }
}
