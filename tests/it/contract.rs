//! The contract that every kind of channel keeps, as its interface states it.
//!
//! Each test below is run for each kind; what only some can do is asked of its capability. A new kind brings an
//! implementation of [`Kind`] and a line at the end.

use std::sync::Arc;
use std::time::Duration;

use eys::channel::{
    Adjustment, Attempt, Channel, ChannelError, ErrorKind, Outcome, Page, PageToken, Result, Showing, Update,
};
use eys::domain::{
    Delta, ExactlyOnce, Found, Level, LineFact, Listing, ListingKey, OrderFact, OrderWindow, Quantity, Reading, Role,
    Shown, Sku, StoredCall, Traces, Writer, ZeroKept,
};
use jiff::Timestamp;

use crate::shops::Shops;
use crate::sim::ebay::{Ebay, EbaySpec, ListingSpec};
use crate::sim::etsy::{Standing, receipt_id};
use crate::sim::woocommerce::{WooCommerce as WooFace, consumer_secret};
use crate::sim::{Market, Rule, ShopHandle, State, Trouble};

/// One kind of channel on a fresh world of its own.
trait Kind {
    /// The platform's word for the right to read quantities, where there is a network.
    const RIGHT: &'static str = "";
    /// Whether a listing at 0 is out of sight by itself, and one that was ended comes back as another.
    const GONE_AT_ZERO: bool = false;
    /// Opens it with goods, as source or as target.
    fn open(role: Role, goods: &[(&str, i64)]) -> Self;
    /// The shops behind it; the channel is the first.
    fn shops(&self) -> &Shops;
    /// The shop in the market; a list is none.
    fn shop(&self) -> &ShopHandle {
        unreachable!("a kind that is no shop says itself what its owner does")
    }
    /// What a SKU really holds.
    fn holds(&self, sku: &str) -> i64 {
        self.shop().available(sku)
    }
    /// The owner writes a number.
    fn edit(&self, sku: &str, units: i64) {
        self.shop().owner_sets(sku, units);
    }
    /// The owner deletes a listing.
    fn delete(&self, sku: &str) {
        self.shop().delete(sku);
    }
    /// The number of a listing can no longer be read.
    fn spoil(&self, _: &str) {
        self.shop().market().trouble(Rule::always(Trouble::NoNumbers).reading());
    }
    /// The platform takes no number for a listing any more, though it is there.
    fn refuse(&self, sku: &str);
    /// Somebody buys; returns the order's number as the channel tells it.
    fn sell(&self, sku: &str, units: i64) -> String;
    /// An order is cancelled, and its units go back on the shelf or not.
    fn cancel(&self, order: &str, restock: bool);
    /// Whether buyers see a listing.
    fn visible(&self, _: &str) -> bool {
        true
    }
    /// The owner takes a listing out of sight.
    fn hide(&self, _: &str) {}
    /// What must never show, and whose line can be broken, where there is a network.
    fn network(&self) -> Option<(&'static str, &Market)> {
        None
    }

    fn channel(&self) -> Arc<dyn Channel> {
        self.shops().lanes[0].channel.clone()
    }
}

struct Csv(Shops);

impl Csv {
    fn rewrite(&self, sku: &str, row: Option<&str>) {
        let text = std::fs::read_to_string(self.0.path("list")).unwrap();
        let rows = text.lines().filter_map(|line| {
            let is_it = line.split(',').next() == Some(sku);
            if is_it { row.map(str::to_owned) } else { Some(line.to_owned()) }
        });
        std::fs::write(self.0.path("list"), rows.map(|row| row + "\n").collect::<String>()).unwrap();
    }
}

impl Kind for Csv {
    fn open(role: Role, goods: &[(&str, i64)]) -> Self {
        let mut shops = Shops::new();
        shops.csv("list", role, goods);
        Self(shops)
    }

    fn shops(&self) -> &Shops {
        &self.0
    }

    fn holds(&self, sku: &str) -> i64 {
        self.0.listed("list", sku)
    }

    fn edit(&self, sku: &str, units: i64) {
        self.rewrite(sku, Some(&format!("{sku},{units}")));
    }

    fn delete(&self, sku: &str) {
        self.rewrite(sku, None);
    }

    fn spoil(&self, sku: &str) {
        self.rewrite(sku, Some(&format!("{sku},many")));
    }

    fn refuse(&self, sku: &str) {
        self.rewrite(sku, Some(sku));
    }

    fn sell(&self, sku: &str, units: i64) -> String {
        let order = format!("{sku}-{units}");
        self.0.list_order("list", &order, sku, units, "open");
        order
    }

    fn cancel(&self, order: &str, restock: bool) {
        let (sku, units) = order.rsplit_once('-').unwrap();
        let status = if restock { "cancelled-restocked" } else { "cancelled" };
        self.0.list_order("list", order, sku, units.parse().unwrap(), status);
    }
}

struct Shopify(Shops, ShopHandle);

impl Kind for Shopify {
    const RIGHT: &'static str = "read_inventory";

    fn open(role: Role, goods: &[(&str, i64)]) -> Self {
        let mut shops = Shops::new();
        let shop = shops.shopify("shop", role, goods);
        Self(shops, shop)
    }

    fn shops(&self) -> &Shops {
        &self.0
    }

