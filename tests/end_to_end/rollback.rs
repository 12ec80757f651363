//! `rollback`: what was pinned before is pinned again, and nothing else.

use libtest_mimic::Trial;
use test_support::registry::Wants;

use crate::support::deployments::shop;
use crate::support::registry::registry;
use crate::support::{Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "rollback: what was pinned before comes back, migrations are told",
            back,
        ),
        test_if_possible("rollback: a newer promotion is not taken back", overtaken),
    ]
}

fn back() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let old = project.release();
    let refused = project.run(&["rollback", "--env", "staging"]).exited(1);
    assert!(
        refused.stderr.contains("nothing else was promoted before"),
        "{}",
        refused.stderr
    );
    project.run(&["promote", "--env", "staging"]).succeeded();
    let tree = deployments.git(&["rev-parse", "main^{tree}"]);
    project.write("migrator/file", "another schema");
    project.release_next("second");
    project
        .run(&["promote", "web", "--env", "staging"])
        .succeeded();
    let third = project.release_next("third");
    project
        .run(&["promote", "web", "--env", "staging"])
        .succeeded();
    let head = deployments.git(&["rev-parse", "main"]);
    let arguments = ["rollback", "--env", "staging", "--service", "web"];
    let to = [&arguments[..], &["--to", &old["web"]]].concat();
    let planned = project.run(&[&to[..], &["--dry-run"]].concat()).succeeded();
    for part in [
        "Roll back migrator and web in staging",
        "migrator migrates the database",
    ] {
        assert!(planned.stdout.contains(part), "{}", planned.stdout);
    }
    assert_eq!(deployments.git(&["rev-parse", "main"]), head);
    project.run(&to).succeeded();
    // Byte for byte, the state map included.
    assert_eq!(deployments.git(&["rev-parse", "main^{tree}"]), tree);
    let again = project.run(&to).exited(1);
    assert!(
        again.stderr.contains("no earlier promotion"),
        "{}",
        again.stderr
    );
    // The one before, of which the migrator is the same.
    project
        .run(&["promote", "web", "--env", "staging"])
        .succeeded();
    assert_eq!(
        deployments.pin("staging", "web").as_ref(),
        Some(&third["web"])
    );
    project.run(&arguments).succeeded();
    assert_eq!(
        deployments.pin("staging", "web").as_ref(),
        Some(&old["web"])
    );
    Ok(())
}

fn overtaken() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    project.release();
    project
        .run(&["promote", "web", "--env", "staging"])
        .succeeded();
    let second = project.release_next("second");
    project
        .run(&["promote", "web", "--env", "staging"])
        .succeeded();
    let third = project.release_next("third");
    project
        .run(&["promote", "web", "--env", "staging"])
        .succeeded();
    let arguments = [
        "rollback",
        "--env",
        "staging",
        "--service",
        "web",
        "--of",
        &second["web"],
    ];
    let refused = project.run(&arguments).exited(1);
    assert!(
        refused.stderr.contains("a promotion came after it"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        deployments.pin("staging", "web").as_ref(),
        Some(&third["web"])
    );
    let arguments = [
        "rollback",
        "--env",
        "staging",
        "--service",
        "web",
        "--of",
        &third["web"][..19],
    ];
    project.run(&arguments).succeeded();
    assert_eq!(
        deployments.pin("staging", "web").as_ref(),
        Some(&second["web"])
    );
    Ok(())
}
