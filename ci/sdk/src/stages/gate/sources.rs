//! Where manifests are: standard input, files, and folders that are rendered. All of it is foreign (P2): bounded, and read only where it was
//! asked for.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use ci_deployments::gate::{self, Found, Variables};
use ci_deployments::{Refusal, RefusalKind};
use eyre::WrapErr;

use crate::error::{Exit, UserError};
use crate::stages::kustomize::Kustomize;
use crate::text;

/// Most bytes of one rendering or file.
const MAX_BYTES: u64 = 64 << 20;
/// What makes a folder one to render.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Where manifests are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input: manifests.
    Stdin,
    /// A file, or a folder.
    Path(PathBuf),
}

/// An image, and the source it was found in.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) source: String,
    pub(super) found: Found,
}

/// One text that may run images.
struct Manifest {
    name: String,
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Yaml,
    Env,
}

/// The images of all sources.
pub(super) async fn read(sources: &[Source]) -> eyre::Result<Vec<Located>> {
    let mut read = Vec::new();
    for source in sources {
        read.push((source, manifests(source).await?));
    }
    let mut variables = Variables::new();
    for manifest in read.iter().flat_map(|(_, manifests)| manifests) {
        if manifest.kind == Kind::Env {
            let found = gate::variables(&manifest.text);
            variables.extend(found.map_err(|refusal| refused(&manifest.name, &refusal))?);
        }
    }
    let mut all = Vec::new();
    for (source, manifests) in &read {
        let before = all.len();
        for manifest in manifests {
            all.extend(images(manifest, &variables)?);
        }
        // A file of variables may be there for others.
        let is_env = |it: &Manifest| it.kind == Kind::Env;
        let is_for_others = !manifests.is_empty() && manifests.iter().all(is_env);
        if all.len() == before && (!is_for_others || sources.len() == 1) {
            let name = match source {
                Source::Stdin => "standard input".to_owned(),
                Source::Path(path) => shown(path),
            };
            let message = format!("{name} runs no image, so nothing was checked");
            let error = UserError::new(Exit::Failed, message);
            return Err(error
                .hint("check what was rendered; a folder is not searched, name its overlays")
                .into());
        }
    }
    Ok(all)
}

fn images(manifest: &Manifest, variables: &Variables) -> Result<Vec<Located>, UserError> {
    let found = match manifest.kind {
        Kind::Yaml => gate::images(&manifest.text, variables),
        Kind::Env => gate::env_images(&manifest.text),
    };
    match found {
        Ok(found) => {
            let located = |found| Located {
                source: manifest.name.clone(),
                found,
            };
            Ok(found.into_iter().map(located).collect())
        }
        // Others of the same source may.
        Err(refusal) if refusal.kind == RefusalKind::Absent => Ok(Vec::new()),
        Err(refusal) => Err(refused(&manifest.name, &refusal)),
    }
}

fn refused(name: &str, refusal: &Refusal) -> UserError {
    UserError::new(Exit::Failed, format!("{name}: {refusal}"))
}

fn shown(path: &Path) -> String {
    text::one_line(&path.to_string_lossy())
}

async fn manifests(source: &Source) -> eyre::Result<Vec<Manifest>> {
    let path = match source {
        Source::Stdin => {
            let text = bounded(std::io::stdin(), "standard input")?;
            return Ok(vec![manifest("standard input".into(), text, Kind::Yaml)]);
        }
        Source::Path(path) => path,
    };
    let name = shown(path);
    let bounds = bounds(path);
    check_inside(path, bounds.as_deref())?;
    let about = fs::metadata(path).map_err(|error| {
        UserError::new(Exit::Usage, format!("cannot read {name}")).because(error)
    })?;
    if !about.is_dir() {
        return Ok(vec![file(path)?]);
    }
    if KUSTOMIZATIONS.iter().any(|it| path.join(it).is_file()) {
        let text = render(path).await?;
        return Ok(vec![manifest(name, text, Kind::Yaml)]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).wrap_err_with(|| format!("cannot read {name}"))? {
        let path = entry?.path();
        if kind(&path).is_some() && !path.is_dir() {
            files.push(path);
        }
    }
    // The order of a folder is the file system's.
    files.sort();
    let read = |path: &PathBuf| {
        check_inside(path, bounds.as_deref())?;
        file(path)
    };
    files.iter().map(read).collect()
}

fn manifest(name: String, text: String, kind: Kind) -> Manifest {
    Manifest { name, text, kind }
}

/// What a file of a folder is, if it is any of this.
fn kind(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?;
    let extension = path.extension().and_then(|it| it.to_str());
    match extension {
        _ if name == ".env" || name.starts_with(".env.") => Some(Kind::Env),
        Some("env") => Some(Kind::Env),
        Some("yaml" | "yml" | "json") => Some(Kind::Yaml),
        _ => None,
    }
}

fn file(path: &Path) -> eyre::Result<Manifest> {
    let name = shown(path);
    let opened = File::open(path).wrap_err_with(|| format!("cannot read {name}"))?;
    let text = bounded(opened, &name)?;
    Ok(manifest(name, text, kind(path).unwrap_or(Kind::Yaml)))
}

/// The folder that nothing of `path` may lead out of: this one, or `path` itself where it is elsewhere. A file elsewhere is where the user
/// says.
fn bounds(path: &Path) -> Option<PathBuf> {
    let here = Path::new(".").canonicalize().ok()?;
    let below = match path.strip_prefix(&here) {
        Ok(below) => Some(below),
        Err(_) if path.is_relative() => Some(path),
        Err(_) => None,
    };
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    match below.is_some_and(|below| below.components().all(is_plain)) {
        true => Some(here),
        false => path.canonicalize().ok().filter(|it| it.is_dir()),
    }
}

/// A link in a checkout may lead to what is nobody's business, and errors quote what they are about (CVE-2024-32021).
fn check_inside(path: &Path, bounds: Option<&Path>) -> eyre::Result<()> {
    // What is not there is told when it is read.
    if let (Some(bounds), Ok(target)) = (bounds, path.canonicalize())
        && !target.starts_with(bounds)
    {
        let message = format!(
            "{} is a link to elsewhere, and is not followed",
            shown(path)
        );
        return Err(UserError::new(Exit::Failed, message).into());
    }
    Ok(())
}

fn bounded(from: impl Read, name: &str) -> eyre::Result<String> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .wrap_err_with(|| format!("cannot read {name}"))?;
    decoded(bytes, name)
}

fn decoded(bytes: Vec<u8>, name: &str) -> eyre::Result<String> {
    let fault = |what: String| UserError::new(Exit::Failed, format!("{name} {what}"));
    if bytes.len() as u64 > MAX_BYTES {
        let mib = MAX_BYTES >> 20;
        return Err(fault(format!("is larger than {mib} MiB")).into());
    }
    Ok(String::from_utf8(bytes).map_err(|_| fault("is not UTF-8".into()))?)
}

/// What Kustomize makes of an overlay.
async fn render(folder: &Path) -> eyre::Result<String> {
    let name = shown(folder);
    let kustomize = Kustomize::find().ok_or_else(|| {
        let message = format!("{name} is an overlay, and there is nothing here that renders it");
        UserError::new(Exit::Machine, message).hint(
            "install kustomize or kubectl, or pipe what they render elsewhere into this command",
        )
    })?;
    let rendered = kustomize.render(folder).await.map_err(|said| {
        let message = format!("{name} does not render: {}", text::one_line(&said));
        UserError::new(Exit::Failed, message)
    })?;
    Ok(rendered)
}
