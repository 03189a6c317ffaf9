//! Lists of products and variations: filtered, sorted, cut into pages (2.8, 2.9, 3.2, 3.3).

use std::collections::BTreeSet;

use http::HeaderValue;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::catalog::{Entry, variations};
use super::params::{Moment, Paging, Params, only};
use super::site::with_page;
use super::{Answer, Call, Problem, Result, WooCommerce, json_answer};
use crate::sim::shelf::Shop;
use crate::sim::{Trouble, World};

const ORDERED_BY: [&str; 11] =
    ["date", "id", "include", "title", "slug", "modified", "price", "popularity", "rating", "menu_order", "post__in"];

const STATUSES: [&str; 7] = ["any", "future", "trash", "draft", "pending", "private", "publish"];

/// A record of a list with what it may be filtered and sorted by.
pub(super) struct Row<T> {
    pub what: T,
    pub id: u64,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// The bounds of time of a list.
pub(super) struct Bounds {
    zone: TimeZone,
    by_gmt: bool,
    after: Option<Moment>,
    before: Option<Moment>,
    modified_after: Option<Moment>,
    modified_before: Option<Moment>,
}

impl Bounds {
    pub fn new(face: &WooCommerce, params: &Params) -> Result<Self> {
        Ok(Self {
            zone: face.zone.clone(),
            by_gmt: params.flag("dates_are_gmt")?,
            after: params.moment("after")?,
            before: params.moment("before")?,
            modified_after: params.moment("modified_after")?,
            modified_before: params.moment("modified_before")?,
        })
    }

    pub fn hold<T>(&self, row: &Row<T>) -> bool {
        self.later(row.created, self.after)
            && self.earlier(row.created, self.before)
            && self.later(row.modified, self.modified_after)
            && self.earlier(row.modified, self.modified_before)
    }

    /// 2.8: exclusive, and in whole seconds.
    fn later(&self, time: Timestamp, bound: Option<Moment>) -> bool {
        bound.is_none_or(|bound| self.column(time) > self.value(bound))
    }

    fn earlier(&self, time: Timestamp, bound: Option<Moment>) -> bool {
        bound.is_none_or(|bound| self.column(time) < self.value(bound))
    }

    /// The column that is compared: the one in UTC with `dates_are_gmt`, else the one in the shop's time (1.1).
    fn column(&self, time: Timestamp) -> DateTime {
        let zone = if self.by_gmt { &TimeZone::UTC } else { &self.zone };
        whole(zone.to_datetime(time))
    }

