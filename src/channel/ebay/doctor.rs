//! What can be wrong with an eBay account, looked at without a write (section 11).

use jiff::Timestamp;

use super::Ebay;
use super::auth::SCOPE;
use super::item::{Format, Item};
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

/// Findings of one kind that are named one by one; of more, their number is told.
const NAMED: usize = 20;

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
        probes.extend(self.goods().await?);
        probes.extend(self.models().await);
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
                let message = format!("{left} of the day's {most} Trading calls are left, until {refills:.0}");
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

    /// Looks through all listings for those that cannot be linked, or that eBay holds back.
    async fn goods(&self) -> Result<Vec<Probe>> {
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
        let fixed = || items.iter().filter(|item| item.format == Format::FixedPrice);
        let mut probes =
            vec![Probe::fine("listings", format!("fixed-price listings that are up: {}", fixed().count()))];
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
        Ok(probes)
    }

    /// Tells which listings belong to the Inventory API, and what is odd about them.
    async fn models(&self) -> Vec<Probe> {
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
        let mut wanted: Vec<_> =
            self.skus().iter().filter_map(|(item, sku)| Some((item.clone(), sku.clone()?))).collect();
        wanted.sort_by(|one, other| one.0.cmp(&other.0));
        let wanted = wanted.into_iter().take(NAMED);
        let wanted: Vec<_> =
            wanted.map(|(item, sku)| (super::keys::Key::single(&item), sku.as_str().to_owned())).collect();
        if let Err(error) = self.inventory.find(&wanted).await {
            probes.push(unseen("the offers of some listings", Some(&error)));
        }
        for (key, offer) in self.inventory.found_offers() {
            let listing = Some(key.listing());
            if offer.distributed {
                let message = format!("{key} keeps its stock by warehouse; eys leaves its number alone");
                let next = "let the program that keeps it go on, and exclude it by a rule";
                probes.push(Probe { listing: listing.clone(), ..Probe::note("stock-by-warehouse", message, next) });
            }
            if offer.on_hold {
                let message = format!("the offer of {key} is held back by eBay");
                probes.push(Probe {
                    listing,
                    ..Probe::problem("offer-on-hold", message, "Seller Hub says what to mend")
                });
            }
        }
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
