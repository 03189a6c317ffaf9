//! What the rows of a table are: listings, with the reason where one cannot take part.

use std::collections::BTreeMap;

use super::recognise::{Format, Layout};
use super::table::Table;
use crate::domain::{Good, Level, Listing, ListingKey, ListingState, Place, Price, Sku};

/// The most units that a cell may hold; more is a mistake, not a stock.
pub(super) const MOST: i64 = 1_000_000_000;

/// A listing and the rows in which its numbers stand.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub listing: Listing,
    /// The rows of its quantity, with the place each is for; without places, one row.
    pub rows: Vec<(usize, String)>,
}

/// Reads all rows of a table.
pub(super) fn listings(table: &Table, layout: &Layout) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut keys = BTreeMap::<String, Bearing>::new();
    let mut product = Product::default();
    let parents = parents(table, layout);
    for row in layout.header + 1..table.len() {
        let reader = Reader { table, layout, row, parents: &parents };
        if !reader.is_goods() {
            continue;
        }
        product = reader.product(product);
        let base = reader.key(&product);
        let bearing = keys.entry(base.clone()).or_insert(Bearing { first: found.len(), count: 0 });
        if let Some(listing) = found.get_mut(bearing.first).filter(|first| reader.is_another_place_of(first)) {
            reader.add_place(listing);
            continue;
        }
        bearing.count += 1;
        let key = if bearing.count == 1 { base } else { format!("{base}#{}", bearing.count) };
        found.push(Found { listing: reader.listing(&key, &product), rows: vec![(row, reader.place())] });
    }
    found
}

/// The listings whose rows are found by the same key: the first of them, and how many there are.
struct Bearing {
    first: usize,
    count: usize,
}

/// What the rows of a product's variants leave out because its first row says it.
#[derive(Clone, Debug, Default)]
struct Product {
    handle: String,
    title: String,
    vendor: String,
    product_type: String,
    tags: String,
    published: String,
    status: String,
}

/// The rows that stand for a product whose variations have rows of their own: their item numbers.
fn parents(table: &Table, layout: &Layout) -> BTreeMap<String, usize> {
    let mut variations = BTreeMap::new();
    if let (Format::EbayListings, Some(item), Some(details)) =
        (layout.format, layout.column("item number"), layout.column("variation details"))
    {
        for row in layout.header + 1..table.len() {
            if !table.cell(row, details).is_empty() {
                *variations.entry(table.cell(row, item).into_owned()).or_default() += 1;
            }
        }
    }
    variations
}

