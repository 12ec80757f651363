//! A package, and the address others know it by (the package URL specification, "purl").

use std::collections::{BTreeMap, BTreeSet};

use packageurl::PackageUrl;

use crate::License;
use crate::sources::System;
use crate::text;

/// Where a package comes from: the type of its purl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ecosystem {
    /// Debian and what derives from it.
    Deb,
    /// Alpine and other distributions with its package manager.
    Apk,
    /// Fedora, Red Hat, SUSE and others.
    Rpm,
    /// Rust crates.
    Cargo,
    /// Node.js.
    Npm,
    /// Go modules.
    Golang,
    /// Python.
    Pypi,
}

impl Ecosystem {
    /// The type of the purl.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Cargo => "cargo",
            Self::Npm => "npm",
            Self::Golang => "golang",
            Self::Pypi => "pypi",
        }
    }

    /// Whether its packages are those of one distribution, which their purl names.
    fn is_distribution(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm)
    }
}

/// What a package is to the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A program of its own.
    Application,
    /// In the image, or linked into a program of it.
    #[default]
    Library,
    /// Helped to build a program of the image, and is not in it.
    BuildTool,
}

/// How a checksum was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChecksumAlgorithm {
    /// 160 bits.
    Sha1,
    /// 256 bits.
    Sha256,
    /// 512 bits.
    Sha512,
}

impl ChecksumAlgorithm {
    /// Number of hexadecimal digits.
    fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// Of the archive that a package was published as; of a program that was compiled, of the program itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    hex: String,
}

impl Checksum {
    /// A checksum in hexadecimal digits; `None` if it is not of the algorithm's length.
    pub fn new(algorithm: ChecksumAlgorithm, hex: &str) -> Option<Self> {
        let is_hex =
            hex.len() == algorithm.digits() && hex.bytes().all(|it| it.is_ascii_hexdigit());
        is_hex.then(|| Self {
            algorithm,
            hex: hex.to_ascii_lowercase(),
        })
    }

    /// How it was computed.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// In lower-case hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

/// One package of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Where it comes from.
    pub ecosystem: Ecosystem,
    /// As the ecosystem calls it: `@babel/core`, `github.com/gorilla/mux`, `libc6`.
    pub name: String,
    /// As the ecosystem writes it; absent where the package does not say.
    pub version: Option<String>,
    /// What it is to the image.
    pub role: Role,
    /// Licence that it declares.
    pub license: Option<License>,
    /// Who maintains or distributes it.
    pub supplier: Option<String>,
    /// Of what it was published as, or of the program that it is.
    pub checksum: Option<Checksum>,
    /// Files of the image it was found in; absolute paths.
    pub locations: BTreeSet<String>,
    /// What tells it from others of the same name: qualifiers of the purl.
    qualifiers: BTreeMap<&'static str, String>,
    /// Known to nobody else.
    is_private: bool,
    purl: Option<String>,
}

impl Package {
    /// A package; `None` if its name or version is not one that any ecosystem would accept.
    pub fn new(ecosystem: Ecosystem, name: &str, version: Option<&str>) -> Option<Self> {
        let version = version.map(str::trim).filter(|it| !it.is_empty());
        let is_fine = text::is_word(name) && version.is_none_or(text::is_word);
        is_fine.then(|| {
            let mut package = Self {
                ecosystem,
                name: name.to_owned(),
                version: version.map(str::to_owned),
                role: Role::default(),
                license: None,
                supplier: None,
                checksum: None,
                locations: BTreeSet::new(),
                qualifiers: BTreeMap::new(),
                is_private: false,
                purl: None,
            };
            package.identify(None);
            package
        })
    }

    /// The same, told from others of its name by a qualifier of its purl, such as `arch`.
    #[must_use]
    pub fn with(mut self, qualifier: &'static str, value: &str) -> Self {
        if text::is_word(value) {
            self.qualifiers.insert(qualifier, value.to_owned());
            self.identify(None);
        }
        self
    }

    /// The same, which nobody but its makers can get: it has no purl.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.is_private = true;
        self.identify(None);
        self
    }

    /// The same, with the qualifiers that a purl of it has; `None` if that is the purl of another package.
    pub(crate) fn read_qualifiers(mut self, purl: &str) -> Option<Self> {
        const KNOWN: [&str; 2] = ["repository_url", "vcs_url"];
        let url: PackageUrl<'_> = purl.parse().ok()?;
        for name in KNOWN {
            if let Some(value) = url.qualifiers().get(name) {
                self = self.with(name, value);
            }
        }
        (self.purl() == Some(purl)).then_some(self)
    }

    /// Sets the purl. `system` is the distribution that the image is.
    pub(crate) fn identify(&mut self, system: Option<&System>) {
        if self.is_private {
            self.purl = None;
        } else {
            self.purl = self.url(system).ok();
        }
    }

    fn url(&self, system: Option<&System>) -> Result<String, packageurl::Error> {
        let is_distribution = self.ecosystem.is_distribution();
        let distribution = system.filter(|_| is_distribution);
        let (namespace, name) = match self.ecosystem {
            Ecosystem::Npm | Ecosystem::Golang => match self.name.rsplit_once('/') {
                Some((namespace, name)) => (Some(namespace.to_owned()), name),
                None => (None, self.name.as_str()),
            },
            _ => (distribution.map(|it| it.id.clone()), self.name.as_str()),
        };
        // The specification wants both in lower case; the library leaves the name.
        let name = match self.ecosystem {
            Ecosystem::Golang => name.to_lowercase(),
            _ => name.to_owned(),
        };
        let mut url = PackageUrl::new(self.ecosystem.name(), name)?;
        if let Some(namespace) = namespace {
            url.with_namespace(namespace)?;
        }
        if let Some(version) = &self.version {
            url.with_version(version.as_str())?;
        }
        for (name, value) in &self.qualifiers {
            url.add_qualifier(*name, value.as_str())?;
        }
        if let Some(distribution) = distribution {
            url.add_qualifier("distro", distribution.name_and_version())?;
        }
        Ok(url.to_string())
    }

    /// The package URL, under which others know it.
    pub fn purl(&self) -> Option<&str> {
        self.purl.as_deref()
    }

    /// What it is called in documents: no two packages of a bill have the same.
    pub fn reference(&self) -> String {
        match (&self.purl, &self.version) {
            (Some(purl), _) => purl.clone(),
            (None, Some(version)) => format!("{}@{version}", self.name),
            (None, None) => self.name.clone(),
        }
    }

    /// The same package whatever its version: the purl without what changes with each.
    pub(crate) fn identity(&self) -> (Ecosystem, &str, Option<&str>) {
        let architecture = self.qualifiers.get("arch").map(String::as_str);
        (self.ecosystem, &self.name, architecture)
    }

    /// Adds what another finding of the same package knows.
    pub(crate) fn merge(&mut self, other: Self) {
        self.role = self.role.min(other.role);
        self.license = self.license.take().or(other.license);
        self.supplier = self.supplier.take().or(other.supplier);
        self.checksum = self.checksum.take().or(other.checksum);
        self.locations.extend(other.locations);
    }
}

#[cfg(test)]
mod tests;
