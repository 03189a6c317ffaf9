//! Upgrades of the state: numbered SQL files, never edited once released, one transaction each.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{StoreError, Trouble};
use super::{Result, beside, private_file};

/// The migrations, in their order; the n-th leads to version n.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_initial.sql")];

/// Brings a state to the newest version, with a copy of the file before each step. `path` is `None` for a state in
/// memory, of which there is nothing to keep.
pub(super) fn upgrade(connection: &mut Connection, path: Option<&Path>) -> Result<()> {
    let version = version(connection).map_err(|error| path.map_or(error.clone(), |path| error.in_file(path)))?;
    let newest = MIGRATIONS.len();
    if version > newest {
        let message = format!("the state is of version {version}, and this program knows versions up to {newest}");
        let error = StoreError::new(Trouble::Newer, message, "use the newer version of eys, or another --state");
        return Err(path.map_or(error.clone(), |path| error.in_file(path)));
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(version) {
        if let Some(path) = path.filter(|_| step > 0) {
            copy(connection, &beside(path, &format!(".before-version-{}", step + 1)))?;
        }
        let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
        if self::version(&transaction)? == step {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", i64::try_from(step + 1).unwrap_or(i64::MAX))?;
        }
        transaction.commit()?;
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    usize::try_from(version).map_err(|_| StoreError::unreadable("its version"))
}

fn copy(connection: &Connection, path: &Path) -> Result<()> {
    private_file(path)?;
    let mut copy = Connection::open(path)?;
    Backup::new(connection, &mut copy)?.run_to_completion(1024, Duration::ZERO, None)?;
    Ok(())
}
