//! A directory of the host as a layer: first a scan that reads names, kinds and contents' digests, then the copying.
//!
//! The scan alone decides the result: permission bits are reduced to what git keeps (0755 for directories and executable
//! files, 0644 otherwise), owners and times are not looked at, so the same checkout gives the same layer under another
//! user, umask or clock. Copying verifies that each file still is what the scan saw.

mod materialise;

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use ci_dockerfile::ignore::{Dir, Patterns};
use ci_oci::{Digest, DigestWriter};
use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::copy::patterns;
use crate::error::{Context, Error, Result};
use crate::gitignore::{self, Level};
use crate::merged::{list, stat_in};
pub use materialise::materialise;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// How a file is opened: not a link, and without waiting for the writer of a fifo.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// How a directory is opened.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What of a host directory is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// If not empty, only what matches one of these patterns.
    pub include: Vec<String>,
    /// What matches is left out, with `!` for exceptions.
    pub exclude: Vec<String>,
    /// If not empty, only these paths, what is below them and their parents: what a build names by path.
    pub roots: Vec<String>,
    /// Leave out what the `.gitignore` files of the directory say.
    pub gitignore: bool,
}

/// One entry of a scanned directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path below the scanned directory.
    pub path: PathBuf,
    /// What it is.
    pub node: Node,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Of its content.
        digest: Digest,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symbolic link and its target, as it is.
    Symlink(OsString),
}

/// The outcome of a scan, in the order of paths' components.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Parents come before what they contain.
    pub entries: Vec<Entry>,
}

impl Tree {
    /// One digest for everything the tree contains.
    pub fn digest(&self) -> Digest {
        self.digest_below(&[""])
    }

    /// Whether a path, or one of its parents, is a symbolic link.
    pub fn has_link_above(&self, path: &str) -> bool {
        let is_link = |entry: &&Entry| {
            matches!(entry.node, Node::Symlink(_))
                && is_at_or_below(path, &entry.path.to_string_lossy())
        };
        self.entries.iter().any(|entry| is_link(&entry))
    }

    /// One digest for what is at or below some paths (the whole tree is the empty path), and the directories above them.
    pub fn digest_below(&self, roots: &[&str]) -> Digest {
        let mut out = DigestWriter::new(std::io::sink());
        let is_counted = |entry: &&Entry| {
            let path = entry.path.to_string_lossy();
            roots.iter().any(|root| {
                is_at_or_below(&path, root)
                    || entry.node == Node::Directory && is_at_or_below(root, &path)
            })
        };
        for entry in self.entries.iter().filter(is_counted) {
            // Writing to a sink cannot fail.
            let _ = entry.describe(&mut out);
        }
        out.finish().1
    }
}

impl Entry {
    fn describe(&self, out: &mut impl Write) -> std::io::Result<()> {
        let path = self.path.as_os_str().as_bytes();
        write!(out, "{} ", path.len())?;
        out.write_all(path)?;
        match &self.node {
            Node::Directory => writeln!(out, " d"),
            Node::File { digest, executable } => writeln!(out, " f {digest} {executable}"),
            Node::Symlink(target) => {
                write!(out, " l {} ", target.len())?;
                out.write_all(target.as_bytes())?;
                writeln!(out)
            }
        }
    }
}

/// Remembers contents' digests from one scan to the next, by what the file system says of a file.
pub trait Digests {
    /// The digest known for a file of this status, if it can be trusted.
    fn known(&self, stat: &Stat) -> Option<Digest>;
    /// Remembers the digest just computed.
    fn learn(&mut self, stat: &Stat, digest: Digest);
}

