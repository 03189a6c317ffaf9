//! The table of kinds: what channels.toml may say for each, and how each is built.
//!
//! Config checking, `eys init`, `doctor` and the example file read this table, so that a new kind is told of in one
//! place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use super::{Channel, ChannelError, ErrorKind, Repeat};
use crate::domain::{ChannelName, Role};
use crate::net::Transport;

/// A kind of channel.
pub struct Kind {
    /// Its name in channels.toml.
    pub name: &'static str,
    /// What it is, in half a sentence.
    pub summary: &'static str,
    /// The keys of its block, beyond those that every kind has.
    pub keys: &'static [Key],
    /// Other names that keys are taken under, since the platform's own pages call them so: the name, and the key that is
    /// meant.
    pub aliases: &'static [(&'static str, &'static str)],
    /// What `zero_stock` may be.
    pub zero_stock: &'static [&'static str],
    /// Checks what no single key can tell ("either `access_token` or `client_id` and `client_secret`"): the key to
    /// underline, and what is wrong with it.
    pub check: fn(&Settings) -> Vec<(&'static str, String)>,
    /// Builds it. No network, no secret is fetched yet.
    pub build: fn(Settings, Doors) -> Result<Box<dyn Channel>, ChannelError>,
    /// Prepares the consent of its owner in a browser, where it needs one (`eys auth`).
    pub consent: Option<MakeConsent>,
}

/// Prepares the consent of a channel's owner. The text is one that nobody can guess, for platforms that want to know by it
/// who asked.
pub type MakeConsent = fn(Settings, Doors, String) -> Result<Box<dyn Consent>, ChannelError>;

/// A consent that an owner gives in a browser.
#[async_trait]
pub trait Consent: Send + Sync {
    /// Tells what is asked for: each scope, and what it is for, in a shop owner's words.
    fn scopes(&self) -> &'static [(&'static str, &'static str)];

    /// Returns the address to open. `state` comes back with the answer.
    fn address(&self, state: &str) -> Result<Url, ChannelError>;

    /// Returns the address that the browser ends up on, where the platform is told one; on this machine, it can be waited
    /// for there.
    fn redirect(&self) -> Option<Url> {
        None
    }

    /// Trades the code that came back for tokens.
    async fn trade(&self, code: &str) -> Result<Token, ChannelError>;
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A key of a kind's block.
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it is for, as a comment of the example file.
    pub help: &'static str,
    /// A value as it would stand in the file.
    pub example: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// How much the block needs it.
    pub need: Need,
}

/// How much a block needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is useless without it.
    Always,
    /// Most owners want it; there is another way.
    Usual,
    /// Few owners want it; it stands as a comment in the example.
    Seldom,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A secret: text, or a table that says where it is.
    Secret,
    /// A list of texts.
    Texts,
    /// A table of texts with just these keys.
    Table(&'static [&'static str]),
    /// A whole number.
    Number,
    /// A path; a relative one starts at the folder of channels.toml.
    Path,
}

/// The kinds, by name.
pub static KINDS: &[&Kind] =
    &[&super::csv::KIND, &super::ebay::KIND, &super::etsy::KIND, &super::shopify::KIND, &super::woocommerce::KIND];

/// Finds a kind by its name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name).copied()
}

/// A channel's block of channels.toml, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The channel's name.
    pub name: ChannelName,
    /// What it is for.
    pub role: Role,
    /// Scheme and host in place of the platform's own, for sandboxes, proxies and tests.
    pub base_url: Option<String>,
    /// Whether plain http is allowed to a host that is not loopback.
    pub allow_http: bool,
    /// Whether relisting or renewing may cost money (Z4).
    pub fees: bool,
    /// The values of the keys of its kind.
    pub values: BTreeMap<&'static str, Value>,
}

/// The value of a key.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, or one of the words of [`Shape::OneOf`].
    Text(String),
    /// A secret, fetched at first use.
    Secret(Arc<dyn SecretSource>),
    /// A list of texts.
    Texts(Vec<String>),
    /// A table of texts.
    Table(BTreeMap<String, String>),
    /// A whole number.
    Number(i64),
    /// A path, made absolute.
    Path(PathBuf),
}

