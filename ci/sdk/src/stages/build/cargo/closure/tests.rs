//! Packages and what they are made of.

use super::*;

const WORKSPACE: &str = r#"
[workspace]
members = ["crates/*", "app"]
exclude = ["crates/alone"]
[workspace.dependencies]
util = { path = "crates/util" }
serde = "1"
[patch.crates-io]
serde = { path = "vendor/serde" }
"#;

fn package(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\n{rest}")
}

fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let app = "[dependencies]\nutil.workspace = true\nserde.workspace = true\n[target.'cfg(unix)'.dependencies]\nunix = { path = \"../crates/unix\" }\n[dev-dependencies]\ntesting = { path = \"../crates/testing\" }\n[build-dependencies]\nproto = { path = \"../outside/proto\" }\n";
    for (path, text) in [
        ("Cargo.toml", WORKSPACE.to_owned()),
        ("app/Cargo.toml", package("app", app)),
        (
            "app/src/main.rs",
            "include_str!(\"../../schema/a.sql\"); // \"../gone\"\nenv!(\"../..\");".into(),
        ),
        ("app/target/x.rs", "\"../../no\"".into()),
        (
            "crates/util/Cargo.toml",
            package(
                "util",
                "build = \"../build.rs\"\n[dependencies]\nmissing = { path = \"../nowhere\" }",
            ),
        ),
        ("crates/unix/Cargo.toml", package("unix", "")),
        ("crates/testing/Cargo.toml", package("testing", "")),
        ("crates/alone/Cargo.toml", package("alone", "")),
        ("crates/build.rs", String::new()),
        ("outside/proto/Cargo.toml", package("proto", "")),
        ("vendor/serde/Cargo.toml", package("serde", "")),
        ("schema/a.sql", String::new()),
        ("schema/b.sql", String::new()),
        ("no", String::new()),
    ] {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

fn closure(
    dir: &tempfile::TempDir,
    manifest: &str,
    package: Option<&str>,
    purpose: Purpose,
) -> Closure {
    Closure::of_package(&dir.path().join(manifest), package, purpose).unwrap()
}

fn shown(dir: &tempfile::TempDir, closure: &Closure) -> String {
    let relative = |path: &Path| path.strip_prefix(dir.path()).unwrap().display().to_string();
    let folders: Vec<String> = closure.folders().map(relative).collect();
    let named: Vec<String> = closure.named().map(relative).collect();
    format!(
        "{}\n{}\n{}",
        folders.join(" "),
        named.join(" "),
        relative(closure.workspace())
    )
}

#[test]
fn local_packages_are_followed_and_what_sources_name_counts() {
    let dir = project();
    let app = closure(&dir, "app/Cargo.toml", None, Purpose::Build);
    insta::assert_snapshot!(shown(&dir, &app), @r"
    app crates/unix crates/util outside/proto vendor/serde
    crates/build.rs schema/a.sql
    Cargo.toml
    ");
    let tests = closure(&dir, "app/Cargo.toml", Some("app"), Purpose::Test);
    assert!(tests.folders().any(|it| it.ends_with("crates/testing")));
    for (path, expected) in [
        ("app/src/main.rs", true),
        ("app/README.md", true),
        ("app/target/debug/app", false),
        ("schema/a.sql", true),
        ("schema/b.sql", false),
        ("crates/unix/src/lib.rs", true),
        ("crates/testing/src/lib.rs", false),
        ("Cargo.toml", true),
        ("Cargo.lock", true),
        ("application/x", false),
    ] {
        assert_eq!(app.contains(&dir.path().join(path)), expected, "{path}");
    }
}

#[test]
fn a_member_is_found_by_its_name() {
    let dir = project();
    let unix = closure(&dir, "Cargo.toml", Some("unix"), Purpose::Build);
    insta::assert_snapshot!(shown(&dir, &unix), @r"
    crates/unix vendor/serde

    Cargo.toml
    ");
    let error = Closure::of_package(&dir.path().join("Cargo.toml"), Some("wbe"), Purpose::Build);
    assert!(matches!(error, Err(ClosureError::NoPackage(..))));
    let error = Closure::of_package(&dir.path().join("gone/Cargo.toml"), None, Purpose::Build);
    assert!(matches!(error, Err(ClosureError::Unreadable(..))));
}

#[test]
fn a_package_of_no_workspace_has_its_own_lock_file() {
    let dir = project();
    let alone = closure(&dir, "crates/alone/Cargo.toml", None, Purpose::Build);
    assert_eq!(alone.lock(), dir.path().join("crates/alone/Cargo.lock"));
}

#[test]
fn of_a_lock_file_only_the_packages_that_can_be_reached_count() {
    let dir = project();
    let app = closure(&dir, "app/Cargo.toml", None, Purpose::Build);
    let lock = |other: &str| {
        format!(
            "version = 4\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"serde\"]\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\n[[package]]\nname = \"other\"\nversion = \"{other}\"\n"
        )
    };
    let locked = app.locked(&lock("1.0.0")).unwrap();
    assert_eq!(locked.len(), 2);
    assert_eq!(app.locked(&lock("2.0.0")).unwrap(), locked);
    assert_ne!(
        app.locked(&lock("1.0.0").replace(
            "\"1.0.0\"\n[[package]]\nname = \"other",
            "\"1.0.1\"\n[[package]]\nname = \"other"
        ))
        .unwrap(),
        locked
    );
    assert_eq!(app.locked(""), None);
    assert_eq!(app.locked("<<<<<<<"), None);
}
