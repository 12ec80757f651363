//! Fingerprints of projects on the disk: they change with what an image is made of, and with nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ci_engine::Progress;
use tempfile::TempDir;

use super::*;
use crate::stages::Request;
use crate::stages::git::testing::write;

const PIPELINE: &str =
    "[project]\nname = \"shop\"\nregistry = \"ghcr.io/acme\"\nservices = [\"services/*\"]\n";

/// `web` is built from the root, on a base image, on `tools` and with a folder of assets; `agent` is a program.
fn shop() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let web = "description = \"x\"\nbuilder = \"dockerfile\"\nplatforms = [\"linux/amd64\"]\n[dockerfile]\ncontext = \"../..\"\nargs = { LEVEL = \"1\" }\n[dockerfile.contexts]\ntools = \"service:tools\"\nassets = \"dir:assets\"\n";
    let lock = "version = 4\n[[package]]\nname = \"agent\"\nversion = \"0.1.0\"\ndependencies = [\"a\"]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
    for (path, text) in [
        ("pipeline.toml", PIPELINE),
        (".dockerignore", "**/*.md\n"),
        ("src/main.js", "1"),
        ("src/notes.md", "1"),
        ("other/x", "1"),
        ("services/web/service.toml", web),
        (
            "services/web/Dockerfile",
            "FROM debian:12\nARG LEVEL\nCOPY src /src\nCOPY --from=tools / /\nCOPY --from=assets / /\n",
        ),
        ("services/web/assets/logo.svg", "1"),
        (
            "services/tools/service.toml",
            "builder = \"dockerfile\"\nplatforms = [\"linux/amd64\"]\n",
        ),
        ("services/tools/Dockerfile", "FROM scratch\nCOPY tool /\n"),
        ("services/tools/tool", "1"),
        (
            "services/agent/service.toml",
            "builder = \"cargo\"\n[cargo]\nlinkage = \"auto\"\n",
        ),
        (
            "services/agent/Cargo.toml",
            "[package]\nname = \"agent\"\nversion = \"0.1.0\"\n",
        ),
        (
            "services/agent/src/main.rs",
            "include_str!(\"../../../schema.sql\");",
        ),
        ("schema.sql", "1"),
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"services/agent\"]\n",
        ),
        ("Cargo.lock", lock),
    ] {
        write(dir.path(), path, text);
    }
    dir
}

async fn marks(dir: &Path, base: &str) -> Marks {
    let project = Project::open(dir, &Progress::silent()).unwrap();
    let plan = Plan::of(&project, &Request::default()).unwrap();
    let digests = async |_: &Planned<'_>, bases: Vec<Base>| {
        let digest = |it: &Base| (it.reference.to_string(), base.to_owned());
        Ok(bases.iter().map(digest).collect())
    };
    Marks::of(&project, &plan, &Contents::default(), digests).await
}

/// The fingerprints of all services, by name.
async fn all(dir: &Path) -> BTreeMap<String, String> {
    let marks = marks(dir, "sha256:aa").await;
    let shown = |(name, mark): (Name, Result<Mark, String>)| {
        (name.to_string(), mark.unwrap().fingerprint.to_string())
    };
    marks.by_name.into_iter().map(shown).collect()
}

/// The services whose fingerprints a change of the shop changes.
async fn changed(change: impl FnOnce(&Path)) -> String {
    let dir = shop();
    let before = all(dir.path()).await;
    change(dir.path());
    let after = all(dir.path()).await;
    let names = before.keys().filter(|name| before[*name] != after[*name]);
    names.map(String::as_str).collect::<Vec<_>>().join(" ")
}

async fn rewritten(path: &str, from: &str, to: &str) -> String {
    changed(|dir| {
        let text = fs::read_to_string(dir.join(path)).unwrap();
        assert!(text.contains(from), "{path} does not hold {from:?}");
        fs::write(dir.join(path), text.replace(from, to)).unwrap();
    })
    .await
}

