//! What the listings of a shop at Etsy are to be at first, and what buyers and owners do there beyond what every shop has.

use std::collections::BTreeSet;

use super::Etsy;
use super::listings::{PropertyValue, Row, SIZE, Standing, Varies, key, listing_id};
use super::receipts::transaction_id;
use super::writes::title_of;
use crate::sim::{Good, ShopHandle, Turned, Who, World};

/// A listing to be.
#[derive(Clone, Debug)]
pub struct ListingSpec {
    /// Its title.
    pub title: String,
    /// Its products.
    pub products: Vec<ProductSpec>,
    /// What its fields depend on.
    pub varies: Varies,
    /// Whether it is a file to be loaded, which has no stock that counts.
    pub digital: bool,
    /// Its state.
    pub standing: Standing,
}

/// A product to be.
#[derive(Clone, Debug)]
pub struct ProductSpec {
    /// Its SKU; several may bear the same, and some none.
    pub sku: String,
    /// What tells it apart in its listing.
    pub values: Vec<PropertyValue>,
    /// The units of its group: those of the group's first product count.
    pub units: i64,
    /// Its price in hundredths.
    pub cents: i64,
}

impl ListingSpec {
    fn new(title: &str, products: Vec<ProductSpec>, varies: Varies) -> Self {
        Self { title: title.into(), products, varies, digital: false, standing: Standing::Active }
    }

    /// A listing without variations.
    pub fn single(sku: &str, units: i64) -> Self {
        let Good { title, cents, .. } = Good::new(sku, units);
        Self::new(&title, vec![ProductSpec { sku: sku.into(), values: Vec::new(), units, cents }], Varies::default())
    }

    /// A listing with a size for each good, which is also what the variant is called; stock and SKU of each its own.
    pub fn varied(title: &str, goods: &[Good]) -> Self {
        let prices: BTreeSet<_> = goods.iter().map(|good| good.cents).collect();
        let price = if prices.len() > 1 { vec![SIZE] } else { Vec::new() };
        let varies = Varies { price, quantity: vec![SIZE], sku: vec![SIZE], readiness: Vec::new() };
        let product = |good: &Good| ProductSpec {
            sku: good.sku.clone(),
            values: vec![PropertyValue::size(&good.title)],
            units: good.units,
            cents: good.cents,
        };
        Self::new(title, goods.iter().map(product).collect(), varies)
    }

    /// A listing whose sizes have SKUs of their own and one stock together.
    pub fn shared(title: &str, units: i64, skus: &[&str]) -> Self {
        let goods: Vec<_> = skus.iter().map(|sku| Good::new(sku, units)).collect();
        let mut listing = Self::varied(title, &goods);
        listing.varies.quantity.clear();
        listing
    }

    /// A listing with a product for each way to choose a value of each property. Stock and SKU depend on the first `own`
    /// properties: the SKU is the title in capitals with the values of those.
    pub fn grid(title: &str, properties: &[(&str, &[&str])], own: usize, units: i64) -> Self {
        let mut ways: Vec<Vec<PropertyValue>> = vec![Vec::new()];
        for (nth, (name, texts)) in (0..).zip(properties) {
            let value =
                |text: &&str| if nth == 0 { PropertyValue::size(text) } else { PropertyValue::own(nth, name, text) };
            let longer = |way: &Vec<PropertyValue>| -> Vec<_> {
                texts.iter().map(|text| way.iter().cloned().chain([value(text)]).collect()).collect()
            };
            ways = ways.iter().flat_map(longer).collect();
        }
        let on: Vec<u64> = ways[0].iter().take(own).map(|value| value.property).collect();
        let product = |values: Vec<PropertyValue>| {
            let named = values.iter().take(own).map(|value| value.text.to_uppercase());
            let sku = std::iter::once(title.to_uppercase()).chain(named).collect::<Vec<_>>().join("-");
            ProductSpec { sku, values, units, cents: 1250 }
        };
        let varies = Varies { quantity: on.clone(), sku: on, ..Varies::default() };
        Self::new(title, ways.into_iter().map(product).collect(), varies)
    }

