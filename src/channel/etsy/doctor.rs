//! What can be wrong with an Etsy shop, looked at without a write (section 11).

use jiff::Timestamp;
use serde_json::Value;

use super::api::Call;
use super::consent::SCOPES;
use super::inventory::Group;
use super::item::{ACTIVE, Item, SOLD_OUT};
use super::keys::Key;
use super::{Etsy, MOST};
use crate::channel::{ChannelError, Probe, Result, printable};
use crate::domain::{Role, Sku};

const LOOK: &str = "looking at the account";

/// Findings of one kind that are named one by one; of more, their number is told.
const NAMED: usize = 20;

impl Etsy {
    /// Looks at the app's key, what the consent covers and how long, the shop, and what is odd among its listings.
    pub(super) async fn examine(&self) -> Result<Vec<Probe>> {
        let ping = self.api.ask_without_token(&Call::get(LOOK, "openapi-ping")).await;
        if let Err(error) = &ping
            && error.stops_lane()
        {
            return Err(error.clone());
        }
        let shop = self.shop().await?;
        let mut probes =
            vec![Probe::fine("account", format!("connected to shop {shop}{}", self.shop_name(shop).await))];
        probes.extend(ping.err().map(|error| unseen("whether Etsy knows the app's key", Some(&error))));
        probes.extend(self.scopes().await);
        probes.extend(self.consent().await);
        probes.extend(self.goods().await?);
        probes.push(self.calls_left());
        Ok(probes)
    }

    /// Returns what the owner knows the shop by, where it can be had.
    async fn shop_name(&self, shop: i64) -> String {
        let answer = self.api.ask(&Call::get(LOOK, format!("shops/{shop}"))).await.unwrap_or_default();
        let name = super::item::text(&answer, "shop_name").map(|name| printable(name, 60));
        name.map_or_else(String::new, |name| format!(" ({name})"))
    }

    /// Tells which scopes the consent lacks.
    async fn scopes(&self) -> Vec<Probe> {
        let granted = match self.api.scopes(LOOK).await {
            Ok(answer) => granted(&answer),
            Err(error) => return vec![unseen("what the consent covers", Some(&error))],
        };
        if granted.is_empty() {
            return vec![unseen("what the consent covers", None)];
        }
        let missing: Vec<Probe> = SCOPES
            .iter()
            .filter(|(scope, _)| !granted.iter().any(|granted| granted == scope))
            .map(|(scope, why)| {
                let message = format!("the consent lacks the scope {scope}, {why}");
                Probe::problem("scope-missing", message, &format!("run `eys auth {}`", self.name))
            })
            .collect();
        if missing.is_empty() {
            vec![Probe::fine("scopes", "the consent covers what eys needs".to_owned())]
        } else {
            missing
        }
    }

    /// Tells how long the consent lasts: each run lets it last ninety days more (F7).
    async fn consent(&self) -> Option<Probe> {
        let ends = self.api.access_ends().await.ok().flatten()?;
        let message = format!("the consent lasts until {}, and each run prolongs it", day(ends));
        let next = format!("let `eys sync` run before that, or run `eys auth {}` again", self.name);
        Some(Probe { ends: Some(ends), next: Some(next), ..Probe::fine("consent", message) })
    }

    /// Tells what is left of the day's calls.
    fn calls_left(&self) -> Probe {
        let Some(quota) = self.api.quota() else { return unseen("what is left of the day's calls", None) };
        let message = format!("{} of the {} calls of a day are left", quota.left, quota.most);
        if quota.left < quota.most / 4 {
            Probe::note("calls-left", message, "they come back bit by bit within a day; a slower `every` needs fewer")
        } else {
            Probe::fine("calls-left", message)
        }
    }

    /// Looks through all listings for those that cannot be linked or written as they are.
    async fn goods(&self) -> Result<Vec<Probe>> {
        let (mut page, mut items, before) = (None, Vec::<Item>::new(), self.reading_calls());
        loop {
            let (found, next) = self.read_items(page.clone()).await?;
            items.extend(found);
            if next.is_none() || next == page {
                break;
            }
            page = next;
        }
        let calls = self.reading_calls() - before;
        items.sort_by_key(|item| item.id);
        items.dedup_by_key(|item| item.id);
        items.retain(|item| !item.digital);
        let active = items.iter().filter(|item| item.is(ACTIVE)).count();
        let message =
            format!("{} listings, {active} of them on sale; reading them all takes {calls} calls", items.len());
        let mut probes = vec![Probe::fine("listings", message)];
        probes.extend(told(items.iter().filter_map(without_sku)));
        probes.extend(told(items.iter().flat_map(mixed)));
        probes.extend(told(items.iter().filter_map(contradicting)));
        probes.extend(told(items.iter().filter_map(in_parentheses)));
        probes.extend(told(items.iter().filter_map(without_profile)));
        probes.extend(told(items.iter().filter_map(at_the_cap)));
        probes.extend(told(items.iter().filter_map(|item| self.sold_out(item))));
        Ok(probes)
    }

