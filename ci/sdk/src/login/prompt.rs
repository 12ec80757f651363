//! Asking people at a terminal, and reading what is piped in.

use std::io::{self, IsTerminal, Read, Write};

use ci_registry::Secret;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use crate::error::{Exit, UserError};

/// More bytes than any password or token has.
const LIMIT: u64 = 64 << 10;

/// Asks for a line that may be seen.
///
/// # Errors
/// When nobody is there to be asked.
pub(crate) async fn line(question: &str) -> eyre::Result<String> {
    asked_here()?;
    ask(question)?;
    Ok(answer().await?)
}

/// Asks for a line without showing what is typed.
///
/// # Errors
/// When nobody is there to be asked.
pub(crate) async fn hidden(question: &str) -> eyre::Result<Secret> {
    asked_here()?;
    // Held here, not where it is read: an interrupt drops this future, and the terminal shows again what is typed.
    let quiet = Quiet::begin()?;
    ask(question)?;
    let answer = answer().await;
    drop(quiet);
    // The newline that ended the answer was not shown either.
    io::stderr().write_all(b"\n")?;
    Ok(Secret::new(answer?))
}

/// All of standard input, without the newline at its end.
///
/// # Errors
/// When it is too long, or no text.
pub(crate) fn piped() -> eyre::Result<Secret> {
    secret(io::stdin().lock())
}

fn secret(input: impl Read) -> eyre::Result<Secret> {
    let mut bytes = Vec::new();
    input.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(
            UserError::new(Exit::Usage, "standard input is too long for a password").into(),
        );
    }
    // The error of the conversion would hold the bytes.
    let text = String::from_utf8(bytes)
        .map_err(|_| UserError::new(Exit::Usage, "the password on standard input is not text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}

fn asked_here() -> Result<(), UserError> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let message = "standard input is no terminal, so nobody can be asked";
    Err(UserError::new(Exit::Usage, message)
        .hint("give the user with `-u USER` and pipe the password in with `--password-stdin`"))
}

fn ask(question: &str) -> io::Result<()> {
    io::stderr().write_all(question.as_bytes())?;
    io::stderr().flush()
}

async fn answer() -> io::Result<String> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    });
    read.await?
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_ends_before_one_newline() {
        let read = |text: &str| secret(text.as_bytes()).unwrap().reveal().to_owned();
        assert_eq!(read("a b\n"), "a b");
        assert_eq!(read("a\r\n"), "a");
        assert_eq!(read("a\n\n"), "a\n");
        assert_eq!(read(""), "");
    }

    #[test]
    fn what_is_no_password_is_refused_without_being_shown() {
        let error = secret(&b"top\xffsecret"[..]).unwrap_err();
        assert!(!format!("{error:?}").contains("top"), "{error:?}");
        assert!(secret(io::repeat(b'x')).is_err());
    }
}
