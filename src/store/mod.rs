//! The state of a shop: one database file, and everything that is allowed to touch it.
//!
//! SQL stays in this folder, a file for each group of tables; everyone else sees the types of
//! [`domain`](crate::domain). What is written is on disk when a transaction returns: a lost intent is exactly what a
//! stock tool cannot afford.

mod channels;
mod components;
mod credentials;
mod error;
mod forget;
mod hearing;
mod holds;
mod journal;
mod ledger;
mod lines;
mod links;
mod listings;
mod lock;
mod migrate;
mod quotas;
mod traces;
mod turns;
mod value;
mod whose;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub use self::channels::Counts;
pub use self::credentials::{Credentials, KeptToken, Renewal};
pub use self::error::{StoreError, Trouble};
pub use self::forget::Limits;
pub use self::journal::OpenCall;
pub use self::ledger::{Entry, Run};
pub use self::lock::{Lock, LockError};
pub use self::quotas::KeptQuota;
pub use crate::domain::channel::ChannelState;

/// What a call of the state returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// How long a write waits for another process that is reading.
const BUSY: Duration = Duration::from_secs(10);

/// The state of a shop.
pub struct Store {
    connection: Connection,
    /// The file of credentials beside it; a state in memory has none.
    credentials: Option<Credentials>,
    /// Whether this is a copy of which nothing is kept.
    copy: bool,
}

/// A transaction: all that is done in it is done together, or nothing of it.
pub struct Tx<'a> {
    connection: &'a Connection,
}

impl Store {
    /// Opens the state, or makes a new one, readable by its owner alone. An older one is upgraded, after a copy of it
    /// was made beside it; a newer or a damaged one is refused and left as it is.
    pub fn open(path: &Path) -> Result<Self> {
        private_file(path)?;
        let mut connection = Connection::open(path).map_err(|error| StoreError::at(path, error))?;
        prepare(&connection).map_err(|error| error.in_file(path))?;
        migrate::upgrade(&mut connection, Some(path))?;
        Ok(Self { connection, credentials: Some(Credentials::of(path)), copy: false })
    }

    /// Opens a state that lies on another kind of disk, by the name under which `SQLite` knows that.
    pub fn open_on(disk: &str, path: &Path) -> Result<Self> {
        let flags = OpenFlags::default();
        let mut connection = Connection::open_with_flags_and_vfs(path, flags, disk)?;
        prepare(&connection)?;
        migrate::upgrade(&mut connection, None)?;
        Ok(Self { connection, credentials: None, copy: false })
    }

    /// Takes a copy of the state into memory, for commands that only read and for dry runs. The file is not touched; a
    /// missing one is an empty state.
    pub fn snapshot(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Self::in_memory();
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = Connection::open_with_flags(path, flags).map_err(|error| StoreError::at(path, error))?;
        file.busy_timeout(BUSY).map_err(|error| StoreError::at(path, error))?;
        let mut connection = Connection::open_in_memory()?;
        Backup::new(&file, &mut connection)
            .and_then(|backup| backup.run_to_completion(4096, Duration::ZERO, None))
            .map_err(|error| StoreError::at(path, error))?;
        prepare(&connection).map_err(|error| error.in_file(path))?;
        migrate::upgrade(&mut connection, None).map_err(|error| error.in_file(path))?;
        Ok(Self { connection, credentials: Some(Credentials::of(path)), copy: true })
    }

    /// Makes an empty state that is gone when it is dropped.
    pub fn in_memory() -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        migrate::upgrade(&mut connection, None)?;
        Ok(Self { connection, credentials: None, copy: true })
    }

    /// Does some work in one transaction: when this returns, it is on disk; if the work fails, nothing of it is.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let done = work(&Tx { connection: &transaction })?;
        transaction.commit()?;
        Ok(done)
    }

    /// Reads, from one moment of the state.
    pub fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let transaction = self.connection.unchecked_transaction()?;
        work(&Tx { connection: &transaction })
    }
}

fn prepare(connection: &Connection) -> Result<()> {
    connection.busy_timeout(BUSY)?;
    // Without this, statements that could use a partial index are planned anew for every value they are given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Makes the folder and the file, so that the file is never readable by others, not even for a moment.
fn private_file(path: &Path) -> Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::file(folder, &error))?;
    }
    let file = std::fs::OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path);
    let file = file.map_err(|error| StoreError::file(path, &error))?;
    let mode = file.metadata().map_err(|error| StoreError::file(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(|error| StoreError::file(path, &error))?;
    }
    Ok(())
}

/// Returns the path of a file beside the state: its name with an ending added.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
