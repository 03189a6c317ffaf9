//! What can be wrong with a WooCommerce shop and with the host it lives on, looked at without a write (section 7).

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use super::WooCommerce;
use super::api::{Call, Noticed};
use super::way::{Keys, Root, RootDocument};
use super::wire::text;
use crate::channel::{ChannelError, Mend, Probe, Result, printable};
use crate::net::Again;

const LOOK: &str = "looking at the shop";

#[derive(Deserialize)]
struct Setting {
    id: String,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct SystemStatus {
    #[serde(default)]
    environment: Environment,
}

#[derive(Default, Deserialize)]
struct Environment {
    #[serde(default)]
    version: String,
}

impl WooCommerce {
    /// Looks at the shop: how it is reached, what the keys may do, what it is set to.
    pub(super) async fn examine(&self) -> Result<Vec<Probe>> {
        // A read with the keys comes first: it finds the way on which all else is asked.
        self.read_one("products").await?;
        let document = self.api.document().await?;
        let mut probes = vec![self.who(&document)];
        probes.extend(self.ways());
        probes.extend(self.rights().await?);
        match self.settings().await {
            Ok(settings) => probes.extend(settings_of(&settings)),
            Err(error) => probes.push(unseen("the stock settings", &error)),
        }
        match self.version().await {
            Ok(version) => probes.extend(version_of(&version)),
            Err(error) => probes.push(unseen("the version", &error)),
        }
        probes.extend(noticed(&self.api.noticed()));
        probes.extend(self.learned());
        Ok(probes)
    }

    async fn read_one(&self, what: &str) -> Result<()> {
        let call = Call::read(LOOK, what).with("per_page", "1").with("_fields", "id");
        self.api.ask::<Vec<Value>>(&call).await.map(|_| ())
    }

    fn who(&self, document: &RootDocument) -> Probe {
        let account = self.api.account();
        let name = printable(&document.name, 60);
        let zone = text(&document.timezone_string).filter(|zone| !zone.is_empty());
        let zone = zone.map_or_else(String::new, |zone| format!(", time zone {}", printable(&zone, 40)));
        Probe::fine("account", format!("connected to {name} ({}){zone}", account.label))
    }

    /// Tells on which way the shop is reached, where it is not the usual one.
    fn ways(&self) -> Vec<Probe> {
        let way = self.api.way();
        let mut probes = Vec::new();
        if matches!(way.root, Root::Plain(_)) {
            let next = "WordPress, Settings, Permalinks: choose anything but Plain";
            probes.push(Probe::note(
                "permalinks-plain",
                "the shop's permalinks are plain; it is reached by a detour",
                next,
            ));
        }
        match way.keys {
            Keys::Basic => probes.push(Probe::fine("keys", "the keys arrive as they should".to_owned())),
            Keys::InAddress => probes.push(Probe::problem(
                "authorization-dropped",
                "the host drops the Authorization header, so the keys go in the address and stand in the host's logs"
                    .to_owned(),
                "ask the host to pass the Authorization header on to PHP",
            )),
            Keys::Signed | Keys::SignedInAddress if self.api.hides_https() => probes.push(Probe::note(
                "https-hidden",
                "WordPress does not know that it is reached over https, so calls are signed with the keys",
                "let the proxy send X-Forwarded-Proto, and wp-config.php heed it",
            )),
            Keys::Signed | Keys::SignedInAddress => probes.push(Probe::note(
                "plain-http",
                "the shop is reached without https: calls are signed, and others can read along",
                "give the shop a certificate and write its https address as `url`",
            )),
        }
        probes
    }

    /// Tells what the keys may do; the right to write is asked for with nothing to write.
    async fn rights(&self) -> Result<Vec<Probe>> {
        let mut probes = Vec::new();
        let nothing = Call::write(LOOK, "products/batch", &json!({ "update": [] }), Again::Always);
        match self.api.ask::<Value>(&nothing).await {
            Ok(_) => probes.push(Probe::fine("rights", "the keys may read and write".to_owned())),
            Err(error) if error.stops_lane() => probes.push(Probe::problem(
                "keys-read-only",
                error.message,
                "WooCommerce, Settings, Advanced, REST API: make keys of a shop manager with the permission Read/Write",
            )),
            Err(error) => probes.push(unseen("whether the keys may write", &error)),
        }
        if let Err(error) = self.read_one("orders").await {
            probes.push(Probe::problem(
                "orders-unseen",
                format!("the keys do not let eys see what was sold: {}", error.message),
                "make the keys for an administrator or a shop manager",
            ));
        }
        Ok(probes)
    }

