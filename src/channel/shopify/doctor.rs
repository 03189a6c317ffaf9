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
        let kept = self.kept_places().await?;
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
    let selling: Vec<String> = all.iter().filter(|place| place.sells()).map(name).collect();
    if let Some(missing) =
        wanted.iter().find(|name| !all.iter().any(|place| place.name == **name || place.id == **name))
    {
        let message = format!("there is no location `{missing}`; those that sell online are {}", selling.join(", "));
        let next = Some("write one of these into `locations` in channels.toml".to_owned());
        return vec![probe("location-missing", Weight::Problem, message, next)];
    }
    let inactive = all.iter().filter(|place| wanted.contains(&place.name) && !place.is_active);
    let mut probes: Vec<Probe> = inactive
        .map(|place| {
            let message = format!("the location {} is not active: nothing is sold from it", printable(&place.name, 60));
            probe(
                "location-inactive",
                Weight::Problem,
                message,
                Some("activate it in Shopify, or name another".to_owned()),
            )
        })
        .collect();
    let places: Vec<String> = choose(all, wanted, kept).unwrap_or_default().iter().map(name).collect();
    let rest = if places.len() > 1 { "; sales are taken off in this order" } else { "" };
    let words = format!("stock is read at {}{rest}", places.join(", "));
    let next = (wanted.is_empty() && places.len() > 1)
        .then(|| "name them as `locations` in channels.toml to choose others or another order".to_owned());
    probes.push(probe("locations", Weight::Fine, words, next));
    probes
}

/// Finds locations that sell online since lately: the owner says whether their stock counts (L1).
fn new_location(all: &[Location], kept: &[String], name: &ChannelName) -> Option<Probe> {
    let selling: Vec<&Location> = all.iter().filter(|place| place.sells()).collect();
    let quoted = |places: &[&&Location]| {
        let names: Vec<String> = places.iter().map(|place| format!("{:?}", printable(&place.name, 60))).collect();
        names.join(", ")
    };
    let (old, new): (Vec<&&Location>, Vec<&&Location>) = selling.iter().partition(|place| kept.contains(&place.id));
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let all: Vec<&&Location> = old.iter().chain(&new).copied().collect();
    let message = format!("the shop sells online from {} too, and its stock does not count yet", quoted(&new));
    let next = format!(
        "if it is to count: `locations = [{}]` in [channels.{name}] of channels.toml; if not: `locations = [{}]`",
        quoted(&all),
        quoted(&old)
    );
    Some(Probe::problem("location-new", message, &next))
}
