//! `build --reuse`: what a registry has of the same inputs is not built again, and nothing else is taken for it.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;
use test_support::base::Base;
use test_support::registry::{Registry, Wants};

use crate::support::images::json as parse;
use crate::support::program::{Outcome, run};
use crate::support::project::{Project, text};
use crate::support::registry::{plain, push, registry};
use crate::support::{Verdict, test, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "reuse: what another machine pushed is not built, and gets the tags of the next commit",
            found,
        ),
        test_if_possible(
            "reuse: a change builds its services and those that stand on them",
            changed,
        ),
        test_if_possible("reuse: tests run on the image that is there", tested),
        test_if_possible(
            "reuse: several platforms are reused together or not at all",
            platforms,
        ),
        test_if_possible("reuse: what is doubtful is built, with a warning", doubtful),
        test_if_possible(
            "reuse: a registry that does not answer costs one warning",
            unreachable,
        ),
        test_if_possible(
            "reuse: an entry that leads nowhere is replaced by the next push",
            replaced,
        ),
        test_if_possible(
            "reuse: a base that brings instructions along is not trusted to a fingerprint",
            triggers,
        ),
        test(
            "fingerprints: the same in another folder, with another umask and other files around",
            anywhere,
        ),
        test_if_possible(
            "fingerprints: in tags that are pushed once for each content",
            in_tags,
        ),
    ]
}

/// `base` and `app`, which stands on it, in one registry; committed.
fn shop(registry: &Registry) -> Project {
    let project = Project::cold();
    project.write(
        "pipeline.toml",
        &format!(
            "[project]\nname = \"shop\"\nregistry = \"{}/acme\"\nservices = [\"app\", \"base\"]\ntags = [\"{{sha}}\"]\n{}",
            registry.host,
            plain(registry)
        ),
    );
    let file = "FROM scratch\nCOPY file /file\n";
    project.write("base/service.toml", "builder = \"dockerfile\"\n");
    project.write("base/Dockerfile", file);
    project.write("base/file", "of base");
    project.write(
        "app/service.toml",
        "builder = \"dockerfile\"\n[dockerfile.contexts]\nbase = \"service:base\"\n",
    );
    project.write("app/Dockerfile", "FROM base\nCOPY file /app\n");
    project.write("app/file", "of app");
    commit(&project);
    project
}

fn commit(project: &Project) {
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message", "change"]);
}

/// The same checkout on another machine: nothing is cached there.
fn elsewhere(project: &Project) -> Project {
    let other = Project::cold();
    other.sh(
        "find . -mindepth 1 -delete; git clone --quiet --no-local \"$1\" .",
        &[text(&project.root)],
    );
    other
}

fn service(project: &Project, name: &str) -> Value {
    let record = project.record();
    let mut services = record["services"].as_array().unwrap().iter();
    services.find(|it| it["name"] == name).unwrap().clone()
}

#[track_caller]
fn has_row(outcome: &Outcome, service: &str, is_reused: bool) {
    let mut rows = outcome.stdout.lines();
    let row = rows.find(|row| row.starts_with(service));
    let row = row.unwrap_or_else(|| panic!("no {service}: {}", outcome.stdout));
    assert_eq!(
        row.ends_with("REUSED"),
        is_reused,
        "{row}\n{}",
        outcome.stderr
    );
}

/// What a tag names, as another tool sees it.
fn digest_there(registry: &Registry, name: &str) -> Option<String> {
    let asked = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{}", registry.reference(name)))
        .output()
        .unwrap();
    asked
        .status
        .success()
        .then(|| ci_oci::Digest::of(&asked.stdout).to_string())
}

