//! The ledger in words.

use crate::domain::{HoldWhy, Line, Movement, Why};

/// Tells an entry of the ledger in a sentence.
pub fn movement_words(movement: &Movement, line: Option<&Line>) -> String {
    let number = |number: Option<i64>| number.map_or("?".to_owned(), |number| number.to_string());
    let (from, to) = (number(movement.from), number(movement.to));
    let change = format!("{from} → {to}");
    let units = movement.to.unwrap_or_default();
    let order = line.map_or_else(
        || movement.note.clone().unwrap_or_default(),
        |line| format!("order {} on {}", line.order, line.channel),
    );
    match movement.why {
        Why::Linked => format!("linked, showing {to}"),
        Why::Unlinked => movement.note.as_ref().map_or_else(|| "unlinked".to_owned(), |why| format!("unlinked: {why}")),
        Why::Sold => format!("sold {units}, {order}"),
        Why::Returned => format!("{} came back, {order}", units.saturating_abs()),
        Why::StaysOff => {
            format!("{units} cancelled, {order}, and not put back on the source: put them there if they are back")
        }
        Why::Deducted => format!("{change}, taken off for {order}"),
        Why::GivenBack => format!("{change}, given back for {order}"),
        Why::OwnersChange => format!("{change}, changed by you or another program"),
        Why::Pushed => format!("{change}, written by eys"),
        Why::Zeroed => format!("{change}, written by eys; no sale had emptied it"),
        Why::Corrected => format!("{change}, corrected by eys: somebody else had written another number"),
        Why::PutBack => format!("{change}, put back by eys: {}", movement.note.as_deref().unwrap_or_default()),
        Why::Unpaid if movement.from < movement.to => format!("bought and not paid yet: {to} are kept back"),
        Why::Unpaid => format!("a purchase that was not paid has ended: {to} are kept back"),
        Why::Missing => format!("{change}, units are missing and no order is there yet; waiting for it"),
        Why::Oversold => format!("oversold: {}", movement.note.as_deref().unwrap_or_default()),
        Why::SentAgain => format!("{change}, sent once more by eys: the shop had lost units that were taken off"),
        Why::NotApplied => "a deduction turned out not to have happened".to_owned(),
        Why::InDoubt => format!("nobody can tell whether a deduction happened; it shows {to}"),
        Why::Settled => format!("{change}, settled by you: {}", movement.note.as_deref().unwrap_or_default()),
        Why::Refused => format!("refused: {}", movement.note.as_deref().unwrap_or_default()),
        Why::Hidden => format!("{} by eys: nothing is left", movement.note.as_deref().unwrap_or("hidden")),
        Why::ShownAgain => {
            let anew = movement.note.as_ref().map_or_else(String::new, |key| format!(", as listing {key}"));
            format!("shown again by eys{anew}")
        }
        Why::Renewed | Why::ChangedBeside => movement.note.clone().unwrap_or_default(),
        Why::ShownByOthers => "shown again by you or another program".to_owned(),
        Why::Held => format!("held: {}", movement.note.as_deref().unwrap_or_default()),
        Why::Released => format!("released by you: {}", movement.note.as_deref().unwrap_or_default()),
        Why::Gone => "gone from its channel".to_owned(),
    }
}

/// Tells why a push is held.
pub fn hold_words(why: HoldWhy) -> &'static str {
    match why {
        HoldWhy::FirstPush => "the first push to a channel waits for your word",
        HoldWhy::Zeros => "many listings would go to 0 without a sale",
        HoldWhy::SourceEmptied => "much of the source is suddenly gone or at 0",
        HoldWhy::Rules => "changed rules move many listings",
        HoldWhy::SecondWriter => "another program keeps writing other numbers",
        HoldWhy::Account => "the channel answers as another account",
        HoldWhy::State => "another state wrote to the source",
        HoldWhy::Undone => "you undid a run",
        HoldWhy::LastUnit => "the last unit of a source listing is taken off by hiding it",
    }
}
