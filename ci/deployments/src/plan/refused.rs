//! Why a promotion is not made.

use ci_catalog::Name;
use ci_oci::Digest;

use crate::state::InvalidState;
use crate::{InvalidPlace, Place, Refusal, Source, State};

/// Why a promotion is not made; then nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A unit without services.
    #[error("there is nothing to promote")]
    Empty,
    /// A place that is not well-formed.
    #[error(transparent)]
    Declaration(#[from] InvalidPlace),
    /// A service that the environment knows nothing of.
    #[error(
        "no place is declared for {service} in {environment}: add it to `[environments.{environment}.deploy]`, or an empty list if it is not deployed there"
    )]
    NoPlace {
        /// The service.
        service: Name,
        /// The environment.
        environment: Name,
    },
    /// A part of the unit that was not built.
    #[error("{service} is not part of the release, and {} are promoted together or not at all", list(.unit))]
    NotReleased {
        /// The service.
        service: Name,
        /// The unit.
        unit: Vec<Name>,
    },
    /// A unit of several commits.
    #[error("{} are promoted together, and were built from different commits", list(.unit))]
    Mixed {
        /// The unit.
        unit: Vec<Name>,
    },
    /// A declared file that is not there.
    #[error("there is no file {path} in the deployments repository{}", nearby_note(.nearby))]
    Missing {
        /// The file.
        path: String,
        /// What is there.
        nearby: Vec<String>,
    },
    /// A symbolic link.
    #[error(
        "{path} is a symbolic link in the deployments repository; declare the file that it points at"
    )]
    Link {
        /// The link.
        path: String,
    },
    /// A folder or another repository.
    #[error("{path} is not a file in the deployments repository")]
    NotAFile {
        /// The path.
        path: String,
    },
    /// A file that is not edited.
    #[error("{path}, {place}: {refusal}")]
    Edit {
        /// The file.
        path: String,
        /// The place in it.
        place: Box<Place>,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// A file of the state map that is none.
    #[error("{path} of the state map: {problem}")]
    State {
        /// The file.
        path: String,
        /// What is wrong.
        problem: InvalidState,
    },
    /// What another environment runs is not known.
    #[error("{service} cannot be taken from {environment}: {reason}")]
    NotRunning {
        /// The service.
        service: Name,
        /// The environment.
        environment: Name,
        /// Why.
        reason: &'static str,
    },
    /// What was to be taken back is not what is pinned.
    #[error(
        "{environment} pins another image for {service} than the one to be taken back: a promotion came after it"
    )]
    Overtaken {
        /// The service.
        service: Name,
        /// The environment.
        environment: Name,
    },
    /// The promotion would go back.
    #[error(
        "{environment} pins {service} of {}, which is not older than {}",
        commit(&.state.commit, .state.commit_time.as_deref(), .state.source.as_deref()),
        commit(&.offered.commit, .offered.commit_time.as_deref(), .offered.repository.as_deref())
    )]
    Stale {
        /// The service.
        service: Name,
        /// The environment.
        environment: Name,
        /// What was to be promoted.
        offered: Box<Source>,
        /// What is pinned.
        state: Box<State>,
    },
    /// What is pinned was not promoted.
    #[error(
        "{environment} pins {} for {service}, and the last promotion pinned {} of commit {}: somebody changed it by hand",
        digests(.pinned), .state.digest, short(&.state.commit)
    )]
    Drifted {
        /// The service.
        service: Name,
        /// The environment.
        environment: Name,
        /// What is pinned.
        pinned: Vec<Digest>,
        /// What the state map says.
        state: Box<State>,
    },
}

impl Refused {
    /// Whether forcing the promotion would help.
    pub fn is_forcible(&self) -> bool {
        matches!(self, Self::Stale { .. } | Self::Drifted { .. })
    }
}

/// Names as people list them.
pub(crate) fn list(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// A commit as people read it.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// `commit 0123456789ab (2026-01-02T03:04:05Z, https://…)`
fn commit(id: &str, time: Option<&str>, repository: Option<&str>) -> String {
    let details: Vec<&str> = time.into_iter().chain(repository).collect();
    match details.is_empty() {
        true => format!("commit {}", short(id)),
        false => format!("commit {} ({})", short(id), details.join(", ")),
    }
}

fn digests(digests: &[Digest]) -> String {
    let digests: Vec<String> = digests.iter().map(Digest::to_string).collect();
    match digests.is_empty() {
        true => "no digest".to_owned(),
        false => digests.join(" and "),
    }
}

fn nearby_note(nearby: &[String]) -> String {
    match nearby {
        [] => String::new(),
        some => format!("; there are:\n  {}", some.join("\n  ")),
    }
}
