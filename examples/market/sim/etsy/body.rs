//! What is read of an inventory that is sent to replace another (5), and every reason to refuse it. Most words are not
//! told of anywhere [?]; those that are stand here as they are told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::frame::Problem;
use super::listings::{MOST, PropertyValue, Varies, key};

type Result<T> = std::result::Result<T, Problem>;

/// A whole inventory to be.
pub(super) struct Wanted {
    pub products: Vec<New>,
    pub varies: Varies,
}

/// A product to be, with its only offering.
pub(super) struct New {
    pub sku: String,
    pub values: Vec<PropertyValue>,
    pub cents: i64,
    pub quantity: i64,
    pub enabled: bool,
    pub readiness: Option<u64>,
}

impl New {
    /// Returns what it shares with all products that a field does not tell apart.
    pub fn key(&self, on: &[u64]) -> Vec<u64> {
        key(&self.values, on)
    }
}

/// Reads an inventory; `most` is the number of properties that may tell products apart, `hidden_counts` whether what
/// buyers are not shown counts where something must be left.
pub(super) fn read(body: &Value, most: usize, hidden_counts: bool) -> Result<Wanted> {
    let fields = object(body, "the body")?;
    let arrays = ["price_on_property", "quantity_on_property", "sku_on_property", "readiness_state_on_property"];
    no_others(fields, &[&["products"], &arrays[..]].concat())?;
    let products = list(fields, "products")?;
    if products.is_empty() {
        return Err(Problem::unfit("products must not be empty"));
    }
    let products = products.iter().map(product).collect::<Result<Vec<_>>>()?;
    let properties = properties_of(&products, most)?;
    let [price, quantity, sku, readiness] = arrays.map(|name| levels(fields, name, &properties));
    let varies = Varies { price: price?, quantity: quantity?, sku: sku?, readiness: readiness? };
    // 3: values that contradict the arrays.
    agree(&products, &varies.price, "price", |new| new.cents)?;
    agree(&products, &varies.quantity, "quantity", |new| new.quantity)?;
    agree(&products, &varies.sku, "sku", |new| new.sku.clone())?;
    agree(&products, &varies.readiness, "readiness_state_id", |new| new.readiness)?;
    // 6: in Etsy's own words.
    if !products.iter().any(|new| new.quantity > 0 && (new.enabled || hidden_counts)) {
        return Err(Problem::unfit("One offering must have quantity greater than 0"));
    }
    Ok(Wanted { products, varies })
}

fn product(value: &Value) -> Result<New> {
    let fields = object(value, "a product")?;
    // 5: `product_id` and `is_deleted` are read and never sent.
    no_others(fields, &["sku", "property_values", "offerings"])?;
    let sku = match fields.get("sku") {
        Some(Value::String(sku)) => sku.clone(),
        Some(Value::Null) => String::new(),
        Some(_) => return Err(Problem::unfit("Invalid value for sku")),
        // What is missing would be erased (8).
        None => return Err(missing("sku")),
    };
    let values = list(fields, "property_values")?.iter().map(property).collect::<Result<Vec<_>>>()?;
    let [offering] = list(fields, "offerings")?.as_slice() else {
        return Err(Problem::unfit("A product must have exactly one offering"));
    };
    let offering = object(offering, "an offering")?;
    // 5: neither `offering_id` nor `is_deleted`.
    no_others(offering, &["price", "quantity", "is_enabled", "readiness_state_id"])?;
    let quantity =
        needed(offering, "quantity")?.as_i64().ok_or_else(|| Problem::unfit("Invalid value for quantity"))?;
    // 3: 999 at most.
    if !(0..=MOST).contains(&quantity) {
        return Err(Problem::unfit("The quantity must be between 0 and 999"));
    }
    let enabled = needed(offering, "is_enabled")?.as_bool();
    let readiness = match needed(offering, "readiness_state_id")? {
        Value::Null => None,
        id => Some(id.as_u64().filter(|id| *id > 0).ok_or_else(|| Problem::unfit("Invalid readiness_state_id"))?),
    };
    Ok(New {
        sku,
        values,
        cents: cents(needed(offering, "price")?)?,
        quantity,
        enabled: enabled.ok_or_else(|| Problem::unfit("Invalid value for is_enabled"))?,
        readiness,
    })
}

