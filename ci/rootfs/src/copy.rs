//! COPY: files of one root file system into another, with BuildKit's rules for what ends up where.
//!
//! A source that is a directory gives its contents, a source that is a symbolic link is followed, links deeper down stay
//! links. A destination that ends in `/`, is a directory, or receives several sources is a directory; parents are made.

pub(crate) mod attributes;
mod find;
mod links;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ci_dockerfile::Chmod;
use ci_dockerfile::ignore::Patterns;
use ci_oci::Owners;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::merged::{Kind, Merged, Metadata};
use crate::upper::{Owner, Upper, name_of, shown, stamp};
use find::Found;
pub use find::nearest;
use links::Links;

/// What to copy where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Paths or patterns relative to `root` in the source file system.
    pub sources: Vec<String>,
    /// Directory of the source file system that `sources` are relative to and do not leave.
    pub root: String,
    /// Absolute path in the destination; a trailing `/` means a directory.
    pub dest: String,
    /// Numeric owner and group of everything copied and of directories made on the way; absent: as in the source, new
    /// directories `0:0`.
    pub owner: Option<(u32, u32)>,
    /// Mode of everything copied, as for chmod(1); absent: as in the source.
    pub mode: Option<String>,
    /// Patterns, in the ignore syntax, of what to leave out: matched against paths below each source (its name, for a file).
    pub exclude: Vec<String>,
    /// If not empty, only what matches one of these patterns is copied.
    pub include: Vec<String>,
    /// A pattern that matches nothing is not an error.
    pub allow_empty: bool,
    /// A source that is a tar archive, compressed or not, gives its contents; the destination is a directory then.
    pub unpack: bool,
}

/// Copies, in order, into the layer directory `upper`, which lies over `below`.
///
/// # Errors
/// When a source does not exist, a file would replace a directory or the other way round, or the system refuses.
pub fn copy(items: &[(Merged, Request)], below: &Merged, upper: &Path) -> Result<Owners> {
    let mut upper = Upper::open(below, upper)?;
    for (source, request) in items {
        let mode = request.mode.as_deref().map(Chmod::parse).transpose();
        let mode = mode.map_err(|problem| Error::unsuitable(request.dest.clone(), problem))?;
        let shares = items.len() == 1 && request.sources.len() == 1;
        Job {
            source,
            upper: &mut upper,
            request,
            mode,
            shares,
            filter: Filter::new(request)?,
            took: false,
            links: Links::default(),
            implied: &BTreeSet::new(),
        }
        .run(below)?;
    }
    Ok(upper.into_owners())
}

struct Job<'a, 'b> {
    source: &'a Merged,
    upper: &'a mut Upper<'b>,
    request: &'a Request,
    mode: Option<Chmod>,
    /// Whether a file may share its bytes on disk with the source's layer; see [`Job::share`].
    shares: bool,
    filter: Filter,
    /// Something was copied, not only directories on the way to it.
    took: bool,
    links: Links,
    /// Directories of the source that nothing describes: they have no metadata to be copied.
    implied: &'a BTreeSet<PathBuf>,
}

/// Which paths below the root of the source are copied.
struct Filter {
    include: Option<Patterns>,
    exclude: Patterns,
}

impl Filter {
    fn new(request: &Request) -> Result<Self> {
        let include = (!request.include.is_empty())
            .then(|| patterns(&request.include))
            .transpose()?;
        Ok(Self {
            include,
            exclude: patterns(&request.exclude)?,
        })
    }

    fn takes(&self, path: &str) -> bool {
        !self.exclude.matches(path)
            && self
                .include
                .as_ref()
                .is_none_or(|include| include.matches(path))
    }

    /// Whether something below a directory that is not taken itself might be.
    fn may_take_below(&self, path: &str) -> bool {
        !self.exclude.matches(path) || self.exclude.could_match_below(path)
    }
}

/// Reads patterns of the ignore syntax.
pub(crate) fn patterns(list: &[String]) -> Result<Patterns> {
    Patterns::from_list(list).map_err(|error| Error::unsuitable(list.join(" "), error.to_string()))
}

impl Job<'_, '_> {
    fn owner_of_new(&self) -> Owner {
        self.request.owner.unwrap_or((0, 0))
    }

    /// The mode of directories made on the way: an octal mode is theirs too, without the bits beyond permissions.
    fn mode_of_new(&self) -> u32 {
        match self.mode {
            Some(Chmod::Octal(mode)) => mode & 0o777,
            Some(Chmod::Symbolic(_)) | None => 0o755,
        }
    }

    fn mode_of(&self, metadata: &Metadata) -> u32 {
        let is_dir = metadata.kind == Kind::Directory;
        self.mode
            .as_ref()
            .map_or(metadata.mode, |mode| mode.apply(metadata.mode, is_dir))
    }

