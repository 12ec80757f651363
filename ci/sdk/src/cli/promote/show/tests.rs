//! How promotions look.

use std::collections::BTreeMap;

use ci_deployments::review::Commits;
use ci_deployments::{Candidate, FileChange, Image, Move, Promotion, Source};
use ci_oci::Digest;

use super::*;

fn change(service: &str, number: u8, outcome: Outcome) -> Change {
    let commit = format!("{number:02x}").repeat(20);
    let (before, after) = (Digest::of([number]), Digest::of([number + 1]));
    let file = |digest: &Digest| format!("images:\n- name: {service}\n  digest: {digest}\n").into();
    let path = format!("overlays/production/{service}/kustomization.yaml");
    let files = FileChange {
        before: Some(file(&before)),
        after: file(&after),
        executable: false,
    };
    let promotion = Promotion {
        kind: Kind::Promotion,
        environment: "production".parse().unwrap(),
        unit: service.parse().unwrap(),
        moves: vec![Move {
            service: service.parse().unwrap(),
            before: Some(before),
            state: None,
            after: Candidate {
                service: service.into(),
                image: Image {
                    repository: format!("registry.example.com/acme/{service}")
                        .parse()
                        .unwrap(),
                    digest: after,
                    tag: None,
                    commit: Some(commit.clone()),
                },
                tags: vec!["1.4.2".into()],
                source: Source {
                    repository: Some("https://github.com/acme/shop".into()),
                    commit: commit.clone(),
                    commit_time: None,
                    reference: None,
                },
            },
        }],
        files: BTreeMap::from([(path, files)]),
        notes: Vec::new(),
    };
    let review = review::Review {
        commits: Some(Commits {
            subjects: vec![(commit, "fix: \x1b[31mtime zones".into())],
            total: 3,
        }),
        checks: vec![review::Check {
            what: format!("image of {service}"),
            result: Ok("registry.example.com has it".into()),
        }],
        ..review::Review::default()
    };
    Change {
        promotion,
        review,
        outcome,
        warnings: Vec::new(),
        closed: Vec::new(),
    }
}

fn pull(number: u64) -> PullRequestRef {
    PullRequestRef {
        number,
        url: format!("https://github.com/acme/deployments/pull/{number}"),
    }
}

#[test]
fn what_was_done_is_a_table() {
    let commit = "c".repeat(40);
    let changes = [
        change(
            "api",
            1,
            Outcome::Open {
                pull: pull(17),
                is_new: true,
            },
        ),
        change("jobs", 2, Outcome::Committed { commit }),
        change("migrator", 3, Outcome::Done),
        change("web", 4, Outcome::Declined { pull: pull(16) }),
    ];
    insta::assert_snapshot!(human(&changes, Paint::new(false)), @r"
    SERVICE   ENVIRONMENT  WAS                  WILL BE              RESULT
    api       production   sha256:4bf5122f3445  sha256:dbc1b4c900ff  opened https://github.com/acme/deployments/pull/17
    jobs      production   sha256:dbc1b4c900ff  sha256:084fed08b978  commit cccccccccccc
    migrator  production   sha256:084fed08b978  sha256:e52d9c508c50  was there
    web       production   sha256:e52d9c508c50  sha256:e77b9a9ae9e3  declined in https://github.com/acme/deployments/pull/16
    ");
    insta::assert_snapshot!(
        warnings(&changes[3]).join("\n"),
        @"https://github.com/acme/deployments/pull/16 was closed without being merged, so this is not proposed again; `--reopen` does"
    );
}

#[test]
fn what_is_refused_says_why_with_all_that_would_change() {
    let mut refused = change("web", 1, Outcome::Refused);
    refused.review.checks.push(review::Check {
        what: "e2e for web".into(),
        result: Err("it did not run".into()),
    });
    insta::assert_snapshot!(human(&[refused], Paint::new(false)), @r"
    production: web sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a -> sha256:dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986 (commit 010101010101, 1.4.2)
      overlays/production/web/kustomization.yaml
          3 -   digest: sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a
          3 +   digest: sha256:dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986
      commits: 3
        010101010101 fix: time zones
      ✔ image of web: registry.example.com has it
      ✘ e2e for web: it did not run
    ");
}

#[test]
fn programs_get_everything() {
    let printed = one(&change(
        "web",
        1,
        Outcome::Open {
            pull: pull(17),
            is_new: false,
        },
    ));
    insta::assert_snapshot!(serde_json::to_string_pretty(&printed).unwrap(), @r#"
    {
      "checks": [
        {
          "found": "registry.example.com has it",
          "passed": true,
          "what": "image of web"
        }
      ],
      "closed": [],
      "commits": {
        "subjects": [
          {
            "commit": "0101010101010101010101010101010101010101",
            "subject": "fix: \u001b[31mtime zones"
          }
        ],
        "total": 3
      },
      "environment": "production",
      "files": [
        {
          "isNew": false,
          "lines": [
            {
              "change": "-",
              "line": 3,
              "text": "  digest: sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"
            },
            {
              "change": "+",
              "line": 3,
              "text": "  digest: sha256:dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986"
            }
          ],
          "path": "overlays/production/web/kustomization.yaml"
        }
      ],
      "kind": "promotion",
      "migrating": [],
      "notes": [],
      "outcome": "updated",
      "pullRequest": {
        "number": 17,
        "url": "https://github.com/acme/deployments/pull/17"
      },
      "services": [
        {
          "after": "sha256:dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986",
          "before": "sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
          "commit": "0101010101010101010101010101010101010101",
          "commitBefore": null,
          "image": "registry.example.com/acme/web@sha256:dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986",
          "name": "web",
          "tags": [
            "1.4.2"
          ]
        }
      ],
      "title": "Promote web to production",
      "unit": "web",
      "warnings": []
    }
    "#);
}
