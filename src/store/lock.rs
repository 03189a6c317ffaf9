//! One writer at a time: a lock file beside the state, which names its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;

use super::{StoreError, beside};

/// The state's lock; let go when it is dropped, and by the system when its process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock was not to be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds the state.
    #[error("another run holds the state: {0}")]
    Held(String),
    /// The lock file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Lock {
    /// Takes the lock, or says at once who holds it.
    ///
    /// # Errors
    /// [`LockError::Held`] while another process has it.
    pub fn take(state: &Path, who: &str, now: Timestamp) -> Result<Self, LockError> {
        Self::take_file(&beside(state, ".lock"), who, now)
    }

    /// Takes the place of the one loop that may run over a state; between its cycles, others may take the lock.
    ///
    /// # Errors
    /// [`LockError::Held`] while another loop runs.
    pub fn take_loop(state: &Path, who: &str, now: Timestamp) -> Result<Self, LockError> {
        Self::take_file(&beside(state, ".loop"), who, now)
    }

    fn take_file(path: &Path, who: &str, now: Timestamp) -> Result<Self, LockError> {
        let trouble = |error: &std::io::Error| StoreError::file(path, error);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| trouble(&error))?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).mode(0o600).open(path);
        let mut file = file.map_err(|error| trouble(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(trouble(&error).into()),
        }
        let words = format!("`{who}`, process {}, since {now:.0}\n", std::process::id());
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(words.as_bytes()));
        written.map_err(|error| trouble(&error))?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut words = String::new();
    match file.read_to_string(&mut words) {
        Ok(read) if read > 0 => words.trim().to_owned(),
        _ => "an unknown process".to_owned(),
    }
}
