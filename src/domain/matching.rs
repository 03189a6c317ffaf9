//! Which listings belong together: equal SKUs are tied, near matches are proposed, and every other listing gets the
//! reason why it stays alone.

use std::collections::{BTreeMap, BTreeSet};

use super::listing::{ChannelName, Listing, ListingKey};
use super::stock::Sku;

/// The listings of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The channel.
    pub channel: &'a ChannelName,
    /// All its listings.
    pub listings: &'a [Listing],
}

/// What is linked already.
#[derive(Clone, Debug, Default)]
pub struct Linked {
    /// The SKUs of target listings.
    pub targets: BTreeSet<(ChannelName, ListingKey, Option<Sku>)>,
    /// The source listings that are part of a recipe.
    pub sources: BTreeSet<ListingKey>,
    /// Of the target listings, those that are gone, by the SKU that is linked; of the source listings, by their own.
    pub gone: BTreeMap<(ChannelName, Sku), Vec<ListingKey>>,
}

impl Linked {
    /// Returns the one listing that is gone and linked under a SKU; of several, none.
    fn gone_under(&self, channel: &ChannelName, sku: Option<&Sku>) -> Option<&ListingKey> {
        match self.gone.get(&(channel.clone(), sku?.clone())).map(Vec::as_slice) {
            Some([key]) => Some(key),
            _ => None,
        }
    }
}

/// A SKU of a target listing and the source listing that bears the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// The target's channel.
    pub channel: ChannelName,
    /// The target listing.
    pub target: ListingKey,
    /// The SKU.
    pub sku: Sku,
    /// The source listing.
    pub source: ListingKey,
}

/// A listing that was put up anew: it bears the SKU under which another one, which is gone, is linked (L2). Whether it
/// takes that one's place is the owner's to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relisted {
    /// Its channel.
    pub channel: ChannelName,
    /// The new listing.
    pub listing: ListingKey,
    /// The SKU.
    pub sku: Sku,
    /// The listing that is gone.
    pub gone: ListingKey,
}

/// A tie that only the owner can make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    /// The target's channel.
    pub channel: ChannelName,
    /// The target listing.
    pub target: ListingKey,
    /// Its SKU, if it has one.
    pub sku: Option<Sku>,
    /// The source listing.
    pub source: ListingKey,
    /// Its SKU.
    pub source_sku: Sku,
    /// What speaks for it.
    pub why: Likeness,
}

/// What speaks for a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// The SKUs differ in case, blanks, `-`, `_` or `.` only.
    Spelling,
    /// The barcodes are the same.
    Barcode,
}

/// A listing that stays alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alone {
    /// Its channel.
    pub channel: ChannelName,
    /// Why.
    pub reason: Reason,
    /// Its key.
    pub key: ListingKey,
    /// Its SKU, if it has one.
    pub sku: Option<Sku>,
    /// Its title.
    pub title: String,
}

/// Why a listing, or one SKU of it, is not tied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It has no SKU.
    SkuMissing,
    /// Its SKU stands on several listings of its own channel.
    DuplicateHere,
    /// Its SKU stands on several listings of the source.
    DuplicateOnSource,
    /// The source has no listing with its SKU.
    NotOnSource,
    /// It is on the source, and none of the targets has it.
    NotListed,
    /// The platform takes no quantity for it, in a shop owner's words.
    Unfit(String),
}

/// What became of all listings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// The ties, by channel and listing.
    pub ties: Vec<Tie>,
    /// The proposals, by channel and listing.
    pub proposals: Vec<Proposal>,
    /// The listings that were put up anew, by channel and listing.
    pub relisted: Vec<Relisted>,
    /// The others, by channel, reason and listing.
    pub alone: Vec<Alone>,
    /// SKUs of target listings that were linked before.
    pub linked: usize,
}

