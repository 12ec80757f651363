//! Which Rust toolchain builds, and what identifies it. Asking `rustc` and `cc` takes tens of milliseconds, so the answer is
//! kept in the state folder together with a witness (size and time) of every file it depends on.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ci_oci::Digest;
use serde::{Deserialize, Serialize};

use super::environment::Environment;
use super::target::Target;
use crate::error::{Exit, UserError};
use crate::stages::files;

/// The files by which a folder chooses its toolchain, and how rustup's own choice is kept.
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];

/// A Rust toolchain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Toolchain {
    /// The `cargo` to start: rustup's proxy where rustup is used.
    pub(super) cargo: PathBuf,
    /// What identifies it: what `rustc -vV` and `cargo -V` print.
    pub(super) version: String,
    /// The triple of this machine.
    pub(super) host: String,
    /// The commit of the compiler, by which its standard library names its own source files.
    pub(super) commit: Option<String>,
    /// Where compiler and standard libraries are.
    pub(super) sysroot: PathBuf,
    /// The C library to link statically, if it is installed.
    pub(super) libc: Option<PathBuf>,
    /// Value of `RUSTUP_TOOLCHAIN`, where the environment decides.
    pub(super) chosen: Option<String>,
    /// What the native compiler and linker say of themselves, a line each; empty if they are not there.
    pub(super) linker: [String; 2],
    /// The digest of the C library.
    pub(super) libc_digest: Option<Digest>,
}

/// A toolchain, and what has to be unchanged for it to be the right one still.
#[derive(Serialize, Deserialize)]
struct Remembered {
    witnesses: Vec<Witness>,
    toolchain: Toolchain,
}

/// A file as it was; absent ones count too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Witness {
    path: PathBuf,
    /// Size in bytes, and time of the last change in nanoseconds since the epoch.
    seen: Option<(u64, i128)>,
}

impl Witness {
    pub(super) fn of(path: &Path) -> Self {
        let seen = std::fs::metadata(path).ok().map(|found| {
            let nanoseconds = i128::from(found.mtime()) * 1_000_000_000;
            (found.size(), nanoseconds + i128::from(found.mtime_nsec()))
        });
        Self {
            path: path.to_owned(),
            seen,
        }
    }

    fn still_holds(&self) -> bool {
        Self::of(&self.path) == *self
    }
}

impl Toolchain {
    /// The toolchain for packages in `folder`; what is found out is kept in `cache`.
    ///
    /// # Errors
    /// When there is none, or it does not run.
    pub(super) fn find(
        folder: &Path,
        cache: &Path,
        environment: &Environment,
    ) -> Result<Self, UserError> {
        let cargo = tool("cargo", environment).ok_or_else(no_cargo)?;
        let chosen = chosen(folder);
        let key = Digest::of(question(folder, environment, chosen.as_deref()));
        let memory = cache.join(format!("toolchain-{}.json", &key.hex()[..16]));
        let remembered = files::read_json::<Remembered>(&memory);
        if let Some(known) = remembered
            && known.witnesses.iter().all(Witness::still_holds)
        {
            // One that was missing may have been installed since, and where is not known.
            if known.toolchain.libc.is_some() || libc(folder, environment).is_none() {
                return Ok(known.toolchain);
            }
        }
        let toolchain = Self::ask(folder, cargo, chosen, environment)?;
        let remembered = Remembered {
            witnesses: toolchain.witnesses(environment),
            toolchain,
        };
        // Without the memory the next run asks again.
        let _ = files::write_json(&memory, &remembered);
        Ok(remembered.toolchain)
    }

    /// Whether the standard library for a target is installed.
    pub(super) fn has_target(&self, triple: &str) -> bool {
        self.sysroot
            .join("lib/rustlib")
            .join(triple)
            .join("lib")
            .is_dir()
    }

    /// Everything that tells it from another one: versions, and the native linker and C library by size and time.
    pub(super) fn identity(&self, environment: &Environment) -> Vec<String> {
        let native = tool("cc", environment)
            .into_iter()
            .chain(self.libc.clone())
            .map(|path| format!("{:?}", Witness::of(&path)));
        std::iter::once(self.version.clone())
            .chain(native)
            .collect()
    }

    /// The same as far as a target depends on it, and as every machine would say it that has the same tools.
    pub(super) fn portable(&self, target: &Target) -> Vec<String> {
        let mut identity = vec![self.version.clone()];
        if target.is_native {
            identity.extend(self.linker.clone());
        }
        if target.triple == self.host {
            identity.extend(self.libc_digest.map(|digest| digest.to_string()));
        }
        identity
    }

    /// The environment for this toolchain's programs.
    pub(super) fn environment(&self, environment: Environment) -> Environment {
        match &self.chosen {
            Some(name) => environment.with("RUSTUP_TOOLCHAIN", name),
            None => environment,
        }
    }

