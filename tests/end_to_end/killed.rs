//! Killed at any moment, the next run succeeds, and the cache is whole (C6). What was running is gone with the process.

use libtest_mimic::Trial;

use crate::support::built::expected;
use crate::support::edits::HANGING;
use crate::support::events::Watched;
use crate::support::project::Project;
use crate::support::test;

/// How many moments of a build are tried.
const MOMENTS: usize = 18;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "c6: killed at many moments of a cold build",
            at_many_moments,
        ),
        test(
            "c6: killed again and again on the way to one build",
            again_and_again,
        ),
        test("c6: killed while programs are compiled", while_compiling),
        test("c6: killed while a step runs", while_a_step_runs),
    ]
}

fn at_many_moments() {
    let project = Project::compiled();
    let (total, status, _) = Watched::start(&mut project.command(&["build"])).finish();
    assert!(
        status.success() && total > MOMENTS,
        "{status}, {total} events"
    );
    let mut killed = 0;
    for moment in 1..=MOMENTS {
        project.forget();
        let mut run = Watched::start(&mut project.command(&["build"]));
        if run.reaches(total * moment / (MOMENTS + 1)) {
            killed += 1;
        }
        run.kill();
        recovers(&project);
    }
    assert!(killed >= 15, "{killed} of {MOMENTS} were killed in time");
}

fn again_and_again() {
    let project = Project::compiled();
    for count in (1..).step_by(4) {
        let mut run = Watched::start(&mut project.command(&["build"]));
        let goes_on = run.reaches(count);
        run.kill();
        project.assert_nothing_left();
        if !goes_on {
            break;
        }
    }
    recovers(&project);
}

fn while_compiling() {
    let project = Project::cold();
    for mark in ["\"cargo build shell\"", "Compiling shell"] {
        let mut run = Watched::start(&mut project.command(&["build"]));
        run.comes_to(mark);
        run.kill();
    }
    project.hang_compiling();
    for _ in 0..2 {
        let mut run = Watched::start(&mut project.command(&["build", "web"]));
        run.comes_to("Compiling web");
        run.kill();
        project.assert_nothing_left();
    }
    project.restore();
    recovers(&project);
}

fn while_a_step_runs() {
    let project = Project::compiled();
    project.hang_step();
    for _ in 0..3 {
        let mut run = Watched::start(&mut project.command(&["build"]));
        run.comes_to(&format!("\"line\":\"{HANGING}\""));
        assert!(
            !project.processes().is_empty(),
            "what is looked for is found"
        );
        run.kill();
        project.assert_nothing_left();
        project.verify_cache();
    }
    project.restore();
    recovers(&project);
}

/// Nothing of the killed run is left but what the next one can use.
#[track_caller]
fn recovers(project: &Project) {
    project.assert_nothing_left();
    project.verify_cache();
    assert_eq!(project.build(), *expected());
    project.verify_cache();
    let scratch = std::fs::read_dir(project.state("tmp")).map(|entries| entries.flatten().count());
    assert_eq!(scratch.unwrap_or(0), 0, "files of killed runs are removed");
}
