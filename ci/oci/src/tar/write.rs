//! Writes headers in one way only: the bytes are part of the assembly profile.
//!
//! Plain ustar where everything fits; otherwise a PAX header before it with just what does not fit. No user or group names.

use super::{BLOCK, Entry, Kind, padding, pax};

/// The end marker.
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Name of every PAX header; it is not meant to be seen.
const PAX_NAME: &[u8] = b"././@PaxHeader";
/// What the octal fields of seven and eleven digits can say.
const MAX_7: u64 = 0o7777777;
const MAX_11: u64 = 0o77777777777;

/// Appends the header blocks of an entry; its content and the padding are the caller's.
pub(crate) fn put_header(out: &mut Vec<u8>, entry: &Entry) {
    let mut path = std::borrow::Cow::Borrowed(entry.path.as_slice());
    if entry.kind == Kind::Directory && !path.ends_with(b"/") {
        path.to_mut().push(b'/');
    }
    let split = split(&path);
    let mut records = Vec::new();
    put_records(&mut records, entry, split.is_none().then_some(&path));
    if !records.is_empty() {
        let header = Entry {
            path: PAX_NAME.to_vec(),
            mode: 0o644,
            size: records.len() as u64,
            mtime: entry.mtime,
            ..Entry::new(Kind::File)
        };
        put_block(out, &header, b'x', b"", PAX_NAME);
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(records.len() as u64), 0);
    }
    let (prefix, name) = split.unwrap_or((b"", &path[..path.len().min(100)]));
    put_block(out, entry, entry.kind.flag(), prefix, name);
}

/// The records for what the header cannot say.
fn put_records(records: &mut Vec<u8>, entry: &Entry, long_path: Option<&[u8]>) {
    let long_link = (entry.link.len() > 100).then_some(entry.link.as_slice());
    // By default the values are UTF-8; names are bytes.
    if [long_path, long_link]
        .into_iter()
        .flatten()
        .any(|name| std::str::from_utf8(name).is_err())
    {
        pax::put_record(records, &[b"hdrcharset"], b"BINARY");
    }
    if let Some(path) = long_path {
        pax::put_record(records, &[b"path"], path);
    }
    if let Some(link) = long_link {
        pax::put_record(records, &[b"linkpath"], link);
    }
    for (keyword, value, max) in [
        ("size", entry.size, MAX_11),
        ("uid", entry.uid.into(), MAX_7),
        ("gid", entry.gid.into(), MAX_7),
    ] {
        if value > max {
            pax::put_record(records, &[keyword.as_bytes()], value.to_string().as_bytes());
        }
    }
    for (name, value) in &entry.xattrs {
        pax::put_record(records, &[pax::XATTR, name], value);
    }
}

/// Divides a path at a slash into a prefix of at most 155 and a name of at most 100 bytes; a short one is all name.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= 100 {
        return Some((b"", path));
    }
    // The name may be empty in neither program's eyes: the slash that ends a directory's name is no place to divide.
    let earliest = path.len() - 101;
    let at = (earliest..path.len() - 1).find(|at| path[*at] == b'/')?;
    (at > 0 && at <= 155).then(|| (&path[..at], &path[at + 1..]))
}

fn put_block(out: &mut Vec<u8>, entry: &Entry, flag: u8, prefix: &[u8], name: &[u8]) {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    octal(&mut block[100..108], entry.mode.into());
    // What does not fit is zero here: programs that know PAX do not look, others should see nothing plausible.
    octal(&mut block[108..116], fitting(entry.uid.into(), MAX_7));
    octal(&mut block[116..124], fitting(entry.gid.into(), MAX_7));
    octal(&mut block[124..136], fitting(entry.size, MAX_11));
    octal(
        &mut block[136..148],
        u64::try_from(entry.mtime.seconds).map_or(0, |seconds| fitting(seconds, MAX_11)),
    );
    block[148..156].fill(b' ');
    block[156] = flag;
    let link = &entry.link[..entry.link.len().min(100)];
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    octal(&mut block[329..337], entry.major.into());
    octal(&mut block[337..345], entry.minor.into());
    block[345..345 + prefix.len()].copy_from_slice(prefix);
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block[148..155], sum);
    out.extend_from_slice(&block);
}

fn fitting(value: u64, max: u64) -> u64 {
    if value > max { 0 } else { value }
}

/// Octal digits over the whole field but its last byte, which is NUL.
fn octal(field: &mut [u8], mut value: u64) {
    let Some((last, digits)) = field.split_last_mut() else {
        return;
    };
    *last = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value & 7) as u8;
        value >>= 3;
    }
}
