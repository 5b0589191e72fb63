//! An OCI image layout, written byte for byte the same from the same files: fixed order, owners, times, and no names of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use oci_spec::image::{
    ANNOTATION_REF_NAME, Arch, ConfigBuilder, Descriptor, DescriptorBuilder, HistoryBuilder, ImageConfigurationBuilder,
    ImageIndexBuilder, ImageManifestBuilder, MediaType, Os, PlatformBuilder, RootFsBuilder, SCHEMA_VERSION,
    Sha256Digest,
};
use serde::Serialize;
use serde_json::Value;

/// The user of the image, as the chart has it: no name of any machine, and above 10,000.
pub const USER: u32 = 65_532;

/// A file or a folder of the image.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Without a leading slash; a folder ends in one.
    pub path: String,
    pub bytes: Vec<u8>,
    pub mode: u32,
    pub owner: u32,
}

impl Entry {
    /// A file that belongs to root and that nobody may write.
    pub fn file(path: &str, bytes: impl Into<Vec<u8>>, mode: u32) -> Self {
        Self { path: path.to_owned(), bytes: bytes.into(), mode, owner: 0 }
    }

    pub fn folder(path: &str, mode: u32, owner: u32) -> Self {
        Self { path: format!("{path}/"), bytes: Vec::new(), mode, owner }
    }
}

/// The image for one architecture.
#[derive(Debug, Clone)]
pub struct Image {
    pub arch: Arch,
    pub entries: Vec<Entry>,
}

/// What all images of a layout say of themselves.
#[derive(Debug, Clone)]
pub struct About {
    /// Under which the layout lists the images.
    pub tag: String,
    /// When the sources were written (`SOURCE_DATE_EPOCH`); the time of every file.
    pub created: Timestamp,
    /// The labels of `org.opencontainers.image`.
    pub labels: BTreeMap<String, String>,
    /// Whether the layer is compressed: for a registry always, for a quick look at it never.
    pub gzip: bool,
}

/// What belongs into an image beside the program: who runs it, whom it trusts, where it may write.
pub fn root(program: Vec<u8>, certificates: Vec<u8>) -> Vec<Entry> {
    let passwd = format!("root:x:0:0:root:/root:/sbin/nologin\ntierwatch:x:{USER}:{USER}:tierwatch:/:/sbin/nologin\n");
    let group = format!("root:x:0:\ntierwatch:x:{USER}:\n");
    vec![
        Entry::file("etc/passwd", passwd, 0o444),
        Entry::file("etc/group", group, 0o444),
        // The C library asks this file who knows names, and without it takes a default of its own.
        Entry::file("etc/nsswitch.conf", "hosts: files dns\n", 0o444),
        Entry::file("etc/ssl/certs/ca-certificates.crt", certificates, 0o444),
        Entry::folder("tmp", 0o1777, 0),
        Entry::file("usr/bin/tierwatch", program, 0o555),
        Entry::folder("var/lib/tierwatch", 0o750, USER),
    ]
}