/// 5: a number with as many digits as the currency has, and no Money.
fn cents(price: &Value) -> Result<i64> {
    let price = price.as_f64().ok_or_else(|| Problem::unfit("The price must be a number"))?;
    let hundredths = price * 100.0;
    if (hundredths - hundredths.round()).abs() > 1e-6 {
        return Err(Problem::unfit("The price has too many digits"));
    }
    if !(20.0..=5_000_000.0).contains(&hundredths) {
        return Err(Problem::unfit("The price must be between 0.20 and 50000.00"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is within bounds")]
    let cents = hundredths.round() as i64;
    Ok(cents)
}

fn property(value: &Value) -> Result<PropertyValue> {
    let fields = object(value, "a property value")?;
    // 5: `scale_name` is read and never sent.
    no_others(fields, &["property_id", "property_name", "scale_id", "value_ids", "values"])?;
    let number = |value: &Value, name: &str| {
        value.as_u64().filter(|id| *id > 0).ok_or_else(|| Problem::unfit(&format!("Invalid value for {name}")))
    };
    let name = needed(fields, "property_name")?.as_str();
    let name = name.ok_or_else(|| Problem::unfit("Invalid value for property_name"))?;
    let ([id], [text]) = (list(fields, "value_ids")?.as_slice(), list(fields, "values")?.as_slice()) else {
        return Err(Problem::unfit("A property must have exactly one value"));
    };
    let text = text.as_str().filter(|text| !text.is_empty()).ok_or_else(|| Problem::unfit("Invalid values"))?;
    // 5: for good, wherever they stand.
    if [name, text].iter().any(|said| said.contains(['(', ')'])) {
        return Err(Problem::unfit("Parenthesis characters are not allowed in property names and values"));
    }
    let scale = match fields.get("scale_id") {
        None | Some(Value::Null) => None,
        Some(id) => Some((number(id, "scale_id")?, String::new())),
    };
    Ok(PropertyValue {
        property: number(needed(fields, "property_id")?, "property_id")?,
        name: name.into(),
        scale,
        id: number(id, "value_ids")?,
        text: text.into(),
    })
}

/// Returns the properties that tell products apart: the same for all of them, and no two products alike.
fn properties_of(products: &[New], most: usize) -> Result<Vec<u64>> {
    let of = |new: &New| new.values.iter().map(|value| value.property).collect::<Vec<_>>();
    let properties = of(&products[0]);
    let distinct: BTreeSet<u64> = properties.iter().copied().collect();
    if distinct.len() != properties.len() || products.iter().any(|new| of(new) != properties) {
        return Err(Problem::unfit("All products must have the same properties"));
    }
    // 0, 5: a third one only for those who say that they know of it.
    if properties.len() > most {
        return Err(Problem::unfit(&format!("A listing can have at most {most} variations")));
    }
    let keys: BTreeSet<_> = products.iter().map(|new| new.key(&properties)).collect();
    if keys.len() != products.len() {
        return Err(Problem::unfit("Two products have the same property values"));
    }
    Ok(properties)
}

/// Reads at which level a field varies (3); 5: forgetting one is the classic mistake.
fn levels(fields: &Map<String, Value>, name: &str, properties: &[u64]) -> Result<Vec<u64>> {
    let known = |id: &Value| id.as_u64().filter(|id| properties.contains(id));
    let ids = list(fields, name)?.iter().map(|id| known(id).ok_or_else(|| Problem::unfit(&format!("Invalid {name}"))));
    ids.collect()
}

/// Refuses values that differ where nothing says that they may (3).
fn agree<T: PartialEq>(products: &[New], on: &[u64], name: &str, value: impl Fn(&New) -> T) -> Result<()> {
    let mut seen: BTreeMap<Vec<u64>, &New> = BTreeMap::new();
    for new in products {
        let first = seen.entry(new.key(on)).or_insert(new);
        if value(first) != value(new) {
            return Err(Problem::unfit(&format!("The values of {name} do not fit what they depend on")));
        }
    }
    Ok(())
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| Problem::unfit(&format!("{what} must be an object")))
}

fn needed<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Value> {
    fields.get(name).ok_or_else(|| missing(name))
}

fn list<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Vec<Value>> {
    needed(fields, name)?.as_array().ok_or_else(|| Problem::unfit(&format!("Invalid value for {name}")))
}

fn missing(name: &str) -> Problem {
    Problem::unfit(&format!("Missing input parameter: {name}"))
}

fn no_others(fields: &Map<String, Value>, known: &[&str]) -> Result<()> {
    let other = fields.keys().find(|name| !known.contains(&name.as_str()));
    other.map_or(Ok(()), |name| Err(Problem::unfit(&format!("Unknown parameter: {name}"))))
}
