//! What happens by itself while time passes: buyers come, orders are sent or cancelled, owners and other programs
//! change things.
//!
//! Each happening has its own moment, drawn from the dice, so that a run is the same however often it is looked at.

use std::time::Duration;

use jiff::Timestamp;

use super::shelf::State;
use super::truth::Who;
use super::world::World;

/// How much happens in an hour, on average, over all shops.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Orders.
    pub orders: f64,
    /// Orders that are sent.
    pub sent: f64,
    /// Orders cancelled as a whole, half of them with the units put back.
    pub cancelled: f64,
    /// Lines of which a part is taken back.
    pub taken_back: f64,
    /// Numbers that an owner corrects by hand.
    pub owner_edits: f64,
    /// Numbers that another program writes.
    pub other_apps: f64,
    /// Products archived or put on sale again.
    pub archived: f64,
    /// SKUs renamed.
    pub renamed: f64,
    /// Items whose counting is switched off or on.
    pub untracked: f64,
}

/// The pace, and when the next thing happens.
#[derive(Clone, Debug, Default)]
pub struct Life {
    pace: Option<Pace>,
    next: Option<Timestamp>,
}

impl World {
    /// Lets things happen by themselves from now on; `None` stops it.
    pub fn live(&mut self, pace: Option<Pace>) {
        self.life = Life { pace, next: None };
        self.life.next = self.next_happening();
    }

    /// Lets time pass: what is due until then happens, each thing at its own moment.
    pub fn pass(&mut self, until: Timestamp) {
        while let Some(next) = self.life.next.filter(|next| *next <= until) {
            self.run_jobs(next);
            self.now = self.now.max(next);
            self.happen();
            self.life.next = self.next_happening();
        }
        self.run_jobs(until);
        self.now = self.now.max(until);
    }

    fn next_happening(&mut self) -> Option<Timestamp> {
        let rate: f64 = self.life.pace.as_ref()?.rates().iter().sum();
        let wait = -(1.0 - self.dice.fraction()).ln() * 3600.0 / rate;
        let wait = Duration::try_from_secs_f64(wait).ok()?;
        self.now.checked_add(wait).ok()
    }

    fn happen(&mut self) {
        let Some(rates) = self.life.pace.as_ref().map(Pace::rates) else { return };
        let mut rest = self.dice.fraction() * rates.iter().sum::<f64>();
        let which = rates.iter().position(|rate| {
            rest -= rate;
            rest < 0.0
        });
        let shops: Vec<_> = self.shops.keys().cloned().collect();
        let Some(shop) = self.dice.pick(&shops).cloned() else { return };
        match which {
            Some(0) => self.somebody_buys(&shop),
            Some(1..=3) => self.an_order_moves(&shop, which.unwrap_or(1)),
            Some(kind) => self.a_listing_moves(&shop, kind),
            None => {}
        }
    }

    fn somebody_buys(&mut self, shop: &str) {
        let lines = 1 + self.dice.below(2);
        let basket: Vec<_> =
            (0..lines).filter_map(|_| Some((self.some_sku(shop)?, 1 + i64::from(self.dice.happens(0.3))))).collect();
        let basket: Vec<_> = basket.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
        if !basket.is_empty() {
            // A buyer who finds it sold out goes away; the log has it.
            let _ = self.buy(shop, &basket);
        }
    }

    fn an_order_moves(&mut self, shop: &str, kind: usize) {
        let orders = &self.shop(shop).orders;
        let open = orders.iter().filter(|(_, order)| order.cancelled.is_none());
        let recent: Vec<u64> = open.map(|(id, _)| *id).rev().take(50).collect();
        let Some(order) = self.dice.pick(&recent).copied() else { return };
        let back = self.dice.happens(0.5);
        match kind {
            1 => self.ship(shop, order),
            2 => {
                let out_of_stock = self.dice.happens(0.1);
                self.cancel(shop, order, back, out_of_stock);
            }
            _ => {
                let record = &self.shop(shop).orders[&order];
                let line = record.lines.iter().position(|l| l.units - l.removed - l.refunded(record) > 0);
                if let Some(line) = line {
                    self.take_back(shop, order, line, 1, back);
                }
            }
        }
    }

    fn a_listing_moves(&mut self, shop: &str, kind: usize) {
        let Some(sku) = self.some_sku(shop) else { return };
        let units = i64::try_from(self.dice.below(20)).unwrap_or(0);
        match kind {
            4 => self.set_units(Who::Owner, shop, &sku, units),
            5 => self.set_units(Who::OtherApp, shop, &sku, units),
            6 => {
                let state = if self.dice.happens(0.5) { State::Archived } else { State::Live };
                self.set_state(Who::Owner, shop, &sku, state);
            }
            7 => {
                let new = format!("{sku}-{}", self.dice.below(100));
                self.rename_sku(shop, &sku, &new);
            }
            _ => {
                let tracked = self.dice.happens(0.5);
                self.set_tracked(shop, &sku, tracked);
            }
        }
    }

    fn some_sku(&mut self, shop: &str) -> Option<String> {
        let stand = self.shops.get(shop)?;
        let nth = self.dice.below(stand.variants.len());
        stand.variants.values().nth(nth).map(|variant| variant.sku.clone())
    }
}

impl Pace {
    /// A shop where people buy and nothing else happens.
    pub fn buyers(orders: f64) -> Self {
        Self { orders, ..Self::default() }
    }

    fn rates(&self) -> [f64; 9] {
        [
            self.orders,
            self.sent,
            self.cancelled,
            self.taken_back,
            self.owner_edits,
            self.other_apps,
            self.archived,
            self.renamed,
            self.untracked,
        ]
    }
}
