//! Versions of releases: what tags of a repository name, and what comes next after which commits.
//!
//! The rules are those of Conventional Commits 1.0 with the types that semantic-release releases for: `feat`, `fix`, `perf` and
//! `revert`, and anything that breaks. Commits and tags come from the caller; git is not asked here.

mod commit;

use std::collections::BTreeMap;
use std::fmt;

use semver::{BuildMetadata, Prerelease};

use crate::render::Safe;

pub use semver::Version;

/// A commit since the last release.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Commit<'a> {
    /// Its id, in full or at least seven digits of it.
    pub id: &'a str,
    /// Its whole message.
    pub message: &'a str,
}

/// Which part of a version goes up.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Bump {
    /// The third.
    Patch,
    /// The second.
    Minor,
    /// The first.
    Major,
}

/// What a commit means for the version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// A `!` before the colon.
    Breaking,
    /// A `BREAKING CHANGE` among the footers.
    BreakingFooter,
    /// `feat`.
    Feature,
    /// `fix`.
    Fix,
    /// `perf`.
    Performance,
    /// It takes back a commit that has been released.
    Revert,
    /// It takes back the commit of this id, which has not been released either: together they are nothing.
    RevertsUnreleased(String),
    /// The commit of this id takes it back.
    RevertedBy(String),
    /// Another type, for which nothing is released.
    OtherType(String),
    /// Not in the form of a conventional commit.
    Unconventional,
}

/// A commit and what it means for the version. Displays as one line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason {
    /// The commit's id as it was given.
    pub id: String,
    /// The first line of its message, unchanged: it is anybody's text.
    pub subject: String,
    /// What it means.
    pub cause: Cause,
}

/// The version after a list of commits, and why. Displays as several lines, safe to print.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NextVersion {
    /// The last release; absent: there is none yet.
    pub last: Option<Version>,
    /// The next one; absent: none of the commits is a reason for it.
    pub next: Option<Version>,
    /// All commits, in the order given.
    pub reasons: Vec<Reason>,
}

/// The version a tag of the repository names: `1.4.2` or `v1.4.2`, perhaps with `refs/tags/` before it.
#[must_use]
pub fn version_of_tag(tag: &str) -> Option<Version> {
    let tag = tag.strip_prefix("refs/tags/").unwrap_or(tag);
    tag.strip_prefix('v').unwrap_or(tag).parse().ok()
}

/// The highest version among tags, with its tag. Pre-releases do not count: what follows them is what they prepare.
#[must_use]
pub fn last_release<'a>(tags: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, Version)> {
    tags.into_iter()
        .filter_map(|tag| Some((tag, version_of_tag(tag)?)))
        .filter(|(_, version)| version.pre.is_empty())
        .max_by(|(_, a), (_, b)| a.cmp(b))
}

/// The version that follows `last` after `commits`, newest first. The first version of all is 1.0.0.
#[must_use]
pub fn next_version(last: Option<&Version>, commits: &[Commit<'_>]) -> NextVersion {
    let reasons = reasons(commits);
    let bump = reasons.iter().filter_map(|it| it.cause.bump()).max();
    let next = bump.map(|bump| match last {
        Some(last) => after(last, bump),
        None => Version::new(1, 0, 0),
    });
    NextVersion {
        last: last.cloned(),
        next,
        reasons,
    }
}

fn reasons(commits: &[Commit<'_>]) -> Vec<Reason> {
    let mut reverted: BTreeMap<usize, String> = BTreeMap::new();
    let mut reasons = Vec::with_capacity(commits.len());
    // From the newest on, so that a revert that was itself reverted takes nothing back.
    for (at, commit) in commits.iter().enumerate() {
        let parsed = commit::Parsed::of(commit.message);
        let older = || {
            let id = parsed.reverts?;
            let same = |other: &Commit<'_>| other.id.starts_with(id) || id.starts_with(other.id);
            (at + 1..commits.len()).find(|&older| same(&commits[older]))
        };
        let cause = match reverted.remove(&at) {
            Some(by) => Cause::RevertedBy(by),
            None => match older() {
                Some(older) => {
                    reverted.insert(older, commit.id.to_owned());
                    Cause::RevertsUnreleased(commits[older].id.to_owned())
                }
                None => parsed.cause(),
            },
        };
        reasons.push(Reason {
            id: commit.id.to_owned(),
            subject: parsed.subject.to_owned(),
            cause,
        });
    }
    reasons
}

/// The version one bump after another. What a pre-release prepares is not prepared once more.
fn after(last: &Version, bump: Bump) -> Version {
    let mut next = last.clone();
    next.pre = Prerelease::EMPTY;
    next.build = BuildMetadata::EMPTY;
    let prepared = match bump {
        Bump::Patch => true,
        Bump::Minor => last.patch == 0,
        Bump::Major => last.patch == 0 && last.minor == 0,
    };
    if !last.pre.is_empty() && prepared {
        return next;
    }
    match bump {
        Bump::Patch => next.patch = next.patch.saturating_add(1),
        Bump::Minor => (next.minor, next.patch) = (next.minor.saturating_add(1), 0),
        Bump::Major => {
            (next.major, next.minor, next.patch) = (next.major.saturating_add(1), 0, 0);
        }
    }
    next
}

impl Cause {
    /// Which part of the version goes up for it, if any.
    #[must_use]
    pub fn bump(&self) -> Option<Bump> {
        match self {
            Self::Breaking | Self::BreakingFooter => Some(Bump::Major),
            Self::Feature => Some(Bump::Minor),
            Self::Fix | Self::Performance | Self::Revert => Some(Bump::Patch),
            Self::RevertsUnreleased(_)
            | Self::RevertedBy(_)
            | Self::OtherType(_)
            | Self::Unconventional => None,
        }
    }
}

impl fmt::Display for Bump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        })
    }
}

/// `minor  abc1234  feat: search`, with a note where the subject does not tell why.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bump = self
            .cause
            .bump()
            .map_or("-".to_owned(), |it| it.to_string());
        let subject: String = self.subject.chars().take(72).collect();
        write!(f, "{bump:<5}  {}  {}", Id(&self.id), Safe(&subject))?;
        match &self.cause {
            Cause::BreakingFooter => f.write_str(" (BREAKING CHANGE in its message)"),
            Cause::RevertsUnreleased(id) => write!(f, " (takes back {})", Id(id)),
            Cause::RevertedBy(id) => write!(f, " (taken back by {})", Id(id)),
            Cause::Unconventional => f.write_str(" (not a conventional commit)"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for NextVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.next, &self.last) {
            (Some(next), Some(last)) => write!(f, "{next} follows {last}")?,
            (Some(next), None) => write!(f, "{next} is the first version")?,
            (None, Some(last)) => write!(f, "no release: nothing since {last} asks for one")?,
            (None, None) => write!(f, "no release: nothing so far asks for one")?,
        }
        self.reasons
            .iter()
            .try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

/// As much of an id as git shows.
struct Id<'a>(&'a str);

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short: String = self.0.chars().take(7).collect();
        Safe(&short).fmt(f)
    }
}

#[cfg(test)]
mod tests;