/// Writes the layout into a folder, which is made; the digest of its index.
pub fn write(folder: &Path, images: &[Image], about: &About) -> io::Result<String> {
    let blobs = Blobs { folder };
    fs::create_dir_all(folder.join("blobs/sha256"))?;
    let mut manifests = Vec::new();
    for image in images {
        manifests.push(manifest(&blobs, image, about)?);
    }
    let index = ImageIndexBuilder::default().schema_version(SCHEMA_VERSION).media_type(MediaType::ImageIndex);
    let index = canonical(&index.manifests(manifests).build().map_err(io::Error::other)?)?;
    fs::write(folder.join("index.json"), &index)?;
    fs::write(folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    Ok(format!("sha256:{}", hex(&index)))
}

fn manifest(blobs: &Blobs<'_>, image: &Image, about: &About) -> io::Result<Descriptor> {
    let tar = layer(&image.entries, about.created)?;
    let diff_id = format!("sha256:{}", hex(&tar));
    let (kind, bytes) = match about.gzip {
        true => (MediaType::ImageLayerGzip, compress(&tar)?),
        false => (MediaType::ImageLayer, tar),
    };
    let layer = blobs.put(kind, &bytes)?;

    let created = about.created.to_string();
    let config = ConfigBuilder::default()
        .user(format!("{USER}:{USER}"))
        .entrypoint(["/usr/bin/tierwatch".to_owned()])
        .cmd(["run".to_owned()])
        .env(["PATH=/usr/bin".to_owned()])
        .working_dir("/")
        .exposed_ports(["10471/tcp".to_owned()])
        .labels(about.labels.clone().into_iter().collect::<std::collections::HashMap<_, _>>())
        .build()
        .map_err(io::Error::other)?;
    let root = RootFsBuilder::default().typ("layers").diff_ids([diff_id]).build().map_err(io::Error::other)?;
    let history = HistoryBuilder::default().created(created.clone()).created_by("oci_image").build();
    let configuration = ImageConfigurationBuilder::default()
        .created(created)
        .architecture(image.arch.clone())
        .os(Os::Linux)
        .config(config)
        .rootfs(root)
        .history([history.map_err(io::Error::other)?])
        .build()
        .map_err(io::Error::other)?;
    let config = blobs.put(MediaType::ImageConfig, &canonical(&configuration)?)?;

    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(config)
        .layers([layer])
        .build()
        .map_err(io::Error::other)?;
    let mut listed = blobs.put(MediaType::ImageManifest, &canonical(&manifest)?)?;
    let platform = PlatformBuilder::default().architecture(image.arch.clone()).os(Os::Linux).build();
    listed.set_platform(Some(platform.map_err(io::Error::other)?));
    listed.set_annotations(Some([(ANNOTATION_REF_NAME.to_owned(), about.tag.clone())].into()));
    Ok(listed)
}

/// Folders before what lies in them, everything in the order of its name.
fn layer(entries: &[Entry], created: Timestamp) -> io::Result<Vec<u8>> {
    let mut all: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in entries {
        let parents = entry.path.trim_end_matches('/').match_indices('/').map(|(at, _)| &entry.path[..at]);
        for parent in parents {
            let folder = Entry::folder(parent, 0o755, 0);
            all.entry(folder.path.clone()).or_insert(folder);
        }
        all.insert(entry.path.clone(), entry.clone());
    }
    let mut tar = tar::Builder::new(Vec::new());
    for entry in all.values() {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(if entry.path.ends_with('/') {
            tar::EntryType::Directory
        } else {
            tar::EntryType::Regular
        });
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(entry.mode);
        header.set_uid(entry.owner.into());
        header.set_gid(entry.owner.into());
        header.set_mtime(u64::try_from(created.as_second()).unwrap_or_default());
        tar.append_data(&mut header, &entry.path, &*entry.bytes)?;
    }
    tar.into_inner()
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // No name and no time in the header.
    let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    gzip.finish()
}

struct Blobs<'a> {
    folder: &'a Path,
}

impl Blobs<'_> {
    fn put(&self, kind: MediaType, bytes: &[u8]) -> io::Result<Descriptor> {
        let name = hex(bytes);
        fs::write(self.folder.join("blobs/sha256").join(&name), bytes)?;
        let digest: Sha256Digest = name.parse().map_err(io::Error::other)?;
        let descriptor = DescriptorBuilder::default().media_type(kind).size(bytes.len() as u64).digest(digest);
        descriptor.build().map_err(io::Error::other)
    }
}

/// JSON with its members in the order of their names: the specification's types keep theirs in hash maps.
fn canonical(value: &impl Serialize) -> io::Result<Vec<u8>> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let by_name: BTreeMap<_, _> = members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
                Value::Object(by_name.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
        }
    }
    Ok(serde_json::to_vec(&sorted(serde_json::to_value(value)?))?)
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
