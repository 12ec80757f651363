//! Detached overlay mounts: a merged view of layer directories that is in nobody's mount table and is gone with its descriptor.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, chmodat, openat, unlinkat};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::Error;
use crate::failure::{During, Failure};
use crate::mounts::{self, Configuration};

/// Most layers the kernel merges.
pub const MAX_LAYERS: usize = 500;

/// Merges layer directories (lowest first, overlay format with `userxattr`), below `upper` and its `work` directory if given.
///
/// The descriptor is a directory (for `openat` and friends). One layer without an upper is that directory itself; none is an empty
/// directory. Needs `CAP_SYS_ADMIN`: call it as root, or inside a [`Handler`](crate::Handler) when rootless.
///
/// What is written to `upper` is not synced to the disk when the mount goes (`volatile`): whoever keeps it must sync it.
pub fn open(lowers: &[PathBuf], upper: Option<(&Path, &Path)>) -> io::Result<OwnedFd> {
    let opened = open_directories(lowers).map_err(into_io)?;
    let mount = match (opened.as_slice(), upper) {
        ([], None) => mounts::tmpfs(&[("mode", "0755")], MountAttrFlags::MOUNT_ATTR_RDONLY),
        ([only], None) => {
            mounts::copy(only, Path::new("")).during(|| "open the only layer".to_owned())
        }
        ([], Some((upper, _))) => {
            mounts::copy_path(upper).during(|| "open the upper directory".to_owned())
        }
        (lowers, Some((upper, work))) => {
            let upper = open_directory(upper).map_err(into_io)?;
            let work = open_work_directory(work).map_err(into_io)?;
            merge(lowers, Some((upper.as_fd(), work.as_fd())))
        }
        (lowers, None) => merge(lowers, None),
    };
    mount.map_err(into_io)
}

fn into_io(failure: Failure) -> io::Error {
    let kind = failure
        .errno()
        .map_or(io::ErrorKind::Other, |errno| errno.kind());
    io::Error::new(kind, Error::from(failure))
}

/// Opens layer directories, for [`merge`].
pub(crate) fn open_directories(paths: &[PathBuf]) -> Result<Vec<OwnedFd>, Failure> {
    paths.iter().map(|path| open_directory(path)).collect()
}

/// Opens a directory of the host without reading it.
pub(crate) fn open_directory(path: &Path) -> Result<OwnedFd, Failure> {
    openat(
        CWD,
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .during(|| format!("open the layer directory {}", path.display()))
}

/// Opens a work directory, after removing what an earlier mount left in it.
pub(crate) fn open_work_directory(path: &Path) -> Result<OwnedFd, Failure> {
    empty_work_directory(path).during(|| format!("empty the work directory {}", path.display()))?;
    open_directory(path)
}

/// Removes what the kernel leaves in a work directory: a directory that an ordinary user could not even read, and in it the mark of a
/// mount that was not synced, lest its upper directory be trusted after a crash. That is the caller's to judge.
pub(crate) fn empty_work_directory(path: &Path) -> rustix::io::Result<()> {
    let directory = openat(
        CWD,
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    // Their mode is 0: to get at what is in them, an ordinary user must first allow that.
    for name in ["work", "work/incompat", "work/incompat/volatile"] {
        let _ = chmodat(&directory, name, Mode::RWXU, AtFlags::empty());
    }
    let left = [
        ("work/incompat/volatile/dirty", AtFlags::empty()),
        ("work/incompat/volatile", AtFlags::REMOVEDIR),
        ("work/incompat", AtFlags::REMOVEDIR),
        ("work", AtFlags::REMOVEDIR),
    ];
    for (name, kind) in left {
        match unlinkat(&directory, name, kind) {
            // A kill may leave more; the kernel removes that itself when the directory is used again.
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// The overlay mount itself. Without an upper the kernel wants at least two layers.
///
/// Device files in layers, or made by a command that is root, are inert: nothing but `/dev` leads to a device.
///
/// Layers are named by descriptor: a string option is cut at 255 bytes, and the names would show inside in `/proc/mounts`.
pub(crate) fn merge(
    lowers: &[OwnedFd],
    upper: Option<(BorrowedFd<'_>, BorrowedFd<'_>)>,
) -> Result<OwnedFd, Failure> {
    if lowers.len() > MAX_LAYERS {
        return Err(Failure::new(
            format!("merge {} layers", lowers.len()),
            format!("the kernel merges at most {MAX_LAYERS}"),
        ));
    }
    let overlay = Configuration::new("overlay")?;
    overlay.flag("userxattr")?;
    for lower in lowers.iter().rev() {
        overlay
            .set("lowerdir+", &path_of(lower))
            .map_err(|failure| match failure.errno() {
                Some(Errno::INVAL) => {
                    failure.hint("layers are added one by one, which needs Linux 6.5 or newer")
                }
                _ => failure,
            })?;
    }
    if let Some((upper, work)) = upper {
        overlay.set("upperdir", &path_of(upper))?;
        overlay.set("workdir", &path_of(work))?;
        // Without this the kernel syncs the whole file system of `upper` when the overlay is unmounted.
        overlay.flag("volatile")?;
    }
    overlay
        .mount(MountAttrFlags::MOUNT_ATTR_NODEV)
        .map_err(|failure| match failure.errno() {
            Some(Errno::PERM) => failure
                .hint("overlay mounts in user namespaces need Linux 5.11 or newer; run `doctor`"),
            _ => failure,
        })
}

/// A path that leads to an open descriptor of this process.
pub(crate) fn path_of(descriptor: impl AsFd) -> String {
    format!("/proc/self/fd/{}", descriptor.as_fd().as_raw_fd())
}
