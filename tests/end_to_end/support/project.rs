//! Checkouts of the sample services: fresh clones, each with a home and a cache of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::built::{Digests, built, digests};
use super::program::{self, Outcome};
use super::template::{git, template};
use super::{machine, work};

/// A checkout, and where its user keeps things.
pub(crate) struct Project {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// HOME.
    pub(crate) home: PathBuf,
    /// XDG_CACHE_HOME; the program's cache is a folder in it.
    pub(crate) cache: PathBuf,
    /// All of these.
    pub(crate) dir: TempDir,
}

impl Project {
    /// Nothing is compiled and nothing cached.
    pub(crate) fn cold() -> Self {
        Self::in_folder("checkout")
    }

    /// Its checkout is a folder of this name.
    pub(crate) fn in_folder(name: &str) -> Self {
        let dir = work::folder("project");
        let at = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            path.canonicalize().unwrap()
        };
        let (root, home, cache) = (at(name), at("home"), at("cache"));
        at("tmp");
        let clone = Self {
            root,
            home,
            cache,
            dir,
        };
        clone.git(&["clone", "--quiet", "--no-local", text(template()), "."]);
        clone
    }

    /// The sample programs are compiled already; nothing else is.
    pub(crate) fn compiled() -> Self {
        let project = Self::cold();
        let programs = built().root.join(".pipeline/cargo-cache");
        project.sh(
            "mkdir .pipeline && cp -a \"$1\" .pipeline/",
            &[text(&programs)],
        );
        project
    }

    /// Its cache is that of another one.
    pub(crate) fn sharing(mut self, other: &Self) -> Self {
        self.cache.clone_from(&other.cache);
        self
    }

    /// The program with these arguments, in the checkout.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(env!("CARGO_BIN_EXE_pipeline"));
        command.args(arguments);
        command
    }

    /// Runs the program with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        program::run(&mut self.command(arguments))
    }

    /// Builds the default services.
    #[track_caller]
    pub(crate) fn build(&self) -> Digests {
        self.build_with(&[])
    }

    /// Builds with more arguments.
    #[track_caller]
    pub(crate) fn build_with(&self, arguments: &[&str]) -> Digests {
        let mut command = self.command(&["build", "--output", "json"]);
        digests(&program::run(command.args(arguments)))
    }

    /// Nothing is cached any more but the compiled programs.
    #[track_caller]
    pub(crate) fn forget(&self) {
        self.run(&["cache", "prune", "--all"]).succeeded();
        self.sh("rm -rf .pipeline/oci .pipeline/release.json", &[]);
    }

    /// What is in the cache is whole.
    #[track_caller]
    pub(crate) fn verify_cache(&self) {
        let verified = self.run(&["cache", "verify"]).succeeded();
        assert!(
            verified.stdout.ends_with(": all whole\n"),
            "{}",
            verified.stdout
        );
    }

    /// What the program keeps in the checkout.
    pub(crate) fn state(&self, path: &str) -> PathBuf {
        self.root.join(".pipeline").join(path)
    }

    /// Runs git in the checkout, without anybody's configuration.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) {
        git(&self.root, arguments);
    }

    /// Runs a script of the host's shell in the checkout.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str, arguments: &[&str]) {
        let mut command = self.bare("sh");
        program::run(command.args(["-euc", script, "sh"]).args(arguments)).succeeded();
    }

    /// Without root, layers belong to subordinate ids, which only the program itself can remove.
    pub(super) fn empty_cache(&self) {
        if !machine::is_root() {
            let _ = self.command(&["cache", "prune", "--all"]).output();
        }
    }

    /// A program in the checkout, with nothing in its environment but places.
    pub(crate) fn bare(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &self.home)
            .env("CARGO_HOME", self.home.join(".cargo"))
            .env("TMPDIR", self.dir.path().join("tmp"))
            .env("XDG_CACHE_HOME", &self.cache);
        if let Some(rustup) = rustup_home() {
            command.env("RUSTUP_HOME", rustup);
        }
        if let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        command
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.empty_cache();
    }
}

/// Where rustup keeps toolchains, whatever HOME the tests give.
fn rustup_home() -> Option<PathBuf> {
    let given = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    given.or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".rustup")).filter(|path| path.is_dir())
    })
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
