//! The adapter over real files in a folder of its own.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::channel::registry::Value;
use crate::domain::{ChannelName, Delta, ListingState, Quantity, Shown};

struct Shop {
    folder: TempDir,
    channel: Csv,
}

fn shop_of(bytes: &[u8], more: Vec<(&'static str, Value)>) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stock.csv");
    fs::write(&path, bytes).unwrap();
    let mut values = BTreeMap::from([("path", Value::Path(path))]);
    values.extend(more);
    let name = ChannelName::new("list").unwrap();
    let settings = Settings { name, role: Role::Target, base_url: None, allow_http: false, fees: false, values };
    Shop { channel: Csv::new(&settings), folder }
}

fn shop(text: &str) -> Shop {
    shop_of(text.as_bytes(), Vec::new())
}

impl Shop {
    fn text(&self) -> String {
        fs::read_to_string(self.folder.path().join("stock.csv")).unwrap()
    }

    async fn listings(&self) -> Vec<Listing> {
        self.channel.listings(None).await.unwrap().items
    }

    async fn error(&self) -> String {
        let error = self.channel.listings(None).await.unwrap_err().to_string();
        error.replace(&*self.folder.path().to_string_lossy(), "FOLDER")
    }

    async fn set(&self, key: &str, quantity: i64, expect: Option<i64>) -> Outcome {
        self.set_from(key, quantity, expect.map_or(Shown::Unknown, |level| Shown::Exactly(Level(level)))).await
    }

    async fn set_from(&self, key: &str, quantity: i64, shown: Shown) -> Outcome {
        let (key, quantity) = (ListingKey::new(key), Quantity::at_least_zero(quantity));
        let update = Update { key, quantity, shown, places: Vec::new() };
        self.channel.set(&[update], "k").await.unwrap().remove(0)
    }
}

fn adjustment(key: &str, before: i64, delta: i64) -> Adjustment {
    Adjustment {
        key: ListingKey::new(key),
        delta: Delta(delta),
        before: Level(before),
        counter: None,
        places: Vec::new(),
        hide: false,
    }
}

#[tokio::test]
async fn a_plain_list_is_recognised_in_any_language_of_its_header() {
    for header in ["sku,qty", "SKU,Stock", "Artikelnummer;Bestand", "Code\tQuantity"] {
        let delimiter = header.chars().find(|c| !c.is_alphanumeric()).unwrap();
        let shop = shop(&format!("{header}\nMUG{delimiter}5\n"));
        assert_eq!(shop.listings().await[0].level, Some(Level(5)), "{header}");
    }
}

// proves P5: what is no whole number is no number, never 0.
#[tokio::test]
async fn what_is_no_number_is_none() {
    let shop = shop("sku,qty\nA,\nB,many\nC,2.5\nD,5.0\nE,-3\nF,99999999999\n");
    let levels: Vec<_> = shop.listings().await.into_iter().map(|listing| listing.level.map(|level| level.0)).collect();
    assert_eq!(levels, [None, None, None, Some(5), Some(-3), None]);
}

#[tokio::test]
async fn a_write_changes_the_quantity_cells_and_nothing_else() {
    let shop = shop_of(b"\xef\xbb\xbfsku;title;qty\r\n A ;\"x;\r\ny\"; 5 \r\n\r\nB;caf\xc3\xa9;\"7\"", Vec::new());
    assert!(matches!(shop.set("A", 12, Some(5)).await, Outcome::Done { echo: Some(Level(12)) }));
    assert!(matches!(shop.set("B", 0, None).await, Outcome::Done { .. }));
    assert_eq!(shop.text(), "\u{feff}sku;title;qty\r\n A ;\"x;\r\ny\"; 12 \r\n\r\nB;café;\"0\"");
}

// proves X7: a number that is no longer the expected one is not written over.
#[tokio::test]
async fn a_changed_number_is_stale() {
    let shop = shop("sku,qty\nA,5\n");
    assert!(matches!(shop.set("A", 3, Some(4)).await, Outcome::Stale));
    assert!(matches!(shop.set("Z", 3, None).await, Outcome::Gone));
    assert_eq!(shop.text(), "sku,qty\nA,5\n");
}

fn at_most_six() -> Shown {
    Shown::AtMost { most: Level(6), least: Level(0) }
}

// proves P1: what was meant to lower a number does not raise one that fell below it meanwhile.
#[tokio::test]
async fn a_lowering_raises_nothing() {
    let shop = shop("sku,qty\nA,2\n");
    assert!(matches!(shop.set_from("A", 4, at_most_six()).await, Outcome::Stale));
    assert_eq!(shop.text(), "sku,qty\nA,2\n");
    assert!(matches!(shop.set_from("A", 1, at_most_six()).await, Outcome::Done { echo: Some(Level(1)) }));
    assert!(matches!(shop.set_from("A", 9, at_most_six()).await, Outcome::Done { .. }), "that is a raise");
}

// proves X1, X5: a deduction that is sent again is applied once.
#[tokio::test]
async fn a_deduction_sent_again_is_applied_once() {
    let shop = shop("sku,qty\nA,10\nB,5\n");
    let batch = [adjustment("A", 10, -2), adjustment("B", 5, -1)];
    let call = shop.channel.prepare(&batch, "k").await.unwrap();
    assert_eq!(shop.text(), "sku,qty\nA,10\nB,5\n");
    for attempt in [Attempt::First, Attempt::Again, Attempt::Again] {
        let outcomes = shop.channel.adjust(&call, attempt).await.unwrap();
        assert!(outcomes.len() == 2 && outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done { .. })));
        assert_eq!(shop.text(), "sku,qty\nA,8\nB,4\n");
    }
}