    fn shop(&self) -> &ShopHandle {
        &self.1
    }

    fn refuse(&self, sku: &str) {
        self.1.set_bundle(sku);
    }

    fn sell(&self, sku: &str, units: i64) -> String {
        let order = self.1.buy(sku, units).unwrap();
        self.0.market.world(|world| world.shop("shop").orders[&order].number.clone())
    }

    fn cancel(&self, order: &str, restock: bool) {
        let id = self.0.market.world(|world| {
            let orders = &world.shop("shop").orders;
            orders.iter().find(|(_, record)| record.number == order).map(|(id, _)| *id).unwrap()
        });
        self.1.cancel(id, restock);
    }

    fn visible(&self, sku: &str) -> bool {
        self.1.for_sale(sku)
    }

    fn hide(&self, sku: &str) {
        self.1.hide(sku, true);
    }

    fn network(&self) -> Option<(&'static str, &Market)> {
        Some(("shpat_shop", &self.0.market))
    }
}

struct WooCommerce(Shops, ShopHandle, &'static str);

impl Kind for WooCommerce {
    const RIGHT: &'static str = "products";

    fn open(role: Role, goods: &[(&str, i64)]) -> Self {
        let mut shops = Shops::new();
        let shop = shops.woocommerce("web", role, goods);
        Self(shops, shop, Box::leak(consumer_secret("web").into_boxed_str()))
    }

    fn shops(&self) -> &Shops {
        &self.0
    }

    fn shop(&self) -> &ShopHandle {
        &self.1
    }

    fn refuse(&self, sku: &str) {
        self.1.face(|face: &mut WooFace| face.refused.insert(sku.to_owned(), "plugin_says_no".to_owned()));
    }

    fn sell(&self, sku: &str, units: i64) -> String {
        self.1.buy(sku, units).unwrap().to_string()
    }

    fn cancel(&self, order: &str, restock: bool) {
        // A refund of the money alone puts nothing back.
        self.1.set_order_status(order.parse().unwrap(), if restock { "cancelled" } else { "refunded" });
    }

    fn visible(&self, sku: &str) -> bool {
        self.1.for_sale(sku)
    }

    fn hide(&self, sku: &str) {
        self.1.set_state(sku, State::Draft);
    }

    fn network(&self) -> Option<(&'static str, &Market)> {
        Some((self.2, &self.0.market))
    }
}

/// Every second listing was made through the Inventory API.
struct EbayKind(Shops, ShopHandle, &'static str);

impl Kind for EbayKind {
    const GONE_AT_ZERO: bool = true;

    fn open(role: Role, goods: &[(&str, i64)]) -> Self {
        let mut shops = Shops::new();
        let listing = |(nth, (sku, units)): (usize, &(&str, i64))| {
            let listing = ListingSpec::single(sku, *units);
            if nth % 2 == 1 { listing.inventory() } else { listing }
        };
        let listings = goods.iter().enumerate().map(listing);
        let shop = shops.ebay_of(role, &listings.fold(EbaySpec::new("bay", &[]), EbaySpec::with));
        let secret = shop.face(|face: &mut Ebay| face.keyset.secret.clone());
        Self(shops, shop, Box::leak(secret.into_boxed_str()))
    }

    fn shops(&self) -> &Shops {
        &self.0
    }

    fn shop(&self) -> &ShopHandle {
        &self.1
    }

    fn refuse(&self, sku: &str) {
        self.1.face(|face: &mut Ebay| face.distributed.insert(sku.to_owned()));
    }

    fn sell(&self, sku: &str, units: i64) -> String {
        let order = self.1.buy(sku, units).unwrap();
        self.1.order_number(order).unwrap()
    }

    fn cancel(&self, order: &str, restock: bool) {
        let ids: Vec<u64> = self.0.market.world(|world| world.shop("bay").orders.keys().copied().collect());
        let id = ids.into_iter().find(|id| self.1.order_number(*id).as_deref() == Some(order)).unwrap();
        self.1.cancel(id, restock);
    }

    fn visible(&self, sku: &str) -> bool {
        self.1.for_sale(sku)
    }

    fn hide(&self, sku: &str) {
        self.1.end_listing(sku);
    }

    fn network(&self) -> Option<(&'static str, &Market)> {
        Some((self.2, &self.0.market))
    }
}

struct EtsyKind(Shops, ShopHandle);

impl Kind for EtsyKind {
    const RIGHT: &'static str = "listings_r";

    fn open(role: Role, goods: &[(&str, i64)]) -> Self {
        let mut shops = Shops::new();
        let shop = shops.etsy("stall", role, goods);
        Self(shops, shop)
    }

    fn shops(&self) -> &Shops {
        &self.0
    }

    fn shop(&self) -> &ShopHandle {
        &self.1
    }

    fn refuse(&self, sku: &str) {
        self.1.owner_stands(sku, Standing::Draft);
    }

    fn sell(&self, sku: &str, units: i64) -> String {
        receipt_id(self.1.buy(sku, units).unwrap()).to_string()
    }

    fn cancel(&self, order: &str, restock: bool) {
        let ids: Vec<u64> = self.0.market.world(|world| world.shop("stall").orders.keys().copied().collect());
        let id = ids.into_iter().find(|id| receipt_id(*id).to_string() == order).unwrap();
        self.1.cancel(id, restock);
    }

    fn visible(&self, sku: &str) -> bool {
        self.1.for_sale(sku)
    }

    fn hide(&self, sku: &str) {
        self.1.owner_deactivates(sku);
    }

    fn network(&self) -> Option<(&'static str, &Market)> {
        Some(("secret-of-stall", &self.0.market))
    }
}

const GOODS: [(&str, i64); 4] = [("A", 10), ("B", 20), ("C", 30), ("D", 40)];

/// Trouble after which nobody knows whether a write was done.
const LOST: [Trouble; 6] = [
    Trouble::LostAfter,
    Trouble::CutBody,
    Trouble::BrokenJson,
    Trouble::StatusAfter(502),
    Trouble::Status(503),
    Trouble::HtmlPage,
];

/// Trouble of every sort.
fn trouble<K: Kind>() -> impl Iterator<Item = Trouble> {
    let others = [
        Trouble::Unreachable,
        Trouble::LostBefore,
        Trouble::TokenRefused,
        Trouble::Status(404),
        Trouble::Status(418),
        Trouble::TooMany { retry_after: Some(600) },
        Trouble::Denied(K::RIGHT),
        Trouble::NoNumbers,
    ];
    let others = others.into_iter().filter(|trouble| *trouble != Trouble::Denied(""));
    LOST.into_iter().chain(others)
}

/// Walks a list to its end.
async fn whole<T>(page: impl AsyncFn(Option<PageToken>) -> Result<Page<T>>) -> Result<Vec<T>> {
    let (mut items, mut token) = (Vec::new(), None);
    for _ in 0..100 {
        let page = page(token).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => token = Some(next),
            None => return Ok(items),
        }
    }
    panic!("the list never ends");
}

async fn listings(channel: &Arc<dyn Channel>) -> Result<Vec<Listing>> {
    whole(async |page| channel.listings(page).await).await
}

async fn orders(channel: &Arc<dyn Channel>, window: OrderWindow) -> Vec<OrderFact> {
    whole(async |page| channel.orders(&window, page).await).await.unwrap()
}

/// Returns the keys of SKUs.
async fn keys(channel: &Arc<dyn Channel>, skus: &[&str]) -> Vec<ListingKey> {
    let listings = listings(channel).await.unwrap();
    let of = |sku: &&str| listings.iter().find(|listing| listing.skus().next() == Sku::new(sku).as_ref()).unwrap();
    skus.iter().map(|sku| of(sku).key.clone()).collect()
}

fn update(key: &ListingKey, units: i64, expect: Option<i64>) -> Update {
    Update {
        key: key.clone(),
        quantity: Quantity::at_least_zero(units),
        shown: expect.map_or(Shown::Unknown, |level| Shown::Exactly(Level(level))),
        places: Vec::new(),
    }
}

fn adjustment(key: &ListingKey, before: i64, delta: i64) -> Adjustment {
    Adjustment {
        key: key.clone(),
        delta: Delta(delta),
        before: Level(before),
        counter: None,
        places: Vec::new(),
        hide: false,
    }
}

fn level(reading: &Reading) -> Option<i64> {
    match &reading.found {
        Found::Level { level, .. } => Some(level.0),
        Found::NoNumber | Found::Gone => None,
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done { .. })
}

/// Lets a platform catch up with what was written.
async fn settle<K: Kind>(world: &K) {
    let capability = world.channel().capability().clone();
    for span in [capability.lag, capability.order_delay, capability.still_running] {
        world.shops().pass(u64::try_from(span.as_secs()).unwrap() + 1).await;
    }
}

/// An error that leaves open whether a write was done, or nothing but unknown outcomes.
fn is_unknown(result: &Result<Vec<Outcome>>) -> bool {
    match result {
        Err(error) => error.may_have_landed(),
        Ok(outcomes) => outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unknown(_))),
    }
}

