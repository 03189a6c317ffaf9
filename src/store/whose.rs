//! Whose state this is: its id and its run counter, in the state itself and in the file beside it (I2).

use super::value::word;
use super::{Result, Store, StoreError, Tx};
use crate::domain::{ChannelName, Role, Writer};

const STATE: &str = "state";
const COUNTER: &str = "counter";
/// Under this and a state's id stands how far it was when the owner decided about it.
const SETTLED: &str = "settled:";
/// Under this and a channel's number stands that what its next orders owe waits for the owner.
const CATCHING_UP: &str = "catching-up:";

impl Store {
    /// Returns whose state this is; one that was never asked gets the id of the file beside it, or `fresh`.
    pub fn writer(&mut self, fresh: &str) -> Result<Writer> {
        let beside = self.beside()?;
        let writer = self.transaction(|tx| {
            if let Some(writer) = tx.writer()? {
                return Ok(writer);
            }
            let fresh = Writer { state: fresh.to_owned(), counter: 0 };
            let writer = beside.clone().unwrap_or(fresh);
            if beside.is_some() {
                // A state that was lost and begun anew goes on counting where the lost one was, and knows none of its calls.
                tx.settle_writer(&writer)?;
            }
            tx.set_writer(&writer)?;
            Ok(writer)
        })?;
        if beside.is_none_or(|beside| beside.state != writer.state) {
            self.write_beside(&writer)?;
        }
        Ok(writer)
    }

    /// Returns what the file beside the state says of it.
    pub fn beside(&self) -> Result<Option<Writer>> {
        self.credentials.as_ref().map(|credentials| credentials.writer()).transpose().map(Option::flatten)
    }

    /// Sets how far the state is; when this returns, it is on disk, in the state first: the file beside it is never ahead
    /// of a state that nobody put in its place.
    pub fn move_writer(&mut self, writer: &Writer) -> Result<()> {
        self.transaction(|tx| tx.set_writer(writer))?;
        self.write_beside(writer)
    }

    fn write_beside(&self, writer: &Writer) -> Result<()> {
        match &self.credentials {
            Some(credentials) if !self.copy => credentials.keep_writer(writer),
            _ => Ok(()),
        }
    }
}

impl Tx<'_> {
    /// Returns whose state this is; `None` for one that was never asked.
    pub fn writer(&self) -> Result<Option<Writer>> {
        let Some(state) = self.meta(STATE)? else { return Ok(None) };
        let counter = self.meta(COUNTER)?.map_or(Ok(0), |counter| number(&counter))?;
        Ok(Some(Writer { state, counter }))
    }

    fn set_writer(&self, writer: &Writer) -> Result<()> {
        self.set_meta(STATE, &writer.state)?;
        self.set_meta(COUNTER, &writer.counter.to_string())
    }

    /// Returns the states that the owner has decided about, with how far each was then.
    pub fn settled_writers(&self) -> Result<Vec<Writer>> {
        let kept = self.metas(SETTLED)?.into_iter();
        kept.map(|(state, counter)| Ok(Writer { state, counter: number(&counter)? })).collect()
    }

    /// Notes that the owner has decided about a state.
    pub fn settle_writer(&self, writer: &Writer) -> Result<()> {
        self.set_meta(&format!("{SETTLED}{}", writer.state), &writer.counter.to_string())
    }

    /// Tells whether a call was stored here.
    pub fn knows_call(&self, key: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM call WHERE key = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([key], |row| row.get(0))?)
    }

    /// Notes of all targets that what their next orders owe waits for the owner.
    pub fn catch_up(&self) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO meta SELECT ?1 || id, '1' FROM channel WHERE role = ?2";
        self.connection.execute(sql, [CATCHING_UP, &word(&Role::Target)?])?;
        Ok(())
    }

    /// Tells whether what a channel's next orders owe waits for the owner, and forgets it.
    pub fn caught_up(&self, channel: &ChannelName) -> Result<bool> {
        let key = format!("{CATCHING_UP}{}", self.channel_id(channel)?);
        let was = self.meta(&key)?.is_some();
        if was {
            self.forget_meta(&key)?;
        }
        Ok(was)
    }
}

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|_| StoreError::unreadable(format!("the number {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves I2: the counter is on disk in both places, and a state that was lost goes on counting.
    #[test]
    fn a_state_knows_whose_it_is_and_how_far_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut store = Store::open(&path).unwrap();
        let writer = Writer { state: "a".into(), counter: 4 };
        assert_eq!(store.writer("a").unwrap(), Writer { counter: 0, ..writer.clone() });
        store.move_writer(&writer).unwrap();
        drop(store);
        let mut store = Store::open(&path).unwrap();
        assert_eq!((store.writer("b").unwrap(), store.beside().unwrap()), (writer.clone(), Some(writer.clone())));
        drop(store);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Store::open(&path).unwrap().writer("b").unwrap(), writer);
    }

    // proves I2: an old copy of the state alone is seen by the file beside it.
    #[test]
    fn an_old_copy_is_older_than_the_file_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("state.db"), folder.path().join("copy.db"));
        let mut store = Store::open(&path).unwrap();
        store.writer("a").unwrap();
        drop(store);
        std::fs::copy(&path, &copy).unwrap();
        Store::open(&path).unwrap().move_writer(&Writer { state: "a".into(), counter: 4 }).unwrap();
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("state.db{ending}")));
        }
        std::fs::copy(&copy, &path).unwrap();
        let mut store = Store::open(&path).unwrap();
        assert_eq!((store.writer("b").unwrap().counter, store.beside().unwrap().unwrap().counter), (0, 4));
    }

    // proves H3: a copy that is only looked at leaves the file beside the state alone.
    #[test]
    fn a_snapshot_writes_nothing_beside_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(Store::open(&path).unwrap());
        Store::snapshot(&path).unwrap().writer("a").unwrap();
        assert_eq!(Store::open(&path).unwrap().beside().unwrap(), None);
    }
}
