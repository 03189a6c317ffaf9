//! A platform that counts the calls of a day: what can wait gives way before they are used up (Y4).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use eys::channel::{
    Account, Adjustment, Attempt, Channel, Mend, Outcome, Page, PageToken, Probe, Result, Showing, Standing, Update,
};
use eys::domain::quota::Quota;
use eys::domain::{Capability, Listing, ListingKey, OrderFact, OrderWindow, Reading, Role, StoredCall, Trace, Writer};
use eys::engine::{PushEnd, Report};
use jiff::{SignedDuration, Timestamp};

use crate::shops::{Shops, name, troubles};
use crate::sim::{Rule, ShopHandle, Trouble};

/// A channel whose platform tells of a quota.
struct Counted {
    channel: Arc<dyn Channel>,
    told: Arc<Mutex<Option<Quota>>>,
}

#[async_trait]
impl Channel for Counted {
    fn capability(&self) -> &Capability {
        self.channel.capability()
    }
    fn clock(&self) -> Option<Timestamp> {
        self.channel.clock()
    }
    fn quota(&self) -> Option<Quota> {
        *self.told.lock().unwrap()
    }
    async fn account(&self) -> Result<Account> {
        self.channel.account().await
    }
    async fn listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        self.channel.listings(page).await
    }
    async fn changed(&self, since: Timestamp, page: Option<PageToken>) -> Result<Page<Reading>> {
        self.channel.changed(since, page).await
    }
    async fn levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        self.channel.levels(keys).await
    }
    async fn orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        self.channel.orders(window, page).await
    }
    async fn set(&self, batch: &[Update], key: &str) -> Result<Vec<Outcome>> {
        self.channel.set(batch, key).await
    }
    async fn traces(&self, keys: &[ListingKey]) -> Result<Vec<Option<Trace>>> {
        self.channel.traces(keys).await
    }
    async fn leave(&self, ours: &Writer, found: Option<&Trace>) -> Result<Outcome> {
        self.channel.leave(ours, found).await
    }
    async fn prepare(&self, batch: &[Adjustment], key: &str) -> Result<StoredCall> {
        self.channel.prepare(batch, key).await
    }
    async fn adjust(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>> {
        self.channel.adjust(call, attempt).await
    }
    async fn standing(&self, key: &ListingKey) -> Result<Option<Standing>> {
        self.channel.standing(key).await
    }
    async fn show(&self, key: &ListingKey, act: &Showing) -> Result<Outcome> {
        self.channel.show(key, act).await
    }
    async fn probe(&self) -> Result<Vec<Probe>> {
        self.channel.probe().await
    }
    async fn mend(&self, mend: &Mend) -> Result<Outcome> {
        self.channel.mend(mend).await
    }
}

struct Day {
    shops: Shops,
    source: ShopHandle,
    outlet: ShopHandle,
    told: Arc<Mutex<Option<Quota>>>,
}

impl Day {
    async fn begin() -> Self {
        let mut shops = Shops::new();
        let goods = [("MUG", 10), ("BOWL", 10), ("LAST", 1)];
        let source = shops.shopify("shop", Role::Source, &goods);
        let outlet = shops.shopify("outlet", Role::Target, &goods);
        shops.start().await;
        let told = Arc::default();
        let mut day = Self { shops, source, outlet, told };
        day.next_process();
        day.run(120).await;
        day
    }

    /// Builds the channel anew: it knows nothing of what the platform told the one before.
    fn next_process(&mut self) {
        self.told = Arc::default();
        let channel = self.shops.connect(1);
        self.shops.lane("outlet").channel = Arc::new(Counted { channel, told: self.told.clone() });
    }

    /// Lets the platform tell that so much of a thousand calls is left, for so many hours.
    fn tell(&self, left: u64, hours: i64) {
        let refills = self.shops.market.now() + SignedDuration::from_hours(hours);
        *self.told.lock().unwrap() = Some(Quota { most: 1000, left, refills });
    }

    async fn run(&mut self, seconds: u64) -> Report {
        self.shops.pass(seconds).await;
        self.shops.market.forget_calls();
        self.shops.sync().await
    }

    fn asked(&self, operation: &str) -> usize {
        self.outlet.calls().iter().filter(|call| call.operation == operation).count()
    }
}

// proves Y4: full readings give way first, daily and in turn; they are made up for when the quota is full again.
#[tokio::test(start_paused = true)]
async fn full_readings_give_way_first() {
    let mut day = Day::begin().await;
    day.tell(499, 30);
    day.source.owner_sets("MUG", 12);
    let report = day.run(2 * 3600).await;
    assert_eq!((day.outlet.available("MUG"), day.asked("EysLevels")), (12, 0), "{:?}", day.outlet.calls());
    let told = &troubles(&report)[..];
    let [told] = told else { panic!("{told:?}") };
    assert!(told.starts_with("quota: the 1000 calls") && told.contains("it is not read in full until 2026-"), "{told}");
    let report = day.run(24 * 3600).await;
    assert_eq!((day.asked("EysCatalogue"), report.exit()), (0, 3));
    let report = day.run(5 * 3600).await;
    assert_eq!((day.asked("EysCatalogue"), report.exit()), (1, 0), "{:?}", troubles(&report));
}

