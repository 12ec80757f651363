//! File trees as values: read from a directory, stacked as layers are, and compared. Reading archives is [`crate::layers`]'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use ci_oci::Digest;

/// What a name is, besides its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// Its size and digest or, if it is short, what it says.
    File(String),
    /// A symbolic link, with its target.
    Link(Vec<u8>),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// `c` or `b`, major, minor.
    Device(char, u32, u32),
}

/// One name of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub node: Node,
    /// Permission bits, with set-user-id, set-group-id and sticky.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
    /// Attributes that belong to the image: the overlay's own are left out.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Seconds since the epoch.
    pub mtime: i64,
    /// The same for all names of one file.
    pub(crate) inode: (u64, u64),
}

/// Paths relative to the root, which is the empty path, in the order of their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<Vec<u8>, Entry>);

impl Tree {
    /// The directory at `root` and everything in it.
    #[track_caller]
    pub fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        tree.read_below(root, Vec::new());
        tree
    }

    #[track_caller]
    fn read_below(&mut self, host: &Path, path: Vec<u8>) {
        let entry = Entry::read(host);
        if entry.node == Node::Directory {
            let listing = fs::read_dir(host).unwrap_or_else(|e| panic!("{}: {e}", host.display()));
            for child in listing {
                let name = child.unwrap().file_name();
                let mut below = path.clone();
                if !below.is_empty() {
                    below.push(b'/');
                }
                below.extend_from_slice(name.as_bytes());
                self.read_below(&host.join(&name), below);
            }
        }
        self.0.insert(path, entry);
    }

    /// Puts a layer in the kernel's overlay format on top. Directories in `implied`, which no entry of the layer describes,
    /// say nothing of what is below.
    pub fn stack(&mut self, layer: &Path, implied: &[Vec<u8>]) {
        let implied: BTreeSet<&Vec<u8>> = implied.iter().collect();
        for (path, entry) in Self::read(layer).0 {
            let host = layer.join(OsStr::from_bytes(&path));
            let was_directory = self.0.get(&path).map(|old| old.node == Node::Directory);
            let is_directory = entry.node == Node::Directory;
            let is_opaque = is_directory && attribute(&host, "user.overlay.opaque").is_some();
            if !(is_directory && was_directory == Some(true)) || is_opaque {
                self.remove_below(&path);
            }
            if entry.node == Node::Device('c', 0, 0) {
                self.0.remove(&path);
            } else if was_directory != Some(true)
                || !(implied.contains(&path) || path.is_empty())
                || self.0.is_empty()
            {
                self.0.insert(path, entry);
            }
        }
    }

    fn remove_below(&mut self, path: &[u8]) {
        if path.is_empty() {
            self.0.retain(|path, _| path.is_empty());
        }
        let below = [path, b"/"].concat()..[path, b"0"].concat();
        self.0.extract_if(below, |_, _| true).for_each(drop);
    }

    /// Leaves out what is at some paths and below them, but not where another tree has it.
    pub fn without(mut self, paths: &[&str], other: &Self) -> Self {
        for path in paths.iter().map(|path| path.as_bytes()) {
            if !other.0.contains_key(path) {
                self.remove_below(path);
                self.0.remove(path);
            }
        }
        self
    }

    /// With the root directory's own metadata as another tree has it, or without it.
    pub fn with_root_of(mut self, other: &Self) -> Self {
        match other.0.get(&b""[..]) {
            Some(root) => self.0.insert(Vec::new(), root.clone()),
            None => self.0.remove(&b""[..]),
        };
        self
    }

    /// One line for each entry: kind, mode, owner, path, what else there is.
    pub fn lines(&self) -> BTreeMap<String, String> {
        let mut first: HashMap<(u64, u64), &Vec<u8>> = HashMap::new();
        let mut lines = BTreeMap::new();
        for (path, entry) in &self.0 {
            let mut line = entry.line();
            let is_shared = entry.node != Node::Directory;
            let name = first.entry(entry.inode).or_insert(path);
            if is_shared && *name != path {
                line += &format!(" is {}", shown(name));
            }
            lines.insert(shown(path), line);
        }
        lines
    }
}

