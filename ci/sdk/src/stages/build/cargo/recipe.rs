//! Everything about a build but the sources: toolchain, target, flags, arguments. Its digest, with that of the sources, names
//! the program.

use std::path::{Path, PathBuf};

use ci_catalog::{CargoBuilder, Platform, Service};
use ci_oci::Digest;

use super::command::Build;
use super::config::Config;
use super::environment::Environment;
use super::flags;
use super::target::Target;
use super::toolchain::{self, Toolchain};
use crate::context::Context;
use crate::error::UserError;
use crate::stages::plan::group;

/// Counts up when the same recipe would make another program.
const VERSION: u32 = 1;

/// Everything about a build but the sources.
pub(super) struct Recipe {
    pub(super) toolchain: Toolchain,
    pub(super) target: Target,
    pub(super) environment: Environment,
    /// Compiler flags that decide what is built.
    pub(super) flags: Vec<String>,
    pub(super) manifest: PathBuf,
    /// Of everything that decides what is built.
    pub(super) digest: Digest,
}

impl Recipe {
    /// How a service is built for a platform; what is found out of the toolchain is kept in `cache`.
    pub(super) fn of(
        ctx: &Context,
        service: &Service,
        builder: &CargoBuilder,
        platform: &Platform,
        cache: &Path,
    ) -> Result<Self, UserError> {
        let environment = Environment::of_process();
        let manifest = builder.manifest.under(ctx.root());
        let folder = manifest.parent().unwrap_or(ctx.root());
        let toolchain = Toolchain::find(folder, cache, &environment)?;
        let target = Target::choose(&toolchain, platform, builder.linkage)?;
        let home = toolchain::cargo_home(&environment);
        let config = Config::read(folder, ctx.root(), &home, &target.triple)?;
        for setting in &config.ignored {
            ctx.progress().warn(
                &group(service),
                "CargoConfig",
                format!(
                    "`{setting}` is not followed; write the flags under `target.{}`",
                    target.triple
                ),
                None,
            );
        }
        let flags = flags::deciding(&config.flags, &target);
        let deciding = serde_json::json!({
            "version": VERSION,
            "toolchain": toolchain.identity(&environment),
            "tools": environment.of_tools(),
            "config": config.digest,
            "manifest": builder.manifest.from_root(),
            "arguments": Build::deciding(builder, &target),
            "flags": flags,
        });
        Ok(Self {
            environment: toolchain.environment(environment),
            digest: Digest::of(deciding.to_string()),
            toolchain,
            target,
            flags,
            manifest,
        })
    }
}