    async fn settings(&self) -> Result<Vec<Setting>> {
        self.api.ask(&Call::read(LOOK, "settings/products")).await.map(|(settings, _)| settings)
    }

    async fn version(&self) -> Result<String> {
        let call = Call::read(LOOK, "system_status").with("_fields", "environment");
        self.api.ask::<SystemStatus>(&call).await.map(|(status, _)| status.environment.version)
    }

    /// Tells what this checkup's readings taught us.
    fn learned(&self) -> Vec<Probe> {
        let learned = &self.learned;
        let mut probes = Vec::new();
        if learned.lacks_variations.load(Ordering::Relaxed) {
            let message =
                "the shop cannot list the variations of all products at once, so each such product costs a call";
            probes.push(Probe::note("variations-apart", message, "WooCommerce 10.3 or later can"));
        }
        if learned.fractions.load(Ordering::Relaxed) {
            let message = "some quantities have a fraction; eys counts whole pieces and rounds them down";
            probes.push(Probe::note(
                "fractions",
                message,
                "sell such goods in whole units, if they are to be kept in step",
            ));
        }
        probes
    }
}

fn settings_of(settings: &[Setting]) -> Vec<Probe> {
    let value = |id: &str| settings.iter().find(|setting| setting.id == id).and_then(|setting| text(&setting.value));
    let mut probes = Vec::new();
    if value("woocommerce_manage_stock").as_deref() == Some("no") {
        let words = "turn stock management on for the whole shop; products keep the numbers that they had".to_owned();
        probes.push(Probe {
            mend: Some(Mend { listing: None, act: "manage-shop", words }),
            ..Probe::problem(
                "stock-management-off",
                "stock management is off for the whole shop: it counts nothing and takes no quantity".to_owned(),
                "`eys doctor --fix` turns it on; or WooCommerce, Settings, Products, Inventory: enable stock management",
            )
        });
    }
    let threshold = value("woocommerce_notify_no_stock_amount").and_then(|text| text.parse::<i64>().ok());
    if let Some(threshold) = threshold.filter(|threshold| *threshold > 0) {
        let message = format!("the shop calls a product sold out when {threshold} are left");
        let next = "WooCommerce, Settings, Products, Inventory: set the out of stock threshold to 0 to sell them all";
        probes.push(Probe::note("sold-out-early", &message, next));
    }
    if value("woocommerce_hide_out_of_stock_items").as_deref() == Some("yes") {
        let message = "the shop hides what is sold out by itself";
        probes.push(Probe::note(
            "hides-sold-out",
            message,
            "nothing: `zero_stock = \"keep\"` is enough for this channel",
        ));
    }
    probes
}

/// Judges a version. Below 5.8 a shop ignores the question for changes and answers with everything.
fn version_of(version: &str) -> Vec<Probe> {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let shown = printable(version, 20);
    if number == (0, 0) {
        return Vec::new();
    }
    if number < (5, 8) {
        let message = format!("WooCommerce {shown} is too old to say what changed");
        return vec![Probe::problem("version", message, "update WooCommerce; 5.8 is the oldest that works")];
    }
    if number < (8, 2) {
        let message = format!("WooCommerce {shown} is old: it may not tell of a refund of a part of an order");
        return vec![Probe::note("version", &message, "update WooCommerce when you can")];
    }
    vec![Probe::fine("version", format!("WooCommerce {shown}"))]
}

fn noticed(noticed: &Noticed) -> Vec<Probe> {
    let mut probes = Vec::new();
    if let Some(words) = &noticed.printed {
        let message = format!("a plugin prints words before the shop's answers: {words}");
        let next =
            "switch WP_DEBUG_DISPLAY off in wp-config.php, or the plugin; writes are looked up one by one till then";
        probes.push(Probe::problem("noisy-answers", message, next));
    }
    if noticed.mark {
        let message = "the shop's answers begin with a byte order mark; eys reads over it";
        probes.push(Probe::note(
            "byte-order-mark",
            message,
            "a PHP file of a theme or plugin was saved with one: save it without",
        ));
    }
    if noticed.cached {
        let message = "a cache answers in place of the shop, so numbers may be old".to_owned();
        probes.push(Probe::problem("cached-answers", message, "leave /wp-json/ out of the host's cache"));
    }
    probes
}

fn unseen(what: &str, error: &ChannelError) -> Probe {
    let message = format!("eys could not see {what}: {}", error.message);
    Probe::note("settings-unseen", message, "make the keys for a shop manager")
}
