//! The store as other programs see it: several processes, kills, full disks; and what it costs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod disk_full;
mod measure;
mod processes;
mod workload;
