//! Tests of `test`: what it promises.

use std::time::Duration;

use super::test::{Check, Contract, Counts, Point, Report};
use super::*;

fn check(name: &str, outcome: Outcome, counts: Option<Counts>) -> Check {
    Check {
        name: name.into(),
        outcome,
        junit: counts.map(|counts| Report {
            path: format!(".pipeline/reports/web/{name}.xml").into(),
            counts: Some(counts),
        }),
        elapsed: Duration::from_millis(1234),
    }
}

fn counts(tests: usize, failed: usize, skipped: usize) -> Option<Counts> {
    Some(Counts {
        tests,
        failed,
        skipped,
    })
}

fn service(name: &str, checks: Vec<Check>, contract: Contract) -> Service {
    Service {
        name: name.into(),
        digest: Some("sha256:aa".into()),
        checks,
        contract,
    }
}

fn tested() -> Tested {
    let kept = vec![
        Point::passed("livez", "200 after 31 ms"),
        Point::passed("exit", "210 ms after SIGTERM; 10.0s are allowed"),
    ];
    let broken = vec![
        Point::passed("livez", "200 after 31 ms"),
        Point::failed("version.sha", "expected `0123`, found `abc`").hint("see there"),
        Point::failed("drain", "readyz never said that it is not ready"),
    ];
    let time = Duration::from_millis(320);
    let failed = Outcome::Failed("exit code: 1".into());
    Tested {
        services: vec![
            service("docs", Vec::new(), Contract::skipped("none declared")),
            service(
                "web",
                vec![
                    check("lint", Outcome::Passed, None),
                    check("unit", failed, counts(12, 1, 2)),
                ],
                Contract::of(broken, time),
            ),
            service(
                "worker",
                vec![check("schedule", Outcome::Passed, counts(1, 0, 0))],
                Contract::of(kept, time),
            ),
        ],
        failures: Vec::new(),
    }
}

#[test]
fn everything_that_was_looked_at_has_a_line_and_every_service_a_row() {
    insta::assert_snapshot!(human(&tested(), Paint::new(false)), @r"
    web
      ✔ lint         1.2s
      ✗ unit         exit code: 1, 1.2s, 12 tests, 1 failed, 2 skipped
      ✔ livez        200 after 31 ms
      ✗ version.sha  expected `0123`, found `abc`
      ✗ drain        readyz never said that it is not ready

    worker
      ✔ schedule  1.2s, 1 test
      ✔ livez     200 after 31 ms
      ✔ exit      210 ms after SIGTERM; 10.0s are allowed

    SERVICE  CHECKS                                        CONTRACT                    TIME
    docs     none                                          not started: none declared  0.0s
    web      1 of 2 FAILED, 12 tests, 1 failed, 2 skipped  BROKEN: version.sha, drain  1.6s
    worker   1 passed, 1 test                              kept                        1.6s
    ");
}

#[test]
fn what_a_service_says_of_itself_cannot_control_the_terminal() {
    let mut tested = tested();
    tested.services[1].contract.points[1].detail = "found `\x1b[2Jabc\nx`".into();
    let shown = human(&tested, Paint::new(false));
    assert!(
        shown.contains("found `abc x`") && !shown.contains('\x1b'),
        "{shown}"
    );
}

#[test]
fn programs_get_the_same_as_json() {
    let mut tested = tested();
    tested.services.remove(2);
    insta::assert_snapshot!(serde_json::to_string_pretty(&tested.document()).unwrap(), @r#"
    {
      "schemaVersion": 1,
      "passed": false,
      "services": [
        {
          "name": "docs",
          "digest": "sha256:aa",
          "checks": [],
          "contract": {
            "outcome": "skipped",
            "message": "none declared",
            "points": [],
            "elapsedMs": 0
          }
        },
        {
          "name": "web",
          "digest": "sha256:aa",
          "checks": [
            {
              "name": "lint",
              "outcome": "passed",
              "junit": null,
              "elapsedMs": 1234
            },
            {
              "name": "unit",
              "outcome": "failed",
              "message": "exit code: 1",
              "junit": {
                "path": ".pipeline/reports/web/unit.xml",
                "counts": {
                  "tests": 12,
                  "failed": 1,
                  "skipped": 2
                }
              },
              "elapsedMs": 1234
            }
          ],
          "contract": {
            "outcome": "failed",
            "message": "version.sha, drain",
            "points": [
              {
                "name": "livez",
                "passed": true,
                "detail": "200 after 31 ms"
              },
              {
                "name": "version.sha",
                "passed": false,
                "detail": "expected `0123`, found `abc`",
                "hint": "see there"
              },
              {
                "name": "drain",
                "passed": false,
                "detail": "readyz never said that it is not ready"
              }
            ],
            "elapsedMs": 320
          }
        }
      ]
    }
    "#);
}

#[test]
fn a_failure_fails_the_command_and_what_was_not_run_does_not() {
    let all = tested();
    assert_eq!(
        verdict(&all).unwrap().to_string(),
        "2 of 5 checks and contracts failed"
    );
    let rest = Tested {
        services: vec![all.services[0].clone(), all.services[2].clone()],
        failures: Vec::new(),
    };
    assert!(verdict(&rest).is_none());
    let document = serde_json::to_value(rest.document()).unwrap();
    assert_eq!(document["passed"], true);
}

#[test]
fn nothing_tested_prints_nothing() {
    assert_eq!(human(&Tested::default(), Paint::new(true)), "");
}
