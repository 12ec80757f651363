//! Images in an OCI layout as this repository's own crates read them.

use std::fs::File;
use std::io::BufReader;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use ci_oci::compression::decompress;
use ci_oci::layer::{self, Limits, Ownership};
use ci_oci::layout::Resolved;
use ci_oci::{Layout, Platform};
use serde_json::Value;

use crate::tree::Tree;
use crate::work;

/// An image in a layout.
pub(crate) struct Image {
    layout: PathBuf,
    name: Option<String>,
    /// Its documents.
    pub(crate) resolved: Resolved,
}

impl Image {
    /// The image of a name, or the only one.
    #[track_caller]
    pub(crate) fn open(layout: &Path, name: Option<&str>) -> Self {
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

    /// As skopeo, buildah and podman call it.
    pub(crate) fn transport(&self) -> String {
        format!("oci:{}", self.umoci())
    }

    /// As umoci calls it.
    pub(crate) fn umoci(&self) -> String {
        match &self.name {
            Some(name) => format!("{}:{name}", self.layout.display()),
            None => self.layout.display().to_string(),
        }
    }

    /// The digest of its manifest.
    pub(crate) fn digest(&self) -> String {
        self.resolved.descriptor.digest.to_string()
    }

    /// The config document as it is.
    pub(crate) fn config(&self) -> Value {
        let layout = Layout::open(&self.layout).unwrap();
        let bytes = layout.read_blob(&self.resolved.manifest.config).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Its layers, unpacked and stacked.
    #[track_caller]
    pub(crate) fn tree(&self) -> Tree {
        let layout = Layout::open(&self.layout).unwrap();
        let dir = work::folder("layers");
        let mut tree = Tree::default();
        for (at, blob) in self.resolved.manifest.layers.iter().enumerate() {
            let into = dir.join(at.to_string());
            std::fs::create_dir(&into).unwrap();
            let archive = BufReader::new(layout.open_blob(blob).unwrap());
            let mut archive = decompress(archive).unwrap();
            let root = File::open(&into).unwrap();
            let unpacked = layer::unpack(
                &mut archive,
                root.as_fd(),
                &Limits::default(),
                Ownership::Apply,
            )
            .unwrap();
            assert_eq!(
                unpacked.diff_id, self.resolved.config.rootfs.diff_ids[at],
                "layer {at} is what its config says"
            );
            tree.stack(&into, &unpacked.implied);
        }
        tree
    }
}
