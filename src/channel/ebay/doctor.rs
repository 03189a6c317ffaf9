//! What can be wrong with an eBay account, looked at without a write (section 11).

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::Ebay;
use super::api::Call;
use super::auth::SCOPE;
use super::item::{Format, Item};
use super::keys::Key;
use super::trading::SWITCH;
use crate::channel::{ChannelError, Mend, Outcome, Probe, Result, printable};
use crate::domain::quota::Quota;

/// What each scope is for; a readonly one is enough where nothing is written.
const SCOPES: &[(&str, bool, &str)] = &[
    ("sell.inventory", true, "to find out how listings were made, and to write those of the Inventory API"),
    ("sell.fulfillment", false, "to see what was sold"),
    ("sell.account", false, "to see whether out-of-stock control is on"),
];

/// How it is mended that out-of-stock control is off.
const MEND: &str = "out-of-stock control";
const MEND_ACT: &str = "out-of-stock-control";

const LIMIT: &str = "asking how much the account may sell";

/// Findings of one kind that are named one by one; of more, their number is told.
const NAMED: usize = 20;

/// What the account may do (`getPrivileges`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Privileges {
    /// What it may sell in a month; none where eBay sets no limit.
    selling_limit: Option<SellingLimit>,
}

#[derive(Deserialize)]
struct SellingLimit {
    quantity: Option<i64>,
    amount: Option<Amount>,
}

#[derive(Deserialize)]
struct Amount {
    currency: String,
    value: String,
}

impl Ebay {
    /// Looks at the account: the keyset, what it may do, how long, how the account is set up, what is odd among its listings.
    pub(super) async fn examine(&self) -> Result<Vec<Probe>> {
        let account = self.trading.account().await?;
        let message = format!("connected to {} on {}", account.label, self.marketplace);
        let mut probes = vec![Probe::fine("account", message)];
        probes.extend(self.scopes().await);
        probes.extend(self.consent().await);
        probes.extend(self.switch().await);
        probes.push(self.calls_left().await);
        let items = self.all_listings().await?;
        probes.extend(goods(&items));
        probes.push(self.selling_limit(&items).await);
        probes.extend(self.models(&items).await);
        Ok(probes)
    }

    /// Tells which scopes the consent lacks.
    async fn scopes(&self) -> Vec<Probe> {
        let told = match self.api.introspect_access().await {
            Ok(told) if !told.scope.is_empty() => told,
            Ok(_) => return vec![unseen("what the consent covers", None)],
            Err(error) => return vec![unseen("what the consent covers", Some(&error))],
        };
        let granted: Vec<&str> = told.scope.split_whitespace().collect();
        let has = |scope: &str, writes: bool| {
            let full = format!("{SCOPE}/{scope}");
            granted.contains(&full.as_str()) || (!writes && granted.contains(&format!("{full}.readonly").as_str()))
        };
        let missing: Vec<Probe> = SCOPES
            .iter()
            .filter(|(scope, writes, _)| !has(scope, *writes))
            .map(|(scope, _, why)| {
                let message = format!("the consent lacks the scope {scope}, {why}");
                Probe::problem(
                    "scope-missing",
                    message,
                    &format!("consent again with `eys auth {}`: this scope is among those that it asks for", self.name),
                )
            })
            .collect();
        if missing.is_empty() {
            vec![Probe::fine("scopes", "the consent covers what eys needs".to_owned())]
        } else {
            missing
        }
    }

    /// Tells how long the consent lasts: the refresh token ends after eighteen months and cannot be renewed (F7).
    async fn consent(&self) -> Option<Probe> {
        let ends = self.api.access_ends().await.ok().flatten()?;
        let message = format!("the consent lasts until {}", day(ends));
        Some(Probe {
            ends: Some(ends),
            next: Some(format!("consent again before that, with `eys auth {}`", self.name)),
            ..Probe::fine("consent", message)
        })
    }

    /// Tells whether listings live at 0, and what eBay does with unpaid purchases.
    async fn switch(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        match self.look_at_out_of_stock_control().await {
            Ok(true) => {
                probes.push(Probe::fine("out-of-stock-control", format!("{MEND} is on: listings stay up at 0")));
            }
            Ok(false) => probes.push(Probe {
                mend: Some(Mend {
                    listing: None,
                    act: MEND_ACT,
                    words: format!("switch {MEND} on for the whole account"),
                }),
                ..Probe::problem(
                    "out-of-stock-control-off",
                    format!("{MEND} is off: at 0 a listing ends, and a variation is removed from its listing for good"),
                    "`eys doctor --fix` switches it on; or eBay, Account settings, Site preferences",
                )
            }),
            Err(error) => probes.push(unseen("whether out-of-stock control is on", Some(&error))),
        }
        if let Ok(preferences) = self.preferences().await
            && let Some(relists) = preferences.auto_relist
        {
            let days = self.unpaid.lasts().as_hours() / 24;
            let does = match (preferences.cancels_unpaid, relists) {
                (Some(false), _) => "eBay cancels nothing of it by itself",
                (_, true) => "when eBay cancels it, it puts its units back",
                (_, false) => "when eBay cancels it, it does not put its units back",
            };
            let message = format!("what is bought and not paid is kept back for {days} days; {does}");
            probes.push(Probe::fine("unpaid-purchases", message));
        }
        probes
    }

