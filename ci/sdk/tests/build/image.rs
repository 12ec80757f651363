//! What is in an image: its config and its files, out of the layout in the state folder.

use std::collections::BTreeMap;
use std::io::Read;

use ci_oci::compression::decompress;
use ci_oci::layout::Resolved;
use ci_oci::{Layout, Platform};

use crate::project::Project;

/// An image, read.
pub(crate) struct Image {
    pub(crate) resolved: Resolved,
    /// What is in its layers by path: kind, mode and owner as text, and content.
    pub(crate) files: BTreeMap<String, (String, Vec<u8>)>,
}

impl Image {
    pub(crate) fn of(project: &Project, service: &str) -> Self {
        let layout = Layout::open(&project.root.join(".pipeline/oci")).unwrap();
        let resolved = layout.resolve(Some(service), &Platform::host()).unwrap();
        let mut files = BTreeMap::new();
        for layer in &resolved.manifest.layers {
            let blob = decompress(layout.open_blob(layer).unwrap()).unwrap();
            for entry in tar::Archive::new(blob).entries().unwrap() {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                let header = entry.header();
                let told = format!(
                    "{:?} {:o} {}:{}",
                    header.entry_type(),
                    header.mode().unwrap(),
                    header.uid().unwrap(),
                    header.gid().unwrap()
                );
                let path = entry.path().unwrap().display().to_string();
                files.insert(path, (told, content));
            }
        }
        Self { resolved, files }
    }

    /// Paths with what they are, one per line.
    pub(crate) fn listing(&self) -> String {
        let lines = self
            .files
            .iter()
            .map(|(path, (told, _))| format!("{path} {told}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.files[path].1.clone()).unwrap()
    }
}
