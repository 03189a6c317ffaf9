//! A file as a channel: a shop's spreadsheet, a till's or a supplier's list.
//!
//! As a source, its owner lowers the cells; as a target it may come with a file of orders. What is written is the
//! quantity cells and nothing else, and another program that saves the file at the same moment loses nothing (X5).

mod orders;
mod recognise;
mod replace;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use self::recognise::{Layout, Named, recognise};
use self::replace::{Replaced, fingerprint, replace};
use self::rows::{Found as Row, MOST, listings};
use self::table::{Encoding, LARGEST, Table};
use super::registry::{Doors, Key, Kind, Need, Settings, Shape};
use super::{
    Account, Adjustment, Attempt, Channel, ChannelError, ErrorKind, Mend, Outcome, Page, PageToken, Probe, Repeat,
    Result, Showing, Standing, Update, Weight,
};
use crate::domain::{
    Capability, ExactlyOnce, Found, Level, Listing, ListingKey, OrderFact, OrderWindow, Reading, Role, StoredCall,
    Traces, ZeroKept,
};

/// How often a write is tried again because another program saved the file at the same moment.
const TRIES: usize = 5;

/// The kind, as channels.toml knows it.
pub(super) static KIND: Kind = Kind {
    name: "csv",
    summary: "a spreadsheet, or the list of a till or a supplier, as a CSV file",
    keys: &[
        Key {
            name: "path",
            help: "the file; a relative path starts at the folder of this file",
            example: "\"stock.csv\"",
            shape: Shape::Path,
            need: Need::Always,
        },
        Key {
            name: "columns",
            help: "which column is which; not needed for known exports and plain names",
            example: "{ sku = \"SKU\", quantity = \"Stock\" }",
            shape: Shape::Table(&["id", "sku", "quantity", "title", "price", "location"]),
            need: Need::Seldom,
        },
        Key {
            name: "encoding",
            help: "recognised by itself; `utf-8` or `windows-1252`",
            example: "\"utf-8\"",
            shape: Shape::OneOf(&["utf-8", "windows-1252"]),
            need: Need::Seldom,
        },
        Key {
            name: "delimiter",
            help: "recognised by itself; one character",
            example: "\";\"",
            shape: Shape::Text,
            need: Need::Seldom,
        },
        Key {
            name: "orders",
            help: "sales to take off the source: a CSV file `order,sku,quantity,placed,status`",
            example: "\"orders.csv\"",
            shape: Shape::Path,
            need: Need::Seldom,
        },
    ],
    aliases: &[],
    zero_stock: &["keep"],
    check,
    build: |settings, _: Doors| Ok(Box::new(Csv::new(&settings))),
    consent: None,
};

fn check(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    if settings.role == Role::Source && settings.has("orders") {
        let why = "a source has no orders file: its owner lowers the cell when something is sold";
        problems.push(("orders", why.to_owned()));
    }
    let divides = |text: &str| match text.as_bytes() {
        [byte] => !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r'),
        _ => false,
    };
    if settings.text("delimiter").is_some_and(|text| !divides(text)) {
        let why = "it must be one plain character, such as \";\", and none that stands in the cells themselves";
        problems.push(("delimiter", why.to_owned()));
    }
    problems
}

/// A file as a channel.
struct Csv {
    path: PathBuf,
    orders: Option<PathBuf>,
    columns: Option<Named>,
    encoding: Option<Encoding>,
    delimiter: Option<u8>,
    capability: Capability,
}

/// An adjustment as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    before: String,
    after: String,
    cells: Vec<StoredCell>,
}

/// One number of an adjustment: the listing, the place, and what it is changed from and to.
#[derive(Clone, Serialize, Deserialize)]
struct StoredCell {
    key: String,
    place: String,
    from: i64,
    to: i64,
}

/// The file at one moment.
struct Content {
    table: Table,
    layout: Layout,
    rows: Vec<Row>,
    by_key: BTreeMap<ListingKey, usize>,
}

impl Csv {
    fn new(settings: &Settings) -> Self {
        let orders = settings.path("orders").cloned();
        Self {
            path: settings.path("path").cloned().unwrap_or_default(),
            columns: settings.table("columns").cloned(),
            encoding: settings.text("encoding").map(|name| match name {
                "windows-1252" => Encoding::Windows1252,
                _ => Encoding::Utf8,
            }),
            delimiter: settings.text("delimiter").and_then(|text| text.bytes().next()),
            capability: Capability {
                read_batch: usize::MAX,
                reads_singly: false,
                set_batch: usize::MAX,
                adjust_batch: usize::MAX,
                compare_and_set: true,
                exactly_once: ExactlyOnce::File,
                below_zero: false,
                reads_changes: false,
                cheap_scan: true,
                orders: orders.is_some(),
                tells_restock: false,
                lag: SignedDuration::ZERO,
                order_delay: SignedDuration::ZERO,
                still_running: SignedDuration::ZERO,
                confirm_after: None,
                revisions: None,
                zero: ZeroKept::Always,
                most: Some(MOST),
                hides: false,
                ends: false,
                ended_is_gone: false,
                counts_from_zero: false,
                writes_items: false,
                traces: Traces::Nowhere,
            },
            orders,
        }
    }

