//! The program `eys`: everything it does is in the library; here a result becomes an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(eys::cli::run(std::env::args_os()))
}
