//! The same bytes, whatever differs between two machines: folder, user's folders, umask, time zone, locale, number of jobs,
//! cache, and what the environment holds besides.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use crate::project::{Project, ROLE, Ran, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![test("two_machines_build_the_same_bytes", same)]
}

const MAIN: &str = r#"
mod generated { include!(concat!(env!("OUT_DIR"), "/generated.rs")); }
fn main() {
    println!("{} {} {}", file!(), generated::place(), lib::place());
    panic!("{}", std::panic::Location::caller());
}
"#;

const BUILD: &str = r#"
fn main() {
    let dir = std::env::var("OUT_DIR").unwrap();
    let text = "pub fn place() -> &'static str { file!() }";
    std::fs::write(format!("{dir}/generated.rs"), text).unwrap();
}
"#;

fn fill(project: &Project) {
    project.program("web", MAIN, "");
    project.write("services/web/build.rs", BUILD);
    let manifest = project.read("services/web/Cargo.toml");
    let manifest = format!("{manifest}debug = 2\n[dependencies]\nlib = {{ path = \"lib\" }}\n");
    project.write("services/web/Cargo.toml", &manifest);
    project.write(
        "services/web/lib/Cargo.toml",
        "[package]\nname = \"lib\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    project.write(
        "services/web/lib/src/lib.rs",
        "pub fn place() -> &'static str { file!() }\n",
    );
    project.write(
        "services/web/Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"lib\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"web\"\nversion = \"0.1.0\"\ndependencies = [\n \"lib\",\n]\n",
    );
    project.dockerfile(
        "made",
        "FROM web\nCOPY --chmod=0640 . /there/\n",
        "contexts = { web = \"service:web\" }",
    );
}

fn same() {
    let here = Project::new();
    fill(&here);
    here.build(&[]);

    let dir = tempfile::tempdir().unwrap();
    let there = Project::at(&dir.path().canonicalize().unwrap().join("some where/else"));
    fill(&there);
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let pipeline = there.command(&["build", "-j1"]);
    // The umask is a shell's to set.
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 077; exec \"$@\"", "sh"])
        .arg(pipeline.get_program())
        .args(pipeline.get_args())
        .current_dir(&there.root)
        .env(ROLE, "1")
        .env("PIPELINE_CACHE_DIR", home.join("cache"))
        .env("RUSTUP_HOME", rustup_home())
        .env("HOME", &home)
        .env("CARGO_HOME", home.join("cargo"))
        .env("TZ", "Asia/Tokyo")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("CARGO_TARGET_DIR", home.join("target"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env("RUSTFLAGS", "-Ctarget-cpu=native")
        .env("SOURCE_DATE_EPOCH", "0");
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for service in ["web", "made"] {
        assert_eq!(here.digest(service), there.digest(service), "{service}");
    }
}

/// rustup finds its toolchains in the home folder unless told where they are.
fn rustup_home() -> std::path::PathBuf {
    let home = || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".rustup");
    std::env::var_os("RUSTUP_HOME").map_or_else(home, Into::into)
}
