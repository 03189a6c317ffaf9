//! The exports of real shops, as source and as target: every row is told what it is, nothing is written for those that
//! take no part, and with SKUs and quantities filled in a round trip changes those cells only.

use std::path::PathBuf;

use crate::support::Home;

const EXPORTS: [&str; 4] = [
    "shopify-export-apparel.csv",
    "shopify-export-home-and-garden.csv",
    "shopify-export-jewelery.csv",
    "woocommerce-export-sample.csv",
];

/// Returns the sample exports: their names and bytes; none where they are not at hand.
fn exports() -> Vec<(&'static str, Vec<u8>)> {
    let Some(folder) = std::env::var_os("EYS_DATA").map(PathBuf::from) else {
        eprintln!("skipped: EYS_DATA does not name a folder of sample exports");
        return Vec::new();
    };
    EXPORTS.iter().map(|name| (*name, std::fs::read(folder.join(name)).unwrap())).collect()
}

/// Makes a machine with an export in one role and a plain list in the other.
fn home(export: &[u8], role: &str) -> Home {
    let mut home = Home::new();
    let (plain, other) = if role == "source" { ("list", "target") } else { ("list", "source") };
    home.list("export", role, "");
    home.write("export.csv", export);
    home.list(plain, other, "sku,quantity\nELSE,3\n");
    home
}

#[test]
fn every_row_is_told_why_it_takes_no_part() {
    for (name, bytes) in exports() {
        for role in ["source", "target"] {
            let home = home(&bytes, role);
            let link = home.json("link");
            let channel = link["channels"].as_array().unwrap().iter().find(|c| c["channel"] == "export").unwrap();
            let listings = channel["listings"].as_u64().unwrap();
            let told = link["alone"].as_array().unwrap().iter().filter(|alone| alone["channel"] == "export").count();
            assert_eq!(told as u64, listings, "{name} as {role}");
            home.eys("link").is(4);
            home.eys("link --yes").is(0);
            home.eys("sync --yes").is(0);
            let doctor = home.eys("doctor -v");
            for alone in link["alone"].as_array().unwrap().iter().filter(|alone| alone["channel"] == "export") {
                let title = alone["title"].as_str().unwrap();
                assert!(doctor.out.contains(title), "{name} as {role}: {title} is not told of\n{doctor}");
            }
            assert_eq!(std::fs::read(home.path("export.csv")).unwrap(), bytes, "{name} as {role}");
        }
    }
}

