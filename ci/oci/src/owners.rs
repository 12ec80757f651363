//! The sidecar of a layer directory: what its file system could not hold.
//!
//! Without root and without subordinate ids every file on disk belongs to one id, device nodes cannot be made and file capabilities
//! cannot be set. A layer directory then comes with a sorted list of the entries that should have them. An entry that is absent is
//! exactly what the disk says. A device that could not be made is an empty regular file on disk with its mode.
//!
//! The file is one line per entry, sorted by path: `PATH UID GID [c|b MAJOR MINOR] [x HEX]`. Bytes of a path outside `!`–`~`, and
//! `%` itself, are written `%XX`, so any name survives. No entries, no file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What the disk cannot say of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Numeric user.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// The entry is this device; on disk it is an empty regular file.
    pub device: Option<Device>,
    /// The `security.capability` attribute, where it could not be set (see capabilities(7)).
    pub capability: Option<Vec<u8>>,
}

/// A device node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device {
    /// Character or block.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// Character or block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// As `/dev/null`.
    Character,
    /// As `/dev/loop0`.
    Block,
}

/// Why a sidecar could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OwnersError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The sidecar.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file is not one we wrote.
    #[error("{path}:{line}: not an ownership record")]
    Malformed {
        /// The sidecar.
        path: PathBuf,
        /// Counted from one.
        line: usize,
    },
}

impl Owner {
    /// An owner and nothing else.
    pub fn new(uid: u32, gid: u32) -> Self {
        Self {
            uid,
            gid,
            ..Self::default()
        }
    }
}

/// The entries of a layer of which the disk does not tell the whole truth, by path.
///
/// Paths are bytes, relative to the layer directory, without a leading or trailing slash; the directory itself is the empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    entries: BTreeMap<Vec<u8>, Owner>,
}

impl Owners {
    /// No entries: the disk is the truth.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is recorded of `path`.
    pub fn get(&self, path: &[u8]) -> Option<&Owner> {
        self.entries.get(path)
    }

    /// Records `path`, replacing what was recorded of it.
    pub fn insert(&mut self, path: impl Into<Vec<u8>>, owner: Owner) {
        self.entries.insert(path.into(), owner);
    }

    /// Forgets `path` and returns what was recorded.
    pub fn remove(&mut self, path: &[u8]) -> Option<Owner> {
        self.entries.remove(path)
    }

    /// Forgets `path` and everything below it.
    pub fn remove_tree(&mut self, path: &[u8]) {
        self.remove(path);
        if path.is_empty() {
            self.entries.clear();
            return;
        }
        // `0` is the byte after the slash.
        let below = [path, b"/"].concat()..[path, b"0"].concat();
        self.entries.extract_if(below, |_, _| true).for_each(drop);
    }

    /// All entries in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Owner)> {
        self.entries
            .iter()
            .map(|(path, owner)| (path.as_slice(), owner))
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries are recorded.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Reads a sidecar; an absent file is an empty one.
    pub fn load(path: &Path) -> Result<Self, OwnersError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::new()),
            Err(source) => {
                return Err(OwnersError::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        Self::parse(&text).map_err(|line| OwnersError::Malformed {
            path: path.to_owned(),
            line,
        })
    }

    /// Writes the sidecar atomically, or removes it where nothing is recorded.
    pub fn save(&self, path: &Path) -> Result<(), OwnersError> {
        let error = |source| OwnersError::Io {
            path: path.to_owned(),
            source,
        };
        if self.is_empty() {
            return match fs::remove_file(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => Err(error(source)),
                _ => Ok(()),
            };
        }
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(parent).map_err(error)?;
        file.write_all(&self.to_bytes())
            .and_then(|()| file.as_file().sync_data())
            .map_err(error)?;
        file.persist(path).map_err(|persist| error(persist.error))?;
        Ok(())
    }

    /// The text of the sidecar: equal records have equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (path, owner) in &self.entries {
            for &byte in path {
                match byte {
                    b'!'..=b'~' if byte != b'%' => text.push(byte),
                    _ => text.extend_from_slice(format!("%{byte:02x}").as_bytes()),
                }
            }
            text.extend_from_slice(format!(" {} {}", owner.uid, owner.gid).as_bytes());
            if let Some(device) = owner.device {
                let kind = if device.kind == DeviceKind::Character {
                    'c'
                } else {
                    'b'
                };
                text.extend_from_slice(
                    format!(" {kind} {} {}", device.major, device.minor).as_bytes(),
                );
            }
            if let Some(capability) = &owner.capability {
                text.extend_from_slice(format!(" x {}", hex::encode(capability)).as_bytes());
            }
            text.push(b'\n');
        }
        text
    }

    /// The inverse of [`Owners::to_bytes`]; the error is the number of the offending line.
    fn parse(text: &[u8]) -> Result<Self, usize> {
        let mut owners = Self::new();
        for (at, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let record = line
                .strip_suffix(b"\n")
                .and_then(|line| std::str::from_utf8(line).ok())
                .and_then(parse_line);
            let (path, owner) = record.ok_or(at + 1)?;
            owners.insert(path, owner);
        }
        Ok(owners)
    }
}

fn parse_line(line: &str) -> Option<(Vec<u8>, Owner)> {
    let mut words = line.split(' ');
    let path = unescape(words.next()?)?;
    let mut owner = Owner::new(words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    while let Some(word) = words.next() {
        match word {
            "c" | "b" if owner.device.is_none() && owner.capability.is_none() => {
                let kind = if word == "c" {
                    DeviceKind::Character
                } else {
                    DeviceKind::Block
                };
                owner.device = Some(Device {
                    kind,
                    major: words.next()?.parse().ok()?,
                    minor: words.next()?.parse().ok()?,
                });
            }
            "x" if owner.capability.is_none() => {
                owner.capability = Some(hex::decode(words.next()?).ok()?)
            }
            _ => return None,
        }
    }
    Some((path, owner))
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                path.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            b'!'..=b'~' => path.push(byte),
            _ => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests;
