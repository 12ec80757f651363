//! The section `.go.buildinfo`: the modules a program of Go was compiled from (Go's package `debug/buildinfo`).
//!
//! Only modules are taken. What else is in it, such as the linker's flags, may hold what nobody meant to publish (S1).

use object::read::elf::{ElfFile, FileHeader};
use object::{Endianness, Object, ObjectSection};

use crate::package::{Ecosystem, Package, Role};
use crate::sources::Packages;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Bytes of the header; what is told in place begins after it.
const HEADER: usize = 32;
/// Bytes around the list of modules, by which programs find it.
const SENTINEL: usize = 16;
/// Bytes of the list.
const MAX_LIST: usize = 16 << 20;

pub(super) fn parse<F: FileHeader<Endian = Endianness>>(
    section: &[u8],
    file: &ElfFile<'_, F>,
) -> Option<Packages> {
    let header = section.get(..HEADER)?;
    if !header.starts_with(MAGIC) {
        return None;
    }
    let (pointer_size, flags) = (header[14], header[15]);
    let (version, list) = if flags & 2 != 0 {
        let (version, rest) = inline(section.get(HEADER..)?)?;
        (version, inline(rest)?.0)
    } else {
        // Before Go 1.18: pointers to strings.
        let memory = Memory {
            file,
            pointer_size,
            is_big_endian: flags & 1 != 0,
        };
        let at = |offset: usize| memory.number(header.get(offset..)?);
        let version = memory.string(at(16)?)?;
        (version, memory.string(at(16 + usize::from(pointer_size))?)?)
    };
    let list = list
        .get(SENTINEL..list.len().checked_sub(SENTINEL)?)
        .unwrap_or_default();
    Some(modules(version, std::str::from_utf8(list).ok()?))
}

/// A string in place: its length as a varint, and its bytes; and what follows.
fn inline(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length: usize = 0;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let rest = &bytes[at + 1..];
            return (length <= MAX_LIST).then(|| rest.split_at_checked(length))?;
        }
    }
    None
}

/// What a program has in memory when it starts.
struct Memory<'f, 'a, F: FileHeader<Endian = Endianness>> {
    file: &'f ElfFile<'a, F>,
    pointer_size: u8,
    is_big_endian: bool,
}

impl<'a, F: FileHeader<Endian = Endianness>> Memory<'_, 'a, F> {
    fn number(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..usize::from(self.pointer_size))?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        match self.pointer_size {
            4 | 8 if self.is_big_endian => Some(bytes.iter().fold(0, add)),
            4 | 8 => Some(bytes.iter().rev().fold(0, add)),
            _ => None,
        }
    }

    fn bytes(&self, address: u64, length: u64) -> Option<&'a [u8]> {
        self.file
            .sections()
            .find_map(|section| section.data_range(address, length).ok()?)
    }

    /// The string that a header of pointer and length at this address describes.
    fn string(&self, address: u64) -> Option<&'a [u8]> {
        let size = u64::from(self.pointer_size);
        let header = self.bytes(address, 2 * size)?;
        let data = self.number(header)?;
        let length = self.number(header.get(usize::from(self.pointer_size)..)?)?;
        (length <= MAX_LIST as u64).then(|| self.bytes(data, length))?
    }
}

/// The list's lines: `mod` and `dep` are modules, `=>` is what stands in for the one before. All but the first are what it needs.
fn modules(version: &[u8], list: &str) -> Packages {
    let mut packages: Vec<Package> = Vec::new();
    for line in list.lines() {
        let mut fields = line.split('\t');
        let kind = fields.next();
        let (Some(kind @ ("mod" | "dep" | "=>")), Some(path)) = (kind, fields.next()) else {
            continue;
        };
        // What was compiled from a folder has no version, or no true one.
        let version = fields.next().filter(|it| !it.starts_with('('));
        let Some(mut module) = Package::new(Ecosystem::Golang, path, version) else {
            continue;
        };
        match kind {
            "mod" => {
                module.role = Role::Application;
                packages.insert(0, module);
            }
            "dep" => packages.push(module),
            _ if path.starts_with(['.', '/']) => {}
            _ => {
                if let Some(replaced) = packages.last_mut() {
                    module.role = replaced.role;
                    *replaced = module;
                }
            }
        }
    }
    let has_main = packages
        .first()
        .is_some_and(|it| it.role == Role::Application);
    packages.extend(standard_library(version));
    let needed = if has_main { 1..packages.len() } else { 0..0 };
    Packages {
        dependencies: needed.map(|needed| (0, needed)).collect(),
        packages,
    }
}

/// The compiler's version is that of the standard library: `go1.22.1`, perhaps with experiments after a space.
fn standard_library(version: &[u8]) -> Option<Package> {
    let version = std::str::from_utf8(version).ok()?;
    let version = version.split_whitespace().next()?.strip_prefix("go")?;
    Package::new(Ecosystem::Golang, "stdlib", Some(version))
}
