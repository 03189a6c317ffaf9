//! The program with an account at eBay over loopback: consent in a browser, and what a seller sees of it.

use eys::domain::ChannelName;
use eys::store::{Credentials, KeptToken};
use jiff::{SignedDuration, Timestamp};

use crate::browser::{browse, consent};
use crate::findings::gone;
use crate::shops::Shops;
use crate::sim::Market;
use crate::sim::ebay::{Ebay, EbaySpec, ListingSpec};
use crate::sim::shopify::ShopSpec;
use crate::support::Home;

// proves F3, F7: consent is asked for in words, pasted back, kept beside the state, and opens the account; an answer to
// another question is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_seller_consents_in_a_browser() {
    let market = Market::live(1);
    let goods = [("MUG", 10), ("BOWL", 4)];
    let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
    let bay = market.add_ebay(&EbaySpec::new("bay", &goods));
    bay.face(|face: &mut Ebay| face.revoke_consent());
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.ebay("bay", "target", &bay).await;
    home.eys("doctor").is(6).has("`eys auth bay`");
    let told = consent(&home, "bay", |address| browse(address).replace("state=", "state=x"));
    told.is(1).has("answers another question");
    let told = consent(&home, "bay", browse);
    told.is(0).has("eys asks for").has("to read orders, without anything about buyers").has("is kept beside the state");
    told.lacks("v^1.1#");
    assert!(!std::fs::read_to_string(home.path("channels.toml")).unwrap().contains("v^1.1#"));
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.eys("status").is(0).has("bay");
    home.eys("doctor").lacks("refresh_token").lacks("v^1.1#");
    // A process of cron asks for what changed, and for nothing that the one before knew (Y4).
    home.eys("sync").is(0);
    market.forget_calls();
    home.eys("sync").is(0);
    assert_eq!(Shops::calls(&bay), (0, 2), "{:?}", bay.calls());
}

