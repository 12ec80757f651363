//! The release record, the OCI layout and what is printed agree with each other and with the checkout.

use std::collections::BTreeSet;
use std::fs;

use ci_oci::Digest;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::built::{SERVICES, built, expected};
use crate::support::project::Project;
use crate::support::template::COMMIT_DATE;
use crate::support::test;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "record: every digest is in the layout, and every blob is what it is called",
            layout,
        ),
        test("record: says what was built from what", source),
        test("record: is what `--output json` prints", printed),
        test(
            "record: bills of materials are where it says",
            bills_of_materials,
        ),
        test("record: knows changes that are not committed", dirty),
        test(
            "record: a later build of one service keeps the others",
            merged,
        ),
        test("record: does not mix commits", not_mixed),
        test("record: tags of an environment", environment),
        test(
            "images: carry commit, time and service, and run as nobody",
            configs,
        ),
    ]
}

fn service<'a>(record: &'a Value, name: &str) -> &'a Value {
    let services = record["services"].as_array().unwrap();
    services
        .iter()
        .find(|service| service["name"] == name)
        .unwrap()
}

fn names(record: &Value) -> Vec<&str> {
    let services = record["services"].as_array().unwrap().iter();
    services
        .map(|service| service["name"].as_str().unwrap())
        .collect()
}

fn layout() {
    let (project, record) = (built(), built().record());
    let index = project.index();
    assert_eq!(index.keys().collect::<Vec<_>>(), SERVICES);
    let mut needed = BTreeSet::new();
    for (name, descriptor) in &index {
        let service = service(&record, name);
        assert_eq!(service["digest"], descriptor["digest"]);
        assert_eq!(service["digest"], expected()[name.as_str()].as_str());
        assert_eq!(service["mediaType"], descriptor["mediaType"]);
        let manifest = project.manifest(name);
        let layers = manifest["layers"].as_array().unwrap();
        let blobs: Vec<&Value> = layers
            .iter()
            .chain([&manifest["config"], descriptor])
            .collect();
        // Layers that an image has twice are one blob.
        let unique: BTreeSet<_> = blobs
            .iter()
            .map(|blob| blob["digest"].as_str().unwrap())
            .collect();
        let sizes = unique.iter().map(|digest| {
            let blob = blobs.iter().find(|blob| blob["digest"] == *digest).unwrap();
            project.blob(blob).len()
        });
        let platform = &service["platforms"][0];
        assert_eq!(platform["size"], sizes.sum::<usize>());
        assert_eq!(platform["digest"], service["digest"], "of one platform");
        let described = &descriptor["platform"];
        let text = |key: &str| described[key].as_str().unwrap().to_owned();
        assert_eq!(
            platform["platform"],
            format!("{}/{}", text("os"), text("architecture"))
        );
        let config = project.config(name);
        assert_eq!(config["architecture"], described["architecture"]);
        assert_eq!(
            config["rootfs"]["diff_ids"].as_array().unwrap().len(),
            layers.len()
        );
        needed.extend(unique.iter().map(|digest| digest.replace("sha256:", "")));
    }
    let blobs = fs::read_dir(project.state("oci/blobs/sha256"))
        .unwrap()
        .flatten();
    let kept: BTreeSet<String> = blobs
        .map(|blob| blob.file_name().into_string().unwrap())
        .collect();
    assert_eq!(kept, needed, "no blob is missing, none needless");
}

fn source() {
    let record = built().record();
    assert_eq!(record["schemaVersion"], 1);
    assert_eq!(record["project"], "pipeline");
    assert_eq!(record["engine"], "embedded");
    assert_eq!(record["environment"], Value::Null);
    assert_eq!(names(&record), SERVICES);
    let source = &record["source"];
    let head = fs::read_to_string(built().root.join(".git/refs/heads/main")).unwrap();
    assert_eq!(source["commit"], head.trim());
    assert_eq!(source["ref"], "refs/heads/main");
    assert_eq!(source["commitTime"], COMMIT_DATE);
    assert_eq!(source["dirty"], false);
    let web = service(&record, "web");
    assert_eq!(web["repository"], "registry.example.com/acme/pipeline-web");
    assert_eq!(web["coupledWith"], json!(["migrator"]));
    assert_eq!(web["builder"], "cargo");
    assert_eq!(service(&record, "migrator")["coupledWith"], json!(["web"]));
    assert_eq!(service(&record, "worker")["builder"], "dockerfile");
}

