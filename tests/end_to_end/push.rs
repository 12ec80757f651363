//! `push`: what was built is what is there, a release unit at a time, however often and by however many it is tried.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use ci_oci::Digest;
use libtest_mimic::Trial;
use serde_json::Value;
use test_support::base::Base;
use test_support::proxy::Proxy;
use test_support::referrers;
use test_support::registry::{Registry, USER, Wants};

use crate::support::program::{self, Outcome};
use crate::support::project::Project;
use crate::support::registry::{authority, login, plain, plain_host, push, registry};
use crate::support::{Skip, Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "push: another tool and our own engine pull what was built, byte for byte",
            pulled_back,
        ),
        test_if_possible(
            "push: to a registry of another make, with the referrers API",
            another_make,
        ),
        test_if_possible(
            "push: an image for several platforms, its index and what each is annotated with",
            platforms,
        ),
        test_if_possible("push: the second time sends nothing and asks little", again),
        test_if_possible(
            "push: killed within blobs, the next sends no blob that is there",
            within_blobs,
        ),
        test_if_possible(
            "push: to a registry with a CA of its own, logged in",
            logged_in,
        ),
        test_if_possible(
            "push: a tag that names another image is told with both digests, and nothing is sent",
            taken,
        ),
        test_if_possible(
            "push: coupled services are tagged together or not at all",
            coupled,
        ),
        test_if_possible("push: two at once both succeed", at_once),
        test_if_possible("c6: a push that was killed is finished by the next", killed),
        test_if_possible("push: a base image's layers are mounted, not sent", mounted),
        test_if_possible("push: moving tags move, fixed ones do not", moving),
        test_if_possible(
            "push: changes that are not committed are refused unless allowed",
            dirty,
        ),
        test_if_possible(
            "push: a missing right is told with its scope and repository",
            rights,
        ),
        test_if_possible("push: nothing built is nothing to push", nothing),
    ]
}

/// A project of an app and its migrator, one release unit, whose images go to a registry; committed.
fn project(registry: &Registry, more: &str) -> Project {
    project_at(&registry.host, &plain(registry), more)
}

/// The same, with a registry at `host`, of which the catalog says `declared`.
fn project_at(host: &str, declared: &str, more: &str) -> Project {
    let project = Project::cold();
    project.write(
        "pipeline.toml",
        &format!(
            "[project]\nname = \"shop\"\nregistry = \"{host}/acme\"\nservices = [\"app\", \"migrator\"]\ntags = [\"{{sha}}\"]\n\n{declared}\n[environments.production]\n{more}"
        ),
    );
    for (name, rest) in [("app", "coupled-with = [\"migrator\"]\n"), ("migrator", "")] {
        let service = format!("builder = \"dockerfile\"\n{rest}");
        project.write(&format!("{name}/service.toml"), &service);
        project.write(
            &format!("{name}/Dockerfile"),
            "FROM scratch\nCOPY file /file\nCOPY shared /shared\n",
        );
        project.write(&format!("{name}/file"), &format!("of {name}"));
        project.write(&format!("{name}/shared"), &"both have this ".repeat(5000));
    }
    commit(&project);
    project
}

fn commit(project: &Project) {
    project.git(&["add", "--all"]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    let commit = ["commit", "--quiet", "--message", "change"];
    project.git(&[&who[..], &commit[..]].concat());
}

fn head(project: &Project) -> String {
    let commit = &project.record()["source"]["commit"];
    commit.as_str().unwrap().to_owned()
}

/// What a release record says of a service.
fn find<'a>(record: &'a Value, service: &str) -> &'a Value {
    let mut services = record["services"].as_array().unwrap().iter();
    services.find(|it| it["name"] == service).unwrap()
}

