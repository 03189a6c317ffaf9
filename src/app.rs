//! The composition root: from channels.toml to channels, state and engine.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::channel::registry::{Consent, Doors, Keeper, Renewing, Token};
use crate::config::{ChannelConfig, Config, config_path, state_path};
use crate::domain::ChannelName;
use crate::engine::{Clock, Lane, Progress, Settings, Surroundings};
use crate::net::http::Http;
use crate::store::{Credentials, KeptToken, StoreError};
use crate::ui::Failure;

/// Where the files of this run are.
#[derive(Clone, Debug)]
pub struct Places {
    /// channels.toml.
    pub config: PathBuf,
    /// The state as the command line or the environment names it.
    pub state: Option<PathBuf>,
}

impl Places {
    /// Finds channels.toml.
    pub fn new(config: Option<PathBuf>, state: Option<PathBuf>) -> Self {
        Self { config: config_path(config), state }
    }

    /// Reads channels.toml.
    pub fn read(&self) -> Result<Config, Failure> {
        Ok(Config::read(&self.config)?)
    }

    /// Returns the state's file.
    pub fn state(&self, config: Option<&Config>) -> PathBuf {
        state_path(self.state.clone(), config)
    }
}

/// What channels are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Runs that change what they are told to, and note what they go by.
    Work,
    /// A look, or a trial: nothing outlives it but tokens (H3).
    Look,
}

/// Builds the channels of a config.
pub fn lanes(config: &Config, state: &std::path::Path, purpose: Purpose) -> Result<Vec<Lane>, Failure> {
    config.channels.iter().map(|channel| lane(channel, state, purpose)).collect()
}

/// Prepares the consent of a channel's owner, where its kind needs one.
pub fn consent(channel: &ChannelConfig, state: &std::path::Path) -> Result<Option<Box<dyn Consent>>, Failure> {
    let Some(make) = channel.kind.consent else { return Ok(None) };
    let consent = make(channel.settings.clone(), doors(channel, state, Purpose::Work)?, chance());
    consent.map(Some).map_err(|error| about(channel, &error.message, error.next))
}

fn about(channel: &ChannelConfig, why: &str, next: Option<String>) -> Failure {
    Failure::Other(format!("{}: {why}", channel.name), next)
}

fn doors(channel: &ChannelConfig, state: &std::path::Path, purpose: Purpose) -> Result<Doors, Failure> {
    let transport = Http::new(channel.ca_file.as_deref()).map_err(|why| about(channel, &why, None))?;
    Ok(Doors {
        transport: Arc::new(transport),
        keeper: Arc::new(BesideState { credentials: Credentials::of(state), purpose }),
    })
}

fn lane(channel: &ChannelConfig, state: &std::path::Path, purpose: Purpose) -> Result<Lane, Failure> {
    let built = (channel.kind.build)(channel.settings.clone(), doors(channel, state, purpose)?);
    let built = built.map_err(|error| about(channel, &error.message, error.next))?;
    Ok(Lane {
        name: channel.name.clone(),
        kind: channel.kind.name,
        role: channel.role,
        channel: Arc::from(built),
        inventory_sync: channel.inventory_sync,
        zero_stock: channel.zero_stock,
        source_gone: channel.source_gone,
        deduct_sales: channel.deduct_sales,
        restock: channel.restock_cancelled,
    })
}

/// Takes from a config what the engine needs.
pub fn settings(config: &Config) -> Settings {
    Settings {
        inventory_sync: config.inventory_sync,
        every: config.every,
        grace: config.grace,
        patience: config.patience,
        guard: config.guard,
        rules: config.rules.clone(),
        rules_print: config.rules_print.clone(),
    }
}

/// Returns the time of this machine.
pub fn clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// Returns what the engine needs of this machine.
pub fn surroundings(progress: Arc<dyn Progress>) -> Surroundings {
    Surroundings { clock: clock(), new_key: Arc::new(|| uuid::Uuid::new_v4().to_string()), progress }
}

/// Returns something that nobody can guess.
pub fn chance() -> String {
    [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|part| part.simple().to_string()).concat()
}

/// Asks for an address that the owner named, or posts something of a kind to it.
pub async fn knock(address: &str, post: Option<(&'static str, String)>) -> Result<(), String> {
    Http::new(None)?.knock(address, post).await
}

/// Returns what keeps for channels what outlives a process, in the credentials file beside a state.
pub fn keeper(state: &std::path::Path) -> Arc<dyn Keeper> {
    Arc::new(BesideState { credentials: Credentials::of(state), purpose: Purpose::Work })
}

/// Says what is wrong with that file and what mends it, in one: a channel that it fails tells it in its own error.
fn told(error: &StoreError) -> String {
    format!("{}; {}", error.message, error.next)
}

struct BesideState {
    credentials: Credentials,
    purpose: Purpose,
}

#[async_trait]
impl Keeper for BesideState {
    async fn load(&self, channel: &ChannelName) -> Result<Option<Token>, String> {
        let kept = self.credentials.token(channel).map_err(|error| told(&error))?;
        Ok(kept.map(|kept| Token {
            access: SecretString::from(kept.access),
            refresh: kept.refresh.map(SecretString::from),
            until: kept.until,
            ends: kept.ends,
            by: kept.by,
            scopes: kept.scopes,
        }))
    }

    async fn keep(&self, channel: &ChannelName, token: &Token) -> Result<(), String> {
        let kept = KeptToken {
            access: token.access.expose_secret().to_owned(),
            refresh: token.refresh.as_ref().map(|refresh| refresh.expose_secret().to_owned()),
            until: token.until,
            ends: token.ends,
            by: token.by.clone(),
            scopes: token.scopes.clone(),
        };
        self.credentials.keep(channel, &kept).map_err(|error| told(&error))
    }

    async fn notes(&self, channel: &ChannelName) -> Result<Option<String>, String> {
        self.credentials.notes(channel).map_err(|error| told(&error))
    }

    async fn keep_notes(&self, channel: &ChannelName, notes: &str) -> Result<(), String> {
        if self.purpose == Purpose::Look {
            return Ok(());
        }
        self.credentials.keep_notes(channel, notes).map_err(|error| told(&error))
    }

    fn take_renewal(&self, channel: &ChannelName) -> Result<Option<Renewing>, String> {
        let renewal = self.credentials.take_renewal(channel).map_err(|error| told(&error))?;
        Ok(renewal.map(|renewal| Box::new(renewal) as Renewing))
    }
}
