//! From a service to its program: found among those compiled before, or compiled now.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use ci_catalog::{CargoBuilder, Platform, Service};
use ci_engine::progress::{Outcome, Step};

use super::command::Build;
use super::flags::{self, Renames};
use super::inputs::{self, Inputs};
use super::memory::{Entry, Kept, Memory};
use super::recipe::Recipe;
use super::{Program, objects, product, toolchain};
use crate::context::Context;
use crate::stages::lock::Lock;
use crate::stages::plan::group;

/// File systems and clocks disagree by some milliseconds.
const CLOCK_SKEW: Duration = Duration::from_millis(100);

/// The program of a service, for a platform.
pub(super) async fn program(
    ctx: &Context,
    service: &Service,
    builder: &CargoBuilder,
    platform: &Platform,
) -> eyre::Result<Program> {
    let cache = ctx.state_dir().join(super::CACHE);
    let recipe = {
        let (root, builder) = (ctx.root().to_owned(), builder.clone());
        let (platform, cache) = (platform.clone(), cache.clone());
        tokio::task::spawn_blocking(move || Recipe::of(&root, &builder, &platform, &cache))
    };
    let recipe = recipe.await??;
    for setting in &recipe.ignored {
        let triple = &recipe.target.triple;
        let message =
            format!("`{setting}` is not followed; write the flags under `target.{triple}`");
        ctx.progress()
            .warn(&group(service), "CargoConfig", message, None);
    }
    let name = service.name.as_str();
    let known = find(ctx, name, &recipe, &cache).await?;
    let kept = match known {
        Some(kept) => kept,
        None => {
            let _lock = Lock::wait(&cache.join("lock")).await?;
            // Whoever had the lock before may have compiled just this.
            match find(ctx, name, &recipe, &cache).await? {
                Some(kept) => kept,
                None => shown(ctx, service, builder, &recipe, &cache).await?,
            }
        }
    };
    let objects = if recipe.target.is_static {
        BTreeMap::new()
    } else {
        objects::of(&kept.program, &recipe.target.triple)?
    };
    Ok(Program {
        bin: kept.bin,
        file: kept.program,
        sbom: kept.sbom,
        sources: kept.sources,
        objects,
    })
}

/// The program, if it was compiled from what is there now.
async fn find(
    ctx: &Context,
    name: &str,
    recipe: &Recipe,
    cache: &Path,
) -> eyre::Result<Option<Kept>> {
    if ctx.no_cache() {
        return Ok(None);
    }
    let query = ctx.query(name);
    let memory = Memory::open(cache, name, &recipe.target.triple);
    let kept = memory.find(&recipe.digest, &query, ctx.root()).await?;
    if kept.is_some() {
        let step = ctx
            .progress()
            .start(&name.into(), format!("cargo build {name}"), None);
        step.finish(Outcome::Cached);
    }
    Ok(kept)
}

/// Builds as a step that people see.
async fn shown(
    ctx: &Context,
    service: &Service,
    builder: &CargoBuilder,
    recipe: &Recipe,
    cache: &Path,
) -> eyre::Result<Kept> {
    let name = format!("cargo build {}", service.name);
    let step = ctx.progress().start(&group(service), name, None);
    let built = build(ctx, service, builder, recipe, cache, &step).await;
    step.finish(match &built {
        Ok(_) => Outcome::Done,
        Err(error) => Outcome::Failed(error.to_string()),
    });
    built
}

async fn build(
    ctx: &Context,
    service: &Service,
    builder: &CargoBuilder,
    recipe: &Recipe,
    cache: &Path,
    step: &Step,
) -> eyre::Result<Kept> {
    let start = SystemTime::now() - CLOCK_SKEW;
    let home = toolchain::cargo_home(&recipe.environment);
    let target_dir = ctx.state_dir().join("cargo");
    let mut build = Build {
        builder,
        toolchain: &recipe.toolchain,
        environment: recipe.environment.clone(),
        manifest: recipe.manifest.clone(),
        target: &recipe.target,
        target_dir: target_dir.clone(),
    };
    let workspace = build.workspace().await?;
    let renames = Renames::new(
        ctx.root(),
        &workspace,
        &home,
        &recipe.toolchain.sysroot,
        recipe.toolchain.commit.as_deref(),
    );
    build.environment = build
        .environment
        .with("CARGO_TARGET_DIR", &target_dir)
        .with(
            "CARGO_ENCODED_RUSTFLAGS",
            flags::encoded(&recipe.flags, &renames),
        );
    let compiled = build.run(step).await?;
    let (bin, program) = product::the_only(service, &compiled)?;
    product::check(ctx, service, &program.path, &recipe.target, &home)?;
    let sbom = product::bill(&workspace, program, &compiled)?;

    let rule = std::fs::read_to_string(program.path.with_extension("d")).unwrap_or_default();
    let mut files = inputs::dependencies(&rule);
    // Crates are told apart by the lock file; what build scripts wrote follows from the rest.
    let written = [ctx.state_dir(), &home, &recipe.toolchain.sysroot];
    files.retain(|file| !written.iter().any(|folder| file.starts_with(folder)));
    let folders = compiled.local_folders();
    let inputs = Inputs::new(ctx.root(), &workspace, &folders, &files);
    let content = if inputs::changed_since(&files, start) {
        // No digest is ever this: the program is used now and never found again.
        "changed while it was compiled".to_owned()
    } else {
        inputs
            .digest(&ctx.query(service.name.as_str()), ctx.root())
            .await?
    };
    let entry = Entry {
        recipe: recipe.digest,
        inputs,
        content,
        bin: bin.to_owned(),
        size: std::fs::metadata(&program.path)?.len(),
    };
    let mut memory = Memory::open(cache, service.name.as_str(), &recipe.target.triple);
    Ok(memory.keep(entry, &program.path, &sbom)?)
}
