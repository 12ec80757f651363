//! Files of an image that name packages: which they are, how much of each is read, and what they say. One file per source.
//!
//! Parsers take bytes and give findings. They believe nothing: what they cannot read is not there, except where a whole database cannot
//! be read, which is told.

mod apk;
mod copyright;
mod dpkg;
mod elf;
mod npm;
mod os_release;
mod python;
mod rpm;

use std::borrow::Cow;

use ci_oci::Digest;

pub(crate) use self::copyright::Licenses;
pub use self::os_release::System;
use crate::package::{Checksum, Package};

/// Packages that were found together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packages {
    pub(crate) packages: Vec<Package>,
    /// Positions: what needs what.
    pub(crate) dependencies: Vec<(usize, usize)>,
}

impl From<Vec<Package>> for Packages {
    fn from(packages: Vec<Package>) -> Self {
        Self {
            packages,
            dependencies: Vec::new(),
        }
    }
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Which distribution this is.
    System(System),
    /// These packages are here.
    Packages(Packages),
    /// What the package of this name is licensed under.
    Licenses { package: String, names: Vec<String> },
    /// The licences of one package are those of another.
    SameLicenses { package: String, other: String },
    /// These packages were meant to be installed in the directory of the file; whether they are is seen there.
    Lock(Packages),
    /// It is the program that somebody knows by this digest of its content.
    Program(Digest),
    /// It should say something, and could not be read.
    Gap(Cow<'static, str>),
}

impl Finding {
    /// How much there is in it, for whoever bounds how much is kept.
    pub(crate) fn weight(&self) -> usize {
        1 + match self {
            Self::Packages(found) | Self::Lock(found) => {
                found.packages.len() + found.dependencies.len() / 8
            }
            Self::Licenses { names, .. } => names.len(),
            Self::System(_) | Self::SameLicenses { .. } | Self::Program(_) | Self::Gap(_) => 0,
        }
    }
}

/// Files that name packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    OsRelease,
    /// Packages of Debian, in one file or, in images without its package manager, one by one.
    Dpkg,
    /// Licences of a package of Debian.
    Copyright,
    Apk,
    RpmSqlite,
    RpmNdb,
    RpmBerkeley,
    /// What SQLite has not yet put into the database.
    RpmLog,
    NpmPackage,
    NpmLock,
    Python,
    /// A program or library, whatever it is called.
    Elf,
}

impl Kind {
    /// What a file of this path is; those of programs are recognised by their content.
    pub(crate) fn of(path: &[u8]) -> Option<Self> {
        let path = std::str::from_utf8(path).ok()?;
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match (folder, name) {
            ("etc" | "usr/lib", "os-release") => Some(Self::OsRelease),
            ("var/lib/dpkg", "status") => Some(Self::Dpkg),
            ("var/lib/dpkg/status.d", name) => (!name.ends_with(".md5sums")).then_some(Self::Dpkg),
            ("lib/apk/db" | "usr/lib/apk/db", "installed") => Some(Self::Apk),
            ("var/lib/rpm" | "usr/lib/sysimage/rpm" | "usr/share/rpm", name) => rpm::kind(name),
            (_, "copyright") => copyright::package(path).map(|_| Self::Copyright),
            (_, "package.json") => npm::is_package(folder).then_some(Self::NpmPackage),
            (_, "package-lock.json" | ".package-lock.json") => Some(Self::NpmLock),
            _ => python::is_metadata(folder, name).then_some(Self::Python),
        }
    }

    /// How many bytes of a file are read; more than that is a gap.
    pub(crate) fn limit(self) -> u64 {
        const MIB: u64 = 1 << 20;
        match self {
            Self::OsRelease => MIB / 16,
            // That of Boost has 2 MB.
            Self::Copyright => 16 * MIB,
            // Programs of Go of 200 MB are not rare.
            Self::RpmSqlite | Self::RpmNdb | Self::RpmBerkeley | Self::Elf => 512 * MIB,
            Self::Dpkg | Self::Apk | Self::NpmLock | Self::RpmLog => 64 * MIB,
            Self::NpmPackage | Self::Python => 4 * MIB,
        }
    }

    /// Reads a file.
    pub(crate) fn read(self, path: &[u8], content: &[u8]) -> Option<Finding> {
        let packages =
            |found: Vec<Package>| (!found.is_empty()).then(|| Finding::Packages(found.into()));
        match self {
            Self::OsRelease => os_release::parse(content).map(Finding::System),
            Self::Dpkg => packages(dpkg::parse(content)),
            Self::Copyright => copyright::parse(path, content),
            Self::Apk => packages(apk::parse(content)),
            Self::RpmSqlite | Self::RpmNdb | Self::RpmBerkeley | Self::RpmLog => {
                match rpm::parse(self, content) {
                    Ok(found) => packages(found),
                    Err(why) => Some(Finding::Gap(why.into())),
                }
            }
            Self::NpmPackage => packages(npm::parse(content).into_iter().collect()),
            Self::NpmLock => npm::parse_lock(content).map(|it| Finding::Lock(it.into())),
            Self::Python => packages(python::parse(content).into_iter().collect()),
            Self::Elf => elf::parse(content).map(Finding::Packages),
        }
    }

    /// What a symbolic link of this path says.
    pub(crate) fn read_link(path: &[u8], target: &[u8]) -> Option<Finding> {
        copyright::parse_link(path, target)
    }
}

/// Whether a file that begins so is a program or library.
pub(crate) fn is_elf(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF")
}

/// A checksum in the form of Subresource Integrity: `sha512-` and base64. The strongest of several.
fn integrity(text: &str) -> Option<Checksum> {
    use crate::ChecksumAlgorithm::{Sha1, Sha256, Sha512};
    use base64::Engine;
    let checksum = |text: &str| {
        let (name, value) = text.split_once('-')?;
        let algorithm = match name {
            "sha1" => Sha1,
            "sha256" => Sha256,
            "sha512" => Sha512,
            _ => return None,
        };
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(value)
            .ok()?;
        Checksum::new(algorithm, &hex::encode(bytes))
    };
    text.split_ascii_whitespace().filter_map(checksum).max()
}

pub(crate) fn fuzz(data: &[u8]) {
    const KINDS: [Kind; 11] = [
        Kind::OsRelease,
        Kind::Dpkg,
        Kind::Copyright,
        Kind::Apk,
        Kind::RpmSqlite,
        Kind::RpmNdb,
        Kind::RpmBerkeley,
        Kind::NpmPackage,
        Kind::NpmLock,
        Kind::Python,
        Kind::Elf,
    ];
    if let Some((first, content)) = data.split_first() {
        let kind = KINDS[usize::from(*first) % KINDS.len()];
        let path = b"usr/share/doc/name/copyright";
        let found = kind.read(path, content);
        // Equal bytes say equal things.
        assert_eq!(found, kind.read(path, content));
    }
}

#[cfg(test)]
mod tests;
