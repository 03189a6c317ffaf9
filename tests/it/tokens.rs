//! Tokens that end: one refresh for all who wait, kept before it is used (F3).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eys::app::keeper;
use eys::channel::Channel;
use eys::channel::registry::{Doors, Settings, Value, kind};
use eys::domain::Role;
use eys::net::{NetError, Reply, Request, Transport};
use eys::store::Credentials;
use tokio::task::JoinSet;

use crate::shops::{ebay_values, etsy_values, fixed, name};
use crate::sim::ebay::EbaySpec;
use crate::sim::etsy::EtsySpec;
use crate::sim::shopify::{ShopSpec, Shopify};
use crate::sim::{Market, ShopHandle};

/// A line that looks whether each token that goes out was kept before.
struct Watched {
    market: Market,
    state: PathBuf,
    kept: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: Request) -> Result<Reply, NetError> {
        let shown = |header| request.headers.get(header).and_then(|value| value.to_str().ok());
        let bearer = shown("authorization").and_then(|value| value.strip_prefix("Bearer "));
        // eBay tells an application, not a seller, what is left of its calls; that token is had anew by whoever asks.
        let is_sellers = !request.url.path().starts_with("/developer/analytics/");
        if let Some(token) = shown("x-shopify-access-token").or(bearer).filter(|_| is_sellers) {
            let newest = Credentials::of(&self.state).token(&name("shop")).unwrap().expect("a token is kept");
            let mut kept = self.kept.lock().unwrap();
            kept.insert(newest.access);
            assert!(kept.contains(token), "a token is used before it is kept");
        }
        self.market.send(request).await
    }
}

struct Platform {
    kind: &'static str,
    market: Market,
    shop: ShopHandle,
    base_url: Option<String>,
    values: BTreeMap<&'static str, Value>,
    folder: tempfile::TempDir,
}

impl Platform {
    fn new(kind: &'static str) -> Self {
        let market = Market::new(7);
        market.set_latency(std::time::Duration::from_millis(300));
        let goods = [("MUG", 5)];
        let (shop, base_url, values) = match kind {
            "shopify" => {
                let shop = market.add_shopify(&ShopSpec::new("shop", &goods));
                let values = BTreeMap::from([
                    ("shop", Value::Text("shop.myshopify.com".to_owned())),
                    ("client_id", Value::Text("client-of-shop".to_owned())),
                    ("client_secret", fixed("shpss_shop")),
                ]);
                (shop, None, values)
            }
            "ebay" => {
                let shop = market.add_ebay(&EbaySpec::new("shop", &goods));
                let values = ebay_values(&shop);
                (shop, Some("https://shop.test".to_owned()), values)
            }
            _ => {
                let spec = EtsySpec::new("shop", &goods);
                let shop = market.add_etsy(&spec);
                let values = etsy_values(&shop);
                (shop, Some(spec.base_url()), values)
            }
        };
        Self { kind, market, shop, base_url, values, folder: tempfile::tempdir().unwrap() }
    }

    /// Builds the channel, as each process does for itself.
    fn process(&self) -> Arc<dyn Channel> {
        let state = self.folder.path().join("state.db");
        let (base_url, values) = (self.base_url.clone(), self.values.clone());
        let settings =
            Settings { name: name("shop"), role: Role::Source, base_url, allow_http: false, fees: false, values };
        let transport = Arc::new(Watched { market: self.market.clone(), state: state.clone(), kept: Mutex::default() });
        let doors = Doors { transport, keeper: keeper(&state) };
        Arc::from((kind(self.kind).unwrap().build)(settings, doors).unwrap())
    }

    /// Makes several calls of each process at the same time; returns how often a token was fetched.
    async fn fetched(&self, processes: &[Arc<dyn Channel>]) -> usize {
        self.market.forget_calls();
        let mut calls = JoinSet::new();
        for channel in processes.iter().flat_map(|channel| std::iter::repeat_n(channel, 6)) {
            let channel = Arc::clone(channel);
            calls.spawn(async move { channel.listings(None).await.map(|page| page.items.len()) });
        }
        while let Some(call) = calls.join_next().await {
            assert_eq!(call.unwrap().unwrap(), 1);
        }
        self.shop.calls().iter().filter(|call| ["access_token", "token"].contains(&call.operation.as_str())).count()
    }
}

// proves F3: however many calls of two processes wait for a token, it is fetched once and kept before it is used: at the
// beginning, near its end, and when the platform refuses it.
#[tokio::test(start_paused = true)]
async fn one_token_is_fetched_for_all_who_wait() {
    for newest_token_only in [false, true] {
        let platform = Platform::new("shopify");
        platform.shop.face(|face: &mut Shopify| face.newest_token_only = newest_token_only);
        let processes = [platform.process(), platform.process()];
        assert_eq!(platform.fetched(&processes).await, 1, "at the beginning");
        assert_eq!(platform.fetched(&processes).await, 0);
        assert_eq!(platform.fetched(&[platform.process()]).await, 0, "the next process takes the one that is kept");
        tokio::time::sleep(std::time::Duration::from_hours(23)).await;
        assert_eq!(platform.fetched(&processes).await, 1, "near its end");
        platform.shop.face(Shopify::revoke_tokens);
        assert_eq!(platform.fetched(&processes).await, 1, "refused");
        assert_eq!(platform.fetched(&processes).await, 0);
    }
}

