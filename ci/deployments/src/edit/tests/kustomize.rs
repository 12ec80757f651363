//! `images:` of a kustomization.

use insta::assert_snapshot;

use super::*;

fn web() -> Place {
    Place::Kustomize { image: None }
}

fn named(name: &str) -> Place {
    Place::Kustomize {
        image: Some(name.into()),
    }
}

#[test]
fn the_digest_of_the_right_entry_changes_also_when_two_share_a_prefix_p3() {
    let file = "\
# overlay
images:
  - name: ghcr.io/acme/web-worker   # not this one
    digest: OLD
  - name: ghcr.io/acme/web # this one
    digest: \"OLD\"   # pinned
  - name: ghcr.io/acme/we
    digest: OLD
resources: [../base]
";
    assert_snapshot!(outcome(file, &web()), @r#"
    # overlay
    images:
      - name: ghcr.io/acme/web-worker   # not this one
        digest: OLD
      - name: ghcr.io/acme/web # this one
        digest: "NEW"   # pinned
      - name: ghcr.io/acme/we
        digest: OLD
    resources: [../base]
    "#);
}

#[test]
fn a_digest_takes_the_place_of_a_tag() {
    let file = "\
images:
- newTag: 'v1'  # was a tag
  name: ghcr.io/acme/web
- {name: db, newTag: \"15\"}
";
    assert_snapshot!(outcome(file, &web()), @r#"
    images:
    - digest: 'NEW'  # was a tag
      name: ghcr.io/acme/web
    - {name: db, newTag: "15"}
    "#);
}

#[test]
fn a_tag_beside_a_digest_follows() {
    let file = "images:\n- name: ghcr.io/acme/web\n  newTag: prod-1\n  digest: OLD\n";
    assert_snapshot!(outcome(file, &web()), @r"
    images:
    - name: ghcr.io/acme/web
      newTag: prod-2
      digest: NEW
    ");
    let untagged = Image {
        tag: None,
        ..image()
    };
    let refusal = edit(file.replace("OLD", OLD).as_bytes(), &web(), &untagged).unwrap_err();
    assert_snapshot!(refusal, @r"
    the value is not replaced: the release has no tag, and this place holds one
      line 3: (the value is not shown)
      help: or remove `newTag`: the digest decides
    ");
}

#[test]
fn a_name_of_the_manifests_is_mapped_to_where_the_image_comes_from() {
    assert_snapshot!(outcome("images:\n  - name: web\n    newTag: dev\n", &named("web")), @r"
    images:
      - name: web
        newName: ghcr.io/acme/web
        digest: NEW
    ");
    let file = "images:\n- name: web\n  newName: ghcr.io/acme/web\n";
    assert_snapshot!(outcome(file, &named("web")), @r"
    images:
    - name: web
      newName: ghcr.io/acme/web
      digest: NEW
    ");
    assert_eq!(outcome(file, &web()), outcome(file, &named("web")));
}

#[test]
fn an_image_from_elsewhere_is_not_pinned_to_a_digest_that_is_not_there() {
    let file = "images:\n- name: ghcr.io/acme/web\n  newName: mirror.example.com/web\n";
    assert_snapshot!(outcome(file, &web()), @r"
    Unsuitable: the entry takes its image from mirror.example.com/web; the release is of ghcr.io/acme/web
      line 2: - name: ghcr.io/acme/web
      help: if the environment pulls from a mirror, declare its `repository`
    ");
}

#[test]
fn an_entry_is_made_where_there_is_none_p3() {
    assert_snapshot!(outcome("resources:\n  - ../base\n# end\n", &web()), @r"
    resources:
      - ../base
    # end
    images:
      - name: ghcr.io/acme/web
        digest: NEW
    ");
    assert_snapshot!(outcome("resources:\n- ../base\n", &named("web")), @r"
    resources:
    - ../base
    images:
    - name: web
      newName: ghcr.io/acme/web
      digest: NEW
    ");
    let no_end = outcome("resources: [a]", &web());
    assert_eq!(
        no_end,
        "resources: [a]\nimages:\n- name: ghcr.io/acme/web\n  digest: NEW"
    );
    let marked = outcome("---\nresources: [a]\n...\n", &web());
    assert_eq!(
        marked,
        "---\nresources: [a]\nimages:\n- name: ghcr.io/acme/web\n  digest: NEW\n...\n"
    );
}

#[test]
fn an_empty_list_is_filled_where_it_stands() {
    let entry = "{name: ghcr.io/acme/web, digest: NEW}";
    for (before, after) in [
        (
            "images: [] # none\nx: 1\n",
            format!("images: [{entry}] # none\nx: 1\n"),
        ),
        ("images: null\n", format!("images: [{entry}]\n")),
        ("images: ~\n", format!("images: [{entry}]\n")),
        (
            "images:   # none\nx: 1\n",
            "images:   # none\n- name: ghcr.io/acme/web\n  digest: NEW\nx: 1\n".into(),
        ),
        (
            "{resources: [a], images: []}",
            format!("{{resources: [a], images: [{entry}]}}"),
        ),
    ] {
        assert_eq!(outcome(before, &web()), after);
    }
}

#[test]
fn an_entry_is_added_in_the_style_of_the_others() {
    assert_snapshot!(outcome("images:\n    - name: db # last\n      newTag: \"15\" # x\n# more\nx: 1\n", &web()), @r#"
    images:
        - name: db # last
          newTag: "15" # x
        - name: ghcr.io/acme/web
          digest: NEW
    # more
    x: 1
    "#);
    assert_eq!(
        outcome("images: [{name: db}, {name: mq}]\n", &web()),
        "images: [{name: db}, {name: mq}, {name: ghcr.io/acme/web, digest: NEW}]\n"
    );
    assert_eq!(
        outcome("images: [{name: ghcr.io/acme/web}, {name: mq}]\n", &web()),
        "images: [{name: ghcr.io/acme/web, digest: NEW}, {name: mq}]\n"
    );
}

#[test]
fn line_ends_and_marks_stay_p3() {
    let file = "\u{feff}images:\r\n- name: ghcr.io/acme/web\r\n  newTag: v1 # é\r\n";
    assert_eq!(
        outcome(file, &web()),
        "\u{feff}images:\r\n- name: ghcr.io/acme/web\r\n  digest: NEW # é\r\n"
    );
    assert_eq!(
        outcome("resources:\r\n- a\r\n", &web()),
        "resources:\r\n- a\r\nimages:\r\n- name: ghcr.io/acme/web\r\n  digest: NEW\r\n"
    );
    assert_eq!(
        outcome("images:\r\n- name: ghcr.io/acme/web\r\nx: 1\r\n", &web()),
        "images:\r\n- name: ghcr.io/acme/web\r\n  digest: NEW\r\nx: 1\r\n"
    );
}

#[test]
fn the_word_in_a_patch_is_not_the_entry_p3() {
    let file = "\
patches:
- patch: |-
    images:
    - name: ghcr.io/acme/web
      newTag: v1
images:
- name: ghcr.io/acme/web
  newTag: v1
";
    assert_snapshot!(outcome(file, &web()), @r"
    patches:
    - patch: |-
        images:
        - name: ghcr.io/acme/web
          newTag: v1
    images:
    - name: ghcr.io/acme/web
      digest: NEW
    ");
}

#[test]
fn what_is_not_unique_is_refused_with_its_lines_p3() {
    let twice = "images:\n- name: ghcr.io/acme/web\n  newTag: a\n- name: ghcr.io/acme/web\n";
    assert_snapshot!(outcome(twice, &web()), @r"
    Ambiguous: 2 entries of `images` are of this image
      line 2: - name: ghcr.io/acme/web
      line 4: - name: ghcr.io/acme/web
    ");
    let lists = "images: []\nx: 1\nimages: []\n";
    assert_snapshot!(outcome(lists, &web()), @r"
    Ambiguous: the key `images` stands more than once in one mapping
      line 1: images: []
      line 3: images: []
    ");
    let keys = "images:\n- name: ghcr.io/acme/web\n  newTag: a\n  newTag: b\n";
    assert_snapshot!(outcome(keys, &web()), @r"
    Ambiguous: the key `newTag` stands more than once in one mapping
      line 3: newTag: a
      line 4: newTag: b
    ");
    assert_snapshot!(outcome("images: []\n---\nimages: []\n", &web()), @r"
    Unreadable: a kustomization is one YAML document
      line 1: images: []
      line 3: images: []
    ");
}

#[test]
fn anchors_and_aliases_are_refused_p3() {
    let alias = "x: &tag v1\nimages:\n- name: ghcr.io/acme/web\n  newTag: *tag\n";
    assert_snapshot!(outcome(alias, &web()), @r"
    Shared: the path leads through an alias: the value is written elsewhere
      line 4: newTag: *tag
      help: name the place where the value is written
    ");
    let anchor = "images:\n- name: ghcr.io/acme/web\n  digest: &d OLD\nx: *d\n";
    assert_snapshot!(outcome(anchor, &web()), @r"
    Shared: the value stands behind an anchor that other places use
      line 3: digest: &d OLD
      line 4: x: *d
      help: if all of them shall follow, declare the place with `shared = true`
    ");
    let unused = "images:\n- name: ghcr.io/acme/web\n  digest: &d OLD\n";
    assert_eq!(
        outcome(unused, &web()),
        "images:\n- name: ghcr.io/acme/web\n  digest: &d NEW\n"
    );
    let merged = "x: &e {name: ghcr.io/acme/web}\nimages:\n- <<: *e\n  newTag: v1\n";
    assert!(outcome(merged, &web()).starts_with("Unsuitable"));
}

#[test]
fn what_is_no_kustomization_is_refused() {
    for file in [
        "- a\n",
        "a",
        "",
        "images: web\n",
        "images:\n- web\n",
        "images:\n- newTag: x\n",
    ] {
        let outcome = outcome(file, &web());
        assert!(outcome.starts_with("Un"), "{file:?}: {outcome}");
    }
}

#[test]
fn reading_gives_what_is_pinned() {
    let file = format!(
        "images:\n- name: web\n  newName: ghcr.io/acme/web\n  newTag: v1\n  digest: {OLD}\n"
    );
    let current = read(file.as_bytes(), &named("web"), &image().repository)
        .unwrap()
        .unwrap();
    assert_eq!(current.digest, OLD.parse().ok());
    assert_eq!(current.tag.as_deref(), Some("v1"));
    assert_eq!(current.repository.as_deref(), Some("ghcr.io/acme/web"));
    assert_eq!(current.line, 5);
    assert_eq!(
        read(b"resources: []", &named("web"), &image().repository),
        Ok(None)
    );
}
