//! `eys doctor`: what is wrong, why, and the command that mends it.

use crate::sim::shopify::Shopify;
use crate::sim::{Market, State};
use crate::support::Home;

#[test]
fn all_is_well() {
    let home = Home::in_step();
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 0
    ---- stdout
    Accounts, permissions, limits
      ok   stall: /home/owner/eys/stall.csv is a list in UTF-8, with `,` between its columns: 2 listings, 0 of them take no part
      ok   stock: /home/owner/eys/stock.csv is a list in UTF-8, with `,` between its columns: 2 listings, 0 of them take no part
      ok   stall: its orders file has 0 open orders

    No problem was found.
    ");
    home.eys("doctor --offline").is(0);
    home.eys("doctor MUG").is(0);
    insta::assert_snapshot!(home.eys("doctor --fix"), @"
    exit 0
    ---- stdout
    Accounts, permissions, limits
      ok   stall: /home/owner/eys/stall.csv is a list in UTF-8, with `,` between its columns: 2 listings, 0 of them take no part
      ok   stock: /home/owner/eys/stock.csv is a list in UTF-8, with `,` between its columns: 2 listings, 0 of them take no part
      ok   stall: its orders file has 0 open orders

    No problem was found.
    Nothing here can be mended by eys itself.
    ");
}

#[test]
fn what_is_wrong_with_lists() {
    let source =
        "sku,quantity,title\nMUG,10,Red mug\nBOWL,4,Blue bowl\nVASE,many,Vase\nDUP,1,Twin\nDUP,2,Twin\nDEEP,-3,Pit\n";
    let target = "sku,quantity,title\nMUG,1,Red mug\nbowl,1,Blue bowl\n,1,Nameless\nVASE,1,Vase\nDUP,1,Twin\nDEEP,1,Pit\nOWN,1,Own\n";
    let home = Home::with_lists(source, target);
    let before = home.everything();
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    SKU match
      !!   stall: DUP (Twin): several listings of the source bear its SKU
           next: give each listing of the source a SKU of its own
      !!   stock: DUP (Twin): several listings of this channel bear its SKU
      !!   stock: DUP (Twin): several listings of this channel bear its SKU
           next: give each listing a SKU of its own, or tie them by hand: `eys link --sku SKU --channel C --to LISTING`
      !!   3 SKUs belong together and are not linked
           next: `eys link` shows them and ties them
      !!   stall: Nameless (Nameless): it has no SKU
           next: fill it in on the channel; `eys doctor --propose-skus FILE` writes proposals
      note stall: bowl is nearly the same as BOWL on the source
           next: `eys link --accept` ties them
      note stock: BOWL (Blue bowl): no other channel has it
           next: list it there, if it is to be sold there
      note stall: OWN (Own): the source has no listing with its SKU
           next: add it to the source, or tie it by hand: `eys link --sku SKU --channel C --to LISTING`

    Platform stock settings
      note stock: VASE (Vase): its quantity cannot be read
           next: write a whole number there
      note stock: DEEP (Pit) is oversold: it stands at -3
           next: add stock, or cancel an order

    Accounts, permissions, limits
      !!   stock: 1 quantity is no whole number and says nothing: line 4 (`many`)
           next: write whole numbers into these cells
      ok   stall: /home/owner/eys/stall.csv is a list in UTF-8, with `,` between its columns: 7 listings, 0 of them take no part
      ok   stock: /home/owner/eys/stock.csv is a list in UTF-8, with `,` between its columns: 6 listings, 0 of them take no part
      ok   stall: its orders file has 0 open orders

    6 problems found.
    ");
    insta::assert_snapshot!(home.eys("doctor BOWL"), @"
    exit 0
    ---- stdout
    SKU match
      note stock: BOWL (Blue bowl): no other channel has it
           next: list it there, if it is to be sold there

    No problem was found.
    ");
    insta::assert_snapshot!(home.eys("doctor NONE"), @"
    exit 2
    ---- stderr
    error: no channel has the SKU `NONE`
      next: `eys link` reads the channels and shows every SKU it finds
    ");
    home.eys("doctor --fix").is(6).has("Nothing here can be mended by eys itself.");
    let findings = home.json("doctor");
    assert!(findings["findings"].as_array().unwrap().iter().all(|f| f["code"].is_string() && f["weight"].is_string()));
    assert_eq!(home.everything(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_shops_and_what_it_mends() {
    let market = Market::live(1);
    let (home, outlet) = Home::with_an_outlet(&market).await;
    outlet.set_tracked("MUG", false);
    outlet.set_oversells("BOWL", true);
    outlet.set_state("VASE", State::Archived);
    insta::assert_snapshot!(home.eys("doctor"), @"
    exit 6
    ---- stdout
    Product status
      note outlet: VASE (The VASE) is not on sale: archived
           next: put it on sale there, if it is to be sold

    Platform stock settings
      !!   outlet: BOWL (The BOWL) goes on selling at zero
           next: `eys doctor --fix` stops it
      !!   outlet: MUG (The MUG): the platform does not keep count of its stock
           next: `eys doctor --fix` turns it on

    Accounts, permissions, limits
      ok   outlet: connected to outlet (outlet.myshopify.com), plan Basic
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   outlet: stock is read at Main
      ok   shop: stock is read at Main
      ok   outlet: the app has the scopes it needs
      ok   shop: the app has the scopes it needs

    2 problems found.
    ");
    insta::assert_snapshot!(home.eys("doctor --fix"), @"
    exit 4
    ---- stdout
    Product status
      note outlet: VASE (The VASE) is not on sale: archived
           next: put it on sale there, if it is to be sold

    Platform stock settings
      !!   outlet: BOWL (The BOWL) goes on selling at zero
           next: `eys doctor --fix` stops it
      !!   outlet: MUG (The MUG): the platform does not keep count of its stock
           next: `eys doctor --fix` turns it on

    Accounts, permissions, limits
      ok   outlet: connected to outlet (outlet.myshopify.com), plan Basic
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   outlet: stock is read at Main
      ok   shop: stock is read at Main
      ok   outlet: the app has the scopes it needs
      ok   shop: the app has the scopes it needs

    2 problems found.
      outlet: BOWL: stop selling at zero
      outlet: MUG: turn stock tracking on
    ---- stderr
    Nothing was changed. `eys doctor --fix --yes` does it.
    ");
    let waits = home.json("doctor --fix");
    assert_eq!(waits["exit"], 4);
    insta::assert_snapshot!(home.eys("doctor --fix --yes"), @"
    exit 0
    ---- stdout
    Product status
      note outlet: VASE (The VASE) is not on sale: archived
           next: put it on sale there, if it is to be sold

    Platform stock settings
      !!   outlet: BOWL (The BOWL) goes on selling at zero
           next: `eys doctor --fix` stops it
      !!   outlet: MUG (The MUG): the platform does not keep count of its stock
           next: `eys doctor --fix` turns it on

    Accounts, permissions, limits
      ok   outlet: connected to outlet (outlet.myshopify.com), plan Basic
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   outlet: stock is read at Main
      ok   shop: stock is read at Main
      ok   outlet: the app has the scopes it needs
      ok   shop: the app has the scopes it needs

    2 problems found.
      outlet: BOWL: stop selling at zero
      outlet: MUG: turn stock tracking on
      outlet: BOWL: stop selling at zero: done
      outlet: MUG: turn stock tracking on: done
    ");
    home.eys("doctor").is(0).has("not on sale");
    outlet.set_oversells("BOWL", true);
    assert_eq!(home.json("doctor --fix --yes")["mended"].as_array().unwrap().len(), 1);
    outlet.face(|face: &mut Shopify| face.scopes.clear());
    insta::assert_snapshot!(home.eys("doctor --quiet"), @"
    exit 6
    ---- stdout
    Accounts, permissions, limits
      !!   outlet: the app may not do this: it lacks `read_locations` or `read_inventory` access scope (while finding the shop, HTTP 200, request 1-planned); it said: Access denied for locations field.
           next: add it in the Dev Dashboard, release the app's version and approve it in the shop
      ok   shop: connected to mugs (mugs.myshopify.com), plan Basic
      ok   shop: stock is read at Main
      ok   shop: the app has the scopes it needs

    1 problem found.
    ");
}

#[test]
fn proposals_for_listings_without_a_sku_change_nothing() {
    let home = Home::with_lists(
        "sku,quantity,title\nMUG,10,Red mug\n,4,Blue bowl\n,3,Blue bowl\n",
        "sku,quantity,title\n,1,Red mug\n",
    );
    let before = (home.read("stock.csv"), home.read("stall.csv"));
    insta::assert_snapshot!(home.eys("doctor --propose-skus skus.csv"), @"
    exit 0
    ---- stdout
    Wrote 3 proposals to skus.csv; nothing was changed.
    ---- stderr
    Next: check them, fill them in on the channel, and run `eys link` again.
    ");
    insta::assert_snapshot!(home.read("skus.csv"), @"
    channel,listing,title,proposed_sku
    stock,Blue bowl,Blue bowl,BLUE-BOWL
    stock,Blue bowl#2,Blue bowl,BLUE-BOWL-2
    stall,Red mug,Red mug,RED-MUG
    ");
    insta::assert_snapshot!(home.eys("doctor --propose-skus skus.csv"), @"
    exit 2
    ---- stderr
    error: skus.csv is there already
      next: name a new file; eys never writes over one
    ");
    assert_eq!((home.read("stock.csv"), home.read("stall.csv")), before);
    assert!(!home.path("state.db").exists());
}

#[test]
fn a_doubt_that_is_none_cannot_be_settled() {
    let home = Home::in_step();
    insta::assert_snapshot!(home.eys("doctor --settle i9 applied"), @"
    exit 2
    ---- stderr
    error: i9 is not open and not in doubt
      next: `eys status` lists those that are
    ");
    insta::assert_snapshot!(home.eys("doctor --settle 9 applied"), @"
    exit 2
    ---- stderr
    error: it takes an intent and applied or not-applied: --settle i17 applied
    ");
    home.eys("doctor --settle i9 perhaps").is(2);
    home.eys("doctor --settle i9").is(2);
}

#[test]
fn a_switch_that_is_off_and_a_hold_are_problems() {
    let home = Home::with_mugs();
    home.eys("link --yes").is(0);
    home.config(&home.read("channels.toml").replace("orders =", "inventory_sync = false\norders ="));
    insta::assert_snapshot!(home.eys("doctor --offline"), @"
    exit 6
    ---- stdout
    Sync settings
      !!   stall: h1: the first push to stall would change 2 of 2 listings (since 2026-11-24 09:00 UTC)
           next: `eys sync --release h1` lets it go on; with `--dry-run` it shows what that writes
      !!   stall: it is switched off: nothing is written to it
           next: set `inventory_sync = true` in its block of channels.toml

    2 problems found.
    ");
    home.write(".~lock.stall.csv#", "");
    home.eys("doctor").is(6).has("open in a spreadsheet program");
}