/// The name of a service's entry.
fn entry(project: &Project, name: &str) -> String {
    let fingerprint = service(project, name)["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    format!("acme/shop-{name}:fingerprint-{}", &fingerprint[..32])
}

fn found() -> Verdict {
    let registry = registry(&Wants::default())?;
    let first = shop(&registry);
    let nothing = first.run(&["build", "--reuse"]).succeeded();
    has_row(&nothing, "app", false);
    assert!(!nothing.stderr.contains("NotReused"), "{}", nothing.stderr);
    first.run(&["push"]).succeeded();

    first.write("README.md", "for people");
    commit(&first);
    let second = elsewhere(&first);
    let built = second.run(&["build", "--reuse"]).succeeded();
    for name in ["app", "base"] {
        has_row(&built, name, true);
        let (ours, theirs) = (service(&second, name), service(&first, name));
        for member in ["digest", "fingerprint", "platforms", "bases", "mediaType"] {
            assert_eq!(ours[member], theirs[member], "{member}");
        }
        assert_eq!(ours["reused"], true);
        assert_eq!(theirs["reused"], Value::Null);
    }
    assert!(!built.stderr.contains("COPY"), "{}", built.stderr);
    // The plan knows the same fingerprints without a build.
    let planned = second
        .run(&["plan", "--offline", "--output", "json"])
        .succeeded();
    let planned = parse(planned.stdout.as_bytes());
    for it in planned["services"].as_array().unwrap() {
        let name = it["name"].as_str().unwrap();
        assert_eq!(it["fingerprint"], service(&first, name)["fingerprint"]);
    }

    let pushed = second.run(&["push"]).succeeded();
    assert!(pushed.stdout.contains("tags only"), "{}", pushed.stdout);
    let sha = second.record()["source"]["commit"]
        .as_str()
        .unwrap()
        .to_owned();
    for name in ["app", "base"] {
        let digest = service(&second, name)["digest"]
            .as_str()
            .unwrap()
            .to_owned();
        let there = digest_there(&registry, &format!("acme/shop-{name}:{sha}"));
        assert_eq!(there, Some(digest));
    }
    // Whether an image can be found this way does not change it.
    let plainly = elsewhere(&second);
    plainly.run(&["build"]).succeeded();
    plainly.run(&["build", "--reuse"]).succeeded();
    let again = plainly.run(&["build"]).succeeded();
    has_row(&again, "app", false);
    assert_eq!(service(&plainly, "app")["reused"], Value::Null);
    Ok(())
}

fn changed() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = shop(&registry);
    project.run(&["build"]).succeeded();
    project.run(&["push"]).succeeded();
    project.write("app/file", "changed");
    commit(&project);
    let other = elsewhere(&project);
    let built = other.run(&["build", "--reuse"]).succeeded();
    has_row(&built, "app", false);
    has_row(&built, "base", true);
    assert!(built.stderr.contains("COPY file /app"), "{}", built.stderr);
    // What is not built is stood upon all the same.
    let layers = |name: &str| {
        let image = other.state("oci");
        let asked = Command::new("skopeo")
            .args(["inspect", "--raw", &format!("oci:{}:{name}", text(&image))])
            .output()
            .unwrap();
        parse(&asked.stdout)["layers"].as_array().unwrap().len()
    };
    assert_eq!(layers("app"), 2);
    other.run(&["push"]).succeeded();

    project.write("base/file", "changed");
    commit(&project);
    let built = elsewhere(&project).run(&["build", "--reuse"]).succeeded();
    has_row(&built, "app", false);
    has_row(&built, "base", false);
    Ok(())
}

fn tested() -> Verdict {
    let registry = registry(&Wants::default())?;
    push(&registry, Base::Busybox, "base:1")?;
    let project = shop(&registry);
    let base = registry.reference("base:1");
    project.write(
        "base/Dockerfile",
        &format!("FROM {base}\nCOPY file /file\n"),
    );
    project.write(
        "base/service.toml",
        "builder = \"dockerfile\"\n[contract]\nkind = \"job\"\nargs = [\"cat\", \"/file\"]\n",
    );
    commit(&project);
    project.run(&["build"]).succeeded();
    project.run(&["push"]).succeeded();
    let other = elsewhere(&project);
    let tested = other.run(&["test", "base", "--reuse"]).succeeded();
    assert!(tested.stdout.contains("kept"), "{}", tested.stdout);
    assert!(!tested.stderr.contains("COPY"), "{}", tested.stderr);
    assert_eq!(service(&other, "base")["reused"], true);
    assert_eq!(
        service(&other, "base")["bases"],
        service(&project, "base")["bases"]
    );
    Ok(())
}

fn platforms() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = shop(&registry);
    let both = "platforms = [\"linux/arm64\", \"linux/amd64\"]\nbuilder = \"dockerfile\"\n";
    project.write("base/service.toml", both);
    commit(&project);
    project.run(&["build", "base"]).succeeded();
    project.run(&["push"]).succeeded();
    let other = elsewhere(&project);
    let built = other.run(&["build", "base", "--reuse"]).succeeded();
    has_row(&built, "base", true);
    assert_eq!(
        service(&other, "base")["platforms"],
        service(&project, "base")["platforms"]
    );
    let one = other
        .run(&["build", "base", "--reuse", "--platform", "linux/arm64"])
        .succeeded();
    has_row(&one, "base", false);
    Ok(())
}

