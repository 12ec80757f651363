//! `promote` and `rollback` by pull request, and by push over HTTP: the writers of the library behind the real command line.

use libtest_mimic::Trial;
use rustix::process::{Signal, kill_process_group};
use serde_json::{Value, json};
use test_support::registry::{Registry, Wants};

use crate::support::deployments::{Deployments, declare, files, overlay};
use crate::support::forge::{ADDRESS, Server, StandIn, TOKEN, command, merge, run};
use crate::support::program;
use crate::support::project::Project;
use crate::support::registry::registry;
use crate::support::{Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "pull request: one for a release unit, which says all and is not opened twice",
            opened,
        ),
        test_if_possible("pull request: a dry run only reads", dry_run),
        test_if_possible("pull request: what people declined stays so", declined),
        test_if_possible(
            "c6: a promotion by pull request that was killed is finished by the next",
            killed,
        ),
        test_if_possible(
            "pull request: a rollback is one, and takes nothing newer back",
            rolled_back,
        ),
        test_if_possible(
            "pull request: checks on the source commit are asked for, where it is",
            checks,
        ),
        test_if_possible(
            "p5: what a shallow checkout does not know is asked of the platform",
            shallow,
        ),
        test_if_possible("s1: a token is nowhere in what is printed", secret),
        test_if_possible("promote: over HTTP, with a token", over_http),
    ]
}

const BRANCH: &str = "promote/staging/migrator";

/// A stand-in with the deployments, and a released project.
fn shop(registry: &Registry, production: &str) -> (Project, StandIn) {
    let github = StandIn::start();
    let files = files(registry);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    github.state().git().write("main", &files, "start");
    let project = Project::cold();
    declare(&project, registry, ADDRESS, "", production);
    project.git(&[
        "remote",
        "set-url",
        "origin",
        "git@github.com:acme/shop.git",
    ]);
    project.release();
    (project, github)
}

fn calls(github: &StandIn, method: &str) -> usize {
    let state = github.state();
    let calls = state.calls.iter();
    calls.filter(|call| call.starts_with(method)).count()
}

fn opened() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "");
    has_package(&project, "3.0.1");
    project.release_next("an image with a package");
    run(&project, &github, &["promote", "web", "--env", "staging"]).succeeded();
    merge(&mut github.state(), 1);
    has_package(&project, "3.0.2");
    project.release_next("fix: @everyone closes #1 [skip ci]");
    let head = project.record()["source"]["commit"].clone();
    let mut job = command(
        &project,
        &github,
        &["promote", "web", "--env", "staging", "--output", "json"],
    );
    job.env("GITHUB_SHA", head.as_str().unwrap())
        .env("GITHUB_REPOSITORY", "acme/shop")
        .env("GITHUB_RUN_ID", "77");
    let printed = program::run(&mut job).succeeded();
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(printed["changes"][0]["outcome"], "opened");
    let pull = json!({ "number": 2, "url": format!("{ADDRESS}/pull/2") });
    assert_eq!(printed["changes"][0]["pullRequest"], pull);
    let body = github.state().open()[0].body.clone();
    for part in [
        "**Commits: 1** ([compare](https://github.com/acme/shop/compare/",
        "`migrator` migrates the database",
        "image of web",
        "web: deb openssl 3.0.1 -> 3.0.2",
        "[this run](https://github.com/acme/shop/actions/runs/77)",
        "pipeline rollback --env staging --service migrator --of sha256:",
    ] {
        assert!(body.contains(part), "{part}\n{body}");
    }
    // P6
    assert!(
        !body.contains("@everyone") && !body.contains("[skip ci]"),
        "{body}"
    );
    let (calls_before, head) = (calls(&github, "POST"), github.state().git().head(BRANCH));
    let again = run(&project, &github, &["promote", "web", "--env", "staging"]).succeeded();
    assert!(again.stdout.contains("updated"), "{}", again.stdout);
    assert_eq!(calls(&github, "POST"), calls_before);
    assert_eq!(github.state().git().head(BRANCH), head);
    merge(&mut github.state(), 2);
    let done = run(&project, &github, &["promote", "web", "--env", "staging"]).succeeded();
    assert!(done.stdout.contains("was there"), "{}", done.stdout);
    github.check();
    Ok(())
}

