//! Rules: what the owner wants a target to show, given what is available.
//!
//! They are read from top to bottom; each that matches changes what the ones above left. Within one rule the order is
//! fixed: `percent`, `buffer`, `zero_at_or_below`, `max`, `fixed`.

use globset::GlobMatcher;

use super::listing::ChannelName;
use super::policy::ZeroStock;
use super::stock::{Price, Quantity, Sku};

/// A rule of channels.toml.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// When it matches.
    pub when: When,
    /// What it does.
    pub then: Then,
}

/// When a rule matches: all that is said must hold.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// The target's channel.
    pub channel: Option<ChannelName>,
    /// A pattern for one of its SKUs; case counts.
    pub sku: Option<GlobMatcher>,
    /// A pattern for its title.
    pub title: Option<GlobMatcher>,
    /// Its maker or brand.
    pub vendor: Option<String>,
    /// Its kind of product.
    pub product_type: Option<String>,
    /// One of its tags.
    pub tag: Option<String>,
    /// Its price is below this.
    pub price_below: Option<Price>,
    /// Its price is this or more.
    pub price_at_least: Option<Price>,
    /// What is available is below this.
    pub available_below: Option<i64>,
    /// What is available is this or more.
    pub available_at_least: Option<i64>,
    /// At least one of these holds, if there are any.
    pub any: Vec<When>,
}

/// What a rule does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Then {
    /// Takes the listing out of the sync.
    pub exclude: bool,
    /// Leaves so many percent, rounded down.
    pub percent: Option<u32>,
    /// Takes so many units off.
    pub buffer: Option<i64>,
    /// Shows 0 at this number and below, the whole number above it.
    pub zero_at_or_below: Option<i64>,
    /// Shows no more than this.
    pub max: Option<i64>,
    /// Shows this, whatever there is.
    pub fixed: Option<i64>,
    /// What happens at zero.
    pub zero_stock: Option<ZeroStock>,
}

/// What rules look at.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The target's channel.
    pub channel: &'a ChannelName,
    /// Its SKUs.
    pub skus: Vec<&'a Sku>,
    /// Its title.
    pub title: Option<&'a str>,
    /// Its maker or brand.
    pub vendor: Option<&'a str>,
    /// Its kind of product.
    pub product_type: Option<&'a str>,
    /// Its tags.
    pub tags: &'a [String],
    /// Its price.
    pub price: Option<Price>,
    /// The recipe's number before any rule.
    pub available: Quantity,
}

/// What the rules make of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is left.
    pub quantity: Quantity,
    /// The rule that takes the listing out.
    pub excluded_by: Option<String>,
    /// What happens at zero, where a rule says so.
    pub zero_stock: Option<ZeroStock>,
    /// Each step, in order.
    pub trail: Vec<Step>,
}

/// One step of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule's name.
    pub rule: String,
    /// What it did, in words.
    pub effect: String,
    /// The number before.
    pub before: Quantity,
    /// The number after.
    pub after: Quantity,
}

impl When {
    /// Tells whether the rule matches. What is not known of the subject does not match.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        let glob = |pattern: &Option<GlobMatcher>, text: Option<&str>| {
            pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.is_match(text)))
        };
        let equal =
            |wanted: &Option<String>, text: Option<&str>| wanted.as_deref().is_none_or(|wanted| text == Some(wanted));
        let available = subject.available.units();
        self.channel.as_ref().is_none_or(|channel| channel == subject.channel)
            && self.sku.as_ref().is_none_or(|glob| subject.skus.iter().any(|sku| glob.is_match(sku.as_str())))
            && glob(&self.title, subject.title)
            && equal(&self.vendor, subject.vendor)
            && equal(&self.product_type, subject.product_type)
            && self.tag.as_ref().is_none_or(|tag| subject.tags.contains(tag))
            && self.price_below.is_none_or(|limit| subject.price.is_some_and(|price| price < limit))
            && self.price_at_least.is_none_or(|limit| subject.price.is_some_and(|price| limit <= price))
            && self.available_below.is_none_or(|limit| available < limit)
            && self.available_at_least.is_none_or(|limit| limit <= available)
            && (self.any.is_empty() || self.any.iter().any(|when| when.matches(subject)))
    }
}