/// One warning for `base`, which is built.
#[track_caller]
fn is_built_with_warning(project: &Project, warning: &str) {
    let built = elsewhere(project)
        .run(&["build", "base", "--reuse"])
        .succeeded();
    has_row(&built, "base", false);
    assert_eq!(
        built.stderr.matches("NotReused").count(),
        1,
        "{}",
        built.stderr
    );
    assert!(
        built.stderr.contains(warning),
        "{warning}: {}",
        built.stderr
    );
}

/// R4, R5: a tag that somebody moved, and content that is not what it is called.
fn doubtful() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = shop(&registry);
    project.run(&["build"]).succeeded();
    project.run(&["push"]).succeeded();
    let entry_of_base = entry(&project, "base");
    let copy = |from: &str, to: &str| {
        let place = |name: &str| format!("docker://{}", registry.reference(name));
        run(Command::new("skopeo").args([
            "copy",
            "--quiet",
            "--all",
            "--preserve-digests",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            &place(from),
            &place(to),
        ]))
        .succeeded();
    };
    copy(&entry_of_base, "acme/kept:1");
    // The entry of another service, and an image that is no entry.
    copy(&entry(&project, "app"), &entry_of_base);
    is_built_with_warning(&project, "is the entry of another fingerprint");
    let digest = service(&project, "app")["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    copy(&format!("acme/shop-app@{digest}"), &entry_of_base);
    is_built_with_warning(&project, "is an image, not an entry");
    // An entry for this fingerprint that leads to something else than was asked for.
    copy("acme/kept:1", &entry_of_base);
    let layout = ci_oci::Layout::open(&project.state("oci")).unwrap();
    let images = layout.images().unwrap();
    let (_, image) = images
        .into_iter()
        .find(|(name, _)| name.as_deref() == Some("base"))
        .unwrap();
    let manifest = parse(&layout.read_blob(&image).unwrap());
    let config = manifest["config"]["digest"].as_str().unwrap();
    let config = registry.blob(config);
    let whole = fs::read(&config).unwrap();
    fs::write(
        &config,
        String::from_utf8(whole.clone())
            .unwrap()
            .replace("linux", "lunix"),
    )
    .unwrap();
    is_built_with_warning(&project, "127.0.0.1");
    fs::write(&config, whole).unwrap();
    let built = elsewhere(&project)
        .run(&["build", "base", "--reuse"])
        .succeeded();
    has_row(&built, "base", true);
    Ok(())
}

fn unreachable() -> Verdict {
    let mut registry = registry(&Wants::default())?;
    let project = shop(&registry);
    registry.stop();
    let built = project.run(&["build", "--reuse"]).succeeded();
    has_row(&built, "app", false);
    has_row(&built, "base", false);
    assert_eq!(
        built.stderr.matches("NotReused").count(),
        1,
        "{}",
        built.stderr
    );
    assert!(
        built.stderr.contains("built, not reused: app, base: "),
        "{}",
        built.stderr
    );
    let wrong = project.run(&["build", "--reuse", "--no-cache"]).exited(2);
    assert!(wrong.stderr.contains("--no-cache"), "{}", wrong.stderr);
    Ok(())
}

fn replaced() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = shop(&registry);
    project.run(&["build", "base"]).succeeded();
    project.run(&["push"]).succeeded();
    let entry_of_base = entry(&project, "base");
    let before = digest_there(&registry, &entry_of_base).unwrap();
    let image = service(&project, "base")["digest"]
        .as_str()
        .unwrap()
        .to_owned();

    // Another image of the same inputs does not take its place.
    project.write("README.md", "for people");
    commit(&project);
    project.run(&["build", "base"]).succeeded();
    assert_ne!(service(&project, "base")["digest"], image.as_str());
    project.run(&["push"]).succeeded();
    assert_eq!(
        digest_there(&registry, &entry_of_base).as_ref(),
        Some(&before)
    );

    // Unless the first is gone.
    let link = registry.blob(&image);
    fs::remove_file(&link).unwrap();
    let revision = registry.revision("acme/shop-base", &image);
    fs::remove_dir_all(revision).unwrap();
    project.write("README.md", "for more people");
    commit(&project);
    is_built_with_warning(&project, "base");
    project.run(&["build", "base"]).succeeded();
    let pushed = project.run(&["push"]).succeeded();
    assert!(!pushed.stderr.contains("NotReusable"), "{}", pushed.stderr);
    assert_ne!(digest_there(&registry, &entry_of_base).unwrap(), before);
    let built = elsewhere(&project)
        .run(&["build", "base", "--reuse"])
        .succeeded();
    has_row(&built, "base", true);
    Ok(())
}