/// Gives the site an image that says it has a package of Debian.
fn has_package(project: &Project, version: &str) {
    let status = format!(
        "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
    );
    project.write("web/status", &status);
    project.write("web/os-release", "ID=debian\nVERSION_ID=12\n");
    project.write(
        "web/Dockerfile",
        "FROM scratch\nCOPY file /file\nCOPY os-release /etc/os-release\nCOPY status /var/lib/dpkg/status\n",
    );
}

fn dry_run() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "");
    let planned = run(
        &project,
        &github,
        &["promote", "--env", "staging", "--dry-run"],
    )
    .succeeded();
    assert!(
        planned.stdout.contains("Promote worker to staging"),
        "{}",
        planned.stdout
    );
    assert_eq!(calls(&github, "GET"), github.state().calls.len());
    github.check();
    Ok(())
}

fn declined() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "");
    let arguments = ["promote", "web", "--env", "staging"];
    run(&project, &github, &arguments).succeeded();
    github.state().pulls[0].is_open = false;
    let declined = run(&project, &github, &arguments).succeeded();
    assert!(
        declined.stdout.contains("declined in"),
        "{}",
        declined.stdout
    );
    assert!(declined.stderr.contains("--reopen"), "{}", declined.stderr);
    assert_eq!(github.state().open().len(), 0);
    run(&project, &github, &[&arguments[..], &["--reopen"]].concat()).succeeded();
    assert_eq!(github.state().open().len(), 1);
    github.check();
    Ok(())
}

fn killed() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "");
    let arguments = ["promote", "web", "--env", "staging"];
    // Once after each request, of which there are not that many.
    for most in [4, 8, 11, 13, 14, 15, 16, 17, 18, 20] {
        let before = github.state().calls.len();
        let running = program::start(&mut command(&project, &github, &arguments));
        while github.state().calls.len() < before + most && github.state().open().is_empty() {
            std::thread::yield_now();
        }
        let _ = kill_process_group(running.pid(), Signal::KILL);
        drop(running.finish());
    }
    run(&project, &github, &arguments).succeeded();
    let state = github.state();
    let branches = state
        .git()
        .run(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, format!("main\n{BRANCH}"));
    assert_eq!(state.pulls.len(), 1);
    let digest = project.record()["services"][1]["digest"].clone();
    let file = state.git().file(BRANCH, &overlay("staging", "web"));
    assert!(file.contains(digest.as_str().unwrap()), "{file}");
    Ok(())
}

fn rolled_back() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "");
    let promote = ["promote", "web", "--env", "staging"];
    run(&project, &github, &promote).succeeded();
    merge(&mut github.state(), 1);
    let before = github
        .state()
        .git()
        .file("main", &overlay("staging", "web"));
    project.release_next("second");
    run(&project, &github, &promote).succeeded();
    merge(&mut github.state(), 2);
    let rollback = ["rollback", "--env", "staging", "--service", "web"];
    let opened = run(&project, &github, &rollback).succeeded();
    assert!(opened.stdout.contains("opened"), "{}", opened.stdout);
    assert!(
        opened.stderr.contains("the old schema does not"),
        "{}",
        opened.stderr
    );
    {
        let state = github.state();
        assert_eq!(
            state.open()[0].title,
            "Roll back migrator and web in staging"
        );
        let branch = "rollback/staging/migrator";
        assert_eq!(state.git().file(branch, &overlay("staging", "web")), before);
    }
    // What was to be taken back is not what is there any more.
    let second = project.record()["services"][1]["digest"].clone();
    project.release_next("third");
    run(&project, &github, &promote).succeeded();
    merge(&mut github.state(), 4);
    let of = [&rollback[..], &["--of", second.as_str().unwrap()]].concat();
    let refused = run(&project, &github, &of).exited(1);
    assert!(
        refused.stderr.contains("a promotion came after it"),
        "{}",
        refused.stderr
    );
    github.check();
    Ok(())
}

