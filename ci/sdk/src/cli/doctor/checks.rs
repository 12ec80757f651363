//! What a build needs besides namespaces: tools, a C library to link statically, room for the cache.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ci_sandbox::{Probe, Status};

use crate::units;

/// Less room than this for the cache is worth a word.
const LITTLE_ROOM: u64 = 2_000_000_000;

pub(super) fn all() -> Vec<Probe> {
    let mut probes = vec![
        tool(
            "cargo",
            "cargo",
            Status::Missing,
            "install Rust: see https://rustup.rs",
        ),
        tool(
            "C linker",
            "cc",
            Status::Missing,
            "Debian, Ubuntu: apt-get install gcc\nFedora: dnf install gcc\nAlpine: apk add gcc musl-dev",
        ),
        static_linking(),
        tool(
            "git",
            "git",
            Status::Warn,
            "without git, images carry no commit; install git",
        ),
    ];
    probes.push(cache(ci_store::Store::default_root()));
    probes
}

/// A program that must be, or had better be, in PATH.
fn tool(name: &'static str, program: &str, when_absent: Status, fix: &str) -> Probe {
    match which::which(program) {
        Ok(path) => {
            let version =
                first_line(&path, ["--version"]).unwrap_or_else(|| path.display().to_string());
            Probe {
                name,
                status: Status::Ok,
                found: version,
                fix: None,
            }
        }
        Err(_) => Probe {
            name,
            status: when_absent,
            found: format!("no `{program}` in PATH"),
            fix: Some(fix.to_owned()),
        },
    }
}

/// Whether `cc` finds a C library to put into a binary; asked as the linker will look for it.
fn static_linking() -> Probe {
    let found = first_line(Path::new("cc"), ["-print-file-name=libc.a"]).map(PathBuf::from);
    let found = found.filter(|path| path.is_absolute());
    match found.and_then(|path| path.canonicalize().ok()) {
        Some(path) => Probe { name: "static linking", status: Status::Ok, found: path.display().to_string(), fix: None },
        None => Probe {
            name: "static linking",
            status: Status::Warn,
            found: "no libc.a: Rust services are linked dynamically, and carry the shared objects they need".into(),
            fix: Some("Debian, Ubuntu: apt-get install libc6-dev\nFedora: dnf install glibc-static".into()),
        },
    }
}

/// Where the cache is, and how much room there is for it.
fn cache(root: ci_store::Result<PathBuf>) -> Probe {
    let name = "cache";
    let fix =
        || Some("set PIPELINE_CACHE_DIR to a folder on a local disk with some room".to_owned());
    let root = match root {
        Ok(root) => root,
        Err(error) => {
            return Probe {
                name,
                status: Status::Missing,
                found: error.to_string(),
                fix: None,
            };
        }
    };
    // The folder is made by the first build.
    let existing = root
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    if rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_err() {
        return Probe {
            name,
            status: Status::Missing,
            found: format!("{} cannot be written to", existing.display()),
            fix: fix(),
        };
    }
    match rustix::fs::statvfs(existing) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let status = if free < LITTLE_ROOM {
                Status::Warn
            } else {
                Status::Ok
            };
            Probe {
                name,
                status,
                found: format!("{}, {} free", root.display(), units::size(free)),
                fix: fix(),
            }
        }
        Err(error) => Probe {
            name,
            status: Status::Warn,
            found: format!("{}: {error}", root.display()),
            fix: None,
        },
    }
}

/// The first line a program prints, if it succeeds.
fn first_line(program: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_there_shows_its_version_and_one_that_is_not_its_fix() {
        assert!(
            tool("cargo", "cargo", Status::Missing, "x")
                .found
                .starts_with("cargo ")
        );
        let absent = tool("none", "no-such-program", Status::Warn, "get it");
        assert_eq!(
            (absent.status, absent.fix.as_deref()),
            (Status::Warn, Some("get it"))
        );
    }

    #[test]
    fn the_cache_is_judged_by_the_nearest_folder_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        let probe = cache(Ok(dir.path().join("not/yet/there")));
        assert!(
            probe.found.contains("not/yet/there") && probe.found.ends_with("free"),
            "{}",
            probe.found
        );
        assert!(!dir.path().join("not").exists());
    }
}
