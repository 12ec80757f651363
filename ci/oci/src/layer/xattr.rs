//! Extended attributes of a layer directory: which are part of the image and which belong to the overlay.
//!
//! Only file capabilities and the user's own attributes travel. Labels of the host's security modules, access control lists (which
//! not every program restores) and whatever the overlay keeps for itself stay behind, in both directions: an archive that could set
//! the overlay's attributes could reach into other layers.

use std::os::fd::BorrowedFd;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

use super::error::PackProblem;

/// Marks an opaque directory when its value is `y`.
pub(super) const OPAQUE: &str = "user.overlay.opaque";
/// File capabilities.
pub(super) const CAPABILITY: &[u8] = b"security.capability";
/// The namespace of the overlay; the kernel escapes what a nested overlay sets by repeating the word.
const OVERLAY: &[u8] = b"user.overlay.";
/// With these an entry is only readable together with other layers. They appear under mount options that we never use.
const REDIRECTS: [&[u8]; 2] = [b"user.overlay.redirect", b"user.overlay.metacopy"];

/// Whether an extended attribute of this name is part of an image.
pub fn travels(name: &[u8]) -> bool {
    name == CAPABILITY || (name.starts_with(b"user.") && !name.starts_with(OVERLAY))
}

/// What a file or directory has.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// Those that travel, by name.
    pub(super) kept: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) opaque: bool,
}

#[derive(Debug)]
pub(super) enum AttributeError {
    Io(Errno),
    Problem(PackProblem),
}

impl From<Errno> for AttributeError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno)
    }
}

/// Reads attributes with one system call where there are none, which is nearly everywhere.
pub(super) fn read(
    file: BorrowedFd<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Attributes, AttributeError> {
    let mut found = Attributes::default();
    let names = match grow(buffer, |space| flistxattr(file, space)) {
        Ok([]) | Err(Errno::OPNOTSUPP) => return Ok(found),
        Ok(names) => names.to_vec(),
        Err(errno) => return Err(errno.into()),
    };
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        if REDIRECTS.contains(&name) {
            return Err(AttributeError::Problem(PackProblem::Redirect(
                String::from_utf8_lossy(name).into_owned(),
            )));
        }
        if name == OPAQUE.as_bytes() {
            found.opaque = grow(buffer, |space| fgetxattr(file, name, space))? == b"y";
        } else if travels(name) {
            if name.contains(&b'=') {
                return Err(AttributeError::Problem(PackProblem::AttributeName));
            }
            let value = grow(buffer, |space| fgetxattr(file, name, space))?;
            let value = if name == CAPABILITY {
                without_root(value)
            } else {
                value.to_vec()
            };
            found.kept.push((name.to_vec(), value));
        }
    }
    found.kept.sort();
    Ok(found)
}

/// Makes a directory hide what lower layers have in it.
pub(super) fn set_opaque(dir: BorrowedFd<'_>) -> Result<(), Errno> {
    fsetxattr(dir, OPAQUE, b"y", XattrFlags::empty())
}

/// Calls with more and more space until it is enough.
fn grow(
    buffer: &mut Vec<u8>,
    mut call: impl FnMut(&mut [u8]) -> Result<usize, Errno>,
) -> Result<&[u8], Errno> {
    if buffer.is_empty() {
        buffer.resize(1024, 0);
    }
    loop {
        match call(buffer.as_mut_slice()) {
            Ok(length) => return Ok(&buffer[..length]),
            Err(Errno::RANGE) if buffer.len() < 1 << 17 => buffer.resize(buffer.len() * 4, 0),
            Err(errno) => return Err(errno),
        }
    }
}

/// A capability set in a user namespace names its root user (`VFS_CAP_REVISION_3`, 24 bytes); in the image it is the one without
/// (`VFS_CAP_REVISION_2`, 20 bytes), as it would be had root set it.
fn without_root(capability: &[u8]) -> Vec<u8> {
    match capability {
        [flags, low, high, 3, sets @ ..] if sets.len() == 20 => {
            [&[*flags, *low, *high, 2], &sets[..16]].concat()
        }
        other => other.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_capabilities_and_the_users_own_attributes_travel() {
        for name in ["user.x", "user.overlayx", "security.capability"] {
            assert!(travels(name.as_bytes()), "{name}");
        }
        for name in [
            "user.overlay.opaque",
            "user.overlay.overlay.opaque",
            "trusted.overlay.opaque",
            "security.selinux",
            "security.ima",
            "system.posix_acl_access",
        ] {
            assert!(!travels(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_capability_set_in_a_user_namespace_is_the_same_as_one_set_by_root() {
        let rootful = [&[1, 0, 0, 2][..], &[7; 16]].concat();
        let rootless = [&[1, 0, 0, 3][..], &[7; 16], &[0xe8, 3, 0, 0]].concat();
        assert_eq!(without_root(&rootless), rootful);
        assert_eq!(without_root(&rootful), rootful);
    }
}
