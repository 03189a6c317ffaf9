//! Reading listings and their numbers (sections 2.8 and 3).
//!
//! Products and variations are two lists. A full scan reads both by id, so that new entries only append, and reads them
//! again where entries slid away meanwhile. What changed is read by its stamp, and each full page starts anew from the
//! last stamp instead of walking on, since what changes moves to the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::WooCommerce;
use super::api::Call;
use super::wire::{FACTS, Key, Managed, NUMBERS, Product, missing, moment, stamp};
use crate::channel::{ChannelError, Page, PageToken, Result};
use crate::domain::{Found, Listing, ListingKey, Reading};

/// The most entries of a page and of a list of ids (2.8).
pub(super) const LARGEST: usize = 100;
/// How often a list that changes while it is read is read again.
const MOST_ROUNDS: u32 = 4;

/// How the codes begin that tell of a product that is not there, as opposed to a route.
const NO_PRODUCT: &str = "woocommerce_rest_product_";

const LISTINGS: &str = "reading listings";
const CHANGED: &str = "reading changed quantities";
const LEVELS: &str = "reading quantities";

/// Where a full scan is. What it has seen so far is kept beside it.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    list: List,
    page: usize,
    round: u32,
}

/// A list of a full scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum List {
    Products,
    /// All variations at once (10.3 and later).
    Variations,
    /// The variations of the n-th variable product.
    Of(usize),
}

/// What a full scan has seen.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The variable products, whose facts their variations share.
    parents: BTreeMap<u64, Product>,
    /// The ids of the list that is being read: over all rounds, in this round, and whether this one brought a new one.
    seen: BTreeSet<u64>,
    in_round: BTreeSet<u64>,
    new_in_round: bool,
    /// The total that the first page of this round told.
    total: Option<usize>,
    /// The variable products on whose own number a variation draws.
    pools: BTreeSet<u64>,
}

/// Where a walk through changes is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    /// What has a later stamp than this is asked for, in seconds.
    pub after: Option<i64>,
    pub page: usize,
}

/// Where a reading of changed numbers is.
#[derive(Debug, Serialize, Deserialize)]
enum Changes {
    Products(Walk, Vec<u64>),
    Variations(Walk, Vec<u64>),
    /// Changed variable products whose variations are still to be read, and the page of the last of them.
    Of(Vec<u64>, usize),
}

impl Walk {
    /// Begins at a moment; what has just that stamp is asked for too.
    pub fn since(moment: Timestamp) -> Self {
        Self { after: Some(moment.as_second() - 1), page: 1 }
    }

    /// Begins at the beginning.
    pub fn all() -> Self {
        Self { after: None, page: 1 }
    }

    /// Adds to a call what it needs to walk.
    pub fn call(&self, call: Call) -> Call {
        let call = call
            .with("orderby", "modified")
            .with("order", "asc")
            .with("per_page", "100")
            .with("page", self.page.to_string());
        let after = self.after.and_then(|after| Timestamp::from_second(after).ok());
        match after {
            Some(after) => call.with("modified_after", moment(after)).with("dates_are_gmt", "true"),
            None => call,
        }
    }

    /// Goes on from the stamps of a page; `None` where it was the last. A page whose entries all bear one second is
    /// walked on from, since there is no later stamp to start from.
    pub fn next(&self, stamps: &[Timestamp], headers: &HeaderMap, operation: &'static str) -> Result<Option<Self>> {
        if !goes_on(self.page, stamps.len(), headers) {
            return Ok(None);
        }
        let last = stamps.iter().max().ok_or_else(|| {
            ChannelError::unexpected(operation, "a page of the list is empty, and the shop tells of more of them")
        })?;
        let last = last.as_second() - 1;
        let same = self.after.is_some_and(|after| last <= after);
        Ok(Some(if same {
            Self { after: self.after, page: self.page + 1 }
        } else {
            Self { after: Some(last), page: 1 }
        }))
    }
}

/// Tells whether a list goes on behind a page. A host may give shorter pages than were asked for, so the number of pages
/// that the shop tells goes before the length of this one.
fn goes_on(page: usize, entries: usize, headers: &HeaderMap) -> bool {
    told(headers, "x-wp-totalpages").map_or(entries >= LARGEST, |pages| page < pages)
}