    /// Tells what is left of the day's calls.
    async fn calls_left(&self) -> Probe {
        match self.limits.ask(&self.api).await {
            Ok(Some(Quota { most, left, refills })) => {
                let until = refills.strftime("%Y-%m-%d %H:%M UTC");
                let message = format!("{left} of the day's {most} Trading calls are left, until {until}");
                if left < most / 4 {
                    Probe::note(
                        "calls-left",
                        message,
                        "a slower `every` needs fewer; a free Application Growth Check raises them",
                    )
                } else {
                    Probe::fine("calls-left", message)
                }
            }
            Ok(None) => unseen("what is left of the day's calls", None),
            Err(error) => unseen("what is left of the day's calls", Some(&error)),
        }
    }

    /// Tells how much the account may sell in a month: where its listings offer nearly that, eBay refuses raises (2).
    async fn selling_limit(&self, items: &[Item]) -> Probe {
        let what = "how much the account may sell";
        let limit = match self.api.ask::<Privileges>(&Call::get(LIMIT, "/sell/account/v1/privilege")).await {
            Ok(told) => told.selling_limit,
            Err(error) => return unseen(what, Some(&error)),
        };
        let stocks = items.iter().flat_map(|item| &item.parts).filter_map(|part| part.stock);
        let offered = stocks.fold(0, |sum: i64, stock| sum.saturating_add(stock.available.level().0));
        let units = limit.as_ref().and_then(|limit| limit.quantity);
        let amount = limit
            .and_then(|limit| limit.amount)
            .map(|amount| format!("{} {}", printable(&amount.value, 20), printable(&amount.currency, 3)));
        let message = match (units, amount) {
            (Some(units), amount) => {
                let amount = amount.map(|amount| format!(", for up to {amount}")).unwrap_or_default();
                format!("units that the account may sell in a month: {units}{amount}; its listings offer {offered}")
            }
            (None, Some(amount)) => format!("the account may sell for up to {amount} in a month"),
            (None, None) => "eBay sets no limit on what the account sells".to_owned(),
        };
        if units.is_some_and(|units| units.saturating_sub(units / 10) <= offered) {
            let next = "eBay may refuse raises; Seller Hub, Overview, Monthly limits, asks for a higher limit";
            return Probe::note("selling-limit", message, next);
        }
        Probe::fine("selling-limit", message)
    }

    /// Reads all listings that are up.
    async fn all_listings(&self) -> Result<Vec<Item>> {
        let (mut number, mut items) = (1, Vec::new());
        loop {
            let active = self.trading.active(number).await?;
            items.extend(active.items);
            if active.pages <= number {
                break;
            }
            number += 1;
        }
        self.note_skus(&items);
        Ok(items)
    }

    /// Tells which listings belong to the Inventory API, and what is odd about them.
    async fn models(&self, items: &[Item]) -> Vec<Probe> {
        let count = match self.inventory.count().await {
            Ok(count) => count,
            Err(error) => return vec![unseen("which listings were made through the Inventory API", Some(&error))],
        };
        if count == 0 {
            return vec![Probe::fine(
                "inventory-model",
                "all listings are classic ones; Trading writes them".to_owned(),
            )];
        }
        let message = format!("{count} goods were made through the Inventory API, which writes their listings");
        let mut probes = vec![Probe::fine("inventory-model", message)];
        let parts = items.iter().flat_map(|item| item.parts.iter().map(move |part| (item.key(part), part)));
        let mut all: Vec<(Key, String)> =
            parts.filter_map(|(key, part)| Some((key, part.sku.as_ref()?.as_str().to_owned()))).collect();
        all.sort();
        // An offer is a call for each: beyond the first, those alone are looked up that may be kept by warehouse, and of
        // those no more than are named.
        let kept_apart = self.inventory.by_warehouse(&all).await;
        let mut wanted: Vec<(Key, String)> = all.into_iter().take(NAMED).collect();
        match kept_apart {
            Ok(kept_apart) => wanted.extend(kept_apart.into_iter().take(NAMED + 1)),
            Err(error) => probes.push(unseen("which listings keep their stock by warehouse", Some(&error))),
        }
        wanted.sort();
        wanted.dedup();
        if let Err(error) = self.inventory.find(&wanted).await {
            probes.push(unseen("the offers of some listings", Some(&error)));
        }
        let looked_up: HashSet<Key> = wanted.into_iter().map(|(key, _)| key).collect();
        let mut found = self.inventory.found_offers();
        found.retain(|(key, _)| looked_up.contains(key));
        let kept_apart: Vec<&Key> = found.iter().filter(|(_, offer)| offer.distributed).map(|(key, _)| key).collect();
        probes.extend(by_warehouse(&kept_apart));
        probes.extend(found.iter().filter(|(_, offer)| offer.on_hold).map(|(key, _)| {
            let message = format!("the offer of {key} is held back by eBay");
            let next = "Seller Hub says what to mend";
            Probe { listing: Some(key.listing()), ..Probe::problem("offer-on-hold", message, next) }
        }));
        probes
    }

