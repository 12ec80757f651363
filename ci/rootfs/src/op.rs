//! File operations as data, so that they can run where their privileges are: in the process when it is root, in a helper
//! inside a user namespace when it is not.

mod archives;

use std::path::{Path, PathBuf};

use ci_oci::layer::Ownership;
use ci_oci::{Digest, Owners};
use rustix::fs::{self, Mode};
use serde::{Deserialize, Serialize};

use self::archives::{hash, pack, unpack};
use crate::error::{Context, Result};
use crate::merged::{Kind, Merged};
use crate::{LayerDir, adopt, copy, export, read, restate, write};

/// Name under which [`handle`] is registered with the sandbox.
pub const HANDLER: &str = "rootfs";

/// One file operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Op {
    /// Copies into the new layer `upper` over `below`. Answers [`Reply::Layer`].
    Copy {
        /// From which layers (lowest first) to copy what, in order.
        items: Vec<(Vec<LayerDir>, copy::Request)>,
        /// Layers copied onto, lowest first.
        below: Vec<LayerDir>,
        /// The new layer: an empty directory.
        upper: LayerDir,
    },
    /// Makes small changes in the new layer `upper` over `below`. Answers [`Reply::Layer`].
    Write {
        /// Layers written onto, lowest first.
        below: Vec<LayerDir>,
        /// The new layer: an empty directory.
        upper: LayerDir,
        /// What to change.
        changes: Vec<write::Change>,
    },
    /// Names a finished layer by its content. Answers [`Reply::Layer`].
    Hash {
        /// The layer.
        layer: LayerDir,
    },
    /// Names a finished layer like [`Op::Hash`], after recording who owns what a program wrote: for disks that can hold only one
    /// owner. Answers [`Reply::Layer`].
    Adopt {
        /// Layers the program ran on, lowest first.
        below: Vec<LayerDir>,
        /// What it wrote.
        layer: LayerDir,
        /// Numeric user and group it ran as.
        user: (u32, u32),
    },
    /// Writes a layer's compressed archive to a file. Answers [`Reply::Blob`].
    Pack {
        /// The layer.
        layer: LayerDir,
        /// The file; made anew.
        out: PathBuf,
    },
    /// Unpacks a layer's archive into the new layer `into`. Answers [`Reply::Unpacked`].
    Unpack {
        /// The archive, compressed or not: a file, or a pipe through which it comes.
        archive: PathBuf,
        /// Its size in bytes. Of a pipe no more is read, so that whoever writes can keep it open until all is read.
        size: u64,
        /// The new layer: an empty directory.
        into: LayerDir,
        /// Record owners instead of setting them: where the disk can hold only one.
        record: bool,
    },
    /// Repeats in the new layer `upper` what directories are below a layer that only implies them. Answers [`Reply::Layer`], or
    /// [`Reply::Done`] if nothing has to be repeated.
    Restate {
        /// Layers below, lowest first.
        below: Vec<LayerDir>,
        /// The layer.
        layer: LayerDir,
        /// The directories it implies, sorted: paths relative to the root.
        implied: Vec<Vec<u8>>,
        /// The new layer: an empty directory.
        upper: LayerDir,
    },
    /// Reads a file. Answers [`Reply::Content`].
    ReadFile {
        /// Layers, lowest first.
        layers: Vec<LayerDir>,
        /// Absolute path.
        path: String,
        /// Largest size read, in bytes.
        limit: u64,
    },
    /// Reads some files, where they are there. Answers [`Reply::Contents`].
    ReadFiles {
        /// Layers, lowest first.
        layers: Vec<LayerDir>,
        /// Absolute paths.
        paths: Vec<String>,
        /// Largest size read of each, in bytes.
        limit: u64,
    },
    /// Says what is at a path. Answers [`Reply::Status`].
    Stat {
        /// Layers, lowest first.
        layers: Vec<LayerDir>,
        /// Absolute path.
        path: String,
        /// Whether a link at the end is followed.
        follow: bool,
    },
    /// Lists a directory. Answers [`Reply::Entries`].
    Entries {
        /// Layers, lowest first.
        layers: Vec<LayerDir>,
        /// Absolute path.
        path: String,
    },
    /// Lists what matches a pattern, however deep. Answers [`Reply::Paths`].
    Glob {
        /// Layers, lowest first.
        layers: Vec<LayerDir>,
        /// Absolute path of the directory to look in.
        path: String,
        /// In the ignore syntax, relative to `path`.
        pattern: String,
    },
    /// Writes a directory to the host. Answers [`Reply::Done`].
    ExportDirectory {
        /// Layers, lowest first.
        layers: Vec<LayerDir>,
        /// Absolute path of the directory.
        path: String,
        /// Host directory.
        dest: PathBuf,
        /// Remove what was there before.
        wipe: bool,
    },
    /// Writes a file to the host. Answers [`Reply::Done`].
    ExportFile {
        /// Layers, lowest first.
        layers: Vec<LayerDir>,
        /// Absolute path of the file.
        path: String,
        /// Host file.
        dest: PathBuf,
    },
    /// Fills an empty host directory that executions will write to. Answers [`Reply::Done`].
    Prepare {
        /// The directory.
        path: PathBuf,
        /// Layers (lowest first) and the directory in them whose contents it begins with.
        initial: Option<(Vec<LayerDir>, String)>,
        /// Numeric owner and group of the directory itself.
        owner: (u32, u32),
        /// Its permission bits.
        mode: u32,
    },
    /// Removes a directory with everything in it, whoever owns it. Answers [`Reply::Done`].
    RemoveTree {
        /// The directory.
        path: PathBuf,
    },
}

