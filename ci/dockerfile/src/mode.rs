//! `--chmod`: octal modes and the symbolic ones of chmod(1), as a function on permission bits.

use std::fmt::{self, Display, Formatter};

const ALL: u32 = 0o7777;

/// A change of permission bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chmod {
    /// These bits, whatever they were.
    Octal(u32),
    /// A change that depends on what the bits were.
    Symbolic(Symbolic),
}

/// A symbolic mode, such as `u=rwX,go=rX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbolic {
    text: String,
    clauses: Vec<Clause>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    /// Which of user, group and others it is about, as a mask of `rwx` bits and the set-id and sticky bits.
    who: u32,
    actions: Vec<Action>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Action {
    operator: char,
    /// `rwxst` for everybody; `who` selects from it.
    bits: u32,
    /// `X`: execute, for directories and for files that somebody may execute already.
    search: bool,
    /// `u`, `g` or `o`: the bits that class has now.
    copy: Option<char>,
}

impl Chmod {
    /// Reads the value of `--chmod`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no mode: write an octal number up to 7777 or clauses such as u=rwX,go=rX"
            )
        };
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let bits = u32::from_str_radix(text, 8)
                .ok()
                .filter(|bits| *bits <= ALL);
            return bits.map(Self::Octal).ok_or_else(wrong);
        }
        let clauses = text
            .split(',')
            .map(clause)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(wrong)?;
        Ok(Self::Symbolic(Symbolic {
            text: text.to_owned(),
            clauses,
        }))
    }

    /// The permission bits (of `07777`) of a file or directory that had the bits `mode`.
    pub fn apply(&self, mode: u32, is_dir: bool) -> u32 {
        match self {
            Self::Octal(bits) => *bits,
            Self::Symbolic(symbolic) => symbolic
                .clauses
                .iter()
                .fold(mode & ALL, |mode, clause| clause.apply(mode, is_dir)),
        }
    }
}

impl Display for Chmod {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octal(bits) => write!(f, "{bits:o}"),
            Self::Symbolic(symbolic) => f.write_str(&symbolic.text),
        }
    }
}

impl Clause {
    fn apply(&self, mode: u32, is_dir: bool) -> u32 {
        self.actions.iter().fold(mode, |mode, action| {
            let mut bits = action.bits;
            if action.search && (is_dir || mode & 0o111 != 0) {
                bits |= 0o111;
            }
            if let Some(class) = action.copy {
                let shift = match class {
                    'u' => 6,
                    'g' => 3,
                    _ => 0,
                };
                bits |= (mode >> shift & 0o7) * 0o111;
            }
            let bits = bits & self.who;
            match action.operator {
                '+' => mode | bits,
                '-' => mode & !bits,
                // `=` leaves the set-id bits of a directory alone, as chmod(1) does, unless they are named.
                _ => mode & !(self.who & if is_dir { 0o1777 } else { ALL }) | bits,
            }
        })
    }
}

fn clause(text: &str) -> Option<Clause> {
    let classes = text.find(|c| !"ugoa".contains(c))?;
    let who = text[..classes].chars().fold(0, |who, class| {
        who | match class {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            _ => ALL,
        }
    });
    let mut actions: Vec<Action> = Vec::new();
    for c in text[classes..].chars() {
        if "+-=".contains(c) {
            actions.push(Action {
                operator: c,
                bits: 0,
                search: false,
                copy: None,
            });
            continue;
        }
        let action = actions.last_mut()?;
        match c {
            'r' => action.bits |= 0o444,
            'w' => action.bits |= 0o222,
            'x' => action.bits |= 0o111,
            's' => action.bits |= 0o6000,
            't' => action.bits |= 0o1000,
            'X' => action.search = true,
            'u' | 'g' | 'o' => action.copy = Some(c),
            _ => return None,
        }
    }
    Some(Clause {
        who: if classes == 0 { ALL } else { who },
        actions,
    })
    .filter(|clause| !clause.actions.is_empty())
}
