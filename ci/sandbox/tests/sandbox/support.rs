//! What the tests share: an image made of busybox, executions on it, and the modes this machine and user allow.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ci_sandbox::{Changes, Child, Error, Exit, IdMap, Privilege, Root, Sandbox, Spec};
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

/// A place for layers, and a sandbox to run them in.
pub(crate) struct Bench {
    directory: TempDir,
    pub(crate) sandbox: Sandbox,
    pub(crate) mode: &'static str,
}

/// What came of an execution.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A static busybox, which Debian has as a package.
pub(crate) fn busybox() -> Option<PathBuf> {
    ["/bin/busybox", "/usr/bin/busybox"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

impl Bench {
    pub(crate) fn new(mode: &'static str, privilege: Privilege) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bench = Self {
            directory,
            sandbox: Sandbox::new(privilege),
            mode,
        };
        let image = bench.path("image");
        fs::create_dir_all(image.join("bin")).unwrap();
        fs::create_dir_all(image.join("etc")).unwrap();
        fs::create_dir_all(image.join("tmp")).unwrap();
        fs::set_permissions(image.join("tmp"), PermissionsExt::from_mode(0o1777)).unwrap();
        fs::copy(busybox().unwrap(), image.join("bin/busybox")).unwrap();
        for applet in [
            "cat", "chmod", "chown", "echo", "env", "false", "grep", "head", "hostname", "id",
            "kill", "ls", "find", "mkdir", "mknod", "printf", "setsid", "mount", "nc", "pwd",
            "readlink", "rm", "rmdir", "sh", "sleep", "stat", "tail", "touch", "true", "umount",
            "wc",
        ] {
            symlink("busybox", image.join("bin").join(applet)).unwrap();
        }
        fs::create_dir(bench.path("upper")).unwrap();
        fs::create_dir(bench.path("work")).unwrap();
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A layer directory with these files (a name that ends in `/` is a directory).
    pub(crate) fn layer(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let layer = self.path(name);
        fs::create_dir_all(&layer).unwrap();
        for (path, contents) in files {
            let path = layer.join(path);
            if path.to_str().unwrap().ends_with('/') {
                fs::create_dir_all(&path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, contents).unwrap();
            }
        }
        layer
    }

    /// A command over the image, changes kept in `upper`.
    pub(crate) fn spec<S: Into<String>>(&self, argv: impl IntoIterator<Item = S>) -> Spec {
        self.spec_over(vec![self.path("image")], argv)
    }

    /// A shell script over the image.
    pub(crate) fn script(&self, script: &str) -> Spec {
        self.spec(["/bin/sh", "-c", script])
    }

    pub(crate) fn spec_over<S: Into<String>>(
        &self,
        lowers: Vec<PathBuf>,
        argv: impl IntoIterator<Item = S>,
    ) -> Spec {
        let changes = Changes::Keep {
            upper: self.path("upper"),
            work: self.path("work"),
        };
        let mut spec = Spec::new(Root { lowers, changes }, argv);
        spec.env = vec![("PATH".to_owned(), "/bin".to_owned())];
        spec
    }

    /// Runs to the end.
    pub(crate) async fn run(&self, spec: Spec) -> Outcome {
        self.try_run(spec).await.unwrap()
    }

    /// Runs a script to the end and returns what it printed, which must have succeeded.
    pub(crate) async fn output(&self, script: &str) -> String {
        self.succeed(self.script(script)).await
    }

    pub(crate) async fn succeed(&self, spec: Spec) -> String {
        let outcome = self.run(spec).await;
        assert!(outcome.exit.success(), "{outcome:?}");
        outcome.stdout
    }

    pub(crate) async fn try_run(&self, spec: Spec) -> Result<Outcome, Error> {
        let mut child = self.sandbox.spawn(spec).await?;
        tokio::time::timeout(Duration::from_secs(20), finish(&mut child))
            .await
            .expect("the execution hangs")
    }

    /// Everything in the upper directory, as paths.
    pub(crate) fn changes(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.path("upper"), Path::new(""), &mut found);
        found.sort();
        found
    }
}

async fn finish(child: &mut Child) -> Result<Outcome, Error> {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (read_out, read_err, exit) = tokio::join!(
        out.read_to_string(&mut stdout),
        err.read_to_string(&mut stderr),
        child.wait()
    );
    read_out.unwrap();
    read_err.unwrap();
    Ok(Outcome {
        exit: exit?,
        stdout,
        stderr,
    })
}

fn list(root: &Path, below: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        found.push(path.to_str().unwrap().to_owned());
        if entry.file_type().unwrap().is_dir() {
            list(root, &path, found);
        }
    }
}

/// The modes that this process can run in.
pub(crate) fn modes() -> Vec<(&'static str, Privilege)> {
    let mut modes = vec![("single", Privilege::Rootless { ids: IdMap::Single })];
    if let Some(ids) = IdMap::subordinate() {
        modes.push(("ranges", Privilege::Rootless { ids }));
    }
    if rustix_is_root() {
        modes.push(("root", Privilege::Root));
    }
    modes
}

pub(crate) fn rustix_is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// A test that hangs is a test that fails.
pub(crate) async fn in_time(test: impl Future<Output = ()>) -> Result<(), Failed> {
    tokio::time::timeout(Duration::from_secs(60), test)
        .await
        .map_err(|_| "it hangs".into())
}
