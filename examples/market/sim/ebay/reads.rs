//! What Trading shows of listings (3, 4.1, 4.2): the list of what is on sale, what changed, and one listing by its number.
//!
//! A quantity is a total: what buyers can have, and all that was sold under this number. Lists trail behind the records
//! by the account's lag, in their numbers too; what is read by its number never does.

use std::time::Duration;

use jiff::Timestamp;

use super::listings::{Grave, Listing, Row, Tracking, is_single};
use super::purchases::drift;
use super::trading::{Fault, Said, Traded};
use super::xml::Node;
use super::{Ebay, moment, time};
use crate::sim::{State, Trouble, World};

/// The most listings of a page (4.1).
pub(super) const LARGEST: usize = 200;

/// How long a listing runs until it is renewed by itself.
const RUNS: Duration = Duration::from_hours(30 * 24);

/// The longest window of changes that is looked at; more than that is left out without a word [?].
const WINDOW: Duration = Duration::from_hours(48);

/// A listing as it is to be shown.
struct Shown<'a> {
    listing: &'a Listing,
    title: &'a str,
    single: bool,
    rows: Vec<Row>,
    /// The number after this one.
    next: Option<u64>,
}

impl<'a> Shown<'a> {
    fn of_grave(grave: &'a Grave) -> Self {
        let (listing, title, single) = (&grave.listing, grave.title.as_str(), grave.single);
        Self { listing, title, single, rows: grave.rows.clone(), next: Some(grave.next) }
    }
}

/// What a call shows of a listing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    /// Everything.
    One,
    /// What changed, with or without all details.
    Event { all: bool },
    /// The seller's own list.
    List,
}

impl Ebay {
    pub(super) fn my_ebay_selling(&self, world: &mut World, request: &Node, troubles: &[Trouble]) -> Traded {
        let drifts = drift(self, world, troubles);
        let Some(list) = request.child("ActiveList").filter(|list| !is(list.said("Include"), "false")) else {
            return Ok(Said::fields([]));
        };
        let size = whole(list, "Pagination/EntriesPerPage", 25)?;
        let page = whole(list, "Pagination/PageNumber", 1)?;
        if size == 0 || size > LARGEST || page == 0 {
            return Err(Fault::invalid("Pagination"));
        }
        let shop = world.shop(&self.shop);
        let seen = moment(world.now - shop.lag, troubles);
        let wanted = list.said("ListingType").map(str::trim);
        let listed = self.listings.iter().filter(|(product, listing)| {
            wanted.is_none_or(|wanted| wanted == listing.kind())
                && listing.ended.is_none()
                && listing.started <= seen
                && shop.products[product].state != State::Draft
        });
        let mut listed: Vec<_> = listed.map(|(product, _)| *product).collect();
        // What runs out first comes first, so that whatever is renewed moves to the end.
        listed.sort_by_key(|product| (ends(&self.listings[product], world.now), *product));
        if drifts && !listed.is_empty() {
            listed.rotate_left(1);
        }
        let pages = listed.len().div_ceil(size);
        if page > pages.max(1) {
            return Err(Fault::new("340", "Page number is out of range."));
        }
        let hides = is(request.said("HideVariations"), "true");
        let shown = listed.iter().skip((page - 1) * size).take(size);
        let items: Vec<_> = shown
            .map(|product| self.item(world, &self.shown(world, *product, seen), View::List, hides, troubles))
            .collect();
        let count = items.len();
        let paging = Node::of(
            "PaginationResult",
            [Node::leaf("TotalNumberOfPages", pages), Node::leaf("TotalNumberOfEntries", listed.len())],
        );
        let array = (count > 0).then(|| Node::of("ItemArray", items));
        let list = Node::of("ActiveList", array.into_iter().chain([paging]));
        Ok(Said { items: Some(count), ..Said::fields([list]) })
    }

