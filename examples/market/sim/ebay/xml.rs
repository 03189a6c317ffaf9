//! XML as small trees: what a Trading request says, what an answer shows, and what the official schema is written in.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};

/// An element. Names are without prefixes: Trading knows one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Vec<(String, String)>,
    /// Its own text; blanks between elements are none.
    pub text: String,
    /// The elements in it, in their order.
    pub children: Vec<Node>,
}

impl Node {
    /// Makes an empty element.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Makes an element that holds a text.
    #[expect(clippy::needless_pass_by_value, reason = "words and numbers are given as they come")]
    pub fn leaf(name: &str, text: impl ToString) -> Self {
        Self { text: text.to_string(), ..Self::new(name) }
    }

    /// Makes an element that holds others.
    pub fn of(name: &str, children: impl IntoIterator<Item = Self>) -> Self {
        Self { children: children.into_iter().collect(), ..Self::new(name) }
    }

    /// Gives it an attribute.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: &str) -> Self {
        self.attributes.push((attribute.into(), value.into()));
        self
    }

    /// Returns the value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the first element of a name in it.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns all elements of a name in it.
    pub fn all<'a, 'n: 'a>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Self> + use<'a, 'n> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Follows a path of names, separated by slashes.
    pub fn find(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| node.child(name))
    }

    /// Returns what an element at a path says.
    pub fn said(&self, path: &str) -> Option<&str> {
        self.find(path).map(|node| node.text.as_str())
    }

    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|why| why.to_string())? {
                Event::Start(start) => open.push(Self::begun(&start)?),
                Event::Empty(start) => last(&mut open)?.children.push(Self::begun(&start)?),
                Event::End(_) => {
                    let mut done = open.pop().ok_or("an end without a beginning")?;
                    if !done.children.is_empty() && done.text.trim().is_empty() {
                        done.text.clear();
                    }
                    last(&mut open)?.children.push(done);
                }
                Event::Text(text) => last(&mut open)?.text.push_str(&text.xml10_content()),
                Event::CData(text) => last(&mut open)?.text.push_str(&text),
                Event::GeneralRef(entity) => {
                    let character = entity.resolve_char_ref().map_err(|why| why.to_string())?.map(String::from);
                    let named = || resolve_predefined_entity(&entity).map(ToOwned::to_owned);
                    let meant = character.or_else(named).ok_or("an unknown entity")?;
                    last(&mut open)?.text.push_str(&meant);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        match (open.len(), open.pop()) {
            (1, Some(mut all)) if all.children.len() == 1 => all.children.pop().ok_or_else(String::new),
            _ => Err("a document has one element at its root".into()),
        }
    }

    fn begun(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut node = Self::new(start.local_name().as_ref());
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|why| why.to_string())?;
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|why| why.to_string())?;
            node.attributes.push((attribute.key.0.to_owned(), value.into_owned()));
        }
        Ok(node)
    }

    /// Writes it as a document.
    pub fn document(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) {
        to.push_str(&format!("<{}", self.name));
        for (name, value) in &self.attributes {
            to.push_str(&format!(" {name}=\"{}\"", escape(value.as_str())));
        }
        if self.text.is_empty() && self.children.is_empty() {
            to.push_str("/>");
            return;
        }
        to.push('>');
        to.push_str(&escape(self.text.as_str()));
        for child in &self.children {
            child.write(to);
        }
        to.push_str(&format!("</{}>", self.name));
    }
}

fn last(open: &mut [Node]) -> Result<&mut Node, String> {
    open.last_mut().ok_or_else(|| "an end without a beginning".into())
}
