//! What a program is made of: the packages it is compiled from, their part of the lock file, the toolchain.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use ci_catalog::fingerprint::CargoInputs;
use ci_catalog::{CargoBuilder, Platform};
use ci_oci::Digest;
use ci_rootfs::import::Filter;
use serde_json::json;

use super::Contents;
use crate::project::Project;
use crate::stages::build::Prepared;
use crate::stages::build::cargo::{self, Closure, Purpose, normal};

/// What of a package's folder is no source: what cargo, git and this program write. Of the lock file only a part counts, which is
/// told apart.
const EXCLUDED: [&str; 4] = ["target", "Cargo.lock", "**/.git", "**/.pipeline"];

/// What a program is taken to be compiled from.
#[derive(Debug, Clone)]
pub(super) struct Assumed {
    closure: Closure,
}

/// Fills in what the catalog does not know.
///
/// # Errors
/// When something cannot be read, or the image gets files that only the build finds.
pub(super) fn fill(
    inputs: &mut CargoInputs,
    project: &Project,
    builder: &CargoBuilder,
    platforms: &[Platform],
    contents: &Contents,
) -> eyre::Result<Assumed> {
    let root = project.root();
    let closure = Closure::of(root, builder, Purpose::Build)?;
    inputs.sources = sources(root, &closure, contents)?.to_string();
    let mut toolchains = BTreeMap::new();
    for platform in platforms {
        let recipe = cargo::portable(project, builder, platform)?;
        toolchains.insert(platform.to_string(), recipe);
    }
    inputs.toolchain = Digest::of(json!(toolchains).to_string()).to_string();
    if builder.certificates {
        let bundle = cargo::certificates()?;
        inputs.certificates = Some(contents.path(&bundle)?.to_string());
    }
    Ok(Assumed { closure })
}

fn sources(root: &Path, closure: &Closure, contents: &Contents) -> eyre::Result<Digest> {
    let filter = Filter {
        exclude: EXCLUDED.map(str::to_owned).to_vec(),
        ..Filter::default()
    };
    let mut packages = BTreeMap::new();
    for folder in closure.folders() {
        packages.insert(relative(root, folder)?, contents.folder(folder, &filter)?);
    }
    let mut named = BTreeMap::new();
    for path in closure.named() {
        named.insert(relative(root, path)?, contents.path(path)?);
    }
    let path = closure.lock();
    let lock = std::fs::read_to_string(&path)
        .map_err(|error| eyre::eyre!("{} cannot be read: {error}", path.display()))?;
    let lock = closure
        .locked(&lock)
        .ok_or_else(|| eyre::eyre!("{} does not tell of its package", path.display()))?;
    let described = json!({
        "packages": packages,
        "named": named,
        "workspace": contents.path(closure.workspace())?,
        "lock": lock,
    });
    Ok(Digest::of(described.to_string()))
}

/// A path from the catalog's root, whatever the root is called.
fn relative(root: &Path, path: &Path) -> eyre::Result<String> {
    let mut relative = PathBuf::new();
    for folder in root.ancestors() {
        if let Ok(inside) = path.strip_prefix(folder) {
            relative.extend(
                inside
                    .components()
                    .filter(|it| !matches!(it, Component::CurDir)),
            );
            break;
        }
        relative.push("..");
    }
    let text = relative.to_str();
    Ok(text
        .ok_or_else(|| eyre::eyre!("a path is not text"))?
        .to_owned())
}

impl Assumed {
    /// Refuses a program that was compiled from more.
    pub(super) fn cover(
        &self,
        root: &Path,
        prepared: &[(Platform, Prepared)],
    ) -> Result<(), String> {
        let sources = prepared.iter().filter_map(|(_, it)| it.sources.as_ref());
        let paths = sources.flat_map(cargo::Inputs::paths);
        let mut outside = paths.filter(|path| {
            let path = normal(&root.join(path));
            // What is outside the catalog's root may be called by a name that links lead to.
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            !self.closure.contains(&path) && !self.closure.contains(&real)
        });
        match outside.next() {
            None => Ok(()),
            Some(path) => Err(format!(
                "it was compiled from {}, which no source names in a way that is understood beforehand",
                path.display()
            )),
        }
    }
}
