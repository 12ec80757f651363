//! The real Kustomize renders overlays before and after an edit: the image changes, and nothing else.
//!
//! With the one that `tests/tools/install-peers` builds, else that of kubectl, which is older and knows less. Skipped where there is
//! neither.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::Command;

use ci_deployments::{Image, Place, edit};
use ci_oci::Digest;

/// What all overlays stand on.
const BASE: [(&str, &str); 3] = [
    ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
    (
        "base/deployment.yaml",
        "\
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
",
    ),
    (
        "component/kustomization.yaml",
        "\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
images:
- {name: ghcr.io/acme/web-worker, newTag: component}
",
    ),
];

/// A program that renders a folder, and whether it is of this decade.
fn kustomize() -> Option<(Command, bool)> {
    if let Some(program) = test_support::peers::find("kustomize") {
        let mut command = Command::new(program);
        command.arg("build");
        return Some((command, true));
    }
    let mut command = Command::new(test_support::peers::find("kubectl")?);
    command.arg("kustomize");
    Some((command, false))
}

fn render(mut kustomize: Command, overlay: &Path) -> String {
    let output = kustomize.arg(overlay).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// An overlay, and what an edit does to what is rendered of it.
struct Case {
    about: &'static str,
    overlay: String,
    /// The entry that is declared, where it is not the repository's.
    entry: Option<&'static str>,
    before: String,
    after: String,
    /// Whether kubectl's knows what stands there.
    is_old: bool,
}

fn cases(new: &Image) -> Vec<Case> {
    let old = Digest::of("old");
    let pinned = format!("image: ghcr.io/acme/web@{}\n", new.digest);
    let case = |about: &'static str, overlay: &str, before: &str| Case {
        about,
        overlay: overlay.to_owned(),
        entry: None,
        before: format!("image: {before}\n"),
        after: pinned.clone(),
        is_old: true,
    };
    let untouched = "ghcr.io/acme/web:v1";
    vec![
        case("no images", "resources: [../base]\n", untouched),
        case(
            "no image",
            "resources:\n  - ../base\nimages: []\n",
            untouched,
        ),
        case(
            "two images with one prefix",
            "resources: [../base]\nimages:\n- name: ghcr.io/acme/web-worker\n  newTag: v3\n- name: ghcr.io/acme/web\n  newTag: v2\n",
            "ghcr.io/acme/web:v2",
        ),
        case(
            "an image that was pinned",
            &format!(
                "resources: [../base]\nimages:\n- name: ghcr.io/acme/web # pinned\n  digest: {old}\n- name: web\n  newName: ghcr.io/acme/other\n  digest: {old}\n"
            ),
            &format!("ghcr.io/acme/web@{old}"),
        ),
        case(
            "lines as Windows ends them",
            "resources:\r\n- ../base\r\nimages:\r\n- name: ghcr.io/acme/web\r\n  newTag: v2\r\n",
            "ghcr.io/acme/web:v2",
        ),
        case(
            "a patch that says newTag",
            "resources: [../base]\ncommonAnnotations:\n  note: |\n    images:\n    - name: ghcr.io/acme/web\n      newTag: v9\nimages:\n- newTag: v2\n  name: ghcr.io/acme/web\n",
            "ghcr.io/acme/web:v2",
        ),
        Case {
            entry: Some("web"),
            ..case("a name of its own", "resources: [../base]\n", "web")
        },
        Case {
            entry: Some("web"),
            after: format!("image: ghcr.io/acme/web:prod-2@{}\n", new.digest),
            ..case(
                "a tag beside the digest",
                &format!(
                    "resources: [../base]\nimages: [{{name: web, newName: ghcr.io/acme/web, newTag: a, digest: '{old}'}}]\n"
                ),
                &format!("ghcr.io/acme/web:a@{old}"),
            )
        },
        Case {
            is_old: false,
            ..case(
                "a component and a patch",
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\ncomponents: [../component]\nnamePrefix: p-\nlabels: [{pairs: {tier: front}, includeSelectors: true}]\nreplicas: [{name: web, count: 3}]\npatches:\n- patch: |-\n    - op: add\n      path: /metadata/annotations\n      value: {images: 'newTag: v7'}\n  target: {kind: Deployment}\nconfigMapGenerator:\n- name: settings\n  literals: [IMAGE=ghcr.io/acme/web]\n",
                untouched,
            )
        },
    ]
}

#[test]
fn only_the_image_of_the_rendered_objects_changes_p3() {
    let Some((_, is_new)) = kustomize() else {
        eprintln!("skipped: there is no kustomize; tests/tools/install-peers builds it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in BASE {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let overlay = folder.path().join("overlay");
    std::fs::create_dir_all(&overlay).unwrap();
    let render = |kustomization: &[u8]| {
        std::fs::write(overlay.join("kustomization.yaml"), kustomization).unwrap();
        render(kustomize().unwrap().0, &overlay)
    };
    let image = Image {
        repository: "ghcr.io/acme/web".parse().unwrap(),
        digest: Digest::of("new"),
        tag: Some("prod-2".into()),
        commit: None,
    };
    for case in cases(&image).iter().filter(|case| is_new || case.is_old) {
        let about = case.about;
        let place = Place::Kustomize {
            image: case.entry.map(str::to_owned),
        };
        let edited = edit(case.overlay.as_bytes(), &place, &image).unwrap();
        let (old, new) = (render(case.overlay.as_bytes()), render(&edited));
        assert_eq!(old.matches(&case.before).count(), 1, "{about}: {old}");
        assert_eq!(new, old.replacen(&case.before, &case.after, 1), "{about}");
        // Once there, the same edit changes nothing.
        assert_eq!(edit(&edited, &place, &image).unwrap(), edited, "{about}");
    }
}