// proves X5: our numbers are put into what another program wrote meanwhile; a number that it changed is stale.
#[tokio::test]
async fn another_programs_changes_are_kept() {
    let shop = shop("sku,qty\nA,10\nB,5\n");
    let batch = [adjustment("A", 10, -2), adjustment("B", 5, -1)];
    let call = shop.channel.prepare(&batch, "k").await.unwrap();
    fs::write(shop.folder.path().join("stock.csv"), "sku,qty,note\nB,4,sold one\nA,10,\n").unwrap();
    let outcomes = shop.channel.adjust(&call, Attempt::First).await.unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Done { .. }, Outcome::Stale]));
    assert_eq!(shop.text(), "sku,qty,note\nB,4,sold one\nA,8,\n");
}

// proves X6: after a lost answer, numbers in a file that another program wrote meanwhile prove nothing.
#[tokio::test]
async fn numbers_in_a_changed_file_prove_nothing() {
    let shop = shop("sku,qty\nA,10\n");
    let call = shop.channel.prepare(&[adjustment("A", 10, -2)], "k").await.unwrap();
    fs::write(shop.folder.path().join("stock.csv"), "sku,qty\nA,10\nB,1\n").unwrap();
    let outcomes = shop.channel.adjust(&call, Attempt::Again).await.unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Stale]));
    assert_eq!(shop.text(), "sku,qty\nA,10\nB,1\n");
}