/// Where a secret comes from: the file itself, the environment, another file, a command.
#[async_trait]
pub trait SecretSource: Send + Sync + fmt::Debug {
    /// Fetches it, or says in words what is wrong and how to mend it.
    async fn fetch(&self) -> Result<SecretString, String>;
}

impl Settings {
    /// Returns a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a list of texts; empty where there is none.
    pub fn texts(&self, key: &str) -> &[String] {
        match self.values.get(key) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// Returns a table of texts.
    pub fn table(&self, key: &str) -> Option<&BTreeMap<String, String>> {
        match self.values.get(key) {
            Some(Value::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// Returns a path.
    pub fn path(&self, key: &str) -> Option<&PathBuf> {
        match self.values.get(key) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// Returns a whole number.
    pub fn number(&self, key: &str) -> Option<i64> {
        match self.values.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// Tells whether a key is filled in.
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Fetches a secret.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`] where it is not filled in or cannot be had.
    pub async fn secret(&self, key: &str) -> Result<SecretString, ChannelError> {
        let refused = |why: String| {
            ChannelError::new(ErrorKind::Credentials, Repeat::Never, "fetching credentials", why)
                .with_next(format!("fill in `{key}` of [channels.{}] in channels.toml", self.name))
        };
        match self.values.get(key) {
            Some(Value::Secret(source)) => source.fetch().await.map_err(refused),
            _ => Err(refused(format!("`{key}` is not filled in"))),
        }
    }
}

/// What a channel gets to reach the world.
#[derive(Clone)]
pub struct Doors {
    /// The network.
    pub transport: Arc<dyn Transport>,
    /// What outlives a process (F3, L1).
    pub keeper: Arc<dyn Keeper>,
}

/// Keeps for each channel what outlives a process, in a file of its own beside the state: its token, and what it notes for
/// itself.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// Returns the token kept for a channel.
    async fn load(&self, channel: &ChannelName) -> Result<Option<Token>, String>;
    /// Keeps a token; when it returns, the token is on disk.
    async fn keep(&self, channel: &ChannelName, token: &Token) -> Result<(), String>;
    /// Returns what a channel noted for itself, opaque to all but its adapter and without secrets.
    async fn notes(&self, _channel: &ChannelName) -> Result<Option<String>, String> {
        Ok(None)
    }
    /// Keeps what a channel notes for itself.
    async fn keep_notes(&self, _channel: &ChannelName, _notes: &str) -> Result<(), String> {
        Ok(())
    }
    /// Takes the right to get a new token for a channel, until what this returns is dropped; `None` while somebody else has
    /// it, in any process. Where no token is kept, everybody has it.
    fn take_renewal(&self, _channel: &ChannelName) -> Result<Option<Renewing>, String> {
        Ok(Some(Box::new(())))
    }
    /// Waits for the right to get a new token for a channel.
    async fn renewal(&self, channel: &ChannelName) -> Result<Renewing, String> {
        loop {
            match self.take_renewal(channel)? {
                Some(renewing) => return Ok(renewing),
                None => tokio::time::sleep(TOKEN_WAIT).await,
            }
        }
    }
}

/// Makes an error of what could not be kept, or read of what is kept.
pub(super) fn kept_error(why: String) -> ChannelError {
    ChannelError::new(ErrorKind::File, Repeat::Later, "keeping what outlives a run", why)
}

/// How often somebody who waits for a new token looks whether it is there.
const TOKEN_WAIT: Duration = Duration::from_millis(100);

/// While it lives, nobody else gets a new token for a channel.
pub type Renewing = Box<dyn Send + Sync>;

/// A token that a platform gave us for a while.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself.
    pub access: SecretString,
    /// The token that gets the next one, where the platform gives one.
    pub refresh: Option<SecretString>,
    /// When it ends, by the platform's clock.
    pub until: Option<Timestamp>,
    /// When what renews it ends; `None` where that does not end (F7).
    pub ends: Option<Timestamp>,
    /// A print of what renews it, where that stands in channels.toml: its owner may put another one there, and what was got
    /// with the old one says nothing of that. `None` where it stands here.
    pub by: Option<String>,
    /// What it may do, as the platform listed it.
    pub scopes: Vec<String>,
}
