//! What can be wrong with a Shopify account, asked in one call (section 13 of its facts).

use serde::Deserialize;
use serde_json::json;

use super::api::{Document, VERSION};
use super::wire::{Location, Nodes, ShopNode};
use super::{Shopify, choose};
use crate::channel::{Probe, Result, Weight, printable};
use crate::domain::ChannelName;

const DOCTOR: Document =
    Document { text: include_str!("doctor.graphql"), operation: "looking at the shop", cost: 25.0 };

/// What each scope is for; `write_x` includes `read_x` (2.4).
const SCOPES: &[(&str, &str, Weight)] = &[
    ("read_products", "to read listings and their SKUs", Weight::Problem),
    ("write_inventory", "to read and write quantities", Weight::Problem),
    ("read_orders", "to see what was sold", Weight::Problem),
    ("write_publications", "to hide listings (zero_stock = \"hide\")", Weight::Note),
    ("write_products", "to end listings (zero_stock = \"end\") and to mend them", Weight::Note),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    shop: Plan,
    current_app_installation: Installation,
    public_api_versions: Vec<ApiVersion>,
    locations: Nodes<Location>,
}

#[derive(Deserialize)]
struct Plan {
    #[serde(flatten)]
    shop: ShopNode,
    plan: Option<PlanName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanName {
    public_display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Installation {
    access_scopes: Vec<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    handle: String,
}

#[derive(Deserialize)]
struct ApiVersion {
    handle: String,
    supported: bool,
}

impl Shopify {
    /// Looks at the account: who it is, what the app may do, which version answers, where the stock lies.
    pub(super) async fn examine(&self) -> Result<Vec<Probe>> {
        let answer: Answer = self.api.ask(DOCTOR, json!({})).await?;
        let plan = answer.shop.plan.and_then(|plan| plan.public_display_name).unwrap_or_default();
        let name = printable(&answer.shop.shop.name, 60);
        let who = format!("connected to {name} ({}), plan {plan}", answer.shop.shop.myshopify_domain);
        let mut probes = vec![probe("account", Weight::Fine, printable(&who, 200), None)];
        let granted: Vec<&str> =
            answer.current_app_installation.access_scopes.iter().map(|s| s.handle.as_str()).collect();
        probes.extend(scopes(&granted));
        probes.extend(version(&answer.public_api_versions));
        let kept = self.notes.read().await?;
        probes.extend(locations(&answer.locations.nodes, &self.wanted, &kept));
        if self.wanted.is_empty() {
            probes.extend(new_location(&answer.locations.nodes, &kept, &self.name));
        }
        Ok(probes)
    }
}

fn probe(code: &'static str, weight: Weight, message: String, next: Option<String>) -> Probe {
    Probe { code, weight, listing: None, message, next, mend: None, ends: None }
}

fn scopes(granted: &[&str]) -> Vec<Probe> {
    let has = |scope: &str| {
        let write = scope.replace("read_", "write_");
        granted.contains(&scope) || granted.contains(&write.as_str())
    };
    let missing = SCOPES.iter().filter(|(scope, _, _)| !has(scope));
    let next = "add it in the Dev Dashboard, release the app's version and approve it in the shop";
    let mut probes: Vec<Probe> = missing
        .map(|(scope, why, weight)| {
            let code = if *weight == Weight::Problem { "scope-missing" } else { "scope-optional" };
            probe(code, *weight, format!("the app lacks the scope {scope}, {why}"), Some(next.to_owned()))
        })
        .collect();
    if probes.iter().all(|probe| probe.weight != Weight::Problem) {
        probes.push(probe("scopes", Weight::Fine, "the app has the scopes it needs".to_owned(), None));
    }
    probes
}

fn version(versions: &[ApiVersion]) -> Option<Probe> {
    let supported = versions.iter().any(|version| version.handle == VERSION && version.supported);
    (!supported).then(|| {
        let message = format!("Shopify no longer supports version {VERSION} of its API and answers with another");
        probe("api-version", Weight::Problem, message, Some("use a newer version of eys".to_owned()))
    })
}

fn locations(all: &[Location], wanted: &[String], kept: &[String]) -> Vec<Probe> {
    let name = |place: &Location| printable(&place.name, 60);
    let places = match choose(all, wanted, kept) {
        Ok(places) => places,
        Err(error) => return vec![probe("location-missing", Weight::Problem, error.message, error.next)],
    };
    let inactive = places.iter().filter(|place| !place.is_active);
    let mut probes: Vec<Probe> = inactive
        .map(|place| {
            let message = format!("the location {} is not active: nothing is sold from it", name(place));
            let next = Some("activate it in Shopify, or name another".to_owned());
            probe("location-inactive", Weight::Problem, message, next)
        })
        .collect();
    let rest = if places.len() > 1 { "; sales are taken off in this order" } else { "" };
    let names: Vec<String> = places.iter().map(name).collect();
    let words = format!("stock is read at {}{rest}", names.join(", "));
    let next = (wanted.is_empty() && places.len() > 1)
        .then(|| "name them as `locations` in channels.toml to choose others or another order".to_owned());
    probes.push(probe("locations", Weight::Fine, words, next));
    probes
}

/// Finds locations that sell online since lately: the owner says whether their stock counts (L1). Those that count are named
/// in their order, closed ones too, so that what is said can be copied.
pub(super) fn new_location(all: &[Location], kept: &[String], name: &ChannelName) -> Option<Probe> {
    let old: Vec<&Location> = kept.iter().filter_map(|id| all.iter().find(|place| place.id == *id)).collect();
    let new: Vec<&Location> = all.iter().filter(|place| place.sells() && !kept.contains(&place.id)).collect();
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let line = |places: &[&Location]| places.iter().map(|place| quoted(&place.name)).collect::<Vec<_>>().join(", ");
    let message = format!("the shop sells online from {} too, and its stock does not count yet", line(&new));
    let both: Vec<&Location> = old.iter().chain(&new).copied().collect();
    let next = format!(
        "if it is to count: `locations = [{}]` in [channels.{name}] of channels.toml; if not: `locations = [{}]`",
        line(&both),
        line(&old)
    );
    Some(Probe::problem("location-new", message, &next))
}

/// Writes a name as channels.toml takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", printable(name, 300).replace('\\', "\\\\").replace('"', "\\\""))
}