/// Reads a number that the shop tells of a list.
fn told(headers: &HeaderMap, name: &str) -> Option<usize> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// Makes a token of where a list goes on.
pub(super) fn token<T: Serialize>(place: &T, operation: &'static str) -> Result<PageToken> {
    serde_json::to_string(place).map(PageToken).map_err(|error| ChannelError::unexpected(operation, error.to_string()))
}

/// Reads a token.
pub(super) fn place<T: for<'a> Deserialize<'a>>(page: &PageToken, operation: &'static str) -> Result<T> {
    serde_json::from_str(&page.0).map_err(|error| ChannelError::unexpected(operation, error.to_string()))
}

impl WooCommerce {
    /// Reads one page of all listings.
    pub(super) async fn read_listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        if page.is_none() {
            *self.scan() = Scan::default();
        }
        let start = Place { list: List::Products, page: 1, round: 1 };
        let at = page.map_or(Ok(start), |page| place(&page, LISTINGS))?;
        let Some((products, headers)) = self.read_list(&at).await? else {
            // The shop cannot list all variations at once: each variable product is asked for its own.
            return self.listings_page(Vec::new(), Some(Place { list: List::Of(0), page: 1, round: 1 }));
        };
        self.note_fractions(&products);
        let (next, listings) = match at.list {
            List::Products => (self.after_page(&at, &products, &headers)?, listings_of(&products)?),
            List::Variations | List::Of(_) => {
                let next = self.after_page(&at, &products, &headers)?;
                (next, self.variations(&products).await?)
            }
        };
        self.listings_page(listings, next)
    }

    fn listings_page(&self, mut items: Vec<Listing>, next: Option<Place>) -> Result<Page<Listing>> {
        if next.is_none() {
            items.extend(self.empty_pools()?);
        }
        let next = next.map(|next| token(&next, LISTINGS)).transpose()?;
        Ok(Page { items, next, account: Some(self.api.account()) })
    }

    /// Reads a page of a list of a full scan; `None` where the shop has no such list.
    async fn read_list(&self, at: &Place) -> Result<Option<(Vec<Product>, HeaderMap)>> {
        let call = |path: String| {
            let call = Call::read(LISTINGS, path).with("orderby", "id").with("order", "asc");
            call.with("per_page", "100").with("page", at.page.to_string()).with("_fields", FACTS)
        };
        match at.list {
            List::Products => self.api.ask(&call("products".to_owned())).await.map(Some),
            List::Variations => self.all_variations(&call("variations".to_owned())).await,
            List::Of(nth) => {
                let Some(parent) = self.scan().parents.keys().nth(nth).copied() else { return Ok(None) };
                let (variations, headers) =
                    self.api.ask::<Vec<Product>>(&call(format!("products/{parent}/variations"))).await?;
                Ok(Some((children(variations, parent), headers)))
            }
        }
    }

    /// Asks for variations of all products, and remembers where a shop cannot tell them (below 10.3). In such a list a
    /// variation that does not say whose it is, is nobody's.
    pub(super) async fn all_variations(&self, call: &Call) -> Result<Option<(Vec<Product>, HeaderMap)>> {
        if self.learned.lacks_variations.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match self.api.ask::<Vec<Product>>(call).await {
            Ok((variations, headers)) => match variations.iter().find(|variation| variation.parent_id == 0) {
                Some(lost) => Err(missing(call.operation, lost.id, "parent_id")),
                None => Ok(Some((variations, headers))),
            },
            Err(error) if error.evidence.code.as_deref() == Some("rest_no_route") => {
                self.learned.lacks_variations.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Tells where a scan goes on. Entries that vanish let later ones slide forward past the page, so a list whose ids
    /// do not add up is read again until a round brings nothing new (2.8).
    fn after_page(&self, at: &Place, products: &[Product], headers: &HeaderMap) -> Result<Option<Place>> {
        let total = told(headers, "x-wp-total");
        let mut scan = self.scan();
        if at.page == 1 {
            scan.total = total;
            scan.in_round.clear();
            scan.new_in_round = false;
        }
        for product in products {
            scan.in_round.insert(product.id);
            scan.new_in_round |= scan.seen.insert(product.id);
            if at.list == List::Products && product.is_variable() {
                scan.parents.insert(product.id, product.clone());
            }
        }
        if goes_on(at.page, products.len(), headers) {
            return Ok(Some(Place { list: at.list, page: at.page + 1, round: at.round }));
        }
        let adds_up = total.is_none_or(|total| scan.total == Some(total) && scan.in_round.len() == total);
        if !adds_up && (at.round == 1 || scan.new_in_round) {
            if at.round == MOST_ROUNDS {
                return Err(ChannelError::unexpected(LISTINGS, "the list of products keeps changing while it is read"));
            }
            return Ok(Some(Place { list: at.list, page: 1, round: at.round + 1 }));
        }
        scan.seen.clear();
        let list = match at.list {
            List::Products if scan.parents.is_empty() => return Ok(None),
            List::Products if self.learned.lacks_variations.load(Ordering::Relaxed) => List::Of(0),
            List::Products => List::Variations,
            List::Of(nth) if nth + 1 < scan.parents.len() => List::Of(nth + 1),
            List::Variations | List::Of(_) => return Ok(None),
        };
        Ok(Some(Place { list, page: 1, round: 1 }))
    }

    async fn variations(&self, variations: &[Product]) -> Result<Vec<Listing>> {
        self.look_up_parents(variations).await?;
        let mut scan = self.scan();
        let mut listings = Vec::with_capacity(variations.len());
        for variation in variations {
            // The variations of a product in the trash may still be listed; they cannot be bought.
            let Some(parent) = scan.parents.get(&variation.parent_id) else { continue };
            let listing = variation.variation(parent, LISTINGS)?;
            if variation.managed() == Some(Managed::Parent) {
                scan.pools.insert(variation.parent_id);
            }
            listings.push(listing);
        }
        Ok(listings)
    }

    /// Looks up the products of variations that came into the shop after the list of products was read.
    async fn look_up_parents(&self, variations: &[Product]) -> Result<()> {
        let known: Vec<u64> = self.scan().parents.keys().copied().collect();
        let unknown: BTreeSet<u64> =
            variations.iter().map(|variation| variation.parent_id).filter(|id| !known.contains(id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let ids: Vec<u64> = unknown.into_iter().collect();
        let call = by_ids(LISTINGS, "products", &ids, FACTS);
        let (parents, _) = self.api.ask::<Vec<Product>>(&call).await?;
        self.scan().parents.extend(parents.into_iter().map(|parent| (parent.id, parent)));
        Ok(())
    }

    /// Makes listings of the variable products that hold a number on which nothing draws.
    fn empty_pools(&self) -> Result<Vec<Listing>> {
        let scan = self.scan();
        let holds = |parent: &&Product| parent.managed() == Some(Managed::Own) && !scan.pools.contains(&parent.id);
        scan.parents.values().filter(holds).map(|parent| parent.listing(LISTINGS)).collect()
    }

    fn note_fractions(&self, products: &[Product]) {
        if products.iter().any(Product::is_fraction) {
            self.learned.fractions.store(true, Ordering::Relaxed);
        }
    }

    fn scan(&self) -> std::sync::MutexGuard<'_, Scan> {
        self.scan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one page of the numbers that changed: products first, which stand for their variations too, and the
    /// variations only if a variable product is among them (3.4).
    pub(super) async fn read_changed(&self, since: Timestamp, page: Option<PageToken>) -> Result<Page<Reading>> {
        let at = match &page {
            Some(page) => place(page, CHANGED)?,
            None => Changes::Products(Walk::since(since), Vec::new()),
        };
        let (items, next) = match at {
            Changes::Products(walk, parents) => self.changed_products(since, walk, parents).await?,
            Changes::Variations(walk, parents) => self.changed_variations(walk, parents).await?,
            Changes::Of(parents, page) => self.variations_of_changed(parents, page).await?,
        };
        let next = next.map(|next| token(&next, CHANGED)).transpose()?;
        Ok(Page { items, next, account: Some(self.api.account()) })
    }

    async fn changed_products(
        &self,
        since: Timestamp,
        walk: Walk,
        mut parents: Vec<u64>,
    ) -> Result<(Vec<Reading>, Option<Changes>)> {
        let call = walk.call(Call::read(CHANGED, "products").with("_fields", NUMBERS));
        let (products, headers) = self.api.ask::<Vec<Product>>(&call).await?;
        for product in products.iter().filter(|product| product.is_variable()) {
            if !parents.contains(&product.id) {
                parents.push(product.id);
            }
        }
        let items = products.iter().filter_map(Product::reading).collect();
        let next = match walk.next(&stamps(&products, CHANGED)?, &headers, CHANGED)? {
            Some(walk) => Some(Changes::Products(walk, parents)),
            None if parents.is_empty() => None,
            None => Some(Changes::Variations(Walk::since(since), parents)),
        };
        Ok((items, next))
    }

    async fn changed_variations(&self, walk: Walk, parents: Vec<u64>) -> Result<(Vec<Reading>, Option<Changes>)> {
        let call = walk.call(Call::read(CHANGED, "variations").with("_fields", NUMBERS));
        let Some((variations, headers)) = self.all_variations(&call).await? else {
            return Ok((Vec::new(), Some(Changes::Of(parents, 1))));
        };
        let next = walk
            .next(&stamps(&variations, CHANGED)?, &headers, CHANGED)?
            .map(|walk| Changes::Variations(walk, parents));
        Ok((variations.iter().filter_map(Product::reading).collect(), next))
    }

    async fn variations_of_changed(
        &self,
        mut parents: Vec<u64>,
        page: usize,
    ) -> Result<(Vec<Reading>, Option<Changes>)> {
        let Some(parent) = parents.last().copied() else { return Ok((Vec::new(), None)) };
        let call = Call::read(CHANGED, format!("products/{parent}/variations"));
        let call =
            call.with("orderby", "id").with("order", "asc").with("per_page", "100").with("page", page.to_string());
        let (variations, headers) = self.api.ask::<Vec<Product>>(&call.with("_fields", NUMBERS)).await?;
        let more = goes_on(page, variations.len(), &headers);
        if !more {
            parents.pop();
        }
        let next = (!parents.is_empty()).then_some(Changes::Of(parents, if more { page + 1 } else { 1 }));
        Ok((children(variations, parent).iter().filter_map(Product::reading).collect(), next))
    }

    /// Reads numbers by key. What is not found by its id is gone, or in the trash, which is the same to a buyer.
    pub(super) async fn read_levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        let parsed: Vec<Key> = keys.iter().filter_map(Key::parse).collect();
        let found = self.look_up(LEVELS, &parsed, NUMBERS).await?;
        let read = |key: &ListingKey| {
            let product = Key::parse(key).and_then(|key| found.get(&key));
            let live = product.and_then(Product::live);
            Reading { key: key.clone(), found: product.map_or(Found::Gone, Product::found), live }
        };
        Ok(keys.iter().map(read).collect())
    }

    /// Looks up products and variations by their ids, at most [`LARGEST`].
    pub(super) async fn look_up(
        &self,
        operation: &'static str,
        keys: &[Key],
        fields: &str,
    ) -> Result<HashMap<Key, Product>> {
        let mut found = HashMap::with_capacity(keys.len());
        let products: Vec<u64> = keys.iter().filter(|key| matches!(key, Key::Product(_))).map(|key| key.id()).collect();
        if !products.is_empty() {
            let (read, _) = self.api.ask::<Vec<Product>>(&by_ids(operation, "products", &products, fields)).await?;
            found.extend(read.into_iter().map(|product| (Key::Product(product.id), product)));
        }
        let mut parents = BTreeMap::<u64, Vec<u64>>::new();
        for key in keys {
            if let Key::Variation { parent, id } = *key {
                parents.entry(parent).or_default().push(id);
            }
        }
        let variations = self.look_up_variations(operation, &parents, fields).await?;
        let key = |variation: &Product| Key::Variation { parent: variation.parent_id, id: variation.id };
        found.extend(variations.into_iter().map(|variation| (key(&variation), variation)));
        // What was not asked for comes from a cache, or from a shop that overheard the question: it proves nothing gone.
        if let Some(other) = found.keys().find(|key| !keys.contains(key)) {
            let message = format!("the shop answered with another product than was asked for: {other}");
            return Err(ChannelError::unexpected(operation, message));
        }
        found.retain(|_, product| !product.is_trashed());
        Ok(found)
    }

    async fn look_up_variations(
        &self,
        operation: &'static str,
        parents: &BTreeMap<u64, Vec<u64>>,
        fields: &str,
    ) -> Result<Vec<Product>> {
        let all: Vec<u64> = parents.values().flatten().copied().collect();
        // One product's own variations can be asked for in one call on every version.
        if parents.len() > 1
            && let Some((variations, _)) = self.all_variations(&by_ids(operation, "variations", &all, fields)).await?
        {
            return Ok(variations);
        }
        let mut found = Vec::with_capacity(all.len());
        for (parent, ids) in parents {
            let call = by_ids(operation, &format!("products/{parent}/variations"), ids, fields);
            match self.api.ask::<Vec<Product>>(&call).await {
                Ok((variations, _)) => found.extend(children(variations, *parent)),
                // The product is gone, and its variations with it.
                Err(error) if error.evidence.code.as_deref().is_some_and(|code| code.starts_with(NO_PRODUCT)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// Makes listings of products. A variable one that holds a number waits for the variations that draw on it.
fn listings_of(products: &[Product]) -> Result<Vec<Listing>> {
    let waits = |product: &&Product| product.is_variable() && product.managed() == Some(Managed::Own);
    products.iter().filter(|product| !waits(product)).map(|product| product.listing(LISTINGS)).collect()
}

/// Makes a call for some ids. Answers of a cache would be older than what is asked for (8).
fn by_ids(operation: &'static str, path: &str, ids: &[u64], fields: &str) -> Call {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let call = Call::read(operation, path).with("include", ids.join(",")).with("per_page", "100");
    call.with("_fields", fields).with("_skip_cache", "1")
}

/// Notes whose variations these are: below version 8 they do not say it themselves.
fn children(mut variations: Vec<Product>, parent: u64) -> Vec<Product> {
    for variation in &mut variations {
        variation.parent_id = parent;
    }
    variations
}

fn stamps(products: &[Product], operation: &'static str) -> Result<Vec<Timestamp>> {
    let read = |product: &Product| {
        let stamped = product.date_modified_gmt.as_deref().and_then(stamp);
        stamped.ok_or_else(|| missing(operation, product.id, "date_modified_gmt"))
    };
    products.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    // proves Y1: a list that moves while it is read is gone on with from the last stamp.
    #[test]
    fn a_walk_starts_anew_from_the_last_stamp() {
        let (walk, none) = (Walk::since(at(1000)), HeaderMap::new());
        assert_eq!(walk, Walk { after: Some(999), page: 1 });
        let full =
            |from: i64, to: i64| -> Vec<Timestamp> { (0..100).map(|nth| at(from + (to - from) * nth / 99)).collect() };
        assert_eq!(
            walk.next(&full(1000, 1099)[..50], &none, CHANGED).unwrap(),
            None,
            "a page that is not full is the last"
        );
        assert_eq!(walk.next(&full(1000, 1099), &none, CHANGED).unwrap(), Some(Walk { after: Some(1098), page: 1 }));
        let same = Walk { after: Some(1499), page: 1 };
        assert_eq!(same.next(&full(1500, 1500), &none, CHANGED).unwrap(), Some(Walk { after: Some(1499), page: 2 }));
        let second = Walk { after: Some(1499), page: 2 };
        assert_eq!(second.next(&full(1500, 1600), &none, CHANGED).unwrap(), Some(Walk { after: Some(1599), page: 1 }));
        assert_eq!(Walk::all().next(&full(10, 20), &none, CHANGED).unwrap(), Some(Walk { after: Some(19), page: 1 }));
    }

    // proves P5: a host that gives shorter pages than were asked for does not make a list look complete.
    #[test]
    fn a_short_page_is_not_the_last_while_the_shop_tells_of_more() {
        let pages =
            |pages: &str| HeaderMap::from_iter([(HeaderName::from_static("x-wp-totalpages"), pages.parse().unwrap())]);
        let stamps: Vec<Timestamp> = (0..50).map(|nth| at(2000 + nth)).collect();
        let walk = Walk::since(at(1000));
        assert_eq!(walk.next(&stamps, &pages("3"), CHANGED).unwrap(), Some(Walk { after: Some(2048), page: 1 }));
        assert_eq!(walk.next(&stamps, &pages("1"), CHANGED).unwrap(), None);
    }

    #[test]
    fn a_moment_goes_out_without_any_zone() {
        assert_eq!(moment("2026-11-23T15:50:00.9+09:00".parse().unwrap()), "2026-11-23T06:50:00");
        assert_eq!(stamp("2026-11-23T06:50:00").unwrap().to_string(), "2026-11-23T06:50:00Z");
    }
}
