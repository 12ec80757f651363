//! Tests of `tty`: what it promises.

use proptest::prelude::*;

use super::super::fixture::{Run, screen};
use super::*;

fn run() -> Run<Tty> {
    Run::new(Tty::new(Paint::new(false)), Colours::Drop)
}

fn shown(bytes: &str) -> String {
    screen(bytes).join("\n")
}

#[test]
fn a_frame_shows_groups_their_steps_and_the_last_line_of_what_runs() {
    let mut run = run();
    run.script();
    insta::assert_snapshot!(shown(&run.tick(60, 24)), @r"
    warning: web: do not pass secrets by ARG: `TOKEN` (services/web/Dockerfile:3) [SecretsUsedInArgOrEnv]
    ✗ web  3 steps, 1 cached                               1.5s
      ✔ FROM service:shell                               CACHED
      ✔ COPY . /src                                        0.3s
      ✗ RUN make -j4                                       1.2s
    ● worker  0/1                                          1.5s
      ● RUN apt-get install                                1.5s
          Unpacking libc6 …
    ");
}

#[test]
fn a_transfer_shows_how_much_of_it_is_done() {
    let mut run = run();
    let step = run.start("web", "pull debian:12");
    run.wait(500);
    run.advance(step, 13_000_000, 52_000_000);
    insta::assert_snapshot!(shown(&run.tick(60, 24)), @r"
    ● web  0/1                                             0.5s
      ● pull debian:12                                     0.5s
          ██████░░░░░░░░░░░░░░░░░░  13.0 MB of 52.0 MB
    ");
}

#[test]
fn a_low_terminal_shows_what_matters_most() {
    let mut run = run();
    run.script();
    insta::assert_snapshot!(shown(&run.tick(60, 6)), @r"
    warning: web: do not pass secrets by ARG: `TOKEN` (services/web/Dockerfile:3) [SecretsUsedInArgOrEnv]
    ✗ web  3 steps, 1 cached                               1.5s
      ✗ RUN make -j4                                       1.2s
    ● worker  0/1                                          1.5s
      ● RUN apt-get install                                1.5s
      … 3 more
    ");
}

#[test]
fn frames_replace_each_other_and_the_last_one_stays() {
    let mut run = run();
    let step = run.start("web", "RUN make");
    let mut bytes = run.tick(40, 10);
    run.wait(500);
    run.print(step, "compiling\n");
    bytes += &run.tick(40, 10);
    run.end(step, Outcome::Done, 500);
    bytes += &run.close(40, 10);
    insta::assert_snapshot!(shown(&bytes), @r"
    ✔ web  1 step                      0.5s
      ✔ RUN make                       0.5s
    ");
}

#[test]
fn a_group_that_was_cached_as_a_whole_takes_one_line() {
    let mut run = run();
    for name in ["FROM scratch", "COPY a b"] {
        let step = run.start("web", name);
        run.end(step, Outcome::Cached, 2);
    }
    insta::assert_snapshot!(shown(&run.close(40, 10)), @"✔ web  2 steps, 2 cached         CACHED");
}

#[test]
fn the_cursor_is_hidden_once_and_shown_again_at_the_end() {
    let mut run = run();
    run.start("web", "RUN make");
    let bytes = run.tick(40, 10) + &run.tick(40, 10) + &run.close(40, 10);
    assert_eq!(bytes.matches(HIDE_CURSOR).count(), 1);
    assert!(bytes.ends_with(SHOW_CURSOR));
}

#[test]
fn a_run_without_steps_draws_nothing() {
    let mut run = run();
    assert_eq!(run.tick(40, 10) + &run.close(40, 10), "");
}

#[test]
fn after_a_resize_the_frame_begins_where_its_wrapped_lines_do() {
    let mut run = run();
    run.start("web", "RUN make");
    run.tick(40, 10);
    // Two lines of 39 columns take four rows on a terminal of 20.
    assert!(run.tick(20, 10).contains("\x1b[4A"));
}

#[test]
fn a_frame_is_drawn_inside_a_synchronised_update() {
    let mut run = run();
    run.start("web", "RUN make");
    let bytes = run.tick(40, 10);
    assert!(bytes.starts_with(BEGIN_UPDATE) && bytes.ends_with(END_UPDATE));
}

proptest! {
    #[test]
    fn a_frame_fits_the_terminal_and_holds_no_control_character(
        names in proptest::collection::vec("\\PC{0,60}", 1..12),
        output in proptest::collection::vec(any::<u8>(), 0..200),
        columns in 0usize..100,
        rows in 0usize..30,
    ) {
        let run = &mut run();
        for name in &names {
            let step = run.start(name, name);
            run.bytes(step, &output);
            run.bytes(step, b"\n");
        }
        let tree = fit(run.renderer.rows(&run.model, run.now(), columns), rows);
        prop_assert!(tree.len() <= rows);
        for row in tree {
            prop_assert!(!row.text.chars().any(char::is_control));
            prop_assert!(row.columns <= columns.max(12));
            prop_assert_eq!(row.columns, text::width(&row.text));
        }
    }
}
