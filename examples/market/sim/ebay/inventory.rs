//! What the Inventory interface shows of items and offers (4.5): those of its own model alone.

use serde_json::{Value, json};

use super::listings::{Model, is_single};
use super::offers::{LARGEST, group_key, invalid, inventory, multi_status};
use super::purchases::drift;
use super::rest::{Answered, Call};
use super::{Answer, Ebay, json_answer};
use crate::sim::{Trouble, World};

/// The most items of a page (4.5).
const PAGE: usize = 200;

impl Ebay {
    pub(super) fn inventory_items(&self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Answered {
        drift(self, world, troubles);
        let shop = world.shop(&self.shop);
        let ids: Vec<_> =
            shop.variants.iter().filter(|(_, v)| self.is_inventory(v.product)).map(|(id, _)| *id).collect();
        let refused = |_: &str| inventory(400, 25706, "You have provided invalid pagination values.");
        let limit = call.number("limit", 25, refused)?;
        let page = call.number("offset", 0, refused)?;
        if limit == 0 || limit > PAGE {
            return Err(refused(""));
        }
        let shown = ids.iter().skip(page * limit).take(limit);
        let items: Vec<_> = shown.map(|id| self.item_json(world, *id, troubles)).collect();
        // 4.5: the offset counts pages here.
        let address = |page: usize| format!("/sell/inventory/v1/inventory_item?limit={limit}&offset={page}");
        // The size is that of the list in pages.
        let pages = ids.len().div_ceil(limit);
        let mut body = json!({ "href": address(page), "total": ids.len(), "size": pages, "limit": limit });
        if page + 1 < pages {
            body["next"] = address(page + 1).into();
        }
        if page > 0 {
            body["prev"] = address(page - 1).into();
        }
        let count = items.len();
        if count > 0 {
            body["inventoryItems"] = items.into();
        }
        Ok(Answer { items: Some(count), ..json_answer(200, &body) })
    }

    pub(super) fn inventory_item(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        let unknown = || inventory(404, 25710, "We didn't find the resource/entity you are requesting.");
        let (variant, _) = self.inventory_variant(world, &call.key).ok_or_else(unknown)?;
        Ok(json_answer(200, &self.item_json(world, variant, troubles)))
    }

    pub(super) fn bulk_inventory_items(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        let requests = call.body["requests"].as_array().filter(|all| !all.is_empty());
        let requests = requests.ok_or_else(|| invalid("requests", "It is missing."))?;
        if requests.len() > LARGEST {
            let words = format!("The number of InventoryItems in the request cannot exceed {LARGEST}.");
            return Err(inventory(400, 25727, &words));
        }
        let skus: Vec<_> = requests.iter().map(|request| request["sku"].as_str().unwrap_or_default()).collect();
        let twice = |sku: &&str| skus.iter().filter(|one| *one == sku).count() > 1;
        if skus.iter().any(twice) {
            return Err(inventory(400, 25734, "SKU should be unique in the request."));
        }
        let said: Vec<_> = skus.iter().map(|sku| self.bulk_entry(world, sku, troubles)).collect();
        Ok(multi_status(&said))
    }

    fn bulk_entry(&self, world: &World, sku: &str, troubles: &[Trouble]) -> Value {
        let Some((variant, _)) = self.inventory_variant(world, sku) else {
            let error = inventory(404, 25702, &format!("SKU {sku} is not available in the system"));
            return json!({ "statusCode": 404, "sku": sku, "errors": [error.to_json()] });
        };
        json!({ "statusCode": 200, "sku": sku, "inventoryItem": self.item_json(world, variant, troubles) })
    }

    pub(super) fn offers_of(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        // 4.5: the parameter is optional in the description, and required all the same.
        let sku = call.said("sku").filter(|sku| !sku.is_empty()).ok_or_else(|| invalid("sku", "It is missing."))?;
        let none = || inventory(404, 25713, "This Offer is not available.");
        let (variant, product) = self.inventory_variant(world, sku).ok_or_else(none)?;
        let href = format!("/sell/inventory/v1/offer?{}", call.raw_query);
        let offer = self.offer_json(world, product, variant, troubles);
        Ok(json_answer(200, &json!({ "href": href, "total": 1, "size": 1, "limit": 100, "offers": [offer] })))
    }

    pub(super) fn one_offer(&self, world: &World, call: &Call, troubles: &[Trouble]) -> Answered {
        let none = || inventory(404, 25713, "This Offer is not available.");
        let (variant, _) = self.offers.iter().find(|(_, offer)| offer.id == call.key).ok_or_else(none)?;
        let product = world.shop(&self.shop).variants.get(variant).map(|variant| variant.product);
        let product = product.filter(|product| self.is_inventory(*product)).ok_or_else(none)?;
        Ok(json_answer(200, &self.offer_json(world, product, *variant, troubles)))
    }

    fn is_inventory(&self, product: u64) -> bool {
        self.listings.get(&product).is_some_and(|listing| listing.model == Model::Inventory)
    }

    fn item_json(&self, world: &World, variant: u64, troubles: &[Trouble]) -> Value {
        let shop = world.shop(&self.shop);
        let record = &shop.variants[&variant];
        let mut item = json!({ "sku": record.sku, "locale": "en_US", "condition": "NEW",
            "product": { "title": record.title },
            "availability": { "shipToLocationAvailability": {} } });
        if !troubles.contains(&Trouble::NoNumbers) {
            let quantity = self.both(world, record.product, variant).item;
            let stock = &mut item["availability"]["shipToLocationAvailability"];
            stock["quantity"] = quantity.into();
            if self.distributed.contains(&record.sku) {
                stock["availabilityDistributions"] = json!([{ "merchantLocationKey": "MAIN", "quantity": quantity }]);
            }
        }
        if !is_single(shop, &shop.products[&record.product]) {
            item["inventoryItemGroupKeys"] = json!([group_key(record.product)]);
        }
        item
    }

    fn offer_json(&self, world: &World, product: u64, variant: u64, troubles: &[Trouble]) -> Value {
        let shop = world.shop(&self.shop);
        let record = &shop.variants[&variant];
        let (listing, both) = (&self.listings[&product], self.both(world, product, variant));
        let published = self.is_published(product, variant);
        // What ended in another way is still published, as far as its offer knows [?].
        let known = published || (listing.ended.is_some() && !listing.withdrawn);
        let cents = record.cents;
        let mut offer = json!({ "offerId": self.offers[&variant].id, "sku": record.sku, "marketplaceId": "EBAY_US",
            "format": if listing.auction { "AUCTION" } else { "FIXED_PRICE" },
            "pricingSummary": { "price": { "currency": "USD", "value": format!("{}.{:02}", cents / 100, cents % 100) } },
            "listingDuration": "GTC", "status": if known { "PUBLISHED" } else { "UNPUBLISHED" } });
        if !troubles.contains(&Trouble::NoNumbers) {
            offer["availableQuantity"] = both.offer.into();
        }
        if known {
            let rows = self.rows(world, product, world.now);
            let sold = rows.iter().find(|row| row.variant == variant).map_or(0, |row| row.sold);
            let standing = match (published, rows.iter().any(|row| row.available > 0)) {
                (false, _) => "ENDED",
                (true, true) => "ACTIVE",
                (true, false) => "OUT_OF_STOCK",
            };
            offer["listing"] = json!({ "listingId": listing.item.to_string(), "listingStatus": standing,
                "soldQuantity": sold, "listingOnHold": self.on_hold.contains(&record.sku) });
        }
        offer
    }
}
