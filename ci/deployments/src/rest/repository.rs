//! Owner and name of a repository, and addresses.

use ci_http::Url;

/// Owner and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) owner: String,
    pub(crate) name: String,
}

impl Names {
    pub(crate) fn new(owner: &str, name: &str) -> Option<Self> {
        let is_name = |text: &str| {
            !matches!(text, "" | "." | "..")
                && text
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
        };
        (is_name(owner) && is_name(name)).then(|| Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// An address of an interface, without a final slash.
pub(crate) fn address(text: &str) -> Option<Url> {
    let url: Url = text.trim_end_matches('/').parse().ok()?;
    matches!(url.scheme(), "https" | "http").then_some(url)
}
