//! Many builds at once, in one checkout and in several, share a cache: all succeed, and all give the same (C4).

use libtest_mimic::Trial;

use crate::support::built::{SERVICES, digests, expected};
use crate::support::program::{run, start};
use crate::support::project::Project;
use crate::support::test;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "c4: two builds at once in two checkouts, everything cold",
            two_checkouts,
        ),
        test(
            "c4: two builds at once in one checkout, everything cold",
            one_checkout,
        ),
        test("c4: four builds at once on a cold cache", four),
        test(
            "c4: two builds of different services at once are one record",
            one_record,
        ),
        test("c4: pruning while others build", pruning),
    ]
}

fn two_checkouts() {
    let one = Project::cold();
    let other = Project::cold().sharing(&one);
    all_build(&[&one, &other]);
}

fn one_checkout() {
    let project = Project::cold();
    all_build(&[&project, &project]);
}

fn four() {
    let one = Project::compiled();
    let others = [1, 2, 3].map(|_| Project::compiled().sharing(&one));
    all_build(&[&one, &others[0], &others[1], &others[2]]);
}

#[track_caller]
fn all_build(projects: &[&Project]) {
    let command = |project: &&Project| start(&mut project.command(&["build", "--output", "json"]));
    let runs: Vec<_> = projects.iter().map(command).collect();
    for run in runs {
        assert_eq!(digests(&run.finish()), *expected());
    }
    for project in projects {
        assert_eq!(project.index().keys().collect::<Vec<_>>(), SERVICES);
        for service in SERVICES {
            project.config(service);
        }
        project.assert_nothing_left();
    }
    projects[0].verify_cache();
}

fn one_record() {
    let project = Project::compiled();
    let runs = ["shell", "web", "worker"]
        .map(|service| start(&mut project.command(&["build", "--output", "json", service])));
    for run in runs {
        run.finish().succeeded();
    }
    let record = project.record();
    let names = record["services"].as_array().unwrap().iter();
    // `migrator` is coupled with `web`.
    assert_eq!(
        names.map(|service| &service["name"]).collect::<Vec<_>>(),
        SERVICES
    );
    assert_eq!(project.index().keys().collect::<Vec<_>>(), SERVICES);
}

fn pruning() {
    let project = Project::compiled();
    let other = Project::compiled().sharing(&project);
    for _ in 0..4 {
        let build = start(&mut project.command(&["build", "--no-cache", "--output", "json"]));
        let prune = start(&mut project.command(&["cache", "prune", "--all"]));
        let again = start(&mut other.command(&["build", "--output", "json"]));
        assert_eq!(digests(&build.finish()), *expected());
        assert_eq!(digests(&again.finish()), *expected());
        prune.finish().succeeded();
    }
    run(&mut project.command(&["cache", "verify"])).succeeded();
}
