//! The real Kustomize renders an overlay before and after an edit: the image changes, and nothing else.
//!
//! Skipped where neither `kustomize` nor `kubectl` is installed.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::path::Path;
use std::process::Command;

use ci_deployments::{Image, Place, edit};
use ci_oci::Digest;

const BASE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - {name: migrate, image: \"ghcr.io/acme/web-migrator:v1\"}
      containers:
        - {name: web, image: \"ghcr.io/acme/web:v1\"}
        - {name: worker, image: \"ghcr.io/acme/web-worker:v1\"}
        - {name: short, image: web}
";

fn render(overlay: &Path, kustomization: &[u8]) -> Option<String> {
    std::fs::write(overlay.join("kustomization.yaml"), kustomization).unwrap();
    let tools: [&[&str]; 2] = [&["kustomize", "build"], &["kubectl", "kustomize"]];
    for tool in tools {
        let mut command = Command::new(tool[0]);
        let Ok(output) = command.args(&tool[1..]).arg(overlay).output() else {
            continue;
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        return Some(String::from_utf8(output.stdout).unwrap());
    }
    eprintln!("skipped: there is no kustomize and no kubectl");
    None
}

#[test]
fn only_the_image_of_the_rendered_objects_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (base, overlay) = (folder.path().join("base"), folder.path().join("overlay"));
    std::fs::create_dir_all(&base).unwrap();
    std::fs::create_dir_all(&overlay).unwrap();
    std::fs::write(base.join("deployment.yaml"), BASE).unwrap();
    std::fs::write(
        base.join("kustomization.yaml"),
        "resources: [deployment.yaml]\n",
    )
    .unwrap();
    let image = Image {
        repository: "ghcr.io/acme/web".parse().unwrap(),
        digest: Digest::of("new"),
        tag: Some("prod-2".into()),
        commit: None,
    };
    let pinned = format!("image: ghcr.io/acme/web@{}", image.digest);
    let tagged = format!("image: ghcr.io/acme/web:prod-2@{}", image.digest);
    let old = Digest::of("old");
    for (name, kustomization, before, after) in [
        (None, "resources: [../base]\n".into(), "image: ghcr.io/acme/web:v1\n", &pinned),
        (None, "resources:\n  - ../base\nimages: []\n".into(), "image: ghcr.io/acme/web:v1\n", &pinned),
        (
            None,
            "resources: [../base]\nimages:\n- name: ghcr.io/acme/web-worker\n  newTag: v3\n- name: ghcr.io/acme/web\n  newTag: v2\n".into(),
            "image: ghcr.io/acme/web:v2\n",
            &pinned,
        ),
        (Some("web"), "resources: [../base]\n".into(), "image: web\n", &pinned),
        (
            Some("web"),
            format!("resources: [../base]\nimages: [{{name: web, newName: ghcr.io/acme/web, newTag: a, digest: '{old}'}}]\n"),
            &*format!("image: ghcr.io/acme/web:a@{old}\n"),
            &tagged,
        ),
    ] as [(Option<&str>, String, &str, &String); 5] {
        let place = Place::Kustomize { image: name.map(str::to_owned) };
        let edited = edit(kustomization.as_bytes(), &place, &image).unwrap();
        let Some(old) = render(&overlay, kustomization.as_bytes()) else {
            return;
        };
        let new = render(&overlay, &edited).unwrap();
        assert_eq!(old.matches(before).count(), 1, "{old}");
        assert_eq!(new, old.replacen(before, &format!("{after}\n"), 1));
    }
}
