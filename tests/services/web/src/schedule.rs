//! The compiled schedule of a worker, as the image's build has made it:
//!
//! ```text
//! expire-sessions 30 Remove sessions that have expired
//! send-digest 3600 Send the daily digest
//! sha256 0f1e…
//! ```
//!
//! A line for each job, sorted by name: name, period in seconds, description. The last line has the digest of all before it.

use std::path::Path;
use std::time::Duration;
use std::{fmt, fs, io};

/// Longer periods are mistakes.
const MAX_PERIOD: u64 = 7 * 24 * 60 * 60;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) every: Duration,
    pub(crate) description: String,
}

/// Why a schedule cannot be used.
#[derive(Debug)]
pub(crate) enum Error {
    Unreadable(String, io::Error),
    /// It is not the file that the build has made.
    Damaged,
    /// A line that is no job, with its number.
    Line(usize, &'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(file, error) => write!(f, "{file}: {error}"),
            Self::Damaged => write!(f, "the schedule does not match its checksum"),
            Self::Line(number, problem) => write!(f, "schedule, line {number}: {problem}"),
        }
    }
}

pub(crate) fn load(file: &Path) -> Result<Vec<Job>, Error> {
    let unreadable = |error| Error::Unreadable(file.display().to_string(), error);
    parse(&fs::read_to_string(file).map_err(unreadable)?)
}

fn parse(text: &str) -> Result<Vec<Job>, Error> {
    let (body, digest) = checksum(text).ok_or(Error::Damaged)?;
    if sha256::hex(body.as_bytes()) != digest {
        return Err(Error::Damaged);
    }
    let mut jobs: Vec<Job> = Vec::new();
    for (index, line) in body.lines().enumerate() {
        let job = job(line).map_err(|problem| Error::Line(index + 1, problem))?;
        if jobs.last().is_some_and(|last| last.name >= job.name) {
            return Err(Error::Line(
                index + 1,
                "names must be sorted, and each used once",
            ));
        }
        jobs.push(job);
    }
    if jobs.is_empty() {
        Err(Error::Line(1, "there is no job"))
    } else {
        Ok(jobs)
    }
}

/// The jobs' lines, and the digest after them.
fn checksum(text: &str) -> Option<(&str, &str)> {
    let without_end = text.strip_suffix('\n')?;
    let start = without_end.rfind('\n')? + 1;
    Some((
        &text[..start],
        without_end[start..].strip_prefix("sha256 ")?,
    ))
}

fn job(line: &str) -> Result<Job, &'static str> {
    let mut parts = line.splitn(3, ' ');
    let (Some(name), Some(seconds), Some(description)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err("a job is a name, a period in seconds and a description");
    };
    if name.is_empty()
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    {
        return Err("a name consists of a-z, 0-9 and `-`");
    }
    let seconds = seconds
        .parse()
        .ok()
        .filter(|seconds| (1..=MAX_PERIOD).contains(seconds));
    let every = Duration::from_secs(seconds.ok_or("a period is from 1 second to 7 days")?);
    Ok(Job {
        name: name.to_owned(),
        every,
        description: description.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(lines: &str) -> String {
        format!("{lines}sha256 {}\n", sha256::hex(lines.as_bytes()))
    }

    fn problem(lines: &str) -> String {
        parse(&compiled(lines)).unwrap_err().to_string()
    }

    #[test]
    fn reads_the_jobs_in_order() {
        let jobs = parse(&compiled("a-1 5 First job\nb 60 Second\n")).unwrap();
        assert_eq!(jobs.len(), 2);
        assert_eq!(jobs[0].every, Duration::from_secs(5));
        assert_eq!(
            (jobs[0].name.as_str(), jobs[0].description.as_str()),
            ("a-1", "First job")
        );
    }

    #[test]
    fn refuses_a_schedule_that_is_not_what_was_compiled() {
        let good = compiled("a 5 First\n");
        let changed = good.replace('5', "6");
        let cut = &good[..good.len() - 1];
        for text in [
            "",
            "\n",
            "sha256 ",
            &changed,
            cut,
            "a 5 First\n",
            &good["a ".len()..],
        ] {
            assert!(matches!(parse(text), Err(Error::Damaged)), "{text:?}");
        }
    }

    #[test]
    fn refuses_lines_that_are_no_jobs() {
        assert_eq!(
            problem("a 5\n"),
            "schedule, line 1: a job is a name, a period in seconds and a description"
        );
        assert_eq!(
            problem("A 5 x\n"),
            "schedule, line 1: a name consists of a-z, 0-9 and `-`"
        );
        assert_eq!(
            problem("a 0 x\n"),
            "schedule, line 1: a period is from 1 second to 7 days"
        );
        assert_eq!(
            problem("b 1 x\na 1 x\n"),
            "schedule, line 2: names must be sorted, and each used once"
        );
        assert_eq!(
            problem("a 1 x\na 1 x\n"),
            "schedule, line 2: names must be sorted, and each used once"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("/nonexistent/schedule"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/nonexistent/schedule: "), "{error}");
    }
}
