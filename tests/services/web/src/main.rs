//! The sample service: an HTTP server that says what it is and whether it is well, and that leaves in good order.
//!
//! - `/livez`: 200 while the process runs; `/readyz`: 200 while it wants requests, else 503; `/version`: what was built.
//! - On SIGTERM or SIGINT it is no longer ready, serves on for DRAIN_MS so that load balancers notice, finishes the requests
//!   under way, and exits with 0. This works as process 1 of a container, where signals have no default action.
//! - `--jobs FILE` makes it a worker: it also runs the jobs of a compiled schedule, and is ready once that is loaded.
//! - `--check` asks the server of the same container for `/livez`: the health check of an image that has no other program.
//!
//! Configuration is by environment: PORT, DRAIN_MS, and GIT_SHA, SERVICE, BUILD_TS, IMAGE_DIGEST for `/version`. It logs to
//! standard output, one JSON object in a line.

mod config;
mod health_check;
mod http;
mod json;
mod log;
mod routes;
mod schedule;
mod server;
mod signal;
mod worker;

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::{env, io, thread};

use config::{Config, Mode};
use routes::State;
use server::Server;
use worker::Worker;

/// What the main thread waits for.
enum Event {
    Terminated,
    JobsFailed(schedule::Error),
}

fn main() -> ExitCode {
    let config = match Config::read(env::args().skip(1), |name| env::var(name).ok()) {
        Ok(config) => config,
        Err(message) => {
            log::error("cannot start", &[("reason", &message)]);
            return ExitCode::from(2);
        }
    };
    let result = match config.mode {
        Mode::Check => health_check::run(config.port).map(|()| ExitCode::SUCCESS),
        Mode::Serve { .. } => serve(config),
    };
    result.unwrap_or_else(|error| {
        log::error("failed", &[("reason", &error.to_string())]);
        ExitCode::FAILURE
    })
}

fn serve(config: Config) -> io::Result<ExitCode> {
    // First of all, so that no signal meets a process without a handler.
    let termination = signal::Termination::install()?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, config.port))?;
    let port = listener.local_addr()?.port().to_string();
    let Mode::Serve { jobs } = config.mode else {
        return Ok(ExitCode::SUCCESS);
    };

    let state = Arc::new(State::new(config.version, jobs.is_none()));
    let server = Server::start(listener, Arc::clone(&state))?;
    log::info("listening", &[("port", &port)]);

    let (events, received) = mpsc::channel();
    let worker = match jobs {
        Some(file) => Some(start_worker(file, Arc::clone(&state), events.clone())?),
        None => None,
    };
    thread::Builder::new().spawn(move || {
        termination.wait();
        // Nobody listens any more if the process is about to end anyway.
        let _ = events.send(Event::Terminated);
    })?;

    if let Ok(Event::JobsFailed(error)) = received.recv() {
        log::error("no jobs", &[("reason", &error.to_string())]);
        return Ok(ExitCode::FAILURE);
    }
    state.drain();
    log::info(
        "draining",
        &[("for_ms", &config.drain.as_millis().to_string())],
    );
    thread::sleep(config.drain);
    let unfinished = server.stop();
    if let Some(worker) = worker {
        worker.stop();
    }
    if unfinished > 0 {
        log::error("drain incomplete", &[("requests", &unfinished.to_string())]);
        return Ok(ExitCode::FAILURE);
    }
    log::info("drained", &[]);
    Ok(ExitCode::SUCCESS)
}

/// Loads the schedule beside the server, which is alive meanwhile but not ready.
fn start_worker(file: String, state: Arc<State>, events: Sender<Event>) -> io::Result<Worker> {
    Worker::start(move || match schedule::load(file.as_ref()) {
        Ok(jobs) => {
            log::info("schedule loaded", &[("jobs", &jobs.len().to_string())]);
            state.set_ready();
            jobs
        }
        Err(error) => {
            let _ = events.send(Event::JobsFailed(error));
            Vec::new()
        }
    })
}
