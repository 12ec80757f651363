//! `lock`: asks the registries for the digest of every base, and writes them to `pipeline.lock`, all or none.

use ci_catalog::{LOCK_FILE, Lock};
use ci_engine::Progress;

use super::ask::ask;
use super::find::used;
use crate::project::Project;
use crate::stages::files;

/// The group its steps are shown under.
const GROUP: &str = "lock";

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    /// The file as it was; empty if it was not there or is broken.
    pub(crate) before: Lock,
    /// The file as it is to be.
    pub(crate) after: Lock,
    /// Whether it was written.
    pub(crate) written: bool,
    /// Why images have no digest; then nothing was written.
    pub(crate) failures: Vec<eyre::Report>,
}

/// Looks up what services stand on, without names that of all of them. With names the entries of others stay, but for those that nobody
/// uses any more.
///
/// # Errors
/// When it is not known what services stand on, or the file cannot be written.
pub(crate) async fn run(
    project: &Project,
    progress: &Progress,
    services: &[String],
    check: bool,
) -> eyre::Result<Locked> {
    let is_all = services.is_empty();
    let before = match project.lock() {
        Ok(lock) => Some(lock.clone()),
        // All of it is written anew, so what is wrong with it does not matter.
        Err(_) if is_all && !check => None,
        Err(error) => return Err(error.into()),
    };
    let needed = used(project, services)?;
    let mut after = match &before {
        Some(before) if !is_all => still_used(project, before)?,
        _ => Lock::default(),
    };
    let mut failures = Vec::new();
    for (reference, answer) in ask(project, progress, GROUP, needed.into_keys()).await? {
        match answer {
            Ok(digest) => {
                after.insert(reference.to_string(), digest.to_string())?;
            }
            Err(error) => failures.push(error.into()),
        }
    }
    let is_new = before.as_ref() != Some(&after);
    let written = is_new && !check && failures.is_empty();
    if written {
        files::write(
            &project.root().join(LOCK_FILE),
            after.to_string().as_bytes(),
        )?;
    }
    Ok(Locked {
        before: before.unwrap_or_default(),
        after,
        written,
        failures,
    })
}

/// The entries of a lock that services of the catalog use.
fn still_used(project: &Project, lock: &Lock) -> eyre::Result<Lock> {
    let used = used(project, &[])?;
    let mut kept = Lock::default();
    for (reference, digest) in lock.iter() {
        if used.contains_key(&reference.parse()?) {
            kept.insert(reference, digest)?;
        }
    }
    Ok(kept)
}