#[tokio::test]
async fn every_row_of_an_export_says_what_it_is() {
    let woo = "ID,Type,SKU,Name,Published,Stock,Backorders allowed?,Parent\n\
        1,variable,TEE,Tee,1,,0,\n2,variation,TEE-S,Tee - S,1,4,0,TEE\n3,\"simple, virtual\",PDF,Plan,1,,0,\n\
        4,grouped,SET,Set,1,,0,\n5,simple,CAP,Cap,0,2,notify,\n6,simple,,Hat,1,,0,\n";
    let seen: Vec<_> = shop(woo)
        .listings()
        .await
        .into_iter()
        .map(|listing| {
            let sku = listing.skus().next().map_or("-".to_owned(), ToString::to_string);
            let live = listing.state == ListingState::Live;
            format!(
                "{} {sku} live={live} managed={} oversells={} {}",
                listing.key,
                listing.managed,
                listing.oversells,
                listing.unfit.as_deref().unwrap_or("fit")
            )
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r"
    1 TEE live=true managed=false oversells=false a parent row: its variations hold the stock
    2 TEE-S live=true managed=true oversells=false fit
    3 PDF live=true managed=false oversells=false virtual: there is no stock to count
    4 SET live=true managed=false oversells=false a grouped product: its parts hold the stock
    5 CAP live=false managed=true oversells=true fit
    6 - live=true managed=false oversells=false fit
    ");
}

#[tokio::test]
async fn a_shopify_export_gives_its_variants_the_product_of_their_first_row() {
    let text = "Handle,Title,Vendor,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Image Src\n\
        mug,Mug,Acme,Red,MUG-R,shopify,5,deny,9.99,a.jpg\nmug,,,Blue,,,3,continue,9.99,b.jpg\nmug,,,,,,,,,c.jpg\n";
    let listings = shop(text).listings().await;
    assert_eq!(listings.len(), 2);
    assert_eq!((listings[0].key.as_str(), listings[0].title(), listings[0].managed), ("MUG-R", "Mug - Red", true));
    let blue = &listings[1];
    assert_eq!((blue.key.as_str(), blue.title(), blue.managed), ("mug/Blue", "Mug - Blue", false));
    assert_eq!((blue.vendor.as_deref(), blue.oversells), (Some("Acme"), true));
}

// proves L1: a listing with several places holds what they hold together, and the first is written.
#[tokio::test]
async fn an_inventory_export_has_places() {
    let text = "Handle,Title,SKU,Location,On hand,Available\nmug,Mug,MUG,Here,5,5\nmug,Mug,MUG,There,9,2\ncup,Cup,CUP,Here,,not stocked\n";
    let shop = shop(text);
    let listings = shop.listings().await;
    assert_eq!((listings[0].level, listings[0].places.len()), (Some(Level(7)), 2));
    assert_eq!(listings[1].unfit.as_deref(), Some("not stocked at this location"));
    shop.set("MUG", 6, Some(7)).await;
    assert_eq!(shop.text(), text.replace("Here,5,5", "Here,5,4"));
}

// proves L1: the echo is what the listing holds, also where the other places hold more than it is to show.
#[tokio::test]
async fn the_echo_tells_what_the_other_places_hold() {
    let shop = shop("sku,qty,location\nMUG,5,Here\nMUG,4,There\nMUG,many,Nowhere\n");
    assert!(matches!(shop.set("MUG", 6, Some(9)).await, Outcome::Done { echo: Some(Level(6)) }));
    assert!(matches!(shop.set("MUG", 1, Some(6)).await, Outcome::Done { echo: Some(Level(4)) }));
    assert_eq!(shop.text(), "sku,qty,location\nMUG,0,Here\nMUG,4,There\nMUG,many,Nowhere\n");
    assert_eq!(shop.listings().await[0].level, Some(Level(4)));
}

// `columns` says which column counts; what the rest of a known export says of its rows still holds.
#[tokio::test]
async fn named_columns_leave_an_export_what_it_is() {
    let text = "ID,Type,SKU,Name,Stock,Parent,Free\n1,variable,TEE,Tee,,,\n2,variation,TEE-S,Tee - S,4,TEE,3\n";
    let columns = Value::Table([("quantity".into(), "Free".into())].into());
    let listings = shop_of(text.as_bytes(), vec![("columns", columns)]).listings().await;
    assert_eq!(listings[0].unfit.as_deref(), Some("a parent row: its variations hold the stock"));
    assert_eq!((listings[1].key.as_str(), listings[1].title(), listings[1].level), ("2", "Tee - S", Some(Level(3))));
    let columns = Value::Table([("sku".into(), "Title".into())].into());
    let listings =
        shop_of(b"sku,qty,title,location\nA,5,MUG,Here\nA,2,MUG,There\n", vec![("columns", columns)]).listings().await;
    assert_eq!(
        (listings.len(), listings[0].skus().next().unwrap().as_str(), listings[0].level),
        (1, "MUG", Some(Level(7)))
    );
}

// What lies beside a file may be what a run is just writing: only who writes himself touches it.
#[tokio::test]
async fn a_reader_leaves_alone_what_a_run_is_writing() {
    let shop = shop("sku,qty\nA,5\nB,1\n");
    let path = fs::canonicalize(shop.folder.path()).unwrap();
    let [read, new] =
        ["sku,qty\nA,5\nB,1\n", "sku,qty\nA,3\nB,1\n"].map(|text| fingerprint(text.as_bytes())[..16].to_owned());
    let beside = path.join(format!(".stock.csv.eys-{read}-{new}"));
    fs::write(&beside, "half").unwrap();
    shop.listings().await;
    shop.channel.levels(&[ListingKey::new("A")]).await.unwrap();
    shop.channel.probe().await.unwrap();
    assert!(beside.exists());
    shop.set("A", 4, Some(5)).await;
    assert!(!beside.exists());
    assert_eq!(shop.text(), "sku,qty\nA,4\nB,1\n");
}

// proves X5: what a killed run displaced stands again before anything is prepared against it.
#[tokio::test]
async fn a_writer_first_puts_back_what_was_displaced() {
    let [read, ours, theirs] = ["sku,qty\nA,5\n", "sku,qty\nA,3\n", "sku,qty\nA,5\nB,1\n"];
    let shop = shop(ours);
    let [read, new] = [read, ours].map(|text| fingerprint(text.as_bytes())[..16].to_owned());
    let path = fs::canonicalize(shop.folder.path()).unwrap();
    fs::write(path.join(format!(".stock.csv.eys-{read}-{new}")), theirs).unwrap();
    assert_eq!(shop.listings().await.len(), 1);
    shop.channel.prepare(&[adjustment("A", 5, -2)], "k").await.unwrap();
    assert_eq!(shop.text(), theirs);
}

#[tokio::test]
async fn an_ebay_report_has_parent_rows_and_variations() {
    let text = "Active listings report\n\nItem number,Title,Variation details,Custom label (SKU),Available quantity,Current price\n\
        11,Tee,,,7,5.00\n11,Tee,Size:S,TEE-S,3,5.00\n11,Tee,Size:M,TEE-M,4,5.00\n12,Mug,,MUG,2,8.00\n";
    let listings = shop(text).listings().await;
    let unfit: Vec<_> = listings.iter().map(|listing| listing.unfit.is_some()).collect();
    assert_eq!(unfit, [true, false, false, false]);
    assert_eq!(listings[1].title(), "Tee - Size:S");
}

#[tokio::test]
async fn several_skus_with_one_number_are_one_listing() {
    let text = "TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,QUANTITY,TAGS,MATERIALS,SKU\nMug,x,9,USD,4,,,\"MUG-R,MUG-B\"\n";
    let listings = shop(text).listings().await;
    assert_eq!(listings[0].skus().map(ToString::to_string).collect::<Vec<_>>(), ["MUG-R", "MUG-B"]);
}

#[tokio::test]
async fn two_rows_with_one_sku_are_two_listings() {
    let keys: Vec<_> =
        shop("sku,qty\nA,1\nA,2\n").listings().await.into_iter().map(|listing| listing.key.to_string()).collect();
    assert_eq!(keys, ["A", "A#2"]);
}

#[tokio::test]
async fn what_cannot_be_read_says_what_to_do() {
    insta::assert_snapshot!([
        shop("").error().await,
        shop("a,b\n1,2\n").error().await,
        shop("sku,artikelnummer,qty\n").error().await,
        shop("SKU,Stock,sku\n").error().await,
        shop("ID,Type,SKU,Stock,Parent,Name,stock\n").error().await,
        shop("SKU:Stock\nA:5\n").error().await,
        shop("sku,qty\nA,\"5\nB,3\n").error().await,
        shop_of(&[0xFF, 0xFE, 0x41, 0x00], Vec::new()).error().await,
        shop_of(b"sku,qty\n", vec![("columns", Value::Table([("sku".into(), "Code".into())].into()))]).error().await,
    ].join("\n"), @r#"
    FOLDER/stock.csv: it is empty; its first line must name the columns, such as `sku,quantity` (while reading the file)
    FOLDER/stock.csv: no column of it is known to hold the SKU; its columns are a, b; say which with `columns = { sku = "…", quantity = "…" }` (while reading the file)
    FOLDER/stock.csv: the columns `sku` and `artikelnummer` both claim to be the SKU; say which is with `columns = { sku = "sku", … }` (while reading the file)
    FOLDER/stock.csv: its columns 1 and 3 are both named `sku`; give all but the one that holds the SKU another name (while reading the file)
    FOLDER/stock.csv: its columns 4 and 7 are both named `stock`; give all but the one that holds the quantity another name (while reading the file)
    FOLDER/stock.csv: no column of it is known to hold the SKU; its only column is `sku:stock`; if those are several, say what stands between them with `delimiter = "…"` (while reading the file)
    FOLDER/stock.csv: line 2: a quote is opened and never closed (while reading the file)
    FOLDER/stock.csv: it is saved as UTF-16; save it as "CSV UTF-8" (while reading the file)
    FOLDER/stock.csv: it has no column `Code`, which `columns` names as sku; its columns are qty, sku (while reading the file)
    "#);
}

#[tokio::test]
async fn the_sample_exports_are_read_row_by_row() {
    let Some(folder) = std::env::var_os("EYS_DATA").map(PathBuf::from) else {
        eprintln!("skipped: EYS_DATA does not name a folder of sample exports");
        return;
    };
    for (name, listings) in [
        ("shopify-export-apparel.csv", None),
        ("shopify-export-home-and-garden.csv", None),
        ("shopify-export-jewelery.csv", None),
        ("woocommerce-export-sample.csv", Some(25)),
    ] {
        let shop = shop_of(&fs::read(folder.join(name)).unwrap(), Vec::new());
        let found = shop.listings().await;
        assert!(!found.is_empty(), "{name}");
        assert!(listings.is_none_or(|listings| found.len() == listings), "{name}: {}", found.len());
        let part = found.iter().filter(|l| l.managed && l.unfit.is_none() && l.skus().next().is_some()).count();
        assert_eq!(part, 0, "{name}: no stock is managed in it");
    }
}