fn checks() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "policy = { checks = [\"e2e\"] }");
    let arguments = ["promote", "worker", "--env", "production"];
    let refused = run(&project, &github, &arguments).exited(1);
    assert!(
        refused.stderr.contains("e2e for worker: it did not run"),
        "{}",
        refused.stderr
    );
    assert!(github.state().pulls.is_empty());
    let run_of = |conclusion: &str| {
        vec![json!({ "name": "e2e", "status": "completed", "conclusion": conclusion })]
    };
    github.state().check_runs = run_of("failure");
    let refused = run(&project, &github, &arguments).exited(1);
    assert!(
        refused.stderr.contains("e2e for worker: failure"),
        "{}",
        refused.stderr
    );
    github.state().check_runs = run_of("success");
    run(&project, &github, &arguments).succeeded();
    assert!(
        github.state().open()[0]
            .body
            .contains("✅ `e2e for worker`: `success`")
    );
    github.check();
    Ok(())
}

fn shallow() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "");
    let promote = ["promote", "worker", "--env", "staging"];
    run(&project, &github, &promote).succeeded();
    merge(&mut github.state(), 1);
    let first = std::fs::read(project.state("release.json")).unwrap();
    project.release_next("second: a subject");
    // The stand-in has the source's commits, too; the checkout has one, as in a job.
    let source = format!("file://{}", project.root.display());
    let fetch = ["fetch", "--quiet", &source, "HEAD:refs/heads/source"];
    github.state().git().run(&fetch);
    let head = project.record()["source"]["commit"].clone();
    let head = format!("{}\n", head.as_str().unwrap());
    std::fs::write(project.root.join(".git/shallow"), head).unwrap();
    run(&project, &github, &promote).succeeded();
    let body = github.state().open()[0].body.clone();
    assert!(body.contains("second: a subject"), "{body}");
    merge(&mut github.state(), 2);
    // All commits here are of the same second: times would not tell.
    std::fs::write(project.state("release.json"), first).unwrap();
    let refused = run(&project, &github, &promote).exited(1);
    assert!(
        refused.stderr.contains("which is not older than"),
        "{}",
        refused.stderr
    );
    github.check();
    Ok(())
}

fn secret() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, github) = shop(&registry, "");
    for arguments in [
        &["promote", "--env", "staging", "--progress", "json"][..],
        &["promote", "--env", "staging", "--output", "json"],
    ] {
        let mut command = command(&project, &github, arguments);
        let outcome = program::run(command.env("PIPELINE_LOG", "trace"));
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(TOKEN), "{text}");
        }
    }
    // A wrong one neither.
    let mut wrong = command(&project, &github, &["promote", "--env", "staging"]);
    let refused = program::run(wrong.env("PIPELINE_DEPLOY_TOKEN", "ghs_wrong")).exited(4);
    assert!(!refused.stderr.contains("ghs_wrong"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("Bad credentials"),
        "{}",
        refused.stderr
    );
    let mut none = command(&project, &github, &["promote", "--env", "staging"]);
    let refused = program::run(none.env_remove("PIPELINE_DEPLOY_TOKEN")).exited(2);
    assert!(
        refused.stderr.contains("there are no credentials"),
        "{}",
        refused.stderr
    );
    Ok(())
}

fn over_http() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = Project::cold();
    let deployments = Deployments::new(project.dir.path(), &files(&registry));
    // `deploy:secret`
    let server = Server::start(project.dir.path(), Some("Basic ZGVwbG95OnNlY3JldA=="));
    let address = format!("{}/deployments.git", server.address);
    declare(&project, &registry, &address, "writer = \"push\"", "");
    project.release();
    let arguments = ["promote", "worker", "--env", "staging"];
    let refused = project.run(&arguments).exited(4);
    assert!(
        refused.stderr.contains("PIPELINE_DEPLOY_TOKEN"),
        "{}",
        refused.stderr
    );
    let mut command = project.command(&arguments);
    command
        .env("PIPELINE_DEPLOY_USER", "deploy")
        .env("PIPELINE_DEPLOY_TOKEN", "secret")
        .env("GIT_COMMITTER_NAME", "Deployer")
        .env("GIT_COMMITTER_EMAIL", "deployer@example.com");
    program::run(&mut command).succeeded();
    let digest = project.record()["services"][2]["digest"].clone();
    let file = deployments.file(&overlay("staging", "worker"));
    assert!(file.contains(digest.as_str().unwrap()), "{file}");
    let author = deployments.git(&["log", "-1", "--format=%an <%ae>", "main"]);
    assert_eq!(author.trim(), "Deployer <deployer@example.com>");
    Ok(())
}
