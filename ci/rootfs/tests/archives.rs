//! Archives into layers, also through pipes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use ci_rootfs::LayerDir;
use ci_rootfs::op::{Op, Reply, run};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

/// A folder with a layer, its archive and an empty layer.
struct Fixture {
    dir: TempDir,
    archive: Vec<u8>,
    /// What the archive holds.
    diff_id: ci_oci::Digest,
}

impl Fixture {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let layer = layer(&dir, "layer");
        fs::write(layer.dir.join("file"), "content").unwrap();
        let out = dir.path().join("layer.tar.gz");
        let packed = run(&Op::Pack {
            layer,
            out: out.clone(),
        });
        let Reply::Blob { diff_id, .. } = packed.unwrap() else {
            panic!("a layer is packed into a blob");
        };
        Self {
            archive: fs::read(out).unwrap(),
            dir,
            diff_id,
        }
    }

    /// A pipe by name, and what keeps it open and writes to it.
    fn pipe(&self) -> (PathBuf, File) {
        let path = self.dir.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let both = File::options().read(true).write(true).open(&path).unwrap();
        (path, both)
    }

    fn unpack(&self, archive: PathBuf) -> ci_rootfs::Result<Reply> {
        run(&Op::Unpack {
            archive,
            size: self.archive.len() as u64,
            into: layer(&self.dir, "unpacked"),
            record: true,
        })
    }
}

fn layer(dir: &TempDir, name: &str) -> LayerDir {
    let root = dir.path().join(name);
    fs::create_dir_all(root.join("fs")).unwrap();
    LayerDir {
        dir: root.join("fs"),
        owners: root.join("owners"),
    }
}

#[test]
fn an_archive_that_came_whole_before_the_pipe_was_opened_is_unpacked() {
    let fixture = Fixture::new();
    let (path, mut pipe) = fixture.pipe();
    pipe.write_all(&fixture.archive).unwrap();
    let Reply::Unpacked { diff_id, .. } = fixture.unpack(path).unwrap() else {
        panic!("an archive is unpacked");
    };
    assert_eq!(diff_id, fixture.diff_id);
    drop(pipe);
}

#[test]
fn an_archive_that_nobody_sends_any_more_is_an_error_and_not_waited_for() {
    let fixture = Fixture::new();
    let (path, pipe) = fixture.pipe();
    drop(pipe);
    let error = fixture.unpack(path).unwrap_err().to_string();
    assert!(error.contains("too early"), "{error}");
}

#[test]
fn an_archive_that_breaks_off_is_an_error() {
    let fixture = Fixture::new();
    let half = fixture.dir.path().join("half");
    fs::write(&half, &fixture.archive[..fixture.archive.len() / 2]).unwrap();
    fixture.unpack(half).unwrap_err();
}
