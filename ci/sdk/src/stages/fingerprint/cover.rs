//! Whether a build from a Dockerfile read no more than was assumed. The images it stands on are here by now, so that it is known what
//! they bring along: variables in paths, ONBUILD triggers.

use ci_catalog::{Builder, ContextSource, Platform};
use ci_dockerfile::{Base as From, Config, PlannedStage};
use ci_oci::manifest::{Selected, Selection};
use ci_oci::{Descriptor, Digest, ImageConfig, manifest::media_type};
use ci_store::Store;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::dockerfile::Assumed;
use crate::context::Context;
use crate::stages::bases::Pinned;
use crate::stages::build::Prepared;
use crate::stages::dockerfile::Dockerfile;
use crate::stages::plan::Planned;

/// Refuses a build that read more than was assumed, or of which that is not known.
pub(super) fn cover(
    ctx: &Context,
    planned: &Planned<'_>,
    assumed: &Assumed,
    prepared: &[(Platform, Prepared)],
) -> Result<(), String> {
    let Builder::Dockerfile(builder) = &planned.service.builder else {
        return Err("its builder is another one".to_owned());
    };
    for (platform, image) in prepared {
        // Who may read everything reads nothing more.
        let Some(paths) = assumed.reads.get(platform).map(|reads| &reads.paths) else {
            return Err(format!("nothing was assumed for {platform}"));
        };
        if paths.is_none() || image.bases.is_empty() {
            continue;
        }
        let file = Dockerfile::read(ctx.project(), planned, builder, platform)
            .map_err(|error| error.to_string())?;
        let mut unknown = None;
        let config = |stage: &PlannedStage| {
            let name = match &stage.base {
                From::Image { reference, .. } => reference,
                From::Context(name) => match builder.contexts.get(name) {
                    Some(ContextSource::Image(_)) => name,
                    _ => return None,
                },
                From::Scratch | From::Stage(_) => return None,
            };
            let base = image.bases.iter().find(|base| base.name == *name)?;
            let found = config_of(ctx.engine().store()?, base, &stage.platform.to_string());
            if found.is_none() {
                unknown.get_or_insert_with(|| base.image());
            }
            found
        };
        let actual = file.reads(config);
        if let Some(image) = unknown {
            return Err(format!("what {image} brings along cannot be read"));
        }
        let assumed = &assumed.reads[platform];
        let Some(actual_paths) = &actual.paths else {
            return Err("an image it stands on decides which files it reads".to_owned());
        };
        if let Some(path) = actual_paths.iter().find(|path| !assumed.contains(path)) {
            return Err(format!(
                "an image it stands on makes it read {path:?} of its context"
            ));
        }
        if let Some(address) = actual
            .unpinned
            .iter()
            .find(|it| !assumed.unpinned.contains(*it))
        {
            return Err(format!("an image it stands on makes it fetch {address}"));
        }
    }
    Ok(())
}

/// What an image that was pulled says of itself.
fn config_of(store: &Store, base: &Pinned, platform: &str) -> Option<Config> {
    let mut selection = Selection::new(platform.parse().ok()?);
    let mut descriptor = top(&blob(store, &base.digest)?);
    let manifest = loop {
        let content = blob(store, &descriptor.digest)?;
        match selection.read(&descriptor, &content).ok()? {
            Selected::Manifest(manifest) => break manifest,
            Selected::Descriptor(next) => descriptor = next,
        }
    };
    let config = ImageConfig::parse(&blob(store, &manifest.config.digest)?)
        .ok()?
        .config;
    let pair = |variable: String| {
        let (name, value) = variable.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    Some(Config {
        env: config.env.into_iter().filter_map(pair).collect(),
        onbuild: config.on_build,
        ..Config::scratch()
    })
}

fn blob(store: &Store, digest: &Digest) -> Option<Vec<u8>> {
    std::fs::read(store.blob_path(digest)).ok()
}

/// The descriptor of a document of which only the digest was known.
fn top(content: &[u8]) -> Descriptor {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        media_type: Option<String>,
        manifests: Option<IgnoredAny>,
    }
    let document: Option<Document> = serde_json::from_slice(content).ok();
    let guessed = match document.as_ref().and_then(|it| it.manifests.as_ref()) {
        Some(_) => media_type::OCI_INDEX,
        None => media_type::OCI_MANIFEST,
    };
    let stated = document.and_then(|it| it.media_type);
    Descriptor::of(stated.as_deref().unwrap_or(guessed), content)
}
