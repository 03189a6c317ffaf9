//! The inventory of a listing as Etsy tells it, and as it wants it back (sections 3 and 5).
//!
//! A write is the whole of it: what is left out is deleted, be it a SKU, a price or a variation. So the answer is kept as it
//! came, and what is sent is made of it field by field; the numbers of the groups that are meant are all that differs.

mod comparing;

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

use super::item::{number, numbers, text};
use super::keys;
use crate::domain::{Price, Sku};

/// What a listing holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inventory {
    raw: Value,
    /// Its products, less those that were deleted.
    pub products: Vec<Product>,
}

/// A product: a variant that can be bought.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Product {
    raw: Value,
    /// Its SKU, as far as it has one.
    pub sku: Option<Sku>,
    /// The name of the group whose number it shares.
    pub group: String,
    /// What it varies in, in words.
    pub words: String,
    /// The same, as far as its quantity varies by it.
    pub group_words: String,
    /// How it is offered; `None` where Etsy names no offering of it, or several.
    pub offering: Option<Offering>,
}

/// How a product is offered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offering {
    raw: Value,
    /// The units; `None` where the number is missing or unreadable (P5).
    pub quantity: Option<i64>,
    /// Whether buyers see it.
    pub enabled: bool,
    /// Its price.
    pub price: Option<Price>,
}

/// The products that share a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group<'a> {
    /// Its name, as in [`keys`].
    pub name: &'a str,
    /// Its products, at least one.
    pub products: Vec<&'a Product>,
}

impl Inventory {
    /// Takes an inventory; `None` where it is none.
    pub fn read(raw: &Value) -> Option<Self> {
        let varies_by = numbers(raw, "quantity_on_property");
        let products = raw.get("products")?.as_array()?;
        let there = products.iter().filter(|product| !is_true(product, "is_deleted"));
        let products: Vec<Product> = there.map(|product| Product::read(product, &varies_by)).collect();
        (!products.is_empty()).then(|| Self { raw: raw.clone(), products })
    }

    /// Returns its groups, in the order of their first products.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for product in &self.products {
            match groups.iter_mut().find(|group| group.name == product.group) {
                Some(group) => group.products.push(product),
                None => groups.push(Group { name: &product.group, products: vec![product] }),
            }
        }
        groups
    }

    /// Finds a group.
    pub fn group(&self, name: &str) -> Option<Group<'_>> {
        self.groups().into_iter().find(|group| group.name == name)
    }

    /// Tells whether nothing that buyers see would be left, were these numbers written (Z2). A number that cannot be read
    /// counts as some.
    pub fn would_be_empty(&self, wanted: &BTreeMap<String, i64>) -> bool {
        let groups = self.groups();
        let any_enabled = groups.iter().any(Group::is_enabled);
        let seen = groups.iter().filter(|group| group.is_enabled() || !any_enabled);
        seen.map(|group| wanted.get(group.name).copied().or(group.level())).all(|units| units == Some(0))
    }

    /// Returns the units of all that buyers see; `None` where a number cannot be read.
    pub fn units(&self) -> Option<i64> {
        let groups = self.groups();
        let any_enabled = groups.iter().any(Group::is_enabled);
        let mut seen = groups.iter().filter(|group| group.is_enabled() || !any_enabled);
        seen.try_fold(0, |sum: i64, group| Some(sum.saturating_add(group.level()?)))
    }

    /// Returns the numbers with which one unit is left in all, of what buyers see.
    pub fn but_one(&self) -> BTreeMap<String, i64> {
        let groups = self.groups();
        let kept = groups.iter().find(|group| group.is_enabled()).or(groups.first()).map(|group| group.name);
        groups.iter().map(|group| (group.name.to_owned(), i64::from(Some(group.name) == kept))).collect()
    }

    /// Counts the properties that its products vary in.
    pub fn properties(&self) -> usize {
        let mut properties: Vec<i64> = self.products.iter().flat_map(Product::properties).collect();
        properties.sort_unstable();
        properties.dedup();
        properties.len()
    }

    /// Finds a name or a value of a property that Etsy shows and does not take back: one with a parenthesis.
    pub fn parenthesis(&self) -> Option<String> {
        let values = self.products.iter().flat_map(|product| values_of(&product.raw));
        let mut texts = values.flat_map(|value| {
            let values = value.get("values").and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).chain(text(value, "property_name")).map(str::to_owned).collect::<Vec<_>>()
        });
        texts.find(|text| text.contains(['(', ')']))
    }

    /// Tells whether something that buyers see has no processing profile. Etsy documents one for every offering, and whether
    /// it takes an inventory back without one is not known (sections 0 and 12).
    pub fn lacks_profile(&self) -> bool {
        let offerings = self.products.iter().filter_map(|product| product.offering.as_ref());
        offerings
            .filter(|offering| offering.enabled)
            .any(|offering| number(&offering.raw, "readiness_state_id").is_none())
    }

    /// Makes what is sent: all of it as it was read, with these numbers for these groups.
    pub fn with(&self, wanted: &BTreeMap<String, i64>) -> Result<Value, String> {
        let product = |product: &Product| product.written(wanted.get(&product.group).copied());
        let products = self.products.iter().map(product).collect::<Result<Vec<Value>, String>>()?;
        let mut body = Map::from_iter([("products".to_owned(), Value::from(products))]);
        // Which field varies by which property; one that is forgotten is the classic refusal.
        for (name, value) in self.raw.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with(VARIES)) {
            // Only the youngest of them may be null.
            let nothing = value.is_null() && name != "readiness_state_on_property";
            body.insert(name.clone(), if nothing { json!([]) } else { value.clone() });
        }
        Ok(Value::Object(body))
    }
}