    fn ask(
        folder: &Path,
        cargo: PathBuf,
        chosen: Option<String>,
        environment: &Environment,
    ) -> Result<Self, UserError> {
        let rustc = tool("rustc", environment).unwrap_or_else(|| cargo.with_file_name("rustc"));
        let environment = match &chosen {
            Some(name) => environment.clone().with("RUSTUP_TOOLCHAIN", name),
            None => environment.clone(),
        };
        let run = |program: &Path, args: &[&str]| output(program, args, folder, &environment);
        let version = run(&rustc, &["-vV"])?;
        let field = |name: &str| {
            version
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(str::to_owned)
        };
        let host = field("host").ok_or_else(|| {
            UserError::new(Exit::Machine, "`rustc -vV` does not say what its host is")
        })?;
        let sysroot = PathBuf::from(run(&rustc, &["--print", "sysroot"])?.trim());
        let cargo_version = run(&cargo, &["-V"])?;
        let first_line = |program: &str| {
            let said = run(Path::new(program), &["--version"]).unwrap_or_default();
            said.lines().next().unwrap_or_default().to_owned()
        };
        let libc = libc(folder, &environment);
        let content = libc.as_ref().and_then(|path| std::fs::read(path).ok());
        Ok(Self {
            commit: field("commit-hash").filter(|commit| commit != "unknown"),
            linker: [first_line("cc"), first_line("ld")],
            libc_digest: content.map(Digest::of),
            libc,
            version: format!("{version}{cargo_version}"),
            cargo,
            host,
            sysroot,
            chosen,
        })
    }

    fn witnesses(&self, environment: &Environment) -> Vec<Witness> {
        let mut paths = vec![
            self.cargo.clone(),
            self.sysroot.join("bin/rustc"),
            self.sysroot.join("bin/cargo"),
            rustup_home(environment).join("settings.toml"),
        ];
        paths.extend(tool("rustc", environment));
        paths.extend(tool("cc", environment));
        paths.extend(tool("ld", environment));
        paths.extend(self.libc.clone());
        paths.iter().map(|path| Witness::of(path)).collect()
    }
}

/// Everything but files' times that decides which toolchain it is.
fn question(folder: &Path, environment: &Environment, chosen: Option<&str>) -> Vec<u8> {
    let mut question = Vec::new();
    for part in [
        folder.as_os_str(),
        environment.get("PATH").unwrap_or_default(),
        environment.get("RUSTUP_HOME").unwrap_or_default(),
        OsStr::new(chosen.unwrap_or_default()),
    ] {
        question.extend_from_slice(part.as_bytes());
        question.push(0);
    }
    if let Some(file) = toolchain_file(folder) {
        question.extend(std::fs::read(file).unwrap_or_default());
    }
    question
}

/// The value of `RUSTUP_TOOLCHAIN` that counts. rustup sets it for whatever runs under `cargo run`, so it says nothing about a
/// folder that chooses its own toolchain.
fn chosen(folder: &Path) -> Option<String> {
    let value = std::env::var("RUSTUP_TOOLCHAIN").ok()?;
    toolchain_file(folder).is_none().then_some(value)
}

fn toolchain_file(folder: &Path) -> Option<PathBuf> {
    let files = folder
        .ancestors()
        .flat_map(|dir| TOOLCHAIN_FILES.map(|name| dir.join(name)));
    files.into_iter().find(|file| file.is_file())
}

fn rustup_home(environment: &Environment) -> PathBuf {
    let home = || Path::new(environment.get("HOME").unwrap_or_default()).join(".rustup");
    environment
        .get("RUSTUP_HOME")
        .map_or_else(home, PathBuf::from)
}

/// Cargo's own folder.
pub(super) fn cargo_home(environment: &Environment) -> PathBuf {
    let home = || Path::new(environment.get("HOME").unwrap_or_default()).join(".cargo");
    environment
        .get("CARGO_HOME")
        .filter(|path| !path.is_empty())
        .map_or_else(home, PathBuf::from)
}

/// A program in PATH, or where rustup puts it.
fn tool(name: &str, environment: &Environment) -> Option<PathBuf> {
    let path = environment.get("PATH").map(OsString::from);
    let rustup = || {
        let program = cargo_home(environment).join("bin").join(name);
        program.is_file().then_some(program)
    };
    which::which_in_global(name, path)
        .ok()
        .and_then(|mut found| found.next())
        .or_else(rustup)
}

/// The C library for static linking, as the linker will look for it.
fn libc(folder: &Path, environment: &Environment) -> Option<PathBuf> {
    let path = output(
        Path::new("cc"),
        &["-print-file-name=libc.a"],
        folder,
        environment,
    )
    .ok()?;
    // An absolute path means that the file exists; else the name comes back as it was given.
    Some(PathBuf::from(path.trim())).filter(|path| path.is_absolute())
}

fn output(
    program: &Path,
    args: &[&str],
    folder: &Path,
    environment: &Environment,
) -> Result<String, UserError> {
    let asked = || format!("`{} {}`", program.display(), args.join(" "));
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter())
        .output()
        .map_err(|error| {
            UserError::new(Exit::Machine, format!("{} cannot be run", asked())).because(error)
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(UserError::new(
        Exit::Machine,
        format!("{} failed: {}", asked(), said.trim()),
    ))
}

fn no_cargo() -> UserError {
    UserError::new(Exit::Machine, "there is no `cargo` in PATH")
        .hint("install Rust: see https://rustup.rs")
}

#[cfg(test)]
mod tests;
