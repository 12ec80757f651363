//! What counts as good.

use std::collections::BTreeMap;

use ci_catalog::Name;
use ci_deployments::{Running, State};
use ci_oci::Reference;

use super::look::expected;
use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn running(held: &[Option<&str>], state: Option<&str>) -> Running {
    let digest = |text: &str| Digest::of(text);
    let current = |text: &&str| ci_deployments::Current {
        line: 1,
        value: String::new(),
        repository: None,
        tag: None,
        digest: Some(digest(text)),
    };
    let target = || ci_deployments::Target {
        file: "f".into(),
        place: ci_deployments::Place::Kustomize { image: None },
        repository: None,
    };
    let repository: Reference = "ghcr.io/acme/web".parse().unwrap();
    let state = state.map(|text| {
        let digest = digest(text);
        let text = format!(
            "version = 1\nservice = \"web\"\nrepository = \"{repository}\"\ndigest = \"{digest}\"\ncommit = \"{COMMIT}\"\n"
        );
        State::parse(text.as_bytes()).unwrap()
    });
    Running {
        service: "web".parse().unwrap(),
        places: held
            .iter()
            .map(|held| (target(), held.as_ref().map(current)))
            .collect(),
        state,
    }
}

#[test]
fn the_commit_is_told_only_of_what_was_promoted() {
    let told = Pinned::of(&running(&[Some("a"), Some("a")], Some("a")));
    assert_eq!(told.commit.as_deref(), Some(COMMIT));
    let by_hand = Pinned::of(&running(&[Some("b")], Some("a")));
    assert!(by_hand.by_hand && by_hand.commit.is_none());
    let first = Pinned::of(&running(&[Some("a")], None));
    assert!(!first.by_hand && first.commit.is_none());
    assert!(Pinned::of(&running(&[None], None)).digests.is_empty());
}

#[test]
fn what_has_no_single_digest_or_no_address_is_not_asked() {
    let name = |text: &str| text.parse::<Name>().unwrap();
    let one = Pinned::of(&running(&[Some("a")], Some("a")));
    let split = Pinned::of(&running(&[Some("a"), Some("b")], Some("a")));
    let pinned = BTreeMap::from([
        (name("web"), one.clone()),
        (name("split"), split),
        (name("job"), one.clone()),
        (name("unknown"), one),
    ]);
    let url: ci_http::Url = "https://web.example.com".parse().unwrap();
    let addresses = BTreeMap::from([
        (name("web"), vec![url.clone()]),
        (name("split"), vec![url]),
        (name("job"), Vec::new()),
    ]);
    let expected = expected(&pinned, &addresses);
    let asked: Vec<&str> = expected.iter().map(|it| it.service.as_str()).collect();
    assert_eq!(asked, ["web"]);
}
