//! Life on the lists, which the market does not know: tills sell, owners edit cells, orders are cancelled; each deed is
//! noted as it really was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::sim::{Dice, Market};

/// One deed on a list: units of one SKU sold (above zero) or put back, or the owner's change of the cell.
#[derive(Clone, Debug)]
pub struct ListDeed {
    pub at: Timestamp,
    pub channel: &'static str,
    pub sku: String,
    /// The order, unless the owner changed the cell.
    pub order: Option<String>,
    /// Units sold, less what came back.
    pub sold: i64,
    /// What the owner, or the source's own till, changed in the cell.
    pub edited: i64,
}

/// A list and its orders.
pub struct List {
    pub channel: &'static str,
    pub path: PathBuf,
    pub orders: Option<PathBuf>,
    pub lowers: bool,
    pub skus: Vec<String>,
}

/// All that happened on lists.
#[derive(Clone, Default)]
pub struct Diary(Arc<Mutex<Vec<ListDeed>>>);

impl Diary {
    pub fn deeds(&self) -> Vec<ListDeed> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ListDeed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An order on a list, as the till remembers it.
struct Order {
    number: String,
    sku: String,
    units: i64,
    placed: Timestamp,
    status: &'static str,
}

/// Lets life go on until the task is aborted.
pub async fn live(market: Market, lists: Vec<List>, per_hour: f64, seed: u64, diary: Diary) {
    let mut dice = Dice::new(seed ^ 0x0011_57ED);
    let mut orders: BTreeMap<&'static str, Vec<Order>> = BTreeMap::new();
    if lists.is_empty() || per_hour <= 0.0 {
        return;
    }
    loop {
        let wait = -(1.0 - dice.fraction()).ln() * 3600.0 / per_hour;
        tokio::time::sleep(Duration::from_secs_f64(wait.clamp(0.5, 3600.0))).await;
        let list = &lists[dice.below(lists.len())];
        let sku = list.skus[dice.below(list.skus.len())].clone();
        let now = market.now();
        let deed = if list.orders.is_none() {
            owner_edits(list, &sku, &mut dice)
        } else if dice.happens(0.7) {
            till_sells(list, &sku, now, &mut dice, orders.entry(list.channel).or_default())
        } else {
            order_moves(list, &mut dice, orders.entry(list.channel).or_default())
        };
        if let Some((sku, order, sold, edited)) = deed {
            diary.lock().push(ListDeed { at: now, channel: list.channel, sku, order, sold, edited });
        }
    }
}

/// The SKU, the order, the units sold, and what was changed in the cell.
type Deed = Option<(String, Option<String>, i64, i64)>;

/// The source's owner sells over the counter, or counts anew.
fn owner_edits(list: &List, sku: &str, dice: &mut Dice) -> Deed {
    let has = cell(&list.path, sku)?;
    let to = if dice.happens(0.7) { has - 1 } else { i64::try_from(dice.below(20)).ok()? };
    if to < 0 || to == has {
        return None;
    }
    set_cell(&list.path, sku, to);
    Some((sku.to_owned(), None, 0, to - has))
}

fn till_sells(list: &List, sku: &str, now: Timestamp, dice: &mut Dice, orders: &mut Vec<Order>) -> Deed {
    let units = 1 + i64::from(dice.happens(0.2));
    let has = cell(&list.path, sku)?;
    if has < units {
        return None;
    }
    let number = format!("{}-{}", list.channel, orders.len() + 1);
    orders.push(Order { number: number.clone(), sku: sku.to_owned(), units, placed: now, status: "open" });
    if list.lowers {
        set_cell(&list.path, sku, has - units);
    }
    write_orders(list, orders);
    Some((sku.to_owned(), Some(number), units, 0))
}

/// An order is sent, or cancelled with or without the goods back, or its quantity changed.
fn order_moves(list: &List, dice: &mut Dice, orders: &mut [Order]) -> Deed {
    let nth = dice.below(orders.len());
    let order = orders.get_mut(nth).filter(|order| order.status == "open")?;
    let (number, sku, units) = (order.number.clone(), order.sku.clone(), order.units);
    let back = match dice.below(4) {
        0 => {
            order.status = "shipped";
            0
        }
        1 => {
            order.status = "cancelled-restocked";
            units
        }
        // Cancelled before it was sent: by the default of `restock_cancelled` the goods are back.
        2 => {
            order.status = "cancelled";
            units
        }
        _ if units > 1 => {
            order.units -= 1;
            1
        }
        _ => 0,
    };
    write_orders(list, orders);
    if back > 0 && list.lowers {
        let has = cell(&list.path, &sku)?;
        set_cell(&list.path, &sku, has + back);
    }
    (back > 0).then_some((sku, Some(number), -back, 0))
}

fn write_orders(list: &List, orders: &[Order]) {
    let Some(path) = &list.orders else { return };
    let row = |order: &Order| {
        format!("{},{},{},{:.3},{}\n", order.number, order.sku, order.units, order.placed, order.status)
    };
    let rows: String = orders.iter().map(row).collect();
    replace(path, &format!("order,sku,quantity,placed,status\n{rows}"));
}

/// Returns the number of a SKU.
pub fn cell(path: &Path, sku: &str) -> Option<i64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.split(',').next() == Some(sku))?;
    line.split(',').nth(1)?.parse().ok()
}

fn set_cell(path: &Path, sku: &str, units: i64) {
    let text = std::fs::read_to_string(path).unwrap();
    let edit = |line: &str| {
        if line.split(',').next() == Some(sku) { format!("{sku},{units}\n") } else { format!("{line}\n") }
    };
    replace(path, &text.lines().map(edit).collect::<String>());
}

/// Saves a file as well-behaved programs do: as a whole.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("saving");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, path).unwrap();
}
