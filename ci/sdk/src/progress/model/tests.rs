//! Tests of `model`: what it promises.

use ci_engine::progress::Outcome;

use super::super::Quiet;
use super::super::fixture::Run;
use super::*;

fn run() -> Run<Quiet> {
    Run::new(Quiet, Colours::Drop)
}

fn lines(run: &Run<Quiet>) -> Vec<&str> {
    run.changes
        .iter()
        .filter_map(|change| match change {
            Change::Line { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn chunks_are_joined_to_lines_and_an_unfinished_line_is_told_at_the_end() {
    let mut run = run();
    let step = run.start("web", "RUN x");
    run.print(step, "one\ntw");
    assert_eq!(lines(&run), ["one"]);
    run.print(step, "o\nthree");
    run.end(step, Outcome::Done, 1);
    assert_eq!(lines(&run), ["one", "two", "three"]);
    assert!(matches!(run.changes.last(), Some(Change::Finished(_))));
}

#[test]
fn a_character_cut_by_a_chunk_border_is_whole_again() {
    let mut run = run();
    let step = run.start("web", "RUN x");
    let text = "né\n".as_bytes();
    run.bytes(step, &text[..2]);
    run.bytes(step, &text[2..]);
    assert_eq!(lines(&run), ["né"]);
}

#[test]
fn an_endless_line_is_told_in_pieces_and_kept_in_bounds() {
    let mut run = run();
    let step = run.start("web", "RUN yes");
    for _ in 0..100 {
        run.bytes(step, &[b'y'; 3000]);
    }
    let place = run.model.places[&step];
    assert!(run.model.step(place).open[0].len() <= LONGEST_LINE);
    assert!(
        lines(&run)
            .iter()
            .all(|line| line.len() <= 2 * LONGEST_LINE)
    );
    assert_eq!(run.model.step(place).tail.len(), TAIL);
}

#[test]
fn only_the_last_lines_of_a_failure_are_kept_and_nothing_of_a_success() {
    let mut run = run();
    for (outcome, kept) in [
        (Outcome::Failed("exit code: 1".into()), TAIL),
        (Outcome::Done, 0),
    ] {
        let step = run.start("web", "RUN x");
        for i in 0..50 {
            run.print(step, &format!("line {i}\n"));
        }
        run.end(step, outcome, 1);
        let place = run.model.places[&step];
        assert_eq!(run.model.step(place).tail.len(), kept);
        if kept > 0 {
            assert_eq!(run.model.step(place).tail.back().unwrap(), "line 49");
            assert_eq!(run.model.step(place).dropped, 30);
        }
    }
}

#[test]
fn what_comes_after_the_end_of_a_step_or_of_an_unknown_one_is_ignored() {
    let mut run = run();
    let step = run.start("web", "RUN x");
    run.end(step, Outcome::Done, 1);
    let before = run.changes.len();
    run.print(step, "late\n");
    run.end(step, Outcome::Canceled, 1);
    run.print(StepId(99), "who?\n");
    assert_eq!(run.changes.len(), before);
}

#[test]
fn a_group_lasts_from_its_first_step_to_its_last() {
    let mut run = run();
    let first = run.start("web", "a");
    run.wait(100);
    run.end(first, Outcome::Done, 100);
    run.wait(400);
    let second = run.start("web", "b");
    run.wait(50);
    assert_eq!(
        run.model.groups[0].elapsed(run.now()),
        Duration::from_millis(550)
    );
    run.end(second, Outcome::Done, 50);
    run.wait(9000);
    assert_eq!(
        run.model.groups[0].elapsed(run.now()),
        Duration::from_millis(550)
    );
}

#[test]
fn names_and_messages_are_made_safe() {
    let mut run = run();
    let step = run.start("we\x1b[2Jb", "RUN <<EOF\n  make\nEOF");
    run.end(step, Outcome::Failed("ex\x07it\ncode".into()), 1);
    assert_eq!(run.model.groups[0].name, "web");
    assert_eq!(run.model.groups[0].steps[0].name, "RUN <<EOF make EOF");
    assert_eq!(
        run.model.groups[0].steps[0].outcome(),
        Some(&Outcome::Failed("exit code".into()))
    );
}