fn digest_of(project: &Project, service: &str) -> String {
    let record = project.record();
    find(&record, service)["digest"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn tags_of(project: &Project, service: &str) -> Value {
    find(&project.record(), service)["tags"].clone()
}

/// The digest that a tag has, as another tool sees it.
fn there(registry: &Registry, name: &str) -> Option<String> {
    there_as(registry, name, &["--tls-verify=false"])
}

/// The same, with further options of that tool.
fn there_as(registry: &Registry, name: &str, options: &[&str]) -> Option<String> {
    let user = format!("--creds={}:{}", USER.0, USER.1);
    digest_at(&registry.reference(name), &[options, &[&user]].concat())
}

fn digest_at(image: &str, options: &[&str]) -> Option<String> {
    let asked = Command::new("skopeo")
        .args(["inspect", "--format={{.Digest}}"])
        .args(options)
        .arg(format!("docker://{image}"))
        .output()
        .unwrap();
    let digest = String::from_utf8(asked.stdout).unwrap();
    asked.status.success().then(|| digest.trim().to_owned())
}

fn pulled_back() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    project.run(&["build"]).succeeded();
    let pushed = project.run(&["push", "--output", "refs"]).succeeded();
    let tag = head(&project);
    let mut expected = String::new();
    for service in ["app", "migrator"] {
        let digest = digest_of(&project, service);
        let name = format!("acme/shop-{service}");
        expected += &format!("{}@{digest}\n", registry.reference(&name));
        assert_eq!(
            there(&registry, &format!("{name}:{tag}")),
            Some(digest.clone())
        );
        // Every blob of it.
        let copy = project.dir.path().join(service);
        let copied = Command::new("skopeo")
            .args([
                "copy",
                "--quiet",
                "--preserve-digests",
                "--src-tls-verify=false",
            ])
            .arg(format!("docker://{}@{digest}", registry.reference(&name)))
            .arg(format!("oci:{}:it", copy.display()))
            .status()
            .unwrap();
        assert!(copied.success());
        for blob in fs::read_dir(copy.join("blobs/sha256")).unwrap() {
            let blob = blob.unwrap();
            let ours = project.state("oci/blobs/sha256").join(blob.file_name());
            assert_eq!(fs::read(ours).unwrap(), fs::read(blob.path()).unwrap());
        }
        assert_eq!(tags_of(&project, service), serde_json::json!([tag]));
    }
    assert_eq!(pushed.stdout, expected);

    // And as the base of another build, with a cache of its own.
    let app = registry.reference(&format!("acme/shop-app:{tag}"));
    let other = crate::support::registry::project(
        &plain(&registry),
        &format!("FROM {app}\nCOPY file /other\n"),
    );
    other.run(&["build"]).succeeded();
    assert_eq!(other.bases()[0].1, digest_of(&project, "app"));
    Ok(())
}

fn another_make() -> Verdict {
    let registry = referrers::Registry::start().map_err(Skip)?;
    let project = project_at(&registry.host, &plain_host(&registry.host), "");
    project.run(&["build"]).succeeded();
    project.run(&["push"]).succeeded();
    let tag = head(&project);
    for service in ["app", "migrator"] {
        let name = format!("{}/acme/shop-{service}:{tag}", registry.host);
        let found = digest_at(&name, &["--tls-verify=false"]);
        assert_eq!(found, Some(digest_of(&project, service)));
    }
    let again = project.run(&["push"]).succeeded();
    assert_eq!(again.stdout.matches("was there").count(), 2);
    Ok(())
}

fn platforms() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    let both = ["linux/amd64", "linux/arm64"];
    project
        .run(&["build", "--platform", &both.join(",")])
        .succeeded();
    project.run(&["push"]).succeeded();
    let image = registry.reference(&format!("acme/shop-app:{}", head(&project)));
    let raw = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{image}"))
        .output()
        .unwrap();
    assert_eq!(
        Digest::of(&raw.stdout).to_string(),
        digest_of(&project, "app")
    );
    let index: Value = serde_json::from_slice(&raw.stdout).unwrap();
    let revision = "org.opencontainers.image.revision";
    assert_eq!(index["annotations"][revision], head(&project).as_str());
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), both.len());
    for (manifest, platform) in manifests.iter().zip(both) {
        let architecture = &manifest["platform"]["architecture"];
        assert_eq!(
            format!("linux/{}", architecture.as_str().unwrap()),
            platform
        );
        let digest = manifest["digest"].as_str().unwrap();
        let found = there(&registry, &format!("acme/shop-app@{digest}"));
        assert_eq!(found.as_deref(), Some(digest));
    }
    Ok(())
}

