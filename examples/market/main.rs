//! `cargo run --example market [ORDERS A MINUTE]`: simulated shops of four kinds on the loopback that `eys` can be tried
//! against without an account anywhere.
//!
//! Prints a channels.toml for them, then what happens there, until Ctrl-C. Buyers buy in all of them; each knows only its
//! own sales, so without `eys` they soon sell what another has sold already. A typed line does something there:
//!
//! ```text
//! buy bay MUG-RED 2        somebody buys two red mugs at eBay
//! set shop BOWL 5          the owner counts five bowls in the shop
//! show                     what every shop shows
//! ```

#[allow(dead_code, unused_imports, reason = "each target uses another part of the simulator")]
mod sim;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use sim::ebay::{Ebay, EbaySpec, ListingSpec};
use sim::etsy::{Etsy, EtsySpec};
use sim::shopify::ShopSpec;
use sim::woocommerce::{Tls, WooCommerce, WooSpec, consumer_key, consumer_secret};
use sim::{Event, Good, Market, Pace, ShopHandle};

/// What is sold; at eBay the mugs are one listing with variations.
const MUGS: [(&str, i64); 2] = [("MUG-RED", 12), ("MUG-BLUE", 8)];
const REST: [(&str, i64); 3] = [("BOWL", 20), ("PLATE", 15), ("VASE", 3)];

/// The shops, each by the name of its block.
const SHOPS: [&str; 4] = ["shop", "outlet", "bay", "stall"];

#[tokio::main]
async fn main() -> Result<()> {
    let per_minute: f64 = std::env::args().nth(1).map_or(Ok(6.0), |words| words.parse())?;
    let market = Market::live(1);
    open(&market).await?;
    eprintln!("Write the lines above into channels.toml. Ctrl-C ends the market.");
    market.alive(Some(Pace {
        sent: 20.0 * per_minute,
        cancelled: 3.0 * per_minute,
        ..Pace::buyers(60.0 * per_minute)
    }));
    let typed = market.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            obey(&typed, &line).unwrap_or_else(|why| eprintln!("{why:#}"));
        }
    });
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended?,
        () = tell(&market) => {}
    }
    for name in SHOPS {
        eprintln!("{name} was called {} times", market.calls(name).len());
    }
    Ok(())
}

/// Opens the shops and prints their blocks of channels.toml.
async fn open(market: &Market) -> Result<()> {
    let goods = [&MUGS[..], &REST[..]].concat();
    let shop = market.add_shopify(&ShopSpec::new("shop", &goods));
    print_block(&shop, "shopify", "source", &[("shop", "shop.myshopify.com"), ("access_token", "shpat_shop")]).await?;

    let outlet = market.add_woocommerce(&WooSpec::new("outlet", &goods));
    let url = format!("http://{}", outlet.serve_woocommerce().await?);
    outlet.face(|face: &mut WooCommerce| face.site.tls = Tls::AsDialled);
    let (key, secret) = (consumer_key("outlet"), consumer_secret("outlet"));
    block("outlet", "woocommerce", "target", &[("url", &url), ("consumer_key", &key), ("consumer_secret", &secret)]);

    let mugs = ListingSpec::varied("Mug", &MUGS.map(|(sku, units)| Good::new(sku, units)));
    let bay = market.add_ebay(&EbaySpec::new("bay", &REST).with(mugs));
    let (client, secret, refresh) = bay.face(|face: &mut Ebay| {
        (face.keyset.client.clone(), face.keyset.secret.clone(), face.refresh.clone().unwrap_or_default().0)
    });
    let lines = [("client_id", &*client), ("client_secret", &*secret), ("refresh_token", &*refresh)];
    print_block(&bay, "ebay", "target", &lines).await?;

    let stall = market.add_etsy(&EtsySpec::new("stall", &goods));
    let (client, secret, refresh) = stall.face(|face: &mut Etsy| {
        (face.keystring.clone(), face.shared_secret.clone(), face.refresh.clone().unwrap_or_default().0)
    });
    let lines = [("client_id", &*client), ("client_secret", &*secret), ("refresh_token", &*refresh)];
    print_block(&stall, "etsy", "target", &lines).await
}

async fn print_block(shop: &ShopHandle, kind: &str, role: &str, lines: &[(&str, &str)]) -> Result<()> {
    let address = format!("http://{}", shop.serve().await?);
    block(shop.name(), kind, role, &[lines, &[("base_url", &*address)]].concat());
    Ok(())
}

fn block(name: &str, kind: &str, role: &str, lines: &[(&str, &str)]) {
    println!("[channels.{name}]\nkind = \"{kind}\"\nrole = \"{role}\"");
    for (key, value) in lines {
        println!("{key} = \"{value}\"");
    }
    println!();
}

/// Does what somebody typed.
fn obey(market: &Market, line: &str) -> Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [] => {}
        ["show"] => show(market),
        [deed @ ("buy" | "set"), name, sku, units] => {
            let units = units.parse().context("units are a number")?;
            let known = SHOPS.contains(&name) && [&MUGS[..], &REST[..]].concat().iter().any(|(good, _)| *good == sku);
            anyhow::ensure!(known, "{name} sells no {sku}");
            let shop = market.shop(name);
            if deed == "set" {
                shop.owner_sets(sku, units);
            } else if shop.buy(sku, units).is_err() {
                bail!("{name} has not so many {sku}");
            }
        }
        _ => bail!("`buy SHOP SKU UNITS`, `set SHOP SKU UNITS` or `show`"),
    }
    Ok(())
}

/// Prints what every shop shows.
fn show(market: &Market) {
    for (sku, _) in MUGS.iter().chain(&REST) {
        let of = |name: &str| format!("{name} {}", market.shop(name).available(sku));
        eprintln!("{sku}: {}", SHOPS.map(of).join(", "));
    }
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
