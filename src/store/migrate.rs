//! Upgrades of the state: numbered SQL files, never edited once released, one transaction each.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{StoreError, Trouble};
use super::{Result, beside, private_file};

/// The migrations, in their order; the n-th leads to version n.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_held_lines.sql"),
    include_str!("migrations/0003_turns.sql"),
    include_str!("migrations/0004_fitted.sql"),
    include_str!("migrations/0005_counters.sql"),
    include_str!("migrations/0006_moments.sql"),
    include_str!("migrations/0007_least.sql"),
    include_str!("migrations/0008_ruled_anew.sql"),
    include_str!("migrations/0009_portions.sql"),
    include_str!("migrations/0010_waits.sql"),
    include_str!("migrations/0011_numberless.sql"),
    include_str!("migrations/0012_reasons.sql"),
    include_str!("migrations/0013_adjusted.sql"),
];

/// Brings a state to the newest version, with a copy of the file before each step. `path` is `None` for a state in
/// memory, of which there is nothing to keep.
pub(super) fn upgrade(connection: &mut Connection, path: Option<&Path>) -> Result<()> {
    upgrade_by(connection, path, MIGRATIONS).map_err(|error| match path {
        Some(path) => error.in_file(path),
        None => error,
    })
}

fn upgrade_by(connection: &mut Connection, path: Option<&Path>, migrations: &[&str]) -> Result<()> {
    let version = version(connection)?;
    let newest = migrations.len();
    if version > newest {
        let message = format!("the state is of version {version}, and this program knows versions up to {newest}");
        return Err(StoreError::new(Trouble::Newer, message, "use the newer version of eys, or another --state"));
    }
    if version == 0 && !is_empty(connection)? {
        let message = "it is the database of another program";
        return Err(StoreError::new(Trouble::Other, message, "name another file with --state"));
    }
    for (step, sql) in migrations.iter().enumerate().skip(version) {
        if let Some(path) = path.filter(|_| version > 0) {
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

fn is_empty(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row("SELECT count(*) = 0 FROM sqlite_master", [], |row| row.get(0))?)
}

fn copy(connection: &Connection, path: &Path) -> Result<()> {
    private_file(path)?;
    let mut copy = Connection::open(path)?;
    Backup::new(connection, &mut copy)?.run_to_completion(1024, Duration::ZERO, None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    const FIRST: &str = "CREATE TABLE mug (id INTEGER PRIMARY KEY) STRICT; INSERT INTO mug VALUES (7);";
    const SECOND: &str = "DELETE FROM mug; CREATE TABLE bowl (id INTEGER PRIMARY KEY) STRICT;";

    fn mugs(path: &Path) -> Vec<i64> {
        let connection = Connection::open(path).unwrap();
        let mut query = connection.prepare("SELECT id FROM mug").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(|id| id.unwrap()).collect()
    }

    // proves F6: what an upgrade takes away is still in the copy made before it.
    #[test]
    fn a_copy_is_made_before_each_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut connection = Connection::open(&path).unwrap();
        upgrade_by(&mut connection, Some(&path), &[FIRST]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a new state needs no copy");
        upgrade_by(&mut connection, Some(&path), &[FIRST, SECOND]).unwrap();
        assert_eq!((mugs(&path), mugs(&folder.path().join("state.db.before-version-2"))), (vec![], vec![7]));
        assert_eq!(version(&connection).unwrap(), 2);
    }

    #[test]
    fn a_new_state_of_the_newest_version_needs_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut connection = Connection::open(&path).unwrap();
        upgrade_by(&mut connection, Some(&path), &[FIRST, SECOND]).unwrap();
        assert_eq!((version(&connection).unwrap(), std::fs::read_dir(folder.path()).unwrap().count()), (2, 1));
    }

    // proves F6: a step that fails leaves the state as it was.
    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        upgrade_by(&mut connection, None, &[FIRST]).unwrap();
        assert!(upgrade_by(&mut connection, None, &[FIRST, "DELETE FROM mug; DELETE FROM nothing;"]).is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        let kept: i64 = connection.query_row("SELECT count(*) FROM mug", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1);
    }

    #[test]
    fn a_newer_state_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(Store::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = Store::open(&path).map(|_| ()).unwrap_err();
        assert_eq!(error.trouble, Trouble::Newer);
        assert!(error.message.contains("version 99"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn the_database_of_another_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photos.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE photo (id INTEGER)").unwrap();
        let error = Store::open(&path).map(|_| ()).unwrap_err();
        assert!(error.message.contains("another program"), "{error}");
    }

    // proves F6: a damaged state is told with the way back, and never overwritten.
    #[test]
    fn a_damaged_state_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::fs::write(&path, "this is no state at all, however long one looks at it").unwrap();
        std::fs::write(folder.path().join("state.db.before-version-2"), "").unwrap();
        let error = Store::open(&path).map(|_| ()).unwrap_err();
        assert_eq!(error.trouble, Trouble::Damaged);
        assert!(error.next.contains("state.db.before-version-2"), "{}", error.next);
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is no state"));
        assert!(Store::snapshot(&path).is_err());
    }

    #[test]
    fn a_state_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/state.db");
        drop(Store::open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