struct Reader<'a> {
    table: &'a Table,
    layout: &'a Layout,
    row: usize,
    parents: &'a BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn named(&self, column: &str) -> String {
        self.layout.column(column).map_or_else(String::new, |at| self.table.cell(self.row, at).into_owned())
    }

    fn at(&self, column: Option<usize>) -> String {
        column.map_or_else(String::new, |at| self.table.cell(self.row, at).into_owned())
    }

    /// Tells whether the row is about goods at all: not a blank line, and not one that only adds a picture.
    fn is_goods(&self) -> bool {
        let blank = (0..self.table.width(self.row)).all(|column| self.table.cell(self.row, column).is_empty());
        let only_picture = self.layout.format == Format::ShopifyProducts
            && ["title", "option1 value", "variant sku", "variant price", "variant inventory qty"]
                .iter()
                .all(|column| self.named(column).is_empty());
        !blank && !only_picture
    }

    fn product(&self, before: Product) -> Product {
        let handle = self.named("handle");
        let first = !matches!(self.layout.format, Format::ShopifyProducts) || handle != before.handle;
        if !first {
            return before;
        }
        Product {
            handle,
            title: self.at(self.layout.title),
            vendor: self.named("vendor"),
            product_type: self.named("type"),
            tags: self.named("tags"),
            published: self.named("published"),
            status: self.named("status"),
        }
    }

    fn options(&self) -> Vec<String> {
        ["option1 value", "option2 value", "option3 value", "variation details"]
            .iter()
            .map(|column| self.named(column))
            .filter(|value| !value.is_empty() && value != "Default Title")
            .collect()
    }

    /// Makes the key by which a row is found again: the id column, else the SKU, else what names the goods.
    fn key(&self, product: &Product) -> String {
        let id = self.at(self.layout.id);
        if !id.is_empty() {
            return id;
        }
        let sku = self.at(Some(self.layout.sku));
        if !sku.is_empty() {
            return sku;
        }
        let name = if product.handle.is_empty() { product.title.clone() } else { product.handle.clone() };
        let item = self.named("item number") + &self.named("itemid");
        let mut parts = vec![item, name];
        parts.extend(self.options());
        let key = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        if key.is_empty() { format!("line {}", self.table.line(self.row)) } else { key }
    }

    fn place(&self) -> String {
        self.at(self.layout.location)
    }

    fn is_another_place_of(&self, found: &Found) -> bool {
        let place = self.place();
        self.layout.location.is_some() && !found.rows.iter().any(|(_, known)| *known == place)
    }

    fn add_place(&self, found: &mut Found) {
        found.rows.push((self.row, self.place()));
        let level = self.level();
        if let Some(level) = level {
            found.listing.places.push(Place { id: self.place(), level });
        }
        found.listing.level = crate::channel::total(&found.listing.places);
        if level.is_some() {
            found.listing.unfit = None;
        }
    }

    /// Reads the number of a cell; what is no whole number is no number.
    fn level(&self) -> Option<Level> {
        number(&self.table.cell(self.row, self.layout.quantity)).map(Level)
    }

    fn listing(&self, key: &str, product: &Product) -> Listing {
        let level = self.level();
        let located = self.layout.location.is_some();
        let place = level.filter(|_| located).map(|level| Place { id: self.place(), level });
        Listing {
            key: ListingKey::new(key),
            goods: self.goods(product),
            state: state(product),
            managed: self.is_managed(),
            oversells: self.oversells(),
            unfit: self.unfit(),
            level,
            places: place.into_iter().collect(),
            counter: None,
            item: None,
            vendor: filled(&product.vendor),
            product_type: if self.layout.format == Format::WooCommerce { None } else { filled(&product.product_type) },
            tags: product.tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// Returns the goods of a row: several where an export puts several SKUs of one number in one cell.
    fn goods(&self, product: &Product) -> Vec<Good> {
        let cell = self.at(Some(self.layout.sku));
        let skus: Vec<&str> = match self.layout.format {
            Format::Etsy => cell.split(',').collect(),
            _ => vec![cell.as_str()],
        };
        let mut title = vec![product.title.clone()];
        title.extend(self.options());
        let title = title.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" - ");
        let barcode = filled(&self.named("variant barcode")).or_else(|| filled(&self.named("gtin, upc, ean, or isbn")));
        let price = price(&self.at(self.layout.price));
        let good = |sku: &str| Good { sku: Sku::new(sku), title: title.clone(), barcode: barcode.clone(), price };
        skus.into_iter().map(good).collect()
    }

    /// Tells whether the program that wrote the export keeps count of this stock.
    fn is_managed(&self) -> bool {
        match self.layout.format {
            Format::ShopifyProducts => !self.named("variant inventory tracker").is_empty(),
            Format::WooCommerce => !self.at(Some(self.layout.quantity)).is_empty(),
            _ => true,
        }
    }

    fn oversells(&self) -> bool {
        let backorders = self.named("backorders allowed?");
        self.named("variant inventory policy").eq_ignore_ascii_case("continue")
            || matches!(backorders.as_str(), "1" | "notify" | "yes")
    }

    fn unfit(&self) -> Option<String> {
        let reason = match self.layout.format {
            Format::WooCommerce => self.unfit_woocommerce(),
            Format::EbayListings => {
                let parent =
                    self.named("variation details").is_empty() && self.parents.contains_key(&self.named("item number"));
                parent.then_some("a parent row: its variations hold the stock")
            }
            Format::ShopifyInventory => {
                let cell = self.at(Some(self.layout.quantity));
                cell.eq_ignore_ascii_case("not stocked").then_some("not stocked at this location")
            }
            Format::ShopifyProducts => {
                self.named("gift card").eq_ignore_ascii_case("true").then_some("a gift card: it has no stock")
            }
            _ => None,
        };
        let missing = !self.table.has_cell(self.row, self.layout.quantity);
        reason.or(missing.then_some("its row ends before the quantity column")).map(str::to_owned)
    }

    fn unfit_woocommerce(&self) -> Option<&'static str> {
        let kinds = self.named("type");
        let kinds: Vec<&str> = kinds.split(',').map(str::trim).collect();
        [
            ("variable", "a parent row: its variations hold the stock"),
            ("grouped", "a grouped product: its parts hold the stock"),
            ("external", "an external product: another shop sells it"),
            ("virtual", "virtual: there is no stock to count"),
            ("downloadable", "downloadable: there is no stock to count"),
        ]
        .into_iter()
        .find(|(kind, _)| {
            kinds.contains(kind) && (*kind != "variable" || self.at(Some(self.layout.quantity)).is_empty())
        })
        .map(|(_, why)| why)
    }
}

