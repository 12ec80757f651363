//! The file and text tools: small forms of the utilities of POSIX, each a function from its arguments to an exit status.
//!
//! An applet touches the world only through its [`Call`], never through the process's own directory, environment or
//! descriptors, because several may run at once in one process. Options must stand in front of the operands; one that an
//! applet does not have is an error.

mod attributes;
mod copy;
mod files;
mod filters;
mod grep;
mod list;
mod misc;
mod text;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use crate::exec::BROKEN_PIPE;
use crate::state::{Io, reason};

/// How an applet ends: an exit status, or a failure that is reported for it.
pub(crate) type Ended = Result<u8, Failure>;

pub(crate) type Applet = fn(&Call<'_>) -> Ended;

/// Every applet, by name.
pub(crate) const ALL: [(&str, Applet); 31] = [
    ("basename", misc::basename),
    ("cat", text::cat),
    ("chmod", attributes::chmod),
    ("chown", attributes::chown),
    ("cp", copy::cp),
    ("cut", filters::cut),
    ("dirname", misc::dirname),
    ("env", misc::env),
    ("false", |_| Ok(1)),
    ("grep", grep::grep),
    ("head", text::head),
    ("id", misc::id),
    ("ln", files::ln),
    ("ls", list::ls),
    ("mkdir", files::mkdir),
    ("mv", copy::mv),
    ("readlink", list::readlink),
    ("rm", files::rm),
    ("rmdir", files::rmdir),
    ("sh", crate::sh::sh),
    ("sha256sum", misc::sha256sum),
    ("sleep", misc::sleep),
    ("sort", filters::sort),
    ("stat", list::stat),
    ("tail", text::tail),
    ("tee", text::tee),
    ("touch", files::touch),
    ("tr", filters::tr),
    ("true", |_| Ok(0)),
    ("uniq", filters::uniq),
    ("wc", text::wc),
];

pub(crate) fn find(name: &str) -> Option<Applet> {
    ALL.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, applet)| *applet)
}

/// What an applet is called with.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a [String],
    pub(crate) cwd: &'a Path,
    pub(crate) io: &'a Io,
    pub(crate) environment: &'a [(String, String)],
    /// Called from a script, with which it shares the process.
    pub(crate) nested: bool,
}

/// Why an applet could not do what it was called for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The reader of its output has left.
    BrokenPipe,
    /// Wrong arguments: status 2.
    Usage(String),
    /// Anything else: status 1.
    Other(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Other(reason(&error)),
        }
    }
}

/// Runs an applet and reports its failure.
pub(crate) fn run(applet: Applet, call: &Call<'_>) -> u8 {
    match applet(call) {
        Ok(status) => status,
        Err(Failure::BrokenPipe) => BROKEN_PIPE,
        Err(Failure::Usage(message)) => {
            call.complain(&message);
            2
        }
        Err(Failure::Other(message)) => {
            call.complain(&message);
            1
        }
    }
}

/// Options and operands of a call.
pub(crate) struct Arguments<'a> {
    options: Vec<(char, &'a str)>,
    pub(crate) operands: &'a [String],
}

impl<'a> Arguments<'a> {
    pub(crate) fn has(&self, option: char) -> bool {
        self.options.iter().any(|(given, _)| *given == option)
    }

    /// The value of an option that takes one; the last wins.
    pub(crate) fn value(&self, option: char) -> Option<&'a str> {
        self.options
            .iter()
            .rev()
            .find(|(given, _)| *given == option)
            .map(|(_, value)| *value)
    }
}

