//! What people read of a promotion before it is merged, and what is left of it in the history.
//!
//! Pure: everything that is not in the plan (commit subjects, what was verified, what would be rendered) is given. All of that is
//! foreign text and goes through [`crate::foreign`]. Descriptions stay below the limit of forges; what is left out is counted.

mod body;
mod message;
mod trailer;

use ci_catalog::Name;
use similar::TextDiff;

pub use body::{MAX_BODY, body};
pub use message::{message, title};
pub use trailer::Trailer;

/// What is known of a promotion beyond its plan. Everything may be missing.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// The commits between what is pinned and what comes, newest first.
    pub commits: Option<Commits>,
    /// Services of the unit that change the database when they start.
    pub migrating: Vec<Name>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// How the rendered manifests would differ, as unified diffs.
    pub rendered: Vec<Rendered>,
    /// How the packages in the images differ.
    pub packages: Vec<PackageChange>,
    /// Address of the run that built the images.
    pub built_by: Option<String>,
}

/// Commits of the source repository.
#[derive(Debug, Clone, Default)]
pub struct Commits {
    /// Full id and subject.
    pub subjects: Vec<(String, String)>,
    /// How many there are, where `subjects` does not have all.
    pub total: usize,
}

/// Something that was checked.
#[derive(Debug, Clone)]
pub struct Check {
    /// Such as `signature of web`.
    pub what: String,
    /// What was found, or why it failed.
    pub result: Result<String, String>,
}

/// Rendered manifests.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The folder that was rendered.
    pub name: String,
    /// Lines of a unified diff.
    pub diff: String,
}

impl Rendered {
    /// How two renderings of a folder differ; nothing: they do not.
    pub fn of(name: &str, before: &str, after: &str) -> Option<Self> {
        let diff = TextDiff::from_lines(before, after);
        let diff = diff.unified_diff().context_radius(3).to_string();
        (before != after).then(|| Self {
            name: name.to_owned(),
            diff,
        })
    }
}

/// A package that differs between two images.
#[derive(Debug, Clone)]
pub struct PackageChange {
    /// The service.
    pub service: Name,
    /// The package.
    pub package: String,
    /// Version; nothing: it comes.
    pub before: Option<String>,
    /// Version; nothing: it goes.
    pub after: Option<String>,
}

#[cfg(test)]
mod tests;
