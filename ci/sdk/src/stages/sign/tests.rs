//! What is attested of an image, as data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ci_catalog::{Catalog, MemoryFiles};
use ci_oci::Digest;

use super::job::Job;
use super::{provenance, results, work};
use crate::stages::recipe::{Download, Recipe};
use crate::stages::record::{Base, Platform, Record, SCHEMA_VERSION, Service, Source};
use crate::stages::test::Results;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn service() -> Service {
    let digest = Digest::of("web");
    Service {
        name: "web".into(),
        repository: "registry.example.com/acme/shop-web".into(),
        digest,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        platforms: vec![Platform {
            platform: "linux/amd64".into(),
            digest,
            size: 1234,
            sbom: None,
        }],
        tags: vec!["1.4.2".into()],
        builder: "dockerfile".into(),
        coupled_with: Vec::new(),
        bases: vec![Base {
            reference: "docker.io/library/debian:12-slim".parse().unwrap(),
            digest: Digest::of("debian"),
        }],
        recipe: Some(Recipe {
            file: "services/web/Dockerfile".into(),
            target: Some("runtime".into()),
            arguments: BTreeMap::from([("GIT_SHA".to_owned(), COMMIT.to_owned())]),
            downloads: BTreeSet::from([
                Download::file("https://example.com/a.tar", "sha256:abcd"),
                Download::commit("https://example.com/a.git", COMMIT),
            ]),
        }),
        fingerprint: Some("ab".repeat(32)),
        reused: false,
        tests: None,
        more: BTreeMap::new(),
    }
}

fn record() -> Record {
    Record {
        schema_version: SCHEMA_VERSION,
        project: "shop".into(),
        source: Source {
            repository: Some("https://git.example.com/acme/shop".into()),
            commit: COMMIT.into(),
            reference: Some("refs/heads/main".into()),
            dirty: false,
            commit_time: None,
            version: None,
        },
        environment: None,
        engine: "embedded".into(),
        services: vec![service()],
    }
}

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "GITHUB_ACTIONS" => "true",
        "GITHUB_REPOSITORY" => "acme/shop",
        "GITHUB_REPOSITORY_ID" => "1",
        "GITHUB_REPOSITORY_OWNER_ID" => "2",
        "GITHUB_WORKFLOW_REF" => "acme/shop/.github/workflows/deliver.yml@refs/heads/main",
        "GITHUB_REF" => "refs/heads/main",
        "GITHUB_SHA" => COMMIT,
        "GITHUB_EVENT_NAME" => "push",
        "GITHUB_RUN_ID" => "77",
        "GITHUB_RUN_ATTEMPT" => "2",
        "RUNNER_ENVIRONMENT" => "github-hosted",
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn a_job_is_one_of_github_only_where_github_says_so() {
    assert!(Job::of(variable).is_some());
    let elsewhere = |name: &str| variable(name).filter(|_| name != "GITHUB_ACTIONS");
    assert_eq!(Job::of(elsewhere), None);
}

#[test]
fn provenance_of_a_job_is_that_of_githubs_workflows_with_everything_the_image_stands_on() {
    let job = Job::of(variable).unwrap();
    let predicate = provenance::predicate(&record(), &service(), Some(&job));
    insta::assert_snapshot!(serde_json::to_string_pretty(&predicate).unwrap(), @r#"
    {
      "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {
          "workflow": {
            "path": ".github/workflows/deliver.yml",
            "ref": "refs/heads/main",
            "repository": "https://github.com/acme/shop"
          }
        },
        "internalParameters": {
          "github": {
            "event_name": "push",
            "repository_id": "1",
            "repository_owner_id": "2",
            "runner_environment": "github-hosted"
          },
          "pipeline": {
            "arguments": {
              "GIT_SHA": "0123456789abcdef0123456789abcdef01234567"
            },
            "builder": "dockerfile",
            "engine": "embedded",
            "file": "services/web/Dockerfile",
            "fingerprint": "abababababababababababababababababababababababababababababababab",
            "platforms": {
              "linux/amd64": "sha256:4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2"
            },
            "service": "web",
            "target": "runtime"
          }
        },
        "resolvedDependencies": [
          {
            "digest": {
              "gitCommit": "0123456789abcdef0123456789abcdef01234567"
            },
            "uri": "git+https://github.com/acme/shop@refs/heads/main"
          },
          {
            "digest": {
              "sha256": "81d93757457f988523814ae0009837ae893f38d3fe123f2c37896f118b4c7804"
            },
            "name": "docker.io/library/debian:12-slim",
            "uri": "pkg:oci/debian@sha256%3A81d93757457f988523814ae0009837ae893f38d3fe123f2c37896f118b4c7804?repository_url=docker.io%2Flibrary%2Fdebian&tag=12-slim"
          },
          {
            "digest": {
              "gitCommit": "0123456789abcdef0123456789abcdef01234567"
            },
            "uri": "git+https://example.com/a.git"
          },
          {
            "digest": {
              "sha256": "abcd"
            },
            "uri": "https://example.com/a.tar"
          }
        ]
      },
      "runDetails": {
        "builder": {
          "id": "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main"
        },
        "metadata": {
          "invocationId": "https://github.com/acme/shop/actions/runs/77/attempts/2"
        }
      }
    }
    "#);
}

