//! A checkout on a disk that fills up, at every possible write of the layout, the record and what else is kept beside them. The cache
//! has a test of its own, in the engine's suite.

use std::fs;

use libtest_mimic::Trial;

use crate::support::machine::is_root;
use crate::support::program::run;
use crate::support::project::{Project, text};
use crate::support::registry::project;
use crate::support::{Skip, Verdict, test_if_possible};

/// How much more room each run has.
const STEP: usize = 8 << 10;

/// In a mount namespace of its own: builds on a small disk, makes room, and builds again.
const SCRIPT: &str = r#"
mount -t tmpfs -o size="$1" none .pipeline || exit 77
"$2" build --progress plain >"$3/out" 2>"$3/err"
echo $? >"$3/code"
mount -o remount,size=16m .pipeline
"$2" build --progress plain && cp .pipeline/release.json "$3"
"#;

pub(crate) fn tests() -> Vec<Trial> {
    vec![test_if_possible(
        "e12: a full disk under the checkout is told, and the next run finishes",
        full,
    )]
}

fn full() -> Verdict {
    let project = project("", "FROM scratch\nCOPY file /\nCOPY more /\n");
    project.sh("head -c 40000 /dev/urandom >app/file; head -c 20000 /dev/urandom >app/more; mkdir .pipeline", &[]);
    let (mut failures, mut digest) = (0, None);
    for size in (STEP..).step_by(STEP) {
        let code = on_a_disk_of(&project, size)?;
        let said = |file| fs::read_to_string(project.dir.path().join(file)).unwrap();
        let record: serde_json::Value = serde_json::from_str(&said("release.json")).unwrap();
        let built = record["services"][0]["digest"].as_str().unwrap().to_owned();
        assert_eq!(*digest.get_or_insert(built.clone()), built);
        if code == 0 {
            break;
        }
        failures += 1;
        let errors = said("err");
        assert_eq!(code, 4, "{size}: {errors}");
        assert!(
            errors.contains("No space left on device"),
            "{size}: {errors}"
        );
        assert_eq!(said("out"), "", "{size}: nothing is said to be built");
    }
    assert!(failures > 5, "{failures}");
    Ok(())
}

/// The exit code of a build whose state is on a disk of this size; after it, one with room has succeeded.
fn on_a_disk_of(project: &Project, size: usize) -> Result<i32, Skip> {
    let mut command = project.bare("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args(["--mount", "sh", "-uc", SCRIPT.trim_start(), "sh"])
        .arg(size.to_string())
        .args([env!("CARGO_BIN_EXE_pipeline"), text(project.dir.path())]);
    let outcome = run(&mut command);
    if outcome.status.code() == Some(77) {
        return Err(Skip("no small disk can be made".to_owned()));
    }
    outcome.succeeded();
    let code = fs::read_to_string(project.dir.path().join("code")).unwrap();
    Ok(code.trim().parse().unwrap())
}
