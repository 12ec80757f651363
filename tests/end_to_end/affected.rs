//! `affected` and `--affected`: on real repositories, with the samples.

use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::support::images::json as parse;
use crate::support::program::run;
use crate::support::project::Project;
use crate::support::test;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "affected: a file of a service touches it and those that read its image",
            files,
        ),
        test("affected: a branch is compared with where it began", branch),
        test(
            "affected: a lock file touches the services whose packages differ",
            lock_file,
        ),
        test(
            "affected: `--affected` builds, plans and tests just these",
            stages,
        ),
        test("affected: a list of files on standard input", listed),
    ]
}

#[track_caller]
fn names(project: &Project, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["affected", "--output", "names"], arguments].concat();
    let answer = project.run(&arguments).succeeded();
    answer.stdout.lines().map(str::to_owned).collect()
}

fn commit(project: &Project, message: &str) {
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message", message]);
}

fn files() {
    let project = Project::cold();
    assert_eq!(names(&project, &[]), [""; 0]);
    for (path, services) in [
        (
            "tests/services/jobs/jobs/new.job",
            &["migrator", "web", "worker"][..],
        ),
        (
            // The checks of the worker read it, too.
            "tests/services/jobs/migrations/9999-new.sql",
            &["migrator", "web", "worker"],
        ),
        (
            "tests/services/web/src/new.rs",
            &["migrator", "web", "worker"],
        ),
        (
            "tests/services/sha256/src/new.rs",
            &["migrator", "shell", "web", "worker"],
        ),
        ("tests/services/jobs/unread/x", &[]),
        ("docs/guide.md", &[]),
    ] {
        project.write(path, "new");
        let found = names(&project, &[]);
        assert_eq!(found, services, "{path}");
        std::fs::remove_file(project.root.join(path)).unwrap();
    }
    project.write("tests/services/jobs/migrations/9999-new.sql", "new");
    let told = project.run(&["affected"]).succeeded();
    let reason = "migrator\n  tests/services/jobs/migrations/9999-new.sql (shared)\n";
    assert!(told.stdout.contains(reason), "{}", told.stdout);
    assert!(
        told.stdout.contains("1 file changed since origin/main ("),
        "{}",
        told.stdout
    );
}

fn branch() {
    let project = Project::cold();
    project.git(&["switch", "--quiet", "--create", "work"]);
    project.write("tests/services/jobs/migrations/9999-new.sql", "new");
    commit(&project, "a migration");
    assert_eq!(names(&project, &[]), ["migrator", "web", "worker"]);
    assert_eq!(names(&project, &["--since", "HEAD"]), [""; 0]);
    let document = project
        .run(&["affected", "--since=main", "--output=json"])
        .succeeded();
    let document: Value = parse(document.stdout.as_bytes());
    assert_eq!(document["since"]["reference"], "main");
    assert_eq!(document["files"], 1);
    assert_eq!(document["services"][1]["reasons"][0]["kind"], "coupled");
    let unknown = project.run(&["affected", "--since", "mian"]).exited(2);
    assert!(
        unknown.stderr.contains("git knows no commit `mian`"),
        "{}",
        unknown.stderr
    );
    // Merged as one commit meanwhile.
    project.git(&["switch", "--quiet", "main"]);
    project.git(&["merge", "--quiet", "--squash", "work"]);
    commit(&project, "a migration (#1)");
    project.git(&["switch", "--quiet", "work"]);
    assert_eq!(names(&project, &["--since", "main"]), [""; 0]);
}

fn lock_file() {
    let project = Project::cold();
    let lock = "tests/services/Cargo.lock";
    project.replace(
        lock,
        "name = \"shell\"\nversion = \"0.1.0\"",
        "name = \"shell\"\nversion = \"0.1.1\"",
    );
    assert_eq!(names(&project, &[]), ["migrator", "shell", "web", "worker"]);
    let told = project.run(&["affected"]).succeeded();
    assert!(
        told.stdout
            .contains("shell\n  tests/services/Cargo.lock (lock file)\n"),
        "{}",
        told.stdout
    );
    assert!(
        !told.stdout.contains("web\n  tests/services/Cargo.lock"),
        "{}",
        told.stdout
    );
}

fn stages() {
    let project = Project::compiled();
    for command in ["build", "plan", "test"] {
        let nothing = project.run(&[command, "--affected"]).succeeded();
        assert_eq!(
            nothing.stdout, "nothing to do: no service is affected\n",
            "{command}"
        );
    }
    project.write(
        "tests/services/jobs/migrations/9999-new.sql",
        "-- nothing\n",
    );
    let built = project.run(&["build", "--affected=main"]).succeeded();
    let rows: Vec<&str> = built
        .stdout
        .lines()
        .filter_map(|row| row.split(' ').next())
        .collect();
    assert_eq!(
        rows,
        ["SERVICE", "migrator", "web", "worker"],
        "{}",
        built.stdout
    );
    let named = project
        .run(&["plan", "shell", "--affected", "--output", "json"])
        .succeeded();
    assert_eq!(
        parse(named.stdout.as_bytes())["services"],
        Value::Array(Vec::new())
    );
}

fn listed() {
    let project = Project::cold();
    let mut shell: Command = project.bare("sh");
    let script = "printf 'tests/services/jobs/migrations/a.sql\\nREADME.md\\n' | \"$1\" affected --files - --output names";
    let outcome =
        run(shell.args(["-euc", script, "sh", env!("CARGO_BIN_EXE_pipeline")])).succeeded();
    assert_eq!(outcome.stdout, "migrator\nweb\nworker\n");
    project.write("list", "pipeline.toml");
    assert_eq!(names(&project, &["--files", "list"]).len(), 5);
}