    /// 1.1: a value with a zone is turned into the shop's time, whichever column it is then compared with.
    fn value(&self, bound: Moment) -> DateTime {
        whole(match bound {
            Moment::Bare(time) => time,
            Moment::Zoned(time) => self.zone.to_datetime(time),
        })
    }
}

impl WooCommerce {
    pub(super) fn list_products(&self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Result<Answer> {
        self.drift(world, troubles);
        let shop = self.here(world);
        let params = &call.params;
        let filter = Filter::new(self, params)?;
        // 3.2: asked by SKU, variations are found too.
        let products = shop.products.keys().filter(|id| self.orphanage != Some(**id)).map(|id| Entry::Product(*id));
        let variants = filter.skus.iter().flat_map(|_| shop.variants.keys());
        let variations = variants.filter_map(|id| self.entry(shop, *id));
        let all = products.chain(variations).filter(|entry| filter.fits(self, shop, *entry));
        self.paged_entries(world, call, all.collect(), troubles)
    }

    /// Lists the variations of one product, or of all (3.3).
    pub(super) fn list_variations(
        &self,
        world: &mut World,
        call: &Call,
        parent: Option<u64>,
        troubles: &[Trouble],
    ) -> Result<Answer> {
        self.drift(world, troubles);
        let shop = self.here(world);
        let ids: Vec<u64> = match parent {
            Some(parent) => {
                let code = "woocommerce_rest_product_invalid_id";
                let product = self.entry(shop, parent).filter(|entry| matches!(entry, Entry::Product(_)));
                variations(shop, product.ok_or_else(|| Problem::new(404, code, "Invalid ID."))?.id())
            }
            None => shop.variants.keys().copied().collect(),
        };
        let filter = Filter::new(self, &call.params)?;
        let entries = ids.into_iter().filter_map(|id| self.entry(shop, id));
        let all = entries.filter(|entry| matches!(entry, Entry::Variation(_)) && filter.fits(self, shop, *entry));
        self.paged_entries(world, call, all.collect(), troubles)
    }

    fn paged_entries(&self, world: &World, call: &Call, all: Vec<Entry>, troubles: &[Trouble]) -> Result<Answer> {
        let shop = self.here(world);
        let bounds = Bounds::new(self, &call.params)?;
        let by = call.params.choice("orderby", &ORDERED_BY, "date")?;
        let by_change = by == "modified" || bounds.modified_after.is_some() || bounds.modified_before.is_some();
        let rows = all.into_iter().map(|entry| {
            let product = match entry {
                Entry::Product(id) => id,
                Entry::Variation(id) => shop.variants[&id].product,
            };
            let created = shop.products[&product].stamps.first();
            // It takes a while to find out, and most lists do not ask.
            let modified = if by_change { self.modified(shop, entry) } else { created };
            Row { what: entry, id: entry.id(), created, modified }
        });
        let rows: Vec<_> = rows.filter(|row| bounds.hold(row)).collect();
        let (rows, paging, total) = cut(rows, &call.params, by)?;
        let shown = rows.into_iter().map(|row| {
            let shown = self.with_call_metas(world, call, row.what, troubles);
            let own_route = call.route.first().is_some_and(|first| first == "products") && call.route.len() > 1;
            if own_route { self.of_its_time(row.what, shown) } else { shown }
        });
        Ok(paged(call, shown.collect(), paging, total))
    }

    pub(super) fn one_product(&self, world: &World, call: &Call, id: u64, troubles: &[Trouble]) -> Result<Answer> {
        // 3.3: a variation is shown here too, though it is not written here.
        let entry = self.find(self.here(world), id, 404)?;
        Ok(self.single(world, call, entry, troubles))
    }

    pub(super) fn one_variation(
        &self,
        world: &World,
        call: &Call,
        parent: u64,
        id: u64,
        troubles: &[Trouble],
    ) -> Result<Answer> {
        let entry = self.variation_in(self.here(world), parent, id)?;
        let shown = self.of_its_time(entry, self.with_call_metas(world, call, entry, troubles));
        Ok(json_answer(200, &only(shown, call.params.fields().as_deref(), true)))
    }

    /// Finds a variation of a product (8).
    pub(super) fn variation_in(&self, shop: &Shop, parent: u64, id: u64) -> Result<Entry> {
        match self.entry(shop, id) {
            Some(entry @ Entry::Variation(_)) if self.parent_of(shop, id) == parent => Ok(entry),
            _ => Err(Problem::new(404, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")),
        }
    }

    /// Shows one record; it keeps its links, whatever fields are asked for (2.9).
    pub(super) fn single(&self, world: &World, call: &Call, entry: Entry, troubles: &[Trouble]) -> Answer {
        let shown = self.with_call_metas(world, call, entry, troubles);
        json_answer(200, &only(shown, call.params.fields().as_deref(), true))
    }

    /// 2.9: the meta data of a record can be filtered, since 7.x.
    fn with_call_metas(&self, world: &World, call: &Call, entry: Entry, troubles: &[Trouble]) -> Value {
        let (only, but) = (call.params.list("include_meta"), call.params.list("exclude_meta"));
        let mut shown = self.show(world, entry, troubles);
        if let Some(metas) = shown["meta_data"].as_array_mut().filter(|_| self.since(7, 0, 0)) {
            let named = |list: &Vec<String>, meta: &Value| list.iter().any(|key| meta["key"] == key.as_str());
            metas.retain(|meta| only.as_ref().is_none_or(|list| named(list, meta)));
            metas.retain(|meta| but.as_ref().is_none_or(|list| !named(list, meta)));
        }
        shown
    }

    /// Lists what has stock, of every kind (3.3).
    pub(super) fn stock_report(&self, world: &mut World, call: &Call, troubles: &[Trouble]) -> Result<Answer> {
        self.drift(world, troubles);
        let shop = self.here(world);
        let by = call.params.choice(
            "orderby",
            &["date", "id", "include", "title", "sku", "stock_status", "stock_quantity"],
            "stock_status",
        )?;
        let products = shop.products.keys().filter(|id| self.orphanage != Some(**id)).map(|id| Entry::Product(*id));
        let all = products.chain(shop.variants.keys().filter_map(|id| self.entry(shop, *id)));
        // 3.3: drafts are left out, private ones are in.
        let listed = all.filter(|entry| matches!(self.status(shop, *entry), "publish" | "private"));
        let listed = listed.filter(|entry| match entry {
            Entry::Product(_) => true,
            Entry::Variation(id) => {
                let product = shop.variants[id].product;
                self.orphanage == Some(product)
                    || matches!(self.status(shop, Entry::Product(product)), "publish" | "private")
            }
        });
        let rows = listed.map(|entry| Row { what: entry, id: entry.id(), created: world.now, modified: world.now });
        let (rows, paging, total) = cut(rows.collect(), &call.params, by)?;
        let shown = rows.into_iter().map(|row| {
            let record = self.show(world, row.what, troubles);
            // 3.3: what is not managed shows 0, so that `manage_stock` decides.
            let quantity = record.get("stock_quantity").map(|q| if q.is_null() { json!(0) } else { q.clone() });
            let mut shown = json!({ "id": row.id, "parent_id": record["parent_id"], "sku": record["sku"],
                "stock_status": record["stock_status"], "manage_stock": record["manage_stock"] });
            if let Some(quantity) = quantity {
                shown["stock_quantity"] = quantity;
            }
            shown
        });
        Ok(paged(call, shown.collect(), paging, total))
    }

    /// Lets records move while a list is read.
    pub(super) fn drift(&self, world: &mut World, troubles: &[Trouble]) {
        if troubles.contains(&Trouble::Drift) {
            world.drift(&self.shop);
        }
    }
}

/// Leaves out what is less than a second.
fn whole(time: DateTime) -> DateTime {
    DateTime::from_parts(time.date(), Time::constant(time.hour(), time.minute(), time.second(), 0))
}

/// The filters of a list of products.
struct Filter {
    skus: Option<BTreeSet<String>>,
    search: Vec<String>,
    status: &'static str,
    include: Option<BTreeSet<u64>>,
    exclude: Option<BTreeSet<u64>>,
    parents: Option<BTreeSet<u64>>,
    kind: Option<String>,
    stock_status: Option<String>,
}

impl Filter {
    fn new(face: &WooCommerce, params: &Params) -> Result<Self> {
        // 3.2: cut at commas and nowhere else, so that blanks after commas count; the whole is tried as one SKU too.
        let skus = params.text("sku").map(|text| text.split(',').chain([text.as_str()]).map(folded).collect());
        let list = params.get("sku").and_then(Value::as_array);
        let listed = list.map(|list| list.iter().filter_map(Value::as_str).map(folded).collect());
        // 3.2: 5.9 does not know the search, and ignores what it does not know.
        let search = params.list("search_sku").filter(|_| face.since(6, 0, 0)).unwrap_or_default();
        let set = |ids: Option<Vec<u64>>| ids.map(BTreeSet::from_iter);
        Ok(Self {
            skus: skus.or(listed),
            search: search.iter().map(|part| folded(part)).collect(),
            status: params.choice("status", &STATUSES, "any")?,
            include: set(params.ids("include")?),
            exclude: set(params.ids("exclude")?),
            parents: set(params.ids("parent")?),
            kind: params.text("type"),
            stock_status: params.text("stock_status"),
        })
    }

    fn fits(&self, face: &WooCommerce, shop: &Shop, entry: Entry) -> bool {
        let status = face.status(shop, entry);
        (if self.status == "any" { status != "trash" } else { status == self.status })
            && self.include.as_ref().is_none_or(|ids| ids.contains(&entry.id()))
            && self.exclude.as_ref().is_none_or(|ids| !ids.contains(&entry.id()))
            && self.of_family(face, shop, entry)
            && self.named(face.sku(shop, entry))
            && self.stock_status.as_ref().is_none_or(|wanted| wanted == face.stock_status(shop, entry))
    }

    fn of_family(&self, face: &WooCommerce, shop: &Shop, entry: Entry) -> bool {
        if self.parents.is_none() && self.kind.is_none() {
            return true;
        }
        let (parent, kind) = match entry {
            Entry::Product(id) => (0, face.kind(shop, id)),
            Entry::Variation(id) => (face.parent_of(shop, id), "variation"),
        };
        self.parents.as_ref().is_none_or(|ids| ids.contains(&parent))
            && self.kind.as_ref().is_none_or(|wanted| wanted == kind)
    }

    fn named(&self, sku: &str) -> bool {
        if self.skus.is_none() && self.search.is_empty() {
            return true;
        }
        let sku = folded(sku);
        self.skus.as_ref().is_none_or(|skus| !sku.is_empty() && skus.contains(&sku))
            && (self.search.is_empty() || self.search.iter().any(|part| sku.contains(part)))
    }
}

/// 3.2: the database takes no notice of case, nor of blanks at the end.
fn folded(sku: &str) -> String {
    sku.trim_end_matches(' ').to_lowercase()
}

/// Sorts rows and cuts the page that is asked for; ties are broken by id (2.8). Newest first, if nothing is said.
pub(super) fn cut<T>(mut rows: Vec<Row<T>>, params: &Params, by: &str) -> Result<(Vec<Row<T>>, Paging, usize)> {
    let descending = params.choice("order", &["asc", "desc"], "desc")? == "desc";
    let paging = params.paging()?;
    let seconds = |time: Timestamp| time.as_second();
    match by {
        "modified" => rows.sort_by_key(|row| (seconds(row.modified), row.id)),
        "date" => rows.sort_by_key(|row| (seconds(row.created), row.id)),
        _ => rows.sort_by_key(|row| row.id),
    }
    if descending {
        rows.reverse();
    }
    let total = rows.len();
    Ok((rows.into_iter().skip(paging.skip).take(paging.size).collect(), paging, total))
}

/// Makes the answer of a page: the totals stand in headers, and so do links that repeat the whole address (1.11).
pub(super) fn paged(call: &Call, shown: Vec<Value>, paging: Paging, total: usize) -> Answer {
    let fields = call.params.fields();
    // 2.9: in lists the links go where fields are asked for.
    let shown: Vec<_> = shown.into_iter().map(|record| only(record, fields.as_deref(), false)).collect();
    let items = shown.len();
    let mut answer = json_answer(200, &shown.into());
    let pages = total.div_ceil(paging.size);
    let link = |page: usize, rel: &str| format!("<{}>; rel=\"{rel}\"", with_page(&call.address, page));
    let before = (paging.page > 1).then(|| link(paging.page - 1, "prev"));
    let after = (paging.page < pages).then(|| link(paging.page + 1, "next"));
    let links: Vec<_> = before.into_iter().chain(after).collect();
    if !links.is_empty() {
        let links = HeaderValue::try_from(links.join(", ")).expect("an address is plain text");
        answer.headers.insert(http::header::LINK, links);
    }
    answer.headers.insert("x-wp-total", HeaderValue::from(total));
    answer.headers.insert("x-wp-totalpages", HeaderValue::from(pages));
    Answer { items: Some(items), ..answer }
}
