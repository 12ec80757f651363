//! Images of manifests.

use super::*;

fn shown_with(text: &str, variables: &str) -> String {
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
    let variables = super::variables(variables).unwrap();
    let found = images(text, &variables).unwrap();
    found.into_iter().map(line).collect()
}

fn shown(text: &str) -> String {
    shown_with(text, "")
}

fn refused(text: &str) -> Refusal {
    images(text, &Variables::new()).unwrap_err()
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
      volumes: [{{name: model, image: {{reference: ghcr.io/acme/model:v1}}}}]
---
kind: CronJob
metadata: {{name: clean}}
spec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: [{{image: ''}}]}}}}}}}}}}
---
kind: List
items:
- kind: Pod
  metadata: {{name: one, labels: {{image: label}}}}
  spec: {{ephemeralContainers: [{{name: debug, image: busybox}}], containers: []}}
- kind: ConfigMap
  data: {{image: busybox, containers: '[{{image: busybox}}]'}}
"
    );
    insta::assert_snapshot!(shown(&text), @r"
    7: Deployment web migrate: ghcr.io/acme/migrator:v1 (it has no digest)
    10: Deployment web web: ghcr.io/acme/web
    12: Deployment web model: ghcr.io/acme/model:v1 (it has no digest)
    16: CronJob clean :  (it is not an image)
    22: Pod one debug: busybox (it has no digest)
    ");
}

