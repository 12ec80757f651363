//! Same inputs, same digests: whatever the cache holds, and wherever, by whom and in which environment it is built.
//!
//! Every variant but those about the cache compiles the sample programs too.

use std::process::Command;

use libtest_mimic::Trial;

use crate::support::built::{Digests, digests, expected};
use crate::support::program::run;
use crate::support::project::Project;
use crate::support::template::COMMIT_TIME;
use crate::support::user::User;
use crate::support::{Verdict, test, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "same digest: twice, and after each kind of cache is gone",
            caches,
        ),
        test("same digest: in another folder", another_folder),
        test(
            "same digest: under a umask that denies, one job at a time",
            strict_umask,
        ),
        test(
            "same digest: under a umask that grants, eight jobs at a time",
            lax_umask,
        ),
        test(
            "same digest: in another locale, time zone and home, with the time given",
            environment,
        ),
        test(
            "same digest: a time that is not the commit's is another image",
            other_time,
        ),
        test("same digest: from any folder of the checkout", from_below),
        test_if_possible("same digest: for an unprivileged user", unprivileged),
        test_if_possible("same digest: for a user with subordinate ids", subordinate),
        test(
            "same digest: with a single id, for whoever tests",
            single_id,
        ),
    ]
}

/// C2: filling the cache and using it give the same.
fn caches() {
    let project = Project::cold();
    let again = |how: &str| assert_eq!(project.build(), *expected(), "{how}");
    again("nothing cached");
    again("everything cached");
    project.run(&["cache", "prune", "--all"]).succeeded();
    again("an emptied cache");
    project.sh("rm -r .pipeline/oci .pipeline/release.json", &[]);
    again("an emptied layout");
    project.sh("rm -r .pipeline", &[]);
    again("an emptied state folder");
    assert_eq!(
        project.build_with(&["--no-cache"]),
        *expected(),
        "--no-cache"
    );
}

fn another_folder() {
    let project = Project::in_folder("a folder, déjà vu");
    assert_eq!(project.build(), *expected());
}

fn strict_umask() {
    let project = Project::cold();
    project.sh("chmod -R go= .", &[]);
    assert_eq!(under_umask(&project, "077", "-j1"), *expected());
    project.verify_cache();
}

fn lax_umask() {
    let project = Project::cold();
    project.sh("chmod -R g+w .", &[]);
    assert_eq!(under_umask(&project, "002", "-j8"), *expected());
}

fn under_umask(project: &Project, umask: &str, jobs: &str) -> Digests {
    let mut command = project.bare("sh");
    command
        .args(["-euc", "umask \"$1\"; shift; exec \"$@\"", "sh", umask])
        .arg(env!("CARGO_BIN_EXE_pipeline"))
        .args(["build", "--output", "json", jobs]);
    digests(&run(&mut command))
}

fn environment() {
    let project = Project::cold();
    let variables = [
        ("HOME", "/nowhere"),
        ("USER", "somebody"),
        ("LOGNAME", "somebody"),
        ("TZ", "Pacific/Kiritimati"),
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("CDPATH", "/"),
        ("POSIXLY_CORRECT", "1"),
        ("RUSTFLAGS", "-C debuginfo=2"),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
        ("GIT_DIR", "/nowhere"),
    ];
    let mut command = project.command(&["build", "--output", "json"]);
    command.envs(variables);
    command.env("SOURCE_DATE_EPOCH", COMMIT_TIME.to_string());
    assert_eq!(digests(&run(&mut command)), *expected());
}

fn other_time() {
    let project = Project::compiled();
    let mut command = project.command(&["build", "--output", "json"]);
    command.env("SOURCE_DATE_EPOCH", (COMMIT_TIME + 1).to_string());
    let later = digests(&run(&mut command));
    for (service, digest) in expected() {
        assert_ne!(later[service], *digest, "{service}");
    }
}

fn from_below() {
    let project = Project::compiled();
    let mut below = project.command(&["build", "--output", "json"]);
    below.current_dir(project.root.join("tests/services/web/src"));
    assert_eq!(digests(&run(&mut below)), *expected());
    let mut outside = project.command(&["-C"]);
    outside
        .arg(&project.root)
        .args(["build", "--output", "json"])
        .current_dir("/");
    assert_eq!(digests(&run(&mut outside)), *expected());
}

fn unprivileged() -> Verdict {
    for_user(&User::nobody()?)
}

fn subordinate() -> Verdict {
    for_user(&User::with_subordinate_ids()?)
}

fn for_user(user: &User) -> Verdict {
    let project = Project::cold();
    user.own(&project)?;
    let run_as = |arguments: &[&str]| run(&mut user.command(&project, arguments));
    assert_eq!(
        digests(&run_as(&["build", "--output", "json"])),
        *expected()
    );
    let verified = run_as(&["cache", "verify"]).succeeded();
    assert!(
        verified.stdout.ends_with(": all whole\n"),
        "{}",
        verified.stdout
    );
    run_as(&["cache", "prune", "--all"]).succeeded();
    project.assert_nothing_left();
    Ok(())
}

fn single_id() {
    let project = Project::compiled();
    let mut command: Command = project.command(&["build", "--output", "json"]);
    command.env("PIPELINE_PRIVILEGE", "single");
    assert_eq!(digests(&run(&mut command)), *expected());
}
