//! The credentials file beside the state: what channels keep between two processes, and whose state this is (I2).
//!
//! It is a file of its own so that the state itself can be copied, shown and sent around. It is readable by its owner
//! alone and always replaced as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Result, StoreError, Trouble, beside};
use crate::domain::{ChannelName, Writer};

/// A token as it is kept. Its `Debug` shows nothing of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeptToken {
    /// The token.
    pub access: String,
    /// The token that gets the next one.
    pub refresh: Option<String>,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// When what renews it ends; `None` where that does not end (F7).
    #[serde(default)]
    pub ends: Option<Timestamp>,
    /// A print of what renews it, where that stands in channels.toml.
    #[serde(default)]
    pub by: Option<String>,
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
    /// What channels noted for themselves.
    #[serde(default)]
    notes: BTreeMap<String, String>,
}

impl Credentials {
    /// Names the credentials file of a state.
    pub fn of(state: &Path) -> Self {
        Self { path: beside(state, ".credentials") }
    }

    /// Returns the file, if others can read it.
    pub fn open_to_others(&self) -> Option<&Path> {
        let open = std::fs::metadata(&self.path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0);
        open.then_some(self.path.as_path())
    }

    /// Returns the token kept for a channel.
    pub fn token(&self, channel: &ChannelName) -> Result<Option<KeptToken>> {
        Ok(self.load()?.tokens.remove(channel.as_str()))
    }

    /// Keeps a token; when this returns, it is on disk.
    pub fn keep(&self, channel: &ChannelName, token: &KeptToken) -> Result<()> {
        self.change(|kept| drop(kept.tokens.insert(channel.as_str().to_owned(), token.clone())))
    }

    /// Returns what a channel noted for itself.
    pub fn notes(&self, channel: &ChannelName) -> Result<Option<String>> {
        Ok(self.load()?.notes.remove(channel.as_str()))
    }

    /// Keeps what a channel notes for itself.
    pub fn keep_notes(&self, channel: &ChannelName, notes: &str) -> Result<()> {
        self.change(|kept| drop(kept.notes.insert(channel.as_str().to_owned(), notes.to_owned())))
    }

    /// Lets a channel that has another name now go on with what was kept for it; a token that is kept under that name stays.
    /// Tells whether a token went along.
    pub fn rename(&self, old: &ChannelName, new: &ChannelName) -> Result<bool> {
        let mut went_along = false;
        self.change(|kept| {
            let (old, new) = (old.as_str(), new.as_str());
            if let Some(token) = kept.tokens.remove(old).filter(|_| !kept.tokens.contains_key(new)) {
                kept.tokens.insert(new.to_owned(), token);
                went_along = true;
            }
            if let Some(notes) = kept.notes.remove(old) {
                kept.notes.insert(new.to_owned(), notes);
            }
        })?;
        Ok(went_along)
    }

    /// Takes the right to get a new token for a channel, until what this returns is dropped; `None` while somebody else
    /// has it, in this process or another.
    pub fn take_renewal(&self, channel: &ChannelName) -> Result<Option<Renewal>> {
        let path = beside(&self.path, &format!(".{channel}.lock"));
        let file = lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Renewal { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StoreError::file(&path, &error)),
        }
    }

    /// Returns whose file this is, and how far that state was.
    pub fn writer(&self) -> Result<Option<Writer>> {
        let kept = self.load()?;
        Ok(kept.state.map(|state| Writer { state, counter: kept.runs }))
    }

    /// Keeps whose file this is; when this returns, it is on disk.
    pub fn keep_writer(&self, writer: &Writer) -> Result<()> {
        self.change(|kept| (kept.state, kept.runs) = (Some(writer.state.clone()), writer.counter))
    }

    /// Changes the file, one at a time: lanes keep tokens while the coordinator counts runs, and other commands may do so
    /// too.
    fn change(&self, change: impl FnOnce(&mut Kept)) -> Result<()> {
        let path = beside(&self.path, ".lock");
        let lock = lock_file(&path)?;
        // It is released when it is dropped.
        lock.lock().map_err(|error| StoreError::file(&path, &error))?;
        let mut kept = self.load()?;
        change(&mut kept);
        let saved = self.save(&kept);
        drop::<File>(lock);
        saved
    }

    fn load(&self) -> Result<Kept> {
        match std::fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| self.damaged(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(StoreError::file(&self.path, &error)),
        }
    }

    /// Makes the error of a file that cannot be understood: where it breaks, and not what stands there, which may be a token.
    /// Nothing is written to it any more, so that whatever is left of it stays.
    fn damaged(&self, error: &serde_json::Error) -> StoreError {
        let message = format!("{}: it is damaged from line {} on", self.path.display(), error.line());
        let next = "nothing was overwritten; move it away, and run `eys auth CHANNEL` for each channel that you gave \
                    consent to in the browser";
        StoreError::new(Trouble::Damaged, message, next)
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

/// The right to get a new token for a channel.
#[derive(Debug)]
pub struct Renewal {
    _file: File,
}

fn lock_file(path: &Path) -> Result<File> {
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    file.map_err(|error| StoreError::file(path, &error))
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_for_its_owner_alone_and_shows_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state.db");
        let credentials = Credentials::of(&state);
        let shop = ChannelName::new("shop").unwrap();
        assert!(credentials.token(&shop).unwrap().is_none());
        let token = KeptToken {
            access: "secret-1".into(),
            refresh: None,
            until: None,
            ends: None,
            by: None,
            scopes: vec!["read".into()],
        };
        credentials.keep(&shop, &token).unwrap();
        assert_eq!(credentials.token(&shop).unwrap().unwrap().access, "secret-1");
        let mode = std::fs::metadata(folder.path().join("state.db.credentials")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{token:?} {credentials:?}").contains("secret-1"));
        assert_eq!(credentials.writer().unwrap(), None);
        let writer = Writer { state: "a".into(), counter: 3 };
        credentials.keep_writer(&writer).unwrap();
        assert_eq!(credentials.writer().unwrap(), Some(writer));
        assert_eq!(credentials.token(&shop).unwrap().unwrap().access, "secret-1");
        credentials.keep_notes(&shop, "[7]").unwrap();
        let booth = ChannelName::new("booth").unwrap();
        assert!(credentials.rename(&shop, &booth).unwrap());
        assert!(credentials.token(&shop).unwrap().is_none() && credentials.notes(&shop).unwrap().is_none());
        assert_eq!(credentials.token(&booth).unwrap().unwrap().access, "secret-1");
        assert_eq!(credentials.notes(&booth).unwrap().as_deref(), Some("[7]"));
    }
}
