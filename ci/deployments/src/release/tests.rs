//! Release records.

use super::*;

fn record(change: impl FnOnce(&mut serde_json::Value)) -> Result<Vec<Candidate>, InvalidRelease> {
    let mut record = serde_json::json!({
        "schemaVersion": 1,
        "project": "shop",
        "source": {
            "repository": "https://git.example.com/acme/shop",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "ref": "refs/heads/main",
            "dirty": false,
            "commitTime": "2026-01-02T03:04:05Z",
        },
        "environment": "production",
        "engine": "embedded",
        "services": [{
            "name": "web",
            "repository": "ghcr.io/acme/web",
            "digest": Digest::of("web"),
            "mediaType": "x",
            "platforms": [],
            "tags": ["prod-1", "v1"],
            "builder": "cargo",
            "coupledWith": [],
            "pushed": true,
        }],
    });
    change(&mut record);
    candidates(record.to_string().as_bytes())
}

#[test]
fn a_record_gives_its_images_with_their_source() {
    let found = record(|_| ()).unwrap();
    assert_eq!(found.len(), 1);
    let web = &found[0];
    assert_eq!(web.image.repository.name(), "ghcr.io/acme/web");
    assert_eq!(web.image.digest, Digest::of("web"));
    assert_eq!(web.image.tag.as_deref(), Some("prod-1"));
    assert_eq!(web.source.reference.as_deref(), Some("refs/heads/main"));
    assert_eq!(web.image.commit.as_deref(), Some(&*web.source.commit));
}

#[test]
fn what_comes_from_no_commit_is_not_promoted() {
    let dirty = record(|it| it["source"]["dirty"] = true.into());
    assert!(matches!(dirty, Err(InvalidRelease::Dirty)));
    for commit in [
        "0".repeat(40),
        "main".into(),
        "0123456".into(),
        "A".repeat(40),
    ] {
        let nowhere = record(|it| it["source"]["commit"] = commit.into());
        assert!(matches!(nowhere, Err(InvalidRelease::NoCommit)));
    }
    let newer = record(|it| it["schemaVersion"] = 2.into());
    assert!(matches!(newer, Err(InvalidRelease::Version(2))));
    let nonsense = record(|it| it["services"][0]["repository"] = "-x".into());
    assert!(matches!(nonsense, Err(InvalidRelease::Repository(_))));
}
