//! Where images are found.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::error::Failure;

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// What is found, or what is wrong.
fn read(root: &Path, paths: &[&str]) -> Result<Vec<String>, Failure> {
    let sources: Vec<Source> = paths.iter().map(|it| Source::Path(root.join(it))).collect();
    let found = futures::executor::block_on(sources::read(&sources));
    let found = found.map_err(|error| Failure::of(&error))?;
    let text = |it: &sources::Located| {
        let name = it.source.rsplit('/').next().unwrap();
        format!("{name}:{} {}", it.found.line, it.found.text)
    };
    Ok(found.iter().map(text).collect())
}

const DIGEST: &str = "sha256:6c695db713568d4b6f6e3d1f9e4d2a0cf0d9a4d1e0a1d5e8c9b1a2f3e4d5c6b7";

#[test]
fn of_a_folder_its_manifests_are_read_and_nothing_below_it() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "host/compose.yaml",
        "services: {web: {image: '${APP_IMAGE}'}}\n",
    );
    write(
        dir.path(),
        "host/.env",
        &format!("APP_IMAGE=ghcr.io/acme/app@{DIGEST}\n"),
    );
    write(dir.path(), "host/README.md", "image: a\n");
    write(
        dir.path(),
        "host/below/pod.yaml",
        "spec: {containers: [{image: a}]}\n",
    );
    let image = format!("ghcr.io/acme/app@{DIGEST}");
    let expected = [format!(".env:1 {image}"), format!("compose.yaml:1 {image}")];
    assert_eq!(read(dir.path(), &["host"]).unwrap(), expected);
    let named = read(dir.path(), &["host/compose.yaml", "host/.env"]).unwrap();
    assert_eq!(named, [expected[1].clone(), expected[0].clone()]);
}

#[test]
fn every_source_has_to_run_something() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "pod.yaml",
        "spec: {containers: [{image: 'a:1'}]}\n",
    );
    write(dir.path(), "service.yaml", "kind: Service\n");
    write(dir.path(), "secrets.env", "PASSWORD=x\n");
    fs::create_dir(dir.path().join("empty")).unwrap();
    for (paths, name) in [
        (&["pod.yaml", "service.yaml"][..], "service.yaml"),
        (&["pod.yaml", "empty"], "empty"),
        (&["secrets.env"], "secrets.env"),
    ] {
        let failure = read(dir.path(), paths).unwrap_err();
        assert!(
            failure
                .message
                .ends_with(&format!("{name} runs no image, so nothing was checked")),
            "{}",
            failure.message
        );
        assert_eq!(failure.exit(), Exit::Failed);
    }
    // Variables may be there for others.
    assert_eq!(
        read(dir.path(), &["pod.yaml", "secrets.env"])
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        read(dir.path(), &["none.yaml"]).unwrap_err().exit(),
        Exit::Usage
    );
}

#[test]
fn links_out_of_a_folder_are_not_followed_p2() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "secret", "hunter2: [");
    fs::create_dir(dir.path().join("host")).unwrap();
    symlink("../secret", dir.path().join("host/pod.yaml")).unwrap();
    let failure = read(dir.path(), &["host"]).unwrap_err();
    assert!(
        failure.message.contains("a link to elsewhere"),
        "{}",
        failure.message
    );
    // One that stays inside is as good as the file.
    fs::remove_file(dir.path().join("host/pod.yaml")).unwrap();
    write(
        dir.path(),
        "host/base.yaml",
        "spec: {containers: [{image: 'a:1'}]}\n",
    );
    symlink("base.yaml", dir.path().join("host/pod.yaml")).unwrap();
    assert_eq!(read(dir.path(), &["host"]).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "pod.yaml",
        "spec:\n  containers: [{image: 'a:1', image: 'b:1'}]\n",
    );
    let failure = read(dir.path(), &["pod.yaml"]).unwrap_err();
    assert!(
        failure.message.contains("a key stands twice"),
        "{}",
        failure.message
    );
    fs::write(dir.path().join("pod.yaml"), b"\xff").unwrap();
    let failure = read(dir.path(), &["pod.yaml"]).unwrap_err();
    assert!(
        failure.message.ends_with("pod.yaml is not UTF-8"),
        "{}",
        failure.message
    );
}