    /// Reads the file as it stands. Reading happens without the state's lock, as in `doctor` and `link`, so it leaves
    /// alone what lies beside the file: that may be what a run is just writing. It needs nothing of it either: before
    /// the exchange the file is untouched, and what a killed run displaced is put back by the next write.
    fn read(&self, operation: &'static str) -> Result<Content> {
        let bytes = load(&self.path, operation)?;
        let said = |why: String| said(&self.path, operation, &why);
        let table = Table::new(bytes, self.encoding, self.delimiter).map_err(said)?;
        let layout = recognise(&table, self.columns.as_ref()).map_err(said)?;
        let rows = listings(&table, &layout);
        // Of several rows under one key, the first counts.
        let by_key = rows.iter().enumerate().rev().map(|(nth, row)| (row.listing.key.clone(), nth)).collect();
        Ok(Content { table, layout, rows, by_key })
    }

    /// Finishes what a killed run left, and reads the file to write to it. Only who holds the state's lock writes.
    fn read_to_write(&self, operation: &'static str) -> Result<Content> {
        replace::recover(&self.path).map_err(|error| file_error(&self.path, operation, &error))?;
        self.read(operation)
    }

    /// Writes cells and makes sure that it was done to the file that was read: if another program saved it meanwhile,
    /// the file is read and the cells are chosen anew. `choose` tells what becomes of each item and which cells change.
    fn write<T>(
        &self,
        operation: &'static str,
        choose: impl Fn(&Content) -> (T, Vec<(usize, usize, i64)>),
    ) -> Result<T> {
        for _ in 0..TRIES {
            let content = self.read_to_write(operation)?;
            let (outcomes, cells) = choose(&content);
            let new = content.table.with(cells);
            if new == content.table.bytes() {
                return Ok(outcomes);
            }
            let replaced = replace(&self.path, content.table.bytes(), &new);
            match replaced.map_err(|error| file_error(&self.path, operation, &error))? {
                Replaced::AsRead => return Ok(outcomes),
                Replaced::Changed => {}
            }
        }
        let why = "another program keeps saving the file at the same moment";
        Err(said(&self.path, operation, why).with_next("close the other program, or let it save less often"))
    }
}

#[async_trait]
impl Channel for Csv {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn clock(&self) -> Option<Timestamp> {
        None
    }

    async fn account(&self) -> Result<Account> {
        let operation = "finding the file";
        let path = std::fs::canonicalize(&self.path).map_err(|error| file_error(&self.path, operation, &error))?;
        let identity = path.to_string_lossy().into_owned();
        Ok(Account { label: identity.clone(), identity })
    }

    async fn listings(&self, _: Option<PageToken>) -> Result<Page<Listing>> {
        let content = self.read("reading the file")?;
        let items = content.rows.into_iter().map(|row| row.listing).collect();
        Ok(Page { items, next: None, account: Some(self.account().await?) })
    }

    async fn changed(&self, _: Timestamp, _: Option<PageToken>) -> Result<Page<Reading>> {
        Err(unsupported("reading changes"))
    }

