//! `eys rules`: what they are, and what each does to a SKU, step by step.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::status::about;
use super::{Context, End};
use crate::config::{Config, add_rule, remove_rule};
use crate::domain::offer::{offer, subject};
use crate::domain::rule::evaluate;
use crate::domain::{Component, ListingId, Sku, TargetFacts};
use crate::store::Store;
use crate::ui::Failure;

/// List, try, add and remove rules
#[derive(Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the rules in their order
    List,
    /// Show what the rules make of a SKU on every channel, step by step
    Test {
        /// The SKU, on the source or on a channel
        #[arg(required_unless_present = "all")]
        sku: Option<String>,
        /// All linked listings
        #[arg(long)]
        all: bool,
    },
    /// Add a rule at the end
    Add {
        /// Its name
        #[arg(long)]
        name: String,
        /// When it matches, such as channel=ebay or sku=MUG-* [repeat for more]
        #[arg(long, value_name = "KEY=VALUE")]
        when: Vec<String>,
        /// What it does, such as buffer=2 [repeat for more]
        #[arg(long, value_name = "KEY=VALUE", required = true)]
        then: Vec<String>,
    },
    /// Remove a rule
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) fn rules(context: &Context, args: &RulesArgs) -> End {
    match &args.action {
        Action::List => Ok(list(context, &context.places.read()?)),
        Action::Test { sku, .. } => test(context, &context.places.read()?, sku.as_deref()),
        Action::Add { name, when, then } => Ok(list(context, &add_rule(&context.places.config, name, when, then)?)),
        Action::Remove { name } => Ok(list(context, &remove_rule(&context.places.config, name)?)),
    }
}

fn list(context: &Context, config: &Config) -> u8 {
    let lines: Vec<String> =
        config.rules.iter().enumerate().map(|(nth, rule)| format!("{}. {}", nth + 1, rule.name)).collect();
    context.ui.say(&if lines.is_empty() {
        "There are no rules: every listing shows what the source has.".to_owned()
    } else {
        format!("{}\n\nThey are read from top to bottom. `eys rules test SKU` shows what they do.", lines.join("\n"))
    });
    let names: Vec<&str> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
    context.ui.document("rules", 0, Map::from_iter([("rules".to_owned(), json!(names))]));
    0
}

fn test(context: &Context, config: &Config, sku: Option<&str>) -> End {
    let state = context.places.state(Some(config));
    let store = Store::snapshot(&state)?;
    let seeds: Vec<ListingId> = match sku {
        Some(text) => {
            let sku = Sku::new(text).ok_or_else(|| Failure::Usage("the SKU is empty".to_owned(), None))?;
            store.read(|tx| tx.listings_by_sku(&sku))?.into_iter().map(|known| known.id).collect()
        }
        None => store.read(|tx| tx.open_links())?.into_iter().map(|link| link.listing).collect(),
    };
    let components = store.read(|tx| tx.components(&seeds))?;
    let about = about(&components, &seeds);
    let tested: Vec<(&Component, &TargetFacts)> = components
        .iter()
        .flat_map(|component| component.targets.iter().map(move |target| (component, target)))
        .filter(|(_, target)| about.contains(&target.known.id))
        .collect();
    if tested.is_empty() {
        let what = sku.map_or("nothing is linked yet".to_owned(), |sku| format!("`{sku}` is not linked"));
        return Err(Failure::Usage(what, Some("`eys link` ties listings; rules act on linked ones".to_owned())));
    }
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for (component, target) in tested {
        let (text, value) = tell(config, component, target);
        lines.push(text);
        all.push(value);
    }
    context.ui.say(&lines.join("\n\n"));
    context.ui.document("rules", 0, Map::from_iter([("tested".to_owned(), Value::from(all))]));
    Ok(0)
}

/// Tells what the rules make of one listing.
fn tell(config: &Config, component: &Component, target: &TargetFacts) -> (String, Value) {
    let name = target.known.name();
    let at = &target.known.at;
    // Without rules and ceilings: just what the recipe makes of the source.
    let capability = crate::domain::Capability { most: None, ..unlimited() };
    let Some(plain) = offer(target, component, &[], &capability, jiff::Timestamp::MAX) else {
        let text = format!("{name} on {}: the source was never read; `eys sync --dry-run` reads it", at.channel);
        return (text, json!({ "channel": at.channel, "listing": at.key, "available": null }));
    };
    let verdict = evaluate(&config.rules, &subject(target, component, plain.available));
    let mut lines =
        vec![format!("{name} on {}: {} available ({})", at.channel, plain.available, plain.trail.join("; "))];
    for rule in &config.rules {
        let steps: Vec<String> = verdict
            .trail
            .iter()
            .filter(|step| step.rule == rule.name)
            .map(|step| format!("{}: {} → {}", step.effect, step.before, step.after))
            .collect();
        let words = if steps.is_empty() { "does not match".to_owned() } else { steps.join(", ") };
        lines.push(format!("  {:<28} {words}", rule.name));
    }
    let end =
        verdict.excluded_by.as_ref().map_or(format!("shows {}", verdict.quantity), |_| "is left alone".to_owned());
    lines.push(format!("  {end}"));
    let value = json!({
        "channel": at.channel,
        "listing": at.key,
        "sku": name,
        "available": plain.available,
        "quantity": verdict.quantity,
        "excluded_by": verdict.excluded_by,
        "steps": verdict.trail.iter().map(|step| json!({
            "rule": step.rule, "effect": step.effect, "before": step.before, "after": step.after,
        })).collect::<Vec<_>>(),
    });
    (lines.join("\n"), value)
}

/// A channel that takes whatever it is given.
pub(super) fn unlimited() -> crate::domain::Capability {
    use jiff::SignedDuration;
    crate::domain::Capability {
        read_batch: 1,
        reads_singly: false,
        set_batch: 1,
        adjust_batch: 1,
        compare_and_set: false,
        exactly_once: crate::domain::ExactlyOnce::File,
        below_zero: false,
        reads_changes: false,
        cheap_scan: true,
        orders: false,
        tells_restock: false,
        lag: SignedDuration::ZERO,
        order_delay: SignedDuration::ZERO,
        still_running: SignedDuration::ZERO,
        confirm_after: None,
        revisions: None,
        zero: crate::domain::ZeroKept::Always,
        most: None,
        hides: false,
        ends: false,
        ended_is_gone: false,
        counts_from_zero: false,
        writes_items: false,
        traces: crate::domain::Traces::Nowhere,
    }
}
