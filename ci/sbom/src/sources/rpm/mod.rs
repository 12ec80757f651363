//! RPM's packages: headers of packages in a database of three possible formats.

mod berkeley;
mod header;
mod ndb;
mod sqlite;

use std::borrow::Cow;

use super::Kind;
use crate::package::Package;

/// Why a database cannot be read, in words that continue "PATH: ".
pub(super) type Why = &'static str;

/// Packages of one database. Distributions have some ten thousand.
const MAX_HEADERS: usize = 200_000;
/// Bytes of the header of one package.
const MAX_HEADER: usize = 64 << 20;

/// What a file in the folder of the database is.
pub(super) fn kind(name: &str) -> Option<Kind> {
    match name {
        "rpmdb.sqlite" => Some(Kind::RpmSqlite),
        "rpmdb.sqlite-wal" => Some(Kind::RpmLog),
        "Packages.db" => Some(Kind::RpmNdb),
        "Packages" => Some(Kind::RpmBerkeley),
        _ => None,
    }
}

pub(super) fn parse(kind: Kind, content: &[u8]) -> Result<Vec<Package>, Why> {
    let mut packages = Vec::new();
    let mut damaged = false;
    let mut take = |header: Cow<'_, [u8]>| match header::parse(&header) {
        Some(found) => packages.extend(found),
        None => damaged = true,
    };
    match kind {
        _ if content.is_empty() => {}
        Kind::RpmSqlite => sqlite::headers(content, &mut take)?,
        Kind::RpmNdb => ndb::headers(content, &mut take)?,
        Kind::RpmBerkeley => berkeley::headers(content, &mut take)?,
        _ => return Err("changes that are not in the database yet are not read"),
    }
    if damaged {
        return Err("a package in it cannot be read");
    }
    Ok(packages)
}

/// A big-endian number of four bytes.
fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// A little-endian number of four bytes.
fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}

#[cfg(test)]
mod tests;
