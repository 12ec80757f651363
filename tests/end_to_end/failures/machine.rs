//! What the machine lacks: exit codes 3 and 4, or a warning.

use std::process::Command;

use libtest_mimic::Trial;

use super::says;
use crate::support::built::{built, expected};
use crate::support::machine::{can, needs_root, tool};
use crate::support::program::run;
use crate::support::project::Project;
use crate::support::{Verdict, test, test_if_possible};

pub(super) fn tests() -> Vec<Trial> {
    vec![
        test("failure: no toolchain", no_toolchain),
        test_if_possible("failure: a machine without namespaces", no_namespaces),
        test_if_possible("e12: a full disk", full_disk),
        test("no failure: a checkout without git", without_git),
    ]
}

fn no_toolchain() {
    let project = Project::cold();
    let empty = project.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut command = project.command(&["build", "shell"]);
    let failed = run(command.env("PATH", &empty).env_remove("RUSTUP_HOME")).exited(3);
    says(&failed, &["cargo"]);
}

/// Root of a user namespace that lets nobody make more.
fn no_namespaces() -> Verdict {
    let limits = "for kind in user mnt; do echo 0 >/proc/sys/user/max_${kind}_namespaces; done";
    let arguments = ["--user", "--map-root-user", "sh", "-euc"];
    let unshare = || -> Result<_, _> { Ok(Command::new(tool("unshare")?)) };
    can("limit namespaces", unshare()?.args(arguments).arg(limits))?;
    let project = Project::compiled();
    let limited = |command: &str| {
        let mut unshare = project.bare("unshare");
        unshare
            .args(arguments)
            .arg(format!("{limits}; exec \"$0\" {command}"));
        run(unshare.arg(env!("CARGO_BIN_EXE_pipeline"))).exited(3)
    };
    says(
        &limited("build"),
        &["this machine cannot build images", "doctor"],
    );
    let doctor = limited("doctor");
    assert!(doctor.stdout.contains("MISSING"), "{}", doctor.stdout);
    Ok(())
}

/// E12: the cache is on a disk that is full before the build is done; afterwards it is whole, and more room is enough.
fn full_disk() -> Verdict {
    needs_root()?;
    let mount = ["--mount", "--propagation", "private", "sh", "-euc"];
    can(
        "mount",
        Command::new(tool("unshare")?)
            .args(mount)
            .arg("mount -t tmpfs e2e /mnt"),
    )?;
    let project = Project::compiled();
    let script = "mount -t tmpfs -o size=1500k e2e \"$XDG_CACHE_HOME\"
        code=0; \"$1\" build || code=$?
        mount -o remount,size=100m \"$XDG_CACHE_HOME\"
        \"$1\" cache verify >&2
        \"$1\" build --output json
        exit $code";
    let mut command = project.bare("unshare");
    command
        .args(mount)
        .args([script, "sh", env!("CARGO_BIN_EXE_pipeline")]);
    let failed = run(&mut command).exited(4);
    says(&failed, &["No space left on device"]);
    for digest in expected().values() {
        assert!(failed.stdout.contains(digest), "{}", failed.stdout);
    }
    Ok(())
}

/// Images then carry the zero commit, and a warning says so.
fn without_git() {
    let project = Project::compiled();
    project.sh("rm -r .git", &[]);
    let built_without = project.run(&["build"]).succeeded();
    says(&built_without, &["NoCommit"]);
    let record = project.record();
    assert_eq!(record["source"]["commit"], "0".repeat(40));
    assert_eq!(record["source"]["dirty"], false);
    // It has no commit in its environment, and time is the same everywhere.
    assert_ne!(project.layers("shell"), Vec::<String>::new());
    assert_eq!(project.layers("shell"), built().layers("shell"));
}
