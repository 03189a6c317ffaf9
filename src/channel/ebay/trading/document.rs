//! Documents for Trading. The schema fixes the order of elements: what all requests have comes before what one call has
//! (1.6 of eBay's facts).

use quick_xml::escape::escape;

/// A request, written from its start to its end.
pub(super) struct Document {
    text: String,
    call: &'static str,
}

impl Document {
    /// Begins the request of a call. Errors are asked for in one language, so that their words are stable.
    pub fn new(call: &'static str, detail: Option<&str>, select: &[String]) -> Self {
        let root = format!(r#"<{call}Request xmlns="urn:ebay:apis:eBLBaseComponents">"#);
        let mut document = Self { text: format!(r#"<?xml version="1.0" encoding="UTF-8"?>{root}"#), call };
        if let Some(detail) = detail {
            document.element("DetailLevel", detail);
        }
        document.element("ErrorLanguage", "en_US");
        for path in select {
            document.element("OutputSelector", path);
        }
        document
    }

    /// Adds an element that holds text.
    pub fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.text.push_str(&format!("<{name}>{}</{name}>", escape(text)));
        self
    }

    /// Adds an element that holds others.
    pub fn group(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.text.push_str(&format!("<{name}>"));
        fill(self);
        self.text.push_str(&format!("</{name}>"));
        self
    }

    /// Returns the call that it is for.
    pub fn call(&self) -> &'static str {
        self.call
    }

    /// Ends it.
    pub fn finish(mut self) -> String {
        self.text.push_str(&format!("</{}Request>", self.call));
        self.text
    }
}
