//! The plan: for every link, what is to be done about its listing now, and why.
//!
//! Pure (Y5): no clock, no network, no database. A plan is made for one component at a time, so a cycle costs what
//! changed and not what exists.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capability::{Capability, Revisions, ZeroKept};
use super::facts::{Changes, Component, ListingId, Shown, TargetFacts};
use super::hold::HoldId;
use super::intent::{Act, IntentState};
use super::listing::ChannelName;
use super::movement::MovementId;
use super::offer::{Offer, find, held_offer, offer};
use super::policy::{SourceGone, ZeroStock};
use super::rule::Rule;
use super::status::{Status, status};
use super::stock::{Level, Quantity};
use crate::safeguard::{Safeguard, stands};

/// What the planner needs to know of a channel.
#[derive(Clone, Debug)]
pub struct ChannelFacts {
    /// What it can do.
    pub capability: Capability,
    /// Whether pushes to it are switched on, by its own switch and by the master switch.
    pub switched_on: bool,
    /// What happens at zero.
    pub zero_stock: ZeroStock,
    /// What happens when the source listing is gone.
    pub source_gone: SourceGone,
    /// The time by its own clock.
    pub now: Timestamp,
    /// Whether its platform keeps a listing at 0 just as it is now: as its capability says, or as its switch stands.
    pub zero: Zero,
    /// Until when nothing is raised on it, because its platform's quota of calls runs low (Y4).
    pub raises_wait: Option<Timestamp>,
}

/// What can be done with a listing that is to show 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    /// Write 0.
    Written,
    /// Take it out of sight: the platform knows no 0 (Z2).
    Hidden,
    /// Nothing but ending it, where the owner wants that: 0 would destroy it (Z3).
    Destroys,
}

impl Zero {
    /// What a platform does by itself, as long as nobody looked at its switch.
    pub fn of(capability: &Capability) -> Self {
        match capability.zero {
            ZeroKept::Always | ZeroKept::IfSwitchedOn => Self::Written,
            ZeroKept::Never => Self::Hidden,
        }
    }
}

/// Everything outside a component that its plan depends on.
#[derive(Clone, Debug)]
pub struct World<'a> {
    /// The rules, in the order of the file.
    pub rules: &'a [Rule],
    /// The targets.
    pub channels: &'a BTreeMap<ChannelName, ChannelFacts>,
    /// Whether the source was read completely and just now; if not, nothing is raised (O4).
    pub source_fresh: bool,
}

/// What is to be done about one target listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The listing.
    pub target: ListingId,
    /// Its channel.
    pub channel: ChannelName,
    /// Its status.
    pub status: Status,
    /// What it is offered, if that can be said.
    pub offer: Option<Offer>,
    /// What it shows.
    pub shown: Shown,
    /// What is to be done.
    pub action: Action,
    /// What moved it.
    pub cause: Cause,
    /// What happens to it at zero.
    pub zero_stock: ZeroStock,
}

/// What is to be done about a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it shows what it is offered, or its status lets nothing be written.
    Nothing,
    /// Write a quantity.
    Push {
        /// What it is to show.
        quantity: Quantity,
        /// Whether that is surely no more than it may show now.
        lowering: bool,
    },
    /// Read it by its key first: what it shows is not known.
    Look,
    /// Wait: raising it is not safe now.
    Wait(Doubt),
    /// It stands under a hold, and shows no more than the hold allows.
    Held(HoldId),
    /// Take it out of sight: its offer is zero and the owner wants that.
    Hide,
    /// Show it again: we hid it, and it has stock.
    Show,
}

/// Why a listing does not show what it is offered for now (P1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The source could not be read completely just now (O4).
    SourceNotRead,
    /// A deduction on its source listing is not confirmed yet.
    OpenIntent,
    /// Nobody can tell whether a deduction on its source listing happened.
    InDoubt,
    /// The platform's quota of calls runs low; what is left is for orders and lowerings (Y4).
    QuotaSpent {
        /// When it is full again.
        until: Timestamp,
    },
    /// The switch of the account is off without which a listing at 0 is ended, or loses a variation (Z3).
    ZeroDestroys,
    /// The platform takes only so many changes of a listing a day; what is left is for lowerings, if anything is (H4).
    RevisionsSpent {
        /// Not even a lowering goes out.
        lowering: bool,
        /// How many were made within a day.
        made: i64,
        /// When the oldest of them counts no more.
        until: Timestamp,
    },
    /// The owner narrowed the run to other listings (U2).
    LeftOut {
        /// It shows more than it is offered.
        lowering: bool,
    },
    /// The platform refused it lately; it is tried again later, or when something changes (F5).
    RefusedLately,
}

