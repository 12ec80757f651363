//! Limits of executions: the input object of the API, the engine's defaults, and the words for an execution that ran into one.
//! They are in no key, since a result that is kept ran into none.

use std::time::Duration;

use ci_sandbox::{Exit, Limits};
use serde::Deserialize;

use crate::Group;
use crate::error::{Error, Result};
use crate::session::Session;

/// The input object `Limits`.
#[derive(Debug, Deserialize)]
struct Input {
    memory: Option<i64>,
    pids: Option<i64>,
    seconds: Option<i64>,
}

/// The argument `limits`; without it there are none.
pub(crate) fn decode(
    args: &ci_graphql::Args,
) -> std::result::Result<Limits, ci_graphql::FieldError> {
    let input: Option<Input> = args.decode("limits")?;
    Ok(input.map(from_input).transpose()?.unwrap_or_default())
}

fn from_input(input: Input) -> Result<Limits> {
    let positive = |name: &str, number: Option<i64>| match number.map(u64::try_from) {
        None => Ok(None),
        Some(Ok(number @ 1..)) => Ok(Some(number)),
        Some(_) => Err(Error::new(format!("limits: {name} must be greater than 0"))),
    };
    Ok(Limits {
        memory: positive("memory", input.memory)?,
        pids: positive("pids", input.pids)?,
        timeout: positive("seconds", input.seconds)?.map(Duration::from_secs),
        ..Limits::default()
    })
}

impl Session {
    /// The limits of an execution: its own, and the engine's for what they leave open. Says once what of them this machine cannot
    /// enforce to the letter.
    pub(crate) fn limits(&self, own: &Limits, group: &Group) -> Limits {
        let limits = own.clone().or(&self.options.limits);
        if limits.memory.is_some() || limits.pids.is_some() {
            self.limits_shortfall.get_or_init(|| {
                if let Some(shortfall) = self.sandbox.enforcement().shortfall(&limits) {
                    let progress = &self.options.progress;
                    progress.warn(group, "LimitsNotExact", shortfall, None);
                }
            });
        }
        limits
    }
}

/// Why an execution ended otherwise than by its own exit.
pub(crate) fn reason(exit: &Exit, limits: &Limits) -> Option<String> {
    match exit {
        Exit::Code(_) => None,
        Exit::Signal(signal) => Some(format!("killed by {}", signal_name(*signal))),
        Exit::OutOfMemory { .. } => Some(format!(
            "killed: out of memory, the limit is {}; raise `limits.memory`",
            limits.memory.map_or_else(|| "unknown".to_owned(), size)
        )),
        Exit::TooManyProcesses { .. } => Some(format!(
            "more than {} processes and threads were refused; raise `limits.pids`",
            limits.pids.unwrap_or_default()
        )),
        Exit::TimedOut { running } => {
            let after = limits.timeout.map_or_else(|| "its time".to_owned(), time);
            let running = match running.as_slice() {
                [] => String::new(),
                names => format!(", {} still running", names.join(", ")),
            };
            Some(format!(
                "killed after {after}{running}; raise `limits.time`"
            ))
        }
    }
}

/// A signal by name where programs die of it often.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal}, {name}")
}

/// Bytes in the largest unit that divides them.
fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units
        .iter()
        .find(|(shift, _)| bytes.trailing_zeros() >= *shift)
    {
        Some((shift, unit)) => format!("{} {unit}", bytes >> shift),
        None => format!("{bytes} bytes"),
    }
}

/// A time in the largest unit that divides it.
fn time(time: Duration) -> String {
    let millis = time.as_millis();
    match [(3_600_000, "h"), (60_000, "min"), (1000, "s")]
        .iter()
        .find(|(unit, _)| millis.is_multiple_of(*unit))
    {
        Some((unit, name)) => format!("{} {name}", millis / unit),
        None => format!("{millis} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(exit: Exit) -> String {
        let limits = Limits {
            memory: Some(512 << 20),
            pids: Some(4096),
            timeout: Some(Duration::from_secs(1800)),
            ..Limits::default()
        };
        reason(&exit, &limits).unwrap_or_default()
    }

    #[test]
    fn what_ended_an_execution_is_told_with_the_limit_and_what_to_do() {
        assert_eq!(told(Exit::Code(3)), "");
        assert_eq!(told(Exit::Signal(9)), "killed by signal 9, SIGKILL");
        assert_eq!(
            told(Exit::OutOfMemory { code: 137 }),
            "killed: out of memory, the limit is 512 MiB; raise `limits.memory`"
        );
        assert_eq!(
            told(Exit::TooManyProcesses { code: 2 }),
            "more than 4096 processes and threads were refused; raise `limits.pids`"
        );
        let running = vec!["npm".to_owned(), "node".to_owned()];
        assert_eq!(
            told(Exit::TimedOut { running }),
            "killed after 30 min, npm, node still running; raise `limits.time`"
        );
    }

    #[test]
    fn units_lose_nothing() {
        assert_eq!(size(1 << 30), "1 GiB");
        assert_eq!(size(1536 << 20), "1536 MiB");
        assert_eq!(size(1000), "1000 bytes");
        assert_eq!(time(Duration::from_secs(90)), "90 s");
        assert_eq!(time(Duration::from_secs(7200)), "2 h");
        assert_eq!(time(Duration::from_millis(1500)), "1500 ms");
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        let input = |memory| Input {
            memory: Some(memory),
            pids: None,
            seconds: None,
        };
        assert_eq!(from_input(input(5 << 30)).unwrap().memory, Some(5 << 30));
        for memory in [0, -1] {
            let error = from_input(input(memory)).unwrap_err().to_string();
            assert_eq!(error, "limits: memory must be greater than 0");
        }
    }
}