    pub(super) fn seller_events(&self, world: &mut World, request: &Node, troubles: &[Trouble]) -> Traded {
        drift(self, world, troubles);
        let shop = world.shop(&self.shop);
        let seen = moment(world.now - shop.lag, troubles);
        let ranges = ["StartTime", "EndTime", "ModTime"];
        let by = ranges.into_iter().find(|range| request.child(&format!("{range}From")).is_some());
        let by = by.ok_or_else(|| Fault::invalid("ModTimeFrom"))?;
        let bound = |end: &str| request.said(&format!("{by}{end}")).and_then(|text| text.trim().parse().ok());
        let from: Timestamp = bound("From").ok_or_else(|| Fault::invalid("ModTimeFrom"))?;
        let to: Timestamp = bound("To").unwrap_or(world.now);
        if to < from {
            return Err(Fault::invalid(&format!("{by}To")));
        }
        let from = from.max(to - WINDOW);
        let within = |at: Option<Timestamp>| at.is_some_and(|at| from <= at && at <= to);
        let at = |listing: &Listing, changed: Option<Timestamp>| match by {
            "StartTime" => Some(listing.started).filter(|at| *at <= seen),
            "EndTime" => Some(ends(listing, world.now)),
            _ => changed,
        };
        let live = self.listings.iter().filter(|(product, listing)| {
            listing.started <= seen && within(at(listing, self.modified(world, **product, seen)))
        });
        let live = live.map(|(product, _)| self.shown(world, *product, seen));
        let gone = self.graves.values().filter(|grave| {
            let ended = grave.listing.ended.map(|(at, _)| at).filter(|at| *at <= seen);
            within(at(&grave.listing, ended))
        });
        let gone = gone.map(Shown::of_grave);
        let all = is(request.said("DetailLevel"), "ReturnAll");
        let hides = is(request.said("HideVariations"), "true");
        let shown = live.chain(gone).take(self.most_events);
        let items: Vec<_> = shown.map(|one| self.item(world, &one, View::Event { all }, hides, troubles)).collect();
        let count = items.len();
        let fields = [Node::leaf("TimeTo", time(to)), Node::of("ItemArray", items)];
        Ok(Said { items: Some(count), ..Said::fields(fields) })
    }

    pub(super) fn get_item(&self, world: &World, request: &Node, troubles: &[Trouble]) -> Traded {
        let seen = moment(world.now, troubles);
        let (item, sku) = (request.said("ItemID").unwrap_or_default().trim(), request.said("SKU"));
        let tracked = |sku: &str| {
            let by_sku = self.listings.iter().filter(|(_, listing)| listing.tracking == Tracking::Sku);
            let mut all = by_sku.map(|(product, _)| *product);
            all.find(|product| self.rows(world, *product, seen).iter().any(|row| row.sku == sku))
        };
        let grave = item.parse().ok().and_then(|item: u64| self.graves.get(&item));
        let shown = match (self.product_of(item).or_else(|| sku.and_then(tracked)), grave) {
            (Some(product), _) => self.shown(world, product, seen),
            (None, Some(grave)) => Shown::of_grave(grave),
            (None, None) => {
                let words =
                    "This item cannot be accessed because the listing has been deleted, or you are not the seller.";
                return Err(Fault::new("17", words).about(item));
            }
        };
        Ok(Said::fields([self.item(world, &shown, View::One, false, troubles)]))
    }

    fn shown<'a>(&'a self, world: &'a World, product: u64, seen: Timestamp) -> Shown<'a> {
        let shop = world.shop(&self.shop);
        let record = &shop.products[&product];
        let (listing, single) = (&self.listings[&product], is_single(shop, record));
        Shown { listing, title: &record.title, single, rows: self.rows(world, product, seen), next: None }
    }

    /// Shows a listing. What stands where is what the official schema says; what is there at all, its notes on each call.
    fn item(&self, world: &World, shown: &Shown<'_>, view: View, hides: bool, troubles: &[Trouble]) -> Node {
        let numbers = !troubles.contains(&Trouble::NoNumbers);
        let listing = shown.listing;
        let available: i64 = shown.rows.iter().map(|row| row.available).sum();
        let sold: i64 = shown.rows.iter().map(|row| row.sold).sum();
        let total = available + sold;
        let whole = matches!(view, View::One | View::List);
        // 3: what has one is shown without a number by this call.
        let told = match view {
            View::Event { .. } => total > 1 || (total == 0 && !self.events_omit_zero),
            _ => true,
        };
        let first = shown.rows.first();
        let single = first.filter(|_| shown.single);
        let mut item = vec![Node::leaf("ItemID", listing.item), listing_details(world.now, shown, view)];
        item.extend((view == View::One).then(|| Node::leaf("ListingDuration", "GTC")));
        item.extend((view != View::Event { all: false }).then(|| Node::leaf("ListingType", listing.kind())));
        item.extend((numbers && told).then(|| Node::leaf("Quantity", total)));
        let on_hold = shown.rows.iter().any(|row| self.on_hold.contains(&row.sku));
        item.push(selling_status(listing, first, sold, on_hold, view, numbers));
        item.extend(first.filter(|_| whole).map(|row| price("StartPrice", row.cents)));
        item.extend(whole.then(|| Node::leaf("TimeLeft", time_left(listing, world.now))));
        item.push(Node::leaf("Title", shown.title));
        let open = view == View::List && single.is_some() && !listing.auction;
        item.extend((open && numbers).then(|| Node::leaf("QuantityAvailable", available)));
        // The changes come with the numbers of listings alone; only variations show SKUs there.
        item.extend(single.filter(|row| whole && !row.sku.is_empty()).map(|row| Node::leaf("SKU", &row.sku)));
        let tracking = if listing.tracking == Tracking::Sku { "SKU" } else { "ItemID" };
        item.extend((view == View::One).then(|| Node::leaf("InventoryTrackingMethod", tracking)));
        item.extend((single.is_none() && !hides).then(|| variations(&shown.rows, numbers)));
        // 6: what shows 0 is hidden, if it is kept at all.
        let hidden = whole && available == 0 && listing.ended.is_none();
        item.extend(hidden.then(|| Node::leaf("HideFromSearch", "true")));
        item.extend(hidden.then(|| Node::leaf("ReasonHideFromSearch", "OutOfStock")));
        Node::of("Item", item)
    }
}

