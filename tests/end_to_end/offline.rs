//! No network is used, nor tried: it works where there is none, and nothing asks the kernel for any.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;

use crate::support::built::{digests, expected};
use crate::support::machine::{can, is_root, tool};
use crate::support::program::run;
use crate::support::project::{Project, text};
use crate::support::{Skip, Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible("offline: a cold build in an empty network namespace", build),
        test_if_possible(
            "offline: testing with nothing but the loopback interface",
            test,
        ),
        test_if_possible("offline: nothing is looked for in the network", no_attempt),
    ]
}

/// The start of a command in a network namespace of its own.
fn without_network(project: &Project) -> Result<Command, Skip> {
    let flags: &[&str] = if is_root() {
        &["--net"]
    } else {
        &["--net", "--map-root-user"]
    };
    let unshare = tool("unshare")?;
    can(
        "make network namespaces",
        Command::new(&unshare).args(flags).arg("true"),
    )?;
    let mut command = project.bare(text(&unshare));
    command.args(flags);
    Ok(command)
}

fn build() -> Verdict {
    let project = Project::cold();
    let mut command = without_network(&project)?;
    command
        .arg(env!("CARGO_BIN_EXE_pipeline"))
        .args(["build", "--output", "json"]);
    assert_eq!(digests(&run(&mut command)), *expected());
    Ok(())
}

fn test() -> Verdict {
    let project = Project::compiled();
    let mut command = without_network(&project)?;
    command
        .args([
            "sh",
            "-euc",
            "\"$1\" link set lo up; exec \"$2\" test",
            "sh",
        ])
        .args([text(&tool("ip")?), env!("CARGO_BIN_EXE_pipeline")]);
    let tested = run(&mut command).succeeded();
    assert_eq!(
        tested.stdout.matches("  kept").count(),
        4,
        "{}",
        tested.stdout
    );
    project.assert_nothing_left();
    Ok(())
}

fn no_attempt() -> Verdict {
    let strace = tool("strace")?;
    can(
        "trace programs",
        Command::new(&strace).args(["-f", "-o", "/dev/null", "true"]),
    )?;
    let project = Project::cold();
    let log = project.dir.path().join("strace");
    let mut command = project.bare(text(&strace));
    command
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=connect,sendto,sendmsg,sendmmsg,execve",
            "-o",
            text(&log),
        ])
        .arg(env!("CARGO_BIN_EXE_pipeline"))
        .args(["build", "--output", "json"]);
    if !is_root() {
        // A program that is traced cannot gain rights, which those that map subordinate ids must.
        command.env("PIPELINE_PRIVILEGE", "single");
    }
    assert_eq!(digests(&run(&mut command)), *expected());
    let log = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
    for program in ["rustc", "/app/shell"] {
        let started = |line: &str| line.contains("execve(") && line.contains(program);
        assert!(log.lines().any(started), "{program} was traced");
    }
    let reaches_out = |line: &&str| line.contains("AF_INET") && !line.contains("127.0.0.1");
    let attempts: Vec<&str> = log.lines().filter(reaches_out).collect();
    assert!(attempts.is_empty(), "{attempts:#?}");
    Ok(())
}
