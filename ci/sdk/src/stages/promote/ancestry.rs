//! How commits of the source repository follow each other: what the checkout knows, and where it is shallow, what the platform does.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ci_deployments::git::SourceHistory;
use ci_deployments::github::SourceRepository;
use ci_deployments::review::Commits;
use ci_deployments::{Candidate, Declaration, History, Relation, Running};

use crate::project::Project;
use crate::stages::deployments::source_repository;

/// From an older commit to a newer one.
type Range = (String, String);

/// Knows of commits.
#[derive(Debug)]
pub(super) struct Ancestry {
    checkout: SourceHistory,
    platform: Option<SourceRepository>,
    learned: Mutex<BTreeMap<Range, (Relation, Commits)>>,
}

impl Ancestry {
    /// Of the repository at `address`, which the checkout is hoped to be of.
    pub(super) fn new(project: &Project, declaration: &Declaration, address: Option<&str>) -> Self {
        Self {
            checkout: SourceHistory::new(project.root()),
            platform: address.and_then(|it| source_repository(it, declaration)),
            learned: Mutex::default(),
        }
    }

    /// The platform that has the repository, if it is one that is understood.
    pub(super) fn platform(&self) -> Option<&SourceRepository> {
        self.platform.as_ref()
    }

    /// Asks the platform for what the checkout does not know of a promotion. That it does not know either is no failure: then commits
    /// are compared by their times.
    pub(super) async fn learn(&self, running: &Running, candidate: &Candidate) {
        let Some(state) = &running.state else { return };
        let (old, new) = (&state.commit, &candidate.source.commit);
        if old == new
            || state.source != candidate.source.repository
            || self.checkout.relation(new, old) != Relation::Unknown
        {
            return;
        }
        let Some(platform) = &self.platform else {
            return;
        };
        match platform.compare(old, new).await {
            Ok(found) => {
                let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
                learned.insert((old.clone(), new.clone()), found);
            }
            Err(error) => tracing::debug!("the commits are not known: {error}"),
        }
    }

    /// The commits that are part of `new` and not of `old`, newest first.
    pub(super) fn commits(&self, old: &str, new: &str) -> Option<Commits> {
        let learned = || self.learned(old, new).map(|(_, commits)| commits);
        self.checkout.commits(old, new).or_else(learned)
    }

    fn learned(&self, old: &str, new: &str) -> Option<(Relation, Commits)> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.get(&(old.to_owned(), new.to_owned())).cloned()
    }
}

impl History for Ancestry {
    fn relation(&self, commit: &str, other: &str) -> Relation {
        match self.checkout.relation(commit, other) {
            Relation::Unknown => self
                .learned(other, commit)
                .map_or(Relation::Unknown, |(relation, _)| relation),
            known => known,
        }
    }
}
