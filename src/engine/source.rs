//! A source that changed (I3): another channel counts from now on.
//!
//! What was sold before is owed to the old source, and no recipe leads from it to the new one. So the change is refused
//! while anything is owed or open; then all links are closed, and every channel stands behind its first push again.

use jiff::Timestamp;

use super::EngineError;
use super::cycle::Cycle;
use super::lane::Lane;
use super::report::Trouble;
use super::standing::{held_lines, intents, owing_lines};
use crate::domain::channel::{ChannelState, former_source};
use crate::domain::{ChannelName, Role};
use crate::store::{Store, StoreError};

/// A change of the source that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The channel that was the source.
    pub former: ChannelName,
    /// The one that is it now.
    pub source: ChannelName,
    /// Links that were closed.
    pub closed: usize,
}

/// Carries out a change of the source, if channels.toml names another one than the state knows.
///
/// # Errors
/// [`EngineError::SourceOwed`] while anything is owed to the former source, or open there.
pub async fn change(lanes: &[Lane], store: &mut Store, now: Timestamp) -> Result<Option<Changed>, EngineError> {
    let Some((former, source, open)) = wanted(lanes, store).await? else { return Ok(None) };
    if !open.is_empty() {
        return Err(EngineError::SourceOwed { former, new: source, open: open.join("; ") });
    }
    let closed = store.transaction(|tx| tx.change_source(&former, &source, now))?;
    Ok(Some(Changed { former, source, closed }))
}

/// Tells of a change of the source that channels.toml wants and that is refused for now.
pub(super) async fn refused(lanes: &[Lane], store: &Store) -> Result<Option<Trouble>, StoreError> {
    let Some((former, new, open)) = wanted(lanes, store).await? else { return Ok(None) };
    if open.is_empty() {
        return Ok(None);
    }
    Ok(Some(owed(former, new, &open)))
}

/// The same as the state alone can tell it: where both channels stand in channels.toml.
pub fn refused_offline(
    store: &Store,
    source: &ChannelName,
    channels: &[ChannelName],
) -> Result<Option<Trouble>, StoreError> {
    let kept = store.read(|tx| tx.channels())?;
    let former = former_source(source, &kept).filter(|former| channels.contains(&former.name));
    let Some(former) = former else { return Ok(None) };
    let open = still_open(store, &kept, channels)?;
    Ok((!open.is_empty()).then(|| owed(former.name.clone(), source.clone(), &open)))
}

fn owed(former: ChannelName, new: ChannelName, open: &[String]) -> Trouble {
    let (channel, next) = (Some(new.clone()), Some(how_to_change(&former)));
    let message = EngineError::SourceOwed { former, new, open: open.join("; ") }.to_string();
    Trouble { code: "source-owed", channel, listing: None, message, next, waits_for_owner: false }
}

/// Tells how a change of the source that is refused comes about.
pub fn how_to_change(former: &ChannelName) -> String {
    format!("give {former} `role = \"source\"` again and run `eys sync` until nothing is owed or waits; then change it")
}

/// Returns the source that was, the one that channels.toml wants in its place, and what is still owed or open at the first;
/// `None` where no other one is wanted.
async fn wanted(lanes: &[Lane], store: &Store) -> Result<Option<(ChannelName, ChannelName, Vec<String>)>, StoreError> {
    let Some(source) = lanes.iter().find(|lane| lane.role == Role::Source) else { return Ok(None) };
    let kept = store.read(|tx| tx.channels())?;
    let Some(former) = former_source(&source.name, &kept) else { return Ok(None) };
    if !lanes.iter().any(|lane| lane.name == former.name) && was_renamed(source, former).await {
        return Ok(None);
    }
    let names: Vec<ChannelName> = lanes.iter().map(|lane| lane.name.clone()).collect();
    let open = still_open(store, &kept, &names)?;
    Ok(Some((former.name.clone(), source.name.clone(), open)))
}

/// Tells whether the source only got another name. Who cannot be asked is not taken for another one: nothing is written
/// to a source that does not say who it is.
async fn was_renamed(source: &Lane, former: &ChannelState) -> bool {
    let account = source.channel.account().await;
    account.map_or(true, |account| former.identity.as_ref().is_none_or(|known| *known == account.identity))
}

/// Says what is still owed or open, and which channels have not been read to their end.
fn still_open(store: &Store, kept: &[ChannelState], channels: &[ChannelName]) -> Result<Vec<String>, StoreError> {
    let mut troubles = held_lines(&store.read(|tx| tx.held_lines(None))?);
    troubles.extend(owing_lines(store)?);
    troubles.extend(intents(store)?);
    let words = |trouble: &Trouble| {
        let about = trouble.channel.iter().map(ToString::to_string).chain(trouble.listing.clone());
        format!("{}: {}", about.collect::<Vec<_>>().join(", "), trouble.message)
    };
    let mut open: Vec<String> = troubles.iter().map(words).collect();
    let unread = kept.iter().filter(|channel| channel.trouble.is_some());
    let unread = unread.filter(|channel| channels.contains(&channel.name));
    open.extend(unread.map(|channel| format!("{} could not be read in the last run", channel.name)));
    Ok(open)
}

impl Cycle<'_> {
    /// Tells of a change of the source.
    pub fn report_change(&mut self, changed: Option<Changed>) {
        let Some(Changed { former, source, closed }) = changed.filter(|changed| changed.closed > 0) else { return };
        let links = if closed == 1 { "its link is".to_owned() } else { format!("all {closed} links are") };
        self.trouble(Trouble {
            code: "source-changed",
            channel: Some(source),
            listing: None,
            message: format!(
                "it is the source now, in place of {former}: {links} closed, and each channel waits for its first push again"
            ),
            next: Some("`eys link` ties the listings to the new source".to_owned()),
            waits_for_owner: false,
        });
    }
}
