//! A bill of materials: what it is about, the packages, and which needs which.

use std::collections::{BTreeMap, BTreeSet};

use ci_oci::{Digest, Platform};
use packageurl::PackageUrl;

use crate::package::{Package, Role};
use crate::sources::{Packages, System};

/// What is in something. Sorted in all its parts: equal content is an equal bill, however it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bom {
    /// What it is about.
    pub subject: Subject,
    /// The distribution that an image is, if it says so.
    pub system: Option<System>,
    /// By reference ([`Package::reference`]).
    packages: BTreeMap<String, Package>,
    /// References of what a package needs, by its reference.
    dependencies: BTreeMap<String, BTreeSet<String>>,
    /// What could not be read, in words.
    gaps: BTreeSet<String>,
}

/// What a bill is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An image of one platform.
    Image(Image),
    /// A program, before it is in an image.
    Program(Package),
}

/// An image of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Registry and repository, or what else it is called.
    pub name: String,
    /// Of its manifest.
    pub digest: Digest,
    /// What it runs on.
    pub platform: Platform,
    /// When it was made: RFC 3339 in UTC, whole seconds.
    pub created: String,
}

impl Image {
    /// The package URL of an image in a registry.
    pub fn purl(&self) -> Option<String> {
        let name = self.name.rsplit('/').next()?.to_lowercase();
        let mut url = PackageUrl::new("oci", name).ok()?;
        url.with_version(self.digest.to_string()).ok()?;
        let platform = &self.platform;
        url.add_qualifier("arch", platform.architecture.as_str())
            .ok()?;
        if self.name.contains('/') {
            url.add_qualifier("repository_url", self.name.as_str())
                .ok()?;
        }
        Some(url.to_string())
    }
}

impl Subject {
    /// What it is called in documents.
    pub(crate) fn reference(&self) -> String {
        match self {
            Self::Image(image) => image
                .purl()
                .unwrap_or_else(|| format!("{}@{}", image.name, image.digest)),
            Self::Program(package) => package.reference(),
        }
    }

    /// Its name and version.
    pub(crate) fn name(&self) -> (&str, Option<String>) {
        match self {
            Self::Image(image) => (&image.name, Some(image.digest.to_string())),
            Self::Program(package) => (&package.name, package.version.clone()),
        }
    }
}

impl Bom {
    /// An empty bill.
    pub fn new(subject: Subject) -> Self {
        Self {
            subject,
            system: None,
            packages: BTreeMap::new(),
            dependencies: BTreeMap::new(),
            gaps: BTreeSet::new(),
        }
    }

    /// The packages, by reference.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = &Package> {
        self.packages.values()
    }

    /// What each package needs: references of both. What needs nothing that is known has no entry.
    pub fn dependencies(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.dependencies
    }

    /// What could not be read, in words; nothing if the bill is complete as far as anybody can tell.
    pub fn gaps(&self) -> impl ExactSizeIterator<Item = &str> {
        self.gaps.iter().map(String::as_str)
    }

    /// Says that something could not be read.
    pub(crate) fn gap(&mut self, what: String) {
        self.gaps.insert(what);
    }

    /// Adds a package, or what is known of it to the one that is there; its reference.
    pub fn add(&mut self, mut package: Package) -> String {
        package.identify(self.system.as_ref());
        let reference = package.reference();
        match self.packages.get_mut(&reference) {
            Some(known) => known.merge(package),
            None => {
                self.packages.insert(reference.clone(), package);
            }
        }
        reference
    }

    /// Adds what is known of a package if it is there already.
    pub(crate) fn complete(&mut self, mut package: Package) {
        package.identify(self.system.as_ref());
        if let Some(known) = self.packages.get_mut(&package.reference()) {
            known.merge(package);
        }
    }

    /// Says that a package needs another.
    pub fn depend(&mut self, package: String, needed: String) {
        if package != needed {
            self.dependencies.entry(package).or_default().insert(needed);
        }
    }

    /// Adds packages that were found together.
    pub(crate) fn add_all(&mut self, found: Packages) {
        let references: Vec<String> = found.packages.into_iter().map(|it| self.add(it)).collect();
        for (package, needed) in found.dependencies {
            if let (Some(package), Some(needed)) = (references.get(package), references.get(needed))
            {
                self.depend(package.clone(), needed.clone());
            }
        }
    }

    /// Adds what the bill of a program in the image knows; its subject is a package here. `location` is where the program is.
    pub(crate) fn include(&mut self, other: Self, location: &str) {
        let Self {
            subject,
            packages,
            dependencies,
            gaps,
            ..
        } = other;
        if let Subject::Program(mut program) = subject {
            program.role = Role::Application;
            program.locations.insert(location.to_owned());
            self.add(program);
        }
        for mut package in packages.into_values() {
            // What helped to compile is nowhere in the image.
            if package.role != Role::BuildTool {
                package.locations.insert(location.to_owned());
            }
            self.add(package);
        }
        for (package, needed) in dependencies {
            for needed in needed {
                self.depend(package.clone(), needed);
            }
        }
        self.gaps.extend(gaps);
    }
}