/// How the names of fields end that say by which properties something varies.
const VARIES: &str = "_on_property";

impl Group<'_> {
    /// Returns what it holds; `None` where a number is missing, or where its products contradict each other (P5).
    pub fn level(&self) -> Option<i64> {
        let quantities = |enabled: bool| {
            let offerings = self.products.iter().map(|product| product.offering.as_ref());
            let offerings = offerings.filter(|offering| !enabled || offering.is_none_or(|offering| offering.enabled));
            offerings.map(|offering| offering.and_then(|offering| offering.quantity)).collect::<Vec<_>>()
        };
        // What buyers do not see may show any number.
        let seen = Some(quantities(true)).filter(|seen| !seen.is_empty()).unwrap_or_else(|| quantities(false));
        let first = seen.first().copied().flatten();
        first.filter(|_| seen.iter().all(|quantity| *quantity == first))
    }

    /// Tells whether all of its offerings show this number, those that buyers do not see too.
    pub fn shows(&self, units: i64) -> bool {
        self.products.iter().all(|product| product.offering.as_ref().is_some_and(|own| own.quantity == Some(units)))
    }

    /// Tells whether buyers see any of it.
    pub fn is_enabled(&self) -> bool {
        self.products.iter().any(|product| product.offering.as_ref().is_none_or(|offering| offering.enabled))
    }
}

impl Product {
    fn read(raw: &Value, varies_by: &[i64]) -> Self {
        let values = || values_of(raw).filter_map(|value| Some((number(value, "property_id")?, value)));
        let own: Vec<(i64, Vec<i64>, String)> = values()
            .filter(|(property, _)| varies_by.contains(property))
            .map(|(property, value)| (property, numbers(value, "value_ids"), words(value)))
            .collect();
        let group = keys::group(own.iter().map(|(property, ids, text)| (*property, ids.as_slice(), text.as_str())));
        let live = raw.get("offerings").and_then(Value::as_array).into_iter().flatten();
        let live: Vec<&Value> = live.filter(|offering| !is_true(offering, "is_deleted")).collect();
        Self {
            sku: text(raw, "sku").and_then(Sku::new),
            group,
            words: join(values().map(|(_, value)| words(value))),
            group_words: join(own.iter().map(|(_, _, words)| words.clone())),
            offering: live.first().filter(|_| live.len() == 1).map(|offering| Offering::read(offering)),
            raw: raw.clone(),
        }
    }

    fn properties(&self) -> impl Iterator<Item = i64> {
        values_of(&self.raw).filter_map(|value| number(value, "property_id"))
    }

    /// Makes what is sent of it, with another number where one is wanted.
    fn written(&self, quantity: Option<i64>) -> Result<Value, String> {
        let Some(offering) = &self.offering else {
            return Err("a product comes without just one offering".to_owned());
        };
        let values = values_of(&self.raw).map(written_value).collect::<Result<Vec<Value>, String>>()?;
        let mut product = Map::new();
        // A SKU that is left out is erased.
        if let Some(sku) = self.raw.get("sku") {
            product.insert("sku".to_owned(), sku.clone());
        }
        product.insert("property_values".to_owned(), Value::from(values));
        product.insert("offerings".to_owned(), json!([offering.written(quantity)?]));
        Ok(Value::Object(product))
    }
}

