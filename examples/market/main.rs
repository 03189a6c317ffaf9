//! The simulated market.

#[allow(dead_code, unused_imports, reason = "each target uses another part of the simulator")]
mod sim;

fn main() {}