// proves F3: nor is a refresh token that is good for one use used twice, by whichever process.
#[tokio::test(start_paused = true)]
async fn one_renewal_is_made_for_all_who_wait() {
    let platform = Platform::new("etsy");
    let processes = [platform.process(), platform.process()];
    assert_eq!(platform.fetched(&processes).await, 1, "at the beginning");
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_hours(25)).await;
        assert_eq!(platform.fetched(&processes).await, 1, "when it has ended");
        assert_eq!(platform.fetched(&[platform.process()]).await, 0, "the next process takes the one that is kept");
    }
}

// proves F3, F4: whatever moment of a renewal a process dies at, the next one goes on with what is kept. A refresh token
// that is good for one use, and was used while its answer was still on its way, is lost: then the owner is asked, in words.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_dies_at_any_moment_is_gone_on_with() {
    for (kind, may_be_lost) in [("shopify", 0), ("ebay", 0), ("etsy", 6)] {
        let mut lost = 0;
        for nth in 0..30 {
            let platform = Platform::new(kind);
            assert_eq!(platform.process().listings(None).await.unwrap().items.len(), 1, "{kind}");
            tokio::time::sleep(std::time::Duration::from_hours(25)).await;
            let dies_after = std::time::Duration::from_millis(50 * nth);
            platform.market.forget_calls();
            let _ = tokio::time::timeout(dies_after, platform.process().listings(None)).await;
            let died = platform.market.now();
            match platform.process().listings(None).await {
                Ok(page) => assert_eq!(page.items.len(), 1, "{kind} after {dies_after:?}"),
                Err(error) => {
                    assert_eq!(error.next.as_deref(), Some("run `eys auth shop`"), "{kind} after {dies_after:?}");
                    // It died while the answer with the next one was on its way: nobody could have kept that.
                    let renewed = platform.shop.calls().into_iter().find(|call| call.operation == "token").unwrap();
                    let on_its_way = renewed.at..=renewed.at + std::time::Duration::from_millis(600);
                    assert!(on_its_way.contains(&died), "{kind} after {dies_after:?}, at {died}: {renewed:?}");
                    lost += 1;
                }
            }
        }
        assert!(lost <= may_be_lost, "{kind}: {lost} lost");
    }
}

// proves F3, F4, F6: whatever a power cut leaves of the write of a token that is good once, the next process goes on with the
// old one, or with the new one; where the old one is used up, that is told.
#[tokio::test(start_paused = true)]
async fn a_write_of_a_token_that_breaks_off_leaves_the_old_one_or_the_new_one() {
    for quarters in [0, 2, 4, 8] {
        let platform = Platform::new("etsy");
        let beside = |ending: &str| platform.folder.path().join(format!("state.db.credentials{ending}"));
        let (kept, new) = (beside(""), beside(".new"));
        assert_eq!(platform.fetched(&[platform.process()]).await, 1, "at the beginning");
        let whole = std::fs::read(&kept).unwrap();
        // Where it broke off before the new file took the old one's place, the old one stands there.
        let left = whole.len() * quarters / 4;
        std::fs::write(&new, [whole.as_slice(), whole.as_slice()].concat().split_at(left).0).unwrap();
        assert_eq!(platform.fetched(&[platform.process()]).await, 0, "{left} bytes are left of it");
        assert_eq!(std::fs::read(&kept).unwrap(), whole);
        tokio::time::sleep(std::time::Duration::from_hours(25)).await;
        assert_eq!(platform.fetched(&[platform.process()]).await, 1, "{left} bytes are left of it");
        assert_eq!(platform.fetched(&[platform.process()]).await, 0, "the new one is kept whole");
        assert!(!new.exists());
        tokio::time::sleep(std::time::Duration::from_hours(25)).await;
        std::fs::write(&kept, &whole).unwrap();
        let refused = platform.process().listings(None).await.unwrap_err();
        assert_eq!(refused.next.as_deref(), Some("run `eys auth shop`"), "{refused}");
    }
}

// proves F3, F6: a file of credentials that is damaged is told, with what mends it and with nothing that stands in it; it is
// not written over, and no token is used that was read from a half of it.
#[tokio::test(start_paused = true)]
async fn a_damaged_file_of_credentials_is_told_and_left_as_it_is() {
    let platform = Platform::new("etsy");
    let kept = platform.folder.path().join("state.db.credentials");
    assert_eq!(platform.fetched(&[platform.process()]).await, 1, "at the beginning");
    let whole = std::fs::read(&kept).unwrap();
    let token = Credentials::of(&platform.folder.path().join("state.db")).token(&name("shop")).unwrap().unwrap();
    let secrets = [token.access.clone(), token.refresh.unwrap()];
    let halves = (0..whole.len()).map(|length| whole[..length].to_vec());
    let odd = format!(r#"{{"state":null,"tokens":{{"shop":"{}"}}}}"#, token.access);
    let not_text = [&whole[..whole.len() / 2], &[0xFF, 0xFE][..], &whole[whole.len() / 2..]].concat();
    platform.market.forget_calls();
    for damaged in halves.chain([odd.into_bytes(), not_text, vec![0; whole.len()]]) {
        std::fs::write(&kept, &damaged).unwrap();
        let told = platform.process().listings(None).await.unwrap_err().to_string();
        let mends = told.contains("state.db.credentials: it is damaged") && told.contains("run `eys auth CHANNEL`");
        assert!(mends && !secrets.iter().any(|secret| told.contains(secret)), "{told}");
        assert_eq!(std::fs::read(&kept).unwrap(), damaged);
    }
    assert!(platform.shop.calls().is_empty(), "{:?}", platform.shop.calls());
    std::fs::write(&kept, &whole).unwrap();
    assert_eq!(platform.fetched(&[platform.process()]).await, 0, "what was kept is good");
}
