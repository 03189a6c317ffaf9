//! What Etsy keeps of its listings besides what the world knows (3): states and since when, products and offerings under
//! their numbers, the values that name them, and the levels at which a field varies.
//!
//! A product of the world is a listing, a variant of it a product at Etsy, and an item of it a quantity group: all
//! products that are equal in the values of `quantity_on_property`.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Etsy;
use crate::sim::shelf::{Product, Shop, Variant};
use crate::sim::{State, Who, World};

/// What numbers of listings begin with, of products and of offerings.
const LISTINGS: u64 = 1_700_000_000;
const NUMBERS: u64 = 9_000_000_000;

/// The property and the scale that variants are told apart by which somebody else made.
pub(super) const SIZE: u64 = 100;

/// The profile by which physical goods are processed in this shop.
pub const PROFILE: u64 = 700_001;

/// The most units of an offering (3).
pub const MOST: i64 = 999;

/// How long a listing runs: four months (6).
pub(super) const PERIOD: SignedDuration = SignedDuration::from_hours(24 * 122);

/// What an only variant is called, where there are no variations.
pub(super) const SOLE: &str = "Default Title";

/// A listing's state (3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be bought.
    Active,
    /// Somebody took it off the shop.
    Inactive,
    /// It was never published.
    Draft,
    /// Its last unit was bought at Etsy.
    SoldOut,
    /// Its four months are over.
    Expired,
}

/// The properties on which fields depend: none, some or all of them (3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Varies {
    /// What the price depends on.
    pub price: Vec<u64>,
    /// What the quantity depends on.
    pub quantity: Vec<u64>,
    /// What the SKU depends on.
    pub sku: Vec<u64>,
    /// What the processing profile depends on.
    pub readiness: Vec<u64>,
}

/// What names a product: one value of one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyValue {
    /// The property.
    pub property: u64,
    /// What the property is called.
    pub name: String,
    /// The scale that the value is of, with what it is called.
    pub scale: Option<(u64, String)>,
    /// The value's number.
    pub id: u64,
    /// The value.
    pub text: String,
}

/// A product at Etsy.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The variant in the world.
    pub variant: u64,
    /// Its number, and that of its offering; they may change with every write (5).
    pub product: u64,
    pub offering: u64,
    pub values: Vec<PropertyValue>,
    pub readiness: Option<u64>,
}

/// A product that was deleted.
#[derive(Clone, Debug)]
pub(super) struct Dead {
    pub row: Row,
    pub sku: String,
    pub cents: i64,
}

/// What is kept of a listing.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub digital: bool,
    pub varies: Varies,
    pub rows: Vec<Row>,
    pub dead: Vec<Dead>,
    /// Its states, oldest first; never empty.
    pub states: Vec<(Timestamp, Standing)>,
    /// When it was listed or renewed; lists go by it.
    pub listed: Timestamp,
    pub created: Timestamp,
    /// Until when it is paid for.
    pub ends: Timestamp,
    /// Whether it is renewed by itself then.
    pub renews: bool,
}

impl Standing {
    /// Etsy's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Draft => "draft",
            Self::SoldOut => "sold_out",
            Self::Expired => "expired",
        }
    }

    /// The world's word.
    pub(super) fn state(self) -> State {
        match self {
            Self::Active => State::Live,
            Self::Draft => State::Draft,
            Self::Inactive | Self::SoldOut | Self::Expired => State::Archived,
        }
    }
}

impl Row {
    pub fn new(world: &mut World, variant: u64, values: Vec<PropertyValue>, digital: bool) -> Self {
        let (product, offering) = (fresh_number(world), fresh_number(world));
        Self { variant, product, offering, values, readiness: (!digital).then_some(PROFILE) }
    }
}

impl Listing {
    pub fn standing(&self) -> Standing {
        self.states.last().expect("a listing has a state").1
    }

    /// Tells the state at a moment; `None` if the listing was not there yet.
    pub fn standing_at(&self, at: Timestamp) -> Option<Standing> {
        let past = self.states.iter().rev().find(|(since, _)| *since <= at);
        past.map(|(_, standing)| *standing)
    }

    /// Returns its properties, in their order.
    pub fn properties(&self) -> impl Iterator<Item = &PropertyValue> {
        self.rows.first().into_iter().flat_map(|row| &row.values)
    }
}

/// Gives a number to a product or an offering.
pub(super) fn fresh_number(world: &mut World) -> u64 {
    NUMBERS + world.id()
}

/// Writes the number of a listing.
pub(super) fn listing_id(product: u64) -> u64 {
    LISTINGS + product
}

/// Finds the product of the world that a number of a listing stands for.
pub(super) fn product_of(listing: u64) -> u64 {
    listing.saturating_sub(LISTINGS)
}

