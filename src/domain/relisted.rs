//! Relisted goods: a listing that is gone, and stands on its channel again under a new id with the same SKU (L2).
//!
//! Whether the new listing is the old one is the owner's to say; the platform only says that one went and one came. Until
//! then a sale on the new one is tied to the link of the old, since that alone bears its SKU (Y2), and waits.

use super::facts::Known;
use super::listing::Listing;
use super::order::LineFact;
use super::stock::Sku;

/// Tells whether a line that was tied by its SKU may have been sold on another listing than the `linked` one, which may
/// be gone. `bearing` are the known listings with that SKU; `scan` are all of the channel, where they were just read.
///
/// An order that names the listings it was sold from says it itself. One that names none, as in a list of orders by SKU,
/// is doubtful only where the linked listing is not there and another one has its SKU.
pub fn sold_elsewhere(
    fact: &LineFact,
    sku: Option<&Sku>,
    linked: &Known,
    bearing: &[Known],
    scan: Option<&[Listing]>,
) -> bool {
    if fact.listings.contains(&linked.at.key) {
        return false;
    }
    let is_missing = match scan {
        Some(scan) if scan.iter().any(|listing| listing.key == linked.at.key) => return false,
        Some(_) => true,
        None => linked.gone.is_some(),
    };
    if !fact.listings.is_empty() {
        return true;
    }
    let bears = |listing: &Listing| sku.is_some_and(|sku| listing.skus().any(|own| own == sku));
    let is_twin = |known: &Known| known.id != linked.id && known.at.channel == linked.at.channel;
    let stands_again = match scan {
        Some(scan) => scan.iter().any(bears),
        None => bearing.iter().any(|known| is_twin(known) && known.gone.is_none() && bears(&known.listing)),
    };
    is_missing && stands_again
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::laws::known;
    use crate::domain::{LineKey, ListingKey, Shown};

    fn fact(listings: &[&str]) -> LineFact {
        LineFact {
            key: LineKey("L1".to_owned()),
            listings: listings.iter().map(ListingKey::new).collect(),
            sku: Sku::new("SKU-1"),
            taken: 1,
            cancelled: 0,
            shipped: false,
            out_of_stock: false,
        }
    }

    /// The linked listing, `k1`, which is gone, or as far as anybody knows there.
    fn linked(gone: bool) -> Known {
        Known { gone: gone.then_some(Timestamp::UNIX_EPOCH), ..known(1, "web", None, Shown::Unknown) }
    }

    /// Another listing with its SKU.
    fn twin(channel: &str) -> Known {
        let mut twin = known(2, channel, None, Shown::Unknown);
        twin.listing.goods = linked(false).listing.goods;
        twin
    }

    fn elsewhere(fact: &LineFact, linked: &Known, bearing: &[Known], scan: Option<&[Listing]>) -> bool {
        sold_elsewhere(fact, Sku::new("SKU-1").as_ref(), linked, bearing, scan)
    }

    // proves L2, P5: an order that names another listing is doubtful until the linked one is known to be there.
    #[test]
    fn an_order_says_from_which_listing_it_is() {
        let (there, gone, twin) = (linked(false), linked(true), twin("web"));
        for linked in [&there, &gone] {
            assert!(elsewhere(&fact(&["k2"]), linked, &[], None), "whether it is gone is to be looked up");
            assert!(elsewhere(&fact(&["k2"]), linked, &[], Some(std::slice::from_ref(&twin.listing))));
            let both = [linked.listing.clone(), twin.listing.clone()];
            assert!(!elsewhere(&fact(&["k2"]), linked, &[], Some(&both)), "it was just seen");
            assert!(!elsewhere(&fact(&["k3", "k1"]), linked, &[], None), "it is named itself");
        }
    }

    // proves L2: an order by SKU is doubtful only where the linked listing is missing and another one has its SKU.
    #[test]
    fn an_order_by_sku_is_doubtful_where_another_listing_has_it() {
        let (there, gone, twin) = (linked(false), linked(true), twin("web"));
        let bearing = [gone.clone(), twin.clone()];
        assert!(elsewhere(&fact(&[]), &gone, &bearing, None));
        assert!(!elsewhere(&fact(&[]), &gone, &bearing[..1], None), "nothing was put up anew");
        let gone_too = Known { gone: gone.gone, ..twin.clone() };
        assert!(!elsewhere(&fact(&[]), &gone, &[gone.clone(), gone_too], None));
        assert!(!elsewhere(&fact(&[]), &gone, &[gone.clone(), self::twin("fair")], None), "another channel's");
        assert!(!elsewhere(&fact(&[]), &there, &bearing, None), "nothing says that it is missing");
        assert!(elsewhere(&fact(&[]), &there, &[], Some(std::slice::from_ref(&twin.listing))));
        assert!(!elsewhere(&fact(&[]), &there, &[], Some(&[])));
    }
}
