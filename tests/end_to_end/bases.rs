//! Base images from a registry: what is built on, what is recorded, and what `pipeline.lock` holds still while tags move.

use std::fs;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use test_support::base::Base;
use test_support::registry::{Registry, Wants};

use crate::support::images::json as parse;
use crate::support::program::Outcome;
use crate::support::project::Project;
use crate::support::registry::{plain, project, push, registry};
use crate::support::{Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "bases: a tag is built on as it is, recorded, and said not to be pinned",
            unpinned,
        ),
        test_if_possible(
            "bases: what is locked stays while the tag moves, and the plan tells",
            locked,
        ),
        test_if_possible(
            "bases: `lock --check` writes nothing and fails for what moved",
            checked,
        ),
        test_if_possible(
            "bases: `--locked` refuses what does not fit before anything runs",
            refused,
        ),
        test_if_possible(
            "bases: names of images come from FROM, COPY, RUN and contexts",
            every_name,
        ),
        test_if_possible(
            "bases: `lock SERVICE` leaves the entries of others",
            one_service,
        ),
        test_if_possible(
            "bases: a broken lock file stops builds, and is written anew",
            broken_lock,
        ),
        test_if_possible("bases: offline with a warm cache, locked or not", offline),
    ]
}

/// A registry with `library/base:1`, its digest, and a project on it, as Docker Hub's `base:1`.
fn with_base(dockerfile: &str) -> Result<(Registry, String, Project), crate::support::Skip> {
    let registry = registry(&Wants::default())?;
    let digest = push(&registry, Base::Busybox, "library/base:1")?;
    let hub = format!(
        "[registries.\"docker.io\"]\nmirrors = [\"{}\"]\n",
        registry.host
    );
    let project = project(&format!("{hub}{}", plain(&registry)), dockerfile);
    Ok((registry, digest, project))
}

/// The lock file's entries.
fn entries(project: &Project) -> Vec<(String, String)> {
    let text = fs::read_to_string(project.root.join("pipeline.lock")).unwrap();
    let lock: toml::Value = toml::from_str(&text).unwrap();
    let images = lock.get("image").and_then(toml::Value::as_array).cloned();
    let text = |image: &toml::Value, key: &str| image[key].as_str().unwrap().to_owned();
    let images = images.unwrap_or_default();
    images
        .iter()
        .map(|image| (text(image, "reference"), text(image, "digest")))
        .collect()
}

fn steps(outcome: &Outcome) -> usize {
    outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("app  "))
        .count()
}

const BASE: &str = "docker.io/library/base:1";

fn unpinned() -> Verdict {
    let (_registry, digest, project) =
        with_base("FROM base:1 AS base\nRUN cp /etc/group /seen\nFROM base\nCOPY file /\n")?;
    let built = project.run(&["build"]).succeeded();
    assert_eq!(project.bases(), [(BASE.into(), digest)]);
    assert_eq!(
        built.stderr.matches("UnpinnedBases").count(),
        1,
        "{}",
        built.stderr
    );
    assert!(
        built.stderr.contains("base:1; the `lock` command pins"),
        "{}",
        built.stderr
    );
    project.run(&["lock"]).succeeded();
    let before = project.record();
    let built = project.run(&["build"]).succeeded();
    assert!(!built.stderr.contains("UnpinnedBases"), "{}", built.stderr);
    assert_eq!(
        project.record()["services"],
        before["services"],
        "the same base is the same image"
    );
    Ok(())
}

