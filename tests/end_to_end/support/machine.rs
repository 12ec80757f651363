//! What the machine and the user of the tests allow.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Skip;

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program in PATH, or where Debian keeps those of the administrator.
pub(crate) fn tool(name: &str) -> Result<PathBuf, Skip> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| Skip(format!("`{name}` is not installed")))
}

/// Skips unless a command, which changes nothing, succeeds.
pub(crate) fn can(what: &str, command: &mut Command) -> Result<(), Skip> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Skip(format!("this machine does not let us {what}"))),
    }
}

/// Skips unless root runs the tests.
pub(crate) fn needs_root() -> Result<(), Skip> {
    if is_root() {
        Ok(())
    } else {
        Err(Skip("the tests do not run as root".into()))
    }
}