/// Finds out which listings belong together. The order of the listings does not matter.
pub fn match_listings(source: Side<'_>, targets: &[Side<'_>], linked: &Linked) -> Matching {
    let on_source = Shelf::new(source);
    let mut matching = Matching::default();
    let mut used = BTreeSet::new();
    for target in targets {
        let here = Shelf::new(*target);
        for (listing, sku) in skus(*target) {
            let place = |reason| alone(target.channel, listing, sku, reason);
            let is_linked = linked.targets.contains(&(target.channel.clone(), listing.key.clone(), sku.cloned()));
            let gone = linked.gone_under(target.channel, sku);
            match (&listing.unfit, sku.map(|sku| (sku, here.bearing(sku), on_source.bearing(sku)))) {
                _ if is_linked => {
                    matching.linked += 1;
                    used.extend(sku.cloned());
                }
                (Some(why), _) => matching.alone.push(place(Reason::Unfit(why.clone()))),
                (None, Some((_, here, _))) if here.len() > 1 => matching.alone.push(place(Reason::DuplicateHere)),
                (None, Some((sku, _, _))) if let Some(gone) = gone => {
                    used.insert(sku.clone());
                    matching.relisted.push(relisted(target.channel, listing, sku, gone));
                }
                (None, Some((sku, _, [source]))) => {
                    used.insert(sku.clone());
                    let (target, key) = (target.channel.clone(), listing.key.clone());
                    matching.ties.push(Tie {
                        channel: target,
                        target: key,
                        sku: sku.clone(),
                        source: source.key.clone(),
                    });
                }
                (None, Some((_, _, [_, _, ..]))) => matching.alone.push(place(Reason::DuplicateOnSource)),
                (None, wanted) => {
                    let near = on_source.near(listing, sku);
                    match (near, wanted.is_some()) {
                        (Some((source, source_sku, why)), _) => matching.proposals.push(Proposal {
                            channel: target.channel.clone(),
                            target: listing.key.clone(),
                            sku: sku.cloned(),
                            source: source.key.clone(),
                            source_sku: source_sku.clone(),
                            why,
                        }),
                        (None, true) => matching.alone.push(place(Reason::NotOnSource)),
                        (None, false) => matching.alone.push(place(Reason::SkuMissing)),
                    }
                }
            }
        }
    }
    for (listing, sku) in skus(source) {
        match reason_on_source(source, listing, sku, (&on_source, &used, linked)) {
            Some(reason) => matching.alone.push(alone(source.channel, listing, sku, reason)),
            None => matching.relisted.extend(relisted_on_source(source, listing, sku, linked)),
        }
    }
    matching.ties.sort();
    matching.proposals.sort();
    matching.relisted.sort();
    matching.alone.sort();
    matching
}

/// Returns why a source listing stays alone, if it does.
fn reason_on_source(
    source: Side<'_>,
    listing: &Listing,
    sku: Option<&Sku>,
    (shelf, used, linked): (&Shelf<'_>, &BTreeSet<Sku>, &Linked),
) -> Option<Reason> {
    match (&listing.unfit, sku) {
        _ if linked.sources.contains(&listing.key) => None,
        (Some(why), _) => Some(Reason::Unfit(why.clone())),
        (None, None) => Some(Reason::SkuMissing),
        (None, Some(sku)) if shelf.bearing(sku).len() > 1 => Some(Reason::DuplicateHere),
        (None, Some(_)) if linked.gone_under(source.channel, sku).is_some() => None,
        (None, Some(sku)) => (!used.contains(sku)).then_some(Reason::NotListed),
    }
}

fn relisted_on_source(source: Side<'_>, listing: &Listing, sku: Option<&Sku>, linked: &Linked) -> Option<Relisted> {
    let gone = linked.gone_under(source.channel, sku).filter(|_| !linked.sources.contains(&listing.key))?;
    Some(relisted(source.channel, listing, sku?, gone))
}

fn relisted(channel: &ChannelName, listing: &Listing, sku: &Sku, gone: &ListingKey) -> Relisted {
    Relisted { channel: channel.clone(), listing: listing.key.clone(), sku: sku.clone(), gone: gone.clone() }
}

fn alone(channel: &ChannelName, listing: &Listing, sku: Option<&Sku>, reason: Reason) -> Alone {
    let good = listing.goods.iter().find(|good| good.sku.as_ref() == sku);
    Alone {
        channel: channel.clone(),
        reason,
        key: listing.key.clone(),
        sku: sku.cloned(),
        title: good.map_or_else(|| listing.title().to_owned(), |good| good.title.clone()),
    }
}

/// Goes through the SKUs of a channel's listings; a listing without any comes once, without one.
fn skus(side: Side<'_>) -> impl Iterator<Item = (&Listing, Option<&Sku>)> {
    side.listings.iter().flat_map(|listing| {
        let mut skus: Vec<Option<&Sku>> = listing.skus().map(Some).collect();
        if skus.is_empty() {
            skus.push(None);
        }
        skus.sort();
        skus.dedup();
        skus.into_iter().map(move |sku| (listing, sku))
    })
}

/// A channel's listings by SKU, by likeness and by barcode; those that take no part are left out.
struct Shelf<'a> {
    by_sku: BTreeMap<&'a Sku, Vec<&'a Listing>>,
    by_likeness: BTreeMap<String, Vec<(&'a Listing, &'a Sku)>>,
    by_barcode: BTreeMap<&'a str, Vec<(&'a Listing, &'a Sku)>>,
}