fn listing_details(now: Timestamp, shown: &Shown<'_>, view: View) -> Node {
    let listing = shown.listing;
    let mut details = Vec::new();
    if let Some(next) = shown.next.filter(|_| view == View::One) {
        details.push(Node::leaf("RelistedItemID", next));
    }
    details.push(Node::leaf("StartTime", time(listing.started)));
    if view != View::List {
        details.push(Node::leaf("EndTime", time(ends(listing, now))));
    }
    if let Some((_, why)) = listing.ended.filter(|_| view == View::One) {
        details.push(Node::leaf("EndingReason", why));
    }
    Node::of("ListingDetails", details)
}

fn selling_status(listing: &Listing, first: Option<&Row>, sold: i64, on_hold: bool, view: View, numbers: bool) -> Node {
    let mut status = Vec::new();
    status.extend(first.filter(|_| matches!(view, View::One | View::List)).map(|row| price("CurrentPrice", row.cents)));
    status.extend(numbers.then(|| Node::leaf("QuantitySold", sold)));
    let standing = if listing.ended.is_some() { "Completed" } else { "Active" };
    status.extend((view != View::List).then(|| Node::leaf("ListingStatus", standing)));
    status.extend(on_hold.then(|| Node::leaf("ListingOnHold", "true")));
    Node::of("SellingStatus", status)
}

fn variations(rows: &[Row], numbers: bool) -> Node {
    let shown = rows.iter().map(|row| {
        let specific = [Node::leaf("Name", "Kind"), Node::leaf("Value", &row.title)];
        let status = numbers.then(|| Node::leaf("QuantitySold", row.sold));
        let quantity = numbers.then(|| Node::leaf("Quantity", row.available + row.sold));
        let sku = (!row.sku.is_empty()).then(|| Node::leaf("SKU", &row.sku));
        let parts = sku.into_iter().chain([price("StartPrice", row.cents)]).chain(quantity).chain([
            Node::of("VariationSpecifics", [Node::of("NameValueList", specific)]),
            Node::of("SellingStatus", status),
        ]);
        Node::of("Variation", parts)
    });
    Node::of("Variations", shown)
}

fn price(name: &str, cents: i64) -> Node {
    Node::leaf(name, format!("{}.{:02}", cents / 100, cents % 100)).with("currencyID", "USD")
}

/// Tells when a listing ended, or will be renewed.
fn ends(listing: &Listing, now: Timestamp) -> Timestamp {
    if let Some((ended, _)) = listing.ended {
        return ended;
    }
    let mut end = listing.started + RUNS;
    while end <= now {
        end += RUNS;
    }
    end
}

fn time_left(listing: &Listing, now: Timestamp) -> String {
    let left = (ends(listing, now) - now).get_seconds().max(0);
    if listing.ended.is_some() { "PT0S".into() } else { format!("P{}DT{}H", left / 86_400, left % 86_400 / 3_600) }
}

fn is(said: Option<&str>, word: &str) -> bool {
    said.is_some_and(|said| said.trim() == word)
}

fn whole(list: &Node, path: &str, usual: usize) -> Result<usize, Fault> {
    let name = path.rsplit('/').next().unwrap_or(path);
    list.said(path).map_or(Ok(usual), |text| text.trim().parse().map_err(|_| Fault::invalid(name)))
}
