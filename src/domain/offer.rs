//! What a target listing is offered: what the source has, less what is spoken for, through the rules, under the
//! ceilings (O1 to O4), with every step of how the number came about.

use jiff::Timestamp;

use super::capability::Capability;
use super::facts::{Component, ListingId, SourceFacts, TargetFacts};
use super::hold::Frozen;
use super::link::Link;
use super::listing::{Good, Listing};
use super::policy::ZeroStock;
use super::rule::{Rule, Subject, evaluate};
use super::stock::{Level, Quantity};
use crate::safeguard::{Safeguard, stands};

/// What a listing is offered, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The units.
    pub quantity: Quantity,
    /// The recipe's number before any rule.
    pub available: Quantity,
    /// The name of the rule that takes the listing out of the sync.
    pub excluded_by: Option<String>,
    /// What a rule says about zero, where one says something.
    pub zero_stock: Option<ZeroStock>,
    /// How the number came about, step by step, in words.
    pub trail: Vec<String>,
}

/// Returns the units of a source listing that are spoken for though its reading may still contain them (O1).
///
/// Units to be given back do not count against them (O3): each line claims on its own. What the platform lost is sold
/// and gone, though no line owes it any more (X4). What is bought and not paid yet is gone for whoever comes later (O5).
pub fn claims(source: &SourceFacts) -> i64 {
    if !stands(Safeguard::Claims) {
        return 0;
    }
    let id = source.known.id;
    let owed = source.owing.iter().map(|line| line.open_units(id).max(0));
    let unseen = source.own.iter().map(|line| line.unseen().max(0));
    let lost = source.intents.iter().map(|intent| intent.act.sent_again()).chain([source.lost]);
    let lost = lost.map(|delta| delta.0.saturating_neg().max(0));
    owed.chain(unseen).chain(lost).chain([source.unpaid]).fold(0, i64::saturating_add)
}

/// Returns what a source listing has that is not spoken for; `None` while it was never read (P5).
pub fn free(source: &SourceFacts) -> Option<Level> {
    let level = source.known.reading?.level;
    Some(Level(level.0.saturating_sub(claims(source))))
}

/// Works out what a target listing is offered; `None` while a part of its recipe was never read (P5), or while it has
/// no link.
pub fn offer(
    target: &TargetFacts,
    component: &Component,
    rules: &[Rule],
    capability: &Capability,
    now: Timestamp,
) -> Option<Offer> {
    let mut trail = Vec::new();
    let available = available(target, component, &mut trail)?;
    let verdict = evaluate(rules, &subject(target, component, available));
    trail.extend(verdict.trail.iter().map(|step| format!("{}: {} → {}", step.rule, step.effect, step.after)));
    let mut quantity = verdict.quantity;
    // What is missing was sold, as like as not: then it is among what the source still has, and spoken for (P1, R3).
    let ceiling = target.known.ceiling.as_ref().filter(|ceiling| now < ceiling.until);
    let ceiling = ceiling.map(|ceiling| (ceiling.most.min(quantity.less(ceiling.missing)), ceiling.until));
    let mut cap = |most: Quantity, why: &str| {
        if most < quantity {
            quantity = most;
            trail.push(format!("{why} → {most}"));
        }
    };
    if let Some((most, until)) = ceiling {
        let until = until.strftime("%Y-%m-%d %H:%M UTC");
        cap(most, &format!("units are missing there without an order; waiting for it until {until}"));
    }
    if let Some(most) = capability.most {
        cap(Quantity::at_least_zero(most), "the most that the platform takes");
    }
    Some(Offer { quantity, available, excluded_by: verdict.excluded_by, zero_stock: verdict.zero_stock, trail })
}

/// Returns the least that any of the listing's links can be made of (O2).
fn available(target: &TargetFacts, component: &Component, trail: &mut Vec<String>) -> Option<Quantity> {
    let mut least: Option<i64> = None;
    for link in &target.links {
        for part in &link.recipe {
            let source = find(component, part.source)?;
            let free = free(source)?;
            let made = free.0.div_euclid(part.units.max(1));
            least = Some(least.map_or(made, |least| least.min(made)));
            describe(source, free, part.units, made, trail);
        }
    }
    least.map(Quantity::at_least_zero)
}

fn describe(source: &SourceFacts, free: Level, units: i64, made: i64, trail: &mut Vec<String>) {
    let has = source.known.reading.map_or(0, |seen| seen.level.0);
    let name = source.known.listing.skus().next().map_or_else(|| source.known.at.to_string(), ToString::to_string);
    let mut words = format!("{name} on the source: {has}");
    let claimed = claims(source);
    let sold = claimed.saturating_sub(source.unpaid);
    if sold != 0 {
        words.push_str(&format!(", {sold} sold and not taken off yet"));
    }
    if source.unpaid != 0 {
        words.push_str(&format!(", {} bought and not paid yet", source.unpaid));
    }
    if claimed != 0 {
        words.push_str(&format!(", leaves {free}"));
    }
    if units != 1 {
        words.push_str(&format!(", {units} in each → {made}"));
    }
    trail.push(words);
}

/// Returns what a held listing may show at most: what it showed when the hold was made, less what was sold since.
pub fn held_offer(frozen: &Frozen, component: &Component) -> Quantity {
    let lost = frozen.parts.iter().map(|part| {
        let sold = find(component, part.source).map_or(part.sold, |source| source.known.sold);
        let units = part.units.max(1);
        sold.saturating_sub(part.sold).max(0).saturating_add(units - 1) / units
    });
    frozen.quantity.less(lost.max().unwrap_or(0))
}

/// Finds a source listing in its component.
pub fn find(component: &Component, id: ListingId) -> Option<&SourceFacts> {
    component.sources.binary_search_by_key(&id, |source| source.known.id).ok().map(|at| &component.sources[at])
}

/// Returns what rules look at: the target's own facts, else those of the single part on the source.
pub fn subject<'a>(target: &'a TargetFacts, component: &'a Component, available: Quantity) -> Subject<'a> {
    let own = &target.known.listing;
    let part = single_part(&target.links).and_then(|id| find(component, id)).map(|source| &source.known.listing);
    let text = |own: &'a str, part: Option<&'a str>| Some(own).filter(|text| !text.is_empty()).or(part);
    let skus: Vec<_> = own.skus().collect();
    Subject {
        channel: &target.known.at.channel,
        skus: if skus.is_empty() { part.map_or_else(Vec::new, |part| part.skus().collect()) } else { skus },
        title: text(own.title(), part.map(Listing::title)),
        vendor: own.vendor.as_deref().or(part.and_then(|part| part.vendor.as_deref())),
        product_type: own.product_type.as_deref().or(part.and_then(|part| part.product_type.as_deref())),
        tags: if own.tags.is_empty() { part.map_or(&[], |part| part.tags.as_slice()) } else { &own.tags },
        price: price(own).or(part.and_then(price)),
        available,
    }
}

fn price(listing: &Listing) -> Option<super::Price> {
    listing.goods.first().and_then(|good: &Good| good.price)
}

fn single_part(links: &[Link]) -> Option<ListingId> {
    let [link] = links else { return None };
    let [part] = link.recipe.as_slice() else { return None };
    Some(part.source)
}
