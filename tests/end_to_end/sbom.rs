//! `sbom`: what is in the images that were built and in those of registries, told the same way by everybody.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value;
use test_support::registry::Wants;

use crate::support::built::{SERVICES, built};
use crate::support::program::run;
use crate::support::project::{Project, text};
use crate::support::registry::{plain, project, registry};
use crate::support::{Verdict, test, test_if_possible, work};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("sbom: the same documents, whoever asks", same_documents),
        test(
            "sbom: a program is known wherever it was copied to",
            copied_program,
        ),
        test("sbom: packages of layers and of later layers", packages),
        test("sbom: every platform has its own", platforms),
        test("sbom: what cannot be told is told", mistakes),
        test_if_possible("sbom: an image of a registry", of_registry),
    ]
}

fn document(project: &Project, arguments: &[&str]) -> Value {
    let said = project.run(&[&["sbom"], arguments].concat()).succeeded();
    serde_json::from_str(&said.stdout).unwrap()
}

/// Purls, or names, of all components.
fn components(document: &Value) -> Vec<String> {
    let components = document["components"].as_array().unwrap().iter();
    let name = |it: &Value| {
        it["purl"]
            .as_str()
            .or(it["name"].as_str())
            .unwrap()
            .to_owned()
    };
    components.map(name).collect()
}

fn same_documents() {
    let project = built();
    let record = project.record();
    let folders = [(); 2].map(|()| work::folder("sboms"));
    for (folder, (zone, umask)) in folders.iter().zip([("UTC", "022"), ("Asia/Tokyo", "077")]) {
        for format in ["spdx", "cyclonedx"] {
            let program = env!("CARGO_BIN_EXE_pipeline");
            let mut command = project.bare("sh");
            command
                .args([
                    "-euc",
                    "umask $1; exec \"$2\" sbom --format $3 --output-dir \"$4\"",
                ])
                .args(["sh", umask, program, format, text(folder.path())])
                .env("TZ", zone);
            let said = run(&mut command).succeeded();
            assert_eq!(said.stdout.lines().count(), SERVICES.len());
        }
    }
    for service in record["services"].as_array().unwrap() {
        let name = service["name"].as_str().unwrap();
        let digest = service["platforms"][0]["digest"].as_str().unwrap();
        let platform = service["platforms"][0]["platform"].as_str().unwrap();
        for (extension, version) in [
            ("spdx.json", "/packages/0/versionInfo"),
            ("cdx.json", "/metadata/component/version"),
        ] {
            let file = format!("{name}.{}.{extension}", platform.replace('/', "-"));
            let [one, other] =
                [&folders[0], &folders[1]].map(|it| fs::read(it.path().join(&file)).unwrap());
            assert_eq!(one, other, "{file}");
            let document: Value = serde_json::from_slice(&one).unwrap();
            assert_eq!(*document.pointer(version).unwrap(), *digest);
        }
    }
}

fn copied_program() {
    let document = document(built(), &["worker", "--format", "cyclonedx"]);
    let components = document["components"].as_array().unwrap();
    let web = components.iter().find(|it| it["name"] == "web").unwrap();
    assert_eq!(web["type"], "application");
    let place = web["evidence"]["occurrences"][0]["location"]
        .as_str()
        .unwrap();
    assert!(place.starts_with('/'), "{place}");
    let table = built().run(&["sbom", "worker"]).succeeded();
    assert!(table.stdout.contains("\nweb "), "{}", table.stdout);
}

fn packages() {
    let project = project(
        "",
        "FROM scratch AS base\nCOPY old/ /\nFROM base\nCOPY new/ /\nCOPY file /usr/lib/os-release\n",
    );
    let status = |version: &str| {
        format!(
            "Package: libc6\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n"
        )
    };
    project.write("app/old/var/lib/dpkg/status", &status("1.0"));
    project.write(
        "app/old/srv/node_modules/a/package.json",
        r#"{"name":"a","version":"1.0.0"}"#,
    );
    project.write("app/new/var/lib/dpkg/status", &status("2.0"));
    project.write("app/file", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian\n");
    project.build();
    let document = document(&project, &["app", "--format", "cyclonedx"]);
    assert_eq!(
        components(&document),
        [
            "debian",
            "pkg:deb/debian/libc6@2.0?arch=all&distro=debian-12",
            "pkg:npm/a@1.0.0"
        ]
    );
}

fn platforms() {
    let project = project(
        "",
        "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /srv/node_modules/a/package.json\n",
    );
    for (arch, version) in [("amd64", "1.0.0"), ("arm64", "2.0.0")] {
        let manifest = format!(r#"{{"name":"a","version":"{version}"}}"#);
        project.write(&format!("app/{arch}"), &manifest);
    }
    project.build_with(&["--platform", "linux/amd64,linux/arm64"]);
    for (platform, purl) in [
        ("linux/amd64", "pkg:npm/a@1.0.0"),
        ("linux/arm64", "pkg:npm/a@2.0.0"),
    ] {
        let arguments = ["app", "--format", "cyclonedx", "--platform", platform];
        assert_eq!(components(&document(&project, &arguments)), [purl]);
    }
    let said = project.run(&["sbom", "--format", "spdx"]).exited(2);
    assert!(
        said.stderr.contains("there are 2 documents"),
        "{}",
        said.stderr
    );
}

fn mistakes() {
    let project = built();
    let said = project.run(&["sbom", "wbe"]).exited(2);
    assert!(
        said.stderr.contains("did you mean `web`?"),
        "{}",
        said.stderr
    );
    let said = project.run(&["sbom", "--format", "spdx"]).exited(2);
    assert!(
        said.stderr.contains("`--output-dir DIR`"),
        "{}",
        said.stderr
    );
    let said = project
        .run(&["sbom", "web", "--platform", "linux/s390x"])
        .exited(2);
    assert!(
        said.stderr.contains("web was not built for linux/s390x"),
        "{}",
        said.stderr
    );
    let said = Project::cold().run(&["sbom"]).exited(2);
    assert!(
        said.stderr.contains("nothing has been built"),
        "{}",
        said.stderr
    );
}

fn of_registry() -> Verdict {
    let registry = registry(&Wants::default())?;
    let project = project(
        &plain(&registry),
        "FROM scratch\nCOPY file /srv/node_modules/a/package.json\n",
    );
    project.write("app/file", r#"{"name":"a","version":"1.0.0"}"#);
    project.replace("pipeline.toml", "registry.example.com", &registry.host);
    project.replace(
        "pipeline.toml",
        "services = [\"app\"]",
        "services = [\"app\"]\ntags = [\"{sha}\"]",
    );
    project.build();
    project.run(&["push", "--allow-dirty"]).succeeded();
    let reference = |of: &Project| {
        let record = of.record();
        let service = &record["services"][0];
        format!(
            "{}@{}",
            service["repository"].as_str().unwrap(),
            service["digest"].as_str().unwrap()
        )
    };
    let arguments = ["--image", &reference(&project), "--format", "cyclonedx"];
    let pulled = document(&project, &arguments);
    assert_eq!(components(&pulled), ["pkg:npm/a@1.0.0"]);
    // What was built here and what came from there are one.
    assert_eq!(
        pulled,
        document(&project, &["app", "--format", "cyclonedx"])
    );
    // Nothing of it is at hand here.
    project.sh("rm -rf .pipeline/oci", &[]);
    assert_eq!(document(&project, &arguments), pulled);
    let said = project.run(&[&["sbom", "--platform", "linux/s390x"][..], &arguments[..2]].concat());
    assert!(said.exited(2).stderr.contains("is not for linux/s390x"));
    Ok(())
}
