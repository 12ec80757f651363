//! What `pipeline.lock` lacks before a build: refused with `--locked`, else said in one line.

use std::collections::BTreeSet;
use std::sync::Arc;

use ci_catalog::{Lock, LockDrift};
use ci_engine::Progress;
use ci_oci::Reference;

use super::Base;
use super::find::{of_service, used};
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::plan::Plan;

/// Holds the bases of a plan against `pipeline.lock`. With `locked` that file has to be just what the catalog needs.
///
/// # Errors
/// The lock file is broken. With `locked`: it lacks something or has too much, or a Dockerfile cannot be planned.
pub(crate) fn review(
    project: &Project,
    progress: &Progress,
    plan: &Plan<'_>,
    locked: bool,
) -> eyre::Result<()> {
    let lock = project.lock()?;
    let mut needed = BTreeSet::new();
    for planned in &plan.services {
        match of_service(project, planned) {
            Ok(bases) => needed.extend(bases.iter().filter_map(Base::key).cloned()),
            Err(error) if locked => return Err(error),
            // The build says it, of the service it is of.
            Err(_) => {}
        }
    }
    if locked {
        needed.extend(used(project, &[])?.into_keys());
        return Ok(refuse(&drift(lock, &needed))?);
    }
    if let Some(message) = unpinned(&drift(lock, &needed)) {
        progress.warn(&Arc::from("bases"), "UnpinnedBases", message, None);
    }
    Ok(())
}

fn drift(lock: &Lock, needed: &BTreeSet<Reference>) -> LockDrift {
    let needed: Vec<String> = needed.iter().map(Reference::to_string).collect();
    lock.drift(needed.iter().map(String::as_str))
}

fn refuse(drift: &LockDrift) -> Result<(), UserError> {
    if drift.is_none() {
        return Ok(());
    }
    let error = UserError::new(Exit::Usage, drift.to_string());
    Err(error.hint("the `lock` command brings it up to date; commit what it writes"))
}

fn unpinned(drift: &LockDrift) -> Option<String> {
    let names: Vec<String> = drift.missing.iter().map(|it| familiar(it)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "not pinned: {}; the `lock` command pins them",
            names.join(", ")
        )
    })
}

/// A canonical reference as people write it.
pub(crate) fn familiar(reference: &str) -> String {
    let parsed: Result<Reference, _> = reference.parse();
    parsed.map_or_else(|_| reference.to_owned(), |it| it.familiar())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;
    use crate::terminal::Paint;

    fn needed() -> BTreeSet<Reference> {
        let references = ["debian:12-slim", "ghcr.io/acme/base:1", "node"];
        let parse = |text: &str| text.parse::<Reference>().unwrap().or_latest();
        references.into_iter().map(parse).collect()
    }

    fn lock() -> Lock {
        let mut lock = Lock::default();
        for reference in [
            "docker.io/library/alpine:3",
            "docker.io/library/node:latest",
        ] {
            let digest = format!("sha256:{}", "a".repeat(64));
            lock.insert(reference, digest).unwrap();
        }
        lock
    }

    #[test]
    fn locked_means_all_that_is_used_and_no_more() {
        let error = refuse(&drift(&lock(), &needed())).unwrap_err();
        let failure = Failure::of(&error.into());
        assert_eq!(failure.exit(), Exit::Usage);
        insta::assert_snapshot!(failure.render(Paint::new(false)), @r"
        error: pipeline.lock is not that of this catalog:
            docker.io/library/debian:12-slim is used, but not locked
            ghcr.io/acme/base:1 is used, but not locked
            docker.io/library/alpine:3 is locked, but not used
        hint: the `lock` command brings it up to date; commit what it writes
        ");
        let fitting = drift(&lock(), &BTreeSet::new());
        assert!(refuse(&fitting).is_err(), "what is not used is too much");
        assert!(refuse(&drift(&Lock::default(), &BTreeSet::new())).is_ok());
    }

    #[test]
    fn what_is_not_pinned_is_one_line_of_familiar_names() {
        insta::assert_snapshot!(unpinned(&drift(&lock(), &needed())).unwrap(), @"not pinned: debian:12-slim, ghcr.io/acme/base:1; the `lock` command pins them");
        assert_eq!(unpinned(&drift(&lock(), &BTreeSet::new())), None);
    }
}