fn locked() -> Verdict {
    let (registry, first, project) = with_base("FROM base:1\nCOPY file /\n")?;
    let lock = project.run(&["lock"]).succeeded();
    assert!(lock.stdout.contains("base:1  "), "{}", lock.stdout);
    assert_eq!(entries(&project), [(BASE.into(), first.clone())]);
    project.run(&["build"]).succeeded();
    let image = project.record()["services"][0]["digest"].clone();

    let second = push(&registry, Base::Full, "library/base:1")?;
    assert_ne!(first, second);
    project.forget();
    project.run(&["build"]).succeeded();
    assert_eq!(project.bases(), [(BASE.into(), first.clone())]);
    assert_eq!(project.record()["services"][0]["digest"], image);

    let planned = project.run(&["plan"]).succeeded();
    let moved =
        |from: &str, to: &str| format!("base:1 moved {} -> {} since ", &from[..19], &to[..19]);
    let since_lock = moved(&first, &second) + "it was locked";
    assert!(planned.stdout.contains(&since_lock), "{}", planned.stdout);
    let relocked = project.run(&["lock", "--output", "json"]).succeeded();
    let change: Value = parse(relocked.stdout.as_bytes());
    assert_eq!(
        change["images"][0],
        json!({"reference": BASE, "digest": second, "change": "moved", "from": first})
    );
    assert_eq!(change["written"], true);
    let planned = project.run(&["plan", "--offline"]).succeeded();
    let since_build = moved(&first, &second) + "the last build";
    assert!(planned.stdout.contains(&since_build), "{}", planned.stdout);
    let planned = project.run(&["plan", "--output", "json"]).succeeded();
    let base = parse(planned.stdout.as_bytes())["bases"][0].clone();
    assert_eq!(base["pinned"], "locked");
    assert_eq!(
        (&base["digest"], &base["registry"]),
        (&json!(second), &json!(second))
    );
    assert_eq!(base["lastBuild"], json!([first]));

    project.run(&["build", "--locked"]).succeeded();
    assert_eq!(project.bases(), [(BASE.into(), second)]);
    assert_ne!(project.record()["services"][0]["digest"], image);
    assert_eq!(
        project.config("app")["config"]["Labels"]["org.example.base"],
        "yes"
    );
    Ok(())
}

fn checked() -> Verdict {
    let (registry, _, project) = with_base("FROM base:1\nCOPY file /\n")?;
    project.run(&["lock", "--check"]).exited(1);
    assert!(!project.root.join("pipeline.lock").exists());
    project.run(&["lock"]).succeeded();
    let written = fs::metadata(project.root.join("pipeline.lock")).unwrap();
    let same = project.run(&["lock"]).succeeded();
    assert!(same.stdout.contains("is up to date"), "{}", same.stdout);
    let after = fs::metadata(project.root.join("pipeline.lock")).unwrap();
    assert_eq!(
        written.modified().unwrap(),
        after.modified().unwrap(),
        "not written again"
    );
    project.run(&["lock", "--check"]).succeeded();

    push(&registry, Base::Full, "library/base:1")?;
    let before = entries(&project);
    let moved = project.run(&["lock", "--check"]).exited(1);
    assert!(moved.stdout.contains("moved from"), "{}", moved.stdout);
    assert!(moved.stderr.contains("1 image changed"), "{}", moved.stderr);
    assert_eq!(entries(&project), before);
    Ok(())
}

fn refused() -> Verdict {
    let (registry, ..) = with_base("FROM scratch\n")?;
    let base = registry.reference("library/base:1");
    let project = project(&plain(&registry), &format!("FROM {base}\nCOPY file /\n"));
    for command in ["build", "test"] {
        let refused = project.run(&[command, "--locked"]).exited(2);
        let missing = format!("{base} is used, but not locked");
        assert!(refused.stderr.contains(&missing), "{}", refused.stderr);
        assert_eq!(steps(&refused), 0, "{}", refused.stderr);
    }
    project.run(&["lock"]).succeeded();
    project.run(&["build", "--locked"]).succeeded();
    project.run(&["test", "--locked"]).succeeded();

    push(&registry, Base::Full, "library/other:1")?;
    project.replace("app/Dockerfile", "library/base:1", "library/other:1");
    let refused = project.run(&["build", "--locked"]).exited(2);
    for line in [
        format!(
            "{} is used, but not locked",
            registry.reference("library/other:1")
        ),
        format!("{base} is locked, but not used"),
    ] {
        assert!(refused.stderr.contains(&line), "{line}: {}", refused.stderr);
    }
    // A digest in the Dockerfile is lock enough.
    let digest = push(&registry, Base::Full, "library/other:1")?;
    project.replace("app/Dockerfile", "other:1", &format!("other@{digest}"));
    project.run(&["lock"]).succeeded();
    assert_eq!(entries(&project), []);
    project.run(&["build", "--locked"]).succeeded();
    assert_eq!(
        project.bases(),
        [(registry.reference("library/other"), digest)]
    );
    Ok(())
}

