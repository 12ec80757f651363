//! A registry in memory that has the referrers API and says `OCI-Subject`, on a port that the kernel chooses. `tests/tools/install-peers`
//! builds it.

use tempfile::TempDir;

use crate::program::Program;

/// A registry; it ends with the value, and its content with it.
#[derive(Debug)]
pub struct Registry {
    /// Host and port.
    pub host: String,
    _program: Program,
    _folder: TempDir,
}

impl Registry {
    /// Starts one.
    ///
    /// # Errors
    /// It is not installed.
    #[track_caller]
    pub fn start() -> Result<Self, String> {
        let folder = TempDir::new().unwrap();
        let mut program = Program::start("oci-registry", &[], &folder.path().join("log"))?;
        let facts = program.facts();
        let url = facts["url"].as_str().unwrap();
        Ok(Self {
            host: url.trim_start_matches("http://").to_owned(),
            _program: program,
            _folder: folder,
        })
    }
}