#[test]
fn images_of_custom_resources_are_found_and_what_is_none_is_not() {
    let digest = ci_oci::Digest::of("x");
    let text = format!(
        "\
kind: Prometheus
metadata: {{name: main, annotations: {{image: note}}}}
spec:
  image: quay.io/prometheus/prometheus:v3
  thanosImage: quay.io/thanos/thanos@{digest}
  logoImage: logo
  containers: []
---
kind: Cluster
metadata: {{name: db}}
spec: {{imageName: 'ghcr.io/cloudnative-pg/postgresql:17', logo: {{image: 'https://example.com/logo.png'}}, title: {{image: Our shop}}}}
---
kind: Operator
spec:
  image: {{repository: acme/operator, registry: ghcr.io, tag: v1, digest: '{digest}'}}
  sidecar: {{image: {{repository: acme/sidecar, tag: ''}}}}
  scaleTargetRef: {{kind: Deployment, name: other}}
---
kind: Task
spec: {{steps: [{{name: build, image: $(params.image)}}]}}
"
    );
    insta::assert_snapshot!(shown(&text), @r"
    4: Prometheus main : quay.io/prometheus/prometheus:v3 (it has no digest)
    5: Prometheus main : quay.io/thanos/thanos
    11: Cluster db : ghcr.io/cloudnative-pg/postgresql:17 (it has no digest)
    15: Operator : ghcr.io/acme/operator:v1
    16: Operator : acme/sidecar (it has no digest)
    20: Task build: $(params.image) (it is computed where it runs)
    ");
}

#[test]
fn compose_services_are_found() {
    insta::assert_snapshot!(shown("services:\n  web: {image: '${APP_IMAGE}'}\n  db: {image: postgres:16}\n  built: {build: .}\n"), @r"
    2: services.web : ${APP_IMAGE} (it is computed where it runs)
    3: services.db : postgres:16 (it has no digest)
    4: services.built : (build) (it is built where it runs)
    ");
}

#[test]
fn compose_images_are_computed_from_variables_and_taken_over_from_what_is_merged() {
    let digest = ci_oci::Digest::of("x");
    let text = "\
x-base: &base {image: '${APP_IMAGE:?}', restart: always}
services:
  web: {<<: *base, ports: ['80']}
  worker: {<<: [*base], image: '$REGISTRY/worker@${DIGEST}'}
  models: {image: $SECRET, volumes: [{type: image, source: 'acme/model:v1', target: /m}, './x:/x']}
";
    let env = format!(
        "APP_IMAGE=ghcr.io/acme/app@{digest}\nREGISTRY=ghcr.io/acme\nDIGEST={digest}\nSECRET='hunter 2'\n"
    );
    insta::assert_snapshot!(shown_with(text, &env), @r"
    1: services.web : ghcr.io/acme/app
    4: services.worker : ghcr.io/acme/worker
    5: services.models : $SECRET (it is not an image)
    5: services.models : acme/model:v1 (it has no digest)
    ");
}

#[test]
fn compose_files_that_are_not_whole_are_refused() {
    for text in [
        "include: [other.yaml]\nservices: {web: {image: a}}\n",
        "services: {web: {extends: {service: base}}}\n",
    ] {
        let refusal = refused(text);
        assert!(
            refusal.to_string().contains("docker compose config"),
            "{refusal}"
        );
    }
}

#[test]
fn variables_that_name_images_are_found_and_secrets_are_not_shown_s1() {
    let digest = ci_oci::Digest::of("x");
    let text = format!(
        "# deploy\nAPP_IMAGE=ghcr.io/acme/app@{digest}\nMIGRATOR_IMAGE=ghcr.io/acme/migrator:v1\nPASSWORD=x\nOTHER_IMAGE='hunter 2'\n"
    );
    let found = env_images(&text).unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|it| {
            (
                it.line,
                it.container.as_deref().unwrap(),
                it.image.clone().err(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (2, "APP_IMAGE", None),
            (3, "MIGRATOR_IMAGE", Some(Unpinned::NoDigest)),
            (5, "OTHER_IMAGE", Some(Unpinned::NotAnImage)),
        ]
    );
    assert!(!format!("{found:?}").contains("hunter"));
}

#[test]
fn aliases_are_followed() {
    for text in [
        "kind: Pod\nx: &c {image: 'a:1'}\nspec: {containers: [*c]}\n",
        "kind: Pod\nx: &c [{image: 'a:1'}]\nspec: {containers: *c}\n",
        "kind: Pod\nx: &i a:1\nspec: {containers: [{image: *i}]}\n",
        "kind: X\nmetadata: {labels: &l {image: 'a:1'}}\nspec: *l\n",
        "x: &c {image: 'a:1'}\nservices: {web: {<<: *c}}\n",
    ] {
        let shown = shown(text);
        assert!(shown.contains("a:1 (it has no digest)"), "{text}: {shown}");
    }
    // One that holds itself has an end.
    let text = "kind: Pod\nspec: &s\n  containers: [{image: 'a:1', more: *s}]\n";
    assert_eq!(shown(text).lines().count(), 1);
    assert!(images("x: &a {<<: *a}\nservices: {web: *a}\n", &Variables::new()).is_err());
}

#[test]
fn keys_that_stand_twice_are_refused_p3() {
    let digest = ci_oci::Digest::of("x");
    let text = format!("kind: Pod\nspec:\n  containers:\n  - image: a@{digest}\n    image: a:1\n");
    let refusal = refused(&text);
    assert_eq!(refusal.kind, RefusalKind::Ambiguous);
    assert_eq!(refusal.candidates[0].line, 5);
}

#[test]
fn nothing_to_check_is_no_success() {
    for text in [
        "",
        "\n",
        "# nothing\n",
        "---\n---\n",
        "kind: Service\n",
        "kind: Pod\nspec: {containers: []}\n",
        "services: {}\n",
        "[]",
        "null",
    ] {
        assert_eq!(refused(text).kind, RefusalKind::Absent, "{text:?}");
    }
    for text in ["", "PASSWORD=x\n"] {
        assert_eq!(
            env_images(text).unwrap_err().kind,
            RefusalKind::Absent,
            "{text:?}"
        );
    }
    assert_eq!(refused("a: [").kind, RefusalKind::Unreadable);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "([a-z&*<:\\-\\[\\]{}$'\"| \n]|image: |containers: |services: |kind: Pod\n|<<: \\*a|&a |\\*a){0,40}") {
        let variables = Variables::from([("A".to_owned(), "$A".to_owned())]);
        if let Ok(found) = images(&text, &variables) {
            proptest::prop_assert!(!found.is_empty());
            let lines = text.lines().count().max(1);
            proptest::prop_assert!(found.iter().all(|it| (1..=lines).contains(&it.line)));
        }
        if let Ok(found) = env_images(&text) {
            proptest::prop_assert!(!found.is_empty());
        }
    }

    #[test]
    fn wherever_a_pod_is_its_images_are_found(depth in 0_usize..20, at in 0_usize..3) {
        let key = ["containers", "initContainers", "ephemeralContainers"][at];
        let mut text = format!("{{{key}: [{{name: c, image: 'a:1'}}]}}");
        for _ in 0..depth {
            text = format!("{{spec: [{text}]}}");
        }
        let found = images(&format!("kind: X\nspec: {text}\n"), &Variables::new()).unwrap();
        proptest::prop_assert_eq!(found.len(), 1);
        proptest::prop_assert_eq!(found[0].image.clone(), Err(Unpinned::NoDigest));
    }
}
