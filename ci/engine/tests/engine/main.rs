//! The engine through `dagger-sdk`, running real programs: a static busybox as the only image there is.

#![allow(
    clippy::unwrap_used,
    clippy::exit,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why on the terminal"
)]

mod disk_full;
mod dockerfile;
mod exec;
mod fetch_git;
mod fetch_http;
mod figures;
mod fixture;
mod hostile_git;
mod isolation;
mod layout;
mod limits;
mod platforms;
mod privileges;
mod pull;
mod repository;
mod server;
mod service;
mod ssh;

use libtest_mimic::{Arguments, Trial};

fn main() {
    ci_engine::init();
    if std::env::args().nth(1).as_deref() == Some(privileges::DIGEST) {
        privileges::print_digest();
        return;
    }
    if let [_, flag, disk] = std::env::args().collect::<Vec<_>>().as_slice()
        && flag == disk_full::WORKER
    {
        disk_full::worker(disk.as_ref());
        return;
    }
    let arguments = Arguments::from_args();
    if fixture::busybox().is_none() {
        eprintln!("skipped: no static busybox on this machine (install busybox-static)");
        return;
    }
    let tests: Vec<Trial> = [
        exec::tests(),
        limits::tests(),
        isolation::tests(),
        disk_full::tests(),
        platforms::tests(),
        figures::tests(),
        dockerfile::tests(),
        layout::tests(),
        privileges::tests(),
        pull::tests(),
        service::tests(),
        fetch_git::tests(),
        hostile_git::tests(),
        fetch_http::tests(),
        ssh::tests(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&arguments, tests).exit();
}