async fn written(path: &str) -> String {
    changed(|dir| write(dir, path, "2")).await
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn they_change_with_the_files_that_images_are_made_of() {
    for (path, services) in [
        ("src/main.js", "web"),
        ("src/new", "web"),
        ("services/web/assets/logo.svg", "web"),
        ("services/tools/tool", "tools web"),
        ("services/agent/src/main.rs", "agent"),
        ("services/agent/build.rs", "agent"),
        ("schema.sql", "agent"),
        // What nobody reads, what is ignored, and what is written in passing.
        ("src/notes.md", ""),
        ("other/x", ""),
        ("services/tools/unread", ""),
        ("services/agent/target/debug/agent", ""),
        (".pipeline/release.json", ""),
        (".git/index", ""),
    ] {
        assert_eq!(written(path).await, services, "{path}");
    }
}

#[tokio::test]
async fn they_change_with_how_images_are_built() {
    let web = "services/web/service.toml";
    for (path, from, to, services) in [
        (
            "services/web/Dockerfile",
            "FROM",
            "# a comment\nFROM",
            "web",
        ),
        (web, "LEVEL = \"1\"", "LEVEL = \"2\"", "web"),
        (web, "linux/amd64", "linux/arm64", "web"),
        (
            web,
            "[dockerfile]",
            "[image.env]\nA = \"1\"\n[dockerfile]",
            "web",
        ),
        (web, "description = \"x\"", "description = \"y\"", ""),
        (
            web,
            "[dockerfile]",
            "[[checks]]\nname = \"a\"\ncommand = [\"a\"]\n[dockerfile]",
            "",
        ),
        (
            "services/tools/Dockerfile",
            "COPY",
            "RUN x\nCOPY",
            "tools web",
        ),
        (
            "services/agent/service.toml",
            "[cargo]",
            "[cargo]\nprofile = \"dev\"",
            "agent",
        ),
        (
            "Cargo.toml",
            "[workspace]",
            "[profile.release]\nlto = true\n[workspace]",
            "agent",
        ),
        (
            "Cargo.lock",
            "name = \"a\"\nversion = \"1.0.0\"",
            "name = \"a\"\nversion = \"1.0.1\"",
            "agent",
        ),
        (
            "Cargo.lock",
            "name = \"b\"\nversion = \"1.0.0\"",
            "name = \"b\"\nversion = \"1.0.1\"",
            "",
        ),
        (".dockerignore", "**/*.md", "**/*.txt", "web"),
        ("pipeline.toml", "ghcr.io/acme", "ghcr.io/other", ""),
    ] {
        assert_eq!(rewritten(path, from, to).await, services, "{path}: {to}");
    }
}

#[tokio::test]
async fn of_modes_only_the_execute_bit_counts() {
    assert_eq!(
        changed(|dir| set_mode(&dir.join("src/main.js"), 0o755)).await,
        "web"
    );
    assert_eq!(
        changed(|dir| set_mode(&dir.join("src/main.js"), 0o600)).await,
        ""
    );
    assert_eq!(changed(|dir| set_mode(&dir.join("src"), 0o700)).await, "");
}

#[tokio::test]
async fn they_are_the_same_in_another_folder_at_another_time() {
    let (one, two) = (shop(), shop());
    let deep = two.path().join("other name/checkout");
    fs::create_dir_all(deep.parent().unwrap()).unwrap();
    let other = shop();
    fs::rename(other.path(), &deep).unwrap();
    assert_eq!(all(one.path()).await, all(&deep).await);
    assert_eq!(all(one.path()).await.len(), 3);
}

#[tokio::test]
async fn contents_are_what_is_on_this_machine() {
    let dir = shop();
    let before = marks(dir.path(), "sha256:aa").await;
    assert!(
        marks(dir.path(), "sha256:bb")
            .await
            .has_contents_of(&before)
    );
    write(dir.path(), "other/x", "2");
    assert!(
        marks(dir.path(), "sha256:aa")
            .await
            .has_contents_of(&before)
    );
    write(dir.path(), "services/tools/tool", "2");
    assert!(
        !marks(dir.path(), "sha256:aa")
            .await
            .has_contents_of(&before)
    );
}

#[tokio::test]
async fn a_base_counts_by_its_digest() {
    let dir = shop();
    let name = "web".parse().unwrap();
    let one = marks(dir.path(), "sha256:aa").await;
    let two = marks(dir.path(), "sha256:bb").await;
    assert_ne!(one.get(&name), two.get(&name));
    let tools = "tools".parse().unwrap();
    assert_eq!(one.get(&tools), two.get(&tools));
}

/// Why `web` has no fingerprint with another Dockerfile.
async fn missing(dockerfile: &str) -> String {
    let dir = shop();
    write(dir.path(), "services/web/Dockerfile", dockerfile);
    let project = Project::open(dir.path(), &Progress::silent()).unwrap();
    let plan = Plan::of(&project, &Request::default()).unwrap();
    let nothing = async |_: &Planned<'_>, _: Vec<Base>| Ok(Digests::new());
    let marks = Marks::of(&project, &plan, &Contents::default(), nothing).await;
    marks.get(&"web".parse().unwrap()).unwrap_err().to_owned()
}

#[tokio::test]
async fn what_cannot_be_known_gives_none_and_a_reason() {
    insta::assert_snapshot!(missing("FROM debian:12\n").await, @"what docker.io/library/debian:12 is now is not known");
    insta::assert_snapshot!(missing("FROM scratch\nADD https://example.com/a /\n").await, @"https://example.com/a may be something else another time; `--checksum` pins it");
    insta::assert_snapshot!(missing("FORM scratch\n").await, @"services/web/Dockerfile:1:1: there is no instruction FORM 1 | FORM scratch | ^ did you mean FROM?");
    let dir = shop();
    write(
        dir.path(),
        "services/tools/Dockerfile",
        "FROM scratch\nADD https://example.com/a /\n",
    );
    let marks = marks(dir.path(), "sha256:aa").await;
    insta::assert_snapshot!(marks.get(&"web".parse().unwrap()).unwrap_err(), @"it reads tools, of which it holds: https://example.com/a may be something else another time; `--checksum` pins it");
}

#[tokio::test]
async fn the_time_of_the_commit_counts_where_a_dockerfile_asks_for_it() {
    let fingerprint = async |dockerfile: &str, epoch: i64| {
        let dir = shop();
        write(dir.path(), "services/tools/Dockerfile", dockerfile);
        crate::stages::git::testing::git(dir.path(), &["init", "-q"]);
        let project = Project::open(dir.path(), &Progress::silent()).unwrap();
        let project = project.at(epoch);
        let request = Request {
            services: vec!["tools".to_owned()],
            ..Request::default()
        };
        let plan = Plan::of(&project, &request).unwrap();
        let nothing = async |_: &Planned<'_>, _: Vec<Base>| Ok(Digests::new());
        let marks = Marks::of(&project, &plan, &Contents::default(), nothing).await;
        marks.get(&"tools".parse().unwrap()).unwrap()
    };
    let plain = "FROM scratch\nCOPY tool /\n";
    assert_eq!(fingerprint(plain, 1).await, fingerprint(plain, 2).await);
    let dated = "FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY tool /\n";
    assert_ne!(fingerprint(dated, 1).await, fingerprint(dated, 2).await);
}
