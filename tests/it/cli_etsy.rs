//! The program with a shop at Etsy over loopback: consent in a browser that comes back by itself, or is pasted.

use std::net::TcpListener;

use url::Url;

use crate::browser::{browse, consent, get};
use crate::sim::Market;
use crate::sim::etsy::{Etsy, EtsySpec};
use crate::sim::shopify::ShopSpec;
use crate::support::Home;

/// Returns an address of this machine that is free, below the ports that the machine gives out by itself: another test
/// would have one of those before it is used.
fn free_address() -> String {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let free =
        |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok() && TcpListener::bind(("::1", *port)).is_ok();
    let port = (first..32_000).find(free).expect("a port is free");
    format!("http://localhost:{port}/callback")
}

// proves F3, F6, F7: consent comes back by itself from a browser on this machine, or is pasted; it opens the shop, is kept
// beside the state, and each renewal of it too; where what is kept is lost, it is given anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_seller_consents_and_the_browser_comes_back() {
    let market = Market::live(1);
    let goods = [("MUG", 10), ("BOWL", 4)];
    let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
    let stall = market.add_etsy(&EtsySpec::new("stall", &goods));
    let redirect = free_address();
    stall.face(|face: &mut Etsy| {
        face.revoke_consent();
        face.callbacks.insert(redirect.clone());
    });
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.etsy("stall", "target", &stall, &redirect).await;
    home.eys("doctor").is(6).has("`eys auth stall`");
    let told = consent(&home, "stall", |address| browse(address).replace("state=", "state=x"));
    told.is(1).has("answers another question");
    // The browser lands on this machine; nothing is pasted.
    let told = consent(&home, "stall", |address| {
        let landed = Url::parse(&browse(address).replace("localhost", "127.0.0.1")).unwrap();
        let page = get(&landed);
        assert!(page.contains("eys has got the answer"), "{page}");
        None
    });
    told.is(0).has("eys asks for").has("to read what was sold, without anything about buyers");
    told.has("is kept beside the state").lacks(".refresh-").lacks(".access-");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.eys("status").is(0).has("Calls left on stall: ").has(" of 5000, until ");
    // An hour later, and after the consent was taken back and given again.
    let now = market.now();
    stall.face(|face: &mut Etsy| face.expire_tokens(now));
    home.eys("sync").is(0);
    stall.face(Etsy::revoke_consent);
    home.eys("sync").is(1).has("`eys auth stall`").lacks(".refresh-");
    consent(&home, "stall", browse).is(0);
    home.eys("sync").is(0);
    home.eys("doctor").lacks(".refresh-").lacks(".access-").has("the consent lasts until");
    assert!(!home.read("channels.toml").contains(".refresh-"));
    // What is kept beside the state breaks, and is moved away.
    let kept = home.read("state.db.credentials");
    home.write("state.db.credentials", kept.split_at(kept.len() / 2).0);
    home.eys("sync").is(1).has("it is damaged").lacks(".refresh-").lacks(".access-");
    std::fs::remove_file(home.path("state.db.credentials")).unwrap();
    home.eys("sync").is(1).has("`eys auth stall`");
    consent(&home, "stall", browse).is(0);
    home.eys("sync").is(0);
}

// proves F5, Z4: once the owner allowed what it costs, or asks for a full run, what was refused is tried again at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_mends_is_tried_again_at_once() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10)]));
    let stall = market.add_etsy(&EtsySpec::new("stall", &[("MUG", 10)]));
    let redirect = free_address();
    stall.face(|face: &mut Etsy| face.callbacks.insert(redirect.clone()));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.etsy("stall", "target", &stall, &redirect).await;
    consent(&home, "stall", browse).is(0);
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    stall.buy("MUG", 10).unwrap();
    home.eys("sync").is(0);
    shop.owner_sets("MUG", 5);
    home.eys("sync").is(3).has("`fees = true` in [channels.stall]");
    let tries = || stall.calls().iter().filter(|call| call.operation == "getListingInventory").count();
    let tried = tries();
    home.eys("sync").is(3).has("at once by `eys sync --full`");
    assert_eq!(tries(), tried, "it waits");
    home.eys("sync --full").is(3);
    assert!(tries() > tried);
    home.edit("kind = \"etsy\"", "kind = \"etsy\"\nfees = true");
    home.eys("sync").is(0);
    assert_eq!((stall.available("MUG"), stall.for_sale("MUG")), (5, true));
}

// proves Z1: what somebody shows again while nothing is offered is hidden again: the run tells that, and the ledger why.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_at_nothing_is_told_as_hidden_again() {
    let market = Market::live(1);
    let goods = [("MUG", 10), ("BOWL", 4)];
    let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
    let stall = market.add_etsy(&EtsySpec::new("stall", &goods));
    let redirect = "https://example.org/callback";
    stall.face(|face: &mut Etsy| face.callbacks.insert(redirect.to_owned()));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.etsy("stall", "target", &stall, redirect).await;
    consent(&home, "stall", browse).is(0);
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    shop.owner_sets("MUG", 0);
    home.eys("sync --full").is(0);
    assert!(!stall.for_sale("MUG"));
    stall.owner_reactivates("MUG");
    assert!(stall.for_sale("MUG"));
    insta::assert_snapshot!(home.eys("sync --full"), @"
    exit 0
    ---- stdout
    Run 4: 1 listing updated
    ");
    assert!(!stall.for_sale("MUG"));
    stall.owner_reactivates("MUG");
    insta::assert_snapshot!(home.eys("sync --full -v"), @"
    exit 0
    ---- stdout
    Listings that follow
     SKU  ON     SHOWS          BECAUSE
     MUG  stall  1 → 0  hidden  MUG on the source: 0

    Run 5: 1 listing updated
    ");
    assert!(!stall.for_sale("MUG"));
    home.eys("status MUG").is(0).has("shown again by you or another program");
}
