//! The merged, read-only view of some layers, and look-ups that never leave it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use ci_oci::Owners;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::LayerDir;
use crate::error::{Context, Error, Result};

/// Symbolic links followed in one look-up before it is called a loop, as in the kernel.
const MAX_LINKS: usize = 40;

/// What kind of thing a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, fifo or socket.
    Special,
}

/// What is known of one path without reading it.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// Its kind.
    pub kind: Kind,
    /// Permission bits including set-id and sticky bits.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Size in bytes of a file.
    pub size: u64,
    /// Device number of a special file.
    pub rdev: u64,
    /// Seconds and nanoseconds of the last change of content.
    pub mtime: (i64, i64),
    /// Inode number of a file that has several names, in this layer or by way of other layers that share it.
    pub shared_inode: Option<u64>,
}

/// What was opened last, and the path of it.
type Last<T> = RefCell<Option<(PathBuf, T)>>;

/// One directory in all layers that have it, topmost first, each with the layer's index.
type Dirs = Rc<[(usize, OwnedFd)]>;

/// The merged view of layers, lowest first.
pub struct Merged {
    root: OwnedFd,
    /// One for each layer; empty if all of them are, which is the rule.
    owners: Vec<Owners>,
    layers: Vec<LayerDir>,
    /// The directory looked into last: paths are mostly asked for directory by directory.
    last: Last<Rc<OwnedFd>>,
    /// The same in the layers.
    last_provided: Last<Dirs>,
}

/// Where a path of the merged view is on disk.
pub(crate) struct Provided {
    /// Index of the topmost layer that has it.
    pub(crate) layer: usize,
    /// The directory that holds it; what is meant is in the one at `place`.
    dirs: Dirs,
    place: usize,
    /// Its status there.
    pub(crate) stat: fs::Stat,
}

impl Provided {
    /// The directory that it is in, in its layer.
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dirs[self.place].1.as_fd()
    }
}

impl Merged {
    /// Opens the merged view.
    ///
    /// # Errors
    /// When the layers cannot be mounted.
    pub fn open(layers: &[LayerDir]) -> Result<Self> {
        let dirs: Vec<PathBuf> = layers.iter().map(|layer| layer.dir.clone()).collect();
        let root = ci_sandbox::overlay::open(&dirs, None).context(
            "mount",
            dirs.last().map_or(Path::new("/"), PathBuf::as_path),
        )?;
        let owners = layers
            .iter()
            .map(|layer| Owners::load(&layer.owners))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let owners = if owners.iter().all(Owners::is_empty) {
            Vec::new()
        } else {
            owners
        };
        Ok(Self {
            root,
            owners,
            layers: layers.to_vec(),
            last: RefCell::default(),
            last_provided: RefCell::default(),
        })
    }

    /// The root directory.
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The layers, lowest first.
    pub fn layers(&self) -> &[LayerDir] {
        &self.layers
    }

    /// What is at a *canonical* path (one without symbolic links in its parents), not following a link there.
    ///
    /// # Errors
    /// When the operating system fails otherwise than by "not there".
    pub fn lstat(&self, canonical: &Path) -> Result<Option<Metadata>> {
        let stat = match (canonical.parent(), canonical.file_name()) {
            (Some(parent), Some(name)) => match self.parent(parent)? {
                Some(dir) => stat_in(dir.as_fd(), Path::new(name))?,
                None => None,
            },
            _ => Some(fs::fstat(&self.root).context("stat", canonical)?),
        };
        Ok(stat.map(|stat| self.metadata(canonical, &stat)))
    }

    /// The directory at a canonical path; `None` if there is none.
    fn parent(&self, canonical: &Path) -> Result<Option<Rc<OwnedFd>>> {
        if let Some((path, dir)) = &*self.last.borrow()
            && path == canonical
        {
            return Ok(Some(dir.clone()));
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = match self.open_within(canonical, flags) {
            Ok(fd) => Rc::new(fd),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error).context("open", canonical),
        };
        self.last.replace(Some((canonical.to_owned(), dir.clone())));
        Ok(Some(dir))
    }

    fn open_within(&self, canonical: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let path = if canonical.as_os_str().is_empty() {
            Path::new(".")
        } else {
            canonical
        };
        let resolve =
            ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        loop {
            match fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                // The kernel asks to try again when something below the root is renamed meanwhile.
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// Opens the directory or file at a canonical path for reading.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open_read(&self, canonical: &Path) -> Result<OwnedFd> {
        // A fifo must not make the open wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        self.open_within(canonical, flags)
            .context("open", canonical)
    }

    pub(crate) fn metadata(&self, canonical: &Path, stat: &fs::Stat) -> Metadata {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Symlink,
            _ => Kind::Special,
        };
        let mut metadata = Metadata {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            rdev: stat.st_rdev,
            mtime: (
                stat.st_mtime,
                i64::try_from(stat.st_mtime_nsec).unwrap_or(0),
            ),
            shared_inode: (kind == Kind::File && stat.st_nlink > 1).then_some(stat.st_ino),
        };
        if let Some(owner) = self.recorded_owner(canonical) {
            metadata.uid = owner.uid;
            metadata.gid = owner.gid;
        }
        metadata
    }

