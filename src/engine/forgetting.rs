//! What a run forgets at its end, so that the state of a busy shop stays small and a run costs the same after years (W7).

use jiff::SignedDuration;

use super::EngineError;
use super::cycle::{Cycle, before};
use crate::store::Limits;

/// How long lines are kept in full (W7).
const LINES_KEPT: SignedDuration = SignedDuration::from_hours(180 * 24);
/// How long the ledger is kept, with its intents and runs.
const LEDGER_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long runs are kept that changed nothing.
const IDLE_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long is kept what was sent, once it is known what became of it.
const SENT_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How much of each a run looks at: more than a busy shop adds in a day, so that one run a day keeps up with it.
const MOST: usize = 5_000;

impl Cycle<'_> {
    /// Forgets what is old. What is old is told by the channels' clocks, the earliest of those that were heard: this
    /// machine's may be wrong, and what is forgotten does not come back.
    pub fn forget(&mut self) -> Result<(), EngineError> {
        let heard = self.lanes.values().filter(|lane| lane.observed).filter_map(|lane| lane.clock).min();
        let Some(now) = heard.filter(|_| !self.options.dry_run) else { return Ok(()) };
        let limits = Limits {
            lines_before: before(now, LINES_KEPT),
            ledger_before: before(now, LEDGER_KEPT),
            idle_before: before(now, IDLE_KEPT),
            sent_before: before(now, SENT_KEPT),
            most: MOST,
        };
        self.store.transaction(|tx| tx.forget(limits))?;
        Ok(())
    }
}