/// Sends a deduction again. Where only its traces are looked for, what left none after so long was not made, and goes
/// out anew.
async fn send_again(channel: &Arc<dyn Channel>, batch: &mut Vec<Adjustment>, call: &mut StoredCall) -> Vec<Outcome> {
    let outcomes = channel.adjust(call, Attempt::Again).await.unwrap();
    assert_eq!(outcomes.len(), batch.len(), "{outcomes:?}");
    let keys: Vec<ListingKey> = batch.iter().map(|adjustment| adjustment.key.clone()).collect();
    let now: Vec<_> = channel.levels(&keys).await.unwrap().iter().map(level).collect();
    let goal = channel.capability().exactly_once == ExactlyOnce::Goal;
    // Of a goal only the number tells, and here nobody else moves it.
    let left_none = |nth: usize, outcome: &Outcome| match outcome {
        Outcome::Stale if goal => now[nth] == Some(batch[nth].before.0),
        outcome => matches!(outcome, Outcome::Absent),
    };
    let traceless: Vec<_> = batch
        .iter()
        .zip(&outcomes)
        .enumerate()
        .filter(|(nth, (_, o))| left_none(*nth, o))
        .map(|(_, pair)| pair)
        .collect();
    if !traceless.is_empty() {
        let looks = matches!(channel.capability().exactly_once, ExactlyOnce::Marker | ExactlyOnce::Goal);
        assert!(looks, "{outcomes:?}");
        let left: Vec<Adjustment> = traceless.into_iter().map(|(adjustment, _)| adjustment.clone()).collect();
        let anew = channel.prepare(&left, &format!("{}-anew", call.key)).await.unwrap();
        assert!(channel.adjust(&anew, Attempt::First).await.unwrap().iter().all(is_done));
        (*batch, *call) = (left, anew);
    }
    outcomes
}

