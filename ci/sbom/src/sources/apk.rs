//! Alpine's packages: `lib/apk/db/installed`, stanzas of one-letter fields (apk-tools, "installed database").

use crate::package::{Ecosystem, Package};
use crate::{License, text};

pub(super) fn parse(content: &[u8]) -> Vec<Package> {
    let content = String::from_utf8_lossy(content);
    text::stanzas(&content)
        .filter_map(|it| package(&it))
        .collect()
}

fn package(stanza: &[(&str, &str)]) -> Option<Package> {
    // Letters mean other things in lower case.
    let field = |letter: &str| {
        let found = stanza.iter().find(|(name, _)| *name == letter);
        found.map(|(_, value)| *value).filter(|it| !it.is_empty())
    };
    let mut package = Package::new(Ecosystem::Apk, field("P")?, field("V"))?;
    if let Some(architecture) = field("A") {
        package = package.with("arch", architecture);
    }
    // Vulnerabilities are known by what packages were made from.
    if let Some(origin) = field("o").filter(|it| Some(*it) != field("P")) {
        package = package.with("upstream", origin);
    }
    package.license = field("L").and_then(License::parse);
    package.supplier = field("m").and_then(text::name);
    Some(package)
}
