//! The daemon as users run it, in front of a large platform: 5 tiers, 20,000 job pods, 10,000 waiting jobs.
//!
//! The simulated GitLab and Kubernetes APIs live in this process, on loopback; the daemon is a process of its own, and
//! so is the plain client it is compared with. Prints one table, with the figure to reach beside each line.
//!
//! `cargo bench --bench load` takes about five minutes; `cargo bench --bench load -- hold churn` plays these parts only.

mod daemon;
mod parts;
mod peer;
#[path = "../platform/mod.rs"]
mod platform;
mod table;

use std::io::Write as _;

use anyhow::Result;

use parts::PARTS;
use table::Table;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some((peer::NAME, rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return runtime.block_on(peer::main(rest));
    }
    let mut table = Table::default();
    let mut broken = Vec::new();
    for (name, part) in PARTS {
        if args.is_empty() || args.iter().any(|wanted| wanted == name) {
            writeln!(std::io::stderr(), "load: {name} …")?;
            // What the other parts measure is worth having all the same.
            if let Err(error) = runtime.block_on(part(&mut table)) {
                broken.push(format!("{name}: {error:#}"));
            }
        }
    }
    write!(std::io::stdout(), "{}", table.render())?;
    anyhow::ensure!(broken.is_empty(), "these parts broke off:\n{}", broken.join("\n"));
    Ok(())
}