impl Offering {
    fn read(raw: &Value) -> Self {
        let price = raw.get("price").and_then(hundredths).map(Price);
        // What does not say that it is hidden is taken for shown: its number counts.
        let enabled = raw.get("is_enabled").and_then(Value::as_bool).unwrap_or(true);
        let quantity = number(raw, "quantity").filter(|quantity| 0 <= *quantity);
        Self { raw: raw.clone(), quantity, enabled, price }
    }

    fn written(&self, quantity: Option<i64>) -> Result<Value, String> {
        let missing = |field: &str| format!("an offering comes without a readable `{field}`");
        let price = self.raw.get("price").and_then(decimal).ok_or_else(|| missing("price"))?;
        let quantity = quantity.or(self.quantity).ok_or_else(|| missing("quantity"))?;
        let enabled = self.raw.get("is_enabled").and_then(Value::as_bool).ok_or_else(|| missing("is_enabled"))?;
        // It may be null, for digital goods and where the shop has no profiles; the field itself is due.
        let profile = self.raw.get("readiness_state_id").cloned().unwrap_or(Value::Null);
        Ok(json!({ "price": price, "quantity": quantity, "is_enabled": enabled, "readiness_state_id": profile }))
    }
}

/// Makes what is sent of a value that a product varies in.
fn written_value(value: &Value) -> Result<Value, String> {
    let mut written = Map::new();
    for (name, due) in [("property_id", true), ("value_ids", true), ("values", true), ("property_name", false)] {
        match value.get(name).filter(|field| !field.is_null()) {
            Some(field) => drop(written.insert(name.to_owned(), field.clone())),
            None if due => return Err(format!("a variation comes without `{name}`")),
            None => {}
        }
    }
    if let Some(scale) = value.get("scale_id") {
        written.insert("scale_id".to_owned(), scale.clone());
    }
    Ok(Value::Object(written))
}

/// Writes an amount of money as the decimal number that Etsy wants: made of its digits, so that nothing is rounded on the
/// way (19.5, not 19.499999).
fn decimal(price: &Value) -> Option<Number> {
    serde_json::from_str(&digits(price)?).ok()
}

/// Writes an amount of money with as many digits as its currency has.
fn digits(price: &Value) -> Option<String> {
    let (amount, divisor) = (number(price, "amount")?, number(price, "divisor")?);
    let digits = usize::try_from(divisor.checked_ilog10()?).ok()?;
    if 10_i64.checked_pow(u32::try_from(digits).ok()?) != Some(divisor) || amount < 0 {
        return None;
    }
    let padded = format!("{amount:0width$}", width = digits + 1);
    let (whole, part) = padded.split_at(padded.len() - digits);
    Some(if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") })
}

/// Returns an amount of money in hundredths.
fn hundredths(price: &Value) -> Option<i64> {
    let (amount, divisor) = (number(price, "amount")?, number(price, "divisor")?);
    amount.checked_mul(100)?.checked_div(divisor)
}

fn values_of(product: &Value) -> impl Iterator<Item = &Value> {
    product.get("property_values").and_then(Value::as_array).into_iter().flatten()
}

/// Returns a value that a product varies in, in words.
fn words(value: &Value) -> String {
    let values = value.get("values").and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

fn join(words: impl Iterator<Item = String>) -> String {
    words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
}

fn is_true(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_digit_by_digit() {
        let written = |amount: i64, divisor: i64| {
            decimal(&json!({ "amount": amount, "divisor": divisor })).map(|number| number.to_string())
        };
        let is = |amount, divisor, text: &str| assert_eq!(written(amount, divisor).as_deref(), Some(text));
        is(1950, 100, "19.5");
        is(1999, 100, "19.99");
        is(5, 100, "0.05");
        is(2400, 100, "24.0");
        is(1500, 1, "1500");
        is(1_234_567, 1000, "1234.567");
        is(99_999_999_999, 100, "999999999.99");
        for (amount, divisor) in [(1950, 0), (1950, 3), (1950, -100), (-5, 100), (1, i64::MAX)] {
            assert_eq!(written(amount, divisor), None, "{amount}/{divisor}");
        }
        assert_eq!(decimal(&json!({ "amount": "1950", "divisor": 100 })), None);
        assert_eq!(hundredths(&json!({ "amount": 1500, "divisor": 1 })), Some(150_000));
    }
}
