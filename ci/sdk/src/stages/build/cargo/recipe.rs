//! Everything about a build but the sources: toolchain, target, flags, arguments. Its digest, with that of the sources, names
//! the program.

use std::path::{Path, PathBuf};

use ci_catalog::{CargoBuilder, Platform};
use ci_oci::Digest;

use super::command::Build;
use super::config::Config;
use super::environment::Environment;
use super::flags;
use super::target::Target;
use super::toolchain::{self, Toolchain};
use crate::error::UserError;

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
    /// The same without what only this machine has: paths and times of files.
    pub(super) portable: Digest,
    /// Settings with flags that are not followed.
    pub(super) ignored: Vec<String>,
}

impl Recipe {
    /// How a service is built for a platform; what is found out of the toolchain is kept in `cache`.
    pub(super) fn of(
        root: &Path,
        builder: &CargoBuilder,
        platform: &Platform,
        cache: &Path,
    ) -> Result<Self, UserError> {
        let environment = Environment::of_process();
        let manifest = builder.manifest.under(root);
        let folder = manifest.parent().unwrap_or(root);
        let toolchain = Toolchain::find(folder, cache, &environment)?;
        let target = Target::choose(&toolchain, platform, builder.linkage)?;
        let home = toolchain::cargo_home(&environment);
        let config = Config::read(folder, root, &home, &target.triple)?;
        let flags = flags::deciding(&config.flags, &target);
        let deciding = |toolchain, config| {
            let deciding = serde_json::json!({
                "version": VERSION,
                "toolchain": toolchain,
                "tools": environment.of_tools(),
                "config": config,
                "manifest": builder.manifest.from_root(),
                "arguments": Build::deciding(builder, &target),
                "flags": flags,
            });
            Digest::of(deciding.to_string())
        };
        let portable = deciding(toolchain.portable(&target), config.portable());
        let digest = deciding(toolchain.identity(&environment), config.digest.clone());
        Ok(Self {
            portable,
            ignored: config.ignored,
            environment: toolchain.environment(environment),
            digest,
            toolchain,
            target,
            flags,
            manifest,
        })
    }
}
