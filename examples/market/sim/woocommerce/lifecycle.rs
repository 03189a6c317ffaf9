//! What buyers, owners and programs do to the orders and products of a WooCommerce shop beyond what every shop has.

use super::WooCommerce;
use super::catalog::entry_of_variant;
use crate::sim::{Good, ShopHandle, State, Who, World};

/// Where an order is edited, on which it depends whether stock moves (5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// By a program, through REST.
    Rest,
    /// By the owner, in the admin screens.
    Admin,
}

impl ShopHandle {
    /// Does something to the shop as a WooCommerce shop.
    fn woo<T>(&self, act: impl FnOnce(&mut WooCommerce, &mut World) -> T) -> T {
        self.market().face_and_world(self.name(), act)
    }

    /// Opens a port of the loopback for the shop, which then takes the address for its own. Credentials in plain sight
    /// are taken there as if it were https.
    pub async fn serve_woocommerce(&self) -> std::io::Result<std::net::SocketAddr> {
        let address = self.serve().await?;
        self.woo(|face, _| {
            let folder = face.home.split_once("://").and_then(|(_, rest)| Some(rest[rest.find('/')?..].to_owned()));
            face.home = format!("http://{address}{}", folder.unwrap_or_default());
            face.site.tls = super::Tls::Assumed;
        });
        Ok(address)
    }

    /// Adds a variable product that holds one stock for all its variations; returns its id.
    pub fn add_pool(&self, title: &str, units: i64, skus: &[&str]) -> u64 {
        self.woo(|face, world| {
            let product = world.add_product(&face.shop, title, &[]);
            let item = world.add_item(&face.shop, units);
            for sku in skus {
                world.add_variant(&face.shop, product, item, &Good::new(sku, 0));
            }
            face.pools.insert(product, item);
            product
        })
    }

    /// Returns the id that WooCommerce knows an SKU by: of a simple product, or of a variation.
    pub fn woo_id(&self, sku: &str) -> u64 {
        self.woo(|face, world| entry_of_variant(face.here(world), face.here(world).variant_of(sku)).id())
    }

    /// Returns the id of the product that an SKU is, or is a variation of.
    pub fn woo_parent(&self, sku: &str) -> u64 {
        self.woo(|face, world| {
            let shop = face.here(world);
            shop.variants[&shop.variant_of(sku)].product
        })
    }

    /// Lets another program write a number into the database past WooCommerce, so that no stamp tells of it (3.4).
    pub fn database_sets(&self, sku: &str, units: i64) {
        self.woo(|face, world| {
            let shop = face.here(world);
            let item = shop.item_of(sku);
            let last = shop.items[&item].levels.values().map(|level| level.stamps.last()).max().unwrap_or_default();
            let shown = face.begun.get(&item).filter(|(saved, _)| *saved == last).map_or(last, |(_, begun)| *begun);
            world.set_units(Who::OtherApp, &face.shop, sku, units);
            face.begun.insert(item, (world.now, shown));
        });
    }

    /// Gives a variable product an SKU of its own.
    pub fn set_parent_sku(&self, product: u64, sku: &str) {
        self.woo(|face, _| face.parent_skus.insert(product, sku.into()));
    }

    /// Makes a product one of another type: "external", "grouped", "bundle".
    pub fn set_type(&self, product: u64, kind: &str) {
        self.woo(|face, _| face.types.insert(product, kind.into()));
    }

    /// Lets the owner put the product of an SKU into the trash.
    pub fn trash(&self, sku: &str) {
        self.set_state(sku, State::Archived);
    }

    /// Places an order with a status. Nobody looks whether there is enough, as where a program or the owner places it.
    pub fn order_with(&self, status: &str, basket: &[(&str, i64)]) -> u64 {
        self.woo(|face, world| {
            let order = world.open_order(&face.shop);
            for (sku, units) in basket {
                let variant = world.shop(&face.shop).variant_of(sku);
                world.add_line(&face.shop, order, variant, *units);
            }
            face.released.insert(order);
            face.statuses.insert(order, "pending".into());
            face.change_status(world, order, status);
            order
        })
    }

