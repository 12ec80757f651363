//! Runs the jobs of a schedule, each at once and then in its period. A sample's jobs only say that they ran.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::log;
use crate::schedule::Job;

pub(crate) struct Worker {
    /// Dropped to end the thread.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Loads the jobs and runs them, in a thread.
    pub(crate) fn start(load: impl FnOnce() -> Vec<Job> + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().spawn(move || {
            let start = Instant::now();
            let mut due: Vec<(Instant, Job)> = load().into_iter().map(|job| (start, job)).collect();
            while let Some((at, job)) = due.iter_mut().min_by_key(|(at, _)| *at) {
                let left = at.saturating_duration_since(Instant::now());
                // Nothing is ever sent: the wait ends by time or by the end of the sender.
                if stopped.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                run(job);
                *at += job.every;
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Lets the job under way end, and starts no other.
    pub(crate) fn stop(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

fn run(job: &Job) {
    log::info(
        "job",
        &[("name", &job.name), ("description", &job.description)],
    );
}