async fn it_reads_what_is_there<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let found = listings(&world.channel()).await.unwrap();
    let mut seen: Vec<(String, i64)> =
        found.iter().map(|listing| (listing.skus().next().unwrap().to_string(), listing.level.unwrap().0)).collect();
    seen.sort();
    assert_eq!(seen, GOODS.map(|(sku, units)| (sku.to_owned(), units)));
    assert!(
        found.iter().all(|listing| listing.unfit.is_none() && listing.managed && !listing.title().contains('\u{1b}'))
    );
}

// proves I1
async fn an_account_is_the_same_whoever_asks<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let account = world.channel().account().await.unwrap();
    assert_eq!(world.shops().connect(0).account().await.unwrap(), account);
    let page = world.channel().listings(None).await.unwrap();
    assert!(page.account.is_none_or(|told| told == account));
    assert!(!account.identity.is_empty() && !account.label.is_empty());
}

async fn order_and_length_are_kept<K: Kind>() {
    let world = K::open(Role::Target, &GOODS);
    let channel = world.channel();
    let mut keys = keys(&channel, &["D", "B", "A", "C"]).await;
    world.delete("B");
    keys.push(ListingKey::new("987654321"));
    let readings = channel.levels(&keys).await.unwrap();
    assert_eq!(readings.iter().map(|reading| &reading.key).collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>());
    assert_eq!(readings.iter().map(level).collect::<Vec<_>>(), [Some(40), None, Some(10), Some(30), None]);
    assert!([1, 4].iter().all(|nth| readings[*nth].found == Found::Gone));
    let batch: Vec<Update> = keys.iter().zip([7, 6, 5, 4, 3]).map(|(key, units)| update(key, units, None)).collect();
    let outcomes = channel.set(&batch, "batch").await.unwrap();
    assert_eq!(outcomes.len(), batch.len());
    assert!([1, 4].iter().all(|nth| matches!(outcomes[*nth], Outcome::Gone)), "{outcomes:?}");
    assert!(channel.levels(&[]).await.unwrap().is_empty());
    assert!(channel.set(&[], "none").await.unwrap().is_empty());
}

// proves P5
async fn a_missing_number_is_no_number<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["B"]).await;
    world.spoil("B");
    let readings = channel.levels(&keys).await.unwrap();
    assert_eq!(readings[0].found, Found::NoNumber);
    let listings = listings(&channel).await.unwrap();
    let listing = listings.iter().find(|listing| listing.key == keys[0]).unwrap();
    assert_eq!((listing.level, listing.places.as_slice()), (None, &[][..]));
}

// proves P5, F1: a list that breaks off is an error; one that recovers is whole.
async fn a_list_is_whole_or_an_error<K: Kind>() {
    let goods: Vec<(String, i64)> = (0..600).map(|nth| (format!("SKU-{nth}"), nth)).collect();
    let goods: Vec<(&str, i64)> = goods.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
    let world = K::open(Role::Source, &goods);
    let channel = world.channel();
    assert_eq!(listings(&channel).await.unwrap().len(), goods.len());
    let Some((_, market)) = world.network() else { return };
    for trouble in trouble::<K>().filter(|trouble| *trouble != Trouble::NoNumbers) {
        market.trouble(Rule::always(trouble.clone()).after(1));
        assert!(listings(&channel).await.is_err(), "{trouble:?}");
        market.peace();
    }
    for trouble in LOST {
        market.trouble(Rule::once(trouble.clone()).after(1));
        assert_eq!(listings(&channel).await.unwrap().len(), goods.len(), "{trouble:?}");
        market.peace();
    }
}

// proves F1, R1: without an answer nobody knows whether a write was done, and the channel says so.
async fn a_lost_answer_is_no_answer<K: Kind>() {
    for trouble in LOST {
        let world = K::open(Role::Source, &GOODS);
        let channel = world.channel();
        let keys = keys(&channel, &["A", "B"]).await;
        let Some((_, market)) = world.network() else { return };
        market.trouble(Rule::always(trouble.clone()).writing());
        let written = channel.set(&[update(&keys[0], 3, None)], "lost").await;
        // Unless it was looked at again, and is there.
        let seen = written.as_ref().is_ok_and(|outcomes| outcomes.iter().all(is_done)) && world.holds("A") == 3;
        assert!(is_unknown(&written) || seen, "{trouble:?}: {written:?}");
        let call = channel.prepare(&[adjustment(&keys[1], 20, -1)], "lost-too").await.unwrap();
        let adjusted = channel.adjust(&call, Attempt::First).await;
        assert!(is_unknown(&adjusted), "{trouble:?}: {adjusted:?}");
    }
}

