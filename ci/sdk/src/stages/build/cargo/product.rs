//! What cargo built: which program it is, whether it is what was promised, and its bill of materials.

use std::path::Path;

use ci_catalog::Service;
use ci_oci::Digest;

use super::elf::Elf;
use super::lockfile::Lockfile;
use super::messages::{self, Compiled};
use super::target::Target;
use super::{process, sbom};
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::stages::plan::group;

/// The one program that was built.
pub(super) fn the_only<'a>(
    service: &Service,
    compiled: &'a Compiled,
) -> Result<(&'a str, &'a messages::Program), UserError> {
    let mut programs = compiled.programs.iter();
    let manifest = service.manifest.display();
    match (programs.next(), programs.next()) {
        (Some((name, program)), None) => Ok((name, program)),
        (None, _) => Err(UserError::new(
            Exit::Usage,
            format!("{manifest}: the package has no program"),
        )
        .hint("`package` under [cargo] names the package, `bin` its program")),
        (Some(_), Some(_)) => {
            let names: Vec<&str> = compiled.programs.keys().map(String::as_str).collect();
            let message = format!(
                "{manifest}: the package has several programs: {}",
                names.join(", ")
            );
            Err(UserError::new(Exit::Usage, message)
                .hint("name one under [cargo]: `bin = \"NAME\"`"))
        }
    }
}

/// Holds the program to what was promised of it.
pub(super) fn check(
    ctx: &Context,
    service: &Service,
    program: &Path,
    target: &Target,
    cargo_home: &Path,
) -> eyre::Result<()> {
    if target.is_static
        && let Some(why) = Elf::read(program)?.not_static()
    {
        let message = format!("{} was not linked statically: {why}", service.name);
        return Err(UserError::new(Exit::Failed, message)
            .hint("a library that has no static form: write `linkage = \"dynamic\"` under [cargo]")
            .into());
    }
    let bytes = std::fs::read(program)?;
    for folder in [ctx.root(), cargo_home] {
        // A short path, such as `/app`, may be there for other reasons.
        let path = folder.as_os_str().as_encoded_bytes();
        if path.len() > 8 && process::contains(&bytes, path) {
            ctx.progress().warn(
                &group(service),
                "PathInProgram",
                format!(
                    "the program contains the path {}, so it differs from machine to machine; `env!(\"CARGO_MANIFEST_DIR\")` does that",
                    folder.display()
                ),
                None,
            );
        }
    }
    Ok(())
}

/// The bill of materials of a program.
pub(super) fn bill(
    workspace: &Path,
    program: &messages::Program,
    compiled: &Compiled,
) -> eyre::Result<Vec<u8>> {
    let path = workspace.join("Cargo.lock");
    let broken = || UserError::new(Exit::Usage, format!("{} cannot be read", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| broken().because(error))?;
    let lock = Lockfile::parse(&text).map_err(|error| broken().because(error))?;
    let (name, version) = &program.package;
    let root = lock
        .local(name, version)
        .ok_or_else(|| eyre::eyre!("{} lacks the package {name} {version}", path.display()))?;
    let digest = Digest::of(std::fs::read(&program.path)?);
    sbom::document(&lock, root, &compiled.packages, &digest)
}
