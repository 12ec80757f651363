//! The entry for a coverage-guided fuzzer.

use std::path::Path;

use crate::{Catalog, Lock, MemoryFiles};

/// Loads a catalog of two files, `pipeline.toml` and `services/web/service.toml`, which `data` holds with a zero byte
/// between, and renders its errors; then reads the same bytes as a lock file. It must return, whatever the bytes.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let cut = data
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(data.len());
    let (pipeline, service) = data.split_at(cut);
    let files = MemoryFiles::new()
        .with("pipeline.toml", pipeline)
        .with(
            "services/web/service.toml",
            service.get(1..).unwrap_or_default(),
        )
        .with("services/web/Cargo.toml", "")
        .with("services/web/Dockerfile", "");
    if let Err(errors) = Lock::parse(&String::from_utf8_lossy(data)) {
        let _ = errors.to_string();
    }
    match Catalog::from_files(Path::new(""), &files) {
        Ok(catalog) => {
            let services: Vec<_> = catalog.services().collect();
            let _ = catalog.build_order(&services);
        }
        Err(errors) => {
            let _ = errors.to_string();
        }
    }
}
