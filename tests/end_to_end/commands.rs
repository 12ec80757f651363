//! The commands around building: `doctor`, `cache`, `completions`, `schema`, and the example stage of this repository.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::support::built::expected;
use crate::support::machine::tool;
use crate::support::program::run;
use crate::support::project::Project;
use crate::support::{Verdict, test, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("doctor: a machine that builds misses nothing", doctor),
        test(
            "cache: its size, and what pruning leaves of it",
            size_and_prune,
        ),
        test("c4: damage is found, repaired, and built again", damage),
        test(
            "cache: PIPELINE_CACHE_DIR says where, PIPELINE_CACHE_LIMIT how much",
            variables,
        ),
        test("completions: know the commands", completions),
        test_if_possible("completions: shells accept them", completions_are_accepted),
        test("schema: describes what catalogs may say", schema),
        test("a stage of the project: lists files of an image", stage),
        test("version", version),
    ]
}

fn doctor() {
    let project = Project::cold();
    let said = project.run(&["doctor"]).succeeded();
    assert!(said.stdout.starts_with("CHECK"), "{}", said.stdout);
    let json = project.run(&["doctor", "--output", "json"]).succeeded();
    let checks: Value = serde_json::from_str(&json.stdout).unwrap();
    for check in checks.as_array().unwrap() {
        assert_ne!(check["status"], "missing", "{check}");
        let is_explained = check["status"] == "ok" || check["fix"].is_string();
        assert!(is_explained, "{check}");
        assert!(said.stdout.contains(check["name"].as_str().unwrap()));
    }
}

fn size(project: &Project) -> u64 {
    let said = project
        .run(&["cache", "size", "--output", "json"])
        .succeeded();
    let size: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        size["path"],
        project.cache.join("pipeline").to_str().unwrap()
    );
    size["total"]["bytes"].as_u64().unwrap()
}

fn size_and_prune() {
    let project = Project::compiled();
    assert_eq!(size(&project), 0);
    project.build();
    let all = size(&project);
    assert!(all > 1_000_000, "{all}");
    let nothing = project.run(&["cache", "prune"]).succeeded();
    assert!(
        nothing.stdout.starts_with("nothing to delete"),
        "{}",
        nothing.stdout
    );
    project
        .run(&["cache", "prune", "--max-size", "3MB"])
        .succeeded();
    let some = size(&project);
    assert!(0 < some && some <= 3_000_000, "{some}");
    assert_eq!(project.build(), *expected());
    project.verify_cache();
    project
        .run(&["cache", "prune", "--older-than", "1h"])
        .succeeded();
    assert_eq!(size(&project), all, "all of it was used just now");
    project.run(&["cache", "prune", "--all"]).succeeded();
    assert_eq!(size(&project), 0);
}

/// One entry of each kind: cut short, changed, gone.
fn damage() {
    let project = Project::compiled();
    project.build();
    let script = "cd \"$XDG_CACHE_HOME\"/pipeline
        blob=$(find blobs -type f | sort | head -n 1); chmod u+w \"$blob\"; printf x | dd of=\"$blob\" conv=notrunc 2>/dev/null
        program=$(find layers -name shell -type f | sort | head -n 1); chmod u+w \"$program\"; printf x >>\"$program\"
        for result in $(find results -type f | sort | head -n 3); do chmod u+w \"$result\"; : >\"$result\"; done
        rm -r \"$(find layers -mindepth 1 -maxdepth 1 | sort | tail -n 1)\"";
    project.sh(script, &[]);
    let found = project.run(&["cache", "verify"]).exited(1);
    assert!(
        found.stderr.contains("cache verify --repair"),
        "{}",
        found.stderr
    );
    for kind in ["blobs/", "layers/", "results/"] {
        assert!(found.stdout.contains(kind), "{kind}\n{}", found.stdout);
    }
    project.run(&["cache", "verify", "--repair"]).succeeded();
    project.verify_cache();
    project.sh("rm -r .pipeline/oci", &[]);
    assert_eq!(project.build(), *expected());
    project.verify_cache();
}

fn variables() {
    let project = Project::compiled();
    let elsewhere = project.dir.path().join("elsewhere");
    let mut command = project.command(&["build"]);
    command
        .env("PIPELINE_CACHE_DIR", &elsewhere)
        .env("PIPELINE_CACHE_LIMIT", "2MB");
    for _ in 0..2 {
        run(&mut command).succeeded();
    }
    assert!(elsewhere.join("layers").is_dir());
    assert_eq!(fs::read_dir(&project.cache).unwrap().count(), 0);
    let mut size = project.command(&["cache", "size", "--output", "json"]);
    let size = run(size.env("PIPELINE_CACHE_DIR", &elsewhere)).succeeded();
    let size: Value = serde_json::from_str(&size.stdout).unwrap();
    assert!(
        size["total"]["bytes"].as_u64().unwrap() <= 2_000_000,
        "{size}"
    );
    let mut wrong = project.command(&["build"]);
    let wrong = run(wrong.env("PIPELINE_CACHE_LIMIT", "much")).exited(2);
    assert!(
        wrong.stderr.contains("PIPELINE_CACHE_LIMIT"),
        "{}",
        wrong.stderr
    );
}

fn completions() {
    let project = Project::cold();
    for shell in ["bash", "zsh", "fish"] {
        let script = project.run(&["completions", shell]).succeeded().stdout;
        for word in ["pipeline", "doctor", "prune", "max-size", "files"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}

fn completions_are_accepted() -> Verdict {
    let project = Project::cold();
    let mut accepted = 0;
    for shell in ["bash", "zsh", "fish"] {
        let Ok(program) = tool(shell) else {
            continue;
        };
        let script = project.dir.path().join(shell);
        fs::write(
            &script,
            project.run(&["completions", shell]).succeeded().stdout,
        )
        .unwrap();
        run(project
            .bare(program.to_str().unwrap())
            .arg("-n")
            .arg(&script))
        .succeeded();
        accepted += 1;
    }
    if accepted == 0 {
        return Err(crate::support::Skip(
            "none of bash, zsh and fish is installed".into(),
        ));
    }
    Ok(())
}

fn schema() {
    let project = Project::cold();
    for (file, key) in [("pipeline", "environments"), ("service", "builder")] {
        let said = project.run(&["schema", file]).succeeded();
        let schema: Value = serde_json::from_str(&said.stdout).unwrap();
        assert!(
            schema["properties"][key]["description"].is_string()
                || schema["properties"][key].is_object()
        );
        assert_eq!(
            schema["additionalProperties"], false,
            "unknown keys are errors for editors too"
        );
    }
}

fn stage() {
    let project = Project::compiled();
    let files = |arguments: &[&str]| project.run(arguments).succeeded().stdout;
    assert_eq!(files(&["files", "shell"]), "app/\netc/\ntmp/\n");
    assert_eq!(
        files(&["files", "worker", "/etc/jobs"]),
        "README\nschedule\n"
    );
    let unknown = project.run(&["files", "wrker"]).exited(2);
    assert!(unknown.stderr.contains("`worker`"), "{}", unknown.stderr);
}

fn version() {
    let project = Project::cold();
    let said = project.run(&["--version"]).succeeded();
    assert!(said.stdout.starts_with("pipeline "), "{}", said.stdout);
}
