//! The shop's settings and what it runs on (7).

use serde_json::{Value, json};

use super::params::only;
use super::{Answer, Call, WooCommerce, json_answer};
use crate::sim::World;

/// Settings of which only the name matters here; there are 31 with those that matter.
const OTHERS: [&str; 25] = [
    "woocommerce_shop_page_id",
    "woocommerce_cart_redirect_after_add",
    "woocommerce_enable_ajax_add_to_cart",
    "woocommerce_placeholder_image",
    "woocommerce_weight_unit",
    "woocommerce_dimension_unit",
    "woocommerce_enable_reviews",
    "woocommerce_review_rating_verification_label",
    "woocommerce_review_rating_verification_required",
    "woocommerce_enable_review_rating",
    "woocommerce_review_rating_required",
    "woocommerce_notify_low_stock",
    "woocommerce_notify_no_stock",
    "woocommerce_stock_email_recipient",
    "woocommerce_notify_low_stock_amount",
    "woocommerce_file_download_method",
    "woocommerce_downloads_redirect_fallback_allowed",
    "woocommerce_downloads_require_login",
    "woocommerce_downloads_grant_access_after_payment",
    "woocommerce_downloads_deliver_inline",
    "woocommerce_downloads_add_hash_to_filename",
    "woocommerce_downloads_count_partial",
    "woocommerce_attribute_lookup_enabled",
    "woocommerce_attribute_lookup_direct_updates",
    "woocommerce_attribute_lookup_optimized_updates",
];

impl WooCommerce {
    pub(super) fn product_settings(&self, world: &World, call: &Call) -> Answer {
        let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
        let known = [
            ("woocommerce_manage_stock", yes(!self.here(world).uncounted)),
            ("woocommerce_hold_stock_minutes", "60".into()),
            ("woocommerce_hide_out_of_stock_items", yes(self.hides_out_of_stock)),
            ("woocommerce_notify_no_stock_amount", self.no_stock_amount.to_string()),
            ("woocommerce_stock_format", String::new()),
            ("woocommerce_downloads_restricted", "no".into()),
        ];
        let all = known.into_iter().chain(OTHERS.map(|id| (id, String::new())));
        let fields = call.params.fields();
        let shown = all.map(|(id, value)| {
            let setting = json!({ "id": id, "label": id, "type": "text", "value": value, "group_id": "products" });
            only(setting, fields.as_deref(), false)
        });
        json_answer(200, &shown.collect::<Vec<_>>().into())
    }

    /// Saves whether the shop counts stock at all, the one setting of which a write is played. No product is touched.
    pub(super) fn save_counting(&self, world: &mut World, call: &Call) -> Answer {
        if let Some(value) = call.params.text("value") {
            world.shop_mut(&self.shop).uncounted = value != "yes";
        }
        let value = if self.here(world).uncounted { "no" } else { "yes" };
        json_answer(200, &json!({ "id": "woocommerce_manage_stock", "value": value, "group_id": "products" }))
    }

    pub(super) fn system_status(&self, call: &Call) -> Answer {
        let store = if self.hpos {
            "Automattic\\WooCommerce\\Internal\\DataStores\\Orders\\OrdersTableDataStore"
        } else {
            "WC_Order_Data_Store_CPT"
        };
        let mut body = json!({
            "environment": { "home_url": self.home, "site_url": self.home, "version": self.version.to_string(),
                "wp_version": "6.9.1", "php_version": "8.2.0" },
            "settings": { "currency": "EUR" },
            "active_plugins": [{ "plugin": "woocommerce/woocommerce.php", "version": self.version.to_string() }],
            "security": { "secure_connection": self.home.starts_with("https") },
        });
        // 5.2: orders in tables of their own are there since 8.2.
        if self.since(8, 2, 0) {
            body["settings"]["order_datastore"] = Value::from(store);
        }
        json_answer(200, &only(body, call.params.fields().as_deref(), false))
    }
}