/// Returns what a product shares with all that a field does not tell apart which depends on these properties.
pub(super) fn key(values: &[PropertyValue], on: &[u64]) -> Vec<u64> {
    on.iter().map(|id| values.iter().find(|value| value.property == *id).map_or(0, |value| value.id)).collect()
}

/// Returns what a variant has, as it was at a moment.
pub(super) fn units(shop: &Shop, variant: &Variant, at: Timestamp) -> i64 {
    let level = shop.items.get(&variant.item).and_then(|item| item.levels.values().next());
    level.map_or(0, |level| level.available_at(at)).clamp(0, MOST)
}

/// Tells whether buyers are shown a variant, if its listing is active.
pub(super) fn enabled(variant: &Variant) -> bool {
    variant.hidden.is_empty()
}

impl Etsy {
    /// Takes note of products that somebody added, and of those that are gone.
    pub(super) fn list_what_is_new(&mut self, world: &mut World) {
        let shop = world.shop(&self.shop);
        let new: Vec<u64> = shop.products.range(self.newest + 1..).map(|(id, _)| *id).collect();
        for product in new {
            let listing = self.plain_listing(world, product);
            self.listings.insert(product, listing);
            self.newest = product;
        }
        let products = &world.shop(&self.shop).products;
        if products.len() < self.listings.len() {
            self.listings.retain(|product, _| products.contains_key(product));
        }
    }

    /// Makes a listing of what the world alone tells: sizes for variants, each field at the level that it takes.
    fn plain_listing(&self, world: &mut World, product: u64) -> Listing {
        let shop = world.shop(&self.shop);
        let record = &shop.products[&product];
        let all: Vec<_> = record.variants.iter().map(|id| (*id, &shop.variants[id])).collect();
        let single = matches!(all.as_slice(), [(_, only)] if only.title == SOLE);
        let differs = |several: bool| if several && !single { vec![SIZE] } else { Vec::new() };
        let varies = Varies {
            price: differs(all.iter().map(|(_, v)| v.cents).collect::<BTreeSet<_>>().len() > 1),
            quantity: differs(all.iter().map(|(_, v)| v.item).collect::<BTreeSet<_>>().len() > 1),
            sku: differs(all.iter().map(|(_, v)| &v.sku).collect::<BTreeSet<_>>().len() > 1),
            readiness: Vec::new(),
        };
        let titles: Vec<_> = all.iter().map(|(id, variant)| (*id, variant.title.clone())).collect();
        let (made, standing) = (record.stamps.first(), standing_of(record));
        let values = |title: &str| if single { Vec::new() } else { vec![PropertyValue::size(title)] };
        let rows = titles.iter().map(|(id, title)| Row::new(world, *id, values(title), false)).collect();
        Listing {
            digital: false,
            varies,
            rows,
            dead: Vec::new(),
            states: vec![(made, standing)],
            listed: made,
            created: made,
            ends: made + PERIOD,
            renews: true,
        }
    }

    /// Returns the number of the shop's buyers-can-have of a listing, as it was at a moment: 3, the sum of what is offered.
    pub(super) fn total(&self, world: &World, product: u64, at: Timestamp) -> i64 {
        let shop = world.shop(&self.shop);
        let variants = self.listings[&product].rows.iter().filter_map(|row| shop.variants.get(&row.variant));
        variants.filter(|variant| enabled(variant)).map(|variant| units(shop, variant, at)).sum()
    }

    /// Gives a listing another state.
    pub(super) fn stand(&mut self, world: &mut World, product: u64, to: Standing, at: Timestamp, who: Who) {
        let Some(listing) = self.listings.get_mut(&product) else { return };
        listing.states.push((at, to));
        let now = world.now;
        let shop = world.shop_mut(&self.shop);
        let Some(record) = shop.products.get_mut(&product) else { return };
        record.state = to.state();
        record.stamps.push(now);
        let sku = record.variants.first().map(|id| shop.variants[id].sku.clone()).unwrap_or_default();
        world.listing(who, &self.shop, &sku, format!("{} at Etsy", to.word()));
    }
}

impl PropertyValue {
    /// A size.
    pub fn size(text: &str) -> Self {
        let scale = Some((327, "Letter".to_owned()));
        Self { property: SIZE, name: "Size".into(), scale, id: value_id(text), text: text.into() }
    }

    /// A value of a property of the seller's own.
    pub fn own(nth: u64, name: &str, text: &str) -> Self {
        Self { property: 513 + nth, name: name.into(), scale: None, id: value_id(text), text: text.into() }
    }
}

/// The same text has the same number.
pub(super) fn value_id(text: &str) -> u64 {
    5_000 + text.bytes().fold(7, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 1_000_000_007)
}

pub(super) fn standing_of(product: &Product) -> Standing {
    match product.state {
        State::Live | State::Unlisted => Standing::Active,
        State::Draft => Standing::Draft,
        State::Archived => Standing::Inactive,
    }
}
