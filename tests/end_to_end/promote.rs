//! `promote`: what was pushed is what the deployments repository pins, a release unit at a time, however often it is tried.

use libtest_mimic::Trial;
use serde_json::Value;
use test_support::registry::Wants;
use test_support::sigstore::{Logs, Sigstore};

use crate::help::examples_work;
use crate::support::deployments::{overlay, shop};
use crate::support::machine::tool;
use crate::support::program;
use crate::support::project::Project;
use crate::support::registry::registry;
use crate::support::{Skip, Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "promote: what was pushed is pinned, exactly and once",
            pinned,
        ),
        test_if_possible(
            "promote: a dry run tells everything and changes nothing",
            dry_run,
        ),
        test_if_possible("promote: what was not pushed is refused", not_pushed),
        test_if_possible(
            "p5: promote: an older commit is refused unless forced",
            stale,
        ),
        test_if_possible(
            "promote: another environment's digests, and nothing but these",
            between,
        ),
        test_if_possible(
            "promote: what an environment is to run first is refused before",
            policy,
        ),
        test_if_possible("promote: an image that is gone is refused", gone),
        test_if_possible(
            "promote: an image that is not signed is refused where signatures count",
            unsigned,
        ),
        test_if_possible(
            "promote: places get the environment's own tag, and never one that moves",
            tags,
        ),
        test_if_possible(
            "c6: a promotion that was killed is finished by the next, once",
            killed,
        ),
        test_if_possible("p4: promotions at once all land", at_once),
        test_if_possible("help: every example of promotion works", examples),
    ]
}

fn json(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let mut all = arguments.to_vec();
    all.extend(["--output", "json"]);
    let printed = project.run(&all).succeeded().stdout;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    printed["changes"].as_array().unwrap().clone()
}

fn pinned() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let digests = project.release();
    let before = deployments.file(&overlay("staging", "web"));
    let changes = json(&project, &["promote", "--env", "staging"]);
    assert_eq!(changes.len(), 2, "{changes:?}");
    for change in &changes {
        assert_eq!(change["outcome"], "committed", "{change}");
    }
    for (service, digest) in &digests {
        assert_eq!(deployments.pin("staging", service).as_ref(), Some(digest));
    }
    // One line, and nothing else.
    let expected = before.replace("newTag: v0", &format!("digest: {}", digests["web"]));
    assert_eq!(deployments.file(&overlay("staging", "web")), expected);
    assert!(
        deployments
            .file(&overlay("production", "web"))
            .contains("newTag: v0")
    );
    // The site and its migrator in one commit.
    let touched = deployments.git(&["log", "--format=", "--name-only", "-1", "main~1"]);
    let unit = [overlay("staging", "web"), overlay("staging", "migrator")];
    assert!(
        unit.iter().all(|it| touched.contains(it.as_str())),
        "{touched}"
    );
    assert!(
        !touched.contains(&overlay("staging", "worker")),
        "{touched}"
    );
    let commits = deployments.commits();
    let again = project.run(&["promote", "--env", "staging"]).succeeded();
    assert_eq!(
        again.stdout.matches("was there").count(),
        2,
        "{}",
        again.stdout
    );
    assert_eq!(deployments.commits(), commits);
    Ok(())
}

fn dry_run() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let old = project.release();
    project.run(&["promote", "--env", "staging"]).succeeded();
    let new = project.release_next("fix: @everyone closes #1 [skip ci]");
    let head = deployments.git(&["rev-parse", "main"]);
    let planned = project
        .run(&["promote", "web", "--env", "staging", "--dry-run"])
        .succeeded();
    for part in [
        old["web"].as_str(),
        new["web"].as_str(),
        &overlay("staging", "web"),
        "commits: 1",
        "migrator migrates the database",
        "Promote migrator and web to staging",
        "pipeline rollback --env staging --service migrator --of sha256:",
        &format!("+   digest: {}", new["web"]),
    ] {
        assert!(planned.stdout.contains(part), "{part}\n{}", planned.stdout);
    }
    let changes = json(
        &project,
        &["promote", "web", "--env", "staging", "--dry-run"],
    );
    let change = &changes[0];
    assert_eq!(change["outcome"], "planned");
    assert_eq!(change["commits"]["total"], 1);
    // P6: in the text for a forge it does nothing.
    let body = change["body"].as_str().unwrap();
    assert!(
        !body.contains("@everyone") && !body.contains("[skip ci]") && !body.contains("#1"),
        "{body}"
    );
    // What is rendered is for people, where there is something that renders.
    if tool("kustomize").or_else(|_| tool("kubectl")).is_ok() {
        let image = registry.reference("acme/shop-web");
        for part in [
            "Rendered: overlays/staging/web",
            &format!("+      - image: {image}@{}", new["web"]),
        ] {
            assert!(body.contains(part), "{part}\n{body}");
        }
    }
    let lines = change["files"].as_array().unwrap();
    let web = lines
        .iter()
        .find(|it| it["path"] == overlay("staging", "web"))
        .unwrap();
    assert_eq!(web["lines"].as_array().unwrap().len(), 2, "{web}");
    assert_eq!(deployments.git(&["rev-parse", "main"]), head);
    Ok(())
}

