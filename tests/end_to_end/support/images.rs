//! What a build leaves in the checkout, read as any other program would: the record, and the OCI layout.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use ci_oci::Digest;
use ci_oci::compression::decompress;
use serde_json::Value;

use super::project::Project;

impl Project {
    /// `release.json`.
    #[track_caller]
    pub(crate) fn record(&self) -> Value {
        json(&fs::read(self.state("release.json")).unwrap())
    }

    /// Descriptors of the layout's index, by service.
    #[track_caller]
    pub(crate) fn index(&self) -> BTreeMap<String, Value> {
        let index = json(&fs::read(self.state("oci/index.json")).unwrap());
        let images = index["manifests"].as_array().unwrap().iter();
        let named = |image: &Value| {
            let name = &image["annotations"]["org.opencontainers.image.ref.name"];
            (name.as_str().unwrap().to_owned(), image.clone())
        };
        images.map(named).collect()
    }

    /// What a descriptor points at, after comparing its digest and size.
    #[track_caller]
    pub(crate) fn blob(&self, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap();
        let path = format!("oci/blobs/{}", digest.replace(':', "/"));
        let bytes = fs::read(self.state(&path)).unwrap();
        assert_eq!(Digest::of(&bytes).to_string(), digest);
        assert_eq!(bytes.len() as u64, descriptor["size"]);
        bytes
    }

    /// The manifest of a service's image, which is for one platform.
    #[track_caller]
    pub(crate) fn manifest(&self, service: &str) -> Value {
        json(&self.blob(&self.index()[service]))
    }

    /// The config of a service's image.
    #[track_caller]
    pub(crate) fn config(&self, service: &str) -> Value {
        json(&self.blob(&self.manifest(service)["config"]))
    }

    /// The digests of a service's layers.
    #[track_caller]
    pub(crate) fn layers(&self, service: &str) -> Vec<String> {
        let manifest = self.manifest(service);
        let layers = manifest["layers"].as_array().unwrap().iter();
        layers
            .map(|layer| layer["digest"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub(crate) fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// Content of a file that may be compressed, as it is and expanded.
pub(crate) fn expanded(bytes: &[u8]) -> Vec<u8> {
    let mut all = bytes.to_vec();
    let mut inside = Vec::new();
    if decompress(bytes).is_ok_and(|mut reader| reader.read_to_end(&mut inside).is_ok()) {
        all.extend(inside);
    }
    all
}
