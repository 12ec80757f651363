//! Images and programs that tests make by hand.

use std::collections::BTreeMap;
use std::io::Write;

use ci_oci::manifest::media_type;
use ci_oci::{Digest, ImageConfig, Layout, Platform, assembly};
use tempfile::TempDir;
use test_support::archive::Layer;

use crate::{
    Bom, Checksum, ChecksumAlgorithm, Ecosystem, License, Package, Programs, Role, ScanError,
    Subject, of_image,
};

/// A layer of these files.
pub(crate) fn layer(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut layer = Layer::new();
    for (path, content) in files {
        layer.file(path, 0o644, (0, 0), content);
    }
    layer.finish()
}

/// What is in an image of these layers.
#[track_caller]
pub(crate) fn bom(layers: &[Vec<u8>]) -> Bom {
    scan(layers).unwrap()
}

pub(crate) fn scan(layers: &[Vec<u8>]) -> Result<Bom, ScanError> {
    scan_knowing(layers, &Programs::new())
}

pub(crate) fn scan_knowing(layers: &[Vec<u8>], programs: &Programs) -> Result<Bom, ScanError> {
    let layers: Vec<_> = layers.iter().map(|it| (&it[..], Digest::of(it))).collect();
    scan_stored(&layers, programs)
}

/// Of layers as they are stored, whatever their compression, and their diff ids.
pub(crate) fn scan_stored(
    layers: &[(&[u8], Digest)],
    programs: &Programs,
) -> Result<Bom, ScanError> {
    let dir = TempDir::new().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    let stored: Vec<_> = layers
        .iter()
        .map(|(layer, diff_id)| {
            let descriptor = layout.put_bytes(media_type::OCI_LAYER, layer).unwrap();
            (descriptor, *diff_id)
        })
        .collect();
    let mut config = ImageConfig::new(&Platform::new("linux", "amd64", None));
    config.created = Some("2024-02-03T04:05:06.789+01:00".to_owned());
    let image = assembly::assemble(&config, &stored, &BTreeMap::new()).unwrap();
    layout
        .put_bytes(media_type::OCI_CONFIG, &image.config)
        .unwrap();
    layout
        .put_bytes(media_type::OCI_MANIFEST, &image.manifest)
        .unwrap();
    let image = layout
        .resolve_descriptor(&image.descriptor, &config.platform())
        .unwrap();
    of_image(
        &layout,
        "registry.example.com/acme/shop-web",
        &image,
        programs,
    )
}

/// Its packages as purls, or names where they have none.
pub(crate) fn references(bom: &Bom) -> Vec<String> {
    bom.packages().map(Package::reference).collect()
}

/// A 64-bit program with these sections, as far as readers of sections look.
pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = vec![0];
    let mut content = Vec::new();
    let mut headers = vec![[0_u64; 4]];
    for (name, bytes) in sections {
        headers.push([
            names.len() as u64,
            1,
            64 + content.len() as u64,
            bytes.len() as u64,
        ]);
        names.extend(name.bytes().chain([0]));
        content.extend_from_slice(bytes);
    }
    let of_names = names.len() as u64;
    names.extend(b".shstrtab\0");
    headers.push([of_names, 3, 64 + content.len() as u64, names.len() as u64]);
    content.extend(&names);
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    file.extend([0; 16]);
    file.extend((64 + content.len() as u64).to_le_bytes());
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 0, 0, 64, 0]);
    file.extend((headers.len() as u16).to_le_bytes());
    file.extend((headers.len() as u16 - 1).to_le_bytes());
    file.extend(content);
    for [name, kind, offset, size] in headers {
        file.extend((name as u32).to_le_bytes());
        file.extend((kind as u32).to_le_bytes());
        // Flags, and an address: sections are in memory where they are in the file.
        for number in [2, offset, offset, size] {
            file.extend(number.to_le_bytes());
        }
        file.extend([0; 8]);
        file.extend(1_u64.to_le_bytes());
        file.extend([0; 8]);
    }
    file
}

/// What `.go.buildinfo` holds since Go 1.18.
pub(crate) fn go_section(version: &str, modules: &str) -> Vec<u8> {
    let mut section = b"\xff Go buildinf:\x08\x02".to_vec();
    section.resize(32, 0);
    let modules = format!("0123456789abcdef{modules}0123456789abcdef");
    for text in [version, &modules] {
        let mut length = text.len();
        while length >= 0x80 {
            section.push(length as u8 | 0x80);
            length >>= 7;
        }
        section.push(length as u8);
        section.extend(text.bytes());
    }
    section
}

pub(crate) fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// What a builder knows of a program that it compiled.
pub(crate) fn program() -> Bom {
    let package = |name: &str| Package::new(Ecosystem::Cargo, name, Some("1.0.0+b")).unwrap();
    let mut root = package("web").private();
    root.role = Role::Application;
    root.license = License::parse("Apache-2.0");
    let mut bom = Bom::new(Subject::Program(root.clone()));
    let mut a = package("a");
    a.license = License::parse("MIT/Apache-2.0");
    a.checksum = Checksum::new(ChecksumAlgorithm::Sha256, &"ab".repeat(32));
    let a = bom.add(a);
    let mut tool = package("macros").with("vcs_url", "git+https://example.com/macros@abc");
    tool.role = Role::BuildTool;
    let tool = bom.add(tool);
    bom.depend(root.reference(), a.clone());
    bom.depend(root.reference(), tool.clone());
    bom.depend(tool, a);
    bom
}

/// An image of a distribution, with a program in it, of which something could not be read.
pub(crate) fn sample() -> Bom {
    let web = elf(&[]);
    let known = Programs::from([(Digest::of(&web), program())]);
    let layers = [layer(&[
        ("app/web", &web),
        (
            "etc/os-release",
            b"ID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME=\"Alpine Linux v3.19\"\n",
        ),
        (
            "lib/apk/db/installed",
            b"P:zlib\nV:1.3-r2\nA:x86_64\nm:Somebody <a@example.org>\nL:Zlib AND Odd\n",
        ),
        ("var/lib/rpm/Packages", b"?"),
    ])];
    scan_knowing(&layers, &known).unwrap()
}

/// Holds a document against the one in `tests/golden`, which the interoperability suite has others validate. With `UPDATE_GOLDEN` in the
/// environment it becomes that one.
#[track_caller]
pub(crate) fn golden(name: &str, document: &[u8]) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, document).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        std::str::from_utf8(document).unwrap(),
        expected,
        "UPDATE_GOLDEN=1 writes {name} anew"
    );
}
