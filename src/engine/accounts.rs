//! Whose account a channel is (I1): its name is tied to the account at first contact, and stops where they disagree.

use super::EngineError;
use super::cycle::Cycle;
use super::lane::Lane;
use crate::channel::{Account, ChannelError, ErrorKind, Repeat};
use crate::domain::channel::{Contact, contact};
use crate::domain::{ChannelName, HoldWhy};
use crate::store::{StoreError, Tx};

impl Cycle<'_> {
    /// Ties a channel's name to its account at first contact; later a disagreement stops the channel.
    pub fn account_agrees(&mut self, lane: &Lane, account: &Account) -> Result<bool, EngineError> {
        let name = lane.name.clone();
        let configured: Vec<ChannelName> = self.engine.lanes.iter().map(|lane| lane.name.clone()).collect();
        let kept = self.store.read(|tx| tx.channels())?;
        let contact = contact(&name, &account.identity, &kept, &configured);
        let anew = self.anew.contains(&name);
        match disagreement(&name, account, &contact) {
            Some(error) if !(anew && matches!(contact, Contact::Renamed(_))) => {
                // What only channels.toml can put right is no question to the owner.
                if matches!(contact, Contact::Renamed(_) | Contact::Changed { belongs: None, .. }) {
                    let (now, note) = (self.report.began, error.message.clone());
                    self.store.transaction(|tx| hold(tx, &name, now, &note))?;
                }
                self.fail(lane, error);
                Ok(false)
            }
            _ => {
                let Some(kept) = self.channels.get(&name) else { return Ok(false) };
                let mut channel = kept.clone();
                channel.identity = Some(account.identity.clone());
                channel.label = Some(account.label.clone());
                let (now, changed) = (self.report.began, channel != *kept);
                self.store.transaction(|tx| {
                    if let Contact::Renamed(old) = &contact {
                        untie(tx, old)?;
                    }
                    for hold in tx.holds()?.iter().filter(|hold| hold.channel == name && hold.why == HoldWhy::Account) {
                        tx.release_hold(hold.id, now)?;
                    }
                    if changed { tx.save_channel(&channel) } else { Ok(()) }
                })?;
                self.channels.insert(name, channel);
                Ok(true)
            }
        }
    }

    /// Forgets questions about channels that channels.toml no longer has.
    pub fn drop_old_questions(&mut self) -> Result<(), StoreError> {
        let configured: Vec<ChannelName> = self.engine.lanes.iter().map(|lane| lane.name.clone()).collect();
        let now = self.report.began;
        self.store.transaction(|tx| {
            let gone = |channel: &ChannelName| !configured.contains(channel);
            for hold in tx.holds()?.iter().filter(|hold| hold.why == HoldWhy::Account && gone(&hold.channel)) {
                tx.release_hold(hold.id, now)?;
            }
            Ok(())
        })
    }
}

fn hold(tx: &Tx<'_>, name: &ChannelName, now: jiff::Timestamp, note: &str) -> Result<(), StoreError> {
    let held = tx.holds()?.iter().any(|hold| hold.channel == *name && hold.why == HoldWhy::Account);
    if held { Ok(()) } else { tx.make_hold(name, HoldWhy::Account, now, note, &[]).map(|_| ()) }
}

/// Lets go of the account that a name was tied to.
fn untie(tx: &Tx<'_>, name: &ChannelName) -> Result<(), StoreError> {
    let Some(mut channel) = tx.channel(name)? else { return Ok(()) };
    (channel.identity, channel.label) = (None, None);
    tx.save_channel(&channel)
}

/// Says what is wrong with the account that a channel answers with, and what mends it; nothing where it agrees.
pub(super) fn disagreement(name: &ChannelName, account: &Account, contact: &Contact) -> Option<ChannelError> {
    let Account { identity, label } = account;
    let who = if label == identity { identity.clone() } else { format!("{label} ({identity})") };
    let (message, next) = match contact {
        Contact::First | Contact::Same => return None,
        Contact::Renamed(old) => (
            format!("it is {who}, which was linked under the name {old}"),
            format!(
                "`eys link --rename-channel {old} {name}` takes its links and its history along; if it is to begin anew, `eys sync --release {name}`"
            ),
        ),
        Contact::Twice(other) => (
            format!("it is {who}, and so is {other}: one account must not stand in two blocks"),
            format!("take [channels.{name}] or [channels.{other}] out of channels.toml"),
        ),
        Contact::Changed { from, belongs: Some(other) } => (
            format!("it now answers as {who}, which is the account of {other}; its name was tied to {from}"),
            format!(
                "if the blocks of {name} and {other} were mixed up, put their names or credentials right in channels.toml; nothing is written to it until then"
            ),
        ),
        Contact::Changed { from, belongs: None } => (
            format!("it now answers as {who}, but its name was tied to {from}"),
            format!(
                "if the credentials are of the wrong shop, put them right; if it is the same shop at a new place, `eys sync --release {name}` ties it anew; if it is another shop, give it a block of its own"
            ),
        ),
    };
    let error = ChannelError::new(ErrorKind::Account, Repeat::Never, "checking the account", message);
    Some(error.with_next(next))
}
