//! Everything that is tested from outside, in one binary.

#[allow(dead_code, unused_imports, reason = "each target uses another part of the simulator")]
#[path = "../../examples/market/sim/mod.rs"]
mod sim;

mod counts;
mod days;
mod holds;
mod line;
mod orders;
mod recipes;
mod sellers_example;
mod shops;
mod showing;
mod sim_shopify;
mod sim_shopify_writes;
mod sim_world;
mod trouble;
