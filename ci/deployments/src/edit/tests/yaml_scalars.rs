//! Scalars by path, and Compose.

use insta::assert_snapshot;

use super::*;

fn digest(path: &str) -> Place {
    Place::Yaml {
        path: path.parse().unwrap(),
        document: DocumentFilter::default(),
        shared: false,
        form: Form::Digest,
    }
}

fn tag(path: &str) -> Place {
    Place::Yaml {
        path: path.parse().unwrap(),
        document: DocumentFilter::default(),
        shared: false,
        form: Form::Tag,
    }
}

#[test]
fn quotes_comments_and_spaces_stay_p3() {
    for (before, after) in [
        ("a: ghcr.io/acme/web:v1\n", "a: ghcr.io/acme/web@NEW\n"),
        (
            "a:   \"ghcr.io/acme/web:v1\"  # c\n",
            "a:   \"ghcr.io/acme/web@NEW\"  # c\n",
        ),
        (
            "a: 'ghcr.io/acme/web:v1' # c\r\nb: 'x''y'\r\n",
            "a: 'ghcr.io/acme/web@NEW' # c\r\nb: 'x''y'\r\n",
        ),
        ("a:\n  ghcr.io/acme/web\n", "a:\n  ghcr.io/acme/web@NEW\n"),
        (
            "{b: 1, a: ghcr.io/acme/web, c: [x]}",
            "{b: 1, a: ghcr.io/acme/web@NEW, c: [x]}",
        ),
        (
            "{\"a\":\"ghcr.io/acme/web\"}",
            "{\"a\":\"ghcr.io/acme/web@NEW\"}",
        ),
        (
            "a: &x ghcr.io/acme/web # c\n",
            "a: &x ghcr.io/acme/web@NEW # c\n",
        ),
        (
            "a: !!str ghcr.io/acme/web\n",
            "a: !!str ghcr.io/acme/web@NEW\n",
        ),
        (
            "a: !!str &x 'ghcr.io/acme/web'\n",
            "a: !!str &x 'ghcr.io/acme/web@NEW'\n",
        ),
        (
            "é: ü\na: ghcr.io/acme/web\n",
            "é: ü\na: ghcr.io/acme/web@NEW\n",
        ),
        ("? a\n: ghcr.io/acme/web\n", "? a\n: ghcr.io/acme/web@NEW\n"),
        (
            "a:   # set by promotion\nb: 1\n",
            "a: ghcr.io/acme/web@NEW   # set by promotion\nb: 1\n",
        ),
        ("a: ''\n", "a: 'ghcr.io/acme/web@NEW'\n"),
        (
            "b: \"\\\"\\u0041\"\na: ghcr.io/acme/web\n",
            "b: \"\\\"\\u0041\"\na: ghcr.io/acme/web@NEW\n",
        ),
        ("a: ghcr.io/acme/web", "a: ghcr.io/acme/web@NEW"),
        (
            "%YAML 1.2\n---\na: ghcr.io/acme/web\n",
            "%YAML 1.2\n---\na: ghcr.io/acme/web@NEW\n",
        ),
    ] {
        assert_eq!(outcome(before, &scalar("a")), after, "{before:?}");
    }
}

#[test]
fn a_value_that_would_read_as_another_type_gets_quotes() {
    let image = |tag: &str| Image {
        tag: Some(tag.into()),
        ..image()
    };
    for (value, written) in [
        ("1.20", "\"1.20\""),
        ("1234567", "\"1234567\""),
        ("1e5", "\"1e5\""),
        ("0x1F", "\"0x1F\""),
        ("yes", "\"yes\""),
        ("No", "\"No\""),
        ("2026-01-02", "\"2026-01-02\""),
        ("v1.20", "v1.20"),
        ("prod-1f2e3d4", "prod-1f2e3d4"),
    ] {
        let edited = edit(b"tag: v1\n", &tag("tag"), &image(value)).unwrap();
        assert_eq!(edited, format!("tag: {written}\n").as_bytes());
        let edited = edit(b"tag: 'v1'\n", &tag("tag"), &image(value)).unwrap();
        assert_eq!(edited, format!("tag: '{value}'\n").as_bytes());
    }
}