fn again() -> Verdict {
    let registry = registry(&Wants::default())?;
    let proxy = Proxy::start(&registry.host);
    let project = project_at(&proxy.host, &plain_host(&proxy.host), "");
    project.run(&["build"]).succeeded();
    project.run(&["push"]).succeeded();
    assert!(proxy.requests().iter().any(|it| it.starts_with("PUT ")));
    proxy.reset(None);
    let second = project.run(&["push"]).succeeded();
    let asked = proxy.requests();
    assert!(
        asked
            .iter()
            .all(|it| it.starts_with("HEAD ") || it.starts_with("GET ")),
        "{asked:?}"
    );
    assert!(asked.len() < 10 * 2, "{asked:?}");
    assert_eq!(
        second.stdout.matches("was there").count(),
        2,
        "{}",
        second.stdout
    );
    Ok(())
}

/// Twelve layers of half a megabyte, of which six are sent at once: when four megabytes are on their way, some are there and some are not.
fn within_blobs() -> Verdict {
    const REPOSITORY: &str = "acme/shop-app";
    let registry = registry(&Wants::default())?;
    let proxy = Proxy::start(&registry.host);
    let project = project_at(&proxy.host, &plain_host(&proxy.host), "");
    let mut dockerfile = "FROM scratch\n".to_owned();
    project.sh(
        "for i in $(seq 12); do head -c 524288 /dev/urandom >app/$i; done",
        &[],
    );
    for file in 1..=12 {
        dockerfile += &format!("COPY {file} /\n");
    }
    project.write("app/Dockerfile", &dockerfile);
    commit(&project);
    project.run(&["build"]).succeeded();
    let manifest = project.manifest("app");
    let layers = manifest["layers"].as_array().unwrap().iter();
    let layers: Vec<&str> = layers.map(|it| it["digest"].as_str().unwrap()).collect();
    assert_eq!(layers.len(), 12);

    proxy.reset(Some(4 << 20));
    let run = program::start(&mut project.command(&["push"]));
    proxy.wait_for_limit();
    let _ = rustix::process::kill_process_group(run.pid(), rustix::process::Signal::KILL);
    drop(run.finish());
    // The registry may still be at what came whole.
    let began = Instant::now();
    let whole: Vec<&str> = loop {
        let found = layers.iter().filter(|it| registry.has(REPOSITORY, it));
        let found: Vec<&str> = found.copied().collect();
        if !found.is_empty() {
            break found;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "nothing came whole"
        );
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(whole.len() < layers.len());

    proxy.reset(None);
    let pushed = project.run(&["push"]).succeeded();
    let requests = proxy.requests();
    for layer in &layers {
        let hex = layer.strip_prefix("sha256:").unwrap();
        let is_sent = |it: &&String| it.starts_with("PUT ") && it.contains(hex);
        let sent = requests.iter().filter(is_sent).count();
        let most = usize::from(!whole.contains(layer));
        assert!(sent <= most, "{layer} was sent {sent} times: {requests:?}");
    }
    let found = there(&registry, &format!("{REPOSITORY}:{}", head(&project)));
    assert_eq!(found, Some(digest_of(&project, "app")), "{}", pushed.stdout);
    Ok(())
}

fn logged_in() -> Verdict {
    let authority = authority();
    let registry = registry(&Wants {
        basic: true,
        tls: Some((&authority.certificate, &authority.key)),
        ..Wants::default()
    })?;
    let declared = format!("[registries.\"{}\"]\nca = \"ca.pem\"\n", registry.host);
    let project = project_at(&registry.host, &declared, "");
    fs::copy(&authority.certificate, project.root.join("ca.pem")).unwrap();
    commit(&project);
    project.run(&["build"]).succeeded();
    let refused = project.run(&["push"]).exited(4);
    let scope = "repository:acme/shop-app:pull,push";
    assert!(refused.stderr.contains(scope), "{}", refused.stderr);

    login(&project, &registry, USER.1).succeeded();
    let pushed = project.run(&["push", "--output", "json"]).succeeded();
    let printed: Value = serde_json::from_str(&pushed.stdout).unwrap();
    assert_eq!(printed, project.record(), "completed by what was pushed");
    let tag = head(&project);
    let trusted = format!("--cert-dir={}", authority.for_skopeo().display());
    for service in ["app", "migrator"] {
        let name = format!("acme/shop-{service}");
        let recorded = find(&printed, service);
        assert_eq!(recorded["repository"], registry.reference(&name));
        assert_eq!(recorded["tags"], serde_json::json!([tag]));
        let found = there_as(&registry, &format!("{name}:{tag}"), &[&trusted]);
        assert_eq!(found, Some(digest_of(&project, service)));
    }
    let again = project.run(&["push"]).succeeded();
    assert_eq!(again.stdout.matches("was there").count(), 2);
    Ok(())
}

fn taken() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    project.run(&["build"]).succeeded();
    let tag = head(&project);
    let other = push(&registry, Base::Busybox, &format!("acme/shop-app:{tag}"))?;
    let refused = project.run(&["push"]).exited(1);
    for part in [&other, &digest_of(&project, "app"), &tag] {
        assert!(refused.stderr.contains(part.as_str()), "{}", refused.stderr);
    }
    // The other half of the unit has no tag either.
    assert_eq!(there(&registry, &format!("acme/shop-migrator:{tag}")), None);
    assert_eq!(tags_of(&project, "migrator"), serde_json::json!([]));
    Ok(())
}

