//! Which table this is: the known exports by their header, any other by its column names.

use std::collections::BTreeMap;

use super::table::Table;

/// The kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    ShopifyProducts,
    ShopifyInventory,
    WooCommerce,
    EbayListings,
    EbayFeed,
    Etsy,
    Plain,
}

impl Format {
    /// Returns what it is, in a shop owner's words.
    pub fn words(self) -> &'static str {
        match self {
            Self::ShopifyProducts => "a Shopify product export",
            Self::ShopifyInventory => "a Shopify inventory export",
            Self::WooCommerce => "a WooCommerce product export",
            Self::EbayListings => "an eBay report of active listings",
            Self::EbayFeed => "an eBay feed report",
            Self::Etsy => "an Etsy listings export",
            Self::Plain => "a list",
        }
    }
}

/// Where what stands in a table.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub format: Format,
    /// The row of the header.
    pub header: usize,
    pub sku: usize,
    pub quantity: usize,
    pub id: Option<usize>,
    pub title: Option<usize>,
    pub price: Option<usize>,
    pub location: Option<usize>,
    /// All columns by their name, in lower case.
    columns: BTreeMap<String, usize>,
}

/// Column names that the owner gave.
pub(super) type Named = BTreeMap<String, String>;

/// A known export: the columns that tell it, and the names of those that matter.
struct Export {
    format: Format,
    signs: &'static [&'static str],
    sku: &'static str,
    quantity: &'static [&'static str],
    id: Option<&'static str>,
    title: Option<&'static str>,
    price: Option<&'static str>,
    location: Option<&'static str>,
}

const EXPORTS: &[Export] = &[
    Export {
        format: Format::ShopifyProducts,
        signs: &["handle", "variant sku", "variant inventory qty"],
        sku: "variant sku",
        quantity: &["variant inventory qty"],
        id: None,
        title: Some("title"),
        price: Some("variant price"),
        location: None,
    },
    Export {
        format: Format::ShopifyInventory,
        signs: &["handle", "sku", "location", "on hand"],
        sku: "sku",
        quantity: &["available (new)", "available"],
        id: None,
        title: Some("title"),
        price: None,
        location: Some("location"),
    },
    Export {
        format: Format::ShopifyInventory,
        signs: &["handle", "sku", "location", "available (new)"],
        sku: "sku",
        quantity: &["available (new)"],
        id: None,
        title: Some("title"),
        price: None,
        location: Some("location"),
    },
    Export {
        format: Format::WooCommerce,
        signs: &["id", "type", "sku", "stock", "parent"],
        sku: "sku",
        quantity: &["stock"],
        id: Some("id"),
        title: Some("name"),
        price: Some("regular price"),
        location: None,
    },
    Export {
        format: Format::EbayListings,
        signs: &["item number", "custom label (sku)", "available quantity"],
        sku: "custom label (sku)",
        quantity: &["available quantity"],
        id: None,
        title: Some("title"),
        price: Some("current price"),
        location: None,
    },
    Export {
        format: Format::EbayFeed,
        signs: &["itemid", "sku", "price", "quantity"],
        sku: "sku",
        quantity: &["quantity"],
        id: None,
        title: None,
        price: Some("price"),
        location: None,
    },
    Export {
        format: Format::Etsy,
        signs: &["title", "currency_code", "quantity", "materials", "sku"],
        sku: "sku",
        quantity: &["quantity"],
        id: None,
        title: Some("title"),
        price: Some("price"),
        location: None,
    },
];

const SKU: &[&str] = &[
    "sku",
    "artikelnummer",
    "artikelnr",
    "article number",
    "item code",
    "product code",
    "stock code",
    "referencia",
    "réf",
    "code",
];
const QUANTITY: &[&str] = &[
    "quantity",
    "qty",
    "stock",
    "available",
    "on hand",
    "in stock",
    "menge",
    "bestand",
    "lagerbestand",
    "cantidad",
    "stock level",
    "stück",
];
const TITLE: &[&str] = &["title", "name", "product", "description", "item", "titel", "bezeichnung", "artikel"];
const ID: &[&str] = &["id", "item id", "product id"];
const PRICE: &[&str] = &["price", "preis", "unit price"];
const LOCATION: &[&str] = &["location", "warehouse", "lager", "standort"];

