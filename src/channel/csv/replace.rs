//! Replacing a file so that nothing is ever half-written, and nothing that another program wrote is lost (X5).
//!
//! The new file is written beside the old one and exchanged with it in one step. What was displaced is then compared
//! with what was read: if another program had saved the file in between, its version is what was displaced, and the
//! change is applied to that.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

/// Tells one content of a file from any other.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an exchange displaced.
pub(super) enum Replaced {
    /// What had been read; the new content stands.
    AsRead,
    /// Something else: another program had written it meanwhile. It stands again, as it was.
    Changed,
}

/// Puts new content in the place of what was read.
pub(super) fn replace(path: &Path, read: &[u8], new: &[u8]) -> io::Result<Replaced> {
    let path = fs::canonicalize(path)?;
    let beside = beside(&path, read, new);
    write_beside(&path, &beside, new)?;
    let replaced = match renameat_with(CWD, &beside, CWD, &path, RenameFlags::EXCHANGE) {
        Ok(()) => after_exchange(&path, &beside, read)?,
        // The file system cannot exchange: what can be done is to look just before a plain replacement.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if fs::read(&path)? == read => {
            fs::rename(&beside, &path)?;
            sync_folder(&path)?;
            return Ok(Replaced::AsRead);
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Replaced::Changed,
        Err(error) => {
            fs::remove_file(&beside)?;
            return Err(error.into());
        }
    };
    fs::remove_file(&beside)?;
    Ok(replaced)
}

/// Compares what was displaced with what was read; what is not ours to displace is put back.
fn after_exchange(path: &Path, beside: &Path, read: &[u8]) -> io::Result<Replaced> {
    sync_folder(path)?;
    if fs::read(beside)? == read {
        return Ok(Replaced::AsRead);
    }
    renameat_with(CWD, beside, CWD, path, RenameFlags::EXCHANGE)?;
    sync_folder(path)?;
    Ok(Replaced::Changed)
}

/// Finishes what a killed run left: the name of the file it left beside tells what had been read and what was written,
/// and so whether the exchange was made, and whether what it displaced must be put back.
pub(super) fn recover(path: &Path) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let prefix = prefix(&path);
    let folder = path.parent().unwrap_or(Path::new("."));
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some((read, new)) = name.strip_prefix(&prefix).and_then(|rest| rest.split_once('-')) else { continue };
        let beside = folder.join(&name);
        let here = short(&fs::read(&beside)?);
        let displaced_by_us = here != new && here != read && short(&fs::read(&path)?) == new;
        if displaced_by_us {
            renameat_with(CWD, &beside, CWD, &path, RenameFlags::EXCHANGE)?;
            sync_folder(&path)?;
        }
        fs::remove_file(&beside)?;
    }
    Ok(())
}

fn write_beside(path: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    // A file that its owner made read-only is not to be changed, though renaming would do it.
    OpenOptions::new().write(true).open(path)?;
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(beside)?;
    file.set_permissions(permissions)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn beside(path: &Path, read: &[u8], new: &[u8]) -> PathBuf {
    path.with_file_name(format!("{}{}-{}", prefix(path), short(read), short(new)))
}

fn prefix(path: &Path) -> String {
    format!(".{}.eys-", path.file_name().unwrap_or_default().to_string_lossy())
}

fn short(bytes: &[u8]) -> String {
    fingerprint(bytes).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves X5: what another program wrote meanwhile is put back, untouched.
    #[test]
    fn what_another_program_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(replace(&path, b"read", b"ours").unwrap(), Replaced::Changed));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert!(matches!(replace(&path, b"theirs", b"ours").unwrap(), Replaced::AsRead));
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    // proves F6, X5: wherever a run was killed, no program's version is lost and nothing lies about.
    #[test]
    fn a_killed_replacement_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        for (file, left, then) in [
            ("read", "ours", "read"),     // before the exchange
            ("ours", "read", "ours"),     // after it
            ("ours", "theirs", "theirs"), // after it, and another program's version was displaced
            ("theirs", "ours", "theirs"), // after that was put back
        ] {
            fs::write(&path, file).unwrap();
            fs::write(beside(&fs::canonicalize(&path).unwrap(), b"read", b"ours"), left).unwrap();
            recover(&path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), then);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("stock.csv"), folder.path().join("link.csv"));
        fs::write(&path, "a").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        replace(&link, b"a", b"b").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"b");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
