//! Programs and libraries that say what they were made of: Go's build information, and the list that cargo-auditable leaves.

mod cargo;
mod go;

use object::read::elf::{ElfFile32, ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSection};

use super::Packages;

pub(super) fn parse(content: &[u8]) -> Option<Packages> {
    // The fifth byte says how wide addresses are.
    match content.get(4)? {
        1 => read(&ElfFile32::<Endianness>::parse(content).ok()?),
        _ => read(&ElfFile64::<Endianness>::parse(content).ok()?),
    }
}

fn read<'a, F: FileHeader<Endian = Endianness>>(
    file: &object::read::elf::ElfFile<'a, F>,
) -> Option<Packages> {
    let section = |name: &str| file.section_by_name(name)?.data().ok();
    let go = section(".go.buildinfo").and_then(|it| go::parse(it, file));
    let cargo = section(".dep-v0").and_then(cargo::parse);
    // A program of both is possible: one linked into the other.
    match (go, cargo) {
        (Some(mut go), Some(cargo)) => {
            let first = go.packages.len();
            let needs = cargo.dependencies.iter();
            go.dependencies
                .extend(needs.map(|(from, to)| (from + first, to + first)));
            go.packages.extend(cargo.packages);
            Some(go)
        }
        (go, cargo) => go.or(cargo),
    }
}
