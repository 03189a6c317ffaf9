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

/// Finds out what a table is and where what stands in it. Columns that the owner named come before those that are
/// known; whatever else is known of the table stays.
///
/// # Errors
/// In words, with the line of channels.toml that mends it.
pub(super) fn recognise(table: &Table, named: Option<&Named>) -> Result<Layout, String> {
    let header = find_header(table, named)?;
    let columns = columns(table, header);
    let chosen = chosen(&columns, named)?;
    let layout = match export(&columns, header, &chosen) {
        Some(layout) => layout,
        None => plain(columns, header, &chosen)?,
    };
    only_once(table, &layout, layout.sku, "the SKU")?;
    only_once(table, &layout, layout.quantity, "the quantity")?;
    Ok(layout)
}

/// Finds the columns that the owner named, by what they hold.
fn chosen<'a>(columns: &BTreeMap<String, usize>, named: Option<&'a Named>) -> Result<BTreeMap<&'a str, usize>, String> {
    let at = |(key, name): (&'a String, &String)| {
        let at = columns.get(&name.trim().to_lowercase()).copied().ok_or_else(|| {
            format!("it has no column `{name}`, which `columns` names as {key}; {}", what_there_is(columns))
        })?;
        Ok((key.as_str(), at))
    };
    named.into_iter().flatten().map(at).collect()
}

/// Names the columns. A single one may be all of them, if what divides them is not what was taken for it.
fn what_there_is(columns: &BTreeMap<String, usize>) -> String {
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    match names.as_slice() {
        [one] => format!(
            "its only column is `{one}`; if those are several, say what stands between them with `delimiter = \"…\"`"
        ),
        _ => format!("its columns are {}", names.join(", ")),
    }
}

fn export(columns: &BTreeMap<String, usize>, header: usize, chosen: &BTreeMap<&str, usize>) -> Option<Layout> {
    let export = EXPORTS.iter().find(|export| export.signs.iter().all(|sign| columns.contains_key(*sign)))?;
    let at = |key: &str, names: &[&str]| {
        chosen.get(key).copied().or_else(|| names.iter().find_map(|name| columns.get(*name).copied()))
    };
    Some(Layout {
        format: export.format,
        header,
        sku: at("sku", &[export.sku])?,
        quantity: at("quantity", export.quantity)?,
        id: at("id", export.id.as_slice()),
        title: at("title", export.title.as_slice()),
        price: at("price", export.price.as_slice()),
        location: at("location", export.location.as_slice()),
        columns: columns.clone(),
    })
}

fn plain(columns: BTreeMap<String, usize>, header: usize, chosen: &BTreeMap<&str, usize>) -> Result<Layout, String> {
    let claimed = |key: &str, names: &[&str], what: &str| match chosen.get(key) {
        Some(at) => Ok(Some(*at)),
        None => one_of(&columns, names, what, key),
    };
    let sku = claimed("sku", SKU, "the SKU")?;
    let quantity = claimed("quantity", QUANTITY, "the quantity")?;
    let (Some(sku), Some(quantity)) = (sku, quantity) else {
        let missing = if sku.is_none() { "the SKU" } else { "the quantity" };
        let mend = match columns.len() {
            1 => "",
            _ => "; say which with `columns = { sku = \"…\", quantity = \"…\" }`",
        };
        return Err(format!("no column of it is known to hold {missing}; {}{mend}", what_there_is(&columns)));
    };
    let first = |key: &str, names: &[&str]| {
        let known = || names.iter().find_map(|name| columns.get(*name).copied());
        chosen.get(key).copied().or_else(|| known().filter(|at| *at != sku && *at != quantity))
    };
    Ok(Layout {
        format: Format::Plain,
        header,
        sku,
        quantity,
        id: first("id", ID),
        title: first("title", TITLE),
        price: first("price", PRICE),
        location: first("location", LOCATION),
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

/// Looks that no other column has the name of one that counts: which of them is meant, the name cannot tell.
fn only_once(table: &Table, layout: &Layout, column: usize, what: &str) -> Result<(), String> {
    let name = |column: usize| table.cell(layout.header, column).trim().to_lowercase();
    let wanted = name(column);
    let same: Vec<String> = (0..table.width(layout.header))
        .filter(|column| name(*column) == wanted)
        .map(|column| (column + 1).to_string())
        .collect();
    if same.len() < 2 {
        return Ok(());
    }
    let columns = same.join(" and ");
    Err(format!("its columns {columns} are both named `{wanted}`; give all but the one that holds {what} another name"))
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
