//! The image layout that `examples/oci_image` writes: the same bytes each time, and what the specification asks for.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use jiff::Timestamp;
use layout::{About, Entry, Image, USER, hex, root, write};
use oci_spec::image::{Arch, Digest, ImageConfiguration, ImageIndex, ImageManifest, MediaType, OciLayout, Os};

#[path = "../examples/oci_image/layout.rs"]
mod layout;

fn about() -> About {
    let labels = [("org.opencontainers.image.title", "tierwatch"), ("org.opencontainers.image.version", "0.1.0")];
    About {
        tag: "0.1.0".to_owned(),
        created: Timestamp::from_second(1_790_000_000).expect("a time"),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        gzip: true,
    }
}

fn images() -> Vec<Image> {
    let image = |arch, program: &[u8]| Image { arch, entries: root(program.to_vec(), b"certificates".to_vec()) };
    vec![image(Arch::Amd64, b"program for amd64"), image(Arch::ARM64, b"program for arm64")]
}

fn made(images: &[Image]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temp folder");
    let digest = write(&folder.path().join("layout"), images, &about()).expect("a layout");
    (folder, digest)
}

/// Every file of a folder with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        match entry.path() {
            path if path.is_dir() => {
                found.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
            }
            path => {
                found.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn two_builds_are_the_same_byte_for_byte() {
    let ((first, digest), (second, again)) = (made(&images()), made(&images()));
    assert_eq!(digest, again);
    assert_eq!(files(first.path()), files(second.path()));
    let mut reversed = images();
    reversed.iter_mut().for_each(|image| image.entries.reverse());
    assert_eq!(made(&reversed).1, digest, "the order in which files come does not matter");
    let mut other = images();
    other[0].entries.push(Entry::file("etc/hostname", "tierwatch\n", 0o444));
    assert_ne!(made(&other).1, digest, "what is in it does");
}

/// The blob behind a descriptor, held to its digest and size.
fn blob(layout: &Path, digest: &Digest, size: u64) -> Vec<u8> {
    let bytes = fs::read(layout.join("blobs/sha256").join(digest.digest())).expect("the blob is there");
    assert_eq!((hex(&bytes).as_str(), bytes.len() as u64), (digest.digest(), size));
    bytes
}

#[test]
fn the_layout_is_what_the_specification_asks_for() {
    let (folder, digest) = made(&images());
    let layout = folder.path().join("layout");
    assert_eq!(OciLayout::from_file(layout.join("oci-layout")).expect("oci-layout").image_layout_version(), "1.0.0");
    let index = ImageIndex::from_file(layout.join("index.json")).expect("an index");
    assert_eq!(digest, format!("sha256:{}", hex(&fs::read(layout.join("index.json")).expect("an index"))));
    let mut blobs = 0;
    for (listed, arch) in index.manifests().iter().zip([Arch::Amd64, Arch::ARM64]) {
        let platform = listed.platform().as_ref().expect("a platform");
        assert_eq!((platform.architecture(), platform.os()), (&arch, &Os::Linux));
        let manifest = blob(&layout, listed.digest(), listed.size());
        let manifest = ImageManifest::from_reader(&*manifest).expect("a manifest");
        let config = blob(&layout, manifest.config().digest(), manifest.config().size());
        let config = ImageConfiguration::from_reader(&*config).expect("a configuration");
        assert_eq!(config.architecture(), &arch);
        let runs = config.config().as_ref().expect("it says how it is run");
        assert_eq!(runs.user().as_deref(), Some("65532:65532"), "a number, so that runAsNonRoot can be checked");
        assert_eq!(runs.entrypoint().as_deref(), Some(&["/usr/bin/tierwatch".to_owned()][..]));
        let [layer] = &manifest.layers()[..] else { panic!("one layer") };
        assert_eq!(layer.media_type(), &MediaType::ImageLayerGzip);
        let packed = blob(&layout, layer.digest(), layer.size());
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut tar).expect("gzip");
        assert_eq!(config.rootfs().diff_ids(), &[format!("sha256:{}", hex(&tar))]);
        held_to_its_files(&tar);
        blobs += 3;
    }
    assert_eq!(fs::read_dir(layout.join("blobs/sha256")).expect("blobs").count(), blobs, "nothing else is there");
}

fn held_to_its_files(tar: &[u8]) {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("entries").map(|entry| {
        let entry = entry.expect("an entry");
        let header = entry.header();
        let name = entry.path().expect("a path").display().to_string();
        assert_eq!(header.mtime().expect("a time"), 1_790_000_000, "{name}");
        assert_eq!((header.username(), header.groupname()), (Ok(Some("")), Ok(Some(""))), "{name} names nobody");
        let writable = header.mode().expect("a mode") & 0o022 != 0;
        assert_eq!(writable, name == "tmp/", "{name} can be written by others");
        (name, header.mode().expect("a mode"), header.uid().expect("an owner"))
    });
    let entries: Vec<_> = entries.collect();
    assert!(entries.is_sorted_by_key(|(name, ..)| name.clone()), "{entries:?}");
    for wanted in [("usr/bin/tierwatch", 0o555, 0), ("tmp/", 0o1777, 0), ("var/lib/tierwatch/", 0o750, u64::from(USER))]
    {
        let found = entries.iter().find(|(name, ..)| name == wanted.0).expect(wanted.0);
        assert_eq!((found.1, found.2), (wanted.1, wanted.2), "{}", wanted.0);
    }
    let setuid = entries.iter().any(|(_, mode, _)| mode & 0o6000 != 0);
    assert!(!setuid, "nothing in it raises rights");
}
