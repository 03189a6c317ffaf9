//! The credentials file beside the state: tokens that platforms gave us for a while, and whose state this is (I2).
//!
//! It is a file of its own so that the state itself can be copied, shown and sent around. It is readable by its owner
//! alone and always replaced as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::value::from_json;
use super::{Result, StoreError, beside};
use crate::domain::ChannelName;

/// A token as it is kept. Its `Debug` shows nothing of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeptToken {
    /// The token.
    pub access: String,
    /// The token that gets the next one.
    pub refresh: Option<String>,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// What it may do.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl fmt::Debug for KeptToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptToken").field("until", &self.until).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// The credentials file of a state.
#[derive(Clone, Debug)]
pub struct Credentials {
    path: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// Tells this state from any other.
    state: Option<String>,
    /// Moves with every run that changes the source.
    #[serde(default)]
    runs: u64,
    #[serde(default)]
    tokens: BTreeMap<String, KeptToken>,
}

impl Credentials {
    /// Names the credentials file of a state.
    pub fn of(state: &Path) -> Self {
        Self { path: beside(state, ".credentials") }
    }

    /// Returns the token kept for a channel.
    pub fn token(&self, channel: &ChannelName) -> Result<Option<KeptToken>> {
        Ok(self.load()?.tokens.remove(channel.as_str()))
    }

    /// Keeps a token; when this returns, it is on disk.
    pub fn keep(&self, channel: &ChannelName, token: &KeptToken) -> Result<()> {
        let mut kept = self.load()?;
        kept.tokens.insert(channel.as_str().to_owned(), token.clone());
        self.save(&kept)
    }

    /// Returns the state's id and its run counter; a state that had none gets `fresh`.
    pub fn identity(&self, fresh: &str) -> Result<(String, u64)> {
        let mut kept = self.load()?;
        let state = kept.state.get_or_insert_with(|| fresh.to_owned()).clone();
        let runs = kept.runs;
        self.save(&kept)?;
        Ok((state, runs))
    }

    fn load(&self) -> Result<Kept> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => from_json(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(StoreError::file(&self.path, &error)),
        }
    }

    fn save(&self, kept: &Kept) -> Result<()> {
        let text = serde_json::to_vec_pretty(kept).map_err(StoreError::unreadable)?;
        let new = beside(&self.path, ".new");
        let written = std::fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&new, &self.path))
            .and_then(|()| sync_folder(&self.path));
        written.map_err(|error| StoreError::file(&self.path, &error))
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_kept_for_its_owner_alone_and_shows_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state.db");
        let credentials = Credentials::of(&state);
        let shop = ChannelName::new("shop").unwrap();
        assert!(credentials.token(&shop).unwrap().is_none());
        let token = KeptToken { access: "secret-1".into(), refresh: None, until: None, scopes: vec!["read".into()] };
        credentials.keep(&shop, &token).unwrap();
        assert_eq!(credentials.token(&shop).unwrap().unwrap().access, "secret-1");
        let mode = std::fs::metadata(folder.path().join("state.db.credentials")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{token:?} {credentials:?}").contains("secret-1"));
        assert_eq!(credentials.identity("a").unwrap(), ("a".to_owned(), 0));
        assert_eq!(credentials.identity("b").unwrap(), ("a".to_owned(), 0));
    }
}