#[test]
fn provenance_of_a_laptop_claims_no_more_than_it_can() {
    let predicate = provenance::predicate(&record(), &service(), None);
    insta::assert_snapshot!(serde_json::to_string(&predicate["runDetails"]).unwrap(), @r#"{"builder":{"id":"urn:pipeline:machine"},"metadata":{}}"#);
    insta::assert_snapshot!(predicate["buildDefinition"]["buildType"], @r#""urn:pipeline:build:v1""#);
    insta::assert_snapshot!(predicate["buildDefinition"]["resolvedDependencies"][0], @r#"{"digest":{"gitCommit":"0123456789abcdef0123456789abcdef01234567"},"uri":"git+https://git.example.com/acme/shop@refs/heads/main"}"#);
}

#[test]
fn test_results_name_what_passed_and_what_failed() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let ended = Results {
        passed: names(&["check/unit", "contract/livez"]),
        failed: BTreeSet::new(),
    };
    let job = Job::of(variable).unwrap();
    let predicate = results::predicate(&record(), &ended, Some(&job));
    insta::assert_snapshot!(serde_json::to_string_pretty(&predicate).unwrap(), @r#"
    {
      "configuration": [
        {
          "digest": {
            "gitCommit": "0123456789abcdef0123456789abcdef01234567"
          },
          "uri": "git+https://github.com/acme/shop@refs/heads/main"
        }
      ],
      "failedTests": [],
      "passedTests": [
        "check/unit",
        "contract/livez"
      ],
      "result": "PASSED",
      "url": "https://github.com/acme/shop/actions/runs/77"
    }
    "#);
    let failed = Results {
        failed: names(&["contract/drain"]),
        ..ended
    };
    assert_eq!(
        results::predicate(&record(), &failed, None)["result"],
        "FAILED"
    );
}

fn catalog() -> Catalog {
    let pipeline = "[project]\nname = \"shop\"\nregistry = \"registry.example.com/acme\"\nservices = [\"web\"]\n[signing]\nplatforms = true\n";
    let files = MemoryFiles::new()
        .with("pipeline.toml", pipeline)
        .with("web/service.toml", "builder = \"cargo\"\n")
        .with("web/Cargo.toml", "");
    Catalog::from_files(Path::new("/shop"), &files).unwrap()
}

fn refused(record: &Record, job: Option<&Job>) -> String {
    let error = work::of(&catalog(), record, job, &[]).unwrap_err();
    error.to_string()
}

#[test]
fn what_was_pushed_is_signed_by_index_and_where_asked_for_by_platform() {
    let mut record = record();
    let works = work::of(&catalog(), &record, None, &[]).unwrap();
    assert_eq!(
        works[0].digests,
        [Digest::of("web")],
        "the image of one platform is signed once"
    );
    assert_eq!(
        works[0].reference.to_string(),
        "registry.example.com/acme/shop-web:1.4.2"
    );
    record.services[0].platforms[0].digest = Digest::of("amd64");
    let works = work::of(&catalog(), &record, None, &[]).unwrap();
    assert_eq!(works[0].digests, [Digest::of("web"), Digest::of("amd64")]);
}

#[test]
fn what_cannot_be_said_in_good_conscience_is_not_signed() {
    let mut dirty = record();
    dirty.source.dirty = true;
    insta::assert_snapshot!(refused(&dirty, None), @"the images were built from uncommitted changes, and no signature can say from which");
    let mut unpushed = record();
    unpushed.services[0].tags.clear();
    insta::assert_snapshot!(refused(&unpushed, None), @"web was not pushed");
    let mut failed = record();
    let names = BTreeSet::from(["contract/drain".to_owned()]);
    failed.services[0].tests = Some(Results {
        failed: names,
        ..Results::default()
    });
    insta::assert_snapshot!(refused(&failed, None), @"web failed its tests: contract/drain");
    let mut job = Job::of(variable).unwrap();
    job.commit = "f".repeat(40);
    insta::assert_snapshot!(refused(&record(), Some(&job)), @"the images were built from commit 0123456789abcdef0123456789abcdef01234567, and this job is of ffffffffffffffffffffffffffffffffffffffff");
}

#[test]
fn services_that_were_not_built_are_told() {
    let mut record = record();
    record.services.clear();
    let error = work::of(&catalog(), &record, None, &["web".to_owned()]).unwrap_err();
    assert_eq!(error.to_string(), "web was not built");
}
