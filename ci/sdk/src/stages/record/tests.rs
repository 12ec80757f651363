//! Tests of the record's form and of how two of them become one.

use super::*;
use crate::stages::recipe::Download;

fn service(name: &str, content: &str) -> Service {
    let digest = Digest::of(content);
    Service {
        name: name.into(),
        repository: format!("registry.example.com/acme/shop-{name}"),
        digest,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        platforms: vec![Platform {
            platform: "linux/amd64".into(),
            digest,
            size: 1234,
            sbom: Some(Sbom {
                path: format!(".pipeline/sbom/{name}.cdx.json").into(),
                digest: Digest::of("sbom"),
            }),
        }],
        tags: Vec::new(),
        builder: "cargo".into(),
        coupled_with: vec!["migrator".into()],
        bases: vec![Base {
            reference: "docker.io/library/debian:12-slim".parse().unwrap(),
            digest: Digest::of("debian"),
        }],
        recipe: Some(Recipe {
            file: "services/web/Dockerfile".into(),
            target: Some("runtime".into()),
            arguments: BTreeMap::from([("GIT_SHA".to_owned(), "0123456".to_owned())]),
            downloads: BTreeSet::from([Download::file(
                "https://example.com/tool.tar.gz",
                &format!("sha256:{}", "cd".repeat(32)),
            )]),
        }),
        fingerprint: Some("ab".repeat(32)),
        reused: false,
        tests: Some(Results::default()),
        more: BTreeMap::new(),
    }
}

fn record(services: Vec<Service>) -> Record {
    Record {
        schema_version: SCHEMA_VERSION,
        project: "shop".into(),
        source: Source {
            repository: Some("https://example.com/acme/shop.git".into()),
            commit: "0123456789abcdef0123456789abcdef01234567".into(),
            reference: Some("refs/heads/main".into()),
            dirty: false,
            commit_time: Some("2021-02-03T02:05:06Z".into()),
            version: None,
        },
        environment: Some("preview".into()),
        engine: "embedded".into(),
        services,
    }
}

/// A change here is a change of the contract between stages: members may be added, others need a new schema version.
#[test]
fn the_form_of_the_record() {
    let text = serde_json::to_string_pretty(&record(vec![service("web", "a")])).unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "schemaVersion": 1,
      "project": "shop",
      "source": {
        "repository": "https://example.com/acme/shop.git",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "ref": "refs/heads/main",
        "dirty": false,
        "commitTime": "2021-02-03T02:05:06Z"
      },
      "environment": "preview",
      "engine": "embedded",
      "services": [
        {
          "name": "web",
          "repository": "registry.example.com/acme/shop-web",
          "digest": "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "platforms": [
            {
              "platform": "linux/amd64",
              "digest": "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
              "size": 1234,
              "sbom": {
                "path": ".pipeline/sbom/web.cdx.json",
                "digest": "sha256:98f3ae1ef67113d8140d4f6cb8d2830070e21ea48f091be519659846c771a374"
              }
            }
          ],
          "tags": [],
          "builder": "cargo",
          "coupledWith": [
            "migrator"
          ],
          "bases": [
            {
              "reference": "docker.io/library/debian:12-slim",
              "digest": "sha256:81d93757457f988523814ae0009837ae893f38d3fe123f2c37896f118b4c7804"
            }
          ],
          "recipe": {
            "file": "services/web/Dockerfile",
            "target": "runtime",
            "arguments": {
              "GIT_SHA": "0123456"
            },
            "downloads": [
              {
                "uri": "https://example.com/tool.tar.gz",
                "digest": "sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
              }
            ]
          },
          "fingerprint": "abababababababababababababababababababababababababababababababab",
          "tests": {
            "passed": [],
            "failed": []
          }
        }
      ]
    }
    "#);
    assert_eq!(
        serde_json::from_str::<Record>(&text).unwrap(),
        record(vec![service("web", "a")])
    );
}

/// They were added to the first version; its readers ignore them.
#[test]
fn a_record_from_before_bases_were_recorded_is_read() {
    let mut value = serde_json::to_value(record(vec![service("web", "a")])).unwrap();
    let web = value["services"][0].as_object_mut().unwrap();
    assert!(web.remove("bases").is_some());
    let read: Record = serde_json::from_value(value).unwrap();
    assert!(read.services[0].bases.is_empty());
    assert!(read.services[0].more.is_empty());
}

fn names(record: &Record) -> Vec<(&str, bool)> {
    let names = record.services.iter();
    names
        .map(|it| (it.name.as_str(), !it.tags.is_empty()))
        .collect()
}

#[test]
fn services_of_the_same_commit_stay_and_keep_what_was_added() {
    let mut pushed = service("web", "a");
    pushed.tags.push("preview-1".into());
    pushed.more.insert("signature".into(), "x".into());
    let mut moved = service("api", "old");
    moved.tags.push("preview-1".into());
    let before = record(vec![
        moved,
        service("gone", "g"),
        pushed,
        service("worker", "w"),
    ]);
    let now = record(vec![service("api", "new"), service("web", "a")]);
    let merged = now.merge(before, |name| name == "worker");
    assert_eq!(
        names(&merged),
        [("api", false), ("web", true), ("worker", false)]
    );
    assert!(merged.services[1].more.contains_key("signature"));
}

#[test]
fn nothing_stays_of_another_commit_environment_engine_or_version() {
    let change: [fn(&mut Record); 6] = [
        |record| record.source.commit = "f".repeat(40),
        |record| record.source.dirty = true,
        |record| record.environment = None,
        |record| record.engine = "dagger".into(),
        |record| record.project = "other".into(),
        |record| record.schema_version = 2,
    ];
    for change in change {
        let mut before = record(vec![service("worker", "w"), service("web", "a")]);
        change(&mut before);
        let merged = record(vec![service("web", "a")]).merge(before, |_| true);
        assert_eq!(names(&merged), [("web", false)]);
    }
}
