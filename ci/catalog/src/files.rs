//! What the catalog needs of the file system: three questions, all of them read-only.
//!
//! [`Disk`] is the one place that touches it; [`MemoryFiles`] serves tests and fuzzing.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Longest catalog file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// What is at a path, following symbolic links.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Something else: a device, a socket, a pipe.
    Other,
    /// A symbolic link on the way leads out of the catalog root.
    OutsideRoot,
    /// Nothing.
    Missing,
}

/// Files below a catalog root. Paths are relative to the root and normalised; the empty path is the root.
pub trait Files {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than [`MAX_FILE_BYTES`].
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What is at `path`.
    ///
    /// # Errors
    /// When the file system does not say.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// The names in a folder, in any order. Names that are not UTF-8 may be left out: no catalog can write them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
}

/// The real file system below a root.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// Files below `root`, which is made canonical so that links out of it are seen.
    ///
    /// # Errors
    /// When `root` does not exist or cannot be reached.
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self {
            root: root.canonicalize()?,
        })
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = std::fs::File::open(self.root.join(path))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        within_limit(bytes)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let real = match self.root.join(path).canonicalize() {
            Ok(real) => real,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(FileKind::Missing);
            }
            Err(error) => return Err(error),
        };
        if !real.starts_with(&self.root) {
            return Ok(FileKind::OutsideRoot);
        }
        let kind = std::fs::metadata(real)?.file_type();
        Ok(match () {
            () if kind.is_file() => FileKind::File,
            () if kind.is_dir() => FileKind::Folder,
            () => FileKind::Other,
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(path))? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }
}

fn within_limit(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "longer than 1 MiB",
        ));
    }
    Ok(bytes)
}

/// Files in memory; a folder exists where a file is below it.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFiles {
    /// No files yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These files and one more.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), content.into());
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
            .and_then(within_limit)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        Ok(match () {
            () if self.0.contains_key(path) => FileKind::File,
            () if self.0.keys().any(|file| file.starts_with(path)) => FileKind::Folder,
            () => FileKind::Missing,
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let below = self
            .0
            .keys()
            .filter_map(|file| file.strip_prefix(path).ok());
        let mut names: Vec<String> = below
            .filter_map(|file| file.iter().next()?.to_str().map(str::to_owned))
            .collect();
        names.dedup();
        Ok(names)
    }
}

/// Stands for a root that cannot be reached at all: every question fails as that did.
pub(crate) struct NoFiles(pub(crate) io::ErrorKind);

impl Files for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(self.0.into())
    }

    fn kind(&self, _: &Path) -> io::Result<FileKind> {
        Err(self.0.into())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Err(self.0.into())
    }
}

/// The nearest folder at or above `start` that holds a `pipeline.toml`.
#[must_use]
pub fn find_root(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    start
        .ancestors()
        .find(|folder| folder.join(crate::load::CATALOG_FILE).is_file())
        .map(Path::to_path_buf)
}
