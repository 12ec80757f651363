//! The samples, built once, and the digests that every other build is held to.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use super::program::Outcome;
use super::project::Project;

/// The services that are built when none is named.
pub(crate) const SERVICES: [&str; 4] = ["migrator", "shell", "web", "worker"];

/// Digests by service.
pub(crate) type Digests = BTreeMap<String, String>;

static BUILT: OnceLock<(Project, Digests)> = OnceLock::new();

/// A project that was built once, and stays as it is: for tests that only read.
pub(crate) fn built() -> &'static Project {
    &built_once().0
}

/// What every build of the samples gives.
pub(crate) fn expected() -> &'static Digests {
    &built_once().1
}

fn built_once() -> &'static (Project, Digests) {
    BUILT.get_or_init(|| {
        let project = Project::cold();
        // What was compiled while its sources may have changed is not used again, and these are only just written.
        std::thread::sleep(Duration::from_millis(300));
        let digests = project.build();
        assert_eq!(digests.keys().collect::<Vec<_>>(), SERVICES);
        (project, digests)
    })
}

/// Nobody drops what is static; the end of the suite does this instead.
pub(crate) fn forget_built() {
    if let Some((project, _)) = BUILT.get() {
        project.empty_cache();
    }
}

/// The digests in the record that a build printed.
#[track_caller]
pub(crate) fn digests(outcome: &Outcome) -> Digests {
    assert!(
        outcome.status.success(),
        "{}: {}",
        outcome.status,
        outcome.stderr
    );
    let record: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let services = record["services"].as_array().unwrap().iter();
    let digest = |service: &serde_json::Value| {
        let text = |key: &str| service[key].as_str().unwrap().to_owned();
        (text("name"), text("digest"))
    };
    services.map(digest).collect()
}
