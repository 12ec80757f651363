//! PAX extended headers: records of the form `LENGTH KEYWORD=VALUE\n`, where the length counts the whole record.

use super::{ArchiveProblem, Entry, Time};

/// Where the common programs keep extended attributes.
pub(super) const XATTR: &[u8] = b"SCHILY.xattr.";

/// Splits the body of an extended header into its records. Any defect is an error: a record passed over is a field that another
/// program sees and we do not (L9).
pub(super) fn records(
    mut body: &[u8],
) -> impl Iterator<Item = Result<(&[u8], &[u8]), ArchiveProblem>> {
    std::iter::from_fn(move || {
        if body.is_empty() {
            return None;
        }
        let record = first_record(body);
        body = match &record {
            Some((_, _, rest)) => rest,
            None => &[],
        };
        Some(
            record
                .map(|(keyword, value, _)| (keyword, value))
                .ok_or(ArchiveProblem::Extended(
                    "a record does not have the length it states",
                )),
        )
    })
}

fn first_record(body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = body.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&body[..space])?).ok()?;
    let (record, rest) = body.split_at_checked(length)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record
        .iter()
        .position(|byte| *byte == b'=')
        .filter(|at| *at > 0)?;
    Some((&record[..equals], &record[equals + 1..], rest))
}

/// Fields of an entry that an extended header replaces.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    mtime: Option<Time>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Overrides {
    pub(super) fn parse(body: &[u8]) -> Result<Self, ArchiveProblem> {
        let mut overrides = Self::default();
        for record in records(body) {
            let (keyword, value) = record?;
            overrides.set(keyword, value)?;
        }
        Ok(overrides)
    }

    /// A later record of a keyword replaces an earlier one, and an empty value takes it back (POSIX).
    fn set(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), ArchiveProblem> {
        let present = !value.is_empty();
        let id = |name| {
            decimal(value)
                .and_then(|id| u32::try_from(id).ok())
                .ok_or(ArchiveProblem::Number(name))
        };
        match keyword {
            b"path" | b"linkpath" if value.contains(&0) => {
                return Err(ArchiveProblem::Extended("a name contains NUL"));
            }
            b"path" => self.path = present.then(|| value.to_vec()),
            b"linkpath" => self.link = present.then(|| value.to_vec()),
            b"size" => {
                self.size = present
                    .then(|| decimal(value).ok_or(ArchiveProblem::Number("size")))
                    .transpose()?
            }
            b"uid" => self.uid = present.then(|| id("uid")).transpose()?,
            b"gid" => self.gid = present.then(|| id("gid")).transpose()?,
            b"mtime" => {
                self.mtime = present
                    .then(|| time(value).ok_or(ArchiveProblem::Number("mtime")))
                    .transpose()?
            }
            _ if keyword.starts_with(b"GNU.sparse.") => return Err(ArchiveProblem::Sparse),
            _ => {
                if let Some(name) = keyword.strip_prefix(XATTR) {
                    if name.is_empty() || name.contains(&0) {
                        return Err(ArchiveProblem::Extended("an attribute has no proper name"));
                    }
                    self.xattrs.retain(|(other, _)| other != name);
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }

    /// Applies everything but the path, link and size, of which the reader knows more.
    pub(super) fn apply(self, entry: &mut Entry) {
        entry.uid = self.uid.unwrap_or(entry.uid);
        entry.gid = self.gid.unwrap_or(entry.gid);
        entry.mtime = self.mtime.unwrap_or(entry.mtime);
        entry.xattrs = self.xattrs;
        entry.xattrs.sort();
    }
}

/// Whether a global header may be passed over: it changes nothing of any entry.
pub(super) fn check_global(body: &[u8]) -> Result<(), ArchiveProblem> {
    for record in records(body) {
        let (keyword, _) = record?;
        if keyword != b"comment" {
            return Err(ArchiveProblem::Global(
                String::from_utf8_lossy(keyword)
                    .escape_debug()
                    .take(64)
                    .collect(),
            ));
        }
    }
    Ok(())
}

/// Digits only: no sign, no space, nothing else.
fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits
        .then(|| std::str::from_utf8(text).ok()?.parse().ok())
        .flatten()
}

/// Seconds with an optional fraction; what is finer than a nanosecond is cut off.
fn time(text: &[u8]) -> Option<Time> {
    let (negative, text) = text
        .strip_prefix(b"-")
        .map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text
        .iter()
        .position(|byte| *byte == b'.')
        .map_or((text, &[][..]), |dot| (&text[..dot], &text[dot + 1..]));
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nanoseconds = fraction
        .iter()
        .map(|digit| u32::from(digit - b'0'))
        .chain(std::iter::repeat(0))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + digit);
    Some(match (negative, nanoseconds) {
        (false, nanoseconds) => Time {
            seconds,
            nanoseconds,
        },
        (true, 0) => Time {
            seconds: -seconds,
            nanoseconds: 0,
        },
        (true, nanoseconds) => Time {
            seconds: -seconds - 1,
            nanoseconds: 1_000_000_000 - nanoseconds,
        },
    })
}

/// Appends a record.
pub(super) fn put_record(body: &mut Vec<u8>, keyword: &[&[u8]], value: &[u8]) {
    let payload = keyword.iter().map(|part| part.len()).sum::<usize>() + value.len() + 3;
    let mut length = payload + 1;
    // The length counts its own digits: more digits may make it longer, once.
    while payload + digits(length) != length {
        length = payload + digits(length);
    }
    body.extend_from_slice(length.to_string().as_bytes());
    body.push(b' ');
    keyword.iter().for_each(|part| body.extend_from_slice(part));
    body.push(b'=');
    body.extend_from_slice(value);
    body.push(b'\n');
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}