#[test]
fn a_path_goes_through_lists_and_quoted_names() {
    let file = "\
spec:
  template:
    metadata:
      annotations: {\"app.example.com/image\": \"OLD\"}
    spec:
      containers:
        - name: sidecar
          image: ghcr.io/acme/web # a decoy
        - name: web
          image: ghcr.io/acme/web:v1
";
    let by_name = outcome(
        file,
        &scalar("spec.template.spec.containers[name=web].image"),
    );
    assert_eq!(
        by_name,
        outcome(file, &scalar("spec.template.spec.containers[1].image"))
    );
    assert_eq!(by_name, file.replace("web:v1", "web@NEW"));
    let annotation = r#"spec.template.metadata.annotations."app.example.com/image""#;
    assert_eq!(
        outcome(file, &digest(annotation)),
        file.replace("OLD", "NEW")
    );
}

#[test]
fn a_document_of_several_is_found_by_its_kind_and_name() {
    let file = "\
kind: Deployment
metadata: {name: web}
image: ghcr.io/acme/web:v1
---
kind: Deployment
metadata: {name: worker}
image: ghcr.io/acme/web:v1
---
kind: ConfigMap
";
    assert_snapshot!(outcome(file, &scalar("image")), @r"
    Ambiguous: the path leads to a value in more than one document of the file
      line 3: image: ghcr.io/acme/web:v1
      line 7: image: ghcr.io/acme/web:v1
      help: name the document by its `kind` and `name`
    ");
    let place = |kind: &str, name: &str| Place::Yaml {
        path: "image".parse().unwrap(),
        document: DocumentFilter {
            kind: Some(kind.into()),
            name: Some(name.into()),
        },
        shared: false,
        form: Form::Reference,
    };
    let edited = outcome(file, &place("Deployment", "worker"));
    assert_eq!(edited.matches("NEW").count(), 1);
    assert!(edited.ends_with("name: worker}\nimage: ghcr.io/acme/web@NEW\n---\nkind: ConfigMap\n"));
    assert_snapshot!(outcome(file, &place("Job", "web")), @r"
    Absent: no document of the file is of this kind and name
      line 1: kind: Deployment
      line 5: kind: Deployment
      line 9: kind: ConfigMap
    ");
}

#[test]
fn what_is_absent_shows_names_but_no_values_s4() {
    let file = "app:\n  password: hunter2\n  images:\n    - name: web\n      key: hunter3\n";
    assert_snapshot!(outcome(file, &scalar("app.image")), @r"
    Absent: there is no key `image` where the path expects it
      line 2: password
      line 3: images
    ");
    assert_snapshot!(outcome(file, &scalar("app.images[name=api].tag")), @r"
    Absent: no item of the list has `name: api`
      line 4: name: web
    ");
    assert_snapshot!(outcome(file, &scalar("app.images[3]")), @r"
    Absent: the list has 1 items, none is [3]
      line 4: [0]
    ");
    assert!(outcome(file, &scalar("app.password.x")).starts_with("Absent"));
    assert!(!outcome(file, &scalar("app.password")).contains("[0]"));
}

#[test]
fn anchors_are_edited_only_where_that_is_declared_p3() {
    let file = "x-image: &image ghcr.io/acme/web:v1\na: {image: *image}\nb: {image: *image}\n";
    let refused = outcome(file, &scalar("x-image"));
    assert!(refused.starts_with("Shared"), "{refused}");
    assert!(outcome(file, &scalar("a.image")).starts_with("Shared"));
    let shared = Place::Yaml {
        path: "x-image".parse().unwrap(),
        document: DocumentFilter::default(),
        shared: true,
        form: Form::Reference,
    };
    assert_eq!(outcome(file, &shared), file.replace("web:v1", "web@NEW"));
    let inherited = "base: &b\n  image: ghcr.io/acme/web\nweb:\n  <<: *b\n";
    assert_snapshot!(outcome(inherited, &scalar("web.image")), @r"
    Absent: there is no key `image` where the path expects it
      line 4: <<
      help: `<<` merges another mapping into this one: name the place where the value is written
    ");
    assert!(outcome(inherited, &scalar("base.image")).starts_with("Shared"));
}

#[test]
fn blocks_lists_and_duplicates_are_refused_p3() {
    for (file, kind) in [
        ("a: |\n  ghcr.io/acme/web\n", "Unsuitable"),
        ("a: >-\n  ghcr.io/acme/web\n", "Unsuitable"),
        ("a: [ghcr.io/acme/web]\n", "Unsuitable"),
        ("a: {b: c}\n", "Unsuitable"),
        ("a: ghcr.io/acme/web\na: ghcr.io/acme/web\n", "Ambiguous"),
        ("a: ghcr.io/acme/other:v1\n", "Unsuitable"),
        ("a: ${IMAGE}\n", "Unsuitable"),
        ("{a}", "Unsuitable"),
        ("a: &x\nb: 1\n", "Unsuitable"),
    ] {
        let outcome = outcome(file, &scalar("a"));
        assert!(outcome.starts_with(kind), "{file:?}: {outcome}");
    }
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let deep = "- ".repeat(50_000);
    let refusal = edit(deep.as_bytes(), &scalar("[0]"), &image()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unreadable);
    let flow = "[".repeat(50_000);
    let refusal = edit(flow.as_bytes(), &scalar("[0]"), &image()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unreadable);
}

#[test]
fn compose_images_are_found_by_service() {
    let place = |service: &str| Place::Compose {
        service: service.into(),
        form: Form::Reference,
    };
    let file = "\
services:
  web:
    image: ghcr.io/acme/web:v1 # app
  web.migrate:
    image: \"ghcr.io/acme/web:v1\"
  other:
    image: ${OTHER_IMAGE:?}
";
    assert_eq!(
        outcome(file, &place("web")),
        file.replacen("web:v1", "web@NEW", 1)
    );
    assert_eq!(
        outcome(file, &place("web.migrate")),
        file.replace("\"ghcr.io/acme/web:v1\"", "\"ghcr.io/acme/web@NEW\"")
    );
    assert_snapshot!(outcome(file, &place("other")), @r"
    Unsuitable: the value is not replaced: it is computed (`$`) by whoever reads the file; promote the variable where it is defined
      line 7: (the value is not shown)
    ");
    assert_snapshot!(outcome(file, &place("api")), @r"
    Absent: there is no key `api` where the path expects it
      line 2: web
      line 4: web.migrate
      line 6: other
    ");
}
