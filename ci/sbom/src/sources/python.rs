//! Python's packages: the core metadata of `*.dist-info/METADATA` and `*.egg-info` (packaging.python.org, "Core metadata").

use crate::License;
use crate::package::{Ecosystem, Package};
use crate::text::{self, field};

/// Whether a file is the metadata of an installed package.
pub(super) fn is_metadata(folder: &str, name: &str) -> bool {
    match name {
        "METADATA" => folder.ends_with(".dist-info"),
        "PKG-INFO" => folder.ends_with(".egg-info"),
        // What distutils wrote.
        name => name.ends_with(".egg-info"),
    }
}

pub(super) fn parse(content: &[u8]) -> Option<Package> {
    let content = String::from_utf8_lossy(content);
    // The first stanza is the header of a message, whose body is the description.
    let header = text::stanzas(&content).next()?;
    let mut package = Package::new(
        Ecosystem::Pypi,
        field(&header, "Name")?,
        field(&header, "Version"),
    )?;
    package.license = license(&header);
    let people = ["Author", "Maintainer"];
    package.supplier = people
        .iter()
        .find_map(|it| field(&header, it))
        .and_then(text::name);
    Some(package)
}

/// The expression of newer metadata; else what classifiers tell unambiguously; else what is written for people.
fn license(header: &[(&str, &str)]) -> Option<License> {
    if let Some(expression) = field(header, "License-Expression") {
        return License::parse(expression);
    }
    let classified: Vec<&str> = header
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("Classifier"))
        .filter_map(|(_, value)| classifier(value))
        .collect();
    if !classified.is_empty() {
        return License::all(classified);
    }
    License::parse(field(header, "License")?)
}

/// The SPDX name of a classifier that means one licence. "BSD License" and "GNU General Public License (GPL)" do not.
fn classifier(value: &str) -> Option<&'static str> {
    let name = value.strip_prefix("License :: ")?;
    let name = name.strip_prefix("OSI Approved :: ").unwrap_or(name);
    Some(match name {
        "Apache Software License" => "Apache-2.0",
        "Boost Software License 1.0 (BSL-1.0)" => "BSL-1.0",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication" => "CC0-1.0",
        "GNU Affero General Public License v3" => "AGPL-3.0-only",
        "GNU Affero General Public License v3 or later (AGPLv3+)" => "AGPL-3.0-or-later",
        "GNU General Public License v2 (GPLv2)" => "GPL-2.0-only",
        "GNU General Public License v2 or later (GPLv2+)" => "GPL-2.0-or-later",
        "GNU General Public License v3 (GPLv3)" => "GPL-3.0-only",
        "GNU General Public License v3 or later (GPLv3+)" => "GPL-3.0-or-later",
        "GNU Lesser General Public License v2 (LGPLv2)" => "LGPL-2.0-only",
        "GNU Lesser General Public License v2 or later (LGPLv2+)" => "LGPL-2.0-or-later",
        "GNU Lesser General Public License v3 (LGPLv3)" => "LGPL-3.0-only",
        "GNU Lesser General Public License v3 or later (LGPLv3+)" => "LGPL-3.0-or-later",
        "ISC License (ISCL)" => "ISC",
        "MIT License" => "MIT",
        "Mozilla Public License 2.0 (MPL 2.0)" => "MPL-2.0",
        "Python Software Foundation License" => "PSF-2.0",
        "The Unlicense (Unlicense)" => "Unlicense",
        "zlib/libpng License" => "Zlib",
        _ => return None,
    })
}
