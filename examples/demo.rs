//! `cargo run --release --example demo`: a small shop's day, in under a minute.
//!
//! Two simulated Shopify shops on the loopback and a market stall's list in a spreadsheet sell the same goods. The
//! commands are those of the program itself, with its real adapters and its real state; at the end every number is
//! held against what the simulator knows to be true.

#[allow(dead_code, unused_imports, reason = "each target uses another part of the simulator")]
#[path = "market/sim/mod.rs"]
mod sim;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use sim::shopify::ShopSpec;
use sim::{Good, Market, Rule, ShopHandle, Trouble};

/// What is on the shelf in the morning.
const SHELF: [(&str, &str, i64); 5] = [
    ("MUG-RED", "Red mug", 10),
    ("MUG-BLUE", "Blue mug", 8),
    ("BOWL", "Breakfast bowl", 20),
    ("PLATE", "Plate", 15),
    ("VASE", "Tall vase", 2),
];

/// The shop, its channels and its files.
struct Day {
    market: Market,
    shop: ShopHandle,
    outlet: ShopHandle,
    folder: PathBuf,
    /// What was sold at the stall, which only its list knows.
    stall_sold: BTreeMap<&'static str, i64>,
    stall_orders: usize,
    began: Instant,
}

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut day = Day::dawn(folder.path()).await?;
    day.morning().await?;
    day.noon().await?;
    day.afternoon().await?;
    day.evening().await
}

impl Day {
    /// Opens the shops and writes the files that an owner would write.
    async fn dawn(folder: &Path) -> Result<Self> {
        let market = Market::live(1);
        let shop = market.add_shopify(&spec("mug-shop", |units| units));
        // The outlet was never kept in step.
        let outlet = market.add_shopify(&spec("mug-outlet", |_| 5));
        let rows: String = SHELF.iter().map(|(sku, title, _)| format!("{sku};0;{title}\r\n")).collect();
        fs::write(folder.join("stall.csv"), format!("SKU;Stock;Title\r\n{rows}"))?;
        fs::write(folder.join("stall-orders.csv"), "order,sku,quantity,placed,status\n")?;
        let blocks = [("shop", "source", &shop), ("outlet", "target", &outlet)];
        let mut config = String::new();
        for (name, role, shop) in blocks {
            let (address, real) = (shop.serve().await?, shop.name());
            config += &format!("[channels.{name}]\nkind = \"shopify\"\nrole = \"{role}\"\n");
            config += &format!("shop = \"{real}.myshopify.com\"\naccess_token = \"shpat_{real}\"\n");
            config += &format!("base_url = \"http://{address}\"\n\n");
        }
        config += "[channels.stall]\nkind = \"csv\"\nrole = \"target\"\npath = \"stall.csv\"\norders = \"stall-orders.csv\"\n\n";
        config += "[[rules]]\nname = \"keep one mug back at the stall\"\n";
        config += "when = { channel = \"stall\", sku = \"MUG-*\" }\nthen = { buffer = 1 }\n";
        write_private(&folder.join("channels.toml"), &config)?;
        let (stall_sold, stall_orders) = (BTreeMap::new(), 0);
        Ok(Self { market, shop, outlet, folder: folder.to_owned(), stall_sold, stall_orders, began: Instant::now() })
    }

    async fn morning(&mut self) -> Result<()> {
        say("Morning. The shop is the source; an outlet and a market stall sell the same goods and follow.");
        self.eys("link --yes", &[0]).await?;
        say("Nothing has been written yet. The first push was shown, so `--yes` lets it go.");
        self.eys("sync --yes --verbose", &[0]).await?;
        self.table();
        say("Two red mugs are sold in the outlet, a bowl in the shop, three plates at the stall.");
        self.outlet.buy("MUG-RED", 2)?;
        self.shop.buy("BOWL", 1)?;
        self.sell_at_stall("PLATE", 3)?;
        self.eys("sync --verbose", &[0]).await?;
        self.eys("sync --verbose", &[0]).await?;
        Ok(())
    }

    async fn noon(&mut self) -> Result<()> {
        say("Noon. The line to the shop breaks just after it took a sale off: was it done, or not?");
        self.market.trouble(Rule::once(Trouble::LostAfter).at("mug-shop").writing());
        self.market.trouble(Rule::once(Trouble::Status(503)).at("mug-outlet"));
        self.outlet.buy("MUG-RED", 1)?;
        self.sell_at_stall("MUG-BLUE", 2)?;
        self.eys("sync --verbose", &[0]).await?;
        say("It was taken off once. Now the owner unpacks ten vases in the shop, and a mug order is cancelled.");
        self.shop.owner_sets("VASE", 12);
        let order = self.outlet.buy("MUG-BLUE", 1)?;
        self.eys("sync --verbose", &[0]).await?;
        self.outlet.cancel(order, true);
        self.eys("sync --verbose", &[0]).await
    }

