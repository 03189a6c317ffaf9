//! `eys` keeps the stock of one shop equal on every sales channel, and explains every number.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::exit,
        clippy::dbg_macro
    )
)]
#![warn(missing_docs)]

pub mod app;
pub mod channel;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod net;
pub mod safeguard;
pub mod store;
pub mod ui;
