//! The cargo commands of a build: offline, with the lock file as it is, and with the network only for crates that are not there.

use std::path::{Path, PathBuf};

use ci_catalog::CargoBuilder;
use ci_engine::progress::{Step, Stream};
use tokio::process::Command;

use super::environment::Environment;
use super::messages::Compiled;
use super::process::{self, Ended, Hold};
use super::target::Target;
use super::toolchain::Toolchain;
use crate::error::{Exit, UserError};

/// What cargo says when the lock file would have to change.
const LOCKED: &[u8] = b"--locked was passed";

/// A build that is about to run.
#[derive(Debug)]
pub(super) struct Build<'a> {
    pub(super) builder: &'a CargoBuilder,
    pub(super) toolchain: &'a Toolchain,
    pub(super) environment: Environment,
    /// `Cargo.toml`, absolute.
    pub(super) manifest: PathBuf,
    pub(super) target: &'a Target,
    /// Where cargo puts what it compiles.
    pub(super) target_dir: PathBuf,
}

impl Build<'_> {
    /// Everything after `cargo build` that decides what is built.
    pub(super) fn deciding(builder: &CargoBuilder, target: &Target) -> Vec<String> {
        let mut args = vec![
            format!("--target={}", target.triple),
            format!("--profile={}", builder.profile),
            // Debug information and symbol names are no part of what is delivered.
            format!("--config=profile.{}.strip=\"symbols\"", builder.profile),
        ];
        if let Some(package) = &builder.package {
            args.push(format!("--package={package}"));
        }
        args.push(match &builder.bin {
            Some(bin) => format!("--bin={bin}"),
            None => "--bins".into(),
        });
        if !builder.features.is_empty() {
            args.push(format!("--features={}", builder.features.join(",")));
        }
        if !builder.default_features {
            args.push("--no-default-features".into());
        }
        args
    }

    /// The workspace that the package belongs to.
    pub(super) async fn workspace(&self) -> Result<PathBuf, UserError> {
        let mut command = self.cargo(&["locate-project", "--workspace", "--message-format=plain"]);
        let output = command
            .output()
            .await
            .map_err(|error| not_run(self, error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = crate::text::one_line(&said);
            return Err(UserError::new(
                Exit::Usage,
                said.trim_start_matches("error: ").to_owned(),
            ));
        }
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        Ok(path.parent().unwrap_or(Path::new("/")).to_owned())
    }

    /// Builds, and says what was compiled.
    pub(super) async fn run(&self, step: &Step) -> Result<Compiled, UserError> {
        let mut ended = self.attempt(step, Hold::UntilWork).await?;
        if !ended.status.success() && !ended.is_shown {
            if needs_crates(&ended.stderr) {
                self.fetch(step).await?;
                ended = self.attempt(step, Hold::Nothing).await?;
            } else {
                step.output(Stream::Stderr, &ended.stderr);
            }
        }
        if !ended.status.success() {
            return Err(self.failed("cargo", &ended));
        }
        let of_target = self.target_dir.join(&self.target.triple);
        Compiled::parse(&ended.stdout, &of_target).map_err(|error| {
            UserError::new(Exit::Infrastructure, "the messages of cargo cannot be read")
                .because(error)
        })
    }

    async fn attempt(&self, step: &Step, hold: Hold) -> Result<Ended, UserError> {
        let mut command = self.cargo(&[
            "build",
            "--offline",
            "--locked",
            "--message-format=json-render-diagnostics",
        ]);
        command.args(Self::deciding(self.builder, self.target));
        process::run(command, step, hold)
            .await
            .map_err(|error| not_run(self, error))
    }

    async fn fetch(&self, step: &Step) -> Result<(), UserError> {
        step.output(
            Stream::Stderr,
            b"some crates are not on this machine; fetching them\n",
        );
        let mut command = self.cargo(&["fetch", "--locked"]);
        command.arg(format!("--target={}", self.target.triple));
        let ended = process::run(command, step, Hold::Nothing)
            .await
            .map_err(|error| not_run(self, error))?;
        if ended.status.success() {
            return Ok(());
        }
        Err(self
            .failed("cargo fetch", &ended)
            .hint("where there is a network, `cargo fetch --locked` gets all crates"))
    }

    /// `cargo` with its environment, ready for more arguments.
    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.toolchain.cargo);
        command
            .args(args)
            .arg("--manifest-path")
            .arg(&self.manifest)
            .current_dir(self.manifest.parent().unwrap_or(Path::new("/")))
            .env_clear()
            .envs(self.environment.iter());
        command
    }

    fn failed(&self, what: &str, ended: &Ended) -> UserError {
        let how = match ended.status.code() {
            Some(code) => format!("exit code: {code}"),
            None => ended.status.to_string(),
        };
        let error = UserError::new(Exit::Failed, format!("{what}: {how}"));
        if process::contains(&ended.stderr, LOCKED) {
            let lock = "Cargo.lock does not fit the manifests, or is missing";
            return error.hint(format!(
                "{lock}: run `cargo generate-lockfile` or `cargo update --workspace`, and commit it"
            ));
        }
        error
    }
}

/// Whether cargo failed for nothing but crates that it would have to fetch.
fn needs_crates(stderr: &[u8]) -> bool {
    process::contains(stderr, b"--offline") && !process::contains(stderr, LOCKED)
}

fn not_run(build: &Build<'_>, error: std::io::Error) -> UserError {
    let program = build.toolchain.cargo.display();
    UserError::new(Exit::Machine, format!("{program} cannot be run")).because(error)
}
