//! A table as it stands in its file, to the byte.
//!
//! Every cell is known by where it stands, so that a number can be changed in place: quoting, delimiter, line ends,
//! byte order mark, encoding and the order of everything else stay what they are. Reading for the value alone would be
//! the csv crate's work; it does not tell where a cell begins and ends.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::WINDOWS_1252;

/// The most bytes of a file that are read.
pub(super) const LARGEST: u64 = 64 << 20;

/// How text stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Windows1252,
}

/// A cell: the bytes of its value without quotes and without white space around it, and whether quotes stand doubled
/// in it.
#[derive(Clone, Debug)]
struct Cell {
    span: Range<usize>,
    doubled: bool,
}

/// A file as rows of cells.
#[derive(Clone, Debug)]
pub(super) struct Table {
    bytes: Vec<u8>,
    encoding: Encoding,
    delimiter: u8,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    line: usize,
    cells: Vec<Cell>,
}

impl Table {
    /// Takes a file apart. Whether it is a table of goods shows later.
    ///
    /// # Errors
    /// In words, for an encoding that cannot be kept, and for a quote that is never closed: the rows behind it would be
    /// taken for text, and what is not there any more would be sold out (P5).
    pub fn new(bytes: Vec<u8>, encoding: Option<Encoding>, delimiter: Option<u8>) -> Result<Self, String> {
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err("it is saved as UTF-16; save it as \"CSV UTF-8\"".to_owned());
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return Err("it is a workbook of a spreadsheet program; save it as \"CSV UTF-8\"".to_owned());
        }
        let start = if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
        let valid = std::str::from_utf8(&bytes).is_ok();
        let encoding = encoding.unwrap_or(if valid { Encoding::Utf8 } else { Encoding::Windows1252 });
        if encoding == Encoding::Utf8 && !valid {
            return Err("it is not in UTF-8; say `encoding = \"windows-1252\"`, or save it as \"CSV UTF-8\"".to_owned());
        }
        let delimiter = delimiter.unwrap_or_else(|| likely_delimiter(&bytes[start..]));
        let rows = rows(&bytes, start, delimiter)?;
        Ok(Self { bytes, encoding, delimiter, rows })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub fn delimiter(&self) -> char {
        char::from(self.delimiter)
    }

    /// Returns the number of rows, blank ones and headers counted.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the line of the file on which a row begins, counted from 1.
    pub fn line(&self, row: usize) -> usize {
        self.rows.get(row).map_or(0, |row| row.line)
    }

    /// Returns the number of cells of a row; a blank line has none.
    pub fn width(&self, row: usize) -> usize {
        self.rows.get(row).map_or(0, |row| row.cells.len())
    }

    /// Returns the value of a cell without white space around it; a cell that is not there is empty.
    pub fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let Some(cell) = self.rows.get(row).and_then(|row| row.cells.get(column)) else { return Cow::Borrowed("") };
        let bytes = &self.bytes[cell.span.clone()];
        let text = match self.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes),
            Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(bytes).0,
        };
        if cell.doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { text }
    }

    /// Tells whether a row has a cell in a column, be it empty: only such a cell can be written.
    pub fn has_cell(&self, row: usize, column: usize) -> bool {
        self.rows.get(row).is_some_and(|row| column < row.cells.len())
    }

    /// Returns the file with some cells holding other numbers, and every other byte as it was.
    pub fn with(&self, mut edits: Vec<(usize, usize, i64)>) -> Vec<u8> {
        edits.sort_unstable();
        let mut new = Vec::with_capacity(self.bytes.len() + edits.len() * 4);
        let mut done = 0;
        for (row, column, number) in edits {
            let Some(cell) = self.rows.get(row).and_then(|row| row.cells.get(column)) else { continue };
            if cell.span.start < done {
                continue;
            }
            new.extend_from_slice(&self.bytes[done..cell.span.start]);
            new.extend_from_slice(number.to_string().as_bytes());
            done = cell.span.end;
        }
        new.extend_from_slice(&self.bytes[done..]);
        new
    }
}

