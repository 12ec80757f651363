//! What the command line and the environment say.

use std::time::Duration;

const DEFAULT_PORT: u16 = 8080;
const DEFAULT_DRAIN: Duration = Duration::from_millis(500);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    /// 0 for any that is free; the log says which.
    pub(crate) port: u16,
    /// How long requests are taken after the signal to end.
    pub(crate) drain: Duration,
    pub(crate) version: Version,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With the file of the schedule, if it is a worker.
    Serve {
        jobs: Option<String>,
    },
    Check,
}

/// What was built, as the image's environment tells. The digest is known only after the build, to whoever deploys it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) sha: String,
    pub(crate) service: String,
    pub(crate) build_ts: String,
    pub(crate) image_digest: String,
}

impl Config {
    /// Reads the arguments after the program's name, and variables by name.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let mut mode = Mode::Serve { jobs: None };
        while let Some(argument) = arguments.next() {
            mode = match argument.as_str() {
                "--jobs" => Mode::Serve {
                    jobs: Some(arguments.next().ok_or("--jobs needs a file")?),
                },
                "--check" => Mode::Check,
                _ => {
                    return Err(format!(
                        "unknown argument `{argument}`; there are --jobs FILE and --check"
                    ));
                }
            };
        }
        let text = |name: &str| variable(name).unwrap_or_default();
        Ok(Self {
            mode,
            port: match variable("PORT") {
                None => DEFAULT_PORT,
                Some(port) => port
                    .parse()
                    .map_err(|_| format!("PORT={port}: not a port number"))?,
            },
            drain: match variable("DRAIN_MS") {
                None => DEFAULT_DRAIN,
                Some(ms) => {
                    let number = ms
                        .parse()
                        .map_err(|_| format!("DRAIN_MS={ms}: not a number of milliseconds"))?;
                    Duration::from_millis(number)
                }
            },
            version: Version {
                sha: text("GIT_SHA"),
                service: text("SERVICE"),
                build_ts: text("BUILD_TS"),
                image_digest: text("IMAGE_DIGEST"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::read(
            arguments.iter().map(|argument| (*argument).to_owned()),
            variable,
        )
    }

    #[test]
    fn starts_with_nothing_said() {
        let config = read(&[], &[]).unwrap();
        assert_eq!(config.mode, Mode::Serve { jobs: None });
        assert_eq!(
            (config.port, config.drain),
            (8080, Duration::from_millis(500))
        );
        assert_eq!(config.version, Version::default());
    }

    #[test]
    fn takes_what_is_said() {
        let variables = [
            ("PORT", "9000"),
            ("DRAIN_MS", "20"),
            ("GIT_SHA", "abc"),
            ("SERVICE", "worker"),
        ];
        let config = read(&["--jobs", "/etc/jobs"], &variables).unwrap();
        assert_eq!(
            config.mode,
            Mode::Serve {
                jobs: Some("/etc/jobs".to_owned())
            }
        );
        assert_eq!(
            (config.port, config.drain),
            (9000, Duration::from_millis(20))
        );
        assert_eq!(
            (config.version.sha.as_str(), config.version.service.as_str()),
            ("abc", "worker")
        );
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(
            read(&[], &[("PORT", "http")]).unwrap_err(),
            "PORT=http: not a port number"
        );
        assert_eq!(
            read(&[], &[("PORT", "65536")]).unwrap_err(),
            "PORT=65536: not a port number"
        );
        assert_eq!(
            read(&[], &[("DRAIN_MS", "-1")]).unwrap_err(),
            "DRAIN_MS=-1: not a number of milliseconds"
        );
        assert_eq!(read(&["--jobs"], &[]).unwrap_err(), "--jobs needs a file");
        assert!(
            read(&["--port"], &[])
                .unwrap_err()
                .starts_with("unknown argument `--port`")
        );
    }
}
