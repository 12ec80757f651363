//! Wrong use and broken catalogs: exit code 2, with the place and the nearest name.

use libtest_mimic::Trial;

use super::says;
use crate::support::project::Project;
use crate::support::test;

pub(super) fn tests() -> Vec<Trial> {
    vec![
        test(
            "failure: a key of the catalog that is misspelt",
            catalog_key,
        ),
        test("failure: a catalog that is no TOML", catalog_syntax),
        test(
            "failure: a file that the catalog names is missing",
            missing_file,
        ),
        test(
            "failure: a service, an environment, a command that do not exist",
            unknown_names,
        ),
        test("failure: no catalog, no folder", nowhere),
    ]
}

fn catalog_key() {
    let project = Project::cold();
    project.replace(
        "tests/services/web/service.toml",
        "ports = [8080]",
        "prots = [8080]",
    );
    let line = project.line_of("tests/services/web/service.toml", "prots");
    let place = format!("tests/services/web/service.toml:{line}:1");
    let failed = project.run(&["build"]).exited(2);
    says(
        &failed,
        &[
            "unknown key `prots`",
            &place,
            "prots = [8080]",
            "did you mean `ports`?",
        ],
    );
    assert_eq!(failed.stdout, "");
}

fn catalog_syntax() {
    let project = Project::cold();
    project.replace("pipeline.toml", "[project]", "[project");
    let line = project.line_of("pipeline.toml", "[project");
    says(
        &project.run(&["build"]).exited(2),
        &["invalid TOML", &format!("pipeline.toml:{line}:")],
    );
}

fn missing_file() {
    let project = Project::cold();
    let file = "tests/services/worker/service.toml";
    project.replace(file, "../jobs/Dockerfile", "../jobs/Dockerfil");
    let line = project.line_of(file, "Dockerfil");
    says(
        &project.run(&["build"]).exited(2),
        &["Dockerfil", &format!("{file}:{line}:")],
    );
}

fn unknown_names() {
    let project = Project::cold();
    let said = |arguments: &[&str], texts: &[&str]| says(&project.run(arguments).exited(2), texts);
    said(&["build", "wbe"], &["`wbe`", "`web`"]);
    said(&["test", "wroker"], &["`wroker`", "`worker`"]);
    said(
        &["build", "--env", "prodution"],
        &["`prodution`", "production"],
    );
    said(&["bulid"], &["bulid", "build"]);
    said(&["build", "--ouput", "json"], &["--ouput", "--output"]);
    said(&["build", "--platform", "linux/armm64"], &["linux/armm64"]);
    said(&["build", "-j0"], &["0"]);
}

fn nowhere() {
    let project = Project::cold();
    let outside = project.run(&["-C", "/", "build"]).exited(2);
    says(&outside, &["no pipeline.toml", "hint: "]);
    says(
        &project.run(&["-C", "nowhere", "build"]).exited(2),
        &["nowhere is not a folder"],
    );
}