    async fn levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        let content = self.read("reading the file")?;
        let found = |key: &ListingKey| match content.find(key).map(|row| &row.listing) {
            Some(Listing { level: Some(level), places, .. }) => {
                Found::Level { level: *level, places: places.clone(), counter: None }
            }
            Some(_) => Found::NoNumber,
            None => Found::Gone,
        };
        Ok(keys.iter().map(|key| Reading { key: key.clone(), found: found(key), live: None }).collect())
    }

    async fn orders(&self, window: &OrderWindow, _: Option<PageToken>) -> Result<Page<OrderFact>> {
        let operation = "reading the orders file";
        let Some(path) = &self.orders else { return Err(unsupported(operation)) };
        let said = |why: String| said(path, operation, &why);
        let table = Table::new(load(path, operation)?, None, None).map_err(said)?;
        let items = orders::orders(&table, window).map_err(said)?;
        Ok(Page { items, next: None, account: None })
    }

    async fn set(&self, batch: &[Update], _: &str) -> Result<Vec<Outcome>> {
        self.write("writing quantities", |content| {
            let mut cells = Vec::new();
            let outcomes = batch.iter().map(|update| content.set(update, &mut cells)).collect();
            (outcomes, cells)
        })
    }

    async fn prepare(&self, batch: &[Adjustment], key: &str) -> Result<StoredCall> {
        let operation = "preparing a deduction";
        let content = self.read_to_write(operation)?;
        let cells: Vec<StoredCell> = batch.iter().flat_map(stored_cells).collect();
        let edits = cells.iter().filter_map(|cell| Some((content.place_of(cell)?, content.layout.quantity, cell.to)));
        let after = content.table.with(edits.collect());
        let stored = Stored { before: fingerprint(content.table.bytes()), after: fingerprint(&after), cells };
        let body =
            serde_json::to_string(&stored).map_err(|error| ChannelError::unexpected(operation, error.to_string()))?;
        Ok(StoredCall { key: key.to_owned(), body })
    }

    async fn adjust(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>> {
        let operation = "taking sales off";
        let stored: Stored =
            serde_json::from_str(&call.body).map_err(|error| ChannelError::unexpected(operation, error.to_string()))?;
        self.write(operation, |content| {
            let done = attempt == Attempt::Again && fingerprint(content.table.bytes()) == stored.after;
            let untouched = fingerprint(content.table.bytes()) == stored.before;
            let mut cells = Vec::new();
            let outcomes = by_listing(&stored.cells)
                .into_iter()
                .map(|of_listing| {
                    if done { as_done(of_listing) } else { content.adjust(of_listing, attempt, untouched, &mut cells) }
                })
                .collect();
            (outcomes, cells)
        })
    }

    async fn standing(&self, _: &ListingKey) -> Result<Option<Standing>> {
        Ok(None)
    }

    async fn show(&self, _: &ListingKey, _: &Showing) -> Result<Outcome> {
        Err(unsupported("hiding a listing"))
    }

    async fn probe(&self) -> Result<Vec<Probe>> {
        let content = self.read("reading the file")?;
        let mut probes = vec![content.describe(&self.path)];
        probes.extend(content.unreadable());
        probes.extend(open_elsewhere(&self.path));
        if self.orders.is_some() {
            let orders = self.orders(&OrderWindow::Unfinished, None).await?;
            let message = match orders.items.len() {
                1 => "its orders file has 1 open order".to_owned(),
                open => format!("its orders file has {open} open orders"),
            };
            probes.push(probe("orders-file", Weight::Fine, message));
        }
        Ok(probes)
    }

    async fn mend(&self, _: &Mend) -> Result<Outcome> {
        Err(unsupported("mending"))
    }
}

impl Content {
    fn find(&self, key: &ListingKey) -> Option<&Row> {
        self.rows.get(*self.by_key.get(key)?)
    }

    /// Finds the row of a stored number.
    fn place_of(&self, cell: &StoredCell) -> Option<usize> {
        let row = self.find(&ListingKey::new(&cell.key))?;
        row.rows.iter().find(|(_, place)| *place == cell.place).map(|(at, _)| *at)
    }

    fn number_at(&self, row: usize) -> Option<i64> {
        rows::number(&self.table.cell(row, self.layout.quantity))
    }

