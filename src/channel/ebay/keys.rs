//! What a listing is called: `ITEMID` for one that holds a number of its own, `ITEMID/SKU` for a variation.
//!
//! eBay has no lasting id for a variation that its calls would take: a quantity is written by item id and SKU, and within
//! one listing the SKUs are unique (section 8). A variation without a SKU can be read and not written to; its key is made
//! of what it varies in, behind a second slash, so that it can be named.

use std::fmt;

use crate::domain::ListingKey;

/// The holder of a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// The listing's item id.
    pub item: String,
    /// The variation's SKU; `None` where the listing has no variations.
    pub sku: Option<String>,
}

impl Key {
    /// Reads a key; `None` where it is none of eBay's.
    pub fn parse(key: &ListingKey) -> Option<Self> {
        let (item, sku) = match key.as_str().split_once('/') {
            Some((item, sku)) => (item, Some(sku)),
            None => (key.as_str(), None),
        };
        let right = is_item(item) && sku.is_none_or(|sku| !sku.is_empty());
        right.then(|| Self { item: item.to_owned(), sku: sku.map(str::to_owned) })
    }

    /// Returns the key of a listing that holds its number itself.
    pub fn single(item: &str) -> Self {
        Self { item: item.to_owned(), sku: None }
    }

    /// Returns the key of a variation.
    pub fn variation(item: &str, sku: &str) -> Self {
        Self { item: item.to_owned(), sku: Some(sku.to_owned()) }
    }

    /// Returns the key of a variation without a SKU, by what it varies in.
    pub fn nameless(item: &str, specifics: &str) -> Self {
        Self { item: item.to_owned(), sku: Some(format!("/{specifics}")) }
    }

    /// Returns the key that it has in another listing, made of its own; `None` where that is no item id.
    pub fn at(&self, item: &str) -> Option<Self> {
        let item = item.trim();
        is_item(item).then(|| Self { item: item.to_owned(), sku: self.sku.clone() })
    }

    /// Returns it as the rest of the program knows it.
    pub fn listing(&self) -> ListingKey {
        ListingKey::new(self.to_string())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.item)?;
        match &self.sku {
            Some(sku) => write!(f, "/{sku}"),
            None => Ok(()),
        }
    }
}

/// Tells whether a text can be an item id: digits, which go into requests as they stand.
fn is_item(text: &str) -> bool {
    (1..=38).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_where_the_number_is() {
        let parse = |text: &str| Key::parse(&ListingKey::new(text));
        assert_eq!(parse("110000000001"), Some(Key::single("110000000001")));
        for sku in ["TEE-S", "A/B", "a & b", "Größe 5"] {
            let key = Key::variation("110000000002", sku);
            assert_eq!(parse(&key.to_string()), Some(key));
        }
        for wrong in ["", "x", "110/", "/TEE-S", "-1", "11 0"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