fn not_pushed() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let refused = project.run(&["promote", "--env", "staging"]).exited(2);
    assert!(
        refused.stderr.contains("nothing has been built"),
        "{}",
        refused.stderr
    );
    project.build();
    let refused = project.run(&["promote", "--env", "staging"]).exited(2);
    assert!(
        refused.stderr.contains("hint: `push worker`"),
        "{}",
        refused.stderr
    );
    assert_eq!(deployments.commits(), 1);
    // What is pushed goes, what is not does not keep it.
    project.run(&["push", "worker"]).succeeded();
    project.run(&["promote", "--env", "staging"]).exited(2);
    assert!(deployments.pin("staging", "worker").is_some());
    assert!(deployments.pin("staging", "web").is_none());
    let refused = project.run(&["promote", "--env", "nowhere"]).exited(2);
    assert!(refused.stderr.contains("staging"), "{}", refused.stderr);
    Ok(())
}

fn stale() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let old = project.release();
    let record = std::fs::read_to_string(project.state("release.json")).unwrap();
    let new = project.release_next("second");
    project
        .run(&["promote", "web", "--env", "staging"])
        .succeeded();
    std::fs::write(project.state("release.json"), record).unwrap();
    let refused = project
        .run(&["promote", "web", "--env", "staging"])
        .exited(1);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(
        deployments.pin("staging", "web").as_ref(),
        Some(&new["web"])
    );
    project
        .run(&["promote", "web", "--env", "staging", "--force"])
        .succeeded();
    assert_eq!(
        deployments.pin("staging", "web").as_ref(),
        Some(&old["web"])
    );
    Ok(())
}

fn between() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let first = project.release();
    let arguments = ["promote", "web", "--from", "staging", "--to", "production"];
    let refused = project.run(&arguments).exited(1);
    assert!(
        refused.stderr.contains("cannot be taken from staging"),
        "{}",
        refused.stderr
    );
    project.run(&["promote", "--env", "staging"]).succeeded();
    // Built since, and not in staging.
    project.release_next("second");
    project.run(&arguments).succeeded();
    assert_eq!(
        deployments.pin("production", "web").as_ref(),
        Some(&first["web"])
    );
    assert_eq!(deployments.pin("production", "worker"), None);
    // Nothing built is needed for it.
    std::fs::remove_file(project.state("release.json")).unwrap();
    project
        .run(&["promote", "--from", "staging", "--env", "production"])
        .succeeded();
    assert_eq!(
        deployments.pin("production", "worker").as_ref(),
        Some(&first["worker"])
    );
    // By hand is by nobody.
    let path = overlay("staging", "worker");
    let by_hand = deployments
        .file(&path)
        .replace(&first["worker"], &first["web"]);
    deployments.write(&[(path, by_hand)]);
    let refused = project
        .run(&[
            "promote",
            "worker",
            "--from",
            "staging",
            "--env",
            "production",
        ])
        .exited(1);
    assert!(refused.stderr.contains("by hand"), "{}", refused.stderr);
    Ok(())
}

fn policy() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(
        &registry,
        "from = \"staging\"\npolicy = { soak-minutes = 60 }\n",
    );
    project.release();
    // Nor from elsewhere, nor from the record: staging comes first.
    let elsewhere = [
        "promote",
        "worker",
        "--env",
        "production",
        "--from",
        "preview",
    ];
    let refused = project.run(&elsewhere).exited(2);
    assert!(
        refused
            .stderr
            .contains("production gets only what staging runs"),
        "{}",
        refused.stderr
    );
    let refused = project
        .run(&["promote", "worker", "--env", "production"])
        .exited(1);
    assert!(
        refused.stderr.contains("cannot be taken from staging"),
        "{}",
        refused.stderr
    );
    project
        .run(&["promote", "worker", "--env", "staging"])
        .succeeded();
    let refused = project
        .run(&["promote", "worker", "--env", "production", "--dry-run"])
        .exited(1);
    assert!(
        refused.stderr.contains("0 of 60 minutes"),
        "{}",
        refused.stderr
    );
    assert!(refused.stdout.contains('✘'), "{}", refused.stdout);
    project
        .run(&["promote", "worker", "--env", "production"])
        .exited(1);
    assert_eq!(deployments.pin("production", "worker"), None);
    project.replace("pipeline.toml", "soak-minutes = 60", "soak-minutes = 0");
    project
        .run(&["promote", "worker", "--env", "production"])
        .succeeded();
    assert!(deployments.pin("production", "worker").is_some());
    Ok(())
}

