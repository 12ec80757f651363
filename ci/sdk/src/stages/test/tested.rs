//! What testing found out, as values: the command line shows them, `summary.json` keeps them.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::contract::Point;
use super::junit::Counts;

/// Counts up when a reader of the version before would misunderstand [`Document`].
const SCHEMA_VERSION: u32 = 1;

/// What a test did.
#[derive(Debug, Default)]
pub(crate) struct Tested {
    /// The services that were asked for, ordered by name.
    pub(crate) services: Vec<Service>,
    /// What kept tests from being made: services that do not build, an engine that does not answer.
    pub(crate) failures: Vec<eyre::Report>,
}

impl Tested {
    /// Whether there was nothing to test.
    pub(crate) fn is_nothing(&self) -> bool {
        self.services.is_empty() && self.failures.is_empty()
    }
}

/// The same for programs: `--output json` and `summary.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    schema_version: u32,
    passed: bool,
    services: &'a [Service],
}

/// What was found out about one service.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    pub(crate) name: String,
    /// Digest of the image that was tested; absent if it was not built.
    pub(crate) digest: Option<String>,
    /// In the order of the catalog.
    pub(crate) checks: Vec<Check>,
    pub(crate) contract: Contract,
}

/// How one check ended.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The JUnit file, if the check left one.
    pub(crate) junit: Option<Report>,
    #[serde(rename = "elapsedMs", serialize_with = "millis")]
    pub(crate) elapsed: Duration,
}

/// A JUnit file that was collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// From the catalog's root.
    pub(crate) path: PathBuf,
    /// What it says; nothing if it cannot be read.
    pub(crate) counts: Option<Counts>,
}

/// How a contract was kept.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Contract {
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// In the order in which they were looked at.
    pub(crate) points: Vec<Point>,
    #[serde(rename = "elapsedMs", serialize_with = "millis")]
    pub(crate) elapsed: Duration,
}

/// How a check or a contract ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "message", rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// As it should.
    Passed,
    /// In one line, how it failed.
    Failed(String),
    /// In one line, why it was not run.
    Skipped(String),
}

impl Outcome {
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl Contract {
    /// One that was not looked at.
    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Skipped(why.into()),
            points: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// What `points` add up to.
    pub(crate) fn of(points: Vec<Point>, elapsed: Duration) -> Self {
        let broken: Vec<&str> = points
            .iter()
            .filter(|point| !point.passed)
            .map(|point| point.name.as_str())
            .collect();
        let outcome = if broken.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(broken.join(", "))
        };
        Self {
            outcome,
            points,
            elapsed,
        }
    }
}

impl Service {
    /// Checks that ended in a way that `wanted` asks for.
    pub(crate) fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> usize {
        let outcomes = self.checks.iter().map(|check| &check.outcome);
        outcomes.filter(|outcome| wanted(outcome)).count()
    }

    /// The sums of all JUnit files, if there is any.
    pub(crate) fn counts(&self) -> Option<Counts> {
        let counts = self
            .checks
            .iter()
            .filter_map(|check| check.junit.as_ref()?.counts);
        counts.reduce(|a, b| Counts {
            tests: a.tests + b.tests,
            failed: a.failed + b.failed,
            skipped: a.skipped + b.skipped,
        })
    }

    /// How long its checks took, which run at the same time, and then its contract.
    pub(crate) fn elapsed(&self) -> Duration {
        let checks = self.checks.iter().map(|check| check.elapsed).max();
        checks.unwrap_or_default() + self.contract.elapsed
    }
}

impl Tested {
    /// How many checks and contracts failed, and of how many that were run.
    pub(crate) fn failed(&self) -> (usize, usize) {
        let checks = self.services.iter().flat_map(|service| &service.checks);
        let outcomes: Vec<&Outcome> = checks
            .map(|check| &check.outcome)
            .chain(
                self.services
                    .iter()
                    .map(|service| &service.contract.outcome),
            )
            .filter(|outcome| !matches!(outcome, Outcome::Skipped(_)))
            .collect();
        let failed = outcomes.iter().filter(|outcome| outcome.has_failed());
        (failed.count(), outcomes.len())
    }

    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            schema_version: SCHEMA_VERSION,
            passed: self.failures.is_empty() && self.failed().0 == 0,
            services: &self.services,
        }
    }
}

fn millis<S: Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
