//! From files to a [`Catalog`].

use std::path::Path;

use crate::{Catalog, CatalogErrors, Files};

/// The file that makes a folder a catalog root.
pub(crate) const CATALOG_FILE: &str = "pipeline.toml";

impl Catalog {
    /// Reads `pipeline.toml` in `root` and every `service.toml` it points at.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(root: &Path) -> Result<Self, CatalogErrors> {
        let _ = root;
        todo!()
    }

    /// The same from any [`Files`]; `root` is only remembered.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_files(root: &Path, files: &dyn Files) -> Result<Self, CatalogErrors> {
        let _ = (root, files);
        todo!()
    }
}
