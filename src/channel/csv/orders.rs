//! The orders file: sales to be taken off the source, a line each, read whole every run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rows::number;
use super::table::Table;
use crate::domain::{LineFact, LineKey, OrderFact, OrderWindow, Sku};

/// The columns of the file.
const COLUMNS: [&str; 5] = ["order", "sku", "quantity", "placed", "status"];

/// Reads the orders of a table. A file without a line is a shop without sales.
///
/// # Errors
/// In words, with the line of the file.
pub(super) fn orders(table: &Table, window: &OrderWindow) -> Result<Vec<OrderFact>, String> {
    let Some(header) = (0..table.len()).find(|row| table.width(*row) > 0) else { return Ok(Vec::new()) };
    let columns = columns(table, header)?;
    let mut orders = BTreeMap::<String, OrderFact>::new();
    let mut seen = BTreeMap::<(String, String), usize>::new();
    for row in header + 1..table.len() {
        let cell = |nth: usize| table.cell(row, columns[nth]).trim().to_owned();
        if (0..COLUMNS.len()).all(|nth| cell(nth).is_empty()) {
            continue;
        }
        let said = |what: String| format!("line {}: {what}", table.line(row));
        let order = cell(0);
        let nth = seen.entry((order.clone(), cell(1))).or_default();
        *nth += 1;
        let placed = placed(&cell(3)).map_err(said)?;
        let (fact, open) = line(&order, &cell(1), *nth, &cell(2), &cell(4)).map_err(said)?;
        if *window == OrderWindow::Unfinished && !open {
            continue;
        }
        let fresh = || OrderFact {
            order: order.clone(),
            placed,
            changed: placed,
            also: Vec::new(),
            origin: None,
            lines: Vec::new(),
        };
        let entry = orders.entry(order.clone()).or_insert_with(fresh);
        entry.placed = entry.placed.min(placed);
        entry.lines.push(fact);
    }
    Ok(orders.into_values().collect())
}

fn columns(table: &Table, header: usize) -> Result<Vec<usize>, String> {
    let names: Vec<String> =
        (0..table.width(header)).map(|column| table.cell(header, column).trim().to_lowercase()).collect();
    COLUMNS
        .iter()
        .map(|wanted| {
            names
                .iter()
                .position(|name| name == wanted)
                .ok_or_else(|| format!("its first line must be `{}`; `{wanted}` is missing", COLUMNS.join(",")))
        })
        .collect()
}

/// Makes a line, and tells whether it is still open.
fn line(order: &str, sku: &str, nth: usize, quantity: &str, status: &str) -> Result<(LineFact, bool), String> {
    if order.is_empty() {
        return Err("the order has no number".to_owned());
    }
    let sku = Sku::new(sku).ok_or_else(|| format!("order {order} has a line without a SKU"))?;
    let units = number(quantity).filter(|units| *units >= 0);
    let units = units.ok_or_else(|| format!("order {order}: `{quantity}` is no number of units"))?;
    let (taken, cancelled, shipped, open) = match status.to_lowercase().as_str() {
        "open" => (units, 0, false, true),
        "shipped" => (units, 0, true, false),
        "cancelled" => (units, units, false, false),
        "cancelled-restocked" => (0, 0, false, false),
        other => {
            return Err(format!(
                "order {order}: the status `{other}` is none of open, shipped, cancelled, cancelled-restocked"
            ));
        }
    };
    let key = LineKey(format!("{order}\u{1f}{sku}\u{1f}{nth}"));
    let fact = LineFact { key, listings: Vec::new(), sku: Some(sku), taken, cancelled, shipped, out_of_stock: false };
    Ok((fact, open))
}

fn placed(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("`{text}` is no time with a zone, such as 2026-11-24T09:30:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<OrderFact>, String> {
        let table = Table::new(text.as_bytes().to_vec(), None, None).unwrap();
        orders(&table, &OrderWindow::ChangedSince(Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn orders_are_read_line_by_line() {
        let text = "order,sku,quantity,placed,status\n\
            1,MUG,2,2026-11-24T09:00:00Z,open\n1,MUG,1,2026-11-24T09:00:00Z,cancelled\n\
            2,CUP,3,2026-11-24T11:00:00+01:00,cancelled-restocked\n";
        let orders = read(text).unwrap();
        assert_eq!(orders.len(), 2);
        let units: Vec<_> = orders[0].lines.iter().map(|line| (line.taken, line.cancelled)).collect();
        assert_eq!(units, [(2, 0), (1, 1)]);
        assert_ne!(orders[0].lines[0].key, orders[0].lines[1].key);
        assert_eq!((orders[1].lines[0].taken, orders[1].placed.to_string()), (0, "2026-11-24T10:00:00Z".to_owned()));
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_names_its_line_and_the_mend() {
        let after = |line: &str| read(&format!("order,sku,quantity,placed,status\n{line}\n")).unwrap_err();
        insta::assert_snapshot!([
            read("order,sku,qty,placed,status\n").unwrap_err(),
            after("1,MUG,-2,2026-11-24T09:00:00Z,open"),
            after("1,MUG,2.5,2026-11-24T09:00:00Z,open"),
            after("1,MUG,2,2026-11-24 09:00,open"),
            after("1,MUG,2,2026-11-24T09:00:00Z,lost"),
            after("1,,2,2026-11-24T09:00:00Z,open"),
        ].join("\n"), @r"
        its first line must be `order,sku,quantity,placed,status`; `quantity` is missing
        line 2: order 1: `-2` is no number of units
        line 2: order 1: `2.5` is no number of units
        line 2: `2026-11-24 09:00` is no time with a zone, such as 2026-11-24T09:30:00Z
        line 2: order 1: the status `lost` is none of open, shipped, cancelled, cancelled-restocked
        line 2: order 1 has a line without a SKU
        ");
    }
}