    fn run(&mut self, below: &Merged) -> Result<()> {
        let mut found = Vec::new();
        for source in &self.request.sources {
            self.find(source, &mut found)?;
        }
        let dest = below.resolve(Path::new(&self.request.dest))?;
        let names_directory = self.request.dest.ends_with('/')
            || self.request.dest.ends_with("/.")
            || dest.as_os_str().is_empty();
        let exists_as_directory = self
            .upper
            .lstat(&dest)?
            .is_some_and(|found| found.kind == Kind::Directory);
        let into_directory = names_directory || exists_as_directory || found.len() > 1;
        for item in found {
            self.links.copied.clear();
            self.place(&item, &dest, into_directory)?;
        }
        if !self.request.include.is_empty() && !self.request.allow_empty && !self.took {
            return Err(Error::NotFound {
                path: self.request.include.join(" "),
                hint: String::new(),
            });
        }
        Ok(())
    }

    fn place(&mut self, item: &Found, dest: &Path, into_directory: bool) -> Result<()> {
        let target = if item.metadata.kind != Kind::Directory && into_directory {
            dest.join(item.asked.file_name().unwrap_or(OsStr::new("")))
        } else {
            dest.to_owned()
        };
        let is_dir = item.metadata.kind == Kind::Directory;
        let seen = if is_dir {
            PathBuf::new()
        } else {
            item.asked
                .file_name()
                .map(PathBuf::from)
                .unwrap_or_default()
        };
        if is_dir {
            return self.directory(&item.canonical, &seen, &target, None);
        }
        if !self.filter.takes(&seen.to_string_lossy()) {
            return Ok(());
        }
        if self.request.unpack && item.metadata.kind == Kind::File && self.unpack(item, dest)? {
            return Ok(());
        }
        let parent = target.parent().unwrap_or(Path::new("")).to_owned();
        let owner = self.owner_of_new();
        let mode = self.mode_of_new();
        let fd = self.upper.directory_with(&parent, mode, owner)?;
        self.leaf(fd.as_fd(), &item.canonical, &target, &item.metadata)
    }

    /// Copies what is in a source that is a tar archive. Answers whether it is one.
    fn unpack(&mut self, item: &Found, dest: &Path) -> Result<bool> {
        let Some(unpacked) = crate::unpack::unpack(self.source, &item.canonical, self.upper.dir())?
        else {
            return Ok(false);
        };
        let request = Request {
            sources: vec![".".into()],
            root: "/".into(),
            dest: shown(dest),
            unpack: false,
            exclude: Vec::new(),
            include: Vec::new(),
            ..self.request.clone()
        };
        let filter = Filter::new(&request)?;
        let mut job = Job {
            source: &unpacked.contents,
            upper: self.upper,
            request: &request,
            // What an archive says of modes stays, as in the reference.
            mode: None,
            shares: false,
            filter,
            took: false,
            links: Links::default(),
            implied: &unpacked.implied,
        };
        let owner = job.owner_of_new();
        job.upper.directory(dest, owner)?;
        job.directory(Path::new(""), Path::new(""), dest, None)?;
        Ok(true)
    }

    fn dress(&mut self, target: &Path, metadata: &Metadata) -> Result<()> {
        let Some(parent) = target.parent() else {
            return Ok(());
        };
        let owner = self.request.owner.unwrap_or((metadata.uid, metadata.gid));
        let mode = self.mode_of(metadata);
        let fd = self.upper.directory(parent, (0, 0))?;
        self.upper.dress(fd.as_fd(), target, mode, owner)
    }

    /// Copies what is in a directory. `metadata` is given for a directory met on the way down, whose metadata is copied.
    fn directory(
        &mut self,
        canonical: &Path,
        relative: &Path,
        target: &Path,
        metadata: Option<&Metadata>,
    ) -> Result<()> {
        let owner = self.owner_of_new();
        let mode = self.mode_of_new();
        let fd = self
            .upper
            .directory_with(target, mode, owner)
            .map_err(|error| match error {
                Error::Unsuitable { path, .. } => Error::unsuitable(
                    path,
                    "is not a directory, so a directory cannot be copied over it",
                ),
                other => other,
            })?;
        if let Some(metadata) = metadata.filter(|_| !self.implied.contains(canonical)) {
            self.dress(target, metadata)?;
            attributes::copy(self.source.open_read(canonical)?.as_fd(), fd.as_fd())
                .context("copy the attributes of", target)?;
        }
        for name in self.source.list(canonical)? {
            let name = Path::new(OsStr::from_bytes(&name));
            let path = canonical.join(name);
            let Some(child) = self.source.lstat(&path)? else {
                continue;
            };
            let seen = relative.join(name);
            let is_dir = child.kind == Kind::Directory;
            let taken = self.filter.takes(&seen.to_string_lossy());
            self.took |= taken;
            if is_dir && taken {
                self.directory(&path, &seen, &target.join(name), Some(&child))?;
            } else if is_dir && self.filter.may_take_below(&seen.to_string_lossy()) {
                self.partly(&path, &seen, &target.join(name), &child)?;
            } else if !is_dir && taken {
                self.leaf(fd.as_fd(), &path, &target.join(name), &child)?;
            }
        }
        stamp(fd.as_fd(), Path::new(".")).context("set the time of", target)
    }

