//! `promote` and `rollback` by pull request on a real Gitea.

use libtest_mimic::Trial;
use test_support::registry::Wants;

use crate::support::deployments::{declare, files, overlay};
use crate::support::gitea::Gitea;
use crate::support::program::{self, Outcome};
use crate::support::project::Project;
use crate::support::registry::registry;
use crate::support::{Skip, Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![test_if_possible(
        "gitea: a promotion is opened, updated, merged and rolled back",
        promoted,
    )]
}

fn promoted() -> Verdict {
    let registry = registry(&Wants::default())?;
    let files = files(&registry);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let gitea = Gitea::start(&files).map_err(Skip)?;
    let address = format!("{}/acme/deployments", gitea.proxy.address);
    let project = Project::cold();
    // Of a server that nobody knows, it has to be said what it is.
    declare(&project, &registry, &address, "", "");
    let promote = ["promote", "web", "--env", "staging"];
    let run = |arguments: &[&str]| -> Outcome {
        let mut command = project.command(arguments);
        program::run(command.env("PIPELINE_DEPLOY_TOKEN", &gitea.token))
    };
    project.release();
    let refused = run(&promote).exited(2);
    assert!(
        refused.stderr.contains("forge = \"gitea\""),
        "{}",
        refused.stderr
    );

    declare(&project, &registry, &address, "forge = \"gitea\"", "");
    let first = project.release();
    let opened = run(&promote).succeeded();
    assert!(
        opened.stdout.contains("/acme/deployments/pulls/1"),
        "{}",
        opened.stdout
    );
    let again = run(&promote).succeeded();
    assert!(again.stdout.contains("updated"), "{}", again.stdout);
    let branch = "promote/staging/migrator";
    for service in ["web", "migrator"] {
        let file = gitea.file(branch, &overlay("staging", service));
        assert!(file.contains(&first[service].to_string()), "{file}");
    }
    gitea.merge(1);
    let done = run(&promote).succeeded();
    assert!(done.stdout.contains("was there"), "{}", done.stdout);

    let before = gitea.file("main", &overlay("staging", "web"));
    project.release_next("second");
    run(&promote).succeeded();
    gitea.merge(2);
    run(&["rollback", "--env", "staging", "--service", "web"]).succeeded();
    let back = gitea.file("rollback/staging/migrator", &overlay("staging", "web"));
    assert_eq!(back, before);
    assert_eq!(
        gitea.pulls()[0]["title"],
        "Roll back migrator and web in staging"
    );
    assert_eq!(gitea.proxy.seen().violations, [""; 0]);
    Ok(())
}
