//! What can go wrong with the state, in words, with the way out.

use std::path::Path;

use rusqlite::ErrorCode;

/// What is wrong with the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another process is writing and did not let go.
    Busy,
    /// A newer version of the program made it.
    Newer,
    /// It is damaged, or no state at all.
    Damaged,
    /// The disk is full.
    Full,
    /// It may not be read or written.
    Denied,
    /// Anything else.
    Other,
}

/// The state could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What is wrong.
    pub trouble: Trouble,
    /// What happened, as a sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub next: String,
}

impl StoreError {
    /// Tells whether it may be over by itself in a while.
    pub fn passes(&self) -> bool {
        matches!(self.trouble, Trouble::Busy | Trouble::Full)
    }

    /// Makes an error.
    pub(super) fn new(trouble: Trouble, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), next: next.into() }
    }

    /// Makes the error of a state file that cannot be opened.
    pub(super) fn at(path: &Path, error: rusqlite::Error) -> Self {
        Self::from(error).in_file(path)
    }

    /// Makes the error of a file beside the state.
    pub(super) fn file(path: &Path, error: &std::io::Error) -> Self {
        let trouble = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Trouble::Full,
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Trouble::Denied,
            _ => Trouble::Other,
        };
        Self::new(trouble, format!("{}: {error}", path.display()), way_out(trouble))
    }

    /// Names the file; where it is damaged, names the copies that lie beside it.
    pub(super) fn in_file(mut self, path: &Path) -> Self {
        self.message = format!("{}: {}", path.display(), self.message);
        if self.trouble == Trouble::Damaged {
            self.next = way_back(path);
        }
        self
    }

    /// Makes the error of something stored that cannot be understood.
    pub(super) fn unreadable(what: impl std::fmt::Display) -> Self {
        Self::new(Trouble::Damaged, format!("something stored cannot be understood: {what}"), way_out(Trouble::Damaged))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let trouble = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Trouble::Busy
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Damaged,
            Some(ErrorCode::DiskFull) => Trouble::Full,
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => Trouble::Denied,
            _ => Trouble::Other,
        };
        let message = match trouble {
            Trouble::Busy => "the state is in use by another process".to_owned(),
            Trouble::Damaged => "the state is damaged, or is no state of eys".to_owned(),
            Trouble::Full => "the disk is full; nothing was half-written".to_owned(),
            _ => format!("the state could not be used: {error}"),
        };
        Self::new(trouble, message, way_out(trouble))
    }
}

fn way_out(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Busy => "wait until the other run is done, or stop it",
        Trouble::Newer => "use the newer version of eys, or another --state",
        Trouble::Damaged => "restore a copy of the state, or start again from an export: `eys link --import FILE`",
        Trouble::Full => "make room on the disk and run again; the next run goes on where this one was",
        Trouble::Denied => "give yourself the right to read and write it and its folder",
        Trouble::Other => "run `eys doctor`",
    }
}

/// Tells the way back from a damaged file, by the copies that lie beside it. The file itself is never overwritten.
fn way_back(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut copies: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|other| other.starts_with(&format!("{name}.before-")))
        .collect();
    copies.sort();
    match copies.last() {
        Some(copy) => format!("nothing was overwritten; move it away and put the copy `{copy}` in its place"),
        None => {
            "nothing was overwritten; move it away and start again from an export: `eys link --import FILE`".to_owned()
        }
    }
}