    /// Mends one thing, as `doctor --fix` asks.
    pub(super) async fn mend_account(&self, mend: &Mend) -> Result<Outcome> {
        if mend.act != MEND_ACT {
            return Ok(Outcome::Gone);
        }
        self.trading.switch_out_of_stock_control_on().await?;
        let on = self.look_at_out_of_stock_control().await?;
        if on {
            return Ok(Outcome::Done { echo: None });
        }
        let error = ChannelError::unexpected(SWITCH, "eBay took it, and does not show it as on yet")
            .with_next("eBay may need up to a day; `eys doctor` looks again");
        Ok(Outcome::Unknown(error))
    }
}

/// Looks through all listings for those that cannot be linked, or that eBay holds back.
fn goods(items: &[Item]) -> Vec<Probe> {
    let fixed = || items.iter().filter(|item| item.format == Format::FixedPrice);
    let mut probes = vec![Probe::fine("listings", format!("fixed-price listings that are up: {}", fixed().count()))];
    let nameless = |item: &&Item| item.parts.iter().any(|part| part.sku.is_none());
    probes.extend(told(fixed().filter(nameless), |item| {
        let (code, words) = if item.varied {
            ("variation-without-sku", "has variations without a SKU, which take no quantity")
        } else {
            ("listing-without-sku", "has no SKU, so it is linked by hand or not at all")
        };
        let part = item.parts.iter().find(|part| part.sku.is_none());
        let listing = part.map(|part| item.key(part).listing());
        let next = "give it a SKU (custom label) in Seller Hub, then `eys link`";
        Probe { listing, ..Probe::note(code, named(item, words), next) }
    }));
    probes.extend(told(fixed().filter(|item| item.on_hold), |item| {
        let listing = item.parts.first().map(|part| item.key(part).listing());
        let message = named(item, "is held back by eBay");
        Probe { listing, ..Probe::problem("listing-on-hold", message, "Seller Hub says what to mend") }
    }));
    probes
}

/// Names listings whose stock is kept by warehouse; of many it is told that they are.
fn by_warehouse(keys: &[&Key]) -> Vec<Probe> {
    let told = |message: String| {
        let next = "let the program that keeps it go on, and exclude it by a rule";
        Probe::note("stock-by-warehouse", message, next)
    };
    if NAMED < keys.len() {
        let message =
            format!("more than {NAMED} listings keep their stock by warehouse; eys leaves their numbers alone");
        return vec![told(message)];
    }
    let one = |key: &&Key| {
        let message = format!("{key} keeps its stock by warehouse; eys leaves its number alone");
        Probe { listing: Some(key.listing()), ..told(message) }
    };
    keys.iter().map(one).collect()
}

/// Names findings one by one, and of too many their number.
fn told<'a>(items: impl Iterator<Item = &'a Item>, tell: impl Fn(&Item) -> Probe) -> Vec<Probe> {
    let items: Vec<&Item> = items.collect();
    let mut probes: Vec<Probe> = items.iter().take(NAMED).map(|item| tell(item)).collect();
    if let (Some(last), Some(rest)) = (probes.last().cloned(), items.len().checked_sub(NAMED).filter(|rest| *rest > 0))
    {
        probes.push(Probe { listing: None, message: format!("and {rest} more listings like that"), ..last });
    }
    probes
}

fn named(item: &Item, words: &str) -> String {
    format!("{} \"{}\" {words}", item.id, printable(&item.title, 60))
}

fn day(moment: Timestamp) -> String {
    moment.to_string().split('T').next().unwrap_or_default().to_owned()
}

fn unseen(what: &str, error: Option<&ChannelError>) -> Probe {
    let why = error.map_or_else(|| "eBay does not say".to_owned(), |error| error.message.clone());
    Probe::note("unseen", format!("eys could not see {what}: {why}"), "nothing, as long as the rest is well")
}