/// Lets the rules work on what is available, from top to bottom.
pub fn evaluate(rules: &[Rule], subject: &Subject<'_>) -> Verdict {
    let mut verdict = Verdict { quantity: subject.available, excluded_by: None, zero_stock: None, trail: Vec::new() };
    for rule in rules.iter().filter(|rule| rule.when.matches(subject)) {
        if rule.then.exclude {
            verdict.excluded_by.get_or_insert_with(|| rule.name.clone());
            step(&mut verdict, rule, "excluded from the sync".to_owned(), |quantity| quantity);
        }
        apply(&mut verdict, rule);
    }
    verdict
}

fn apply(verdict: &mut Verdict, rule: &Rule) {
    let Then { percent, buffer, zero_at_or_below, max, fixed, zero_stock, .. } = &rule.then;
    let units = Quantity::at_least_zero;
    if let Some(percent) = *percent {
        step(verdict, rule, format!("{percent} percent"), |quantity| share(quantity, percent));
    }
    if let Some(buffer) = *buffer {
        step(verdict, rule, format!("{buffer} kept back"), |quantity| quantity.less(buffer.max(0)));
    }
    if let Some(limit) = *zero_at_or_below {
        let zero = |quantity: Quantity| if quantity.units() <= limit { Quantity::ZERO } else { quantity };
        step(verdict, rule, format!("0 at {limit} or below"), zero);
    }
    if let Some(max) = *max {
        step(verdict, rule, format!("at most {max}"), |quantity| quantity.min(units(max)));
    }
    if let Some(fixed) = *fixed {
        let words = format!("always {fixed}, which can sell what is not there");
        step(verdict, rule, words, |_| units(fixed));
    }
    if zero_stock.is_some() {
        verdict.zero_stock = *zero_stock;
    }
}

fn step(verdict: &mut Verdict, rule: &Rule, effect: String, change: impl Fn(Quantity) -> Quantity) {
    let before = verdict.quantity;
    verdict.quantity = change(before);
    verdict.trail.push(Step { rule: rule.name.clone(), effect, before, after: verdict.quantity });
}

fn share(quantity: Quantity, percent: u32) -> Quantity {
    let share = i128::from(quantity.units()) * i128::from(percent) / 100;
    Quantity::at_least_zero(i64::try_from(share).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(then: Then) -> Rule {
        Rule { name: "r".to_owned(), when: When::default(), then }
    }

    fn shown(rules: &[Rule], available: i64) -> i64 {
        let channel = ChannelName::new("list").unwrap();
        let subject = Subject {
            channel: &channel,
            skus: Vec::new(),
            title: None,
            vendor: None,
            product_type: None,
            tags: &[],
            price: None,
            available: Quantity::at_least_zero(available),
        };
        evaluate(rules, &subject).quantity.units()
    }

    #[test]
    fn each_rule_changes_what_the_ones_above_left() {
        let half = rule(Then { percent: Some(50), ..Then::default() });
        let back = rule(Then { buffer: Some(2), ..Then::default() });
        assert_eq!(shown(&[half.clone(), back.clone()], 11), 3);
        assert_eq!(shown(&[back, half], 11), 4);
    }

    #[test]
    fn within_a_rule_the_order_is_fixed() {
        let all =
            Then { percent: Some(50), buffer: Some(1), zero_at_or_below: Some(3), max: Some(6), ..Then::default() };
        assert_eq!([8, 9, 10, 20].map(|n| shown(&[rule(all.clone())], n)), [0, 0, 4, 6]);
    }

    #[test]
    fn what_is_not_known_does_not_match() {
        let when = When { vendor: Some("Acme".to_owned()), ..When::default() };
        let rule = Rule { name: "r".to_owned(), when, then: Then { max: Some(0), ..Then::default() } };
        assert_eq!(shown(&[rule], 5), 5);
    }

    proptest! {
        #[test]
        fn rules_never_go_below_zero_and_never_invent_stock(
            available in any::<i64>(), percent in 0_u32..=100, buffer in any::<i64>(), limit in any::<i64>(), max in any::<i64>()
        ) {
            let then = Then {
                percent: Some(percent),
                buffer: Some(buffer),
                zero_at_or_below: Some(limit),
                max: Some(max),
                ..Then::default()
            };
            let shown = shown(&[rule(then)], available);
            prop_assert!((0..=available.max(0)).contains(&shown));
        }
    }
}
