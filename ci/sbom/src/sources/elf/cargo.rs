//! The section `.dep-v0`: the crates a program was compiled from, as zlib-compressed JSON (cargo-auditable, "PARSING.md").

use std::io::Read;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use crate::package::{Ecosystem, Package, Role};
use crate::sources::Packages;

/// Bytes of the list when it is decompressed (L12).
const MAX_SIZE: u64 = 8 << 20;

#[derive(Deserialize)]
struct List {
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

pub(super) fn parse(section: &[u8]) -> Option<Packages> {
    let mut json = Vec::new();
    ZlibDecoder::new(section)
        .take(MAX_SIZE)
        .read_to_end(&mut json)
        .ok()?;
    let list: List = serde_json::from_slice(&json).ok()?;
    // Positions stay what they are, so all of it counts or nothing.
    let packages = list.packages.iter().map(package).collect::<Option<_>>()?;
    let needs = |(at, entry): (usize, &Entry)| {
        let needed = entry.dependencies.clone().into_iter();
        needed.map(move |needed| (at, needed))
    };
    Some(Packages {
        packages,
        dependencies: list.packages.iter().enumerate().flat_map(needs).collect(),
    })
}

fn package(entry: &Entry) -> Option<Package> {
    let mut package = Package::new(Ecosystem::Cargo, &entry.name, Some(&entry.version))?;
    // Of git and of other registries, where exactly is not told.
    if entry.source != "crates.io" {
        package = package.private();
    }
    package.role = match entry.kind.as_deref() {
        _ if entry.root => Role::Application,
        Some("build") => Role::BuildTool,
        _ => Role::Library,
    };
    Some(package)
}
