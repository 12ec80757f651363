//! Registries to build from, filled by another tool, and projects that build on what is in them.

use std::fs;
use std::path::PathBuf;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use tempfile::TempDir;
use test_support::base::Base;
use test_support::registry::{Registry, USER, Wants};

use super::program::{Outcome, run};
use super::project::Project;
use super::{Skip, work};

/// A registry without content.
pub(crate) fn registry(wants: &Wants<'_>) -> Result<Registry, Skip> {
    Registry::start(wants).map_err(Skip)
}

/// Puts a base image into a registry under a name with a tag, whatever is there; its digest.
#[track_caller]
pub(crate) fn push(registry: &Registry, base: Base, name: &str) -> Result<String, Skip> {
    registry.push(base, name).map_err(Skip)
}

/// A project of one service, `app`.
pub(crate) fn project(registries: &str, dockerfile: &str) -> Project {
    let project = Project::cold();
    let catalog = "[project]\nname = \"shop\"\nregistry = \"registry.example.com/acme\"\nservices = [\"app\"]\n";
    project.write("pipeline.toml", &format!("{catalog}{registries}"));
    project.write("app/service.toml", "builder = \"dockerfile\"\n");
    project.write("app/Dockerfile", dockerfile);
    project.write("app/file", "content");
    project
}

/// Declares that a registry has no TLS.
pub(crate) fn plain(registry: &Registry) -> String {
    plain_host(&registry.host)
}

/// The same of a host and its port.
pub(crate) fn plain_host(host: &str) -> String {
    format!("[registries.\"{host}\"]\nplain-http = true\n")
}

/// A certificate that nobody trusts by itself, for this machine.
pub(crate) struct Authority {
    folder: TempDir,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    /// A folder in which another tool finds what to trust.
    pub(crate) fn for_skopeo(&self) -> PathBuf {
        let folder = self.folder.path().join("trusted");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(&self.certificate, folder.join("ca.crt")).unwrap();
        folder
    }
}

/// Makes one.
pub(crate) fn authority() -> Authority {
    let folder = work::folder("tls");
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    Authority {
        folder,
        certificate,
        key,
    }
}

/// Logs [`USER`] in, with a password on standard input.
pub(crate) fn login(project: &Project, registry: &Registry, password: &str) -> Outcome {
    let script = "printf '%s\\n' \"$1\" | \"$2\" login \"$3\" -u \"$4\" --password-stdin";
    let program = env!("CARGO_BIN_EXE_pipeline");
    let mut command = project.bare("sh");
    command.args([
        "-euc",
        script,
        "sh",
        password,
        program,
        &registry.host,
        USER.0,
    ]);
    let bin = project.home.join("bin");
    let path = std::env::var("PATH").unwrap();
    run(command.env("PATH", format!("{}:{path}", bin.display())))
}

impl Project {
    /// What `app` was built on: reference and digest.
    #[track_caller]
    pub(crate) fn bases(&self) -> Vec<(String, String)> {
        let record = self.record();
        let bases = record["services"][0]["bases"].as_array().unwrap().iter();
        bases
            .map(|base| (string(&base["reference"]), string(&base["digest"])))
            .collect()
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
