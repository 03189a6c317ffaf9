//! The official descriptions of REST interfaces, where `EYS_SPECS` names the folder that has them: requests and our own
//! answers are held against them.
//!
//! The files require next to nothing and forbid nothing, so the check is stricter than they are: every field and every
//! parameter must be one that they know.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;

/// The files by the part of the address that comes before the paths which they describe.
const FILES: [(&str, &str); 5] = [
    ("/sell/inventory/v1", "ebay/sell_inventory_v1_oas3.json"),
    ("/sell/fulfillment/v1", "ebay/sell_fulfillment_v1_oas3.json"),
    ("/sell/account/v1", "ebay/sell_account_v1_oas3.json"),
    ("/developer/analytics/v1_beta", "ebay/developer_analytics_v1_beta_oas3.json"),
    ("", "etsy/etsy_open_api_v3_2026-08-17.json"),
];

/// The bodies that are checked: JSON, or a form, whose values are texts.
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The official descriptions.
pub struct OpenApi(BTreeMap<&'static str, Value>);

/// Which operation a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The first part of the address, such as `/sell/inventory/v1`; may be none.
    pub api: &'static str,
    /// The rest of it, with the names of what stands in it.
    pub path: &'static str,
    /// The method, in small letters.
    pub method: &'static str,
    /// The operation's name at the platform.
    pub name: &'static str,
}

/// Read once a process: they are large.
static KNOWN: LazyLock<Option<OpenApi>> = LazyLock::new(|| {
    let folder = PathBuf::from(std::env::var_os("EYS_SPECS")?);
    let read = |file: &str| {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        serde_json::from_str(&text).expect("the official description is JSON")
    };
    Some(OpenApi(FILES.iter().map(|(api, file)| (*api, read(file))).collect()))
});

impl OpenApi {
    /// Returns them, if the specs are at hand.
    pub fn known() -> Option<&'static Self> {
        KNOWN.as_ref()
    }

    /// Tells what of a request does not fit, if anything.
    pub fn request_misfit(&self, route: Route, query: &[(String, String)], body: Option<&Value>) -> Option<String> {
        let operation = &self.0[route.api]["paths"][route.path][route.method];
        if operation["operationId"] != route.name {
            return Some(format!("{} {} is not {}", route.method, route.path, route.name));
        }
        let known = operation["parameters"].as_array();
        let named = |name: &str| known.into_iter().flatten().find(|one| one["name"] == name && one["in"] == "query");
        for (name, said) in query {
            let Some(parameter) = named(name) else { return Some(format!("{} has no parameter {name}", route.name)) };
            if let Some(wrong) = said_misfit(&parameter["schema"], said) {
                return Some(format!("{}: {name} is {wrong}", route.name));
            }
        }
        let content = &operation["requestBody"]["content"];
        let form = content[JSON].is_null();
        let schema = &content[if form { FORM } else { JSON }]["schema"];
        match (body, schema.is_object()) {
            (Some(Value::Object(fields)), true) if form => fields.iter().find_map(|(name, value)| {
                let Some(field) = schema["properties"].get(name) else { return Some(format!("{name} is not known")) };
                said_misfit(field, value.as_str().unwrap_or_default())
            }),
            (Some(body), true) => self.misfit(route.api, schema, body, "body"),
            (Some(_), false) => Some(format!("{} takes no body", route.name)),
            (None, true) => Some(format!("{} wants a body", route.name)),
            (None, false) => None,
        }
    }

    /// Tells what of an answer does not fit, if anything.
    pub fn answer_misfit(&self, route: Route, status: u16, body: &Value) -> Option<String> {
        let responses = &self.0[route.api]["paths"][route.path][route.method]["responses"];
        if status >= 400 {
            // Refusals of any kind have one shape; eBay's is described where a part of an answer is refused.
            if !self.0[route.api]["components"]["schemas"]["ErrorSchema"].is_null() {
                return (!body["error"].is_string()).then(|| format!("{} refuses without an error", route.name));
            }
            let schema = serde_json::json!({ "$ref": "#/components/schemas/Error" });
            let errors = body["errors"].as_array()?;
            return errors.iter().find_map(|one| self.misfit(route.api, &schema, one, "errors"));
        }
        let described = &responses[status.to_string()];
        if described.is_null() {
            return Some(format!("{} does not answer with {status}", route.name));
        }
        // 207 is told of, and not described: it looks like 200.
        let own = &described["content"][JSON]["schema"];
        let schema = if own.is_null() { &responses["200"]["content"][JSON]["schema"] } else { own };
        match (body.is_null(), status == 204 || schema.is_null()) {
            (true, true) => None,
            (false, true) => Some(format!("{} answers {status} without a body", route.name)),
            _ => self.misfit(route.api, schema, body, "answer"),
        }
    }

    fn misfit(&self, api: &str, schema: &Value, value: &Value, path: &str) -> Option<String> {
        if value.is_null() && schema["nullable"] == true {
            return None;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.misfit(api, &self.0[api]["components"]["schemas"][name], value, path);
        }
        if let Some([only]) = schema["oneOf"].as_array().map(Vec::as_slice) {
            return self.misfit(api, only, value, path);
        }
        match (schema["type"].as_str(), value) {
            (Some("array"), Value::Array(list)) => {
                list.iter().find_map(|one| self.misfit(api, &schema["items"], one, &format!("{path}[]")))
            }
            (Some("object") | None, Value::Object(fields)) => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                if let Some(name) = required.into_iter().find(|name| !fields.contains_key(*name)) {
                    return Some(format!("{path}.{name} is missing"));
                }
                let known = schema["properties"].as_object().filter(|known| !known.is_empty())?;
                fields.iter().find_map(|(name, value)| match known.get(name) {
                    Some(schema) => self.misfit(api, schema, value, &format!("{path}.{name}")),
                    None => Some(format!("{path}.{name} is not known")),
                })
            }
            (Some("string"), Value::String(said)) => worded(schema, said).map(|wrong| format!("{path} is {wrong}")),
            (Some("boolean"), Value::Bool(_)) | (Some("number"), Value::Number(_)) => None,
            (Some("integer"), Value::Number(number)) if number.is_i64() => {
                bounded(schema, number.as_i64().unwrap_or_default()).map(|wrong| format!("{path} is {wrong}"))
            }
            (kind, _) => Some(format!("{path} is {value}, and no {}", kind.unwrap_or("object"))),
        }
    }
}

/// Tells what of a value does not fit that was sent as a text; lists stand there with commas.
fn said_misfit(schema: &Value, said: &str) -> Option<String> {
    match schema["type"].as_str() {
        Some("array") => said.split(',').find_map(|one| said_misfit(&schema["items"], one)),
        Some("integer") => match said.parse() {
            Ok(number) => bounded(schema, number),
            Err(_) => Some(format!("{said}, and no integer")),
        },
        Some("boolean") => (!matches!(said, "true" | "false")).then(|| format!("{said}, and no boolean")),
        _ => worded(schema, said),
    }
}

/// Small and capital letters are not told apart: Etsy itself does not.
fn worded(schema: &Value, said: &str) -> Option<String> {
    let words = schema["enum"].as_array()?;
    let fits = words.iter().any(|word| word.as_str().is_some_and(|word| word.eq_ignore_ascii_case(said)));
    (!fits).then(|| format!("{said}, and none of its words"))
}

fn bounded(schema: &Value, number: i64) -> Option<String> {
    let below = schema["minimum"].as_i64().is_some_and(|least| number < least);
    let above = schema["maximum"].as_i64().is_some_and(|most| number > most);
    (below || above).then(|| format!("{number}, and out of bounds"))
}
