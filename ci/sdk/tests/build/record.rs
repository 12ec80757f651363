//! The release record and the layout beside it.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use ci_oci::Layout;
use libtest_mimic::Trial;
use serde_json::json;

use crate::project::{Project, Ran, settle, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("the_record_says_what_was_built_from_what", source),
        test(
            "two_builds_at_once_both_end_up_in_record_and_layout",
            at_once,
        ),
        test(
            "one_program_that_two_builds_want_at_once_is_compiled_once",
            one_program,
        ),
        test("several_platforms_are_one_image_with_an_index", platforms),
        test("nothing_is_written_when_nothing_changed", warm),
        test(
            "images_of_removed_services_leave_record_and_layout",
            removed,
        ),
        test(
            "a_layout_that_was_deleted_or_damaged_is_filled_again",
            damaged,
        ),
        test("uncommitted_changes_are_recorded_and_warned_of", dirty),
    ]
}

fn git(project: &Project, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(["-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(&project.root)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_COMMITTER_DATE", "2021-02-03T04:05:06Z")
        .env("GIT_AUTHOR_DATE", "2021-02-03T04:05:06Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn repository() -> Project {
    let project = Project::new();
    project.dockerfile(
        "a",
        "FROM scratch\nCOPY service.toml /a\n",
        "[image]\nlabels = { sha = \"{sha}\" }",
    );
    project.dockerfile("b", "FROM scratch\nCOPY service.toml /b\n", "");
    git(&project, &["init", "-q"]);
    git(
        &project,
        &[
            "remote",
            "add",
            "origin",
            "https://u:p@example.com/acme/shop.git",
        ],
    );
    git(&project, &["add", "."]);
    git(&project, &["commit", "-q", "-m", "one"]);
    project
}

fn source() {
    let project = repository();
    let ran = project.build(&["--env", "preview", "--output", "json"]);
    let record = project.record();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap(),
        record
    );
    let commit = git(&project, &["rev-parse", "HEAD"]);
    assert_eq!(
        record["source"],
        json!({
            "repository": "https://example.com/acme/shop.git",
            "commit": commit,
            "ref": "refs/heads/main",
            "dirty": false,
            "commitTime": "2021-02-03T04:05:06Z",
        })
    );
    assert_eq!(record["environment"], "preview");
    assert_eq!(record["engine"], "embedded");
    let again = project.read(".pipeline/release.json");
    project.build(&["a", "--env", "preview"]);
    assert_eq!(project.read(".pipeline/release.json"), again);

    // Another commit: the record is of that one alone, and `git status` has seen nothing of all this.
    assert_eq!(git(&project, &["status", "--porcelain"]), "");
    project.write("new", "");
    git(&project, &["add", "."]);
    git(&project, &["commit", "-q", "-m", "two"]);
    project.build(&["b", "--env", "preview"]);
    let services = project.record()["services"].as_array().unwrap().clone();
    let names: Vec<_> = services.iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["b"]);
}

fn at_once() {
    let project = Project::new();
    let names = ["a", "b", "c", "d"];
    for name in names {
        project.dockerfile(
            name,
            &format!("FROM scratch\nCOPY Dockerfile /{name}\n"),
            "",
        );
    }
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            let mut command = project.command(&["build", name]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let layout = Layout::open(&project.root.join(".pipeline/oci")).unwrap();
    let images = layout.images().unwrap();
    for name in names {
        let digest = project.digest(name);
        let is_there = images
            .iter()
            .any(|(it, image)| it.as_deref() == Some(name) && image.digest.to_string() == digest);
        assert!(is_there, "{name}: {images:?}");
        layout
            .resolve(Some(name), &ci_oci::Platform::host())
            .unwrap();
    }
}

fn one_program() {
    let project = Project::new();
    project.program("web", "fn main() {}\n", "");
    settle();
    let children = [0; 3].map(|_| {
        let mut command = project.command(&["build"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    });
    let compiled = children.map(|child| {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        usize::from(ran.compiled("web"))
    });
    assert_eq!(compiled.iter().sum::<usize>(), 1, "{compiled:?}");
}

fn platforms() {
    let project = Project::new();
    project.dockerfile("a", "FROM scratch\nCOPY Dockerfile /\n", "");
    let asked = ["--platform", "linux/arm64,linux/amd64"];
    project.build(&asked);
    let record = project.record();
    let service = &record["services"][0];
    assert_eq!(
        service["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    let layout = Layout::open(&project.root.join(".pipeline/oci")).unwrap();
    for (number, name) in ["linux/arm64", "linux/amd64"].into_iter().enumerate() {
        let image = layout.resolve(Some("a"), &name.parse().unwrap()).unwrap();
        let told = &service["platforms"][number];
        assert_eq!(told["platform"], name);
        assert_eq!(told["digest"], image.descriptor.digest.to_string());
        assert!(told["size"].as_u64().unwrap() > image.descriptor.size);
    }
    let before = written(&project);
    project.build(&asked);
    assert_eq!(written(&project), before);
    // One of them alone is an image of its own.
    project.build(&["--platform", "linux/arm64"]);
    assert_eq!(project.digest("a"), service["platforms"][0]["digest"]);
}

/// Inode numbers of the layout's index and blobs: what is written anew gets another one.
fn written(project: &Project) -> Vec<u64> {
    let oci = project.root.join(".pipeline/oci");
    let blobs = std::fs::read_dir(oci.join("blobs/sha256")).unwrap();
    let mut paths: Vec<_> = blobs.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.push(oci.join("index.json"));
    let inode = |path| std::fs::metadata(path).unwrap().ino();
    paths.into_iter().map(inode).collect()
}

fn warm() {
    let project = repository();
    project.build(&[]);
    let before = written(&project);
    project.build(&[]);
    assert_eq!(written(&project), before);
}

fn removed() {
    let project = repository();
    project.build(&[]);
    let blobs = || {
        let dir = project.root.join(".pipeline/oci/blobs/sha256");
        std::fs::read_dir(dir).unwrap().count()
    };
    assert_eq!(blobs(), 6);
    std::fs::remove_dir_all(project.root.join("services/b")).unwrap();
    project.write(
        "services/a/service.toml",
        "builder = \"dockerfile\"\n# changed\n",
    );
    project.build(&[]);
    assert_eq!(blobs(), 3);
    assert_eq!(project.record()["services"].as_array().unwrap().len(), 1);
}

fn damaged() {
    let project = repository();
    project.build(&[]);
    let digest = project.digest("a");
    let oci = project.root.join(".pipeline/oci");
    let manifest = oci.join("blobs/sha256").join(&digest["sha256:".len()..]);
    std::fs::remove_file(&manifest).unwrap();
    project.build(&[]);
    assert!(manifest.is_file());
    std::fs::remove_dir_all(&oci).unwrap();
    project.build(&[]);
    assert!(manifest.is_file());
    assert_eq!(project.digest("a"), digest);
}

fn dirty() {
    let project = repository();
    project.write("services/a/new", "");
    project.build(&[]).said(&["UncommittedChanges"]);
    assert_eq!(project.record()["source"]["dirty"], true);
}
