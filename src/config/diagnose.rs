//! Problems of channels.toml, each with its place in the file, underlined, and the mend.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::channel::harmless;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// The bytes of the file it is about.
    pub span: Range<usize>,
    /// What stands under the underlined text.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All problems of a file. The text of the file is kept with every secret in it blanked out.
#[derive(Clone, Debug)]
pub struct ConfigError {
    path: PathBuf,
    text: String,
    problems: Vec<Problem>,
    plain: Option<(String, String)>,
}

impl ConfigError {
    /// Makes the error of a checked file. `secrets` are the places of secrets in it.
    pub(super) fn new(path: &Path, text: &str, secrets: &[Range<usize>], mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span.start);
        for problem in &mut problems {
            problem.message = line(&problem.message);
            problem.label = line(&problem.label);
            problem.help = problem.help.as_deref().map(line);
        }
        Self { path: path.to_owned(), text: blanked(text, secrets), problems, plain: None }
    }

    /// Makes the error of a file that cannot be read.
    pub(super) fn file(path: &Path, error: &std::io::Error) -> Self {
        let next = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "`eys init` makes one; or say where it is with --config FILE or EYS_CONFIG".to_owned()
            }
            std::io::ErrorKind::InvalidData => "save it as UTF-8".to_owned(),
            _ => format!("give yourself the right to read {}", path.display()),
        };
        Self::plain(path, format!("{}: {error}", path.display()), next)
    }

    /// Makes an error about the file as a whole.
    pub(super) fn plain(path: &Path, message: String, next: String) -> Self {
        Self { path: path.to_owned(), text: String::new(), problems: Vec::new(), plain: Some((message, next)) }
    }

    /// Returns the problems, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns each problem as a sentence with its line and column, and its mend.
    pub fn told(&self) -> Vec<(String, Option<String>)> {
        if let Some((message, next)) = &self.plain {
            return vec![(message.clone(), Some(next.clone()))];
        }
        let tell = |problem: &Problem| {
            let (line, column) = self.place(problem.span.start);
            (format!("{}:{line}:{column}: {}", self.path.display(), problem.message), problem.help.clone())
        };
        self.problems.iter().map(tell).collect()
    }

    /// Draws the problems: file, line, column, the text underlined, the mend.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        if let Some((message, next)) = &self.plain {
            return format!("error: {message}\n  help: {next}");
        }
        let path = self.path.to_string_lossy();
        let draw = |problem: &Problem| {
            let span = AnnotationKind::Primary.span(self.visible(&problem.span)).label(problem.label.as_str());
            let snippet = Snippet::source(self.text.as_str()).path(path.as_ref()).annotation(span);
            let group = Level::ERROR.primary_title(problem.message.as_str()).element(snippet);
            let group = match &problem.help {
                Some(help) => group.element(Level::HELP.message(help.as_str())),
                None => group,
            };
            renderer.render(&[group])
        };
        self.problems.iter().map(draw).collect::<Vec<_>>().join("\n\n")
    }

    /// Keeps a span inside the text, and on one line, and wide enough to be seen.
    fn visible(&self, span: &Range<usize>) -> Range<usize> {
        let start = span.start.min(self.text.len());
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        start..span.end.clamp(start, line_end.max(start))
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        (line, column)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.told().into_iter().map(|(message, _)| message).collect();
        f.write_str(&told.join("; "))
    }
}

impl std::error::Error for ConfigError {}

/// Makes one line of a text that may quote the file, fit for a terminal.
fn line(text: &str) -> String {
    harmless(text).replace('\n', "?")
}

/// Blanks out some places of a text without moving anything else.
fn blanked(text: &str, places: &[Range<usize>]) -> String {
    let hidden = |at: usize| places.iter().any(|place| place.contains(&at));
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '\n' | '"' | '\'' => out.push(c),
            c if hidden(at) => out.extend(std::iter::repeat_n('*', c.len_utf8())),
            c if c.is_control() && c != '\t' && c != '\r' => out.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => out.push(c),
        }
    }
    out
}

/// Returns the places of all quoted text, for a file that cannot be understood and may hold a secret anywhere.
pub(super) fn quoted(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(value) = line.find('=') {
            places.push(at + value + 1..at + line.len());
        }
        at += line.len();
    }
    places
}

/// Finds the known word that is nearest to an unknown one, if it is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Makes the help of an unknown word.
pub(super) fn did_you_mean(word: &str, known: &[&str], what: &str) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}: {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")),
    }
}
