//! A secret reaches the step that asks for it, and nothing else: no image, no cache, no record, no output (S1, S3).

use std::fs;
use std::path::Path;
use std::process::Command;

use ci_oci::Digest;
use libtest_mimic::Trial;

use crate::support::images::expanded;
use crate::support::program::{Outcome, run};
use crate::support::project::Project;
use crate::support::test;

/// Two lines, as keys have them, and bytes that URLs and base64 treat specially.
const SECRET: &str = "correct/horse+battery?staple&77\nsecond-line-of-it==";

const DOCKERFILE: &str = "tests/services/vault/Dockerfile";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("s1: a secret reaches its step and appears nowhere", nowhere),
        test("s3: a step that prints a secret prints stars", printed),
        test("s4: a failing step does not tell a secret", failing),
        test(
            "s1: a secret is in no key, so another one changes nothing",
            other_secret,
        ),
        test(
            "s4: a secret that is not there is named, and the step does not run",
            missing,
        ),
    ]
}

fn project(step: &str) -> Project {
    let project = Project::compiled();
    let service = "builder = \"dockerfile\"\n\n[dockerfile]\nsecrets = { token = \"env:VAULT_TOKEN\" }\n\n\
        [dockerfile.contexts]\nshell = \"service:shell\"\n";
    project.write("tests/services/vault/service.toml", service);
    let dockerfile = format!(
        "FROM shell\nUSER 0\nSHELL [\"/app/shell\", \"sh\", \"-euc\"]\nRUN --mount=type=secret,id=token,required=true {step}\n"
    );
    project.write(DOCKERFILE, &dockerfile);
    project
}

fn command(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    command
        .env("VAULT_TOKEN", SECRET)
        .env("PIPELINE_LOG", "trace");
    command
}

/// The secret in the forms in which it could leak: itself, its lines, and encoded.
fn forms() -> Vec<Vec<u8>> {
    let lines = SECRET.lines().map(|line| line.as_bytes().to_vec());
    let mut forms: Vec<_> = lines.collect();
    for text in SECRET.lines().chain([SECRET]) {
        forms.push(base64(text.as_bytes()).into_bytes());
        forms.push(url(text).into_bytes());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        let digits = [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize] as char);
        text.extend(&digits[..=chunk.len()]);
        text.extend(["="].iter().cycle().take(3 - chunk.len()).copied());
    }
    text
}

fn url(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| {
        if keep(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

#[track_caller]
fn is_not_in(place: &str, bytes: &[u8]) {
    for form in forms() {
        let found = bytes.windows(form.len()).any(|window| window == form);
        assert!(!found, "{} is in {place}", String::from_utf8_lossy(&form));
    }
}

#[track_caller]
fn is_not_said(outcome: &Outcome) {
    is_not_in("standard output", outcome.stdout.as_bytes());
    is_not_in("standard error", outcome.stderr.as_bytes());
}

/// In no file and no name below a folder, also where it is compressed.
#[track_caller]
fn is_not_below(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        is_not_in("a name", path.as_os_str().as_encoded_bytes());
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files += is_not_below(&path);
        } else if kind.is_file() {
            files += 1;
            is_not_in(path.to_str().unwrap(), &expanded(&fs::read(&path).unwrap()));
        }
    }
    files
}

#[track_caller]
fn is_nowhere(project: &Project) {
    for folder in [
        project.state("oci"),
        project.cache.clone(),
        project.home.clone(),
        project.dir.path().join("tmp"),
    ] {
        is_not_below(&folder);
    }
    assert!(
        is_not_below(&project.state("")) > 10 && is_not_below(&project.cache) > 10,
        "files were read"
    );
}

fn nowhere() {
    // The step proves that it was given the right one.
    let digest = Digest::of(SECRET).hex();
    let step = format!(
        "sha256sum /run/secrets/token | grep -q {digest}; stat -c %a /run/secrets/token >/mode"
    );
    let project = project(&step);
    for progress in ["plain", "json"] {
        let arguments = [
            "build",
            "vault",
            "--no-cache",
            "--output",
            "json",
            "--progress",
            progress,
        ];
        is_not_said(&run(&mut command(&project, &arguments)).succeeded());
    }
    is_nowhere(&project);
    let root = project.run(&["files", "vault", "/run"]).stdout;
    assert!(!root.contains("token"), "{root}");
    project.assert_nothing_left();
}

fn printed() {
    // Whole, line by line, cut in two writes, and as others encode it.
    let step = "cat /run/secrets/token; echo; head -n 1 /run/secrets/token; \
        head -c 9 /run/secrets/token; sleep 0.05; tail -c +10 /run/secrets/token; echo; cat encoded";
    let project = project(&format!(
        "--mount=type=bind,source=encoded,target=/encoded cd /; {step}"
    ));
    let encoded = format!(
        "{}\n{}\n{}\n",
        base64(SECRET.as_bytes()),
        url(SECRET),
        base64(format!("user:{SECRET}").as_bytes())
    );
    project.write("tests/services/vault/encoded", &encoded);
    for progress in ["plain", "json"] {
        let arguments = ["build", "vault", "--no-cache", "--progress", progress];
        let said = run(&mut command(&project, &arguments)).succeeded();
        is_not_said(&said);
        assert!(said.stderr.contains("***"), "{}", said.stderr);
        let inside = base64(format!("user:{SECRET}").as_bytes());
        assert!(!said.stderr.contains(&inside[8..40]), "{}", said.stderr);
    }
}

fn failing() {
    let project = project("cat /run/secrets/token >&2; exit 1");
    for progress in ["plain", "json"] {
        let arguments = ["build", "vault", "--progress", progress];
        let said = run(&mut command(&project, &arguments)).exited(1);
        is_not_said(&said);
        assert!(said.stderr.contains("***"), "{}", said.stderr);
    }
    is_nowhere(&project);
}

fn other_secret() {
    let project = project("cat /run/secrets/token | wc -c");
    run(&mut command(&project, &["build", "vault"])).succeeded();
    let mut other = command(&project, &["build", "vault"]);
    let other = run(other
        .env("VAULT_TOKEN", "another")
        .env_remove("PIPELINE_LOG"))
    .succeeded();
    let step = other
        .stderr
        .lines()
        .find(|line| line.contains("RUN --mount=type=secret"))
        .unwrap();
    assert!(step.ends_with("CACHED"), "{step}");
}

fn missing() {
    let project = project("echo it runs");
    let said = project.run(&["build", "vault"]);
    assert!(!said.status.success());
    assert!(said.stderr.contains("VAULT_TOKEN"), "{}", said.stderr);
    assert!(!said.stderr.contains("#vault it runs"), "{}", said.stderr);
}