// proves O5, Z3: a seller sees what is kept back for a purchase that is not paid, and what a missing switch costs.
#[tokio::test(flavor = "multi_thread")]
async fn a_seller_sees_what_is_kept_back_and_why() {
    let market = Market::live(1);
    let goods = [("MUG", 10), ("BOWL", 4)];
    let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
    let bay = market.add_ebay(&EbaySpec::new("bay", &goods).with(ListingSpec::single("VASE", 1).auction()));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.ebay("bay", "target", &bay).await;
    consent(&home, "bay", browse).is(0);
    insta::assert_snapshot!(home.eys("link --yes"), @"
    exit 0
    ---- stdout
     CHANNEL  ROLE    KIND     LISTINGS  ACCOUNT
     shop     source  shopify  2         mugs
     bay      target  ebay     3         seller-of-bay

    Belong together: 2 links, of which the first push would change 0
     SKU   ON   TITLE     SHOWS
     MUG   bay  The MUG   10
     BOWL  bay  The BOWL  4

    Take no part
      bay: 1 — an auction: it is sold once, and eBay keeps no stock for it
          VASE The VASE
    ---- stderr

    Stored 2 links. Nothing was written to any channel.
    Next: `eys sync --dry-run` shows the first run, `eys sync --yes` makes it.
    ");
    home.eys("sync --yes").is(0);
    home.eys("status").is(0).has("Calls left on bay: ").has(" of 5000, until ");
    bay.buy_unpaid(&[("MUG", 3)]).unwrap();
    home.eys("sync --full").is(0);
    insta::assert_snapshot!(home.eys("status MUG"), @"
    exit 0
    ---- stdout
    MUG  The MUG

     CHANNEL        LISTING  SHOWS  OFFERED  STATUS           BECAUSE
     shop (source)  MUG      10     -        source           3 bought and not paid yet
     bay            MUG      7      7        listed & synced  MUG on the source: 10, 3 bought and not
                                                              paid yet, leaves 7

    Its story
      2026-11-24 09:00  bay MUG                  linked, showing 10
      2026-11-24 09:00  shop MUG                 linked, showing 10
      2026-11-24 09:00  bay MUG                  released by you: h1: the first push to bay would change 0 of 2 listings
      2026-11-24 09:00  bay MUG                  bought and not paid yet: 3 are kept back
    ");
    bay.face(|face: &mut Ebay| face.out_of_stock_control = false);
    shop.owner_sets("BOWL", 0);
    insta::assert_snapshot!(home.eys("sync --full"), @"
    exit 4
    ---- stdout
    Listings that follow
     SKU   ON   SHOWS                                                      BECAUSE
     BOWL  bay  4 → 0  pending: the platform would end it at 0, since its  BOWL on the source: 0
                       out-of-stock control is off

    To look at
      bay: out-of-stock control is off: a listing at 0 would be ended, or lose a variation, so no 0 is written
          next: `eys doctor --fix` turns it on for bay, after asking

    Run 4: 1 listing pending, 1 problem
    ");
    home.eys("doctor").is(6).has("out-of-stock control is off: at 0 a listing ends").has("the consent lasts until");
    home.eys("doctor")
        .has("VASE (The VASE): an auction: it is sold once")
        .has("of the day's 5000 Trading calls are left");
    home.eys("doctor --fix --yes").is(0).has("switch out-of-stock control on for the whole account: done");
    home.eys("sync --full").is(0);
    home.eys("status BOWL").is(0).has("changed once within a day, of at most");
    assert_eq!(bay.available("BOWL"), 0);
}

// proves Y4: how listings were made is found out once, whatever process asks, as a crontab's runs do.
#[tokio::test(flavor = "multi_thread")]
async fn how_listings_were_made_is_known_to_the_next_run() {
    let market = Market::live(1);
    let goods = [("MUG", 10), ("BOWL", 4)];
    let shop = market.add_shopify(&ShopSpec::new("mugs", &goods));
    let spec = EbaySpec::new("bay", &[("MUG", 10)]).with(ListingSpec::single("BOWL", 4).inventory());
    let bay = market.add_ebay(&spec);
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.ebay("bay", "target", &bay).await;
    consent(&home, "bay", browse).is(0);
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    let finds = || {
        let finding = ["bulkGetInventoryItem", "getOffers", "GetItem"];
        bay.calls().iter().filter(|call| finding.contains(&call.operation.as_str())).count()
    };
    let sells = |mugs, bowls| {
        shop.owner_sets("MUG", mugs);
        shop.owner_sets("BOWL", bowls);
        let before = finds();
        home.eys("sync").is(0);
        assert_eq!((bay.available("MUG"), bay.available("BOWL")), (mugs, bowls));
        finds() - before
    };
    assert!(sells(8, 3) >= 3, "each listing is looked up");
    assert_eq!(sells(7, 2), 0, "they are known");
    // Under another name the account is known all the same, and its seller need not consent again.
    home.edit("[channels.bay]", "[channels.auctions]");
    home.eys("link --rename-channel bay auctions").is(0).has("and so does the consent of its owner");
    assert_eq!(sells(6, 1), 0, "they are known under another name");
}

// proves F7: of a refresh token that stands in channels.toml eBay is asked when it ends, by the first run already: `status
// --check` and those who are told of problems know of it though nobody ever ran `doctor`; what `doctor` hears is kept as well.
// Another token begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_channels_toml_that_ends_soon_is_told() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10)]));
    let account = market.add_ebay(&EbaySpec::new("bay", &[("MUG", 10)]));
    let lasts = |token: &str, days: i64| {
        let ends = Timestamp::now() + SignedDuration::from_hours(days * 24);
        account.face(|face: &mut Ebay| face.refresh = Some((token.to_owned(), ends)));
    };
    let asked = || account.calls().iter().filter(|call| call.operation == "introspect").count();
    let mut home = Home::new();
    home.say("[problems]\ncommand = \"cat >> told\"\n\n");
    home.shopify("shop", "source", &shop).await;
    home.ebay("bay", "target", &account).await;
    lasts("v^1.1#first", 15);
    home.edit("ru_name", "refresh_token = \"v^1.1#first\"\nru_name");
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
    assert_eq!(asked(), 1, "once for each token");
    lasts("v^1.1#first", 13);
    home.eys("doctor").is(6).has("its credentials end on");
    home.eys("status --check").is(3).has("bay: its credentials end on").has("`eys auth bay`").lacks("v^1.1#");
    // The end of another token is its own, and known at once.
    lasts("v^1.1#second", 400);
    home.edit("v^1.1#first", "v^1.1#second");
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
    gone(&home, "credentials-end");
    lasts("v^1.1#third", 13);
    home.edit("v^1.1#second", "v^1.1#third");
    home.eys("sync").is(0);
    home.eys("status --check").is(3).has("bay: its credentials end on").has("`eys auth bay`");
    assert!(home.read("told").contains("its credentials end on"), "{}", home.read("told"));
    assert!(!home.read("state.db.credentials").contains("v^1.1#third"), "it stands in channels.toml, and there alone");
    consent(&home, "bay", browse).is(0);
    home.edit("refresh_token = \"v^1.1#third\"\n", "");
    home.eys("sync").is(0);
    home.eys("status --check").is(0);
    gone(&home, "credentials-end");
}

// proves F7: consent that ends soon is a problem that `eys auth` mends.
// finds credentials-end
#[tokio::test(flavor = "multi_thread")]
async fn consent_that_ends_soon_is_given_anew() {
    let market = Market::live(1);
    let shop = market.add_shopify(&ShopSpec::new("mugs", &[("MUG", 10)]));
    let account = market.add_ebay(&EbaySpec::new("bay", &[("MUG", 10)]));
    let mut home = Home::new();
    home.shopify("shop", "source", &shop).await;
    home.ebay("bay", "target", &account).await;
    consent(&home, "bay", browse).is(0);
    home.eys("link --yes").is(0);
    home.eys("sync --yes").is(0);
    home.eys("status --check").is(0);
    let (credentials, bay) = (Credentials::of(&home.path("state.db")), ChannelName::new("bay").unwrap());
    let kept = credentials.token(&bay).unwrap().unwrap();
    let ends = Timestamp::now() + SignedDuration::from_hours(10 * 24);
    account.face(|face: &mut Ebay| face.refresh.iter_mut().for_each(|(_, until)| *until = ends));
    credentials.keep(&bay, &KeptToken { ends: Some(ends), ..kept }).unwrap();
    home.eys("status --check").is(3).has("bay: its credentials end on").has("`eys auth bay`");
    home.eys("doctor").is(6).has("its credentials end on").has("`eys auth bay`");
    consent(&home, "bay", browse).is(0);
    home.eys("status --check").is(0);
    gone(&home, "credentials-end");
}
