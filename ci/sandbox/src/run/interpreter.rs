//! Why a program that is there "does not exist": its script interpreter or dynamic loader is missing from the image; or cannot be
//! executed: it is for another machine.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::binfmt;

/// Program header of the loader's name (ELF specification, `PT_INTERP`).
const PT_INTERP: u32 = 3;

/// What the program at `path` is for.
pub(crate) fn architecture(path: &str) -> Option<&'static str> {
    let mut beginning = [0; 64];
    File::open(path).ok()?.read_exact(&mut beginning).ok()?;
    binfmt::architecture(&beginning)
}

/// What the file at `path` needs and the image lacks, as the end of a sentence; `None` if the file is not there either.
pub(crate) fn missing(path: &str) -> Option<String> {
    let file = File::open(path).ok()?;
    let mut head = [0; 256];
    let length = (&file).take(head.len() as u64).read(&mut head).ok()?;
    if let Some(line) = head[..length].strip_prefix(b"#!") {
        let line = line.split(|&byte| byte == b'\n').next()?;
        let name = String::from_utf8_lossy(line);
        let interpreter = name.split_whitespace().next().unwrap_or_default();
        return Some(format!(
            "its first line names the interpreter {interpreter}, which the image does not have"
        ));
    }
    let loader = loader(&file)?;
    (!Path::new(&loader).exists())
        .then(|| format!("needs the dynamic loader {loader}, which the image does not have (link it statically, or use a base image with a C library)"))
}

/// The dynamic loader a 64-bit little-endian ELF file names.
fn loader(file: &File) -> Option<String> {
    let mut header = [0; 64];
    file.read_exact_at(&mut header, 0).ok()?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let offset = u64::from_le_bytes(header[32..40].try_into().ok()?);
    let size = u16::from_le_bytes(header[54..56].try_into().ok()?);
    let count = u16::from_le_bytes(header[56..58].try_into().ok()?);
    for index in 0..u64::from(count) {
        let mut entry = [0; 56];
        file.read_exact_at(&mut entry, offset.checked_add(index * u64::from(size))?)
            .ok()?;
        if u32::from_le_bytes(entry[..4].try_into().ok()?) != PT_INTERP {
            continue;
        }
        let start = u64::from_le_bytes(entry[8..16].try_into().ok()?);
        let length = u64::from_le_bytes(entry[32..40].try_into().ok()?).min(4096);
        let mut name = vec![0; usize::try_from(length).ok()?];
        file.read_exact_at(&mut name, start).ok()?;
        let name = name.split(|&byte| byte == 0).next()?;
        return String::from_utf8(name.to_vec()).ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_interpreter_of_a_script() {
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), "#! /opt/python -u\nprint()").unwrap();
        let reason = missing(script.path().to_str().unwrap()).unwrap();
        assert!(reason.contains("the interpreter /opt/python,"), "{reason}");
    }

    #[test]
    fn finds_the_loader_of_a_program() {
        let program = File::open(std::env::current_exe().unwrap()).unwrap();
        assert!(loader(&program).unwrap().contains("/ld-"));
    }

    #[test]
    fn other_files_miss_nothing() {
        assert_eq!(missing("/etc/passwd"), None);
        assert_eq!(missing("/no/such/file"), None);
    }
}
