//! The power goes at each write of a run that takes sales off the source, one after the other; what is on disk is what the
//! next process finds.

use std::time::Duration;

use eys::domain::Role;
use eys::engine::Options;
use eys::store::Store;
use tokio_util::sync::CancellationToken;

use super::disk::Disk;
use crate::ebay_again::{ended_in, following, put_up};
use crate::shops::Shops;
use crate::sim::ebay::{EbaySpec, ListingSpec};
use crate::sim::{Dice, ShopHandle};

/// Opens a source and an outlet that has just sold two of its ten, with the state on a disk.
async fn two_sold(source: impl Fn(&mut Shops) -> ShopHandle, disk: &Disk) -> (Shops, ShopHandle, ShopHandle) {
    let mut shops = Shops::new();
    shops.store = disk.open().unwrap();
    let source = source(&mut shops);
    let outlet = shops.shopify("outlet", Role::Target, &[("MUG", 10)]);
    shops.start().await;
    outlet.buy("MUG", 2).unwrap();
    shops.pass(120).await;
    shops.market.set_latency(Duration::from_millis(150));
    (shops, source, outlet)
}

/// Makes a run whose power goes after so many writes, and brings the power back; tells whether the run came to its end.
async fn cut_after(shops: &mut Shops, disk: &Disk, steps: u32, dice: &mut Dice) -> bool {
    let mut engine = shops.engine();
    disk.fail_power_after(steps);
    let (options, stop) = (Options::default(), CancellationToken::new());
    let end = tokio::time::timeout(Duration::from_mins(5), engine.cycle(&mut shops.store, &options, &stop)).await;
    drop(engine);
    disk.cut();
    shops.store = Store::in_memory().unwrap();
    disk.recover(dice);
    shops.store = disk.open().unwrap();
    shops.connect_anew();
    matches!(end, Ok(Ok(_)))
}

/// Lets the power go at the n-th write of a run, for each n; returns how many writes a run has, and how often the owner
/// had to say what happened.
async fn cut_at_each_write(source: impl Fn(&mut Shops) -> ShopHandle) -> (u32, u32) {
    let (mut dice, mut asked) = (Dice::new(11), 0);
    for steps in 0.. {
        let disk = Disk::new();
        let (mut shops, source, outlet) = two_sold(&source, &disk).await;
        let began = shops.market.now();
        let ended = cut_after(&mut shops, &disk, steps, &mut dice).await;
        let asks = shops.ends_with(began, 8, &format!("cut at write {steps}"), (&source, &outlet)).await;
        asked += u32::from(asks);
        shops.store = Store::in_memory().unwrap();
        disk.scrap();
        if ended {
            return (steps, asked);
        }
    }
    unreachable!("a run ends")
}

// proves F6, X1, X3, X6, P1: wherever the power goes in a run on a source that takes absolute numbers alone, each sale is
// taken off once, or its owner is asked; nothing is offered that is sold.
#[tokio::test(start_paused = true)]
async fn a_deduction_is_made_once_wherever_the_power_goes() {
    let ebay = |listing: fn() -> ListingSpec| {
        move |shops: &mut Shops| shops.ebay_of(Role::Source, &EbaySpec::new("source", &[]).with(listing()))
    };
    let classic = cut_at_each_write(ebay(|| ListingSpec::single("MUG", 10))).await;
    let inventory = cut_at_each_write(ebay(|| ListingSpec::single("MUG", 10).inventory())).await;
    let etsy = cut_at_each_write(|shops: &mut Shops| shops.etsy("source", Role::Source, &[("MUG", 10)])).await;
    println!("writes of a run, and how often its owner is asked: eBay {classic:?}, {inventory:?}, Etsy {etsy:?}");
    for (writes, asked) in [classic, inventory, etsy] {
        assert!(20 < writes && asked * 4 <= writes, "{writes} writes, asked {asked} times");
    }
}

// proves F6, X8, Z4, Z1: wherever the power goes in a run that puts up again what was ended at eBay, it is put up once, and
// follows.
#[tokio::test(start_paused = true)]
async fn what_was_ended_is_put_up_once_wherever_the_power_goes() {
    for inventory in [false, true] {
        let mut dice = Dice::new(11);
        for steps in 0.. {
            let about = format!("cut at write {steps}, Inventory model: {inventory}");
            let disk = Disk::new();
            let mut shops = Shops::new();
            shops.store = disk.open().unwrap();
            let (mut shops, source, bay) = ended_in(shops, inventory).await;
            source.owner_sets("MUG", 6);
            shops.pass(120).await;
            shops.market.set_latency(Duration::from_millis(150));
            let ended = cut_after(&mut shops, &disk, steps, &mut dice).await;
            shops.until_rest().await;
            assert_eq!((put_up(&shops), following(&shops)), (1, vec![bay.item_id("MUG")]), "{about}");
            assert_eq!((source.available("MUG"), bay.available("MUG")), (6, 6), "{about}");
            shops.store = Store::in_memory().unwrap();
            disk.scrap();
            if ended {
                break;
            }
        }
    }
}
