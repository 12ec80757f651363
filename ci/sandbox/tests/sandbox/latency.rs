//! What an execution costs. The figure is printed; the limit is far above it, for busy machines.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::Bench;

const RUNS: usize = 50;

pub(crate) async fn an_execution_of_true_takes_a_few_milliseconds(bench: Bench) {
    bench.run(bench.spec(["true"])).await;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        fs::remove_dir_all(bench.path("work")).unwrap();
        fs::create_dir(bench.path("work")).unwrap();
        let begin = Instant::now();
        assert!(bench.run(bench.spec(["true"])).await.exit.success());
        times.push(begin.elapsed());
    }
    times.sort();
    println!(
        "{}: median {:?}, slowest {:?}",
        bench.mode,
        times[RUNS / 2],
        times[RUNS - 1]
    );
    assert!(times[RUNS / 2] < Duration::from_millis(100));
}
