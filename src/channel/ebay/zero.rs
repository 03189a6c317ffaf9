//! Out-of-stock control: the switch of the account on which it hangs whether a listing lives at 0 (section 6, Z3).
//!
//! While it is off, a listing that gets to 0 ends, and a variation that is set to 0 is taken out of its listing for good.
//! So nothing is set to 0 before the switch was seen to be on.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Ebay;
use super::api::Call;
use super::trading::{LOOK, WRITE};
use crate::channel::{ChannelError, ErrorKind, Repeat, Result};

/// How long the switch is believed to be as it was seen: off, the owner may be switching it on just now.
const SEEN_ON: SignedDuration = SignedDuration::from_hours(12);
const SEEN_OFF: SignedDuration = SignedDuration::from_mins(5);

/// What was last seen of the switch.
#[derive(Default)]
pub(super) struct OutOfStockControl {
    seen: Mutex<Option<(bool, Timestamp)>>,
}

#[derive(Deserialize)]
struct Programs {
    #[serde(default)]
    programs: Vec<Program>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Program {
    program_type: Option<String>,
}

impl OutOfStockControl {
    fn known(&self, now: Option<Timestamp>) -> Option<bool> {
        let (on, at) = (*self.seen.lock().unwrap_or_else(PoisonError::into_inner))?;
        let age = if on { SEEN_ON } else { SEEN_OFF };
        now.is_some_and(|now| now.duration_since(at) < age).then_some(on)
    }

    /// Remembers what was seen.
    pub fn note(&self, on: bool, now: Option<Timestamp>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now.map(|now| (on, now));
    }
}

impl Ebay {
    /// Tells whether out-of-stock control is on, as it was seen lately or as eBay says now.
    pub(super) async fn lives_at_zero(&self) -> Result<bool> {
        match self.zero.known(self.api.clock()) {
            Some(on) => Ok(on),
            None => self.look_at_out_of_stock_control().await,
        }
    }

    /// Asks eBay whether out-of-stock control is on. The Account API is asked first, since it costs no Trading call; where
    /// it says no or may not be asked, Trading knows better: it is there that the switch works at once.
    pub(super) async fn look_at_out_of_stock_control(&self) -> Result<bool> {
        let call = Call::get(LOOK, "/sell/account/v1/program/get_opted_in_programs");
        let opted_in = match self.api.ask::<Programs>(&call).await {
            Ok(answer) => {
                let named = |program: &Program| program.program_type.as_deref() == Some("OUT_OF_STOCK_CONTROL");
                answer.programs.iter().any(named)
            }
            Err(error) if error.kind == ErrorKind::Credentials => return Err(error),
            Err(_) => false,
        };
        let on = opted_in || self.preferences().await?.out_of_stock_control == Some(true);
        self.zero.note(on, self.api.clock());
        Ok(on)
    }
}

/// Makes the refusal of a 0 that would end a listing.
pub(super) fn no_zero() -> ChannelError {
    let message = "out-of-stock control is off: at 0 eBay would end the listing, or remove the variation for good";
    ChannelError::new(ErrorKind::Refused, Repeat::Never, WRITE, message).with_next(
        "`eys doctor --fix` switches it on; or eBay, Account settings, Site preferences: sell until out of stock",
    )
}
