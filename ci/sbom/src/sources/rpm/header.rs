//! The header of a package, as databases keep it: an index of tags, and their values (RPM's "Header format", without the lead).

use super::be32;
use crate::package::{Ecosystem, Package};
use crate::{License, text};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const LICENSE: u32 = 1014;
const ARCH: u32 = 1022;
const SOURCE: u32 = 1044;
const MODULE: u32 = 5096;

/// Types of values.
const INT32: u32 = 4;
const STRING: u32 = 6;
const I18N_STRING: u32 = 9;

/// Bytes of an entry of the index.
const ENTRY: usize = 16;
/// Entries of an index; RPM itself allows no more.
const MAX_ENTRIES: usize = 0xffff;

/// The package of a header; `None` if it cannot be read, and nothing inside if it is no package but the key of a signer.
pub(super) fn parse(header: &[u8]) -> Option<Option<Package>> {
    let header = Header::parse(header)?;
    let name = header.string(NAME)?;
    if name == "gpg-pubkey" {
        return Some(None);
    }
    let version = format!("{}-{}", header.string(VERSION)?, header.string(RELEASE)?);
    let mut package = Package::new(Ecosystem::Rpm, name, Some(&version))?;
    if let Some(epoch) = header.number(EPOCH) {
        package = package.with("epoch", &epoch.to_string());
    }
    if let Some(architecture) = header.string(ARCH) {
        package = package.with("arch", architecture);
    }
    if let Some(source) = header.string(SOURCE) {
        package = package.with("upstream", source);
    }
    if let Some(module) = header.string(MODULE) {
        package = package.with("rpmmod", module);
    }
    package.license = header.string(LICENSE).and_then(License::parse);
    package.supplier = header.string(VENDOR).and_then(text::name);
    Some(Some(package))
}

struct Header<'a> {
    index: &'a [u8],
    values: &'a [u8],
}

impl<'a> Header<'a> {
    fn parse(header: &'a [u8]) -> Option<Self> {
        let entries = usize::try_from(be32(header, 0)?).ok()?;
        let size = usize::try_from(be32(header, 4)?).ok()?;
        if entries > MAX_ENTRIES {
            return None;
        }
        let (index, values) = header.get(8..)?.split_at_checked(entries * ENTRY)?;
        Some(Self {
            index,
            values: values.get(..size)?,
        })
    }

    /// The value of a tag: its type, and the bytes from its beginning on.
    fn value(&self, tag: u32) -> Option<(u32, &'a [u8])> {
        let entry = self
            .index
            .chunks_exact(ENTRY)
            .find(|it| be32(it, 0) == Some(tag))?;
        let offset = usize::try_from(be32(entry, 8)?).ok()?;
        Some((be32(entry, 4)?, self.values.get(offset..)?))
    }

    /// The first string, if it is text.
    fn string(&self, tag: u32) -> Option<&'a str> {
        let (STRING | I18N_STRING, value) = self.value(tag)? else {
            return None;
        };
        let end = value.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&value[..end]).ok()?;
        (!text.is_empty()).then_some(text)
    }

    fn number(&self, tag: u32) -> Option<u32> {
        let (INT32, value) = self.value(tag)? else {
            return None;
        };
        be32(value, 0)
    }
}
