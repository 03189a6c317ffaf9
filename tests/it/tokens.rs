//! Tokens that end: one refresh for all who wait, kept before it is used (F3).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eys::app::token_keeper;
use eys::channel::Channel;
use eys::channel::registry::{Doors, Settings, Value, kind};
use eys::domain::Role;
use eys::net::{NetError, Reply, Request, Transport};
use eys::store::Credentials;
use tokio::task::JoinSet;

use crate::shops::{fixed, name};
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
        if let Some(token) = request.headers.get("x-shopify-access-token") {
            let newest = Credentials::of(&self.state).token(&name("shop")).unwrap().expect("a token is kept");
            let mut kept = self.kept.lock().unwrap();
            kept.insert(newest.access);
            assert!(kept.contains(token.to_str().unwrap()), "{token:?} is used before it is kept");
        }
        self.market.send(request).await
    }
}

struct Platform {
    market: Market,
    shop: ShopHandle,
    folder: tempfile::TempDir,
}

impl Platform {
    fn new() -> Self {
        let market = Market::new(7);
        let shop = market.add_shopify(&ShopSpec::new("shop", &[("MUG", 5)]));
        market.set_latency(std::time::Duration::from_millis(300));
        Self { market, shop, folder: tempfile::tempdir().unwrap() }
    }

    /// Builds the channel, as each process does for itself.
    fn process(&self) -> Arc<dyn Channel> {
        let state = self.folder.path().join("state.db");
        let values = BTreeMap::from([
            ("shop", Value::Text("shop.myshopify.com".to_owned())),
            ("client_id", Value::Text("client-of-shop".to_owned())),
            ("client_secret", fixed("shpss_shop")),
        ]);
        let settings =
            Settings { name: name("shop"), role: Role::Source, base_url: None, allow_http: false, fees: false, values };
        let transport = Arc::new(Watched { market: self.market.clone(), state: state.clone(), kept: Mutex::default() });
        let doors = Doors { transport, tokens: token_keeper(&state) };
        Arc::from((kind("shopify").unwrap().build)(settings, doors).unwrap())
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
        self.shop.calls().iter().filter(|call| call.operation == "access_token").count()
    }
}

// proves F3: however many calls of two processes wait for a token, it is fetched once and kept before it is used: at the
// beginning, near its end, and when the platform refuses it.
#[tokio::test(start_paused = true)]
async fn one_token_is_fetched_for_all_who_wait() {
    for newest_token_only in [false, true] {
        let platform = Platform::new();
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
