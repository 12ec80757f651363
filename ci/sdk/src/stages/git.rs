//! The git command line: without anything a repository's own configuration could make it run, and without changing the repository
//! (P2).

#[cfg(test)]
pub(crate) mod testing;

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Starts git in `root`, unable to run anything but itself.
pub(crate) fn start(root: &Path, args: &[&str]) -> io::Result<Child> {
    let mut command = Command::new("git");
    // A hook that runs this program has its repository in the environment; here the folder decides.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_git(name)) {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        // What a partial clone lacks is not fetched behind anybody's back.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C")
        .arg("-C")
        .arg(root)
        .args(["--no-optional-locks", "--no-pager"])
        .args(["-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(["-c", "log.showSignature=false"])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn is_of_git(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    // Where a user's own configuration is may be said in the environment; it may hold `safe.directory`.
    name.starts_with("GIT_") && name != "GIT_CONFIG_GLOBAL"
}

/// What git printed, or why there is nothing, in one line.
pub(crate) fn answer(child: io::Result<Child>) -> Result<String, String> {
    let bytes = bytes(child)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The same as bytes: names of files are not always text.
pub(crate) fn bytes(child: io::Result<Child>) -> Result<Vec<u8>, String> {
    let output = match child.and_then(Child::wait_with_output) {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("there is no `git` in PATH".into());
        }
        Err(error) => return Err(format!("git cannot be run: {error}")),
    };
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("git failed");
    Err(first.trim_start_matches("fatal: ").to_owned())
}

/// Runs git and returns what it printed.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<String, String> {
    answer(start(root, args))
}
