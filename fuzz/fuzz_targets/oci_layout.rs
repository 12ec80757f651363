//! Any bytes as the documents of an image (L14–L16): a manifest, an index, a config, a layout's own index and an archive of a layout.
//! Nothing panics, and what is accepted is accepted again after it was written.

#![no_main]

use std::fs;

use ci_oci::manifest::{Document, media_type};
use ci_oci::{ImageConfig, Layout, Platform, archive, compression};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for announced in [media_type::OCI_MANIFEST, media_type::OCI_INDEX] {
        match Document::parse(announced, data) {
            Ok(Document::Manifest(manifest)) => {
                let json = serde_json::to_vec(&manifest).unwrap();
                assert_eq!(Document::parse(announced, &json).unwrap(), Document::Manifest(manifest));
            }
            Ok(Document::Index(index)) => {
                let json = serde_json::to_vec(&index).unwrap();
                assert_eq!(Document::parse(announced, &json).unwrap(), Document::Index(index));
            }
            Err(_) => {}
        }
    }
    if let Ok(config) = ImageConfig::parse(data) {
        let json = config.to_json().unwrap();
        assert_eq!(ImageConfig::parse(&json).unwrap().to_json().unwrap(), json);
    }
    if let Ok(mut content) = compression::decompress(data) {
        let _ = std::io::copy(&mut content, &mut std::io::sink());
    }

    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut layout = Layout::create(dir.path()).unwrap();
    let _ = archive::read(&mut &*data, &layout);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    let manifest = layout.put_bytes(media_type::OCI_MANIFEST, data).unwrap();
    layout.set_image("manifest", manifest).unwrap();
    let _ = layout.resolve(Some("manifest"), &Platform::host());
    fs::write(dir.path().join("index.json"), data).unwrap();
    let _ = layout.resolve(None, &Platform::host());
    let _ = layout.gc();
});
