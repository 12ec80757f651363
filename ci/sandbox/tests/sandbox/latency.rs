//! What an execution costs. The figure is printed; the limit is far above it, for busy machines.

use std::time::{Duration, Instant};

use ci_sandbox::Limits;

use crate::support::Bench;

const RUNS: usize = 50;

pub(crate) async fn an_execution_of_true_takes_a_few_milliseconds(bench: Bench) {
    measure(&bench, "no limits", &Limits::default()).await;
}

pub(crate) async fn limits_cost_a_fraction_of_that(bench: Bench) {
    let limits = Limits {
        memory: Some(1 << 30),
        pids: Some(4096),
        timeout: Some(Duration::from_secs(60)),
        nofile: None,
    };
    measure(&bench, "all limits", &limits).await;
}

async fn measure(bench: &Bench, what: &str, limits: &Limits) {
    let spec = || {
        let mut spec = bench.spec(["true"]);
        spec.limits = limits.clone();
        spec
    };
    bench.run(spec()).await;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        assert!(bench.run(spec()).await.exit.success());
        times.push(begin.elapsed());
    }
    times.sort();
    let (fastest, median) = (times[0], times[RUNS / 2]);
    println!(
        "{}, {what}: fastest {fastest:?}, median {median:?}",
        bench.mode
    );
    assert!(fastest < Duration::from_millis(100));
}
