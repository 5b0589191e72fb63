//! Starts tierwatch; everything else lives in the library.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
