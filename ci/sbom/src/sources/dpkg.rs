//! Debian's packages: `var/lib/dpkg/status`, and the files of `status.d` that images without dpkg have (deb-control(5)).

use crate::package::{Ecosystem, Package};
use crate::text::{self, field, stanzas};

pub(super) fn parse(content: &[u8]) -> Vec<Package> {
    let content = String::from_utf8_lossy(content);
    stanzas(&content).filter_map(|it| package(&it)).collect()
}

fn package(stanza: &[(&str, &str)]) -> Option<Package> {
    // `want flag state`; packages of `status.d` have none.
    let state = field(stanza, "Status").and_then(|it| it.split_whitespace().last());
    if matches!(state, Some("not-installed" | "config-files")) {
        return None;
    }
    let name = field(stanza, "Package")?;
    let version = field(stanza, "Version");
    let mut package = Package::new(Ecosystem::Deb, name, version)?;
    if let Some(architecture) = field(stanza, "Architecture") {
        package = package.with("arch", architecture);
    }
    // Vulnerabilities are known by source packages.
    if let Some(source) = field(stanza, "Source") {
        let (source, version) = source.split_once(' ').unwrap_or((source, ""));
        let version = version.trim().trim_matches(['(', ')']);
        package = if version.is_empty() {
            package.with("upstream", source)
        } else {
            package.with("upstream", &format!("{source}@{version}"))
        };
    }
    package.supplier = field(stanza, "Maintainer").and_then(text::name);
    Some(package)
}
