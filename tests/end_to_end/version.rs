//! `version`, and the version in tags, arguments and records.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::support::images::json as parse;
use crate::support::project::{Project, text};
use crate::support::registry::{plain, project, registry};
use crate::support::{Verdict, test, test_if_possible};
use test_support::registry::Wants;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("version: of the tag, or what comes next and why", next),
        test(
            "version: in images and records where the catalog asks for it",
            used,
        ),
        test_if_possible(
            "version: what was built is what is pushed, whatever was tagged since",
            pushed,
        ),
        test("version: in a shallow clone nothing is guessed", shallow),
        test(
            "images: say where they are from, however they were cloned",
            labels,
        ),
    ]
}

fn commit(project: &Project, message: &str) {
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
}

fn version(project: &Project) -> Value {
    let answer = project.run(&["version", "--output", "json"]).succeeded();
    parse(answer.stdout.as_bytes())["version"].clone()
}

fn next() {
    let project = Project::cold();
    assert_eq!(
        version(&project),
        Value::Null,
        "no commit asks for a release"
    );
    commit(&project, "feat: a beginning");
    assert_eq!(version(&project), "1.0.0");
    project.git(&["tag", "v1.4.2"]);
    assert_eq!(version(&project), "1.4.2");
    commit(&project, "docs: words");
    assert_eq!(version(&project), Value::Null);
    commit(&project, "fix: it\n\nBREAKING CHANGE: all of it");
    let told = project.run(&["version"]).succeeded();
    assert!(
        told.stdout.starts_with("2.0.0 follows 1.4.2\n  major  "),
        "{}",
        told.stdout
    );
}

fn used() {
    let project = project(
        "tags = [\"{version}\"]\n",
        "FROM scratch\nARG VERSION\nLABEL built=$VERSION\nCOPY file /\n",
    );
    project.replace(
        "pipeline.toml",
        "tags = [\"{version}\"]\n",
        "[environments.production]\ntags = [\"{version}\"]\nmoving-tags = [\"{major_minor}\"]\n",
    );
    project.write(
        "app/service.toml",
        "builder = \"dockerfile\"\n[dockerfile]\nargs = { VERSION = \"{version}\" }\n",
    );
    commit(&project, "feat: a beginning");
    project.git(&["tag", "1.4.2"]);
    let built = project.run(&["build", "--env", "production"]).succeeded();
    assert!(
        built.stdout.contains("/shop-app:1.4.2 "),
        "{}",
        built.stdout
    );
    assert_eq!(project.record()["source"]["version"], "1.4.2");
    let labels = project.config("app")["config"]["Labels"].clone();
    assert_eq!(labels["built"], "1.4.2");
    assert_eq!(labels["org.opencontainers.image.version"], "1.4.2");
    commit(&project, "docs: nothing to release");
    let none = project.run(&["build", "--env", "production"]).exited(2);
    assert!(
        none.stderr.contains("`{version}` has no value here"),
        "{}",
        none.stderr
    );
    assert!(
        none.stderr.contains("the `version` command"),
        "{}",
        none.stderr
    );
}

fn shallow() {
    let origin = Project::cold();
    commit(&origin, "feat: a beginning");
    let clone = Project::cold();
    let url = format!("file://{}", text(&origin.root));
    clone.sh(
        "find . -mindepth 1 -delete; git clone --quiet --depth=1 \"$1\" .",
        &[&url],
    );
    let refused = clone.run(&["version"]).exited(2);
    assert!(
        refused.stderr.contains("git fetch --unshallow --tags"),
        "{}",
        refused.stderr
    );
    let affected = clone
        .run(&["affected", "--since", "origin/other", "--output", "names"])
        .succeeded();
    assert_eq!(affected.stdout, "migrator\npipeline\nshell\nweb\nworker\n");
    assert!(
        affected.stderr.contains("git fetch --deepen="),
        "{}",
        affected.stderr
    );
}

fn labels() {
    let images = [
        "https://token@example.com/acme/shop.git",
        "git@example.com:acme/shop",
    ]
    .map(|url| {
        let project = project(
            "",
            "FROM scratch\nCOPY file /\nLABEL org.opencontainers.image.title=App\n",
        );
        commit(&project, "a beginning");
        project.git(&["remote", "set-url", "origin", url]);
        project.run(&["build"]).succeeded();
        let commit = project.record()["source"]["commit"].clone();
        let labels = project.config("app")["config"]["Labels"].clone();
        let name = |name: &str| labels[format!("org.opencontainers.image.{name}")].clone();
        assert_eq!(name("source"), "https://example.com/acme/shop");
        assert_eq!(name("revision"), commit);
        assert_eq!(name("title"), "App");
        assert_eq!(name("created"), project.config("app")["created"]);
        assert_eq!(project.manifest("app")["annotations"], labels);
        project.record()["services"][0]["digest"].clone()
    });
    assert_eq!(images[0], images[1]);
}

fn pushed() -> Verdict {
    let registry = registry(&Wants::default())?;
    let environment =
        "[environments.production]\ntags = [\"{version}\"]\nmoving-tags = [\"{major_minor}\"]\n";
    let project = project(
        &format!("{}{environment}", plain(&registry)),
        "FROM scratch\nCOPY file /\n",
    );
    project.replace("pipeline.toml", "registry.example.com", &registry.host);
    commit(&project, "feat: a beginning");
    project.run(&["build", "--env", "production"]).succeeded();
    project.git(&["tag", "v7.0.0"]);
    let pushed = project.run(&["push"]).succeeded();
    for tag in ["shop-app:1.0.0 ", "shop-app:1.0 "] {
        assert!(pushed.stdout.contains(tag), "{tag}: {}", pushed.stdout);
    }
    Ok(())
}
