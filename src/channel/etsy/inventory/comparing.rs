//! What a write left behind, compared with what was sent (section 5).
//!
//! Etsy's answer is the new inventory in the form in which it is read, and not in the one in which it was sent: prices are
//! money, products and offerings may bear new ids, what was deleted may stand beside what is there. So it is compared by what
//! it means to buyers. What it does not tell, or in a form that is not described, says nothing (P5).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Inventory, Offering, Product, digits, is_true, number, numbers, text, values_of, words};

/// By which properties the quantity varies.
const QUANTITY: &str = "quantity_on_property";
/// By which profile an offering is processed.
const PROFILE: &str = "readiness_state_id";

impl Inventory {
    /// Tells in words what is not as it was sent: as it was read, but for the numbers of the groups that were `written`, which
    /// are judged by whoever wrote them. Of all others a number that fell is a sale, as like as not.
    pub fn differences(&self, after: &Self, written: &BTreeMap<String, i64>) -> Vec<String> {
        let mut differences = Vec::new();
        // What else varies by which property shows in the values themselves.
        if after.raw.get(QUANTITY).is_some_and(Value::is_array)
            && self.quantity_varies_by() != after.quantity_varies_by()
        {
            differences.push("its quantity varies by other properties than before".to_owned());
        }
        for product in &self.products {
            match after.find(product) {
                Some(now) => differences.extend(product.differences(now, written.contains_key(&product.group))),
                None => differences.push(format!("{} is gone", product.variation())),
            }
        }
        differences
    }

    fn quantity_varies_by(&self) -> Vec<i64> {
        let mut properties = numbers(&self.raw, QUANTITY);
        properties.sort_unstable();
        properties
    }

    /// Finds a product that can be bought by what it varies in: by the ids of its values, or by their words where Etsy gave
    /// them other ids.
    fn find(&self, wanted: &Product) -> Option<&Product> {
        let offered = || self.products.iter().filter(|product| product.is_offered());
        let named = |product: &&Product| wanted.is_alike(product, ids);
        offered().find(named).or_else(|| offered().find(|product| wanted.is_alike(product, words)))
    }
}

impl Product {
    /// Tells whether another product varies in the same, as `name` names a value.
    fn is_alike<T: PartialEq + Default>(&self, other: &Self, name: impl Fn(&Value) -> T) -> bool {
        let own: Vec<&Value> = values_of(&self.raw).collect();
        let others: Vec<&Value> = values_of(&other.raw).collect();
        let is = |one: &Value, other: &Value| {
            number(one, "property_id") == number(other, "property_id") && name(one) == name(other)
        };
        let is_there = |one: &&Value| name(one) != T::default() && others.iter().any(|other| is(one, other));
        own.len() == others.len() && own.iter().all(is_there)
    }

    /// Tells whether it has an offering that is not deleted; one whose offerings are not told counts as offered.
    fn is_offered(&self) -> bool {
        let offerings = self.raw.get("offerings").and_then(Value::as_array);
        offerings.is_none_or(|all| all.iter().any(|offering| !is_true(offering, "is_deleted")))
    }

    fn differences(&self, now: &Self, is_written: bool) -> Vec<String> {
        let name = self.name();
        let mut differences = Vec::new();
        if now.raw.get("sku").is_some() && now.sku != self.sku {
            let sku = now.sku.as_ref().map_or_else(|| "gone".to_owned(), |sku| format!("{sku} now"));
            differences.push(format!("the SKU of {} is {sku}", self.variation()));
        }
        if let (Some(own), Some(now)) = (&self.offering, &now.offering) {
            differences.extend(own.differences(now, &name));
            if let (Some(units), Some(more)) = (own.quantity, now.quantity.filter(|_| !is_written && own.enabled))
                && units < more
            {
                differences.push(format!("{name} shows {more} instead of {units}"));
            }
        }
        differences
    }

    /// Names it as its owner does: by its SKU, else by what it varies in.
    fn name(&self) -> String {
        self.sku.as_ref().map_or_else(|| self.variation(), ToString::to_string)
    }

    /// Names it by what it varies in, else by its SKU.
    fn variation(&self) -> String {
        match (self.words.as_str(), &self.sku) {
            ("", Some(sku)) => sku.to_string(),
            ("", None) => "the listing".to_owned(),
            (words, _) => format!("the variation \"{words}\""),
        }
    }
}

impl Offering {
    fn differences(&self, now: &Self, name: &str) -> Vec<String> {
        let mut differences = Vec::new();
        if let Some((before, now)) = self.other_price(now) {
            differences.push(format!("the price of {name} is {now} instead of {before}"));
        }
        match (now.raw.get("is_enabled").and_then(Value::as_bool), self.enabled) {
            (Some(true), false) => differences.push(format!("buyers see {name}, which was hidden from them")),
            (Some(false), true) => differences.push(format!("buyers do not see {name} any more")),
            _ => {}
        }
        // Where it had no profile, Etsy may give it one (section 12).
        let (before, profile) = (number(&self.raw, PROFILE), number(&now.raw, PROFILE));
        if before.is_some() && now.raw.get(PROFILE).is_some() && profile != before {
            let what = if profile.is_some() { "another one" } else { "gone" };
            differences.push(format!("the processing profile of {name} is {what}"));
        }
        differences
    }

    /// Returns the price as it was and as it is, where they differ in the same currency.
    fn other_price(&self, now: &Self) -> Option<(String, String)> {
        let (own, now) = (self.raw.get("price")?, now.raw.get("price")?);
        let (before, after) = (digits(own)?, digits(now)?);
        let product = |one: &Value, other: &Value| {
            Some(i128::from(number(one, "amount")?) * i128::from(number(other, "divisor")?))
        };
        let currencies = text(own, "currency_code").zip(text(now, "currency_code"));
        let same_currency = currencies.is_none_or(|(own, now)| own == now);
        (same_currency && product(own, now)? != product(now, own)?).then_some((before, after))
    }
}

fn ids(value: &Value) -> Vec<i64> {
    let mut ids = numbers(value, "value_ids");
    ids.sort_unstable();
    ids
}
