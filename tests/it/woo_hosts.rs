//! WooCommerce as hosts really run it: each trouble with what still works, and the sentence that `doctor` has for it.

use eys::channel::{ChannelError, ErrorKind};
use eys::domain::Role;
use eys::engine::LaneEnd;
use jiff::SignedDuration;

use crate::findings::{finds, told};
use crate::shops::{Shops, name};
use crate::sim::woocommerce::{Permalinks, Permission, Site, Tls, Version, WooCommerce, WooSpec};
use crate::sim::{Good, Rule, ShopHandle, Trouble};

/// A WooCommerce target behind a host of some kind, and a list that it follows.
fn hosted(spec: &WooSpec, site: impl Fn(&mut Site)) -> (Shops, ShopHandle) {
    let mut shops = Shops::new();
    let web = shops.woocommerce_of(Role::Target, spec);
    web.face(|face: &mut WooCommerce| site(&mut face.site));
    web.add_product("Tee", &[Good::new("TEE-S", 5), Good::new("TEE-M", 5)]);
    shops.csv("list", Role::Source, &[("MUG", 5), ("TEE-S", 5)]);
    (shops, web)
}

fn usual() -> WooSpec {
    WooSpec::new("web", &[("MUG", 5)])
}

/// Runs a sale in both directions.
async fn works(shops: &mut Shops, web: &ShopHandle, about: &str) {
    shops.start().await;
    web.buy_many(&[("MUG", 1), ("TEE-S", 2)]).unwrap();
    shops.rest().await;
    assert_eq!((shops.listed("list", "MUG"), shops.listed("list", "TEE-S")), (4, 3), "{about}");
    shops.list_edit("list", "MUG", 3);
    shops.list_edit("list", "TEE-S", 1);
    shops.rest().await;
    assert_eq!((web.available("MUG"), web.available("TEE-S")), (3, 1), "{about}");
}

async fn said(shops: &Shops, code: &str) -> String {
    let found = shops.checkup().await;
    let of_shop = found.findings.iter().filter(|finding| finding.channel == Some(name("web")));
    let told: Vec<String> = of_shop.map(|finding| format!("{}: {}", finding.code, finding.message)).collect();
    told.iter().find(|words| words.starts_with(code)).unwrap_or_else(|| panic!("{code} is not in {told:#?}")).clone()
}

async fn failure(shops: &mut Shops) -> ChannelError {
    let report = shops.sync().await;
    match report.lanes.into_iter().find(|lane| lane.channel == name("web")).unwrap().end {
        LaneEnd::Failed(error) => error,
        end => panic!("{end:?}"),
    }
}

// Nothing is asked beforehand while the usual way works.
#[tokio::test(start_paused = true)]
async fn the_usual_way_costs_no_call() {
    let (mut shops, web) = hosted(&usual(), |_| {});
    works(&mut shops, &web, "usual").await;
    assert!(web.calls().iter().all(|call| call.operation != "root" && call.operation != "page"), "{:?}", web.calls());
    assert!(said(&shops, "keys").await.contains("arrive as they should"));
}

#[tokio::test(start_paused = true)]
async fn a_shop_in_a_subfolder_works() {
    let spec = WooSpec { folder: "/shop".to_owned(), ..usual() };
    let (mut shops, web) = hosted(&spec, |_| {});
    works(&mut shops, &web, "subfolder").await;
}

#[tokio::test(start_paused = true)]
async fn plain_permalinks_work_by_a_detour() {
    for permalinks in [Permalinks::Plain, Permalinks::PlainRedirecting] {
        for folder in ["", "/shop"] {
            let spec = WooSpec { folder: folder.to_owned(), ..usual() };
            let (mut shops, web) = hosted(&spec, |site| {
                site.permalinks = permalinks;
                site.core_sees_keys = folder.is_empty();
            });
            works(&mut shops, &web, &format!("{permalinks:?} {folder}")).await;
            assert!(said(&shops, "permalinks-plain").await.contains("plain"));
        }
    }
}

