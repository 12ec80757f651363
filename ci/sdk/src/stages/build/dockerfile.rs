//! The `dockerfile` builder: a target of a Dockerfile, with the catalog's arguments, secrets and named contexts.

use std::collections::BTreeMap;
use std::path::Path;

use ci_catalog::{ContextSource, DockerfileBuilder, Name, Platform, RelativePath, SecretSource};
use dagger_sdk::{Container, Directory, Host, HostDirectoryOptsBuilder, Id};

use super::extension::{self, Context as NamedContext, DockerBuild};
use super::failure::Call;
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::stages::bases::{self, Pinned};
use crate::stages::limits;
use crate::stages::plan::Planned;

/// The container of a service's Dockerfile, and the bases it stands on. `images` are those of the services it reads.
pub(crate) async fn container(
    ctx: &Context,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
    platform: &Platform,
    images: &BTreeMap<Name, Container>,
) -> eyre::Result<(Container, Vec<Pinned>)> {
    let query = ctx.query(planned.service.name.as_str());
    let host = query.host();
    let directory = folder(ctx, &host, &builder.context)?;
    let file = builder.file.from_root();
    let (dockerfile, dockerfiles) = match file.strip_prefix(builder.context.from_root()) {
        Ok(below) => (text(below)?, None),
        Err(_) => {
            let folder = builder.file.under(ctx.root());
            let folder = host.directory(text(folder.parent().unwrap_or(ctx.root()))?);
            let name = text(Path::new(file.file_name().unwrap_or_default()))?;
            (name, Some(folder.id().await.told()?))
        }
    };
    let mut build = DockerBuild {
        dockerfile,
        dockerfiles,
        platform: platform.to_string(),
        arguments: bases::arguments(ctx.project(), planned, builder)?,
        target: builder.target.clone(),
        secrets: secrets(ctx, planned, builder).await?,
        ssh: agent(ctx, planned, builder).await?,
        contexts: contexts(ctx, planned, builder, images).await?,
        limits: limits::of(ctx, planned),
    };
    let needs_embedded = match (builder.contexts.is_empty(), &build.dockerfiles) {
        (false, _) => Some("named contexts are"),
        (true, Some(_)) => Some("a Dockerfile outside the context is"),
        (true, None) => None,
    };
    if let Some(what) = needs_embedded
        && !ctx.engine().is_embedded()
    {
        let message = format!(
            "{}: {what} an addition of the embedded engine; a Dagger engine has none",
            planned.service.manifest.display()
        );
        return Err(UserError::new(Exit::Usage, message)
            .hint("build this service with `--engine embedded`")
            .into());
    }
    let pinned = bases::of(ctx.project(), planned, builder, platform)?;
    let pinned = bases::pin(ctx, planned, pinned).await?;
    if ctx.engine().is_embedded() {
        let by_name: BTreeMap<&String, &Pinned> = pinned.iter().map(|it| (&it.name, it)).collect();
        let images = by_name.into_iter();
        let images = images.map(|(name, base)| NamedContext::image(name.clone(), base.image()));
        build.contexts.extend(images);
    }
    Ok((extension::docker_build(&directory, &build), pinned))
}

/// The ids of the secrets, which `RUN --mount=type=secret` finds by name.
async fn secrets(
    ctx: &Context,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
) -> eyre::Result<Vec<Id>> {
    let query = ctx.query(planned.service.name.as_str());
    let mut ids = Vec::new();
    for (name, source) in &builder.secrets {
        let value = secret(ctx.root(), source).map_err(|(problem, hint)| {
            let place = planned.service.manifest.display();
            UserError::new(
                Exit::Usage,
                format!("{place}: `dockerfile.secrets.{name}`: {problem}"),
            )
            .hint(hint)
        })?;
        ids.push(query.set_secret(name, value).id().await.told()?);
    }
    Ok(ids)
}