    fn sold_out(&self, item: &Item) -> Option<Probe> {
        let next = if self.fees {
            "nothing, if it is linked: eys renews it as soon as there is stock again".to_owned()
        } else {
            format!(
                "renew it on Etsy when there is stock; with `fees = true` in [channels.{}] eys does, if it is linked",
                self.name
            )
        };
        let message = named(item, "is sold out; showing it again costs Etsy's listing fee (0.20 USD)");
        item.is(SOLD_OUT).then(|| Probe { listing: whole(item), ..Probe::note("sold-out", message, &next) })
    }
}

/// Reads the list of scopes, in whichever of two shapes it comes.
fn granted(answer: &Value) -> Vec<String> {
    let list = answer.as_array().or_else(|| answer.get("scopes").and_then(Value::as_array));
    let words = list.into_iter().flatten().filter_map(Value::as_str);
    words.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

fn without_sku(item: &Item) -> Option<Probe> {
    let lacking = match &item.inventory {
        Some(inventory) => inventory.products.iter().any(|product| product.sku.is_none()),
        None => item.skus.is_empty(),
    };
    let message = named(item, "has goods without a SKU, which are linked by hand or not at all");
    let next = "give it SKUs on Etsy, then `eys link`";
    lacking.then(|| Probe { listing: whole(item), ..Probe::note("listing-without-sku", message, next) })
}

/// Finds the groups whose products bear several SKUs: they share one number, so that each shows the lowest.
fn mixed(item: &Item) -> Vec<Probe> {
    let Some(inventory) = &item.inventory else { return Vec::new() };
    let probe = |group: &Group<'_>| {
        let mut skus: Vec<&Sku> = group.products.iter().filter_map(|product| product.sku.as_ref()).collect();
        skus.sort_unstable();
        skus.dedup();
        let several = 1 < skus.len();
        let skus: Vec<&str> = skus.iter().map(|sku| sku.as_str()).take(5).collect();
        let words = format!("shares one quantity among several SKUs: {}", printable(&skus.join(", "), 120));
        let next = "on Etsy, at its variations, let the quantity vary by what the SKU varies by; until then each offers what the scarcest has";
        let listing = Some(Key::new(item.id, group.name).listing_key());
        several.then(|| Probe { listing, ..Probe::problem("mixed-skus", named(item, &words), next) })
    };
    inventory.groups().iter().filter_map(probe).collect()
}

fn contradicting(item: &Item) -> Option<Probe> {
    let groups = item.inventory.as_ref()?.groups();
    let odd = groups.iter().find(|group| group.level().is_none())?;
    let message = named(item, "shows no one quantity where its variations should share one");
    let listing = Some(Key::new(item.id, odd.name).listing_key());
    Some(Probe {
        listing,
        ..Probe::problem("quantity-unclear", message, "open it on Etsy and save its quantities anew")
    })
}

fn in_parentheses(item: &Item) -> Option<Probe> {
    let text = item.inventory.as_ref()?.parenthesis()?;
    let words = format!("has the variation \"{}\"; Etsy takes none with a parenthesis back", printable(&text, 60));
    let next = "rename it on Etsy, without ( and )";
    Some(Probe { listing: whole(item), ..Probe::problem("parenthesis", named(item, &words), next) })
}

fn without_profile(item: &Item) -> Option<Probe> {
    let lacking = item.is(ACTIVE) && item.inventory.as_ref()?.lacks_profile();
    let message = named(item, "has no processing profile; Etsy may refuse a change of its quantity for that");
    let next = "choose its processing profile on Etsy, where its shipping is set";
    lacking.then(|| Probe { listing: whole(item), ..Probe::note("processing-profile-missing", message, next) })
}

fn at_the_cap(item: &Item) -> Option<Probe> {
    let groups = item.inventory.as_ref()?.groups();
    let full = groups.iter().find(|group| group.level() == Some(MOST))?;
    let listing = Some(Key::new(item.id, full.name).listing_key());
    let message = named(item, "shows 999, the most that Etsy takes; there may be more");
    Some(Probe {
        listing,
        ..Probe::note("quantity-at-most", message, "nothing, unless Etsy is the source: count elsewhere then")
    })
}

/// Names findings one by one, and of too many their number.
fn told(found: impl Iterator<Item = Probe>) -> Vec<Probe> {
    let mut probes: Vec<Probe> = found.collect();
    let rest = probes.len().saturating_sub(NAMED);
    probes.truncate(NAMED);
    if let Some(last) = probes.last().cloned().filter(|_| 0 < rest) {
        probes.push(Probe { listing: None, message: format!("and {rest} more listings like that"), ..last });
    }
    probes
}

fn whole(item: &Item) -> Option<crate::domain::ListingKey> {
    let listings = item.listings(Role::Target);
    listings.into_iter().next().map(|listing| listing.key)
}

fn named(item: &Item, words: &str) -> String {
    format!("{} \"{}\" {words}", item.id, printable(&item.title, 60))
}

fn day(moment: Timestamp) -> String {
    moment.to_string().split('T').next().unwrap_or_default().to_owned()
}

fn unseen(what: &str, error: Option<&ChannelError>) -> Probe {
    let why = error.map_or_else(|| "Etsy does not say".to_owned(), |error| error.message.clone());
    Probe::note("unseen", format!("eys could not see {what}: {why}"), "nothing, as long as the rest is well")
}