fn triggers() -> Verdict {
    let registry = registry(&Wants::default())?;
    let maker = shop(&registry);
    maker.write(
        "base/Dockerfile",
        "FROM scratch\nCOPY file /file\nONBUILD COPY hidden /hidden\n",
    );
    commit(&maker);
    maker.run(&["build", "base"]).succeeded();
    maker.run(&["push"]).succeeded();
    let sha = maker.record()["source"]["commit"]
        .as_str()
        .unwrap()
        .to_owned();
    let image = registry.reference(&format!("acme/shop-base:{sha}"));

    let project = shop(&registry);
    project.write(
        "base/Dockerfile",
        &format!("FROM {image}\nCOPY file /again\n"),
    );
    project.write("base/hidden", "read by the base's instruction");
    commit(&project);
    project.run(&["build", "base"]).succeeded();
    assert_eq!(service(&project, "base")["fingerprint"], Value::Null);
    // With all of the context read anyway, the trigger adds nothing.
    project.write("base/Dockerfile", &format!("FROM {image}\nCOPY . /again\n"));
    commit(&project);
    project.run(&["build", "base"]).succeeded();
    assert!(service(&project, "base")["fingerprint"].is_string());
    Ok(())
}

/// The fingerprints of the samples, by service.
fn planned(project: &Project) -> Vec<(String, String)> {
    let planned = project
        .run(&["plan", "--offline", "--output", "json"])
        .succeeded();
    let planned = parse(planned.stdout.as_bytes());
    let services = planned["services"].as_array().unwrap().iter();
    let text = |it: &Value, member: &str| it[member].as_str().unwrap().to_owned();
    services
        .map(|it| (text(it, "name"), text(it, "fingerprint")))
        .collect()
}

fn anywhere() {
    let one = Project::cold();
    let two = Project::in_folder("other name");
    two.sh("umask 077; cp -r . \"$1/copy\"; find . -mindepth 1 -delete; mv \"$1/copy\"/* \"$1/copy\"/.[!.]* .", &[text(two.dir.path())]);
    two.sh(
        "find . -type f ! -path './.git/*' -exec touch -d 2001-02-03 {} +",
        &[],
    );
    two.write("tests/services/web/target/debug/x", "left by cargo");
    two.write("tests/services/jobs/unread/x", "");
    let expected = planned(&one);
    assert_eq!(expected.len(), 4);
    assert_eq!(planned(&two), expected);
    // With a cache, that of a build and that of a plan.
    one.write(
        "tests/services/jobs/jobs/new.job",
        "name = new\nperiod = 60\n",
    );
    let changed: Vec<_> = planned(&one)
        .into_iter()
        .zip(&expected)
        .filter(|(a, b)| a != *b)
        .collect();
    let names: Vec<&str> = changed.iter().map(|((name, _), _)| name.as_str()).collect();
    assert_eq!(names, ["worker"]);
}

fn in_tags() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = shop(&registry);
    project.replace("pipeline.toml", "{sha}", "content-{fingerprint}");
    let file = fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    project.write("pipeline.toml", &format!("{file}[environments.preview]\n"));
    commit(&project);
    let built = project.run(&["build", "--env", "preview"]).succeeded();
    let fingerprint = service(&project, "base")["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let tag = format!("acme/shop-base:content-{}", &fingerprint[..32]);
    assert!(built.stdout.contains(&tag), "{}", built.stdout);
    project.run(&["push"]).succeeded();
    let digest = service(&project, "base")["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(digest_there(&registry, &tag), Some(digest));
    // The next commit is of the same content: with `--reuse` it is the same image, and the tag is right.
    project.write("README.md", "for people");
    commit(&project);
    let other = elsewhere(&project);
    other
        .run(&["build", "--env", "preview", "--reuse"])
        .succeeded();
    let pushed = other.run(&["push"]).succeeded();
    assert_eq!(
        pushed.stdout.matches("was there").count(),
        2,
        "{}",
        pushed.stdout
    );
    Ok(())
}