impl<'a> Shelf<'a> {
    fn new(side: Side<'a>) -> Self {
        let mut shelf = Self { by_sku: BTreeMap::new(), by_likeness: BTreeMap::new(), by_barcode: BTreeMap::new() };
        for listing in side.listings.iter().filter(|listing| listing.unfit.is_none()) {
            let mut own: Vec<&Sku> = listing.skus().collect();
            own.sort();
            own.dedup();
            for sku in own {
                shelf.by_sku.entry(sku).or_default().push(listing);
                shelf.by_likeness.entry(sku.likeness()).or_default().push((listing, sku));
            }
            for good in &listing.goods {
                if let (Some(barcode), Some(sku)) = (&good.barcode, &good.sku) {
                    shelf.by_barcode.entry(barcode).or_default().push((listing, sku));
                }
            }
        }
        shelf
    }

    fn bearing(&self, sku: &Sku) -> &[&'a Listing] {
        self.by_sku.get(sku).map_or(&[], Vec::as_slice)
    }

    /// Finds the one listing that a listing is nearly the same as; of several, none.
    fn near(&self, listing: &Listing, sku: Option<&Sku>) -> Option<(&'a Listing, &'a Sku, Likeness)> {
        let only = |found: Option<&Vec<(&'a Listing, &'a Sku)>>| match found.map(Vec::as_slice) {
            Some([one]) => Some(*one),
            _ => None,
        };
        let spelling = sku.and_then(|sku| only(self.by_likeness.get(&sku.likeness())));
        if let Some((listing, sku)) = spelling {
            return Some((listing, sku, Likeness::Spelling));
        }
        let mut barcodes =
            listing.goods.iter().filter(|good| good.sku.as_ref() == sku).filter_map(|g| g.barcode.as_deref());
        let (listing, sku) = barcodes.find_map(|barcode| only(self.by_barcode.get(barcode)))?;
        Some((listing, sku, Likeness::Barcode))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Good, ListingState};
    use super::*;

    fn listing(key: &str, skus: &[&str], barcode: Option<&str>) -> Listing {
        let good = |sku: &&str| Good { sku: Sku::new(sku), barcode: barcode.map(str::to_owned), ..Good::default() };
        Listing {
            key: ListingKey::new(key),
            goods: if skus.is_empty() {
                vec![Good { barcode: barcode.map(str::to_owned), ..Good::default() }]
            } else {
                skus.iter().map(good).collect()
            },
            state: ListingState::Live,
            managed: true,
            oversells: false,
            unfit: None,
            level: None,
            places: Vec::new(),
            counter: None,
            item: None,
            vendor: None,
            product_type: None,
            tags: Vec::new(),
        }
    }