fn every_name() -> Verdict {
    let (registry, digest, project) = with_base(
        "ARG VERSION=none\n\
         FROM base:${VERSION} AS base\n\
         RUN --mount=from=base:2,target=/mnt cat /mnt/etc/passwd > /copied\n\
         FROM start\n\
         COPY --from=base /copied /copied\n\
         COPY --from=docker.io/library/base:3 /etc/group /group\n\
         FROM base:unused\n",
    )?;
    for tag in ["2", "3", "4"] {
        push(&registry, Base::Busybox, &format!("library/base:{tag}"))?;
    }
    project.write(
        "app/service.toml",
        "builder = \"dockerfile\"\n[dockerfile]\ntarget = \"1\"\nargs = { VERSION = \"1\" }\n[dockerfile.contexts]\nstart = \"image:base:4\"\n",
    );
    project.run(&["lock"]).succeeded();
    let tags = ["1", "2", "3", "4"];
    let expected: Vec<_> = tags
        .map(|tag| (format!("docker.io/library/base:{tag}"), digest.clone()))
        .into();
    assert_eq!(entries(&project), expected);
    // Now only what is locked is what it was.
    for tag in tags {
        push(&registry, Base::Full, &format!("library/base:{tag}"))?;
    }
    project.run(&["build", "--locked"]).succeeded();
    assert_eq!(project.bases(), expected);
    let labels = &project.config("app")["config"]["Labels"];
    assert_eq!(labels["org.example.base"], Value::Null);
    Ok(())
}

fn one_service() -> Verdict {
    let (registry, first, project) = with_base("FROM base:1\n")?;
    push(&registry, Base::Busybox, "library/other:1")?;
    project.replace("pipeline.toml", "[\"app\"]", "[\"app\", \"other\"]");
    project.write("other/service.toml", "builder = \"dockerfile\"\n");
    project.write("other/Dockerfile", "FROM other:1\n");
    project.run(&["lock"]).succeeded();
    let second = push(&registry, Base::Full, "library/base:1")?;
    push(&registry, Base::Full, "library/other:1")?;
    project.run(&["lock", "app"]).succeeded();
    let other = "docker.io/library/other:1";
    assert_eq!(
        entries(&project),
        [(BASE.into(), second), (other.into(), first)]
    );
    project.replace("other/Dockerfile", "other:1", "base:1");
    project.run(&["lock", "app"]).succeeded();
    let base = |(reference, _): &(String, String)| reference == BASE;
    assert!(entries(&project).iter().all(base), "nobody uses the other");
    let unknown = project.run(&["lock", "ap"]).exited(2);
    assert!(
        unknown.stderr.contains("did you mean `app`?"),
        "{}",
        unknown.stderr
    );
    Ok(())
}

fn broken_lock() -> Verdict {
    let (_registry, digest, project) = with_base("FROM base:1\n")?;
    project.write("pipeline.lock", "version = 1\n<<<<<<< HEAD\n");
    for arguments in [
        &["build"][..],
        &["plan"],
        &["lock", "--check"],
        &["lock", "app"],
    ] {
        let broken = project.run(arguments).exited(2);
        assert!(
            broken.stderr.contains("pipeline.lock:2:"),
            "{}",
            broken.stderr
        );
    }
    project.run(&["lock"]).succeeded();
    assert_eq!(entries(&project), [(BASE.into(), digest)]);
    Ok(())
}

fn offline() -> Verdict {
    let mut registry = registry(&Wants::default())?;
    let base = registry.reference("base:1");
    let digest = push(&registry, Base::Busybox, "base:1")?;
    let project = project(
        &plain(&registry),
        &format!("FROM {base}\nRUN cp /etc/passwd /seen\nCOPY file /\n"),
    );
    project.run(&["build"]).succeeded();
    project.run(&["lock"]).succeeded();
    project.run(&["build"]).succeeded();
    registry.stop();

    project.write("app/file", "changed");
    let built = project
        .run(&["build", "--locked", "--no-cache"])
        .succeeded();
    assert!(
        !built.stderr.contains("RegistryUnreachable"),
        "{}",
        built.stderr
    );
    project.sh("rm pipeline.lock", &[]);
    project.write("app/file", "changed again");
    let built = project.run(&["build"]).succeeded();
    assert!(
        built.stderr.contains("RegistryUnreachable"),
        "{}",
        built.stderr
    );
    assert_eq!(project.bases(), [(base, digest)]);
    Ok(())
}
