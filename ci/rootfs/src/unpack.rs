//! Archives that ADD unpacks: a tar file's contents as a view to copy from.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use ci_oci::compression::decompress;
use ci_oci::layer::{self, Limits, Ownership};
use rustix::fs::{self, Mode, OFlags};
use tempfile::TempDir;

use crate::LayerDir;
use crate::error::{Context, Error, Result};
use crate::merged::Merged;

/// Offset and text by which a tar archive is recognised (POSIX ustar and GNU).
const MAGIC: (u64, &[u8]) = (257, b"ustar");

/// The contents of an archive, as long as this is kept.
pub(crate) struct Unpacked {
    /// The contents at its root.
    pub(crate) contents: Merged,
    /// Directories that are there only because something is in them.
    pub(crate) implied: BTreeSet<PathBuf>,
    _dir: TempDir,
}

/// Unpacks the file at a canonical path of `source` next to the directory `upper`, on the same file system; `None` if it is no
/// tar archive.
pub(crate) fn unpack(source: &Merged, canonical: &Path, upper: &Path) -> Result<Option<Unpacked>> {
    let mut file = std::fs::File::from(source.open_read(canonical)?);
    if !is_archive(&mut file).context("read", canonical)? {
        return Ok(None);
    }
    let beside = upper.parent().unwrap_or(Path::new("/"));
    let dir = TempDir::new_in(beside).context("create a directory in", beside)?;
    let fs = dir.path().join("fs");
    std::fs::create_dir(&fs).context("create", &fs)?;
    let fd = fs::open(
        &fs,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .context("open", &fs)?;
    let mut tar = decompress(BufReader::new(file)).context("read", canonical)?;
    let unpacked = layer::unpack(&mut tar, fd.as_fd(), &Limits::default(), Ownership::Apply)?;
    if unpacked.opaque_root {
        return Err(Error::unsuitable(
            canonical.display().to_string(),
            "is a layer, not an archive of files: it holds whiteouts",
        ));
    }
    let owners = dir.path().join("owners");
    unpacked.owners.save(&owners)?;
    let implied = unpacked.implied.into_iter().map(OsString::from_vec);
    Ok(Some(Unpacked {
        implied: implied.map(PathBuf::from).collect(),
        contents: Merged::open(&[LayerDir { dir: fs, owners }])?,
        _dir: dir,
    }))
}

fn is_archive(file: &mut std::fs::File) -> std::io::Result<bool> {
    let mut head = Vec::new();
    let (offset, magic) = MAGIC;
    let wanted = offset + magic.len() as u64;
    // What cannot be decompressed is no archive, but a file to be copied as it is.
    let read =
        decompress(BufReader::new(&*file)).and_then(|tar| tar.take(wanted).read_to_end(&mut head));
    file.seek(SeekFrom::Start(0))?;
    Ok(read.is_ok() && head.ends_with(magic) && head.len() as u64 == wanted)
}
