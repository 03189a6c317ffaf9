//! Everything that is tested from outside, in one binary.

/// The simulated shops ask for memory millions of times a day.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(dead_code, unused_imports, reason = "each target uses another part of the simulator")]
#[path = "../../examples/market/sim/mod.rs"]
mod sim;

mod browser;
mod cli_accounts;
mod cli_doctor;
mod cli_ebay;
mod cli_etsy;
mod cli_held;
mod cli_help;
mod cli_init;
mod cli_input;
mod cli_link;
mod cli_problems;
mod cli_relisted;
mod cli_rules;
mod cli_shared;
mod cli_silence;
mod cli_status;
mod cli_sync;
mod cli_undo;
mod cli_woocommerce;
mod contract;
mod counts;
mod days;
mod decoders;
mod ebay_again;
mod ebay_line;
mod ebay_shops;
mod etsy_line;
mod etsy_shops;
mod exports;
mod findings;
mod findings_abroad;
mod held_lines;
mod holds;
mod in_turn;
mod lanes_apart;
mod layers;
mod line;
mod locations;
mod newest;
mod orders;
mod owed;
mod quotas;
mod recipes;
mod relisted;
mod rules_proved;
mod second_thoughts;
mod sellers_example;
mod shops;
mod showing;
mod sim_ebay;
mod sim_ebay_orders;
mod sim_ebay_reads;
mod sim_ebay_writes;
mod sim_etsy;
mod sim_etsy_orders;
mod sim_etsy_reads;
mod sim_etsy_states;
mod sim_etsy_writes;
mod sim_shopify;
mod sim_shopify_writes;
mod sim_woocommerce;
mod sim_woocommerce_lists;
mod sim_woocommerce_orders;
mod sim_woocommerce_writes;
mod sim_world;
mod support;
mod tokens;
mod trouble;
mod undoing;
mod whose_state;
mod woo_confirming;
mod woo_counts;
mod woo_hosts;
mod woo_line;
mod woo_orders;
mod woo_sellers;
mod woo_stock;
mod woo_trouble;