    /// A directory that is left out, but something below it may not be: it is made only if that is so.
    fn partly(
        &mut self,
        canonical: &Path,
        relative: &Path,
        target: &Path,
        metadata: &Metadata,
    ) -> Result<()> {
        for name in self.source.list(canonical)? {
            let name = Path::new(OsStr::from_bytes(&name));
            let path = canonical.join(name);
            let Some(child) = self.source.lstat(&path)? else {
                continue;
            };
            let seen = relative.join(name);
            let is_dir = child.kind == Kind::Directory;
            if !self.filter.takes(&seen.to_string_lossy()) {
                if is_dir && self.filter.may_take_below(&seen.to_string_lossy()) {
                    self.partly(&path, &seen, &target.join(name), &child)?;
                }
                continue;
            }
            self.took = true;
            if self.upper.lstat(target)?.is_none() {
                let owner = self.owner_of_new();
                self.upper.directory(target, owner)?;
                self.dress(target, metadata)?;
            }
            if is_dir {
                self.directory(&path, &seen, &target.join(name), Some(&child))?;
            } else {
                let fd = self.upper.directory(target, (0, 0))?;
                self.leaf(fd.as_fd(), &path, &target.join(name), &child)?;
            }
        }
        Ok(())
    }

    /// Copies one thing that is not a directory to `target`, whose parent is open.
    fn leaf(
        &mut self,
        parent: BorrowedFd<'_>,
        canonical: &Path,
        target: &Path,
        metadata: &Metadata,
    ) -> Result<()> {
        if self
            .upper
            .lstat_in(parent, target)?
            .is_some_and(|found| found.kind == Kind::Directory)
        {
            return Err(Error::unsuitable(
                shown(target),
                "is a directory, so a file cannot be copied over it",
            ));
        }
        self.upper.clear(parent, target)?;
        let name = name_of(target)?;
        let owner = self.request.owner.unwrap_or((metadata.uid, metadata.gid));
        let mode = self.mode_of(metadata);
        match metadata.kind {
            Kind::File => {
                let file = self.file_of(canonical, metadata);
                if let Some(first) = file.and_then(|file| self.links.copied.get(&file)) {
                    return self.upper.link(parent, first, target);
                }
                if let Some(file) = file {
                    self.links.copied.insert(file, target.to_owned());
                }
                if (metadata.uid, metadata.gid) == owner
                    && metadata.mode == mode
                    && self.share(parent, canonical, target, metadata)?
                {
                    return Ok(());
                }
                let input = self.source.open_read(canonical)?;
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let output = fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))
                    .context("create", target)?;
                let (mut input, mut output) =
                    (std::fs::File::from(input), std::fs::File::from(output));
                std::io::copy(&mut input, &mut output).context("copy", target)?;
                self.upper.dress(parent, target, mode, owner)?;
                if let Some(recorded) = self.source.recorded_owner(canonical) {
                    self.upper.record(target, recorded, owner);
                }
                // After the owner, since a change of owner takes capabilities away.
                attributes::copy(input.as_fd(), output.as_fd())
                    .context("copy the attributes of", target)
            }
            Kind::Symlink => {
                let link = self.source.read_link(canonical)?;
                fs::symlinkat(&link, parent, name).context("create", target)?;
                self.upper.own(parent, target, owner)?;
                stamp(parent, name).context("set the time of", target)
            }
            Kind::Special => {
                let stat = fs::statat(self.source.root(), canonical, AtFlags::SYMLINK_NOFOLLOW)
                    .context("stat", canonical)?;
                let kind = FileType::from_raw_mode(stat.st_mode);
                if kind == FileType::Socket {
                    return Ok(());
                }
                fs::mknodat(
                    parent,
                    name,
                    kind,
                    Mode::from_raw_mode(0o600),
                    metadata.rdev,
                )
                .context("create", target)?;
                self.upper.dress(parent, target, mode, owner)
            }
            Kind::Directory => Err(Error::unsuitable(shown(target), "is a directory")),
        }
    }
}