/// The answer to an [`Op`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// A layer was made.
    Layer {
        /// Digest of its canonical archive.
        diff_id: Digest,
        /// Size of that archive in bytes.
        size: u64,
    },
    /// A layer was unpacked.
    Unpacked {
        /// Digest of its archive as it was read.
        diff_id: Digest,
        /// Digest of the canonical archive of what is on disk now.
        content: Digest,
        /// Size of the canonical archive in bytes.
        size: u64,
        /// Directories that the archive implies without describing them, sorted.
        implied: Vec<Vec<u8>>,
        /// The layer hides everything below it.
        covers: bool,
    },
    /// A compressed archive was written.
    Blob {
        /// Digest of the uncompressed archive.
        diff_id: Digest,
        /// Digest of the file.
        digest: Digest,
        /// Size of the file in bytes.
        size: u64,
    },
    /// A file's content.
    Content(Vec<u8>),
    /// Files' contents, in the order asked for; `None` for one that is not there or is no regular file.
    Contents(Vec<Option<Vec<u8>>>),
    /// What is at a path; `None` if nothing is.
    Status(Option<Status>),
    /// A directory's entries.
    Entries(Vec<read::Listed>),
    /// Paths relative to the directory looked in, sorted.
    Paths(Vec<String>),
    /// Nothing more to say.
    Done,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// `file`, `directory`, `symlink` or `special`.
    pub kind: String,
    /// Permission bits.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
}

/// Runs one operation given as JSON; the form in which a helper process is asked.
///
/// # Errors
/// The rendered error of the operation.
pub fn handle(payload: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let op: Op = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    let reply = run(&op).map_err(|error| error.to_string())?;
    serde_json::to_vec(&reply).map_err(|error| error.to_string())
}

