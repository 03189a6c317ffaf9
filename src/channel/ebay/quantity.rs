//! What a number of units means on eBay: its calls tell two things under the one name `Quantity`.
//!
//! `GetItem` and `GetSellerEvents` tell everything that a listing ever had, what was sold of it included; writes, offers
//! and reports tell what a buyer can still buy. Mixing them up offers again what was sold. So each is a type of its own,
//! and the way from one to the other is here and nowhere else (section 3 of eBay's facts).

use crate::domain::{Level, Quantity};

/// Units that a buyer can still buy: what eBay takes in every write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Available(i64);

/// Units that a listing ever had: what can still be bought and all that was sold of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Total(pub i64);

/// Units of a listing that were ever sold, by eBay's counter (`SellingStatus.QuantitySold`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sold(pub i64);

/// What a listing, or a variation of it, holds and has sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stock {
    /// What can still be bought.
    pub available: Available,
    /// What was sold.
    pub sold: Sold,
}

impl Available {
    /// Takes a number that eBay calls available.
    pub fn told(units: i64) -> Self {
        Self(units)
    }

    /// Takes what a listing is to show; eBay knows nothing below zero.
    pub fn to_show(quantity: Quantity) -> Self {
        Self(quantity.units())
    }

    /// Returns the count of units.
    pub fn units(self) -> i64 {
        self.0
    }

    /// Returns it as the level that the rest of the program works with.
    pub fn level(self) -> Level {
        Level(self.0)
    }

    /// Tells whether nothing can be bought.
    pub fn is_none(self) -> bool {
        self.0 <= 0
    }
}

impl Stock {
    /// Takes a total, less what was sold of it.
    pub fn of_total(total: Total, sold: Sold) -> Self {
        Self { available: Available(total.0.saturating_sub(sold.0)), sold }
    }

    /// Takes what is available, with the total beside it: what lies between was sold.
    pub fn of_available(available: Available, total: Total) -> Self {
        Self { available, sold: Sold(total.0.saturating_sub(available.0)) }
    }
}

impl Sold {
    /// Returns what was sold since the counter stood there, less what came back: where eBay puts the units of a cancelled
    /// purchase back, it may count them out again.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves P1 for eBay: what was sold is not offered again.
    #[test]
    fn a_total_is_not_what_can_be_bought() {
        let stock = Stock::of_total(Total(12), Sold(9));
        assert_eq!((stock.available.units(), stock.sold), (3, Sold(9)));
        let same = Stock::of_available(Available::told(3), Total(12));
        assert_eq!(stock, same);
        assert_eq!(Stock::of_total(Total(i64::MIN), Sold(i64::MAX)).available.units(), i64::MIN);
        assert_eq!((Sold(9).since(Sold(7)), Sold(7).since(Sold(9))), (2, -2));
    }
}
