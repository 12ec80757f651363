//! Images in an OCI layout, and their layers as this repository's own crates unpack them.

use std::fs::File;
use std::io::BufReader;
use std::os::fd::AsFd;

use ci_oci::Layout;
use ci_oci::compression::decompress;
use ci_oci::layer::{self, Limits, Ownership};
pub(crate) use test_support::image::Image;
use test_support::tree::Tree;

use crate::work;

/// The layers of an image, unpacked to disk as the engine does it, and stacked.
#[track_caller]
pub(crate) fn unpacked(image: &Image) -> Tree {
    let layout = Layout::open(image.layout()).unwrap();
    let dir = work::folder("layers");
    let mut tree = Tree::default();
    for (at, blob) in image.resolved.manifest.layers.iter().enumerate() {
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
            unpacked.diff_id, image.resolved.config.rootfs.diff_ids[at],
            "layer {at} is what its config says"
        );
        tree.stack(&into, &unpacked.implied);
    }
    tree
}