/// Finds the delimiter that most often stands outside quotes in the first line that has any: mostly the header, which
/// has none of the commas that titles are full of.
fn likely_delimiter(bytes: &[u8]) -> u8 {
    let none = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut counts = none;
    let mut quoted = false;
    for byte in bytes.iter().take(64 << 10) {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && counts != none => break,
            byte if !quoted => counts.iter_mut().filter(|(d, _)| d == byte).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

fn rows(bytes: &[u8], start: usize, delimiter: u8) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut at = start;
    let mut line = 1;
    while at < bytes.len() {
        let (row, next) = row(bytes, at, line, delimiter).map_err(|open| {
            let line = line + line_ends(&bytes[at..open]);
            format!("line {line}: a quote is opened and never closed")
        })?;
        line += line_ends(&bytes[at..next]);
        rows.push(row);
        at = next;
    }
    Ok(rows)
}

/// Counts line ends of every kind: `\n`, `\r\n`, and a lone `\r`.
fn line_ends(bytes: &[u8]) -> usize {
    let ends = |(nth, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(nth + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(|end| ends(*end)).count()
}

/// Finds the row that begins at a place, and where the next one does; where a quote is never closed, where that stands.
fn row(bytes: &[u8], start: usize, line: usize, delimiter: u8) -> Result<(Row, usize), usize> {
    let mut cells = Vec::new();
    let mut at = start;
    loop {
        let (cell, next) = cell(bytes, at, delimiter).ok_or(at)?;
        let empty_line = cells.is_empty() && next == at && bytes.get(next).is_none_or(|byte| *byte != delimiter);
        if !empty_line {
            cells.push(cell);
        }
        at = next;
        match bytes.get(at) {
            Some(byte) if *byte == delimiter => at += 1,
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => return Ok((Row { line, cells }, at + 2)),
            Some(_) => return Ok((Row { line, cells }, at + 1)),
            None => return Ok((Row { line, cells }, at)),
        }
    }
}

/// Finds the cell that begins at a place, and where it ends: at a delimiter, a line end, or the end of the file. There
/// is none where its quote is never closed, or only by the quote that opens a cell of a later line.
fn cell(bytes: &[u8], start: usize, delimiter: u8) -> Option<(Cell, usize)> {
    let ends = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r';
    if bytes.get(start) != Some(&b'"') {
        let end = bytes[start..].iter().position(|byte| ends(*byte)).map_or(bytes.len(), |length| start + length);
        return Some((Cell { span: trimmed(bytes, start..end), doubled: false }, end));
    }
    let mut at = start + 1;
    let mut doubled = false;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'"', Some(b'"')) => {
                doubled = true;
                at += 2;
            }
            (b'"', _) => break,
            _ => at += 1,
        }
    }
    if at >= bytes.len() {
        return None;
    }
    let inner = trimmed(bytes, start + 1..at);
    let after = at + 1;
    // What stands between the closing quote and the next delimiter belongs to no value; it stays where it is. Behind
    // several lines it tells that the quote which seems to close the cell opens another.
    let end = bytes[after..].iter().position(|byte| ends(*byte)).map_or(bytes.len(), |length| after + length);
    let several_lines = line_ends(&bytes[start..at]) > 0;
    if several_lines && !bytes[after..end].iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    Some((Cell { span: inner, doubled }, end))
}

