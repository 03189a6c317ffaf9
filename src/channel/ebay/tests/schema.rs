//! Every request of the tests against eBay's own schemas, where `EYS_SPECS` names the folder that has them: elements and
//! their order in Trading's documents, the fields of JSON bodies. The schemas allow more than eBay takes, and no less.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::*;

/// A type of Trading's schema: what it extends, and its elements in their order with their types.
#[derive(Default)]
struct Type {
    base: Option<String>,
    elements: Vec<(String, String)>,
}

/// An element of a document.
#[derive(Default)]
struct Node {
    name: String,
    children: Vec<Node>,
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("EYS_SPECS").map(|specs| PathBuf::from(specs).join("ebay"))
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).unwrap()?;
    Some(attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned())
}

fn plain(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

fn types() -> Option<&'static HashMap<String, Type>> {
    static TYPES: OnceLock<Option<HashMap<String, Type>>> = OnceLock::new();
    let read = || {
        let text = std::fs::read_to_string(folder()?.join("trading_1379_subset.xsd")).unwrap();
        let mut reader = Reader::from_str(&text);
        let (mut types, mut current) = (HashMap::<String, Type>::new(), None::<String>);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) => {
                    let own = |types: &mut HashMap<String, Type>, change: &dyn Fn(&mut Type)| {
                        if let Some(name) = &current {
                            change(types.entry(name.clone()).or_default());
                        }
                    };
                    match plain(start.name().as_ref()).as_str() {
                        "complexType" => {
                            if let Some(name) = attribute(&start, "name") {
                                types.entry(name.clone()).or_default();
                                current = Some(name);
                            }
                        }
                        "extension" => {
                            let base = attribute(&start, "base").map(|base| plain(&base));
                            own(&mut types, &|own| own.base.clone_from(&base));
                        }
                        "element" => {
                            let pair = attribute(&start, "name").zip(attribute(&start, "type"));
                            own(&mut types, &|own| {
                                own.elements.extend(pair.clone().map(|(name, kind)| (name, plain(&kind))));
                            });
                        }
                        _ => {}
                    }
                }
                Event::End(end) if plain(end.name().as_ref()) == "complexType" => current = None,
                Event::Eof => return Some(types),
                _ => {}
            }
        }
    };
    TYPES.get_or_init(read).as_ref()
}

fn tree(text: &str) -> Node {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                open.push(Node { name: plain(start.name().as_ref()), children: Vec::new() });
            }
            Event::End(_) => {
                let done = open.pop().unwrap();
                open.last_mut().unwrap().children.push(done);
            }
            Event::Eof => return open.pop().unwrap().children.pop().unwrap(),
            _ => {}
        }
    }
}

fn elements<'a>(types: &'a HashMap<String, Type>, name: &str) -> Vec<&'a (String, String)> {
    let Some(own) = types.get(name) else { return Vec::new() };
    let base = own.base.as_deref().map(|base| elements(types, base)).unwrap_or_default();
    base.into_iter().chain(&own.elements).collect()
}

fn check_node(types: &HashMap<String, Type>, node: &Node, kind: &str) {
    let elements = elements(types, kind);
    let mut at = 0;
    for child in &node.children {
        let place = elements[at..].iter().position(|(name, _)| *name == child.name);
        let place = place.unwrap_or_else(|| panic!("{kind}: {} is unknown or stands too late", child.name));
        at += place;
        check_node(types, child, &elements[at].1);
    }
}

/// Holds a request against eBay's schemas.
pub(super) fn check(request: &Request) {
    let text = std::str::from_utf8(&request.body).unwrap();
    if request.headers.contains_key("x-ebay-api-call-name") {
        let root = tree(text);
        assert_eq!(root.name, format!("{}Request", short(request)));
        if let Some(types) = types() {
            assert!(types.contains_key(&format!("{}Type", root.name)), "{} is no request", root.name);
            check_node(types, &root, &format!("{}Type", root.name));
        }
        return;
    }
    let Some(schema) = bodies().iter().find(|(path, _)| request.url.path().ends_with(path)) else { return };
    let Some(specs) = inventory_schemas() else { return };
    check_json(specs, &serde_json::from_str(text).unwrap(), &specs[schema.1]);
}

/// What the bodies of calls are called in the schema.
fn bodies() -> &'static [(&'static str, &'static str)] {
    &[
        ("/bulk_update_price_quantity", "BulkPriceQuantity"),
        ("/bulk_get_inventory_item", "BulkGetInventoryItem"),
        ("/withdraw_by_inventory_item_group", "WithdrawByInventoryItemGroupRequest"),
        ("/publish_by_inventory_item_group", "PublishByInventoryItemGroupRequest"),
    ]
}

fn inventory_schemas() -> Option<&'static Json> {
    static SCHEMAS: OnceLock<Option<Json>> = OnceLock::new();
    let read = || {
        let text = std::fs::read_to_string(folder()?.join("sell_inventory_v1_oas3.json")).unwrap();
        let whole: Json = serde_json::from_str(&text).unwrap();
        Some(whole["components"]["schemas"].clone())
    };
    SCHEMAS.get_or_init(read).as_ref()
}

fn check_json(specs: &Json, value: &Json, schema: &Json) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &specs[name.rsplit('/').next().unwrap()],
        None => schema,
    };
    assert!(schema.is_object(), "{value} has no schema");
    match value {
        Json::Object(fields) => {
            for (name, field) in fields {
                let known = &schema["properties"][name];
                assert!(known.is_object(), "{name} is no field of {schema}");
                check_json(specs, field, known);
            }
        }
        Json::Array(entries) => entries.iter().for_each(|entry| check_json(specs, entry, &schema["items"])),
        Json::Number(_) => assert_eq!(schema["type"], "integer"),
        _ => assert_eq!(schema["type"], "string"),
    }
}

#[test]
fn the_schemas_are_there_or_it_is_said_that_they_are_not() {
    if folder().is_none() {
        eprintln!("skipped: EYS_SPECS does not name the folder of the platforms' schemas");
        return;
    }
    let types = types().unwrap();
    let wrong = |text: &str| std::panic::catch_unwind(|| check_node(types, &tree(text), "GetItemRequestType")).is_err();
    assert!(!wrong("<GetItemRequest><ErrorLanguage>en_US</ErrorLanguage><ItemID>1</ItemID></GetItemRequest>"));
    assert!(wrong("<GetItemRequest><ItemID>1</ItemID><ErrorLanguage>en_US</ErrorLanguage></GetItemRequest>"));
    assert!(wrong("<GetItemRequest><ItemNumber>1</ItemNumber></GetItemRequest>"));
}