/// Scans the directory `root` of the host.
///
/// # Errors
/// When it is not there or something in it cannot be read.
pub fn scan(root: &Path, filter: &Filter, digests: &mut dyn Digests) -> Result<Tree> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = match fs::open(root, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            return Err(Error::NotFound {
                path: root.display().to_string(),
                hint: String::new(),
            });
        }
        other => other.context("open", root)?,
    };
    let include = (!filter.include.is_empty())
        .then(|| patterns(&filter.include))
        .transpose()?;
    let exclude = patterns(&filter.exclude)?;
    let mut scan = Scan {
        root,
        roots: &filter.roots,
        gitignore: filter.gitignore,
        included: filter
            .include
            .iter()
            .map(|pattern| literal_prefix(pattern))
            .collect(),
        digests,
        buffer: vec![0; BUFFER],
        tree: Tree::default(),
    };
    let matching = Matching {
        include: include.as_ref().map(Patterns::root),
        exclude: exclude.root(),
    };
    scan.directory(fd.as_fd(), Path::new(""), &matching, None)?;
    Ok(scan.tree)
}

struct Scan<'a> {
    root: &'a Path,
    /// Only what is at, above or below one of these is looked at; none is no limit.
    roots: &'a [String],
    gitignore: bool,
    /// The same, from the beginnings of the include patterns.
    included: Vec<String>,
    digests: &'a mut dyn Digests,
    buffer: Vec<u8>,
    tree: Tree,
}

/// How far the patterns have matched the directory that the scan is in.
struct Matching<'a> {
    include: Option<Dir<'a>>,
    exclude: Dir<'a>,
}

impl<'a> Matching<'a> {
    /// Whether an entry is included and whether it is excluded, and the matching for what is in it.
    fn enter(&self, name: &str) -> (bool, bool, Matching<'a>) {
        let (is_excluded, exclude) = self.exclude.enter(name);
        let (is_included, include) = match &self.include {
            Some(include) => {
                let (is_included, below) = include.enter(name);
                (is_included, Some(below))
            }
            None => (true, None),
        };
        (is_included, is_excluded, Matching { include, exclude })
    }
}

impl Scan<'_> {
    /// Scans what is in a directory. Directories that are left out themselves appear only if something below is taken.
    fn directory(
        &mut self,
        dir: impl AsFd,
        path: &Path,
        matching: &Matching<'_>,
        above: Option<&Level<'_>>,
    ) -> Result<()> {
        let own = self.ignore_file(dir.as_fd(), path, above)?;
        let ignores = own.as_ref().or(above);
        for name in list(dir.as_fd(), &self.root.join(path))? {
            let name = PathBuf::from(OsString::from_vec(name));
            let child = path.join(&name);
            let shown = child.to_string_lossy();
            if !is_near(&shown, self.roots) || !is_near(&shown, &self.included) {
                continue;
            }
            let Some(stat) = stat_in(dir.as_fd(), &name)? else {
                continue;
            };
            let (is_included, is_excluded, below) = matching.enter(&name.to_string_lossy());
            let is_taken = is_included && !is_excluded;
            let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if let Some(ignores) = ignores {
                let components: Vec<&str> = shown.split('/').collect();
                if ignores.ignores(&components, is_directory) {
                    continue;
                }
            }
            if is_directory {
                if is_excluded && !below.exclude.may_take_back() {
                    continue;
                }
                let before = self.tree.entries.len();
                self.tree.entries.push(Entry {
                    path: child.clone(),
                    node: Node::Directory,
                });
                let fd = fs::openat(dir.as_fd(), &name, DIRECTORY, Mode::empty())
                    .context("open", self.root.join(&child))?;
                self.directory(fd, &child, &below, ignores)?;
                let is_wanted =
                    is_taken && is_at_or_below_one(&child.to_string_lossy(), self.roots);
                if !is_wanted && self.tree.entries.len() == before + 1 {
                    self.tree.entries.truncate(before);
                }
            } else if is_taken && is_at_or_below_one(&shown, self.roots) {
                drop(shown);
                self.leaf(dir.as_fd(), &name, child, &stat)?;
            }
        }
        Ok(())
    }

    /// The rules of a directory's own `.gitignore`, if it has one and they count. Like git, this follows no link.
    fn ignore_file<'l>(
        &self,
        dir: impl AsFd,
        path: &Path,
        above: Option<&'l Level<'l>>,
    ) -> Result<Option<Level<'l>>> {
        if !self.gitignore {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match fs::openat(dir, gitignore::NAME, flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            other => other.context("open", self.root.join(path).join(gitignore::NAME))?,
        };
        let mut text = Vec::new();
        let place = || self.root.join(path).join(gitignore::NAME);
        let stat = fs::fstat(&file).context("stat", place())?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        File::from(file)
            .take(gitignore::LIMIT)
            .read_to_end(&mut text)
            .context("read", place())?;
        Ok(Some(Level::new(&text, path.components().count(), above)))
    }

    fn leaf(&mut self, dir: impl AsFd, name: &Path, path: PathBuf, stat: &Stat) -> Result<()> {
        let node = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let digest = match self.digests.known(stat) {
                    Some(digest) => digest,
                    None => {
                        let (digest, read) = digest_of(dir, name, &mut self.buffer)
                            .context("read", self.root.join(&path))?;
                        self.digests.learn(&read, digest);
                        digest
                    }
                };
                Node::File {
                    digest,
                    executable: stat.st_mode & 0o100 != 0,
                }
            }
            FileType::Symlink => {
                let target = fs::readlinkat(dir, name, Vec::new())
                    .context("read the link", self.root.join(&path))?;
                Node::Symlink(OsString::from_vec(target.into_bytes()))
            }
            // Devices, fifos and sockets have no content to take.
            _ => return Ok(()),
        };
        self.tree.entries.push(Entry { path, node });
        Ok(())
    }
}

