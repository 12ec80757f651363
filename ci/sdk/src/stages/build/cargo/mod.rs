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

use std::path::PathBuf;

use ci_catalog::{CargoBuilder, Platform};

pub(crate) use self::check::check;
pub(crate) use self::closure::{Closure, Purpose, normal};
use super::Prepared;
use crate::context::Context;
use crate::stages::plan::Planned;

/// A program that was compiled.
#[derive(Debug)]
struct Program {
    /// Its name.
    bin: String,
    /// Where it is kept on this machine.
    file: PathBuf,
    /// Its bill of materials.
    sbom: PathBuf,
    /// What it needs besides.
    objects: objects::Objects,
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
        container: image::container(&query, builder, platform, &program).await?,
        sbom: Some(program.sbom),
    })
}
