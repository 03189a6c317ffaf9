//! What a shop has sold: orders, their lines, and what was taken back.

use jiff::Timestamp;

use super::stamps::Stamps;

/// An order.
pub struct Order {
    /// The number that the owner knows it by.
    pub number: String,
    /// When it was placed.
    pub placed: Timestamp,
    /// When it begins to stand in the list of orders, where that is later than the others.
    pub listed: Option<Timestamp>,
    /// When it was cancelled as a whole.
    pub cancelled: Option<Timestamp>,
    /// Whether it was cancelled because the goods were not there.
    pub out_of_stock: bool,
    /// Whether it is paid.
    pub paid: bool,
    /// Whether it is only a test.
    pub test: bool,
    /// Whether it was edited.
    pub edited: bool,
    /// Who brought it in, if it was not sold here.
    pub origin: Option<String>,
    /// The number that it bears where it was sold, if it was not sold here.
    pub elsewhere: Option<String>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// What was taken back.
    pub refunds: Vec<Refund>,
    /// When it changed.
    pub stamps: Stamps,
}

/// A sold line.
pub struct Line {
    /// Its id.
    pub id: u64,
    /// The variant; `None` where it was deleted or never was one.
    pub variant: Option<u64>,
    /// The SKU at the time.
    pub sku: String,
    /// Units sold, those taken back included.
    pub units: i64,
    /// Units taken out by an edit.
    pub removed: i64,
    /// Units sent.
    pub shipped: i64,
    /// Units that it took off the shelf and did not give back.
    pub held: i64,
    /// Where the units were taken from.
    pub from: Vec<(u64, i64)>,
}

/// Units taken back in one go.
pub struct Refund {
    /// Its id.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub lines: Vec<RefundLine>,
}

/// Units of one line taken back.
pub struct RefundLine {
    /// Its id.
    pub id: u64,
    /// The sold line.
    pub line: u64,
    /// How many.
    pub units: i64,
    /// Whether they had been sent.
    pub sent: bool,
    /// Where they were put back; `None` where they were not.
    pub to: Option<u64>,
}

impl Line {
    /// Returns the units that were taken back by refunds of its order.
    pub fn refunded(&self, order: &Order) -> i64 {
        order.refunds.iter().flat_map(|refund| &refund.lines).filter(|r| r.line == self.id).map(|r| r.units).sum()
    }

    /// Returns the units that are neither sent nor taken back.
    pub fn unsent(&self, order: &Order) -> i64 {
        let back = order.refunds.iter().flat_map(|refund| &refund.lines).filter(|r| r.line == self.id && !r.sent);
        self.units - self.removed - self.shipped - back.map(|r| r.units).sum::<i64>()
    }
}