fn gone() -> Verdict {
    let first = registry(&Wants::default())?;
    let (project, deployments) = shop(&first, "");
    project.release();
    let record = std::fs::read_to_string(project.state("release.json")).unwrap();
    let digest = project.record()["services"][2]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = format!("sha256:{}", "ab".repeat(32));
    std::fs::write(
        project.state("release.json"),
        record.replace(&digest, &other),
    )
    .unwrap();
    let refused = project
        .run(&["promote", "worker", "--env", "staging"])
        .exited(1);
    assert!(
        refused.stderr.contains("is not in its registry"),
        "{}",
        refused.stderr
    );
    assert_eq!(deployments.pin("staging", "worker"), None);
    Ok(())
}

fn unsigned() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "policy = { signature = true }");
    project.release();
    let promote = ["promote", "worker", "--env", "production"];
    let refused = project.run(&promote).exited(2);
    assert!(refused.stderr.contains("[signing]"), "{}", refused.stderr);

    let sigstore = Sigstore::start().map_err(Skip)?;
    std::fs::copy(sigstore.trusted_root(), project.root.join("root.json")).unwrap();
    let services = sigstore.signing_config(Logs::V1);
    std::fs::copy(services, project.root.join("services.json")).unwrap();
    let with_password = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        program::run(command.env("COSIGN_PASSWORD", "pass-word")).succeeded()
    };
    with_password(&["keys", "generate", "--name", "shop"]);
    project.sh("echo /shop.key >> .git/info/exclude", &[]);
    let signing = "[signing]\ntrusted-root = \"root.json\"\nsigning-config = \"services.json\"\nkey = \"shop.pub\"\n\n[project]";
    project.replace("pipeline.toml", "[project]", signing);
    project.commit("signing");
    let digests = project.release();
    let refused = project.run(&promote).exited(1);
    let expected = "the policy of production does not let worker in: signature of worker";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    assert_eq!(deployments.pin("production", "worker"), None);
    with_password(&["sign", "worker", "--key", "shop.key"]);
    project.run(&promote).succeeded();
    let pinned = deployments.pin("production", "worker");
    assert_eq!(pinned.as_ref(), Some(&digests["worker"]));
    Ok(())
}

fn tags() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let places = "services.worker = [{ json = \"images.json\", pointer = \"/worker\", write = \"tagged-reference\" }]\n";
    let text = std::fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    let environments = "\n[environments.staging]\ntags = [\"a-{sha}\"]\nmoving-tags = [\"0-latest\"]\n[environments.production]\ntags = [\"p-{sha}\", \"b-{sha}\"]\n";
    project.write("pipeline.toml", &format!("{text}{places}{environments}"));
    project.commit("tags");
    let image = registry.reference("acme/shop-worker");
    deployments.write(&[(
        "images.json".into(),
        format!("{{ \"worker\": \"{image}:old\" }}\n"),
    )]);
    let digests = project.build();
    for environment in ["staging", "production"] {
        project.run(&["push", "--env", environment]).succeeded();
    }
    project
        .run(&["promote", "worker", "--env", "production"])
        .succeeded();
    let record = project.record();
    let sha = record["source"]["commit"].as_str().unwrap();
    let expected = format!(
        "{{ \"worker\": \"{image}:p-{sha}@{}\" }}\n",
        digests["worker"]
    );
    assert_eq!(deployments.file("images.json"), expected);
    let state = deployments.file(".promotions/production/worker.toml");
    assert!(!state.contains("latest"), "{state}");
    Ok(())
}

fn killed() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    project.release();
    for round in 0..6_u64 {
        let digests = project.release_next(&format!("round {round}"));
        let before = deployments.commits();
        let run = program::start(&mut project.command(&["promote", "web", "--env", "staging"]));
        std::thread::sleep(std::time::Duration::from_millis(20 + 40 * round));
        let _ = rustix::process::kill_process_group(run.pid(), rustix::process::Signal::KILL);
        drop(run.finish());
        project
            .run(&["promote", "web", "--env", "staging"])
            .succeeded();
        assert_eq!(deployments.commits(), before + 1);
        assert_eq!(
            deployments.pin("staging", "web").as_ref(),
            Some(&digests["web"])
        );
    }
    Ok(())
}

fn at_once() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let digests = project.release();
    let runs: Vec<_> = ["web", "worker", "web", "worker"]
        .iter()
        .map(|service| {
            program::start(&mut project.command(&["promote", service, "--env", "staging"]))
        })
        .collect();
    for run in runs {
        run.finish().succeeded();
    }
    for (service, digest) in &digests {
        assert_eq!(deployments.pin("staging", service).as_ref(), Some(digest));
    }
    assert_eq!(deployments.commits(), 3);
    Ok(())
}

fn examples() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, _deployments) = shop(&registry, "");
    for round in 0..3 {
        project.release_next(&format!("round {round}"));
        project.run(&["promote", "--env", "staging"]).succeeded();
        project
            .run(&["promote", "--from", "staging", "--env", "production"])
            .succeeded();
    }
    for command in ["promote", "rollback"] {
        examples_work(&project, command);
    }
    Ok(())
}
