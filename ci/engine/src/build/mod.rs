//! Dockerfile builds: `Directory.dockerBuild`.
//!
//! The Dockerfile is read, planned and lowered first (`plan`), which needs the configs of what it stands on but runs
//! nothing; then the stages run in parallel (`stages`), each step on the layers of the one before (`steps`).

mod context;
mod externals;
mod named;
mod plan;
mod stages;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_dockerfile::Warning;
use ci_oci::Platform;
use serde::Deserialize;

use crate::Group;
use crate::container::Container;
use crate::directory::Directory;
use crate::error::Result;
use crate::object::{Node, Object};
use crate::progress::Source;
use crate::schema::{Answer, FieldCall};
use crate::secret::Secret;
use crate::session::Session;
use crate::ssh::Socket;

pub(crate) use named::NamedContext;

/// What `dockerBuild` was called with.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) context: Arc<Node<Arc<Directory>>>,
    /// Path of the Dockerfile in `dockerfiles`, or in the context.
    pub(crate) dockerfile: String,
    /// Where the Dockerfile and its own ignore file are, if not in the context.
    pub(crate) dockerfiles: Option<Arc<Node<Arc<Directory>>>>,
    pub(crate) platform: Platform,
    pub(crate) args: BTreeMap<String, String>,
    pub(crate) target: Option<String>,
    pub(crate) secrets: BTreeMap<String, Arc<Secret>>,
    pub(crate) contexts: BTreeMap<String, NamedContext>,
    /// The SSH agent of the build.
    pub(crate) ssh: Option<Arc<Socket>>,
    pub(crate) limits: ci_sandbox::Limits,
    pub(crate) group: Group,
}

/// The input object `BuildArg`.
#[derive(Deserialize)]
struct BuildArg {
    name: String,
    value: String,
}

/// The resolver of `Directory.dockerBuild`.
pub(crate) fn docker_build(call: FieldCall) -> Answer {
    let args = &call.args;
    let build_args: Vec<BuildArg> = args.decode("buildArgs")?;
    let mut secrets = BTreeMap::new();
    for secret in crate::schema::arguments(&call, "secrets")? {
        if let Object::Secret(secret) = secret {
            secrets.insert(secret.name.clone(), secret);
        }
    }
    let dockerfiles = match args.opt_string("dockerfileDirectory") {
        Some(id) => Some(crate::schema::directory_of(
            &call.backend.session.object(id)?,
        )?),
        None => None,
    };
    let ssh = match args.opt_string("ssh") {
        Some(id) => Some(crate::schema::socket_of(&call.backend.session.object(id)?)?),
        None => None,
    };
    let request = Request {
        context: crate::schema::directory_of(&call.object)?,
        dockerfiles,
        dockerfile: args
            .opt_string("dockerfile")
            .unwrap_or("Dockerfile")
            .to_owned(),
        platform: crate::schema::platform(args.opt_string("platform"))?,
        args: build_args
            .into_iter()
            .map(|arg| (arg.name, arg.value))
            .collect(),
        target: args
            .opt_string("target")
            .filter(|target| !target.is_empty())
            .map(str::to_owned),
        secrets,
        contexts: named::decode(&call)?,
        ssh,
        limits: crate::limits::decode(args)?,
        group: call.backend.group.clone(),
    };
    crate::schema::new_container(&call, move |session| {
        let request = request.clone();
        async move { build(&session, request).await }
    })
}

async fn build(session: &Arc<Session>, request: Request) -> Result<Container> {
    let plan = plan::plan(session, &request).await?;
    for (warning, source) in plan.warnings() {
        session.options.progress.warn(
            &request.group,
            &warning.rule.to_string(),
            warning.message.clone(),
            Some(source),
        );
    }
    stages::run(session, Arc::new(plan)).await
}

/// A Dockerfile as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// Its name for people.
    pub(crate) name: String,
    lines: Arc<[String]>,
}

impl Text {
    pub(crate) fn new(name: String, content: &[u8]) -> Self {
        Self {
            name,
            lines: String::from_utf8_lossy(content)
                .lines()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The place of a line, counted from 1.
    pub(crate) fn source(&self, line: u32) -> Source {
        let line = line as usize;
        Source {
            file: self.name.clone(),
            line,
            text: self
                .lines
                .get(line.saturating_sub(1))
                .cloned()
                .unwrap_or_default(),
        }
    }

    pub(crate) fn warning_source(&self, warning: &Warning) -> Source {
        self.source(warning.span.first_line)
    }
}
