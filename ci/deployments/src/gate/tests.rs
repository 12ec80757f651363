//! Images of manifests.

use super::*;

fn shown(text: &str) -> String {
    let line = |found: Found| {
        let image = match found.image {
            Ok(image) => format!("{}", image.without_digest()),
            Err(problem) => format!("{} ({problem})", found.text),
        };
        format!(
            "{}: {} {}: {image}\n",
            found.line,
            found.owner,
            found.container.unwrap_or_default()
        )
    };
    images(text).unwrap().into_iter().map(line).collect()
}

#[test]
fn every_container_of_every_object_is_found() {
    let digest = ci_oci::Digest::of("x");
    let text = format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      initContainers: [{{name: migrate, image: 'ghcr.io/acme/migrator:v1'}}]
      containers:
      - name: web
        image: ghcr.io/acme/web@{digest}
        env: [{{name: image, value: not-an-image}}]
---
kind: CronJob
metadata: {{name: clean}}
spec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: [{{image: ''}}]}}}}}}}}}}
---
kind: List
items:
- kind: Pod
  spec: {{ephemeralContainers: [{{name: debug, image: busybox}}], containers: []}}
---
kind: ConfigMap
data: {{image: busybox}}
"
    );
    insta::assert_snapshot!(shown(&text), @r"
    7: Deployment web migrate: ghcr.io/acme/migrator:v1 (it has no digest)
    10: Deployment web web: ghcr.io/acme/web
    15: CronJob clean :  (it is not an image)
    20: List debug: busybox (it has no digest)
    ");
}

#[test]
fn compose_services_are_found() {
    insta::assert_snapshot!(shown("services:\n  web: {image: '${APP_IMAGE}'}\n  db: {image: postgres:16}\n  built: {build: .}\n"), @r"
    2: services.web : ${APP_IMAGE} (it is not an image)
    3: services.db : postgres:16 (it has no digest)
    ");
}

#[test]
fn what_hides_its_image_is_refused() {
    for text in [
        "kind: Pod\nx: &c {image: a}\nspec: {containers: [*c]}\n",
        "kind: Pod\nx: &c [{image: a}]\nspec: {containers: *c}\n",
        "x: &c {image: a}\nservices: {web: {<<: *c}}\n",
        "kind: Pod\nx: &i a\nspec: {containers: [{image: *i}]}\n",
    ] {
        assert_eq!(
            images(text).unwrap_err().kind,
            RefusalKind::Shared,
            "{text}"
        );
    }
    assert!(images("a: [").is_err());
}
