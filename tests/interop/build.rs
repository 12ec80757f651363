//! Dockerfiles built by the program under test and by buildah, on the same base images. BuildKit is in [`crate::buildkit`].

use std::path::Path;

use serde_json::Value;
use test_support::base::Bases;
use test_support::case::{Case, Staged};
use test_support::report::{Report, meaningful};

use crate::differences::{Peer, Theirs};
use crate::tools::{self, attempt, run};
use crate::work;

/// Builds a case in a project of its own.
#[track_caller]
pub(crate) fn ours(case: &Case, bases: &Bases) -> (Report, Staged) {
    let staged = case.stage(&work::folder(&case.name), bases);
    let program = Path::new(env!("CARGO_BIN_EXE_pipeline"));
    let cache = work::root().join("cache");
    let report = Report::of(program, &cache, &staged, bases);
    (report, staged)
}

/// Builds a staged case with buildah on images of buildah's storage, given by the names the Dockerfile calls them by.
#[track_caller]
pub(crate) fn buildah(staged: &Staged, stored: &[(String, String)]) -> Theirs {
    let options = &staged.options;
    let name = format!("localhost/{}", work::unique());
    let mut arguments: Vec<String> = [
        "bud",
        "--quiet",
        "--isolation=chroot",
        "--format=docker",
        "--identity-label=false",
        "--pull-never",
        "--jobs=4",
        "--tag",
        &name,
    ]
    .map(str::to_owned)
    .to_vec();
    let place = |path: &str| staged.folder.join(path).display().to_string();
    for (name, image) in stored {
        arguments.push(format!("--build-context={name}=docker-image://{image}"));
    }
    for (name, source) in &options.contexts {
        if let Some(dir) = source.strip_prefix("dir:") {
            arguments.push(format!("--build-context={name}={}", place(dir)));
        }
    }
    for (name, value) in &options.args {
        arguments.push(format!("--build-arg={name}={value}"));
    }
    for (id, source) in &options.secrets {
        let file = place(source.strip_prefix("file:").unwrap());
        arguments.push(format!("--secret=id={id},src={file}"));
    }
    arguments.extend(options.target.iter().map(|it| format!("--target={it}")));
    arguments.push(format!("--file={}", place(&options.file)));
    arguments.push(place(&options.context));
    let (status, _, err) = attempt("buildah", &arguments);
    if status != 0 {
        return Theirs::Refused(err);
    }
    let inspected = run("buildah", ["inspect", "--type", "image", &name]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let mut config = meaningful(&inspected["Docker"]["config"]);
    let author = serde_json::json!({"author": inspected["Docker"]["author"]});
    config.extend(meaningful(&author));
    // None is `/`, and BuildKit says so of what stands on nothing.
    config
        .entry("WorkingDir".to_owned())
        .or_insert_with(|| "/".into());
    Theirs::Built(Peer {
        tree: tools::stored_tree(&name),
        config,
        history: None,
        warnings: None,
    })
}

/// A base image in the tools' storage, from its layout. A short name is looked for under localhost first.
pub(crate) fn stored(name: &str, layout: &Path) -> String {
    let name = format!("localhost/{name}");
    tools::store(&format!("oci:{}", layout.display()), &name);
    name
}
