//! Orders that take units off the shelf, and give them back, when their status says so rather than when they are made.
//!
//! What a line holds is what it took and did not give back. Whatever moves is entered into the log as it moves: an
//! order that gives back and takes again is sold, cancelled and sold.

use super::truth::Deed;
use super::world::World;

impl World {
    /// Takes off the shelf what the lines of an order are to have and do not hold.
    pub(super) fn take_lines(&mut self, shop: &str, order: u64) {
        let lines = &self.shop(shop).orders[&order].lines;
        let wanted: Vec<_> = lines.iter().map(|line| (line.id, line.units - line.removed - line.held)).collect();
        for (line, units) in wanted.into_iter().filter(|(_, units)| *units > 0) {
            self.take_off(shop, order, line, units);
        }
    }

    /// Gives back all that the lines of an order hold.
    pub(super) fn give_lines_back(&mut self, shop: &str, order: u64) {
        let lines = &self.shop(shop).orders[&order].lines;
        let held: Vec<_> = lines.iter().filter(|line| line.held > 0).map(|line| (line.id, line.held)).collect();
        for (line, units) in held {
            if self.put_back(shop, order, line, units) > 0 {
                let sku = self.line_mut(shop, order, line).sku.clone();
                self.tell(shop, Deed::Cancelled { order, line, sku, units, restocked: true });
            }
        }
    }

    /// Takes units out of a line by an edit; those of them that are put back are no more than it holds.
    pub(super) fn cut_line(&mut self, shop: &str, order: u64, line: u64, units: i64, restock: bool) {
        let record = self.line_mut(shop, order, line);
        record.removed += units;
        let (back, sku) = (if restock { units.min(record.held) } else { 0 }, record.sku.clone());
        let back = self.put_back(shop, order, line, back);
        for (units, restocked) in [(back, true), (units - back, false)] {
            if units > 0 {
                let sku = sku.clone();
                self.tell(shop, Deed::Removed { order, line, sku, units, restocked });
            }
        }
    }

    /// Puts units of a line back, where the shop still has and counts what they are of; returns how many it put back.
    fn put_back(&mut self, shop: &str, order: u64, line: u64, units: i64) -> i64 {
        let record = self.line_mut(shop, order, line);
        let (place, variant, held) = (record.from.first().map(|(at, _)| *at), record.variant, record.held);
        let stand = self.shop(shop);
        if !variant.and_then(|id| stand.variants.get(&id)).is_some_and(|variant| stand.counts(variant.item)) {
            return 0;
        }
        self.unreserve(shop, order, line, units, place);
        held - self.line_mut(shop, order, line).held
    }
}
