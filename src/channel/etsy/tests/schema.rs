//! Every request of the tests against Etsy's own schema, where `EYS_SPECS` names the folder that has it: paths, parameters,
//! and the fields of bodies.

use std::sync::OnceLock;

use super::*;

fn specs() -> Option<&'static Json> {
    static SPECS: OnceLock<Option<Json>> = OnceLock::new();
    let read = || {
        let folder = std::env::var_os("EYS_SPECS")?;
        let file = std::path::PathBuf::from(folder).join("etsy/etsy_open_api_v3_2026-08-17.json");
        Some(serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
    };
    SPECS.get_or_init(read).as_ref()
}

/// Finds the operation of a path; one without a part in braces goes before one with.
fn operation<'a>(specs: &'a Json, path: &str, method: &str) -> Option<&'a Json> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        let same =
            |(one, other): (&&str, &&str)| one == other || (one.starts_with('{') && other.parse::<u64>().is_ok());
        template.len() == parts.len() && template.iter().zip(&parts).all(same)
    };
    let mut found: Vec<(&String, &Json)> =
        specs["paths"].as_object().unwrap().iter().filter(|(template, _)| fits(template)).collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.first().map(|(_, operations)| &operations[method]).filter(|operation| operation.is_object())
}

/// Holds a request against Etsy's schema.
pub(super) fn check(request: &Request) {
    let path = request.url.path();
    if path == "/v3/public/oauth/token" {
        assert!(!request.headers.contains_key("authorization"));
        return;
    }
    assert!(request.headers["x-api-key"].is_sensitive());
    assert_eq!(request.headers["x-api-key"], "keystring1:shared-secret-1");
    let Some(specs) = specs() else { return };
    let method = request.method.as_str().to_lowercase();
    let operation = operation(specs, path, &method).unwrap_or_else(|| panic!("{method} {path} is unknown"));
    for (name, value) in request.url.query_pairs() {
        let known = operation["parameters"].as_array().into_iter().flatten();
        let known = known.filter(|parameter| parameter["in"] == "query").find(|parameter| parameter["name"] == *name);
        check_text(&value, &known.unwrap_or_else(|| panic!("{path} takes no {name}"))["schema"]);
    }
    let content = &operation["requestBody"]["content"];
    match request.headers.get("content-type").map(|kind| kind.to_str().unwrap()) {
        None => assert!(request.body.is_empty() && content.is_null(), "{path} wants a body"),
        Some(kind) => {
            let schema = &content[kind]["schema"];
            assert!(schema.is_object(), "{path} takes no {kind}");
            if kind == "application/json" {
                check_value(&serde_json::from_slice(&request.body).unwrap(), schema);
            } else {
                for (name, value) in url::form_urlencoded::parse(&request.body) {
                    check_text(&value, &schema["properties"][&*name]);
                }
            }
        }
    }
}

/// Checks a value that is written as text.
fn check_text(text: &str, schema: &Json) {
    assert!(schema.is_object(), "{text} has no schema");
    match schema["type"].as_str().unwrap() {
        "array" => text.split(',').for_each(|part| check_text(part, &schema["items"])),
        "integer" => check_value(&json!(text.parse::<i64>().unwrap()), schema),
        "boolean" => assert!(matches!(text, "true" | "false"), "{text}"),
        _ => check_value(&json!(text), schema),
    }
}

fn check_value(value: &Json, schema: &Json) {
    assert!(schema.is_object(), "{value} has no schema");
    if value.is_null() {
        assert_eq!(schema["nullable"], true, "{schema} may not be null");
        return;
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{value} is none of {allowed:?}");
    }
    match schema["type"].as_str().unwrap() {
        "object" => {
            let fields = value.as_object().unwrap();
            for due in schema["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(due.as_str().unwrap()), "{due} is missing in {value}");
            }
            fields.iter().for_each(|(name, field)| check_value(field, &schema["properties"][name]));
        }
        "array" => value.as_array().unwrap().iter().for_each(|entry| check_value(entry, &schema["items"])),
        "integer" => {
            let number = value.as_i64().unwrap_or_else(|| panic!("{value} is no whole number"));
            assert!(schema["minimum"].as_i64().is_none_or(|least| least <= number), "{value} is too small");
            assert!(schema["maximum"].as_i64().is_none_or(|most| number <= most), "{value} is too large");
        }
        "number" => assert!(value.is_number()),
        "boolean" => assert!(value.is_boolean()),
        kind => assert!(kind == "string" && value.is_string(), "{value} is no {kind}"),
    }
}

#[test]
fn the_schema_is_there_or_it_is_said_that_it_is_not() {
    let Some(specs) = specs() else {
        eprintln!("skipped: EYS_SPECS does not name the folder of the platforms' schemas");
        return;
    };
    let put = operation(specs, "/v3/application/listings/1/inventory", "put").unwrap();
    let schema = &put["requestBody"]["content"]["application/json"]["schema"];
    let wrong = |value: Json| std::panic::catch_unwind(|| check_value(&value, schema)).is_err();
    let offering = json!({ "price": 19.5, "quantity": 1, "is_enabled": true, "readiness_state_id": null });
    assert!(!wrong(json!({ "products": [{ "offerings": [offering] }] })));
    assert!(wrong(json!({ "products": [{ "product_id": 1, "offerings": [offering] }] })));
    assert!(wrong(json!({ "products": [{ "offerings": [{ "price": 19.5, "quantity": 1 }] }] })));
    assert!(operation(specs, "/v3/application/listings/batch/inventory", "get").is_some());
}
