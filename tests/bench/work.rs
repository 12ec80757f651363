//! Where the benchmark works: a temporary folder of its own, in namespaces that end with it.
//!
//! Builders leave daemons and mounts behind. In a mount and a pid namespace of its own both are gone with this process,
//! however it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use eyre::{OptionExt, WrapErr};
use tempfile::TempDir;

/// Names the folder to the process in the namespaces.
const VARIABLE: &str = "BENCH_WORK";

/// Whether this process is the one that measures.
pub(crate) fn is_ready() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Starts this program again, to measure, and returns what it returned.
pub(crate) fn run_again() -> eyre::Result<ExitCode> {
    eyre::ensure!(
        rustix::process::geteuid().is_root(),
        "the other builders need root, and are compared as root"
    );
    let work = TempDir::with_prefix_in("run-", cache()?)?;
    let status = Command::new("unshare")
        .args(["--mount", "--propagation=private"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, work.path())
        .status()
        .wrap_err("cannot start unshare (util-linux)")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The folder that everything is in that does not outlive this run.
pub(crate) fn root() -> eyre::Result<PathBuf> {
    let root = std::env::var_os(VARIABLE).ok_or_eyre("not started by run_again")?;
    Ok(PathBuf::from(root))
}

/// The folder for what later runs use again; below cargo's, on the same disk as everything else.
pub(crate) fn cache() -> eyre::Result<PathBuf> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&cache)?;
    Ok(cache)
}
