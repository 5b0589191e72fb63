//! Writes an OCI image layout of tierwatch without a container engine: `cargo run --example oci_image -- --help`.
//!
//! The same program and certificates give the same digest on every machine (docs/image.md).

mod layout;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Parser;
use jiff::Timestamp;
use layout::{About, Image};
use oci_spec::image::Arch;

/// Writes an OCI image layout with one image for each program.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program for an architecture, e.g. amd64=target/x86_64-unknown-linux-gnu/release/tierwatch; linked statically.
    #[arg(long = "program", value_name = "ARCH=FILE", required = true, value_parser = program)]
    programs: Vec<(Arch, PathBuf)>,
    /// Certificate authorities (PEM).
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    certificates: PathBuf,
    /// Where the layout is made; must not exist.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Under which the layout lists the images.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// When the sources were written, in seconds: `git log -1 --format=%ct`.
    #[arg(long, value_name = "SECONDS")]
    epoch: i64,
    /// The commit, for the image's label.
    #[arg(long, default_value = "")]
    revision: String,
}

fn program(text: &str) -> Result<(Arch, PathBuf), String> {
    match text.split_once('=') {
        Some(("amd64", file)) => Ok((Arch::Amd64, file.into())),
        Some(("arm64", file)) => Ok((Arch::ARM64, file.into())),
        Some(_) | None => Err("write amd64=FILE or arm64=FILE".to_owned()),
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("reading {}", file.display()))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    anyhow::ensure!(!arguments.out.exists(), "{} exists already", arguments.out.display());
    let certificates = read(&arguments.certificates)?;
    let mut images = Vec::new();
    for (arch, file) in arguments.programs {
        images.push(Image { arch, entries: layout::root(read(&file)?, certificates.clone()) });
    }
    let created = Timestamp::from_second(arguments.epoch).context("--epoch")?;
    let labels = [
        ("title", "tierwatch"),
        ("description", env!("CARGO_PKG_DESCRIPTION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("source", env!("CARGO_PKG_REPOSITORY")),
        ("version", env!("CARGO_PKG_VERSION")),
        ("revision", &arguments.revision),
    ];
    let labels = labels.iter().filter(|(_, value)| !value.is_empty());
    let labels: BTreeMap<_, _> =
        labels.map(|(name, value)| (format!("org.opencontainers.image.{name}"), (*value).to_owned())).collect();
    let about = About { tag: arguments.tag, created, labels, gzip: true };
    let digest = layout::write(&arguments.out, &images, &about)
        .with_context(|| format!("writing the layout into {}", arguments.out.display()))?;
    writeln!(io::stdout(), "{digest}").context("writing the digest")
}
