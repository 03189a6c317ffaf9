//! The screen: the only place that prints. Results go to stdout, everything else to stderr.
//!
//! Text from a remote side passes through [`printable`] before it gets here or [`harmless`] on its way out, so that
//! nothing can steer a terminal. Everything is readable without colour.

mod error;
mod json;
mod ledger;
mod progress;
mod report;

use std::io::{IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, TableStyle, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

pub use self::error::Failure;
pub use self::json::{report_json, troubles_json};
pub use self::ledger::{hold_words, movement_words};
pub use self::progress::Bars;
pub use self::report::{list_of_limits, list_of_troubles, report_text, sentence, trouble_text};
use crate::channel::{harmless, printable};

/// How the screen is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// One JSON document on stdout in place of text.
    pub json: bool,
    /// Nothing that is not asked for or wrong.
    pub quiet: bool,
    /// More than usual.
    pub verbose: bool,
    /// No colour.
    pub plain: bool,
}

/// The screen.
#[derive(Clone, Debug)]
pub struct Ui {
    /// How it is to look.
    pub look: Look,
    /// Whether somebody sits at it who can answer.
    pub terminal: bool,
    /// The width of tables; `None` where the terminal tells it.
    width: Option<u16>,
}

impl Ui {
    /// Looks at the streams and the environment.
    pub fn new(look: Look) -> Self {
        let plain = look.plain || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<u16>().ok());
        let width = columns.or((!std::io::stdout().is_terminal()).then_some(100)).map(|width| width.clamp(60, 240));
        Self { look: Look { plain, ..look }, terminal, width }
    }

    /// Prints a result.
    pub fn say(&self, text: &str) {
        if !self.look.json {
            write_to(&mut std::io::stdout().lock(), &harmless(text));
        }
    }

    /// Prints something that is no result: what goes on, what to do next.
    pub fn note(&self, text: &str) {
        if !self.look.quiet && !self.look.json {
            write_to(&mut std::io::stderr().lock(), &harmless(text));
        }
    }

    /// Prints something that went wrong.
    pub fn complain(&self, text: &str) {
        write_to(&mut std::io::stderr().lock(), text);
    }

    /// Prints a document that is asked for as it is: a file, a page, a script.
    pub fn raw(&self, text: &str) {
        write_to(&mut std::io::stdout().lock(), text);
    }

    /// Prints the one JSON document of a command.
    pub fn document(&self, command: &str, exit: u8, mut body: Map<String, Value>) {
        if !self.look.json {
            return;
        }
        body.insert("schema".to_owned(), Value::from(format!("eys.{command}.1")));
        body.insert("exit".to_owned(), Value::from(exit));
        write_to(&mut std::io::stdout().lock(), &Value::Object(body).to_string());
    }

    /// Draws a table.
    pub fn table(&self, head: &[&str], rows: Vec<Vec<String>>) -> String {
        let mut table = Table::new();
        table.load_style(LIGHT).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = self.width {
            table.set_width(width);
        }
        table.set_header(head.iter().map(|cell| cell.to_uppercase()).collect::<Vec<_>>());
        for row in rows {
            table.add_row(row.iter().map(|cell| printable(cell, 300)).collect::<Vec<_>>());
        }
        let lines = table.to_string();
        lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Asks a question that a flag can answer too; without a terminal nobody answers.
    pub fn ask(&self, question: &str) -> bool {
        self.terminal
            && !self.look.json
            && dialoguer::Confirm::new().with_prompt(question).default(false).interact().unwrap_or(false)
    }

    /// Lets somebody choose some of several; without a terminal nothing is chosen.
    pub fn choose(&self, question: &str, items: &[&str]) -> Vec<usize> {
        if !self.terminal {
            return Vec::new();
        }
        dialoguer::MultiSelect::new().with_prompt(question).items(items).interact().unwrap_or_default()
    }
}

/// A light table: no box, two blanks between columns.
const LIGHT: TableStyle = presets::NOTHING;

/// Prints a text and a line end. Whoever closed the stream has seen enough.
fn write_to(stream: &mut impl Write, text: &str) {
    if !text.is_empty() {
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(b"\n")).and_then(|()| stream.flush());
    }
}

/// Tells a moment as people do, in the machine's zone.
pub fn time(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Counts things: "1 listing", "2 listings".
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