/// Finds out what a table is and where what stands in it.
///
/// # Errors
/// In words, with the line of channels.toml that mends it.
pub(super) fn recognise(table: &Table, named: Option<&Named>) -> Result<Layout, String> {
    let header = find_header(table, named)?;
    let columns = columns(table, header);
    if let Some(named) = named {
        return by_names(&columns, header, named);
    }
    let has = |name: &str| columns.contains_key(name);
    if let Some(export) = EXPORTS.iter().find(|export| export.signs.iter().all(|sign| has(sign))) {
        let at = |name: &str| columns.get(name).copied();
        let quantity = export.quantity.iter().find_map(|name| at(name));
        if let (Some(sku), Some(quantity)) = (at(export.sku), quantity) {
            return Ok(Layout {
                format: export.format,
                header,
                sku,
                quantity,
                id: export.id.and_then(at),
                title: export.title.and_then(at),
                price: export.price.and_then(at),
                location: export.location.and_then(at),
                columns,
            });
        }
    }
    plain(columns, header)
}

fn plain(columns: BTreeMap<String, usize>, header: usize) -> Result<Layout, String> {
    let sku = one_of(&columns, SKU, "the SKU", "sku")?;
    let quantity = one_of(&columns, QUANTITY, "the quantity", "quantity")?;
    let (Some(sku), Some(quantity)) = (sku, quantity) else {
        let missing = if sku.is_none() { "the SKU" } else { "the quantity" };
        let names: Vec<&str> = columns.keys().map(String::as_str).collect();
        return Err(format!(
            "no column of it is known to hold {missing}; its columns are {}; say which with `columns = {{ sku = \"…\", quantity = \"…\" }}`",
            names.join(", ")
        ));
    };
    let first = |names: &[&str]| names.iter().find_map(|name| columns.get(*name).copied()).filter(|at| *at != sku);
    Ok(Layout {
        format: Format::Plain,
        header,
        sku,
        quantity,
        id: first(ID),
        title: first(TITLE),
        price: first(PRICE),
        location: first(LOCATION),
        columns,
    })
}

/// Finds the column that claims to be something; two that claim it are an error, since a guess could sell the wrong
/// goods.
fn one_of(columns: &BTreeMap<String, usize>, names: &[&str], what: &str, key: &str) -> Result<Option<usize>, String> {
    let claims: Vec<&str> = names.iter().copied().filter(|name| columns.contains_key(*name)).collect();
    match claims.as_slice() {
        [] => Ok(None),
        [name] => Ok(columns.get(*name).copied()),
        [first, ..] => Err(format!(
            "the columns {} both claim to be {what}; say which is with `columns = {{ {key} = \"{first}\", … }}`",
            claims.iter().map(|claim| format!("`{claim}`")).collect::<Vec<_>>().join(" and ")
        )),
    }
}

fn by_names(columns: &BTreeMap<String, usize>, header: usize, named: &Named) -> Result<Layout, String> {
    let at = |key: &str| -> Result<Option<usize>, String> {
        let Some(name) = named.get(key) else { return Ok(None) };
        columns.get(&name.trim().to_lowercase()).copied().map(Some).ok_or_else(|| {
            let names: Vec<&str> = columns.keys().map(String::as_str).collect();
            format!("it has no column `{name}`, which `columns` names as {key}; its columns are {}", names.join(", "))
        })
    };
    let need = |key: &str, defaults: &[&str], what: &str| match at(key)? {
        Some(at) => Ok(at),
        None => one_of(columns, defaults, what, key)?
            .ok_or_else(|| format!("`columns` does not say which column is {what}: add `{key} = \"…\"`")),
    };
    Ok(Layout {
        format: Format::Plain,
        header,
        sku: need("sku", SKU, "the SKU")?,
        quantity: need("quantity", QUANTITY, "the quantity")?,
        id: at("id")?,
        title: at("title")?,
        price: at("price")?,
        location: at("location")?,
        columns: columns.clone(),
    })
}

/// Finds the header among the first lines: some reports begin with a title and a blank line.
fn find_header(table: &Table, named: Option<&Named>) -> Result<usize, String> {
    let known = |name: &str| {
        let named = named.is_some_and(|named| named.values().any(|wanted| wanted.trim().to_lowercase() == name));
        named || SKU.contains(&name) || EXPORTS.iter().any(|export| export.sku == name)
    };
    let is_header = |row: &usize| columns(table, *row).keys().any(|name| known(name));
    if let Some(row) = (0..table.len().min(10)).find(is_header) {
        return Ok(row);
    }
    let first = (0..table.len()).find(|row| table.width(*row) > 0);
    first.ok_or_else(|| "it is empty; its first line must name the columns, such as `sku,quantity`".to_owned())
}

fn columns(table: &Table, row: usize) -> BTreeMap<String, usize> {
    let names = (0..table.width(row)).rev().map(|column| (table.cell(row, column).trim().to_lowercase(), column));
    names.filter(|(name, _)| !name.is_empty()).collect()
}

impl Layout {
    /// Finds a column by its name, in lower case.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.get(name).copied()
    }
}