/// The socket of the SSH agent, if the build is to use it.
async fn agent(
    ctx: &Context,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
) -> eyre::Result<Option<Id>> {
    if !builder.ssh {
        return Ok(None);
    }
    let path = std::env::var("SSH_AUTH_SOCK").ok();
    let path = path.filter(|path| !path.is_empty()).ok_or_else(|| {
        let place = planned.service.manifest.display();
        let message =
            format!("{place}: `dockerfile.ssh`: the environment variable SSH_AUTH_SOCK is not set");
        UserError::new(Exit::Usage, message)
            .hint("start an SSH agent: `eval $(ssh-agent)`, then `ssh-add`")
    })?;
    let query = ctx.query(planned.service.name.as_str());
    Ok(Some(query.host().unix_socket(path).id().await.told()?))
}

/// The value of a secret; or what is wrong and what to do about it, neither of which tells any of it (S4).
fn secret(root: &Path, source: &SecretSource) -> Result<String, (String, String)> {
    match source {
        SecretSource::Env(name) => std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => (
                format!("the environment variable {name} is not set"),
                format!("set {name}; in CI, from the job's secrets"),
            ),
            std::env::VarError::NotUnicode(_) => (
                format!("the environment variable {name} is not text"),
                "encode it, for instance in base64".into(),
            ),
        }),
        SecretSource::File(path) => {
            let read = std::fs::read(path.under(root));
            let bytes = read.map_err(|error| {
                (
                    format!("{path} cannot be read: {error}"),
                    format!("write the secret to {path}, and keep that file out of git"),
                )
            })?;
            String::from_utf8(bytes).map_err(|_| {
                (
                    format!("{path} is not text"),
                    "encode it, for instance in base64".into(),
                )
            })
        }
    }
}

async fn contexts(
    ctx: &Context,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
    images: &BTreeMap<Name, Container>,
) -> eyre::Result<Vec<NamedContext>> {
    let mut contexts = Vec::new();
    for (name, source) in &builder.contexts {
        let name = name.clone();
        contexts.push(match source {
            ContextSource::Service(service) => {
                let image = images.get(service).ok_or_else(|| {
                    eyre::eyre!(
                        "{}: no image of {service} was prepared",
                        planned.service.name
                    )
                })?;
                NamedContext::container(name, image.id().await.told()?)
            }
            ContextSource::OciLayout(path) => {
                NamedContext::oci_layout(name, layout(ctx.root(), planned, path)?)
            }
            ContextSource::Dir(path) => {
                let host = ctx.query(planned.service.name.as_str()).host();
                let directory = folder(ctx, &host, path)?;
                NamedContext::directory(name, directory.id().await.told()?)
            }
            // A base like those that the Dockerfile names itself.
            ContextSource::Image(_) => continue,
        });
    }
    Ok(contexts)
}

/// A folder of the project, without what this program writes there: an image must not depend on what was built before.
fn folder(ctx: &Context, host: &Host, path: &RelativePath) -> eyre::Result<Directory> {
    let path = path.under(ctx.root());
    Ok(match ctx.project().own_in(&path) {
        Some(own) => {
            let options = HostDirectoryOptsBuilder::default()
                .exclude(vec![own.as_str()])
                .build()?;
            host.directory_opts(text(&path)?, options)
        }
        None => host.directory(text(&path)?),
    })
}

fn layout(root: &Path, planned: &Planned<'_>, path: &RelativePath) -> Result<String, UserError> {
    let dir = path.under(root);
    if !dir.join("oci-layout").is_file() {
        let place = planned.service.manifest.display();
        let message = format!("{place}: there is no OCI layout in {path}");
        return Err(UserError::new(Exit::Usage, message).hint(format!(
            "for instance: skopeo copy docker://IMAGE oci:{path}"
        )));
    }
    text(&dir)
}

/// A path as the text that the Dagger API takes.
pub(crate) fn text(path: &Path) -> Result<String, UserError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        UserError::new(
            Exit::Usage,
            format!("the path {} is not UTF-8", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4: the message names the place and nothing of the value.
    #[test]
    fn a_missing_secret_is_explained_by_its_source_alone() {
        let root = tempfile::tempdir().unwrap();
        let (problem, hint) = secret(
            root.path(),
            &SecretSource::Env("PIPELINE_TEST_UNSET_VARIABLE".into()),
        )
        .unwrap_err();
        assert!(problem.ends_with("PIPELINE_TEST_UNSET_VARIABLE is not set"));
        assert!(hint.contains("PIPELINE_TEST_UNSET_VARIABLE"));
    }
}
