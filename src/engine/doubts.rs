//! Deductions of which nobody can tell whether they were done: both numbers are told, and the owner's word settles them (X6).

use jiff::Timestamp;

use super::EngineError;
use super::cycle::{Cycle, record};
use super::report::{Adjusted, Trouble};
use super::settling::{Stored, apply_lines};
use crate::domain::observe::{SAME_MOMENT, later};
use crate::domain::{Act, Delta, ExactlyOnce, IntentId, IntentState, Known, Level, RunId, Why};
use crate::store::{StoreError, Tx};

impl Cycle<'_> {
    pub(super) fn doubt(&mut self, stored: &Stored<'_>, seen: Level, now: Timestamp) -> Result<(), EngineError> {
        let run = self.run;
        // A change runs over nothing.
        let lane = self.lane_of(&self.source);
        let may_run_over = lane.is_some_and(|lane| lane.capability().exactly_once == ExactlyOnce::Goal);
        let (known, numbers) = self.store.transaction(|tx| {
            let sold = sold_meanwhile(tx, stored)?;
            let numbers = both_numbers(stored, sold, seen);
            tx.close_intent(stored.intent.id, IntentState::InDoubt, now, &numbers)?;
            if may_run_over {
                tx.keep_run_over(stored.intent.id, run_over(stored, sold, seen))?;
            }
            let known = tx.known(stored.intent.listing)?;
            if let Some(known) = &known {
                record(tx, run, known, Why::InDoubt, (Some(stored.before), Some(seen)), now, None)?;
            }
            Ok((known, numbers))
        })?;
        let (id, done) = (stored.intent.id, stored.before.after(stored.delta));
        self.trouble(Trouble {
            code: "in-doubt",
            channel: known.as_ref().map(|known| known.at.channel.clone()),
            listing: known.as_ref().map(Known::name),
            message: format!("nobody can tell whether {} was applied: {numbers}", stored.delta),
            next: Some(how_to_settle(id)),
            waits_for_owner: true,
        });
        self.report_deduction(stored, done, Vec::new(), Adjusted::InDoubt)?;
        Ok(())
    }
}

/// Settles a doubt by the owner's word (`doctor --settle`).
pub fn settle_doubt(tx: &Tx<'_>, run: RunId, id: IntentId, applied: bool, now: Timestamp) -> Result<bool, StoreError> {
    let Some(intent) = tx.intent(id)? else { return Ok(false) };
    let Act::Adjust { delta, before, lines } = &intent.act else { return Ok(false) };
    if !matches!(intent.state, IntentState::InDoubt | IntentState::Open) {
        return Ok(false);
    }
    let state = if applied { IntentState::Applied } else { IntentState::NotApplied };
    tx.close_intent(id, state, now, "the owner said so")?;
    let lost = tx.take_run_over(id)?;
    if applied {
        apply_lines(tx, intent.listing, lines)?;
        tx.add_lost(intent.listing, Delta(lost.saturating_neg()))?;
    } else {
        tx.add_lost(intent.listing, intent.act.sent_again())?;
    }
    if let Some(known) = tx.known(intent.listing)? {
        let note = Some(format!("{id}: {}", if applied { "applied" } else { "not applied" }));
        let to = if applied { before.after(*delta) } else { *before };
        record(tx, run, &known, Why::Settled, (Some(*before), Some(to)), now, note)?;
    }
    tx.note_unread(intent.listing)?;
    tx.mark_dirty(&[intent.listing])?;
    Ok(true)
}

/// Sums up what the source itself sold between the level before an adjustment and what is seen now.
fn sold_meanwhile(tx: &Tx<'_>, stored: &Stored<'_>) -> Result<i64, StoreError> {
    let own = tx.own_lines(stored.intent.listing)?;
    let sold = own.iter().filter(|line| line.placed <= later(stored.done, SAME_MOMENT));
    Ok(sold.fold(0, |sum, line| sum.saturating_add(line.unseen())))
}

/// Returns what of the source's own sales its number does not show, if an adjustment was applied: the write ran over it
/// (X3).
fn run_over(stored: &Stored<'_>, sold: i64, seen: Level) -> i64 {
    let goal = stored.before.after(stored.delta);
    seen.since(goal.after(Delta(sold.saturating_neg()))).0.clamp(0, sold.max(0))
}

/// Tells what a source listing must show without an adjustment and with it, and what it shows (X6).
fn both_numbers(stored: &Stored<'_>, sold: i64, seen: Level) -> String {
    let without = stored.before.after(Delta(sold.saturating_neg()));
    let with = without.after(stored.delta);
    let meanwhile = if sold == 0 { String::new() } else { format!(", {sold} sold there meanwhile") };
    format!("{without} without it, {with} with it{meanwhile}, and it shows {seen}")
}

/// Returns the words that tell how a doubt is settled.
pub(super) fn how_to_settle(id: IntentId) -> String {
    format!("`eys doctor --settle {id} applied` if it was, `eys doctor --settle {id} not-applied` if not")
}
