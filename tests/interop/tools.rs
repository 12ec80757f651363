//! Running other programs, with configuration and storage of our own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::work;
use test_support::tree::Tree;

/// Runs a program and returns what it prints; if it fails, so does the test.
#[track_caller]
pub(crate) fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let (status, out, err) = attempt(program, arguments);
    assert!(status == 0, "{program} exits with {status}:\n{err}{out}");
    out
}

/// Runs a program that may fail; its exit code, output and errors.
#[track_caller]
pub(crate) fn attempt(
    program: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> (i32, String, String) {
    let arguments: Vec<OsString> = arguments
        .into_iter()
        .map(|argument| argument.as_ref().to_owned())
        .collect();
    let output = command(program)
        .args(&arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed, see .ci/run: {error}"));
    let err = String::from_utf8_lossy(&output.stderr);
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        format!("{program} {arguments:?}\n{err}"),
    )
}

/// A command in the environment that all programs get.
fn command(program: &str) -> Command {
    let config = config();
    let mut command = Command::new(program);
    command
        .current_dir(work::root())
        .env("CONTAINERS_CONF", config.join("containers.conf"))
        .env("CONTAINERS_STORAGE_CONF", config.join("storage.conf"))
        .env("CONTAINERS_REGISTRIES_CONF", config.join("registries.conf"))
        .env("TMPDIR", config.join("tmp"))
        .env("HOME", config.join("home"))
        .env_remove("BUILDAH_ISOLATION")
        .env("LC_ALL", "C.UTF-8");
    command
}

/// One storage for all tests: tools share images as they do on a developer's machine. No registry is reached, limits stay
/// as they are (raising them may be forbidden), and no daemon is spoken to.
fn config() -> &'static Path {
    static CONFIG: OnceLock<PathBuf> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let dir = work::root().join("c");
        for name in ["tmp", "home"] {
            fs::create_dir_all(dir.join(name)).unwrap();
        }
        let shown = dir.display();
        let storage = format!(
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"{shown}/g\"\nrunroot = \"{shown}/r\"\n"
        );
        let containers = format!(
            "[containers]\n\
             default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
             [engine]\n\
             cgroup_manager = \"cgroupfs\"\n\
             events_logger = \"none\"\n\
             lock_type = \"file\"\n\
             runtime = \"runc\"\n\
             tmp_dir = \"{shown}/p\"\n"
        );
        fs::write(dir.join("storage.conf"), storage).unwrap();
        fs::write(dir.join("containers.conf"), containers).unwrap();
        fs::write(
            dir.join("registries.conf"),
            "unqualified-search-registries = []\n",
        )
        .unwrap();
        dir
    })
}

/// Copies an image from one place to another, in the words of containers-transports(5).
#[track_caller]
pub(crate) fn skopeo_copy(options: &[&str], from: &str, to: &str) {
    let fixed = ["--insecure-policy", "copy"].into_iter();
    run(
        "skopeo",
        fixed.chain(options.iter().copied()).chain([from, to]),
    );
}

/// Brings an image into the tools' storage under a name.
#[track_caller]
pub(crate) fn store(from: &str, name: &str) {
    skopeo_copy(&["--quiet"], from, &format!("containers-storage:{name}"));
}

/// A container of an image in the tools' storage that is only looked at, never run; removed when dropped.
pub(crate) struct Mounted {
    container: String,
    /// Its root file system on the host.
    pub(crate) root: PathBuf,
}

impl Mounted {
    #[track_caller]
    pub(crate) fn new(image: &str) -> Self {
        let container = run("buildah", ["from", "--quiet", image]);
        let container = container.trim().to_owned();
        let root = run("buildah", ["mount", &container]);
        Self {
            container,
            root: PathBuf::from(root.trim_end_matches('\n')),
        }
    }

    /// The name of the container.
    pub(crate) fn container(&self) -> &str {
        &self.container
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        attempt("buildah", ["rm", &self.container]);
    }
}

/// The tree of an image in the tools' storage.
///
/// podman mounts the image itself; a container that buildah makes of it would pull its ONBUILD triggers.
#[track_caller]
pub(crate) fn stored_tree(image: &str) -> Tree {
    let root = run("podman", ["image", "mount", image]);
    let tree = Tree::read(Path::new(root.trim_end_matches('\n')));
    run("podman", ["image", "unmount", image]);
    tree
}

/// A busybox that needs no libraries.
pub(crate) fn busybox() -> &'static Path {
    ["/bin/busybox", "/usr/bin/busybox"]
        .map(Path::new)
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("busybox-static is needed, see .ci/run"))
}