// proves X1, X2, X4, X5: however often a deduction is sent again, and by whichever process, it is made once.
async fn a_deduction_is_made_once<K: Kind>() {
    let troubles = LOST.into_iter().map(Some).chain([None, Some(Trouble::LostBefore)]);
    for trouble in troubles {
        let world = K::open(Role::Source, &GOODS);
        let channel = world.channel();
        let keys = keys(&channel, &["A", "C"]).await;
        let mut batch = vec![adjustment(&keys[0], 10, -2), adjustment(&keys[1], 30, -5)];
        let mut call = channel.prepare(&batch, "deduction").await.unwrap();
        assert_eq!((world.holds("A"), world.holds("C")), (10, 30), "to prepare is to send nothing");
        if let (Some((_, market)), Some(trouble)) = (world.network(), trouble.clone()) {
            market.trouble(Rule::once(trouble).writing());
        }
        let first = channel.adjust(&call, Attempt::First).await;
        if let Ok(outcomes) = &first {
            assert_eq!(outcomes.len(), 2);
        }
        for process in [channel, world.shops().connect(0), world.shops().connect(0)] {
            settle(&world).await;
            let again = send_again(&process, &mut batch, &mut call).await;
            let held = (world.holds("A"), world.holds("C"));
            assert_eq!(held, (8, 25), "{trouble:?}: {again:?}");
        }
    }
}

// proves X1, F6: a call that is dropped at any moment leaves a deduction that is made or not, never half or twice.
async fn a_call_may_be_dropped_at_any_moment<K: Kind>() {
    for moment in (0..12).map(|nth| Duration::from_millis(50 * nth)) {
        let world = K::open(Role::Source, &GOODS);
        let channel = world.channel();
        let keys = keys(&channel, &["A", "B"]).await;
        let mut batch = vec![adjustment(&keys[0], 10, -2), adjustment(&keys[1], 20, -3)];
        let mut call = channel.prepare(&batch, "dropped").await.unwrap();
        if let Some((_, market)) = world.network() {
            market.set_latency(Duration::from_millis(200));
        }
        let _ = tokio::time::timeout(moment, channel.adjust(&call, Attempt::First)).await;
        settle(&world).await;
        send_again(&world.shops().connect(0), &mut batch, &mut call).await;
        assert_eq!((world.holds("A"), world.holds("B")), (8, 17), "dropped after {moment:?}");
    }
}

// proves X7: a number that is no longer the expected one is not written over.
async fn a_stale_number_is_not_written_over<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let channel = world.channel();
    if !channel.capability().compare_and_set {
        return;
    }
    let keys = keys(&channel, &["A", "B"]).await;
    world.edit("A", 7);
    let stale = channel.set(&[update(&keys[0], 3, Some(10))], "one").await.unwrap();
    assert!(matches!(stale.as_slice(), [Outcome::Stale]), "{stale:?}");
    let right = channel.set(&[update(&keys[0], 3, Some(7))], "two").await.unwrap();
    assert!(is_done(&right[0]), "{right:?}");
    let batch = [adjustment(&keys[0], 10, -2), adjustment(&keys[1], 20, -2)];
    let call = channel.prepare(&batch, "three").await.unwrap();
    let outcomes = channel.adjust(&call, Attempt::First).await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Stale), "{outcomes:?}");
    let b = if is_done(&outcomes[1]) { 18 } else { 20 };
    assert!(is_done(&outcomes[1]) || matches!(outcomes[1], Outcome::NotSent), "{outcomes:?}");
    assert_eq!((world.holds("A"), world.holds("B")), (3, b));
}

