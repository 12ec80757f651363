//! What an execution costs. The figure is printed; the limit is far above it, for busy machines.

use std::time::{Duration, Instant};

use crate::support::Bench;

const RUNS: usize = 50;

pub(crate) async fn an_execution_of_true_takes_a_few_milliseconds(bench: Bench) {
    bench.run(bench.spec(["true"])).await;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        assert!(bench.run(bench.spec(["true"])).await.exit.success());
        times.push(begin.elapsed());
    }
    times.sort();
    let (fastest, median) = (times[0], times[RUNS / 2]);
    println!("{}: fastest {fastest:?}, median {median:?}", bench.mode);
    assert!(fastest < Duration::from_millis(100));
}