impl Entry {
    #[track_caller]
    fn read(host: &Path) -> Self {
        let stat = fs::symlink_metadata(host).unwrap_or_else(|e| panic!("{}: {e}", host.display()));
        let node = Node::read(host, &stat);
        Self {
            // Links have no mode of their own.
            mode: if matches!(node, Node::Link(_)) {
                0o777
            } else {
                stat.mode() & 0o7777
            },
            node,
            owner: (stat.uid(), stat.gid()),
            xattrs: attributes(host),
            mtime: stat.mtime(),
            inode: (stat.dev(), stat.ino()),
        }
    }

    fn line(&self) -> String {
        let (kind, rest) = match &self.node {
            Node::Directory => ('d', String::new()),
            Node::File(content) => ('f', format!(" {content}")),
            Node::Link(target) => ('l', format!(" -> {}", shown(target))),
            Node::Fifo => ('p', String::new()),
            Node::Socket => ('s', String::new()),
            Node::Device(kind, major, minor) => (*kind, format!(" {major},{minor}")),
        };
        let (uid, gid) = self.owner;
        let mut line = format!("{kind} {:04o} {uid}:{gid}{rest}", self.mode);
        for (name, value) in &self.xattrs {
            line += &format!(" {name}={}", shown(value));
        }
        line
    }
}

impl Node {
    fn read(host: &Path, stat: &Metadata) -> Self {
        let kind = stat.file_type();
        if kind.is_dir() {
            Self::Directory
        } else if kind.is_symlink() {
            Self::Link(fs::read_link(host).unwrap().as_os_str().as_bytes().to_vec())
        } else if kind.is_fifo() {
            Self::Fifo
        } else if kind.is_socket() {
            Self::Socket
        } else if kind.is_char_device() || kind.is_block_device() {
            let (major, minor) = (
                rustix::fs::major(stat.rdev()),
                rustix::fs::minor(stat.rdev()),
            );
            Self::Device(if kind.is_char_device() { 'c' } else { 'b' }, major, minor)
        } else {
            Self::file(&fs::read(host).unwrap_or_else(|e| panic!("{}: {e}", host.display())))
        }
    }

    /// A regular file with this content.
    pub(crate) fn file(content: &[u8]) -> Self {
        Self::File(match content.len() {
            0..=800 => format!("\"{}\"", content.escape_ascii()),
            size => format!("{size} {}", Digest::of(content)),
        })
    }
}

fn attributes(host: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 1 << 16];
    let length = match rustix::fs::llistxattr(host, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => 0,
        Err(errno) => panic!("{}: {errno}", host.display()),
    };
    names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .filter(|name| !name.contains("overlay.") && name != "security.selinux")
        .filter_map(|name| attribute(host, &name).map(|value| (name, value)))
        .collect()
}

fn attribute(host: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1 << 16];
    let length = rustix::fs::lgetxattr(host, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

/// Bytes as text, those that are not printable escaped; the root as a dot.
pub fn shown(path: &[u8]) -> String {
    match path {
        b"" => ".".to_owned(),
        path if path.len() > 200 => {
            format!("{}… ({} bytes)", path[..80].escape_ascii(), path.len())
        }
        path => path.escape_ascii().to_string(),
    }
}

/// What differs: lines of the left with `-`, of the right with `+`, sorted by path.
pub fn difference(left: &Tree, right: &Tree) -> Vec<String> {
    let (left, right) = (left.lines(), right.lines());
    let paths: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let mut lines = Vec::new();
    for path in paths
        .into_iter()
        .filter(|path| left.get(*path) != right.get(*path))
    {
        lines.extend(left.get(path).map(|line| format!("- {path} {line}")));
        lines.extend(right.get(path).map(|line| format!("+ {path} {line}")));
    }
    lines
}

/// Both trees are the same.
#[track_caller]
pub fn assert_same(ours: &Tree, what: &str, theirs: &Tree) {
    assert!(ours.0.len() > 1, "there is nothing to compare");
    let lines = difference(ours, theirs);
    assert!(
        lines.is_empty(),
        "ours (-) and {what} (+) differ:\n{}",
        lines.join("\n")
    );
}

/// Two texts line by line: what is only in the first with `-`, only in the second with `+`, the rest without.
pub fn changed_lines(first: &str, second: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (first.lines().collect(), second.lines().collect());
    // The longest common subsequence: texts of these tests are short.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(format!("  {}", old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(format!("- {}", old[i]));
            i += 1;
        } else {
            lines.push(format!("+ {}", new[j]));
            j += 1;
        }
    }
    lines.join("\n")
}
