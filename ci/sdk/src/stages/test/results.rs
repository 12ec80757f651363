//! What the release record keeps of tests: what passed and what failed, by name. No times: testing the same again gives the same record.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Scope;
use super::tested::{Outcome, Service, Tested};
use crate::project::Project;
use crate::stages::record::{self, Record};

/// How the tests of an image ended. A check is `check/NAME`, a point of the contract `contract/NAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Results {
    pub(crate) passed: BTreeSet<String>,
    pub(crate) failed: BTreeSet<String>,
}

impl Results {
    fn of(service: &Service) -> Self {
        let checks = service.checks.iter().filter_map(|check| {
            let passed = match check.outcome {
                Outcome::Passed => true,
                Outcome::Failed(_) => false,
                Outcome::Skipped(_) => return None,
            };
            Some((format!("check/{}", check.name), passed))
        });
        let points = service.contract.points.iter();
        let points = points.map(|point| (format!("contract/{}", point.name), point.passed));
        let mut results = Self::default();
        for (name, passed) in checks.chain(points) {
            let names = match passed {
                true => &mut results.passed,
                false => &mut results.failed,
            };
            names.insert(name);
        }
        results
    }

    fn is_empty(&self) -> bool {
        self.passed.is_empty() && self.failed.is_empty()
    }
}

/// Writes down how the images of the record were tested. What only a part of the tests found out replaces that part.
///
/// # Errors
/// When the record cannot be written.
pub(super) async fn remember(project: &Project, tested: &Tested, scope: Scope) -> eyre::Result<()> {
    // Checks alone need no image, so there may be no record.
    if scope == Scope::Checks || Record::read(project).is_none() {
        return Ok(());
    }
    record::change(project, |record| {
        for service in &mut record.services {
            let digest = service.digest.to_string();
            let is_it =
                |it: &&Service| it.name == service.name && it.digest.as_ref() == Some(&digest);
            if let Some(it) = tested.services.iter().find(is_it) {
                let mut results = Results::of(it);
                if scope == Scope::Contract {
                    results.keep_checks_of(service.tests.take());
                }
                service.tests = Some(results).filter(|results| !results.is_empty());
            }
        }
    })
    .await?;
    Ok(())
}

impl Results {
    fn keep_checks_of(&mut self, before: Option<Self>) {
        let before = before.unwrap_or_default();
        let is_check = |name: &String| name.starts_with("check/");
        self.passed
            .extend(before.passed.into_iter().filter(is_check));
        self.failed
            .extend(before.failed.into_iter().filter(is_check));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stages::test::{Check, Contract, Point};

    fn service() -> Service {
        let check = |name: &str, outcome| Check {
            name: name.into(),
            outcome,
            junit: None,
            elapsed: Duration::from_secs(1),
        };
        let points = vec![
            Point::passed("livez", "200"),
            Point::failed("drain", "still ready"),
        ];
        Service {
            name: "web".into(),
            digest: None,
            checks: vec![
                check("unit", Outcome::Passed),
                check("lint", Outcome::Failed("exit code: 1".into())),
                check("slow", Outcome::Skipped("another platform".into())),
            ],
            contract: Contract::of(points, Duration::ZERO),
        }
    }

    #[test]
    fn what_was_skipped_is_not_among_the_results() {
        let results = Results::of(&service());
        let text = serde_json::to_string(&results).unwrap();
        insta::assert_snapshot!(text, @r#"{"passed":["check/unit","contract/livez"],"failed":["check/lint","contract/drain"]}"#);
    }

    #[test]
    fn testing_the_contract_again_keeps_the_checks() {
        let before = Results::of(&service());
        let mut again = Results {
            passed: BTreeSet::from(["contract/drain".to_owned()]),
            failed: BTreeSet::new(),
        };
        again.keep_checks_of(Some(before));
        assert!(again.passed.contains("check/unit") && again.passed.contains("contract/drain"));
        assert_eq!(again.failed, BTreeSet::from(["check/lint".to_owned()]));
    }
}
