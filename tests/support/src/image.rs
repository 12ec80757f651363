//! Images in an OCI layout.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use ci_oci::compression::decompress;
use ci_oci::layout::Resolved;
use ci_oci::{Layout, Platform};
use serde_json::Value;

use crate::tree::Tree;

/// An image in a layout.
pub struct Image {
    layout: PathBuf,
    name: Option<String>,
    /// Its documents.
    pub resolved: Resolved,
}

impl Image {
    /// The image of a name, or the only one, for this machine.
    #[track_caller]
    pub fn open(layout: &Path, name: Option<&str>) -> Self {
        let resolved = Layout::open(layout)
            .unwrap()
            .resolve(name, &Platform::host())
            .unwrap();
        Self {
            layout: layout.to_owned(),
            name: name.map(str::to_owned),
            resolved,
        }
    }

    /// The layout it is in.
    pub fn layout(&self) -> &Path {
        &self.layout
    }

    /// As skopeo, buildah and podman call it.
    pub fn transport(&self) -> String {
        format!("oci:{}", self.umoci())
    }

    /// As umoci calls it.
    pub fn umoci(&self) -> String {
        match &self.name {
            Some(name) => format!("{}:{name}", self.layout.display()),
            None => self.layout.display().to_string(),
        }
    }

    /// The digest of its manifest.
    pub fn digest(&self) -> String {
        self.resolved.descriptor.digest.to_string()
    }

    /// The config document as it is.
    pub fn config(&self) -> Value {
        let layout = Layout::open(&self.layout).unwrap();
        let bytes = layout.read_blob(&self.resolved.manifest.config).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Its layers, stacked.
    #[track_caller]
    pub fn tree(&self) -> Tree {
        let layout = Layout::open(&self.layout).unwrap();
        let mut tree = Tree::default();
        for blob in &self.resolved.manifest.layers {
            let archive = BufReader::new(layout.open_blob(blob).unwrap());
            tree.apply(decompress(archive).unwrap());
        }
        tree
    }
}
