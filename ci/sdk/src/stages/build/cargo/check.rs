//! Commands of a service's own, such as its unit tests, on the toolchain and in the environment in which it is compiled.

use std::path::Path;
use std::process::ExitStatus;

use ci_catalog::CargoBuilder;
use ci_engine::progress::Step;
use tokio::process::Command;

use super::environment::Environment;
use super::process;
use super::toolchain::Toolchain;
use crate::context::Context;
use crate::error::{Exit, UserError};

/// Runs a command in a folder, until it ends or this future is dropped. What it prints goes into `step`.
pub(crate) async fn check(
    ctx: &Context,
    builder: &CargoBuilder,
    folder: &Path,
    command: &[String],
    step: &Step,
) -> eyre::Result<ExitStatus> {
    let Some((program, args)) = command.split_first() else {
        return Err(UserError::new(Exit::Usage, "a check has no command").into());
    };
    let environment = {
        let manifest = builder.manifest.under(ctx.root());
        let cache = ctx.state_dir().join(super::CACHE);
        let found = tokio::task::spawn_blocking(move || {
            let environment = Environment::of_process();
            let package = manifest.parent().unwrap_or(&manifest);
            let toolchain = Toolchain::find(package, &cache, &environment)?;
            Ok::<_, UserError>(toolchain.environment(environment))
        });
        found.await??
    };
    let environment = environment.with("CARGO_TARGET_DIR", ctx.state_dir().join("cargo"));
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter());
    process::run_shown(command, step).await.map_err(|error| {
        UserError::new(Exit::Failed, format!("`{program}` cannot be run: {error}")).into()
    })
}
