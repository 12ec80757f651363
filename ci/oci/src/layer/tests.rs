//! Layers: what is written, what is read, and what is refused.

mod canonical;
mod damaged;
mod hostile;
mod property;
mod unpacking;

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::Owners;
use crate::tar::{self, Entry, Kind};

/// An archive being written by hand.
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn entry(mut self, entry: Entry, content: &[u8]) -> Self {
        tar::put_header(
            &mut self.0,
            &Entry {
                size: content.len() as u64,
                ..entry
            },
        );
        self.0.extend_from_slice(content);
        let end = self.0.len().next_multiple_of(512);
        self.0.resize(end, 0);
        self
    }

    fn file(self, path: impl AsRef<[u8]>, content: &str) -> Self {
        self.entry(
            Entry {
                path: path.as_ref().to_vec(),
                mode: 0o644,
                ..Entry::new(Kind::File)
            },
            content.as_bytes(),
        )
    }

    fn directory(self, path: &str) -> Self {
        self.entry(
            Entry {
                path: path.into(),
                mode: 0o755,
                ..Entry::new(Kind::Directory)
            },
            b"",
        )
    }

    fn symbolic_link(self, path: &str, target: &str) -> Self {
        self.entry(
            Entry {
                path: path.into(),
                link: target.into(),
                mode: 0o777,
                ..Entry::new(Kind::SymbolicLink)
            },
            b"",
        )
    }

    fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(
            Entry {
                path: path.into(),
                link: target.into(),
                ..Entry::new(Kind::HardLink)
            },
            b"",
        )
    }

    fn device(self, kind: Kind, path: &str, major: u32, minor: u32) -> Self {
        self.entry(
            Entry {
                path: path.into(),
                mode: 0o666,
                major,
                minor,
                ..Entry::new(kind)
            },
            b"",
        )
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&tar::END);
        self.0
    }
}

/// An unpacked layer in a directory of its own.
struct Layer {
    dir: TempDir,
    unpacked: Unpacked,
}

fn unpack_as(tar: &[u8], limits: &Limits, ownership: Ownership) -> Result<Layer, LayerError> {
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(dir.path()).unwrap();
    let unpacked = unpack(&mut &*tar, file.as_fd(), limits, ownership)?;
    Ok(Layer { dir, unpacked })
}

fn unpack_bytes(tar: &[u8]) -> Result<Layer, LayerError> {
    unpack_as(tar, &Limits::default(), Ownership::Record)
}

fn pack_with(
    dir: &Path,
    owners: &Owners,
    options: &PackOptions,
) -> Result<(Vec<u8>, Packed), LayerError> {
    let mut tar = Vec::new();
    let packed = pack(File::open(dir).unwrap().as_fd(), owners, options, &mut tar)?;
    assert_eq!(
        (packed.diff_id, packed.size),
        (Digest::of(&tar), tar.len() as u64)
    );
    Ok((tar, packed))
}

/// Packs as without root: every file on disk is root's.
fn pack_bytes(dir: &Path, owners: &Owners) -> Vec<u8> {
    pack_with(
        dir,
        owners,
        &PackOptions {
            disk_ids: DiskIds::Root,
            ..PackOptions::default()
        },
    )
    .unwrap()
    .0
}

impl Layer {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn pack(&self) -> Vec<u8> {
        pack_bytes(self.path(), &self.unpacked.owners)
    }

    fn tree(&self) -> String {
        tree(self.path())
    }
}

/// What is in a directory: one line per entry.
fn tree(dir: &Path) -> String {
    let mut lines = Vec::new();
    walk(dir, dir, &mut lines);
    lines.sort();
    lines.join("\n")
}

fn walk(root: &Path, dir: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let kind = meta.file_type();
        let name = path
            .strip_prefix(root)
            .unwrap()
            .as_os_str()
            .as_bytes()
            .escape_ascii();
        let mode = meta.mode() & 0o7777;
        lines.push(match () {
            () if kind.is_dir() => format!(
                "{name}/ {mode:o}{}",
                if is_opaque(&path) { " opaque" } else { "" }
            ),
            () if kind.is_symlink() => {
                format!("{name} -> {}", fs::read_link(&path).unwrap().display())
            }
            () if kind.is_char_device() && meta.rdev() == 0 => format!("{name} removed"),
            () if kind.is_file() => format!(
                "{name} {mode:o} {:?}",
                String::from_utf8_lossy(&fs::read(&path).unwrap())
            ),
            () => format!("{name} {mode:o} special"),
        });
        if kind.is_dir() {
            walk(root, &path, lines);
        }
    }
}

fn is_opaque(dir: &Path) -> bool {
    let mut value = [0; 8];
    matches!(
        rustix::fs::lgetxattr(dir, "user.overlay.opaque", &mut value),
        Ok(1)
    ) && value[0] == b'y'
}

/// What an archive says: one line per entry, read by the `tar` crate, so that our writer is not judged by our reader.
fn listing(tar: &[u8]) -> String {
    let mut archive = ::tar::Archive::new(tar);
    let lines = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let attributes: Vec<String> = entry
            .pax_extensions()
            .unwrap()
            .into_iter()
            .flatten()
            .map(|record| record.unwrap())
            .filter(|record| record.key_bytes().starts_with(b"SCHILY"))
            .map(|record| {
                format!(
                    " {}={}",
                    record.key().unwrap(),
                    record.value_bytes().escape_ascii()
                )
            })
            .collect();
        let header = entry.header();
        let link = entry
            .link_name_bytes()
            .map(|link| format!(" -> {}", link.escape_ascii()))
            .unwrap_or_default();
        let device = match header.entry_type().is_character_special()
            || header.entry_type().is_block_special()
        {
            true => format!(
                " {}:{}",
                header.device_major().unwrap().unwrap(),
                header.device_minor().unwrap().unwrap()
            ),
            false => String::new(),
        };
        format!(
            "{} {:o} {}:{} {} {}{link}{device}{}",
            char::from(header.entry_type().as_byte()),
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap(),
            entry.size(),
            entry.path_bytes().escape_ascii(),
            attributes.concat()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a test as nobody in particular. On Linux each thread has its own ids, and `pack` and `unpack` see those of their thread.
fn without_root<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    use rustix::fs::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    let outcome = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if is_root() {
                let (uid, gid) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
                set_thread_groups(&[]).unwrap();
                set_thread_res_gid(gid, gid, gid).unwrap();
                set_thread_res_uid(uid, uid, uid).unwrap();
            }
            test()
        });
        thread.join()
    });
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
