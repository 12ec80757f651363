//! The names that distributions and languages have for licences, in SPDX's words.

use super::is_known;

/// Whether a package says with this that it says nothing.
pub(super) fn says_nothing(declared: &str) -> bool {
    const NOTHING: [&str; 6] = ["unknown", "none", "noassertion", "unspecified", "n/a", "-"];
    NOTHING.iter().any(|it| it.eq_ignore_ascii_case(declared))
}

/// Names of several words.
const PHRASES: [(&str, &str); 14] = [
    ("apache license, version 2.0", "Apache-2.0"),
    ("apache license version 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("asl 2.0", "Apache-2.0"),
    ("the mit license", "MIT"),
    ("mit license", "MIT"),
    ("isc license", "ISC"),
    ("bsd 3-clause", "BSD-3-Clause"),
    ("bsd 2-clause", "BSD-2-Clause"),
    ("3-clause bsd", "BSD-3-Clause"),
    ("mpl 2.0", "MPL-2.0"),
    ("the unlicense", "Unlicense"),
    ("public domain", "public-domain"),
];

/// The licence that the whole text names, if it is one of several words.
pub(super) fn phrase(declared: &str) -> Option<&'static str> {
    let found = PHRASES
        .iter()
        .find(|(name, id)| name.eq_ignore_ascii_case(declared) && is_known(id));
    found.map(|(_, id)| *id)
}

/// The text with names of several words made one.
pub(super) fn without_phrases(declared: &str) -> String {
    // Only what distributions write within expressions; all of it is ASCII, and lower case has the same length then.
    let mut text = declared.to_owned();
    for (name, id) in &PHRASES {
        let mut from = 0;
        while let Some(at) = text
            .get(from..)
            .and_then(|rest| rest.to_ascii_lowercase().find(name))
        {
            let start = from + at;
            text.replace_range(start..start + name.len(), id);
            from = start + id.len();
        }
    }
    text
}

/// Names of one word, of Debian's and Fedora's lists.
const WORDS: [(&str, &str); 14] = [
    ("expat", "MIT"),
    ("asl2.0", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("apache2.0", "Apache-2.0"),
    ("apache-2", "Apache-2.0"),
    ("boost", "BSL-1.0"),
    ("cc0", "CC0-1.0"),
    ("mplv1.1", "MPL-1.1"),
    ("mplv2.0", "MPL-2.0"),
    ("bsd-2-clauses", "BSD-2-Clause"),
    ("bsd-3-clauses", "BSD-3-Clause"),
    ("bsd-3", "BSD-3-Clause"),
    ("bsd-2", "BSD-2-Clause"),
    ("openldap", "OLDAP-2.8"),
];

/// The SPDX name of a licence that is called `word` somewhere.
pub(super) fn license(word: &str) -> Option<String> {
    if is_known(word) || word.starts_with("LicenseRef-") {
        return Some(word.to_owned());
    }
    if let Some(gnu) = gnu(word) {
        return Some(gnu);
    }
    if let Some((_, id)) = WORDS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
    {
        return Some((*id).to_owned());
    }
    let known = spdx::identifiers::LICENSES.iter();
    let mut same = known.filter(|it| it.name.eq_ignore_ascii_case(word));
    same.next()
        .filter(|it| is_known(it.name))
        .map(|it| it.name.to_owned())
}

/// The licences of GNU: `GPL-2+`, `GPLv2+`, `LGPL-2.1`, `AGPL-3.0+`, `GFDL-1.3-or-later`. Without a version it could be any.
fn gnu(word: &str) -> Option<String> {
    let (family, rest) = ["AGPL", "LGPL", "GPL", "GFDL"]
        .into_iter()
        .find_map(|family| Some((family, strip_prefix(word, family)?)))?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let rest = rest.strip_prefix(['v', 'V']).unwrap_or(rest);
    let (version, later) = match rest.strip_suffix('+') {
        Some(version) => (version, "or-later"),
        None => match rest.strip_suffix("-or-later") {
            Some(version) => (version, "or-later"),
            None => (rest.strip_suffix("-only").unwrap_or(rest), "only"),
        },
    };
    let version = if version.contains('.') {
        version.to_owned()
    } else {
        format!("{version}.0")
    };
    let id = format!("{family}-{version}-{later}");
    is_known(&id).then_some(id)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_translation_is_a_licence_of_spdx() {
        for (name, id) in &WORDS {
            assert!(is_known(id), "{name}: {id}");
        }
    }
}