impl Doubt {
    /// Tells whether it is kept for those who ask why a listing does not show what it is offered: what the platform refuses
    /// is told apart.
    pub fn is_kept(self) -> bool {
        self != Self::RefusedLately
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceNotRead => "the source could not be read just now, so nothing is raised",
            Self::OpenIntent => "a deduction on the source is not confirmed yet, so nothing is raised",
            Self::InDoubt => "nobody can tell whether a deduction on the source happened, so nothing is raised",
            Self::LeftOut { .. } => "a run that was narrowed to other listings left it out",
            Self::ZeroDestroys => "the platform would end it at 0, since its out-of-stock control is off",
            Self::RefusedLately => "the platform refused this quantity lately; it is tried again later",
            Self::RevisionsSpent { made, until, .. } => {
                return write!(
                    f,
                    "it was changed {made} times within a day, and the platform counts; it waits until {until:.0}"
                );
            }
            Self::QuotaSpent { until } => {
                return write!(f, "the platform's quota of calls runs low, so nothing is raised until {until:.0}");
            }
        })
    }
}

/// What moved a listing's quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It was never written to before, and never showed what it was offered.
    First,
    /// Its source listing is gone.
    SourceGone,
    /// The rules changed, or what it is made of, or the locations that count.
    Rules,
    /// The owner, or another program, changed the source.
    OwnersChange,
    /// Sales, cancellations, or a number on the target that is not ours.
    Sale,
    /// The owner undoes a run that wrote to it (U1).
    Undone,
}

/// Plans a component: one decision for each of its targets, in their order.
pub fn plan(component: &Component, world: &World<'_>) -> Vec<Decision> {
    component.targets.iter().filter_map(|target| decide(target, component, world)).collect()
}

fn decide(target: &TargetFacts, component: &Component, world: &World<'_>) -> Option<Decision> {
    let channel = world.channels.get(&target.known.at.channel)?;
    let offer = offer(target, component, world.rules, &channel.capability, channel.now);
    let excluded = offer.as_ref().and_then(|offer| offer.excluded_by.clone());
    let status = status(target, component, channel.switched_on, excluded);
    let offer = offer.map(|offer| if status == Status::SourceGone { without_source(offer, channel) } else { offer });
    let zero_stock = match offer.as_ref().and_then(|offer| offer.zero_stock).unwrap_or(channel.zero_stock) {
        // The others of its item would be gone with it.
        ZeroStock::End if channel.capability.ended_is_gone && target.known.listing.item.is_some() => ZeroStock::Keep,
        zero_stock => zero_stock,
    };
    let action = match act(target, component, world, channel, &status, offer.as_ref(), zero_stock) {
        Action::Push { quantity: Quantity::ZERO, .. }
            if channel.zero != Zero::Written && !one_of_several(target, channel) =>
        {
            match without_zero(target, channel.zero, zero_stock) {
                Action::Hide => unless_refused(target, channel, Action::Hide),
                action => action,
            }
        }
        Action::Push { quantity, lowering } => changed_too_often(target, world, lowering, |revisions| revisions.most)
            .map_or(Action::Push { quantity, lowering }, Action::Wait),
        action => action,
    };
    let offer = match held(target, component) {
        Some((hold, _)) => offer.map(|offer| in_spite_of(hold, offer, &action)),
        None => offer,
    };
    Some(Decision {
        target: target.known.id,
        channel: target.known.at.channel.clone(),
        status,
        shown: target.known.shown,
        action,
        cause: cause(target, component),
        offer,
        zero_stock,
    })
}

/// Says in an offer what becomes of it where a listing of the source that it is made of is gone (Z5).
fn without_source(mut offer: Offer, channel: &ChannelFacts) -> Offer {
    match channel.source_gone {
        SourceGone::Keep => offer.trail.push("a listing of it on the source is gone; it stays as it is".to_owned()),
        SourceGone::Zero | SourceGone::Hide => {
            offer.trail.push("a listing of it on the source is gone → 0".to_owned());
            offer.quantity = Quantity::ZERO;
        }
    }
    offer
}

