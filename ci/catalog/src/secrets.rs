//! Which keys and values look like secrets (S2). A heuristic: it leads to warnings and to hiding, never to errors.

/// Words that name secrets.
const WORDS: &[&str] = &[
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
];

/// Words that make a secret of a `KEY` after them.
const KEYS: &[&str] = &[
    "ACCESS",
    "API",
    "DEPLOY",
    "ENCRYPTION",
    "LICENSE",
    "PRIVATE",
    "SECRET",
    "SIGNING",
    "SSH",
];

/// Last words of names that talk about a secret without holding it.
const ABOUT: &[&str] = &[
    "FILE", "ID", "LENGTH", "NAME", "PATH", "TIMEOUT", "TTL", "URL",
];

/// Beginnings of well-known kinds of credentials.
const PREFIXES: &[&str] = &[
    "-----BEGIN ",
    "AKIA",
    "ghp_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "npm_",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

/// Whether a setting of this name, or this value under any name, looks like a secret. References such as `env:NAME`
/// and empty values hold none.
pub(crate) fn looks_secret(name: &str, value: &str) -> bool {
    let reference = ["env:", "file:", "service:", "dir:", "oci-layout:"]
        .iter()
        .any(|kind| value.starts_with(kind));
    if value.is_empty() || reference {
        return false;
    }
    PREFIXES.iter().any(|prefix| value.starts_with(prefix)) || names_secret(name)
}

fn names_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    if words.last().is_some_and(|word| ABOUT.contains(word)) {
        return false;
    }
    words.iter().any(|word| WORDS.contains(word))
        || words
            .windows(2)
            .any(|pair| matches!(pair, [kind, "KEY"] if KEYS.contains(kind)))
}
