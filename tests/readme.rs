//! The README tells the truth: its transcripts are what the program prints, and its first screen has the two commands that
//! continuous integration runs. `UPDATE_README=1 cargo test -p pipeline --test readme` writes the transcripts anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_support::base::Base;
use test_support::registry::{Registry, Wants};

/// The root of this repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A checkout of what the catalog names, with a cache of its own.
struct Checkout {
    dir: TempDir,
}

impl Checkout {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "pipeline.toml",
                "pipeline",
                "tests/services",
                "Cargo.toml",
                "Cargo.lock",
            ])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(
            listed.status.success(),
            "this test needs the repository, not only its files"
        );
        for path in String::from_utf8(listed.stdout)
            .unwrap()
            .split_terminator('\0')
        {
            let target = dir.path().join("checkout").join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            // A file deleted and not yet committed is none.
            if root().join(path).exists() {
                fs::copy(root().join(path), target).unwrap();
            }
        }
        let checkout = Self { dir };
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["add", "-A"],
            &[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "commit",
                "-q",
                "-m",
                "All",
            ],
        ] {
            assert!(
                Command::new("git")
                    .args(args)
                    .current_dir(checkout.path())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        checkout
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("checkout")
    }

    /// What a command prints, on both streams, as one would see it.
    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command
            .args(args)
            .current_dir(self.path())
            .env("PIPELINE_CACHE_DIR", self.dir.path().join("cache"))
            .env_remove("SOURCE_DATE_EPOCH");
        let output = command.output().unwrap();
        let text = [output.stderr, output.stdout]
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .concat();
        // What steps print themselves is left out: it is long, and says nothing about this program.
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

/// Times, sizes and digests differ from run to run and from commit to commit. Steps that run at once end in any order, and one
/// that two services share is shown under the service that came first, and for the other as cached or not at all.
fn comparable(text: &str) -> Vec<String> {
    const SERVICES: [&str; 4] = ["migrator", "shell", "web", "worker"];
    let line = |line: &str| {
        let mut words = line.split_whitespace().peekable();
        words.next_if(|word| SERVICES.contains(word));
        words.map(constant).collect::<Vec<_>>().join(" ")
    };
    let mut lines: Vec<String> = text
        .lines()
        .map(line)
        .filter(|line| !line.is_empty() && !line.ends_with(" CACHED"))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

fn constant(word: &str) -> String {
    // The beginning of a commit's id.
    let id = word.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    if id.is_some_and(|it| it.len() == 7 && it.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return "()".to_owned();
    }
    if word.starts_with("sha256:") || word.contains("/cargo-cache/") {
        return word
            .split(|c: char| c.is_ascii_digit())
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    word.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn transcript(readme: &str, name: &str) -> (usize, usize) {
    let mark = format!("<!-- transcript: {name} -->\n```\n");
    let start = readme
        .find(&mark)
        .unwrap_or_else(|| panic!("the README has no transcript {name}"))
        + mark.len();
    (start, start + readme[start..].find("\n```").unwrap() + 1)
}

/// Compares a transcript with what was printed, or writes it.
fn check(name: &str, printed: &str) {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (start, end) = transcript(&readme, name);
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(
            &path,
            format!("{}{printed}{}", &readme[..start], &readme[end..]),
        )
        .unwrap();
        return;
    }
    let (told, found) = (comparable(&readme[start..end]), comparable(printed));
    assert_eq!(
        told, found,
        "the README's transcript {name} is not what the program prints; UPDATE_README=1 writes it anew"
    );
}

#[test]
fn the_transcripts_are_what_the_program_prints() {
    let checkout = Checkout::new();
    let build = checkout.run(&["build"]);
    check(
        "build",
        &format!("$ cargo run -p pipeline -- build\n{build}"),
    );
    let test = checkout.run(&["test", "worker", "--progress", "quiet"]);
    check(
        "test",
        &format!("$ cargo run -p pipeline -- test worker --progress quiet\n{test}"),
    );

    let job = checkout.path().join("tests/services/jobs/jobs/backup.job");
    fs::write(&job, "name = backup\nperiod = 60\n").unwrap();
    let affected = checkout.run(&["affected", "--since", "main"]);
    check(
        "affected",
        &format!("$ cargo run -p pipeline -- affected --since main\n{affected}"),
    );
    fs::remove_file(job).unwrap();

    let service = checkout.path().join("tests/services/worker/service.toml");
    let text = fs::read_to_string(&service).unwrap();
    fs::write(&service, text.replace("\"service:web\"", "\"service:wbe\"")).unwrap();
    check("mistake", &checkout.run(&["build"]));
}

#[test]
fn the_transcript_of_locking_is_what_the_program_prints() {
    let registry = Registry::start(&Wants::default());
    let filled = registry.and_then(|registry| {
        registry.push(Base::Busybox, "library/debian:12-slim")?;
        registry.push(Base::Full, "library/node:22-slim")?;
        Ok(registry)
    });
    let registry = match filled {
        Ok(registry) => registry,
        Err(missing) => return skipped(&missing),
    };
    let dir = TempDir::new().unwrap();
    let write = |path: &str, content: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let host = &registry.host;
    write(
        "pipeline.toml",
        &format!(
            "[project]\nname = \"shop\"\nregistry = \"registry.example.com/acme\"\nservices = [\"api\"]\n\
             [registries.\"docker.io\"]\nmirrors = [\"{host}\"]\n[registries.\"{host}\"]\nplain-http = true\n"
        ),
    );
    write("api/service.toml", "builder = \"dockerfile\"\n");
    write(
        "api/Dockerfile",
        "FROM node:22-slim AS build\nFROM debian:12-slim\nCOPY --from=build /bin/sh /bin/\n",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_pipeline"))
        .args(["lock", "--progress", "quiet"])
        .current_dir(&dir)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    check(
        "lock",
        &format!("$ cargo run -p pipeline -- lock\n{printed}"),
    );
}

#[allow(clippy::print_stderr, reason = "says why a test is missing")]
fn skipped(missing: &str) {
    eprintln!("skipped: {missing}");
}

#[test]
fn the_first_screen_has_two_commands_and_continuous_integration_runs_the_second() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let first_screen = readme.split("\n## ").next().unwrap();
    let commands: Vec<&str> = first_screen
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(|line| line.split('#').next().unwrap().trim())
        .collect();
    assert_eq!(commands, ["cargo run -p pipeline -- build", "cargo test"]);
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.lines().any(|line| line.trim() == "cargo test --locked"));
    assert!(
        first_screen.lines().count() < 20,
        "the first screen is a screen"
    );
}

#[test]
fn the_example_catalog_is_accepted() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks: Vec<&str> = readme
        .split("```toml\n")
        .skip(1)
        .map(|block| block.split("\n```").next().unwrap())
        .collect();
    let block = |mark: &str| -> &str {
        let mut found = blocks.iter().filter(|block| block.contains(mark));
        match (found.next(), found.next()) {
            (Some(block), None) => block,
            _ => panic!("the README shows one catalog with {mark}"),
        }
    };
    let (service, private) = (block("[contract]"), block("[dockerfile.secrets]"));
    // What the first one says of production, the next one says at more length.
    let first = block("[project]").trim_end_matches("[environments.production]");
    let more = ["moving-tags", "[registries.", "[signing]", "soak-minutes"].map(block);
    // What else can be said of production's deployments, whole or as a part of their table.
    let deploy = "[environments.production.deploy]\n";
    let repository = "repository = \"https://github.com/acme/deployments\"\n";
    let part = |beginning: &str| blocks.iter().find(|block| block.starts_with(beginning));
    let other = [
        block("addresses.").to_owned(),
        format!("{deploy}{repository}{}", part("places = ").unwrap()),
        format!("{deploy}{repository}{}", part("receivers = ").unwrap()),
    ];
    let tried = 3 + more.len() + other.len();
    assert_eq!(blocks.len(), tried, "a part that is not tried");
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("certs")).unwrap();
    fs::write(dir.path().join("certs/ca.pem"), "").unwrap();
    // What needs an agent and a token is read and not built.
    let private = format!("builder = \"dockerfile\"\ndefault = false\n{private}\n");
    for (name, service) in [("api", service), ("private", &private)] {
        let folder = dir.path().join("services").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("service.toml"), service).unwrap();
        fs::write(
            folder.join("Dockerfile"),
            "FROM scratch AS test\nFROM scratch AS runtime\nCOPY Dockerfile /\n",
        )
        .unwrap();
    }
    for more in [more.join("\n")].iter().chain(&other) {
        let pipeline = format!("{first}\n{more}\n");
        fs::write(dir.path().join("pipeline.toml"), pipeline).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        let output = command
            .args(["build", "--progress", "quiet"])
            .current_dir(dir.path())
            .env("PIPELINE_CACHE_DIR", dir.path().join("cache"))
            .output()
            .unwrap();
        let (said, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{errors}");
        assert!(said.contains("registry.example.com/acme/shop-api"));
    }
}
