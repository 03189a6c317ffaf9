//! The official schema of Trading, where `EYS_SPECS` names the folder that has it: requests and our own answers are
//! held against it.
//!
//! What is covered: the names of elements and attributes, their order, how often an element stands, the built-in types
//! and the lists of words. That is all the file uses, and the reader refuses a file that uses more. What Trading itself
//! writes in prose, such as which fields belong together, is not in the file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::{Span, Timestamp};

use super::xml::Node;

/// The official schema.
pub struct Xsd {
    elements: BTreeMap<String, String>,
    types: BTreeMap<String, Kind>,
}

/// A type.
#[derive(Debug, Default)]
struct Kind {
    /// The type that it extends, or restricts.
    base: Option<String>,
    /// The words that it takes; any where there are none.
    words: Vec<String>,
    /// Whether it holds a text and no elements; attributes it may have all the same.
    simple: bool,
    elements: Vec<Element>,
    attributes: Vec<(String, String, bool)>,
}

/// An element of a sequence.
#[derive(Clone, Debug)]
struct Element {
    name: String,
    kind: String,
    least: usize,
    most: usize,
}

/// Read once a process: it is large.
static KNOWN: LazyLock<Option<Xsd>> = LazyLock::new(|| {
    let path = PathBuf::from(std::env::var_os("EYS_SPECS")?).join("ebay/trading_1379_subset.xsd");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    Some(Xsd::read(&Node::parse(&text).expect("the official schema is XML")))
});

impl Xsd {
    /// Returns it, if the specs are at hand.
    pub fn known() -> Option<&'static Self> {
        KNOWN.as_ref()
    }

    /// Tells what of a document does not fit, if anything.
    pub fn misfit(&self, root: &Node) -> Option<String> {
        match self.elements.get(&root.name) {
            Some(kind) => self.element_misfit(root, kind, &root.name),
            None => Some(format!("there is no element {}", root.name)),
        }
    }

    fn read(schema: &Node) -> Self {
        let mut known = Self { elements: BTreeMap::new(), types: BTreeMap::new() };
        for child in &schema.children {
            let name = child.attribute("name").unwrap_or_default().to_owned();
            match child.name.as_str() {
                "element" => drop(known.elements.insert(name, type_of(child))),
                "complexType" | "simpleType" => {
                    let mut kind = Kind { simple: child.name == "simpleType", ..Kind::default() };
                    child.children.iter().for_each(|part| kind.read(part));
                    child.attributes.iter().for_each(|(known, _)| {
                        assert!(matches!(known.as_str(), "name" | "abstract"), "{name} has {known}");
                    });
                    known.types.insert(name, kind);
                }
                other => panic!("the schema has {other}, which is not covered"),
            }
        }
        known
    }

    fn element_misfit(&self, node: &Node, kind: &str, path: &str) -> Option<String> {
        let known = self.types.get(kind);
        let (elements, attributes) = known.map(|known| self.whole(known)).unwrap_or_default();
        let attribute = self.attribute_misfit(node, &attributes, path);
        if attribute.is_some() {
            return attribute;
        }
        if known.is_none_or(|known| known.simple) {
            let within = node.children.first().map(|child| format!("{path} holds a text, and no {}", child.name));
            return within.or_else(|| self.text_misfit(&node.text, kind, path));
        }
        if !node.text.trim().is_empty() {
            return Some(format!("{path} holds elements, and no text"));
        }
        self.sequence_misfit(node, &elements, path)
    }

    /// Collects what a type has, what it extends first.
    fn whole(&self, kind: &Kind) -> (Vec<Element>, Vec<(String, String, bool)>) {
        let base = kind.base.as_ref().and_then(|base| self.types.get(base));
        let (mut elements, mut attributes) = base.map(|base| self.whole(base)).unwrap_or_default();
        elements.extend(kind.elements.iter().cloned());
        attributes.extend(kind.attributes.iter().cloned());
        (elements, attributes)
    }

    fn attribute_misfit(&self, node: &Node, known: &[(String, String, bool)], path: &str) -> Option<String> {
        let given = node.attributes.iter().filter(|(name, _)| name != "xmlns" && !name.starts_with("xmlns:"));
        let wrong = given.into_iter().find_map(|(name, value)| match known.iter().find(|(one, ..)| one == name) {
            Some((_, kind, _)) => self.text_misfit(value, kind, &format!("{path}@{name}")),
            None => Some(format!("{path} has no attribute {name}")),
        });
        let missing = known.iter().find(|(name, _, required)| *required && node.attribute(name).is_none());
        wrong.or_else(|| missing.map(|(name, ..)| format!("{path} lacks its attribute {name}")))
    }

    fn sequence_misfit(&self, node: &Node, elements: &[Element], path: &str) -> Option<String> {
        let mut rest = node.children.as_slice();
        for element in elements {
            let count = rest.iter().take_while(|child| child.name == element.name).count();
            let here = format!("{path}/{}", element.name);
            if count < element.least || count > element.most {
                return Some(format!("{here} stands {count} times, or in the wrong place"));
            }
            let misfit = rest[..count].iter().find_map(|child| self.element_misfit(child, &element.kind, &here));
            if misfit.is_some() {
                return misfit;
            }
            rest = &rest[count..];
        }
        let first = rest.first()?;
        let known = elements.iter().any(|element| element.name == first.name);
        let why = if known { "stands in the wrong place" } else { "is not known there" };
        Some(format!("{path}/{} {why}", first.name))
    }

    fn text_misfit(&self, text: &str, kind: &str, path: &str) -> Option<String> {
        if let Some(known) = self.types.get(kind) {
            let word = known.words.is_empty() || known.words.iter().any(|word| word == text.trim());
            let base = known.base.as_deref().unwrap_or("string");
            return if word { self.text_misfit(text, base, path) } else { Some(format!("{path} may not be {text}")) };
        }
        let trimmed = text.trim();
        let fits = match kind {
            "int" => trimmed.parse::<i32>().is_ok(),
            "long" => trimmed.parse::<i64>().is_ok(),
            "boolean" => matches!(trimmed, "true" | "false" | "1" | "0"),
            "float" | "double" | "decimal" => trimmed.parse::<f64>().is_ok(),
            "dateTime" => trimmed.parse::<Timestamp>().is_ok() || trimmed.parse::<jiff::civil::DateTime>().is_ok(),
            "duration" => trimmed.parse::<Span>().is_ok(),
            "time" => trimmed.parse::<jiff::civil::Time>().is_ok(),
            "string" | "token" | "anyURI" => true,
            other => panic!("the type {other} is not covered"),
        };
        (!fits).then(|| format!("{path} is {trimmed:?}, and no {kind}"))
    }
}

