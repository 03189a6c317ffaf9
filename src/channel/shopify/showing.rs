//! Hiding variants, ending products, and bringing back just what was there before (section 7 of Shopify's facts).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shopify;
use super::api::Document;
use super::wire::{Nodes, item_gid};
use crate::channel::{ChannelError, ErrorKind, Mend, Outcome, Repeat, Result, Showing, Standing, printable};
use crate::domain::ListingKey;

const ITEM: Document = Document { text: include_str!("item.graphql"), operation: "looking at a listing", cost: 15.0 };
const PUBLICATIONS: Document =
    Document { text: include_str!("publications.graphql"), operation: "reading the sales channels", cost: 10.0 };
const PUBLISHED: Document =
    Document { text: include_str!("published.graphql"), operation: "looking at a listing", cost: 2.0 };
const PUBLISH: Document =
    Document { text: include_str!("publish.graphql"), operation: "showing a listing", cost: 10.0 };
const UNPUBLISH: Document =
    Document { text: include_str!("unpublish.graphql"), operation: "hiding a listing", cost: 10.0 };
const STATUS: Document = Document { text: include_str!("status.graphql"), operation: "ending a listing", cost: 10.0 };
const TRACK: Document = Document { text: include_str!("track.graphql"), operation: "turning tracking on", cost: 10.0 };
const POLICY: Document =
    Document { text: include_str!("policy.graphql"), operation: "stopping sales below zero", cost: 10.0 };
const ACTIVATE: Document =
    Document { text: include_str!("activate.graphql"), operation: "stocking a listing", cost: 10.0 };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemAnswer {
    /// Null where it was deleted.
    #[serde(deserialize_with = "Option::deserialize")]
    inventory_item: Option<ItemNode>,
}

#[derive(Deserialize)]
struct ItemNode {
    variants: Nodes<VariantNode>,
}

#[derive(Clone, Deserialize)]
struct VariantNode {
    id: String,
    product: ProductNode,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductNode {
    id: String,
    status: String,
    total_inventory: i64,
}

#[derive(Deserialize)]
struct PublicationsAnswer {
    publications: Nodes<IdNode>,
}

#[derive(Deserialize)]
struct IdNode {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedAnswer {
    #[serde(deserialize_with = "Option::deserialize")]
    product_variant: Option<PublishedNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedNode {
    published_on_publication: bool,
}

/// What a listing was: which variants could be seen where, and the status of their products.
#[derive(Serialize, Deserialize)]
struct Former {
    variants: Vec<(String, Vec<String>)>,
    products: Vec<(String, String)>,
}

impl Shopify {
    async fn variants(&self, key: &ListingKey) -> Result<Option<Vec<VariantNode>>> {
        let answer: ItemAnswer = self.api.ask(ITEM, json!({ "id": item_gid(key) })).await?;
        Ok(answer.inventory_item.map(|item| item.variants.nodes))
    }

    /// Tells where a listing can be seen now.
    pub(super) async fn stands(&self, key: &ListingKey) -> Result<Option<Standing>> {
        let Some(variants) = self.variants(key).await? else { return Ok(None) };
        let publications: PublicationsAnswer = self.api.ask(PUBLICATIONS, json!({})).await?;
        let mut former = Former { variants: Vec::new(), products: Vec::new() };
        for variant in variants {
            let mut seen = Vec::new();
            for publication in &publications.publications.nodes {
                let variables = json!({ "id": variant.id, "publication": publication.id });
                let answer: PublishedAnswer = self.api.ask(PUBLISHED, variables).await?;
                if answer.product_variant.is_some_and(|variant| variant.published_on_publication) {
                    seen.push(publication.id.clone());
                }
            }
            former.variants.push((variant.id, seen));
            former.products.push((variant.product.id, variant.product.status));
        }
        former.products.dedup();
        let published = former.variants.iter().any(|(_, seen)| !seen.is_empty());
        let live = published && former.products.iter().any(|(_, status)| status == "ACTIVE");
        let text = serde_json::to_string(&former)
            .map_err(|error| ChannelError::unexpected(ITEM.operation, error.to_string()))?;
        Ok(Some(Standing { live, former: text, anew: None }))
    }

    /// Hides the variants where they can be seen, ends their products, or brings back just that.
    pub(super) async fn change_visibility(&self, key: &ListingKey, act: &Showing) -> Result<Outcome> {
        let (Showing::Hide { former } | Showing::End { former } | Showing::Show { former }) = act;
        let former: Former = serde_json::from_str(former).map_err(|error| {
            ChannelError::unexpected(ITEM.operation, format!("what it was is not readable: {error}"))
        })?;
        let outcomes = match act {
            Showing::Hide { .. } => self.publish(UNPUBLISH, &former).await?,
            Showing::Show { .. } => {
                let mut outcomes = self.publish(PUBLISH, &former).await?;
                for (product, status) in &former.products {
                    outcomes.push(self.status(product, status).await?);
                }
                outcomes
            }
            Showing::End { .. } => self.end(key, &former).await?,
        };
        let refused = outcomes.into_iter().find(|outcome| !matches!(outcome, Outcome::Done { .. }));
        Ok(refused.unwrap_or(Outcome::Done { echo: None }))
    }

