//! Tests of `json`: what it promises.

use proptest::prelude::*;

use super::super::fixture::Run;
use super::*;
use crate::error::{Exit, UserError};
use crate::text::Colours;

#[test]
fn a_run_is_one_object_per_line() {
    let mut run = Run::new(Json, Colours::Drop);
    run.script();
    insta::assert_snapshot!(run.out, @r#"
    {"event":"started","at_ms":0,"step":1,"group":"web","name":"FROM service:shell","source":{"file":"services/web/Dockerfile","line":1,"text":"FROM service:shell"}}
    {"event":"finished","at_ms":10,"step":1,"group":"web","outcome":"cached","elapsed_ms":10}
    {"event":"warning","at_ms":10,"group":"web","rule":"SecretsUsedInArgOrEnv","message":"do not pass secrets by ARG: `TOKEN`","source":{"file":"services/web/Dockerfile","line":3,"text":"ARG TOKEN"}}
    {"event":"started","at_ms":10,"step":2,"group":"web","name":"COPY . /src","source":{"file":"services/web/Dockerfile","line":2,"text":"COPY . /src"}}
    {"event":"started","at_ms":10,"step":3,"group":"worker","name":"RUN apt-get install"}
    {"event":"finished","at_ms":330,"step":2,"group":"web","outcome":"done","elapsed_ms":320}
    {"event":"started","at_ms":330,"step":4,"group":"web","name":"RUN make -j4","source":{"file":"services/web/Dockerfile","line":7,"text":"RUN make -j4"}}
    {"event":"output","at_ms":330,"step":4,"group":"web","stream":"stdout","line":"cc -c a.c"}
    {"event":"output","at_ms":330,"step":4,"group":"web","stream":"stdout","line":"cc -c b.c"}
    {"event":"output","at_ms":1330,"step":4,"group":"web","stream":"stdout","line":"b.c:1: error"}
    {"event":"output","at_ms":1330,"step":3,"group":"worker","stream":"stdout","line":"Unpacking libc6 …"}
    {"event":"finished","at_ms":1530,"step":4,"group":"web","outcome":"failed","message":"exit code: 2","elapsed_ms":1200}
    "#);
}

#[test]
fn a_transfer_tells_its_bytes() {
    let mut run = Run::new(Json, Colours::Drop);
    let step = run.start("web", "pull debian:12");
    run.advance(step, 13, 52);
    assert_eq!(
        run.out.lines().last().unwrap(),
        r#"{"event":"advanced","at_ms":0,"step":1,"group":"web","done":13,"total":52}"#
    );
}

#[test]
fn the_last_line_of_a_failed_run_is_its_error() {
    let report =
        eyre::Report::new(UserError::new(Exit::Usage, "no such service").hint("try `web`"));
    insta::assert_snapshot!(error(&Failure::of(&report)), @r#"
    {"event":"error","message":"no such service","causes":[],"hints":["try `web`"],"exit":2}
    "#);
}

proptest! {
    #[test]
    fn every_line_parses_and_holds_no_control_character(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut run = Run::new(Json, Colours::Drop);
        let step = run.start("web", &String::from_utf8_lossy(&bytes));
        run.bytes(step, &bytes);
        run.end(step, Outcome::Done, 1);
        for line in run.out.lines() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
