//! From a service to its program: found among those compiled before, or compiled now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ci_catalog::{CargoBuilder, Platform, Service};
use ci_engine::progress::{Outcome, Step};
use ci_oci::Digest;

use super::command::Build;
use super::config::Config;
use super::elf::Elf;
use super::environment::Environment;
use super::flags::{self, Renames};
use super::inputs::{self, Inputs};
use super::lockfile::Lockfile;
use super::memory::{Entry, Kept, Memory};
use super::messages::{self, Compiled};
use super::target::Target;
use super::toolchain::{self, Toolchain};
use super::{Program, objects, process, sbom};
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::stages::lock::Lock;
use crate::stages::plan::group;

/// Counts up when the same recipe would make another program.
const VERSION: u32 = 1;

/// File systems and clocks disagree by some milliseconds.
const CLOCK_SKEW: Duration = Duration::from_millis(100);

/// Everything about a build but the sources.
struct Recipe {
    toolchain: Toolchain,
    target: Target,
    environment: Environment,
    /// Compiler flags that decide what is built.
    flags: Vec<String>,
    manifest: PathBuf,
    digest: Digest,
}

/// The program of a service, for a platform.
pub(super) async fn program(
    ctx: &Context,
    service: &Service,
    builder: &CargoBuilder,
    platform: &Platform,
) -> eyre::Result<Program> {
    let cache = ctx.state_dir().join("cargo-cache");
    let recipe = {
        let (ctx, service) = (ctx.clone(), service.clone());
        let (builder, platform, cache) = (builder.clone(), platform.clone(), cache.clone());
        tokio::task::spawn_blocking(move || recipe(&ctx, &service, &builder, &platform, &cache))
    };
    let recipe = recipe.await??;
    let name = service.name.as_str();
    let mut memory = Memory::open(&cache, name, &recipe.target.triple);
    let kept = match find(ctx, name, &memory, &recipe).await? {
        Some(kept) => kept,
        None => {
            let _lock = Lock::wait(&cache.join("lock")).await?;
            let step = ctx
                .progress()
                .start(&group(service), format!("cargo build {name}"), None);
            let built = build(ctx, service, builder, &recipe, &mut memory, &step).await;
            step.finish(match &built {
                Ok(_) => Outcome::Done,
                Err(error) => Outcome::Failed(error.to_string()),
            });
            built?
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
        objects,
    })
}

fn recipe(
    ctx: &Context,
    service: &Service,
    builder: &CargoBuilder,
    platform: &Platform,
    cache: &Path,
) -> Result<Recipe, UserError> {
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
    Ok(Recipe {
        environment: toolchain.environment(environment),
        digest: Digest::of(deciding.to_string()),
        toolchain,
        target,
        flags,
        manifest,
    })
}

/// The program, if it was compiled from what is there now.
async fn find(
    ctx: &Context,
    name: &str,
    memory: &Memory,
    recipe: &Recipe,
) -> eyre::Result<Option<Kept>> {
    if ctx.no_cache() {
        return Ok(None);
    }
    let query = ctx.query(name);
    let kept = memory.find(&recipe.digest, &query, ctx.root()).await?;
    if kept.is_some() {
        let step = ctx
            .progress()
            .start(&name.into(), format!("cargo build {name}"), None);
        step.finish(Outcome::Cached);
    }
    Ok(kept)
}

async fn build(
    ctx: &Context,
    service: &Service,
    builder: &CargoBuilder,
    recipe: &Recipe,
    memory: &mut Memory,
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
    let (bin, program) = the_only(service, &compiled)?;
    check(ctx, service, &program.path, &recipe.target, &home)?;
    let sbom = bill(&workspace, &program.package, &compiled)?;

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
    Ok(memory.keep(entry, &program.path, &sbom)?)
}

/// The one program that was built.
fn the_only<'a>(
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
fn check(
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

/// The bill of materials.
fn bill(
    workspace: &Path,
    (name, version): &messages::PackageKey,
    compiled: &Compiled,
) -> eyre::Result<Vec<u8>> {
    let path = workspace.join("Cargo.lock");
    let broken = || UserError::new(Exit::Usage, format!("{} cannot be read", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| broken().because(error))?;
    let lock = Lockfile::parse(&text).map_err(|error| broken().because(error))?;
    let root = lock
        .local(name, version)
        .ok_or_else(|| eyre::eyre!("{} lacks the package {name} {version}", path.display()))?;
    Ok(sbom::document(&lock, root, &compiled.packages)?)
}
