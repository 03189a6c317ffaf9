//! The search syntax of `query:` arguments (5.1, 5.2, 5.5, 8.1).
//!
//! A term that is not understood is ignored, with a warning, as Shopify does: a filter with a mistake in it returns
//! too much rather than nothing.

use jiff::Timestamp;

/// A filter.
#[derive(Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Term(Term),
}

/// One comparison.
#[derive(Debug, PartialEq)]
pub(super) struct Term {
    pub field: String,
    pub how: How,
    pub value: String,
    /// The value as a time, read once for all records.
    time: Option<Timestamp>,
}

/// How a term compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Is,
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// What a record has that a term asks about.
pub(super) enum Has<'a> {
    Text(&'a str),
    Time(Timestamp),
    Number(i64),
    Flag(bool),
    OneOf(Vec<&'a str>),
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader { tokens: tokens(text), at: 0 };
        reader.any()
    }

    /// Tells whether a record fits; `fits` says `None` of a term that it does not understand.
    pub fn fits(&self, fits: &mut impl FnMut(&Term) -> Option<bool>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.fits(fits)),
            Self::Any(parts) => parts.iter().any(|part| part.fits(fits)),
            Self::Not(part) => !part.fits(fits),
            Self::Term(term) => fits(term).unwrap_or(true),
        }
    }
}

impl Term {
    /// Makes a comparison.
    pub fn new(field: impl Into<String>, how: How, value: impl Into<String>) -> Self {
        let value = value.into();
        let time = moment(&value);
        Self { field: field.into(), how, value, time }
    }

    /// Compares with what a record has; `None` where the value is no such thing.
    pub fn compares(&self, has: &Has) -> Option<bool> {
        match has {
            // 5.5: search does not look at case, and may return neighbours.
            Has::Text(text) => Some(alike(text, &self.value)),
            Has::OneOf(words) => Some(words.iter().any(|word| word.eq_ignore_ascii_case(&self.value))),
            Has::Flag(is) => Some(*is == self.value.parse::<bool>().ok()?),
            Has::Number(number) => Some(self.orders(*number, self.value.parse().ok()?)),
            // What Shopify shows and searches has whole seconds.
            Has::Time(time) => Some(self.orders(time.as_second(), self.time?.as_second())),
        }
    }

    fn orders(&self, has: i64, wanted: i64) -> bool {
        match self.how {
            How::Is => has == wanted,
            How::Above => has > wanted,
            How::AtLeast => has >= wanted,
            How::Below => has < wanted,
            How::AtMost => has <= wanted,
        }
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

/// Tells whether a text is the wanted one, or begins with it as a word of its own.
fn alike(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    text == wanted || text.strip_prefix(&wanted).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[derive(Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Minus,
    Word(String),
    Term(Term),
}

/// Cuts a filter into tokens. An unquoted value ends at a colon, which is a special character (5.2).
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        match first {
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '-' => tokens.push(Token::Minus),
            _ => {
                let (word, after) = value(rest);
                let Some(after_colon) = after.strip_prefix(':') else {
                    tokens.push(Token::Word(word));
                    rest = after.trim_start();
                    continue;
                };
                let (how, after_how) = comparison(after_colon);
                let (wanted, after_value) = value(after_how);
                tokens.push(Token::Term(Term::new(word, how, wanted)));
                // What is left of an unquoted value after its colon is lost.
                let lost = after_value.find(|c: char| c.is_whitespace() || c == ')').unwrap_or(after_value.len());
                rest = after_value[lost..].trim_start();
                continue;
            }
        }
        rest = rest[first.len_utf8()..].trim_start();
    }
    tokens
}

fn comparison(text: &str) -> (How, &str) {
    let known = [(">=", How::AtLeast), ("<=", How::AtMost), (">", How::Above), ("<", How::Below)];
    let found = known.into_iter().find_map(|(sign, how)| Some((how, text.strip_prefix(sign)?)));
    found.unwrap_or((How::Is, text))
}

/// Reads a value, quoted with `'` or `"` or not, and returns what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        let end = text.find(|c: char| c.is_whitespace() || matches!(c, ':' | '(' | ')')).unwrap_or(text.len());
        return (text[..end].into(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == quote => return (value, &text[at + c.len_utf8()..]),
            c => value.push(c),
        }
    }
    (value, "")
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn any(&mut self) -> Filter {
        let mut parts = vec![self.all()];
        while self.word("OR") {
            parts.push(self.all());
        }
        if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) }
    }

    fn all(&mut self) -> Filter {
        let mut parts = Vec::new();
        loop {
            let _ = self.word("AND");
            match self.tokens.get(self.at) {
                None | Some(Token::Close) => break,
                Some(Token::Word(word)) if word == "OR" => break,
                Some(_) => parts.push(self.one()),
            }
        }
        if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) }
    }

    fn one(&mut self) -> Filter {
        self.at += 1;
        match std::mem::replace(&mut self.tokens[self.at - 1], Token::Close) {
            Token::Minus => Filter::Not(Box::new(self.one_more())),
            Token::Word(word) if word == "NOT" => Filter::Not(Box::new(self.one_more())),
            Token::Open => {
                let inside = self.any();
                self.at += 1;
                inside
            }
            Token::Term(term) => Filter::Term(term),
            Token::Word(word) => Filter::Term(Term::new("default", How::Is, word)),
            Token::Close => Filter::All(Vec::new()),
        }
    }

    fn one_more(&mut self) -> Filter {
        if self.at < self.tokens.len() { self.one() } else { Filter::All(Vec::new()) }
    }

    fn word(&mut self, wanted: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(is);
        is
    }
}
