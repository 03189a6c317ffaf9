//! What a quantity group is called: `LISTING` where the quantity of a listing varies by nothing, else
//! `LISTING/PROPERTY=VALUE`, with all properties by which it varies, joined by `,`.
//!
//! Only ids that last are in it. Those of products and offerings do not: each write may make new ones (section 5).

use std::fmt;

use crate::domain::ListingKey;

/// The holder of a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// The listing's id.
    pub listing: i64,
    /// The name of its group; empty where there is one group for the whole listing.
    pub group: String,
}

impl Key {
    /// Makes a key.
    pub fn new(listing: i64, group: impl Into<String>) -> Self {
        Self { listing, group: group.into() }
    }

    /// Reads a key; `None` where it is none of Etsy's.
    pub fn parse(key: &ListingKey) -> Option<Self> {
        let (listing, group) = match key.as_str().split_once('/') {
            Some((_, "")) => return None,
            Some((listing, group)) => (listing, group),
            None => (key.as_str(), ""),
        };
        let plain = listing.bytes().all(|byte| byte.is_ascii_digit());
        let listing = listing.parse().ok().filter(|listing| plain && 0 < *listing)?;
        Some(Self::new(listing, group))
    }

    /// Returns it as the rest of the program knows it.
    pub fn listing_key(&self) -> ListingKey {
        ListingKey::new(self.to_string())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group.as_str() {
            "" => write!(f, "{}", self.listing),
            group => write!(f, "{}/{group}", self.listing),
        }
    }
}

/// Makes the name of a group of the values in which its products are equal: each a property with the ids of its value.
/// A value without ids is named by its text.
pub(super) fn group<'a>(values: impl IntoIterator<Item = (i64, &'a [i64], &'a str)>) -> String {
    let mut parts: Vec<(i64, String)> = values
        .into_iter()
        .map(|(property, ids, text)| {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            (property, if ids.is_empty() { format!("'{text}'") } else { ids.join("+") })
        })
        .collect();
    parts.sort();
    parts.iter().map(|(property, value)| format!("{property}={value}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_where_the_number_is() {
        let parse = |text: &str| Key::parse(&ListingKey::new(text));
        assert_eq!(parse("1700000001"), Some(Key::new(1_700_000_001, "")));
        for group in ["100=5001", "100=5001,513=7+8", "513='Größe 5/6'"] {
            let key = Key::new(1_700_000_001, group);
            assert_eq!(parse(&key.to_string()), Some(key));
        }
        for wrong in ["", "x", "110/", "/100=1", "-1", "+1", "0", "11 0", "99999999999999999999"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_order_of_properties_does_not_matter() {
        let (size, red): (&[i64], &[i64]) = (&[5001], &[7, 8]);
        let one = group([(513, red, "red"), (100, size, "S")]);
        assert_eq!(one, group([(100, size, "S"), (513, red, "red")]));
        assert_eq!(one, "100=5001,513=7+8");
        assert_eq!(group([(513, &[][..], "red")]), "513='red'");
        assert_eq!(group([]), "");
    }
}
