//! Licences of Debian's packages: `usr/share/doc/PACKAGE/copyright`, where it is machine-readable (DEP 5). What is written for people
//! alone is not interpreted.

use std::collections::BTreeMap;

use super::Finding;
use crate::License;
use crate::text::{self, field, stanzas};

const FOLDER: &str = "usr/share/doc/";

/// The package whose copyright file this is.
pub(super) fn package(path: &str) -> Option<&str> {
    let package = path.strip_prefix(FOLDER)?.strip_suffix("/copyright")?;
    (!package.contains('/')).then_some(package)
}

pub(super) fn parse(path: &[u8], content: &[u8]) -> Option<Finding> {
    let package = package(std::str::from_utf8(path).ok()?)?;
    let content = String::from_utf8_lossy(content);
    let mut stanzas = stanzas(&content);
    field(&stanzas.next()?, "Format")?;
    let mut names: Vec<String> = stanzas
        .filter_map(|stanza| text::line(field(&stanza, "License")?))
        .collect();
    names.sort();
    names.dedup();
    (!names.is_empty()).then(|| Finding::Licenses {
        package: package.to_owned(),
        names,
    })
}

/// Packages of one source often share their documentation: `usr/share/doc/libgcc-s1` leads to `gcc-12-base`, or the file in it does.
pub(super) fn parse_link(path: &[u8], target: &[u8]) -> Option<Finding> {
    let path = std::str::from_utf8(path).ok()?;
    let target = std::str::from_utf8(target).ok()?;
    let below = path.strip_prefix(FOLDER)?;
    let (package, other) = match below.strip_suffix("/copyright") {
        Some(package) => {
            let target = target
                .strip_prefix("../")
                .or(target.strip_prefix("/usr/share/doc/"))?;
            (package, target.strip_suffix("/copyright")?)
        }
        None => (
            below,
            target.strip_prefix("/usr/share/doc/").unwrap_or(target),
        ),
    };
    let is_name = |it: &str| !it.is_empty() && !it.contains('/') && it != "..";
    (is_name(package) && is_name(other)).then(|| Finding::SameLicenses {
        package: package.to_owned(),
        other: other.to_owned(),
    })
}

/// The licences of packages, as far as they are known.
pub(crate) struct Licenses<'a> {
    names: BTreeMap<&'a str, &'a [String]>,
    same: BTreeMap<&'a str, &'a str>,
}

impl<'a> Licenses<'a> {
    /// Those among findings.
    pub(crate) fn among(findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut licenses = Self {
            names: BTreeMap::new(),
            same: BTreeMap::new(),
        };
        for finding in findings {
            match finding {
                Finding::Licenses { package, names } => {
                    licenses.names.insert(package, names);
                }
                Finding::SameLicenses { package, other } => {
                    licenses.same.insert(package, other);
                }
                _ => {}
            }
        }
        licenses
    }

    /// All that a package is under.
    pub(crate) fn of(&self, package: &str) -> Option<License> {
        let mut package = package;
        // A link to a link is as far as anybody goes; a circle ends here, too.
        for _ in 0..3 {
            if let Some(names) = self.names.get(package) {
                return License::all(names.iter().map(String::as_str));
            }
            package = self.same.get(package)?;
        }
        None
    }
}
