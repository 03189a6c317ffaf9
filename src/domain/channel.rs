//! What is kept of a channel between runs, and what the account that it answers with means (I1).

use jiff::Timestamp;

use super::listing::{ChannelName, Role};

/// A channel as the state knows it. Times are by the channel's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// Its name.
    pub name: ChannelName,
    /// Its kind.
    pub kind: String,
    /// What it is for.
    pub role: Role,
    /// The account that its name is tied to (I1).
    pub identity: Option<String>,
    /// What the owner knows that account by.
    pub label: Option<String>,
    /// Up to when its orders are read.
    pub orders_since: Option<Timestamp>,
    /// When its orders were last read far back.
    pub orders_deep: Option<Timestamp>,
    /// Up to when its changed quantities are read.
    pub levels_since: Option<Timestamp>,
    /// When it was first read completely; what is older and unknown does not count (W7).
    pub first_read: Option<Timestamp>,
    /// When its last complete scan began.
    pub scanned: Option<Timestamp>,
    /// When it last took part in a run without any failure.
    pub complete: Option<Timestamp>,
    /// What tells the rules of its last plan from others.
    pub rules_print: Option<String>,
    /// Whether the owner ever let quantities be pushed to it (H1).
    pub pushed_ever: bool,
    /// What is wrong with it.
    pub trouble: Option<String>,
    /// Since when.
    pub trouble_since: Option<Timestamp>,
}

impl ChannelState {
    /// Makes the state of a channel that was never used.
    pub fn new(name: &ChannelName, kind: &str, role: Role) -> Self {
        Self {
            name: name.clone(),
            kind: kind.to_owned(),
            role,
            identity: None,
            label: None,
            orders_since: None,
            orders_deep: None,
            levels_since: None,
            first_read: None,
            scanned: None,
            complete: None,
            rules_print: None,
            pushed_ever: false,
            trouble: None,
            trouble_since: None,
        }
    }
}

/// What the account that a channel answers with means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// It is the channel's first.
    First,
    /// It is the one that the channel's name is tied to.
    Same,
    /// It is tied to a name that channels.toml no longer has: the block was renamed.
    Renamed(ChannelName),
    /// Another block of channels.toml is tied to it.
    Twice(ChannelName),
    /// The channel's name is tied to another one.
    Changed {
        /// The account that it is tied to.
        from: String,
        /// The name that the new one is tied to.
        belongs: Option<ChannelName>,
    },
}

/// Tells what the account that a channel answers with means. `kept` is what is known of all channels, `configured` are the
/// names in channels.toml.
pub fn contact(name: &ChannelName, identity: &str, kept: &[ChannelState], configured: &[ChannelName]) -> Contact {
    let own = kept.iter().find(|channel| channel.name == *name).and_then(|channel| channel.identity.as_deref());
    let tied = |channel: &&ChannelState| channel.name != *name && channel.identity.as_deref() == Some(identity);
    let other = kept.iter().find(tied).map(|channel| channel.name.clone());
    match (own, other) {
        (Some(own), _) if own == identity => Contact::Same,
        (Some(own), belongs) => Contact::Changed { from: own.to_owned(), belongs },
        (None, None) => Contact::First,
        (None, Some(other)) if configured.contains(&other) => Contact::Twice(other),
        (None, Some(other)) => Contact::Renamed(other),
    }
}

/// Returns the channel that was the source, where another one is to be it now (I3).
pub fn former_source<'a>(source: &ChannelName, kept: &'a [ChannelState]) -> Option<&'a ChannelState> {
    kept.iter().find(|channel| channel.role == Role::Source && channel.name != *source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ChannelName {
        ChannelName::new(text).unwrap()
    }

    fn kept(text: &str, identity: Option<&str>) -> ChannelState {
        ChannelState { identity: identity.map(str::to_owned), ..ChannelState::new(&name(text), "csv", Role::Target) }
    }

    // proves I1: an account is known by whom it is tied to, and by who is still there.
    #[test]
    fn an_account_tells_what_became_of_a_block() {
        let all = [kept("a", Some("A")), kept("b", Some("B")), kept("new", None)];
        let configured = [name("a"), name("new")];
        let told = |channel: &str, identity: &str| contact(&name(channel), identity, &all, &configured);
        let changed =
            |from: &str, belongs: Option<&str>| Contact::Changed { from: from.to_owned(), belongs: belongs.map(name) };
        assert_eq!(told("a", "A"), Contact::Same);
        assert_eq!(told("new", "C"), Contact::First);
        assert_eq!(told("new", "B"), Contact::Renamed(name("b")));
        assert_eq!(told("new", "A"), Contact::Twice(name("a")));
        assert_eq!(told("a", "B"), changed("A", Some("b")));
        assert_eq!(told("a", "C"), changed("A", None));
    }
}