// proves Y6: each item has its own outcome; what was not sent because of another goes alone.
async fn one_bad_item_spoils_no_other<K: Kind>() {
    let world = K::open(Role::Target, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A", "B", "C", "D"]).await;
    world.refuse("B");
    world.delete("D");
    let mut left: Vec<usize> = vec![0, 1, 2, 3];
    for round in 0..4 {
        let batch: Vec<Update> = left.iter().map(|nth| update(&keys[*nth], 5, None)).collect();
        let outcomes = channel.set(&batch, &format!("round-{round}")).await.unwrap();
        assert_eq!(outcomes.len(), batch.len());
        let told = |nth: usize| left.iter().position(|other| *other == nth).map(|at| &outcomes[at]);
        assert!(
            told(1).is_none_or(|outcome| matches!(outcome, Outcome::Refused(_) | Outcome::NotSent)),
            "{outcomes:?}"
        );
        assert!(told(3).is_none_or(|outcome| matches!(outcome, Outcome::Gone | Outcome::NotSent)), "{outcomes:?}");
        assert!(outcomes.iter().any(|outcome| !matches!(outcome, Outcome::NotSent)), "no item is told: {outcomes:?}");
        for nth in [0, 2] {
            assert!(told(nth).is_none_or(|o| is_done(o) || matches!(o, Outcome::NotSent)), "{outcomes:?}");
        }
        let again = left.iter().zip(&outcomes).filter(|(_, outcome)| matches!(outcome, Outcome::NotSent));
        left = again.map(|(nth, _)| *nth).collect();
        if left.is_empty() {
            break;
        }
    }
    assert!(left.is_empty(), "never sent: {left:?}");
    assert_eq!((world.holds("A"), world.holds("C")), (5, 5));
}

// proves X8: to repeat a push does no harm.
async fn a_repeated_write_does_no_harm<K: Kind>() {
    let world = K::open(Role::Target, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A", "B"]).await;
    let least = i64::from(channel.capability().zero == ZeroKept::Never);
    let batch = [update(&keys[0], 3, None), update(&keys[1], least, None)];
    for key in ["same", "same", "fresh"] {
        let outcomes = channel.set(&batch, key).await.unwrap();
        assert!(outcomes.iter().all(is_done), "{outcomes:?}");
        assert_eq!((world.holds("A"), world.holds("B")), (3, least));
    }
    let read = channel.levels(&keys).await.unwrap();
    assert_eq!(read.iter().map(level).collect::<Vec<_>>(), [Some(3), Some(least)]);
}

// proves Y6: the largest batch that the channel says it takes, it takes.
async fn the_largest_batches_are_taken<K: Kind>() {
    let goods: Vec<(String, i64)> = (0..400).map(|nth| (format!("SKU-{nth}"), 10)).collect();
    let goods: Vec<(&str, i64)> = goods.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
    let world = K::open(Role::Source, &goods);
    let channel = world.channel();
    let all: Vec<ListingKey> = listings(&channel).await.unwrap().into_iter().map(|listing| listing.key).collect();
    let capability = channel.capability().clone();
    let some = |most: usize| &all[..most.min(all.len())];
    let read = channel.levels(some(capability.read_batch)).await.unwrap();
    assert!(read.iter().all(|reading| level(reading) == Some(10)));
    let batch: Vec<Adjustment> = some(capability.adjust_batch).iter().map(|key| adjustment(key, 10, -1)).collect();
    let call = channel.prepare(&batch, "adjust").await.unwrap();
    let outcomes = channel.adjust(&call, Attempt::First).await.unwrap();
    assert!(outcomes.len() == batch.len() && outcomes.iter().all(is_done));
    let batch: Vec<Update> = some(capability.set_batch).iter().map(|key| update(key, 4, None)).collect();
    let outcomes = channel.set(&batch, "set").await.unwrap();
    assert!(outcomes.len() == batch.len() && outcomes.iter().all(is_done));
}

// proves Y3: what changed since a moment of the channel's clock is seen, once its lists have caught up.
async fn what_changed_is_seen<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A", "C"]).await;
    if !channel.capability().reads_changes {
        let error = channel.changed(Timestamp::UNIX_EPOCH, None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        return;
    }
    settle(&world).await;
    channel.account().await.unwrap();
    channel.levels(&keys).await.unwrap();
    let since = channel.clock().unwrap();
    world.edit("A", 4);
    channel.set(&[update(&keys[1], 9, None)], "ours").await.unwrap();
    settle(&world).await;
    let changed = whole(async |page| channel.changed(since, page).await).await.unwrap();
    for (key, units) in [(&keys[0], 4), (&keys[1], 9)] {
        let reading = changed.iter().find(|reading| reading.key == *key).expect("the change is listed");
        assert!(reading.found == Found::NoNumber || level(reading) == Some(units), "{reading:?}");
    }
    assert!(changed.len() < GOODS.len(), "what did not change is not read: {changed:?}");
}

async fn line<K: Kind>(world: &K, order: &str, since: Timestamp) -> LineFact {
    settle(world).await;
    let orders = orders(&world.channel(), OrderWindow::ChangedSince(since)).await;
    let fact = orders.into_iter().find(|fact| fact.order == order).expect("the order is listed");
    assert!(since <= fact.placed && fact.placed <= fact.changed, "{fact:?}");
    fact.lines.into_iter().next().unwrap()
}

// proves W2, W3: an order tells what the platform holds off its stock, and what came back, under a key that lasts.
async fn orders_tell_what_is_taken_and_what_came_back<K: Kind>() {
    let world = K::open(Role::Target, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A"]).await;
    if !channel.capability().orders {
        let error = channel.orders(&OrderWindow::Unfinished, None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        return;
    }
    let since = channel.clock().unwrap_or_else(|| world.shops().market.now());
    let since = Timestamp::from_second(since.as_second()).unwrap();
    for (units, restock) in [(2, true), (3, false)] {
        let order = world.sell("A", units);
        let open = line(&world, &order, since).await;
        assert_eq!((open.taken, open.cancelled, open.shipped), (units, 0, false));
        assert!(open.sku == Sku::new("A") || open.listings.contains(&keys[0]), "{open:?}");
        let unfinished = orders(&channel, OrderWindow::Unfinished).await;
        assert!(unfinished.iter().any(|fact| fact.order == order), "{unfinished:?}");
        world.cancel(&order, restock);
        let cancelled = line(&world, &order, since).await;
        assert_eq!(cancelled.key, open.key, "a line's key lasts");
        let held = cancelled.taken - cancelled.cancelled;
        match (restock, channel.capability().tells_restock) {
            (true, _) => assert!(cancelled.taken == 0 || held == 0, "{cancelled:?}"),
            (false, true) => assert_eq!((cancelled.taken, cancelled.cancelled), (units, 0), "{cancelled:?}"),
            (false, false) => assert_eq!((cancelled.taken, cancelled.cancelled), (units, units), "{cancelled:?}"),
        }
        let unfinished = orders(&channel, OrderWindow::Unfinished).await;
        assert!(!unfinished.iter().any(|fact| fact.order == order), "{unfinished:?}");
    }
}

// proves Y1: the clock is the one that the platform's Date header shows.
async fn the_clock_is_the_platforms<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let channel = world.channel();
    assert_eq!(channel.clock(), None, "before the first answer nothing is known");
    listings(&channel).await.unwrap();
    let Some((_, market)) = world.network() else {
        assert_eq!(channel.clock(), None);
        return;
    };
    let off = |market: &Market| channel.clock().unwrap().duration_since(market.now()).as_secs();
    assert!(off(market).abs() <= 1);
    let hours = jiff::SignedDuration::from_hours(3);
    market.trouble(Rule::always(Trouble::WrongClock(hours)));
    listings(&channel).await.unwrap();
    assert!((off(market) - hours.as_secs()).abs() <= 1, "it says what the header says");
}

/// Everything that a channel can be asked for, and what it said where it failed.
async fn everything(channel: &Arc<dyn Channel>, keys: &[ListingKey]) -> Vec<ChannelError> {
    let mut errors = Vec::new();
    let mut note = |error: Option<ChannelError>| errors.extend(error);
    note(channel.account().await.err());
    note(channel.listings(None).await.err());
    note(channel.levels(keys).await.err());
    note(channel.changed(Timestamp::UNIX_EPOCH, None).await.err());
    note(channel.orders(&OrderWindow::Unfinished, None).await.err());
    note(channel.standing(&keys[0]).await.err());
    note(channel.probe().await.err());
    note(channel.set(&[update(&keys[0], 1, None)], "k").await.err());
    match channel.prepare(&[adjustment(&keys[0], 10, -1)], "k").await {
        Ok(call) => note(channel.adjust(&call, Attempt::First).await.err()),
        Err(error) => note(Some(error)),
    }
    errors
}

// What went wrong is told without the secret, fit for a terminal, and naming what was being done.
async fn errors_are_told_without_secrets<K: Kind>() {
    let world = K::open(Role::Target, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A"]).await;
    let Some((secret, market)) = world.network() else { return };
    for trouble in trouble::<K>() {
        market.trouble(Rule::always(trouble.clone()));
        for error in everything(&world.shops().connect(0), &keys).await {
            let told = format!("{error} {error:?}");
            assert!(!told.contains(secret), "{trouble:?}: {told}");
            assert!(!told.chars().any(char::is_control), "{trouble:?}: {told:?}");
            assert!(
                !error.operation.is_empty() && !error.message.is_empty() && !error.message.ends_with('.'),
                "{told}"
            );
        }
        market.peace();
    }
}

// proves F4: a refused token stops the lane, with the words that mend it.
async fn a_refused_token_says_what_mends_it<K: Kind>() {
    let world = K::open(Role::Target, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A"]).await;
    let Some((_, market)) = world.network() else { return };
    market.trouble(Rule::always(Trouble::TokenRefused));
    let error = channel.levels(&keys).await.unwrap_err();
    assert!(error.stops_lane() && error.next.is_some() && !error.may_have_landed(), "{error:?}");
}

// proves X8, Z1: what is hidden or ended is brought back as it was, and what the owner hid stays hidden.
async fn what_was_hidden_comes_back_as_it_was<K: Kind>() {
    let world = K::open(Role::Target, &[("A", 0), ("B", 0), ("C", 5)]);
    let channel = world.channel();
    let keys = keys(&channel, &["A", "B"]).await;
    let capability = channel.capability().clone();
    if !capability.hides {
        let act = Showing::Hide { former: String::new() };
        let refused = channel.show(&keys[0], &act).await;
        assert!(refused.is_err_and(|error| error.kind == ErrorKind::Unsupported));
        return;
    }
    world.hide("B");
    let standing = async |nth: usize| channel.standing(&keys[nth]).await.unwrap();
    let standings = [standing(0).await.unwrap(), standing(1).await.unwrap()];
    assert_eq!((standings[0].live, standings[1].live), (true, false));
    let former = |nth: usize| standings[nth].former.clone();
    let away = [Showing::Hide { former: former(0) }, Showing::End { former: former(0) }];
    for act in away.into_iter().take(1 + usize::from(capability.ends)) {
        let outcome = channel.show(&keys[0], &act).await.unwrap();
        assert!(is_done(&outcome), "{act:?}: {outcome:?}");
        if K::GONE_AT_ZERO && matches!(act, Showing::Hide { .. }) {
            continue;
        }
        assert!(!world.visible("A"), "{act:?}");
        if K::GONE_AT_ZERO {
            return;
        }
        assert!(!standing(0).await.unwrap().live, "{act:?}");
        let back = Showing::Show { former: former(0) };
        assert!(is_done(&channel.show(&keys[0], &back).await.unwrap()), "after {act:?}");
        assert!(world.visible("A"), "after {act:?}");
        assert_eq!(standing(0).await.as_ref(), Some(&standings[0]), "after {act:?}");
    }
    channel.show(&keys[1], &Showing::Hide { former: former(1) }).await.unwrap();
    channel.show(&keys[1], &Showing::Show { former: former(1) }).await.unwrap();
    assert!(!world.visible("B"), "the owner hid it");
    world.delete("A");
    assert_eq!(standing(0).await, None);
}

async fn a_probe_tells_and_never_panics<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let channel = world.channel();
    let check = |probes: Vec<eys::channel::Probe>| {
        for probe in probes {
            assert!(
                !probe.code.is_empty() && probe.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{probe:?}"
            );
            assert!(!probe.message.is_empty() && !probe.message.chars().any(char::is_control), "{probe:?}");
            assert!(!world.network().is_some_and(|(secret, _)| format!("{probe:?}").contains(secret)), "{probe:?}");
        }
    };
    let probes = channel.probe().await.unwrap();
    assert!(!probes.is_empty());
    check(probes);
    world.spoil("A");
    world.delete("B");
    check(channel.probe().await.unwrap_or_default());
    let Some((_, market)) = world.network() else { return };
    for trouble in trouble::<K>() {
        for rule in [Rule::always(trouble.clone()), Rule::once(trouble.clone()), Rule::once(trouble).after(1)] {
            market.trouble(rule);
            check(channel.probe().await.unwrap_or_default());
            market.peace();
        }
    }
}

// proves W6: where stock can go below zero, a deduction takes it there.
async fn stock_goes_below_zero_where_it_can<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A"]).await;
    if channel.capability().below_zero {
        let call = channel.prepare(&[adjustment(&keys[0], 10, -12)], "deep").await.unwrap();
        let outcomes = channel.adjust(&call, Attempt::First).await.unwrap();
        assert!(is_done(&outcomes[0]), "{outcomes:?}");
        assert_eq!(world.holds("A"), -2);
        assert_eq!(channel.levels(&keys).await.unwrap().iter().map(level).collect::<Vec<_>>(), [Some(-2)]);
    }
}

// proves I2, X7: a state that writes to a source leaves its trace there, and another one finds it.
async fn a_state_leaves_its_trace<K: Kind>() {
    let world = K::open(Role::Source, &GOODS);
    let channel = world.channel();
    let keys = keys(&channel, &["A", "B"]).await;
    let writer = |counter| Writer { state: "state-1".to_owned(), counter };
    let other = world.shops().connect(0);
    let writers = async |keys: &[ListingKey]| {
        let traces = other.traces(keys).await.unwrap();
        traces.into_iter().map(|trace| trace.map(|trace| trace.writer)).collect::<Vec<_>>()
    };
    match channel.capability().traces {
        Traces::Nowhere => {
            assert!(channel.traces(&keys).await.is_err_and(|error| error.kind == ErrorKind::Unsupported));
            assert!(channel.leave(&writer(1), None).await.is_err_and(|error| error.kind == ErrorKind::Unsupported));
        }
        Traces::Listing => {
            assert_eq!(writers(&keys).await, [None, None]);
            let key = writer(7).key("deduction");
            let call = channel.prepare(&[adjustment(&keys[1], 20, -1)], &key).await.unwrap();
            assert!(is_done(&channel.adjust(&call, Attempt::First).await.unwrap()[0]));
            assert_eq!(writers(&keys).await, [None, Some(writer(7))]);
            assert_eq!(other.traces(&keys[1..]).await.unwrap()[0].as_ref().unwrap().call, Some(call.key));
        }
        Traces::Account => {
            assert_eq!(writers(&[]).await, [None]);
            assert!(is_done(&channel.leave(&writer(1), None).await.unwrap()));
            let found = other.traces(&[]).await.unwrap().remove(0);
            assert_eq!(found.as_ref().map(|trace| trace.writer.clone()), Some(writer(1)));
            assert!(is_done(&other.leave(&writer(2), found.as_ref()).await.unwrap()));
            for seen in [None, found.as_ref()] {
                assert!(matches!(channel.leave(&writer(3), seen).await, Ok(Outcome::Stale)), "somebody left one since");
            }
            assert_eq!(writers(&[]).await, [Some(writer(2))]);
        }
    }
}

/// Runs the contract for a kind.
macro_rules! keeps_the_contract {
    ($kind:ident, $world:ty) => {
        mod $kind {
            keeps_the_contract!(@each $world:
                it_reads_what_is_there,
                an_account_is_the_same_whoever_asks,
                order_and_length_are_kept,
                a_missing_number_is_no_number,
                a_list_is_whole_or_an_error,
                a_lost_answer_is_no_answer,
                a_deduction_is_made_once,
                a_call_may_be_dropped_at_any_moment,
                a_stale_number_is_not_written_over,
                one_bad_item_spoils_no_other,
                a_repeated_write_does_no_harm,
                the_largest_batches_are_taken,
                what_changed_is_seen,
                orders_tell_what_is_taken_and_what_came_back,
                the_clock_is_the_platforms,
                errors_are_told_without_secrets,
                a_refused_token_says_what_mends_it,
                what_was_hidden_comes_back_as_it_was,
                a_probe_tells_and_never_panics,
                stock_goes_below_zero_where_it_can,
                a_state_leaves_its_trace,
            );
        }
    };
    (@each $world:ty: $($test:ident,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $test() {
                super::$test::<$world>().await;
            }
        )*
    };
}

keeps_the_contract!(csv, super::Csv);
keeps_the_contract!(ebay, super::EbayKind);
keeps_the_contract!(etsy, super::EtsyKind);
keeps_the_contract!(shopify, super::Shopify);
keeps_the_contract!(woocommerce, super::WooCommerce);