/// Says in an offer what goes out in spite of a hold: known sales alone (P1).
fn in_spite_of(hold: HoldId, mut offer: Offer, action: &Action) -> Offer {
    if let Action::Push { quantity, .. } = action {
        offer.trail.push(format!("held ({hold}), and what was sold is taken off → {quantity}"));
    }
    offer
}

fn act(
    target: &TargetFacts,
    component: &Component,
    world: &World<'_>,
    channel: &ChannelFacts,
    status: &Status,
    offer: Option<&Offer>,
    zero_stock: ZeroStock,
) -> Action {
    let wanted = match (status, channel.source_gone) {
        (Status::SourceGone, SourceGone::Keep) => return Action::Nothing,
        (Status::SourceGone, SourceGone::Zero | SourceGone::Hide) => Some(Quantity::ZERO),
        _ if !status.takes_quantity() => return Action::Nothing,
        _ => offer.map(|offer| offer.quantity),
    };
    let Some(wanted) = wanted else { return Action::Nothing };
    if target.known.is_gone_by_us() {
        return bring_back(target, component, world, channel, wanted);
    }
    if let Some((hold, quantity)) = held(target, component) {
        return under_hold(target, hold, quantity);
    }
    let hides =
        zero_stock != ZeroStock::Keep || (*status == Status::SourceGone && channel.source_gone == SourceGone::Hide);
    match quantity_action(target, component, world, wanted) {
        // One of several of an item is at 0 while another is on sale: the item goes out of sight with its last one (Z2).
        Action::Nothing if one_of_several(target, channel) => Action::Nothing,
        Action::Nothing if wanted == Quantity::ZERO && hides && target.known.hidden.is_none() => {
            unless_refused(target, channel, Action::Hide)
        }
        Action::Nothing if Quantity::ZERO < wanted && target.known.hidden.is_some() => {
            unless_refused(target, channel, Action::Show)
        }
        action => action,
    }
}

/// Decides about a listing that we ended, and that is gone since. There is no number to read or to write; it comes back
/// with its first unit, which is a raise (Z1, P1).
fn bring_back(
    target: &TargetFacts,
    component: &Component,
    world: &World<'_>,
    channel: &ChannelFacts,
    wanted: Quantity,
) -> Action {
    if wanted == Quantity::ZERO {
        return Action::Nothing;
    }
    match (held(target, component), doubt(target, component, world)) {
        (Some((hold, _)), _) => Action::Held(hold),
        (None, Some(doubt)) => Action::Wait(doubt),
        (None, None) => unless_refused(target, channel, Action::Show),
    }
}

/// Tells whether a listing is one of several of its item, which may stand at 0 as long as another does not: whether one
/// does, only the platform knows at the moment of the write (Z2).
fn one_of_several(target: &TargetFacts, channel: &ChannelFacts) -> bool {
    channel.zero == Zero::Hidden && target.known.listing.item.is_some() && target.known.hidden.is_none()
}

/// Decides what is done in place of writing 0, where the platform does not keep it.
fn without_zero(target: &TargetFacts, zero: Zero, zero_stock: ZeroStock) -> Action {
    match zero {
        _ if target.known.hidden.is_some() => Action::Nothing,
        Zero::Destroys if zero_stock != ZeroStock::End => Action::Wait(Doubt::ZeroDestroys),
        Zero::Written | Zero::Hidden | Zero::Destroys => Action::Hide,
    }
}

/// Decides about the quantity alone: lowerings always go, raises only without any doubt (P1).
fn quantity_action(target: &TargetFacts, component: &Component, world: &World<'_>, wanted: Quantity) -> Action {
    let wanted_level = wanted.as_level();
    let lowering = target.known.shown.most().is_some_and(|most| wanted_level < most);
    match target.known.shown {
        Shown::Exactly(level) if level == wanted_level => Action::Nothing,
        _ if refused_lately(target, world, wanted) => Action::Wait(Doubt::RefusedLately),
        _ if lowering => Action::Push { quantity: wanted, lowering },
        Shown::AtMost { .. } | Shown::AtLeast(_) | Shown::Unknown => Action::Look,
        Shown::Exactly(_) => match doubt(target, component, world) {
            Some(doubt) => Action::Wait(doubt),
            None => Action::Push { quantity: wanted, lowering },
        },
    }
}

/// Decides about a listing that stands under a hold: known sales are taken off, and it never shows more than it does.
/// What it shows must be known for that: the frozen quantity may be far more than can be delivered now.
fn under_hold(target: &TargetFacts, hold: HoldId, quantity: Quantity) -> Action {
    match target.known.shown {
        Shown::Exactly(level) if quantity.as_level() < level => Action::Push { quantity, lowering: true },
        Shown::AtMost { most, .. } if quantity.as_level() < most => Action::Look,
        _ => Action::Held(hold),
    }
}