    /// The same as a file to be loaded.
    #[must_use]
    pub fn digital(self) -> Self {
        Self { digital: true, ..self }
    }

    /// The same in another state.
    #[must_use]
    pub fn standing(self, standing: Standing) -> Self {
        Self { standing, ..self }
    }

    /// The same with parentheses in its values, as old listings have them: they can be read and not written (5).
    #[must_use]
    pub fn with_parentheses(mut self) -> Self {
        self.products.iter_mut().flat_map(|product| &mut product.values).for_each(|value| value.text += " (old)");
        self
    }
}

impl ShopHandle {
    /// Does something to the shop as one at Etsy, with all taken note of that happened before.
    pub(super) fn etsy<T>(&self, act: impl FnOnce(&mut Etsy, &mut World) -> T) -> T {
        self.market().face_and_world(self.name(), |face: &mut Etsy, world| {
            face.catch_up(world);
            act(face, world)
        })
    }

    /// Adds a listing to a shop at Etsy; returns its number.
    pub fn add_etsy_listing(&self, spec: &ListingSpec) -> u64 {
        self.etsy(|face, world| face.add(world, spec))
    }

    /// Returns the number of the listing that an SKU is in.
    pub fn etsy_listing(&self, sku: &str) -> u64 {
        self.etsy(|face, world| listing_id(product_with(face, world, sku)))
    }

    /// Tells the state of the listing that an SKU is in.
    pub fn etsy_standing(&self, sku: &str) -> Standing {
        self.etsy(|face, world| face.listings[&product_with(face, world, sku)].standing())
    }

    /// Returns what listing and renewing cost so far, in cents, as far as it was done by `who`.
    pub fn etsy_fees(&self, who: Who) -> i64 {
        self.etsy(|face, _| face.fees.iter().filter(|fee| fee.who == who).map(|fee| fee.cents).sum())
    }

    /// Returns the number of the n-th transaction of an order.
    pub fn etsy_transaction(&self, order: u64, line: usize) -> u64 {
        self.etsy(|face, world| transaction_id(world.shop(&face.shop).orders[&order].lines[line].id))
    }

    /// Sells several SKUs in an order whose payment is still on its way; the number is lower from now on (7).
    pub fn buy_processing(&self, basket: &[(&str, i64)]) -> Result<u64, Turned> {
        self.etsy(|face, world| {
            let order = world.buy(&face.shop, basket)?;
            let at_once = std::mem::replace(&mut face.pays_at_once, false);
            face.catch_up(world);
            face.pays_at_once = at_once;
            Ok(order)
        })
    }

    /// Lets a payment clear.
    pub fn clear_payment(&self, order: u64) {
        self.etsy(|face, world| face.clear(world, order));
    }

    /// Lets the owner cancel an order; whether the units come back is as the face has it (7) [?].
    pub fn cancel_receipt(&self, order: u64) {
        let restocks = self.etsy(|face, _| face.restocks);
        self.cancel(order, restocks);
    }

    /// Lets the owner give money back and cancel nothing: all of it, or a part.
    pub fn refund_money(&self, order: u64, all: bool) {
        self.etsy(|face, world| {
            let price = face.price_of(&world.shop(&face.shop).orders[&order]);
            let cents = if all { price } else { (price / 2).max(1) };
            face.money.entry(order).or_default().push((world.now, cents));
            world.touch_order(&face.shop, order);
        });
    }

    /// Lets the owner put another price on an SKU, in hundredths, wherever it is shown.
    pub fn owner_prices(&self, sku: &str, cents: i64) {
        self.etsy(|face, world| {
            let now = world.now;
            let shop = world.shop_mut(&face.shop);
            for id in shop.variants_of(sku).collect::<Vec<_>>() {
                let variant = shop.variants.get_mut(&id).expect("the variant is there");
                variant.cents = cents;
                let product = variant.product;
                shop.touch_product(product, now);
            }
            world.listing(Who::Owner, &face.shop, sku, format!("priced at {cents}"));
        });
    }

