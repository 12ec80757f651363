//! Whether a promotion goes forward (P5).

use super::{Refused, Request, Running};
use crate::{Candidate, State};

/// How commits of a source repository follow each other.
pub trait History {
    /// What `commit` is to `other`, both full ids.
    fn relation(&self, commit: &str, other: &str) -> Relation;
}

/// What one commit is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It comes after.
    Descendant,
    /// It comes before.
    Ancestor,
    /// Neither: they are of different branches.
    Diverged,
    /// At least one of them is not known here.
    Unknown,
}

/// A history that knows nothing: commits are compared by their times.
impl History for () {
    fn relation(&self, _: &str, _: &str) -> Relation {
        Relation::Unknown
    }
}

/// Refuses a promotion that goes back, and returns what a reviewer should know of one that does not.
pub(super) fn check(
    request: &Request<'_>,
    running: &Running,
    candidate: &Candidate,
    history: &impl History,
) -> Result<Option<String>, Refused> {
    let service = &running.service;
    let Some(state) = &running.state else {
        let is_pinned = !running.digests().is_empty();
        return Ok(is_pinned.then(|| {
            format!(
                "It is not known which commit {service} was pinned to: this is its first promotion."
            )
        }));
    };
    let environment = request.environment.clone();
    let refused = if !running.is_told() {
        Refused::Drifted {
            service: service.clone(),
            environment,
            pinned: running.digests().into_iter().collect(),
            state: Box::new(state.clone()),
        }
    } else if is_backwards(state, candidate, history) {
        Refused::Stale {
            service: service.clone(),
            environment,
            offered: Box::new(candidate.source.clone()),
            state: Box::new(state.clone()),
        }
    } else {
        return Ok(note(state, candidate, history));
    };
    match request.force {
        true => Ok(Some(format!("Forced, although {refused}."))),
        false => Err(refused),
    }
}

fn is_backwards(state: &State, candidate: &Candidate, history: &impl History) -> bool {
    let (new, old) = (&candidate.source, &state.commit);
    if new.commit == *old {
        return false;
    }
    if new.repository != state.source {
        return true;
    }
    match history.relation(&new.commit, old) {
        Relation::Descendant => false,
        Relation::Ancestor => true,
        // Times are RFC 3339 in UTC with the same precision, so their order is that of the texts.
        Relation::Diverged | Relation::Unknown => match (&new.commit_time, &state.commit_time) {
            (Some(new), Some(old)) => new <= old,
            _ => true,
        },
    }
}

fn note(state: &State, candidate: &Candidate, history: &impl History) -> Option<String> {
    let service = &candidate.service;
    let (new, old) = (&candidate.source.commit, &state.commit);
    if new == old {
        return Some(format!(
            "The new digest of {service} is of the same commit as the old one: it was built again."
        ));
    }
    match history.relation(new, old) {
        Relation::Diverged => Some(format!(
            "The commits of {service} are of different branches: what is pinned now is not part of what comes."
        )),
        _ => None,
    }
}
