//! Starts tierwatch; everything else lives in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tierwatch::cli::main(std::env::args_os(), std::env::vars_os(), tierwatch::commands::run)
}