impl<'a> Call<'a> {
    /// Reads options after the Utility Syntax Guidelines of POSIX. In `known` a colon marks those that take a value.
    pub(crate) fn arguments(&self, known: &str) -> Result<Arguments<'a>, Failure> {
        let mut options = Vec::new();
        let mut rest = self.arguments.iter();
        loop {
            let operands = rest.as_slice();
            let Some(cluster) = rest
                .next()
                .and_then(|argument| argument.strip_prefix('-'))
                .filter(|c| !c.is_empty())
            else {
                return Ok(Arguments { options, operands });
            };
            if cluster == "-" {
                return Ok(Arguments {
                    options,
                    operands: rest.as_slice(),
                });
            }
            for (at, option) in cluster.char_indices() {
                let found = known.find(option).filter(|_| option != ':');
                let Some(found) = found else {
                    return Err(Failure::Usage(format!(
                        "option `-{cluster}` is not supported"
                    )));
                };
                if !known[found + 1..].starts_with(':') {
                    options.push((option, ""));
                    continue;
                }
                let attached = &cluster[at + option.len_utf8()..];
                let value = if attached.is_empty() {
                    rest.next().map(String::as_str)
                } else {
                    Some(attached)
                };
                let missing = || Failure::Usage(format!("option `-{option}` needs a value"));
                options.push((option, value.ok_or_else(missing)?));
                break;
            }
        }
    }

    /// Exactly `N` operands.
    pub(crate) fn exactly<const N: usize>(
        &self,
        operands: &'a [String],
    ) -> Result<&'a [String; N], Failure> {
        operands
            .try_into()
            .map_err(|_| Failure::Usage(format!("needs {N} operands, has {}", operands.len())))
    }

    /// At least one operand.
    pub(crate) fn some(&self, operands: &'a [String]) -> Result<&'a [String], Failure> {
        if operands.is_empty() {
            Err(Failure::Usage("needs an operand".to_owned()))
        } else {
            Ok(operands)
        }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.cwd.join(name)
    }

    pub(crate) fn complain(&self, message: &str) {
        self.io.complain(&format!("{}: {message}", self.name));
    }

    /// Standard output. To be flushed, so that a failure to write is seen.
    pub(crate) fn output(&self) -> BufWriter<&'a File> {
        BufWriter::new(&self.io.stdout)
    }

    /// A file to read, or standard input for `-`.
    pub(crate) fn input(&self, name: &str) -> Result<Box<dyn BufRead + 'a>, Failure> {
        if name == "-" {
            return Ok(Box::new(BufReader::new(&*self.io.stdin)));
        }
        let file = File::open(self.path(name)).map_err(|error| about(name, &error))?;
        Ok(Box::new(BufReader::new(file)))
    }

    /// All of a file, or of standard input for `-`.
    pub(crate) fn contents(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.input(name)?
            .read_to_end(&mut bytes)
            .map_err(|error| about(name, &error))?;
        Ok(bytes)
    }

    /// The contents of several files in sequence; of standard input if none is named.
    pub(crate) fn all_contents(&self, names: &[String]) -> Result<Vec<u8>, Failure> {
        if names.is_empty() {
            return self.contents("-");
        }
        names.iter().try_fold(Vec::new(), |mut all, name| {
            all.extend(self.contents(name)?);
            Ok(all)
        })
    }

    /// Does something to each operand. A failure is reported, and the others still have their turn.
    pub(crate) fn each(
        &self,
        operands: &[String],
        act: impl Fn(&str) -> Result<(), Failure>,
    ) -> Ended {
        let mut status = 0;
        for operand in operands {
            match act(operand) {
                Ok(()) => {}
                Err(Failure::Other(message)) => {
                    self.complain(&message);
                    status = 1;
                }
                Err(other) => return Err(other),
            }
        }
        Ok(status)
    }
}

/// A failure that concerns a file.
pub(crate) fn about(name: impl AsRef<Path>, error: &io::Error) -> Failure {
    Failure::Other(format!("{}: {}", name.as_ref().display(), reason(error)))
}

/// The lines of a text without their ends. A last line without an end is a line.
pub(crate) fn lines(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_call<T>(arguments: &[&str], test: impl FnOnce(&Call<'_>) -> T) -> T {
        let io = Io::inherited().unwrap();
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        let cwd = Path::new("/");
        test(&Call {
            name: "test",
            arguments: &arguments,
            cwd,
            io: &io,
            environment: &[],
            nested: true,
        })
    }

    #[test]
    fn options_stand_in_front_of_operands() {
        with_call(&["-ab", "-cx", "-c", "y", "f", "-a"], |call| {
            let arguments = call.arguments("abc:").unwrap();
            assert!(arguments.has('a') && arguments.has('b') && !arguments.has('x'));
            assert_eq!(arguments.value('c'), Some("y"));
            assert_eq!(arguments.operands, ["f", "-a"]);
        });
    }

    #[test]
    fn two_dashes_end_the_options_and_one_is_an_operand() {
        with_call(&["-a", "--", "-b"], |call| {
            assert_eq!(call.arguments("a").unwrap().operands, ["-b"])
        });
        with_call(&["-", "-b"], |call| {
            assert_eq!(call.arguments("a").unwrap().operands, ["-", "-b"])
        });
    }

    #[test]
    fn options_that_are_not_there_are_refused() {
        let refusal = |arguments: &[&str]| with_call(arguments, |call| call.arguments("an:").err());
        let unsupported = |option: &str| {
            Some(Failure::Usage(format!(
                "option `{option}` is not supported"
            )))
        };
        assert_eq!(refusal(&["-ax"]), unsupported("-ax"));
        assert_eq!(refusal(&["--all"]), unsupported("--all"));
        assert_eq!(refusal(&["-:"]), unsupported("-:"));
        assert_eq!(
            refusal(&["-an"]),
            Some(Failure::Usage("option `-n` needs a value".to_owned()))
        );
    }

    #[test]
    fn the_tools_are_sorted_and_unique() {
        assert!(ALL.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn an_empty_text_has_no_line() {
        let count = |text: &[u8]| lines(text).count();
        assert_eq!(
            (count(b""), count(b"\n"), count(b"a"), count(b"a\n\n")),
            (0, 1, 1, 2)
        );
    }
}
