//! Everything that is tested from outside, in one binary.

#[allow(dead_code, unused_imports, reason = "each target uses another part of the simulator")]
#[path = "../../examples/market/sim/mod.rs"]
mod sim;

mod line;
mod sellers_example;
mod shops;
mod sim_shopify;
mod sim_shopify_writes;
mod sim_world;