/// Returns the lowest quantity that the holds on a listing allow, and the hold that says so.
fn held(target: &TargetFacts, component: &Component) -> Option<(HoldId, Quantity)> {
    let quantities = target.held.iter().map(|(hold, frozen)| (*hold, held_offer(frozen, component)));
    quantities.min_by_key(|(hold, quantity)| (*quantity, *hold))
}

/// Tells whether a listing was changed as often as its platform lets it be within a day (H4).
fn changed_too_often(
    target: &TargetFacts,
    world: &World<'_>,
    lowering: bool,
    most: impl Fn(Revisions) -> i64,
) -> Option<Doubt> {
    let revisions = world.channels.get(&target.known.at.channel)?.capability.revisions?;
    let Changes { made, frees } = target.changed;
    frees.filter(|_| most(revisions) <= made).map(|until| Doubt::RevisionsSpent { lowering, made, until })
}

/// Lets a hiding or a showing wait that was refused lately. The number that goes with it is written already (F5).
fn unless_refused(target: &TargetFacts, channel: &ChannelFacts, action: Action) -> Action {
    let refusal = target.known.refusal.as_ref().filter(|refusal| refusal.showing && channel.now < refusal.next);
    if refusal.is_some() { Action::Wait(Doubt::RefusedLately) } else { action }
}

fn refused_lately(target: &TargetFacts, world: &World<'_>, wanted: Quantity) -> bool {
    let now = world.channels.get(&target.known.at.channel).map(|channel| channel.now);
    let refusal = target.known.refusal.as_ref().filter(|refusal| !refusal.showing);
    refusal.is_some_and(|refusal| refusal.quantity == wanted && now.is_some_and(|now| now < refusal.next))
}

/// Finds the reason for which nothing may be raised, if there is one.
pub(super) fn doubt(target: &TargetFacts, component: &Component, world: &World<'_>) -> Option<Doubt> {
    if !stands(Safeguard::DoubtNeverRaises) {
        return None;
    }
    let states = target
        .links
        .iter()
        .flat_map(|link| &link.recipe)
        .filter_map(|part| find(component, part.source))
        .flat_map(|source| &source.intents)
        .filter(|intent| matches!(intent.act, Act::Adjust { .. }))
        .map(|intent| intent.state);
    let in_doubt = states.filter_map(|state| match state {
        IntentState::InDoubt => Some(Doubt::InDoubt),
        IntentState::Open => Some(Doubt::OpenIntent),
        IntentState::Applied | IntentState::NotApplied => None,
    });
    let waits = world.channels.get(&target.known.at.channel).and_then(|channel| channel.raises_wait);
    in_doubt
        .max()
        .or((!world.source_fresh).then_some(Doubt::SourceNotRead))
        .or(waits.map(|until| Doubt::QuotaSpent { until }))
        .or_else(|| changed_too_often(target, world, false, |revisions| revisions.for_raises))
}

fn cause(target: &TargetFacts, component: &Component) -> Cause {
    // Under a hold nothing but known sales moves it (P1).
    if !target.held.is_empty() {
        return Cause::Sale;
    }
    let Some(right) = target.known.pushed.map(|pushed| pushed.movement).max(target.known.fitted) else {
        return Cause::First;
    };
    let parts = || target.links.iter().flat_map(|link| &link.recipe).filter_map(|part| find(component, part.source));
    let changed: Option<MovementId> = parts().filter_map(|source| source.known.owners_change).max();
    if parts().any(|source| source.known.gone.is_some()) {
        Cause::SourceGone
    } else if target.known.ruled_anew {
        Cause::Rules
    } else if changed > Some(right) {
        Cause::OwnersChange
    } else {
        Cause::Sale
    }
}

/// Returns the most that a listing may show, for sorting and counting.
pub fn most_shown(shown: Shown) -> Level {
    shown.most().unwrap_or(Level(i64::MAX))
}

/// Puts pushes in the order in which they go out (Y6): lowerings first, the smallest quantity first, since that is what
/// sells out soonest; then raises.
pub fn push_order(decision: &Decision) -> (bool, Level, ListingId) {
    let raise = !matches!(decision.action, Action::Push { lowering: true, .. });
    (raise, most_shown(decision.shown), decision.target)
}