    /// Gives an order another status, and lets the stock follow as this version does.
    pub fn set_order_status(&self, order: u64, status: &str) {
        self.woo(|face, world| face.change_status(world, order, status));
    }

    /// Refunds units of lines by their place in the order, putting them back or not; the status stays.
    pub fn refund(&self, order: u64, lines: &[(usize, i64)], restock: bool) {
        self.woo(|face, world| {
            let record = &face.here(world).orders[&order];
            let units: Vec<_> = lines
                .iter()
                .map(|(at, units)| (&record.lines[*at], *units))
                .map(|(line, units)| {
                    // 5.1: no more is put back than the line holds.
                    let back = if restock { units.min(line.held) } else { 0 };
                    (line.id, back, units - back)
                })
                .collect();
            let back: Vec<_> = units.iter().map(|(id, back, _)| (*id, *back)).filter(|(_, units)| *units > 0).collect();
            let gone: Vec<_> = units.iter().map(|(id, _, gone)| (*id, *gone)).filter(|(_, units)| *units > 0).collect();
            world.refund(&face.shop, order, &back, true);
            world.refund(&face.shop, order, &gone, false);
        });
    }

    /// Gives the n-th line of an order another quantity.
    pub fn edit_line(&self, order: u64, line: usize, units: i64, edit: Edit) {
        self.woo(|face, world| {
            let record = &face.here(world).orders[&order].lines[line];
            let (id, change) = (record.id, units - (record.units - record.removed));
            let moves = face.edit_moves(order, edit);
            if change < 0 {
                world.cut_line(&face.shop, order, id, -change, moves);
            } else {
                world.line_mut(&face.shop, order, id).units += change;
                if moves && change > 0 {
                    world.take_off(&face.shop, order, id, change);
                }
            }
            face.note_edit(world, order);
        });
    }

    /// Takes the n-th line out of an order.
    pub fn remove_line(&self, order: u64, line: usize, edit: Edit) {
        self.woo(|face, world| {
            let record = &face.here(world).orders[&order].lines[line];
            let (id, units) = (record.id, record.units - record.removed);
            let moves = face.edit_moves(order, edit);
            world.cut_line(&face.shop, order, id, units, moves);
            world.order_mut(&face.shop, order).lines.retain(|line| line.id != id);
            face.note_edit(world, order);
        });
    }

    /// Puts an order into the trash, or takes it out (1.12): the deduction stays.
    pub fn trash_order(&self, order: u64, trashed: bool) {
        self.woo(|face, world| {
            if trashed {
                face.trashed.insert(order)
            } else {
                face.trashed.remove(&order)
            };
            world.touch_order(&face.shop, order);
        });
    }

    /// Deletes an order for good (1.12): the deduction stays.
    pub fn delete_order(&self, order: u64) {
        self.woo(|face, world| world.shop_mut(&face.shop).orders.remove(&order));
    }
}

impl WooCommerce {
    /// 5.1, row by row.
    fn change_status(&mut self, world: &mut World, order: u64, status: &str) {
        assert!(self.has_status(status), "no status {status}");
        let takes = matches!(status, "on-hold" | "processing" | "completed");
        // 1.6: failed gives back since 11.0.0.
        let gives = matches!(status, "pending" | "cancelled") || (status == "failed" && self.since(11, 0, 0));
        if takes && self.released.remove(&order) {
            world.take_lines(&self.shop, order);
        } else if gives && self.released.insert(order) {
            world.give_lines_back(&self.shop, order);
        }
        self.statuses.insert(order, status.into());
        world.touch_order(&self.shop, order);
    }

    /// 5.1, 11: an edit through REST moves stock since 9.4.3 (8.2.2 does not), one in the admin screens always.
    fn edit_moves(&self, order: u64, edit: Edit) -> bool {
        !self.released.contains(&order) && (edit == Edit::Admin || self.since(9, 4, 0))
    }

    fn note_edit(&self, world: &mut World, order: u64) {
        world.order_mut(&self.shop, order).edited = true;
        world.touch_order(&self.shop, order);
    }
}
