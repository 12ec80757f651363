//! The shell against a table of scripts with what they print and their exit status. The same table can be held against the
//! shells of this machine (`dash`, `busybox sh`), so that it says what a shell does and not what ours happens to do. Every
//! script runs in an empty directory of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SHELL: &str = env!("CARGO_BIN_EXE_shell");

/// What the language does.
const LANGUAGE: &str = include_str!("language.cases");

/// What the tools do.
const TOOLS: &str = include_str!("tools.cases");

/// What POSIX leaves open, or where the other shells differ from each other.
const OURS: &str = include_str!("ours.cases");

/// One entry of a table.
struct Case<'a> {
    name: &'a str,
    script: &'a str,
    stdout: &'a str,
    status: i32,
}

/// Reads entries of this form, with an empty line between them:
///
/// ```text
/// === name
/// script
/// --- status 0
/// what it prints
/// ```
fn cases(table: &str) -> Vec<Case<'_>> {
    let entries = table.strip_prefix("=== ").unwrap().split("\n=== ");
    entries
        .map(|entry| {
            let (name, rest) = entry.split_once('\n').unwrap();
            let (script, rest) = rest.split_once("\n--- status ").unwrap();
            let (status, stdout) = rest.split_once('\n').unwrap();
            let (status, stdout) = match status.strip_suffix(" without a line end") {
                Some(status) => (status, stdout.strip_suffix('\n').unwrap()),
                None => (status, stdout),
            };
            Case {
                name,
                script,
                stdout,
                status: status.parse().unwrap(),
            }
        })
        .collect()
}

/// Scripts that are refused before anything runs: script and message.
const REFUSED: &[(&str, &str)] = &[
    (
        "echo no; sleep 1 & wait",
        "line 1: syntax error: `&`: background commands are not supported",
    ),
    (
        "echo no\nx=`date`",
        "line 2: syntax error: backquotes are not supported: use $(command)",
    ),
    (
        "if true; then echo no",
        "line 1: syntax error: `if` is missing its `fi`",
    ),
    ("echo no; fi", "line 1: syntax error: unexpected `fi`"),
    (
        "for in x; do :; done",
        "line 1: syntax error: `for` needs `do` before `x`",
    ),
    ("echo 'no", "line 1: syntax error: `'` is not closed"),
    (
        "echo no\necho \"$(echo\n",
        "line 3: syntax error: `$(` is not closed",
    ),
    (
        "echo ${x/a/b}",
        "line 1: syntax error: `${x` is followed by `/`, which is not supported",
    ),
    (
        "echo no 3>f",
        "line 1: syntax error: redirections are supported for the descriptors 0, 1 and 2",
    ),
    ("echo no | | cat", "line 1: syntax error: unexpected `|`"),
    (
        "echo no &&",
        "line 1: syntax error: a command is missing at the end",
    ),
    ("echo no; )", "line 1: syntax error: `)` has no counterpart"),
    (
        "cat <<END\nno\n",
        "line 3: syntax error: the here-document is missing its end `END`",
    ),
    ("a=(1 2)", "line 1: syntax error: unexpected `(`"),
];

/// A directory that vanishes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let plain: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let path = std::env::temp_dir().join(format!("conformance-{}-{plain}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Standard output, standard error and exit status of a script.
fn run(shell: &[&str], script: &str, dir: &Path) -> (String, String, Option<i32>) {
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", script, "sh"])
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

fn check(shell: &[&str], table: &str) {
    let cases = cases(table);
    let mut failures = Vec::new();
    for Case {
        name,
        script,
        stdout,
        status,
    } in &cases
    {
        let dir = Scratch::new(&format!("{}{name}", shell.join("")));
        let (actual, stderr, code) = run(shell, script, &dir.0);
        if actual != *stdout || code != Some(*status) {
            failures.push(format!(
                "{name}: {script}\n  expected {stdout:?}, status {status}\n  got      {actual:?}, status {code:?}\n  \
                 errors   {stderr:?}\n"
            ));
        }
    }
    let failed = failures.len();
    assert!(
        failures.is_empty(),
        "{}: {failed} of {}\n{}",
        shell.join(" "),
        cases.len(),
        failures.concat()
    );
}

#[test]
fn runs_the_language() {
    check(&[SHELL, "sh"], LANGUAGE);
    check(&[SHELL, "sh"], OURS);
}

#[test]
fn runs_the_tools() {
    check(&[SHELL, "sh"], TOOLS);
}

/// The table itself, against shells that others have written. What those do in detail differs from release to release, so this
/// is for whoever changes the table: `cargo test -p shell -- --ignored`.
#[test]
#[ignore = "depends on the shells of this machine"]
fn installed_shells_agree_with_the_table() {
    let installed = |name: &str| {
        ["/usr/bin", "/bin"]
            .iter()
            .any(|dir| Path::new(dir).join(name).exists())
    };
    if installed("dash") {
        check(&["dash"], LANGUAGE);
        check(&["dash"], TOOLS);
    }
    if installed("busybox") {
        check(&["busybox", "sh"], LANGUAGE);
        check(&["busybox", "sh"], TOOLS);
    }
}

#[test]
fn refuses_what_it_does_not_support_before_running_anything() {
    let dir = Scratch::new("refused");
    for (script, message) in REFUSED {
        let (stdout, stderr, code) = run(&[SHELL, "sh"], script, &dir.0);
        assert_eq!(
            (stdout.as_str(), stderr.trim_end(), code),
            ("", format!("sh: {message}").as_str(), Some(2)),
            "{script}"
        );
    }
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 0);
}

#[test]
fn tools_refuse_options_they_do_not_have() {
    let dir = Scratch::new("options");
    for script in [
        "cp -z a b",
        "sort -k2 f",
        "ls --color",
        "grep -E 'a|b' f",
        "grep 'a\\|b' f",
        "head -n x f",
        "chmod 9 f",
        "chown root f",
    ] {
        let (stdout, stderr, code) = run(&[SHELL, "sh"], script, &dir.0);
        assert_eq!((stdout.as_str(), code), ("", Some(2)), "{script}");
        let tool = script.split(' ').next().unwrap();
        assert!(
            stderr.starts_with(&format!("{tool}: ")) && stderr.ends_with("\n"),
            "{script}: {stderr}"
        );
    }
}

#[test]
fn messages_name_the_line_and_the_script() {
    let dir = Scratch::new("messages");
    fs::write(dir.0.join("build.sh"), "true\n\nno-such-tool a\n").unwrap();
    let output = Command::new(SHELL)
        .args(["sh", "build.sh"])
        .current_dir(&dir.0)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "build.sh: line 3: no-such-tool: not found\n"
    );
    assert_eq!(output.status.code(), Some(127));
}

#[test]
fn a_link_to_the_program_is_the_tool_of_that_name() {
    let dir = Scratch::new("links");
    for (link, arguments, expected) in [
        ("sh", &["-c", "echo a"][..], "a\n"),
        ("basename", &["/x/y"], "y\n"),
        ("-sh", &["-c", "echo b"], "b\n"),
    ] {
        let path = dir.0.join(link);
        std::os::unix::fs::symlink(SHELL, &path).unwrap();
        let output = Command::new(&path).args(arguments).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
    let output = Command::new(SHELL).arg("nonsense").output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(
        Command::new(SHELL)
            .output()
            .unwrap()
            .stdout
            .starts_with(b"Usage: shell TOOL")
    );
}
