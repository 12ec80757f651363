//! Steps and programs that fail, and Dockerfiles that cannot be built: exit codes 1 and 2.

use libtest_mimic::Trial;

use super::says;
use crate::support::built::expected;
use crate::support::project::Project;
use crate::support::test;

const DOCKERFILE: &str = "tests/services/jobs/Dockerfile";

/// The line of [`DOCKERFILE`] that tests replace.
const STEP: &str = "RUN sh scripts/seal.sh /out/schedule && cat /out/schedule";

pub(super) fn tests() -> Vec<Trial> {
    vec![
        test("failure: a step, with its output and its line", step),
        test(
            "failure: a step with much output, of which the end is repeated",
            step_with_much_output,
        ),
        test("failure: a failed step is not cached", not_cached),
        test("failure: a program that does not compile", compiler),
        test("failure: an instruction that does not exist", instruction),
        test("failure: a source that does not exist", missing_source),
    ]
}

fn step() {
    let project = Project::compiled();
    let failing = "RUN echo before the end; echo to standard error >&2; exit 7";
    project.replace(DOCKERFILE, STEP, failing);
    let line = project.line_of(DOCKERFILE, failing);
    let failed = project.run(&["build"]).exited(1);
    let (_, end) = failed.stderr.split_once("\nfailed: ").unwrap();
    let place = format!("--> {DOCKERFILE}:{line}\n");
    let quote = format!("{line} | {failing}\n");
    for text in [
        "worker",
        "exit code: 7",
        &place,
        &quote,
        "| before the end\n",
        "| to standard error\n",
    ] {
        assert!(end.contains(text), "`{text}` is not in\n{end}");
    }
    says(
        &failed,
        &[
            "error: cannot build worker",
            &format!("{DOCKERFILE}:{line}: "),
        ],
    );
    // The others are built, and said to be.
    for service in ["migrator", "shell", "web"] {
        assert!(
            failed.stdout.contains(&expected_digest(service)),
            "{service}\n{}",
            failed.stdout
        );
    }
    assert!(!failed.stdout.contains("worker"), "{}", failed.stdout);
    project.assert_nothing_left();
    project.verify_cache();
}

/// As the table shows it. A commit's images do not depend on changes that they are not made of.
fn expected_digest(service: &str) -> String {
    expected()[service]
        .chars()
        .take("sha256:".len() + 12)
        .collect()
}

fn step_with_much_output() {
    let project = Project::compiled();
    let failing = "RUN i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done; echo the reason; exit 1";
    project.replace(DOCKERFILE, STEP, failing);
    let failed = project.run(&["build"]).exited(1);
    let (_, end) = failed.stderr.split_once("\nfailed: ").unwrap();
    assert!(end.contains("| the reason\n"), "{end}");
    assert!(end.lines().count() < 60, "only the end is repeated");
    assert!(
        failed.stderr.contains("line 1\n"),
        "all of it was shown before"
    );
}

fn not_cached() {
    let project = Project::compiled();
    project.replace(DOCKERFILE, STEP, "RUN echo try; exit 1");
    for _ in 0..2 {
        says(&project.run(&["build"]).exited(1), &["| try\n"]);
    }
}

fn compiler() {
    let project = Project::compiled();
    let source = "tests/services/web/src/main.rs";
    project.replace(
        source,
        "fn main()",
        "fn mistake() -> u8 { \"text\" }\n\nfn main()",
    );
    let line = project.line_of(source, "fn mistake");
    let failed = project.run(&["build"]).exited(1);
    says(
        &failed,
        &[
            "error[E0308]: mismatched types",
            &format!("web/src/main.rs:{line}:"),
            "failed: web  cargo build web",
            "error: cannot build web",
            "error: cannot build migrator: web, whose image it reads, failed",
        ],
    );
    assert!(
        failed.stdout.contains(&expected_digest("shell")),
        "{}",
        failed.stdout
    );
}

fn instruction() {
    let project = Project::compiled();
    project.replace(DOCKERFILE, STEP, "RNU true");
    let line = project.line_of(DOCKERFILE, "RNU");
    let failed = project.run(&["build"]).exited(2);
    says(
        &failed,
        &[
            "RNU",
            &format!("{DOCKERFILE}:{line}:1"),
            "did you mean RUN?",
        ],
    );
}

fn missing_source() {
    let project = Project::compiled();
    project.replace(
        DOCKERFILE,
        "COPY testdata/ testdata/",
        "COPY testdat/ testdata/",
    );
    project.replace(
        DOCKERFILE,
        "scripts/migrate.sh /app/",
        "scripts/migrat.sh /app/",
    );
    let line = project.line_of(DOCKERFILE, "migrat.sh");
    let failed = project.run(&["build", "migrator"]).exited(1);
    says(
        &failed,
        &["scripts/migrat.sh", &format!("{DOCKERFILE}:{line}")],
    );
    assert!(
        !failed.stderr.contains("testdat/"),
        "stages that are not needed are not looked at"
    );
}