    fn matched(source: &[Listing], target: &[Listing]) -> Matching {
        let (shop, list) = (ChannelName::new("shop").unwrap(), ChannelName::new("list").unwrap());
        let source = Side { channel: &shop, listings: source };
        match_listings(source, &[Side { channel: &list, listings: target }], &Linked::default())
    }

    #[test]
    fn equal_skus_are_tied_near_ones_proposed_and_the_rest_told() {
        let source = [
            listing("s1", &["MUG"], None),
            listing("s2", &["CUP-1"], None),
            listing("s3", &["HAT"], Some("99")),
            listing("s4", &["X"], None),
            listing("s5", &["X"], None),
        ];
        let target = [
            listing("t1", &[" MUG "], None),
            listing("t2", &["cup_1"], None),
            listing("t3", &[], Some("99")),
            listing("t4", &["X"], None),
            listing("t5", &[], None),
            listing("t6", &["NEW"], None),
            listing("t7", &["D"], None),
            listing("t8", &["D"], None),
        ];
        let matching = matched(&source, &target);
        let ties: Vec<_> = matching.ties.iter().map(|tie| (tie.target.as_str(), tie.source.as_str())).collect();
        assert_eq!(ties, [("t1", "s1")]);
        let proposals: Vec<_> =
            matching.proposals.iter().map(|p| (p.target.as_str(), p.source.as_str(), p.why)).collect();
        assert_eq!(proposals, [("t2", "s2", Likeness::Spelling), ("t3", "s3", Likeness::Barcode)]);
        let mut alone: Vec<_> = matching.alone.iter().map(|alone| (alone.key.as_str(), alone.reason.clone())).collect();
        alone.sort();
        assert_eq!(
            alone,
            [
                ("s2", Reason::NotListed),
                ("s3", Reason::NotListed),
                ("s4", Reason::DuplicateHere),
                ("s5", Reason::DuplicateHere),
                ("t4", Reason::DuplicateOnSource),
                ("t5", Reason::SkuMissing),
                ("t6", Reason::NotOnSource),
                ("t7", Reason::DuplicateHere),
                ("t8", Reason::DuplicateHere),
            ]
        );
    }

    #[test]
    fn what_is_linked_under_another_sku_is_not_told_as_alone() {
        let (shop, list) = (ChannelName::new("shop").unwrap(), ChannelName::new("list").unwrap());
        let (source, target) = ([listing("s1", &["CUP-1"], None)], [listing("t1", &["cup_1"], None)]);
        let linked = Linked {
            targets: BTreeSet::from([(list.clone(), ListingKey::new("t1"), Sku::new("cup_1"))]),
            sources: BTreeSet::from([ListingKey::new("s1")]),
            gone: BTreeMap::new(),
        };
        let source = Side { channel: &shop, listings: &source };
        let matching = match_listings(source, &[Side { channel: &list, listings: &target }], &linked);
        assert_eq!((matching.linked, matching.alone, matching.proposals), (1, vec![], vec![]));
    }

    // proves L2: a listing with the SKU of a linked one that is gone is proposed in its place, whatever the source calls
    // it; one of two with that SKU is not, nor one that might take the place of either of two.
    #[test]
    fn what_was_put_up_anew_is_proposed_in_place_of_what_is_gone() {
        let (shop, list) = (ChannelName::new("shop").unwrap(), ChannelName::new("list").unwrap());
        let source = [listing("s1", &["MUG"], None), listing("s2", &["MILK"], None), listing("s3", &["CUP"], None)];
        let target = [
            listing("t1", &["MUG"], None),
            listing("t2", &["SIX"], None),
            listing("t3", &["TWIN"], None),
            listing("t4", &["TWIN"], None),
            listing("t5", &["CUP"], None),
        ];
        let gone = |sku: &str, keys: &[&str]| {
            ((list.clone(), Sku::new(sku).unwrap()), keys.iter().map(ListingKey::new).collect::<Vec<_>>())
        };
        let linked = Linked {
            gone: BTreeMap::from([
                gone("MUG", &["o1"]),
                gone("SIX", &["o2"]),
                gone("TWIN", &["o3"]),
                gone("CUP", &["o4", "o5"]),
            ]),
            ..Linked::default()
        };
        let source = Side { channel: &shop, listings: &source };
        let matching = match_listings(source, &[Side { channel: &list, listings: &target }], &linked);
        let relisted: Vec<_> = matching.relisted.iter().map(|r| (r.listing.as_str(), r.gone.as_str())).collect();
        assert_eq!(relisted, [("t1", "o1"), ("t2", "o2")]);
        let ties: Vec<_> = matching.ties.iter().map(|tie| tie.target.as_str()).collect();
        assert_eq!((ties, matching.proposals), (vec!["t5"], vec![]), "which of two is relisted, nobody can tell");
        let twins = matching.alone.iter().filter(|alone| alone.reason == Reason::DuplicateHere).count();
        assert_eq!(twins, 2);
    }