fn trimmed(bytes: &[u8], span: Range<usize>) -> Range<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let inside = &bytes[span.clone()];
    let Some(first) = inside.iter().position(|byte| !blank(byte)) else { return span.start..span.start };
    let last = inside.iter().rposition(|byte| !blank(byte)).unwrap_or(first);
    span.start + first..span.start + last + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(text: &str) -> Table {
        Table::new(text.as_bytes().to_vec(), None, None).unwrap()
    }

    #[test]
    fn cells_are_read_as_spreadsheets_write_them() {
        let table = table("\u{feff}sku,qty,title\r\nA-1, 5 ,\"a \"\"big\"\" mug,\r\nblue\"\r\n\r\nB,\"7\",x");
        assert_eq!(table.len(), 4);
        assert_eq!((table.cell(1, 0), table.cell(1, 1)), ("A-1".into(), "5".into()));
        assert_eq!(table.cell(1, 2), "a \"big\" mug,\r\nblue");
        assert_eq!((table.width(2), table.cell(3, 1), table.line(3)), (0, "7".into(), 5));
    }

    #[test]
    fn a_number_is_written_in_place() {
        let text = "sku;qty\r\nA;\" 5 \"\nB; 6 \rC;\r\n";
        let new = table(text).with(vec![(1, 1, 12), (2, 1, 0), (3, 1, 3)]);
        assert_eq!(String::from_utf8(new).unwrap(), "sku;qty\r\nA;\" 12 \"\nB; 0 \rC;3\r\n");
    }

    #[test]
    fn windows_1252_is_recognised_and_kept() {
        let bytes = b"sku,qty,title\nA,5,caf\xe9 \x80\n".to_vec();
        let table = Table::new(bytes.clone(), None, None).unwrap();
        assert_eq!((table.encoding(), table.cell(1, 2)), (Encoding::Windows1252, "café €".into()));
        assert_eq!(table.with(vec![(1, 1, 4)]), b"sku,qty,title\nA,4,caf\xe9 \x80\n");
    }

    // proves P5: rows that a quote swallows are not gone.
    #[test]
    fn a_quote_that_is_never_closed_names_its_line() {
        let error = |text: &str| Table::new(text.as_bytes().to_vec(), None, None).unwrap_err();
        let told = "a quote is opened and never closed";
        assert_eq!(error("sku,title,qty\nA,\"mug,5\nB,bowl,4\n"), format!("line 2: {told}"));
        assert_eq!(error("sku,title,qty\r\nA,\"x\r\ny\",1\r\nB,\"mug,5\r\n"), format!("line 4: {told}"));
        assert_eq!(error("sku\rA\rB,\""), format!("line 3: {told}"));
        // The next quoted cell seems to close it.
        assert_eq!(error("sku,title,qty\nA,\"mug,5\nB,\"bowl\",4\nC,cup,3\n"), format!("line 2: {told}"));
        assert_eq!(table("sku,title\nA,12\" plate\nB,\"a\" b\n").cell(2, 1), "a");
    }

    // Titles may be full of commas: the header decides, and only where it has no delimiter the lines behind it.
    #[test]
    fn the_header_tells_the_delimiter() {
        for (text, delimiter) in [
            ("SKU;Stock;Title\nA;5;a, b, c, d\n", ';'),
            ("SKU\tStock\rA\t5,a,b,c\r", '\t'),
            ("Stock list\n\nSKU;Stock;Title\nA;5;a, b, c, d\n", ';'),
            ("\"a,b,c\";Stock\n", ';'),
            ("SKU\nA\n", ','),
        ] {
            assert_eq!(table(text).delimiter(), delimiter, "{text}");
        }
    }

    #[test]
    fn utf_16_is_refused_with_the_mend() {
        assert!(Table::new(vec![0xFF, 0xFE, 0x41, 0], None, None).unwrap_err().contains("CSV UTF-8"));
    }

    proptest! {
        #[test]
        fn writing_nothing_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(table) = Table::new(bytes.clone(), None, None) {
                prop_assert_eq!(table.with(Vec::new()), bytes);
            }
        }

        // Whatever the file is, only the cells that were named change, and they hold just the new numbers.
        #[test]
        fn only_the_named_cells_change(
            bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b';'), Just(b'\n'), Just(b'\r'), Just(b'"'), Just(b' '), any::<u8>()], 0..200),
            picks in proptest::collection::vec((0_usize..20, 0_usize..6, 0_i64..1000), 0..6),
        ) {
            let Ok(before) = Table::new(bytes, Some(Encoding::Windows1252), Some(b',')) else { return Ok(()) };
            let mut picks = picks;
            picks.sort_unstable();
            picks.dedup_by_key(|(row, column, _)| (*row, *column));
            let after = Table::new(before.with(picks.clone()), Some(Encoding::Windows1252), Some(b',')).unwrap();
            prop_assert_eq!(before.len(), after.len());
            for row in 0..before.len() {
                prop_assert_eq!(before.width(row).max(1), after.width(row).max(1));
                for column in 0..before.width(row) {
                    let picked = picks.iter().find(|(r, c, _)| (*r, *c) == (row, column));
                    let expected = picked.map_or_else(|| before.cell(row, column).to_string(), |(_, _, n)| n.to_string());
                    prop_assert_eq!(after.cell(row, column), expected);
                }
            }
        }
    }
}
