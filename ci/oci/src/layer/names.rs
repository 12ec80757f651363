//! Names in a layer: from an archive's text to a path below the layer, and the names that mean something is removed.

use super::error::EntryProblem;

/// Before the name of what is removed.
pub(super) const WHITEOUT: &[u8] = b".wh.";
/// The directory it is in hides what lower layers have there.
pub(super) const OPAQUE: &[u8] = b".wh..wh..opq";
/// What aufs kept for itself; old images have it. It is not part of the image.
const BOOKKEEPING: [&[u8]; 3] = [b".wh..wh.aufs", b".wh..wh.orph", b".wh..wh.plnk"];

/// What the name of an entry asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The layer's root directory.
    Root,
    /// An entry at this path.
    Path(Vec<u8>),
    /// The removal of this path.
    Whiteout(Vec<u8>),
    /// This directory hides what is below it.
    Opaque(Vec<u8>),
    /// Nothing.
    Ignored,
}

/// Reads the name of an entry. Absolute names are taken as relative to the layer, as everybody does; `..` is refused (L1).
pub(super) fn target(name: &[u8]) -> Result<Target, EntryProblem> {
    let path = relative(name)?;
    let (parent, last) = split(&path);
    let mut parents = parent.split(|byte| *byte == b'/');
    if parents
        .clone()
        .chain([last])
        .any(|part| BOOKKEEPING.contains(&part))
    {
        return Ok(Target::Ignored);
    }
    if parents.any(|part| part.starts_with(WHITEOUT)) {
        return Err(EntryProblem::Whiteout);
    }
    Ok(match last.strip_prefix(WHITEOUT) {
        _ if path.is_empty() => Target::Root,
        None => Target::Path(path),
        Some(_) if last == OPAQUE => Target::Opaque(parent.to_vec()),
        // `.wh.`, `.wh..`, `.wh...` and whiteouts of whiteouts (L5).
        Some(b"" | b"." | b"..") => return Err(EntryProblem::Whiteout),
        Some(removed) if removed.starts_with(WHITEOUT) => return Err(EntryProblem::Whiteout),
        Some(removed) => Target::Whiteout(join(parent, removed)),
    })
}

/// A path below the layer, in normal form: no empty parts, no `.`, no slash at either end.
pub(super) fn relative(name: &[u8]) -> Result<Vec<u8>, EntryProblem> {
    if name.is_empty() {
        return Err(EntryProblem::NoName);
    }
    let mut path = Vec::with_capacity(name.len());
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(EntryProblem::Parent),
            part => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(part);
            }
        }
    }
    Ok(path)
}

/// The parent's path and the last name.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

pub(super) fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() {
        name.to_vec()
    } else {
        [parent, b"/", name].concat()
    }
}

/// The range of the sorted paths below this one: `0` is the byte after the slash.
pub(super) fn below(path: &[u8]) -> std::ops::Range<Vec<u8>> {
    [path, b"/"].concat()..[path, b"0"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Target {
        Target::Path(text.into())
    }

    #[test]
    fn names_are_taken_relative_to_the_layer() {
        for name in [
            "etc/passwd",
            "/etc/passwd",
            "./etc/passwd",
            "//etc/./passwd",
            "etc//passwd/",
        ] {
            assert_eq!(target(name.as_bytes()), Ok(path("etc/passwd")), "{name}");
        }
        for name in [".", "./", "/", "//.", "/./"] {
            assert_eq!(target(name.as_bytes()), Ok(Target::Root), "{name}");
        }
    }

    #[test]
    fn going_up_is_refused_l1() {
        for name in ["..", "../x", "a/../b", "a/..", "/../etc", "./../x"] {
            assert_eq!(target(name.as_bytes()), Err(EntryProblem::Parent), "{name}");
        }
        assert_eq!(target(b"a/...b/..c"), Ok(path("a/...b/..c")));
        assert_eq!(target(b""), Err(EntryProblem::NoName));
    }

    #[test]
    fn whiteouts_are_told_from_names_that_look_like_them_l5() {
        assert_eq!(target(b"a/.wh.b"), Ok(Target::Whiteout(b"a/b".into())));
        assert_eq!(target(b".wh.b/"), Ok(Target::Whiteout(b"b".into())));
        assert_eq!(target(b"a/.wh..wh..opq"), Ok(Target::Opaque(b"a".into())));
        assert_eq!(target(b".wh..wh..opq"), Ok(Target::Opaque(b"".into())));
        assert_eq!(target(b".wh..x"), Ok(Target::Whiteout(b".x".into())));
        assert_eq!(target(b".wh"), Ok(path(".wh")));
        assert_eq!(target(b".whx"), Ok(path(".whx")));
        for name in [
            ".wh.",
            ".wh..",
            ".wh...",
            "a/.wh..",
            ".wh..wh.foo",
            ".wh..wh..wh.x",
            ".wh.a/b",
            ".wh..wh..opq/x",
            "x/.wh..wh.",
        ] {
            assert_eq!(
                target(name.as_bytes()),
                Err(EntryProblem::Whiteout),
                "{name}"
            );
        }
        for name in [".wh..wh.aufs", ".wh..wh.plnk/12.34", ".wh..wh.orph/"] {
            assert_eq!(target(name.as_bytes()), Ok(Target::Ignored), "{name}");
        }
    }
}
