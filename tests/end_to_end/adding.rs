//! Adding a service is adding one file; removing the file removes it.

use libtest_mimic::Trial;

use crate::support::built::expected;
use crate::support::project::Project;
use crate::support::test;

pub(crate) fn tests() -> Vec<Trial> {
    vec![test("adding a service is adding one file", one_file)]
}

fn one_file() {
    let project = Project::compiled();
    project.sh(
        "mkdir tests/services/mailer; cp tests/services/worker/service.toml tests/services/mailer/",
        &[],
    );
    let digests = project.build();
    assert_eq!(digests.len(), expected().len() + 1);
    assert_ne!(
        digests["mailer"], digests["worker"],
        "its name is in its environment"
    );
    assert_eq!(project.layers("mailer"), project.layers("worker"));
    for (name, digest) in expected() {
        assert_eq!(digests[name], *digest, "{name} has nothing to do with it");
    }
    project.sh("rm -r tests/services/mailer", &[]);
    // What is no more goes when something else changes the layout.
    project.replace(
        "tests/services/jobs/jobs/send-digest.job",
        "every = 86400",
        "every = 3600",
    );
    let digests = project.build();
    assert!(!digests.contains_key("mailer"));
    assert!(!project.index().contains_key("mailer"));
}
