//! How long eBay waits for the money of a purchase: so long its units are taken, though no order shows it (7, O5).
//!
//! The seller chooses after how many days eBay may call a purchase unpaid, between a few and a month. It is asked once a
//! day, beside a full reading, and noted for the processes to come.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::Ebay;
use super::trading::Preferences;
use crate::channel::Result;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// After how many days eBay may cancel where the seller's choice is not known.
const USUAL: i64 = 4;
/// What it was never seen to exceed; a number beyond is none.
const LONGEST: i64 = 60;

/// The seller's choice, as eBay told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    /// `None` where eBay cancels nothing by itself, or does not say.
    days: Option<i64>,
    /// When it was asked, by eBay's clock.
    asked: Timestamp,
}

/// What is known of it in this process.
pub(super) struct UnpaidPeriod {
    days: AtomicI64,
    recalled: OnceCell<()>,
}

impl Default for UnpaidPeriod {
    fn default() -> Self {
        Self { days: AtomicI64::new(USUAL), recalled: OnceCell::new() }
    }
}

impl UnpaidPeriod {
    /// Returns how long an unpaid purchase counts: most are cancelled within a day from when that is possible.
    pub fn lasts(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * (self.days.load(Ordering::Relaxed) + 1))
    }

    fn note(&self, days: Option<i64>) {
        let days = days.filter(|days| (1..=LONGEST).contains(days)).unwrap_or(USUAL);
        self.days.store(days, Ordering::Relaxed);
    }
}

impl Ebay {
    /// Takes up what an earlier process learned; what cannot be read is asked anew.
    pub(super) async fn recall_unpaid_period(&self) {
        let read = || async {
            let noted = self.notes.read().await.ok().and_then(|noted| noted.unpaid);
            self.unpaid.note(noted.and_then(|choice| choice.days));
        };
        self.unpaid.recalled.get_or_init(read).await;
    }

    /// Asks for the seller's choice, if that was not done within a day. No run fails for it.
    pub(super) async fn ask_unpaid_period(&self) {
        let noted = self.notes.read().await.ok().and_then(|noted| noted.unpaid);
        let lately = |(choice, now): (Choice, Timestamp)| choice.asked <= now && now.duration_since(choice.asked) < DAY;
        if !noted.zip(self.api.clock()).is_some_and(lately) {
            drop(self.preferences().await);
        }
    }

    /// Tells how the account is set up, and notes the seller's choice; what cannot be kept is asked again.
    pub(super) async fn preferences(&self) -> Result<Preferences> {
        let preferences = self.trading.preferences().await?;
        let days = preferences.unpaid_days;
        self.unpaid.note(days);
        if let Some(asked) = self.api.clock() {
            drop(self.notes.change(|noted| noted.unpaid = Some(Choice { days, asked })).await);
        }
        Ok(preferences)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Noted;
    use super::*;

    // proves O5: a number that is none counts as the usual one; what an older version noted says nothing.
    #[test]
    fn what_is_not_told_is_the_usual() {
        let period = UnpaidPeriod::default();
        for (days, lasts) in [(Some(4), 5), (Some(30), 31), (None, 5), (Some(0), 5), (Some(-3), 5), (Some(9_999), 5)] {
            period.note(days);
            assert_eq!(period.lasts(), DAY * lasts, "{days:?}");
        }
        for old in ["[]", r#"[["110000001003",{"offer":null,"found":null}]]"#, "7"] {
            assert_eq!(serde_json::from_str::<Noted>(old).unwrap_or_default(), Noted::default(), "{old}");
        }
    }
}
