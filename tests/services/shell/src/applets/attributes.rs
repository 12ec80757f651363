//! `chmod` and `chown`: modes, octal or symbolic, and numeric owners. There are no names of users: an image built from
//! nothing has no /etc/passwd to look them up in.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown as change_owner, lchown};
use std::path::Path;

use super::{Call, Ended, Failure, about};

/// `chmod [-R] MODE FILE…`
pub(super) fn chmod(call: &Call<'_>) -> Ended {
    // A mode such as `-w` looks like an option; POSIX spells it `a-w`.
    let arguments = call.arguments("R")?;
    let (mode, files) = arguments
        .operands
        .split_first()
        .ok_or_else(|| Failure::Usage("needs a mode".to_owned()))?;
    let change =
        Mode::parse(mode).ok_or_else(|| Failure::Usage(format!("`{mode}` is not a mode")))?;
    call.each(call.some(files)?, |name| {
        walk(&call.path(name), arguments.has('R'), &|path| {
            let metadata = fs::symlink_metadata(path).map_err(|error| about(path, &error))?;
            if metadata.is_symlink() {
                // Its own mode means nothing; what it leads to is changed only if named.
                if arguments.has('R') {
                    return Ok(());
                }
            }
            let metadata = fs::metadata(path).map_err(|error| about(path, &error))?;
            let mode = change.apply(metadata.mode() & 0o7777, metadata.is_dir());
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
                .map_err(|error| about(path, &error))
        })
    })
}

/// `chown [-Rh] UID[:GID] FILE…`
pub(super) fn chown(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("Rh")?;
    let (owner, files) = arguments
        .operands
        .split_first()
        .ok_or_else(|| Failure::Usage("needs an owner".to_owned()))?;
    let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
    let id = |text: &str| match text {
        "" => Ok(None),
        text => text
            .parse::<u32>()
            .map(Some)
            .map_err(|_| Failure::Usage(format!("`{text}` is not a numeric id"))),
    };
    let (user, group) = (id(user)?, id(group)?);
    // As everywhere else, a recursive change stays with the links themselves.
    let links = arguments.has('R') || arguments.has('h');
    call.each(call.some(files)?, |name| {
        walk(&call.path(name), arguments.has('R'), &|path| {
            let changed = if links {
                lchown(path, user, group)
            } else {
                change_owner(path, user, group)
            };
            changed.map_err(|error| about(path, &error))
        })
    })
}

/// Does something to a file and, if `recursive`, then to all there is in it. Links are not followed.
fn walk(
    path: &Path,
    recursive: bool,
    act: &dyn Fn(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    act(path)?;
    if recursive && fs::symlink_metadata(path).is_ok_and(|file| file.is_dir()) {
        for entry in fs::read_dir(path).map_err(|error| about(path, &error))? {
            walk(&entry?.path(), true, act)?;
        }
    }
    Ok(())
}

/// A change of mode.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Absolute(u32),
    Symbolic(Vec<Clause>),
}

/// `u+rwx`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clause {
    /// The bits of those it concerns, such as 0o700 for the owner, with set-id and sticky bits.
    who: u32,
    operator: char,
    /// The same permissions for everybody.
    permissions: u32,
    /// `X`: `x`, but only for directories and what somebody may already execute.
    conditional_execute: bool,
}

impl Mode {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return u32::from_str_radix(text, 8)
                .ok()
                .filter(|mode| *mode <= 0o7777)
                .map(Self::Absolute);
        }
        text.split(',')
            .map(Clause::parse)
            .collect::<Option<_>>()
            .map(Self::Symbolic)
    }

    pub(super) fn apply(&self, mode: u32, directory: bool) -> u32 {
        match self {
            Self::Absolute(absolute) => *absolute,
            Self::Symbolic(clauses) => clauses
                .iter()
                .fold(mode, |mode, clause| clause.apply(mode, directory)),
        }
    }
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let operator_at = text.find(['+', '-', '='])?;
        let (who, rest) = text.split_at(operator_at);
        let mut mask = 0;
        for c in who.chars() {
            mask |= match c {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        let mut clause = Self {
            who: if who.is_empty() { 0o7777 } else { mask },
            operator: '=',
            permissions: 0,
            conditional_execute: false,
        };
        let mut chars = rest.chars();
        clause.operator = chars.next()?;
        for c in chars {
            match c {
                'r' => clause.permissions |= 0o444,
                'w' => clause.permissions |= 0o222,
                'x' => clause.permissions |= 0o111,
                's' => clause.permissions |= 0o6000,
                't' => clause.permissions |= 0o1000,
                'X' => clause.conditional_execute = true,
                _ => return None,
            }
        }
        Some(clause)
    }

    const fn apply(&self, mode: u32, directory: bool) -> u32 {
        let mut permissions = self.permissions;
        if self.conditional_execute && (directory || mode & 0o111 != 0) {
            permissions |= 0o111;
        }
        let bits = permissions & self.who;
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => (mode & !self.who) | bits,
        }
    }
}
