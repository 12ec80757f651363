//! Where an image is from, as SLSA provenance v1: the run that built it, the commit, every base image by its digest, every pinned
//! download, and what the builder was told.
//!
//! In a GitHub Actions job the build type is GitHub's, so that policies written for it hold. Times are left out: that of signing is in
//! the signature, and building takes none that anybody relies on.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::job::Job;
use crate::stages::record::{Base, Record, Service, Source};

/// What GitHub's own attestations call a build by a workflow.
const WORKFLOW: &str = "https://actions.github.io/buildtypes/workflow/v1";

/// A build by this program, outside of any job.
const LOCAL: &str = "urn:pipeline:build:v1";

/// A machine that nothing vouches for.
const MACHINE: &str = "urn:pipeline:machine";

/// The predicate about an image of the record; `job` is what built it.
pub(crate) fn predicate(record: &Record, service: &Service, job: Option<&Job>) -> Value {
    let build = of_build(record, service);
    let (build_type, external, internal, builder, metadata) = match job {
        Some(job) => (
            WORKFLOW,
            json!({"workflow": {
                "ref": job.reference,
                "repository": job.address(),
                "path": job.workflow_path(),
            }}),
            json!({
                "github": {
                    "event_name": job.event,
                    "repository_id": job.repository_id,
                    "repository_owner_id": job.owner_id,
                    "runner_environment": job.runner,
                },
                "pipeline": build,
            }),
            format!("{}/{}", job.server, job.workflow),
            json!({"invocationId": format!(
                "{}/actions/runs/{}/attempts/{}",
                job.address(), job.run, job.attempt,
            )}),
        ),
        None => (
            LOCAL,
            json!({"service": service.name}),
            json!({"pipeline": build}),
            MACHINE.to_owned(),
            json!({}),
        ),
    };
    json!({
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": external,
            "internalParameters": internal,
            "resolvedDependencies": dependencies(&record.source, service, job),
        },
        "runDetails": {
            "builder": {"id": builder},
            "metadata": metadata,
        },
    })
}

/// What this program did, in the words of the catalog.
fn of_build(record: &Record, service: &Service) -> Value {
    let mut build = Map::new();
    let mut set = |name: &str, value: Value| build.insert(name.to_owned(), value);
    set("service", json!(service.name));
    set("builder", json!(service.builder));
    set("engine", json!(record.engine));
    if let Some(recipe) = &service.recipe {
        set("file", json!(recipe.file));
        if let Some(target) = &recipe.target {
            set("target", json!(target));
        }
        set("arguments", json!(recipe.arguments));
    }
    if let Some(fingerprint) = &service.fingerprint {
        set("fingerprint", json!(fingerprint));
    }
    let platforms = service.platforms.iter();
    let platforms: BTreeMap<_, _> = platforms.map(|it| (&it.platform, &it.digest)).collect();
    set("platforms", json!(platforms));
    Value::Object(build)
}

/// The commit, the bases and what the Dockerfile fetches, as resource descriptors.
fn dependencies(source: &Source, service: &Service, job: Option<&Job>) -> Vec<Value> {
    let bases = service.bases.iter().map(base);
    let downloads = service.recipe.iter().flat_map(|recipe| &recipe.downloads);
    let downloads = downloads.map(|download| {
        let (algorithm, value) = download
            .digest
            .split_once(':')
            .unwrap_or(("sha256", &download.digest));
        json!({"uri": download.uri, "digest": {algorithm: value}})
    });
    std::iter::once(commit(source, job))
        .chain(bases)
        .chain(downloads)
        .collect()
}

/// The source: of a job, where GitHub says it is from.
pub(super) fn commit(source: &Source, job: Option<&Job>) -> Value {
    let (repository, reference) = match job {
        Some(job) => (Some(job.address()), Some(job.reference.clone())),
        None => (source.repository.clone(), source.reference.clone()),
    };
    let mut descriptor = Map::new();
    if let Some(mut uri) = repository.map(|it| format!("git+{it}")) {
        if let Some(reference) = reference {
            uri = format!("{uri}@{reference}");
        }
        descriptor.insert("uri".into(), json!(uri));
    }
    descriptor.insert("digest".into(), json!({"gitCommit": source.commit}));
    Value::Object(descriptor)
}

/// A base as a package URL of type `oci`.
fn base(base: &Base) -> Value {
    let reference = &base.reference;
    let name = reference.repository().rsplit('/').next();
    let name = name.unwrap_or(reference.repository());
    let digest = base.digest.to_string().replace(':', "%3A");
    let address = format!("{}/{}", reference.registry(), reference.repository());
    let address = address.replace(':', "%3A").replace('/', "%2F");
    let mut uri = format!("pkg:oci/{name}@{digest}?repository_url={address}");
    if let Some(tag) = reference.tag() {
        uri = format!("{uri}&tag={tag}");
    }
    json!({
        "uri": uri,
        "digest": {"sha256": base.digest.hex()},
        "name": reference.to_string(),
    })
}
