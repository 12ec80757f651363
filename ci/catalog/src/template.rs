//! Templates: text with placeholders such as `{sha}`, parsed when the catalog is loaded and rendered per build.
//!
//! A literal brace is written doubled, `{{` or `}}`. There are no conditions, defaults or functions.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What a template can ask for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Placeholder {
    /// `{branch}`: the branch being built.
    Branch,
    /// `{commit_time}`: committer time of the commit, RFC 3339.
    CommitTime,
    /// `{env}`: name of the environment.
    Env,
    /// `{fingerprint}`: 32 hexadecimal digits of the digest of everything the image is made of.
    Fingerprint,
    /// `{major_minor}`: the version without patch level, `1.4`; none for a pre-release.
    MajorMinor,
    /// `{project}`: name of the project.
    Project,
    /// `{registry}`: the project's registry.
    Registry,
    /// `{service}`: name of the service.
    Service,
    /// `{sha}`: the full commit id.
    Sha,
    /// `{short_sha}`: the first seven digits of the commit id.
    ShortSha,
    /// `{source_date_epoch}`: seconds since the epoch that images are dated with.
    SourceDateEpoch,
    /// `{version}`: the semantic version being released.
    Version,
}

impl Placeholder {
    /// All placeholders, ordered by name.
    pub const ALL: [Self; 12] = [
        Self::Branch,
        Self::CommitTime,
        Self::Env,
        Self::Fingerprint,
        Self::MajorMinor,
        Self::Project,
        Self::Registry,
        Self::Service,
        Self::Sha,
        Self::ShortSha,
        Self::SourceDateEpoch,
        Self::Version,
    ];

    /// The name between the braces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::CommitTime => "commit_time",
            Self::Env => "env",
            Self::Fingerprint => "fingerprint",
            Self::MajorMinor => "major_minor",
            Self::Project => "project",
            Self::Registry => "registry",
            Self::Service => "service",
            Self::Sha => "sha",
            Self::ShortSha => "short_sha",
            Self::SourceDateEpoch => "source_date_epoch",
            Self::Version => "version",
        }
    }
}

/// A piece of a template.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Literal(String),
    Placeholder(Placeholder),
}

/// Text with placeholders. Displays as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    written: String,
    parts: Vec<Part>,
}

/// Why a text is not a [`Template`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidTemplate {
    /// The name between the braces means nothing.
    #[error("unknown placeholder `{{{0}}}`")]
    Unknown(String),
    /// A `{` without its `}`.
    #[error("a `{{` is never closed")]
    Unclosed,
    /// A `}` without its `{`.
    #[error("a `}}` closes nothing")]
    Unopened,
}

/// Why a template cannot become text in this run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// The run has no value for it: `{env}` without an environment, `{sha}` outside a commit.
    #[error("`{{{}}}` has no value here", .0.name())]
    Missing(Placeholder),
    /// What it became is no tag: longer than 128 characters, or with one that a tag cannot have.
    #[error(
        "`{0}` is not a tag: up to 128 letters, digits, `_`, `.` and `-`, and neither `.` nor `-` first"
    )]
    NoTag(String),
    /// It became `latest` by chance, which has to be declared.
    #[error(
        "it has become `latest`, which an environment has to declare as such: `moving-tags = [\"latest\"]`"
    )]
    Latest,
}

/// The values of one run. What is not set is an error only where a template asks for it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Variables(BTreeMap<Placeholder, String>);

impl Variables {
    /// No values yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These values and one more; a value given twice is replaced.
    #[must_use]
    pub fn with(mut self, placeholder: Placeholder, value: impl Into<String>) -> Self {
        self.0.insert(placeholder, value.into());
        self
    }

    /// These values and the commit: `{sha}`, and `{short_sha}` from it.
    #[must_use]
    pub fn with_commit(self, sha: &str) -> Self {
        let short: String = sha.chars().take(7).collect();
        self.with(Placeholder::Sha, sha)
            .with(Placeholder::ShortSha, short)
    }

    /// These values and the version: `{version}`, and `{major_minor}` from it unless it is a pre-release.
    #[must_use]
    pub fn with_version(self, version: &semver::Version) -> Self {
        let with = self.with(Placeholder::Version, version.to_string());
        if version.pre.is_empty() {
            with.with(
                Placeholder::MajorMinor,
                format!("{}.{}", version.major, version.minor),
            )
        } else {
            with
        }
    }

    /// The value, if it is set.
    #[must_use]
    pub fn get(&self, placeholder: Placeholder) -> Option<&str> {
        self.0.get(&placeholder).map(String::as_str)
    }
}

impl Template {
    /// The text with every placeholder replaced by its value.
    ///
    /// # Errors
    /// When a placeholder it uses has no value.
    pub fn render(&self, variables: &Variables) -> Result<String, RenderError> {
        let mut text = String::with_capacity(self.written.len());
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Placeholder(placeholder) => {
                    text.push_str(
                        variables
                            .get(*placeholder)
                            .ok_or(RenderError::Missing(*placeholder))?,
                    );
                }
            }
        }
        Ok(text)
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// What the template asks for, in the order of the text.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(*placeholder),
            Part::Literal(_) => None,
        })
    }

    /// The text around the placeholders, with doubled braces undone.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(literal) => Some(literal.as_str()),
            Part::Placeholder(_) => None,
        })
    }
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(InvalidTemplate::Unopened);
            }
            let (name, after) = rest.split_once('}').ok_or(InvalidTemplate::Unclosed)?;
            let placeholder = Placeholder::ALL
                .into_iter()
                .find(|placeholder| placeholder.name() == name);
            let placeholder =
                placeholder.ok_or_else(|| InvalidTemplate::Unknown(name.to_owned()))?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Placeholder(placeholder));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self {
            written: text.to_owned(),
            parts,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}