    // proves L2: the same on the source, also where nothing that follows bears its SKU; one that is linked takes no place.
    #[test]
    fn what_was_put_up_anew_on_the_source_is_proposed_too() {
        let (shop, list) = (ChannelName::new("shop").unwrap(), ChannelName::new("list").unwrap());
        let source = [
            listing("s1", &["MUG"], None),
            listing("s2", &["MILK"], None),
            listing("s3", &["TWIN"], None),
            listing("s4", &["TWIN"], None),
            listing("s5", &["CUP"], None),
        ];
        let target = [listing("t1", &["MUG"], None)];
        let gone = |sku: &str, key: &str| ((shop.clone(), Sku::new(sku).unwrap()), vec![ListingKey::new(key)]);
        let linked = Linked {
            targets: BTreeSet::from([(list.clone(), ListingKey::new("t1"), Sku::new("MUG"))]),
            sources: BTreeSet::from(["o1", "o2", "o3", "o4", "s5"].map(ListingKey::new)),
            gone: BTreeMap::from([gone("MUG", "o1"), gone("MILK", "o2"), gone("TWIN", "o3"), gone("CUP", "o4")]),
        };
        let source = Side { channel: &shop, listings: &source };
        let matching = match_listings(source, &[Side { channel: &list, listings: &target }], &linked);
        let relisted: Vec<_> = matching.relisted.iter().map(|r| (r.listing.as_str(), r.gone.as_str())).collect();
        assert_eq!(relisted, [("s1", "o1"), ("s2", "o2")]);
        let alone: Vec<_> = matching.alone.iter().map(|alone| (alone.key.as_str(), alone.reason.clone())).collect();
        assert_eq!(alone, [("s3", Reason::DuplicateHere), ("s4", Reason::DuplicateHere)]);
    }

    #[test]
    fn a_listing_with_several_skus_gets_a_tie_for_each() {
        let matching =
            matched(&[listing("s1", &["A"], None), listing("s2", &["B"], None)], &[listing("t", &["A", "B"], None)]);
        assert_eq!(matching.ties.len(), 2);
    }

    proptest! {
        // Every SKU of every listing is told of exactly once, in whatever order the listings come.
        #[test]
        fn every_listing_is_told_of_once(source in proptest::collection::vec("[AaB]?", 0..6), target in proptest::collection::vec("[AaB]?", 0..6)) {
            let make = |skus: &[String], side: &str| -> Vec<Listing> {
                skus.iter().enumerate().map(|(nth, sku)| listing(&format!("{side}{nth}"), &[sku], None)).collect()
            };
            let (source, target) = (make(&source, "s"), make(&target, "t"));
            let matching = matched(&source, &target);
            let told = matching.ties.len() + matching.proposals.len() + matching.alone.iter().filter(|alone| alone.channel.as_str() == "list").count();
            prop_assert_eq!(told, target.len());
            let (mut turned_source, mut turned_target) = (source.clone(), target.clone());
            turned_source.reverse();
            turned_target.reverse();
            prop_assert_eq!(matched(&turned_source, &turned_target), matching);
        }
    }
}
