//! Tests of `plain`: what it promises.

use proptest::prelude::*;

use super::super::fixture::Run;
use super::*;
use crate::text::Colours;

fn run() -> Run<Plain> {
    Run::new(Plain::new(Paint::new(false)), Colours::Drop)
}

#[test]
fn a_run_reads_as_one_line_per_step_and_what_steps_print() {
    let mut run = run();
    run.script();
    insta::assert_snapshot!(run.out, @r"
    web  FROM service:shell  CACHED
    web  warning: SecretsUsedInArgOrEnv: do not pass secrets by ARG: `TOKEN` (services/web/Dockerfile:3)
    web  COPY . /src  0.3s
    #web cc -c a.c
    #web cc -c b.c
    #web b.c:1: error
    #worker Unpacking libc6 …
    web  RUN make -j4  FAILED exit code: 2  1.2s
    ");
}

#[test]
fn a_step_that_takes_long_shows_signs_of_life() {
    let mut run = run();
    let step = run.start("web", "RUN cargo build");
    let mut shown = String::new();
    for _ in 0..150 {
        run.wait(1000);
        shown += &run.tick(80, 24);
    }
    run.end(step, Outcome::Done, 150_000);
    shown += &run.out;
    insta::assert_snapshot!(shown, @r"
    web  RUN cargo build  still running, 10.0s
    web  RUN cargo build  still running, 1m 10s
    web  RUN cargo build  still running, 2m 10s
    web  RUN cargo build  2m 30s
    ");
}

#[test]
fn no_line_of_a_build_starts_like_a_workflow_command_w1() {
    let mut run = run();
    let step = run.start("web", "RUN x");
    run.print(step, "::set-output name=a::b\n  ::add-mask::x\n");
    assert!(
        run.out.lines().all(|line| line.starts_with("#web ")),
        "{}",
        run.out
    );
}

proptest! {
    #[test]
    fn no_control_character_reaches_the_log(bytes in proptest::collection::vec(any::<u8>(), 0..300), name in "[\\x00-\\x7f]{0,30}") {
        let mut run = run();
        let step = run.start("web", &name);
        run.bytes(step, &bytes);
        run.end(step, Outcome::Failed(name), 1);
        prop_assert!(!run.out.chars().any(|c| c.is_control() && c != '\n'));
    }
}
