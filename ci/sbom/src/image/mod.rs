//! From an image in a layout to its bill: its layers in order, and of each only the files that name packages.

mod layer;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use ci_oci::layer::LayerError;
use ci_oci::layout::{LayoutError, Resolved};
use ci_oci::{Digest, Layout};

use crate::bom::{Bom, Image, Subject};
use crate::package::{Ecosystem, Package};
use crate::sources::{Finding, Licenses, Packages};
use crate::text;
use tree::Tree;

/// Bills of programs, by the digest of the program's file.
pub type Programs = BTreeMap<Digest, Bom>;

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A document or a layer is missing or not what it should be.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The content of a layer is refused.
    #[error("layer {layer} of {image}: {source}")]
    Layer {
        /// Digest of the layer as it is stored.
        layer: Digest,
        /// Digest of the manifest.
        image: Digest,
        /// What is wrong with it.
        source: LayerError,
    },
    /// A layer that could not be read, or is not what the config says.
    #[error("layer {layer} of {image}: {problem}")]
    Content {
        /// Digest of the layer as it is stored.
        layer: Digest,
        /// Digest of the manifest.
        image: Digest,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads an image of one platform: what is in it, as its own files tell. `name` is what the image is called, registry and repository
/// where it has them.
///
/// `programs` is what others know of programs that may be in the image, by the digest of the program: what they were compiled from, where
/// they do not tell themselves.
///
/// Every layer is read and verified to its end. What is found is what a container of the image would see: whiteouts and files in place
/// of others are applied.
///
/// # Errors
/// When the image is damaged, or refused as one that nobody could unpack.
pub fn of_image(
    layout: &Layout,
    name: &str,
    image: &Resolved,
    programs: &Programs,
) -> Result<Bom, ScanError> {
    let mut tree = Tree::default();
    let layers = image.manifest.layers.iter();
    for (layer, diff_id) in layers.zip(&image.config.rootfs.diff_ids) {
        let digest = image.descriptor.digest;
        let added = layer::read(layout, digest, layer, diff_id, programs, &mut tree)?;
        tree.add(added);
    }
    let config = &image.config;
    let subject = Image {
        name: name.to_owned(),
        digest: image.descriptor.digest,
        platform: config.platform(),
        created: created(config.created.as_deref()),
    };
    Ok(bill(subject, &tree, programs))
}

/// The time an image says it was made at, in the one form that documents may have. Without one, or with one that stands for none (the
/// year 1), it is the epoch: a time of ours would be another at each call.
fn created(stated: Option<&str>) -> String {
    let time = stated.and_then(|it| it.parse::<jiff::Timestamp>().ok());
    let seconds = time.map_or(0, |it| it.as_second().max(0));
    let time = jiff::Timestamp::from_second(seconds);
    time.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// What the findings mean together.
fn bill(subject: Image, tree: &Tree, programs: &Programs) -> Bom {
    let mut bom = Bom::new(Subject::Image(subject));
    bom.system = tree.system();
    let licenses = Licenses::among(tree.findings().map(|(_, it)| it));
    let mut locks = Vec::new();
    let mut installed = BTreeSet::new();
    for (path, finding) in tree.findings() {
        let location = text::path(path);
        let located = |package: &Package| {
            let mut package = package.clone();
            package.locations.insert(location.clone());
            if package.ecosystem == Ecosystem::Deb {
                package.license = licenses.of(&package.name);
            }
            package
        };
        match finding {
            Finding::Packages(found) => {
                installed.extend(node_modules(path).map(<[u8]>::to_vec));
                bom.add_all(Packages {
                    packages: found.packages.iter().map(located).collect(),
                    dependencies: found.dependencies.clone(),
                });
            }
            Finding::Program(digest) => {
                if let Some(program) = programs.get(digest) {
                    bom.include(program.clone(), &location);
                }
            }
            Finding::Lock(found) => locks.push((path, found)),
            Finding::Gap(why) => bom.gap(format!("{location}: {why}")),
            Finding::System(_) | Finding::Licenses { .. } | Finding::SameLicenses { .. } => {}
        }
    }
    for (path, found) in locks {
        // What is installed is there to be seen; where nothing is, a bundler may have put it into the program.
        let folder = path
            .rsplitn(2, |byte| *byte == b'/')
            .nth(1)
            .unwrap_or_default();
        let is_installed = node_modules(path).is_some() || installed.contains(&modules(folder));
        for package in &found.packages {
            let mut package = package.clone();
            if is_installed {
                bom.complete(package);
            } else {
                package.locations.insert(text::path(path));
                bom.add(package);
            }
        }
    }
    for gap in tree.gaps() {
        bom.gap(gap.clone());
    }
    bom
}

/// The folder `node_modules` in another.
fn modules(folder: &[u8]) -> Vec<u8> {
    match folder {
        [] => b"node_modules".to_vec(),
        folder => [folder, b"/node_modules"].concat(),
    }
}

/// The outermost `node_modules` that a file is in.
fn node_modules(path: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"node_modules/";
    let at = path.windows(NAME.len()).position(|it| it == NAME)?;
    let is_whole = at == 0 || path[at - 1] == b'/';
    is_whole.then(|| &path[..at + NAME.len() - 1])
}

#[cfg(test)]
mod tests;