    async fn publish(&self, document: Document, former: &Former) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for (variant, publications) in former.variants.iter().filter(|(_, publications)| !publications.is_empty()) {
            let input: Vec<Value> = publications.iter().map(|id| json!({ "publicationId": id })).collect();
            let answer: Value = self.api.ask(document, json!({ "id": variant, "input": input })).await?;
            outcomes.push(written(&answer, document.operation));
        }
        Ok(outcomes)
    }

    /// Archives the products of a listing, if none of their other variants has stock: the whole product goes.
    async fn end(&self, key: &ListingKey, former: &Former) -> Result<Vec<Outcome>> {
        let variants = self.variants(key).await?.unwrap_or_default();
        if variants.iter().any(|variant| variant.product.total_inventory > 0) {
            let message = "other variants of the product have stock, and archiving it would end them too";
            let error = ChannelError::new(ErrorKind::Refused, Repeat::Never, STATUS.operation, message)
                .with_next("use `zero_stock = \"hide\"` for this channel: it hides the variant alone");
            return Ok(vec![Outcome::Refused(error)]);
        }
        let mut outcomes = Vec::new();
        for (product, _) in &former.products {
            outcomes.push(self.status(product, "ARCHIVED").await?);
        }
        Ok(outcomes)
    }

    async fn status(&self, product: &str, status: &str) -> Result<Outcome> {
        let answer: Value = self.api.ask(STATUS, json!({ "product": { "id": product, "status": status } })).await?;
        Ok(written(&answer, STATUS.operation))
    }

    /// Mends one listing, as `doctor --fix` asks.
    pub(super) async fn mend_listing(&self, mend: &Mend) -> Result<Outcome> {
        let Some(key) = &mend.listing else { return Ok(Outcome::Gone) };
        let item = item_gid(key);
        match mend.act {
            "track" => {
                let answer: Value = self.api.ask(TRACK, json!({ "id": item })).await?;
                Ok(written(&answer, TRACK.operation))
            }
            "activate" => {
                let (place, _) = self.places().await?;
                let variables = json!({ "item": item, "location": place.id, "key": format!("activate-{key}") });
                let answer: Value = self.api.ask(ACTIVATE, variables).await?;
                Ok(written(&answer, ACTIVATE.operation))
            }
            _ => self.stop_below_zero(key).await,
        }
    }

    async fn stop_below_zero(&self, key: &ListingKey) -> Result<Outcome> {
        let Some(variants) = self.variants(key).await? else { return Ok(Outcome::Gone) };
        for variant in variants {
            let change = json!([{ "id": variant.id, "inventoryPolicy": "DENY" }]);
            let answer: Value =
                self.api.ask(POLICY, json!({ "productId": variant.product.id, "variants": change })).await?;
            let outcome = written(&answer, POLICY.operation);
            if !matches!(outcome, Outcome::Done { .. }) {
                return Ok(outcome);
            }
        }
        Ok(Outcome::Done { echo: None })
    }
}

/// Reads what became of a mutation whose errors carry no code.
fn written(answer: &Value, operation: &'static str) -> Outcome {
    let payload = answer.as_object().and_then(|fields| fields.values().next());
    let Some(errors) = payload.and_then(|payload| payload["userErrors"].as_array()) else {
        let error = ChannelError::unexpected(operation, "Shopify's answer has no result for the write");
        return Outcome::Unknown(error);
    };
    match errors.first() {
        None => Outcome::Done { echo: None },
        Some(error) => {
            let said = printable(error["message"].as_str().unwrap_or("without a word"), 300);
            let message = format!("Shopify refuses it: {said}");
            Outcome::Refused(ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves P5, X8: what an answer leaves out is neither gone, nor out of sight, nor without stock.
    #[test]
    fn what_an_answer_leaves_out_says_nothing() {
        let product = json!({ "id": "p", "status": "ACTIVE", "totalInventory": 0 });
        let answer = json!({ "inventoryItem": { "variants": { "nodes": [{ "id": "v", "product": product }] } } });
        let read = |answer: &Value| serde_json::from_value::<ItemAnswer>(answer.clone()).map(|_| ());
        assert!(read(&answer).is_ok() && read(&json!({ "inventoryItem": null })).is_ok());
        let product = "/inventoryItem/variants/nodes/0/product";
        for (place, field) in [("", "inventoryItem"), ("/inventoryItem", "variants"), (product, "totalInventory")] {
            let mut answer = answer.clone();
            answer.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
            let error = read(&answer).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
        assert!(serde_json::from_value::<PublishedAnswer>(json!({})).is_err());
    }
}