fn printed() {
    let project = Project::compiled();
    let run = project.run(&["build", "--output", "json"]).succeeded();
    let printed: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(printed, project.record());
}

fn bills_of_materials() {
    let record = built().record();
    for name in ["shell", "web"] {
        let sbom = &service(&record, name)["platforms"][0]["sbom"];
        let bytes = fs::read(built().root.join(sbom["path"].as_str().unwrap())).unwrap();
        assert_eq!(sbom["digest"], Digest::of(&bytes).to_string());
        let bill: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(bill["bomFormat"], "CycloneDX");
        assert_eq!(bill["metadata"]["component"]["name"], name);
    }
}

fn dirty() {
    let project = Project::compiled();
    project.write("notes.txt", "not committed");
    let run = project.run(&["build", "shell"]).succeeded();
    assert_eq!(project.record()["source"]["dirty"], true);
    assert!(run.stderr.contains("UncommittedChanges"), "{}", run.stderr);
    project.sh("rm notes.txt", &[]);
    project.run(&["build", "shell"]).succeeded();
    assert_eq!(
        project.record()["source"]["dirty"],
        false,
        "what the program writes does not count"
    );
}

fn merged() {
    let project = Project::compiled();
    project.build();
    let mut record = project.record();
    // As later stages do.
    record["services"][2]["tags"] = json!(["0123abc-web"]);
    record["services"][2]["signatures"] = json!([{"by": "somebody"}]);
    project.write(".pipeline/release.json", &record.to_string());
    project.run(&["build", "worker"]).succeeded();
    assert_eq!(project.record(), record);
    project.run(&["build"]).succeeded();
    assert_eq!(
        project.record(),
        record,
        "the digest is the same, so what was done with it is"
    );
}

fn not_mixed() {
    let project = Project::compiled();
    project.build();
    project.git(&["commit", "--quiet", "--allow-empty", "--message=Next"]);
    project.run(&["build", "worker"]).succeeded();
    assert_eq!(names(&project.record()), ["worker"]);
    project.write(".pipeline/release.json", "{ \"schemaVersion\": ");
    project.run(&["build", "shell"]).succeeded();
    assert_eq!(
        names(&project.record()),
        ["shell"],
        "a broken record is no record"
    );
}

fn environment() {
    let project = Project::compiled();
    project.replace(
        "pipeline.toml",
        "[environments.preview]",
        "[environments.preview]\ntags = [\"{env}-{short_sha}-{service}\"]",
    );
    project.git(&["commit", "--quiet", "--all", "--message=Tags"]);
    let run = project
        .run(&["build", "web", "--env", "preview"])
        .succeeded();
    let record = project.record();
    assert_eq!(record["environment"], "preview");
    let commit = record["source"]["commit"].as_str().unwrap();
    for name in ["web", "migrator"] {
        let short = &commit[..7];
        let reference = format!("registry.example.com/acme/pipeline-{name}:preview-{short}-{name}");
        assert!(
            run.stdout.contains(&reference),
            "{reference}\n{}",
            run.stdout
        );
    }
}

fn configs() {
    let commit = built().record()["source"]["commit"]
        .as_str()
        .unwrap()
        .to_owned();
    for name in SERVICES {
        let config = built().config(name);
        assert_eq!(config["created"], COMMIT_DATE);
        assert_eq!(config["config"]["User"], "65532:65532", "{name}");
        let env = config["config"]["Env"].to_string();
        let has_commit = env.contains(&format!("GIT_SHA={commit}"));
        // What others stand on says nothing of the commit, or none of it could be cached.
        assert_eq!(has_commit, name != "shell", "{name}: {env}");
        assert_eq!(
            env.contains(&format!("SERVICE={name}")),
            name != "shell",
            "{name}: {env}"
        );
        assert_eq!(
            env.contains(&format!("BUILD_TS={COMMIT_DATE}")),
            name != "shell",
            "{name}: {env}"
        );
    }
}
