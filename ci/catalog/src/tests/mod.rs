//! Tests of the catalog as a whole: files in, a catalog or its errors out.

mod deployments;
mod errors;
mod limits;
mod loading;
mod planning;
mod registries;
mod robustness;
mod schema;
mod signing;
mod tags;
mod values;

use std::path::Path;

use crate::{Catalog, MemoryFiles};

/// A `pipeline.toml` that is right, for tests of what it leads to.
const PIPELINE: &str = r#"[project]
name = "shop"
registry = "registry.example.com/acme"
services = ["services/*"]

[environments.preview]
"#;

/// A service that is right, of the kind that needs only a Dockerfile beside it.
const DOCKERFILE_SERVICE: &str = "builder = \"dockerfile\"\n";

/// A root with services that have a Dockerfile and a Cargo manifest each.
pub(crate) fn files(services: &[(&str, &str)]) -> MemoryFiles {
    let mut files = MemoryFiles::new().with("pipeline.toml", PIPELINE);
    for (name, text) in services {
        let folder = Path::new("services").join(name);
        files = files
            .with(folder.join("service.toml"), *text)
            .with(folder.join("Dockerfile"), "FROM scratch\n")
            .with(folder.join("Cargo.toml"), "[package]\n");
    }
    files
}

pub(crate) fn load(files: &MemoryFiles) -> Catalog {
    match Catalog::from_files(Path::new("/root"), files) {
        Ok(catalog) => catalog,
        Err(errors) => panic!("{errors}"),
    }
}

/// What a user reads of a catalog that cannot be loaded.
fn report(files: &MemoryFiles) -> String {
    match Catalog::from_files(Path::new("/root"), files) {
        Ok(_) => panic!("the catalog was loaded"),
        Err(errors) => errors.to_string(),
    }
}

/// What a user reads of a single service that is wrong.
fn report_service(text: &str) -> String {
    report(&files(&[("web", text)]))
}