    /// Lets the owner give the listing of an SKU another title.
    pub fn owner_titles(&self, sku: &str, title: &str) {
        self.etsy(|face, world| {
            let (now, product) = (world.now, product_with(face, world, sku));
            let shop = world.shop_mut(&face.shop);
            shop.products.get_mut(&product).expect("the listing is there").title = title.into();
            shop.touch_product(product, now);
            world.listing(Who::Owner, &face.shop, sku, format!("titled {title}"));
        });
    }

    /// Lets the owner choose a processing profile for the listing of an SKU, or take it away, as old listings have none.
    pub fn owner_profiles(&self, sku: &str, profile: Option<u64>) {
        self.etsy(|face, world| {
            let (now, product) = (world.now, product_with(face, world, sku));
            let listing = face.listings.get_mut(&product).expect("the listing is there");
            listing.rows.iter_mut().for_each(|row| row.readiness = profile);
            world.shop_mut(&face.shop).touch_product(product, now);
        });
    }

    /// Lets the owner take the listing of an SKU off.
    pub fn owner_deactivates(&self, sku: &str) {
        self.owner_stands(sku, Standing::Inactive);
    }

    /// Lets the owner put the listing of an SKU on sale again: renewed for a fee where it is not paid for.
    pub fn owner_reactivates(&self, sku: &str) {
        self.etsy(|face, world| {
            let product = product_with(face, world, sku);
            face.reactivate(world, product, Who::Owner);
        });
    }

    /// Gives the listing of an SKU a state, whatever it had.
    pub fn owner_stands(&self, sku: &str, standing: Standing) {
        self.etsy(|face, world| {
            let (now, product) = (world.now, product_with(face, world, sku));
            face.stand(world, product, standing, now, Who::Owner);
        });
    }

    /// Returns the number of the product that an SKU is, which may be another one after any write.
    pub fn etsy_product(&self, sku: &str) -> u64 {
        self.etsy(|face, world| {
            let variant = world.shop(&face.shop).variant_of(sku);
            let listing = &face.listings[&product_with(face, world, sku)];
            listing.rows.iter().find(|row| row.variant == variant).expect("the product is there").product
        })
    }

    /// Gives a token that is good now, as the token endpoint does.
    pub fn etsy_token(&self) -> String {
        self.etsy(|face, world| face.give_token(world.now))
    }
}

impl Etsy {
    fn add(&mut self, world: &mut World, spec: &ListingSpec) -> u64 {
        let product = world.add_product(&self.shop, &spec.title, &[]);
        let mut items: Vec<(Vec<u64>, u64)> = Vec::new();
        let mut rows = Vec::new();
        for one in &spec.products {
            let key = key(&one.values, &spec.varies.quantity);
            let known = items.iter().find(|(other, _)| *other == key).map(|(_, item)| *item);
            let item = known.unwrap_or_else(|| world.add_item(&self.shop, one.units));
            items.push((key, item));
            let good = Good { title: title_of(&one.values), cents: one.cents, ..Good::new(&one.sku, one.units) };
            let variant = world.add_variant(&self.shop, product, item, &good);
            rows.push(Row::new(world, variant, one.values.clone(), spec.digital));
        }
        self.list_what_is_new(world);
        let listing = self.listings.get_mut(&product).expect("it was listed just now");
        (listing.rows, listing.varies, listing.digital) = (rows, spec.varies.clone(), spec.digital);
        if let Some(first) = listing.states.first_mut() {
            first.1 = spec.standing;
        }
        let record = world.shop_mut(&self.shop).products.get_mut(&product).expect("it was made just now");
        record.state = spec.standing.state();
        listing_id(product)
    }
}

/// Finds the product of the world that an SKU is listed in.
fn product_with(face: &Etsy, world: &World, sku: &str) -> u64 {
    let shop = world.shop(&face.shop);
    shop.variants[&shop.variant_of(sku)].product
}
