//! SIGINT and SIGTERM: everything that was started ends, quickly and in good order, and the exit code says why.

use std::process::ExitStatus;
use std::time::Duration;

use libtest_mimic::Trial;
use rustix::process::Signal;

use crate::support::built::expected;
use crate::support::edits::HANGING;
use crate::support::events::Watched;
use crate::support::project::Project;
use crate::support::test;

/// What a person at a terminal waits for, on a machine that does other things as well.
const SOON: Duration = Duration::from_secs(4);

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("interrupted: while programs are compiled", while_compiling),
        test("interrupted: while a step runs", while_a_step_runs),
        test(
            "interrupted: Ctrl-C reaches the whole process group",
            as_a_terminal_does,
        ),
        test("interrupted: at every moment", at_every_moment),
    ]
}

fn while_compiling() {
    let project = Project::cold();
    project.hang_compiling();
    for signal in [Signal::INT, Signal::TERM] {
        let mut run = Watched::start(&mut project.command(&["build", "web"]));
        run.comes_to("Compiling web");
        run.signal(signal);
        ends(&project, run);
    }
    project.restore();
    assert_eq!(project.build(), *expected());
}

fn while_a_step_runs() {
    let project = Project::compiled();
    for signal in [Signal::INT, Signal::TERM] {
        let run = hanging(&project);
        run.signal(signal);
        ends(&project, run);
    }
}

fn as_a_terminal_does() {
    let project = Project::compiled();
    let run = hanging(&project);
    run.signal_group(Signal::INT);
    ends(&project, run);
}

fn at_every_moment() {
    let project = Project::compiled();
    for count in (1..40).step_by(5) {
        project.forget();
        let mut run = Watched::start(&mut project.command(&["build"]));
        if !run.reaches(count) {
            break;
        }
        run.signal(Signal::INT);
        let (_, status, elapsed) = run.finish();
        // What was done when the signal came stays done.
        assert!(
            is_interrupted(status) || status.success(),
            "{status} at {count}"
        );
        assert!(elapsed < SOON, "{elapsed:?}");
        project.assert_nothing_left();
        project.verify_cache();
    }
    assert_eq!(project.build(), *expected());
}

/// A build that has come to a step that does not end.
fn hanging(project: &Project) -> Watched {
    project.restore();
    project.hang_step();
    let mut run = Watched::start(&mut project.command(&["build"]));
    run.comes_to(&format!("\"line\":\"{HANGING}\""));
    run
}

#[track_caller]
fn ends(project: &Project, run: Watched) {
    let (_, status, elapsed) = run.finish();
    assert!(is_interrupted(status), "{status}");
    assert!(elapsed < SOON, "{elapsed:?}");
    project.assert_nothing_left();
    project.verify_cache();
}

fn is_interrupted(status: ExitStatus) -> bool {
    status.code() == Some(130)
}
