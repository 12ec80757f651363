//! What a run leaves behind although it should not: processes that know of its folder, and mounts of it.
//!
//! A process belongs to a project if the project's folder is in its arguments, environment, working directory or program, or
//! in the mounts it sees: an execution's root file system is an overlay of folders of the cache.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::project::Project;

/// What was killed is gone when the kernel has come to it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Project {
    /// Nothing that a run started is there any more.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let since = Instant::now();
        loop {
            let left = processes(self.dir.path());
            if left.is_empty() {
                break;
            }
            assert!(
                since.elapsed() < PATIENCE,
                "still there:\n{}",
                left.join("\n")
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let dir = self.dir.path().to_str().unwrap();
        assert!(!mounts.contains(dir), "still mounted:\n{mounts}");
    }

    /// The processes of this project.
    pub(crate) fn processes(&self) -> Vec<String> {
        processes(self.dir.path())
    }
}

fn processes(of: &Path) -> Vec<String> {
    let needle = of.as_os_str().as_bytes();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbered =
        entries.filter(|entry| entry.file_name().as_bytes().iter().all(u8::is_ascii_digit));
    numbered
        .map(|entry| entry.path())
        .filter(|process| knows(process, needle))
        .map(|process| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            format!("{} {line}", process.display())
        })
        .collect()
}

fn knows(process: &Path, needle: &[u8]) -> bool {
    let own = PathBuf::from(format!("/proc/{}", std::process::id()));
    if process == own {
        return false;
    }
    let has = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    ["cmdline", "environ", "mountinfo"]
        .iter()
        .any(|file| fs::read(process.join(file)).is_ok_and(|bytes| has(&bytes)))
        || ["cwd", "exe", "root"].iter().any(|link| {
            let target = fs::read_link(process.join(link)).unwrap_or_default();
            has(OsStr::as_bytes(target.as_os_str()))
        })
}