impl Kind {
    fn read(&mut self, part: &Node) {
        match part.name.as_str() {
            "sequence" => {
                assert!(part.attributes.is_empty(), "a sequence as a whole may stand once");
                self.elements.extend(part.children.iter().map(Element::read));
            }
            "complexContent" => part.children.iter().for_each(|part| self.read(part)),
            "simpleContent" => {
                self.simple = true;
                part.children.iter().for_each(|part| self.read(part));
            }
            "extension" | "restriction" => {
                self.base = part.attribute("base").map(bare);
                part.children.iter().for_each(|part| self.read(part));
            }
            "enumeration" => self.words.extend(part.attribute("value").map(Into::into)),
            "attribute" => {
                let name = part.attribute("name").expect("an attribute has a name").to_owned();
                self.attributes.push((name, type_of(part), part.attribute("use") == Some("required")));
            }
            other => panic!("the schema has {other}, which is not covered"),
        }
    }
}

impl Element {
    fn read(node: &Node) -> Self {
        assert_eq!(node.name, "element", "only elements stand in a sequence");
        let number = |name: &str| match node.attribute(name) {
            Some("unbounded") => usize::MAX,
            given => given.map_or(1, |given| given.parse().expect("it is a number")),
        };
        let name = node.attribute("name").expect("an element has a name").to_owned();
        Self { name, kind: type_of(node), least: number("minOccurs"), most: number("maxOccurs") }
    }
}

fn type_of(node: &Node) -> String {
    bare(node.attribute("type").expect("a type is named"))
}

fn bare(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}