    async fn afternoon(&mut self) -> Result<()> {
        say("Afternoon. Somebody types 50 bowls into the outlet by hand. There are not 50 bowls.");
        self.outlet.owner_sets("BOWL", 50);
        self.eys("sync --full --verbose", &[0]).await?;
        say("The last red mugs go: five in the shop, two in the outlet.");
        self.shop.buy("MUG-RED", 5)?;
        self.outlet.buy("MUG-RED", 2)?;
        self.eys("sync --verbose", &[0]).await?;
        let turned = self.outlet.buy("MUG-RED", 1).is_err();
        ensure!(turned, "the outlet sold a mug that is not there");
        say("A buyer who wants one more in the outlet finds it sold out, as it should be.");
        Ok(())
    }

    async fn evening(&mut self) -> Result<()> {
        say("Evening. Where does everything stand, and why are there no red mugs left?");
        self.eys("status", &[0]).await?;
        self.eys("status MUG-RED", &[0]).await?;
        self.table();
        self.check()?;
        let calls = self.shop.calls().len() + self.outlet.calls().len();
        let seconds = self.began.elapsed().as_secs_f64();
        say(&format!("Every number is what the simulator's own ledger says. {calls} calls, {seconds:.1} seconds."));
        Ok(())
    }

    /// Runs a command of the program, as typed.
    async fn eys(&self, line: &str, fine: &[u8]) -> Result<()> {
        println!("$ eys {line}");
        let mut args: Vec<std::ffi::OsString> = std::iter::once("eys").chain(line.split(' ')).map(Into::into).collect();
        for (option, file) in [("--config", "channels.toml"), ("--state", "state.db")] {
            args.extend([option.into(), self.folder.join(file).into_os_string()]);
        }
        let exit = tokio::task::spawn_blocking(|| eys::cli::run(args)).await?;
        println!();
        ensure!(fine.contains(&exit), "`eys {line}` ended with {exit}");
        Ok(())
    }

    fn sell_at_stall(&mut self, sku: &'static str, units: i64) -> Result<()> {
        self.stall_orders += 1;
        *self.stall_sold.entry(sku).or_default() += units;
        let path = self.folder.join("stall-orders.csv");
        let mut orders = fs::read_to_string(&path)?;
        orders += &format!("S-{},{sku},{units},{},open\n", self.stall_orders, Timestamp::now());
        Ok(fs::write(path, orders)?)
    }

    fn stall_shows(&self, sku: &str) -> Result<i64> {
        let list = fs::read_to_string(self.folder.join("stall.csv"))?;
        let row = list.lines().find_map(|line| line.strip_prefix(sku)?.strip_prefix(';')?.split(';').next());
        Ok(row.with_context(|| format!("{sku} is on the stall's list"))?.parse()?)
    }

    /// Prints what each channel really shows, as the simulator and the file have it.
    fn table(&self) {
        println!("  {:<10} {:>6} {:>7} {:>6}", "", "shop", "outlet", "stall");
        for (sku, _, _) in SHELF {
            let stall = self.stall_shows(sku).map_or_else(|_| "?".to_owned(), |units| units.to_string());
            println!("  {sku:<10} {:>6} {:>7} {stall:>6}", self.shop.available(sku), self.outlet.available(sku));
        }
        println!();
    }

    /// Holds every number against the truth.
    fn check(&self) -> Result<()> {
        for (sku, _, at_first) in SHELF {
            let (shop, outlet) = (self.shop.truth(sku), self.outlet.truth(sku));
            let stall = self.stall_sold.get(sku).copied().unwrap_or_default();
            let true_stock = at_first + shop.by_others - shop.owed() - outlet.owed() - stall;
            let kept_back = i64::from(sku.starts_with("MUG-"));
            let shown = [self.shop.available(sku), self.outlet.available(sku), self.stall_shows(sku)?];
            let expected = [true_stock, true_stock.max(0), (true_stock - kept_back).max(0)];
            ensure!(shown == expected, "{sku}: shop, outlet and stall show {shown:?}, and it should be {expected:?}");
        }
        Ok(())
    }
}

/// Describes a shop with the goods of the shelf, as many of each as it believes to have.
fn spec(name: &str, units: impl Fn(i64) -> i64) -> ShopSpec {
    let good = |(sku, title, stock)| Good { title: String::from(title), ..Good::new(sku, units(stock)) };
    ShopSpec { name: name.into(), domain: format!("{name}.myshopify.com"), goods: SHELF.map(good).to_vec() }
}

fn say(words: &str) {
    println!("— {words}\n");
}

/// Writes a file that nobody else can read, since it has tokens in it.
fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
