//! `cargo run --example market [ORDERS PER MINUTE]`: two simulated shops on the loopback that `eys` can be tried
//! against without an account anywhere.
//!
//! Prints a channels.toml for them, then what happens there, until Ctrl-C. Buyers buy in both shops; each shop knows
//! only its own sales, so without `eys` both soon sell what the other has sold already.

#[allow(dead_code, unused_imports, reason = "each target uses another part of the simulator")]
mod sim;

use std::time::Duration;

use sim::shopify::ShopSpec;
use sim::{Event, Market, Pace, ShopHandle};

/// What both shops sell.
const GOODS: [(&str, i64); 5] = [("MUG-RED", 12), ("MUG-BLUE", 8), ("BOWL", 20), ("PLATE", 15), ("VASE", 3)];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let per_minute: f64 = std::env::args().nth(1).map_or(Ok(6.0), |words| words.parse())?;
    let market = Market::live(1);
    let shops = ["mug-shop", "mug-outlet"].map(|name| market.add_shopify(&ShopSpec::new(name, &GOODS)));
    for (shop, role) in shops.iter().zip(["source", "target"]) {
        print_block(shop, role).await?;
    }
    eprintln!("Write the lines above into channels.toml. Ctrl-C ends the market.");
    market.alive(Some(Pace {
        sent: 20.0 * per_minute,
        cancelled: 3.0 * per_minute,
        ..Pace::buyers(60.0 * per_minute)
    }));
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended?,
        () = tell(&market) => {}
    }
    for shop in &shops {
        eprintln!("{} was called {} times", shop.name(), shop.calls().len());
    }
    Ok(())
}

/// Prints a shop's block of channels.toml.
async fn print_block(shop: &ShopHandle, role: &str) -> anyhow::Result<()> {
    let address = shop.serve().await?;
    let name = shop.name();
    println!("[channels.{name}]\nkind = \"shopify\"\nrole = \"{role}\"\nbase_url = \"http://{address}\"");
    println!("shop = \"{name}.myshopify.com\"\naccess_token = \"shpat_{name}\"\n");
    Ok(())
}

/// Tells what happens, as it happens.
async fn tell(market: &Market) {
    let mut told = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for Event { at, shop, deed } in market.events().iter().skip(told) {
            eprintln!("{at:.0} {shop}: {deed:?}");
            told += 1;
        }
    }
}
