//! Credential helpers: programs named `docker-credential-…` that keep secrets where the system does.
//!
//! Their protocol is that of docker-credential-helpers: a word as argument, the rest on standard input. What they print may hold
//! secrets and is never shown.

use std::io::Write;
use std::process::{Command, Stdio};

use ci_registry::Secret;
use serde::Serialize;

use crate::error::{Exit, UserError};

/// What all their names begin with.
const PREFIX: &str = "docker-credential-";

/// What every helper says when it has none.
const NOT_FOUND: &str = "credentials not found";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credential<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    username: &'a str,
    secret: &'a str,
}

/// Gives a credential to a helper; the program's name.
pub(super) fn store(
    helper: &str,
    server: &str,
    user: &str,
    secret: &Secret,
) -> Result<String, UserError> {
    let program = program(helper)?;
    let credential = Credential {
        server,
        username: user,
        secret: secret.reveal(),
    };
    let input = serde_json::to_vec(&credential).unwrap_or_default();
    match run(&program, "store", &input)? {
        Ended::Done => Ok(program),
        Ended::NotFound | Ended::Failed => Err(failed(&program, "store")),
    }
}

/// Makes a helper forget a registry; whether it knew it.
pub(super) fn erase(helper: &str, server: &str) -> Result<bool, UserError> {
    let program = program(helper)?;
    match run(&program, "erase", server.as_bytes())? {
        Ended::Done => Ok(true),
        Ended::NotFound => Ok(false),
        Ended::Failed => Err(failed(&program, "erase")),
    }
}

/// The program of a helper, which is looked for in PATH and nowhere else.
fn program(helper: &str) -> Result<String, UserError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if helper.chars().all(allowed) {
        return Ok(format!("{PREFIX}{helper}"));
    }
    let message =
        format!("Docker's config.json names the credential helper {helper:?}, which cannot be one");
    Err(UserError::new(Exit::Usage, message))
}

enum Ended {
    Done,
    NotFound,
    Failed,
}

fn run(program: &str, word: &str, input: &[u8]) -> Result<Ended, UserError> {
    let not_run = |error| {
        let message = format!("{program}, which Docker's config.json names, cannot be run");
        UserError::new(Exit::Machine, message)
            .hint("install it, or take it out of config.json")
            .because(error)
    };
    let mut child = Command::new(program)
        .arg(word)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(not_run)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Whether it read everything shows in how it ends.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(not_run)?;
    Ok(match output.status.success() {
        true => Ended::Done,
        false if String::from_utf8_lossy(&output.stdout).contains(NOT_FOUND) => Ended::NotFound,
        false => Ended::Failed,
    })
}

fn failed(program: &str, word: &str) -> UserError {
    UserError::new(Exit::Infrastructure, format!("`{program} {word}` failed")).hint(
        "what it says may hold secrets and is not shown; it may need a session of its keyring",
    )
}
