//! What an overlay is made of.

use super::*;

fn contents(files: &[(&str, &str)]) -> Contents {
    let mut contents: Contents = files
        .iter()
        .map(|(path, text)| (*path, Entry::file(*text)))
        .collect();
    for (path, _) in files {
        let mut path = *path;
        while let Some((folder, _)) = path.rsplit_once('/') {
            contents.insert(folder, Entry::Folder);
            path = folder;
        }
    }
    contents
}

const OVERLAY: &str = "overlays/production/web/kustomization.yaml";

#[test]
fn everything_that_is_named_is_needed_folders_with_what_is_in_them() {
    let found = needs(
        &contents(&[
            (
                OVERLAY,
                "resources: [../../../base, extra.yaml]\npatches:\n- path: patch.yaml\n- patch: |-\n    - op: remove\n      path: /x\nconfigMapGenerator:\n- name: a\n  files: [settings.toml=files/settings.toml]\n  envs: [a.env]\n",
            ),
            ("base/kustomization.yml", "resources:\n- deployment.yaml\n- ./crds/\n"),
            ("base/crds/Kustomization", "resources: [a.yaml]\n"),
        ]),
        "overlays/production/web",
    )
    .unwrap();
    let all: Vec<&str> = found.iter().map(String::as_str).collect();
    for path in [
        OVERLAY,
        "overlays/production/web/extra.yaml",
        "overlays/production/web/patch.yaml",
        "overlays/production/web/files/settings.toml",
        "overlays/production/web/a.env",
        "base",
        "base/kustomization.yml",
        "base/deployment.yaml",
        "base/crds/a.yaml",
    ] {
        assert!(all.contains(&path), "{path}: {all:?}");
    }
    assert!(
        !all.iter().any(|it| it.contains("..") || it.contains("/x")),
        "{all:?}"
    );
}

#[test]
fn what_is_not_known_yet_is_asked_for_first() {
    let before = needs(&Contents::default(), "overlays/production/web").unwrap();
    assert_eq!(before.len(), 3);
    let circle = contents(&[
        ("a/kustomization.yaml", "resources: [../b]"),
        ("b/kustomization.yaml", "resources: [../a]"),
    ]);
    assert_eq!(needs(&circle, "a").unwrap().len(), 8);
}

#[test]
fn what_reaches_elsewhere_is_not_rendered() {
    for text in [
        "resources: [https://example.com/a.yaml]",
        "resources: [git@example.com:acme/base.git]",
        "resources: ['github.com/acme/base?ref=v1']",
        "resources: [../../../../outside]",
        "resources: [/etc/passwd]",
        "helmCharts: [{name: a}]",
        "resources: [",
    ] {
        let one = contents(&[(OVERLAY, text)]);
        assert_eq!(
            needs(&one, "overlays/production/web"),
            Err(NotRendered),
            "{text}"
        );
    }
    // P2
    let mut link = contents(&[(OVERLAY, "resources: [secret.yaml]")]);
    link.insert("overlays/production/web/secret.yaml", Entry::Link);
    assert_eq!(needs(&link, "overlays/production/web"), Err(NotRendered));
}
