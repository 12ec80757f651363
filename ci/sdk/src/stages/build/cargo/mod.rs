//! The `cargo` builder: a Rust program becomes an image without a Dockerfile. It is compiled on this machine's toolchain,
//! outside the engine, then put into an image with Dagger functions.
//!
//! Equal sources, lock file and toolchain give equal bytes, wherever the checkout is and whoever builds. The program depends
//! on nothing else: no commit, no time; those reach it through the image's environment. A build script that reads the clock,
//! the network or git breaks this, and is not run again as long as the sources are the same.

mod check;
mod closure;
mod command;
mod compile;
mod config;
mod elf;
mod environment;
mod flags;
mod image;
mod inputs;
mod lockfile;
mod memory;
mod messages;
mod objects;
mod process;
mod product;
mod recipe;
mod sbom;
mod target;
mod toolchain;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ci_catalog::{CargoBuilder, Platform};

pub(crate) use self::check::check;
pub(crate) use self::closure::{Closure, Purpose, normal};
pub(crate) use self::inputs::Inputs;
use self::recipe::Recipe;
use super::Prepared;
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::plan::Planned;

/// Name of the folder of the state folder that holds what is known of programs and toolchains.
const CACHE: &str = "cargo-cache";

/// A program that was compiled.
#[derive(Debug)]
struct Program {
    /// Its name.
    bin: String,
    /// Where it is kept on this machine.
    file: PathBuf,
    /// Its bill of materials.
    sbom: PathBuf,
    /// What it was compiled from.
    sources: Inputs,
    /// What it needs besides.
    objects: objects::Objects,
}

/// Everything but sources that decides what program a package becomes, as every machine says it that has the same tools.
///
/// # Errors
/// When the toolchain lacks something; or the image gets shared objects, which are known only when the program is there.
pub(crate) fn portable(
    project: &Project,
    builder: &CargoBuilder,
    platform: &Platform,
) -> Result<String, UserError> {
    let cache = project.state_dir().join(CACHE);
    let recipe = Recipe::of(project.root(), builder, platform, &cache)?;
    if recipe.target.is_static {
        return Ok(recipe.portable.to_string());
    }
    let message =
        "it is linked with shared objects of this machine, and which ones is known only when it is";
    Err(UserError::new(Exit::Machine, message))
}

/// The certificate authorities of this machine.
///
/// # Errors
/// When it has none.
pub(crate) fn certificates() -> Result<PathBuf, UserError> {
    image::certificates(&image::BUNDLES.map(Path::new)).map(Path::to_owned)
}

/// The image of a service that is a Rust program, before the catalog's `[image]` is added.
pub(super) async fn image(
    ctx: &Context,
    planned: &Planned<'_>,
    builder: &CargoBuilder,
    platform: &Platform,
) -> eyre::Result<Prepared> {
    let program = compile::program(ctx, planned.service, builder, platform).await?;
    let query = ctx.query(planned.service.name.as_str());
    Ok(Prepared {
        bases: Vec::new(),
        annotations: BTreeMap::new(),
        container: image::container(&query, builder, platform, &program).await?,
        sbom: Some(program.sbom),
        sources: Some(program.sources),
    })
}
