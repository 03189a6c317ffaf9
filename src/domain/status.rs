//! The status of a listing: worked out anew from facts each time, the first that fits.

use std::fmt;

use super::facts::{Component, Known, TargetFacts};
use super::listing::ListingState;
use super::offer::find;

/// Where a listing stands, in the order in which it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has no SKU.
    SkuMissing,
    /// Its SKU stands on more than one listing of a side.
    DuplicateSku,
    /// It is on the source, not on this target.
    NotListed,
    /// It is on both sides and not linked.
    NotLinked,
    /// A side's SKU changed since it was linked.
    SkuMismatch,
    /// A rule takes it out.
    Excluded(String),
    /// The switch of its channel, or the master switch, is off.
    SyncOff,
    /// Its source listing is gone.
    SourceGone,
    /// It is not there any more, and not by us.
    Gone,
    /// It is not on sale, in the platform's word, and not by us.
    Ended(String),
    /// A side does not keep count of its stock.
    StockNotManaged(Side),
    /// The platform sells it below zero.
    SellsBelowZero,
    /// The platform refused it, in its words.
    Error(String),
    /// All is well.
    Synced,
}

/// A side of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Source,
    /// The target.
    Target,
}

impl Status {
    /// Tells whether quantities are written to it (T2).
    pub fn takes_quantity(&self) -> bool {
        matches!(self, Self::Synced | Self::SellsBelowZero | Self::Error(_))
    }

    /// Tells whether somebody has to mend something before quantities are written to it again. What the owner decided, by
    /// a rule, a switch, or by taking it off sale, is none; what the platform refused is told apart.
    pub fn needs_mending(&self) -> bool {
        matches!(
            self,
            Self::SkuMissing
                | Self::DuplicateSku
                | Self::SkuMismatch
                | Self::SourceGone
                | Self::Gone
                | Self::StockNotManaged(_)
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkuMissing => f.write_str("sku missing"),
            Self::DuplicateSku => f.write_str("duplicate sku"),
            Self::NotListed => f.write_str("not listed"),
            Self::NotLinked => f.write_str("not linked"),
            Self::SkuMismatch => f.write_str("sku mismatch"),
            Self::Excluded(rule) => write!(f, "excluded (by rule \"{rule}\")"),
            Self::SyncOff => f.write_str("sync off"),
            Self::SourceGone => f.write_str("source gone"),
            Self::Gone => f.write_str("ended (gone)"),
            Self::Ended(word) => write!(f, "ended ({word})"),
            Self::StockNotManaged(Side::Source) => f.write_str("stock not managed (on the source)"),
            Self::StockNotManaged(Side::Target) => f.write_str("stock not managed (on the target)"),
            Self::SellsBelowZero => f.write_str("sells below zero"),
            Self::Error(words) => write!(f, "error: {words}"),
            Self::Synced => f.write_str("listed & synced"),
        }
    }
}

/// Works out the status of a linked target listing. Ties made by hand know no SKU status (T1).
pub fn status(target: &TargetFacts, component: &Component, switched_on: bool, excluded_by: Option<String>) -> Status {
    let known = &target.known;
    if let Some(status) = sku_status(target, component) {
        return status;
    }
    let parts = || target.links.iter().flat_map(|link| &link.recipe).map(|part| find(component, part.source));
    match (&known.listing.state, &known.refusal) {
        _ if target.links.is_empty() => Status::NotLinked,
        _ if excluded_by.is_some() => Status::Excluded(excluded_by.unwrap_or_default()),
        _ if !switched_on => Status::SyncOff,
        _ if parts().any(|source| source.is_none_or(|source| source.known.gone.is_some())) => Status::SourceGone,
        _ if known.gone.is_some() && known.hidden.is_none() => Status::Gone,
        // What we ended is gone as it was to be; what we hid was not.
        _ if known.gone.is_some() && !known.is_gone_by_us() => Status::Ended("gone".to_owned()),
        (ListingState::Off(word), _) if known.hidden.is_none() => Status::Ended(word.clone()),
        _ if parts().flatten().any(|source| !keeps_count(&source.known)) => Status::StockNotManaged(Side::Source),
        _ if !keeps_count(known) => Status::StockNotManaged(Side::Target),
        _ if known.listing.oversells => Status::SellsBelowZero,
        (_, Some(refusal)) => Status::Error(refusal.words.clone()),
        _ => Status::Synced,
    }
}

fn keeps_count(known: &Known) -> bool {
    known.listing.managed && known.listing.unfit.is_none()
}

/// Finds what is wrong with the SKUs of a link that was made by SKU.
fn sku_status(target: &TargetFacts, component: &Component) -> Option<Status> {
    for link in target.links.iter().filter(|link| !link.by_hand) {
        let sku = link.sku.as_ref()?;
        let mut parts = link.recipe.iter().filter_map(|part| find(component, part.source));
        if target.known.duplicate || parts.any(|source| source.known.duplicate) {
            return Some(Status::DuplicateSku);
        }
        if !target.known.listing.skus().any(|own| own == sku) {
            let none = target.known.listing.skus().next().is_none();
            return Some(if none { Status::SkuMissing } else { Status::SkuMismatch });
        }
        let on_source = link.recipe.iter().filter_map(|part| find(component, part.source));
        if on_source.into_iter().any(|source| !source.known.listing.skus().any(|own| own == sku)) {
            return Some(Status::SkuMismatch);
        }
    }
    None
}
