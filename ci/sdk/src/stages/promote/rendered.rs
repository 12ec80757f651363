//! How rendered manifests would differ: the overlays that change, before and after, by the Kustomize of this machine.
//!
//! It is for people who review, and never a reason to fail: what cannot be rendered is left out.

use std::collections::BTreeSet;
use std::path::Path;

use ci_deployments::review::Rendered;
use ci_deployments::{Contents, Entry, Promotion, overlay};

use crate::stages::deployments::Deployments;
use crate::stages::kustomize::Kustomize;

/// More overlays than this are not rendered for one promotion.
const MAX_OVERLAYS: usize = 8;
/// How often more files are asked for, one reference leading to the next.
const MAX_ROUNDS: usize = 8;

/// The overlays of a promotion whose rendered manifests differ.
pub(super) async fn of(deployments: &Deployments<'_>, promotion: &Promotion) -> Vec<Rendered> {
    let Some(kustomize) = Kustomize::find() else {
        return Vec::new();
    };
    let changed = promotion.files.iter().filter(|(_, it)| it.before.is_some());
    let folders: BTreeSet<&str> = changed
        .filter_map(|(path, _)| Some(path.rsplit_once('/')?.0))
        .collect();
    let mut rendered = Vec::new();
    for folder in folders.into_iter().take(MAX_OVERLAYS) {
        match one(&kustomize, deployments, promotion, folder).await {
            Ok(found) => rendered.extend(found),
            Err(error) => tracing::debug!("{folder} is not rendered: {error:#}"),
        }
    }
    rendered
}

async fn one(
    kustomize: &Kustomize,
    deployments: &Deployments<'_>,
    promotion: &Promotion,
    folder: &str,
) -> eyre::Result<Option<Rendered>> {
    let mut contents = Contents::default();
    let mut read = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let needed = overlay::needs(&contents, folder)?;
        let new: BTreeSet<String> = needed.difference(&read).cloned().collect();
        if new.is_empty() {
            break;
        }
        let more = deployments.read(&new).await?;
        for path in new {
            contents.insert(&path, more.get(&path).clone());
            read.insert(path);
        }
    }
    if !overlay::is_there(&contents, folder) {
        return Ok(None);
    }
    let before = tree(&contents, promotion, |change| change.before.as_deref())?;
    let after = tree(&contents, promotion, |change| Some(&change.after))?;
    let render = async |tree: tempfile::TempDir| {
        let text = kustomize.render(&tree.path().join(folder)).await;
        text.map_err(|error| eyre::eyre!(error))
    };
    let (before, after) = (render(before).await?, render(after).await?);
    Ok(Rendered::of(folder, &before, &after))
}

/// A folder with the files, those of the promotion as `version` has them. Paths come from the repository, and were checked to lead
/// nowhere else; links are never made (P2).
fn tree(
    contents: &Contents,
    promotion: &Promotion,
    version: impl Fn(&ci_deployments::FileChange) -> Option<&[u8]>,
) -> eyre::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.path().join(Path::new(path));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, bytes)
    };
    for (path, entry) in contents.iter() {
        if let Entry::File { bytes, .. } = entry {
            write(path, bytes)?;
        }
    }
    for (path, change) in &promotion.files {
        if let Some(bytes) = version(change) {
            write(path, bytes)?;
        }
    }
    Ok(folder)
}
