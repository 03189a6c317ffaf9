//! A disk that can be failed: files in memory that forget what was not synced when the power goes, that run full, and
//! that somebody else keeps locked. `SQLite` writes to it as to any other, through a VFS.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use eys::store::{Store, StoreError};
use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenOptions, Vfs, register};

use crate::sim::Dice;

/// The name under which `SQLite` knows these disks.
const NAME: &str = "trouble";
/// The state's file on each of them.
const STATE: &str = "state.db";

/// One disk; clones share it.
#[derive(Clone)]
pub struct Disk {
    number: u64,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    files: BTreeMap<String, File>,
    /// Nothing more fits on it.
    full: bool,
    /// Transactions until another process holds the state's lock for writing; `None` while nobody does.
    busy: Option<u32>,
    /// Writes and syncs until the power goes; `None` while it is to stay on.
    power: Option<u32>,
    off: bool,
}

#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    /// What was done since the last sync, so that it can be undone.
    unsynced: Vec<Change>,
}

/// A change of a file: where, what was there before, and what was written.
struct Change {
    at: usize,
    length_before: usize,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Disk {
    /// Makes an empty disk.
    pub fn new() -> Self {
        static REGISTERED: OnceLock<()> = OnceLock::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        REGISTERED.get_or_init(|| register(NAME, Disks, false).expect("SQLite takes it"));
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let disk = Self { number, inside: Arc::default() };
        disks().insert(number, disk.clone());
        disk
    }

    /// Opens the state on it.
    pub fn open(&self) -> std::result::Result<Store, StoreError> {
        Store::open_on(NAME, Path::new(&format!("{}/{STATE}", self.number)))
    }

    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// Lets another process lock the state after so many transactions; `None` lets it go.
    pub fn set_busy_after(&self, transactions: Option<u32>) {
        self.lock().busy = transactions;
    }

    /// Lets the power go after so many writes and syncs.
    pub fn fail_power_after(&self, steps: u32) {
        self.lock().power = Some(steps);
    }

    /// Lets the power go now, as far as the process is concerned: nothing it does reaches the disk any more.
    pub fn cut(&self) {
        self.lock().off = true;
    }

    /// Brings the power back: of what was not synced, chance decides which writes are there.
    pub fn recover(&self, dice: &mut Dice) {
        let mut inside = self.lock();
        inside.off = false;
        inside.power = None;
        for file in inside.files.values_mut() {
            file.lose(dice);
        }
    }

    /// Tells whether something is written on it.
    pub fn holds(&self, words: &str) -> bool {
        self.lock().files.values().any(|file| memchr::memmem::find(&file.bytes, words.as_bytes()).is_some())
    }

    /// Throws it away.
    pub fn scrap(&self) {
        disks().remove(&self.number);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All disks by number, since `SQLite` finds a file by its path.
fn disks() -> MutexGuard<'static, BTreeMap<u64, Disk>> {
    static DISKS: Mutex<BTreeMap<u64, Disk>> = Mutex::new(BTreeMap::new());
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inside {
    /// Counts a step that reaches the disk; tells whether there is still power for it.
    fn step(&mut self) -> Result<()> {
        if let Some(left) = &mut self.power {
            self.off |= *left == 0;
            *left = left.saturating_sub(1);
        }
        self.powered()
    }

    fn powered(&self) -> Result<()> {
        if self.off { Err(Error::other("the power is off")) } else { Ok(()) }
    }
}

impl File {
    fn write(&mut self, at: usize, data: &[u8]) {
        let length_before = self.bytes.len();
        let end = at + data.len();
        let before = self.bytes[at.min(length_before)..end.min(length_before)].to_vec();
        self.bytes.resize(length_before.max(end), 0);
        self.bytes[at..end].copy_from_slice(data);
        self.unsynced.push(Change { at, length_before, before, after: data.to_vec() });
    }

    fn set_len(&mut self, length: usize) {
        let length_before = self.bytes.len();
        let before = self.bytes[length.min(length_before)..].to_vec();
        self.bytes.resize(length, 0);
        self.unsynced.push(Change { at: length.min(length_before), length_before, before, after: Vec::new() });
    }

    /// Undoes what was not synced, and does some of it again.
    fn lose(&mut self, dice: &mut Dice) {
        let lost = std::mem::take(&mut self.unsynced);
        for change in lost.iter().rev() {
            self.bytes.resize(change.length_before, 0);
            self.bytes[change.at..change.at + change.before.len()].copy_from_slice(&change.before);
        }
        for change in lost.iter().filter(|change| !change.after.is_empty()) {
            if dice.happens(0.5) {
                self.write(change.at, &change.after);
            }
        }
        self.unsynced.clear();
    }
}

/// What `SQLite` sees of all the disks.
struct Disks;

/// An open file.
struct Handle {
    disk: Disk,
    path: String,
    lock: LockKind,
}

impl Handle {
    fn file<T>(&self, act: impl FnOnce(&mut File) -> T) -> T {
        act(self.disk.lock().files.entry(self.path.clone()).or_default())
    }
}

impl Vfs for Disks {
    type Handle = Handle;

    fn open(&self, path: &str, _: OpenOptions) -> Result<Handle> {
        let handle = on_disk(path)?;
        handle.disk.lock().powered()?;
        handle.file(|_| ());
        Ok(handle)
    }

    fn delete(&self, path: &str) -> Result<()> {
        let handle = on_disk(path)?;
        let mut inside = handle.disk.lock();
        inside.step()?;
        inside.files.remove(&handle.path).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &str) -> Result<bool> {
        let handle = on_disk(path)?;
        Ok(handle.disk.lock().files.contains_key(&handle.path))
    }

    fn temporary_name(&self) -> String {
        "0/temporary".to_owned()
    }

    fn random(&self, buffer: &mut [i8]) {
        buffer.fill(7);
    }

    // Time is virtual: who waits for a lock has waited.
    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }
}

fn on_disk(path: &str) -> Result<Handle> {
    let (number, path) = path.split_once('/').ok_or(ErrorKind::NotFound)?;
    let number: u64 = number.parse().map_err(|_| ErrorKind::NotFound)?;
    let disk = disks().get(&number).cloned().ok_or(ErrorKind::NotFound)?;
    Ok(Handle { disk, path: path.to_owned(), lock: LockKind::None })
}

impl DatabaseHandle for Handle {
    type WalIndex = SharedMemory;

    fn size(&self) -> Result<u64> {
        Ok(self.file(|file| file.bytes.len()) as u64)
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let at = usize::try_from(offset).map_err(Error::other)?;
        self.file(|file| {
            let there = file.bytes.get(at..at + buffer.len()).ok_or(ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(there);
            Ok(())
        })
    }

    fn write_all_at(&mut self, data: &[u8], offset: u64) -> Result<()> {
        let at = usize::try_from(offset).map_err(Error::other)?;
        let mut inside = self.disk.lock();
        inside.step()?;
        let full = inside.full;
        let file = inside.files.entry(self.path.clone()).or_default();
        if full && file.bytes.len() < at + data.len() {
            return Err(ErrorKind::WriteZero.into());
        }
        file.write(at, data);
        Ok(())
    }

    fn sync(&mut self, _: bool) -> Result<()> {
        let mut inside = self.disk.lock();
        inside.step()?;
        if let Some(file) = inside.files.get_mut(&self.path) {
            file.unsynced.clear();
        }
        Ok(())
    }

    fn set_len(&mut self, size: u64) -> Result<()> {
        let size = usize::try_from(size).map_err(Error::other)?;
        let mut inside = self.disk.lock();
        inside.step()?;
        inside.files.entry(self.path.clone()).or_default().set_len(size);
        Ok(())
    }

    fn lock(&mut self, lock: LockKind) -> Result<bool> {
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn current_lock(&self) -> Result<LockKind> {
        Ok(self.lock)
    }

    fn wal_index(&self, _: bool) -> Result<SharedMemory> {
        Ok(SharedMemory(self.disk.clone()))
    }
}

/// What the connections to a state share; there is one connection, so it shares with nobody.
struct SharedMemory(Disk);

impl WalIndex for SharedMemory {
    #[expect(clippy::large_stack_arrays, reason = "the trait wants it so")]
    fn map(&mut self, _: u32) -> Result<[u8; 32768]> {
        Ok([0; 32768])
    }

    fn lock(&mut self, locks: Range<u8>, lock: WalIndexLock) -> Result<bool> {
        // The first of the locks is that of the one writer.
        if !locks.contains(&0) || lock != WalIndexLock::Exclusive {
            return Ok(true);
        }
        match &mut self.0.lock().busy {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None => Ok(true),
        }
    }

    fn delete(self) -> Result<()> {
        Ok(())
    }
}

// proves F6: what was committed survives a power cut at any write, and nothing is half-written; a full disk and a
// locked state are told as what they are, and leave everything as it was.
#[test]
fn what_is_committed_survives_a_power_cut_at_any_write() {
    let mut dice = Dice::new(5);
    let disk = Disk::new();
    let count = |store: &Store| {
        store.read(|tx| Ok((tx.meta("n")?.unwrap_or_default(), tx.meta("m")?.unwrap_or_default()))).unwrap()
    };
    let mut store = disk.open().unwrap();
    let (mut committed, mut cut) = (0, 0);
    for steps in (0..400).map(|nth| nth % 23) {
        disk.fail_power_after(steps);
        let mut tried = committed;
        loop {
            tried += 1;
            let (n, text) = (tried.to_string(), "x".repeat(9000));
            let done = store.transaction(|tx| {
                tx.set_meta("n", &n)?;
                tx.set_meta("filling", &text)?;
                tx.set_meta("m", &n)
            });
            if done.is_err() {
                break;
            }
            committed = tried;
        }
        disk.cut();
        drop(store);
        disk.recover(&mut dice);
        cut += 1;
        store = disk.open().unwrap();
        let (n, m) = count(&store);
        let n: i32 = n.parse().unwrap_or_default();
        assert_eq!(n, m.parse::<i32>().unwrap_or_default(), "a half of a transaction is there");
        assert!((committed..=tried).contains(&n), "committed {committed}, tried {tried}, found {n}");
        committed = n;
    }
    assert!(cut == 400 && committed > 400, "{committed}");
    disk.set_busy_after(Some(0));
    let error = store.transaction(|tx| tx.set_meta("n", "0")).unwrap_err();
    assert_eq!(error.trouble, eys::store::Trouble::Busy, "{error}");
    disk.set_busy_after(None);
    disk.set_full(true);
    let fill = |store: &mut Store| store.transaction(|tx| tx.set_meta("filling", &"y".repeat(90_000)));
    let error = (0..100).find_map(|_| fill(&mut store).err()).unwrap();
    assert_eq!(error.trouble, eys::store::Trouble::Full, "{error}");
    disk.set_full(false);
    fill(&mut store).unwrap();
    assert_eq!(count(&store).0, committed.to_string());
    disk.scrap();
}