/// Reads a whole number; `5.0` and `5.00` are one. `5.5` and `many` are none, nor are `1.000` and `1,000`, which may be a
/// thousand or one.
pub(super) fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(".00")).unwrap_or(text);
    whole.parse::<i64>().ok().filter(|number| (-MOST..=MOST).contains(number))
}

fn state(product: &Product) -> ListingState {
    let draft = matches!(product.published.to_lowercase().as_str(), "false" | "0" | "-1");
    match product.status.to_lowercase().as_str() {
        "draft" | "archived" => ListingState::Off(product.status.to_lowercase()),
        _ if draft => ListingState::Off("not published".to_owned()),
        _ => ListingState::Live,
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads a price as any country writes it: the last point or comma is the decimal mark if one or two digits follow it;
/// all others divide the thousands.
fn price(text: &str) -> Option<Price> {
    let text = text.trim_matches(|c: char| !c.is_ascii_digit());
    let cents = text.rsplit_once(['.', ',']).filter(|(_, cents)| matches!(cents.len(), 1 | 2));
    let (whole, cents) = cents.unwrap_or((text, ""));
    let mut groups = whole.split(['.', ',']);
    let first = groups.next()?.to_owned();
    let digits = groups.try_fold(first, |digits, group| (group.len() == 3).then(|| digits + group))?;
    let (whole, cents): (i64, i64) = (digits.parse().ok()?, format!("{cents:0<2}").parse().ok()?);
    Some(Price(whole.checked_mul(100)?.checked_add(cents)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves P5: what may be a thousand or one is no number.
    #[test]
    fn only_a_whole_number_is_one() {
        for (text, units) in [("5", 5), (" 5.0 ", 5), ("5.00", 5), ("-3", -3), ("0", 0)] {
            assert_eq!(number(text), Some(units), "{text}");
        }
        for text in ["", "1.000", "1,000", "5,5", "5,0", "5.", ".0", "1e3", "2.5", "many", "99999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn a_price_is_read_as_any_country_writes_it() {
        for (text, cents) in [
            ("9.99", 999),
            ("$1,299.00", 129_900),
            ("1.299,00 €", 129_900),
            ("1.299", 129_900),
            ("1,234,567.5", 123_456_750),
            ("8", 800),
            ("8,5", 850),
        ] {
            assert_eq!(price(text), Some(Price(cents)), "{text}");
        }
        for text in ["", "free", "18.0000", "1,29.00", "9.99 - 12.99"] {
            assert_eq!(price(text), None, "{text}");
        }
    }
}