    /// The owner of what is at a canonical path, if a sidecar rather than the disk knows it: the sidecar of the topmost
    /// layer that has the path.
    pub(crate) fn recorded_owner(&self, canonical: &Path) -> Option<&ci_oci::Owner> {
        if self.owners.is_empty() {
            return None;
        }
        // The root is in all layers, and its owner in the topmost.
        let layer = match canonical.file_name() {
            Some(_) => self.provider(canonical)?.layer,
            None => self.layers.len().checked_sub(1)?,
        };
        self.owners
            .get(layer)?
            .get(canonical.as_os_str().as_bytes())
    }

    /// Resolves every symbolic link of `path` within the root, the last component's too. The part that does not exist is
    /// kept as it is (`..` in it is taken lexically). The answer is relative to the root; the root itself is empty.
    ///
    /// # Errors
    /// [`Error::Loop`], and when the operating system fails.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf> {
        self.resolve_with(path, true)
    }

    /// Like [`Merged::resolve`], but a symbolic link that is the last component is not followed.
    ///
    /// # Errors
    /// As [`Merged::resolve`].
    pub fn resolve_parents(&self, path: &Path) -> Result<PathBuf> {
        self.resolve_with(path, false)
    }

    fn resolve_with(&self, path: &Path, follow_last: bool) -> Result<PathBuf> {
        let mut todo: VecDeque<Vec<u8>> = VecDeque::new();
        push_front(&mut todo, path);
        let mut done = PathBuf::new();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            match name.as_slice() {
                b"/" => done = PathBuf::new(),
                b".." => {
                    done.pop();
                }
                name => {
                    let next = done.join(OsStr::from_bytes(name));
                    let is_last = todo.is_empty();
                    let link = match self.lstat(&next)? {
                        Some(metadata)
                            if metadata.kind == Kind::Symlink && (follow_last || !is_last) =>
                        {
                            self.read_link(&next)?
                        }
                        _ => {
                            done = next;
                            continue;
                        }
                    };
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Error::Loop(path.display().to_string()));
                    }
                    push_front(&mut todo, &link);
                }
            }
        }
        Ok(done)
    }

    /// Where the symbolic link at a canonical path points.
    ///
    /// # Errors
    /// When it is not there or not a link.
    pub fn read_link(&self, canonical: &Path) -> Result<PathBuf> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self
            .open_within(canonical, flags)
            .context("open", canonical)?;
        let target = fs::readlinkat(&fd, "", Vec::new()).context("read the link", canonical)?;
        Ok(PathBuf::from(OsStr::from_bytes(target.as_bytes())))
    }

    /// Names in the directory at a canonical path, sorted by bytes.
    ///
    /// # Errors
    /// When it cannot be read as a directory.
    pub fn list(&self, canonical: &Path) -> Result<Vec<Vec<u8>>> {
        list(self.open_read(canonical)?.as_fd(), canonical)
    }

    /// Where on disk a canonical path is that the view has, and that is not its root.
    pub(crate) fn provider(&self, canonical: &Path) -> Option<Provided> {
        let name = canonical.file_name()?;
        let dirs = self.providers(canonical.parent()?);
        dirs.iter()
            .enumerate()
            .find_map(|(place, (layer, dir))| {
                let stat = fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
                Some((place, *layer, stat))
            })
            .map(|(place, layer, stat)| Provided {
                layer,
                dirs: dirs.clone(),
                place,
                stat,
            })
    }

    /// The directory at a canonical path in all layers that have it, topmost first.
    fn providers(&self, canonical: &Path) -> Dirs {
        if let Some((path, dirs)) = &*self.last_provided.borrow()
            && path == canonical
        {
            return dirs.clone();
        }
        let path = if canonical.as_os_str().is_empty() {
            Path::new(".")
        } else {
            canonical
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let open = |layer: &LayerDir| {
            let dir = fs::open(&layer.dir, flags, Mode::empty()).ok()?;
            fs::openat2(&dir, path, flags, Mode::empty(), resolve).ok()
        };
        let layers = self.layers.iter().enumerate().rev();
        let dirs: Dirs = layers
            .filter_map(|(index, layer)| Some((index, open(layer)?)))
            .collect();
        self.last_provided
            .replace(Some((canonical.to_owned(), dirs.clone())));
        dirs
    }
}

/// Names in an open directory, sorted by bytes.
pub(crate) fn list(dir: BorrowedFd<'_>, path: &Path) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in fs::Dir::read_from(dir).context("list", path)? {
        let entry = entry.context("list", path)?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a status is that of a whiteout: a character device with number 0:0.
pub(crate) fn is_whiteout(stat: &fs::Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// The status of a name in an open directory, not following a link; `None` if it is not there.
pub(crate) fn stat_in(dir: BorrowedFd<'_>, name: &Path) -> Result<Option<fs::Stat>> {
    match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error).context("stat", name),
    }
}

fn push_front(todo: &mut VecDeque<Vec<u8>>, path: &Path) {
    let names = path.components().filter_map(|component| match component {
        Component::RootDir => Some(b"/".to_vec()),
        Component::ParentDir => Some(b"..".to_vec()),
        Component::Normal(name) => Some(name.as_bytes().to_vec()),
        Component::CurDir | Component::Prefix(_) => None,
    });
    for name in names.collect::<Vec<_>>().into_iter().rev() {
        todo.push_front(name);
    }
}