// proves Y4, P2: then raises, which say until when they wait; what is sold is lowered all the same.
#[tokio::test(start_paused = true)]
async fn then_raises_wait_and_lowerings_do_not() {
    let mut day = Day::begin().await;
    day.tell(249, 6);
    day.source.owner_sets("MUG", 12);
    day.source.buy("BOWL", 4).unwrap();
    let report = day.run(900).await;
    assert_eq!((day.outlet.available("MUG"), day.outlet.available("BOWL")), (10, 6));
    let waits = report.pushes.iter().find(|push| push.sku.as_ref().is_some_and(|sku| sku.as_str() == "MUG")).unwrap();
    assert!(matches!(&waits.end, PushEnd::Pending(why) if why.contains("nothing is raised until 2026-")), "{waits:?}");
    assert!(troubles(&report).iter().any(|told| told.contains("nothing is raised until 2026-")), "{report:?}");
    day.run(6 * 3600).await;
    assert_eq!(day.outlet.available("MUG"), 12);
}

// proves Y4: then the pace: what is left lasts to the refill, and the next process knows of it.
#[tokio::test(start_paused = true)]
async fn then_orders_are_read_less_often() {
    let mut day = Day::begin().await;
    day.tell(48, 6);
    day.run(60).await;
    day.next_process();
    let mut read = 0;
    for nth in 0..60 {
        if nth == 30 {
            day.source.buy("BOWL", 4).unwrap();
        }
        day.run(60).await;
        read += day.asked("EysOrders");
        assert!(nth != 30 || day.outlet.available("BOWL") == 6, "it is lowered at once");
        day.tell(48, 6);
    }
    assert_eq!(read, 2, "every half hour");
}

// proves Y4, X1: while the source is left alone to spare its quota, what is not confirmed there costs no call either, since
// nothing would come of it; then it is found out, once.
#[tokio::test(start_paused = true)]
async fn what_is_not_confirmed_waits_while_the_source_is_left_alone() {
    for ebay in [false, true] {
        let mut shops = Shops::new();
        let goods = [("MUG", 10)];
        let source =
            if ebay { shops.ebay("shop", Role::Source, &goods) } else { shops.shopify("shop", Role::Source, &goods) };
        let outlet = shops.shopify("outlet", Role::Target, &goods);
        shops.start().await;
        let told = Arc::new(Mutex::new(None));
        let channel = shops.connect(0);
        shops.lane("shop").channel = Arc::new(Counted { channel, told: told.clone() });
        let tell = |shops: &Shops, left| {
            let refills = shops.market.now() + SignedDuration::from_hours(2);
            *told.lock().unwrap() = Some(Quota { most: 1000, left, refills });
        };
        outlet.buy("MUG", 2).unwrap();
        shops.pass(600).await;
        tell(&shops, 100);
        // What eBay did all the same would be found out in the same run; what is still under way is not.
        let under_way = Trouble::Slow(Duration::from_secs(100));
        for (operation, trouble) in [("EysAdjust", Trouble::LostAfter), ("ReviseInventoryStatus", under_way)] {
            shops.market.trouble(Rule::always(trouble).at("shop").on(operation));
        }
        shops.sync().await;
        shops.market.peace();
        assert_eq!(shops.store.read(|tx| tx.unfinished_calls(&name("shop"))).unwrap().len(), 1, "ebay {ebay}");
        shops.pass(60).await;
        shops.market.forget_calls();
        shops.sync().await;
        let asked = source.calls().into_iter().filter(|call| call.operation != "EysTrace").count();
        assert_eq!(asked, 0, "ebay {ebay}: {:?}", source.calls());
        tell(&shops, 1000);
        shops.rest().await;
        assert_eq!((source.available("MUG"), outlet.available("MUG")), (8, 8), "ebay {ebay}");
    }
}

// proves Y1: this machine's clock decides nothing, not even in a process that has not heard the channel's yet: all orders are
// read, and what is left of a quota is not taken for little.
#[tokio::test(start_paused = true)]
async fn a_wrong_clock_leaves_no_order_unread() {
    for wrong in [-90_000, -600, 600, 90_000] {
        let mut shops = Shops::new();
        let source = shops.shopify("shop", Role::Source, &[("MUG", 10)]);
        let bay = shops.ebay("bay", Role::Target, &[("MUG", 10)]);
        let stall = shops.etsy("stall", Role::Target, &[("MUG", 10)]);
        shops.start().await;
        shops.sync().await;
        for clock in [wrong, 0, wrong] {
            bay.buy("MUG", 1).unwrap();
            stall.buy("MUG", 1).unwrap();
            shops.pass(1200).await;
            shops.set_clock(clock);
            shops.connect_anew();
            let report = shops.sync().await;
            assert_eq!(troubles(&report), Vec::<String>::new(), "{wrong} seconds");
        }
        assert_eq!(source.available("MUG"), 4, "{wrong} seconds");
    }
}

// proves Y1, Y4: where this machine's clock jumps back a day, nothing waits for a refill that is over.
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_waits_for_no_refill() {
    let mut day = Day::begin().await;
    day.tell(48, 6);
    day.run(60).await;
    day.shops.set_clock(-24 * 3600);
    day.next_process();
    day.shops.market.trouble(Rule::always(Trouble::Status(503)).at("outlet").on("EysOrders"));
    day.run(60).await;
    day.shops.market.peace();
    for _ in 0..3 {
        day.next_process();
        let report = day.run(25 * 3600 / 3).await;
        assert!(day.asked("EysOrders") > 0, "{:?}", troubles(&report));
    }
}
