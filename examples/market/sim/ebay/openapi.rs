//! The official descriptions of the REST interfaces, where `EYS_SPECS` names the folder that has them: requests and our
//! own answers are held against them.
//!
//! eBay's files require next to nothing and forbid nothing, so the check is stricter than they are: every field and
//! every parameter must be one that they know.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;

/// The files by the part of the address that they describe.
const FILES: [(&str, &str); 4] = [
    ("/sell/inventory/v1", "sell_inventory_v1_oas3.json"),
    ("/sell/fulfillment/v1", "sell_fulfillment_v1_oas3.json"),
    ("/sell/account/v1", "sell_account_v1_oas3.json"),
    ("/developer/analytics/v1_beta", "developer_analytics_v1_beta_oas3.json"),
];

/// The official descriptions.
pub struct OpenApi(BTreeMap<&'static str, Value>);

/// Which operation a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The first part of the address, such as `/sell/inventory/v1`.
    pub api: &'static str,
    /// The rest of it, with the names of what stands in it.
    pub path: &'static str,
    /// The method, in small letters.
    pub method: &'static str,
    /// The operation's name at eBay.
    pub name: &'static str,
}

/// Read once a process: they are large.
static KNOWN: LazyLock<Option<OpenApi>> = LazyLock::new(|| {
    let folder = PathBuf::from(std::env::var_os("EYS_SPECS")?).join("ebay");
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
        let named = |name: &str| known.into_iter().flatten().any(|one| one["name"] == name && one["in"] == "query");
        if let Some((name, _)) = query.iter().find(|(name, _)| !named(name)) {
            return Some(format!("{} has no parameter {name}", route.name));
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        match (body, schema.is_object()) {
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
            // Refusals of any kind have one shape, which is described where a part of an answer is refused.
            let schema = serde_json::json!({ "$ref": "#/components/schemas/Error" });
            let errors = body["errors"].as_array()?;
            return errors.iter().find_map(|one| self.misfit(route.api, &schema, one, "errors"));
        }
        let described = &responses[status.to_string()];
        if described.is_null() {
            return Some(format!("{} does not answer with {status}", route.name));
        }
        // 207 is told of, and not described: it looks like 200.
        let own = &described["content"]["application/json"]["schema"];
        let schema = if own.is_null() { &responses["200"]["content"]["application/json"]["schema"] } else { own };
        match (body.is_null(), status == 204 || schema.is_null()) {
            (true, true) => None,
            (false, true) => Some(format!("{} answers {status} without a body", route.name)),
            _ => self.misfit(route.api, schema, body, "answer"),
        }
    }

    fn misfit(&self, api: &str, schema: &Value, value: &Value, path: &str) -> Option<String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.misfit(api, &self.0[api]["components"]["schemas"][name], value, path);
        }
        match (schema["type"].as_str(), value) {
            (Some("array"), Value::Array(list)) => {
                list.iter().find_map(|one| self.misfit(api, &schema["items"], one, &format!("{path}[]")))
            }
            (Some("object") | None, Value::Object(fields)) => {
                let known = schema["properties"].as_object()?;
                fields.iter().find_map(|(name, value)| match known.get(name) {
                    Some(schema) => self.misfit(api, schema, value, &format!("{path}.{name}")),
                    None => Some(format!("{path}.{name} is not known")),
                })
            }
            (Some("string"), Value::String(_))
            | (Some("boolean"), Value::Bool(_))
            | (Some("number"), Value::Number(_)) => None,
            (Some("integer"), Value::Number(number)) if number.is_i64() => None,
            (kind, _) => Some(format!("{path} is {value}, and no {}", kind.unwrap_or("object"))),
        }
    }
}
