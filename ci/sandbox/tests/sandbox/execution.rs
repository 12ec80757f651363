//! Commands: output, exit codes, identity, environment, limits, and the words for a command that cannot be run.

use std::time::{Duration, Instant};

use ci_sandbox::{Changes, Error, Exit, Root, Secret, Spec, User};

use crate::support::Bench;

pub(crate) async fn output_and_exit_code_come_back(bench: Bench) {
    let outcome = bench
        .run(bench.script("echo out; echo err >&2; exit 7"))
        .await;
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("out\n", "err\n")
    );
    assert_eq!(outcome.exit, Exit::Code(7));
}