/// Runs one operation in this process.
///
/// # Errors
/// As the operation says.
pub fn run(op: &Op) -> Result<Reply> {
    match op {
        Op::Copy {
            items,
            below,
            upper,
        } => {
            let open = |(layers, request): &(Vec<LayerDir>, copy::Request)| {
                Ok((Merged::open(layers)?, request.clone()))
            };
            let items = items.iter().map(open).collect::<Result<Vec<_>>>()?;
            finish(
                upper,
                &copy::copy(&items, &Merged::open(below)?, &upper.dir)?,
            )
        }
        Op::Write {
            below,
            upper,
            changes,
        } => finish(
            upper,
            &write::apply(&Merged::open(below)?, &upper.dir, changes)?,
        ),
        Op::Hash { layer } => hash(layer),
        Op::Adopt { below, layer, user } => finish(
            layer,
            &adopt::adopt(&Merged::open(below)?, &layer.dir, *user)?,
        ),
        Op::Pack { layer, out } => pack(layer, out),
        Op::Unpack {
            archive,
            size,
            into,
            record,
        } => unpack(
            archive,
            *size,
            into,
            if *record {
                Ownership::Record
            } else {
                Ownership::Apply
            },
        ),
        Op::Restate {
            below,
            layer,
            implied,
            upper,
        } => match restate::restate(below, layer, implied, &upper.dir)? {
            Some(owners) => finish(upper, &owners),
            None => Ok(Reply::Done),
        },
        Op::ReadFile {
            layers,
            path,
            limit,
        } => Ok(Reply::Content(read::file(
            &Merged::open(layers)?,
            Path::new(path),
            *limit,
        )?)),
        Op::ReadFiles {
            layers,
            paths,
            limit,
        } => {
            let merged = Merged::open(layers)?;
            let contents = paths
                .iter()
                .map(|path| read::optional(&merged, Path::new(path), *limit));
            Ok(Reply::Contents(contents.collect::<Result<_>>()?))
        }
        Op::Stat {
            layers,
            path,
            follow,
        } => {
            let found = read::stat(&Merged::open(layers)?, Path::new(path), *follow)?;
            Ok(Reply::Status(found.map(|found| {
                Status {
                    kind: match found.kind {
                        Kind::File => "file",
                        Kind::Directory => "directory",
                        Kind::Symlink => "symlink",
                        Kind::Special => "special",
                    }
                    .to_owned(),
                    mode: found.mode,
                    uid: found.uid,
                    gid: found.gid,
                    size: found.size,
                }
            })))
        }
        Op::Entries { layers, path } => Ok(Reply::Entries(read::entries(
            &Merged::open(layers)?,
            Path::new(path),
        )?)),
        Op::Glob {
            layers,
            path,
            pattern,
        } => Ok(Reply::Paths(read::glob(
            &Merged::open(layers)?,
            Path::new(path),
            pattern,
        )?)),
        Op::ExportDirectory {
            layers,
            path,
            dest,
            wipe,
        } => {
            export::directory(&Merged::open(layers)?, Path::new(path), dest, *wipe)?;
            Ok(Reply::Done)
        }
        Op::ExportFile { layers, path, dest } => {
            export::file(&Merged::open(layers)?, Path::new(path), dest)?;
            Ok(Reply::Done)
        }
        Op::Prepare {
            path,
            initial,
            owner,
            mode,
        } => {
            prepare(path, initial.as_ref(), *owner, *mode)?;
            Ok(Reply::Done)
        }
        Op::RemoveTree { path } => {
            remove_tree(path)?;
            Ok(Reply::Done)
        }
    }
}

fn finish(upper: &LayerDir, owners: &Owners) -> Result<Reply> {
    owners.save(&upper.owners)?;
    hash(upper)
}

fn prepare(
    path: &Path,
    initial: Option<&(Vec<LayerDir>, String)>,
    (uid, gid): (u32, u32),
    mode: u32,
) -> Result<()> {
    if let Some((layers, dir)) = initial {
        let request = copy::Request {
            sources: vec![dir.clone()],
            root: "/".into(),
            dest: "/".into(),
            ..copy::Request::default()
        };
        copy::copy(
            &[(Merged::open(layers)?, request)],
            &Merged::open(&[])?,
            path,
        )?;
    }
    match fs::chown(
        path,
        Some(fs::Uid::from_raw(uid)),
        Some(fs::Gid::from_raw(gid)),
    ) {
        // Where only one id exists, everything belongs to it, and every program runs as it.
        Ok(()) | Err(rustix::io::Errno::PERM | rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error).context("set the owner of", path),
    }
    fs::chmod(path, Mode::from_raw_mode(mode)).context("set the mode of", path)
}

/// Removes a tree even if directories in it may not be read by their owner.
fn remove_tree(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
        Err(error) => return Err(error).context("remove", path),
    }
    let mut todo = vec![path.to_owned()];
    while let Some(dir) = todo.pop() {
        // Whatever cannot be changed or listed here fails again, and is reported, below.
        let _ = fs::chmodat(
            fs::CWD,
            &dir,
            Mode::from_raw_mode(0o700),
            fs::AtFlags::empty(),
        );
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        todo.extend(
            entries
                .flatten()
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
    std::fs::remove_dir_all(path).context("remove", path)
}
