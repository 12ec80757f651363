//! What the embedded engine adds to Dagger's API: arguments of `Directory.dockerBuild` (named contexts, limits, and a
//! Dockerfile that is not in the context), and `File.exportLayout`. The generated functions of `dagger-sdk` do not know
//! them, so the calls are put together here.

use std::collections::BTreeMap;

use dagger_sdk::errors::DaggerError;
use dagger_sdk::{Container, Directory, File, Id};
use serde::Serialize;

use crate::stages::limits::Input as Limits;

/// The arguments of a build.
#[derive(Debug, Default)]
pub(crate) struct DockerBuild {
    /// Path of the Dockerfile in the directory, or in `dockerfiles`.
    pub(crate) dockerfile: String,
    /// The directory of the Dockerfile, if it is not in the context.
    pub(crate) dockerfiles: Option<Id>,
    pub(crate) platform: String,
    pub(crate) arguments: BTreeMap<String, String>,
    pub(crate) target: Option<String>,
    pub(crate) secrets: Vec<Id>,
    /// The socket of an SSH agent.
    pub(crate) ssh: Option<Id>,
    pub(crate) contexts: Vec<Context>,
    pub(crate) limits: Option<Limits>,
}

/// A name that `FROM` and `--from` use, and what it stands for: the input object `NamedContext`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oci_layout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
}

impl Context {
    fn empty(name: String) -> Self {
        Self {
            name,
            container: None,
            directory: None,
            oci_layout: None,
            image: None,
        }
    }

    /// An image.
    pub(crate) fn container(name: String, id: Id) -> Self {
        Self {
            container: Some(id),
            ..Self::empty(name)
        }
    }

    /// A directory.
    pub(crate) fn directory(name: String, id: Id) -> Self {
        Self {
            directory: Some(id),
            ..Self::empty(name)
        }
    }

    /// An image in an OCI image layout on the host.
    pub(crate) fn oci_layout(name: String, path: String) -> Self {
        Self {
            oci_layout: Some(path),
            ..Self::empty(name)
        }
    }

    /// An image in a registry.
    pub(crate) fn image(name: String, reference: String) -> Self {
        Self {
            image: Some(reference),
            ..Self::empty(name)
        }
    }
}

#[derive(Serialize)]
struct BuildArg<'a> {
    name: &'a str,
    value: &'a str,
}

/// The container that a Dockerfile makes with `directory` as its context.
pub(crate) fn docker_build(directory: &Directory, build: &DockerBuild) -> Container {
    let arguments = build.arguments.iter();
    let arguments: Vec<_> = arguments
        .map(|(name, value)| BuildArg { name, value })
        .collect();
    let mut call = directory
        .selection
        .select("dockerBuild")
        .arg("dockerfile", &build.dockerfile)
        .arg("platform", &build.platform)
        .arg("buildArgs", &arguments);
    if let Some(target) = &build.target {
        call = call.arg("target", target);
    }
    if !build.secrets.is_empty() {
        call = call.arg("secrets", &build.secrets);
    }
    if let Some(ssh) = &build.ssh {
        call = call.arg("ssh", ssh);
    }
    if let Some(dockerfiles) = &build.dockerfiles {
        call = call.arg("dockerfileDirectory", dockerfiles);
    }
    if !build.contexts.is_empty() {
        call = call.arg("namedContexts", &build.contexts);
    }
    if let Some(limits) = build.limits {
        call = call.arg("limits", limits);
    }
    Container {
        proc: directory.proc.clone(),
        selection: call,
        graphql_client: directory.graphql_client.clone(),
    }
}

/// Adds the image that an archive holds to the OCI layout in the directory `path`, under a name.
pub(crate) async fn export_layout(
    archive: &File,
    path: String,
    name: &str,
) -> Result<String, DaggerError> {
    let call = archive.selection.select("exportLayout");
    let call = call.arg("path", path).arg("name", name);
    call.execute(archive.graphql_client.clone()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use dagger_sdk::core::graphql_client::{GraphQLClient, GraphQLError};

    struct Nobody;

    #[async_trait::async_trait]
    impl GraphQLClient for Nobody {
        async fn query(&self, _: &str) -> Result<Option<serde_json::Value>, GraphQLError> {
            Ok(None)
        }
    }

    /// Arguments come in no order: they are looked for one by one.
    #[tokio::test]
    async fn all_arguments_are_written_as_graphql() {
        let query = dagger_sdk::Query {
            proc: None,
            selection: Default::default(),
            graphql_client: Arc::new(Nobody),
        };
        let build = DockerBuild {
            dockerfile: "a/Dockerfile".into(),
            dockerfiles: Some(Id("F".into())),
            platform: "linux/arm64".into(),
            arguments: BTreeMap::from([("A".into(), "say \"hi\"\n$X".into())]),
            target: Some("app".into()),
            secrets: vec![Id("S".into())],
            ssh: Some(Id("A".into())),
            contexts: vec![
                Context::container("base".into(), Id("C".into())),
                Context::oci_layout("deb".into(), "/l".into()),
                Context::directory("d".into(), Id("D".into())),
                Context::image("i".into(), "alpine:3".into()),
            ],
            limits: Limits::new(&ci_catalog::Limits {
                memory: Some(4 << 30),
                ..ci_catalog::Limits::default()
            }),
        };
        let text = docker_build(&query.directory(), &build)
            .selection
            .build()
            .await
            .unwrap();
        let text: String = text.split_whitespace().collect();
        for argument in [
            r#"dockerfile:"a/Dockerfile""#,
            r#"dockerfileDirectory:"F""#,
            r#"platform:"linux/arm64""#,
            r#"buildArgs:[{name:"A",value:"say\"hi\"\n$X"}]"#,
            r#"target:"app""#,
            r#"secrets:["S"]"#,
            r#"ssh:"A""#,
            "limits:{memory:4294967296}",
            r#"namedContexts:[{name:"base",container:"C"},{name:"deb",ociLayout:"/l"},{name:"d",directory:"D"},{name:"i",image:"alpine:3"}]"#,
        ] {
            assert!(text.contains(argument), "{argument} is not in {text}");
        }
    }
}
