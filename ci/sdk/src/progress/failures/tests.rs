//! Tests of `failures`: what it promises.

use super::super::Quiet;
use super::super::fixture::{Run, dockerfile};
use super::*;
use crate::text::Colours;

#[test]
fn a_failed_step_is_repeated_with_its_dockerfile_line_and_its_last_output() {
    let mut run = Run::new(Quiet, Colours::Drop);
    run.script();
    insta::assert_snapshot!(report(&run.model, Paint::new(false)), @r"
    failed: web  RUN make -j4: exit code: 2
      --> services/web/Dockerfile:7
        7 | RUN make -j4
      what it printed:
      | cc -c a.c
      | cc -c b.c
      | b.c:1: error
    ");
}

#[test]
fn long_output_is_cut_to_its_end() {
    let mut run = Run::new(Quiet, Colours::Drop);
    let step = run.start_at("web", "RUN seq 100", Some(dockerfile(4, "RUN seq 100")));
    for i in 1..=100 {
        run.print(step, &format!("{i}\n"));
    }
    run.end(step, Outcome::Failed("exit code: 1".into()), 10);
    let shown = report(&run.model, Paint::new(false));
    assert!(
        shown.contains("the last 20 lines it printed:\n  | 81\n"),
        "{shown}"
    );
    assert!(shown.ends_with("  | 100\n\n"), "{shown}");
}

#[test]
fn no_line_of_the_output_starts_like_a_workflow_command_w1() {
    let mut run = Run::new(Quiet, Colours::Drop);
    let step = run.start("web", "RUN x");
    run.print(step, "  ::add-mask::x\n");
    run.end(step, Outcome::Failed("exit code: 1".into()), 1);
    let shown = report(&run.model, Paint::new(false));
    assert!(shown.contains("  |   ::add-mask::x\n"), "{shown}");
}

#[test]
fn a_run_without_failures_has_no_report() {
    let mut run = Run::new(Quiet, Colours::Drop);
    let step = run.start("web", "RUN x");
    run.print(step, "fine\n");
    run.end(step, Outcome::Done, 1);
    assert_eq!(report(&run.model, Paint::new(false)), "");
}
