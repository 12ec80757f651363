//! Where the tests work: a temporary folder, in namespaces of their own.
//!
//! Container tools leave mounts behind, such as their storage bound onto itself, and processes that clean up a little later. In
//! namespaces that end with the tests both are gone with them, and the folder can be removed.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

/// Names the folder to the tests in the namespace.
const VARIABLE: &str = "INTEROP_WORK";

/// Whether this process is the one that tests.
pub(crate) fn is_ready() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Starts this program again, to test, and returns what it returned.
pub(crate) fn run_again() -> ExitCode {
    if !rustix::process::geteuid().is_root() {
        eprintln!(
            "this suite compares owners and mounts images: run it as root, or in a virtual machine or container as .ci/run does"
        );
        return ExitCode::FAILURE;
    }
    let work = TempDir::with_prefix("interop-").unwrap();
    let status = Command::new("unshare")
        .args(["--mount", "--propagation=private"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, work.path())
        .status()
        .unwrap_or_else(|error| panic!("unshare (util-linux) is needed, see .ci/run: {error}"));
    match status.code() {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => ExitCode::FAILURE,
    }
}

/// The folder that everything is in.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| PathBuf::from(std::env::var_os(VARIABLE).unwrap()))
}

/// A new folder in it, whose name begins with `name`; it stays until the end.
pub(crate) fn folder(name: &str) -> PathBuf {
    let made = tempfile::Builder::new()
        .prefix(&format!("{name}-"))
        .tempdir_in(root());
    made.unwrap().keep()
}

/// A name that nothing else has, for what has no folder.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("interop-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// This repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
