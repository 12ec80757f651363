//! `ls`, `stat` and `readlink`. Lists name no users and no times: neither is known in an image built from nothing, and both
//! would make the log of a build differ from run to run.

use std::cell::Cell;
use std::fs::{self, Metadata};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::{Call, Ended, Failure, about};

/// `ls [-1Aadl] [FILE…]`: one name in each line, sorted by bytes.
pub(super) fn ls(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("1Aadl")?;
    let here = [".".to_owned()];
    let operands = if arguments.operands.is_empty() {
        &here
    } else {
        arguments.operands
    };
    let (long, hidden) = (arguments.has('l'), arguments.has('a') || arguments.has('A'));
    let first = Cell::new(true);
    call.each(operands, |name| {
        let path = call.path(name);
        // A link to a directory lists that directory, unless its details are asked for.
        let metadata = if long {
            fs::symlink_metadata(&path)
        } else {
            fs::metadata(&path)
        };
        let metadata = metadata
            .or_else(|_| fs::symlink_metadata(&path))
            .map_err(|error| about(name, &error))?;
        let mut out = call.output();
        if !metadata.is_dir() || arguments.has('d') {
            write_entry(&mut out, name, &path, long)?;
            first.set(false);
            return Ok(out.flush()?);
        }
        if operands.len() > 1 {
            let gap = if first.replace(false) { "" } else { "\n" };
            writeln!(out, "{gap}{name}:")?;
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(|error| about(name, &error))? {
            names.push(entry?.file_name());
        }
        if arguments.has('a') {
            names.extend([".".into(), "..".into()]);
        }
        names.sort_unstable();
        for entry in names {
            if hidden || !entry.as_encoded_bytes().starts_with(b".") {
                write_entry(&mut out, &entry.to_string_lossy(), &path.join(&entry), long)?;
            }
        }
        Ok(out.flush()?)
    })
}

fn write_entry(out: &mut dyn Write, name: &str, path: &Path, long: bool) -> Result<(), Failure> {
    if !long {
        return Ok(writeln!(out, "{name}")?);
    }
    let file = fs::symlink_metadata(path).map_err(|error| about(path, &error))?;
    let size = if is_device(&file) {
        device(&file)
    } else {
        file.len().to_string()
    };
    write!(
        out,
        "{} {} {} {} {size:>8} {name}",
        mode(&file),
        file.nlink(),
        file.uid(),
        file.gid()
    )?;
    if file.is_symlink() {
        write!(out, " -> {}", fs::read_link(path)?.display())?;
    }
    Ok(writeln!(out)?)
}

fn is_device(file: &Metadata) -> bool {
    file.file_type().is_char_device() || file.file_type().is_block_device()
}

/// Major and minor number, as Linux packs them.
fn device(file: &Metadata) -> String {
    let device = file.rdev();
    let major = (device >> 8 & 0xfff) | (device >> 32 & !0xfff);
    let minor = (device & 0xff) | (device >> 12 & !0xff & 0xffff_ffff);
    format!("{major},{minor}")
}

/// `-rwxr-xr-x`
fn mode(file: &Metadata) -> String {
    let kind = match file.file_type() {
        kind if kind.is_dir() => 'd',
        kind if kind.is_symlink() => 'l',
        kind if kind.is_fifo() => 'p',
        kind if kind.is_socket() => 's',
        kind if kind.is_char_device() => 'c',
        kind if kind.is_block_device() => 'b',
        _ => '-',
    };
    let mode = file.mode();
    let mut text = String::from(kind);
    for (shift, special, mark) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        text.push(if mode >> shift & 4 != 0 { 'r' } else { '-' });
        text.push(if mode >> shift & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, mode >> shift & 1 != 0) {
            (false, false) => '-',
            (false, true) => 'x',
            (true, false) => mark.to_ascii_uppercase(),
            (true, true) => mark,
        });
    }
    text
}

/// `stat -c FORMAT FILE…`, with `%a` (mode), `%F` (type), `%g`, `%h` (links), `%n` (name), `%s` (size), `%u`.
pub(super) fn stat(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("c:")?;
    let format = arguments
        .value('c')
        .ok_or_else(|| Failure::Usage("needs -c FORMAT".to_owned()))?;
    call.each(call.some(arguments.operands)?, |name| {
        let file = fs::symlink_metadata(call.path(name)).map_err(|error| about(name, &error))?;
        let mut line = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                line.push(c);
                continue;
            }
            match chars.next() {
                Some('a') => line.push_str(&format!("{:o}", file.mode() & 0o7777)),
                Some('F') => line.push_str(kind(&file)),
                Some('g') => line.push_str(&file.gid().to_string()),
                Some('h') => line.push_str(&file.nlink().to_string()),
                Some('n') => line.push_str(name),
                Some('s') => line.push_str(&file.len().to_string()),
                Some('u') => line.push_str(&file.uid().to_string()),
                Some('%') => line.push('%'),
                other => {
                    let directive = other.map(String::from).unwrap_or_default();
                    return Err(Failure::Usage(format!("`%{directive}` is not supported")));
                }
            }
        }
        let mut out = call.output();
        writeln!(out, "{line}")?;
        Ok(out.flush()?)
    })
}

fn kind(file: &Metadata) -> &'static str {
    match file.file_type() {
        kind if kind.is_dir() => "directory",
        kind if kind.is_symlink() => "symbolic link",
        kind if kind.is_fifo() => "fifo",
        kind if kind.is_socket() => "socket",
        kind if kind.is_char_device() => "character special file",
        kind if kind.is_block_device() => "block special file",
        _ if file.len() == 0 => "regular empty file",
        _ => "regular file",
    }
}

/// `readlink [-f] FILE`
pub(super) fn readlink(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("f")?;
    let [name] = call.exactly::<1>(arguments.operands)?;
    let path = call.path(name);
    let target = if arguments.has('f') {
        path.canonicalize()
    } else {
        fs::read_link(&path)
    };
    let target = target.map_err(|error| about(name, &error))?;
    let mut out = call.output();
    writeln!(out, "{}", target.display())?;
    out.flush()?;
    Ok(0)
}
