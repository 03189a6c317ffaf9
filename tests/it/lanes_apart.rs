//! Channels are lanes: one that stalls costs the others no cycle (P7).

use std::collections::BTreeMap;
use std::time::Duration;

use eys::domain::Role;
use eys::engine::{LaneEnd, Options};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::shops::Shops;
use crate::sim::{Rule, Trouble};

const PACE: Duration = Duration::from_mins(1);
const STALL: Duration = Duration::from_mins(10);

/// Runs a loop for ten minutes, in which a target answers nothing or all is well; returns how many cycles each lane
/// completed, and what is left of the mugs that were sold one by one on another target.
async fn looped(stalled: bool) -> (BTreeMap<String, usize>, [i64; 3]) {
    let goods = [("MUG", 20), ("BOWL", 20)];
    let mut shops = Shops::new();
    let source = shops.shopify("shop", Role::Source, &goods);
    shops.shopify("outlet", Role::Target, &goods);
    let web = shops.woocommerce("web", Role::Target, &goods);
    shops.csv("list", Role::Target, &goods);
    shops.market.set_latency(Duration::from_millis(200));
    shops.start().await;
    shops.rest().await;
    if stalled {
        shops.market.trouble(Rule::always(Trouble::SlowAnswer(Duration::from_hours(1))).at("outlet"));
    }
    let mut engine = shops.engine();
    let (mut complete, stop) = (BTreeMap::<String, usize>::new(), CancellationToken::new());
    let until = Instant::now() + STALL;
    while Instant::now() < until {
        let begun = Instant::now();
        web.buy("MUG", 1).unwrap();
        let report = engine.cycle(&mut shops.store, &Options::default(), &stop).await.unwrap();
        for lane in report.lanes.iter().filter(|lane| matches!(lane.end, LaneEnd::Complete)) {
            *complete.entry(lane.channel.to_string()).or_default() += 1;
        }
        sleep_until(begun + PACE).await;
    }
    (complete, [source.available("MUG"), web.available("MUG"), shops.listed("list", "MUG")])
}

// proves P7: while a target answers nothing for ten minutes, the other lanes complete as many cycles as without that, and
// their sales are settled and shown as ever.
#[tokio::test(start_paused = true)]
async fn a_lane_that_stalls_costs_the_others_no_cycle() {
    let (well, left) = looped(false).await;
    let (mut stalled, left_then) = looped(true).await;
    assert_eq!(well.values().copied().collect::<Vec<_>>(), [10; 4], "{well:?}");
    assert_eq!(stalled.remove("outlet"), None);
    assert_eq!(stalled, well.into_iter().filter(|(name, _)| name != "outlet").collect());
    assert_eq!((left, left_then), ([10; 3], [10; 3]));
}
