//! What the suites promote.

use ci_deployments::{Candidate, Declaration, Image, Request, Source};
use ci_oci::Digest;

/// The file that pins a service, and what it says before anything was promoted.
pub(crate) fn kustomization(service: &str) -> (String, String) {
    (
        format!("overlays/production/{service}/kustomization.yaml"),
        format!("images:\n- name: ghcr.io/acme/{service} # pinned\n  newTag: v0\n"),
    )
}

pub(crate) fn declaration() -> Declaration {
    toml::from_str(
        r#"
        repository = "https://github.com/acme/deployments"
        places = [{ kustomize = "overlays/{env}/{service}/kustomization.yaml" }]
        "#,
    )
    .unwrap()
}

/// The image of a service, of a commit that was made at second `number`.
pub(crate) fn candidate(service: &str, number: u8) -> Candidate {
    let commit = format!("{number:02x}").repeat(20);
    Candidate {
        service: service.into(),
        image: Image {
            repository: format!("ghcr.io/acme/{service}").parse().unwrap(),
            digest: Digest::of([number]),
            tag: None,
            commit: Some(commit.clone()),
        },
        tags: Vec::new(),
        source: Source {
            repository: Some("https://github.com/acme/shop".into()),
            commit,
            commit_time: Some(format!("2026-01-02T03:04:{number:02}Z")),
            reference: None,
        },
    }
}

/// What is asked of a writer: these services together.
pub(crate) fn request(declaration: &Declaration, candidates: Vec<Candidate>) -> Request<'_> {
    Request {
        environment: "production".parse().unwrap(),
        declaration,
        unit: candidates
            .iter()
            .map(|it| it.service.parse().unwrap())
            .collect(),
        candidates,
        force: false,
    }
}