// A host that changes while eys runs is found again by the run after the one that failed.
#[tokio::test(start_paused = true)]
async fn a_host_that_changes_is_found_again() {
    let (mut shops, web) = hosted(&usual(), |_| {});
    works(&mut shops, &web, "before").await;
    web.face(|face: &mut WooCommerce| {
        face.site.permalinks = Permalinks::Plain;
        face.site.drops_authorization = true;
    });
    web.buy("MUG", 1).unwrap();
    assert_eq!(failure(&mut shops).await.kind, ErrorKind::Account);
    shops.rest().await;
    assert_eq!(shops.listed("list", "MUG"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_header_sends_the_keys_in_the_address() {
    let (mut shops, web) = hosted(&usual(), |site| site.drops_authorization = true);
    works(&mut shops, &web, "dropped").await;
    assert!(said(&shops, "authorization-dropped").await.contains("stand in the host's logs"));
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_hides_https_is_signed_to() {
    for folder in ["", "/shop"] {
        let spec = WooSpec { folder: folder.to_owned(), ..usual() };
        let (mut shops, web) = hosted(&spec, |site| site.tls = Tls::Hidden);
        works(&mut shops, &web, "hidden").await;
        assert!(said(&shops, "https-hidden").await.contains("signed"));
    }
}

// finds plain-http
#[tokio::test(start_paused = true)]
async fn plain_http_is_signed_with_or_without_the_header_and_pretty_addresses() {
    for drops in [false, true] {
        for permalinks in [Permalinks::Pretty, Permalinks::Plain] {
            let (mut shops, web) = hosted(&usual(), |site| {
                site.drops_authorization = drops;
                site.permalinks = permalinks;
            });
            web.face(|face: &mut WooCommerce| face.home = "http://web.test".to_owned());
            shops.woocommerce_at("web", Role::Target, "http://web.test");
            works(&mut shops, &web, &format!("http, {drops}, {permalinks:?}")).await;
            insta::assert_snapshot!("doctor_of_plain_http", told(&shops, "web", "plain-http").await);
            web.face(|face: &mut WooCommerce| face.home = "https://web.test".to_owned());
            shops.woocommerce_at("web", Role::Target, "https://web.test");
            assert!(!finds(&shops, "web", "plain-http").await);
        }
    }
}

// A call that is repeated bears a nonce that the shop has seen; it is signed anew.
#[tokio::test(start_paused = true)]
async fn a_repeated_call_is_signed_anew() {
    let (mut shops, web) = hosted(&usual(), |_| {});
    web.face(|face: &mut WooCommerce| face.home = "http://web.test".to_owned());
    shops.woocommerce_at("web", Role::Target, "http://web.test");
    shops.start().await;
    web.buy("MUG", 1).unwrap();
    shops.pass(120).await;
    shops.market.trouble(Rule::once(Trouble::StatusAfter(502)).at("web").reading());
    shops.sync().await;
    assert_eq!(shops.listed("list", "MUG"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_moved_is_told_and_gets_no_keys() {
    let (mut shops, web) = hosted(&usual(), |site| site.redirects_home = true);
    web.face(|face: &mut WooCommerce| face.home = "https://www.web.test".to_owned());
    let error = failure(&mut shops).await;
    assert_eq!(error.kind, ErrorKind::Account);
    assert!(error.message.contains("https://www.web.test"), "{error}");
    assert!(said(&shops, "channel-unusable").await.contains("another address"));
}

#[tokio::test(start_paused = true)]
async fn a_notice_before_the_answers_is_read_over_and_named() {
    for (noise, code) in
        [("<br /><b>Warning</b>: Undefined [0] in x.php", "noisy-answers"), ("\u{feff}", "byte-order-mark")]
    {
        let (mut shops, web) = hosted(&usual(), |site| site.noise = Some(noise.to_owned()));
        works(&mut shops, &web, code).await;
        said(&shops, code).await;
    }
}

// proves F1, F2: pages of hosts and firewalls, told with their first words; the next run goes on.
#[tokio::test(start_paused = true)]
async fn pages_in_front_of_the_shop_are_told() {
    let cases = [
        (Trouble::HtmlPage, ErrorKind::Unexpected, "We are back soon"),
        (Trouble::Status(503), ErrorKind::Unavailable, "Something went wrong"),
        (Trouble::Status(403), ErrorKind::Permission, "Something went wrong"),
        (Trouble::Status(413), ErrorKind::Refused, "Something went wrong"),
        (Trouble::Status(414), ErrorKind::Refused, "Something went wrong"),
        (Trouble::TooMany { retry_after: Some(600) }, ErrorKind::Throttled, "Too Many Requests"),
    ];
    for (trouble, kind, words) in cases {
        let (mut shops, web) = hosted(&usual(), |_| {});
        shops.start().await;
        web.buy("MUG", 1).unwrap();
        shops.pass(120).await;
        shops.market.trouble(Rule::always(trouble.clone()).at("web"));
        let error = failure(&mut shops).await;
        assert_eq!(error.kind, kind, "{trouble:?}: {error}");
        assert!(error.to_string().contains(words), "{trouble:?}: {error}");
        shops.market.peace();
        shops.rest().await;
        assert_eq!(shops.listed("list", "MUG"), 4, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn maintenance_is_waited_out_by_the_next_run() {
    let (mut shops, web) = hosted(&usual(), |_| {});
    shops.start().await;
    web.buy("MUG", 1).unwrap();
    web.face(|face: &mut WooCommerce| face.site.maintenance = true);
    shops.pass(120).await;
    let error = failure(&mut shops).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("maintenance"), "{error}");
    web.face(|face: &mut WooCommerce| face.site.maintenance = false);
    shops.rest().await;
    assert_eq!(shops.listed("list", "MUG"), 4);
}

// The limit of a batch is learned from the refusal, and nothing is left out (4.2).
#[tokio::test(start_paused = true)]
async fn a_lowered_batch_limit_is_learned() {
    let skus: Vec<String> = (0..120).map(|nth| format!("SKU-{nth:03}")).collect();
    let goods: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 5)).collect();
    let mut shops = Shops::new();
    let web = shops.woocommerce("web", Role::Target, &goods);
    web.face(|face: &mut WooCommerce| face.batch_limit = 50);
    shops.csv("list", Role::Source, &goods);
    shops.start().await;
    for sku in &skus {
        shops.list_edit("list", sku, 4);
    }
    shops.pass(120).await;
    shops.market.forget_calls();
    shops.sync().await;
    shops.rest().await;
    assert!(skus.iter().all(|sku| web.available(sku) == 4));
    let sizes: Vec<usize> = web.calls().iter().filter(|call| call.writing).map(|call| call.items).collect();
    assert_eq!(sizes, [100, 50, 50, 20], "one refusal, and then as many as it said");
}

#[tokio::test(start_paused = true)]
async fn keys_that_may_not_do_enough_are_told() {
    let cases = [
        (Permission::Read, false, "keys-read-only", "do not let eys write"),
        (Permission::Write, false, "channel-unusable", "refuses the keys"),
        (Permission::ReadWrite, true, "channel-unusable", "may not do this"),
    ];
    for (permission, of_customer, code, words) in cases {
        let (shops, web) = hosted(&usual(), |_| {});
        web.face(|face: &mut WooCommerce| {
            face.keys[0].permission = permission;
            face.keys[0].of_customer = of_customer;
        });
        assert!(said(&shops, code).await.contains(words), "{permission:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_keys_are_told_and_never_tried_for_long() {
    let (mut shops, web) = hosted(&usual(), |_| {});
    web.face(|face: &mut WooCommerce| face.keys[0].key = "ck_other".to_owned());
    let error = failure(&mut shops).await;
    assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
    assert!(web.calls().len() <= 5, "{:?}", web.calls());
    let (mut shops, web) = hosted(&usual(), |_| {});
    web.face(|face: &mut WooCommerce| face.keys[0].secret = "cs_other".to_owned());
    let error = failure(&mut shops).await;
    assert_eq!((error.kind, web.calls().len()), (ErrorKind::Credentials, 1), "{error}");
}

// A signature is made for the shop's time, as its answers tell it; where PHP has yet another one, the shop says so.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_told_in_the_shops_words() {
    let (mut shops, web) = hosted(&usual(), |site| site.tls = Tls::Hidden);
    web.face(|face: &mut WooCommerce| face.clock_off = SignedDuration::from_mins(20));
    let error = failure(&mut shops).await;
    assert_eq!(error.kind, ErrorKind::Credentials);
    assert!(error.to_string().contains("timestamp"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_time_zone_and_settings_of_the_shop_are_told() {
    let (shops, web) = hosted(&usual(), |_| {});
    web.face(|face: &mut WooCommerce| {
        face.set_zone("Asia/Tokyo");
        face.no_stock_amount = 2;
        face.hides_out_of_stock = true;
    });
    assert!(said(&shops, "account").await.contains("Asia/Tokyo"));
    assert!(said(&shops, "sold-out-early").await.contains("when 2 are left"));
    said(&shops, "hides-sold-out").await;
}

// finds version, variations-apart
#[tokio::test(start_paused = true)]
async fn old_versions_are_told() {
    let (mut shops, web) = hosted(&usual(), |_| {});
    let update = |shops: &mut Shops, version| {
        web.face(|face: &mut WooCommerce| face.version = version);
        shops.woocommerce_at("web", Role::Target, "https://web.test");
    };
    update(&mut shops, Version(5, 7, 2));
    let mut words = told(&shops, "web", "version").await;
    update(&mut shops, Version(5, 9, 0));
    words += &told(&shops, "web", "version").await;
    update(&mut shops, Version(9, 4, 3));
    assert_eq!(said(&shops, "version").await, "version: WooCommerce 9.4.3");
    words += &told(&shops, "web", "variations-apart").await;
    insta::assert_snapshot!("doctor_of_old_versions", words);
    update(&mut shops, Version::USUAL);
    assert!(!finds(&shops, "web", "variations-apart").await);
}

// Over the loopback, as a real process sees it: plain http, allowed because it is this machine.
#[tokio::test]
async fn a_shop_on_the_loopback_is_signed_to() {
    let market = crate::sim::Market::live(3);
    let spec = usual();
    let web = market.add_woocommerce(&spec);
    let address = web.serve().await.unwrap();
    web.face(|face: &mut WooCommerce| {
        face.home = format!("http://{address}");
        face.site.wants_agent = true;
    });
    let mut shops = Shops::new();
    shops.market = market;
    shops.over_the_wire = true;
    shops.woocommerce_at("web", Role::Target, &format!("http://{address}"));
    shops.csv("list", Role::Source, &[("MUG", 5)]);
    assert_eq!(shops.link().await, 1);
}
