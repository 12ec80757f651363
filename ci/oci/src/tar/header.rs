//! One header block: its checksum, its numbers, and the entry it describes together with what extends it.

use super::pax::Overrides;
use super::{ArchiveProblem, BLOCK, Entry, Kind, Time};

/// A header block with the right checksum.
pub(super) struct Header<'a>(&'a [u8; BLOCK]);

impl<'a> Header<'a> {
    pub(super) fn checked(block: &'a [u8; BLOCK]) -> Result<Self, ArchiveProblem> {
        let header = Self(block);
        // The checksum field counts as spaces.
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let expected = sum(&block[..148]) + 8 * u64::from(b' ') + sum(&block[156..]);
        match header.number("checksum", 148..156) {
            Ok(stated) if stated == expected => Ok(header),
            _ => Err(ArchiveProblem::Checksum),
        }
    }

    pub(super) fn flag(&self) -> u8 {
        self.0[156]
    }

    fn is_posix(&self) -> bool {
        &self.0[257..263] == b"ustar\0"
    }

    /// An octal number, ended by spaces or NUL and perhaps led by spaces; or GNU's binary form, not negative.
    pub(super) fn number(
        &self,
        name: &'static str,
        range: std::ops::Range<usize>,
    ) -> Result<u64, ArchiveProblem> {
        let value = self.signed(name, range)?;
        u64::try_from(value).map_err(|_| ArchiveProblem::Number(name))
    }

    fn signed(
        &self,
        name: &'static str,
        range: std::ops::Range<usize>,
    ) -> Result<i64, ArchiveProblem> {
        let field = &self.0[range];
        let number = match field.first() {
            Some(0x80 | 0xff) => binary(field),
            _ => octal(field),
        };
        number.ok_or(ArchiveProblem::Number(name))
    }

    fn id(&self, name: &'static str, range: std::ops::Range<usize>) -> Result<u32, ArchiveProblem> {
        u32::try_from(self.number(name, range)?).map_err(|_| ArchiveProblem::Number(name))
    }

    fn kind(&self, path: &[u8]) -> Result<Kind, ArchiveProblem> {
        Ok(match self.flag() {
            // Before POSIX a directory was a file whose name ends in a slash.
            0 if path.ends_with(b"/") => Kind::Directory,
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::SymbolicLink,
            b'3' => Kind::Character,
            b'4' => Kind::Block,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'S' => return Err(ArchiveProblem::Sparse),
            other => return Err(ArchiveProblem::Kind(other)),
        })
    }

    pub(super) fn entry(
        &self,
        mut overrides: Overrides,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry, ArchiveProblem> {
        let path = one_of(overrides.path.take(), long_name, || self.name())?;
        let link = one_of(overrides.link.take(), long_link, || {
            until_nul(&self.0[157..257]).to_vec()
        })?;
        let mut entry = Entry::new(self.kind(&path)?);
        // The size of the extended header counts, here and wherever the content is passed over (L8).
        entry.size = match overrides.size {
            Some(size) => size,
            None => self.number("size", 124..136)?,
        };
        if entry.kind != Kind::File && entry.size != 0 {
            return Err(ArchiveProblem::Content);
        }
        entry.path = path;
        if matches!(entry.kind, Kind::HardLink | Kind::SymbolicLink) {
            entry.link = link;
        }
        entry.mode = (self.number("mode", 100..108)? & 0o7777) as u32;
        entry.uid = self.id("uid", 108..116)?;
        entry.gid = self.id("gid", 116..124)?;
        entry.mtime = Time {
            seconds: self.signed("mtime", 136..148)?,
            nanoseconds: 0,
        };
        if matches!(entry.kind, Kind::Character | Kind::Block) {
            entry.major = self.id("major", 329..337)?;
            entry.minor = self.id("minor", 337..345)?;
        }
        overrides.apply(&mut entry);
        Ok(entry)
    }

    fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.0[..100]);
        let prefix = until_nul(&self.0[345..500]);
        // GNU keeps other things where POSIX has the prefix.
        if !self.is_posix() || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }
}

/// A name from the only place that gives one, or from the header; two places could contradict each other.
fn one_of(
    pax: Option<Vec<u8>>,
    gnu: Option<Vec<u8>>,
    header: impl FnOnce() -> Vec<u8>,
) -> Result<Vec<u8>, ArchiveProblem> {
    match (pax, gnu) {
        (Some(_), Some(_)) => Err(ArchiveProblem::Contradiction),
        (name, other) => Ok(name.or(other).unwrap_or_else(header)),
    }
}

fn octal(field: &[u8]) -> Option<i64> {
    let text = until_nul(field).trim_ascii();
    text.iter().try_fold(0i64, |number, digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// Two's complement, big-endian, its first bit replaced by the mark of the form.
fn binary(field: &[u8]) -> Option<i64> {
    let negative = field.first() == Some(&0xff);
    let start = if negative { -1i64 } else { 0 };
    field[1..].iter().try_fold(start, |number, byte| {
        number.checked_mul(256)?.checked_add(i64::from(*byte))
    })
}

/// A text field.
pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}