#[test]
fn the_shops_own_words_for_each_kind_of_row() {
    let exports = exports();
    let Some((_, woo)) = exports.last() else { return };
    insta::assert_snapshot!(home(woo, "target").eys("link"), @"
    exit 4
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     export   target  csv   25        /home/owner/eys/export.csv
     list     source  csv   1         /home/owner/eys/list.csv

    Take no part
      export: 1 — a grouped product: its parts hold the stock
          logo-collection Logo Collection
      export: 2 — a parent row: its variations hold the stock
          woo-vneck-tee V-Neck T-Shirt
          woo-hoodie Hoodie
      export: 1 — an external product: another shop sells it
          wp-pennant WordPress Pennant
      export: 19 — not on the source: no listing there has this SKU
          woo-hoodie-with-logo Hoodie with Logo
          woo-tshirt T-Shirt
          woo-beanie Beanie
          woo-belt Belt
          woo-cap Cap
          woo-sunglasses Sunglasses
          woo-hoodie-with-pocket Hoodie with Pocket
          woo-hoodie-with-zipper Hoodie with Zipper
          … and 11 more (--json has all)
      export: 2 — virtual: there is no stock to count
          woo-album Album
          woo-single Single
      list: 1 — not listed: it is on the source, and no other channel has it
          ELSE
    ---- stderr

    Nothing was stored. `eys link --yes` stores it.
    ");
    insta::assert_snapshot!(home(woo, "source").eys("doctor"), @"
    exit 0
    ---- stdout
    SKU match
      note export: woo-hoodie-with-logo (Hoodie with Logo): no other channel has it
      note export: woo-tshirt (T-Shirt): no other channel has it
      note export: woo-beanie (Beanie): no other channel has it
      note export: woo-belt (Belt): no other channel has it
      note export: woo-cap (Cap): no other channel has it
           … and 14 more of these (-v shows all)
           next: list it there, if it is to be sold there
      note list: ELSE (): the source has no listing with its SKU
           next: add it to the source, or tie it by hand: `eys link --sku SKU --channel C --to LISTING`
      note export: logo-collection (Logo Collection): a grouped product: its parts hold the stock
      note export: woo-vneck-tee (V-Neck T-Shirt): a parent row: its variations hold the stock
      note export: woo-hoodie (Hoodie): a parent row: its variations hold the stock
      note export: wp-pennant (WordPress Pennant): an external product: another shop sells it
      note export: woo-album (Album): virtual: there is no stock to count
           … and 1 more of these (-v shows all)
           next: nothing: it takes no part and is never written to

    Platform stock settings
      note export: woo-hoodie-with-logo (Hoodie with Logo): the platform does not keep count of its stock
      note export: woo-tshirt (T-Shirt): the platform does not keep count of its stock
      note export: woo-beanie (Beanie): the platform does not keep count of its stock
      note export: woo-belt (Belt): the platform does not keep count of its stock
      note export: woo-cap (Cap): the platform does not keep count of its stock
           … and 14 more of these (-v shows all)
           next: turn stock management on there

    Accounts, permissions, limits
      ok   export: /home/owner/eys/export.csv is a WooCommerce product export in UTF-8, with `,` between its columns: 25 listings, 6 of them take no part
      ok   list: /home/owner/eys/list.csv is a list in UTF-8, with `,` between its columns: 1 listings, 0 of them take no part
      ok   list: its orders file has 0 open orders

    No problem was found.
    ");
}

#[test]
fn rows_without_a_sku_are_told_with_the_mend() {
    let exports = exports();
    let Some((_, shopify)) = exports.get(1) else { return };
    insta::assert_snapshot!(home(shopify, "target").eys("link"), @"
    exit 4
    ---- stdout
     CHANNEL  ROLE    KIND  LISTINGS  ACCOUNT
     export   target  csv   21        /home/owner/eys/export.csv
     list     source  csv   1         /home/owner/eys/list.csv

    Take no part
      export: 21 — sku missing: fill it in on the channel (`eys doctor --propose-skus FILE` makes proposals)
          antique-drawers Antique Drawers
          bedside-table Bedside Table
          biodegradable-cardboard-pots Biodegradable cardboard pots
          black-bean-bag Black Beanbag
          brown-throw-pillows Brown Throw Pillows
          clay-plant-pot/Large Clay Plant Pot - Large
          clay-plant-pot/Regular Clay Plant Pot - Regular
          copper-light Copper Light
          … and 13 more (--json has all)
      list: 1 — not listed: it is on the source, and no other channel has it
          ELSE
    ---- stderr

    Nothing was stored. `eys link --yes` stores it.
    ");
    insta::assert_snapshot!(home(shopify, "target").eys("doctor"), @"
    exit 6
    ---- stdout
    SKU match
      !!   export: antique-drawers (Antique Drawers): it has no SKU
      !!   export: bedside-table (Bedside Table): it has no SKU
      !!   export: biodegradable-cardboard-pots (Biodegradable cardboard pots): it has no SKU
      !!   export: black-bean-bag (Black Beanbag): it has no SKU
      !!   export: brown-throw-pillows (Brown Throw Pillows): it has no SKU
           … and 16 more of these (-v shows all)
           next: fill it in on the channel; `eys doctor --propose-skus FILE` writes proposals
      note list: ELSE (): no other channel has it
           next: list it there, if it is to be sold there

    Platform stock settings
      note export: clay-plant-pot/Regular (Clay Plant Pot - Regular): the platform does not keep count of its stock
      note export: clay-plant-pot/Large (Clay Plant Pot - Large): the platform does not keep count of its stock
      note export: copper-light (Copper Light): the platform does not keep count of its stock
      note export: cream-sofa (Cream Sofa): the platform does not keep count of its stock
      note export: antique-drawers (Antique Drawers): the platform does not keep count of its stock
           … and 15 more of these (-v shows all)
           next: turn stock management on there

    Accounts, permissions, limits
      ok   export: /home/owner/eys/export.csv is a Shopify product export in UTF-8, with `,` between its columns: 21 listings, 0 of them take no part
      ok   list: /home/owner/eys/list.csv is a list in UTF-8, with `,` between its columns: 1 listings, 0 of them take no part
      ok   export: its orders file has 0 open orders

    21 problems found.
    ");
}

#[test]
fn proposals_are_made_for_the_rows_without_a_sku() {
    for (name, bytes) in exports() {
        let home = home(&bytes, "target");
        home.eys("doctor --propose-skus skus.csv").is(0);
        let proposals = home.read("skus.csv");
        let skus: Vec<&str> = proposals.lines().skip(1).filter_map(|line| line.rsplit(',').next()).collect();
        let mut once = skus.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), skus.len(), "{name}: no proposal twice");
        assert!(skus.iter().all(|sku| !sku.is_empty() && sku.len() <= 32), "{name}: {proposals}");
        assert_eq!(name.starts_with("shopify"), !skus.is_empty(), "{name}: {proposals}");
        assert_eq!(std::fs::read(home.path("export.csv")).unwrap(), bytes, "{name}");
    }
}

/// Fills in what is missing in each row of an export: a SKU and a quantity of its own, and that stock is managed.
/// Returns the export and the SKUs.
fn filled(bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
    let (sku, quantity) = match at("Variant SKU") {
        Some(sku) => (sku, at("Variant Inventory Qty").unwrap()),
        None => (at("SKU").unwrap(), at("Stock").unwrap()),
    };
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    let mut skus = Vec::new();
    for (nth, row) in reader.records().map(Result::unwrap).enumerate() {
        let mut cells: Vec<String> = row.iter().map(str::to_owned).collect();
        // WooCommerce's other kinds hold no stock; a row of Shopify's that only adds a picture has no price.
        let kind = at("Type").filter(|_| at("Variant SKU").is_none()).map(|kind| cells[kind].as_str());
        let holds_stock = kind.is_none_or(|kind| ["simple", "variation"].contains(&kind));
        if holds_stock && at("Variant Price").is_none_or(|price| !cells[price].is_empty()) {
            skus.push(format!("SKU-{nth}"));
            cells[sku] = format!("SKU-{nth}");
            "5".clone_into(&mut cells[quantity]);
            if let Some(tracker) = at("Variant Inventory Tracker") {
                "shopify".clone_into(&mut cells[tracker]);
            }
            if let Some(card) = at("Gift Card") {
                "false".clone_into(&mut cells[card]);
            }
        }
        writer.write_record(&cells).unwrap();
    }
    (writer.into_inner().unwrap(), skus)
}

/// Reads a file into cells.
fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(bytes);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

// proves X5: with SKUs and quantities filled in, a round trip changes those cells and nothing else.
#[test]
fn a_round_trip_changes_the_quantity_cells_only() {
    for (name, bytes) in exports() {
        let (export, skus) = filled(&bytes);
        assert!(skus.len() > 5, "{name}");
        let list: String = skus.iter().map(|sku| format!("{sku},9\n")).collect();
        for role in ["source", "target"] {
            let home = home(&export, role);
            home.write("list.csv", format!("sku,quantity\n{list}"));
            let link = home.json("link");
            assert_eq!(link["links"].as_array().unwrap().len(), skus.len(), "{name} as {role}: {link}");
            home.eys("link --yes").is(0);
            home.eys("sync --yes").is(0);
            let after = std::fs::read(home.path("export.csv")).unwrap();
            if role == "source" {
                assert_eq!(after, export, "{name}: a source is not pushed to");
                assert_eq!(home.read("list.csv"), format!("sku,quantity\n{}", list.replace(",9", ",5")), "{name}");
                home.order("list", "L-1", &skus[0], 2, "open");
                home.eys("sync").is(0);
            }
            let after = std::fs::read(home.path("export.csv")).unwrap();
            let changed: Vec<(String, String)> = cells(&export)
                .concat()
                .into_iter()
                .zip(cells(&after).concat())
                .filter(|(before, after)| before != after)
                .collect();
            let (expected, to) = if role == "source" { (1, "3") } else { (skus.len(), "9") };
            assert_eq!(changed.len(), expected, "{name} as {role}: {changed:?}");
            assert!(
                changed.iter().all(|(before, after)| before == "5" && after == to),
                "{name} as {role}: {changed:?}"
            );
            assert_eq!(export.len(), after.len(), "{name} as {role}");
        }
    }
}
