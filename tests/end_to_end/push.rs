//! `push`: what was built is what is there, a release unit at a time, however often and by however many it is tried.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;
use test_support::base::Base;
use test_support::registry::{Registry, USER, Wants};

use crate::support::program::{self, Outcome};
use crate::support::project::Project;
use crate::support::registry::{plain, push, registry};
use crate::support::{Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "push: another tool and our own engine pull what was built, byte for byte",
            pulled_back,
        ),
        test_if_possible("push: the second time sends nothing and asks little", again),
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
    let project = Project::cold();
    project.write(
        "pipeline.toml",
        &format!(
            "[project]\nname = \"shop\"\nregistry = \"{}/acme\"\nservices = [\"app\", \"migrator\"]\ntags = [\"{{sha}}\"]\n\n{}\n[environments.production]\n{more}",
            registry.host,
            plain(registry)
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

fn digest_of(project: &Project, service: &str) -> String {
    let record = project.record();
    let mut services = record["services"].as_array().unwrap().iter();
    let found = services.find(|it| it["name"] == service).unwrap();
    found["digest"].as_str().unwrap().to_owned()
}

fn tags_of(project: &Project, service: &str) -> Value {
    let record = project.record();
    let mut services = record["services"].as_array().unwrap().iter();
    services.find(|it| it["name"] == service).unwrap()["tags"].clone()
}

/// The digest that a tag has, as another tool sees it.
fn there(registry: &Registry, name: &str) -> Option<String> {
    let asked = Command::new("skopeo")
        .args(["inspect", "--tls-verify=false", "--format={{.Digest}}"])
        .arg(format!("--creds={}:{}", USER.0, USER.1))
        .arg(format!("docker://{}", registry.reference(name)))
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
        for blob in std::fs::read_dir(copy.join("blobs/sha256")).unwrap() {
            let blob = blob.unwrap();
            let ours = project.state("oci/blobs/sha256").join(blob.file_name());
            assert_eq!(
                std::fs::read(ours).unwrap(),
                std::fs::read(blob.path()).unwrap()
            );
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

fn again() -> Verdict {
    let registry = registry(&Wants::default())?;
    let proxy = Proxy::start(&registry.host);
    let project = project(&registry, "");
    project.replace(
        "pipeline.toml",
        &format!("\"{}/acme\"", registry.host),
        &format!("\"{}/acme\"", proxy.host),
    );
    project.replace(
        "pipeline.toml",
        &format!("[registries.\"{}\"]", registry.host),
        &format!("[registries.\"{}\"]", proxy.host),
    );
    commit(&project);
    project.run(&["build"]).succeeded();
    project.run(&["push"]).succeeded();
    let first = proxy.requests();
    let second = project.run(&["push"]).succeeded();
    let asked = proxy.requests() - first;
    assert!(asked < 10 * 2, "{asked} requests for two images");
    assert_eq!(
        second.stdout.matches("was there").count(),
        2,
        "{}",
        second.stdout
    );
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

/// Passes connections on and counts the requests in them.
struct Proxy {
    host: String,
    requests: Arc<AtomicUsize>,
}

impl Proxy {
    fn start(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let (to, counter) = (to.to_owned(), requests.clone());
        // Ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&to) else {
                    continue;
                };
                let (from, into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let counter = counter.clone();
                std::thread::spawn(move || {
                    pass(from, into, |bytes| {
                        let text = String::from_utf8_lossy(bytes);
                        counter.fetch_add(text.matches(" HTTP/1.1\r\n").count(), Ordering::Relaxed);
                    });
                });
                std::thread::spawn(move || pass(server, client, |_| {}));
            }
        });
        Self { host, requests }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, see: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        see(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
