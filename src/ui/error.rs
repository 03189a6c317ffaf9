//! What failed, as words, hint and exit code: one table.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::channel::harmless;
use crate::config::ConfigError;
use crate::engine::EngineError;
use crate::engine::linking::LinkError;
use crate::engine::source::how_to_change;
use crate::store::{LockError, StoreError};

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong (2).
    Usage(String, Option<String>),
    /// channels.toml is wrong (2).
    Config(ConfigError),
    /// Another run holds the state (5).
    Busy(String),
    /// The state cannot be used (1).
    Store(StoreError),
    /// Anything else that kept the command from running (1).
    Other(String, Option<String>),
}

impl Failure {
    /// Tells whether it may be over by itself in a while: a full disk, a locked state.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Store(error) if error.passes())
    }

    /// Returns the exit code of cli.md.
    pub fn exit(&self) -> u8 {
        match self {
            Self::Usage(..) | Self::Config(_) => 2,
            Self::Busy(_) => 5,
            Self::Store(_) | Self::Other(..) => 1,
        }
    }

    /// Returns what happened, with what to do next on a line of its own.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Config(error) => error.render(colour),
            other => {
                let (message, next) = other.parts();
                let next = next.map_or_else(String::new, |next| format!("\n  next: {next}"));
                harmless(&format!("error: {message}{next}"))
            }
        }
    }

    /// Returns the error object of the JSON document.
    pub fn json(&self) -> Map<String, Value> {
        let object = |message: String, next: Option<String>| json!({ "kind": self.kind(), "channel": null, "listing": null, "message": message, "next": next });
        let mut body = Map::new();
        match self {
            Self::Config(error) => {
                let all: Vec<Value> = error.told().into_iter().map(|(message, next)| object(message, next)).collect();
                body.insert("error".to_owned(), all.first().cloned().unwrap_or(Value::Null));
                body.insert("errors".to_owned(), Value::from(all));
            }
            other => {
                let (message, next) = other.parts();
                body.insert("error".to_owned(), object(message, next));
            }
        }
        body
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Usage(..) => "usage",
            Self::Config(_) => "config",
            Self::Busy(_) => "busy",
            Self::Store(_) => "state",
            Self::Other(..) => "failed",
        }
    }

    fn parts(&self) -> (String, Option<String>) {
        match self {
            Self::Usage(message, next) | Self::Other(message, next) => (message.clone(), next.clone()),
            Self::Config(error) => (error.to_string(), None),
            Self::Busy(who) => {
                (format!("another run holds the state: {who}"), Some("wait until it is done, or stop it".to_owned()))
            }
            Self::Store(error) => (error.message.clone(), Some(error.next.clone())),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().0)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held(who) => Self::Busy(who),
            LockError::Store(error) => Self::Store(error),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => Self::Store(error),
            EngineError::NoSuchHold(_) => {
                Self::Usage(error.to_string(), Some("`eys status` lists the holds that stand".to_owned()))
            }
            EngineError::NoSuchRun(_) | EngineError::NothingToUndo(_) => {
                Self::Usage(error.to_string(), Some("`eys status --history` lists the runs".to_owned()))
            }
            EngineError::SourceOwed { ref former, .. } => {
                let next = how_to_change(former);
                Self::Other(error.to_string(), Some(next))
            }
            EngineError::NoSource => Self::Other(error.to_string(), None),
        }
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Store(error) => Self::Store(error),
            LinkError::Engine(error) => error.into(),
            LinkError::Wrong(message) => Self::Usage(message, None),
        }
    }
}
