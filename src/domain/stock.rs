//! The numbers and names of stock.
//!
//! A level, a quantity and a delta are all counts of units, and mixing them up is how stock tools sell things
//! twice. Each is its own type here: a *level* is what a platform says (it may be negative), a *quantity* is what we
//! offer (it may not), a *delta* is a change. Arithmetic saturates; no input can make it panic.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A stock keeping unit, as the merchant wrote it, without the white space around it.
///
/// Two SKUs are the same if they are equal byte for byte; [`Sku::likeness`] finds those that only look alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sku(String);

impl Sku {
    /// Takes the text of a SKU; blank text is no SKU.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what is left of the SKU without case, blanks, `-`, `_` and `.`: two SKUs with the same likeness are a
    /// near match, which is proposed to the owner and never taken for granted.
    pub fn likeness(&self) -> String {
        self.0
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '.'))
            .flat_map(char::to_lowercase)
            .collect()
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Units that a listing holds, as its platform says; negative where it sold more than it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub i64);

impl Level {
    /// Returns the level after a change.
    #[must_use]
    pub fn after(self, delta: Delta) -> Self {
        Self(self.0.saturating_add(delta.0))
    }

    /// Returns the change that leads from `earlier` to this level.
    pub fn since(self, earlier: Self) -> Delta {
        Delta(self.0.saturating_sub(earlier.0))
    }

    /// Returns the units that can be offered: nothing below zero.
    pub fn offerable(self) -> Quantity {
        Quantity::at_least_zero(self.0)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Units that a target listing is to show: never below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(i64);

impl Quantity {
    /// No units.
    pub const ZERO: Self = Self(0);

    /// Takes a count of units; what is below zero becomes zero.
    pub fn at_least_zero(units: i64) -> Self {
        Self(units.max(0))
    }

    /// Returns the count of units.
    pub fn units(self) -> i64 {
        self.0
    }

    /// Returns this quantity less some units, never below zero.
    #[must_use]
    pub fn less(self, units: i64) -> Self {
        Self::at_least_zero(self.0.saturating_sub(units))
    }

    /// Returns the quantity as the level that a platform shows once it has taken it.
    pub fn as_level(self) -> Level {
        Level(self.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A change of a level: below zero takes units off, above zero gives them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delta(pub i64);

impl Delta {
    /// Tells whether nothing changes.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+}", self.0)
    }
}

/// A price in hundredths of the shop's currency; rules compare it, nothing else uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(pub i64);