    /// Sets a listing to a quantity: the first place shows what the other places do not. Where they show more already,
    /// so does the listing, and the echo tells.
    fn set(&self, update: &Update, cells: &mut Vec<(usize, usize, i64)>) -> Outcome {
        let Some(row) = self.find(&update.key) else { return Outcome::Gone };
        if let Some(why) = &row.listing.unfit {
            let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, "writing quantities", why);
            return Outcome::Refused(error);
        }
        if update.shown.is_overtaken(row.listing.level, update.quantity) {
            return Outcome::Stale;
        }
        let Some((first, _)) = row.rows.first() else { return Outcome::Gone };
        let others: i64 = row.rows.iter().skip(1).filter_map(|(at, _)| self.number_at(*at)).sum();
        let here = update.quantity.units().saturating_sub(others).max(0);
        cells.push((*first, self.layout.quantity, here));
        Outcome::Done { echo: Some(Level(here.saturating_add(others))) }
    }

    /// Changes the numbers of one listing if they are still what they were. After a lost answer, numbers that are what
    /// they should become prove nothing in a file that another program wrote meanwhile: then nobody can tell.
    fn adjust(
        &self,
        of_listing: &[StoredCell],
        attempt: Attempt,
        untouched: bool,
        cells: &mut Vec<(usize, usize, i64)>,
    ) -> Outcome {
        let mut edits = Vec::new();
        for cell in of_listing {
            let Some(row) = self.place_of(cell) else { return Outcome::Gone };
            if self.number_at(row) != Some(cell.from) {
                return Outcome::Stale;
            }
            edits.push((row, self.layout.quantity, cell.to));
        }
        if attempt == Attempt::Again && !untouched {
            return Outcome::Stale;
        }
        cells.extend(edits);
        let mut echo = 0_i64;
        if let Some(row) = of_listing.first().and_then(|cell| self.find(&ListingKey::new(&cell.key))) {
            let changed: i64 = of_listing.iter().map(|cell| cell.to.saturating_sub(cell.from)).sum();
            echo = row.listing.level.map_or(0, |level| level.0).saturating_add(changed);
        }
        Outcome::Done { echo: Some(Level(echo)) }
    }

    fn describe(&self, path: &Path) -> Probe {
        let listings = self.rows.len();
        let unfit = self.rows.iter().filter(|row| row.listing.unfit.is_some()).count();
        let encoding = match self.table.encoding() {
            Encoding::Utf8 => "UTF-8",
            Encoding::Windows1252 => "Windows-1252",
        };
        let delimiter = self.table.delimiter().escape_default();
        let words = self.layout.format.words();
        let message = format!(
            "{} is {words} in {encoding}, with `{delimiter}` between its columns: {listings} listings, {unfit} of them take no part",
            path.display()
        );
        probe("file", Weight::Fine, message)
    }

    /// Names the cells that should hold a number and do not.
    fn unreadable(&self) -> Option<Probe> {
        let bad: Vec<String> = self
            .rows
            .iter()
            .filter(|row| row.listing.unfit.is_none() && row.listing.managed && row.listing.level.is_none())
            .flat_map(|row| &row.rows)
            .map(|(at, _)| format!("line {} (`{}`)", self.table.line(*at), self.table.cell(*at, self.layout.quantity)))
            .collect();
        let some = bad.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        (!bad.is_empty()).then(|| {
            let message = match bad.len() {
                1 => format!("1 quantity is no whole number and says nothing: {some}"),
                all => format!("{all} quantities are no whole numbers and say nothing: {some}"),
            };
            let next = Some("write whole numbers into these cells".to_owned());
            Probe { next, ..probe("no-number", Weight::Problem, message) }
        })
    }
}

/// Groups the stored numbers by their listing, in their order.
fn by_listing(cells: &[StoredCell]) -> Vec<&[StoredCell]> {
    cells.chunk_by(|a, b| a.key == b.key).collect()
}

fn as_done(_: &[StoredCell]) -> Outcome {
    Outcome::Done { echo: None }
}

fn stored_cells(adjustment: &Adjustment) -> Vec<StoredCell> {
    let cell = |place: &str, from: i64, delta: i64| StoredCell {
        key: adjustment.key.as_str().to_owned(),
        place: place.to_owned(),
        from,
        to: from.saturating_add(delta),
    };
    if adjustment.places.is_empty() {
        return vec![cell("", adjustment.before.0, adjustment.delta.0)];
    }
    adjustment.places.iter().map(|place| cell(&place.id, place.before.0, place.delta.0)).collect()
}

fn load(path: &Path, operation: &'static str) -> Result<Vec<u8>> {
    let trouble = |error: &std::io::Error| file_error(path, operation, error);
    let size = std::fs::metadata(path).map_err(|error| trouble(&error))?.len();
    if size > LARGEST {
        let why = format!("it has {} MB, and no stock list is larger than {} MB", size >> 20, LARGEST >> 20);
        return Err(said(path, operation, &why));
    }
    std::fs::read(path).map_err(|error| trouble(&error))
}

fn file_error(path: &Path, operation: &'static str, error: &std::io::Error) -> ChannelError {
    let next = match error.kind() {
        std::io::ErrorKind::NotFound => "check the path in channels.toml, or put the file there",
        std::io::ErrorKind::PermissionDenied => "give yourself the right to read and write the file and its folder",
        std::io::ErrorKind::StorageFull => "make room on the disk",
        _ => "check the file and its folder",
    };
    said(path, operation, &error.to_string()).with_next(next)
}

fn said(path: &Path, operation: &'static str, why: &str) -> ChannelError {
    ChannelError::new(ErrorKind::File, Repeat::Later, operation, format!("{}: {why}", path.display()))
}

fn unsupported(operation: &'static str) -> ChannelError {
    ChannelError::new(ErrorKind::Unsupported, Repeat::Never, operation, "a file cannot do this")
}

fn probe(code: &'static str, weight: Weight, message: String) -> Probe {
    Probe { code, weight, listing: None, message, next: None, mend: None, ends: None }
}

/// Notices the lock files of spreadsheet programs: what they save later would overwrite what we write now.
fn open_elsewhere(path: &Path) -> Option<Probe> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let locks = [format!(".~lock.{name}#"), format!("~${name}")];
    let open = locks.iter().any(|lock| path.with_file_name(lock).exists());
    open.then(|| {
        let message = format!("{name} seems to be open in a spreadsheet program");
        let next = Some("close it there: saving it would bring back the old numbers".to_owned());
        Probe { next, ..probe("open-elsewhere", Weight::Problem, message) }
    })
}