fn coupled() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    project.run(&["build"]).succeeded();
    // One of the two is named; both are pushed.
    project.run(&["push", "migrator"]).succeeded();
    let tag = head(&project);
    for service in ["app", "migrator"] {
        let found = there(&registry, &format!("acme/shop-{service}:{tag}"));
        assert_eq!(found, Some(digest_of(&project, service)));
    }
    Ok(())
}

fn at_once() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    project.run(&["build"]).succeeded();
    let runs: Vec<_> = (0..3)
        .map(|_| program::start(&mut project.command(&["push"])))
        .collect();
    for run in runs {
        run.finish().succeeded();
    }
    let tag = head(&project);
    assert_eq!(tags_of(&project, "app"), serde_json::json!([tag]));
    Ok(())
}

fn killed() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    for round in 0..6_u64 {
        project.write("app/file", &format!("round {round}"));
        commit(&project);
        project.run(&["build"]).succeeded();
        let run = program::start(&mut project.command(&["push"]));
        std::thread::sleep(Duration::from_millis(5 + 15 * round));
        let _ = rustix::process::kill_process_group(run.pid(), rustix::process::Signal::KILL);
        drop(run.finish());
        project.run(&["push"]).succeeded();
        let tag = head(&project);
        for service in ["app", "migrator"] {
            let found = there(&registry, &format!("acme/shop-{service}:{tag}"));
            assert_eq!(found, Some(digest_of(&project, service)));
        }
    }
    Ok(())
}

fn mounted() -> Verdict {
    let registry = registry(&Wants::default())?;
    push(&registry, Base::Busybox, "bases/busybox:1")?;
    let project = project(&registry, "");
    let base = registry.reference("bases/busybox:1");
    project.write("app/Dockerfile", &format!("FROM {base}\nCOPY file /file\n"));
    commit(&project);
    project.run(&["build"]).succeeded();
    let pushed = project.run(&["push"]).succeeded();
    // Its config and the layer of the file; the layer of the base was there.
    let app = pushed.stdout.lines().find(|line| line.starts_with("app "));
    assert!(app.unwrap().contains("2 blobs"), "{}", pushed.stdout);
    Ok(())
}

fn moving() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "moving-tags = [\"latest\"]\n");
    for round in 0..2 {
        project.write("app/file", &format!("round {round}"));
        commit(&project);
        project.run(&["build", "--env", "production"]).succeeded();
        project.run(&["push", "--env", "production"]).succeeded();
        let latest = there(&registry, "acme/shop-app:latest");
        assert_eq!(latest, Some(digest_of(&project, "app")));
    }
    Ok(())
}

fn dirty() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    project.write("app/file", "not committed");
    project.run(&["build"]).succeeded();
    let refused = project.run(&["push"]).exited(2);
    assert!(
        refused.stderr.contains("--allow-dirty"),
        "{}",
        refused.stderr
    );
    project.run(&["push", "--allow-dirty"]).succeeded();
    Ok(())
}

fn rights() -> Verdict {
    let registry = registry(&Wants {
        basic: true,
        ..Wants::default()
    })?;
    let project = project(&registry, "");
    project.run(&["build"]).succeeded();
    let refused: Outcome = project.run(&["push"]).exited(4);
    for part in ["repository:acme/shop-app:", "push", &registry.host] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    Ok(())
}

fn nothing() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(&registry, "");
    let refused = project.run(&["push"]).exited(2);
    assert!(refused.stderr.contains("nothing has been built"));
    Ok(())
}
