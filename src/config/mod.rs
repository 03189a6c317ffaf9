//! channels.toml: found, read, checked, and turned into values that can only be right.
//!
//! All problems are told at once, each with its place in the file and the mend. Secrets are not fetched here but at
//! their first use, so that commands which need none work without.

mod check;
mod diagnose;
mod edit;
mod example;
mod reader;
mod rules;
mod secret;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;

pub use self::diagnose::{ConfigError, Problem};
pub use self::edit::{add_rule, remove_rule};
pub use self::example::{example, init};
use crate::channel::registry::{Kind, Settings};
use crate::domain::guard::Guard;
use crate::domain::policy::{Restock, SourceGone, ZeroStock};
use crate::domain::rule::Rule;
use crate::domain::{ChannelName, Role};

/// What channels.toml says.
#[derive(Debug)]
pub struct Config {
    /// The file.
    pub path: PathBuf,
    /// The loop's pace.
    pub every: Duration,
    /// The master switch.
    pub inventory_sync: bool,
    /// How long missing units are waited for.
    pub grace: SignedDuration,
    /// How long a run waits for a slow channel.
    pub patience: Duration,
    /// The brakes.
    pub guard: Guard,
    /// The state file, if the config names one.
    pub state: Option<PathBuf>,
    /// Where to log to, if anywhere.
    pub log_file: Option<PathBuf>,
    /// Whom to tell of problems.
    pub problems: Problems,
    /// The channels, in the order of the file.
    pub channels: Vec<ChannelConfig>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// What tells this file's rules and policies from others'.
    pub rules_print: String,
}

/// Whom to tell of problems: each once when new, once when well again.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// A command that gets JSON on its standard input.
    pub command: Option<String>,
    /// An address to post to.
    pub webhook: Option<String>,
    /// What the address takes.
    pub format: Format,
    /// An address to ask for after each complete run.
    pub ping: Option<String>,
    /// What counts as low stock.
    pub low_stock: Option<i64>,
}

/// What a webhook takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Our own JSON.
    #[default]
    Json,
    /// ntfy: plain text.
    Ntfy,
    /// Slack.
    Slack,
    /// Discord.
    Discord,
}

/// A channel's block.
#[derive(Debug)]
pub struct ChannelConfig {
    /// Its name.
    pub name: ChannelName,
    /// Its kind.
    pub kind: &'static Kind,
    /// What it is for.
    pub role: Role,
    /// What its kind takes.
    pub settings: Settings,
    /// A certificate to trust beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Whether pushes to it are switched on.
    pub inventory_sync: bool,
    /// What happens at zero.
    pub zero_stock: ZeroStock,
    /// What happens when the source listing is gone.
    pub source_gone: SourceGone,
    /// Whether its sales are taken off the source.
    pub deduct_sales: bool,
    /// Which cancelled units go back.
    pub restock_cancelled: Restock,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// All problems of the file at once.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return Err(ConfigError::file(path, &error)),
        };
        check::check(path, &text, crate::channel::registry::KINDS)
    }

    /// Looks whether the secrets that the file refers to can be had, and are nobody else's to read: what a command
    /// that needs credentials asks first.
    ///
    /// # Errors
    /// A secret that is missing, or in a file that others can read, with the line that mends it.
    pub fn check_secrets(&self) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| ConfigError::file(&self.path, &error))?;
        secret::check(&self.path, &text, crate::channel::registry::KINDS)
    }

    /// Returns the files with secrets, this one or others, that others can read: what a command that needs no credentials
    /// complains of.
    pub fn open_secrets(&self) -> Vec<PathBuf> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        secret::open(&self.path, &text, crate::channel::registry::KINDS)
    }

    /// Returns the source.
    pub fn source(&self) -> Option<&ChannelConfig> {
        self.channels.iter().find(|channel| channel.role == Role::Source)
    }

    /// Returns a channel by its name.
    pub fn channel(&self, name: &str) -> Option<&ChannelConfig> {
        self.channels.iter().find(|channel| channel.name.as_str() == name)
    }
}

/// Finds channels.toml: as given, else `EYS_CONFIG`, else in the platform's config folder.
pub fn config_path(given: Option<PathBuf>) -> PathBuf {
    given.unwrap_or_else(|| match directories::ProjectDirs::from("", "", "eys") {
        Some(folders) => folders.config_dir().join("channels.toml"),
        None => PathBuf::from("channels.toml"),
    })
}

/// Finds the state: as given, else `EYS_STATE`, else as the config says, else in the platform's data folder.
pub fn state_path(given: Option<PathBuf>, config: Option<&Config>) -> PathBuf {
    given.or_else(|| config.and_then(|config| config.state.clone())).unwrap_or_else(|| {
        match directories::ProjectDirs::from("", "", "eys") {
            Some(folders) => folders.state_dir().unwrap_or(folders.data_dir()).join("state.db"),
            None => PathBuf::from("eys-state.db"),
        }
    })
}

/// The tables of the file, by name, for those that need to know whether one is there.
pub(crate) type Names = BTreeMap<String, std::ops::Range<usize>>;