/// Whether a path is at, below or above one of `roots`, or there are none.
fn is_near(path: &str, roots: &[String]) -> bool {
    roots.is_empty()
        || roots
            .iter()
            .any(|root| is_at_or_below(path, root) || is_at_or_below(root, path))
}

/// Whether a path is at or below one of `roots`, or there are none.
fn is_at_or_below_one(path: &str, roots: &[String]) -> bool {
    roots.is_empty() || roots.iter().any(|root| is_at_or_below(path, root))
}

/// The leading components of a pattern without wildcards: nothing that it matches lies elsewhere.
pub fn literal_prefix(pattern: &str) -> String {
    let pattern = pattern.trim().trim_start_matches('!');
    let parts = pattern
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    let literal: Vec<&str> = parts
        .take_while(|part| !part.contains(['*', '?', '[', '\\']) && *part != "..")
        .collect();
    literal.join("/")
}

fn is_at_or_below(path: &str, root: &str) -> bool {
    root.is_empty()
        || path
            .strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn digest_of(dir: impl AsFd, name: &Path, buffer: &mut [u8]) -> std::io::Result<(Digest, Stat)> {
    let fd = fs::openat(dir, name, READ, Mode::empty())?;
    let stat = fs::fstat(&fd)?;
    let mut out = DigestWriter::new(std::io::sink());
    pour(File::from(fd), &mut out, buffer)?;
    Ok((out.finish().1, stat))
}

/// Copies bytes through a buffer that is larger than most files.
fn pour(mut from: impl Read, to: &mut impl Write, buffer: &mut [u8]) -> std::io::Result<()> {
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&buffer[..count])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads a file of at most `limit` bytes below `root`; links in the path are followed as if `root` were the root of the file
/// system, so none leads out of it. `None` if there is no such file.
///
/// # Errors
/// When it is no regular file, too large, or cannot be read.
pub fn read_below(root: &Path, path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let dir = fs::open(
        root,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .context("open", root)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let resolve = fs::ResolveFlags::IN_ROOT | fs::ResolveFlags::NO_MAGICLINKS;
    let file = loop {
        match fs::openat2(&dir, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            other => break other.context("open", root.join(path))?,
        }
    };
    let stat = fs::fstat(&file).context("stat", root.join(path))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::unsuitable(
            path.display().to_string(),
            "is not a regular file",
        ));
    }
    if u64::try_from(stat.st_size).unwrap_or(0) > limit {
        return Err(Error::unsuitable(
            path.display().to_string(),
            format!("is larger than {limit} bytes"),
        ));
    }
    let mut content = Vec::new();
    File::from(file)
        .take(limit)
        .read_to_end(&mut content)
        .context("read", root.join(path))?;
    Ok(Some(content))
}
